/* SPDX-License-Identifier: MIT */
/*
 * AVX instructions that touch memory element by element: gathers, whose addresses are in a vector
 * register, and masked moves where translated code cannot do them. An element that the mask leaves
 * out is not accessed, and does not fault (SDM 2C, VMASKMOV, VPGATHER).
 */
#include "emu/cpu/hard_ops.h"
#include "emu/cpu/operand.h"
#include "kernel/base/string.h"

static u8 *lane(struct cpu *cpu, unsigned reg, unsigned byte)
{
	u8 *image = cpu->fpu.image;

	return byte < 16 ? image + XSTATE_XMM + 16 * reg + byte
			 : image + XSTATE_AVX + 16 * reg + (byte - 16);
}

static void begin(struct cpu *cpu)
{
	cpu_env(cpu)->fpu_save(cpu);
	hard_fpu_fill_avx(cpu->fpu.image);
}

static void end(struct cpu *cpu)
{
	cpu->fpu.image[XSTATE_HEADER] |= 3 | XSTATE_HAS_AVX;
	cpu_env(cpu)->fpu_load(cpu);
}

static void clear_from(struct cpu *cpu, unsigned reg, unsigned byte)
{
	for (; byte < 32; byte += 4)
		memset(lane(cpu, reg, byte), 0, 4);
}

struct vector {
	unsigned size, n; /* of an element, in bytes; elements */
	unsigned mask;	  /* register */
};

static struct vector vector_of(const struct insn *in)
{
	struct vector v = { .size = in->imm2 & VECTOR_64 ? 8 : 4, .mask = in->imm & 7 };
	unsigned wide = in->imm2 & (VECTOR_64 | VECTOR_INDEX_64) ? 8 : 4;

	v.n = (in->imm2 & VECTOR_256 ? 32 : 16) / wide;
	return v;
}

static bool masked(struct cpu *cpu, const struct vector *v, unsigned i)
{
	return *lane(cpu, v->mask, i * v->size + v->size - 1) & 0x80;
}

/* The lowest element first; what was loaded before one that faults is not loaded again. */
enum cpu_result hard_gather(struct cpu *cpu, const struct insn *in)
{
	struct vector v = vector_of(in);
	gva_t base = insn_ea(cpu, in);
	enum cpu_result res = CPU_NEXT;
	unsigned index_size = in->imm2 & VECTOR_INDEX_64 ? 8 : 4;

	if (in->reg == in->rm || in->reg == v.mask || in->rm == v.mask)
		return cpu_raise_noerr(cpu, VEC_UD);
	begin(cpu);
	for (unsigned i = 0; i < v.n; i++) { /* the whole element, as it is once it is loaded */
		u8 sign = masked(cpu, &v, i) ? 0xff : 0;

		memset(lane(cpu, v.mask, i * v.size), sign, v.size);
	}
	clear_from(cpu, v.mask, v.n * v.size);
	clear_from(cpu, in->reg, v.n * v.size);
	for (unsigned i = 0; i < v.n && res == CPU_NEXT; i++) {
		u32 index;
		u8 value[8];

		if (!masked(cpu, &v, i))
			continue;
		memcpy(&index, lane(cpu, in->rm, i * index_size), 4);
		res = cpu_mem_read(cpu, in->seg, base + index * in->scale, value, v.size);
		if (res != CPU_NEXT)
			break;
		memcpy(lane(cpu, in->reg, i * v.size), value, v.size);
		memset(lane(cpu, v.mask, i * v.size), 0, v.size);
	}
	end(cpu);
	return res;
}

/* Reads or probes what the mask names. */
static enum cpu_result touch(struct cpu *cpu, const struct insn *in, const struct vector *v,
			     u8 *value)
{
	unsigned user = cpu_user_access(cpu);
	gva_t ea = insn_ea(cpu, in);
	gla_t gla;

	for (unsigned i = 0; i < v->n; i++, ea += v->size) {
		if (!masked(cpu, v, i))
			continue;
		if (!(in->imm2 & VECTOR_STORE)) {
			if (cpu_mem_read(cpu, in->seg, ea, value + i * v->size, v->size) !=
			    CPU_NEXT)
				return CPU_FAULT;
		} else if (cpu_seg_check(cpu, in->seg, ea, v->size, ACCESS_WRITE, &gla) !=
				   CPU_NEXT ||
			   cpu_lin_probe_write(cpu, gla, v->size, user) != CPU_NEXT) {
			return CPU_FAULT;
		}
	}
	return CPU_NEXT;
}

enum cpu_result hard_masked_move(struct cpu *cpu, const struct insn *in)
{
	struct vector v = vector_of(in);
	gva_t ea = insn_ea(cpu, in);
	u8 value[32] = { 0 };

	begin(cpu);
	if (touch(cpu, in, &v, value) != CPU_NEXT)
		return CPU_FAULT;
	for (unsigned i = 0; i < v.n; i++) {
		u8 *element = lane(cpu, in->reg, i * v.size);

		if (!(in->imm2 & VECTOR_STORE))
			memcpy(element, value + i * v.size, v.size);
		else if (masked(cpu, &v, i) &&
			 cpu_mem_write(cpu, in->seg, ea + i * v.size, element, v.size) != CPU_NEXT)
			return CPU_FAULT;
	}
	if (in->imm2 & VECTOR_STORE)
		return CPU_NEXT;
	clear_from(cpu, in->reg, v.n * v.size);
	end(cpu);
	return CPU_NEXT;
}
