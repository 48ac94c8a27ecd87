/* SPDX-License-Identifier: MIT */
/*
 * Devices in plain words: a board is programmed by its ports as a kernel does it, and `info` must
 * say so. test_board_state.c looks at devices in states that nobody programs. Alone: make
 * build/unit/test_device_words && build/unit/test_device_words
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "emu/board/board.h"
#include "emu/board/board_show.h"
#include "emu/dev/disk_memory.h"
#include "emu/dev/drives.h"
#include "kernel/base/error.h"
#include "kernel/hw/apic_regs.h"
#include "kernel/hw/hpet_regs.h"

#define TEXT 8192u

static u64 now_ns;

struct machine {
	struct board *board;
	struct gpmem mem;
	struct drive drive[DRIVE_PLACES];
	struct disk_memory disk[2];
	char text[TEXT];
	size_t len;
};

static u8 image[2][160 * KiB];

static u64 now(void *ctx)
{
	(void)ctx;
	return now_ns;
}

static u64 wall(void *ctx)
{
	(void)ctx;
	return 1709208000 + now_ns / 1000000000; /* 2024-02-29 12:00:00 */
}

static void level(void *ctx, bool on)
{
	(void)ctx;
	(void)on;
}

static void moved(void *ctx, u64 deadline)
{
	(void)ctx;
	(void)deadline;
}

static bool serial_tx(void *ctx, unsigned port, u8 byte)
{
	(void)ctx;
	return port != 1 || byte == 0; /* the other side of COM2 does not keep up */
}

static void add_drive(struct machine *m, unsigned n, enum drive_place place, enum drive_kind kind)
{
	assert_int_equal(disk_memory_init(&m->disk[n], image[n], sizeof(image[n]), n), 0);
	m->drive[place] = (struct drive){ kind, &m->disk[n].backend };
}

static int setup(void **state)
{
	struct machine *m = *state = calloc(1, sizeof(*m));
	const struct board_config config = {
		.ram_size = 64 * MiB, .apic = true, .drives = m->drive, .virtio_rng = true
	};
	const struct board_host host = { .now = now,
					 .wall_clock = wall,
					 .intr = level,
					 .timer_moved = moved,
					 .serial_tx = serial_tx,
					 .a20 = level,
					 .ctx = m };

	now_ns = 0;
	add_drive(m, 0, PLACE_IDE0, DRIVE_DISK);
	add_drive(m, 1, PLACE_FLOPPY0, DRIVE_FLOPPY);
	gpmem_init(&m->mem);
	return board_create(&config, &host, &m->mem, &m->board);
}

static int teardown(void **state)
{
	struct machine *m = *state;

	board_destroy(m->board);
	for (unsigned n = 0; n < 2; n++)
		assert_int_equal(disk_backend_destroy(&m->disk[n].backend), 0);
	gpmem_destroy(&m->mem);
	free(m);
	return 0;
}

static void line(void *ctx, const char *text)
{
	struct machine *m = ctx;

	m->len += (size_t)snprintf(m->text + m->len, TEXT - m->len, "%s\n", text);
	assert_true(m->len < TEXT);
}

static void info(struct machine *m, const char *device)
{
	const struct dbg_out out = { line, m };

	m->len = 0;
	m->text[0] = '\0';
	assert_int_equal(board_show_device(m->board, device, &out), 0);
}

static void says(const struct machine *m, const char *text)
{
	if (!strstr(m->text, text))
		fail_msg("not said: %s\nbut:\n%s", text, m->text);
}

static void out(struct machine *m, u16 port, u8 value)
{
	board_io_write(m->board, port, 1, value);
}

static void write32(struct machine *m, u32 at, u32 value)
{
	gpmem_write(&m->mem, at, &value, sizeof(value));
}

static void test_pic(void **state)
{
	static const u8 script[][2] = { { 0x20, 0x11 }, { 0x21, 0x30 }, { 0x21, 0x04 },
					{ 0x21, 0x03 }, { 0x21, 0xf2 }, { 0xa0, 0x11 },
					{ 0xa1, 0x38 }, { 0xa1, 0x02 }, { 0xa0, 0x0b } };
	struct machine *m = *state;

	for (unsigned i = 0; i < ARRAY_SIZE(script); i++)
		out(m, (u16)script[i][0], script[i][1]);
	info(m, "pic");
	says(m, "first 8259A: IRQ 0-7 are vectors 30-37, IRQ 0 goes first\n"
		"  masked             1 4 5 6 7\n");
	says(m, "automatic EOI; reads show requests\n");
	says(m, "second 8259A: IRQ 8-15 are vectors 38-3f, IRQ 8 goes first\n");
	says(m, "  level-triggered    10 11\n");
	says(m, "reads show what is in service; not set up: waits for ICW4\n");
	says(m, "INTR is down; 0 acknowledged");
}

static void test_pit(void **state)
{
	struct machine *m = *state;

	out(m, 0x43, 0x34);
	out(m, 0x40, 0x9c);
	out(m, 0x40, 0x2e); /* 11932 */
	out(m, 0x43, 0xb1);
	out(m, 0x61, 0x03);
	now_ns += 1000000; /* 1193 ticks */
	info(m, "pit");
	says(m, "channel 0: mode 2, rate generator; both bytes, binary\n"
		"  counts, from 11932 (99.9 Hz), now 10740; gate up, OUT up\n");
	says(m, "channel 2: mode 0, interrupt at the end of the count; both bytes, BCD\n"
		"  has no count yet; gate up, OUT down\n");
	says(m, "gate of channel 2 on, speaker on\n");
}

static void test_rtc(void **state)
{
	struct machine *m = *state;

	out(m, 0x70, 0x05);
	out(m, 0x71, 0xff);
	out(m, 0x70, 0x03);
	out(m, 0x71, 0x30);
	out(m, 0x70, 0x01);
	out(m, 0x71, 0x00);
	out(m, 0x70, 0x0b);
	out(m, 0x71, 0x62);
	out(m, 0x70, 0x8a);
	now_ns += 65000000000ull;
	info(m, "rtc");
	says(m, "2024-02-29 12:01:05, day 5 of the week; BCD, 24 hours\n"
		"  alarm              any:30:00\n"
		"  periodic           rate 6, 1024 Hz\n");
	says(m, "  interrupts on      alarm periodic\n");
	says(m, "  index              register 0a; NMIs masked\n");
}

static void test_keyboard(void **state)
{
	struct machine *m = *state;

	out(m, 0x64, 0x60);
	out(m, 0x60, 0x65);
	out(m, 0x60, 0xf5);
	info(m, "kbc");
	says(m, "controller: A20 on, IRQ 1 up, IRQ 12 down\n"
		"  command byte       IRQ-1 system mouse-off translation\n"
		"  output buffer      fa from the keyboard\n"
		"keyboard: does not scan, scan code set 2, 0 bytes wait\n");
	says(m, "mouse: does not report");
}

static void test_serial(void **state)
{
	struct machine *m = *state;

	out(m, 0x2fb, 0x9b);
	out(m, 0x2f8, 12);
	out(m, 0x2f9, 0);
	out(m, 0x2fb, 0x1b); /* 8E1 */
	out(m, 0x2fa, 0x81);
	out(m, 0x2fc, 0x0b);
	out(m, 0x2f9, 0x01);
	board_serial_rx(m->board, 1, 'x');
	out(m, 0x2f8, 'y');
	info(m, "com2");
	says(m, "line: 9600 baud (divisor 12), 8E1\n"
		"  received           1 bytes wait\n"
		"  FIFO               on, interrupts at 8 bytes\n"
		"  transmitter        waits for the other side\n");
	says(m, "  interrupts on      received\n"
		"  asks for           none; its wire is down\n"
		"  modem outputs      DTR RTS OUT2\n");
}

static void test_dma(void **state)
{
	struct machine *m = *state;

	out(m, 0x0c, 0);
	out(m, 0x0b, 0x56);
	out(m, 0x81, 0x12);
	out(m, 0x04, 0x34);
	out(m, 0x04, 0x56);
	out(m, 0x05, 0xff);
	out(m, 0x05, 0x01);
	out(m, 0x0a, 0x02);
	info(m, "dma");
	says(m, "channel 2: open, single, to memory, auto-initialise\n"
		"  at                 125634, 512 bytes to go of 512\n");
	says(m, "channel 4: open, cascade");
}

static void test_floppy(void **state)
{
	struct machine *m = *state;

	out(m, 0x3f2, 0x1c);
	board_settle(m->board);
	out(m, 0x3f5, 0x0f);
	info(m, "floppy");
	says(m, "controller: runs, ");
	says(m, "  phase              command, 1 of");
	says(m, "drive 0: 360 KiB 5.25\", motor on\n"
		"  disk               40 tracks, 1 heads, 8 sectors, write-protected\n");
	says(m, "drive 1: no drive, motor off\n");
}

static void test_ide(void **state)
{
	struct machine *m = *state;

	out(m, 0x1f6, 0xa0);
	out(m, 0x1f7, 0xec);
	board_settle(m->board);
	info(m, "ide");
	says(m, "PCI function       8086:7010, class 010180");
	says(m, "primary channel: device 0 selected, IRQ 14 is up\n"
		"  command            ec IDENTIFY DEVICE, device 0: the guest reads a block\n");
	says(m, "device 0: disk, 320 sectors of 512 bytes, asks for an interrupt\n"
		"  status             DRQ DSC DRDY\n"
		"  error              none\n");
	says(m, " device 1: none\n");
	out(m, 0x177, 0xec);
	out(m, 0x1f7, 0x00);
	info(m, "ide");
	says(m, "secondary channel: device 0 selected, IRQ 15 is down\n");
}

static void test_screen(void **state)
{
	struct machine *m = *state;

	info(m, "vga");
	says(m, "text, 80 by 25 characters of 9 by 16 dots\n");
	says(m, "  window             b8000-bffff, odd/even, bank 0\n");
	board_io_write(m->board, 0x1ce, 2, 1);
	board_io_write(m->board, 0x1cf, 2, 640);
	board_io_write(m->board, 0x1ce, 2, 2);
	board_io_write(m->board, 0x1cf, 2, 480);
	board_io_write(m->board, 0x1ce, 2, 3);
	board_io_write(m->board, 0x1cf, 2, 32);
	board_io_write(m->board, 0x1ce, 2, 4);
	board_io_write(m->board, 0x1cf, 2, 0x41);
	info(m, "vga");
	says(m, "graphics, 640 by 480 dots of 32 bits\n"
		"  by                 DISPI");
	says(m, "  shown              from byte 0 of video memory, 2560 bytes a line\n");
}

static void test_apics(void **state)
{
	struct machine *m = *state;

	write32(m, LAPIC_BASE + LAPIC_SPURIOUS, 0x1ff);
	write32(m, LAPIC_BASE + LAPIC_LVT_TIMER, LVT_PERIODIC | 0xec);
	write32(m, LAPIC_BASE + LAPIC_DIVIDE, 3);
	write32(m, LAPIC_BASE + LAPIC_INITIAL, 1000000);
	write32(m, LAPIC_BASE + LAPIC_ICR, 0x40000 | 0x55);
	info(m, "lapic");
	says(m, "local APIC 0 at fee00000: on in IA32_APIC_BASE, on by software\n");
	says(m, "  LVT timer          open,   vector ec, fixed, edge, active high\n");
	says(m, "  timer              periodic, counts 1000000 of 1000000 at 1 GHz / 16");
	says(m, "  requested          55\n");
	write32(m, IOAPIC_BASE + IOAPIC_SELECT, IOAPIC_REDIR + 2 * 9);
	write32(m, IOAPIC_BASE + IOAPIC_WINDOW, LVT_LEVEL | LVT_LOW | 0x31);
	info(m, "ioapic");
	says(m, "  pin 9              open,   vector 31, fixed, level, active low, "
		"to processor 00, wire down\n");
	says(m, "  pin 10             masked, vector 00");
	write32(m, HPET_BASE + HPET_CONFIG, HPET_ENABLE);
	now_ns += 1000;
	info(m, "hpet");
	says(m, "HPET: counts, count 64 at 100 MHz\n");
	says(m, "timer 2: off, one-shot, 64 bits, edge, to pin");
}

static void test_rest(void **state)
{
	struct machine *m = *state;

	info(m, "pm");
	says(m, "power management: ");
	says(m, "  registers          at port 0600\n");
	info(m, "host bridge");
	says(m, "PCI function       8086:1237, class 060000");
	info(m, "isa bridge");
	says(m, "  PIRQA              to IRQ 10, down\n");
	info(m, "virtio-rng");
	says(m, "  status             none\n");
	says(m, " queue 0: not set up, ");
	info(m, "pci");
	says(m, "00:01.1 ");
	info(m, "fw_cfg");
	says(m, "item 0000 selected");
	info(m, "reset");
	says(m, "A20 on; ");
	info(m, "ferr");
	says(m, "FERR#: IRQ 13 is down\n");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_pic),	   CASE(test_pit),   CASE(test_rtc),	CASE(test_keyboard),
		CASE(test_serial), CASE(test_dma),   CASE(test_floppy), CASE(test_ide),
		CASE(test_screen), CASE(test_apics), CASE(test_rest),
	};

	return cmocka_run_group_tests_name("device_words", tests, NULL, NULL);
}
