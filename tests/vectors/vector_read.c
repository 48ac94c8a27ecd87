/* SPDX-License-Identifier: MIT */
/*
 * Lines of recorded tests. Every field is checked: a file that was cut or damaged is an error, not
 * a failed test.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/vectors/vector.h"

const char *const vector_reg_name[V_REGS] = { "ax", "cx", "dx", "bx", "sp", "bp", "si",
					      "di", "es", "cs", "ss", "ds", "ip", "flags" };

/* Cuts the text at the next sep; returns the rest behind it, NULL if there was none. */
static char *cut(char *text, char sep)
{
	char *end = strchr(text, sep);

	if (!end)
		return NULL;
	*end = 0;
	return end + 1;
}

static bool hex(const char *text, u32 max, u32 *value)
{
	char *end;
	unsigned long v;

	if (!*text || strspn(text, "0123456789abcdefABCDEF") != strlen(text) || strlen(text) > 8)
		return false;
	v = strtoul(text, &end, 16);
	*value = (u32)v;
	return v <= max;
}

static const char *parse_code(const char *text, struct vector *v)
{
	size_t len = strlen(text);

	if (len < 4 || len % 2 || len / 2 > sizeof(v->code))
		return "BYTES is not an instruction";
	for (v->code_len = 0; v->code_len < len / 2; v->code_len++) {
		char digits[3] = { text[v->code_len * 2], text[v->code_len * 2 + 1], 0 };
		u32 byte;

		if (!hex(digits, 0xff, &byte))
			return "BYTES is not hexadecimal";
		v->code[v->code_len] = (u8)byte;
	}
	return NULL;
}

/* The bits of the registers found, in *seen. */
static const char *parse_regs(char *text, u16 *reg, u32 *seen)
{
	*seen = 0;
	while (text && *text) {
		char *next = cut(text, ','), *value = cut(text, '=');
		unsigned i = 0;
		u32 n;

		while (i < V_REGS && strcmp(text, vector_reg_name[i]))
			i++;
		if (i == V_REGS || !value || !hex(value, 0xffff, &n))
			return "a register is not NAME=HEX";
		if (*seen & BIT(i))
			return "a register occurs twice";
		reg[i] = (u16)n;
		*seen |= BIT(i);
		text = next;
	}
	return NULL;
}

static const char *parse_ram(char *text, struct vector_byte *ram, unsigned *count)
{
	*count = 0;
	while (text && *text) {
		char *next = cut(text, ','), *value = cut(text, '=');
		u32 at, byte;

		if (!value || !hex(text, VECTOR_TOP - 1, &at) || !hex(value, 0xff, &byte))
			return "a byte of memory is not ADDRESS=BYTE";
		if (*count == VECTOR_BYTES)
			return "too many bytes of memory";
		ram[(*count)++] = (struct vector_byte){ at, (u8)byte };
		text = next;
	}
	return NULL;
}

/*
 * The address is that of a bus cycle: where FLAGS was pushed to an odd address it may be one less.
 */
static const char *parse_exception(char *text, struct vector *v)
{
	char *at;
	u32 n, pushed;

	v->exception = -1;
	if (!*text)
		return NULL;
	at = cut(text, ',');
	if (!at || !hex(text, 0xff, &n) || !hex(at, VECTOR_TOP - 2, &pushed))
		return "EXC is not VECTOR,ADDRESS";
	v->exception = (int)n;
	v->pushed_flags = ((u32)v->after[V_SS] << 4) + (u16)(v->after[V_SP] + 4);
	if (v->pushed_flags != pushed && (v->pushed_flags & ~1u) != pushed)
		return "EXC's address is not where SS:SP says";
	return NULL;
}

const char *vector_parse(char *line, struct vector *v)
{
	enum { FORM, NAME, BYTES, REGS, RAM, REGS2, RAM2, EXC, FIELDS };
	char *field[FIELDS];
	const char *wrong;
	unsigned n = 0;
	u32 seen;

	for (char *p = line; p; p = cut(p, ';')) {
		if (n == FIELDS)
			return "more than eight fields";
		field[n++] = p;
	}
	if (n != FIELDS)
		return "fewer than eight fields";
	if (!*field[FORM] || strlen(field[FORM]) >= sizeof(v->form))
		return "FORM is not an opcode";
	strcpy(v->form, field[FORM]);
	strncpy(v->name, field[NAME], sizeof(v->name) - 1);
	v->name[sizeof(v->name) - 1] = 0;
	wrong = parse_code(field[BYTES], v);
	if (!wrong)
		wrong = parse_regs(field[REGS], v->before, &seen);
	if (!wrong && seen != BIT(V_REGS) - 1)
		wrong = "REGS lacks a register";
	if (!wrong)
		wrong = parse_ram(field[RAM], v->ram, &v->rams);
	memcpy(v->after, v->before, sizeof(v->after));
	if (!wrong)
		wrong = parse_regs(field[REGS2], v->after, &seen);
	if (!wrong)
		wrong = parse_ram(field[RAM2], v->ram_after, &v->rams_after);
	if (!wrong)
		wrong = parse_exception(field[EXC], v);
	v->flags_compared = 0xffff;
	v->skipped = false;
	return wrong;
}

unsigned vector_opcode_at(const struct vector *v)
{
	static const u8 prefix[] = { 0x26, 0x2e, 0x36, 0x3e, 0xf0, 0xf2, 0xf3 };
	unsigned i = 0;

	while (i + 1 < v->code_len && memchr(prefix, v->code[i], sizeof(prefix)))
		i++;
	return i;
}
