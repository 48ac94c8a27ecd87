/* SPDX-License-Identifier: MIT */
/*
 * The log that a Linux keeps in its memory (its printk_ringbuffer.h of 5.10 to 6.1), found by its
 * symbol `prb`, or by what it notes for crash dumps. It is the guest's memory, and may hold
 * anything: every read and count is bounded, and what does not fit together is left out.
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "emu/dbg/dbg_symbols.h"
#include "emu/dbg/dbg_text.h"

/* The last `most` records. NULL, or why there are none. */
const char *dbg_print_dmesg(struct cpu *cpu, const struct dbg_symbols *s, u32 most,
			    const struct dbg_out *out);
