/* SPDX-License-Identifier: MIT */
/*
 * The bytes of the next instruction, across pages and up to the limit of CS, and what the decoder
 * makes of them.
 */
#include "emu/mem/gpmem.h"
#include "emu/trans/trans.h"

unsigned trans_fetch_access(const struct trans *t)
{
	return ACCESS_EXEC | (t->key & KEY_CPL3 ? ACCESS_USER : 0);
}

/* Bytes at the end of the page, and those of the next one if it can be fetched from. */
static void fetch_across(struct trans *t, gla_t gla, unsigned room)
{
	gpa_t gpa = (t->b->gpa[0] & PAGE_MASK) + (gla & (PAGE_SIZE - 1));
	struct pagewalk w;

	t->bytes = t->buffer;
	t->have = room;
	gpmem_read(t->cpu->mem, gpa, t->buffer, room);
	if (room == INSN_MAX || cpu_probe(t->cpu, gla + room, trans_fetch_access(t), &w))
		return;
	if (gpmem_ptr(t->cpu->mem, w.gpa, false))
		t->next_gpa = w.gpa;
	gpmem_read(t->cpu->mem, w.gpa, t->buffer + room, INSN_MAX - room);
	t->have = INSN_MAX;
}

/* What lies beyond the segment's limit is not fetched. */
static void cut_at_limit(struct trans *t)
{
	u32 left = t->limit - t->eip;

	if (left < t->have)
		t->have = MIN(t->have, left + 1);
}

void trans_fetch(struct trans *t)
{
	gla_t gla = t->base + t->eip;
	unsigned offset = gla & (PAGE_SIZE - 1), room = MIN(PAGE_SIZE - offset, INSN_MAX);

	t->next_gpa = ~0ull;
	if (t->page && room == INSN_MAX) {
		t->bytes = t->page + offset;
		t->have = INSN_MAX;
	} else {
		fetch_across(t, gla, room);
	}
	cut_at_limit(t);
}

void trans_set_decoder(struct trans *t)
{
	bool wide = t->key & KEY_D;

	if (t->decoder_key == 1u + wide)
		return;
	ZydisDecoderInit(&t->decoder,
			 wide ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
			 wide ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);
	/* No NOTRACK: 3E on a jump or call is DS, and ENDBR is a NOP. */
	ZydisDecoderEnableMode(&t->decoder, ZYDIS_DECODER_MODE_CET, ZYAN_FALSE);
	t->decoder_key = 1u + wide;
}

unsigned trans_decode(struct trans *t)
{
	ZydisDecoderContext ctx;
	ZyanStatus s = ZydisDecoderDecodeInstruction(&t->decoder, &ctx, t->bytes, t->have, &t->in);

	if (s == ZYDIS_STATUS_NO_MORE_DATA || s == ZYDIS_STATUS_INSTRUCTION_TOO_LONG)
		return t->have < INSN_MAX ? OP_SLOW_FETCH : OP_SLOW_LONG;
	if (!ZYAN_SUCCESS(s) || !ZYAN_SUCCESS(ZydisDecoderDecodeOperands(
					&t->decoder, &ctx, &t->in, t->op, t->in.operand_count)))
		return OP_UD;
	return 0;
}

bool trans_decode_here(struct trans *t)
{
	trans_fetch(t);
	return !trans_decode(t);
}
