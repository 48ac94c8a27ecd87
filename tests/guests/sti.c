/* SPDX-License-Identifier: MIT */
/*
 * `L: sti; nop; cli; jmp L` as the only code (the idle loop of NT, which knows of interrupts by
 * nothing else): the timer's interrupts must arrive in the one instruction behind STI's shadow, and
 * so must they with a HLT in it, or no NOP at all. Expected: each loop ends when 50 interrupts have
 * come. In ring 3, where CLI and STI trap, IOPL 3 is tried.
 */
#include "lib/testguest.h"

#define TICKS 50u

const char guest_name[] = "sti";

static volatile u32 ticks;
static u32 leave_to;

static bool on_timer(struct guest_frame *f)
{
	outb(0x20, 0x20);
	if (++ticks >= TICKS && leave_to) {
		f->eip = leave_to;
		leave_to = 0;
	}
	return true;
}

static u32 prepare(u32 hz)
{
	trap_hook[0x20] = on_timer;
	timer_start(hz);
	return 0;
}

/* Each loop has no way out but the handler's. */
#define LOOP(name, code) IN(".text", name, code)
#define IN(section_name, name, code)                                                            \
	__attribute__((section(section_name), noinline)) static void name(void)                 \
	{                                                                                       \
		ticks = 0;                                                                      \
		__asm__ volatile("movl $2f, %0; 1: " code "; jmp 1b; 2: sti" : "=m"(leave_to)); \
	}

LOOP(plain, "sti; nop; cli")
LOOP(halting, "sti; hlt; cli")
IN(".dirty", popf, "pushl $0x202; popfl; nop; cli")
LOOP(two, "sti; sti; nop; nop; cli; cli")
LOOP(open, "sti")
LOOP(nothing, "nop")

static bool give_iopl(struct guest_frame *f)
{
	f->eflags |= 3u << 12;
	return true;
}

void guest_main(void)
{
	trap_hook[0x81] = give_iopl;
	call_ring0(prepare, 500);
	if (guest_ring == 3) {
		idt_set(0x81, KCS, (u32)trap_stubs + 0x81 * 16, 0xee);
		__asm__ volatile("int $0x81");
	}
	nothing();
	check(ticks >= TICKS, "jmp to itself");
	open();
	check(ticks >= TICKS, "sti; jmp");
	plain();
	check(ticks >= TICKS, "sti; nop; cli; jmp");
	two();
	check(ticks >= TICKS, "sti; sti; nop; nop; cli; cli; jmp");
	popf();
	check(ticks >= TICKS, "popf; nop; cli; jmp");
	if (guest_ring == 0) {
		halting();
		check(ticks >= TICKS, "sti; hlt; cli; jmp");
	}
}
