/* SPDX-License-Identifier: MIT */
/*
 * Stops a VM at a safe point, and lets it go on: by instructions, to an address, or freely. A VM
 * that a debugger stopped is paused: its registers are in struct cpu, between two instructions, and
 * its clock stands. vmm/vm/vm_point.h has the points.
 */
#pragma once

#include "vmm/state/vm.h"

/*
 * The VM goes on for so many instructions, without interrupts; a halted one until an interrupt has
 * come and its handler has returned. E_INVAL: it has stopped for good. E_FULL: no room for a point.
 */
int vm_debug_step(struct vm *vm, u32 steps);
/* The VM goes on until it comes to gla with ESP at least min_esp, or meets something else. */
int vm_debug_until(struct vm *vm, gla_t gla, u32 min_esp);
int vm_debug_continue(struct vm *vm);
/*
 * Back to power-on. A VM that is held for gdb stands in front of its first instruction, with its
 * memory cleared and its images loaded, as soon as its turns have done that: vm_debug_starts() till
 * then. E_BUSY: it is being loaded, and goes on with that.
 */
int vm_debug_reset(struct vm *vm, const char *why);
bool vm_debug_starts(const struct vm *vm);
/* The VM stops where it is. */
void vm_debug_stop(struct vm *vm);
/* The same; one that has not come to its first instruction yet goes so far. */
void vm_debug_hold(struct vm *vm);

/* What the VM's turn ended with: VCPU_DEBUGGER; HLT that nothing ends; a triple fault. True: the VM
 * stands, and nothing else is to be done about it. */
void vm_debug_met(struct vm *vm);
bool vm_debug_halted(struct vm *vm);
bool vm_debug_shut_down(struct vm *vm);
/* Its images are where they belong, and it may stand in front of its first instruction. */
void vm_debug_started(struct vm *vm);
/* It has stopped for good: whoever waits for a stop is told. */
void vm_debug_ended(struct vm *vm);

/* A triple fault has stopped it for good: the log tells how that came about. */
void vm_debug_died(struct vm *vm);

#define VM_DEBUG_WHY 208u /* characters at most, and a 0 */
/* Why it stands, in words; "" if it runs. */
void vm_debug_why(const struct vm *vm, char *text, size_t size);
