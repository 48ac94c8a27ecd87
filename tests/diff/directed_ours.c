/* SPDX-License-Identifier: MIT */
/*
 * Directed cases on ours: the recompiler on the host machine. An exception is taken where it is
 * raised: the linker leads cpu_deliver_fault() here (tests/diff.mk), so that nothing is delivered,
 * which the other processor would not do either.
 */
#include <string.h>

#include "emu/cpu/semantics.h"
#include "tests/diff/directed.h"
#include "tests/diff/outcome.h"
#include "tests/host/machine.h"

static struct machine m;
static volatile bool stopped;
static struct cpu_fault caught;
static bool has_caught;

enum cpu_result __wrap_cpu_deliver_fault(struct cpu *cpu);

enum cpu_result __wrap_cpu_deliver_fault(struct cpu *cpu)
{
	caught = cpu->fault;
	has_caught = true;
	return CPU_SHUTDOWN;
}

static void stop(void *context)
{
	stopped = true;
	machine_interrupt(&m, CPU_EVENT_YIELD, context);
}

int directed_ours_init(bool base_0)
{
	int err = machine_create(&m, WORLD_RAM, base_0 ? MACHINE_BASE_0 : 0);

	if (!err)
		memset(m.ram, 0xcc, WORLD_RAM);
	return err;
}

static void load_home(const struct directed_case *c, u16 sel, struct cpu_segment *s)
{
	u64 d = c->home[sel >> 3];

	cpu_unpack_descriptor(sel, (u32)d, (u32)(d >> 32), s);
}

static void set_segment(const struct directed_case *c, unsigned s)
{
	struct cpu_segment *seg = &m.cpu.seg[s];
	u16 sel = c->sel[s];

	if (c->mode == DIRECTED_V86)
		*seg = (struct cpu_segment){ sel, 0xf3, sel * 16u, 0xffff };
	else if (c->mode == DIRECTED_REAL)
		*seg = (struct cpu_segment){ sel, s == SEG_CS ? 0x9b : 0x93, sel * 16u, 0xffff };
	else if (!(sel & ~3u))
		*seg = (struct cpu_segment){ sel, SEG_ATTR_UNUSABLE, 0, 0 };
	else
		load_home(c, sel, seg);
}

static void load(const struct directed_case *c)
{
	struct cpu *cpu = &m.cpu;

	memcpy(m.ram, c->image, WORLD_SIZE);
	for (u32 p = 0; p < WORLD_SIZE; p += PAGE_SIZE)
		machine_wrote(&m, p, PAGE_SIZE);
	machine_reset(&m);
	cpu->cr0 = c->cr0;
	cpu->cr3 = c->cr3;
	cpu->gdtr = (struct cpu_table){ AT_GDT, GDT_ENTRIES * 8 - 1 };
	cpu->idtr = (struct cpu_table){ 0, 0x3ff };
	load_home(c, GDT_TSS << 3, &cpu->tr);
	load_home(c, GDT_LDT << 3, &cpu->ldtr);
	memcpy(cpu->gpr, c->gpr, sizeof(cpu->gpr));
	cpu->eip = c->eip;
	cpu_set_eflags(cpu, c->eflags);
	for (unsigned s = 0; s < SEG_COUNT; s++)
		set_segment(c, s);
	cpu->cpl = c->cpl;
	cpu->env->paging_changed(cpu, PAGING_CR0 | PAGING_CR3 | PAGING_CR4);
}

static struct directed_segment visible(const struct cpu_segment *s)
{
	u16 drop = s->attr & SEG_ATTR_S ? SEG_ATTR_ACCESSED : 2;

	if ((s->attr & SEG_ATTR_UNUSABLE) || !(s->attr & SEG_ATTR_P))
		return (struct directed_segment){ .sel = s->sel };
	return (struct directed_segment){ s->sel, (u16)(s->attr & 0xf0ff & ~drop), s->base,
					  s->limit };
}

static void save(struct directed_end *end)
{
	const struct cpu *cpu = &m.cpu;
	struct directed_state *s = &end->s;

	memset(s, 0, sizeof(*s));
	memcpy(s->gpr, cpu->gpr, sizeof(s->gpr));
	s->eip = cpu->eip;
	s->eflags = cpu_eflags(cpu);
	s->cr0 = cpu->cr0;
	s->cr3 = cpu->cr3;
	for (unsigned i = 0; i < SEG_COUNT; i++)
		s->seg[i] = visible(&cpu->seg[i]);
	s->tr = visible(&cpu->tr);
	s->ldtr = visible(&cpu->ldtr);
	s->gdt_base = cpu->gdtr.base;
	s->gdt_limit = cpu->gdtr.limit;
	s->idt_base = cpu->idtr.base;
	s->idt_limit = cpu->idtr.limit;
	directed_hide_attributes(s);
	end->vector = has_caught ? caught.vector : DIRECTED_STOPPED;
	end->error = has_caught && caught.has_error ? caught.error : 0;
	memcpy(end->memory, m.ram, WORLD_SIZE);
}

int directed_ours_run(const struct directed_case *c, unsigned steps, struct directed_end *end)
{
	enum recomp_exit exit = RECOMP_EVENT;

	load(c);
	has_caught = stopped = false;
	outcome_watch(stop);
	while (exit == RECOMP_EVENT && !stopped && steps && !has_caught) {
		if (steps == ~0u && !c->stepped) {
			exit = machine_run(&m);
		} else {
			exit = machine_step(&m);
			steps -= steps != ~0u;
		}
	}
	outcome_watch(NULL);
	m.cpu.halted = false;
	m.cpu.events = 0;
	if (stopped || (!has_caught && steps))
		return -1;
	save(end);
	return 0;
}

/* The descriptor in memory is accessed, if it still is the one loaded: from either LDT. */
static bool marked(const struct cpu_segment *s)
{
	u32 at = (s->sel & 4 ? AT_LDT(0) : AT_GDT) + (s->sel & ~7u) + 5;
	u8 access = m.ram[at], other = m.ram[at + AT_LDT(1) - AT_LDT(0)];

	if (s->base == s->sel * 16u || at >= WORLD_SIZE || /* loaded in real mode */ (access & 1) ||
	    (access | 1) != (s->attr & 0xff))
		return true;
	return (s->sel & 4) && (other & 1);
}

const char *directed_ours_caches(void)
{
	const struct cpu *cpu = &m.cpu;
	unsigned cpl = cpu_v86(cpu) ? 3 : cpu_protected(cpu) ? cpu->seg[SEG_CS].sel & 3 : 0;

	if (!(cpu->tr.attr & 2))
		return "TR is not busy";
	if (has_caught && caught.at_target) /* of a new task: its registers may not be loaded yet */
		return NULL;
	if (cpu->cpl != cpl)
		return "CPL is not that of CS";
	for (unsigned i = 0; i < SEG_COUNT; i++) {
		const struct cpu_segment *s = &cpu->seg[i];

		if ((s->attr & SEG_ATTR_UNUSABLE) || !cpu_protected(cpu) || cpu_v86(cpu))
			continue;
		if (!(s->attr & SEG_ATTR_ACCESSED))
			return "a segment register holds a segment that was not accessed";
		if (!marked(s))
			return "a segment's descriptor is not marked as accessed";
	}
	return NULL;
}
