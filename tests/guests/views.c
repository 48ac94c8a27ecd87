/* SPDX-License-Identifier: MIT */
/*
 * A program tries to reach its kernel's pages after every kind of event. Each kernel handler
 * touches a supervisor page of its own, twenty times over, so that the handler's code and
 * everything on the way to it is known to the engines; then the program reads and writes that page,
 * from raw ring 3 and, with a 16-bit stack segment, from where the recompiler runs ring 3.
 * Expected: #PF, each time, and the kernel's word unharmed. (In ring 0 the page is simply there.)
 *
 * A handler is one short piece of code on one page, so that nothing happens between the event and
 * the access but the access.
 */
#include "lib/testguest.h"

#define KERNEL_PAGE 0x40000000u
#define WORD	    0x005ec2e7u
#define ROUNDS	    20u
#define GATE	    "0x82"

const char guest_name[] = "views";

/* Touches the page of event n, then leaves: `tail` makes the frame what IRET shall find. */
#define HANDLER(name, n, tail)                                                                 \
	__attribute__((naked, section(".dirty"))) static void name(void)                       \
	{                                                                                      \
		__asm__ volatile("push %eax; mov 0x40000000 + " #n " * 4096, %eax; "           \
				 "incl 0x40000004 + " #n " * 4096; " tail "; pop %eax; iret"); \
	}

HANDLER(on_step, 0, "andl $0xfffffeff, 12(%esp)")
HANDLER(on_int, 1, "nop")
HANDLER(on_ud, 2, "addl $2, 4(%esp)")
HANDLER(on_gp, 3, "pop %eax; add $4, %esp; addl $2, (%esp); push %eax")
HANDLER(on_pf, 4, "pop %eax; add $4, %esp; addl $2, (%esp); push %eax")
HANDLER(on_timer, 5, "mov $0x20, %al; out %al, $0x20; incl ticks")
HANDLER(on_watch, 6, "nop")

static void step(void);
static void soft_int(void);
static void undefined(void);
static void protection(void);
static void page_fault(void);
static void wait_tick(void);
static void watched(void);

volatile u32 ticks;
static volatile u32 got, watched_word;

static const struct event {
	const char *name;
	u32 vector;
	void (*handler)(void), (*raise)(void);
} events[] = {
	{ "step", 1, on_step, step },
	{ "int", 0x82, on_int, soft_int },
	{ "ud2", 6, on_ud, undefined },
	{ "general protection", 13, on_gp, protection },
	{ "page fault", 14, on_pf, page_fault },
	{ "timer", 0x20, on_timer, wait_tick },
	{ "watchpoint", 1, on_watch, watched },
};

__attribute__((section(".dirty"))) static void step(void)
{
	__asm__ volatile("pushf; orl $0x100, (%%esp); popf; nop; nop" ::: "memory");
}

static void soft_int(void)
{
	__asm__ volatile("int $" GATE ::: "memory");
}

static void undefined(void)
{
	__asm__ volatile("ud2");
}

/* Two bytes long each, whatever the assembler thinks of them. */
static void protection(void)
{
	__asm__ volatile("mov %0, %%ds" ::"r"(0x7f8) : "memory");
}

static void page_fault(void)
{
	__asm__ volatile("mov (%%edx), %%eax" ::"d"(0x90000000u) : "eax", "memory");
}

static void wait_tick(void)
{
	u32 now = ticks;

	while (ticks == now)
		;
}

static void watched(void)
{
	watched_word++;
}

static u32 install(u32 n)
{
	const struct event *e = &events[n];
	u32 dr7 = e->handler == on_watch ? 0x000d0002 : 0;

	idt_set(e->vector, KCS, (u32)e->handler, e->vector == 0x82 ? 0xee : 0x8e);
	__asm__ volatile("mov %0, %%dr0; mov %1, %%dr7" ::"r"(&watched_word), "r"(dr7));
	if (e->handler == on_timer)
		timer_start(500);
	return 0;
}

static u32 remove_event(u32 n)
{
	u32 vector = events[n].vector;

	outb(0x21, 0xff);
	__asm__ volatile("mov %0, %%dr7" ::"r"(0));
	idt_set(vector, KCS, (u32)trap_stubs + vector * 16, 0x8e);
	return 0;
}

static u32 prepare(u32 unused)
{
	for (u32 n = 0; n < COUNT(events); n++) {
		u32 *page = page_alloc();

		page[0] = WORD;
		map(KERNEL_PAGE + n * PAGE_SIZE, (u32)page, PTE_P | PTE_W);
	}
	gdt_set(SPARE, 0x0000ffff, 0x008ff300); /* data, DPL 3, 4 GiB, B = 0 */
	return unused;
}

static u32 kernel_word(u32 at)
{
	return *(volatile u32 *)at;
}

static u32 nothing(u32 unused)
{
	return unused;
}

static void read_flat(u32 at)
{
	got = *(volatile u32 *)at;
}

/* A system call on the 16-bit stack: behind it the recompiler goes on, which alone can run that. */
#define ON_16(access)                                            \
	"mov %%esp, %%ebx; mov %[s16], %%ss; int $0x80; " access \
	"; mov %[s32], %%ss; mov %%ebx, %%esp"

static void read_16(u32 at)
{
	u32 v, fn = (u32)nothing;

	__asm__ volatile(ON_16("mov (%%esi), %%ecx")
			 : "=&c"(v), "+a"(fn)
			 : [s16] "r"(SPARE | 3), [s32] "d"(UDS), "S"(at)
			 : "ebx", "memory");
	got = v;
}

static void write_16(u32 at)
{
	u32 fn = (u32)nothing;

	__asm__ volatile(ON_16("mov %%ecx, (%%esi)")
			 : "+a"(fn)
			 : [s16] "r"(SPARE | 3), [s32] "d"(UDS), "S"(at), "c"(0)
			 : "ebx", "memory");
}

static bool barred(const char *event, const char *what, void (*access)(u32), u32 at)
{
	int vector;

	got = 0;
	attempts++;
	vector = attempt(access, at);
	if (guest_ring == 3 ? vector == 14 && !got : vector == -1)
		return true;
	print("FAIL %s, %s: vector %u, got %x\r\n", event, what, (u32)vector, got);
	return false;
}

void guest_main(void)
{
	call_ring0(prepare, 0);
	for (u32 n = 0; n < COUNT(events); n++) {
		u32 at = KERNEL_PAGE + n * PAGE_SIZE;
		bool good = true;

		call_ring0(install, n);
		for (u32 i = 0; i < ROUNDS; i++)
			events[n].raise();
		call_ring0(remove_event, n);
		if (guest_ring == 3) {
			good &= barred(events[n].name, "read on a 16-bit stack", read_16, at);
			good &= barred(events[n].name, "write on a 16-bit stack", write_16, at);
		}
		good &= barred(events[n].name, "read", read_flat, at);
		good &= call_ring0(kernel_word, at) == WORD;
		check(good, events[n].name);
		check(call_ring0(kernel_word, at + 4) >= ROUNDS, "the handler ran");
	}
}
