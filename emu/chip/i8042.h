/* SPDX-License-Identifier: MIT */
/*
 * The 8042 keyboard controller of a PS/2-style PC, ports 60h and 64h, with a keyboard and a mouse
 * plugged in. Its output port gates A20 and can reset the machine.
 */
#pragma once

#include "emu/chip/pc_keyboard.h"
#include "emu/chip/pc_mouse.h"
#include "emu/dev/device.h"

enum i8042_source { I8042_EMPTY, I8042_FROM_CONTROLLER, I8042_FROM_KEYBOARD, I8042_FROM_MOUSE };

struct i8042 {
	struct pc_keyboard keyboard;
	struct pc_mouse mouse;
	u8 ram[32];	      /* [0] is the command byte */
	u8 data;	      /* output buffer */
	u8 source;	      /* whose byte that is: enum i8042_source */
	u8 held, held_source; /* a device's byte that a controller's answer pushed aside */
	u8 command;	      /* waiting for its data byte; 0: none */
	bool last_was_command;
	bool translate_release; /* F0h was swallowed by the translation */
	struct irq_line irq1, irq12;
	bool level1, level12;
	struct a20_gate *a20;
	const struct board_host *host;
};

/* Ports: data, command; lines: keyboard, mouse. Reset is as firmware leaves it: interrupts off,
 * translation on, A20 on, keyboard scanning. */
extern const struct device_class i8042_class;
/* A key (kernel/hw/pc_keys.h) goes down or up; false: no room, offer it again. */
bool i8042_key(struct i8042 *c, u8 key, bool pressed);
/* Nothing of the keyboard waits. */
bool i8042_keys_read(const struct i8042 *c);
void i8042_mouse(struct i8042 *c, s32 dx, s32 dy, s32 dz, u8 buttons);
