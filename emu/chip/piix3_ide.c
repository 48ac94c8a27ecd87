/* SPDX-License-Identifier: MIT */
/*
 * Ports of the IDE function:
 *
 *   1F0/170  data(16, 32)   read: 1 error  2 count  3..5 address  6 device  7 status
 *                          write: 1 feature                                 7 command
 *   3F6/376                 read: status, and the interrupt stays    write: HOB 0000 SRST nIEN 0
 *   BAR4     bus master, 8 ports of each channel (bus_master.h)
 *
 * A channel's ports are decoded while bit 15 of its timing register (40h, 42h) and the command
 * register's I/O bit are set. Writes to the command block reach both devices of a channel, the
 * command the one that is selected. Device 0 answers for a device 1 that is not there, with zeros;
 * on a channel without devices nothing holds the bus but a resistor at bit 7.
 */
#include "emu/chip/piix3_ide.h"

#include "emu/chip/ata_channel.h"
#include "emu/chip/ata_disk.h"
#include "emu/chip/ata_identify.h"
#include "emu/chip/atapi.h"
#include "emu/chip/bus_master.h"
#include "emu/dev/strict.h"
#include "emu/snap/snap.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"

enum { DATA, ERROR_FEATURE, COUNT, LOW, MID, HIGH, DEVICE, STATUS_COMMAND };

#define HOB  0x80
#define SRST 0x04
#define NIEN 0x02

#define DEVICE_SECOND	0x10
#define DEVICE_RESET	0x08
#define DIAGNOSTIC	0x90
#define REG_TIMING	0x40
#define TIMING_DECODE	0x80 /* in the upper byte */
#define REG_BUS_MASTER	0x20
#define BUS_MASTER_SIZE 16u

/* --- Devices */

/* How a device without a command shows what it is (ATA/ATAPI-6, 9.12). */
static void set_signature(struct ata_device *d)
{
	bool cd = d->kind == DRIVE_CDROM;

	memset(&d->r, 0, sizeof(d->r));
	if (d->kind == DRIVE_NONE)
		return;
	d->r.count[0] = d->r.low[0] = 1;
	d->r.mid[0] = cd ? 0x14 : 0;
	d->r.high[0] = cd ? 0xeb : 0;
	d->r.error = 1; /* passed */
	d->r.status = cd ? 0 : ATA_DRDY | ATA_DSC;
}

static void reset_device(struct ata_device *d, bool power)
{
	set_signature(d);
	d->intrq = false;
	d->multiple = 0;
	if (d->kind == DRIVE_CDROM)
		atapi_reset(d);
	if (!power)
		return;
	d->heads = ATA_HEADS;
	d->sectors = ATA_SECTORS;
	d->transfer_mode = 0;
	d->write_cache = d->smart = true;
	d->tray_open = false;
	d->media_event = 0;
}

static void reset_channel(struct ata_channel *c, bool power)
{
	ata_abandon(c);
	for (unsigned i = 0; i < 2; i++)
		reset_device(&c->dev[i], power);
	c->selected = c->active = 0;
	ata_sync_irq(c);
}

static void advance(struct ata_channel *c)
{
	if (ata_active(c)->kind == DRIVE_CDROM)
		atapi_advance(c);
	else
		ata_disk_advance(c);
}

static bool has_devices(const struct ata_channel *c)
{
	return c->dev[0].kind != DRIVE_NONE || c->dev[1].kind != DRIVE_NONE;
}

/* --- Command block */

/* Both devices run it, and device 0 tells. */
static void diagnostic(struct ata_channel *c)
{
	for (unsigned i = 0; i < 2; i++)
		set_signature(&c->dev[i]);
	c->selected = 0;
	if (c->dev[0].kind == DRIVE_NONE)
		return;
	c->active = 0;
	ata_set_intrq(c, true);
}

/* Only a packet device has DEVICE RESET, at any time and without an interrupt. */
static void device_reset(struct ata_channel *c, struct ata_device *d)
{
	u8 device = d->r.device & DEVICE_SECOND;

	if (d == ata_active(c))
		ata_abandon(c);
	set_signature(d);
	d->r.device = device;
	d->intrq = false;
	ata_sync_irq(c);
}

static void write_command(struct ata_channel *c, u8 command)
{
	struct ata_device *d = &c->dev[c->selected];

	if (command == DEVICE_RESET && d->kind == DRIVE_CDROM) {
		device_reset(c, d);
		return;
	}
	if (c->mover != ATA_NOBODY) { /* busy, or in the midst of data */
		strict_broken(c->host, STRICT_ata_command);
		return;
	}
	if (c->host->settles)
		c->host->settles(c->host->ctx);
	if (command == DIAGNOSTIC) {
		diagnostic(c);
		return;
	}
	if (d->kind == DRIVE_NONE)
		return;
	c->active = c->selected;
	c->command = command;
	c->ext = c->by_dma = c->force_flush = c->raw = false;
	c->block = c->limit = DISK_SECTOR;
	c->chunk = c->left = c->at = c->length = c->block_end = 0;
	c->request->result = DISK_OK;
	d->r.error = 0;
	ata_set_intrq(c, false);
	if (d->kind == DRIVE_CDROM)
		atapi_command(c, command);
	else
		ata_disk_command(c, command);
}

static void push(u8 r[2], u8 v)
{
	r[1] = r[0];
	r[0] = v;
}

static void write_register(struct ata_regs *r, unsigned reg, u8 v)
{
	switch (reg) {
	case ERROR_FEATURE:
		push(r->feature, v);
		break;
	case COUNT:
		push(r->count, v);
		break;
	case LOW:
		push(r->low, v);
		break;
	case MID:
		push(r->mid, v);
		break;
	case HIGH:
		push(r->high, v);
		break;
	case DEVICE:
		r->device = v;
		break;
	}
}

static void command_block_write(struct ata_channel *c, unsigned reg, u8 v)
{
	c->control &= (u8)~HOB;
	if (reg == STATUS_COMMAND) {
		if (!(c->control & SRST))
			write_command(c, v);
		return;
	}
	if (c->mover != ATA_NOBODY)
		strict_broken(c->host, STRICT_ata_register);
	if (c->mover == ATA_DISK || c->mover == ATA_LATER)
		return; /* a device that is busy listens to nothing but a reset */
	for (unsigned i = 0; i < 2; i++)
		write_register(&c->dev[i].r, reg, v);
	if (reg == DEVICE) {
		if (c->host->settles && c->selected != !!(v & DEVICE_SECOND))
			c->host->settles(c->host->ctx);
		c->selected = v & DEVICE_SECOND ? 1 : 0;
		ata_sync_irq(c);
	}
}

/*
 * A channel without devices reads as zeros, as Intel's later south bridges read where they have no
 * channel. A cable without devices would leave what its pull-ups make of it, 7Fh in the status, of
 * which DRDY and DRQ are set: programs that look at no more find a disk there, and wait for it.
 */
static u8 status_of(const struct ata_channel *c)
{
	if (!has_devices(c))
		return 0;
	return c->control & SRST ? ATA_BSY : c->dev[c->selected].r.status;
}

static u8 command_block_read(struct ata_channel *c, unsigned reg)
{
	struct ata_device *d = &c->dev[c->selected];
	bool before = c->control & HOB;

	if (reg == STATUS_COMMAND) {
		if (c->host->unsettled && c->host->unsettled(c->host->ctx))
			strict_broken(c->host, STRICT_ata_400ns);
		d->intrq = false;
		ata_sync_irq(c);
		return status_of(c);
	}
	if (!has_devices(c) || (d->kind == DRIVE_NONE && reg != DEVICE))
		return 0;
	switch (reg) {
	case ERROR_FEATURE:
		return before ? d->r.feature[1] : d->r.error;
	case COUNT:
		return d->r.count[before];
	case LOW:
		return d->r.low[before];
	case MID:
		return d->r.mid[before];
	case HIGH:
		return d->r.high[before];
	default:
		return d->r.device | 0xa0;
	}
}

static bool data_port_is_ours(const struct ata_channel *c)
{
	return c->selected == c->active && c->dev[c->active].kind != DRIVE_NONE;
}

static u32 data_read(struct ata_channel *c, unsigned size)
{
	u8 bytes[4] = { 0 };

	if (data_port_is_ours(c) && !ata_pio_read(c, bytes, size))
		strict_broken(c->host, STRICT_ata_data);
	return (u32)(bytes[0] | bytes[1] << 8 | bytes[2] << 16) | (u32)bytes[3] << 24;
}

/* Only the data port is wider than a byte. */
static u32 channel_read(struct ata_channel *c, unsigned reg, unsigned size)
{
	u32 v = 0;

	if (reg == DATA)
		return data_read(c, size);
	for (unsigned i = 0; i < size; i++)
		v |= (u32)command_block_read(c, reg + i) << 8 * i;
	return v;
}

static void channel_write(struct ata_channel *c, unsigned reg, unsigned size, u32 value)
{
	const u8 bytes[4] = { (u8)value, (u8)(value >> 8), (u8)(value >> 16), (u8)(value >> 24) };

	if (reg == DATA && data_port_is_ours(c) && !ata_pio_write(c, bytes, size))
		strict_broken(c->host, STRICT_ata_data);
	for (unsigned i = 0; reg != DATA && i < size; i++)
		command_block_write(c, reg + i, bytes[i]);
}

static void control_write(struct ata_channel *c, u8 v)
{
	u8 changed = c->control ^ v;

	c->control = v & (HOB | SRST | NIEN);
	if (changed & SRST)
		reset_channel(c, false);
	ata_sync_irq(c);
}

/* Whole accesses, as many as the DRQ block has left. */
static u32 fit(const struct ata_channel *c, unsigned reg, unsigned size, u32 n)
{
	return reg == DATA && data_port_is_ours(c) ? MIN(n, (c->block_end - c->at) / size) : 0;
}

static u32 channel_read_many(struct ata_channel *c, unsigned reg, unsigned size, u8 *to, u32 n)
{
	return ata_pio_read(c, to, fit(c, reg, size, n) * size) / size;
}

static u32 channel_write_many(struct ata_channel *c, unsigned reg, unsigned size, const u8 *from,
			      u32 n)
{
	return ata_pio_write(c, from, fit(c, reg, size, n) * size) / size;
}

/* The ports of channel n. */
#define CHANNEL_PORTS(n)                                                                           \
	static u32 read_##n(void *dev, u16 offset, unsigned size)                                  \
	{                                                                                          \
		return channel_read(&((struct piix3_ide *)dev)->channel[n], offset, size);         \
	}                                                                                          \
	static void write_##n(void *dev, u16 offset, unsigned size, u32 value)                     \
	{                                                                                          \
		channel_write(&((struct piix3_ide *)dev)->channel[n], offset, size, value);        \
	}                                                                                          \
	static u32 read_many_##n(void *dev, u16 offset, unsigned size, u8 *to, u32 many)           \
	{                                                                                          \
		return channel_read_many(&((struct piix3_ide *)dev)->channel[n], offset, size, to, \
					 many);                                                    \
	}                                                                                          \
	static u32 write_many_##n(void *dev, u16 offset, unsigned size, const u8 *from, u32 many)  \
	{                                                                                          \
		return channel_write_many(&((struct piix3_ide *)dev)->channel[n], offset, size,    \
					  from, many);                                             \
	}                                                                                          \
	static u32 control_read_##n(void *dev, u16 offset, unsigned size)                          \
	{                                                                                          \
		(void)offset;                                                                      \
		(void)size;                                                                        \
		return status_of(&((struct piix3_ide *)dev)->channel[n]);                          \
	}                                                                                          \
	static void control_write_##n(void *dev, u16 offset, unsigned size, u32 value)             \
	{                                                                                          \
		(void)offset;                                                                      \
		(void)size;                                                                        \
		control_write(&((struct piix3_ide *)dev)->channel[n], (u8)value);                  \
	}

CHANNEL_PORTS(0)
CHANNEL_PORTS(1)

static const struct bus_ports command_ports[2] = { { read_0, write_0, 4 }, { read_1, write_1, 4 } };
static const struct bus_bulk bulk[2] = { { read_many_0, write_many_0 },
					 { read_many_1, write_many_1 } };
static const struct bus_ports control_ports[2] = { { control_read_0, control_write_0, 1 },
						   { control_read_1, control_write_1, 1 } };

static u32 bm_read(void *dev, u16 offset, unsigned size)
{
	struct piix3_ide *p = dev;

	return bus_master_read(&p->channel[offset >> 3 & 1], offset & 7, size);
}

static void bm_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct piix3_ide *p = dev;
	struct ata_channel *c = &p->channel[offset >> 3 & 1];

	if (bus_master_write(c, offset & 7, size, value) &&
	    (p->pci.config[PCI_COMMAND] & PCI_COMMAND_MASTER))
		ata_run_dma(c);
}

static const struct bus_ports bm_ports = { bm_read, bm_write, 4 };

/* --- What is decoded */

#define COMMAND_PORT(n) ((u16)((n) ? 0x170 : 0x1f0))
#define CONTROL_PORT(n) ((u16)((n) ? 0x376 : 0x3f6))

static bool claim_channel(struct piix3_ide *p, unsigned n)
{
	if (bus_claim(p->bus, COMMAND_PORT(n), 8, &command_ports[n], p, "ide"))
		return false;
	bus_claim_bulk(p->bus, COMMAND_PORT(n), &bulk[n]);
	if (!bus_claim(p->bus, CONTROL_PORT(n), 1, &control_ports[n], p, "ide"))
		return true;
	bus_release(p->bus, COMMAND_PORT(n));
	return false;
}

static void map_channel(struct piix3_ide *p, unsigned n, bool on)
{
	if (on == !!p->decoded[n])
		return;
	if (on && !claim_channel(p, n))
		return;
	if (!on) {
		bus_release(p->bus, COMMAND_PORT(n));
		bus_release(p->bus, CONTROL_PORT(n));
	}
	p->decoded[n] = on ? COMMAND_PORT(n) : 0;
}

static void map_bus_master(struct piix3_ide *p, u16 base)
{
	if (base == p->decoded[2])
		return;
	if (p->decoded[2])
		bus_release(p->bus, p->decoded[2]);
	p->decoded[2] = 0;
	if (base && !bus_claim(p->bus, base, BUS_MASTER_SIZE, &bm_ports, p, "ide bus master"))
		p->decoded[2] = base;
}

static void remap(struct piix3_ide *p)
{
	const u8 *config = p->pci.config;
	bool io = config[PCI_COMMAND] & PCI_COMMAND_IO;
	u32 base = pci_get32(&p->pci, REG_BUS_MASTER) & ~(BUS_MASTER_SIZE - 1);

	for (unsigned n = 0; n < 2; n++)
		map_channel(p, n, io && (config[REG_TIMING + 2 * n + 1] & TIMING_DECODE));
	map_bus_master(p, io && base <= 0xffff ? (u16)base : 0);
}

static void config_written(void *ctx, unsigned reg, unsigned len)
{
	(void)reg;
	(void)len;
	remap(ctx);
}

static void config_reset(struct piix3_ide *p)
{
	static const struct pci_identity id = { .vendor = 0x8086,
						.device = 0x7010,
						.class_code = 0x010180 };
	struct pci_function *f = &p->pci;

	pci_function_init(f, &id, "PIIX3 IDE");
	f->written = config_written;
	f->ctx = p;
	pci_set16(f->writable, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
	pci_set16(f->config, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
	pci_set16(f->config, PCI_STATUS, 0x0280);
	f->writable[0x0d] = 0xf0; /* latency */
	pci_set32(f->config, REG_BUS_MASTER, IDE_BUS_MASTER | 1);
	/* All 32 bits, as QEMU's: SeaBIOS takes fixed upper bits for a huge range. */
	pci_set32(f->writable, REG_BUS_MASTER, ~(BUS_MASTER_SIZE - 1));
	pci_set32(f->config, REG_TIMING, 0x80008000);
	pci_set32(f->writable, REG_TIMING, 0xffffffff);
	f->writable[0x44] = 0xff; /* slave timing */
}

/* --- The device */

static void piix3_ide_reset(void *dev)
{
	struct piix3_ide *p = dev;

	config_reset(p);
	for (unsigned n = 0; n < 2; n++) {
		struct ata_channel *c = &p->channel[n];

		c->control = 0;
		bus_master_reset(c);
		reset_channel(c, true);
		c->command = 0;
		c->ext = c->by_dma = c->force_flush = c->raw = false;
		c->sector = 0;
		c->left = c->chunk = c->at = c->length = c->block = c->block_end = c->limit = 0;
		memset(c->packet, 0, sizeof(c->packet));
		c->request->op = DISK_READ;
		c->request->result = DISK_OK;
		c->request->sector = c->request->sectors = 0;
	}
	remap(p);
}

static void medium_changed(void *dev)
{
	struct ata_device *d = dev;

	if (d->kind == DRIVE_CDROM)
		atapi_medium_changed(d);
}

static int init_channel(struct piix3_ide *p, unsigned n, const struct device_bay *bay)
{
	struct ata_channel *c = &p->channel[n];
	int err = 0;

	c->number = n;
	c->dev[0].port = &p->work[n].port[0];
	c->dev[1].port = &p->work[n].port[1];
	c->irq = bay->irq[n];
	c->mem = bay->mem;
	c->advance = advance;
	c->completions = bay->completions;
	c->host = bay->host;
	c->buffer = p->work[n].buffer;
	c->request = &p->work[n].request;
	*c->request =
		(struct disk_request){ .done = ata_request_done, .dev = c, .data = c->buffer };
	c->completion = &p->work[n].completion;
	*c->completion = (struct completion){ .run = ata_run_later, .ctx = c };
	for (unsigned i = 0; i < 2 && !err; i++) {
		const struct drive *place = &bay->drives[PLACE_IDE0 + 2 * n + i];
		struct ata_device *d = &c->dev[i];

		/* A disk without a medium is no disk. */
		if (place->kind == DRIVE_NONE ||
		    (place->kind == DRIVE_DISK && !place->backend->sectors))
			continue;
		d->kind = place->kind;
		err = disk_open(d->port, place->backend, c->completions, medium_changed, d);
	}
	return err;
}

static int piix3_ide_init(void *dev, const struct device_bay *bay)
{
	struct piix3_ide *p = dev;
	int err;

	p->bus = bay->bus;
	err = init_channel(p, 0, bay);
	if (!err)
		err = init_channel(p, 1, bay);
	if (err)
		return err;
	piix3_ide_reset(p);
	pci_plug(bay, &p->pci);
	return p->decoded[0] && p->decoded[1] && p->decoded[2] ? 0 : E_INVAL;
}

static void piix3_ide_destroy(void *dev)
{
	struct piix3_ide *p = dev;

	for (struct ata_channel *c = p->channel; c < p->channel + 2; c++) {
		if (!c->completions)
			continue;
		completion_cancel(c->completions, c->completion);
		for (unsigned i = 0; i < 2; i++)
			disk_close(c->dev[i].port);
	}
}

/* --- Saving */

static void regs_state(struct ata_regs *r, struct snap *s)
{
	snap_bytes(s, r->feature, 2);
	snap_bytes(s, r->count, 2);
	snap_bytes(s, r->low, 2);
	snap_bytes(s, r->mid, 2);
	snap_bytes(s, r->high, 2);
	snap_u8(s, r->device);
	snap_u8(s, r->status);
	snap_u8(s, r->error);
}

static void device_state(struct ata_device *d, struct snap *s)
{
	u64 sectors = d->port->backend ? d->port->backend->sectors : 0, saved = sectors;

	disk_settle(d->port, s->loading);
	regs_state(&d->r, s);
	snap_bool(s, d->intrq);
	snap_range(s, d->heads, 1, 16);
	snap_range(s, d->sectors, 1, 255);
	snap_range(s, d->multiple, 0, ATA_MULTIPLE_MAX);
	snap_u8(s, d->transfer_mode);
	snap_bool(s, d->write_cache);
	snap_bool(s, d->smart);
	snap_range(s, d->sense_key, 0, 15);
	snap_u8(s, d->asc);
	snap_u8(s, d->ascq);
	snap_bool(s, d->locked);
	snap_bool(s, d->tray_open);
	snap_u8(s, d->attention);
	snap_range(s, d->media_event, 0, 3);
	snap_u64(s, saved);
	if (saved != sectors && s->loading && snap_ok(s))
		medium_changed(d);
}

/* Sizes of blocks are such as commands make. */
static void transfer_state(struct ata_channel *c, struct snap *s)
{
	bool pio;

	snap_enum(s, c->mover, ATA_MOVERS);
	snap_enum(s, c->step, ATA_STEPS);
	snap_bool(s, c->by_dma);
	snap_bool(s, c->ext);
	snap_bool(s, c->force_flush);
	snap_bool(s, c->raw);
	snap_u64(s, c->sector);
	snap_u32(s, c->left);
	snap_range(s, c->chunk, 0, ATA_CHUNK);
	snap_range(s, c->length, 0, ATA_BUFFER);
	snap_range(s, c->at, 0, c->length);
	snap_range(s, c->block, 0, 0xfffe);
	snap_range(s, c->block_end, 0, c->length);
	snap_range(s, c->limit, 0, 0xfffe);
	snap_bytes(s, c->packet, sizeof(c->packet));
	snap_enum(s, c->request->op, DISK_FLUSH + 1);
	snap_enum(s, c->request->result, DISK_FAILED + 1);
	snap_u64(s, c->request->sector);
	snap_range(s, c->request->sectors, 0, ATA_CHUNK);
	pio = c->mover == ATA_PIO_IN || c->mover == ATA_PIO_OUT;
	snap_require(s, !pio || (c->at < c->block_end && c->block && c->limit));
	snap_require(s, c->mover == ATA_NOBODY || ata_active(c)->kind != DRIVE_NONE);
	if (c->mover != ATA_NOBODY)
		snap_bytes(s, c->buffer, ATA_BUFFER);
}

static void channel_state(struct ata_channel *c, struct snap *s)
{
	snap_range(s, c->selected, 0, 1);
	snap_range(s, c->active, 0, 1);
	snap_u8(s, c->control);
	snap_u8(s, c->command);
	for (unsigned i = 0; i < 2; i++)
		device_state(&c->dev[i], s);
	transfer_state(c, s);
	snap_u8(s, c->bm_command);
	snap_u8(s, c->bm_status);
	snap_u32(s, c->bm_table);
	snap_u32(s, c->bm_at);
	snap_u32(s, c->bm_base);
	snap_range(s, c->bm_left, 0, 0x10000);
	snap_bool(s, c->bm_last);
}

static void piix3_ide_state(void *dev, struct snap *s)
{
	struct piix3_ide *p = dev;

	pci_function_state(&p->pci, s);
	for (unsigned n = 0; n < 2; n++)
		channel_state(&p->channel[n], s);
	if (!s->loading || !snap_ok(s))
		return;
	remap(p);
	for (unsigned n = 0; n < 2; n++) {
		struct ata_channel *c = &p->channel[n];
		u8 status = c->bm_status;

		ata_sync_irq(c);
		c->bm_status = status;
		ata_resume(c);
	}
}

/* The host's disk may end a request at any time. */
static bool piix3_ide_can_wake(const void *dev)
{
	const struct piix3_ide *p = dev;

	return p->channel[0].request->pending || p->channel[1].request->pending;
}

const struct device_class piix3_ide_class = {
	.name = "piix3-ide",
	.version = 1,
	.size = sizeof(struct piix3_ide),
	.init = piix3_ide_init,
	.reset = piix3_ide_reset,
	.destroy = piix3_ide_destroy,
	.state = piix3_ide_state,
	/* Requests are submitted again, and completions posted again. */
	.unsaved = DEVICE_PART(struct piix3_ide, work, work),
	.can_wake = piix3_ide_can_wake,
	.title = "PIIX3 IDE, ATA",
	.file = "piix3_ide.c",
	.has = "two channels with two devices, ports that are decoded as the function says, bus "
	       "master; "
	       "disks: CHS, 28 and 48 bits, PIO, multiple, DMA, FUA, flush, write cache as it is, "
	       "SMART "
	       "without attributes, diagnostics; CD-ROM by packets: one data track, all of MMC "
	       "that "
	       "reading wants, raw blocks, lock, eject, media change",
	.lacks =
		"native mode, timing; security, power-down, READ and WRITE LONG and BUFFER; audio, "
		"writing, error correction in raw blocks; nothing takes time",
};
