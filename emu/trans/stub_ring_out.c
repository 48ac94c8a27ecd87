/* SPDX-License-Identifier: MIT */
/*
 * IRET of protected mode as C did it before: to V86 mode, to an outer level, within a level.
 *
 *   1. the frame, by the TLB of the C code   2. is it known where it leads, with these flags
 *   3. are the segments what they were   4. segments, flags, mode
 *
 * One stub for each size of words, kind of stack, and level; the three ends of each differ by where
 * the return leads. Flags that translated code does not change must be those of last time, before
 * and after. An event that waits for IF is taken by the dispatcher, which finds no code.
 */
#include "emu/trans/stub_ring.h"
#include "emu/trans/stub_ring_parts.h"

struct maker {
	struct emit *e;
	struct recomp *r;
	unsigned index, size; /* of a word */
	bool flat, cpl3;
	struct emit_label slow;
};

static struct hmem word(const struct maker *m, unsigned i)
{
	return ring_at(R10, i * m->size);
}

static void load_word(const struct maker *m, unsigned reg, unsigned i)
{
	emit_load_zx(m->e, NULL, m->size, reg, word(m, i));
}

/* Do so many bytes lie below 64 KiB, or within the page, if the offset is in reg? */
static void look_at_end(struct maker *m, unsigned reg, u32 end, unsigned words)
{
	emit_alu_imm(m->e, ALU_CMP, reg, end - words * m->size + 1);
	emit_jcc_near(m->e, CC_NC, &m->slow);
}

/* Are there more words than the three that every frame has? */
static void look_at_words(struct maker *m, unsigned words)
{
	struct emit *e = m->e;

	if (!m->flat) {
		emit_movzx16(e, R8, R_GSP);
		look_at_end(m, R8, 0x10000, words);
	}
	emit_mov(e, R8, R10);
	emit_alu_imm(e, ALU_AND, R8, PAGE_SIZE - 1);
	look_at_end(m, R8, PAGE_SIZE, words);
}

/* R11: the frame's linear address. */
static void make_linear(struct maker *m)
{
	struct emit *e = m->e;

	if (m->flat) {
		emit_mov(e, R11, R_GSP);
		return;
	}
	emit_movzx16(e, R11, R_GSP);
	look_at_end(m, R11, 0x10000, 3);
	emit_alu_load(e, ALU_ADD, R11, SEGMENT_FIELD(SEG_SS, base));
}

/* R10: where the monitor has the frame. */
static void find_frame(struct maker *m)
{
	unsigned access = ACCESS_READ | (m->cpl3 ? ACCESS_USER : 0);
	struct emit *e = m->e;

	_Static_assert(sizeof(struct softtlb_entry) == 64 && SOFTTLB_ENTRIES == 64,
		       "found by a shift");
	make_linear(m);
	emit_mov(e, R10, R11);
	emit_alu_imm(e, ALU_AND, R10, PAGE_SIZE - 1);
	look_at_end(m, R10, PAGE_SIZE, 3);
	emit_mov(e, R8, R11);
	emit_shift(e, SHIFT_RIGHT, R8, PAGE_SHIFT - 6);
	emit_alu_imm(e, ALU_AND, R8, (SOFTTLB_ENTRIES - 1) << 6);
	emit_lea(e, true, R8,
		 (struct hmem){ .base = R_CPU,
				.index = R8,
				.scale = 1,
				.disp = (s32)offsetof(struct cpu, tlb.entry) });
	emit_alu(e, ALU_SUB, R11, R10);
	ring_slow_unless32(e, R11, ring_at(R8, offsetof(struct softtlb_entry, page)), &m->slow);
	emit_load32(e, R11, ring_at(R8, offsetof(struct softtlb_entry, rights)));
	emit_alu_imm8(e, ALU_AND, R11, (u8)BIT(access));
	emit_jcc_near(e, CC_Z, &m->slow);
	emit_load64(e, R8, ring_at(R8, offsetof(struct softtlb_entry, host)));
	emit_add64(e, R10, R8);
}

/* RCX: what is known of the selector on the stack. */
static void find(struct maker *m)
{
	struct emit *e = m->e;

	_Static_assert(sizeof(struct ring_known) == 256 && RING_KNOWN == 16, "as it is computed");
	emit_load_zx(e, NULL, 2, R11, word(m, 1));
	emit_mov(e, R_C, R11);
	emit_shift(e, SHIFT_RIGHT, R_C, RING_SELECTOR_SHIFT);
	emit_alu_imm8(e, ALU_XOR, R_C, (u8)m->index);
	emit_alu_imm8(e, ALU_AND, R_C, RING_KNOWN - 1);
	emit_shift(e, SHIFT_LEFT, R_C, 8);
	emit_mov_imm64(e, R8, (u64)m->r->ring_out);
	emit_add64(e, R_C, R8);
	emit_load64(e, R8, CPU_FIELD(lookup_tag));
	emit_lea(e, true, R8,
		 (struct hmem){ .base = R8, .index = R11, .scale = 1, .disp = RING_SIZE(m->size) });
	ring_slow_unless64(e, R8, KNOWN(from), &m->slow);
	emit_load64(e, R8, KNOWN(moves));
	ring_slow_unless64(e, R8, CPU_FIELD(table_moves), &m->slow);
	if (!m->cpl3) { /* the tag knows levels 0 to 2 as one */
		emit_alu8_mem_imm(e, ALU_CMP, CPU_FIELD(cpl), 0);
		emit_jcc_near(e, CC_NZ, &m->slow);
	}
}

/* R11: the image. */
static void look_at_flags(struct maker *m)
{
	struct emit *e = m->e;

	load_word(m, R11, 2);
	emit_mov(e, R8, R11);
	emit_alu_imm(e, ALU_AND, R8, RING_FLAGS_FIXED);
	ring_slow_unless32(e, R8, KNOWN(image), &m->slow);
	emit_load32(e, R8, CPU_FIELD(quiet_flags));
	ring_slow_unless32(e, R8, KNOWN(quiet), &m->slow);
}

/* R8: EIP. */
static void look_at_code(struct maker *m)
{
	RING_LOOK_AT(m->e, R8, code, &m->slow);
	load_word(m, R8, 0);
	emit_alu_load(m->e, ALU_CMP, R8, KNOWN(cs.limit));
	emit_jcc_near(m->e, CC_A, &m->slow);
}

/* The stack segment, and those that an outer level may not keep. R9 is the site yet. */
static void look_at_outer(struct maker *m)
{
	static const u8 data[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };
	struct emit *e = m->e;

	look_at_words(m, 5);
	RING_LOOK_AT(e, R8, stack, &m->slow);
	emit_load_zx(e, NULL, 2, R8, word(m, 4));
	ring_slow_unless32(e, R8, KNOWN(ss_sel), &m->slow);
	for (unsigned i = 0; i < sizeof(data); i++) {
		emit_load_zx(e, NULL, 2, R8, SEGMENT_FIELD(data[i], attr));
		ring_slow_unless32(e, R8, KNOWN(attr[i]), &m->slow);
	}
}

/* From the image in R11: IF, as far as this level may, and the arithmetic flags into AX. */
static void take_flags(struct emit *e)
{
	emit_mov(e, R9, R11);
	emit_alu_load(e, ALU_XOR, R9, CPU_FIELD(vif));
	emit_alu_load(e, ALU_AND, R9, KNOWN(if_mask));
	ring_alu_store(e, ALU_XOR, R9, CPU_FIELD(vif));
	emit_mov(e, R_A, R11);
	emit_mov8(e, R_AH, R_A);
	emit_shift(e, SHIFT_RIGHT, R11, EMIT_OF_BIT);
	emit_alu_imm8(e, ALU_AND, R11, 1);
	emit_mov8(e, R_A, R11);
	emit_store_imm8(e, CPU_FIELD(nmi_blocked), 0);
}

/* --- Where it leads */

static void to_same_level(struct maker *m)
{
	struct emit *e = m->e;
	struct emit_label same = { 0 }, other = { 0 };
	s32 bytes = (s32)(3 * m->size);

	look_at_code(m);
	take_flags(e);
	if (m->flat) {
		emit_lea(e, false, R_GSP, ring_at(R_GSP, (size_t)bytes));
	} else {
		emit_lea(e, false, R9, ring_at(R_GSP, (size_t)bytes));
		emit_mov16(e, R_GSP, R9);
	}
	ring_set_segment(e, SEG_CS, KNOWN(cs));
	emit_load64(e, R9, KNOWN(to));
	emit_alu64_load(e, ALU_CMP, R9, CPU_FIELD(lookup_tag));
	emit_jcc_near(e, CC_NZ, &other);
	emit_alu_mem_imm8(e, ALU_CMP, CPU_FIELD(events), 0);
	emit_jcc_near(e, CC_Z, &same);
	emit_label(e, &other);
	ring_set_mode(e, m->r);
	emit_label(e, &same);
	ring_go(e, m->r);
}

static void to_outer(struct maker *m)
{
	struct emit *e = m->e;

	look_at_outer(m);
	look_at_code(m);
	take_flags(e);
	load_word(m, R9, 3);
	emit_alu_load(e, ALU_AND, R9, KNOWN(esp_mask));
	emit_alu_load(e, ALU_AND, R_GSP, KNOWN(esp_kept));
	emit_alu(e, ALU_OR, R_GSP, R9);
	ring_set_segment(e, SEG_CS, KNOWN(cs));
	ring_set_segment(e, SEG_SS, KNOWN(ss));
	emit_store_imm8(e, CPU_FIELD(cpl), 3);
	ring_set_mode(e, m->r);
	ring_go(e, m->r);
}

/* A segment from the selector in word i. */
static void set_v86_segment(struct maker *m, unsigned seg, unsigned i)
{
	struct emit *e = m->e;

	emit_load_zx(e, NULL, 2, R9, word(m, i));
	emit_mov(e, R11, R9);
	emit_rr(e, true, 0xc1, SHIFT_LEFT, R11); /* the base, in the upper half */
	emit_u8(e, 32 + 4);
	emit_lea(
		e, true, R9,
		(struct hmem){ .base = R9, .index = R11, .scale = 1, .disp = RING_V86_ATTR << 16 });
	emit_store64(e, R9, SEGMENT_FIELD(seg, sel));
	emit_store_imm32(e, SEGMENT_FIELD(seg, limit), 0xffff);
}

static void to_v86(struct maker *m)
{
	static const u8 segment[] = { SEG_SS, SEG_ES, SEG_DS, SEG_FS, SEG_GS };
	struct emit *e = m->e;

	_Static_assert(offsetof(struct cpu, quiet_flags_of) ==
			       offsetof(struct cpu, quiet_flags) + sizeof(u32),
		       "copied as one");
	look_at_words(m, 9);
	load_word(m, R8, 0);
	emit_alu_imm(e, ALU_CMP, R8, 0x10000);
	emit_jcc_near(e, CC_NC, &m->slow);
	take_flags(e);
	load_word(m, R_GSP, 3);
	ring_set_segment(e, SEG_CS, KNOWN(cs));
	for (unsigned i = 0; i < sizeof(segment); i++)
		set_v86_segment(m, segment[i], 4 + i);
	ring_copy64(e, KNOWN(quiet_to[0]), CPU_FIELD(quiet_flags));
	ring_copy64(e, KNOWN(quiet_df[0]), CPU_FIELD(quiet_flags_df[0]));
	ring_copy32(e, KNOWN(eflags), CPU_FIELD(eflags));
	ring_set_thread_bases(e);
	emit_store_imm8(e, CPU_FIELD(cpl), 3);
	ring_set_mode(e, m->r);
	ring_go(e, m->r);
}

static void emit_one(struct emit *e, struct recomp *r, unsigned index)
{
	struct maker m = { e, r, index, index & 1 ? 4 : 2, index & 2, index & 4, { 0 } };
	u64 *tail = r->ring_tail_out[index];

	r->ring_leave[index] = emit_here(e);
	ring_save(e);
	find_frame(&m);
	find(&m);
	look_at_flags(&m);
	emit_jmp_mem(e, KNOWN(tail));
	tail[RING_SAME] = emit_here(e);
	to_same_level(&m);
	if (!m.cpl3) {
		tail[RING_OUTER] = emit_here(e);
		to_outer(&m);
	}
	if (!m.cpl3 && m.size == 4) {
		tail[RING_V86] = emit_here(e);
		to_v86(&m);
	}
	emit_label(e, &m.slow);
	ring_restore(e);
	emit_jmp(e, r->call_iret);
}

void stub_ring_emit_out(struct emit *e, struct recomp *r)
{
	for (unsigned i = 0; i < RING_LEAVES; i++)
		emit_one(e, r, i);
}
