/* SPDX-License-Identifier: MIT */
/*
 * Virtio devices through a driver of 0.9, or of 1.0 with `modern=1`, by wires, or by messages with
 * `msix=1`: a disk (read, write, flush, identity, scattered, indirect, several at once, errors, a
 * reset in the midst), entropy, and a balloon. Bare QEMU prints the same lines.
 *
 * `hostile=1` is for ours alone: each kind of broken queue makes the device stand still, a driver
 * of 1.0 sees NEEDS_RESET, and after a reset it works.
 *
 *   make build/guests/virtio; as selectors.c says; tests/boot/test_virtio_guest.py has the devices
 */
#include "virtio/driver.h"

const char guest_name[] = "virtio";

#define SECTOR	  512u
#define SECTORS	  2048u /* of the disk, which holds what disk_word() says */
#define BUFFER	  ((u8 *)0x400000)
#define BALLOONED 0x700000u
#define F_FLUSH	  (1ull << 9)
#define NOWHERE	  0x7f000000u /* no RAM is there */
#define UNSAID	  0x77u	      /* a status that no device gives */

enum { T_IN, T_OUT, T_FLUSH = 4, T_GET_ID = 8 };
enum { OK, IOERR, UNSUPPORTED };

static struct virtio blk, rng, balloon;
static struct blk_header {
	u32 type, zero, sector, high;
} header[8];
static volatile u8 status[8];
static bool modern;

static u32 disk_word(u32 sector, u32 i)
{
	return (sector * 128 + i) * 2654435761u;
}

static bool is_sector(const u8 *at, u32 sector)
{
	for (u32 i = 0; i < SECTOR / 4; i++)
		if (((const u32 *)at)[i] != disk_word(sector, i))
			return false;
	return true;
}

static void fill(u8 *at, u8 byte, u32 n)
{
	while (n--)
		*at++ = byte;
}

/* --- The disk --- */

static void set_header(u32 n, u32 type, u32 sector)
{
	header[n] = (struct blk_header){ .type = type, .sector = sector };
	status[n] = UNSAID;
}

/* One request with so much data; its status. */
static u8 request(u32 type, u32 sector, u8 *data, u32 len)
{
	struct vq_part part[3] = { { &header[0], sizeof(header[0]), false } };
	u32 parts = 1;

	set_header(0, type, sector);
	if (len)
		part[parts++] = (struct vq_part){ data, len, type != T_OUT };
	part[parts++] = (struct vq_part){ (void *)&status[0], 1, true };
	vq_request(&blk.q[0], part, parts);
	return status[0];
}

static bool begin_disk(u64 features)
{
	if (!virtio_begin(&blk, features))
		return false;
	virtio_queue(&blk, 0);
	virtio_go(&blk);
	return true;
}

static bool disk_works(void)
{
	fill(BUFFER, 0, 2 * SECTOR);
	return request(T_IN, 77, BUFFER, 2 * SECTOR) == OK && is_sector(BUFFER, 77) &&
	       is_sector(BUFFER + SECTOR, 78);
}

static void read_and_write(void)
{
	u8 id[20];

	check(disk_works(), "two sectors are read");
	fill(BUFFER, 0x5a, 3 * SECTOR);
	check(request(T_OUT, 100, BUFFER, 3 * SECTOR) == OK, "three are written");
	check(request(T_FLUSH, 0, NULL, 0) == OK, "flush");
	fill(BUFFER, 0, 5 * SECTOR);
	check(request(T_IN, 99, BUFFER, 5 * SECTOR) == OK && is_sector(BUFFER, 99) &&
		      is_sector(BUFFER + 4 * SECTOR, 103) && BUFFER[SECTOR] == 0x5a &&
		      BUFFER[4 * SECTOR - 1] == 0x5a,
	      "they are there, and their neighbours as before");
	check(request(T_GET_ID, 0, id, sizeof(id)) == OK && id[0] == 'R' && id[7] == '1',
	      "identity");
	check(request(T_IN, SECTORS - 1, BUFFER, 2 * SECTOR) == IOERR, "behind the end");
	check(request(T_OUT, SECTORS, BUFFER, SECTOR) == IOERR, "written there");
	check(request(99, 0, BUFFER, SECTOR) == UNSUPPORTED, "unknown type");
	check(disk_works(), "works afterwards");
}

/* How a request is cut into buffers says nothing. */
static void scattered(void)
{
	static const u32 cut[] = { 100, 412, 1, 510, 1, 512 };
	struct vq_part part[COUNT(cut) + 2] = { { &header[0], sizeof(header[0]), false } };
	u32 at = 0;

	set_header(0, T_IN, 300);
	for (u32 i = 0; i < COUNT(cut); at += cut[i++])
		part[i + 1] = (struct vq_part){ BUFFER + at, cut[i], true };
	part[COUNT(cut) + 1] = (struct vq_part){ (void *)&status[0], 1, true };
	fill(BUFFER, 0, at);
	check(vq_request(&blk.q[0], part, COUNT(part)) == at + 1 && status[0] == OK &&
		      is_sector(BUFFER, 300) && is_sector(BUFFER + 2 * SECTOR, 302),
	      "a request in eight buffers");
}

/* Descriptors 3n to 3n + 2. */
static void describe(u32 n, u32 type, u32 sector, u32 len)
{
	struct vq *q = &blk.q[0];

	set_header(n, type, sector);
	vq_describe(q, 3 * n, &header[n], sizeof(header[n]), DESC_NEXT, 3 * n + 1);
	vq_describe(q, 3 * n + 1, BUFFER + n * len, len,
		    DESC_NEXT | (type == T_IN ? DESC_WRITE : 0), 3 * n + 2);
	vq_describe(q, 3 * n + 2, (void *)&status[n], 1, DESC_WRITE, 0);
}

static void several(void)
{
	struct vq *q = &blk.q[0];
	u32 seen = 0, len;
	bool good = true;

	for (u32 n = 0; n < 8; n++) {
		describe(n, T_IN, 400 + n, SECTOR);
		vq_offer(q, 3 * n);
	}
	vq_kick(q);
	for (u32 n = 0; n < 8; n++)
		seen |= BIT(vq_wait(q, &len) / 3);
	for (u32 n = 0; n < 8; n++)
		good &= status[n] == OK && is_sector(BUFFER + n * SECTOR, 400 + n);
	check(good && seen == 0xff, "eight requests at once, each comes back once");
}

static void indirect(void)
{
	static struct vq_desc table[3] __attribute__((aligned(16)));
	struct vq *q = &blk.q[0];
	u32 len;

	if (!(blk.features & F_INDIRECT)) {
		check(false, "indirect descriptors are offered");
		return;
	}
	describe(0, T_IN, 500, SECTOR);
	for (u32 i = 0; i < 3; i++)
		table[i] = (struct vq_desc){ q->desc[i].at, q->desc[i].len, q->desc[i].flags,
					     q->desc[i].next };
	vq_describe(q, 0, table, sizeof(table), DESC_INDIRECT, 0);
	vq_offer(q, 0);
	vq_kick(q);
	vq_wait(q, &len);
	check(status[0] == OK && len == SECTOR + 1 && is_sector(BUFFER, 500), "an indirect one");
}

/* Without EVENT_INDEX: the driver does not want an interrupt, and gets none. */
static void silent(void)
{
	struct vq *q = &blk.q[0];
	u32 before = virtio_interrupts, head, len;

	q->available[0] = 1;
	describe(0, T_IN, 600, SECTOR);
	vq_offer(q, 0);
	vq_kick(q);
	while (!vq_taken(q, &head, &len))
		;
	check(status[0] == OK && virtio_interrupts == before, "no interrupt where none is wanted");
	q->available[0] = 0;
	check(disk_works() && virtio_interrupts != before, "and one again");
}

/* What was under way when the device was reset does not write to memory any more. */
static void reset_in_the_midst(void)
{
	struct vq *q = &blk.q[0];
	bool clean = true;

	for (u32 n = 0; n < 8; n++) {
		describe(n, T_IN, 16 * n, 16 * SECTOR);
		vq_offer(q, 3 * n);
	}
	vq_kick(q);
	virtio_set_status(&blk, 0);
	while (virtio_status(&blk))
		;
	fill(BUFFER, 0xc3, 8 * 16 * SECTOR);
	check(begin_disk(F_FLUSH), "begins again");
	for (u32 i = 0; i < 20; i++)
		clean &= request(T_GET_ID, 0, BUFFER + 0x100000, 20) == OK;
	for (u32 i = 0; i < 8 * 16 * SECTOR; i++)
		clean &= BUFFER[i] == 0xc3;
	check(clean, "nothing comes from before the reset");
	check(disk_works(), "and it works");
}

static void test_disk(void)
{
	check(virtio_find(&blk, VIRTIO_BLK, 0, modern), "a disk");
	check(pci_read(blk.config_address, 0) >> 16 == (modern ? 0x1042 : 0x1001), "its number");
	check(begin_disk(F_FLUSH | F_INDIRECT), "features are agreed upon");
	check((blk.offered & (F_FLUSH | F_INDIRECT | F_EVENT_INDEX)) ==
		      (F_FLUSH | F_INDIRECT | F_EVENT_INDEX),
	      "flush, indirect, event index are offered");
	check(!!(blk.features & F_VERSION_1) == modern, "version 1 or not");
	check(virtio_config(&blk, 0, 4) == SECTORS && !virtio_config(&blk, 4, 4), "capacity");
	read_and_write();
	scattered();
	several();
	indirect();
	silent();
	check(begin_disk(F_FLUSH | F_INDIRECT | F_EVENT_INDEX), "again with event index");
	read_and_write();
	several();
	indirect();
	reset_in_the_midst();
}

/* --- The others --- */

static u32 random_word(void)
{
	static u8 bytes[64];
	const struct vq_part part = { bytes, sizeof(bytes), true };
	u32 got = vq_request(&rng.q[0], &part, 1), sum = 0;

	if (!got || got > sizeof(bytes))
		return 0;
	for (u32 i = 0; i < got; i++)
		sum = digest(sum, bytes[i]);
	return sum;
}

static void test_entropy(void)
{
	u32 first, second;

	check(virtio_find(&rng, VIRTIO_RNG, 0, modern) && virtio_begin(&rng, F_EVENT_INDEX),
	      "entropy");
	virtio_queue(&rng, 0);
	virtio_go(&rng);
	first = random_word();
	second = random_word();
	check(first && second && first != second, "differs");
}

static void send_pages(u32 q)
{
	static u32 number[16];
	const struct vq_part part = { number, sizeof(number), false };

	for (u32 i = 0; i < COUNT(number); i++)
		number[i] = BALLOONED / PAGE_SIZE + i;
	vq_request(&balloon.q[q], &part, 1);
}

static bool is_zero(u32 page)
{
	for (u32 i = 0; i < PAGE_SIZE / 4; i++)
		if (((const u32 *)page)[i])
			return false;
	return true;
}

static bool begin_balloon(void)
{
	if (!virtio_begin(&balloon, BIT(0))) /* the host is told first */
		return false;
	virtio_queue(&balloon, 0);
	virtio_queue(&balloon, 1);
	virtio_go(&balloon);
	return true;
}

static void test_balloon(void)
{
	bool zero = true;

	check(virtio_find(&balloon, VIRTIO_BALLOON, 0, modern) && begin_balloon(), "a balloon");
	check(!virtio_config(&balloon, 0, 4), "it is asked for nothing");
	for (u32 round = 0; round < 3; round++) {
		fill((u8 *)BALLOONED, 0x99, 16 * PAGE_SIZE);
		send_pages(0);
		virtio_set_config(&balloon, 4, 16);
		check(virtio_config(&balloon, 4, 4) == 16, "16 pages are in it");
		send_pages(1);
		virtio_set_config(&balloon, 4, 0);
		for (u32 i = 0; i < 16; i++)
			zero &= is_zero(BALLOONED + i * PAGE_SIZE);
	}
	check(zero, "pages come back as zeros");
}

/* --- Hostile queues, of the disk, whose descriptor 0 to 2 are a good request before --- */

static void loop(struct vq *q)
{
	vq_describe(q, 1, BUFFER, SECTOR, DESC_NEXT | DESC_WRITE, 1);
}

static void huge(struct vq *q)
{
	vq_describe(q, 1, BUFFER, 0xfffffe00, DESC_NEXT | DESC_WRITE, 2);
}

static void bad_next(struct vq *q)
{
	vq_describe(q, 1, BUFFER, SECTOR, DESC_NEXT | DESC_WRITE, 0xffff);
}

static void outside(struct vq *q)
{
	vq_describe(q, 1, (void *)NOWHERE, SECTOR, DESC_NEXT | DESC_WRITE, 2);
}

static void far_away(struct vq *q)
{
	vq_describe(q, 1, BUFFER, SECTOR, DESC_NEXT | DESC_WRITE, 2);
	q->desc[1].at = 0xfffffffffffff000ull;
}

static void direction(struct vq *q)
{
	vq_describe(q, 0, &header[0], sizeof(header[0]), DESC_NEXT | DESC_WRITE, 1);
	vq_describe(q, 1, BUFFER, SECTOR, DESC_NEXT, 2);
}

static void odd_table(struct vq *q)
{
	vq_describe(q, 0, BUFFER, 17, DESC_INDIRECT, 0);
}

static void table_outside(struct vq *q)
{
	vq_describe(q, 0, (void *)NOWHERE, 48, DESC_INDIRECT, 0);
}

static void table_of_itself(struct vq *q)
{
	vq_describe(q, 0, (void *)q->desc, 48, DESC_INDIRECT, 0);
}

static void no_header(struct vq *q)
{
	vq_describe(q, 0, &header[0], 8, DESC_NEXT, 2);
}

static void bad_head(struct vq *q)
{
	q->available[2 + q->offered % q->size] = q->size;
	q->available[1] = ++q->offered;
}

static void jump(struct vq *q)
{
	q->available[1] = (u16)(q->offered + q->size + 1);
}

static const struct {
	const char *name;
	void (*spoil)(struct vq *q);
	bool itself; /* it makes it available, too */
} wrongs[] = {
	{ "a loop", loop, false },
	{ "a huge length", huge, false },
	{ "a number behind the table", bad_next, false },
	{ "no RAM", outside, false },
	{ "an address that wraps", far_away, false },
	{ "wrong direction", direction, false },
	{ "an odd indirect table", odd_table, false },
	{ "an indirect table nowhere", table_outside, false },
	{ "an indirect table in itself", table_of_itself, false },
	{ "no header", no_header, false },
	{ "a head behind the table", bad_head, true },
	{ "an index that jumps", jump, true },
};

/* It stands still, also for what is good, until it is reset. */
static bool stands_still(struct vq *q)
{
	u32 head, len;

	describe(1, T_IN, 0, SECTOR);
	vq_offer(q, 3);
	vq_ring(q);
	for (u32 i = 0; i < 1000; i++) {
		(void)inb(0x80);
		if (vq_taken(q, &head, &len))
			return false;
	}
	return status[1] == UNSAID && (!modern || (virtio_status(&blk) & STATUS_NEEDS_RESET));
}

static void hostile(void)
{
	struct vq *q = &blk.q[0];

	for (u32 i = 0; i < COUNT(wrongs); i++) {
		u32 told = virtio_config_interrupts;
		bool good;

		(void)begin_disk(F_FLUSH | F_INDIRECT);
		describe(0, T_IN, 0, SECTOR);
		wrongs[i].spoil(q);
		if (!wrongs[i].itself)
			vq_offer(q, 0);
		vq_ring(q);
		good = stands_still(q) && (!modern || virtio_config_interrupts == told + 1);
		check(good, wrongs[i].name);
		check(begin_disk(F_FLUSH) && disk_works(), "works after its reset");
	}
	(void)begin_balloon();
	vq_describe(&balloon.q[0], 0, BUFFER, 6, 0, 0);
	vq_offer(&balloon.q[0], 0);
	vq_ring(&balloon.q[0]);
	check(!modern || (virtio_status(&balloon) & STATUS_NEEDS_RESET), "half a page's number");
	check(begin_balloon(), "begins again");
	send_pages(0);
	send_pages(1);
	check(is_zero(BALLOONED), "and works");
}

void guest_main(void)
{
	modern = cmdline_number("modern", 0);
	test_disk();
	test_entropy();
	test_balloon();
	if (cmdline_number("hostile", 0))
		hostile();
}
