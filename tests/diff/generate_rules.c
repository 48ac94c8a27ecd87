/* SPDX-License-Identifier: MIT */
/*
 * What a case may not hold: what Unicorn or a Linux process does otherwise or not at all, what
 * reaches outside the case, and what is not reproducible. What is generated, but not compared:
 * exceptions.c.
 */
#include "tests/diff/generate.h"

#include "emu/cpu/cpu.h"
#include "emu/isa/isa.h"

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

/* What our CPUID offers beyond SSE4.2, with VEX or without. */
static bool newer(const struct gen *g, const ZydisDecodedInstruction *in)
{
	if (!(g->what & GEN_AVX))
		return false;
	if (in->meta.isa_ext == ZYDIS_ISA_EXT_XSAVE)
		return case_noted(in, TEST_XSAVE);
	if (!(isa_extension[in->meta.isa_ext] & EXT_NEWER))
		return false;
	if (case_exception(in, EXCEPT_ON_NATIVE, EXCEPT_CHECKS))
		return in->raw.modrm.mod == 3;
	return !(case_noted(in, TEST_W) && in->raw.vex.W);
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
	if (case_noted(in, TEST_LOSES_FLAGS))
		return true;
	if (repeats(in) > 1)
		return true; /* F2 and F3 (and, of SSE, 66) together: it takes another than
				processors do */
	/* A stray jump in CPL 0 leads to what is not to be generated. */
	if ((in->mnemonic == ZYDIS_MNEMONIC_JMP || in->mnemonic == ZYDIS_MNEMONIC_CALL) &&
	    !in->raw.imm[0].is_relative &&
	    (!reg || in->raw.modrm.rm == REG_ESP || in->operand_width != (code16 ? 16 : 32)))
		return true;
	/* A far pointer that wraps at 64 KiB: processors differ, and the manual is silent. */
	if (in->address_width == 16 && case_noted(in, TEST_SEGMENT))
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

/* Not reproducible, or reaches outside the case. */
static bool out_of_scope(const struct gen *g, const ZydisDecodedInstruction *in)
{
	if (case_noted(in, TEST_OUTSIDE))
		return true;
	if (case_noted(in, TEST_NATIVE_ONLY))
		return !(g->what & GEN_NATIVE);
	if (case_noted(in, TEST_OWN_TABLES))
		return !(g->what & GEN_SYSTEM);
	switch (in->mnemonic) {
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
	if (in->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
		return true;
	return !(g->what & GEN_SYSTEM) && in->meta.category == ZYDIS_CATEGORY_SYSTEM &&
	       in->mnemonic != ZYDIS_MNEMONIC_HLT;
}

bool generate_touches_segment(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op)
{
	/* Explicit operands only: every memory operand implies one. */
	for (unsigned i = 0; i < in->operand_count_visible; i++)
		if (op[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    ZydisRegisterGetClass(op[i].reg.value) == ZYDIS_REGCLASS_SEGMENT)
			return true;
	return case_noted(in, TEST_SEGMENT);
}

/* In CPL 0 they would change the mode, or stop at breakpoints. */
bool generate_touches_control(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op)
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

bool generate_allowed(const struct gen *g, const ZydisDecodedInstruction *in,
		      const ZydisDecodedOperand *op)
{
	unsigned on = g->what & GEN_NATIVE ? EXCEPT_ON_NATIVE : EXCEPT_ON_UNICORN;

	if ((!newer(g, in) &&
	     (in->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY || undefined_by_design(in))) ||
	    out_of_scope(g, in) || case_exception(in, on, EXCEPT_SKIP))
		return false;
	if ((g->what & GEN_MASKED) && case_noted(in, TEST_LOADS_MASKS))
		return false;
	if (in->meta.isa_ext == ZYDIS_ISA_EXT_X87 && !(g->what & GEN_X87))
		return false;
	if (in->meta.isa_ext != ZYDIS_ISA_EXT_X87 && in->meta.isa_ext != ZYDIS_ISA_EXT_BASE &&
	    !(g->what & GEN_SSE))
		return false;
	if (generate_touches_segment(in, op) && !(g->what & GEN_SYSTEM))
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
	if ((!(g->what & GEN_NATIVE) || g->c->mode != CASE_FLAT3) &&
	    generate_touches_control(in, op))
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
