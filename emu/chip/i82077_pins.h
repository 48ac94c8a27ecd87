/* SPDX-License-Identifier: MIT */
/*
 * What all commands of the 82077AA use: phases, the interrupt pin, what is done later.
 */
#pragma once

#include "emu/chip/i82077_state.h"

#define DOR_NOT_RESET 0x04
#define DOR_DMA_GATE  0x08 /* INT and DRQ leave the chip */
#define DOR_MOTOR(n)  (0x10u << (n))

/* What the completion does. */
#define I82077_LATER_RESET 0x01 /* the end of a reset: all units are polled */
#define I82077_LATER_SEEK  0x02
#define I82077_LATER_END   0x04 /* the result phase */

#define SPECIFY_ND	0x01 /* in specify[1]: no DMA */
#define CONFIGURE_EIS	0x40
#define CONFIGURE_EFIFO 0x20 /* the FIFO is off */
#define CONFIGURE_POLL	0x10 /* polling is off */
#define CONFIGURE_THR	0x0f

#define ST0_ABNORMAL 0x40
#define ST0_INVALID  0x80
#define ST0_POLLED   0xc0
#define ST0_SEEK_END 0x20
#define ST0_EQUIP    0x10
#define ST1_END	     0x80 /* end of cylinder, without TC */
#define ST1_DATA     0x20
#define ST1_NO_DATA  0x04
#define ST1_PROTECT  0x02
#define ST1_NO_MARK  0x01
#define ST2_MARK     0x40
#define ST2_DATA     0x20
#define ST2_CYLINDER 0x10
#define ST2_EQUAL    0x08
#define ST2_UNEQUAL  0x04

/* The pin as the flags say; after each change of them, of the phase, and of DOR. */
void i82077_sync(struct i82077 *f);
void i82077_later(struct i82077 *f, u8 what);
/* Results of a command without an interrupt. */
void i82077_answer(struct i82077 *f, const u8 *results, unsigned n);
/* The command ends with these; its unit and head are added to ST0. From anywhere. */
void i82077_end(struct i82077 *f, u8 st0, u8 st1, u8 st2);
/* The results of what i82077_end() noted. */
void i82077_end_now(struct i82077 *f);
/* Back to the command phase. */
void i82077_idle(struct i82077 *f);

/* The drive of a unit that it can be written or read in; NULL: none. */
struct i82077_drive *i82077_drive_of(struct i82077 *f, unsigned unit);
/* The format of the disk in it; NULL: there is none that this drive can read. */
const struct floppy_format *i82077_format(const struct i82077_drive *d);
/* Moves the heads of a unit, if it has any, and returns whether they are at track 0. */
void i82077_step_to(struct i82077 *f, unsigned unit, unsigned track);
