/* SPDX-License-Identifier: MIT */
/*
 * IRET outside ring 0 whose image asks for what such an IRET may not give: VM, IOPL 3, IF clear. A
 * processor ignores it and pops three words (SDM 2, IRET). QEMU's TCG (7.2) enters V86 mode, in
 * long mode too, with IOPL and IF as the image says; it takes
 * from 16 * CS + IP what it then runs.
 *
 * `flags=N`: the image beside VM. `how=0`: V86 code that traps; 1: that turns interrupts off, if it
 * may, and never ends; 2: never ends. Expected on a processor that keeps to the manual, and of the
 * recompiler: PASS. On the other the monitor ends this VM, and none else (tests/boot/test_raw.py).
 * Ring 0 is for raw ring 1, in which the IRET is hidden.
 */
#include "lib/testguest.h"

#define EFLAGS_VM BIT(17)

const char guest_name[] = "stray";

extern const u8 hidden_page[], hidden_iret[];

/* What V86 code finds wherever it begins, at a multiple of 4. */
static const u8 v86_code[][4] = {
	{ 0x0f, 0x0b, 0x0f, 0x0b }, /* ud2 */
	{ 0xfa, 0xeb, 0xfe, 0x90 }, /* cli; jmp $ */
	{ 0xeb, 0xfe, 0xeb, 0xfe }, /* jmp $ */
};

static u32 iret_flags, iret_cs;

__attribute__((naked, section(".dirty"))) static void iret_with(u32 unused)
{
	(void)unused;
	__asm__ volatile("movl %esp, %edx\n\t"
			 "pushl $0; pushl $0; pushl $0; pushl $0; pushl $0; pushl $0x1000\n\t"
			 "pushl iret_flags; pushl iret_cs; pushl $1f\n\t"
			 "jmp *iret_by\n\t"
			 ".balign 4\n\t"
			 "1: movl %edx, %esp; ret");
}

extern const u8 *iret_by;
const u8 *iret_by;

__attribute__((naked, section(".dirty"))) static void plain_iret(void)
{
	__asm__ volatile("iret");
}

/* Wherever the lower half of EIP leads from CS as V86 takes it. */
static void lay_out(u32 how)
{
	for (u32 ip = 0; ip < 0x10000; ip++)
		*(u8 *)(16 * iret_cs + ip) = v86_code[how][ip & 3];
}

void guest_main(void)
{
	u32 how = cmdline_number("how", 0);
	int vector;

	iret_flags = EFLAGS_VM | 2 | cmdline_number("flags", 0x200);
	iret_cs = guest_ring == 0 ? KCS : UCS;
	iret_by = guest_ring == 0 ? hidden_iret : (const u8 *)plain_iret;
	if (guest_ring == 0)
		((void (*)(void))hidden_page)();
	lay_out(how);
	print("  flags %x, by %s\r\n", iret_flags, how == 0 ? "a trap" : "a loop");
	vector = attempt(iret_with, 0);
	check(vector < 0, "IRET with VM in its image stays in protected mode");
	print("  vector %d\r\n", (u32)vector);
}
