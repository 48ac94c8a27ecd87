/* SPDX-License-Identifier: MIT */
/*
 * The TLB of the C code: linear pages that a full walk has allowed, with the monitor's address of
 * their bytes. Its rules are those of a processor's TLB: the guest's own INVLPG and CR3 load make
 * it forget, and, if it follows the tables, their writes do. A page that becomes watched loses its
 * right to be written.
 */
#include "emu/cpu/semantics.h"
#include "emu/dev/strict.h"
#include "emu/mem/gpmem.h"

#define WRITES (BIT(ACCESS_WRITE) | BIT(ACCESS_WRITE | ACCESS_USER))

static void forget(struct softtlb_entry *e)
{
	e->rights = e->slow = e->calls = 0;
}

void softtlb_flush(struct cpu *cpu)
{
	for (u64 left = cpu->tlb.filled; left; left &= left - 1) {
		struct softtlb_entry *e = &cpu->tlb.entry[__builtin_ctzll(left)];

		forget(e);
	}
	cpu->tlb.filled = 0;
	cpu_tables_moved(cpu);
}

void cpu_translations_changed(struct cpu *cpu, unsigned what, gla_t gla)
{
	if (what == PAGING_INVLPG) {
		forget(softtlb_entry(cpu, gla));
		cpu_tables_moved(cpu);
		cpu_env(cpu)->invlpg(cpu, gla);
		return;
	}
	softtlb_flush(cpu);
	cpu_env(cpu)->paging_changed(cpu, what);
}

static void forget_writes(struct cpu *cpu)
{
	for (unsigned i = 0; i < SOFTTLB_ENTRIES; i++)
		cpu->tlb.entry[i].rights &= ~(u32)WRITES;
	cpu->tlb.watches = cpu->mem->watches_begun;
}

_Static_assert(SOFTTLB_ENTRIES == 64, "softtlb.filled has a bit for each");

/* May the page be written directly? Not if it has a data breakpoint. */
static bool writes_directly(struct cpu *cpu, gla_t gla, gpa_t gpa)
{
	return !cpu_debug_watches(cpu, gla) && gpmem_ptr(cpu->mem, gpa, true) &&
	       !gpmem_watches(cpu->mem, gpa);
}

/* Nor is the page read directly, if reads are looked at: at a breakpoint, or as some of it was
 * never written. */
static bool reads_directly(struct cpu *cpu, gla_t gla, gpa_t gpa, unsigned access)
{
	return (access & ACCESS_EXEC) || (!cpu_debug_watches(cpu, gla) &&
					  !(gpmem_watches(cpu->mem, gpa) & GPMEM_WATCH_FRESH));
}

static bool directly(struct cpu *cpu, gla_t gla, gpa_t gpa, unsigned access)
{
	return access & ACCESS_WRITE ? writes_directly(cpu, gla, gpa)
				     : reads_directly(cpu, gla, gpa, access);
}

static struct softtlb_entry made(struct gpmem *m, gla_t page, const struct pagewalk *w)
{
	gpa_t gpa = w->gpa & PAGE_MASK;

	return (struct softtlb_entry){ .page = page,
				       .gpa = gpa,
				       .user = w->user,
				       .host = gpmem_ptr(m, gpa, false),
				       .device = gpmem_device_at(m, gpa) };
}

/* --- Following the tables */

static void note_path(struct cpu *cpu, struct softtlb_entry *e, const struct pagewalk *w)
{
	struct softtlb_path *p = &cpu->tlb.path[e - cpu->tlb.entry];

	*p = (struct softtlb_path){ .levels = w->levels, .size = cpu->cr4 & CR4_PAE ? 8 : 4 };
	for (unsigned i = 0; i < w->levels; i++) {
		p->at[i] = w->entry_gpa[i];
		gpmem_watch(cpu->mem, p->at[i], GPMEM_WATCH_WALK);
	}
}

static bool leads(const struct softtlb_path *p, gpa_t gpa, u32 len)
{
	for (unsigned i = 0; i < p->levels; i++)
		if (gpa < p->at[i] + p->size && p->at[i] < gpa + len)
			return true;
	return false;
}

static bool uses(const struct softtlb_path *p, gpa_t page)
{
	for (unsigned i = 0; i < p->levels; i++)
		if ((p->at[i] & PAGE_MASK) == page)
			return true;
	return false;
}

/*
 * Places of descriptors and gates (cpu_tables_moved()) were taken from entries that may be another
 * page's by now: they go with each write, and are taken again from entries that are watched.
 */
static void tables_written(void *ctx, gpa_t gpa, u32 len)
{
	struct cpu *cpu = ctx;
	bool used = false;

	for (u64 left = cpu->tlb.filled; left; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctzll(left);

		if (leads(&cpu->tlb.path[i], gpa, len)) {
			forget(&cpu->tlb.entry[i]);
			cpu->tlb.filled &= ~BIT64(i);
		} else {
			used |= uses(&cpu->tlb.path[i], gpa & PAGE_MASK);
		}
	}
	cpu_tables_moved(cpu);
	if (!used)
		gpmem_unwatch(cpu->mem, gpa, GPMEM_WATCH_WALK);
}

void softtlb_follow(struct cpu *cpu)
{
	cpu->tlb.follows = true;
	gpmem_set_watcher(cpu->mem, GPMEM_WATCH_WALK, tables_written, cpu);
}

bool softtlb_leads(struct cpu *cpu, gla_t gla, gpa_t gpa, u32 len)
{
	const struct softtlb_entry *e = softtlb_entry(cpu, gla);

	return cpu->tlb.follows && (e->page != (gla & ~(PAGE_SIZE - 1)) ||
				    leads(&cpu->tlb.path[e - cpu->tlb.entry], gpa, len));
}

/* --- */

static void tell_walk(struct cpu *cpu, gla_t gla, unsigned access, const struct pagewalk *w)
{
	if (cpu->tlb.follows && cpu_env(cpu)->walked)
		cpu_env(cpu)->walked(cpu, gla, access, w);
}

/* What programs look with whether A20 is on, and what DOS wanted it off for: reads in real mode. */
static bool may_wrap(const struct cpu *cpu, unsigned access)
{
	return !(access & (ACCESS_WRITE | ACCESS_EXEC)) && (!cpu_protected(cpu) || cpu_v86(cpu));
}

static bool unwritten_entry(struct cpu *cpu, const struct pagewalk *w)
{
	unsigned size = cpu->cr4 & CR4_PAE ? 8 : 4;

	for (unsigned i = 0; i < w->levels; i++)
		if (gpmem_unwritten(cpu->mem, w->entry_gpa[i], size) == size)
			return true;
	return false;
}

bool cpu_tells_walk(struct cpu *cpu, const struct pagewalk *w)
{
	return w->wrapped || unwritten_entry(cpu, w);
}

static void tell_rules(struct cpu *cpu, gla_t gla, unsigned access, const struct pagewalk *w)
{
	if (w->wrapped && !may_wrap(cpu, access))
		cpu_env(cpu)->strict(cpu, STRICT_a20_off, gla);
	if (unwritten_entry(cpu, w))
		cpu_env(cpu)->strict(cpu, STRICT_ram_table, gla);
}

/* What was allowed once by a full walk is allowed again; other ways of access walk for themselves.
 */
static struct softtlb_entry *fill(struct cpu *cpu, gla_t gla, unsigned access)
{
	struct softtlb_entry *e = softtlb_entry(cpu, gla);
	gla_t page = gla & ~(PAGE_SIZE - 1);
	struct pagewalk w;
	bool write = access & ACCESS_WRITE;

	bool there = cpu_walk(cpu, gla, access, &w) == CPU_NEXT;

	if (cpu_is_strict(cpu))
		tell_rules(cpu, gla, access, &w);
	if (!there) {
		tell_walk(cpu, gla, access, NULL);
		return NULL;
	}
	if (write)
		gpmem_first_write(cpu->mem, w.gpa);
	cpu->tlb.filled |= BIT64(e - cpu->tlb.entry);
	if (!(e->rights | e->slow) || e->page != page || e->gpa != (w.gpa & PAGE_MASK))
		*e = made(cpu->mem, page, &w);
	if (cpu->tlb.follows) {
		note_path(cpu, e, &w);
		tell_walk(cpu, gla, access, &w);
	}
	if (e->host && directly(cpu, gla, w.gpa, access)) {
		e->rights |= BIT(access);
	} else {
		e->slow |= BIT(access);
		if (write)
			e->desc = gpmem_watches(cpu->mem, w.gpa) == GPMEM_WATCH_DESC;
	}
	if (e->device.mmio && !cpu_debug_watches(cpu, gla))
		e->calls |= BIT(access);
	if (cpu_is_strict(cpu) && cpu_tells_walk(cpu, &w))
		e->page |= SOFTTLB_ONCE;
	return e;
}

const struct softtlb_entry *cpu_translate(struct cpu *cpu, gla_t gla, unsigned access)
{
	struct softtlb_entry *e = softtlb_entry(cpu, gla);

	if (cpu->tlb.watches != cpu->mem->watches_begun)
		forget_writes(cpu);
	if (e->page != (gla & ~(PAGE_SIZE - 1)))
		return fill(cpu, gla, access);
	if (e->rights & BIT(access))
		return e;
	/* Nobody tells when a page is not watched any more. */
	if ((e->slow & BIT(access)) && !(e->host && directly(cpu, gla, e->gpa, access)))
		return e;
	return fill(cpu, gla, access);
}
