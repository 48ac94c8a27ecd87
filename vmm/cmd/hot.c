/* SPDX-License-Identifier: MIT */
/*
 * hot: samples a VM for some seconds, and shows where it was; -f: as folded stacks.
 */
#include "vmm/cmd/hot.h"

#include "arch/cpu/processor.h"
#include "kernel/base/error.h"
#include "kernel/base/figure.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/console/shell.h"
#include "kernel/sched/sched.h"
#include "kernel/time/clock.h"
#include "vmm/cmd/debug_args.h"
#include "vmm/cmd/see_commands.h"
#include "vmm/cmd/vm_commands.h"
#include "vmm/run/sampler.h"
#include "vmm/state/account.h"
#include "vmm/state/vm.h"

#define PERIOD_NS	1000000u
#define NS_PER_S	1000000000ull
#define SECONDS_DEFAULT 5u
#define SECONDS_MAX	3600u
#define PLACES_SHOWN	30u
#define STACKS		4096u

static struct {
	char vm[CONFIG_NAME];
	struct profile profile;
	struct vcpu_stats before;
	u64 began; /* TSC */
	bool folded;
	struct timer timer; /* its end */
} hot;

static const char *const marks[PLACE_COUNT + 1] = { "monit", "trans", "recom", "raw3", "raw1" };

static void print_share(const char *name, u64 cycles, u64 all)
{
	if (cycles)
		console_print(" %s %s %%", name, figure_share(cycles, all).text);
}

/* By the accounts, which are exact: what the monitor does with interrupts off is in no sample. */
static void print_states(const struct vcpu *v, u64 now)
{
	struct vcpu_stats s = vcpu_stats_at(v, now);
	u64 all = now - hot.began;

	console_print("%s: %s samples in %llu ms; of the time:", hot.vm,
		      figure_thousands(hot.profile.samples).text,
		      (unsigned long long)(clock_tsc_to_ns(all) / 1000000));
	for (unsigned i = 0; i < PLACE_COUNT; i++)
		print_share(vcpu_place_name[i], s.cycles[i] - hot.before.cycles[i], all);
	for (unsigned i = 0; i < AWAY_COUNT; i++)
		print_share(vcpu_away_name[i], s.away[i] - hot.before.away[i], all);
	console_print("\n");
}

static void print_result(void)
{
	const struct vm *vm = vm_find(hot.vm);
	const struct dbg_symbols *symbols = vm ? vm->vcpu->cpu.stops.symbols : NULL;

	if (!vm) {
		console_print("%s is gone\n", hot.vm);
		return;
	}
	if (hot.folded) {
		console_print("folded stacks of %s\n", hot.vm);
		profile_print_folded(&hot.profile, symbols, &console_lines);
		console_print("end of stacks, %u lost\n", hot.profile.lost);
		return;
	}
	print_states(vm->vcpu, rdtsc());
	profile_print(&hot.profile, symbols, PLACES_SHOWN, marks, &console_lines);
	if (hot.profile.lost)
		console_print("%u samples of more places were not kept\n", hot.profile.lost);
}

static void end(void)
{
	u64 flags;

	sampler_stop();
	flags = irq_save();
	timer_cancel(&sched_runq()->timers, &hot.timer);
	irq_restore(flags);
	print_result();
	profile_destroy(&hot.profile);
}

static bool go_on(void *ctx)
{
	(void)ctx;
	end();
	return true;
}

static void interrupt(void *ctx)
{
	(void)ctx;
	end();
}

static void time_is_up(struct timer *t)
{
	(void)t;
	shell_job_wake();
}

static int begin(struct vm *vm, u32 seconds)
{
	static const struct shell_job job = { .go_on = go_on, .interrupt = interrupt };
	int err = profile_create(&hot.profile, STACKS);
	u64 flags;

	if (!err)
		err = shell_begin_job(&job);
	if (err) {
		profile_destroy(&hot.profile);
		return err;
	}
	str_copy(hot.vm, vm->config.name, sizeof(hot.vm));
	hot.began = rdtsc();
	hot.before = vcpu_stats_at(vm->vcpu, hot.began);
	hot.timer.fn = time_is_up;
	flags = irq_save();
	timer_add(&sched_runq()->timers, &hot.timer, clock_now() + seconds * NS_PER_S);
	irq_restore(flags);
	sampler_start(vm->vcpu, &hot.profile, PERIOD_NS, hot.folded ? PROFILE_DEPTH : 1);
	return 0;
}

int cmd_hot(int argc, char **argv)
{
	u32 seconds = SECONDS_DEFAULT;
	struct vm *vm;
	bool folded = debug_take_option(&argc, argv, "-f");

	vm = vm_take(&argc, &argv);
	if (!vm)
		return E_NOENT;
	if (argc > 2)
		return debug_usage("hot [-f] [NAME] [SECONDS]");
	if (argc > 1 && debug_number(argv[1], SECONDS_MAX, &seconds))
		return E_INVAL;
	hot.folded = folded;
	return begin(vm, seconds);
}
