/* SPDX-License-Identifier: MIT */
/*
 * Our processor: the recompiler on the host machine. Every exception goes through an IDT (or the
 * real-mode table) to a handler that is one HLT; its address tells the vector, its stack the rest.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/cpu/semantics.h"
#include "tests/diff/ours_tables.h"
#include "tests/host/upper.h"
#include "tests/host/machine.h"

static struct machine m;
static volatile bool stopped;
static enum case_mode mode = CASE_MODES; /* what the tables are set up for */

static u8 system_area[SYS_SIZE], first_page[PAGE_SIZE]; /* as set up */

static void put64(u32 at, u64 v)
{
	memcpy(m.ram + at, &v, 8);
}

static u32 get32(u32 at)
{
	u32 v;

	memcpy(&v, m.ram + at, 4);
	return v;
}

/* The linear address of something in the system area. */
static u32 lin(u32 at)
{
	return tables_linear(mode, at);
}

/* What a stray jump in CPL 0 may change: then the mode is set up again. */
struct control {
	u32 cr0, cr3, cr4, efer, gdt, idt, tss, ldt, dr7;
	u16 gdt_limit, idt_limit;
};
static struct control control;

static struct control control_of(const struct cpu *cpu)
{
	struct control k;

	memset(&k, 0, sizeof(k));
	k.cr0 = cpu->cr0 & ~CR0_WP;
	k.cr3 = cpu->cr3;
	k.cr4 = cpu->cr4;
	k.efer = (u32)cpu->msr.efer;
	k.gdt = cpu->gdtr.base;
	k.idt = cpu->idtr.base;
	k.tss = cpu->tr.base;
	k.ldt = cpu->ldtr.base;
	k.dr7 = cpu->dr[7];
	k.gdt_limit = cpu->gdtr.limit;
	k.idt_limit = cpu->idtr.limit;
	return k;
}

/* Memory as it was set up, where a stray store has hit it: handlers may be translated by then. */
static void restore(u32 at, const u8 *as_set_up, u32 size)
{
	for (u32 p = 0; p < size; p += PAGE_SIZE) {
		if (!memcmp(m.ram + at + p, as_set_up + p, PAGE_SIZE))
			continue;
		memcpy(m.ram + at + p, as_set_up + p, PAGE_SIZE);
		machine_wrote(&m, at + p, PAGE_SIZE);
	}
}

/* The case's own task, whichever the latest exception went to. */
static void set_task(void)
{
	m.cpu.tr = (struct cpu_segment){ SEL_TSS, 0x8b, lin(TSS), tables_tss_limit(mode) };
	m.cpu.ldtr = (struct cpu_segment){ .attr = SEG_ATTR_UNUSABLE };
}

static void set_mode(enum case_mode to)
{
	struct cpu *cpu = &m.cpu;

	machine_reset(&m);
	mode = to;
	tables_make(m.ram, to);
	cpu->cr0 = CR0_ET | CR0_NE | (to == CASE_REAL ? 0 : CR0_PE);
	cpu->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT | (upper_exist() ? CR4_OSXSAVE : 0);
	cpu->xcr0 = upper_exist() ? 7 : 1;
	cpu->gdtr.base = lin(GDT);
	cpu->gdtr.limit = tables_gdt_limit(to);
	cpu->idtr.base = to == CASE_REAL ? 0 : lin(IDT);
	cpu->idtr.limit = to == CASE_REAL ? 0x3ff : 0x7ff;
	set_task();
	if (case_layout(to)->paged) {
		cpu->cr0 |= CR0_PG | CR0_WP | CR0_MP;
		cpu->cr4 |= CR4_PAE;
		cpu->msr.efer = EFER_NXE;
		cpu->cr3 = PDPT;
		cpu->pdpte[0] = PD | 1;
		cpu->pdpte[CASE_SYSTEM >> 30] = PD2 | 1;
	}
	memcpy(system_area, m.ram + SYS, SYS_SIZE);
	memcpy(first_page, m.ram, PAGE_SIZE);
	machine_wrote(&m, SYS, SYS_SIZE);
	machine_wrote(&m, 0, PAGE_SIZE);
	control = control_of(cpu);
	cpu->env->paging_changed(cpu, PAGING_CR0 | PAGING_CR3 | PAGING_CR4 | PAGING_EFER);
}

static void set_segments(const struct case_layout *l, const u16 *sel)
{
	struct cpu *cpu = &m.cpu;

	for (unsigned i = 0; i < SEG_COUNT; i++) {
		struct cpu_segment *s = &cpu->seg[i];

		if (mode == CASE_REAL)
			*s = (struct cpu_segment){ sel[i], i == SEG_CS ? 0x9b : 0x93, l->base[i],
						   0xffff };
		else if (l->v86)
			*s = (struct cpu_segment){ sel[i], 0xf3, l->base[i], 0xffff };
		else if (!(sel[i] & ~3u))
			*s = (struct cpu_segment){ sel[i], SEG_ATTR_UNUSABLE, 0, 0 };
		else
			cpu_unpack_descriptor(sel[i], get32(GDT + (sel[i] & ~7u)),
					      get32(GDT + (sel[i] & ~7u) + 4), s);
	}
	cpu->cpl = l->cpl;
}

static int init(void)
{
	int err = machine_create(&m, CASE_RAM, processor_ours.base_0 ? MACHINE_BASE_0 : 0);

	if (err && processor_ours.base_0) {
		printf("page 0 cannot be mapped\n");
		return PROCESSOR_NOT_HERE;
	}
	if (err)
		return err;
	memset(m.ram, 0xcc, CASE_RAM); /* stray jumps find INT3 */
	processor_ours.ram = m.ram;
	return 0;
}

/* Of an exception that went through a task gate: the case is in the TSS that it came from. */
static void unwind_task(struct case_state *end)
{
	struct cpu *cpu = &m.cpu;
	u32 back = get32(TASK(0) + cpu->tr.base - lin(TASK(0))) & 0xffff;
	u32 tss = back == CASE_SEL_TSS ? TSS + 0x800 : TSS;

	end->eip = get32(tss + 0x20);
	end->eflags = get32(tss + 0x24);
	memcpy(end->gpr, m.ram + tss + 0x28, sizeof(end->gpr));
	for (unsigned i = 0; i < 6; i++)
		end->sel[i] = (u16)get32(tss + 0x48 + 4 * i);
	end->vector = (u8)(cpu->eip - 1 - lin(HANDLERS));
	end->has_error = case_has_error(end->vector);
	if (end->has_error)
		end->error = get32(TASK_STACK - 4);
	end->frame_len = 0;
}

static bool in_task(void)
{
	return case_layout(mode)->tasks && m.cpu.tr.base - lin(TASK(0)) < TASK_VECTORS * 0x80;
}

/* Reads the frame at the handler's stack pointer and takes it off again. False: it is not in RAM.
 */
static bool unwind(struct case_state *end)
{
	const struct case_layout *l = case_layout(mode);
	struct cpu *cpu = &m.cpu;

	if (in_task()) {
		unwind_task(end);
		return true;
	}

	bool wide = cpu->seg[SEG_SS].attr & SEG_ATTR_DB;
	u32 words[6], sp = cpu->gpr[REG_ESP];

	sp = cpu->seg[SEG_SS].base + (wide ? sp : sp & 0xffff);

	if (sp - CASE_SYSTEM < SYS_SIZE)
		sp = sp - CASE_SYSTEM + SYS;
	if (sp > CASE_RAM - 64)
		return false;
	memcpy(end->gpr, cpu->gpr, sizeof(end->gpr));
	for (unsigned i = 0; i < 6; i++)
		end->sel[i] = cpu->seg[i].sel;
	if (mode == CASE_REAL) {
		u16 w[3];

		end->vector = (u8)(cpu->eip - 1);
		memcpy(w, m.ram + sp, 6);
		end->eip = w[0];
		end->sel[SEG_CS] = w[1];
		end->eflags = (cpu->eflags & 0xffff0000) | w[2];
		end->gpr[REG_ESP] =
			(end->gpr[REG_ESP] & 0xffff0000) | ((end->gpr[REG_ESP] + 6) & 0xffff);
		end->frame_at = sp;
		end->frame_len = 6;
		return true;
	}
	end->vector = (u8)(cpu->eip - 1 - lin(HANDLERS));
	end->has_error = case_has_error(end->vector);
	end->frame_at = sp;
	memcpy(words, m.ram + sp, sizeof(words));
	const u32 *w = words;

	if (end->has_error)
		end->error = *w++;
	end->eip = w[0];
	end->sel[SEG_CS] = (u16)w[1];
	end->eflags = w[2];
	end->frame_len = end->has_error ? 16 : 12;
	if (l->v86) { /* behind SS: the segments, which are null in the handler */
		static const u8 order[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };

		for (unsigned i = 0; i < sizeof(order); i++)
			end->sel[order[i]] = (u16)get32(sp + (end->has_error ? 24 : 20) + 4 * i);
	}
	if (l->cpl == 3) {
		end->frame_len = 0;
		end->gpr[REG_ESP] = w[3];
		end->sel[SEG_SS] = (u16)w[4];
	} else if (cpu->seg[SEG_SS].attr & SEG_ATTR_DB) {
		end->gpr[REG_ESP] += end->frame_len;
	} else {
		end->gpr[REG_ESP] = (end->gpr[REG_ESP] & 0xffff0000) |
				    ((end->gpr[REG_ESP] + end->frame_len) & 0xffff);
	}
	return true;
}

static u32 entry_of(u32 page)
{
	return PT(page >> 21) + 8 * (page >> 12 & 511);
}

/* Breaks the page of the plan, or repairs it. */
static void set_page(const struct fault_plan *plan, bool good)
{
	static const u64 without[PAGE_KINDS] = { 1, 2, 4 };
	u64 e;

	memcpy(&e, system_area + entry_of(plan->page) - SYS, 8);
	put64(entry_of(plan->page), good ? e : e & ~without[plan->kind]);
	machine_unmap(&m);
}

static void set_wp(bool on)
{
	u32 cr0 = on ? m.cpu.cr0 | CR0_WP : m.cpu.cr0 & ~CR0_WP;

	if (cr0 != m.cpu.cr0) {
		m.cpu.cr0 = cr0;
		m.cpu.env->paging_changed(&m.cpu, PAGING_CR0);
	}
}

/* What the handler of a page fault does when it is done; then CLTS, as a kernel's #NM would. */
static bool return_from_task(u32 eip)
{
	struct cpu *cpu = &m.cpu;

	cpu->eip = lin(TASK_RESUME);
	for (unsigned i = 0; i < 2; i++)
		if (machine_step(&m) != RECOMP_EVENT)
			return false;
	cpu->cr0 &= ~CR0_TS;
	return cpu->eip == eip && !in_task();
}

/* The fault that was planned: noted, its page repaired, and the case continued where it was. */
static bool planned_fault(const struct diff_case *c)
{
	const struct case_layout *l = case_layout(c->mode);
	struct fault_plan *plan = c->plan;
	struct cpu *cpu = &m.cpu;

	if (!plan || plan->faulted || cpu->eip - 1 - lin(HANDLERS) != VEC_PF ||
	    (cpu->cr2 & ~(PAGE_SIZE - 1)) != plan->page || !unwind(&plan->at))
		return false;
	plan->faulted = true;
	plan->at.cr2 = cpu->cr2;
	plan->at.has_cr2 = true;
	memcpy(plan->at.fx, cpu->fpu.image, 512);
	upper_store(plan->at.upper);
	memcpy(plan->data, m.ram + l->data, sizeof(plan->data));
	memcpy(plan->stack, m.ram + l->stack, sizeof(plan->stack));
	set_page(plan, true);
	cpu->halted = false;
	if (in_task())
		return return_from_task(plan->at.eip);
	set_segments(l, plan->at.sel);
	memcpy(cpu->gpr, plan->at.gpr, sizeof(cpu->gpr));
	cpu->eip = plan->at.eip;
	cpu_set_eflags(cpu, plan->at.eflags);
	return true;
}

static enum recomp_exit go(const struct diff_case *c)
{
	enum recomp_exit exit = RECOMP_EVENT;

	if (!c->stepped)
		return machine_run(&m);
	while (exit == RECOMP_EVENT && !stopped)
		exit = machine_step(&m);
	return exit;
}

static int run(const struct diff_case *c, struct case_state *end, u8 *data, u8 *stack)
{
	const struct case_layout *l = case_layout(c->mode);
	struct cpu *cpu = &m.cpu;
	enum recomp_exit exit;

	if (l->tasks && mode == c->mode) { /* the latest exception is still being handled */
		set_task();
		cpu->cr0 &= ~CR0_TS;
	}

	struct control now = control_of(cpu);

	if (mode != c->mode || memcmp(&now, &control, sizeof(now)) != 0)
		set_mode(c->mode);
	restore(SYS, system_area, SYS_SIZE);
	if (mode == CASE_REAL)
		restore(0, first_page, PAGE_SIZE); /* the vectors and their handlers */
	case_load(c, m.ram);
	for (u32 p = 0; p < case_room(l, l->data_size); p += PAGE_SIZE)
		machine_wrote(&m, l->data + p, PAGE_SIZE);
	for (u32 p = 0; p < case_room(l, l->stack_size); p += PAGE_SIZE)
		machine_wrote(&m, l->stack + p, PAGE_SIZE);
	for (u32 p = 0; p < case_room(l, l->code_size); p += PAGE_SIZE)
		machine_wrote(&m, l->code + p, PAGE_SIZE);
	set_segments(l, c->start.sel);
	memcpy(cpu->gpr, c->start.gpr, sizeof(cpu->gpr));
	cpu->eip = c->start.eip;
	cpu_set_eflags(cpu, c->start.eflags | EFLAGS_IF);
	memcpy(cpu->fpu.image, c->start.fx, 512);
	cpu->cr2 = 0;
	cpu->shadow = 0;
	cpu->halted = false;
	cpu->events = 0;
	memset(end, 0, sizeof(*end));
	stopped = false;
	if (c->plan) {
		set_wp(c->plan->wp || l->cpl == 3);
		set_page(c->plan, false);
	}
	upper_load(c->start.upper);
	exit = go(c);
	if (exit == RECOMP_HALT && planned_fault(c))
		exit = go(c);
	if (c->plan)
		set_page(c->plan, true);
	if (exit != RECOMP_HALT) {
		if (stopped)
			return 1;
		if (getenv("DIFF_VERBOSE"))
			fprintf(stderr,
				"ours: stopped at %04x:%08x, fault %u error %x address %x\n",
				cpu->seg[SEG_CS].sel, cpu->eip, cpu->fault.vector, cpu->fault.error,
				cpu->fault.addr);
		return -1;
	}
	cpu->halted = false;
	if (!unwind(end))
		return 1;
	if (end->vector == VEC_PF) {
		end->cr2 = cpu->cr2;
		end->has_cr2 = true;
	}
	memcpy(end->fx, cpu->fpu.image, 512);
	upper_store(end->upper);
	memcpy(data, m.ram + l->data, case_room(l, l->data_size));
	memcpy(stack, m.ram + l->stack, case_room(l, l->stack_size));
	return 0;
}

const struct case_tables *processor_ours_tables(enum case_mode to)
{
	static struct case_tables t;

	if (mode != to)
		set_mode(to);
	t = (struct case_tables){ m.ram, lin(GDT), GDT, PDPT, 0x6000, m.cpu.gdtr.limit };
	return &t;
}

static void stop(void *context)
{
	stopped = true;
	machine_interrupt(&m, CPU_EVENT_YIELD, context);
}

struct processor processor_ours = { .name = "ours", .init = init, .run = run, .stop = stop };
