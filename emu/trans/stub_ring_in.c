/* SPDX-License-Identifier: MIT */
/*
 * The way into a handler at CPL 0 that C went before, from CPL 3 and V86 mode:
 *
 *   1. is it known, and are gate, segments and the TSS' stack what they were
 *   2. the frame: its place is the same, since ESP0 is   3. segments, flags, mode
 *
 * Nothing is written before all that may fail was looked at. The page of the frame may be written
 * as long as nobody began to watch a page.
 */
#include "emu/trans/stub_ring.h"
#include "emu/trans/stub_ring_parts.h"

/* What a handler's frame and its segments depend on. */
struct kind {
	unsigned size; /* of a word */
	bool v86, error;
};

static const struct kind kind[] = {
	{ 2, false, false }, { 4, false, false }, { 2, true, false },
	{ 4, true, false },  { 2, true, true },	  { 4, true, true },
};
_Static_assert(ARRAY_SIZE(kind) == RING_KINDS_IN, "as they are numbered");

unsigned stub_ring_kind_in(unsigned size, bool v86, bool error)
{
	return (size == 4 ? 1u : 0) | (unsigned)(v86 + error) << 1;
}

/* RCX: what is known of the vector in R8. */
static void find(struct emit *e, const struct recomp *r, struct emit_label *slow)
{
	_Static_assert(sizeof(struct ring_known) == 256 && RING_KNOWN == 16, "as it is computed");
	emit_mov(e, R_C, R8);
	emit_alu_imm8(e, ALU_AND, R_C, RING_KNOWN - 1);
	emit_shift(e, SHIFT_LEFT, R_C, 8);
	emit_mov_imm64(e, R10, (u64)r->ring_in);
	emit_add64(e, R_C, R10);
	emit_load64(e, R10, CPU_FIELD(lookup_tag));
	emit_add64(e, R10, R8);
	ring_slow_unless64(e, R10, KNOWN(from), slow);
	emit_load64(e, R10, KNOWN(moves));
	ring_slow_unless64(e, R10, CPU_FIELD(table_moves), slow);
}

static void look(struct emit *e, struct emit_label *slow)
{
	RING_LOOK_AT(e, R10, gate, slow);
	RING_LOOK_AT(e, R10, code, slow);
	RING_LOOK_AT(e, R10, stack, slow);
	RING_LOOK_AT(e, R10, stack0, slow);
	emit_load64(e, R10, KNOWN(watches_at));
	emit_load32(e, R10, ring_at(R10, 0));
	ring_slow_unless32(e, R10, KNOWN(watches), slow);
	ring_test_imm(e, CPU_FIELD(quiet_flags), EFLAGS_NT);
	emit_jcc_near(e, CC_NZ, slow);
}

/* R8: the image that the handler finds. */
static void make_image(struct emit *e, bool fault)
{
	emit_movzx8(e, R8, R_A);
	emit_shift(e, SHIFT_LEFT, R8, EMIT_OF_BIT);
	emit_mov(e, R9, R_A);
	emit_shift(e, SHIFT_RIGHT, R9, 8);
	emit_movzx8(e, R9, R9);
	emit_alu(e, ALU_OR, R8, R9);
	emit_alu_load(e, ALU_OR, R8, CPU_FIELD(quiet_flags));
	emit_alu_load(e, ALU_OR, R8, CPU_FIELD(vif));
	if (fault)
		emit_alu_imm(e, ALU_OR, R8, EFLAGS_RF);
}

/* Where the next word of the frame goes. */
struct frame {
	struct emit *e;
	unsigned size;
	u32 at;
};

static struct hmem next(struct frame *f)
{
	struct hmem m = ring_at(R10, f->at);

	f->at += f->size;
	return m;
}

static void push(struct frame *f, unsigned reg)
{
	if (f->size == 4)
		emit_store32(f->e, reg, next(f));
	else
		emit_store16(f->e, reg, next(f));
}

static void push_selector(struct frame *f, unsigned seg)
{
	emit_load_zx(f->e, NULL, 2, R9, SEGMENT_FIELD(seg, sel));
	push(f, R9);
}

/* From the last word pushed up. */
static void push_frame(struct emit *e, const struct kind *k)
{
	static const u8 data[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };
	struct frame f = { e, k->size, 0 };

	emit_load64(e, R10, KNOWN(frame));
	if (k->error) {
		emit_alu(e, ALU_XOR, R9, R9);
		push(&f, R9);
	}
	push(&f, R11);
	push_selector(&f, SEG_CS);
	push(&f, R8);
	push(&f, R_GSP);
	push_selector(&f, SEG_SS);
	for (unsigned i = 0; k->v86 && i < sizeof(data); i++)
		push_selector(&f, data[i]);
}

/* As v86_drop_segments() does; VM goes from all images of the flags. */
static void leave_v86(struct emit *e)
{
	static const u8 data[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };
	static const size_t image[] = { offsetof(struct cpu, quiet_flags),
					offsetof(struct cpu, quiet_flags_of),
					offsetof(struct cpu, quiet_flags_df[0]),
					offsetof(struct cpu, quiet_flags_df[1]),
					offsetof(struct cpu, eflags) };

	emit_mov_imm32(e, R9, SEG_ATTR_UNUSABLE << 16);
	for (unsigned i = 0; i < sizeof(data); i++) {
		emit_store64(e, R9, SEGMENT_FIELD(data[i], sel));
		emit_store_imm32(e, SEGMENT_FIELD(data[i], limit), 0);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(image); i++)
		ring_and_imm(e, cpu_field(image[i]), ~EFLAGS_VM);
	ring_set_thread_bases(e);
}

static void enter(struct emit *e, const struct recomp *r, const struct kind *k)
{
	make_image(e, k->error);
	push_frame(e, k);
	emit_load32(e, R_GSP, KNOWN(esp));
	emit_load32(e, R8, KNOWN(eip));
	ring_set_segment(e, SEG_CS, KNOWN(cs));
	ring_set_segment(e, SEG_SS, KNOWN(ss));
	emit_load32(e, R9, KNOWN(if_mask));
	ring_alu_store(e, ALU_AND, R9, CPU_FIELD(vif));
	emit_store_imm8(e, CPU_FIELD(cpl), 0);
	if (k->v86)
		leave_v86(e);
	ring_set_mode(e, r);
	ring_go(e, r);
}

void stub_ring_emit_in(struct emit *e, struct recomp *r)
{
	struct emit_label slow = { 0 };

	r->ring_enter = emit_here(e);
	ring_save(e);
	find(e, r, &slow);
	look(e, &slow);
	emit_jmp_mem(e, KNOWN(tail));
	emit_label(e, &slow);
	ring_restore(e);
	emit_jmp(e, r->call_hard);
	for (unsigned i = 0; i < RING_KINDS_IN; i++) {
		r->ring_tail_in[i] = emit_here(e);
		enter(e, r, &kind[i]);
	}
}
