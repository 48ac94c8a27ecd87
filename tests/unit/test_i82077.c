/* SPDX-License-Identifier: MIT */
/*
 * The 82077AA (data sheet 290166) beside the 8237: reset and polling, each command's results,
 * whole disks of each format read and written, what ends a transfer and where it stands then,
 * errors, media that change, PIO. Alone: make build/unit/test_i82077 && build/unit/test_i82077
 */
#include "emu/chip/i82077.h"
#include "tests/unit/drive_fixture.h"

#define DOR    0x3f2
#define MSR    0x3f4
#define FIFO   0x3f5
#define CCR    0x3f7
#define BUFFER 0x10000u

struct machine {
	struct drive_pc d;
	struct i82077 f;
	struct pc *pc;
	u8 result[16];
	unsigned results;
};

static void machine_init(struct machine *m, u32 kib0, u32 kib1, bool read_only)
{
	drive_pc_init(&m->d);
	m->pc = &m->d.pc;
	if (kib0)
		drive_pc_add(&m->d, PLACE_FLOPPY0, DRIVE_FLOPPY, kib0 * KiB, read_only);
	if (kib1)
		drive_pc_add(&m->d, PLACE_FLOPPY1, DRIVE_FLOPPY, kib1 * KiB, read_only);
	pc_plug(m->pc, &i82077_class, &m->f);
	out8(m->pc, DOR, 0x3c); /* both motors, drive 0 */
}

static void machine_free(struct machine *m)
{
	i82077_class.destroy(&m->f);
	drive_pc_free(&m->d);
}

#define IRQ(m) ((m)->pc->wire[6].level)

/* Command bytes, each when the chip asks for it; then, when it has ended, all results. */
static void put(struct machine *m, const u8 *bytes, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(in8(m->pc, MSR) & 0xc0, 0x80);
		out8(m->pc, FIFO, bytes[i]);
	}
}

static void take(struct machine *m)
{
	m->results = 0;
	while ((in8(m->pc, MSR) & 0xd0) == 0xd0)
		m->result[m->results++] = in8(m->pc, FIFO);
	assert_int_equal(in8(m->pc, MSR) & 0xd0, 0x80);
}

#define PUT(m, ...)                                  \
	do {                                         \
		const u8 bytes_[] = { __VA_ARGS__ }; \
		put(m, bytes_, sizeof(bytes_));      \
	} while (0)
#define EXPECT(m, ...)                                                  \
	do {                                                            \
		const u8 want_[] = { __VA_ARGS__ };                     \
		take(m);                                                \
		assert_int_equal((m)->results, sizeof(want_));          \
		assert_memory_equal((m)->result, want_, sizeof(want_)); \
	} while (0)

/* To the end of a command that interrupts, and not inside its last OUT. */
static void finish(struct machine *m)
{
	assert_false(IRQ(m));
	run_completions(m->pc);
	assert_true(IRQ(m));
}

static void sense(struct machine *m)
{
	finish(m);
	PUT(m, 0x08);
	assert_false(IRQ(m));
	take(m);
}

static void seek(struct machine *m, u8 unit, u8 track)
{
	PUT(m, 0x0f, unit, track);
	sense(m);
	assert_int_equal(m->results, 2);
	assert_int_equal(m->result[0], 0x20 | unit);
	assert_int_equal(m->result[1], track);
}

/* Channel 2. way: 44h to memory, 48h from it, 40h verify. */
static void dma(struct machine *m, u8 way, u32 address, u32 bytes)
{
	out8(m->pc, 0x0a, 6);
	out8(m->pc, 0x0c, 0);
	out8(m->pc, 0x0b, way | 2);
	out8(m->pc, 0x04, (u8)address);
	out8(m->pc, 0x04, (u8)(address >> 8));
	out8(m->pc, 0x81, (u8)(address >> 16));
	out8(m->pc, 0x05, (u8)(bytes - 1));
	out8(m->pc, 0x05, (u8)((bytes - 1) >> 8));
	out8(m->pc, 0x0a, 2);
}

static void test_reset(void **state)
{
	struct machine m;

	(void)state;
	machine_init(&m, 1440, 0, false);
	assert_int_equal(in8(m.pc, MSR), 0x80);
	out8(m.pc, DOR, 0x08);
	assert_int_equal(in8(m.pc, MSR), 0);
	out8(m.pc, DOR, 0x0c);
	assert_int_equal(in8(m.pc, MSR), 0x80);
	finish(&m);
	for (unsigned i = 0; i < 4; i++) {
		PUT(&m, 0x08);
		EXPECT(&m, (u8)(0xc0 | i), 0);
	}
	PUT(&m, 0x08);
	EXPECT(&m, 0x80);
	/* By DSR, which resets itself. */
	out8(m.pc, MSR, 0x80);
	finish(&m);
	out8(m.pc, DOR, 0x04); /* without the gate no interrupt leaves the chip */
	assert_false(IRQ(&m));
	out8(m.pc, DOR, 0x0c);
	assert_true(IRQ(&m));
	/* Who does not ask for all four is not told about them later. */
	PUT(&m, 0x08);
	EXPECT(&m, 0xc0, 0);
	PUT(&m, 0x07, 0x00);
	assert_int_equal(in8(m.pc, MSR), 0x81);
	sense(&m);
	assert_int_equal(m.result[0], 0x20);
	PUT(&m, 0x08);
	EXPECT(&m, 0x80);
	/* POLL off: nothing is polled. */
	PUT(&m, 0x13, 0, 0x10, 0);
	PUT(&m, 0x94);
	EXPECT(&m, 0x10);
	out8(m.pc, DOR, 0x08);
	out8(m.pc, DOR, 0x0c);
	run_completions(m.pc);
	assert_true(IRQ(&m)); /* POLL is no setting that LOCK keeps */
	machine_free(&m);
}

static void test_settings(void **state)
{
	struct machine m;

	(void)state;
	machine_init(&m, 1440, 0, true);
	PUT(&m, 0x10);
	EXPECT(&m, 0x90);
	PUT(&m, 0x03, 0xaf, 0x02);
	PUT(&m, 0x13, 0x00, 0x57, 0x21);
	PUT(&m, 0x12, 0x96); /* OW: drive 2 and 0, WGATE... */
	PUT(&m, 0x12, 0x01);
	seek(&m, 0, 5);
	PUT(&m, 0x0e);
	EXPECT(&m, 5, 0, 0, 0, 0xaf, 0x02, 0, 0x15, 0x57, 0x21);
	PUT(&m, 0x94);
	EXPECT(&m, 0x10);
	out8(m.pc, MSR, 0x80);
	finish(&m);
	for (unsigned i = 0; i < 4; i++) {
		PUT(&m, 0x08);
		take(&m);
	}
	PUT(&m, 0x0e); /* locked: threshold and precompensation stay; GAP and WGATE do not */
	EXPECT(&m, 0, 0, 0, 0, 0xaf, 0x02, 0, 0x94, 0x07, 0x21);
	PUT(&m, 0x14);
	EXPECT(&m, 0x00);
	out8(m.pc, MSR, 0x80);
	finish(&m);
	for (unsigned i = 0; i < 4; i++) {
		PUT(&m, 0x08);
		take(&m);
	}
	PUT(&m, 0x0e);
	EXPECT(&m, 0, 0, 0, 0, 0xaf, 0x02, 0, 0x14, 0x20, 0x00);
	/* ST3: protected, at track 5, then, by a recalibration, at 0; no drive 1. */
	PUT(&m, 0x04, 0x04);
	EXPECT(&m, 0x6c);
	PUT(&m, 0x07, 0x00);
	sense(&m);
	PUT(&m, 0x04, 0x00);
	EXPECT(&m, 0x78);
	PUT(&m, 0x04, 0x01);
	EXPECT(&m, 0x29);
	/* What is no command, among them the one that only the 82078 has. */
	for (unsigned i = 0; i < 3; i++) {
		static const u8 bad[] = { 0x00, 0x18, 0x1f };

		PUT(&m, bad[i]);
		EXPECT(&m, 0x80);
	}
	assert_int_equal(in8(m.pc, 0x3f0), 0xff);
	machine_free(&m);
}

static void test_seeks(void **state)
{
	struct machine m;

	(void)state;
	machine_init(&m, 1440, 360, false);
	seek(&m, 0, 10);
	/* Two at a time: an interrupt for each. */
	PUT(&m, 0x0f, 0x00, 79);
	PUT(&m, 0x0f, 0x01, 39);
	assert_int_equal(in8(m.pc, MSR), 0x83);
	sense(&m);
	assert_int_equal(m.result[0], 0x20);
	assert_int_equal(m.result[1], 79);
	assert_true(IRQ(&m));
	PUT(&m, 0x08);
	EXPECT(&m, 0x21, 39);
	/* Relative, inwards and outwards. */
	PUT(&m, 0xcf, 0x00, 4);
	sense(&m);
	assert_int_equal(m.result[1], 83);
	PUT(&m, 0x8f, 0x00, 80);
	sense(&m);
	assert_int_equal(m.result[1], 3);
	/* From beyond track 79 a recalibration does not arrive; where no drive is neither. */
	seek(&m, 0, 82);
	PUT(&m, 0x07, 0x00);
	sense(&m);
	assert_int_equal(m.result[0], 0x70);
	PUT(&m, 0x07, 0x00);
	sense(&m);
	assert_int_equal(m.result[0], 0x20);
	PUT(&m, 0x07, 0x02);
	sense(&m);
	assert_int_equal(m.result[0], 0x72);
	machine_free(&m);
}

static const struct {
	u32 kib;
	u8 tracks, heads, sectors, rate;
} formats[] = {
	{ 160, 40, 1, 8, 2 },	{ 180, 40, 1, 9, 2 },	{ 320, 40, 2, 8, 2 },
	{ 360, 40, 2, 9, 2 },	{ 720, 80, 2, 9, 2 },	{ 1200, 80, 2, 15, 0 },
	{ 1440, 80, 2, 18, 0 }, { 1680, 80, 2, 21, 0 }, { 2880, 80, 2, 36, 3 },
};

/* Whole cylinders by MT, each with its seek. */
static void test_whole_disks(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(formats); i++) {
		u32 bytes = formats[i].heads * formats[i].sectors * 512u;
		struct machine m;

		machine_init(&m, formats[i].kib, 0, false);
		out8(m.pc, CCR, formats[i].rate);
		for (u8 c = 0; c < formats[i].tracks; c++) {
			u8 mt = formats[i].heads == 2 ? 0x80 : 0;

			seek(&m, 0, c);
			dma(&m, 0x44, BUFFER, bytes);
			PUT(&m, 0x46 | mt, 0, c, 0, 1, 2, formats[i].sectors, 0x1b, 0xff);
			assert_int_equal(in8(m.pc, MSR), 0x10);
			finish(&m);
			EXPECT(&m, 0, 0, 0, (u8)(c + 1), 0, 1, 2);
			for (u32 at = 0; at < bytes; at++)
				assert_int_equal(m.d.ram[0][BUFFER + at],
						 medium_byte(c * bytes + at));
			for (u32 at = 0; at < bytes; at++)
				m.d.ram[0][BUFFER + at] ^= 0x5a;
			dma(&m, 0x48, BUFFER, bytes);
			PUT(&m, 0x45 | mt, 0, c, 0, 1, 2, formats[i].sectors, 0x1b, 0xff);
			finish(&m);
			EXPECT(&m, 0, 0, 0, (u8)(c + 1), 0, 1, 2);
		}
		for (u32 at = 0; at < formats[i].kib * 1024; at++)
			assert_int_equal(m.d.image[0][at], medium_byte(at) ^ 0x5a);
		/* No other data rate finds anything. */
		for (u8 rate = 0; rate < 4; rate++) {
			out8(m.pc, CCR, rate);
			PUT(&m, 0x4a, 0);
			finish(&m);
			take(&m);
			assert_int_equal(m.result[1], rate == formats[i].rate ? 0 : 1);
		}
		machine_free(&m);
	}
}

/* Data sheet, table 5-2: C, H, R at the end, with TC behind n sectors. */
static void test_results(void **state)
{
	static const struct {
		u8 command, head, r, eot, n;
		u8 st0, st1, c, h, r_after;
	} t[] = {
		{ 0x46, 0, 1, 18, 5, 0x00, 0x00, 3, 0, 6 },
		{ 0x46, 0, 1, 18, 18, 0x00, 0x00, 4, 0, 1 },
		{ 0x46, 4, 17, 18, 2, 0x04, 0x00, 4, 1, 1 },
		{ 0xc6, 0, 1, 18, 18, 0x04, 0x00, 3, 1, 1 },
		{ 0xc6, 0, 1, 18, 19, 0x04, 0x00, 3, 1, 2 },
		{ 0xc6, 4, 1, 18, 18, 0x00, 0x00, 4, 0, 1 },
		{ 0xc6, 0, 1, 9, 18, 0x00, 0x00, 4, 0, 1 },  /* both sides, nine of each */
		{ 0x46, 0, 1, 18, 19, 0x40, 0x80, 4, 0, 1 }, /* no TC: end of cylinder */
		{ 0xc6, 0, 1, 18, 37, 0x40, 0x80, 4, 0, 1 },
		{ 0x46, 0, 18, 19, 2, 0x40, 0x04, 3, 0, 19 }, /* a sector that is not there */
		{ 0x46, 0, 0, 18, 2, 0x40, 0x04, 3, 0, 0 },
		/* EOT beyond the track, as SeaBIOS gives it */
		{ 0xe6, 0, 2, 31, 30, 0x04, 0x00, 3, 1, 14 },
		{ 0xc6, 0, 2, 18 + 18, 35, 0x00, 0x00, 4, 0, 1 },
		{ 0xe6, 4, 10, 60, 51, 0x00, 0x00, 5, 0, 7 },
		{ 0xc6, 0, 19, 31, 2, 0x40, 0x04, 3, 0, 19 },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		for (unsigned write = 0; write < 2; write++) {
			u8 command = write ? (u8)((t[i].command & 0xdf) - 1) : t[i].command;
			struct machine m;

			machine_init(&m, 1440, 0, false);
			out8(m.pc, CCR, 0);
			seek(&m, 0, 3);
			dma(&m, write ? 0x48 : 0x44, BUFFER, t[i].n * 512u);
			PUT(&m, command, t[i].head, 3, t[i].head >> 2, t[i].r, 2, t[i].eot, 0x1b,
			    0xff);
			finish(&m);
			EXPECT(&m, t[i].st0, t[i].st1, 0, t[i].c, t[i].h, t[i].r_after, 2);
			machine_free(&m);
		}
	}
}

/* TC in the midst of a sector: a write fills it up with zeros. */
static void test_short(void **state)
{
	struct machine m;

	(void)state;
	machine_init(&m, 1440, 0, false);
	out8(m.pc, CCR, 0);
	memset(m.d.ram[0] + BUFFER, 0x77, 1024);
	dma(&m, 0x48, BUFFER, 700);
	PUT(&m, 0x45, 0, 0, 0, 5, 2, 18, 0x1b, 0xff);
	finish(&m);
	EXPECT(&m, 0, 0, 0, 0, 0, 7, 2);
	for (unsigned i = 0; i < 1024; i++)
		assert_int_equal(m.d.image[0][4 * 512 + i], i < 700 ? 0x77 : 0);
	assert_int_equal(m.d.image[0][6 * 512], medium_byte(6 * 512));
	dma(&m, 0x44, BUFFER, 10);
	PUT(&m, 0x46, 0, 0, 0, 5, 2, 18, 0x1b, 0xff);
	finish(&m);
	EXPECT(&m, 0, 0, 0, 0, 0, 6, 2);
	/* A channel that is masked holds the transfer until it is not. */
	out8(m.pc, 0x0a, 6);
	PUT(&m, 0x46, 0, 0, 0, 5, 2, 18, 0x1b, 0xff);
	run_completions(m.pc);
	assert_false(IRQ(&m));
	dma(&m, 0x44, BUFFER, 512);
	finish(&m);
	EXPECT(&m, 0, 0, 0, 0, 0, 6, 2);
	/* So does DOR's gate. */
	out8(m.pc, DOR, 0x34);
	dma(&m, 0x44, BUFFER, 512);
	PUT(&m, 0x46, 0, 0, 0, 5, 2, 18, 0x1b, 0xff);
	run_completions(m.pc);
	assert_int_equal(in8(m.pc, MSR), 0x10);
	out8(m.pc, DOR, 0x3c);
	finish(&m);
	EXPECT(&m, 0, 0, 0, 0, 0, 6, 2);
	/* A reset ends it without a result, and nothing comes later. */
	PUT(&m, 0x46, 0, 0, 0, 5, 2, 18, 0x1b, 0xff);
	out8(m.pc, DOR, 0x38);
	run_completions(m.pc);
	assert_false(IRQ(&m));
	machine_free(&m);
}

static void test_errors(void **state)
{
	struct machine m;

	(void)state;
	machine_init(&m, 1440, 180, true);
	out8(m.pc, CCR, 0);
	dma(&m, 0x44, BUFFER, 512);
	PUT(&m, 0x46, 0, 90, 0, 1, 2, 18, 0x1b, 0xff); /* no heads come there */
	finish(&m);
	EXPECT(&m, 0x40, 0x01, 0, 90, 0, 1, 2);
	PUT(&m, 0x46, 0, 1, 0, 1, 2, 18, 0x1b, 0xff); /* the heads are elsewhere: forgiven */
	finish(&m);
	EXPECT(&m, 0, 0, 0, 1, 0, 2, 2);
	seek(&m, 0, 0);
	dma(&m, 0x44, BUFFER, 512);
	PUT(&m, 0x46, 0, 0, 1, 1, 2, 18, 0x1b, 0xff); /* H is not the head's */
	finish(&m);
	EXPECT(&m, 0x40, 0x04, 0x00, 0, 1, 1, 2);
	PUT(&m, 0x46, 0, 0, 0, 1, 3, 18, 0x1b, 0xff); /* 1,024 bytes */
	finish(&m);
	EXPECT(&m, 0x40, 0x04, 0x00, 0, 0, 1, 3);
	PUT(&m, 0x06, 0, 0, 0, 1, 2, 18, 0x1b, 0xff); /* FM */
	finish(&m);
	EXPECT(&m, 0x40, 0x01, 0x00, 0, 0, 1, 2);
	PUT(&m, 0x45, 0, 0, 0, 1, 2, 18, 0x1b, 0xff); /* protected */
	finish(&m);
	EXPECT(&m, 0x40, 0x02, 0x00, 0, 0, 1, 2);
	PUT(&m, 0x4d, 0, 2, 18, 0x50, 0xf6);
	finish(&m);
	take(&m);
	assert_int_equal(m.result[1], 0x02);
	PUT(&m, 0x46, 2, 0, 0, 1, 2, 18, 0x1b, 0xff); /* no such drive */
	finish(&m);
	EXPECT(&m, 0x42, 0x01, 0x00, 0, 0, 1, 2);
	out8(m.pc, CCR, 2);
	PUT(&m, 0x46, 5, 0, 1, 1, 2, 9, 0x1b, 0xff); /* a second side */
	finish(&m);
	EXPECT(&m, 0x45, 0x01, 0x00, 0, 1, 1, 2);
	out8(m.pc, CCR, 0);
	out8(m.pc, DOR, 0x0c); /* the motor is off */
	PUT(&m, 0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
	finish(&m);
	EXPECT(&m, 0x40, 0x01, 0x00, 0, 0, 1, 2);
	out8(m.pc, DOR, 0x3c);
	seek(&m, 0, 81); /* nothing was ever formatted there */
	PUT(&m, 0x4a, 0);
	finish(&m);
	take(&m);
	assert_int_equal(m.result[1], 0x01);
	machine_free(&m);
}

static void test_truncated(void **state)
{
	struct machine m;

	(void)state;
	machine_init(&m, 1300, 0, false); /* 1440K of which 140K are missing */
	out8(m.pc, CCR, 0);
	seek(&m, 0, 72);
	dma(&m, 0x44, BUFFER, 18 * 512);
	PUT(&m, 0xc6, 0, 72, 0, 1, 2, 18, 0x1b, 0xff);
	finish(&m);
	EXPECT(&m, 0x40, 0x04, 0, 72, 0, 9, 2);
	for (u32 at = 0; at < 8 * 512; at++)
		assert_int_equal(m.d.ram[0][BUFFER + at], medium_byte(72 * 36 * 512 + at));
	machine_free(&m);
}

static void test_format(void **state)
{
	struct machine m;
	u8 *ids;

	(void)state;
	machine_init(&m, 1440, 0, false);
	out8(m.pc, CCR, 0);
	seek(&m, 0, 2);
	ids = m.d.ram[0] + BUFFER;
	for (u8 i = 0; i < 18; i++) {
		const u8 id[] = { 2, 1, (u8)(i * 7 % 18 + 1), 2 }; /* interleaved */

		memcpy(ids + 4 * i, id, 4);
	}
	ids[4 * 3 + 3] = 1;   /* 256 bytes: lost */
	ids[4 * 5 + 2] = 200; /* beyond the track: lost */
	ids[4 * 8] = 9;	      /* another cylinder's: lost */
	dma(&m, 0x48, BUFFER, 72);
	PUT(&m, 0x4d, 0x04, 2, 18, 0x50, 0xf6);
	finish(&m);
	take(&m);
	assert_int_equal(m.results, 7);
	assert_int_equal(m.result[0], 0x04);
	assert_int_equal(m.result[1] | m.result[2], 0);
	for (unsigned r = 0; r < 18; r++) {
		bool lost = r == 3 * 7 % 18 || r == 5 * 7 % 18 || r == 8 * 7 % 18;
		u32 at = (2 * 36 + 18 + r) * 512;

		for (unsigned i = 0; i < 512; i++)
			assert_int_equal(m.d.image[0][at + i], lost ? medium_byte(at + i) : 0xf6);
	}
	assert_int_equal(m.d.image[0][(2 * 36 + 17) * 512], medium_byte((2 * 36 + 17) * 512));
	machine_free(&m);
}

static void test_other_commands(void **state)
{
	struct machine m;

	(void)state;
	machine_init(&m, 1440, 0, false);
	out8(m.pc, CCR, 0);
	PUT(&m, 0x56, 0, 0, 0, 1, 2, 18, 0x1b, 0xff); /* VERIFY to the end of the track */
	finish(&m);
	EXPECT(&m, 0, 0, 0, 1, 0, 1, 2);
	PUT(&m, 0x56, 0x80, 0, 0, 4, 2, 18, 0x1b, 3); /* three sectors */
	finish(&m);
	EXPECT(&m, 0, 0, 0, 0, 0, 7, 2);
	PUT(&m, 0xd6, 0x80, 0, 0, 17, 2, 18, 0x1b, 4); /* over to the other side */
	finish(&m);
	EXPECT(&m, 0x04, 0, 0, 0, 1, 3, 2);
	PUT(&m, 0x56, 0, 0, 0, 1, 2, 19, 0x1b, 0xff);
	finish(&m);
	EXPECT(&m, 0x40, 0x04, 0, 0, 0, 19, 2);
	/* READ TRACK begins at the index, whatever R is. */
	dma(&m, 0x44, BUFFER, 512);
	PUT(&m, 0x42, 0, 0, 0, 9, 2, 18, 0x1b, 0xff);
	finish(&m);
	EXPECT(&m, 0, 0, 0, 0, 0, 2, 2);
	assert_int_equal(m.d.ram[0][BUFFER + 1], medium_byte(1));
	/* READ DELETED finds sectors with the other mark: one is read. */
	dma(&m, 0x44, BUFFER, 2048);
	PUT(&m, 0x4c, 0, 0, 0, 3, 2, 18, 0x1b, 0xff);
	finish(&m);
	EXPECT(&m, 0, 0, 0x40, 0, 0, 4, 2);
	PUT(&m, 0x6c, 0, 0, 0, 3, 2, 18, 0x1b, 0xff);
	finish(&m);
	take(&m);
	assert_int_equal(m.result[1], 0x80);
	/* Implied seeks. */
	PUT(&m, 0x13, 0, 0x60, 0);
	dma(&m, 0x44, BUFFER, 512);
	PUT(&m, 0x46, 0, 40, 0, 3, 2, 18, 0x1b, 0xff);
	finish(&m);
	EXPECT(&m, 0, 0, 0, 40, 0, 4, 2);
	assert_int_equal(m.d.ram[0][BUFFER], medium_byte((40 * 36 + 2) * 512));
	PUT(&m, 0x4a, 4);
	finish(&m);
	EXPECT(&m, 4, 0, 0, 40, 1, 1, 2);
	/* SCAN: sector 2 is the one sought. */
	memcpy(m.d.ram[0] + BUFFER, m.d.image[0] + 512, 512);
	memcpy(m.d.ram[0] + BUFFER + 512, m.d.image[0] + 512, 512);
	dma(&m, 0x48, BUFFER, 1024);
	PUT(&m, 0x51, 0, 0, 0, 1, 2, 18, 0x1b, 1);
	finish(&m);
	EXPECT(&m, 0, 0, 0x08, 0, 0, 3, 2);
	dma(&m, 0x48, BUFFER, 512);
	PUT(&m, 0x51, 0, 0, 0, 1, 2, 18, 0x1b, 1);
	finish(&m);
	EXPECT(&m, 0, 0, 0x04, 0, 0, 2, 2);
	memset(m.d.ram[0] + BUFFER, 0xff, 512);
	dma(&m, 0x48, BUFFER, 512);
	PUT(&m, 0x51, 0, 0, 0, 1, 2, 18, 0x1b, 1);
	finish(&m);
	EXPECT(&m, 0, 0, 0x08, 0, 0, 2, 2);
	memset(m.d.ram[0] + BUFFER, 0xfe, 512);
	for (unsigned i = 0; i < 2; i++) { /* the first byte differs: 0 on the disk */
		dma(&m, 0x48, BUFFER, 512);
		PUT(&m, (u8)(i ? 0x5d : 0x59), 0, 0, 0, 1, 2, 18, 0x1b, 1);
		finish(&m);
		take(&m);
		assert_int_equal(m.result[2], i ? 0x04 : 0x00);
	}
	machine_free(&m);
}

static void test_media_change(void **state)
{
	struct machine m;

	(void)state;
	machine_init(&m, 1440, 0, false);
	out8(m.pc, CCR, 0);
	assert_int_equal(in8(m.pc, CCR), 0xff); /* since power-on */
	PUT(&m, 0x07, 0);
	sense(&m);
	assert_int_equal(in8(m.pc, CCR), 0xff); /* no step was made */
	seek(&m, 0, 1);
	assert_int_equal(in8(m.pc, CCR), 0x7f);
	disk_memory_insert(&m.d.disk[0], NULL, 0, false);
	run_completions(m.pc);
	assert_int_equal(in8(m.pc, CCR), 0xff);
	out8(m.pc, DOR, 0x0c); /* not selected without its motor */
	assert_int_equal(in8(m.pc, CCR), 0x7f);
	out8(m.pc, DOR, 0x3c);
	seek(&m, 0, 0);
	assert_int_equal(in8(m.pc, CCR), 0xff); /* no disk, no end */
	PUT(&m, 0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
	finish(&m);
	EXPECT(&m, 0x40, 0x01, 0, 0, 0, 1, 2);
	disk_memory_insert(&m.d.disk[0], m.d.image[0], 720 * KiB, false);
	run_completions(m.pc);
	seek(&m, 0, 1);
	assert_int_equal(in8(m.pc, CCR), 0x7f);
	out8(m.pc, CCR, 2);
	PUT(&m, 0x4a, 0);
	finish(&m);
	EXPECT(&m, 0, 0, 0, 1, 0, 1, 2);
	/* Taken out while a transfer waits for the guest. */
	out8(m.pc, 0x0a, 6);
	PUT(&m, 0x45, 0, 1, 0, 1, 2, 9, 0x1b, 0xff);
	run_completions(m.pc);
	disk_memory_insert(&m.d.disk[0], NULL, 0, false);
	run_completions(m.pc);
	dma(&m, 0x48, BUFFER, 512);
	finish(&m);
	EXPECT(&m, 0x40, 0x01, 0, 1, 0, 1, 2);
	machine_free(&m);
}

/* Without DMA nothing gives TC: the command ends with EN. */
static void test_pio(void **state)
{
	struct machine m;
	unsigned rises;

	(void)state;
	machine_init(&m, 1440, 0, false);
	out8(m.pc, CCR, 0);
	PUT(&m, 0x03, 0xdf, 0x03);
	PUT(&m, 0x46, 0, 0, 0, 17, 2, 18, 0x1b, 0xff);
	assert_int_equal(in8(m.pc, MSR), 0x30);
	finish(&m);
	rises = m.pc->wire[6].rises;
	for (u32 i = 0; i < 1024; i++) {
		assert_int_equal(in8(m.pc, MSR), 0xf0);
		assert_int_equal(in8(m.pc, FIFO), medium_byte(16 * 512 + i));
	}
	assert_int_equal(m.pc->wire[6].rises - rises, 1023); /* the FIFO is off: one for each */
	finish(&m);
	EXPECT(&m, 0x40, 0x80, 0, 1, 0, 1, 2);
	PUT(&m, 0x13, 0, 0x0c, 0); /* the FIFO asks for four at a time */
	PUT(&m, 0x45, 0, 0, 0, 18, 2, 18, 0x1b, 0xff);
	assert_true(IRQ(&m));
	rises = m.pc->wire[6].rises;
	for (u32 i = 0; i < 512; i++) {
		assert_int_equal(in8(m.pc, MSR), 0xb0);
		out8(m.pc, FIFO, (u8)i);
	}
	assert_int_equal(m.pc->wire[6].rises - rises, 127);
	finish(&m);
	EXPECT(&m, 0x40, 0x80, 0, 1, 0, 1, 2);
	for (u32 i = 0; i < 512; i++)
		assert_int_equal(m.d.image[0][17 * 512 + i], (u8)i);
	machine_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reset),	     cmocka_unit_test(test_settings),
		cmocka_unit_test(test_seeks),	     cmocka_unit_test(test_whole_disks),
		cmocka_unit_test(test_results),	     cmocka_unit_test(test_short),
		cmocka_unit_test(test_errors),	     cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_format),	     cmocka_unit_test(test_other_commands),
		cmocka_unit_test(test_media_change), cmocka_unit_test(test_pio),
	};

	return cmocka_run_group_tests_name("i82077", tests, NULL, NULL);
}
