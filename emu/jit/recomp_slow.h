/* SPDX-License-Identifier: MIT */
/*
 * What translated code calls C for: hard instructions.
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

/* The way in and out of work that takes long enough to have an account of its own; its result. */
enum cpu_result recomp_in_c(struct cpu *cpu, u32 site,
			    enum cpu_result (*work)(struct recomp *, const struct site *));
/* Has the guest called no device since C looked the last time? */
bool recomp_no_device_called(struct recomp *r);
