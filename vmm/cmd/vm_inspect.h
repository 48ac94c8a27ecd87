/* SPDX-License-Identifier: MIT */
/*
 * Looking into a VM from the prompt: memory and code at guest linear addresses, without side
 * effects.
 */
#pragma once

#include "kernel/base/types.h"

struct vm;

/* Prints n instructions from gla, or from CS:EIP when gla is 0. */
void vm_disassemble(struct vm *vm, gla_t gla, unsigned n);
/* Prints n bytes as hexadecimal and text, 16 a line. */
void vm_dump(struct vm *vm, gla_t gla, unsigned n);
