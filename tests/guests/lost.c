/* SPDX-License-Identifier: MIT */
/*
 * A guest with a planted bug, for the tutorial of docs/monitor.md: it adds up the numbers from 1 to
 * 100,000 again and again, and now and then the sum is wrong. Its timer's handler saves what it
 * uses; what it calls each 50th time uses EBX as well, where the loop keeps the sum. Expected:
 * wrong sums, of which tests/boot/test_tutorial.py finds the cause with the tutorial's commands.
 */
#include "lib/testguest.h"

#define LAST  100000u
#define RIGHT 705082704u /* LAST * (LAST + 1) / 2, in 32 bits */

const char guest_name[] = "lost";

u32 ticks, seconds;

__asm__(".globl on_timer, on_second, add_up, add_next, add_done, ticks, seconds\n"
	".pushsection .dirty, \"ax\"\n"
	"on_timer: push %eax; push %edx; incl ticks\n"
	"	mov ticks, %eax; xor %edx, %edx; push $50; divl (%esp); add $4, %esp\n"
	"	test %edx, %edx; jnz 1f; call on_second\n"
	"1:	mov $0x20, %al; outb %al, $0x20\n"
	"	pop %edx; pop %eax; iret\n"
	"on_second: mov seconds, %ebx; inc %ebx; mov %ebx, seconds; ret\n"
	".popsection\n"
	".pushsection .text\n"
	"add_up:	push %ebx; xor %ebx, %ebx; mov $100000, %ecx\n"
	"add_next: add %ecx, %ebx; dec %ecx; jnz add_next\n"
	"add_done: mov %ebx, %eax; pop %ebx; ret\n"
	".popsection");

void on_timer(void);
u32 add_up(void);

static u32 prepare(u32 hz)
{
	idt_set(0x20, KCS, (u32)on_timer, 0x8e);
	timer_start(hz);
	return 0;
}

void guest_main(void)
{
	u32 right = 0;

	call_ring0(prepare, 1000);
	for (;;) {
		u32 sum = add_up();

		right += sum == RIGHT;
		if (sum != RIGHT) {
			print("the sum is %u, not %u; it was right %u times\r\n", sum, RIGHT,
			      right);
			right = 0;
		}
	}
}
