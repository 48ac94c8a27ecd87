/* SPDX-License-Identifier: MIT */
/*
 * What a debugger wants of a machine that stands, in a stream: section "core", then RAM as
 * gpmem_pack_pages() has it. iso/core-file makes an ELF core of it.
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "emu/snap/snap.h"

/* why: what it is doing, or why it stopped. */
void dbg_save_core(struct cpu *cpu, const char *name, const char *why, struct snap *s);
