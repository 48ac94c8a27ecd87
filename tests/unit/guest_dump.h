/* SPDX-License-Identifier: MIT */
/*
 * A second opinion: with GUEST_DUMP=folder, every guest that a test runs is written there, as it
 * was before and after, for another processor to repeat (tests/opinion/). What cannot be brought
 * about from outside (pending events, hidden parts of CS and SS that no descriptor has) is left
 * out.
 *
 * A file is a struct guest_image, the pages that it names, and the same again for the end.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "emu/cpu/semantics.h"
#include "tests/host/machine.h"

#define DUMP_PAGES 140u

struct guest_image { /* runner.asm and opinion.py know the offsets */
	u32 magic, gpr[8], eip, eflags, cr0, cr2, cr3, cr4, dr[6];
	u16 gdtr_limit;
	u16 gdtr_base[2];
	u16 pad1;
	u16 idtr_limit;
	u16 idtr_base[2];
	u16 pad2;
	struct {
		u32 sel, lo, hi;
	} seg[8]; /* ES CS SS DS FS GS TR LDTR */
	u32 sysenter[3], cpl, pages;
	u16 page[DUMP_PAGES];
	u32 end;     /* at the end: physical address of the HLT */
	u32 endless; /* at the end: there is no HLT, delivery of an exception never ends */
	u8 pad3[8];
	u8 fpu[512]; /* as FXSAVE stores it */
};
_Static_assert(sizeof(struct guest_image) == 1024, "two sectors");

static const char *guest_dump_name; /* of the test */

struct guest_dump {
	FILE *f;
	char name[1024];
};

static inline void dump_segment(struct guest_image *g, unsigned i, const struct cpu_segment *s)
{
	u32 limit = s->attr & SEG_ATTR_G ? s->limit >> 12 : s->limit;

	g->seg[i].sel = s->sel;
	if (s->attr & SEG_ATTR_UNUSABLE)
		return;
	g->seg[i].lo = (limit & 0xffff) | s->base << 16;
	g->seg[i].hi = (s->base >> 16 & 0xff) | (u32)(s->attr & 0xf0ff) << 8 | (limit & 0xf0000) |
		       (s->base & 0xff000000);
}

/* The image with the guest's own pointers. The guest goes on as if nobody had asked. */
static inline void dump_fpu(struct guest_image *g, struct cpu *c)
{
	struct cpu_fpu_pointers kept;
	__typeof__(c->x87_ran) ran = c->x87_ran;

	c->env->fpu_pointers(c, &kept, false);
	cpu_own_fpu_pointers(c);
	memcpy(g->fpu, c->fpu.image, sizeof(g->fpu));
	c->env->fpu_pointers(c, &kept, true);
	c->x87_ran = ran;
}

static inline void dump_state(FILE *f, struct machine *machine)
{
	static const u8 zero[PAGE_SIZE];
	const struct cpu *c = &machine->cpu;
	struct pagewalk w;
	struct guest_image g = { .magic = 0x45534143,
				 .eip = c->eip,
				 .eflags = cpu_eflags(c),
				 .cr0 = c->cr0,
				 .cr2 = c->cr2,
				 .cr3 = c->cr3,
				 .cr4 = c->cr4,
				 .dr = { c->dr[0], c->dr[1], c->dr[2], c->dr[3], c->dr[6],
					 c->dr[7] },
				 .gdtr_limit = c->gdtr.limit,
				 .idtr_limit = c->idtr.limit,
				 .sysenter = { (u32)c->msr.sysenter_cs, (u32)c->msr.sysenter_esp,
					       (u32)c->msr.sysenter_eip },
				 .cpl = c->cpl,
				 /* No NMI was sent, so only a hang leaves them off. */
				 .endless = c->nmi_blocked };

	if (!cpu_probe(&machine->cpu, c->seg[SEG_CS].base + c->eip - 1, ACCESS_EXEC, &w))
		g.end = (u32)w.gpa;
	memcpy(g.gpr, c->gpr, sizeof(g.gpr));
	memcpy(g.gdtr_base, &c->gdtr.base, 4);
	memcpy(g.idtr_base, &c->idtr.base, 4);
	for (unsigned s = 0; s < SEG_COUNT; s++)
		dump_segment(&g, s, &c->seg[s]);
	dump_segment(&g, 6, &c->tr);
	dump_segment(&g, 7, &c->ldtr);
	dump_fpu(&g, &machine->cpu);
	for (u32 p = 0; p < machine->ram_size / PAGE_SIZE && g.pages < DUMP_PAGES; p++)
		if (memcmp(machine->ram + p * PAGE_SIZE, zero, PAGE_SIZE))
			g.page[g.pages++] = (u16)p;
	fwrite(&g, sizeof(g), 1, f);
	for (u32 p = 0; p < g.pages; p++)
		fwrite(machine->ram + g.page[p] * PAGE_SIZE, PAGE_SIZE, 1, f);
}

/* CS and SS are loaded as part of a transfer, from the GDT as it is. */
static inline bool dump_in_table(struct machine *machine, const struct cpu_segment *s)
{
	struct cpu_segment t;
	u32 desc[2];

	if (cpu_v86(&machine->cpu))
		return true;
	memcpy(desc, machine->ram + machine->cpu.gdtr.base + (s->sel & 0xfff8u), 8);
	cpu_unpack_descriptor(s->sel, desc[0], desc[1], &t);
	return !(s->sel & 4) && t.base == s->base && t.limit == s->limit &&
	       (t.attr | 1) == (s->attr | 1);
}

static inline const char *dump_program(void)
{
	static char path[256];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	path[n > 0 ? n : 0] = 0;
	return strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
}

static inline struct guest_dump *guest_dump_begin(struct machine *machine)
{
	static struct guest_dump dump;
	static unsigned number;
	const struct cpu *c = &machine->cpu;
	const char *folder = getenv("GUEST_DUMP");

	number++;
	if (!folder || ((c->cr0 & CR0_PG) && (c->cr4 & CR4_PAE)) /* its pointers may be stale */
	    || c->events || c->shadow || c->debug_hits || c->nmi_blocked ||
	    (c->cr0 & (CR0_PE | CR0_NE)) != (CR0_PE | CR0_NE) ||
	    !dump_in_table(machine, &c->seg[SEG_CS]) || !dump_in_table(machine, &c->seg[SEG_SS]))
		return NULL;
	snprintf(dump.name, sizeof(dump.name), "%s/%s-%03u-%s", folder, dump_program(), number,
		 guest_dump_name);
	dump.f = fopen(dump.name, "wb");
	if (dump.f)
		dump_state(dump.f, machine);
	return dump.f ? &dump : NULL;
}

static inline void guest_dump_end(struct guest_dump *dump, struct machine *machine,
				  enum recomp_exit exit)
{
	if (!dump)
		return;
	if (exit == RECOMP_HALT)
		dump_state(dump->f, machine);
	fclose(dump->f);
	if (exit != RECOMP_HALT) /* a shutdown leaves nobody to report it */
		remove(dump->name);
}
