/* SPDX-License-Identifier: MIT */
/*
 * Roots: host address spaces, one per guest address space, role and view, found again at the next
 * CR3 switch.
 *
 * Guest PD entries map to host PD entries: PAE one to one, non-PAE one to two. Host PD entries
 * carry all rights; what the guest's PD entry takes away is part of the table's role.
 */
#include "kernel/base/string.h"
#include "vmm/shadow_internal.h"

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

unsigned shadow_pd_slot(gpa_t page)
{
	return (unsigned)(page >> PAGE_SHIFT) % PD_FILTER;
}

/* Calls gpmem_watch() for the root's guest PDs, and counts them (by +1 or -1) in the filter. */
static void note_pds(struct shadow *s, const struct root *r, int by)
{
	if (!(r->role & ROLE_PAGING))
		return;
	for (int i = 0; i < (r->role & ROLE_PAE ? 4 : 1); i++) {
		u16 *n = &s->pd_filter[shadow_pd_slot(r->key[i] & HOST_ADDRESS)];

		if ((r->role & ROLE_PAE) && !(r->key[i] & 1))
			continue;
		*n = (u16)(*n + by);
		if (by > 0)
			gpmem_watch(s->cpu->mem, r->key[i] & HOST_ADDRESS, GPMEM_WATCH_TABLE);
	}
}

static void free_pages(struct shadow *s, struct root *r)
{
	void *page[] = { r->pml4, r->pdpt, r->pd[0], r->pd[1], r->pd[2], r->pd[3], r->link };

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
	r->link[region] = NO_LINK;
	r->pd[region / 512][region % 512] = 0;
}

void shadow_root_drop(struct shadow *s, struct root *r)
{
	for (unsigned i = 0; i < 2048; i++)
		shadow_unlink(s, r, i);
	note_pds(s, r, -1);
	free_pages(s, r);
	*r = (struct root){ 0 };
	for (unsigned v = 0; v < VIEW_COUNT; v++)
		if (s->active[v] == r)
			s->active[v] = NULL;
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
	u64 all = HOST_P | HOST_W | HOST_U | HOST_A;

	r->pml4 = page(s);
	r->pdpt = page(s);
	r->link = (u16 *)(void *)page(s);
	for (int i = 0; i < 4; i++)
		r->pd[i] = page(s);
	if (!r->pml4 || !r->pdpt || !r->pd[0] || !r->pd[1] || !r->pd[2] || !r->pd[3] || !r->link) {
		free_pages(s, r);
		*r = (struct root){ 0 };
		return false;
	}
	memset(r->link, 0xff, PAGE_SIZE);
	for (int i = 0; i < 8; i++) /* [4..7] again: sums of base and offset wrap at 4 GiB */
		r->pdpt[i] = s->host.hpa(s->host.ctx, r->pd[i & 3]) | all;
	r->pml4[0] = s->host.hpa(s->host.ctx, r->pdpt) | all;
	memcpy(r->pml4 + 256, s->host.monitor_pml4, 256 * sizeof(u64));
	return true;
}

/* A free slot, or the one unused for longest (never the running one). */
static struct root *victim(struct shadow *s)
{
	struct root *best = NULL;

	for (unsigned i = 0; i < ROOT_MAX; i++) {
		struct root *r = &s->root[i];

		if (!r->used)
			return r;
		if (r != s->current && r != s->active[VIEW_KERNEL] &&
		    (!best || r->last_use < best->last_use))
			best = r;
	}
	shadow_root_drop(s, best);
	return best;
}

struct root *shadow_root_get(struct shadow *s, enum shadow_view view)
{
	u32 role = shadow_role(s->cpu, view);
	gpa_t key[4];
	struct root *r;

	r = s->active[view];
	if (r) /* CR0, CR3, CR4, EFER and A20 are what they were */
		return r;
	root_key(s->cpu, role, key);
	for (unsigned i = 0; i < ROOT_MAX; i++) {
		r = &s->root[i];
		if (r->role == role && r->key[0] == key[0] && r->used &&
		    !memcmp(r->key, key, sizeof(key))) {
			s->stats.roots_reused++;
			goto found;
		}
	}
	r = victim(s);
	if (!build(s, r)) {
		shadow_flush(s); /* drops every other root and all tables: there is room for one */
		r = victim(s);
		if (!build(s, r))
			return NULL;
	}
	r->used = true;
	r->role = role;
	memcpy(r->key, key, sizeof(key));
	r->user_epoch = s->user_epoch;
	r->user_mapping = ++s->mappings;
	note_pds(s, r, 1);
	s->stats.roots_created++;
found:
	r->last_use = ++s->clock;
	r->writes = 0;
	s->active[view] = r;
	return r;
}
