/* SPDX-License-Identifier: MIT */
/*
 * strict = warn | stop: each rule of emu/dev/strict.def that the guest breaks is told once for each
 * address; with `stop` the VM is also paused behind that instruction.
 */
#pragma once

#include "emu/dev/strict.h"
#include "vmm/state/vm.h"

/* Called from a device, while the instruction is executed. */
void vm_strict_broken(struct vm *vm, unsigned rule);
/* A table of the rules, how often each was broken, and where first. */
void vm_strict_print(const struct vm *vm);
