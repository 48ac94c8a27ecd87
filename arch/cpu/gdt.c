/* SPDX-License-Identifier: MIT */
/*
 * The monitor's entries of a GDT, and loading one.
 */
#include "arch/cpu/gdt.h"

#include "arch/cpu/percpu.h"
#include "arch/cpu/tss.h"
#include "kernel/base/log.h"

#define CODE64		   0x00af9b000000ffffull /* L, present, DPL 0, accessed */
#define DATA		   0x00cf93000000ffffull
#define TYPE_LDT	   2u
#define TYPE_TSS_AVAILABLE 9u
#define TYPE_TSS_BUSY	   11u

static u64 monitor_gdt[GDT_SIZE / 8] __attribute__((aligned(PAGE_SIZE)));

_Static_assert(sizeof(struct tss) == 104, "SDM 3A 8.7: 64-bit TSS");

u64 *gdt_monitor(void)
{
	return monitor_gdt;
}

/* 16-byte system descriptor, byte granular. SDM 3A 3.5, 8.2.3. */
static void set_system(u64 *gdt, u16 selector, u64 base, u32 limit, unsigned type)
{
	u64 *d = &gdt[selector / 8];

	d[1] = base >> 32;
	d[0] = (limit & 0xffff) | (base & 0xffffff) << 16 | (u64)(0x80 | type) << 40 |
	       (u64)(limit >> 16) << 48 | (base >> 24 & 0xff) << 56;
}

void gdt_fill_monitor(u64 *gdt, struct percpu *pc)
{
	set_system(gdt, SEL_TSS, (u64)pc->tss, sizeof(struct tss) - 1, TYPE_TSS_BUSY);
	gdt[SEL_CODE64 / 8] = CODE64;
	gdt[SEL_DATA64 / 8] = DATA;
}

void gdt_fill_ldt(u64 *gdt, const u64 *ldt)
{
	set_system(gdt, SEL_LDT, (u64)ldt, GDT_SIZE - 1, TYPE_LDT);
}

void gdt_load_ldt(void)
{
	__asm__ volatile("lldt %w0" ::"r"((u16)SEL_LDT));
}

static void lgdt(u64 *gdt)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) gdtr = { GDT_SIZE - 1, (u64)gdt };

	__asm__ volatile("lgdt %0" ::"m"(gdtr) : "memory");
}

/* CS and TR keep their hidden parts over LGDT: every table holds the same monitor entries at the
 * same place. */
void gdt_load(struct percpu *pc, u64 *gdt)
{
	ASSERT(gdt[SEL_CODE64 / 8] == CODE64);
	lgdt(gdt);
	pc->gdt = gdt;
}

void gdt_clear_segments(void)
{
	__asm__ volatile("movl %0, %%ds; movl %0, %%es; movl %0, %%fs; movl %0, %%gs" ::"r"(0));
}

void gdt_init(void)
{
	struct percpu *pc = percpu_this();

	gdt_fill_monitor(monitor_gdt, pc);
	/* LTR wants the descriptor available and marks it busy itself. */
	set_system(monitor_gdt, SEL_TSS, (u64)pc->tss, sizeof(struct tss) - 1, TYPE_TSS_AVAILABLE);
	gdt_load(pc, monitor_gdt);
	__asm__ volatile("ltr %w0; lldt %w1" ::"r"((u16)SEL_TSS), "r"((u16)0));
	__asm__ volatile("pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1:" ::"i"(SEL_CODE64)
			 : "rax", "memory");
	__asm__ volatile("movl %0, %%ss" ::"r"(SEL_DATA64));
	gdt_clear_segments();
}
