/* SPDX-License-Identifier: MIT */
/*
 * Between Linux signals and recomp_trap(): the ucontext is the trap frame. TRAPNO, ERR and CR2 are
 * the processor's own, so a non-canonical address (si_addr 0) is told from a page fault.
 */
#define _GNU_SOURCE
#include "tests/host/machine_trap.h"

#include <signal.h>
#include <stdio.h>
#include <ucontext.h>

#include "kernel/base/log.h"

#define STACK_SIZE (256u * KiB)

bool (*machine_other_trap)(void *info, void *context);
static struct machine *active;

/* struct host_frame's order, in Linux's names. */
static const int host_reg[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
				  REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
				  REG_R12, REG_R13, REG_R14, REG_R15 };

static void frame_from(struct host_frame *f, const greg_t *g)
{
	for (unsigned i = 0; i < 16; i++)
		f->gpr[i] = (u64)g[host_reg[i]];
	f->rip = (u64)g[REG_RIP];
	f->rflags = (u64)g[REG_EFL];
}

static void frame_to(const struct host_frame *f, greg_t *g)
{
	for (unsigned i = 0; i < 16; i++)
		g[host_reg[i]] = (greg_t)f->gpr[i];
	g[REG_RIP] = (greg_t)f->rip;
	g[REG_EFL] = (greg_t)f->rflags;
}

static void on_trap(int sig, siginfo_t *info, void *context)
{
	greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
	struct machine *m = active;
	struct host_frame f;

	if (machine_other_trap && machine_other_trap(info, context))
		return;
	frame_from(&f, g);
	if (m && recomp_owns(m->cpu.recomp, f.rip)) {
		m->faults++;
		if (recomp_trap(&m->cpu, &f, (u8)g[REG_TRAPNO], (u32)g[REG_ERR], (u64)g[REG_CR2])) {
			frame_to(&f, g);
			return;
		}
	}
	fprintf(stderr, "signal %d, trap %lld, error %llx, address %llx, at %llx%s\n", sig,
		(long long)g[REG_TRAPNO], (unsigned long long)g[REG_ERR],
		(unsigned long long)g[REG_CR2], (unsigned long long)g[REG_RIP],
		m && recomp_owns(m->cpu.recomp, f.rip) ? " in translated code" : "");
	signal(sig, SIG_DFL); /* and again, for the core or the debugger */
}

void machine_interrupt(struct machine *m, u32 events, void *context)
{
	greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
	struct host_frame f;

	recomp_signal(&m->cpu, events);
	frame_from(&f, g);
	if (!recomp_owns(m->cpu.recomp, f.rip))
		return;
	recomp_interrupted(&m->cpu, &f);
	frame_to(&f, g);
}

void machine_trap_install(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };
	struct sigaction now, sa = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	static u8 memory[STACK_SIZE] __attribute__((aligned(16)));
	stack_t stack = { .ss_sp = memory, .ss_size = STACK_SIZE };

	/* Test frameworks put handlers of their own around each test. */
	if (!sigaction(SIGSEGV, NULL, &now) && now.sa_sigaction == on_trap)
		return;
	if (sigaltstack(&stack, NULL))
		panic("no signal stack");
	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &sa, NULL);
}

void machine_trap_begin(struct machine *m)
{
	machine_trap_install();
	active = m;
}

void machine_trap_end(void)
{
	active = NULL;
}
