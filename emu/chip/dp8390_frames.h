/* SPDX-License-Identifier: MIT */
/*
 * Frames of the DP8390, and its interrupt.
 */
#pragma once

#include "emu/chip/dp8390_state.h"

/* Sets those bits of the ISR. */
void dp8390_raise(struct dp8390 *d, u8 bits);
/* Makes the interrupt line what ISR and IMR say. */
void dp8390_sync(struct dp8390 *d);
void dp8390_transmit(struct dp8390 *d);
/* Takes the frames that there is room for; a completion goes on where that is much. */
void dp8390_fetch(void *dp8390);
/* The same, between two of the guest's instructions. */
void dp8390_fetch_later(struct dp8390 *d);
/* The guest has seen PRX: again, if the ring has frames still. */
void dp8390_received(struct dp8390 *d);
/* The guest has taken frames up to this page out of the ring. */
void dp8390_move_bnry(struct dp8390 *d, u8 page);
