/* SPDX-License-Identifier: MIT */
/*
 * Drives: names, values, places. Options stand behind a comma, so a file's name has none.
 */
#include "vmm/load/config_drive.h"

#include "kernel/base/string.h"

#define EMPTY "empty"

static const char *const names[CONFIG_DRIVES] = { "floppy", "floppy1", "cdrom", "disk0",
						  "disk1",  "disk2",   "disk3" };

int config_drive_find(const char *key)
{
	for (int i = 0; i < CONFIG_DRIVES; i++)
		if (!strcmp(key, names[i]))
			return i;
	return -1;
}

const char *config_drive_name(enum config_drive_name n)
{
	return names[n];
}

const char *config_drive_parse(struct config_drive *d, const char *value, char *file)
{
	const char *comma = strchr(value, ',');
	size_t n = comma ? (size_t)(comma - value) : strlen(value);

	file[0] = '\0';
	d->there = true;
	if (!n)
		return "not the name of a file";
	if (n >= CONFIG_PATH)
		return "the file's name is too long";
	if (comma && strcmp(comma + 1, "readonly"))
		return "behind a comma only readonly can stand";
	d->read_only = comma;
	memcpy(file, value, n);
	file[n] = '\0';
	if (!strcmp(file, EMPTY))
		file[0] = '\0';
	return NULL;
}

enum drive_kind config_drive_kind(enum config_drive_name n)
{
	if (n <= CONFIG_FLOPPY1)
		return DRIVE_FLOPPY;
	return n == CONFIG_CDROM ? DRIVE_CDROM : DRIVE_DISK;
}

enum drive_place config_drive_place(const struct config_drive *drives, enum config_drive_name n)
{
	unsigned at = PLACE_IDE0;

	if (n <= CONFIG_FLOPPY1)
		return PLACE_FLOPPY0 + (n - CONFIG_FLOPPY);
	if (n == CONFIG_CDROM)
		return PLACE_IDE2;
	for (unsigned i = CONFIG_DISK0; i <= (unsigned)n; i++) {
		if (at == PLACE_IDE2 && drives[CONFIG_CDROM].there)
			at++;
		if (i < (unsigned)n)
			at++;
	}
	return (enum drive_place)at;
}

bool config_drives_fit(const struct config_drive *drives)
{
	return !drives[CONFIG_DISK3].there || !drives[CONFIG_CDROM].there;
}
