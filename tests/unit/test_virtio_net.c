/* SPDX-License-Identifier: MIT */
/*
 * The virtio network card against Virtio 1.2, 5.1: frames of both ways behind the header of either
 * generation, frames that nobody can take, and buffers that are no frame's.
 * Alone: make build/unit/test_virtio_net && build/unit/test_virtio_net
 */
#include "emu/chip/virtio_net.h"
#include "tests/unit/virtio_fixture.h"

#define RX    0u
#define TX    1u
#define NEW   12u /* the header's size */
#define OLD   10u
#define QUEUE 64u /* frames that wait outside */

static struct driver t;
static struct virtio_net net;

static u8 sent[NIC_FRAME_MAX];
static u32 sent_len;
static unsigned frames_sent;
static u32 waiting[QUEUE]; /* their lengths */
static unsigned first, last;

static void frame_out(void *ctx, unsigned n, const u8 *frame, u32 len)
{
	(void)ctx;
	assert_int_equal(n, 0);
	memcpy(sent, frame, len);
	sent_len = len;
	frames_sent++;
}

/* Byte i of the frame that came as number k is k + i. */
static u32 frame_in(void *ctx, unsigned n, u8 *frame)
{
	u32 len;

	(void)ctx;
	assert_int_equal(n, 0);
	if (first == last)
		return 0;
	len = waiting[first];
	for (u32 i = 0; i < len; i++)
		frame[i] = (u8)(first + i);
	first++;
	return len;
}

static void come(u32 len)
{
	waiting[last++] = len;
	virtio_net_class.frames(&net);
	run_completions(t.pc);
}

static void begin(bool modern)
{
	driver_begin(&t, VIRTIO_BOTH);
	t.pc->host.frame_out = frame_out;
	t.pc->host.frame_in = frame_in;
	t.pc->nics[0] = (struct nic){ NIC_VIRTIO, { 0x52, 1, 2, 3, 4, 5 } };
	frames_sent = first = last = 0;
	pc_plug(t.pc, &virtio_net_class, &net);
	driver_find(&t, &net.v);
	driver_start(&t, modern, ~0ull);
}

static void end(void)
{
	virtio_net_class.destroy(&net);
	drive_pc_free(&t.d);
}

static void one_buffer(unsigned q, u16 n, u32 at, u32 len, u16 flags)
{
	put_descriptor(&t, t.queue[q].table, n, at, len, flags, 0);
	make_available(&t, q, n);
}

static u32 send_frame(u32 len)
{
	u32 used;

	one_buffer(TX, 0, BUFFER, len, 0);
	notify(&t, TX);
	run_completions(t.pc);
	assert_int_equal(next_used(&t, TX, &used), 0);
	return used;
}

static void test_identity(void **state)
{
	static const u8 mac[NIC_MAC] = { 0x52, 1, 2, 3, 4, 5 };
	u8 config[8];

	(void)state;
	begin(true);
	assert_int_equal(config32(&t, 0), 0x10001af4);
	assert_int_equal(config32(&t, 8) >> 8, 0x020000);
	assert_true(t.features & BIT64(5));
	assert_true(t.features & BIT64(16));
	gpmem_read(t.pc->mem, t.part[VIRTIO_CAP_DEVICE], config, sizeof(config));
	assert_memory_equal(config, mac, NIC_MAC);
	assert_int_equal(config[6], 1); /* the link is up */
	/* An address of the driver's own lasts until the machine is reset. */
	config[5] = 9;
	gpmem_write(t.pc->mem, t.part[VIRTIO_CAP_DEVICE] + 5, config + 5, 1);
	driver_start(&t, true, ~0ull);
	gpmem_read(t.pc->mem, t.part[VIRTIO_CAP_DEVICE], config, sizeof(config));
	assert_int_equal(config[5], 9);
	virtio_net_class.reset(&net);
	assert_memory_equal(net.v.config, mac, NIC_MAC);
	end();
}

static void sends(bool modern)
{
	u32 header = modern ? NEW : OLD;

	begin(modern);
	for (u32 i = 0; i < header + NIC_FRAME_MAX; i++)
		*ram(&t, BUFFER + i) = (u8)(i - header);
	assert_int_equal(send_frame(header + 100), 0);
	assert_true(interrupt(&t));
	assert_int_equal(frames_sent, 1);
	assert_int_equal(sent_len, 100);
	assert_int_equal(sent[0], 0);
	assert_int_equal(sent[99], 99);
	send_frame(header + NIC_FRAME_MAX);
	assert_int_equal(sent_len, NIC_FRAME_MAX);
	/* Too long, too short, and without a byte of a frame: they come back, and go nowhere. */
	send_frame(header + NIC_FRAME_MAX + 1);
	send_frame(header + NIC_FRAME_MIN - 1);
	send_frame(header);
	assert_int_equal(frames_sent, 2);
	assert_int_equal(t.reports, 0);
	end();
}

static void test_sends(void **state)
{
	(void)state;
	sends(true);
	sends(false);
}

/* More than are sent in one go, the header in a buffer of its own. */
static void test_sends_many(void **state)
{
	(void)state;
	begin(true);
	for (u16 i = 0; i < 40; i++) {
		put_descriptor(&t, t.queue[TX].table, 2u * i, BUFFER, NEW, D_NEXT,
			       (u16)(2 * i + 1));
		put_descriptor(&t, t.queue[TX].table, 2u * i + 1, BUFFER + 64, 60, 0, 0);
		make_available(&t, TX, (u16)(2 * i));
	}
	notify(&t, TX);
	assert_in_range(frames_sent, 1, 39);
	run_completions(t.pc);
	assert_int_equal(frames_sent, 40);
	assert_int_equal(used_index(&t, TX), 40);
	end();
}

static void receives(bool modern)
{
	u32 header = modern ? NEW : OLD, len;

	begin(modern);
	memset(ram(&t, BUFFER), 0xee, 0x2000);
	one_buffer(RX, 0, BUFFER, 1600, D_WRITE);
	one_buffer(RX, 1, BUFFER + 0x1000, 1600, D_WRITE);
	notify(&t, RX);
	assert_false(interrupt(&t));
	come(60);
	assert_true(interrupt(&t));
	assert_int_equal(next_used(&t, RX, &len), 0);
	assert_int_equal(len, header + 60);
	for (u32 i = 0; i < OLD; i++)
		assert_int_equal(*ram(&t, BUFFER + i), 0);
	if (modern) /* the frame is in one buffer */
		assert_int_equal(*ram(&t, BUFFER + 10) | *ram(&t, BUFFER + 11) << 8, 1);
	for (u32 i = 0; i < 60; i++)
		assert_int_equal(*ram(&t, BUFFER + header + i), i);
	assert_int_equal(*ram(&t, BUFFER + header + 60), 0xee);
	come(NIC_FRAME_MAX);
	assert_int_equal(next_used(&t, RX, &len), 1);
	assert_int_equal(len, header + NIC_FRAME_MAX);
	assert_int_equal(*ram(&t, BUFFER + 0x1000 + header), 1);
	end();
}

static void test_receives(void **state)
{
	(void)state;
	receives(true);
	receives(false);
}

/* Without buffers frames wait, and come when the driver has given some; more than in one go. */
static void test_waits(void **state)
{
	u32 len;

	(void)state;
	begin(true);
	for (unsigned i = 0; i < 40; i++)
		come(60 + i);
	assert_int_equal(first, 0);
	for (u16 i = 0; i < 40; i++)
		one_buffer(RX, i, BUFFER + 0x800u * i, 0x800, D_WRITE);
	notify(&t, RX);
	run_completions(t.pc);
	assert_int_equal(first, 40);
	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(next_used(&t, RX, &len), i);
		assert_int_equal(len, NEW + 60 + i);
	}
	end();
}

/* Nobody hears what comes before the driver is there. */
static void test_deaf(void **state)
{
	(void)state;
	begin(true);
	assert_true(virtio_net_class.can_wake(&net));
	set_status(&t, 0);
	assert_false(virtio_net_class.can_wake(&net));
	come(60);
	come(60);
	assert_int_equal(first, 2);
	driver_start(&t, true, ~0ull);
	one_buffer(RX, 0, BUFFER, 1600, D_WRITE);
	notify(&t, RX);
	assert_int_equal(used_index(&t, RX), 0);
	end();
}

/* A frame without room is lost, and the next one that fits has the buffer. */
static void test_no_room(void **state)
{
	u32 len;

	(void)state;
	begin(true);
	one_buffer(RX, 0, BUFFER, NEW + 100, D_WRITE);
	notify(&t, RX);
	come(101);
	assert_int_equal(used_index(&t, RX), 0);
	come(100);
	assert_int_equal(next_used(&t, RX, &len), 0);
	assert_int_equal(len, NEW + 100);
	assert_int_equal(*ram(&t, BUFFER + NEW), 1);
	assert_int_equal(t.reports, 0);
	end();
}

static void breaks(unsigned q, u32 len, u16 flags)
{
	begin(true);
	one_buffer(q, 0, BUFFER, len, flags);
	notify(&t, q);
	run_completions(t.pc);
	assert_true(net.v.broken);
	assert_int_equal(t.reports, 1);
	come(60); /* to nobody */
	assert_int_equal(first, 1);
	end();
}

static void test_wrong(void **state)
{
	(void)state;
	breaks(TX, 100, D_WRITE);
	breaks(TX, NEW - 1, 0);
	breaks(RX, 100, 0);
	breaks(RX, NEW - 1, D_WRITE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),   cmocka_unit_test(test_sends),
		cmocka_unit_test(test_sends_many), cmocka_unit_test(test_receives),
		cmocka_unit_test(test_waits),	   cmocka_unit_test(test_deaf),
		cmocka_unit_test(test_no_room),	   cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests_name("virtio_net", tests, NULL, NULL);
}
