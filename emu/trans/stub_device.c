/* SPDX-License-Identifier: MIT */
/*
 * Memory operands that are a device's: a program draws sixteen-colour pictures byte by byte. The
 * TLB of the C code knows whose page it is and that a walk has allowed the access; the device's
 * function is called at once. C keeps half of the guest's registers, and the others wait in struct
 * cpu. No account is told: the time is translated code's. A byte costs 90 instructions so, the
 * device's included, against 900 by recomp_memory.c.
 */
#include "emu/trans/stub_device.h"

#include "emu/mem/gpmem_device.h"
#include "emu/trans/stub_fpu.h"

/* What C may change. Flags and site wait in the frame of translated code (recomp_stubs.c), which is
 * above the return address. */
static const u8 lent[] = { R_A, R_C, R_D, R_SI, R_DI };
#define FLAGS_WAIT ((struct hmem){ .base = R_SP, .index = -1, .scale = 1, .disp = 24 })
#define SITE_WAITS ((struct hmem){ .base = R_SP, .index = -1, .scale = 1, .disp = 28 })

#define SITE(f) \
	((struct hmem){ .base = R11, .index = -1, .scale = 1, .disp = offsetof(struct site, f) })
/* Of the entry that is found by R8; its place is in RCX. */
#define ENTRY(f)                                                           \
	((struct hmem){ .base = R_CPU,                                     \
			.index = R_C,                                      \
			.scale = 1,                                        \
			.disp = (s32)(offsetof(struct cpu, tlb.entry[0]) + \
				      offsetof(struct softtlb_entry, f)) })
#define ENTRY_SHIFT 6u

_Static_assert(sizeof(struct softtlb_entry) == 1u << ENTRY_SHIFT, "found by a shift");
_Static_assert(offsetof(struct recomp, flush_wanted) == offsetof(struct recomp, code_changed) + 1,
	       "looked at as one word");

static struct hmem gpr_field(unsigned g)
{
	return cpu_field(offsetof(struct cpu, gpr) + g * 4);
}

static void lend(struct emit *e, const struct recomp *r)
{
	for (unsigned i = 0; i < ARRAY_SIZE(lent); i++)
		emit_store32(e, lent[i], gpr_field(lent[i]));
	emit_lahf(e);
	emit_setcc(e, CC_O, R_A);
	emit_store32(e, R_A, FLAGS_WAIT);
	emit_store32(e, R9, SITE_WAITS);
	emit_store32(e, R8, CPU_FIELD(slow_gla));
	stub_fpu_to_host(e, r);
}

static void take_back(struct emit *e, const struct recomp *r)
{
	struct emit_label upwards = { 0 };

	stub_fpu_to_guest(e, r);
	emit_load32(e, R_A, CPU_FIELD(quiet_flags));
	emit_alu_imm(e, ALU_AND, R_A, EFLAGS_DF);
	emit_jcc(e, CC_Z, &upwards);
	emit_set_df(e, true);
	emit_label(e, &upwards);
	emit_load32(e, R_A, FLAGS_WAIT);
	emit_flags_from_ax(e);
	for (unsigned i = 0; i < ARRAY_SIZE(lent); i++)
		emit_load32(e, lent[i], gpr_field(lent[i]));
}

/* Leaves RCX, R11 and in EDX the operand's size. */
static void find(struct emit *e, const struct recomp *r, struct emit_label *not_so)
{
	emit_mov_imm64(e, R11, (u64)r->arena);
	emit_add64(e, R11, R9);
	emit_mov(e, R_C, R8);
	emit_shift(e, SHIFT_RIGHT, R_C, PAGE_SHIFT - ENTRY_SHIFT);
	emit_alu_imm(e, ALU_AND, R_C, (SOFTTLB_ENTRIES - 1) << ENTRY_SHIFT);
	emit_mov(e, R_A, R8);
	emit_alu_imm(e, ALU_AND, R_A, ~(u32)(PAGE_SIZE - 1));
	emit_alu_load(e, ALU_CMP, R_A, ENTRY(page));
	emit_jcc_near(e, CC_NZ, not_so);
	emit_load_zx(e, r, 1, R_A, SITE(right));
	emit_alu_load(e, ALU_AND, R_A, ENTRY(calls));
	emit_jcc_near(e, CC_Z, not_so);
	/* Of another alignment it is several accesses, perhaps on two pages. */
	emit_load_zx(e, r, 1, R_D, SITE(mem_size));
	emit_lea(e, false, R_A, (struct hmem){ .base = R_D, .index = -1, .scale = 1, .disp = -1 });
	emit_alu(e, ALU_AND, R_A, R8);
	emit_jcc_near(e, CC_NZ, not_so);
}

/* read(ctx, offset, size) or write(ctx, offset, size, value) */
static void call_device(struct emit *e, bool writes)
{
	size_t function =
		writes ? offsetof(struct gpmem_mmio, write) : offsetof(struct gpmem_mmio, read);

	emit_load64(e, R_A, ENTRY(device.mmio));
	emit_load64(e, R_DI, ENTRY(device.ctx));
	emit_mov(e, R_SI, R8);
	emit_alu_imm(e, ALU_AND, R_SI, PAGE_SIZE - 1);
	emit_alu64_load(e, ALU_ADD, R_SI, ENTRY(device.offset));
	if (writes) {
		emit_load32(e, R_C, CPU_FIELD(scratch));
		emit_alu_load(e, ALU_AND, R_C, SITE(ones));
	}
	emit_alu64_imm8(e, ALU_SUB, R_SP, 8); /* aligned for C */
	emit_call_mem(e,
		      (struct hmem){ .base = R_A, .index = -1, .scale = 1, .disp = (s32)function });
	emit_alu64_imm8(e, ALU_ADD, R_SP, 8);
	if (!writes)
		emit_store32(e, R_A, CPU_FIELD(scratch));
	emit_alu_mem_imm8(e, ALU_ADD, CPU_FIELD(device_calls), 1);
}

/* A store that changed code is done, but the block must be left: the long way does that alone. */
static void look_at_code(struct emit *e, const struct recomp *r, struct emit_label *not_so)
{
	struct emit_label as_it_was = { 0 };
	struct hmem at = { .base = R_A, .index = -1, .scale = 1 };

	emit_mov_imm64(e, R_A, (u64)&r->code_changed);
	emit_load_zx(e, r, 2, R_C, at);
	emit_test(e, R_C, R_C);
	emit_jcc(e, CC_Z, &as_it_was);
	at.disp = (s32)(offsetof(struct recomp, device_wrote) -
			offsetof(struct recomp, code_changed));
	emit_store_imm8(e, at, 1);
	emit_jmp_near(e, not_so);
	emit_label(e, &as_it_was);
}

u64 stub_device_emit(struct emit *e, struct recomp *r, bool writes, u64 long_way)
{
	u64 at = emit_here(e);
	struct emit_label not_so = { 0 };

	lend(e, r);
	find(e, r, &not_so);
	emit_set_df(e, false);
	call_device(e, writes);
	if (writes)
		look_at_code(e, r, &not_so);
	take_back(e, r);
	emit_load64(e, R_POLL, CPU_FIELD(poll));
	r->loaded[r->loads++] = emit_here(e);
	emit_ret(e);
	emit_label(e, &not_so);
	take_back(e, r);
	emit_load32(e, R9, SITE_WAITS);
	emit_jmp(e, long_way);
	return at;
}
