/* SPDX-License-Identifier: MIT */
/*
 * The table of commands (data sheet, table 5-1), and those that move no data. The upper three bits
 * of a command's first byte are MT, MFM and SK where it has them.
 */
#include "emu/chip/i82077_command.h"

#include "emu/chip/i82077_pins.h"
#include "emu/chip/i82077_transfer.h"

#define VERSION_82077 0x90
#define LAST_STEP     79 /* pulses of RECALIBRATE */

/* --- Seeks */

static void begin_seek(struct i82077 *f, unsigned unit, u8 track)
{
	u8 bit = (u8)BIT(unit);

	f->seek_to[unit] = track;
	f->seeking |= bit;
	/* What polling found is forgotten by who does not ask. */
	f->sensed &= (u8) ~(f->polled | bit);
	f->polled = 0;
	f->sense_int = f->sensed != 0;
	i82077_idle(f);
	i82077_later(f, I82077_LATER_SEEK);
}

static void seek(struct i82077 *f)
{
	begin_seek(f, f->fifo[1] & 3, f->fifo[2]);
}

static void recalibrate(struct i82077 *f)
{
	f->recalibrating |= (u8)BIT(f->fifo[1] & 3);
	begin_seek(f, f->fifo[1] & 3, 0);
}

static void relative_seek(struct i82077 *f)
{
	unsigned unit = f->fifo[1] & 3;
	bool inwards = f->fifo[0] & 0x40;

	begin_seek(f, unit, (u8)(inwards ? f->pcn[unit] + f->fifo[2] : f->pcn[unit] - f->fifo[2]));
}

/* Where no drive is, nothing says that track 0 was reached. */
static u8 end_recalibrate(struct i82077 *f, unsigned unit)
{
	const struct i82077_drive *d = i82077_drive_of(f, unit);

	if (d)
		i82077_step_to(f, unit, (unsigned)MAX(d->track - LAST_STEP, 0));
	return d && !d->track ? ST0_SEEK_END : ST0_ABNORMAL | ST0_SEEK_END | ST0_EQUIP;
}

/* The heads go as many tracks as there are between what the chip thinks and what it wants. */
static u8 end_seek(struct i82077 *f, unsigned unit)
{
	const struct i82077_drive *d = i82077_drive_of(f, unit);
	int track = d ? d->track + f->seek_to[unit] - f->pcn[unit] : 0;

	i82077_step_to(f, unit, (unsigned)MAX(track, 0));
	return ST0_SEEK_END;
}

void i82077_seeks_end(struct i82077 *f)
{
	for (unsigned unit = 0; unit < I82077_UNITS; unit++) {
		u8 bit = (u8)BIT(unit), st0;

		if (!(f->seeking & bit))
			continue;
		st0 = f->recalibrating & bit ? end_recalibrate(f, unit) : end_seek(f, unit);
		f->pcn[unit] = f->seek_to[unit];
		f->sense[unit] = (u8)(st0 | unit);
		f->sensed |= bit;
	}
	f->seeking = f->recalibrating = 0;
	f->sense_int = true;
	i82077_sync(f);
}

/* --- Status */

static void invalid(struct i82077 *f)
{
	const u8 st0 = ST0_INVALID;

	i82077_answer(f, &st0, 1);
}

static void sense_interrupt(struct i82077 *f)
{
	unsigned unit = 0;

	f->sense_int = false;
	if (!f->sensed) {
		invalid(f);
		return;
	}
	while (!(f->sensed & BIT(unit)))
		unit++;
	f->sensed &= (u8)~BIT(unit);
	f->polled &= (u8)~BIT(unit);

	const u8 results[] = { f->sense[unit], f->pcn[unit] };

	i82077_answer(f, results, sizeof(results));
}

static void sense_drive(struct i82077 *f)
{
	unsigned unit = f->fifo[1] & 3;
	const struct i82077_drive *d = i82077_drive_of(f, unit);
	u8 st3 = (u8)(0x28 | (f->fifo[1] & 7)); /* ready and two-sided: not connected on a PC */

	if (d && !d->track)
		st3 |= 0x10;
	if (d && d->port.backend->sectors && d->port.backend->read_only)
		st3 |= 0x40;
	i82077_answer(f, &st3, 1);
}

static void version(struct i82077 *f)
{
	const u8 v = VERSION_82077;

	i82077_answer(f, &v, 1);
}

static void dumpreg(struct i82077 *f)
{
	const u8 results[] = { f->pcn[0],     f->pcn[1],
			       f->pcn[2],     f->pcn[3],
			       f->specify[0], f->specify[1],
			       f->t.eot,      (u8)(f->lock << 7 | (f->perpendicular & 0x3f)),
			       f->configure,  f->pretrk };

	i82077_answer(f, results, sizeof(results));
}

/* --- Settings */

static void specify(struct i82077 *f)
{
	f->specify[0] = f->fifo[1];
	f->specify[1] = f->fifo[2];
	i82077_idle(f);
}

static void configure(struct i82077 *f)
{
	f->configure = f->fifo[2] & 0x7f;
	f->pretrk = f->fifo[3];
	i82077_idle(f);
}

/* OW 0 D3 D2 D1 D0 GAP WGATE: the drives' bits only with OW. */
static void perpendicular(struct i82077 *f)
{
	u8 kept = f->fifo[1] & 0x80 ? 0 : f->perpendicular & 0x3c;

	f->perpendicular = (u8)(kept | (f->fifo[1] & (f->fifo[1] & 0x80 ? 0x3f : 0x03)));
	i82077_idle(f);
}

static void lock(struct i82077 *f)
{
	u8 result;

	f->lock = f->fifo[0] & 0x80;
	result = (u8)(f->lock << 4);
	i82077_answer(f, &result, 1);
}

/* --- The table */

static const struct {
	u8 mask, value, length;
	void (*execute)(struct i82077 *f);
} commands[] = {
	{ 0x1f, 0x06, 9, i82077_transfer_begin }, /* READ DATA */
	{ 0x1f, 0x0c, 9, i82077_transfer_begin }, /* READ DELETED DATA */
	{ 0x3f, 0x05, 9, i82077_transfer_begin }, /* WRITE DATA */
	{ 0x3f, 0x09, 9, i82077_transfer_begin }, /* WRITE DELETED DATA */
	{ 0xbf, 0x02, 9, i82077_transfer_begin }, /* READ TRACK */
	{ 0x1f, 0x16, 9, i82077_transfer_begin }, /* VERIFY */
	{ 0x1f, 0x11, 9, i82077_transfer_begin }, /* SCAN EQUAL */
	{ 0x1f, 0x19, 9, i82077_transfer_begin }, /* SCAN LOW OR EQUAL */
	{ 0x1f, 0x1d, 9, i82077_transfer_begin }, /* SCAN HIGH OR EQUAL */
	{ 0xbf, 0x0d, 6, i82077_format_begin },	  /* FORMAT TRACK */
	{ 0xbf, 0x0a, 2, i82077_read_id },
	{ 0xff, 0x10, 1, version },
	{ 0xff, 0x07, 2, recalibrate },
	{ 0xff, 0x08, 1, sense_interrupt },
	{ 0xff, 0x03, 3, specify },
	{ 0xff, 0x04, 2, sense_drive },
	{ 0xff, 0x0f, 3, seek },
	{ 0xbf, 0x8f, 3, relative_seek },
	{ 0xff, 0x13, 4, configure },
	{ 0xff, 0x0e, 1, dumpreg },
	{ 0xff, 0x12, 2, perpendicular },
	{ 0x7f, 0x14, 1, lock },
	{ 0x00, 0x00, 1, invalid },
};

static unsigned find(u8 first)
{
	unsigned i = 0;

	while ((first & commands[i].mask) != commands[i].value)
		i++;
	return i;
}

unsigned i82077_command_length(u8 first)
{
	return commands[find(first)].length;
}

void i82077_execute(struct i82077 *f)
{
	f->command = f->fifo[0];
	commands[find(f->command)].execute(f);
}
