/* SPDX-License-Identifier: MIT */
/*
 * One-shot timer interrupt. The hardware counts 32 (APIC) or 16 (8254) bits; a deadline further
 * away is reached in several interrupts, of which only the last one calls the handler.
 */
#include "arch/time/timer.h"

#include "arch/cpu/processor.h"
#include "arch/trap/intc_apic.h"
#include "arch/trap/irq.h"
#include "arch/time/timer_pit.h"
#include "arch/time/tsc.h"
#include "kernel/base/log.h"

#define CALIBRATE_NS 5000000u

static u64 ticks_per_second;
static u64 deadline = UINT64_MAX;
static void (*handler)(void);
static bool lapic;

static void start(u64 now)
{
	u64 wait = deadline > now ? deadline - now : 0;
	u64 limit = lapic ? UINT32_MAX : UINT16_MAX;
	u64 ticks;

	if (wait > 1000000000u)
		wait = 1000000000u; /* keeps the product in 64 bits */
	/* Rounded up: an interrupt that comes early costs another one. */
	ticks = wait * (ticks_per_second / 1000) / 1000000 + 1;
	ticks = MIN(ticks, limit);
	if (lapic)
		intc_timer_start((u32)ticks);
	else
		timer_pit_start((u16)ticks);
}

static void fired(void)
{
	u64 now = tsc_now_ns();

	if (deadline == UINT64_MAX)
		return;
	if (now < deadline) {
		start(now);
		return;
	}
	deadline = UINT64_MAX;
	if (handler)
		handler();
}

static void pit_fired(void *ctx)
{
	(void)ctx;
	fired();
}

static u64 left(void)
{
	return intc_timer_left();
}

/* Of the local APIC, against the TSC, which is calibrated by now. The interval is the shortest that
 * the samples allow, so that the frequency is not too low, and no deadline is met early by it. */
static u64 measure(void)
{
	u64 cycles = tsc_from_ns(CALIBRATE_NS);
	struct tsc_sample a, b;

	intc_timer_start(UINT32_MAX);
	a = tsc_sample(left);
	while (rdtsc() - a.after < cycles)
		;
	b = tsc_sample(left);
	intc_timer_start(0);
	return (a.value - b.value) * tsc_hz() / (b.before - a.after);
}

void timer_init(void)
{
	lapic = irq_have_lapic();
	if (!lapic) {
		ticks_per_second = I8254_HZ;
		if (irq_register(0, pit_fired, NULL))
			panic("the timer's interrupt line is taken");
		return;
	}
	ticks_per_second = measure();
	if (!ticks_per_second)
		panic("the local APIC's timer does not count");
	log_info("timer: the local APIC's, %llu.%03llu MHz",
		 (unsigned long long)(ticks_per_second / 1000000),
		 (unsigned long long)(ticks_per_second / 1000 % 1000));
	irq_set_timer(fired);
}

void timer_arm_by(u64 deadline_ns)
{
	if (deadline_ns < deadline)
		timer_arm(deadline_ns);
}

void timer_arm(u64 deadline_ns)
{
	if (deadline_ns == deadline)
		return;
	deadline = deadline_ns;
	if (deadline_ns != UINT64_MAX)
		start(tsc_now_ns());
	else if (lapic)
		intc_timer_start(0);
}

void timer_set_handler(void (*fn)(void))
{
	handler = fn;
}
