/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing past the processor. Bytes are taken page by page.
 */
#include "emu/dbg/dbg_mem.h"

#include "emu/cpu/semantics.h"
#include "emu/mem/gpmem.h"
#include "kernel/base/string.h"

static unsigned room(u64 address, unsigned len)
{
	return MIN(len, PAGE_SIZE - (unsigned)(address & (PAGE_SIZE - 1)));
}

/* Not by an address of the page: a page that the guest gave back would come again. */
unsigned dbg_read_phys(struct cpu *cpu, gpa_t gpa, void *buf, unsigned len)
{
	u8 *out = buf;
	unsigned done = 0;

	while (done < len) {
		unsigned n = room(gpa + done, len - done);
		const struct gpmem_region *r = gpmem_find(cpu->mem, gpa + done);

		if (!r || r->kind == GPMEM_MMIO)
			break;
		gpmem_read(cpu->mem, gpa + done, out + done, n);
		done += n;
	}
	return done;
}

static bool is_mapped(struct cpu *cpu, gla_t gla, gpa_t *gpa)
{
	struct pagewalk w;

	if (cpu_probe(cpu, gla, ACCESS_READ, &w))
		return false;
	*gpa = w.gpa;
	return true;
}

unsigned dbg_read(struct cpu *cpu, gla_t gla, void *buf, unsigned len)
{
	u8 *out = buf;
	unsigned done = 0;
	gpa_t gpa;

	while (done < len) {
		unsigned n = room(gla + done, len - done), got;

		if (!is_mapped(cpu, gla + done, &gpa))
			break;
		got = dbg_read_phys(cpu, gpa, out + done, n);
		done += got;
		if (got < n)
			break;
	}
	return done;
}

static bool is_ram(struct cpu *cpu, gpa_t gpa)
{
	const struct gpmem_region *r = gpmem_find(cpu->mem, gpa);

	return r && gpmem_is_writable(r);
}

bool dbg_write_phys(struct cpu *cpu, gpa_t gpa, const void *buf, unsigned len)
{
	for (unsigned at = 0; at < len; at += room(gpa + at, len - at))
		if (!is_ram(cpu, gpa + at))
			return false;
	gpmem_write(cpu->mem, gpa, buf, len);
	return true;
}

bool dbg_write(struct cpu *cpu, gla_t gla, const void *buf, unsigned len)
{
	const u8 *in = buf;
	gpa_t gpa;

	for (unsigned at = 0; at < len; at += room(gla + at, len - at))
		if (!is_mapped(cpu, gla + at, &gpa) || !is_ram(cpu, gpa))
			return false;
	for (unsigned at = 0, n; at < len; at += n) {
		n = room(gla + at, len - at);
		/* What was written may be the tables themselves. */
		if (!is_mapped(cpu, gla + at, &gpa) || !is_ram(cpu, gpa))
			return false;
		gpmem_write(cpu->mem, gpa, in + at, n);
	}
	return true;
}

/*
 * The way of conditions, which are computed over and over: by the TLB of the C code. A page comes
 * there only if the guest has accessed it, so that the walk marks nothing in the guest's tables.
 */
bool dbg_read_number(struct cpu *cpu, gla_t gla, unsigned size, u32 *value)
{
	const u8 *p = cpu_lin_direct(cpu, gla, size, ACCESS_READ);
	struct pagewalk w;
	u64 accessed = PTE_A;

	*value = 0;
	if (p) {
		cpu_copy(value, p, size);
		return true;
	}
	if (room(gla, size) == size && !cpu_probe(cpu, gla, ACCESS_READ, &w)) {
		for (unsigned i = 0; i < w.levels; i++)
			accessed &= w.entries[i];
		if (accessed && gpmem_peek(cpu->mem, w.gpa))
			cpu_translate(cpu, gla, ACCESS_READ);
	}
	return dbg_read(cpu, gla, value, size) == size;
}
