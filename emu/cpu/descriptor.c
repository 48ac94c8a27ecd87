/* SPDX-License-Identifier: MIT */
/*
 * Descriptors: reading, unpacking, and loading them into segment registers with the checks of SDM
 * 3A 5 and the MOV pseudo-code.
 */
#include "emu/cpu/semantics.h"
#include "emu/dev/strict.h"
#include "kernel/base/string.h"

void cpu_unpack_descriptor(u16 sel, u32 lo, u32 hi, struct cpu_segment *out)
{
	u32 limit = (lo & 0xffff) | (hi & 0x000f0000);

	out->sel = sel;
	out->attr = (u16)((hi >> 8) & 0xf0ff);
	out->base = lo >> 16 | (hi & 0xff) << 16 | (hi & 0xff000000);
	out->limit = out->attr & SEG_ATTR_G ? limit << 12 | 0xfff : limit;
}

enum cpu_result cpu_read_descriptor(struct cpu *cpu, u16 sel, u8 vec, u32 desc[2], gla_t *gla)
{
	bool local = sel & 4;
	u32 limit = local ? (cpu->ldtr.attr & SEG_ATTR_UNUSABLE ? 0 : cpu->ldtr.limit)
			  : cpu->gdtr.limit;
	u32 base = local ? cpu->ldtr.base : cpu->gdtr.base;

	if ((local && (cpu->ldtr.attr & SEG_ATTR_UNUSABLE)) || (sel | 7u) > limit)
		return cpu_raise(cpu, vec, sel & 0xfffcu);
	*gla = base + (sel & 0xfff8u);
	return cpu_lin_read(cpu, *gla, desc, 8, 0);
}

enum cpu_result cpu_set_accessed(struct cpu *cpu, u32 desc[2], gla_t gla)
{
	u8 type;

	if (desc[1] & BIT(8))
		return CPU_NEXT;
	desc[1] |= BIT(8);
	type = (u8)(desc[1] >> 8);
	return cpu_lin_write(cpu, gla + 5, &type, 1, 0);
}

void cpu_set_v86_segment(struct cpu *cpu, enum cpu_seg seg, u16 sel)
{
	cpu->seg[seg] = (struct cpu_segment){ .sel = sel,
					      .base = (u32)sel << 4,
					      .limit = 0xffff,
					      .attr = SEG_ATTR_P | SEG_ATTR_S | 3u << 5 |
						      SEG_ATTR_WRITE | SEG_ATTR_ACCESSED };
}

static void load_real(struct cpu *cpu, enum cpu_seg seg, u16 sel)
{
	struct cpu_segment *s = &cpu->seg[seg];

	if (cpu_v86(cpu)) {
		cpu_set_v86_segment(cpu, seg, sel);
		return;
	}
	s->sel = sel;
	s->base = (u32)sel << 4;
	s->attr &= (u16)~SEG_ATTR_UNUSABLE; /* the rest of the hidden part stays: unreal mode */
}

static enum cpu_result load_null(struct cpu *cpu, enum cpu_seg seg, u16 sel)
{
	if (seg == SEG_SS)
		return cpu_raise_for(cpu, VEC_GP, 0, STRICT_null_ss);
	cpu->seg[seg] = (struct cpu_segment){ .sel = sel, .attr = SEG_ATTR_UNUSABLE };
	return CPU_NEXT;
}

bool cpu_load_segment_again(struct cpu *cpu, enum cpu_seg seg, u16 sel)
{
	const struct cpu_segment *s;

	if (sel < 4)
		return load_null(cpu, seg, sel) == CPU_NEXT;
	s = cpu_load_known(cpu, &cpu->last_load[seg], sel, cpu->cpl);
	if (s)
		cpu->seg[seg] = *s;
	return s;
}

enum cpu_result cpu_load_segment(struct cpu *cpu, enum cpu_seg seg, u16 sel)
{
	struct cpu_segment s;
	u32 desc[2];
	gla_t gla;
	unsigned dpl, rpl = sel & 3;

	if (!cpu_protected(cpu) || cpu_v86(cpu)) {
		load_real(cpu, seg, sel);
		return CPU_NEXT;
	}
	if (sel < 4)
		return load_null(cpu, seg, sel);
	if (cpu_load_segment_again(cpu, seg, sel))
		return CPU_NEXT;
	if (cpu_read_descriptor(cpu, sel, VEC_GP, desc, &gla) != CPU_NEXT)
		return CPU_FAULT;
	cpu_unpack_descriptor(sel, desc[0], desc[1], &s);
	dpl = SEG_ATTR_DPL(s.attr);
	if (!(s.attr & SEG_ATTR_S))
		return cpu_raise(cpu, VEC_GP, sel & 0xfffcu);
	if (seg == SEG_SS) {
		if (rpl != cpu->cpl || dpl != cpu->cpl || (s.attr & SEG_ATTR_CODE) ||
		    !(s.attr & SEG_ATTR_WRITE))
			return cpu_raise(cpu, VEC_GP, sel & 0xfffcu);
		if (!(s.attr & SEG_ATTR_P))
			return cpu_raise(cpu, VEC_SS, sel & 0xfffcu);
	} else {
		bool code = s.attr & SEG_ATTR_CODE;

		if (code && !(s.attr & SEG_ATTR_WRITE))
			return cpu_raise(cpu, VEC_GP, sel & 0xfffcu);
		if (!(code && (s.attr & SEG_ATTR_DOWN)) && (rpl > dpl || cpu->cpl > dpl))
			return cpu_raise(cpu, VEC_GP, sel & 0xfffcu);
		if (!(s.attr & SEG_ATTR_P))
			return cpu_raise(cpu, VEC_NP, sel & 0xfffcu);
	}
	if (cpu_set_accessed(cpu, desc, gla) != CPU_NEXT)
		return CPU_FAULT;
	s.attr |= SEG_ATTR_ACCESSED;
	cpu->seg[seg] = s;
	cpu_note_load(&cpu->last_load[seg], desc, &s, cpu->cpl);
	return CPU_NEXT;
}
