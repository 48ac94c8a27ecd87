/* SPDX-License-Identifier: MIT */
/*
 * The 8237A pair (data sheet 231466): registers by a table of port accesses; transfers of a device
 * against what the data sheet says of each mode; and random programming, by a guest that means no
 * good, against a model that moves one byte or word at a time. Alone:
 * make build/unit/test_i8237 && build/unit/test_i8237
 */
#include <stdlib.h>

#include "emu/chip/i8237.h"
#include "emu/mem/gpmem.h"
#include "kernel/base/alloc.h"
#include "tests/unit/pc_fixture.h"
#include "tests/unit/random.h"

struct step {
	char op; /* '>' write, '<' expect */
	u8 port, value;
};

static const struct step steps[] = {
	/* reset: all masked but the cascade, nothing pending */
	{ '<', 0x0f, 0xff },
	{ '<', 0xde, 0xfe },
	{ '<', 0x08, 0x00 },
	{ '<', 0xd0, 0x00 },
	/* address and count of channel 2, low byte first; two reads give both halves */
	{ '>', 0x0c, 0 },
	{ '>', 0x04, 0x34 },
	{ '>', 0x04, 0x12 },
	{ '>', 0x05, 0xff },
	{ '>', 0x05, 0x01 },
	{ '<', 0x04, 0x34 },
	{ '<', 0x04, 0x12 },
	{ '<', 0x05, 0xff },
	{ '<', 0x05, 0x01 },
	/* one flip-flop for all channels; clearing it starts at the low byte */
	{ '>', 0x00, 0xaa },
	{ '<', 0x05, 0x01 },
	{ '>', 0x00, 0xbb },
	{ '>', 0x0c, 0 },
	{ '<', 0x00, 0xbb },
	{ '<', 0x00, 0x00 },
	/* masks: single, all, clear */
	{ '>', 0x0a, 0x02 },
	{ '<', 0x0f, 0xfb },
	{ '>', 0x0a, 0x06 },
	{ '<', 0x0f, 0xff },
	{ '>', 0x0f, 0x05 },
	{ '<', 0x0f, 0xf5 },
	{ '>', 0x0e, 0 },
	{ '<', 0x0f, 0xf0 },
	/* software requests show in status, and at the cascade unless masked; write-only registers
	 * read ones */
	{ '>', 0x09, 0x05 },
	{ '<', 0x08, 0x20 },
	{ '<', 0xd0, 0x10 },
	{ '>', 0x0a, 0x05 },
	{ '<', 0xd0, 0x00 },
	{ '>', 0x09, 0x01 },
	{ '<', 0x08, 0x00 },
	{ '<', 0x0b, 0xff },
	/* master clear masks everything, keeps addresses */
	{ '>', 0x0d, 0 },
	{ '<', 0x0f, 0xff },
	{ '<', 0x04, 0x34 },
	{ '<', 0x0d, 0x00 },
	/* the second controller: registers at even ports, odd ones are nobody's */
	{ '>', 0xd8, 0 },
	{ '>', 0xc4, 0x78 },
	{ '>', 0xc4, 0x56 },
	{ '<', 0xc4, 0x78 },
	{ '<', 0xc4, 0x56 },
	{ '<', 0xc5, 0xff },
	{ '>', 0xd4, 0x01 },
	{ '<', 0xde, 0xfc },
	{ '>', 0xda, 0 },
	{ '<', 0xde, 0xff },
	/* pages; 80h keeps POST codes */
	{ '>', 0x81, 0x5a },
	{ '<', 0x81, 0x5a },
	{ '>', 0x80, 0x99 },
	{ '<', 0x80, 0x99 },
	{ '>', 0x8f, 0x11 },
	{ '<', 0x8f, 0x11 },
};

static void test_registers(void **state)
{
	struct pc p;
	struct i8237_pair dma;

	(void)state;
	pc_init(&p);
	pc_plug(&p, &i8237_class, &dma);
	for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
		if (steps[i].op == '>')
			out8(&p, steps[i].port, steps[i].value);
		else if (in8(&p, steps[i].port) != steps[i].value)
			fail_msg("step %u, port %02x", i, steps[i].port);
	}
	out8(&p, 0x0b, 0x56);
	assert_int_equal(dma.chip[0].ch[2].mode, 0x54);
	i8237_class.reset(&dma);
	assert_int_equal(in8(&p, 0x81), 0);
	assert_int_equal(in8(&p, 0xde), 0xfe);
}

/* --- A machine with a device */

#define LOW_RAM	   0xa0000u
#define DEVICE_MEM 0xa0000u
#define ROM	   0xf0000u
#define HIGH_RAM   0x100000u
#define HIGH_SIZE  0x300000u
#define HOLE	   0x800000u

struct machine {
	struct pc pc;
	struct gpmem mem;
	struct i8237_pair dma;
	u8 *chunk[4];
	/* The device: what it offers or wants, and what came of it. */
	struct dma_line line;
	enum dma_way way;
	u8 buf[0x30000];
	u32 offered, moved;
	bool tc;
	unsigned grants;
};

static u64 device_mem_read(void *ctx, u64 offset, unsigned size)
{
	(void)ctx;
	(void)offset;
	fail_msg("DMA reads %u bytes of device memory", size);
	return 0;
}

static void device_mem_write(void *ctx, u64 offset, unsigned size, u64 value)
{
	(void)ctx;
	(void)offset;
	(void)value;
	fail_msg("DMA writes %u bytes of device memory", size);
}

static const struct gpmem_mmio device_mem = { device_mem_read, device_mem_write };

static void granted(void *dev)
{
	struct machine *m = dev;

	m->grants++;
	m->moved = dma_transfer(&m->line, m->way, m->buf, m->offered, &m->tc);
}

static u8 **chunks(struct machine *m, unsigned first, unsigned n)
{
	u8 **c = mem_alloc(n * sizeof(*c));

	for (unsigned i = 0; i < n; i++) {
		m->chunk[first + i] = malloc(GPMEM_CHUNK_SIZE);
		for (u32 at = 0; at < GPMEM_CHUNK_SIZE; at++)
			m->chunk[first + i][at] = (u8)(at * 7 + (at >> 8));
		c[i] = m->chunk[first + i];
	}
	return c;
}

static int setup(void **state)
{
	struct machine *m = calloc(1, sizeof(*m));

	pc_init(&m->pc);
	gpmem_init(&m->mem);
	gpmem_add_ram(&m->mem, 0, LOW_RAM, chunks(m, 0, 1), true, "low");
	gpmem_add_mmio(&m->mem, DEVICE_MEM, 0x10000, &device_mem, m, "device");
	gpmem_add_rom(&m->mem, ROM, 0x10000, chunks(m, 1, 1), "rom");
	gpmem_add_ram(&m->mem, HIGH_RAM, HIGH_SIZE, chunks(m, 2, 2), true, "high");
	m->pc.mem = &m->mem;
	pc_plug(&m->pc, &i8237_class, &m->dma);
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct machine *m = *state;

	gpmem_destroy(&m->mem);
	for (unsigned i = 0; i < ARRAY_SIZE(m->chunk); i++)
		free(m->chunk[i]);
	free(m);
	return 0;
}

static u8 peek(struct machine *m, gpa_t at)
{
	const u8 *p = gpmem_ptr(&m->mem, at, false);

	return p ? *p : 0xff;
}

/* The port of a channel's address register; the count's is one register further. */
static u16 address_port(unsigned n)
{
	return (u16)(n < 4 ? n * 2 : 0xc0 + (n - 4) * 4);
}

static void attach(struct machine *m, unsigned n)
{
	m->line = (struct dma_line){ &m->dma.controller, n };
	dma_attach(&m->line, granted, m);
}

/* As a driver does: mask, mode, page, address, count, unmask. */
static void program(struct machine *m, unsigned n, u8 mode, u8 page, u16 address, u16 count)
{
	static const u16 page_port[8] = { 0x87, 0x83, 0x81, 0x82, 0x8f, 0x8b, 0x89, 0x8a };
	bool wide = n >= 4;
	u16 at = address_port(n), step = wide ? 2 : 1;

	out8(&m->pc, wide ? 0xd4 : 0x0a, (u8)(4 | (n & 3)));
	out8(&m->pc, wide ? 0xd8 : 0x0c, 0);
	out8(&m->pc, wide ? 0xd6 : 0x0b, (u8)(mode | (n & 3)));
	out8(&m->pc, page_port[n], page);
	out8(&m->pc, at, (u8)address);
	out8(&m->pc, at, (u8)(address >> 8));
	out8(&m->pc, at + step, (u8)count);
	out8(&m->pc, at + step, (u8)(count >> 8));
	out8(&m->pc, wide ? 0xd4 : 0x0a, n & 3);
}

static u16 read16(struct machine *m, u16 port)
{
	u16 low = in8(&m->pc, port);

	return (u16)(low | in8(&m->pc, port) << 8);
}

#define SINGLE	  0x40
#define TO_MEMORY 0x04
#define FROM	  0x08
#define AUTO	  0x10
#define DOWN	  0x20

/*
 * Each row: a channel is programmed and its device offers or wants bytes. at: where the first and
 * the last of them are; left: the current address and count afterwards.
 */
static const struct {
	u8 n, mode, page;
	u16 address, count;
	enum dma_way way;
	u32 offered, moved;
	bool tc;
	u32 first, last;
	u16 address_left, count_left;
} transfers[] = {
	/* to and from memory, to the last byte: TC */
	{ 2, SINGLE | TO_MEMORY, 1, 0x2345, 511, DMA_TO_MEMORY, 512, 512, true, 0x12345, 0x12544,
	  0x2545, 0xffff },
	{ 2, SINGLE | FROM, 1, 0x2345, 511, DMA_FROM_MEMORY, 512, 512, true, 0x12345, 0x12544,
	  0x2545, 0xffff },
	/* the device has less than the guest wants, and more */
	{ 1, TO_MEMORY, 0x12, 0x0000, 0xffff, DMA_TO_MEMORY, 100, 100, false, 0x120000, 0x120063,
	  0x0064, 0xff9b },
	{ 3, TO_MEMORY, 0x12, 0x0000, 9, DMA_TO_MEMORY, 100, 10, true, 0x120000, 0x120009, 0x000a,
	  0xffff },
	/* all of a page; the page register does not count up: address wraps */
	{ 0, TO_MEMORY, 0x13, 0x8000, 0xffff, DMA_TO_MEMORY, 0x10000, 0x10000, true, 0x138000,
	  0x137fff, 0x8000, 0xffff },
	{ 1, FROM, 0x12, 0xfffe, 3, DMA_FROM_MEMORY, 4, 4, true, 0x12fffe, 0x120001, 0x0002,
	  0xffff },
	/* downwards, with the wrap the other way */
	{ 1, TO_MEMORY | DOWN, 0x12, 0x0001, 3, DMA_TO_MEMORY, 4, 4, true, 0x120001, 0x12fffe,
	  0xfffd, 0xffff },
	/* words: bit 0 of the page is not wired, half a word is not moved */
	{ 5, SINGLE | TO_MEMORY, 0x13, 0x8000, 1, DMA_TO_MEMORY, 4, 4, true, 0x130000, 0x130003,
	  0x8002, 0xffff },
	{ 6, FROM, 0x12, 0xffff, 7, DMA_FROM_MEMORY, 5, 4, false, 0x13fffe, 0x120001, 0x0001,
	  0x0005 },
	{ 7, TO_MEMORY | DOWN, 0x12, 0x0100, 7, DMA_TO_MEMORY, 4, 4, false, 0x120200, 0x1201ff,
	  0x00fe, 0x0005 },
	/* auto-initialise: as programmed, and not masked */
	{ 1, TO_MEMORY | AUTO, 0x12, 0x0100, 15, DMA_TO_MEMORY, 20, 16, true, 0x120100, 0x12010f,
	  0x0100, 15 },
};

static bool masked(struct machine *m, unsigned n)
{
	return in8(&m->pc, n < 4 ? 0x0f : 0xde) & BIT(n & 3);
}

static void test_transfers(void **state)
{
	struct machine *m = *state;

	for (unsigned i = 0; i < ARRAY_SIZE(transfers); i++) {
		unsigned n = transfers[i].n;
		u16 port = address_port(n);
		bool from = transfers[i].way == DMA_FROM_MEMORY;

		attach(m, n);
		m->way = transfers[i].way;
		m->offered = transfers[i].offered;
		for (u32 at = 0; at < sizeof(m->buf); at++)
			m->buf[at] = (u8)(rnd() | (from ? 0 : 1));
		program(m, n, transfers[i].mode, transfers[i].page, transfers[i].address,
			transfers[i].count);
		m->grants = 0;
		dma_request(&m->line, true);
		assert_int_equal(m->grants, 1);
		assert_int_equal(m->moved, transfers[i].moved);
		assert_int_equal(m->tc, transfers[i].tc);
		assert_int_equal(peek(m, transfers[i].first), m->buf[0]);
		if (peek(m, transfers[i].last) != m->buf[m->moved - 1])
			fail_msg("row %u: the last byte is elsewhere", i);
		assert_int_equal(masked(m, n), m->tc && !(transfers[i].mode & AUTO));
		out8(&m->pc, n < 4 ? 0x0c : 0xd8, 0);
		assert_int_equal(read16(m, port), transfers[i].address_left);
		assert_int_equal(read16(m, (u16)(port + (n < 4 ? 1 : 2))), transfers[i].count_left);
		dma_request(&m->line, false);
		/* Status says TC once. */
		assert_int_equal(in8(&m->pc, n < 4 ? 0x08 : 0xd0), m->tc ? BIT(n & 3) : 0);
		assert_int_equal(in8(&m->pc, n < 4 ? 0x08 : 0xd0), 0);
	}
}

/* A buffer in several pieces; what the guest writes in between; the bases that stay. */
static void test_pieces(void **state)
{
	struct machine *m = *state;
	bool tc;

	attach(m, 2);
	program(m, 2, SINGLE | TO_MEMORY, 0x12, 0x1000, 299);
	memset(m->buf, 0x5a, sizeof(m->buf));
	m->offered = 0;
	dma_request(&m->line, true);
	assert_int_equal(dma_transfer(&m->line, DMA_TO_MEMORY, m->buf, 100, &tc), 100);
	out8(&m->pc, 0x0a, 6); /* masked in the middle */
	assert_int_equal(dma_transfer(&m->line, DMA_TO_MEMORY, m->buf, 100, &tc), 0);
	out8(&m->pc, 0x0a, 2);
	assert_int_equal(dma_transfer(&m->line, DMA_TO_MEMORY, m->buf, 100, &tc), 100);
	assert_false(tc);
	assert_int_equal(dma_transfer(&m->line, DMA_TO_MEMORY, m->buf, 101, &tc), 100);
	assert_true(tc);
	assert_int_equal(dma_transfer(&m->line, DMA_TO_MEMORY, m->buf, 1, &tc), 0);
	assert_int_equal(peek(m, 0x121000 + 299), 0x5a);
	/* One byte of the address is written: the other half stays what each register had. */
	out8(&m->pc, 0x0c, 0);
	out8(&m->pc, 0x04, 0x77);
	out8(&m->pc, 0x0c, 0);
	assert_int_equal(read16(m, 0x04), 0x1177);
	assert_int_equal(m->dma.chip[0].ch[2].base_address, 0x1077);
}

/* Whatever keeps the channel from being served, the device's request waits and is granted then. */
static void test_waiting(void **state)
{
	static const struct {
		u8 n;
		u16 port;
		u8 off, on;
	} t[] = {
		{ 2, 0x0a, 6, 2 },				  /* single mask */
		{ 2, 0x0f, 0x04, 0x0b },			  /* all masks */
		{ 2, 0x0f, 0x0f, 0x00 }, { 2, 0x08, 0x04, 0x00 }, /* controller disabled */
		{ 2, 0x08, 0x40, 0x00 }, /* DREQ active low: not so wired */
		{ 2, 0x08, 0x80, 0x00 }, { 2, 0x0b, 0xc6, 0x46 }, /* cascade: no controller */
		{ 2, 0xd4, 4, 0 },	 /* channel 4 masked: the first controller is cut off */
		{ 2, 0xd0, 0x04, 0x00 }, /* so it is by the second one's being disabled */
		{ 2, 0xd6, 0x44, 0xc0 }, { 5, 0xd4, 5, 1 },	  { 5, 0xd0, 0x04, 0x00 },
	};
	struct machine *m = *state;

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		attach(m, t[i].n);
		m->way = DMA_TO_MEMORY;
		m->offered = 2;
		program(m, t[i].n, SINGLE | TO_MEMORY, 0x12, 0x1000, 99);
		out8(&m->pc, t[i].port, t[i].off);
		m->grants = 0;
		dma_request(&m->line, true);
		assert_int_equal(m->grants, 0);
		assert_int_equal(dma_transfer(&m->line, DMA_TO_MEMORY, m->buf, 2, &m->tc), 0);
		out8(&m->pc, t[i].port, t[i].on);
		if (m->grants != 1 || m->moved != 2)
			fail_msg("row %u: %u grants, %u bytes", i, m->grants, m->moved);
		dma_request(&m->line, false);
		out8(&m->pc, t[i].port, t[i].off);
		out8(&m->pc, t[i].port, t[i].on);
		assert_int_equal(m->grants, 1); /* DREQ is down */
	}
	/* Master clear masks all; clear mask opens. */
	attach(m, 5);
	program(m, 5, SINGLE | TO_MEMORY, 0x12, 0x1000, 99);
	out8(&m->pc, 0xda, 0);
	m->grants = 0;
	dma_request(&m->line, true);
	assert_int_equal(m->grants, 0);
	out8(&m->pc, 0xdc, 0);
	assert_int_equal(m->grants, 1);
	/* Channel 4 is no device's. */
	attach(m, 4);
	program(m, 4, SINGLE | TO_MEMORY, 0x12, 0x1000, 99);
	dma_request(&m->line, true);
	assert_int_equal(m->grants, 1);
}

/* Verify, a direction that is not the device's, and the illegal type: counted, not moved. */
static void test_not_moved(void **state)
{
	static const u8 modes[] = { SINGLE, SINGLE | FROM, SINGLE | TO_MEMORY, SINGLE | 0x0c };
	struct machine *m = *state;

	attach(m, 2);
	for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
		u8 before = peek(m, 0x121000);
		bool tc;

		m->offered = 0;
		program(m, 2, modes[i], 0x12, 0x1000, 7);
		dma_request(&m->line, true);
		memset(m->buf, ~before, 8);
		if (modes[i] != (SINGLE | TO_MEMORY))
			assert_int_equal(dma_transfer(&m->line, DMA_TO_MEMORY, m->buf, 4, &tc), 4);
		assert_int_equal(peek(m, 0x121000), before);
		memset(m->buf, 0, 8);
		if (modes[i] != (SINGLE | FROM)) {
			assert_int_equal(dma_transfer(&m->line, DMA_FROM_MEMORY, m->buf, 4, &tc),
					 4);
			assert_int_equal(m->buf[0] & m->buf[3], 0xff);
		}
		dma_request(&m->line, false);
	}
}

/* RAM's watchers are told; ROM, device memory and holes are not written; holes read ones. */
static unsigned told;

static void written(void *ctx, gpa_t gpa, u32 len)
{
	(void)ctx;
	assert_int_equal(gpa, 0x121ff0);
	assert_int_equal(len, 16);
	told++;
}

static void test_memory(void **state)
{
	static const u8 nobodys[] = { DEVICE_MEM >> 16, HOLE >> 16 };
	struct machine *m = *state;
	u8 rom = peek(m, ROM + 0x10);
	bool tc;

	attach(m, 2);
	m->offered = 0;
	dma_request(&m->line, true);
	m->mem.watcher[0].written = written;
	gpmem_watch(&m->mem, 0x121000, GPMEM_WATCH_CODE);
	program(m, 2, TO_MEMORY, 0x12, 0x1ff0, 31);
	assert_int_equal(dma_transfer(&m->line, DMA_TO_MEMORY, m->buf, 32, &tc), 32);
	assert_int_equal(told, 1);
	program(m, 2, TO_MEMORY, ROM >> 16, 0x10, 0);
	m->buf[0] = (u8)~rom;
	assert_int_equal(dma_transfer(&m->line, DMA_TO_MEMORY, m->buf, 1, &tc), 1);
	assert_true(tc);
	program(m, 2, FROM, ROM >> 16, 0x10, 0);
	assert_int_equal(dma_transfer(&m->line, DMA_FROM_MEMORY, m->buf, 1, &tc), 1);
	assert_int_equal(m->buf[0], rom);
	for (unsigned i = 0; i < ARRAY_SIZE(nobodys); i++) {
		program(m, 2, TO_MEMORY, nobodys[i], 0xff00, 0x1ff);
		assert_int_equal(dma_transfer(&m->line, DMA_TO_MEMORY, m->buf, 0x200, &tc), 0x200);
		program(m, 2, FROM, nobodys[i], 0, 0x1ff);
		memset(m->buf, 0, 0x200);
		assert_int_equal(dma_transfer(&m->line, DMA_FROM_MEMORY, m->buf, 0x200, &tc),
				 0x200);
		assert_int_equal(m->buf[0] & m->buf[0x1ff], 0xff);
	}
}

/* --- One transfer at a time, as the data sheet tells it */

static u8 *model_memory; /* 16 MiB as DMA sees it */

static gpa_t model_address(const struct machine *m, unsigned n)
{
	static const u8 page[8] = { 7, 3, 1, 2, 15, 11, 9, 10 };
	const struct i8237_channel *ch = &m->dma.chip[n / 4].ch[n % 4];
	u32 high = m->dma.page[page[n]];

	return n < 4 ? high * 0x10000 + ch->address : high / 2 * 0x20000 + ch->address * 2u;
}

/* What a transfer of a served channel must do; on copies of the registers. */
static u32 model_transfer(struct machine *m, unsigned n, enum dma_way way, u8 *buf, u32 bytes,
			  bool *tc)
{
	struct i8237 *c = &m->dma.chip[n / 4];
	struct i8237_channel *ch = &c->ch[n % 4];
	unsigned unit = n < 4 ? 1 : 2, type = ch->mode >> 2 & 3;
	u32 done = 0;

	*tc = false;
	for (; bytes - done >= unit && !*tc; done += unit) {
		for (unsigned i = 0; i < unit; i++) {
			gpa_t at = model_address(m, n) + i;
			bool ram = at < LOW_RAM || at - HIGH_RAM < HIGH_SIZE;

			if (way == DMA_TO_MEMORY && type == 1 && ram)
				model_memory[at] = buf[done + i];
			if (way == DMA_FROM_MEMORY)
				buf[done + i] = type == 2 ? model_memory[at] : 0xff;
		}
		ch->address = (u16)(ch->mode & DOWN ? ch->address - 1 : ch->address + 1);
		*tc = ch->count-- == 0;
	}
	if (*tc) {
		c->status |= (u8)BIT(n % 4);
		c->request &= (u8)~BIT(n % 4);
		if (ch->mode & AUTO) {
			ch->address = ch->base_address;
			ch->count = ch->base_count;
		} else {
			c->mask |= (u8)BIT(n % 4);
		}
	}
	return done;
}

static void compare_memory(struct machine *m)
{
	for (gpa_t at = 0; at < HIGH_RAM + HIGH_SIZE + 0x10000; at += PAGE_SIZE) {
		const u8 *p = gpmem_ptr(&m->mem, at, false);

		if (p)
			assert_memory_equal(p, model_memory + at, PAGE_SIZE);
	}
}

static void test_random(void **state)
{
	static const unsigned channel[] = { 0, 1, 2, 3, 5, 6, 7 };
	struct machine *m = *state;
	static u8 want[sizeof(m->buf)];
	unsigned tcs = 0;

	random_state = 0x8237;
	model_memory = malloc(16 * MiB);
	memset(model_memory, 0xff, 16 * MiB);
	for (gpa_t at = 0; at < HIGH_RAM + HIGH_SIZE; at++)
		model_memory[at] = peek(m, at);
	m->offered = 0;
	for (unsigned n = 0; n < ARRAY_SIZE(channel); n++) {
		attach(m, channel[n]);
		dma_request(&m->line, true);
	}
	for (unsigned round = 0; round < 4000; round++) {
		unsigned n = channel[rnd() % ARRAY_SIZE(channel)];
		struct i8237 before[2], after[2];
		u32 bytes = (u32)(rnd() % (one_in(20) ? sizeof(m->buf) : 600)), moved, model;
		enum dma_way way = one_in(2) ? DMA_TO_MEMORY : DMA_FROM_MEMORY;
		u16 count = (u16)(one_in(3) ? rnd() : rnd() % 700);
		bool tc, model_tc;

		m->line.channel = n;
		out8(&m->pc, 0xd6, 0xc0);
		out8(&m->pc, 0xd4, 0);
		if (!one_in(4))
			program(m, n, (u8)(rnd() & 0x7c), one_in(9) ? (u8)rnd() : rnd() & 0x1f,
				(u16)(one_in(3) ? 0 - rnd() % 300 : rnd()), count);
		else
			out8(&m->pc, n < 4 ? 0x0e : 0xdc, 0);
		for (u32 i = 0; i < bytes; i++)
			m->buf[i] = (u8)rnd();
		memcpy(want, m->buf, bytes);
		memcpy(before, m->dma.chip, sizeof(before));
		model = model_transfer(m, n, way, want, bytes, &model_tc);
		memcpy(after, m->dma.chip, sizeof(after));
		memcpy(m->dma.chip, before, sizeof(before));
		moved = dma_transfer(&m->line, way, m->buf, bytes, &tc);
		assert_int_equal(moved, model);
		assert_int_equal(tc, model_tc);
		assert_memory_equal(m->buf, want, bytes);
		assert_memory_equal(m->dma.chip, after, sizeof(after));
		tcs += tc;
		if (!(round % 400))
			compare_memory(m);
	}
	compare_memory(m);
	assert_in_range(tcs, 500, 3500);
	free(model_memory);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers),
		CASE(test_transfers),
		CASE(test_pieces),
		CASE(test_waiting),
		CASE(test_not_moved),
		CASE(test_memory),
		CASE(test_random),
	};

	random_state = 1;
	return cmocka_run_group_tests_name("i8237", tests, NULL, NULL);
}
