/* SPDX-License-Identifier: MIT */
/*
 * The RTC's periodic interrupt, which the I/O APIC delivers as NMI.
 *
 * Raw code cannot turn interrupts off on a processor that keeps to its manual; below QEMU's TCG
 * (7.2) it can (docs/raw.md), and an endless loop would then keep the machine. percpu->guest_trap
 * sees the frame of each NMI that hits guest code, and ends that VM.
 *
 * The RTC, since its register C says that an NMI is this one and not somebody's button; reading it
 * lets the next one come. After start-up nobody else touches ports 70h and 71h. MC146818.
 */
#include "drivers/time/watchdog.h"

#include "arch/time/tsc.h"
#include "arch/trap/irq.h"
#include "arch/cpu/processor.h"
#include "arch/trap/trap.h"
#include "kernel/base/log.h"
#include "kernel/hw/mc146818_regs.h"

#define RATE_8_HZ      13    /* 32768 >> (13 - 1) */
#define SECOND_TICK_HZ 10000 /* 100 us: the way out of one NMI and into the next */

static u8 rtc_get(u8 index)
{
	outb(RTC_INDEX_PORT, index);
	return inb(RTC_DATA_PORT);
}

static void rtc_put(u8 index, u8 value)
{
	outb(RTC_INDEX_PORT, index);
	outb(RTC_DATA_PORT, value);
}

/*
 * An NMI is the watchdog's where register C says so. A second one may be pending by then: the RTC
 * ticked again while this processor was on its way to register C, and some I/O APICs (QEMU's) take
 * each tick as an edge. That NMI comes as soon as this one's IRETQ lets it, and finds no cause.
 * A button pressed within those 100 us is lost.
 */
static bool fired(void)
{
	static u64 last; /* TSC, when the last NMI with a cause was seen */

	if (rtc_get(RTC_C) & RTC_C_PF) {
		last = rdtsc();
		return true;
	}
	return rdtsc() - last < tsc_hz() / SECOND_TICK_HZ;
}

void watchdog_init(void)
{
	if (irq_route_nmi(RTC_IRQ)) {
		log_info("watchdog: none, for want of an I/O APIC");
		return;
	}
	trap_set_nmi_watchdog(fired);
	rtc_put(RTC_A, (u8)((rtc_get(RTC_A) & ~RTC_A_RS) | RATE_8_HZ));
	rtc_put(RTC_B, (rtc_get(RTC_B) & 0x0f) | RTC_B_PIE); /* neither alarm nor update */
	rtc_get(RTC_C);
}
