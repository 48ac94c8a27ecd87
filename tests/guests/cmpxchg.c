/* SPDX-License-Identifier: MIT */
/*
 * CMPXCHG8B behind an instruction with an operand that looks like VM and IOPL. QEMU's TCG (7.2)
 * takes the operand for flags, and pushes it with them at the next trap or interrupt. Expected of
 * the monitor: nobody notices. Bare QEMU returns from such a trap to virtual-8086 mode: not
 * compared.
 */
#include "lib/testguest.h"

#define ROUNDS 20000u

const char guest_name[] = "cmpxchg";

u32 cmpxchg_operand, cmpxchg_memory[2];

/* SAHF at a block's end: TCG has the flags themselves then, until the next instruction that sets
 * them. It keeps the operands of that one. */
__attribute__((naked)) static void trap_behind(u32 unused)
{
	(void)unused;
	__asm__ volatile("pushl %ebx; pushl %esi\n\t"
			 "movl cmpxchg_operand, %esi\n\t"
			 "sahf; jmp 1f\n\t"
			 "1: cmpl %esi, %edx\n\t"
			 "cmpxchg8b cmpxchg_memory\n\t"
			 "popl %esi; popl %ebx\n\t"
			 "ud2");
}

__attribute__((naked)) static void loop_with(u32 rounds)
{
	(void)rounds;
	__asm__ volatile("pushl %ebx; pushl %esi; pushl %edi\n\t"
			 "movl 16(%esp), %edi\n\t"
			 "movl cmpxchg_operand, %esi\n\t"
			 "1: sahf; jmp 2f\n\t"
			 "2: cmpl %esi, %edx\n\t"
			 "cmpxchg8b cmpxchg_memory\n\t"
			 "leal -1(%edi), %edi; jmp *3f\n\t"
			 "3: .long 4f\n\t"
			 "4: movl %edi, %ecx; jecxz 5f; jmp 1b\n\t"
			 "5: popl %edi; popl %esi; popl %ebx; ret");
}

void guest_main(void)
{
	static const u32 operand[] = { 0x20000, 0x23000, 0x3000, 0x122000, 0x0 };

	for (u32 i = 0; i < COUNT(operand); i++) {
		cmpxchg_operand = operand[i];
		check(attempt(trap_behind, 0) == 6,
		      "a trap behind CMPXCHG8B is the trap that it is");
		loop_with(ROUNDS);
	}
	check(true, "a loop of CMPXCHG8B ends");
}
