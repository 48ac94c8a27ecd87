/* SPDX-License-Identifier: MIT */
/*
 * Enters 32-bit code on the real processor. Each way in is tried in a child process first; signals
 * bring control back.
 */
#define _GNU_SOURCE
#include "tests/host/native.h"

#include <asm/ldt.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define USER32_CS 0x23u /* Linux's, in the GDT */
#define LDT_CS	  0x07u /* entry 0 of the LDT, RPL 3 */

/* What LAR says of a segment: present, DPL 3, code, readable, 32 bits and not 64. */
#define LAR_MASK   0x0060fa00u
#define LAR_CODE32 0x0040fa00u

#define TRIAL_PAGE    0x10000u
#define TRIAL_SIZE    0x2000u
#define TRIAL_SECONDS 10u
#define UD2_LENGTH    2

static u16 code_selector;
static const char *reason = "not looked for";

/* --- In and out */

struct iret_frame {
	u32 gpr[8];
	u64 eip, cs, eflags, esp, ss; /* as IRETQ pops them */
};

void native_switch(const struct iret_frame *f, const u8 *fx, u8 *host);
extern const char native_back[];
extern u64 native_rsp;
static u8 host_fx[512] __attribute__((aligned(16), used));

/* Saves what C expects to find again, loads the state, and goes. native_leave() makes a signal's
 * context return to native_back. */
__asm__(".text\n"
	".globl native_switch\n"
	"native_switch:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rsp, native_rsp(%rip)\n"
	"	fxsave64 (%rdx)\n"
	"	fxrstor64 (%rsi)\n"
	"	mov %ss, %eax; mov %eax, %ds; mov %eax, %es\n"
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

static u16 host_cs(void)
{
	u16 v;

	__asm__("mov %%cs, %0" : "=r"(v));
	return v;
}

/* Linux's 64-bit SS is flat, and writable for 32-bit code too. */
static u16 host_ss(void)
{
	u16 v;

	__asm__("mov %%ss, %0" : "=r"(v));
	return v;
}

void native_enter(const struct native_entry *e, const u8 *fx)
{
	struct iret_frame f = { .eip = e->eip,
				.cs = code_selector,
				.eflags = e->eflags,
				.esp = e->esp,
				.ss = host_ss() };

	memcpy(f.gpr, e->gpr, sizeof(f.gpr));
	native_switch(&f, fx, host_fx);
}

bool native_inside(const void *context)
{
	const ucontext_t *uc = context;

	return code_selector && (uc->uc_mcontext.gregs[REG_CSGSFS] & 0xffff) == code_selector;
}

void native_leave(void *context)
{
	greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;

	g[REG_RIP] = (greg_t)native_back;
	g[REG_RSP] = (greg_t)native_rsp;
	g[REG_EFL] &= ~(greg_t)(BIT(8) | BIT(10) | BIT(14) | BIT(18)); /* TF, DF, NT, AC */
	g[REG_CSGSFS] = (g[REG_CSGSFS] & ~0xffffll) | host_cs();
}

bool native_forbid_syscalls(void (*fn)(int sig, void *info, void *context))
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };
	struct sigaction sa = { .sa_sigaction = (void (*)(int, siginfo_t *, void *))fn,
				.sa_flags = SA_SIGINFO | SA_ONSTACK };

	return !sigaction(SIGSYS, &sa, NULL) && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

/* --- Finding a way */

/*
 * xor eax, eax; dec eax (of 64-bit code, a prefix); push eax; ud2; pop ebx; ud2. The handler
 * returns behind the first UD2, so that a signal's return to 32-bit code is tried as well.
 */
static const u8 trial_code[] = { 0x31, 0xc0, 0x48, 0x50, 0x0f, 0x0b, 0x5b, 0x0f, 0x0b };
static volatile unsigned trial_traps;

static void trial_trap(int sig, siginfo_t *info, void *context)
{
	greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)sig;
	(void)info;
	if (!native_inside(context) || (u32)g[REG_RAX] != ~0u)
		_exit(1);
	if (!trial_traps++) {
		g[REG_RIP] += UD2_LENGTH;
		return;
	}
	if ((u32)g[REG_RBX] != ~0u)
		_exit(1);
	native_leave(context);
}

/* In a process of its own: where the segment is not what it should be, this dies of a signal. */
static void trial(void)
{
	static u8 stack[64 * KiB] __attribute__((aligned(16)));
	static u8 fx[512] __attribute__((aligned(16)));
	struct sigaction sa = { .sa_sigaction = trial_trap, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct native_entry e = { .eip = TRIAL_PAGE, .eflags = 2, .esp = TRIAL_PAGE + TRIAL_SIZE };
	void *page = mmap((void *)(u64)TRIAL_PAGE, TRIAL_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (page == MAP_FAILED || sigaltstack(&alternate, NULL) || sigaction(SIGILL, &sa, NULL))
		_exit(1);
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	alarm(TRIAL_SECONDS);
	memcpy(page, trial_code, sizeof(trial_code));
	__asm__ volatile("fxsave64 %0" : "=m"(fx));
	native_enter(&e, fx);
	_exit(trial_traps != 2);
}

static bool tried(u16 selector)
{
	int status;
	pid_t child;

	code_selector = selector;
	child = fork();
	if (child == 0)
		trial();
	if (child > 0 && waitpid(child, &status, 0) == child && !status)
		return true;
	code_selector = 0;
	return false;
}

static bool is_code32(u16 selector)
{
	u32 rights = 0;
	bool valid;

	__asm__("lar %2, %0; setz %1" : "+r"(rights), "=q"(valid) : "r"((u32)selector) : "cc");
	return valid && (rights & LAR_MASK) == LAR_CODE32;
}

static bool find_user(void)
{
	return is_code32(USER32_CS) && tried(USER32_CS);
}

static bool find_ldt(void)
{
	struct user_desc d = { .entry_number = 0,
			       .limit = 0xfffff,
			       .seg_32bit = 1,
			       .contents = MODIFY_LDT_CONTENTS_CODE,
			       .limit_in_pages = 1,
			       .useable = 1 };

	return !syscall(SYS_modify_ldt, 0x11, &d, sizeof(d)) && is_code32(LDT_CS) && tried(LDT_CS);
}

bool native_find(void)
{
	const char *only = getenv("NATIVE");

	if (code_selector)
		return true;
	if (only && !*only)
		only = NULL;
	if (only && !strcmp(only, "none")) {
		reason = "no 32-bit code on this host: NATIVE=none";
		return false;
	}
	reason = "no 32-bit code on this host: neither a user segment nor an LDT";
	if ((!only || !strcmp(only, "user")) && find_user())
		return true;
	return (!only || !strcmp(only, "ldt")) && find_ldt();
}

u16 native_selector(void)
{
	return code_selector;
}

const char *native_reason(void)
{
	return reason;
}
