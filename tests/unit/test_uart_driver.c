/* SPDX-License-Identifier: MIT */
/*
 * The driver of the machine's console line on a model of the chip that loses what a real one loses:
 * output into a FIFO that is not empty, input into one that is full. An interrupt, or an NMI, that
 * prints comes at every register access. Alone: make build/unit/test_uart_driver &&
 * build/unit/test_uart_driver
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "drivers/lib/uart_driver.h"

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCRATCH };
#define FIFO	16u
#define MCR_RTS 2u
#define ROOM	1024u /* of the monitor's ring */

static struct {
	u8 reg[8];
	u8 tx[FIFO], rx[FIFO];
	unsigned tx_used, rx_used;
	unsigned looks; /* at LSR until the transmitter empties again: the line's speed */
	unsigned speed;
	bool stalled, cts, breaks, overrun, thre_told;
	char line[1 << 20]; /* what went out */
	size_t sent, lost_out, lost_in;
	u8 taken[1 << 18];
	size_t got, breaks_got, ring;
	unsigned types;		   /* bytes that the far end still sends, as fast as we do */
	unsigned accesses, nmi_at; /* the NMI comes at this access; 0: none */
} chip;

static struct uart_driver uart;
static u8 queue[4096];

static void nmi(void)
{
	if (chip.nmi_at && ++chip.accesses == chip.nmi_at)
		uart_driver_write_now(&uart, "<dump of more than a FIFO>\n", 27, true);
}

static void transmit(void)
{
	memcpy(chip.line + chip.sent, chip.tx, chip.tx_used);
	chip.sent += chip.tx_used;
	assert_true(chip.sent < sizeof(chip.line) - FIFO);
	chip.tx_used = 0;
	chip.thre_told = false;
	for (unsigned i = 0; i < FIFO && chip.types; i++, chip.types--) {
		if (chip.rx_used < FIFO)
			chip.rx[chip.rx_used++] = (u8)chip.types;
		else
			chip.lost_in++;
	}
}

static u8 line_status(void)
{
	u8 v = (u8)((chip.rx_used ? 1 : 0) | (chip.overrun ? 2 : 0) | (chip.breaks ? 0x10 : 0));

	chip.overrun = chip.breaks = false;
	if (chip.tx_used && !chip.stalled && chip.looks++ >= chip.speed)
		transmit();
	return (u8)(v | (chip.tx_used ? 0 : 0x60));
}

static u8 interrupt_id(void)
{
	if (chip.reg[IER] & 4 && (chip.breaks || chip.overrun))
		return 0xc6;
	if (chip.reg[IER] & 1 && chip.rx_used)
		return 0xc4;
	if (chip.reg[IER] & 2 && !chip.tx_used && !chip.thre_told)
		return 0xc2;
	return 0xc1;
}

static u8 in(struct uart_driver *u, unsigned reg)
{
	u8 v;

	(void)u;
	nmi();
	switch (reg) {
	case DATA:
		v = chip.rx[0];
		if (chip.rx_used)
			memmove(chip.rx, chip.rx + 1, --chip.rx_used);
		return v;
	case IIR:
		v = interrupt_id();
		chip.thre_told = chip.thre_told || v == 0xc2;
		return v;
	case LSR:
		return line_status();
	case MSR:
		return chip.cts ? 0x10 : 0;
	default:
		return chip.reg[reg];
	}
}

static void out(struct uart_driver *u, unsigned reg, u8 value)
{
	(void)u;
	nmi();
	if (reg == IER && value & ~chip.reg[IER] & 2)
		chip.thre_told = false;
	if (reg != DATA || chip.reg[LCR] & 0x80) {
		chip.reg[reg] = value;
		return;
	}
	chip.looks = 0;
	if (chip.tx_used == FIFO)
		chip.lost_out++;
	else
		chip.tx[chip.tx_used++] = value;
}

static void input(struct uart_driver *u, u8 byte)
{
	(void)u;
	assert_true(chip.ring < ROOM);
	chip.ring++;
	chip.taken[chip.got++] = byte;
}

static void input_break(struct uart_driver *u)
{
	(void)u;
	chip.breaks_got++;
}

static u32 input_room(struct uart_driver *u)
{
	(void)u;
	return ROOM - (u32)chip.ring;
}

static const struct uart_ops ops = { in, out, input, input_break, input_room };

static void setup(void)
{
	memset(&chip, 0, sizeof(chip));
	chip.cts = true;
	chip.reg[IIR] = 0xc1;
	assert_true(uart_driver_init(&uart, &ops, queue, sizeof(queue)));
	assert_int_equal(uart.fifo, FIFO);
	uart_driver_enable(&uart);
}

static void run_interrupts(void)
{
	while (interrupt_id() != 0xc1)
		uart_driver_interrupt(&uart);
}

/* The line sends what it has; the interrupt comes. */
static void drain(void)
{
	for (unsigned i = 0; i < 100000 && (chip.tx_used || ring_used(&uart.queue)); i++) {
		transmit();
		run_interrupts();
	}
	assert_int_equal(ring_used(&uart.queue), 0);
}

static void say(const char *text)
{
	uart_driver_write(&uart, text, strlen(text), true);
}

/* From the far end: true if the chip had room. */
static bool receive(u8 byte)
{
	bool room = chip.rx_used < FIFO;

	if (room)
		chip.rx[chip.rx_used++] = byte;
	else
		chip.lost_in++;
	run_interrupts();
	return room;
}

static u8 nothing(struct uart_driver *u, unsigned reg)
{
	(void)u;
	(void)reg;
	return 0xff;
}

static void test_start(void **state)
{
	static const struct uart_ops no_chip = { .in = nothing, .out = out };

	(void)state;
	setup();
	assert_int_equal(chip.reg[MCR], 0x0b);
	assert_int_equal(chip.reg[IER], 5);
	assert_false(uart_driver_init(&uart, &no_chip, queue, sizeof(queue)));
}

#define TYPED 300u

/* What is typed while a text of ours waits for room in the queue is not lost. */
static void test_input_during_output(void **state)
{
	static char text[2 * sizeof(queue)];

	(void)state;
	setup();
	chip.speed = 100; /* looks for 16 bytes */
	memset(text, 'x', sizeof(text));
	chip.types = TYPED;
	uart_driver_write(&uart, text, sizeof(text), false);
	run_interrupts();
	assert_int_equal(chip.types, 0);
	assert_int_equal(chip.lost_in, 0);
	assert_int_equal(chip.got, TYPED);
	for (unsigned i = 0; i < TYPED; i++)
		assert_int_equal(chip.taken[i], (u8)(TYPED - i));
	drain();
	assert_int_equal(chip.sent, sizeof(text));
	assert_int_equal(chip.lost_out, 0);
}

/* No interrupt and no waiting where the line takes everything; a slow one is fed by interrupts. */
static void test_output(void **state)
{
	(void)state;
	setup();
	chip.speed = 0;
	say("one\n");
	say("two\n");
	drain();
	assert_memory_equal(chip.line, "one\r\ntwo\r\n", 10);
	assert_int_equal(chip.sent, 10);
	chip.stalled = true;
	for (unsigned i = 0; i < 100; i++)
		say("0123456789\n");
	assert_int_equal(chip.sent, 10);
	assert_true(chip.reg[IER] & 2);
	chip.stalled = false;
	drain();
	assert_int_equal(chip.sent, 10 + 1200);
	assert_false(chip.reg[IER] & 2);
	assert_int_equal(chip.lost_out, 0);
}

/* A dead transmitter costs its time once, loses what has no place, and lives again. */
static void test_dead(void **state)
{
	(void)state;
	setup();
	chip.stalled = true;
	for (unsigned i = 0; i < 1000; i++)
		say("0123456789\n");
	assert_true(uart.dead);
	assert_int_equal(uart.lost, 12000 - sizeof(queue) - FIFO);
	chip.stalled = false;
	drain();
	assert_int_equal(chip.sent, sizeof(queue) + FIFO);
	say("again\n");
	drain();
	assert_false(uart.dead);
	assert_memory_equal(chip.line + chip.sent - 7, "again\r\n", 7);
}

/* An NMI's dump at each register access in turn: everything comes out, in its order, and whole. */
static void test_print_in_print(void **state)
{
	static const char dump[] = "<dump of more than a FIFO>\r\n";
	static const char text[] = "abcdefghijklmnopqrstuvwxyz0123456789\r\n";
	unsigned at;

	(void)state;
	for (at = 1; at < 1000; at++) {
		char *found;

		setup();
		chip.speed = 3;
		chip.nmi_at = at;
		say("abcdefghijklmnopqrstuvwxyz0123456789\n");
		say("abcdefghijklmnopqrstuvwxyz0123456789\n");
		drain();
		if (chip.accesses < at)
			break;
		assert_int_equal(chip.lost_out, 0);
		assert_true(uart.room <= FIFO);
		found = strstr(chip.line, dump);
		assert_non_null(found);
		memmove(found, found + sizeof(dump) - 1, strlen(found + sizeof(dump) - 1) + 1);
		assert_memory_equal(chip.line, text, sizeof(text) - 1);
		assert_string_equal(chip.line + sizeof(text) - 1, text);
		memset(chip.line, 0, sizeof(chip.line));
	}
	assert_true(at > 40 && at < 1000);
}

/* The three steps, for a sender that looks at RTS late, and one that looks only at the FIFO. */
static void test_hold_input(void **state)
{
	(void)state;
	for (unsigned late = 0; late <= 300; late += 100) {
		unsigned sent = 0, after = 0;

		setup();
		while (sent < 60000) {
			bool rts = chip.reg[MCR] & MCR_RTS;

			after = rts ? 0 : after + 1;
			if (rts || after <= late)
				assert_true(receive((u8)(sent++ * 7)));
			if (after > late || sent % 3000 == 0) { /* somebody takes what is there */
				assert_true(chip.ring);
				chip.ring = 0;
				uart_driver_input_taken(&uart);
				assert_true(chip.reg[MCR] & MCR_RTS);
			}
		}
		assert_int_equal(chip.got, sent);
		for (unsigned i = 0; i < sent; i++)
			assert_int_equal(chip.taken[i], (u8)(i * 7));
		assert_int_equal(chip.lost_in, 0);
	}

	/* QEMU's: stops when the FIFO is full, and goes on when it is not. */
	unsigned sent = 0;

	setup();
	while (sent < 60000) {
		while (sent < 60000 && chip.rx_used < FIFO)
			receive((u8)sent++);
		chip.ring -= MIN(chip.ring, (size_t)700);
		uart_driver_input_taken(&uart);
		run_interrupts();
	}
	chip.ring = 0;
	uart_driver_input_taken(&uart);
	run_interrupts();
	assert_int_equal(chip.got, sent);
	assert_int_equal(chip.lost_in, 0);
}

static void test_xon(void **state)
{
	(void)state;
	setup();
	uart_driver_set_flow(&uart, CONSOLE_FLOW_XON);
	while (!chip.sent && !chip.tx_used)
		receive('x');
	drain();
	assert_int_equal(chip.line[0], 0x13);
	chip.ring = 0;
	uart_driver_input_taken(&uart);
	drain();
	assert_int_equal(chip.line[1], 0x11);
	assert_int_equal(chip.sent, 2);
	/* The other way round: silence until XON, and neither of them is input. */
	size_t got = chip.got;

	receive(0x13);
	say("quiet");
	transmit();
	run_interrupts();
	assert_int_equal(chip.sent, 2);
	assert_false(chip.reg[IER] & 2);
	receive(0x11);
	drain();
	assert_memory_equal(chip.line + 2, "quiet", 5);
	assert_int_equal(chip.got, got);
}

static void test_cts(void **state)
{
	(void)state;
	setup();
	uart_driver_set_flow(&uart, CONSOLE_FLOW_RTSCTS);
	assert_true(chip.reg[IER] & 8);
	chip.cts = false;
	say("quiet");
	transmit();
	assert_int_equal(chip.sent, 0);
	chip.cts = true;
	uart_driver_interrupt(&uart);
	drain();
	assert_memory_equal(chip.line, "quiet", 5);
}

/* Who shares an interrupt line is asked for: a byte that came, until it is taken. */
static void test_asks(void **state)
{
	(void)state;
	setup();
	assert_false(uart_driver_asks(&uart));
	chip.rx[chip.rx_used++] = 'a';
	assert_true(uart_driver_asks(&uart));
	uart_driver_interrupt(&uart);
	assert_false(uart_driver_asks(&uart));
	assert_int_equal(chip.got, 1);
}

/* BREAK is told once, its NUL is no input wherever it lies in the FIFO, no data goes with it, and a
 * look for room to send does not hide it. */
static void test_break(void **state)
{
	(void)state;
	setup();
	chip.rx[0] = 0;
	chip.rx_used = 1;
	chip.breaks = true;
	run_interrupts();
	assert_int_equal(chip.breaks_got, 1);
	assert_int_equal(chip.got, 0);
	memcpy(chip.rx, "ab\0", 3); /* QEMU: told at once, the NUL is behind what waits */
	chip.rx_used = 3;
	chip.breaks = true;
	chip.tx_used = 1;
	say("text"); /* reads LSR first */
	transmit();
	run_interrupts();
	uart_driver_interrupt(&uart);
	assert_int_equal(chip.breaks_got, 2);
	assert_int_equal(chip.got, 2);
	assert_memory_equal(chip.taken, "ab", 2);
	/* Held back, the FIFO full: BREAK still comes. */
	for (unsigned i = 0; chip.rx_used < FIFO; i++)
		receive('x');
	assert_true(uart.held);
	chip.breaks = chip.overrun = true;
	run_interrupts();
	assert_int_equal(chip.breaks_got, 3);
	assert_int_equal(chip.rx_used, FIFO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_input_during_output),
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_dead),
		cmocka_unit_test(test_print_in_print),
		cmocka_unit_test(test_hold_input),
		cmocka_unit_test(test_xon),
		cmocka_unit_test(test_cts),
		cmocka_unit_test(test_asks),
		cmocka_unit_test(test_break),
	};

	return cmocka_run_group_tests_name("uart_driver", tests, NULL, NULL);
}
