/* SPDX-License-Identifier: MIT */
/*
 * A PS/2 keyboard, 101/102 keys, with scan code sets 1, 2 and 3 (pc_scancodes.h). Keys go down and
 * up from outside; what is sent for that, and how often, is the guest's choice. A key that finds no
 * room is refused, so that the sender offers it again: nothing overruns.
 */
#pragma once

#include "emu/chip/pc_scancodes.h"
#include "emu/chip/ps2.h"
#include "emu/dev/bus.h"

struct pc_keyboard {
	struct ps2_queue out;
	bool scanning;
	u8 set; /* 1 to 3 */
	u8 leds, typematic;
	u8 command;	     /* waiting for its argument; 0: none */
	u8 repeats;	     /* the key that does; 0: none */
	u8 down[256 / 8];    /* keys held */
	u8 kind[SET3_CODES]; /* enum key_kind, by set 3 code */
	struct vtimer timer; /* the next repetition */
	struct vtimers *timers;
	void (*sent)(void *ctx); /* something waits now: told by the timer */
	void *ctx;
};

void pc_keyboard_init(struct pc_keyboard *k, struct vtimers *timers, void (*sent)(void *ctx),
		      void *ctx);
void pc_keyboard_reset(struct pc_keyboard *k);
/* A byte from the controller. */
void pc_keyboard_command(struct pc_keyboard *k, u8 byte);
/* A key goes down or up (kernel/hw/pc_keys.h); false: no room. One that is there already changes
 * nothing. A keyboard that does not scan swallows it. */
bool pc_keyboard_key(struct pc_keyboard *k, u8 key, bool pressed);
/* Part of the controller's field list. */
void pc_keyboard_state(struct pc_keyboard *k, struct snap *s);
