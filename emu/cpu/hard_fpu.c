/* SPDX-License-Identifier: MIT */
/*
 * Instructions that store and load FPU state: their images differ between 32-bit and 64-bit mode,
 * so C converts between the guest's form and the image that env->fpu_save() makes (XSAVE standard
 * format: SDM 1 13.4; legacy part SDM 1 10.5.1).
 */
#include "emu/cpu/hard_ops.h"
#include "emu/cpu/operand.h"
#include "emu/dev/strict.h"
#include "kernel/base/bytes.h"
#include "kernel/base/string.h"

static enum cpu_result x87_available(struct cpu *cpu)
{
	return cpu->cr0 & (CR0_TS | CR0_EM) ? cpu_raise_noerr(cpu, VEC_NM) : CPU_NEXT;
}

/* Selectors are stored by processors that still do so (CPUID.7 EBX bit 13), as 0 by others. */
static bool translate_pointers(struct cpu *cpu, struct cpu_fpu_pointers *p)
{
	if (!cpu->x87_ran || !cpu->code || !cpu->code->guest_eip(cpu, p->ip, &p->ip))
		return false;
	if (p->data - (u32)(u64)cpu->scratch < sizeof(cpu->scratch))
		p->data = cpu->slow_gla;
	p->cs = p->cs ? cpu->seg[SEG_CS].sel : 0;
	p->ds = p->ds ? cpu->seg[SEG_DS].sel : 0;
	return true;
}

void cpu_own_fpu_pointers(struct cpu *cpu)
{
	struct cpu_fpu_pointers p;

	if (!cpu->x87_ran)
		return;
	cpu_env(cpu)->fpu_pointers(cpu, &p, false);
	if (translate_pointers(cpu, &p))
		cpu_env(cpu)->fpu_pointers(cpu, &p, true);
	cpu->x87_ran = 0;
}

static void put_pointers(u8 *fx, const struct cpu_fpu_pointers *p)
{
	put_le32(fx + 8, p->ip);
	put_le16(fx + 12, p->cs);
	put_le32(fx + 16, p->data);
	put_le16(fx + 20, p->ds);
}

static struct cpu_fpu_pointers pointers_in(const u8 *fx)
{
	return (struct cpu_fpu_pointers){ .ip = get_le32(fx + 8),
					  .data = get_le32(fx + 16),
					  .cs = get_le16(fx + 12),
					  .ds = get_le16(fx + 20) };
}

/* The image, as the guest may see it. */
static void save_image(struct cpu *cpu)
{
	struct cpu_fpu_pointers p;

	cpu_env(cpu)->fpu_save(cpu);
	p = pointers_in(cpu->fpu.image);
	if (translate_pointers(cpu, &p))
		put_pointers(cpu->fpu.image, &p);
}

/* For the instructions that are about the pointers. */
static void save_with_pointers(struct cpu *cpu)
{
	struct cpu_fpu_pointers p;

	cpu_env(cpu)->fpu_save(cpu);
	cpu_env(cpu)->fpu_pointers(cpu, &p, false);
	translate_pointers(cpu, &p);
	put_pointers(cpu->fpu.image, &p);
}

/* Not every processor's FXRSTOR and XRSTOR load the pointers (AMD's: with ES only): what stays must
 * be the guest's. */
static void load_image(struct cpu *cpu)
{
	cpu_own_fpu_pointers(cpu);
	cpu_env(cpu)->fpu_load(cpu);
}

static void load_with_pointers(struct cpu *cpu)
{
	struct cpu_fpu_pointers p = pointers_in(cpu->fpu.image);

	load_image(cpu);
	cpu_env(cpu)->fpu_pointers(cpu, &p, true);
}

static unsigned top_of(const u8 *fx)
{
	return get_le16(fx + 2) >> 11 & 7;
}

/* The full tag word from FXSAVE's abridged one: empty, or by the register's contents. */
static u16 full_tags(const u8 *fx)
{
	unsigned top = top_of(fx);
	u16 tags = 0;

	for (unsigned phys = 0; phys < 8; phys++) {
		const u8 *st = fx + 32 + 16 * ((phys - top) & 7);
		u16 exp = get_le16(st + 8) & 0x7fff;
		u64 man;
		unsigned tag = 3;

		memcpy(&man, st, 8);
		if (fx[4] & BIT(phys)) {
			if (exp == 0)
				tag = man ? 2 : 1;
			else
				tag = exp == 0x7fff || !(man >> 63) ? 2 : 0;
		}
		tags = (u16)(tags | tag << 2 * phys);
	}
	return tags;
}

static u8 abridged_tags(u16 tags)
{
	u8 a = 0;

	for (unsigned i = 0; i < 8; i++)
		if ((tags >> 2 * i & 3) != 3)
			a = (u8)(a | BIT(i));
	return a;
}

/* 28 or 14 bytes of environment (SDM 1 figures 8-9 to 8-12). */
static unsigned put_env(struct cpu *cpu, const u8 *fx, u8 *env, unsigned osize)
{
	bool prot = cpu_protected(cpu) && !cpu_v86(cpu);
	u32 fip = get_le32(fx + 8), fdp = get_le32(fx + 16);
	u16 fcs = get_le16(fx + 12), fds = get_le16(fx + 20), fop = get_le16(fx + 6) & 0x7ff;
	unsigned w = osize == 4 ? 4 : 2;

	memset(env, 0, 28);
	if (osize == 4)
		memset(env, 0xff, 12);
	put_le16(env, get_le16(fx));
	put_le16(env + w, get_le16(fx + 2));
	put_le16(env + 2 * w, full_tags(fx));
	if (osize == 4 && prot) {
		put_le32(env + 12, fip);
		put_le16(env + 16, fcs);
		put_le16(env + 18, fop);
		put_le32(env + 20, fdp);
		put_le32(env + 24, fds | 0xffff0000u);
	} else if (prot) {
		put_le16(env + 6, fip);
		put_le16(env + 8, fcs);
		put_le16(env + 10, fdp);
		put_le16(env + 12, fds);
	} else {
		u32 ip = fip + ((u32)fcs << 4), dp = fdp + ((u32)fds << 4);

		if (osize == 4) {
			put_le32(env + 12, (ip & 0xffff) | 0);
			put_le32(env + 16, (ip >> 16 & 0xffff) << 12 | fop);
			put_le32(env + 20, dp & 0xffff);
			put_le32(env + 24, (dp >> 16 & 0xffff) << 12);
		} else {
			put_le16(env + 6, ip);
			put_le16(env + 8, (ip >> 16 & 15) << 12 | fop);
			put_le16(env + 10, dp);
			put_le16(env + 12, (dp >> 16 & 15) << 12);
		}
	}
	return osize == 4 ? 28 : 14;
}

static void get_env(struct cpu *cpu, u8 *fx, const u8 *env, unsigned osize)
{
	bool prot = cpu_protected(cpu) && !cpu_v86(cpu);
	unsigned w = osize == 4 ? 4 : 2;

	put_le16(fx, get_le16(env));
	put_le16(fx + 2, get_le16(env + w));
	fx[4] = abridged_tags(get_le16(env + 2 * w));
	if (osize == 4 && prot) {
		put_le32(fx + 8, get_le32(env + 12));
		put_le16(fx + 12, get_le16(env + 16));
		put_le16(fx + 6, get_le16(env + 18) & 0x7ff);
		put_le32(fx + 16, get_le32(env + 20));
		put_le16(fx + 20, get_le16(env + 24));
	} else if (prot) {
		put_le32(fx + 8, get_le16(env + 6));
		put_le16(fx + 12, get_le16(env + 8));
		put_le32(fx + 16, get_le16(env + 10));
		put_le16(fx + 20, get_le16(env + 12));
	} else {
		put_le32(fx + 8, 0);
		put_le32(fx + 16, 0);
	}
}

/*
 * ES and B tell whether an exception is pending: the processor makes them of the flags and masks
 * that it loads (SDM 1 8.1.3.3). AMD's FXRSTOR takes the pointers only with ES.
 */
static void set_es(u8 *fx)
{
	u16 fsw = get_le16(fx + 2);

	put_le16(fx + 2, fsw & ~get_le16(fx) & 0x3f ? fsw | 0x8080u : fsw & ~0x8080u);
}

/* The image holds the registers as ST(i): a new TOP renames them, their contents stay where they
 * are. */
void hard_fpu_rename(u8 *fx, unsigned old_top)
{
	unsigned by = top_of(fx) - old_top;
	u8 st[128];

	memcpy(st, fx + 32, sizeof(st));
	for (unsigned i = 0; i < 8; i++)
		memcpy(fx + 32 + 16 * i, st + 16 * ((i + by) & 7), 16);
}

static void init_x87(u8 *fx)
{
	unsigned old_top = top_of(fx);

	put_le16(fx, 0x37f);
	memset(fx + 2, 0, 22);
	hard_fpu_rename(fx, old_top);
}

enum cpu_result hard_store_env(struct cpu *cpu, const struct insn *in)
{
	u8 image[108];
	u8 *fx = cpu->fpu.image;
	unsigned n;

	if (x87_available(cpu) != CPU_NEXT)
		return CPU_FAULT;
	save_with_pointers(cpu);
	n = put_env(cpu, fx, image, in->osize);
	if (in->op == OP_FNSAVE)
		for (unsigned i = 0; i < 8; i++, n += 10)
			memcpy(image + n, fx + 32 + 16 * i, 10);
	if (cpu_mem_write(cpu, in->seg, insn_ea(cpu, in), image, n) != CPU_NEXT)
		return CPU_FAULT;
	if (in->op == OP_FNSTENV) {
		put_le16(fx, get_le16(fx) | 0x3f); /* it masks all exceptions */
		cpu_env(cpu)->fpu_load(cpu);
		return CPU_NEXT;
	}
	init_x87(fx);
	load_with_pointers(cpu);
	return CPU_NEXT;
}

enum cpu_result hard_load_env(struct cpu *cpu, const struct insn *in)
{
	unsigned n = in->osize == 4 ? 28 : 14;
	u8 image[108];
	u8 *fx = cpu->fpu.image;
	unsigned old_top;

	if (x87_available(cpu) != CPU_NEXT)
		return CPU_FAULT;
	save_image(cpu);
	if (get_le16(fx + 2) & ~get_le16(fx) & 0x3f) /* an exception is pending */
		return cpu_fpu_error(cpu);
	if (cpu_mem_read(cpu, in->seg, insn_ea(cpu, in), image,
			 n + (in->op == OP_FRSTOR ? 80 : 0)) != CPU_NEXT)
		return CPU_FAULT;
	old_top = top_of(fx);
	get_env(cpu, fx, image, in->osize);
	set_es(fx);
	hard_fpu_rename(fx, old_top);
	if (in->op == OP_FRSTOR)
		for (unsigned i = 0; i < 8; i++)
			memcpy(fx + 32 + 16 * i, image + n + 10 * i, 10);
	load_with_pointers(cpu);
	return CPU_NEXT;
}

static bool misaligned(const struct cpu *cpu, const struct insn *in, unsigned align)
{
	return (cpu->seg[in->seg].base + insn_ea(cpu, in)) & (align - 1);
}

/*
 * The operand is 512 bytes: all of them must be there, whether they are defined or not. FXSAVE
 * writes 288 of them, and the XMM registers' only with CR4.OSFXSR.
 */
#define FX_SIZE 512u

static enum cpu_result fx_checks(struct cpu *cpu, const struct insn *in)
{
	if (cpu->cr0 & (CR0_TS | CR0_EM))
		return cpu_raise_noerr(cpu, VEC_NM);
	return misaligned(cpu, in, 16) ? cpu_raise_for(cpu, VEC_GP, 0, STRICT_sse_align) : CPU_NEXT;
}

/*
 * MXCSR with a bit that this processor does not have: #GP here, or it would be the real FXRSTOR's
 * and XRSTOR's. fx: the image that fpu_save() made, with MXCSR_MASK (SDM 1 11.6.6).
 */
static bool bad_mxcsr(const u8 *fx, const u8 *image)
{
	u32 mask = get_le32(fx + 28) ? get_le32(fx + 28) : 0xffbf;

	return get_le32(image + 24) & ~mask;
}

enum cpu_result hard_fxsave(struct cpu *cpu, const struct insn *in)
{
	unsigned n = cpu->cr4 & CR4_OSFXSR ? 288 : 160;
	gla_t gla;

	if (fx_checks(cpu, in) != CPU_NEXT ||
	    cpu_seg_check(cpu, in->seg, insn_ea(cpu, in), FX_SIZE, ACCESS_WRITE, &gla) !=
		    CPU_NEXT ||
	    cpu_lin_probe_write(cpu, gla, FX_SIZE, cpu_user_access(cpu)) != CPU_NEXT)
		return CPU_FAULT;
	save_image(cpu);
	return cpu_lin_write(cpu, gla, cpu->fpu.image, n, cpu_user_access(cpu));
}

enum cpu_result hard_fxrstor(struct cpu *cpu, const struct insn *in)
{
	unsigned n = cpu->cr4 & CR4_OSFXSR ? 288 : 160;
	u8 image[FX_SIZE], *fx = cpu->fpu.image;

	if (fx_checks(cpu, in) != CPU_NEXT ||
	    cpu_mem_read(cpu, in->seg, insn_ea(cpu, in), image, FX_SIZE) != CPU_NEXT)
		return CPU_FAULT;
	save_image(cpu);
	if ((cpu->cr4 & CR4_OSFXSR) && bad_mxcsr(fx, image))
		return cpu_raise(cpu, VEC_GP, 0);
	memcpy(fx, image, 24);
	if (cpu->cr4 & CR4_OSFXSR)
		put_le32(fx + 24, get_le32(image + 24));
	memcpy(fx + 32, image + 32, n - 32);
	fx[XSTATE_HEADER] |= 3;
	load_image(cpu);
	return CPU_NEXT;
}

static enum cpu_result xsave_checks(struct cpu *cpu, const struct insn *in)
{
	if (!(cpu->cr4 & CR4_OSXSAVE))
		return cpu_raise_noerr(cpu, VEC_UD);
	if (cpu->cr0 & CR0_TS)
		return cpu_raise_noerr(cpu, VEC_NM);
	return misaligned(cpu, in, 64) ? cpu_raise_for(cpu, VEC_GP, 0, STRICT_sse_align) : CPU_NEXT;
}

static u8 requested(const struct cpu *cpu)
{
	return (u8)(cpu->gpr[REG_EAX] & cpu->xcr0 & 7);
}

void hard_fpu_fill_avx(u8 *image)
{
	if (!(image[XSTATE_HEADER] & XSTATE_HAS_AVX))
		memset(image + XSTATE_AVX, 0, XSTATE_END - XSTATE_AVX);
}

/* As after power-on, it is zeros to XSAVE, and left out by XSAVEOPT. */
static enum cpu_result xsave_avx(struct cpu *cpu, const struct insn *in, u8 rfbm, gla_t area)
{
	u8 *fx = cpu->fpu.image;

	if (!(rfbm & 4) || (in->op == OP_XSAVEOPT && !(fx[XSTATE_HEADER] & XSTATE_HAS_AVX)))
		return CPU_NEXT;
	hard_fpu_fill_avx(fx);
	return cpu_lin_write(cpu, area + XSTATE_AVX, fx + XSTATE_AVX, XSTATE_REGS,
			     cpu_user_access(cpu));
}

enum cpu_result hard_xsave(struct cpu *cpu, const struct insn *in)
{
	gva_t ea = insn_ea(cpu, in);
	u8 rfbm = requested(cpu), bv;
	const u8 *fx = cpu->fpu.image;
	gla_t gla;

	if (xsave_checks(cpu, in) != CPU_NEXT)
		return CPU_FAULT;
	if (cpu_seg_check(cpu, in->seg, ea, rfbm & 4 ? XSTATE_END : XSTATE_AVX, ACCESS_WRITE,
			  &gla) != CPU_NEXT ||
	    cpu_lin_probe_write(cpu, gla, rfbm & 4 ? XSTATE_END : XSTATE_AVX,
				cpu_user_access(cpu)) != CPU_NEXT)
		return CPU_FAULT;
	save_image(cpu);
	if (cpu_lin_read(cpu, gla + XSTATE_HEADER, &bv, 1, cpu_user_access(cpu)) != CPU_NEXT)
		return CPU_FAULT;
	bv = (u8)((bv & ~rfbm) | (fx[XSTATE_HEADER] & rfbm) | (rfbm & 3));
	if ((rfbm & 1) &&
	    (cpu_lin_write(cpu, gla, fx, 24, cpu_user_access(cpu)) != CPU_NEXT ||
	     cpu_lin_write(cpu, gla + 32, fx + 32, 128, cpu_user_access(cpu)) != CPU_NEXT))
		return CPU_FAULT;
	if ((rfbm & 6) &&
	    cpu_lin_write(cpu, gla + 24, fx + 24, 8, cpu_user_access(cpu)) != CPU_NEXT)
		return CPU_FAULT;
	if ((rfbm & 2) && cpu_lin_write(cpu, gla + XSTATE_XMM, fx + XSTATE_XMM, XSTATE_REGS,
					cpu_user_access(cpu)) != CPU_NEXT)
		return CPU_FAULT;
	if (xsave_avx(cpu, in, rfbm, gla) != CPU_NEXT)
		return CPU_FAULT;
	return cpu_lin_write(cpu, gla + XSTATE_HEADER, &bv, 1, cpu_user_access(cpu));
}

enum cpu_result hard_xrstor(struct cpu *cpu, const struct insn *in)
{
	static const u8 zero[16];
	gva_t ea = insn_ea(cpu, in);
	u8 rfbm = requested(cpu), image[XSTATE_END];
	u8 *fx = cpu->fpu.image;
	unsigned n = rfbm & 4 ? XSTATE_END : XSTATE_AVX;
	gla_t gla;
	u64 bv;

	if (xsave_checks(cpu, in) != CPU_NEXT)
		return CPU_FAULT;
	if (cpu_seg_check(cpu, in->seg, ea, n, ACCESS_READ, &gla) != CPU_NEXT ||
	    cpu_lin_read(cpu, gla, image, XSTATE_AVX, cpu_user_access(cpu)) != CPU_NEXT ||
	    (n > XSTATE_AVX &&
	     cpu_lin_read(cpu, gla + XSTATE_AVX, image + XSTATE_AVX, XSTATE_END - XSTATE_AVX,
			  cpu_user_access(cpu)) != CPU_NEXT))
		return CPU_FAULT;
	memcpy(&bv, image + XSTATE_HEADER, sizeof(bv));
	if ((bv & ~cpu->xcr0) || memcmp(image + XSTATE_HEADER + 8, zero, 16))
		return cpu_raise(cpu, VEC_GP, 0);
	save_image(cpu);
	if ((rfbm & 6) && bad_mxcsr(fx, image))
		return cpu_raise(cpu, VEC_GP, 0);
	if (rfbm & 1) {
		if (bv & 1) {
			memcpy(fx, image, 24);
			memcpy(fx + 32, image + 32, 128);
		} else {
			init_x87(fx);
			memset(fx + 32, 0, 128);
		}
	}
	if (rfbm & 6)
		put_le32(fx + 24, get_le32(image + 24));
	if (rfbm & 2) {
		if (bv & 2)
			memcpy(fx + XSTATE_XMM, image + XSTATE_XMM, XSTATE_REGS);
		else
			memset(fx + XSTATE_XMM, 0, XSTATE_REGS);
	}
	if (rfbm & 4) {
		if (bv & 4)
			memcpy(fx + XSTATE_AVX, image + XSTATE_AVX, XSTATE_REGS);
		else
			memset(fx + XSTATE_AVX, 0, XSTATE_REGS);
	}
	fx[XSTATE_HEADER] |= rfbm;
	load_image(cpu);
	return CPU_NEXT;
}
