/* SPDX-License-Identifier: MIT */
/*
 * Between the console and whichever screen there is: one terminal.
 */
#include "drivers/screen.h"

#include "drivers/framebuffer.h"
#include "drivers/terminal.h"
#include "drivers/vga_text.h"
#include "kernel/console.h"

static struct terminal terminal;

static void write(const char *s, size_t n, bool cooked)
{
	terminal_write(&terminal, s, n, cooked);
}

void screen_init_text(const struct screen_mode *mode)
{
	if (mode->base && !mode->text)
		return;
	terminal_init(&terminal, &vga_text_ops, VGA_TEXT_COLUMNS, VGA_TEXT_ROWS);
	console_attach(CONSOLE_SCREEN, write, true);
}

void screen_init_graphics(const struct screen_mode *mode)
{
	unsigned columns, rows;

	if (!mode->base || mode->text || framebuffer_init(mode, &columns, &rows))
		return;
	terminal_init(&terminal, &framebuffer_ops, columns, rows);
	console_attach(CONSOLE_SCREEN, write, true);
}
