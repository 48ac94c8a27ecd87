/* SPDX-License-Identifier: MIT */
/*
 * Names of addresses: each kind of file, sorted and found; and files that are torn or changed, of
 * which nothing outside is read (the sanitizers look).
 */
#include "tests/unit/guest_fixture.h"

#include "emu/dbg/dbg_address.h"
#include "emu/dbg/dbg_symbols.h"
#include "tests/unit/random.h"

static struct dbg_symbols s;

static const char *load(const char *text)
{
	dbg_symbols_free(&s);
	return dbg_symbols_load(&s, text, strlen(text));
}

static u32 value(const char *name)
{
	u32 v = 0xdeadbeef;

	return dbg_symbols_value(&s, name, &v) ? v : 0xdeadbeef;
}

static void lines(void **state)
{
	(void)state;
	assert_null(load("c1000010 T second\n"
			 "# nothing\n\n"
			 "c1000000 t first\r\n"
			 "0x7c00 start\n"
			 "  7C10   loop.inner  \n"
			 "ffffffff81000000 T far_away\n"
			 "c2000000 d\n" /* called d */
			 "c1000020 T third\t[module]\n"
			 "U undefined\n"
			 "00000000c3000000 B wide"));
	assert_int_equal(s.count, 7);
	assert_int_equal(value("first"), 0xc1000000);
	assert_int_equal(value("second"), 0xc1000010);
	assert_int_equal(value("third"), 0xc1000020);
	assert_int_equal(value("start"), 0x7c00);
	assert_int_equal(value("loop.inner"), 0x7c10);
	assert_int_equal(value("d"), 0xc2000000);
	assert_int_equal(value("wide"), 0xc3000000);
	assert_int_equal(value("far_away"), 0xdeadbeef);
	assert_int_equal(value("firs"), 0xdeadbeef);
	for (u32 i = 1; i < s.count; i++)
		assert_true(s.at[i - 1].value <= s.at[i].value);
}

static void nothing_there(void **state)
{
	static const char *const texts[] = { "",
					     "\n\n",
					     "hello world",
					     "12345",
					     "\x7f"
					     "ELF",
					     "zz T a",
					     "123456789abcdef01 T too_long" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_non_null(load(texts[i]));
		assert_int_equal(s.count, 0);
	}
	assert_false(dbg_symbols_value(NULL, "a", &(u32){ 0 }));
	assert_null(dbg_symbols_near(NULL, 0));
}

static const char *shown(u32 address)
{
	static struct dbg_line l;

	l.len = 0;
	l.text[0] = '\0';
	dbg_add_symbol(&l, &s, address);
	return l.text;
}

static void nearest(void **state)
{
	(void)state;
	assert_null(load("1000 T a\n2000 T b\nfffffff0 T top\n"));
	assert_string_equal(shown(0xfff), "");
	assert_string_equal(shown(0x1000), " <a>");
	assert_string_equal(shown(0x1fff), " <a+fff>");
	assert_string_equal(shown(0x2001), " <b+1>");
	assert_string_equal(shown(0x200000), "");
	assert_string_equal(shown(0xffffffff), " <top+f>");
}

static void in_addresses(void **state)
{
	u32 v;

	(void)state;
	assert_null(load("1000 T main\n2000 T eax_saved\n3000 T byte\n"));
	m.cpu.stops.symbols = &s;
	assert_null(dbg_address(&m.cpu, "main+0x10", &v));
	assert_int_equal(v, 0x1010);
	assert_null(dbg_address(&m.cpu, "eax_saved - main", &v));
	assert_int_equal(v, 0x1000);
	assert_null(dbg_address(&m.cpu, "byte + 1", &v));
	assert_int_equal(v, 0x3001);
	assert_non_null(dbg_address(&m.cpu, "maim", &v));
	m.cpu.stops.symbols = NULL;
	assert_non_null(dbg_address(&m.cpu, "main", &v));
}

static u8 *read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	u8 *data = NULL;

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	*size = (size_t)ftell(f);
	rewind(f);
	data = malloc(*size);
	assert_int_equal(fread(data, 1, *size, f), *size);
	fclose(f);
	return data;
}

/* This program's own, which has 64 bits. */
static void of_elf(void **state)
{
	size_t size;
	u8 *file = read_file("/proc/self/exe", &size);
	uintptr_t distance = (uintptr_t)of_elf - (uintptr_t)read_file;

	(void)state;
	dbg_symbols_free(&s);
	assert_null(dbg_symbols_load(&s, file, size));
	assert_int_equal(value("of_elf") - value("read_file"), (u32)distance);
	dbg_symbols_free(&s);
	free(file);
}

/* One of 32 bits, made by hand: the null, and two symbols. */
static size_t small_elf(u8 *e)
{
	static const u8 names[] = "\0one\0two";
	u32 symbol[3][4] = { { 0 }, { 1, 0x1000, 4, 1 << 16 | 2 }, { 5, 0x2000, 4, 1 << 16 | 1 } };
	u32 section[3][10] = { { 0 }, { 0, 2, 0, 0, 0x40, 48, 2 }, { 0, 3, 0, 0, 0x70, 9 } };
	u32 table = 0x80;

	memset(e, 0, 0x100);
	memcpy(e,
	       "\x7f"
	       "ELF\1\1\1",
	       7);
	memcpy(e + 0x20, &table, 4);
	e[0x30] = 3;
	memcpy(e + 0x40, symbol, sizeof(symbol));
	memcpy(e + 0x70, names, sizeof(names));
	memcpy(e + 0x80, section, sizeof(section));
	return 0x80 + sizeof(section);
}

static void of_small_elf(void **state)
{
	u8 e[0x100];
	size_t size = small_elf(e);

	(void)state;
	dbg_symbols_free(&s);
	assert_null(dbg_symbols_load(&s, e, size));
	assert_int_equal(s.count, 2);
	assert_int_equal(value("one"), 0x1000);
	assert_int_equal(value("two"), 0x2000);
}

/* Cut short, and with bytes changed: in memory that ends where the file does. */
static void torn_files(void **state)
{
	u8 whole[0x100];
	size_t size = small_elf(whole);

	(void)state;
	random_state = 15;
	for (unsigned i = 0; i < 20000; i++) {
		size_t n = 1 + rnd() % size;
		u8 *e = malloc(n);

		memcpy(e, whole, n);
		for (unsigned k = one_in(4) ? 0 : 4; k-- > 0;)
			e[rnd() % n] = (u8)rnd();
		dbg_symbols_free(&s);
		dbg_symbols_load(&s, e, n);
		dbg_symbols_value(&s, "three", &(u32){ 0 });
		dbg_symbols_free(&s);
		free(e);
	}
}

static const struct CMUnitTest symbol_tests[] = {
	GUEST_TEST(lines),	  GUEST_TEST(nothing_there), GUEST_TEST(nearest),
	GUEST_TEST(in_addresses), GUEST_TEST(of_elf),	     GUEST_TEST(of_small_elf),
	GUEST_TEST(torn_files),
};

GUEST_MAIN(symbol_tests)
