/* SPDX-License-Identifier: MIT */
/*
 * One VM is sampled at a time, since the prompt has one job.
 */
#include "vmm/cmd/sampling.h"

#include "arch/cpu/processor.h"
#include "kernel/base/figure.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/console/shell.h"
#include "kernel/sched/sched.h"
#include "kernel/time/clock.h"
#include "vmm/run/sampler.h"
#include "vmm/state/account.h"
#include "vmm/state/vm.h"

#define PERIOD_NS 1000000u
#define NS_PER_S  1000000000ull

static struct sampling sampling;
static struct timer timer; /* its end */

static void print_share(const char *name, u64 cycles, u64 all)
{
	if (cycles)
		console_print(" %s %s %%", name, figure_share(cycles, all).text);
}

void sampling_print_states(const struct vm *vm, const struct sampling *s)
{
	u64 now = rdtsc(), all = now - s->began;
	struct vcpu_stats stats = vcpu_stats_at(vm->vcpu, now);

	console_print("%s: %s samples in %llu ms; of the time:", s->vm,
		      figure_thousands(s->profile.samples).text,
		      (unsigned long long)(clock_tsc_to_ns(all) / 1000000));
	for (unsigned i = 0; i < PLACE_COUNT; i++)
		print_share(vcpu_place_name[i], stats.cycles[i] - s->before.cycles[i], all);
	for (unsigned i = 0; i < AWAY_COUNT; i++)
		print_share(vcpu_away_name[i], stats.away[i] - s->before.away[i], all);
	console_print("\n");
}

static void end(void)
{
	struct vm *vm = vm_find(sampling.vm);

	sampler_stop();
	sched_timer_cancel(&timer);
	if (vm)
		sampling.print(vm, &sampling);
	else
		console_print("%s is gone\n", sampling.vm);
	profile_destroy(&sampling.profile);
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

int sampling_begin(struct vm *vm, u32 seconds, u32 stacks, unsigned depth,
		   void (*print)(struct vm *vm, const struct sampling *s))
{
	static const struct shell_job job = { .go_on = go_on,
					      .interrupt = interrupt,
					      .prints = true };
	int err = profile_create(&sampling.profile, stacks);

	if (!err)
		err = shell_begin_job(&job);
	if (err) {
		profile_destroy(&sampling.profile);
		return err;
	}
	str_copy(sampling.vm, vm->config.name, sizeof(sampling.vm));
	sampling.print = print;
	sampling.began = rdtsc();
	sampling.before = vcpu_stats_at(vm->vcpu, sampling.began);
	timer.fn = time_is_up;
	sched_timer_add(&timer, seconds * NS_PER_S);
	sampler_start(vm->vcpu, &sampling.profile, PERIOD_NS, depth);
	return 0;
}
