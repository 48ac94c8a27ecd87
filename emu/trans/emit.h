/* SPDX-License-Identifier: MIT */
/*
 * Writing x86-64 code. Every function appends to the buffer; overflow is noted and checked once at
 * the end of a block.
 */
#pragma once

#include "emu/block/recomp_internal.h"

/* A host memory operand. base, index: host register or -1. guest: 67h prefix (and GS with that
 * memory base). */
struct hmem {
	s8 base, index;
	u8 scale;
	s32 disp;
	bool guest;
};

/* Where the next byte will be executed. */
u64 emit_here(const struct emit *e);
void emit_u8(struct emit *e, u8 v);
void emit_u32(struct emit *e, u32 v);
void emit_u64(struct emit *e, u64 v);
/* [prefix] REX opcode(1..3 bytes) ModRM. w: REX.W. */
void emit_rr(struct emit *e, bool w, u32 opcode, unsigned reg, unsigned rm);
void emit_rm(struct emit *e, const struct recomp *r, bool w, u32 opcode, unsigned reg,
	     struct hmem m);
/* ModRM, SIB and displacement only; *rex receives the bits R X B that go before. */
u8 emit_rex_bits(unsigned reg, struct hmem m);
void emit_modrm_mem(struct emit *e, unsigned reg, struct hmem m);
void emit_guest_prefix(struct emit *e, const struct recomp *r, struct hmem m);

static inline struct hmem cpu_field(size_t offset)
{
	return (struct hmem){ .base = R_CPU, .index = -1, .scale = 1, .disp = (s32)offset };
}
#define CPU_FIELD(f) cpu_field(offsetof(struct cpu, f))
#define SEGMENT_FIELD(n, f)                                                      \
	cpu_field(offsetof(struct cpu, seg) + (n) * sizeof(struct cpu_segment) + \
		  offsetof(struct cpu_segment, f))

/* The guest's stack, d bytes above its pointer. */
#define GSP_AT(d) \
	((struct hmem){ .base = R_GSP, .index = -1, .scale = 1, .disp = (d), .guest = true })

void emit_mov_imm32(struct emit *e, unsigned reg, u32 imm);
void emit_mov_imm64(struct emit *e, unsigned reg, u64 imm);
void emit_load32(struct emit *e, unsigned reg, struct hmem m);
void emit_store32(struct emit *e, unsigned reg, struct hmem m);
void emit_load64(struct emit *e, unsigned reg, struct hmem m);
void emit_lea(struct emit *e, bool w, unsigned reg, struct hmem m);
void emit_store_imm32(struct emit *e, struct hmem m, u32 imm);
/* Code that was made before, of up to LOOK_UP_CODE bytes, which all can be read. Where it is, or
 * NULL if it has no room. */
u8 *emit_copy(struct emit *e, const u8 *code, unsigned len);
/* JMP and CALL rel32 to an address as executed. */
void emit_jmp(struct emit *e, u64 target);
void emit_call(struct emit *e, u64 target);
/* JMP by the word at an address as executed, within 2 GiB. */
#define EMIT_JMP_WORD_SIZE 6u
void emit_jmp_word(struct emit *e, u64 word);

/*
 * A place further on. Jumps to it may be emitted before it: all of them short, with a byte's reach,
 * or all of them near. Each one's displacement tells until then how far back the one before it is.
 *
 *     struct emit_label over = { 0 };
 *     emit_jcc(e, CC_Z, &over);
 *     ...
 *     emit_label(e, &over);
 */
struct emit_label {
	u8 *last; /* the last jump's displacement */
	unsigned size;
};
void emit_jcc(struct emit *e, unsigned cc, struct emit_label *to);
void emit_jrcxz(struct emit *e, struct emit_label *to);
/* LOOPNE, LOOPE, LOOP or JECXZ, by its opcode: of ECX. */
void emit_loop(struct emit *e, u8 opcode, struct emit_label *to);
void emit_jmp_short(struct emit *e, struct emit_label *to);
void emit_jcc_near(struct emit *e, unsigned cc, struct emit_label *to);
void emit_jmp_near(struct emit *e, struct emit_label *to);
void emit_label(struct emit *e, const struct emit_label *label);

/* Jumps to earlier code, that many bytes behind start: short if they have that reach. */
void emit_jcc_back(struct emit *e, unsigned cc, u32 to);
void emit_jmp_back(struct emit *e, u32 to);
/* LOOPcc or JECXZ to earlier code. False: it has not that reach. */
bool emit_loop_back(struct emit *e, u8 opcode, u32 to);
/* Near jumps but for their rel32, which the caller writes: it may be a place that is known by its
 * EIP only. */
void emit_jcc_open(struct emit *e, unsigned cc);
void emit_jmp_open(struct emit *e);
/* A line of the processor's cache of decoded instructions: small loops can lie in one. */
#define CODE_LINE 64u
/* Does nothing up to the next multiple of align, a power of two. */
void emit_align(struct emit *e, unsigned align);
/* Makes the rel32 at this place lead to the end of what was emitted. */
void emit_patch_rel32(struct emit *e, u8 *at);
