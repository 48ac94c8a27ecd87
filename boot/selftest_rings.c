/* SPDX-License-Identifier: MIT */
/*
 * Runs a few lines of 32-bit code in ring 1 and in ring 3 and checks each trap on its way: vector,
 * error code, flags, stack.
 *
 * 1. A root with two pages below 4 GiB, a table with flat 32-bit segments of DPL 1 or 3.
 * 2. The code; each trap is one step of a script, resumed behind the instruction that caused it.
 * 3. The way back: the frame of the last trap is turned into one of ring 0.
 */
#include "boot/selftest_rings.h"

#include "arch/cpu/processor.h"
#include "arch/cpu/fpu.h"
#include "arch/cpu/gdt.h"
#include "arch/cpu/percpu.h"
#include "arch/time/timer.h"
#include "arch/cpu/tss.h"
#include "arch/trap/trap.h"
#include "arch/mem/kmap.h"
#include "arch/mem/kmap_tables.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/time/clock.h"
#include "kernel/console/console.h"
#include "kernel/mem/page.h"

#define CODE_AT	 0x10000u
#define STACK_AT 0x20000u
#define SEL_CODE 0x08u
#define SEL_DATA 0x10u

#define FLAG_TF BIT(8)
#define FLAG_IF BIT(9)
#define FLAG_DF BIT(10)
#define FLAG_NT BIT(14)
#define FLAG_AC BIT(18)

static const u8 code[] = {
	0xfa,				    /*  0 cli              #GP(0) */
	0xcd, 0x80,			    /*  1 int 80h          #GP(80h as IDT reference) */
	0x0f, 0x0b,			    /*  3 ud2              #UD */
	0xf7, 0x35, 0xfc, 0xff, 0xff, 0xff, /*  5 div [-4]   #PF at FFFFFFFC */
	0x68, 0x02, 0x46, 0x04, 0x00,	    /* 11 push NT|DF|AC.. */
	0x9d,				    /* 16 popf */
	0x0f, 0x34,			    /* 17 sysenter         #GP(0), with NT, DF and AC set */
	0x68, 0x02, 0x03, 0x00, 0x00,	    /* 19 push TF|IF */
	0x9d,				    /* 24 popf */
	0x90,				    /* 25 nop              #DB behind it */
	0xeb, 0xfe,			    /* 26 jmp $            the timer's interrupt */
};

static const struct step {
	u8 vector, offset, length; /* length: what to skip */
	u32 error, flags;
} script[] = {
	{ VEC_GP, 0, 1, 0, 0 },
	{ VEC_GP, 1, 2, 0x80 * 8 + 2, 0 },
	{ VEC_UD, 3, 2, 0, 0 },
	{ VEC_PF, 5, 6, 0, 0 }, /* U/S is set by ring 3 only */
	{ VEC_GP, 17, 2, 0, FLAG_NT | FLAG_DF | FLAG_AC },
	{ VEC_DB, 26, 0, 0, FLAG_TF },
};

static unsigned at, ring;
static bool good, interrupted;
extern u64 selftest_rings_rsp;
u64 selftest_rings_rsp; /* enter() leaves it here */

static void back_to_ring0(struct trap_frame *f);

/* INT n without the right gives vector * 8 + 2 (SDM 3A 6.13), in QEMU's long mode vector * 16 + 2.
 */
static bool error_fits(const struct trap_frame *f, const struct step *s)
{
	if (f->vector == VEC_PF && ring == 3)
		return f->error == (s->error | 4);
	return f->error == s->error || (s->error && f->error == 2 * (s->error - 2) + 2);
}

static void on_guest_trap(struct percpu *pc, struct trap_frame *f)
{
	const struct step *s = &script[at];
	u64 flags;

	(void)pc;
	__asm__ volatile("pushfq; popq %0" : "=r"(flags));
	if (at == ARRAY_SIZE(script) || f->vector != s->vector || f->rip != CODE_AT + s->offset ||
	    !error_fits(f, s) || (f->cs & 3) != ring || (f->rflags & s->flags) != s->flags ||
	    (flags & (FLAG_DF | FLAG_IF | FLAG_NT)) ||
	    (f->vector == VEC_PF && read_cr2() != 0xfffffffc)) {
		console_print("selftest rings: ring %u step %u: vector %llu error %llx rip %llx cs "
			      "%llx rflags %llx cr2 %llx\n",
			      ring, at, (unsigned long long)f->vector, (unsigned long long)f->error,
			      (unsigned long long)f->rip, (unsigned long long)f->cs,
			      (unsigned long long)f->rflags, (unsigned long long)read_cr2());
		good = false;
		back_to_ring0(f);
		return;
	}
	at++;
	f->rip += s->length;
	f->rflags &= ~(u64)(FLAG_TF | FLAG_NT | FLAG_DF | FLAG_AC);
	f->rflags |= FLAG_IF;
	if (at == ARRAY_SIZE(script))
		timer_arm(clock_now() + 2000000);
}

static void on_interrupt(struct percpu *pc, struct trap_frame *f)
{
	(void)pc;
	if (!trap_from_guest(f) || at != ARRAY_SIZE(script))
		return;
	interrupted = f->vector == 0xe0 || f->vector == 0x20;
	back_to_ring0(f);
}

/* The frame's stack pointer was left by enter(), whose return address lies there. */
__attribute__((naked)) static void enter(struct trap_frame *f)
{
	__asm__ volatile("push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n\t"
			 "mov %rsp, selftest_rings_rsp\n\t"
			 "jmp trap_return\n\t"
			 "selftest_rings_leave:\n\t"
			 "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret");
	(void)f;
}

extern const char selftest_rings_leave[];

static void back_to_ring0(struct trap_frame *f)
{
	f->rip = (u64)selftest_rings_leave;
	f->cs = SEL_CODE64;
	f->ss = SEL_DATA64;
	f->rsp = selftest_rings_rsp;
	f->rflags = 2;
}

static u64 *new_page(void)
{
	return memset(page_alloc(0), 0, PAGE_SIZE);
}

/* --- 1. --- */
static u64 *build_root(u64 **pages)
{
	u64 *root = pages[0], *pdpt = pages[1], *pd = pages[2], *pt = pages[3];
	u64 rights = PTE_P | PTE_W | (ring == 3 ? BIT64(2) : 0);

	memcpy(root + 256, kmap_upper_pml4(), 256 * sizeof(u64));
	root[0] = kmap_hpa(pdpt) | PTE_P | PTE_W | BIT64(2);
	pdpt[0] = kmap_hpa(pd) | PTE_P | PTE_W | BIT64(2);
	pd[0] = kmap_hpa(pt) | PTE_P | PTE_W | BIT64(2);
	pt[CODE_AT >> PAGE_SHIFT] = kmap_hpa(pages[4]) | rights;
	pt[(STACK_AT >> PAGE_SHIFT) - 1] = kmap_hpa(pages[5]) | rights;
	memcpy(pages[4], code, sizeof(code));
	return root;
}

static void run_ring(unsigned r)
{
	struct percpu *pc = percpu_this();
	u64 *gdt = page_alloc(4), *pages[6];
	u64 old_rsp0 = pc->tss->rsp[0];
	struct trap_frame f = { 0 };

	ring = r;
	at = 0;
	interrupted = false;
	good = true;
	memset(gdt, 0, GDT_SIZE);
	gdt_fill_monitor(gdt, pc);
	gdt[SEL_CODE / 8] = 0x00cf9b000000ffffull | (u64)r << 45;
	gdt[SEL_DATA / 8] = 0x00cf93000000ffffull | (u64)r << 45;
	for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
		pages[i] = new_page();
	pc->guest_trap = on_guest_trap;
	pc->after_irq = on_interrupt;
	gdt_load(pc, gdt);
	write_cr3(kmap_hpa(build_root(pages)));
	f.rip = CODE_AT;
	f.cs = SEL_CODE | r;
	f.ss = SEL_DATA | r;
	f.rsp = STACK_AT;
	f.rflags = FLAG_IF | 2;
	/* 1 KiB below our own frames, which are still in use. */
	pc->tss->rsp[0] = ((u64)__builtin_frame_address(0) - 1024) & ~15ull;
	__asm__ volatile("mov %0, %%ds; mov %0, %%es" ::"r"((u32)(SEL_DATA | r)));
	enter(&f);
	__asm__ volatile("mov %0, %%ds; mov %0, %%es" ::"r"(0));
	pc->tss->rsp[0] = old_rsp0;
	write_cr3(kmap_monitor_root());
	gdt_load(pc, gdt_monitor());
	pc->guest_trap = NULL;
	pc->after_irq = NULL;
	timer_arm(UINT64_MAX);
	page_free(gdt, 4);
	for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
		page_free(pages[i], 0);
	good = good && interrupted && at == ARRAY_SIZE(script);
}

/* A pattern in XMM0 and (with AVX) the upper half of YMM7 must survive load, damage, load, save. */
static bool fpu_works(void)
{
	u8 *a = page_alloc(0), *b = page_alloc(0);
	bool avx = cpu_features.xcr0_supported & 4, ok;

	memset(b, 0, PAGE_SIZE);
	fpu_reset(a);
	memset(a + 160, 0x5a, 16);
	if (avx) {
		memset(a + 576 + 7 * 16, 0xa5, 16);
		a[512] |= 4;
	}
	fpu_load(a);
	fpu_reset(b);
	fpu_save(b);
	ok = !memcmp(a + 160, b + 160, 16) && b[0] == 0x7f && b[1] == 3 && b[24] == 0x80 &&
	     b[25] == 0x1f && (!avx || !memcmp(a + 576, b + 576, 256));
	fpu_reset(b);
	b[520] = 1; /* XCOMP_BV: refused, and that is all. TCG's FXRSTOR refuses nothing. */
	ok = ok && (!cpu_features.xsave || fpu_load(b) == E_FAULT);
	fpu_reset(b);
	ok = !fpu_load(b) && ok;
	page_free(a, 0);
	page_free(b, 0);
	return ok;
}

void selftest_rings(void)
{
	bool one, three;

	run_ring(1);
	one = good;
	run_ring(3);
	three = good;
	console_print("selftest rings: ring 1 %s, ring 3 %s\n", one ? "ok" : "bad",
		      three ? "ok" : "bad");
	console_print("selftest fpu: %s\n", fpu_works() ? "ok" : "bad");
}
