/* SPDX-License-Identifier: MIT */
/*
 * Checked access to guest memory by linear address and by segment.
 */
#include "emu/cpu/semantics.h"
#include "emu/cpu/operand.h"
#include "emu/dev/strict.h"
#include "emu/mem/gpmem.h"
#include "kernel/base/string.h"

static u32 room(gla_t gla, unsigned len)
{
	u32 n = PAGE_SIZE - (gla & (PAGE_SIZE - 1));

	return MIN(n, len);
}

void cpu_tell_unwritten(struct cpu *cpu, gpa_t gpa, unsigned len)
{
	if (cpu_is_strict(cpu) && gpmem_unwritten_read(cpu->mem, gpa, len) == len)
		cpu_env(cpu)->strict(cpu, STRICT_ram_unwritten, (u32)gpa);
}

enum cpu_result cpu_lin_read_slowly(struct cpu *cpu, gla_t gla, void *buf, unsigned len,
				    unsigned access)
{
	u8 *out = buf;
	gla_t first = gla;
	unsigned all = len;

	access &= ~(unsigned)ACCESS_WRITE;
	while (len) {
		u32 n = room(gla, len), offset = gla & (PAGE_SIZE - 1);
		const struct softtlb_entry *e = cpu_translate(cpu, gla, access);

		if (!e)
			return CPU_FAULT;
		if (e->rights & BIT(access)) {
			memcpy(out, e->host + offset, n);
		} else {
			cpu->device_calls += e->device.mmio != NULL;
			cpu->caught++;
			gpmem_read(cpu->mem, e->gpa + offset, out, n);
			if (!(access & ACCESS_EXEC))
				cpu_tell_unwritten(cpu, e->gpa + offset, n);
		}
		out += n;
		gla += n;
		len -= n;
	}
	if (cpu->watch.datas && !(access & ACCESS_EXEC))
		cpu_debug_data(cpu, first, all, false);
	return CPU_NEXT;
}

enum cpu_result cpu_lin_probe_write(struct cpu *cpu, gla_t gla, unsigned len, unsigned access)
{
	while (len) {
		u32 n = room(gla, len);

		if (!cpu_translate(cpu, gla, access | ACCESS_WRITE))
			return CPU_FAULT;
		gla += n;
		len -= n;
	}
	return CPU_NEXT;
}

enum cpu_result cpu_lin_write_slowly(struct cpu *cpu, gla_t gla, const void *buf, unsigned len,
				     unsigned access)
{
	const u8 *in = buf;
	gla_t first = gla;
	unsigned all = len;

	access |= ACCESS_WRITE;
	if (room(gla, len) < len && cpu_lin_probe_write(cpu, gla, len, access) != CPU_NEXT)
		return CPU_FAULT;
	while (len) {
		u32 n = room(gla, len), offset = gla & (PAGE_SIZE - 1);
		const struct softtlb_entry *e = cpu_translate(cpu, gla, access);

		if (!e)
			return CPU_FAULT;
		if (e->rights & BIT(access)) {
			memcpy(e->host + offset, in, n);
		} else {
			cpu->device_calls += e->device.mmio != NULL;
			cpu->caught++;
			gpmem_write(cpu->mem, e->gpa + offset, in, n);
		}
		in += n;
		gla += n;
		len -= n;
	}
	if (cpu->watch.datas)
		cpu_debug_data(cpu, first, all, true);
	return CPU_NEXT;
}

bool cpu_seg_within(const struct cpu_segment *s, gva_t offset, unsigned len)
{
	u32 last = offset + len - 1;

	if (!(s->attr & SEG_ATTR_CODE) && (s->attr & SEG_ATTR_DOWN))
		return offset > s->limit && last >= offset &&
		       last <= (s->attr & SEG_ATTR_DB ? 0xffffffff : 0xffff);
	if (s->limit == 0xffffffff)
		return true;
	return last >= offset && last <= s->limit;
}

enum cpu_result cpu_seg_check(struct cpu *cpu, enum cpu_seg seg, gva_t offset, unsigned len,
			      unsigned access, gla_t *gla)
{
	const struct cpu_segment *s = &cpu->seg[seg];
	u8 vec = seg == SEG_SS ? VEC_SS : VEC_GP;

	if (cpu_protected(cpu) && !cpu_v86(cpu)) {
		bool code = s->attr & SEG_ATTR_CODE;

		if (s->attr & SEG_ATTR_UNUSABLE)
			return cpu_raise(cpu, vec, 0);
		if ((access & ACCESS_WRITE) && (code || !(s->attr & SEG_ATTR_WRITE)))
			return cpu_raise(cpu, vec, 0);
		if (!(access & (ACCESS_WRITE | ACCESS_EXEC)) && code && !(s->attr & SEG_ATTR_WRITE))
			return cpu_raise(cpu, vec, 0);
	}
	if (!cpu_seg_within(s, offset, len))
		return cpu_raise_for(cpu, vec, 0, STRICT_segment_limit);
	*gla = s->base + offset;
	return CPU_NEXT;
}

/* By data type (SDM 3A table 6-8): operands of 10 and 16 bytes count as of 8, images by their
 * words. */
static unsigned alignment(unsigned len)
{
	switch (len) {
	case 1:
	case 2:
	case 4:
		return len;
	case 8:
	case 10:
	case 16:
	case 32:
		return 8;
	default:
		return len & 3 ? 2 : 4;
	}
}

enum cpu_result cpu_align_check(struct cpu *cpu, gla_t gla, unsigned len)
{
	if (len == 6) { /* a pseudo-descriptor is a word and a doubleword (SDM 3A 3.5.1) */
		gla += 2;
		len = 4;
	}
	if (cpu_align_checked(cpu) && (gla & (alignment(len) - 1)))
		return cpu_raise(cpu, VEC_AC, 0);
	return CPU_NEXT;
}

/* Segment, then alignment; paging is last. */
static enum cpu_result operand(struct cpu *cpu, enum cpu_seg seg, gva_t off, unsigned len,
			       unsigned access, gla_t *gla)
{
	enum cpu_result res = cpu_seg_check(cpu, seg, off, len, access, gla);

	return res == CPU_NEXT && cpu_align_checked(cpu) ? cpu_align_check(cpu, *gla, len) : res;
}

enum cpu_result cpu_mem_read(struct cpu *cpu, enum cpu_seg seg, gva_t off, void *buf, unsigned len)
{
	gla_t gla;
	enum cpu_result res = operand(cpu, seg, off, len, ACCESS_READ, &gla);

	return res == CPU_NEXT ? cpu_lin_read(cpu, gla, buf, len, cpu_user_access(cpu)) : res;
}

enum cpu_result cpu_mem_write(struct cpu *cpu, enum cpu_seg seg, gva_t off, const void *buf,
			      unsigned len)
{
	gla_t gla;
	enum cpu_result res = operand(cpu, seg, off, len, ACCESS_WRITE, &gla);

	return res == CPU_NEXT ? cpu_lin_write(cpu, gla, buf, len, cpu_user_access(cpu)) : res;
}

enum cpu_result cpu_mem_probe_write(struct cpu *cpu, enum cpu_seg seg, gva_t off, unsigned len)
{
	gla_t gla;
	enum cpu_result res = operand(cpu, seg, off, len, ACCESS_WRITE, &gla);

	return res == CPU_NEXT ? cpu_lin_probe_write(cpu, gla, len, cpu_user_access(cpu)) : res;
}
