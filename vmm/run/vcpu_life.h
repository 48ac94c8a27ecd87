/* SPDX-License-Identifier: MIT */
/*
 * Life of a virtual CPU.
 */
#pragma once

#include "vmm/state/vcpu.h"

/* Returns 0 or E_NOMEM. */
int vcpu_create(struct vcpu *v, struct vm *vm, unsigned index);
void vcpu_destroy(struct vcpu *v);
/* Power-on: first the registers, then all that was made from the guest's memory. */
void vcpu_reset(struct vcpu *v);
void vcpu_forget(struct vcpu *v);
/* The engine that is asked for is another: nothing is taken for granted of the one before. */
void vcpu_engine_changed(struct vcpu *v);
/* The INIT pin: what was made from memory stays. */
void vcpu_init(struct vcpu *v);
