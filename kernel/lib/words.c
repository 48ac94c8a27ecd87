/* SPDX-License-Identifier: MIT */
/*
 * Typed lines.
 */
#include "kernel/lib/words.h"

#include "kernel/base/string.h"

/* The quote that closes the one at p, or the end of the text. */
static char *closing(char *p)
{
	char quote = *p++;

	while (*p && *p != quote)
		p += 1 + (quote == '"' && *p == '\\' && p[1]);
	return p;
}

static bool begins_quote(const char *p)
{
	return *p == '"' || *p == '\'';
}

char *words_next_command(char *text)
{
	bool word_begins = true; /* a quote inside a word is no quote */

	for (char *p = text; *p; p++) {
		if (*p == ';') {
			*p = '\0';
			return p + 1;
		}
		if (word_begins && begins_quote(p)) {
			p = closing(p);
			if (!*p)
				return NULL;
		}
		word_begins = *p == ' ';
	}
	return NULL;
}

int words_split(char *command, char **word, int max)
{
	int words = 0;

	for (char *p = command; *p;) {
		if (*p == ' ') {
			*p++ = '\0';
			continue;
		}
		if (words == max)
			break;
		word[words] = p;
		if (begins_quote(p)) {
			word[words]++;
			p = closing(p);
			if (!*p)
				return -1;
			*p++ = '\0';
		} else {
			while (*p && *p != ' ')
				p++;
		}
		words++;
	}
	return words;
}
