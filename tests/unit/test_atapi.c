/* SPDX-License-Identifier: MIT */
/*
 * A CD-ROM drive at the second IDE channel (ATA/ATAPI-6, MMC-3): its signature, each packet's
 * answer, blocks by PIO and DMA beside the image, sense, lock, eject, media that change. Alone:
 * make build/unit/test_atapi && build/unit/test_atapi
 */
#include "tests/unit/ide_fixture.h"
#include "tests/unit/random.h"
#include "tests/unit/tape.h"

#define BLOCKS 100u

static u8 answer[64 * 1024];
static u32 answered;

static void begin(struct ide *m, bool empty)
{
	ide_begin(m);
	drive_pc_add(&m->d, PLACE_IDE2, DRIVE_CDROM, BLOCKS * 2048, true);
	if (empty)
		disk_memory_insert(&m->d.disk[PLACE_IDE2], NULL, 0, true);
	ide_plug(m);
	ide_second(m);
}

/* Gives a packet; limit: of a DRQ block. */
static void give(struct ide *m, const u8 *p, u32 limit, bool by_dma)
{
	wr(m, 6, 0xa0);
	wr(m, 1, by_dma);
	wr(m, 4, (u8)limit);
	wr(m, 5, (u8)(limit >> 8));
	wr(m, 7, 0xa0);
	assert_int_equal(rd(m, 7), 0x58); /* at once, and without an interrupt */
	assert_int_equal(rd(m, 2), 1);
	data_out(m, p, 12);
}

/* All of it; returns the error register, 0 for none. */
static u8 packet(struct ide *m, const u8 *p, u32 limit)
{
	u8 status;

	answered = 0;
	give(m, p, limit, false);
	for (status = wait_irq(m); status & 0x08; status = rd(m, 7)) {
		u32 n = (u32)(rd(m, 4) | rd(m, 5) << 8);

		assert_int_equal(rd(m, 2), 2);
		assert_in_range(n, 1, limit);
		data_in(m, answer + answered, n);
		answered += n;
		run_completions(m->pc);
		assert_true(irq(m)); /* of the next block, or the end */
	}
	assert_false(irq(m));
	assert_int_equal(rd(m, 2), 3);
	assert_int_equal(status, rd(m, 1) ? 0x51 : 0x50);
	return rd(m, 1);
}

#define PACKET(m, ...) packet(m, (const u8[12]){ __VA_ARGS__ }, 0xfffe)

/* Key, ASC, ASCQ. */
static void expect_sense(struct ide *m, u8 key, u8 asc, u8 ascq)
{
	assert_int_equal(PACKET(m, 0x03, 0, 0, 0, 18), 0);
	assert_int_equal(answered, 18);
	assert_int_equal(answer[0], 0x70);
	assert_int_equal(answer[2], key);
	assert_int_equal(answer[12], asc);
	assert_int_equal(answer[13], ascq);
}

static void ready(struct ide *m)
{
	assert_int_equal(PACKET(m, 0x00), 0x60); /* it was reset */
	expect_sense(m, 6, 0x29, 0);
	assert_int_equal(PACKET(m, 0x00), 0);
	expect_sense(m, 0, 0, 0);
}

static void test_presence(void **state)
{
	struct ide m;
	u8 id[512];

	(void)state;
	begin(&m, false);
	assert_int_equal(rd(&m, 7), 0);
	assert_int_equal(rd(&m, 4), 0x14);
	assert_int_equal(rd(&m, 5), 0xeb);
	wr(&m, 4, 0);
	wr(&m, 7, 0xec); /* the signature tells what it is */
	assert_int_equal(wait_irq(&m), 0x51);
	assert_int_equal(rd(&m, 1), 4);
	assert_int_equal(rd(&m, 4), 0x14);
	wr(&m, 7, 0xa1);
	assert_int_equal(wait_irq(&m), 0x58);
	data_in(&m, id, 512);
	run_completions(m.pc);
	assert_int_equal(rd(&m, 7), 0x50);
	assert_int_equal(id[1], 0x85);
	assert_int_equal(id[0], 0xc0);
	assert_memory_equal(id + 54, "IRGNELDAREC -DOR", 16);
	wr(&m, 7, 0x20); /* no command of a packet device */
	assert_int_equal(wait_irq(&m), 0x51);
	/* DEVICE RESET in the midst of a packet. */
	wr(&m, 7, 0xa0);
	data_out(&m, (const u8[12]){ 0x12, 0, 0, 0, 36 }, 8);
	wr(&m, 7, 0x08);
	assert_int_equal(rd(&m, 7), 0);
	assert_int_equal(rd(&m, 4), 0x14);
	run_completions(m.pc);
	assert_false(irq(&m));
	ide_free(&m);
}

static void test_answers(void **state)
{
	static const u8 toc[] = { 0, 18, 1, 1,	  0,	0x14, 1, 0, 0, 0,
				  0, 0,	 0, 0x14, 0xaa, 0,    0, 0, 0, BLOCKS };
	static const u8 msf[] = { 0, 10, 1, 1, 0, 0x14, 0xaa, 0, 0, 0, 3, 25 };
	static const u8 session[] = { 0, 10, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0 };
	struct ide m;

	(void)state;
	begin(&m, false);
	assert_int_equal(PACKET(&m, 0x12, 0, 0, 0, 36), 0); /* also before the attention is told */
	assert_int_equal(answered, 36);
	assert_int_equal(answer[0], 5);
	assert_int_equal(answer[1], 0x80);
	assert_memory_equal(answer + 8, "RL      RINGLEADER CDROM1.0 ", 28);
	ready(&m);
	assert_int_equal(PACKET(&m, 0x12, 0, 0, 0, 5), 0);
	assert_int_equal(answered, 5);
	assert_int_equal(PACKET(&m, 0x25), 0);
	assert_memory_equal(answer, "\0\0\0\x63\0\0\x08\0", 8);
	assert_int_equal(PACKET(&m, 0x43, 0, 0, 0, 0, 0, 0, 0, 100), 0);
	assert_int_equal(answered, sizeof(toc));
	assert_memory_equal(answer, toc, sizeof(toc));
	assert_int_equal(PACKET(&m, 0x43, 2, 0, 0, 0, 0, 0xaa, 0, 100), 0);
	assert_memory_equal(answer, msf, sizeof(msf));
	assert_int_equal(PACKET(&m, 0x43, 0, 1, 0, 0, 0, 0, 0, 100), 0);
	assert_memory_equal(answer, session, sizeof(session));
	assert_int_equal(PACKET(&m, 0x43, 0, 0, 0, 0, 0, 0, 0, 12, 0x40), 0); /* as SFF-8020 asks */
	assert_memory_equal(answer, session, sizeof(session));
	assert_int_equal(PACKET(&m, 0x43, 2, 2, 0, 0, 0, 0, 0, 100), 0);
	assert_int_equal(answered, 48);
	assert_int_equal(answer[4 + 2 * 11 + 3], 0xa2);
	assert_memory_equal(answer + 4 + 2 * 11 + 8, "\0\3\x19", 3);
	assert_int_equal(PACKET(&m, 0x43, 0, 3, 0, 0, 0, 0, 0, 100), 0x54);
	expect_sense(&m, 5, 0x24, 0);
	assert_int_equal(PACKET(&m, 0x43, 0, 0, 0, 0, 0, 2, 0, 100), 0x54);
	assert_int_equal(PACKET(&m, 0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 100), 0);
	assert_int_equal(answered, 28);
	assert_int_equal(answer[1], 26);
	assert_int_equal(answer[8], 0x2a);
	assert_int_equal(PACKET(&m, 0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 100), 0);
	assert_int_equal(answered, 36);
	assert_int_equal(PACKET(&m, 0x5a, 0, 0xea, 0, 0, 0, 0, 0, 100), 0x54);
	expect_sense(&m, 5, 0x39, 0);
	assert_int_equal(PACKET(&m, 0x46, 0, 0, 0, 0, 0, 0, 0, 100), 0);
	assert_int_equal(answer[3], answered - 4);
	assert_int_equal(answer[7], 8);
	assert_int_equal(PACKET(&m, 0x46, 2, 0, 1, 0, 0, 0, 0, 100), 0);
	assert_int_equal(answered, 16);
	assert_int_equal(PACKET(&m, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8), 0);
	assert_memory_equal(answer, "\0\6\4\x10\0\2\0\0", 8);
	assert_int_equal(PACKET(&m, 0x4a, 0, 0, 0, 0x10, 0, 0, 0, 8), 0x54);
	assert_int_equal(PACKET(&m, 0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8), 0);
	assert_int_equal(answered, 8);
	assert_int_equal(PACKET(&m, 0x51, 0, 0, 0, 0, 0, 0, 0, 34), 0);
	assert_int_equal(answered, 34);
	assert_int_equal(PACKET(&m, 0xff), 0x54);
	expect_sense(&m, 5, 0x20, 0);
	ide_free(&m);
}

static bool as_image(const u8 *data, u32 block, u32 bytes)
{
	for (u32 i = 0; i < bytes; i++)
		if (data[i] != medium_byte((u64)block * 2048 + i))
			return false;
	return true;
}

static void test_reading(void **state)
{
	struct ide m;

	(void)state;
	begin(&m, false);
	ready(&m);
	/* 20 blocks in DRQ blocks of odd and even limits. */
	for (unsigned i = 0; i < 4; i++) {
		static const u32 limit[] = { 2048, 0xfffe, 6001, 512 };

		assert_int_equal(
			packet(&m, (const u8[12]){ 0x28, 0, 0, 0, 0, 70, 0, 0, 20 }, limit[i]), 0);
		assert_int_equal(answered, 20 * 2048);
		assert_true(as_image(answer, 70, answered));
	}
	assert_int_equal(PACKET(&m, 0xa8, 0, 0, 0, 0, 99, 0, 0, 0, 1), 0);
	assert_true(as_image(answer, 99, 2048));
	assert_int_equal(PACKET(&m, 0x28, 0, 0, 0, 0, 70, 0, 0, 0), 0); /* none is no mistake */
	assert_int_equal(answered, 0);
	assert_int_equal(PACKET(&m, 0x28, 0, 0, 0, 0, 99, 0, 0, 2), 0x54);
	expect_sense(&m, 5, 0x21, 0);
	assert_int_equal(PACKET(&m, 0xa8, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), 0x54);
	assert_int_equal(PACKET(&m, 0x2b, 0, 0, 0, 0, 99), 0);
	assert_int_equal(PACKET(&m, 0x2b, 0, 0, 0, 0, 100), 0x54);
	/* By DMA. */
	give(&m, (const u8[12]){ 0x28, 0, 0, 0, 0, 3, 0, 0, 32 }, 0, true);
	regions(&m, (const u32[][2]){ { BUFFER, 0 } }, 1);
	out8(m.pc, m.bm, 0x09);
	assert_int_equal(wait_irq(&m), 0x50);
	assert_int_equal(in8(m.pc, (u16)(m.bm + 2)), 0x04);
	assert_true(as_image(m.d.ram[1], 3, 65536));
	/* READ CD: nothing, the data, whole blocks with sync and header. */
	assert_int_equal(PACKET(&m, 0xbe, 0, 0, 0, 0, 5, 0, 0, 2, 0x00), 0);
	assert_int_equal(answered, 0);
	assert_int_equal(PACKET(&m, 0xbe, 0, 0, 0, 0, 5, 0, 0, 2, 0x10), 0);
	assert_int_equal(answered, 4096);
	assert_int_equal(PACKET(&m, 0xbe, 0, 0, 0, 0, 5, 0, 0, 20, 0xf8), 0);
	assert_int_equal(answered, 20 * 2352);
	for (u32 i = 0; i < 20; i++) {
		const u8 *b = answer + i * 2352;

		assert_int_equal(b[1], 0xff);
		assert_int_equal(b[12], 0);
		assert_int_equal(b[13], 2); /* 155 frames behind 0: 00:02:05 */
		assert_int_equal(b[14], (5 + i) / 10 << 4 | (5 + i) % 10);
		assert_int_equal(b[15], 1);
		assert_true(as_image(b + 16, 5 + i, 2048));
	}
	assert_int_equal(PACKET(&m, 0xbe, 0x04, 0, 0, 0, 5, 0, 0, 2, 0x10), 0x54); /* audio */
	expect_sense(&m, 5, 0x64, 0);
	ide_free(&m);
}

static void test_media(void **state)
{
	struct ide m;

	(void)state;
	begin(&m, true);
	assert_int_equal(PACKET(&m, 0x00), 0x60);
	assert_int_equal(PACKET(&m, 0x00), 0x20);
	expect_sense(&m, 2, 0x3a, 0);
	assert_int_equal(PACKET(&m, 0x25), 0x20);
	disk_memory_insert(&m.d.disk[PLACE_IDE2], m.d.image[PLACE_IDE2], BLOCKS * 2048, true);
	run_completions(m.pc);
	assert_int_equal(PACKET(&m, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8), 0);
	assert_memory_equal(answer + 4, "\2\2", 2);
	assert_int_equal(PACKET(&m, 0x28, 0, 0, 0, 0, 0, 0, 0, 1), 0x60);
	expect_sense(&m, 6, 0x28, 0);
	assert_int_equal(PACKET(&m, 0x00), 0);
	/* Locked: the drive does not open. */
	assert_int_equal(PACKET(&m, 0x1e, 0, 0, 0, 1), 0);
	assert_int_equal(PACKET(&m, 0x1b, 0, 0, 0, 2), 0x54);
	expect_sense(&m, 5, 0x53, 2);
	assert_int_equal(PACKET(&m, 0x1e, 0, 0, 0, 0), 0);
	assert_int_equal(PACKET(&m, 0x1b, 0, 0, 0, 2), 0);
	assert_int_equal(PACKET(&m, 0x00), 0x20);
	assert_int_equal(PACKET(&m, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8), 0);
	assert_memory_equal(answer + 4, "\3\1", 2);
	assert_int_equal(PACKET(&m, 0x1b, 0, 0, 0, 3), 0);
	assert_int_equal(PACKET(&m, 0x00), 0x60);
	assert_int_equal(PACKET(&m, 0x00), 0);
	/* Taken out by hand. */
	disk_memory_insert(&m.d.disk[PLACE_IDE2], NULL, 0, true);
	run_completions(m.pc);
	assert_int_equal(PACKET(&m, 0x28, 0, 0, 0, 0, 0, 0, 0, 1), 0x20);
	expect_sense(&m, 2, 0x3a, 0);
	ide_free(&m);
}

/* Blocks that come until the command ends, by PIO or in what DMA has left; the error register. */
static u8 rest(struct ide *m, u32 limit)
{
	for (unsigned i = 0; i < 4 * 64; i++) {
		u8 status;

		run_completions(m->pc);
		status = rd(m, 7);
		if (!(status & 0x88))
			return status & 1 ? rd(m, 1) : 0;
		assert_int_equal(status, 0x58);
		limit = (u32)(rd(m, 4) | rd(m, 5) << 8);
		data_in(m, answer + answered, limit);
		answered += limit;
	}
	fail();
	return 0;
}

static u32 old_blocks(const u8 *data, u32 lba, u32 blocks)
{
	u32 n = 0;

	while (n < blocks && as_image(data + n * 2048, lba + n, 2048))
		n++;
	return n;
}

/* An answer that is shorter than the packet waits for the bus master: it is saved and loaded. */
static void test_saved_in_front_of_dma(void **state)
{
	struct tape t = { 0 };
	struct snap snap;
	struct ide m;

	(void)state;
	begin(&m, false);
	ready(&m);
	give(&m, (const u8[12]){ 0x25 }, 0xfffe, true);
	run_completions(m.pc);
	snap_save_to(&snap, tape_put, &t);
	snap_begin(&snap, "ide", piix3_ide_class.version);
	piix3_ide_class.state(&m.ide, &snap);
	snap_end(&snap);
	assert_true(snap_finish(&snap));
	snap_load_from(&snap, tape_get, &t);
	snap_begin(&snap, "ide", piix3_ide_class.version);
	piix3_ide_class.state(&m.ide, &snap);
	snap_end(&snap);
	assert_true(snap_finish(&snap));
	regions(&m, (const u32[][2]){ { BUFFER, 8 } }, 1);
	out8(m.pc, m.bm, 0x09);
	assert_int_equal(wait_irq(&m), 0x50);
	assert_memory_equal(m.d.ram[1], ((const u8[8]){ 0, 0, 0, BLOCKS - 1, 0, 0, 8, 0 }), 8);
	free(t.bytes);
	ide_free(&m);
}

/* Another disk, none, or a reset in the midst of a command, after any number of blocks, by PIO and
 * by DMA: whatever comes is of the disk that the command began with, and if not all of it has come,
 * the command says why. */
static void test_change_in_transfer(void **state)
{
	static u8 other[BLOCKS * 2048];
	unsigned ended[3] = { 0 };
	struct ide m;

	(void)state;
	random_state = 17;
	begin(&m, false);
	ready(&m);
	memset(other, 0xee, sizeof(other));
	for (unsigned round = 0; round < 300; round++) {
		u32 blocks = 16 + (u32)rnd() % 40, lba = (u32)rnd() % (BLOCKS - blocks);
		u32 before = (u32)rnd() % 20, way = (u32)rnd() % 3, got;
		bool by_dma = one_in(2);
		u8 error;

		answered = 0;
		memset(answer, 0, sizeof(answer));
		memset(m.d.ram[1], 0, 64 * 2048);
		give(&m, (const u8[12]){ 0x28, 0, 0, 0, 0, (u8)lba, 0, 0, (u8)blocks }, 2048,
		     by_dma);
		regions(&m, (const u32[][2]){ { BUFFER, 0 }, { BUFFER + 0x10000, 0xf000 } }, 2);
		if (by_dma)
			out8(m.pc, m.bm, 0x09);
		for (; before; before--) {
			completions_run(&m.pc->completions);
			if (!by_dma && (in8(m.pc, 0x376) & 0x88) == 0x08 &&
			    answered < blocks * 2048) {
				rd(&m, 7);
				data_in(&m, answer + answered, 2048);
				answered += 2048;
			}
		}
		if (way == 0)
			disk_memory_insert(&m.d.disk[PLACE_IDE2], other, sizeof(other), true);
		else if (way == 1)
			disk_memory_insert(&m.d.disk[PLACE_IDE2], NULL, 0, true);
		else
			wr(&m, 7, 0x08);
		error = rest(&m, 2048);
		got = old_blocks(by_dma ? m.d.ram[1] : answer, lba, blocks);
		if (by_dma)
			for (u32 i = got * 2048; i < blocks * 2048; i++)
				assert_int_equal(m.d.ram[1][i], 0);
		else
			assert_int_equal(got * 2048, answered);
		if (way == 2)
			assert_int_equal(rd(&m, 4) | rd(&m, 5), 0x14 | 0xeb);
		else if (got < blocks)
			assert_true(error == 0x20 || (!way && error == 0x60));
		ended[way] += got < blocks;
		out8(m.pc, m.bm, 0);
		disk_memory_insert(&m.d.disk[PLACE_IDE2], m.d.image[PLACE_IDE2], BLOCKS * 2048,
				   true);
		run_completions(m.pc);
		rd(&m, 7);
		for (unsigned i = 0; i < 4 && PACKET(&m, 0x00); i++)
			;
		assert_int_equal(PACKET(&m, 0x00), 0);
	}
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(ended[i], 20, 280);
	ide_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_presence),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_reading),
		cmocka_unit_test(test_media),
		cmocka_unit_test(test_saved_in_front_of_dma),
		cmocka_unit_test(test_change_in_transfer),
	};

	return cmocka_run_group_tests_name("atapi", tests, NULL, NULL);
}
