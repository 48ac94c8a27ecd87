/* SPDX-License-Identifier: MIT */
/*
 * Page analysis: which instructions make a page dirty, what descent and sweep find, and the page's
 * end. Alone: make build/unit/test_analyse && build/unit/test_analyse
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/code/analyse.h"

struct sample {
	const char *code;
	unsigned len;
	bool sensitive, without_umip;
};

static const struct sample samples[] = {
	{ "\x9d", 1, true, true },		 /* popf */
	{ "\x9c", 1, false, false },		 /* pushf: raw flags are the guest's */
	{ "\x8c\xc8", 2, true, true },		 /* mov eax, cs */
	{ "\x8c\xd0", 2, true, true },		 /* mov eax, ss */
	{ "\x8c\xd8", 2, false, false },	 /* mov eax, ds */
	{ "\x0e", 1, true, true },		 /* push cs */
	{ "\x16", 1, true, true },		 /* push ss */
	{ "\x1e", 1, false, false },		 /* push ds */
	{ "\x0f\x02\xc0", 3, true, true },	 /* lar */
	{ "\x0f\x03\xc0", 3, true, true },	 /* lsl */
	{ "\x0f\x00\xe0", 3, true, true },	 /* verr */
	{ "\x0f\x00\xe8", 3, false, false },	 /* verw: the shadow tables know */
	{ "\x0f\xa2", 2, true, true },		 /* cpuid */
	{ "\xcf", 1, true, true },		 /* iret */
	{ "\xcb", 1, true, true },		 /* retf */
	{ "\x9a\0\0\0\0\x60\0", 7, true, true }, /* call far */
	{ "\xff\x2b", 2, true, true },		 /* jmp far [ebx] */
	{ "\x0f\x01\x03", 3, false, true },	 /* sgdt: traps with UMIP */
	{ "\x0f\x01\xe0", 3, false, true },	 /* smsw */
	{ "\x0f\x00\xc8", 3, false, true },	 /* str */
	{ "\xfa", 1, false, false },		 /* cli traps */
	{ "\xfb", 1, false, false },		 /* sti traps */
	{ "\xcd\x80", 2, false, false },	 /* int traps */
	{ "\x0f\x22\xd8", 3, false, false },	 /* mov cr3 traps */
	{ "\x8e\xd0", 2, false, false },	 /* mov ss: traps or is right */
	{ "\xc3", 1, false, false },		 /* ret */
};

static void test_instructions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct sample *s = &samples[i];

		if (analyse_is_sensitive((const u8 *)s->code, s->len, true, true) != s->sensitive ||
		    analyse_is_sensitive((const u8 *)s->code, s->len, true, false) !=
			    s->without_umip)
			fail_msg("sample %zu", i);
	}
}

/* All at once. */
static void analyse_page(const u8 *page, const u8 *tail, const u8 *next, bool big,
			 const u16 *entries, unsigned n, bool umip, struct analysis *out)
{
	struct analyser a;

	analyse_begin(&a, page, tail, next, big, entries, n, umip);
	assert_true(analyse_step(&a, 2 * ANALYSE_PAGE));
	*out = a.found;
}

static void test_page(void **state)
{
	u8 page[4096];
	u16 entry = 0;
	struct analysis a;

	(void)state;
	memset(page, 0x90, sizeof(page));
	page[4095] = 0xc3;
	analyse_page(page, NULL, NULL, true, &entry, 1, true, &a);
	assert_true(a.clean);
	assert_false(a.uses_next);
	page[2000] = 0x9d; /* found by falling into it */
	analyse_page(page, NULL, NULL, true, &entry, 1, true, &a);
	assert_false(a.clean);
	assert_int_equal(a.offset, 2000);
	page[10] = 0xc3; /* not reached from the entry any more, but the sweep sees it */
	analyse_page(page, NULL, NULL, true, &entry, 1, true, &a);
	assert_false(a.clean);
}

/* An entry in the middle of what a sweep takes for one instruction shows what is there. */
static void test_entry_decides(void **state)
{
	u8 page[4096];
	u16 entries[2] = { 0, 101 };
	struct analysis a;

	(void)state;
	memset(page, 0x90, sizeof(page));
	page[100] = 0xb0; /* mov al, 9Dh; at 101: popf */
	page[101] = 0x9d;
	analyse_page(page, NULL, NULL, true, entries, 1, true, &a);
	assert_true(a.clean);
	analyse_page(page, NULL, NULL, true, entries, 2, true, &a);
	assert_false(a.clean);
	assert_int_equal(a.offset, 101);
}

static void test_end(void **state)
{
	u8 page[4096], next[16] = { 0 };
	u16 entry = 0;
	struct analysis a;

	(void)state;
	memset(page, 0x90, sizeof(page));
	page[4095] = 0x0f; /* 0F A2 across the end: cpuid */
	next[0] = 0xa2;
	analyse_page(page, NULL, next, true, &entry, 1, true, &a);
	assert_false(a.clean);
	next[0] = 0x0b; /* ud2 */
	analyse_page(page, NULL, next, true, &entry, 1, true, &a);
	assert_true(a.clean);
	assert_true(a.uses_next);
	analyse_page(page, NULL, NULL, true, &entry, 1, true, &a);
	assert_true(a.uses_next);
}

/* The page before says where the first instruction of this one begins. */
static void test_beginning(void **state)
{
	u8 page[4096], tail[ANALYSE_TAIL];
	u16 entry = 2000;
	struct analysis a;

	(void)state;
	memset(page, 0x90, sizeof(page));
	memset(tail, 0x90, sizeof(tail));
	page[0] = 0x9d;		       /* popf, or the last byte of: */
	tail[ANALYSE_TAIL - 4] = 0xb8; /* mov eax, imm32 */
	analyse_page(page, tail, NULL, true, &entry, 1, true, &a);
	assert_true(a.clean);
	tail[ANALYSE_TAIL - 5] = 0xb8; /* ends with the page */
	tail[ANALYSE_TAIL - 4] = 0x90;
	analyse_page(page, tail, NULL, true, &entry, 1, true, &a);
	assert_false(a.clean);
	assert_int_equal(a.offset, 0);
}

/* More jumps than the analysis can remember: then it does not know, and says so. */
static void test_many_targets(void **state)
{
	u8 page[4096];
	u16 entry = 0;
	struct analysis a;

	(void)state;
	memset(page, 0x90, sizeof(page));
	for (unsigned i = 0; i < 700;
	     i++) { /* jz to a place of its own, over bytes that fall through */
		page[2 * i] = 0x74;
		page[2 * i + 1] = (u8)(i & 1 ? 0x7e : 0x7d);
	}
	analyse_page(page, NULL, NULL, true, &entry, 1, true, &a);
	assert_false(a.clean);
}

/* In pieces of any size the same is found, and no piece looks at more than it may. */
static void test_pieces(void **state)
{
	u8 page[ANALYSE_PAGE], next[ANALYSE_AHEAD] = { 0 };
	u16 entry = 0;

	(void)state;
	srand(1);
	for (int round = 0; round < 200; round++) {
		unsigned steps = 1 + (unsigned)rand() % 300, pieces = 0;
		struct analyser a;
		struct analysis whole;
		u16 insns = 0;

		for (unsigned i = 0; i < sizeof(page); i++) {
			int kind = rand() % 64; /* NOP, Jcc, anything */

			page[i] = (u8)(kind < 48 ? 0x90 : kind < 63 ? 0x70 + rand() % 16 : rand());
		}
		analyse_page(page, NULL, next, true, &entry, 1, true, &whole);
		analyse_begin(&a, page, NULL, next, true, &entry, 1, true);
		memset(page, 0x9d, sizeof(page)); /* it has a copy */
		for (bool done = false; !done; pieces++) {
			done = analyse_step(&a, steps);
			assert_true(a.found.insns - insns <= (int)steps);
			insns = a.found.insns;
		}
		assert_memory_equal(&a.found, &whole, sizeof(whole));
		assert_true(pieces >= whole.insns / steps);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_instructions), cmocka_unit_test(test_page),
		cmocka_unit_test(test_pieces),	     cmocka_unit_test(test_entry_decides),
		cmocka_unit_test(test_end),	     cmocka_unit_test(test_beginning),
		cmocka_unit_test(test_many_targets),
	};

	return cmocka_run_group_tests_name("analyse", tests, NULL, NULL);
}
