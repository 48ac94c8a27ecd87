/* SPDX-License-Identifier: MIT */
/*
 * A VM's points: places and events to stop at, each with a condition, a count of hits that are
 * passed over, and commands, if there are such. They are numbered from 1, and stay over a reset.
 */
#pragma once

#include "vmm/state/vm.h"

#define VM_CONDITION 128u /* characters */
#define VM_COMMANDS  200u

struct vm_if; /* a condition */

/* The VM is new. */
void vm_points_init(struct vm *vm);
void vm_points_destroy(struct vm *vm);

/* A new point; *number receives its own (OWNER_PROMPT only), if not NULL. As cpu_stop_add(). */
int vm_point_add(struct vm *vm, const struct cpu_stop *stop, enum vm_owner owner, u32 *number);
/* NULL: there is none of that number. */
struct vm_point *vm_point_find(struct vm *vm, u32 number);
void vm_point_remove(struct vm *vm, struct vm_point *p);
/* The one that is the same and the owner's. E_NOENT: there is none. */
int vm_point_remove_same(struct vm *vm, const struct cpu_stop *stop, enum vm_owner owner);
/* All of the owner's, of kinds by bit. */
void vm_points_remove(struct vm *vm, enum vm_owner owner, u32 kinds);

/* "" takes it away. NULL, or what is wrong with the text. */
const char *vm_point_set_condition(struct vm *vm, struct vm_point *p, const char *text);
const char *vm_point_condition(const struct vm_point *p); /* "": none */
const char *vm_point_set_commands(struct vm_point *p, const char *text);
