/* SPDX-License-Identifier: MIT */
/*
 * Rules of emu/dev/strict.def that devices tell of (docs/monitor.md): for each a few accesses that
 * break it, and the same without the mistake. The rule alone is told, once, with its number.
 * Alone: make build/unit/test_strict_devices && build/unit/test_strict_devices
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "emu/board/board.h"
#include "emu/dev/disk_memory.h"
#include "emu/dev/drives.h"
#include "emu/dev/strict.h"
#include "kernel/base/string.h"
#include "kernel/hw/apic_regs.h"
#include "kernel/hw/hpet_regs.h"
#include "tests/unit/quiet_host.h"

enum op { END, DO_OUT, DO_IN, DO_MEM, DO_ACK, DO_SETTLE };

struct step {
	enum op op;
	u32 at;
	unsigned size;
	u32 value;
};

#define OUT(port, v)                   \
	{                              \
		DO_OUT, (port), 1, (v) \
	}
#define OUTW(port, v)                  \
	{                              \
		DO_OUT, (port), 2, (v) \
	}
#define OUTL(port, v)                  \
	{                              \
		DO_OUT, (port), 4, (v) \
	}
#define IN(port)                    \
	{                           \
		DO_IN, (port), 1, 0 \
	}
#define INW(port)                   \
	{                           \
		DO_IN, (port), 2, 0 \
	}
#define MEM(at, v)                   \
	{                            \
		DO_MEM, (at), 4, (v) \
	}
#define ACK                     \
	{                       \
		DO_ACK, 0, 0, 0 \
	} /* an interrupt is taken */
#define SETTLE                     \
	{                          \
		DO_SETTLE, 0, 0, 0 \
	} /* a block of data or 400 ns have come */
#define RULE(name) (STRICT_##name + 1)
#define PICS                                                                           \
	OUT(0x20, 0x11), OUT(0x21, 0x20), OUT(0x21, 4), OUT(0x21, 1), OUT(0xa0, 0x11), \
		OUT(0xa1, 0x28), OUT(0xa1, 2), OUT(0xa1, 1), OUT(0x21, 0xf7), OUT(0xa1, 0xff)
#define IDENTIFY  OUT(0x1f7, 0xec), SETTLE
#define HPET(reg) (HPET_BASE + (reg))
/* The floppy controller with its motor on, told to read sector 1 of a cylinder by DMA. */
#define READ_FLOPPY(c)                                                                           \
	OUT(0x3f2, 0x1c), SETTLE, OUT(0x3f7, 0), OUT(0x3f5, 0x46), OUT(0x3f5, 0), OUT(0x3f5, c), \
		OUT(0x3f5, 0), OUT(0x3f5, 1), OUT(0x3f5, 2), OUT(0x3f5, 1), OUT(0x3f5, 0x1b),    \
		OUT(0x3f5, 0xff)

static const struct {
	unsigned rule; /* 0: none is broken */
	u32 number;
	struct step step[16];
} cases[] = {
	{ 0, 0, { IDENTIFY, IN(0x1f7), INW(0x1f0) } },
	{ RULE(ata_command), 0, { IDENTIFY, OUT(0x1f7, 0xec) } },
	{ RULE(ata_register), 0, { IDENTIFY, OUT(0x1f2, 1) } },
	{ RULE(ata_data), 0, { INW(0x1f0) } },
	{ RULE(ata_400ns), 0, { OUT(0x1f7, 0xec), IN(0x1f7) } },
	{ RULE(ata_400ns), 0, { OUT(0x1f6, 0x10), IN(0x1f7) } },
	{ 0, 0, { OUT(0x1f6, 0), IN(0x1f7) } }, /* the device is the same */
	{ 0, 0, { PICS } },
	{ RULE(pic_eoi), 0, { PICS, OUT(0x20, 0x20) } },
	{ RULE(pic_eoi), 0, { PICS, OUT(0x20, 0x64) } },
	{ RULE(pic_order), 0, { OUT(0x20, 0x11), OUT(0x20, 0x0a) } },
	{ RULE(pic_words), 0x10, { OUT(0x20, 0x10) } },
	{ RULE(pic_words), 8, { OUT(0x20, 0x11), OUT(0x21, 0x20), OUT(0x21, 8) } },
	{ RULE(pic_words), 0, { OUT(0xa0, 0x11), OUT(0xa1, 0x28), OUT(0xa1, 2), OUT(0xa1, 0) } },
	{ 0, 0, { OUTL(0xcf8, 0x80000000), OUTW(0xcfc, 0x8086), OUTW(0xcfc + 2, 0x1237) } },
	{ RULE(pci_read_only), 0x80000000, { OUTL(0xcf8, 0x80000000), OUTW(0xcfc, 0x1234) } },
	{ 0, 0, { OUT(0x3ff, 1), IN(0x3fd) } },
	{ RULE(uart_read_only), 0, { OUT(0x3fd, 0) } },
	{ 0, 0, { PICS, OUT(0x2fc, 8), OUT(0x2f9, 2), ACK } },
	{ RULE(uart_out2), 2, { PICS, OUT(0x2fc, 3), OUT(0x2f9, 2), ACK } },
	/* Both are at input 3, and one may. */
	{ 0, 0, { PICS, OUT(0x2ec, 8), OUT(0x2e9, 2), OUT(0x2f9, 2), ACK } },
	{ 0, 0, { READ_FLOPPY(0) } },
	{ RULE(floppy_seek), 3, { READ_FLOPPY(3) } },
	{ RULE(pm_timer_read_only), 0, { OUTL(0x608, 0) } },
	{ 0, 0, { OUT(0x70, 0x0f), OUT(0x71, 0) } },
	{ RULE(rtc_read_only), 0, { OUT(0x70, 0x0c), OUT(0x71, 0) } },
	{ RULE(rtc_read_only), 0, { OUT(0x70, 0x0d), OUT(0x71, 0) } },
	{ 0, 0, { MEM(LAPIC_BASE + LAPIC_TPR, 0x20) } },
	{ RULE(apic_read_only), LAPIC_VERSION, { MEM(LAPIC_BASE + LAPIC_VERSION, 0) } },
	{ RULE(apic_read_only), LAPIC_ISR, { MEM(LAPIC_BASE + LAPIC_ISR, 0) } },
	{ 0,
	  0,
	  { MEM(IOAPIC_BASE + IOAPIC_SELECT, IOAPIC_ID), MEM(IOAPIC_BASE + IOAPIC_WINDOW, 0) } },
	{ RULE(ioapic_read_only),
	  IOAPIC_VERSION,
	  { MEM(IOAPIC_BASE + IOAPIC_SELECT, IOAPIC_VERSION),
	    MEM(IOAPIC_BASE + IOAPIC_WINDOW, 0) } },
	{ RULE(ioapic_read_only),
	  IOAPIC_ARB,
	  { MEM(IOAPIC_BASE + IOAPIC_SELECT, IOAPIC_ARB), MEM(IOAPIC_BASE + IOAPIC_WINDOW, 0) } },
	{ RULE(hpet_read_only), 0, { MEM(HPET(HPET_CAPS), 0) } },
	{ RULE(hpet_read_only), 0, { MEM(HPET(HPET_CAPS) + 4, 0) } },
	{ 0, 0, { MEM(HPET(HPET_COUNTER), 7), MEM(HPET(HPET_CONFIG), HPET_ENABLE) } },
	{ RULE(hpet_running),
	  0,
	  { MEM(HPET(HPET_CONFIG), HPET_ENABLE), MEM(HPET(HPET_COUNTER), 7) } },
};

static struct {
	struct board *board;
	struct gpmem mem;
	struct disk_memory disk, floppy;
	struct drive drives[DRIVE_PLACES];
	bool settles;
	unsigned told, rule;
	u32 number;
} m;

static u8 image[64 * 512], floppy[360 * 1024];

static void told(void *ctx, unsigned rule, u32 number)
{
	(void)ctx;
	m.told++;
	m.rule = rule + 1;
	m.number = number;
}

static void settles(void *ctx)
{
	(void)ctx;
	m.settles = true;
}

static bool unsettled(void *ctx)
{
	(void)ctx;
	return m.settles;
}

static void begin(bool strict)
{
	struct board_config config = { .ram_size = 16 * MiB, .apic = true, .drives = m.drives };
	struct board_host host = quiet_host();

	memset(&m, 0, sizeof(m));
	if (strict) {
		host.strict = told;
		host.settles = settles;
		host.unsettled = unsettled;
	}
	assert_int_equal(disk_memory_init(&m.disk, image, sizeof(image), false), 0);
	m.drives[PLACE_IDE0] = (struct drive){ DRIVE_DISK, &m.disk.backend };
	assert_int_equal(disk_memory_init(&m.floppy, floppy, sizeof(floppy), false), 0);
	m.drives[PLACE_FLOPPY0] = (struct drive){ DRIVE_FLOPPY, &m.floppy.backend };
	gpmem_init(&m.mem);
	assert_int_equal(board_create(&config, &host, &m.mem, &m.board), 0);
}

static void end(void)
{
	board_destroy(m.board);
	assert_int_equal(disk_backend_destroy(&m.disk.backend), 0);
	assert_int_equal(disk_backend_destroy(&m.floppy.backend), 0);
	gpmem_destroy(&m.mem);
}

static void take(const struct step *s)
{
	switch (s->op) {
	case DO_OUT:
		board_io_write(m.board, (u16)s->at, s->size, s->value);
		break;
	case DO_IN:
		board_io_read(m.board, (u16)s->at, s->size);
		break;
	case DO_MEM:
		gpmem_write(&m.mem, s->at, &s->value, s->size);
		break;
	case DO_ACK:
		assert_int_equal(board_intr_ack(m.board), 0x23);
		break;
	default:
		board_settle(m.board);
		m.settles = false;
	}
}

static void test_each(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		begin(true);
		for (const struct step *s = cases[i].step; s->op != END; s++) {
			assert_int_equal(m.told, 0); /* it is the last step that is wrong */
			take(s);
		}
		if (m.told != !!cases[i].rule || m.rule != cases[i].rule ||
		    m.number != cases[i].number)
			fail_msg("case %u: rule %u, number %x, told %u times", i, m.rule, m.number,
				 m.told);
		end();
	}
}

/* The same machines without `strict`: nobody is asked, and nothing falls. */
static void test_nobody_wants_to_know(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		begin(false);
		for (const struct step *s = cases[i].step; s->op != END; s++)
			take(s);
		assert_int_equal(m.told, 0);
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_nobody_wants_to_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
