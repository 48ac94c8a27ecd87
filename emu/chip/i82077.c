/* SPDX-License-Identifier: MIT */
/*
 * Registers and resets of the 82077AA in AT mode:
 *
 *   3F2 DOR   motors(4) DMA gate, not reset, drive(2)      3F5 FIFO
 *   3F3 TDR   tape(2)                                      3F7 read: DIR, DSKCHG in bit 7
 *   3F4 read: MSR  RQM DIO NDM CB busy(4)                      write: CCR, rate(2)
 *       write: DSR  reset, power down, 0, precompensation(3), rate(2)
 *
 * SRA and SRB (3F0h, 3F1h) are not there in this mode. The low seven bits of DIR belong to the IDE
 * controller, which leaves them up.
 */
#include "emu/chip/i82077.h"

#include "emu/chip/i82077_command.h"
#include "emu/chip/i82077_pins.h"
#include "emu/chip/i82077_transfer.h"
#include "emu/snap/snap.h"
#include "kernel/base/string.h"

enum { DOR = 2, TDR, MSR_DSR, FIFO };

#define DSR_RESET  0x80
#define MSR_RQM	   0x80
#define MSR_DIO	   0x40
#define MSR_NDM	   0x20
#define MSR_BUSY   0x10
#define DIR_CHANGE 0x80

/* --- Reset */

/* What a command has begun is given up. */
static void stop(struct i82077 *f)
{
	struct i82077_drive *d = i82077_drive_of(f, f->t.unit);

	if (d && d->port.completions)
		disk_cancel(&d->port, &f->request);
	completion_cancel(f->completions, &f->completion);
	f->later = f->seeking = f->recalibrating = 0;
	memset(&f->t, 0, sizeof(f->t));
	dma_request(&f->dma, false);
}

/* By DOR or DSR. LOCK keeps the FIFO's settings. */
static void software_reset(struct i82077 *f)
{
	stop(f);
	f->sensed = f->polled = 0;
	f->result_int = f->data_int = f->sense_int = false;
	memset(f->pcn, 0, sizeof(f->pcn));
	if (f->lock) {
		f->configure &= CONFIGURE_EFIFO | CONFIGURE_THR;
	} else {
		f->configure = CONFIGURE_EFIFO;
		f->pretrk = 0;
	}
	f->perpendicular &= 0x3c;
	i82077_idle(f);
}

/* Each unit's ready line is polled, and is seen to have changed. */
static void reset_ends(struct i82077 *f)
{
	if (f->configure & CONFIGURE_POLL)
		return;
	for (unsigned unit = 0; unit < I82077_UNITS; unit++)
		f->sense[unit] = (u8)(ST0_POLLED | unit);
	f->sensed = f->polled = 0x0f;
	f->sense_int = true;
	i82077_sync(f);
}

static void run_later(void *ctx)
{
	struct i82077 *f = ctx;
	u8 what = f->later;

	f->later = 0;
	if (what & I82077_LATER_RESET)
		reset_ends(f);
	if (what & I82077_LATER_SEEK)
		i82077_seeks_end(f);
	if (what & I82077_LATER_END)
		i82077_end_now(f);
}

/* --- Registers */

static void write_dor(struct i82077 *f, u8 v)
{
	u8 changed = f->dor ^ v;

	f->dor = v;
	if (changed & DOR_NOT_RESET) {
		software_reset(f);
		if (v & DOR_NOT_RESET)
			i82077_later(f, I82077_LATER_RESET);
	}
	i82077_sync(f);
	i82077_drive_dreq(f);
}

static void write_dsr(struct i82077 *f, u8 v)
{
	f->rate = v & 3;
	if (!(v & DSR_RESET) || !(f->dor & DOR_NOT_RESET))
		return;
	software_reset(f);
	i82077_later(f, I82077_LATER_RESET);
}

static u8 read_msr(const struct i82077 *f)
{
	bool guest = f->t.mover == I82077_GUEST && (f->specify[1] & SPECIFY_ND);
	u8 msr = f->seeking;

	if (!(f->dor & DOR_NOT_RESET))
		return 0;
	switch (f->phase) {
	case I82077_COMMAND:
		return msr | MSR_RQM | (f->fifo_at ? MSR_BUSY : 0);
	case I82077_RESULT:
		return msr | MSR_RQM | MSR_DIO | MSR_BUSY;
	default:
		return (u8)(msr | MSR_BUSY | (f->specify[1] & SPECIFY_ND ? MSR_NDM : 0) |
			    (guest ? MSR_RQM | (i82077_to_guest(f) ? MSR_DIO : 0) : 0));
	}
}

static u8 read_fifo(struct i82077 *f)
{
	u8 v;

	if (!(f->dor & DOR_NOT_RESET) || f->phase == I82077_COMMAND)
		return 0xff;
	if (f->phase == I82077_EXECUTION)
		return i82077_data_read(f);
	v = f->fifo[f->fifo_at++];
	f->result_int = false;
	if (f->fifo_at == f->fifo_length)
		i82077_idle(f);
	else
		i82077_sync(f);
	return v;
}

static void write_fifo(struct i82077 *f, u8 v)
{
	if (!(f->dor & DOR_NOT_RESET) || f->phase == I82077_RESULT)
		return;
	if (f->phase == I82077_EXECUTION) {
		i82077_data_write(f, v);
		return;
	}
	if (!f->fifo_at)
		f->fifo_length = (u8)i82077_command_length(v);
	f->fifo[f->fifo_at++] = v;
	if (f->fifo_at == f->fifo_length)
		i82077_execute(f);
}

/* A drive that is not selected drives nothing: the line is pulled up, which is inactive. */
static u8 read_dir(struct i82077 *f)
{
	unsigned unit = f->dor & 3;
	const struct i82077_drive *d = i82077_drive_of(f, unit);
	bool selected = d && (f->dor & DOR_MOTOR(unit));

	return (u8)(0x7f | (selected && d->changed ? DIR_CHANGE : 0));
}

static u32 port_read(void *dev, u16 offset, unsigned size)
{
	struct i82077 *f = dev;

	(void)size;
	switch (offset) {
	case DOR:
		return f->dor;
	case TDR:
		return f->tdr | 0xfcu;
	case MSR_DSR:
		return read_msr(f);
	case FIFO:
		return read_fifo(f);
	default:
		return 0xff;
	}
}

static void port_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct i82077 *f = dev;
	u8 v = (u8)value;

	(void)size;
	switch (offset) {
	case DOR:
		write_dor(f, v);
		break;
	case TDR:
		f->tdr = v & 3;
		break;
	case MSR_DSR:
		write_dsr(f, v);
		break;
	case FIFO:
		write_fifo(f, v);
		break;
	}
}

static u32 dir_read(void *dev, u16 offset, unsigned size)
{
	(void)offset;
	(void)size;
	return read_dir(dev);
}

static void ccr_write(void *dev, u16 offset, unsigned size, u32 value)
{
	(void)offset;
	(void)size;
	((struct i82077 *)dev)->rate = value & 3;
}

static const struct bus_ports ports = { port_read, port_write, 1 };
static const struct bus_ports dir_ports = { dir_read, ccr_write, 1 };

/* --- The device */

static void medium_changed(void *dev)
{
	((struct i82077_drive *)dev)->changed = true;
}

static void i82077_reset(void *dev)
{
	struct i82077 *f = dev;

	f->lock = false;
	software_reset(f);
	f->dor = DOR_NOT_RESET | DOR_DMA_GATE;
	f->tdr = 0;
	f->rate = FLOPPY_250K;
	memset(f->specify, 0, sizeof(f->specify));
	f->perpendicular = 0;
	f->command = 0;
	f->st0 = f->st1 = f->st2 = 0;
	memset(f->fifo, 0, sizeof(f->fifo));
	memset(f->sense, 0, sizeof(f->sense));
	memset(f->seek_to, 0, sizeof(f->seek_to));
	memset(f->buffer, 0, sizeof(f->buffer));
	f->request.op = DISK_READ;
	f->request.sector = f->request.sectors = 0;
	i82077_sync(f);
}

static int init_drive(struct i82077 *f, unsigned unit, const struct drive *place)
{
	struct i82077_drive *d = &f->drive[unit];

	if (place->kind != DRIVE_FLOPPY)
		return 0;
	d->type = floppy_drive_for(floppy_format_of(place->backend->sectors));
	d->changed = true;
	return disk_open(&d->port, place->backend, f->completions, medium_changed, d);
}

static int i82077_init(void *dev, const struct device_bay *bay)
{
	struct i82077 *f = dev;
	int err = 0;

	f->irq = bay->irq[0];
	f->dma = bay->dma;
	f->host = bay->host;
	f->completions = bay->completions;
	f->completion = (struct completion){ .run = run_later, .ctx = f };
	f->request.done = i82077_disk_done;
	f->request.dev = f;
	f->request.data = f->buffer;
	dma_attach(&f->dma, i82077_granted, f);
	for (unsigned unit = 0; unit < I82077_DRIVES && !err; unit++)
		err = init_drive(f, unit, &bay->drives[PLACE_FLOPPY0 + unit]);
	i82077_reset(f);
	return err;
}

static void i82077_destroy(void *dev)
{
	struct i82077 *f = dev;

	if (!f->completions)
		return;
	completion_cancel(f->completions, &f->completion);
	for (unsigned unit = 0; unit < I82077_DRIVES; unit++)
		disk_close(&f->drive[unit].port);
}

/* --- Saving */

static void drive_state(struct i82077_drive *d, struct snap *s)
{
	u64 sectors = d->port.backend ? d->port.backend->sectors : 0, saved = sectors;

	disk_settle(&d->port, s->loading);
	snap_range(s, d->track, 0, 83);
	snap_bool(s, d->changed);
	snap_u64(s, saved);
	d->changed |= saved != sectors;
}

static void transfer_state(struct i82077 *f, struct snap *s)
{
	struct i82077_transfer *t = &f->t;

	snap_range(s, t->unit, 0, I82077_UNITS - 1);
	snap_range(s, t->head, 0, 1);
	snap_u8(s, t->c);
	snap_u8(s, t->h);
	snap_u8(s, t->r);
	snap_u8(s, t->n);
	snap_u8(s, t->eot);
	snap_u8(s, t->dtl);
	if (s->version >= 2)
		snap_u8(s, t->stepped);
	snap_range(s, t->run, 0, I82077_SECTORS);
	snap_enum(s, t->mover, I82077_GUEST + 1);
	snap_bool(s, t->tc);
	snap_range(s, t->length, 0, sizeof(f->buffer));
	snap_range(s, t->at, 0, t->length);
	snap_bool(s, t->differs);
	snap_bool(s, t->failed);
	snap_range(s, t->to_format, 0, BIT64(I82077_SECTORS) - 1);
	snap_u8(s, t->st1);
	snap_u8(s, t->st2);
	if (t->mover != I82077_NOBODY)
		snap_bytes(s, f->buffer, sizeof(f->buffer));
	snap_enum(s, f->request.op, DISK_WRITE + 1);
	snap_u64(s, f->request.sector);
	snap_range(s, f->request.sectors, 0, I82077_SECTORS);
	/* Only one that has a drive is under way, only in the execution phase, and the guest's part
	 * is not over. */
	snap_require(s, t->mover == I82077_NOBODY ||
				(f->phase == I82077_EXECUTION && i82077_drive_of(f, t->unit)));
	snap_require(s, t->mover != I82077_GUEST || t->at < t->length);
}

static void i82077_state(void *dev, struct snap *s)
{
	struct i82077 *f = dev;

	snap_u8(s, f->dor);
	snap_range(s, f->tdr, 0, 3);
	snap_range(s, f->rate, 0, 3);
	snap_bytes(s, f->specify, sizeof(f->specify));
	snap_range(s, f->configure, 0, 0x7f);
	snap_u8(s, f->pretrk);
	snap_range(s, f->perpendicular, 0, 0x3f);
	snap_bool(s, f->lock);
	snap_enum(s, f->phase, I82077_RESULT + 1);
	snap_bytes(s, f->fifo, sizeof(f->fifo));
	snap_range(s, f->fifo_length, 0, sizeof(f->fifo));
	snap_range(s, f->fifo_at, 0, f->fifo_length);
	snap_require(s, f->phase == I82077_EXECUTION || !f->fifo_length ||
				f->fifo_at < f->fifo_length);
	snap_require(s, f->phase != I82077_RESULT || f->fifo_length);
	snap_u8(s, f->command);
	snap_bool(s, f->result_int);
	snap_bool(s, f->data_int);
	snap_bool(s, f->sense_int);
	snap_bytes(s, f->sense, sizeof(f->sense));
	snap_range(s, f->sensed, 0, 15);
	snap_range(s, f->polled, 0, 15);
	snap_range(s, f->seeking, 0, 15);
	snap_range(s, f->recalibrating, 0, 15);
	snap_bytes(s, f->seek_to, sizeof(f->seek_to));
	snap_bytes(s, f->pcn, sizeof(f->pcn));
	snap_range(s, f->later, 0, 7);
	snap_u8(s, f->st0);
	snap_u8(s, f->st1);
	snap_u8(s, f->st2);
	transfer_state(f, s);
	for (unsigned unit = 0; unit < I82077_DRIVES; unit++)
		drive_state(&f->drive[unit], s);
	if (!s->loading || !snap_ok(s))
		return;
	if (f->later)
		completion_post(f->completions, &f->completion);
	i82077_sync(f);
	i82077_transfer_resume(f);
}

/* The host's disk may end a request at any time. */
static bool i82077_can_wake(const void *dev)
{
	return ((const struct i82077 *)dev)->request.pending;
}

u8 i82077_cmos(const struct i82077 *f)
{
	return (u8)(f->drive[0].type << 4 | f->drive[1].type);
}

const struct device_class i82077_class = {
	.name = "i82077",
	.version = 2,
	.size = sizeof(struct i82077),
	.ports = { &ports, &dir_ports },
	.init = i82077_init,
	.reset = i82077_reset,
	.destroy = i82077_destroy,
	.state = i82077_state,
	/* The request is submitted again, and the completion posted again. */
	.unsaved = DEVICE_PART(struct i82077, buffer, completion),
	.can_wake = i82077_can_wake,
	.title = "82077AA floppy",
	.file = "i82077.c",
	.has = "all commands, two drives of 360K to 2.88M by their image, DMA and PIO, FIFO "
	       "threshold, implied seeks, media change, polling, LOCK; sectors that an image has "
	       "not "
	       "are not found",
	.lacks = "PS/2 and Model 30 modes, FM, sectors of other sizes than 512, deleted marks, "
		 "formats "
		 "that the image has not, SCAN by two, tape, power down; nothing takes time",
};
