/* SPDX-License-Identifier: MIT */
/*
 * Linux's log in its memory: records in order, over the ring's ends; and rings that are torn or
 * changed, of which nothing outside is read.
 */
#include "tests/unit/guest_fixture.h"

#include "emu/dbg/dbg_dmesg.h"
#include "tests/unit/random.h"
#include "tests/unit/said.h"

#define PRB   0x20000u
#define RING  0x20100u
#define DESCS 0x21000u
#define INFOS 0x22000u
#define DATA  0x24000u
#define BITS  4u /* 16 records */
#define SIZE  10u
#define NOTES 0x30000u

static void record(u32 number, u32 begin, const char *text, u32 state)
{
	u32 i = number & 15, size = (u32)(4 + strlen(text) + 3) & ~3u;
	u32 at = begin & ((1u << SIZE) - 1), next = begin + size;

	if (at + size > 1u << SIZE) { /* over the end: it lies at the beginning */
		at = 0;
		next = ((begin >> SIZE) + 1) << SIZE | size;
	}
	put(DESCS + 12 * i, state << 30 | number, 4);
	put(DESCS + 12 * i + 4, begin, 4);
	put(DESCS + 12 * i + 8, next, 4);
	put(INFOS + 88 * i + 8, 1500000 + number, 4);
	put(INFOS + 88 * i + 16, (u32)strlen(text), 2);
	for (u32 k = 0; text[k]; k++)
		put(DATA + at + 4 + k, (u8)text[k], 1);
}

static void ring(u32 tail, u32 head, bool finalized)
{
	const u32 words[] = { BITS, DESCS, INFOS, head, tail };

	put(PRB, RING, 4);
	for (u32 i = 0; i < 5; i++)
		put(RING + 4 * i, words[i], 4);
	if (finalized)
		put(RING + 20, head, 4);
	put(RING + 20 + 4 * finalized, SIZE, 4);
	put(RING + 24 + 4 * finalized, DATA, 4);
}

static void notes(void)
{
	static const char text[] = "OSRELEASE=6.1.0\nSYMBOL(prb)=00020000\nX=1\n";

	for (u32 i = 0; i < sizeof(text); i++)
		put(NOTES + i, (u8)text[i], 1);
}

static const char *print(u32 most)
{
	said[0] = '\0';
	return dbg_print_dmesg(&m.cpu, NULL, most, &out);
}

static void records(void **state)
{
	(void)state;
	assert_non_null(print(10));
	notes();
	for (unsigned finalized = 0; finalized < 2; finalized++) {
		ring(5, 8, finalized);
		record(5, 40, "first", 2);
		record(6, 52, "second\nof two\x1b lines", 1);
		record(7, 100, "not whole", 0);
		record(8, 1020, "over the end", 2);
		assert_null(print(100));
		assert_string_equal(said,
				    "[    0.001500] first\n[    0.001500] second\n"
				    "[    0.001500] of two? lines\n[    0.001500] over the end\n");
		assert_null(print(1));
		assert_string_equal(said, "[    0.001500] over the end\n");
	}
}

static void changed(void **state)
{
	(void)state;
	random_state = 15;
	notes();
	for (unsigned round = 0; round < 3000; round++) {
		ring(0x3ffffff8, 5, one_in(2));
		for (u32 i = 0; i < 16; i++)
			record((0x3ffffff8 + i) & 0x3fffffff, 64 * i, "text", 2);
		for (unsigned n = 1 + rnd() % 8; n; n--)
			put(one_in(2) ? PRB + rnd() % 0x200 : DESCS + rnd() % 0x1600, (u8)rnd(), 1);
		print(20);
	}
}

static const struct CMUnitTest dmesg_tests[] = {
	GUEST_TEST(records),
	GUEST_TEST(changed),
};

GUEST_MAIN(dmesg_tests)
