/* SPDX-License-Identifier: MIT */
/*
 * Shadow descriptor tables; the header tells the rules.
 */
#include "vmm/mmu/shadow_desc.h"

#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/base/gdt_layout.h"
#include "kernel/hw/x86.h"

#define D_ACCESSED   DESC64(DESC_ACCESSED)
#define D_CONFORMING DESC64(DESC_CONFORMING)
#define D_CODE	     DESC64(DESC_CODE)
#define D_S	     DESC64(DESC_S)
#define D_DPL	     DESC64(3u << 13)
#define D_P	     DESC64(DESC_P)
#define D_L	     DESC64(DESC_L)
#define D_DB	     DESC64(DESC_DB)

#define MONITOR_FIRST (SEL_LDT / 8) /* what the guest cannot have */
#define NO_GPA	      UINT64_MAX

/* Code that runs at its caller's level, whatever its DPL: in ring 3 or 1, never further in. */
static bool is_conforming(u64 d)
{
	return (d & D_S) && (d & D_CODE) && (d & D_CONFORMING);
}

u64 shadow_desc_convert(u64 d)
{
	u64 dpl = d >> 45 & 3;

	if (!(d & D_S))
		return 0;
	d &= ~D_L;
	if (is_conforming(d))
		return d | D_ACCESSED;
	/* Not present, it cannot be loaded; VERW, which does not look at P, still has to find it.
	 */
	if ((d & D_P) && (dpl == 1 || dpl == 2))
		return 0;
	if (dpl == 0)
		d |= 1ull << 45;
	return d | D_ACCESSED;
}

static bool is_ring12(u64 d)
{
	u64 dpl = d >> 45 & 3;

	return (d & D_P) && (d & D_S) && (dpl == 1 || dpl == 2);
}

static unsigned is_dpl1(u64 d)
{
	return (d & D_DPL) == 1ull << 45;
}

bool shadow_desc_safe(const u64 *table, unsigned entries)
{
	for (unsigned i = 0; i < entries; i++) {
		u64 d = table[i];

		if ((d & D_P) && (!(d & D_S) || (d & D_L) || (!(d & D_DPL) && !is_conforming(d))))
			return false;
	}
	return true;
}

static u32 offset_of(gla_t gla)
{
	return gla & (PAGE_SIZE - 1);
}

static unsigned pages_of(const struct shadow_desc_table *t)
{
	return t->bytes ? (offset_of(t->base) + t->bytes + PAGE_SIZE - 1) >> PAGE_SHIFT : 0;
}

/* Bytes from..to of the table are to be mirrored. */
static void note_bytes(struct shadow_desc_table *t, u32 from, u32 to)
{
	if (from >= to)
		return;
	if (t->written_from >= t->written_to) {
		t->written_from = from;
		t->written_to = to;
		return;
	}
	t->written_from = MIN(t->written_from, from);
	t->written_to = MAX(t->written_to, to);
}

/* Bytes of page p of the table, by their place in the page, as far as the table has them. */
static void note_page(struct shadow_desc_table *t, unsigned p, u32 from, u32 to)
{
	s32 start = (s32)(p << PAGE_SHIFT) - (s32)offset_of(t->base);

	note_bytes(t, (u32)MAX(start + (s32)from, 0),
		   (u32)MAX(MIN(start + (s32)to, (s32)t->bytes), 0));
}

static bool table_written(struct shadow_desc_table *t, gpa_t gpa, u32 len)
{
	u32 from = gpa & (PAGE_SIZE - 1);
	bool mine = false;

	for (unsigned p = 0; p < pages_of(t); p++) {
		if (t->page[p] != (gpa & PAGE_MASK))
			continue;
		note_page(t, p, from, from + len);
		mine = true;
	}
	return mine;
}

/* Is it a page table through which pages of the table were found? They may lie elsewhere now. */
static bool path_written(struct shadow_desc_table *t, gpa_t gpa, u32 len)
{
	bool mine = false;

	for (unsigned i = 0; i < pages_of(t) * 2; i++) {
		gpa_t at = t->through[i / 2][i % 2];

		mine |= ((at ^ gpa) & PAGE_MASK) == 0;
		t->unmapped |= at < gpa + len && gpa < at + 8;
	}
	return mine;
}

/* Its pages are unwatched one by one, at their next write, and found again at the next
 * synchronisation. */
static void let_go(struct shadow_desc_table *t)
{
	for (unsigned p = 0; p < pages_of(t); p++)
		t->page[p] = t->through[p][0] = t->through[p][1] = NO_GPA;
	t->unmapped = true;
}

static void written(void *ctx, gpa_t gpa, u32 len)
{
	struct shadow_desc *d = ctx;
	bool table, path;

	d->watch_writes++;
	if (d->unread++ == SHADOW_DESC_PATIENCE) {
		let_go(&d->gdt);
		let_go(&d->ldt);
	}
	table = table_written(&d->gdt, gpa, len) | table_written(&d->ldt, gpa, len);
	path = d->follows && (path_written(&d->gdt, gpa, len) | path_written(&d->ldt, gpa, len));
	if (table || d->gdt.unmapped || d->ldt.unmapped)
		d->dirty = true;
	if (!table && !path)
		gpmem_unwatch(d->cpu->mem, gpa, GPMEM_WATCH_DESC);
}

void shadow_desc_init(struct shadow_desc *d, struct cpu *cpu, u64 *gdt, u64 *ldt)
{
	*d = (struct shadow_desc){ .cpu = cpu,
				   .gdt = { .entry = gdt, .max = MONITOR_FIRST },
				   .ldt = { .entry = ldt, .max = DESC_ENTRIES } };
	shadow_desc_invalidate(d);
	gpmem_set_watcher(cpu->mem, GPMEM_WATCH_DESC, written, d);
}

void shadow_desc_follow(struct shadow_desc *d)
{
	d->follows = true;
}

void shadow_desc_destroy(struct shadow_desc *d)
{
	gpmem_set_watcher(d->cpu->mem, GPMEM_WATCH_DESC, NULL, NULL);
}

void shadow_desc_invalidate(struct shadow_desc *d)
{
	d->dirty = d->gdt.unmapped = d->ldt.unmapped = true;
}

static bool holds_page(const struct shadow_desc_table *t, gla_t gla)
{
	return (gla >> PAGE_SHIFT) - (t->base >> PAGE_SHIFT) < pages_of(t);
}

void shadow_desc_invalidate_page(struct shadow_desc *d, gla_t gla)
{
	if (holds_page(&d->gdt, gla) || holds_page(&d->ldt, gla))
		shadow_desc_invalidate(d);
}

/* The page of the table's bytes at gla, watched from now on. */
static gpa_t find_page(struct shadow_desc *d, gla_t gla, gpa_t through[2])
{
	struct pagewalk w;
	u32 error = cpu_probe(d->cpu, gla, ACCESS_READ, &w);

	for (unsigned i = 0; d->follows && i < 2; i++) {
		through[i] = i < w.levels ? w.entry_gpa[i] : NO_GPA;
		if (i < w.levels)
			gpmem_watch(d->cpu->mem, through[i], GPMEM_WATCH_DESC);
	}
	if (error)
		return NO_GPA;
	gpmem_watch(d->cpu->mem, w.gpa, GPMEM_WATCH_DESC);
	return w.gpa & PAGE_MASK;
}

/* An entry of the guest's table, which may lie on two pages (the table need not be aligned); 0 is
 * absent, and so is what lies on no page. */
static u64 read_entry(struct shadow_desc *d, const struct shadow_desc_table *t, unsigned i)
{
	u32 at = offset_of(t->base) + i * 8, room = PAGE_SIZE - offset_of(at);
	u64 desc = 0;

	d->entries_read++;
	for (u32 done = 0; done < 8; at += room, done += room, room = 8 - done) {
		gpa_t page = t->page[at >> PAGE_SHIFT];

		room = MIN(room, 8 - done);
		if (page == NO_GPA)
			return 0;
		gpmem_read(d->cpu->mem, page | offset_of(at), (u8 *)&desc + done, room);
	}
	return desc;
}

static bool set_entry(struct shadow_desc *d, struct shadow_desc_table *t, unsigned i, u64 desc)
{
	u64 now = i == 0 && t == &d->gdt ? 0 : shadow_desc_convert(desc);
	bool was12 = t->ring12[i / 32] & BIT(i & 31), now12 = is_ring12(desc);

	if (was12 != now12) {
		t->ring12[i / 32] ^= BIT(i & 31);
		d->ring12 += now12 ? 1u : ~0u;
	}
	if (t->entry[i] == now)
		return false;
	t->dpl1 += is_dpl1(now) - is_dpl1(t->entry[i]);
	/* The invariant of docs/isolation.md, where a descriptor goes live. */
	ASSERT(shadow_desc_safe(&now, 1));
	t->entry[i] = now;
	d->entries_written++;
	return true;
}

/*
 * How many entries, from i to last and on its page, are what they were, in fours. That costs 4
 * instructions of the processor for each, in place of 130, and most of a table that has moved is
 * such: Linux's LDTs move with each new entry. 0 where an entry that became DPL 1 might be taken
 * for the guest's own of DPL 1, which must be absent.
 */
static unsigned unchanged(const struct shadow_desc *d, const struct shadow_desc_table *t,
			  unsigned i, unsigned last)
{
	u32 at = offset_of(t->base) + i * 8;
	unsigned n = 0, most = MIN((PAGE_SIZE - offset_of(at)) / 8, last - i + 1);
	gpa_t page = t->page[at >> PAGE_SHIFT];
	const u64 *mine = t->entry + i;
	const u8 *guest;
	u64 desc[4];

	if (page == NO_GPA || t->dpl1 || d->ring12)
		return 0;
	guest = gpmem_ptr(d->cpu->mem, page | offset_of(at), false);
	for (; guest && n + 4 <= most; n += 4) {
		memcpy(desc, guest + n * 8, sizeof(desc));
		if ((desc[0] ^ mine[n]) | (desc[1] ^ mine[n + 1]) | (desc[2] ^ mine[n + 2]) |
		    (desc[3] ^ mine[n + 3]))
			break;
	}
	return n;
}

/*
 * The written entries, the room that is left at most: entries that are what they were count as
 * one in four. What is behind the table's end is absent. True: one changed.
 */
static bool set_entries(struct shadow_desc *d, struct shadow_desc_table *t, u32 *room)
{
	unsigned i = t->written_from / 8, end = (t->written_to + 7) / 8, in = t->bytes / 8;
	bool changed = false;

	while (i < end && *room) {
		unsigned n = i < in ? unchanged(d, t, i, MIN(end, in) - 1) : 0;

		d->entries_read += n;
		i += n;
		*room -= MIN(*room, n / 4);
		for (unsigned four = MIN(i + 4, end); i < four; i++)
			changed |= set_entry(d, t, i, i < in ? read_entry(d, t, i) : 0);
		*room -= MIN(*room, 4u);
	}
	t->written_from = i < end ? i * 8 : 0;
	t->written_to = i < end ? t->written_to : 0;
	return changed;
}

/* Where the pages lie now: what moved is to be mirrored. */
static void look_up_pages(struct shadow_desc *d, struct shadow_desc_table *t, unsigned known)
{
	for (unsigned p = 0; p < pages_of(t); p++) {
		gpa_t page = find_page(d, (t->base & ~(PAGE_SIZE - 1)) + (p << PAGE_SHIFT),
				       t->through[p]);

		if (p >= known || page != t->page[p])
			note_page(t, p, 0, PAGE_SIZE);
		t->page[p] = page;
	}
}

/* Entry by entry: those written, those that lie elsewhere now, those that the table has lost. */
static bool sync_table(struct shadow_desc *d, struct shadow_desc_table *t, u32 base, u32 bytes,
		       u32 *room)
{
	u32 old_bytes = t->bytes;
	unsigned known = base == t->base ? pages_of(t) : 0;

	t->base = base;
	t->bytes = MIN(bytes / 8, t->max) * 8;
	if (t->unmapped)
		look_up_pages(d, t, known);
	t->unmapped = false;
	note_bytes(t, MIN(old_bytes, t->bytes), MAX(old_bytes, t->bytes));
	return set_entries(d, t, room);
}

static bool is_written(const struct shadow_desc_table *t)
{
	return t->written_from < t->written_to;
}

bool shadow_desc_sync(struct shadow_desc *d, u32 room)
{
	const struct cpu *c = d->cpu;
	u32 ldt_bytes = c->ldtr.attr & SEG_ATTR_UNUSABLE ? 0 : MIN(c->ldtr.limit, 0xffffu) + 1;
	bool changed;

	if (!d->dirty)
		return false;
	d->syncs++;
	d->unread = 0;
	changed = sync_table(d, &d->gdt, c->gdtr.base, c->gdtr.limit + 1u, &room);
	changed |= sync_table(d, &d->ldt, c->ldtr.base, ldt_bytes, &room);
	d->dirty = is_written(&d->gdt) || is_written(&d->ldt);
	return changed;
}

static u64 entry_of(const struct shadow_desc *d, u16 sel)
{
	const struct shadow_desc_table *t = sel & 4 ? &d->ldt : &d->gdt;
	unsigned i = sel >> 3;

	return i < t->bytes / 8 ? t->entry[i] : 0;
}

void shadow_desc_lookup(const struct shadow_desc *d, u16 sel, struct cpu_segment *out)
{
	u64 e = entry_of(d, sel);

	if (!(e & D_P)) {
		*out = (struct cpu_segment){ .sel = sel, .attr = SEG_ATTR_UNUSABLE };
		return;
	}
	cpu_unpack_descriptor(sel, (u32)e, (u32)(e >> 32), out);
	if (SEG_ATTR_DPL(out->attr) == 1 && !is_conforming(e))
		out->attr &= (u16) ~(3u << 5);
}

bool shadow_desc_matches(const struct shadow_desc *d, const struct cpu_segment *seg)
{
	struct cpu_segment s;

	shadow_desc_lookup(d, seg->sel, &s);
	/* AVL and L mean nothing here; the accessed bit is set in both. */
	return !(s.attr & SEG_ATTR_UNUSABLE) && s.base == seg->base && s.limit == seg->limit &&
	       !((s.attr ^ (seg->attr | SEG_ATTR_ACCESSED)) & ~(SEG_ATTR_AVL | SEG_ATTR_L | 0u));
}
