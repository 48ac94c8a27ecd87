/* SPDX-License-Identifier: MIT */
/*
 * Looks at every leaf of the running root that CPL 3 could use: on the view of CPL 3 all of them,
 * in the kernel's those with U set. Each must lead where the guest's tables lead CPL 3, with no
 * more rights. Shadow tables are in step with the guest's at any time, so that holds at any time,
 * the TLB aside. For tests (check=views on the command line).
 */
#include "vmm/mmu/shadow_internal.h"

static bool leaf_right(struct shadow *s, u64 leaf, gla_t gla)
{
	unsigned access = ACCESS_USER | (leaf & PTE_W ? ACCESS_WRITE : 0);
	struct pagewalk w;
	const void *page;

	if (cpu_probe(s->cpu, gla, access, &w))
		return false;
	page = gpmem_ptr(s->cpu->mem, w.gpa & PAGE_MASK, false);
	return page && (leaf & PTE_FRAME) == s->host.hpa(s->host.ctx, page);
}

const char *shadow_user_wrong(struct shadow *s, gla_t *gla)
{
	const struct root *r = s->current;

	for (unsigned region = 0; r && region < 2048; region++) {
		const struct table *t = s->table + r->link[region];

		for (unsigned i = 0; r->link[region] != NO_LINK && i < 512; i++) {
			u64 leaf = t->host[i];

			if (!(leaf & PTE_P) || !(r->role & ROLE_USER_VIEW || leaf & PTE_U))
				continue;
			*gla = region << 21 | i << PAGE_SHIFT;
			if (!leaf_right(s, leaf, *gla))
				return "a page that CPL 3 may not touch is mapped for it";
		}
	}
	return NULL;
}

void shadow_look(const struct shadow *s, gla_t gla, u64 *pde, u64 *pte)
{
	const struct root *r = s->current;

	*pde = *pte = 0;
	if (!r || r->link[gla >> 21] == NO_LINK)
		return;
	*pde = r->pd[gla >> 30][gla >> 21 & 511];
	*pte = s->table[r->link[gla >> 21]].host[gla >> PAGE_SHIFT & 511];
}
