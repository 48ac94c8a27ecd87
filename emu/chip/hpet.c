/* SPDX-License-Identifier: MIT */
/*
 * The HPET. Nothing runs per count: the counter is worked out from virtual time, and one vtimer is
 * armed for the next match of a comparator whose interrupt is enabled. A comparator matches when
 * the counter comes to it, so one that is written behind the counter waits until that wraps, as
 * hardware does. Periods below TICKS_MIN_PERIOD_NS are delivered in batches.
 *
 * An edge leaves its line up until the next one: a line that falls would take the request back from
 * the 8259 (its data sheet, p. 18).
 */
#include "emu/chip/hpet.h"

#include "emu/dev/strict.h"
#include "emu/dev/late_ticks.h"
#include "emu/snap/snap.h"

#define TICK_NS	 10u
#define REVISION 1u
#define VENDOR	 0x8086u
/* The pins above those of the ISA interrupts: nobody else has them. */
#define PIN_CHOICE  0x00ff0000u
#define FS_PER_TICK (TICK_NS * 1000000u)
#define TIMER_WRITES \
	(HPET_TN_LEVEL | HPET_TN_ENABLE | HPET_TN_PERIODIC | HPET_TN_SET | HPET_TN_32 | 31u << 9)

static bool running(const struct hpet *h)
{
	return h->config & HPET_ENABLE;
}

static u64 counter(const struct hpet *h, u64 now)
{
	return running(h) ? h->counter + (now - h->started) / TICK_NS : h->counter;
}

u64 hpet_look(const struct hpet *h)
{
	return counter(h, vtimers_now(h->timers));
}

static bool periodic(const struct hpet_timer *t)
{
	return t->config & HPET_TN_PERIODIC && t->period;
}

static u64 width(const struct hpet_timer *t)
{
	return t->config & HPET_TN_32 ? 0xffffffffu : ~0ull;
}

/* Counts from `from` to the next match: 1 to 2^32 or 2^64, which is 0 here. */
static u64 distance(const struct hpet_timer *t, u64 from)
{
	u64 d = (t->comparator - from) & width(t);

	return d ? d : t->config & HPET_TN_32 ? BIT64(32) : 0;
}

/* --- Lines */

static void drive(const struct irq_line *out, u32 *driven, u32 level)
{
	u32 changed = *driven ^ level;

	*driven = level;
	for (unsigned n = 0; changed; n++, changed >>= 1)
		if (changed & 1)
			out->set(out->ctx, n, level >> n & 1);
}

static void update(struct hpet *h)
{
	u32 pins = 0, isa = 0;

	for (unsigned n = 0; n < HPET_TIMERS; n++) {
		const struct hpet_timer *t = &h->t[n];

		if (!t->up || !(t->config & HPET_TN_ENABLE))
			continue;
		if (h->config & HPET_LEGACY && n < 2)
			isa |= BIT(n ? 8 : 0);
		else
			pins |= BIT(HPET_TN_PIN(t->config)) & PIN_CHOICE;
	}
	drive(&h->pin_out, &h->pins, pins);
	drive(&h->isa_out, &h->isa, isa);
}

static void matched(struct hpet *h, unsigned n)
{
	struct hpet_timer *t = &h->t[n];

	if (t->config & HPET_TN_LEVEL) {
		h->status |= BIT(n);
	} else if (t->up) {
		t->up = false;
		update(h);
	}
	t->up = true;
	update(h);
}

/* --- Time */

/* The comparator of a periodic timer moves on by as many periods as have passed. */
static void pass(struct hpet *h, unsigned n, u64 at)
{
	struct hpet_timer *t = &h->t[n];
	u64 passed = at - h->synced, d = distance(t, h->synced);

	if (!d || d > passed)
		return;
	if (periodic(t))
		t->comparator =
			(t->comparator + ((passed - d) / t->period + 1) * t->period) & width(t);
	matched(h, n);
}

static u64 sync(struct hpet *h)
{
	u64 now = vtimers_now(h->timers), at = counter(h, now);

	for (unsigned n = 0; n < HPET_TIMERS && at != h->synced; n++)
		pass(h, n, at);
	h->synced = at;
	return at;
}

static void arm(struct hpet *h)
{
	u64 best = UINT64_MAX, at;

	for (unsigned n = 0; n < HPET_TIMERS && running(h); n++) {
		u64 d = distance(&h->t[n], h->synced);

		if (h->t[n].config & HPET_TN_ENABLE && d)
			best = MIN(best, d);
	}
	if (best > UINT64_MAX / TICK_NS / 4) {
		vtimer_cancel(h->timers, &h->timer);
		return;
	}
	at = h->started + (h->synced - h->counter + best) * TICK_NS;
	at = MAX(at, h->last + TICKS_MIN_PERIOD_NS);
	if (vtimer_due(&h->timer) != at)
		vtimer_arm(h->timers, &h->timer, at);
}

static void fire(void *ctx, u64 now)
{
	struct hpet *h = ctx;

	h->last = now;
	sync(h);
	arm(h);
}

/* --- Registers */

static void write_config(struct hpet *h, u32 value)
{
	u64 at = sync(h);
	u32 changed;

	value &= HPET_ENABLE | HPET_LEGACY;
	changed = h->config ^ value;
	h->counter = at;
	h->started = vtimers_now(h->timers);
	h->config = value;
	if (changed & HPET_LEGACY) {
		/* One of the two holds these lines at a time. */
		if (!(value & HPET_LEGACY))
			update(h);
		if (h->legacy)
			h->legacy(h->legacy_ctx, value & HPET_LEGACY);
		update(h);
	}
}

static void write_timer_config(struct hpet *h, unsigned n, u32 value)
{
	struct hpet_timer *t = &h->t[n];

	sync(h);
	t->config = value & TIMER_WRITES;
	if (t->config & HPET_TN_32) {
		t->comparator &= width(t);
		t->period &= width(t);
	}
	if (!(t->config & HPET_TN_LEVEL) && h->status & BIT(n)) {
		h->status &= ~BIT(n);
		t->up = false;
	}
	update(h);
}

/* While periodic, a write is the period; after HPET_TN_SET the first match, too. */
static void write_comparator(struct hpet *h, unsigned n, u64 value)
{
	struct hpet_timer *t = &h->t[n];

	sync(h);
	value &= width(t);
	if (!(t->config & HPET_TN_PERIODIC) || t->config & HPET_TN_SET)
		t->comparator = value;
	if (t->config & HPET_TN_PERIODIC)
		t->period = value;
	t->config &= ~HPET_TN_SET;
}

static void write_status(struct hpet *h, u32 value)
{
	for (unsigned n = 0; n < HPET_TIMERS; n++)
		if (h->status & value & BIT(n))
			h->t[n].up = false;
	h->status &= ~value;
	update(h);
}

static void write_counter(struct hpet *h, u64 value)
{
	if (running(h))
		strict_broken(h->host, STRICT_hpet_running);
	sync(h);
	h->counter = h->synced = value;
	h->started = vtimers_now(h->timers);
}

static u64 read_register(struct hpet *h, u32 reg)
{
	unsigned n = (reg - HPET_TIMER(0)) / HPET_TIMER_BYTES;

	switch (reg) {
	case HPET_CAPS:
		return (u64)FS_PER_TICK << 32 | VENDOR << 16 | HPET_CAPS_LEGACY | HPET_CAPS_64 |
		       (HPET_TIMERS - 1) << 8 | REVISION;
	case HPET_CONFIG:
		return h->config;
	case HPET_STATUS:
		sync(h);
		return h->status;
	case HPET_COUNTER:
		return counter(h, vtimers_now(h->timers));
	default:
		break;
	}
	if (reg < HPET_TIMER(0) || n >= HPET_TIMERS)
		return 0;
	switch (reg % HPET_TIMER_BYTES) {
	case 0:
		return (u64)PIN_CHOICE << 32 | h->t[n].config | HPET_TN_CAN_PERIODIC | HPET_TN_64;
	case HPET_COMPARATOR:
		sync(h);
		return h->t[n].comparator;
	default:
		return 0;
	}
}

static void write_register(struct hpet *h, u32 reg, u64 value)
{
	unsigned n = (reg - HPET_TIMER(0)) / HPET_TIMER_BYTES;

	if (reg == HPET_CAPS)
		strict_broken(h->host, STRICT_hpet_read_only);
	else if (reg == HPET_CONFIG)
		write_config(h, (u32)value);
	else if (reg == HPET_STATUS)
		write_status(h, (u32)value);
	else if (reg == HPET_COUNTER)
		write_counter(h, value);
	else if (reg >= HPET_TIMER(0) && n < HPET_TIMERS && !(reg % HPET_TIMER_BYTES))
		write_timer_config(h, n, (u32)value);
	else if (reg >= HPET_TIMER(0) && n < HPET_TIMERS &&
		 reg % HPET_TIMER_BYTES == HPET_COMPARATOR)
		write_comparator(h, n, value);
	arm(h);
}

static u64 mask_of(u64 offset, unsigned size)
{
	return (size == 8 ? ~0ull : BIT64(8 * size) - 1) << 8 * (offset & 7);
}

static u64 memory_read(void *dev, u64 offset, unsigned size)
{
	u64 value = read_register(dev, (u32)offset & ~7u);

	return (value & mask_of(offset, size)) >> 8 * (offset & 7);
}

/* What a narrow write leaves out stays; of the status, where ones clear, it is zeros. */
static void memory_write(void *dev, u64 offset, unsigned size, u64 value)
{
	u32 reg = (u32)offset & ~7u;
	u64 mask = mask_of(offset, size);
	u64 rest = reg == HPET_STATUS ? 0 : read_register(dev, reg) & ~mask;

	write_register(dev, reg, rest | (value << 8 * (offset & 7) & mask));
}

static const struct gpmem_mmio memory = { memory_read, memory_write };

/* --- Life */

static void reset(void *dev)
{
	struct hpet *h = dev;

	vtimer_cancel(h->timers, &h->timer);
	if (h->legacy && h->config & HPET_LEGACY) {
		h->config = 0;
		update(h);
		h->legacy(h->legacy_ctx, false);
	}
	h->config = h->status = 0;
	h->counter = h->started = h->synced = h->last = 0;
	for (unsigned n = 0; n < HPET_TIMERS; n++)
		h->t[n] = (struct hpet_timer){ .comparator = ~0ull };
	update(h);
}

static int init(void *dev, const struct device_bay *bay)
{
	struct hpet *h = dev;

	h->host = bay->host;
	h->timers = bay->timers;
	vtimer_init(&h->timer, fire, h);
	reset(h);
	return 0;
}

static void state(void *dev, struct snap *s)
{
	struct hpet *h = dev;

	snap_range(s, h->config, 0, HPET_ENABLE | HPET_LEGACY);
	snap_range(s, h->status, 0, BIT(HPET_TIMERS) - 1);
	snap_u64(s, h->counter);
	snap_range(s, h->started, 0, s->now);
	snap_u64(s, h->synced);
	snap_range(s, h->last, 0, s->now);
	for (unsigned n = 0; n < HPET_TIMERS; n++) {
		snap_u32(s, h->t[n].config);
		snap_u64(s, h->t[n].comparator);
		snap_u64(s, h->t[n].period);
		snap_bool(s, h->t[n].up);
		if (s->loading)
			h->t[n].config &= TIMER_WRITES;
	}
	vtimer_state(h->timers, &h->timer, s);
	if (!s->loading || !snap_ok(s))
		return;
	if (h->legacy && h->config & HPET_LEGACY)
		h->legacy(h->legacy_ctx, true);
	update(h);
}

static u64 wakes_at(const void *dev)
{
	const struct hpet *h = dev;

	return vtimer_due(&h->timer);
}

const struct device_class hpet_class = {
	.name = "hpet",
	.version = 1,
	.size = sizeof(struct hpet),
	.memory = &memory,
	.init = init,
	.reset = reset,
	.state = state,
	.wakes_at = wakes_at,
	.title = "HPET",
	.file = "hpet.c",
	.has = "three timers, one-shot and periodic, 32 and 64 bits, level and edge, legacy "
	       "replacement, pins 16 to 23 of the I/O APIC",
	.lacks = "messages (FSB); periods that a late guest misses are not made up for",
};
