/* SPDX-License-Identifier: MIT */
/*
 * The monitor's own command line: words `key` or `key=value`, separated by spaces. docs/boot.md
 * lists the keys.
 */
#pragma once

void cmdline_init(const char *line);
/* The value, "" for a bare key, NULL if it is not there. Valid for ever. The last of several wins.
 */
const char *cmdline_get(const char *key);
