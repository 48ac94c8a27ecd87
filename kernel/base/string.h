/* SPDX-License-Identifier: MIT */
/*
 * The part of <string.h> that the monitor uses. On the host libc provides it; in the monitor
 * kernel/base/string.c does.
 */
#pragma once

#include "kernel/base/types.h"

void *memset(void *dst, int c, size_t n);
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);

/* Copies at most size - 1 characters and always terminates; returns strlen(src). */
size_t str_copy(char *dst, const char *src, size_t size);

/* The value of a hexadecimal digit; -1: it is none. */
int hex_digit(char c);
/*
 * Parses an unsigned number, decimal or 0x hexadecimal, that fills the whole string; *value is
 * written on success only. Returns 0, or E_INVAL for an empty string, a stray character or an
 * overflow.
 */
int str_to_u64(const char *s, u64 *value);

/* The most that text_escape() makes of n bytes. */
#define TEXT_ESCAPED(n) (4 * (n))
/*
 * Copies text so that it does nothing to a terminal that shows it: what is neither printable ASCII
 * nor one of keep becomes \xNN. Terminates, after at most size - 1 characters; returns the length.
 */
size_t text_escape(char *dst, size_t size, const char *text, const char *keep);
