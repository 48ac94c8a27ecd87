/* SPDX-License-Identifier: MIT */
/*
 * Wired-or of interrupt sources: several devices may share one of the 16 ISA interrupt lines; the
 * wire is up while any of them holds it up.
 */
#pragma once

#include "emu/dev/bus.h"

struct irq_or {
	u32 held[16]; /* which sources hold the line */
	u8 sources[16];
	struct irq_line out; /* out.irq is ignored */
};

/* A new source's line to ISA IRQ irq. Returns 0, E_INVAL, or E_FULL when 32 sources share it. */
int irq_or_source(struct irq_or *o, unsigned irq, struct irq_line *line);
