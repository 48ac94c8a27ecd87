/* SPDX-License-Identifier: MIT */
/*
 * Files and lines of the monitor's code, from the table that the second link carries
 * (boot/lines.awk).
 */
#pragma once

#include "kernel/base/types.h"

/* The line whose code holds address; the file's name, or NULL where none is known. */
const char *line_find(hva_t address, u32 *line);
