/* SPDX-License-Identifier: MIT */
/*
 * Page and protection faults as a program sees them: for each bad access the signal, the address,
 * the trap number and the error code that the kernel passes on must be what the processor defines
 * (SDM 3A 4.7, 6.15). sigsegv
 */
#include "nolibc.h"

#define SIGSEGV 11

/* The parts of i386 siginfo, ucontext and sigcontext that are looked at. */
struct siginfo {
	s32 signo, error, code;
	u32 addr;
};

struct context {
	u32 flags, link, stack[3];
	u32 gs, fs, es, ds, edi, esi, ebp, esp, ebx, edx, ecx, eax, trap, err, eip, cs, eflags,
		esp_at_signal, ss, fpstate, oldmask, cr2;
};

static volatile struct {
	u32 count, addr, trap, err, eip;
} seen;
static u32 resume_at;

static void handler(int signo, struct siginfo *info, struct context *c)
{
	if (signo != SIGSEGV)
		fail("signal", signo);
	seen.count++;
	seen.addr = info->addr;
	seen.trap = c->trap;
	seen.err = c->err;
	seen.eip = c->eip;
	c->eip = resume_at;
}

/* action, flags SA_SIGINFO | SA_NODEFER, no restorer, 64-bit mask */
static const u32 action[5] = { 0, 0x40000004, 0, 0, 0 };

/*
 * One instruction that faults; the handler resumes at the label after it. code names registers by
 * %eax (the address) only. Returns the address of the instruction.
 */
#define FAULTING(code, address)                                                   \
	({                                                                        \
		u32 at_;                                                          \
		__asm__ volatile("movl $2f, %1\n\tmovl $1f, %0\n1:\t" code "\n2:" \
				 : "=&r"(at_), "=m"(resume_at)                    \
				 : "a"(address)                                   \
				 : "memory", "ecx", "cc");                        \
		at_;                                                              \
	})

static void expect(const char *what, u32 at, u32 count, u32 addr, u32 trap, u32 err)
{
	if (seen.count != count || seen.addr != addr || seen.trap != trap || seen.err != err ||
	    seen.eip != at) {
		put(what);
		put(": addr ");
		put_hex(seen.addr);
		put(" trap ");
		put_u32(seen.trap);
		put(" error ");
		put_hex(seen.err);
		put(" eip ");
		put_hex(seen.eip);
		put(" expected ");
		put_hex(at);
		put("\n");
		fail(what, (s32)seen.count);
	}
}

int main(int argc, char **argv, char **envp)
{
	u32 act[5], at, page;

	(void)argc, (void)argv, (void)envp;
	for (u32 i = 0; i < 5; i++)
		act[i] = action[i];
	act[0] = (u32)handler;
	CHECK(call(SYS_RT_SIGACTION, SIGSEGV, (u32)act, 0, 8, 0) == 0);

	/* #PF error code: 1 present, 2 write, 4 user. */
	at = FAULTING("movl (%%eax), %%ecx", 0x10);
	expect("read of nothing", at, 1, 0x10, 14, 4);
	at = FAULTING("movl %%ecx, (%%eax)", 0x14);
	expect("write of nothing", at, 2, 0x14, 14, 6);
	page = (u32)map_pages(4096, PROT_READ);
	*(volatile u32 *)page;
	at = FAULTING("movl %%ecx, 8(%%eax)", page);
	expect("write of a read-only page", at, 3, page + 8, 14, 7);
	/* The kernel's half is not the program's, mapped or not (Linux says present for all of it).
	 */
	at = FAULTING("movl (%%eax), %%ecx", 0xc1000000);
	expect("read of the kernel", at, 4, 0xc1000000, 14, 5);
	at = FAULTING("movl %%ecx, (%%eax)", 0xc1000004);
	expect("write of the kernel", at, 5, 0xc1000004, 14, 7);
	/* #GP: addr is 0, no address belongs to it. */
	at = FAULTING("hlt", 0);
	expect("privileged instruction", at, 6, 0, 13, 0);
	at = FAULTING("cli", 0);
	expect("cli", at, 7, 0, 13, 0);
	at = FAULTING("inb $0x61, %%al", 0);
	expect("port access", at, 8, 0, 13, 0);
	at = FAULTING("movw %%ax, %%fs", 0x0080);
	expect("selector of a TSS or of ring 0", at, 9, 0, 13, 0x80);
	at = FAULTING("int $0x60", 0);
	expect("software interrupt that is not offered", at, 10, 0, 13, 0x60 * 8 + 2);
	put("sigsegv ok\n");
	return 0;
}
