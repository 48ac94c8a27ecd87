/* SPDX-License-Identifier: MIT */
/*
 * The NE2000 against the data sheets of DP8390D (National) and RTL8029AS (Realtek): the card in its
 * slot of each bus, registers, the PROM, remote DMA, a saved card in the midst of work, and
 * registers that make no sense. Its frames are test_ne2000_frames.c's.
 * Alone: make build/unit/test_ne2000 && build/unit/test_ne2000
 */
#include "emu/snap/snap.h"
#include "tests/unit/ne2000_fixture.h"
#include "tests/unit/random.h"
#include "tests/unit/tape.h"

/* --- Reset and the PROM */

static void check_reset(void)
{
	assert_int_equal(in(CR_REG), CR_STP | CR_RD_ABORT);
	assert_int_equal(in(P0_ISR), ISR_RST);
	start();
	assert_int_equal(in(CR_REG), CR_STA | CR_RD_ABORT);
	assert_int_equal(in(P0_ISR), 0);
	/* STP leaves STA as it is, and RST is no bit that can be cleared. */
	out(CR_REG, CR_STP | CR_RD_ABORT);
	assert_int_equal(in(CR_REG), CR_STP | CR_STA | CR_RD_ABORT);
	out(P0_ISR, 0xff);
	assert_int_equal(in(P0_ISR), ISR_RST);
	/* Neither stops nor starts. */
	start();
	out(CR_REG, CR_RD_ABORT);
	assert_int_equal(in(P0_ISR), 0);
	out(RESET, in(RESET));
	assert_int_equal(in(CR_REG), CR_STP | CR_RD_ABORT);
	assert_int_equal(in(P0_ISR), ISR_RST);
	out(CR_REG, CR_STP | CR_RD_ABORT | CR_PAGE(2));
	assert_int_equal(in(P2_IMR), 0x80);
	assert_int_equal(in(P2_DCR), 0x80 | 0x40 | DCR_WTS | DCR_LAS | DCR_LS);
	assert_int_equal(in(P2_RCR), 0xc0 | RCR_AB);
	assert_int_equal(in(P2_PSTOP), RING_END);
}

static void test_reset(void **state)
{
	(void)state;
	both(check_reset);
}

static void check_prom(void)
{
	u8 prom[NE2000_PROM];

	out(P0W_DCR, DCR_LS | 0x40);
	set_remote(0, sizeof(prom), CR_RD_READ);
	for (unsigned i = 0; i < sizeof(prom); i++)
		prom[i] = in(DATA);
	for (unsigned i = 0; i < 2 * NIC_MAC; i++)
		assert_int_equal(prom[i], mac[i / 2]);
	for (unsigned i = 12; i < 28; i++)
		assert_int_equal(prom[i], 0);
	for (unsigned i = 28; i < 32; i++)
		assert_int_equal(prom[i], 0x57);
	/* A byte of an access takes a word in word mode; behind the end there are ones. */
	out(P0W_DCR, DCR_WTS | DCR_LS | 0x40);
	set_remote(0, sizeof(prom), CR_RD_READ);
	for (unsigned i = 0; i < sizeof(prom) / 2; i++)
		assert_int_equal(in(DATA), prom[2 * i]);
	assert_true(in(P0_ISR)&ISR_RDC);
	assert_int_equal(in(DATA), 0xff);
	/* Nobody writes to it. */
	write_memory(0, "0123456789", 10);
	read_memory(0, prom, sizeof(prom));
	assert_memory_equal(prom, card.chip.memory.prom, sizeof(prom));
	assert_int_equal(prom[0], mac[0]);
}

static void test_prom(void **state)
{
	(void)state;
	both(check_prom);
}

/* --- Remote DMA */

static void check_remote(void)
{
	u8 a[1000], b[1000];

	start();
	for (unsigned i = 0; i < sizeof(a); i++)
		a[i] = byte_of(1, i);
	write_memory(0x4000, a, sizeof(a));
	read_memory(0x4000, b, sizeof(b));
	assert_memory_equal(a, b, sizeof(a));
	read_memory(0xc000, b, sizeof(b)); /* line 15 is decoded by nobody */
	assert_memory_equal(a, b, sizeof(a));
	/* CRDA and what is left. */
	set_remote(0x4100, 6, CR_RD_READ);
	bus_read(&pc.bus, (u16)(base + DATA), 2);
	assert_int_equal(in(P0_CRDA0) | in(P0_CRDA1) << 8, 0x4102);
	bus_read(&pc.bus, (u16)(base + DATA), 4);
	assert_true(in(P0_ISR)&ISR_RDC);
	assert_int_equal(bus_read(&pc.bus, (u16)(base + DATA), 4), 0xffffffff);
	/* At PSTOP it goes on at PSTART. */
	write_memory(RING_END * 256 - 4, "abcdefgh", 8);
	assert_int_equal(memory(RING_FIRST * 256 + 3), 'h');
	read_memory(RING_END * 256 - 4, b, 8);
	assert_memory_equal(b, "abcdefgh", 8);
	/* A dword is two words, also where a card of the ISA bus gets two accesses. */
	set_remote(0x4000, 8, CR_RD_WRITE);
	bus_write(&pc.bus, (u16)(base + DATA), 4, 0x44332211);
	bus_write(&pc.bus, (u16)(base + DATA), 4, 0x88776655);
	read_memory(0x4000, b, 8);
	assert_memory_equal(b, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
	/* An odd count ends with a byte. */
	out(P0_ISR, 0xff);
	set_remote(0x4000, 3, CR_RD_WRITE);
	bus_write(&pc.bus, (u16)(base + DATA), 2, 0x0201);
	bus_write(&pc.bus, (u16)(base + DATA), 2, 0x0403);
	assert_int_equal(in(P0_ISR), ISR_RDC);
	read_memory(0x4000, b, 4);
	assert_memory_equal(b, "\x01\x02\x03\x44", 4);
	/* Nothing to do is done at once; an abort says nothing. */
	set_remote(0x4000, 0, CR_RD_READ);
	assert_int_equal(in(P0_ISR), ISR_RDC);
	out(P0_ISR, ISR_RDC);
	set_remote(0x4000, 10, CR_RD_READ);
	out(CR_REG, CR_RD_ABORT);
	assert_int_equal(in(P0_ISR), 0);
	assert_int_equal(in(DATA), 0xff);
	set_remote(0x4000, 10, CR_RD_WRITE);
	assert_int_equal(in(DATA), 0xff); /* the wrong way */
	assert_int_equal(memory(0x4000), 1);
}

static void test_remote(void **state)
{
	(void)state;
	both(check_remote);
}

/* A string instruction at the port, for every width: what is done is what single accesses do. */
static void check_many(void)
{
	u8 to[600], from[600];

	start();
	for (unsigned i = 0; i < sizeof(from); i++)
		from[i] = byte_of(2, i);
	for (unsigned size = 1; size <= 4; size *= 2) {
		u32 done = 0;

		out(P0W_DCR, (u8)(DCR_LS | 0x40 | (size > 1 ? DCR_WTS : 0)));
		set_remote(RING_END * 256 - 300, sizeof(from), CR_RD_WRITE);
		while (done < sizeof(from))
			done += size * bus_write_many(&pc.bus, (u16)(base + DATA), size,
						      from + done,
						      (u32)(sizeof(from) - done) / size);
		assert_int_equal(in(P0_ISR), ISR_RDC);
		out(P0_ISR, ISR_RDC);
		assert_int_equal(memory(RING_END * 256 - 300), from[0]);
		assert_int_equal(memory(RING_FIRST * 256), from[300]);
		set_remote(RING_END * 256 - 300, sizeof(from), CR_RD_READ);
		for (done = 0; done < sizeof(to);)
			done += size * bus_read_many(&pc.bus, (u16)(base + DATA), size, to + done,
						     (u32)(sizeof(to) - done) / size);
		assert_int_equal(in(P0_ISR), ISR_RDC);
		out(P0_ISR, ISR_RDC);
		assert_memory_equal(from, to, sizeof(to));
		memset(card.chip.memory.ram, 0, sizeof(card.chip.memory.ram));
	}
}

static void test_many(void **state)
{
	(void)state;
	both(check_many);
}

/* --- PCI */

static u32 config(unsigned reg)
{
	out32(&pc, PCI_ADDRESS_PORT, 0x80000000 | 15 << 11 | (reg & 0xfc));
	return in32(&pc, PCI_DATA_PORT);
}

static void set_config(unsigned reg, u32 v)
{
	config(reg);
	out32(&pc, PCI_DATA_PORT, v);
}

static void test_pci(void **state)
{
	static struct pci_bus bus;
	u8 v;

	(void)state;
	begin(&ne2000_class);
	end();
	pc_init(&pc);
	pc_plug(&pc, &pci_class, &bus);
	pc.pci = &bus;
	pc_plug(&pc, &ne2000_class, &card);
	assert_int_equal(config(0), 0x802910ec);
	assert_int_equal(config(8), 0x02000000);
	assert_int_equal(config(0x2c), 0x802910ec);
	assert_int_equal(config(0x3c) >> 8 & 0xff, 1);
	assert_int_equal(config(PCI_BAR(0)), PCI_FIRST | 1);
	set_config(PCI_BAR(0), 0xffffffff);
	assert_int_equal(config(PCI_BAR(0)), 0xffffffe1);
	set_config(PCI_BAR(0), 0xd0a0);
	base = 0xd0a0;
	assert_int_equal(in(CR_REG), CR_STP | CR_RD_ABORT);
	assert_int_equal(in8(&pc, PCI_FIRST), 0xff);
	assert_int_equal(in(0x20), 0xff);
	set_config(PCI_COMMAND, 0);
	assert_int_equal(in(CR_REG), 0xff);
	set_config(PCI_COMMAND, 0xffff);
	assert_int_equal(config(PCI_COMMAND) & 0xffff, PCI_COMMAND_IO);
	/* Realtek's own. */
	assert_int_equal(in(P0_ID0), 'P');
	assert_int_equal(in(P0_ID1), 'C');
	out(CR_REG, CR_STP | CR_RD_ABORT | CR_PAGE(3));
	assert_int_equal(in(P3_ID0) | in(P3_ID1) << 8, 0x8029);
	v = in(P3_CONFIG3);
	out(P3_CONFIG3, (u8)~v);
	assert_int_equal(in(P3_CONFIG3), v);
	out(P3_9346CR, 0xc0);
	out(P3_CONFIG3, 0);
	assert_int_equal(in(P3_CONFIG3), 0);
	out(P3_CONFIG3, 0x40);
	assert_int_equal(in(P3_CONFIG3), 0x40);
	assert_int_equal(in(CR_REG), CR_STP | CR_RD_ABORT | CR_PAGE(3));
	end();
}

static void test_isa(void **state)
{
	(void)state;
	begin(&ne2000_isa_class);
	assert_int_equal(in(P0_ID0), 0xff);
	out(CR_REG, CR_STP | CR_RD_ABORT | CR_PAGE(3));
	assert_int_equal(in(P3_ID0), 0xff);
	out(CR_REG, CR_STP | CR_RD_ABORT);
	/* An edge for each interrupt that has been served. */
	start();
	comes(mac, 60, 1);
	deliver();
	comes(mac, 60, 2);
	deliver();
	assert_int_equal(pc.wire[ISA_IRQ].rises, 1);
	out(P0W_IMR, 0);
	assert_int_equal(pc.wire[ISA_IRQ].falls, 1);
	assert_false(ne2000_isa_class.can_wake(&card));
	out(P0W_IMR, 0x3f);
	assert_int_equal(pc.wire[ISA_IRQ].rises, 2);
	assert_true(ne2000_isa_class.can_wake(&card));
	out(CR_REG, CR_STP | CR_RD_ABORT);
	assert_false(ne2000_isa_class.can_wake(&card));
	end();
}

/* A board of a test has no network. */
static void test_alone(void **state)
{
	(void)state;
	begin(&ne2000_isa_class);
	pc.host.frame_in = NULL;
	pc.host.frame_out = NULL;
	start();
	deliver();
	transmit(60);
	assert_int_equal(in(P0_ISR), ISR_PTX);
	ne2000_isa_class.reset(&card);
	run_completions(&pc);
	end();
}

/* --- Saved and loaded */

static struct snap snap;
static struct tape tape;
static struct ne2000 other;

static void save_and_load(const struct device_class *class)
{
	tape.used = tape.at = 0;
	snap_save_to(&snap, tape_put, &tape);
	if (snap_begin(&snap, "card", class->version))
		class->state(&card, &snap);
	snap_end(&snap);
	assert_true(snap_finish(&snap));
	memcpy(&other, &card, sizeof(other));
	class->reset(&card);
	run_completions(&pc);
	snap_load_from(&snap, tape_get, &tape);
	if (snap_begin(&snap, "card", class->version))
		class->state(&card, &snap);
	snap_end(&snap);
	if (!snap_finish(&snap))
		fail_msg("%s", snap.error);
	memcpy(other.chip.frame, card.chip.frame, sizeof(other.chip.frame));
	assert_memory_equal(&card, &other, sizeof(other));
}

/* Frames are in the ring, one is half read, and the interrupt waits. */
static void check_saved(void)
{
	const struct device_class *class = card.on_pci ? &ne2000_class : &ne2000_isa_class;
	u8 a[60], b[60];

	if (card.on_pci) { /* where it was moved to */
		pci_set32(card.pci.config, PCI_BAR(0), 0xe021);
		card.pci.written(&card, 0, 4);
		base = 0xe020;
	}
	start();
	comes(mac, 100, 1);
	comes(mac, 200, 2);
	deliver();
	read_memory((RING_FIRST + 1) * 256, a, sizeof(a));
	set_remote((RING_FIRST + 1) * 256, sizeof(b), CR_RD_READ);
	for (unsigned i = 0; i < 20; i += 2)
		put_le16(&b[i], bus_read(&pc.bus, (u16)(base + DATA), 2));
	save_and_load(class);
	assert_true(interrupts());
	for (unsigned i = 20; i < sizeof(b); i += 2)
		put_le16(&b[i], bus_read(&pc.bus, (u16)(base + DATA), 2));
	assert_memory_equal(a, b, sizeof(a));
	out(P0_ISR, 0xff);
	expect_frame(mac, 100, 1, RSR_PRX);
	expect_frame(mac, 200, 2, RSR_PRX);
	comes(mac, 300, 3);
	deliver();
	expect_frame(mac, 300, 3, RSR_PRX);
	transmit(60);
	assert_int_equal(gone.count, 1);
}

static void test_saved(void **state)
{
	(void)state;
	both(check_saved);
}

/* --- An enemy's registers: sanitizers watch, each call ends, and the state can be loaded. */

static u8 nasty(void)
{
	static const u8 v[] = { 0x00, 0x01, 0x3f, 0x40, 0x46, 0x7f, 0x80, 0xff };

	return one_in(3) ? (u8)rnd() : v[rnd() % ARRAY_SIZE(v)];
}

static void hostile_step(void)
{
	u8 bytes[64];
	unsigned size = 1u << rnd() % 3;

	switch (rnd() % 8) {
	case 0:
		comes(one_in(2) ? mac : broadcast,
		      NIC_FRAME_MIN + (u32)(rnd() % (NIC_FRAME_MAX - NIC_FRAME_MIN + 1)), 1);
		deliver();
		break;
	case 1:
		bus_read_many(&pc.bus, (u16)(base + DATA), size, bytes, 64 / size);
		break;
	case 2:
		memset(bytes, nasty(), sizeof(bytes));
		bus_write_many(&pc.bus, (u16)(base + DATA), size, bytes, 64 / size);
		break;
	case 3:
		bus_read(&pc.bus, (u16)(base + rnd() % NE2000_PORTS), size);
		break;
	case 4:
		out(CR_REG, (u8)rnd());
		break;
	case 5:
		out(CR_REG, (u8)(CR_STA | rnd() % 8 << 3 | (rnd() & CR_TXP)));
		break;
	default:
		out((unsigned)(rnd() % DP8390_REGISTERS), nasty());
	}
	if (coming.count - coming.at > FRAMES / 2)
		coming.at = coming.count;
}

static void check_hostile(void)
{
	start();
	for (unsigned i = 0; i < 300000; i++) {
		hostile_step();
		if (i % 10000 == 0)
			save_and_load(card.on_pci ? &ne2000_class : &ne2000_isa_class);
		if (i % 1000 == 0)
			start();
	}
}

static void test_hostile(void **state)
{
	(void)state;
	both(check_hostile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reset),	cmocka_unit_test(test_prom),
		cmocka_unit_test(test_remote),	cmocka_unit_test(test_many),
		cmocka_unit_test(test_pci),	cmocka_unit_test(test_isa),
		cmocka_unit_test(test_alone),	cmocka_unit_test(test_saved),
		cmocka_unit_test(test_hostile),
	};

	random_state = 88172645463325252ull;
	return cmocka_run_group_tests_name("ne2000", tests, NULL, NULL);
}
