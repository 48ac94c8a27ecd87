/* SPDX-License-Identifier: MIT */
/*
 * Stops a VM at a safe point, and lets it go on: by instructions, to an address, or freely. A VM
 * that a debugger stopped is paused: its registers are in struct cpu, between two instructions, and
 * its clock stands.
 *
 * Breakpoints and watchpoints are numbered from 1. They stay over a reset.
 */
#pragma once

#include "vmm/state/vm.h"

/* A new point; *number receives its own (OWNER_PROMPT only), if not NULL. As cpu_stop_add(). */
int vm_debug_add(struct vm *vm, const struct cpu_stop *stop, enum vm_owner owner, u32 *number);
/* E_NOENT: there is none of that number; or none that is the same and the owner's. */
int vm_debug_delete(struct vm *vm, u32 number);
int vm_debug_remove(struct vm *vm, const struct cpu_stop *stop, enum vm_owner owner);
void vm_debug_remove_all(struct vm *vm, enum vm_owner owner);

/*
 * The VM goes on for so many instructions, without interrupts; a halted one until an interrupt has
 * come and its handler has returned. E_INVAL: it has stopped for good. E_FULL: no room for a point.
 */
int vm_debug_step(struct vm *vm, u32 steps);
/* The VM goes on until it comes to gla with ESP at least min_esp, or meets something else. */
int vm_debug_until(struct vm *vm, gla_t gla, u32 min_esp);
int vm_debug_continue(struct vm *vm);
/* The VM stops where it is. */
void vm_debug_stop(struct vm *vm);

/* What the VM's turn ended with: VCPU_DEBUGGER; HLT that nothing ends; a triple fault. True: the VM
 * stands, and nothing else is to be done about it. */
void vm_debug_met(struct vm *vm);
bool vm_debug_halted(struct vm *vm);
bool vm_debug_shut_down(struct vm *vm);
/* It has stopped for good, or was reset: whoever waits for a stop is told. */
void vm_debug_ended(struct vm *vm);

/* Why it stands, in words; "" if it runs. */
void vm_debug_why(const struct vm *vm, char *text, size_t size);
