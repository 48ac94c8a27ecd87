/* SPDX-License-Identifier: MIT */
/*
 * What translated code calls C for: hard instructions, and memory that cannot be accessed directly.
 */
#pragma once

#include "emu/block/recomp_internal.h"

/*
 * Called from the stubs. site: offset of a struct site in the arena; it knows the EIP. The result
 * is an enum cpu_result or, of the first three, STUB_GO_ON.
 */
u32 recomp_hard(struct cpu *cpu, u32 site);
/* IRET. */
u32 recomp_iret(struct cpu *cpu, u32 site);
/* MOV and POP of DS, ES, FS, GS in flat protected-mode code: the load that is done over and over.
 */
u32 recomp_segment(struct cpu *cpu, u32 site);
/* A memory operand is fetched to cpu->scratch, or at least checked; stored from there; checked and
 * stored at once. */
enum cpu_result recomp_slow_read(struct cpu *cpu, u32 site);
enum cpu_result recomp_slow_write(struct cpu *cpu, u32 site);
enum cpu_result recomp_slow_store(struct cpu *cpu, u32 site);
