/* SPDX-License-Identifier: MIT */
/*
 * Random guests for a second opinion: one far transfer, event or segment load in a random privilege
 * level, over random descriptors, gates, task states and stacks, mostly plausible ones. Nothing is
 * expected here but an end; with GUEST_DUMP set, opinion.py compares each end with another
 * processor's.
 *
 * Usage: random_guests COUNT SEED
 */
#include "tests/unit/guest_fixture.h"

#include <stdlib.h>

#define STEPS 64u /* instructions at most */

static u64 seed;

static u32 rnd(u32 n)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (u32)((seed * 0x2545f4914f6cdd1dull >> 32) * n >> 32);
}

static bool one_in(u32 n)
{
	return rnd(n) == 0;
}

static u16 selector(void)
{
	u16 sel = (u16)(one_in(4) ? rnd(9) * 8 : FREE + rnd(23) * 8);

	if (one_in(30))
		return (u16)(one_in(2) ? rnd(4) : 0x100 + rnd(4));
	return (u16)(sel | rnd(4));
}

static u16 code_selector(unsigned cpl)
{
	if (one_in(3))
		return selector();
	return cpl == 0 ? CODE0 : cpl == 3 ? CODE3 : (u16)((FREE + 16 * cpl) | cpl);
}

static u16 data_selector(unsigned cpl)
{
	if (one_in(3))
		return selector();
	return cpl == 0 ? DATA0 : cpl == 3 ? DATA3 : (u16)((FREE + 16 * cpl + 8) | cpl);
}

/* Most targets hold INT 30h. */
static u32 offset(void)
{
	return (one_in(12) ? 0x10000000 : 0) + AT_TARGET + 16 * rnd(16);
}

static void random_descriptor(u16 sel)
{
	static const u8 type[] = { 0x93, 0x91, 0x97, 0x9b, 0x99, 0x9f, 0x9d, 0x8c, 0x84, 0x85, 0x8e,
				   0x86, 0x82, 0x89, 0x81, 0x92, 0x9a, 0x80, 0x8c, 0x8c, 0x85 };
	u32 t = type[rnd(ARRAY_SIZE(type))] | rnd(4) << 5;

	if (one_in(12))
		t &= ~0x80u;
	switch (t & 0x1f) {
	case 0x04:
	case 0x0c:
		put_gate(AT_GDT + sel, code_selector(rnd(4)), offset(), t, rnd(6));
		break;
	case 0x05:
		put_gate(AT_GDT + sel,
			 one_in(4)   ? selector()
			 : one_in(2) ? TSS_B
				     : TSS_16,
			 0, t, 0);
		break;
	case 0x0e:
	case 0x06:
		put_gate(AT_GDT + sel, CODE0, offset(), t, 0);
		break;
	case 0x01:
		gdt(sel, AT_TSS_16, one_in(8) ? 0x2a : 0x2b, t);
		break;
	case 0x09:
		gdt(sel, AT_TSS_B, one_in(8) ? 0x66 : 0x67, t);
		break;
	case 0x02:
		gdt(sel, AT_LDT, 0xff, t);
		break;
	default: /* 32 or 16 bits; all of memory or up to somewhere in it */
		gdt(sel, 0, one_in(5) ? rnd(0x10000) : 0xfffff,
		    t | (one_in(6) ? 0 : 0x400) | (one_in(5) ? 0 : 0x800));
	}
}

static u32 flags(void)
{
	u32 f = EFLAGS_ONE | (rnd(0x10000) & (EFLAGS_ARITH | EFLAGS_IOPL));

	if (one_in(6))
		f |= EFLAGS_NT;
	if (one_in(6))
		f |= EFLAGS_TF;
	if (one_in(4))
		f |= EFLAGS_ID;
	if (one_in(8))
		f |= EFLAGS_VM;
	if (one_in(8))
		f |= EFLAGS_RF;
	return f;
}

/* A code segment and a stack for it. Not both at random: which is looked at first is Bochs's
 * choice. */
static void task_segments(u16 *cs, u16 *ss)
{
	unsigned cpl = rnd(4);

	*cs = code_selector(cpl);
	cpl = *cs & 3;
	*ss = cpl == 0 ? DATA0 : cpl == 3 ? DATA3 : (u16)((FREE + 16 * cpl + 8) | cpl);
	if (one_in(4)) {
		*cs = cpl == 0 ? CODE0 : cpl == 3 ? CODE3 : (u16)((FREE + 16 * cpl) | cpl);
		*ss = data_selector(cpl);
	}
}

static void random_tasks(void)
{
	unsigned cpl = rnd(4);
	u16 cs, ss;

	for (unsigned l = 0; l < 3; l++) {
		put(AT_TSS + 4 + 8 * l, one_in(20) ? rnd(64) : STACK_TSS - 0x200 * l, 4);
		put(AT_TSS + 8 + 8 * l, l && one_in(2) ? selector() : data_selector(l), 2);
	}
	/* Ring 0's stack is every handler's. */
	put(AT_TSS + 4, STACK_TSS, 4);
	put(AT_TSS + 8, DATA0, 2);
	put(AT_TSS, one_in(2) ? TSS_B : selector(), 2);
	memcpy(m.ram + AT_TSS_B + 4, m.ram + AT_TSS + 4, 24);
	put(AT_TSS_B + 0x20, offset(), 4);
	put(AT_TSS_B + 0x24, flags(), 4);
	for (u32 r = 0; r < 8; r++)
		put(AT_TSS_B + 0x28 + 4 * r, 0xb0b0b000 + r, 4);
	put(AT_TSS_B + 0x38, STACK0 - 0x400, 4);
	for (u32 s = 0; s < 6; s++)
		put(AT_TSS_B + 0x48 + 4 * s, data_selector(cpl), 2);
	task_segments(&cs, &ss);
	put(AT_TSS_B + 0x4c, cs, 2);
	put(AT_TSS_B + 0x50, ss, 2);
	put(AT_TSS_B + 0x60, one_in(3) ? selector() : 0, 2);
	put(AT_TSS_B + 0x64, one_in(6), 2);
	put(AT_TSS_16 + 2, STACK_TSS, 2);
	put(AT_TSS_16 + 4, DATA0, 2);
	put(AT_TSS_16 + 0x0e, offset(), 2);
	put(AT_TSS_16 + 0x10, flags(), 2);
	put(AT_TSS_16 + 0x1a, STACK0 - 0x600, 2);
	for (u32 s = 0; s < 4; s++)
		put(AT_TSS_16 + 0x22 + 2 * s, data_selector(cpl), 2);
	task_segments(&cs, &ss);
	put(AT_TSS_16 + 0x24, cs, 2);
	put(AT_TSS_16 + 0x26, ss, 2);
}

static void random_gates(void)
{
	static const u8 type[] = { 0x8e, 0x8f, 0x86, 0x87, 0x85, 0x8e, 0x8f, 0x8c, 0x9e };

	for (u8 v = 0x40; v < 0x50; v++) {
		u32 t = type[rnd(ARRAY_SIZE(type))] | (one_in(4) ? rnd(4) : 3) << 5;

		if (one_in(16))
			t &= ~0x80u;
		if ((t & 0x1f) == 5)
			idt(v, one_in(3) ? selector() : TSS_B, 0, t);
		else
			idt(v, code_selector(rnd(4)), offset(), t);
	}
}

/* What RETF and IRET find. */
static void random_stack(u32 top)
{
	bool narrow = m.ram[AT_CODE] == 0x66; /* as the instruction wants it */
	unsigned cpl = rnd(4), size = narrow ? 2 : 4;
	u32 words[9] = { offset(),	 code_selector(cpl), flags(),
			 STACK3 - 0x100, data_selector(cpl), selector(),
			 selector(),	 selector(),	     selector() };

	if (one_in(2)) { /* as RETF finds it */
		words[2] = words[3];
		words[3] = words[4];
	}
	for (u32 i = 0; i < 9; i++)
		put(top + i * size, words[i], size);
}

static void random_code(void)
{
	static const u8 plain[][4] = {
		{ 1, 0xcf },
		{ 2, 0x66, 0xcf },
		{ 1, 0xcb },
		{ 2, 0x66, 0xcb },
		{ 3, 0xca, 8, 0 },
		{ 2, 0x8e, 0xd8 },
		{ 2, 0x8e, 0xd0 },
		{ 2, 0x8e, 0xe0 },
		{ 3, 0x0f, 0x02, 0xd8 },
		{ 3, 0x0f, 0x03, 0xd8 },
		{ 3, 0x0f, 0x00, 0xe0 },
		{ 3, 0x0f, 0x00, 0xe8 },
		{ 3, 0x0f, 0x00, 0xd0 },
		{ 3, 0x0f, 0x00, 0xd8 },
		{ 1, 0x1f },
		{ 1, 0x07 },
		{ 2, 0x0f, 0xa9 },
		{ 1, 0x17 },
		{ 1, 0x9d },
		{ 1, 0x9c },
		{ 1, 0xfa },
		{ 1, 0xfb },
		{ 2, 0xe4, 0xe0 },
		{ 1, 0xcc },
		{ 1, 0xce },
		{ 1, 0xf1 },
		{ 2, 0x63, 0xc3 },
	};
	u8 code[16] = { 0 }, n;
	u16 sel = selector();
	u32 off = offset();

	switch (rnd(6)) {
	case 0:
	case 1:
		code[0] = one_in(2) ? 0xea : 0x9a;
		memcpy(code + 1, &off, 4);
		memcpy(code + 5, &sel, 2);
		n = 7;
		break;
	case 2:
		code[0] = 0xcd;
		code[1] = (u8)(0x40 + rnd(16));
		n = 2;
		break;
	default: {
		const u8 *p = plain[rnd(ARRAY_SIZE(plain))];

		n = p[0];
		memcpy(code, p + 1, n);
	}
	}
	code[n] = 0xcd;
	code[n + 1] = VEC_END;
	set_code(AT_CODE, code, sizeof(code));
}

/* Virtual interrupts, redirection of INT n, ports. */
static void random_extensions(void)
{
	m.cpu.cr4 = (one_in(2) ? CR4_VME : 0) | (one_in(2) ? CR4_PVI : 0);
	for (u32 i = 0; i < 0x40; i++)
		if (one_in(2))
			m.ram[AT_TSS + 0x68 + i] = (u8)rnd(256);
	for (u32 v = 0x40; v < 0x50; v++)
		put(4 * v, 16 * rnd(16) | AT_TARGET >> 4 << 16, 4);
}

/* Tables, task states, stacks and targets on pages that are absent, read-only or the kernel's.
 * Those that every handler needs can be read by ring 0. */
static void random_pages(void)
{
	static const struct {
		u32 page;
		bool needed;
	} t[] = { { 0, false },
		  { AT_GDT, true },
		  { AT_TSS & ~0xfffu, true },
		  { STACK3 - 0x1000, false },
		  { AT_TARGET, false } };

	guest_paging();
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++)
		if (one_in(3))
			set_page(t[i].page, t[i].page | (t[i].needed ? 1 : rnd(2)) | rnd(4) << 1);
}

static void random_level(void)
{
	struct cpu *c = &m.cpu;
	unsigned cpl = rnd(4);
	u32 virtual = one_in(2) ? rnd(4) * EFLAGS_VIF : 0;

	random_extensions();
	if (one_in(4)) {
		u32 f = (flags() | EFLAGS_VM | virtual) & ~EFLAGS_NT & ~EFLAGS_RF;

		if (one_in(2))
			f |= EFLAGS_IOPL;
		/* Both set cannot be on the way in. */
		cpu_set_eflags(c, (f & EFLAGS_VIF) && (f & EFLAGS_VIP) ? f & ~EFLAGS_VIP : f);
		for (unsigned s = 0; s < SEG_COUNT; s++)
			cpu_set_v86_segment(c, s,
					    s == SEG_CS	  ? AT_CODE >> 4
					    : s == SEG_SS ? STACK3 >> 4
							  : 0x800);
		c->cpl = 3;
		c->eip = 0;
		c->gpr[REG_ESP] = 0x20;
		return;
	}
	cpu_set_eflags(c, flags() & ~EFLAGS_VM & ~EFLAGS_RF);
	set_ring(cpl ? 3 : 0);
	if (cpl == 1 || cpl == 2) {
		for (unsigned s = 0; s < SEG_COUNT; s++)
			set_segment(s, (u16)((FREE + 16 * cpl + (s == SEG_CS ? 0 : 8)) | cpl));
		c->cpl = (u8)cpl;
	}
	c->gpr[REG_ESP] = cpl ? STACK3 : STACK0;
}

static void one(void)
{
	void *name = (void *)(uintptr_t) "random";

	guest_setup(&name);
	for (u16 sel = FREE; sel < 0x100; sel = (u16)(sel + 8))
		random_descriptor(sel);
	for (u16 cpl = 1; cpl < 3; cpl++) {
		gdt((u16)(FREE + 16 * cpl), 0, 0xfffff, ATTR_CODE32 | ATTR_DPL((u32)cpl));
		gdt((u16)(FREE + 16 * cpl + 8), 0, 0xfffff, ATTR_DATA32 | ATTR_DPL((u32)cpl));
	}
	put_descriptor(AT_LDT + 8, 0, 0xfffff, ATTR_DATA32 | ATTR_DPL(3));
	random_tasks();
	random_gates();
	for (u32 t = AT_TARGET; t < AT_TARGET + 0x100; t += 16) {
		static const u8 end[] = { INT_END };

		set_code(t, end, 2);
	}
	random_code();
	random_level();
	random_stack(m.cpu.seg[SEG_SS].base + m.cpu.gpr[REG_ESP]);
	m.cpu.gpr[REG_EAX] = selector();
	m.cpu.gpr[REG_EBX] = selector();

	if (one_in(3))
		random_pages();

	struct guest_dump *dump = guest_dump_begin(&m);
	enum recomp_exit exit = RECOMP_EVENT;

	for (unsigned n = 0; n < STEPS && exit == RECOMP_EVENT; n++)
		exit = machine_step(&m);
	guest_dump_end(dump, &m, exit);
}

int main(int argc, char **argv)
{
	unsigned count = argc > 1 ? (unsigned)atoi(argv[1]) : 100;

	seed = (argc > 2 ? strtoull(argv[2], NULL, 0) : 1) * 0x9e3779b97f4a7c15ull;
	if (guest_create(NULL))
		return 1;
	while (count--)
		one();
	guest_destroy(NULL);
	return 0;
}
