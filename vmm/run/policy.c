/* SPDX-License-Identifier: MIT */
/*
 * Engine policy; the header tells the idea.
 */
#include "vmm/run/policy.h"

#include "arch/cpu/processor.h"
#include "emu/cpu/semantics.h"
#include "kernel/base/string.h"
#include "vmm/raw/raw.h"
#include "vmm/raw/raw_stay.h"
#include "vmm/state/vm.h"

const char *const raw_refusal_name[REFUSE_COUNT] = {
	"engine", "mode", "if",	  "flags", "stack16", "segment",
	"ring12", "wp",	  "flat", "smep",  "page",    "progress",
};

static bool auto_wants_ring1(struct vcpu *v)
{
	struct policy_page *p = raw_stay_page(v);

	if (p->average >= POLICY_STAY_CYCLES ||
	    raw_page_under_way(&v->vm->raw_pages, v->cpu.eip)) /* which a trial has begun */
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
	struct policy_page *p = raw_stay_page(v);

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
		       !raw_page_dirty(&v->vm->raw_pages, &v->cpu, gla);
	case ENGINE_AUTO:
		return v->cpu.cpl == 0 && raw_stay_page(v)->average >= POLICY_STAY_CYCLES;
	default:
		return false;
	}
}

/* --- May it? */

static bool segment_stale(struct vcpu *v, enum cpu_seg s)
{
	const struct cpu_segment *g = &v->cpu.seg[s];

	/* A null data selector loads as null in ring 0 too; one that was nulled keeps faulting on
	 * use. */
	if (g->attr & SEG_ATTR_UNUSABLE)
		return g->sel > 3;
	return !shadow_desc_matches(&v->desc, g);
}

/* Most entries have the segments of the one before, and no table was written since. */
static bool segments_stale(struct vcpu *v)
{
	if (v->fresh_written == v->desc.entries_written && cpu_same_segments(v->fresh, v->cpu.seg))
		return false;
	for (int s = 0; s < SEG_COUNT; s++)
		if (segment_stale(v, s))
			return true;
	memcpy(v->fresh, v->cpu.seg, sizeof(v->fresh));
	v->fresh_written = v->desc.entries_written;
	return false;
}

static bool flat32(const struct cpu_segment *s)
{
	return s->base == 0 && s->limit == 0xffffffff && (s->attr & SEG_ATTR_DB);
}

static bool ring1_refused(struct vcpu *v, enum raw_refusal *why)
{
	struct cpu *c = &v->cpu;

	if (!(c->cr0 & CR0_WP))
		*why = REFUSE_WP;
	else if (!flat32(&c->seg[SEG_CS]) || !flat32(&c->seg[SEG_SS]))
		*why = REFUSE_FLAT;
	else if (!cpu_features.smep || !cpu_features.nx)
		*why = REFUSE_SMEP;
	else if (v->desc.ring12)
		*why = REFUSE_RING12;
	else if (!raw_code_clean(v, c->eip))
		*why = REFUSE_PAGE;
	else
		return false;
	return true;
}

/* The cheap conditions first: this is asked at every boundary of translated code. */
static bool mode_refused(const struct cpu *c, enum raw_refusal *why)
{
	if (!c->vif || c->shadow)
		*why = REFUSE_IF;
	else if ((c->cr0 & (CR0_PE | CR0_PG)) != (CR0_PE | CR0_PG) || cpu_v86(c))
		*why = REFUSE_MODE;
	else if ((c->eflags & EFLAGS_IOPL) || c->debug_hits ||
		 (c->cpl != 3 && (c->watch.codes || (c->eflags & EFLAGS_TF))))
		*why = REFUSE_FLAGS;
	else if (!(c->seg[SEG_SS].attr & SEG_ATTR_DB))
		*why = REFUSE_STACK16;
	else if (c->cpl != 3 && c->cpl != 0)
		*why = REFUSE_RING12;
	else
		return false;
	return true;
}

bool raw_may_run(struct vcpu *v, enum raw_refusal *why)
{
	struct cpu *c = &v->cpu;

	if (v->must_progress) {
		v->must_progress = false;
		*why = REFUSE_PROGRESS;
		return false;
	}
	if (mode_refused(c, why))
		return false;
	if (!policy_wants_raw(v)) {
		*why = REFUSE_ENGINE;
		return false;
	}
	if (v->desc.dirty && shadow_desc_sync(&v->desc))
		v->segments_dirty = true;
	if (segments_stale(v)) {
		*why = REFUSE_SEGMENT;
		return false;
	}
	return c->cpl == 3 || !ring1_refused(v, why);
}
