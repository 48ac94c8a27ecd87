/* SPDX-License-Identifier: MIT */
/*
 * The recompiler: translates 16- and 32-bit guest code to x86-64 and runs it. One struct recomp per
 * virtual CPU (code cache, block tables, look-up table). See docs/recompiler.md.
 *
 * Memory: translated code accesses guest linear addresses directly at membase + address. membase is
 * 0 in the monitor and in host processes that leave the low 4 GiB free, or GS.base on other hosts.
 *
 * Who calls what:
 *   run loop                     recomp_run()
 *   #PF, #GP, #DE, ... handler   recomp_trap(), when the host RIP lies in the code cache
 *   interrupt handler            recomp_signal(), and recomp_interrupted() so that a long REP stops
 *                                at an iteration
 * Writes to guest memory come to it by a watcher of gpmem, which recomp_create() installs.
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "emu/cpu/env.h"
#include "emu/block/recomp_config.h"
#include "emu/jit/recomp_trap.h"

/* Creates the translator for cpu (sets cpu->recomp). Returns 0, E_NOMEM or E_INVAL. */
int recomp_create(struct cpu *cpu, const struct recomp_config *config);
void recomp_destroy(struct cpu *cpu);

/*
 * Runs from cpu->eip until there is a reason to stop; takes pending interrupts and NMIs itself
 * (cpu_take_events). Executes at least one guest instruction before it asks env->want_leave(): the
 * caller has decided already. Interrupts are enabled by the caller's choice: translated code runs
 * with the host's IF as recomp_run() found it.
 */
enum recomp_exit recomp_run(struct cpu *cpu);

/*
 * The same after RECOMP_IRET, if cpu has changed since in one way only: the program has run, which
 * changes registers and flags, and an event that was delivered in between has taken it to CPL 0.
 * The segment registers but CS and SS are what they were. The address space is, too, and what is
 * mapped there, and no page has become another.
 */
enum recomp_exit recomp_run_after_iret(struct cpu *cpu);

/* Executes exactly one guest instruction (REP: one iteration or more), then returns as
 * recomp_run(), or RECOMP_EVENT. */
enum recomp_exit recomp_step(struct cpu *cpu);

/*
 * Executes one guest instruction for a debugger: of a repeated one one iteration; interrupts and
 * NMIs wait as they do behind STI, and stops of execution do not count. A fault of the instruction
 * is delivered, and the step then ends in front of its handler. *done: false if nothing was
 * executed yet, and it shall be called again.
 */
enum recomp_exit recomp_step_quietly(struct cpu *cpu, bool *done);

/* Asks translated code to leave at the next poll. Async-signal-safe; any context on the same CPU.
 */
void recomp_signal(struct cpu *cpu, u32 events);
/* The level of these events dropped (the interrupt line went down). */
void recomp_unsignal(struct cpu *cpu, u32 events);
/*
 * Names the linear-to-physical mapping through which code of CPL 3, or of CPL 0..2, is found from
 * now on. Translations that were found by linear address under another number are not used, and are
 * found again when that number comes back. So an address space has a number, and gets a new one
 * when the mapping of code in it changes.
 */
void recomp_set_mapping(struct recomp *r, bool cpl3, u32 mapping);
bool recomp_mapping_is(const struct recomp *r, bool cpl3, u32 mapping);

/*
 * Proves live blocks, whether they were proven when they were made or not (docs/recompiler.md):
 * those with numbers from *next on, so many at most. *next: where to go on, 0 after the last one.
 * Returns how many were; *why is NULL, or says what is wrong with the one at *eip, at which it
 * stopped.
 */
u32 recomp_verify(const struct recomp *r, u32 *next, u32 most, u32 *eip, const char **why);

/* Drops everything. */
void recomp_flush(struct recomp *r);

const struct recomp_stats *recomp_stats(struct recomp *r);
