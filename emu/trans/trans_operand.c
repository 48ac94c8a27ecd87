/* SPDX-License-Identifier: MIT */
/*
 * Operands: what Zydis calls registers, where they are in the host, and what the block's mode says
 * of segments.
 */
#include "emu/trans/trans.h"
#include "kernel/base/bytes.h"

int trans_gpr(ZydisRegister reg)
{
	if (reg >= ZYDIS_REGISTER_EAX && reg <= ZYDIS_REGISTER_EDI)
		return (int)(reg - ZYDIS_REGISTER_EAX);
	if (reg >= ZYDIS_REGISTER_AX && reg <= ZYDIS_REGISTER_DI)
		return (int)(reg - ZYDIS_REGISTER_AX);
	return -1;
}

bool trans_is_high8(ZydisRegister reg)
{
	return reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH;
}

unsigned trans_host_reg(unsigned guest)
{
	return guest == REG_ESP ? R_GSP : guest;
}

unsigned trans_seg(ZydisRegister reg)
{
	return (unsigned)(reg - ZYDIS_REGISTER_ES);
}

unsigned trans_seg_class(const struct trans *t, unsigned seg)
{
	return (t->key >> KEY_SEG(seg)) & 3;
}

bool trans_stack_flat(const struct trans *t)
{
	return !t->slow && (t->key & KEY_B) && trans_seg_class(t, SEG_SS) == CLASS_FLAT;
}

bool trans_seg_in_c(const struct trans *t, unsigned seg)
{
	return trans_seg_class(t, seg) == CLASS_CHECKED && !trans_seg_limited(t, seg);
}

bool trans_seg_limited(const struct trans *t, unsigned seg)
{
	return t->key & KEY_LIMIT(seg);
}

bool trans_stack_16(const struct trans *t)
{
	return !t->slow && !(t->key & KEY_B) && trans_seg_class(t, SEG_SS) != CLASS_CHECKED;
}

bool trans_stack_based(const struct trans *t)
{
	return !t->slow && !trans_seg_in_c(t, SEG_SS) && !trans_stack_flat(t);
}

/* Nobody writes through a code segment in protected mode, flat or not. */
bool trans_mem_checked(const struct trans *t, const ZydisDecodedOperand *op)
{
	unsigned seg = trans_seg(op->mem.segment);

	if (trans_seg_in_c(t, seg))
		return true;
	return seg == SEG_CS && (t->key & KEY_PE) && !(t->key & KEY_VM) &&
	       (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE);
}

int trans_mem_operand(const struct trans *t)
{
	for (unsigned i = 0; i < t->in.operand_count; i++)
		if (t->op[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    t->op[i].visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN)
			return (int)i;
	return -1;
}

unsigned trans_mem_bytes(const struct trans *t, const ZydisDecodedOperand *op)
{
	switch (t->in.mnemonic) {
	case ZYDIS_MNEMONIC_CLFLUSH: /* of the line, the byte that is named (SDM 2A, CLFLUSH) */
	case ZYDIS_MNEMONIC_CLFLUSHOPT:
	case ZYDIS_MNEMONIC_CLWB:
		return 1;
	default:
		return op->size / 8u;
	}
}

const u8 *trans_take_mem(const u8 *p, struct hmem *m)
{
	u8 modrm = *p++;
	unsigned mod = modrm >> 6;

	*m = (struct hmem){ .base = modrm & 7, .index = -1, .scale = 1, .guest = true };
	if (m->base == REG_ESP) {
		u8 sib = *p++;

		m->base = sib & 7;
		m->index = (sib >> 3 & 7) == 4 ? -1 : (s8)(sib >> 3 & 7);
		m->scale = (u8)(m->index < 0 ? 1u : 1u << (sib >> 6));
	}
	if (m->base == REG_EBP && mod == 0) {
		m->base = -1;
		mod = 2;
	} else if (m->base == REG_ESP) {
		m->base = R_GSP;
	}
	if (mod == 1) {
		m->disp = (s8)*p++;
	} else if (mod == 2) {
		m->disp = (s32)get_le32(p);
		p += 4;
	}
	return p;
}
