/* SPDX-License-Identifier: MIT */
/*
 * Phases and pins.
 *
 *   INT = result phase after an interrupting command
 *       | execution phase without DMA, while bytes are wanted
 *       | command phase, while a seek or a reset has ended and was not sensed
 */
#include "emu/chip/i82077_pins.h"

#include "kernel/base/string.h"

void i82077_sync(struct i82077 *f)
{
	bool on = f->result_int || f->data_int || (f->sense_int && f->phase == I82077_COMMAND);

	on = on && (f->dor & DOR_DMA_GATE) && (f->dor & DOR_NOT_RESET);
	if (on == f->level)
		return;
	f->level = on;
	irq_set(&f->irq, on);
}

void i82077_later(struct i82077 *f, u8 what)
{
	f->later |= what;
	completion_post(f->completions, &f->completion);
}

static void result_phase(struct i82077 *f, const u8 *results, unsigned n)
{
	memcpy(f->fifo, results, n);
	f->fifo_at = 0;
	f->fifo_length = (u8)n;
	f->phase = I82077_RESULT;
}

void i82077_answer(struct i82077 *f, const u8 *results, unsigned n)
{
	result_phase(f, results, n);
	i82077_sync(f);
}

void i82077_end(struct i82077 *f, u8 st0, u8 st1, u8 st2)
{
	f->st0 = (u8)(st0 | f->t.head << 2 | f->t.unit);
	f->st1 = st1;
	f->st2 = st2;
	f->t.mover = I82077_NOBODY;
	f->data_int = false;
	dma_request(&f->dma, false);
	i82077_sync(f);
	i82077_later(f, I82077_LATER_END);
}

void i82077_end_now(struct i82077 *f)
{
	const struct i82077_transfer *t = &f->t;
	const u8 results[] = { f->st0, f->st1, f->st2, t->c, t->h, t->r, t->n };

	result_phase(f, results, sizeof(results));
	f->result_int = true;
	i82077_sync(f);
}

/* A seek that ended meanwhile is told now. */
void i82077_idle(struct i82077 *f)
{
	f->phase = I82077_COMMAND;
	f->fifo_at = f->fifo_length = 0;
	f->result_int = false;
	f->sense_int |= (f->sensed & ~f->polled) != 0;
	i82077_sync(f);
}

struct i82077_drive *i82077_drive_of(struct i82077 *f, unsigned unit)
{
	return unit < I82077_DRIVES && f->drive[unit].type ? &f->drive[unit] : NULL;
}

const struct floppy_format *i82077_format(const struct i82077_drive *d)
{
	const struct floppy_format *format = floppy_format_of(d->port.backend->sectors);

	return floppy_drive_reads(d->type, format) ? format : NULL;
}

/* A step while a disk is in the drive ends DSKCHG. */
void i82077_step_to(struct i82077 *f, unsigned unit, unsigned track)
{
	struct i82077_drive *d = i82077_drive_of(f, unit);
	unsigned last;

	if (!d)
		return;
	last = floppy_drive_tracks(d->type) - 1u;
	if (track != d->track && d->port.backend->sectors)
		d->changed = false;
	d->track = (u8)MIN(track, last);
}
