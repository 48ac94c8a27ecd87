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

#define CALIBRATE_NS 1000000u

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

void timer_init(void)
{
	lapic = irq_have_lapic();
	if (!lapic) {
		ticks_per_second = I8254_HZ;
		if (irq_register(0, pit_fired, NULL))
			panic("the timer's interrupt line is taken");
		return;
	}

	/* Against the TSC, which is calibrated by now. */
	u64 begin, end, cycles = tsc_from_ns(CALIBRATE_NS);

	intc_timer_start(UINT32_MAX);
	begin = rdtsc();
	do
		end = rdtsc();
	while (end - begin < cycles);

	u64 ticks = UINT32_MAX - intc_timer_left();

	intc_timer_start(0);
	ticks_per_second = ticks * tsc_hz() / (end - begin);
	if (!ticks_per_second)
		panic("the local APIC's timer does not count");
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
