/* SPDX-License-Identifier: MIT */
/*
 * What of a virtual CPU the real one holds: its GDT and LDT, CR3, control registers and FPU. One
 * vcpu at a time is loaded on a processor (percpu.vcpu, vcpu.loaded_on).
 */
#pragma once

#include "vmm/state/vcpu.h"

void vcpu_load(struct vcpu *v);
/* Puts the hardware in the monitor's own state, saving what v has in it. */
void vcpu_unload(struct vcpu *v);

/* Makes CR3 hold the root for the CPU's present state and view. */
void vcpu_change_root(struct vcpu *v, enum shadow_view view);
static inline bool vcpu_root_is_loaded(const struct vcpu *v, enum shadow_view view)
{
	return view == v->view && v->root && shadow_is_current(v->shadow, view);
}
static inline void vcpu_load_root(struct vcpu *v, enum shadow_view view)
{
	if (!vcpu_root_is_loaded(v, view))
		vcpu_change_root(v, view);
}

/* Real CR0, CR4 and XCR0 for running this guest's code. */
void vcpu_load_control(struct vcpu *v);

/* The FPU's registers hold the guest's state while v is loaded: to its image, and from there. */
void vcpu_fpu_access(struct vcpu *v, bool save);
/* FIP and its like, of the real FPU. */
void vcpu_fpu_pointers(struct vcpu *v, struct cpu_fpu_pointers *p, bool set);
