/* SPDX-License-Identifier: MIT */
/*
 * The last exits of a virtual CPU, as `exits NAME` prints them.
 */
#include "vmm/state/exit_trace.h"

#include "arch/cpu/processor.h"
#include "emu/cpu/cpu.h"
#include "emu/dbg/dbg_symbols.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/figure.h"
#include "kernel/console/console.h"
#include "kernel/time/clock.h"

#define NS_PER_S 1000000000ull

const char *const raw_exit_name[RAWEXIT_COUNT] = {
	"irq", "pf_guest", "pf_slow", "fetch", "softint", "sysenter",
	"gp",  "debug",	   "other",   "entry", "changed",
};

static const char *const kind_name[] = { "raw3", "raw1", "recompiler", "code", "irq" };

static const char *info_name(const struct exit_trace_entry *e)
{
	static const char *const recomp_exit_name[] = { "event", "leave",    "return",
							"halt",	 "shutdown", "stop" };

	if ((e->kind == TRACE_RAW3 || e->kind == TRACE_RAW1) && e->info < RAWEXIT_COUNT)
		return raw_exit_name[e->info];
	if (e->kind == TRACE_RECOMPILER && e->info < ARRAY_SIZE(recomp_exit_name))
		return recomp_exit_name[e->info];
	return "vector";
}

/* Of an exception in translated code the address of that code is kept: the guest's is looked for
 * here. cpu may be NULL. */
static u32 guest_eip(const struct exit_trace_entry *e, struct cpu *cpu)
{
	u32 eip;

	if (cpu && e->kind == TRACE_CODE && cpu->code->guest_eip(cpu, e->eip, &eip))
		return eip;
	return e->eip;
}

static void print_symbol(const struct cpu *cpu, u32 eip)
{
	struct dbg_line l = { .len = 0 };

	dbg_add_symbol(&l, cpu ? cpu->stops.symbols : NULL, eip);
	console_print("%s\n", l.text);
}

void exit_trace_print_time(u64 tsc, u64 *before)
{
	u64 at = clock_at(tsc), since = *before ? clock_tsc_to_ns(tsc - *before) : 0;

	console_print("%7llu.%06llu %6llu.%03llu", (unsigned long long)(at / NS_PER_S),
		      (unsigned long long)(at % NS_PER_S / 1000),
		      (unsigned long long)(since / 1000), (unsigned long long)(since % 1000));
	*before = tsc;
}

void exit_trace_print_one(const struct exit_trace_entry *e, struct cpu *cpu)
{
	u32 eip = guest_eip(e, cpu);

	console_print("exit of %s: %s %x, detail %x  at %08x", kind_name[e->kind], info_name(e),
		      e->info, e->detail, eip);
	print_symbol(cpu, eip);
}

void exit_trace_print(const struct exit_trace *t, unsigned n, struct cpu *cpu)
{
	u32 count = MIN(n, MIN(t->next, EXIT_TRACE_SIZE));
	u64 before = 0;

	console_print("%14s %10s %-10s %-8s %4s %8s %8s\n", "time (s)", "+us", "place", "exit",
		      "info", "eip", "detail");
	for (u32 i = t->next - count; i != t->next; i++) {
		const struct exit_trace_entry *e = &t->entry[i % EXIT_TRACE_SIZE];
		u32 eip = guest_eip(e, cpu);

		exit_trace_print_time(e->tsc, &before);
		console_print(" %-10s %-8s %4x %08x %08x", kind_name[e->kind], info_name(e),
			      e->info, eip, e->detail);
		print_symbol(cpu, eip);
	}
}

/* --- By address */

struct place {
	u8 kind, info;
	u32 eip, count;
	const struct exit_trace_entry *e;
};

static bool same_place(const struct place *a, const struct place *b)
{
	return a->eip == b->eip && a->kind == b->kind && a->info == b->info;
}

/* How many different places there are. */
static u32 collect(const struct exit_trace *t, struct place *place, struct cpu *cpu)
{
	u32 have = MIN(t->next, EXIT_TRACE_SIZE), places = 0;

	for (u32 i = 0; i < have; i++) {
		const struct exit_trace_entry *e = &t->entry[i];
		struct place p = { e->kind, e->info, guest_eip(e, cpu), 0, e };
		u32 k = 0;

		while (k < places && !same_place(&place[k], &p))
			k++;
		if (k == places)
			place[places++] = p;
		place[k].count++;
	}
	return places;
}

static struct place *most(struct place *place, u32 places)
{
	struct place *best = place;

	for (u32 k = 1; k < places; k++)
		if (place[k].count > best->count)
			best = &place[k];
	return best;
}

int exit_trace_print_places(const struct exit_trace *t, unsigned n, struct cpu *cpu)
{
	struct place *place = mem_alloc(EXIT_TRACE_SIZE * sizeof(*place));
	u32 places, have = MIN(t->next, EXIT_TRACE_SIZE);

	if (!place)
		return E_NOMEM;
	places = collect(t, place, cpu);
	console_print("the last %u exits, from %u places\n%6s %6s %-10s %-8s %4s %8s\n", have,
		      places, "exits", "%", "place", "exit", "info", "eip");
	for (n = MIN(n, places); n; n--) {
		struct place *p = most(place, places);

		console_print("%6u %6s %-10s %-8s %4x %08x", p->count,
			      figure_share(p->count, have).text, kind_name[p->kind],
			      info_name(p->e), p->info, p->eip);
		print_symbol(cpu, p->eip);
		p->count = 0;
	}
	mem_free(place);
	return 0;
}
