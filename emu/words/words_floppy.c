/* SPDX-License-Identifier: MIT */
/*
 * The floppy disk controller and its drives.
 */
#include "emu/chip/i82077.h"
#include "emu/chip/i82077_pins.h"
#include "emu/words/words_each.h"
#include "emu/words/words_text.h"

static void print_drive(const struct i82077 *f, unsigned n, const struct dbg_out *out)
{
	static const char *const type[] = { "no drive",	     "360 KiB 5.25\"", "1.2 MiB 5.25\"",
					    "720 KiB 3.5\"", "1.44 MiB 3.5\"", "2.88 MiB 3.5\"" };
	const struct i82077_drive *d = &f->drive[n];
	const struct floppy_format *format;

	dbg_print(out, "drive %u: %s, motor %s", n, type[MIN((u32)d->type, 5u)],
		  words_on(f->dor & DOR_MOTOR(n)));
	if (!d->type)
		return;
	format = d->port.backend->sectors ? i82077_format(d) : NULL;
	if (format)
		words_say(out, "disk", "%u tracks, %u heads, %u sectors%s", format->tracks,
			  format->heads, format->sectors,
			  d->port.backend->read_only ? ", write-protected" : "");
	else
		words_say(out, "disk", "%s",
			  d->port.backend->sectors ? "of a format that it cannot read" : "none");
	words_say(out, "heads", "at track %u, the controller takes it for %u", d->track, f->pcn[n]);
	words_say(out, "changed (DSKCHG)", "%s", d->changed ? "yes" : "no");
}

static void print_transfer(const struct i82077 *f, const struct dbg_out *out)
{
	const struct i82077_transfer *t = &f->t;

	words_say(out, "transfer", "unit %u, cylinder %u, head %u, sector %u of %u, %s", t->unit,
		  t->c, t->h, t->r, t->eot,
		  t->mover == I82077_DISK    ? "the disk moves"
		  : t->mover == I82077_GUEST ? "the guest moves"
					     : "nobody moves");
}

void words_i82077(const void *dev, const struct dbg_out *out)
{
	static const char *const phase[] = { "command", "execution", "result" };
	static const char *const rate[] = { "500", "300", "250", "1000" };
	const struct i82077 *f = dev;

	dbg_print(out, "controller: %s, %s kbit/s, drive %u selected; IRQ 6 and DMA %s",
		  f->dor & DOR_NOT_RESET ? "runs" : "held in reset", rate[f->rate & 3], f->dor & 3,
		  f->dor & DOR_DMA_GATE ? "connected" : "cut off");
	words_say(out, "phase", "%s, %u of %u bytes moved", phase[f->phase], f->fifo_at,
		  f->fifo_length);
	if (f->phase == I82077_EXECUTION) {
		words_say(out, "command", "%02x", f->command);
		print_transfer(f, out);
	}
	words_say(out, "mode", "%s, FIFO %s, polling %s, implied seeks %s",
		  f->specify[1] & SPECIFY_ND ? "no DMA" : "DMA",
		  words_on(!(f->configure & CONFIGURE_EFIFO)),
		  words_on(!(f->configure & CONFIGURE_POLL)),
		  words_on(f->configure & CONFIGURE_EIS));
	words_say(out, "last result", "ST0 %02x, ST1 %02x, ST2 %02x", f->st0, f->st1, f->st2);
	words_numbers(out, "seeking units", f->seeking, 0);
	words_say(out, "IRQ 6", "%s%s%s%s", words_up(f->level), f->result_int ? ", a result" : "",
		  f->data_int ? ", data" : "",
		  f->sense_int ? ", a seek or reset to be sensed" : "");
	for (unsigned n = 0; n < I82077_DRIVES; n++)
		print_drive(f, n, out);
}
