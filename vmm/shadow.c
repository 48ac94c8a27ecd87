/* SPDX-License-Identifier: MIT */
/*
 * Shadow paging: interface, faults, and what follows from the guest's writes to its tables.
 */
#include "vmm/shadow_internal.h"

#include "kernel/base/alloc.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"

#define PTE_U		 BIT64(2)
#define PTE_P		 BIT64(0)
#define DEAD_ROOT_WRITES 64u

static void protect(void *ctx, gpa_t page, bool on)
{
	if (on)
		shadow_page_restrict(ctx, page, HOST_W | HOST_D, 0);
}

static u64 ram_end(const struct gpmem *m)
{
	u64 end = 0;

	for (unsigned i = 0; i < m->regions; i++)
		if (m->region[i].kind == GPMEM_RAM)
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
	s->rmap_pages = (u32)(ram_end(cpu->mem) >> PAGE_SHIFT);
	s->table = mem_alloc(TABLE_MAX * sizeof(*s->table));
	s->leaf_page = mem_alloc(TABLE_MAX * sizeof(*s->leaf_page));
	s->node = mem_alloc(TABLE_MAX * sizeof(*s->node));
	s->rmap = mem_alloc(s->rmap_pages * sizeof(*s->rmap));
	s->clean = mem_alloc(s->rmap_pages / 8 + 1);
	if (!s->table || !s->leaf_page || !s->node || !s->rmap || !s->clean ||
	    !shadow_create_top(s)) {
		shadow_destroy(s);
		return NULL;
	}
	memset(s->rmap, 0xff, s->rmap_pages * sizeof(*s->rmap));
	memset(s->hash, 0xff, sizeof(s->hash));
	s->free_table = s->node_free = NO_INDEX;
	cpu->mem->watcher[1].written = shadow_tables_written;
	cpu->mem->watcher[1].ctx = s;
	cpu->mem->protect = protect;
	cpu->mem->protect_ctx = s;
	return s;
}

/* --- Which mapping code was found through --- */

static bool noted(const struct shadow *s, unsigned region)
{
	return s->noted[region / 32] & BIT(region & 31);
}

static void new_kernel_mapping(struct shadow *s)
{
	s->kernel_mapping = ++s->mappings;
	memset(s->noted, 0, sizeof(s->noted));
}

static void code_moved(struct shadow *s, u16 region)
{
	s->user_epoch++;
	if (region == MIXED || noted(s, region))
		new_kernel_mapping(s);
}

void shadow_flush(struct shadow *s)
{
	for (unsigned i = 0; i < ROOT_MAX; i++) {
		struct root *r = &s->root[i];

		if (!r->used)
			continue;
		if (r != s->current) {
			shadow_root_drop(s, r);
			continue;
		}
		for (unsigned region = 0; region < 2048; region++)
			shadow_unlink(s, r, region);
	}
	/* Before the tables go: the processor may still walk them. */
	shadow_tlb_flush_all(s);
	for (u32 i = 0; i < s->tables; i++)
		if (s->table[i].host)
			shadow_table_drop(s, &s->table[i]);
	code_moved(s, MIXED);
	s->stats.pool_flushes++;
}

void shadow_destroy(struct shadow *s)
{
	if (s->rmap && s->table && s->node) {
		s->current = NULL;
		shadow_flush(s);
		for (u32 i = 0; i < s->node_chunks; i++)
			s->host.page_free(s->host.ctx, s->node[i]);
	}
	if (s->pml4)
		s->host.page_free(s->host.ctx, s->pml4);
	if (s->pdpt)
		s->host.page_free(s->host.ctx, s->pdpt);
	for (u32 i = 0; s->leaf_page && i < TABLE_MAX; i++)
		mem_free(s->leaf_page[i]);
	mem_free(s->table);
	mem_free(s->leaf_page);
	mem_free(s->node);
	mem_free(s->rmap);
	mem_free(s->clean);
	mem_free(s);
}

/* --- Filling
 * ------------------------------------------------------------------------------------------------------
 */

/* The table that serves gla by the guest's walk w; NULL: pool empty. */
static struct table *table_for(struct shadow *s, u32 role, const struct pagewalk *w, gla_t gla)
{
	bool pae = role & ROLE_PAE;
	gpa_t source;

	if (!(role & ROLE_PAGING))
		return shadow_table_get(s, (gla & s->cpu->a20_mask) & ~(gpa_t)0x1fffff, role);

	u64 pde = w->entries[0];

	if (pde & BIT64(1))
		role |= ROLE_W;
	if (pde & PTE_U)
		role |= ROLE_U;
	if (!(pde & HOST_NX))
		role |= ROLE_X;
	if (w->levels == 1) { /* page_size is unknown where the PTE is absent */
		source = (w->gpa & ~(gpa_t)0x1fffff) |
			 (pde & 0x40 ? 0x800 : 0); /* the dirty bit decides on W */
		return shadow_table_get(s, source, role | ROLE_LARGE);
	}
	source = pae ? pde & 0xffffff000ull : (pde & 0xfffff000) | ((gla >> 21 & 1) ? 0x800 : 0);
	return shadow_table_get(s, source, role);
}

static void link_table(struct shadow *s, struct root *r, gla_t gla, struct table *t)
{
	unsigned region = gla >> 21;
	u16 index = (u16)(t - s->table);

	if (r->link[region] == index)
		return;
	if (r->link[region] != NO_LINK) {
		shadow_unlink(s, r, region);
		shadow_tlb_flush_all(s);
	}
	t->region = t->links && t->region != region ? MIXED : (u16)region;
	t->links++;
	r->link[region] = index;
	r->pd[region / 512][region % 512] =
		s->host.hpa(s->host.ctx, t->host) | HOST_P | HOST_W | HOST_U | HOST_A;
}

/* Leaves that another region filled are reachable through this PD entry once it is linked, without
 * a fault that would set its accessed bit. */
static void set_accessed(struct shadow *s, const struct pagewalk *w)
{
	u64 e = w->entries[0] | BIT64(5);

	if (w->levels && e != w->entries[0])
		gpmem_write(s->cpu->mem, w->entry_gpa[0], &e, s->cpu->cr4 & CR4_PAE ? 8 : 4);
}

u16 shadow_link_region(struct shadow *s, struct root *r, gla_t gla)
{
	struct pagewalk w;
	struct table *t;

	if (r->link[gla >> 21] != NO_LINK)
		return r->link[gla >> 21];
	if (cpu_probe(s->cpu, gla, ACCESS_READ, &w) && w.levels < 2)
		return NO_LINK;
	set_accessed(s, &w);
	t = table_for(s, r->role, &w, gla);
	if (t)
		link_table(s, r, gla, t);
	return r->link[gla >> 21];
}

/*
 * Does the new root map every region where kernel code was found to the same table? One that is not
 * linked there yet says nothing: it is linked as a fault would.
 */
static bool same_kernel(struct shadow *s, const struct root *old, struct root *r)
{
	for (unsigned w = 0; w < ARRAY_SIZE(s->noted); w++) {
		for (u32 bits = s->noted[w]; bits; bits &= bits - 1) {
			unsigned region = w * 32 + (unsigned)__builtin_ctz(bits);

			if (old->link[region] != shadow_link_region(s, r, (gla_t)region << 21))
				return false;
		}
	}
	return true;
}

hpa_t shadow_root(struct shadow *s, enum shadow_view view)
{
	struct root *old = s->current, *r = shadow_root_get(s, view);

	ASSERT(r);
	if (r != old) {
		shadow_switch(s, old, r);
		s->stats.roots_switched++;
		if (!old || !old->used || !same_kernel(s, old, r))
			new_kernel_mapping(s);
	}
	return s->host.hpa(s->host.ctx, s->pml4);
}

u32 shadow_code_mapping(struct shadow *s, bool cpl3)
{
	struct root *r = s->current;

	if (!cpl3 || !r)
		return s->kernel_mapping;
	if (r->user_epoch != s->user_epoch) {
		r->user_epoch = s->user_epoch;
		r->user_mapping = ++s->mappings;
	}
	return r->user_mapping;
}

void shadow_note_code(struct shadow *s, gla_t gla, bool cpl3)
{
	unsigned region = gla >> 21, i = gla >> PAGE_SHIFT & 511;
	u16 t = s->current ? shadow_link_region(s, s->current, gla) : NO_LINK;

	if (t == NO_LINK &&
	    s->current) { /* the pool is empty: without a table a change would go unseen */
		shadow_flush(s);
		t = shadow_link_region(s, s->current, gla);
	}
	if (!cpl3)
		s->noted[region / 32] |= BIT(region & 31);
	if (t != NO_LINK)
		s->table[t].code[i / 32] |= BIT(i & 31);
}

static u64 leaf_value(struct shadow *s, u32 role, const struct pagewalk *w, gpa_t page,
		      const void *hva, unsigned access, bool rom)
{
	u64 v = (s->host.hpa(s->host.ctx, hva) & HOST_ADDRESS) | HOST_P | HOST_A;
	bool user = w->user, writable = w->writable;

	/* CR0.WP=0: the kernel writes read-only pages; then such a page is the kernel's alone until
	 * a program touches it. */
	if (!(role & ROLE_WP) && !writable && (access & ACCESS_WRITE) && !(access & ACCESS_USER)) {
		writable = true;
		user = false;
	}
	if (writable && w->dirty && !rom && !gpmem_watches(s->cpu->mem, page))
		v |= HOST_W | HOST_D;
	if (user || (role & ROLE_USER_VIEW))
		v |= HOST_U;
	if (s->host.have_nx &&
	    (!w->executable || (!user && !shadow_clean_bit(s, page)) || (user && !w->user)))
		v |= HOST_NX;
	return v;
}

static enum env_pf fill(struct shadow *s, struct root *r, gla_t gla, unsigned access,
			const struct pagewalk *w, const void *hva, bool rom)
{
	gpa_t page = w->gpa & PAGE_MASK;
	struct table *t = table_for(s, r->role, w, gla);
	unsigned i = gla >> 12 & 511;
	u64 value;

	if (!t) {
		shadow_flush(s);
		t = table_for(s, r->role, w, gla);
		ASSERT(t);
	}
	link_table(s, r, gla, t);
	value = leaf_value(s, r->role, w, page, hva, access, rom);
	/* The processor forgets a translation that faulted (SDM 3A 4.10.4.1): no flush for what was
	 * present. */
	if (!shadow_leaf_set(s, t, i, value, page)) { /* no room for the reverse map */
		shadow_flush(s);
		t = table_for(s, r->role, w, gla);
		ASSERT(t);
		link_table(s, r, gla, t);
		shadow_leaf_set(s, t, i, value, page);
	}
	s->stats.faults_filled++;
	return ENV_PF_RESUME;
}

enum env_pf shadow_fault(struct shadow *s, gla_t gla, unsigned access, enum shadow_view view)
{
	struct pagewalk w;
	struct gpmem_region *region;
	gpa_t page;
	void *hva;

	if (cpu_walk(s->cpu, gla, access, &w) != CPU_NEXT) {
		s->stats.faults_guest++;
		return ENV_PF_FAULT;
	}
	page = w.gpa & PAGE_MASK;
	region = gpmem_find(s->cpu->mem, page);
	if (!region || region->kind == GPMEM_MMIO ||
	    ((access & ACCESS_WRITE) && region->kind == GPMEM_ROM) ||
	    ((access & ACCESS_WRITE) && gpmem_watches(s->cpu->mem, page)) ||
	    ((access & ACCESS_EXEC) && !(access & ACCESS_USER) &&
	     (w.user || !shadow_clean_bit(s, page)))) {
		s->stats.faults_slow++;
		return ENV_PF_SLOW;
	}
	hva = gpmem_ptr(s->cpu->mem, page, false);
	return fill(s, s->current ? s->current : shadow_root_get(s, view), gla, access, &w, hva,
		    region->kind == GPMEM_ROM);
}

/* --- What the guest does to its tables
 * ------------------------------------------------------------------------------ */

static void unlink_region(struct shadow *s, struct root *r, unsigned region)
{
	u16 index = r->link[region];

	if (index == NO_LINK)
		return;
	shadow_unlink(s, r, region);
	r->user_mapping = ++s->mappings;
	if (r != s->current)
		return;
	if (noted(s, region))
		new_kernel_mapping(s);
	if (s->table[index].leaves > SWITCH_MAX) {
		shadow_tlb_flush_all(s);
		return;
	}
	shadow_tlb_flush_table(s, region, &s->table[index]);
	shadow_tlb_flush_page(s, region << 21); /* with it goes the PD entry */
}

/* Entries first to last of the guest PD that root r has as its d-th. */
static void pd_entries_written(struct shadow *s, struct root *r, unsigned d, unsigned first,
			       unsigned last)
{
	for (unsigned e = first; e <= last; e++) {
		if (r->role & ROLE_PAE) {
			unlink_region(s, r, d * 512 + e);
		} else {
			unlink_region(s, r, e * 2);
			unlink_region(s, r, e * 2 + 1);
		}
	}
}

/* A write to a page that is some root's PD. Returns true if it is one. Several PDPTEs may name one
 * page. */
static bool pd_written(struct shadow *s, gpa_t gpa, u32 len)
{
	gpa_t page = gpa & PAGE_MASK;
	unsigned offset = gpa & (PAGE_SIZE - 1), n, next;
	bool any = false;

	for (n = shadow_pd_find(s, page, 0); n; n = next) {
		struct root *r = &s->root[(n - 1) / 4];
		unsigned per = r->role & ROLE_PAE ? 8 : 4;

		next = shadow_pd_find(s, page, n);
		pd_entries_written(s, r, (n - 1) % 4, offset / per, (offset + len - 1) / per);
		if (r == s->current || ++r->writes <= DEAD_ROOT_WRITES) {
			any = true;
			continue;
		}
		while (next && (next - 1) / 4 == (n - 1) / 4) /* its others go with it */
			next = shadow_pd_find(s, page, next);
		shadow_root_drop(s, r);
	}
	return any;
}

#define PTE_W	BIT64(1)
#define PTE_A	BIT64(5)
#define PTE_D	BIT64(6)
#define PTE_NX	BIT64(63)
#define PTE_PAE 0x8000000ffffffffful /* the bits that are not reserved: 36 physical ones */

/*
 * An entry that the kernel made for the address space that runs, accessed already, is about to be
 * used: the leaf is filled now, which saves the fault. What a fault would have to change (A, D), or
 * to refuse, waits for it.
 */
static void prefetch(struct shadow *s, struct table *t, unsigned i, u64 pte)
{
	struct pagewalk w = { .user = t->role & ROLE_U && pte & PTE_U,
			      .writable = t->role & ROLE_W && pte & PTE_W,
			      .executable = t->role & ROLE_X && !(pte & PTE_NX),
			      .dirty = pte & PTE_D,
			      .gpa = pte & 0xffffff000ull & s->cpu->a20_mask };
	const struct gpmem_region *region;

	if ((pte & (PTE_P | PTE_A)) != (PTE_P | PTE_A) || pte & ~(u64)PTE_PAE ||
	    (pte & PTE_NX && !(t->role & ROLE_NXE)) || (t->role & ROLE_USER_VIEW && !w.user))
		return;
	region = gpmem_find(s->cpu->mem, w.gpa);
	if (!region || region->kind != GPMEM_RAM)
		return;
	if (shadow_leaf_set(s, t, i,
			    leaf_value(s, t->role, &w, w.gpa, gpmem_ptr(s->cpu->mem, w.gpa, false),
				       0, false),
			    w.gpa))
		s->stats.prefetched++;
}

/* Entry e of a guest page table changed: its leaf, where table t has it. */
static void pte_written(struct shadow *s, struct table *t, unsigned e)
{
	bool pae = t->role & ROLE_PAE;
	unsigned i = pae ? e : e & 511;
	const void *pte;

	if (!pae && (e >> 9) != (t->source >> 11 & 1))
		return;
	if (t->host[i] & HOST_P)
		shadow_tlb_stale_leaf(s, t, i);
	shadow_leaf_clear(s, t, i);
	if (t->code[i / 32] & BIT(i & 31)) {
		t->code[i / 32] &= ~BIT(i & 31);
		code_moved(s, t->region);
	}
	if (t->region == MIXED || !s->current || s->current->link[t->region] != t - s->table)
		return;
	pte = gpmem_ptr(s->cpu->mem, (t->source & PAGE_MASK) + e * (pae ? 8 : 4), false);
	if (pte)
		prefetch(s, t, i, pae ? *(const u64 *)pte : *(const u32 *)pte);
}

/*
 * Leaves of every table made from this page follow it; the guest's own INVLPG or CR3 load makes the
 * TLB forget the old. Tables that nothing links to are dropped: the page is data now.
 */
static bool pt_written(struct shadow *s, gpa_t gpa, u32 len)
{
	unsigned offset = gpa & (PAGE_SIZE - 1);
	bool any = false;
	struct table *t, *next;

	for (t = shadow_table_first(s, gpa); t; t = next) {
		unsigned per = t->role & ROLE_PAE ? 8 : 4;

		next = shadow_table_next(s, t);
		if (!(t->role & ROLE_PAGING) || (t->role & ROLE_LARGE))
			continue;
		if (!t->links) {
			shadow_table_drop(s, t);
			continue;
		}
		any = true;
		for (unsigned e = offset / per; e <= (offset + len - 1) / per; e++)
			pte_written(s, t, e);
	}
	return any;
}

void shadow_tables_written(void *ctx, gpa_t gpa, u32 len)
{
	struct shadow *s = ctx;
	bool pd = pd_written(s, gpa, len), pt = pt_written(s, gpa, len);

	s->stats.tracked_writes++;
	if (!pd && !pt)
		gpmem_unwatch(s->cpu->mem, gpa, GPMEM_WATCH_TABLE);
}

void shadow_invlpg(struct shadow *s, gla_t gla)
{
	s->host.tlb_flush_page(s->host.ctx,
			       gla); /* the tables are never stale: every write was seen */
}

void shadow_paging_changed(struct shadow *s)
{
	memset(s->active, 0, sizeof(s->active));
}

void shadow_set_clean(struct shadow *s, gpa_t page, bool clean)
{
	u64 i = page >> PAGE_SHIFT;

	if (i >= s->rmap_pages)
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
