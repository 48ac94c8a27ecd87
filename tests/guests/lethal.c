/* SPDX-License-Identifier: MIT */
/*
 * What stops a guest, step by step: page tables, descriptor tables and stacks that are nowhere, at
 * every kind of trap. The number of the step is kept in the CMOS RAM; a triple fault resets the
 * machine (on_triple_fault = reset), and the next step follows. Steps that are survived follow at
 * once.
 *
 * Ring 0: the stack of the trap is ESP's, ring 3: the TSS's. Expected: all steps are reached, and
 * no machine but this resets.
 */
#include "lib/testguest.h"

#define HOLE	   0x90000000u
#define CMOS_STEP  0x7e
#define CMOS_MAGIC 0x7f
#define MAGIC	   0xa5
#define RIGHTS	   (PTE_P | PTE_W | (guest_ring == 3 ? PTE_U : 0))

const char guest_name[] = "lethal";

struct table {
	u16 limit;
	u32 base;
} __attribute__((packed));

static u32 nothing_page;

static u32 cmos_read(u32 index)
{
	outb(0x70, (u8)index);
	return inb(0x71);
}

static u32 cmos_write(u32 what)
{
	outb(0x70, (u8)(what >> 8));
	outb(0x71, (u8)what);
	return 0;
}

/* --- Tables (ring 0) --- */

static void load_cr3(u32 v)
{
	__asm__ volatile("mov %0, %%cr3; ud2" ::"r"(v) : "memory");
}

static void no_idt(u32 base)
{
	struct table t = { base ? 0xffff : 0, base };

	__asm__ volatile("lidt %0; ud2" ::"m"(t));
}

static void no_gdt(u32 base)
{
	struct table t = { base ? 0xffff : 0, base };

	__asm__ volatile("lgdt %0; ud2" ::"m"(t));
}

static void pae(u32 unused)
{
	(void)unused;
	__asm__ volatile("mov %%cr4, %%eax; or $0x20, %%eax; mov %%eax, %%cr4; ud2" ::: "eax");
}

static void paging_off(u32 unused)
{
	(void)unused;
	__asm__ volatile("mov %%cr0, %%eax; btr $31, %%eax; mov %%eax, %%cr0; bts $31, %%eax; mov "
			 "%%eax, %%cr0; ud2" ::
				 : "eax");
}

__attribute__((section(".dirty"))) static void nested_task(u32 flags)
{
	__asm__ volatile("push %0; popf; iret" ::"r"(flags) : "memory");
}

/* Into V86 mode, where HLT traps. */
__attribute__((section(".dirty"))) static void to_v86(u32 segment)
{
	*(volatile u8 *)(segment << 4) = 0xf4;
	__asm__ volatile("push $0; push $0; push $0; push $0; push %0; push $0x1000; push "
			 "$0x20202; push %0; push $0; iret" ::"r"(segment)
			 : "memory");
	__builtin_unreachable();
}

static const struct {
	void (*go)(u32);
	u32 arg;
	bool bare; /* QEMU survives it */
} tables[] = {
	{ load_cr3, 0xfffff000, false },
	{ load_cr3, 0xb8000, false },
	{ load_cr3, 0x700000, true },
	{ load_cr3, 0x40000000, false },
	{ no_idt, 0, true },
	{ no_idt, HOLE, true },
	{ no_idt, 0x700000, true },
	{ no_gdt, 0, true },
	{ no_gdt, HOLE, true },
	{ no_gdt, 0x700000, true },
	{ pae, 0, true },
	{ paging_off, 0, true },
	{ nested_task, 0x4202, false },
	{ to_v86, 0x600, true },
};

/* --- Stacks --- */

static void by_ud2(void)
{
	__asm__ volatile("ud2");
}

static void by_int(void)
{
	__asm__ volatile("int $0x90");
}

static void by_int3(void)
{
	__asm__ volatile("int3");
}

static void by_div(void)
{
	__asm__ volatile("div %0" ::"r"(0) : "eax", "edx");
}

static void by_page_fault(void)
{
	*(volatile u32 *)HOLE = 0;
}

static void by_gp(void)
{
	__asm__ volatile("mov %0, %%fs" ::"r"(0x1238));
}

static void by_sysenter(void)
{
	__asm__ volatile("sysenter");
}

static void by_timer(void)
{
	for (;;)
		;
}

static void (*const kinds[])(void) = { by_ud2,	      by_int, by_int3,	   by_div,
				       by_page_fault, by_gp,  by_sysenter, by_timer };
static const u32 stacks[] = { 0,    1,		 4,	   0x13,    0xffffffff, 0xfffffffe,
			      HOLE, HOLE + 0x13, 0x300000, 0xb8800, 0xfee00100 };

/* The timer's interrupt ends by_timer(), as a trap would. */
static bool on_timer(struct guest_frame *f)
{
	outb(0x20, 0x20);
	return f->eip - (u32)by_timer >= 16;
}

static u32 prepare(u32 unused)
{
	trap_hook[0x20] = on_timer;
	idt_set(0x90, KCS, (u32)trap_stubs + 0x90 * 16, 0xee);
	nothing_page = (u32)page_alloc();
	map(0xb8000, 0xb8000, RIGHTS);
	timer_start(100);
	return unused;
}

/* In every other round the last page of the address space exists, and stacks wrap into it. */
static u32 map_top(u32 n)
{
	map(0xfffff000, nothing_page, n / COUNT(kinds) / COUNT(stacks) & 1 ? RIGHTS : 0);
	return 0;
}

static u32 set_esp0(u32 esp)
{
	tss.esp0 = esp;
	return 0;
}

static void trap_with_stack(u32 n)
{
	void (*go)(void) = kinds[n % COUNT(kinds)];
	u32 esp = stacks[n / COUNT(kinds) % COUNT(stacks)];

	if (guest_ring == 3) {
		call_ring0(set_esp0, esp);
		go();
	}
	__asm__ volatile("mov %0, %%esp; jmp *%1" ::"r"(esp), "r"(go) : "memory");
	__builtin_unreachable();
}

/* --- The row --- */

static void one_step(u32 n)
{
	u32 good = tss.esp0;

	if (n < COUNT(tables)) {
		if (guest_ring == 0 && (tables[n].bare || !cmdline_number("bare", 0)))
			attempt(tables[n].go, tables[n].arg);
	} else {
		call_ring0(map_top, n - COUNT(tables));
		attempt(trap_with_stack, n - COUNT(tables));
	}
	attempts++;
	tss.esp0 = good;
}

void guest_main(void)
{
	u32 step = 0, steps = COUNT(tables) + 2 * COUNT(kinds) * COUNT(stacks);

	if (call_ring0(cmos_read, CMOS_MAGIC) == MAGIC)
		step = call_ring0(cmos_read, CMOS_STEP);
	else
		call_ring0(cmos_write, CMOS_MAGIC << 8 | MAGIC);
	call_ring0(prepare, 0);
	for (; step < steps; step++) {
		call_ring0(cmos_write, CMOS_STEP << 8 | (step + 1));
		print("step %u\r\n", step);
		one_step(step);
		/* What QEMU leaves out, or does otherwise (PDPTEs with reserved bits), is among the
		 * tables. */
		print("%ssurvived\r\n", step < COUNT(tables) ? "  " : "");
	}
	check(true, "all steps");
}
