/* SPDX-License-Identifier: MIT */
/*
 * Puts what a VM's configuration names into its memory and its processor at the first instruction.
 */
#pragma once

struct vm;

/* Returns 0; or a negative error after reporting the reason. Called for creation and at every
 * reset. */
int vm_load(struct vm *vm);
