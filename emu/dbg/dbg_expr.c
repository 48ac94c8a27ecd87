/* SPDX-License-Identifier: MIT */
/*
 * The compiler of expressions, by precedence, and what runs them.
 */
#include "emu/dbg/dbg_expr.h"

#include "emu/dbg/dbg_mem.h"
#include "emu/dbg/dbg_regs.h"
#include "emu/dbg/dbg_symbols.h"
#include "kernel/base/string.h"

#define WORD   64u
#define NESTED 16u

enum {
	NUMBER,
	REGISTER,
	BASE, /* of a segment register; these three are pushed */
	MEMORY,
	NOT,
	COMPLEMENT,
	NEGATE,
	/* In front of the right side of && and ||, over which they lead if the left side decides.
	 */
	UNLESS,
	IF,
	/* Of two operands. */
	OR_ELSE,
	AND_ALSO,
	OR,
	XOR,
	AND,
	EQUAL,
	UNEQUAL,
	AT_MOST,
	AT_LEAST,
	BELOW,
	ABOVE,
	LEFT,
	RIGHT,
	ADD,
	SUBTRACT,
	MULTIPLY,
	DIVIDE,
	REMAINDER,
};

/* Longer ones first where one begins with the other. */
static const struct {
	const char *text;
	u8 what, rank;
} operators[] = {
	{ "||", OR_ELSE, 1 }, { "&&", AND_ALSO, 2 },  { "==", EQUAL, 6 },   { "!=", UNEQUAL, 6 },
	{ "<=", AT_MOST, 7 }, { ">=", AT_LEAST, 7 },  { "<<", LEFT, 8 },    { ">>", RIGHT, 8 },
	{ "|", OR, 3 },	      { "^", XOR, 4 },	      { "&", AND, 5 },	    { "<", BELOW, 7 },
	{ ">", ABOVE, 7 },    { "+", ADD, 9 },	      { "-", SUBTRACT, 9 }, { "*", MULTIPLY, 10 },
	{ "/", DIVIDE, 10 },  { "%", REMAINDER, 10 },
};

struct parser {
	struct cpu *cpu;
	const char *at;
	struct dbg_expr *e;
	unsigned depth, nested; /* of the stack; of brackets and signs */
};

static const char *ranked(struct parser *p, unsigned rank);

static u32 signed_value(u8 what, u32 v)
{
	return what == NOT ? !v : what == COMPLEMENT ? ~v : 0 - v;
}

static const char *emit(struct parser *p, u8 what, u32 value, u8 size)
{
	if (p->e->count == DBG_EXPR_OPS)
		return "too long";
	p->e->at[p->e->count++] = (struct dbg_op){ .what = what, .size = size, .value = value };
	if (what <= BASE && ++p->depth > DBG_EXPR_DEPTH)
		return "too deep";
	return NULL;
}

/* What has been compiled last is a number. */
static struct dbg_op *last_number(struct parser *p)
{
	struct dbg_op *last = &p->e->at[p->e->count - 1];

	return last->what == NUMBER ? last : NULL;
}

static const char *emit_sign(struct parser *p, u8 what)
{
	struct dbg_op *number = last_number(p);

	if (!number)
		return emit(p, what, 0, 0);
	number->value = signed_value(what, number->value);
	return NULL;
}

static const char *emit_binary(struct parser *p, u8 what)
{
	struct dbg_op *number = last_number(p);

	p->depth--;
	if (!number)
		return emit(p, what, 0, 0);
	number->what = what;
	number->known = true;
	return NULL;
}

static void skip_blanks(struct parser *p)
{
	while (*p->at == ' ')
		p->at++;
}

static bool in_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || c == '$' || c == '.';
}

/* 1fh, which begins with a digit. */
static bool hex_number(const char *s, u64 *value)
{
	size_t n = strlen(s);
	u64 v = 0;

	if (n < 2 || n > 17 || (s[n - 1] | 0x20) != 'h' || s[0] < '0' || s[0] > '9')
		return false;
	for (size_t i = 0; i + 1 < n; i++) {
		if (hex_digit(s[i]) < 0)
			return false;
		v = v * 16 + (u64)hex_digit(s[i]);
	}
	*value = v;
	return true;
}

/* A number, a register or a symbol. */
static const char *named(struct parser *p, const char *word)
{
	int reg = dbg_register_find(word[0] == '$' ? word + 1 : word);
	u64 number;
	u32 value;

	if (reg >= 0)
		return emit(p, REGISTER, (u32)reg, 0);
	if (!str_to_u64(word, &number) || hex_number(word, &number))
		return number > 0xffffffff ? "beyond 4 GiB" : emit(p, NUMBER, (u32)number, 0);
	if (word[0] == '$')
		return "there is no such register";
	if (dbg_symbols_value(p->cpu->stops.symbols, word, &value))
		return emit(p, NUMBER, value, 0);
	return "not a number, nor a register or symbol";
}

static const char *term(struct parser *p);

/* SEGMENT:OFFSET, behind the colon. A selector means what it means now; a register's base is asked
 * each time. */
static const char *segmented(struct parser *p, const char *word)
{
	const char *name = word[0] == '$' ? word + 1 : word, *why;
	int s = dbg_segment_register(name);
	u32 base = 0;

	if (s < 0 && !dbg_segment_base(p->cpu, name, &base))
		return "there is no such segment";
	p->at++;
	why = s < 0 ? emit(p, NUMBER, base, 0) : emit(p, BASE, (u32)s, 0);
	if (!why)
		why = term(p);
	return why ? why : emit_binary(p, ADD);
}

/* Behind a bracket or parenthesis that was opened. */
static const char *enclosed(struct parser *p, char end, const char *missing)
{
	const char *why;

	p->at++;
	why = ranked(p, 1);
	if (why)
		return why;
	skip_blanks(p);
	if (*p->at != end)
		return missing;
	p->at++;
	return NULL;
}

static const char *memory(struct parser *p, u8 size)
{
	const char *why = enclosed(p, ']', "] is missing");

	return why ? why : emit(p, MEMORY, 0, size);
}

/* byte, word, dword, or their first letters. */
static u8 size_word(const char *word)
{
	static const struct {
		const char *text;
		u8 size;
	} sizes[] = { { "byte", 1 }, { "word", 2 }, { "dword", 4 },
		      { "b", 1 },    { "w", 2 },    { "d", 4 } };

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
		if (!strcmp(word, sizes[i].text))
			return sizes[i].size;
	return 0;
}

static const char *word_term(struct parser *p)
{
	char word[WORD];
	size_t n = 0;
	u8 size;

	while (in_word(p->at[n]))
		n++;
	if (!n || n >= WORD)
		return n ? "too long" : "a number or a register is missing";
	memcpy(word, p->at, n);
	word[n] = '\0';
	p->at += n;
	size = size_word(word);
	if (size) {
		const char *behind = p->at;

		skip_blanks(p);
		if (*p->at == '[')
			return memory(p, size);
		p->at = behind;
	}
	return *p->at == ':' ? segmented(p, word) : named(p, word);
}

static const char *term(struct parser *p)
{
	static const char signs[] = "!~-";
	const char *sign, *why;

	skip_blanks(p);
	if (p->nested == NESTED)
		return "too deep";
	p->nested++;
	sign = *p->at ? strchr(signs, *p->at) : NULL;
	if (sign) {
		p->at++;
		why = term(p);
		if (!why)
			why = emit_sign(p, (u8)(NOT + (sign - signs)));
	} else if (*p->at == '(') {
		why = enclosed(p, ')', ") is missing");
	} else if (*p->at == '[') {
		why = memory(p, 4);
	} else {
		why = word_term(p);
	}
	p->nested--;
	return why;
}

/* The operator there, if it binds at least so strongly. */
static int find_operator(const struct parser *p, unsigned rank)
{
	for (unsigned i = 0; i < ARRAY_SIZE(operators); i++)
		if (!strncmp(p->at, operators[i].text, strlen(operators[i].text)))
			return operators[i].rank >= rank ? (int)i : -1;
	return -1;
}

static const char *right_side(struct parser *p, u8 what, unsigned rank)
{
	bool decides = what == OR_ELSE || what == AND_ALSO;
	unsigned jump = p->e->count;
	const char *why = decides ? emit(p, what == OR_ELSE ? IF : UNLESS, 0, 0) : NULL;

	if (!why)
		why = ranked(p, rank + 1);
	if (!why)
		why = emit_binary(p, what);
	if (!why && decides)
		p->e->at[jump].value = p->e->count;
	return why;
}

static const char *ranked(struct parser *p, unsigned rank)
{
	const char *why = term(p);
	int op;

	while (!why) {
		skip_blanks(p);
		op = find_operator(p, rank);
		if (op < 0)
			return NULL;
		p->at += strlen(operators[op].text);
		why = right_side(p, operators[op].what, operators[op].rank);
	}
	return why;
}

const char *dbg_expr_compile(struct cpu *cpu, const char *text, struct dbg_expr *e)
{
	struct parser p = { .cpu = cpu, .at = text, .e = e };
	const char *why;

	e->count = 0;
	why = ranked(&p, 1);
	if (!why && *p.at)
		why = "an operator is missing";
	return why;
}

/* --- Values */

static bool binary(u8 what, u32 a, u32 b, u32 *v)
{
	switch (what) {
	case OR_ELSE:
		*v = a || b;
		return true;
	case AND_ALSO:
		*v = a && b;
		return true;
	case OR:
		*v = a | b;
		return true;
	case XOR:
		*v = a ^ b;
		return true;
	case AND:
		*v = a & b;
		return true;
	case EQUAL:
		*v = a == b;
		return true;
	case UNEQUAL:
		*v = a != b;
		return true;
	case AT_MOST:
		*v = a <= b;
		return true;
	case AT_LEAST:
		*v = a >= b;
		return true;
	case BELOW:
		*v = a < b;
		return true;
	case ABOVE:
		*v = a > b;
		return true;
	case LEFT:
		*v = b < 32 ? a << b : 0;
		return true;
	case RIGHT:
		*v = b < 32 ? a >> b : 0;
		return true;
	case ADD:
		*v = a + b;
		return true;
	case SUBTRACT:
		*v = a - b;
		return true;
	case MULTIPLY:
		*v = a * b;
		return true;
	case DIVIDE:
		*v = b ? a / b : 0;
		return b;
	case REMAINDER:
		*v = b ? a % b : 0;
		return b;
	}
	return false;
}

/* *pc: the operation behind this one, unless the left side decides. */
static bool unary(struct cpu *cpu, const struct dbg_op *op, u32 *v, unsigned *pc)
{
	if (op->what == MEMORY)
		return dbg_read_number(cpu, *v, op->size, v);
	if (op->what < UNLESS) {
		*v = signed_value(op->what, *v);
	} else if ((op->what == IF) == (*v != 0)) {
		*v = op->what == IF;
		*pc = op->value;
	}
	return true;
}

/* At most DBG_EXPR_OPS operations: they lead forwards only. */
bool dbg_expr_value(struct cpu *cpu, const struct dbg_expr *e, u32 *value)
{
	u32 stack[DBG_EXPR_DEPTH + 1], *top = stack, right;

	*top = 0;
	for (unsigned pc = 0; pc < e->count;) {
		const struct dbg_op *op = &e->at[pc++];

		if (op->what == NUMBER) {
			*++top = op->value;
		} else if (op->what == REGISTER) {
			*++top = op->value < ARRAY_SIZE(cpu->gpr)
					 ? cpu->gpr[op->value]
					 : dbg_register_value(cpu, (int)op->value);
		} else if (op->what == BASE) {
			*++top = cpu->seg[op->value].base;
		} else if (op->what < OR_ELSE) {
			if (!unary(cpu, op, top, &pc))
				return false;
		} else {
			right = op->known ? op->value : *top--;
			if (!binary(op->what, *top, right, top))
				return false;
		}
	}
	*value = *top;
	return true;
}
