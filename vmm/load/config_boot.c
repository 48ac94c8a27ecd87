/* SPDX-License-Identifier: MIT */
/*
 * A list of words, each of them once.
 */
#include "vmm/load/config_boot.h"

#include "kernel/base/string.h"
#include "vmm/load/config_line.h"

static int find(const char *word)
{
	static const char *const kinds[BOOT_KINDS] = { "floppy", "cdrom", "disk", "network" };

	for (int i = 0; i < BOOT_KINDS; i++)
		if (!strcmp(word, kinds[i]))
			return i;
	return -1;
}

unsigned config_boot_parse(const char *value, enum config_boot order[BOOT_KINDS])
{
	char list[64], *at = list, *comma;
	unsigned n = 0;

	if (strlen(value) >= sizeof(list))
		return 0;
	str_copy(list, value, sizeof(list));
	for (; at; at = comma ? comma + 1 : NULL) {
		int kind;

		comma = strchr(at, ',');
		if (comma)
			*comma = '\0';
		kind = find(config_trim(at));
		for (unsigned i = 0; i < n; i++)
			if (kind == (int)order[i])
				kind = -1;
		if (kind < 0)
			return 0;
		order[n++] = (enum config_boot)kind;
	}
	return n;
}
