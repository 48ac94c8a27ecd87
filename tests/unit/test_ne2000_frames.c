/* SPDX-License-Identifier: MIT */
/*
 * Frames of an NE2000 against National's data sheet of the DP8390D and AN-937: transmission,
 * reception and its ring, overflow, filters, monitor mode, Send Packet, loopback.
 * Alone: make build/unit/test_ne2000_frames && build/unit/test_ne2000_frames
 */
#include "tests/unit/ne2000_fixture.h"
#include "tests/unit/random.h"

static const u8 group[NIC_MAC] = { 0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb };

/* --- Transmission */

static void check_transmit(void)
{
	u8 frame[NIC_FRAME_MAX + 8];

	start();
	for (unsigned i = 0; i < sizeof(frame); i++)
		frame[i] = byte_of(3, i);
	write_memory(TX_PAGE * 256, frame, sizeof(frame));
	transmit(NIC_FRAME_MAX);
	assert_int_equal(gone.count, 1);
	assert_int_equal(gone.length[0], NIC_FRAME_MAX);
	assert_memory_equal(gone.bytes[0], frame, NIC_FRAME_MAX);
	assert_int_equal(in(P0_ISR), ISR_PTX);
	assert_int_equal(in(P0_TSR), TSR_PTX | TSR_ND);
	assert_int_equal(in(P0_NCR), 0);
	assert_true(interrupts());
	out(P0_ISR, ISR_PTX);
	assert_false(interrupts());
	transmit(NIC_FRAME_MIN);
	assert_int_equal(gone.length[1], NIC_FRAME_MIN);
	/* Nothing, too little and too much are sent as far as the guest sees. */
	transmit(0);
	transmit(NIC_FRAME_MIN - 1);
	transmit(NIC_FRAME_MAX + 1);
	transmit(65535);
	assert_int_equal(gone.count, 2);
	assert_int_equal(in(P0_ISR), ISR_PTX);
	/* From the end of RAM on into the PROM. */
	out(P0W_TPSR, 0x7f);
	transmit(300);
	assert_int_equal(gone.bytes[2][256], mac[0]);
	/* A checksum of the driver's own. */
	put_le32(&frame[100], crc32_update(0, frame, 100));
	write_memory(TX_PAGE * 256, frame, 104);
	out(P0W_TPSR, TX_PAGE);
	out(P0W_TCR, TCR_CRC);
	transmit(104);
	assert_int_equal(gone.count, 4);
	assert_int_equal(gone.length[3], 100);
	transmit(103);
	transmit(2);
	assert_int_equal(gone.count, 4);
	out(P0W_TCR, 0);
	/* Bytes exchanged. */
	out(P0W_DCR, DCR_WTS | DCR_BOS | DCR_LS);
	transmit(60);
	assert_int_equal(gone.bytes[4][0], frame[1]);
	assert_int_equal(gone.bytes[4][59], frame[58]);
	/* Not while it stands. */
	out(CR_REG, CR_STP | CR_STA | CR_TXP | CR_RD_ABORT);
	assert_int_equal(gone.count, 5);
}

static void test_transmit(void **state)
{
	(void)state;
	both(check_transmit);
}

/* --- Reception */

static void check_receive(void)
{
	start();
	comes(mac, 42, 1);
	comes(broadcast, 1514, 2);
	deliver();
	assert_int_equal(in(P0_ISR), ISR_PRX);
	assert_int_equal(in(P0_RSR), RSR_PRX | RSR_PHY);
	assert_true(interrupts());
	assert_int_equal(curr(), RING_FIRST + 1 + 1 + 6);
	/* PRX comes back, with an edge, as long as frames are there. */
	out(P0_ISR, ISR_PRX);
	assert_int_equal(in(P0_ISR), ISR_PRX);
	assert_int_equal(pc.wire[wire()].falls, 1);
	assert_true(interrupts());
	expect_frame(mac, 42, 1, RSR_PRX);
	expect_frame(broadcast, 1514, 2, RSR_PRX | RSR_PHY);
	out(P0_ISR, ISR_PRX);
	assert_false(interrupts());
	/* Around the ring, with frames of all lengths. */
	for (u32 length = NIC_FRAME_MIN; length <= NIC_FRAME_MAX; length += 13) {
		comes(mac, length, length);
		deliver();
		expect_frame(mac, length, length, RSR_PRX);
		assert_int_equal(curr(),
				 in(P0_BNRY) == RING_END - 1 ? RING_FIRST : in(P0_BNRY) + 1u);
	}
	assert_int_equal(in(P0_CNTR0 + 2), 0);
}

static void test_receive(void **state)
{
	(void)state;
	both(check_receive);
}

/* What comes to a full ring waits outside, and none is lost. */
static void check_full(void)
{
	unsigned seen = 0;

	start();
	for (unsigned i = 0; i < 40; i++)
		comes(mac, 1000 + i, i);
	deliver();
	/* 58 pages: 57 can be used, four of each frame, and the longest must fit still. */
	assert_int_equal(coming.at, 13);
	assert_int_equal(in(P0_ISR), ISR_PRX);
	deliver();
	assert_int_equal(coming.at, 13);
	for (; seen < 40; seen++) {
		expect_frame(mac, 1000 + seen, seen, RSR_PRX);
		run_completions(&pc);
	}
	assert_int_equal(coming.at, 40);
	assert_int_equal(curr(), in(P0_BNRY) + 1);
	assert_int_equal(in(P0_ISR), ISR_PRX);
	/* In monitor mode they are counted, and there is always room for that. */
	for (unsigned i = 0; i < 20; i++)
		comes(mac, 1514, i);
	deliver();
	assert_in_range(coming.at, 41, 59);
	out(P0W_RCR, RCR_MON);
	run_completions(&pc);
	assert_int_equal(coming.at, 60);
	start();
	/* One that stands loses them, also those that waited. */
	for (unsigned i = 0; i < 40; i++)
		comes(mac, 1514, i);
	deliver();
	assert_in_range(coming.at, 61, 99);
	out(CR_REG, CR_STP | CR_RD_ABORT);
	run_completions(&pc);
	assert_int_equal(coming.at, 100);
	comes(mac, 60, 0);
	deliver();
	assert_int_equal(coming.at, 101);
	/* And so does a reset. */
	start();
	for (unsigned i = 0; i < 40; i++)
		comes(mac, 1514, i);
	deliver();
	in(RESET);
	run_completions(&pc);
	assert_int_equal(coming.at, 141);
	assert_false(interrupts());
}

static void test_full(void **state)
{
	(void)state;
	both(check_full);
}

/* BNRY is before the ring when the next frame to be read is the first of it, as Linux has it. */
static void check_before_ring(void)
{
	start();
	out(P0_BNRY, RING_FIRST - 1);
	out(CR_REG, CR_STA | CR_RD_ABORT | CR_PAGE(1));
	out(P1_CURR, RING_FIRST);
	out(CR_REG, CR_STA | CR_RD_ABORT);
	out(P0_ISR, ISR_PRX);
	assert_int_equal(in(P0_ISR), 0); /* the ring is empty */
	for (unsigned i = 0; i < 40; i++)
		comes(mac, 1000 + i, i);
	deliver();
	assert_int_equal(coming.at, 13);
	for (unsigned i = 0; i < 40; i++) {
		expect_frame(mac, 1000 + i, i, RSR_PRX);
		run_completions(&pc);
	}
}

static void test_before_ring(void **state)
{
	(void)state;
	both(check_before_ring);
}

/* A ring of three pages, in which 1000 bytes have no room. */
static void check_overflow(void)
{
	start();
	set_ring(0x50, 0x53);
	comes(mac, 200, 1);
	comes(mac, 1000, 2);
	comes(mac, 200, 3);
	deliver();
	assert_int_equal(in(P0_ISR), ISR_PRX);
	assert_int_equal(coming.at, 1);
	out(P0_BNRY, 0x51);
	assert_int_equal(coming.at, 2); /* the third one waits */
	assert_int_equal(in(P0_ISR), ISR_PRX | ISR_OVW | ISR_RST);
	assert_int_equal(in(P0_RSR), RSR_MPA);
	assert_int_equal(curr(), 0x52);
	assert_int_equal(in(P0_CNTR0 + 2), 1);
	assert_int_equal(in(P0_CNTR0 + 2), 0); /* reading clears */
	out(P0_ISR, ISR_PRX | ISR_OVW);
	assert_int_equal(in(P0_ISR), ISR_RST);
	out(P0_BNRY, 0x51);
	assert_int_equal(in(P0_ISR), ISR_PRX);
	assert_int_equal(coming.at, 3);
	assert_int_equal(curr(), 0x50);
	assert_int_equal(memory(0x5200 + RING_NEXT), 0x50);
}

static void test_overflow(void **state)
{
	(void)state;
	both(check_overflow);
}

/* --- Filters */

/* The data sheet's way (9): bit by bit, the upper six bits of the register. */
static unsigned hash_of(const u8 *address)
{
	u32 crc = 0xffffffff;

	for (unsigned i = 0; i < NIC_MAC * 8; i++) {
		bool bit = address[i / 8] >> i % 8 & 1;
		bool top = crc >> 31;

		crc <<= 1;
		if (bit != top)
			crc ^= 0x04c11db7;
	}
	return crc >> 26;
}

static void set_hash(unsigned bit)
{
	out(CR_REG, CR_RD_ABORT | CR_PAGE(1));
	for (unsigned i = 0; i < 8; i++)
		out(P1_MAR0 + i, (u8)(i == bit / 8 ? BIT(bit % 8) : 0));
	out(CR_REG, CR_RD_ABORT);
}

static bool receives(const u8 *to)
{
	bool got;

	comes(to, 60, 9);
	deliver();
	got = in(P0_ISR)&ISR_PRX;
	if (got)
		expect_frame(to, 60, 9, RSR_PRX | (to[0] & 1 ? RSR_PHY : 0));
	out(P0_ISR, 0xff);
	return got;
}

static void check_filters(void)
{
	static const u8 stranger[NIC_MAC] = { 0x02, 0x52, 0x4c, 0x00, 0x00, 0x08 };
	u8 address[NIC_MAC];

	start();
	out(P0W_RCR, 0);
	assert_true(receives(mac));
	assert_false(receives(stranger));
	assert_false(receives(broadcast));
	assert_false(receives(group));
	out(P0W_RCR, RCR_AB);
	assert_true(receives(broadcast));
	assert_false(receives(group));
	out(P0W_RCR, RCR_PRO); /* physical addresses alone */
	assert_true(receives(stranger));
	assert_false(receives(broadcast));
	assert_false(receives(group));
	out(P0W_RCR, RCR_AM);
	set_hash(hash_of(group));
	assert_true(receives(group));
	assert_true(receives(mac));
	assert_false(receives(stranger));
	assert_false(receives(broadcast));
	for (unsigned i = 0; i < 500; i++) {
		for (unsigned at = 0; at < NIC_MAC; at++)
			address[at] = (u8)rnd();
		address[0] |= 1;
		set_hash(hash_of(address));
		assert_true(receives(address));
		set_hash((hash_of(address) + 1 + (unsigned)(rnd() % 63)) % 64);
		assert_false(receives(address));
	}
}

static void test_filters(void **state)
{
	(void)state;
	both(check_filters);
}

/* Monitor mode counts what it would have received. */
static void check_monitor(void)
{
	start();
	out(P0W_RCR, RCR_MON | RCR_AB);
	assert_true(in(P0_RSR)&RSR_DIS);
	for (unsigned i = 0; i < 127; i++) {
		comes(mac, 60, i);
		comes(group, 60, i);
		deliver();
	}
	assert_int_equal(in(P0_ISR), 0);
	comes(broadcast, 60, 0);
	deliver();
	assert_int_equal(in(P0_RSR), RSR_DIS | RSR_MPA | RSR_PHY);
	assert_int_equal(in(P0_ISR), ISR_CNT);
	assert_int_equal(curr(), RING_FIRST + 1);
	for (unsigned i = 0; i < 200; i++) {
		comes(mac, 60, i);
		deliver();
	}
	assert_int_equal(in(P0_CNTR0 + 2), 0xc0);
	out(P0W_RCR, RCR_AB);
	assert_false(in(P0_RSR)&RSR_DIS);
}

static void test_monitor(void **state)
{
	(void)state;
	both(check_monitor);
}

/* --- Send Packet: the DMA takes a frame out by itself, and BNRY follows. */

static void check_send_packet(void)
{
	u8 got[104];

	start();
	out(P0W_DCR, DCR_WTS | DCR_LS | DCR_AR);
	set_ring(RING_FIRST, RING_END);
	out(P0_BNRY, RING_FIRST + 1);
	out(CR_REG, CR_STA | CR_RD_SEND); /* there is none */
	assert_int_equal(in(P0_ISR), 0);
	comes(mac, 100, 5);
	comes(mac, 300, 6);
	deliver();
	out(P0_ISR, 0xff);
	out(P0W_RBCR1, 0x0f);
	out(CR_REG, CR_STA | CR_RD_SEND);
	for (unsigned i = 0; i < sizeof(got); i += 2)
		put_le16(&got[i], bus_read(&pc.bus, (u16)(base + DATA), 2));
	assert_int_equal(in(P0_ISR), ISR_RDC | ISR_PRX); /* one is left */
	assert_int_equal(get_le16(&got[RING_COUNT]), 104);
	assert_memory_equal(&got[RING_HEADER], mac, NIC_MAC);
	assert_int_equal(got[RING_HEADER + 99], byte_of(5, 99));
	assert_int_equal(in(P0_BNRY), RING_FIRST + 2);
	out(P0W_DCR, DCR_WTS | DCR_LS); /* not without AR */
	out(P0_ISR, 0xff);
	out(CR_REG, CR_STA | CR_RD_SEND);
	assert_int_equal(in(DATA), 0xff);
	assert_int_equal(in(P0_BNRY), RING_FIRST + 2);
}

static void test_send_packet(void **state)
{
	(void)state;
	both(check_send_packet);
}

/* --- Loopback (data sheet, 12; AN-937) */

static void put_looped(const u8 *to, u16 length, bool good)
{
	u8 frame[256];

	for (unsigned i = 0; i < sizeof(frame); i++)
		frame[i] = byte_of(7, i);
	memcpy(frame, to, NIC_MAC);
	put_le32(&frame[length - 4], crc32_update(0, frame, length - 4u) + !good);
	write_memory(TX_PAGE * 256, frame, sizeof(frame));
	out(P0_ISR, 0xff);
}

/* 64 bytes in all: the count comes first, and the checksum last. */
static void check_loopback_crc(void)
{
	u8 fifo[8], frame[60];

	start();
	out(P0W_DCR, 0x40);
	put_looped(mac, 64, true);
	memcpy(frame, card.chip.memory.ram, sizeof(frame));
	for (unsigned mode = 1; mode <= 3; mode++) {
		static const u8 tsr[] = { 0, 0x53, 0x43, 0x03 };

		out(P0W_TCR, (u8)(mode << 1));
		out(P0_ISR, 0xff);
		transmit(60);
		assert_int_equal(in(P0_TSR), tsr[mode]);
		assert_int_equal(in(P0_RSR), RSR_CRC);
		assert_int_equal(in(P0_ISR), ISR_PTX | ISR_RXE);
		for (unsigned i = 0; i < 8; i++)
			fifo[i] = in(P0_FIFO);
		assert_int_equal(fifo[0], 64);
		assert_int_equal(fifo[1], 0);
		assert_int_equal(fifo[2], 0);
		assert_int_equal(fifo[3], frame[59]);
		assert_int_equal(get_le32(&fifo[4]), crc32_update(0, frame, 60));
	}
	assert_int_equal(gone.count, 1); /* by the cable */
	assert_int_equal(curr(), RING_FIRST + 1);
	comes(mac, 60, 1); /* nobody listens */
	deliver();
	assert_int_equal(coming.at, 1);
	assert_false(in(P0_ISR)&ISR_PRX);
	out(P0_ISR, 0xff);
	transmit(0);
	transmit(65535);
}

/* Tests A, B and C. */
static void check_loopback_address(void)
{
	static const u8 stranger[NIC_MAC] = { 0x02, 1, 2, 3, 4, 5 };
	const struct {
		const u8 *to;
		bool good;
		u8 rsr, isr;
	} tests[] = {
		{ mac, true, 0x01, ISR_PTX },
		{ mac, false, 0x02, ISR_PTX | ISR_RXE },
		{ stranger, false, 0x01, ISR_PTX },
		{ group, true, 0x21, ISR_PTX },
		{ group, false, 0x22, ISR_PTX | ISR_RXE },
	};

	start();
	out(P0W_DCR, 0x40);
	out(P0W_RCR, RCR_AM);
	set_hash(hash_of(group));
	out(P0W_TCR, 0x03);
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++) {
		put_looped(tests[i].to, 64, tests[i].good);
		transmit(64);
		assert_int_equal(in(P0_RSR), tests[i].rsr);
		assert_int_equal(in(P0_ISR), tests[i].isr);
	}
}

/* In word mode every other byte takes part. */
static void check_loopback_words(void)
{
	start();
	for (unsigned bos = 0; bos < 2; bos++) {
		u8 lane[128];

		out(P0W_DCR, DCR_WTS | DCR_LS | 0x40);
		for (unsigned i = 0; i < sizeof(lane); i++)
			lane[i] = i % 2 == bos ? 0xee : (u8)(i / 2);
		write_memory(TX_PAGE * 256, lane, sizeof(lane));
		out(P0W_DCR, (u8)(0x40 | DCR_WTS | (bos ? DCR_BOS : 0)));
		out(P0W_TCR, 0x02 | TCR_CRC);
		transmit(2 * 61);
		/* 61 = 7 * 8 + 5: the last five, and the count. */
		for (unsigned i = 56; i < 61; i++)
			assert_int_equal(in(P0_FIFO), i);
		assert_int_equal(in(P0_FIFO), 61);
		assert_int_equal(in(P0_FIFO), 0);
		assert_int_equal(in(P0_FIFO), 0);
		assert_int_equal(in(P0_FIFO), 56);
	}
}

static void test_loopback(void **state)
{
	(void)state;
	both(check_loopback_crc);
	both(check_loopback_address);
	both(check_loopback_words);
}

/* Rings that are none: upside down, empty, all pages, and CURR outside. */
static void test_bad_rings(void **state)
{
	static const u8 rings[][4] = { /* PSTART, PSTOP, BNRY, CURR */
				       { 0x80, 0x46, 0x46, 0x47 }, { 0x50, 0x50, 0x50, 0x50 },
				       { 0x46, 0x80, 0x46, 0xf0 }, { 0x00, 0x00, 0x10, 0x20 },
				       { 0x46, 0x80, 0x90, 0x50 }, { 0x46, 0x47, 0x46, 0x46 },
				       { 0xff, 0x00, 0x00, 0xff }
	};

	(void)state;
	begin(&ne2000_isa_class);
	for (unsigned i = 0; i < ARRAY_SIZE(rings); i++) {
		start();
		set_ring(rings[i][0], rings[i][1]);
		out(P0_BNRY, rings[i][2]);
		out(CR_REG, CR_STA | CR_RD_ABORT | CR_PAGE(1));
		out(P1_CURR, rings[i][3]);
		out(CR_REG, CR_STA | CR_RD_ABORT);
		for (unsigned n = 0; n < 50; n++)
			comes(mac, 1514, n);
		deliver();
		out(CR_REG, CR_STP | CR_RD_ABORT);
		run_completions(&pc);
		assert_int_equal(coming.at, coming.count);
	}
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transmit), cmocka_unit_test(test_receive),
		cmocka_unit_test(test_full),	 cmocka_unit_test(test_before_ring),
		cmocka_unit_test(test_overflow), cmocka_unit_test(test_filters),
		cmocka_unit_test(test_monitor),	 cmocka_unit_test(test_send_packet),
		cmocka_unit_test(test_loopback), cmocka_unit_test(test_bad_rings),
	};

	random_state = 88172645463325252ull;
	return cmocka_run_group_tests_name("ne2000_frames", tests, NULL, NULL);
}
