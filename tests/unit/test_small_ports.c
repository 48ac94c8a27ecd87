/* SPDX-License-Identifier: MIT */
/*
 * The board's small devices: port 92h and CF9h, debug ports, FERR, wired-or interrupt lines.
 * Alone: make build/unit/test_small_ports && build/unit/test_small_ports
 */
#include "emu/chip/debug_ports.h"
#include "emu/chip/ferr.h"
#include "emu/dev/irq_or.h"
#include "emu/chip/reset_control.h"
#include "kernel/base/error.h"
#include "tests/unit/pc_fixture.h"

static struct {
	unsigned resets, inits, exits;
	const char *why;
	u32 code;
	char text[16];
	unsigned len;
} seen;

static void reset(void *ctx, const char *why)
{
	(void)ctx;
	seen.resets++;
	seen.why = why;
}

static void cpu_init(void *ctx, const char *why)
{
	(void)ctx;
	seen.inits++;
	seen.why = why;
}

static void tx(void *ctx, u8 byte)
{
	(void)ctx;
	seen.text[seen.len++] = (char)byte;
}

static void exit_code(void *ctx, u32 code)
{
	(void)ctx;
	seen.exits++;
	seen.code = code;
}

static void setup(struct pc *p)
{
	memset(&seen, 0, sizeof(seen));
	pc_init(p);
	p->host.reset = reset;
	p->host.cpu_init = cpu_init;
	p->host.debug_tx = tx;
	p->host.exit_code = exit_code;
}

static void test_reset_control(void **state)
{
	struct pc p;
	struct reset_control r;

	(void)state;
	setup(&p);
	p.a20.held = 0;
	pc_plug(&p, &reset_control_class, &r);
	assert_int_equal(in8(&p, 0x92), 0);
	out8(&p, 0x92, 0x02);
	assert_true(p.a20.held);
	out8(&p, 0x92, 0xfe);
	assert_int_equal(p.a20_changes, 1);
	assert_int_equal(in8(&p, 0x92), 0x02);
	out8(&p, 0x92, 0x03);
	assert_int_equal(seen.inits, 1);
	assert_string_equal(seen.why, "INIT (port 92h)");
	assert_int_equal(in8(&p, 0x92), 0x02);
	out8(&p, 0x92, 0x03);
	assert_int_equal(seen.inits, 2);
	reset_control_class.reset(&r);
	assert_int_equal(in8(&p, 0x92), 0x02); /* the 8042's reset decides */
	/* CF9h: the reset goes with the rising edge of bit 2, and is INIT without bit 1. */
	reset_control_write_cf9(&r, 0x04);
	assert_int_equal(seen.inits, 3);
	assert_string_equal(seen.why, "INIT (port CF9h)");
	assert_int_equal(reset_control_read_cf9(&r), 0);
	reset_control_write_cf9(&r, 0x02);
	assert_int_equal(seen.resets, 0);
	reset_control_write_cf9(&r, 0xfe);
	assert_int_equal(seen.resets, 1);
	assert_string_equal(seen.why, "reset (port CF9h)");
	assert_int_equal(reset_control_read_cf9(&r), 0x06);
	reset_control_write_cf9(&r, 0x06);
	assert_int_equal(seen.resets, 1);
	assert_int_equal(seen.inits, 3);
}

static void test_debug_ports(void **state)
{
	struct pc p;
	struct debug_ports d;

	(void)state;
	setup(&p);
	pc_plug(&p, &debug_text_class, &d);
	out8(&p, 0x402, 'h');
	out8(&p, 0xe9, 'i');
	assert_string_equal(seen.text, "hi");
	assert_int_equal(in8(&p, 0x402), 0xe9);
	assert_int_equal(in8(&p, 0xe9), 0xe9);
	out32(&p, 0x501, 7); /* not offered */
	assert_int_equal(seen.exits, 0);
	assert_int_equal(in8(&p, 0x501), 0xff);
	pc_plug(&p, &debug_exit_class, &d);
	out32(&p, 0x501, 0x12345678);
	assert_int_equal(seen.code, 0x12345678);
	out8(&p, 0x501, 0x31);
	assert_int_equal(seen.code, 0x31);
	assert_int_equal(seen.exits, 2);
}

static void test_ferr(void **state)
{
	struct pc p;
	struct ferr f;

	(void)state;
	pc_init(&p);
	pc_plug(&p, &ferr_class, &f);
	ferr_set(&f, true);
	ferr_set(&f, true);
	assert_true(p.wire[13].level);
	out8(&p, 0xf1, 0);
	assert_true(p.wire[13].level);
	out8(&p, 0xf0, 0);
	assert_false(p.wire[13].level);
	out8(&p, 0xf0, 0);
	assert_int_equal(p.wire[13].rises, 1);
}

static void test_irq_or(void **state)
{
	struct pc p;
	struct irq_or o = { .sources = { 0 } };
	struct irq_line a, b, c, more;

	(void)state;
	pc_init(&p);
	o.out = pc_wire(&p, 0);
	assert_int_equal(irq_or_source(&o, 4, &a), 0);
	assert_int_equal(irq_or_source(&o, 4, &b), 0);
	assert_int_equal(irq_or_source(&o, 3, &c), 0);
	irq_set(&a, true);
	irq_set(&b, true);
	irq_set(&a, false);
	assert_true(p.wire[4].level);
	assert_false(p.wire[3].level);
	irq_set(&b, false);
	assert_false(p.wire[4].level);
	assert_int_equal(p.wire[4].rises, 1);
	irq_set(&c, true);
	irq_set(&c, true);
	assert_int_equal(p.wire[3].rises, 1);
	/* 32 sources a line, 16 lines. */
	for (unsigned i = 1; i < 32; i++)
		assert_int_equal(irq_or_source(&o, 3, &more), 0);
	assert_int_equal(irq_or_source(&o, 3, &more), E_FULL);
	assert_int_equal(irq_or_source(&o, 16, &more), E_INVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reset_control),
		cmocka_unit_test(test_debug_ports),
		cmocka_unit_test(test_ferr),
		cmocka_unit_test(test_irq_or),
	};

	return cmocka_run_group_tests_name("small_ports", tests, NULL, NULL);
}
