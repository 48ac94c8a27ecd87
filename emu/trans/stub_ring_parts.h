/* SPDX-License-Identifier: MIT */
/*
 * What the stubs of both ways between rings consist of. RCX holds the struct ring_known. On the
 * host's stack lie the guest's RCX, then its RAX; AH and AL have its flags.
 */
#pragma once

#include "emu/trans/emit_insn.h"
#include "emu/trans/trans.h"

#define KNOWN(f)                     \
	((struct hmem){ .base = R_C, \
			.index = -1, \
			.scale = 1,  \
			.disp = (s32)offsetof(struct ring_known, f) })

static inline struct hmem ring_at(unsigned reg, size_t disp)
{
	return (struct hmem){ .base = (s8)reg, .index = -1, .scale = 1, .disp = (s32)disp };
}

static inline void ring_copy64(struct emit *e, struct hmem from, struct hmem to)
{
	emit_load64(e, R9, from);
	emit_store64(e, R9, to);
}

static inline void ring_copy32(struct emit *e, struct hmem from, struct hmem to)
{
	emit_load32(e, R9, from);
	emit_store32(e, R9, to);
}

static inline void ring_slow_unless64(struct emit *e, unsigned reg, struct hmem m,
				      struct emit_label *slow)
{
	emit_alu64_load(e, ALU_CMP, reg, m);
	emit_jcc_near(e, CC_NZ, slow);
}

static inline void ring_slow_unless32(struct emit *e, unsigned reg, struct hmem m,
				      struct emit_label *slow)
{
	emit_alu_load(e, ALU_CMP, reg, m);
	emit_jcc_near(e, CC_NZ, slow);
}

static inline void ring_save(struct emit *e)
{
	emit_push(e, R_A);
	emit_lahf(e);
	emit_setcc(e, CC_O, R_A);
	emit_push(e, R_C);
}

static inline void ring_restore(struct emit *e)
{
	emit_pop(e, R_C);
	emit_flags_from_ax(e);
	emit_pop(e, R_A);
}

/* Are the eight bytes what they were? reg is used. */
static inline void ring_look_at(struct emit *e, unsigned reg, struct hmem at, struct hmem is,
				struct emit_label *slow)
{
	emit_load64(e, reg, at);
	emit_load64(e, reg, ring_at(reg, 0));
	ring_slow_unless64(e, reg, is, slow);
}
#define RING_LOOK_AT(e, reg, what, slow) ring_look_at(e, reg, KNOWN(what.at), KNOWN(what.is), slow)

/* CS or SS as noted. */
static inline void ring_set_segment(struct emit *e, unsigned seg, struct hmem from)
{
	struct hmem limit = from;

	limit.disp += (s32)offsetof(struct cpu_segment, limit);
	ring_copy64(e, from, SEGMENT_FIELD(seg, sel));
	ring_copy32(e, limit, SEGMENT_FIELD(seg, limit));
}

static inline void ring_set_thread_bases(struct emit *e)
{
	ring_copy64(e, KNOWN(thread_base[0]), CPU_FIELD(thread_base[0]));
	ring_copy64(e, KNOWN(thread_base[1]), CPU_FIELD(thread_base[1]));
}

/*
 * As recomp_go_on_changed() does it; R9 and R11 are used. What the mode was made of is not written
 * down: recomp_mode() finds flags that nobody has, and looks. An event makes lookup_tag a number
 * that nothing has, and may come at any time.
 */
static inline void ring_set_mode(struct emit *e, const struct recomp *r)
{
	struct emit_label quiet = { 0 };

	emit_mov_imm64(e, R11, (u64)r);
	emit_load64(e, R9, KNOWN(to));
	emit_store64(e, R9, CPU_FIELD(lookup_tag));
	emit_store64(e, R9, ring_at(R11, offsetof(struct recomp, tag)));
	emit_load32(e, R9, KNOWN(key));
	emit_store32(e, R9, ring_at(R11, offsetof(struct recomp, mode)));
	emit_store32(e, R9, ring_at(R11, offsetof(struct recomp, edge_key)));
	emit_store_imm32(e, ring_at(R11, offsetof(struct recomp, mode_of.eflags)), 0xffffffff);
	emit_load_zx(e, NULL, 1, R9, CPU_FIELD(cpl));
	emit_store32(e, R9, ring_at(R11, offsetof(struct recomp, mode_of.cpl)));
	emit_alu_mem_imm8(e, ALU_CMP, CPU_FIELD(events), 0);
	emit_jcc(e, CC_Z, &quiet);
	emit_mov_imm64(e, R9, TAG_NEVER);
	emit_store64(e, R9, CPU_FIELD(lookup_tag));
	emit_label(e, &quiet);
}

/* To the EIP in R8, in place of returning. */
static inline void ring_go(struct emit *e, const struct recomp *r)
{
	ring_restore(e);
	emit_lea(e, true, R_SP, ring_at(R_SP, 8));
	emit_mov64(e, R10, R_C);
	trans_emit_look_up(e, r, false);
}

/* Memory and an immediate, or a register. */
static inline void ring_and_imm(struct emit *e, struct hmem m, u32 imm)
{
	emit_rm(e, NULL, false, 0x81, ALU_AND, m);
	emit_u32(e, imm);
}

static inline void ring_test_imm(struct emit *e, struct hmem m, u32 imm)
{
	emit_rm(e, NULL, false, 0xf7, 0, m);
	emit_u32(e, imm);
}

static inline void ring_alu_store(struct emit *e, enum alu op, unsigned reg, struct hmem m)
{
	emit_rm(e, NULL, false, (u32)op << 3 | 1, reg, m);
}
