/* SPDX-License-Identifier: MIT */
/*
 * Names of a VM's addresses: the boot module that `symbols = FILE` names.
 */
#pragma once

#include "vmm/state/vm.h"

/* Refuses the VM, with an error, if there is no such module or nothing in it. */
int vm_symbols_load(struct vm *vm);
void vm_symbols_free(struct vm *vm);
