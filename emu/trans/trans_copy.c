/* SPDX-License-Identifier: MIT */
/*
 * Instructions that mean the same in 64-bit mode: copied, with the memory operand re-encoded (67h,
 * ESP is R12, segment base).
 */
#include "emu/trans/trans.h"

/* The bytes of the instruction between its prefixes and its ModRM: escape and opcode. */
static void emit_opcode_bytes(struct trans *t)
{
	const ZydisDecodedInstruction *in = &t->in;

	switch (in->opcode_map) {
	case ZYDIS_OPCODE_MAP_0F:
		emit_u8(&t->e, 0x0f);
		break;
	case ZYDIS_OPCODE_MAP_0F38:
		emit_u8(&t->e, 0x0f);
		emit_u8(&t->e, 0x38);
		break;
	case ZYDIS_OPCODE_MAP_0F3A:
		emit_u8(&t->e, 0x0f);
		emit_u8(&t->e, 0x3a);
		break;
	default:
		break;
	}
}

/*
 * 66h of a general instruction says the contrary in 16-bit code; of an SSE instruction it is part
 * of the opcode everywhere.
 */
static bool wants_66(const struct trans *t, bool present)
{
	if (t->key & KEY_D)
		return present;
	if (isa_is(&t->in, ISA_SOURCE66))
		return t->op[1].size == 16;
	if (isa_is(&t->in, ISA_SIZE66))
		return t->in.operand_width == 16;
	if (t->in.meta.isa_ext == ZYDIS_ISA_EXT_BASE)
		return t->in.operand_width == 16;
	return t->in.meta.isa_ext == ZYDIS_ISA_EXT_X87 ? false : present;
}

/* Each once: repeated, they could make the host's instruction longer than 15 bytes. */
static void emit_legacy_prefixes(struct trans *t)
{
	bool p66 = false, lock = false;
	u8 rep = 0;

	for (unsigned i = 0; i < t->in.raw.prefix_count; i++) {
		u8 v = t->in.raw.prefixes[i].value;

		lock |= v == 0xf0;
		p66 |= v == 0x66;
		if (v == 0xf2 || v == 0xf3)
			rep = v;
	}
	if (lock)
		emit_u8(&t->e, 0xf0);
	if (wants_66(t, p66))
		emit_u8(&t->e, 0x66);
	if (rep)
		emit_u8(&t->e, rep);
}

/* An operand is in bits 4 to 7 of the immediate. */
static bool names_register(const struct trans *t)
{
	for (unsigned i = 0; i < t->in.operand_count_visible; i++)
		if (t->op[i].encoding == ZYDIS_OPERAND_ENCODING_IS4)
			return true;
	return false;
}

static void emit_immediates(struct trans *t)
{
	const ZydisDecodedInstruction *in = &t->in;
	/* Of a register in an immediate, 32-bit code ignores the top bit (SDM 2A 2.3.8). */
	u8 mask = names_register(t) ? 0x7f : 0xff;

	for (int i = 0; i < 2; i++)
		for (unsigned n = 0; n < in->raw.imm[i].size / 8u; n++)
			emit_u8(&t->e, t->bytes[in->raw.imm[i].offset + n] & mask);
}

/* The explicit operand with this encoding, or NULL. */
static const ZydisDecodedOperand *operand_of(const struct trans *t, ZydisOperandEncoding enc)
{
	for (unsigned i = 0; i < t->in.operand_count; i++)
		if (t->op[i].encoding == enc && t->op[i].type == ZYDIS_OPERAND_TYPE_REGISTER)
			return &t->op[i];
	return NULL;
}

static unsigned field_reg(const ZydisDecodedOperand *o, unsigned raw)
{
	int g = o ? trans_gpr(o->reg.value) : -1;

	return g < 0 ? raw : trans_host_reg((unsigned)g);
}

/* W is ignored in 32-bit code, and in 64-bit code doubles a general operand, named or implied
 * (VPCMPESTRI). */
static bool vex_w(const struct trans *t)
{
	for (unsigned i = 0; i < t->in.operand_count; i++)
		if (t->op[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    trans_gpr(t->op[i].reg.value) >= 0)
			return false;
	return !isa_is(&t->in, ISA_W_IGNORED) && t->in.raw.vex.W;
}

/* VEX: always the three-byte form, since it has X and B. */
static void emit_vex(struct trans *t, unsigned reg, struct hmem m, bool is_mem, unsigned rm)
{
	const ZydisDecodedInstructionRawVex *v = &t->in.raw.vex;
	u8 rex = is_mem ? emit_rex_bits(reg, m) : (u8)((reg >= 8 ? 4 : 0) | (rm >= 8 ? 1 : 0));
	u8 mmmmm = t->in.opcode_map == ZYDIS_OPCODE_MAP_0F38   ? 2
		   : t->in.opcode_map == ZYDIS_OPCODE_MAP_0F3A ? 3
							       : 1;
	const ZydisDecodedOperand *n = operand_of(t, ZYDIS_OPERAND_ENCODING_NDSNDD);
	u8 vvvv = v->vvvv |
		  8; /* as encoded: inverted; the top bit means nothing outside 64-bit mode */

	if (n && n->reg.value == ZYDIS_REGISTER_ESP)
		vvvv = (u8)(~R_GSP & 15);
	if (is_mem)
		emit_guest_prefix(&t->e, t->r, m);
	emit_u8(&t->e, 0xc4);
	emit_u8(&t->e, (u8)((~rex & 7) << 5 | mmmmm));
	emit_u8(&t->e, (u8)(vex_w(t) << 7 | vvvv << 3 | v->L << 2 | v->pp));
	emit_u8(&t->e, t->in.opcode);
}

static void copy_form(struct trans *t, unsigned reg, bool is_mem, struct hmem m, unsigned rm,
		      u8 opcode)
{
	if (t->in.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX) {
		emit_vex(t, reg, m, is_mem, rm);
	} else {
		u8 rex = is_mem ? emit_rex_bits(reg, m)
				: (u8)((reg >= 8 ? 4 : 0) | (rm >= 8 ? 1 : 0));

		if (is_mem)
			emit_guest_prefix(&t->e, t->r, m);
		emit_legacy_prefixes(t);
		if (rex)
			emit_u8(&t->e, 0x40 | rex);
		emit_opcode_bytes(t);
		emit_u8(&t->e, opcode);
	}
	if (is_mem)
		emit_modrm_mem(&t->e, reg, m);
	else
		emit_u8(&t->e, (u8)(0xc0 | (reg & 7) << 3 | (rm & 7)));
	emit_immediates(t);
}

#define STACK_SLOT ((struct hmem){ .base = R_SP, .index = -1, .scale = 1, .disp = 8 })

/* AH..BH with an address that needs REX: through a byte on the host's stack, which needs none. */
static void copy_high8(struct trans *t, const ZydisDecodedOperand *mem, unsigned reg, struct hmem m)
{
	bool reads = mem->actions & ZYDIS_OPERAND_ACTION_MASK_READ;
	bool writes = mem->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;

	if (reads && writes) { /* XADD, XCHG and CMPXCHG may change what the address is made of */
		emit_lea(&t->e, false, R8, m);
		m = (struct hmem){ .base = R8, .index = -1, .scale = 1, .guest = m.guest };
	}
	if (reads) {
		/* Faults here, before flags change, and as a write: NOT leaves the flags alone. */
		if (writes) {
			emit_not8_mem(&t->e, t->r, m);
			emit_not8_mem(&t->e, t->r, m);
		}
		emit_load8(&t->e, t->r, R10, m);
		emit_store8(&t->e, t->r, R10, STACK_SLOT);
	}
	copy_form(t, reg, true, STACK_SLOT, 0, t->in.opcode);
	if (writes) {
		emit_load8(&t->e, t->r, R10, STACK_SLOT);
		emit_store8(&t->e, t->r, R10, m);
	}
}

static bool is_bit_string(const struct trans *t)
{
	return isa_is(&t->in, ISA_BITS) && t->op[1].type == ZYDIS_OPERAND_TYPE_REGISTER;
}

/* A bit number in a register reaches beyond the operand: C moves the address (site.bits), the
 * register form takes the rest. */
static void copy_slow_bit(struct trans *t, unsigned reg)
{
	struct hmem buf = CPU_FIELD(scratch);

	emit_load32(&t->e, R10, buf);
	t->in.attributes &= ~ZYDIS_ATTRIB_HAS_LOCK;
	for (unsigned i = 0; i < t->in.raw.prefix_count; i++)
		if (t->in.raw.prefixes[i].value == 0xf0)
			t->in.raw.prefixes[i].value = 0;
	copy_form(t, reg, false, buf, R10, t->in.opcode);
	emit_store32(&t->e, R10, buf);
}

/*
 * The alignment that an SSE or AVX operand must have, as a mask (SDM 2A 2.4, exception types 1, 2
 * and 4): the buffer is always aligned.
 */
static u8 vector_alignment(const struct trans *t, const ZydisDecodedOperand *mem)
{
	if (t->in.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX)
		return t->in.meta.exception_class == ZYDIS_EXCEPTION_CLASS_AVX1
			       ? (u8)(mem->size / 8 - 1)
			       : 0;
	if (mem->size != 128 || t->in.meta.isa_ext == ZYDIS_ISA_EXT_BASE)
		return 0;
	return isa_is(&t->in, ISA_UNALIGNED) ? 0 : 15;
}

/* The instruction raises #MF if an x87 exception is pending. */
static bool takes_pending_x87(const struct trans *t)
{
	if (t->in.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && (t->in.opcode & 0xf8) == 0xd8)
		return !isa_is(&t->in, ISA_NO_WAIT);
	for (unsigned i = 0; i < t->in.operand_count_visible; i++)
		if (t->op[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    ZydisRegisterGetClass(t->op[i].reg.value) == ZYDIS_REGCLASS_MMX)
			return true;
	return false;
}

/* Memory operands that C fetches and stores: the operation runs on a buffer in struct cpu. */
static void copy_slow(struct trans *t, const ZydisDecodedOperand *mem, unsigned reg, bool high8)
{
	bool store = t->in.mnemonic == ZYDIS_MNEMONIC_MOV && !high8 &&
		     (mem->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE);
	bool device = trans_may_be_device(t, trans_mem_bytes(t, mem)) &&
		      (store || (mem->actions & ZYDIS_OPERAND_ACTION_MASK_READ)) &&
		      !trans_mem_checked(t, mem) && !is_bit_string(t);
	struct hmem buf = CPU_FIELD(scratch), at = { 0 };
	struct site *s;

	if (device)
		at = trans_address(t, mem);
	s = trans_site(t, OP_COPY);

	s->mem_size = (u8)trans_mem_bytes(t, mem);
	s->align = vector_alignment(t, mem);
	s->reads = mem->actions & ZYDIS_OPERAND_ACTION_MASK_READ;
	s->writes = mem->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
	if (takes_pending_x87(t)) {
		/* An x87 store that raises an unmasked exception stores nothing: the bytes go back.
		 */
		s->reads = true;
		emit_fwait(&t->e); /* #MF goes before the operand's faults */
	}
	if (store) {
		copy_form(t, reg, true, buf, 0, t->in.opcode); /* changes nothing if C faults */
		if (device)
			trans_device_store(t, s, at);
		else
			trans_call_site(t, s, t->r->call_slow_store);
		return;
	}
	if (device)
		trans_device_read(t, s, at);
	else
		trans_call_site(t, s, t->r->call_slow_read);
	if (is_bit_string(t)) {
		s->bits = true;
		copy_slow_bit(t, reg);
	} else if (high8) {
		emit_load8(&t->e, t->r, R10, buf);
		emit_store8(&t->e, t->r, R10, STACK_SLOT);
		copy_form(t, reg, true, STACK_SLOT, 0, t->in.opcode);
		emit_load8(&t->e, t->r, R10, STACK_SLOT);
		emit_store8(&t->e, t->r, R10, buf);
	} else {
		copy_form(t, reg, true, buf, 0, t->in.opcode);
	}
	if (!s->writes)
		return;
	if (device)
		trans_device_write(t, s);
	else
		trans_call_site(t, s, t->r->call_slow_write);
}

/* VMASKMOVPS and its like: op[1] is the mask; op[0] is memory if it is a store. */
static bool masked_move(struct trans *t, unsigned reg)
{
	const ZydisDecodedInstruction *in = &t->in;
	bool store = t->op[0].type == ZYDIS_OPERAND_TYPE_MEMORY;
	struct site *s;

	if (!isa_is(in, ISA_MASKED))
		return false;
	s = trans_site(t, OP_MASKED_MOVE);
	s->insn.reg = (u8)(reg & 7);
	s->insn.imm = ~(u32)in->raw.vex.vvvv & 7;
	s->insn.imm2 = (u16)((in->raw.vex.L ? VECTOR_256 : 0) | (store ? VECTOR_STORE : 0) |
			     (isa_is(in, ISA_MASKED64) ? VECTOR_64 : 0));
	trans_call_hard(t, s, false);
	return true;
}

static bool rotates_carry(const struct trans *t)
{
	return t->in.mnemonic == ZYDIS_MNEMONIC_RCL || t->in.mnemonic == ZYDIS_MNEMONIC_RCR;
}

/*
 * QEMU 7.2's translator changes the carry of RCL and RCR before it stores, so a store that faults
 * leaves the new one in the trap's frame. NOT, twice, faults before, as the same read and write,
 * and leaves the flags alone.
 */
static void fault_first(struct trans *t, unsigned size, struct hmem m)
{
	u32 opcode = size > 1 ? 0xf7 : 0xf6;

	trans_access(t, opcode, 2, size, m);
	trans_access(t, opcode, 2, size, m);
}

static void copy_modrm(struct trans *t)
{
	const ZydisDecodedOperand *ro = operand_of(t, ZYDIS_OPERAND_ENCODING_MODRM_REG);
	unsigned reg = field_reg(ro, t->in.raw.modrm.reg);
	bool high8 = ro && trans_is_high8(ro->reg.value);
	int mi = trans_mem_operand(t);

	if (mi < 0) {
		const ZydisDecodedOperand *mo = operand_of(t, ZYDIS_OPERAND_ENCODING_MODRM_RM);
		unsigned rm = field_reg(mo, t->in.raw.modrm.rm);

		if (mo && trans_is_high8(mo->reg.value) && reg >= 8) { /* movzx esp, ah */
			emit_store8(&t->e, t->r, rm, STACK_SLOT);
			copy_form(t, reg, true, STACK_SLOT, 0, t->in.opcode);
			return;
		}
		copy_form(t, reg, false, (struct hmem){ 0 }, rm, t->in.opcode);
		return;
	}

	const ZydisDecodedOperand *mem = &t->op[mi];

	if (mem->mem.type ==
	    ZYDIS_MEMOP_TYPE_AGEN) { /* LEA: no access; the operand size cuts the result */
		struct hmem m = trans_address_noseg(t, mem);

		copy_form(t, reg, true, m, 0, t->in.opcode);
		return;
	}
	/* A prefetch never faults (SDM 2B, PREFETCHh): where its address is no plain one, it is not
	 * done. */
	if (t->in.meta.category == ZYDIS_CATEGORY_PREFETCH &&
	    (t->slow || trans_seg_class(t, trans_seg(mem->mem.segment)) != CLASS_FLAT))
		return;
	/* A bit number moves a 16-bit address within its 64 KiB; the copied form would leave them.
	 */
	if (t->slow || trans_mem_checked(t, mem) ||
	    (cpu_is_strict(t->cpu) && vector_alignment(t, mem)) ||
	    (t->in.address_width == 16 && is_bit_string(t))) {
		if (masked_move(t, reg))
			return;
		copy_slow(t, mem, reg, high8);
		return;
	}

	struct hmem m = trans_address(t, mem);

	if (rotates_carry(t))
		fault_first(t, trans_mem_bytes(t, mem), m);
	if (high8 && emit_rex_bits(0, m))
		copy_high8(t, mem, reg, m);
	else
		copy_form(t, reg, true, m, 0, t->in.opcode);
}

/* 40h..4Fh are REX here: FF /0 and /1. */
static void copy_inc_dec(struct trans *t)
{
	unsigned reg = trans_host_reg(t->in.opcode & 7u);

	if (t->in.operand_width == 16)
		emit_u8(&t->e, 0x66);
	emit_rr(&t->e, false, 0xff, t->in.opcode & 8 ? 1 : 0, reg);
}

/* A0h..A3h: a 32-bit address without ModRM; as ModRM forms. */
static void copy_moffs(struct trans *t)
{
	const ZydisDecodedOperand *mem = &t->op[trans_mem_operand(t)];
	static const u8 modrm_opcode[] = { 0x8a, 0x8b, 0x88, 0x89 };
	u8 opcode = modrm_opcode[t->in.opcode & 3];

	t->in.raw.imm[0].size = t->in.raw.imm[1].size = 0;
	t->in.raw.disp.size = 0;
	t->in.opcode = opcode;
	if (t->slow || trans_mem_checked(t, mem))
		copy_slow(t, mem, R_A, false);
	else
		copy_form(t, R_A, true, trans_address(t, mem), 0, opcode);
}

/*
 * QEMU 7.2's translator calls its CMPXCHG8B helper before it has written down which instruction set
 * the flags, so that the image that PUSHFQ shows afterwards may have stray bits, DF among them. A
 * jump to the next instruction makes it write that down.
 */
static void settle_flags(struct trans *t)
{
	emit_u8(&t->e, 0xeb);
	emit_u8(&t->e, 0);
}

/* MASKMOVQ, MASKMOVDQU: the store goes to DS:[EDI], an operand that no ModRM names. */
static void mask_move(struct trans *t)
{
	const ZydisDecodedInstruction *in = &t->in;
	unsigned seg = SEG_DS;

	for (unsigned i = 0; i < in->operand_count; i++)
		if (t->op[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
			seg = trans_seg(t->op[i].mem.segment);
	if (t->slow || in->address_width != 32 || trans_seg_class(t, seg) != CLASS_FLAT ||
	    (seg == SEG_CS && (t->key & KEY_PE))) {
		struct site *s = trans_site(t, OP_SLOW_MASKMOV);

		s->insn.seg = (u8)seg;
		s->insn.osize = in->mnemonic == ZYDIS_MNEMONIC_MASKMOVQ ? 8 : 16;
		if (s->insn.osize == 8)
			emit_fwait(&t->e); /* #MF goes before the operand's faults */
		trans_call_hard(t, s, false);
		return;
	}
	emit_guest_prefix(&t->e, t->r, (struct hmem){ .guest = true });
	if (in->mnemonic != ZYDIS_MNEMONIC_MASKMOVQ) /* VMASKMOVDQU writes no register: the same */
		emit_u8(&t->e, 0x66);
	emit_opcode_bytes(t);
	emit_u8(&t->e, in->opcode);
	emit_u8(&t->e, (u8)(0xc0 | in->raw.modrm.reg << 3 | in->raw.modrm.rm));
}

void translate_copy(struct trans *t)
{
	const ZydisDecodedInstruction *in = &t->in;
	bool one_byte = in->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
			in->encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY;
	unsigned effect = trans_effect_begin(t);

	if (in->mnemonic == ZYDIS_MNEMONIC_NOP)
		return; /* with an operand, too: it is not accessed */
	if (isa_is(in, ISA_MASK_STORE)) {
		mask_move(t);
		return;
	}
	if (in->mnemonic == ZYDIS_MNEMONIC_CMPXCHG8B)
		settle_flags(t);
	trans_x87_mark(t);
	if (one_byte && (in->opcode & 0xf0) == 0x40) {
		copy_inc_dec(t);
	} else if (one_byte && in->opcode >= 0xa0 && in->opcode <= 0xa3) {
		copy_moffs(t);
	} else if (in->attributes & ZYDIS_ATTRIB_HAS_MODRM) {
		if (one_byte && in->opcode == 0x82)
			t->in.opcode = 0x80;
		copy_modrm(t);
	} else if (in->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX) { /* VZEROUPPER, VZEROALL */
		emit_vex(t, 0, (struct hmem){ 0 }, false, 0);
	} else {
		const ZydisDecodedOperand *o = operand_of(t, ZYDIS_OPERAND_ENCODING_OPCODE);
		int g = o ? trans_gpr(o->reg.value) : -1;

		emit_legacy_prefixes(t);
		if (g == REG_ESP)
			emit_u8(&t->e, 0x41);
		emit_opcode_bytes(t);
		emit_u8(&t->e, in->opcode);
		emit_immediates(t);
	}
	trans_effect_end(t, effect);
}
