/* SPDX-License-Identifier: MIT */
/*
 * The parser of addresses.
 */
#include "emu/dbg/dbg_address.h"

#include "emu/dbg/dbg_regs.h"
#include "kernel/base/string.h"

#define WORD 32u

/* 1fh, which begins with a digit. */
static bool hex_number(const char *s, u64 *value)
{
	size_t n = strlen(s);
	u64 v = 0;

	if (n < 2 || n > 17 || (s[n - 1] | 0x20) != 'h' || s[0] < '0' || s[0] > '9')
		return false;
	for (size_t i = 0; i + 1 < n; i++) {
		char c = s[i] | 0x20;

		if (s[i] >= '0' && s[i] <= '9')
			v = v * 16 + (u64)(s[i] - '0');
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + (u64)(c - 'a' + 10);
		else
			return false;
	}
	*value = v;
	return true;
}

static const char *term(struct cpu *cpu, const char *s, u32 *value)
{
	u64 number;

	if (dbg_register(cpu, s[0] == '$' ? s + 1 : s, value))
		return NULL;
	if (str_to_u64(s, &number) && !hex_number(s, &number))
		return s[0] == '$' ? "there is no such register" : "not a number, nor a register";
	if (number > 0xffffffff)
		return "beyond 4 GiB";
	*value = (u32)number;
	return NULL;
}

static const char *sum(struct cpu *cpu, const char *s, u32 *value)
{
	char word[WORD];

	*value = 0;
	for (bool minus = false;; minus = *s++ == '-') {
		const char *why;
		size_t n = 0;
		u32 v;

		while (s[n] && s[n] != '+' && s[n] != '-')
			n++;
		if (!n || n >= WORD)
			return n ? "too long" : "a number or a register is missing";
		memcpy(word, s, n);
		word[n] = '\0';
		why = term(cpu, word, &v);
		if (why)
			return why;
		*value += minus ? 0 - v : v;
		s += n;
		if (!*s)
			return NULL;
	}
}

const char *dbg_address(struct cpu *cpu, const char *text, u32 *address)
{
	const char *colon = strchr(text, ':'), *why;
	char segment[WORD];
	u32 base = 0, offset;

	if (colon) {
		size_t n = (size_t)(colon - text);

		if (!n || n >= WORD)
			return "no segment in front of the colon";
		memcpy(segment, text, n);
		segment[n] = '\0';
		if (!dbg_segment_base(cpu, segment[0] == '$' ? segment + 1 : segment, &base))
			return "there is no such segment";
	}
	why = sum(cpu, colon ? colon + 1 : text, &offset);
	if (!why)
		*address = base + offset;
	return why;
}
