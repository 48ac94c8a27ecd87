/* SPDX-License-Identifier: MIT */
/*
 * What an NE2000's controller finds at its 16 address lines. The board decodes line 14 alone:
 *
 *      0000h  PROM, 32 bytes again and again      8000h  the same again
 *      4000h  16 KiB of RAM                       C000h  and this
 *
 * So no address is out of range. A page of 256 bytes is all of one kind.
 */
#pragma once

#include "kernel/base/types.h"

#define NE2000_PROM	 32u
#define NE2000_RAM	 0x4000u
#define NE2000_RAM_FIRST 0x4000u

struct ne2000_memory {
	u8 prom[NE2000_PROM];
	u8 ram[NE2000_RAM];
};

static inline bool ne2000_is_ram(u16 at)
{
	return at & NE2000_RAM_FIRST;
}

/* Of an address in RAM: bytes from there to its end lie in a row. */
static inline u8 *ne2000_ram(struct ne2000_memory *m, u16 at)
{
	return &m->ram[at % NE2000_RAM];
}

static inline u8 ne2000_read(const struct ne2000_memory *m, u16 at)
{
	return ne2000_is_ram(at) ? m->ram[at % NE2000_RAM] : m->prom[at % NE2000_PROM];
}

static inline void ne2000_write(struct ne2000_memory *m, u16 at, u8 v)
{
	if (ne2000_is_ram(at))
		m->ram[at % NE2000_RAM] = v;
}
