/* SPDX-License-Identifier: MIT */
/*
 * Our processor: the recompiler on the host machine with memory base 0, as in the monitor. 32-bit
 * programs run flat, CPL 0, without paging; INT 80h and exceptions end at a HLT.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/cpu/semantics.h"
#include "tests/bench/recompiler/bench.h"
#include "tests/host/machine.h"

#define IDT	0x1000u
#define GDT	0x2000u
#define HANDLER 0x3000u
#define FLAGS16 0x20000u

static struct machine m;

static void put(u32 at, u64 v)
{
	memcpy(m.ram + at, &v, 8);
}

static void start_flat(void)
{
	struct cpu *cpu = &m.cpu;

	put(GDT + 8, 0x00cf9b000000ffffull);
	put(GDT + 16, 0x00cf93000000ffffull);
	for (u32 v = 0; v < 256; v++)
		put(IDT + 8 * v, 0x00008e0000080000ull | HANDLER);
	m.ram[HANDLER] = 0xf4;
	cpu->cr0 = CR0_ET | CR0_NE | CR0_PE | CR0_MP;
	cpu->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
	cpu->gdtr.base = GDT;
	cpu->gdtr.limit = 23;
	cpu->idtr.base = IDT;
	cpu->idtr.limit = 0x7ff;
	for (unsigned s = 0; s < SEG_COUNT; s++)
		cpu->seg[s] = (struct cpu_segment){ s == SEG_CS ? 8 : 16,
						    s == SEG_CS ? 0xc09b : 0xc093, 0, 0xffffffff };
	cpu->cpl = 0;
	cpu->eip = IMAGE_BASE;
}

static void start_real(void)
{
	struct cpu *cpu = &m.cpu;

	cpu->cr0 = CR0_ET;
	for (unsigned s = 0; s < SEG_COUNT; s++) {
		u32 base = s == SEG_ES ? FLAGS16 : 0x10000;

		cpu->seg[s] = (struct cpu_segment){ (u16)(base >> 4), s == SEG_CS ? 0x9b : 0x93,
						    base, 0xffff };
	}
	cpu->cpl = 0;
	cpu->eip = 0;
	cpu->gpr[REG_ESP] = 0xfff0;
}

static bool load(const struct program *p)
{
	size_t size;
	u8 *image = image_read(p, &size);
	u32 at = p->real_mode ? 0x10000 : IMAGE_BASE;

	if (!image)
		return false;
	memcpy(m.ram + at, image, size);
	for (u32 page = 0; page < size; page += PAGE_SIZE)
		machine_wrote(&m, at + page, PAGE_SIZE);
	free(image);
	return true;
}

static struct measure go(const struct program *p)
{
	struct measure r = { 0 };
	u64 from;

	machine_reset(&m);
	if (p->real_mode)
		start_real();
	else
		start_flat();
	m.cpu.env->paging_changed(&m.cpu, PAGING_CR0);
	from = __builtin_ia32_rdtsc();
	if (machine_run(&m) != RECOMP_HALT) {
		fprintf(stderr, "%s: ours stopped at %08x, fault %u\n", p->path, m.cpu.eip,
			m.cpu.fault.vector);
		return r;
	}
	r.cycles = __builtin_ia32_rdtsc() - from;
	r.sum = m.cpu.gpr[REG_ESI];
	m.cpu.halted = false;
	return r;
}

struct measure measure_ours_cold(const struct program *p, struct translation *t)
{
	struct recomp_stats before, after;
	struct measure cold, warm;

	if (!m.ram) {
		int err = machine_create(&m, GUEST_RAM, MACHINE_BASE_0 | MACHINE_NO_VERIFY);

		if (err) {
			fprintf(stderr, "ours: no memory base 0 here (%d)\n", err);
			exit(1);
		}
	}
	if (!load(p))
		return (struct measure){ 0 };
	recomp_flush(m.cpu.recomp);
	before = *recomp_stats(m.cpu.recomp);
	cold = go(p);
	after = *recomp_stats(m.cpu.recomp);
	if (!t)
		return cold;
	warm = go(p);
	*t = (struct translation){ .cold = cold.cycles,
				   .warm = warm.cycles,
				   .insns = after.guest_insns - before.guest_insns,
				   .guest_bytes = after.guest_bytes - before.guest_bytes,
				   .host_bytes = after.host_bytes - before.host_bytes };
	return cold;
}

struct measure measure_ours(const struct program *p)
{
	return measure_ours_cold(p, NULL);
}
