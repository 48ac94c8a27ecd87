/* SPDX-License-Identifier: MIT */
/*
 * The 82077AA floppy disk controller with two drives; its files are told in i82077_state.h.
 */
#pragma once

#include "emu/chip/i82077_state.h"

/* Ports: 3F0h-3F5h, 3F7h; an interrupt, a DMA channel. Reset is as firmware leaves it: enabled, and
 * idle. */
extern const struct device_class i82077_class;
/* As CMOS register 10h has it, unit 0 in the upper half. */
u8 i82077_cmos(const struct i82077 *f);
