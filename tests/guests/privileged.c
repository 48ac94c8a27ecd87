/* SPDX-License-Identifier: MIT */
/*
 * Garbage into everything privileged: LGDT, LIDT, LLDT, LTR, LMSW, MOV to CR0, CR3, CR4 and the
 * debug registers, WRMSR, RDMSR.
 *
 * Ring 3: each must give #GP(0) and change nothing. Ring 0: LLDT and LTR of every selector give a
 * bare machine's answers; the rest is written, and at once written back, with values that leave the
 * guest able to do that: whatever they are, the guest lives on. What processors answer to garbage
 * in CR4 and the model-specific registers differs: not compared.
 */
#include "lib/testguest.h"

#define VEC_GP 13

const char guest_name[] = "privileged";

struct table {
	u16 limit;
	u32 base;
} __attribute__((packed));

static struct table garbage;
static u32 lo, hi, index_of;

/* --- One function per instruction; arg is its operand --- */

static void do_lgdt(u32 v)
{
	struct table good;

	garbage.base = v;
	garbage.limit = (u16)random_next();
	__asm__ volatile("sgdt %0" : "=m"(good));
	__asm__ volatile("cli; lgdt %0; lgdt %1; sti" ::"m"(garbage), "m"(good));
}

static void do_lidt(u32 v)
{
	struct table good;

	garbage.base = v;
	garbage.limit = (u16)random_next();
	__asm__ volatile("sidt %0" : "=m"(good));
	__asm__ volatile("cli; lidt %0; lidt %1; sti" ::"m"(garbage), "m"(good));
}

static void do_lldt(u32 v)
{
	__asm__ volatile("lldt %w0; lldt %w1" ::"r"(v), "r"(0));
}

static void do_ltr(u32 v)
{
	__asm__ volatile("ltr %w0" ::"r"(v));
}

/* Rings 1 and 3 may execute SGDT; these may not. */
static void only_lgdt(u32 v)
{
	garbage.base = v;
	__asm__ volatile("lgdt %0" ::"m"(garbage));
}

static void only_lidt(u32 v)
{
	garbage.base = v;
	__asm__ volatile("lidt %0" ::"m"(garbage));
}

static void do_lmsw(u32 v)
{
	__asm__ volatile("lmsw %w0" ::"r"(v | 1));
}

/* PE, WP and PG stay, and so do the bits that make programs trap. */
static void do_cr0(u32 v)
{
	u32 good;

	__asm__ volatile("mov %%cr0, %0" : "=r"(good));
	__asm__ volatile("mov %0, %%cr0; mov %1, %%cr0" ::"r"((v & ~0xcu) | good), "r"(good));
}

/* The low bits of CR3 mean nothing, or how to cache. */
static void do_cr3(u32 v)
{
	__asm__ volatile("mov %0, %%cr3" ::"r"((u32)page_directory | (v & 0xfff)));
}

static void do_cr2(u32 v)
{
	u32 back;

	__asm__ volatile("mov %1, %%cr2; mov %%cr2, %0" : "=r"(back) : "r"(v));
	if (back != v)
		__asm__ volatile("int3");
}

/* Not PAE, which would make nonsense of the page tables, and neither VME nor PVI. */
static void do_cr4(u32 v)
{
	u32 good;

	__asm__ volatile("mov %%cr4, %0" : "=r"(good));
	__asm__ volatile("mov %0, %%cr4; mov %1, %%cr4" ::"r"(v & ~0x23u), "r"(good));
}

static void do_dr(u32 v)
{
	__asm__ volatile("mov %0, %%dr0; mov %0, %%dr1; mov %0, %%dr2; mov %0, %%dr3; mov %0, "
			 "%%dr6; mov %1, %%dr7; "
			 "mov %2, %%dr7" ::"r"(v),
			 "r"(v & ~BIT(13)), "r"(0x400));
}

static void do_wrmsr(u32 v)
{
	__asm__ volatile("wrmsr" ::"c"(index_of), "a"(v), "d"(hi));
}

static void do_rdmsr(u32 v)
{
	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(index_of + (v & 0)));
}

static void do_hlt(u32 v)
{
	(void)v;
	__asm__ volatile("hlt");
}

static void do_invlpg(u32 v)
{
	__asm__ volatile("invlpg (%0)" ::"r"(v));
}

static void do_clts(u32 v)
{
	(void)v;
	__asm__ volatile("clts");
}

static void do_wbinvd(u32 v)
{
	(void)v;
	__asm__ volatile("wbinvd");
}

static void do_out(u32 v)
{
	__asm__ volatile("outl %0, %w1" ::"a"(v), "d"(v));
}

static void do_cli(u32 v)
{
	(void)v;
	__asm__ volatile("cli; sti");
}

/* --- Ring 3 --- */

static void from_ring3(void)
{
	static void (*const all[])(u32) = { only_lgdt, only_lidt, do_lldt, do_ltr,    do_lmsw,
					    do_cr0,    do_cr3,	  do_cr2,  do_cr4,    do_dr,
					    do_hlt,    do_invlpg, do_clts, do_wbinvd, do_wrmsr,
					    do_rdmsr,  do_out,	  do_cli };
	u32 bad = 0;

	for (u32 i = 0; i < COUNT(all); i++) {
		for (u32 n = 0; n < 50; n++) {
			int v;

			index_of = random_next();
			v = attempt(all[i], random_next());
			attempts++;
			bad += v != VEC_GP || caught.error;
		}
	}
	check(!bad, "everything privileged is #GP(0) in ring 3");
}

/* --- Ring 0 --- */

static void selectors(const char *name, void (*fn)(u32))
{
	u32 sum = 0, step = cmdline_number("step", 16);

	for (u32 s = 0; s < 0x10000; s += s < 0x100 || s >= 0xff00 ? 1 : step) {
		int v;

		if (fn == do_ltr && s < 4) /* #GP, but not in TCG */
			continue;
		v = attempt(fn, s);
		attempts++;
		sum = digest(digest(sum, (u32)v), v >= 0 ? caught.error : 0);
	}
	print("%s of selectors: digest %x\r\n", name, sum);
}

static void storm(const char *name, void (*fn)(u32))
{
	u32 through = 0;

	for (u32 n = 0; n < 300; n++) {
		/* Single bits, and all kinds of numbers. */
		u32 v = n < 32 ? BIT(n) : random_next() & (n & 1 ? random_next() : ~0u);

		attempts++;
		through += attempt(fn, v) < 0;
	}
	print("  %s: %u of 300 through\r\n", name, through);
}

/* Registers that would stop a guest that gets what it asks for: local APIC's place, EFER, SYSENTER
 * is harmless. */
static u32 some_msr(void)
{
	static const u32 base[] = { 0,		0x10,	    0x80,	0x170,	    0x190,
				    0x1d0,	0x200,	    0x250,	0x270,	    0x400,
				    0x480,	0x600,	    0xc80,	0xc0000080, 0xc0000100,
				    0xc0010000, 0xc0011000, 0xffffffe0, 0x40000000, 0x4b564d00 };
	u32 i = base[random_next() % COUNT(base)] + random_next() % 32;

	return i == 0x1b || i == 0xc0000080 || i == 0xc0010117 ? 0xdeadbeef : i;
}

static void msrs(void)
{
	u32 written = 0, got = 0;

	for (u32 n = 0; n < 2000; n++) {
		u32 v = random_next();

		index_of = some_msr();
		hi = random_next() & (n & 1 ? ~0u : 0);
		got += attempt(do_rdmsr, 0) < 0;
		written += attempt(do_wrmsr, v) < 0;
		attempts += 2;
	}
	print("  msr: %u read, %u written\r\n", got, written);
}

static void from_ring0(void)
{
	selectors("lldt", do_lldt);
	selectors("ltr", do_ltr);
	storm("lgdt", do_lgdt);
	storm("lidt", do_lidt);
	storm("lmsw", do_lmsw);
	__asm__ volatile("clts");
	storm("cr0", do_cr0);
	storm("cr2", do_cr2);
	storm("cr3", do_cr3);
	if (!cmdline_number("bare", 0)) /* TCG hangs in a MOV of some reserved bits */
		storm("cr4", do_cr4);
	storm("dr", do_dr);
	storm("invlpg", do_invlpg);
	msrs();
	check(true, "alive");
}

void guest_main(void)
{
	if (guest_ring == 3)
		from_ring3();
	else
		from_ring0();
}
