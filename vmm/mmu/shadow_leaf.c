/* SPDX-License-Identifier: MIT */
/*
 * What a leaf of a host page table says: the guest's rights, and what the monitor takes away.
 */
#include "vmm/mmu/shadow_internal.h"

u64 shadow_leaf_value(struct shadow *s, u32 role, const struct pagewalk *w, gpa_t page,
		      const void *hva, unsigned access, bool rom)
{
	u64 v = (s->host.hpa(s->host.ctx, hva) & PTE_FRAME) | PTE_P | PTE_A;
	bool user = w->user, writable = w->writable;

	/* CR0.WP=0: the kernel writes read-only pages; then such a page is the kernel's alone until
	 * a program touches it. */
	if (!(role & ROLE_WP) && !writable && (access & ACCESS_WRITE) && !(access & ACCESS_USER)) {
		writable = true;
		user = false;
	}
	if (writable && w->dirty && !rom)
		v |= PTE_MAY_WRITE | (gpmem_watches(s->cpu->mem, page) ? 0 : PTE_W | PTE_D);
	if (user || (role & ROLE_USER_VIEW))
		v |= PTE_U;
	if (s->host.have_nx &&
	    (!w->executable || (!user && !shadow_clean_bit(s, page)) || (user && !w->user)))
		v |= PTE_NX;
	return v;
}
