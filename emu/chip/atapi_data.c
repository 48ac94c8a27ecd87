/* SPDX-License-Identifier: MIT */
/*
 * One disc with one session and one track of data, which begins at block 0: all that an image is.
 */
#include "emu/chip/atapi_data.h"

#include "kernel/base/string.h"

#define PREGAP	 150u /* blocks before block 0 */
#define LEAD_OUT 0xaa
#define DATA	 0x14 /* ADR 1, control 4: a data track */
#define SPEED	 5632 /* kB/s, 32 times */

u32 atapi_inquiry(u8 *to)
{
	static const u8 head[] = { 0x05, 0x80, 0x00, 0x21, 31, 0, 0, 0 };

	memcpy(to, head, sizeof(head));
	memcpy(to + 8, "RL      RINGLEADER CDROM1.0 ", 28);
	return 36;
}

u32 atapi_sense(const struct ata_device *d, u8 *to)
{
	to[0] = 0x70;
	to[2] = d->sense_key;
	to[7] = 10;
	to[12] = d->asc;
	to[13] = d->ascq;
	return 18;
}

/* --- Tables of contents */

static void put_address(u8 *to, u32 block, bool msf)
{
	u32 at = block + PREGAP;

	if (!msf) {
		atapi_put32(to, block);
		return;
	}
	to[1] = (u8)(at / 75 / 60);
	to[2] = (u8)(at / 75 % 60);
	to[3] = (u8)(at % 75);
}

static u32 put_track(u8 *to, u8 track, u32 block, bool msf)
{
	to[1] = DATA;
	to[2] = track;
	put_address(to + 4, block, msf);
	return 8;
}

static u32 tracks(u8 *to, bool msf, unsigned track, u32 blocks)
{
	u32 n = 4;

	if (track > 1 && track != LEAD_OUT)
		return 0;
	to[2] = to[3] = 1;
	if (track <= 1)
		n += put_track(to + n, 1, 0, msf);
	n += put_track(to + n, LEAD_OUT, blocks, msf);
	atapi_put16(to, n - 2);
	return n;
}

static u32 sessions(u8 *to, bool msf)
{
	to[1] = 10;
	to[2] = to[3] = 1;
	put_track(to + 4, 1, 0, msf);
	return 12;
}

/* Points A0h and A1h, first and last track; A2h, the lead-out; track 1. */
static u32 full(u8 *to, u32 blocks)
{
	static const u8 point[] = { 0xa0, 0xa1, 0xa2, 1 };
	u32 n = 4;

	to[2] = to[3] = 1;
	for (unsigned i = 0; i < ARRAY_SIZE(point); i++, n += 11) {
		u8 address[4] = { 0 };

		to[n] = 1;
		to[n + 1] = DATA;
		to[n + 3] = point[i];
		if (point[i] == 0xa2 || point[i] == 1)
			put_address(address, point[i] == 1 ? 0 : blocks, true);
		else
			address[1] = 1;
		memcpy(to + n + 7, address, 4);
	}
	atapi_put16(to, n - 2);
	return n;
}

u32 atapi_toc(u8 *to, unsigned format, bool msf, unsigned track, u32 blocks)
{
	switch (format) {
	case 0:
		return tracks(to, msf, track, blocks);
	case 1:
		return sessions(to, msf);
	case 2:
		return full(to, blocks);
	default:
		return 0;
	}
}

/* --- Mode pages, features */

static u32 error_recovery(u8 *to)
{
	to[0] = 0x01;
	to[1] = 6;
	to[3] = 5; /* retries */
	return 8;
}

static u32 capabilities(const struct ata_device *d, u8 *to)
{
	to[0] = 0x2a;
	to[1] = 18;
	to[2] = 0x3b;			 /* CD-R, CD-RW, DVD-ROM are read */
	to[4] = 0x70;			 /* multi-session, both modes 2 */
	to[6] = d->locked ? 0x2b : 0x29; /* tray, eject, lock */
	atapi_put16(to + 8, SPEED);
	atapi_put16(to + 12, 512); /* KiB of buffer */
	atapi_put16(to + 14, SPEED);
	return 20;
}

u32 atapi_mode_pages(const struct ata_device *d, u8 *to, unsigned page)
{
	u32 n = 8;

	if (page == 0x01 || page == 0x3f)
		n += error_recovery(to + n);
	if (page == 0x2a || page == 0x3f)
		n += capabilities(d, to + n);
	if (n == 8)
		return 0;
	atapi_put16(to, n - 2);
	to[2] = d->port->backend->sectors && !d->tray_open ? 0x01 : 0x70; /* data disc, none */
	return n;
}

#define PROFILE_CD 0x0008

static u32 put_feature(u8 *to, u32 code, u8 flags, u32 data)
{
	atapi_put16(to, code);
	to[2] = flags; /* bit 0: it is current */
	to[3] = 4;
	atapi_put32(to + 4, data);
	return 8;
}

u32 atapi_configuration(u8 *to, bool medium, unsigned kind, unsigned first)
{
	const struct {
		u16 code;
		u8 flags;
		u32 data;
	} features[] = {
		{ 0x0000, 0x03, PROFILE_CD << 16 | (medium ? 0x0100u : 0) },
		{ 0x0001, 0x0b, 2 },	       /* core: ATAPI */
		{ 0x0003, 0x03, 0x29000000 },  /* removable: tray, eject, lock */
		{ 0x001e, medium ? 1 : 0, 0 }, /* CD read */
	};
	u32 n = 8;

	for (unsigned i = 0; i < ARRAY_SIZE(features); i++)
		if (kind == 2 ? features[i].code == first
			      : features[i].code >= first && (!kind || (features[i].flags & 1)))
			n += put_feature(to + n, features[i].code, features[i].flags,
					 features[i].data);
	atapi_put32(to, n - 4);
	atapi_put16(to + 6, medium ? PROFILE_CD : 0);
	return n;
}

u32 atapi_disc_information(u8 *to)
{
	atapi_put16(to, 32);
	to[2] = 0x0e; /* complete, last session complete */
	to[3] = to[4] = to[5] = to[6] = 1;
	to[7] = 0x20; /* may be used without restriction */
	memset(to + 16, 0xff, 8);
	return 34;
}

void atapi_raw_block(u8 *to, const u8 *block, u32 lba)
{
	static const u8 sync[12] = { 0,	   0xff, 0xff, 0xff, 0xff, 0xff,
				     0xff, 0xff, 0xff, 0xff, 0xff, 0 };
	u8 msf[4] = { 0 };

	memmove(to + 16, block, 2048);
	memset(to + 16 + 2048, 0, 288);
	put_address(msf, lba, true);
	memcpy(to, sync, sizeof(sync));
	for (unsigned i = 1; i < 4; i++) /* BCD */
		to[11 + i] = (u8)(msf[i] / 10 << 4 | msf[i] % 10);
	to[15] = 1; /* mode 1 */
}
