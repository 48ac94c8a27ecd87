/* SPDX-License-Identifier: MIT */
/*
 * Far transfers at the same level and to outer levels. Call gates and task switches are not here.
 */
#include "emu/cpu/transfer.h"

enum cpu_result transfer_code(struct cpu *cpu, u16 sel, unsigned cpl, u8 vec, u32 ext,
			      struct cpu_segment *out)
{
	u32 desc[2];
	gla_t gla;
	u8 type;

	if ((sel & 0xfffc) == 0)
		return cpu_raise(cpu, vec, ext);
	if (cpu_read_descriptor(cpu, sel, vec, desc, &gla) != CPU_NEXT) {
		cpu->fault.error |= cpu->fault.vector == VEC_PF ? 0 : ext;
		return CPU_FAULT;
	}
	cpu_unpack_descriptor(sel, desc[0], desc[1], out);
	if ((out->attr & (SEG_ATTR_S | SEG_ATTR_CODE)) != (SEG_ATTR_S | SEG_ATTR_CODE))
		return cpu_raise(cpu, vec, (sel & 0xfffcu) | ext);

	unsigned dpl = SEG_ATTR_DPL(out->attr);

	if (out->attr & SEG_ATTR_DOWN ? dpl > cpl : dpl != cpl)
		return cpu_raise(cpu, vec, (sel & 0xfffcu) | ext);
	if (!(out->attr & SEG_ATTR_P))
		return cpu_raise(cpu, VEC_NP, (sel & 0xfffcu) | ext);
	if (!(out->attr & SEG_ATTR_ACCESSED)) {
		type = (u8)((desc[1] >> 8) | 1);
		if (cpu_lin_write(cpu, gla + 5, &type, 1, 0) != CPU_NEXT)
			return CPU_FAULT;
		out->attr |= SEG_ATTR_ACCESSED;
	}
	out->sel = (u16)((sel & 0xfffc) | cpl);
	return CPU_NEXT;
}

enum cpu_result transfer_stack(struct cpu *cpu, u16 sel, unsigned cpl, u8 vec, u32 ext,
			       struct cpu_segment *out)
{
	u32 desc[2];
	gla_t gla;
	u8 type;

	if ((sel & 0xfffc) == 0)
		return cpu_raise(cpu, vec, ext | (vec == VEC_TS ? sel & 0xfffcu : 0));
	if (cpu_read_descriptor(cpu, sel, vec, desc, &gla) != CPU_NEXT) {
		cpu->fault.error |= cpu->fault.vector == VEC_PF ? 0 : ext;
		return CPU_FAULT;
	}
	cpu_unpack_descriptor(sel, desc[0], desc[1], out);
	if ((sel & 3) != cpl || SEG_ATTR_DPL(out->attr) != cpl ||
	    (out->attr & (SEG_ATTR_S | SEG_ATTR_CODE | SEG_ATTR_WRITE)) !=
		    (SEG_ATTR_S | SEG_ATTR_WRITE))
		return cpu_raise(cpu, vec, (sel & 0xfffcu) | ext);
	if (!(out->attr & SEG_ATTR_P))
		return cpu_raise(cpu, VEC_SS, (sel & 0xfffcu) | ext);
	if (!(out->attr & SEG_ATTR_ACCESSED)) {
		type = (u8)((desc[1] >> 8) | 1);
		if (cpu_lin_write(cpu, gla + 5, &type, 1, 0) != CPU_NEXT)
			return CPU_FAULT;
		out->attr |= SEG_ATTR_ACCESSED;
	}
	return CPU_NEXT;
}

enum cpu_result transfer_tss_stack(struct cpu *cpu, unsigned cpl, u32 ext, u16 *ss, u32 *esp)
{
	bool tss32 = (cpu->tr.attr & SEG_ATTR_TYPE & 8) != 0;
	u32 offset = tss32 ? 4 + cpl * 8 : 2 + cpl * 4;

	*esp = 0;
	if (offset + (tss32 ? 5u : 3u) > cpu->tr.limit)
		return cpu_raise(cpu, VEC_TS, (cpu->tr.sel & 0xfffcu) | ext);
	if (cpu_lin_read(cpu, cpu->tr.base + offset, esp, tss32 ? 4 : 2, 0) != CPU_NEXT)
		return CPU_FAULT;
	return cpu_lin_read(cpu, cpu->tr.base + offset + (tss32 ? 4 : 2), ss, 2, 0);
}

/* Word by word, as the processor pushes: the first that cannot be written names the fault. */
static enum cpu_result push_words(struct cpu *cpu, u32 esp, u32 mask, const u32 *words, unsigned n,
				  unsigned size)
{
	unsigned user = cpu->cpl == 3 ? ACCESS_USER : 0;
	gla_t gla;

	for (unsigned i = 1; i <= n; i++)
		if (cpu_seg_check(cpu, SEG_SS, (esp - i * size) & mask, size, ACCESS_WRITE, &gla) !=
			    CPU_NEXT ||
		    cpu_lin_probe_write(cpu, gla, size, user) != CPU_NEXT)
			return CPU_FAULT;
	for (unsigned i = 1; i <= n; i++)
		if (cpu_mem_write(cpu, SEG_SS, (esp - i * size) & mask, &words[i - 1], size) !=
		    CPU_NEXT)
			return CPU_FAULT;
	return CPU_NEXT;
}

enum cpu_result transfer_push(struct cpu *cpu, const struct cpu_segment *s, unsigned cpl, u32 *esp,
			      const u32 *words, unsigned n, unsigned size)
{
	u32 mask = s->attr & SEG_ATTR_DB ? 0xffffffff : 0xffff;
	struct cpu_segment old = cpu->seg[SEG_SS];
	u8 old_cpl = cpu->cpl;
	u8 image[64];
	enum cpu_result res = CPU_FAULT;
	gla_t gla;

	for (unsigned i = 0; i < n; i++) /* the first word pushed lies highest */
		for (unsigned b = 0; b < size; b++)
			image[(n - 1 - i) * size + b] = (u8)(words[i] >> (8 * b));

	u32 to = (*esp - n * size) & mask;

	cpu->seg[SEG_SS] = *s;
	cpu->cpl = (u8)cpl;
	/* All at once where that works; a fault, or a stack pointer that wraps, is looked at closely. */
	if (to < ((*esp - 1) & mask) &&
	    cpu_seg_check(cpu, SEG_SS, to, n * size, ACCESS_WRITE, &gla) == CPU_NEXT)
		res = cpu_lin_write(cpu, gla, image, n * size, cpl == 3 ? ACCESS_USER : 0);
	if (res != CPU_NEXT)
		res = push_words(cpu, *esp, mask, words, n, size);
	cpu->seg[SEG_SS] = old;
	cpu->cpl = old_cpl;
	if (res == CPU_NEXT)
		*esp = (*esp & ~mask) | to;
	return res;
}

void transfer_drop_segments(struct cpu *cpu)
{
	static const u8 data[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };

	for (unsigned i = 0; i < sizeof(data); i++) {
		struct cpu_segment *s = &cpu->seg[data[i]];
		bool conforming = (s->attr & (SEG_ATTR_CODE | SEG_ATTR_DOWN)) ==
				  (SEG_ATTR_CODE | SEG_ATTR_DOWN);

		if (!(s->attr & SEG_ATTR_UNUSABLE) && !conforming &&
		    SEG_ATTR_DPL(s->attr) < cpu->cpl)
			*s = (struct cpu_segment){ .sel = 0, .attr = SEG_ATTR_UNUSABLE };
	}
}

void cpu_set_cpl(struct cpu *cpu, u8 cpl)
{
	bool view = (cpu->cpl == 3) != (cpl == 3);

	cpu->cpl = cpl;
	if (view)
		cpu->env->paging_changed(cpu, PAGING_CPL);
}

static u32 stack_mask(const struct cpu_segment *s)
{
	return s->attr & SEG_ATTR_DB ? 0xffffffff : 0xffff;
}

static enum cpu_result pop_words(struct cpu *cpu, u32 *words, unsigned n, unsigned size, u32 skip)
{
	u32 mask = stack_mask(&cpu->seg[SEG_SS]);
	u8 image[64];

	for (unsigned i = 0; i < n; i++) {
		u32 at = (cpu->gpr[REG_ESP] + skip + i * size) & mask;

		words[i] = 0;
		if (cpu_mem_read(cpu, SEG_SS, at, image, size) != CPU_NEXT)
			return CPU_FAULT;
		for (unsigned b = 0; b < size; b++)
			words[i] |= (u32)image[b] << (8 * b);
	}
	return CPU_NEXT;
}

static void set_sp(struct cpu *cpu, u32 esp)
{
	u32 mask = stack_mask(&cpu->seg[SEG_SS]);

	cpu->gpr[REG_ESP] = (cpu->gpr[REG_ESP] & ~mask) | (esp & mask);
}

/* Flags that IRET at the old CPL may write. */
static void iret_flags(struct cpu *cpu, u32 image, unsigned size, unsigned cpl)
{
	u32 mask = EFLAGS_ARITH | EFLAGS_TF | EFLAGS_NT;
	unsigned iopl = (cpu->eflags & EFLAGS_IOPL) >> 12;

	if (size == 4)
		mask |= EFLAGS_RF | EFLAGS_AC | EFLAGS_ID;
	if (cpl <= iopl)
		mask |= EFLAGS_IF;
	if (cpl == 0)
		mask |= EFLAGS_IOPL | (size == 4 ? EFLAGS_VIF | EFLAGS_VIP : 0);
	cpu_set_eflags(cpu, (cpu_eflags(cpu) & ~mask) | (image & mask));
}

static enum cpu_result return_far(struct cpu *cpu, unsigned size, u32 skip_words, u32 release,
				  const u32 *w, bool iret)
{
	u16 cs = (u16)w[1];
	unsigned rpl = cs & 3, old_cpl = cpu->cpl;
	struct cpu_segment code, stack;
	u32 top[2] = { 0 };

	if (rpl < cpu->cpl)
		return cpu_raise(cpu, VEC_GP, cs & 0xfffcu);
	if (transfer_code(cpu, cs, rpl, VEC_GP, 0, &code) != CPU_NEXT)
		return CPU_FAULT;
	if (w[0] > code.limit)
		return cpu_raise(cpu, VEC_GP, 0);
	if (rpl > cpu->cpl) {
		if (pop_words(cpu, top, 2, size, skip_words * size + release) != CPU_NEXT ||
		    transfer_stack(cpu, (u16)top[1], rpl, VEC_GP, 0, &stack) != CPU_NEXT)
			return CPU_FAULT;
	}
	/* Nothing fails from here. */
	if (iret)
		iret_flags(cpu, w[2], size, old_cpl);
	cpu->eip = w[0];
	cpu->seg[SEG_CS] = code;
	if (rpl > old_cpl) {
		u32 esp = top[0] + (iret ? 0 : release);

		cpu->seg[SEG_SS] = stack;
		cpu->gpr[REG_ESP] = stack.attr & SEG_ATTR_DB
					    ? esp
					    : (cpu->gpr[REG_ESP] & 0xffff0000) | (esp & 0xffff);
		cpu_set_cpl(cpu, (u8)rpl);
		transfer_drop_segments(cpu);
	} else {
		set_sp(cpu, cpu->gpr[REG_ESP] + skip_words * size + release);
	}
	return CPU_JUMP;
}

static enum cpu_result real_return(struct cpu *cpu, unsigned size, const u32 *w, unsigned n,
				   u32 release)
{
	if (w[0] > 0xffff)
		return cpu_raise(cpu, VEC_GP, 0);
	cpu->eip = w[0];
	cpu->seg[SEG_CS].sel = (u16)w[1];
	cpu->seg[SEG_CS].base = (u32)(u16)w[1] << 4;
	set_sp(cpu, cpu->gpr[REG_ESP] + n * size + release);
	return CPU_JUMP;
}

enum cpu_result cpu_iret(struct cpu *cpu, const struct insn *in)
{
	u32 w[3];

	if (cpu_v86(cpu) && (cpu->eflags & EFLAGS_IOPL) != EFLAGS_IOPL)
		return cpu_raise(cpu, VEC_GP, 0);
	if (cpu_protected(cpu) && !cpu_v86(cpu) && (cpu->eflags & EFLAGS_NT))
		return cpu_raise(cpu, VEC_TS, 0);
	if (pop_words(cpu, w, 3, in->osize, 0) != CPU_NEXT)
		return CPU_FAULT;
	cpu->nmi_blocked = false;
	if (!cpu_protected(cpu) || cpu_v86(cpu)) {
		enum cpu_result res = real_return(cpu, in->osize, w, 3, 0);
		u32 keep = cpu_v86(cpu) ? EFLAGS_IOPL | EFLAGS_VM : 0;

		if (res == CPU_JUMP)
			cpu_set_eflags(cpu, in->osize == 2
						    ? (cpu->eflags & 0xffff0000) |
							      (w[2] & 0xffff & ~keep) |
							      (cpu->eflags & keep & 0xffff)
						    : (w[2] & 0x257fd5 & ~keep) |
							      (cpu->eflags & (keep | 0x1a0000)));
		return res;
	}
	return return_far(cpu, in->osize, 3, 0, w, true);
}

enum cpu_result cpu_far_return(struct cpu *cpu, const struct insn *in)
{
	u32 w[2], release = in->imm & 0xffff;

	if (pop_words(cpu, w, 2, in->osize, 0) != CPU_NEXT)
		return CPU_FAULT;
	if (!cpu_protected(cpu) || cpu_v86(cpu))
		return real_return(cpu, in->osize, w, 2, release);
	return return_far(cpu, in->osize, 2, release, w, false);
}

enum cpu_result cpu_far_jump(struct cpu *cpu, const struct insn *in, u16 sel, u32 offset, bool call)
{
	u32 ret[2] = { cpu->seg[SEG_CS].sel, cpu->eip + in->len };
	u32 esp = cpu->gpr[REG_ESP];
	struct cpu_segment code;

	if (in->osize == 2)
		offset &= 0xffff;
	if (!cpu_protected(cpu) || cpu_v86(cpu)) {
		if (offset > 0xffff)
			return cpu_raise(cpu, VEC_GP, 0);
		code = cpu->seg[SEG_CS];
		code.sel = sel;
		code.base = (u32)sel << 4;
	} else {
		u32 desc[2];
		gla_t gla;

		if ((sel & 0xfffc) == 0)
			return cpu_raise(cpu, VEC_GP, 0);
		if (cpu_read_descriptor(cpu, sel, VEC_GP, desc, &gla) != CPU_NEXT)
			return CPU_FAULT;
		if (!(desc[1] & BIT(12)) || ((sel & 3u) > cpu->cpl && !(desc[1] & BIT(10))))
			return cpu_raise(cpu, VEC_GP, sel & 0xfffcu);
		if (transfer_code(cpu, sel, cpu->cpl, VEC_GP, 0, &code) != CPU_NEXT)
			return CPU_FAULT;
		if (offset > code.limit)
			return cpu_raise(cpu, VEC_GP, 0);
	}
	if (call &&
	    transfer_push(cpu, &cpu->seg[SEG_SS], cpu->cpl, &esp, ret, 2, in->osize) != CPU_NEXT)
		return CPU_FAULT;
	cpu->gpr[REG_ESP] = esp;
	cpu->seg[SEG_CS] = code;
	cpu->eip = offset;
	return CPU_JUMP;
}
