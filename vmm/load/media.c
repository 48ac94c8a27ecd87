/* SPDX-License-Identifier: MIT */
/*
 * What an image says of its own size: a floppy disk's format, the volume descriptor of a CD (ECMA
 * 119, 8.4), the partition table of a disk.
 */
#include "vmm/load/media.h"

#include "emu/chip/floppy_format.h"
#include "kernel/base/print.h"
#include "kernel/base/string.h"

#define CD_BLOCK 2048u
#define CD_PVD	 (16u * CD_BLOCK)

#define MBR_TABLE     446u
#define MBR_ENTRY     16u
#define MBR_TYPE_GPT  0xee
#define MBR_SIGNATURE 510u

static u32 get32(const u8 *p)
{
	return (u32)p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

u32 media_unit(enum drive_kind kind)
{
	return kind == DRIVE_CDROM ? CD_BLOCK / DISK_SECTOR : 1;
}

/* How many bytes it should have, by what it says itself; 0: it says nothing. */
static u64 cd_size(const u8 *image, u64 size)
{
	const u8 *pvd = image + CD_PVD;

	if (size < CD_PVD + CD_BLOCK || pvd[0] != 1 || memcmp(pvd + 1, "CD001", 5))
		return 0;
	return (u64)get32(pvd + 80) * CD_BLOCK;
}

static u64 disk_size(const u8 *image, u64 size)
{
	u64 end = 0;

	if (size < DISK_SECTOR || image[MBR_SIGNATURE] != 0x55 || image[MBR_SIGNATURE + 1] != 0xaa)
		return 0;
	for (unsigned i = 0; i < 4; i++) {
		const u8 *e = image + MBR_TABLE + i * MBR_ENTRY;

		/* A boot sector without partitions has code here, and no such first byte. */
		if (e[0] & 0x7f)
			return 0;
		if (e[4] && e[4] != MBR_TYPE_GPT)
			end = MAX(end, (u64)get32(e + 8) + get32(e + 12));
	}
	return end * DISK_SECTOR;
}

static u64 whole_size(enum drive_kind kind, const u8 *image, u64 size)
{
	switch (kind) {
	case DRIVE_CDROM:
		return cd_size(image, size);
	case DRIVE_DISK:
		return disk_size(image, size);
	default:
		return (u64)floppy_format_sectors(floppy_format_of((size + 511) / 512)) *
		       DISK_SECTOR;
	}
}

bool media_look(enum drive_kind kind, const u8 *image, u64 size, char *note, size_t note_size)
{
	u64 unit = media_unit(kind) * DISK_SECTOR, whole;

	note[0] = '\0';
	if (!size) {
		fmt_print(note, note_size, "it is empty: no medium is in the drive");
		return false;
	}
	if (kind == DRIVE_FLOPPY && !floppy_format_of((size + 511) / 512)) {
		fmt_print(note, note_size, "%llu bytes are more than a floppy disk has",
			  (unsigned long long)size);
		return false;
	}
	whole = whole_size(kind, image, size);
	if (whole > size)
		fmt_print(note, note_size, "it is truncated: %llu bytes of %llu",
			  (unsigned long long)size, (unsigned long long)whole);
	else if (size % unit)
		fmt_print(note, note_size, "%llu bytes: its last sector is filled up with zeros",
			  (unsigned long long)size);
	return true;
}
