/* SPDX-License-Identifier: MIT */
/*
 * Formats of floppy disks: those of DOS from 1.0 on, and the two that put 21 sectors on a track.
 */
#include "emu/chip/floppy_format.h"

/* By growing size. A drive for 5.25" double density has no other rate: it is its own. */
static const struct floppy_format formats[] = {
	{ 40, 1, 8, FLOPPY_250K, FLOPPY_360K },	  { 40, 1, 9, FLOPPY_250K, FLOPPY_360K },
	{ 40, 2, 8, FLOPPY_250K, FLOPPY_360K },	  { 40, 2, 9, FLOPPY_250K, FLOPPY_360K },
	{ 80, 2, 9, FLOPPY_250K, FLOPPY_720K },	  { 80, 2, 15, FLOPPY_500K, FLOPPY_1200K },
	{ 80, 2, 18, FLOPPY_500K, FLOPPY_1440K }, { 80, 2, 21, FLOPPY_500K, FLOPPY_1440K },
	{ 82, 2, 21, FLOPPY_500K, FLOPPY_1440K }, { 80, 2, 36, FLOPPY_1M, FLOPPY_2880K },
};

u32 floppy_format_sectors(const struct floppy_format *f)
{
	return (u32)f->tracks * f->heads * f->sectors;
}

const struct floppy_format *floppy_format_of(u64 sectors)
{
	for (unsigned i = 0; sectors && i < ARRAY_SIZE(formats); i++)
		if (sectors <= floppy_format_sectors(&formats[i]))
			return &formats[i];
	return NULL;
}

/* 720K gets a drive of 1.44M: the same disks, and others. */
enum floppy_drive floppy_drive_for(const struct floppy_format *f)
{
	if (!f)
		return FLOPPY_2880K;
	return f->drive == FLOPPY_720K ? FLOPPY_1440K : f->drive;
}

/* 360K in a drive of 1.2M needs double steps, which this does not have. */
bool floppy_drive_reads(enum floppy_drive drive, const struct floppy_format *f)
{
	if (!f || drive == FLOPPY_NO_DRIVE)
		return false;
	return drive == f->drive ||
	       (drive >= FLOPPY_720K && f->drive >= FLOPPY_720K && f->drive <= drive);
}

/* As far as the carriage goes: a few more than are used. */
u8 floppy_drive_tracks(enum floppy_drive drive)
{
	return drive == FLOPPY_360K ? 42 : 84;
}
