/* SPDX-License-Identifier: MIT */
/*
 * The keyboard controller, with its keyboard and its mouse.
 */
#include "emu/chip/i8042.h"
#include "emu/words/words_each.h"
#include "emu/words/words_text.h"

static const char *const source_names[] = { "empty", "from the controller", "from the keyboard",
					    "from the mouse" };

static void print_keyboard(const struct pc_keyboard *k, const struct dbg_out *out)
{
	static const char *const leds[] = { "scroll", "num", "caps" };

	dbg_print(out, "keyboard: %s, scan code set %u, %u bytes wait%s",
		  k->scanning ? "scans" : "does not scan", k->set, k->out.used,
		  k->command ? ", waits for an argument" : "");
	words_flags(out, "LEDs", k->leds, leds);
	words_say(out, "repeats", "after %u ms, rate %u of 31",
		  ((k->typematic >> 5 & 3) + 1) * 250u, k->typematic & 31);
}

static void print_mouse(const struct pc_mouse *m, const struct dbg_out *out)
{
	static const char *const buttons[] = { "left", "right", "middle" };

	dbg_print(out, "mouse: %s%s%s, %u bytes wait%s",
		  m->remote	 ? "reports when asked"
		  : m->reporting ? "reports"
				 : "does not report",
		  m->wheel ? ", with a wheel" : "", m->wrap ? ", echoes" : "", m->out.used,
		  m->command ? ", waits for an argument" : "");
	words_say(out, "rate", "%u reports a second, %u counts a mm, scale %u:1", m->rate,
		  1u << (m->resolution & 3), m->scale2 ? 2 : 1);
	words_flags(out, "buttons", m->buttons, buttons);
	words_say(out, "moved", "%d %d %d, not reported yet", m->dx, m->dy, m->dz);
}

void words_i8042(const void *dev, const struct dbg_out *out)
{
	static const char *const command[] = {
		"IRQ-1", "IRQ-12", "system", NULL, "keyboard-off", "mouse-off", "translation",
	};
	const struct i8042 *c = dev;

	dbg_print(out, "controller: A20 %s, IRQ 1 %s, IRQ 12 %s", words_on(c->a20->held),
		  words_up(c->level1), words_up(c->level12));
	words_flags(out, "command byte", c->ram[0], command);
	if (c->source)
		words_say(out, "output buffer", "%02x %s", c->data, source_names[c->source & 3]);
	else
		words_say(out, "output buffer", "empty");
	if (c->held_source)
		words_say(out, "behind it", "%02x %s", c->held, source_names[c->held_source & 3]);
	if (c->command)
		words_say(out, "command", "%02x waits for its data", c->command);
	print_keyboard(&c->keyboard, out);
	print_mouse(&c->mouse, out);
}
