/* SPDX-License-Identifier: MIT */
/*
 * The numbers of mappings of code. Translations are found by linear address: each root has a number
 * for CPL 3, and all roots that agree on the regions where kernel code was found have one for CPL
 * 0..2.
 */
#include "vmm/mmu/shadow_internal.h"

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

/* A coherent TLB has no translation that the guest's tables do not have: what is missing is
 * room. */
static u16 table_of(struct shadow *s, gla_t gla)
{
	u16 t = NO_LINK;

	do
		t = s->current ? shadow_link_region(s, s->current, gla) : NO_LINK;
	while (t == NO_LINK && s->current && s->host.tables_followed && shadow_make_room(s));
	return t;
}

/*
 * Without a table a change of the entry would go unseen: the guest's own TLB may still lead to code
 * that its tables do not name any more. Such code is found until the guest flushes its TLB, and no
 * longer.
 */
void shadow_note_code(struct shadow *s, gla_t gla, bool cpl3)
{
	unsigned region = gla >> 21, i = gla >> PAGE_SHIFT & 511;
	u16 t = table_of(s, gla);

	if (!cpl3 && !shadow_code_noted(s, region)) {
		s->noted[region / 32] |= BIT(region & 31);
		s->links_changed++;
	}
	if (t != NO_LINK)
		s->table[t].code[i / 32] |= BIT(i & 31);
	else
		s->unnoted = true;
}

static bool same_kernel_again(struct shadow *s, struct root *r)
{
	if (r->same_as != s->kernel_root || r->same_at != s->links_changed) {
		r->same = same_kernel(s, s->kernel_root, r);
		r->same_as = s->kernel_root;
		r->same_at = s->links_changed;
	}
	return r->same;
}

/* The view of CPL 3 says nothing about the kernel's code, which does not run there. */
void shadow_code_switched(struct shadow *s, struct root *r)
{
	if (r == s->kernel_root || (r->role & ROLE_USER_VIEW))
		return;
	if (!s->kernel_root || !same_kernel_again(s, r))
		shadow_code_new_kernel(s);
	s->kernel_root = r;
}
