/* SPDX-License-Identifier: MIT */
/*
 * Host instructions by name, the destination first. 32 bits wide if the name does not say more; a
 * 32-bit result clears the upper half.
 */
#pragma once

#include "emu/trans/emit.h"

#define R_AH 4u /* as a byte register without REX */

/* --- Moves */

static inline void emit_mov(struct emit *e, unsigned to, unsigned from)
{
	emit_rr(e, false, 0x89, from, to);
}

/* Its opcode is in two bytes, the second of which looks like a ModRM with 1. */
static inline void emit_bswap64(struct emit *e, unsigned reg)
{
	emit_rr(e, true, 0x0f, 1, reg);
}

static inline void emit_mov64(struct emit *e, unsigned to, unsigned from)
{
	emit_rr(e, true, 0x89, from, to);
}

static inline void emit_mov16(struct emit *e, unsigned to, unsigned from)
{
	emit_u8(e, 0x66);
	emit_rr(e, false, 0x89, from, to);
}

static inline void emit_mov8(struct emit *e, unsigned to, unsigned from)
{
	emit_rr(e, false, 0x88, from, to);
}

static inline void emit_movzx16(struct emit *e, unsigned to, unsigned from)
{
	emit_rr(e, false, 0x0fb7, to, from);
}

static inline void emit_movzx8(struct emit *e, unsigned to, unsigned from)
{
	emit_rr(e, false, 0x0fb6, to, from);
}

static inline void emit_movsx8(struct emit *e, unsigned to, unsigned from)
{
	emit_rr(e, false, 0x0fbe, to, from);
}

/* size bytes (1, 2, 4), with zeros above them. r may be NULL for memory of the host's. */
static inline void emit_load_zx(struct emit *e, const struct recomp *r, unsigned size, unsigned to,
				struct hmem m)
{
	emit_rm(e, r, false, size == 4 ? 0x8b : size == 2 ? 0x0fb7 : 0x0fb6, to, m);
}

/* A byte to or from memory; the rest of the register stays. */
static inline void emit_load8(struct emit *e, const struct recomp *r, unsigned to, struct hmem m)
{
	emit_rm(e, r, false, 0x8a, to, m);
}

static inline void emit_store8(struct emit *e, const struct recomp *r, unsigned from, struct hmem m)
{
	emit_rm(e, r, false, 0x88, from, m);
}

/* A word from memory of the host's; the rest of the register stays. */
static inline void emit_load16(struct emit *e, unsigned to, struct hmem m)
{
	emit_u8(e, 0x66);
	emit_rm(e, NULL, false, 0x8b, to, m);
}

static inline void emit_store16(struct emit *e, unsigned from, struct hmem m)
{
	emit_u8(e, 0x66);
	emit_rm(e, NULL, false, 0x89, from, m);
}

static inline void emit_store_imm16(struct emit *e, u16 imm, struct hmem m)
{
	emit_u8(e, 0x66);
	emit_rm(e, NULL, false, 0xc7, 0, m);
	emit_u8(e, (u8)imm);
	emit_u8(e, (u8)(imm >> 8));
}

static inline void emit_store_imm(struct emit *e, const struct recomp *r, struct hmem m, u32 imm)
{
	emit_rm(e, r, false, 0xc7, 0, m);
	emit_u32(e, imm);
}

static inline void emit_store64(struct emit *e, unsigned from, struct hmem m)
{
	emit_rm(e, NULL, true, 0x89, from, m);
}

static inline void emit_store_imm8(struct emit *e, struct hmem m, u8 imm)
{
	emit_rm(e, NULL, false, 0xc6, 0, m);
	emit_u8(e, imm);
}

static inline void emit_push(struct emit *e, unsigned reg)
{
	if (reg >= 8)
		emit_u8(e, 0x41);
	emit_u8(e, (u8)(0x50 | (reg & 7)));
}

static inline void emit_pop(struct emit *e, unsigned reg)
{
	if (reg >= 8)
		emit_u8(e, 0x41);
	emit_u8(e, (u8)(0x58 | (reg & 7)));
}

static inline void emit_bswap(struct emit *e, unsigned reg)
{
	if (reg >= 8)
		emit_u8(e, 0x41);
	emit_u8(e, 0x0f);
	emit_u8(e, (u8)(0xc8 | (reg & 7)));
}

/* --- Arithmetic, which changes flags */

enum alu { ALU_ADD, ALU_OR, ALU_AND = 4, ALU_SUB, ALU_XOR, ALU_CMP };
enum shift { SHIFT_LEFT = 4, SHIFT_RIGHT };

static inline void emit_alu(struct emit *e, enum alu op, unsigned to, unsigned from)
{
	emit_rr(e, false, (u32)op << 3 | 1, from, to);
}

static inline void emit_add64(struct emit *e, unsigned to, unsigned from)
{
	emit_rr(e, true, 0x01, from, to);
}

static inline void emit_alu_load(struct emit *e, enum alu op, unsigned to, struct hmem m)
{
	emit_rm(e, NULL, false, (u32)op << 3 | 3, to, m);
}

static inline void emit_alu64_load(struct emit *e, enum alu op, unsigned to, struct hmem m)
{
	emit_rm(e, NULL, true, (u32)op << 3 | 3, to, m);
}

static inline void emit_alu_imm(struct emit *e, enum alu op, unsigned reg, u32 imm)
{
	emit_rr(e, false, 0x81, op, reg);
	emit_u32(e, imm);
}

static inline void emit_alu_imm8(struct emit *e, enum alu op, unsigned reg, u8 imm)
{
	emit_rr(e, false, 0x83, op, reg);
	emit_u8(e, imm);
}

static inline void emit_alu64_imm8(struct emit *e, enum alu op, unsigned reg, u8 imm)
{
	emit_rr(e, true, 0x83, op, reg);
	emit_u8(e, imm);
}

static inline void emit_alu_mem_imm8(struct emit *e, enum alu op, struct hmem m, u8 imm)
{
	emit_rm(e, NULL, false, 0x83, op, m);
	emit_u8(e, imm);
}

/* On a byte register, and on a byte in memory. */
static inline void emit_alu8_imm(struct emit *e, enum alu op, unsigned reg, u8 imm)
{
	emit_rr(e, false, 0x80, op, reg);
	emit_u8(e, imm);
}

static inline void emit_alu8_mem_imm(struct emit *e, enum alu op, struct hmem m, u8 imm)
{
	emit_rm(e, NULL, false, 0x80, op, m);
	emit_u8(e, imm);
}

static inline void emit_test(struct emit *e, unsigned a, unsigned b)
{
	emit_rr(e, false, 0x85, b, a);
}

static inline void emit_shift(struct emit *e, enum shift op, unsigned reg, u8 by)
{
	emit_rr(e, false, 0xc1, op, reg);
	emit_u8(e, by);
}

/* NOT leaves the flags alone. */
static inline void emit_not(struct emit *e, unsigned reg)
{
	emit_rr(e, false, 0xf7, 2, reg);
}

static inline void emit_not64(struct emit *e, unsigned reg)
{
	emit_rr(e, true, 0xf7, 2, reg);
}

static inline void emit_not8_mem(struct emit *e, const struct recomp *r, struct hmem m)
{
	emit_rm(e, r, false, 0xf6, 2, m);
}

/* --- Flags */

enum cc { CC_O, CC_NO, CC_C, CC_NC, CC_Z, CC_NZ, CC_BE, CC_A, CC_S };

static inline void emit_setcc(struct emit *e, enum cc cc, unsigned reg)
{
	emit_rr(e, false, 0x0f90u | cc, 0, reg);
}

static inline void emit_cmov_load(struct emit *e, enum cc cc, unsigned to, struct hmem m)
{
	emit_rm(e, NULL, false, 0x0f40u | cc, to, m);
}

/* AH = SF ZF AF PF CF; and back. */
static inline void emit_lahf(struct emit *e)
{
	emit_u8(e, 0x9f);
}

static inline void emit_sahf(struct emit *e)
{
	emit_u8(e, 0x9e);
}

#define EMIT_OF_BIT 11u /* of EFLAGS */
_Static_assert(EFLAGS_OF == BIT(EMIT_OF_BIT), "as it is shifted");

/* OF and the flags in AH, of AL = OF and AH: 7Fh + 1 overflows, and SAHF leaves OF alone. */
static inline void emit_flags_from_ax(struct emit *e)
{
	emit_u8(e, 0x04); /* add al, 7fh */
	emit_u8(e, 0x7f);
	emit_sahf(e);
}

static inline void emit_set_df(struct emit *e, bool set)
{
	emit_u8(e, set ? 0xfd : 0xfc); /* STD, CLD */
}

/* --- Control (jumps: emit.h) */

static inline void emit_ret(struct emit *e)
{
	emit_u8(e, 0xc3);
}

static inline void emit_jmp_reg(struct emit *e, unsigned reg)
{
	emit_rr(e, false, 0xff, 4, reg);
}

static inline void emit_jmp_mem(struct emit *e, struct hmem m)
{
	emit_rm(e, NULL, false, 0xff, 4, m);
}

static inline void emit_call_mem(struct emit *e, struct hmem m)
{
	emit_rm(e, NULL, false, 0xff, 2, m);
}

static inline void emit_call_reg(struct emit *e, unsigned reg)
{
	emit_rr(e, false, 0xff, 2, reg);
}

/* Pending x87 errors are reported here. */
static inline void emit_fwait(struct emit *e)
{
	emit_u8(e, 0x9b);
}

/* w: the form with 64-bit pointers, not with selectors. */
static inline void emit_fxsave(struct emit *e, bool w, struct hmem m)
{
	emit_rm(e, NULL, w, 0x0fae, 0, m);
}

static inline void emit_fxrstor(struct emit *e, bool w, struct hmem m)
{
	emit_rm(e, NULL, w, 0x0fae, 1, m);
}
