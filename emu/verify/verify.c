/* SPDX-License-Identifier: MIT */
/*
 * The proof: one pass over the block's bytes in their order, with what is known of the registers
 * (struct state).
 *
 * Nothing is known at a guest instruction's first byte, since the block may be entered there. Jumps
 * backward may only lead to such places. A jump forward takes what is known with it; where paths
 * meet, what they agree on stays.
 */
#include "emu/verify/verify.h"

#include "emu/block/block.h"
#include "emu/verify/verify_internal.h"

#include "kernel/base/alloc.h"
#include "kernel/base/string.h"

#define TARGETS_MAX 256u

/* A jump forward that has not been met yet. */
struct target {
	u32 offset;
	struct state state;
};

struct pass {
	struct verify v;
	ZydisDecoder decoder;
	struct target target[TARGETS_MAX];
	unsigned targets;
	unsigned boundary; /* the next element of b->map */
};

/* --- States --- */

/* Of the guest's registers, which may be anything below 2^32 at a guest instruction's first byte,
 * that much is known. */
static bool is_guest(unsigned reg)
{
	return reg <= R_DI ? reg != R_SP : reg == R_GSP;
}

static void forget(struct state *s)
{
	memset(s, 0, sizeof(*s));
	s->reachable = true;
	for (unsigned i = 0; i < 16; i++)
		if (is_guest(i))
			s->reg[i].kind = VALUE_U32;
}

/* Control goes to where that is taken for granted. */
static bool hands_over(struct verify *v)
{
	for (unsigned i = 0; i < 16; i++)
		if (is_guest(i) && !verify_below_4g(v->now.reg[i]))
			return verify_fail(v, "a guest register that may not be below 2^32");
	return true;
}

static void join(struct state *s, const struct state *other)
{
	if (!s->reachable) {
		*s = *other;
		return;
	}
	for (unsigned i = 0; i < 16; i++) {
		struct value *a = &s->reg[i], b = other->reg[i];
		bool small = verify_below_4g(*a) && verify_below_4g(b);

		if (a->kind != b.kind || a->data != b.data)
			*a = (struct value){ small ? VALUE_U32 : VALUE_ANY, 0 };
	}
	if (s->matched != other->matched)
		s->matched = 0;
}

static bool is_boundary(const struct block *b, u32 offset)
{
	for (unsigned i = 0; i < b->insns; i++)
		if (b->map[i].host == offset)
			return true;
	return false;
}

/* What is known here, from the path that falls through and from jumps that lead here. */
static bool arrive(struct pass *p)
{
	struct verify *v = &p->v;
	const struct block *b = v->b;
	unsigned kept = 0;
	bool boundary;

	while (p->boundary < b->insns && b->map[p->boundary].host < v->offset)
		p->boundary++;
	for (unsigned i = 0; i < p->targets; i++) {
		if (p->target[i].offset < v->offset)
			return verify_fail(v, "a jump into the middle of an instruction");
		if (p->target[i].offset == v->offset)
			join(&v->now, &p->target[i].state);
		else
			p->target[kept++] = p->target[i];
	}
	p->targets = kept;
	boundary = p->boundary < b->insns && b->map[p->boundary].host == v->offset;
	if (boundary && v->now.reachable && !hands_over(v))
		return false;
	/* Where control cannot come by the block itself it need not, but what stands there must be
	 * all right. */
	if (!v->now.reachable || boundary)
		forget(&v->now);
	return true;
}

/* --- Control --- */

static bool jump_inside(struct pass *p, u64 to, struct state state)
{
	struct verify *v = &p->v;
	u32 offset = (u32)(to - ((u64)v->r->cfg.cache_rx + v->b->code));

	if (offset < v->next)
		return hands_over(v) &&
		       (is_boundary(v->b, offset) ||
			verify_fail(v, "a jump backward to where no guest instruction begins"));
	if (offset >= v->b->code_len)
		return verify_fail(v, "a jump behind the end");
	if (p->targets == TARGETS_MAX)
		return verify_fail(v, "too many jumps");
	p->target[p->targets++] = (struct target){ offset, state };
	return true;
}

static bool is_inside(const struct verify *v, u64 to)
{
	return to - ((u64)v->r->cfg.cache_rx + v->b->code) < v->b->code_len;
}

static u64 rel_target(const struct verify *v)
{
	return (u64)v->r->cfg.cache_rx + v->b->code + v->next + (u64)v->op[0].imm.value.s;
}

static bool conditional(struct pass *p)
{
	struct verify *v = &p->v;
	struct state taken = v->now;

	if (!is_inside(v, rel_target(v)))
		return verify_fail(v, "a conditional jump out of the block");
	if (v->in.mnemonic == ZYDIS_MNEMONIC_JRCXZ && taken.reg[R_C].kind == VALUE_COMPARED)
		taken.matched = taken.reg[R_C].data;
	return jump_inside(p, rel_target(v), taken);
}

static bool own_slot(const struct verify *v, u64 address)
{
	u64 offset = address - (u64)v->r->cfg.cache_rx;

	if (offset % 8 || offset < v->r->slot_start || offset + 8 > v->r->cfg.cache_size)
		return false;
	for (unsigned i = 0; i < v->b->edges; i++)
		if (slot_address(v->r, v->b->edge[i].slot) == address)
			return true;
	return false;
}

static bool jump(struct pass *p)
{
	struct verify *v = &p->v;
	const ZydisDecodedOperand *o = &v->op[0];
	bool ok;

	if (o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		u64 to = rel_target(v);

		ok = is_inside(v, to)
			     ? jump_inside(p, to, v->now)
			     : hands_over(v) && (to == v->r->leave_dispatch || to == v->r->go_far ||
						 verify_fail(v, "a jump out of the block"));
	} else if (o->type != ZYDIS_OPERAND_TYPE_MEMORY || v->in.address_width != 64) {
		ok = verify_fail(v, "a jump by a register or the guest's memory");
	} else if (o->mem.base == ZYDIS_REGISTER_RIP) {
		u64 at = (u64)v->r->cfg.cache_rx + v->b->code + v->next + (u64)o->mem.disp.value;

		ok = hands_over(v) &&
		     (own_slot(v, at) || verify_fail(v, "a jump by what is no slot of the block"));
	} else {
		int index = verify_reg(o->mem.index);

		ok = hands_over(v) &&
		     ((verify_reg(o->mem.base) == R_TABLE && index >= 0 && v->now.matched &&
		       v->now.reg[index].kind == VALUE_INDEX &&
		       v->now.reg[index].data == v->now.matched && o->mem.disp.value == 8) ||
		      verify_fail(v, "a jump by a look-up entry that was not compared"));
	}
	v->now.reachable = false;
	return ok;
}

static bool registered_edge(const struct verify *v)
{
	for (unsigned i = 0; i < v->b->edges; i++)
		if (v->b->edge[i].host == v->next)
			return true;
	return false;
}

/* The stubs that are called with a site. */
static bool is_site_stub(const struct recomp *r, u64 to)
{
	for (unsigned i = 0; i < 2 * SEG_COUNT; i++)
		if (to == (&r->load_segment[0][0])[i])
			return true;
	return recomp_is_ring_stub(r, to) || to == r->reload[0] || to == r->reload[1] ||
	       to == r->call_hard || to == r->call_iret || to == r->call_segment ||
	       to == r->call_slow_read || to == r->call_slow_write || to == r->call_slow_store ||
	       to == r->call_device_read || to == r->call_device_write ||
	       to == r->call_device_store || to == r->call_stop || to == r->call_loop;
}

static bool call(struct pass *p)
{
	struct verify *v = &p->v;
	u64 to = v->op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? rel_target(v) : 0;
	struct value reg = v->now.reg[R9];
	const struct site *site;

	if (!hands_over(v))
		return false;
	if (to && to == v->r->leave_edge) {
		v->now.reachable = false;
		return registered_edge(v) || verify_fail(v, "an edge that nobody knows");
	}
	if (!to || !is_site_stub(v->r, to))
		return verify_fail(v, "a call of what is no stub");
	if (reg.kind != VALUE_CONST || reg.data % 8 ||
	    (u64)reg.data + sizeof(*site) > v->r->arena_next)
		return verify_fail(v, "a call for C without a site");
	site = (const struct site *)(const void *)(v->r->arena + reg.data);
	if (site->mem_size > sizeof(((struct cpu *)0)->scratch))
		return verify_fail(v, "a site whose operand has no room");
	forget(&v->now);
	/* C does not come back here from a site that ends the block. */
	if ((to == v->r->call_hard || to == v->r->call_iret || recomp_is_ring_stub(v->r, to)) &&
	    site->ends)
		v->now.reachable = false;
	return true;
}

static bool control(struct pass *p)
{
	switch (p->v.in.meta.category) {
	case ZYDIS_CATEGORY_COND_BR:
		return conditional(p);
	case ZYDIS_CATEGORY_UNCOND_BR:
		return jump(p);
	case ZYDIS_CATEGORY_CALL:
		return call(p);
	default:
		return true;
	}
}

/* --- The pass --- */

static bool decode(struct pass *p)
{
	struct verify *v = &p->v;
	ZydisDecoderContext ctx;

	if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&p->decoder, &ctx, v->code + v->offset,
							v->b->code_len - v->offset, &v->in)) ||
	    !ZYAN_SUCCESS(ZydisDecoderDecodeOperands(&p->decoder, &ctx, &v->in, v->op,
						     v->in.operand_count)))
		return verify_fail(v, "no instruction");
	v->next = v->offset + v->in.length;
	return true;
}

static bool one(struct pass *p)
{
	struct verify *v = &p->v;

	if (!arrive(p) || !decode(p) || !verify_class(v) || !verify_operands(v) || !control(p))
		return false;
	if (v->now.reachable)
		verify_effects(v);
	return true;
}

/* Jumps backward were taken at their word; each boundary must be the start of an instruction. */
static bool boundary_missed(const struct verify *v)
{
	for (unsigned i = 0; i < v->b->insns; i++)
		if (v->b->map[i].host > v->offset && v->b->map[i].host < v->next)
			return true;
	return false;
}

static bool prove(struct pass *p)
{
	struct verify *v = &p->v;

	ZydisDecoderInit(&p->decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	ZydisDecoderEnableMode(&p->decoder, ZYDIS_DECODER_MODE_CET, ZYAN_FALSE);
	forget(&v->now);
	for (v->offset = 0; v->offset < v->b->code_len; v->offset = v->next) {
		if (!one(p))
			return false;
		if (boundary_missed(v))
			return verify_fail(v,
					   "a guest instruction begins inside a host instruction");
	}
	if (v->now.reachable)
		return verify_fail(v, "control falls off the end");
	return !p->targets || verify_fail(v, "a jump behind the end");
}

struct pass *verify_create(void)
{
	return mem_alloc(sizeof(struct pass));
}

bool verify_block(const struct recomp *r, const struct block *b, const u8 *code,
		  struct verify_fault *fault)
{
	struct pass *p = r->proof;
	bool ok;

	memset(p, 0, sizeof(*p));
	p->v = (struct verify){ .r = r, .b = b, .code = code };
	ok = prove(p);
	*fault = (struct verify_fault){ p->v.offset, p->v.why };
	return ok;
}
