/* SPDX-License-Identifier: MIT */
/*
 * Status, interrupt, and who moves data:
 *
 *   BSY   the disk moves, or the channel's completion is posted, or DMA goes on
 *   DRQ   the guest moves a block by PIO
 *
 * A step is begun by ata_later(), ata_disk() or ata_guest(), and ends with c->advance().
 */
#include "emu/chip/ata_channel.h"

#include "emu/chip/bus_master.h"
#include "kernel/base/string.h"

#define NIEN 0x02

void ata_sync_irq(struct ata_channel *c)
{
	bool on = c->dev[c->selected].intrq && !(c->control & NIEN);

	if (on == c->level)
		return;
	c->level = on;
	if (on)
		c->bm_status |= BM_INTERRUPT;
	irq_set(&c->irq, on);
}

void ata_set_intrq(struct ata_channel *c, bool on)
{
	ata_active(c)->intrq = on;
	ata_sync_irq(c);
}

static void set_status(struct ata_channel *c, u8 status)
{
	ata_active(c)->r.status = status;
}

bool ata_set_mode(struct ata_device *d, u8 mode)
{
	static const u8 modes[] = { [0] = 2, [1] = 5, [4] = 3, [8] = 6 }; /* of each kind */
	unsigned kind = mode >> 3;

	if (kind >= ARRAY_SIZE(modes) || (mode & 7) >= modes[kind])
		return false;
	d->transfer_mode = mode;
	return true;
}

void ata_later(struct ata_channel *c, enum ata_step step)
{
	c->mover = ATA_LATER;
	c->step = step;
	set_status(c, ATA_BSY);
	completion_post(c->completions, c->completion);
}

void ata_disk(struct ata_channel *c, enum disk_op op, u32 sectors, enum ata_step step)
{
	c->mover = ATA_DISK;
	c->step = step;
	set_status(c, ATA_BSY);
	c->request->op = op;
	c->request->sector = c->sector;
	c->request->sectors = sectors;
	disk_submit(ata_active(c)->port, c->request);
}

void ata_request_done(void *channel, struct disk_request *r)
{
	struct ata_channel *c = channel;

	(void)r;
	c->mover = ATA_NOBODY;
	c->advance(c);
}

void ata_run_later(void *channel)
{
	struct ata_channel *c = channel;

	c->mover = ATA_NOBODY;
	c->advance(c);
}

void ata_end(struct ata_channel *c, u8 status, u8 error)
{
	struct ata_device *d = ata_active(c);

	c->mover = ATA_NOBODY;
	d->r.status = status;
	d->r.error = error;
	ata_set_intrq(c, true);
}

void ata_abandon(struct ata_channel *c)
{
	for (unsigned i = 0; i < 2; i++)
		if (c->dev[i].port->completions)
			disk_cancel(c->dev[i].port, c->request);
	completion_cancel(c->completions, c->completion);
	c->mover = ATA_NOBODY;
	c->step = ATA_STEP_END;
}

/* --- The guest */

/* A packet command tells the size of each block in the registers of the cylinder. */
static void begin_block(struct ata_channel *c, bool irq)
{
	struct ata_device *d = ata_active(c);
	u32 size = MIN(c->block, c->length - c->at);

	c->block_end = c->at + size;
	if (d->kind == DRIVE_CDROM && c->step != ATA_STEP_PACKET) {
		d->r.mid[0] = (u8)size;
		d->r.high[0] = (u8)(size >> 8);
	}
	set_status(c, ATA_DRDY | ATA_DSC | ATA_DRQ);
	if (irq)
		ata_set_intrq(c, true);
}

/* Moves what the bus master can. True: that was all. */
static bool dma_done(struct ata_channel *c)
{
	c->at += bus_master_move(c, c->mover == ATA_DMA_IN, c->buffer + c->at, c->length - c->at);
	return c->at == c->length;
}

void ata_guest(struct ata_channel *c, bool in, u32 length, u32 block, bool first_irq,
	       enum ata_step step)
{
	c->step = step;
	c->at = c->block_end = 0;
	c->length = length;
	if (c->by_dma) {
		c->mover = in ? ATA_DMA_IN : ATA_DMA_OUT;
		set_status(c, ATA_DRDY | ATA_DSC | ATA_DRQ);
		if (dma_done(c)) {
			c->mover = ATA_NOBODY;
			c->advance(c);
		}
		return;
	}
	c->mover = in ? ATA_PIO_IN : ATA_PIO_OUT;
	c->block = block;
	begin_block(c, first_irq);
}

bool ata_await_dma(struct ata_channel *c, bool in, enum ata_step step)
{
	if (bus_master_ready(c))
		return false;
	c->mover = in ? ATA_DMA_IN : ATA_DMA_OUT;
	c->step = step;
	c->at = c->length = 0;
	set_status(c, ATA_DRDY | ATA_DSC | ATA_DRQ);
	return true;
}

/* Behind the last byte of a block. What follows the last block is no part of this access: an
 * interrupt that it has comes later. */
static void block_moved(struct ata_channel *c)
{
	if (c->at < c->length)
		begin_block(c, true);
	else
		ata_later(c, c->step);
}

u32 ata_pio_read(struct ata_channel *c, u8 *to, u32 n)
{
	u32 piece;

	if (c->mover != ATA_PIO_IN || !n)
		return 0;
	piece = MIN(n, c->block_end - c->at);
	memcpy(to, c->buffer + c->at, piece);
	c->at += piece;
	if (c->at == c->block_end)
		block_moved(c);
	return piece;
}

u32 ata_pio_write(struct ata_channel *c, const u8 *from, u32 n)
{
	u32 piece;

	if (c->mover != ATA_PIO_OUT || !n)
		return 0;
	piece = MIN(n, c->block_end - c->at);
	memcpy(c->buffer + c->at, from, piece);
	c->at += piece;
	if (c->at == c->block_end)
		block_moved(c);
	return piece;
}

void ata_run_dma(struct ata_channel *c)
{
	if ((c->mover == ATA_DMA_IN || c->mover == ATA_DMA_OUT) && dma_done(c))
		ata_later(c, c->step);
}

void ata_resume(struct ata_channel *c)
{
	if (c->mover == ATA_DISK)
		disk_submit(ata_active(c)->port, c->request);
	else if (c->mover == ATA_LATER)
		completion_post(c->completions, c->completion);
}
