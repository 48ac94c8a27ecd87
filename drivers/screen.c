/* SPDX-License-Identifier: MIT */
/*
 * Between the console and whichever screen there is: one terminal.
 */
#include "drivers/screen.h"

#include "arch/paging.h"
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

static void init_graphics(const struct screen_mode *mode, void *pixels)
{
	unsigned columns, rows;

	if (!pixels || framebuffer_init(mode, pixels, &columns, &rows))
		return;
	terminal_init(&terminal, &framebuffer_ops, columns, rows);
	console_attach(CONSOLE_SCREEN, write, true);
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
			      vm_map_device(mode->base, (size_t)mode->pitch * mode->height, true));
}
