/* SPDX-License-Identifier: MIT */
/*
 * Writes host instructions into a buffer: single bytes, and forms with a ModRM byte. A buffer that
 * is full is noted (emit.overflow), not written behind.
 *
 * A form asks once for the room that any of them needs (room()), puts its bytes with the position
 * in a register, and commits the position (advance()).
 */
#include "emu/trans/emit.h"

#include "kernel/base/bytes.h"

/* The most bytes that are put without asking again: prefixes, REX, opcode, ModRM, SIB, disp32. */
#define FORM_MAX 16

/* Where the next bytes go. Behind an overflow that is the buffer's end, again and again. */
static inline u8 *room(struct emit *e)
{
	if (e->end - e->p < FORM_MAX) {
		e->overflow = true;
		e->p = e->end - FORM_MAX;
	}
	return e->p;
}

static inline void advance(struct emit *e, u8 *p)
{
	e->p = p;
}

static inline u8 *put_u32(u8 *p, u32 v)
{
	put_le32(p, v);
	return p + 4;
}

void emit_u8(struct emit *e, u8 v)
{
	u8 *p = room(e);

	*p++ = v;
	advance(e, p);
}

void emit_u32(struct emit *e, u32 v)
{
	advance(e, put_u32(room(e), v));
}

u8 *emit_copy(struct emit *e, const u8 *code, unsigned len)
{
	u8 *p = e->p;

	if (e->end - p < (ptrdiff_t)LOOK_UP_CODE) {
		e->overflow = true;
		return NULL;
	}
	__builtin_memcpy(p, code, LOOK_UP_CODE);
	e->p = p + len;
	return p;
}

void emit_u64(struct emit *e, u64 v)
{
	u8 *p = put_u32(room(e), (u32)v);

	advance(e, put_u32(p, (u32)(v >> 32)));
}

/* opcode: up to three bytes, the first in the highest used byte; 0F maps keep their escape. */
static inline u8 *put_opcode(u8 *p, u32 opcode)
{
	if (opcode > 0xff) {
		if (opcode > 0xffff)
			*p++ = (u8)(opcode >> 16);
		*p++ = (u8)(opcode >> 8);
	}
	*p++ = (u8)opcode;
	return p;
}

/* bits: W, R, X and B. */
static inline u8 *put_rex(u8 *p, unsigned bits)
{
	if (bits)
		*p++ = (u8)(0x40 | bits);
	return p;
}

void emit_rr(struct emit *e, bool w, u32 opcode, unsigned reg, unsigned rm)
{
	u8 *p = put_rex(room(e), (w ? 8u : 0) | (reg & 8) >> 1 | (rm & 8) >> 3);

	p = put_opcode(p, opcode);
	*p++ = (u8)(0xc0 | (reg & 7) << 3 | (rm & 7));
	advance(e, p);
}

static inline unsigned rex_bits(unsigned reg, struct hmem m)
{
	return (reg >= 8 ? 4u : 0) | (m.index >= 8 ? 2u : 0) | (m.base >= 8 ? 1u : 0);
}

u8 emit_rex_bits(unsigned reg, struct hmem m)
{
	return (u8)rex_bits(reg, m);
}

static inline u8 *put_guest_prefix(u8 *p, const struct recomp *r, struct hmem m)
{
	if (!m.guest)
		return p;
	if (r->cfg.membase_gs)
		*p++ = 0x65;
	*p++ = 0x67;
	return p;
}

void emit_guest_prefix(struct emit *e, const struct recomp *r, struct hmem m)
{
	advance(e, put_guest_prefix(room(e), r, m));
}

static inline u8 sib(struct hmem m, unsigned base)
{
	unsigned scale = m.scale == 8 ? 3 : m.scale >> 1; /* of 1, 2, 4, 8: 0 to 3 */
	unsigned index = m.index < 0 ? 4u : (unsigned)m.index & 7;

	return (u8)(scale << 6 | index << 3 | base);
}

static inline u8 *put_modrm_mem(u8 *p, unsigned reg, struct hmem m)
{
	unsigned r = (reg & 7) << 3, base = (unsigned)m.base & 7, mod;

	if (m.base < 0) { /* [index*scale + disp32] or [disp32]: SIB without base */
		*p++ = (u8)(r | 4);
		*p++ = sib(m, 5);
		return put_u32(p, (u32)m.disp);
	}
	mod = m.disp == 0 && base != 5 ? 0 : m.disp == (s8)m.disp ? 0x40 : 0x80;
	if (m.index >= 0 || base == 4) {
		*p++ = (u8)(mod | r | 4);
		*p++ = sib(m, base);
	} else {
		*p++ = (u8)(mod | r | base);
	}
	if (mod == 0x40)
		*p++ = (u8)m.disp;
	else if (mod == 0x80)
		p = put_u32(p, (u32)m.disp);
	return p;
}

void emit_modrm_mem(struct emit *e, unsigned reg, struct hmem m)
{
	advance(e, put_modrm_mem(room(e), reg, m));
}

/* The most frequent form: [base + disp], by an opcode of one byte. */
static inline u8 *put_based(u8 *p, unsigned rex, u8 opcode, unsigned reg, unsigned base, s32 disp)
{
	unsigned modrm = (reg & 7) << 3 | (base & 7);

	*p = (u8)(0x40 | rex);
	p += rex != 0;
	p[0] = opcode;
	p[2] = 0x24; /* SIB: no index; ESP and R12 need one */
	if (!disp && (base & 7) != 5) {
		p[1] = (u8)modrm;
		return p + 2 + ((base & 7) == 4);
	}
	if (disp == (s8)disp) {
		p[1] = (u8)(0x40 | modrm);
		p += 2 + ((base & 7) == 4);
		*p = (u8)disp;
		return p + 1;
	}
	p[1] = (u8)(0x80 | modrm);
	return put_u32(p + 2 + ((base & 7) == 4), (u32)disp);
}

/* Apart, so that the frequent form saves no registers for it. */
static __attribute__((noinline)) void emit_other_rm(struct emit *e, const struct recomp *r, bool w,
						    u32 opcode, unsigned reg, struct hmem m)
{
	u8 *p = put_guest_prefix(room(e), r, m);

	p = put_rex(p, (w ? 8u : 0) | rex_bits(reg, m));
	p = put_opcode(p, opcode);
	advance(e, put_modrm_mem(p, reg, m));
}

void emit_rm(struct emit *e, const struct recomp *r, bool w, u32 opcode, unsigned reg,
	     struct hmem m)
{
	unsigned rex = (w ? 8u : 0) | (reg & 8) >> 1 | ((unsigned)m.base & 8) >> 3;

	if (m.base >= 0 && m.index < 0 && !m.guest && opcode <= 0xff)
		advance(e, put_based(room(e), rex, (u8)opcode, reg, (unsigned)m.base, m.disp));
	else
		emit_other_rm(e, r, w, opcode, reg, m);
}

void emit_mov_imm32(struct emit *e, unsigned reg, u32 imm)
{
	u8 *p = put_rex(room(e), reg >= 8 ? 1 : 0);

	*p++ = (u8)(0xb8 | (reg & 7));
	advance(e, put_u32(p, imm));
}

void emit_mov_imm64(struct emit *e, unsigned reg, u64 imm)
{
	u8 *p = put_rex(room(e), 8u | (reg >= 8 ? 1 : 0));

	*p++ = (u8)(0xb8 | (reg & 7));
	advance(e, p);
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
	u8 *p = room(e);

	*p++ = 0xff; /* jmp [rip + disp32] */
	*p++ = 0x25;
	advance(e, p);
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

bool emit_loop_back(struct emit *e, u8 opcode, u32 to)
{
	s64 rel = (s64)to - (e->p - e->start + 3);

	if (rel < -128)
		return false;
	emit_u8(e, 0x67);
	emit_u8(e, opcode);
	emit_u8(e, (u8)rel);
	return true;
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
