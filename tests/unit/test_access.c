/* SPDX-License-Identifier: MIT */
/*
 * Which bytes an instruction touches, and that it changes nothing before the last of them is known
 * to be there. build/diff/fault_forms looks at every instruction; here are those that it found
 * wrong.
 */
#include "tests/host/upper.h"
#include "tests/unit/guest_fixture.h"

#define PAGE_A 0x40000u
#define PAGE_B (PAGE_A + PAGE_SIZE)

/* Runs into a page fault at this address with this error code, and repairs the page. */
static void fault_at(u32 address, u32 error)
{
	assert_int_equal(guest_run(), VEC_PF);
	assert_int_equal(frame(0), error);
	assert_int_equal(frame(1), AT_CODE);
	assert_int_equal(m.cpu.cr2, address);
}

/* ENTER, its frame pointers on a page that is not there: nothing is pushed yet. */
static void enter_pushes_last(void **state)
{
	(void)state;
	guest_paging();
	set_ring(3);
	CODE(AT_CODE, 0xc8, 8, 0, 2, INT_END);
	memset(m.ram + PAGE_A, 0x5a, 2 * PAGE_SIZE);
	set_page(PAGE_B, 0);
	m.cpu.gpr[REG_ESP] = PAGE_A + 0x100;
	m.cpu.gpr[REG_EBP] = PAGE_B + 0x100;
	fault_at(PAGE_B + 0xfc, 4);
	assert_int_equal(get(PAGE_A + 0xfc, 4), 0x5a5a5a5a);
	assert_int_equal(get(STACK_TSS - 8, 4), PAGE_A + 0x100); /* ESP of the frame */
}

/* ... or the new top of the stack. */
static void enter_probes_the_top(void **state)
{
	(void)state;
	guest_paging();
	set_ring(3);
	CODE(AT_CODE, 0xc8, IMM16(0x200), 0, INT_END);
	memset(m.ram + PAGE_A, 0x5a, 2 * PAGE_SIZE);
	set_page(PAGE_A, PAGE_A | 5);
	m.cpu.gpr[REG_ESP] = PAGE_B + 0x100;
	fault_at(PAGE_B + 0xfc - 0x200, 7);
	assert_int_equal(get(PAGE_B + 0xfc, 4), 0x5a5a5a5a);
}

/* A frame pointer that ENTER reads may be one that it has just pushed. */
static void enter_reads_what_it_pushed(void **state)
{
	(void)state;
	CODE(AT_CODE, 0xc8, 0, 0, 3, INT_END);
	m.cpu.gpr[REG_EBP] = m.cpu.gpr[REG_ESP]; /* so that [EBP - 4] is the EBP that was pushed */
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(get(STACK0 - 4, 4), STACK0);
	assert_int_equal(get(STACK0 - 8, 4), STACK0);
	assert_int_equal(get(STACK0 - 12, 4), STACK0);
	assert_int_equal(get(STACK0 - 16, 4), STACK0 - 4);
}

/* One instruction with its memory operand through C; true if it came to its end. */
static bool stepped(void)
{
	u32 eip = m.cpu.eip;

	return machine_step(&m) == RECOMP_EVENT && m.cpu.eip > eip && m.cpu.eip < eip + 16;
}

/* A prefetch of nothing, and of what is beyond the segment's limit. */
static void prefetch_never_faults(void **state)
{
	(void)state;
	guest_paging();
	set_page(PAGE_A, 0);
	m.cpu.gpr[REG_EBX] = PAGE_A;
	CODE(AT_CODE, 0x0f, 0x18, 0x0b, 0x64, 0x0f, 0x18, 0x0b, INT_END);
	gdt(FREE, 0, 0xfff, 0x493);
	set_segment(SEG_FS, FREE);
	assert_int_equal(guest_run(), VEC_END);
	m.cpu.eip = AT_CODE;
	assert_true(stepped());
	assert_true(stepped());
}

/* CLFLUSH names a byte; the line around it is not the operand. */
static void clflush_is_a_byte(void **state)
{
	(void)state;
	guest_paging();
	set_page(PAGE_B, 0);
	m.cpu.gpr[REG_EBX] = PAGE_B - 1;
	CODE(AT_CODE, 0x0f, 0xae, 0x3b, 0x0f, 0xae, 0x7b, 0x01); /* [ebx], [ebx + 1] */
	assert_true(stepped());
	assert_true(!stepped());
	assert_int_equal(m.cpu.cr2, PAGE_B);
}

/* All 512 bytes of FXSAVE's image must be there, before the first is written. */
static void fxsave_is_512_bytes(void **state)
{
	(void)state;
	m.cpu.cr4 |= CR4_OSFXSR;
	guest_paging();
	set_ring(3);
	memset(m.ram + PAGE_A, 0x5a, PAGE_SIZE);
	set_page(PAGE_B, 0);
	m.cpu.gpr[REG_EBX] = PAGE_B - 0x1f0;
	CODE(AT_CODE, 0x0f, 0xae, 0x03);
	fault_at(PAGE_B, 6);
	assert_int_equal(get(PAGE_B - 0x1f0, 4), 0x5a5a5a5a);
}

/* FNSAVE sets TOP to 0, but moves no register: MM5 is what it was. */
static void fnsave_keeps_registers(void **state)
{
	(void)state;
	/* mov eax, 12345678h; movd mm5, eax; fldz; fnsave [AT_DATA]; movd ecx, mm5 */
	CODE(AT_CODE, 0xb8, IMM32(0x12345678), 0x0f, 0x6e, 0xe8, 0x0f, 0x77, 0xd9, 0xee, 0xdd, 0x35,
	     IMM32(AT_DATA), 0x0f, 0x7e, 0xe9, INT_END);
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(m.cpu.gpr[REG_ECX], 0x12345678);
}

static bool avx(void)
{
	if (!upper_exist())
		return false;
	m.cpu.cr4 |= CR4_OSFXSR | CR4_OSXSAVE;
	m.cpu.xcr0 = 7;
	return true;
}

static void set_xmm(unsigned reg, u32 a, u32 b, u32 c, u32 d)
{
	u32 v[4] = { a, b, c, d };

	memcpy(m.cpu.fpu.image + 160 + 16 * reg, v, 16);
}

static u32 xmm(unsigned reg, unsigned n)
{
	u32 v;

	memcpy(&v, m.cpu.fpu.image + 160 + 16 * reg + 4 * n, 4);
	return v;
}

/* Outside 64-bit mode XSAVE leaves the areas of XMM8 and up alone (SDM 1 13.5.2). */
static void xsave_has_8_registers(void **state)
{
	(void)state;
	if (!avx())
		skip();
	memset(m.ram + PAGE_A, 0, PAGE_SIZE);
	memset(m.ram + PAGE_A + 288, 0x5a, 128);
	m.cpu.gpr[REG_EAX] = 3;
	m.cpu.gpr[REG_EDX] = 0;
	m.cpu.gpr[REG_EBX] = PAGE_A;
	CODE(AT_CODE, 0x0f, 0xae, 0x23, INT_END);
	assert_int_equal(guest_run(), VEC_END);
	for (u32 i = 288; i < 416; i += 4)
		assert_int_equal(get(PAGE_A + i, 4), 0x5a5a5a5a);
}

/* What a mask leaves out is neither read nor written, by way of C, too. */
static void masked_out_is_not_touched(void **state)
{
	(void)state;
	if (!avx())
		skip();
	guest_paging();
	set_page(PAGE_B, 0);
	memset(m.ram + PAGE_A, 0x5a, PAGE_SIZE);
	set_xmm(1, 0x80000000, 0, 0xffffffff, 0); /* elements 0 and 2 */
	set_xmm(2, 1, 2, 3, 4);
	m.cpu.gpr[REG_EBX] = PAGE_B - 12;
	/* vmaskmovps [ebx], xmm1, xmm2; vmaskmovps xmm3, xmm1, [ebx] */
	CODE(AT_CODE, 0xc4, 0xe2, 0x71, 0x2e, 0x13, 0xc4, 0xe2, 0x71, 0x2c, 0x1b);
	assert_true(stepped());
	assert_int_equal(get(PAGE_B - 12, 4), 1);
	assert_int_equal(get(PAGE_B - 8, 4), 0x5a5a5a5a);
	assert_int_equal(get(PAGE_B - 4, 4), 3);
	assert_true(stepped());
	assert_true(xmm(3, 0) == 1 && xmm(3, 1) == 0 && xmm(3, 2) == 3 && xmm(3, 3) == 0);
}

/* A register in bits 4 to 7 of an immediate: the top bit means nothing in 32-bit code. */
static void register_in_immediate(void **state)
{
	(void)state;
	if (!avx())
		skip();
	set_xmm(1, 1, 1, 1, 1);
	set_xmm(2, 2, 2, 2, 2);
	set_xmm(3, 0x80000000, 0, 0x80000000, 0);
	/* vblendvps xmm0, xmm1, xmm2, xmm3, as B0h */
	CODE(AT_CODE, 0xc4, 0xe3, 0x71, 0x4a, 0xc2, 0xb0, INT_END);
	assert_int_equal(guest_run(), VEC_END);
	assert_true(xmm(0, 0) == 2 && xmm(0, 1) == 1 && xmm(0, 2) == 2 && xmm(0, 3) == 1);
}

/* VEX.W means nothing to VPCMPESTRI's lengths in 32-bit code. */
static void lengths_are_32_bits(void **state)
{
	(void)state;
	if (!avx())
		skip();
	set_xmm(1, 0x04030201, 0, 0, 0);
	set_xmm(2, 0x04030201, 0, 0, 0);
	m.cpu.gpr[REG_EAX] = (u32)-2; /* the lengths, saturated: 2 of each */
	m.cpu.gpr[REG_EDX] = (u32)-2;
	/* vpcmpestri xmm1, xmm2, 18h: equal each, negated: the first that differs or is beyond */
	CODE(AT_CODE, 0xc4, 0xe3, 0xf9, 0x61, 0xca, 0x18, INT_END);
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(m.cpu.gpr[REG_ECX], 16);
	m.cpu.gpr[REG_EDX] = 1;
	m.cpu.eip = AT_CODE;
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(m.cpu.gpr[REG_ECX], 1);
}

/* A component that is as after power-on is still written by XSAVE. */
static void xsave_writes_zeros(void **state)
{
	(void)state;
	if (!avx())
		skip();
	memset(m.ram + PAGE_A, 0x5a, PAGE_SIZE);
	memset(m.ram + PAGE_A + 512, 0, 64);
	m.cpu.gpr[REG_EAX] = 7;
	m.cpu.gpr[REG_EDX] = 0;
	m.cpu.gpr[REG_EBX] = PAGE_A;
	/* vzeroupper; xsave [ebx] */
	CODE(AT_CODE, 0xc5, 0xf8, 0x77, 0x0f, 0xae, 0x23, INT_END);
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(get(PAGE_A + 576, 4), 0);
	assert_int_equal(get(PAGE_A + 576 + 124, 4), 0);
	assert_int_equal(get(PAGE_A + 576 + 128, 4), 0x5a5a5a5a);
	assert_int_equal(get(PAGE_A + 512, 1) & 4, 0);
}

/* A gather that faults at its third element has the two before, and goes on there. */
static void gather_goes_on(void **state)
{
	(void)state;
	if (!avx())
		skip();
	guest_paging();
	set_ring(3);
	for (u32 i = 0; i < 2 * PAGE_SIZE; i += 4)
		put(PAGE_A + i, i, 4);
	set_page(PAGE_B, 0);
	set_xmm(1, 0x80000000, 0x80000000, 0x80000000, 0); /* the mask */
	set_xmm(2, 1, 2, 0x400, 3);			   /* the index */
	set_xmm(3, 9, 9, 9, 9);
	m.cpu.gpr[REG_EBX] = PAGE_A;
	/* vpgatherdd xmm3, [ebx + xmm2 * 4], xmm1 */
	CODE(AT_CODE, 0xc4, 0xe2, 0x71, 0x90, 0x1c, 0x93, INT_END);
	fault_at(PAGE_B, 4);
	assert_true(xmm(3, 0) == 4 && xmm(3, 1) == 8 && xmm(3, 2) == 9 && xmm(3, 3) == 9);
	assert_true(xmm(1, 0) == 0 && xmm(1, 1) == 0 && xmm(1, 2) != 0);
	set_page(PAGE_B, PAGE_B | 7);
	set_ring(3);
	assert_int_equal(guest_run(), VEC_END);
	assert_true(xmm(3, 0) == 4 && xmm(3, 1) == 8 && xmm(3, 2) == 0x1000 && xmm(3, 3) == 9);
	assert_true(!xmm(1, 0) && !xmm(1, 1) && !xmm(1, 2) && !xmm(1, 3));
}

/*
 * VEX on vector registers is undefined unless CR4.OSXSAVE and XCR0 allow both SSE and AVX, whoever
 * executes it, and says so before it touches memory; CR0.TS is asked after that (SDM 2A 2.4).
 */
static const u8 vex[][10] = {
	{ 0xc4, 0xe2, 0x71, 0x90, 0x1c, 0x93 }, /* vpgatherdd xmm3, [ebx + xmm2 * 4], xmm1 */
	{ 0xc4, 0xe2, 0xf1, 0x93, 0x1c, 0x93 }, /* vgatherqpd */
	{ 0xc4, 0xe2, 0x71, 0x2c, 0x1b },	/* vmaskmovps xmm3, xmm1, [ebx] */
	{ 0xc4, 0xe2, 0x71, 0x8e, 0x1b },	/* vpmaskmovd [ebx], xmm1, xmm3 */
	{ 0xc5, 0xf9, 0xf7, 0xca },		/* vmaskmovdqu xmm1, xmm2 */
	{ 0xc5, 0xf8, 0x28, 0x1b },		/* vmovaps xmm3, [ebx] */
	{ 0xc5, 0xf8, 0xae, 0x13 },		/* vldmxcsr [ebx] */
	{ 0xc5, 0xf0, 0x58, 0xda },		/* vaddps xmm3, xmm1, xmm2 */
	{ 0xc5, 0xf8, 0x77 },			/* vzeroupper */
};

static void vex_where_it_is_undefined(void **state)
{
	static const struct {
		u32 cr4, xcr0, cr0;
		int vector;
	} t[] = {
		{ 0, 1, 0, VEC_UD },
		{ 0, 7, 0, VEC_UD },
		{ CR4_OSXSAVE, 1, 0, VEC_UD },
		{ CR4_OSXSAVE, 3, 0, VEC_UD },
		{ CR4_OSXSAVE, 3, CR0_TS, VEC_UD },
		{ CR4_OSXSAVE, 7, CR0_TS, VEC_NM },
	};

	for (unsigned slow = 0; slow < 2; slow++)
		for (unsigned n = 0; n < ARRAY_SIZE(vex); n++)
			for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
				guest_setup(state);
				guest_paging();
				set_page(PAGE_A, 0); /* where EBX and EDI point */
				m.cpu.gpr[REG_EBX] = m.cpu.gpr[REG_EDI] = PAGE_A;
				m.cpu.cr4 |= CR4_OSFXSR | t[i].cr4;
				m.cpu.xcr0 = t[i].xcr0;
				m.cpu.cr0 |= t[i].cr0;
				if (slow) {
					m.cpu.dr[0] = RAM_SIZE - 1;
					m.cpu.dr[7] = 0x401;
				}
				set_code(AT_CODE, vex[n], sizeof(vex[n]));
				assert_int_equal(guest_run(), t[i].vector);
				assert_int_equal(frame(0), AT_CODE);
			}
}

/* ANDN and its like have VEX, too, but no vector register: none of that is asked. */
static void vex_of_general_registers(void **state)
{
	u32 id[4];

	(void)state;
	m.cpu.env->cpuid(&m.cpu, 7, 0, id);
	if (!(id[1] & BIT(3)))
		skip();
	CODE(AT_CODE, 0xc4, 0xe2, 0x60, 0xf2, 0xc1, INT_END); /* andn eax, ebx, ecx */
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(m.cpu.gpr[REG_EAX], ~0x44444444u & 0x22222222u);
}

static u32 host_mxcsr_mask(void)
{
	u32 mask;

	memcpy(&mask, m.host_fpu + 28, 4);
	return mask;
}

/*
 * An image that the real XRSTOR or FXRSTOR would refuse must be the guest's #GP (SDM 1 13.8.1):
 * every bit of XSTATE_BV that XCR0 lacks, the next 16 bytes, MXCSR's bits that do not exist.
 */
static void images_that_fault(void **state)
{
	static const u8 xrstor[] = { 0x0f, 0xae, 0x2b }, fxrstor[] = { 0x0f, 0xae, 0x0b };

	(void)state;
	if (!avx())
		skip();
	for (u32 bit = 0; bit < 8 * 24; bit++) {
		guest_setup(state);
		avx();
		m.cpu.xcr0 = 3;
		memset(m.ram + PAGE_A, 0, PAGE_SIZE);
		put(PAGE_A + 24, 0x1f80, 4);
		m.ram[PAGE_A + 512 + bit / 8] = (u8)BIT(bit & 7);
		m.cpu.gpr[REG_EAX] = m.cpu.gpr[REG_EDX] = ~0u;
		m.cpu.gpr[REG_EBX] = PAGE_A;
		set_code(AT_CODE, xrstor, sizeof(xrstor));
		CODE(AT_CODE + 3, INT_END);
		assert_int_equal(guest_run(), bit < 2 ? VEC_END : VEC_GP);
	}
	for (u32 bit = 0; bit < 32; bit++)
		for (unsigned fx = 0; fx < 2; fx++) {
			guest_setup(state);
			avx();
			memset(m.ram + PAGE_A, 0, PAGE_SIZE);
			put(PAGE_A + 24, BIT(bit), 4);
			m.cpu.gpr[REG_EAX] = m.cpu.gpr[REG_EDX] = ~0u;
			m.cpu.gpr[REG_EBX] = PAGE_A;
			set_code(AT_CODE, fx ? fxrstor : xrstor, 3);
			CODE(AT_CODE + 3, INT_END);
			assert_int_equal(guest_run(),
					 host_mxcsr_mask() & BIT(bit) ? VEC_END : VEC_GP);
		}
}

static const struct CMUnitTest touched[] = {
	GUEST_TEST(enter_pushes_last),
	GUEST_TEST(enter_probes_the_top),
	GUEST_TEST(enter_reads_what_it_pushed),
	GUEST_TEST(prefetch_never_faults),
	GUEST_TEST(clflush_is_a_byte),
	GUEST_TEST(fxsave_is_512_bytes),
	GUEST_TEST(fnsave_keeps_registers),
	GUEST_TEST(xsave_has_8_registers),
	GUEST_TEST(masked_out_is_not_touched),
	GUEST_TEST(register_in_immediate),
	GUEST_TEST(lengths_are_32_bits),
	GUEST_TEST(xsave_writes_zeros),
	GUEST_TEST(gather_goes_on),
	GUEST_TEST(vex_where_it_is_undefined),
	GUEST_TEST(vex_of_general_registers),
	GUEST_TEST(images_that_fault),
};
GUEST_MAIN(touched)
