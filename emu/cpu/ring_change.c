/* SPDX-License-Identifier: MIT */
/*
 * The two ways between a program and its kernel that a system goes thousands of times a second: an
 * event at CPL 3 that enters CPL 0 through a 32-bit gate, and the IRET back.
 *
 * The general code asks the tables some twenty questions. Their answers are kept with the bytes
 * that they were read from: a way is good while the tables are where they were (cpu_tables_moved())
 * and these bytes what they were. On a good way nothing can fail but the stack: it is taken only if
 * it can be written, or read, without looking. Else nothing is done, and deliver.c and iret.c find
 * out what the case is, faults included.
 */
#include "emu/cpu/ring_way.h"

#define FLAT	  (SEG_ATTR_DB | SEG_ATTR_WRITE)
#define FLAT_MASK (FLAT | SEG_ATTR_CODE | SEG_ATTR_DOWN | SEG_ATTR_UNUSABLE)

/* A stack of 32 bits from 0 to 4 GiB. */
static bool flat(const struct cpu_segment *s)
{
	return (s->attr & FLAT_MASK) == FLAT && !s->base && s->limit == 0xffffffff;
}

static u32 word(const u8 *p)
{
	u32 v;

	__builtin_memcpy(&v, p, 4);
	return v;
}

static u8 *put_word(u8 *p, u32 v)
{
	__builtin_memcpy(p, &v, 4);
	return p + 4;
}

bool ring_way_see(struct cpu *cpu, gla_t gla, struct cpu_seen *s)
{
	s->at = cpu_lin_direct(cpu, gla, 8, ACCESS_READ);
	if (s->at)
		__builtin_memcpy(&s->is, s->at, 8);
	return s->at;
}

bool ring_way_see_segment(struct cpu *cpu, const struct cpu_load *last, u16 sel, unsigned cpl,
			  struct cpu_segment *out, struct cpu_seen *seen)
{
	const struct cpu_segment *s = cpu_load_known(cpu, last, sel, cpl);

	if (!(sel & 0xfffc) || (sel & 4) || !s)
		return false;
	*out = *s;
	return ring_way_see(cpu, cpu->gdtr.base + (sel & 0xfff8u), seen);
}

/* --- In */

bool ring_way_see_gate(struct cpu *cpu, u8 vector, struct cpu_way_in *w)
{
	u32 offset = vector * 8u, hi;
	unsigned type;

	if (offset + 7 > cpu->idtr.limit || !ring_way_see(cpu, cpu->idtr.base + offset, &w->gate))
		return false;
	hi = (u32)(w->gate.is >> 32);
	type = DESC_TYPE(hi) & ~1u;
	w->vector = vector;
	w->soft = DESC_DPL(hi) == 3;
	w->size = type == SYS_INT32 ? 4 : 2;
	w->keep_if = hi & BIT(8) ? EFLAGS_IF : 0;
	w->eip = (u32)(w->gate.is & 0xffff) | (w->size == 4 ? hi & 0xffff0000 : 0);
	return (hi & (DESC_P | DESC_S)) == DESC_P && (type == SYS_INT32 || type == SYS_INT16);
}

bool ring_way_see_code(struct cpu *cpu, struct cpu_way_in *w)
{
	return ring_way_see_segment(cpu, &cpu->last_code[0], (u16)(w->gate.is >> 16) & 0xfffc, 0,
				    &w->cs, &w->code) &&
	       !(w->cs.attr & SEG_ATTR_DOWN) && w->eip <= w->cs.limit;
}

static bool see_stack(struct cpu *cpu, struct cpu_way_in *w)
{
	struct cpu_seen stack0;

	if (!(cpu->tr.attr & 8) || cpu->tr.limit < 11 ||
	    !ring_way_see(cpu, cpu->tr.base + 4, &stack0))
		return false;
	w->stack0 = stack0.at;
	return ring_way_see_segment(cpu, &cpu->last_stack[0], (u16)(stack0.is >> 32), 0, &w->ss,
				    &w->stack) &&
	       flat(&w->ss);
}

static RARELY bool see_way_in(struct cpu *cpu, u8 vector, struct cpu_way_in *w)
{
	w->moves = 0;
	if (!ring_way_see_gate(cpu, vector, w) || w->size != 4 || !see_stack(cpu, w) ||
	    !ring_way_see_code(cpu, w))
		return false;
	w->moves = cpu->table_moves;
	return true;
}

/* ESP0, if SS0 is what it was. */
static bool inner_esp(const struct cpu_way_in *w, u32 *esp)
{
	u64 stack0;

	__builtin_memcpy(&stack0, w->stack0, 8);
	*esp = (u32)stack0;
	return (u16)(stack0 >> 32) == w->ss.sel;
}

static inline __attribute__((always_inline)) bool
change_in(struct cpu *cpu, u8 vector, enum cpu_event_kind kind, bool has_error, u32 error)
{
	struct cpu_way_in *w = &cpu->way_in[vector % CPU_WAYS_IN];
	u32 esp, bytes = has_error ? 24 : 20;
	u8 *p;

	if (cpu->cpl != 3 || cpu_v86(cpu))
		return false;
	if (!ring_way_in_is_good(cpu, vector, w) && !see_way_in(cpu, vector, w))
		return false;
	if ((transfer_soft(kind) && !w->soft) || !inner_esp(w, &esp) || esp < bytes)
		return false;
	p = cpu_lin_direct_write(cpu, esp - bytes, bytes, 0);
	if (!p)
		return false;
	if (has_error)
		p = put_word(p, error);
	p = put_word(p, cpu->eip);
	p = put_word(p, cpu->seg[SEG_CS].sel);
	p = put_word(p, transfer_flags_image(cpu, vector, kind));
	p = put_word(p, cpu->gpr[REG_ESP]);
	put_word(p, cpu->seg[SEG_SS].sel);
	cpu->gpr[REG_ESP] = esp - bytes;
	ring_way_enter(cpu, w);
	return true;
}

bool ring_change_in(struct cpu *cpu, u8 vector, enum cpu_event_kind kind, bool has_error, u32 error)
{
	return change_in(cpu, vector, kind, has_error, error);
}

bool cpu_deliver_int(struct cpu *cpu, u8 vector)
{
	return change_in(cpu, vector, EVENT_SOFT_INT, false, 0);
}

/* --- Out */

static RARELY bool see_way_out(struct cpu *cpu, u16 cs, u16 ss, struct cpu_way_out *w)
{
	w->moves = 0;
	if (!ring_way_see_segment(cpu, &cpu->last_code[3], cs, 3, &w->cs, &w->code) ||
	    !ring_way_see_segment(cpu, &cpu->last_stack[3], ss, 3, &w->ss, &w->stack) ||
	    !flat(&w->ss))
		return false;
	w->moves = cpu->table_moves;
	return true;
}

static bool way_out_is_good(const struct cpu *cpu, u16 cs, u16 ss, const struct cpu_way_out *w)
{
	return w->moves == cpu->table_moves && w->cs.sel == cs && w->ss.sel == ss &&
	       ring_way_same(&w->code) && ring_way_same(&w->stack);
}

/* Would CPL 3 keep it? Conforming code it would, too, but that is left to others. */
static bool kept(const struct cpu_segment *s)
{
	return (s->attr & SEG_ATTR_DPL_MASK) == SEG_ATTR_DPL_MASK || (s->attr & SEG_ATTR_UNUSABLE);
}

bool ring_change_out(struct cpu *cpu, unsigned size)
{
	struct cpu_way_out *w = &cpu->way_out;
	const u8 *p;
	u32 flags;
	u16 cs, ss;

	if (cpu->cpl || size != 4 || !cpu_protected(cpu) || (cpu->eflags & EFLAGS_NT) ||
	    !flat(&cpu->seg[SEG_SS]))
		return false;
	p = cpu_lin_direct(cpu, cpu->gpr[REG_ESP], 20, ACCESS_READ);
	if (!p)
		return false;
	cs = (u16)word(p + 4);
	flags = word(p + 8);
	ss = (u16)word(p + 16);
	/* VIF may mean #GP at the target (v86_check_pending()). */
	if ((flags & (EFLAGS_VM | EFLAGS_VIF)) || (cs & 3) != 3)
		return false;
	if (!way_out_is_good(cpu, cs, ss, w) && !see_way_out(cpu, cs, ss, w))
		return false;
	if (word(p) > w->cs.limit)
		return false;
	cpu->nmi_blocked = false;
	cpu_set_eflags(cpu, flags);
	cpu->eip = word(p);
	cpu->gpr[REG_ESP] = word(p + 12);
	cpu->seg[SEG_CS] = w->cs;
	cpu->seg[SEG_SS] = w->ss;
	cpu->cpl = 3;
	if ((cpu->seg[SEG_DS].attr & cpu->seg[SEG_ES].attr & SEG_ATTR_DPL_MASK) !=
		    SEG_ATTR_DPL_MASK ||
	    !kept(&cpu->seg[SEG_FS]) || !kept(&cpu->seg[SEG_GS]))
		transfer_drop_segments(cpu);
	return true;
}
