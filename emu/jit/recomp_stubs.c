/* SPDX-License-Identifier: MIT */
/*
 * The stubs at the start of the code cache: in, out, and calls into C.
 *
 *   enter(cpu, code)  SysV function: saves callee-saved registers, reserves 40 bytes (a byte slot
 *                     at RSP + 8), loads the guest
 *   leave_dispatch    stores the guest and returns to C: eax = 0, edx = SLOT_NONE; R8 is the EIP
 *   leave_edge        called by an edge's stub: eax = 0, edx = offset of the return address
 *   call_hard         called with R9 = site: stores the guest, calls C; 0 reloads the guest and
 *                     returns, STUB_GO_ON reloads it and jumps to r->go_on, else leaves. C sets the
 *                     EIP, which the site knows. The other call_* are the same with other C
 *                     functions.
 *
 * Flags are kept by LAHF and SETO: PUSHFQ and POPFQ take tens of cycles on real processors and end
 * a translation under QEMU. DF, which neither knows, has a copy in cpu->quiet_flags.
 */
#include "emu/jit/recomp_stubs.h"

#include "emu/trans/emit_insn.h"
#include "emu/trans/stub_device.h"
#include "emu/trans/stub_fpu.h"
#include "emu/trans/stub_real.h"
#include "emu/trans/stub_reload.h"
#include "emu/trans/stub_ring.h"
#include "emu/trans/stub_segment.h"
#include "emu/trans/trans.h"
#include "kernel/base/log.h"

#define STUBS_SIZE (5 * PAGE_SIZE)

static struct hmem gpr_field(unsigned g)
{
	return cpu_field(offsetof(struct cpu, gpr) + g * 4);
}

static void store_guest(struct emit *e, const struct recomp *r)
{
	for (unsigned g = 0; g < 8; g++)
		emit_store32(e, g == REG_ESP ? R_GSP : g, gpr_field(g));
	emit_lahf(e);
	emit_setcc(e, CC_O, R_A);
	emit_movzx8(e, R_C, R_AH);
	emit_movzx8(e, R_A, R_A);
	emit_shift(e, SHIFT_LEFT, R_A, EMIT_OF_BIT);
	emit_alu(e, ALU_OR, R_A, R_C);
	emit_alu_load(e, ALU_OR, R_A, CPU_FIELD(quiet_flags));
	emit_store32(e, R_A, CPU_FIELD(eflags));
	emit_set_df(e, false);
	stub_fpu_to_host(e, r);
}

/*
 * Ends with R_POLL. An interrupt before that load changes cpu->poll in time; one between it and the
 * last instruction of the stub, whose address is noted, must change the register.
 */
static void load_guest(struct emit *e, struct recomp *r)
{
	struct emit_label upwards = { 0 };

	stub_fpu_to_guest(e, r);
	emit_load32(e, R_A, CPU_FIELD(eflags));
	emit_mov(e, R_D, R_A);
	emit_alu_imm(e, ALU_AND, R_D, QUIET_FLAGS);
	emit_store32(e, R_D, CPU_FIELD(quiet_flags));
	emit_alu_imm(e, ALU_OR, R_D, EFLAGS_OF);
	emit_store32(e, R_D, CPU_FIELD(quiet_flags_of));
	emit_alu_imm(e, ALU_AND, R_D, EFLAGS_DF);
	emit_jcc(e, CC_Z, &upwards);
	emit_set_df(e, true);
	emit_label(e, &upwards);
	emit_mov8(e, R_AH, R_A);
	emit_load32(e, R_D, CPU_FIELD(eflags));
	emit_shift(e, SHIFT_RIGHT, R_D, EMIT_OF_BIT);
	emit_alu_imm8(e, ALU_AND, R_D, 1);
	emit_mov8(e, R_A, R_D);
	emit_flags_from_ax(e);
	for (unsigned g = 0; g < 8; g++)
		emit_load32(e, g == REG_ESP ? R_GSP : g, gpr_field(g));
	emit_load64(e, R_POLL, CPU_FIELD(poll));
	r->loaded[r->loads++] = emit_here(e);
}

/* What C expects to find again, in the order of the pushes. */
static const u8 saved[] = { R_B, R_BP, R12, R13, R14, R15 };
#define FRAME 40u /* bytes of the host's stack while translated code runs */

static void prologue(struct emit *e)
{
	for (unsigned i = 0; i < ARRAY_SIZE(saved); i++)
		emit_push(e, saved[i]);
	emit_alu64_imm8(e, ALU_SUB, R_SP, FRAME);
}

static void epilogue(struct emit *e)
{
	emit_alu64_imm8(e, ALU_ADD, R_SP, FRAME);
	for (unsigned i = ARRAY_SIZE(saved); i-- > 0;)
		emit_pop(e, saved[i]);
	emit_ret(e);
}

static u64 align_stub(struct emit *e)
{
	while (emit_here(e) & 15)
		emit_u8(e, 0xcc); /* INT3: nobody comes here */
	return emit_here(e);
}

/* To r->go_on, which is read before its register is the guest's. */
static void go_on(struct emit *e, struct recomp *r)
{
	emit_mov_imm64(e, R_A, (u64)&r->go_on);
	emit_load64(e, R8, (struct hmem){ .base = R_A, .index = -1, .scale = 1 });
	emit_alu64_imm8(e, ALU_ADD, R_SP, 8); /* the return address */
	load_guest(e, r);
	emit_jmp_reg(e, R8);
}

/* eax: 0 goes on in translated code, STUB_GO_ON does so elsewhere, else leaves with it. */
static u64 c_stub(struct emit *e, struct recomp *r, const void *fn, bool jumps)
{
	u64 at = align_stub(e);
	struct emit_label leave = { 0 }, on = { 0 };

	store_guest(e, r);
	emit_mov64(e, R_DI, R_CPU);
	emit_mov(e, R_SI, R9);
	emit_alu64_imm8(e, ALU_SUB, R_SP, 8); /* aligned for C */
	emit_mov_imm64(e, R_A, (u64)fn);
	emit_call_reg(e, R_A);
	emit_alu64_imm8(e, ALU_ADD, R_SP, 8);
	emit_test(e, R_A, R_A);
	emit_jcc_near(e, CC_NZ, &leave);
	load_guest(e, r);
	emit_ret(e);
	emit_label(e, &leave);
	if (jumps)
		emit_jcc_near(e, CC_S, &on);
	emit_alu64_imm8(e, ALU_ADD, R_SP, 8); /* the return address */
	emit_mov_imm32(e, R_D, SLOT_NONE);
	epilogue(e);
	if (jumps) {
		emit_label(e, &on);
		go_on(e, r);
	}
	return at;
}

void recomp_emit_stubs(struct recomp *r, const struct stub_targets *to)
{
	struct emit e = { r->cfg.cache_rw, r->cfg.cache_rw, r->cfg.cache_rw + STUBS_SIZE,
			  (u64)r->cfg.cache_rx, false };

	r->loads = 0;
	r->enter = align_stub(&e);
	prologue(&e);
	emit_mov64(&e, R_CPU, R_DI);
	emit_mov64(&e, R8, R_SI);
	emit_load64(&e, R_TABLE, CPU_FIELD(lookup_table));
	load_guest(&e, r);
	emit_jmp_reg(&e, R8);

	trans_keep_look_up(r);
	r->leave_dispatch = align_stub(&e);
	emit_store32(&e, R8, CPU_FIELD(eip));
	store_guest(&e, r);
	emit_mov_imm32(&e, R_D, SLOT_NONE);
	emit_alu(&e, ALU_XOR, R_A, R_A);
	epilogue(&e);

	r->leave_edge = align_stub(&e);
	store_guest(&e, r);
	emit_pop(&e, R_D);
	emit_mov_imm64(&e, R_A, (u64)r->cfg.cache_rx);
	emit_alu(&e, ALU_SUB, R_D, R_A);
	emit_alu(&e, ALU_XOR, R_A, R_A);
	epilogue(&e);

	/* From a trap: the guest is in struct cpu already; eax and edx are set by the frame. */
	r->leave_trap = align_stub(&e);
	emit_set_df(&e, false);
	stub_fpu_to_host(&e, r);
	epilogue(&e);

	r->call_hard = c_stub(&e, r, to->hard, true);
	r->call_iret = c_stub(&e, r, to->iret, true);
	r->call_segment = c_stub(&e, r, to->segment, true);
	r->call_slow_read = c_stub(&e, r, to->slow_read, false);
	r->call_slow_write = c_stub(&e, r, to->slow_write, false);
	r->call_slow_store = c_stub(&e, r, to->slow_store, false);
	r->call_stop = c_stub(&e, r, to->stop, false);
	r->call_loop = c_stub(&e, r, to->loop, false);
	align_stub(&e);
	r->call_device_read = stub_device_emit(&e, r, false, r->call_slow_read);
	align_stub(&e);
	r->call_device_write = stub_device_emit(&e, r, true, r->call_slow_write);
	align_stub(&e);
	r->call_device_store = stub_device_emit(&e, r, true, r->call_slow_store);
	r->segment_stubs = align_stub(&e);
	r->reload[0] = stub_reload_emit(&e, r, SEG_ES);
	align_stub(&e);
	r->reload[1] = stub_reload_emit(&e, r, SEG_DS);
	for (unsigned seg = 0; seg < SEG_COUNT; seg++)
		for (unsigned pop = 0; pop < 2 && seg != SEG_CS && seg != SEG_SS; pop++) {
			align_stub(&e);
			r->load_segment[pop][seg] = stub_segment_emit(&e, r, seg, pop);
		}
	stub_real_emit(&e, r);
	align_stub(&e);
	stub_ring_emit_in(&e, r);
	align_stub(&e);
	stub_ring_emit_out(&e, r);
	ASSERT(!e.overflow);
	r->code_start = r->code_next = STUBS_SIZE;
}
