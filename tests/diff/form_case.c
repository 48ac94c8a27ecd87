/* SPDX-License-Identifier: MIT */
/*
 * A case of one instruction, whose operands lie where the turn says, and hold what the instruction
 * asks for: a selector, a far pointer, a return address, an image.
 */
#include "emu/isa/isa.h"
#include "tests/diff/form.h"

#include <string.h>

#include "emu/cpu/cpu.h"

struct draft {
	struct diff_case *c;
	const struct case_layout *l;
	const struct form *f;
	u64 r;
	unsigned turn;
	bool code16;
	ZydisDecoder d;
	ZydisDecodedInstruction in;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	u32 target, size; /* linear address and size of the operand in memory */
	u32 stack;	  /* linear address of the top of the stack */
	u8 set;		  /* registers that have their value, by bit */
};

/* --- The bytes --- */

static bool decode(struct draft *d)
{
	struct case_insn *n = &d->c->insn[0];
	ZydisDecoderContext ctx;

	if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&d->d, &ctx, n->bytes, 15, &d->in)) ||
	    !ZYAN_SUCCESS(
		    ZydisDecoderDecodeOperands(&d->d, &ctx, &d->in, d->op, d->in.operand_count)))
		return false;
	n->len = d->in.length;
	return d->in.mnemonic == d->f->in.mnemonic;
}

/* A segment's name in front, where the mode has something there. */
static unsigned override(struct draft *d, u8 *b)
{
	static const u8 prefix[] = { 0x26, 0x36, 0x3e, 0x64, 0x65, 0x2e };
	unsigned known = d->c->mode == CASE_FLAT3 || d->c->mode == CASE_PAGED0 ? 3
			 : d->l->v86					       ? 6
			 : d->l->code16 || d->f->in.address_width == 32	       ? 5
									       : 4;

	/* GS of PAGED_SEGS wraps at 4 GiB, where 16-bit addresses do not come. */

	if (rnd_below(&d->r, 4))
		return 0;
	b[0] = prefix[rnd_below(&d->r, known)];
	return 1;
}

static void draw_bytes(struct draft *d)
{
	struct case_insn *n = &d->c->insn[0];
	const struct form *f = d->f;
	u8 *b = n->bytes;
	unsigned at, rm = rnd_below(&d->r, 8), mod = rnd_below(&d->r, 3);

	memset(n, 0, sizeof(*n));
	at = override(d, b);
	memcpy(b + at, f->head, f->len);
	if (f->head[0] == 0xc4 && f->len == 4 && rnd_below(&d->r, 2)) /* VEX.vvvv */
		b[at + 2] = (u8)((b[at + 2] & 0x87u) | (8 | rnd_below(&d->r, 8)) << 3);
	at += f->len;
	if (f->has_modrm) {
		unsigned reg = f->grouped ? f->reg : rnd_below(&d->r, 8);

		if (f->in.attributes & ZYDIS_ATTRIB_HAS_SIB)
			rm = 4;
		if (f->in.raw.modrm.mod == 3)
			mod = 3;
		b[at++] = (u8)(mod << 6 | reg << 3 | rm);
	}
	while (at < 15)
		b[at++] = (u8)(rnd(&d->r) >> 24);
}

static bool is_xsave(const struct draft *d)
{
	return d->f->in.meta.isa_ext == ZYDIS_ISA_EXT_XSAVE ||
	       d->f->in.meta.isa_ext == ZYDIS_ISA_EXT_XSAVEOPT;
}

/* --- Where operands lie --- */

static void set_reg(struct draft *d, int reg, u32 v, unsigned width)
{
	u32 *r = &d->c->start.gpr[reg];

	*r = width == 16 ? (*r & 0xffff0000) | (v & 0xffff) : v;
	d->set |= (u8)BIT(reg);
}

static unsigned segment_of(const ZydisDecodedOperand *o)
{
	return (unsigned)(o->mem.segment - ZYDIS_REGISTER_ES);
}

/* A linear address for so many bytes in a window, as the turn wants it. room: the window's size. */
static u32 place(struct draft *d, u32 window, u32 room, u32 size)
{
	u32 end = window + PAGE_SIZE * (1 + rnd_below(&d->r, room / PAGE_SIZE - 1));

	switch (d->turn % FORM_TURNS) {
	case 0:
		return end - PAGE_SIZE + 64 * (1 + rnd_below(&d->r, 16));
	case 1:
		if (size >= 512) /* FXSAVE's and XSAVE's, aligned: only the last bytes are beyond */
			return end - (size - 1) / 64 * 64;
		return end - 1 - (size > 1 ? rnd_below(&d->r, size - 1) : 0);
	default:
		if (size > 64)
			return end - 64 * (1 + rnd_below(&d->r, size / 64));
		return rnd_below(&d->r, 2) ? end : end - size;
	}
}

static u32 place_operand(struct draft *d, unsigned seg, u32 size)
{
	const struct case_layout *l = d->l;
	bool flat = !l->base[SEG_DS];

	if (seg == SEG_SS && !flat)
		return place(d, l->stack, l->stack_size, size);
	if (seg == SEG_CS && !flat)
		return l->code + 2 * PAGE_SIZE + 64 * rnd_below(&d->r, 16);
	if (seg >= SEG_FS && !flat) /* their bases are in the window */
		return place(d, l->data + PAGE_SIZE, l->data_size - PAGE_SIZE, size);
	return place(d, l->data, l->data_size, size);
}

/* Indices of a gather: small, all four of 32 bits or two of 64, in both halves. */
static void set_indices(struct draft *d, unsigned vector)
{
	for (unsigned i = 0; i < 32; i += 4) {
		bool high = d->in.opcode & 1 && (i & 4); /* of a 64-bit index */
		u32 v = high ? 0 : rnd_below(&d->r, 24);

		memcpy((i < 16 ? d->c->start.fx + 160 + 16 * vector
			       : d->c->start.upper + 16 * vector) +
			       (i & 15),
		       &v, 4);
	}
}

/* A mask that names most of the elements. */
static void set_mask(struct draft *d)
{
	unsigned mask = ~(unsigned)d->in.raw.vex.vvvv & 7;

	for (unsigned i = 3; i < 16; i += 4) {
		d->c->start.fx[160 + 16 * mask + i] |= rnd_below(&d->r, 4) ? 0x80 : 0;
		d->c->start.upper[16 * mask + i] |= rnd_below(&d->r, 4) ? 0x80 : 0;
	}
}

/* Base, index and displacement so that the operand is at d->target. */
static bool aim(struct draft *d, const ZydisDecodedOperand *o)
{
	unsigned seg = segment_of(o), width = d->in.address_width;
	int base = case_gpr(o->mem.base), index = case_gpr(o->mem.index);
	u32 offset, scaled = 0;

	if (index >= 0 && (index == base || index == REG_ESP))
		return false;
	if ((base >= 0 && (d->set & BIT(base))) || (index >= 0 && (d->set & BIT(index))))
		return false;
	if (base == REG_ESP)
		d->target = place(d, d->l->stack, d->l->stack_size, d->size);
	offset = d->target - d->l->base[seg] -
		 (o->mem.disp.has_displacement ? (u32)o->mem.disp.value : 0);
	if (index >= 0) {
		u32 i = rnd_below(&d->r, 64);

		set_reg(d, index, i, width);
		scaled = i * MAX(o->mem.scale, 1u);
	} else if (o->mem.index >= ZYDIS_REGISTER_XMM0 && o->mem.index <= ZYDIS_REGISTER_YMM7) {
		set_indices(d, (unsigned)(o->mem.index - ZYDIS_REGISTER_XMM0) & 7);
	}
	if (d->in.mnemonic == ZYDIS_MNEMONIC_XLAT)
		scaled = d->c->start.gpr[REG_EAX] & 0xff;
	if (base >= 0) {
		set_reg(d, base, offset - scaled, width);
	} else {
		struct case_insn *n = &d->c->insn[0];
		u32 disp = d->target - d->l->base[seg] - scaled;

		if (d->in.raw.disp.size != width)
			return false;
		memcpy(n->bytes + d->in.raw.disp.offset, &disp, width / 8);
	}
	if (base == REG_ESP)
		d->stack = d->l->base[SEG_SS] + d->c->start.gpr[REG_ESP];
	return true;
}

/* A bit string's register moves the operand: a little. */
static bool aim_bits(struct draft *d)
{
	int reg;

	if (!isa_is(&d->in, ISA_BITS) || d->op[1].type != ZYDIS_OPERAND_TYPE_REGISTER)
		return true;
	reg = case_gpr(d->op[1].reg.value);
	if (reg < 0 || (d->set & BIT(reg)) || reg == REG_ESP)
		return false;
	set_reg(d, reg, rnd_below(&d->r, 128) - 64, d->in.operand_width);
	return true;
}

static u32 operand_size(const struct draft *d, const ZydisDecodedOperand *o)
{
	return case_noted(&d->in, TEST_XSAVE) ? 832 : MAX(o->size / 8u, 1u);
}

/* Of a string: the part of it that a repeated instruction walks over. */
static u32 aim_string(struct draft *d, const ZydisDecodedOperand *o)
{
	u32 size = o->size / 8u, count = d->c->start.gpr[REG_ECX] & 0xffff, at;
	bool down = d->c->start.eflags & EFLAGS_DF;

	if (!form_repeats(&d->in) || count < 2)
		return place_operand(d, segment_of(o), size);
	at = place_operand(d, segment_of(o), size * count);
	return down ? at + size * (count - 1) : at;
}

static bool is_string(const ZydisDecodedInstruction *in)
{
	return in->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
	       ((in->opcode >= 0xa4 && in->opcode <= 0xa7) ||
		(in->opcode >= 0xaa && in->opcode <= 0xaf) ||
		(in->opcode >= 0x6c && in->opcode <= 0x6f));
}

static bool on_stack(const ZydisDecodedOperand *o)
{
	return o->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
	       (o->mem.base == ZYDIS_REGISTER_ESP || o->mem.base == ZYDIS_REGISTER_SP ||
		o->mem.base == ZYDIS_REGISTER_EBP || o->mem.base == ZYDIS_REGISTER_BP);
}

/* Bytes in one piece: CR2 of a fault is the first of them on the page that it is about. */
static bool in_one_piece(const struct draft *d)
{
	return !case_noted(&d->in, TEST_PIECES) && d->size <= 32 && !is_string(&d->in) &&
	       d->in.meta.branch_type != ZYDIS_BRANCH_TYPE_FAR;
}

/* A bit string, a gather and a repeated string reach beyond their operand. */
static void note_access(struct draft *d)
{
	struct diff_case *c = d->c;
	bool far = isa_is(&d->in, ISA_BITS) || form_repeats(&d->in) ||
		   (d->f->in.attributes & ZYDIS_ATTRIB_HAS_SIB);
	u32 margin = far ? 256 : 0;

	c->access[c->accesses++] = (struct case_access){ d->target - margin, d->size + 2 * margin,
							 !far && in_one_piece(d) };
}

static bool aim_all(struct draft *d)
{
	d->set = is_xsave(d) ? BIT(REG_EAX) : 0; /* the components, which stay */
	d->size = 1;
	d->target = 0;
	d->c->accesses = 0;
	for (unsigned i = 0; i < d->in.operand_count; i++) {
		const ZydisDecodedOperand *o = &d->op[i];

		if (o->type != ZYDIS_OPERAND_TYPE_MEMORY || on_stack(o))
			continue;
		d->size = operand_size(d, o);
		d->target = is_string(&d->in) ? aim_string(d, o)
					      : place_operand(d, segment_of(o), d->size);
		if (!aim(d, o))
			return false;
		note_access(d);
	}
	if (d->in.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX)
		set_mask(d);
	return aim_bits(d);
}

/* The top of the stack: in the middle of a page, or so that the words cross an end or begin there.
 */
static void place_stack(struct draft *d)
{
	u32 end = d->l->stack + PAGE_SIZE, size = d->in.operand_width == 16 ? 2 : 4;
	u32 *esp = &d->c->start.gpr[REG_ESP];

	d->stack = d->turn % FORM_TURNS == 0   ? end + 64 * rnd_below(&d->r, 8)
		   : d->turn % FORM_TURNS == 1 ? end - 40 + rnd_below(&d->r, 80)
					       : end + size * (rnd_below(&d->r, 5) - 2);
	*esp = d->stack - d->l->base[SEG_SS];
	/* A frame: somewhere above, so that what ENTER copies crosses an end, too. */
	if (d->in.mnemonic == ZYDIS_MNEMONIC_ENTER || d->in.mnemonic == ZYDIS_MNEMONIC_LEAVE)
		d->c->start.gpr[REG_EBP] = *esp + rnd_below(&d->r, 96);
}

/* --- What operands hold --- */

static void patch(struct draft *d, u32 at, const void *bytes, u8 len)
{
	struct case_patch *p;
	const struct case_layout *l = d->l;

	/* Not beyond a window, and not where the instruction has no such operand. */
	if ((at - l->data >= l->data_size || at + len - l->data > l->data_size) &&
	    (at - l->stack >= l->stack_size || at + len - l->stack > l->stack_size))
		return;
	p = &d->c->patch[d->c->patches++];
	p->at = at;
	p->len = len;
	memcpy(p->bytes, bytes, len);
}

/* n words of the operand size, at the operand or the top of the stack. */
static void patch_words(struct draft *d, u32 at, const u32 *words, unsigned n)
{
	unsigned size = d->in.operand_width == 16 ? 2 : 4;
	u8 bytes[16];

	for (unsigned i = 0; i < n; i++)
		memcpy(bytes + i * size, &words[i], size);
	patch(d, at, bytes, (u8)(n * size));
}

static void patch_table(struct draft *d, u32 base, u16 limit)
{
	u8 bytes[6];

	memcpy(bytes, &limit, 2);
	memcpy(bytes + 2, &base, 4);
	patch(d, d->target, bytes, 6);
}

/* 64 bytes of header: components 0 to 2, and zeros. */
static void patch_xsave(struct draft *d)
{
	u8 header[64] = { 7 };

	for (unsigned i = 0; i < 64; i += 16)
		patch(d, d->target + 512 + i, header + i, 16);
}

static bool loads_segment(const struct draft *d, unsigned *seg)
{
	for (unsigned i = 0; i < d->in.operand_count_visible; i++)
		if (d->op[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    (d->op[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) &&
		    ZydisRegisterGetClass(d->op[i].reg.value) == ZYDIS_REGCLASS_SEGMENT) {
			*seg = (unsigned)(d->op[i].reg.value - ZYDIS_REGISTER_ES);
			return true;
		}
	return false;
}

static void hold_transfer(struct draft *d)
{
	u32 flags = EFLAGS_ONE | EFLAGS_IF | ((u32)rnd(&d->r) & EFLAGS_ARITH) |
		    (d->c->start.eflags & EFLAGS_IOPL);
	u32 words[3] = { d->c->end, d->l->sel[SEG_CS], flags };
	u16 sel = d->l->sel[SEG_DS];
	bool far = d->in.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
	unsigned size = d->in.operand_width == 16 ? 2 : 4;

	switch (d->in.mnemonic) {
	case ZYDIS_MNEMONIC_RET:
		patch_words(d, d->stack, words, far ? 2 : 1);
		break;
	case ZYDIS_MNEMONIC_IRET:
	case ZYDIS_MNEMONIC_IRETD:
		patch_words(d, d->stack, words, 3);
		break;
	case ZYDIS_MNEMONIC_POPF:
	case ZYDIS_MNEMONIC_POPFD:
		patch_words(d, d->stack, words + 2, 1);
		break;
	case ZYDIS_MNEMONIC_CALL:
	case ZYDIS_MNEMONIC_JMP:
		patch_words(d, d->target, words, far ? 2 : 1);
		break;
	case ZYDIS_MNEMONIC_LSS:
		sel = d->l->sel[SEG_SS];
		/* fall through */
	case ZYDIS_MNEMONIC_LDS:
	case ZYDIS_MNEMONIC_LES:
	case ZYDIS_MNEMONIC_LFS:
	case ZYDIS_MNEMONIC_LGS:
		patch(d, d->target + size, &sel, 2);
		break;
	default:
		break;
	}
}

static void hold_system(struct draft *d)
{
	u16 word = 0;

	switch (d->in.mnemonic) {
	case ZYDIS_MNEMONIC_LGDT:
		patch_table(d, CASE_GDT, CASE_GDT_LIMIT);
		return;
	case ZYDIS_MNEMONIC_LIDT:
		patch_table(d, CASE_IDT, CASE_IDT_LIMIT);
		return;
	case ZYDIS_MNEMONIC_LLDT:
		word = CASE_SEL_LDT;
		break;
	case ZYDIS_MNEMONIC_LTR:
		word = CASE_SEL_TSS;
		break;
	case ZYDIS_MNEMONIC_LMSW:
		word = 3; /* PE, MP */
		break;
	case ZYDIS_MNEMONIC_LAR:
	case ZYDIS_MNEMONIC_LSL:
	case ZYDIS_MNEMONIC_VERR:
	case ZYDIS_MNEMONIC_VERW:
		word = d->l->sel[rnd_below(&d->r, 6)];
		break;
	default:
		return;
	}
	patch(d, d->target, &word, 2);
}

static void hold_fpu(struct draft *d)
{
	static const u16 control = 0x37f;
	static const u32 mxcsr = 0x1f80;

	switch (d->in.mnemonic) {
	case ZYDIS_MNEMONIC_XRSTOR:
		patch_xsave(d);
		/* fall through */
	case ZYDIS_MNEMONIC_FXRSTOR:
		patch(d, d->target + 24, &mxcsr, 4);
		/* fall through */
	case ZYDIS_MNEMONIC_FLDCW:
	case ZYDIS_MNEMONIC_FLDENV:
	case ZYDIS_MNEMONIC_FRSTOR:
		patch(d, d->target, &control, 2);
		break;
	case ZYDIS_MNEMONIC_XSAVE:
	case ZYDIS_MNEMONIC_XSAVEOPT:
		patch_xsave(d);
		break;
	case ZYDIS_MNEMONIC_LDMXCSR:
	case ZYDIS_MNEMONIC_VLDMXCSR:
		patch(d, d->target, &mxcsr, 4);
		break;
	default:
		break;
	}
}

static void hold(struct draft *d)
{
	unsigned seg;
	u16 sel;

	hold_transfer(d);
	hold_system(d);
	hold_fpu(d);
	if (loads_segment(d, &seg)) {
		sel = d->l->sel[seg];
		patch(d, d->in.mnemonic == ZYDIS_MNEMONIC_POP ? d->stack : d->target, &sel, 2);
	}
}

/* Immediates that a meaning hangs on; the others stay as they were drawn. */
static void set_immediates(struct draft *d)
{
	struct case_insn *n = &d->c->insn[0];
	u8 *imm = n->bytes + d->in.raw.imm[0].offset;

	if (d->in.raw.imm[0].is_relative) { /* CALL: the next instruction */
		memset(imm, 0, d->in.raw.imm[0].size / 8);
	} else if (d->in.mnemonic == ZYDIS_MNEMONIC_ENTER) {
		imm[1] = 0;
		imm[2] = (u8)rnd_below(&d->r, 6);
	} else if (d->in.mnemonic == ZYDIS_MNEMONIC_INT) {
		imm[0] = 0x40;
	} else if (d->in.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR &&
		   d->op[0].type == ZYDIS_OPERAND_TYPE_POINTER) {
		unsigned size = d->in.operand_width / 8;

		memcpy(n->bytes + n->len - 2 - size, &d->c->end, size);
		memcpy(n->bytes + n->len - 2, &d->l->sel[SEG_CS], 2);
	}
}

static bool native_differs(const struct draft *d)
{
	unsigned seg;

	if (case_noted(&d->in, TEST_NOT_NATIVE))
		return true;
	if (case_noted(&d->in, TEST_W))
		return d->in.raw.vex.W;
	if (!loads_segment(d, &seg))
		return false;
	/* Whether POP reads the upper half of a selector's word. FS and GS are the program's. */
	return seg >= SEG_FS || (d->in.mnemonic == ZYDIS_MNEMONIC_POP &&
				 (d->stack & (PAGE_SIZE - 1)) > PAGE_SIZE - 4);
}

static void start_state(struct draft *d)
{
	struct case_state *s = &d->c->start;
	static const u32 counts[] = { 0, 1, 0 };

	for (unsigned i = 0; i < 8; i++)
		s->gpr[i] = (u32)(rnd(&d->r) >> 16);
	s->gpr[REG_ESP] = d->l->esp;
	s->eflags = EFLAGS_ONE | ((u32)rnd(&d->r) & EFLAGS_ARITH);
	if (d->l->v86)
		s->eflags |= EFLAGS_VM;
	if (d->l->cpl == 3 && d->c->mode != CASE_FLAT3)
		s->eflags |= EFLAGS_IOPL;
	memcpy(s->sel, d->l->sel, sizeof(s->sel));
	case_fpu_state(&d->r, GEN_MASKED, s->fx);
	for (unsigned i = 0; i < sizeof(s->upper); i++)
		s->upper[i] = (u8)(rnd(&d->r) >> 24);
	if (is_xsave(d)) {
		s->gpr[REG_EAX] = 7;
		s->gpr[REG_EDX] = 0;
	}
	if (d->l->v86) /* a port that the I/O map permits */
		s->gpr[REG_EDX] = rnd_below(&d->r, 64);
	if (form_repeats(&d->f->in)) {
		u32 n = counts[d->turn % 3];

		if (d->turn % 3 == 2)
			n = 2 + rnd_below(&d->r, 20);
		set_reg(d, REG_ECX, n, d->f->in.address_width);
	}
}

bool form_case(struct diff_case *c, const struct form *f, enum case_mode mode, u64 seed, u64 index,
	       unsigned turn)
{
	const struct case_layout *l = case_layout(mode);
	struct draft d = { .c = c, .l = l, .f = f, .code16 = l->code16 };
	bool found = false;

	memset(c, 0, sizeof(*c));
	c->mode = mode;
	c->seed = seed;
	c->index = index;
	c->insns = 1;
	d.r = (seed + 1) * 0x9e3779b97f4a7c15ull ^ (index + 1) * 0xd1342543de82ef95ull;
	for (unsigned i = 0; i < 4; i++)
		rnd(&d.r);
	d.turn = turn;
	ZydisDecoderInit(&d.d,
			 l->code16 ? ZYDIS_MACHINE_MODE_LEGACY_16 : ZYDIS_MACHINE_MODE_LEGACY_32,
			 l->code16 ? ZYDIS_STACK_WIDTH_16 : ZYDIS_STACK_WIDTH_32);
	/* 3Eh is DS, not NOTRACK. */
	ZydisDecoderEnableMode(&d.d, ZYDIS_DECODER_MODE_CET, ZYAN_FALSE);
	for (unsigned tries = 0; tries < 200 && !found; tries++) {
		start_state(&d);
		draw_bytes(&d);
		if (!decode(&d))
			continue;
		place_stack(&d);
		found = aim_all(&d);
	}
	if (!found)
		return false;
	c->code_offset = rnd_below(&d.r, 4) || c->insn[0].len < 2
				 ? rnd_below(&d.r, 0x800)
				 : PAGE_SIZE - 1 - rnd_below(&d.r, c->insn[0].len - 1u);
	case_assemble(c);
	set_immediates(&d);
	decode(&d);
	hold(&d);
	case_assemble(c);
	c->not_native = native_differs(&d);
	c->stepped = !rnd_below(&d.r, 4);
	return true;
}
