/* SPDX-License-Identifier: MIT */
/*
 * Unmasked x87 errors (SDM 1 8.7, SDM 3A 6.15 #MF): reported at the next waiting instruction, as
 * #MF with CR0.NE = 1, as IRQ 13 of a PC with CR0.NE = 0. And what CR0.EM, TS, MP and CR4.OSFXSR
 * forbid.
 */
#include "tests/unit/guest_fixture.h"

#define IRQ13 0x75

/* fninit; fldcw [data] (zero divide unmasked); fld1; fldz; fdivp; then: */
#define DIVIDE 0xdb, 0xe3, 0xd9, 0x2d, IMM32(AT_DATA), 0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9
#define AFTER  (AT_CODE + 14)

static void setup(bool ne)
{
	put(AT_DATA, 0x37f & ~4u, 2);
	if (!ne)
		m.cpu.cr0 &= ~CR0_NE;
}

static void native_error(void **state)
{
	(void)state;
	setup(true);
	CODE(AT_CODE, DIVIDE, 0x40, 0x9b, 0x41, HLT); /* inc eax; fwait; inc ecx */
	assert_int_equal(guest_run(), VEC_MF);
	assert_int_equal(frame(0), AFTER + 1);
	assert_int_equal(m.cpu.gpr[REG_EAX], 0x11111112);
	assert_int_equal(m.fpu_errors, 0);
}

static void every_waiting_instruction_reports(void **state)
{
	static const u8 code[][6] = { { 0x9b },				/* fwait */
				      { 0xd9, 0xe8 },			/* fld1 */
				      { 0xd9, 0x25, IMM32(AT_DATA) },	/* fldenv */
				      { 0xdd, 0x25, IMM32(AT_DATA) } }; /* frstor */

	for (unsigned i = 0; i < 2 * ARRAY_SIZE(code); i++) {
		guest_setup(state);
		setup(!(i & 1));
		m.cpu.vif = EFLAGS_IF;
		CODE(AT_CODE, DIVIDE);
		set_code(AFTER, code[i / 2], 6);
		assert_int_equal(guest_run(), i & 1 ? IRQ13 : VEC_MF);
		assert_int_equal(frame(0), AFTER);
	}
}

static void others_do_not_wait(void **state)
{
	(void)state;
	setup(true);
	/* fnstsw ax; fnstcw; fnclex; fwait */
	CODE(AT_CODE, DIVIDE, 0xdf, 0xe0, 0xd9, 0x3d, IMM32(AT_DATA + 4), 0xdb, 0xe2, 0x9b, HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_true(m.cpu.gpr[REG_EAX] & 0x8004); /* busy, zero divide */
}

/* The handler of IRQ 13 clears the error; the instruction that waited goes on. */
static void by_interrupt(void **state)
{
	(void)state;
	setup(false);
	m.cpu.vif = EFLAGS_IF;
	idt(IRQ13, CODE0, AT_TARGET, 0x8e);
	CODE(AT_CODE, DIVIDE, 0xd9, 0xe8, 0x41, HLT); /* fld1; inc ecx */
	CODE(AT_TARGET, 0x43, 0xe6, 0xf0, 0xdb, 0xe2,
	     0xcf); /* inc ebx; out f0h, al; fnclex; iret */
	m.cpu.gpr[REG_EBX] = 0;
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_EBX], 1);
	assert_int_equal(m.cpu.gpr[REG_ECX], 0x22222223);
	assert_int_equal(m.fpu_errors, 1);
	assert_int_equal(m.port[0].port, 0xf0);
}

/* With IF = 0 the processor waits; the monitor can have it back. */
static void waits_while_interrupts_are_off(void **state)
{
	(void)state;
	setup(false);
	CODE(AT_CODE, DIVIDE, 0x9b, HLT);
	for (unsigned i = 0; i < 5 + 20; i++)
		assert_int_equal(machine_step(&m), RECOMP_EVENT);
	assert_int_equal(m.cpu.eip, AFTER);
	assert_true(m.fpu_errors > 1);
	m.cpu.vif = EFLAGS_IF;
	assert_int_equal(guest_run(), IRQ13);
	assert_int_equal(frame(0), AFTER);
}

/* The error's instruction, not ours, in what FNSTENV, FNSAVE and FXSAVE show; also when its
 * translation is gone. */
static void pointers_are_the_guests(void **state)
{
	static const u8 save[][7] = { { 0xd9, 0x35, IMM32(AT_DATA + 0x40), HLT },
				      { 0xdd, 0x35, IMM32(AT_DATA + 0x40), HLT },
				      { 0x0f, 0xae, 0x05, IMM32(AT_DATA + 0x40) } };

	for (unsigned i = 0; i < 2 * ARRAY_SIZE(save); i++) {
		bool fx = i / 2 == 2;
		u32 fip = AT_DATA + 0x40 + (fx ? 8 : 12);

		guest_setup(state);
		setup(true);
		m.cpu.cr4 = CR4_OSFXSR;
		/* fild dword [data]: 1; fidiv dword [data + 8]: 0 */
		put(AT_DATA + 4, 1, 4);
		CODE(AT_CODE, 0xdb, 0xe3, 0xd9, 0x2d, IMM32(AT_DATA), 0xdb, 0x05,
		     IMM32(AT_DATA + 4), 0xda, 0x35, IMM32(AT_DATA + 8), 0x40, HLT);
		assert_int_equal(guest_run(), HALTED);
		if (i & 1)
			recomp_flush(m.cpu.recomp);
		set_code(AT_TARGET, save[i / 2], 7);
		m.ram[AT_TARGET + 7] = HLT;
		m.cpu.eip = AT_TARGET;
		assert_int_equal(guest_run(), HALTED);
		assert_int_equal(get(fip, 4), AT_CODE + 14);
		if (get(fip + 4, 2)) /* not on processors that have given up selectors */
			assert_int_equal(get(fip + 4, 2), CODE0);
		assert_int_equal(get(fip + 8, 4), AT_DATA + 8);
	}
}

/*
 * A run of x87 instructions is marked once. Who comes into its middle from elsewhere, after C has
 * taken the pointers over, must find a mark, too: by the dispatcher; by a jump of another block; by
 * a jump within the block behind a call of C. The last instruction divides 1 by 0: all processors
 * keep pointers to an error. The four bytes behind a HLT are never executed: tests/opinion/ puts a
 * CALL over both.
 */
#define FABS	0xd9, 0xe1
#define FDIV	0xd8, 0xf1 /* fdiv st0, st1 */
#define FRSTOR	0xdd, 0x23 /* frstor [ebx]: 1 and 0 */
#define DEC_ECX 0x49

static void run_from(u32 eip)
{
	m.cpu.eip = eip;
	assert_int_equal(guest_run(), HALTED);
}

static void pointers_from_the_middle(void **state)
{
	static const struct {
		u8 code[16];
		u8 first, later; /* where it begins */
		u8 error;
	} way[] = {
		{ { FABS, FABS, FDIV, HLT }, 0, 4, 4 },
		{ { FABS, FABS, FDIV, HLT, HLT, HLT, HLT, HLT, 0xeb, 0xf7 }, 0, 11, 4 }, /* jmp 4 */
		/* fst st1; L: fdiv; dec ecx; jns X; 5 hlt; X: frstor; jmp L */
		{ { 0xdd, 0xd1, FDIV, DEC_ECX, 0x79, 5, HLT, HLT, HLT, HLT, HLT, FRSTOR, 0xeb,
		    0xf2 },
		  0,
		  0,
		  2 },
		/* fabs; L: dec ecx; js X; frstor; jmp L; X: fdiv; hlt */
		{ { FABS, DEC_ECX, 0x78, 4, FRSTOR, 0xeb, 0xf9, FDIV, HLT }, 0, 0, 9 },
	};

	for (unsigned i = 0; i < 3 * ARRAY_SIZE(way); i++) {
		bool again = i % 3;

		if (!again) {
			guest_setup(state);
			setup(true);
			set_code(AT_CODE, way[i / 3].code, sizeof(way[0].code));
			CODE(AT_TARGET, 0xd9, 0x35, IMM32(AT_DATA + 0x40), HLT); /* fnstenv */
			/* fninit; fldcw; fldz; fld1; fnsave [ebx]; frstor */
			CODE(AT_TARGET + 16, 0xdb, 0xe3, 0xd9, 0x2d, IMM32(AT_DATA), 0xd9, 0xee,
			     0xd9, 0xe8, 0xdd, 0x33, FRSTOR, HLT);
			m.cpu.gpr[REG_EBX] = AT_DATA + 0x100;
		}
		run_from(AT_TARGET + 16);
		cpu_own_fpu_pointers(&m.cpu);
		m.cpu.gpr[REG_ECX] = 1;
		run_from(AT_CODE + (again ? way[i / 3].later : way[i / 3].first));
		run_from(AT_TARGET);
		assert_int_equal(get(AT_DATA + 0x40 + 12, 4), AT_CODE + way[i / 3].error);
	}
}

/* --- Which registers forbid what (SDM 3A tables 2-2 and 13-1): vector, or HALTED if it runs. */

#define EM    CR0_EM
#define TS    CR0_TS
#define MP    CR0_MP
#define NO_FX BIT(31) /* CR4.OSFXSR = 0 */
enum { X87, WAIT, MMX, SSE, NEITHER, KINDS };

static const struct {
	u32 set;
	int vector[KINDS];
} forbids[] = {
	{ 0, { HALTED, HALTED, HALTED, HALTED, HALTED } },
	{ MP, { HALTED, HALTED, HALTED, HALTED, HALTED } },
	{ TS, { VEC_NM, HALTED, VEC_NM, VEC_NM, HALTED } },
	{ TS | MP, { VEC_NM, VEC_NM, VEC_NM, VEC_NM, HALTED } },
	{ EM, { VEC_NM, HALTED, VEC_UD, VEC_UD, HALTED } },
	{ EM | TS | MP, { VEC_NM, VEC_NM, VEC_UD, VEC_UD, HALTED } },
	{ NO_FX, { HALTED, HALTED, HALTED, VEC_UD, HALTED } },
	{ NO_FX | TS, { VEC_NM, HALTED, VEC_NM, VEC_UD, HALTED } },
};

static const struct {
	u8 kind, code[7];
} sample[] = {
	{ X87, { 0xd9, 0xe8, HLT } },		      /* fld1 */
	{ X87, { 0xdb, 0xe3, HLT } },		      /* fninit */
	{ X87, { 0xdb, 0x0d, IMM32(AT_DATA), HLT } }, /* fisttp */
	{ X87, { 0xd9, 0x3d, IMM32(AT_DATA), HLT } }, /* fnstcw */
	{ X87, { 0xdd, 0x35, IMM32(AT_DATA), HLT } }, /* fnsave */
	{ WAIT, { 0x9b, HLT } },
	{ MMX, { 0x0f, 0x6f, 0xc1, HLT } },		   /* movq mm0, mm1 */
	{ MMX, { 0x0f, 0x77, HLT } },			   /* emms */
	{ MMX, { 0x0f, 0xe0, 0xc1, HLT } },		   /* pavgb mm0, mm1 */
	{ SSE, { 0x0f, 0x28, 0xc1, HLT } },		   /* movaps xmm0, xmm1 */
	{ SSE, { 0x66, 0x0f, 0xfe, 0xc1, HLT } },	   /* paddd xmm0, xmm1 */
	{ SSE, { 0x0f, 0x2a, 0xc1, HLT } },		   /* cvtpi2ps xmm0, mm1 */
	{ SSE, { 0xf3, 0x0f, 0x2d, 0xc1, HLT } },	   /* cvtss2si eax, xmm1 */
	{ SSE, { 0x0f, 0xae, 0x1d, IMM32(AT_DATA) } },	   /* stmxcsr */
	{ NEITHER, { 0xf3, 0x90, HLT } },		   /* pause */
	{ NEITHER, { 0x0f, 0xae, 0xf8, HLT } },		   /* sfence */
	{ NEITHER, { 0x0f, 0x18, 0x0d, IMM32(AT_DATA) } }, /* prefetcht0 */
	{ NEITHER, { 0x0f, 0xc3, 0x05, IMM32(AT_DATA) } }, /* movnti */
	{ NEITHER, { 0xf3, 0x0f, 0xb8, 0xc1, HLT } },	   /* popcnt */
};

static void control_registers(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(forbids); i++) {
		for (unsigned n = 0; n < ARRAY_SIZE(sample); n++) {
			guest_setup(state);
			m.cpu.cr0 |= forbids[i].set & ~NO_FX;
			m.cpu.cr4 = forbids[i].set & NO_FX ? 0 : CR4_OSFXSR;
			set_code(AT_CODE, sample[n].code, 7);
			m.ram[AT_CODE + 7] = HLT;
			assert_int_equal(guest_run(), forbids[i].vector[sample[n].kind]);
			if (forbids[i].vector[sample[n].kind] != HALTED)
				assert_int_equal(frame(0), AT_CODE);
		}
	}
}

/* The handler of #NM clears TS and goes back, as lazy kernels do; the same block then runs
 * natively. */
static void lazy_switch(void **state)
{
	(void)state;
	m.cpu.cr0 |= CR0_TS;
	idt(VEC_NM, CODE0, AT_TARGET, 0x8e);
	CODE(AT_TARGET, 0x43, 0x0f, 0x06, 0xcf);		    /* inc ebx; clts; iret */
	CODE(AT_CODE, 0xd9, 0xe8, 0xdb, 0x1d, IMM32(AT_DATA), HLT); /* fld1; fistp */
	m.cpu.gpr[REG_EBX] = 0;
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_EBX], 1);
	assert_int_equal(get(AT_DATA, 4), 1);
}

static void fxsave_needs_no_osfxsr(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x0f, 0xae, 0x05, IMM32(AT_DATA), HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(get(AT_DATA, 2), 0x37f);
	m.cpu.cr0 |= CR0_TS;
	m.cpu.eip = AT_CODE;
	assert_int_equal(guest_run(), VEC_NM);
}

static const struct CMUnitTest fpu_errors[] = {
	GUEST_TEST(native_error),
	GUEST_TEST(every_waiting_instruction_reports),
	GUEST_TEST(others_do_not_wait),
	GUEST_TEST(by_interrupt),
	GUEST_TEST(waits_while_interrupts_are_off),
	GUEST_TEST(pointers_are_the_guests),
	GUEST_TEST(pointers_from_the_middle),
	GUEST_TEST(control_registers),
	GUEST_TEST(lazy_switch),
	GUEST_TEST(fxsave_needs_no_osfxsr),
};
GUEST_MAIN(fpu_errors)
