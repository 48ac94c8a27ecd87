/* SPDX-License-Identifier: MIT */
/*
 * Names of the monitor's functions, from the table that the second link carries (boot/symbols.awk).
 */
#pragma once

#include "kernel/base/types.h"

/* The function that holds address, and the offset into it; NULL outside the text. */
const char *symbol_find(hva_t address, u64 *offset);
/* "name+12" or the bare number. Returns buf. */
const char *symbol_format(hva_t address, char *buf, size_t size);
