/* SPDX-License-Identifier: MIT */
/*
 * What a file is that was given as something else, by its first bytes. Pure.
 */
#pragma once

#include "kernel/base/types.h"

/* "an ELF file" and the like; NULL if nothing is known of it. */
const char *file_kind(const u8 *file, size_t size);
