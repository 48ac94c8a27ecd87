/* SPDX-License-Identifier: MIT */
/*
 * What the fuzzing targets share: one machine, made once and reset for each input, and a limit of
 * time.
 */
#include "tests/fuzz/fuzz.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "kernel/base/log.h"

#define RAM (256 * KiB)

struct machine fuzz_machine;

u8 fuzz_u8(struct fuzz_input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

u32 fuzz_u32(struct fuzz_input *in)
{
	u32 v = fuzz_u8(in);

	v |= (u32)fuzz_u8(in) << 8;
	v |= (u32)fuzz_u8(in) << 16;
	return v | (u32)fuzz_u8(in) << 24;
}

void fuzz_bytes(struct fuzz_input *in, u8 *to, u32 len)
{
	for (u32 i = 0; i < len && in->p < in->end; i++)
		to[i] = *in->p++;
}

/* REP with a large count: it stops at an iteration when an event is pending. */
static void on_tick(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	machine_interrupt(&fuzz_machine, CPU_EVENT_YIELD, context);
}

static void create(void)
{
	static bool created;
	const struct itimerval tick = { { 0, 100000 }, { 0, 100000 } };
	struct sigaction sa = { .sa_sigaction = on_tick,
				.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK };

	if (created)
		return;
	created = true;
	if (machine_create(&fuzz_machine, RAM, 0))
		panic("no machine");
	sigaction(SIGPROF, &sa, NULL);
	setitimer(ITIMER_PROF, &tick, NULL);
}

void fuzz_reset(void)
{
	struct machine *m = &fuzz_machine;

	create();
	memset(m->ram, 0, RAM);
	machine_reset(m);
	recomp_flush(m->cpu.recomp);
	m->cpu.events = 0;
	m->cpu.halted = false;
	m->cpu.env->paging_changed(&m->cpu, PAGING_CR0 | PAGING_CR3 | PAGING_CR4 | PAGING_EFER);
}

bool fuzz_step(void)
{
	enum recomp_exit exit = machine_step(&fuzz_machine);

	fuzz_machine.cpu.halted = false;
	return exit != RECOMP_SHUTDOWN;
}

void fuzz_flat(unsigned cpl)
{
	struct cpu *cpu = &fuzz_machine.cpu;
	u16 rights = (u16)(SEG_ATTR_P | SEG_ATTR_S | SEG_ATTR_DB | SEG_ATTR_G | cpl << 5);

	for (unsigned i = 0; i < SEG_COUNT; i++)
		cpu->seg[i] =
			(struct cpu_segment){ (u16)(0x10 | cpl), (u16)(rights | 3), 0, 0xffffffff };
	cpu->seg[SEG_CS] =
		(struct cpu_segment){ (u16)(0x08 | cpl), (u16)(rights | 0x0b), 0, 0xffffffff };
	cpu->cpl = (u8)cpl;
}
