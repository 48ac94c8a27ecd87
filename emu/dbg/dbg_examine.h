/* SPDX-License-Identifier: MIT */
/*
 * Memory in the units that are asked for: x/FMT.
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "emu/dbg/dbg_text.h"

#define DBG_EXAMINE_MAX 4096u

/*
 * "/16d": a count, 1 if there is none, and b, w, d, q (1, 2, 4, 8 bytes in hexadecimal), s (text)
 * or i (instructions); d if there is none. Without a slash: 64 bytes. NULL, or what is wrong.
 */
struct dbg_format {
	unsigned count;
	char unit;
};
const char *dbg_parse_format(const char *text, struct dbg_format *f);

/* At a linear address; at a physical one (no instructions there). */
void dbg_examine(struct cpu *cpu, u32 address, bool physical, const struct dbg_format *f,
		 const struct dbg_out *out);
