/* SPDX-License-Identifier: MIT */
/*
 * IDENTIFY data, by words (ATA/ATAPI-6, 8.15 and 8.16). Only what a device has is offered; of the
 * write cache it says what is so: words 82 and 85 bit 5, and FLUSH in 83 and 86.
 */
#include "emu/chip/ata_identify.h"

#include "kernel/base/print.h"
#include "kernel/base/string.h"

static void put(u8 *to, unsigned word, u32 v)
{
	to[2 * word] = (u8)v;
	to[2 * word + 1] = (u8)(v >> 8);
}

static void put32(u8 *to, unsigned word, u32 v)
{
	put(to, word, v & 0xffff);
	put(to, word + 1, v >> 16);
}

/* Text with its characters swapped in each word, filled up with blanks. */
static void put_text(u8 *to, unsigned word, unsigned words, const char *text)
{
	size_t n = strlen(text);

	for (unsigned i = 0; i < 2 * words; i++)
		to[2 * word + (i ^ 1)] = i < n ? (u8)text[i] : ' ';
}

static void put_names(u8 *to, unsigned unit, const char *model)
{
	char serial[20];

	fmt_print(serial, sizeof(serial), "RL%05u", unit + 1);
	put_text(to, 10, 10, serial);
	put_text(to, 23, 4, "1.0");
	put_text(to, 27, 20, model);
}

/* The sum of all 512 bytes is 0. */
static void put_checksum(u8 *to)
{
	u8 sum = 0;

	to[510] = 0xa5;
	for (unsigned i = 0; i < 511; i++)
		sum = (u8)(sum + to[i]);
	to[511] = (u8)-sum;
}

/* Words 49 to 53, 63 to 68, 88: transfer modes; bit n + 8 of a word: mode n is chosen. */
static void put_modes(u8 *to, u8 mode)
{
	put(to, 49, 0x0f00); /* IORDY, LBA, DMA */
	put(to, 51, 0x0200); /* PIO 2 */
	put(to, 53, 0x0007);
	put(to, 63, 0x0007 | (mode >> 3 == 4 ? BIT(8 + (mode & 7)) : 0));
	put(to, 64, 0x0003);
	for (unsigned w = 65; w <= 68; w++)
		put(to, w, 120); /* ns a cycle */
	put(to, 88, 0x003f | (mode >> 3 == 8 ? BIT(8 + (mode & 7)) : 0));
}

u32 ata_cylinders(const struct ata_device *d)
{
	u64 n = d->port->backend->sectors / ((u32)d->heads * d->sectors);

	return (u32)MIN(n, d->heads == ATA_HEADS ? ATA_CYLINDERS_MAX : 65535u);
}

void ata_identify_disk(const struct ata_device *d, unsigned unit, u8 *to)
{
	u64 sectors = d->port->backend->sectors;
	u64 natural = MIN(sectors / (ATA_HEADS * ATA_SECTORS), ATA_CYLINDERS_MAX);
	u32 lba28 = (u32)MIN(sectors, 0x0fffffffull);

	memset(to, 0, 512);
	put(to, 0, 0x0040); /* a fixed disk */
	put(to, 1, (u32)natural);
	put(to, 3, ATA_HEADS);
	put(to, 6, ATA_SECTORS);
	put_names(to, unit, "RINGLEADER DISK");
	put(to, 47, 0x8000 | ATA_MULTIPLE_MAX);
	put(to, 48, 1); /* 32 bits at the data port */
	put_modes(to, d->transfer_mode);
	put(to, 54, ata_cylinders(d));
	put(to, 55, d->heads);
	put(to, 56, d->sectors);
	put32(to, 57, ata_cylinders(d) * d->heads * d->sectors);
	put(to, 59, d->multiple ? 0x0100u | d->multiple : 0);
	put32(to, 60, lba28);
	put(to, 80, 0x007e); /* ATA-1 to ATA/ATAPI-6 */
	put(to, 82, 0x0021); /* SMART, write cache */
	put(to, 83, 0x7400); /* FLUSH, FLUSH EXT, 48 bits */
	put(to, 84, 0x4040); /* FUA */
	put(to, 85, (d->smart ? 1u : 0) | (d->write_cache ? 0x20u : 0));
	put(to, 86, 0x3400);
	put(to, 87, 0x4040);
	put(to, 93, unit & 1 ? 0x4b00 : 0x600b); /* reset: 80 wires, number by jumper */
	put32(to, 100, (u32)sectors);
	put32(to, 102, (u32)(sectors >> 32));
	put_checksum(to);
}

void ata_identify_cdrom(const struct ata_device *d, unsigned unit, u8 *to)
{
	memset(to, 0, 512);
	put(to, 0, 0x85c0); /* CD-ROM, removable, DRQ at once, packets of 12 bytes */
	put_names(to, unit, "RINGLEADER CD-ROM");
	put(to, 48, 1);
	put_modes(to, d->transfer_mode);
	put(to, 80, 0x007e);
	put(to, 82, 0x0210); /* DEVICE RESET, PACKET */
	put(to, 83, 0x4000);
	put(to, 84, 0x4000);
	put(to, 85, 0x0210);
	put(to, 87, 0x4000);
	put(to, 93, unit & 1 ? 0x4b00 : 0x600b);
	put_checksum(to);
}

/* No attributes: a disk of this kind does not wear. */
void ata_smart_data(u8 *to, bool thresholds)
{
	u8 sum = 0;

	memset(to, 0, 512);
	to[0] = 1; /* of this structure */
	if (!thresholds) {
		to[362] = 0x02; /* the last offline collection ended well */
		to[368] = 0x03; /* attributes are saved at power-off */
	}
	for (unsigned i = 0; i < 511; i++)
		sum = (u8)(sum + to[i]);
	to[511] = (u8)-sum;
}
