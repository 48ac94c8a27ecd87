/* SPDX-License-Identifier: MIT */
/*
 * The ring of events, and what they mean in words.
 */
#include "vmm/vm/event_trace.h"

#include "arch/cpu/processor.h"
#include "emu/cpu/stop_list.h"
#include "emu/dbg/dbg_symbols.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"

struct event {
	u64 tsc;
	gla_t at;	   /* the instruction: linear */
	u32 number, value; /* the port, vector, register; and what went there, or the error code */
	gla_t address;	   /* of a page fault */
	u8 kind, len, ways;
};

struct event_trace {
	u32 on; /* TRACED_* by bit */
	u32 next;
	u64 began; /* TSC: exits from here on */
	struct event event[EVENT_TRACE_SIZE];
};

enum {
	TRACED_EXIT,
	TRACED_INTERRUPT,
	TRACED_EXCEPTION,
	TRACED_PF,
	TRACED_PORT,
	TRACED_CR,
	TRACED_MSR,
	TRACED_MODE,
	TRACED_COUNT
};

/* What the processor tells of each. */
static const struct {
	const char *name;
	u16 told;
} kinds[TRACED_COUNT] = {
	[TRACED_EXIT] = { "exits", 0 },
	[TRACED_INTERRUPT] = { "interrupts", BIT(STOP_INTERRUPT) },
	[TRACED_EXCEPTION] = { "exceptions", BIT(STOP_EXCEPTION) },
	[TRACED_PF] = { "pf", BIT(STOP_EXCEPTION) },
	[TRACED_PORT] = { "ports", BIT(STOP_PORT) },
	[TRACED_CR] = { "cr", BIT(STOP_CR) },
	[TRACED_MSR] = { "msr", BIT(STOP_MSR) },
	[TRACED_MODE] = { "mode", BIT(STOP_MODE) },
};

const char *event_trace_name(unsigned i)
{
	return i < TRACED_COUNT ? kinds[i].name : NULL;
}

u32 event_trace_kinds(const char *name)
{
	if (!strcmp(name, "all"))
		return BIT(TRACED_COUNT) - 1;
	for (unsigned i = 0; i < TRACED_COUNT; i++)
		if (!strcmp(name, kinds[i].name))
			return BIT(i);
	return 0;
}

/* --- Noting */

static unsigned kind_of(enum cpu_stop_kind kind, u32 number, u32 on)
{
	switch (kind) {
	case STOP_INTERRUPT:
		return TRACED_INTERRUPT;
	case STOP_EXCEPTION:
		return number == VEC_PF && (on & BIT(TRACED_PF)) ? TRACED_PF : TRACED_EXCEPTION;
	case STOP_PORT:
		return TRACED_PORT;
	case STOP_CR:
		return TRACED_CR;
	case STOP_MSR:
		return TRACED_MSR;
	default:
		return TRACED_MODE;
	}
}

static u32 value_of(const struct cpu *cpu, unsigned kind, u32 number)
{
	const u32 cr[] = { cpu->cr0, 0, cpu->cr2, cpu->cr3, cpu->cr4 };

	switch (kind) {
	case TRACED_EXCEPTION:
	case TRACED_PF:
		return cpu->fault.has_error ? cpu->fault.error : 0;
	case TRACED_CR:
		return number < ARRAY_SIZE(cr) ? cr[number] : 0;
	case TRACED_MODE:
		return cpu->cr0;
	default:
		return cpu->gpr[REG_EAX];
	}
}

static void note(struct cpu *cpu, enum cpu_stop_kind stop, u32 number, u32 len, u8 ways)
{
	struct vm *vm = cpu->stops.owner;
	struct event_trace *t = vm->debug.trace;
	unsigned kind = kind_of(stop, number, t->on);

	if (!(t->on & BIT(kind)))
		return;
	t->event[t->next++ % EVENT_TRACE_SIZE] =
		(struct event){ .tsc = rdtsc(),
				.at = cpu->seg[SEG_CS].base + cpu->eip,
				.number = number,
				.value = value_of(cpu, kind, number),
				.address = kind == TRACED_PF ? cpu->fault.addr : 0,
				.kind = (u8)kind,
				.len = (u8)len,
				.ways = ways };
}

int event_trace_set(struct vm *vm, u32 which, bool on)
{
	struct event_trace *t = vm->debug.trace;
	u16 told = 0;

	if (!t) {
		t = mem_alloc(sizeof(*t));
		if (!t)
			return E_NOMEM;
		vm->debug.trace = t;
		vm->vcpu->cpu.stops.tell = note;
	}
	if (on && (which & ~t->on & BIT(TRACED_EXIT)))
		t->began = rdtsc();
	t->on = on ? t->on | which : t->on & ~which;
	for (unsigned i = 0; i < TRACED_COUNT; i++)
		if (t->on & BIT(i))
			told |= kinds[i].told;
	cpu_stop_tell(&vm->vcpu->cpu, told);
	return 0;
}

u32 event_trace_on(const struct vm *vm)
{
	return vm->debug.trace ? vm->debug.trace->on : 0;
}

void event_trace_destroy(struct vm *vm)
{
	mem_free(vm->debug.trace);
	vm->debug.trace = NULL;
}

/* --- Showing */

static void print_port(const struct event *e)
{
	const char *way = e->ways & STOP_READS ? "in" : "out";

	if (e->ways & STOP_STRINGS)
		console_print("%ss port %04x", way, e->number);
	else
		console_print("%-4s port %04x  %0*x", way, e->number, 2 * e->len,
			      e->value & (u32)(BIT64(8 * e->len) - 1));
}

static void print_what(const struct event *e)
{
	switch (e->kind) {
	case TRACED_PORT:
		print_port(e);
		break;
	case TRACED_PF:
		console_print("#PF error %x at %08x", e->value, e->address);
		break;
	case TRACED_EXCEPTION:
		console_print("exception %02x error %x", e->number, e->value);
		break;
	case TRACED_INTERRUPT:
		console_print("interrupt %02x", e->number);
		break;
	case TRACED_CR:
		console_print("cr%u = %08x", e->number, e->value);
		break;
	case TRACED_MSR:
		console_print("msr %x %s", e->number, e->ways == STOP_READS ? "read" : "written");
		break;
	default:
		console_print("mode, cr0 = %08x", e->value);
	}
}

static void print_place(const struct vm *vm, gla_t at)
{
	struct dbg_line l = { .len = 0 };

	dbg_add_symbol(&l, vm->vcpu->cpu.stops.symbols, at);
	console_print("  at %08x%s\n", at, l.text);
}

/* Two rings, each from its oldest entry on that is asked for. */
struct merge {
	const struct event_trace *t;
	const struct exit_trace *x;
	u32 event, exit; /* the next ones */
};

/* The one before: true if it is an exit. */
static bool newest_is_exit(const struct merge *m, u32 oldest_event, u32 oldest_exit)
{
	if (m->exit == oldest_exit)
		return false;
	return m->event == oldest_event ||
	       m->x->entry[(m->exit - 1) % EXIT_TRACE_SIZE].tsc >
		       m->t->event[(m->event - 1) % EVENT_TRACE_SIZE].tsc;
}

/* Goes back n entries from the ends of both. */
static struct merge begin(const struct vm *vm, u32 n)
{
	const struct event_trace *t = vm->debug.trace;
	const struct exit_trace *x = &vm->vcpu->trace;
	struct merge m = { t, x, t->next, x->next };
	u32 oldest_event = t->next - MIN(t->next, EVENT_TRACE_SIZE);
	u32 oldest_exit = x->next;

	while (t->began && x->next - oldest_exit < MIN(x->next, EXIT_TRACE_SIZE) &&
	       x->entry[(oldest_exit - 1) % EXIT_TRACE_SIZE].tsc >= t->began)
		oldest_exit--;
	while (n-- && (m.event != oldest_event || m.exit != oldest_exit))
		if (newest_is_exit(&m, oldest_event, oldest_exit))
			m.exit--;
		else
			m.event--;
	return m;
}

static bool next_is_exit(const struct merge *m)
{
	if (m->exit == m->x->next)
		return false;
	return m->event == m->t->next || m->x->entry[m->exit % EXIT_TRACE_SIZE].tsc <=
						 m->t->event[m->event % EVENT_TRACE_SIZE].tsc;
}

void event_trace_print(struct vm *vm, u32 n)
{
	struct merge m;
	u64 before = 0;

	if (!vm->debug.trace) {
		console_print("nothing has been traced\n");
		return;
	}
	console_print("%14s %10s  event\n", "time (s)", "+us");
	m = begin(vm, n);
	while (m.event != m.t->next || m.exit != m.x->next) {
		if (next_is_exit(&m)) {
			const struct exit_trace_entry *e = &m.x->entry[m.exit++ % EXIT_TRACE_SIZE];

			exit_trace_print_time(e->tsc, &before);
			console_print("  ");
			exit_trace_print_one(e, &vm->vcpu->cpu);
		} else {
			const struct event *e = &m.t->event[m.event++ % EVENT_TRACE_SIZE];

			exit_trace_print_time(e->tsc, &before);
			console_print("  ");
			print_what(e);
			print_place(vm, e->at);
		}
	}
}
