/* SPDX-License-Identifier: MIT */
/*
 * Unicorn 2.0 (QEMU's translator as a library): a second opinion on every mode, also on those that
 * a Linux process cannot be in. It delivers no exceptions: the hook that would serve one records
 * the state and stops it. Its RAM and tables are a copy of ours when the mode is set up.
 *
 * x87 is compared with the native processor only: Unicorn's has neither stack faults nor all flags.
 *
 * What it does not do, so that a case that needs it is not compared here (return 1): memory beyond
 * RAM, and segment limits (the comparison checks those by itself, limits.c).
 */
#include <stdio.h>
#include <string.h>
#include <unicorn/unicorn.h>

#include "emu/cpu/cpu.h"
#include "tests/diff/case.h"
#include "tests/diff/unicorn_state.h"

#define IRET_AT 0x5f0000u /* code and frame that lead to CPL 3, used once */

static uc_engine *uc;
static uc_context *fresh; /* restored before each case: what it keeps of an exception, too */
static u8 *ram;
static enum case_mode mode = CASE_MODES;
static volatile bool stopped;
static int vector; /* of the exception that stopped it, or -1 */

static void on_interrupt(uc_engine *engine, uint32_t number, void *ctx)
{
	(void)ctx;
	vector = (int)number;
	uc_emu_stop(engine);
}

/* No devices: ports read as ones. */
static uint32_t on_in(uc_engine *engine, uint32_t port, int size, void *ctx)
{
	(void)engine;
	(void)port;
	(void)size;
	(void)ctx;
	return 0xffffffff;
}

static void on_out(uc_engine *engine, uint32_t port, int size, uint32_t value, void *ctx)
{
	(void)engine;
	(void)port;
	(void)size;
	(void)value;
	(void)ctx;
}

static void put32(u32 at, u32 v)
{
	memcpy(ram + at, &v, 4);
}

/* Through an IRET, which alone lowers the privilege, and enters V86 mode. */
static bool enter_cpl3(const struct case_layout *l, bool v86)
{
	const u32 frame[] = {
		v86 ? 0 : IRET_AT + 1,	l->sel[SEG_CS], EFLAGS_ONE | (v86 ? EFLAGS_VM : 0),
		v86 ? l->esp : IRET_AT, l->sel[SEG_SS], l->sel[SEG_ES],
		l->sel[SEG_DS],		l->sel[SEG_FS], l->sel[SEG_GS]
	};

	memcpy(ram + IRET_AT, "\xcf\x0f\x0b", 3); /* iretd; ud2 */
	memcpy(ram + l->code, "\x0f\x0b", 2);
	for (unsigned i = 0; i < ARRAY_SIZE(frame); i++)
		put32(IRET_AT + 0x100 + 4 * i, frame[i]);
	unicorn_set(uc, UC_X86_REG_ESP, IRET_AT + 0x100);
	uc_emu_start(uc, IRET_AT, ~0ull, 0, 0);
	if (v86)
		return unicorn_get(uc, UC_X86_REG_EFLAGS) & EFLAGS_VM;
	for (unsigned i = 0; i < 6; i++) /* later, paging would be in the way */
		if (i != SEG_CS && i != SEG_SS)
			unicorn_set(uc, unicorn_seg[i], l->sel[i]);
	return (unicorn_get(uc, UC_X86_REG_CS) & 3) == 3;
}

static bool set_up(enum case_mode to)
{
	const struct case_layout *l = case_layout(to);
	const struct case_tables *t = processor_ours_tables(to);
	uc_x86_mmr gdtr = { .base = t->gdt_physical, .limit = t->gdt_limit };
	uc_hook hook;

	if (uc) {
		uc_context_free(fresh);
		uc_close(uc);
	}
	if (uc_open(UC_ARCH_X86, to == CASE_REAL ? UC_MODE_16 : UC_MODE_32, &uc) ||
	    uc_context_alloc(uc, &fresh) || uc_mem_map_ptr(uc, 0, CASE_RAM, UC_PROT_ALL, ram) ||
	    uc_hook_add(uc, &hook, UC_HOOK_INTR, (void *)on_interrupt, NULL, 1, 0) ||
	    uc_hook_add(uc, &hook, UC_HOOK_INSN, (void *)on_in, NULL, 1, 0, UC_X86_INS_IN) ||
	    uc_hook_add(uc, &hook, UC_HOOK_INSN, (void *)on_out, NULL, 1, 0, UC_X86_INS_OUT))
		return false;
	memcpy(ram, t->ram, CASE_RAM);
	for (u32 at = t->cr3; at < t->cr3 + t->tables_size; at += 8) /* it has no NX */
		ram[at + 7] &= 0x7f;
	mode = to;
	unicorn_set(uc, UC_X86_REG_CR4, CR4_OSFXSR | CR4_OSXMMEXCPT);
	if (to == CASE_REAL) {
		unicorn_set(uc, UC_X86_REG_CR0, CR0_ET | CR0_NE);
		return true;
	}
	unicorn_set(uc, UC_X86_REG_CR0, CR0_ET | CR0_NE | CR0_PE);
	uc_reg_write(uc, UC_X86_REG_GDTR, &gdtr);
	if (to != CASE_FLAT3 && to != CASE_V86)
		return true;
	unicorn_set(uc, UC_X86_REG_CS, 0x08);
	unicorn_set(uc, UC_X86_REG_SS, 0x10);
	if (!enter_cpl3(l, to == CASE_V86))
		return false;
	if (to == CASE_V86)
		return true;
	gdtr.base = t->gdt;
	uc_reg_write(uc, UC_X86_REG_GDTR, &gdtr);
	unicorn_set(uc, UC_X86_REG_CR4, CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_PAE);
	unicorn_set(uc, UC_X86_REG_CR3, t->cr3);
	unicorn_set(uc, UC_X86_REG_CR0, CR0_ET | CR0_NE | CR0_PE | CR0_PG | CR0_WP | CR0_MP);
	return true;
}

static bool set_mode(enum case_mode to)
{
	return set_up(to) && !uc_context_save(uc, fresh);
}

static int init(void)
{
	static u8 memory[CASE_RAM] __attribute__((aligned(4096)));

	processor_unicorn.ram = ram = memory;
	if (unicorn_error_find())
		return 0;
	fprintf(stderr, "unicorn: its error codes are not where they were looked for\n");
	return -1;
}

static void load_fpu(const u8 *fx)
{
	u16 fcw, fsw, tag = 0;
	u32 mxcsr;
	unsigned top;

	memcpy(&fcw, fx, 2);
	memcpy(&fsw, fx + 2, 2);
	memcpy(&mxcsr, fx + 24, 4);
	top = fsw >> 11 & 7;
	for (unsigned i = 0; i < 8; i++)
		if (!(fx[4] & 1u << i))
			tag = (u16)(tag | 3u << 2 * i);
	uc_reg_write(uc, UC_X86_REG_FPCW, &fcw);
	uc_reg_write(uc, UC_X86_REG_FPSW, &fsw);
	uc_reg_write(uc, UC_X86_REG_FPTAG, &tag);
	uc_reg_write(uc, UC_X86_REG_MXCSR, &mxcsr);
	for (unsigned i = 0; i < 8; i++) {
		u8 st[16];

		memcpy(st, fx + 32 + 16 * i, 10);
		uc_reg_write(uc, (int)(UC_X86_REG_FP0 + ((i + top) & 7)), st);
		memcpy(st, fx + 160 + 16 * i, 16);
		uc_reg_write(uc, (int)(UC_X86_REG_XMM0 + i), st);
	}
}

static void save_fpu(u8 *fx)
{
	u16 fcw = (u16)unicorn_get(uc, UC_X86_REG_FPCW),
	    fsw = (u16)unicorn_get(uc, UC_X86_REG_FPSW);
	u16 tag = (u16)unicorn_get(uc, UC_X86_REG_FPTAG);
	u32 mxcsr = unicorn_get(uc, UC_X86_REG_MXCSR);
	unsigned top = fsw >> 11 & 7;

	memset(fx, 0, 512);
	memcpy(fx, &fcw, 2);
	memcpy(fx + 2, &fsw, 2);
	memcpy(fx + 24, &mxcsr, 4);
	for (unsigned i = 0; i < 8; i++) {
		if ((tag >> 2 * i & 3) != 3)
			fx[4] |= (u8)(1u << i);
		uc_reg_read(uc, (int)(UC_X86_REG_FP0 + ((i + top) & 7)), fx + 32 + 16 * i);
		uc_reg_read(uc, (int)(UC_X86_REG_XMM0 + i), fx + 160 + 16 * i);
	}
}

static void load(const struct diff_case *c, const struct case_layout *l)
{
	case_load(c, ram);
	uc_ctl_remove_cache(uc, (u64)l->code, (u64)l->code + case_room(l, l->code_size));
	uc_context_restore(uc, fresh);
	for (unsigned i = 0; i < 6; i++)
		if (unicorn_get(uc, unicorn_seg[i]) != c->start.sel[i])
			unicorn_set(uc, unicorn_seg[i], c->start.sel[i]);
	for (unsigned i = 0; i < 8; i++)
		unicorn_set(uc, unicorn_gpr[i], c->start.gpr[i]);
	unicorn_set(uc, UC_X86_REG_EFLAGS, c->start.eflags | EFLAGS_IF);
	unicorn_set(uc, UC_X86_REG_CR2, 0);
	load_fpu(c->start.fx);
}

static int run(const struct diff_case *c, struct case_state *end, u8 *data, u8 *stack)
{
	const struct case_layout *l = case_layout(c->mode);
	u64 start = c->start.eip, until = l->code + l->code_size - 8;
	uc_err err;

	if (mode != c->mode && !set_mode(c->mode)) {
		fprintf(stderr, "unicorn: mode %s cannot be set up\n", case_mode_name[c->mode]);
		return -1;
	}
	load(c, l);
	vector = -1;
	stopped = false;
	if (c->mode == CASE_REAL)
		start += l->base[SEG_CS];
	/* It fetches around the place where it shall stop: one that is there, and that holds INT3.
	 */
	err = uc_emu_start(uc, start, until, 0, 0);
	if (stopped) {
		mode = CASE_MODES;
		return 1;
	}
	if (err == UC_ERR_INSN_INVALID)
		vector = VEC_UD;
	else if (err != UC_ERR_OK)
		return 1; /* beyond RAM */
	if (vector < 0 && unicorn_get(uc, UC_X86_REG_EIP) + l->base[SEG_CS] == until)
		vector = VEC_BP;
	if (vector < 0) {
		mode = CASE_MODES; /* a stray jump came to HLT: a new one next time */
		return 1;
	}
	memset(end, 0, sizeof(*end));
	for (unsigned i = 0; i < 8; i++)
		end->gpr[i] = unicorn_get(uc, unicorn_gpr[i]);
	for (unsigned i = 0; i < 6; i++)
		end->sel[i] = (u16)unicorn_get(uc, unicorn_seg[i]);
	end->eip = unicorn_get(uc, UC_X86_REG_EIP);
	end->eflags = unicorn_get(uc, UC_X86_REG_EFLAGS);
	end->vector = (u8)vector;
	end->has_error = c->mode != CASE_REAL && case_has_error(end->vector);
	if (end->has_error)
		end->error = unicorn_error_code(uc);
	if (vector == VEC_PF) {
		end->has_cr2 = true;
		end->cr2 = unicorn_get(uc, UC_X86_REG_CR2);
	}
	if (l->code16)
		end->eip &= 0xffff;
	save_fpu(end->fx);
	memcpy(data, ram + l->data, case_room(l, l->data_size));
	memcpy(stack, ram + l->stack, case_room(l, l->stack_size));
	return 0;
}

static void stop(void *context)
{
	(void)context;
	stopped = true;
	uc_emu_stop(uc);
}

struct processor processor_unicorn = { .name = "unicorn",
				       .init = init,
				       .run = run,
				       .stop = stop,
				       .except_on = EXCEPT_ON_UNICORN,
				       .no_segment_checks = true,
				       .no_nx = true,
				       .no_wrap = true,
				       .no_smc = true,
				       .no_probe = true,
				       .reads_first = true,
				       .weak_fpu = true,
				       .what = GEN_SSE | GEN_MASKED | GEN_SYSTEM,
				       .not_real = GEN_SSE };
