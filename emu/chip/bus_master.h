/* SPDX-License-Identifier: MIT */
/*
 * The bus master of an IDE channel (SFF-8038i): three registers, and the guest's table of physical
 * regions:
 *
 *      base(31) 0   E 0(15) count(15) 0      count 0: 64 KiB; E: the last
 */
#pragma once

#include "emu/chip/ata_state.h"

#define BM_START 0x01
#define BM_READ	 0x08 /* into memory */

#define BM_ACTIVE    0x01
#define BM_ERROR     0x02
#define BM_INTERRUPT 0x04

u32 bus_master_read(struct ata_channel *c, unsigned reg, unsigned size);
/* True: it was started. */
bool bus_master_write(struct ata_channel *c, unsigned reg, unsigned size, u32 value);
/* Moves up to n bytes; returns how many: 0 while it is not started, fewer when the table ends. */
u32 bus_master_move(struct ata_channel *c, bool in, u8 *buf, u32 n);
/* How many bytes of the present region are left, 0 if none is or it is not started. */
u32 bus_master_ready(struct ata_channel *c);
void bus_master_reset(struct ata_channel *c);
