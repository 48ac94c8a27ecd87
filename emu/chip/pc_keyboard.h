/* SPDX-License-Identifier: MIT */
/*
 * A PS/2 keyboard, 101/102 keys. Scan codes come in as set 2 and leave as set 2, or as set 1 if the
 * guest chose that. Set 3 is refused. Repetition is left to the sender of the keys.
 */
#pragma once

#include "emu/chip/ps2.h"

struct pc_keyboard {
	struct ps2_queue out;
	bool scanning;
	u8 set; /* 1 or 2 */
	u8 leds, typematic;
	u8 command;   /* waiting for its argument; 0: none */
	bool release; /* set 1: the prefix F0h was seen */
};

void pc_keyboard_reset(struct pc_keyboard *k);
/* A byte from the controller. */
void pc_keyboard_command(struct pc_keyboard *k, u8 byte);
/* A set 2 byte from outside; false: no room. A keyboard that does not scan swallows it. */
bool pc_keyboard_key(struct pc_keyboard *k, u8 scancode);
/* Part of the controller's field list. */
void pc_keyboard_state(struct pc_keyboard *k, struct snap *s);
/* Set 2 code to set 1 code; what has no twin (codes from 85h on, responses) stays itself. */
u8 ps2_set2_to_set1(u8 code);
