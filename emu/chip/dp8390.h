/* SPDX-License-Identifier: MIT */
/*
 * The DP8390 as its card has it: registers and life (emu/chip/dp8390_state.h lists its files).
 */
#pragma once

#include "emu/chip/dp8390_state.h"

void dp8390_init(struct dp8390 *d, const struct device_bay *bay, const struct irq_line *irq);
void dp8390_destroy(struct dp8390 *d);
void dp8390_power_on(struct dp8390 *d);
void dp8390_reset(struct dp8390 *d); /* its reset pin */
void dp8390_state(struct dp8390 *d, struct snap *s);
/* reg below DP8390_REGISTERS; pages 0 to 2, of others it reads ones. */
u8 dp8390_read(const struct dp8390 *d, unsigned reg);
/* dp8390_read(), with what reading changes: the FIFO and the counters. */
u8 dp8390_take(struct dp8390 *d, unsigned reg);
void dp8390_write(struct dp8390 *d, unsigned reg, u8 v);
/* May a frame that comes raise an interrupt? */
bool dp8390_can_wake(const struct dp8390 *d);
