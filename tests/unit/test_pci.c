/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration mechanism 1, the standard header's read-only bits and base address sizing, and
 * the bridges with interrupt routing. Linux's pci_check_type1() is among the cases.
 * Alone: make build/unit/test_pci && build/unit/test_pci
 */
#include "emu/chip/i440fx.h"
#include "emu/chip/piix3.h"
#include "emu/snap/snap.h"
#include "tests/unit/pc_fixture.h"

struct machine {
	struct pc pc;
	struct pci_bus pci;
	struct i440fx host;
	struct piix3 isa;
	struct pci_function card;
	struct irq_line pirq[4], also_a; /* what cards pull */
	u8 side[4];
	unsigned side_writes, written_reg, written_len;
};

static u8 side_read(void *ctx, unsigned offset)
{
	return ((struct machine *)ctx)->side[offset];
}

static void side_write(void *ctx, unsigned offset, u8 v)
{
	struct machine *m = ctx;

	m->side[offset] = v;
	m->side_writes++;
}

static void written(void *ctx, unsigned reg, unsigned len)
{
	struct machine *m = ctx;

	m->written_reg = reg;
	m->written_len = len;
}

static const struct device_slot card_slot = { .pci = DEVICE_PCI(3, 0) };

static void setup(struct machine *m)
{
	static const struct pci_identity id = {
		.vendor = 0x1af4, .device = 0x1000, .class_code = 0x020000, .irq_pin = 1
	};

	*m = (struct machine){ .side_writes = 0 };
	pc_init(&m->pc);
	m->pc.pci = &m->pci;
	pc_plug(&m->pc, &pci_class, &m->pci);
	m->pci.side_read = side_read;
	m->pci.side_write = side_write;
	m->pci.side_ctx = m;
	pc_plug(&m->pc, &i440fx_class, &m->host);
	pc_plug(&m->pc, &piix3_class, &m->isa);
	m->pc.pirqs.out = (struct irq_line){ .set = piix3_set_pirq, .ctx = &m->isa };
	for (unsigned n = 0; n < 4; n++)
		assert_int_equal(irq_or_source(&m->pc.pirqs, n, &m->pirq[n]), 0);
	assert_int_equal(irq_or_source(&m->pc.pirqs, 0, &m->also_a), 0);
	pci_function_init(&m->card, &id, "card");
	pci_function_set_bar(&m->card, 0, 0x20, 1);
	pci_function_set_bar(&m->card, 1, 0x1000, 0);
	m->card.written = written;
	m->card.ctx = m;
	pci_plug(&(struct device_bay){ .slot = &card_slot, .pci = &m->pci }, &m->card);
}

static u32 address(unsigned dev, unsigned fn, unsigned reg)
{
	return 0x80000000u | dev << 11 | fn << 8 | (reg & 0xfc);
}

static u32 get(struct machine *m, unsigned dev, unsigned fn, unsigned reg, unsigned size)
{
	out32(&m->pc, 0xcf8, address(dev, fn, reg));
	return bus_read(&m->pc.bus, (u16)(0xcfc + (reg & 3)), size);
}

static void put(struct machine *m, unsigned dev, unsigned fn, unsigned reg, unsigned size, u32 v)
{
	out32(&m->pc, 0xcf8, address(dev, fn, reg));
	bus_write(&m->pc.bus, (u16)(0xcfc + (reg & 3)), size, v);
}

static void test_mechanism(void **state)
{
	struct machine m;

	(void)state;
	setup(&m);
	/* pci_check_type1() */
	out8(&m.pc, 0xcfb, 0x01);
	u32 before = in32(&m.pc, 0xcf8);
	out32(&m.pc, 0xcf8, 0x80000000);
	assert_int_equal(in32(&m.pc, 0xcf8), 0x80000000);
	out32(&m.pc, 0xcf8, before);
	/* Reserved bits read 0; bytes do not touch the address but go to the chipset. */
	out32(&m.pc, 0xcf8, 0xffffffff);
	assert_int_equal(in32(&m.pc, 0xcf8), 0x80fffffc);
	m.side_writes = 0;
	out8(&m.pc, 0xcf9, 0x02);
	assert_int_equal(m.side_writes, 1);
	assert_int_equal(in8(&m.pc, 0xcf9), 0x02);
	assert_int_equal(in32(&m.pc, 0xcf8), 0x80fffffc);
	/* Nothing there, another bus, enable bit off: ones. */
	assert_int_equal(get(&m, 9, 0, 0, 4), 0xffffffff);
	assert_int_equal(get(&m, 3, 1, 0, 2), 0xffff);
	out32(&m.pc, 0xcf8, address(0, 0, 0) | 1 << 16);
	assert_int_equal(in32(&m.pc, 0xcfc), 0xffffffff);
	out32(&m.pc, 0xcf8, address(0, 0, 0) & 0x7fffffff);
	assert_int_equal(in32(&m.pc, 0xcfc), 0xffffffff);
	/* Byte lanes. */
	assert_int_equal(get(&m, 0, 0, 0, 4), 0x12378086);
	assert_int_equal(get(&m, 0, 0, 2, 2), 0x1237);
	assert_int_equal(get(&m, 0, 0, 3, 1), 0x12);
	assert_int_equal(get(&m, 0, 0, 1, 2), 0x3780);
}

static void test_identity(void **state)
{
	static const struct {
		u8 dev, fn, reg, size;
		u32 value;
	} t[] = {
		{ 0, 0, 0x08, 4, 0x06000002 }, { 0, 0, 0x0e, 1, 0x00 },
		{ 1, 0, 0x00, 4, 0x70008086 }, { 1, 0, 0x08, 4, 0x06010000 },
		{ 1, 0, 0x0e, 1, 0x80 },       { 1, 0, 0x04, 2, 0x0007 },
		{ 3, 0, 0x00, 4, 0x10001af4 }, { 3, 0, 0x08, 4, 0x02000000 },
		{ 3, 0, 0x3d, 1, 0x01 },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		struct machine m;

		setup(&m);
		assert_int_equal(get(&m, t[i].dev, t[i].fn, t[i].reg, t[i].size), t[i].value);
		if (t[i].reg == 4)
			continue;
		put(&m, t[i].dev, t[i].fn, t[i].reg, t[i].size, 0x55555555); /* read-only */
		assert_int_equal(get(&m, t[i].dev, t[i].fn, t[i].reg, t[i].size), t[i].value);
	}
}

static void test_header(void **state)
{
	struct machine m;

	(void)state;
	setup(&m);
	/* Sizing: write ones, read the mask; the low bits stay. */
	put(&m, 3, 0, 0x10, 4, 0xffffffff);
	assert_int_equal(get(&m, 3, 0, 0x10, 4), 0xffffffe1);
	assert_int_equal(m.written_reg, 0x10);
	assert_int_equal(m.written_len, 4);
	put(&m, 3, 0, 0x14, 4, 0xffffffff);
	assert_int_equal(get(&m, 3, 0, 0x14, 4), 0xfffff000);
	put(&m, 3, 0, 0x18, 4, 0xffffffff);
	assert_int_equal(get(&m, 3, 0, 0x18, 4), 0);
	put(&m, 3, 0, 0x10, 4, 0xc000);
	assert_int_equal(get(&m, 3, 0, 0x10, 4), 0xc001);
	put(&m, 3, 0, 0x15, 1, 0x12);
	assert_int_equal(get(&m, 3, 0, 0x14, 4), 0xffff1000);
	/* Command bits; the status register clears where ones are written. */
	put(&m, 3, 0, 0x04, 2, 0xffff);
	assert_int_equal(get(&m, 3, 0, 0x04, 2), 0x0007);
	pci_set16(m.card.config, PCI_STATUS, 0x2290);
	put(&m, 3, 0, 0x06, 2, 0x0000);
	assert_int_equal(get(&m, 3, 0, 0x06, 2), 0x2290);
	put(&m, 3, 0, 0x06, 2, 0xffff);
	assert_int_equal(get(&m, 3, 0, 0x06, 2), 0x0290);
	put(&m, 3, 0, 0x3c, 1, 11);
	assert_int_equal(get(&m, 3, 0, 0x3c, 2), 0x010b);
}

static void test_routing(void **state)
{
	struct machine m;
	const struct wire *w = m.pc.wire;

	(void)state;
	setup(&m);
	assert_int_equal(get(&m, 1, 0, 0x60, 4), 0x0b0b0a0a);
	irq_set(&m.pirq[2], true);
	assert_true(w[11].level);
	irq_set(&m.pirq[0], true);
	assert_true(w[10].level);
	irq_set(&m.also_a, true);
	irq_set(&m.pirq[0], false);
	assert_true(w[10].level); /* the other one still pulls */
	assert_int_equal(piix3_open(&m.isa, BIT(10)), 3);
	assert_int_equal(piix3_open(&m.isa, BIT(5) | BIT(11)), 0xc);
	put(&m, 1, 0, 0x60, 1, 5);
	assert_false(w[10].level);
	assert_true(w[5].level);
	assert_int_equal(piix3_open(&m.isa, BIT(5) | BIT(11)), 0xd);
	put(&m, 1, 0, 0x60, 1, 0x85);
	assert_false(w[5].level);
	assert_int_equal(piix3_open(&m.isa, 0xffff), 0xe);
	put(&m, 1, 0, 0x60, 1, 0x7b); /* bits 4..6 are reserved */
	assert_int_equal(get(&m, 1, 0, 0x60, 1), 0x0b);
	assert_int_equal(w[11].rises, 1); /* PIRQC holds it already */
	irq_set(&m.pirq[2], false);
	assert_true(w[11].level);
	irq_set(&m.also_a, false);
	assert_false(w[11].level);
	put(&m, 1, 0, 0x60, 1, 0x08); /* reserved: not the RTC's line */
	irq_set(&m.also_a, true);
	assert_false(w[8].level);
	assert_int_equal(piix3_open(&m.isa, 0xffff), 0xe);
	irq_set(&m.also_a, false);
	piix3_class.reset(&m.isa);
	assert_int_equal(get(&m, 1, 0, 0x60, 1), 10);
}

/* --- Cards in slots */

struct card {
	struct pci_function pci;
	struct irq_line intx;
	bool wants; /* something outside may make it interrupt */
};

static void card_reset(void *dev)
{
	static const struct pci_identity id = { .vendor = 0x1af4, .device = 0x1000 };
	struct card *c = dev;

	pci_function_init(&c->pci, &id, "card");
	irq_set(&c->intx, false);
}

static int card_init(void *dev, const struct device_bay *bay)
{
	struct card *c = dev;

	card_reset(c);
	c->intx = bay->intx;
	pci_plug(bay, &c->pci);
	return 0;
}

static bool card_can_wake(const void *dev)
{
	return ((const struct card *)dev)->wants;
}

static const struct device_class card_class = { .name = "card",
						.size = sizeof(struct card),
						.init = card_init,
						.reset = card_reset,
						.can_wake = card_can_wake };

/* By the pin's number; the last one shares INTA of its device. */
static const struct device_slot card_slots[] = {
	{ .class = &card_class, .name = "none", .unit = 0, .pci = DEVICE_PCI(4, 0) },
	{ .class = &card_class, .name = "a", .unit = 1, .pci = DEVICE_PCI(4, 1), .intx = 1 },
	{ .class = &card_class, .name = "b", .unit = 2, .pci = DEVICE_PCI(4, 2), .intx = 2 },
	{ .class = &card_class, .name = "c", .unit = 3, .pci = DEVICE_PCI(4, 3), .intx = 3 },
	{ .class = &card_class, .name = "d", .unit = 4, .pci = DEVICE_PCI(4, 4), .intx = 4 },
	{ .class = &card_class, .name = "a too", .unit = 5, .pci = DEVICE_PCI(4, 5), .intx = 1 },
};

/* INTA of device 4 is PIRQD, as ACPI's _PRT says, INTB PIRQA and so on. */
static void test_slots(void **state)
{
	struct device_set set;
	struct machine m;
	struct card *card[ARRAY_SIZE(card_slots)];
	char text[40];

	(void)state;
	setup(&m);
	put(&m, 1, 0, 0x60, 4, 0x0b0a0504); /* PIRQA..D to IRQ 4, 5, 10, 11 */
	assert_int_equal(devices_alloc(&set, card_slots, ARRAY_SIZE(card_slots), 0), 0);
	assert_int_equal(devices_init(&set, &(struct device_bay){ .bus = &m.pc.bus,
								  .irqs = &m.pc.irqs,
								  .pirqs = &m.pc.pirqs,
								  .pci = &m.pci }),
			 0);
	for (unsigned i = 0; i < ARRAY_SIZE(card_slots); i++)
		card[i] = devices_find(&set, &card_class, i);
	for (unsigned i = 1; i < 5; i++) {
		static const u8 irq[5] = { 0, 11, 4, 5, 10 };
		const struct wire *w = &m.pc.wire[irq[i]];

		irq_set(&card[i]->intx, true);
		assert_true(w->level && w->rises == 1);
		card[i]->wants = true;
		assert_true(devices_can_wake(&set, BIT(irq[i]), piix3_open(&m.isa, BIT(irq[i]))));
		card[i]->wants = false;
		assert_false(devices_can_wake(&set, 0xffff, 0xf));
		card[i]->wants = true;
		assert_false(devices_can_wake(&set, (u16)~BIT(irq[i]),
					      piix3_open(&m.isa, (u16)~BIT(irq[i]))));
		card[i]->wants = false;
	}
	irq_set(&card[5]->intx, true);
	irq_set(&card[1]->intx, false);
	assert_true(m.pc.wire[11].level); /* the other function still pulls */
	irq_set(&card[0]->intx, true);	  /* wired to nothing */
	devices_reset(&set);
	for (unsigned irq = 0; irq < 16; irq++)
		assert_false(m.pc.wire[irq].level);
	device_print_resources(&card_slots[3], text, sizeof(text));
	assert_string_equal(text, "PCI 00:04.3, INTC");
	devices_destroy(&set);
}

/* --- Saved and loaded */

static u8 stream[4096];
static u32 stream_at;

static bool write_stream(void *ctx, void *bytes, u32 n)
{
	(void)ctx;
	memcpy(stream + stream_at, bytes, n);
	stream_at += n;
	return true;
}

static bool read_stream(void *ctx, void *bytes, u32 n)
{
	(void)ctx;
	memcpy(bytes, stream + stream_at, n);
	stream_at += n;
	return true;
}

/* A card that is loaded first has pulled its line by the old routing; the bridge's own moves it. A
 * register that software cannot write is not loaded. */
static void test_state(void **state)
{
	static struct snap snap;
	struct machine m;

	(void)state;
	setup(&m);
	put(&m, 1, 0, 0x62, 1, 5);
	m.isa.pci.config[PCI_VENDOR] = 0x12;
	stream_at = 0;
	snap_save_to(&snap, write_stream, NULL);
	snap_begin(&snap, "isa bridge", piix3_class.version);
	piix3_class.state(&m.isa, &snap);
	snap_end(&snap);
	assert_true(snap_finish(&snap));

	setup(&m);
	irq_set(&m.pirq[2], true);
	assert_true(m.pc.wire[11].level);
	stream_at = 0;
	snap_load_from(&snap, read_stream, NULL);
	assert_true(snap_begin(&snap, "isa bridge", piix3_class.version));
	piix3_class.state(&m.isa, &snap);
	snap_end(&snap);
	assert_true(snap_finish(&snap));
	assert_false(m.pc.wire[11].level);
	assert_true(m.pc.wire[5].level);
	assert_int_equal(get(&m, 1, 0, 0, 4), 0x70008086);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mechanism), cmocka_unit_test(test_identity),
		cmocka_unit_test(test_header),	  cmocka_unit_test(test_routing),
		cmocka_unit_test(test_slots),	  cmocka_unit_test(test_state),
	};

	return cmocka_run_group_tests_name("pci", tests, NULL, NULL);
}
