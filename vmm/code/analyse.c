/* SPDX-License-Identifier: MIT */
/*
 * Page analysis: recursive descent from the entries, then a linear sweep of every gap.
 */
#include "vmm/code/analyse.h"

#include <Zydis/Zydis.h>

#include "emu/isa/isa.h"
#include "kernel/base/string.h"

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

static bool decode(bool big, const u8 *p, unsigned n, ZydisDecodedInstruction *in)
{
	ZydisDecoderContext ctx;
	ZydisDecoder d;

	ZydisDecoderInit(&d, big ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
			 big ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);
	return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&d, &ctx, p, n, in));
}

bool analyse_is_sensitive(const u8 *code, unsigned len, bool big, bool umip)
{
	ZydisDecodedInstruction in;

	return decode(big, code, len, &in) && insn_is_sensitive(&in, umip);
}

static bool bit(const u8 *map, unsigned i)
{
	return map[i / 8] >> (i & 7) & 1;
}

static void set_bit(u8 *map, unsigned i)
{
	map[i / 8] |= (u8)BIT(i & 7);
}

static void add_target(struct analyser *s, s64 target)
{
	if (target < 0 || target >= ANALYSE_PAGE || bit(s->start, (unsigned)target))
		return;
	if (s->todos < ARRAY_SIZE(s->todo))
		s->todo[s->todos++] = (u16)target;
	else
		s->found.clean = false; /* nobody looked there */
}

/* One instruction at offset at. Returns its length, 0 to stop; *falls: control goes on behind it.
 */
static unsigned one(struct analyser *s, unsigned at, bool *falls)
{
	ZydisDecodedInstruction in;

	*falls = true;
	if (!decode(s->big, s->bytes + at, MIN(s->size - at, 15u), &in)) {
		if (s->size - at < 15)
			s->found.uses_next = true; /* cut off: nobody knows */
		return 0;
	}
	s->found.insns++;
	set_bit(s->start, at);
	for (unsigned i = at; i < MIN(at + in.length, ANALYSE_PAGE); i++)
		set_bit(s->covered, i);
	if (at + in.length > ANALYSE_PAGE)
		s->found.uses_next = true;
	if (insn_is_sensitive(&in, s->umip)) {
		s->found.clean = false;
		s->found.offset = (u16)at;
		s->found.mnemonic = (u16)in.mnemonic;
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

/*
 * Where the first instruction that begins on this page does: the one before may reach into it.
 * Decoding finds into step within a few instructions wherever it starts, so the last part of the
 * page before tells.
 */
static unsigned first_boundary(const struct analyser *s, const u8 *tail)
{
	u8 bytes[ANALYSE_TAIL + ANALYSE_AHEAD];
	unsigned at = 0;

	memcpy(bytes, tail, ANALYSE_TAIL);
	memcpy(bytes + ANALYSE_TAIL, s->bytes, ANALYSE_AHEAD);
	while (at < ANALYSE_TAIL) {
		ZydisDecodedInstruction in;

		at += decode(s->big, bytes + at, MIN((unsigned)sizeof(bytes) - at, 15u), &in)
			      ? in.length
			      : 1;
	}
	return at - ANALYSE_TAIL;
}

/* Goes on along the path, or takes the next one; false: there is none. */
static bool descend(struct analyser *s)
{
	bool falls;
	unsigned n;

	if (s->at >= ANALYSE_PAGE || bit(s->start, s->at)) {
		if (!s->todos)
			return false;
		s->at = s->todo[--s->todos];
		return true;
	}
	n = one(s, s->at, &falls);
	s->at = n && falls ? s->at + n : ANALYSE_PAGE;
	return true;
}

/* The next gap's next instruction; false: there is no gap any more. */
static bool sweep(struct analyser *s)
{
	bool falls;
	unsigned n;

	while (s->at < ANALYSE_PAGE && bit(s->covered, s->at))
		s->at++;
	if (s->at >= ANALYSE_PAGE)
		return false;
	n = one(s, s->at, &falls);
	s->at += n ? n : 1;
	return true;
}

void analyse_begin(struct analyser *s, const u8 *page, const u8 *tail, const u8 *next, bool big,
		   const u16 *entries, unsigned n, bool umip)
{
	*s = (struct analyser){ .size = next ? ANALYSE_PAGE + ANALYSE_AHEAD : ANALYSE_PAGE,
				.big = big,
				.umip = umip,
				.at = ANALYSE_PAGE,
				.found = { .clean = true } };
	memcpy(s->bytes, page, ANALYSE_PAGE);
	if (next)
		memcpy(s->bytes + ANALYSE_PAGE, next, ANALYSE_AHEAD);
	for (unsigned i = 0; i < n; i++)
		add_target(s, entries[i]);
	s->first = tail ? first_boundary(s, tail) : 0;
}

bool analyse_step(struct analyser *s, unsigned steps)
{
	for (; s->found.clean && steps; steps--) {
		if (s->sweeping ? sweep(s) : descend(s))
			continue;
		if (s->sweeping)
			return true;
		s->sweeping = true;
		s->at = s->first;
	}
	return !s->found.clean;
}
