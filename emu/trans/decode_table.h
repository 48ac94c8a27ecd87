/* SPDX-License-Identifier: MIT */
/*
 * The opcodes that trans_decode.c knows.
 */
#pragma once

#include "kernel/base/types.h"

/* Operands, as SDM 2D A.2 writes them: E is r/m, G the register of ModRM, A the accumulator, R a
 * register in the opcode, I an immediate, O a bare address, J a displacement of EIP, D is DX. */
enum decode_form {
	NONE,
	E_G,
	G_E,
	G_M, /* LEA: no access */
	G_E_I,
	G_E_IS,
	G_FAR, /* LES and its like: a selector behind the operand */
	E_S,   /* S: a segment register of ModRM */
	S_E,
	E_G_IS, /* SHLD */
	E_G_CL,
	E_I,
	E_IS, /* a byte with a sign */
	E_ONE,
	E_CL,
	E_ONLY,
	G_E8,
	G_E16,
	E8_ONLY, /* SETcc; the last one with ModRM */
	A_I,
	A_R, /* XCHG; NOP with EAX */
	R_ONLY,
	R_I,
	A_O,
	O_A,
	J_BYTE,
	J_WIDE,
	I_BYTE, /* PUSH */
	I_WIDE,
	A_PORT,
	PORT_A,
	A_DX,
	DX_A,
	SEG_ONLY, /* PUSH and POP, the segment in the opcode */
	RELEASE,  /* RET with two bytes */
	FAR,	  /* CS:EIP */
	COUNTER,  /* LOOP and JCXZ */
	STRING,
	SIZED, /* the operand size makes two mnemonics */
	NOTHING,
};

struct decode_row {
	u16 mnemonic; /* or, of a group, its number */
	u8 form;
	bool byte, group;
};

/* By the opcode, behind 0Fh in two_byte; mnemonics of groups by ModRM's reg, 0 where there is none.
 */
extern const struct decode_row decode_one_byte[256], decode_two_byte[256];
extern const u16 decode_group[][8];
