/* SPDX-License-Identifier: MIT */
/*
 * A PS/2 mouse with three buttons and, once the guest has knocked (sample rates 200, 100, 80), a
 * wheel (IntelliMouse).
 */
#pragma once

#include "emu/chip/ps2.h"
#include "emu/dev/bus.h"

struct pc_mouse {
	struct ps2_queue out;
	bool reporting, remote, wrap, scale2, wheel;
	bool click;   /* a change of the buttons is not yet reported */
	bool refused; /* the last byte was: the next one that is gets another answer */
	u8 rate, resolution;
	u8 command;	     /* waiting for its argument; 0: none */
	u8 knock[2];	     /* the two sample rates before the last */
	u8 buttons;	     /* 0 left, 1 right, 2 middle */
	s32 dx, dy, dz;	     /* movement not yet reported; dy grows upwards */
	struct vtimer timer; /* armed: the sample rate allows no report yet */
	struct vtimers *timers;
	void (*sent)(void *ctx); /* something waits now: told by the timer */
	void *ctx;
};

void pc_mouse_init(struct pc_mouse *m, struct vtimers *timers, void (*sent)(void *ctx), void *ctx);
void pc_mouse_reset(struct pc_mouse *m);
void pc_mouse_command(struct pc_mouse *m, u8 byte);
/* Part of the controller's field list. */
void pc_mouse_state(struct pc_mouse *m, struct snap *s);
/* In counts, whatever the resolution is. What is not reported at once stays summed up. */
void pc_mouse_move(struct pc_mouse *m, s32 dx, s32 dy, s32 dz, u8 buttons);
/* The controller has taken a byte: there may be room for a report. */
void pc_mouse_ready(struct pc_mouse *m);
