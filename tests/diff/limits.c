/* SPDX-License-Identifier: MIT */
/*
 * Segment checks that Unicorn does not make (SDM 3A 5.3, 5.5): whether an exception that only ours
 * raised is right, computed from the case's layout and the registers at the fault, with none of the
 * code under test.
 */
#include "emu/isa/isa.h"
#include "emu/cpu/cpu.h"
#include "tests/diff/case.h"

static u32 limit_of(const struct diff_case *c, unsigned seg)
{
	const struct case_layout *l = case_layout(c->mode);

	if (l->code16)
		return 0xffff;
	if (c->mode != CASE_SEGMENTS || seg == SEG_CS || seg == SEG_GS)
		return 0xffffffff;
	return (seg == SEG_SS ? l->stack_size : l->data_size) - 1;
}

static bool outside(const struct diff_case *c, unsigned seg, u32 offset, u32 size)
{
	u32 limit = limit_of(c, seg);

	return offset > limit || size - 1 > limit - offset;
}

static u32 address(const struct case_state *s, const ZydisDecodedInstruction *in,
		   const ZydisDecodedOperand *o)
{
	u32 ea = case_gpr_value(s->gpr, o->mem.base) +
		 case_gpr_value(s->gpr, o->mem.index) * o->mem.scale +
		 (o->mem.disp.has_displacement ? (u32)o->mem.disp.value : 0);

	if (in->mnemonic == ZYDIS_MNEMONIC_XLAT)
		ea = case_gpr_value(s->gpr, o->mem.base) + (s->gpr[REG_EAX] & 0xff);
	return in->address_width == 16 ? ea & 0xffff : ea;
}

/* The operand breaks a rule: reaches beyond the limit, or writes to a code segment. */
static bool operand_faults(const struct diff_case *c, const struct case_state *s,
			   const ZydisDecodedInstruction *in, const ZydisDecodedOperand *o)
{
	unsigned seg = (unsigned)(o->mem.segment - ZYDIS_REGISTER_ES);
	u32 ea = address(s, in, o), size = MAX(o->size / 8u, 1u);

	if (seg == SEG_CS && c->mode != CASE_REAL && c->mode != CASE_V86 &&
	    (o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
		return s->vector == VEC_GP;
	if (!(s->sel[seg] & ~3u) && c->mode != CASE_REAL && c->mode != CASE_V86) /* null */
		return s->vector == VEC_GP;
	if (s->sel[seg] != case_layout(c->mode)->sel[seg]) /* loaded anew: the unit tests' affair */
		return true;
	if (s->vector != (seg == SEG_SS ? VEC_SS : VEC_GP))
		return false;
	/* A bit string: the register moves the address by up to 2^28 bytes either way. */
	if (isa_is(in, ISA_BITS))
		return limit_of(c, seg) != 0xffffffff;
	return outside(c, seg, ea, size);
}

/* Pushes and pops, and frames from EBP: anything near the pointer. ENTER goes any distance down. */
static bool stack_faults(const struct diff_case *c, const struct case_state *s,
			 const ZydisDecodedInstruction *in)
{
	u32 mask = case_layout(c->mode)->code16 ? 0xffff : 0xffffffff;
	u32 sp = s->gpr[REG_ESP] & mask, bp = s->gpr[REG_EBP] & mask;

	if (s->vector != VEC_SS)
		return false;
	switch (in->mnemonic) {
	case ZYDIS_MNEMONIC_ENTER:
		return limit_of(c, SEG_SS) != 0xffffffff;
	case ZYDIS_MNEMONIC_LEAVE:
		return outside(c, SEG_SS, bp, 4);
	default:
		return sp < 32 || outside(c, SEG_SS, sp - 32, 64);
	}
}

/* A near transfer with a 32-bit EIP in a code segment of 64 KiB. */
static bool leaves_segment(const struct diff_case *c, const struct case_state *s,
			   const ZydisDecodedInstruction *in)
{
	return in->meta.branch_type != ZYDIS_BRANCH_TYPE_NONE && in->operand_width == 32 &&
	       s->vector == VEC_GP && limit_of(c, SEG_CS) != 0xffffffff;
}

bool case_segment_fault(const struct diff_case *c, const struct case_state *s)
{
	ZydisDecodedInstruction in;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];

	if ((s->vector != VEC_GP && s->vector != VEC_SS) || !case_decode_full(c, s->eip, &in, op))
		return false;
	for (unsigned i = 0; i < in.operand_count; i++)
		if (op[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    op[i].mem.type != ZYDIS_MEMOP_TYPE_AGEN && operand_faults(c, s, &in, &op[i]))
			return true;
	return stack_faults(c, s, &in) || leaves_segment(c, s, &in);
}

bool case_part_wraps(const struct diff_case *c, const struct case_state *s)
{
	ZydisDecodedInstruction in;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];

	return case_decode_full(c, s->eip, &in, op) && in.mnemonic == ZYDIS_MNEMONIC_BOUND &&
	       in.address_width == 16 && address(s, &in, &op[1]) + in.operand_width / 8u > 0xffff;
}

bool case_alignment_fault(const struct diff_case *c, const struct case_state *s)
{
	ZydisDecodedInstruction in;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];

	if (s->vector != VEC_GP || !case_decode_full(c, s->eip, &in, op) ||
	    in.meta.isa_ext < ZYDIS_ISA_EXT_SSE || in.meta.isa_ext > ZYDIS_ISA_EXT_SSSE3)
		return false;
	for (unsigned i = 0; i < in.operand_count_visible; i++)
		if (op[i].type == ZYDIS_OPERAND_TYPE_MEMORY && op[i].size == 128 &&
		    ((address(s, &in, &op[i]) +
		      case_layout(c->mode)->base[op[i].mem.segment - ZYDIS_REGISTER_ES]) &
		     15))
			return true;
	return false;
}

bool case_stack_is_limited(const struct diff_case *c, const struct case_state *s)
{
	return (c->mode != CASE_FLAT3 && c->mode != CASE_FLAT0) ||
	       s->sel[SEG_SS] != case_layout(c->mode)->sel[SEG_SS];
}

bool case_no_frame_room(const struct diff_case *c, const struct case_state *s)
{
	u32 sp = s->gpr[REG_ESP];

	if (c->mode == CASE_FLAT3 || c->mode == CASE_V86)
		return false; /* its stack is another */
	if (case_layout(c->mode)->code16)
		sp &= 0xffff;
	return sp < 32 || outside(c, SEG_SS, sp - 32, 64);
}
