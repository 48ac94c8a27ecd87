/* SPDX-License-Identifier: MIT */
/*
 * The stream of saved machines: every kind of field goes there and back; a stream that lacks its
 * end at any byte, or has any one bit changed, or sections that are missing, exchanged, newer or
 * longer than known, is refused, and the reason names section and field. What was refused loads as
 * zeros. Alone: make build/unit/test_snap && build/unit/test_snap
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "emu/snap/crc32.h"
#include "emu/snap/snap.h"

enum colour { RED, GREEN, BLUE, COLOURS };

struct thing {
	u8 a;
	u16 b;
	u32 c;
	u64 d;
	s16 e;
	bool f;
	enum colour g;
	u8 text[5];
	u16 old; /* since version 2 */
};

static const struct thing sample = {
	0x12, 0x3456, 0x789abcde, 0x1122334455667788, -2, true, BLUE, "abcd", 77,
};

static void thing_state(struct thing *t, struct snap *s)
{
	snap_u8(s, t->a);
	snap_u16(s, t->b);
	snap_u32(s, t->c);
	snap_u64(s, t->d);
	snap_int(s, t->e);
	snap_bool(s, t->f);
	snap_enum(s, t->g, COLOURS);
	snap_bytes(s, t->text, sizeof(t->text));
	if (s->version >= 2)
		snap_range(s, t->old, 70, 80);
}

/* --- A stream in memory */

struct tape {
	u8 bytes[4096];
	u32 used, at;
};

static bool put(void *ctx, void *bytes, u32 n)
{
	struct tape *t = ctx;

	if (n > sizeof(t->bytes) - t->used)
		return false;
	memcpy(t->bytes + t->used, bytes, n);
	t->used += n;
	return true;
}

static bool get(void *ctx, void *bytes, u32 n)
{
	struct tape *t = ctx;

	if (n > t->used - t->at)
		return false;
	memcpy(bytes, t->bytes + t->at, n);
	t->at += n;
	return true;
}

static struct snap s;

static void save(struct tape *tape, struct thing *one, struct thing *two, u16 version)
{
	tape->used = 0;
	snap_save_to(&s, put, tape);
	assert_true(snap_begin(&s, "one", version));
	thing_state(one, &s);
	snap_end(&s);
	assert_true(snap_begin(&s, "two", version));
	thing_state(two, &s);
	snap_end(&s);
	assert_true(snap_finish(&s));
}

static bool load(struct tape *tape, struct thing *one, struct thing *two, u16 version)
{
	tape->at = 0;
	snap_load_from(&s, get, tape);
	snap_begin(&s, "one", version);
	thing_state(one, &s);
	snap_end(&s);
	snap_begin(&s, "two", version);
	thing_state(two, &s);
	snap_end(&s);
	return snap_finish(&s);
}

static void assert_same(const struct thing *x, const struct thing *y)
{
	assert_int_equal(x->a, y->a);
	assert_int_equal(x->b, y->b);
	assert_int_equal(x->c, y->c);
	assert_int_equal(x->d, y->d);
	assert_int_equal(x->e, y->e);
	assert_int_equal(x->f, y->f);
	assert_int_equal(x->g, y->g);
	assert_memory_equal(x->text, y->text, sizeof(x->text));
	assert_int_equal(x->old, y->old);
}

static void refused(struct tape *tape, const char *why)
{
	struct thing one = sample, two = sample;

	assert_false(load(tape, &one, &two, 2));
	if (!strstr(s.error, why))
		fail_msg("\"%s\" is not said in: %s", why, s.error);
}

/* --- Cases */

static void test_round_trip(void **state)
{
	struct thing one = sample, two = sample, one_back = { 0 }, two_back = { 0 };
	struct tape tape;

	(void)state;
	two.a = 0;
	two.e = 300;
	two.old = 80;
	save(&tape, &one, &two, 2);
	assert_same(&one, &sample); /* saving changes nothing */
	assert_true(load(&tape, &one_back, &two_back, 2));
	assert_same(&one_back, &one);
	assert_same(&two_back, &two);
}

static void test_old_version(void **state)
{
	struct thing one = sample, back = sample;
	struct tape tape;

	(void)state;
	one.c = 5;
	save(&tape, &one, &one, 1);
	back.old = 71; /* what a reset left */
	assert_true(load(&tape, &back, &back, 2));
	one.old = 71;
	assert_same(&back, &one);
}

/* A later build's stream. */
static void test_new_version(void **state)
{
	struct thing one = sample;
	struct tape tape;

	(void)state;
	save(&tape, &one, &one, 3);
	refused(&tape, "section one: version 3");
}

/* As if the format had grown: the rest is as it was, the checksums too. */
static void test_new_format(void **state)
{
	struct thing one = sample;
	struct tape tape;
	char newer[16];

	(void)state;
	save(&tape, &one, &one, 2);
	snprintf(newer, sizeof(newer), "format %u;", SNAP_FORMAT + 1);
	tape.bytes[8] = SNAP_FORMAT + 1;
	refused(&tape, newer);
	tape.bytes[8] = 0;
	refused(&tape, "format 0;");
	tape.bytes[0] ^= 1;
	refused(&tape, "not a saved machine");
}

static void test_truncated(void **state)
{
	struct thing one = sample;
	struct tape tape;

	(void)state;
	save(&tape, &one, &one, 2);
	for (u32 whole = tape.used; tape.used--;)
		refused(&tape, tape.used < 12		? "the stream ends here"
			       : tape.used < 20		? "section one: the stream ends here"
			       : tape.used >= whole - 8 ? "section end: the stream ends here"
							: "the stream ends here");
}

static void test_every_bit(void **state)
{
	struct thing one = sample;
	struct tape tape;

	(void)state;
	save(&tape, &one, &one, 2);
	for (u32 bit = 0; bit < tape.used * 8; bit++) {
		tape.bytes[bit / 8] ^= (u8)(1u << bit % 8);
		refused(&tape, "");
		tape.bytes[bit / 8] ^= (u8)(1u << bit % 8);
	}
}

/* Head, payload and checksum of a section with sample in it. */
#define SECTION (20 + 26 + 4)

static void test_sections(void **state)
{
	struct thing one = sample, two = sample;
	struct tape tape, other;

	(void)state;
	two.a = 99;
	save(&tape, &one, &two, 2);
	assert_int_equal(tape.used, 12 + 2 * SECTION + 20 + 4 + 4);

	other = tape; /* without the first */
	memmove(other.bytes + 12, other.bytes + 12 + SECTION, tape.used - 12 - SECTION);
	other.used -= SECTION;
	refused(&other, "section two: found where one has to be");

	other = tape; /* the first one's payload is the second's */
	memcpy(other.bytes + 12 + 20, tape.bytes + 12 + SECTION + 20, SECTION - 20);
	refused(&other, "section one: its checksum is wrong");

	struct thing two_other = two; /* the second one is another stream's */

	two_other.a = 98;
	one.b++;
	save(&other, &one, &two_other, 2);
	memcpy(other.bytes + 12 + SECTION, tape.bytes + 12 + SECTION, SECTION);
	refused(&other, "section two: its checksum is wrong");
}

static void test_fields(void **state)
{
	struct thing one = sample, two = sample;
	struct tape tape;

	(void)state;
	two.old = 81;
	save(&tape, &one, &two, 2);
	refused(&tape, "section two: field t->old is 51, not within 46 and 50");
	two = sample;
	two.g = (enum colour)7;
	save(&tape, &two, &one, 2);
	refused(&tape, "section one: field t->g is 7");

	/* After a failure everything is zero, or the least that a range allows. */
	assert_false(load(&tape, &one, &two, 2));
	assert_same(&one, &(struct thing){ .a = 0x12,
					   .b = 0x3456,
					   .c = 0x789abcde,
					   .d = 0x1122334455667788,
					   .e = -2,
					   .f = true,
					   .old = 70 });
	assert_same(&two, &(struct thing){ .old = 70 });
}

static void test_lengths(void **state)
{
	struct thing one = sample;
	struct tape tape;
	u32 little = 1, more = 2;

	(void)state;
	tape.used = 0;
	snap_save_to(&s, put, &tape);
	snap_begin(&s, "one", 2);
	thing_state(&one, &s);
	snap_u32(&s, little);
	snap_end(&s);
	snap_finish(&s);
	refused(&tape, "section one: 4 bytes that no field takes");

	tape.used = 0;
	snap_save_to(&s, put, &tape);
	snap_begin(&s, "one", 2);
	snap_u32(&s, little);
	snap_u32(&s, more);
	snap_end(&s);
	snap_finish(&s);
	refused(&tape, "section one: it ends before field t->d");
}

static void test_no_room(void **state)
{
	struct thing one = sample;
	struct tape tape;

	(void)state;
	for (u32 room = 0; room < 12 + SECTION + 28; room++) {
		tape.used = (u32)sizeof(tape.bytes) - room;
		snap_save_to(&s, put, &tape);
		snap_begin(&s, "one", 2);
		thing_state(&one, &s);
		snap_end(&s);
		assert_false(snap_finish(&s));
		assert_non_null(strstr(s.error, "no room for the stream"));
		assert_same(&one, &sample);
	}
}

static void test_next(void **state)
{
	struct thing one = sample;
	struct tape tape;

	(void)state;
	save(&tape, &one, &one, 2);
	tape.at = 0;
	snap_load_from(&s, get, &tape);
	assert_string_equal(snap_next(&s), "one");
	assert_string_equal(snap_next(&s), "one");
	assert_true(snap_begin(&s, "one", 2));
	thing_state(&one, &s);
	snap_end(&s);
	assert_string_equal(snap_next(&s), "two");
	assert_true(snap_begin(&s, "two", 2));
	thing_state(&one, &s);
	snap_end(&s);
	assert_string_equal(snap_next(&s), "end");
	assert_true(snap_finish(&s));
}

static void test_crc(void **state)
{
	u8 bytes[64];

	(void)state;
	assert_int_equal(crc32_update(0, "123456789", 9), 0xcbf43926);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (u8)(i * 37 + 5);
	for (unsigned cut = 0; cut <= sizeof(bytes); cut++)
		assert_int_equal(crc32_update(crc32_update(0, bytes, cut), bytes + cut, 64 - cut),
				 crc32_update(0, bytes, 64));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_old_version),
		cmocka_unit_test(test_new_version), cmocka_unit_test(test_new_format),
		cmocka_unit_test(test_truncated),   cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_sections),    cmocka_unit_test(test_fields),
		cmocka_unit_test(test_lengths),	    cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_next),	    cmocka_unit_test(test_crc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
