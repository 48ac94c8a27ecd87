/* SPDX-License-Identifier: MIT */
/*
 * Reference counters and the wall clock. IA-PC HPET 1.0a; ACPI 4.8.3.3; MC146818.
 */
#include "drivers/time/machine_clock.h"

#include "arch/cpu/processor.h"
#include "arch/mem/kmap.h"
#include "drivers/acpi/acpi.h"
#include "kernel/base/string.h"
#include "kernel/time/clock.h"
#include "kernel/lib/cmdline.h"
#include "kernel/hw/acpi_pm_regs.h"
#include "kernel/hw/hpet_regs.h"
#include "kernel/hw/mc146818_regs.h"

static volatile u8 *hpet;

static u64 hpet_read(void)
{
	return *(volatile u32 *)(hpet + HPET_COUNTER);
}

static u64 pm_read(void)
{
	return inl(acpi_info.pm_timer);
}

static bool hpet_reference(struct clock_reference *r)
{
	if (!acpi_info.hpet)
		return false;
	hpet = kmap_device(acpi_info.hpet, 1024, false);
	if (!hpet)
		return false;

	u32 period = *(volatile u32 *)(hpet + HPET_CAPS + 4);

	if (!period || period > 100000000u) /* 100 ns, the specification's limit */
		return false;
	*(volatile u32 *)(hpet + HPET_CONFIG) |= HPET_ENABLE;
	*r = (struct clock_reference){
		.name = "HPET",
		.hz = 1000000000000000ull / period,
		.mask = UINT32_MAX,
		.read = hpet_read,
	};
	return true;
}

static bool pm_reference(struct clock_reference *r)
{
	if (!acpi_info.pm_timer)
		return false;
	*r = (struct clock_reference){
		.name = "PM timer",
		.hz = PM_TIMER_HZ,
		.mask = acpi_info.pm_timer_32 ? UINT32_MAX : 0xffffff,
		.read = pm_read,
	};
	return true;
}

/* --- RTC */

struct rtc_time {
	u8 second, minute, hour, day, month, year, century;
};

static u8 cmos(u8 index)
{
	outb(RTC_INDEX_PORT, index);
	return inb(RTC_DATA_PORT);
}

static struct rtc_time rtc_read(void)
{
	return (struct rtc_time){ cmos(RTC_SECONDS),
				  cmos(RTC_MINUTES),
				  cmos(RTC_HOURS),
				  cmos(RTC_DAY),
				  cmos(RTC_MONTH),
				  cmos(RTC_YEAR),
				  acpi_info.century ? cmos(acpi_info.century) : 0 };
}

static unsigned binary(u8 v, u8 status_b)
{
	return status_b & RTC_B_BINARY ? v : (v >> 4) * 10u + (v & 15);
}

/* Days from 1970-01-01 to a Gregorian date. */
static u64 days(unsigned year, unsigned month, unsigned day)
{
	unsigned y = month <= 2 ? year - 1 : year; /* years begin in March */
	unsigned m = (month + 9) % 12;

	return 365ull * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1 - 719468;
}

static u64 rtc_seconds(void)
{
	struct rtc_time t = { 0 }, again;
	u8 b = cmos(11);

	/* A reading that an update passed through differs from the next one; updates come once a
	 * second. */
	for (int i = 0; i < 4; i++) {
		t = rtc_read();
		again = rtc_read();
		if (!memcmp(&t, &again, sizeof(t)) && !(cmos(10) & 0x80))
			break;
	}

	unsigned hour = binary(t.hour & 0x7f, b), year = binary(t.year, b);
	unsigned century = binary(t.century, b);

	if (!(b & 2)) /* 12 hours, bit 7: afternoon */
		hour = hour % 12 + (t.hour & 0x80 ? 12 : 0);
	year += century >= 19 && century <= 21 ? century * 100 : year < 70 ? 2000 : 1900;
	return days(year, binary(t.month, b), binary(t.day, b)) * 86400 + hour * 3600 +
	       binary(t.minute, b) * 60 + binary(t.second, b);
}

void machine_clock_init(void)
{
	const char *want = cmdline_get("clock");
	struct clock_reference r[2];
	unsigned n = 0;

	if ((!want || !strcmp(want, "hpet")) && hpet_reference(&r[n]))
		n++;
	if ((!want || !strcmp(want, "pm")) && pm_reference(&r[n]))
		n++;
	clock_init(r, n);
	clock_set_wall(rtc_seconds());
}
