/* SPDX-License-Identifier: MIT */
/*
 * Port instructions, with the permission check of SDM 1 19.5.
 */
#include "emu/cpu/hard_ops.h"
#include "emu/cpu/operand.h"
#include "emu/cpu/stops.h"
#include "emu/cpu/string_span.h"
#include "emu/mem/gpmem.h"

static enum cpu_result permission(struct cpu *cpu, u16 port, unsigned size)
{
	u16 map, bits;

	if (!cpu_protected(cpu) || (!cpu_v86(cpu) && cpu->cpl <= cpu_iopl(cpu)))
		return CPU_NEXT;
	if (!(cpu->tr.attr & 8) || cpu->tr.limit < 103)
		return cpu_raise(cpu, VEC_GP, 0);
	if (cpu_lin_read(cpu, cpu->tr.base + 102, &map, 2, 0) != CPU_NEXT)
		return CPU_FAULT;
	if (map + port / 8u + 1 > cpu->tr.limit)
		return cpu_raise(cpu, VEC_GP, 0);
	if (cpu_lin_read(cpu, cpu->tr.base + map + port / 8u, &bits, 2, 0) != CPU_NEXT)
		return CPU_FAULT;
	if (((u32)bits >> (port & 7)) & ((1u << size) - 1))
		return cpu_raise(cpu, VEC_GP, 0);
	return CPU_NEXT;
}

static enum cpu_result one_string(struct cpu *cpu, const struct insn *in, u16 port)
{
	unsigned reg = in->op == OP_INS ? REG_EDI : REG_ESI;
	u32 mask = insn_address_mask(in), v = 0;
	u32 off = cpu->gpr[reg] & mask;
	u32 step = cpu->eflags & EFLAGS_DF ? 0u - in->osize : in->osize;

	if (in->op == OP_INS) {
		/* What is read from a port cannot be put back. */
		if (cpu_mem_probe_write(cpu, SEG_ES, off, in->osize) != CPU_NEXT)
			return CPU_FAULT;
		v = cpu_env(cpu)->io_read(cpu, port, in->osize);
		if (cpu_mem_write(cpu, SEG_ES, off, &v, in->osize) != CPU_NEXT)
			return CPU_FAULT;
	} else {
		if (cpu_mem_read(cpu, in->seg, off, &v, in->osize) != CPU_NEXT)
			return CPU_FAULT;
		cpu_env(cpu)->io_write(cpu, port, in->osize, v);
	}
	cpu->gpr[reg] = (cpu->gpr[reg] & ~mask) | ((off + step) & mask);
	return CPU_NEXT;
}

static u32 read_many(struct cpu *cpu, const struct insn *in, u16 port, u32 n)
{
	u32 off = cpu->gpr[REG_EDI] & insn_address_mask(in);
	u8 buffer[STRING_SPAN_MAX], *out;
	struct softtlb_entry to;
	gla_t gla, start;

	if (!cpu_string_span(cpu, SEG_ES, in, off, ACCESS_WRITE, &to, &start, &n) ||
	    !gpmem_ptr(cpu->mem, to.gpa, true))
		return 0;
	gla = start & (PAGE_SIZE - 1);
	out = gpmem_watches(cpu->mem, to.gpa) ? buffer : to.host + gla;
	if (out == buffer && softtlb_leads(cpu, start, to.gpa + gla, n * in->osize))
		return 0;
	n = cpu_env(cpu)->io_read_many(cpu, port, in->osize, out, n);
	if (out == buffer)
		gpmem_write(cpu->mem, to.gpa + gla, buffer, n * in->osize);
	return n;
}

static u32 write_many(struct cpu *cpu, const struct insn *in, u16 port, u32 n)
{
	u32 off = cpu->gpr[REG_ESI] & insn_address_mask(in);
	struct softtlb_entry from;
	gla_t gla;

	if (!cpu_string_span(cpu, in->seg, in, off, ACCESS_READ, &from, &gla, &n))
		return 0;
	return cpu_env(cpu)->io_write_many(cpu, port, in->osize,
					   from.host + (gla & (PAGE_SIZE - 1)), n);
}

/* As many iterations of a REP as the device does at once; 0: one by one. No register changes. */
static u32 many(struct cpu *cpu, const struct insn *in, u16 port, u32 count)
{
	u32 n = MIN(count, STRING_SPAN_MAX / in->osize);

	if (n < 2 || !cpu_env(cpu)->io_read_many || (cpu->dr[7] & DR7_ENABLES) ||
	    (cpu->eflags & EFLAGS_DF) || cpu_rep_stepped(cpu) || cpu_align_checked(cpu))
		return 0;
	return in->op == OP_INS ? read_many(cpu, in, port, n) : write_many(cpu, in, port, n);
}

/* One iteration or more; returns how many, 0 for a fault. */
static u32 some(struct cpu *cpu, const struct insn *in, u16 port, u32 count)
{
	unsigned reg = in->op == OP_INS ? REG_EDI : REG_ESI;
	u32 mask = insn_address_mask(in), n = many(cpu, in, port, count);

	if (!n)
		return one_string(cpu, in, port) == CPU_NEXT ? 1 : 0;
	cpu->gpr[reg] = (cpu->gpr[reg] & ~mask) | ((cpu->gpr[reg] + n * in->osize) & mask);
	return n;
}

static u32 repeats(const struct cpu *cpu, const struct insn *in)
{
	return cpu->gpr[REG_ECX] & insn_address_mask(in);
}

static enum cpu_result strings(struct cpu *cpu, const struct insn *in, u16 port)
{
	u32 mask = insn_address_mask(in);

	if (!in->rep)
		return one_string(cpu, in, port);
	while (cpu->gpr[REG_ECX] & mask) {
		u32 n = some(cpu, in, port, cpu->gpr[REG_ECX] & mask);

		if (!n)
			return CPU_FAULT;
		cpu->gpr[REG_ECX] = (cpu->gpr[REG_ECX] & ~mask) | ((cpu->gpr[REG_ECX] - n) & mask);
		if ((cpu->gpr[REG_ECX] & mask) && cpu_rep_interrupted(cpu))
			return CPU_RETRY;
	}
	return CPU_NEXT;
}

/* May the port be used? */
static enum cpu_result access_port(struct cpu *cpu, const struct insn *in, u16 *port)
{
	*port = in->imm == (u32)-1 ? (u16)cpu->gpr[REG_EDX] : (u16)in->imm;
	if (permission(cpu, *port, in->osize) != CPU_NEXT)
		return CPU_FAULT;
	if ((cpu->dr[7] & DR7_ENABLES) && !(in->rep && !repeats(cpu, in)))
		cpu_debug_port(cpu, *port, in->osize);
	return CPU_NEXT;
}

enum cpu_result hard_in(struct cpu *cpu, const struct insn *in)
{
	u16 port;

	if (access_port(cpu, in, &port) != CPU_NEXT)
		return CPU_FAULT;
	cpu->gpr[REG_EAX] = operand_merge(cpu->gpr[REG_EAX],
					  cpu_env(cpu)->io_read(cpu, port, in->osize), in->osize);
	cpu_stop_event(cpu, STOP_PORT, port, in->osize, STOP_READS);
	return cpu->events ? CPU_JUMP : CPU_NEXT;
}

enum cpu_result hard_out(struct cpu *cpu, const struct insn *in)
{
	u16 port;

	if (access_port(cpu, in, &port) != CPU_NEXT)
		return CPU_FAULT;
	cpu_stop_event(cpu, STOP_PORT, port, in->osize, STOP_WRITES);
	cpu_env(cpu)->io_write(cpu, port, in->osize, cpu->gpr[REG_EAX] & operand_mask(in->osize));
	return cpu->events ? CPU_JUMP : CPU_NEXT;
}

enum cpu_result hard_io_string(struct cpu *cpu, const struct insn *in)
{
	u8 way = in->op == OP_INS ? STOP_READS : STOP_WRITES;
	u16 port;

	if (access_port(cpu, in, &port) != CPU_NEXT)
		return CPU_FAULT;
	if (!in->rep || repeats(cpu, in))
		cpu_stop_event(cpu, STOP_PORT, port, in->osize, way | STOP_STRINGS);
	return strings(cpu, in, port);
}
