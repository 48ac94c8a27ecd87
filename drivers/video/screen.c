/* SPDX-License-Identifier: MIT */
/*
 * Between the console and whichever screen there is: one terminal. Interrupts are off while it
 * changes; an NMI that comes just then prints nothing here.
 */
#include "drivers/video/screen.h"

#include "arch/mem/kmap.h"
#include "arch/cpu/processor.h"
#include "drivers/video/framebuffer.h"
#include "drivers/lib/terminal.h"
#include "drivers/video/vga_text.h"
#include "kernel/console/console.h"
#include "kernel/console/display.h"
#include "kernel/console/log_ring.h"

static struct terminal terminal;

#define PIECE 256u /* bytes drawn between two chances for an interrupt */

static volatile bool drawing;

/* --- The screen for somebody else */

static void cell(u32 column, u32 row, u16 c)
{
	terminal.ops->cell(column, row, c);
}

static void cursor(u32 column, u32 row)
{
	terminal.ops->cursor(column, row);
}

/* A row at a time has interrupts off: what an interrupt prints is drawn between two. */
static void redraw(void)
{
	for (unsigned row = 0; row < terminal.rows; row++) {
		u64 flags = irq_save();

		terminal_redraw(&terminal, row);
		irq_restore(flags);
	}
}

static void take(bool taken)
{
	u64 flags = irq_save();

	terminal_hide(&terminal, true);
	irq_restore(flags);
	if (terminal.ops == &framebuffer_ops)
		framebuffer_clear();
	if (taken)
		return;
	flags = irq_save();
	terminal_hide(&terminal, false);
	irq_restore(flags);
	redraw();
}

static bool is_taken(void)
{
	return terminal.hidden;
}

static struct display_ops display = {
	.line = framebuffer_line, .cell = cell, .cursor = cursor, .take = take, .is_taken = is_taken
};

static void attach(const struct screen_mode *mode, unsigned columns, unsigned rows)
{
	display.width = mode->base && !mode->text ? mode->width : 0;
	display.height = mode->height;
	display.columns = columns;
	display.rows = rows;
	display_attach(&display);
}

/* --- The console's sink */

static void write(const char *s, size_t n, bool cooked)
{
	while (n) {
		size_t piece = MIN(n, (size_t)PIECE);
		u64 flags = irq_save();

		drawing = true;
		terminal_write(&terminal, s, piece, cooked);
		drawing = false;
		irq_restore(flags);
		s += piece;
		n -= piece;
	}
}

/* Who draws on the screen gives way. */
static void write_now(const char *s, size_t n, bool cooked)
{
	if (drawing)
		return;
	if (terminal.hidden)
		take(false);
	write(s, n, cooked);
}

static const struct console_sink_ops sink = { .write = write, .write_now = write_now };

void screen_init_text(const struct screen_mode *mode)
{
	if (mode->base && !mode->text)
		return;
	terminal_init(&terminal, &vga_text_ops, VGA_TEXT_COLUMNS, VGA_TEXT_ROWS);
	attach(mode, VGA_TEXT_COLUMNS, VGA_TEXT_ROWS);
	console_attach(CONSOLE_SCREEN, &sink);
	log_replay(&sink);
}

static void init_graphics(const struct screen_mode *mode, void *pixels)
{
	unsigned columns, rows;

	if (!pixels || framebuffer_init(mode, pixels, &columns, &rows))
		return;
	terminal_init(&terminal, &framebuffer_ops, columns, rows);
	attach(mode, columns, rows);
	console_attach(CONSOLE_SCREEN, &sink);
	log_replay(&sink);
}

static bool is_graphics(const struct screen_mode *mode)
{
	return mode->base && !mode->text;
}

void screen_init_refusal(const struct screen_mode *mode)
{
	if (is_graphics(mode) && mode->base + (u64)mode->pitch * mode->height <= 4 * GiB)
		init_graphics(mode, direct_ptr(mode->base));
}

void screen_init_graphics(const struct screen_mode *mode)
{
	if (is_graphics(mode))
		init_graphics(mode,
			      kmap_device(mode->base, (size_t)mode->pitch * mode->height, true));
}
