/* SPDX-License-Identifier: MIT */
/*
 * What all ATA commands use.
 */
#pragma once

#include "emu/chip/ata_state.h"

static inline struct ata_device *ata_active(struct ata_channel *c)
{
	return &c->dev[c->active];
}

/* The line as the selected device and nIEN say. */
void ata_sync_irq(struct ata_channel *c);
void ata_set_intrq(struct ata_channel *c, bool on);

/* SET FEATURES 03h: false, if the mode is none that the device has. */
bool ata_set_mode(struct ata_device *d, u8 mode);
/* The next step comes as the channel's completion. */
void ata_later(struct ata_channel *c, enum ata_step step);
/* The disk moves so many sectors between its place c->sector and the buffer, or flushes; then
 * comes the next step, with c->request.result. */
void ata_disk(struct ata_channel *c, enum disk_op op, u32 sectors, enum ata_step step);
/* The guest moves so many bytes of the buffer by PIO, in DRQ blocks of this size, or by DMA; then
 * comes the next step. first_irq: the first block has an interrupt, too. By DMA: only from a
 * completion, since the next step may come at once. */
void ata_guest(struct ata_channel *c, bool in, u32 length, u32 block, bool first_irq,
	       enum ata_step step);
/* From a completion, by DMA: the next step comes when the bus master is started. False: it runs. */
bool ata_await_dma(struct ata_channel *c, bool in, enum ata_step step);
/* From a completion: the command is over, with an interrupt. */
void ata_end(struct ata_channel *c, u8 status, u8 error);
/* All that was begun is given up, without a word. */
void ata_abandon(struct ata_channel *c);

/* The data port. n bytes at most; returns how many were moved. */
u32 ata_pio_read(struct ata_channel *c, u8 *to, u32 n);
u32 ata_pio_write(struct ata_channel *c, const u8 *from, u32 n);
/* The bus master was started, or data is there for it: it moves what it can. */
void ata_run_dma(struct ata_channel *c);
/* c->request has ended; the channel's completion runs. */
void ata_request_done(void *channel, struct disk_request *r);
void ata_run_later(void *channel);
/* What was under way when it was saved goes on. */
void ata_resume(struct ata_channel *c);
