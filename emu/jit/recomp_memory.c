/* SPDX-License-Identifier: MIT */
/*
 * Memory operands of translated code that must go through the accessors.
 */
#include "emu/jit/recomp_memory.h"

#include "emu/block/block.h"
#include "emu/cpu/string_span.h"
#include "emu/cpu/operand.h"
#include "emu/cpu/semantics.h"
#include "emu/dev/strict.h"
#include "emu/jit/recomp_slow.h"
#include "kernel/base/count.h"

/* The address of a memory operand; bit strings move it by the register's bit number (SDM 2, BT). */
static gva_t operand_ea(const struct cpu *cpu, const struct site *s)
{
	const struct insn *in = &s->insn;
	gva_t ea = insn_ea(cpu, in);
	u32 bit = cpu->gpr[in->reg & 7];

	if (!s->bits)
		return ea;
	ea += in->osize == 2 ? (u32)((s16)bit >> 4) * 2 : (u32)((s32)bit >> 5) * 4;
	return in->asize == 2 ? (u16)ea : ea;
}

/* Could translated code have reached the operand by itself? */
static bool is_plain(struct cpu *cpu, const struct site *s, gla_t gla, unsigned user)
{
	return s->writes ? cpu_lin_direct_write(cpu, gla, s->mem_size, user) != NULL
			 : cpu_lin_direct(cpu, gla, s->mem_size, user) != NULL;
}

/* Translated code has looked at the segments of operands whose linear address it has made. */
static enum cpu_result operand_gla(struct cpu *cpu, const struct site *s, gla_t *gla)
{
	*gla = cpu->slow_gla;
	if (s->linear)
		return CPU_NEXT;
	return cpu_seg_check(cpu, s->insn.seg, operand_ea(cpu, s), s->mem_size,
			     s->writes ? ACCESS_WRITE : ACCESS_READ, gla);
}

static enum cpu_result slow_read(struct recomp *r, const struct site *s)
{
	struct cpu *cpu = r->cpu;
	unsigned user = cpu_user_access(cpu);
	gla_t gla;
	enum cpu_result res = operand_gla(cpu, s, &gla);

	COUNT(r->stats.slow_accesses);
	if (res == CPU_NEXT && (gla & s->align))
		res = cpu_raise_for(cpu, VEC_GP, 0, STRICT_sse_align);
	if (res == CPU_NEXT)
		res = cpu_align_check(cpu, gla, s->mem_size);
	/* The #DB comes behind the whole instruction, which is executed again, alone. */
	if (res == CPU_NEXT && cpu->watch.datas && !(r->edge_key & KEY_SLOW) &&
	    cpu_debug_data_meets(cpu, gla, s->mem_size, s->writes)) {
		r->step_slow = true;
		return CPU_RETRY;
	}
	if (res == CPU_NEXT && s->writes)
		res = cpu_lin_probe_write(cpu, gla, s->mem_size, user);
	if (res == CPU_NEXT && !(r->edge_key & KEY_SLOW) &&
	    block_note_plain(r, cpu->seg[SEG_CS].base + s->eip, is_plain(cpu, s, gla, user)))
		return CPU_RETRY;
	if (res == CPU_NEXT && s->reads)
		res = cpu_lin_read(cpu, gla, cpu->scratch, s->mem_size, user);
	cpu->slow_gla = gla;
	return res;
}

/*
 * The operand of an instruction that has called devices is plain memory this time: too short for an
 * account of its own. False: the long way.
 */
static u8 *plain_operand(struct recomp *r, const struct site *s)
{
	struct cpu *cpu = r->cpu;
	unsigned user = cpu_user_access(cpu);
	gla_t gla = cpu->slow_gla, at = cpu->seg[SEG_CS].base + s->eip;
	u8 *p;

	if (!s->linear || r->device_wrote || cpu->watch.datas || cpu_align_checked(cpu))
		return NULL;
	p = s->writes ? cpu_lin_direct_write(cpu, gla, s->mem_size, user)
		      : cpu_lin_direct(cpu, gla, s->mem_size, user);
	return p && !block_note_plain(r, at, recomp_no_device_called(r)) ? p : NULL;
}

static __attribute__((noinline)) const struct softtlb_entry *
described(struct recomp *r, const struct site *s, const struct softtlb_entry *e)
{
	struct cpu *cpu = r->cpu;
	unsigned access = cpu_user_access(cpu) | ACCESS_WRITE;
	u32 offset = cpu->slow_gla & (PAGE_SIZE - 1);

	if (e->page != cpu->slow_gla - offset || !(e->slow & BIT(access)) ||
	    offset + s->mem_size > PAGE_SIZE)
		return NULL;
	if (!s->linear || !s->writes || r->device_wrote || r->code_changed || r->flush_wanted ||
	    cpu->watch.datas || cpu_align_checked(cpu))
		return NULL;
	if (gpmem_watches(cpu->mem, e->gpa) != GPMEM_WATCH_DESC)
		return NULL;
	block_note_plain(r, cpu->seg[SEG_CS].base + s->eip, false);
	return e;
}

/*
 * The operand is written on a page that has descriptors: kernels keep a processor's GDT and TSS
 * beside its counters. Its watcher only notes which bytes, and calls nothing: too short for an
 * account of its own. NULL: the long way.
 */
static inline const struct softtlb_entry *beside_descriptors(struct recomp *r, const struct site *s)
{
	const struct softtlb_entry *e = softtlb_entry(r->cpu, r->cpu->slow_gla);

	return e->desc ? described(r, s, e) : NULL;
}

static inline const struct site *site_of(const struct recomp *r, u32 offset)
{
	return (const struct site *)(const void *)(r->arena + offset);
}

enum cpu_result recomp_slow_read(struct cpu *cpu, u32 site)
{
	const struct site *s = site_of(cpu->recomp, site);
	const u8 *p = plain_operand(cpu->recomp, s);
	const struct softtlb_entry *e = p ? NULL : beside_descriptors(cpu->recomp, s);

	if (e)
		p = e->host + (cpu->slow_gla & (PAGE_SIZE - 1));
	if (!p)
		return recomp_in_c(cpu, site, slow_read);
	cpu_copy(cpu->scratch, p, s->mem_size);
	return CPU_NEXT;
}

static enum cpu_result written(struct recomp *r, const struct site *s)
{
	if (!r->code_changed && !r->flush_wanted)
		return CPU_NEXT;
	if (s->insn.op == OP_STOS || s->insn.op == OP_MOVS)
		cpu_string_advance(r->cpu, &s->insn);
	r->cpu->eip += s->insn.len;
	return CPU_JUMP;
}

static enum cpu_result slow_write(struct recomp *r, const struct site *s)
{
	struct cpu *cpu = r->cpu;
	enum cpu_result res = CPU_NEXT;

	if (!r->device_wrote)
		res = cpu_lin_write(cpu, cpu->slow_gla, cpu->scratch, s->mem_size,
				    cpu_user_access(cpu));
	r->device_wrote = false;
	return res == CPU_NEXT ? written(r, s) : res;
}

/* The operand of a MOV or a string instruction, or what was read before. */
static bool write_plain(struct cpu *cpu, u32 site)
{
	const struct site *s = site_of(cpu->recomp, site);
	u8 *p = plain_operand(cpu->recomp, s);
	const struct softtlb_entry *e = p ? NULL : beside_descriptors(cpu->recomp, s);

	if (p)
		cpu_copy(p, cpu->scratch, s->mem_size);
	if (!e)
		return p;
	COUNT(cpu->recomp->stats.slow_accesses);
	gpmem_write(cpu->mem, e->gpa + (cpu->slow_gla & (PAGE_SIZE - 1)), cpu->scratch,
		    s->mem_size);
	return true;
}

enum cpu_result recomp_slow_write(struct cpu *cpu, u32 site)
{
	return write_plain(cpu, site) ? CPU_NEXT : recomp_in_c(cpu, site, slow_write);
}

/* A store of what is known before: both in one. */
static enum cpu_result slow_store(struct recomp *r, const struct site *s)
{
	enum cpu_result res = r->device_wrote ? CPU_NEXT : slow_read(r, s);

	return res == CPU_NEXT ? slow_write(r, s) : res;
}

enum cpu_result recomp_slow_store(struct cpu *cpu, u32 site)
{
	return write_plain(cpu, site) ? CPU_NEXT : recomp_in_c(cpu, site, slow_store);
}
