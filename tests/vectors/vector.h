/* SPDX-License-Identifier: MIT */
/*
 * One recorded single-instruction test of 16-bit real mode, and what may be changed in it before it
 * is compared (vector_rules.c). The line format, fields separated by `;`, numbers in hex:
 *
 *   FORM;NAME;BYTES;REGS;RAM;REGS2;RAM2;EXC
 *
 *   FORM   opcode, `.N` = the ModRM reg field      BYTES  the instruction, then F4 (HLT)
 *   REGS   all registers before                    REGS2  those that changed
 *   RAM    physical=byte before                    RAM2   those that changed
 *   EXC    empty, or vector,physical address of the pushed FLAGS
 */
#pragma once

#include <stddef.h>

#include "kernel/base/types.h"

enum vector_reg {
	V_AX,
	V_CX,
	V_DX,
	V_BX,
	V_SP,
	V_BP,
	V_SI,
	V_DI, /* the processor's order up to here */
	V_ES,
	V_CS,
	V_SS,
	V_DS,
	V_IP,
	V_FLAGS,
	V_REGS
};

#define VECTOR_BYTES 4096u
#define VECTOR_TOP   0x10fff0u /* real-mode addresses end below */
#define VECTOR_FILL  0xf4      /* memory that no vector names: HLT, so that nothing runs away */

struct vector_byte {
	u32 at;
	u8 value;
};

struct vector {
	char form[8], name[96];
	u8 code[24];
	unsigned code_len; /* with the HLT */
	u16 before[V_REGS], after[V_REGS];
	struct vector_byte ram[VECTOR_BYTES], ram_after[VECTOR_BYTES];
	unsigned rams, rams_after;
	int exception;	  /* -1: none */
	u32 pushed_flags; /* where, if there is one; exactly */
	/* From the rules: */
	u16 flags_compared; /* in FLAGS and in the pushed image */
	bool skipped;
};

extern const char *const vector_reg_name[V_REGS];

/* Reads one line (without its end). Returns NULL, or what is wrong with it. */
const char *vector_parse(char *line, struct vector *v);

/* Where the first byte after the prefixes is. */
unsigned vector_opcode_at(const struct vector *v);

struct vector_rule {
	const char *name, *reason;
	bool (*apply)(struct vector *v); /* true if it changed something */
	u64 applied;
};

extern struct vector_rule vector_rule[];
extern const unsigned vector_rules;
