/* SPDX-License-Identifier: MIT */
/*
 * Addresses: what an access through a segment takes.
 *
 * 16-bit addresses are put together in R8. A segment of 64 KiB needs a look at accesses of more
 * than a byte, without a flag: the last byte's offset has bit 16 set if it is beyond; BSWAP brings
 * that bit down for JRCXZ (RCX waits in R11).
 */
#include "emu/trans/trans.h"

/* An address of 16 bits that is not known is in R8. */
static struct hmem cut_to_16(struct trans *t, struct hmem m)
{
	if (m.base < 0 && m.index < 0) {
		m.disp &= 0xffff;
		return m;
	}
	if (m.index < 0 && !m.disp) {
		emit_movzx16(&t->e, R8, (unsigned)m.base); /* movzx r8d, base's word */
	} else {
		emit_lea(&t->e, false, R8, m);
		emit_movzx16(&t->e, R8, R8);
	}
	return (struct hmem){ .base = R8, .index = -1, .scale = 1, .guest = true };
}

struct hmem trans_address_noseg(struct trans *t, const ZydisDecodedOperand *op)
{
	int base = trans_gpr(op->mem.base), index = trans_gpr(op->mem.index);
	struct hmem m = { .base = (s8)(base < 0 ? -1 : (int)trans_host_reg((unsigned)base)),
			  .index = (s8)index,
			  .scale = index < 0 ? 1 : op->mem.scale,
			  .disp = op->mem.disp.has_displacement ? (s32)op->mem.disp.value : 0,
			  .guest = true };

	if (base == REG_ESP)
		m.disp = (s32)((u32)m.disp + (u32)t->esp_bias);

	return t->in.address_width == 16 ? cut_to_16(t, m) : m;
}

struct hmem trans_add_base(struct trans *t, struct hmem m, unsigned seg)
{
	if (m.index >= 0) {
		emit_lea(&t->e, false, R8, m);
		m = (struct hmem){ .base = R8, .index = -1, .scale = 1, .guest = true };
	}
	if (seg >= SEG_FS) {
		emit_load64(&t->e, R9,
			    cpu_field(offsetof(struct cpu, thread_base) +
				      (seg - SEG_FS) * sizeof(u64)));
		emit_load32(&t->e, R9, (struct hmem){ .base = R9, .index = -1, .scale = 1 });
	} else {
		emit_load32(&t->e, R9,
			    cpu_field(offsetof(struct cpu, seg) + seg * sizeof(struct cpu_segment) +
				      offsetof(struct cpu_segment, base)));
	}
	m.index = R9;
	m.scale = 1;
	if (m.base < 0) {
		m.base = R9;
		m.index = -1;
	}
	return m;
}

void trans_check_64k(struct trans *t, struct hmem m, unsigned size, struct site *s, u64 stub)
{
	struct emit *e = &t->e;
	struct emit_label within = { 0 };

	if (size < 2 || (m.base < 0 && (u32)m.disp + size <= 0x10000))
		return;
	s->ends = true;
	emit_mov64(e, R11, R_C);
	m.disp += (s32)size - 1;
	emit_lea(e, false, R_C, m);
	emit_bswap(e, R_C);
	emit_movzx16(e, R_C, R_C); /* not 0 beyond 64 KiB */
	emit_jrcxz(e, &within);
	emit_mov64(e, R_C, R11);
	trans_call_site(t, s, stub); /* it faults */
	emit_label(e, &within);
	emit_mov64(e, R_C, R11);
}

struct hmem trans_address(struct trans *t, const ZydisDecodedOperand *op)
{
	struct hmem m = trans_address_noseg(t, op);
	unsigned seg = trans_seg(op->mem.segment), size = trans_mem_bytes(t, op);

	if (trans_seg_class(t, seg) == CLASS_FLAT)
		return m;
	if (trans_seg_class(t, seg) == CLASS_64K && size > 1 &&
	    !(m.base < 0 && (u32)m.disp + size <= 0x10000)) {
		struct site *s = trans_site(t, OP_COPY);

		s->mem_size = (u8)size;
		s->writes = op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
		trans_check_64k(t, m, size, s, t->r->call_slow_read);
	}
	return trans_add_base(t, m, seg);
}

void trans_access(struct trans *t, u32 opcode, unsigned reg, unsigned size, struct hmem m)
{
	emit_guest_prefix(&t->e, t->r, m);
	if (size == 2)
		emit_u8(&t->e, 0x66);
	m.guest = false;
	emit_rm(&t->e, t->r, false, opcode, reg, m);
}
