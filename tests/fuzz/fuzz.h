/* SPDX-License-Identifier: MIT */
/*
 * What the fuzz targets share: taking values from the input, and a guest in any mode on the host
 * machine.
 */
#pragma once

#include "emu/cpu/semantics.h"
#include "tests/host/machine.h"

/* The target: as libFuzzer calls it, and replay.c. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

struct fuzz_input {
	const u8 *p, *end;
};

/* Zeroes when the input is used up. */
u8 fuzz_u8(struct fuzz_input *in);
u32 fuzz_u32(struct fuzz_input *in);
/* Copies what is there, up to len. */
void fuzz_bytes(struct fuzz_input *in, u8 *to, u32 len);

extern struct machine fuzz_machine;

/* Power-on state, all RAM that the targets use cleared, events none. */
void fuzz_reset(void);
/* Flat 32-bit segments of this level: CS by selector 08h, the others by 10h. */
void fuzz_flat(unsigned cpl);
/* One step of at most a tenth of a second. False: the processor has stopped for good. */
bool fuzz_step(void);
