/* SPDX-License-Identifier: MIT */
/*
 * One block: fetch, decode, translate instruction by instruction until control leaves, the page
 * ends, or the mode may change.
 */
#include "emu/cpu/translate.h"

#include "emu/cpu/block.h"
#include "emu/mem/gpmem.h"
#include "kernel/base/alloc.h"
#include "kernel/base/string.h"

/* Up to 15 bytes at gla, as far as they can be fetched; n receives how many. False if not even one
 * can. */
static bool fetch(struct trans *t, gla_t gla, unsigned *n)
{
	unsigned access = ACCESS_EXEC | (t->key & KEY_CPL3 ? ACCESS_USER : 0);
	struct pagewalk w;

	*n = 0;
	while (*n < 15) {
		gla_t at = gla + *n;
		unsigned room = MIN(15 - *n, PAGE_SIZE - (at & (PAGE_SIZE - 1)));

		if (*n && (at & (PAGE_SIZE - 1)) == 0) {
			if (cpu_probe(t->cpu, at, access, &w))
				return true;
			if (gpmem_ptr(t->cpu->mem, w.gpa, false))
				t->next_gpa = w.gpa;
		} else if (cpu_walk(t->cpu, at, access, &w) != CPU_NEXT) {
			return false;
		}
		gpmem_read(t->cpu->mem, w.gpa, t->bytes + *n, room);
		*n += room;
	}
	return true;
}

static bool decode(struct trans *t, const ZydisDecoder *d, unsigned have)
{
	ZydisDecoderContext ctx;

	return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(d, &ctx, t->bytes, have, &t->in)) &&
	       ZYAN_SUCCESS(
		       ZydisDecoderDecodeOperands(d, &ctx, &t->in, t->op, t->in.operand_count));
}

/* After the instruction behind an STI: leave if something is pending. */
static void check_events(struct trans *t)
{
	struct emit *e = &t->e;

	emit_rr(e, true, 0x89, R_C, R10);
	emit_load32(e, R_C, CPU_FIELD(events));
	emit_u8(e, 0xe3); /* jrcxz */
	emit_u8(e, 3 + 6 + 5);
	emit_rr(e, true, 0x89, R10, R_C);
	emit_mov_imm32(e, R8, t->next);
	emit_jmp(e, t->r->leave_dispatch);
	emit_rr(e, true, 0x89, R10, R_C);
}

static void undefined(struct trans *t, unsigned have)
{
	/* What could not be fetched faults when it is reached; what does not decode is #UD; over 15
	 * bytes #GP. */
	t->in = (ZydisDecodedInstruction){ .length = (u8)MAX(have, 1u),
					   .operand_width = 32,
					   .address_width = 32 };
	trans_call_hard(t, trans_site(t, have < 15 && t->fetch_cut ? OP_SLOW_FETCH : OP_UD), true);
}

static void one(struct trans *t)
{
	if (translate_flags(t) || translate_control(t) || translate_hard(t) || translate_stack(t) ||
	    translate_string(t))
		return;
	translate_copy(t);
}

static void begin(struct trans *t, struct recomp *r, u32 key)
{
	struct block *b = &r->block[r->blocks];

	memset(t, 0, sizeof(*t));
	memset(b, 0, sizeof(*b));
	t->r = r;
	t->cpu = r->cpu;
	t->b = b;
	t->key = key;
	t->e.start = t->e.p = r->buffer;
	t->e.end = r->buffer + sizeof(r->buffer);
	t->e.rx = (u64)r->cfg.cache_rx + r->code_next;
	b->eip = r->cpu->eip;
	b->key = key;
	b->code = r->code_next;
	b->edge[0].slot = b->edge[1].slot = SLOT_NONE;
	b->gpa[1] = ~0ull;
}

static void copy_code(struct recomp *r, const struct block *b)
{
	u64 *to = (u64 *)(void *)(r->cfg.cache_rw + b->code);
	const u64 *from = (const u64 *)(const void *)r->buffer;

	for (u32 i = 0; i < (b->code_len + 7) / 8; i++)
		to[i] = from[i];
}

struct block *translate_block(struct recomp *r, u32 key)
{
	struct insn_map map[BLOCK_INSNS + 1];
	ZydisDecoder d;
	struct trans t;
	struct cpu *cpu = r->cpu;
	struct pagewalk w;
	u32 base = cpu->seg[SEG_CS].base;
	unsigned max = key & (KEY_TF | KEY_SLOW) ? 1 : BLOCK_INSNS;

	begin(&t, r, key);
	if (cpu_walk(cpu, base + cpu->eip, ACCESS_EXEC | (key & KEY_CPL3 ? ACCESS_USER : 0), &w) !=
	    CPU_NEXT)
		return NULL;
	t.b->gpa[0] = w.gpa;
	ZydisDecoderInit(&d,
			 key & KEY_D ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
			 key & KEY_D ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);
	/* No NOTRACK: 3E on a jump or call is DS, and ENDBR is a NOP. */
	ZydisDecoderEnableMode(&d, ZYDIS_DECODER_MODE_CET, ZYAN_FALSE);
	t.eip = cpu->eip;
	while (!t.ended && t.b->insns < max) {
		unsigned have;
		bool after_sti = t.sti;

		t.sti = false;
		t.next_gpa = ~0ull;
		if (((base + t.eip) ^ (base + t.b->eip)) & ~(PAGE_SIZE - 1))
			break;
		if (!fetch(&t, base + t.eip, &have))
			break;
		t.fetch_cut = have < 15;
		map[t.b->insns++] =
			(struct insn_map){ (u16)(t.e.p - t.e.start), (u16)(t.eip - t.b->eip) };
		t.slow = key & KEY_SLOW || block_is_slow(r, base + t.eip);
		if (decode(&t, &d, have)) {
			t.next = t.eip + t.in.length;
			if (!(key & KEY_D))
				t.next &= 0xffff;
			if (((base + t.eip + t.in.length - 1) ^ (base + t.eip)) & ~(PAGE_SIZE - 1))
				t.b->gpa[1] = t.next_gpa & PAGE_MASK;
			one(&t);
			r->stats.guest_insns++;
			t.eip = t.next;
		} else {
			undefined(&t, have);
			t.eip += 1;
		}
		if (after_sti && !t.ended)
			check_events(&t);
	}
	t.b->len = (u16)(t.eip - t.b->eip);
	if (!t.ended) {
		if (t.sti || (key & (KEY_TF | KEY_SLOW)))
			trans_leave(&t, t.eip);
		else
			trans_jump(&t, t.eip);
	}
	if (t.e.overflow || r->code_next + (u32)(t.e.p - t.e.start) + 64 > r->slot_next) {
		r->flush_wanted = true;
		return t.b; /* the dispatcher flushes and comes again */
	}
	t.b->code_len = (u32)(t.e.p - t.e.start);
	copy_code(r, t.b);
	t.b->map = mem_alloc(t.b->insns * sizeof(map[0]));
	if (!t.b->map) {
		r->flush_wanted = true;
		return t.b;
	}
	memcpy(t.b->map, map, t.b->insns * sizeof(map[0]));
	r->code_next += ALIGN_UP(t.b->code_len, 16u);
	r->blocks++;
	r->stats.blocks++;
	r->stats.guest_bytes += t.b->len;
	r->stats.host_bytes += t.b->code_len;
	return t.b;
}
