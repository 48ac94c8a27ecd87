/* SPDX-License-Identifier: MIT */
/*
 * The 8254. Time is a tick number T of the 1.193182 MHz crystal since virtual time 0; a write in
 * tick T is loaded by the clock pulse that begins tick T + 1 (start). With e = T - start:
 *
 *   mode 0, 1   OUT low for e in [0, n), then high
 *   mode 2      OUT low for the last tick of each n
 *   mode 3      OUT high for the first (n + 1) / 2 ticks of each n; the count steps by two
 *   mode 4, 5   OUT low in tick e = n
 *
 * advance() is the only place where time acts on a channel: it performs a reload that has come due
 * and tells how many rising edges OUT had since it was last called. Everything else first advances,
 * then looks or changes.
 *
 * Deviations: a count of 1 in modes 2 and 3, which the data sheet forbids, counts as 2; channel 0's
 * request in modes 2 and 3 does not fall with OUT, so that a late guest does not lose it; periods
 * below TICKS_MIN_PERIOD_NS are delivered in batches.
 */
#include "emu/chip/i8254.h"

#include "emu/dev/ticks.h"
#include "emu/snap/snap.h"

/* One DRAM refresh request per 18 ticks of channel 1 as firmware programs it; port 61h bit 4
 * toggles with each. */
#define REFRESH_NS 15085u

static u32 modulus(const struct i8254_channel *c)
{
	return c->bcd ? 10000 : 0x10000;
}

static s64 elapsed(const struct i8254_channel *c, s64 t)
{
	return c->paused ? c->held : t - c->start;
}

static s64 high_ticks(u32 n)
{
	return (s64)(n + 1) / 2;
}

/* OUT in tick t. The channel has been advanced to t. */
static bool out(const struct i8254_channel *c, s64 t)
{
	s64 e = elapsed(c, t);

	if (!c->counting || e < 0)
		return c->idle_out;
	switch (c->mode) {
	case 0:
	case 1:
		return e >= c->n;
	case 2:
		return c->paused || e % c->n != c->n - 1;
	case 3:
		return c->paused || e % c->n < high_ticks(c->n);
	default:
		return e != c->n;
	}
}

/* The counting element in tick t as a number below the modulus. */
static u32 count(const struct i8254_channel *c, s64 t)
{
	s64 e = elapsed(c, t), m = modulus(c), v;

	if (!c->counting || e < 0)
		return c->idle_count;
	if (c->mode == 2) {
		v = c->n - e % c->n;
	} else if (c->mode == 3) {
		s64 phase = e % c->n;

		if (phase >= high_ticks(c->n))
			phase -= high_ticks(c->n);
		v = (c->n & ~1u) - 2 * phase;
	} else {
		v = (c->n - e) % m;
		if (v < 0)
			v += m;
	}
	return (u32)(v % m);
}

/* Rising edges of a periodic OUT in (from, to]. */
static u64 edges_between(const struct i8254_channel *c, s64 from, s64 to)
{
	s64 a = MAX(from, c->start) - c->start, b = to - c->start;

	return b <= a ? 0 : (u64)(b / c->n - a / c->n);
}

static u64 one_edge(s64 at, s64 from, s64 to)
{
	return from < at && at <= to;
}

static u64 advance(struct i8254_channel *c, s64 t)
{
	s64 from = c->synced;
	u64 edges = 0;

	c->synced = t;
	if (!c->counting || c->paused)
		return 0;
	if (c->null_count && !c->reload && t >= c->start)
		c->null_count = false;
	switch (c->mode) {
	case 0:
	case 1:
		return one_edge(c->start + c->n, from, t);
	case 4:
	case 5:
		return one_edge(c->start + c->n + 1, from, t);
	default:
		break;
	}
	if (c->reload && t >= c->load_at) {
		bool half = c->mode == 3 && (c->load_at - c->start) % c->n != 0;

		edges = edges_between(c, from, c->load_at);
		c->n = MAX(c->cr, 2u);
		c->start = c->load_at - (half ? high_ticks(c->n) : 0);
		c->reload = c->null_count = false;
		from = c->load_at;
	}
	return edges + edges_between(c, from, t);
}

/* --- Channel 0's interrupt */

static void drive(struct i8254 *p, bool level)
{
	if (p->level != level) {
		p->level = level;
		irq_set(&p->irq, level);
	}
}

static void pulse(struct i8254 *p)
{
	drive(p, false);
	drive(p, true);
	p->ticks++;
}

/* At p->last_edge, one of the periodic ones. */
static void give(struct i8254 *p)
{
	ticks_given(&p->late, p->host, p->last_edge);
	pulse(p);
}

static bool periodic(const struct i8254_channel *c)
{
	return c->mode == 2 || c->mode == 3;
}

/* A masked line says nothing about wanting ticks: Linux masks IRQ 0 for the length of each handler,
 * EOI included. */
static bool waiting(const struct i8254 *p)
{
	return p->waiting && p->waiting(p->waiting_ctx);
}

/* A tick that no controller took in is lost, as on a board, and so would be those that are owed. */
static void forget_lost(struct i8254 *p)
{
	if (p->waiting && !waiting(p))
		ticks_forget(&p->late);
}

static u64 period(const struct i8254 *p)
{
	return ticks_begin(MAX(p->ch[0].n, 1u), I8254_HZ);
}

static u64 pay_at(const struct i8254 *p)
{
	return ticks_owed_at(p->last_edge, period(p));
}

static void taken(struct i8254 *p)
{
	ticks_taken(&p->late, p->host, vtimers_now(p->timers), period(p));
}

static void pay(struct i8254 *p)
{
	u64 now = vtimers_now(p->timers);

	if (!p->late.owed || waiting(p) || now < pay_at(p))
		return;
	p->late.owed--;
	p->paid++;
	p->last_edge = now;
	give(p);
	forget_lost(p);
}

static void deliver(struct i8254 *p, u64 edges)
{
	if (!periodic(&p->ch[0])) {
		pulse(p);
		return;
	}
	if (!waiting(p)) {
		taken(p);
		give(p);
		p->late.owed += edges - 1;
	} else {
		p->late.held += edges;
	}
	ticks_limit(&p->late, period(p));
	forget_lost(p);
}

static void arm(struct i8254 *p)
{
	const struct i8254_channel *c = &p->ch[0];
	s64 next, done = c->synced - c->start;

	if (!c->counting || c->paused)
		goto none;
	if (c->mode == 0 || c->mode == 1)
		next = c->start + c->n;
	else if (!periodic(c))
		next = c->start + c->n + 1;
	else if (c->reload && c->mode == 2)
		next = c->load_at;
	else if (c->reload && (c->load_at - c->start) % c->n != 0)
		next = c->load_at + (s64)MAX(c->cr, 2u) / 2;
	else
		next = c->start + (done < 0 ? 1 : done / c->n + 1) * c->n;
	if (next <= c->synced)
		goto none;

	u64 at = ticks_begin((u64)next, I8254_HZ);

	if (periodic(c))
		at = MAX(at, p->last_edge + TICKS_MIN_PERIOD_NS);
	if (p->late.owed && !waiting(p))
		at = MIN(at, pay_at(p));
	if (!vtimer_armed(&p->timer) || p->timer.deadline != at)
		vtimer_arm(p->timers, &p->timer, at);
	return;
none:
	vtimer_cancel(p->timers, &p->timer);
}

static s64 sync(struct i8254 *p, struct i8254_channel *c)
{
	u64 now = vtimers_now(p->timers);
	s64 t = (s64)ticks_at(now, I8254_HZ);
	u64 edges = advance(c, t);

	if (edges && c == &p->ch[0]) {
		p->last_edge = now;
		deliver(p, edges);
		arm(p);
	}
	return t;
}

/* After the guest changed channel c: the line follows OUT, and the next edge is a different one. */
static void changed(struct i8254 *p, struct i8254_channel *c, s64 t)
{
	if (c != &p->ch[0])
		return;
	ticks_forget(&p->late);
	drive(p, out(c, t));
	arm(p);
}

static void fire(void *ctx, u64 now)
{
	struct i8254 *p = ctx;

	(void)now;
	sync(p, &p->ch[0]);
	pay(p);
	arm(p);
}

void i8254_irq_done(struct i8254 *p)
{
	if (p->late.held && !waiting(p))
		taken(p);
	if (!p->late.owed)
		return;
	sync(p, &p->ch[0]);
	pay(p);
	arm(p);
}

/* --- Counts and gates */

static u32 from_bcd(u32 v)
{
	return (v & 15) + (v >> 4 & 15) * 10 + (v >> 8 & 15) * 100 + (v >> 12 & 15) * 1000;
}

static u32 to_bcd(u32 v)
{
	return v % 10 | (v / 10 % 10) << 4 | (v / 100 % 10) << 8 | (v / 1000 % 10) << 12;
}

static void load(struct i8254_channel *c, s64 t)
{
	c->n = periodic(c) ? MAX(c->cr, 2u) : c->cr;
	c->start = t + 1;
	c->counting = true;
	c->reload = false;
}

/* End of the current period (mode 2) or half period (mode 3): where a count written meanwhile is
 * taken over. */
static s64 period_end(const struct i8254_channel *c, s64 t)
{
	s64 phase = (t - c->start) % c->n, begin = t - phase;

	if (c->mode == 3 && phase < high_ticks(c->n))
		return begin + high_ticks(c->n);
	return begin + c->n;
}

static void write_count(struct i8254_channel *c, u16 raw, s64 t)
{
	u32 v = c->bcd ? from_bcd(raw) : raw;

	c->cr = v ? v : modulus(c);
	c->has_count = c->null_count = true;
	if (c->mode == 1 || c->mode == 5) {
		c->reload = true;
		return;
	}
	if (periodic(c) && c->counting && !c->paused && t >= c->start) {
		if (!c->reload)
			c->load_at = period_end(c, t);
		c->reload = true;
		return;
	}
	c->idle_count = count(c, t);
	c->idle_out = c->mode != 0;
	load(c, t);
	c->paused = !c->gate;
	c->held = 0;
}

static void set_gate(struct i8254_channel *c, bool gate, s64 t)
{
	if (gate == c->gate)
		return;
	c->gate = gate;
	if (!c->has_count)
		return;
	if (c->mode == 1 || c->mode == 5) {
		if (!gate)
			return;
		c->idle_out = out(c, t);
		c->idle_count = count(c, t);
		load(c, t);
	} else if (!c->counting) {
		return;
	} else if (!gate) {
		c->held = MAX(elapsed(c, t), 0);
		c->paused = true;
	} else if (periodic(c)) {
		c->idle_count = count(c, t);
		c->idle_out = true;
		c->paused = false;
		load(c, t);
	} else {
		c->start = t - c->held;
		c->paused = false;
	}
}

/* --- Registers */

static u16 visible_count(const struct i8254_channel *c, s64 t)
{
	u32 v = count(c, t);

	return (u16)(c->bcd ? to_bcd(v) : v);
}

static void latch_count(struct i8254_channel *c, s64 t)
{
	if (c->latched)
		return; /* the first latch stands until it is read */
	c->latch = visible_count(c, t);
	c->latched = c->rw;
}

static void latch_status(struct i8254_channel *c, s64 t)
{
	if (c->status_latched)
		return;
	c->status = (u8)((out(c, t) ? I8254_OUT : 0) | (c->null_count ? I8254_NULL_COUNT : 0) |
			 c->rw << 4 | c->mode << 1 | c->bcd);
	c->status_latched = true;
}

static void read_back(struct i8254 *p, u8 v)
{
	for (unsigned i = 0; i < 3; i++) {
		struct i8254_channel *c = &p->ch[i];

		if (!(v & BIT(i + 1)))
			continue;

		s64 t = sync(p, c);

		if (!(v & RB_NO_COUNT))
			latch_count(c, t);
		if (!(v & RB_NO_STATUS))
			latch_status(c, t);
	}
}

/* SC1 SC0 RW1 RW0 M2 M1 M0 BCD */
static void write_control(struct i8254 *p, u8 v)
{
	if (v >= I8254_READ_BACK) {
		read_back(p, v);
		return;
	}

	struct i8254_channel *c = &p->ch[v >> 6];
	s64 t = sync(p, c);

	if (!(v & I8254_BOTH_BYTES)) {
		latch_count(c, t);
		return;
	}
	c->idle_count = count(c, t);
	c->mode = v >> 1 & 7;
	if (c->mode > 5)
		c->mode -= 4; /* M2 is don't care in modes 2 and 3 */
	c->rw = v >> 4 & 3;
	c->bcd = v & 1;
	c->idle_count %= modulus(c);
	c->idle_out = c->mode != 0;
	c->counting = c->paused = c->reload = c->has_count = false;
	c->null_count = true;
	c->write_high = c->read_high = false;
	c->latched = 0;
	c->status_latched = false;
	changed(p, c, t);
}

static void write_channel(struct i8254 *p, struct i8254_channel *c, u8 v)
{
	s64 t = sync(p, c);

	if (c->rw == 3 && !c->write_high) {
		c->write_low = v;
		c->write_high = true;
		if (c->mode == 0) { /* the first byte stops the count and lowers OUT */
			c->idle_count = count(c, t);
			c->idle_out = false;
			c->counting = c->paused = false;
			changed(p, c, t);
		}
		return;
	}
	c->write_high = false;
	write_count(c, (u16)(c->rw == 1 ? v : c->rw == 2 ? v << 8 : v << 8 | c->write_low), t);
	changed(p, c, t);
}

static u8 read_channel(struct i8254 *p, struct i8254_channel *c)
{
	if (c->status_latched) {
		c->status_latched = false;
		return c->status;
	}
	if (c->latched & 1) {
		c->latched &= 2;
		return (u8)c->latch;
	}
	if (c->latched) {
		c->latched = 0;
		return (u8)(c->latch >> 8);
	}

	u16 v = visible_count(c, sync(p, c));
	bool high = c->rw == 2 || (c->rw == 3 && c->read_high);

	if (c->rw == 3)
		c->read_high = !c->read_high;
	return (u8)(high ? v >> 8 : v);
}

static u32 port_read(void *dev, u16 offset, unsigned size)
{
	struct i8254 *p = dev;

	(void)size;
	return offset == 3 ? 0xff : read_channel(p, &p->ch[offset]);
}

static void port_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct i8254 *p = dev;

	(void)size;
	if (offset == 3)
		write_control(p, (u8)value);
	else
		write_channel(p, &p->ch[offset], (u8)value);
}

/* Port 61h: PARITY IOCHK OUT2 REFRESH -IOCHK -PARITY SPEAKER GATE2; no parity or I/O channel errors
 * here. */
static u32 port61_read(void *dev, u16 offset, unsigned size)
{
	struct i8254 *p = dev;
	struct i8254_channel *c = &p->ch[2];
	s64 t = sync(p, c);
	u64 refresh = vtimers_now(p->timers) / REFRESH_NS & 1;

	(void)offset;
	(void)size;
	return p->port61 | (u32)refresh << 4 | (out(c, t) ? 0x20u : 0);
}

static void port61_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct i8254 *p = dev;
	struct i8254_channel *c = &p->ch[2];

	(void)offset;
	(void)size;
	p->port61 = value & 0x0f;
	set_gate(c, value & PORT61_GATE2, sync(p, c));
}

static const struct bus_ports pit_ports = { port_read, port_write, 1 };
static const struct bus_ports port61_ports = { port61_read, port61_write, 1 };

static void i8254_reset(void *dev)
{
	struct i8254 *p = dev;
	s64 now = (s64)ticks_at(vtimers_now(p->timers), I8254_HZ);

	vtimer_cancel(p->timers, &p->timer);
	for (unsigned i = 0; i < 3; i++)
		p->ch[i] = (struct i8254_channel){
			.rw = 3,
			.cr = 0x10000,
			.gate = i != 2,
			.idle_out = true,
			.synced = now,
		};
	p->port61 = 0;
	ticks_forget(&p->late);
	drive(p, false);
}

static int i8254_init(void *dev, const struct device_bay *bay)
{
	struct i8254 *p = dev;

	p->timers = bay->timers;
	p->irq = bay->irq[0];
	p->host = bay->host;
	vtimer_init(&p->timer, fire, p);
	i8254_reset(p);
	return 0;
}

static u64 i8254_wakes_at(const void *dev)
{
	const struct i8254 *p = dev;

	return vtimer_due(&p->timer);
}

/* --- Saving */

#define LOAD_AHEAD 0x10000 /* ticks: no count is longer */
#define OWED_TICKS (TICKS_OWED_NS / NS_PER_S * I8254_HZ)

static void channel_state(struct i8254_channel *c, struct snap *s)
{
	s64 t = (s64)ticks_at(s->now, I8254_HZ);

	snap_range(s, c->mode, 0, 5);
	snap_range(s, c->rw, 1, 3);
	snap_bool(s, c->bcd);
	snap_bool(s, c->gate);
	snap_bool(s, c->counting);
	snap_bool(s, c->paused);
	snap_bool(s, c->reload);
	snap_bool(s, c->has_count);
	snap_bool(s, c->null_count);
	snap_range(s, c->cr, 1, 0x10000);
	snap_range(s, c->n, 0, 0x10000);
	snap_int(s, c->start);
	snap_range(s, c->load_at, 0, t + LOAD_AHEAD);
	snap_range(s, c->held, 0, t + LOAD_AHEAD);
	snap_range(s, c->synced, 0, t);
	snap_bool(s, c->idle_out);
	snap_range(s, c->idle_count, 0, modulus(c) - 1);
	snap_bool(s, c->write_high);
	snap_bool(s, c->read_high);
	snap_u8(s, c->write_low);
	snap_range(s, c->latched, 0, 3);
	snap_u16(s, c->latch);
	snap_bool(s, c->status_latched);
	snap_u8(s, c->status);
	/* A half period of mode 3 may begin before the tick in which its count was taken over. */
	snap_require(s, c->start >= -LOAD_AHEAD && c->start <= t + 1);
	snap_require(s, !c->counting || c->n >= (periodic(c) ? 2u : 1u));
}

u32 i8254_look(const struct i8254 *p, unsigned n, bool *up)
{
	struct i8254_channel c = p->ch[n];
	s64 t = (s64)ticks_at(vtimers_now(p->timers), I8254_HZ);

	advance(&c, t);
	*up = out(&c, t);
	return count(&c, t);
}

static void i8254_state(void *dev, struct snap *s)
{
	struct i8254 *p = dev;

	for (unsigned i = 0; i < 3; i++)
		channel_state(&p->ch[i], s);
	snap_bool(s, p->level);
	snap_range(s, p->late.owed, 0, OWED_TICKS);
	if (s->version >= 2)
		snap_range(s, p->late.held, 0, OWED_TICKS);
	ticks_given_state(&p->late, s, p->host, s->version >= 3);
	snap_range(s, p->last_edge, 0, s->now);
	snap_range(s, p->port61, 0, 0x0f);
	vtimer_state(p->timers, &p->timer, s);
	if (s->loading && snap_ok(s))
		irq_set(&p->irq, p->level);
}

const struct device_class i8254_class = {
	.name = "i8254",
	.version = 3,
	.size = sizeof(struct i8254),
	.ports = { &pit_ports, &port61_ports },
	.init = i8254_init,
	.reset = i8254_reset,
	.state = i8254_state,
	.unsaved = DEVICE_PART(struct i8254, ticks, paid),
	.wakes_at = i8254_wakes_at,
	.title = "8254",
	.file = "i8254.c",
	.has = "six modes, BCD, latch, read-back, null count, gate of channel 2, OUT2, refresh "
	       "toggle, owed ticks",
	.lacks = "a count of 1 in modes 2 and 3 is 2; the speaker is silent; no NMI sources in "
		 "port 61h",
};
