/* SPDX-License-Identifier: MIT */
/*
 * The virtio transport and its queues against Virtio 1.2, chapters 2 to 4, by a block device: what
 * is found in configuration space, both kinds of registers, features, how interrupts and
 * notifications are held back, MSI-X; and queues of an enemy, each of which breaks the device with
 * one line. Alone: make build/unit/test_virtio && build/unit/test_virtio
 */
#include "emu/chip/virtio_blk.h"
#include "tests/unit/virtio_fixture.h"

#define DISK_BYTES (96 * KiB)

static struct driver t;
static struct virtio_blk blk;

static void begin_as(enum virtio_kind kind)
{
	driver_begin(&t, kind);
	drive_pc_add(&t.d, PLACE_VIRTIO0, DRIVE_DISK, DISK_BYTES, false);
	pc_plug(t.pc, &virtio_blk_class, &blk);
	driver_find(&t, &blk.v);
}

static void end(void)
{
	virtio_blk_class.destroy(&blk);
	drive_pc_free(&t.d);
}

/* A read of one sector as three descriptors from first on; its data is at BUFFER + 512. */
static void read_request(u16 first, u32 sector)
{
	u32 header[4] = { 0, 0, sector, 0 };

	memcpy(ram(&t, BUFFER + 16u * first), header, sizeof(header));
	put_descriptor(&t, t.queue[0].table, first, BUFFER + 16u * first, 16, D_NEXT,
		       (u16)(first + 1));
	put_descriptor(&t, t.queue[0].table, first + 1u, BUFFER + 0x1000 + 512u * first, 512,
		       D_NEXT | D_WRITE, (u16)(first + 2));
	put_descriptor(&t, t.queue[0].table, first + 2u, BUFFER + 0x800 + first, 1, D_WRITE, 0);
	*ram(&t, BUFFER + 0x800 + first) = 0xee;
}

static void expect_read(u16 first, u32 sector)
{
	u32 len;

	assert_int_equal(next_used(&t, 0, &len), first);
	assert_int_equal(len, 513);
	assert_int_equal(*ram(&t, BUFFER + 0x800 + first), 0);
	for (u32 i = 0; i < 512; i++)
		assert_int_equal(*ram(&t, BUFFER + 0x1000 + 512u * first + i),
				 medium_byte(512ull * sector + i));
}

/* --- Configuration space */

static void test_identity(void **state)
{
	static const struct {
		u32 id;
		u8 revision;
		bool io, parts;
	} want[VIRTIO_KINDS] = {
		[VIRTIO_BOTH] = { 0x10011af4, 0, true, true },
		[VIRTIO_OLD_ONLY] = { 0x10011af4, 0, true, false },
		[VIRTIO_NEW_ONLY] = { 0x10421af4, 1, false, true },
	};

	(void)state;
	for (unsigned k = 0; k < VIRTIO_KINDS; k++) {
		begin_as((enum virtio_kind)k);
		assert_int_equal(config32(&t, 0), want[k].id);
		assert_int_equal(config8(&t, PCI_REVISION), want[k].revision);
		assert_int_equal(config32(&t, PCI_SUBSYSTEM), 0x00021af4);
		assert_int_equal(config32(&t, 8) >> 8, 0x010000);
		assert_int_equal(config8(&t, PCI_IRQ_PIN), 1);
		assert_int_equal(config32(&t, PCI_BAR(0)) & 1, want[k].io);
		for (unsigned type = VIRTIO_CAP_COMMON; type <= VIRTIO_CAP_WINDOW; type++)
			assert_int_equal(t.part[type] != 0, want[k].parts);
		/* Sizes of both address ranges. */
		set_config32(&t, PCI_BAR(0), 0xffffffff);
		assert_int_equal(config32(&t, PCI_BAR(0)), want[k].io ? 0xffffff81 : 0);
		set_config32(&t, PCI_BAR(4), 0xffffffff);
		assert_int_equal(config32(&t, PCI_BAR(4)), 0xffffc000);
		end();
	}
}

/* Both ranges follow their registers, and go with the command register's bits. */
static void test_places(void **state)
{
	u32 v;

	(void)state;
	begin_as(VIRTIO_BOTH);
	set_config32(&t, PCI_BAR(0), 0xd000 | 1);
	set_config32(&t, PCI_BAR(4), 0xe0000000);
	find_parts(&t);
	t.io = 0xd000;
	assert_int_equal(in32(t.pc, 0xd000 + VIRTIO_OLD_CONFIG), DISK_BYTES / 512);
	assert_int_equal(t.part[VIRTIO_CAP_DEVICE], 0xe0001000);
	assert_int_equal(read32(t.pc, 0xe0001000), DISK_BYTES / 512);
	set_config32(&t, PCI_COMMAND, 0);
	assert_int_equal(in32(t.pc, 0xd000 + VIRTIO_OLD_CONFIG), 0xffffffff);
	assert_int_equal(read32(t.pc, 0xe0001000), 0xffffffff);
	/* Over RAM there is nothing of it. */
	set_config32(&t, PCI_BAR(4), 0x4000);
	set_config32(&t, PCI_COMMAND, PCI_COMMAND_MEMORY);
	v = 0x12345678;
	gpmem_write(t.pc->mem, 0x4000, &v, 4);
	assert_int_equal(read32(t.pc, 0x4000), 0x12345678);
	set_config32(&t, PCI_BAR(4), 0xe0000000);
	assert_int_equal(read32(t.pc, 0xe0001000), DISK_BYTES / 512);
	end();
}

/* 4.1.4.9: registers by configuration space alone. */
static void test_window(void **state)
{
	unsigned at;

	(void)state;
	begin_as(VIRTIO_NEW_ONLY);
	at = t.part[VIRTIO_CAP_WINDOW];
	set_config32(&t, at + 4, 4);
	set_config32(&t, at + 8, VIRTIO_MEM_DEVICE);
	set_config32(&t, at + 12, 4);
	assert_int_equal(config32(&t, at + 16), DISK_BYTES / 512);
	set_config32(&t, at + 8, VIRTIO_STATUS);
	set_config32(&t, at + 12, 1);
	set_config32(&t, at + 16, VIRTIO_ACKNOWLEDGE);
	t.modern = true;
	assert_int_equal(status(&t), VIRTIO_ACKNOWLEDGE);
	assert_int_equal(config8(&t, at + 16), VIRTIO_ACKNOWLEDGE);
	/* Odd ones do nothing: other lengths, other bars, behind the end. */
	set_config32(&t, at + 12, 3);
	set_config32(&t, at + 16, 0);
	set_config32(&t, at + 12, 1);
	set_config32(&t, at + 4, 0);
	set_config32(&t, at + 16, 0);
	set_config32(&t, at + 4, 4);
	set_config32(&t, at + 8, 0xfffffffc);
	set_config32(&t, at + 16, 0);
	assert_int_equal(status(&t), VIRTIO_ACKNOWLEDGE);
	end();
}

/* --- Features */

static void test_features(void **state)
{
	(void)state;
	begin_as(VIRTIO_BOTH);
	t.modern = true;
	assert_true(offered(&t) & VIRTIO_F_VERSION_1);
	assert_false(offered(&t) & VIRTIO_F_ANY_LAYOUT);
	set_reg(&t, VIRTIO_FEATURE_SELECT, 4, 2);
	assert_int_equal(reg(&t, VIRTIO_FEATURE, 4), 0);
	/* Without VERSION_1, and with a feature that is not offered. */
	set_status(&t, 3);
	set_status(&t, 3 | VIRTIO_FEATURES_OK);
	assert_int_equal(status(&t), 3);
	set_reg(&t, VIRTIO_DRIVER_SELECT, 4, 1);
	set_reg(&t, VIRTIO_DRIVER_FEATURE, 4, 1 | 2);
	set_status(&t, 3 | VIRTIO_FEATURES_OK);
	assert_int_equal(status(&t), 3);
	set_reg(&t, VIRTIO_DRIVER_FEATURE, 4, 1);
	set_status(&t, 3 | VIRTIO_FEATURES_OK);
	assert_int_equal(status(&t), 3 | VIRTIO_FEATURES_OK);
	/* From now on they stay. */
	set_reg(&t, VIRTIO_DRIVER_FEATURE, 4, 0);
	assert_int_equal(reg(&t, VIRTIO_DRIVER_FEATURE, 4), 1);
	set_status(&t, 0);
	assert_int_equal(reg(&t, VIRTIO_DRIVER_FEATURE, 4), 0);
	t.modern = false;
	assert_true(offered(&t) & VIRTIO_F_ANY_LAYOUT);
	end();
}

/* --- Work */

static void read_both(bool modern, u64 features)
{
	driver_start(&t, modern, features);
	read_request(0, 7);
	make_available(&t, 0, 0);
	notify(&t, 0);
	assert_false(interrupt(&t)); /* nothing ends inside an access */
	run_completions(t.pc);
	assert_true(interrupt(&t));
	assert_true(config32(&t, PCI_COMMAND) >> 16 & PCI_STATUS_INTX);
	assert_int_equal(isr(&t), VIRTIO_ISR_QUEUE);
	assert_false(interrupt(&t));
	assert_int_equal(isr(&t), 0);
	expect_read(0, 7);
}

static void test_work(void **state)
{
	(void)state;
	begin_as(VIRTIO_BOTH);
	read_both(false, 0);
	read_both(true, VIRTIO_F_VERSION_1);
	read_both(true, ~0ull);
	read_both(false, ~0ull);
	end();
	begin_as(VIRTIO_OLD_ONLY);
	read_both(false, ~0ull);
	end();
}

/* 3.1.2: drivers of 1.0 wait for DRIVER_OK, and nobody works without the bus. */
static void test_who_is_served(void **state)
{
	(void)state;
	begin_as(VIRTIO_BOTH);
	driver_start(&t, true, ~0ull);
	t.v->status &= (u8)~VIRTIO_DRIVER_OK;
	read_request(0, 1);
	make_available(&t, 0, 0);
	notify(&t, 0);
	run_completions(t.pc);
	assert_int_equal(used_index(&t, 0), 0);
	set_status(&t, (u8)(status(&t) | VIRTIO_DRIVER_OK));
	run_completions(t.pc);
	expect_read(0, 1);
	set_config32(&t, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	make_available(&t, 0, 0);
	notify(&t, 0);
	run_completions(t.pc);
	assert_int_equal(used_index(&t, 0), 1);
	set_config32(&t, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	run_completions(t.pc);
	expect_read(0, 1);
	end();
}

/* INTx can be switched off; status bit 3 still says that it wants to. */
static void test_no_intx(void **state)
{
	(void)state;
	begin_as(VIRTIO_BOTH);
	driver_start(&t, true, VIRTIO_F_VERSION_1);
	set_config32(&t, PCI_COMMAND, PCI_COMMAND_NO_INTX | 7);
	read_request(0, 1);
	make_available(&t, 0, 0);
	notify(&t, 0);
	run_completions(t.pc);
	assert_false(interrupt(&t));
	assert_true(config32(&t, PCI_COMMAND) >> 16 & PCI_STATUS_INTX);
	set_config32(&t, PCI_COMMAND, 7);
	assert_true(interrupt(&t));
	end();
}

/* 2.7.7, 2.7.10: the driver's wishes. */
static void test_suppression(void **state)
{
	const u16 none = 1;
	u16 event = 2, flags;

	(void)state;
	begin_as(VIRTIO_BOTH);
	for (u16 i = 0; i < 4; i++)
		read_both(true, VIRTIO_F_VERSION_1);
	memcpy(ram(&t, t.queue[0].available), &none, 2);
	make_available(&t, 0, 0);
	notify(&t, 0);
	run_completions(t.pc);
	assert_int_equal(used_index(&t, 0), 2);
	assert_false(interrupt(&t));
	/* By index: the third one, and no other. */
	driver_start(&t, true, ~0ull);
	memcpy(ram(&t, t.queue[0].available + 4 + 2u * t.queue[0].size), &event, 2);
	read_request(0, 1);
	for (u16 i = 0; i < 5; i++) {
		make_available(&t, 0, 0);
		notify(&t, 0);
		run_completions(t.pc);
		assert_int_equal(interrupt(&t), i == 2);
		isr(&t);
		memcpy(&flags, ram(&t, t.queue[0].used + 4 + 8u * t.queue[0].size), 2);
		assert_int_equal(flags, i + 1); /* where it wants to be notified next */
	}
	end();
}

/* More at a time than the device takes: it says that it need not be notified, and takes them. */
static void test_many(void **state)
{
	u16 flags;

	(void)state;
	begin_as(VIRTIO_BOTH);
	driver_start(&t, true, VIRTIO_F_VERSION_1);
	for (u16 i = 0; i < 40; i++) {
		read_request((u16)(3 * i), 2u * i);
		make_available(&t, 0, (u16)(3 * i));
	}
	notify(&t, 0);
	memcpy(&flags, ram(&t, t.queue[0].used), 2);
	assert_int_equal(flags, 1);
	run_completions(t.pc);
	memcpy(&flags, ram(&t, t.queue[0].used), 2);
	assert_int_equal(flags, 0);
	for (u16 i = 0; i < 40; i++)
		expect_read((u16)(3 * i), 2u * i);
	end();
}

/* 2.7.5.3.1: also behind ordinary descriptors. */
static void test_indirect(void **state)
{
	(void)state;
	begin_as(VIRTIO_BOTH);
	driver_start(&t, true, ~0ull);
	read_request(0, 9);
	memcpy(ram(&t, TABLE), ram(&t, t.queue[0].table), 48);
	put_descriptor(&t, t.queue[0].table, 5, TABLE, 48, D_INDIRECT, 0);
	make_available(&t, 0, 5);
	notify(&t, 0);
	run_completions(t.pc);
	t.queue[0].seen++;
	assert_int_equal(used_index(&t, 0), 1);
	/* The header outside, the rest inside. */
	read_request(0, 11);
	memcpy(ram(&t, TABLE), ram(&t, t.queue[0].table + 16), 32);
	put_descriptor(&t, TABLE, 0, BUFFER + 0x1000, 512, D_NEXT | D_WRITE, 1);
	put_descriptor(&t, t.queue[0].table, 1, TABLE, 32, D_INDIRECT, 0);
	make_available(&t, 0, 0);
	notify(&t, 0);
	run_completions(t.pc);
	expect_read(0, 11);
	end();
}

/* --- MSI-X */

static struct {
	unsigned n;
	u64 address;
	u32 data;
} sent;

static void send(void *ctx, u64 address, u32 data)
{
	(void)ctx;
	sent.n++;
	sent.address = address;
	sent.data = data;
}

static void one_read(void)
{
	make_available(&t, 0, 0);
	notify(&t, 0);
	run_completions(t.pc);
}

static void test_messages(void **state)
{
	u32 at;

	(void)state;
	driver_begin(&t, VIRTIO_BOTH);
	t.pc->msi = (struct msi_line){ .send = send };
	memset(&sent, 0, sizeof(sent));
	drive_pc_add(&t.d, PLACE_VIRTIO0, DRIVE_DISK, DISK_BYTES, false);
	pc_plug(t.pc, &virtio_blk_class, &blk);
	driver_find(&t, &blk.v);
	assert_int_equal(config8(&t, PCI_CAPABILITIES), 0x40);
	assert_int_equal(config32(&t, 0x40) & 0x07ff00ff, 0x00010011); /* two messages */
	assert_int_equal(config32(&t, 0x44) & 7, 4);
	at = (config32(&t, PCI_BAR(4)) & ~15u) + (config32(&t, 0x44) & ~7u);
	set_config32(&t, 0x40, 0x80000000);
	driver_start(&t, true, ~0ull);
	set_reg(&t, VIRTIO_QUEUE_VECTOR, 2, 2); /* there is none */
	assert_int_equal(reg(&t, VIRTIO_QUEUE_VECTOR, 2), VIRTIO_NO_VECTOR);
	set_reg(&t, VIRTIO_QUEUE_VECTOR, 2, 1);
	assert_int_equal(reg(&t, VIRTIO_QUEUE_VECTOR, 2), 1);
	read_request(0, 3);
	write32(t.pc, at + 16, 0xfee01000);
	write32(t.pc, at + 24, 0x4041);
	one_read(); /* entries are masked at first */
	assert_int_equal(sent.n, 0);
	assert_int_equal(read32(t.pc, at + 0x800), 2);
	write32(t.pc, at + 28, 0);
	assert_int_equal(sent.n, 1);
	assert_int_equal(sent.address, 0xfee01000);
	assert_int_equal(sent.data, 0x4041);
	assert_int_equal(read32(t.pc, at + 0x800), 0);
	memcpy(ram(&t, t.queue[0].available + 4 + 2u * t.queue[0].size), &t.queue[0].made, 2);
	set_config32(&t, 0x40, 0xc0000000); /* all are masked */
	one_read();
	assert_int_equal(sent.n, 1);
	set_config32(&t, 0x40, 0x80000000);
	assert_int_equal(sent.n, 2);
	assert_false(interrupt(&t));
	assert_int_equal(isr(&t), 0);
	/* In I/O space the vectors stand before the device's registers. */
	assert_int_equal(bus_read(&t.pc->bus, (u16)(t.io + VIRTIO_OLD_QUEUE_VECTOR), 2), 1);
	assert_int_equal(in32(t.pc, (u16)(t.io + VIRTIO_OLD_CONFIG_MSIX)), DISK_BYTES / 512);
	end();
}

/* --- An enemy */

static void too_long(void)
{
	for (u16 i = 0; i < 100; i++)
		put_descriptor(&t, t.queue[0].table, i, BUFFER, 16, D_NEXT, (u16)(i + 1));
	for (u16 i = 0; i < 100; i++)
		put_descriptor(&t, TABLE, i, BUFFER, 16, D_NEXT, (u16)(i + 1));
	put_descriptor(&t, t.queue[0].table, 99, TABLE, 1600, D_INDIRECT, 0);
}

static void loop(void)
{
	put_descriptor(&t, t.queue[0].table, 1, BUFFER, 512, D_NEXT | D_WRITE, 1);
}

static void loop_of_nothing(void)
{
	put_descriptor(&t, t.queue[0].table, 1, BUFFER, 0, D_NEXT | D_WRITE, 1);
}

static void large_next(void)
{
	put_descriptor(&t, t.queue[0].table, 1, BUFFER, 512, D_NEXT | D_WRITE, 128);
}

static void large_head(void)
{
	const u16 head = 0x8000;

	memcpy(ram(&t, t.queue[0].available + 4), &head, 2);
}

static void jump(void)
{
	const u16 index = 129;

	memcpy(ram(&t, t.queue[0].available + 2), &index, 2);
}

static void direction(void)
{
	put_descriptor(&t, t.queue[0].table, 2, BUFFER, 512, 0, 0);
}

static void no_ram(void)
{
	put_descriptor(&t, t.queue[0].table, 1, 0xfee00000, 512, D_NEXT | D_WRITE, 2);
}

static void end_of_ram(void)
{
	put_descriptor(&t, t.queue[0].table, 1, DRIVE_RAM - 511, 512, D_NEXT | D_WRITE, 2);
}

static void wraps(void)
{
	put_descriptor(&t, t.queue[0].table, 1, ~0ull - 255, 512, D_NEXT | D_WRITE, 2);
}

static void huge(void)
{
	put_descriptor(&t, t.queue[0].table, 1, 0, 0xffffffff, D_NEXT | D_WRITE, 2);
}

/* Its own registers, and where devices park what is switched off. */
static void registers(void)
{
	put_descriptor(&t, t.queue[0].table, 1, t.part[VIRTIO_CAP_COMMON], 16, D_NEXT | D_WRITE, 2);
}

static void parked(void)
{
	put_descriptor(&t, t.queue[0].table, 1, GPMEM_PARKED(2), 512, D_NEXT | D_WRITE, 2);
}

static void no_status(void)
{
	put_descriptor(&t, t.queue[0].table, 0, BUFFER, 16, 0, 0);
}

static void no_header(void)
{
	put_descriptor(&t, t.queue[0].table, 0, BUFFER, 15, D_NEXT, 2);
}

static void indirect_with_next(void)
{
	put_descriptor(&t, t.queue[0].table, 0, TABLE, 48, D_INDIRECT | D_NEXT, 1);
}

static void indirect_twice(void)
{
	put_descriptor(&t, t.queue[0].table, 0, TABLE, 48, D_INDIRECT, 0);
	put_descriptor(&t, TABLE, 0, TABLE, 48, D_INDIRECT, 0);
}

static void indirect_odd(void)
{
	put_descriptor(&t, t.queue[0].table, 0, TABLE, 47, D_INDIRECT, 0);
}

static void indirect_none(void)
{
	put_descriptor(&t, t.queue[0].table, 0, TABLE, 0, D_INDIRECT, 0);
}

static void indirect_nowhere(void)
{
	put_descriptor(&t, t.queue[0].table, 0, 0xffff0000, 0xfffffff0, D_INDIRECT, 0);
}

static void indirect_next(void)
{
	put_descriptor(&t, t.queue[0].table, 0, TABLE, 16, D_INDIRECT, 0);
	put_descriptor(&t, TABLE, 0, BUFFER, 16, D_NEXT, 1);
}

static const struct {
	const char *name;
	void (*spoil)(void);
	enum virtq_fault fault;
} enemies[] = {
	{ "too long", too_long, VIRTQ_LONG },
	{ "loop", loop, VIRTQ_LONG },
	{ "loop of nothing", loop_of_nothing, VIRTQ_LONG },
	{ "large next", large_next, VIRTQ_NUMBER },
	{ "large head", large_head, VIRTQ_NUMBER },
	{ "jump", jump, VIRTQ_JUMP },
	{ "direction", direction, VIRTQ_DIRECTION },
	{ "no RAM", no_ram, VIRTQ_BUFFER },
	{ "end of RAM", end_of_ram, VIRTQ_BUFFER },
	{ "wraps", wraps, VIRTQ_BUFFER },
	{ "huge", huge, VIRTQ_BUFFER },
	{ "registers", registers, VIRTQ_BUFFER },
	{ "parked", parked, VIRTQ_BUFFER },
	{ "no status", no_status, VIRTQ_REQUEST },
	{ "no header", no_header, VIRTQ_REQUEST },
	{ "indirect with next", indirect_with_next, VIRTQ_INDIRECT },
	{ "indirect twice", indirect_twice, VIRTQ_INDIRECT },
	{ "indirect odd", indirect_odd, VIRTQ_TABLE },
	{ "indirect none", indirect_none, VIRTQ_TABLE },
	{ "indirect nowhere", indirect_nowhere, VIRTQ_TABLE },
	{ "indirect next", indirect_next, VIRTQ_NUMBER },
};

static void attack(unsigned n, bool modern)
{
	driver_start(&t, modern, ~0ull);
	read_request(0, 1);
	make_available(&t, 0, 0);
	enemies[n].spoil();
	notify(&t, 0);
	run_completions(t.pc);
	if (t.v->queue[0].fault != enemies[n].fault)
		fail_msg("%s: %s", enemies[n].name, virtq_fault_text(t.v->queue[0].fault));
	/* 2.1.1: told by NEEDS_RESET and a change of the configuration; older drivers are not. */
	assert_int_equal(!!(status(&t) & VIRTIO_NEEDS_RESET), modern);
	assert_int_equal(isr(&t), modern ? VIRTIO_ISR_CONFIG : 0);
	/* It does nothing any more. */
	read_request(0, 1);
	make_available(&t, 0, 0);
	notify(&t, 0);
	run_completions(t.pc);
	assert_int_equal(used_index(&t, 0), 0);
}

static void test_enemies(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 2 * ARRAY_SIZE(enemies); n++) {
		begin_as(VIRTIO_BOTH);
		attack(n / 2, n & 1);
		assert_int_equal(t.reports, 1);
		assert_memory_equal(t.report, "virtio-blk: ", 12);
		read_both(n & 1, ~0ull); /* a reset brings it back */
		attack(n / 2, n & 1);	 /* and one line is enough */
		assert_int_equal(t.reports, 1);
		virtio_blk_class.reset(&blk);
		driver_find(&t, &blk.v);
		attack(n / 2, n & 1);
		assert_int_equal(t.reports, 2);
		end();
	}
}

/* Rings that are nowhere, not aligned, or written by nobody: the queue is broken from the start. */
static void test_bad_rings(void **state)
{
	static const struct {
		u16 field;
		u32 value;
	} bad[] = {
		{ VIRTIO_QUEUE_TABLE, RINGS + 8 },
		{ VIRTIO_QUEUE_DRIVER, RINGS + 1 },
		{ VIRTIO_QUEUE_DEVICE, RINGS + 2 },
		{ VIRTIO_QUEUE_TABLE, DRIVE_RAM - 16 },
		{ VIRTIO_QUEUE_DRIVER, DRIVE_RAM },
		{ VIRTIO_QUEUE_DEVICE, 0xfffffffc },
		{ VIRTIO_QUEUE_TABLE + 4, 1 },
		{ VIRTIO_QUEUE_DEVICE + 4, 0x40000 }, /* GPMEM_PARKED(0) */
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		begin_as(VIRTIO_NEW_ONLY);
		t.modern = true;
		set_reg(&t, VIRTIO_DRIVER_SELECT, 4, 1);
		set_reg(&t, VIRTIO_DRIVER_FEATURE, 4, 1);
		set_reg(&t, VIRTIO_QUEUE_TABLE, 4, RINGS);
		set_reg(&t, VIRTIO_QUEUE_DRIVER, 4, RINGS + 0x4000);
		set_reg(&t, VIRTIO_QUEUE_DEVICE, 4, RINGS + 0x8000);
		set_reg(&t, bad[i].field, 4, bad[i].value);
		set_reg(&t, VIRTIO_QUEUE_ENABLE, 2, 1);
		set_status(&t, 15);
		assert_int_equal(t.reports, 1);
		assert_true(t.v->broken);
		notify(&t, 0);
		run_completions(t.pc);
		end();
	}
}

/* Sizes: powers of two up to its own, and not while it is used. */
static void test_sizes(void **state)
{
	(void)state;
	begin_as(VIRTIO_BOTH);
	t.modern = true;
	for (u32 size = 0; size < 300; size++) {
		u32 before = reg(&t, VIRTIO_QUEUE_SIZE, 2);
		bool good = size && size <= 128 && !(size & (size - 1));

		set_reg(&t, VIRTIO_QUEUE_SIZE, 2, size);
		assert_int_equal(reg(&t, VIRTIO_QUEUE_SIZE, 2), good ? size : before);
	}
	set_reg(&t, VIRTIO_QUEUE_SIZE, 2, 4);
	driver_start(&t, true, ~0ull); /* a reset */
	assert_int_equal(t.queue[0].size, 128);
	set_reg(&t, VIRTIO_QUEUE_SIZE, 2, 4);
	assert_int_equal(reg(&t, VIRTIO_QUEUE_SIZE, 2), 128);
	set_reg(&t, VIRTIO_QUEUE_SELECT, 2, 1);
	assert_int_equal(reg(&t, VIRTIO_QUEUE_SIZE, 2), 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),  cmocka_unit_test(test_places),
		cmocka_unit_test(test_window),	  cmocka_unit_test(test_features),
		cmocka_unit_test(test_work),	  cmocka_unit_test(test_who_is_served),
		cmocka_unit_test(test_no_intx),	  cmocka_unit_test(test_suppression),
		cmocka_unit_test(test_many),	  cmocka_unit_test(test_indirect),
		cmocka_unit_test(test_messages),  cmocka_unit_test(test_enemies),
		cmocka_unit_test(test_bad_rings), cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests_name("virtio", tests, NULL, NULL);
}
