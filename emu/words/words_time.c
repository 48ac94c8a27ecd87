/* SPDX-License-Identifier: MIT */
/*
 * Timers: the 8254, the clock, the HPET.
 */
#include "emu/chip/hpet.h"
#include "emu/chip/i8254.h"
#include "emu/chip/mc146818.h"
#include "emu/dev/ticks.h"
#include "emu/words/words_each.h"
#include "emu/words/words_text.h"
#include "kernel/hw/hpet_regs.h"

/* --- 8254 */

static const char *channel_state(const struct i8254_channel *c)
{
	if (!c->has_count)
		return "has no count yet";
	if (c->reload && !c->counting)
		return "waits for its gate to rise";
	if (c->paused)
		return "stopped by its gate";
	return c->counting ? "counts" : "stands";
}

/* How often OUT rises in modes 2 and 3; how long a count takes in the others. */
static void add_rate(struct dbg_line *l, const struct i8254_channel *c)
{
	u32 n = MAX(c->cr, 1u);
	u32 tenths = (u32)(10ull * I8254_HZ / n);

	if (c->mode == 2 || c->mode == 3)
		dbg_add(l, " (%u.%u Hz)", tenths / 10, tenths % 10);
	else
		dbg_add(l, " (%u us)", (u32)(1000000ull * n / I8254_HZ));
}

static void print_channel(const struct i8254 *p, unsigned n, const struct dbg_out *out)
{
	static const char *const mode[] = { "interrupt at the end of the count",
					    "one-shot by gate",
					    "rate generator",
					    "square wave",
					    "strobe",
					    "strobe by gate" };
	static const char *const bytes[] = { "latched", "low byte", "high byte", "both bytes" };
	const struct i8254_channel *c = &p->ch[n];
	struct dbg_line l = { .len = 0 };
	bool up;
	u32 count = i8254_look(p, n, &up);

	dbg_print(out, "channel %u: mode %u, %s; %s, %s", n, c->mode, mode[c->mode],
		  bytes[c->rw & 3], c->bcd ? "BCD" : "binary");
	dbg_add(&l, "  %s", channel_state(c));
	if (c->has_count) {
		dbg_add(&l, ", from %u", c->cr);
		add_rate(&l, c);
		dbg_add(&l, ", now %u", count);
	}
	dbg_add(&l, "; gate %s, OUT %s", words_up(c->gate), words_up(up));
	if (c->latched || c->status_latched)
		dbg_add(&l, "; %s waits to be read",
			c->status_latched ? "a status" : "a latched count");
	dbg_end(&l, out);
}

void words_i8254(const void *dev, const struct dbg_out *out)
{
	const struct i8254 *p = dev;

	for (unsigned n = 0; n < 3; n++)
		print_channel(p, n, out);
	dbg_print(out, "port 61h: gate of channel 2 %s, speaker %s",
		  words_on(p->port61 & PORT61_GATE2), words_on(p->port61 & PORT61_SPEAKER));
	dbg_print(out, "IRQ 0 is %s; %llu ticks, %llu of them late, %llu owed", words_up(p->level),
		  (unsigned long long)p->ticks, (unsigned long long)p->paid,
		  (unsigned long long)p->late.owed);
}

/* --- The clock */

static unsigned number(const u8 *reg, u8 v)
{
	return reg[RTC_B] & RTC_B_BINARY ? v : (v >> 4) * 10u + (v & 15);
}

static unsigned hour(const u8 *reg, u8 v)
{
	if (reg[RTC_B] & RTC_B_24H)
		return number(reg, v);
	return number(reg, v & 0x7f) % 12 + (v & RTC_HOUR_PM ? 12 : 0);
}

static void add_alarm(struct dbg_line *l, const u8 *reg, unsigned n)
{
	if (reg[n] >= RTC_DONT_CARE)
		dbg_add(l, n == RTC_HOURS_ALARM ? "any" : ":any");
	else
		dbg_add(l, n == RTC_HOURS_ALARM ? "%02u" : ":%02u",
			n == RTC_HOURS_ALARM ? hour(reg, reg[n]) : number(reg, reg[n]));
}

static void print_alarm(const u8 *reg, const struct dbg_out *out)
{
	struct dbg_line l = { .len = 0 };

	dbg_add(&l, "  %-18s ", "alarm");
	add_alarm(&l, reg, RTC_HOURS_ALARM);
	add_alarm(&l, reg, RTC_MINUTES_ALARM);
	add_alarm(&l, reg, RTC_SECONDS_ALARM);
	dbg_end(&l, out);
}

/* Rates 1 and 2 are those of 8 and 9. */
static void print_rate(u8 a, const struct dbg_out *out)
{
	unsigned rate = a & RTC_A_RS;

	if (!rate)
		words_say(out, "periodic", "off");
	else
		words_say(out, "periodic", "rate %u, %u Hz", rate,
			  65536u >> (rate <= 2 ? rate + 7 : rate));
	words_say(out, "divider", "%s", (a & RTC_A_DV) == RTC_A_DV_RUN ? "32.768 kHz" : "stopped");
}

void words_mc146818(const void *dev, const struct dbg_out *out)
{
	/* Bits 4 to 6 of registers B and C. */
	static const char *const why[] = { NULL, NULL, NULL, NULL, "update", "alarm", "periodic" };
	const struct mc146818 *r = dev;
	u8 reg[sizeof(r->reg)];

	mc146818_look(r, reg);
	dbg_print(out, "%02u%02u-%02u-%02u %02u:%02u:%02u, day %u of the week; %s, %s hours%s",
		  number(reg, reg[RTC_CENTURY]), number(reg, reg[RTC_YEAR]),
		  number(reg, reg[RTC_MONTH]), number(reg, reg[RTC_DAY]), hour(reg, reg[RTC_HOURS]),
		  number(reg, reg[RTC_MINUTES]), number(reg, reg[RTC_SECONDS]),
		  number(reg, reg[RTC_DAY_OF_WEEK]), reg[RTC_B] & RTC_B_BINARY ? "binary" : "BCD",
		  reg[RTC_B] & RTC_B_24H ? "24" : "12",
		  reg[RTC_B] & RTC_B_SET ? "; held (SET)" : "");
	print_alarm(reg, out);
	print_rate(reg[RTC_A], out);
	words_flags(out, "interrupts on", reg[RTC_B], why);
	words_flags(out, "flags", reg[RTC_C], why);
	words_say(out, "IRQ 8", "%s, %llu periodic ones owed", words_up(reg[RTC_C] & RTC_C_IRQF),
		  (unsigned long long)r->late.owed);
	words_say(out, "index", "register %02x; NMIs %s", r->index,
		  r->nmi_masked ? "masked" : "not masked");
}

/* --- HPET */

static void print_comparator(const struct hpet *h, unsigned n, const struct dbg_out *out)
{
	const struct hpet_timer *t = &h->t[n];
	bool legacy = h->config & HPET_LEGACY && n < 2;

	dbg_print(out, "timer %u: %s, %s, %s bits, %s, to %s %u; matches at %llx", n,
		  t->config & HPET_TN_ENABLE ? "on" : "off",
		  t->config & HPET_TN_PERIODIC ? "periodic" : "one-shot",
		  t->config & HPET_TN_32 ? "32" : "64",
		  t->config & HPET_TN_LEVEL ? "level" : "edge", legacy ? "IRQ" : "pin",
		  legacy ? 8 * n : HPET_TN_PIN(t->config), (unsigned long long)t->comparator);
	if (t->config & HPET_TN_PERIODIC)
		words_say(out, "period", "%llu counts of 10 ns", (unsigned long long)t->period);
}

void words_hpet(const void *dev, const struct dbg_out *out)
{
	const struct hpet *h = dev;

	dbg_print(out, "HPET: %s, count %llx at 100 MHz%s",
		  h->config & HPET_ENABLE ? "counts" : "stands", (unsigned long long)hpet_look(h),
		  h->config & HPET_LEGACY ? ", in IRQ 0's and 8's place" : "");
	for (unsigned n = 0; n < HPET_TIMERS; n++)
		print_comparator(h, n, out);
	words_numbers(out, "status of timers", h->status, 0);
	words_numbers(out, "pins up", h->pins, 0);
}
