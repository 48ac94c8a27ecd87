/* SPDX-License-Identifier: MIT */
/*
 * The I/O APIC against the 82093AA's data sheet, with the local APIC behind it: edges and levels,
 * masks, remote IRR, delivery modes, the registers.
 * Alone: make build/unit/test_ioapic && build/unit/test_ioapic
 */
#include "emu/chip/ioapic.h"
#include "emu/chip/lapic.h"
#include "tests/unit/pc_fixture.h"

static struct pc p;
static struct lapic l;
static struct ioapic io;

static void on_eoi(void *ctx, u8 vector, bool level)
{
	(void)ctx;
	if (level)
		ioapic_eoi(&io, vector);
}

static int setup(void **state)
{
	(void)state;
	pc_init(&p);
	pc_plug(&p, &lapic_class, &l);
	pc_plug(&p, &ioapic_class, &io);
	l.eoi = on_eoi;
	io.lapic = &l;
	return 0;
}

static u32 get(u32 reg)
{
	write32(&p, IOAPIC_BASE + IOAPIC_SELECT, reg);
	return read32(&p, IOAPIC_BASE + IOAPIC_WINDOW);
}

static void set(u32 reg, u32 value)
{
	write32(&p, IOAPIC_BASE + IOAPIC_SELECT, reg);
	write32(&p, IOAPIC_BASE + IOAPIC_WINDOW, value);
}

static void entry(unsigned pin, u32 low)
{
	set(IOAPIC_REDIR + 2 * pin, low);
}

static u32 low(unsigned pin)
{
	return get(IOAPIC_REDIR + 2 * pin);
}

/* Takes the interrupt that is pending, if there is one, and ends it. */
static int serve(void)
{
	int v = p.wire[0].level ? lapic_ack(&l) : -1;

	if (v >= 0)
		write32(&p, LAPIC_BASE + LAPIC_EOI, 0);
	return v;
}

static void pulse(unsigned pin)
{
	ioapic_set_pin(&io, pin, true);
	ioapic_set_pin(&io, pin, false);
}

static void test_registers(void **state)
{
	u8 b = 0x12;

	(void)state;
	assert_int_equal(get(IOAPIC_VERSION), 0x170020);
	assert_int_equal(get(IOAPIC_ID), 0);
	set(IOAPIC_ID, 0xff123456);
	assert_int_equal(get(IOAPIC_ID), 0x0f000000);
	assert_int_equal(get(IOAPIC_ARB), 0x0f000000);
	set(IOAPIC_VERSION, 0);
	assert_int_equal(get(IOAPIC_VERSION), 0x170020);
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
		assert_int_equal(low(pin), LVT_MASKED);
	entry(3, 0xffffffff);
	assert_int_equal(low(3), 0x1ffff & ~(LVT_REMOTE | LVT_PENDING));
	set(IOAPIC_REDIR + 7, 0xffffffff);
	assert_int_equal(get(IOAPIC_REDIR + 7), 0xff000000);
	assert_int_equal(get(IOAPIC_REDIR + 2 * IOAPIC_PINS), 0);
	set(IOAPIC_REDIR + 2 * IOAPIC_PINS, 1);
	gpmem_write(p.mem, IOAPIC_BASE + IOAPIC_SELECT, &b, 1); /* a byte will do */
	assert_int_equal(read32(&p, IOAPIC_BASE + IOAPIC_SELECT), 0x12);
}

static void test_edge(void **state)
{
	(void)state;
	pulse(4); /* masked: lost */
	entry(4, 0x34);
	assert_int_equal(serve(), -1);
	pulse(4);
	assert_int_equal(serve(), 0x34);
	ioapic_set_pin(&io, 4, true);
	assert_int_equal(serve(), 0x34);
	assert_int_equal(serve(), -1);
	entry(4, 0x35); /* a wire that is up makes no edge */
	assert_int_equal(serve(), -1);
	assert_int_equal(ioapic_vector(&io, 4), 0x35);
	assert_int_equal(ioapic_open(&io), BIT(4));
}

static void test_level(void **state)
{
	(void)state;
	ioapic_set_pin(&io, 10, true);
	entry(10, LVT_LEVEL | LVT_LOW | 0x50); /* polarity: the wire asks, whatever it is */
	assert_int_equal(low(10), LVT_LEVEL | LVT_LOW | LVT_REMOTE | 0x50);
	assert_int_equal(lapic_ack(&l), 0x50);
	ioapic_set_pin(&io, 10, false);
	ioapic_set_pin(&io, 10, true); /* in service: no second message */
	assert_false(p.wire[0].level);
	write32(&p, LAPIC_BASE + LAPIC_EOI, 0);
	assert_int_equal(serve(), 0x50); /* still up */
	assert_int_equal(lapic_ack(&l), 0x50);
	ioapic_set_pin(&io, 10, false);
	write32(&p, LAPIC_BASE + LAPIC_EOI, 0);
	assert_int_equal(serve(), -1);
	assert_int_equal(low(10), LVT_LEVEL | LVT_LOW | 0x50);
}

/* Masked while in service, it stays up to be sent after the mask, as Linux's handlers need it. */
static void test_mask_in_service(void **state)
{
	(void)state;
	entry(11, LVT_LEVEL | 0x51);
	ioapic_set_pin(&io, 11, true);
	assert_int_equal(lapic_ack(&l), 0x51);
	entry(11, LVT_LEVEL | LVT_MASKED | 0x51);
	write32(&p, LAPIC_BASE + LAPIC_EOI, 0);
	assert_false(p.wire[0].level);
	assert_int_equal(low(11), LVT_LEVEL | LVT_MASKED | 0x51);
	entry(11, LVT_LEVEL | 0x51);
	assert_int_equal(serve(), 0x51);
}

/* The ways to end a level without the local APIC: the EOI register, and edge for a moment. */
static void test_ends_by_itself(void **state)
{
	(void)state;
	entry(9, LVT_LEVEL | 0x61);
	ioapic_set_pin(&io, 9, true);
	ioapic_set_pin(&io, 9, false);
	assert_true(low(9) & LVT_REMOTE);
	write32(&p, IOAPIC_BASE + IOAPIC_EOI, 0x60);
	assert_true(low(9) & LVT_REMOTE);
	write32(&p, IOAPIC_BASE + IOAPIC_EOI, 0x61);
	assert_false(low(9) & LVT_REMOTE);
	ioapic_set_pin(&io, 9, true);
	assert_true(low(9) & LVT_REMOTE);
	entry(9, LVT_MASKED | 0x61);
	assert_false(low(9) & LVT_REMOTE);
}

static void test_nobody(void **state)
{
	(void)state;
	set(IOAPIC_REDIR + 2 * 5 + 1, 7u << 24); /* another processor's */
	entry(5, LVT_LEVEL | 0x55);
	ioapic_set_pin(&io, 5, true);
	assert_int_equal(serve(), -1);
	assert_false(low(5) & LVT_REMOTE);
	set(IOAPIC_REDIR + 2 * 5 + 1, 0); /* now ours, and still up */
	assert_int_equal(lapic_ack(&l), 0x55);
}

static void test_modes(void **state)
{
	(void)state;
	entry(2, DELIVER_NMI << 8);
	pulse(2);
	assert_int_equal(p.nmis, 1);
	assert_int_equal(ioapic_vector(&io, 2), 0);
	entry(0, LVT_EXTINT); /* virtual wire through the I/O APIC */
	write32(&p, LAPIC_BASE + LAPIC_LVT_LINT0, LVT_MASKED);
	ioapic_set_pin(&io, 0, true);
	assert_true(lapic_wants_pic(&l));
	assert_true(p.wire[0].level);
	entry(0, LVT_EXTINT | LVT_MASKED);
	assert_false(p.wire[0].level);
	entry(0, LVT_EXTINT);
	assert_true(p.wire[0].level);
	ioapic_set_pin(&io, 0, false);
	assert_false(p.wire[0].level);
	entry(3, DELIVER_SMI << 8); /* there is no SMM */
	pulse(3);
	assert_int_equal(serve(), -1);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_registers),	    TEST(test_edge),	       TEST(test_level),
		TEST(test_mask_in_service), TEST(test_ends_by_itself), TEST(test_nobody),
		TEST(test_modes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
