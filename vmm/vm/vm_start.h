/* SPDX-License-Identifier: MIT */
/*
 * Resets a VM and loads it, in pieces.
 */
#pragma once

struct vm;

/* What a VM has still to do before its first instruction, in this order. */
enum vm_start {
	VM_STARTED,
	VM_START_PROCESSOR,    /* registers */
	VM_START_TRANSLATIONS, /* shadow tables, translated code */
	VM_START_CODE,	       /* what is known of pages that may run raw */
	VM_START_RAM,
	VM_START_BOARD,
	VM_START_IMAGES, /* checked; a new VM begins here */
	VM_START_COPY,
	VM_START_SNAP, /* saved, or loaded from what was saved: vmm/snap/vm_snap.h */
};

/* Throws away what it was doing; vm_start_piece() does the rest, until vm->start is VM_STARTED. */
void vm_start_begin(struct vm *vm);
void vm_start_piece(struct vm *vm);
