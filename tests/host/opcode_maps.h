/* SPDX-License-Identifier: MIT */
/*
 * A walk through the opcode maps: one, two and three bytes, x87 and VEX, each opcode with each
 * prefix (and pair of prefixes) that selects another instruction somewhere, with each operation or
 * register of ModRM, as a register form and as memory forms. What of it is an instruction is for
 * the caller to say.
 */
#pragma once

#include "kernel/base/types.h"

#define OPCODE_BYTES 16u

struct opcode_walk {
	bool wide;  /* 32-bit code: the memory forms are of 32-bit addressing */
	bool pairs; /* two prefixes, too */
	/* bytes: n of the encoding (at most 15), then HLT up to OPCODE_BYTES. */
	void (*take)(const u8 *bytes, unsigned n);
};

void opcode_maps_walk(const struct opcode_walk *w);
