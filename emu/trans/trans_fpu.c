/* SPDX-License-Identifier: MIT */
/*
 * Instructions of the x87, MMX, SSE and AVX that CR0.EM, TS, MP, CR4.OSFXSR, OSXSAVE or XCR0 may
 * forbid. While one of those does (KEY_NOX87, KEY_NOSSE, KEY_NOAVX), they are calls to C, which
 * raises #NM or #UD as the registers say; otherwise they are copied.
 *
 * An x87 instruction leaves its host address in FIP. Translated code says so in cpu->x87_ran (the
 * mark), since the guest may have loaded a FIP that only looks like one of ours. C clears the mark,
 * and translated code sets it once for a run of x87 instructions, since a store for each takes 5 to
 * 10 % of matrix code. So an instruction behind the mark that relies on it may not be entered from
 * elsewhere, where the mark may be clear: it is `inner`, and a block of its own is made for who
 * comes there. A jump inside the block, forward or back, takes the mark along.
 */
#include "emu/trans/trans.h"

static bool uses(const struct trans *t, ZydisRegisterClass a, ZydisRegisterClass b)
{
	for (unsigned i = 0; i < t->in.operand_count; i++) {
		ZydisRegisterClass c = t->op[i].type == ZYDIS_OPERAND_TYPE_REGISTER
					       ? ZydisRegisterGetClass(t->op[i].reg.value)
					       : ZYDIS_REGCLASS_INVALID;

		if (c != ZYDIS_REGCLASS_INVALID && (c == a || c == b))
			return true;
	}
	return false;
}

static enum fpu_class by_registers(const struct trans *t)
{
	bool vector = uses(t, ZYDIS_REGCLASS_XMM, ZYDIS_REGCLASS_YMM);

	if (t->in.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX)
		return vector ? FPU_AVX : FPU_NONE; /* BMI works on general registers */
	if (vector)
		return FPU_SSE;
	return uses(t, ZYDIS_REGCLASS_MMX, ZYDIS_REGCLASS_MMX) ? FPU_MMX : FPU_NONE;
}

static enum fpu_class class_of(const struct trans *t)
{
	unsigned gate = isa_insn[t->in.mnemonic].facts & ISA_GATES;

	if (gate)
		return (enum fpu_class)(gate - 1);
	if (t->in.meta.isa_ext == ZYDIS_ISA_EXT_X87)
		return FPU_X87;
	/* Fences, prefetches, CLFLUSH, MOVNTI, CRC32 and POPCNT touch none of these registers. */
	return by_registers(t);
}

static u32 forbids(enum fpu_class class)
{
	switch (class) {
	case FPU_SSE:
		return KEY_NOSSE;
	case FPU_AVX:
		return KEY_NOX87 | KEY_NOAVX;
	default:
		return KEY_NOX87;
	}
}

bool translate_fpu_gate(struct trans *t)
{
	enum fpu_class class;
	struct site *s;

	if (!(t->key & (KEY_NOX87 | KEY_NOSSE | KEY_NOAVX)))
		return false;
	class = class_of(t);
	if (class == FPU_NONE || !(t->key & forbids(class)))
		return false;
	s = trans_site(t, OP_FPU_GATE);
	s->insn.imm = class;
	trans_call_hard(t, s, class != FPU_WAIT);
	return true;
}

/* Control instructions leave the x87's pointers alone, or clear them (SDM 1 8.1.8). */
static bool sets_x87_pointers(const struct trans *t)
{
	u16 facts = isa_insn[t->in.mnemonic].facts;

	return !(facts & ISA_KEEPS_FIP) && (t->in.meta.isa_ext == ZYDIS_ISA_EXT_X87 ||
					    (facts & ISA_GATES) == ISA_GATE(FPU_X87));
}

void trans_x87_mark(struct trans *t)
{
	if (!sets_x87_pointers(t))
		return;
	if (!t->marked) {
		emit_store_imm32(&t->e, CPU_FIELD(x87_ran), 1);
		t->marked = t->inner_to = t->insns; /* the next instruction's number */
		return;
	}
	while (t->inner_to < t->insns)
		t->map[t->inner_to++].inner = true;
}

void trans_x87_join(struct trans *t, unsigned marked)
{
	t->marked = t->ended ? marked : MIN(t->marked, marked);
	t->inner_to = t->marked;
}

bool trans_x87_jump_back(struct trans *t, const struct insn_map *to)
{
	if (t->marked)
		return true;
	if (to->inner)
		return false;
	/* From `to` on the block may come to pending jumps without a mark. */
	for (unsigned i = 0; i < t->fixups; i++)
		t->fixup[i].marked = 0;
	return true;
}
