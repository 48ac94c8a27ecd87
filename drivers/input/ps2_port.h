/* SPDX-License-Identifier: MIT */
/*
 * The machine's i8042, polled, for the drivers of what is plugged in. All waits are bounded.
 */
#pragma once

#include "kernel/base/types.h"

bool ps2_write_command(u8 byte);
bool ps2_write_data(u8 byte);
int ps2_read(void);	  /* -1: nothing came */
int ps2_read_mouse(void); /* passes over what the keyboard says meanwhile */
/* The command byte with these bits set and those cleared; false: there is no controller. */
bool ps2_change_config(u8 set, u8 cleared);
/* A byte waits: which, and is it the mouse's? Keyboard and mouse share the port, so whoever's
 * interrupt comes first reads for both. */
struct ps2_reader {
	void (*keyboard)(u8 byte);
	void (*mouse)(u8 byte);
};
extern struct ps2_reader ps2_reader;
void ps2_interrupt(void *ctx);
