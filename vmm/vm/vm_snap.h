/* SPDX-License-Identifier: MIT */
/*
 * Saves a VM and loads it, a piece at a time in its own turns (vmm/vm/vm_start.h), while it does
 * not run. docs/snapshots.md has the steps.
 *
 * Nothing is lost by a failure: a stream that is not good, or not this VM's, is refused before
 * anything of the VM has changed for good, and the VM goes on where it was.
 */
#pragma once

#include "kernel/base/types.h"

struct snapshot;
struct vm;
struct vm_snap;

/* Begins to save vm under that name; the VM reports the end of it. Returns 0, or an error that has
 * been printed. */
int vm_snap_save(struct vm *vm, const char *name);
/* Begins to load the snapshot or boot module of that name. */
int vm_snap_load(struct vm *vm, const char *name);
/* The same as vm_snap_load() for one that was just created: it starts with that state, or not at
 * all. */
int vm_snap_first(struct vm *vm, const char *name);
/* Begins to take what was written to the medium in that drive: it is then sent over the console. */
int vm_snap_save_disk(struct vm *vm, const char *drive);
/* Begins to take registers and memory for a debugger: they are then sent over the console,
 * packed. why: what is said of its state. */
int vm_snap_save_core(struct vm *vm, const char *why);
/* The next piece of work; vm->start says what follows. */
void vm_snap_piece(struct vm *vm);
/* Its media are half of what they were and half of what was saved: it must not be reset. */
bool vm_snap_writes_media(const struct vm *vm);
/* The VM is reset or destroyed: what was under way is given up. */
void vm_snap_abandon(struct vm *vm);
