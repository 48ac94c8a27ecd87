/* SPDX-License-Identifier: MIT */
/*
 * ChaCha20's block against RFC 8439, 2.3.2, and what the generator made of it promises: bytes that
 * depend on the seed alone and never come twice. Alone:
 * make build/unit/test_drbg && build/unit/test_drbg
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/lib/drbg.h"

static void test_block(void **state)
{
	static const u32 nonce[3] = { 0x09000000, 0x4a000000, 0 };
	static const u32 want[16] = { 0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3,
				      0xc7f4d1c7, 0x0368c033, 0x9aaa2204, 0x4e6cd4c3,
				      0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9,
				      0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2 };
	u8 key[32];
	u32 words[8], out[16];

	(void)state;
	for (u8 i = 0; i < 32; i++)
		key[i] = i;
	memcpy(words, key, sizeof(words));
	chacha20_block(words, 1, nonce, out);
	assert_memory_equal(out, want, sizeof(want));
}

static void test_generator(void **state)
{
	struct drbg a = { { 0 } }, b = { { 0 } };
	u8 x[300], y[300];

	(void)state;
	drbg_seed(&a, "a seed that is longer than one key of thirty-two bytes", 54);
	drbg_seed(&b, "a seed that is longer than one key of thirty-two bytes", 54);
	drbg_fill(&a, x, sizeof(x));
	drbg_fill(&b, y, sizeof(y));
	assert_memory_equal(x, y, sizeof(x));
	drbg_fill(&b, y, sizeof(y));
	assert_memory_not_equal(x, y, 16);
	/* Every bit of the seed matters, the last one too. */
	memset(&b, 0, sizeof(b));
	drbg_seed(&b, "a seed that is longer than one key of thirty-two byter", 54);
	drbg_fill(&b, y, sizeof(y));
	assert_memory_not_equal(x, y, 16);
	for (unsigned i = 0; i + 32 <= sizeof(x); i += 32)
		for (unsigned j = i + 32; j + 32 <= sizeof(x); j += 32)
			assert_memory_not_equal(x + i, x + j, 32);
}

/* Too few ones or zeros at a place would show here: 4 sigma of 20,000 bits is 283. */
static void test_bits(void **state)
{
	struct drbg d = { { 1 } };
	u8 bytes[2500];
	unsigned ones = 0;

	(void)state;
	drbg_fill(&d, bytes, sizeof(bytes));
	for (unsigned i = 0; i < sizeof(bytes); i++)
		ones += (unsigned)__builtin_popcount(bytes[i]);
	assert_in_range(ones, 10000 - 283, 10000 + 283);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_block),
		cmocka_unit_test(test_generator),
		cmocka_unit_test(test_bits),
	};

	return cmocka_run_group_tests_name("drbg", tests, NULL, NULL);
}
