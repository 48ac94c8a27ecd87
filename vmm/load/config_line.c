/* SPDX-License-Identifier: MIT */
/*
 * Cuts one line of the configuration into section, key and value, and takes comments and quotes
 * off.
 */
#include "vmm/load/config_line.h"

#include "kernel/base/string.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

char *config_trim(char *s)
{
	char *end;

	while (is_blank(*s))
		s++;
	end = s + strlen(s);
	while (end > s && is_blank(end[-1]))
		*--end = '\0';
	return s;
}

static bool is_control(char c)
{
	return ((u8)c < ' ' && c != '\t') || c == 0x7f;
}

static bool has_control(const char *s)
{
	while (*s && !is_control(*s))
		s++;
	return *s;
}

/* Ends s in front of a comment. Returns false if a quote is left open. */
static bool cut_comment(char *s)
{
	bool quoted = false, single = *s == '\'';

	for (char *c = s; *c; c++) {
		if (quoted && *c == '\\' && c[1])
			c++;
		else if (*c == '"' && !single)
			quoted = !quoted;
		else if (*c == '\'' && c > s)
			single = false;
		else if ((*c == ';' || *c == '#') && !quoted && !single &&
			 (c == s || is_blank(c[-1]))) {
			*c = '\0';
			return true;
		}
	}
	return !quoted && !single;
}

/* The closing quote of s[0], or NULL. */
static char *closing_quote(char *s)
{
	char *c = s + 1;

	while (*c && *c != *s)
		c += *s == '"' && *c == '\\' && c[1] ? 2 : 1;
	return *c ? c : NULL;
}

/* "a b" or 'a b' as a whole becomes a b; anything else stays. */
static char *unquote(char *s)
{
	char *end, *to = s + 1;

	if (*s != '"' && *s != '\'')
		return s;
	end = closing_quote(s);
	if (!end || end[1])
		return s;
	*end = '\0';
	for (char *from = to; *from; from++) {
		if (*s == '"' && *from == '\\' && (from[1] == '"' || from[1] == '\\'))
			from++;
		*to++ = *from;
	}
	*to = '\0';
	return s + 1;
}

static enum config_line_kind section(char *s, char **key, const char **why)
{
	char *end = strchr(s, ']');

	*key = s;
	*why = "a section is [ringleader] or [vm NAME]";
	if (!end)
		return LINE_BAD_SECTION;

	char *rest = config_trim(end + 1);

	if (*rest && *rest != ';' && *rest != '#')
		return LINE_BAD_SECTION;
	*end = '\0';
	*key = config_trim(s + 1);
	return LINE_SECTION;
}

static enum config_line_kind bad(char *s, char **key, const char *what, const char **why)
{
	*key = s;
	*why = what;
	return LINE_BAD;
}

enum config_line_kind config_line(char *s, char **key, char **value, const char **why)
{
	char *eq;

	s = config_trim(s);
	if (!*s || *s == ';' || *s == '#')
		return LINE_EMPTY;
	if (*s == '[')
		return section(s, key, why);
	eq = strchr(s, '=');
	if (!eq)
		return bad(s, key, "expected key = value", why);
	if (has_control(s))
		return bad(s, key, "a control character", why);
	*eq = '\0';
	*key = config_trim(s);
	*value = config_trim(eq + 1);
	if (!cut_comment(*value))
		return bad(*key, key, "a quote is not closed", why);
	*value = unquote(config_trim(*value));
	return LINE_SETTING;
}
