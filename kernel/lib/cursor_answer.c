/* SPDX-License-Identifier: MIT */
/*
 * The bytes of an answer, one by one.
 */
#include "kernel/lib/cursor_answer.h"

#define NUMBER_MAX 9999u

static enum cursor_said digit(struct cursor_answer *a, u8 byte)
{
	u32 *number = &a->number[a->numbers];

	*number = *number * 10 + byte - '0';
	return *number <= NUMBER_MAX ? CURSOR_MORE : CURSOR_OTHER;
}

enum cursor_said cursor_answer_byte(struct cursor_answer *a, u8 byte)
{
	static const char begin[] = "\x1b[";

	if (a->n < sizeof(begin) - 1)
		return byte == (u8)begin[a->n++] ? CURSOR_MORE : CURSOR_OTHER;
	if (byte >= '0' && byte <= '9')
		return digit(a, byte);
	if (byte == ';' && !a->numbers) {
		a->numbers++;
		return CURSOR_MORE;
	}
	return byte == 'R' && a->numbers ? CURSOR_ANSWERED : CURSOR_OTHER;
}
