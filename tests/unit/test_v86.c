/* SPDX-License-Identifier: MIT */
/*
 * Virtual-8086 mode (SDM 3B 20.2, 20.3): in by IRET, out by interrupts and exceptions, what IOPL
 * guards, the I/O bitmap, and the extensions of CR4.VME and CR4.PVI.
 */
#include "tests/unit/guest_fixture.h"

#define CODE_SEG  0x600u /* AT_CODE / 16 */
#define STACK_SEG 0xa00u
#define IOPL(n)	  ((u32)(n) << 12)

/* In V86 mode already, at AT_CODE, with IOPL and further flags. */
static void v86(u32 flags)
{
	struct cpu *c = &m.cpu;

	cpu_set_eflags(c, EFLAGS_VM | flags);
	for (unsigned s = 0; s < SEG_COUNT; s++)
		cpu_set_v86_segment(c, s, s == SEG_CS ? CODE_SEG : s == SEG_SS ? STACK_SEG : 0x800);
	c->cpl = 3;
	c->gpr[REG_ESP] = 0x1000;
	c->eip = 0;
}

/* The ring-0 frame of an event in V86 mode: EIP CS EFLAGS ESP SS ES DS FS GS, behind an error code.
 */
static void assert_v86_frame(unsigned skip, u32 ip, u32 flags)
{
	assert_int_equal(frame(skip), ip);
	assert_int_equal(frame(skip + 1), CODE_SEG);
	assert_int_equal(frame(skip + 2), EFLAGS_ONE | EFLAGS_VM | flags);
	assert_int_equal(frame(skip + 4), STACK_SEG);
	assert_int_equal(m.cpu.cpl, 0);
	assert_false(m.cpu.eflags & EFLAGS_VM);
}

static void in_by_iret(void **state)
{
	static const u32 words[] = { 0,	     CODE_SEG,	EFLAGS_VM | IOPL(3) | EFLAGS_CF,
				     0xff0,  STACK_SEG, 0x1111,
				     0x2222, 0x3333,	0x4444 };

	(void)state;
	m.cpu.gpr[REG_ESP] = STACK0 - sizeof(words);
	for (unsigned i = 0; i < 9; i++)
		put(STACK0 - sizeof(words) + 4 * i, words[i], 4);
	CODE(AT_TARGET, 0xcf);
	m.cpu.eip = AT_TARGET;
	/* mov [bx], ds (16 bits, offset in the 64 KiB segment); mov ax, cs; push ax; int 30h */
	CODE(AT_CODE, 0x8c, 0xc8, 0x50, INT_END);
	assert_int_equal(guest_run(), VEC_END);
	assert_v86_frame(0, 5, IOPL(3) | EFLAGS_CF);
	assert_int_equal(frame(3), 0xfee);
	assert_int_equal(frame(5), 0x1111);
	assert_int_equal(frame(6), 0x2222);
	assert_int_equal(frame(7), 0x3333);
	assert_int_equal(frame(8), 0x4444);
	assert_int_equal(m.cpu.gpr[REG_ESP], STACK_TSS - 36);
	assert_int_equal(get(STACK_SEG * 16 + 0xfee, 2), CODE_SEG);
	for (unsigned s = SEG_DS; s <= SEG_GS; s++) {
		assert_int_equal(m.cpu.seg[s].sel, 0);
		assert_true(m.cpu.seg[s].attr & SEG_ATTR_UNUSABLE);
	}
}

/* VM in the image counts at CPL 0 alone. */
static void not_from_ring_1(void **state)
{
	(void)state;
	gdt(FREE, 0, 0xfffff, ATTR_CODE32 | ATTR_DPL(1));
	gdt(FREE + 8, 0, 0xfffff, ATTR_DATA32 | ATTR_DPL(1));
	for (unsigned i = 0; i < SEG_COUNT; i++)
		set_segment(i, i == SEG_CS ? FREE | 1 : (FREE + 8) | 1);
	m.cpu.cpl = 1;
	m.cpu.gpr[REG_ESP] = STACK0 - 12;
	put(STACK0 - 12, AT_TARGET, 4);
	put(STACK0 - 8, FREE | 1, 4);
	put(STACK0 - 4, EFLAGS_VM, 4);
	CODE(AT_CODE, 0xcf);
	CODE(AT_TARGET, INT_END);
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(frame(0), AT_TARGET + 2);
	assert_int_equal(frame(1), FREE | 1);
	assert_int_equal(frame(2), EFLAGS_ONE);
}

static void back_again(void **state)
{
	(void)state;
	idt(0x40, CODE0, AT_TARGET, 0xee);
	CODE(AT_TARGET, 0x43, 0xcf); /* inc ebx; iret */
	v86(IOPL(3));
	m.cpu.gpr[REG_EBX] = 0;
	CODE(AT_CODE, 0xcd, 0x40, 0xcd, 0x40, INT_END);
	assert_int_equal(guest_run(), VEC_END);
	assert_v86_frame(0, 6, IOPL(3));
	assert_int_equal(m.cpu.gpr[REG_EBX], 2);
	assert_int_equal(frame(6), 0x800);
}

/* Segments are 64 KiB: beyond is #GP(0), or #SS(0) on the stack. */
static void limits(void **state)
{
	(void)state;
	v86(IOPL(3));
	CODE(AT_CODE, 0xa1, 0xff, 0xff); /* mov ax, [ffffh] */
	assert_int_equal(guest_run(), VEC_GP);
	assert_v86_frame(1, 0, IOPL(3) | EFLAGS_RF);
	guest_setup(state);
	v86(IOPL(3));
	m.cpu.gpr[REG_ESP] = 1;
	CODE(AT_CODE, 0x50); /* push ax at ffffh */
	assert_int_equal(guest_run(), VEC_SS);
	assert_v86_frame(1, 0, IOPL(3) | EFLAGS_RF);
}

/* --- What IOPL guards */

static const struct {
	u8 code[3];
	const char *what;
} sensitive[] = {
	{ { 0xfa }, "cli" },	      { { 0xfb }, "sti" },	   { { 0x9c }, "pushf" },
	{ { 0x9d }, "popf" },	      { { 0xcf }, "iret" },	   { { 0xcd, 0x30 }, "int" },
	{ { 0x66, 0x9c }, "pushfd" }, { { 0x66, 0x9d }, "popfd" }, { { 0x66, 0xcf }, "iretd" },
};

static void below_3_they_fault(void **state)
{
	for (unsigned vme = 0; vme < 2; vme++) {
		for (unsigned i = 0; i < ARRAY_SIZE(sensitive); i++) {
			guest_setup(state);
			m.cpu.cr4 = vme ? CR4_VME : 0;
			v86(IOPL(2));
			set_code(AT_CODE, sensitive[i].code, 3);
			m.ram[AT_CODE + 2 + (sensitive[i].code[0] == 0x66)] =
				HLT; /* #GP, too, if not */
			/* With CR4.VME the 16-bit ones work on VIF; the redirection bit of INT is
			 * set. */
			if (vme && sensitive[i].code[0] != 0x66 && sensitive[i].code[0] != 0xcd)
				continue;
			assert_int_equal(guest_run(), VEC_GP);
			assert_int_equal(frame(0), 0);
			assert_v86_frame(1, 0, IOPL(2) | EFLAGS_RF);
		}
	}
}

static void int3_and_into_are_not_guarded(void **state)
{
	(void)state;
	idt(VEC_BP, CODE0, HANDLER(VEC_BP), 0xee);
	idt(VEC_OF, CODE0, HANDLER(VEC_OF), 0xee);
	v86(IOPL(0));
	CODE(AT_CODE, 0xcc);
	assert_int_equal(guest_run(), VEC_BP);
	assert_v86_frame(0, 1, IOPL(0));
	v86(IOPL(0) | EFLAGS_OF);
	CODE(AT_CODE, 0xce);
	assert_int_equal(guest_run(), VEC_OF);
	assert_v86_frame(0, 1, IOPL(0) | EFLAGS_OF);
}

static void at_3_they_work(void **state)
{
	(void)state;
	v86(IOPL(3) | EFLAGS_IF);
	/* cli; pushf; sti; pushf; push word 0cd7h; popf; int */
	CODE(AT_CODE, 0xfa, 0x9c, 0xfb, 0x9c, 0x68, 0xd7, 0x0c, 0x9d, INT_END);
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(get(STACK_SEG * 16 + 0xffe, 2), EFLAGS_ONE | IOPL(3));
	assert_int_equal(get(STACK_SEG * 16 + 0xffc, 2), EFLAGS_ONE | IOPL(3) | EFLAGS_IF);
	/* POPF wrote all but IOPL: 0cd7h has neither IF nor IOPL. */
	assert_v86_frame(0, 10, IOPL(3) | 0xcd5);
}

static void iret_within(void **state)
{
	(void)state;
	v86(IOPL(3));
	m.cpu.gpr[REG_ESP] = 0xffa;
	put(STACK_SEG * 16 + 0xffa, 0x20, 2);
	put(STACK_SEG * 16 + 0xffc, CODE_SEG, 2);
	put(STACK_SEG * 16 + 0xffe, EFLAGS_IF | EFLAGS_CF, 2);
	CODE(AT_CODE, 0xcf);
	CODE(AT_CODE + 0x20, INT_END);
	assert_int_equal(guest_run(), VEC_END);
	assert_v86_frame(0, 0x22, IOPL(3) | EFLAGS_IF | EFLAGS_CF);
}

static void privileged_instructions_fault(void **state)
{
	static const u8 code[][3] = {
		{ 0xf4 }, { 0x0f, 0x06 }, { 0x0f, 0x20, 0xc0 }, { 0x0f, 0x30 }
	};

	for (unsigned i = 0; i < ARRAY_SIZE(code); i++) {
		guest_setup(state);
		v86(IOPL(3));
		set_code(AT_CODE, code[i], 3);
		assert_int_equal(guest_run(), VEC_GP);
		assert_v86_frame(1, 0, IOPL(3) | EFLAGS_RF);
	}
}

/* Instructions that protected mode alone has. */
static void undefined_instructions(void **state)
{
	static const u8 code[][3] = { { 0x0f, 0x00, 0xc0 }, { 0x0f, 0x00, 0xd0 },
				      { 0x0f, 0x02, 0xc0 }, { 0x0f, 0x03, 0xc0 },
				      { 0x0f, 0x00, 0xe0 }, { 0x63, 0xc0 } };

	for (unsigned i = 0; i < ARRAY_SIZE(code); i++) {
		guest_setup(state);
		v86(IOPL(3));
		set_code(AT_CODE, code[i], 3);
		assert_int_equal(guest_run(), VEC_UD);
		assert_v86_frame(0, 0, IOPL(3) | EFLAGS_RF);
	}
}

/* --- Ports: the bitmap decides in V86 mode, whatever IOPL is; in ring 3 above IOPL, too. */

static void allow(u16 port)
{
	m.ram[AT_TSS + 0x88 + port / 8] &= (u8) ~(1 << (port & 7));
}

static void ports(void **state)
{
	static const struct {
		u8 code[3], len;
		u16 dx, allowed[4];
		bool ok;
	} t[] = {
		{ { 0xe4, 0xe0 }, 2, 0, { 0xe0, 0xe0, 0xe0, 0xe0 }, true },
		{ { 0xe4, 0xe0 }, 2, 0, { 0xe1, 0xdf, 0xdf, 0xdf }, false },
		{ { 0xe5, 0xe7 }, 2, 0, { 0xe7, 0xe8, 0xe7, 0xe7 }, true }, /* across bytes */
		{ { 0xe5, 0xe7 }, 2, 0, { 0xe7, 0xe7, 0xe7, 0xe7 }, false },
		{ { 0x66, 0xed }, 2, 0x26, { 0x26, 0x27, 0x28, 0x29 }, true },
		{ { 0x66, 0xef }, 2, 0x26, { 0x26, 0x27, 0x28, 0x2a }, false },
		{ { 0xee },
		  1,
		  0xbbf,
		  { 0xbbf, 0xbbf, 0xbbf, 0xbbf },
		  false }, /* limit: last byte */
		{ { 0xee }, 1, 0xbaf, { 0xbaf, 0xbaf, 0xbaf, 0xbaf }, true },
		{ { 0xee }, 1, 0xffff, { 0, 0, 0, 0 }, false },
		{ { 0x6c }, 1, 0x70, { 0x70, 0x70, 0x70, 0x70 }, true },  /* insb */
		{ { 0x6e }, 1, 0x70, { 0x71, 0x71, 0x71, 0x71 }, false }, /* outsb */
	};

	for (unsigned i = 0; i < 2 * ARRAY_SIZE(t); i++) {
		unsigned n = i / 2;

		guest_setup(state);
		for (unsigned a = 0; a < 4; a++)
			allow(t[n].allowed[a]);
		if (i & 1) {
			set_ring(3);
			m.cpu.gpr[REG_EDI] = m.cpu.gpr[REG_ESI] = AT_DATA;
			memcpy(m.ram + AT_CODE, t[n].code, 3);
			if (t[n].code[0] == 0x66) /* the other operand size */
				m.ram[AT_CODE] = 0x90;
			if (t[n].code[0] == 0xe5) {
				m.ram[AT_CODE] = 0x66;
				m.ram[AT_CODE + 1] = 0xe5;
				m.ram[AT_CODE + 2] = t[n].code[1];
			}
			m.ram[AT_CODE + t[n].len + (t[n].code[0] == 0xe5)] = 0xcd;
			m.ram[AT_CODE + t[n].len + (t[n].code[0] == 0xe5) + 1] = VEC_END;
		} else {
			v86(IOPL(3));
			m.cpu.gpr[REG_EDI] = m.cpu.gpr[REG_ESI] = 0;
			memcpy(m.ram + AT_CODE, t[n].code, 3);
			m.ram[AT_CODE + t[n].len] = 0xcd;
			m.ram[AT_CODE + t[n].len + 1] = VEC_END;
		}
		m.cpu.gpr[REG_EDX] = t[n].dx;
		assert_int_equal(guest_run(), t[n].ok ? VEC_END : VEC_GP);
		assert_int_equal(m.ports, t[n].ok ? 1 : 0);
	}
}

static void iopl_opens_ports_outside_v86(void **state)
{
	(void)state;
	set_ring(3);
	m.cpu.eflags |= IOPL(3);
	CODE(AT_CODE, 0xe4, 0xe0, INT_END);
	assert_int_equal(guest_run(), VEC_END);
	guest_setup(state);
	v86(IOPL(3));
	CODE(AT_CODE, 0xe4, 0xe0);
	assert_int_equal(guest_run(), VEC_GP);
}

static void a_16_bit_tss_has_no_bitmap(void **state)
{
	(void)state;
	allow(0xe0);
	v86(IOPL(3));
	m.cpu.tr.attr = 0x83;
	put(AT_TSS + 2, STACK_TSS, 2);
	put(AT_TSS + 4, DATA0, 2);
	CODE(AT_CODE, 0xe4, 0xe0);
	assert_int_equal(guest_run(), VEC_GP);
	assert_int_equal(m.ports, 0);
}

/* --- Interrupts */

static void external_interrupt(void **state)
{
	(void)state;
	v86(IOPL(0) | EFLAGS_IF);
	CODE(AT_CODE, 0xeb, 0xfe);
	m.pending_vector = 0x50;
	m.cpu.events = CPU_EVENT_INTR;
	assert_int_equal(guest_run(), 0x50);
	assert_v86_frame(0, 0, EFLAGS_IF);
	assert_int_equal(m.cpu.vif, 0); /* an interrupt gate */
}

static void gate_of_16_bits(void **state)
{
	(void)state;
	idt(0x40, CODE0, HANDLER(0x40), 0xe6);
	v86(IOPL(3));
	CODE(AT_CODE, 0xcd, 0x40);
	assert_int_equal(guest_run(), 0x40);
	assert_int_equal(m.cpu.gpr[REG_ESP], STACK_TSS - 18);
	assert_int_equal(frame16(0), 2);
	assert_int_equal(frame16(1), CODE_SEG);
	assert_int_equal(frame16(4), STACK_SEG);
	assert_int_equal(frame16(8), 0x800);
}

/* The handler must be of ring 0, and not conforming. */
static void handler_of_ring_0(void **state)
{
	for (unsigned conforming = 0; conforming < 2; conforming++) {
		guest_setup(state);
		gdt(FREE, 0, 0xfffff, conforming ? ATTR_CONF32 : ATTR_CODE32 | ATTR_DPL(3));
		idt(0x40, FREE, HANDLER(0x40), 0xee);
		v86(IOPL(3));
		CODE(AT_CODE, 0xcd, 0x40);
		assert_int_equal(guest_run(), VEC_GP);
		assert_int_equal(frame(0), FREE);
		assert_v86_frame(1, 0, IOPL(3) | EFLAGS_RF);
	}
}

/* --- CR4.VME */

#define VIF EFLAGS_VIF
#define VIP EFLAGS_VIP

static void redirect(u8 vector)
{
	m.ram[AT_TSS + 0x68 + vector / 8] &= (u8) ~(1 << (vector & 7));
}

static void vme_redirects(void **state)
{
	static const struct {
		u32 flags, pushed, after;
	} t[] = {
		{ IOPL(3) | EFLAGS_IF, IOPL(3) | EFLAGS_IF, IOPL(3) },
		{ IOPL(0) | EFLAGS_IF | VIF, IOPL(3) | EFLAGS_IF, IOPL(0) | EFLAGS_IF },
		{ IOPL(1) | EFLAGS_IF, IOPL(3), IOPL(1) | EFLAGS_IF },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		guest_setup(state);
		m.cpu.cr4 = CR4_VME;
		redirect(0x41);
		put(0x41 * 4, 0x0080 | CODE_SEG << 16, 4);
		v86(t[i].flags);
		CODE(AT_CODE, 0xcd, 0x41);
		CODE(AT_CODE + 0x80, HLT); /* #GP: shows the state behind the redirection */
		assert_int_equal(guest_run(), VEC_GP);
		assert_v86_frame(1, 0x80, t[i].after | EFLAGS_RF);
		assert_int_equal(frame(4), 0xffa);
		assert_int_equal(get(STACK_SEG * 16 + 0xffa, 2), 2);
		assert_int_equal(get(STACK_SEG * 16 + 0xffc, 2), CODE_SEG);
		assert_int_equal(get(STACK_SEG * 16 + 0xffe, 2), EFLAGS_ONE | t[i].pushed);
	}
}

static void vme_bit_set_goes_through_the_idt(void **state)
{
	(void)state;
	m.cpu.cr4 = CR4_VME;
	redirect(0x31); /* a neighbour */
	v86(IOPL(3));
	CODE(AT_CODE, INT_END);
	assert_int_equal(guest_run(), VEC_END);
	assert_v86_frame(0, 2, IOPL(3));
}

static void vme_cli_sti_pushf_popf_on_vif(void **state)
{
	(void)state;
	m.cpu.cr4 = CR4_VME;
	v86(IOPL(0) | EFLAGS_IF);
	/* sti; pushf; cli; pushf; push word 0601h; popf; hlt */
	CODE(AT_CODE, 0xfb, 0x9c, 0xfa, 0x9c, 0x68, 0x01, 0x06, 0x9d, HLT);
	assert_int_equal(guest_run(), VEC_GP);
	assert_int_equal(get(STACK_SEG * 16 + 0xffe, 2), EFLAGS_ONE | IOPL(3) | EFLAGS_IF);
	assert_int_equal(get(STACK_SEG * 16 + 0xffc, 2), EFLAGS_ONE | IOPL(3));
	/* POPF: IF of the image went to VIF; IF and IOPL stay. */
	assert_v86_frame(1, 8, EFLAGS_IF | VIF | EFLAGS_DF | EFLAGS_CF | EFLAGS_RF);
}

static void vme_iret_on_vif(void **state)
{
	(void)state;
	m.cpu.cr4 = CR4_VME;
	v86(IOPL(0) | EFLAGS_IF);
	m.cpu.gpr[REG_ESP] = 0xffa;
	put(STACK_SEG * 16 + 0xffa, 0x20, 2);
	put(STACK_SEG * 16 + 0xffc, CODE_SEG, 2);
	put(STACK_SEG * 16 + 0xffe, EFLAGS_IF | IOPL(3), 2);
	CODE(AT_CODE, 0xcf);
	CODE(AT_CODE + 0x20, HLT);
	assert_int_equal(guest_run(), VEC_GP);
	assert_v86_frame(1, 0x20, EFLAGS_IF | VIF | EFLAGS_RF);
	assert_int_equal(frame(4), 0x1000);
}

/* A pending virtual interrupt: whatever would set VIF faults instead. */
static void vme_pending(void **state)
{
	static const u8 code[][2] = { { 0xfb }, { 0x9d }, { 0xcf }, { 0x9d }, { 0xcf } };

	for (unsigned i = 0; i < ARRAY_SIZE(code); i++) {
		guest_setup(state);
		m.cpu.cr4 = CR4_VME;
		bool tf = i >= 3; /* nor may TF be set so */
		u32 flags = EFLAGS_IF | (tf ? 0 : VIP);

		v86(IOPL(0) | flags);
		m.cpu.gpr[REG_ESP] = 0xffa;
		for (u32 at = 0xffa; at < 0x1000; at += 2)
			put(STACK_SEG * 16 + at, tf ? EFLAGS_TF : EFLAGS_IF, 2);
		set_code(AT_CODE, code[i], 2);
		assert_int_equal(guest_run(), VEC_GP);
		assert_v86_frame(1, 0, flags | EFLAGS_RF);
	}
}

/* IRET to V86 mode with both set: #GP(0) at the first instruction there (SDM 3B 20.3.2). */
static void vme_pending_at_entry(void **state)
{
	static const u32 words[] = { 0, CODE_SEG, EFLAGS_VM | VIF | VIP, 0x1000, STACK_SEG };

	(void)state;
	m.cpu.cr4 = CR4_VME;
	m.cpu.gpr[REG_ESP] = STACK0 - 36;
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		put(STACK0 - 36 + 4 * i, words[i], 4);
	CODE(AT_TARGET, 0xcf);
	m.cpu.eip = AT_TARGET;
	CODE(AT_CODE, 0x40); /* inc ax: must not happen */
	assert_int_equal(guest_run(), VEC_GP);
	assert_v86_frame(1, 0, VIF | VIP | EFLAGS_RF);
	assert_int_equal(m.cpu.gpr[REG_EAX], 0x11111111);
}

static void pvi_in_ring_3(void **state)
{
	(void)state;
	m.cpu.cr4 = CR4_PVI;
	set_ring(3);
	m.cpu.vif = EFLAGS_IF;
	CODE(AT_CODE, 0xfb, INT_END); /* sti */
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(frame(2), EFLAGS_ONE | EFLAGS_IF | VIF);
	set_ring(3);
	cpu_set_eflags(&m.cpu, EFLAGS_IF | VIF);
	CODE(AT_CODE, 0xfa, INT_END); /* cli */
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(frame(2), EFLAGS_ONE | EFLAGS_IF);
	set_ring(3);
	cpu_set_eflags(&m.cpu, EFLAGS_IF | VIP);
	CODE(AT_CODE, 0xfb);
	assert_fault(VEC_GP, 0, AT_CODE);
	set_ring(3);
	m.cpu.cr4 = 0;
	cpu_set_eflags(&m.cpu, EFLAGS_IF);
	CODE(AT_CODE, 0xfb);
	assert_fault(VEC_GP, 0, AT_CODE);
}

static const struct CMUnitTest v86_mode[] = {
	GUEST_TEST(in_by_iret),
	GUEST_TEST(not_from_ring_1),
	GUEST_TEST(back_again),
	GUEST_TEST(limits),
	GUEST_TEST(below_3_they_fault),
	GUEST_TEST(int3_and_into_are_not_guarded),
	GUEST_TEST(at_3_they_work),
	GUEST_TEST(iret_within),
	GUEST_TEST(privileged_instructions_fault),
	GUEST_TEST(undefined_instructions),
	GUEST_TEST(ports),
	GUEST_TEST(iopl_opens_ports_outside_v86),
	GUEST_TEST(a_16_bit_tss_has_no_bitmap),
	GUEST_TEST(external_interrupt),
	GUEST_TEST(gate_of_16_bits),
	GUEST_TEST(handler_of_ring_0),
	GUEST_TEST(vme_redirects),
	GUEST_TEST(vme_bit_set_goes_through_the_idt),
	GUEST_TEST(vme_cli_sti_pushf_popf_on_vif),
	GUEST_TEST(vme_iret_on_vif),
	GUEST_TEST(vme_pending),
	GUEST_TEST(vme_pending_at_entry),
	GUEST_TEST(pvi_in_ring_3),
};
GUEST_MAIN(v86_mode)
