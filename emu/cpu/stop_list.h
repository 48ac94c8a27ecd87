/* SPDX-License-Identifier: MIT */
/*
 * The list of a debugger's stops.
 */
#pragma once

#include "emu/cpu/cpu.h"

/* Adds one, or removes one that is the same. E_INVAL: no such kind or length; E_FULL; E_NOENT. */
int cpu_stop_add(struct cpu *cpu, const struct cpu_stop *stop);
int cpu_stop_remove(struct cpu *cpu, const struct cpu_stop *stop);
/* stops.tell hears of events of these kinds from now on, by bit: of those from STOP_PORT on. */
void cpu_stop_tell(struct cpu *cpu, u16 kinds);
