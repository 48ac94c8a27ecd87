/* SPDX-License-Identifier: MIT */
/*
 * Measures each raw ring-1 stay and adds it to the page in which it began.
 */
#include "vmm/raw/raw_stay.h"

struct policy_page *raw_stay_page(struct vcpu *v)
{
	u32 page = v->cpu.eip >> PAGE_SHIFT;
	struct policy_page *p = &v->policy.page[page % POLICY_PAGES];

	if (p->page != page)
		*p = (struct policy_page){ .page = page };
	return p;
}

void raw_stay_begins(struct vcpu *v)
{
	v->policy.staying = raw_stay_page(v);
}

void raw_stay_ended(struct vcpu *v, u64 cycles)
{
	struct policy_page *p = v->policy.staying;
	u32 stay = (u32)MIN(cycles, UINT32_MAX);

	if (stay >= POLICY_STAY_CYCLES)
		v->policy.long_stays++;
	p->average = p->average ? p->average - p->average / 4 + stay / 4 : stay;
}
