/* SPDX-License-Identifier: MIT */
/*
 * Engine policy.
 */
#include "vmm/policy.h"

#include "vmm/vm.h"

bool policy_wants_raw(struct vcpu *v)
{
	switch (v->vm->config.engine) {
	case ENGINE_RECOMPILE_ALL:
		return false;
	case ENGINE_RECOMPILE:
	case ENGINE_AUTO:
		return v->cpu.cpl == 3;
	case ENGINE_RING1:
		return true;
	}
	return false;
}

void policy_raw_ended(struct vcpu *v)
{
	(void)v;
}
