/* SPDX-License-Identifier: MIT */
/*
 * What is packed comes out again, from nothing to the largest size, and never needs more room than
 * promised: the buffers are as large as that, and the sanitizer looks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "emu/snap/lz.h"
#include "tests/unit/random.h"

static u8 data[LZ_IN_MAX];

/* -1: it is no packed form, or not of n bytes. */
static int unpack(const u8 *in, u32 size, u8 *out, u32 n)
{
	u32 at = 0;

	for (u32 i = 0; i < size;) {
		u32 c = in[i++], len = c < 0x80 ? c + 1 : c - 0x80 + LZ_MATCH_MIN;

		if (len > n - at)
			return -1;
		if (c < 0x80) {
			memcpy(out + at, in + i, len);
			i += len;
		} else {
			u32 distance = in[i] | (u32)in[i + 1] << 8;

			i += 2;
			if (!distance || distance > at)
				return -1;
			for (u32 k = 0; k < len; k++)
				out[at + k] = out[at + k - distance];
		}
		at += len;
	}
	return at == n ? 0 : -1;
}

/* Its packed size. */
static u32 round_trip(u32 n)
{
	static struct lz z;
	u8 *in = malloc(n ? n : 1), *packed = malloc(n + n / 128 + 1), *out = malloc(n ? n : 1);
	u32 size;

	memcpy(in, data, n);
	size = lz_pack(&z, in, n, packed);
	assert_in_range(size, 0, n + n / 128 + 1);
	assert_int_equal(unpack(packed, size, out, n), 0);
	assert_memory_equal(in, out, n);
	free(in);
	free(packed);
	free(out);
	return size;
}

static void test_noise(void **state)
{
	static const u32 sizes[] = {
		0, 1, 3, 4, 5, 127, 128, 129, 131, 132, 4096, 61440, LZ_IN_MAX
	};

	(void)state;
	random_state = 1;
	for (u32 kinds = 1; kinds <= 256; kinds *= 2) {
		for (u32 i = 0; i < sizeof(data); i++)
			data[i] = (u8)(rnd() % kinds);
		for (u32 i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
			round_trip(sizes[i]);
	}
}

/* Records with a number become smaller. */
static void test_records(void **state)
{
	(void)state;
	for (u32 i = 0; i < sizeof(data); i++)
		data[i] = (u8)(i % 16 < 4 ? (i / 16) >> (i % 4 * 8) : i % 16);
	assert_in_range(round_trip(sizeof(data)), 1, sizeof(data) / 2);
}

static void test_echoes(void **state)
{
	(void)state;
	random_state = 2;
	for (int round = 0; round < 2000; round++) {
		u32 n = one_in(50) ? 0 : (u32)(rnd() % 700), period = 1 + (u32)(rnd() % 200);

		for (u32 i = 0; i < n; i++)
			data[i] = rnd() % 8 && i >= period ? data[i - period] : (u8)rnd();
		round_trip(n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_echoes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
