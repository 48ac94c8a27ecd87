/* SPDX-License-Identifier: MIT */
/*
 * fw_cfg against QEMU's docs/specs/fw_cfg: items and files by port, requests by DMA, and requests
 * of an enemy: every field random, in and out of RAM, half in device memory, over the request
 * itself, 4 GiB long. Alone: make build/unit/test_fw_cfg && build/unit/test_fw_cfg [seed]
 */
#include "emu/chip/fw_cfg.h"
#include "emu/mem/gpmem.h"
#include "emu/snap/snap.h"
#include "kernel/base/alloc.h"
#include "tests/unit/pc_fixture.h"
#include "tests/unit/random.h"
#include "tests/unit/tape.h"

#define RAM_SIZE (2 * MiB)
#define DEVICE	 0x300000u
#define REQUEST	 0x1000u
#define TARGET	 0x4000u

static struct pc pc;
static struct gpmem mem;
static struct fw_cfg dev;
static u8 *ram;
static unsigned device_accesses;

static u64 device_read(void *ctx, u64 offset, unsigned size)
{
	(void)ctx;
	(void)offset;
	(void)size;
	device_accesses++;
	return 0;
}

static void device_write(void *ctx, u64 offset, unsigned size, u64 value)
{
	(void)value;
	(void)device_read(ctx, offset, size);
}

static int setup(void **state)
{
	static const struct gpmem_mmio ops = { device_read, device_write };
	u8 **chunk = mem_alloc(sizeof(*chunk));

	(void)state;
	ram = calloc(1, RAM_SIZE);
	chunk[0] = ram;
	gpmem_init(&mem);
	assert_int_equal(gpmem_add_ram(&mem, 0, RAM_SIZE, chunk, true, "ram"), 0);
	assert_int_equal(gpmem_add_mmio(&mem, DEVICE, PAGE_SIZE, &ops, NULL, "device"), 0);
	pc_init(&pc);
	pc.mem = &mem;
	pc_plug(&pc, &fw_cfg_class, &dev);
	assert_int_equal(fw_cfg_add_file(&dev, "etc/one", "12345", 5), 0);
	assert_int_equal(fw_cfg_add_file(&dev, "two", "xy", 2), 0);
	device_accesses = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fw_cfg_class.destroy(&dev);
	bus_destroy(&pc.bus);
	gpmem_destroy(&mem);
	free(ram);
	return 0;
}

static void select_key(u16 key)
{
	bus_write(&pc.bus, 0x510, 2, key);
}

static u32 be32(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static void test_ports(void **state)
{
	u8 directory[4 + 2 * 64];

	(void)state;
	select_key(FW_CFG_SIGNATURE);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(in8(&pc, 0x511), "QEMU"[i]);
	assert_int_equal(in8(&pc, 0x511), 0); /* behind the end */
	select_key(FW_CFG_ID);
	assert_int_equal(in8(&pc, 0x511), 3);
	select_key(0x7fff);
	assert_int_equal(in8(&pc, 0x511), 0);
	/* Of the ports only the word selects and only the byte reads. */
	select_key(FW_CFG_SIGNATURE);
	out8(&pc, 0x510, FW_CFG_ID);
	out8(&pc, 0x511, 'x');
	assert_int_equal(in8(&pc, 0x510), 0);
	assert_int_equal(in8(&pc, 0x511), 'Q');
	select_key(FW_CFG_DIRECTORY);
	for (unsigned i = 0; i < sizeof(directory); i++)
		directory[i] = in8(&pc, 0x511);
	assert_int_equal(in8(&pc, 0x511), 0);
	assert_int_equal(be32(directory), 2);
	assert_int_equal(be32(directory + 4), 5);
	assert_int_equal(be32(directory + 8), 0x20 << 16);
	assert_string_equal((char *)directory + 12, "etc/one");
	assert_int_equal(be32(directory + 68), 2);
	assert_int_equal(be32(directory + 72), 0x21 << 16);
	assert_string_equal((char *)directory + 76, "two");
	select_key(0x20);
	assert_int_equal(in8(&pc, 0x511), '1');
}

/* --- DMA */

static void put32(u32 at, u32 v)
{
	v = __builtin_bswap32(v);
	memcpy(ram + at, &v, 4);
}

static void start(u64 request)
{
	out32(&pc, 0x514, __builtin_bswap32((u32)(request >> 32)));
	out32(&pc, 0x518, __builtin_bswap32((u32)request));
}

/* The control field at the end. */
static u32 request(u32 control, u32 length, u64 to)
{
	put32(REQUEST, control);
	put32(REQUEST + 4, length);
	put32(REQUEST + 8, (u32)(to >> 32));
	put32(REQUEST + 12, (u32)to);
	start(REQUEST);
	return be32(ram + REQUEST);
}

static void test_dma(void **state)
{
	(void)state;
	assert_int_equal(in32(&pc, 0x514), 'Q' | 'E' << 8 | 'M' << 16 | 'U' << 24);
	assert_int_equal(in32(&pc, 0x518), ' ' | 'C' << 8 | 'F' << 16 | 'G' << 24);
	assert_int_equal(in8(&pc, 0x519), 'C');
	memset(ram + TARGET, 0x55, 16);
	assert_int_equal(request(0x20 << 16 | 8 | 2, 7, TARGET), 0);
	assert_memory_equal(ram + TARGET, "12345\0\0\x55", 8);
	/* Without select it goes on; skip goes over bytes. */
	assert_int_equal(request(0x20 << 16 | 8 | 4, 2, 0), 0);
	assert_int_equal(request(2, 2, TARGET), 0);
	assert_memory_equal(ram + TARGET, "34", 2);
	assert_int_equal(in8(&pc, 0x511), '5');
	/* Select alone. */
	assert_int_equal(request(0x21 << 16 | 8, 0, 0), 0);
	assert_int_equal(in8(&pc, 0x511), 'x');
	/* Writing. */
	assert_int_equal(request(0x21 << 16 | 8 | 0x10, 2, TARGET), 1);
	/* Across pages, and over the request: its answer comes last. */
	assert_int_equal(request(0x20 << 16 | 8 | 2, 5, TARGET + PAGE_SIZE - 2), 0);
	assert_memory_equal(ram + TARGET + PAGE_SIZE - 2, "12345", 5);
	assert_int_equal(request(0x20 << 16 | 8 | 2, 5, REQUEST), 0);
	assert_int_equal(ram[REQUEST + 4], '5');
}

/* Where there is no memory: an error, and no device is entered. */
static void test_targets(void **state)
{
	static const u64 bad[] = {
		DEVICE,	    DEVICE + 0xff0,	   RAM_SIZE,	       RAM_SIZE - 2,
		1ull << 40, 0xfffffffffffffffeull, 0xffffffff00000000, DEVICE - 0x1000ull
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(request(0x20 << 16 | 8 | 2, 8, bad[i]), 1);
	assert_memory_equal(ram + RAM_SIZE - 2, "12", 2);
	/* A request that is nowhere, or half, is not read and not answered. */
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		start(bad[i]);
	start(RAM_SIZE - 8);
	assert_int_equal(device_accesses, 0);
	assert_int_equal(request(0x20 << 16 | 8 | 2, 1, TARGET), 0);
}

/* What is long comes in pieces between instructions; another one meanwhile is an error. */
static void test_pieces(void **state)
{
	u32 second = 0x2000, rounds = 0;

	(void)state;
	memset(ram + 0x10000, 0x55, 0x90000);
	assert_int_not_equal(request(0x20 << 16 | 8 | 2, 0x80000, 0x10000), 0);
	put32(second, 0x21 << 16 | 8);
	start(second);
	assert_int_equal(be32(ram + second), 1);
	for (; be32(ram + REQUEST); rounds++)
		completions_run(&pc.completions);
	assert_in_range(rounds, 7, 8);
	assert_memory_equal(ram + 0x10000, "12345\0", 6);
	assert_int_equal(ram[0x10000 + 0x7ffff], 0);
	assert_int_equal(ram[0x10000 + 0x80000], 0x55);
	assert_false(completions_pending(&pc.completions));
	/* Reset forgets it. */
	assert_int_not_equal(request(0x20 << 16 | 8 | 2, 0x80000, 0x10000), 0);
	fw_cfg_class.reset(&dev);
	assert_false(completions_pending(&pc.completions));
	assert_int_equal(request(0x20 << 16 | 8 | 2, 1, TARGET), 0);
}

/* Saved in the midst of a request, it goes on in the other one. */
static void test_state(void **state)
{
	static struct snap s;
	struct tape t = { 0 };

	(void)state;
	memset(ram + 0x10000, 0x55, 0x90000);
	request(0x20 << 16 | 8 | 2, 0x80000, 0x10000);
	snap_save_to(&s, tape_put, &t);
	assert_true(snap_begin(&s, "fw_cfg", 1));
	fw_cfg_class.state(&dev, &s);
	snap_end(&s);
	assert_true(snap_finish(&s));
	fw_cfg_class.reset(&dev);
	snap_load_from(&s, tape_get, &t);
	assert_true(snap_begin(&s, "fw_cfg", 1));
	fw_cfg_class.state(&dev, &s);
	snap_end(&s);
	assert_true(snap_finish(&s));
	free(t.bytes);
	while (be32(ram + REQUEST))
		completions_run(&pc.completions);
	assert_int_equal(ram[0x10000 + 0x7ffff], 0);
	assert_int_equal(ram[0x10000 + 0x80000], 0x55);
}

/* Nothing but RAM is touched (the sanitizers see to it), no device entered, and each request ends.
 */
static void test_enemy(void **state)
{
	static const u64 where[] = { 0, RAM_SIZE - 16, RAM_SIZE, DEVICE, DEVICE - 64, ~0ull - 64 };

	(void)state;
	for (unsigned n = 0; n < 20000; n++) {
		u64 to = where[rnd() % ARRAY_SIZE(where)] + rnd() % 128;
		u32 length = one_in(4) ? (u32)rnd() : (u32)rnd() % 300;

		put32(REQUEST, (u32)rnd() & (one_in(2) ? 0x2f001f : ~0u));
		put32(REQUEST + 4, length);
		put32(REQUEST + 8, (u32)(to >> 32));
		put32(REQUEST + 12, (u32)to);
		start(one_in(8) ? to : REQUEST);
		for (unsigned i = 0; i < 40; i++)
			completions_run(&pc.completions);
		(void)in8(&pc, 0x511);
	}
	while (completions_pending(&pc.completions))
		completions_run(&pc.completions);
	assert_int_equal(device_accesses, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ports, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dma, setup, teardown),
		cmocka_unit_test_setup_teardown(test_targets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_state, setup, teardown),
		cmocka_unit_test_setup_teardown(test_enemy, setup, teardown),
	};

	random_state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	return cmocka_run_group_tests_name("fw_cfg", tests, NULL, NULL);
}
