/* SPDX-License-Identifier: MIT */
/*
 * strict = warn | stop: each rule of emu/dev/strict.def that the guest breaks is told once for each
 * address; with `stop` the VM is also paused behind that instruction.
 */
#pragma once

#include "emu/dev/strict.h"
#include "vmm/state/vm.h"

/* Called while the instruction is executed, or between two; number: what strict.def says. */
void vm_strict_broken(struct vm *vm, unsigned rule, u32 number);
/* Of board_host.h. */
void vm_strict_settles(struct vm *vm);
bool vm_strict_unsettled(const struct vm *vm);
/* A turn has ended, with HLT if halted: does an interrupt stay in service? */
void vm_strict_turn(struct vm *vm, bool halted);
/* A table of the rules, how often each was broken, and where first. */
void vm_strict_print(const struct vm *vm);
