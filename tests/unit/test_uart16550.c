/* SPDX-License-Identifier: MIT */
/*
 * The 16550A against its data sheet, and the probes by which Linux's 8250 driver finds out what it
 * has. Alone: make build/unit/test_uart16550 && build/unit/test_uart16550
 */
#include "emu/chip/uart16550.h"
#include "tests/unit/pc_fixture.h"

#define BASE 0x3f8
enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR };
#define FCR IIR

struct machine {
	struct pc pc;
	struct uart16550 uart;
	u8 sent[512];
	unsigned sent_len;
	bool slow; /* the line */
};

static bool tx(void *ctx, unsigned port, u8 byte)
{
	struct machine *m = ctx;

	assert_int_equal(port, 0);
	m->sent[m->sent_len++ % sizeof(m->sent)] = byte;
	return !m->slow;
}

static void setup(struct machine *m)
{
	pc_init(&m->pc);
	m->sent_len = 0;
	m->slow = false;
	m->pc.host.serial_tx = tx;
	m->pc.host.ctx = m;
	pc_plug(&m->pc, &uart16550_class, &m->uart);
}

static u8 get(struct machine *m, u16 r)
{
	return in8(&m->pc, BASE + r);
}

static void put(struct machine *m, u16 r, u8 v)
{
	out8(&m->pc, BASE + r, v);
}

static bool line(struct machine *m)
{
	return m->pc.wire[4].level;
}

/* A driver's usual start: 115200 8N1, FIFOs on with trigger level 14, OUT2. */
static void open_port(struct machine *m, u8 ier)
{
	setup(m);
	put(m, LCR, 0x83);
	put(m, RBR, 1);
	put(m, IER, 0);
	put(m, LCR, 0x03);
	put(m, FCR, 0xc7);
	put(m, MCR, 0x0b);
	get(m, MSR);
	put(m, IER, ier);
}

static void test_registers(void **state)
{
	static const struct {
		u16 reg;
		u8 write, read;
	} t[] = { { IER, 0xff, 0x0f }, { IER, 0x00, 0x00 }, { LCR, 0x7f, 0x7f },
		  { LCR, 0x00, 0x00 }, { MCR, 0xff, 0x1f }, { MCR, 0x00, 0x00 },
		  { SCR, 0xa5, 0xa5 }, { LSR, 0x00, 0x60 } };
	struct machine m;

	(void)state;
	setup(&m);
	assert_int_equal(get(&m, IER), 0);
	assert_int_equal(get(&m, IIR), 0x01);
	assert_int_equal(get(&m, LSR), 0x60);
	assert_int_equal(get(&m, MSR), 0xb0); /* CTS DSR DCD, nothing changed */
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		put(&m, t[i].reg, t[i].write);
		assert_int_equal(get(&m, t[i].reg), t[i].read);
	}
	put(&m, LCR, 0x80);
	put(&m, RBR, 0x34);
	put(&m, IER, 0x12);
	assert_int_equal(get(&m, RBR), 0x34);
	assert_int_equal(get(&m, IER), 0x12);
	assert_int_equal(m.uart.divisor, 0x1234);
	put(&m, LCR, 0x03);
	assert_int_equal(get(&m, IER), 0);
	assert_int_equal(m.sent_len, 0);
}

static void test_transmit(void **state)
{
	struct machine m;

	(void)state;
	open_port(&m, 0);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(get(&m, LSR), 0x60);
		put(&m, RBR, (u8)i);
	}
	assert_int_equal(m.sent_len, 100);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(m.sent[i], i);
	assert_int_equal(m.pc.wire[4].rises, 0);

	/* THRE interrupt: at enabling, after reading IIR not again, after writing THR again. */
	put(&m, IER, 0x02);
	assert_true(line(&m));
	assert_int_equal(get(&m, IIR), 0xc2);
	assert_false(line(&m));
	assert_int_equal(get(&m, IIR), 0xc1);
	for (unsigned i = 0; i < 16; i++)
		put(&m, RBR, 'x');
	assert_true(line(&m));
	assert_int_equal(get(&m, IIR), 0xc2);
	assert_int_equal(get(&m, IIR), 0xc1);
	/* A driver that writes without reading IIR still sees a new edge. */
	put(&m, RBR, 'x');
	unsigned rises = m.pc.wire[4].rises;
	put(&m, RBR, 'x');
	assert_int_equal(m.pc.wire[4].rises, rises + 1);
	put(&m, IER, 0);
	assert_false(line(&m));
	/* Disabled and enabled again: empty is empty. */
	put(&m, IER, 0x02);
	assert_int_equal(get(&m, IIR), 0xc2);
	/* OUT2 is an output like others: there is no gate behind the interrupt. */
	put(&m, RBR, 'x');
	assert_true(line(&m));
	put(&m, MCR, 0x03);
	assert_true(line(&m));
	assert_int_equal(get(&m, IIR), 0xc2);
	assert_false(line(&m));
}

static void test_receive_levels(void **state)
{
	static const u8 levels[4] = { 1, 4, 8, 14 };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct machine m;

		open_port(&m, 0x01);
		put(&m, FCR, (u8)(i << 6 | 1));
		for (unsigned n = 1; n <= 16; n++) {
			assert_true(uart16550_rx(&m.uart, (u8)n));
			assert_int_equal(line(&m), n >= levels[i]);
			assert_int_equal(get(&m, IIR), n >= levels[i] ? 0xc4 : 0xc1);
			assert_int_equal(get(&m, LSR), 0x61);
		}
		assert_false(uart16550_rx(&m.uart, 17));
		for (unsigned n = 1; n <= 16; n++) {
			assert_int_equal(get(&m, RBR), n);
			assert_int_equal(line(&m), 16 - n >= levels[i]);
		}
		assert_int_equal(get(&m, LSR), 0x60);
		assert_int_equal(m.uart.overruns, 0);
	}
	/* 16450 mode: one byte, no FIFO bits. */
	struct machine m;

	open_port(&m, 0x01);
	put(&m, FCR, 0);
	assert_true(uart16550_rx(&m.uart, 1));
	assert_false(uart16550_rx(&m.uart, 2));
	assert_int_equal(get(&m, IIR), 0x04);
	assert_int_equal(get(&m, RBR), 1);
	assert_int_equal(get(&m, IIR), 0x01);
}

/* Below the trigger level the timeout tells, after four characters: 40 bits at 115200, 44 bits at
 * 9600 with parity. */
static void test_timeout(void **state)
{
	static const struct {
		u8 divisor, lcr;
		u64 ns;
	} t[] = { { 1, 0x03, 347223 }, { 12, 0x0b, 4583334 }, { 12, 0x00, 2916667 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		struct machine m;

		open_port(&m, 0x01);
		put(&m, LCR, 0x80);
		put(&m, RBR, t[i].divisor);
		put(&m, LCR, t[i].lcr);
		assert_true(uart16550_rx(&m.uart, 'a'));
		run_for(&m.pc, t[i].ns / 2);
		assert_true(uart16550_rx(&m.uart, 'b')); /* starts it anew */
		run_for(&m.pc, t[i].ns - 1);
		assert_false(line(&m));
		run_for(&m.pc, 1);
		assert_true(line(&m));
		assert_int_equal(get(&m, IIR), 0xcc);
		assert_int_equal(get(&m, IIR), 0xcc);
		assert_int_equal(get(&m, RBR), 'a');
		assert_false(line(&m));
		run_for(&m.pc, t[i].ns);
		assert_int_equal(get(&m, IIR), 0xcc);
		assert_int_equal(get(&m, RBR), 'b');
		run_for(&m.pc, 10 * t[i].ns);
		assert_int_equal(get(&m, IIR), 0xc1);
		assert_true(list_empty(&m.pc.timers.queue));
	}
}

static void test_priorities(void **state)
{
	struct machine m;

	(void)state;
	open_port(&m, 0x0f);
	uart16550_modem(&m.uart, 0x20);
	uart16550_rx(&m.uart, 'q');
	uart16550_break(&m.uart);
	for (unsigned i = 0; i < 12; i++)
		uart16550_rx(&m.uart, 'r');
	put(&m, RBR, 'x');
	assert_int_equal(get(&m, IIR), 0xc4); /* 14 bytes; the break is not yet at the top */
	assert_int_equal(get(&m, LSR), 0xe1); /* but somewhere in the FIFO */
	assert_int_equal(get(&m, RBR), 'q');
	assert_int_equal(get(&m, IIR), 0xc6); /* line status first */
	assert_int_equal(get(&m, LSR),
			 0xf9); /* break and framing error, at the top and in the FIFO */
	assert_int_equal(get(&m, LSR), 0x61);
	assert_int_equal(get(&m, IIR), 0xc2); /* 13 bytes: below the level */
	assert_int_equal(get(&m, IIR), 0xc0); /* modem status comes last */
	assert_int_equal(get(&m, MSR), 0x29); /* CTS and DCD changed */
	assert_int_equal(get(&m, IIR), 0xc1);
	assert_false(line(&m));
	run_for(&m.pc, MS);
	assert_int_equal(get(&m, IIR), 0xcc);
	assert_int_equal(get(&m, RBR), 0);
	put(&m, FCR, 0xc3);
	assert_int_equal(get(&m, LSR), 0x60);
	assert_int_equal(get(&m, IIR), 0xc1);
	/* RI tells of its trailing edge only. */
	uart16550_modem(&m.uart, 0x60);
	assert_int_equal(get(&m, MSR), 0x60);
	uart16550_modem(&m.uart, 0x20);
	assert_int_equal(get(&m, MSR), 0x24);
}

static void test_loopback(void **state)
{
	struct machine m;

	(void)state;
	open_port(&m, 0x0f);
	get(&m, IIR);
	put(&m, MCR, 0x18);
	get(&m, MSR);
	/* Outputs to inputs: DTR DSR, RTS CTS, OUT1 RI, OUT2 DCD. */
	static const u8 map[][2] = {
		{ 0x11, 0x20 }, { 0x12, 0x10 }, { 0x14, 0x40 }, { 0x18, 0x80 }, { 0x10, 0 }
	};
	for (unsigned i = 0; i < ARRAY_SIZE(map); i++) {
		put(&m, MCR, map[i][0]);
		assert_int_equal(get(&m, MSR) & 0xf0, map[i][1]);
	}
	put(&m, MCR, 0x18);
	get(&m, MSR);
	for (u8 i = 0; i < 16; i++)
		put(&m, RBR, i);
	assert_int_equal(m.sent_len, 0);
	put(&m, RBR, 99);
	assert_int_equal(get(&m, IIR), 0xc6);
	assert_int_equal(get(&m, LSR), 0x63); /* overrun: the FIFO keeps its 16 */
	assert_true(line(&m));		      /* a driver tests its interrupt this way */
	for (u8 i = 0; i < 16; i++)
		assert_int_equal(get(&m, RBR), i);
	assert_false(uart16550_rx(&m.uart, 'z')); /* the wire is cut: it stays outside */
	assert_int_equal(get(&m, LSR), 0x60);
	put(&m, LCR, 0x43);
	assert_int_equal(get(&m, LSR), 0xf9);
	/* 16450: the receiver is overwritten. */
	put(&m, LCR, 0x03);
	put(&m, FCR, 0);
	put(&m, RBR, 1);
	put(&m, RBR, 2);
	assert_int_equal(get(&m, LSR), 0x63);
	assert_int_equal(get(&m, RBR), 2);
}

/* Linux, serial8250 autoconfig(), autoconfig_16550a() and the tests of serial8250_do_startup(). */
static void test_linux_probe(void **state)
{
	struct machine m;
	u8 iir1, iir2;

	(void)state;
	setup(&m);
	put(&m, IER, 0);
	assert_int_equal(get(&m, IER) & 0x0f, 0);
	put(&m, IER, 0x0f);
	assert_int_equal(get(&m, IER) & 0x0f, 0x0f);
	put(&m, IER, 0);
	put(&m, MCR, 0x1a); /* LOOP | OUT2 | RTS */
	assert_int_equal(get(&m, MSR) & 0xf0, 0x90);
	put(&m, MCR, 0);
	put(&m, LCR, 0xbf); /* no enhanced feature register */
	put(&m, 2, 0);
	put(&m, LCR, 0);
	put(&m, FCR, 0x01);
	assert_int_equal(get(&m, IIR) >> 6, 3); /* 16550A */
	put(&m, LCR, 0x80);
	assert_int_not_equal(get(&m, 2), 0);
	put(&m, LCR, 0);
	put(&m, FCR, 0x21);
	assert_int_equal(get(&m, IIR) >> 5, 6); /* not a 16750 */
	put(&m, LCR, 0x80);
	put(&m, FCR, 0x21);
	assert_int_equal(get(&m, IIR) >> 5, 6);
	put(&m, LCR, 0);
	put(&m, IER, 0x40);
	assert_int_equal(get(&m, IER) & 0x40, 0); /* not an XScale */
	/* THRE test: re-enabling THRI gives the interrupt again. */
	put(&m, MCR, 0x08);
	put(&m, IER, 0x02);
	iir1 = get(&m, IIR);
	put(&m, IER, 0);
	put(&m, IER, 0x02);
	iir2 = get(&m, IIR);
	put(&m, IER, 0);
	assert_false(iir1 & 1);
	assert_false(iir2 & 1);
	/* UART_BUG_TXEN test. */
	put(&m, IER, 0x02);
	assert_true(get(&m, LSR) & 0x40);
	assert_false(get(&m, IIR) & 1);
}

/* A line that does not keep up: THR and the shift register stay full, the interrupt comes when the
 * line is ready, and what a driver writes without waiting is not lost. */
static void test_slow_line(void **state)
{
	struct machine m;

	(void)state;
	open_port(&m, 0x02);
	assert_int_equal(get(&m, IIR), 0xc2);
	m.slow = true;
	put(&m, RBR, 'a');
	assert_false(line(&m));
	assert_int_equal(get(&m, IIR), 0xc1);
	assert_int_equal(get(&m, LSR), 0x00);
	for (unsigned i = 0; i < 100; i++)
		put(&m, RBR, 'b');
	assert_int_equal(m.sent_len, 101);
	assert_false(line(&m));
	put(&m, IER, 0x00); /* enabling the interrupt gives none while THR is full */
	put(&m, IER, 0x02);
	assert_false(line(&m));
	m.slow = false;
	uart16550_tx_ready(&m.uart);
	assert_int_equal(get(&m, LSR), 0x60);
	assert_true(line(&m));
	assert_int_equal(get(&m, IIR), 0xc2);
	uart16550_tx_ready(&m.uart); /* once */
	assert_int_equal(get(&m, IIR), 0xc1);
	m.slow = true;
	put(&m, RBR, 'c');
	uart16550_class.reset(&m.uart);
	assert_int_equal(get(&m, LSR), 0x60);
}

/* Every byte that a paste of 64 KiB brings is there once and in order, whatever the guest does with
 * its port in between: FIFO off and on, loopback, RTS where it is wired, long pauses. */
static void test_paste(void **state)
{
	enum { SIZE = 65536 };
	struct machine m;
	u32 seed = 1;
	unsigned in = 0, out = 0;

	(void)state;
	open_port(&m, 0x01);
	m.uart.rts_wired = true;
	while (out < SIZE) {
		seed = seed * 1664525 + 1013904223;
		while (in < SIZE && uart16550_rx(&m.uart, (u8)(in * 7 + (in >> 8))))
			in++;
		switch (seed >> 28) {
		case 0:
			put(&m, MCR, 0x1b); /* loopback */
			break;
		case 1:
			put(&m, MCR, 0x09); /* RTS off */
			break;
		case 2:
			run_for(&m.pc, MS);
			break;
		default:
			put(&m, MCR, 0x0b);
		}
		for (unsigned n = seed >> 24 & 15; n && get(&m, LSR) & 1; n--, out++)
			assert_int_equal(get(&m, RBR), (u8)(out * 7 + (out >> 8)));
	}
	assert_int_equal(in, SIZE);
	assert_int_equal(get(&m, LSR), 0x60);
	assert_int_equal(m.uart.overruns, 0);
	put(&m, MCR, 0x09);
	assert_false(uart16550_rx(&m.uart, 'x'));
	m.uart.rts_wired = false;
	assert_true(uart16550_rx(&m.uart, 'x'));
}

static void test_reset(void **state)
{
	struct machine m;

	(void)state;
	open_port(&m, 0x0f);
	uart16550_rx(&m.uart, 'a');
	assert_true(line(&m));
	uart16550_class.reset(&m.uart);
	assert_false(line(&m));
	assert_int_equal(get(&m, LSR), 0x60);
	assert_int_equal(get(&m, IER), 0);
	assert_int_equal(m.uart.divisor, 1);
	assert_true(list_empty(&m.pc.timers.queue));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers),      cmocka_unit_test(test_transmit),
		cmocka_unit_test(test_receive_levels), cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_priorities),     cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_linux_probe),    cmocka_unit_test(test_slow_line),
		cmocka_unit_test(test_paste),	       cmocka_unit_test(test_reset),
	};

	return cmocka_run_group_tests_name("uart16550", tests, NULL, NULL);
}
