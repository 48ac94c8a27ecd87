/* SPDX-License-Identifier: MIT */
/*
 * Entries of the APICs' tables in words.
 */
#pragma once

#include "emu/dbg/dbg_text.h"

/* An entry (layout: kernel/hw/apic_regs.h), and what else is to be said of it. */
void words_apic_entry(const struct dbg_out *out, const char *what, u32 entry, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
