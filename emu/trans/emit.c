/* SPDX-License-Identifier: MIT */
/*
 * Writes host instructions into a buffer: single bytes, and forms with a ModRM byte. A buffer that
 * is full is noted (emit.overflow), not written behind.
 */
#include "emu/trans/emit.h"

#include "kernel/base/bytes.h"

void emit_u8(struct emit *e, u8 v)
{
	if (e->p >= e->end) {
		e->overflow = true;
		return;
	}
	*e->p++ = v;
}

void emit_u32(struct emit *e, u32 v)
{
	for (int i = 0; i < 4; i++)
		emit_u8(e, (u8)(v >> (8 * i)));
}

void emit_u64(struct emit *e, u64 v)
{
	emit_u32(e, (u32)v);
	emit_u32(e, (u32)(v >> 32));
}

/* opcode: up to three bytes, the first in the highest used byte; 0F maps keep their escape. */
static void emit_opcode(struct emit *e, u32 opcode)
{
	if (opcode > 0xffff)
		emit_u8(e, (u8)(opcode >> 16));
	if (opcode > 0xff)
		emit_u8(e, (u8)(opcode >> 8));
	emit_u8(e, (u8)opcode);
}

static void emit_rex(struct emit *e, u8 bits)
{
	if (bits)
		emit_u8(e, 0x40 | bits);
}

void emit_rr(struct emit *e, bool w, u32 opcode, unsigned reg, unsigned rm)
{
	emit_rex(e, (u8)((w ? 8 : 0) | (reg >= 8 ? 4 : 0) | (rm >= 8 ? 1 : 0)));
	emit_opcode(e, opcode);
	emit_u8(e, (u8)(0xc0 | (reg & 7) << 3 | (rm & 7)));
}

u8 emit_rex_bits(unsigned reg, struct hmem m)
{
	return (u8)((reg >= 8 ? 4 : 0) | (m.index >= 8 ? 2 : 0) | (m.base >= 8 ? 1 : 0));
}

void emit_guest_prefix(struct emit *e, const struct recomp *r, struct hmem m)
{
	if (!m.guest)
		return;
	if (r->cfg.membase_gs)
		emit_u8(e, 0x65);
	emit_u8(e, 0x67);
}

static unsigned scale_bits(u8 scale)
{
	return scale == 8 ? 3 : scale == 4 ? 2 : scale == 2 ? 1 : 0;
}

void emit_modrm_mem(struct emit *e, unsigned reg, struct hmem m)
{
	unsigned r = (reg & 7) << 3;
	bool disp8 = m.disp >= -128 && m.disp <= 127;

	if (m.base < 0) { /* [index*scale + disp32] or [disp32]: SIB without base */
		emit_u8(e, (u8)(r | 4));
		emit_u8(e, (u8)(scale_bits(m.scale) << 6 |
				(m.index < 0 ? 4u : (unsigned)m.index & 7) << 3 | 5));
		emit_u32(e, (u32)m.disp);
		return;
	}

	unsigned mod = m.disp == 0 && (m.base & 7) != 5 ? 0 : disp8 ? 0x40 : 0x80;

	if (m.index >= 0 || (m.base & 7) == 4) {
		emit_u8(e, (u8)(mod | r | 4));
		emit_u8(e, (u8)(scale_bits(m.scale) << 6 |
				(m.index < 0 ? 4u : (unsigned)m.index & 7) << 3 |
				((unsigned)m.base & 7)));
	} else {
		emit_u8(e, (u8)(mod | r | ((unsigned)m.base & 7)));
	}
	if (mod == 0x40)
		emit_u8(e, (u8)m.disp);
	else if (mod == 0x80)
		emit_u32(e, (u32)m.disp);
}

void emit_rm(struct emit *e, const struct recomp *r, bool w, u32 opcode, unsigned reg,
	     struct hmem m)
{
	emit_guest_prefix(e, r, m);
	emit_rex(e, (u8)((w ? 8 : 0) | emit_rex_bits(reg, m)));
	emit_opcode(e, opcode);
	emit_modrm_mem(e, reg, m);
}

void emit_mov_imm32(struct emit *e, unsigned reg, u32 imm)
{
	emit_rex(e, reg >= 8 ? 1 : 0);
	emit_u8(e, (u8)(0xb8 | (reg & 7)));
	emit_u32(e, imm);
}

void emit_mov_imm64(struct emit *e, unsigned reg, u64 imm)
{
	emit_rex(e, (u8)(8 | (reg >= 8 ? 1 : 0)));
	emit_u8(e, (u8)(0xb8 | (reg & 7)));
	emit_u64(e, imm);
}

void emit_load32(struct emit *e, unsigned reg, struct hmem m)
{
	emit_rm(e, NULL, false, 0x8b, reg, m);
}

void emit_store32(struct emit *e, unsigned reg, struct hmem m)
{
	emit_rm(e, NULL, false, 0x89, reg, m);
}

void emit_load64(struct emit *e, unsigned reg, struct hmem m)
{
	emit_rm(e, NULL, true, 0x8b, reg, m);
}

void emit_lea(struct emit *e, bool w, unsigned reg, struct hmem m)
{
	m.guest = false;
	emit_rm(e, NULL, w, 0x8d, reg, m);
}

void emit_store_imm32(struct emit *e, struct hmem m, u32 imm)
{
	emit_rm(e, NULL, false, 0xc7, 0, m);
	emit_u32(e, imm);
}

u64 emit_here(const struct emit *e)
{
	return e->rx + (u64)(e->p - e->start);
}

static void emit_rel32(struct emit *e, u64 target)
{
	emit_u32(e, (u32)(target - (emit_here(e) + 4)));
}

void emit_jmp(struct emit *e, u64 target)
{
	emit_jmp_open(e);
	emit_rel32(e, target);
}

void emit_call(struct emit *e, u64 target)
{
	emit_u8(e, 0xe8);
	emit_rel32(e, target);
}

void emit_jmp_word(struct emit *e, u64 word)
{
	emit_u8(e, 0xff); /* jmp [rip + disp32] */
	emit_u8(e, 0x25);
	emit_rel32(e, word);
}

/* --- Jumps within the buffer */

void emit_jcc_open(struct emit *e, unsigned cc)
{
	emit_u8(e, 0x0f);
	emit_u8(e, (u8)(0x80 | cc));
}

void emit_jmp_open(struct emit *e)
{
	emit_u8(e, 0xe9);
}

/* A displacement of size bytes that the label will fill. */
static void displacement(struct emit *e, struct emit_label *to, unsigned size)
{
	u32 back = to->last ? (u32)(e->p - to->last) : 0;

	to->last = e->p;
	to->size = size;
	if (size == 1)
		emit_u8(e, (u8)back);
	else
		emit_u32(e, back);
}

static void short_jump(struct emit *e, u8 opcode, struct emit_label *to)
{
	emit_u8(e, opcode);
	displacement(e, to, 1);
}

void emit_jcc(struct emit *e, unsigned cc, struct emit_label *to)
{
	short_jump(e, (u8)(0x70 | cc), to);
}

void emit_jrcxz(struct emit *e, struct emit_label *to)
{
	short_jump(e, 0xe3, to);
}

void emit_loop(struct emit *e, u8 opcode, struct emit_label *to)
{
	emit_u8(e, 0x67);
	short_jump(e, opcode, to);
}

void emit_jmp_short(struct emit *e, struct emit_label *to)
{
	short_jump(e, 0xeb, to);
}

void emit_jcc_near(struct emit *e, unsigned cc, struct emit_label *to)
{
	emit_jcc_open(e, cc);
	displacement(e, to, 4);
}

void emit_jmp_near(struct emit *e, struct emit_label *to)
{
	emit_jmp_open(e);
	displacement(e, to, 4);
}

void emit_label(struct emit *e, const struct emit_label *label)
{
	u8 *at = label->last;

	while (at && !e->overflow) {
		u32 back = label->size == 1 ? *at : get_le32(at);
		u32 rel = (u32)(e->p - (at + label->size));

		if (label->size == 1)
			*at = (u8)rel;
		else
			put_le32(at, rel);
		at = back ? at - back : NULL;
	}
}

/* The displacement of a two-byte jump that begins here; 0: it has not that reach. */
static s8 short_way(const struct emit *e, u32 to)
{
	s64 rel = (s64)to - (e->p - e->start + 2);

	return rel >= -128 ? (s8)rel : (s8)0;
}

void emit_jcc_back(struct emit *e, unsigned cc, u32 to)
{
	s8 rel = short_way(e, to);

	if (rel) {
		emit_u8(e, (u8)(0x70 | cc));
		emit_u8(e, (u8)rel);
	} else {
		emit_jcc_open(e, cc);
		emit_rel32(e, e->rx + to);
	}
}

void emit_jmp_back(struct emit *e, u32 to)
{
	s8 rel = short_way(e, to);

	if (rel) {
		emit_u8(e, 0xeb);
		emit_u8(e, (u8)rel);
	} else {
		emit_jmp(e, e->rx + to);
	}
}

void emit_patch_rel32(struct emit *e, u8 *at)
{
	if (!e->overflow)
		put_le32(at, (u32)(e->p - (at + 4)));
}

/* NOPs of at most nine bytes, which every processor decodes at once (SDM 2B, NOP). */
void emit_align(struct emit *e, unsigned align)
{
	static const u8 nop[][9] = {
		{ 0x90 },
		{ 0x66, 0x90 },
		{ 0x0f, 0x1f, 0x00 },
		{ 0x0f, 0x1f, 0x40 },
		{ 0x0f, 0x1f, 0x44 },
		{ 0x66, 0x0f, 0x1f, 0x44 },
		{ 0x0f, 0x1f, 0x80 },
		{ 0x0f, 0x1f, 0x84 },
		{ 0x66, 0x0f, 0x1f, 0x84 },
	};
	unsigned left = (unsigned)-emit_here(e) & (align - 1);

	while (left) {
		unsigned n = left < ARRAY_SIZE(nop) ? left : (unsigned)ARRAY_SIZE(nop);

		for (unsigned i = 0; i < n; i++)
			emit_u8(e, nop[n - 1][i]);
		left -= n;
	}
}
