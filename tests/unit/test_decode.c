/* SPDX-License-Identifier: MIT */
/*
 * The decoder's short way (emu/trans/trans_decode.c) beside Zydis: all opcodes of one and two bytes
 * with all ModRM and SIB bytes, all prefixes that it takes, in code of 16 and 32 bits. What the
 * translator looks at must be the same, and the part that it names must be the one that a mnemonic
 * belongs to. Alone: make build/unit/test_decode && build/unit/test_decode
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "emu/trans/trans.h"
#include "kernel/base/string.h"
#include "tests/unit/random.h"

#define FLAGS                                                                    \
	(ZYDIS_ATTRIB_HAS_MODRM | ZYDIS_ATTRIB_HAS_LOCK | ZYDIS_ATTRIB_HAS_REP | \
	 ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)

static struct trans zydis, ours;
static u8 bytes[INSN_MAX];
static u32 decoded;

static void wrong(const char *what, u64 is, u64 should)
{
	fail_msg("%s: %llx, not %llx: mode %x, %02x %02x %02x %02x %02x %02x %02x", what,
		 (unsigned long long)is, (unsigned long long)should, ours.key, bytes[0], bytes[1],
		 bytes[2], bytes[3], bytes[4], bytes[5], bytes[6]);
}

#define SAME(field)                                                                     \
	do {                                                                            \
		if ((ours.field) != (zydis.field))                                      \
			wrong(#field, (u64)(s64)(ours.field), (u64)(s64)(zydis.field)); \
	} while (0)

/* Perhaps written is written. */
static void compare_actions(unsigned n)
{
	ZydisOperandActions o = ours.op[n].actions, z = zydis.op[n].actions;

	if (!(o & ZYDIS_OPERAND_ACTION_MASK_READ) != !(z & ZYDIS_OPERAND_ACTION_MASK_READ) ||
	    !(o & ZYDIS_OPERAND_ACTION_MASK_WRITE) != !(z & ZYDIS_OPERAND_ACTION_MASK_WRITE))
		wrong("actions", o, z);
}

static void compare_mem(unsigned n)
{
	compare_actions(n);
	SAME(op[n].mem.type);
	if (zydis.op[n].mem.type != ZYDIS_MEMOP_TYPE_AGEN)
		SAME(op[n].mem.segment);
	SAME(op[n].mem.base);
	SAME(op[n].mem.index);
	if (zydis.op[n].mem.index)
		SAME(op[n].mem.scale);
	SAME(op[n].mem.disp.has_displacement);
	if (zydis.op[n].mem.disp.has_displacement)
		SAME(op[n].mem.disp.value);
}

/* That it is one of a register, or another one. */
static unsigned encoding(const ZydisDecodedOperand *o)
{
	switch (o->encoding) {
	case ZYDIS_OPERAND_ENCODING_MODRM_REG:
	case ZYDIS_OPERAND_ENCODING_MODRM_RM:
	case ZYDIS_OPERAND_ENCODING_OPCODE:
	case ZYDIS_OPERAND_ENCODING_IS4:
		return o->encoding;
	default:
		return 0;
	}
}

static void compare_operand(unsigned n)
{
	SAME(op[n].type);
	SAME(op[n].visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN);
	if (encoding(&ours.op[n]) != encoding(&zydis.op[n]))
		wrong("encoding", ours.op[n].encoding, zydis.op[n].encoding);
	switch (zydis.op[n].type) {
	case ZYDIS_OPERAND_TYPE_REGISTER:
		SAME(op[n].size);
		SAME(op[n].reg.value);
		break;
	case ZYDIS_OPERAND_TYPE_MEMORY:
		if (zydis.op[n].mem.type != ZYDIS_MEMOP_TYPE_AGEN)
			SAME(op[n].size);
		compare_mem(n);
		break;
	case ZYDIS_OPERAND_TYPE_POINTER:
		SAME(op[n].ptr.segment);
		SAME(op[n].ptr.offset);
		break;
	default:
		/* All of it for a jump; the lower half is a number's. */
		if (zydis.in.raw.imm[0].is_relative)
			SAME(op[n].imm.value.s);
		else
			SAME(op[n].imm.value.u & 0xffffffff);
	}
}

static bool is_far(const struct trans *t)
{
	return t->in.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
}

/* One that may be named instead of TRANS_ANY, which is right always. */
static enum trans_part part(void)
{
	switch (zydis.in.mnemonic) {
	case ZYDIS_MNEMONIC_PUSH:
	case ZYDIS_MNEMONIC_POP:
		return trans_gpr(zydis.op[0].reg.value) < 0 &&
				       zydis.in.mnemonic == ZYDIS_MNEMONIC_POP &&
				       zydis.op[0].type == ZYDIS_OPERAND_TYPE_REGISTER
			       ? TRANS_ANY
			       : TRANS_STACK;
	case ZYDIS_MNEMONIC_CALL:
	case ZYDIS_MNEMONIC_JMP:
	case ZYDIS_MNEMONIC_RET:
		return is_far(&zydis) ? TRANS_ANY : TRANS_CONTROL;
	case ZYDIS_MNEMONIC_IN:
	case ZYDIS_MNEMONIC_OUT:
		return TRANS_HARD;
	default:
		return zydis.in.meta.category == ZYDIS_CATEGORY_COND_BR ? TRANS_CONTROL
									: TRANS_COPY;
	}
}

static bool conditional(const struct trans *t)
{
	return t->in.meta.category == ZYDIS_CATEGORY_COND_BR;
}

static void compare_prefixes(void)
{
	SAME(in.raw.prefix_count);
	for (unsigned i = 0; i < zydis.in.raw.prefix_count; i++)
		SAME(in.raw.prefixes[i].value);
}

static void compare_immediates(void)
{
	for (unsigned i = 0; i < 2; i++) {
		SAME(in.raw.imm[i].size);
		if (zydis.in.raw.imm[i].size) {
			SAME(in.raw.imm[i].offset);
			SAME(in.raw.imm[i].value.u & 0xffffffff);
		}
	}
}

/* Of a string instruction's operands, which are hidden, somebody asks where it reads from. */
static void compare_source(void)
{
	unsigned n = 0, seg = SEG_COUNT;

	for (; n < zydis.in.operand_count; n++)
		if (zydis.op[n].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    (zydis.op[n].mem.base == ZYDIS_REGISTER_ESI ||
		     zydis.op[n].mem.base == ZYDIS_REGISTER_SI))
			seg = trans_seg(zydis.op[n].mem.segment);
	if (seg == SEG_COUNT) {
		assert_int_equal(ours.in.operand_count, 0);
		return;
	}
	assert_int_equal(ours.in.operand_count, 1);
	assert_int_equal(ours.op[0].type, ZYDIS_OPERAND_TYPE_MEMORY);
	assert_int_equal(ours.op[0].visibility, ZYDIS_OPERAND_VISIBILITY_HIDDEN);
	assert_int_equal(trans_seg(ours.op[0].mem.segment), seg);
	assert_int_equal(ours.op[0].mem.base,
			 ours.in.address_width == 16 ? ZYDIS_REGISTER_SI : ZYDIS_REGISTER_ESI);
}

static bool is_string(void)
{
	unsigned op = zydis.in.opcode;

	return zydis.in.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && op >= 0xa4 && op <= 0xaf &&
	       (op & 0xfe) != 0xa8;
}

static void compare(enum trans_part found)
{
	assert_int_equal(trans_decode(&zydis), 0);
	SAME(in.mnemonic);
	SAME(in.length);
	SAME(in.encoding);
	SAME(in.opcode_map);
	SAME(in.opcode);
	SAME(in.operand_width == 16);
	SAME(in.operand_width == 32);
	SAME(in.address_width);
	SAME(in.attributes & FLAGS);
	SAME(in.meta.isa_ext);
	if (is_far(&ours) != is_far(&zydis))
		wrong("far", is_far(&ours), is_far(&zydis));
	if (conditional(&ours) != conditional(&zydis))
		wrong("category", ours.in.meta.category, zydis.in.meta.category);
	if (zydis.in.attributes & ZYDIS_ATTRIB_HAS_MODRM) {
		SAME(in.raw.modrm.reg);
		SAME(in.raw.modrm.rm);
	}
	compare_prefixes();
	compare_immediates();
	SAME(in.operand_count_visible);
	for (unsigned n = 0; n < zydis.in.operand_count_visible; n++)
		compare_operand(n);
	if (is_string())
		compare_source();
	/* None that is left from before. */
	assert_int_equal(ours.op[ours.in.operand_count].type, ZYDIS_OPERAND_TYPE_UNUSED);
	if (found != TRANS_ANY && found != part())
		wrong("part", found, part());
	decoded++;
}

static enum trans_part one(void)
{
	enum trans_part found = trans_decode_short(&ours);

	if (found != TRANS_UNKNOWN)
		compare(found);
	return found;
}

/* Bytes from n on, of which the first is ModRM if there is one. all: every SIB byte. */
static void modrms(unsigned n, bool all)
{
	for (unsigned modrm = 0; modrm < 256; modrm++) {
		bool sib = modrm < 0xc0 && (modrm & 7) == 4;

		for (unsigned i = n; i < INSN_MAX; i++)
			bytes[i] = one_in(4) ? 0x80 : (u8)rnd();
		bytes[n] = (u8)modrm;
		for (unsigned s = 0; s < (sib ? 256 : 1); s += all ? 1 : 37) {
			bytes[n + 1] = (u8)(sib ? s : rnd());
			one();
		}
	}
}

static void opcodes(unsigned n, bool all)
{
	for (unsigned wide = 0; wide < 2; wide++)
		for (unsigned opcode = 0; opcode < 256; opcode++) {
			if (!wide && opcode == 0x0f)
				continue;
			bytes[n] = 0x0f;
			bytes[n + wide] = (u8)opcode;
			modrms(n + wide + 1, all);
		}
}

static void set_mode(bool is32)
{
	zydis.key = ours.key = is32 ? KEY_D : 0;
	zydis.bytes = ours.bytes = bytes;
	zydis.have = ours.have = INSN_MAX;
	trans_set_decoder(&zydis);
}

static void test_all(void **state)
{
	static const u8 segment[] = { 0, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };

	(void)state;
	random_state = 1;
	for (unsigned i = 0; i < 2 * 4 * ARRAY_SIZE(segment); i++) {
		unsigned n = 0, seg = i / 8;

		if (i & 2)
			bytes[n++] = 0x66;
		if (segment[seg])
			bytes[n++] = segment[seg];
		if (i & 4)
			bytes[n++] = 0x67;
		set_mode(i & 1);
		opcodes(n, !seg);
	}
	assert_in_range(decoded, 1000000, 100000000);
}

static void test_repeated(void **state)
{
	static const u8 segment[] = { 0, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };
	u32 known = 0;

	(void)state;
	for (unsigned i = 0; i < 2 * 4 * 2 * ARRAY_SIZE(segment) * 12; i++) {
		unsigned n = 0, opcode = 0xa4 + i / 16 % 12, seg = i / 16 / 12;

		if (i & 2)
			bytes[n++] = 0x66;
		bytes[n++] = i & 8 ? 0xf2 : 0xf3;
		if (segment[seg])
			bytes[n++] = segment[seg];
		if (i & 4)
			bytes[n++] = 0x67;
		bytes[n] = (u8)opcode;
		set_mode(i & 1);
		known += one() != TRANS_UNKNOWN;
	}
	/* F2h means something in front of CMPS and SCAS. */
	assert_int_equal(known, 8 * ARRAY_SIZE(segment) * (10 + 4));
}

/* Prefixes that are there twice, or are others, are for Zydis; so are bytes that may not be all. */
static void test_refused(void **state)
{
	static const u8 refused[][3] = { { 0x66, 0x66 }, { 0x67, 0x67 },
					 { 0x26, 0x2e }, { 0x64, 0x66, 0x64 },
					 { 0xf0 },	 { 0xf2 },
					 { 0xf3 },	 { 0x66, 0xf0 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(refused); i++) {
		unsigned n = 0;

		while (n < 3 && refused[i][n]) {
			bytes[n] = refused[i][n];
			n++;
		}
		bytes[n] = 0x8b;
		set_mode(i & 1);
		assert_int_equal(one(), TRANS_UNKNOWN);
	}
	bytes[0] = 0x8b;
	assert_int_equal(one(), TRANS_COPY);
	ours.have = INSN_MAX - 1;
	assert_int_equal(one(), TRANS_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest decode[] = { cmocka_unit_test(test_all),
					     cmocka_unit_test(test_repeated),
					     cmocka_unit_test(test_refused) };

	return cmocka_run_group_tests(decode, NULL, NULL);
}
