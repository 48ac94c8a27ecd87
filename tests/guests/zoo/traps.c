/* SPDX-License-Identifier: MIT */
/*
 * What debuggers, FPU switches and fast system calls rest on: single steps through all that moves
 * EIP, breakpoints and RF, DR7.GD, a lazy FPU by TS, errors of the x87 by #MF and by IRQ 13, LMSW,
 * SYSENTER, and what programs of V86 mode and ring 3 may read.
 *
 * Lines that begin with two blanks are not bare QEMU's: TCG sets no RF in a fault's frame, does not
 * know DR7.GD, and dies of FERR#.
 */
#include "zoo/lib/zoo.h"

#define VM		BIT(17)
#define V86_BASE	0x30000u
#define CR0_PE		BIT(0)
#define CR0_MP		BIT(1)
#define CR0_EM		BIT(2)
#define CR0_TS		BIT(3)
#define CR0_NE		BIT(5)
#define DR6_CLEAR	0xffff0ff0u
#define MSR_SYSENTER_CS 0x174u
#define VEC_IRQ13	0x2du

const char guest_name[] = "traps";

extern u32 v86_way[9];
extern const u8 v86_reads[], v86_reads_end[], break_here[], sysenter_entry[];
void v86_go(u32), step_int(u32), step_iret(u32), step_ss(u32), step_pop_ss(u32), step_rep(u32),
	step_ud(u32);
u32 sysenter_rounds(u32);

static u32 debug_count, debug_sum, debug_dr6, debug_first, debug_rf, stepped_ints;

static void set_dr7(u32 v)
{
	__asm__ volatile("mov %0, %%dr7" ::"r"(v) : "memory");
}

static void wrmsr(u32 which, u32 v)
{
	__asm__ volatile("wrmsr" ::"c"(which), "a"(v), "d"(0));
}

/* --- Single steps */

static bool on_debug(struct guest_frame *f)
{
	u32 dr6;

	__asm__ volatile("mov %%dr6, %0; mov %1, %%dr6" : "=&r"(dr6) : "r"(DR6_CLEAR));
	if (!debug_count++)
		debug_first = f->eip;
	debug_sum = digest(debug_sum, f->eip - debug_first);
	debug_dr6 = dr6;
	debug_rf = f->eflags & EFLAGS_RF;
	if (dr6 & 15)
		f->eflags |= EFLAGS_RF; /* past a breakpoint on the instruction */
	return true;
}

static bool on_int(struct guest_frame *f)
{
	stepped_ints += (f->eflags & EFLAGS_TF) != 0;
	return true;
}

static bool on_undefined(struct guest_frame *f)
{
	f->eip += 2;
	return true;
}

static void forget(void)
{
	debug_count = debug_sum = debug_dr6 = debug_first = debug_rf = 0;
}

static void (*stepped)(u32);

static u32 step_it(u32 unused)
{
	stepped(unused);
	return unused;
}

static void steps(void)
{
	static const struct {
		const char *name;
		void (*code)(u32);
	} kinds[] = { { "INT", step_int },	 { "IRET", step_iret }, { "MOV SS", step_ss },
		      { "POP SS", step_pop_ss }, { "REP", step_rep },	{ "UD2", step_ud } };

	trap_hook[0x96] = on_int;
	trap_hook[6] = on_undefined;
	idt_set(0x96, KCS, (u32)trap_stubs + 0x96 * 16, 0xee);
	for (u32 i = 0; i < COUNT(kinds); i++)
		for (u32 ring = 0; ring < 4; ring++) {
			forget();
			stepped = kinds[i].code;
			print("steps of %s, ring %u:", kinds[i].name, ring);
			say_end(in_ring(ring, step_it, 0, 0x202));
			print(" %u, %x, dr6 %x\r\n", debug_count, debug_sum, debug_dr6);
		}
	print("INT with TF: %u\r\n", stepped_ints);
	trap_hook[0x96] = NULL;
	trap_hook[6] = NULL;
}

/* --- Breakpoints: on code, with RF; on data by size; on ports */

static u32 watched[4];

static u32 break_it(u32 n)
{
	for (u32 i = 0; i < n; i++)
		((void (*)(void))break_here)();
	return n;
}

static u32 touch(u32 unused)
{
	volatile u8 *bytes = (volatile u8 *)watched;

	for (u32 i = 0; i < 12; i++)
		bytes[i]++;
	*(volatile u16 *)(bytes + 2) = 7; /* aligned: TCG takes neighbours for hits else */
	*(volatile u32 *)bytes = 7;
	return unused;
}

static u32 port(u32 unused)
{
	outb(0x80, 1);
	inb(0x80);
	outb(0x81, 1);
	return unused;
}

static void breakpoints(void)
{
	__asm__ volatile("mov %0, %%dr0; mov %1, %%dr1" ::"r"(break_here), "r"(watched));
	for (u32 ring = 0; ring < 4; ring += 3) {
		forget();
		set_dr7(0x402);
		print("breakpoint, ring %u:", ring);
		say_end(in_ring(ring, break_it, 5, 0x202));
		print(" %u, %x, dr6 %x\r\n", debug_count, debug_sum, debug_dr6);
		for (u32 size = 0; size < 4; size++) {
			if (size == 2)
				continue;
			for (u32 rw = 1; rw < 4; rw += 2) {
				forget();
				set_dr7(0x408 | (rw | size << 2) << 20);
				print("watch %u bytes, kind %u, ring %u:", size + 1, rw, ring);
				say_end(in_ring(ring, touch, 0, 0x202));
				print(" %u, dr6 %x\r\n", debug_count, debug_dr6);
			}
		}
	}
	set_dr7(0x400);
	__asm__ volatile(
		"mov %0, %%dr2; mov %%cr4, %%eax; or $8, %%eax; mov %%eax, %%cr4" ::"r"(0x80)
		: "eax");
	set_dr7(0x420 | 2u << 24);
	forget();
	print("ports:");
	say_end(in_ring(0, port, 0, 0x202));
	print(" %u, dr6 %x\r\n", debug_count, debug_dr6);
	set_dr7(0x400);
	/* Two on one instruction */
	__asm__ volatile("mov %0, %%dr0; mov %0, %%dr2" ::"r"(break_here));
	set_dr7(0x400 | 2 | 0x20);
	forget();
	break_it(1);
	print("two at one place: %u, dr6 %x\r\n", debug_count, debug_dr6);
	set_dr7(0x400);
}

static u32 faults_again(u32 unused)
{
	__asm__ volatile("ud2");
	return unused;
}

static u32 frame_rf;

static bool on_fault_rf(struct guest_frame *f)
{
	frame_rf = f->eflags & EFLAGS_RF ? 1 : 0;
	f->eip += 2;
	return true;
}

static bool on_general_detect(struct guest_frame *f)
{
	u32 dr7;

	__asm__ volatile("mov %%dr7, %0" : "=r"(dr7));
	debug_count++;
	__asm__ volatile("mov %%dr6, %0; mov %1, %%dr6" : "=&r"(debug_dr6) : "r"(DR6_CLEAR));
	debug_sum = dr7;
	f->eip += 3;
	return true;
}

static void flags_of_faults(void)
{
	trap_hook[6] = on_fault_rf;
	faults_again(0);
	print("  RF in a fault's frame: %u\r\n", frame_rf);
	trap_hook[6] = NULL;
	trap_hook[1] = on_general_detect;
	forget();
	set_dr7(0x2400);
	__asm__ volatile("mov %%dr0, %%eax" ::: "eax");
	print("  GD: %u, dr6 %x, dr7 %x\r\n", debug_count, debug_dr6, debug_sum);
	set_dr7(0x400);
	trap_hook[1] = on_debug;
}

/* --- FPU */

static u8 images[3][108];
static u32 owner, wanted, switches;

static bool lazy(struct guest_frame *f)
{
	(void)f;
	__asm__ volatile("clts");
	if (owner != wanted)
		__asm__ volatile("fnsave %0; frstor %1"
				 : "=m"(images[owner])
				 : "m"(images[wanted]));
	owner = wanted;
	switches++;
	return true;
}

static u32 halves(u32 n) /* adds the row 1, 1/2, 1/4 ... to the top of this task's stack */
{
	for (u32 i = 0; i < n; i++)
		__asm__ volatile("fld1; faddp; fld %st(0); fmul %st(1); fsqrt; fstp %st(1)");
	return n;
}

static u32 no_result(u32 unused)
{
	__asm__ volatile("fld1");
	return unused;
}

static u32 waits(u32 unused)
{
	__asm__ volatile("fwait");
	return unused;
}

static void fpu(void)
{
	u32 cr0 = read_cr0();

	for (u32 i = 0; i < 8; i++) {
		write_cr0((cr0 & ~(CR0_MP | CR0_EM | CR0_TS)) | i << 1);
		print("%sMP/EM/TS %u:", i ? ", " : "", i);
		say_end(in_ring(i & 1 ? 3 : 0, no_result, 0, 0x202));
		say_end(in_ring(i & 1 ? 0 : 3, waits, 0, 0x202));
	}
	print("\r\n");
	write_cr0((cr0 | CR0_MP) & ~(CR0_EM | CR0_TS));
	__asm__ volatile("fninit");
	for (u32 i = 0; i < 3; i++) {
		double v = 0;

		__asm__ volatile("fildl %1; fnsave %0; frstor %0"
				 : "=m"(images[i])
				 : "m"(switches));
		switches += 3;
		(void)v;
	}
	__asm__ volatile("frstor %0" ::"m"(images[0]));
	owner = switches = 0;
	trap_hook[7] = lazy;
	for (u32 i = 0; i < 60; i++) {
		write_cr0(read_cr0() | CR0_TS);
		wanted = i * 7 % 3;
		in_ring(i & 1 ? 3 : 0, halves, i % 5 + 1, 0x202);
	}
	trap_hook[7] = NULL;
	__asm__ volatile("clts");
	for (u32 i = 0; i < 3; i++) {
		float v = 0;

		if (i != owner)
			__asm__ volatile("fnsave %0; frstor %1"
					 : "=m"(images[owner])
					 : "m"(images[i]));
		owner = i;
		__asm__ volatile("fsts %0" : "=m"(v));
		print("%slazy %u: %x", i ? ", " : "", i, *(u32 *)&v);
	}
	print(", %u switches\r\n", switches);
	write_cr0(cr0);
}

static volatile u32 irq13s, mfs;

static bool on_irq13(struct guest_frame *f)
{
	(void)f;
	irq13s++;
	outb(0xf0, 0);
	__asm__ volatile("fnclex");
	outb(0xa0, 0x20);
	outb(0x20, 0x20);
	return true;
}

static bool on_math(struct guest_frame *f)
{
	(void)f;
	mfs++;
	__asm__ volatile("fnclex");
	return true;
}

static u32 divide(u32 n)
{
	for (u32 i = 0; i < n; i++)
		__asm__ volatile("fninit; pushl $0x037b; fldcw (%%esp); pop %%eax; fld1; fldz; "
				 "fdivrp; fwait; nop; fnclex" ::
					 : "eax", "memory");
	return n;
}

/* QEMU 7.2 raises FERR# without its own lock and dies of that: told by the leaf that we hide. */
static bool on_tcg(void)
{
	u32 a = 1, c;

	__asm__ volatile("cpuid" : "+a"(a), "=c"(c)::"ebx", "edx");
	return c >> 31;
}

static void fpu_errors(void)
{
	u32 cr0 = read_cr0();

	trap_hook[VEC_IRQ13] = on_irq13;
	trap_hook[16] = on_math;
	outb(0x21, 0xfb);
	outb(0xa1, 0xdf);
	for (u32 i = on_tcg() ? 1 : 0; i < 4; i += on_tcg() ? 2 : 1) {
		write_cr0((cr0 & ~(CR0_NE | CR0_TS | CR0_EM)) | (i & 1 ? CR0_NE : 0) | CR0_MP);
		irq13s = mfs = 0;
		print("%sx87 errors, NE %u, ring %u:", i & 1 ? "" : "  ", i & 1, i & 2 ? 3 : 0);
		say_end(in_ring(i & 2 ? 3 : 0, divide, 3, 0x202));
		print(" IRQ 13 %u, #MF %u\r\n", irq13s, mfs);
	}
	outb(0xa1, 0xff);
	outb(0x21, 0xff);
	write_cr0(cr0);
	__asm__ volatile("fninit");
}

/* --- LMSW, SMSW, CLTS */

static u32 go_lmsw(u32 v)
{
	__asm__ volatile("lmsw %w0" ::"r"(v));
	return v;
}

static u32 go_clts(u32 v)
{
	__asm__ volatile("clts");
	return v;
}

static void status_word(void)
{
	u32 cr0 = read_cr0(), msw = 0x5555;

	for (u32 i = 0; i < 16; i++) {
		go_lmsw(i | 0xfff0);
		__asm__ volatile("smsw %0" : "=r"(msw));
		print("%s%x", i ? " " : "LMSW: ", msw & 0x3f);
		write_cr0(cr0);
	}
	print(", ring 3:");
	say_end(in_ring(3, go_lmsw, 1, 0x202));
	say_end(in_ring(3, go_clts, 1, 0x202));
	print("\r\n");
}

/* --- SYSENTER */

static void fast_calls(void)
{
	static u8 stack[512];
	u32 sel = FREE;

	/* The four that SYSENTER and SYSEXIT make of one selector */
	for (u32 i = 0; i < 4; i++)
		zoo_gdt[sel / 8 + i] =
			zoo_gdt[(i & 1 ? DATA(i & 2 ? 3 : 0) : CODE(i & 2 ? 3 : 0)) / 8];
	wrmsr(MSR_SYSENTER_CS, sel);
	wrmsr(MSR_SYSENTER_CS + 1, (u32)(stack + sizeof(stack)));
	wrmsr(MSR_SYSENTER_CS + 2, (u32)sysenter_entry);
	print("SYSENTER:");
	say_end(in_ring(3, sysenter_rounds, 50, 2));
	print(" %u", zoo_result);
	wrmsr(MSR_SYSENTER_CS, 0);
	say_end(in_ring(3, sysenter_rounds, 50, 2));
	wrmsr(MSR_SYSENTER_CS, sel);
	forget();
	say_end(in_ring(3, sysenter_rounds, 1, 0x102));
	print("\r\n  SYSENTER stepped: %u, %x\r\n", debug_count, debug_sum);
}

/* --- What V86 mode may read; instructions of other processors */

static u32 go_loadall(u32 unused)
{
	__asm__ volatile(".byte 0x0f, 0x07");
	return unused;
}

static u32 go_loadall286(u32 unused)
{
	__asm__ volatile(".byte 0x0f, 0x05");
	return unused;
}

static void readable(void)
{
	struct {
		u16 limit;
		u32 base;
	} __attribute__((packed)) g, i;
	u8 *at = (u8 *)V86_BASE;

	for (const u8 *s = v86_reads; s < v86_reads_end; s++)
		at[s - v86_reads] = *s;
	v86_way[1] = V86_BASE >> 4;
	v86_way[2] = VM | 0x202;
	v86_way[3] = 0x1000;
	v86_way[4] = V86_BASE >> 4;
	v86_way[6] = V86_BASE >> 4;
	print("V86 reads:");
	say_end(attempt(v86_go, 0));
	__asm__ volatile("sgdt %0; sidt %1" : "=m"(g), "=m"(i));
	print(" %x %x %x %x, tables %x %x %x\r\n", *(u16 *)(at + 0x100) & 0x3f,
	      *(u16 *)(at + 0x104), *(u16 *)(at + 0x10c), *(u32 *)(at + 0x114),
	      *(u16 *)(at + 0x104) == g.limit, (*(u32 *)(at + 0x106) ^ g.base) & 0xffffff,
	      *(u16 *)(at + 0x10c) == i.limit);
	print("LOADALL:");
	say_end(in_ring(0, go_loadall, 0, 0x202));
	say_end(in_ring(0, go_loadall286, 0, 0x202));
	say_end(in_ring(3, go_loadall, 0, 0x202));
	say_end(in_ring(3, go_loadall286, 0, 0x202));
	print("\r\n");
}

void guest_main(void)
{
	zoo_begin(v86_reads);
	trap_hook[1] = on_debug;
	steps();
	breakpoints();
	flags_of_faults();
	fpu();
	fpu_errors();
	status_word();
	fast_calls();
	readable();
}
