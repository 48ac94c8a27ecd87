/* SPDX-License-Identifier: MIT */
/*
 * Creation, reset and end of a VM.
 */
#pragma once

#include "vmm/state/vm.h"

/*
 * Creates the VM of a configuration section and loads its images. On failure reports why with the
 * VM's name, frees everything and returns a negative error.
 */
int vm_create(const struct config_vm *config, struct vm **out);
void vm_destroy(struct vm *vm);

/* Back to power-on, by the operator or the guest; the work is done, and the images are loaded
 * again, in its next turns. */
bool vm_reset(struct vm *vm, const char *why); /* false: it is being loaded, which goes on */
void vm_reset_itself(struct vm *vm, const char *why);
/* The INIT pin: the processor alone starts again; memory and chips stay as they are. */
void vm_cpu_init(struct vm *vm);
/* A triple fault, with on_triple_fault = reset: a chipset answers with INIT. */
void vm_shut_down(struct vm *vm);
/* Carries out vm->request. */
void vm_do_request(struct vm *vm);

/* Memory that the monitor holds for this VM besides the guest's RAM, in bytes. */
u64 vm_overhead(const struct vm *vm);
/* What it may still take for shadow tables, in bytes: free, but no other VM's. */
u64 vm_promised(const struct vm *vm);
