/* SPDX-License-Identifier: MIT */
/*
 * The clock: finds the TSC's frequency by watching a reference for 10 ms, then is the TSC.
 *
 * Reference and TSC are read together; the reading that took fewest cycles of a few is the one that
 * counts, so that a hypervisor below us that takes the CPU away for a moment does not bend the
 * result.
 */
#include "kernel/time/clock.h"

#include "arch/cpu/processor.h"
#include "arch/time/timer_pit.h"
#include "arch/time/tsc.h"
#include "kernel/base/log.h"

#define CALIBRATE_MS 10u

static const char *source = "nothing";
static u64 wall_at_start; /* seconds */

static u64 pit_read(void)
{
	return timer_pit_elapsed();
}

static const struct clock_reference pit_reference = {
	.name = "PIT",
	.hz = I8254_HZ,
	.mask = 0xffff,
	.read = pit_read,
};

/* A counter that stands still (dead or absent hardware) is given up after this many reads. */
#define STUCK_READS 100000u

static u64 middle(const struct tsc_sample *s)
{
	return s->before + (s->after - s->before) / 2;
}

static u64 calibrate(const struct clock_reference *r)
{
	u64 wanted = r->hz * CALIBRATE_MS / 1000;
	struct tsc_sample a = tsc_sample(r->read);
	u64 last = a.value;

	for (unsigned stuck = 0; ((last - a.value) & r->mask) < wanted;) {
		u64 now = r->read();

		stuck = now == last ? stuck + 1 : 0;
		if (stuck > STUCK_READS)
			return 0;
		last = now;
	}

	struct tsc_sample b = tsc_sample(r->read);
	u64 ticks = (b.value - a.value) & r->mask;
	u64 cycles = middle(&b) - middle(&a);

	/* 64 bits hold 10 ms of 10 GHz times a reference of 1 GHz a hundred times over. */
	return cycles * r->hz / ticks;
}

void clock_init(const struct clock_reference *references, unsigned n)
{
	u64 hz = 0;

	for (unsigned i = 0; i < n && !hz; i++) {
		hz = calibrate(&references[i]);
		source = references[i].name;
	}
	if (!hz) {
		timer_pit_reference_start();
		hz = calibrate(&pit_reference);
		source = pit_reference.name;
	}
	if (!hz)
		panic("no reference clock runs: neither HPET, PM timer nor PIT");
	tsc_set_hz(hz);
	log_info("clock: TSC runs at %llu.%03llu MHz, by the %s%s",
		 (unsigned long long)(hz / 1000000), (unsigned long long)(hz / 1000 % 1000), source,
		 cpu_features.tsc_invariant ? "" : "; not marked invariant");
}

u64 clock_now(void)
{
	return tsc_now_ns();
}

u64 clock_at(u64 tsc)
{
	return clock_now() - tsc_to_ns(rdtsc() - tsc);
}

void clock_set_wall(u64 seconds)
{
	wall_at_start = seconds - clock_now() / 1000000000u;
}

u64 clock_wall(void)
{
	return wall_at_start + clock_now() / 1000000000u;
}

u64 clock_tsc_hz(void)
{
	return tsc_hz();
}

u64 clock_ns_to_tsc(u64 ns)
{
	return tsc_from_ns(ns);
}

u64 clock_tsc_to_ns(u64 cycles)
{
	return tsc_to_ns(cycles);
}

const char *clock_source(void)
{
	return source;
}
