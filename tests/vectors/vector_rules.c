/* SPDX-License-Identifier: MIT */
/*
 * Where an i686 may or must differ from the recorded 80286, each with its reason. A rule looks at
 * the instruction and its operands, never at a particular vector; what it does not exempt is
 * compared exactly.
 */
#include <stdlib.h>
#include <string.h>

#include "emu/cpu/cpu.h"
#include "tests/vectors/vector.h"

#define ALL (EFLAGS_CF | EFLAGS_PF | EFLAGS_AF | EFLAGS_ZF | EFLAGS_SF | EFLAGS_OF)

static unsigned opcode(const struct vector *v)
{
	return (unsigned)strtoul(v->form, NULL, 16);
}

static unsigned extension(const struct vector *v)
{
	const char *dot = strchr(v->form, '.');

	return dot ? (unsigned)strtoul(dot + 1, NULL, 8) : 8;
}

/* --- Bits 12..15 of FLAGS --- */

static bool high_flags(struct vector *v)
{
	v->before[V_FLAGS] &= 0x0fff;
	v->after[V_FLAGS] &= 0x0fff;
	v->flags_compared &= 0x0fff;
	return true;
}

/* --- Undefined flags --- */

static u32 undefined_by_shift(const struct vector *v)
{
	unsigned op = opcode(v), width = op & 1 ? 16 : 8;
	unsigned count = op < 0xd0 ? v->code[v->code_len - 2] : op < 0xd2 ? 1 : v->before[V_CX];
	u32 undefined = 0;

	count &= 31;
	if (count > 1)
		undefined |= EFLAGS_OF;
	if (extension(v) >= 4 && count)
		undefined |= EFLAGS_AF;
	if (extension(v) >= 4 && extension(v) != 7 && count >= width)
		undefined |= EFLAGS_CF;
	return undefined;
}

static u32 undefined_by_group(const struct vector *v)
{
	switch (extension(v)) {
	case 0:
	case 1: /* TEST */
		return EFLAGS_AF;
	case 4:
	case 5: /* MUL, IMUL */
		return EFLAGS_SF | EFLAGS_ZF | EFLAGS_AF | EFLAGS_PF;
	case 6:
	case 7: /* DIV, IDIV */
		return ALL;
	}
	return 0;
}

static u32 undefined_flags_of(const struct vector *v)
{
	unsigned op = opcode(v), ext = extension(v);
	bool logic = op < 0x40 && (op & 7) < 6 &&
		     ((op & 0x38) == 0x08 || (op & 0x38) == 0x20 || (op & 0x38) == 0x30);

	if (logic || op == 0x84 || op == 0x85 || op == 0xa8 || op == 0xa9 ||
	    (op >= 0x80 && op <= 0x83 && (ext == 1 || ext == 4 || ext == 6)))
		return EFLAGS_AF;
	switch (op) {
	case 0x27: /* DAA, DAS */
	case 0x2f:
		return EFLAGS_OF;
	case 0x37: /* AAA, AAS */
	case 0x3f:
		return EFLAGS_OF | EFLAGS_SF | EFLAGS_ZF | EFLAGS_PF;
	case 0xd4: /* AAM, AAD; AAM by 0 is a division */
		return v->exception == VEC_DE ? ALL : EFLAGS_OF | EFLAGS_AF | EFLAGS_CF;
	case 0xd5:
		return EFLAGS_OF | EFLAGS_AF | EFLAGS_CF;
	case 0x69: /* IMUL */
	case 0x6b:
		return EFLAGS_SF | EFLAGS_ZF | EFLAGS_AF | EFLAGS_PF;
	case 0xc0:
	case 0xc1:
	case 0xd0 ... 0xd3:
		return undefined_by_shift(v);
	case 0xf6:
	case 0xf7:
		return undefined_by_group(v);
	}
	return 0;
}

static bool undefined_flags(struct vector *v)
{
	u32 undefined = undefined_flags_of(v);

	v->flags_compared &= (u16)~undefined;
	return undefined;
}

/* --- The length limit --- */

static bool length_limit(struct vector *v)
{
	if (v->code_len - 1 <= 10 || v->exception != VEC_GP)
		return false;
	v->skipped = true;
	return true;
}

/* --- LOCK --- */

static bool lockable(const struct vector *v)
{
	unsigned at = vector_opcode_at(v), op = v->code[at], modrm = v->code[at + 1];
	unsigned ext = modrm >> 3 & 7;

	if (modrm >= 0xc0)
		return false;
	if (op < 0x38)
		return (op & 7) <= 1;
	switch (op) {
	case 0x80 ... 0x83:
		return ext != 7;
	case 0x86:
	case 0x87:
		return true;
	case 0xf6:
	case 0xf7:
		return ext == 2 || ext == 3;
	case 0xfe:
	case 0xff:
		return ext <= 1;
	}
	return false;
}

static u8 byte_before(const struct vector *v, u32 at)
{
	for (unsigned i = 0; i < v->rams; i++)
		if (v->ram[i].at == at)
			return v->ram[i].value;
	return VECTOR_FILL;
}

static u16 word_before(const struct vector *v, u32 at)
{
	return (u16)(byte_before(v, at) | byte_before(v, at + 1) << 8);
}

static u32 push(struct vector *v, u16 word)
{
	u32 base = (u32)v->before[V_SS] << 4, at;

	v->after[V_SP] = (u16)(v->after[V_SP] - 2);
	at = base + v->after[V_SP];
	v->ram_after[v->rams_after++] = (struct vector_byte){ at, (u8)word };
	v->ram_after[v->rams_after++] =
		(struct vector_byte){ base + (u16)(v->after[V_SP] + 1), (u8)(word >> 8) };
	return at;
}

/* The vector's result becomes that of a fault at its instruction. */
static void expect_fault(struct vector *v, u8 vector)
{
	memcpy(v->after, v->before, sizeof(v->after));
	v->rams_after = 0;
	v->exception = vector;
	v->pushed_flags = push(v, v->before[V_FLAGS]);
	push(v, v->before[V_CS]);
	push(v, v->before[V_IP]);
	v->after[V_FLAGS] &= (u16) ~(EFLAGS_IF | EFLAGS_TF);
	v->after[V_IP] = (u16)(word_before(v, vector * 4u) + 1);
	v->after[V_CS] = word_before(v, vector * 4u + 2);
}

static bool lock_prefix(struct vector *v)
{
	if (!memchr(v->code, 0xf0, vector_opcode_at(v)) || lockable(v))
		return false;
	expect_fault(v, VEC_UD);
	return true;
}

/* --- FS and GS --- */

static bool fs_gs(struct vector *v)
{
	unsigned op = opcode(v), reg = v->code[vector_opcode_at(v) + 1] >> 3 & 7;

	if ((op != 0x8c && op != 0x8e) || (reg != 4 && reg != 5))
		return false;
	v->skipped = true;
	return true;
}

/* --- The stack segment's own exception --- */

/* Does the memory operand lie in SS? The last override counts. */
static bool operand_in_ss(const struct vector *v)
{
	unsigned at = vector_opcode_at(v), modrm = v->code[at + 1];
	unsigned rm = modrm & 7, mod = modrm >> 6, override = 0;

	for (unsigned i = 0; i < at; i++)
		if ((v->code[i] & 0xe7) == 0x26)
			override = v->code[i];
	if (override)
		return override == 0x36;
	return mod != 3 && (rm == 2 || rm == 3 || (rm == 6 && mod));
}

/* Words popped from where the stack ends at FFFFh in the middle of one. */
static bool pops_at_end(const struct vector *v)
{
	unsigned op = opcode(v), from = v->before[op == 0xc9 ? V_BP : V_SP];
	unsigned words = op == 0xcf ? 3 : op == 0xca || op == 0xcb ? 2 : op == 0x61 ? 8 : 1;
	bool pops = op == 0x8f || (op & 0xf8) == 0x58 || op == 0x61 || op == 0x9d || op == 0xc2 ||
		    op == 0xc3 || op == 0xc9 || op == 0xca || op == 0xcb || op == 0xcf ||
		    op == 0x07 || op == 0x17 || op == 0x1f;

	return pops && (from & 1) && from + 2 * words > 0x10000;
}

static bool has_modrm(unsigned op)
{
	return op < 0x40 ? (op & 7) < 4
			 : op == 0x62 || op == 0x69 || op == 0x6b || (op >= 0x80 && op <= 0x8f) ||
				   op == 0xc0 || op == 0xc1 || (op >= 0xc4 && op <= 0xc7) ||
				   (op >= 0xd0 && op <= 0xd3) || (op >= 0xd8 && op <= 0xdf) ||
				   op == 0xf6 || op == 0xf7 || op >= 0xfe;
}

static void raise_instead(struct vector *v, u8 vector)
{
	v->exception = vector;
	v->after[V_IP] = (u16)(word_before(v, vector * 4u) + 1);
	v->after[V_CS] = word_before(v, vector * 4u + 2);
}

static bool string_source(unsigned op)
{
	return op == 0x6f || op == 0xa5 || op == 0xa7 || op == 0xad;
}

/* A string source that an override puts into SS faults there if it is the operand at FFFFh. */
static bool stack_segment(struct vector *v)
{
	unsigned op = opcode(v);
	bool source = string_source(op) && operand_in_ss(v) && v->after[V_SI] == 0xffff;

	if (v->exception != VEC_GP ||
	    !((has_modrm(op) && operand_in_ss(v)) || pops_at_end(v) || source))
		return false;
	raise_instead(v, VEC_SS);
	return true;
}

/* --- Registers after a fault --- */

/* The iteration that faults is the first with a pointer at FFFFh; those before it are complete. */
static bool string_restart(struct vector *v)
{
	unsigned op = opcode(v);
	bool source = string_source(op);
	bool dest = op == 0x6d || op == 0xa5 || op == 0xa7 || op == 0xab || op == 0xaf;
	u16 step = v->before[V_FLAGS] & EFLAGS_DF ? 0xfffe : 2, done = 0;

	if (v->exception != VEC_GP || (!source && !dest))
		return false;
	while (done < 0x8000 && !(source && (u16)(v->before[V_SI] + done * step) == 0xffff) &&
	       !(dest && (u16)(v->before[V_DI] + done * step) == 0xffff))
		done++;
	v->after[V_CX] = (u16)(v->before[V_CX] - done);
	if (source)
		v->after[V_SI] = (u16)(v->before[V_SI] + done * step);
	if (dest)
		v->after[V_DI] = (u16)(v->before[V_DI] + done * step);
	return true;
}

static bool pop_restart(struct vector *v)
{
	if (opcode(v) != 0x8f || v->exception != VEC_GP || pops_at_end(v))
		return false;
	expect_fault(v, VEC_GP);
	return true;
}

struct vector_rule vector_rule[] = {
	{ "flags 12..15", "always clear in real mode on a 286, writable since the 386 (SDM 3B 22)",
	  high_flags, 0 },
	{ "undefined flags",
	  "SDM 2 leaves them undefined; also in the FLAGS that an exception pushes",
	  undefined_flags, 0 },
	{ "length limit",
	  "more than 10 bytes raise #GP on a 286, more than 15 on an i686: no result to "
	  "compare with",
	  length_limit, 0 },
	{ "LOCK",
	  "raises #UD since the 386 unless the instruction reads and writes memory (SDM 2, LOCK); "
	  "#UD is then what is expected",
	  lock_prefix, 0 },
	{ "FS and GS", "MOV to and from them is #UD on a 286: no result to compare with", fs_gs,
	  0 },
	{ "restart of strings",
	  "a 286 leaves SI, DI and CX advanced past the access that faulted, since the 386 the "
	  "instruction can be restarted (SDM 3A 6.5)",
	  string_restart, 0 },
	{ "restart of POP", "likewise SP, when the destination faults", pop_restart, 0 },
	{ "stack segment",
	  "accesses beyond the limit of SS raise #GP on a 286 in real mode, #SS on an "
	  "i686 (SDM 2)",
	  stack_segment, 0 },
};
const unsigned vector_rules = ARRAY_SIZE(vector_rule);
