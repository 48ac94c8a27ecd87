/* SPDX-License-Identifier: MIT */
/*
 * The PC's way of reporting x87 errors when CR0.NE is 0: FERR# raises IRQ 13, a write to port F0h
 * clears it.
 */
#pragma once

#include "emu/dev/device.h"

struct ferr {
	struct irq_line irq;
	bool level;
};

extern const struct device_class ferr_class;
void ferr_set(struct ferr *f, bool level);
