/* SPDX-License-Identifier: MIT */
/*
 * The upper halves of YMM0 to YMM7. The stubs switch x87 and SSE state on the host (FXSAVE); the
 * upper halves stay in the registers, as in the monitor, whose C uses none. For the C library to
 * leave them alone, too, it has to be told before the program starts.
 */
#pragma once

#include "kernel/base/types.h"

#define UPPER_SIZE 128u

/* Starts the program again, with a C library that uses no AVX. Returns false if that is not enough:
 * its routines still touch the upper halves. Without AVX there is nothing to do. */
bool upper_keep(char **argv);
bool upper_exist(void);
void upper_load(const u8 *halves);
void upper_store(u8 *halves);
