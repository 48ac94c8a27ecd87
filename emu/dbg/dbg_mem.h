/* SPDX-License-Identifier: MIT */
/*
 * A guest's memory for a debugger: nothing faults, no accessed or dirty bit is set, no device is
 * touched, and nothing is met that watches the guest's own accesses.
 */
#pragma once

#include "emu/cpu/cpu.h"

/*
 * Bytes at a linear address by the guest's page tables, whatever rights these give; or at a
 * physical address. Returns how many there are in front of the first that is not mapped, or is no
 * RAM and no ROM.
 */
unsigned dbg_read(struct cpu *cpu, gla_t gla, void *buf, unsigned len);
unsigned dbg_read_phys(struct cpu *cpu, gpa_t gpa, void *buf, unsigned len);
/* 1, 2 or 4 bytes. False: they are not all there. */
bool dbg_read_number(struct cpu *cpu, gla_t gla, unsigned size, u32 *value);

/* Writes all bytes, or none: true if all of them are RAM. Whoever must know is told, as of a write
 * of the guest's. */
bool dbg_write(struct cpu *cpu, gla_t gla, const void *buf, unsigned len);
bool dbg_write_phys(struct cpu *cpu, gpa_t gpa, const void *buf, unsigned len);
