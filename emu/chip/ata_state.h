/* SPDX-License-Identifier: MIT */
/*
 * An ATA channel with up to two devices, disks or CD-ROM drives (ATA/ATAPI-6, T13 1410D).
 *
 *   piix3_ide.c    the two channels as a PCI function: ports, bus master registers, resets
 *   ata_disk.c     commands of disks         atapi.c    CD-ROM drives: PACKET and what is in it
 *   ata_identify.c what devices say of themselves
 *   ata_channel.c  status, interrupt, who moves data
 *   bus_master.c   data between the buffer and the guest's memory, by lists of regions
 *
 * A command is under way while BSY or DRQ is set. Its data goes through the channel's buffer, in
 * chunks: the disk fills it or takes it, the guest does the other half. Nothing ends inside an
 * OUT: what a command does comes as a completion, the disk's or the channel's own.
 */
#pragma once

#include "emu/dev/completion.h"
#include "emu/dev/device.h"
#include "emu/dev/drives.h"

#define ATA_CHUNK  60u /* sectors in the buffer: 15 of a CD, and a saved channel fits a section */
#define ATA_BUFFER (ATA_CHUNK * DISK_SECTOR)

#define ATA_BSY	 0x80
#define ATA_DRDY 0x40
#define ATA_DF	 0x20
#define ATA_DSC	 0x10
#define ATA_DRQ	 0x08
#define ATA_ERR	 0x01

#define ATA_ERR_UNC  0x40
#define ATA_ERR_IDNF 0x10
#define ATA_ERR_ABRT 0x04

enum ata_mover {
	ATA_NOBODY,
	ATA_DISK,   /* a request is under way */
	ATA_LATER,  /* the channel's completion is posted */
	ATA_PIO_IN, /* the guest reads a DRQ block */
	ATA_PIO_OUT,
	ATA_DMA_IN, /* to the guest's memory, when the bus master runs */
	ATA_DMA_OUT,
	ATA_MOVERS
};

/* What a command does next; which steps there are, its file says. */
enum ata_step {
	ATA_STEP_END,
	ATA_STEP_READ,
	ATA_STEP_READ_DONE,
	ATA_STEP_WRITE,
	ATA_STEP_WRITE_GIVEN,
	ATA_STEP_WRITTEN,
	ATA_STEP_VERIFY_DONE,
	ATA_STEP_FLUSH_DONE,
	ATA_STEP_PACKET,
	ATA_STEP_IDENTIFY,
	ATA_STEP_QUIET_END,
	ATA_STEP_COMMAND_END,
	ATA_STEPS
};

/* Command block registers: [1] is what was written before, for 48-bit commands. */
struct ata_regs {
	u8 feature[2], count[2], low[2], mid[2], high[2];
	u8 device, status, error;
};

struct ata_device {
	enum drive_kind kind;
	struct disk_port *port;
	struct ata_regs r;
	bool intrq;
	u8 heads, sectors; /* of the geometry that CHS addresses are in */
	u8 multiple;	   /* sectors of a DRQ block of READ MULTIPLE; 0: it was not set */
	u8 transfer_mode;  /* as SET FEATURES gave it */
	bool write_cache, smart;
	/* CD-ROM */
	u8 sense_key, asc, ascq;
	bool locked, tray_open;
	u8 attention;	/* ASC of the unit attention that nobody was told; 0: none */
	u8 media_event; /* of GET EVENT STATUS NOTIFICATION */
};

/* Of a channel: what is on its way. What of it is in a stream, the channel says. */
struct ata_work {
	struct disk_port port[2];
	struct disk_request request;
	struct completion completion;
	u8 buffer[ATA_BUFFER];
};

struct ata_channel {
	struct ata_device dev[2];
	unsigned number; /* of the channel */
	u8 selected;	 /* device */
	u8 control;	 /* HOB, SRST, nIEN */
	bool level;	 /* of the interrupt line */
	/* The command under way */
	u8 active; /* device */
	u8 command;
	enum ata_mover mover;
	enum ata_step step;
	bool by_dma, ext;     /* 48-bit registers */
	bool force_flush;     /* FUA */
	u64 sector;	      /* the next, in 512 bytes */
	u32 left;	      /* sectors, or bytes of a packet's answer, that are still to come */
	u32 chunk;	      /* sectors in the buffer */
	u32 at, length;	      /* bytes of the buffer that are moved, of how many */
	u32 block, block_end; /* bytes of a DRQ block; where the present one ends */
	u32 limit;	      /* of a packet command's blocks */
	bool raw;	      /* READ CD: sectors of 2,352 bytes */
	u8 packet[12];
	u8 *buffer; /* means nothing while nobody moves */
	/* Bus master registers */
	u8 bm_command, bm_status;
	u32 bm_table;		     /* of region descriptors */
	u32 bm_at, bm_base, bm_left; /* the next descriptor; what is left of the present one */
	bool bm_last;

	struct disk_request *request;
	struct completion *completion;
	struct completions *completions;
	const struct board_host *host;
	struct irq_line irq;
	struct gpmem *mem;
	void (*advance)(struct ata_channel *c); /* the next step */
};
