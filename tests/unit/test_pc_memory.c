/* SPDX-License-Identifier: MIT */
/*
 * The host bridge's PAM registers and what they do to memory: each part in each of its four states,
 * against a model of two memories; who watches a part is told when its bytes become others; SMRAM;
 * DMA and saved machines. Alone: make build/unit/test_pc_memory && build/unit/test_pc_memory [seed]
 */
#include "emu/board/pc_memory.h"
#include "emu/chip/i440fx.h"
#include "emu/chip/i8237.h"
#include "emu/chip/pci.h"
#include "emu/mem/gpmem_state.h"
#include "kernel/base/error.h"
#include "kernel/hw/pc_layout.h"
#include "tests/unit/pc_fixture.h"
#include "tests/unit/random.h"
#include "tests/unit/tape.h"

#define FIRMWARE_SIZE 0x20000u
#define UPPER	      (PC_HIGH - PC_ROMS)

static struct pc pc;
static struct gpmem mem;
static struct pci_bus pci;
static struct i440fx bridge;
static struct pc_memory memory;
static u8 firmware[FIRMWARE_SIZE];
static unsigned told[UPPER / PAGE_SIZE], switches, smram_moves;

static void written(void *ctx, gpa_t gpa, u32 len)
{
	(void)ctx;
	(void)len;
	told[(gpa - PC_ROMS) / PAGE_SIZE]++;
}

static void switched(void *ctx, gpa_t start, u64 size)
{
	(void)ctx;
	if (start == PC_VIDEO || start >= GPMEM_REACH) {
		assert_int_equal(size, PC_VIDEO_SIZE);
		smram_moves++;
		return;
	}
	assert_in_range(start, PC_ROMS, PC_HIGH - size);
	switches++;
}

static void smram(void *ctx, bool open)
{
	pc_memory_show_smram(ctx, open);
}

static void start(const u8 *image, u32 size)
{
	gpmem_init(&mem);
	mem.switched = switched;
	pc_init(&pc);
	pc.mem = &mem;
	pc.pci = &pci;
	memset(told, 0, sizeof(told));
	assert_int_equal(pc_memory_create(&memory, &mem, image, size), 0);
	pc_plug(&pc, &pci_class, &pci);
	pc_plug(&pc, &i440fx_class, &bridge);
	i440fx_listen(&bridge, pc_memory_set_part, &memory);
	i440fx_listen_smram(&bridge, smram, &memory);
	gpmem_set_watcher(&mem, GPMEM_WATCH_CODE, written, NULL);
	switches = smram_moves = 0;
}

static int setup(void **state)
{
	(void)state;
	for (u32 i = 0; i < sizeof(firmware); i++)
		firmware[i] = (u8)(i * 7 + (i >> 8) * 13 + 1);
	start(firmware, sizeof(firmware));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	gpmem_destroy(&mem);
	pc_memory_destroy(&memory);
	bus_destroy(&pc.bus);
	return 0;
}

static void put_config(unsigned reg, unsigned size, u32 v)
{
	out32(&pc, PCI_ADDRESS_PORT, 0x80000000u | (reg & 0xfc));
	bus_write(&pc.bus, (u16)(PCI_DATA_PORT + (reg & 3)), size, v);
}

static u8 get_config(unsigned reg)
{
	out32(&pc, PCI_ADDRESS_PORT, 0x80000000u | (reg & 0xfc));
	return in8(&pc, (u16)(PCI_DATA_PORT + (reg & 3)));
}

static u8 read8(gpa_t at)
{
	u8 v;

	gpmem_read(&mem, at, &v, 1);
	return v;
}

static void write8(gpa_t at, u8 v)
{
	gpmem_write(&mem, at, &v, 1);
}

static u8 rom8(gpa_t at)
{
	return at < PC_BIOS ? 0xff : firmware[at - PC_BIOS];
}

static void test_power_on(void **state)
{
	(void)state;
	for (gpa_t at = PC_ROMS; at < PC_HIGH; at += 0x7ff) {
		assert_int_equal(read8(at), rom8(at));
		write8(at, (u8)~rom8(at));
		assert_int_equal(read8(at), rom8(at));
	}
	assert_int_equal(read8(0xfffffff0), firmware[FIRMWARE_SIZE - 16]);
	assert_int_equal(read8(4 * GiB - FIRMWARE_SIZE), firmware[0]);
	assert_int_equal(read8(4 * GiB - FIRMWARE_SIZE - 1), 0xff);
	write8(0xfffffff0, 0);
	assert_int_equal(read8(0xfffffff0), firmware[FIRMWARE_SIZE - 16]);
}

/* Reserved bits stay 0. */
static void test_registers(void **state)
{
	static const u8 kept[] = { 0x30, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33 };

	(void)state;
	for (unsigned i = 0; i < sizeof(kept); i++) {
		put_config(0x59 + i, 1, 0xff);
		assert_int_equal(get_config(0x59 + i), kept[i]);
		put_config(0x59 + i, 1, 0);
	}
	/* SMRAM: the lock closes it and holds it closed; reset opens the lock. */
	put_config(0x72, 1, 0x48);
	assert_int_equal(get_config(0x72), 0x4a);
	put_config(0x72, 1, 0x58);
	assert_int_equal(get_config(0x72), 0x1a);
	put_config(0x72, 1, 0x60);
	assert_int_equal(get_config(0x72), 0x3a);
	i440fx_class.reset(&bridge);
	put_config(0x72, 1, 0x40);
	assert_int_equal(get_config(0x72), 0x42);
}

static void bridge_state(struct snap *s)
{
	assert_true(snap_begin(s, "bridge", i440fx_class.version));
	i440fx_class.state(&bridge, s);
	snap_end(s);
}

/* The bridge and all of RAM, to a tape; then both are as at power-on. */
static void save(struct snap *s, struct tape *t)
{
	struct gpmem_cursor out = { 0 };

	snap_save_to(s, tape_put, t);
	bridge_state(s);
	assert_false(gpmem_save_pages(&mem, s, &out, 1000));
	assert_true(snap_finish(s));
	i440fx_class.reset(&bridge);
	pc_memory_clear(&memory);
}

/* And from the tape, which is freed. */
static void load(struct snap *s, struct tape *t)
{
	struct gpmem_cursor in = { 0 };

	snap_load_from(s, tape_get, t);
	bridge_state(s);
	assert_false(gpmem_load_pages(&mem, s, &in, 1000));
	assert_true(snap_finish(s));
	free(t->bytes);
}

/* D_OPEN with G_SMRAME: RAM at A0000h, in place of what is there. Nothing else opens it. */
static void test_smram(void **state)
{
	static struct snap s;
	struct tape t = { 0 };

	(void)state;
	for (unsigned v = 0; v < 16; v++) {
		bool open = (v & 9) == 9; /* 40h and 08h */
		u8 value = (u8)((v & 8 ? 0x40 : 0) | (v & 4 ? 0x20 : 0) | (v & 1 ? 0x08 : 0));

		put_config(0x72, 1, value);
		write8(PC_VIDEO + v, (u8)(0x80 + v));
		write8(PC_ROMS - 1 - v, (u8)(0x40 + v));
		assert_int_equal(read8(PC_VIDEO + v), open ? 0x80 + v : 0xff);
		assert_int_equal(read8(PC_ROMS - 1 - v), open ? 0x40 + v : 0xff);
		assert_int_equal(gpmem_ptr(&mem, PC_VIDEO, true) != NULL, open);
	}
	/* Closed, it keeps what it holds; open again, or in a saved machine, it shows that. */
	put_config(0x72, 1, 0x08);
	assert_int_equal(read8(PC_VIDEO + 9), 0xff);
	smram_moves = 0;
	put_config(0x72, 1, 0x48);
	put_config(0x72, 1, 0x48);
	assert_int_equal(smram_moves, 2); /* from one place, to the other */
	assert_int_equal(read8(PC_VIDEO + 9), 0x89);
	save(&s, &t);
	assert_int_equal(read8(PC_VIDEO + 9), 0xff);
	put_config(0x72, 1, 0x48);
	assert_int_equal(read8(PC_VIDEO + 9), 0);
	put_config(0x72, 1, 0x00);
	load(&s, &t);
	assert_int_equal(read8(PC_VIDEO + 9), 0x89);
	/* Locked, it goes, and does not come back before a reset. */
	put_config(0x72, 1, 0x58);
	assert_int_equal(read8(PC_VIDEO + 9), 0xff);
	put_config(0x72, 1, 0x48);
	assert_int_equal(read8(PC_VIDEO + 9), 0xff);
}

/* A part's reads and writes, and nobody else's. */
static void test_parts(void **state)
{
	(void)state;
	for (const struct i440fx_part *p = i440fx_parts; p < i440fx_parts + I440FX_PARTS; p++) {
		gpa_t last = p->start + p->size - 1;

		put_config(p->reg, 1, 3u << p->shift);
		write8(p->start, 0xa1);
		write8(last, 0xa2);
		if (p->start > PC_ROMS)
			assert_int_equal(read8(p->start - 1), rom8(p->start - 1));
		if (last + 1 < PC_HIGH)
			assert_int_equal(read8(last + 1), rom8(last + 1));
		put_config(p->reg, 1, 2u << p->shift); /* the way to copy a ROM into its shadow */
		assert_int_equal(read8(p->start), rom8(p->start));
		write8(p->start + 1, 0xa3);
		assert_int_equal(read8(p->start + 1), rom8(p->start + 1));
		put_config(p->reg, 1, 1u << p->shift);
		assert_int_equal(read8(p->start), 0xa1);
		assert_int_equal(read8(p->start + 1), 0xa3);
		assert_int_equal(read8(last), 0xa2);
		write8(last, 0x55);
		assert_int_equal(read8(last), 0xa2);
		put_config(p->reg, 1, 0);
		assert_int_equal(read8(last), rom8(last));
	}
}

/* Random writes to registers and memory, bytes and longer, beside a model. */
static void test_model(void **state)
{
	static u8 ram[UPPER], pam[7];
	static struct snap s;

	(void)state;
	for (unsigned n = 0; n < 100000; n++) {
		gpa_t at = PC_ROMS + rnd() % UPPER;
		const struct i440fx_part *p = i440fx_parts + I440FX_PARTS;
		u8 v = (u8)rnd(), bits;

		if (one_in(10)) {
			unsigned reg = 0x59 + (unsigned)(rnd() % 7);

			put_config(reg, 1, v);
			pam[reg - 0x59] = v;
		}
		do
			p--;
		while (at < p->start);
		bits = (u8)(pam[p->reg - 0x59] >> p->shift);
		if (bits & 2)
			ram[at - PC_ROMS] = v;
		write8(at, v);
		assert_int_equal(read8(at), bits & 1 ? ram[at - PC_ROMS] : rom8(at));
		assert_int_equal(gpmem_ptr(&mem, at, true) != NULL, (bits & 3) == 3);
		assert_non_null(gpmem_ptr(&mem, at, false));
		if (one_in(2000)) { /* saved and loaded: registers, and all of RAM */
			struct tape t = { 0 };

			save(&s, &t);
			load(&s, &t);
			assert_memory_equal(memory.upper, ram, sizeof(ram));
		}
	}
}

/* Watchers of a page hear of a switch of what is read, once, and of no other. */
static void test_watchers(void **state)
{
	gpa_t page = 0xe9000, other = 0xc8000;
	unsigned n = (unsigned)(page - PC_ROMS) / PAGE_SIZE;

	(void)state;
	gpmem_watch(&mem, page, GPMEM_WATCH_CODE);
	gpmem_watch(&mem, other, GPMEM_WATCH_CODE);
	assert_int_equal(gpmem_watches(&mem, page), GPMEM_WATCH_CODE);
	put_config(0x5f, 1, 0x01);
	assert_int_equal(told[n], 1);
	assert_int_equal(switches, 1);
	put_config(0x5f, 1, 0x01); /* the same */
	assert_int_equal(switches, 1);
	put_config(0x5f, 1, 0x03); /* the same bytes, with another right */
	assert_int_equal(switches, 2);
	assert_int_equal(told[n], 1);
	write8(page + 5, 1);
	assert_int_equal(told[n], 2);
	put_config(0x5f, 1, 0x02); /* the ROM's */
	assert_int_equal(told[n], 3);
	write8(page + 5, 2); /* not what is read */
	assert_int_equal(told[n], 3);
	put_config(0x5f, 1, 0x00);
	assert_int_equal(told[n], 3);
	assert_int_equal(told[(other - PC_ROMS) / PAGE_SIZE], 0);
}

static u8 dma_byte;

static void grant(void *dev)
{
	bool tc;

	(void)dma_transfer(dev, DMA_TO_MEMORY, &dma_byte, 1, &tc);
}

/* The 8237 writes where the processor does. */
static void test_dma(void **state)
{
	static struct i8237_pair dma;
	struct dma_line line;

	(void)state;
	pc_plug(&pc, &i8237_class, &dma);
	line = (struct dma_line){ .controller = &dma.controller, .channel = 2 };
	dma_attach(&line, grant, &line);
	for (u8 bits = 0; bits < 4; bits++) {
		put_config(0x5f, 1, bits);
		dma_byte = (u8)(0x70 + bits);
		out8(&pc, 0x0c, 0);
		out8(&pc, 0x0b, 0x46); /* single, write, channel 2 */
		out8(&pc, 0x04, bits);
		out8(&pc, 0x04, 0x80);
		out8(&pc, 0x81, 0x0e); /* E8000h + bits */
		out8(&pc, 0x05, 0);
		out8(&pc, 0x05, 0);
		out8(&pc, 0x0a, 0x02);
		dma_request(&line, true);
		dma_request(&line, false);
		assert_int_equal(memory.upper[0xe8000 - PC_ROMS + bits], bits & 2 ? dma_byte : 0);
		assert_int_equal(read8(0xe8000 + bits),
				 bits & 1 ? (bits & 2 ? dma_byte : 0) : rom8(0xe8000 + bits));
	}
}

/* Other sizes of firmware, and none. */
static void test_firmware(void **state)
{
	static u8 large[4 * MiB];

	teardown(state);
	start(NULL, 0);
	assert_int_equal(read8(PC_HIGH - 1), 0xff);
	assert_int_equal(read8(0xffffffff), 0xff);
	i440fx_open_bios(&bridge);
	write8(PC_BIOS, 1);
	write8(PC_HIGH - 1, 2);
	write8(PC_BIOS - 1, 3);
	assert_int_equal(read8(PC_BIOS), 1);
	assert_int_equal(read8(PC_HIGH - 1), 2);
	assert_int_equal(read8(PC_BIOS - 1), 0xff);
	teardown(state);
	start(firmware, 0x10000); /* fills F0000h only */
	assert_int_equal(read8(0xeffff), 0xff);
	assert_int_equal(read8(0xf0000), firmware[0]);
	teardown(state);
	large[0] = 1;
	large[sizeof(large) - FIRMWARE_SIZE] = 2;
	large[sizeof(large) - 1] = 3;
	start(large, sizeof(large));
	assert_int_equal(read8(4 * GiB - sizeof(large)), 1);
	assert_int_equal(read8(PC_BIOS), 2);
	assert_int_equal(read8(PC_HIGH - 1), 3);
	assert_int_equal(read8(0xffffffff), 3);
	teardown(state);
	gpmem_init(&mem);
	assert_int_equal(pc_memory_create(&memory, &mem, large, 0x18000), E_INVAL);
	pc_memory_destroy(&memory);
	gpmem_destroy(&mem);
	setup(state);
}

int main(int argc, char **argv)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_power_on), CASE(test_registers), CASE(test_parts), CASE(test_model),
		CASE(test_smram),    CASE(test_watchers),  CASE(test_dma),   CASE(test_firmware),
	};

	random_state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	return cmocka_run_group_tests_name("pc_memory", tests, NULL, NULL);
}
