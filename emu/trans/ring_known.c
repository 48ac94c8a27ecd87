/* SPDX-License-Identifier: MIT */
/*
 * What C did of a change of ring, noted for the stubs that do it again. Nothing is noted while a
 * debugger waits for anything, nor with paging.
 */
#include "emu/cpu/operand.h"
#include "emu/trans/stub_ring.h"
#include "kernel/base/string.h"

void stub_ring_forget(struct recomp *r)
{
	if (!r->ring_noted)
		return;
	r->ring_noted = false;
	memset(r->ring_in, 0, sizeof(r->ring_in));
	memset(r->ring_out, 0, sizeof(r->ring_out));
}

static bool may_note(const struct recomp *r, const struct ring_before *was)
{
	const struct cpu *cpu = r->cpu;

	return was->from != TAG_NEVER && cpu->lookup_tag == r->tag && !cpu_paging(cpu) &&
	       !cpu->watch.codes && !cpu->stops.kinds && !cpu->stops.vectors && !cpu->shadow;
}

/* What is the same for both ways. */
static void begin(struct recomp *r, struct ring_known *k, u64 from)
{
	const struct cpu *cpu = r->cpu;

	*k = (struct ring_known){ .from = from,
				  .to = r->tag,
				  .key = r->mode,
				  .cs = cpu->seg[SEG_CS],
				  .ss = cpu->seg[SEG_SS],
				  .thread_base = { cpu->thread_base[0], cpu->thread_base[1] } };
	r->ring_noted = true;
}

/* Where the processor finds the stack of CPL 0, and where its frame now is. False: not to be
 * reached without looking. */
static bool see_frame(struct cpu *cpu, const struct cpu_way_in *w, struct ring_known *k, u32 bytes)
{
	u32 sp = cpu->gpr[REG_ESP] & cpu_stack_mask_of(&w->ss);

	k->stack0.at = cpu_lin_direct(cpu, cpu->tr.base + (w->tss32 ? 4 : 2), 8, ACCESS_READ);
	k->frame = cpu_lin_direct_write(cpu, w->ss.base + sp, bytes, 0);
	if (!k->stack0.at || !k->frame)
		return false;
	__builtin_memcpy(&k->stack0.is, k->stack0.at, 8);
	k->watches_at = &cpu->mem->watches_begun;
	k->watches = cpu->tlb.watches;
	return true;
}

void stub_ring_note_in(struct recomp *r, const struct ring_before *was, u8 vector, bool error)
{
	struct cpu *cpu = r->cpu;
	const struct cpu_way_in *w = &cpu->way_other[vector % CPU_WAYS_IN];
	struct ring_known *k = &r->ring_in[vector % RING_KNOWN];
	u32 words = (was->v86 ? 9u : 5u) + error;

	if (!may_note(r, was) || w->moves != cpu->table_moves || w->vector != vector)
		return;
	begin(r, k, was->from + vector);
	if (!see_frame(cpu, w, k, words * w->size)) {
		k->from = 0;
		return;
	}
	k->gate = w->gate;
	k->code = w->code;
	k->stack = w->stack;
	k->eip = w->eip;
	k->esp = cpu->gpr[REG_ESP];
	k->if_mask = w->keep_if;
	k->tail = r->ring_tail_in[stub_ring_kind_in(w->size, was->v86, error)];
	k->moves = cpu->table_moves;
}

/* The bytes of the descriptor of a segment of this level that was loaded last. */
static bool see_descriptor(struct cpu *cpu, const struct cpu_load last[4], u16 sel,
			   struct cpu_seen *seen)
{
	u32 table = sel & 4 ? cpu->ldtr.base : cpu->gdtr.base;

	if (!cpu_load_known(cpu, &last[sel & 3], sel, sel & 3))
		return false;
	seen->at = cpu_lin_direct(cpu, table + (sel & 0xfff8u), 8, ACCESS_READ);
	seen->is = last[sel & 3].desc;
	return seen->at;
}

static bool see_segments(struct cpu *cpu, struct ring_known *k, enum ring_kind_out kind)
{
	static const u8 data[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };

	if (kind == RING_V86)
		return true;
	for (unsigned i = 0; i < sizeof(data); i++)
		k->attr[i] = cpu->seg[data[i]].attr;
	k->ss_sel = cpu->seg[SEG_SS].sel;
	return see_descriptor(cpu, cpu->last_code, cpu->seg[SEG_CS].sel, &k->code) &&
	       (kind == RING_SAME ||
		see_descriptor(cpu, cpu->last_stack, cpu->seg[SEG_SS].sel, &k->stack));
}

/* Before and after. False: translated code would have to change them. */
static bool see_flags(struct cpu *cpu, const struct ring_before *was, struct ring_known *k,
		      unsigned size, bool v86)
{
	u32 quiet = cpu->eflags & QUIET_FLAGS;

	k->quiet = cpu->quiet_flags; /* C does not change it */
	k->image = quiet & RING_FLAGS_FIXED & operand_mask(size);
	k->quiet_to[0] = quiet;
	k->quiet_to[1] = quiet | EFLAGS_OF;
	k->quiet_df[0] = cpu->quiet_flags_df[0];
	k->quiet_df[1] = cpu->quiet_flags_df[1];
	k->eflags = cpu->eflags;
	k->if_mask = was->cpl <= was->iopl >> 12 ? EFLAGS_IF : 0;
	if ((quiet ^ k->quiet) & EFLAGS_DF ||
	    (quiet | k->quiet) & (EFLAGS_NT | EFLAGS_TF | EFLAGS_VIF | EFLAGS_VIP | EFLAGS_AC))
		return false;
	return v86 || quiet == k->quiet;
}

void stub_ring_note_out(struct recomp *r, const struct ring_before *was, unsigned size)
{
	struct cpu *cpu = r->cpu;
	bool v86 = cpu_v86(cpu);
	u16 sel = cpu->seg[SEG_CS].sel;
	u32 at = (sel >> RING_SELECTOR_SHIFT ^ was->leave) & (RING_KNOWN - 1);
	struct ring_known *k = &r->ring_out[at];
	enum ring_kind_out kind = v86 ? RING_V86 : cpu->cpl == was->cpl ? RING_SAME : RING_OUTER;
	u32 keep = v86 ? 0 : ~cpu_stack_mask(cpu);

	if (!may_note(r, was) || was->leave >= RING_LEAVES || (was->cpl != 0 && was->cpl != 3) ||
	    (kind == RING_OUTER && cpu->cpl != 3))
		return;
	begin(r, k, was->from + sel + (u32)RING_SIZE(size));
	if (!see_segments(cpu, k, kind) || !see_flags(cpu, was, k, size, v86)) {
		k->from = 0;
		return;
	}
	k->esp_kept = keep;
	k->esp_mask = ~keep;
	k->tail = r->ring_tail_out[was->leave][kind];
	k->moves = cpu->table_moves;
}
