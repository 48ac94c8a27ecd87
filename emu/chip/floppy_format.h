/* SPDX-License-Identifier: MIT */
/*
 * What is on a floppy disk, by the size of its image, and which drive can read it.
 */
#pragma once

#include "kernel/base/types.h"

/* Types of drives as CMOS register 10h has them. */
enum floppy_drive {
	FLOPPY_NO_DRIVE = 0,
	FLOPPY_360K = 1,  /* 5.25", 40 tracks, double density */
	FLOPPY_1200K = 2, /* 5.25", 80 tracks, high density */
	FLOPPY_720K = 3,
	FLOPPY_1440K = 4, /* 3.5", high density, reads 720K too */
	FLOPPY_2880K = 5, /* 3.5", extra density, reads all of 3.5" */
};

/* Data rates as registers DSR and CCR have them. */
enum floppy_rate { FLOPPY_500K = 0, FLOPPY_300K = 1, FLOPPY_250K = 2, FLOPPY_1M = 3 };

struct floppy_format {
	u8 tracks, heads, sectors;
	enum floppy_rate rate;
	enum floppy_drive drive; /* the one that it was made for */
};

/* The format of so many sectors of 512 bytes, or the smallest that holds them; NULL: none does, or
 * there are none. */
const struct floppy_format *floppy_format_of(u64 sectors);
u32 floppy_format_sectors(const struct floppy_format *f);
/* The drive for an image; NULL: the one that takes most. */
enum floppy_drive floppy_drive_for(const struct floppy_format *f);
bool floppy_drive_reads(enum floppy_drive drive, const struct floppy_format *f);
u8 floppy_drive_tracks(enum floppy_drive drive);
