/* SPDX-License-Identifier: MIT */
/*
 * The CPUID that a guest's kernel is given. Programs in raw ring 3 execute the real instruction (it
 * cannot be made to fault on most machines), so it is the native one less what this virtual machine
 * does not have and no program acts on; the list is in vm_cpuid.c and docs/cpuid.md.
 */
#pragma once

#include "emu/cpu/cpu.h"

/* apic: the board has a local APIC, and it is switched on. */
void vm_cpuid(struct cpu *cpu, u32 leaf, u32 subleaf, bool apic, u32 out[4]);
