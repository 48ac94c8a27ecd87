/* SPDX-License-Identifier: MIT */
/*
 * Memory operands, registers that are written, and what is known of them afterwards.
 */
#include "emu/verify/verify_internal.h"

/*
 * What translated code may do to struct cpu. Control registers, descriptor tables, CPL and the
 * attachments are not here: only C changes them.
 */
static const struct {
	u32 offset, size;
	bool write;
} field[] = {
#define FIELD(f, w)                                                      \
	{                                                                \
		offsetof(struct cpu, f), sizeof(((struct cpu *)0)->f), w \
	}
	FIELD(eip, false),	  FIELD(eflags, false),	       FIELD(vif, true),
	FIELD(quiet_flags, true), FIELD(quiet_flags_of, true), FIELD(quiet_flags_df, false),
	FIELD(events, false),	  FIELD(seg, false),	       FIELD(poll, false),
	FIELD(lookup_tag, false), FIELD(scratch, true),	       FIELD(thread_base, false),
	FIELD(shadow, true),	  FIELD(x87_ran, true),	       FIELD(slow_gla, false),
	FIELD(patched, true),	  FIELD(idtr, false),	       FIELD(nmi_blocked, true),
#undef FIELD
};

int verify_reg(ZydisRegister reg)
{
	ZydisRegister wide = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);

	if (ZydisRegisterGetClass(wide) != ZYDIS_REGCLASS_GPR64)
		return -1;
	return ZydisRegisterGetId(wide);
}

static bool fixed(int reg)
{
	return reg == R_SP || reg == R_POLL || reg == R_TABLE || reg == R_CPU;
}

/* --- Memory --- */

static bool guest_address(struct verify *v, const ZydisDecodedOperand *o)
{
	bool gs = o->mem.segment == ZYDIS_REGISTER_GS, fs = o->mem.segment == ZYDIS_REGISTER_FS;

	if (fs || gs != v->r->cfg.membase_gs)
		return verify_fail(v, "a guest address without the memory base");
	if (o->mem.base == ZYDIS_REGISTER_EIP)
		return verify_fail(v, "a guest address from the host's EIP");
	if ((o->mem.base != ZYDIS_REGISTER_NONE && fixed(verify_reg(o->mem.base))) ||
	    (o->mem.index != ZYDIS_REGISTER_NONE && fixed(verify_reg(o->mem.index))))
		return verify_fail(v, "a guest address from a pointer of the host's");
	return true;
}

/* In real and V86 mode a segment register's selector and base. */
static bool real_segment(const struct verify *v, s64 offset, u32 size)
{
	if ((v->b->key & (KEY_PE | KEY_VM)) == KEY_PE)
		return false;
	for (unsigned s = 0; s < SEG_COUNT; s++) {
		s64 at = (s64)(offsetof(struct cpu, seg) + s * sizeof(struct cpu_segment));

		if ((offset == at + (s64)offsetof(struct cpu_segment, sel) && size == 2) ||
		    (offset == at + (s64)offsetof(struct cpu_segment, base) && size == 4))
			return true;
	}
	return false;
}

static bool cpu_access(struct verify *v, s64 offset, u32 size, bool write)
{
	if (write && real_segment(v, offset, size))
		return true;
	for (unsigned i = 0; i < ARRAY_SIZE(field); i++)
		if (offset >= field[i].offset && offset + size <= field[i].offset + field[i].size &&
		    (field[i].write || !write))
			return true;
	return verify_fail(v, write ? "a write to struct cpu outside the table of fields"
				    : "a read of struct cpu outside the table of fields");
}

static bool table_access(struct verify *v, const ZydisDecodedOperand *o, s64 disp, u32 size)
{
	int index = verify_reg(o->mem.index);

	if (o->mem.index == ZYDIS_REGISTER_NONE)
		return (disp >= 0 &&
			(u64)disp + size <= LOOKUP_ENTRIES * sizeof(struct lookup_entry)) ||
		       verify_fail(v, "beyond the look-up table");
	if (index < 0 || v->now.reg[index].kind != VALUE_INDEX || o->mem.scale != 8 ||
	    (disp != 0 && disp != 8) || size != 8)
		return verify_fail(v, "the look-up table by what is no index of it");
	return true;
}

/* Beside the place where an event is signalled, or the fence, is nothing but they. */
static bool fence_access(const struct verify *v, const ZydisDecodedOperand *o, s64 disp)
{
	int index = verify_reg(o->mem.index);
	struct value offset = index < 0 ? (struct value){ VALUE_ANY, 0 } : v->now.reg[index];

	return o->mem.scale == 1 && disp >= -(s64)RECOMP_FENCE && disp <= RECOMP_FENCE &&
	       verify_below_4g(offset);
}

/* With 64-bit addresses: the host's memory. */
static bool host_address(struct verify *v, const ZydisDecodedOperand *o, bool write)
{
	s64 disp = o->mem.disp.has_displacement ? o->mem.disp.value : 0;
	u32 size = o->size / 8;
	int base = verify_reg(o->mem.base);
	bool indexed = o->mem.index != ZYDIS_REGISTER_NONE;

	if (o->mem.segment == ZYDIS_REGISTER_FS || o->mem.segment == ZYDIS_REGISTER_GS)
		return verify_fail(v, "a host address with a segment");
	if (base == R_CPU && !indexed)
		return cpu_access(v, disp, size, write);
	if (base == R_TABLE && !write)
		return table_access(v, o, disp, size);
	if (base == R_POLL && !write &&
	    (indexed ? size <= 8 && fence_access(v, o, disp) : size == 1 && disp == 0))
		return true;
	if (base == R_SP && !indexed && disp == 8 && size == 1)
		return true;
	if (base >= 0 && v->now.reg[base].kind == VALUE_THREAD_BASE && !indexed && !write &&
	    disp == 0 && size == 4)
		return true;
	return verify_fail(v, "an address of 64 bits that is none of ours");
}

static bool memory(struct verify *v, const ZydisDecodedOperand *o)
{
	bool write = o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;

	if (o->mem.type == ZYDIS_MEMOP_TYPE_AGEN ||
	    (v->in.mnemonic == ZYDIS_MNEMONIC_NOP && v->in.opcode == 0x1f)) /* not accessed */
		return true;
	if (o->mem.type != ZYDIS_MEMOP_TYPE_MEM && o->mem.type != ZYDIS_MEMOP_TYPE_VSIB)
		return verify_fail(v, "a memory operand of a strange type");
	if (v->in.address_width == 32)
		return guest_address(v, o);
	if (v->in.raw.modrm.offset == 0 && v->in.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY)
		return verify_fail(v, "an implied address of 64 bits");
	/* Bit strings reach beyond their operand. */
	if (v->in.meta.category == ZYDIS_CATEGORY_BITBYTE &&
	    v->op[1].type == ZYDIS_OPERAND_TYPE_REGISTER)
		return verify_fail(v, "a bit string in the host's memory");
	return host_address(v, o, write);
}

/* Near jumps and calls have an operand for the stack; verify.c looks at them. */
static bool implied_by_call(const struct verify *v, const ZydisDecodedOperand *o)
{
	return v->in.meta.category == ZYDIS_CATEGORY_CALL &&
	       o->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN;
}

bool verify_operands(struct verify *v)
{
	for (unsigned i = 0; i < v->in.operand_count; i++) {
		const ZydisDecodedOperand *o = &v->op[i];

		if (implied_by_call(v, o))
			continue;
		if (o->type == ZYDIS_OPERAND_TYPE_MEMORY && o->mem.base == ZYDIS_REGISTER_RIP &&
		    v->in.mnemonic == ZYDIS_MNEMONIC_JMP)
			continue; /* a slot: verify.c */
		if (o->type == ZYDIS_OPERAND_TYPE_MEMORY && !memory(v, o))
			return false;
		if (o->type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    (o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) &&
		    fixed(verify_reg(o->reg.value)))
			return verify_fail(v, "a write to a register of the host's");
	}
	return true;
}

/* --- Values --- */

static struct value add(struct value a, struct value b)
{
	if (b.kind >= VALUE_ENTRY) {
		struct value t = a;

		a = b;
		b = t;
	}
	if (a.kind == VALUE_ENTRY && verify_below_4g(b))
		return (struct value){ VALUE_ENTRY_EIP, a.data };
	if (a.kind == VALUE_ENTRY && b.kind == VALUE_TAG)
		return (struct value){ VALUE_ENTRY_TAG, a.data };
	if ((a.kind == VALUE_ENTRY_EIP && b.kind == VALUE_TAG) ||
	    (a.kind == VALUE_ENTRY_TAG && verify_below_4g(b)))
		return (struct value){ VALUE_COMPARED, a.data };
	return (struct value){ VALUE_ANY, 0 };
}

/* LEA of 64 bits: sums of two registers; twice one of 16 bits is an index. */
static struct value lea64(struct verify *v, const ZydisDecodedOperand *o)
{
	int base = verify_reg(o->mem.base), index = verify_reg(o->mem.index);
	const struct value none = { VALUE_ANY, 0 };

	if (base < 0 || index < 0 || v->in.address_width != 64 || o->mem.scale != 1 ||
	    (o->mem.disp.has_displacement && o->mem.disp.value))
		return none;
	if (base == index && v->now.reg[base].kind == VALUE_U16)
		return (struct value){ VALUE_INDEX, ++v->serial };
	return add(v->now.reg[base], v->now.reg[index]);
}

static struct value load64(struct verify *v, const ZydisDecodedOperand *o)
{
	int base = verify_reg(o->mem.base), index = verify_reg(o->mem.index);
	s64 disp = o->mem.disp.has_displacement ? o->mem.disp.value : 0;

	if (v->in.address_width == 64 && base == R_CPU && index < 0 &&
	    disp == offsetof(struct cpu, lookup_tag))
		return (struct value){ VALUE_TAG, 0 };
	if (v->in.address_width == 64 && base == R_CPU && index < 0 &&
	    (disp == offsetof(struct cpu, thread_base) ||
	     disp == offsetof(struct cpu, thread_base) + sizeof(u64)))
		return (struct value){ VALUE_THREAD_BASE, 0 };
	if (v->in.address_width == 64 && base == R_TABLE && index >= 0 && disp == 0)
		return (struct value){ VALUE_ENTRY, v->now.reg[index].data };
	return (struct value){ VALUE_ANY, 0 };
}

/* What a MOV, MOVZX or LEA leaves in its destination; of any other instruction only the width is
 * known. */
static struct value result(struct verify *v, const ZydisDecodedOperand *dst)
{
	const ZydisDecodedOperand *src = &v->op[1];
	bool wide = dst->size == 64;
	struct value unknown = { dst->size == 32 ? VALUE_U32 : VALUE_ANY, 0 };

	if (dst != &v->op[0] || dst->size < 32)
		return unknown;
	switch (v->in.mnemonic) {
	case ZYDIS_MNEMONIC_MOV:
		if (src->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
			return src->imm.value.u <= 0xffffffff || !wide
				       ? (struct value){ VALUE_CONST, (u32)src->imm.value.u }
				       : unknown;
		if (src->type == ZYDIS_OPERAND_TYPE_REGISTER && verify_reg(src->reg.value) >= 0) {
			struct value s = v->now.reg[verify_reg(src->reg.value)];

			return wide || verify_below_4g(s) ? s : unknown;
		}
		return wide && src->type == ZYDIS_OPERAND_TYPE_MEMORY ? load64(v, src) : unknown;
	case ZYDIS_MNEMONIC_MOVZX:
		return (struct value){ VALUE_U16, 0 };
	case ZYDIS_MNEMONIC_LEA:
		return wide ? lea64(v, src) : unknown;
	default:
		return unknown;
	}
}

/* A register of which something was written, not always all of it. */
static struct value partly(struct value was, unsigned bits, bool small)
{
	return (struct value){ bits <= 32 && small && verify_below_4g(was) ? VALUE_U32 : VALUE_ANY,
			       0 };
}

void verify_effects(struct verify *v)
{
	struct value after[16];
	bool written[16] = { false };

	for (unsigned i = 0; i < v->in.operand_count; i++) {
		const ZydisDecodedOperand *o = &v->op[i];
		bool small;
		int reg;

		if (o->type != ZYDIS_OPERAND_TYPE_REGISTER ||
		    !(o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		reg = verify_reg(o->reg.value);
		if (reg < 0)
			continue;
		small = !written[reg] || verify_below_4g(after[reg]);
		after[reg] = result(v, o);
		/* Not always written, or written in part, or twice: what was there may show. */
		if ((o->actions & ZYDIS_OPERAND_ACTION_CONDWRITE) || o->size < 32 || written[reg])
			after[reg] = partly(v->now.reg[reg], o->size, small);
		written[reg] = true;
	}
	for (unsigned i = 0; i < 16; i++)
		if (written[i])
			v->now.reg[i] = after[i];
}
