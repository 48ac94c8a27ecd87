/* SPDX-License-Identifier: MIT */
/*
 * Page analysis: recursive descent from the entries, then a linear sweep of every gap.
 */
#include "vmm/code/analyse.h"

#include <Zydis/Zydis.h>

#include "emu/isa/isa.h"
#include "kernel/base/string.h"

#define PAGE  4096u
#define AHEAD 16u

/*
 * Sensitive at CPL 1 and silent there: the mnemonics that insn.def marks, and these forms of
 * others. PUSHF is not: raw code runs only while the virtual IF is 1 and IOPL, TF and VM are 0, as
 * they are in the real flags, so that it pushes just what it should. (Kernels save flags
 * everywhere, and put IF back with STI, which traps.) Nor is VERW, which kernels execute to empty
 * buffers: the shadow tables tell of every descriptor whether it can be written. From the decoder's
 * first stage alone: operands cost as much again.
 */
static bool insn_is_sensitive(const ZydisDecodedInstruction *in, bool umip)
{
	if (isa_is(in, ISA_RING1) || (!umip && isa_is(in, ISA_RING1_NO_UMIP)))
		return true;
	if (in->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) /* selectors with RPL 1 on the stack */
		return in->mnemonic == ZYDIS_MNEMONIC_CALL || in->mnemonic == ZYDIS_MNEMONIC_JMP ||
		       in->mnemonic == ZYDIS_MNEMONIC_RET;
	if (in->opcode_map != ZYDIS_OPCODE_MAP_DEFAULT ||
	    in->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY)
		return false;
	if (in->opcode == 0x8c) /* MOV from CS or SS shows RPL 1 */
		return in->raw.modrm.reg == 1 || in->raw.modrm.reg == 2;
	return in->opcode == 0x0e || in->opcode == 0x16; /* PUSH CS, PUSH SS */
}

static void decoder(ZydisDecoder *d, bool big)
{
	ZydisDecoderInit(d, big ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
			 big ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);
}

static bool decode(const ZydisDecoder *d, const u8 *p, unsigned n, ZydisDecodedInstruction *in)
{
	ZydisDecoderContext ctx;

	return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(d, &ctx, p, n, in));
}

bool analyse_is_sensitive(const u8 *code, unsigned len, bool big, bool umip)
{
	ZydisDecodedInstruction in;
	ZydisDecoder d;

	decoder(&d, big);
	return decode(&d, code, len, &in) && insn_is_sensitive(&in, umip);
}

struct state {
	u8 bytes[PAGE + AHEAD];
	unsigned size;
	u8 start[PAGE / 8], covered[PAGE / 8];
	u16 todo[512];
	unsigned todos;
	ZydisDecoder d;
	bool umip;
	struct analysis *out;
};

static bool bit(const u8 *map, unsigned i)
{
	return map[i / 8] >> (i & 7) & 1;
}

static void set_bit(u8 *map, unsigned i)
{
	map[i / 8] |= (u8)BIT(i & 7);
}

static void add_target(struct state *s, s64 target)
{
	if (target < 0 || target >= PAGE || bit(s->start, (unsigned)target))
		return;
	if (s->todos < ARRAY_SIZE(s->todo))
		s->todo[s->todos++] = (u16)target;
	else
		s->out->clean = false; /* nobody looked there */
}

/* One instruction at offset at. Returns its length, 0 to stop; *falls: control goes on behind it.
 */
static unsigned one(struct state *s, unsigned at, bool *falls)
{
	ZydisDecodedInstruction in;

	*falls = true;
	if (!decode(&s->d, s->bytes + at, MIN(s->size - at, 15u), &in)) {
		if (s->size - at < 15)
			s->out->uses_next = true; /* cut off: nobody knows */
		return 0;
	}
	s->out->insns++;
	set_bit(s->start, at);
	for (unsigned i = at; i < MIN(at + in.length, PAGE); i++)
		set_bit(s->covered, i);
	if (at + in.length > PAGE)
		s->out->uses_next = true;
	if (insn_is_sensitive(&in, s->umip)) {
		s->out->clean = false;
		s->out->offset = (u16)at;
		s->out->mnemonic = (u16)in.mnemonic;
		return 0;
	}
	if (in.meta.category == ZYDIS_CATEGORY_UNCOND_BR || in.meta.category == ZYDIS_CATEGORY_RET)
		*falls = false;
	if (in.meta.branch_type == ZYDIS_BRANCH_TYPE_SHORT ||
	    in.meta.branch_type == ZYDIS_BRANCH_TYPE_NEAR)
		if (in.raw.imm[0].size && in.raw.imm[0].is_relative)
			add_target(s, (s64)at + in.length + in.raw.imm[0].value.s);
	return in.length;
}

static void descend(struct state *s)
{
	while (s->todos && s->out->clean) {
		unsigned at = s->todo[--s->todos];
		bool falls = true;

		while (at < PAGE && falls && s->out->clean && !bit(s->start, at)) {
			unsigned n = one(s, at, &falls);

			if (!n)
				break;
			at += n;
		}
	}
}

/*
 * Where the first instruction that begins on this page does: the one before may reach into it.
 * Decoding finds into step within a few instructions wherever it starts, so the last part of the
 * page before tells.
 */
static unsigned first_boundary(const struct state *s, const u8 *tail)
{
	u8 bytes[ANALYSE_TAIL + AHEAD];
	unsigned at = 0;

	memcpy(bytes, tail, ANALYSE_TAIL);
	memcpy(bytes + ANALYSE_TAIL, s->bytes, AHEAD);
	while (at < ANALYSE_TAIL) {
		ZydisDecodedInstruction in;

		at += decode(&s->d, bytes + at, MIN((unsigned)sizeof(bytes) - at, 15u), &in)
			      ? in.length
			      : 1;
	}
	return at - ANALYSE_TAIL;
}

static void sweep(struct state *s, unsigned from)
{
	for (unsigned at = from; at < PAGE && s->out->clean;) {
		bool falls;
		unsigned n;

		if (bit(s->covered, at)) {
			at++;
			continue;
		}
		n = one(s, at, &falls);
		at += n ? n : 1;
	}
}

void analyse_page(const u8 *page, const u8 *tail, const u8 *next, bool big, const u16 *entries,
		  unsigned n, bool umip, struct analysis *out)
{
	struct state s = { .size = next ? PAGE + AHEAD : PAGE, .umip = umip, .out = out };

	*out = (struct analysis){ .clean = true };
	memcpy(s.bytes, page, PAGE);
	if (next)
		memcpy(s.bytes + PAGE, next, AHEAD);
	decoder(&s.d, big);
	for (unsigned i = 0; i < n; i++)
		add_target(&s, entries[i]);
	descend(&s);
	sweep(&s, tail ? first_boundary(&s, tail) : 0);
}
