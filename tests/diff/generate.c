/* SPDX-License-Identifier: MIT */
/*
 * Random instruction sequences. Opcodes are drawn at random and kept if Zydis knows them and the
 * mode's rules allow them; memory operands are directed into the data window by loading the base
 * register first, or left to chance; branches lead to one of the next instructions.
 */
#include <string.h>

#include "emu/cpu/cpu.h"
#include "tests/diff/case.h"

struct gen {
	struct diff_case *c;
	const struct case_layout *l;
	u64 r;
	unsigned what;
	ZydisDecoder d;
};

static const u32 interesting[] = { 0,	   1,	    2,		0xffffffff, 0x80000000, 0x7fffffff,
				   0x8000, 0x7fff,  0xffff,	0x80,	    0x7f,	0xff,
				   0x100,  0x10000, 0xfffffffe, 0x55555555, 0xaaaaaaaa, 0x12345678,
				   31,	   32,	    33,		0xf0f0f0f0, 0x99,	0x9999 };

static u32 value(u64 *r)
{
	u32 v = rnd_below(r, 3) ? interesting[rnd_below(r, ARRAY_SIZE(interesting))]
				: (u32)(rnd(r) >> 16);

	return rnd_below(r, 4) ? v : v + rnd_below(r, 3) - 1;
}

/* An offset in a segment with the data window's base that most operands fit into. */
static u32 data_offset(struct gen *g)
{
	u32 at = 0x1000 + rnd_below(&g->r, 0x2000), room = g->l->data_size;

	if (!rnd_below(&g->r, 16)) /* the end of the window, and a page boundary */
		at = (rnd_below(&g->r, 2) ? room : 0x2000) - rnd_below(&g->r, 20);
	if (rnd_below(&g->r, 2))
		at &= ~15u;
	return g->l->data + at - g->l->base[SEG_DS];
}

/* --- Instructions that a case may not hold --- */

static bool undefined_by_design(const ZydisDecodedInstruction *in)
{
	switch (in->meta.isa_set) {
	case ZYDIS_ISA_SET_I86:
	case ZYDIS_ISA_SET_I186:
	case ZYDIS_ISA_SET_I286PROTECTED:
	case ZYDIS_ISA_SET_I286REAL:
	case ZYDIS_ISA_SET_I386:
	case ZYDIS_ISA_SET_I486:
	case ZYDIS_ISA_SET_I486REAL:
	case ZYDIS_ISA_SET_PENTIUMREAL:
	case ZYDIS_ISA_SET_PENTIUMMMX:
	case ZYDIS_ISA_SET_PPRO:
	case ZYDIS_ISA_SET_CMOV:
	case ZYDIS_ISA_SET_FCMOV:
	case ZYDIS_ISA_SET_X87:
	case ZYDIS_ISA_SET_FXSAVE:
	case ZYDIS_ISA_SET_SSE:
	case ZYDIS_ISA_SET_SSEMXCSR:
	case ZYDIS_ISA_SET_SSE2:
	case ZYDIS_ISA_SET_SSE2MMX:
	case ZYDIS_ISA_SET_SSE3:
	case ZYDIS_ISA_SET_SSE3X87:
	case ZYDIS_ISA_SET_SSSE3:
	case ZYDIS_ISA_SET_SSSE3MMX:
	case ZYDIS_ISA_SET_SSE4:
	case ZYDIS_ISA_SET_SSE42:
	case ZYDIS_ISA_SET_LAHF:
	case ZYDIS_ISA_SET_PAUSE:
	case ZYDIS_ISA_SET_POPCNT:
	case ZYDIS_ISA_SET_FAT_NOP:
		return false;
	default:
		return true;
	}
}

static unsigned repeats(const ZydisDecodedInstruction *in)
{
	unsigned n = 0;

	for (unsigned i = 0; i < in->raw.prefix_count; i++)
		n += in->raw.prefixes[i].value >= 0xf2 ||
		     (in->raw.prefixes[i].value == 0x66 && in->meta.isa_ext != ZYDIS_ISA_EXT_BASE);
	return n;
}

/* Encodings that Unicorn 2.0 does not know: TEST as F6/F7 /1, hints with a register. */
static bool unknown_to_unicorn(const ZydisDecodedInstruction *in, bool code16)
{
	bool reg = in->raw.modrm.mod == 3;

	if (in->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && (in->opcode | 1) == 0xf7 &&
	    in->raw.modrm.reg == 1)
		return true;
	if (in->opcode_map == ZYDIS_OPCODE_MAP_0F && in->opcode >= 0x18 && in->opcode <= 0x1f &&
	    reg)
		return true;
	if (in->mnemonic == ZYDIS_MNEMONIC_LOOPE || in->mnemonic == ZYDIS_MNEMONIC_LOOPNE ||
	    in->mnemonic == ZYDIS_MNEMONIC_CMPXCHG8B)
		return true; /* it loses flags that it has not computed yet */
	if (repeats(in) > 1)
		return true; /* F2 and F3 (and, of SSE, 66) together: it takes another than
				processors do */
	/* A stray jump in CPL 0 leads to what is not to be generated. */
	if ((in->mnemonic == ZYDIS_MNEMONIC_JMP || in->mnemonic == ZYDIS_MNEMONIC_CALL) &&
	    !in->raw.imm[0].is_relative &&
	    (!reg || in->raw.modrm.rm == REG_ESP || in->operand_width != (code16 ? 16 : 32)))
		return true;
	/* A far pointer that wraps at 64 KiB: processors differ, and the manual is silent. */
	if (in->address_width == 16 &&
	    (in->mnemonic == ZYDIS_MNEMONIC_LDS || in->mnemonic == ZYDIS_MNEMONIC_LES ||
	     in->mnemonic == ZYDIS_MNEMONIC_LFS || in->mnemonic == ZYDIS_MNEMONIC_LGS ||
	     in->mnemonic == ZYDIS_MNEMONIC_LSS))
		return true;
	/* Flags of LOCK NEG; EBP of an ENTER whose operand size is not the stack's. */
	if (in->mnemonic == ZYDIS_MNEMONIC_NEG && (in->attributes & ZYDIS_ATTRIB_HAS_LOCK))
		return true;
	if (in->mnemonic == ZYDIS_MNEMONIC_ENTER && in->operand_width != (code16 ? 16 : 32))
		return true;
	/* SSSE3 on MMX registers leaves TOP alone; predicates above 7 are no reserved bits to it.
	 */
	if (in->mnemonic == ZYDIS_MNEMONIC_CRC32 && code16) /* of 16 bits: it takes 32 */
		return true;
	if (in->meta.isa_ext == ZYDIS_ISA_EXT_MMX && !reg && in->opcode >= 0x60 &&
	    in->opcode <= 0x62)
		return true; /* PUNPCKL: it reads 8 bytes for 4 */
	if (in->meta.isa_set == ZYDIS_ISA_SET_SSSE3MMX || in->meta.isa_set == ZYDIS_ISA_SET_SSE3X87)
		return true;
	if (in->opcode_map == ZYDIS_OPCODE_MAP_0F && in->opcode == 0xc2)
		return true;
	/* It loses its way when a 16-bit operand size cuts EIP. */
	if (in->meta.branch_type != ZYDIS_BRANCH_TYPE_NONE && in->operand_width == 16 && !code16)
		return true;
	return false;
}

/* Would unmask exceptions. */
static bool loads_masks(const ZydisDecodedInstruction *in)
{
	switch (in->mnemonic) {
	case ZYDIS_MNEMONIC_FLDCW:
	case ZYDIS_MNEMONIC_FLDENV:
	case ZYDIS_MNEMONIC_FRSTOR:
	case ZYDIS_MNEMONIC_FXRSTOR:
	case ZYDIS_MNEMONIC_LDMXCSR:
		return true;
	default:
		return false;
	}
}

/* Not reproducible, or reaches outside the case. */
static bool out_of_scope(const struct gen *g, const ZydisDecodedInstruction *in)
{
	switch (in->mnemonic) {
	case ZYDIS_MNEMONIC_RDTSC:
	case ZYDIS_MNEMONIC_RDTSCP:
	case ZYDIS_MNEMONIC_RDPMC:
	case ZYDIS_MNEMONIC_CPUID:
	case ZYDIS_MNEMONIC_SYSENTER:
	case ZYDIS_MNEMONIC_SYSEXIT:
	case ZYDIS_MNEMONIC_SYSCALL:
	case ZYDIS_MNEMONIC_SYSRET:
	case ZYDIS_MNEMONIC_RSM:
	case ZYDIS_MNEMONIC_UD0:
	case ZYDIS_MNEMONIC_UD1:
	case ZYDIS_MNEMONIC_UD2:
	case ZYDIS_MNEMONIC_INT1:
	case ZYDIS_MNEMONIC_SGDT: /* the tables lie elsewhere on each processor */
	case ZYDIS_MNEMONIC_SIDT:
	case ZYDIS_MNEMONIC_SLDT:
	case ZYDIS_MNEMONIC_STR:
	case ZYDIS_MNEMONIC_SMSW:
	case ZYDIS_MNEMONIC_RDMSR: /* each has its own set */
	case ZYDIS_MNEMONIC_WRMSR:
	case ZYDIS_MNEMONIC_LGDT: /* nothing would work any more */
	case ZYDIS_MNEMONIC_LIDT:
	case ZYDIS_MNEMONIC_LLDT:
	case ZYDIS_MNEMONIC_LTR:
	case ZYDIS_MNEMONIC_LMSW:
	case ZYDIS_MNEMONIC_FXSAVE: /* images hold FIP, FDP and reserved bytes */
	case ZYDIS_MNEMONIC_FNSAVE:
	case ZYDIS_MNEMONIC_FNSTENV:
		return true;
	case ZYDIS_MNEMONIC_LAR: /* where the tables are the case's */
	case ZYDIS_MNEMONIC_LSL:
	case ZYDIS_MNEMONIC_VERR:
	case ZYDIS_MNEMONIC_VERW:
		return !(g->what & GEN_SYSTEM);
	case ZYDIS_MNEMONIC_HLT: /* #GP in CPL 3; elsewhere it halts, with nobody to wake it */
		return g->c->mode != CASE_FLAT3;
	case ZYDIS_MNEMONIC_INT:
		/* Linux's own; elsewhere, gates are in CPL 0's reach only, and frames have no error
		 * code. */
		if (g->c->mode == CASE_FLAT3 || g->c->mode == CASE_V86)
			return g->what & GEN_NATIVE ? in->raw.imm[0].value.u == 0x80 : true;
		return in->raw.imm[0].value.u < 32;
	default:
		break;
	}
	if (in->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR || in->mnemonic == ZYDIS_MNEMONIC_IRET ||
	    in->mnemonic == ZYDIS_MNEMONIC_IRETD)
		return true;
	return !(g->what & GEN_SYSTEM) && in->meta.category == ZYDIS_CATEGORY_SYSTEM &&
	       in->mnemonic != ZYDIS_MNEMONIC_HLT;
}

static bool touches_segment(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op)
{
	/* Explicit operands only: every memory operand implies one. */
	for (unsigned i = 0; i < in->operand_count_visible; i++)
		if (op[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    ZydisRegisterGetClass(op[i].reg.value) == ZYDIS_REGCLASS_SEGMENT)
			return true;
	switch (in->mnemonic) {
	case ZYDIS_MNEMONIC_LDS:
	case ZYDIS_MNEMONIC_LES:
	case ZYDIS_MNEMONIC_LFS:
	case ZYDIS_MNEMONIC_LGS:
	case ZYDIS_MNEMONIC_LSS:
		return true;
	default:
		return false;
	}
}

/* In CPL 0 they would change the mode, or stop at breakpoints. */
static bool touches_control(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op)
{
	for (unsigned i = 0; i < in->operand_count_visible; i++) {
		ZydisRegisterClass class = ZydisRegisterGetClass(op[i].reg.value);

		if (op[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    (class == ZYDIS_REGCLASS_CONTROL || class == ZYDIS_REGCLASS_DEBUG ||
		     class == ZYDIS_REGCLASS_TEST))
			return true;
	}
	return false;
}

static bool uses_fs_gs(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op)
{
	for (unsigned i = 0; i < in->operand_count; i++)
		if (op[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    (op[i].mem.segment == ZYDIS_REGISTER_FS ||
		     op[i].mem.segment == ZYDIS_REGISTER_GS))
			return true;
	return false;
}

static bool allowed(const struct gen *g, const ZydisDecodedInstruction *in,
		    const ZydisDecodedOperand *op)
{
	unsigned on = g->what & GEN_NATIVE ? EXCEPT_ON_NATIVE : EXCEPT_ON_UNICORN;

	if (in->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY || undefined_by_design(in) ||
	    out_of_scope(g, in) || case_exception(in, on, EXCEPT_SKIP))
		return false;
	if ((g->what & GEN_MASKED) && loads_masks(in))
		return false;
	if (in->meta.isa_ext == ZYDIS_ISA_EXT_X87 && !(g->what & GEN_X87))
		return false;
	if (in->meta.isa_ext != ZYDIS_ISA_EXT_X87 && in->meta.isa_ext != ZYDIS_ISA_EXT_BASE &&
	    !(g->what & GEN_SSE))
		return false;
	if (touches_segment(in, op) && !(g->what & GEN_SYSTEM))
		return false;
	/* SDM 2B, PUSHF: VM is 0 in the image; Unicorn shows it. */
	if (in->mnemonic == ZYDIS_MNEMONIC_PUSHFD && g->c->mode == CASE_V86)
		return false;
	if (!(g->what & GEN_NATIVE) && unknown_to_unicorn(in, g->l->code16))
		return false;
	/* Unicorn looks neither at IOPL nor at the TSS. */
	if (!(g->what & GEN_NATIVE) && (g->c->mode == CASE_FLAT3 || g->c->mode == CASE_V86) &&
	    (in->meta.category == ZYDIS_CATEGORY_IO ||
	     in->meta.category == ZYDIS_CATEGORY_IOSTRINGOP))
		return false;
	/* Undefined results; the native CPU agrees with us, being the same. */
	if (!(g->what & GEN_NATIVE) && in->operand_width == 16 &&
	    (in->mnemonic == ZYDIS_MNEMONIC_BSWAP || in->mnemonic == ZYDIS_MNEMONIC_SHLD ||
	     in->mnemonic == ZYDIS_MNEMONIC_SHRD))
		return false;
	if ((!(g->what & GEN_NATIVE) || g->c->mode != CASE_FLAT3) && touches_control(in, op))
		return false;
	if ((g->what & GEN_NATIVE) && uses_fs_gs(in, op))
		return false;
	/* REP before a branch is reserved; AMD's LOOPNE takes it for something else. */
	if (in->meta.category == ZYDIS_CATEGORY_COND_BR)
		for (unsigned i = 0; i < in->raw.prefix_count; i++)
			if (in->raw.prefixes[i].value >= 0xf2)
				return false;
	return true;
}

/* --- Building one instruction --- */

static struct case_insn *add(struct gen *g)
{
	struct case_insn *n = &g->c->insn[g->c->insns++];

	memset(n, 0, sizeof(*n));
	return n;
}

static void put(struct case_insn *n, unsigned at, u32 v, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		n->bytes[at + i] = (u8)(v >> 8 * i);
}

/* mov reg, imm of the address size; with a 66h prefix where that is not the default. */
static void add_mov(struct gen *g, unsigned reg, u32 v, unsigned size)
{
	struct case_insn *n = add(g);

	if ((size == 2) != g->l->code16)
		n->bytes[n->len++] = 0x66;
	n->bytes[n->len++] = (u8)(0xb8 | reg);
	put(n, n->len, v, size);
	n->len = (u8)(n->len + size);
}

static int gpr_of(ZydisRegister r)
{
	if (r >= ZYDIS_REGISTER_EAX && r <= ZYDIS_REGISTER_EDI)
		return (int)(r - ZYDIS_REGISTER_EAX);
	if (r >= ZYDIS_REGISTER_AX && r <= ZYDIS_REGISTER_DI)
		return (int)(r - ZYDIS_REGISTER_AX);
	return -1;
}

/* Loads base and index so that the operand falls into the data window. */
static void direct(struct gen *g, const ZydisDecodedInstruction *in, const ZydisDecodedOperand *o)
{
	unsigned size = in->address_width == 16 ? 2 : 4;
	int base = gpr_of(o->mem.base), index = gpr_of(o->mem.index);
	u32 at = data_offset(g) - (u32)o->mem.disp.value, scaled = 0;

	if (base == REG_ESP)
		return;
	if (index >= 0 && index != base) {
		u32 i = rnd_below(&g->r, 64);

		add_mov(g, (unsigned)index, i, size);
		scaled = i * MAX(o->mem.scale, 1);
	} else if (index >= 0) { /* [reg + reg * s] */
		at /= 1u + MAX(o->mem.scale, 1);
	}
	if (base >= 0)
		add_mov(g, (unsigned)base, at - scaled, size);
	else if (index >= 0 && o->mem.scale)
		g->c->insn[g->c->insns - 1].len = g->c->insn[g->c->insns - 1].len; /* disp only */
}

/* String instructions: pointers and a small count. */
static void direct_string(struct gen *g, const ZydisDecodedInstruction *in)
{
	unsigned size = in->address_width == 16 ? 2 : 4;

	add_mov(g, REG_ESI, data_offset(g), size);
	add_mov(g, REG_EDI, data_offset(g), size);
	if (in->attributes &
	    (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE))
		add_mov(g, REG_ECX, rnd_below(&g->r, 20), size);
}

static bool is_string(const ZydisDecodedInstruction *in)
{
	return in->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
	       ((in->opcode >= 0xa4 && in->opcode <= 0xa7) ||
		(in->opcode >= 0xaa && in->opcode <= 0xaf) ||
		(in->opcode >= 0x6c && in->opcode <= 0x6f));
}

/* Draws bytes until they are an instruction. Returns false if it found none. */
static bool draw(struct gen *g, u8 *b, ZydisDecodedInstruction *in, ZydisDecodedOperand *op)
{
	for (unsigned tries = 0; tries < 400; tries++) {
		ZydisDecoderContext ctx;
		unsigned n = 0, start;
		u32 kind = rnd_below(&g->r, 100);

		while (n < 3 && !rnd_below(&g->r, 6)) {
			static const u8 prefix[] = { 0x66, 0x66, 0x66, 0xf2, 0xf3, 0xf0, 0x67,
						     0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65 };

			b[n++] = prefix[rnd_below(&g->r, sizeof(prefix))];
		}
		if ((g->what & GEN_X87) && kind < 8) {
			b[n++] = (u8)(0xd8 + rnd_below(&g->r, 8));
		} else if (kind < 55) {
			b[n++] = (u8)rnd(&g->r);
		} else if (kind < 90 || !(g->what & GEN_SSE)) {
			b[n++] = 0x0f;
			b[n++] = (u8)(rnd(&g->r) >> 8);
		} else {
			static const u8 sse_prefix[] = { 0x66, 0xf2, 0xf3 };

			if (rnd_below(&g->r, 2))
				b[n++] = sse_prefix[rnd_below(&g->r, 3)];
			b[n++] = 0x0f;
			if (rnd_below(&g->r, 2))
				b[n++] = rnd_below(&g->r, 2) ? 0x38 : 0x3a;
			b[n++] = (u8)(rnd(&g->r) >> 8);
		}
		start = n;
		while (n < 16)
			b[n++] = (u8)(rnd(&g->r) >> 24);
		if (rnd_below(&g->r, 2)) /* registers more often than one time in four */
			b[start] |= 0xc0;
		if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&g->d, &ctx, b, 15, in)) ||
		    !ZYAN_SUCCESS(
			    ZydisDecoderDecodeOperands(&g->d, &ctx, in, op, in->operand_count)))
			continue;
		if (allowed(g, in, op))
			return true;
	}
	return false;
}

static void edit_immediates(struct gen *g, struct case_insn *n, const ZydisDecodedInstruction *in)
{
	for (unsigned i = 0; i < 2; i++)
		if (in->raw.imm[i].size && !in->raw.imm[i].is_relative)
			put(n, in->raw.imm[i].offset, value(&g->r), in->raw.imm[i].size / 8);
}

/* What Unicorn does otherwise, kept out of its way. */
static void edit_for_unicorn(struct gen *g, struct case_insn *n, const ZydisDecodedInstruction *in)
{
	if (g->what & GEN_NATIVE)
		return;
	if (in->mnemonic == ZYDIS_MNEMONIC_RET && in->raw.imm[0].size) /* takes it as signed */
		n->bytes[in->raw.imm[0].offset + 1] &= 0x7f;
	/* Does not look whether the new top of the stack can be written (SDM 2A, ENTER). */
	if (in->mnemonic == ZYDIS_MNEMONIC_ENTER)
		n->bytes[in->raw.imm[0].offset + 1] &= 1;
}

static void edit_displacement(struct gen *g, struct case_insn *n, const ZydisDecodedInstruction *in,
			      const ZydisDecodedOperand *o)
{
	u32 disp = rnd_below(&g->r, 0x400) - 0x200;

	if (!in->raw.disp.size)
		return;
	if (o->mem.base == ZYDIS_REGISTER_NONE)
		disp = data_offset(g);
	put(n, in->raw.disp.offset, disp, in->raw.disp.size / 8);
}

/* Leaves only flags that the manual defines: what the instruction may set as it likes is cleared.
 */
static void add_clear(struct gen *g, struct case_insn *n, u32 flags)
{
	u8 *p = n->bytes + n->len;

	if (!flags)
		return;
	g->c->undefined |= flags;
	/* pushf; and [esp], ~flags; popf, of the code's own size */
	*p++ = 0x9c;
	if (g->l->code16)
		*p++ = 0x67;
	*p++ = 0x81;
	*p++ = 0x24;
	*p++ = 0x24;
	flags = ~flags;
	memcpy(p, &flags, g->l->code16 ? 2 : 4);
	p += g->l->code16 ? 2 : 4;
	*p++ = 0x9d;
	n->len = (u8)(p - n->bytes);
}

static u32 undefined_flags(const ZydisDecodedInstruction *in)
{
	u32 flags = in->cpu_flags ? (u32)in->cpu_flags->undefined : 0;

	switch (in->mnemonic) {
	/* AF after logic; OF and AF after shifts by more than one: the count is not looked at */
	case ZYDIS_MNEMONIC_SHL:
	case ZYDIS_MNEMONIC_SHR:
	case ZYDIS_MNEMONIC_SAR:
	case ZYDIS_MNEMONIC_SHLD:
	case ZYDIS_MNEMONIC_SHRD:
	case ZYDIS_MNEMONIC_ROL:
	case ZYDIS_MNEMONIC_ROR:
	case ZYDIS_MNEMONIC_RCL:
	case ZYDIS_MNEMONIC_RCR:
		return flags | EFLAGS_OF | EFLAGS_AF;
	default:
		return flags;
	}
}

static bool bcd(const ZydisDecodedInstruction *in)
{
	return in->meta.category == ZYDIS_CATEGORY_DECIMAL;
}

/* A selector that means something, for what takes one from a register. */
static void direct_selector(struct gen *g, const ZydisDecodedInstruction *in,
			    const ZydisDecodedOperand *op)
{
	bool system = in->mnemonic >= ZYDIS_MNEMONIC_VERR && in->mnemonic <= ZYDIS_MNEMONIC_VERW;
	const ZydisDecodedOperand *src = &op[system ? 0 : 1];
	u32 sel = g->l->sel[rnd_below(&g->r, 6)];

	if (!system && in->mnemonic != ZYDIS_MNEMONIC_LAR && in->mnemonic != ZYDIS_MNEMONIC_LSL &&
	    !touches_segment(in, op))
		return;
	if (src->type != ZYDIS_OPERAND_TYPE_REGISTER || gpr_of(src->reg.value) < 0 ||
	    gpr_of(src->reg.value) == REG_ESP || !rnd_below(&g->r, 4))
		return;
	if (!rnd_below(&g->r, 3))
		sel = (rnd_below(&g->r, 17) << 3) | rnd_below(&g->r, 4);
	add_mov(g, (unsigned)gpr_of(src->reg.value), sel, g->l->code16 ? 2 : 4);
}

static bool indirect(const ZydisDecodedInstruction *in)
{
	return (in->mnemonic == ZYDIS_MNEMONIC_JMP || in->mnemonic == ZYDIS_MNEMONIC_CALL) &&
	       !in->raw.imm[0].is_relative;
}

/* JMP and CALL by a register: to a place in the case, which is loaded first. */
static void direct_jump(struct gen *g, const ZydisDecodedInstruction *in,
			const ZydisDecodedOperand *o)
{
	unsigned size = in->operand_width / 8u;
	struct case_insn *n;

	if (gpr_of(o->reg.value) == REG_ESP || size != (g->l->code16 ? 2 : 4))
		return;
	add_mov(g, (unsigned)gpr_of(o->reg.value), 0, size);
	n = &g->c->insn[g->c->insns - 1];
	n->abs_at = (u8)(n->len - size);
	n->skip = (u8)(2 + rnd_below(&g->r, 2));
}

/* Undefined everywhere: each with the ModRM that makes it so, or any (0). */
static const struct {
	u8 len, bytes[3];
	u8 modrm, mask; /* bits of ModRM that are given */
} ud[] = {
	{ 2, { 0x0f, 0x0b }, 0, 0 },	   { 2, { 0x0f, 0xff }, 0, 0 },
	{ 2, { 0x0f, 0xb9 }, 0, 0 },	   { 2, { 0x0f, 0x04 }, 0, 0 },
	{ 2, { 0x0f, 0x0a }, 0, 0 },	   { 2, { 0x0f, 0x24 }, 0xc0, 0xc0 },
	{ 2, { 0x0f, 0x36 }, 0, 0 },	   { 1, { 0x8c }, 0x30, 0x38 },
	{ 1, { 0x8c }, 0x38, 0x38 },	   { 1, { 0x8e }, 0x08, 0x38 },
	{ 1, { 0x8e }, 0x30, 0x38 },	   { 1, { 0xfe }, 0x10, 0x38 },
	{ 1, { 0xfe }, 0x38, 0x38 },	   { 1, { 0xff }, 0x38, 0x38 },
	{ 1, { 0xff }, 0xd8, 0xf8 },	   { 1, { 0xff }, 0xe8, 0xf8 },
	{ 1, { 0xc6 }, 0x08, 0x38 },	   { 1, { 0xc7 }, 0x10, 0x38 },
	{ 2, { 0x0f, 0xba }, 0x00, 0x38 }, { 2, { 0x0f, 0xba }, 0x18, 0x38 },
	{ 2, { 0x0f, 0xc7 }, 0xc8, 0xf8 }, { 2, { 0x0f, 0x71 }, 0xc0, 0xf8 },
	{ 1, { 0x8d }, 0xc0, 0xc0 },	   { 1, { 0x62 }, 0xc0, 0xf0 },
	{ 1, { 0xd9 }, 0xd1, 0xff },	   { 1, { 0xd9 }, 0xe2, 0xff },
	{ 1, { 0xda }, 0xe0, 0xf8 },	   { 1, { 0xdf }, 0xe1, 0xff },
	{ 2, { 0x0f, 0x38 }, 0, 0 },
};

static void add_undefined(struct gen *g)
{
	unsigned i = rnd_below(&g->r, ARRAY_SIZE(ud));
	struct case_insn *n = add(g);

	for (unsigned k = 0; k < ud[i].len; k++)
		n->bytes[n->len++] = ud[i].bytes[k];
	if (ud[i].bytes[1] == 0x38) /* a map's empty place */
		n->bytes[n->len++] = 0x2f | 0x80;
	n->bytes[n->len] = (u8)(((u8)rnd(&g->r) & ~ud[i].mask) | ud[i].modrm);
	n->len = (u8)(n->len + 7);
}

/* What is legal, but for a LOCK that it may not have. */
static void add_locked(struct gen *g)
{
	ZydisDecodedInstruction in;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	u8 bytes[20] = { 0xf0 };

	if (!draw(g, bytes + 1, &in, op) || touches_control(&in, op) ||
	    in.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE ||
	    (in.attributes & ZYDIS_ATTRIB_ACCEPTS_LOCK) || in.length == 15)
		return;

	struct case_insn *n = add(g);

	n->len = (u8)(in.length + 1);
	memcpy(n->bytes, bytes, n->len);
}

/* Prefixes to the limit of 15 bytes, or beyond it. */
static void add_long(struct gen *g)
{
	ZydisDecodedInstruction in;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	unsigned want = 14 + rnd_below(&g->r, 4), pad;
	u8 bytes[16];

	if (!draw(g, bytes, &in, op) || in.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE || bcd(&in))
		return;

	struct case_insn *n = add(g);

	pad = want > in.length ? want - in.length : 0;
	memset(n->bytes, 0x3e, pad);
	memcpy(n->bytes + pad, bytes, in.length);
	n->len = (u8)(pad + in.length);
}

static void add_illegal(struct gen *g)
{
	switch (rnd_below(&g->r, 3)) {
	case 0:
		add_undefined(g);
		break;
	case 1:
		add_locked(g);
		break;
	default:
		add_long(g);
	}
}

static void one(struct gen *g)
{
	ZydisDecodedInstruction in;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	struct case_insn draft = { 0 }, *n;
	int mem = -1;

	if ((g->what & GEN_NATIVE) && !rnd_below(&g->r, 24)) {
		add_illegal(g);
		return;
	}
	if (!draw(g, draft.bytes, &in, op))
		return;
	draft.len = in.length;
	for (unsigned i = 0; i < in.operand_count_visible; i++)
		if (op[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
			mem = (int)i;
	if (in.mnemonic != ZYDIS_MNEMONIC_INT)
		edit_immediates(g, &draft, &in);
	edit_for_unicorn(g, &draft, &in);
	if (is_string(&in)) {
		direct_string(g, &in);
	} else if (mem >= 0) {
		ZydisDecoderContext ctx;

		edit_displacement(g, &draft, &in, &op[mem]);
		ZydisDecoderDecodeInstruction(&g->d, &ctx, draft.bytes, 15, &in);
		ZydisDecoderDecodeOperands(&g->d, &ctx, &in, op, in.operand_count);
		if (rnd_below(&g->r, 12))
			direct(g, &in, &op[mem]);
	} else if (in.mnemonic == ZYDIS_MNEMONIC_XLAT) {
		add_mov(g, REG_EBX, data_offset(g), in.address_width == 16 ? 2 : 4);
	}
	if (g->what & GEN_SYSTEM)
		direct_selector(g, &in, op);
	if (indirect(&in) && op[0].type == ZYDIS_OPERAND_TYPE_REGISTER)
		direct_jump(g, &in, &op[0]);
	if (in.mnemonic == ZYDIS_MNEMONIC_RET) { /* to a place in the case: push it first */
		n = add(g);
		n->bytes[0] = 0x68;
		n->len = (u8)(1 + (g->l->code16 ? 2 : 4));
		n->abs_at = 1;
		n->skip = (u8)(2 + rnd_below(&g->r, 2));
	}
	n = add(g);
	*n = draft;
	if (in.raw.imm[0].is_relative) {
		n->rel_size = in.raw.imm[0].size / 8;
		n->skip = (u8)(1 + rnd_below(&g->r, 3));
	}
	if (!(g->what & GEN_NATIVE) || bcd(&in))
		add_clear(g, n, undefined_flags(&in));
}

/* --- Initial state --- */

void case_fpu_state(u64 *r, unsigned what, u8 *fx)
{
	memset(fx, 0, 512);
	fx[0] = 0x7f;
	fx[1] = (u8)(3 | rnd_below(r, 4) << 2);
	if (!rnd_below(r, 8))
		fx[0] = (u8)(0x40 | rnd_below(r, 64));
	fx[3] = (u8)(rnd_below(r, 8) << 3);
	fx[4] = rnd_below(r, 3) ? 0xff : (u8)rnd(r);
	if (what & GEN_MASKED)
		fx[0] = 0x7f;
	fx[24] = 0x80;
	fx[25] = (u8)(0x1f | rnd_below(r, 4) << 5);
	if (!rnd_below(r, 8))
		fx[25] &= (u8)(rnd(r) >> 8);
	if (what & GEN_MASKED)
		fx[25] |= 0x1f;
	for (unsigned i = 0; i < 8; i++) {
		u8 *st = fx + 32 + 16 * i;
		u64 man = rnd(r) | BIT64(63);
		u16 exp = (u16)(0x3ff0 + rnd_below(r, 32));

		if (!rnd_below(r, 4)) {
			static const u16 odd[] = { 0, 0x7fff, 1, 0x7ffe, 0x3fff, 0x403e };

			exp = odd[rnd_below(r, ARRAY_SIZE(odd))];
			man = exp && rnd_below(r, 2) ? BIT64(63) : exp ? man : 0;
		}
		exp = (u16)(exp | rnd_below(r, 2) << 15);
		memcpy(st, &man, 8);
		memcpy(st + 8, &exp, 2);
	}
	for (unsigned i = 0; i < 128; i += 4) {
		u32 v = rnd_below(r, 2) ? value(r) : 0x3f800000 + (value(r) & 0xfffff);

		memcpy(fx + 160 + i, &v, 4);
	}
}

void case_generate(struct diff_case *c, enum case_mode mode, u64 seed, u64 index, unsigned what)
{
	struct gen g = { .c = c, .l = case_layout(mode), .what = what };
	unsigned want;

	memset(c, 0, sizeof(*c));
	c->mode = mode;
	c->seed = seed;
	c->index = index;
	g.r = (seed + 1) * 0x9e3779b97f4a7c15ull ^ (index + 1) * 0xd1342543de82ef95ull;
	for (unsigned i = 0; i < 4; i++)
		rnd(&g.r);
	ZydisDecoderInit(&g.d,
			 g.l->code16 ? ZYDIS_MACHINE_MODE_LEGACY_16 : ZYDIS_MACHINE_MODE_LEGACY_32,
			 g.l->code16 ? ZYDIS_STACK_WIDTH_16 : ZYDIS_STACK_WIDTH_32);
	for (unsigned i = 0; i < 8; i++)
		c->start.gpr[i] = rnd_below(&g.r, 2) ? value(&g.r) : data_offset(&g);
	c->start.gpr[REG_ESP] = g.l->esp;
	c->start.eflags = EFLAGS_ONE | ((u32)rnd(&g.r) & (EFLAGS_ARITH & ~EFLAGS_DF));
	if (!rnd_below(&g.r, 4))
		c->start.eflags |= EFLAGS_DF;
	if (mode == CASE_V86)
		c->start.eflags |= EFLAGS_VM | (rnd_below(&g.r, 4) ? EFLAGS_IOPL : 0);
	memcpy(c->start.sel, g.l->sel, sizeof(c->start.sel));
	case_fpu_state(&g.r, what, c->start.fx);
	c->data_seed = rnd(&g.r);
	want = what & GEN_ONE ? 1 : 1 + rnd_below(&g.r, 10);
	while (want-- && c->insns + 6 < CASE_INSNS)
		one(&g);
	/* Anywhere in the window, now and then so that an instruction crosses a page. */
	c->code_offset =
		rnd_below(&g.r, 4) ? rnd_below(&g.r, 0x800) : PAGE_SIZE - 1 - rnd_below(&g.r, 40);
	c->stepped = !rnd_below(&g.r, 4);
	case_assemble(c);
}
