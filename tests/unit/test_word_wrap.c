/* SPDX-License-Identifier: MIT */
/*
 * Words at the end of 64 KiB: string instructions, XLAT, PUSHA, POPA, PUSHF, POPF and LEAVE with
 * 16-bit addresses, in segments with bases, in ring 3. What lies across the end faults and changes
 * nothing; what ends there wraps, and leaves the upper half of its pointer. And POPAD across the
 * end of a page that is absent.
 *
 * Alone: build/unit/test_word_wrap
 */
#include "tests/unit/guest_fixture.h"

#define CODE_16	  (FREE | 3)
#define DATA_16	  ((FREE + 8) | 3)
#define EXTRA_16  ((FREE + 16) | 3)
#define STACK_16  ((FREE + 24) | 3)
#define AT_16	  0x20000u /* three segments of 64 KiB */
#define LAST_PAGE 0x100000u
#define HIGH	  0xabcd0000u
#define DF	  true

static const struct wrap {
	const char *name;
	u8 code[4];
	bool df;
	u16 si, di, sp, bp;	/* before */
	int vector;		/* or VEC_END */
	u16 si2, di2, sp2, bp2; /* and after, if it completes */
} cases[] = {
	{ "lodsb", { 0xac }, 0, 0xffff, 8, 64, 8, VEC_END, 0, 8, 64, 8 },
	{ "lodsw at the end", { 0xad }, 0, 0xfffe, 8, 64, 8, VEC_END, 0, 8, 64, 8 },
	{ "lodsw across", { 0xad }, 0, 0xffff, 8, 64, 8, VEC_GP, 0, 0, 0, 0 },
	{ "lodsd across", { 0x66, 0xad }, 0, 0xfffd, 8, 64, 8, VEC_GP, 0, 0, 0, 0 },
	{ "lodsd at the end", { 0x66, 0xad }, 0, 0xfffc, 8, 64, 8, VEC_END, 0, 8, 64, 8 },
	{ "lodsb down", { 0xac }, DF, 0, 8, 64, 8, VEC_END, 0xffff, 8, 64, 8 },
	{ "lodsw down", { 0xad }, DF, 0, 8, 64, 8, VEC_END, 0xfffe, 8, 64, 8 },
	{ "lodsd down", { 0x66, 0xad }, DF, 2, 8, 64, 8, VEC_END, 0xfffe, 8, 64, 8 },
	{ "ss lodsw", { 0x36, 0xad }, 0, 0xffff, 8, 64, 8, VEC_SS, 0, 0, 0, 0 },
	{ "stosb", { 0xaa }, 0, 8, 0xffff, 64, 8, VEC_END, 8, 0, 64, 8 },
	{ "stosw across", { 0xab }, 0, 8, 0xffff, 64, 8, VEC_GP, 0, 0, 0, 0 },
	{ "stosd down", { 0x66, 0xab }, DF, 8, 0, 64, 8, VEC_END, 8, 0xfffc, 64, 8 },
	{ "movsw from across", { 0xa5 }, 0, 0xffff, 8, 64, 8, VEC_GP, 0, 0, 0, 0 },
	{ "movsw to across", { 0xa5 }, 0, 8, 0xffff, 64, 8, VEC_GP, 0, 0, 0, 0 },
	{ "movsw at the end", { 0xa5 }, 0, 0xfffe, 8, 64, 8, VEC_END, 0, 10, 64, 8 },
	{ "cmpsw to across", { 0xa7 }, 0, 8, 0xffff, 64, 8, VEC_GP, 0, 0, 0, 0 },
	{ "cmpsw down", { 0xa7 }, DF, 0, 8, 64, 8, VEC_END, 0xfffe, 6, 64, 8 },
	{ "scasw across", { 0xaf }, 0, 8, 0xffff, 64, 8, VEC_GP, 0, 0, 0, 0 },
	{ "scasb", { 0xae }, 0, 8, 0xffff, 64, 8, VEC_END, 8, 0, 64, 8 },
	{ "pusha round", { 0x60 }, 0, 8, 8, 8, 8, VEC_END, 8, 8, 0xfff8, 8 },
	{ "pusha across", { 0x60 }, 0, 8, 8, 7, 8, VEC_SS, 0, 0, 0, 0 },
	{ "pushad across", { 0x66, 0x60 }, 0, 8, 8, 10, 8, VEC_SS, 0, 0, 0, 0 },
	{ "popa across", { 0x61 }, 0, 8, 8, 0xfff9, 8, VEC_SS, 0, 0, 0, 0 },
	{ "pushf round", { 0x9c }, 0, 8, 8, 0, 8, VEC_END, 8, 8, 0xfffe, 8 },
	{ "pushf across", { 0x9c }, 0, 8, 8, 1, 8, VEC_SS, 0, 0, 0, 0 },
	{ "pushfd across", { 0x66, 0x9c }, 0, 8, 8, 2, 8, VEC_SS, 0, 0, 0, 0 },
	{ "popf at the end", { 0x9d }, 0, 8, 8, 0xfffe, 8, VEC_END, 8, 8, 0, 8 },
	{ "popf across", { 0x9d }, 0, 8, 8, 0xffff, 8, VEC_SS, 0, 0, 0, 0 },
	{ "popfd across", { 0x66, 0x9d }, 0, 8, 8, 0xfffd, 8, VEC_SS, 0, 0, 0, 0 },
	{ "leave at the end", { 0xc9 }, 0, 8, 8, 64, 0xfffe, VEC_END, 8, 8, 0, 0x0203 },
	{ "leave across", { 0xc9 }, 0, 8, 8, 64, 0xffff, VEC_SS, 0, 0, 0, 0 },
};

static u32 length(const u8 *code)
{
	return code[0] == 0x66 || code[0] == 0x36 ? 2 : 1;
}

static u8 *segment(unsigned n)
{
	return m.ram + AT_16 + 0x10000 * n;
}

/* Ring 3, 16 bits, IOPL 3; the segments' bytes count up, except the flags' image. */
static void begin(bool df)
{
	for (unsigned n = 0; n < 3; n++) {
		gdt((u16)(FREE + 8 + 8 * n), AT_16 + 0x10000 * n, 0xffff, 0x93 | ATTR_DPL(3));
		for (u32 i = 0; i < 0x10000; i++)
			segment(n)[i] = (u8)(i + 5 * (n + 1));
		machine_wrote(&m, AT_16 + 0x10000 * n, 0x10000);
	}
	gdt(FREE, 0, 0xffff, 0x9b | ATTR_DPL(3));
	set_ring(3);
	set_segment(SEG_CS, CODE_16);
	set_segment(SEG_DS, DATA_16);
	set_segment(SEG_ES, EXTRA_16);
	set_segment(SEG_SS, STACK_16);
	cpu_set_eflags(&m.cpu, EFLAGS_ONE | EFLAGS_IOPL | EFLAGS_ZF | (df ? EFLAGS_DF : 0));
}

static void wraps_or_faults(void **state)
{
	u32 before[8];
	static u8 memory[0x30000];

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct wrap *c = &cases[i];
		u32 len = length(c->code);
		u32 *gpr = m.cpu.gpr;

		begin(c->df);
		segment(2)[0xfffe] = 0x03, segment(2)[0xffff] = 0x02; /* an image, and a BP */
		segment(2)[0x10000] = 0x30; /* and one that nobody may see */
		set_code(AT_CODE, c->code, len);
		set_code(AT_CODE + len, (const u8[]){ INT_END }, 2);
		gpr[REG_ESI] = HIGH | c->si, gpr[REG_EDI] = HIGH | c->di;
		gpr[REG_ESP] = HIGH | c->sp, gpr[REG_EBP] = HIGH | c->bp;
		memcpy(before, gpr, sizeof(before));
		memcpy(memory, segment(0), sizeof(memory));
		if (guest_run() != c->vector)
			fail_msg("%s: another vector", c->name);
		if (c->vector != VEC_END) {
			assert_int_equal(frame(0), 0);
			assert_int_equal(frame(1), AT_CODE);
			assert_int_equal(frame(4) & 0xffff, c->sp);
			before[REG_ESP] = gpr[REG_ESP];
			if (memcmp(before, gpr, sizeof(before)) ||
			    memcmp(memory, segment(0), sizeof(memory)))
				fail_msg("%s: faulted, and changed something", c->name);
			continue;
		}
		if (gpr[REG_ESI] != (HIGH | c->si2) || gpr[REG_EDI] != (HIGH | c->di2) ||
		    (frame(3) & 0xffff) != c->sp2 || gpr[REG_EBP] != (HIGH | c->bp2))
			fail_msg("%s: si %x di %x sp %x bp %x", c->name, gpr[REG_ESI], gpr[REG_EDI],
				 frame(3), gpr[REG_EBP]);
	}
}

/* Where the values went: PUSHA around the end of the stack, and POPA back. */
static void pusha_popa_round(u32 base, u32 limit, u32 attr)
{
	u32 *gpr = m.cpu.gpr;

	begin(false);
	gdt(STACK_16, base, limit, attr | ATTR_DPL(3));
	set_segment(SEG_SS, STACK_16);
	CODE(AT_CODE, 0x60, 0x61, INT_END);
	gpr[REG_ESP] = HIGH | 8;
	for (unsigned r = 0; r < 8; r++)
		if (r != REG_ESP)
			gpr[r] = HIGH | (0x1110 + r);
	assert_int_equal(guest_run(), VEC_END);
	for (unsigned r = 0; r < 8; r++) {
		u16 at = (u16)(8 - 2 * (r + 1));

		assert_int_equal(get(base + at, 2), r == REG_ESP ? 8 : 0x1110 + r);
		if (r != REG_ESP)
			assert_int_equal(gpr[r], HIGH | (0x1110 + r));
	}
	assert_int_equal(frame(3) & 0xffff, 8);
}

static void pusha_popa_round_the_end(void **state)
{
	(void)state;
	pusha_popa_round(AT_16 + 0x20000, 0xffff, 0x93);
	pusha_popa_round(AT_16 + 0x20000, 0xfffff, 0x893);
	pusha_popa_round(0, 0xfffff, 0x893);
}

static void xlat_wraps(void **state)
{
	(void)state;
	begin(false);
	CODE(AT_CODE, 0xd7, INT_END);
	m.cpu.gpr[REG_EBX] = 0xfffe;
	m.cpu.gpr[REG_EAX] = 0x77777703;
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(m.cpu.gpr[REG_EAX], 0x77777700 | segment(0)[1]);
}

/* The words of the first page are read already: no register may show them. */
static void popad_across_pages(void **state)
{
	u32 before[8];

	(void)state;
	guest_paging();
	set_ring(3);
	CODE(AT_CODE, 0x61, INT_END);
	m.cpu.gpr[REG_ESP] = LAST_PAGE - 12;
	memset(m.ram + LAST_PAGE - 12, 0x5a, 32);
	memcpy(before, m.cpu.gpr, sizeof(before));
	set_page(LAST_PAGE, LAST_PAGE | 6);
	assert_int_equal(guest_run(), VEC_PF);
	assert_int_equal(m.cpu.cr2, LAST_PAGE);
	assert_int_equal(frame(0), 4);
	assert_int_equal(frame(1), AT_CODE);
	assert_int_equal(frame(4), LAST_PAGE - 12);
	before[REG_ESP] = m.cpu.gpr[REG_ESP];
	assert_memory_equal(before, m.cpu.gpr, sizeof(before));
}

static const struct CMUnitTest tests[] = {
	GUEST_TEST(wraps_or_faults),
	GUEST_TEST(pusha_popa_round_the_end),
	GUEST_TEST(xlat_wraps),
	GUEST_TEST(popad_across_pages),
};
GUEST_MAIN(tests)
