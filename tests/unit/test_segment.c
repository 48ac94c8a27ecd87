/* SPDX-License-Identifier: MIT */
/*
 * Segment registers and descriptors (SDM 3A 3.4, 5.3 to 5.7; SDM 2 MOV, LAR, LSL, VERR, VERW, ARPL,
 * LLDT, LTR, JMP): loads and their checks, limits of every kind, conforming code.
 */
#include "tests/unit/guest_fixture.h"

#define S     FREE
#define LOCAL (0x08 | 4)

/* mov ds, ax; int 30h */
static int load(unsigned cpl, u16 sel, bool stack)
{
	set_ring(cpl);
	CODE(AT_CODE, 0x8e, 0xd8, INT_END);
	if (stack)
		m.ram[AT_CODE + 1] = 0xd0;
	machine_wrote(&m, AT_CODE, 2);
	m.cpu.gpr[REG_EAX] = sel;
	return guest_run();
}

static const struct {
	u32 attr;
	u8 cpl, rpl;
	bool stack;
	int vector; /* VEC_END: loaded */
} loads[] = {
	{ ATTR_DATA32, 0, 0, false, VEC_END },
	{ ATTR_DATA32, 0, 3, false, VEC_GP }, /* RPL above DPL */
	{ ATTR_DATA32, 3, 0, false, VEC_GP }, /* CPL above DPL */
	{ ATTR_DATA32 | ATTR_DPL(3), 3, 0, false, VEC_END },
	{ ATTR_DATA32 | ATTR_DPL(3), 0, 3, false, VEC_END },
	{ 0xc91, 0, 0, false, VEC_END },       /* read-only data */
	{ ATTR_CODE32, 0, 0, false, VEC_END }, /* readable code */
	{ 0xc99, 0, 0, false, VEC_GP },	       /* execute-only */
	{ ATTR_CONF32, 3, 3, false, VEC_END }, /* readable, conforming: any level */
	{ 0xc9d, 3, 3, false, VEC_GP },	       /* conforming, execute-only */
	{ 0x82, 0, 0, false, VEC_GP },	       /* system */
	{ 0xc13, 0, 0, false, VEC_NP },	       /* not present */
	{ 0xc19, 0, 0, false, VEC_GP },	       /* execute-only goes before not present */
	{ ATTR_DATA32, 0, 0, true, VEC_END },
	{ ATTR_DATA32, 0, 3, true, VEC_GP },
	{ ATTR_DATA32 | ATTR_DPL(3), 0, 0, true, VEC_GP },
	{ ATTR_DATA32 | ATTR_DPL(3), 3, 3, true, VEC_END },
	{ 0xc91, 0, 0, true, VEC_GP },
	{ ATTR_CODE32, 0, 0, true, VEC_GP },
	{ 0xc13, 0, 0, true, VEC_SS },
	{ 0xc11, 0, 0, true, VEC_GP },
};

static void data_and_stack_loads(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(loads); i++) {
		int vector;

		guest_setup(state);
		gdt(S, 0x123000, 0xfffff, loads[i].attr & ~1u);
		vector = load(loads[i].cpl, S | loads[i].rpl, loads[i].stack);
		assert_int_equal(vector, loads[i].vector);
		if (vector != VEC_END) {
			assert_int_equal(frame(0), S);
			assert_int_equal(get(AT_GDT + S + 5, 1) & 1, loads[i].attr == 0x82 ? 0 : 0);
		} else {
			assert_int_equal(get(AT_GDT + S + 5, 1) & 1, 1); /* accessed */
			if (!loads[i].stack)
				assert_int_equal(m.cpu.seg[SEG_DS].base, 0x123000);
		}
	}
}

static void null_selectors(void **state)
{
	(void)state;
	assert_int_equal(load(0, 3, false), VEC_END); /* loaded .. */
	assert_int_equal(m.cpu.seg[SEG_DS].sel, 3);
	CODE(AT_CODE, 0xa1, IMM32(AT_DATA)); /* .. and of no use */
	m.cpu.eip = AT_CODE;
	assert_fault(VEC_GP, 0, AT_CODE);
	guest_setup(state);
	assert_int_equal(load(0, 0, true), VEC_GP);
	assert_int_equal(frame(0), 0);
}

static void beyond_the_tables(void **state)
{
	(void)state;
	assert_int_equal(load(0, 0x100, false), VEC_GP);
	assert_int_equal(frame(0), 0x100);
	assert_int_equal(load(0, LOCAL, false), VEC_GP); /* LDTR is null */
	assert_int_equal(frame(0), LOCAL);
	guest_setup(state);
	m.cpu.ldtr = (struct cpu_segment){ LDT, 0x82, AT_LDT, 14 }; /* cut within the descriptor */
	put_descriptor(AT_LDT + 8, 0, 0xfffff, ATTR_DATA32);
	assert_int_equal(load(0, LOCAL, false), VEC_GP);
	m.cpu.ldtr.limit = 15;
	assert_int_equal(load(0, LOCAL, false), VEC_END);
	/* CS cannot be loaded so. */
	CODE(AT_CODE, 0x8e, 0xc8);
	m.cpu.eip = AT_CODE;
	assert_int_equal(guest_run(), VEC_UD);
}

/* --- Limits: an access at an offset, of 1 to 4 bytes. */

static const struct {
	u32 limit, attr, offset;
	u8 size;
	bool ok;
} limits[] = {
	{ 0x1000, 0x493, 0xffd, 4, true },
	{ 0x1000, 0x493, 0xffe, 4, false },
	{ 0x1000, 0x493, 0x1000, 1, true },
	{ 0x1000, 0x493, 0x1001, 1, false },
	{ 0x1000, 0x493, 0xffffffff, 2, false },
	{ 0x10, 0xc93, 0x10ffc, 4, true }, /* pages */
	{ 0x10, 0xc93, 0x10ffd, 4, false },
	/* expand-down: above the limit, up to 64 KiB or 4 GiB */
	{ 0x1000, 0x497, 0x1000, 1, false },
	{ 0x1000, 0x497, 0x1001, 4, true },
	{ 0x1000, 0x497, 0x0ffe, 4, false },
	{ 0x1000, 0x497, 0x20000, 4, true },
	{ 0x1000, 0x097, 0xfffc, 4, true },
	{ 0x1000, 0x097, 0xfffd, 4, false },
	{ 0x1000, 0x097, 0x10000, 1, false },
	{ 0x1, 0xc97, 0x1fff, 1, false },
	{ 0x1, 0xc97, 0x2000, 4, true },
};

static void segment_limits(void **state)
{
	for (unsigned i = 0; i < 2 * ARRAY_SIZE(limits); i++) {
		const unsigned n = i / 2;
		u8 vector = i & 1 ? VEC_SS : VEC_GP;

		guest_setup(state);
		gdt(S, 0, limits[n].limit, limits[n].attr);
		set_segment(i & 1 ? SEG_SS : SEG_DS, S);
		m.cpu.gpr[REG_EBX] = limits[n].offset;
		/* mov al / ax / eax, [ebx], through DS or SS; the handler has a stack of its own */
		put_gate(AT_IDT + 8u * vector, TSS_B, 0, 0x85, 0);
		put(AT_TSS_B + 0x20, HANDLER(vector), 4);
		put(AT_TSS_B + 0x38, STACK_TSS, 4);
		put(AT_TSS_B + 0x4c, CODE0, 2);
		put(AT_TSS_B + 0x50, DATA0, 2);
		CODE(AT_CODE, 0x3e, 0x90, 0x8b, 0x03, HLT);
		m.ram[AT_CODE] = i & 1 ? 0x36 : 0x3e;
		m.ram[AT_CODE + 1] = limits[n].size == 2 ? 0x66 : 0x3e;
		if (i & 1)
			m.ram[AT_CODE + 1] = limits[n].size == 2 ? 0x66 : 0x36;
		m.ram[AT_CODE + 2] = limits[n].size == 1 ? 0x8a : 0x8b;
		assert_int_equal(guest_run(), limits[n].ok ? HALTED : vector);
		if (!limits[n].ok)
			assert_int_equal(frame(0), 0);
	}
}

static void kinds_of_segment(void **state)
{
	(void)state;
	CODE(AT_CODE, 0xa3, IMM32(AT_DATA), HLT); /* mov [..], eax */
	gdt(S, 0, 0xfffff, 0xc91);
	set_segment(SEG_DS, S);
	assert_fault(VEC_GP, 0, AT_CODE); /* read-only */
	guest_setup(state);
	CODE(AT_CODE, 0x2e, 0xa3, IMM32(AT_DATA), HLT);
	assert_fault(VEC_GP, 0, AT_CODE); /* code is not written */
	guest_setup(state);
	gdt(S, 0, 0xfffff, 0xc99);
	set_segment(SEG_CS, S);
	CODE(AT_CODE, 0x2e, 0xa1, IMM32(AT_DATA), HLT);
	assert_fault(VEC_GP, 0, AT_CODE); /* execute-only is not read */
}

/* --- LAR, LSL, VERR, VERW: ZF and the value. All from CPL 3 with RPL 3, but for the last ones. */

static const struct {
	u32 attr;
	u8 cpl, rpl;
	bool lar, lsl, verr, verw;
} inspect[] = {
	{ ATTR_DATA32 | ATTR_DPL(3), 3, 3, true, true, true, true },
	{ 0xc91 | ATTR_DPL(3), 3, 3, true, true, true, false },
	{ ATTR_CODE32 | ATTR_DPL(3), 3, 3, true, true, true, false },
	{ 0xc99 | ATTR_DPL(3), 3, 3, true, true, false, false },
	{ ATTR_DATA32, 3, 3, false, false, false, false },
	{ ATTR_DATA32, 0, 3, false, false, false, false },
	{ ATTR_DATA32, 0, 0, true, true, true, true },
	{ ATTR_CONF32, 3, 3, true, true, true, false },	       /* conforming: any level */
	{ 0xc13 | ATTR_DPL(3), 3, 3, true, true, true, true }, /* present or not does not count */
	{ 0x81, 0, 0, true, true, false, false },	       /* TSS, 16 bits */
	{ 0x82, 0, 0, true, true, false, false },	       /* LDT */
	{ 0x83, 0, 0, true, true, false, false },
	{ 0x84, 0, 0, true, false, false, false }, /* call gate, 16 bits */
	{ 0x85, 0, 0, true, false, false, false }, /* task gate */
	{ 0x86, 0, 0, false, false, false, false },
	{ 0x87, 0, 0, false, false, false, false },
	{ 0x89, 0, 0, true, true, false, false },
	{ 0x8b, 0, 0, true, true, false, false },
	{ 0x8c, 0, 0, true, false, false, false },
	{ 0x8e, 0, 0, false, false, false, false },
	{ 0x8f, 0, 0, false, false, false, false },
	{ 0x80, 0, 0, false, false, false, false },
	{ 0x8a, 0, 0, false, false, false, false },
};

static void descriptor_inspection(void **state)
{
	static const u8 code[4][4] = {
		{ 0x0f, 0x02, 0xc3 },
		{ 0x0f, 0x03, 0xc3 },
		{ 0x0f, 0x00, 0xe3 },
		{ 0x0f, 0x00, 0xeb }
	}; /* lar eax, ebx; lsl eax, ebx; verr bx; verw bx */

	for (unsigned i = 0; i < 4 * ARRAY_SIZE(inspect); i++) {
		const unsigned n = i / 4;
		const bool want[4] = { inspect[n].lar, inspect[n].lsl, inspect[n].verr,
				       inspect[n].verw };

		guest_setup(state);
		gdt(S, 0x123000, 0x12345, inspect[n].attr);
		set_ring(inspect[n].cpl);
		set_code(AT_CODE, code[i & 3], 3);
		m.ram[AT_CODE + 3] = 0xcd;
		m.ram[AT_CODE + 4] = VEC_END;
		m.cpu.gpr[REG_EBX] = 0xffff0000 | S | inspect[n].rpl;
		assert_int_equal(guest_run(), VEC_END);
		assert_int_equal(!!(m.cpu.eflags & EFLAGS_ZF), want[i & 3]);
		if ((i & 3) == 0)
			assert_int_equal(m.cpu.gpr[REG_EAX] & 0xf0ff00,
					 want[0] ? (inspect[n].attr & 0xff) << 8 |
							   (inspect[n].attr & 0xf00) << 12
						 : 0x11111111 & 0xf0ff00);
		if ((i & 3) == 1)
			assert_int_equal(m.cpu.gpr[REG_EAX], !want[1]		       ? 0x11111111
							     : inspect[n].attr & 0x800 ? 0x12345fff
										       : 0x12345);
	}
}

static void arpl(void **state)
{
	static const struct {
		u16 dst, src, result;
		bool zf;
	} t[] = { { 0x1230, 0x4563, 0x1233, true },
		  { 0x1233, 0x4560, 0x1233, false },
		  { 0x1231, 0x4561, 0x1231, false },
		  { 0x1231, 0x4562, 0x1232, true } };

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		guest_setup(state);
		CODE(AT_CODE, 0x63, 0xd8, 0x63, 0x0d, IMM32(AT_DATA),
		     HLT); /* arpl ax, bx; arpl [..], cx */
		m.cpu.gpr[REG_EAX] = 0xabcd0000 | t[i].dst;
		m.cpu.gpr[REG_EBX] = m.cpu.gpr[REG_ECX] = t[i].src;
		put(AT_DATA, 0x5a5a0000 | t[i].dst, 4);
		assert_int_equal(guest_run(), HALTED);
		assert_int_equal(m.cpu.gpr[REG_EAX], 0xabcd0000 | t[i].result);
		assert_int_equal(get(AT_DATA, 4), 0x5a5a0000 | t[i].result);
		assert_int_equal(!!(m.cpu.eflags & EFLAGS_ZF), t[i].zf);
	}
}

/* --- LLDT, LTR */

static const struct {
	u8 reg; /* 2: LLDT, 3: LTR */
	u32 attr;
	u16 sel;
	u8 cpl;
	int vector;
	u16 error;
} system_loads[] = {
	{ 2, 0x82, S, 0, HALTED, 0 },	      { 2, 0x82, 3, 0, HALTED, 0 },
	{ 2, 0x82, S | 4, 0, VEC_GP, S | 4 }, { 2, 0x02, S, 0, VEC_NP, S },
	{ 2, 0x89, S, 0, VEC_GP, S },	      { 2, 0x82, S, 3, VEC_GP, 0 },
	{ 3, 0x89, S, 0, HALTED, 0 },	      { 3, 0x81, S, 0, HALTED, 0 },
	{ 3, 0x8b, S, 0, VEC_GP, S },	      { 3, 0x09, S, 0, VEC_NP, S },
	{ 3, 0x89, 3, 0, VEC_GP, 0 },	      { 3, 0x89, S | 4, 0, VEC_GP, S | 4 },
	{ 3, 0x89, S, 3, VEC_GP, 0 },
};

static void lldt_and_ltr(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(system_loads); i++) {
		int vector;

		guest_setup(state);
		gdt(S, AT_TSS, 0x1ff, system_loads[i].attr);
		set_ring(system_loads[i].cpl);
		CODE(AT_CODE, 0x0f, 0x00, 0xd0, HLT);
		m.ram[AT_CODE + 2] = (u8)(0xc0 | system_loads[i].reg << 3);
		m.cpu.gpr[REG_EAX] = system_loads[i].sel;
		vector = guest_run();
		assert_int_equal(vector, system_loads[i].vector);
		if (vector != HALTED)
			assert_int_equal(frame(0), system_loads[i].error);
		else if (system_loads[i].reg == 3) /* busy now */
			assert_int_equal(get(AT_GDT + S + 5, 1), system_loads[i].attr | 2);
		else
			assert_int_equal(m.cpu.ldtr.sel, system_loads[i].sel);
	}
}

/* --- Direct far jumps */

static const struct {
	u32 attr;
	u8 cpl, rpl;
	int vector;
} jumps[] = {
	{ ATTR_CODE32 | ATTR_DPL(3), 3, 3, VEC_END },
	{ ATTR_CODE32 | ATTR_DPL(3), 3, 0, VEC_END }, /* RPL may be lower */
	{ ATTR_CODE32, 3, 0, VEC_GP },
	{ ATTR_CODE32 | ATTR_DPL(3), 0, 0, VEC_GP }, /* nor outwards */
	{ ATTR_CODE32, 0, 3, VEC_GP },		     /* RPL above CPL */
	{ ATTR_CONF32, 3, 0, VEC_END },		     /* conforming: DPL at most CPL, any RPL */
	{ ATTR_CONF32, 3, 3, VEC_END },
	{ ATTR_CONF32 | ATTR_DPL(3), 0, 0, VEC_GP },
	{ ATTR_CONF32, 0, 3, VEC_END },
	{ ATTR_DATA32, 0, 0, VEC_GP },
	{ 0xc1b, 0, 0, VEC_NP },
	{ 0x82, 0, 0, VEC_GP },
	{ 0x8e, 0, 0, VEC_GP }, /* an interrupt gate is no way in */
};

static void far_jumps(void **state)
{
	for (unsigned i = 0; i < 2 * ARRAY_SIZE(jumps); i++) {
		const unsigned n = i / 2;
		int vector;

		guest_setup(state);
		gdt(S, 0, 0xfffff, jumps[n].attr);
		set_ring(jumps[n].cpl);
		CODE(AT_CODE, FAR_JMP(S, AT_TARGET));
		m.ram[AT_CODE] = i & 1 ? 0x9a : 0xea;
		put(AT_CODE + 5, S | jumps[n].rpl, 2);
		CODE(AT_TARGET, INT_END);
		vector = guest_run();
		assert_int_equal(vector, jumps[n].vector);
		if (vector == VEC_END) /* RPL becomes CPL */
			assert_int_equal(frame(1), S | jumps[n].cpl);
		else
			assert_int_equal(frame(0), S);
	}
}

static void far_jump_limits(void **state)
{
	(void)state;
	gdt(S, 0, AT_TARGET, 0x49b);
	CODE(AT_CODE, FAR_JMP(S, AT_TARGET + 1));
	assert_fault(VEC_GP, 0, AT_CODE);
	guest_setup(state);
	CODE(AT_CODE, FAR_JMP(3, AT_TARGET));
	assert_fault(VEC_GP, 0, AT_CODE);
	/* CALL: a stack without room goes before the limit of the target. */
	guest_setup(state);
	gdt(S, 0, AT_TARGET, 0x49b);
	gdt(S + 8, 0, STACK0 - 8, 0x497); /* expand-down: 7 bytes */
	set_segment(SEG_SS, S + 8);
	put_gate(AT_IDT + 8 * VEC_SS, TSS_B, 0, 0x85, 0);
	put(AT_TSS_B + 0x20, HANDLER(VEC_SS), 4);
	put(AT_TSS_B + 0x38, STACK_TSS, 4);
	put(AT_TSS_B + 0x4c, CODE0, 2);
	put(AT_TSS_B + 0x50, DATA0, 2);
	CODE(AT_CODE, FAR_CALL(S, AT_TARGET + 1));
	assert_int_equal(guest_run(), VEC_SS);
	assert_int_equal(frame(0), 0);
}

/* Execution runs off the end of a code segment: #GP(0) at the instruction that does not fit. */
static void running_off_the_end(void **state)
{
	(void)state;
	gdt(S, 0, AT_CODE + 2, 0x49b);
	set_segment(SEG_CS, S);
	CODE(AT_CODE, 0x40, 0x40, 0x40, 0x40, HLT);
	assert_fault(VEC_GP, 0, AT_CODE + 3);
	guest_setup(state);
	gdt(S, 0, AT_CODE + 2, 0x49b);
	set_segment(SEG_CS, S);
	CODE(AT_CODE, 0x40, 0x83, 0xc0, 0x01, HLT); /* its last byte is beyond */
	assert_fault(VEC_GP, 0, AT_CODE + 1);
	guest_setup(state);
	gdt(S, 0, AT_CODE + 2, 0x49b);
	set_segment(SEG_CS, S);
	CODE(AT_CODE, 0xeb, 0x10); /* a near jump beyond: the jump itself faults */
	assert_fault(VEC_GP, 0, AT_CODE);
}

static void near_transfers_beyond_the_limit(void **state)
{
	/* jmp +7fh; jmp far away; jz (taken), loop, jecxz, call, jmp eax, call eax, ret, and jnz
	 * (not taken) */
	static const struct {
		u8 code[6];
		bool faults;
	} t[] = {
		{ { 0xeb, 0x7f }, true },
		{ { 0xe9, 0, 0, 1, 0 }, true },
		{ { 0x74, 0x7f }, true },
		{ { 0x0f, 0x84, 0, 0, 1, 0 }, true },
		{ { 0x75, 0x7f, HLT }, false },
		{ { 0xe2, 0x7f }, true },
		{ { 0xe3, 0x7f, HLT }, false },
		{ { 0xe8, 0, 0, 1, 0 }, true },
		{ { 0xff, 0xe0 }, true },
		{ { 0xff, 0xd0 }, true },
		{ { 0xc3 }, true },
		{ { 0x66, 0xeb, 0x7f }, true },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		guest_setup(state);
		gdt(S, 0, AT_CODE + 0x3f, 0x49b);
		set_segment(SEG_CS, S);
		set_code(AT_CODE, t[i].code, 6);
		m.cpu.eflags |= EFLAGS_ZF;
		m.cpu.gpr[REG_EAX] = AT_CODE + 0x40;
		put(STACK0, AT_CODE + 0x40, 4);
		if (!t[i].faults) {
			assert_int_equal(guest_run(), HALTED);
			assert_int_equal(m.cpu.eip, AT_CODE + 3);
			continue;
		}
		assert_fault(VEC_GP, 0, AT_CODE);
		assert_int_equal(m.cpu.gpr[REG_ECX], 0x22222222); /* LOOP did not count */
		assert_int_equal(m.cpu.gpr[REG_ESP], STACK0 - 16);
	}
}

/* One page of code under two segments that differ in their limit alone. */
static void limit_belongs_to_the_segment(void **state)
{
	(void)state;
	gdt(S, 0, AT_CODE + 0x100, 0x49b);
	gdt(S + 8, 0, AT_CODE + 4, 0x49b);
	set_segment(SEG_CS, S);
	CODE(AT_CODE, 0xeb, 0x02, 0x90, 0x90, 0x40, 0xeb, 0x01, 0x90, HLT);
	assert_int_equal(guest_run(), HALTED);
	m.cpu.eip = AT_CODE;
	assert_int_equal(guest_run(), HALTED);
	set_segment(SEG_CS, S + 8);
	m.cpu.eip = AT_CODE;
	assert_fault(VEC_GP, 0, AT_CODE + 5);
}

static void sixteen_bit_code_does_not_wrap(void **state)
{
	(void)state;
	gdt(S, 0x10000, 0xffff, 0x09b);
	set_segment(SEG_CS, S);
	m.cpu.eip = 0xfffe;
	m.ram[0x1fffe] = 0x40;
	m.ram[0x1ffff] = 0x40;
	m.ram[0x10000] = HLT;
	assert_fault(VEC_GP, 0, 0x10000);
	guest_setup(state);
	gdt(S, 0x10000, 0xfffff, 0x89b); /* 16-bit code in a large segment goes on */
	set_segment(SEG_CS, S);
	m.cpu.eip = 0xfffe;
	m.ram[0x1fffe] = 0x40;
	m.ram[0x1ffff] = 0x40;
	m.ram[0x20000] = HLT;
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.eip, 0x10001);
}

static void fifteen_bytes_at_most(void **state)
{
	(void)state;
	memset(m.ram + AT_CODE, 0x66, 16);
	m.ram[AT_CODE + 14] = 0x90;
	m.ram[AT_CODE + 15] = HLT;
	assert_int_equal(guest_run(), HALTED);
	guest_setup(state);
	memset(m.ram + AT_CODE, 0x66, 16);
	m.ram[AT_CODE + 15] = 0x90;
	m.ram[AT_CODE + 16] = HLT;
	assert_fault(VEC_GP, 0, AT_CODE);
	guest_setup(state);
	/* Fourteen prefixes and an opcode of two bytes, defined or not */
	memset(m.ram + AT_CODE, 0x66, 14);
	m.ram[AT_CODE + 14] = 0x0f;
	m.ram[AT_CODE + 15] = 0x0b;
	assert_fault(VEC_GP, 0, AT_CODE);
}

static const struct CMUnitTest segments[] = {
	GUEST_TEST(data_and_stack_loads),
	GUEST_TEST(null_selectors),
	GUEST_TEST(beyond_the_tables),
	GUEST_TEST(segment_limits),
	GUEST_TEST(kinds_of_segment),
	GUEST_TEST(descriptor_inspection),
	GUEST_TEST(arpl),
	GUEST_TEST(lldt_and_ltr),
	GUEST_TEST(far_jumps),
	GUEST_TEST(far_jump_limits),
	GUEST_TEST(running_off_the_end),
	GUEST_TEST(near_transfers_beyond_the_limit),
	GUEST_TEST(limit_belongs_to_the_segment),
	GUEST_TEST(sixteen_bit_code_does_not_wrap),
	GUEST_TEST(fifteen_bytes_at_most),
};
GUEST_MAIN(segments)
