/* SPDX-License-Identifier: MIT */
/*
 * The processor that we run on, in compatibility mode: a far return to Linux's 32-bit user code
 * segment, with code, data and stack below 4 GiB at the addresses of mode FLAT3. Exceptions arrive
 * as signals, whose context is the end state.
 */
#define _GNU_SOURCE
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <ucontext.h>

#include "emu/cpu/cpu.h"
#include "tests/diff/case.h"
#include "tests/host/upper.h"
#include "tests/host/machine.h"

#define USER32_CS 0x23

struct entry {
	u32 gpr[8];
	u64 eip, cs, eflags, esp, ss; /* as IRETQ pops them */
};

static struct case_state *result;
static const struct diff_case *running;
static bool left_by_syscall;
static u8 host_fx[512] __attribute__((aligned(16)));

void native_enter(const struct entry *e, const u8 *fx, u8 *host);
extern const char native_back[];
extern u64 native_rsp;

/*
 * Saves what C expects to find again, loads the case's state, and goes. The signal handler makes
 * the context return to native_back.
 */
__asm__(".text\n"
	".globl native_enter\n"
	"native_enter:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rsp, native_rsp(%rip)\n"
	"	fxsave64 (%rdx)\n"
	"	fxrstor64 (%rsi)\n"
	"	mov $0x2b, %eax; mov %eax, %ds; mov %eax, %es\n"
	"	pushq 64(%rdi); pushq 56(%rdi); pushq 48(%rdi); pushq 40(%rdi); pushq 32(%rdi)\n"
	"	mov 0(%rdi), %eax; mov 4(%rdi), %ecx; mov 8(%rdi), %edx; mov 12(%rdi), %ebx\n"
	"	mov 20(%rdi), %ebp; mov 24(%rdi), %esi; mov 28(%rdi), %edi\n"
	"	iretq\n"
	".globl native_back\n"
	"native_back:\n"
	"	pushq $2; popfq\n" /* NT, which a signal's return leaves alone */
	"	fxrstor64 host_fx(%rip)\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n"
	".data\n"
	".globl native_rsp\n"
	"native_rsp: .quad 0\n"
	".text\n");

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
	if (!running || (g[REG_CSGSFS] & 0xffff) != USER32_CS)
		return false;
	if (planned_fault(g)) {
		take_state(&running->plan->at, uc);
		return true;
	}
	take_state(result, uc);
	g[REG_RIP] = (greg_t)native_back;
	g[REG_RSP] = (greg_t)native_rsp;
	g[REG_EFL] &= ~(greg_t)(EFLAGS_TF | EFLAGS_DF | EFLAGS_AC | EFLAGS_NT);
	g[REG_CSGSFS] = (g[REG_CSGSFS] & ~0xffffll) | 0x33;
	return true;
}

/*
 * A stray 32-bit system call would be the kernel's to execute. None is generated, but bytes of an
 * operand may be one: the filter turns it into SIGSYS, and the case is not counted.
 */
static void on_syscall(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	left_by_syscall = true;
	on_trap(info, context);
}

static bool forbid_syscalls(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };
	struct sigaction sa = { .sa_sigaction = on_syscall, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	return !sigaction(SIGSYS, &sa, NULL) && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
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
	if (!forbid_syscalls()) {
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

static int run(const struct diff_case *c, struct case_state *end, u8 *data, u8 *stack)
{
	const struct case_layout *l = case_layout(c->mode);
	struct entry e = { .eip = c->start.eip,
			   .cs = USER32_CS,
			   .eflags = c->start.eflags | EFLAGS_IF,
			   .esp = c->start.gpr[REG_ESP],
			   .ss = 0x2b };

	memset(end, 0, sizeof(*end));
	memcpy(e.gpr, c->start.gpr, sizeof(e.gpr));
	case_load(c, NULL);
	left_by_syscall = false;
	result = end;
	running = c;
	if (c->plan)
		set_page(c->plan, false);
	upper_load(c->start.upper);
	native_enter(&e, c->start.fx, host_fx);
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
