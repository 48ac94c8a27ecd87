/* SPDX-License-Identifier: MIT */
/*
 * Random instruction sequences. Opcodes are drawn at random and kept if Zydis knows them and the
 * mode's rules allow them; memory operands are directed into the data window by loading the base
 * register first, or left to chance; branches lead to one of the next instructions.
 */
#include "tests/diff/generate.h"

#include <string.h>

#include "emu/cpu/cpu.h"

/* An offset in a segment with the data window's base that most operands fit into. */
static u32 data_offset(struct gen *g)
{
	u32 at = 0x1000 + rnd_below(&g->r, 0x2000), room = g->l->data_size;

	if (!rnd_below(&g->r, 16)) /* the end of the window, and a page boundary */
		at = (rnd_below(&g->r, 2) ? room : 0x2000) - rnd_below(&g->r, 20);
	if (rnd_below(&g->r, 2))
		at &= ~15u;
	return g->l->data + at - g->l->base[SEG_DS];
}

/* --- Building one instruction --- */

static struct case_insn *add(struct gen *g)
{
	struct case_insn *n = &g->c->insn[g->c->insns++];

	memset(n, 0, sizeof(*n));
	return n;
}

static void put(struct case_insn *n, unsigned at, u32 v, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		n->bytes[at + i] = (u8)(v >> 8 * i);
}

/* mov reg, imm of the address size; with a 66h prefix where that is not the default. */
static void add_mov(struct gen *g, unsigned reg, u32 v, unsigned size)
{
	struct case_insn *n = add(g);

	if ((size == 2) != g->l->code16)
		n->bytes[n->len++] = 0x66;
	n->bytes[n->len++] = (u8)(0xb8 | reg);
	put(n, n->len, v, size);
	n->len = (u8)(n->len + size);
}

/* Loads base and index so that the operand falls into the data window. */
static void direct(struct gen *g, const ZydisDecodedInstruction *in, const ZydisDecodedOperand *o)
{
	unsigned size = in->address_width == 16 ? 2 : 4;
	int base = case_gpr(o->mem.base), index = case_gpr(o->mem.index);
	u32 at = data_offset(g) - (u32)o->mem.disp.value, scaled = 0;

	if (base == REG_ESP)
		return;
	if (index >= 0 && index != base) {
		u32 i = rnd_below(&g->r, 64);

		add_mov(g, (unsigned)index, i, size);
		scaled = i * MAX(o->mem.scale, 1u);
	} else if (index >= 0) { /* [reg + reg * s] */
		at /= 1u + MAX(o->mem.scale, 1u);
	}
	if (base >= 0)
		add_mov(g, (unsigned)base, at - scaled, size);
	else if (index >= 0 && o->mem.scale)
		g->c->insn[g->c->insns - 1].len = g->c->insn[g->c->insns - 1].len; /* disp only */
}

/* String instructions: pointers and a small count. */
static void direct_string(struct gen *g, const ZydisDecodedInstruction *in)
{
	unsigned size = in->address_width == 16 ? 2 : 4;

	add_mov(g, REG_ESI, data_offset(g), size);
	add_mov(g, REG_EDI, data_offset(g), size);
	if (in->attributes &
	    (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE))
		add_mov(g, REG_ECX, rnd_below(&g->r, 20), size);
}

static bool is_string(const ZydisDecodedInstruction *in)
{
	return in->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
	       ((in->opcode >= 0xa4 && in->opcode <= 0xa7) ||
		(in->opcode >= 0xaa && in->opcode <= 0xaf) ||
		(in->opcode >= 0x6c && in->opcode <= 0x6f));
}

/* A VEX prefix of two or three bytes and an opcode; of its inverted registers' top bits all are 1.
 */
static unsigned draw_vex(struct gen *g, u8 *b, unsigned n)
{
	u8 low = (u8)(rnd_below(&g->r, 8) | 0x40 | rnd_below(&g->r, 8) << 3);

	if (rnd_below(&g->r, 3)) {
		b[n++] = 0xc4;
		b[n++] = (u8)(0xe1 + rnd_below(&g->r, 3));
		b[n++] = (u8)(low | (rnd_below(&g->r, 4) ? 0 : 0x80));
	} else {
		b[n++] = 0xc5;
		b[n++] = low | 0x80;
	}
	if (!rnd_below(&g->r, 3)) /* many have one operand less */
		b[n - 1] |= 0x78;
	b[n++] = (u8)(rnd(&g->r) >> 8);
	return n;
}

/* What chance would seldom come to, being one operation of an opcode: its ModRM's reg is given. */
static unsigned draw_rare(struct gen *g, u8 *b, unsigned n)
{
	static const struct {
		u8 len, bytes[2], reg;
	} rare[] = {
		{ 2, { 0x0f, 0xc7 }, 1 }, /* CMPXCHG8B */
		{ 2, { 0x0f, 0xae }, 0 }, /* FXSAVE, FXRSTOR, XSAVE, XRSTOR */
		{ 2, { 0x0f, 0xae }, 1 }, { 2, { 0x0f, 0xae }, 4 }, { 2, { 0x0f, 0xae }, 5 },
		{ 1, { 0xd9 }, 4 }, /* FLDENV, FNSTENV, FRSTOR, FNSAVE */
		{ 1, { 0xd9 }, 6 },	  { 1, { 0xdd }, 4 },	    { 1, { 0xdd }, 6 },
	};
	unsigned i = rnd_below(&g->r, ARRAY_SIZE(rare));

	for (unsigned k = 0; k < rare[i].len; k++)
		b[n++] = rare[i].bytes[k];
	b[n++] = (u8)(rnd_below(&g->r, 3) << 6 | rare[i].reg << 3 | rnd_below(&g->r, 8));
	return n;
}

/* Draws bytes until they are an instruction. Returns false if it found none. */
static bool draw(struct gen *g, u8 *b, ZydisDecodedInstruction *in, ZydisDecodedOperand *op)
{
	for (unsigned tries = 0; tries < 400; tries++) {
		ZydisDecoderContext ctx;
		unsigned n = 0, start;
		u32 kind = rnd_below(&g->r, 100);

		while (n < 3 && !rnd_below(&g->r, 6)) {
			static const u8 prefix[] = { 0x66, 0x66, 0x66, 0xf2, 0xf3, 0xf0, 0x67,
						     0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65 };

			b[n++] = prefix[rnd_below(&g->r, sizeof(prefix))];
		}
		if ((g->what & GEN_AVX) && !rnd_below(&g->r, 2)) { /* four in five are none */
			n = draw_vex(g, b, 0);
		} else if ((g->what & GEN_NATIVE) && !rnd_below(&g->r, 16)) {
			n = draw_rare(g, b, n);
		} else if ((g->what & GEN_X87) && kind < 8) {
			b[n++] = (u8)(0xd8 + rnd_below(&g->r, 8));
		} else if (kind < 55) {
			b[n++] = (u8)rnd(&g->r);
		} else if (kind < 90 || !(g->what & GEN_SSE)) {
			b[n++] = 0x0f;
			b[n++] = (u8)(rnd(&g->r) >> 8);
		} else {
			static const u8 sse_prefix[] = { 0x66, 0xf2, 0xf3 };

			if (rnd_below(&g->r, 2))
				b[n++] = sse_prefix[rnd_below(&g->r, 3)];
			b[n++] = 0x0f;
			if (rnd_below(&g->r, 2))
				b[n++] = rnd_below(&g->r, 2) ? 0x38 : 0x3a;
			b[n++] = (u8)(rnd(&g->r) >> 8);
		}
		start = n;
		while (n < 16)
			b[n++] = (u8)(rnd(&g->r) >> 24);
		if (rnd_below(&g->r, 2)) /* registers more often than one time in four */
			b[start] |= 0xc0;
		if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&g->d, &ctx, b, 15, in)) ||
		    !ZYAN_SUCCESS(
			    ZydisDecoderDecodeOperands(&g->d, &ctx, in, op, in->operand_count)))
			continue;
		if (generate_allowed(g, in, op))
			return true;
	}
	return false;
}

static void edit_immediates(struct gen *g, struct case_insn *n, const ZydisDecodedInstruction *in)
{
	for (unsigned i = 0; i < 2; i++)
		if (in->raw.imm[i].size && !in->raw.imm[i].is_relative)
			put(n, in->raw.imm[i].offset, generate_value(&g->r),
			    in->raw.imm[i].size / 8);
}

/* What Unicorn does otherwise, kept out of its way. */
static void edit_for_unicorn(struct gen *g, struct case_insn *n, const ZydisDecodedInstruction *in)
{
	if (g->what & GEN_NATIVE)
		return;
	if (in->mnemonic == ZYDIS_MNEMONIC_RET && in->raw.imm[0].size) /* takes it as signed */
		n->bytes[in->raw.imm[0].offset + 1] &= 0x7f;
	/* Does not look whether the new top of the stack can be written (SDM 2A, ENTER). */
	if (in->mnemonic == ZYDIS_MNEMONIC_ENTER)
		n->bytes[in->raw.imm[0].offset + 1] &= 1;
}

static void edit_displacement(struct gen *g, struct case_insn *n, const ZydisDecodedInstruction *in,
			      const ZydisDecodedOperand *o)
{
	u32 disp = rnd_below(&g->r, 0x400) - 0x200;

	if (!in->raw.disp.size)
		return;
	if (o->mem.base == ZYDIS_REGISTER_NONE)
		disp = data_offset(g);
	put(n, in->raw.disp.offset, disp, in->raw.disp.size / 8);
}

/* Leaves only flags that the manual defines: what the instruction may set as it likes is cleared.
 */
static void add_clear(struct gen *g, struct case_insn *n, u32 flags)
{
	u8 *p = n->bytes + n->len;

	if (!flags)
		return;
	g->c->undefined |= flags;
	/* pushf; and [esp], ~flags; popf, of the code's own size */
	*p++ = 0x9c;
	if (g->l->code16)
		*p++ = 0x67;
	*p++ = 0x81;
	*p++ = 0x24;
	*p++ = 0x24;
	flags = ~flags;
	memcpy(p, &flags, g->l->code16 ? 2 : 4);
	p += g->l->code16 ? 2 : 4;
	*p++ = 0x9d;
	n->len = (u8)(p - n->bytes);
}

static u32 undefined_flags(const ZydisDecodedInstruction *in)
{
	u32 flags = in->cpu_flags ? (u32)in->cpu_flags->undefined : 0;

	switch (in->mnemonic) {
	/* AF after logic; OF and AF after shifts by more than one: the count is not looked at */
	case ZYDIS_MNEMONIC_SHL:
	case ZYDIS_MNEMONIC_SHR:
	case ZYDIS_MNEMONIC_SAR:
	case ZYDIS_MNEMONIC_SHLD:
	case ZYDIS_MNEMONIC_SHRD:
	case ZYDIS_MNEMONIC_ROL:
	case ZYDIS_MNEMONIC_ROR:
	case ZYDIS_MNEMONIC_RCL:
	case ZYDIS_MNEMONIC_RCR:
		return flags | EFLAGS_OF | EFLAGS_AF;
	default:
		return flags;
	}
}

static bool bcd(const ZydisDecodedInstruction *in)
{
	return in->meta.category == ZYDIS_CATEGORY_DECIMAL;
}

static bool stores_pointers(const ZydisDecodedInstruction *in)
{
	return in->mnemonic == ZYDIS_MNEMONIC_FNSAVE || in->mnemonic == ZYDIS_MNEMONIC_FNSTENV ||
	       in->mnemonic == ZYDIS_MNEMONIC_FXSAVE || in->mnemonic == ZYDIS_MNEMONIC_XSAVE;
}

static bool is_xsave(const ZydisDecodedInstruction *in)
{
	return in->meta.isa_ext == ZYDIS_ISA_EXT_XSAVE;
}

/* A selector that means something, for what takes one from a register. */
static void direct_selector(struct gen *g, const ZydisDecodedInstruction *in,
			    const ZydisDecodedOperand *op)
{
	bool system = in->mnemonic >= ZYDIS_MNEMONIC_VERR && in->mnemonic <= ZYDIS_MNEMONIC_VERW;
	const ZydisDecodedOperand *src = &op[system ? 0 : 1];
	u32 sel = g->l->sel[rnd_below(&g->r, 6)];

	if (!system && in->mnemonic != ZYDIS_MNEMONIC_LAR && in->mnemonic != ZYDIS_MNEMONIC_LSL &&
	    !generate_touches_segment(in, op))
		return;
	if (src->type != ZYDIS_OPERAND_TYPE_REGISTER || case_gpr(src->reg.value) < 0 ||
	    case_gpr(src->reg.value) == REG_ESP || !rnd_below(&g->r, 4))
		return;
	if (!rnd_below(&g->r, 3))
		sel = (rnd_below(&g->r, 17) << 3) | rnd_below(&g->r, 4);
	add_mov(g, (unsigned)case_gpr(src->reg.value), sel, g->l->code16 ? 2 : 4);
}

static bool indirect(const ZydisDecodedInstruction *in)
{
	return (in->mnemonic == ZYDIS_MNEMONIC_JMP || in->mnemonic == ZYDIS_MNEMONIC_CALL) &&
	       !in->raw.imm[0].is_relative;
}

/* JMP and CALL by a register: to a place in the case, which is loaded first. */
static void direct_jump(struct gen *g, const ZydisDecodedInstruction *in,
			const ZydisDecodedOperand *o)
{
	unsigned size = in->operand_width / 8u;
	struct case_insn *n;

	if (case_gpr(o->reg.value) == REG_ESP || size != (g->l->code16 ? 2 : 4))
		return;
	add_mov(g, (unsigned)case_gpr(o->reg.value), 0, size);
	n = &g->c->insn[g->c->insns - 1];
	n->abs_at = (u8)(n->len - size);
	n->skip = (u8)(2 + rnd_below(&g->r, 2));
}

/* Undefined everywhere: each with the ModRM that makes it so, or any (0). */
static const struct {
	u8 len, bytes[3];
	u8 modrm, mask; /* bits of ModRM that are given */
} ud[] = {
	{ 2, { 0x0f, 0x0b }, 0, 0 },	   { 2, { 0x0f, 0xff }, 0, 0 },
	{ 2, { 0x0f, 0xb9 }, 0, 0 },	   { 2, { 0x0f, 0x04 }, 0, 0 },
	{ 2, { 0x0f, 0x0a }, 0, 0 },	   { 2, { 0x0f, 0x24 }, 0xc0, 0xc0 },
	{ 2, { 0x0f, 0x36 }, 0, 0 },	   { 1, { 0x8c }, 0x30, 0x38 },
	{ 1, { 0x8c }, 0x38, 0x38 },	   { 1, { 0x8e }, 0x08, 0x38 },
	{ 1, { 0x8e }, 0x30, 0x38 },	   { 1, { 0xfe }, 0x10, 0x38 },
	{ 1, { 0xfe }, 0x38, 0x38 },	   { 1, { 0xff }, 0x38, 0x38 },
	{ 1, { 0xff }, 0xd8, 0xf8 },	   { 1, { 0xff }, 0xe8, 0xf8 },
	{ 1, { 0xc6 }, 0x08, 0x38 },	   { 1, { 0xc7 }, 0x10, 0x38 },
	{ 2, { 0x0f, 0xba }, 0x00, 0x38 }, { 2, { 0x0f, 0xba }, 0x18, 0x38 },
	{ 2, { 0x0f, 0xc7 }, 0xc8, 0xf8 }, { 2, { 0x0f, 0x71 }, 0xc0, 0xf8 },
	{ 1, { 0x8d }, 0xc0, 0xc0 },	   { 1, { 0x62 }, 0xc0, 0xf0 },
	{ 1, { 0xd9 }, 0xd1, 0xff },	   { 1, { 0xd9 }, 0xe2, 0xff },
	{ 1, { 0xda }, 0xe0, 0xf8 },	   { 1, { 0xdf }, 0xe1, 0xff },
	{ 2, { 0x0f, 0x38 }, 0, 0 },
};

static void add_undefined(struct gen *g)
{
	unsigned i = rnd_below(&g->r, ARRAY_SIZE(ud));
	struct case_insn *n = add(g);

	for (unsigned k = 0; k < ud[i].len; k++)
		n->bytes[n->len++] = ud[i].bytes[k];
	if (ud[i].bytes[1] == 0x38) /* a map's empty place */
		n->bytes[n->len++] = 0x2f | 0x80;
	n->bytes[n->len] = (u8)(((u8)rnd(&g->r) & ~ud[i].mask) | ud[i].modrm);
	n->len = (u8)(n->len + 7);
}

/* What is legal, but for a LOCK that it may not have. */
static void add_locked(struct gen *g)
{
	ZydisDecodedInstruction in;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	u8 bytes[20] = { 0xf0 };

	if (!draw(g, bytes + 1, &in, op) || generate_touches_control(&in, op) ||
	    in.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE ||
	    (in.attributes & ZYDIS_ATTRIB_ACCEPTS_LOCK) || in.length == 15)
		return;

	struct case_insn *n = add(g);

	n->len = (u8)(in.length + 1);
	memcpy(n->bytes, bytes, n->len);
}

/* Prefixes to the limit of 15 bytes, or beyond it. */
static void add_long(struct gen *g)
{
	ZydisDecodedInstruction in;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	unsigned want = 14 + rnd_below(&g->r, 4), pad;
	u8 bytes[16];

	if (!draw(g, bytes, &in, op) || in.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE || bcd(&in) ||
	    stores_pointers(&in) || is_xsave(&in))
		return;

	struct case_insn *n = add(g);

	pad = want > in.length ? want - in.length : 0;
	memset(n->bytes, 0x3e, pad);
	memcpy(n->bytes + pad, bytes, in.length);
	n->len = (u8)(pad + in.length);
}

static void add_illegal(struct gen *g)
{
	switch (rnd_below(&g->r, 3)) {
	case 0:
		add_undefined(g);
		break;
	case 1:
		add_locked(g);
		break;
	default:
		add_long(g);
	}
}

/* mov word or dword [at], 0 */
static void add_zero(struct case_insn *n, u32 at, unsigned size)
{
	if (size == 2)
		n->bytes[n->len++] = 0x66;
	n->bytes[n->len] = 0xc7;
	n->bytes[n->len + 1] = 0x05;
	put(n, n->len + 2u, at, 4);
	put(n, n->len + 6u, 0, size);
	n->len = (u8)(n->len + 6 + size);
}

/* mov eax, the components that ours has, or some of them; mov edx, 0 */
static void add_components(struct gen *g, struct case_insn *n)
{
	n->bytes[n->len] = 0xb8;
	put(n, n->len + 1u, rnd_below(&g->r, 8), 4);
	n->bytes[n->len + 5] = 0xba;
	put(n, n->len + 6u, 0, 4);
	n->len = (u8)(n->len + 10);
}

/*
 * State images, to [disp32], and then zeros over what the host does not keep of the x87 pointers:
 * the stubs switch state by FXSAVE, and AMD's stores them only while an exception is pending; a
 * signal of Linux, in 64-bit form, drops the selectors; FOP has the host's ModRM. All in one, so
 * that no jump leads between.
 */
static void add_image(struct gen *g, const struct case_insn *draft,
		      const ZydisDecodedInstruction *in)
{
	bool fx = in->mnemonic == ZYDIS_MNEMONIC_FXSAVE || is_xsave(in);
	unsigned modrm = in->raw.modrm.offset, size = in->operand_width == 16 ? 14 : 28;
	u32 at = data_offset(g);
	struct case_insn *n;

	if (in->address_width != 32 || modrm > (fx ? 3 : 2))
		return;
	if (rnd_below(&g->r, 8))
		at &= is_xsave(in) ? ~63u : ~15u;
	n = add(g);
	if (is_xsave(in))
		add_components(g, n);
	memcpy(n->bytes + n->len, draft->bytes, modrm);
	n->bytes[n->len + modrm] = (u8)((draft->bytes[modrm] & 0x38) | 5);
	put(n, n->len + modrm + 1, at, 4);
	n->len = (u8)(n->len + modrm + 5);
	if (fx) {
		if (is_xsave(in)) /* XINUSE is the processor's choice (SDM 1 13.6) */
			add_zero(n, at + 512, 2);
		add_zero(n, at + 6, 2);
		for (unsigned i = 8; i < 24; i += 4)
			add_zero(n, at + i, 4);
		return;
	}
	for (unsigned i = size == 28 ? 12 : 6; i < size; i += 4)
		add_zero(n, at + i, 4);
}

static bool by_gpr(const ZydisDecodedOperand *o, int reg)
{
	return case_gpr(o->mem.base) == reg || case_gpr(o->mem.index) == reg;
}

/* The components of XRSTOR: in front of it, as a part of the instruction. */
static bool choose_components(struct gen *g, struct case_insn *draft, const ZydisDecodedOperand *o)
{
	struct case_insn n = { 0 };

	if (by_gpr(o, REG_EAX) || by_gpr(o, REG_EDX))
		return false;
	add_components(g, &n);
	memcpy(n.bytes + n.len, draft->bytes, draft->len);
	n.len = (u8)(n.len + draft->len);
	*draft = n;
	return true;
}

static void one(struct gen *g)
{
	ZydisDecodedInstruction in;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	struct case_insn draft = { 0 }, *n;
	int mem = -1;

	if ((g->what & GEN_NATIVE) && !rnd_below(&g->r, 24)) {
		add_illegal(g);
		return;
	}
	if (!draw(g, draft.bytes, &in, op))
		return;
	draft.len = in.length;
	if (stores_pointers(&in)) {
		add_image(g, &draft, &in);
		return;
	}
	for (unsigned i = 0; i < in.operand_count_visible; i++)
		if (op[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
			mem = (int)i;
	if (in.mnemonic != ZYDIS_MNEMONIC_INT)
		edit_immediates(g, &draft, &in);
	edit_for_unicorn(g, &draft, &in);
	if (is_string(&in)) {
		direct_string(g, &in);
	} else if (mem >= 0) {
		ZydisDecoderContext ctx;

		edit_displacement(g, &draft, &in, &op[mem]);
		ZydisDecoderDecodeInstruction(&g->d, &ctx, draft.bytes, 15, &in);
		ZydisDecoderDecodeOperands(&g->d, &ctx, &in, op, in.operand_count);
		if (rnd_below(&g->r, 12))
			direct(g, &in, &op[mem]);
	} else if (in.mnemonic == ZYDIS_MNEMONIC_XLAT) {
		add_mov(g, REG_EBX, data_offset(g), in.address_width == 16 ? 2 : 4);
	}
	if (is_xsave(&in) && !choose_components(g, &draft, &op[mem]))
		return;
	if (g->what & GEN_SYSTEM)
		direct_selector(g, &in, op);
	if (indirect(&in) && op[0].type == ZYDIS_OPERAND_TYPE_REGISTER)
		direct_jump(g, &in, &op[0]);
	if (in.mnemonic == ZYDIS_MNEMONIC_RET) { /* to a place in the case: push it first */
		n = add(g);
		n->bytes[0] = 0x68;
		n->len = (u8)(1 + (g->l->code16 ? 2 : 4));
		n->abs_at = 1;
		n->skip = (u8)(2 + rnd_below(&g->r, 2));
	}
	n = add(g);
	*n = draft;
	if (in.raw.imm[0].is_relative) {
		n->rel_size = in.raw.imm[0].size / 8;
		n->skip = (u8)(1 + rnd_below(&g->r, 3));
	}
	if (!(g->what & GEN_NATIVE) || bcd(&in))
		add_clear(g, n, undefined_flags(&in));
}

void case_generate(struct diff_case *c, enum case_mode mode, u64 seed, u64 index, unsigned what)
{
	struct gen g = { .c = c, .l = case_layout(mode), .what = what };
	unsigned want;

	memset(c, 0, sizeof(*c));
	c->mode = mode;
	c->seed = seed;
	c->index = index;
	g.r = (seed + 1) * 0x9e3779b97f4a7c15ull ^ (index + 1) * 0xd1342543de82ef95ull;
	for (unsigned i = 0; i < 4; i++)
		rnd(&g.r);
	ZydisDecoderInit(&g.d,
			 g.l->code16 ? ZYDIS_MACHINE_MODE_LEGACY_16 : ZYDIS_MACHINE_MODE_LEGACY_32,
			 g.l->code16 ? ZYDIS_STACK_WIDTH_16 : ZYDIS_STACK_WIDTH_32);
	for (unsigned i = 0; i < 8; i++)
		c->start.gpr[i] = rnd_below(&g.r, 2) ? generate_value(&g.r) : data_offset(&g);
	c->start.gpr[REG_ESP] = g.l->esp;
	c->start.eflags = EFLAGS_ONE | ((u32)rnd(&g.r) & (EFLAGS_ARITH & ~EFLAGS_DF));
	if (!rnd_below(&g.r, 4))
		c->start.eflags |= EFLAGS_DF;
	if (mode == CASE_V86)
		c->start.eflags |= EFLAGS_VM | (rnd_below(&g.r, 4) ? EFLAGS_IOPL : 0);
	memcpy(c->start.sel, g.l->sel, sizeof(c->start.sel));
	case_fpu_state(&g.r, what, c->start.fx);
	if (what & GEN_AVX)
		for (unsigned i = 0; i < sizeof(c->start.upper); i += 4) {
			u32 v = generate_value(&g.r);

			memcpy(c->start.upper + i, &v, 4);
		}
	c->data_seed = rnd(&g.r);
	want = what & GEN_ONE ? 1 : 1 + rnd_below(&g.r, 10);
	while (want-- && c->insns + 6 < CASE_INSNS)
		one(&g);
	/* Anywhere in the window, now and then so that an instruction crosses a page. */
	c->code_offset =
		rnd_below(&g.r, 4) ? rnd_below(&g.r, 0x800) : PAGE_SIZE - 1 - rnd_below(&g.r, 40);
	c->stepped = !rnd_below(&g.r, 4);
	case_assemble(c);
}
