/* SPDX-License-Identifier: MIT */
/*
 * Data goes to RAM and comes from RAM or ROM: what a guest points at device memory or nothing is
 * lost, and reads as ones there. A table is read a descriptor at a time, when it is needed; each
 * has two bytes at least, so no table keeps this busy.
 */
#include "emu/chip/bus_master.h"

#include "emu/dev/ram_dma.h"

enum { REG_COMMAND, REG_STATUS = 2, REG_TABLE = 4 };

#define LAST	     0x80000000u
#define REGION_COUNT 0xfffeu

static void copy(struct ata_channel *c, gpa_t at, bool in, u8 *buf, u32 n)
{
	if (in)
		ram_dma_write(c->mem, at, buf, n);
	else
		ram_dma_read(c->mem, at, buf, n);
}

/* The next region. */
static void fetch(struct ata_channel *c)
{
	u8 d[8];
	u32 count;

	copy(c, c->bm_at, false, d, sizeof(d));
	c->bm_at += sizeof(d);
	c->bm_base = (u32)(d[0] | d[1] << 8 | d[2] << 16) | (u32)d[3] << 24;
	c->bm_base &= ~1u;
	count = (u32)(d[4] | d[5] << 8) & REGION_COUNT;
	c->bm_left = count ? count : 0x10000;
	c->bm_last = d[7] & 0x80;
}

static bool is_running(const struct ata_channel *c)
{
	return (c->bm_command & BM_START) && (c->bm_status & BM_ACTIVE);
}

/* The present region, or the next one if it is done. */
static u32 region_left(struct ata_channel *c)
{
	if (!c->bm_left && !c->bm_last)
		fetch(c);
	return c->bm_left;
}

u32 bus_master_ready(struct ata_channel *c)
{
	return is_running(c) ? region_left(c) : 0;
}

u32 bus_master_move(struct ata_channel *c, bool in, u8 *buf, u32 n)
{
	u32 done = 0;

	if (!is_running(c))
		return 0;
	while (done < n && region_left(c)) {
		u32 piece = MIN(n - done, c->bm_left);

		copy(c, c->bm_base, in, buf + done, piece);
		c->bm_base += piece;
		c->bm_left -= piece;
		done += piece;
	}
	if (!c->bm_left && c->bm_last)
		c->bm_status &= (u8)~BM_ACTIVE;
	return done;
}

void bus_master_reset(struct ata_channel *c)
{
	c->bm_command = c->bm_status = 0;
	c->bm_table = c->bm_at = c->bm_base = c->bm_left = 0;
	c->bm_last = false;
}

static u8 read8(const struct ata_channel *c, unsigned reg)
{
	switch (reg) {
	case REG_COMMAND:
		return c->bm_command;
	case REG_STATUS:
		return c->bm_status;
	case REG_TABLE:
	case REG_TABLE + 1:
	case REG_TABLE + 2:
	case REG_TABLE + 3:
		return (u8)(c->bm_table >> 8 * (reg - REG_TABLE));
	default:
		return 0;
	}
}

u32 bus_master_read(struct ata_channel *c, unsigned reg, unsigned size)
{
	u32 v = 0;

	for (unsigned i = 0; i < size; i++)
		v |= (u32)read8(c, reg + i) << 8 * i;
	return v;
}

static bool write_command(struct ata_channel *c, u8 v)
{
	bool starts = (v & BM_START) && !(c->bm_command & BM_START);

	c->bm_command = v & (BM_START | BM_READ);
	if (!(v & BM_START))
		c->bm_status &= (u8)~BM_ACTIVE;
	if (!starts)
		return false;
	c->bm_status |= BM_ACTIVE;
	c->bm_at = c->bm_table;
	c->bm_left = 0;
	c->bm_last = false;
	return true;
}

bool bus_master_write(struct ata_channel *c, unsigned reg, unsigned size, u32 value)
{
	bool started = false;

	for (unsigned i = 0; i < size; i++, reg++) {
		u8 v = (u8)(value >> 8 * i);
		unsigned shift = 8 * (reg & 3);

		if (reg == REG_COMMAND)
			started = write_command(c, v);
		else if (reg == REG_STATUS) /* DMA capable(2): storage; two that a one clears */
			c->bm_status = (u8)((v & 0x60) | (c->bm_status & ~(v & 0x06) & 0x07));
		else if (reg >= REG_TABLE && reg < REG_TABLE + 4)
			c->bm_table = (c->bm_table & ~(0xffu << shift)) | (u32)v << shift;
	}
	c->bm_table &= ~3u;
	return started;
}
