/* SPDX-License-Identifier: MIT */
/*
 * Single instructions and what they refuse: BOUND, ENTER and LEAVE, LOCK, port strings, operands of
 * two parts, the time-stamp and performance counters, MSRs, XCR0, and what real mode does not know.
 * Tables; what a row says is the manual's (SDM 2), or, where the manual is silent, a real
 * processor's.
 */
#include "tests/unit/guest_fixture.h"

#define IN_RING_3 1u
#define REAL	  2u

/* 16-bit segments at 0, and a table of vectors that lead where the IDT's gates do. */
static void real_mode(void)
{
	for (unsigned s = 0; s < SEG_COUNT; s++)
		m.cpu.seg[s] = (struct cpu_segment){ .attr = 0x93, .limit = 0xffff };
	for (u32 v = 0; v < 256; v++)
		put(AT_IDT + 4 * v, HANDLER(v), 4);
	m.cpu.idtr.limit = 0x3ff;
	m.cpu.cr0 &= ~(u32)CR0_PE;
	m.cpu.env->paging_changed(&m.cpu, PAGING_CR0);
}

static void run_at(const u8 *code, unsigned len, u32 cr4, unsigned where)
{
	set_code(AT_CODE, code, len);
	m.ram[AT_CODE + len] = where & REAL ? HLT : 0xcd;
	m.ram[AT_CODE + len + 1] = VEC_END;
	if (where & IN_RING_3)
		set_ring(3);
	if (where & REAL)
		real_mode();
	m.cpu.cr4 = cr4;
}

/* --- BOUND */

static const struct {
	u8 code[6], len;
	u32 index, low, high;
	int vector;
} bounds[] = {
	{ { 0x62, 0x03 }, 2, 5, 5, 9, VEC_END }, /* bound eax, [ebx] */
	{ { 0x62, 0x03 }, 2, 9, 5, 9, VEC_END },
	{ { 0x62, 0x03 }, 2, 10, 5, 9, VEC_BR },
	{ { 0x62, 0x03 }, 2, 4, 5, 9, VEC_BR },
	{ { 0x62, 0x03 }, 2, (u32)-1, (u32)-2, 0, VEC_END }, /* signed */
	{ { 0x62, 0x03 }, 2, 0x80000000, 0, 0x7fffffff, VEC_BR },
	{ { 0x66, 0x62, 0x03 }, 3, 0x10005, 5, 9, VEC_END }, /* ax */
	{ { 0x66, 0x62, 0x03 }, 3, 0xffff, 0xfffe, 0, VEC_END },
	{ { 0x66, 0x62, 0x03 }, 3, 0x8000, 0, 0x7fff, VEC_BR },
	{ { 0x62, 0xc3 }, 2, 0, 0, 0, VEC_UD }, /* a register */
};

static void bound(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(bounds); i++) {
		bool word = bounds[i].code[0] == 0x66;

		guest_setup(state);
		m.cpu.gpr[REG_EAX] = bounds[i].index;
		m.cpu.gpr[REG_EBX] = AT_DATA;
		put(AT_DATA, bounds[i].low, word ? 2 : 4);
		put(AT_DATA + (word ? 2 : 4), bounds[i].high, word ? 2 : 4);
		run_at(bounds[i].code, bounds[i].len, 0, 0);
		assert_int_equal(guest_run(), bounds[i].vector);
		if (bounds[i].vector == VEC_BR)
			assert_int_equal(frame(0), AT_CODE); /* a fault */
	}
}

/*
 * Operands of two parts in segments above 64 KiB: with 16-bit addresses the second part is where
 * its own address, cut to 16 bits, says (BOUND and LGS: a real processor; LGDT and its like: by
 * analogy).
 */
static void two_parts_wrap(void **state)
{
	const u32 wrapped = 0, straight = 0x10000;

	guest_setup(state);
	CODE(AT_CODE, 0x67, 0x62, 0x06, IMM16(0xfffc), HLT); /* bound eax, [fffc] */
	m.cpu.gpr[REG_EAX] = 100;
	put(0xfffc, 5, 4);
	put(wrapped, 1000, 4);
	put(straight, 7, 4);
	assert_int_equal(guest_run(), HALTED);
	guest_setup(state);
	CODE(AT_CODE, 0x67, 0x0f, 0x01, 0x16, IMM16(0xfffe), HLT); /* lgdt [fffe] */
	put(0xfffe, 0x77, 2);
	put(wrapped, AT_GDT, 4);
	put(straight, 0x55555555, 4);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gdtr.limit, 0x77);
	assert_int_equal(m.cpu.gdtr.base, AT_GDT);
	guest_setup(state);
	CODE(AT_CODE, 0x67, 0x0f, 0x01, 0x0e, IMM16(0xfffe), HLT); /* sidt [fffe] */
	put(wrapped, 0, 4);
	put(straight, 0x55555555, 4);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(get(0xfffe, 2), m.cpu.idtr.limit);
	assert_int_equal(get(wrapped, 4), AT_IDT);
	assert_int_equal(get(straight, 4), 0x55555555);
}

/* All or nothing: the page of the second part is read-only. */
static void two_parts_or_none(void **state)
{
	guest_setup(state);
	guest_paging();
	set_page(0, 5);
	CODE(AT_CODE, 0x67, 0x0f, 0x01, 0x0e, IMM16(0xfffe), HLT);
	put(0xfffe, 0xabcd, 2);
	assert_fault(VEC_PF, 3, AT_CODE);
	assert_int_equal(m.cpu.cr2, 0);
	assert_int_equal(get(0xfffe, 2), 0xabcd);
}

/* --- ENTER and LEAVE */

static void enter_and_leave(void **state)
{
	for (unsigned level = 0; level < 34; level++) {
		unsigned n = level & 31;
		u8 code[] = { 0xc8, IMM16(0x20), (u8)level, HLT, 0xc9, HLT };
		u32 frame_at = STACK0 - 4;

		guest_setup(state);
		m.cpu.gpr[REG_EBP] = AT_DATA + 0x100;
		for (unsigned i = 1; i < 32; i++)
			put(AT_DATA + 0x100 - 4 * i, 0x1000 + i, 4);
		set_code(AT_CODE, code, sizeof(code));
		assert_int_equal(guest_run(), HALTED);
		assert_int_equal(m.cpu.gpr[REG_EBP], frame_at);
		assert_int_equal(m.cpu.gpr[REG_ESP], frame_at - 4 * n - 0x20);
		assert_int_equal(get(frame_at, 4), AT_DATA + 0x100);
		for (unsigned i = 1; i < n; i++)
			assert_int_equal(get(frame_at - 4 * i, 4), 0x1000 + i);
		if (n)
			assert_int_equal(get(frame_at - 4 * n, 4), frame_at);
		assert_int_equal(guest_run(), HALTED);
		assert_int_equal(m.cpu.gpr[REG_EBP], AT_DATA + 0x100);
		assert_int_equal(m.cpu.gpr[REG_ESP], STACK0);
	}
}

/* Of 32 bits on a stack with 16-bit addresses: the frame pointer is all of ESP. */
static void enter_32_on_16(void **state)
{
	(void)state;
	gdt(FREE, 0, 0xfffff, ATTR_DATA32 & ~0x400u);
	set_segment(SEG_SS, FREE);
	m.cpu.gpr[REG_ESP] = 0xabc00000 | STACK0;
	m.cpu.gpr[REG_EBP] = 0x12340000 | AT_DATA;
	CODE(AT_CODE, 0xc8, IMM16(0x20), 1, HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_EBP], 0xabc00000 | (STACK0 - 4));
	assert_int_equal(m.cpu.gpr[REG_ESP], 0xabc00000 | (STACK0 - 8 - 0x20));
	assert_int_equal(get(STACK0 - 4, 4), 0x12340000 | AT_DATA);
	assert_int_equal(get(STACK0 - 8, 4), 0xabc00000 | (STACK0 - 4));
}

/* --- What faults, and where */

#define ANY 0xffffffffu /* no error code */

static const struct {
	u8 code[9], len;
	u8 where;
	u32 cr4;
	int vector;
	u32 error;
} refusals[] = {
	/* LOCK: with a destination in memory, and with what reads, changes and writes it, only */
	{ { 0xf0, 0x01, 0x03 }, 3, 0, 0, VEC_END, 0 }, /* add [ebx], eax */
	{ { 0xf0, 0x0f, 0xb1, 0x0b }, 4, 0, 0, VEC_END, 0 },
	{ { 0xf0, 0x0f, 0xc7, 0x0b }, 4, 0, 0, VEC_END, 0 },
	{ { 0xf0, 0x0f, 0xba, 0x2b, 1 }, 5, 0, 0, VEC_END, 0 },
	{ { 0xf0, 0x87, 0x03 }, 3, 0, 0, VEC_END, 0 },
	{ { 0xf0, 0x01, 0xc3 }, 3, 0, 0, VEC_UD, ANY },
	{ { 0xf0, 0x03, 0x03 }, 3, 0, 0, VEC_UD, ANY },		 /* add eax, [ebx] */
	{ { 0xf0, 0x39, 0x03 }, 3, 0, 0, VEC_UD, ANY },		 /* cmp */
	{ { 0xf0, 0x85, 0x03 }, 3, 0, 0, VEC_UD, ANY },		 /* test */
	{ { 0xf0, 0x89, 0x03 }, 3, 0, 0, VEC_UD, ANY },		 /* mov */
	{ { 0xf0, 0x0f, 0xba, 0x23, 1 }, 5, 0, 0, VEC_UD, ANY }, /* bt */
	{ { 0xf0, 0xd1, 0x23 }, 3, 0, 0, VEC_UD, ANY },		 /* shl */
	{ { 0xf0, 0x90 }, 2, 0, 0, VEC_UD, ANY },
	{ { 0xf0, 0xa5 }, 2, 0, 0, VEC_UD, ANY },
	{ { 0xf0, 0x0f, 0xa2 }, 3, 0, 0, VEC_UD, ANY },
	{ { 0xf0, 0xcf }, 2, 0, 0, VEC_UD, ANY },
	{ { 0xf0, 0x0f, 0x01, 0x13 }, 4, IN_RING_3, 0, VEC_UD, ANY }, /* lgdt: before #GP */
	/* Counters */
	{ { 0x0f, 0x31 }, 2, 0, CR4_TSD, VEC_END, 0 },
	{ { 0x0f, 0x31 }, 2, IN_RING_3, 0, VEC_END, 0 },
	{ { 0x0f, 0x31 }, 2, IN_RING_3, CR4_TSD, VEC_GP, 0 },
	{ { 0x0f, 0x31 }, 2, REAL, CR4_TSD, HALTED, 0 },
	{ { 0x0f, 0x01, 0xf9 }, 3, 0, 0, VEC_UD, ANY }, /* RDTSCP: CPUID hides it, whatever TSD */
	{ { 0x0f, 0x01, 0xf9 }, 3, IN_RING_3, CR4_TSD, VEC_UD, ANY },
	{ { 0x0f, 0x33 }, 2, 0, 0, VEC_GP, 0 }, /* RDPMC: no such counter */
	{ { 0x0f, 0x33 }, 2, IN_RING_3, 0, VEC_GP, 0 },
	/* Privileged */
	{ { 0xf4 }, 1, IN_RING_3, 0, VEC_GP, 0 },
	{ { 0x0f, 0x01, 0x13 }, 3, IN_RING_3, 0, VEC_GP, 0 },
	{ { 0x0f, 0x01, 0x3b }, 3, IN_RING_3, 0, VEC_GP, 0 },  /* invlpg */
	{ { 0x0f, 0x01, 0x0b }, 3, IN_RING_3, 0, VEC_END, 0 }, /* sidt is not */
	{ { 0x0f, 0x00, 0xd0 }, 3, IN_RING_3, 0, VEC_GP, 0 },  /* lldt */
	{ { 0x0f, 0x00, 0xc0 }, 3, IN_RING_3, 0, VEC_END, 0 }, /* sldt is not */
	{ { 0x0f, 0x09 }, 2, IN_RING_3, 0, VEC_GP, 0 },
	{ { 0x0f, 0x30 }, 2, IN_RING_3, 0, VEC_GP, 0 },
	{ { 0x0f, 0x21, 0xc0 }, 3, IN_RING_3, 0, VEC_GP, 0 },	     /* mov eax, dr0 */
	{ { 0x0f, 0x21, 0xe0 }, 3, IN_RING_3, CR4_DE, VEC_UD, ANY }, /* dr4 */
	{ { 0xe4, 0x60 }, 2, IN_RING_3, 0, VEC_GP, 0 }, /* in: the map's bits are ones */
	{ { 0x6c }, 1, IN_RING_3, 0, VEC_GP, 0 },
	{ { 0xfa }, 1, IN_RING_3, 0, VEC_GP, 0 },
	{ { 0x0f, 0xaa }, 2, 0, 0, VEC_UD, ANY },	/* rsm, not in SMM */
	{ { 0x0f, 0x01, 0xc8 }, 3, 0, 0, VEC_UD, ANY }, /* monitor: CPUID hides it */
	/* Registers where memory must be, and the other way round */
	{ { 0x0f, 0x01, 0xd3 }, 3, 0, 0, VEC_UD, ANY },
	{ { 0xc4, 0xc0 }, 2, REAL, 0, VEC_UD, ANY }, /* les: no VEX here */
	{ { 0x8d, 0xc0 }, 2, 0, 0, VEC_UD, ANY },
	{ { 0x8e, 0xc8 }, 2, 0, 0, VEC_UD, ANY }, /* mov cs, ax */
	{ { 0x8e, 0xf0 }, 2, 0, 0, VEC_UD, ANY },
	{ { 0x0f, 0xc7, 0xc8 }, 3, 0, 0, VEC_UD, ANY }, /* cmpxchg8b eax */
	{ { 0x0f, 0xff, 0xc0 }, 3, 0, 0, VEC_UD, ANY },
	{ { 0xd4, 0x00 }, 2, 0, 0, VEC_DE, ANY }, /* aam 0 */
	/* Real mode has no descriptors to look at */
	{ { 0x0f, 0x00, 0xc0 }, 3, REAL, 0, VEC_UD, ANY },
	{ { 0x0f, 0x00, 0xc8 }, 3, REAL, 0, VEC_UD, ANY },
	{ { 0x0f, 0x00, 0xd0 }, 3, REAL, 0, VEC_UD, ANY },
	{ { 0x0f, 0x00, 0xd8 }, 3, REAL, 0, VEC_UD, ANY },
	{ { 0x0f, 0x00, 0xe0 }, 3, REAL, 0, VEC_UD, ANY },
	{ { 0x0f, 0x00, 0xe8 }, 3, REAL, 0, VEC_UD, ANY },
	{ { 0x0f, 0x02, 0xc0 }, 3, REAL, 0, VEC_UD, ANY },
	{ { 0x0f, 0x03, 0xc0 }, 3, REAL, 0, VEC_UD, ANY },
	{ { 0x63, 0xc0 }, 2, REAL, 0, VEC_UD, ANY },
	{ { 0x0f, 0x34 }, 2, REAL, 0, VEC_GP, 0 },
	{ { 0x0f, 0x35 }, 2, REAL, 0, VEC_GP, 0 },
	{ { 0xc5, 0xf8, 0x58, 0xc0 }, 4, REAL, CR4_OSFXSR, VEC_UD, ANY }, /* vaddps */
	{ { 0x0f, 0x01, 0xe0 }, 3, REAL, 0, HALTED, 0 },		  /* smsw it knows */
	/* XCR0 */
	{ { 0x0f, 0x01, 0xd0 }, 3, 0, 0, VEC_UD, ANY },
	{ { 0x0f, 0x01, 0xd1 }, 3, IN_RING_3, 0, VEC_UD, ANY },
	{ { 0x0f, 0x01, 0xd1 }, 3, IN_RING_3, CR4_OSXSAVE, VEC_GP, 0 },
	{ { 0x0f, 0x01, 0xd0 }, 3, IN_RING_3, CR4_OSXSAVE, VEC_GP, 0 }, /* ecx is not 0 */
};

static void refused(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(refusals); i++) {
		bool real = refusals[i].where & REAL;
		int vector;
		unsigned skip = !real && refusals[i].error != ANY;

		guest_setup(state);
		m.cpu.gpr[REG_EBX] = AT_DATA;
		run_at(refusals[i].code, refusals[i].len, refusals[i].cr4, refusals[i].where);
		vector = guest_run();
		if (vector != refusals[i].vector)
			fail_msg("line %u of the table: vector %d, not %d", i, vector,
				 refusals[i].vector);
		if (vector == VEC_END || vector == HALTED)
			continue;
		assert_int_equal(real ? frame16(0) : frame(skip), AT_CODE);
		if (skip)
			assert_int_equal(frame(0), refusals[i].error);
	}
}

/* --- MSRs and XCR0 */

static int write_pair(const u8 *opcode, unsigned len, u32 index, u64 value)
{
	run_at(opcode, len, CR4_OSXSAVE, 0);
	m.cpu.gpr[REG_ECX] = index;
	m.cpu.gpr[REG_EAX] = (u32)value;
	m.cpu.gpr[REG_EDX] = (u32)(value >> 32);
	m.cpu.eip = AT_CODE;
	return guest_run();
}

static void model_specific(void **state)
{
	static const struct {
		u32 index;
		u64 value;
		int vector;
	} t[] = {
		{ 0x174, 0x10, VEC_END },
		{ 0x277, 0x0007040600070406ull, VEC_END },
		{ 0x277, 0x0107050600010406ull, VEC_END },
		{ 0x277, 0x0002040600070406ull, VEC_GP }, /* memory types that there are not */
		{ 0x277, 0x0007040600070403ull, VEC_GP },
		{ 0x277, 0x0807040600070406ull, VEC_GP },
		{ 0xc0000080, BIT(11), VEC_END },
		{ 0xc0000080, BIT(8), VEC_GP }, /* long mode */
		{ 0xc0000080, 1, VEC_GP },
		{ 0x12345678, 0, VEC_GP },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		guest_setup(state);
		assert_int_equal(write_pair((const u8[]){ 0x0f, 0x30 }, 2, t[i].index, t[i].value),
				 t[i].vector);
		if (t[i].vector == VEC_GP)
			assert_int_equal(frame(0), 0);
		if (t[i].vector == VEC_GP || t[i].index == 0x12345678)
			continue;
		assert_int_equal(write_pair((const u8[]){ 0x0f, 0x32 }, 2, t[i].index, ~0ull),
				 VEC_END);
		assert_int_equal(m.cpu.gpr[REG_EAX], (u32)t[i].value);
		assert_int_equal(m.cpu.gpr[REG_EDX], (u32)(t[i].value >> 32));
	}
}

static void extended_control(void **state)
{
	static const struct {
		u32 index;
		u64 value;
		int vector;
	} t[] = {
		{ 0, 1, VEC_END }, { 0, 3, VEC_END }, { 0, 0, VEC_GP },
		{ 0, 5, VEC_GP }, /* AVX without SSE */
		{ 0, 2, VEC_GP },  { 1, 1, VEC_GP },  { 0, 1ull << 62 | 3, VEC_GP },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		guest_setup(state);
		assert_int_equal(
			write_pair((const u8[]){ 0x0f, 0x01, 0xd1 }, 3, t[i].index, t[i].value),
			t[i].vector);
		assert_int_equal(m.cpu.xcr0, t[i].vector == VEC_GP ? 1 : t[i].value);
	}
}

/* --- Strings: prefixes, sizes, and where they wrap */

/* 16-bit addresses in 32-bit code: only SI, DI and CX move, and wrap. */
static void strings_wrap(void **state)
{
	static const struct {
		u8 opcode, size;
		bool src, dst, compares;
	} ops[] = {
		{ 0xa4, 1, true, true, false },	 { 0xa5, 4, true, true, false },
		{ 0xa6, 1, true, true, true },	 { 0xa7, 4, true, true, true },
		{ 0xaa, 1, false, true, false }, { 0xab, 4, false, true, false },
		{ 0xac, 1, true, false, false }, { 0xad, 4, true, false, false },
		{ 0xae, 1, false, true, true },	 { 0xaf, 4, false, true, true },
		{ 0x6c, 1, false, true, false }, { 0x6d, 4, false, true, false },
		{ 0x6e, 1, true, false, false }, { 0x6f, 4, true, false, false },
	};
	static const u8 prefix[] = { 0x90, 0xf2, 0xf3 };

	for (unsigned i = 0; i < 3 * 2 * 2 * ARRAY_SIZE(ops); i++) {
		const unsigned n = i / 12, rep = i % 3, down = i / 3 & 1, zero = i / 6 & 1;
		const u8 code[] = { 0x67, prefix[rep], ops[n].opcode, HLT };
		const u8 plain[] = { 0x67, ops[n].opcode, HLT };
		u32 size = ops[n].size, start = down ? 0 : 0x10000 - size, count = zero ? 0 : 3;
		u32 left = count, times = rep ? count : 1, moved;

		/* All bytes are equal: F2 ends a comparison at once, F3 does not. */
		if (ops[n].compares && rep == 1 && times)
			times = 1;
		left = rep ? count - times : count;
		moved = (start + (down ? 0 - size : size) * times) & 0xffff;
		guest_setup(state);
		memset(m.ram, 0xff, 0x20);
		memset(m.ram + 0xffe0, 0xff, 0x20);
		if (rep)
			set_code(AT_CODE, code, sizeof(code));
		else
			set_code(AT_CODE, plain, sizeof(plain));
		m.cpu.gpr[REG_EAX] = 0xffffffff;
		m.cpu.gpr[REG_ECX] = 0x77770000 | count;
		m.cpu.gpr[REG_ESI] = 0x55550000 | start;
		m.cpu.gpr[REG_EDI] = 0x66660000 | start;
		m.cpu.eflags |= down ? EFLAGS_DF : 0;
		assert_int_equal(guest_run(), HALTED);
		assert_int_equal(m.cpu.gpr[REG_ECX], 0x77770000 | left);
		assert_int_equal(m.cpu.gpr[REG_ESI], 0x55550000 | (ops[n].src ? moved : start));
		assert_int_equal(m.cpu.gpr[REG_EDI], 0x66660000 | (ops[n].dst ? moved : start));
	}
}

/* What cannot be stored is not read from the port. */
static void ins_reads_no_port_in_vain(void **state)
{
	for (unsigned i = 0; i < 3; i++) {
		guest_setup(state);
		guest_paging();
		set_ring(3);
		m.cpu.cr0 |= CR0_AM;
		m.cpu.eflags |= EFLAGS_IOPL | EFLAGS_AC;
		m.cpu.gpr[REG_EDI] = AT_DATA + (i == 0);
		if (i == 1)
			set_page(AT_DATA, AT_DATA | 5);
		if (i == 2)
			m.cpu.seg[SEG_ES].attr &= (u16)~SEG_ATTR_WRITE;
		CODE(AT_CODE, 0x6d);
		assert_int_equal(guest_run(), i == 0 ? VEC_AC : i == 1 ? VEC_PF : VEC_GP);
		assert_int_equal(m.ports, 0);
		assert_int_equal(frame(1), AT_CODE);
	}
}

static const struct CMUnitTest instructions[] = {
	GUEST_TEST(bound),
	GUEST_TEST(two_parts_wrap),
	GUEST_TEST(two_parts_or_none),
	GUEST_TEST(enter_and_leave),
	GUEST_TEST(enter_32_on_16),
	GUEST_TEST(refused),
	GUEST_TEST(model_specific),
	GUEST_TEST(extended_control),
	GUEST_TEST(strings_wrap),
	GUEST_TEST(ins_reads_no_port_in_vain),
};
GUEST_MAIN(instructions)
