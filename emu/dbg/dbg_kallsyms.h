/* SPDX-License-Identifier: MIT */
/*
 * The names that a Linux keeps of itself (CONFIG_KALLSYMS), read from its memory: no file is
 * needed.
 * scripts/kallsyms.c of Linux 4.6 to 6.3 writes, in this order and each aligned to 4 bytes:
 *
 *      offsets        count words, ascending: address less relative_base
 *      relative_base  a word
 *      count          a word
 *      names          count times: length (7 bits, or 14 in two bytes), then so many tokens
 *      markers        where each 256th name lies in names
 *      sequence       since 6.2, and in later 6.1: a number of 3 bytes for each name
 *      token_table    256 texts, each with its NUL
 *      token_index    256 times 16 bits: where each text lies in token_table
 *
 * Found by the digits, which are tokens of their own side by side, and proven by each other: the
 * index by the table, the names by markers and count, the offsets by their order. It is the guest's
 * memory, and may hold anything: every read, length and count is bounded.
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "emu/dbg/dbg_symbols.h"

/* Looks through the memory behind the handler of page faults. NULL, or why there are none; *s is
 * then empty. dbg_symbols_free() frees what this takes. */
const char *dbg_kallsyms_load(struct cpu *cpu, struct dbg_symbols *s);
