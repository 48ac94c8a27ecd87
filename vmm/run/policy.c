/* SPDX-License-Identifier: MIT */
/*
 * Engine policy; the header tells the idea.
 */
#include "vmm/run/policy.h"

#include "arch/cpu/processor.h"
#include "emu/cpu/semantics.h"
#include "emu/cpu/stops.h"
#include "kernel/base/count.h"
#include "kernel/base/string.h"
#include "vmm/raw/raw.h"
#include "vmm/raw/raw_device.h"
#include "vmm/raw/raw_stay.h"
#include "vmm/state/vm.h"

const char *const raw_refusal_name[REFUSE_COUNT] = {
	"engine", "mode", "if",	  "flags",    "stack16",  "segment", "ring12", "wp",
	"flat",	  "smep", "page", "progress", "debugger", "device",  "tables",
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

/* The kernel of a model (`cpu =`) is recompiled: raw it would have the machine's instructions. */
static enum config_engine engine_of(const struct vcpu *v)
{
	enum config_engine e = v->vm->config.engine;

	return v->cpu.model && e != ENGINE_RECOMPILE_ALL ? ENGINE_RECOMPILE : e;
}

bool policy_wants_raw(struct vcpu *v)
{
	switch (engine_of(v)) {
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
	switch (engine_of(v)) {
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

/* Kept out of the usual way, as all that follows so: it then saves no registers for them. */
#define RARELY __attribute__((noinline))

static RARELY bool look_at_segments(struct vcpu *v)
{
	for (int s = 0; s < SEG_COUNT; s++)
		if (segment_stale(v, s))
			return true;
	memcpy(v->fresh, v->cpu.seg, sizeof(v->fresh));
	v->fresh_written = v->desc.entries_written;
	v->hw_fresh = false;
	return false;
}

/* Most entries have the segments of the one before, and no table was written since. */
static bool segments_fresh(const struct vcpu *v)
{
	return v->fresh_written == v->desc.entries_written &&
	       cpu_same_segments(v->fresh, v->cpu.seg);
}

/* False: there is more to do than may be done at once. */
static RARELY bool sync_tables(struct vcpu *v)
{
	if (shadow_desc_sync(&v->desc, SHADOW_DESC_ROOM))
		vcpu_forget_segments(v);
	return !v->desc.dirty;
}

static bool flat32(const struct cpu_segment *s)
{
	return s->base == 0 && s->limit == 0xffffffff && (s->attr & SEG_ATTR_DB);
}

/* REFUSE_COUNT: not at all. */
static RARELY enum raw_refusal ring1_refusal(struct vcpu *v)
{
	struct cpu *c = &v->cpu;

	if (!(c->cr0 & CR0_WP))
		return REFUSE_WP;
	if (!flat32(&c->seg[SEG_CS]) || !flat32(&c->seg[SEG_SS]))
		return REFUSE_FLAT;
	if (!cpu_features.smep || !cpu_features.nx)
		return REFUSE_SMEP;
	if (v->desc.ring12)
		return REFUSE_RING12;
	return raw_code_clean(v, c->eip) ? REFUSE_COUNT : REFUSE_PAGE;
}

/* The cheap conditions first: this is asked at every boundary of translated code. */
static inline __attribute__((always_inline)) enum raw_refusal mode_refusal(const struct cpu *c)
{
	if ((c->cr0 & (CR0_PE | CR0_PG)) != (CR0_PE | CR0_PG) || cpu_v86(c))
		return REFUSE_MODE;
	if ((c->eflags & EFLAGS_IOPL) || c->debug_hits)
		return REFUSE_FLAGS;
	if (c->cpl != 3 && (c->watch.codes || (c->eflags & EFLAGS_TF)))
		return REFUSE_FLAGS;
	if (!(c->seg[SEG_SS].attr & SEG_ATTR_DB))
		return REFUSE_STACK16;
	if (c->stops.codes && cpu_stops_on_page(c, c->seg[SEG_CS].base + c->eip))
		return REFUSE_DEBUGGER;
	return c->cpl == 3 || c->cpl == 0 ? REFUSE_COUNT : REFUSE_RING12;
}

static RARELY enum raw_refusal refusal(struct vcpu *v)
{
	enum raw_refusal why = mode_refusal(&v->cpu);

	if (why != REFUSE_COUNT)
		return why;
	if (!policy_wants_raw(v))
		return REFUSE_ENGINE;
	if (v->desc.dirty && !sync_tables(v))
		return REFUSE_TABLES;
	if (!segments_fresh(v) && look_at_segments(v))
		return REFUSE_SEGMENT;
	return v->cpu.cpl == 3 ? REFUSE_COUNT : ring1_refusal(v);
}

/*
 * Nothing has changed since the last entry that a program could be refused for. That there was one
 * says that the engine is not recompile-all, which never looks whether segments are fresh. Once in
 * each system call: no call is in it, so that it needs no frame.
 */
static inline __attribute__((always_inline)) bool program_goes_on(const struct vcpu *v)
{
	const struct cpu *c = &v->cpu;

	return c->cpl == 3 && !v->must_progress && c->vif && !c->shadow && !v->raw_device.until &&
	       !c->stops.codes && mode_refusal(c) == REFUSE_COUNT && !v->desc.dirty &&
	       segments_fresh(v);
}

static RARELY bool ask(struct vcpu *v)
{
	enum raw_refusal why;

	if (v->must_progress) {
		v->must_progress = false;
		why = REFUSE_PROGRESS;
	} else if (!v->cpu.vif || v->cpu.shadow) {
		why = REFUSE_IF;
	} else if (raw_device_refuses(v)) {
		why = REFUSE_DEVICE;
	} else {
		why = refusal(v);
		if (why == REFUSE_COUNT)
			return true;
	}
	COUNT(v->stats.refusals[why]);
	return false;
}

bool raw_may_run(struct vcpu *v)
{
	return program_goes_on(v) || ask(v);
}
