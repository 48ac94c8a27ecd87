/* SPDX-License-Identifier: MIT */
/*
 * The stubs at the start of the code cache: in, out, and calls into C.
 *
 *   enter(cpu, code)  SysV function: saves callee-saved registers, reserves 40 bytes (a byte slot
 *                     at RSP + 8), loads the guest
 *   leave_dispatch    stores the guest and returns to C: eax = 0, edx = SLOT_NONE; R8 is the EIP
 *   leave_edge        called by an edge's stub: eax = 0, edx = offset of the return address
 *   call_hard         called with R9 = site: stores the guest, calls C; 0 reloads the guest and
 *                     returns, else leaves. C sets the EIP, which the site knows. The other call_*
 *                     are the same with other C functions.
 *
 * Flags are kept by LAHF and SETO: PUSHFQ and POPFQ take tens of cycles on real processors and end
 * a translation under QEMU. DF, which neither knows, has a copy in cpu->quiet_flags.
 */
#include "emu/jit/recomp_stubs.h"

#include "emu/trans/emit.h"
#include "emu/trans/stub_segment.h"
#include "kernel/base/log.h"

#define QUIET (~(EFLAGS_ARITH | EFLAGS_ONE | EFLAGS_RF) | EFLAGS_DF)

static void bytes(struct emit *e, const u8 *code, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		emit_u8(e, code[i]);
}
#define BYTES(e, ...)                                  \
	do {                                           \
		static const u8 code_[] = __VA_ARGS__; \
		bytes((e), code_, sizeof(code_));      \
	} while (0)

/* fxsave [cpu->fpu], the form with selectors; fxrstor64 [host_fpu]. Clobbers RCX. */
static void fpu_to_host(struct emit *e, const struct recomp *r)
{
	if (!r->cfg.host_fpu)
		return;
	emit_rm(e, NULL, false, 0x0fae, 0, CPU_FIELD(fpu));
	emit_mov_imm64(e, R_C, (u64)r->cfg.host_fpu);
	emit_rm(e, NULL, true, 0x0fae, 1, (struct hmem){ .base = R_C, .index = -1, .scale = 1 });
}

static void fpu_to_guest(struct emit *e, const struct recomp *r)
{
	if (r->cfg.host_fpu)
		emit_rm(e, NULL, false, 0x0fae, 1, CPU_FIELD(fpu));
}

static struct hmem gpr_field(unsigned g)
{
	return cpu_field(offsetof(struct cpu, gpr) + g * 4);
}

static void imm_op(struct emit *e, u8 modrm, u32 imm)
{
	emit_u8(e, 0x81);
	emit_u8(e, modrm);
	emit_u32(e, imm);
}

static void store_guest(struct emit *e, const struct recomp *r)
{
	for (unsigned g = 0; g < 8; g++)
		emit_store32(e, g == REG_ESP ? R_GSP : g, gpr_field(g));
	BYTES(e, { 0x9f, 0x0f, 0x90, 0xc0,			    /* lahf; seto al */
		   0x0f, 0xb6, 0xcc,				    /* movzx ecx, ah */
		   0x0f, 0xb6, 0xc0,				    /* movzx eax, al */
		   0xc1, 0xe0, 11,				    /* shl eax, 11 */
		   0x09, 0xc8 });				    /* or eax, ecx */
	emit_rm(e, NULL, false, 0x0b, R_A, CPU_FIELD(quiet_flags)); /* or eax, [quiet_flags] */
	emit_store32(e, R_A, CPU_FIELD(eflags));
	emit_u8(e, 0xfc); /* cld */
	fpu_to_host(e, r);
}

/*
 * Ends with R_POLL. An interrupt before that load changes cpu->poll in time; one between it and the
 * last instruction of the stub, whose address is noted, must change the register.
 */
static void load_guest(struct emit *e, struct recomp *r)
{
	fpu_to_guest(e, r);
	emit_load32(e, R_A, CPU_FIELD(eflags));
	emit_rr(e, false, 0x89, R_A, R_D); /* mov edx, eax */
	imm_op(e, 0xe2, QUIET);
	emit_store32(e, R_D, CPU_FIELD(quiet_flags));
	imm_op(e, 0xca, EFLAGS_OF); /* or edx, imm32 */
	emit_store32(e, R_D, CPU_FIELD(quiet_flags_of));
	imm_op(e, 0xe2, EFLAGS_DF);
	BYTES(e, { 0x74, 0x01, 0xfd, /* jz +1; std */
		   0x88, 0xc4 });    /* mov ah, al */
	emit_load32(e, R_D, CPU_FIELD(eflags));
	BYTES(e, { 0xc1, 0xea, 11,	/* shr edx, 11 */
		   0x83, 0xe2, 1,	/* and edx, 1 */
		   0x88, 0xd0,		/* mov al, dl */
		   0x04, 0x7f, 0x9e }); /* add al, 7fh: OF; sahf */
	for (unsigned g = 0; g < 8; g++)
		emit_load32(e, g == REG_ESP ? R_GSP : g, gpr_field(g));
	emit_load64(e, R_POLL, CPU_FIELD(poll));
	r->loaded[r->loads++] = emit_here(e);
}

static void epilogue(struct emit *e)
{
	BYTES(e, { 0x48, 0x83, 0xc4, 40, 0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b,
		   0xc3 });
}

static u64 align_stub(struct emit *e)
{
	while (emit_here(e) & 15)
		emit_u8(e, 0xcc);
	return emit_here(e);
}

/* eax: 0 goes on in translated code, else leaves with it. */
static u64 c_stub(struct emit *e, struct recomp *r, const void *fn)
{
	u64 at = align_stub(e);
	u8 *fix;

	store_guest(e, r);
	BYTES(e, { 0x4c, 0x89, 0xff,	      /* mov rdi, r15 */
		   0x44, 0x89, 0xce,	      /* mov esi, r9d */
		   0x48, 0x83, 0xec, 0x08 }); /* sub rsp, 8 */
	emit_mov_imm64(e, R_A, (u64)fn);
	BYTES(e, { 0xff, 0xd0,		/* call rax */
		   0x48, 0x83, 0xc4, 8, /* add rsp, 8 */
		   0x85, 0xc0, 0x75 }); /* test eax, eax; jnz leave */
	fix = e->p;
	emit_u8(e, 0);
	load_guest(e, r);
	emit_u8(e, 0xc3);
	*fix = (u8)(e->p - (fix + 1));
	BYTES(e, { 0x48, 0x83, 0xc4, 8 }); /* add rsp, 8: the return address */
	emit_mov_imm32(e, R_D, SLOT_NONE);
	epilogue(e);
	return at;
}

void recomp_emit_stubs(struct recomp *r, const struct stub_targets *to)
{
	struct emit e = { r->cfg.cache_rw, r->cfg.cache_rw, r->cfg.cache_rw + PAGE_SIZE,
			  (u64)r->cfg.cache_rx, false };

	r->loads = 0;
	r->enter = align_stub(&e);
	BYTES(&e, { 0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57, /* push ... */
		    0x48, 0x83, 0xec, 40,					/* sub rsp, 40 */
		    0x49, 0x89, 0xff,						/* mov r15, rdi */
		    0x49, 0x89, 0xf0 });					/* mov r8, rsi */
	emit_load64(&e, R_TABLE, CPU_FIELD(lookup_table));
	load_guest(&e, r);
	BYTES(&e, { 0x41, 0xff, 0xe0 }); /* jmp r8 */

	r->leave_dispatch = align_stub(&e);
	emit_store32(&e, R8, CPU_FIELD(eip));
	store_guest(&e, r);
	emit_mov_imm32(&e, R_D, SLOT_NONE);
	BYTES(&e, { 0x31, 0xc0 });
	epilogue(&e);

	r->leave_edge = align_stub(&e);
	store_guest(&e, r);
	emit_u8(&e, 0x5a); /* pop rdx */
	emit_mov_imm64(&e, R_A, (u64)r->cfg.cache_rx);
	BYTES(&e, { 0x29, 0xc2, 0x31, 0xc0 }); /* sub edx, eax; xor eax, eax */
	epilogue(&e);

	/* From a trap: the guest is in struct cpu already; eax and edx are set by the frame. */
	r->leave_trap = align_stub(&e);
	emit_u8(&e, 0xfc);
	fpu_to_host(&e, r);
	epilogue(&e);

	r->call_hard = c_stub(&e, r, to->hard);
	r->call_iret = c_stub(&e, r, to->iret);
	r->call_segment = c_stub(&e, r, to->segment);
	r->call_slow_read = c_stub(&e, r, to->slow_read);
	r->call_slow_write = c_stub(&e, r, to->slow_write);
	r->segment_stubs = align_stub(&e);
	for (unsigned seg = 0; seg < SEG_COUNT; seg++)
		for (unsigned pop = 0; pop < 2 && seg != SEG_CS && seg != SEG_SS; pop++) {
			align_stub(&e);
			r->load_segment[pop][seg] = stub_segment_emit(&e, r, seg, pop);
		}
	ASSERT(!e.overflow);
	r->code_start = r->code_next = PAGE_SIZE;
}
