/* SPDX-License-Identifier: MIT */
/*
 * Raw execution as a row of the engine table: may it run, run, kick.
 */
#include "vmm/raw/raw.h"
#include "vmm/run/engine.h"

static bool raw_kick(struct vcpu *v, struct trap_frame *f)
{
	if (!trap_from_guest(f))
		return false;
	raw_interrupted(v, f, true);
	return true;
}

const struct engine engine_raw = { "raw", raw_may_run, raw_run, raw_kick };
