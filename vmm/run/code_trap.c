/* SPDX-License-Identifier: MIT */
/*
 * The recompiler takes registers as a struct host_frame, and gives them back changed.
 */
#include "vmm/run/code_trap.h"

#include "arch/cpu/processor.h"
#include "kernel/base/count.h"
#include "kernel/base/string.h"
#include "vmm/raw/raw.h"
#include "vmm/raw/raw_debug.h"
#include "vmm/state/account.h"

static void to_host(struct host_frame *hf, const struct trap_frame *f)
{
	memcpy(hf->gpr, f->gpr, sizeof(hf->gpr));
	hf->gpr[REG_ESP] = f->rsp;
	hf->rip = f->rip;
	hf->rflags = f->rflags;
}

static void from_host(struct trap_frame *f, const struct host_frame *hf)
{
	memcpy(f->gpr, hf->gpr, sizeof(hf->gpr));
	f->rsp = hf->gpr[REG_ESP];
	f->rip = hf->rip;
	f->rflags = hf->rflags;
}

bool code_trap(struct percpu *pc, struct trap_frame *f)
{
	struct vcpu *v = pc->vcpu;
	u64 cr2 = f->vector == VEC_PF ? read_cr2() : 0;
	struct host_frame hf;

	if (!v)
		return false;
	if (f->vector == VEC_DB && raw_debug_late(v))
		return true;
	if (!recomp_owns(v->cpu.recomp, f->rip))
		return raw_entry_failed(v, f);

	enum vcpu_place from = vcpu_account(v, PLACE_MONITOR);

	v->trapped = (u16)f->vector;
	COUNT(v->stats.code_traps);
	exit_trace_add(&v->trace, TRACE_CODE, (u8)f->vector, (u32)f->rip, (u32)cr2, v->place_since);
	to_host(&hf, f);

	bool handled = (cr2 >> 32 == 1 && shadow_use_alias(v->shadow)) ||
		       recomp_trap(&v->cpu, &hf, (u8)f->vector, (u32)f->error, cr2);

	from_host(f, &hf);
	vcpu_account(v, from);
	return handled;
}

void code_interrupted(struct vcpu *v, struct trap_frame *f)
{
	struct host_frame hf;

	to_host(&hf, f);
	recomp_interrupted(&v->cpu, &hf);
	from_host(f, &hf);
}
