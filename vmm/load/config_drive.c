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

enum config_bus config_bus_find(const char *name)
{
	if (!strcmp(name, "ide"))
		return BUS_IDE;
	return strcmp(name, "virtio") ? BUS_OF_MACHINE : BUS_VIRTIO;
}

/* What stands behind a comma, len characters. False: nobody knows it. */
static bool parse_option(struct config_drive *d, const char *option, size_t len)
{
	char word[16];

	if (len >= sizeof(word))
		return false;
	memcpy(word, option, len);
	word[len] = '\0';
	if (!strcmp(word, "readonly")) {
		d->read_only = true;
		return true;
	}
	if (strncmp(word, "bus=", 4))
		return false;
	d->bus = config_bus_find(word + 4);
	return d->bus != BUS_OF_MACHINE;
}

static bool parse_options(struct config_drive *d, const char *comma)
{
	while (comma) {
		const char *option = comma + 1;

		comma = strchr(option, ',');
		if (!parse_option(d, option, comma ? (size_t)(comma - option) : strlen(option)))
			return false;
	}
	return true;
}

const char *config_drive_parse(struct config_drive *d, enum drive_kind kind, const char *value,
			       char *file)
{
	const char *comma = strchr(value, ',');
	size_t n = comma ? (size_t)(comma - value) : strlen(value);

	file[0] = '\0';
	d->there = true;
	if (!n)
		return "not the name of a file";
	if (n >= CONFIG_PATH)
		return "the file's name is too long";
	if (!parse_options(d, comma))
		return "behind a comma only readonly, bus=ide or bus=virtio can stand";
	if (d->bus != BUS_OF_MACHINE && kind != DRIVE_DISK)
		return "only disks have a choice of bus";
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

void config_drives_set_bus(struct config_drive *drives, enum config_bus bus)
{
	for (unsigned n = CONFIG_DISK0; n <= CONFIG_DISK3; n++)
		if (drives[n].bus == BUS_OF_MACHINE)
			drives[n].bus = bus;
}

/* A disk has the same place on either bus, whatever else is there. */
enum drive_place config_drive_place(const struct config_drive *drives, enum config_drive_name n)
{
	unsigned disk = n - CONFIG_DISK0;

	if (n <= CONFIG_FLOPPY1)
		return PLACE_FLOPPY0 + (n - CONFIG_FLOPPY);
	if (n == CONFIG_CDROM)
		return PLACE_IDE2;
	if (drives[n].bus == BUS_VIRTIO)
		return (enum drive_place)(PLACE_VIRTIO0 + disk);
	disk += PLACE_IDE0;
	return (enum drive_place)(disk >= PLACE_IDE2 && drives[CONFIG_CDROM].there ? disk + 1
										   : disk);
}

bool config_drives_fit(const struct config_drive *drives)
{
	const struct config_drive *last = &drives[CONFIG_DISK3];

	return !drives[CONFIG_CDROM].there || !last->there || last->bus == BUS_VIRTIO;
}
