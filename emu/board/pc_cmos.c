/* SPDX-License-Identifier: MIT */
/*
 * Each byte has a meaning of its own.
 */
#include "emu/board/pc_cmos.h"

#include "kernel/base/types.h"

static void set16(struct mc146818 *r, u8 index, u64 value)
{
	u64 v = MIN(value, 0xffffull);

	mc146818_set_cmos(r, index, (u8)v);
	mc146818_set_cmos(r, (u8)(index + 1), (u8)(v >> 8));
}

/* Coprocessor, PS/2 mouse, how many floppy drives: bits 7 and 6 are one less. */
static u8 equipment(u8 floppies)
{
	unsigned n = (floppies & 0xf0 ? 1u : 0) + (floppies & 0x0f ? 1u : 0);

	return (u8)(0x06 | (n ? 1 | (n - 1) << 6 : 0));
}

void pc_cmos_fill(struct mc146818 *r, u8 floppies, u64 ram)
{
	mc146818_set_cmos(r, 0x10, floppies);
	mc146818_set_cmos(r, 0x14, equipment(floppies));
	set16(r, 0x15, 640);
	set16(r, 0x17, ram > MiB ? (ram - MiB) / KiB : 0);
	set16(r, 0x30, ram > MiB ? MIN((ram - MiB) / KiB, 63 * KiB) : 0);
	set16(r, 0x34, ram > 16 * MiB ? (ram - 16 * MiB) / (64 * KiB) : 0);
}
