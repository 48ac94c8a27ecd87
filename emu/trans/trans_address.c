/* SPDX-License-Identifier: MIT */
/*
 * Addresses: what an access through a segment takes.
 *
 * 16-bit addresses are put together in R8. In a segment of 64 KiB an access of more than a byte
 * must not pass the end, and an offset that is a register and a displacement must not leave the 64
 * KiB. One load looks at both, and leaves the flags alone: it reads the fence at the place that the
 * access has in its segment. If that faults, C executes the instruction (recomp_trap()).
 */
#include "emu/trans/fence.h"
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

void trans_fence(struct trans *t, s32 disp)
{
	emit_load_zx(&t->e, NULL, 1, R9,
		     (struct hmem){ .base = R_POLL, .index = R8, .scale = 1, .disp = disp });
}

void trans_check_64k(struct trans *t, struct hmem m, unsigned size)
{
	if (size > 1 && m.base == R8)
		trans_fence(t, m.disp + (s32)size - 1);
}

/*
 * A register and a displacement that rarely passes 64 KiB with it: with the fence before or behind
 * for those who do. A negative one is looked at for the first byte, and must lie below 64 KiB by
 * itself then.
 */
static bool stays_inside(const struct trans *t, const ZydisDecodedOperand *op, unsigned size)
{
	s64 disp = op->mem.disp.value;

	return size > 1 && op->mem.disp.has_displacement && trans_gpr(op->mem.base) >= 0 &&
	       trans_gpr(op->mem.index) < 0 && (disp >= 0 || disp <= -(s64)size) &&
	       disp < RECOMP_FENCE / 2 && !fence_was_met(t->r, t->base + t->eip);
}

static struct hmem inside_64k(struct trans *t, const ZydisDecodedOperand *op, unsigned size)
{
	s32 disp = (s32)op->mem.disp.value;
	unsigned base = trans_host_reg((unsigned)trans_gpr(op->mem.base));

	emit_movzx16(&t->e, R8, base);
	trans_fence(t, disp < 0 ? disp : disp + (s32)size - 1);
	return (struct hmem){ .base = R8, .index = -1, .scale = 1, .disp = disp, .guest = true };
}

/* An address of 32 bits, which does not wrap around at 64 KiB but faults, for a byte, too: 4 GiB
 * behind the fence fault. Compilers for real mode (gcc -m16) make no others. */
static struct hmem wide_inside_64k(struct trans *t, const ZydisDecodedOperand *op, unsigned size)
{
	struct hmem m = trans_address_noseg(t, op);
	bool known = m.base < 0 && m.index < 0;

	if (known && (u32)m.disp < RECOMP_FENCE && (u32)m.disp + size <= RECOMP_FENCE)
		return m;
	if (known)
		emit_mov_imm32(&t->e, R8, (u32)m.disp);
	else
		emit_lea(&t->e, false, R8, m);
	trans_fence(t, (s32)size - 1);
	return (struct hmem){ .base = R8, .index = -1, .scale = 1, .guest = true };
}

struct hmem trans_address(struct trans *t, const ZydisDecodedOperand *op)
{
	unsigned seg = trans_seg(op->mem.segment), size = trans_mem_bytes(t, op);
	bool small = trans_seg_class(t, seg) == CLASS_64K;
	struct hmem m;

	if (small && t->in.address_width != 16)
		return trans_add_base(t, wide_inside_64k(t, op, size), seg);
	if (small && stays_inside(t, op, size))
		return trans_add_base(t, inside_64k(t, op, size), seg);
	m = trans_address_noseg(t, op);
	if (trans_seg_class(t, seg) == CLASS_FLAT)
		return m;
	if (small && m.base < 0 && (u32)m.disp + size > RECOMP_FENCE) {
		emit_mov_imm32(&t->e, R8, (u32)m.disp);
		m = (struct hmem){ .base = R8, .index = -1, .scale = 1, .guest = true };
	}
	if (small)
		trans_check_64k(t, m, size);
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
