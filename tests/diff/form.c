/* SPDX-License-Identifier: MIT */
/*
 * Which forms there are. An opcode's eight operations by ModRM's reg are one form each if they are
 * not one and the same instruction; a prefix makes a form if it changes the instruction, its
 * widths, or repeats or locks it.
 */
#include "tests/diff/form.h"

#include <string.h>

#include "tests/host/opcode_maps.h"

static ZydisDecoder decoder;
static void (*take_form)(const struct form *f);
#define HEADS 65536u
static u64 seen[HEADS]; /* heads that were taken care of, with their length: a hash table */

bool form_repeats(const ZydisDecodedInstruction *in)
{
	return in->attributes &
	       (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE);
}

static bool decode(const u8 *bytes, ZydisDecodedInstruction *in, ZydisDecodedOperand *op)
{
	ZydisDecoderContext ctx;

	return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, &ctx, bytes, 15, in)) &&
	       ZYAN_SUCCESS(ZydisDecoderDecodeOperands(&decoder, &ctx, in, op, in->operand_count));
}

/* Zydis does not say of these that they push. */
static bool pushes(ZydisMnemonic name)
{
	return name == ZYDIS_MNEMONIC_INT || name == ZYDIS_MNEMONIC_INT3 ||
	       name == ZYDIS_MNEMONIC_INT1 || name == ZYDIS_MNEMONIC_INTO;
}

static bool touches_memory(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op)
{
	for (unsigned i = 0; i < in->operand_count; i++)
		if (op[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    op[i].mem.type != ZYDIS_MEMOP_TYPE_AGEN)
			return true;
	return pushes(in->mnemonic);
}

static u32 operand_bits(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op)
{
	u32 bits = 0;

	for (unsigned i = 0; i < in->operand_count; i++)
		bits = bits * 31 + op[i].size;
	return bits;
}

static bool is_prefix(u8 b)
{
	return b == 0x66 || b == 0x67 || b == 0xf0 || b == 0xf2 || b == 0xf3;
}

/* Without its i-th byte, a prefix, it is the same. */
static bool idle_prefix(const u8 *bytes, unsigned i, const ZydisDecodedInstruction *in,
			const ZydisDecodedOperand *op)
{
	const u64 matters = ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE |
			    ZYDIS_ATTRIB_HAS_LOCK;
	ZydisDecodedInstruction less;
	ZydisDecodedOperand less_op[ZYDIS_MAX_OPERAND_COUNT];
	u8 rest[16] = { 0 };

	memcpy(rest, bytes, i);
	memcpy(rest + i, bytes + i + 1, 15 - i);
	return decode(rest, &less, less_op) && less.mnemonic == in->mnemonic &&
	       less.operand_width == in->operand_width && less.address_width == in->address_width &&
	       less.operand_count == in->operand_count &&
	       operand_bits(&less, less_op) == operand_bits(in, op) &&
	       !((less.attributes ^ in->attributes) & matters);
}

/* head[] with this ModRM (memory by BX or EBX, and a displacement) is a form. */
static bool form_of(struct form *f, u8 reg)
{
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	u8 bytes[16] = { 0 };

	memcpy(bytes, f->head, f->len);
	bytes[f->len] = (u8)(0x87 | reg << 3);
	f->reg = reg;
	if (!decode(bytes, &f->in, op)) { /* a vector of indices: only with a SIB byte */
		bytes[f->len] = (u8)(0x84 | reg << 3);
		bytes[f->len + 1] = 0x0f;
		if (!decode(bytes, &f->in, op)) { /* memory that ModRM does not name: MASKMOVQ */
			bytes[f->len] = (u8)(0xc7 | reg << 3);
			if (!decode(bytes, &f->in, op))
				return false;
		}
	}
	if (!touches_memory(&f->in, op))
		return false;
	for (unsigned i = 0; i < f->len && is_prefix(bytes[i]); i++)
		if (idle_prefix(bytes, i, &f->in, op))
			return false;
	return true;
}

static void each_reg(struct form *f)
{
	ZydisMnemonic first = ZYDIS_MNEMONIC_INVALID;
	bool is_form[8], any = false;

	f->grouped = false;
	for (u8 reg = 0; reg < 8; reg++) {
		is_form[reg] = form_of(f, reg);
		if (!is_form[reg])
			continue;
		if (any && f->in.mnemonic != first)
			f->grouped = true;
		first = f->in.mnemonic;
		any = true;
	}
	for (u8 reg = 0; reg < 8; reg++)
		if (is_form[reg] && form_of(f, reg)) {
			take_form(f);
			if (!f->grouped)
				return;
		}
}

/* In the place of an opcode the maps have prefixes, too: what comes then is elsewhere in the walk.
 */
static bool is_other_prefix(u8 b)
{
	return b == 0x26 || b == 0x2e || b == 0x36 || b == 0x3e || b == 0x64 || b == 0x65;
}

static bool seen_before(const struct form *f)
{
	u64 key = f->len, at;

	memcpy((u8 *)&key + 1, f->head, 7);
	for (at = key * 0x9e3779b97f4a7c15ull >> 48; seen[at]; at = (at + 1) % HEADS)
		if (seen[at] == key)
			return true;
	seen[at] = key;
	return false;
}

static void take(const u8 *bytes, unsigned n)
{
	ZydisDecodedInstruction in;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	struct form f = { 0 };

	(void)n;
	while (is_prefix(bytes[f.len]))
		f.len++;
	if (f.len > 2 || is_other_prefix(bytes[f.len]) || !decode(bytes, &in, op))
		return;
	f.has_modrm = in.attributes & ZYDIS_ATTRIB_HAS_MODRM;
	if (f.has_modrm)
		f.len = in.raw.modrm.offset;
	else
		f.len = (u8)(f.len + (in.opcode_map == ZYDIS_OPCODE_MAP_0F ? 2 : 1));
	if (f.len >= sizeof(f.head))
		return;
	memcpy(f.head, bytes, f.len);
	if (seen_before(&f))
		return;
	if (f.has_modrm)
		each_reg(&f);
	else if (form_of(&f, 0))
		take_form(&f);
}

void form_each(bool code16, void (*take_it)(const struct form *f))
{
	const struct opcode_walk w = { .wide = !code16, .pairs = true, .take = take };

	ZydisDecoderInit(&decoder,
			 code16 ? ZYDIS_MACHINE_MODE_LEGACY_16 : ZYDIS_MACHINE_MODE_LEGACY_32,
			 code16 ? ZYDIS_STACK_WIDTH_16 : ZYDIS_STACK_WIDTH_32);
	ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_CET, ZYAN_FALSE);
	take_form = take_it;
	memset(seen, 0, sizeof(seen));
	opcode_maps_walk(&w);
}
