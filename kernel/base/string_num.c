/* SPDX-License-Identifier: MIT */
/*
 * String helpers that libc lacks; built for the monitor and for the host.
 */
#include "kernel/base/error.h"
#include "kernel/base/string.h"

size_t str_copy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src);

	if (size) {
		size_t n = MIN(len, size - 1);

		memcpy(dst, src, n);
		dst[n] = '\0';
	}
	return len;
}

int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int str_to_u64(const char *s, u64 *value)
{
	u64 base = 10, v = 0;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	}
	if (!*s)
		return E_INVAL;
	for (; *s; s++) {
		u64 d = (u64)hex_digit(*s); /* of no digit: beyond each base */

		if (d >= base || v > (UINT64_MAX - d) / base)
			return E_INVAL;
		v = v * base + d;
	}
	*value = v;
	return 0;
}

/* A cut text ends with a whole escape. */
size_t text_escape(char *dst, size_t size, const char *text, const char *keep)
{
	static const char digit[] = "0123456789abcdef";
	size_t n = 0;

	for (; *text && n + 1 < size; text++) {
		u8 c = (u8)*text;

		if ((c >= ' ' && c < 0x7f) || strchr(keep, c)) {
			dst[n++] = *text;
			continue;
		}
		if (n + 4 >= size)
			break;
		dst[n++] = '\\';
		dst[n++] = 'x';
		dst[n++] = digit[c >> 4];
		dst[n++] = digit[c & 15];
	}
	if (size)
		dst[n] = '\0';
	return n;
}
