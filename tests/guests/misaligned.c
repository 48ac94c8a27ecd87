/* SPDX-License-Identifier: MIT */
/*
 * #AC whose handler is ring 3's own, on the stack that is misaligned: its delivery meets #AC, for
 * ever (CVE-2015-5307). A processor hangs in its microcode, and so may this guest: nothing else
 * may. ring=3 only. QEMU's TCG (7.2) has no #AC.
 */
#include "lib/testguest.h"

#define CR0_AM BIT(18)

const char guest_name[] = "misaligned";

__attribute__((naked, section(".dirty"))) static void handler(void)
{
	__asm__ volatile("ud2");
}

static u32 prepare(u32 unused)
{
	u32 cr0;

	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("mov %0, %%cr0" ::"r"(cr0 | CR0_AM));
	idt_set(17, UCS, (u32)handler, 0xee);
	return unused;
}

void guest_main(void)
{
	static u32 word[2];

	call_ring0(prepare, 0);
	print("now\r\n");
	__asm__ volatile(
		"sub $65, %%esp; pushfl; orl $0x40000, (%%esp); popfl; movl 1(%0), %%eax; ud2" ::
			"r"(word)
		: "eax", "memory");
}
