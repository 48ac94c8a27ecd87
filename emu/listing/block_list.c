/* SPDX-License-Identifier: MIT */
/*
 * Listing of a block: two disassemblies, row by row.
 *
 *      share of hits | guest instruction | share | offset  emitted instruction
 */
#include "emu/listing/block_list.h"

#include "emu/block/block.h"
#include "emu/block/mixed.h"
#include "emu/dbg/dbg_mem.h"
#include "kernel/base/figure.h"
#include "kernel/base/string.h"

#define GUEST_WIDTH 44
#define LONGEST	    15u

struct lister {
	struct recomp *r;
	const struct block *b;
	const struct recomp_hit *hit;
	unsigned hits;
	u64 all;
	const struct dbg_out *out;
	ZydisMachineMode guest_mode;
	u8 guest[LONGEST];
};

bool recomp_place_of(struct recomp *r, u64 rip, struct recomp_place *place)
{
	u32 offset = (u32)(rip - (u64)r->cfg.cache_rx);
	const struct block *b = block_at(r, offset);

	if (!b)
		return false;
	*place = (struct recomp_place){ b->base + b->eip, b->key, b->code, offset - b->code };
	return true;
}

bool recomp_find_block(struct recomp *r, struct recomp_place *place)
{
	for (u32 i = 0; i < r->blocks; i++) {
		const struct block *b = &r->block[i];

		if (b->dead || b->base + b->eip != place->gla || b->key != place->key)
			continue;
		place->code = b->code;
		return true;
	}
	return false;
}

/* --- The guest's side */

/* Bytes of the block from offset on: as it was made, if it verifies itself; else as they are, for a
 * write would have dropped it. */
static unsigned guest_bytes(struct lister *l, u32 offset, u32 len)
{
	const struct block *b = l->b;
	gpa_t gpa = b->gpa[0] + offset;
	u32 first = (u32)(PAGE_SIZE - (b->gpa[0] & ~PAGE_MASK)), n;

	len = MIN(len, LONGEST);
	if (b->check_len) {
		memcpy(l->guest, block_source(b) + offset, len);
		return len;
	}
	if (offset >= first)
		return dbg_read_phys(l->r->cpu, b->gpa[1] + offset - first, l->guest, len);
	n = dbg_read_phys(l->r->cpu, gpa, l->guest, MIN(len, first - offset));
	if (n == first - offset && n < len)
		n += dbg_read_phys(l->r->cpu, b->gpa[1], l->guest + n, len - n);
	return n;
}

static void add_guest(struct lister *l, unsigned i, struct dbg_line *line)
{
	const struct block *b = l->b;
	u32 at = b->map[i].guest, end = i + 1 < b->insns ? b->map[i + 1].guest : b->len;
	gla_t gla = b->base + b->eip + at;
	unsigned n = guest_bytes(l, at, end - at);
	ZydisDisassembledInstruction in;

	if (n && ZYAN_SUCCESS(ZydisDisassembleIntel(l->guest_mode, gla, l->guest, n, &in)))
		dbg_add(line, "%08x  %-*s", gla, GUEST_WIDTH - 10, in.text);
	else
		dbg_add(line, "%08x  %-*s", gla, GUEST_WIDTH - 10, "(cannot be read)");
}

/* --- The emitted side */

static const char *stub_name(const struct recomp *r, u64 at)
{
	const struct {
		u64 at;
		const char *name;
	} stubs[] = {
		{ r->leave_dispatch, "dispatcher" },
		{ r->leave_edge, "edge" },
		{ r->leave_trap, "trap" },
		{ r->call_hard, "C" },
		{ r->call_iret, "IRET" },
		{ r->call_segment, "segment load" },
		{ r->call_slow_read, "C, read" },
		{ r->call_slow_write, "C, write" },
		{ r->call_slow_store, "C, store" },
		{ r->call_stop, "point" },
		{ r->call_loop, "loop" },
		{ r->call_device_read, "device, read" },
		{ r->call_device_write, "device, write" },
		{ r->call_device_store, "device, store" },
		{ r->go_far, "far" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(stubs); i++)
		if (stubs[i].at == at)
			return stubs[i].name;
	return recomp_is_ring_stub(r, at) ? "ring" : NULL;
}

static void add_target(const struct recomp *r, const ZydisDisassembledInstruction *in,
		       struct dbg_line *line)
{
	const ZydisDecodedOperand *o = &in->operands[0];
	const char *name;
	ZyanU64 to;

	if (!in->info.operand_count || o->type != ZYDIS_OPERAND_TYPE_IMMEDIATE ||
	    !o->imm.is_relative ||
	    !ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&in->info, o, in->runtime_address, &to)))
		return;
	name = stub_name(r, to);
	if (name)
		dbg_add(line, " <%s>", name);
}

static u32 hits_in(const struct lister *l, u32 from, u32 to)
{
	u32 n = 0;

	for (unsigned i = 0; i < l->hits; i++)
		if (l->hit[i].offset >= from && l->hit[i].offset < to)
			n += l->hit[i].count;
	return n;
}

static void add_share(const struct lister *l, u32 from, u32 to, struct dbg_line *line)
{
	u32 n = hits_in(l, from, to);

	dbg_add(line, "%5s ", n ? figure_share(n, l->all).text : "");
}

/* The instruction at an offset of the code; its length. */
static u32 add_emitted(const struct lister *l, u32 at, u32 end, struct dbg_line *line)
{
	const u8 *code = l->r->cfg.cache_rw + l->b->code + at;
	u64 rip = (u64)l->r->cfg.cache_rx + l->b->code + at;
	ZydisDisassembledInstruction in;
	u32 len = 1;
	bool good = ZYAN_SUCCESS(
		ZydisDisassembleIntel(ZYDIS_MACHINE_MODE_LONG_64, rip, code, end - at, &in));

	if (good)
		len = in.info.length;
	dbg_add(line, "|");
	add_share(l, at, at + len, line);
	dbg_add(line, "%4x  %s", at, good ? in.text : "(data)");
	if (good)
		add_target(l->r, &in, line);
	return len;
}

/* Emitted code, the first row of it behind what the line has. */
static void list_rows(struct lister *l, u32 from, u32 to, struct dbg_line *line)
{
	u32 at = from;

	do {
		if (at < to)
			at += add_emitted(l, at, to, line);
		dbg_end(line, l->out);
		dbg_add(line, "%*s", GUEST_WIDTH + 6, "");
	} while (at < to);
	line->len = 0;
}

static void list_instruction(struct lister *l, unsigned i)
{
	const struct block *b = l->b;
	/* The first one is entered where the block begins. */
	u32 from = i ? b->map[i].host : b->check_len,
	    to = i + 1 < b->insns ? b->map[i + 1].host : b->code_len;
	struct dbg_line line = { .len = 0 };

	add_share(l, from, to, &line);
	add_guest(l, i, &line);
	list_rows(l, from, to, &line);
}

static void list_check(struct lister *l)
{
	struct dbg_line line = { .len = 0 };

	add_share(l, 0, l->b->check_len, &line);
	dbg_add(&line, "%-*s", GUEST_WIDTH, "(are the guest's bytes the same?)");
	list_rows(l, 0, l->b->check_len, &line);
}

static void list_head(const struct lister *l)
{
	const struct block *b = l->b;

	dbg_print(l->out, "%u instructions of %u bytes in %u bytes; %s, %s-bit, CPL %s%s%s",
		  b->insns, b->len, b->code_len,
		  b->key & KEY_VM   ? "V86 mode"
		  : b->key & KEY_PE ? "protected mode"
				    : "real mode",
		  b->key & KEY_D ? "32" : "16", b->key & KEY_CPL3 ? "3" : "0 to 2",
		  b->check_len ? ", verifies its own bytes" : "",
		  b->key & KEY_SLOW ? ", memory by C" : "");
}

void recomp_list_block(struct recomp *r, const struct recomp_place *place,
		       const struct recomp_hit *hit, unsigned hits, u64 all,
		       const struct dbg_out *out)
{
	struct lister l = { .r = r,
			    .b = block_at(r, place->code),
			    .hit = hit,
			    .hits = hits,
			    .all = all,
			    .out = out };

	if (!l.b || !l.b->insns)
		return;
	l.guest_mode =
		l.b->key & KEY_D ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16;
	list_head(&l);
	if (l.b->check_len)
		list_check(&l);
	for (unsigned i = 0; i < l.b->insns; i++)
		list_instruction(&l, i);
}
