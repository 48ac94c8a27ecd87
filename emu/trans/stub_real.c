/* SPDX-License-Identifier: MIT */
/*
 * The stub of real and V86 mode. It leaves the flags alone.
 *
 *   go_far           jumped to with EIP in R8 and CS in R9
 *
 * Code of another segment has another number in the look-up table (recomp_tag()). go_far finds it
 * in a small table by the selector's low byte, which C fills (stub_real_note_tag()). The table is
 * good for one mode key, mapping and limit. An event makes lookup_tag a number that nothing has,
 * and may do so at any time; so go_far looks for events after it has written lookup_tag.
 */
#include "emu/trans/stub_real.h"

#include "emu/trans/emit_insn.h"
#include "emu/trans/trans.h"

#define FAR_UNUSED 1u /* no sum with a selector is 0 */

/* 16 times a selector; LEA leaves the flags alone. */
static void make_base(struct emit *e, unsigned to, unsigned sel)
{
	emit_lea(e, false, to, (struct hmem){ .base = -1, .index = (s8)sel, .scale = 8 });
	emit_lea(e, false, to, (struct hmem){ .base = (s8)to, .index = (s8)to, .scale = 1 });
}

static struct hmem at_register(unsigned reg, size_t disp)
{
	return (struct hmem){ .base = (s8)reg, .index = -1, .scale = 1, .disp = (s32)disp };
}

/* RCX += R9 - or R11 -, and a number. */
static void add_to_c(struct emit *e, unsigned reg, s32 number)
{
	emit_lea(e, true, R_C,
		 (struct hmem){ .base = R_C, .index = (s8)reg, .scale = 1, .disp = number });
}

/* R11: the entry of the selector in R9. */
static void find_entry(struct emit *e, const struct recomp *r)
{
	_Static_assert(sizeof(struct far_tag) == 16 && FAR_TAGS == 256, "as it is computed");
	emit_movzx8(e, R_C, R9);
	emit_lea(e, true, R_C, (struct hmem){ .base = R_C, .index = R_C, .scale = 1 });
	emit_mov_imm64(e, R11, (u64)r->far);
	emit_lea(e, true, R11, (struct hmem){ .base = R11, .index = R_C, .scale = 8 });
}

/* R11 is what look-up entries must match now, unless an event came. */
static void store_tag(struct emit *e, const struct recomp *r, struct emit_label *quiet)
{
	emit_store64(e, R11, CPU_FIELD(lookup_tag));
	emit_mov_imm64(e, R_C, (u64)&r->tag);
	emit_store64(e, R11, at_register(R_C, 0));
	emit_load32(e, R_C, CPU_FIELD(events));
	emit_jrcxz(e, quiet);
	emit_mov_imm64(e, R11, TAG_NEVER);
	emit_store64(e, R11, CPU_FIELD(lookup_tag));
}

static void go_far(struct emit *e, const struct recomp *r)
{
	struct emit_label same = { 0 }, known = { 0 }, quiet = { 0 };

	emit_movzx16(e, R8, R8);
	emit_movzx16(e, R9, R9);
	emit_mov64(e, R10, R_C);
	emit_store16(e, R9, CPU_FIELD(seg[SEG_CS].sel));
	make_base(e, R11, R9);
	emit_load32(e, R_C, CPU_FIELD(seg[SEG_CS].base));
	emit_not64(e, R_C);
	add_to_c(e, R11, 1); /* new base - old base */
	emit_jrcxz(e, &same);
	emit_store32(e, R11, CPU_FIELD(seg[SEG_CS].base));
	find_entry(e, r);
	emit_load64(e, R_C, at_register(R11, offsetof(struct far_tag, minus_sel)));
	add_to_c(e, R9, 0);
	emit_jrcxz(e, &known);
	emit_mov64(e, R_C, R10);
	emit_jmp(e, r->leave_dispatch);
	emit_label(e, &known);
	emit_load64(e, R11, at_register(R11, offsetof(struct far_tag, tag)));
	store_tag(e, r, &quiet);
	emit_label(e, &quiet);
	emit_label(e, &same);
	trans_emit_look_up(e, r, true);
}

void stub_real_emit(struct emit *e, struct recomp *r)
{
	r->go_far = emit_here(e);
	go_far(e, r);
	for (unsigned i = 0; i < FAR_TAGS; i++)
		r->far[i].minus_sel = FAR_UNUSED;
}

/* Whoever goes to protected mode and back for each call of the BIOS comes here some ten times, and
 * has used a few entries. */
void stub_real_forget(struct recomp *r)
{
	for (unsigned i = 0; i < ARRAY_SIZE(r->far_used); i++) {
		for (; r->far_used[i]; r->far_used[i] &= r->far_used[i] - 1)
			r->far[64 * i + (u32)__builtin_ctzll(r->far_used[i])].minus_sel =
				FAR_UNUSED;
	}
}

void stub_real_note_tag(struct recomp *r, u32 key)
{
	const struct cpu_segment *cs = &r->cpu->seg[SEG_CS];
	u32 mapping = r->mapping[key & KEY_CPL3 ? 1 : 0], at = cs->sel & (FAR_TAGS - 1);

	if (cs->base != (u32)cs->sel << 4)
		return; /* after a reset, or from protected mode */
	if (r->far[at].minus_sel == -(u64)cs->sel && r->far[at].tag == r->tag)
		return;
	if (r->far_of.key != key || r->far_of.mapping != mapping || r->far_of.limit != cs->limit) {
		stub_real_forget(r);
		r->far_of = (struct tag){ .key = key, .mapping = mapping, .limit = cs->limit };
	}
	r->far[at] = (struct far_tag){ -(u64)cs->sel, r->tag };
	r->far_used[at / 64] |= 1ull << at % 64;
}
