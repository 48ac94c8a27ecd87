/* SPDX-License-Identifier: MIT */
/*
 * The guest's RAM: 2 MiB chunks of the machine's memory, wired into the guest-physical map as a PC
 * has them:
 *
 *     0 .. A0000h   conventional memory      100000h .. 200000h, 200000h .. size   extended memory
 *
 * The first chunk holds both parts below 2 MiB, so that from 2 MiB up guest and machine memory are
 * aligned alike (2 MiB pages).
 */
#pragma once

#include "kernel/base/types.h"

struct vm;

/* Returns 0, or E_NOMEM with nothing held. */
int vm_ram_create(struct vm *vm);
/* And its guest-physical space. */
void vm_ram_destroy(struct vm *vm);
/* Forgets the contents of size bytes: every page is zeroed again when it is next touched. */
void vm_ram_clear(struct vm *vm, gpa_t from, u64 size);
