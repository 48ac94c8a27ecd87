/* SPDX-License-Identifier: MIT */
/*
 * Which root is shown: found or made for the CPU's registers, and put under the processor's CR3 in
 * place of another.
 */
#include "kernel/base/string.h"
#include "kernel/base/count.h"
#include "vmm/mmu/shadow_internal.h"

u32 shadow_role(const struct cpu *cpu, enum shadow_view view)
{
	/* Without paging programs see what the kernel sees: one root serves both views. */
	u32 role = (view == VIEW_USER && cpu_paging(cpu) ? ROLE_USER_VIEW : 0) |
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

static void fill_pdpt(struct shadow *s, const struct root *r)
{
	for (int i = 0; i < 4; i++) {
		s->pdpt[i] = r->pdpte[i];
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

static void add_difference(const struct shadow *s, const struct root *old, const struct root *r,
			   unsigned region, struct differences *d)
{
	u16 t = old->link[region];
	unsigned leaves = t == NO_LINK || t == r->link[region] ? 0 : s->table[t].leaves;

	d->leaves += leaves;
	if (leaves && d->leaves <= SWITCH_MAX)
		d->region[d->regions++] = (u16)region;
}

static void find_differences(const struct shadow *s, const struct root *old, const struct root *r,
			     struct differences *d)
{
	d->regions = 0;
	d->leaves = s->stales;
	if (r->differing <= DIFFERS_MAX) {
		for (unsigned i = 0; i < r->differing; i++)
			add_difference(s, old, r, r->differs[i], d);
		return;
	}
	for (unsigned g = next_difference(old, r, 0); g < 2048 && d->leaves <= SWITCH_MAX;
	     g = next_difference(old, r, g + 1))
		add_difference(s, old, r, g, d);
}

/* What the kernel uses in one address space it will use in the next: linked now, it is no
 * difference. */
static void link_ahead(struct shadow *s, const struct root *old, struct root *r)
{
	r->differing = 0;
	for (unsigned g = next_difference(old, r, 0); g < 2048;
	     g = next_difference(old, r, g + 1)) {
		if (r->link[g] == NO_LINK)
			shadow_link_region(s, r, (gla_t)g << 21);
		if (r->link[g] != old->link[g] && r->differing++ < DIFFERS_MAX)
			r->differs[r->differing - 1] = (u16)g;
	}
}

static void flush_differences(struct shadow *s, const struct root *old, const struct root *r)
{
	struct differences d = { .leaves = SWITCH_MAX + 1 };
	struct tlb_flush f = { 0 };

	if (old)
		find_differences(s, old, r, &d);
	if (d.leaves > SWITCH_MAX) {
		COUNT(s->stats.switch_all);
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
			COUNT(s->stats.roots_reused);
			goto found;
		}
	}
	r = free_slot(s);
	while (!shadow_root_build(s, r))
		if (!shadow_make_room(s))
			return NULL;
	r->used = true;
	s->links_changed++;
	r->role = role;
	memcpy(r->key, key, sizeof(key));
	r->user_epoch = s->user_epoch;
	r->user_mapping = ++s->mappings;
	shadow_root_note_pds(s, r, true);
	COUNT(s->stats.roots_created);
found:
	r->last_use = ++s->clock;
	r->writes = 0;
	s->active[view] = r;
	return r;
}
