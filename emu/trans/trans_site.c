/* SPDX-License-Identifier: MIT */
/*
 * Sites: what translated code tells C about an instruction, and the calls.
 */
#include "emu/block/block.h"
#include "emu/trans/trans.h"

struct site *trans_site(struct trans *t, unsigned op)
{
	struct site *s = block_alloc(t->r, sizeof(*s));
	const ZydisDecodedInstruction *in = &t->in;
	int mi = trans_mem_operand(t);
	struct insn *n;

	if (!s)
		s = &t->nowhere;
	n = &s->insn;
	s->eip = t->eip;
	n->op = (u16)op;
	n->len = in->length;
	n->osize = (u8)(in->operand_width / 8);
	n->asize = in->address_width == 16 ? 2 : 4;
	n->seg = SEG_DS;
	n->base = n->index = INSN_NO_REG;
	n->scale = 1;
	n->lock = (in->attributes & ZYDIS_ATTRIB_HAS_LOCK) != 0;
	for (unsigned i = 0; i < in->raw.prefix_count; i++)
		if (in->raw.prefixes[i].value == 0xf2 || in->raw.prefixes[i].value == 0xf3)
			n->rep = in->raw.prefixes[i].value;
	n->reg = in->raw.modrm.reg;
	n->rm = in->raw.modrm.rm;
	if (mi >= 0) {
		const ZydisDecodedOperandMem *m = &t->op[mi].mem;

		n->is_mem = 1;
		n->seg = (u8)trans_seg(m->segment);
		if (trans_gpr(m->base) >= 0)
			n->base = (u8)trans_gpr(m->base);
		if (trans_gpr(m->index) >= 0) {
			n->index = (u8)trans_gpr(m->index);
			n->scale = m->scale;
		}
		if (m->disp.has_displacement)
			n->disp = (s32)m->disp.value;
	}
	if (in->raw.imm[0].size)
		n->imm = (u32)in->raw.imm[0].value.u;
	return s;
}

void trans_call_site(struct trans *t, const struct site *s, u64 stub)
{
	emit_mov_imm32(&t->e, R9, (u32)((const u8 *)s - t->r->arena));
	emit_call(&t->e, stub);
	t->marked = 0; /* C may clear the mark of x87 code */
	t->keeps = false;
}

void trans_call_hard(struct trans *t, struct site *s, bool ends)
{
	s->ends = ends;
	s->noted = t->slow && !(t->key & KEY_SLOW);
	trans_call_site(t, s, s->insn.op == OP_IRET ? t->r->call_iret : t->r->call_hard);
	if (ends)
		t->ended = true;
}

/* The site has the EIP only. */
void trans_stop(struct trans *t)
{
	struct site *s = block_alloc(t->r, sizeof(*s));

	if (!s)
		s = &t->nowhere;
	s->eip = t->eip;
	trans_call_site(t, s, t->r->call_stop);
}

/* Where an instruction runs alone, it is because of a breakpoint or a segment that faults. */
bool trans_may_be_device(const struct trans *t, unsigned bytes)
{
	return t->slow && !(t->key & KEY_SLOW) && (bytes == 1 || bytes == 2 || bytes == 4);
}

static void device_site(struct trans *t, struct site *s, struct hmem m)
{
	unsigned access =
		(t->key & KEY_CPL3 ? ACCESS_USER : 0) | (s->writes ? ACCESS_WRITE : ACCESS_READ);

	s->linear = true;
	s->right = (u8)BIT(access);
	s->ones = 0xffffffffu >> (32 - 8 * s->mem_size);
	if (m.base != R8 || m.index >= 0 || m.disp)
		emit_lea(&t->e, false, R8, m);
}

void trans_device_read(struct trans *t, struct site *s, struct hmem m)
{
	device_site(t, s, m);
	trans_call_site(t, s, t->r->call_device_read);
}

void trans_device_write(struct trans *t, const struct site *s)
{
	emit_load32(&t->e, R8, CPU_FIELD(slow_gla));
	trans_call_site(t, s, t->r->call_device_write);
}

void trans_device_store(struct trans *t, struct site *s, struct hmem m)
{
	device_site(t, s, m);
	trans_call_site(t, s, t->r->call_device_store);
}
