/* SPDX-License-Identifier: MIT */
/*
 * CRC-32 of IEEE 802.3, as zlib's crc32(): eight bytes a step.
 */
#pragma once

#include "kernel/base/types.h"

/* crc: of the bytes before, 0 at the start. */
u32 crc32_update(u32 crc, const void *bytes, size_t n);
