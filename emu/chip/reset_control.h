/* SPDX-License-Identifier: MIT */
/*
 * The small registers of the PIIX3 that reset the machine or gate A20: port 92h (fast A20 and INIT)
 * and CF9h (reset control). CF9h lies within the four ports of PCI's address register, whose owner
 * passes byte accesses on.
 */
#pragma once

#include "emu/dev/device.h"

struct reset_control {
	u8 cf9;
	struct a20_gate *a20;
	const struct board_host *host;
};

extern const struct device_class reset_control_class; /* ports: 92h */
u8 reset_control_read_cf9(const struct reset_control *r);
void reset_control_write_cf9(struct reset_control *r, u8 value);
