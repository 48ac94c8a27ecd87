/* SPDX-License-Identifier: MIT */
/*
 * The commands of the 82077AA that move data, and READ ID. One of them is under way from begin to
 * i82077_end(); who moves next is in i82077.t.mover.
 */
#pragma once

#include "emu/chip/i82077_state.h"

void i82077_transfer_begin(struct i82077 *f);
void i82077_format_begin(struct i82077 *f);
void i82077_read_id(struct i82077 *f);

/* The DMA controller serves the channel. */
void i82077_granted(void *dev);
/* DREQ as the transfer and DOR say. */
void i82077_drive_dreq(struct i82077 *f);
/* Without DMA: the guest reads or writes the FIFO in the execution phase. */
u8 i82077_data_read(struct i82077 *f);
void i82077_data_write(struct i82077 *f, u8 v);
/* Does the guest read in this execution phase? */
bool i82077_to_guest(const struct i82077 *f);
/* f->request has ended. */
void i82077_disk_done(void *dev, struct disk_request *r);
/* A transfer that was loaded goes on. */
void i82077_transfer_resume(struct i82077 *f);
