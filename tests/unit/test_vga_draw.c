/* SPDX-License-Identifier: MIT */
/*
 * Pictures, against a model that walks down the screen as a CRT controller does, line after line
 * with its counters, and looks each dot up by itself. Registers and memory are random, and set by
 * hand for what random ones rarely meet. Alone:
 * make build/unit/test_vga_draw && build/unit/test_vga_draw [seed]
 */
#include "emu/chip/vga_screen.h"
#include "tests/unit/vga_fixture.h"

/* --- The model */

struct beam {
	u32 address, row, scan; /* row: line in the row */
	bool below;
};

static u32 compare_line(const struct vga *v)
{
	return v->crtc[0x18] + (v->crtc[7] & 0x10 ? 256u : 0) + (v->crtc[9] & 0x40 ? 512u : 0);
}

static struct beam beam_at(const struct vga *v, u32 y)
{
	u32 rows = (v->crtc[9] & 31) + 1u, scans = v->crtc[9] & 0x80 ? 2 : 1;
	u32 start = v->crtc[0x0c] * 256u + v->crtc[0x0d] + (v->crtc[8] >> 5 & 3u);
	struct beam b = { .address = start, .row = v->crtc[8] & 31u };

	/* A preset beyond the row's end: the counter begins behind it. */
	b.address += b.row / rows * v->crtc[0x13] * 2;
	b.row %= rows;
	for (u32 line = 0; line < y; line++) {
		if (line == compare_line(v)) {
			b = (struct beam){ .below = true };
			continue;
		}
		if (++b.scan < scans)
			continue;
		b.scan = 0;
		if (++b.row < rows)
			continue;
		b.row = 0;
		b.address += v->crtc[0x13] * 2u;
	}
	return b;
}

static u8 plane(const struct vga *v, u32 address, unsigned n)
{
	return v->memory[(address & 0xffff) * 4 + n];
}

static u32 entry_rgb(const struct vga *v, u8 entry)
{
	u32 rgb = 0;

	for (unsigned c = 0; c < 3; c++) {
		u32 six = v->dac.colour[(entry & v->dac.mask) * 3 + c] & 63u;

		rgb = rgb << 8 | six << 2 | (six & 1) * 3;
	}
	return rgb;
}

static u32 colour_rgb(const struct vga *v, u8 colour)
{
	u8 entry = v->attribute[colour & v->attribute[0x12]];

	if (v->attribute[0x10] & 0x80)
		return entry_rgb(v, (u8)((entry & 15) + v->attribute[0x14] * 16));
	return entry_rgb(v, (u8)((entry & 63) + (v->attribute[0x14] >> 2) * 64));
}

static u32 text_dot(const struct vga *v, const struct beam *b, u32 x, u8 show)
{
	u32 cell = v->sequencer[1] & 8 ? 16 : v->sequencer[1] & 1 ? 8 : 9;
	u32 pan = v->attribute[0x13], column, dot;
	u8 c, a, m = v->attribute[0x10], map = v->sequencer[3];

	pan = cell == 9 ? (pan > 7 ? 0 : pan + 1) : (pan & 7) * (cell / 8);
	x += b->below && (m & 0x20) ? 0 : pan;
	column = x / cell;
	dot = x % cell / (cell == 16 ? 2 : 1);
	c = plane(v, b->address + column, 0);
	a = plane(v, b->address + column, 1);
	/* Which of eight tables in plane 2: for attribute bit 3 bits 5 3 2, else bits 4 1 0. */
	u32 table =
		a & 8 ? (map >> 2 & 3u) * 2 + (map >> 5 & 1u) : (map & 3u) * 2 + (map >> 4 & 1u);
	u8 glyph = plane(v, table * 8192 + c * 32u + b->row, 2);
	bool lit =
		dot < 8 ? glyph >> (7 - dot) & 1 : (glyph & 1) && (m & 4) && c >= 0xb0 && c <= 0xdf;

	if ((m & 8) && (a & 0x80) && !(show & VGA_SHOW_BLINK))
		lit = false;
	if ((a & 0x77) == 1 && b->row == (v->crtc[0x14] & 31))
		lit = true;
	if ((show & VGA_SHOW_CURSOR) && !(v->crtc[0x0a] & 0x20) &&
	    ((b->address + column) & 0xffff) == v->crtc[0x0e] * 256u + v->crtc[0x0f] &&
	    b->row >= (v->crtc[0x0a] & 31) && b->row <= (v->crtc[0x0b] & 31))
		lit = true;
	return colour_rgb(v, lit ? a & 15 : m & 8 ? a >> 4 & 7 : a >> 4);
}

static u32 graphics_dot(const struct vga *v, const struct beam *b, u32 x)
{
	u32 mode = v->crtc[0x17], address = b->address, bytes = mode & 0x40 ? 1 : 0;
	u32 shift = v->graphics[5] >> 5 & 3, wide = v->sequencer[1] & 8 || shift > 1 ? 2 : 1;
	u32 pan = v->attribute[0x13] & 7u, n, colour = 0, per = shift > 1 ? 4 : 8;

	if (shift > 1)
		pan /= 2;
	x = x / wide + (b->below && (v->attribute[0x10] & 0x20) ? 0 : pan);
	if (!(mode & 1))
		address = (address & ~(0x1000u << bytes)) | (b->row & 1) << (12 + bytes);
	if (!(mode & 2))
		address = (address & ~(0x2000u << bytes)) | (b->row >> 1 & 1) << (13 + bytes);
	address += x / per;
	n = x % per;
	if (shift > 1)
		return entry_rgb(v, plane(v, address, n));
	if (shift == 0) {
		for (unsigned p = 0; p < 4; p++)
			colour |= ((u32)plane(v, address, p) >> (7 - n) & 1) << p;
		return colour_rgb(v, (u8)colour);
	}
	for (unsigned half = 0; half < 2; half++) {
		unsigned p = n / 4 + half * 2;
		u32 two = (u32)plane(v, address, p) >> (6 - n % 4 * 2) & 3;

		colour |= two << half * 2;
	}
	return colour_rgb(v, (u8)colour);
}

/* --- Random screens */

static void random_screen(struct vga *v)
{
	static const u8 shift[] = { 0x00, 0x20, 0x40 };

	vga_crtc(v, 0x11, 0);
	for (u8 i = 0; i < 0x19; i++)
		vga_crtc(v, i, (u8)rnd());
	vga_crtc(v, 0x11, 0);
	vga_crtc(v, 0x01, (u8)(rnd() % 100));
	vga_crtc(v, 0x09, (u8)(rnd() & 0xdf & (one_in(2) ? 0xc3 : 0xff)));
	vga_crtc(v, 0x08, one_in(2) ? 0 : (u8)(rnd() & 0x7f));
	if (one_in(2)) { /* a cursor that is on the screen */
		vga_crtc(v, 0x0e, v->crtc[0x0c]);
		vga_crtc(v, 0x0f, (u8)(v->crtc[0x0d] + 3));
		vga_crtc(v, 0x0a, 1);
		vga_crtc(v, 0x0b, 30);
	}
	if (one_in(2))
		vga_crtc(v, 0x17, (u8)(v->crtc[0x17] | 3));
	vga_sequencer(v, 1, (u8)rnd());
	vga_sequencer(v, 3, (u8)rnd());
	vga_graphics(v, 5, shift[rnd() % 3]);
	vga_graphics(v, 6, (u8)rnd());
	for (u8 i = 0; i < 0x15; i++)
		vga_attribute(v, i, (u8)rnd());
	if (one_in(2))
		vga_attribute(v, 0x12, 0x0f);
	vga_port(v, 0x3c6, one_in(4) ? (u8)rnd() : 0xff);
	for (unsigned i = 0; i < sizeof(v->dac.colour); i++)
		v->dac.colour[i] = rnd() & 63;
}

static void random_memory(struct vga *v)
{
	for (u32 i = 0; i < VGA_PLANES; i++)
		v->memory[i] = one_in(4) ? 0 : (u8)rnd();
}

static void test_random(void **state)
{
	static u32 rgb[VGA_WIDTH_MAX + 1];
	struct vga *v = vga_new();
	struct vga_screen s;
	unsigned kinds = 0;

	(void)state;
	random_memory(v);
	for (unsigned n = 0; n < 4000; n++) {
		random_screen(v);
		vga_screen_of(v, &s);
		assert_true(s.width <= VGA_WIDTH_MAX && s.height <= VGA_HEIGHT_MAX);
		if (s.kind == VGA_BLANK) /* fewer lines than one row */
			continue;
		kinds |= BIT(s.kind);

		u32 y = (u32)rnd() % s.height;
		u8 show = rnd() & 3;
		struct beam b = beam_at(v, y);

		rgb[s.width] = 0x12345678;
		vga_draw_line(&s, v->memory, y, show, rgb);
		assert_int_equal(rgb[s.width], 0x12345678);
		for (u32 x = 0; x < s.width; x++) {
			u32 dot = s.kind == VGA_TEXT ? text_dot(v, &b, x, show)
						     : graphics_dot(v, &b, x);

			if (dot != rgb[x])
				fail_msg("screen %u kind %d, dot %u of line %u: %06x, is %06x", n,
					 s.kind, x, y, dot, rgb[x]);
		}
	}
	assert_int_equal(kinds, BIT(VGA_TEXT) | BIT(VGA_4_COLOURS) | BIT(VGA_16_COLOURS) |
					BIT(VGA_256_COLOURS));
	vga_free(v);
}

/* --- By hand */

static void test_geometry(void **state)
{
	struct vga *v = vga_new();
	struct vga_screen s;

	(void)state;
	vga_screen_of(v, &s);
	assert_int_equal(s.kind, VGA_TEXT);
	assert_int_equal(s.width, 720);
	assert_int_equal(s.height, 400);
	vga_crtc(v, 0x09, 0x47); /* 50 rows */
	vga_sequencer(v, 1, 1);
	vga_screen_of(v, &s);
	assert_int_equal(s.width, 640);
	assert_int_equal(s.height / s.row_lines, 50);
	vga_port(v, 0x3c0, 0x00);
	vga_screen_of(v, &s);
	assert_int_equal(s.kind, VGA_BLANK);
	vga_free(v);
}

/* 5-bit and 6-bit colours are spread over all eight bits, but for those of 15 bits. */
static void test_direct(void **state)
{
	static const struct {
		u16 bpp;
		u8 bytes[4];
		u32 rgb;
	} t[] = {
		{ 8, { 5 }, 0x04080c },
		{ 15, { 0xff, 0x7f }, 0xf8f8f8 },
		{ 15, { 0x01, 0x40 }, 0x800008 },
		{ 16, { 0xff, 0xff }, 0xffffff },
		{ 16, { 0x21, 0x08 }, 0x080408 },
		{ 24, { 0x11, 0x22, 0x33 }, 0x332211 },
		{ 32, { 0x11, 0x22, 0x33, 0x44 }, 0x332211 },
	};
	struct vga *v = vga_new();
	struct vga_screen s;
	u32 rgb[64];

	(void)state;
	v->dac.colour[15] = 1;
	v->dac.colour[16] = 2;
	v->dac.colour[17] = 3;
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		u32 size = (t[i].bpp + 7u) / 8, pitch = 128 * size;

		vga_dispi_write(v, DISPI_ENABLE, 0);
		vga_dispi_write(v, DISPI_XRES, 64);
		vga_dispi_write(v, DISPI_YRES, 64);
		vga_dispi_write(v, DISPI_BPP, t[i].bpp);
		vga_dispi_write(v, DISPI_ENABLE, DISPI_ENABLED);
		vga_dispi_write(v, DISPI_VIRT_WIDTH, 128);
		vga_dispi_write(v, DISPI_Y, 3);
		vga_dispi_write(v, DISPI_X, 8);
		memcpy(v->memory + (3 + 5) * pitch + (8 + 7) * size, t[i].bytes, size);
		vga_screen_of(v, &s);
		assert_int_equal(s.kind, VGA_DIRECT);
		vga_draw_line(&s, v->memory, 5, 0, rgb);
		if (t[i].bpp == 8) { /* 1, 2 and 3 of 63 */
			assert_int_equal(rgb[7], 0x07080f);
			continue;
		}
		assert_int_equal(rgb[7], t[i].rgb);
	}
	vga_free(v);
}

/* A line is dirty if, and only if, a page that it shows has been written. */
static void test_dirty_lines(void **state)
{
	static u32 before[VGA_WIDTH_MAX], after[VGA_WIDTH_MAX];
	struct vga *v = vga_new();
	struct vga_screen s;
	unsigned clean = 0;

	(void)state;
	random_memory(v);
	for (unsigned n = 0; n < 4000; n++) {
		random_screen(v);
		vga_graphics(v, 6, 0x05);
		vga_graphics(v, 5, (u8)(v->graphics[5] & 0x60));
		vga_screen_of(v, &s);
		if (s.kind == VGA_BLANK)
			continue;

		u32 y = (u32)rnd() % s.height;

		vga_draw_line(&s, v->memory, y, 0, before);
		memset(v->dirty, 0, sizeof(v->dirty));
		vga_planes_write(v, (u32)rnd() % 0x10000, (u8)rnd());
		vga_draw_line(&s, v->memory, y, 0, after);
		if (vga_line_is_dirty(&s, v->dirty, y))
			continue;
		clean++;
		assert_memory_equal(before, after, s.width * sizeof(*after));
	}
	assert_true(clean > 1000);
	vga_free(v);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_geometry),
		cmocka_unit_test(test_direct),
		cmocka_unit_test(test_dirty_lines),
	};

	random_state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	return cmocka_run_group_tests_name("vga_draw", tests, NULL, NULL);
}
