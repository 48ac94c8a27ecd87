/* SPDX-License-Identifier: MIT */
/*
 * VGA registers as a text console touches them: index and data pairs by byte and by word, the
 * attribute flip-flop, CRTC write protection, colour and monochrome addresses, the DAC, retrace.
 * Alone: make build/unit/test_vga_regs && build/unit/test_vga_regs
 */
#include "emu/chip/vga.h"
#include "emu/mem/gpmem.h"
#include "tests/unit/pc_fixture.h"

struct machine {
	struct pc pc;
	struct vga vga;
	struct gpmem mem;
	struct pci_bus pci;
};

static void setup(struct machine *m)
{
	memset(m, 0, sizeof(*m));
	pc_init(&m->pc);
	m->pc.mem = &m->mem;
	m->pc.pci = &m->pci;
	pc_plug(&m->pc, &vga_class, &m->vga);
}

static void teardown(struct machine *m)
{
	vga_class.destroy(&m->vga);
	gpmem_destroy(&m->mem);
}

static u8 indexed(struct machine *m, u16 port, u8 index)
{
	out8(&m->pc, port, index);
	return in8(&m->pc, (u16)(port + 1));
}

static void test_pairs(void **state)
{
	static const struct {
		u16 port;
		u8 index, write, read;
	} t[] = {
		{ 0x3d4, 0x0e, 0x07, 0x07 }, { 0x3d4, 0x0f, 0xd0, 0xd0 },
		{ 0x3d4, 0x0a, 0x20, 0x20 }, { 0x3d4, 0x18, 0x55, 0x55 },
		{ 0x3c4, 0x02, 0xff, 0x0f }, { 0x3c4, 0x01, 0xff, 0x3d },
		{ 0x3ce, 0x05, 0x10, 0x10 }, { 0x3ce, 0x08, 0xa5, 0xa5 },
		{ 0x3d4, 0x1f, 0xff, 0x00 },
	};
	struct machine m;

	(void)state;
	setup(&m);
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		out8(&m.pc, t[i].port, t[i].index);
		out8(&m.pc, (u16)(t[i].port + 1), t[i].write);
		assert_int_equal(indexed(&m, t[i].port, t[i].index), t[i].read);
		/* One word write sets both. */
		bus_write(&m.pc.bus, t[i].port, 2, (u32)(t[i].index | t[i].write << 8));
		assert_int_equal(in8(&m.pc, (u16)(t[i].port + 1)), t[i].read);
	}
	teardown(&m);
}

static void test_mode3(void **state)
{
	struct machine m;

	(void)state;
	setup(&m);
	assert_int_equal(indexed(&m, 0x3d4, 0x01), 79);	     /* columns - 1 */
	assert_int_equal(indexed(&m, 0x3d4, 0x09) & 31, 15); /* scan lines per row - 1 */
	assert_int_equal(indexed(&m, 0x3ce, 0x06), 0x0e);    /* text, B8000h */
	assert_int_equal(in8(&m.pc, 0x3cc) & 1, 1);
	/* CRTC 0..7 are protected until 11h bit 7 is cleared; the line compare bit is not. */
	out8(&m.pc, 0x3d4, 1);
	out8(&m.pc, 0x3d5, 0x27);
	assert_int_equal(in8(&m.pc, 0x3d5), 79);
	out8(&m.pc, 0x3d4, 7);
	out8(&m.pc, 0x3d5, 0x00);
	assert_int_equal(in8(&m.pc, 0x3d5), 0x0f);
	out8(&m.pc, 0x3d4, 0x11);
	out8(&m.pc, 0x3d5, in8(&m.pc, 0x3d5) & 0x7f);
	out8(&m.pc, 0x3d4, 1);
	out8(&m.pc, 0x3d5, 0x27);
	assert_int_equal(in8(&m.pc, 0x3d5), 0x27);
	vga_class.reset(&m.vga);
	assert_int_equal(indexed(&m, 0x3d4, 0x01), 79);
	teardown(&m);
}

static void test_attributes(void **state)
{
	struct machine m;

	(void)state;
	setup(&m);
	in8(&m.pc, 0x3da); /* flip-flop to index */
	out8(&m.pc, 0x3c0, 0x03);
	out8(&m.pc, 0x3c0, 0x2a);
	assert_int_equal(in8(&m.pc, 0x3c0), 0x03);
	assert_int_equal(in8(&m.pc, 0x3c1), 0x2a);
	out8(&m.pc, 0x3c0, 0x33); /* overscan at 11h, palette locked */
	out8(&m.pc, 0x3c0, 0x07);
	out8(&m.pc, 0x3c0, 0x23);
	out8(&m.pc, 0x3c0, 0x15); /* locked: nothing happens */
	assert_int_equal(in8(&m.pc, 0x3c1), 0x2a);
	out8(&m.pc, 0x3c0, 0x10);
	in8(&m.pc, 0x3da);
	out8(&m.pc, 0x3c0, 0x11); /* index again, not data */
	assert_int_equal(m.vga.attribute[0x10], 0x0c);
	teardown(&m);
}

static void test_addresses(void **state)
{
	struct machine m;

	(void)state;
	setup(&m);
	assert_int_equal(in8(&m.pc, 0x3b5), 0xff);
	out8(&m.pc, 0x3b4, 0x0e);
	out8(&m.pc, 0x3b5, 0x77);
	assert_int_equal(indexed(&m, 0x3d4, 0x0e), 0);
	out8(&m.pc, 0x3c2, 0x66);
	assert_int_equal(in8(&m.pc, 0x3d5), 0xff);
	out8(&m.pc, 0x3b4, 0x0e);
	out8(&m.pc, 0x3b5, 0x77);
	assert_int_equal(in8(&m.pc, 0x3b5), 0x77);
	assert_int_equal(in8(&m.pc, 0x3cc), 0x66);
	teardown(&m);
}

static void test_dac(void **state)
{
	struct machine m;

	(void)state;
	setup(&m);
	out8(&m.pc, 0x3c8, 254);
	for (u8 i = 0; i < 9; i++)
		out8(&m.pc, 0x3c9, (u8)(0xc0 | i)); /* six bits; wraps to entry 0 */
	out8(&m.pc, 0x3c8, 1);
	out8(&m.pc, 0x3c9, 0x3f); /* an entry of which not all three came */
	out8(&m.pc, 0x3c9, 0x3f);
	out8(&m.pc, 0x3c7, 1);
	assert_int_equal(in8(&m.pc, 0x3c9), 0);
	out8(&m.pc, 0x3c8, 1);
	assert_int_equal(in8(&m.pc, 0x3c7), 0);
	assert_int_equal(in8(&m.pc, 0x3c8), 1);
	out8(&m.pc, 0x3c7, 254);
	assert_int_equal(in8(&m.pc, 0x3c7), 3);
	for (u8 i = 0; i < 9; i++)
		assert_int_equal(in8(&m.pc, 0x3c9), i);
	out8(&m.pc, 0x3c6, 0x0f);
	assert_int_equal(in8(&m.pc, 0x3c6), 0x0f);
	teardown(&m);
}

/* How often a status bit rises in a second, and for how many microseconds of it it is set. */
static void count(struct machine *m, u8 bit, unsigned *rises, unsigned *set)
{
	bool before = false;

	*rises = *set = 0;
	for (m->pc.now = 0; m->pc.now < 1000 * MS; m->pc.now += US) {
		u8 s = in8(&m->pc, 0x3da);

		assert_true(!(s & 8) || (s & 1)); /* retrace lies within blanking */
		*rises += !before && (s & bit);
		before = s & bit;
		*set += before;
	}
}

static void crtc(struct machine *m, u8 index, u8 value)
{
	out8(&m->pc, 0x3d4, index);
	out8(&m->pc, 0x3d5, value);
}

static void test_retrace(void **state)
{
	struct machine m;
	unsigned frames, lines, set;

	(void)state;
	setup(&m);
	/* Text of 9 dots: 28.322 MHz, 100 characters, 449 lines, of which the retrace has two. */
	count(&m, 8, &frames, &set);
	assert_in_range(frames, 70, 71);
	assert_in_range(set, 70 * 60, 71 * 68);
	count(&m, 1, &lines, &set);
	assert_in_range(lines, 70 * 400 - 10, 71 * 400 + 10);
	/* 640 by 480: 25.175 MHz, 800 dots, 525 lines, 60 Hz. */
	crtc(&m, 0x11, 0x0c);
	crtc(&m, 0x06, 0x0b);
	crtc(&m, 0x07, 0x3e);
	crtc(&m, 0x10, 0xea);
	crtc(&m, 0x12, 0xdf);
	out8(&m.pc, 0x3c4, 1);
	out8(&m.pc, 0x3c5, 1);
	out8(&m.pc, 0x3c2, 0xe3);
	count(&m, 8, &frames, &set);
	assert_in_range(frames, 59, 60);
	teardown(&m);
}

/* Whatever the registers hold, time goes on. */
static void test_retrace_of_anything(void **state)
{
	struct machine m;

	(void)state;
	setup(&m);
	for (unsigned n = 0; n < 20000; n++) {
		crtc(&m, 0x11, (u8)(n * 37));
		crtc(&m, (u8)(n % 25), (u8)(n * 151));
		m.pc.now += 12345;
		(void)in8(&m.pc, 0x3da);
	}
	teardown(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_mode3),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_dac),
		cmocka_unit_test(test_retrace),
		cmocka_unit_test(test_retrace_of_anything),
	};

	return cmocka_run_group_tests_name("vga_regs", tests, NULL, NULL);
}
