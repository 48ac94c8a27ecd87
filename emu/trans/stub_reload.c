/* SPDX-License-Identifier: MIT */
/*
 * Loads of DS and ES of protected mode that were done before, whatever they do to the mode: hosts
 * of DPMI and monitors of V86 mode find null there when they are entered, and load their own.
 *
 * What a load did is remembered (struct cpu_reload) by three bits of the selector. It does the same
 * as long as the tables are where they were, the descriptor's bytes are what they were, and the
 * level and the tag are those that it was done under. The tag stands for mode key, mapping and CS.
 * So the tag that came of it is known, too. An event makes lookup_tag a number that nothing has.
 *
 * A stub is called as the C stubs are, with the selector in R8 and what ESP is to move by in R11;
 * all else goes on in call_segment.
 */
#include "emu/trans/stub_reload.h"

#include "emu/cpu/semantics.h"
#include "emu/trans/emit_insn.h"
#include "emu/trans/trans.h"

#define RELOAD(f)       \
	((struct hmem){ \
		.base = R_C, .index = -1, .scale = 1, .disp = offsetof(struct cpu_reload, f) })

static struct cpu_reload *reload_of(struct cpu *cpu, enum cpu_seg seg, u16 sel)
{
	return &cpu->reload[seg == SEG_DS][sel >> 3 & (CPU_RELOADS - 1)];
}

void stub_reload_note(struct recomp *r, enum cpu_seg seg, u64 from)
{
	struct cpu *cpu = r->cpu;
	const struct cpu_segment *s = &cpu->seg[seg];
	const struct cpu_load *last = &cpu->last_load[seg];
	struct cpu_reload *l = reload_of(cpu, seg, s->sel);
	const struct cpu_segment *table = &cpu->ldtr;
	bool null = s->sel < 4;

	if ((seg != SEG_DS && seg != SEG_ES) || from == TAG_NEVER || cpu->lookup_tag != r->tag ||
	    (!null && (last->cpl != cpu->cpl || !cpu_same_segment(s, &last->s))))
		return;
	*l = (struct cpu_reload){ .sel = s->sel,
				  .cpl = cpu->cpl,
				  .s = *s,
				  .key = r->mode,
				  .desc = null ? 0 : last->desc,
				  .at = (const u8 *)&l->desc,
				  .moves = cpu->table_moves,
				  .from = from,
				  .to = r->tag };
	if (!null)
		l->at = cpu_lin_direct(
			cpu, (s->sel & 4 ? table->base : cpu->gdtr.base) + (s->sel & 0xfff8u), 8,
			ACCESS_READ);
	if (!l->at)
		l->moves = 0; /* never table_moves */
}

/* RCX: the selector's struct cpu_reload. */
static void find(struct emit *e, enum cpu_seg seg)
{
	_Static_assert(sizeof(struct cpu_reload) == 64 && CPU_RELOADS == 8, "as it is computed");
	emit_mov(e, R_C, R8);
	emit_shift(e, SHIFT_RIGHT, R_C, 3);
	emit_alu_imm8(e, ALU_AND, R_C, CPU_RELOADS - 1);
	emit_shift(e, SHIFT_LEFT, R_C, 6);
	emit_lea(e, true, R_C,
		 (struct hmem){
			 .base = R_CPU,
			 .index = R_C,
			 .scale = 1,
			 .disp = (s32)(offsetof(struct cpu, reload) +
				       (seg == SEG_DS) * sizeof(((struct cpu *)0)->reload[0])) });
}

static void compare64(struct emit *e, struct hmem a, struct hmem b, struct emit_label *differ)
{
	emit_load64(e, R10, a);
	emit_alu64_load(e, ALU_CMP, R10, b);
	emit_jcc_near(e, CC_NZ, differ);
}

static void look(struct emit *e, struct emit_label *slow)
{
	const struct hmem at_r10 = { .base = R10, .index = -1, .scale = 1 };

	emit_alu_load(e, ALU_CMP, R8, RELOAD(sel));
	emit_jcc_near(e, CC_NZ, slow);
	emit_load_zx(e, NULL, 1, R10, CPU_FIELD(cpl));
	emit_alu_load(e, ALU_CMP, R10, RELOAD(cpl));
	emit_jcc_near(e, CC_NZ, slow);
	compare64(e, RELOAD(moves), CPU_FIELD(table_moves), slow);
	compare64(e, RELOAD(from), CPU_FIELD(lookup_tag), slow);
	emit_load64(e, R10, RELOAD(at));
	compare64(e, at_r10, RELOAD(desc), slow);
}

/* Into the register, and into what the mode was computed from. */
static void load(struct emit *e, enum cpu_seg seg)
{
	size_t to[] = { offsetof(struct cpu, seg), offsetof(struct cpu, mode_seg) };

	for (unsigned i = 0; i < ARRAY_SIZE(to); i++) {
		size_t at = to[i] + seg * sizeof(struct cpu_segment);

		emit_load64(e, R10, RELOAD(s));
		emit_store64(e, R10, cpu_field(at));
		emit_load32(e, R10, RELOAD(s.limit));
		emit_store32(e, R10, cpu_field(at + offsetof(struct cpu_segment, limit)));
	}
	emit_lea(e, false, R_GSP, (struct hmem){ .base = R_GSP, .index = R11, .scale = 1 });
}

static struct hmem recomp_field(size_t offset)
{
	return (struct hmem){ .base = R11, .index = -1, .scale = 1, .disp = (s32)offset };
}

/* As recomp_go_on_as() does. R10: the tag. */
static void change_mode(struct emit *e, const struct recomp *r)
{
	struct emit_label quiet = { 0 };

	emit_mov_imm64(e, R11, (u64)r);
	emit_store64(e, R10, CPU_FIELD(lookup_tag));
	emit_store64(e, R10, recomp_field(offsetof(struct recomp, tag)));
	emit_load32(e, R10, RELOAD(key));
	emit_store32(e, R10, recomp_field(offsetof(struct recomp, mode)));
	emit_store32(e, R10, recomp_field(offsetof(struct recomp, edge_key)));
	emit_alu_mem_imm8(e, ALU_CMP, CPU_FIELD(events), 0);
	emit_jcc(e, CC_Z, &quiet);
	emit_mov_imm64(e, R10, TAG_NEVER);
	emit_store64(e, R10, CPU_FIELD(lookup_tag));
	emit_label(e, &quiet);
}

static void restore(struct emit *e)
{
	emit_pop(e, R_C);
	emit_flags_from_ax(e);
	emit_pop(e, R_A);
}

/* To the instruction behind the site's, which R9 names, in place of returning. */
static void go_behind(struct emit *e, const struct recomp *r)
{
	struct hmem site = { .base = R10, .index = R9, .scale = 1 };

	emit_mov_imm64(e, R10, (u64)r->arena);
	site.disp = offsetof(struct site, eip);
	emit_load32(e, R8, site);
	site.disp = offsetof(struct site, insn.len);
	emit_load_zx(e, NULL, 1, R10, site);
	emit_lea(e, false, R8, (struct hmem){ .base = R8, .index = R10, .scale = 1 });
	restore(e);
	emit_lea(e, true, R_SP, (struct hmem){ .base = R_SP, .index = -1, .scale = 1, .disp = 8 });
	emit_mov64(e, R10, R_C);
	trans_emit_look_up(e, r, false);
}

u64 stub_reload_emit(struct emit *e, const struct recomp *r, enum cpu_seg seg)
{
	struct emit_label slow = { 0 }, changes = { 0 };
	u64 at = emit_here(e);

	emit_push(e, R_A);
	emit_lahf(e);
	emit_setcc(e, CC_O, R_A);
	emit_push(e, R_C);
	find(e, seg);
	look(e, &slow);
	load(e, seg);
	compare64(e, RELOAD(to), RELOAD(from), &changes);
	restore(e);
	emit_ret(e);
	emit_label(e, &changes);
	change_mode(e, r);
	go_behind(e, r);
	emit_label(e, &slow);
	restore(e);
	emit_jmp(e, r->call_segment);
	return at;
}
