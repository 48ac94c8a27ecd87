/* SPDX-License-Identifier: MIT */
/*
 * emu/isa/insn.def against the verifier's whitelist (verify_class.c), which is a list of its own,
 * as a proof must not share its premise. Every opcode of every map is decoded as 64-bit code, and
 * the verifier asked whether translated code may hold it. Where the extension is here, the verifier
 * must permit what the table has copied, and refuse what the table leaves to C. What the table has
 * as undefined it must refuse, whatever the extension. Each difference is named below, with its
 * reason; one that is not there any more fails, too.
 *
 * Alone: make build/unit/test_isa && build/unit/test_isa
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "emu/isa/isa.h"
#include "emu/verify/verify_internal.h"
#include "tests/host/opcode_maps.h"

static const struct {
	ZydisMnemonic mnemonic;
	const char *why;
} differences[] = {
#define D(name, why)                       \
	{                                  \
		ZYDIS_MNEMONIC_##name, why \
	}
#define ANEW "encoded anew: the guest's stack is no stack of the host's"
	D(PUSH, ANEW),
	D(POP, ANEW),
	D(RET, ANEW),
	D(XLAT, "encoded anew: its table's address has no 67h form with a base"),
#define GATHER "confined by 67h, but C's: an index may be anywhere, and elements fault one by one"
	D(VGATHERDPD, GATHER),
	D(VGATHERDPS, GATHER),
	D(VGATHERQPD, GATHER),
	D(VGATHERQPS, GATHER),
	D(VPGATHERDD, GATHER),
	D(VPGATHERDQ, GATHER),
	D(VPGATHERQD, GATHER),
	D(VPGATHERQQ, GATHER),
};

/* Of each mnemonic: forms that the verifier permits, and forms that it refuses. */
static struct {
	unsigned permitted, refused;
} seen[ZYDIS_MNEMONIC_MAX_VALUE + 1];
static ZydisDecoder decoder;

static void take(const u8 *bytes, unsigned n)
{
	struct verify v = { 0 };

	(void)n;
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, OPCODE_BYTES - 1, &v.in, v.op)) ||
	    (!(isa_extension[v.in.meta.isa_ext] & EXT_HERE) && isa_insn[v.in.mnemonic].op != OP_UD))
		return;
	if (verify_class(&v))
		seen[v.in.mnemonic].permitted++;
	else
		seen[v.in.mnemonic].refused++;
}

static const char *listed(unsigned mnemonic)
{
	for (unsigned i = 0; i < ARRAY_SIZE(differences); i++)
		if (differences[i].mnemonic == mnemonic)
			return differences[i].why;
	return NULL;
}

/* What the table says of it, in the verifier's terms: may translated code hold it? */
static bool table_permits(unsigned mnemonic)
{
	return isa_insn[mnemonic].op == OP_COPY;
}

static void verifier_and_table(void **state)
{
	const struct opcode_walk w = { .wide = true, .pairs = true, .take = take };
	unsigned compared = 0, unlisted = 0;

	(void)state;
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	opcode_maps_walk(&w);
	for (unsigned m = 1; m <= ZYDIS_MNEMONIC_MAX_VALUE; m++) {
		bool permits = seen[m].permitted, differs = table_permits(m) != permits;

		if (!seen[m].permitted && !seen[m].refused)
			continue;
		compared++;
		if (differs == !!listed(m))
			continue;
		print_message("%s: %s, %s by the verifier\n", ZydisMnemonicGetString(m),
			      table_permits(m) ? "copied" : "C's",
			      permits ? "permitted" : "refused");
		unlisted++;
	}
	print_message("%u mnemonics compared\n", compared);
	assert_true(compared > 700);
	assert_int_equal(unlisted, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(verifier_and_table) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
