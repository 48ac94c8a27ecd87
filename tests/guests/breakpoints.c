/* SPDX-License-Identifier: MIT */
/*
 * A debugger at work: breakpoints on code, data and ports, single steps, and what they meet in
 * loops, repeated instructions, system calls, page faults and the kernel's accesses to a program's
 * data. Every #DB is noted: EIP, and the bits of DR6. Expected: the same row as on a bare machine.
 * MOV SS, INT1 and DR7.GD are left out, unaligned accesses and
 * breakpoints, too, which QEMU's TCG does not do by the manual (tests/unit/test_debug.c has them).
 *
 * The last loop has breakpoints on other pages only; the boot test counts how often the
 * recompiler's dispatcher was asked meanwhile.
 */
#include "lib/testguest.h"

#define HOLE	0x90000000u
#define EVENTS	7u /* shown; a line has 180 characters */
#define DR6_ALL 0xe00fu
#define CR4_DE	BIT(3)
#define PORT	0x80u

enum { X, W, IO, RW };
enum { LEN1, LEN2, LEN4 = 3 };
#define ON(n, rw, len) (BIT(2 * (n)) | (u32)(rw) << (16 + 4 * (n)) | (u32)(len) << (18 + 4 * (n)))

const char guest_name[] = "breakpoints";

static struct {
	u32 eip, dr6;
} event[EVENTS];
static u32 events, row;
static u32 dr[4], dr7;

static u32 pages[3][PAGE_SIZE / 4] __attribute__((aligned(4096)));
#define data pages[1] /* what is written to most; its neighbours hold no breakpoint */

static u32 load(u32 unused)
{
	__asm__ volatile("mov %0, %%dr0; mov %1, %%dr1; mov %2, %%dr2; mov %3, %%dr3" ::"r"(dr[0]),
			 "r"(dr[1]), "r"(dr[2]), "r"(dr[3]));
	__asm__ volatile("mov %0, %%dr6; mov %1, %%dr7" ::"r"(0xffff0ff0), "r"(dr7 | 0x400));
	return unused;
}

static bool on_debug(struct guest_frame *f)
{
	u32 dr6;

	__asm__ volatile("mov %%dr6, %0; mov %1, %%dr6" : "=&r"(dr6) : "r"(0xffff0ff0));
	if (events < EVENTS) {
		event[events].eip = f->eip;
		event[events].dr6 = dr6 & DR6_ALL;
	}
	events++;
	row = digest(digest(row, f->eip), dr6 & DR6_ALL);
	f->eflags |= EFLAGS_RF; /* on behind an instruction's */
	return true;
}

static bool ignore(struct guest_frame *f)
{
	(void)f;
	return true;
}

static void arm(u32 n, const void *at, u32 bits)
{
	dr[n] = (u32)at;
	dr7 |= bits;
}

/* Runs code with the breakpoints that were armed; they go afterwards. */
static void run(const char *name, void (*code)(u32), u32 arg)
{
	int vector;

	events = row = 0;
	call_ring0(load, 0);
	attempts++;
	vector = attempt(code, arg);
	dr7 = 0;
	call_ring0(load, 0);
	print("%s: %d, %u events, %x", name, vector, events, row);
	for (u32 i = 0; i < events && i < EVENTS; i++)
		print(" %x:%x", event[i].eip - (u32)code, event[i].dr6);
	print("\r\n");
}

__attribute__((noinline)) static void accesses(u32 at)
{
	__asm__ volatile("movl $1, (%0); movl (%0), %%eax; incl (%0); addl %%eax, 4(%0);"
			 "movb %%al, 4(%0); movw -2(%0), %%cx; xchgl %%eax, (%0);"
			 "lock; addl $1, (%0); cmpxchg8b (%0); testb $1, 3(%0);"
			 "pushl (%0); popl 4(%0); btsl $3, (%0); movsbl (%0), %%edx"
			 : "+r"(at)::"eax", "ecx", "edx", "memory");
}

__attribute__((noinline)) static void stack(u32 at)
{
	__asm__ volatile("movl %%esp, %%ebx; movl %0, %%esp; pushl %%eax; pushl %%eax; popl %%ecx;"
			 "popl %%ecx; pusha; popa; pushl $3; leave_it: movl %%ebx, %%esp" ::"r"(at)
			 : "ebx", "ecx", "memory");
}

__attribute__((noinline)) static void strings(u32 at)
{
	u32 to = at - 32, from = (u32)pages[2], count = 16;

	__asm__ volatile("rep; movsl" : "+D"(to), "+S"(from), "+c"(count)::"memory");
	to = at - 8;
	__asm__ volatile("stosl; stosl; stosl" : "+D"(to) : "a"(7) : "memory");
	to = at - 16;
	count = 8;
	__asm__ volatile("repne; scasl" : "+D"(to), "+c"(count) : "a"(9));
	from = at - 12;
	__asm__ volatile("rep; lodsb" : "+S"(from), "=c"(count) : "1"(20) : "eax");
}

__attribute__((noinline)) static void loop(u32 turns)
{
	__asm__ volatile(
		"xorl %%eax, %%eax; .globl loop_stop; 1: incl %%eax; loop_stop: addl %%eax, %1;"
		"decl %0; jnz 1b"
		: "+r"(turns), "+m"(data[0])::"eax");
}
extern const u8 loop_stop[];

/* The kernel reads and writes what the program watches. */
static u32 kernel_access(u32 at)
{
	*(volatile u32 *)at += 1;
	return *(volatile u32 *)at;
}

__attribute__((noinline)) static void system_call(u32 at)
{
	call_ring0(kernel_access, at);
	*(volatile u32 *)at = 5;
}

__attribute__((noinline)) static void into_hole(u32 at)
{
	__asm__ volatile("movl (%0), %%eax; movl %%eax, (%1)" ::"r"(at), "r"(HOLE) : "eax");
}

/* TF is set on the way: the rest is stepped. */
#define STEPPED(code)                                                                          \
	"pushf; orl $0x100, (%%esp); popf; nop;" code "; pushf; andl $~0x100, (%%esp); popf; " \
	"nop"
__attribute__((noinline, section(".dirty"))) static void steps(u32 at)
{
	__asm__ volatile(STEPPED("movl $3, %%ecx; 1: incl (%0); loop 1b; call 2f; jmp 3f; 2: ret;"
				 "3: int $0x82; pushl %0; popl %%eax")::"r"(at)
			 : "eax", "ecx", "memory");
}

__attribute__((noinline, section(".dirty"))) static void step_strings(u32 at)
{
	__asm__ volatile(STEPPED("movl $5, %%ecx; rep; stosb; xorl %%ecx, %%ecx; rep; stosb;"
				 "movl $1, %%eax; cpuid")
			 : "+D"(at)::"eax", "ebx", "ecx", "edx", "memory");
}

__attribute__((noinline, section(".dirty"))) static void step_into_fault(u32 at)
{
	__asm__ volatile(STEPPED("movl (%0), %%eax; ud2")::"r"(at) : "eax");
}

static u32 ports(u32 on)
{
	u32 cr4;

	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	cr4 = on ? cr4 | CR4_DE : cr4 & ~CR4_DE;
	__asm__ volatile("mov %0, %%cr4" ::"r"(cr4));
	if (on) {
		outb(PORT, 1);
		inb(PORT);
		outb(PORT + 1, 1);
	}
	return on;
}

static void in_ring0(u32 fn)
{
	call_ring0((u32(*)(u32))fn, 1);
}

__attribute__((noinline)) static void long_loop(u32 turns)
{
	for (u32 i = 0; i < turns; i++)
		__asm__ volatile("incl %0" : "+m"(pages[0][1]));
}

static u32 prepare(u32 unused)
{
	trap_hook[1] = on_debug;
	trap_hook[0x82] = ignore;
	idt_set(0x82, KCS, (u32)trap_stubs + 0x82 * 16, 0xee);
	return unused;
}

static void data_breakpoints(void)
{
	static const struct {
		const char *name;
		u32 offset, bits;
	} t[] = {
		{ "W1", 0, ON(1, W, LEN1) },  { "W2", 2, ON(1, W, LEN2) },
		{ "W4", 0, ON(1, W, LEN4) },  { "R1", 5, ON(1, RW, LEN1) },
		{ "R2", 0, ON(1, RW, LEN2) }, { "R4", 4, ON(1, RW, LEN4) },
	};

	for (u32 i = 0; i < COUNT(t); i++) {
		for (u32 n = 0; n < 64; n++)
			data[n] = n;
		arm(1, (u8 *)data + 64 + t[i].offset, t[i].bits);
		run(t[i].name, accesses, (u32)data + 64);
		if (guest_ring == 3) { /* else the #DB's own frame meets it, for ever */
			arm(1, (u8 *)data + 64 + t[i].offset, t[i].bits);
			run("on the stack", stack, (u32)data + 72);
		}
		arm(1, (u8 *)data + 64 + t[i].offset, t[i].bits);
		run("strings", strings, (u32)data + 64);
		arm(1, (u8 *)data + 64 + t[i].offset, t[i].bits);
		run("system call", system_call, (u32)data + 64);
	}
	arm(0, data, ON(0, RW, LEN4));
	arm(2, pages[0] + PAGE_SIZE / 4 - 1, ON(2, W, LEN2));
	run("two pages", accesses, (u32)data);
	arm(3, (void *)HOLE, ON(3, RW, LEN4));
	arm(0, data, ON(0, RW, LEN4));
	run("page fault", into_hole, (u32)data);
}

static void code_breakpoints(void)
{
	arm(0, loop_stop, ON(0, X, LEN1));
	run("in a loop", loop, 5);
	arm(0, loop_stop, ON(0, X, LEN1));
	arm(3, data, ON(3, W, LEN4));
	run("with its data", loop, 3);
	arm(2, (const void *)kernel_access, ON(2, X, LEN1));
	run("in the kernel", system_call, (u32)data);
	arm(1, (const void *)into_hole, ON(1, X, LEN1));
	run("and a page fault", into_hole, (u32)data);
	arm(1, loop_stop, 0);
	run("not enabled", loop, 5);
}

void guest_main(void)
{
	call_ring0(prepare, 0);
	data_breakpoints();
	code_breakpoints();
	run("steps", steps, (u32)data);
	run("steps, strings", step_strings, (u32)data);
	run("steps, fault", step_into_fault, (u32)data);
	arm(0, (void *)PORT, ON(0, IO, LEN1));
	run("ports", in_ring0, (u32)ports);
	call_ring0(ports, 0);
	arm(0, data, ON(0, RW, LEN4));
	arm(1, pages[2], ON(1, X, LEN1));
	run("other pages", long_loop, 200000);
	check(pages[0][1] == 200000, "B01 the loop beside breakpoints has counted");
	guest_end();
}
