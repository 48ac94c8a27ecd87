/* SPDX-License-Identifier: MIT */
/*
 * Regions: which table serves 2 MiB of linear space, and a root's entry that leads there.
 */
#include "vmm/mmu/shadow_internal.h"

/* One guest page in ever new roles: of these tables only so many stay. */
static void limit_roles(struct shadow *s, gpa_t source)
{
	struct table *t = shadow_table_first(s, source), *last = NULL;
	unsigned n = 0;

	for (; t; t = shadow_table_next(s, t)) {
		last = t;
		n++;
	}
	if (n >= ROLES_MAX)
		shadow_table_evict(s, last);
}

/* The table of (source, role), made if need be; NULL when the pool is empty. */
static struct table *get(struct shadow *s, gpa_t source, u32 role)
{
	struct table *t = shadow_table_find(s, source, role);

	if (t)
		return t;
	limit_roles(s, source);
	return shadow_table_make(s, source, role);
}

struct table *shadow_table_for(struct shadow *s, u32 role, const struct pagewalk *w, gla_t gla)
{
	bool pae = role & ROLE_PAE;
	gpa_t source;

	if (!(role & ROLE_PAGING))
		return get(s, (gla & s->cpu->a20_mask) & ~(gpa_t)0x1fffff, role);

	u64 pde = w->entries[0];

	if (pde & PTE_W)
		role |= ROLE_W;
	if (pde & PTE_U)
		role |= ROLE_U;
	if (!(pde & PTE_NX))
		role |= ROLE_X;
	if (w->levels == 1) { /* page_size is unknown where the PTE is absent */
		source = (w->gpa & ~(gpa_t)0x1fffff) |
			 (pde & PTE_D ? 0x800 : 0); /* the dirty bit decides on W */
		return get(s, source, role | ROLE_LARGE);
	}
	source = (pae ? pde & 0xffffff000ull : pde & 0xfffff000) & s->cpu->a20_mask;
	if (!pae && (gla >> 21 & 1))
		source |= 0x800;
	return get(s, source, role);
}

void shadow_link_table(struct shadow *s, struct root *r, gla_t gla, struct table *t)
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
	r->groups |= BIT(region / 64);
	s->links_changed++;
	r->pd[region / 512][region % 512] =
		s->host.hpa(s->host.ctx, t->host) | PTE_P | PTE_W | PTE_U | PTE_A;
	if ((s->hiddens | s->barred) && r == s->current)
		shadow_hide_in(s, r);
}

/* Leaves that another region filled are reachable through this PD entry once it is linked, without
 * a fault that would set its accessed bit. */
static void set_accessed(struct shadow *s, const struct pagewalk *w)
{
	u64 e = w->entries[0] | PTE_A;

	if (w->levels && e != w->entries[0])
		gpmem_write_marks(s->cpu->mem, w->entry_gpa[0], &e, s->cpu->cr4 & CR4_PAE ? 8 : 4);
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
	t = shadow_table_for(s, r->role, &w, gla);
	if (t)
		shadow_link_table(s, r, gla, t);
	return r->link[gla >> 21];
}
