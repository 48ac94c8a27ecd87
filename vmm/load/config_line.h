/* SPDX-License-Identifier: MIT */
/*
 * One line of the configuration: what it is, without what it means. Pure.
 *
 *     [section]                 key = value
 *     ; comment                 key = "a value"     key = 'a value'
 *     # comment                 key = value         ; comment, # comment
 *
 * A comment begins at the line's first character, or behind a blank; inside double quotes it does
 * not begin, wherever they stand in the value. A value that is quoted as a whole loses its quotes;
 * inside double ones \" and \\ stand for " and \.
 */
#pragma once

#include "kernel/base/types.h"

enum config_line_kind { LINE_EMPTY, LINE_SECTION, LINE_SETTING, LINE_BAD_SECTION, LINE_BAD };

/*
 * Takes s apart, changing it. *key: the section's text without brackets, or the key; for the two
 * BAD kinds the line, and *why says what is wrong. *value: of a setting.
 */
enum config_line_kind config_line(char *s, char **key, char **value, const char **why);

/* Without the blanks around it. */
char *config_trim(char *s);
