/* SPDX-License-Identifier: MIT */
/*
 * The 8259A pair. What follows from the wires:
 *  - IRR = edge latch for edge inputs (it falls with the wire: the request must stay until
 *    acknowledged, data sheet p. 18), the wire itself for level inputs.
 *  - A chip's INT output is up while an unmasked request outranks everything in service.
 *  - The second chip's INT is input 2 of the first, an edge input. It drops during its INTA, so
 *    a further request makes a new edge.
 *
 * ICW1's LTIM bit is ignored, as the PIIX ignores it: the ELCR decides. Buffered mode and MCS-80
 * vectors have no meaning here.
 */
#include "emu/chip/i8259.h"

#include "emu/dev/strict.h"
#include "emu/snap/snap.h"
#include "kernel/hw/i8259_regs.h"

static u8 irr(const struct i8259 *c)
{
	return (u8)((c->latch & ~c->elcr) | (c->line & c->elcr));
}

/* Rank of the highest-priority bit of set: 0 is best, 8 for none. */
static unsigned best_rank(const struct i8259 *c, u8 set)
{
	for (unsigned rank = 0; rank < 8; rank++)
		if (set & BIT((c->lowest + 1 + rank) & 7))
			return rank;
	return 8;
}

static unsigned rank_to_input(const struct i8259 *c, unsigned rank)
{
	return (c->lowest + 1 + rank) & 7;
}

/* What is in service and keeps others of its rank and below from it. */
static u8 holding(const struct i8259 *c)
{
	u8 in_service = c->isr;

	if (c->special_mask)
		in_service &= (u8)~c->imr;
	if (c->special_nested) /* further requests of a slave are let through while one of them is
				  in service */
		in_service &= (u8)~c->slaves;
	return in_service;
}

/* The input that the chip asks service for, or -1. */
static int candidate(const struct i8259 *c)
{
	if (c->expect)
		return -1;

	unsigned rank = best_rank(c, irr(c) & (u8)~c->imr);

	if (rank == 8)
		return -1;
	if (rank < best_rank(c, holding(c)))
		return (int)rank_to_input(c, rank);
	return -1;
}

static void set_line(struct i8259 *c, unsigned n, bool level)
{
	u8 bit = (u8)BIT(n);

	if (level) {
		c->latch |= (u8)(bit & ~c->line);
		c->line |= bit;
	} else {
		c->latch &= (u8)~bit;
		c->line &= (u8)~bit;
	}
}

static void update(struct i8259_pair *p)
{
	set_line(&p->chip[0], I8259_CASCADE, candidate(&p->chip[1]) >= 0);

	bool pin = candidate(&p->chip[0]) >= 0;

	if (pin != p->pin) {
		p->pin = pin;
		irq_set(&p->out, pin);
	}
}

static void tell_eoi(struct i8259_pair *p, const struct i8259 *c, unsigned n)
{
	if (p->eoi)
		p->eoi(p->eoi_ctx, c == &p->chip[1] ? n + 8 : n);
}

void i8259_set_irq(void *pair, unsigned irq, bool level)
{
	struct i8259_pair *p = pair;

	set_line(&p->chip[irq >> 3 & 1], irq & 7, level);
	update(p);
}

/* Input n is acknowledged: into service, or straight out of it with automatic EOI. */
static void take(struct i8259 *c, unsigned n)
{
	c->latch &= (u8)~BIT(n);
	if (!c->aeoi)
		c->isr |= (u8)BIT(n);
	else if (c->rotate_aeoi)
		c->lowest = (u8)n;
}

u8 i8259_ack(struct i8259_pair *p)
{
	struct i8259 *m = &p->chip[0], *s = &p->chip[1];
	int n = candidate(m);
	u8 vector;

	p->acks++;
	if (n < 0) {
		p->spurious++;
		return (u8)(m->base + 7);
	}
	take(m, (unsigned)n);
	if (n != I8259_CASCADE || m->single || !(m->icw3 & BIT(I8259_CASCADE))) {
		vector = (u8)(m->base + n);
		update(p);
		if (m->aeoi)
			tell_eoi(p, m, (unsigned)n);
		return vector;
	}
	set_line(m, I8259_CASCADE, false);
	n = candidate(s);
	if ((s->icw3 & 7) != I8259_CASCADE) { /* nobody drives the data bus */
		vector = 0xff;
	} else if (n < 0) {
		p->spurious++;
		vector = (u8)(s->base + 7);
	} else {
		take(s, (unsigned)n);
		vector = (u8)(s->base + n);
	}
	update(p);
	if (n >= 0 && s->aeoi)
		tell_eoi(p, s, (unsigned)n);
	return vector;
}

bool i8259_requests(const struct i8259_pair *p, unsigned irq)
{
	return irr(&p->chip[irq >> 3 & 1]) & BIT(irq & 7);
}

static u8 holding_back(const struct i8259 *c)
{
	u8 in_service = holding(c), requests = irr(c) & (u8)~c->imr, set = 0;
	bool waits = false;

	for (unsigned rank = 8; rank--;) {
		u8 bit = (u8)BIT(rank_to_input(c, rank));

		waits |= requests & bit;
		set |= waits ? in_service & bit : 0;
	}
	return set;
}

u16 i8259_holding_back(const struct i8259_pair *p)
{
	return (u16)(holding_back(&p->chip[0]) | holding_back(&p->chip[1]) << 8);
}

u16 i8259_open(const struct i8259_pair *p)
{
	u8 first = (u8)~p->chip[0].imr, second = (u8)~p->chip[1].imr;

	return (u16)(first | (first & BIT(I8259_CASCADE) ? second << 8 : 0));
}

static void write_icw1(struct i8259 *c, u8 v)
{
	c->expect = 2;
	c->single = v & ICW1_SINGLE;
	c->want_icw4 = v & ICW1_ICW4;
	c->latch = 0; /* an input must fall and rise again */
	c->imr = 0;
	c->isr = 0;
	c->lowest = 7;
	c->special_mask = false;
	c->read_isr = false;
	c->poll = false;
	c->rotate_aeoi = false;
	c->aeoi = false;
	c->special_nested = false;
}

/* OCW2: R SL EOI 0 0 L2 L1 L0 */
static int write_ocw2(const struct board_host *host, struct i8259 *c, u8 v)
{
	unsigned level = v & 7;
	u8 set = c->isr;
	unsigned rank;

	switch (v >> 5) {
	case 0:
		c->rotate_aeoi = false;
		return -1;
	case 4:
		c->rotate_aeoi = true;
		return -1;
	case 6:
		c->lowest = (u8)level;
		return -1;
	case 1:
	case 5:
		if (c->special_mask) /* a masked level in service is not cleared, data sheet p. 17
				      */
			set &= (u8)~c->imr;
		rank = best_rank(c, set);
		if (rank == 8) {
			if (!c->aeoi && !c->special_mask)
				strict_broken(host, STRICT_pic_eoi);
			return -1;
		}
		level = rank_to_input(c, rank);
		break;
	case 3:
	case 7:
		break;
	default: /* 2: no operation */
		return -1;
	}
	if (v & 0x80)
		c->lowest = (u8)level;
	if (!(c->isr & BIT(level))) {
		if (!c->aeoi)
			strict_broken(host, STRICT_pic_eoi);
		return -1;
	}
	c->isr &= (u8)~BIT(level);
	return (int)level;
}

static void write_ocw3(struct i8259 *c, u8 v)
{
	if (v & OCW3_POLL)
		c->poll = true;
	else if (v & OCW3_RR)
		c->read_isr = v & OCW3_RIS;
	if (v & OCW3_ESMM)
		c->special_mask = v & OCW3_SMM;
}

static void write_data(struct i8259 *c, u8 v)
{
	switch (c->expect) {
	case 0:
		c->imr = v;
		return;
	case 2:
		c->base = v & 0xf8;
		c->expect = c->single ? (c->want_icw4 ? 4 : 0) : 3;
		return;
	case 3:
		c->icw3 = v;
		c->expect = c->want_icw4 ? 4 : 0;
		return;
	default:
		c->aeoi = v & ICW4_AEOI;
		c->special_nested = v & ICW4_SFNM;
		c->expect = 0;
	}
}

/* What is not as on a PC's board: ICW4 there and for the 8086, two chips that meet at input 2. */
static bool word_is_wrong(const struct i8259 *c, u16 offset, u8 v)
{
	if (!offset)
		return (v & ICW1_INIT) && (v & (ICW1_SINGLE | ICW1_ICW4)) != ICW1_ICW4;
	switch (c->expect) {
	case 3:
		return v != (c->slaves ? c->slaves : I8259_CASCADE);
	case 4:
		return !(v & ICW4_8086);
	default:
		return false;
	}
}

static void chip_write(struct i8259_pair *p, struct i8259 *c, u16 offset, u8 v)
{
	int done = -1;

	if (c->expect && !offset && !(v & ICW1_INIT))
		strict_broken(p->host, STRICT_pic_order);
	if (word_is_wrong(c, offset, v))
		strict_broken_at(p->host, STRICT_pic_words, v);
	if (offset)
		write_data(c, v);
	else if (v & ICW1_INIT)
		write_icw1(c, v);
	else if (v & OCW3)
		write_ocw3(c, v);
	else
		done = write_ocw2(p->host, c, v);
	update(p);
	if (done >= 0)
		tell_eoi(p, c, (unsigned)done);
}

/* The read after a poll command is an acknowledge: I 0 0 0 0 W2 W1 W0. */
static u8 read_poll(struct i8259_pair *p, struct i8259 *c)
{
	int n = candidate(c);

	c->poll = false;
	if (n < 0)
		return 0;
	take(c, (unsigned)n);
	if (c == &p->chip[1])
		set_line(&p->chip[0], I8259_CASCADE, false);
	update(p);
	if (c->aeoi)
		tell_eoi(p, c, (unsigned)n);
	return (u8)(0x80 | n);
}

static u8 chip_read(struct i8259_pair *p, struct i8259 *c, u16 offset)
{
	if (c->poll)
		return read_poll(p, c);
	if (offset)
		return c->imr;
	return c->read_isr ? c->isr : irr(c);
}

static u32 master_read(void *dev, u16 offset, unsigned size)
{
	struct i8259_pair *p = dev;

	(void)size;
	return chip_read(p, &p->chip[0], offset);
}

static void master_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct i8259_pair *p = dev;

	(void)size;
	chip_write(p, &p->chip[0], offset, (u8)value);
}

static u32 slave_read(void *dev, u16 offset, unsigned size)
{
	struct i8259_pair *p = dev;

	(void)size;
	return chip_read(p, &p->chip[1], offset);
}

static void slave_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct i8259_pair *p = dev;

	(void)size;
	chip_write(p, &p->chip[1], offset, (u8)value);
}

static u32 elcr_read(void *dev, u16 offset, unsigned size)
{
	struct i8259_pair *p = dev;

	(void)size;
	return p->chip[offset].elcr;
}

static void elcr_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct i8259_pair *p = dev;
	struct i8259 *c = &p->chip[offset];

	(void)size;
	c->elcr = (u8)value & c->elcr_mask;
	update(p);
}

static const struct bus_ports master_ports = { master_read, master_write, 1 };
static const struct bus_ports slave_ports = { slave_read, slave_write, 1 };
static const struct bus_ports elcr_ports = { elcr_read, elcr_write, 1 };

static void i8259_reset(void *dev)
{
	struct i8259_pair *p = dev;

	for (unsigned i = 0; i < 2; i++) {
		u8 line = p->chip[i].line; /* the wires belong to the devices */

		p->chip[i] = (struct i8259){
			.line = line,
			.imr = 0xff,
			/* timer, keyboard, cascade, RTC, FERR: edge for ever */
			.elcr_mask = i ? 0xde : 0xf8,
			.base = i ? 0x70 : 0x08,
			.icw3 = i ? I8259_CASCADE : BIT(I8259_CASCADE),
			.slaves = i ? 0 : BIT(I8259_CASCADE),
			.lowest = 7,
		};
	}
	update(p);
}

static void cpu_pin(void *ctx, unsigned irq, bool level)
{
	struct i8259_pair *p = ctx;

	(void)irq;
	p->host->intr(p->host->ctx, level);
}

static int i8259_init(void *dev, const struct device_bay *bay)
{
	struct i8259_pair *p = dev;

	p->host = bay->host;
	p->out = (struct irq_line){ .set = cpu_pin, .ctx = p };
	i8259_reset(p);
	return 0;
}

/* What the wires are does not belong to the chip. */
static void chip_state(struct i8259 *c, struct snap *s)
{
	snap_u8(s, c->latch);
	snap_u8(s, c->isr);
	snap_u8(s, c->imr);
	snap_u8(s, c->elcr);
	snap_u8(s, c->base);
	snap_u8(s, c->icw3);
	snap_range(s, c->lowest, 0, 7);
	snap_range(s, c->expect, 0, 4);
	snap_bool(s, c->single);
	snap_bool(s, c->want_icw4);
	snap_bool(s, c->aeoi);
	snap_bool(s, c->rotate_aeoi);
	snap_bool(s, c->special_mask);
	snap_bool(s, c->special_nested);
	snap_bool(s, c->read_isr);
	snap_bool(s, c->poll);
	snap_require(s, !(c->elcr & ~c->elcr_mask));
	snap_require(s, !(c->base & 7));
}

/*
 * Loaded last: the devices have driven their lines by then, and what the edges of that left in the
 * latches is replaced. A latch is set only while its wire is up.
 */
static void i8259_state(void *dev, struct snap *s)
{
	struct i8259_pair *p = dev;
	struct i8259 *m = &p->chip[0], *slave = &p->chip[1];

	chip_state(m, s);
	chip_state(slave, s);
	if (!s->loading || !snap_ok(s))
		return;
	m->line &= (u8)~BIT(I8259_CASCADE);
	if (candidate(slave) >= 0)
		m->line |= BIT(I8259_CASCADE);
	snap_require(s, !(m->latch & ~m->line) && !(slave->latch & ~slave->line));
	if (snap_ok(s))
		update(p);
}

const struct device_class i8259_class = {
	.name = "i8259",
	.version = 1,
	.size = sizeof(struct i8259_pair),
	.ports = { &master_ports, &slave_ports, &elcr_ports },
	.init = i8259_init,
	.reset = i8259_reset,
	.state = i8259_state,
	.unsaved = DEVICE_PART(struct i8259_pair, acks, spurious),
	.title = "8259A pair",
	.file = "i8259.c",
	.has = "ICW1-4, OCW1-3, all EOIs and rotations, AEOI, special mask, special fully nested, "
	       "poll, ELCR, spurious 7 and 15",
	.lacks = "buffered mode, MCS-80 vectors; LTIM is ignored as on the PIIX",
};
