/* SPDX-License-Identifier: MIT */
/*
 * The pieces of far transfers: code and stack segments with their checks, stacks of other levels.
 */
#include "emu/cpu/transfer.h"
#include "emu/cpu/operand.h"
#include "emu/dev/strict.h"

static enum cpu_result read_segment(struct cpu *cpu, u16 sel, u8 vec, u32 ext, u32 desc[2],
				    gla_t *gla, struct cpu_segment *out)
{
	if (cpu_read_descriptor(cpu, sel, vec, desc, gla) != CPU_NEXT) {
		cpu->fault.error |= cpu->fault.vector == VEC_PF ? 0 : ext;
		return CPU_FAULT;
	}
	cpu_unpack_descriptor(sel, desc[0], desc[1], out);
	return CPU_NEXT;
}

enum cpu_result transfer_code(struct cpu *cpu, u16 sel, unsigned cpl, u8 vec, u32 ext,
			      struct cpu_segment *out)
{
	const struct cpu_segment *known;
	u32 desc[2];
	gla_t gla;

	if ((sel & 0xfffc) == 0)
		return cpu_raise(cpu, vec, ext);
	known = cpu_load_known(cpu, &cpu->last_code[cpl], (u16)((sel & 0xfffc) | cpl), cpl);
	if (known) {
		*out = *known;
		return CPU_NEXT;
	}
	if (read_segment(cpu, sel, vec, ext, desc, &gla, out) != CPU_NEXT)
		return CPU_FAULT;
	if ((out->attr & (SEG_ATTR_S | SEG_ATTR_CODE)) != (SEG_ATTR_S | SEG_ATTR_CODE))
		return cpu_raise(cpu, vec, (sel & 0xfffcu) | ext);

	unsigned dpl = SEG_ATTR_DPL(out->attr);

	if (out->attr & SEG_ATTR_DOWN ? dpl > cpl : dpl != cpl)
		return cpu_raise(cpu, vec, (sel & 0xfffcu) | ext);
	if (!(out->attr & SEG_ATTR_P))
		return cpu_raise(cpu, VEC_NP, (sel & 0xfffcu) | ext);
	if (cpu_set_accessed(cpu, desc, gla) != CPU_NEXT)
		return CPU_FAULT;
	out->attr |= SEG_ATTR_ACCESSED;
	out->sel = (u16)((sel & 0xfffc) | cpl);
	cpu_note_load(&cpu->last_code[cpl], desc, out, cpl);
	return CPU_NEXT;
}

enum cpu_result transfer_gate_code(struct cpu *cpu, u16 sel, bool inward, u32 ext,
				   struct cpu_segment *out, unsigned *cpl)
{
	u32 desc[2], code = DESC_S | DESC_CODE;
	const struct cpu_segment *known;
	gla_t gla;

	if ((sel & 0xfffc) == 0)
		return cpu_raise(cpu, VEC_GP, ext);
	/* Nearly always: the kernel's, which is not conforming. */
	known = cpu_load_known(cpu, &cpu->last_code[0], sel & 0xfffc, 0);
	if (known && !(known->attr & SEG_ATTR_DOWN) && (inward || cpu->cpl == 0)) {
		*cpl = 0;
		*out = *known;
		return CPU_NEXT;
	}
	if (cpu_read_descriptor(cpu, sel, VEC_GP, desc, &gla) != CPU_NEXT) {
		cpu->fault.error |= cpu->fault.vector == VEC_PF ? 0 : ext;
		return CPU_FAULT;
	}
	if ((desc[1] & code) != code || DESC_DPL(desc[1]) > cpu->cpl)
		return cpu_raise(cpu, VEC_GP, (sel & 0xfffcu) | ext);
	*cpl = inward && !(desc[1] & DESC_CONFORMING) ? DESC_DPL(desc[1]) : cpu->cpl;
	return transfer_code(cpu, sel, *cpl, VEC_GP, ext, out);
}

enum cpu_result transfer_stack(struct cpu *cpu, u16 sel, unsigned cpl, u8 vec, u32 ext,
			       struct cpu_segment *out)
{
	const struct cpu_segment *known;
	u32 desc[2];
	gla_t gla;

	if ((sel & 0xfffc) == 0)
		return cpu_raise_for(cpu, vec, ext | (vec == VEC_TS ? sel & 0xfffcu : 0),
				     STRICT_null_ss);
	known = cpu_load_known(cpu, &cpu->last_stack[cpl], sel, cpl);
	if (known) {
		*out = *known;
		return CPU_NEXT;
	}
	if (read_segment(cpu, sel, vec, ext, desc, &gla, out) != CPU_NEXT)
		return CPU_FAULT;
	if ((sel & 3) != cpl || SEG_ATTR_DPL(out->attr) != cpl ||
	    (out->attr & (SEG_ATTR_S | SEG_ATTR_CODE | SEG_ATTR_WRITE)) !=
		    (SEG_ATTR_S | SEG_ATTR_WRITE))
		return cpu_raise(cpu, vec, (sel & 0xfffcu) | ext);
	if (!(out->attr & SEG_ATTR_P))
		return cpu_raise(cpu, VEC_SS, (sel & 0xfffcu) | ext);
	if (cpu_set_accessed(cpu, desc, gla) != CPU_NEXT)
		return CPU_FAULT;
	out->attr |= SEG_ATTR_ACCESSED;
	cpu_note_load(&cpu->last_stack[cpl], desc, out, cpl);
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

bool transfer_room(const struct cpu_segment *s, u32 esp, unsigned n, unsigned size)
{
	if (s->limit == 0xffffffff && !(s->attr & SEG_ATTR_DOWN))
		return true;
	for (unsigned i = 1; i <= n; i++)
		if (!cpu_seg_within(s, (esp - i * size) & cpu_stack_mask_of(s), size))
			return false;
	return true;
}

/* Word by word, as the processor pushes: the first that cannot be written names the fault. */
static enum cpu_result push_words(struct cpu *cpu, u32 esp, u32 mask, const u32 *words, unsigned n,
				  unsigned size)
{
	unsigned user = cpu_user_access(cpu);
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

/* 32 bits wide from 0 to 4 GiB, and no access is looked at for its alignment. */
static bool flat_stack(const struct cpu *cpu, const struct cpu_segment *s)
{
	return !s->base && s->limit == 0xffffffff && (s->attr & SEG_ATTR_DB) &&
	       (s->attr & (SEG_ATTR_CODE | SEG_ATTR_DOWN | SEG_ATTR_WRITE | SEG_ATTR_UNUSABLE)) ==
		       SEG_ATTR_WRITE &&
	       !cpu_align_checked(cpu);
}

/* Doublewords on a flat stack, if its page can be written without looking. */
static bool push_at_once(struct cpu *cpu, const struct cpu_segment *s, unsigned cpl, u32 esp,
			 const u32 *words, unsigned n)
{
	u8 *p;

	if (!flat_stack(cpu, s) || esp < n * 4)
		return false;
	p = cpu_lin_direct_write(cpu, esp - n * 4, n * 4, cpl == 3 ? ACCESS_USER : 0);
	if (!p)
		return false;
	for (unsigned i = n; i-- > 0; p += 4) /* the first word pushed lies highest */
		__builtin_memcpy(p, &words[i], 4);
	return true;
}

enum cpu_result transfer_push(struct cpu *cpu, const struct cpu_segment *s, unsigned cpl, u32 *esp,
			      const u32 *words, unsigned n, unsigned size)
{
	u32 mask = cpu_stack_mask_of(s);
	struct cpu_segment old = cpu->seg[SEG_SS];
	u8 old_cpl = cpu->cpl;
	u8 image[TRANSFER_WORDS * 4];
	enum cpu_result res = CPU_FAULT;
	bool misaligned = false;
	gla_t gla;

	if (size == 4 && push_at_once(cpu, s, cpl, *esp, words, n)) {
		*esp -= n * 4;
		return CPU_NEXT;
	}
	for (unsigned i = 0; i < n; i++) {
		u8 *to = &image[(n - 1 - i) * size];

		if (size == 4)
			__builtin_memcpy(to, &words[i], 4);
		else
			__builtin_memcpy(to, &words[i], 2);
	}

	u32 to = (*esp - n * size) & mask;

	cpu->seg[SEG_SS] = *s;
	cpu->cpl = (u8)cpl;
	/* All at once where that works; a fault, or a stack pointer that wraps, is looked at
	 * closely. */
	if (to < ((*esp - 1) & mask) &&
	    cpu_seg_check(cpu, SEG_SS, to, n * size, ACCESS_WRITE, &gla) == CPU_NEXT &&
	    !(old_cpl == 3 && (misaligned = cpu_align_check(cpu, gla, size) == CPU_FAULT)))
		res = cpu_lin_write(cpu, gla, image, n * size, cpl == 3 ? ACCESS_USER : 0);
	if (res != CPU_NEXT && !misaligned)
		res = push_words(cpu, *esp, mask, words, n, size);
	cpu->seg[SEG_SS] = old;
	cpu->cpl = old_cpl;
	if (res == CPU_NEXT)
		*esp = (*esp & ~mask) | to;
	return res;
}

enum cpu_result transfer_pop(struct cpu *cpu, u32 *words, unsigned n, unsigned size, u32 skip)
{
	u32 mask = cpu_stack_mask_of(&cpu->seg[SEG_SS]), first = (cpu->gpr[REG_ESP] + skip) & mask;

	/* All at once where that works; else the first word that cannot be read names the fault. */
	if (size == 4 && flat_stack(cpu, &cpu->seg[SEG_SS])) {
		const u8 *p = cpu_lin_direct(cpu, first, n * 4, cpu_user_access(cpu));

		if (p) {
			for (unsigned i = 0; i < n; i++)
				__builtin_memcpy(&words[i], p + i * 4, 4);
			return CPU_NEXT;
		}
	}
	for (unsigned i = 0; i < n; i++) {
		u32 at = (cpu->gpr[REG_ESP] + skip + i * size) & mask;

		words[i] = 0;
		if (cpu_mem_read(cpu, SEG_SS, at, &words[i], size) != CPU_NEXT)
			return CPU_FAULT;
	}
	return CPU_NEXT;
}

void transfer_set_sp(struct cpu *cpu, u32 esp)
{
	u32 mask = cpu_stack_mask_of(&cpu->seg[SEG_SS]);

	cpu->gpr[REG_ESP] = (cpu->gpr[REG_ESP] & ~mask) | (esp & mask);
}

enum cpu_result transfer_same_level(struct cpu *cpu, const struct cpu_segment *code, u32 offset,
				    u32 next, unsigned size, bool call)
{
	const u32 ret[2] = { cpu->seg[SEG_CS].sel, next };
	u32 esp = cpu->gpr[REG_ESP];

	if (call && !transfer_room(&cpu->seg[SEG_SS], esp, 2, size))
		return cpu_raise(cpu, VEC_SS, 0);
	if (offset > code->limit)
		return cpu_raise(cpu, VEC_GP, 0);
	if (call && transfer_push(cpu, &cpu->seg[SEG_SS], cpu->cpl, &esp, ret, 2, size) != CPU_NEXT)
		return CPU_FAULT;
	cpu->gpr[REG_ESP] = esp;
	cpu->seg[SEG_CS] = *code;
	cpu->eip = offset;
	return CPU_JUMP;
}

void transfer_set_flags(struct cpu *cpu, u32 image, unsigned size, unsigned cpl)
{
	u32 mask = EFLAGS_ARITH | EFLAGS_TF | EFLAGS_NT;

	if (size == 4)
		mask |= EFLAGS_RF | EFLAGS_AC | EFLAGS_ID;
	if (cpl <= cpu_iopl(cpu))
		mask |= EFLAGS_IF;
	if (cpl == 0)
		mask |= EFLAGS_IOPL | (size == 4 ? EFLAGS_VIF | EFLAGS_VIP : 0);
	cpu_set_eflags(cpu, (cpu_eflags(cpu) & ~mask) | (image & mask));
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
