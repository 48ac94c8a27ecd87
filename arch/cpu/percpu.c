/* SPDX-License-Identifier: MIT */
/*
 * Stacks and per-CPU data of the boot CPU.
 *
 *     stack, 32 KiB     | word: struct percpu * ... page 0 | page 1: guard, unmapped | 24 KiB of
 * stack     |
 *
 * A stack that overflows meets the guard; the page fault cannot be pushed there either, and the
 * double fault, on a stack of its own, tells. All stacks lie side by side in .bss.stacks.
 */
#include "arch/cpu/percpu.h"

#include "arch/cpu/tss.h"

struct stack {
	u8 bytes[PERCPU_STACK_SIZE];
} __attribute__((aligned(PERCPU_STACK_SIZE)));

extern struct stack percpu_boot_stack;
struct stack percpu_boot_stack __attribute__((section(".bss.stacks")));
static struct stack ist_stack[PERCPU_IST_COUNT] __attribute__((section(".bss.stacks")));
static struct stack crash_stack __attribute__((section(".bss.stacks")));

static struct percpu boot_cpu;
static struct tss boot_tss;

static void stack_set_owner(struct stack *s, struct percpu *pc)
{
	*(struct percpu **)(void *)s->bytes = pc;
}

void percpu_init_boot(void)
{
	stack_set_owner(&percpu_boot_stack, &boot_cpu);
	boot_cpu.tss = &boot_tss;
	boot_tss.rsp[0] = (u64)(&percpu_boot_stack + 1);
	boot_tss.iomap = sizeof(boot_tss);
	stack_set_owner(&crash_stack, &boot_cpu);
	for (unsigned i = 0; i < PERCPU_IST_COUNT; i++) {
		stack_set_owner(&ist_stack[i], &boot_cpu);
		boot_tss.ist[i] = (u64)(&ist_stack[i] + 1);
	}
}

void percpu_restart(void (*fn)(void))
{
	__asm__ volatile("mov %[top], %%rsp; xor %%ebp, %%ebp; push %%rbp; push %[fn]; ret"
			 :
			 : [top] "r"(&crash_stack + 1), [fn] "r"(fn)
			 : "memory");
	__builtin_unreachable();
}

bool percpu_stack_guard(hva_t page)
{
	bool boot = page - (hva_t)&percpu_boot_stack < sizeof(percpu_boot_stack);
	bool ist = page - (hva_t)ist_stack < sizeof(ist_stack);

	return (boot || ist) && (page & (PERCPU_STACK_SIZE - 1)) >> PAGE_SHIFT == 1;
}
