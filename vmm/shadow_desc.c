/* SPDX-License-Identifier: MIT */
/*
 * Shadow descriptor tables; the header tells the rules.
 */
#include "vmm/shadow_desc.h"

#include "kernel/base/log.h"
#include "kernel/base/string.h"

#define D_ACCESSED BIT64(40)
#define D_CODE	   BIT64(43)
#define D_S	   BIT64(44)
#define D_DPL	   (3ull << 45)
#define D_P	   BIT64(47)
#define D_L	   BIT64(53)
#define D_B	   BIT64(54)

#define MONITOR_FIRST \
	(0xffd0u / 8) /* SEL_LDT of arch/gdt.h, which the host's tests do not have \
		       */
#define ENTRIES 8192u

u64 shadow_desc_convert(u64 d)
{
	u64 dpl = d >> 45 & 3;

	/* Not present, it cannot be loaded; VERW, which does not look at P, still has to find it.
	 */
	if (!(d & D_S) || ((d & D_P) && (dpl == 1 || dpl == 2)))
		return 0;
	d &= ~D_L;
	/* A conforming segment would run at the caller's level whatever its DPL; none is offered.
	 */
	if ((d & D_CODE) && (d & BIT64(42)))
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

bool shadow_desc_safe(const u64 *table, unsigned entries)
{
	for (unsigned i = 0; i < entries; i++) {
		u64 d = table[i];

		if ((d & D_P) && (!(d & D_S) || (d & D_L) || (d & D_DPL) == 0))
			return false;
	}
	return true;
}

static void written(void *ctx, gpa_t gpa, u32 len)
{
	struct shadow_desc *d = ctx;

	(void)gpa;
	(void)len;
	d->watch_writes++;
	d->gdt_dirty = d->ldt_dirty = true;
}

void shadow_desc_init(struct shadow_desc *d, struct cpu *cpu, u64 *gdt, u64 *ldt)
{
	*d = (struct shadow_desc){
		.cpu = cpu, .gdt = gdt, .ldt = ldt, .gdt_dirty = true, .ldt_dirty = true
	};
	cpu->mem->watcher[3].written = written;
	cpu->mem->watcher[3].ctx = d;
}

void shadow_desc_destroy(struct shadow_desc *d)
{
	d->cpu->mem->watcher[3].written = NULL;
}

void shadow_desc_invalidate(struct shadow_desc *d)
{
	d->gdt_dirty = d->ldt_dirty = true;
}

/* The page of the table's bytes at gla, watched from now on. */
static bool find_page(struct shadow_desc *d, gla_t gla, gpa_t *page)
{
	struct pagewalk w;

	if (cpu_probe(d->cpu, gla, ACCESS_READ, &w))
		return false;
	gpmem_watch(d->cpu->mem, w.gpa, GPMEM_WATCH_DESC);
	*page = w.gpa & PAGE_MASK;
	return true;
}

/* A descriptor that lies on two pages (the table is not aligned), or on none: 0 is absent. */
static u64 read_across(struct shadow_desc *d, gla_t gla)
{
	u64 desc = 0;
	gpa_t page;

	for (unsigned n = 0; n < 8; n++) {
		if (!find_page(d, gla + n, &page))
			return 0;
		gpmem_read(d->cpu->mem, page | ((gla + n) & (PAGE_SIZE - 1)), (u8 *)&desc + n, 1);
	}
	return desc;
}

/* Mirrors limit bytes at base; entries that cannot be read are absent. */
static bool mirror(struct shadow_desc *d, u64 *table, u32 base, u32 bytes, u32 old_bytes,
		   unsigned max)
{
	unsigned n = MIN(bytes / 8, max);
	bool changed = false, there = false;
	gpa_t page = 0;

	for (unsigned i = 0; i < n; i++) {
		gla_t gla = base + i * 8;
		u64 desc = 0, now;

		if (i == 0 || (gla & (PAGE_SIZE - 1)) < 8)
			there = find_page(d, gla, &page);
		if (there && (gla & (PAGE_SIZE - 1)) <= PAGE_SIZE - 8)
			gpmem_read(d->cpu->mem, page | (gla & (PAGE_SIZE - 1)), &desc, 8);
		else
			desc = read_across(d, gla);
		d->ring12 += is_ring12(desc);
		now = i == 0 && table == d->gdt ? 0 : shadow_desc_convert(desc);
		if (table[i] != now) {
			/* The invariant of docs/isolation.md, where a descriptor goes live. */
			ASSERT(shadow_desc_safe(&now, 1));
			table[i] = now;
			d->entries_written++;
			changed = true;
		}
	}
	for (unsigned i = n; i < MIN(old_bytes / 8, max); i++) {
		changed |= table[i] != 0;
		table[i] = 0;
	}
	return changed;
}

bool shadow_desc_sync(struct shadow_desc *d)
{
	const struct cpu *c = d->cpu;
	u32 gdt_bytes = c->gdtr.limit + 1u;
	u32 ldt_bytes = c->ldtr.attr & SEG_ATTR_UNUSABLE ? 0 : MIN(c->ldtr.limit + 1, 65536u);
	bool changed;

	if (!d->gdt_dirty && !d->ldt_dirty)
		return false;
	d->syncs++;
	d->ring12 = 0;
	changed = mirror(d, d->gdt, c->gdtr.base, gdt_bytes, d->gdt_limit, MONITOR_FIRST);
	changed |= mirror(d, d->ldt, c->ldtr.base, ldt_bytes, d->ldt_limit, ENTRIES);
	d->gdt_base = c->gdtr.base;
	d->gdt_limit = gdt_bytes;
	d->ldt_base = c->ldtr.base;
	d->ldt_limit = ldt_bytes;
	d->gdt_dirty = d->ldt_dirty = false;
	return changed;
}

static u64 entry_of(const struct shadow_desc *d, u16 sel)
{
	unsigned i = sel >> 3;

	if (sel & 4)
		return i < d->ldt_limit / 8 ? d->ldt[i] : 0;
	return i < MONITOR_FIRST && i < d->gdt_limit / 8 ? d->gdt[i] : 0;
}

void shadow_desc_lookup(const struct shadow_desc *d, u16 sel, struct cpu_segment *out)
{
	u64 e = entry_of(d, sel);

	if (!(e & D_P)) {
		*out = (struct cpu_segment){ .sel = sel, .attr = SEG_ATTR_UNUSABLE };
		return;
	}
	cpu_unpack_descriptor(sel, (u32)e, (u32)(e >> 32), out);
	if (SEG_ATTR_DPL(out->attr) == 1)
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
