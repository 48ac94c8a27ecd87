/* SPDX-License-Identifier: MIT */
/*
 * DISPI: identity, limits, what impossible values become, banks, and that nothing shown lies
 * outside of video memory whatever is written. Alone:
 * make build/unit/test_vga_dispi && build/unit/test_vga_dispi [seed]
 */
#include "emu/chip/vga_screen.h"
#include "tests/unit/vga_fixture.h"

static u16 get(const struct vga *v, unsigned index)
{
	return vga_dispi_read(v, index);
}

static void mode(struct vga *v, u16 x, u16 y, u16 bpp, u16 flags)
{
	vga_dispi_write(v, DISPI_ENABLE, 0);
	vga_dispi_write(v, DISPI_XRES, x);
	vga_dispi_write(v, DISPI_YRES, y);
	vga_dispi_write(v, DISPI_BPP, bpp);
	vga_dispi_write(v, DISPI_ENABLE, DISPI_ENABLED | flags);
}

static void test_identity(void **state)
{
	struct vga *v = vga_new();

	(void)state;
	assert_int_equal(get(v, DISPI_ID), 0xb0c5);
	for (u16 id = 0xb0be; id < 0xb0c8; id++) {
		u16 before = get(v, DISPI_ID);

		vga_dispi_write(v, DISPI_ID, id);
		assert_int_equal(get(v, DISPI_ID), id >= 0xb0c0 && id <= 0xb0c5 ? id : before);
	}
	assert_int_equal(get(v, DISPI_MEMORY), 256);
	vga_dispi_write(v, DISPI_XRES, 640);
	vga_dispi_write(v, DISPI_ENABLE, DISPI_GET_LIMITS);
	assert_int_equal(get(v, DISPI_XRES), 2560);
	assert_int_equal(get(v, DISPI_YRES), 1600);
	assert_int_equal(get(v, DISPI_BPP), 32);
	vga_dispi_write(v, DISPI_ENABLE, 0);
	assert_int_equal(get(v, DISPI_XRES), 640);
	vga_free(v);
}

static void test_modes(void **state)
{
	static const u16 bpp[] = { 4, 8, 15, 16, 24, 32 };
	struct vga *v = vga_new();

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bpp); i++) {
		u32 pitch = 1024u * (bpp[i] == 15 ? 16 : bpp[i]) / 8;

		memset(v->memory, 0xee, VGA_MEMORY);
		mode(v, 1024, 768, bpp[i], DISPI_LFB | DISPI_KEEP_MEMORY);
		assert_int_equal(v->memory[0], 0xee);
		assert_int_equal(get(v, DISPI_VIRT_WIDTH), 1024);
		assert_int_equal(get(v, DISPI_VIRT_HEIGHT), VGA_MEMORY / pitch);
		mode(v, 1024, 768, bpp[i], DISPI_LFB);
		assert_int_equal(v->memory[0], 0);
		assert_int_equal(v->memory[768 * pitch - 1], 0);
		assert_int_equal(v->memory[768 * pitch], 0xee);
		vga_dispi_write(v, DISPI_Y, 5);
		vga_dispi_write(v, DISPI_X, 16);
		assert_int_equal(vga_dispi_start(&v->dispi) * 4, 5 * pitch + 2 * pitch / 128);
	}
	/* What cannot be. */
	mode(v, 0, 0, 0, 0);
	assert_int_equal(get(v, DISPI_XRES), 8);
	assert_int_equal(get(v, DISPI_YRES), 1);
	assert_int_equal(get(v, DISPI_BPP), 8);
	mode(v, 65535, 65535, 32, 0);
	assert_int_equal(get(v, DISPI_XRES), 2560);
	assert_int_equal(get(v, DISPI_YRES), 1600);
	vga_dispi_write(v, DISPI_Y, 1000);
	assert_int_equal(get(v, DISPI_Y), 0);
	vga_free(v);
}

static void test_banks(void **state)
{
	struct vga *v = vga_new();

	(void)state;
	mode(v, 640, 480, 8, 0);
	vga_dispi_write(v, DISPI_BANK, 255);
	vga_planes_write(v, 0xffff, 0x77);
	assert_int_equal(v->memory[VGA_MEMORY - 1], 0x77);
	vga_dispi_write(v, DISPI_BANK, 256);
	assert_int_equal(get(v, DISPI_BANK), 0);
	/* A VGA's registers are the driver's to write, and do not matter. */
	vga_sequencer(v, 4, 0x06);
	vga_sequencer(v, 2, 0x01);
	vga_planes_write(v, 7, 0x66);
	assert_int_equal(v->memory[7], 0x66);
	assert_int_equal(vga_planes_read(v, 0x18000), 0xff);
	mode(v, 800, 600, 4, 0);
	vga_dispi_write(v, DISPI_BANK, 0xff);
	assert_int_equal(get(v, DISPI_BANK), 63);
	vga_sequencer(v, 2, 0x0f);
	vga_graphics(v, 5, 0);
	vga_planes_write(v, 0xffff, 0x55);
	assert_int_equal(v->memory[VGA_MEMORY - 1], 0x55);
	vga_dispi_write(v, DISPI_ENABLE, 0);
	vga_free(v);
}

/* With ASan as the judge. */
static void test_anything(void **state)
{
	static u32 rgb[VGA_WIDTH_MAX];
	struct vga *v = vga_new();
	struct vga_screen s;

	(void)state;
	for (unsigned n = 0; n < 20000; n++) {
		unsigned index = (unsigned)(rnd() % DISPI_REGISTERS);
		u16 value = one_in(2) ? (u16)rnd() : (u16)(rnd() % 64);

		if (index == DISPI_ENABLE)
			value |= DISPI_KEEP_MEMORY;
		vga_dispi_write(v, index, value);
		assert_true(vga_dispi_valid(&v->dispi));
		if (one_in(8))
			vga_crtc(v, (u8)(rnd() % 32), (u8)rnd());
		if (one_in(8))
			vga_graphics(v, (u8)(rnd() % 9), (u8)rnd());
		if (one_in(8))
			vga_sequencer(v, (u8)(rnd() % 5), (u8)rnd());
		vga_planes_write(v, rnd() % 0x20000, (u8)rnd());
		(void)vga_planes_read(v, rnd() % 0x20000);
		vga_screen_of(v, &s);
		assert_true(s.width <= VGA_WIDTH_MAX && s.height <= VGA_HEIGHT_MAX);
		if (s.kind == VGA_BLANK)
			continue;
		vga_draw_line(&s, v->memory, (u32)rnd() % s.height, (u8)rnd() & 3, rgb);
		(void)vga_line_is_dirty(&s, v->dirty, (u32)rnd() % s.height);
	}
	vga_free(v);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_banks),
		cmocka_unit_test(test_anything),
	};

	random_state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	return cmocka_run_group_tests_name("vga_dispi", tests, NULL, NULL);
}
