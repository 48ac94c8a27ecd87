/* SPDX-License-Identifier: MIT */
/*
 * The opcodes that are decoded without Zydis, as rows and groups.
 */
#include "emu/trans/decode_table.h"

#include <Zydis/Zydis.h>

#define M(name) ZYDIS_MNEMONIC_##name
#define TWICE(m, f)                                 \
	{ .mnemonic = m, .form = f, .byte = true }, \
	{                                           \
		.mnemonic = m, .form = f            \
	}
#define ALU(m) TWICE(M(m), E_G), TWICE(M(m), G_E), TWICE(M(m), A_I)
#define GROUP(n, f, b)                                             \
	{                                                          \
		.mnemonic = n, .form = f, .byte = b, .group = true \
	}
#define ROW(m, f)                           \
	{                                   \
		.mnemonic = M(m), .form = f \
	}
#define BYTES(m, f)                                       \
	{                                                 \
		.mnemonic = M(m), .form = f, .byte = true \
	}
#define EIGHT(r) r, r, r, r, r, r, r, r
#define JCC(f)                                                                                  \
	ROW(JO, f), ROW(JNO, f), ROW(JB, f), ROW(JNB, f), ROW(JZ, f), ROW(JNZ, f), ROW(JBE, f), \
		ROW(JNBE, f), ROW(JS, f), ROW(JNS, f), ROW(JP, f), ROW(JNP, f), ROW(JL, f),     \
		ROW(JNL, f), ROW(JLE, f), ROW(JNLE, f)

enum group { GROUP_1, GROUP_2, GROUP_3, GROUP_4, GROUP_5, GROUP_8, GROUP_11 };

/* 0, which is Zydis' invalid one: not here. */
const u16 decode_group[][8] = {
	[GROUP_1] = { M(ADD), M(OR), M(ADC), M(SBB), M(AND), M(SUB), M(XOR), M(CMP) },
	[GROUP_2] = { M(ROL), M(ROR), M(RCL), M(RCR), M(SHL), M(SHR), 0, M(SAR) },
	[GROUP_3] = { M(TEST), 0, M(NOT), M(NEG), M(MUL), M(IMUL), M(DIV), M(IDIV) },
	[GROUP_4] = { M(INC), M(DEC) },
	[GROUP_5] = { M(INC), M(DEC), M(CALL), 0, M(JMP), 0, M(PUSH), 0 },
	[GROUP_8] = { 0, 0, 0, 0, M(BT), M(BTS), M(BTR), M(BTC) },
	[GROUP_11] = { M(MOV) },
};

const struct decode_row decode_one_byte[256] = {
	[0x00] = ALU(ADD),
	ROW(PUSH, SEG_ONLY),
	ROW(POP, SEG_ONLY),
	[0x08] = ALU(OR),
	ROW(PUSH, SEG_ONLY),
	[0x10] = ALU(ADC),
	ROW(PUSH, SEG_ONLY),
	ROW(POP, SEG_ONLY),
	[0x18] = ALU(SBB),
	ROW(PUSH, SEG_ONLY),
	ROW(POP, SEG_ONLY),
	[0x20] = ALU(AND),
	[0x28] = ALU(SUB),
	[0x30] = ALU(XOR),
	[0x38] = ALU(CMP),
	[0x40] = EIGHT(ROW(INC, R_ONLY)),
	[0x48] = EIGHT(ROW(DEC, R_ONLY)),
	[0x50] = EIGHT(ROW(PUSH, R_ONLY)),
	[0x58] = EIGHT(ROW(POP, R_ONLY)),
	[0x60] = ROW(PUSHA, SIZED),
	ROW(POPA, SIZED),
	[0x68] = ROW(PUSH, I_WIDE),
	ROW(IMUL, G_E_I),
	ROW(PUSH, I_BYTE),
	ROW(IMUL, G_E_IS),
	[0x70] = JCC(J_BYTE),
	[0x80] = GROUP(GROUP_1, E_I, true),
	GROUP(GROUP_1, E_I, false),
	[0x83] = GROUP(GROUP_1, E_IS, false),
	TWICE(M(TEST), E_G),
	TWICE(M(XCHG), E_G),
	TWICE(M(MOV), E_G),
	TWICE(M(MOV), G_E),
	[0x8c] = ROW(MOV, E_S),
	ROW(LEA, G_M),
	ROW(MOV, S_E),
	[0x90] = EIGHT(ROW(XCHG, A_R)),
	[0x98] = ROW(CBW, SIZED),
	ROW(CWD, SIZED),
	ROW(CALL, FAR),
	[0x9c] = ROW(PUSHF, SIZED),
	ROW(POPF, SIZED),
	ROW(SAHF, NOTHING),
	ROW(LAHF, NOTHING),
	[0xa0] = TWICE(M(MOV), A_O),
	TWICE(M(MOV), O_A),
	BYTES(MOVSB, STRING),
	ROW(MOVSW, STRING),
	BYTES(CMPSB, STRING),
	ROW(CMPSW, STRING),
	[0xa8] = TWICE(M(TEST), A_I),
	BYTES(STOSB, STRING),
	ROW(STOSW, STRING),
	BYTES(LODSB, STRING),
	ROW(LODSW, STRING),
	BYTES(SCASB, STRING),
	ROW(SCASW, STRING),
	[0xb0] = EIGHT(BYTES(MOV, R_I)),
	EIGHT(ROW(MOV, R_I)),
	[0xc0] = GROUP(GROUP_2, E_IS, true),
	GROUP(GROUP_2, E_IS, false),
	[0xc2] = ROW(RET, RELEASE),
	ROW(RET, NOTHING),
	ROW(LES, G_FAR),
	ROW(LDS, G_FAR),
	[0xc6] = GROUP(GROUP_11, E_I, true),
	GROUP(GROUP_11, E_I, false),
	[0xc9] = ROW(LEAVE, NOTHING),
	ROW(RET, RELEASE),
	ROW(RET, NOTHING),
	[0xcd] = ROW(INT, I_BYTE),
	[0xcf] = ROW(IRET, SIZED),
	[0xd0] = GROUP(GROUP_2, E_ONE, true),
	GROUP(GROUP_2, E_ONE, false),
	GROUP(GROUP_2, E_CL, true),
	GROUP(GROUP_2, E_CL, false),
	[0xe0] = ROW(LOOPNE, COUNTER),
	ROW(LOOPE, COUNTER),
	ROW(LOOP, COUNTER),
	ROW(JCXZ, COUNTER),
	TWICE(M(IN), A_PORT),
	TWICE(M(OUT), PORT_A),
	ROW(CALL, J_WIDE),
	ROW(JMP, J_WIDE),
	ROW(JMP, FAR),
	ROW(JMP, J_BYTE),
	TWICE(M(IN), A_DX),
	TWICE(M(OUT), DX_A),
	[0xf4] = ROW(HLT, NOTHING),
	ROW(CMC, NOTHING),
	GROUP(GROUP_3, E_ONLY, true),
	GROUP(GROUP_3, E_ONLY, false),
	ROW(CLC, NOTHING),
	ROW(STC, NOTHING),
	ROW(CLI, NOTHING),
	ROW(STI, NOTHING),
	ROW(CLD, NOTHING),
	ROW(STD, NOTHING),
	[0xfe] = GROUP(GROUP_4, E_ONLY, true),
	GROUP(GROUP_5, E_ONLY, false),
};

const struct decode_row decode_two_byte[256] = {
	[0x31] = ROW(RDTSC, NOTHING),
	[0x80] = JCC(J_WIDE),
	[0x90] = BYTES(SETO, E8_ONLY),
	BYTES(SETNO, E8_ONLY),
	BYTES(SETB, E8_ONLY),
	BYTES(SETNB, E8_ONLY),
	BYTES(SETZ, E8_ONLY),
	BYTES(SETNZ, E8_ONLY),
	BYTES(SETBE, E8_ONLY),
	BYTES(SETNBE, E8_ONLY),
	BYTES(SETS, E8_ONLY),
	BYTES(SETNS, E8_ONLY),
	BYTES(SETP, E8_ONLY),
	BYTES(SETNP, E8_ONLY),
	BYTES(SETL, E8_ONLY),
	BYTES(SETNL, E8_ONLY),
	BYTES(SETLE, E8_ONLY),
	BYTES(SETNLE, E8_ONLY),
	ROW(PUSH, SEG_ONLY),
	ROW(POP, SEG_ONLY),
	ROW(CPUID, NOTHING),
	ROW(BT, E_G),
	ROW(SHLD, E_G_IS),
	ROW(SHLD, E_G_CL),
	[0xa8] = ROW(PUSH, SEG_ONLY),
	ROW(POP, SEG_ONLY),
	[0xab] = ROW(BTS, E_G),
	ROW(SHRD, E_G_IS),
	ROW(SHRD, E_G_CL),
	[0xaf] = ROW(IMUL, G_E),
	[0xb3] = ROW(BTR, E_G),
	[0xb6] = ROW(MOVZX, G_E8),
	ROW(MOVZX, G_E16),
	[0xba] = GROUP(GROUP_8, E_IS, false),
	ROW(BTC, E_G),
	[0xbe] = ROW(MOVSX, G_E8),
	ROW(MOVSX, G_E16),
	[0xc8] = EIGHT(ROW(BSWAP, R_ONLY)),
};
