/* SPDX-License-Identifier: MIT */
/*
 * `stat` for people: shares of the time, totals, and rates since it was asked last.
 */
#include "vmm/cmd/stat_people.h"

#include "arch/cpu/processor.h"
#include "kernel/base/figure.h"
#include "kernel/console/console.h"
#include "kernel/time/clock.h"
#include "vmm/cmd/stat_tables.h"
#include "vmm/state/account.h"
#include "vmm/state/vm.h"
#include "vmm/vm/vm_life.h"
#include "vmm/vm/vm_state.h"

#define NAME_WIDTH 40
#define NS_PER_MS  1000000u

/* Now, last time, and the time between: since it was created, the first time. */
struct view {
	const struct vcpu_seen *now, *last;
	u64 ns;
	bool again;
};

static const char *const place_words[PLACE_COUNT] = { "monitor", "translator", "recompiled code",
						      "raw ring 3", "raw ring 1" };
static const char *const away_words[AWAY_COUNT] = { "waiting for the processor",
						    "idle: halted, or asking",
						    "paused, stopped, loaded" };

static const char *const refusal_words[REFUSE_COUNT] = {
	[REFUSE_ENGINE] = "the engine's choice",
	[REFUSE_MODE] = "real mode, V86, no paging",
	[REFUSE_IF] = "interrupts off",
	[REFUSE_FLAGS] = "IOPL, TF, a debug exception owed",
	[REFUSE_STACK16] = "16-bit stack",
	[REFUSE_SEGMENT] = "segments differ from the tables",
	[REFUSE_RING12] = "rings 1 and 2 in the tables",
	[REFUSE_WP] = "CR0.WP = 0",
	[REFUSE_FLAT] = "kernel's segments not flat",
	[REFUSE_SMEP] = "the machine has no SMEP",
	[REFUSE_PAGE] = "page not clean for ring 1",
	[REFUSE_PROGRESS] = "an instruction to finish first",
	[REFUSE_DEBUGGER] = "a breakpoint on the page",
	[REFUSE_DEVICE] = "works on device memory",
	[REFUSE_TABLES] = "large descriptor tables not mirrored yet",
};

static const char *const exit_words[RAWEXIT_COUNT] = {
	[RAWEXIT_IRQ] = "the machine's interrupt",
	[RAWEXIT_PF_GUEST] = "page fault of the guest's own",
	[RAWEXIT_PF_SLOW] = "device memory or watched page",
	[RAWEXIT_FETCH] = "fetch from a page not clean",
	[RAWEXIT_SOFTINT] = "INT n",
	[RAWEXIT_SYSENTER] = "SYSENTER",
	[RAWEXIT_GP] = "privileged instruction, #GP",
	[RAWEXIT_DEBUG] = "#DB",
	[RAWEXIT_OTHER] = "another exception",
	[RAWEXIT_ENTRY] = "the entry failed",
	[RAWEXIT_CHANGED] = "changed its own CS, SS or TF",
};

static void heading(const char *what)
{
	console_print("%-*s %16s %16s %14s\n", NAME_WIDTH, what, "total", "change", "a second");
}

/* What has never happened is left out. */
static void counter(const struct view *w, const char *words, u64 now, u64 last)
{
	if (now)
		console_print("  %-*s %16s %16s %14s\n", NAME_WIDTH - 2, words,
			      figure_thousands(now).text, figure_thousands(now - last).text,
			      figure_rate(now - last, w->ns).text);
}

/* Of a table some are levels, which can fall. */
static void level_or_counter(const struct view *w, const struct stat_row *row, const void *now,
			     const void *last)
{
	u64 n = stat_value(row, now), was = stat_value(row, last);

	if (n >= was)
		counter(w, row->words, n, was);
	else
		console_print("  %-*s %16s %15s-\n", NAME_WIDTH - 2, row->words,
			      figure_thousands(n).text, figure_thousands(was - n).text);
}

static void print_table(const struct view *w, const char *what, const struct stat_table *table,
			const void *now, const void *last)
{
	heading(what);
	for (unsigned i = 0; i < table->rows; i++)
		level_or_counter(w, &table->row[i], now, last);
}

static u64 all_cycles(const struct vcpu_stats *s)
{
	u64 all = 0;

	for (unsigned i = 0; i < PLACE_COUNT; i++)
		all += s->cycles[i];
	for (unsigned i = 0; i < AWAY_COUNT; i++)
		all += s->away[i];
	return all;
}

static void state(const char *words, u64 now, u64 last, u64 all, u64 all_last)
{
	console_print("  %-*s %16s %8s %8s", NAME_WIDTH - 2, words,
		      figure_thousands(clock_tsc_to_ns(now) / NS_PER_MS).text,
		      figure_share(now, all).text, figure_share(now - last, all - all_last).text);
}

static void print_states(const struct view *w)
{
	const struct vcpu_stats *now = &w->now->vcpu, *last = &w->last->vcpu;
	u64 all = all_cycles(now), before = all_cycles(last);

	console_print("%-*s %16s %8s %8s %14s\n", NAME_WIDTH, "state", "ms", "%", "% now",
		      "entries/s");
	for (unsigned i = 0; i < PLACE_COUNT; i++) {
		state(place_words[i], now->cycles[i], last->cycles[i], all, before);
		console_print(" %14s\n",
			      figure_rate(now->entries[i] - last->entries[i], w->ns).text);
	}
	for (unsigned i = 0; i < AWAY_COUNT; i++) {
		state(away_words[i], now->away[i], last->away[i], all, before);
		console_print("\n");
	}
}

static void print_counts(const struct view *w, const char *what, const char *const *words,
			 const u64 *now, const u64 *last, unsigned n)
{
	heading(what);
	for (unsigned i = 0; i < n; i++)
		counter(w, words[i], now[i], last[i]);
}

static void print_processor(const struct view *w)
{
	const struct vcpu_stats *now = &w->now->vcpu, *last = &w->last->vcpu;

	heading("processor");
	counter(w, "interrupts taken", now->interrupts, last->interrupts);
	counter(w, "times halted", now->halts, last->halts);
	counter(w, "turns", now->slices, last->slices);
	counter(w, "exceptions in recompiled code", now->code_traps, last->code_traps);
	counter(w, "page faults filled without an exit", now->pf_filled, last->pf_filled);
	counter(w, "loads of CR3", now->cr3_loads, last->cr3_loads);
	counter(w, "switches between views", now->view_switches, last->view_switches);
}

static void print_title(const struct vm *vm, const struct view *w)
{
	u64 ms = w->ns / NS_PER_MS;

	console_print("%s: %s, engine %s; change: %s %llu.%03llu s\n", vm->config.name,
		      vm_state_name(vm->state), vm_engine_name(vm->config.engine),
		      w->again ? "the last" : "since its creation,",
		      (unsigned long long)(ms / 1000), (unsigned long long)(ms % 1000));
}

static void print_all(const struct vm *vm, const struct view *w)
{
	const struct vcpu_seen *now = w->now, *last = w->last;

	print_title(vm, w);
	print_states(w);
	print_processor(w);
	print_counts(w, "exits of raw code", exit_words, now->vcpu.raw_exits, last->vcpu.raw_exits,
		     RAWEXIT_COUNT);
	print_counts(w, "raw execution refused", refusal_words, now->vcpu.refusals,
		     last->vcpu.refusals, REFUSE_COUNT);
	print_table(w, "recompiler", &stat_recomp, &now->recomp, &last->recomp);
	print_table(w, "shadow page tables", &stat_shadow, &now->shadow, &last->shadow);
}

void stat_print_people(struct vm *vm)
{
	struct vcpu *v = vm->vcpu;
	u64 tsc = rdtsc();
	struct vcpu_seen now = { .tsc = tsc,
				 .vcpu = vcpu_stats_at(v, tsc),
				 .recomp = *recomp_stats(v->cpu.recomp),
				 .shadow = *shadow_stats(v->shadow) };
	u64 cycles = v->seen.tsc ? now.tsc - v->seen.tsc : all_cycles(&now.vcpu);
	struct view w = {
		.now = &now, .last = &v->seen, .ns = clock_tsc_to_ns(cycles), .again = v->seen.tsc
	};

	print_all(vm, &w);
	v->seen = now;
}
