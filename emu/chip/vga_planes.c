/* SPDX-License-Identifier: MIT */
/*
 * What an access of the processor does to the planes (IBM VGA XGA Technical Reference, graphics
 * controller). A write goes through four steps, on all four planes at once:
 *
 *     byte -> rotated, one for each plane -> set/reset -> function with the latches -> bit mask
 *
 * and is stored in the planes that map mask and addressing let through. A read fills the latches.
 * What the registers say is laid out in struct vga_path once, when one of them is written.
 */
#include "emu/chip/vga.h"

#include "kernel/base/string.h"

#define EVEN_PLANES 0x00ff00ffu
#define CELLS	    ((u32)(VGA_MEMORY / 4))

/* A byte of ones for each bit of a nibble. */
static const u32 spread[16] = {
	0x00000000, 0x000000ff, 0x0000ff00, 0x0000ffff, 0x00ff0000, 0x00ff00ff,
	0x00ffff00, 0x00ffffff, 0xff000000, 0xff0000ff, 0xff00ff00, 0xff00ffff,
	0xffff0000, 0xffff00ff, 0xffffff00, 0xffffffff,
};

static u32 four_times(u32 byte)
{
	return byte * 0x01010101u;
}

static void update_map(struct vga *v, struct vga_path *p)
{
	static const u32 first[4] = { 0, 0, 0x10000, 0x18000 };
	static const u32 size[4] = { 0x20000, 0x10000, 0x8000, 0x8000 };
	unsigned map = v->graphics[GFX_MISC] >> 2 & 3;

	p->chain = v->sequencer[SEQ_MEMORY_MODE] & SEQ_CHAIN4 ? VGA_CHAIN4
		   : v->graphics[GFX_MODE] & GFX_ODD_EVEN     ? VGA_ODD_EVEN
							      : VGA_PLANAR;
	p->planes = spread[v->sequencer[SEQ_MAP_MASK]];
	p->offset = 0;
	/* The modes of DISPI, whatever drivers write to the registers of a VGA besides. */
	if (vga_dispi_on(&v->dispi)) {
		map = 1;
		p->offset = (u32)v->dispi.bank << 16;
		if (v->dispi.bpp == 4) {
			p->chain = VGA_PLANAR;
		} else {
			p->chain = VGA_CHAIN4;
			p->planes = spread[15];
		}
	}
	p->first = first[map];
	p->size = size[map];
	if (p->chain == VGA_PLANAR)
		p->size = MIN(p->size, CELLS - MIN(p->offset, CELLS));
}

static bool is_mappable(const struct vga_path *p)
{
	return p->plain &&
	       ((p->chain == VGA_CHAIN4 && p->planes == 0xffffffff) ||
		/* Planes 2 and 3 are left alone, and reads find planes 0 and 1. */
		(p->chain == VGA_ODD_EVEN && p->planes == 0x0000ffff && p->read_plane < 2));
}

void vga_planes_update(struct vga *v)
{
	struct vga_path *p = &v->path;
	const u8 *g = v->graphics;

	update_map(v, p);
	p->set_reset = spread[g[GFX_ENABLE_SET]];
	p->set = spread[g[GFX_SET_RESET]];
	p->bits = four_times(g[GFX_BIT_MASK]);
	p->compare = spread[g[GFX_COMPARE]];
	p->care = spread[g[GFX_CARE]];
	p->rotate = g[GFX_ROTATE] & 7;
	p->function = g[GFX_ROTATE] >> 3 & 3;
	p->read_plane = g[GFX_READ_MAP];
	p->write_mode = g[GFX_MODE] & 3;
	p->read_compares = g[GFX_MODE] & GFX_READ_COMPARE;
	p->plain = !p->write_mode && !p->set_reset && !p->rotate && !p->function &&
		   p->bits == 0xffffffff;
	p->mappable = is_mappable(p);
}

/* The dword that offset reaches, and the planes of it; false: nobody answers there. */
static inline bool reach(const struct vga_path *p, u32 offset, u32 *dword, u32 *planes)
{
	u32 at = offset - p->first;

	if (at >= p->size)
		return false;
	at += p->offset;
	*dword = at;
	*planes = 0xffffffff;
	if (p->chain == VGA_PLANAR)
		return true;
	if (p->chain == VGA_CHAIN4) {
		*dword = at / 4;
		*planes = 0xffu << at % 4 * 8;
	} else {
		*dword = at / 2;
		*planes = at & 1 ? ~EVEN_PLANES : EVEN_PLANES;
	}
	return *dword < CELLS;
}

static u32 *cell_of(struct vga *v, u32 dword)
{
	return (u32 *)(void *)v->memory + dword;
}

static u8 compared(const struct vga *v)
{
	u32 differs = (v->latch ^ v->path.compare) & v->path.care;

	differs |= differs >> 16;
	return (u8) ~(differs | differs >> 8);
}

u8 vga_planes_read(struct vga *v, u32 offset)
{
	const struct vga_path *p = &v->path;
	u32 dword, planes;

	if (!reach(p, offset, &dword, &planes))
		return 0xff;
	v->latch = *cell_of(v, dword);
	if (p->chain == VGA_PLANAR && !p->read_compares)
		return (u8)(v->latch >> p->read_plane * 8);
	if (p->chain == VGA_CHAIN4)
		return (u8)(v->latch >> (offset & 3) * 8);
	if (p->chain == VGA_ODD_EVEN)
		return (u8)(v->latch >> ((p->read_plane & 2u) | (offset & 1)) * 8);
	return compared(v);
}

static u32 combined(const struct vga_path *p, u32 data, u32 latch)
{
	switch (p->function) {
	case 1:
		return data & latch;
	case 2:
		return data | latch;
	case 3:
		return data ^ latch;
	default:
		return data;
	}
}

/* What a byte becomes in the four planes. */
static u32 data_of(const struct vga *v, u8 value)
{
	const struct vga_path *p = &v->path;
	u32 rotated = (value >> p->rotate | value << (8 - p->rotate)) & 0xff;
	u32 data, bits = p->bits;

	switch (p->write_mode) {
	case 0:
		data = (four_times(rotated) & ~p->set_reset) | (p->set & p->set_reset);
		break;
	case 1:
		return v->latch;
	case 2:
		data = spread[value & 15];
		break;
	default:
		data = p->set;
		bits &= four_times(rotated);
	}
	return (combined(p, data, v->latch) & bits) | (v->latch & ~bits);
}

void vga_planes_write(struct vga *v, u32 offset, u8 value)
{
	const struct vga_path *p = &v->path;
	u32 dword, planes, data, *cell;

	if (!reach(p, offset, &dword, &planes))
		return;
	data = p->plain ? four_times(value) : data_of(v, value);
	planes &= p->planes;
	cell = cell_of(v, dword);
	*cell = (*cell & ~planes) | (data & planes);
	vga_dirty(v, dword * 4);
	if (planes & spread[4] && dword < VGA_PLANES / 4)
		v->font_dirty = true;
}
