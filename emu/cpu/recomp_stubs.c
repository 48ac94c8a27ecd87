/* SPDX-License-Identifier: MIT */
/*
 * The stubs at the start of the code cache: in, out, and calls into C.
 *
 *   enter(cpu, code)  SysV function: saves callee-saved registers, reserves 40 bytes (a byte slot
 * at RSP + 8), loads the guest leave_*           stores the guest and returns to C: eax = 0, edx =
 * slot or SLOT_NONE; R8 is the EIP to go on at call_hard         called with R8 = EIP, R9 = site:
 * stores the guest, calls C; 0 reloads the guest and returns, else leaves
 */
#include "emu/cpu/recomp_stubs.h"

#include "emu/cpu/emit.h"

#define FLAGS_MASK (EFLAGS_ARITH)

/* fxsave64 [cpu->fpu]; fxrstor64 [host_fpu]. Clobbers RCX. */
static void fpu_to_host(struct emit *e, const struct recomp *r)
{
	if (!r->cfg.host_fpu)
		return;
	emit_rm(e, NULL, true, 0x0fae, 0, CPU_FIELD(fpu));
	emit_mov_imm64(e, R_C, (u64)r->cfg.host_fpu);
	emit_rm(e, NULL, true, 0x0fae, 1, (struct hmem){ .base = R_C, .index = -1, .scale = 1 });
}

static void fpu_to_guest(struct emit *e, const struct recomp *r)
{
	if (r->cfg.host_fpu)
		emit_rm(e, NULL, true, 0x0fae, 1, CPU_FIELD(fpu));
}

static void store_guest(struct emit *e, const struct recomp *r)
{
	for (unsigned g = 0; g < 8; g++)
		emit_store32(e, g == REG_ESP ? R_GSP : g,
			     cpu_field(offsetof(struct cpu, gpr) + g * 4));
	emit_store32(e, R8, CPU_FIELD(eip));
	emit_u8(e, 0x9c); /* pushfq; pop rax */
	emit_u8(e, 0x58);
	emit_u8(e, 0x25); /* and eax, imm32 */
	emit_u32(e, FLAGS_MASK);
	emit_load32(e, R_C, CPU_FIELD(eflags));
	emit_u8(e, 0x81); /* and ecx, imm32 */
	emit_u8(e, 0xe1);
	emit_u32(e, ~FLAGS_MASK);
	emit_rr(e, false, 0x09, R_A, R_C); /* or ecx, eax */
	emit_store32(e, R_C, CPU_FIELD(eflags));
	emit_u8(e, 0xfc); /* cld */
	fpu_to_host(e, r);
}

/* Clobbers R10, R11. */
static void load_guest(struct emit *e, const struct recomp *r)
{
	fpu_to_guest(e, r);
	emit_load32(e, R10, CPU_FIELD(eflags));
	emit_u8(e, 0x41); /* and r10d, imm32 */
	emit_u8(e, 0x81);
	emit_u8(e, 0xe2);
	emit_u32(e, FLAGS_MASK);
	emit_u8(e, 0x9c); /* pushfq; pop r11: the host's IF stays */
	emit_u8(e, 0x41);
	emit_u8(e, 0x5b);
	emit_u8(e, 0x41); /* and r11d, IF | bit 1 */
	emit_u8(e, 0x81);
	emit_u8(e, 0xe3);
	emit_u32(e, EFLAGS_IF | EFLAGS_ONE);
	emit_rr(e, false, 0x09, R11, R10);
	emit_u8(e, 0x41); /* push r10; popfq */
	emit_u8(e, 0x52);
	emit_u8(e, 0x9d);
	for (unsigned g = 0; g < 8; g++)
		emit_load32(e, g == REG_ESP ? R_GSP : g,
			    cpu_field(offsetof(struct cpu, gpr) + g * 4));
}

static void epilogue(struct emit *e)
{
	static const u8 code[] = { 0x48, 0x83, 0xc4, 40,   0x41, 0x5f, 0x41, 0x5e,
				   0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3 };

	for (unsigned i = 0; i < sizeof(code); i++)
		emit_u8(e, code[i]);
}

static u64 align_stub(struct emit *e)
{
	while (emit_here(e) & 15)
		emit_u8(e, 0xcc);
	return emit_here(e);
}

static void call_c(struct emit *e, const void *fn)
{
	static const u8 setup[] = {
		0x4c, 0x89, 0xff, 0x4c, 0x89, 0xce, 0x48, 0x83, 0xec, 0x08
	}; /* rdi=r15 rsi=r9 rsp-=8 */

	for (unsigned i = 0; i < sizeof(setup); i++)
		emit_u8(e, setup[i]);
	emit_mov_imm64(e, R_A, (u64)fn);
	emit_u8(e, 0xff); /* call rax */
	emit_u8(e, 0xd0);
	emit_u8(e, 0x48); /* add rsp, 8 */
	emit_u8(e, 0x83);
	emit_u8(e, 0xc4);
	emit_u8(e, 8);
}

/* eax: 0 goes on in translated code, else leaves with it. */
static u64 c_stub(struct emit *e, const struct recomp *r, const void *fn)
{
	u64 at = align_stub(e);
	u8 *fix;

	store_guest(e, r);
	call_c(e, fn);
	emit_u8(e, 0x85); /* test eax, eax */
	emit_u8(e, 0xc0);
	emit_u8(e, 0x75); /* jnz leave */
	fix = e->p;
	emit_u8(e, 0);
	load_guest(e, r);
	emit_u8(e, 0xc3);
	*fix = (u8)(e->p - (fix + 1));
	emit_u8(e, 0x48); /* add rsp, 8: the return address */
	emit_u8(e, 0x83);
	emit_u8(e, 0xc4);
	emit_u8(e, 8);
	emit_mov_imm32(e, R_D, SLOT_NONE);
	epilogue(e);
	return at;
}

void recomp_emit_stubs(struct recomp *r, const void *hard, const void *slow_read,
		       const void *slow_write)
{
	static const u8 prologue[] = {
		0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57,
		0x48, 0x83, 0xec, 40,	0x49, 0x89, 0xff, 0x49, 0x89, 0xf5
	}; /* r15=rdi r13=rsi */
	struct emit e = { r->cfg.cache_rw, r->cfg.cache_rw, r->cfg.cache_rw + PAGE_SIZE,
			  (u64)r->cfg.cache_rx, false };

	r->enter = align_stub(&e);
	for (unsigned i = 0; i < sizeof(prologue); i++)
		emit_u8(&e, prologue[i]);
	emit_load64(&e, R_TABLE, CPU_FIELD(lookup_table));
	load_guest(&e, r);
	emit_u8(&e, 0x41); /* jmp r13 */
	emit_u8(&e, 0xff);
	emit_u8(&e, 0xe5);

	r->leave_dispatch = align_stub(&e);
	emit_mov_imm32(&e, R9, SLOT_NONE);
	r->leave_edge = emit_here(&e);
	store_guest(&e, r);
	emit_rr(&e, false, 0x89, R9, R_D);
	emit_rr(&e, false, 0x31, R_A, R_A);
	epilogue(&e);

	/* From a trap: the guest is in struct cpu already; eax and edx are set by the frame. */
	r->leave_trap = align_stub(&e);
	emit_u8(&e, 0xfc);
	fpu_to_host(&e, r);
	epilogue(&e);

	r->call_hard = c_stub(&e, r, hard);
	r->call_slow_read = c_stub(&e, r, slow_read);
	r->call_slow_write = c_stub(&e, r, slow_write);
	r->code_start = r->code_next = PAGE_SIZE;
}
