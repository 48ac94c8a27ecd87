/* SPDX-License-Identifier: MIT */
/*
 * A packet command (ATA/ATAPI-6, 9.10, 9.11): the guest gives twelve bytes, then data goes, then
 * there is an interrupt. Bits of the count register say what each interrupt is for:
 *
 *   C/D=1 IO=0 the packet    0,1 data to the guest    1,1 the end
 *
 * Ends that are none well are told twice: as a sense key in the error register, and by REQUEST
 * SENSE in full.
 */
#include "emu/chip/atapi.h"

#include "emu/chip/ata_channel.h"
#include "emu/chip/ata_identify.h"
#include "emu/chip/atapi_data.h"
#include "kernel/base/string.h"
#include "kernel/hw/ata_regs.h"

#define READY	   (ATA_DRDY | ATA_DSC)
#define UNIT	   4u /* sectors of 512 bytes in a block */
#define BLOCK	   2048u
#define RAW_BLOCK  2352u
#define RAW_BLOCKS (ATA_CHUNK * DISK_SECTOR / RAW_BLOCK)

enum { REASON_PACKET = 1, REASON_DATA = 2, REASON_END = 3 };

enum {
	TEST_UNIT_READY = 0x00,
	REQUEST_SENSE = 0x03,
	INQUIRY = 0x12,
	START_STOP = 0x1b,
	PREVENT_ALLOW = 0x1e,
	READ_CAPACITY = 0x25,
	READ_10 = 0x28,
	SEEK_10 = 0x2b,
	READ_TOC = 0x43,
	GET_CONFIGURATION = 0x46,
	GET_EVENT_STATUS = 0x4a,
	READ_DISC_INFORMATION = 0x51,
	MODE_SENSE_10 = 0x5a,
	READ_12 = 0xa8,
	SET_CD_SPEED = 0xbb,
	MECHANISM_STATUS = 0xbd,
	READ_CD = 0xbe,
};

enum {
	KEY_NOT_READY = 2,
	KEY_MEDIUM = 3,
	KEY_ILLEGAL = 5,
	KEY_ATTENTION = 6,
};

#define ASC_READ_ERROR	0x11
#define ASC_OPCODE	0x20
#define ASC_RANGE	0x21
#define ASC_FIELD	0x24
#define ASC_CHANGED	0x28
#define ASC_RESET	0x29
#define ASC_NO_SAVING	0x39
#define ASC_NO_MEDIUM	0x3a
#define ASC_LOCKED	0x53
#define ASC_WRONG_TRACK 0x64

enum { EVENT_NONE, EVENT_EJECT, EVENT_NEW, EVENT_REMOVED };

static u32 get16(const u8 *p)
{
	return (u32)(p[0] << 8 | p[1]);
}

static u32 get32(const u8 *p)
{
	return get16(p) << 16 | get16(p + 2);
}

static bool has_medium(const struct ata_device *d)
{
	return d->port->backend->sectors && !d->tray_open;
}

static u32 blocks_of(const struct ata_device *d)
{
	return (u32)MIN(d->port->backend->sectors / UNIT, 0xffffffffull);
}

void atapi_reset(struct ata_device *d)
{
	d->sense_key = d->asc = d->ascq = 0;
	d->locked = false;
	d->attention = ASC_RESET;
}

void atapi_medium_changed(struct ata_device *d)
{
	d->tray_open = false;
	d->attention = d->port->backend->sectors ? ASC_CHANGED : 0;
	d->media_event = d->port->backend->sectors ? EVENT_NEW : EVENT_REMOVED;
}

/* --- Ends */

static void end_ok(struct ata_channel *c)
{
	struct ata_device *d = ata_active(c);

	d->sense_key = d->asc = d->ascq = 0;
	d->r.count[0] = REASON_END;
	ata_end(c, READY, 0);
}

static void end_check(struct ata_channel *c, u8 key, u8 asc, u8 ascq)
{
	struct ata_device *d = ata_active(c);

	d->sense_key = key;
	d->asc = asc;
	d->ascq = ascq;
	d->r.count[0] = REASON_END;
	ata_end(c, READY | ATA_ERR, (u8)(key << 4 | (key == KEY_ILLEGAL ? ATA_ERR_ABRT : 0)));
}

static void illegal_field(struct ata_channel *c)
{
	end_check(c, KEY_ILLEGAL, ASC_FIELD, 0);
}

/* So many bytes of the buffer, as far as the guest has room. */
static void answer(struct ata_channel *c, u32 length, u32 room)
{
	u32 n = MIN(length, room);

	if (!n) {
		end_ok(c);
		return;
	}
	ata_active(c)->r.count[0] = REASON_DATA;
	ata_guest(c, true, n, c->limit, true, ATA_STEP_END);
}

/* --- Reading */

static void read_next(struct ata_channel *c)
{
	u32 most = c->raw ? RAW_BLOCKS * UNIT : ATA_CHUNK;

	if (!c->left) {
		end_ok(c);
		return;
	}
	c->chunk = MIN(c->left, most);
	ata_disk(c, DISK_READ, c->chunk, ATA_STEP_READ_DONE);
}

/* Another disk since the command began: what is left of it must not come from there. */
static bool other_medium(struct ata_channel *c)
{
	struct ata_device *d = ata_active(c);

	if (!d->attention)
		return false;
	end_check(c, KEY_ATTENTION, d->attention, 0);
	d->attention = 0;
	return true;
}

/* From the last to the first, since they grow in their place. */
static u32 make_raw(struct ata_channel *c)
{
	u32 n = c->chunk / UNIT;

	for (u32 i = n; i--;)
		atapi_raw_block(c->buffer + i * RAW_BLOCK, c->buffer + i * BLOCK,
				(u32)(c->sector / UNIT) + i);
	return n * RAW_BLOCK;
}

static void read_done(struct ata_channel *c)
{
	u32 length = c->chunk * DISK_SECTOR;

	if (other_medium(c))
		return;
	if (c->request->result == DISK_NO_MEDIUM || c->request->result == DISK_CHANGED) {
		end_check(c, KEY_NOT_READY, ASC_NO_MEDIUM, 0);
		return;
	}
	if (c->request->result != DISK_OK) {
		end_check(c, KEY_MEDIUM, ASC_READ_ERROR, 0);
		return;
	}
	if (c->raw)
		length = make_raw(c);
	c->sector += c->chunk;
	c->left -= c->chunk;
	ata_active(c)->r.count[0] = REASON_DATA;
	ata_guest(c, true, length, c->limit, true, ATA_STEP_READ);
}

static void read_blocks(struct ata_channel *c, u32 lba, u32 blocks)
{
	u32 end = blocks_of(ata_active(c));

	if (lba > end || blocks > end - lba) {
		end_check(c, KEY_ILLEGAL, ASC_RANGE, 0);
		return;
	}
	c->sector = (u64)lba * UNIT;
	if (blocks > UINT32_MAX / UNIT) {
		illegal_field(c);
		return;
	}
	c->left = blocks * UNIT;
	read_next(c);
}

/* Byte 9 says which parts of a block: nothing, its 2,048 bytes, or all. Byte 1: of which type. */
static void read_cd(struct ata_channel *c)
{
	const u8 *p = c->packet;
	u8 type = p[1] >> 2 & 7, parts = p[9] & 0xf8;
	u32 blocks = get32(p + 5) & 0xffffff;

	if (type > 2 || type == 1)
		end_check(c, KEY_ILLEGAL, ASC_WRONG_TRACK, 0);
	else if (!parts || !blocks)
		end_ok(c);
	else if (parts != 0x10 && parts != 0xf8)
		illegal_field(c);
	else {
		c->raw = parts == 0xf8;
		read_blocks(c, get32(p + 2), blocks);
	}
}

/* --- Packets */

static void request_sense(struct ata_channel *c)
{
	struct ata_device *d = ata_active(c);

	if (!d->sense_key && d->attention) {
		d->sense_key = KEY_ATTENTION;
		d->asc = d->attention;
		d->attention = 0;
	}
	answer(c, atapi_sense(d, c->buffer), c->packet[4]);
}

static void start_stop(struct ata_channel *c)
{
	struct ata_device *d = ata_active(c);
	bool load_eject = c->packet[4] & 2, start = c->packet[4] & 1;

	if (load_eject && !start && d->locked) {
		end_check(c, KEY_ILLEGAL, ASC_LOCKED, 2);
		return;
	}
	if (load_eject && d->tray_open == start) {
		atapi_medium_changed(d);
		d->tray_open = !start;
		if (!start) {
			d->attention = 0;
			d->media_event = EVENT_REMOVED;
		}
	}
	end_ok(c);
}

static void read_capacity(struct ata_channel *c)
{
	atapi_put32(c->buffer, blocks_of(ata_active(c)) - 1);
	atapi_put32(c->buffer + 4, BLOCK);
	answer(c, 8, 8);
}

static void read_toc(struct ata_channel *c)
{
	const u8 *p = c->packet;
	unsigned format = p[2] & 15 ? p[2] & 15 : p[9] >> 6;
	u32 n = atapi_toc(c->buffer, format, p[1] & 2, p[6], blocks_of(ata_active(c)));

	if (n)
		answer(c, n, get16(p + 7));
	else
		illegal_field(c);
}

static void get_event_status(struct ata_channel *c)
{
	struct ata_device *d = ata_active(c);
	const u8 *p = c->packet;

	if (!(p[1] & 1)) { /* not polled: there is no queue */
		illegal_field(c);
		return;
	}
	c->buffer[3] = 0x10; /* media events are all there are */
	if (!(p[4] & 0x10)) {
		c->buffer[1] = 2;
		c->buffer[2] = 0x80;
		answer(c, 4, get16(p + 7));
		return;
	}
	c->buffer[1] = 6;
	c->buffer[2] = 0x04;
	c->buffer[4] = d->media_event;
	c->buffer[5] = (u8)(d->tray_open | (has_medium(d) ? 2 : 0));
	d->media_event = EVENT_NONE;
	answer(c, 8, get16(p + 7));
}

static void mode_sense(struct ata_channel *c)
{
	const u8 *p = c->packet;
	u32 n;

	if (p[2] >> 6 == 3) {
		end_check(c, KEY_ILLEGAL, ASC_NO_SAVING, 0);
		return;
	}
	n = atapi_mode_pages(ata_active(c), c->buffer, p[2] & 0x3f);
	if (n && p[2] >> 6 == 1) /* which can be changed: none */
		memset(c->buffer + 10, 0, n - 10);
	if (n)
		answer(c, n, get16(p + 7));
	else
		illegal_field(c);
}

static void mechanism_status(struct ata_channel *c)
{
	c->buffer[1] = ata_active(c)->tray_open ? 0x10 : 0;
	c->buffer[5] = 1;
	answer(c, 8, get16(c->packet + 8));
}

static bool works_in_attention(u8 op)
{
	return op == INQUIRY || op == REQUEST_SENSE || op == GET_CONFIGURATION ||
	       op == GET_EVENT_STATUS;
}

static bool wants_medium(u8 op)
{
	switch (op) {
	case TEST_UNIT_READY:
	case READ_CAPACITY:
	case READ_10:
	case READ_12:
	case READ_CD:
	case SEEK_10:
	case READ_TOC:
	case READ_DISC_INFORMATION:
		return true;
	default:
		return false;
	}
}

static bool may_execute(struct ata_channel *c, u8 op)
{
	struct ata_device *d = ata_active(c);

	if (d->attention && !works_in_attention(op)) {
		end_check(c, KEY_ATTENTION, d->attention, 0);
		d->attention = 0;
		return false;
	}
	if (wants_medium(op) && !has_medium(d)) {
		end_check(c, KEY_NOT_READY, ASC_NO_MEDIUM, 0);
		return false;
	}
	return true;
}

static void execute(struct ata_channel *c)
{
	struct ata_device *d = ata_active(c);
	const u8 *p = c->packet;

	memcpy(c->packet, c->buffer, sizeof(c->packet));
	memset(c->buffer, 0, 512);
	c->by_dma = d->r.feature[0] & 1;
	c->raw = false;
	if (!may_execute(c, p[0]))
		return;
	switch (p[0]) {
	case TEST_UNIT_READY:
	case SET_CD_SPEED:
		end_ok(c);
		return;
	case REQUEST_SENSE:
		request_sense(c);
		return;
	case INQUIRY:
		if (p[1] & 1)
			illegal_field(c);
		else
			answer(c, atapi_inquiry(c->buffer), p[4]);
		return;
	case START_STOP:
		start_stop(c);
		return;
	case PREVENT_ALLOW:
		d->locked = p[4] & 1;
		end_ok(c);
		return;
	case READ_CAPACITY:
		read_capacity(c);
		return;
	case READ_10:
		read_blocks(c, get32(p + 2), get16(p + 7));
		return;
	case READ_12:
		read_blocks(c, get32(p + 2), get32(p + 6));
		return;
	case READ_CD:
		read_cd(c);
		return;
	case SEEK_10:
		if (get32(p + 2) < blocks_of(d))
			end_ok(c);
		else
			end_check(c, KEY_ILLEGAL, ASC_RANGE, 0);
		return;
	case READ_TOC:
		read_toc(c);
		return;
	case GET_CONFIGURATION:
		if ((p[1] & 3) == 3)
			illegal_field(c);
		else
			answer(c,
			       atapi_configuration(c->buffer, has_medium(d), p[1] & 3,
						   get16(p + 2)),
			       get16(p + 7));
		return;
	case GET_EVENT_STATUS:
		get_event_status(c);
		return;
	case READ_DISC_INFORMATION:
		answer(c, atapi_disc_information(c->buffer), get16(p + 7));
		return;
	case MODE_SENSE_10:
		mode_sense(c);
		return;
	case MECHANISM_STATUS:
		mechanism_status(c);
		return;
	default:
		end_check(c, KEY_ILLEGAL, ASC_OPCODE, 0);
	}
}

/* --- Commands of the command register */

/* Bytes of a DRQ block: even, unless it is the last one. */
static void packet(struct ata_channel *c)
{
	struct ata_device *d = ata_active(c);
	u32 limit = (u32)(d->r.mid[0] | d->r.high[0] << 8) & 0xfffe;

	c->limit = limit ? limit : 0xfffe;
	c->by_dma = false;
	d->r.count[0] = REASON_PACKET;
	ata_guest(c, false, sizeof(c->packet), sizeof(c->packet), false, ATA_STEP_PACKET);
}

static void later(struct ata_channel *c, u8 error)
{
	ata_active(c)->r.error = error;
	ata_later(c, ATA_STEP_COMMAND_END);
}

void atapi_command(struct ata_channel *c, u8 command)
{
	struct ata_device *d = ata_active(c);

	switch (command) {
	case ATA_PACKET:
		packet(c);
		return;
	case ATA_IDENTIFY_PACKET:
		ata_identify_cdrom(d, 2 * c->number + c->active, c->buffer);
		c->by_dma = false;
		c->length = DISK_SECTOR;
		ata_later(c, ATA_STEP_IDENTIFY);
		return;
	case ATA_IDENTIFY: /* the signature, as there are drivers that ask so */
		d->r.low[0] = d->r.count[0] = 1;
		d->r.mid[0] = 0x14;
		d->r.high[0] = 0xeb;
		later(c, ATA_ERR_ABRT);
		return;
	case ATA_SET_FEATURES:
		later(c,
		      d->r.feature[0] == 0x03 && ata_set_mode(d, d->r.count[0]) ? 0 : ATA_ERR_ABRT);
		return;
	case ATA_CHECK_POWER:
		d->r.count[0] = 0xff;
		later(c, 0);
		return;
	case ATA_STANDBY_IMMEDIATE:
	case ATA_IDLE_IMMEDIATE:
	case ATA_SLEEP:
		later(c, 0);
		return;
	default:
		later(c, ATA_ERR_ABRT);
	}
}

void atapi_advance(struct ata_channel *c)
{
	struct ata_device *d = ata_active(c);

	switch (c->step) {
	case ATA_STEP_PACKET:
		execute(c);
		return;
	case ATA_STEP_READ:
		read_next(c);
		return;
	case ATA_STEP_READ_DONE:
		read_done(c);
		return;
	case ATA_STEP_IDENTIFY:
		ata_guest(c, true, DISK_SECTOR, DISK_SECTOR, true, ATA_STEP_QUIET_END);
		return;
	case ATA_STEP_QUIET_END: /* the only block had its interrupt */
		d->r.status = READY;
		return;
	case ATA_STEP_COMMAND_END:
		ata_end(c, (u8)(READY | (d->r.error ? ATA_ERR : 0)), d->r.error);
		return;
	default:
		end_ok(c);
	}
}
