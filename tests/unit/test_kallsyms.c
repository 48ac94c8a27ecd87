/* SPDX-License-Identifier: MIT */
/*
 * Linux's own names in its memory: found wherever they lie, read right; and tables that are torn,
 * changed or half right everywhere, of which nothing outside is read and which cost no time.
 */
#include "tests/unit/guest_fixture.h"

#include "emu/dbg/dbg_kallsyms.h"
#include "kernel/base/bytes.h"
#include "tests/unit/random.h"

#define TABLES	0x23000u /* behind the handler of page faults */
#define SYMBOLS 1000u
#define BASE	0xc1000000u

static struct dbg_symbols s;
static u32 at, names, markers, tokens, end; /* where the tables were written */

static void add_word(u32 value)
{
	u8 b[4];

	put_le32(b, value);
	gpmem_write(m.cpu.mem, at, b, 4);
	at += 4;
}

static void add_bytes(const void *b, u32 n)
{
	gpmem_write(m.cpu.mem, at, b, n);
	at += n;
}

static void align(void)
{
	while (at & 3)
		add_bytes("", 1);
}

/* Symbol i is "tsym_" and its number, of which "sym_" is one token: 1. */
static u8 name_of(u32 i, u8 *b)
{
	char text[16];
	u8 n = 0;

	snprintf(text, sizeof(text), "%u", i);
	b[n++] = 't';
	b[n++] = 1;
	for (const char *p = text; *p; p++)
		b[n++] = (u8)*p;
	return n;
}

static void write_tables(u32 from, bool sequence)
{
	u16 index[256], offset = 0;
	u32 marker[SYMBOLS / 256 + 1];
	u8 b[32];

	at = from;
	for (u32 i = 0; i < SYMBOLS; i++)
		add_word(i * 16);
	add_word(BASE);
	add_word(SYMBOLS);
	names = at;
	for (u32 i = 0; i < SYMBOLS; i++) {
		u8 n = name_of(i, b);

		if (i % 256 == 0)
			marker[i / 256] = at - names;
		add_bytes(&n, 1);
		add_bytes(b, n);
	}
	align();
	markers = at;
	for (u32 i = 0; i < sizeof(marker) / 4; i++)
		add_word(marker[i]);
	for (u32 i = 0; sequence && i < SYMBOLS; i++)
		add_bytes("\1\2\3", 3);
	align();
	tokens = at;
	for (unsigned i = 0; i < 256; i++) {
		char one[8] = { (char)i };

		if (i == 1 || !i)
			strcpy(one, i ? "sym_" : "in");
		index[i] = offset;
		offset = (u16)(offset + strlen(one) + 1);
		add_bytes(one, (u32)strlen(one) + 1);
	}
	align();
	add_bytes(index, sizeof(index));
	end = at;
}

static void check_names(void)
{
	char name[32];
	u32 value;

	assert_int_equal(s.count, SYMBOLS);
	for (u32 i = 0; i < SYMBOLS; i++) {
		snprintf(name, sizeof(name), "sym_%u", i);
		assert_true(dbg_symbols_value(&s, name, &value));
		assert_int_equal(value, BASE + 16 * i);
	}
}

static void found(void **state)
{
	(void)state;
	for (u32 shift = 0; shift < 4096; shift += 508) {
		write_tables(TABLES + shift, shift & 8);
		assert_null(dbg_kallsyms_load(&m.cpu, &s));
		check_names();
		dbg_symbols_free(&s);
		gpmem_write(m.cpu.mem, tokens, "", 1);
	}
}

static void nothing_there(void **state)
{
	(void)state;
	assert_non_null(dbg_kallsyms_load(&m.cpu, &s));
	assert_int_equal(s.count, 0);
	m.cpu.idtr.base = 0x7ffffff0;
	assert_non_null(dbg_kallsyms_load(&m.cpu, &s));
	m.cpu.cr0 &= ~CR0_PE;
	assert_non_null(dbg_kallsyms_load(&m.cpu, &s));
}

/* One byte of any table, or many of them. What is still found is bounded. */
static void changed(void **state)
{
	unsigned refused = 0;

	(void)state;
	random_state = 15;
	for (unsigned round = 0; round < 400; round++) {
		write_tables(TABLES, round & 1);
		for (unsigned n = one_in(2) ? 1 : 40; n; n--) {
			u8 b = (u8)rnd();

			gpmem_write(m.cpu.mem, TABLES + rnd() % (end - TABLES), &b, 1);
		}
		if (dbg_kallsyms_load(&m.cpu, &s)) {
			refused++;
			assert_int_equal(s.count, 0);
			assert_null(s.at);
		} else {
			assert_int_equal(s.count, SYMBOLS);
		}
		dbg_symbols_free(&s);
	}
	assert_true(refused > 100);
}

/* Digits everywhere, and a table whose count fits everywhere in front of the names. */
static void half_right(void **state)
{
	(void)state;
	at = TABLES;
	while (at < TABLES + 0x40000)
		add_bytes("0\0001\0002\0003\0004\0005\0006\0007\0008\0009\0", 20);
	assert_non_null(dbg_kallsyms_load(&m.cpu, &s));
	write_tables(TABLES, false);
	at = TABLES;
	while (at < markers)
		add_word(SYMBOLS);
	assert_non_null(dbg_kallsyms_load(&m.cpu, &s));
}

static const struct CMUnitTest kallsyms_tests[] = {
	GUEST_TEST(found),
	GUEST_TEST(nothing_there),
	GUEST_TEST(changed),
	GUEST_TEST(half_right),
};

GUEST_MAIN(kallsyms_tests)
