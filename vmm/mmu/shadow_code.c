/* SPDX-License-Identifier: MIT */
/*
 * Which mapping code was found through: what changes gets a new number. shadow_mapping.c gives the
 * numbers out.
 */
#include "kernel/base/string.h"
#include "vmm/mmu/shadow_internal.h"

bool shadow_code_noted(const struct shadow *s, unsigned region)
{
	return s->noted[region / 32] & BIT(region & 31);
}

void shadow_code_new_kernel(struct shadow *s)
{
	s->kernel_mapping = ++s->mappings;
	memset(s->noted, 0, sizeof(s->noted));
	s->links_changed++;
}

void shadow_code_moved(struct shadow *s, u16 region)
{
	s->user_epoch++;
	if (region == MIXED || shadow_code_noted(s, region))
		shadow_code_new_kernel(s);
}

void shadow_code_flushed(struct shadow *s)
{
	if (!s->unnoted)
		return;
	s->unnoted = false;
	shadow_code_moved(s, MIXED);
}

void shadow_code_region_gone(struct shadow *s, struct root *r, unsigned region)
{
	r->user_mapping = ++s->mappings;
	if ((r == s->current || r == s->kernel_root) && shadow_code_noted(s, region))
		shadow_code_new_kernel(s);
}
