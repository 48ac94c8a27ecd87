/* SPDX-License-Identifier: MIT */
/* What every program of the benchmark defines: it works for some tens of milliseconds and returns a
 * checksum. No C library. */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;

#define NOINLINE __attribute__((noinline))

u32 bench(void);
