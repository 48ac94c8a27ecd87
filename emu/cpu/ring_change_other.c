/* SPDX-License-Identifier: MIT */
/*
 * The changes of ring that ring_change.c does not know: from and to V86 mode, through gates of 16
 * bits, on stacks of 16 bits, with an LDT; and IRET within one level. Hosts of DPMI and monitors of
 * V86 mode go these ways for each interrupt of the program that they reflect.
 *
 * In: by a way (struct cpu_way_in) that holds as long as the tables and their bytes do. Out: by the
 * last loads that passed all checks (cpu_load_known()). As there, nothing is done unless all of it
 * can be done without looking.
 */
#include "emu/cpu/operand.h"
#include "emu/cpu/ring_way.h"

#define DATA_MASK (SEG_ATTR_WRITE | SEG_ATTR_CODE | SEG_ATTR_DOWN | SEG_ATTR_UNUSABLE)

/* In words of 2 or 4 bytes. */
static u32 word(const u8 *p, unsigned i, unsigned size)
{
	u32 v = 0;

	if (size == 2)
		__builtin_memcpy(&v, p + i * 2, 2);
	else
		__builtin_memcpy(&v, p + i * 4, 4);
	return v;
}

/* Can a stack that grows downwards hold these bytes at sp, without wrapping around? */
static bool holds(const struct cpu_segment *s, u32 sp, u32 bytes)
{
	return (s->attr & DATA_MASK) == SEG_ATTR_WRITE && sp + (bytes - 1) >= sp &&
	       sp + (bytes - 1) <= MIN(s->limit, cpu_stack_mask_of(s));
}

/* --- In */

static bool see_stack(struct cpu *cpu, struct cpu_way_in *w)
{
	struct cpu_seen stack0;
	u16 sel;

	w->tss32 = cpu->tr.attr & 8;
	if (cpu->tr.limit < 11 || !ring_way_see(cpu, cpu->tr.base + (w->tss32 ? 4 : 2), &stack0))
		return false;
	w->stack0 = stack0.at;
	sel = (u16)(stack0.is >> (w->tss32 ? 32 : 16));
	return ring_way_see_segment(cpu, &cpu->last_stack[0], sel, 0, &w->ss, &w->stack);
}

static RARELY bool see_way_in(struct cpu *cpu, u8 vector, struct cpu_way_in *w)
{
	w->moves = 0;
	if (!ring_way_see_gate(cpu, vector, w) || !see_stack(cpu, w) || !ring_way_see_code(cpu, w))
		return false;
	w->moves = cpu->table_moves;
	return true;
}

/* SP0, if SS0 is what it was. */
static bool inner_esp(const struct cpu_way_in *w, u32 *esp)
{
	*esp = word(w->stack0, 0, w->tss32 ? 4 : 2);
	return (u16)word(w->stack0, 1, w->tss32 ? 4 : 2) == w->ss.sel;
}

/* Would INT n of V86 mode go through the IDT? */
static bool v86_passes(const struct cpu *cpu, enum cpu_event_kind kind)
{
	return kind != EVENT_SOFT_INT ||
	       ((cpu->eflags & EFLAGS_IOPL) == EFLAGS_IOPL && !(cpu->cr4 & CR4_VME));
}

static inline __attribute__((always_inline)) u8 *put_word(u8 *p, u32 value, unsigned size)
{
	cpu_copy(p, &value, size);
	return p + size;
}

/* From p up, where the last word pushed lies. */
static inline __attribute__((always_inline)) void
push_frame(const struct cpu *cpu, u8 *p, unsigned size, u32 flags, const u32 *error)
{
	if (error)
		p = put_word(p, *error, size);
	p = put_word(p, cpu->eip, size);
	p = put_word(p, cpu->seg[SEG_CS].sel, size);
	p = put_word(p, flags, size);
	p = put_word(p, cpu->gpr[REG_ESP], size);
	p = put_word(p, cpu->seg[SEG_SS].sel, size);
	if (!cpu_v86(cpu))
		return;
	p = put_word(p, cpu->seg[SEG_ES].sel, size);
	p = put_word(p, cpu->seg[SEG_DS].sel, size);
	p = put_word(p, cpu->seg[SEG_FS].sel, size);
	put_word(p, cpu->seg[SEG_GS].sel, size);
}

bool ring_change_other_in(struct cpu *cpu, u8 vector, enum cpu_event_kind kind, bool has_error,
			  u32 error)
{
	struct cpu_way_in *w = &cpu->way_other[vector % CPU_WAYS_IN];
	bool v86 = cpu_v86(cpu);
	u32 esp, mask, sp, bytes, flags;
	u8 *p;

	if (cpu->cpl != 3 || (v86 && !v86_passes(cpu, kind)))
		return false;
	if (!ring_way_in_is_good(cpu, vector, w) && !see_way_in(cpu, vector, w))
		return false;
	if ((transfer_soft(kind) && !w->soft) || !inner_esp(w, &esp))
		return false;
	bytes = ((v86 ? 9u : 5u) + has_error) * w->size;
	mask = cpu_stack_mask_of(&w->ss);
	sp = (esp - bytes) & mask;
	if (!holds(&w->ss, sp, bytes))
		return false;
	p = cpu_lin_direct_write(cpu, w->ss.base + sp, bytes, 0);
	if (!p)
		return false;
	flags = transfer_flags_image(cpu, vector, kind);
	if (w->size == 4)
		push_frame(cpu, p, 4, flags, has_error ? &error : NULL);
	else
		push_frame(cpu, p, 2, flags, has_error ? &error : NULL);
	if (v86)
		v86_drop_segments(cpu);
	cpu->gpr[REG_ESP] = (esp & ~mask) | sp;
	ring_way_enter(cpu, w);
	return true;
}

/* --- Out */

static bool return_to_v86(struct cpu *cpu, u32 sp)
{
	static const u8 segment[] = { SEG_CS, SEG_SS, SEG_ES, SEG_DS, SEG_FS, SEG_GS };
	static const u8 at[] = { 1, 4, 5, 6, 7, 8 }; /* EIP CS EFLAGS ESP SS ES DS FS GS */
	const struct cpu_segment *ss = &cpu->seg[SEG_SS];
	const u8 *p = NULL;

	if (holds(ss, sp, 36))
		p = cpu_lin_direct(cpu, ss->base + sp, 36, ACCESS_READ);
	if (!p || word(p, 0, 4) > 0xffff)
		return false;
	cpu->nmi_blocked = false;
	cpu_set_eflags(cpu, word(p, 2, 4));
#pragma GCC unroll 6
	for (unsigned i = 0; i < ARRAY_SIZE(segment); i++)
		cpu_set_v86_segment(cpu, segment[i], (u16)word(p, at[i], 4));
	cpu->gpr[REG_ESP] = word(p, 3, 4);
	cpu->eip = word(p, 0, 4);
	cpu->cpl = 3;
	return true;
}

static const struct cpu_segment *known(struct cpu *cpu, const struct cpu_load last[4], u16 sel)
{
	return sel & 0xfffc ? cpu_load_known(cpu, &last[sel & 3], sel, sel & 3) : NULL;
}

/* p: of so many words of this size. */
static bool return_protected(struct cpu *cpu, const u8 *p, unsigned words, unsigned size)
{
	u16 cs = (u16)word(p, 1, size);
	const struct cpu_segment *code = known(cpu, cpu->last_code, cs), *stack = NULL;
	u32 eip = word(p, 0, size);

	if (!code || eip > code->limit)
		return false;
	if (words == 5) {
		u16 ss = (u16)word(p, 4, size);

		stack = (ss ^ cs) & 3 ? NULL : known(cpu, cpu->last_stack, ss);
		if (!stack)
			return false;
	}
	cpu->nmi_blocked = false;
	transfer_set_flags(cpu, word(p, 2, size), size, cpu->cpl);
	cpu->eip = eip;
	cpu->seg[SEG_CS] = *code;
	if (!stack) {
		transfer_set_sp(cpu, cpu->gpr[REG_ESP] + 3 * size);
		return true;
	}
	cpu->seg[SEG_SS] = *stack;
	transfer_set_sp(cpu, word(p, 3, size));
	cpu->cpl = cs & 3;
	transfer_drop_segments(cpu);
	return true;
}

bool ring_change_other_out(struct cpu *cpu, unsigned size)
{
	const struct cpu_segment *ss = &cpu->seg[SEG_SS];
	u32 sp = cpu->gpr[REG_ESP] & cpu_stack_mask_of(ss), flags;
	unsigned words = 3, rpl;
	const u8 *p;

	if (!cpu_protected(cpu) || cpu_v86(cpu) || (cpu->eflags & EFLAGS_NT) ||
	    cpu_align_checked(cpu) || !holds(ss, sp, 3 * size))
		return false;
	p = cpu_lin_direct(cpu, ss->base + sp, 3 * size, cpu_user_access(cpu));
	if (!p)
		return false;
	flags = word(p, 2, size);
	rpl = word(p, 1, size) & 3;
	/* VIP may mean #GP at the target (v86_check_pending()). */
	if ((flags | cpu->eflags) & EFLAGS_VIP)
		return false;
	if ((flags & EFLAGS_VM) && cpu->cpl == 0)
		return return_to_v86(cpu, sp);
	if (rpl < cpu->cpl)
		return false;
	if (rpl > cpu->cpl) {
		words = 5;
		p = holds(ss, sp, 5 * size)
			    ? cpu_lin_direct(cpu, ss->base + sp, 5 * size, cpu_user_access(cpu))
			    : NULL;
	}
	return p && return_protected(cpu, p, words, size);
}
