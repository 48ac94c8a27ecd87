/* SPDX-License-Identifier: MIT */
/*
 * The two IDE channels, their drives and their bus masters.
 */
#include "emu/chip/bus_master.h"
#include "emu/chip/piix3_ide.h"
#include "emu/words/words_each.h"
#include "emu/words/words_text.h"
#include "kernel/hw/ata_regs.h"

#define NIEN 0x02
#define SRST 0x04

static const char *const status_names[] = { "ERR", NULL, NULL, "DRQ", "DSC", "DF", "DRDY", "BSY" };
static const char *const error_names[] = { NULL, NULL, "ABRT", NULL, "IDNF", NULL, "UNC" };

static const struct {
	u8 command;
	const char *name;
} commands[] = {
	{ ATA_READ_SECTORS, "READ SECTORS" },
	{ ATA_READ_SECTORS_EXT, "READ SECTORS EXT" },
	{ ATA_READ_DMA_EXT, "READ DMA EXT" },
	{ ATA_READ_MULTIPLE_EXT, "READ MULTIPLE EXT" },
	{ ATA_WRITE_SECTORS, "WRITE SECTORS" },
	{ ATA_WRITE_SECTORS_EXT, "WRITE SECTORS EXT" },
	{ ATA_WRITE_DMA_EXT, "WRITE DMA EXT" },
	{ ATA_WRITE_MULTIPLE_EXT, "WRITE MULTIPLE EXT" },
	{ ATA_VERIFY, "READ VERIFY" },
	{ ATA_SET_GEOMETRY, "INITIALIZE DEVICE PARAMETERS" },
	{ ATA_PACKET, "PACKET" },
	{ ATA_IDENTIFY_PACKET, "IDENTIFY PACKET DEVICE" },
	{ ATA_SMART, "SMART" },
	{ ATA_READ_MULTIPLE, "READ MULTIPLE" },
	{ ATA_WRITE_MULTIPLE, "WRITE MULTIPLE" },
	{ ATA_SET_MULTIPLE, "SET MULTIPLE" },
	{ ATA_READ_DMA, "READ DMA" },
	{ ATA_WRITE_DMA, "WRITE DMA" },
	{ ATA_FLUSH, "FLUSH CACHE" },
	{ ATA_FLUSH_EXT, "FLUSH CACHE EXT" },
	{ ATA_IDENTIFY, "IDENTIFY DEVICE" },
	{ ATA_SET_FEATURES, "SET FEATURES" },
};

static const char *command_name(u8 command)
{
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].command == command)
			return commands[i].name;
	return "another command";
}

/* As SET FEATURES gave it: kind(5) number(3). */
static void print_mode(u8 mode, const struct dbg_out *out)
{
	static const char *const kind[] = { "PIO by default", "PIO", "?", "?",
					    "multiword DMA",  "?",   "?", "?",
					    "ultra DMA" };
	const char *name = kind[MIN((u32)mode >> 3, 8u)];

	if (mode >> 3)
		words_say(out, "transfer mode", "%s %u", name, mode & 7);
	else
		words_say(out, "transfer mode", "%s", name);
}

static void print_disk(const struct ata_device *d, const struct dbg_out *out)
{
	words_say(out, "geometry", "%u heads, %u sectors; %u sectors a block of READ MULTIPLE",
		  d->heads, d->sectors, d->multiple);
	words_say(out, "write cache", "%s; SMART %s", words_on(d->write_cache), words_on(d->smart));
}

static void print_cd(const struct ata_device *d, const struct dbg_out *out)
{
	words_say(out, "sense", "key %x, ASC %02x, ASCQ %02x", d->sense_key, d->asc, d->ascq);
	words_say(out, "tray", "%s%s%s", d->tray_open ? "open" : "closed",
		  d->locked ? ", locked" : "",
		  d->attention ? "; a unit attention waits to be told" : "");
}

static void print_device(const struct ata_channel *c, unsigned n, const struct dbg_out *out)
{
	const struct ata_device *d = &c->dev[n];
	const struct ata_regs *r = &d->r;

	if (d->kind == DRIVE_NONE) {
		dbg_print(out, " device %u: none", n);
		return;
	}
	dbg_print(out, " device %u: %s, %llu sectors of 512 bytes%s", n,
		  d->kind == DRIVE_CDROM ? "CD-ROM drive" : "disk",
		  (unsigned long long)d->port->backend->sectors,
		  d->intrq ? ", asks for an interrupt" : "");
	words_flags(out, "status", r->status, status_names);
	words_flags(out, "error", r->error, error_names);
	words_say(out, "registers", "feature %02x, count %02x, LBA %02x %02x %02x, device %02x",
		  r->feature[0], r->count[0], r->high[0], r->mid[0], r->low[0], r->device);
	print_mode(d->transfer_mode, out);
	if (d->kind == DRIVE_CDROM)
		print_cd(d, out);
	else
		print_disk(d, out);
}

static void print_work(const struct ata_channel *c, const struct dbg_out *out)
{
	static const char *const mover[ATA_MOVERS] = {
		"nothing is under way",	   "the disk moves data",      "goes on in a moment",
		"the guest reads a block", "the guest writes a block", "DMA to memory",
		"DMA from memory"
	};

	if (c->mover == ATA_NOBODY && !c->command) {
		words_say(out, "last command", "none");
		return;
	}
	if (c->mover == ATA_NOBODY) {
		words_say(out, "last command", "%02x %s, device %u", c->command,
			  command_name(c->command), c->active);
		return;
	}
	words_say(out, "command", "%02x %s, device %u: %s", c->command, command_name(c->command),
		  c->active, mover[c->mover]);
	words_say(out, "progress", "next sector %llu, %u to come, %u of %u bytes moved",
		  (unsigned long long)c->sector, c->left, c->at, c->length);
}

static void print_channel(const struct ata_channel *c, const struct dbg_out *out)
{
	dbg_print(out, "%s channel: device %u selected, IRQ %u is %s%s%s",
		  c->number ? "secondary" : "primary", c->selected, 14 + c->number,
		  words_up(c->level), c->control & NIEN ? ", off (nIEN)" : "",
		  c->control & SRST ? ", in reset (SRST)" : "");
	print_work(c, out);
	words_say(out, "bus master", "%s, %s; table at %08x%s%s%s",
		  c->bm_command & BM_START ? "started" : "stopped",
		  c->bm_command & BM_READ ? "to memory" : "from memory", c->bm_table,
		  c->bm_status & BM_ACTIVE ? ", active" : "",
		  c->bm_status & BM_ERROR ? ", error" : "",
		  c->bm_status & BM_INTERRUPT ? ", interrupt" : "");
	print_device(c, 0, out);
	print_device(c, 1, out);
}

void words_piix3_ide(const void *dev, const struct dbg_out *out)
{
	const struct piix3_ide *ide = dev;

	words_pci_function(out, &ide->pci);
	for (unsigned n = 0; n < 2; n++)
		print_channel(&ide->channel[n], out);
}
