/* SPDX-License-Identifier: MIT */
/*
 * Roots: host address spaces, one per guest address space, role and view, found again at the next
 * CR3 switch.
 *
 * Guest PD entries map to host PD entries: PAE one to one, non-PAE one to two. Host PD entries
 * carry all rights; what the guest's PD entry takes away is part of the table's role.
 */
#include "kernel/base/string.h"
#include "vmm/mmu/shadow_internal.h"

u32 shadow_role(const struct cpu *cpu, enum shadow_view view)
{
	u32 role = (view == VIEW_USER ? ROLE_USER_VIEW : 0) |
		   (cpu->a20_mask & BIT(20) ? 0 : ROLE_A20_OFF);

	if (!cpu_paging(cpu))
		return role;
	role |= ROLE_PAGING;
	if (cpu->cr4 & CR4_PAE)
		role |= ROLE_PAE | (cpu->msr.efer & EFER_NXE ? ROLE_NXE : 0);
	else if (cpu->cr4 & CR4_PSE)
		role |= ROLE_PSE;
	return role | (cpu->cr0 & CR0_WP ? ROLE_WP : 0);
}

static void root_key(const struct cpu *cpu, u32 role, gpa_t key[4])
{
	memset(key, 0, 4 * sizeof(*key));
	if (!(role & ROLE_PAGING))
		return;
	if (role & ROLE_PAE)
		memcpy(key, cpu->pdpte, sizeof(cpu->pdpte));
	else
		key[0] = cpu->cr3 & PAGE_MASK;
}

static u16 *pd_chain(struct shadow *s, gpa_t page)
{
	return &s->pd_first[(page >> PAGE_SHIFT) % PD_HASH];
}

/* Where the processor reads it: with A20 off, not where the key says. */
static gpa_t pd_page(const struct root *r, unsigned d)
{
	return r->key[d] & PTE_FRAME & ~(r->role & ROLE_A20_OFF ? BIT64(20) : 0);
}

unsigned shadow_pd_find(const struct shadow *s, gpa_t page, unsigned n)
{
	n = n ? s->pd_next[n] : s->pd_first[(page >> PAGE_SHIFT) % PD_HASH];
	while (n && pd_page(&s->root[(n - 1) / 4], (n - 1) % 4) != page)
		n = s->pd_next[n];
	return n;
}

/* The guest's PDs of a root are watched, and found by their page. */
static void note_pds(struct shadow *s, const struct root *r, bool on)
{
	if (!(r->role & ROLE_PAGING))
		return;
	for (unsigned d = 0; d < (r->role & ROLE_PAE ? 4u : 1u); d++) {
		u16 n = (u16)((r - s->root) * 4 + d + 1), *link = pd_chain(s, pd_page(r, d));

		if ((r->role & ROLE_PAE) && !(r->key[d] & 1))
			continue;
		if (on) {
			s->pd_next[n] = *link;
			*link = n;
			gpmem_watch(s->cpu->mem, pd_page(r, d), GPMEM_WATCH_TABLE);
			continue;
		}
		while (*link != n)
			link = &s->pd_next[*link];
		*link = s->pd_next[n];
	}
}

static void free_pages(struct shadow *s, struct root *r)
{
	void *page[] = { r->pd[0], r->pd[1], r->pd[2], r->pd[3], r->link };

	for (unsigned i = 0; i < ARRAY_SIZE(page); i++) {
		if (page[i]) {
			s->host.page_free(s->host.ctx, page[i]);
			s->stats.pages_used--;
		}
	}
}

void shadow_unlink(struct shadow *s, struct root *r, unsigned region)
{
	u16 t = r->link[region];

	if (t == NO_LINK)
		return;
	s->table[t].links--;
	s->links_changed++;
	r->link[region] = NO_LINK;
	r->pd[region / 512][region % 512] = 0;
}

void shadow_root_free(struct shadow *s, struct root *r)
{
	s->doomed_roots -= r->doomed;
	note_pds(s, r, false);
	free_pages(s, r);
	if (s->kernel_root == r)
		s->kernel_root = NULL;
	*r = (struct root){ 0 };
	for (unsigned v = 0; v < VIEW_COUNT; v++)
		if (s->active[v] == r)
			s->active[v] = NULL;
}

void shadow_root_drop(struct shadow *s, struct root *r)
{
	for (unsigned i = 0; i < 2048; i++)
		shadow_unlink(s, r, i);
	shadow_root_free(s, r);
}

static u64 *page(struct shadow *s)
{
	u64 *p = s->host.page_alloc(s->host.ctx);

	if (p)
		s->stats.pages_used++;
	return p;
}

static bool build(struct shadow *s, struct root *r)
{
	r->link = (u16 *)(void *)page(s);
	for (int i = 0; i < 4; i++)
		r->pd[i] = page(s);
	if (!r->pd[0] || !r->pd[1] || !r->pd[2] || !r->pd[3] || !r->link) {
		free_pages(s, r);
		*r = (struct root){ 0 };
		return false;
	}
	memset(r->link, 0xff, PAGE_SIZE);
	return true;
}

#define ALL (PTE_P | PTE_W | PTE_U | PTE_A)

bool shadow_create_top(struct shadow *s)
{
	s->pml4 = page(s);
	s->pdpt = page(s);
	if (!s->pml4 || !s->pdpt)
		return false;
	s->pml4[0] = s->host.hpa(s->host.ctx, s->pdpt) | ALL;
	memcpy(s->pml4 + 256, s->host.monitor_pml4, 256 * sizeof(u64));
	return true;
}

static void fill_pdpt(struct shadow *s, const struct root *r)
{
	for (int i = 0; i < 4; i++) {
		s->pdpt[i] = s->host.hpa(s->host.ctx, r->pd[i]) | ALL;
		if (s->alias)
			s->pdpt[4 + i] = s->pdpt[i];
	}
}

bool shadow_use_alias(struct shadow *s)
{
	if (s->alias || !s->current)
		return false;
	s->alias = true;
	fill_pdpt(s, s->current);
	return true;
}

/* The next region from region on that the roots link to different tables, if the first links it at
 * all; 2048: none. */
static unsigned next_difference(const struct root *a, const struct root *b, unsigned region)
{
	const u64 *x = (const u64 *)(const void *)a->link, *y = (const u64 *)(const void *)b->link;

	while (region < 2048) {
		if (!(a->groups & BIT(region / 64))) {
			region = (region | 63) + 1;
		} else if (!(region & 3) && x[region / 4] == y[region / 4]) {
			do
				region += 4;
			while ((region & 63) && x[region / 4] == y[region / 4]);
		} else {
			if (a->link[region] != b->link[region] && a->link[region] != NO_LINK)
				break;
			region++;
		}
	}
	return region;
}

/* Regions whose leaves the TLB may hold and a root does not have. */
struct differences {
	u16 region[SWITCH_MAX];
	unsigned regions, leaves; /* leaves > SWITCH_MAX: there are more */
};

static void find_differences(const struct shadow *s, const struct root *old, const struct root *r,
			     struct differences *d)
{
	d->regions = 0;
	d->leaves = s->stales;
	for (unsigned g = next_difference(old, r, 0); g < 2048 && d->leaves <= SWITCH_MAX;
	     g = next_difference(old, r, g + 1)) {
		unsigned leaves = s->table[old->link[g]].leaves;

		d->leaves += leaves;
		if (leaves && d->leaves <= SWITCH_MAX)
			d->region[d->regions++] = (u16)g;
	}
}

/* What the kernel uses in one address space it will use in the next: linked now, it is no
 * difference. */
static void link_ahead(struct shadow *s, const struct root *old, struct root *r)
{
	for (unsigned g = next_difference(old, r, 0); g < 2048; g = next_difference(old, r, g + 1))
		if (r->link[g] == NO_LINK)
			shadow_link_region(s, r, (gla_t)g << 21);
}

static void flush_differences(struct shadow *s, const struct root *old, const struct root *r)
{
	struct differences d = { .leaves = SWITCH_MAX + 1 };
	struct tlb_flush f = { 0 };

	if (old)
		find_differences(s, old, r, &d);
	if (d.leaves > SWITCH_MAX) {
		s->stats.switch_all++;
		shadow_tlb_flush_all(s);
		return;
	}
	s->stats.switch_pages += d.leaves;
	shadow_flush_stale(s);
	for (unsigned i = 0; i < d.regions; i++)
		shadow_tlb_flush_table(s, d.region[i], &s->table[old->link[d.region[i]]], &f);
	shadow_tlb_flush_end(s, &f);
	/* INVLPG of any page empties the paging-structure caches, of the PDPT's entries too (SDM
	 * 3A 4.10.4.1). */
	shadow_tlb_flush_page(s, 0);
}

void shadow_switch(struct shadow *s, const struct root *old, struct root *r)
{
	bool known;

	if (old && !old->used)
		old = NULL;
	known = old && r->ahead_of == old && r->ahead_at == s->links_changed;
	/* While old is current: a page table that becomes watched here leaves the TLB as old maps
	 * it. */
	if (old && !known)
		link_ahead(s, old, r);
	s->current = r;
	shadow_hide_in(s, r);
	fill_pdpt(s, r);
	flush_differences(s, old, r);
	r->ahead_of = old;
	r->ahead_at = s->links_changed;
	shadow_code_switched(s, r);
}

void shadow_switch_to_none(struct shadow *s)
{
	s->current = NULL;
	memset(s->pdpt, 0, PAGE_SIZE);
	shadow_tlb_flush_all(s);
}

struct root *shadow_root_oldest(struct shadow *s)
{
	struct root *best = NULL;

	for (unsigned i = 0; i < ROOT_MAX; i++) {
		struct root *r = &s->root[i];

		if (r->used && r != s->current && r != s->active[VIEW_KERNEL] &&
		    r != s->active[VIEW_USER] && (!best || r->last_use < best->last_use))
			best = r;
	}
	return best;
}

static struct root *free_slot(struct shadow *s)
{
	for (unsigned i = 0; i < ROOT_MAX; i++)
		if (!s->root[i].used)
			return &s->root[i];

	struct root *r = shadow_root_oldest(s);

	shadow_root_drop(s, r);
	return r;
}

struct root *shadow_root_get(struct shadow *s, enum shadow_view view)
{
	struct root *r = s->active[view];
	gpa_t key[4];
	u32 role;

	if (r) /* CR0, CR3, CR4, EFER and A20 are what they were */
		return r;
	shadow_reap(s);
	role = shadow_role(s->cpu, view);
	root_key(s->cpu, role, key);
	for (unsigned i = 0; i < ROOT_MAX; i++) {
		r = &s->root[i];
		if (r->role == role && r->key[0] == key[0] && r->used && !r->doomed &&
		    !memcmp(r->key, key, sizeof(key))) {
			s->stats.roots_reused++;
			goto found;
		}
	}
	r = free_slot(s);
	while (!build(s, r))
		if (!shadow_make_room(s))
			return NULL;
	r->used = true;
	s->links_changed++;
	r->role = role;
	memcpy(r->key, key, sizeof(key));
	r->user_epoch = s->user_epoch;
	r->user_mapping = ++s->mappings;
	note_pds(s, r, true);
	s->stats.roots_created++;
found:
	r->last_use = ++s->clock;
	r->writes = 0;
	s->active[view] = r;
	return r;
}
