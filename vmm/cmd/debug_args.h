/* SPDX-License-Identifier: MIT */
/*
 * Arguments of the debugging commands. What cannot be is reported with its value, and an error
 * returned.
 */
#pragma once

#include "kernel/base/types.h"

struct vm;

int debug_address(struct vm *vm, const char *text, u32 *address);
/* A number up to max. */
int debug_number(const char *text, u32 max, u32 *number);
/* The bytes of a number of the size that the command's slash says (/b, /w, /d; 4 bytes without), or
 * of a text (/s), of which no more than room are taken. */
int debug_bytes(const char *command, const char *text, u8 *bytes, u32 room, u32 *n);
/* The arguments from the first on, with blanks between them, in text. E_INVAL: too long. */
int debug_words(int argc, char **argv, int first, char *text, size_t size);
/* Takes an option out of the arguments, wherever it stands behind the command. */
bool debug_take_option(int *argc, char **argv, const char *option);
int debug_usage(const char *text);
/* It runs, and must not. */
int debug_must_stand(const struct vm *vm);
