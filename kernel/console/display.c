/* SPDX-License-Identifier: MIT */
/*
 * Who is there: at most one screen, and one who listens.
 */
#include "kernel/console/display.h"

static const struct display_ops *display;
static const struct input_listener *listener;

void display_attach(const struct display_ops *ops)
{
	display = ops;
}

const struct display_ops *display_get(void)
{
	return display;
}

void input_listen(const struct input_listener *l)
{
	listener = l;
}

bool input_key(u8 key, bool pressed)
{
	return listener && listener->key(key, pressed);
}

void input_mouse(s32 dx, s32 dy, s32 dz, u8 buttons)
{
	if (listener)
		listener->mouse(dx, dy, dz, buttons);
}
