/* SPDX-License-Identifier: MIT */
/*
 * Networks between VMs: who gets which frame, what is learned and forgotten, what is lost, and
 * what a sender of frames from everywhere can do.
 * Alone: make build/unit/test_network && build/unit/test_network
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/base/string.h"
#include "tests/host/hostlib.h"
#include "vmm/net/network.h"

#define PORTS 4u

static struct net_port *port[PORTS];
static unsigned told[PORTS];

static void arrived(void *ctx)
{
	(*(unsigned *)ctx)++;
}

static void begin(void)
{
	static const char *const name[PORTS] = { "lan", "lan", "lan", "other" };

	memset(told, 0, sizeof(told));
	for (unsigned i = 0; i < PORTS; i++) {
		port[i] = net_port_open(name[i], arrived, &told[i]);
		assert_non_null(port[i]);
	}
}

static void end(void)
{
	for (unsigned i = 0; i < PORTS; i++)
		net_port_close(port[i]);
}

/* From address 02:00:00:00:00:FROM to 02:00:00:00:00:TO, or to all. */
#define ALL 0xffu

static void send(unsigned p, u8 from, u8 to, u32 len)
{
	u8 frame[NIC_FRAME_MAX];

	memset(frame, to == ALL ? 0xff : 0, NIC_MAC);
	frame[0] = to == ALL ? 0xff : 0x02;
	frame[5] = to;
	memset(frame + NIC_MAC, 0, NIC_MAC);
	frame[6] = 0x02;
	frame[11] = from;
	memset(frame + 12, (u8)len, len - 12);
	net_send(port[p], frame, len);
}

/* Does exactly one frame of that length wait there? */
static bool got(unsigned p, u32 len)
{
	u8 frame[NIC_FRAME_MAX];
	u32 n = net_receive(port[p], frame);

	return n == len && (!n || frame[n - 1] == (u8)len) && !net_receive(port[p], frame);
}

static void test_who_gets_it(void **state)
{
	(void)state;
	begin();
	send(0, 1, ALL, 60);
	assert_true(got(1, 60) && got(2, 60) && got(0, 0) && got(3, 0));
	assert_int_equal(told[1], 1);
	assert_int_equal(told[0], 0);
	/* 1 is known now; 2 becomes so. */
	send(1, 2, 1, 61);
	assert_true(got(0, 61) && got(2, 0) && got(1, 0));
	send(0, 1, 2, NIC_FRAME_MAX);
	assert_true(got(1, NIC_FRAME_MAX) && got(2, 0));
	/* Nobody knows 9. */
	send(0, 1, 9, 62);
	assert_true(got(1, 62) && got(2, 62));
	/* To itself. */
	send(0, 1, 1, 63);
	assert_true(got(0, 0) && got(1, 0) && got(2, 0));
	assert_int_equal(net_port_counts(port[0])->frames_in, 4);
	assert_int_equal(net_port_counts(port[0])->bytes_in, 60 + NIC_FRAME_MAX + 62 + 63);
	assert_int_equal(net_port_counts(port[0])->frames_out, 1);
	assert_int_equal(net_port_counts(port[0])->bytes_out, 61);
	end();
}

static void test_moves(void **state)
{
	(void)state;
	begin();
	send(1, 2, ALL, 60);
	assert_true(got(0, 60) && got(2, 60));
	send(2, 2, ALL, 60); /* the same address elsewhere */
	assert_true(got(0, 60) && got(1, 60));
	send(0, 1, 2, 64);
	assert_true(got(2, 64) && got(1, 0));
	/* Its port is gone, and a new one has another number. */
	net_port_close(port[2]);
	port[2] = net_port_open("lan", arrived, &told[2]);
	send(0, 1, 2, 65);
	assert_true(got(1, 65) && got(2, 65));
	end();
}

static void test_full(void **state)
{
	u8 frame[NIC_FRAME_MAX];

	(void)state;
	begin();
	for (unsigned i = 0; i < NET_WAITING + 10; i++)
		send(0, 1, ALL, 60 + i);
	assert_int_equal(net_port_counts(port[1])->lost, 10);
	for (unsigned i = 0; i < NET_WAITING; i++)
		assert_int_equal(net_receive(port[1], frame), 60 + i); /* in order */
	assert_int_equal(net_receive(port[1], frame), 0);
	send(0, 1, ALL, 60);
	assert_true(got(1, 60));
	assert_int_equal(net_port_counts(port[2])->lost, 11);
	end();
}

/* Many addresses push out those that were known: frames for those come to all again. */
static void test_flood(void **state)
{
	u8 in[NIC_FRAME_MAX];

	(void)state;
	begin();
	send(1, 2, ALL, 60);
	assert_true(got(0, 60) && got(2, 60));
	for (unsigned i = 0; i < 3000; i++) {
		u8 frame[60] = { 0x02, 0, 0, 0, 0, 77, 0x02, 1, 1, 1, (u8)(i >> 8), (u8)i };

		net_send(port[2], frame, sizeof(frame));
		assert_int_equal(net_receive(port[0], in), 60);
		assert_int_equal(net_receive(port[1], in), 60);
	}
	send(0, 1, 2, 66);
	assert_true(got(1, 66) && got(2, 66));
	end();
}

/* A source that is for many is nobody's address. */
static void test_group(void **state)
{
	u8 frame[60] = { 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6 };

	(void)state;
	begin();
	net_send(port[0], frame, sizeof(frame));
	net_send(port[1], frame, sizeof(frame)); /* not to port 0 alone */
	assert_int_equal(net_receive(port[2], frame), 60);
	assert_int_equal(net_receive(port[2], frame), 60);
	end();
}

static void test_no_memory(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 2; i++) {
		hostlib_fails_at = i;
		assert_null(net_port_open("lan", arrived, &told[0]));
	}
	hostlib_fails_at = 0;
	net_port_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_gets_it), cmocka_unit_test(test_moves),
		cmocka_unit_test(test_full),	    cmocka_unit_test(test_flood),
		cmocka_unit_test(test_group),	    cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("network", tests, NULL, NULL);
}
