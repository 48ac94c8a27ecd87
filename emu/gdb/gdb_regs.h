/* SPDX-License-Identifier: MIT */
/*
 * The registers that gdb is shown, in its own order (its features org.gnu.gdb.i386.core and .sse),
 * behind them control registers and segment bases, and the upper halves of YMM registers (.avx).
 * What the guest's CPUID does not tell of is not there, and gdb's numbers have a gap.
 *
 * EIP is linear: CS's base is added. So code is found and disassembled where it is, in real mode,
 * too; the architecture says then that it is 16-bit code.
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "emu/gdb/gdb_packet.h"

#define GDB_CORE 41u /* up to MXCSR */
#define GDB_REGS 60u
#define GDB_WIDE 16u /* bytes of the largest */

#define GDB_ESP 4u
#define GDB_EBP 5u
#define GDB_EIP 8u

enum { GDB_HAS_SSE = 1, GDB_HAS_AVX = 2 };

/* What the guest's processor has beside the rest; and whether it has register n. */
unsigned gdb_reg_parts(struct cpu *cpu);
bool gdb_reg_there(unsigned parts, unsigned n);
/* Bytes of register n. */
unsigned gdb_reg_size(unsigned n);
/* cpu->fpu holds the FPU's state. */
void gdb_reg_read(struct cpu *cpu, unsigned n, u8 *value);
/* False: it cannot have this value, or never changes by hand. */
bool gdb_reg_write(struct cpu *cpu, unsigned n, const u8 *value);

/* How a description begins, and the type of EFLAGS, whose upper half nobody has. */
extern const char gdb_xml_head[], gdb_xml_flags[];
void gdb_target_xml(struct cpu *cpu, struct gdb_part *x);
