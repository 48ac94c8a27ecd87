/* SPDX-License-Identifier: MIT */
/*
 * Engine policy; the header tells the idea.
 */
#include "vmm/run/policy.h"

#include "vmm/vm/vm.h"

static struct policy_page *page_of(struct vcpu *v)
{
	u32 page = v->cpu.eip >> PAGE_SHIFT;
	struct policy_page *p = &v->policy.page[page % POLICY_PAGES];

	if (p->page != page)
		*p = (struct policy_page){ .page = page };
	return p;
}

static bool auto_wants_ring1(struct vcpu *v)
{
	struct policy_page *p = page_of(v);

	if (p->average >= POLICY_STAY_CYCLES)
		return true;
	if (++p->asked < POLICY_TRIAL_EVERY)
		return false;
	p->asked = 0;
	v->policy.trials++;
	return true;
}

bool policy_wants_raw(struct vcpu *v)
{
	switch (v->vm->config.engine) {
	case ENGINE_RECOMPILE_ALL:
		return false;
	case ENGINE_RECOMPILE:
		return v->cpu.cpl == 3;
	case ENGINE_RING1:
		return true;
	case ENGINE_AUTO:
		return v->cpu.cpl == 3 || auto_wants_ring1(v);
	}
	return false;
}

/*
 * Asking costs a way through the dispatcher, in vain where interrupts are off: pages that are
 * mostly entered so are found without.
 */
static bool worth_asking(struct vcpu *v)
{
	struct policy_page *p = page_of(v);

	if (v->cpu.vif)
		p->vain = 0;
	else if (p->vain < POLICY_IN_VAIN)
		p->vain++;
	return p->vain < POLICY_IN_VAIN;
}

bool policy_asks_at(struct vcpu *v, gla_t gla)
{
	switch (v->vm->config.engine) {
	case ENGINE_RING1:
		return v->cpu.cpl == 0 && worth_asking(v) &&
		       raw_page_clean(&v->vm->raw_pages, &v->cpu, gla);
	case ENGINE_AUTO:
		return v->cpu.cpl == 0 && page_of(v)->average >= POLICY_STAY_CYCLES;
	default:
		return false;
	}
}

void policy_raw_begins(struct vcpu *v)
{
	v->policy.staying = v->cpu.cpl == 0 ? page_of(v) : NULL;
}

void policy_raw_ended(struct vcpu *v, u64 cycles)
{
	struct policy_page *p = v->policy.staying;
	u32 stay = (u32)MIN(cycles, UINT32_MAX);

	if (!p)
		return;
	if (stay >= POLICY_STAY_CYCLES)
		v->policy.long_stays++;
	p->average = p->average ? p->average - p->average / 4 + stay / 4 : stay;
}
