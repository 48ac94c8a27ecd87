/* SPDX-License-Identifier: MIT */
/*
 * What a CD-ROM drive answers: tables of contents, capabilities, configuration. Each writes to a
 * cleared buffer and returns the length. Numbers are big-endian.
 */
#pragma once

#include "emu/chip/ata_state.h"

static inline void atapi_put16(u8 *to, u32 v)
{
	to[0] = (u8)(v >> 8);
	to[1] = (u8)v;
}

static inline void atapi_put32(u8 *to, u32 v)
{
	atapi_put16(to, v >> 16);
	atapi_put16(to + 2, v);
}

u32 atapi_inquiry(u8 *to);
u32 atapi_sense(const struct ata_device *d, u8 *to);
/* 0: there is no such format, or no such track. blocks: of the disc. */
u32 atapi_toc(u8 *to, unsigned format, bool msf, unsigned track, u32 blocks);
/* 0: no such page. */
u32 atapi_mode_pages(const struct ata_device *d, u8 *to, unsigned page);
/* medium: one is in it. */
u32 atapi_configuration(u8 *to, bool medium, unsigned kind, unsigned first);
u32 atapi_disc_information(u8 *to);
/* A block of 2,048 bytes as the 2,352 that are on a disc, without error correction. */
void atapi_raw_block(u8 *to, const u8 *block, u32 lba);
