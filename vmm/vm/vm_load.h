/* SPDX-License-Identifier: MIT */
/*
 * Puts what a VM's configuration names into its memory and its processor at the first instruction,
 * in slices between which others run (vmm/vm/vm_start.c):
 *
 *     vm_load_begin() -> 0, then vm_load_step() until it returns false
 *
 * Between begin and the last step the VM must not run. Its own state is in vm->load; a new begin
 * starts over. A machine without a kernel starts at the firmware's reset vector: there is nothing
 * to load.
 */
#pragma once

#include "vmm/state/vm.h"

/* What a step copies: 2,048 to 16,384 instructions and 5 to 800 microseconds, by how the machine
 * runs REP MOVSQ. */
#define VM_LOAD_SLICE (64 * KiB)

struct vm_roms {
	struct board_file firmware, vgabios, netrom;
};

/* The ROMs of a machine without a kernel, nothing for one with a kernel. Returns 0, or a
 * negative error after reporting the reason. */
int vm_load_roms(const struct config_vm *config, struct vm_roms *roms);

/* Finds and checks the images. Returns 0, or a negative error after reporting the reason: nothing
 * was written then. Takes constant time. */
int vm_load_begin(struct vm *vm);

/* Copies the next VM_LOAD_SLICE bytes; returns false when the processor is at the first instruction
 * and the VM may run. Says how far it is once a second. */
bool vm_load_step(struct vm *vm);
