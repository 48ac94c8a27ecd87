/* SPDX-License-Identifier: MIT */
/*
 * A terminal that reads what is sent shows the picture in the end: random pictures, changed between
 * pieces, on terminals of all sizes. And pictures of VGA text. Alone:
 * make build/unit/test_ansi_screen && build/unit/test_ansi_screen [seed]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kernel/base/string.h"
#include "tests/unit/random.h"
#include "vmm/term/ansi_screen.h"
#include "vmm/term/cp437.h"
#include "vmm/term/vga_picture.h"

/* The terminal: fails on everything that it does not know. */
struct glyph {
	u16 c;
	u8 fg, bg;
	bool blinks;
};

static struct {
	u32 columns, rows, x, y;
	bool behind; /* the last column: nothing may be written before the cursor is moved */
	bool cursor;
	struct glyph pen, cell[ANSI_ROWS * ANSI_COLUMNS];
} term;

static void term_reset(u32 columns, u32 rows)
{
	memset(&term, 0, sizeof(term));
	term.columns = columns;
	term.rows = rows;
	term.x = 5000;
	for (u32 i = 0; i < columns * rows; i++)
		term.cell[i].c = '#';
}

static void term_sgr(u32 n)
{
	static const u8 vga[8] = { 0, 4, 2, 6, 1, 5, 3, 7 };

	if (n == 0)
		term.pen = (struct glyph){ 0 };
	else if (n == 5)
		term.pen.blinks = true;
	else if (n >= 30 && n < 38)
		term.pen.fg = vga[n - 30];
	else if (n >= 90 && n < 98)
		term.pen.fg = vga[n - 90] | 8;
	else if (n >= 40 && n < 48)
		term.pen.bg = vga[n - 40];
	else if (n >= 100 && n < 108)
		term.pen.bg = vga[n - 100] | 8;
	else
		fail_msg("SGR %u", n);
}

static const char *term_csi(const char *p)
{
	u32 number[8] = { 0 }, n = 0;
	bool private = *p == '?';

	for (p += private; *p < 0x40; p++) {
		if (*p == ';')
			n++;
		else
			number[n] = number[n] * 10 + (u32)(*p - '0');
		assert_true(n < ARRAY_SIZE(number));
	}
	if (private && number[0] == 25) {
		assert_true(*p == 'h' || *p == 'l');
		term.cursor = *p == 'h';
	} else if (*p == 'H') {
		assert_in_range(number[0], 1, term.rows);
		assert_in_range(number[1], 1, term.columns);
		term.y = number[0] - 1;
		term.x = number[1] - 1;
		term.behind = false;
	} else if (*p == 'J' && number[0] == 2) {
		for (u32 i = 0; i < term.columns * term.rows; i++)
			term.cell[i] = (struct glyph){ ' ', term.pen.fg, term.pen.bg, false };
	} else if (*p == 'm') {
		for (u32 i = 0; i <= n; i++)
			term_sgr(number[i]);
	} else {
		fail_msg("CSI %c", *p);
	}
	return p + 1;
}

static const char *term_char(const char *p)
{
	u8 first = (u8)*p++;
	u32 c = first, more = first < 0x80 ? 0 : first < 0xe0 ? 1 : 2;

	assert_true(first >= 0x20 && first != 0x7f && (first < 0x80 || first >= 0xc2));
	c &= more == 0 ? 0x7f : more == 1 ? 0x1f : 0x0f;
	for (; more; more--) {
		assert_int_equal((u8)*p & 0xc0, 0x80);
		c = c << 6 | ((u8)*p++ & 0x3f);
	}
	assert_true(c < 0x80 || c >= 0xa0); /* no C1 */
	assert_false(term.behind);
	assert_true(term.x < term.columns && term.y < term.rows);
	term.cell[term.y * term.columns + term.x] = term.pen;
	term.cell[term.y * term.columns + term.x].c = (u16)c;
	if (term.x + 1 < term.columns)
		term.x++;
	else
		term.behind = true;
	return p;
}

static void term_read(const char *p, u32 n)
{
	const char *end = p + n;

	while (p < end)
		p = *p == 0x1b && p[1] == '[' ? term_csi(p + 2) : term_char(p);
	assert_ptr_equal(p, end);
}

static struct ansi_screen screen;
static struct ansi_picture picture;

static bool same_glyph(const struct glyph *g, u32 cell)
{
	return g->c == cp437_unicode((u8)cell) && g->fg == (cell >> 8 & 15) &&
	       g->bg == (cell >> 12 & 15) && g->blinks == !!(cell & ANSI_BLINKS);
}

static void check_shown(void)
{
	u32 left = screen.left, top = screen.top;

	for (u32 y = 0; y < term.rows; y++)
		for (u32 x = 0; x < term.columns; x++) {
			u32 px = x + left, py = y + top;
			u32 want = ' ' | 7 << 8;

			if (px < picture.columns && py < picture.rows)
				want = picture.cell[py * picture.columns + px];
			if (!same_glyph(&term.cell[y * term.columns + x], want))
				fail_msg("at %u, %u", x, y);
		}
	if (picture.cursor_y < picture.rows && picture.cursor_x < picture.columns) {
		assert_true(term.cursor);
		assert_int_equal(term.x + left, picture.cursor_x);
		assert_int_equal(term.y + top, picture.cursor_y);
	} else {
		assert_false(term.cursor);
	}
}

static void change(u32 cells)
{
	for (u32 i = 0; i < cells; i++)
		picture.cell[rnd() % (picture.columns * picture.rows)] = (u32)rnd() & 0x1ffff;
	picture.cursor_x = (u32)rnd() % picture.columns;
	picture.cursor_y = (u32)rnd() % (picture.rows + 3);
}

static u32 draw(u32 size)
{
	static char out[4096];
	u32 n = ansi_screen_draw(&screen, &picture, out, size);

	assert_true(n <= size);
	term_read(out, n);
	return n;
}

static void test_random(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		u32 columns = 1 + (u32)rnd() % 140, rows = 1 + (u32)rnd() % 60;

		term_reset(columns, rows);
		ansi_screen_init(&screen, columns, rows);
		picture.columns = 1 + (u32)rnd() % 132;
		picture.rows = 1 + (u32)rnd() % 60;
		change(2000);
		for (unsigned step = 0; step < 8; step++) {
			u32 size = ANSI_PIECE_LEAST + (u32)rnd() % 2000;

			for (unsigned piece = 0; piece < 3; piece++) { /* it changes meanwhile */
				draw(size);
				change(one_in(3) ? (u32)rnd() % 400 : (u32)rnd() % 10);
			}
			while (draw(size))
				;
			check_shown();
		}
	}
}

/* One cell costs one movement, and nothing changed costs nothing. */
static void test_little(void **state)
{
	(void)state;
	term_reset(80, 25);
	ansi_screen_init(&screen, 80, 25);
	picture.columns = 80;
	picture.rows = 25;
	change(0);
	picture.cursor_y = 25;
	while (draw(4096))
		;
	assert_int_equal(draw(4096), 0);
	picture.cell[7 * 80 + 3] ^= 0x01; /* the same attributes as before: perhaps set anew */
	assert_in_range(draw(4096), 1, 40);
	assert_int_equal(draw(4096), 0);
}

/* No byte of a guest's text is a control character on the terminal, nor a part of one. */
static void test_all_characters(void **state)
{
	(void)state;
	term_reset(80, 25);
	ansi_screen_init(&screen, 80, 25);
	picture.columns = 16;
	picture.rows = 16;
	picture.cursor_y = 16;
	for (u32 c = 0; c < 256; c++)
		picture.cell[c] = c | 0x1f00;
	while (draw(ANSI_PIECE_LEAST))
		;
	check_shown();
}

/* Text as the VGA has it: start address, pitch, split screen, blinking, palette, cursor. */
static void test_vga_text(void **state)
{
	static u8 memory[VGA_PLANES];
	struct vga_screen s = { .kind = VGA_TEXT,
				.width = 40 * 8,
				.height = 4 * 16,
				.columns = 40,
				.start = 100,
				.pitch = 50,
				.wrap = VGA_PLANES / 4 - 1,
				.split = 47, /* the last row is from address 0 */
				.row_lines = 16,
				.scans = 1,
				.cell_width = 8,
				.cursor = 100 + 50 + 7,
				.cursor_first = 14,
				.cursor_last = 15,
				.blinks = true };

	(void)state;
	for (u32 i = 0; i < 16; i++)
		s.colour[i] = 0xaaaaaa; /* the guest's own palette: all look alike but two */
	s.colour[1] = 0x0000b0;
	s.colour[2] = 0xf8ffff;
	for (u32 at = 0; at < 400; at++) {
		memory[at * 4] = (u8)at;
		memory[at * 4 + 1] = 0x12;
	}
	memory[101 * 4 + 1] = 0x92;
	vga_picture(&s, memory, "v", &picture);
	assert_int_equal(picture.columns, 40);
	assert_int_equal(picture.rows, 4);
	assert_int_equal(picture.cell[0], 100 | 15 << 8 | 1 << 12);
	assert_int_equal(picture.cell[1], 101 | 15 << 8 | 1 << 12 | ANSI_BLINKS);
	assert_int_equal(picture.cell[40 * 2 + 3] & 0xff, 203);
	assert_int_equal(picture.cell[40 * 3 + 3] & 0xff, 3);
	assert_int_equal(picture.cursor_x, 7);
	assert_int_equal(picture.cursor_y, 1);
	s.blinks = false;
	vga_picture(&s, memory, "v", &picture);
	assert_int_equal(picture.cell[1], 101 | 15 << 8 | 7 << 12);
	s.cursor = UINT32_MAX;
	vga_picture(&s, memory, "v", &picture);
	assert_int_equal(picture.cursor_y, 4);
	/* Graphics are told of. */
	s.kind = VGA_16_COLOURS;
	s.width = 640;
	s.height = 480;
	vga_picture(&s, memory, "v", &picture);
	char line[81];
	for (u32 x = 0; x < 80; x++)
		line[x] = (char)picture.cell[12 * 80 + x];
	line[80] = '\0';
	assert_non_null(strchr(line, '6'));
	assert_int_equal(strncmp(strchr(line, '6'), "640 by 480, 16 colours ", 23), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_little),
		cmocka_unit_test(test_all_characters),
		cmocka_unit_test(test_vga_text),
	};

	random_state = argc > 1 ? strtoull(argv[1], NULL, 0) : 20260729;
	print_message("seed %llu\n", (unsigned long long)random_state);
	return cmocka_run_group_tests_name("ansi_screen", tests, NULL, NULL);
}
