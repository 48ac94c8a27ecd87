/* SPDX-License-Identifier: MIT */
/*
 * Where Unicorn 2.0 (QEMU 5.0) does otherwise than the SDM: what the SDM says of the instruction
 * instead, from the state around it and with none of the code under test. One table.
 */
#include <string.h>

#include "emu/cpu/transfer.h"
#include "tests/diff/directed.h"

static bool protected_mode(const struct directed_state *s)
{
	return (s->cr0 & CR0_PE) && !(s->eflags & EFLAGS_VM);
}

static bool is_far(const struct directed_step *s, ZydisMnemonic m)
{
	return s->in.mnemonic == m && s->in.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
}

static bool is_iret(const struct directed_step *s)
{
	return s->in.mnemonic == ZYDIS_MNEMONIC_IRET || s->in.mnemonic == ZYDIS_MNEMONIC_IRETD;
}

static u32 memory_at(const struct directed_step *s, u32 at)
{
	u32 v = 0;

	if (at < WORLD_SIZE - 4)
		memcpy(&v, s->memory + at, 4);
	return v;
}

/* The upper word of the descriptor that sel names; 0: none. */
static u32 descriptor(const struct directed_step *s, u32 sel)
{
	u32 base = sel & 4 ? s->before.ldtr.base : s->before.gdt_base;
	u32 limit = sel & 4 ? s->before.ldtr.limit : s->before.gdt_limit;

	return (sel & ~3u) && (sel | 7) <= limit ? memory_at(s, base + (sel & ~7u) + 4) : 0;
}

static u32 code_limit(const struct directed_step *s, u32 sel)
{
	u32 hi = descriptor(s, sel), base = sel & 4 ? s->before.ldtr.base : s->before.gdt_base;
	u32 limit = (hi & 0xf0000) | (memory_at(s, base + (sel & ~7u)) & 0xffff);

	return hi >> 23 & 1 ? limit << 12 | 0xfff : limit;
}

static bool is_code(u32 hi)
{
	return (hi & DESC_S) && (hi & 0x800);
}

/* The explicit memory operand, or NULL; *ea: its offset. */
static const ZydisDecodedOperand *operand(const struct directed_step *s, u32 *ea)
{
	for (unsigned i = 0; i < s->in.operand_count_visible; i++) {
		const ZydisDecodedOperand *o = &s->op[i];

		if (o->type != ZYDIS_OPERAND_TYPE_MEMORY || o->mem.type == ZYDIS_MEMOP_TYPE_AGEN)
			continue;
		*ea = case_gpr_value(s->before.gpr, o->mem.base) +
		      case_gpr_value(s->before.gpr, o->mem.index) * o->mem.scale +
		      (o->mem.disp.has_displacement ? (u32)o->mem.disp.value : 0);
		if (s->in.address_width == 16)
			*ea &= 0xffff;
		return o;
	}
	return NULL;
}

static bool outside(const struct directed_segment *g, u32 offset, u32 size)
{
	u32 top = g->attr & SEG_ATTR_DB ? 0xffffffff : 0xffff;

	if ((g->attr & (SEG_ATTR_CODE | SEG_ATTR_DOWN)) == SEG_ATTR_DOWN)
		return offset <= g->limit || offset > top || size - 1 > top - offset;
	return offset > g->limit || size - 1 > g->limit - offset;
}

/* Limit and type of the segment of a memory operand (SDM 3A 5.3, 5.5). */
static bool breaks_segment(const struct directed_step *s, unsigned *seg)
{
	u32 ea = 0;
	const ZydisDecodedOperand *o = operand(s, &ea);
	const struct directed_segment *g;

	if (!o || s->in.mnemonic == ZYDIS_MNEMONIC_INVLPG || (s->faulted && s->vector == VEC_UD))
		return false;
	*seg = (unsigned)(o->mem.segment - ZYDIS_REGISTER_ES);
	g = &s->before.seg[*seg];
	if (!protected_mode(&s->before))
		return outside(g, ea, o->size / 8u);
	if (!g->attr)
		return true;
	if ((g->attr & (SEG_ATTR_CODE | SEG_ATTR_WRITE)) == SEG_ATTR_CODE) /* not readable */
		return true;
	if ((o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) &&
	    ((g->attr & SEG_ATTR_CODE) || !(g->attr & SEG_ATTR_WRITE)))
		return true;
	return outside(g, ea, o->size / 8u);
}

static bool faults_in_data(const struct directed_step *s)
{
	unsigned seg = 0;

	return breaks_segment(s, &seg) && seg != SEG_SS;
}

static bool faults_in_stack(const struct directed_step *s)
{
	unsigned seg = 0;

	return breaks_segment(s, &seg) && seg == SEG_SS;
}

/* ENTER copies the pointers of the frames around it, from below EBP. */
static bool frame_beyond(const struct directed_step *s)
{
	const struct directed_segment *g = &s->before.seg[SEG_SS];
	u32 size = s->in.operand_width / 8u, mask = g->attr & SEG_ATTR_DB ? 0xffffffff : 0xffff;

	if (s->in.mnemonic != ZYDIS_MNEMONIC_ENTER)
		return false;
	for (u32 i = 1; i < (s->op[1].imm.value.u & 31); i++)
		if (outside(g, (s->before.gpr[REG_EBP] - i * size) & mask, size))
			return true;
	return false;
}

/* Where a far JMP or CALL shall go. */
static bool far_target(const struct directed_step *s, u32 *sel, u32 *offset)
{
	u32 ea = 0, size = s->in.operand_width / 8u, at;
	const ZydisDecodedOperand *o = operand(s, &ea);

	if (!is_far(s, ZYDIS_MNEMONIC_CALL) && !is_far(s, ZYDIS_MNEMONIC_JMP))
		return false;
	if (s->op[0].type == ZYDIS_OPERAND_TYPE_POINTER) {
		*sel = s->op[0].ptr.segment;
		*offset = s->op[0].ptr.offset;
		return true;
	}
	if (!o)
		return false;
	at = s->before.seg[o->mem.segment - ZYDIS_REGISTER_ES].base + ea;
	*offset = memory_at(s, at) & (size == 2 ? 0xffff : 0xffffffff);
	*sel = memory_at(s, at + size) & 0xffff;
	return true;
}

/* The descriptor's words behind a selector that names a gate. */
static bool gate(const struct directed_step *s, u32 sel, u32 *code, u32 *type)
{
	u32 hi = descriptor(s, sel), base = sel & 4 ? s->before.ldtr.base : s->before.gdt_base;

	*code = memory_at(s, base + (sel & ~7u)) >> 16;
	*type = DESC_TYPE(hi);
	return hi && !(hi & DESC_S);
}

static bool fetches_beyond(const struct directed_step *s)
{
	return s->after.eip > s->after.seg[SEG_CS].limit && s->after.eip != s->before.eip;
}

/* May code of this descriptor be gone to directly? */
static bool may_enter(const struct directed_step *s, u32 sel, u32 hi)
{
	u32 cpl = directed_cpl(&s->before);

	return is_code(hi) && (hi & DESC_P) &&
	       (hi & 0x400 ? DESC_DPL(hi) <= cpl : DESC_DPL(hi) == cpl && (sel & 3) <= cpl);
}

/* It pushes, then looks at the offset, and names the selector. */
static bool call_beyond(const struct directed_step *s)
{
	u32 sel, offset;

	return s->faulted && s->vector == VEC_GP && protected_mode(&s->before) &&
	       far_target(s, &sel, &offset) && s->error == (sel & 0xfffc) &&
	       is_far(s, ZYDIS_MNEMONIC_CALL) && may_enter(s, sel, descriptor(s, sel)) &&
	       offset > code_limit(s, sel);
}

static bool jump_gate_absent(const struct directed_step *s)
{
	u32 sel, offset, code, type, hi, cpl = directed_cpl(&s->before);

	if (!s->faulted || s->vector != VEC_GP || !protected_mode(&s->before) ||
	    !is_far(s, ZYDIS_MNEMONIC_JMP) || !far_target(s, &sel, &offset) ||
	    !gate(s, sel, &code, &type) || (type & 7) != SYS_CALL16 || s->error != (code & 0xfffc))
		return false;
	hi = descriptor(s, code);
	return is_code(hi) && !(hi & DESC_P) &&
	       (hi & 0x400 ? DESC_DPL(hi) <= cpl : DESC_DPL(hi) == cpl);
}

static bool task_gate_local(const struct directed_step *s)
{
	u32 sel, offset, tss, type;

	return s->faulted && s->vector == VEC_TS && protected_mode(&s->before) &&
	       far_target(s, &sel, &offset) && gate(s, sel, &tss, &type) && type == SYS_TASK_GATE &&
	       (tss & 4) && s->error == (tss & 0xfffc);
}

static bool absent_stack(const struct directed_step *s)
{
	u32 hi = descriptor(s, s->error);
	bool leaves = is_iret(s) || s->in.mnemonic == ZYDIS_MNEMONIC_RET;

	return s->faulted && protected_mode(&s->before) && s->before.tr.sel == s->after.tr.sel &&
	       s->vector == (leaves ? VEC_NP : VEC_TS) &&
	       (leaves || is_far(s, ZYDIS_MNEMONIC_CALL)) && (hi & DESC_S) && !(hi & 0x800) &&
	       (hi & 0x200) && !(hi & DESC_P);
}

static bool switched(const struct directed_step *s)
{
	return protected_mode(&s->before) && s->in.mnemonic != ZYDIS_MNEMONIC_LTR &&
	       (s->before.tr.sel != s->after.tr.sel ||
		(is_iret(s) && (s->before.eflags & EFLAGS_NT) && !s->faulted));
}

static bool returns_to_itself(const struct directed_step *s)
{
	return protected_mode(&s->before) && is_iret(s) && (s->before.eflags & EFLAGS_NT) &&
	       (s->link & 0xfffc) == (s->before.tr.sel & 0xfffcu);
}

/* Behind an instruction that is no transfer: it is done, and the next one faults. */
static bool runs_beyond(const struct directed_step *s)
{
	return s->after.eip > s->after.seg[SEG_CS].limit && s->after.eip - s->before.eip <= 15 &&
	       s->after.seg[SEG_CS].sel == s->before.seg[SEG_CS].sel && !switched(s);
}

static bool beyond_in_task(const struct directed_step *s)
{
	return switched(s) && fetches_beyond(s);
}

static bool task_conforming(const struct directed_step *s)
{
	u32 hi = descriptor(s, memory_at(s, s->after.tr.base + 0x4c));

	return switched(s) && s->faulted && s->vector == VEC_TS &&
	       (hi & (DESC_S | 0xc00)) == (DESC_S | 0xc00);
}

static bool task_fault(const struct directed_step *s)
{
	return switched(s) && s->faulted;
}

static bool conforming_gate(const struct directed_step *s)
{
	return !s->faulted && protected_mode(&s->before) && is_far(s, ZYDIS_MNEMONIC_CALL) &&
	       !switched(s) && (s->after.seg[SEG_CS].attr & SEG_ATTR_DOWN) &&
	       SEG_ATTR_DPL(s->after.seg[SEG_CS].attr) < directed_cpl(&s->before);
}

static bool outer_to_v86(const struct directed_step *s)
{
	return is_iret(s) && !(s->before.eflags & EFLAGS_VM) && !switched(s) &&
	       (s->after.eflags & EFLAGS_VM) && directed_cpl(&s->before);
}

/* The EIP that it masked: it ran on from 64 KiB less. */
static bool v86_beyond(const struct directed_step *s)
{
	return is_iret(s) && protected_mode(&s->before) && !switched(s) &&
	       (s->after.eflags & EFLAGS_VM) && s->in.operand_width == 32 && s->stack[0] > 0xffff;
}

static bool devices(const struct directed_step *s)
{
	return s->in.meta.category == ZYDIS_CATEGORY_IO ||
	       s->in.meta.category == ZYDIS_CATEGORY_IOSTRINGOP;
}

static bool smsw32(const struct directed_step *s)
{
	return s->in.mnemonic == ZYDIS_MNEMONIC_SMSW &&
	       s->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER && s->in.operand_width == 32;
}

static bool enter_mixed(const struct directed_step *s)
{
	return s->in.mnemonic == ZYDIS_MNEMONIC_ENTER &&
	       s->in.operand_width != (s->before.seg[SEG_SS].attr & SEG_ATTR_DB ? 32 : 16);
}

static bool pushes_vm(const struct directed_step *s)
{
	return s->in.mnemonic == ZYDIS_MNEMONIC_PUSHFD && (s->before.eflags & EFLAGS_VM);
}

static bool lar_undefined(const struct directed_step *s)
{
	return s->in.mnemonic == ZYDIS_MNEMONIC_LAR && !s->faulted && s->in.operand_width == 32 &&
	       (s->after.gpr[REG_ECX] != s->before.gpr[REG_ECX]) &&
	       (descriptor(s, s->before.gpr[REG_EAX] & 0xffff) & 0xf0000);
}

static bool task16(const struct directed_step *s)
{
	return switched(s) && (!(s->before.tr.attr & 8) || !(s->after.tr.attr & 8));
}

static bool strays(const struct directed_step *s)
{
	return directed_strays(s->before.seg[SEG_CS].base + s->before.eip);
}

/* A stack segment that is not one of the image's own: some instruction uses it. */
static bool odd_stack(const struct directed_step *s)
{
	const struct directed_segment *g = &s->before.seg[SEG_SS];

	for (unsigned i = 0; i < s->in.operand_count; i++)
		if (s->op[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    s->op[i].visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
		    (s->op[i].reg.value == ZYDIS_REGISTER_ESP ||
		     s->op[i].reg.value == ZYDIS_REGISTER_SP))
			return g->limit < 0xffff || (g->attr & SEG_ATTR_DOWN);
	return false;
}

static bool loads_cr0(const struct directed_step *s)
{
	return s->in.mnemonic == ZYDIS_MNEMONIC_MOV && s->op[0].reg.value == ZYDIS_REGISTER_CR0 &&
	       !directed_cpl(&s->before);
}

static bool cr0_invalid(const struct directed_step *s)
{
	u32 v = case_gpr_value(s->before.gpr, s->op[1].reg.value);

	return loads_cr0(s) &&
	       ((v & (CR0_PG | CR0_PE)) == CR0_PG || (v & (CR0_NW | CR0_CD)) == CR0_NW);
}

static bool cr0_reserved(const struct directed_step *s)
{
	return loads_cr0(s) && (case_gpr_value(s->before.gpr, s->op[1].reg.value) & 0x1ffaffc0);
}

static bool inner_stack(const struct directed_step *s)
{
	const struct directed_segment *g = &s->after.seg[SEG_SS];

	return is_far(s, ZYDIS_MNEMONIC_CALL) && !s->faulted && !switched(s) &&
	       protected_mode(&s->before) && directed_cpl(&s->after) < directed_cpl(&s->before) &&
	       (g->limit < 0xffff || (g->attr & SEG_ATTR_DOWN));
}

static bool loads_vif(const struct directed_step *s)
{
	return is_iret(s) && s->in.operand_width == 32 && !directed_cpl(&s->before) &&
	       (s->stack[2] & (EFLAGS_VIF | EFLAGS_VIP));
}

/* It makes the selector 0, as newer editions of the SDM say; ours keeps its RPL, as older ones. */
static bool returns_with_null(const struct directed_step *s)
{
	if (s->faulted || !protected_mode(&s->before) || !protected_mode(&s->after) ||
	    directed_cpl(&s->after) <= directed_cpl(&s->before) || switched(s))
		return false;
	for (unsigned i = 0; i < SEG_COUNT; i++)
		if (s->before.seg[i].sel && s->before.seg[i].sel < 4 && i != SEG_CS && i != SEG_SS)
			return true;
	return false;
}

/* Of a segment that a far transfer loaded: Unicorn does not mark it as accessed. */
static bool lar_accessed(const struct directed_step *s)
{
	u32 hi = descriptor(s, s->before.gpr[REG_EAX] & 0xffff);

	return s->in.mnemonic == ZYDIS_MNEMONIC_LAR && s->far_before && (hi & DESC_S) &&
	       !(hi & 0x100);
}

/* Bytes that nobody generated as such: decoded from a slot's middle, or for the other size. */
static bool by_chance(const struct directed_step *s)
{
	return s->in.meta.category == ZYDIS_CATEGORY_STRINGOP;
}

static bool undefined_flags(const struct directed_step *s)
{
	return s->in.length && s->in.cpu_flags && s->in.cpu_flags->undefined;
}

static bool fetch_fault(const struct directed_step *s)
{
	return s->faulted && s->vector == VEC_PF && s->after.eip != s->before.eip;
}

static bool other_pages(const struct directed_step *s)
{
	return s->after.cr3 != AT_PAGES;
}

static bool task_rf(const struct directed_step *s)
{
	return switched(s) && (s->before.eflags & EFLAGS_RF);
}

static bool interrupts(const struct directed_step *s)
{
	return s->in.mnemonic == ZYDIS_MNEMONIC_HLT || s->in.mnemonic == ZYDIS_MNEMONIC_INT ||
	       s->in.mnemonic == ZYDIS_MNEMONIC_INT1 || s->in.mnemonic == ZYDIS_MNEMONIC_INT3 ||
	       s->in.mnemonic == ZYDIS_MNEMONIC_INTO;
}

/* The first rule that applies counts. */
static const struct {
	bool (*applies)(const struct directed_step *s);
	struct directed_mend mend;
} table[] = {
	{ strays, { MEND_CUT, 0, 0, "to bytes that nobody generated" } },
	{ interrupts, { MEND_CUT, 0, 0, "delivers nothing, wakes up from nothing" } },
	{ returns_to_itself, { MEND_CUT, 0, 0, "loads the new task before it saves the old" } },
	{ task_rf, { MEND_CUT, 0, 0, "saves RF of the instruction before" } },
	{ other_pages, { MEND_CUT, 0, 0, "page tables that nobody generated" } },
	{ task16, { MEND_CUT, 0, 0, "the fields of a TSS of 16 bits are elsewhere" } },
	{ enter_mixed,
	  { MEND_CUT, 0, 0, "ENTER of another size than the stack's: EBP's upper half" } },
	{ pushes_vm, { MEND_CUT, 0, 0, "PUSHFD pushes VM" } },
	{ lar_undefined, { MEND_CUT, 0, 0, "bits 16 to 19 are undefined (SDM 2A, LAR)" } },
	{ devices, { MEND_CUT, 0, 0, "no devices" } },
	{ smsw32, { MEND_CUT, 0, 0, "the upper half is undefined (SDM 2B, SMSW)" } },
	{ call_beyond, { MEND_FAULT, VEC_GP, 0, "far CALL beyond the limit pushes first" } },
	{ jump_gate_absent,
	  { MEND_FAULT, VEC_NP, MEND_SAME_ERROR, "#GP for absent code by a gate" } },
	{ task_gate_local,
	  { MEND_FAULT, VEC_GP, MEND_SAME_ERROR, "#TS for a task gate to the LDT" } },
	{ absent_stack, { MEND_FAULT, VEC_SS, MEND_SAME_ERROR, "not #SS for an absent stack" } },
	{ odd_stack, { MEND_CUT, 0, 0, "limit of a stack" } },
	{ inner_stack, { MEND_CUT, 0, 0, "limit of the inner stack" } },
	{ loads_vif, { MEND_CUT, 0, 0, "does not load VIF and VIP" } },
	{ returns_with_null, { MEND_CUT, 0, 0, "a null selector becomes 0" } },
	{ lar_accessed, { MEND_CUT, 0, 0, "far transfers do not set the accessed bit" } },
	{ by_chance, { MEND_CUT, 0, 0, "string instruction, by chance" } },
	{ undefined_flags, { MEND_CUT, 0, 0, "leaves flags undefined" } },
	{ cr0_invalid, { MEND_FAULT, VEC_GP, 0, "CR0: PG without PE, NW without CD" } },
	{ cr0_reserved, { MEND_CUT, 0, 0, "CR0: keeps reserved bits" } },
	{ faults_in_data, { MEND_FAULT, VEC_GP, 0, "segment's limit or type" } },
	{ faults_in_stack, { MEND_FAULT, VEC_SS, 0, "stack segment's limit" } },
	{ frame_beyond, { MEND_FAULT, VEC_SS, 0, "limit of the stack below ENTER's EBP" } },
	{ task_conforming, { MEND_CUT, 0, 0, "#TS for conforming code of an inner level" } },
	{ task_fault, { MEND_STATE, 0, 0, "a fault of the new task has the old EIP and flags" } },
	{ beyond_in_task, { MEND_CUT, 0, 0, "offset beyond the limit of a new task's code" } },
	{ conforming_gate, { MEND_CUT, 0, 0, "changes CPL, by a gate to conforming code" } },
	{ outer_to_v86, { MEND_CUT, 0, 0, "IRET to V86 mode from CPL 1 to 3" } },
	{ v86_beyond, { MEND_FAULT, VEC_GP, 0, "IRET to V86 mode masks EIP" } },
	{ runs_beyond, { MEND_CUT, 0, 0, "runs off the end of the code segment" } },
	{ fetches_beyond,
	  { MEND_FAULT, VEC_GP, 0, "offset beyond the limit of the code segment" } },
	{ fetch_fault, { MEND_CUT, 0, 0, "to memory that is not there" } },
};

static void new_task_state(const struct directed_step *s, struct directed_state *state)
{
	u32 tss = s->after.tr.base;

	state->eip = memory_at(s, tss + 0x20);
	state->eflags = (state->eflags & ~EFLAGS_ARITH) | (memory_at(s, tss + 0x24) & EFLAGS_ARITH);
}

struct directed_mend directed_mend(const struct directed_step *s, struct directed_state *state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		struct directed_mend m = table[i].mend;

		if (!table[i].applies(s))
			continue;
		if (m.verdict == MEND_STATE) {
			new_task_state(s, state);
			m.vector = s->vector;
			m.error = s->error;
			if (m.vector == VEC_NP &&
			    m.error == (memory_at(s, s->after.tr.base + 0x50) & 0xfffc))
				m.vector = VEC_SS; /* the stack is absent */
		} else if (m.error == MEND_SAME_ERROR) {
			m.error = s->error;
		}
		return m;
	}
	return (struct directed_mend){ .verdict = MEND_NONE };
}
