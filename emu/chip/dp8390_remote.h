/* SPDX-License-Identifier: MIT */
/*
 * The remote DMA of the DP8390.
 */
#pragma once

#include "emu/chip/dp8390_state.h"

/* What RD of a command says. */
void dp8390_begin_remote(struct dp8390 *d, u8 command);
/* The port of the remote DMA, as struct bus_ports and struct bus_bulk have them. */
u32 dp8390_data_read(struct dp8390 *d, unsigned size);
void dp8390_data_write(struct dp8390 *d, unsigned size, u32 value);
u32 dp8390_data_read_many(struct dp8390 *d, unsigned size, u8 *to, u32 n);
u32 dp8390_data_write_many(struct dp8390 *d, unsigned size, const u8 *from, u32 n);
