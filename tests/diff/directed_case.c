/* SPDX-License-Identifier: MIT */
/*
 * Directed cases: where they begin, the instructions, and the frames on the stacks.
 */
#include <stdio.h>
#include <string.h>

#include "tests/diff/directed_world.h"

/* Instructions are put down for code of one size, here: */
struct emitter {
	struct world *w;
	u8 *at;
	bool code16;
	u32 level; /* that it probably runs at */
};

static void byte(struct emitter *e, u32 b)
{
	*e->at++ = (u8)b;
}

static void word(struct emitter *e, u32 v, unsigned size)
{
	memcpy(e->at, &v, size);
	e->at += size;
}

/* Operand size, as often the other one; returns its bytes. */
static unsigned operand_size(struct emitter *e, u32 other)
{
	bool prefix = world_chance(e->w, other);

	if (prefix)
		byte(e, 0x66);
	return prefix != e->code16 ? 2 : 4;
}

static void size_prefix(struct emitter *e, unsigned size)
{
	if ((size == 2) != e->code16)
		byte(e, 0x66);
}

/* MOV EAX, v */
static void load_eax(struct emitter *e, u32 v)
{
	size_prefix(e, 4);
	byte(e, 0xb8);
	word(e, v, 4);
}

/* ModRM with an absolute address in the data window. */
static u32 operand(struct emitter *e, unsigned reg)
{
	u32 at = 4 * world_pick(e->w, 64);

	byte(e, reg << 3 | (e->code16 ? 6 : 5));
	word(e, at, e->code16 ? 2 : 4);
	return AT_DATA + at;
}

static u16 far_target(struct emitter *e)
{
	struct world *w = e->w;

	if (w->c->mode != DIRECTED_PROTECTED && world_pick(w, 4))
		return AT_CODE >> 4;
	switch (world_pick(w, 8)) {
	case 0:
		return world_any(w);
	case 1:
	case 2:
		return world_code(w, e->level);
	case 3:
	case 4:
		return world_tss(w);
	default:
		return world_gate(w);
	}
}

static void far_direct(struct emitter *e)
{
	unsigned size = operand_size(e, 4);

	byte(e, world_pick(e->w, 3) ? 0x9a : 0xea);
	word(e, world_slot(e->w), size);
	word(e, far_target(e), 2);
}

static void far_indirect(struct emitter *e)
{
	unsigned size = operand_size(e, 4);
	u32 at;

	byte(e, 0xff);
	at = operand(e, world_pick(e->w, 2) ? 3 : 5);
	world_put(e->w, at, world_slot(e->w), size);
	world_put(e->w, at + size, far_target(e), 2);
}

/* A selector for a level that a return may lead to: this, outer, or (wrong) inner. */
static u32 return_level(struct world *w, u32 level)
{
	return world_chance(w, 10) ? world_pick(w, 4) : level + world_pick(w, 4 - level);
}

/* What IRET or RETF finds at a stack's offset. */
static void put_frame(struct world *w, u32 offset, u32 level, unsigned size, bool iret, u32 skip)
{
	u32 at = AT_STACKS + offset, to = return_level(w, level);
	bool v86 = iret && size == 4 && !level && world_chance(w, 4);
	bool real = w->c->mode != DIRECTED_PROTECTED || v86;
	u32 words[10], n = 0;

	words[n++] = world_slot(w);
	words[n++] = world_chance(w, 10) ? world_any(w) : real ? AT_CODE >> 4 : world_code(w, to);
	if (iret)
		words[n++] = world_flags(w, level) | (v86 ? EFLAGS_VM : 0);
	for (u32 i = 0; i < n; i++)
		world_put(w, at + i * size, words[i], size);
	at += n * size + skip;
	world_put(w, at, DIRECTED_STACK(to) + 4 * world_pick(w, 8), size);
	world_put(w, at + size,
		  world_chance(w, 10) ? world_any(w)
		  : v86		      ? AT_STACKS >> 4
				      : world_stack(w, to),
		  size);
	for (u32 i = 2; i < 6 && v86; i++)
		world_put(w, at + i * size, AT_DATA >> 4, size);
}

static void far_return(struct emitter *e)
{
	unsigned size = operand_size(e, 4);
	u32 kind = world_pick(e->w, 5), skip = kind == 1 ? 2 * world_pick(e->w, 8) : 0;

	put_frame(e->w, e->w->c->gpr[REG_ESP] & 0xffff, e->level, size, kind >= 2, skip);
	byte(e, kind == 0 ? 0xcb : kind == 1 ? 0xca : 0xcf);
	if (kind == 1)
		word(e, skip, 2);
}

/* 0F 00: SLDT STR LLDT LTR VERR VERW */
static void group6(struct emitter *e)
{
	static const u8 which[] = { 0, 1, 2, 3, 4, 4, 5, 5 };
	unsigned reg = which[world_pick(e->w, sizeof(which))];
	u16 sel = world_any(e->w);

	if (reg == 2 && world_pick(e->w, 3))
		sel = (u16)((GDT_LDT + world_pick(e->w, 2)) << 3);
	if (reg == 3) /* a null one: Unicorn takes it, and aborts later */
		sel = (u16)((GDT_TSS + world_pick(e->w, 6)) << 3);
	load_eax(e, sel);
	if (reg < 2)
		operand_size(e, 2);
	byte(e, 0x0f);
	byte(e, 0x00);
	byte(e, 0xc0 | reg << 3);
}

/* 0F 01: SGDT SIDT LGDT LIDT SMSW LMSW INVLPG */
static void group7(struct emitter *e)
{
	unsigned reg = world_pick(e->w, 8);
	bool memory = reg < 4 || reg == 7;
	u32 at;

	if (reg == 5)
		reg = 4;
	if (reg == 6)
		load_eax(e, world_pick(e->w, 16));
	if (memory)
		operand_size(e, 3);
	else if (reg == 4)
		size_prefix(e, 2);
	byte(e, 0x0f);
	byte(e, 0x01);
	if (!memory) {
		byte(e, 0xc0 | reg << 3);
		return;
	}
	at = operand(e, reg);
	if (reg == 2) {
		world_put(e->w, at, GDT_ENTRIES * 8 - 1 - 8 * world_pick(e->w, 20), 2);
		world_put(e->w, at + 2, AT_GDT, 4);
	} else if (reg == 3) {
		world_put(e->w, at + 2, (u32)rnd(&e->w->r) & 0xffffff, 4);
	}
}

/* LAR, LSL with a destination of either size, ARPL */
static void look_up(struct emitter *e)
{
	u32 kind = world_pick(e->w, 3);

	load_eax(e, world_any(e->w));
	if (kind == 2) {
		byte(e, 0x63);
		byte(e, 0xd8); /* AX, BX */
		return;
	}
	operand_size(e, 3);
	byte(e, 0x0f);
	byte(e, 2 + kind);
	byte(e, 0xc8); /* ECX, EAX */
}

static u16 some_data(struct emitter *e)
{
	return world_chance(e->w, 3)   ? world_any(e->w)
	       : world_chance(e->w, 3) ? world_stack(e->w, e->level)
				       : world_data(e->w, e->level);
}

/* MOV to a segment register; then a word is read through it. */
static void mov_segment(struct emitter *e)
{
	static const u8 reg[] = { 0, 2, 3, 4, 5 }, prefix[] = { 0x26, 0x36, 0x3e, 0x64, 0x65 };
	u32 i = world_pick(e->w, 5);

	load_eax(e, some_data(e));
	byte(e, 0x8e);
	byte(e, 0xc0 | reg[i] << 3);
	byte(e, prefix[i]);
	byte(e, 0x8b);
	operand(e, REG_EDX);
}

static void pop_segment(struct emitter *e)
{
	static const u16 op[] = { 0x07, 0x17, 0x1f, 0x0fa1, 0x0fa9 };
	u16 o = op[world_pick(e->w, 5)];
	unsigned size;

	size = operand_size(e, 4);
	world_put(e->w, AT_STACKS + (e->w->c->gpr[REG_ESP] & 0xffff), some_data(e), size);
	if (o > 0xff)
		byte(e, o >> 8);
	byte(e, o);
}

/* LES LDS LSS LFS LGS */
static void load_pointer(struct emitter *e)
{
	static const u16 op[] = { 0xc4, 0xc5, 0x0fb2, 0x0fb4, 0x0fb5 };
	u16 o = op[world_pick(e->w, 5)];
	unsigned size = operand_size(e, 4);
	u32 at;

	if (o > 0xff)
		byte(e, o >> 8);
	byte(e, o);
	at = operand(e, REG_EBX);
	world_put(e->w, at + size, some_data(e), 2);
}

/* MOV from and to control and debug registers; CLTS; HLT where it may not. */
static void control(struct emitter *e)
{
	static const u8 from[] = { 0, 2, 3, 4 };
	struct world *w = e->w;

	switch (world_pick(w, 5)) {
	case 0:
		byte(e, 0x0f);
		byte(e, 0x20);
		byte(e, 0xc1u | (u32)from[world_pick(w, 4)] << 3); /* ECX */
		return;
	case 1:
		load_eax(e, (w->c->cr0 ^
			     (u32)(rnd(&w->r) & (CR0_MP | CR0_EM | CR0_TS | CR0_WP | CR0_AM))));
		byte(e, 0x0f);
		byte(e, 0x22);
		byte(e, 0xc0);
		return;
	case 2: /* DR0 to DR3 */
		load_eax(e, world_pick(w, WORLD_SIZE));
		byte(e, 0x0f);
		byte(e, 0x23);
		byte(e, 0xc0 | world_pick(w, 4) << 3);
		byte(e, 0x0f);
		byte(e, 0x21);
		byte(e, 0xc1 | world_pick(w, 4) << 3);
		return;
	case 3:
		load_eax(e, w->c->cr3);
		byte(e, 0x0f);
		byte(e, 0x22);
		byte(e, 0xd8);
		return;
	default:
		byte(e, 0x0f);
		byte(e, 0x06);
	}
}

/* PUSHF, POPF, CLI, STI */
static void flags(struct emitter *e)
{
	static const u8 op[] = { 0x9c, 0x9d, 0x9d, 0xfa, 0xfb };
	u8 o = op[world_pick(e->w, 5)];
	unsigned size = operand_size(e, 3);

	if (o == 0x9d)
		world_put(e->w, AT_STACKS + (e->w->c->gpr[REG_ESP] & 0xffff),
			  world_flags(e->w, 0) | (world_chance(e->w, 8) ? EFLAGS_VM : 0), size);
	byte(e, o);
}

static void enter(struct emitter *e)
{
	size_prefix(e, e->w->c->stack16 ? 2 : 4);
	byte(e, 0xc8);
	word(e, world_pick(e->w, 64), 2);
	byte(e, world_chance(e->w, 4) ? world_pick(e->w, 40) : world_pick(e->w, 3));
}

static void emit(struct emitter *e)
{
	static void (*const some[])(struct emitter *
				    e) = { far_direct,	 far_direct, far_direct,  far_indirect,
					   far_return,	 far_return, far_return,  group6,
					   group7,	 look_up,    mov_segment, pop_segment,
					   load_pointer, control,    flags,	  enter };

	some[world_pick(e->w, ARRAY_SIZE(some))](e);
}

/* One instruction and UD2, in every slot. Most are returns: they find what the transfer pushed. */
static void make_slots(struct world *w)
{
	for (u32 i = 0; i < DIRECTED_SLOTS; i++) {
		struct emitter e = { w, w->c->image + AT_CODE + DIRECTED_SLOT(i),
				     world_chance(w, 4), world_pick(w, 4) };

		switch (world_pick(w, 6)) {
		case 0:
			emit(&e);
			break;
		case 1:
			byte(&e, 0xcb);
			break;
		case 2:
			byte(&e, 0xcf);
			break;
		case 3:
			byte(&e, 0x9c);
			break;
		default:
			break;
		}
		byte(&e, 0x0f);
		byte(&e, 0x0b);
	}
}

static void make_start(struct world *w)
{
	struct directed_case *c = w->c;
	u32 mode = world_pick(w, 12);

	c->mode = mode == 0 ? DIRECTED_REAL : mode == 1 ? DIRECTED_V86 : DIRECTED_PROTECTED;
	c->cpl = (u8)(c->mode == DIRECTED_REAL	? 0
		      : c->mode == DIRECTED_V86 ? 3
						: world_pick(w, 4));
	c->code16 = c->mode != DIRECTED_PROTECTED || world_chance(w, 3);
	c->stack16 = c->mode != DIRECTED_PROTECTED || world_chance(w, 3);
	c->stepped = world_chance(w, 4);
	c->cr0 = CR0_ET | CR0_NE | (c->mode == DIRECTED_REAL ? 0 : CR0_PE);
	c->cr3 = AT_PAGES;
	if (c->mode != DIRECTED_REAL && world_pick(w, 2))
		c->cr0 |= CR0_PG;
	for (unsigned i = 0; i < 8; i++)
		c->gpr[i] = (u32)rnd(&w->r);
	c->gpr[REG_ESP] = DIRECTED_STACK(c->cpl) + 0x100;
	c->gpr[REG_EBP] = DIRECTED_STACK(c->cpl) + 0x180;
	c->eip = 0;
	c->eflags = world_flags(w, c->cpl) | (c->mode == DIRECTED_V86 ? EFLAGS_VM : 0);
	for (unsigned s = 0; s < SEG_COUNT; s++) {
		u32 sel = s == SEG_CS	? (c->code16 ? GDT_CODE16 : GDT_CODE32)
			  : s == SEG_SS ? (c->stack16 ? GDT_STACK16 : GDT_STACK32)
					: GDT_DATA;

		c->sel[s] = (u16)((sel + c->cpl) << 3 | c->cpl);
		if (c->mode != DIRECTED_PROTECTED)
			c->sel[s] = (u16)((s == SEG_CS	 ? AT_CODE
					   : s == SEG_SS ? AT_STACKS
							 : AT_DATA) >>
					  4);
	}
}

void directed_generate(struct directed_case *c, u64 seed, u64 index)
{
	struct world w = { c, (seed * 0x9e3779b97f4a7c15ull ^ (index + 1) * 0xd1342543de82ef95ull) |
				      1 };
	struct emitter e;

	for (unsigned i = 0; i < 4; i++)
		rnd(&w.r);
	memset(c->image, 0, sizeof(c->image));
	memset(c->image + AT_CODE, 0xcc, AT_DATA - AT_CODE);
	c->seed = seed;
	c->index = index;
	make_start(&w);
	world_make(&w);
	for (u32 l = 0; l < 4; l++)
		put_frame(&w, DIRECTED_STACK(l), l, world_chance(&w, 4) ? 2 : 4, world_pick(&w, 2),
			  0);
	make_slots(&w);
	e = (struct emitter){ &w, c->image + AT_CODE, c->code16, c->cpl };
	for (u32 n = 1 + world_pick(&w, 3); n > 0; n--)
		emit(&e);
	byte(&e, 0x0f);
	byte(&e, 0x0b);
	world_spoil(&w);
}

void directed_print(const struct directed_case *c)
{
	static const char *const mode[] = { "real", "v86", "protected" };
	ZydisDecoder d;
	ZydisFormatter f;

	printf("SEED=%llu INDEX=%llu %s mode, CPL %u, code %u, stack %u%s%s, flags %08x\n",
	       (unsigned long long)c->seed, (unsigned long long)c->index, mode[c->mode], c->cpl,
	       c->code16 ? 16 : 32, c->stack16 ? 16 : 32, c->cr0 & CR0_PG ? ", paging" : "",
	       c->stepped ? ", stepped" : "", c->eflags);
	ZydisDecoderInit(&d,
			 c->code16 ? ZYDIS_MACHINE_MODE_LEGACY_16 : ZYDIS_MACHINE_MODE_LEGACY_32,
			 c->code16 ? ZYDIS_STACK_WIDTH_16 : ZYDIS_STACK_WIDTH_32);
	ZydisFormatterInit(&f, ZYDIS_FORMATTER_STYLE_INTEL);
	for (u32 at = 0; at < 0x200;) {
		const u8 *code = c->image + AT_CODE + at;
		ZydisDecodedInstruction in;
		ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
		char text[128] = "?";

		if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&d, code, 15, &in, op)))
			break;
		ZydisFormatterFormatInstruction(&f, &in, op, in.operand_count_visible, text,
						sizeof(text), at, NULL);
		printf("  %04x  %s\n", at, text);
		at += in.length;
		if (in.mnemonic == ZYDIS_MNEMONIC_UD2)
			break;
	}
}
