/* SPDX-License-Identifier: MIT */
/*
 * The small registers of the PIIX3 that reset the machine or gate A20: port 92h (fast A20 and INIT)
 * and CF9h (reset control). CF9h lies within the four ports of PCI's address register, whose owner
 * passes byte accesses on.
 */
#pragma once

#include "emu/dev/bus.h"

struct reset_control {
	u8 port92, cf9;
	void (*a20)(void *ctx, bool enabled);
	void (*reset)(void *ctx, const char *why);
	void *ctx;
};

int reset_control_init(struct reset_control *r, struct bus *bus,
		       void (*a20)(void *ctx, bool enabled),
		       void (*reset)(void *ctx, const char *why), void *ctx);
void reset_control_reset(struct reset_control *r);
u8 reset_control_read_cf9(const struct reset_control *r);
void reset_control_write_cf9(struct reset_control *r, u8 value);
