/* SPDX-License-Identifier: MIT */
/*
 * Directed cases: the image of the system. First whole, then a few descriptors, TSS fields and
 * gates are spoiled.
 */
#include "tests/diff/directed_world.h"

#include <string.h>

#include "emu/cpu/transfer.h"
#include "tests/diff/ours_tables.h"

u32 world_pick(struct world *w, u32 n)
{
	return rnd_below(&w->r, n);
}

bool world_chance(struct world *w, u32 of)
{
	return !rnd_below(&w->r, of);
}

void world_put(struct world *w, u32 at, u32 v, unsigned size)
{
	memcpy(w->c->image + at, &v, size);
}

/* Selector of a GDT entry, or one like it in the LDT; RPL 0. */
static u16 gdt(u32 entry)
{
	return (u16)(entry << 3);
}

static u16 ldt(u32 entry)
{
	return (u16)(entry << 3 | 4);
}

u16 world_code(struct world *w, u32 level)
{
	switch (world_pick(w, 6)) {
	case 0:
		return (u16)(ldt(LDT_CODE + level) | level);
	case 1:
		return (u16)(gdt(GDT_CONFORMING + world_pick(w, level + 1)) | level);
	case 2:
		return (u16)(gdt(GDT_CODE16 + level) | level);
	default:
		return (u16)(gdt(GDT_CODE32 + level) | level);
	}
}

u16 world_stack(struct world *w, u32 level)
{
	switch (world_pick(w, 5)) {
	case 0:
		return (u16)(ldt(LDT_STACK + level) | level);
	case 1:
		return (u16)(gdt(GDT_STACK16 + level) | level);
	default:
		return (u16)(gdt(GDT_STACK32 + level) | level);
	}
}

u16 world_data(struct world *w, u32 level)
{
	u32 outer = level + world_pick(w, 4 - level); /* of a level that may be read */

	switch (world_pick(w, 8)) {
	case 0:
		return (u16)world_pick(w, 4); /* null */
	case 1:
		return (u16)(ldt(LDT_DATA + outer) | level);
	case 2:
		return (u16)(gdt(GDT_CODE32 + outer) | level);
	case 3:
		return (u16)(gdt(GDT_READ + world_pick(w, 2)) | 3);
	default:
		return (u16)(gdt(GDT_DATA + outer) | level);
	}
}

u16 world_any(struct world *w)
{
	u32 entry = world_pick(w, 20) ? world_pick(w, GDT_ENTRIES) : GDT_ENTRIES + world_pick(w, 9);

	if (world_chance(w, 4))
		return (u16)(ldt(world_pick(w, LDT_ENTRIES + 1)) | world_pick(w, 4));
	return (u16)(gdt(entry) | world_pick(w, 4));
}

u16 world_gate(struct world *w)
{
	u16 rpl = (u16)(world_chance(w, 4) ? world_pick(w, 4) : 0);

	if (world_chance(w, 5))
		return (u16)(ldt(LDT_CALL_GATE + world_pick(w, 4)) | rpl);
	if (world_chance(w, 4))
		return (u16)(gdt(GDT_TASK_GATE + world_pick(w, 4)) | rpl);
	return (u16)(gdt(GDT_CALL_GATE + world_pick(w, 16)) | rpl);
}

u16 world_tss(struct world *w)
{
	return (u16)(gdt(GDT_TSS + world_pick(w, 4)) | (world_chance(w, 4) ? world_pick(w, 4) : 0));
}

u32 world_slot(struct world *w)
{
	if (world_chance(w, 24))
		return 0x10000 + world_pick(w, 0x10000); /* beyond the limit */
	return DIRECTED_SLOT(world_pick(w, DIRECTED_SLOTS));
}

u32 world_flags(struct world *w, u32 level)
{
	u32 flags = (u32)rnd(&w->r) & (EFLAGS_ARITH | EFLAGS_IF | EFLAGS_IOPL | EFLAGS_ID);

	if (world_chance(w, 6))
		flags |= EFLAGS_NT;
	if (level && world_chance(w, 3))
		flags |= EFLAGS_IOPL;
	return flags | EFLAGS_ONE;
}

static void entry(struct world *w, u32 at, u64 d)
{
	memcpy(w->c->image + at, &d, 8);
}

static u64 segment(u32 base, u32 limit, u32 access, u32 level, bool big)
{
	return tables_descriptor(base, limit, access | level << 5 | (big ? 0x400 : 0));
}

static u64 call_gate(struct world *w)
{
	u32 type = world_chance(w, 3) ? SYS_CALL16 : SYS_CALL32;
	u32 count = world_chance(w, 8) ? world_pick(w, 32) : world_pick(w, 4);
	u32 dpl = world_chance(w, 3) ? world_pick(w, 4) : 3, offset = world_slot(w);
	u32 level = world_pick(w, 4);

	if (type == SYS_CALL16) /* reserved, and not looked at */
		offset &= 0xffff;
	return (u64)offset >> 16 << 48 | (u64)(0x80 | dpl << 5 | type) << 40 | (u64)count << 32 |
	       (u64)world_code(w, level) << 16 | (offset & 0xffff);
}

static u64 some_task_gate(struct world *w)
{
	return (u64)(0x80 | (world_chance(w, 3) ? world_pick(w, 4) : 3u) << 5 | SYS_TASK_GATE)
		       << 40 |
	       (u64)world_tss(w) << 16;
}

static void make_gdt(struct world *w)
{
	u64 *g = w->c->home;

	memset(g, 0, sizeof(w->c->home));
	g[GDT_CODE0] = tables_descriptor(0, 0xfffff, 0xc9b);
	g[GDT_DATA0] = tables_descriptor(0, 0xfffff, 0xc93);
	for (u32 l = 0; l < 4; l++) {
		g[GDT_CODE32 + l] = segment(AT_CODE, 0xffff, 0x9b, l, true);
		g[GDT_CODE16 + l] = segment(AT_CODE, 0xffff, 0x9b, l, false);
		g[GDT_CONFORMING + l] = segment(AT_CODE, 0xffff, 0x9f, l, world_pick(w, 2));
		g[GDT_DATA + l] = segment(AT_DATA, 0xffff, 0x93, l, world_pick(w, 2));
		g[GDT_STACK32 + l] = segment(AT_STACKS, 0xffff, 0x93, l, true);
		g[GDT_STACK16 + l] = segment(AT_STACKS, 0xffff, 0x93, l, false);
		g[GDT_TSS + l] = segment(AT_TSS(l), 0x67, l == 0 || l == 3 ? 0x8b : 0x89, 0, false);
		g[GDT_TASK_GATE + l] = some_task_gate(w);
	}
	for (u32 i = 0; i < 2; i++) {
		g[GDT_LDT + i] = segment(AT_LDT(i), LDT_ENTRIES * 8 - 1, 0x82, 0, false);
		g[GDT_TSS16 + i] = segment(AT_TSS(4 + i), 0x2b, 0x81 + 2 * i, 0, false);
	}
	g[GDT_EXECUTE] = segment(AT_CODE, 0xffff, 0x99, world_pick(w, 4), true);
	g[GDT_READ] = segment(AT_DATA, 0xffff, 0x91, 3, true);
	g[GDT_DOWN] = segment(AT_DATA, 0x7ff, 0x97, 3, true);
	for (u32 i = 0; i < 16; i++)
		g[GDT_CALL_GATE + i] = call_gate(w);
	memcpy(w->c->image + AT_GDT, g, sizeof(w->c->home));
}

static void make_ldt(struct world *w, u32 at)
{
	for (u32 l = 0; l < 4; l++) {
		entry(w, at + 8 * (LDT_CODE + l),
		      segment(AT_CODE, 0xffff, 0x9b, l, world_pick(w, 2)));
		entry(w, at + 8 * (LDT_DATA + l), segment(AT_DATA, 0xffff, 0x93, l, true));
		entry(w, at + 8 * (LDT_STACK + l),
		      segment(AT_STACKS, 0xffff, 0x93, l, world_pick(w, 2)));
		entry(w, at + 8 * (LDT_CALL_GATE + l), call_gate(w));
	}
}

/* A TSS of 32 bits (SDM 3A figure 8-2). */
static void make_tss(struct world *w, u32 at)
{
	u32 level = world_pick(w, 4);
	bool v86 = world_chance(w, 6);

	for (u32 i = 0; i < 0x68; i += 4)
		world_put(w, at + i, (u32)rnd(&w->r), 4);
	world_put(w, at, world_tss(w), 4);
	for (u32 l = 0; l < 3; l++) {
		world_put(w, at + 4 + 8 * l, DIRECTED_STACK(l) + 4 * world_pick(w, 16), 4);
		world_put(w, at + 8 + 8 * l, world_stack(w, l), 4);
	}
	world_put(w, at + 0x1c, w->c->cr3, 4);
	world_put(w, at + 0x20, world_slot(w), 4);
	world_put(w, at + 0x24, world_flags(w, level) | (v86 ? EFLAGS_VM : 0), 4);
	world_put(w, at + 0x38, DIRECTED_STACK(level), 4);
	for (unsigned s = 0; s < SEG_COUNT; s++) {
		u16 sel = s == SEG_CS	? world_code(w, level)
			  : s == SEG_SS ? world_stack(w, level)
					: world_data(w, level);

		if (v86)
			sel = (u16)(s == SEG_CS	  ? AT_CODE >> 4
				    : s == SEG_SS ? AT_STACKS >> 4
						  : AT_DATA >> 4);
		world_put(w, at + 0x48 + 4 * s, sel, 4);
	}
	world_put(w, at + 0x60, world_chance(w, 4) ? 0 : gdt(GDT_LDT + world_pick(w, 2)), 4);
	world_put(w, at + 0x64, 0x680000, 4);
}

/* Of 16 bits: for its stacks alone, after LTR (SDM 3A figure 8-10). */
static void make_tss16(struct world *w, u32 at)
{
	for (u32 l = 0; l < 3; l++) {
		world_put(w, at + 2 + 4 * l, DIRECTED_STACK(l), 2);
		world_put(w, at + 4 + 4 * l, world_stack(w, l), 2);
	}
}

/* Identity, everything allowed, accessed and dirty. */
static void make_pages(struct world *w)
{
	world_put(w, AT_PAGES, (AT_PAGES + PAGE_SIZE) | 0x67, 4);
	for (u32 p = 0; p < WORLD_RAM; p += PAGE_SIZE)
		world_put(w, AT_PAGES + PAGE_SIZE + (p >> 10), p | 0x67, 4);
}

void world_make(struct world *w)
{
	make_gdt(w);
	make_ldt(w, AT_LDT(0));
	make_ldt(w, AT_LDT(1));
	for (u32 i = 0; i < 4; i++)
		make_tss(w, AT_TSS(i));
	make_tss16(w, AT_TSS(4));
	make_tss16(w, AT_TSS(5));
	make_pages(w);
	/* INT3: Unicorn aborts at some random bytes, if a transfer leads there. */
	memset(w->c->image + AT_DATA, 0xcc, AT_STACKS - AT_DATA);
}

/* One descriptor: not present, another DPL, another type, or a code segment with a small limit. */
static void spoil(struct world *w)
{
	u32 n = GDT_CODE32 + world_pick(w, GDT_ENTRIES - GDT_CODE32), at = AT_GDT + 8 * n;
	u8 *d;

	if (world_chance(w, 4))
		at = AT_LDT(world_pick(w, 2)) + 8 * (n = world_pick(w, LDT_ENTRIES));
	d = w->c->image + at;
	switch (world_pick(w, 4)) {
	case 0:
		d[5] &= 0x7f;
		break;
	case 1:
		d[5] = (u8)((d[5] & 0x9f) | world_pick(w, 4) << 5);
		break;
	case 2: /* a TSS of 16 bits is not compared */
		if (n < GDT_TSS || n > GDT_TSS16 + 1)
			d[5] ^= (u8)(2u << world_pick(w, 4));
		if ((d[5] & 0x1f) == SYS_CALL16)
			d[6] = d[7] = 0; /* see call_gate() */
		break;
	default:
		if ((d[5] & 0x18) == 0x18) { /* code: some slots are beyond */
			d[0] = 0xff;
			d[1] = (u8)(2 + world_pick(w, 4));
		}
	}
}

/* Half of the segments that no register holds have not been accessed. */
static void clear_accessed(struct world *w, u32 at, u32 n, bool gdt_itself)
{
	for (u32 i = 0; i < n; i++) {
		u8 *access = w->c->image + at + 8 * i + 5;
		bool held = false;

		for (unsigned s = 0; s < SEG_COUNT && gdt_itself; s++)
			held |= w->c->sel[s] >> 3 == i;
		if ((*access & 0x10) && !held && world_chance(w, 2))
			*access &= 0xfe;
	}
}

void world_spoil(struct world *w)
{
	clear_accessed(w, AT_GDT, GDT_ENTRIES, true);
	clear_accessed(w, AT_LDT(0), LDT_ENTRIES, false);
	clear_accessed(w, AT_LDT(1), LDT_ENTRIES, false);
	for (u32 n = world_pick(w, 4); n > 0; n--)
		spoil(w);
}
