/* SPDX-License-Identifier: MIT */
/*
 * String instructions with all checks, for segments and modes where translated code cannot copy
 * them: an iteration at a time, or, for REP upwards in memory, as much of a page as there is.
 */
#include "emu/cpu/hard_ops.h"
#include "emu/cpu/operand.h"
#include "emu/cpu/string_span.h"
#include "emu/mem/gpmem.h"
#include "kernel/base/string.h"

/* Flags of a - b at the operand size. */
static void compare(struct cpu *cpu, u32 a, u32 b, unsigned size)
{
	u32 mask = operand_mask(size), top = 1u << (size * 8 - 1), r, f;

	a &= mask;
	b &= mask;
	r = (a - b) & mask;
	f = operand_flags(a, b, r, top);
	if (a < b)
		f |= EFLAGS_CF;
	if ((a ^ b) & (a ^ r) & top)
		f |= EFLAGS_OF;
	cpu->eflags = (cpu->eflags & ~(EFLAGS_ARITH & ~EFLAGS_DF)) | f;
}

static enum cpu_result one(struct cpu *cpu, const struct insn *in)
{
	u32 mask = insn_address_mask(in), a = 0, b = 0;
	u32 si = cpu->gpr[REG_ESI] & mask, di = cpu->gpr[REG_EDI] & mask;
	bool src = in->op == OP_MOVS || in->op == OP_CMPS || in->op == OP_LODS;
	bool dst_read = in->op == OP_CMPS || in->op == OP_SCAS;

	if (src && cpu_mem_read(cpu, in->seg, si, &a, in->osize) != CPU_NEXT)
		return CPU_FAULT;
	if (dst_read && cpu_mem_read(cpu, SEG_ES, di, &b, in->osize) != CPU_NEXT)
		return CPU_FAULT;
	switch (in->op) {
	case OP_MOVS:
	case OP_STOS:
		if (in->op == OP_STOS)
			a = cpu->gpr[REG_EAX];
		if (cpu_mem_write(cpu, SEG_ES, di, &a, in->osize) != CPU_NEXT)
			return CPU_FAULT;
		break;
	case OP_CMPS:
		compare(cpu, a, b, in->osize);
		break;
	case OP_SCAS:
		compare(cpu, cpu->gpr[REG_EAX], b, in->osize);
		break;
	default:
		cpu->gpr[REG_EAX] = operand_merge(cpu->gpr[REG_EAX], a, in->osize);
	}
	cpu_string_advance(cpu, in);
	return CPU_NEXT;
}

#define BULK_MAX  STRING_SPAN_MAX
#define CALLS_MAX 256u /* of a device, before somebody looks for interrupts */

static bool in_bulk(const struct cpu *cpu, const struct insn *in)
{
	return (in->op == OP_MOVS || in->op == OP_STOS) && !(cpu->eflags & EFLAGS_DF) &&
	       !cpu_rep_stepped(cpu) && !cpu_align_checked(cpu);
}

/* Do these bytes lead to the operands, by a TLB that follows the tables? */
static bool moves_itself(struct cpu *cpu, const struct insn *in, gpa_t gpa, u32 len)
{
	u32 mask = insn_address_mask(in);

	return softtlb_leads(cpu, cpu->seg[SEG_ES].base + (cpu->gpr[REG_EDI] & mask), gpa, len) ||
	       (in->op == OP_MOVS &&
		softtlb_leads(cpu, cpu->seg[in->seg].base + (cpu->gpr[REG_ESI] & mask), gpa, len));
}

/* So many iterations of REP MOVS or REP STOS at once; 0: one by one. Faults nothing, changes no
 * register. */
static u32 bulk(struct cpu *cpu, const struct insn *in, u32 count)
{
	u32 mask = insn_address_mask(in), n = MIN(count, BULK_MAX / in->osize), len;
	struct softtlb_entry to, from = { 0 };
	u8 buffer[BULK_MAX], *out;
	gla_t dst, src = 0;

	if (!in_bulk(cpu, in) || n < 2)
		return 0;
	if (!cpu_string_span(cpu, SEG_ES, in, cpu->gpr[REG_EDI] & mask, ACCESS_WRITE, &to, &dst,
			     &n) ||
	    !gpmem_ptr(cpu->mem, to.gpa, true))
		return 0;
	if (in->op == OP_MOVS && !cpu_string_span(cpu, in->seg, in, cpu->gpr[REG_ESI] & mask,
						  ACCESS_READ, &from, &src, &n))
		return 0;
	len = n * in->osize;
	dst &= PAGE_SIZE - 1;
	src &= PAGE_SIZE - 1;
	/* What is written may be read again by a later iteration. */
	if (in->op == OP_MOVS && to.gpa == from.gpa && dst - src < len)
		return 0;
	out = gpmem_watches(cpu->mem, to.gpa) ? buffer : to.host + dst;
	/* What is written may say where later iterations read and write. */
	if (out == buffer && moves_itself(cpu, in, to.gpa + dst, len))
		return 0;
	if (in->op == OP_STOS)
		cpu_string_fill(out, cpu->gpr[REG_EAX], in->osize, n);
	else
		memmove(out, from.host + src, len);
	if (out == buffer)
		gpmem_write(cpu->mem, to.gpa + dst, buffer, len);
	return n;
}

/* A copy of any size would be a loop. */
static u32 element_at(const u8 *p, unsigned size)
{
	u32 v = *p;

	if (size == 2)
		__builtin_memcpy(&v, p, 2);
	else if (size == 4)
		__builtin_memcpy(&v, p, 4);
	return v;
}

static u64 eight(const u8 *p)
{
	u64 v;

	__builtin_memcpy(&v, p, 8);
	return v;
}

/*
 * How many elements need not be looked at one by one, because eight bytes at a time hold none that
 * ends the instruction; fewer than n. With from NULL each is compared with a. Less its lanes'
 * lowest bits, a word borrows into the highest bit of a lane only where one is 0.
 */
static u32 uninteresting(const u8 *from, const u8 *to, u32 a, const struct insn *in, u32 n)
{
	u32 per = 8u / in->osize, done = 0;
	u64 low = in->osize == 1   ? 0x0101010101010101u
		  : in->osize == 2 ? 0x0001000100010001u
				   : 0x0000000100000001u;
	u64 high = low << (in->osize * 8 - 1), all = a * low;

	for (; done + per < n; done += per) {
		u32 at = done * in->osize;
		u64 differ = eight(to + at) ^ (from ? eight(from + at) : all);

		if (in->rep == 0xf3 ? differ : (differ - low) & ~differ & high)
			break;
	}
	return done;
}

/* REP CMPS and REP SCAS: as many iterations as there are before the end of a page, or up to the one
 * that ends them; the flags are the last one's. 0: one by one. */
static u32 bulk_compare(struct cpu *cpu, const struct insn *in, u32 count)
{
	u32 mask = insn_address_mask(in), n = MIN(count, BULK_MAX / in->osize), done;
	u32 a = cpu->gpr[REG_EAX] & operand_mask(in->osize), b = 0;
	struct softtlb_entry left, right;
	const u8 *from = NULL, *to;
	gla_t src, dst;

	if (cpu->eflags & (EFLAGS_DF | EFLAGS_TF) || cpu_align_checked(cpu) || n < 2 ||
	    !cpu_string_span(cpu, SEG_ES, in, cpu->gpr[REG_EDI] & mask, ACCESS_READ, &right, &dst,
			     &n))
		return 0;
	if (in->op == OP_CMPS && !cpu_string_span(cpu, in->seg, in, cpu->gpr[REG_ESI] & mask,
						  ACCESS_READ, &left, &src, &n))
		return 0;
	if (in->op == OP_CMPS)
		from = left.host + (src & (PAGE_SIZE - 1));
	to = right.host + (dst & (PAGE_SIZE - 1));
	done = uninteresting(from, to, a, in, n);
	do {
		u32 at = done++ * in->osize;

		if (from)
			a = element_at(from + at, in->osize);
		b = element_at(to + at, in->osize);
	} while (done < n && (a == b) == (in->rep == 0xf3));
	compare(cpu, a, b, in->osize);
	return done;
}

/* A device's function is called at once. What it does may be the end of that, so the TLB is asked
 * each time. */
static const struct gpmem_device *device_at(struct cpu *cpu, gla_t gla, unsigned size,
					    unsigned access)
{
	struct softtlb_entry *e = softtlb_entry(cpu, gla);

	return e->page == (gla & ~(PAGE_SIZE - 1)) && e->calls & BIT(access) && !(gla & (size - 1))
		       ? &e->device
		       : NULL;
}

static enum cpu_result read_element(struct cpu *cpu, gla_t gla, u64 *value, unsigned size)
{
	unsigned user = cpu_user_access(cpu);
	const struct gpmem_device *d = device_at(cpu, gla, size, user | ACCESS_READ);

	if (!d)
		return cpu_lin_read(cpu, gla, value, size, user);
	*value = d->mmio->read(d->ctx, d->offset + (gla & (PAGE_SIZE - 1)), size);
	return CPU_NEXT;
}

static enum cpu_result write_element(struct cpu *cpu, gla_t gla, u64 value, unsigned size)
{
	unsigned user = cpu_user_access(cpu);
	const struct gpmem_device *d = device_at(cpu, gla, size, user | ACCESS_WRITE);

	if (!d)
		return cpu_lin_write(cpu, gla, &value, size, user);
	d->mmio->write(d->ctx, d->offset + (gla & (PAGE_SIZE - 1)), size,
		       value & operand_mask(size));
	return CPU_NEXT;
}

/* Nothing is written, and what is read is ones: no iteration does anything. */
static bool is_lost(const struct insn *in, const struct softtlb_entry *to,
		    const struct softtlb_entry *from)
{
	return to->device.mmio == &gpmem_absent &&
	       (in->op == OP_STOS || from->device.mmio == &gpmem_absent);
}

/* So many iterations of REP MOVS or REP STOS with a device's memory at one end or at both; 0: one
 * by one. */
static u32 by_calls(struct cpu *cpu, const struct insn *in, u32 count)
{
	u32 mask = insn_address_mask(in), n = count, done;
	u64 value = cpu->gpr[REG_EAX];
	struct softtlb_entry to, from = { 0 };
	gla_t dst, src = 0;

	if (!in_bulk(cpu, in) || n < 2 ||
	    !cpu_string_range(cpu, SEG_ES, in, cpu->gpr[REG_EDI] & mask, ACCESS_WRITE, &to, &dst,
			      &n) ||
	    (in->op == OP_MOVS && !cpu_string_range(cpu, in->seg, in, cpu->gpr[REG_ESI] & mask,
						    ACCESS_READ, &from, &src, &n)) ||
	    !(to.device.mmio || from.device.mmio))
		return 0;
	done = is_lost(in, &to, &from) ? n : 0;
	for (n = MIN(n, CALLS_MAX); done < n; done++) {
		u32 at = done * in->osize;

		if (in->op == OP_MOVS && read_element(cpu, src + at, &value, in->osize) != CPU_NEXT)
			break;
		if (write_element(cpu, dst + at, value, in->osize) != CPU_NEXT)
			break;
	}
	cpu->device_calls += done;
	return done;
}

/* One iteration or more of a REP; ECX counts them. */
static enum cpu_result some(struct cpu *cpu, const struct insn *in)
{
	u32 mask = insn_address_mask(in), count = cpu->gpr[REG_ECX] & mask, n;
	bool compares = in->op == OP_CMPS || in->op == OP_SCAS;

	n = compares ? bulk_compare(cpu, in, count) : bulk(cpu, in, count);
	if (!n)
		n = by_calls(cpu, in, count);
	if (n) {
		if (in->op == OP_MOVS || in->op == OP_CMPS)
			cpu_string_move(cpu, in, REG_ESI, n * in->osize);
		cpu_string_move(cpu, in, REG_EDI, n * in->osize);
	} else {
		if (one(cpu, in) != CPU_NEXT)
			return CPU_FAULT;
		n = 1;
	}
	cpu_string_move(cpu, in, REG_ECX, 0u - n);
	return CPU_NEXT;
}

enum cpu_result hard_string(struct cpu *cpu, const struct insn *in)
{
	u32 mask = insn_address_mask(in);
	bool compares = in->op == OP_CMPS || in->op == OP_SCAS;

	if (!in->rep)
		return one(cpu, in);
	while (cpu->gpr[REG_ECX] & mask) {
		if (some(cpu, in) != CPU_NEXT)
			return CPU_FAULT;
		if (compares && !!(cpu->eflags & EFLAGS_ZF) != (in->rep == 0xf3))
			break;
		if ((cpu->gpr[REG_ECX] & mask) && cpu_rep_interrupted(cpu))
			return CPU_RETRY;
	}
	return CPU_NEXT;
}
