/* SPDX-License-Identifier: MIT */
/*
 * The MC146818.
 *
 * Time: mark k lies at epoch + k seconds, and at it the update cycle ends: the time of day
 * advances, UF is set, the alarm is compared. UIP is up for the 244 + 1984 us before (32.768 kHz
 * time base, data sheet table 6). SET freezes the registers but not the divider chain; holding the
 * divider in reset stops the marks, and the first one comes half a second after release. A clock
 * with a battery does not stop while the VM is paused: pauses are found by comparing with the wall
 * clock.
 *
 * Register C latches one periodic interrupt. emu/dev/late_ticks.h says what becomes of those that
 * come while PF is set, if PIE is: owed ones follow at four times the rate. Without PIE they are
 * lost.
 */
#include "emu/chip/mc146818.h"

#include "emu/dev/strict.h"
#include "emu/dev/ticks.h"
#include "emu/snap/snap.h"
#include "kernel/base/string.h"
#include "kernel/hw/mc146818_regs.h"

#define CRYSTAL_HZ 32768u
#define UIP_NS	   (244000u + 1984000u)
#define DAY_S	   86400

/* --- Calendar */

struct calendar {
	s64 year;	/* full */
	u32 month, day; /* from 1 */
};

/* Days since 1970-01-01 of a date in the Gregorian calendar; month and day may be out of range. */
static s64 days_from_date(s64 year, s64 month, s64 day)
{
	year += (month - 1) / 12;
	month = (month - 1) % 12 + 1;
	if (month <= 2) { /* years begin in March: the leap day comes last */
		year--;
		month += 12;
	}
	return 365 * year + year / 4 - year / 100 + year / 400 + (153 * (month - 3) + 2) / 5 + day -
	       1 - 719468;
}

static struct calendar date_from_days(s64 days)
{
	s64 z = days + 719468, era = z / 146097, doe = z % 146097;
	s64 yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	s64 doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	struct calendar c = { .day = (u32)(doy - (153 * mp + 2) / 5 + 1),
			      .month = (u32)(mp < 10 ? mp + 3 : mp - 9) };

	c.year = yoe + era * 400 + (c.month <= 2);
	return c;
}

static unsigned weekday(s64 days) /* 1 Sunday .. 7; 1970-01-01 was a Thursday */
{
	return (unsigned)((days + 4) % 7) + 1;
}

/* --- Encoding */

static u8 encode(const struct mc146818 *r, unsigned v)
{
	return (u8)(r->reg[RTC_B] & RTC_B_BINARY ? v : v / 10 << 4 | v % 10);
}

static unsigned decode(const struct mc146818 *r, u8 v)
{
	return r->reg[RTC_B] & RTC_B_BINARY ? v : (v >> 4) * 10u + (v & 15);
}

static u8 encode_hour(const struct mc146818 *r, unsigned h)
{
	if (r->reg[RTC_B] & RTC_B_24H)
		return encode(r, h);
	return (u8)(encode(r, h % 12 ? h % 12 : 12) | (h >= 12 ? RTC_HOUR_PM : 0));
}

static unsigned decode_hour(const struct mc146818 *r, u8 v)
{
	if (r->reg[RTC_B] & RTC_B_24H)
		return decode(r, v);
	return decode(r, v & 0x7f) % 12 + (v & RTC_HOUR_PM ? 12 : 0);
}

static void time_to_registers(struct mc146818 *r, s64 time)
{
	s64 days = time / DAY_S;
	unsigned s = (unsigned)(time % DAY_S);
	struct calendar c = date_from_days(days);

	r->reg[RTC_SECONDS] = encode(r, s % 60);
	r->reg[RTC_MINUTES] = encode(r, s / 60 % 60);
	r->reg[RTC_HOURS] = encode_hour(r, s / 3600);
	r->reg[RTC_DAY_OF_WEEK] = encode(r, (weekday(days) - 1 + r->day_offset) % 7 + 1);
	r->reg[RTC_DAY] = encode(r, c.day);
	r->reg[RTC_MONTH] = encode(r, c.month);
	r->reg[RTC_YEAR] = encode(r, (unsigned)(c.year % 100));
	r->reg[RTC_CENTURY] = encode(r, (unsigned)(c.year / 100 % 100));
}

static s64 registers_to_time(struct mc146818 *r)
{
	s64 year = (s64)decode(r, r->reg[RTC_CENTURY]) * 100 + decode(r, r->reg[RTC_YEAR]);
	unsigned dow = decode(r, r->reg[RTC_DAY_OF_WEEK]);
	s64 days = days_from_date(MAX(year, 1970), MAX(decode(r, r->reg[RTC_MONTH]), 1u),
				  MAX(decode(r, r->reg[RTC_DAY]), 1u));

	r->day_offset = (u8)((dow + 7 - weekday(days) % 7) % 7);
	return days * DAY_S + decode_hour(r, r->reg[RTC_HOURS]) * 3600 +
	       decode(r, r->reg[RTC_MINUTES]) * 60 + decode(r, r->reg[RTC_SECONDS]);
}

/* --- Time and flags */

static bool divider_runs(const struct mc146818 *r)
{
	return (r->reg[RTC_A] & RTC_A_DV) == RTC_A_DV_RUN;
}

static bool updating(const struct mc146818 *r)
{
	return divider_runs(r) && !(r->reg[RTC_B] & RTC_B_SET);
}

#define ALARM_ANY   (-1)
#define ALARM_NEVER (-2)

/* What an alarm register asks of its field: a value below limit, ALARM_ANY or ALARM_NEVER. Bits are
 * compared, so an alarm that no value is encoded as never comes. */
static int alarm_field(const struct mc146818 *r, u8 alarm, unsigned limit)
{
	bool hour = limit == 24;
	unsigned v = hour ? decode_hour(r, alarm) : decode(r, alarm);

	if (alarm >= RTC_DONT_CARE)
		return ALARM_ANY;
	if (v >= limit || alarm != (hour ? encode_hour(r, v) : encode(r, v)))
		return ALARM_NEVER;
	return (int)v;
}

/* Goes on from time to where its field of that unit in seconds is as wanted. */
static s64 alarm_advance(s64 time, int wanted, int limit, int unit)
{
	int now = (int)(time % DAY_S) / unit % limit;

	return wanted == ALARM_ANY ? time : time + (wanted + limit - now) % limit * unit;
}

/*
 * The first second after time (since 1970) at which the alarm matches; -1 if it never does. Each
 * port access may ask, so this takes constant time: the seconds go on to their next match, then the
 * minutes, then the hours, and what lies below a field that moved begins anew.
 */
static s64 next_alarm(const struct mc146818 *r, s64 time)
{
	int s = alarm_field(r, r->reg[RTC_SECONDS_ALARM], 60);
	int m = alarm_field(r, r->reg[RTC_MINUTES_ALARM], 60);
	int h = alarm_field(r, r->reg[RTC_HOURS_ALARM], 24);
	s64 at, moved;

	if (s == ALARM_NEVER || m == ALARM_NEVER || h == ALARM_NEVER)
		return -1;
	at = alarm_advance(time + 1, s, 60, 1);
	moved = alarm_advance(at, m, 60, 60);
	if (moved != at)
		at = moved - moved % 60 + MAX(s, 0);
	moved = alarm_advance(at, h, 24, 3600);
	if (moved != at)
		at = moved - moved % 3600 + MAX(m, 0) * 60 + MAX(s, 0);
	return at;
}

/* Periodic mark: every 2^(rate - 1) cycles of the crystal; rates 1 and 2 are those of 8 and 9. 0:
 * off. */
static u32 pulse_cycles(const struct mc146818 *r)
{
	unsigned rate = r->reg[RTC_A] & RTC_A_RS;

	if (!rate || !divider_runs(r))
		return 0;
	return 1u << (rate <= 2 ? rate + 6 : rate - 1);
}

static void pulses_restart(struct mc146818 *r, u64 now)
{
	u32 cycles = pulse_cycles(r);

	r->pulses = cycles ? ticks_at(now, CRYSTAL_HZ) / cycles : 0;
	ticks_forget(&r->late);
}

static u64 pulse_ns(const struct mc146818 *r)
{
	return ticks_begin(MAX(pulse_cycles(r), 1u), CRYSTAL_HZ);
}

static void sync_periodic(struct mc146818 *r, u64 now)
{
	u32 cycles = pulse_cycles(r);

	if (!cycles)
		return;

	u64 pulses = ticks_at(now, CRYSTAL_HZ) / cycles, passed = pulses - r->pulses;

	r->pulses = pulses;
	if (!(r->reg[RTC_B] & RTC_B_PIE)) {
		ticks_forget(&r->late);
		if (passed)
			r->reg[RTC_C] |= RTC_C_PF;
		return;
	}
	if (r->reg[RTC_C] & RTC_C_PF)
		r->late.held += passed;
	else
		r->late.owed += passed;
	ticks_limit(&r->late, pulse_ns(r));
	if (r->late.owed && !(r->reg[RTC_C] & RTC_C_PF) && now >= r->periodic_at) {
		r->late.owed--;
		r->reg[RTC_C] |= RTC_C_PF;
		r->periodic_at = now + pulse_ns(r) / 4;
		ticks_given(&r->late, r->host, now);
	}
}

static s64 marks_at(const struct mc146818 *r, u64 now)
{
	return ((s64)now - r->epoch) / NS_PER_S;
}

static u64 wall_clock(const struct mc146818 *r)
{
	return r->host->wall_clock(r->host->ctx);
}

static void sync_clock(struct mc146818 *r, u64 now)
{
	s64 marks = marks_at(r, now);

	if (!updating(r) || marks == r->marks)
		return;

	s64 before = r->epoch_time + r->marks, alarm = next_alarm(r, before);
	s64 ahead = (s64)wall_clock(r) - (s64)(now / NS_PER_S);

	/* Rounding of two clocks makes 1 s of difference; more is a pause. */
	if (ahead >= r->wall_ahead + 2) {
		r->epoch_time += ahead - r->wall_ahead;
		r->wall_ahead = ahead;
	}
	r->marks = marks;
	r->reg[RTC_C] |= RTC_C_UF;
	if (alarm >= 0 && alarm <= r->epoch_time + marks)
		r->reg[RTC_C] |= RTC_C_AF;
}

static void update_irq(struct mc146818 *r)
{
	bool on = r->reg[RTC_B] & r->reg[RTC_C] & (RTC_C_PF | RTC_C_AF | RTC_C_UF);
	u8 before = r->reg[RTC_C];

	r->reg[RTC_C] = (u8)((before & ~RTC_C_IRQF) | (on ? RTC_C_IRQF : 0));
	if ((before ^ r->reg[RTC_C]) & RTC_C_IRQF)
		irq_set(&r->irq, on);
}

/* Arms the timer for the next flag whose interrupt is enabled and not yet up. */
static void arm(struct mc146818 *r, u64 now)
{
	u8 want = (u8)(r->reg[RTC_B] & ~r->reg[RTC_C]);
	u32 cycles = pulse_cycles(r);
	u64 at = UINT64_MAX;

	if ((want & RTC_B_PIE) && cycles)
		at = r->late.owed ? MAX(r->periodic_at, now + 1)
				  : ticks_begin((r->pulses + 1) * cycles, CRYSTAL_HZ);
	if (updating(r)) {
		if (want & RTC_B_UIE)
			at = MIN(at, (u64)(r->epoch + (r->marks + 1) * NS_PER_S));
		if (want & RTC_B_AIE) {
			s64 alarm = next_alarm(r, r->epoch_time + r->marks);

			if (alarm >= 0)
				at = MIN(at, (u64)(r->epoch + (alarm - r->epoch_time) * NS_PER_S));
		}
	}
	if (at == UINT64_MAX)
		vtimer_cancel(r->timers, &r->timer);
	else if (!vtimer_armed(&r->timer) || r->timer.deadline != at)
		vtimer_arm(r->timers, &r->timer, at);
}

static u64 sync(struct mc146818 *r)
{
	u64 now = vtimers_now(r->timers);

	sync_clock(r, now);
	sync_periodic(r, now);
	update_irq(r);
	return now;
}

static void fire(void *ctx, u64 now)
{
	struct mc146818 *r = ctx;

	(void)now;
	arm(r, sync(r));
}

static bool update_in_progress(const struct mc146818 *r, u64 now)
{
	return updating(r) && ((s64)now - r->epoch) % NS_PER_S >= NS_PER_S - UIP_NS;
}

/* --- Registers */

static bool is_clock_register(u8 i)
{
	return i == RTC_SECONDS || i == RTC_MINUTES || i == RTC_HOURS ||
	       (i >= RTC_DAY_OF_WEEK && i <= RTC_YEAR) || i == RTC_CENTURY;
}

static void freeze(struct mc146818 *r)
{
	time_to_registers(r, r->epoch_time + r->marks);
}

/* The registers hold the time that is to be valid from the last mark on. */
static void thaw(struct mc146818 *r)
{
	r->epoch_time = registers_to_time(r) - r->marks;
}

static void write_a(struct mc146818 *r, u8 v, u64 now)
{
	bool ran = divider_runs(r);

	if (ran && !(r->reg[RTC_B] & RTC_B_SET))
		freeze(r);
	r->reg[RTC_A] = v & 0x7f;
	if (!ran && divider_runs(r)) {
		/* The first update follows half a second after the divider is released. */
		r->epoch = (s64)now - NS_PER_S / 2;
		r->marks = 0;
		if (!(r->reg[RTC_B] & RTC_B_SET))
			thaw(r);
	}
	pulses_restart(r, now);
}

static void write_b(struct mc146818 *r, u8 v, u64 now)
{
	u8 old = r->reg[RTC_B];

	if (v & RTC_B_SET)
		v &= (u8)~RTC_B_UIE; /* data sheet, "SET" */
	if (!(old & RTC_B_SET) && (v & RTC_B_SET) && divider_runs(r))
		freeze(r);
	r->reg[RTC_B] = v;
	if ((old & RTC_B_SET) && !(v & RTC_B_SET) && divider_runs(r)) {
		r->marks = marks_at(r, now); /* those under SET went by unnoticed */
		thaw(r);
	}
	if (!(old & RTC_B_PIE) && (v & RTC_B_PIE))
		r->periodic_at = 0;
	if (old & ~v & RTC_B_PIE)
		ticks_forget(&r->late);
}

static void write_register(struct mc146818 *r, u8 i, u8 v)
{
	u64 now = sync(r);

	if (i == RTC_A) {
		write_a(r, v, now);
	} else if (i == RTC_B) {
		write_b(r, v, now);
	} else if (i == RTC_C || i == RTC_D) {
		strict_broken(r->host, STRICT_rtc_read_only);
		return;
	} else if (is_clock_register(i) && updating(r)) {
		freeze(r);
		r->reg[i] = v;
		thaw(r);
	} else {
		r->reg[i] = v;
	}
	update_irq(r);
	arm(r, now);
}

static u8 read_register(struct mc146818 *r, u8 i)
{
	if (i > RTC_D && i != RTC_CENTURY)
		return r->reg[i];

	u64 now = sync(r);

	if (is_clock_register(i)) {
		if (updating(r))
			freeze(r);
		return r->reg[i];
	}
	if (i == RTC_A)
		return (u8)(r->reg[RTC_A] | (update_in_progress(r, now) ? RTC_A_UIP : 0));
	if (i == RTC_C) {
		u8 v = r->reg[RTC_C];

		ticks_taken(&r->late, r->host, now, pulse_ns(r));
		r->reg[RTC_C] &= (u8) ~(RTC_C_PF | RTC_C_AF | RTC_C_UF);
		update_irq(r);
		arm(r, now);
		return v;
	}
	return r->reg[i];
}

void mc146818_look(const struct mc146818 *r, u8 *reg)
{
	struct mc146818 look = *r;
	u64 now = vtimers_now(r->timers);

	if (updating(r)) {
		look.marks = marks_at(r, now);
		freeze(&look);
	}
	if (update_in_progress(r, now))
		look.reg[RTC_A] |= RTC_A_UIP;
	memcpy(reg, look.reg, sizeof(look.reg));
}

static u32 port_read(void *dev, u16 offset, unsigned size)
{
	struct mc146818 *r = dev;

	(void)size;
	return offset ? read_register(r, r->index) : 0xff; /* the index cannot be read back */
}

static void port_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct mc146818 *r = dev;

	(void)size;
	if (offset) {
		write_register(r, r->index, (u8)value);
		return;
	}
	r->index = value & 0x7f;
	r->nmi_masked = value & 0x80;
}

static const struct bus_ports rtc_ports = { port_read, port_write, 1 };

void mc146818_set_cmos(struct mc146818 *r, u8 index, u8 value)
{
	unsigned sum = 0;

	r->reg[index] = value;
	for (unsigned i = 0x10; i <= 0x2d; i++)
		sum += r->reg[i];
	r->reg[0x2e] = (u8)(sum >> 8);
	r->reg[0x2f] = (u8)sum;
}

static void mc146818_reset(void *dev)
{
	struct mc146818 *r = dev;

	r->reg[RTC_B] &= (u8) ~(RTC_B_PIE | RTC_B_AIE | RTC_B_UIE | RTC_B_SQWE);
	r->reg[RTC_C] &= RTC_C_IRQF; /* update_irq() lowers the line and clears it */
	ticks_forget(&r->late);
	r->index = 0;
	r->nmi_masked = false;
	update_irq(r);
	vtimer_cancel(r->timers, &r->timer);
}

/* The time of day is the host's, from now on. */
static void start_clock(struct mc146818 *r)
{
	r->epoch = (s64)vtimers_now(r->timers);
	r->epoch_time = (s64)wall_clock(r);
	r->wall_ahead = r->epoch_time - r->epoch / NS_PER_S;
	r->marks = 0;
	pulses_restart(r, (u64)r->epoch);
}

static int mc146818_init(void *dev, const struct device_bay *bay)
{
	struct mc146818 *r = dev;

	r->timers = bay->timers;
	r->irq = bay->irq[0];
	r->host = bay->host;
	r->reg[RTC_A] = RTC_A_DV_RUN | 6; /* 1024 Hz, as every PC's firmware leaves it */
	r->reg[RTC_B] = RTC_B_24H;
	r->reg[RTC_D] = RTC_D_VRT;
	start_clock(r);
	vtimer_init(&r->timer, fire, r);
	return 0;
}

static u64 mc146818_wakes_at(const void *dev)
{
	const struct mc146818 *r = dev;

	return vtimer_due(&r->timer);
}

#define TIME_MAX    1000000000000 /* s: the year 31,000; four digits go to 16665 */
#define OWED_PULSES (TICKS_OWED_NS / NS_PER_S * CRYSTAL_HZ)

static void mc146818_state(void *dev, struct snap *s)
{
	struct mc146818 *r = dev;

	snap_bytes(s, r->reg, sizeof(r->reg));
	snap_range(s, r->index, 0, sizeof(r->reg) - 1);
	snap_bool(s, r->nmi_masked);
	snap_int(s, r->wall_ahead);
	snap_int(s, r->epoch);
	snap_int(s, r->epoch_time);
	snap_range(s, r->marks, 0, s->now / NS_PER_S + 1);
	snap_range(s, r->day_offset, 0, 6);
	snap_range(s, r->pulses, 0, ticks_at(s->now, CRYSTAL_HZ));
	snap_range(s, r->late.owed, 0, OWED_PULSES);
	if (s->version >= 2)
		snap_range(s, r->late.held, 0, OWED_PULSES);
	snap_u64(s, r->periodic_at);
	ticks_given_state(&r->late, s, r->host, s->version >= 2);
	vtimer_state(r->timers, &r->timer, s);
	if (!snap_require(s, r->epoch >= -(s64)NS_PER_S && r->epoch <= (s64)s->now) ||
	    !snap_require(s, r->wall_ahead > -TIME_MAX && r->wall_ahead < TIME_MAX) ||
	    !snap_require(s, r->epoch_time > -TIME_MAX && r->epoch_time < TIME_MAX) ||
	    !snap_require(s, r->epoch_time + r->marks >= 0) ||
	    !snap_require(s, r->marks <= marks_at(r, s->now)))
		start_clock(r); /* a reset leaves the clock alone */
	if (s->loading && snap_ok(s)) {
		r->reg[RTC_C] &= (u8)~RTC_C_IRQF;
		update_irq(r);
	}
}

const struct device_class mc146818_class = {
	.name = "mc146818",
	.version = 2,
	.size = sizeof(struct mc146818),
	.ports = { &rtc_ports },
	.init = mc146818_init,
	.reset = mc146818_reset,
	.state = mc146818_state,
	.wakes_at = mc146818_wakes_at,
	.title = "MC146818",
	.file = "mc146818.c",
	.has = "clock in BCD, binary, 12 h and 24 h, century (32h), SET, UIP timing, divider "
	       "reset, periodic, alarm and update interrupts, 128 bytes",
	.lacks = "daylight saving, square wave; memory is not kept when the VM is destroyed",
};
