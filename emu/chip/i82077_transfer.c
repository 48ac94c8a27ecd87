/* SPDX-License-Identifier: MIT */
/*
 * Data goes a run at a time: as many sectors as lie in a row on this side of the track.
 *
 *   read, verify, scan   next_run -> the disk reads -> the guest takes or compares -> next_run ...
 *   write                next_run -> the guest gives -> the disk writes -> next_run ...
 *   format               the guest gives all IDs -> the disk writes each row of sectors
 *
 * A sector is found if its ID is on the track under the heads: the cylinder of that track, this
 * head, 512 bytes (N = 2), a number that the format has; on a truncated image, if it is there. TC
 * ends the command; without it the sector EOT does, and that is an error (data sheet, table 6-1,
 * EN), for VERIFY is not.
 *
 * EOT may lie beyond the track. With MT the side then ends at the last sector that it has, and
 * behind the second side the next cylinder follows; the heads come back at the end. The chip would
 * not find the sector. But SeaBIOS makes EOT of all that INT 13h was asked for, and counts on this,
 * as boot sectors do on INT 13h: a board's BIOS knows how long a track is, and goes on by itself.
 *
 * An image has sectors and nothing between them: no deleted marks, no IDs but those of its format.
 * What is formatted with other IDs is lost, as a sector that is not found later.
 */
#include "emu/chip/i82077_transfer.h"

#include "emu/chip/i82077_pins.h"
#include "emu/dev/strict.h"
#include "kernel/base/string.h"

#define N_512 2
#define MT    0x80
#define MFM   0x40
#define SK    0x20

enum {
	READ_TRACK = 0x02,
	WRITE = 0x05,
	READ = 0x06,
	WRITE_DELETED = 0x09,
	READ_DELETED = 0x0c,
	FORMAT = 0x0d,
	SCAN_EQUAL = 0x11,
	VERIFY = 0x16,
	SCAN_LOW = 0x19,
	SCAN_HIGH = 0x1d,
};

static unsigned kind(const struct i82077 *f)
{
	return f->command & 0x1f;
}

static bool writes(const struct i82077 *f)
{
	return kind(f) == WRITE || kind(f) == WRITE_DELETED;
}

static bool scans(const struct i82077 *f)
{
	return kind(f) == SCAN_EQUAL || kind(f) == SCAN_LOW || kind(f) == SCAN_HIGH;
}

static bool uses_dma(const struct i82077 *f)
{
	return !(f->specify[1] & SPECIFY_ND);
}

bool i82077_to_guest(const struct i82077 *f)
{
	return !writes(f) && !scans(f) && kind(f) != FORMAT;
}

static void end_ok(struct i82077 *f)
{
	i82077_end(f, 0, f->t.st1, f->t.st2);
}

static void end_error(struct i82077 *f, u8 st1, u8 st2)
{
	i82077_end(f, ST0_ABNORMAL, f->t.st1 | st1, f->t.st2 | st2);
}

/* --- What is under the heads */

static const struct floppy_format *format_of(struct i82077 *f)
{
	const struct i82077_drive *d = i82077_drive_of(f, f->t.unit);

	return d ? i82077_format(d) : NULL;
}

static unsigned track_under_heads(const struct i82077 *f)
{
	return f->drive[f->t.unit].track + f->t.stepped;
}

/* Does the chip see address marks on this track? It has to turn, and be read at its own rate. */
static bool track_readable(struct i82077 *f)
{
	const struct floppy_format *format = format_of(f);

	return format && (f->dor & DOR_MOTOR(f->t.unit)) && (f->command & MFM) &&
	       f->rate == format->rate && f->t.head < format->heads &&
	       track_under_heads(f) < format->tracks;
}

static u64 sector_number(struct i82077 *f, unsigned r)
{
	const struct floppy_format *format = format_of(f);

	return ((u64)track_under_heads(f) * format->heads + f->t.head) * format->sectors + r - 1;
}

static bool sector_exists(struct i82077 *f, unsigned r)
{
	return r >= 1 && r <= format_of(f)->sectors &&
	       sector_number(f, r) < f->drive[f->t.unit].port.backend->sectors;
}

/* Data commands and FORMAT: what stops them before they begin. */
static bool may_begin(struct i82077 *f, bool write)
{
	if (!track_readable(f)) {
		end_error(f, ST1_NO_MARK, 0);
		return false;
	}
	if (write && f->drive[f->t.unit].port.backend->read_only) {
		end_error(f, ST1_PROTECT, 0);
		return false;
	}
	return true;
}

/* --- The guest's side */

/* Bytes that make the FIFO ask, without DMA. */
static u32 burst(const struct i82077 *f)
{
	return f->configure & CONFIGURE_EFIFO ? 1 : 16u - (f->configure & CONFIGURE_THR);
}

void i82077_drive_dreq(struct i82077 *f)
{
	dma_request(&f->dma, f->t.mover == I82077_GUEST && uses_dma(f) && (f->dor & DOR_DMA_GATE));
}

static void wait_for_guest(struct i82077 *f, u32 length)
{
	f->t.mover = I82077_GUEST;
	f->t.at = 0;
	f->t.length = length;
	f->data_int = !uses_dma(f);
	i82077_sync(f);
	i82077_drive_dreq(f);
}

static void wait_for_disk(struct i82077 *f, enum disk_op op, u64 sector, u32 sectors, u8 *data)
{
	f->t.mover = I82077_DISK;
	f->data_int = false;
	dma_request(&f->dma, false);
	i82077_sync(f);
	f->request.op = op;
	f->request.sector = sector;
	f->request.sectors = sectors;
	f->request.data = data;
	disk_submit(&f->drive[f->t.unit].port, &f->request);
}

/* --- Runs of sectors */

/* The last sector of a side, where EOT is beyond it (above). */
static bool ends_short_side(struct i82077 *f, u8 r)
{
	const struct floppy_format *format = format_of(f);

	return (f->command & MT) && format && r == format->sectors && r < f->t.eot;
}

/* C, H and R as they are behind the sector r (data sheet, table 5-2). True: it was the last one. */
static bool step_behind(struct i82077 *f, u8 r)
{
	struct i82077_transfer *t = &f->t;
	bool short_side = ends_short_side(f, r);

	if (r != t->eot && !short_side) {
		t->r = (u8)(r + 1);
		return false;
	}
	t->r = 1;
	if (!(f->command & MT)) {
		t->c++;
		return true;
	}
	t->h ^= 1;
	t->head ^= 1;
	if (t->head)
		return false;
	t->c++;
	t->stepped += short_side;
	return !short_side;
}

/* What VERIFY with EC counts are sectors; 0 are 256. */
static bool counts_sectors(const struct i82077 *f)
{
	return kind(f) == VERIFY && (f->fifo[1] & 0x80);
}

static bool find_sector(struct i82077 *f)
{
	struct i82077_transfer *t = &f->t;
	unsigned track;

	if (!track_readable(f)) { /* the other side of a disk that has one */
		end_error(f, ST1_NO_MARK, 0);
		return false;
	}
	track = track_under_heads(f);
	if (t->c == track && t->h == t->head && t->n == N_512 && sector_exists(f, t->r))
		return true;
	if (kind(f) == READ_TRACK && sector_exists(f, t->r)) {
		t->st1 |= ST1_NO_DATA; /* its ID is another one: it is read */
		return true;
	}
	end_error(f, ST1_NO_DATA, t->c == track ? 0 : ST2_CYLINDER);
	return false;
}

static void next_run(struct i82077 *f)
{
	struct i82077_transfer *t = &f->t;
	u8 n = 1;

	t->mover = I82077_NOBODY;
	if (!find_sector(f))
		return;
	while (t->r + n - 1 != t->eot && sector_exists(f, t->r + n))
		n++;
	if (counts_sectors(f) && t->dtl)
		n = (u8)MIN(n, t->dtl);
	if (kind(f) == READ_DELETED) { /* the mark is another one: it stops behind this sector */
		n = 1;
		t->st2 |= ST2_MARK;
	}
	t->run = n;
	if (writes(f))
		wait_for_guest(f, n * DISK_SECTOR);
	else
		wait_for_disk(f, DISK_READ, sector_number(f, t->r), n, f->buffer);
}

/* So many sectors of the run are done. */
static void run_done(struct i82077 *f, u8 sectors)
{
	struct i82077_transfer *t = &f->t;
	bool last = step_behind(f, (u8)(t->r + sectors - 1));

	if (counts_sectors(f)) {
		t->dtl = (u8)(t->dtl - sectors);
		t->tc = !t->dtl;
	}
	if (t->tc || kind(f) == READ_DELETED)
		end_ok(f);
	else if (!last)
		next_run(f);
	else if (kind(f) == VERIFY && !counts_sectors(f))
		end_ok(f);
	else
		end_error(f, ST1_END, 0);
}

/* --- SCAN: each byte of the guest with one of the disk; FFh of either is equal to any. */

static void scan_sector_end(struct i82077 *f)
{
	struct i82077_transfer *t = &f->t;
	u8 r = (u8)(t->r + t->at / DISK_SECTOR - 1);
	bool met = !t->failed, equal = !t->differs;

	t->differs = t->failed = false;
	if (!met && !t->tc && t->at != t->length)
		return;
	if (met)
		t->st2 = (u8)(t->st2 | (equal ? ST2_EQUAL : 0));
	else if (t->tc || r == t->eot)
		t->st2 |= ST2_UNEQUAL;
	if (met || t->tc) {
		step_behind(f, r);
		end_ok(f);
	} else {
		run_done(f, t->run);
	}
}

static void scan_byte(struct i82077 *f, u8 guest)
{
	struct i82077_transfer *t = &f->t;
	u8 disk = f->buffer[t->at++];

	if (guest != disk && guest != 0xff && disk != 0xff) {
		/* The first that differs decides. */
		if (!t->differs)
			t->failed = kind(f) == SCAN_EQUAL ||
				    (kind(f) == SCAN_LOW ? disk > guest : disk < guest);
		t->differs = true;
	}
	if (t->at % DISK_SECTOR == 0)
		scan_sector_end(f);
}

static void scan_granted(struct i82077 *f)
{
	struct i82077_transfer *t = &f->t;
	bool tc;
	u8 byte;

	while (t->mover == I82077_GUEST && !t->tc &&
	       dma_transfer(&f->dma, DMA_FROM_MEMORY, &byte, 1, &tc)) {
		t->tc = tc;
		scan_byte(f, byte);
	}
	if (t->mover == I82077_GUEST && t->tc) { /* in the midst of a sector */
		t->at = ALIGN_UP(t->at, DISK_SECTOR);
		scan_sector_end(f);
	}
}

/* --- FORMAT TRACK */

void i82077_format_begin(struct i82077 *f)
{
	struct i82077_transfer *t = &f->t;

	*t = (struct i82077_transfer){ .unit = f->fifo[1] & 3,
				       .head = f->fifo[1] >> 2 & 1,
				       .n = f->fifo[2],
				       .eot = f->fifo[3] };
	f->phase = I82077_EXECUTION;
	t->c = f->pcn[t->unit];
	t->h = t->head;
	t->r = t->eot;
	if (!may_begin(f, true))
		return;
	if (!t->eot)
		end_ok(f);
	else
		wait_for_guest(f, t->eot * 4u);
}

/* The next row of sectors that have an ID of the format. */
static void format_row(struct i82077 *f)
{
	struct i82077_transfer *t = &f->t;
	unsigned first = 0, n = 0;

	if (!t->to_format) {
		end_ok(f);
		return;
	}
	while (!(t->to_format & BIT64(first)))
		first++;
	while (first + n < I82077_SECTORS && (t->to_format & BIT64(first + n)))
		t->to_format &= ~BIT64(first + n++);
	memset(f->buffer, f->fifo[5], n * DISK_SECTOR);
	wait_for_disk(f, DISK_WRITE, sector_number(f, first + 1), n, f->buffer);
}

static void format_ids_given(struct i82077 *f)
{
	struct i82077_transfer *t = &f->t;

	for (const u8 *id = f->buffer; id + 4 <= f->buffer + t->at; id += 4)
		if (id[0] == f->drive[t->unit].track && id[1] == t->head && id[3] == N_512 &&
		    sector_exists(f, id[2]))
			t->to_format |= BIT64(id[2] - 1);
	format_row(f);
}

/* --- Both sides together */

/* The guest has moved all of the run, or TC has come in it. */
static void guest_done(struct i82077 *f)
{
	struct i82077_transfer *t = &f->t;
	u8 sectors = (u8)((t->at + DISK_SECTOR - 1) / DISK_SECTOR);

	f->data_int = false;
	dma_request(&f->dma, false);
	i82077_sync(f);
	if (!track_readable(f)) {
		end_error(f, ST1_NO_MARK, 0); /* the motor is off, the disk is out */
	} else if (kind(f) == FORMAT) {
		format_ids_given(f);
	} else if (writes(f)) {
		memset(f->buffer + t->at, 0, sectors * DISK_SECTOR - t->at);
		t->run = sectors;
		wait_for_disk(f, DISK_WRITE, sector_number(f, t->r), sectors, f->buffer);
	} else {
		run_done(f, sectors);
	}
}

void i82077_granted(void *dev)
{
	struct i82077 *f = dev;
	struct i82077_transfer *t = &f->t;
	bool tc;

	if (t->mover != I82077_GUEST)
		return;
	if (scans(f)) {
		scan_granted(f);
		return;
	}
	t->at += dma_transfer(&f->dma, i82077_to_guest(f) ? DMA_TO_MEMORY : DMA_FROM_MEMORY,
			      f->buffer + t->at, t->length - t->at, &tc);
	t->tc |= tc;
	if (t->tc || t->at == t->length)
		guest_done(f);
}

/* The pin falls and rises again at each burst. */
static void data_moved(struct i82077 *f)
{
	struct i82077_transfer *t = &f->t;

	if (t->at == t->length) {
		guest_done(f);
	} else if (t->at % burst(f) == 0) {
		f->data_int = false;
		i82077_sync(f);
		f->data_int = true;
		i82077_sync(f);
	}
}

u8 i82077_data_read(struct i82077 *f)
{
	u8 v;

	if (f->t.mover != I82077_GUEST || uses_dma(f) || !i82077_to_guest(f))
		return 0xff;
	v = f->buffer[f->t.at++];
	data_moved(f);
	return v;
}

void i82077_data_write(struct i82077 *f, u8 v)
{
	if (f->t.mover != I82077_GUEST || uses_dma(f) || i82077_to_guest(f))
		return;
	if (scans(f)) {
		scan_byte(f, v);
		return;
	}
	f->buffer[f->t.at++] = v;
	data_moved(f);
}

void i82077_disk_done(void *dev, struct disk_request *r)
{
	struct i82077 *f = dev;

	f->t.mover = I82077_NOBODY;
	switch (r->result) {
	case DISK_OK:
		break;
	case DISK_READ_ONLY:
		end_error(f, ST1_PROTECT, 0);
		return;
	case DISK_NO_MEDIUM:
	case DISK_CHANGED:
	case DISK_OUT_OF_RANGE:
		end_error(f, ST1_NO_MARK, 0);
		return;
	case DISK_FAILED:
		if (r->op == DISK_READ)
			end_error(f, ST1_DATA, ST2_DATA);
		else
			i82077_end(f, ST0_ABNORMAL | ST0_EQUIP, f->t.st1, f->t.st2);
		return;
	}
	if (!track_readable(f))
		end_error(f, ST1_NO_MARK, 0);
	else if (kind(f) == FORMAT)
		format_row(f);
	else if (writes(f) || kind(f) == VERIFY)
		run_done(f, f->t.run);
	else
		wait_for_guest(f, f->t.run * DISK_SECTOR);
}

/* --- Beginning */

/*
 * With EIS the chip seeks by itself; without it, it finds no sector where the heads are not on the
 * cylinder. Other emulators always seek, and there are drivers that were written on those and never
 * do: they are forgiven, and told by a rule of strict.
 */
static void seek_unasked(struct i82077 *f)
{
	const struct i82077_transfer *t = &f->t;
	const struct i82077_drive *d = i82077_drive_of(f, t->unit);
	bool implied = (f->configure & CONFIGURE_EIS) && f->pcn[t->unit] != t->c;
	bool forgiven =
		d && d->track != t->c && kind(f) != READ_TRACK && !(f->configure & CONFIGURE_EIS);

	if (!implied && !forgiven)
		return;
	if (forgiven)
		strict_broken_at(f->host, STRICT_floppy_seek, t->c);
	i82077_step_to(f, t->unit, t->c);
	f->pcn[t->unit] = t->c;
}

void i82077_transfer_begin(struct i82077 *f)
{
	struct i82077_transfer *t = &f->t;

	*t = (struct i82077_transfer){ .unit = f->fifo[1] & 3,
				       .head = f->fifo[1] >> 2 & 1,
				       .c = f->fifo[2],
				       .h = f->fifo[3],
				       .r = f->fifo[4],
				       .n = f->fifo[5],
				       .eot = f->fifo[6],
				       .dtl = f->fifo[8] };
	f->phase = I82077_EXECUTION;
	seek_unasked(f);
	if (!may_begin(f, writes(f)))
		return;
	if (kind(f) == READ_TRACK)
		t->r = 1;
	if (kind(f) == READ_DELETED && (f->command & SK))
		end_error(f, ST1_END, 0); /* all sectors have the other mark */
	else
		next_run(f);
}

/* The first ID that comes by. */
void i82077_read_id(struct i82077 *f)
{
	struct i82077_transfer *t = &f->t;

	*t = (struct i82077_transfer){ .unit = f->fifo[1] & 3, .head = f->fifo[1] >> 2 & 1 };
	f->phase = I82077_EXECUTION;
	if (!may_begin(f, false))
		return;
	if (!sector_exists(f, 1)) {
		end_error(f, ST1_NO_MARK, 0);
		return;
	}
	t->c = f->drive[t->unit].track;
	t->h = t->head;
	t->r = 1;
	t->n = N_512;
	end_ok(f);
}

/* Requests of the disk are submitted again; DREQ is as it was. */
void i82077_transfer_resume(struct i82077 *f)
{
	if (f->t.mover == I82077_DISK)
		disk_submit(&f->drive[f->t.unit].port, &f->request);
	i82077_drive_dreq(f);
}
