/* SPDX-License-Identifier: MIT */
/*
 * Disks at the PIIX3's IDE function (ATA/ATAPI-6; SFF-8038i): what is where, signatures and resets,
 * IDENTIFY, every way to read and write beside the image, where errors stand, the bus master with
 * good and bad tables, settings, ports that are switched. Alone:
 * make build/unit/test_ata_disk && build/unit/test_ata_disk
 */
#include "tests/unit/ide_fixture.h"
#include "tests/unit/random.h"

#define SECTORS 2016u /* two cylinders of 16 heads and 63 sectors */

static bool by_requests; /* the media have no short way */

static void begin(struct ide *m, bool read_only)
{
	ide_begin(m);
	drive_pc_add(&m->d, PLACE_IDE0, DRIVE_DISK, SECTORS * 512, read_only);
	drive_pc_add(&m->d, PLACE_IDE1, DRIVE_DISK, 64 * 512, false);
	drive_pc_add(&m->d, PLACE_IDE3, DRIVE_DISK, 64 * 512, false);
	for (unsigned i = PLACE_IDE0; by_requests && i < DRIVE_PLACES; i++)
		disk_memory_by_requests(&m->d.disk[i]);
	ide_plug(m);
}

static bool as_image(const u8 *data, u64 sector, u32 n)
{
	for (u32 i = 0; i < n * 512; i++)
		if (data[i] != medium_byte(sector * 512 + i))
			return false;
	return true;
}

static void test_presence(void **state)
{
	struct ide m;

	(void)state;
	begin(&m, false);
	assert_int_equal(rd(&m, 7), 0x50);
	for (unsigned device = 0; device < 2; device++) {
		wr(&m, 6, (u8)(0xa0 | device << 4));
		assert_int_equal(rd(&m, 2), 1);
		assert_int_equal(rd(&m, 3), 1);
		assert_int_equal(rd(&m, 4) | rd(&m, 5), 0);
		assert_int_equal(rd(&m, 1), 1);
	}
	wr(&m, 2, 0x55);
	wr(&m, 3, 0xaa);
	for (unsigned device = 0; device < 2; device++) {
		wr(&m, 6, (u8)(0xa0 | device << 4));
		assert_int_equal(bus_read(&m.pc->bus, 0x1f2, 2), 0xaa55);
	}
	/* Both see what is written, and diagnostics select the first. */
	wr(&m, 7, 0x90);
	assert_true(irq(&m));
	assert_int_equal(rd(&m, 7), 0x50);
	assert_int_equal(rd(&m, 1), 1);
	assert_int_equal(rd(&m, 6), 0xa0);
	/* SRST: busy while it lasts, no interrupt. */
	out8(m.pc, 0x3f6, 0x04);
	assert_int_equal(in8(m.pc, 0x3f6), 0x80);
	out8(m.pc, 0x3f6, 0x00);
	assert_int_equal(in8(m.pc, 0x3f6), 0x50);
	assert_false(irq(&m));
	/* The second channel has a device 1 alone. */
	ide_second(&m);
	assert_int_equal(rd(&m, 7), 0);
	wr(&m, 6, 0xb0);
	assert_int_equal(rd(&m, 7), 0x50);
	wr(&m, 6, 0xa0);
	wr(&m, 7, 0xec);
	run_completions(m.pc);
	assert_false(irq(&m));
	ide_free(&m);
	/* A channel without devices. */
	ide_begin(&m);
	ide_plug(&m);
	assert_int_equal(rd(&m, 7), 0);
	wr(&m, 2, 0x55);
	assert_int_equal(rd(&m, 2), 0);
	assert_int_equal(in8(m.pc, 0x1f0), 0);
	ide_free(&m);
}

static u32 word(const u8 *id, unsigned n)
{
	return (u32)(id[2 * n] | id[2 * n + 1] << 8);
}

static void identify(struct ide *m, u8 *id)
{
	wr(m, 7, 0xec);
	assert_int_equal(wait_irq(m), 0x58);
	data_in(m, id, 512);
	assert_int_equal(rd(m, 7) & 0x80, 0x80);
	run_completions(m->pc);
	assert_int_equal(rd(m, 7), 0x50);
	assert_false(irq(m)); /* the only block had its own */
}

static void test_identify(void **state)
{
	struct ide m;
	u8 id[512], sum = 0;

	(void)state;
	begin(&m, false);
	identify(&m, id);
	assert_int_equal(word(id, 0), 0x40);
	assert_int_equal(word(id, 1), 2);
	assert_int_equal(word(id, 3), 16);
	assert_int_equal(word(id, 6), 63);
	assert_int_equal(word(id, 60), SECTORS);
	assert_int_equal(word(id, 100), SECTORS);
	assert_int_equal(word(id, 82) & 0x20, 0x20);
	assert_int_equal(word(id, 85) & 0x20, 0x20);
	assert_int_equal(word(id, 83) & 0x7400, 0x7400);
	assert_int_equal(word(id, 128), 0); /* no security */
	assert_memory_equal(id + 54, "IRGNELDARED SI K", 16);
	for (unsigned i = 0; i < 512; i++)
		sum = (u8)(sum + id[i]);
	assert_int_equal(sum, 0);
	/* What is set is told. */
	wr(&m, 1, 0x82);
	wr(&m, 7, 0xef);
	assert_int_equal(wait_irq(&m), 0x50);
	wr(&m, 1, 0x03);
	wr(&m, 2, 0x42);
	wr(&m, 7, 0xef);
	assert_int_equal(wait_irq(&m), 0x50);
	wr(&m, 2, 0x47); /* no such mode */
	wr(&m, 7, 0xef);
	assert_int_equal(wait_irq(&m), 0x51);
	assert_int_equal(rd(&m, 1), 0x04);
	wr(&m, 2, 8);
	wr(&m, 7, 0xc6);
	assert_int_equal(wait_irq(&m), 0x50);
	wr(&m, 2, 20);
	wr(&m, 6, 0xa7);
	wr(&m, 7, 0x91);
	assert_int_equal(wait_irq(&m), 0x50);
	identify(&m, id);
	assert_int_equal(word(id, 85) & 0x20, 0);
	assert_int_equal(word(id, 88), 0x043f);
	assert_int_equal(word(id, 59), 0x0108);
	assert_int_equal(word(id, 54), SECTORS / 160);
	assert_int_equal(word(id, 55), 8);
	assert_int_equal(word(id, 56), 20);
	ide_free(&m);
}

/* Reads n sectors by PIO in blocks; returns the status of the last interrupt. */
static void pio_in(struct ide *m, u8 *to, u32 n, u32 block)
{
	for (u32 at = 0; at < n; at += block) {
		run_completions(m->pc);
		assert_true(irq(m));
		assert_int_equal(rd(m, 7), 0x58);
		data_in(m, to + at * 512, MIN(block, n - at) * 512);
	}
	run_completions(m->pc);
	assert_int_equal(rd(m, 7), 0x50);
}

static void pio_out(struct ide *m, const u8 *from, u32 n, u32 block)
{
	for (u32 at = 0; at < n; at += block) {
		run_completions(m->pc);
		assert_int_equal(irq(m), at != 0); /* the first is only polled */
		assert_int_equal(rd(m, 7), 0x58);
		data_out(m, from + at * 512, MIN(block, n - at) * 512);
	}
	assert_int_equal(wait_irq(m), 0x50);
}

static void test_pio(void **state)
{
	static u8 data[256 * 512];
	struct ide m;

	(void)state;
	begin(&m, false);
	/* CHS: cylinder 1, head 3, sector 5, by words; a count of 0 is 256. */
	wr(&m, 6, 0xa3);
	wr(&m, 2, 0);
	wr(&m, 3, 5);
	wr(&m, 4, 1);
	wr(&m, 5, 0);
	wr(&m, 7, 0x20);
	pio_in(&m, data, 256, 1);
	assert_true(as_image(data, (16 + 3) * 63 + 4, 256));
	command28(&m, 0x20, 100, 3, 0);
	pio_in(&m, data, 3, 1);
	assert_true(as_image(data, 100, 3));
	/* 48 bits: the registers that were written before count. */
	for (unsigned i = 0; i < 2; i++) {
		wr(&m, 2, i ? 7 : 0);
		wr(&m, 3, i ? 0xd0 : 0);
		wr(&m, 4, i ? 0x02 : 0);
		wr(&m, 5, 0);
	}
	wr(&m, 6, 0x40);
	wr(&m, 7, 0x24);
	pio_in(&m, data, 7, 1);
	assert_true(as_image(data, 0x2d0, 7));
	out8(m.pc, 0x3f6, 0x80);
	assert_int_equal(rd(&m, 3), 0);
	wr(&m, 2, 4); /* any write takes HOB away */
	assert_int_equal(rd(&m, 3), 0xd0);
	/* By blocks: not before their size is set. */
	command28(&m, 0xc4, 0, 100, 0);
	assert_int_equal(wait_irq(&m), 0x51);
	wr(&m, 2, 16);
	wr(&m, 7, 0xc6);
	assert_int_equal(wait_irq(&m), 0x50);
	command28(&m, 0xc4, 1, 100, 0);
	pio_in(&m, data, 100, 16);
	assert_true(as_image(data, 1, 100));
	/* Writes, of which only these sectors change. */
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (u8)(i * 5 + (i >> 8));
	command28(&m, 0x30, 200, 150, 0);
	pio_out(&m, data, 150, 1);
	assert_memory_equal(m.d.image[PLACE_IDE0] + 200 * 512, data, 150 * 512);
	assert_true(as_image(m.d.image[PLACE_IDE0], 0, 200));
	assert_true(as_image(m.d.image[PLACE_IDE0] + 350 * 512, 350, 100));
	command28(&m, 0xc5, 900, 100, 0);
	pio_out(&m, data, 100, 16);
	assert_memory_equal(m.d.image[PLACE_IDE0] + 900 * 512, data, 100 * 512);
	/* The other device. */
	command28(&m, 0x30, 60, 4, 1);
	pio_out(&m, data, 4, 1);
	assert_memory_equal(m.d.image[PLACE_IDE1] + 60 * 512, data, 4 * 512);
	ide_free(&m);
}

static void test_errors(void **state)
{
	static u8 data[64 * 512];
	struct ide m;

	(void)state;
	begin(&m, true);
	command28(&m, 0x20, SECTORS, 1, 0);
	assert_int_equal(wait_irq(&m), 0x51);
	assert_int_equal(rd(&m, 1), 0x10);
	/* Across the end: what there is, then the error, with the place where it is. */
	command28(&m, 0x20, SECTORS - 2, 5, 0);
	assert_int_equal(wait_irq(&m), 0x58);
	data_in(&m, data, 512);
	assert_true(irq(&m));
	assert_int_equal(rd(&m, 7), 0x58);
	data_in(&m, data, 512);
	assert_true(as_image(data, SECTORS - 1, 1));
	assert_int_equal(wait_irq(&m), 0x51);
	assert_int_equal(rd(&m, 1), 0x10);
	assert_int_equal(rd(&m, 3), SECTORS & 0xff);
	assert_int_equal(rd(&m, 4), SECTORS >> 8);
	assert_int_equal(rd(&m, 2), 3);
	/* No sector 0, no head 16 of this geometry. */
	wr(&m, 6, 0xa0);
	wr(&m, 3, 0);
	wr(&m, 7, 0x20);
	assert_int_equal(wait_irq(&m), 0x51);
	/* A disk that cannot be written. */
	command28(&m, 0x30, 0, 1, 0);
	assert_int_equal(wait_irq(&m), 0x51);
	assert_int_equal(rd(&m, 1), 0x04);
	/* What is no command, and what only packet devices have. */
	for (unsigned i = 0; i < 4; i++) {
		static const u8 bad[] = { 0x00, 0xa0, 0xa1, 0xf1 };

		wr(&m, 7, bad[i]);
		assert_int_equal(wait_irq(&m), 0x51);
		assert_int_equal(rd(&m, 1), 0x04);
	}
	/* nIEN holds the line; the interrupt is there when it goes. */
	out8(m.pc, 0x3f6, 0x02);
	wr(&m, 7, 0xe7);
	run_completions(m.pc);
	assert_false(irq(&m));
	out8(m.pc, 0x3f6, 0x00);
	assert_true(irq(&m));
	assert_int_equal(in8(m.pc, 0x3f6), 0x50); /* this register leaves it */
	assert_true(irq(&m));
	assert_int_equal(rd(&m, 7), 0x50);
	assert_false(irq(&m));
	/* A command while another one goes on is not heard; a reset is. */
	command28(&m, 0x20, 0, 1, 0);
	wr(&m, 7, 0xe7);
	run_completions(m.pc);
	assert_int_equal(rd(&m, 7), 0x58);
	out8(m.pc, 0x3f6, 0x04);
	out8(m.pc, 0x3f6, 0x00);
	run_completions(m.pc);
	assert_false(irq(&m));
	assert_int_equal(rd(&m, 7), 0x50);
	ide_free(&m);
}

static u8 dma(struct ide *m, u8 command, u32 lba, u8 count, bool write)
{
	command28(m, command, lba, count, 0);
	out8(m->pc, m->bm, write ? 0x01 : 0x09);
	run_completions(m->pc);
	return in8(m->pc, (u16)(m->bm + 2));
}

static void test_dma(void **state)
{
	struct ide m;
	u8 *ram;

	(void)state;
	begin(&m, false);
	ram = m.d.ram[1]; /* from BUFFER on */
	/* Regions of odd places, one of them of 64 KiB (0). */
	regions(&m,
		(const u32[][2]){
			{ BUFFER + 2, 510 }, { BUFFER + 0x8000, 2 }, { BUFFER + 0x10000, 0 } },
		3);
	assert_int_equal(dma(&m, 0xc8, 10, 129, false), 0x04);
	assert_true(irq(&m));
	assert_int_equal(rd(&m, 7), 0x50);
	for (u32 i = 0; i < 129 * 512; i++) {
		u32 at = i < 510 ? 2 + i : i < 512 ? 0x8000 + i - 510 : 0x10000 + i - 512;

		assert_int_equal(ram[at], medium_byte(10 * 512 + i));
	}
	/* A table that is longer than the command: still active. */
	regions(&m, (const u32[][2]){ { BUFFER, 0x2000 } }, 1);
	assert_int_equal(dma(&m, 0xc8, 0, 8, false), 0x05);
	rd(&m, 7);
	/* One that is shorter: no interrupt, and the device goes on waiting. */
	regions(&m, (const u32[][2]){ { BUFFER, 0x200 } }, 1);
	assert_int_equal(dma(&m, 0xc8, 0, 8, false), 0x00);
	assert_false(irq(&m));
	assert_int_equal(rd(&m, 7), 0x58);
	/* The driver gives it the rest. */
	regions(&m, (const u32[][2]){ { BUFFER + 0x200, 0xe00 } }, 1);
	out8(m.pc, m.bm, 0x09);
	assert_false(irq(&m));
	run_completions(m.pc);
	assert_true(irq(&m));
	assert_int_equal(rd(&m, 7), 0x50);
	assert_true(as_image(ram, 0, 8));
	/* Writes, with FUA and without the cache too. */
	for (u32 i = 0; i < 64 * 512; i++)
		ram[i] = (u8)(i * 3);
	regions(&m, (const u32[][2]){ { BUFFER, 0x8000 } }, 1);
	assert_int_equal(dma(&m, 0xca, 500, 64, true), 0x04);
	assert_int_equal(rd(&m, 7), 0x50);
	assert_memory_equal(m.d.image[0 + PLACE_IDE0] + 500 * 512, ram, 64 * 512);
	wr(&m, 1, 0x82);
	wr(&m, 7, 0xef);
	assert_int_equal(wait_irq(&m), 0x50);
	regions(&m, (const u32[][2]){ { BUFFER, 0x8000 } }, 1);
	assert_int_equal(dma(&m, 0xca, 700, 64, true), 0x04);
	assert_int_equal(rd(&m, 7), 0x50);
	assert_memory_equal(m.d.image[PLACE_IDE0] + 700 * 512, ram, 64 * 512);
	/* Beyond RAM: data is lost, and reads as ones. */
	regions(&m, (const u32[][2]){ { 0xfffff000, 0x1000 } }, 1);
	assert_int_equal(dma(&m, 0xc8, 0, 8, false), 0x04);
	rd(&m, 7);
	regions(&m, (const u32[][2]){ { 0xfffff000, 0x1000 } }, 1);
	assert_int_equal(dma(&m, 0xca, 0, 8, true), 0x04);
	rd(&m, 7);
	assert_int_equal(m.d.image[PLACE_IDE0][100], 0xff);
	/* A table of nothing: ones make regions at FFFFFFFEh, and the last of them at once. */
	out8(m.pc, m.bm, 0);
	out32(m.pc, (u16)(m.bm + 4), 0xfffffffc);
	assert_int_equal(in32(m.pc, (u16)(m.bm + 4)), 0xfffffffc);
	assert_int_equal(dma(&m, 0xc8, 0, 8, false) & 1, 1);
	/* Stopped in the midst, it does not move any more. */
	out8(m.pc, m.bm, 0);
	assert_int_equal(in8(m.pc, (u16)(m.bm + 2)) & 1, 0);
	ide_free(&m);
}

/* Random commands of all ways beside a copy of the image. */
static void test_random(void **state)
{
	static u8 model[SECTORS * 512], data[256 * 512];
	struct ide m;

	(void)state;
	random_state = 99;
	begin(&m, false);
	memcpy(model, m.d.image[PLACE_IDE0], sizeof(model));
	wr(&m, 2, 8);
	wr(&m, 7, 0xc6);
	assert_int_equal(wait_irq(&m), 0x50);
	for (unsigned round = 0; round < 400; round++) {
		u32 n = 1 + (u32)rnd() % 200, lba = (u32)rnd() % (SECTORS - n);
		unsigned way = (unsigned)(rnd() % 3);
		bool write = one_in(2);
		static const u8 commands[3][2] = { { 0x20, 0x30 }, { 0xc4, 0xc5 }, { 0xc8, 0xca } };
		u8 *ram = m.d.ram[1];

		for (u32 i = 0; write && i < n * 512; i++)
			data[i] = (u8)rnd();
		if (write)
			memcpy(model + lba * 512, data, n * 512);
		if (way == 2) {
			memcpy(ram, data, n * 512);
			u32 first = 2 + 2 * ((u32)rnd() % 0x2000); /* whole sectors or not */

			regions(&m,
				(const u32[][2]){ { BUFFER, first },
						  { BUFFER + first, 0 },
						  { BUFFER + first + 0x10000, 0 } },
				3);
			dma(&m, commands[2][write], lba, (u8)n, write);
			assert_int_equal(rd(&m, 7), 0x50);
			assert_memory_equal(ram, model + lba * 512, n * 512);
			continue;
		}
		command28(&m, commands[way][write], lba, (u8)n, 0);
		if (write)
			pio_out(&m, data, n, way ? 8 : 1);
		else
			pio_in(&m, data, n, way ? 8 : 1);
		assert_memory_equal(data, model + lba * 512, n * 512);
	}
	assert_memory_equal(m.d.image[PLACE_IDE0], model, sizeof(model));
	ide_free(&m);
}

/* Stopped in the midst of a transfer by DMA, after any number of steps, by any way: nothing comes
 * any more, each sector of the disk is the old one or the new one, and the next command does as
 * ever. */
static void test_stopped_dma(void **state)
{
	static u8 model[SECTORS * 512];
	struct ide m;
	u8 *ram;

	(void)state;
	random_state = 7;
	begin(&m, false);
	ram = m.d.ram[1];
	memcpy(model, m.d.image[PLACE_IDE0], sizeof(model));
	for (unsigned round = 0; round < 600; round++) {
		u32 n = 1 + (u32)rnd() % 255, lba = (u32)rnd() % (SECTORS - n), at = 0, r[6][2];
		u32 sizes[] = { 2, 510, 512, 1536, 0x2000, 0xfffe };
		bool write = one_in(2);
		u8 tag = (u8)round;

		memset(ram, tag, 256 * 512);
		for (unsigned i = 0; i < 6; i++) {
			r[i][0] = BUFFER + at;
			r[i][1] = MIN(sizes[rnd() % 6], 256 * 512 - at);
			at = MIN(at + r[i][1], 255u * 512);
		}
		regions(&m, r, 6);
		command28(&m, write ? 0xca : 0xc8, lba, (u8)n, 0);
		if (one_in(2))
			completions_run(&m.pc->completions);
		out8(m.pc, m.bm, write ? 0x01 : 0x09);
		for (u32 steps = (u32)rnd() % 8; steps; steps--)
			completions_run(&m.pc->completions);
		switch (rnd() % 3) {
		case 0:
			out8(m.pc, 0x3f6, 0x04);
			out8(m.pc, 0x3f6, 0x00);
			break;
		case 1: /* what is not done waits for the bus master until the reset */
			out8(m.pc, m.bm, 0);
			run_completions(m.pc);
			out8(m.pc, 0x3f6, 0x04);
			out8(m.pc, 0x3f6, 0x00);
			break;
		default:
			piix3_ide_class.reset(&m.ide);
		}
		run_completions(m.pc);
		assert_false(irq(&m));
		assert_int_equal(rd(&m, 7), 0x50);
		for (u32 s = lba; s < lba + n; s++) {
			const u8 *now = m.d.image[PLACE_IDE0] + s * 512;

			if (write && memcmp(now, model + s * 512, 512))
				memset(model + s * 512, tag, 512);
		}
		assert_memory_equal(m.d.image[PLACE_IDE0], model, sizeof(model));
		out8(m.pc, m.bm, 0);
		regions(&m, (const u32[][2]){ { BUFFER, 0x1000 } }, 1);
		assert_int_equal(dma(&m, 0xc8, lba & ~7u, 8, false), 0x04);
		assert_int_equal(rd(&m, 7), 0x50);
		assert_memory_equal(ram, model + (lba & ~7u) * 512, 0x1000);
	}
	ide_free(&m);
}

static void test_small_commands(void **state)
{
	struct ide m;
	u8 data[512];

	(void)state;
	begin(&m, false);
	for (unsigned i = 0; i < 8; i++) {
		static const u8 good[] = { 0x10, 0xe0, 0xe1, 0xe2, 0xe3, 0xe6, 0xe7, 0xea };

		wr(&m, 7, good[i]);
		assert_int_equal(wait_irq(&m), 0x50);
	}
	wr(&m, 7, 0xe5);
	assert_int_equal(wait_irq(&m), 0x50);
	assert_int_equal(rd(&m, 2), 0xff);
	command28(&m, 0xf8, 0, 0, 0);
	assert_int_equal(wait_irq(&m), 0x50);
	assert_int_equal(rd(&m, 3) | rd(&m, 4) << 8, SECTORS - 1);
	command28(&m, 0x40, 10, 0, 0); /* verify 256, more than a chunk */
	assert_int_equal(wait_irq(&m), 0x50);
	command28(&m, 0x40, SECTORS - 100, 0, 0);
	assert_int_equal(wait_irq(&m), 0x51);
	assert_int_equal(rd(&m, 1), 0x10);
	command28(&m, 0x70, SECTORS, 0, 0);
	assert_int_equal(wait_irq(&m), 0x51);
	/* SMART: by its key; enabled, status, data, disabled. */
	wr(&m, 1, 0xda);
	command28(&m, 0xb0, 0x000000, 0, 0);
	assert_int_equal(wait_irq(&m), 0x51);
	command28(&m, 0xb0, 0xc24f00, 0, 0);
	assert_int_equal(wait_irq(&m), 0x50);
	assert_int_equal(rd(&m, 4), 0x4f);
	assert_int_equal(rd(&m, 5), 0xc2);
	wr(&m, 1, 0xd0);
	wr(&m, 7, 0xb0);
	assert_int_equal(wait_irq(&m), 0x58);
	data_in(&m, data, 512);
	run_completions(m.pc);
	assert_int_equal(data[0], 1);
	wr(&m, 1, 0xd9);
	wr(&m, 7, 0xb0);
	assert_int_equal(wait_irq(&m), 0x50);
	wr(&m, 1, 0xda);
	wr(&m, 7, 0xb0);
	assert_int_equal(wait_irq(&m), 0x51);
	ide_free(&m);
}

static void config(struct ide *m, unsigned reg, unsigned size, u32 v)
{
	out32(m->pc, 0xcf8, 0x80000900 | (reg & ~3u));
	bus_write(&m->pc->bus, (u16)(0xcfc + (reg & 3)), size, v);
}

static void test_decoding(void **state)
{
	struct ide m;

	(void)state;
	begin(&m, false);
	out32(m.pc, 0xcf8, 0x80000900);
	assert_int_equal(in32(m.pc, 0xcfc), 0x70108086);
	out32(m.pc, 0xcf8, 0x80000908);
	assert_int_equal(in32(m.pc, 0xcfc) >> 8, 0x010180);
	config(&m, 0x20, 4, 0xffffffff);
	assert_int_equal(in32(m.pc, 0xcfc), 0xfffffff1);
	config(&m, 0x20, 4, 0xd000);
	out32(m.pc, 0xd004, 0x12345678);
	assert_int_equal(in32(m.pc, 0xd004), 0x12345678);
	assert_int_equal(in32(m.pc, 0xc004), 0xffffffff);
	config(&m, 0x40, 2, 0x0000);
	assert_int_equal(rd(&m, 7), 0xff);
	assert_int_equal(in8(m.pc, 0x377 - 1), 0x00); /* the second channel is still there */
	config(&m, 0x40, 2, 0x8000);
	assert_int_equal(rd(&m, 7), 0x50);
	config(&m, 0x04, 2, 0x0004);
	assert_int_equal(rd(&m, 7), 0xff);
	assert_int_equal(in32(m.pc, 0xd004), 0xffffffff);
	piix3_ide_class.reset(&m.ide);
	assert_int_equal(rd(&m, 7), 0x50);
	ide_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_presence),    cmocka_unit_test(test_identify),
		cmocka_unit_test(test_pio),	    cmocka_unit_test(test_errors),
		cmocka_unit_test(test_dma),	    cmocka_unit_test(test_random),
		cmocka_unit_test(test_decoding),    cmocka_unit_test(test_small_commands),
		cmocka_unit_test(test_stopped_dma),
	};
	int failed = cmocka_run_group_tests_name("ata_disk", tests, NULL, NULL);

	by_requests = true;
	return failed + cmocka_run_group_tests_name("ata_disk by requests", tests, NULL, NULL);
}
