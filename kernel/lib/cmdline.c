/* SPDX-License-Identifier: MIT */
/*
 * The monitor's own command line. cmdline.h tells how it is used.
 */
#include "kernel/lib/cmdline.h"

#include "kernel/base/string.h"

#define MAX_WORDS 32

static char text[512];
static const char *word[MAX_WORDS];
static unsigned words;

void cmdline_init(const char *line)
{
	str_copy(text, line, sizeof(text));
	words = 0;
	for (char *p = text; *p;) {
		if (*p == ' ') {
			*p++ = '\0';
			continue;
		}
		if (words < MAX_WORDS)
			word[words++] = p;
		while (*p && *p != ' ')
			p++;
	}
}

const char *cmdline_get(const char *key)
{
	size_t n = strlen(key);

	for (unsigned i = words; i-- > 0;) {
		if (strncmp(word[i], key, n))
			continue;
		if (word[i][n] == '=')
			return word[i] + n + 1;
		if (!word[i][n])
			return "";
	}
	return NULL;
}
