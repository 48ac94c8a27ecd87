/* SPDX-License-Identifier: MIT */
/*
 * Pictures as sixels, read back by a decoder of the tests: dot by dot the same, with a palette; the
 * nearest of 216 colours without one. Alone: make build/unit/test_sixel && build/unit/test_sixel
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kernel/base/string.h"
#include "tests/unit/random.h"
#include "vmm/term/sixel.h"

#define WIDTH  700u
#define HEIGHT 300u

static u32 source[HEIGHT][WIDTH];
static u32 decoded[HEIGHT][WIDTH];
static struct sixel encoder;

static void line(void *ctx, u32 y, u32 *rgb)
{
	(void)ctx;
	assert_true(y < encoder.height);
	memcpy(rgb, source[y], encoder.width * sizeof(u32));
}

static u32 number(const char **p)
{
	u32 n = 0;

	assert_true(**p >= '0' && **p <= '9');
	while (**p >= '0' && **p <= '9')
		n = n * 10 + (u32)(*(*p)++ - '0');
	return n;
}

static u32 level(u32 percent)
{
	assert_in_range(percent, 0, 100);
	return (percent * 255 + 50) / 100;
}

static u32 colour[256], pen, x, y;
static bool known[256];

static void dots(u32 bits, u32 n)
{
	for (; n--; x++)
		for (u32 i = 0; i < 6; i++)
			if (bits >> i & 1) {
				assert_true(x < encoder.width && y + i < encoder.height);
				assert_true(known[pen]);
				decoded[y + i][x] = colour[pen];
			}
}

static void choose(const char **p)
{
	u32 n = number(p);

	assert_true(n < 256);
	if (**p == ';') {
		u32 part[4];

		for (unsigned i = 0; i < 4; i++) {
			assert_int_equal(*(*p)++, ';');
			part[i] = number(p);
		}
		assert_int_equal(part[0], 2);
		colour[n] = level(part[1]) << 16 | level(part[2]) << 8 | level(part[3]);
		known[n] = true;
	}
	pen = n;
}

static void decode(const char *p)
{
	static const char head[] = "\x1bPq\"1;1;";

	assert_memory_equal(p, head, sizeof(head) - 1);
	p += sizeof(head) - 1;
	assert_int_equal(number(&p), encoder.width);
	assert_int_equal(*p++, ';');
	assert_int_equal(number(&p), encoder.height);
	x = y = 0;
	memset(known, 0, sizeof(known));
	while (*p != 0x1b) {
		char c = *p++;
		u32 n = 1;

		if (c == '#') {
			choose(&p);
		} else if (c == '$') {
			x = 0;
		} else if (c == '-') {
			x = 0;
			y += 6;
		} else {
			if (c == '!') {
				n = number(&p);
				c = *p++;
			}
			assert_in_range(c, '?', '~');
			dots((u32)(c - '?'), n);
		}
	}
	assert_string_equal(p, "\x1b\\");
}

static void encode_and_decode(const u32 *palette, u32 colours, u32 width, u32 height)
{
	static char out[8 << 20];
	u32 used = 0, n;

	encoder.line = line;
	encoder.width = width;
	encoder.height = height;
	sixel_begin(&encoder, palette, colours);
	memset(decoded, 0xff, sizeof(decoded));
	assert_true(sixel_sending(&encoder));
	while ((n = sixel_next(&encoder, out + used))) {
		assert_true(n <= SIXEL_PIECE);
		used += n;
		assert_true(used + SIXEL_PIECE < sizeof(out));
	}
	assert_false(sixel_sending(&encoder));
	out[used] = '\0';
	decode(out);
}

static bool near(u32 a, u32 b, s32 most)
{
	for (unsigned shift = 0; shift < 24; shift += 8)
		if (abs((s32)(a >> shift & 0xff) - (s32)(b >> shift & 0xff)) > most)
			return false;
	return true;
}

static void check(u32 width, u32 height, s32 most)
{
	for (u32 row = 0; row < height; row++)
		for (u32 column = 0; column < width; column++)
			if (!near(decoded[row][column], source[row][column], most))
				fail_msg("%u, %u: %x for %x", column, row, decoded[row][column],
					 source[row][column]);
}

static void test_palette(void **state)
{
	u32 palette[256];

	(void)state;
	for (unsigned round = 0; round < 12; round++) {
		u32 colours = round & 1 ? 16 : 256, width = 1 + (u32)rnd() % WIDTH,
		    height = 1 + (u32)rnd() % HEIGHT, last = 0;

		for (u32 i = 0; i < 256; i++)
			palette[i] = (u32)rnd() & 0xffffff;
		for (u32 row = 0; row < height; row++)
			for (u32 column = 0; column < width; column++) {
				if (one_in(1 + round))
					last = palette[rnd() % colours];
				source[row][column] = column + row ? last : palette[0];
			}
		for (u32 column = 0; column < width; column++) /* all of the palette */
			source[0][column] = source[0][column] ? source[0][column] : palette[0];
		for (u32 row = 0; row < height; row++)
			for (u32 column = 0; column < width; column++)
				if (!source[row][column])
					source[row][column] = palette[0];
		encode_and_decode(palette, colours, width, height);
		check(width, height, 2); /* sixels know percents */
	}
}

static void test_direct(void **state)
{
	(void)state;
	for (u32 row = 0; row < HEIGHT; row++)
		for (u32 column = 0; column < WIDTH; column++)
			source[row][column] = (u32)rnd() & 0xffffff;
	encode_and_decode(NULL, 0, WIDTH, 100);
	check(WIDTH, 100, 26); /* half a step of the cube */
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_palette),
		cmocka_unit_test(test_direct),
	};

	random_state = argc > 1 ? strtoull(argv[1], NULL, 0) : 20260729;
	print_message("seed %llu\n", (unsigned long long)random_state);
	return cmocka_run_group_tests_name("sixel", tests, NULL, NULL);
}
