/* SPDX-License-Identifier: MIT */
/*
 * Cases: where things lie in each mode, putting the bytes together, and printing.
 */
#include "tests/diff/case.h"

#include <stdio.h>
#include <string.h>

#include "emu/cpu/cpu.h"

const char *const case_mode_name[CASE_MODES] = { "flat3",   "flat0",	"segments", "prot16",
						 "real",    "v86",	"paged0",   "paged-segs",
						 "paged16", "paged-v86" };

/* What modes have in common. */
#define WINDOWS(unit)                                                                     \
	.code = 1 * (unit), .data = 2 * (unit), .stack = 3 * (unit), .code_size = 0x3000, \
	.data_size = 0x4000, .stack_size = 0x2000
#define FLAT WINDOWS(0x100000u), .esp = 0x301000
#define WITH_BASES                         \
	WINDOWS(0x100000u), .esp = 0x1000, \
			    .base = { 0x200000, 0, 0x300000, 0x200000, 0x200800, 0xfffff000 }
#define SMALL                                                                           \
	WINDOWS(0x100000u),                                                             \
		.esp = 0x1000, .sel = { 0x58, 0x50, 0x60, 0x58, 0x68, 0x70 },           \
		.base = { 0x200000, 0x100000, 0x300000, 0x200000, 0x200800, 0x201000 }, \
		.code16 = true
#define PARAGRAPHS                                                                        \
	WINDOWS(0x10000u),                                                                \
		.esp = 0x1000, .sel = { 0x2000, 0x1000, 0x3000, 0x2000, 0x2080, 0x2100 }, \
		.base = { 0x20000, 0x10000, 0x30000, 0x20000, 0x20800, 0x21000 }, .code16 = true

/*
 * Selectors: 08h code 0, 10h data 0, 18h code 0 of 16 bits, 20h code 3, 28h data 3 (as Linux has
 * them), 30h.. data of mode SEGMENTS and PROT16 with bases, 190h.. of PAGED_SEGS.
 */
static const struct case_layout layout[CASE_MODES] = {
	[CASE_FLAT3] = { FLAT, .sel = { 0x2b, 0x23, 0x2b, 0x2b, 0, 0 }, .cpl = 3, .paged = true },
	[CASE_FLAT0] = { FLAT, .sel = { 0x10, 0x08, 0x10, 0x10, 0x10, 0x10 } },
	[CASE_PAGED0] = { FLAT, .sel = { 0x10, 0x08, 0x10, 0x10, 0x10, 0x10 }, .paged = true,
			  .tasks = true },
	[CASE_SEGMENTS] = { WITH_BASES, .sel = { 0x30, 0x08, 0x38, 0x30, 0x40, 0x48 } },
	[CASE_PAGED_SEGS] = { WITH_BASES, .sel = { 0x193, 0x23, 0x1a3, 0x193, 0x1b3, 0x1bb },
			      .cpl = 3, .paged = true },
	[CASE_PROT16] = { SMALL },
	[CASE_PAGED16] = { SMALL, .paged = true, .tasks = true },
	[CASE_REAL] = { PARAGRAPHS },
	[CASE_V86] = { PARAGRAPHS, .cpl = 3, .v86 = true },
	[CASE_PAGED_V86] = { PARAGRAPHS, .cpl = 3, .v86 = true, .paged = true },
};

const struct case_layout *case_layout(enum case_mode mode)
{
	return &layout[mode];
}

static void put(u8 *p, u32 v, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		p[i] = (u8)(v >> 8 * i);
}

void case_assemble(struct diff_case *c)
{
	const struct case_layout *l = case_layout(c->mode);
	u32 at[CASE_INSNS + 1], pos = 0;
	u32 base = l->code - l->base[SEG_CS] + c->code_offset;

	for (unsigned i = 0; i < c->insns; i++) {
		at[i] = pos;
		if (c->insn[i].dropped)
			continue;
		memcpy(c->code + pos, c->insn[i].bytes, c->insn[i].len);
		pos += c->insn[i].len;
	}
	at[c->insns] = pos;
	for (unsigned i = 0; i < c->insns; i++) {
		const struct case_insn *n = &c->insn[i];
		u32 target = at[MIN(i + n->skip, c->insns)], next = at[i] + n->len;

		if (n->dropped)
			continue;
		if (n->rel_size)
			put(c->code + next - n->rel_size, target - next, n->rel_size);
		if (n->abs_at)
			put(c->code + at[i] + n->abs_at, base + target, l->code16 ? 2 : 4);
	}
	c->code[pos] = 0x0f;
	c->code[pos + 1] = 0x0b;
	c->end = base + pos;
	c->code_len = pos + 2;
	c->start.eip = base;
}

int case_gpr(ZydisRegister r)
{
	if (r >= ZYDIS_REGISTER_EAX && r <= ZYDIS_REGISTER_EDI)
		return (int)(r - ZYDIS_REGISTER_EAX);
	if (r >= ZYDIS_REGISTER_AX && r <= ZYDIS_REGISTER_DI)
		return (int)(r - ZYDIS_REGISTER_AX);
	return -1;
}

u32 case_gpr_value(const u32 *gpr, ZydisRegister r)
{
	int n = case_gpr(r);

	return n < 0 ? 0 : r >= ZYDIS_REGISTER_EAX ? gpr[n] : gpr[n] & 0xffff;
}

bool case_decode_full(const struct diff_case *c, u32 eip, ZydisDecodedInstruction *in,
		      ZydisDecodedOperand *op)
{
	bool code16 = case_layout(c->mode)->code16;
	u32 at = eip - c->start.eip;
	ZydisDecoder d;
	ZydisDecoderContext ctx;

	ZydisDecoderInit(&d, code16 ? ZYDIS_MACHINE_MODE_LEGACY_16 : ZYDIS_MACHINE_MODE_LEGACY_32,
			 code16 ? ZYDIS_STACK_WIDTH_16 : ZYDIS_STACK_WIDTH_32);
	return at < c->code_len &&
	       ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&d, &ctx, c->code + at, c->code_len - at,
							  in)) &&
	       ZYAN_SUCCESS(ZydisDecoderDecodeOperands(&d, &ctx, in, op, in->operand_count));
}

bool case_decode(const struct diff_case *c, u32 eip, ZydisDecodedInstruction *in)
{
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];

	return case_decode_full(c, eip, in, op);
}

static void fill(const struct diff_case *c, u8 *buf, u32 size, u32 salt)
{
	u64 r = c->data_seed ^ ((u64)salt << 32 | 1);

	for (u32 i = 0; i < size; i += 8) {
		u64 v = rnd(&r);

		memcpy(buf + i, &v, 8);
	}
}

void case_load(const struct diff_case *c, u8 *ram)
{
	const struct case_layout *l = case_layout(c->mode);

	memset(ram + l->code, 0xcc, case_room(l, l->code_size));
	memcpy(ram + l->code + c->code_offset, c->code, c->code_len);
	if (l->code16) {
		memset(ram + l->data, 0xcc, 0x10000);
		memset(ram + l->stack, 0xcc, 0x10000);
	}
	fill(c, ram + l->data, l->data_size, 1);
	fill(c, ram + l->stack, l->stack_size, 2);
	for (unsigned i = 0; i < c->patches; i++)
		memcpy(ram + c->patch[i].at, c->patch[i].bytes, c->patch[i].len);
}

static void print_code(const struct diff_case *c)
{
	const struct case_layout *l = case_layout(c->mode);
	ZydisDecoder d;
	ZydisFormatter f;
	u32 base = l->code - l->base[SEG_CS] + c->code_offset;

	ZydisDecoderInit(&d,
			 l->code16 ? ZYDIS_MACHINE_MODE_LEGACY_16 : ZYDIS_MACHINE_MODE_LEGACY_32,
			 l->code16 ? ZYDIS_STACK_WIDTH_16 : ZYDIS_STACK_WIDTH_32);
	ZydisFormatterInit(&f, ZYDIS_FORMATTER_STYLE_INTEL);
	for (u32 at = 0; at < c->code_len;) {
		ZydisDecodedInstruction in;
		ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
		char text[128] = "?";
		unsigned len = 1;

		if (ZYAN_SUCCESS(
			    ZydisDecoderDecodeFull(&d, c->code + at, c->code_len - at, &in, op))) {
			len = in.length;
			ZydisFormatterFormatInstruction(&f, &in, op, in.operand_count, text,
							sizeof(text), base + at, NULL);
		}
		printf("  %08x  ", base + at);
		for (unsigned i = 0; i < 12; i++)
			printf(i < len ? "%02x " : "   ", i < len ? c->code[at + i] : 0);
		printf("%s\n", text);
		at += len;
	}
}

static void print_word(const char *what, u32 before, u32 a, u32 b)
{
	printf("  %-8s %08x -> %08x %08x%s\n", what, before, a, b, a == b ? "" : "  <--");
}

void case_print(const struct diff_case *c, const struct case_state *a, const char *name_a,
		const struct case_state *b, const char *name_b)
{
	static const char *const reg[] = { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi" };

	printf("MODE=%s SEED=%llu INDEX=%llu%s\n", case_mode_name[c->mode],
	       (unsigned long long)c->seed, (unsigned long long)c->index,
	       c->stepped ? " stepped" : "");
	print_code(c);
	printf("  %-8s before   -> %-8s %-8s\n", "", name_a, name_b);
	for (unsigned i = 0; i < 8; i++)
		print_word(reg[i], c->start.gpr[i], a->gpr[i], b->gpr[i]);
	print_word("eip", c->start.eip, a->eip, b->eip);
	print_word("eflags", c->start.eflags, a->eflags & ~EFLAGS_RF, b->eflags & ~EFLAGS_RF);
	print_word("vector", 0, a->vector, b->vector);
	if (a->has_error || b->has_error)
		print_word("error", 0, a->error, b->error);
	if (a->has_cr2 || b->has_cr2)
		print_word("cr2", 0, a->cr2, b->cr2);
	for (unsigned i = 0; i < 6; i++)
		if (a->sel[i] != b->sel[i])
			print_word("selector", c->start.sel[i], a->sel[i], b->sel[i]);
	for (unsigned i = 0; i < sizeof(a->upper); i += 4) {
		u32 v[3];
		char name[16];

		memcpy(&v[0], c->start.upper + i, 4);
		memcpy(&v[1], a->upper + i, 4);
		memcpy(&v[2], b->upper + i, 4);
		snprintf(name, sizeof(name), "ymm%u+%u", i / 16, 16 + i % 16);
		if (v[1] != v[2])
			print_word(name, v[0], v[1], v[2]);
	}
	for (unsigned i = 0; i < 288; i += 4) {
		u32 s, x, y;

		memcpy(&s, c->start.fx + i, 4);
		memcpy(&x, a->fx + i, 4);
		memcpy(&y, b->fx + i, 4);
		if (x != y && i != 28 && (i < 6 || i >= 24)) {
			char name[16];

			snprintf(name, sizeof(name), "fx+%u", i);
			print_word(name, s, x, y);
		}
	}
}
