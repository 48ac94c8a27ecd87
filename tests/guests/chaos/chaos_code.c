/* SPDX-License-Identifier: MIT */
/*
 * Random code: bytes, and instructions whose opcodes are known to be hard for a monitor, with
 * random operands. A sequence ends with UD2, and so does the rest of the code's pages.
 */
#include "chaos.h"

#define SEQUENCE_MAX 24u /* instructions */
#define BEFORE_PROBE 4u
#define ROOM	     32u  /* for one of them, with its prefixes */
#define LAST_BYTE    768u /* what is behind is UD2 already, mostly */
#define REFILL	     32u  /* rounds */

#define HIDDEN 8u /* bytes that a displacement and an immediate operand hide */

struct out {
	u8 *at;
	bool code16;
	const u8 *code; /* where CODE begins */
};

static void byte(struct out *o, u32 v)
{
	*o->at++ = (u8)v;
}

static void word(struct out *o, u32 v)
{
	byte(o, v);
	byte(o, v >> 8);
}

static void immediate(struct out *o, u32 v)
{
	word(o, v);
	if (!o->code16)
		word(o, v >> 16);
}

/* A ModRM byte of 32-bit or 16-bit code, with its displacement; reg: 0..7, or 8 for any. */
static void operand(struct out *o, u32 reg)
{
	u32 mod = chaos_random() & 3, rm = chaos_random() & 7;

	if (reg == 8)
		reg = chaos_random() & 7;
	byte(o, mod << 6 | reg << 3 | rm);
	if (mod == 3)
		return;
	if (!o->code16 && rm == 4)
		byte(o, chaos_random());
	if (mod == 1)
		byte(o, chaos_random() & 0x7f);
	else if (mod == 2 || (mod == 0 && rm == (o->code16 ? 6u : 5u)))
		immediate(o, chaos_address());
}

static void prefixes(struct out *o)
{
	static const u32 row[] = {
		0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65
	};

	while (chaos_one_in(6))
		byte(o, chaos_pick(row, COUNT(row)));
}

/* --- Kinds of instructions --- */

static void any_bytes(struct out *o)
{
	for (u32 n = 1 + chaos_random() % 8; n; n--)
		byte(o, chaos_random());
}

static void arithmetic(struct out *o)
{
	byte(o, (chaos_random() & 0x38) | (chaos_random() & 3));
	operand(o, 8);
}

static void one_byte(struct out *o)
{
	static const u32 row[] = {
		0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x37, 0x50, 0x54, 0x58, 0x5c, 0x60,
		0x61, 0x90, 0x98, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xc3, 0xc9, 0xcb, 0xcc, 0xce, 0xcf,
		0xcf, 0xd7, 0xf1, 0xf5, 0xfa, 0xfb, 0xfb, 0xfc, 0xfd, 0x9d, 0x17, 0x1f, 0xd6,
	};

	byte(o, chaos_pick(row, COUNT(row)));
}

static void string(struct out *o)
{
	static const u32 row[] = { 0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac,
				   0xad, 0xae, 0xaf, 0x6c, 0x6d, 0x6e, 0x6f };

	if (!chaos_one_in(3))
		byte(o, chaos_one_in(2) ? 0xf3 : 0xf2);
	byte(o, chaos_pick(row, COUNT(row)));
}

static void move(struct out *o)
{
	static const u32 row[] = { 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8d, 0x84, 0x85,
				   0x8f, 0xfe, 0xff, 0xf6, 0xd0, 0xd3, 0x63, 0x62 };

	byte(o, chaos_pick(row, COUNT(row)));
	operand(o, 8);
	if (o->at[-1] == 0xf6)
		byte(o, chaos_random());
}

static void segment(struct out *o)
{
	static const u32 row[] = { 0xc4, 0xc5, 0xb2, 0xb4, 0xb5 };

	switch (chaos_random() % 4) {
	case 0: /* a selector into a register, and that into a segment register */
	case 1:
		byte(o, 0xb8);
		immediate(o, chaos_selector());
		byte(o, 0x8e);
		byte(o, 0xc0 | (chaos_random() % 6) << 3);
		return;
	case 2:
		byte(o, chaos_one_in(2) ? 0x8e : 0x8c);
		operand(o, 8);
		return;
	default: {
		u32 op = chaos_pick(row, COUNT(row));

		if (op < 0xc0)
			byte(o, 0x0f);
		byte(o, op);
		operand(o, 8);
	}
	}
}

static void far_transfer(struct out *o)
{
	switch (chaos_random() % 4) {
	case 0:
	case 1:
		byte(o, chaos_one_in(2) ? 0x9a : 0xea);
		immediate(o, CODE + chaos_random() % 512);
		word(o, chaos_selector());
		return;
	case 2: /* a frame for RETF or IRET */
		for (u32 n = chaos_random() % 3; n; n--) {
			byte(o, 0x68);
			immediate(o, chaos_selector());
		}
		byte(o, 0x68);
		immediate(o, chaos_random() & 0x3f7fd7);
		byte(o, 0x68);
		immediate(o, chaos_selector());
		byte(o, 0x68);
		immediate(o, CODE + chaos_random() % 512);
		byte(o, chaos_one_in(2) ? 0xcf : 0xcb);
		return;
	default:
		byte(o, 0xff);
		operand(o, chaos_one_in(2) ? 3 : 5);
	}
}

static void interrupt(struct out *o)
{
	byte(o, 0xcd);
	byte(o, chaos_one_in(2) ? chaos_random() & 0x3f : chaos_random());
}

/* PUSH flags, POPF: TF, IOPL, NT, AC and the rest. */
static void flags(struct out *o)
{
	byte(o, 0x68);
	immediate(o, chaos_random() & (chaos_one_in(2) ? 0x3f7fd7u : 0x244ed7u));
	byte(o, 0x9d);
}

static void near_jump(struct out *o)
{
	switch (chaos_random() % 4) {
	case 0:
		byte(o, 0x70 | (chaos_random() & 15));
		break;
	case 1:
		byte(o, 0xe0 | (chaos_random() & 3));
		break;
	case 2:
		byte(o, 0xeb);
		break;
	default:
		byte(o, 0xe8);
		immediate(o, chaos_random() % 64);
		return;
	}
	byte(o, chaos_one_in(50) ? chaos_random() : chaos_random() & 15);
}

static void port(struct out *o)
{
	static const u32 row[] = { 0x20,  0x21,	 0xa0,	0xa1,  0x40,  0x42,  0x43,  0x60,  0x61,
				   0x64,  0x70,	 0x71,	0x80,  0x08,  0x0b,  0x3f9, 0x3fa, 0x3fb,
				   0x3d4, 0x3d5, 0x3c0, 0x3da, 0xcf8, 0xcfc, 0x4d0, 0x600, 0x608 };

	if (chaos_one_in(2)) {
		byte(o, 0xe4 | (chaos_random() & 3));
		byte(o, chaos_pick(row, 15));
		return;
	}
	byte(o, 0xba);
	immediate(o, chaos_one_in(4) ? chaos_random() & 0x4ff : chaos_pick(row, COUNT(row)));
	byte(o, 0xec | (chaos_random() & 3));
}

static void system(struct out *o)
{
	static const u32 row[] = { 0x00, 0x00, 0x01, 0x01, 0x02, 0x03 };
	static const u32 alone[] = { 0x06, 0x08, 0x09, 0x30, 0x31, 0x32, 0x33, 0x34,
				     0x35, 0xa2, 0xaa, 0x05, 0x07, 0x37, 0x77 };

	byte(o, 0x0f);
	if (chaos_one_in(3)) {
		byte(o, chaos_pick(alone, COUNT(alone)));
		return;
	}
	byte(o, chaos_pick(row, COUNT(row)));
	operand(o, 8);
}

/* A control or debug register, or a model-specific one, with a value that is not all nonsense. */
static void registers(struct out *o)
{
	static const u32 msr[] = { 0x10,  0x1b,	 0x174,	     0x175,	 0x176,	     0x277,
				   0x1a0, 0x2ff, 0xc0000080, 0xc0000081, 0xc0000100, 0xc0000103,
				   0x1d9, 0x8b,	 0xc0010015, 0xda0 };
	static const u32 cr4[] = { BIT(0), BIT(1),  BIT(2),  BIT(3),  BIT(7),  BIT(8),
				   BIT(9), BIT(10), BIT(11), BIT(18), BIT(20), BIT(21) };

	switch (chaos_random() % 6) {
	case 0: /* now and then PG or PE */
		byte(o, 0xb8);
		immediate(o, CR0_ROUND ^ (chaos_one_in(20) ? chaos_random()
							   : chaos_random() & 0x4002e));
		byte(o, 0x0f), byte(o, 0x22), byte(o, 0xc0);
		return;
	case 1:
		byte(o, 0xb8);
		immediate(o, chaos_cr4() ^ chaos_pick(cr4, COUNT(cr4)));
		byte(o, 0x0f), byte(o, 0x22), byte(o, 0xe0);
		return;
	case 2: /* CR3 again */
		byte(o, 0x0f), byte(o, 0x20), byte(o, 0xd8);
		byte(o, 0x0f), byte(o, 0x22), byte(o, 0xd8);
		return;
	case 3: /* debug registers */
		byte(o, 0xb8);
		immediate(o, chaos_one_in(2) ? chaos_address() : chaos_random() & 0xffff23ff);
		byte(o, 0x0f), byte(o, chaos_one_in(4) ? 0x21 : 0x23);
		byte(o, 0xc0 | (chaos_random() & 7) << 3);
		return;
	case 4:
		byte(o, 0xb9);
		immediate(o, chaos_pick(msr, COUNT(msr)));
		byte(o, 0x0f), byte(o, chaos_one_in(2) ? 0x30 : 0x32);
		return;
	default: /* XSETBV, XGETBV, MONITOR, MWAIT, CLAC, RDTSCP, VM..., SVM's */
		byte(o, 0x0f), byte(o, 0x01), byte(o, 0xc0 | (chaos_random() & 0x3f));
	}
}

/* Page tables, INVLPG and the cache by linear address. */
static void paging(struct out *o)
{
	byte(o, 0xbb);
	immediate(o, chaos_address());
	switch (chaos_random() % 3) {
	case 0:
		byte(o, 0x0f), byte(o, 0x01), byte(o, o->code16 ? 0x3f : 0x3b);
		return;
	case 1: /* a store of rights to what may be a table */
		byte(o, o->code16 ? 0x81 : 0x81), byte(o, o->code16 ? 0x37 : 0x33);
		immediate(o, chaos_random() & 0x1ff);
		return;
	default:
		byte(o, 0xff), byte(o, o->code16 ? 0x07 : 0x03);
	}
}

static void two_bytes(struct out *o)
{
	byte(o, 0x0f);
	byte(o, chaos_random());
	operand(o, 8);
	if (chaos_one_in(3))
		byte(o, chaos_random());
}

static void vector(struct out *o)
{
	switch (chaos_random() % 4) {
	case 0: /* VEX of two and three bytes, gathers among them */
		byte(o, 0xc5), byte(o, 0x80 | chaos_random());
		byte(o, chaos_random());
		break;
	case 1:
		byte(o, 0xc4), byte(o, 0xe0 | (1 + chaos_random() % 3));
		byte(o, chaos_random());
		byte(o, chaos_one_in(2) ? 0x8c + chaos_random() % 8 : chaos_random());
		break;
	case 2:
		byte(o, 0x66), byte(o, 0x0f), byte(o, chaos_random());
		break;
	default:
		byte(o, 0x0f), byte(o, chaos_one_in(2) ? 0x38 : 0x3a), byte(o, chaos_random());
	}
	operand(o, 8);
	if (chaos_one_in(2))
		byte(o, chaos_random());
}

static void x87(struct out *o)
{
	byte(o, 0xd8 | (chaos_random() & 7));
	operand(o, 8);
}

/* State images: FXSAVE, FXRSTOR, LDMXCSR, STMXCSR, XSAVE, XRSTOR, XSAVEOPT; FLDENV, FRSTOR and
 * their inverses. */
static void state_image(struct out *o)
{
	byte(o, 0xbb);
	immediate(o, chaos_address() & ~(chaos_one_in(4) ? 0u : 63u));
	if (chaos_one_in(2)) { /* a mask for XSAVE */
		byte(o, 0xb8);
		immediate(o, chaos_random() & 7);
	}
	if (chaos_one_in(3))
		byte(o, chaos_one_in(2) ? 0xd9 : 0xdd);
	else
		byte(o, 0x0f), byte(o, chaos_one_in(8) ? 0xc7 : 0xae);
	byte(o, (chaos_random() & 7) << 3 | (o->code16 ? 7 : 3));
}

/* A store to the code that follows. */
static void self_modifying(struct out *o)
{
	byte(o, 0xc6), byte(o, o->code16 ? 0x06 : 0x05);
	immediate(o, (o->code16 ? 0 : CODE) + chaos_random() % 256);
	byte(o, chaos_random());
}

/* What a shadow holds off an event for, and what is behind it. */
static void shadowed(struct out *o)
{
	static const u32 behind[] = { 0xf4, 0xc3, 0xcf, 0x9d, 0xfa, 0x90, 0xcc, 0xf1, 0x74, 0xe2 };

	if (chaos_one_in(2))
		byte(o, 0xfb);
	else
		byte(o, 0x8e), byte(o, 0xd0 | (chaos_random() & 7));
	byte(o, chaos_pick(behind, COUNT(behind)));
	byte(o, 0);
}

static void (*const kinds[])(struct out *) = {
	any_bytes, arithmetic, one_byte,  string,      move,	       segment,	  far_transfer,
	interrupt, flags,      near_jump, port,	       system,	       registers, paging,
	two_bytes, vector,     x87,	  state_image, self_modifying, shadowed,
};

/* Nothing that the page analysis for raw ring 1 refuses, or seldom. */
static void (*const clean_kinds[])(struct out *) = {
	arithmetic, string, move, near_jump, port, paging, x87, self_modifying,
};

/*
 * Anything at all where the page analysis does not see it: in the operands of an instruction that
 * a jump through a register leads into. So raw ring 1 executes it, on a page that is clean.
 */
static void hidden(struct out *o)
{
	u8 text[ROOM];
	struct out h = { text, false, text };
	u32 n;

	kinds[chaos_random() % COUNT(kinds)](&h);
	n = (u32)(h.at - text);
	if (n > HIDDEN)
		return;
	byte(o, 0xb9); /* mov ecx, behind the opcode; jmp ecx; mov [HIDDEN bytes of operands] */
	immediate(o, CODE + (u32)(o->at - o->code) + 8);
	byte(o, 0xff), byte(o, 0xe1);
	byte(o, 0xc7), byte(o, 0x05);
	for (u32 i = 0; i < HIDDEN; i++)
		byte(o, i < n ? text[i] : 0x90);
}

void chaos_fill_code(u8 *code, u32 bytes)
{
	for (u32 i = 0; i < bytes; i += 2)
		code[i] = 0x0f, code[i + 1] = 0x0b;
}

static void write_one(struct out *o, bool clean)
{
	if (clean && chaos_one_in(2)) {
		hidden(o);
		return;
	}
	prefixes(o);
	if (clean)
		clean_kinds[chaos_random() % COUNT(clean_kinds)](o);
	else
		kinds[chaos_random() % COUNT(kinds)](o);
}

void chaos_write_code(u8 *code, u32 bytes, const struct chaos_mode *m,
		      const struct chaos_probe *probe)
{
	struct out o = { code, m->code16, code };
	u32 n = probe->end ? chaos_random() % BEFORE_PROBE : 1 + chaos_random() % SEQUENCE_MAX;
	u8 *end = code + (chaos_one_in(REFILL) ? bytes : LAST_BYTE);

	while (n-- && o.at + ROOM < code + LAST_BYTE)
		write_one(&o, m->clean);
	if (probe->end) {
		byte(&o, 0xe9);
		immediate(&o, PROBE - (u32)(o.at + 4 - code));
	}
	while (o.at + 1 < end)
		word(&o, 0x0b0f);
}

void chaos_write_probe(u8 *code, struct chaos_probe *probe)
{
	struct out o = { code + PROBE, false, code };

	byte(&o, 0xcd), byte(&o, VEC_FLUSH);
	byte(&o, 0xb8); /* mov eax, UDS; mov ds, eax */
	immediate(&o, UDS);
	byte(&o, 0x8e), byte(&o, 0xd8);
	if (probe->write)
		byte(&o, 0x80), byte(&o, 0x05); /* add byte [gla], 0 */
	else
		byte(&o, 0xa0); /* mov al, [gla] */
	immediate(&o, probe->gla);
	if (probe->write)
		byte(&o, 0);
	byte(&o, 0xbb); /* mov ebx, PROBE_MAGIC; int VEC_PROBE */
	immediate(&o, PROBE_MAGIC);
	byte(&o, 0xcd), byte(&o, VEC_PROBE);
	probe->end = (u32)(o.at - code);
	word(&o, 0x0b0f);
}
