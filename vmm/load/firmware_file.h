/* SPDX-License-Identifier: MIT */
/*
 * Is a file a PC's firmware, or a ROM of an adapter? What is none is refused by name, by the
 * monitor and by iso/mkimage.
 */
#pragma once

#include "kernel/base/types.h"

/* NULL: it is; else why it cannot be. */
const char *firmware_refused(const u8 *data, size_t size);
const char *option_rom_refused(const u8 *data, size_t size);
