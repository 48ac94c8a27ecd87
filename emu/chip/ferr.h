/* SPDX-License-Identifier: MIT */
/*
 * The PC's way of reporting x87 errors when CR0.NE is 0: FERR# raises IRQ 13, a write to port F0h
 * clears it.
 */
#pragma once

#include "emu/dev/bus.h"

struct ferr {
	struct irq_line irq;
	bool level;
};

int ferr_init(struct ferr *f, struct bus *bus, struct irq_line irq);
void ferr_set(struct ferr *f, bool level);
