/* SPDX-License-Identifier: MIT */
/*
 * What firmware, or the one before it, has left in the battery-backed RAM: memory sizes as AT, PS/2
 * and later firmware report them, equipment, floppy drives.
 */
#pragma once

#include "emu/chip/mc146818.h"

/* floppies: the types of both drives, as i82077_cmos() tells them; ram: bytes in all. */
void pc_cmos_fill(struct mc146818 *r, u8 floppies, u64 ram);
