/* SPDX-License-Identifier: MIT */
/*
 * Names of a VM's addresses: the boot module that `symbols = FILE` names.
 */
#pragma once

#include "vmm/state/vm.h"

/* Refuses the VM, with an error, if there is no such module or nothing in it. */
int vm_symbols_load(struct vm *vm);
/* A VM without symbols gets those that a Linux keeps in its memory, until it is reset or loaded.
 * NULL, or why there are none. */
const char *vm_symbols_seek(struct vm *vm);
void vm_symbols_forget(struct vm *vm);
void vm_symbols_free(struct vm *vm);
