/* SPDX-License-Identifier: MIT */
/*
 * Shadow paging: its life, the root that is shown, and filling what faulted. shadow_internal.h
 * lists the files below.
 */
#include "vmm/mmu/shadow_internal.h"

#include "kernel/base/alloc.h"
#include "kernel/base/count.h"
#include "kernel/base/string.h"

static void protect(void *ctx, gpa_t page, bool on)
{
	if (on)
		shadow_page_restrict(ctx, page, PTE_W | PTE_D, 0);
	else
		shadow_page_release(ctx, page);
}

/* The TLB of the C code has addresses, too. */
static void switched(void *ctx, gpa_t start, u64 size)
{
	struct shadow *s = ctx;

	softtlb_flush(s->cpu);
	shadow_pages_refill(s, start, (u32)(size >> PAGE_SHIFT));
}

static u64 ram_end(const struct gpmem *m)
{
	u64 end = 0;

	for (unsigned i = 0; i < m->regions; i++)
		if (m->region[i].kind == GPMEM_RAM && !m->region[i].window &&
		    m->region[i].start < GPMEM_REACH)
			end = MAX(end, m->region[i].start + m->region[i].size);
	return end;
}

struct shadow *shadow_create(struct cpu *cpu, const struct shadow_host *host)
{
	struct shadow *s = mem_alloc(sizeof(*s));

	if (!s)
		return NULL;
	s->cpu = cpu;
	s->host = *host;
	s->ram_pages = (u32)(ram_end(cpu->mem) >> PAGE_SHIFT);
	s->rmap_pages = s->ram_pages + cpu->mem->window_pages;
	s->table_max = (u32)MIN(host->quota / 2, TABLE_MAX);
	s->table = mem_alloc(s->table_max * sizeof(*s->table));
	s->rmap = mem_alloc(s->rmap_pages * sizeof(*s->rmap));
	s->added = mem_alloc(s->rmap_pages * sizeof(*s->added));
	s->clean = mem_alloc(s->ram_pages / 8 + 1);
	if (!s->table || !s->rmap || !s->added || !s->clean || !shadow_create_top(s)) {
		shadow_destroy(s);
		return NULL;
	}
	memset(s->rmap, 0xff, s->rmap_pages * sizeof(*s->rmap));
	memset(s->hash, 0xff, sizeof(s->hash));
	s->free_table = s->doomed_table = NO_INDEX;
	gpmem_set_watcher(cpu->mem, GPMEM_WATCH_TABLE,
			  host->notes_old ? shadow_old_written : shadow_tables_written, s);
	cpu->mem->protect = protect;
	cpu->mem->switched = switched;
	cpu->mem->protect_ctx = s;
	return s;
}

void shadow_destroy(struct shadow *s)
{
	s->current = NULL;
	if (s->table && s->rmap && s->added)
		shadow_flush(s);
	if (s->pml4)
		s->host.page_free(s->host.ctx, s->pml4);
	if (s->pdpt)
		s->host.page_free(s->host.ctx, s->pdpt);
	mem_free(s->table);
	mem_free(s->rmap);
	mem_free(s->added);
	mem_free(s->clean);
	mem_free(s);
}

hpa_t shadow_root(struct shadow *s, enum shadow_view view)
{
	struct root *old = s->current, *r = shadow_root_get(s, view);

	if (!r) {
		shadow_switch_to_none(s);
		s->host.kill(s->host.ctx, "no memory for its page tables");
	} else if (r != old) {
		shadow_switch(s, old, r);
		COUNT(s->stats.roots_switched);
	}
	return s->host.hpa(s->host.ctx, s->pml4);
}

bool shadow_is_current(const struct shadow *s, enum shadow_view view)
{
	return s->current && s->active[view] == s->current;
}

/* --- Filling */

static enum env_pf fill(struct shadow *s, gla_t gla, unsigned access, const struct pagewalk *w,
			const void *hva, bool rom)
{
	gpa_t page = w->gpa & PAGE_MASK;
	struct root *r = s->current;
	struct table *t;
	struct tlb_flush f = { 0 };
	unsigned i = gla >> 12 & 511;
	bool barred;
	u64 value;

	/* docs/isolation.md: what CPL 3 runs on in ring 0 holds nothing that CPL 3 may not touch,
	 * and no other level runs on it. */
	if (r && (r->role & ROLE_USER_VIEW) && !((access & ACCESS_USER) && w->user)) {
		s->host.kill(s->host.ctx, "a supervisor's page on the view of CPL 3");
		return ENV_PF_SLOW;
	}
	do
		t = r ? shadow_table_for(s, r->role, w, gla) : NULL;
	while (!t && shadow_make_room(s));
	if (!t) {
		s->host.kill(s->host.ctx, "no memory for its page tables");
		return ENV_PF_SLOW;
	}
	shadow_link_table(s, r, gla, t);
	barred = shadow_bars(s, t, i);
	if (shadow_hides(s, t, i) || (barred && (access & ACCESS_EXEC))) {
		COUNT(s->stats.faults_slow);
		return ENV_PF_SLOW;
	}
	value = shadow_leaf_value(s, r->role, w, page, hva, access, rom) | (barred ? PTE_NX : 0);
	/*
	 * The processor forgets a translation that faulted (SDM 3A 4.10.4.1), but not where else
	 * the leaf is in use: in the second 4 GiB, or in another region. With CR0.WP = 0 it loses
	 * rights.
	 */
	if (t->host[i] & ~value & (PTE_W | PTE_U))
		shadow_tlb_flush_leaf(s, t, i, &f);
	shadow_leaf_set(s, t, i, value, page);
	shadow_tlb_flush_end(s, &f);
	COUNT(s->stats.faults_filled);
	return ENV_PF_RESUME;
}

/* Strict: each access is looked at. */
static bool tells(struct shadow *s, const gpa_t *page, const struct pagewalk *w)
{
	return cpu_tells_walk(s->cpu, w) ||
	       (page && gpmem_watches(s->cpu->mem, *page) & GPMEM_WATCH_FRESH);
}

enum env_pf shadow_fault(struct shadow *s, gla_t gla, unsigned access)
{
	struct pagewalk w;
	struct gpmem_region *region;
	gpa_t page;
	void *hva;
	bool mapped = cpu_walk(s->cpu, gla, access, &w) == CPU_NEXT;

	if (s->olds && shadow_uses_old(s, gla, access, mapped ? &w : NULL))
		return ENV_PF_SLOW;
	page = w.gpa & PAGE_MASK;
	if (cpu_is_strict(s->cpu) && tells(s, mapped ? &page : NULL, &w)) {
		COUNT(s->stats.faults_slow);
		return ENV_PF_SLOW;
	}
	if (!mapped) {
		COUNT(s->stats.faults_guest);
		return ENV_PF_FAULT;
	}
	region = gpmem_find(s->cpu->mem, page);
	if (region && region->window && (access & ACCESS_WRITE))
		gpmem_first_write(s->cpu->mem, page);
	if (!region || region->kind == GPMEM_MMIO ||
	    ((access & ACCESS_WRITE) &&
	     (!gpmem_is_writable(region) || gpmem_watches(s->cpu->mem, page))) ||
	    ((access & ACCESS_EXEC) && !(access & ACCESS_USER) &&
	     (w.user || !shadow_clean_bit(s, page)))) {
		COUNT(s->stats.faults_slow);
		return ENV_PF_SLOW;
	}
	hva = gpmem_ptr(s->cpu->mem, page, false);
	return fill(s, gla, access, &w, hva, !gpmem_is_writable(region));
}

void shadow_invlpg(struct shadow *s, gla_t gla)
{
	if (s->olds)
		shadow_old_flush_page(s, gla);
	shadow_tlb_flush_page(s, gla); /* the tables are never stale: every write was seen */
	shadow_code_flushed(s);
}

void shadow_paging_changed(struct shadow *s)
{
	memset(s->active, 0, sizeof(s->active));
	shadow_code_flushed(s);
}

void shadow_set_clean(struct shadow *s, gpa_t page, bool clean)
{
	u64 i = page >> PAGE_SHIFT;

	if (i >= s->ram_pages)
		return;
	if (clean)
		s->clean[i / 8] |= (u8)BIT(i & 7);
	else
		s->clean[i / 8] &= (u8)~BIT(i & 7);
	shadow_page_refill(s, page & PAGE_MASK);
}

bool shadow_is_clean(struct shadow *s, gpa_t page)
{
	return shadow_clean_bit(s, page);
}

const struct shadow_stats *shadow_stats(const struct shadow *s)
{
	return &s->stats;
}
