/* SPDX-License-Identifier: MIT */
/*
 * What translated code asks of C: hard instructions, and near transfers and stack operations where
 * the stack is not flat.
 */
#include "emu/jit/recomp_slow.h"
#include "emu/cpu/operand.h"

#include "emu/block/block.h"
#include "emu/block/mixed.h"
#include "emu/cpu/hard_ops.h"
#include "emu/cpu/string_span.h"
#include "emu/jit/recomp_mode.h"
#include "emu/jit/recomp_stop.h"
#include "emu/trans/stub_reload.h"
#include "emu/trans/stub_ring.h"
#include "emu/trans/stub_segment.h"
#include "emu/cpu/semantics.h"
#include "emu/cpu/transfer.h"
#include "kernel/base/count.h"

static void set_esp(struct cpu *cpu, u32 esp)
{
	cpu->gpr[REG_ESP] = cpu_esp_at(cpu, esp);
}

static enum cpu_result push(struct cpu *cpu, u32 value, unsigned size)
{
	u32 esp = (cpu->gpr[REG_ESP] - size) & cpu_stack_mask(cpu);
	enum cpu_result res = cpu_mem_write(cpu, SEG_SS, esp, &value, size);

	if (res == CPU_NEXT)
		set_esp(cpu, esp);
	return res;
}

/* The value of a register, memory or immediate operand. */
static enum cpu_result operand(struct cpu *cpu, const struct insn *in, u32 *value)
{
	*value = in->imm;
	if (in->is_imm)
		return CPU_NEXT;
	*value = 0;
	if (in->is_mem)
		return cpu_mem_read(cpu, in->seg, insn_ea(cpu, in), value, in->osize);
	*value = cpu->gpr[in->rm];
	return CPU_NEXT;
}

/* The target of a near transfer, cut to the operand size: #GP(0) beyond the limit of CS (SDM 2,
 * JMP). */
static enum cpu_result near_target(struct cpu *cpu, const struct insn *in, u32 *target)
{
	if (in->osize == 2)
		*target &= 0xffff;
	return *target > cpu->seg[SEG_CS].limit ? cpu_raise(cpu, VEC_GP, 0) : CPU_NEXT;
}

static enum cpu_result jump(struct cpu *cpu, u32 target)
{
	cpu->eip = target;
	return CPU_JUMP;
}

static enum cpu_result behind(struct cpu *cpu, const struct insn *in)
{
	cpu->eip += in->len;
	return CPU_NEXT;
}

static enum cpu_result do_push(struct cpu *cpu, const struct insn *in)
{
	u32 value = 0;

	if (operand(cpu, in, &value) != CPU_NEXT || push(cpu, value, in->osize) != CPU_NEXT)
		return CPU_FAULT;
	return behind(cpu, in);
}

static enum cpu_result do_push_seg(struct cpu *cpu, const struct insn *in)
{
	return push(cpu, cpu->seg[in->reg].sel, in->osize) == CPU_NEXT ? behind(cpu, in)
								       : CPU_FAULT;
}

/* MOV m16, sreg */
static enum cpu_result do_store_seg(struct cpu *cpu, const struct insn *in)
{
	u16 sel = cpu->seg[in->reg].sel;

	if (cpu_mem_write(cpu, in->seg, insn_ea(cpu, in), &sel, 2) != CPU_NEXT)
		return CPU_FAULT;
	return behind(cpu, in);
}

static enum cpu_result do_pop(struct cpu *cpu, const struct insn *in)
{
	u32 old = cpu->gpr[REG_ESP], value = 0;
	enum cpu_result res =
		cpu_mem_read(cpu, SEG_SS, old & cpu_stack_mask(cpu), &value, in->osize);

	if (res != CPU_NEXT)
		return res;
	set_esp(cpu, old + in->osize); /* an address with ESP in it sees the new value */
	if (!in->is_mem) {
		cpu->gpr[in->rm] = operand_merge(cpu->gpr[in->rm], value, in->osize);
		return behind(cpu, in);
	}
	res = cpu_mem_write(cpu, in->seg, insn_ea(cpu, in), &value, in->osize);
	if (res == CPU_NEXT)
		return behind(cpu, in);
	cpu->gpr[REG_ESP] = old;
	return res;
}

static enum cpu_result do_ret(struct cpu *cpu, const struct insn *in)
{
	u32 target = 0;
	enum cpu_result res = cpu_mem_read(cpu, SEG_SS, cpu->gpr[REG_ESP] & cpu_stack_mask(cpu),
					   &target, in->osize);

	if (res == CPU_NEXT)
		res = near_target(cpu, in, &target);
	if (res != CPU_NEXT)
		return res;
	set_esp(cpu, cpu->gpr[REG_ESP] + in->osize + (in->imm & 0xffff));
	return jump(cpu, target);
}

static enum cpu_result do_call(struct cpu *cpu, const struct insn *in)
{
	u32 target;
	enum cpu_result res = operand(cpu, in, &target);

	if (res == CPU_NEXT)
		res = near_target(cpu, in, &target);
	if (res == CPU_NEXT)
		res = push(cpu, cpu->eip + in->len, in->osize);
	return res == CPU_NEXT ? jump(cpu, target) : res;
}

static enum cpu_result do_jmp(struct cpu *cpu, const struct insn *in)
{
	u32 target;
	enum cpu_result res = operand(cpu, in, &target);

	if (res == CPU_NEXT)
		res = near_target(cpu, in, &target);
	return res == CPU_NEXT ? jump(cpu, target) : res;
}

/* LOOPcc and JCXZ. imm: displacement; reg: low bits of the opcode. */
static enum cpu_result do_loop(struct cpu *cpu, const struct insn *in)
{
	u32 mask = insn_address_mask(in), cx = cpu->gpr[REG_ECX] & mask;
	bool taken, zf = cpu->eflags & EFLAGS_ZF;
	u32 next = cpu->eip + in->len, target = next + in->imm;

	if (in->reg == 3)
		taken = !cx;
	else
		taken = (cx = (cx - 1) & mask) && (in->reg == 2 || zf == (in->reg == 1));
	if (taken && near_target(cpu, in, &target) != CPU_NEXT)
		return CPU_FAULT;
	if (in->reg != 3)
		cpu->gpr[REG_ECX] = operand_merge(cpu->gpr[REG_ECX], cx, in->asize);
	if (taken)
		return jump(cpu, target);
	return jump(cpu, next);
}

static enum cpu_result do_xlat(struct cpu *cpu, const struct insn *in)
{
	u32 ea = cpu->gpr[REG_EBX] + (cpu->gpr[REG_EAX] & 0xff);
	u8 value;
	enum cpu_result res =
		cpu_mem_read(cpu, in->seg, in->asize == 2 ? ea & 0xffff : ea, &value, 1);

	if (res != CPU_NEXT)
		return res;
	cpu->gpr[REG_EAX] = (cpu->gpr[REG_EAX] & ~0xffu) | value;
	return behind(cpu, in);
}

/* An MMX or XMM register in the FXSAVE image; MM0..MM7 are the x87 registers by number, not by TOP.
 */
static const u8 *vector_reg(const struct cpu *cpu, unsigned reg, bool mmx)
{
	const u8 *fx = cpu->fpu.image;

	return mmx ? fx + 32 + 16 * ((reg - (fx[3] >> 3)) & 7) : fx + 160 + 16 * reg;
}

/* As any MMX instruction: TOP is 0 and all registers are valid (SDM 1 9.5.1). */
static void enter_mmx(struct cpu *cpu)
{
	u8 *fx = cpu->fpu.image, top = fx[3] >> 3 & 7;

	fx[3] &= (u8)~0x38;
	fx[4] = 0xff;
	hard_fpu_rename(fx, top);
}

/* reg: the data, rm: the mask; a byte is stored where the mask's byte has its top bit set. */
static enum cpu_result do_maskmov(struct cpu *cpu, const struct insn *in)
{
	bool mmx = in->osize == 8;
	unsigned user = cpu_user_access(cpu);
	const u8 *data, *mask;
	u32 edi = in->asize == 2 ? (u16)cpu->gpr[REG_EDI] : cpu->gpr[REG_EDI];
	gla_t gla;

	cpu_env(cpu)->fpu_save(cpu);
	if (mmx)
		enter_mmx(cpu); /* before it faults, too, as processors do */
	data = vector_reg(cpu, in->reg, mmx);
	mask = vector_reg(cpu, in->rm, mmx);
	cpu_env(cpu)->fpu_load(cpu);
	if (cpu_seg_check(cpu, in->seg, edi, in->osize, ACCESS_WRITE, &gla) != CPU_NEXT ||
	    cpu_lin_probe_write(cpu, gla, in->osize, user) != CPU_NEXT)
		return CPU_FAULT;
	for (unsigned i = 0; i < in->osize; i++)
		if ((mask[i] & 0x80) && cpu_lin_write(cpu, gla + i, &data[i], 1, user) != CPU_NEXT)
			return CPU_FAULT;
	return behind(cpu, in);
}

/* The rest of an instruction at the end of a page. If it is there meanwhile, the block is made
 * anew. */
static enum cpu_result do_fetch(struct cpu *cpu, const struct insn *in)
{
	unsigned access = ACCESS_EXEC | cpu_user_access(cpu);
	const struct cpu_segment *cs = &cpu->seg[SEG_CS];
	u32 left = cs->limit - cpu->eip;
	gla_t at = cs->base + cpu->eip;
	struct pagewalk w, next;

	(void)in;
	/* Does the segment end before the page does? */
	if (left < 14 && left < PAGE_SIZE - (at & (PAGE_SIZE - 1)))
		return cpu_raise(cpu, VEC_GP, 0);

	if (cpu_walk(cpu, at, access, &w) == CPU_FAULT ||
	    cpu_walk(cpu, (at | (PAGE_SIZE - 1)) + 1, access, &next) == CPU_FAULT)
		return CPU_FAULT;
	block_drop_cut(cpu->recomp, at);
	return CPU_RETRY;
}

static enum cpu_result do_long(struct cpu *cpu, const struct insn *in)
{
	(void)in;
	return cpu_raise(cpu, VEC_GP, 0);
}

/* The block's guest bytes have changed: it is made anew. */
static enum cpu_result do_stale(struct cpu *cpu, const struct insn *in)
{
	struct block *b = &cpu->recomp->block[in->imm];

	block_note_stale(cpu->recomp, b);
	block_drop(cpu->recomp, b);
	return CPU_RETRY;
}

static enum cpu_result do_patched(struct cpu *cpu, const struct insn *in)
{
	struct insn now = *in;

	now.op = in->imm2;
	now.imm = cpu->patched[in->reg];
	return cpu_hard_exec(cpu, &now);
}

/* They set EIP themselves, behind the instruction if nothing else is said. */
static enum cpu_result (*const slow_function[])(struct cpu *cpu, const struct insn *in) = {
	[OP_SLOW_CALL - OP_COUNT] = do_call,
	[OP_SLOW_RET - OP_COUNT] = do_ret,
	[OP_SLOW_JMP - OP_COUNT] = do_jmp,
	[OP_SLOW_LOOP - OP_COUNT] = do_loop,
	[OP_SLOW_PUSH - OP_COUNT] = do_push,
	[OP_SLOW_PUSH_SEG - OP_COUNT] = do_push_seg,
	[OP_SLOW_STORE_SEG - OP_COUNT] = do_store_seg,
	[OP_SLOW_POP - OP_COUNT] = do_pop,
	[OP_SLOW_XLAT - OP_COUNT] = do_xlat,
	[OP_SLOW_MASKMOV - OP_COUNT] = do_maskmov,
	[OP_SLOW_FETCH - OP_COUNT] = do_fetch,
	[OP_SLOW_LONG - OP_COUNT] = do_long,
	[OP_SLOW_STALE - OP_COUNT] = do_stale,
	[OP_SLOW_PATCHED - OP_COUNT] = do_patched,
};
_Static_assert(ARRAY_SIZE(slow_function) == OP_SLOW_END - OP_COUNT, "a function for each");

static enum cpu_result execute(struct cpu *cpu, const struct insn *in)
{
	return in->op < OP_COUNT ? cpu_hard_exec(cpu, in)
				 : slow_function[in->op - OP_COUNT](cpu, in);
}

/* A fault is delivered at once where nobody looks at single instructions. */
static void deliver(struct recomp *r)
{
	const struct cpu *cpu = r->cpu;

	if ((r->edge_key & (KEY_TF | KEY_SLOW)) || cpu->debug_hits || cpu->events ||
	    cpu->stops.vectors)
		return;
	COUNT(r->stats.faults_delivered);
	r->pending = cpu_deliver_fault(r->cpu);
}

/* After a transfer of control. */
static bool goes_on_there(struct recomp *r)
{
	return r->mode_of.cpl == r->cpu->cpl ? recomp_go_on(r) : recomp_go_on_changed(r);
}

/* Mostly where a transfer leads is known code. */
static u32 ended(struct recomp *r)
{
	if (r->pending == CPU_FAULT)
		deliver(r);
	if (r->pending == CPU_JUMP && goes_on_there(r)) {
		cpu_env(r->cpu)->code_runs(r->cpu, true);
		return STUB_GO_ON;
	}
	if (r->pending == CPU_RETRY && r->cpu->eip == r->held)
		r->cpu->shadow = CPU_SHADOW_STI; /* it has not been executed */
	return r->pending;
}

static u32 mode_behind(struct recomp *r, const struct insn *in)
{
	switch (in->op) {
	case OP_MOV_TO_SEG:
	case OP_POP_SEG:
		return recomp_mode_segment(r, in->reg);
	case OP_LOAD_FAR_POINTER:
		return recomp_mode_segment(r, in->imm);
	default:
		return recomp_mode(r);
	}
}

/* May translated code go on behind the instruction? Not if its mode, its bytes or its right to run
 * with events pending have changed. */
static bool goes_on(struct recomp *r, const struct site *s)
{
	return !s->ends && !r->code_changed && !r->flush_wanted && !r->cpu->debug_hits &&
	       r->cpu->lookup_tag == r->tag && !cpu_must_stop(r->cpu) &&
	       (!r->cpu->shadow || recomp_shadow_is_quiet(r)) &&
	       (!s->mode || mode_behind(r, &s->insn) == r->edge_key);
}

bool recomp_no_device_called(struct recomp *r)
{
	u32 before = r->calls_seen;

	r->calls_seen = r->cpu->device_calls;
	return before == r->calls_seen;
}

/* How often what keeps a noted instruction in C has been met. String instructions meet watched
 * pages inline. */
static u32 met(const struct recomp *r, const struct site *s)
{
	switch (s->insn.op) {
	case OP_MOVS:
	case OP_CMPS:
	case OP_STOS:
	case OP_LODS:
	case OP_SCAS:
		return r->cpu->device_calls;
	default:
		return r->cpu->caught;
	}
}

/* One that was noted, and is inline again when it mostly meets plain memory. */
static enum cpu_result noted(struct recomp *r, const struct site *s)
{
	gla_t at = r->cpu->seg[SEG_CS].base + s->eip;
	u32 before = met(r, s);
	enum cpu_result res = execute(r->cpu, &s->insn);

	if (res == CPU_NEXT || res == CPU_JUMP)
		block_note_plain(r, at, met(r, s) == before);
	return res;
}

static bool enters_handler(const struct insn *in)
{
	unsigned op = in->op == OP_SLOW_PATCHED ? in->imm2 : in->op;

	return op < OP_COUNT && isa_op_is(op, HOW_ENTERS_HANDLER);
}

static enum cpu_result hard(struct recomp *r, const struct site *s)
{
	enum cpu_result res = s->noted ? noted(r, s) : execute(r->cpu, &s->insn);

	COUNT(r->stats.hard_execs);
	r->entered_handler = res == CPU_JUMP && enters_handler(&s->insn);
	if (res == CPU_NEXT && !goes_on(r, s))
		return CPU_JUMP;
	if (res == CPU_NEXT)
		r->cpu->shadow = 0; /* what follows is marked */
	return res;
}

/* An instruction of V86 mode that IOPL does not allow: #GP, if that goes to its handler at once. */
static bool v86_traps(struct recomp *r, const struct site *s)
{
	struct cpu *cpu = r->cpu;

	if (cpu_iopl(cpu) == 3 || (cpu->cr4 & CR4_VME) || cpu->stops.vectors)
		return false;
	cpu->eip = s->eip;
	if (!ring_change_other_in(cpu, VEC_GP, EVENT_EXCEPTION, true, 0))
		return false;
	COUNT(r->stats.faults_delivered);
	return true;
}

/* CLI, STI, PUSHF and POPF are done without C but where they trap. */
static bool may_change_ring(const struct recomp *r, unsigned op)
{
	switch (op) {
	case OP_INT:
	case OP_IRET:
		return true;
	case OP_CLI:
	case OP_STI:
	case OP_PUSHF:
	case OP_POPF:
		return (r->edge_key & (KEY_VM | KEY_IOPL)) == KEY_VM;
	default:
		return false;
	}
}

static bool usual_int(struct recomp *r, const struct site *s)
{
	struct cpu *cpu = r->cpu;
	u8 vector = (u8)s->insn.imm;
	u32 next = s->eip + s->insn.len;

	if (!(r->edge_key & (KEY_VM | KEY_PE)))
		return real_change_in(cpu, vector, next);
	if (!(r->edge_key & KEY_CPL3) || ((r->edge_key & KEY_VM) && cpu->tells_ints))
		return false;
	if ((r->edge_key & KEY_VM) && v86_traps(r, s))
		return true;
	cpu->eip = next;
	return ring_change_other_in(cpu, vector, EVENT_SOFT_INT, false, 0);
}

static bool usual_iret(struct recomp *r, const struct site *s)
{
	if ((r->edge_key & (KEY_VM | KEY_PE)) == KEY_PE)
		return ring_change_other_out(r->cpu, s->insn.osize);
	return ((r->edge_key & KEY_VM) && v86_traps(r, s)) ||
	       (s->insn.osize == 2 && real_change_out(r->cpu));
}

/* The usual transfers are too short for an account of their own. */
static __attribute__((noinline)) bool usual_change(struct recomp *r, const struct site *s)
{
	if (s->insn.lock || (r->edge_key & (KEY_TF | KEY_SLOW)))
		return false;
	switch (s->insn.op) {
	case OP_INT:
		return usual_int(r, s);
	case OP_IRET:
		return usual_iret(r, s);
	default:
		return v86_traps(r, s);
	}
}

/* INT or IRET, whose way may be one for the stubs of stub_ring.h. */
static void note_change(struct recomp *r, const struct site *s, const struct ring_before *was)
{
	bool traps = was->v86 && was->iopl != EFLAGS_IOPL;

	if (traps)
		stub_ring_note_in(r, was, VEC_GP, true);
	else if (s->insn.op == OP_INT)
		stub_ring_note_in(r, was, (u8)s->insn.imm, false);
	else if (!was->v86)
		stub_ring_note_out(r, was, s->insn.osize);
}

static u32 transferred(struct recomp *r, const struct site *s, const struct ring_before *was)
{
	COUNT(r->stats.hard_execs);
	r->pending = CPU_JUMP;
	if (!goes_on_there(r))
		return CPU_JUMP;
	if (cpu_protected(r->cpu))
		note_change(r, s, was);
	return STUB_GO_ON;
}

static struct ring_before before(const struct recomp *r, const struct site *s)
{
	const struct cpu *cpu = r->cpu;

	return (struct ring_before){ .from = cpu->lookup_tag,
				     .cpl = cpu->cpl,
				     .v86 = cpu_v86(cpu),
				     .iopl = cpu->eflags & EFLAGS_IOPL,
				     .leave = stub_ring_leave_of(r->edge_key, s->insn.osize) };
}

static u32 transfer(struct cpu *cpu, u32 site)
{
	struct recomp *r = cpu->recomp;
	const struct site *s = (const struct site *)(const void *)(r->arena + site);
	const struct ring_before was = before(r, s);

	if (usual_change(r, s))
		return transferred(r, s, &was);
	return recomp_in_c(cpu, site, hard) == CPU_NEXT ? CPU_NEXT : ended(r);
}

/* A port: as devices with memory (stub_device.c), too short for an account of its own. What the
 * device did may have switched memory, so that another view is to be loaded. */
static u32 use_port(struct recomp *r, const struct site *s)
{
	r->cpu->eip = s->eip;
	r->pending = hard(r, s);
	if (r->pending != CPU_NEXT)
		return ended(r);
	cpu_env(r->cpu)->code_runs(r->cpu, true);
	return CPU_NEXT;
}

u32 recomp_hard(struct cpu *cpu, u32 site)
{
	struct recomp *r = cpu->recomp;
	const struct site *s = (const struct site *)(const void *)(r->arena + site);

	if (may_change_ring(r, s->insn.op))
		return transfer(cpu, site);
	if (s->insn.op == OP_IN || s->insn.op == OP_OUT)
		return use_port(r, s);
	return recomp_in_c(cpu, site, hard) == CPU_NEXT ? CPU_NEXT : ended(cpu->recomp);
}

/* Once in each system call: the usual one is too short for an account of its own. */
u32 recomp_iret(struct cpu *cpu, u32 site)
{
	struct recomp *r = cpu->recomp;
	const struct site *s = (const struct site *)(const void *)(r->arena + site);

	if (s->insn.osize == 2 || s->insn.lock || !cpu_paging(cpu) || !ring_change_out(cpu, 4))
		return recomp_hard(cpu, site);
	COUNT(r->stats.hard_execs);
	r->left_by_iret = true;
	r->pending = CPU_JUMP;
	return CPU_JUMP;
}

/* The selector, if it can be read without looking. */
static inline bool new_selector(struct cpu *cpu, const struct insn *in, u16 *sel)
{
	const u8 *p;
	gla_t gla;

	if (in->op == OP_MOV_TO_SEG && !in->is_mem) {
		*sel = (u16)cpu->gpr[in->rm];
		return true;
	}
	if (cpu_align_checked(cpu) ||
	    (in->op == OP_POP_SEG
		     ? cpu_seg_check(cpu, SEG_SS, cpu->gpr[REG_ESP] & cpu_stack_mask(cpu), 2,
				     ACCESS_READ, &gla)
		     : cpu_seg_check(cpu, in->seg, insn_ea(cpu, in), 2, ACCESS_READ, &gla)) !=
		    CPU_NEXT)
		return false;
	p = cpu_lin_direct(cpu, gla, 2, cpu_user_access(cpu));
	if (p)
		__builtin_memcpy(sel, p, 2);
	return p;
}

/* All but what recomp_segment() knows. */
static u32 other_segment(struct cpu *cpu, u32 site, enum cpu_seg seg)
{
	struct recomp *r = cpu->recomp;
	u64 from = cpu->lookup_tag;
	enum cpu_result res = recomp_in_c(cpu, site, hard);
	u32 on = res == CPU_NEXT ? CPU_NEXT : ended(r);

	if (res == CPU_NEXT || (res == CPU_JUMP && on == STUB_GO_ON))
		stub_reload_note(r, seg, from);
	return on;
}

/* Loads that were done before at this level. */
u32 recomp_segment(struct cpu *cpu, u32 site)
{
	struct recomp *r = cpu->recomp;
	const struct site *s = (const struct site *)(const void *)(r->arena + site);
	enum cpu_seg seg = s->insn.reg;
	const struct cpu_segment was = cpu->seg[seg];
	u64 from = cpu->lookup_tag;
	u32 key;
	u16 sel;

	if (!new_selector(cpu, &s->insn, &sel) || !cpu_load_segment_again(cpu, seg, sel))
		return other_segment(cpu, site, seg);
	if (s->insn.op == OP_POP_SEG)
		set_esp(cpu, cpu->gpr[REG_ESP] + s->insn.osize);
	COUNT(r->stats.hard_execs);
	if (cpu_same_segment(&was, &cpu->seg[seg]))
		key = r->edge_key;
	else
		key = recomp_mode_segment(r, seg);
	if (key == r->edge_key) {
		stub_segment_note(r, seg);
		stub_reload_note(r, seg, from);
		return CPU_NEXT;
	}
	cpu->eip = s->eip + s->insn.len;
	r->pending = CPU_JUMP;
	if (!recomp_go_on_as(r, key))
		return CPU_JUMP;
	stub_reload_note(r, seg, from);
	return STUB_GO_ON;
}
