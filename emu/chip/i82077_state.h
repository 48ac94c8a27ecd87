/* SPDX-License-Identifier: MIT */
/*
 * The 82077AA floppy disk controller (Intel 290166) as PCs have it, in AT mode, with two drives.
 *
 *   i82077.c           registers, reset, the device
 *   i82077_command.c   what each command is and does, but those that move data
 *   i82077_transfer.c  those that move data
 *   i82077_pins.c      phases, the interrupt pin, what is done later
 *
 * Nothing happens inside an OUT: seeks, the end of reset and of commands come as completions
 * (emu/dev/completion.h), and so does the disk's data.
 */
#pragma once

#include "emu/chip/floppy_format.h"
#include "emu/dev/completion.h"
#include "emu/dev/device.h"
#include "emu/dev/drives.h"

#define I82077_UNITS   4 /* that the chip can address; two have a drive */
#define I82077_DRIVES  2
#define I82077_SECTORS 36 /* of the longest track */

#define I82077_IRQ 6
#define I82077_DMA 2

enum i82077_phase { I82077_COMMAND, I82077_EXECUTION, I82077_RESULT };

/* Of a command that moves data: who is to move next. */
enum i82077_mover { I82077_NOBODY, I82077_DISK, I82077_GUEST };

struct i82077_drive {
	struct disk_port port;
	enum floppy_drive type;
	u8 track;     /* where the heads are */
	bool changed; /* DSKCHG: the door was open since the last step with a disk in it */
};

/* A command that moves data. */
struct i82077_transfer {
	u8 unit, head;
	u8 c, h, r, n;		 /* of the next sector, as the guest counts */
	u8 eot, dtl;		 /* the last sector of a track; DTL, SC or STP */
	u8 stepped;		 /* cylinders behind the one that it began on */
	u8 run;			 /* sectors in the buffer, from r on */
	enum i82077_mover mover; /* DISK: request is under way */
	bool tc;		 /* terminal count has come */
	u32 at;			 /* bytes of the run that the guest has moved */
	u32 length;		 /* of the run, in bytes */
	bool differs, failed;	 /* SCAN: from this sector; in the condition */
	u64 to_format;		 /* FORMAT: bit n: sector n + 1 is still to be written */
	u8 st1, st2;		 /* so far */
};

struct i82077 {
	/* Registers */
	u8 dor, tdr, rate;
	u8 specify[2];	      /* SRT HUT, HLT ND */
	u8 configure, pretrk; /* EIS EFIFO POLL FIFOTHR */
	u8 perpendicular;
	bool lock;
	/* The FIFO in command and result phase */
	enum i82077_phase phase;
	u8 fifo[10], fifo_at, fifo_length;
	u8 command; /* the one that is executed */
	/* Interrupts */
	bool result_int, data_int, sense_int;
	bool level;		/* of the pin */
	u8 sense[I82077_UNITS]; /* ST0 for SENSE INTERRUPT STATUS */
	u8 sensed, polled; /* which units have one; which of those only since reset polled them */
	/* Seeks under way */
	u8 seeking, recalibrating; /* units */
	u8 seek_to[I82077_UNITS], pcn[I82077_UNITS];
	u8 later;	  /* I82077_LATER_* */
	u8 st0, st1, st2; /* of the command that ends later */
	struct i82077_transfer t;
	u8 buffer[I82077_SECTORS * DISK_SECTOR]; /* means nothing while nobody moves */
	struct i82077_drive drive[I82077_DRIVES];

	struct disk_request request;
	struct completion completion;
	struct completions *completions;
	struct irq_line irq;
	struct dma_line dma;
	const struct board_host *host;
};
