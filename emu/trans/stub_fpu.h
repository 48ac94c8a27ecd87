/* SPDX-License-Identifier: MIT */
/*
 * Where the C around us uses FPU registers (recomp_config.host_fpu), stubs keep the guest's in
 * cpu->fpu while C runs.
 */
#pragma once

#include "emu/trans/emit_insn.h"

/* fxsave [cpu->fpu], the form with selectors; fxrstor64 [host_fpu]. Clobbers RCX. */
static inline void stub_fpu_to_host(struct emit *e, const struct recomp *r)
{
	if (!r->cfg.host_fpu)
		return;
	emit_fxsave(e, false, CPU_FIELD(fpu));
	emit_mov_imm64(e, R_C, (u64)r->cfg.host_fpu);
	emit_fxrstor(e, true, (struct hmem){ .base = R_C, .index = -1, .scale = 1 });
}

static inline void stub_fpu_to_guest(struct emit *e, const struct recomp *r)
{
	if (r->cfg.host_fpu)
		emit_fxrstor(e, false, CPU_FIELD(fpu));
}
