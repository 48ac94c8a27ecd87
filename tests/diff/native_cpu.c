/* SPDX-License-Identifier: MIT */
/*
 * The processor that we run on, in compatibility mode (tests/host/native.h), with code, data and
 * stack below 4 GiB at the addresses of mode FLAT3. Exceptions arrive as signals, whose context is
 * the end state.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "emu/cpu/cpu.h"
#include "tests/diff/case.h"
#include "tests/host/native.h"
#include "tests/host/upper.h"
#include "tests/host/machine.h"

static struct case_state *result;
static const struct diff_case *running;
static bool left_by_syscall;

static void take_state(struct case_state *s, const ucontext_t *uc)
{
	static const int reg[8] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX,
				    REG_RSP, REG_RBP, REG_RSI, REG_RDI };
	const greg_t *g = uc->uc_mcontext.gregs;

	for (unsigned i = 0; i < 8; i++)
		s->gpr[i] = (u32)g[reg[i]];
	s->eip = (u32)g[REG_RIP];
	s->eflags = (u32)g[REG_EFL];
	s->vector = (u8)g[REG_TRAPNO];
	s->error = (u32)g[REG_ERR];
	s->has_error = case_has_error(s->vector);
	s->has_cr2 = s->vector == VEC_PF;
	s->cr2 = (u32)g[REG_CR2];
	memcpy(s->sel, running->start.sel, sizeof(s->sel));
	memcpy(s->fx, uc->uc_mcontext.fpregs, 512);
	/* As the host's XSAVE left it: the header at 512, and AVX's part if it is not all zero. */
	memset(s->upper, 0, sizeof(s->upper));
	if (upper_exist() && (((const u8 *)uc->uc_mcontext.fpregs)[512] & 4))
		memcpy(s->upper, (const u8 *)uc->uc_mcontext.fpregs + 576, sizeof(s->upper));
}

/* Linux has no pages of the supervisor's here: those plans are not for this processor. */
static void set_page(const struct fault_plan *plan, bool good)
{
	const struct case_layout *l = case_layout(CASE_FLAT3);
	int exec = plan->page - l->code < l->code_size ? PROT_EXEC : 0;
	int prot = good			       ? PROT_READ | PROT_WRITE | exec
		   : plan->kind == PAGE_ABSENT ? PROT_NONE
					       : PROT_READ | exec;

	mprotect((void *)(u64)plan->page, PAGE_SIZE, prot);
}

/* The page is repaired, and the handler returns to the instruction. */
static bool planned_fault(const greg_t *g)
{
	const struct case_layout *l = case_layout(CASE_FLAT3);
	struct fault_plan *plan = running->plan;

	if (!plan || plan->faulted || g[REG_TRAPNO] != VEC_PF ||
	    ((u32)g[REG_CR2] & ~(PAGE_SIZE - 1)) != plan->page)
		return false;
	plan->faulted = true;
	set_page(plan, true);
	memcpy(plan->data, (void *)(u64)l->data, sizeof(plan->data));
	memcpy(plan->stack, (void *)(u64)l->stack, sizeof(plan->stack));
	return true;
}

static bool on_trap(void *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *g = uc->uc_mcontext.gregs;

	(void)info;
	if (!running || !native_inside(context))
		return false;
	if (planned_fault(g)) {
		take_state(&running->plan->at, uc);
		return true;
	}
	take_state(result, uc);
	native_leave(context);
	return true;
}

/*
 * A stray 32-bit system call would be the kernel's to execute. None is generated, but bytes of an
 * operand may be one: the filter turns it into SIGSYS, and the case is not counted.
 */
static void on_syscall(int sig, void *info, void *context)
{
	(void)sig;
	left_by_syscall = true;
	on_trap(info, context);
}

static bool map(u32 at, u32 size, int prot)
{
	void *want = (void *)(u64)at;

	return mmap(want, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
	       want;
}

static int init(void)
{
	const struct case_layout *l = case_layout(CASE_FLAT3);

	machine_other_trap = on_trap;
	if (upper_exist())
		processor_native.what |= GEN_AVX;
	if (!native_find()) {
		printf("%s\n", native_reason());
		return PROCESSOR_NOT_HERE;
	}
	if (!native_forbid_syscalls(on_syscall)) {
		fprintf(stderr, "native: no system call filter\n");
		return -1;
	}
	if (!map(l->code, l->code_size, PROT_READ | PROT_WRITE | PROT_EXEC) ||
	    !map(l->data, l->data_size, PROT_READ | PROT_WRITE) ||
	    !map(l->stack, l->stack_size, PROT_READ | PROT_WRITE)) {
		fprintf(stderr, "native: the addresses of mode flat3 are taken\n");
		return -1;
	}
	return 0;
}

/* Stores, pushes or loads CS, which has another selector in an LDT than Linux's, the case's. */
static bool shows_cs(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op)
{
	for (unsigned i = 0; i < in->operand_count; i++)
		if (op[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    op[i].reg.value == ZYDIS_REGISTER_CS)
			return true;
	return in->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR ||
	       in->mnemonic == ZYDIS_MNEMONIC_IRET || in->mnemonic == ZYDIS_MNEMONIC_IRETD;
}

static bool needs_selector(const struct diff_case *c)
{
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction in;
	u32 at = c->start.eip;

	if (native_selector() == case_layout(CASE_FLAT3)->sel[SEG_CS])
		return false;
	for (unsigned i = 0; i < c->insns; i++) {
		if (c->insn[i].dropped)
			continue;
		if (case_decode_full(c, at, &in, op) && shows_cs(&in, op))
			return true;
		at += c->insn[i].len;
	}
	return false;
}

static int run(const struct diff_case *c, struct case_state *end, u8 *data, u8 *stack)
{
	const struct case_layout *l = case_layout(c->mode);
	struct native_entry e = { .eip = c->start.eip,
				  .eflags = c->start.eflags | EFLAGS_IF,
				  .esp = c->start.gpr[REG_ESP] };

	memset(end, 0, sizeof(*end));
	if (needs_selector(c))
		return 1;
	memcpy(e.gpr, c->start.gpr, sizeof(e.gpr));
	case_load(c, NULL);
	left_by_syscall = false;
	result = end;
	running = c;
	if (c->plan)
		set_page(c->plan, false);
	upper_load(c->start.upper);
	native_enter(&e, c->start.fx);
	running = NULL;
	if (c->plan)
		set_page(c->plan, true);
	if (left_by_syscall || end->vector == VEC_AC)
		return 1; /* #AC: Linux runs with CR0.AM; the recompiler leaves AC to raw code */
	memcpy(data, (void *)(u64)l->data, l->data_size);
	memcpy(stack, (void *)(u64)l->stack, l->stack_size);
	return 0;
}

struct processor processor_native = { .name = "native",
				      .what = GEN_X87 | GEN_SSE | GEN_NATIVE,
				      .upper = true,
				      .init = init,
				      .run = run,
				      .except_on = EXCEPT_ON_NATIVE };
