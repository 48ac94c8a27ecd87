/* SPDX-License-Identifier: MIT */
/*
 * Exceptions and interrupts of the host in translated code: where the guest was, what it is owed,
 * and where translated code goes on.
 */
#include "emu/jit/recomp_trap.h"
#include "emu/cpu/operand.h"
#include "emu/jit/recomp_stop.h"

#include "emu/block/block.h"
#include "emu/cpu/semantics.h"
#include "emu/trans/fence.h"
#include "kernel/base/count.h"

#define TRAPPED 0x7fffffffu

bool recomp_owns(const struct recomp *r, u64 rip)
{
	return rip - (u64)r->cfg.cache_rx < r->cfg.cache_size;
}

/* The guest instruction that a place in a block's code belongs to. NULL: none. */
static const struct insn_map *insn_at(const struct block *b, u32 offset)
{
	for (unsigned i = b->insns; i-- > 0;)
		if (b->map[i].host <= offset - b->code)
			return &b->map[i];
	return NULL;
}

bool recomp_guest_eip(struct recomp *r, u32 rip, u32 *eip)
{
	u32 offset = rip - (u32)(u64)r->cfg.cache_rx;
	const struct block *b = offset < r->cfg.cache_size ? block_at(r, offset) : NULL;
	const struct insn_map *at = b ? insn_at(b, offset) : NULL;

	if (at)
		*eip = b->eip + at->guest;
	return at;
}

/* The guest is in front of an instruction of the block, in the shadow of the STI before it if there
 * is one. */
static void save_frame(struct cpu *cpu, const struct host_frame *f, const struct block *b,
		       const struct insn_map *at)
{
	for (unsigned g = 0; g < 8; g++)
		cpu->gpr[g] = (u32)f->gpr[g == REG_ESP ? R_GSP : g];
	cpu->eip = b->eip + at->guest;
	cpu->eflags = (cpu->eflags & ~EFLAGS_ARITH) | ((u32)f->rflags & EFLAGS_ARITH);
	if (at->shadow)
		cpu->shadow = CPU_SHADOW_STI;
}

static void redirect(struct recomp *r, struct host_frame *f, enum cpu_result res)
{
	r->pending = res;
	f->rip = r->leave_trap;
	f->gpr[R_A] = TRAPPED;
	f->gpr[R_D] = SLOT_NONE;
	f->rflags &= ~(u64)(EFLAGS_DF | EFLAGS_TF);
}

static bool is_string(u64 rip)
{
	const u8 *p = (const u8 *)rip;

	while (*p == 0x65 || *p == 0x66 || *p == 0x67 || *p == 0xf2 || *p == 0xf3)
		p++;
	return (*p >= 0xa4 && *p <= 0xa7) || (*p >= 0xaa && *p <= 0xaf);
}

/* May the instruction be the same one, by a call of C, as long as it goes on so? A string
 * instruction that met a watched page stays inline: it goes on elsewhere. A breakpoint goes again,
 * and its page is not to stay slow. */
static bool is_slow(struct cpu *cpu, u64 rip, gla_t gla, unsigned access)
{
	const struct softtlb_entry *e;

	if (cpu_debug_watches(cpu, gla))
		return false;
	if (!is_string(rip))
		return true;
	e = cpu_translate(cpu, gla, access);
	return e && (e->calls & BIT(access));
}

static bool page_fault(struct recomp *r, struct host_frame *f, struct block *b,
		       const struct insn_map *at, u32 error, gla_t gla)
{
	struct cpu *cpu = r->cpu;
	unsigned access = (error & 2 ? ACCESS_WRITE : 0) | cpu_user_access(cpu);

	switch (cpu_env(cpu)->page_fault(cpu, gla, access)) {
	case ENV_PF_RESUME:
		COUNT(r->stats.faults_resolved);
		f->gpr[R_POLL] = (u64)cpu->poll;
		return true;
	case ENV_PF_FAULT:
		save_frame(cpu, f, b, at);
		redirect(r, f, CPU_FAULT);
		return true;
	case ENV_PF_SLOW:
		save_frame(cpu, f, b, at);
		if (is_slow(cpu, f->rip, gla, access) &&
		    block_note_slow(r, b->base + b->eip + at->guest))
			block_drop(r, b);
		r->step_slow = true;
		redirect(r, f, CPU_RETRY);
		recomp_stop_retried(r);
		return true;
	}
	return false;
}

/*
 * The load of a check (compare() in trans_check.c: MOV or MOVZX of R11 from an absolute address) in
 * C: a data breakpoint keeps its page from direct reading, and the guest does not read here. False:
 * a fetch would fault.
 */
static bool check_load(struct cpu *cpu, struct host_frame *f, gla_t gla)
{
	const u8 *p = (const u8 *)f->rip;
	u32 value = 0;
	unsigned size = 4;

	while (*p == 0x65 || *p == 0x67 || (*p & 0xf0) == 0x40)
		p++;
	if (*p == 0x0f) /* B6 and B7 are MOVZX of a byte and of a word */
		size = *++p == 0xb6 ? 1 : 2;
	if (cpu_lin_read(cpu, gla, &value, size, ACCESS_EXEC | cpu_user_access(cpu)) != CPU_NEXT)
		return false;
	f->gpr[R11] = value;
	f->rip = (u64)p + 7; /* opcode, ModRM, SIB, disp32 */
	return true;
}

/* In a block's check of its own bytes: RCX is in R10. If they cannot be read the block goes: what
 * translates it anew meets the fetch that faults, exactly. */
static bool check_fault(struct recomp *r, struct host_frame *f, struct block *b,
			const struct insn_map *at, gla_t gla)
{
	struct cpu *cpu = r->cpu;
	enum env_pf pf = cpu_env(cpu)->page_fault(cpu, gla, cpu_user_access(cpu));

	if (pf == ENV_PF_RESUME || (pf == ENV_PF_SLOW && check_load(cpu, f, gla))) {
		COUNT(r->stats.faults_resolved);
		f->gpr[R_POLL] = (u64)cpu->poll;
		return true;
	}
	f->gpr[R_C] = f->gpr[R10];
	save_frame(cpu, f, b, at);
	block_drop(r, b);
	redirect(r, f, CPU_RETRY);
	return true;
}

bool recomp_trap(struct cpu *cpu, struct host_frame *f, u8 vector, u32 error, u64 cr2)
{
	struct recomp *r = cpu->recomp;
	u32 offset = (u32)(f->rip - (u64)r->cfg.cache_rx);
	struct block *b = recomp_owns(r, f->rip) ? block_at(r, offset) : NULL;
	const struct insn_map *at = b ? insn_at(b, offset) : NULL;

	if (!at)
		return false;
	if (vector == VEC_PF && cr2 - r->cfg.membase >= RECOMP_SPACE) { /* the poll */
		r->step_slow = cr2 == (u64)recomp_thread_trap(r) || fence_met(r, cr2);
		if (fence_met(r, cr2) && fence_note(r, b->base + b->eip + at->guest))
			block_drop(r, b);
		save_frame(cpu, f, b, at);
		redirect(r, f, CPU_RETRY);
		recomp_stop_retried(r);
		return true;
	}
	if (vector == VEC_PF && offset - b->code < b->check_len)
		return check_fault(r, f, b, at, (gla_t)(cr2 - r->cfg.membase));
	if (vector == VEC_PF)
		return page_fault(r, f, b, at, error, (gla_t)(cr2 - r->cfg.membase));
	save_frame(cpu, f, b, at);
	if (vector == VEC_MF) {
		redirect(r, f, cpu_fpu_error(cpu));
		return true;
	}
	cpu->fault = (struct cpu_fault){ .vector = vector };
	if (vector == VEC_GP || vector == VEC_SS || vector == VEC_AC)
		cpu->fault.has_error = true;
	redirect(r, f, CPU_FAULT);
	return true;
}

/* Translated code that has R_POLL loaded already, and goes on with it. */
static bool polls(const struct recomp *r, u64 rip)
{
	for (unsigned i = 0; i < r->loads; i++)
		if (rip == r->loaded[i])
			return true;
	return rip >= r->segment_stubs;
}

/*
 * In front of a guest instruction, and at a string instruction, which may be between two of its
 * iterations, the registers are exactly the guest's.
 */
void recomp_interrupted(struct cpu *cpu, struct host_frame *f)
{
	struct recomp *r = cpu->recomp;
	u32 offset = (u32)(f->rip - (u64)r->cfg.cache_rx);
	const struct block *b = block_at(r, offset);
	const struct insn_map *at = b ? insn_at(b, offset) : NULL;

	if (polls(r, f->rip))
		f->gpr[R_POLL] = (u64)cpu->poll;
	if (!at || (at->host != offset - b->code && !is_string(f->rip)))
		return;
	save_frame(cpu, f, b, at);
	redirect(r, f, CPU_RETRY);
	if (at->host != offset - b->code)
		recomp_stop_retried(r);
}
