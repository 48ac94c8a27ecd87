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
#include "kernel/console/log_ring.h"

static struct terminal terminal;

#define PIECE 256u /* bytes drawn between two chances for an interrupt */

static volatile bool drawing;

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

static void write_now(const char *s, size_t n, bool cooked)
{
	if (!drawing)
		write(s, n, cooked);
}

static const struct console_sink_ops sink = { .write = write, .write_now = write_now };

void screen_init_text(const struct screen_mode *mode)
{
	if (mode->base && !mode->text)
		return;
	terminal_init(&terminal, &vga_text_ops, VGA_TEXT_COLUMNS, VGA_TEXT_ROWS);
	console_attach(CONSOLE_SCREEN, &sink);
	log_replay(&sink);
}

static void init_graphics(const struct screen_mode *mode, void *pixels)
{
	unsigned columns, rows;

	if (!pixels || framebuffer_init(mode, pixels, &columns, &rows))
		return;
	terminal_init(&terminal, &framebuffer_ops, columns, rows);
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
