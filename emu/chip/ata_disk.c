/* SPDX-License-Identifier: MIT */
/*
 * Commands of disks (ATA/ATAPI-6, 8). Those with data:
 *
 *   read    READ: the disk -> READ_DONE: the guest -> READ ...
 *   write   WRITE: the guest -> WRITE_GIVEN: the disk -> WRITTEN ... -> flush if nothing is cached
 *   verify  READ: the disk -> VERIFY_DONE ...
 *
 * By DMA, sectors of a medium in memory go straight between it and the guest's memory, as far as
 * regions of the bus master hold whole ones. What is left over goes the ways above.
 *
 * Nothing is optional that IDENTIFY offers, and nothing else is there: it is aborted.
 */
#include "emu/chip/ata_disk.h"

#include "emu/chip/ata_channel.h"
#include "emu/chip/ata_identify.h"
#include "emu/chip/bus_master.h"
#include "kernel/base/string.h"
#include "kernel/hw/ata_regs.h"

#define READY	   (ATA_DRDY | ATA_DSC)
#define DEVICE_LBA 0x40
#define LBA28_MAX  0x0fffffffu

#define STRAIGHT_MAX 256u /* sectors at a time: some ten microseconds */

/* --- Addresses */

static u64 address_of(const struct ata_device *d, bool ext)
{
	const struct ata_regs *r = &d->r;
	u32 low = (u32)(r->low[0] | r->mid[0] << 8 | r->high[0] << 16);
	u32 cylinder = (u32)(r->mid[0] | r->high[0] << 8);

	if (ext)
		return low | (u64)r->low[1] << 24 | (u64)r->mid[1] << 32 | (u64)r->high[1] << 40;
	if (r->device & DEVICE_LBA)
		return low | (u32)(r->device & 15) << 24;
	if (!r->low[0] || r->low[0] > d->sectors || (r->device & 15) >= d->heads)
		return UINT64_MAX; /* no such sector */
	return ((u64)cylinder * d->heads + (r->device & 15)) * d->sectors + r->low[0] - 1;
}

static void set_address(struct ata_device *d, u64 sector, bool ext)
{
	struct ata_regs *r = &d->r;
	u32 head = (u32)(sector >> 24) & 15;

	if (!ext && !(r->device & DEVICE_LBA)) {
		u64 track = sector / d->sectors;

		r->low[0] = (u8)(sector % d->sectors + 1);
		head = (u32)(track % d->heads);
		r->mid[0] = (u8)(track / d->heads);
		r->high[0] = (u8)(track / d->heads >> 8);
	} else {
		r->low[0] = (u8)sector;
		r->mid[0] = (u8)(sector >> 8);
		r->high[0] = (u8)(sector >> 16);
	}
	if (ext) {
		r->low[1] = (u8)(sector >> 24);
		r->mid[1] = (u8)(sector >> 32);
		r->high[1] = (u8)(sector >> 40);
	} else {
		r->device = (u8)((r->device & 0xf0) | head);
	}
}

static u32 count_of(const struct ata_regs *r, bool ext)
{
	u32 n = r->count[0] | (ext ? (u32)r->count[1] << 8 : 0);

	return n ? n : ext ? 65536u : 256u;
}

/* --- Ends */

static void end_ok(struct ata_channel *c)
{
	ata_end(c, READY, 0);
}

/* Where the transfer stands is in the registers, as after an error of a real disk. */
static void end_at_sector(struct ata_channel *c, u8 status, u8 error)
{
	struct ata_device *d = ata_active(c);

	set_address(d, c->sector, c->ext);
	d->r.count[0] = (u8)c->left;
	d->r.count[1] = (u8)(c->left >> 8);
	ata_end(c, READY | status, error);
}

static void end_failed(struct ata_channel *c)
{
	switch (c->request->result) {
	case DISK_OUT_OF_RANGE:
		end_at_sector(c, ATA_ERR, ATA_ERR_IDNF);
		return;
	case DISK_FAILED:
		if (c->request->op == DISK_READ)
			end_at_sector(c, ATA_ERR, ATA_ERR_UNC);
		else
			end_at_sector(c, ATA_ERR | ATA_DF, ATA_ERR_ABRT);
		return;
	default:
		end_at_sector(c, ATA_ERR, ATA_ERR_ABRT);
	}
}

/* The command's answer comes as a completion: nothing is left to do but to say so. */
static void later_ok(struct ata_channel *c)
{
	ata_active(c)->r.error = 0;
	ata_later(c, ATA_STEP_END);
}

static void later_abort(struct ata_channel *c)
{
	ata_active(c)->r.error = ATA_ERR_ABRT;
	ata_later(c, ATA_STEP_END);
}

/* 512 bytes of the buffer for the guest, by PIO. */
static void later_data(struct ata_channel *c)
{
	c->by_dma = false;
	c->left = 0;
	c->chunk = 0;
	c->length = DISK_SECTOR;
	c->block = DISK_SECTOR;
	c->request->result = DISK_OK;
	ata_later(c, ATA_STEP_READ_DONE);
}

/* --- Reading and writing */

/* The next chunk, within the disk. False: there is none, and it has ended. */
static bool next_chunk(struct ata_channel *c)
{
	u64 sectors = ata_active(c)->port->backend->sectors;

	if (c->sector >= sectors) {
		end_at_sector(c, ATA_ERR, ATA_ERR_IDNF);
		return false;
	}
	c->chunk = (u32)MIN((u64)MIN(c->left, ATA_CHUNK), sectors - c->sector);
	/* No DRQ block lies in two chunks. */
	if (c->block > DISK_SECTOR && c->chunk < c->left && c->chunk > c->block / DISK_SECTOR)
		c->chunk -= c->chunk % (c->block / DISK_SECTOR);
	return true;
}

/* Moves what can go straight, so much at most. False: the command goes on later. */
static bool go_straight(struct ata_channel *c, bool in)
{
	u32 room = STRAIGHT_MAX;

	while (c->left) {
		const struct disk_port *port = ata_active(c)->port;
		u32 n = MIN(MIN(c->left, room), bus_master_ready(c) / DISK_SECTOR);
		u8 *at = NULL;

		if (!room) {
			ata_later(c, in ? ATA_STEP_READ : ATA_STEP_WRITE);
			return false;
		}
		if (n)
			at = in ? (u8 *)(hva_t)disk_readable(port, c->sector, &n)
				: disk_writable(port, c->sector, &n);
		if (!at)
			return true;
		bus_master_move(c, in, at, n * DISK_SECTOR);
		c->sector += n;
		c->left -= n;
		room -= n;
	}
	return true;
}

/* Is it worth to wait for the bus master? */
static bool may_go_straight(const struct ata_channel *c, bool in)
{
	const struct disk_backend *b = c->dev[c->active].port->backend;

	return c->by_dma && c->left && c->sector < b->sectors &&
	       (in ? b->ops->readable != NULL : b->ops->writable != NULL && !b->read_only);
}

static void read_next(struct ata_channel *c)
{
	bool verify = c->command >= ATA_VERIFY && c->command <= ATA_VERIFY_EXT;

	if (may_go_straight(c, true) &&
	    (ata_await_dma(c, true, ATA_STEP_READ) || !go_straight(c, true)))
		return;
	if (!c->left) {
		if (c->by_dma || verify)
			end_ok(c);
		else
			ata_active(c)->r.status = READY; /* the last block had its interrupt */
		return;
	}
	if (next_chunk(c))
		ata_disk(c, DISK_READ, c->chunk,
			 verify ? ATA_STEP_VERIFY_DONE : ATA_STEP_READ_DONE);
}

static void chunk_done(struct ata_channel *c)
{
	c->sector += c->chunk;
	c->left -= c->chunk;
}

static void read_done(struct ata_channel *c)
{
	if (c->request->result != DISK_OK) {
		end_failed(c);
		return;
	}
	if (c->chunk)
		c->length = c->chunk * DISK_SECTOR;
	chunk_done(c);
	ata_guest(c, true, c->length, c->block, true, ATA_STEP_READ);
}

static void verify_done(struct ata_channel *c)
{
	if (c->request->result != DISK_OK) {
		end_failed(c);
		return;
	}
	chunk_done(c);
	read_next(c);
}

/* A disk that must not cache, and FUA, end with a flush. first: the first block of all, which has
 * no interrupt. */
static void write_next(struct ata_channel *c, bool first)
{
	if (may_go_straight(c, false) &&
	    (ata_await_dma(c, false, ATA_STEP_WRITE) || !go_straight(c, false)))
		return;
	if (!c->left) {
		if (ata_active(c)->write_cache && !c->force_flush)
			end_ok(c);
		else
			ata_disk(c, DISK_FLUSH, 0, ATA_STEP_FLUSH_DONE);
		return;
	}
	if (ata_active(c)->port->backend->read_only)
		end_at_sector(c, ATA_ERR, ATA_ERR_ABRT);
	else if (next_chunk(c))
		ata_guest(c, false, c->chunk * DISK_SECTOR, c->block, !first, ATA_STEP_WRITE_GIVEN);
}

static void write_done(struct ata_channel *c)
{
	if (c->request->result != DISK_OK) {
		end_failed(c);
		return;
	}
	chunk_done(c);
	write_next(c, false);
}

enum way { BY_SECTOR, BY_BLOCK, BY_DMA };

static void transfer(struct ata_channel *c, enum way way, bool ext, bool write)
{
	struct ata_device *d = ata_active(c);

	if (way == BY_BLOCK && !d->multiple) {
		later_abort(c);
		return;
	}
	c->ext = ext;
	c->by_dma = way == BY_DMA;
	c->block = way == BY_BLOCK ? d->multiple * DISK_SECTOR : DISK_SECTOR;
	c->sector = address_of(d, ext);
	c->left = count_of(&d->r, ext);
	c->force_flush =
		c->command == ATA_WRITE_DMA_FUA_EXT || c->command == ATA_WRITE_MULTIPLE_FUA_EXT;
	c->chunk = 0;
	ata_later(c, write ? ATA_STEP_WRITE : ATA_STEP_READ);
}

/* --- Settings */

static void set_features(struct ata_channel *c)
{
	struct ata_device *d = ata_active(c);
	bool known = true;

	switch (d->r.feature[0]) {
	case 0x02:
	case 0x82:
		d->write_cache = d->r.feature[0] == 0x02;
		break;
	case 0x03:
		known = ata_set_mode(d, d->r.count[0]);
		break;
	case 0x55: /* look-ahead; defaults at reset */
	case 0xaa:
	case 0x66:
	case 0xcc:
		break;
	default:
		known = false;
	}
	if (!known)
		later_abort(c);
	else if (d->r.feature[0] == 0x82)
		ata_disk(c, DISK_FLUSH, 0, ATA_STEP_FLUSH_DONE);
	else
		later_ok(c);
}

static void set_geometry(struct ata_channel *c)
{
	struct ata_device *d = ata_active(c);

	if (!d->r.count[0]) {
		later_abort(c);
		return;
	}
	d->heads = (u8)((d->r.device & 15) + 1);
	d->sectors = d->r.count[0];
	later_ok(c);
}

static void set_multiple(struct ata_channel *c)
{
	struct ata_device *d = ata_active(c);
	u8 n = d->r.count[0];

	if (n > ATA_MULTIPLE_MAX || (n & (n - 1))) {
		later_abort(c);
		return;
	}
	d->multiple = n;
	later_ok(c);
}

static void native_max(struct ata_channel *c, bool ext)
{
	struct ata_device *d = ata_active(c);
	u64 last = d->port->backend->sectors - 1;

	set_address(d, ext ? last : MIN(last, (u64)LBA28_MAX), ext);
	later_ok(c);
}

static void smart(struct ata_channel *c)
{
	struct ata_device *d = ata_active(c);
	u8 what = d->r.feature[0];

	if (d->r.mid[0] != 0x4f || d->r.high[0] != 0xc2 || (!d->smart && what != 0xd8)) {
		later_abort(c);
		return;
	}
	switch (what) {
	case 0xd0:
	case 0xd1:
		ata_smart_data(c->buffer, what == 0xd1);
		later_data(c);
		return;
	case 0xd8:
	case 0xd9:
		d->smart = what == 0xd8;
		break;
	case 0xd2: /* save attributes: nothing is lost */
	case 0xd3:
	case 0xda: /* status: the registers stay as they are: no threshold is passed */
		break;
	default:
		later_abort(c);
		return;
	}
	later_ok(c);
}

static void seek(struct ata_channel *c)
{
	struct ata_device *d = ata_active(c);

	if (address_of(d, false) < d->port->backend->sectors) {
		later_ok(c);
	} else {
		d->r.error = ATA_ERR_IDNF;
		ata_later(c, ATA_STEP_END);
	}
}

void ata_disk_command(struct ata_channel *c, u8 command)
{
	struct ata_device *d = ata_active(c);

	switch (command) {
	case ATA_READ_SECTORS:
	case ATA_READ_SECTORS_ONCE:
	case ATA_READ_SECTORS_EXT:
		transfer(c, BY_SECTOR, command == ATA_READ_SECTORS_EXT, false);
		return;
	case ATA_READ_MULTIPLE:
	case ATA_READ_MULTIPLE_EXT:
		transfer(c, BY_BLOCK, command == ATA_READ_MULTIPLE_EXT, false);
		return;
	case ATA_READ_DMA:
	case ATA_READ_DMA_ONCE:
	case ATA_READ_DMA_EXT:
		transfer(c, BY_DMA, command == ATA_READ_DMA_EXT, false);
		return;
	case ATA_VERIFY:
	case ATA_VERIFY_ONCE:
	case ATA_VERIFY_EXT:
		transfer(c, BY_SECTOR, command == ATA_VERIFY_EXT, false);
		return;
	case ATA_WRITE_SECTORS:
	case ATA_WRITE_SECTORS_ONCE:
	case ATA_WRITE_SECTORS_EXT:
		transfer(c, BY_SECTOR, command == ATA_WRITE_SECTORS_EXT, true);
		return;
	case ATA_WRITE_MULTIPLE:
	case ATA_WRITE_MULTIPLE_EXT:
	case ATA_WRITE_MULTIPLE_FUA_EXT:
		transfer(c, BY_BLOCK, command != ATA_WRITE_MULTIPLE, true);
		return;
	case ATA_WRITE_DMA:
	case ATA_WRITE_DMA_ONCE:
	case ATA_WRITE_DMA_EXT:
	case ATA_WRITE_DMA_FUA_EXT:
		transfer(c, BY_DMA,
			 command == ATA_WRITE_DMA_EXT || command == ATA_WRITE_DMA_FUA_EXT, true);
		return;
	case ATA_IDENTIFY:
		ata_identify_disk(d, 2 * c->number + c->active, c->buffer);
		later_data(c);
		return;
	case ATA_FLUSH:
	case ATA_FLUSH_EXT:
		ata_disk(c, DISK_FLUSH, 0, ATA_STEP_FLUSH_DONE);
		return;
	case ATA_SET_FEATURES:
		set_features(c);
		return;
	case ATA_SET_GEOMETRY:
		set_geometry(c);
		return;
	case ATA_SET_MULTIPLE:
		set_multiple(c);
		return;
	case ATA_READ_NATIVE_MAX:
	case ATA_READ_NATIVE_MAX_EXT:
		native_max(c, command == ATA_READ_NATIVE_MAX_EXT);
		return;
	case ATA_SMART:
		smart(c);
		return;
	case ATA_CHECK_POWER:
		d->r.count[0] = 0xff; /* active or idle */
		later_ok(c);
		return;
	case ATA_STANDBY_IMMEDIATE:
	case ATA_IDLE_IMMEDIATE:
	case ATA_STANDBY:
	case ATA_IDLE:
	case ATA_SLEEP:
		later_ok(c);
		return;
	default:
		if ((command & 0xf0) == ATA_RECALIBRATE)
			later_ok(c);
		else if ((command & 0xf0) == ATA_SEEK)
			seek(c);
		else
			later_abort(c);
	}
}

void ata_disk_advance(struct ata_channel *c)
{
	struct ata_device *d = ata_active(c);

	switch (c->step) {
	case ATA_STEP_READ:
		read_next(c);
		return;
	case ATA_STEP_READ_DONE:
		read_done(c);
		return;
	case ATA_STEP_VERIFY_DONE:
		verify_done(c);
		return;
	case ATA_STEP_WRITE:
		write_next(c, true);
		return;
	case ATA_STEP_WRITE_GIVEN:
		ata_disk(c, DISK_WRITE, c->chunk, ATA_STEP_WRITTEN);
		return;
	case ATA_STEP_WRITTEN:
		write_done(c);
		return;
	case ATA_STEP_FLUSH_DONE:
		if (c->request->result == DISK_OK)
			end_ok(c);
		else
			ata_end(c, READY | ATA_ERR | ATA_DF, ATA_ERR_ABRT);
		return;
	default:
		ata_end(c, (u8)(READY | (d->r.error ? ATA_ERR : 0)), d->r.error);
	}
}
