/* SPDX-License-Identifier: MIT */
/*
 * Loads of DS, ES, FS and GS without C: a kernel does half a dozen in each system call, always the
 * same ones. What one asks of the processor is remembered (struct cpu_again), and holds as long as
 * the descriptor's bytes are what they were: at CPL 0, of a segment whose class is the one that
 * the block was translated for, or, for FS and GS, null.
 *
 * A stub is called as the C stubs are, with the selector in R8; all else goes on in the stub of
 * stub_reload.c, or in call_segment.
 */
#include "emu/trans/stub_segment.h"

#include "emu/trans/emit_insn.h"
#include "emu/cpu/semantics.h"

struct maker {
	struct emit *e;
	enum cpu_seg seg;
	struct emit_label slow; /* the long way */
};

enum seg_class stub_segment_class(unsigned seg)
{
	return seg >= SEG_FS ? CLASS_BASED : CLASS_FLAT;
}

void stub_segment_note(struct recomp *r, enum cpu_seg seg)
{
	struct cpu *cpu = r->cpu;
	const struct cpu_segment *s = &cpu->seg[seg];
	const struct cpu_load *last = &cpu->last_load[seg];
	const u8 *at;

	if (cpu->cpl || last->cpl || s->sel < 4 || (s->sel & 4) || !cpu_same_segment(s, &last->s) ||
	    (r->mode >> KEY_SEG(seg) & 3) != stub_segment_class(seg))
		return;
	at = cpu_lin_direct(cpu, cpu->gdtr.base + (s->sel & 0xfff8u), 8, ACCESS_READ);
	if (at)
		cpu->again[seg] = (struct cpu_again){
			.sel = s->sel,
			.s = *s,
			.desc = last->desc,
			.at = at,
			.thread_base = seg >= SEG_FS ? cpu->thread_base[seg - SEG_FS] : NULL
		};
}

static struct hmem again(const struct maker *m, size_t offset)
{
	return cpu_field(offsetof(struct cpu, again) + m->seg * sizeof(struct cpu_again) + offset);
}
#define AGAIN(m, f) again((m), offsetof(struct cpu_again, f))

static struct hmem segment(const struct maker *m, size_t array, size_t offset)
{
	return cpu_field(array + m->seg * sizeof(struct cpu_segment) + offset);
}

static struct hmem thread_base(const struct maker *m)
{
	return cpu_field(offsetof(struct cpu, thread_base) + (m->seg - SEG_FS) * sizeof(u32 *));
}

static void slow_unless_equal(struct maker *m)
{
	emit_jcc_near(m->e, CC_NZ, &m->slow);
}

/* The segment in R10 and R11: into the register, and into what the mode was computed from. */
static void store_segment(struct maker *m)
{
	size_t arrays[] = { offsetof(struct cpu, seg), offsetof(struct cpu, mode_seg) };

	for (unsigned i = 0; i < ARRAY_SIZE(arrays); i++) {
		emit_store64(m->e, R10, segment(m, arrays[i], 0));
		emit_store32(m->e, R11, segment(m, arrays[i], 8));
	}
}

/* Null, if R8 is: jumps to *done. */
static void load_null(struct maker *m, const struct recomp *r, struct emit_label *done)
{
	const struct cpu_segment null = { .attr = SEG_ATTR_UNUSABLE };
	struct emit *e = m->e;
	struct emit_label other = { 0 };
	u64 low;

	_Static_assert(sizeof(null) == 12, "as loaded below");
	__builtin_memcpy(&low, &null, 8);
	emit_test(e, R8, R8);
	emit_jcc_near(e, CC_NZ, &other);
	emit_mov_imm64(e, R10, low);
	emit_mov_imm32(e, R11, null.limit);
	store_segment(m);
	emit_mov_imm64(e, R10, (u64)recomp_thread_trap(r));
	emit_store64(e, R10, thread_base(m));
	emit_jmp_near(e, done);
	emit_label(e, &other);
}

static void load_known(struct maker *m)
{
	struct emit *e = m->e;

	emit_alu_load(e, ALU_CMP, R8, AGAIN(m, sel));
	slow_unless_equal(m);
	emit_load64(e, R10, AGAIN(m, at));
	emit_load64(e, R10, (struct hmem){ .base = R10, .index = -1, .scale = 1 });
	emit_alu64_load(e, ALU_CMP, R10, AGAIN(m, desc));
	slow_unless_equal(m);
	emit_load64(e, R10, AGAIN(m, s));
	emit_load32(e, R11, AGAIN(m, s.limit));
	store_segment(m);
	if (m->seg >= SEG_FS) {
		emit_load64(e, R10, AGAIN(m, thread_base));
		emit_store64(e, R10, thread_base(m));
	}
}

static void save_flags(struct emit *e)
{
	emit_push(e, R_A);
	emit_lahf(e);
	emit_setcc(e, CC_O, R_A);
}

static void restore_flags(struct emit *e)
{
	emit_flags_from_ax(e);
	emit_pop(e, R_A);
}

u64 stub_segment_emit(struct emit *e, const struct recomp *r, enum cpu_seg seg, bool pop)
{
	struct maker m = { .e = e, .seg = seg };
	u64 at = emit_here(e);
	struct emit_label null = { 0 };

	save_flags(e);
	emit_alu8_mem_imm(e, ALU_CMP, CPU_FIELD(cpl), 0);
	slow_unless_equal(&m);
	if (seg >= SEG_FS)
		load_null(&m, r, &null);
	load_known(&m);
	emit_label(e, &null);
	restore_flags(e);
	if (pop)
		emit_lea(e, false, R_GSP, GSP_AT(4));
	emit_ret(e);
	emit_label(e, &m.slow);
	restore_flags(e);
	emit_mov_imm32(e, R11, pop ? 4 : 0);
	emit_jmp(e, seg < SEG_FS ? r->reload[seg == SEG_DS] : r->call_segment);
	return at;
}
