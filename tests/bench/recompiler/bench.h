/* SPDX-License-Identifier: MIT */
/* The recompiler's benchmark: one image, several processors. */
#pragma once

#include "kernel/base/types.h"

#define IMAGE_BASE 0x400000u
#define GUEST_RAM  (16u * MiB)

/* One program: path without suffix; NAME.bin is the flat image, NAME.elf the same for Linux. */
struct program {
	const char *path;
	bool real_mode; /* 16-bit image, entered at 1000:0000 */
};

struct measure {
	u64 cycles; /* of the TSC; 0: could not run */
	u32 sum;    /* the program's result */
};

struct translation {
	u64 cold, warm; /* TSC cycles of the first and the second run */
	u64 insns, guest_bytes, host_bytes;
};

/* Where native_find() says that this host can. */
struct measure measure_native(const struct program *p);
/* As a Linux program, under an emulator. */
struct measure measure_process(const struct program *p, const char *emulator);
struct measure measure_unicorn(const struct program *p);
struct measure measure_ours(const struct program *p);
/* Also fills in what translating took. */
struct measure measure_ours_cold(const struct program *p, struct translation *t);

/* The flat image, allocated; NULL if it cannot be read. */
u8 *image_read(const struct program *p, size_t *size);
