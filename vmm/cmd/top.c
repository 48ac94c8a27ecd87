/* SPDX-License-Identifier: MIT */
/*
 * top: who uses the processor, once a second, until a key is pressed; or once, since it was asked
 * last.
 */
#include "vmm/cmd/top.h"

#include "arch/cpu/percpu.h"
#include "arch/cpu/processor.h"
#include "kernel/base/figure.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/console/shell.h"
#include "kernel/sched/sched.h"
#include "kernel/time/clock.h"
#include "vmm/cmd/debug_args.h"
#include "vmm/state/account.h"
#include "vmm/state/vm.h"
#include "vmm/vm/vm_life.h"
#include "vmm/vm/vm_state.h"

#define PERIOD_NS 1000000000ull

static u64 last, idle_last; /* TSC: the last time; sched_idle_cycles() then */

static u64 used_of(const struct vcpu_stats *s)
{
	u64 used = 0;

	for (unsigned i = 0; i < PLACE_COUNT; i++)
		used += s->cycles[i];
	return used;
}

static u64 exits_of(const struct vcpu_stats *s)
{
	u64 exits = s->code_traps;

	for (unsigned i = 0; i < RAWEXIT_COUNT; i++)
		exits += s->raw_exits[i];
	return exits;
}

static void print_vm(struct vm *vm, u64 now, u64 cycles)
{
	struct vcpu *v = vm->vcpu;
	struct vcpu_stats s = vcpu_stats_at(v, now);
	const struct vcpu_stats *was = &v->topped;
	u64 ns = clock_tsc_to_ns(cycles);

	console_print("%-16s %-8s %-13s %6s", vm->config.name, vm_state_name(vm->state),
		      vm_engine_name(vm->config.engine),
		      figure_share(used_of(&s) - used_of(was), cycles).text);
	for (unsigned i = 0; i < PLACE_COUNT; i++)
		console_print(" %6s", figure_share(s.cycles[i] - was->cycles[i], cycles).text);
	for (unsigned i = 0; i < AWAY_COUNT; i++)
		console_print(" %6s", figure_share(s.away[i] - was->away[i], cycles).text);
	console_print(" %10s %8s %8s\n", figure_rate(exits_of(&s) - exits_of(was), ns).text,
		      figure_rate(s.interrupts - was->interrupts, ns).text,
		      figure_rate(s.slices - was->slices, ns).text);
	v->topped = s;
}

static void print(void)
{
	u64 now = rdtsc(), cycles = last ? now - last : clock_ns_to_tsc(clock_at(now));
	u64 idle = sched_idle_cycles(), ms = clock_at(now) / 1000000;
	struct list *p;

	console_print("up %s.%03llu s; processor %u: idle %s %%\n",
		      figure_thousands(ms / 1000).text, (unsigned long long)(ms % 1000),
		      percpu_this()->id, figure_share(idle - idle_last, cycles).text);
	console_print("%-16s %-8s %-13s %6s %6s %6s %6s %6s %6s %6s %6s %6s %10s %8s %8s\n", "VM",
		      "STATE", "ENGINE", "%CPU", "monit", "transl", "recomp", "raw3", "raw1",
		      "wait", "idle", "stand", "exits/s", "irqs/s", "turns/s");
	list_for_each (p, &vm_list)
		print_vm(list_entry(p, struct vm, link), now, cycles);
	last = now;
	idle_last = idle;
}

static void tick(struct timer *t)
{
	timer_add(&sched_runq()->timers, t, clock_now() + PERIOD_NS);
	shell_job_wake();
}

static struct timer timer = { .fn = tick };

static void redraw(void)
{
	console_put("\x1b[H\x1b[2J", 7);
	print();
	console_print("a key ends this\n");
}

static bool go_on(void *ctx)
{
	(void)ctx;
	redraw();
	return false;
}

static bool key(void *ctx, u8 byte)
{
	(void)ctx;
	(void)byte;
	sched_timer_cancel(&timer);
	return true;
}

static void interrupt(void *ctx)
{
	key(ctx, 0);
}

int cmd_top(int argc, char **argv)
{
	static const struct shell_job job = { .go_on = go_on, .key = key, .interrupt = interrupt };
	bool once = argc == 2 && !strcmp(argv[1], "-1");
	int err;

	if (argc > 1 && !once)
		return debug_usage("top [-1]");
	if (once) {
		print();
		return 0;
	}
	err = shell_begin_job(&job);
	if (err)
		return err;
	redraw();
	sched_timer_add(&timer, PERIOD_NS);
	return 0;
}
