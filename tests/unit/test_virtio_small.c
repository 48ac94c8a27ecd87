/* SPDX-License-Identifier: MIT */
/*
 * The virtio entropy device and the console against Virtio 1.2, 5.4 and 5.3: how much comes and how
 * fast, what is typed, what is said to a line that is busy, and buffers of the wrong direction.
 * Alone: make build/unit/test_virtio_small && build/unit/test_virtio_small
 */
#include "emu/chip/virtio_console.h"
#include "emu/chip/virtio_rng.h"
#include "tests/unit/virtio_fixture.h"

static struct driver t;
static struct virtio_rng rng;
static struct virtio_console con;

static void entropy(void *ctx, u8 *bytes, u32 n)
{
	(void)ctx;
	memset(bytes, 0x5a, n);
}

static char said[5000];
static unsigned said_len, room;

static bool serial_tx(void *ctx, unsigned port, u8 byte)
{
	(void)ctx;
	assert_int_equal(port, VIRTIO_CONSOLE_PORT);
	assert_true(room > 0);
	said[said_len++] = (char)byte;
	said[said_len] = '\0';
	return --room > 0;
}

static void begin(const struct device_class *class, void *dev, struct virtio *v)
{
	driver_begin(&t, VIRTIO_BOTH);
	t.pc->host.entropy = entropy;
	t.pc->host.serial_tx = serial_tx;
	said_len = 0;
	room = 100000;
	pc_plug(t.pc, class, dev);
	driver_find(&t, v);
	driver_start(&t, true, ~0ull);
}

static void end(const struct device_class *class, void *dev)
{
	class->destroy(dev);
	drive_pc_free(&t.d);
}

static void one_buffer(unsigned q, u16 n, u32 at, u32 len, u16 flags)
{
	put_descriptor(&t, t.queue[q].table, n, at, len, flags, 0);
	make_available(&t, q, n);
}

/* --- Entropy */

static void test_entropy(void **state)
{
	u32 len;

	(void)state;
	begin(&virtio_rng_class, &rng, &rng.v);
	assert_int_equal(config32(&t, 0), 0x10051af4);
	one_buffer(0, 0, BUFFER, 100, D_WRITE);
	one_buffer(0, 1, BUFFER + 0x1000, 100000, D_WRITE);
	notify(&t, 0);
	assert_true(interrupt(&t));
	next_used(&t, 0, &len);
	assert_int_equal(len, 100);
	assert_int_equal(*ram(&t, BUFFER + 99), 0x5a);
	assert_int_equal(*ram(&t, BUFFER + 100), 0);
	next_used(&t, 0, &len);
	assert_int_equal(len, 256);
	end(&virtio_rng_class, &rng);
}

/* A guest that reads for a second gets 400 KiB, and a reset of the device gives it no more. */
static void test_rate(void **state)
{
	u32 len, sum = 0;

	(void)state;
	begin(&virtio_rng_class, &rng, &rng.v);
	for (unsigned ms = 0; ms < 1000; ms++) {
		for (unsigned i = 0; i < 10; i++)
			one_buffer(0, (u16)i, BUFFER, 200, D_WRITE);
		notify(&t, 0);
		run_for(t.pc, MS);
		while (used_index(&t, 0) != t.queue[0].seen) {
			next_used(&t, 0, &len);
			sum += len;
		}
		if (ms % 5 == 2)
			driver_start(&t, true, ~0ull);
	}
	assert_in_range(sum, 350 * KiB, 404 * KiB);
	end(&virtio_rng_class, &rng);
}

/* --- Console */

static void test_says(void **state)
{
	u32 len;

	(void)state;
	begin(&virtio_console_class, &con, &con.v);
	assert_int_equal(config32(&t, 0), 0x10031af4);
	memset(ram(&t, BUFFER), 'x', 3000);
	memcpy(ram(&t, BUFFER), "hello", 5);
	one_buffer(1, 0, BUFFER, 3000, 0);
	room = 5; /* and then the line is busy */
	notify(&t, 1);
	run_completions(t.pc);
	assert_string_equal(said, "hello");
	assert_int_equal(used_index(&t, 1), 0);
	room = 100000;
	virtio_console_tx_ready(&con);
	run_completions(t.pc);
	assert_int_equal(said_len, 3000);
	assert_int_equal(next_used(&t, 1, &len), 0);
	assert_int_equal(len, 0);
	/* One after the other, empty ones too. */
	one_buffer(1, 0, BUFFER, 2, 0);
	one_buffer(1, 1, BUFFER, 0, 0);
	one_buffer(1, 2, BUFFER + 2, 3, 0);
	said_len = 0;
	notify(&t, 1);
	run_completions(t.pc);
	assert_string_equal(said, "hello");
	assert_int_equal(used_index(&t, 1), 4);
	end(&virtio_console_class, &con);
}

static void test_hears(void **state)
{
	u32 len;

	(void)state;
	begin(&virtio_console_class, &con, &con.v);
	assert_false(virtio_console_rx(&con, 'a')); /* no buffer */
	one_buffer(0, 0, BUFFER, 16, D_WRITE);
	one_buffer(0, 1, BUFFER + 16, 16, D_WRITE);
	assert_true(virtio_console_rx(&con, 'a'));
	assert_true(interrupt(&t));
	assert_true(virtio_console_rx(&con, 'b'));
	assert_false(virtio_console_rx(&con, 'c'));
	assert_int_equal(next_used(&t, 0, &len), 0);
	assert_int_equal(len, 1);
	assert_int_equal(next_used(&t, 0, &len), 1);
	assert_int_equal(*ram(&t, BUFFER), 'a');
	assert_int_equal(*ram(&t, BUFFER + 16), 'b');
	set_status(&t, 0);
	assert_false(virtio_console_listens(&con));
	assert_false(virtio_console_rx(&con, 'd'));
	end(&virtio_console_class, &con);
}

/* 5.3.4: before there is any driver. */
static void test_emergency(void **state)
{
	(void)state;
	begin(&virtio_console_class, &con, &con.v);
	set_status(&t, 0);
	write32(t.pc, t.part[VIRTIO_CAP_DEVICE] + 8, '!');
	assert_string_equal(said, "!");
	end(&virtio_console_class, &con);
}

static void test_wrong(void **state)
{
	(void)state;
	begin(&virtio_rng_class, &rng, &rng.v);
	one_buffer(0, 0, BUFFER, 16, 0);
	notify(&t, 0);
	assert_int_equal(t.reports, 1);
	end(&virtio_rng_class, &rng);
	begin(&virtio_console_class, &con, &con.v);
	one_buffer(1, 0, BUFFER, 16, D_WRITE);
	notify(&t, 1);
	assert_int_equal(t.reports, 1);
	driver_start(&t, true, ~0ull);
	one_buffer(0, 0, BUFFER, 16, 0);
	assert_false(virtio_console_rx(&con, 'a'));
	assert_true(con.v.broken);
	end(&virtio_console_class, &con);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entropy),	  cmocka_unit_test(test_rate),
		cmocka_unit_test(test_says),	  cmocka_unit_test(test_hears),
		cmocka_unit_test(test_emergency), cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests_name("virtio_small", tests, NULL, NULL);
}
