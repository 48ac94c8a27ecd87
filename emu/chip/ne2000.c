/* SPDX-License-Identifier: MIT */
/*
 * The card around a DP8390, and what Realtek's RTL8029AS has besides: identification at 0Ah and 0Bh
 * of page 0, and in page 3 its configuration, of which CONFIG2 and CONFIG3 can be written while
 * 9346CR says so.
 *
 * Its ports are 32, as the data sheet has them; QEMU's card takes 256, where all others are silent.
 */
#include "emu/chip/ne2000.h"

#include "emu/chip/dp8390_frames.h"
#include "emu/chip/dp8390_remote.h"
#include "emu/chip/piix3.h"
#include "emu/snap/snap.h"
#include "kernel/base/string.h"

#define DATA_PORT  0x10u
#define RESET_PORT 0x18u

/* A PROM of eight bits on a bus of sixteen: each byte is seen twice. 57h, 57h say that the card is
 * in a slot of 16 bits. */
#define PROM_SLOT    14u
#define PROM_SLOT_16 0x57

#define REALTEK	 0x10ec
#define RTL8029	 0x8029
#define ETHERNET 0x020000
#define FIRST_IO 0xc100u /* + 80h * device's number: as virtio's, where firmware would put them */
#define IO_STEP	 0x80u

#define ID0	       0x50
#define ID1	       0x43
#define EEPROM_CONFIG  0xc0 /* in 9346CR: registers can be written */
#define EEPROM_BITS    0xce
#define CONFIG2_MEDIUM 0x40 /* 10BASE-T */
#define CONFIG2_BITS   0xe0
#define CONFIG3_DUPLEX 0x40
#define CONFIG3_BITS   0x76
#define IO_BITS	       (~(NE2000_PORTS - 1))
#define STATUS_MEDIUM  0x0200 /* DEVSEL timing */

/* --- Registers */

static bool config_is_open(const struct ne2000 *n)
{
	return (n->eeprom_command & EEPROM_CONFIG) == EEPROM_CONFIG;
}

static u8 read_page3(const struct ne2000 *n, unsigned reg)
{
	switch (reg) {
	case P3_9346CR:
		return n->eeprom_command;
	case P3_CONFIG0:
		return 0;
	case P3_CONFIG2:
		return n->config2;
	case P3_CONFIG3:
		return n->config3;
	case P3_ID0:
		return (u8)RTL8029;
	case P3_ID1:
		return RTL8029 >> 8;
	default:
		return 0xff;
	}
}

static void write_page3(struct ne2000 *n, unsigned reg, u8 v)
{
	if (reg == P3_9346CR)
		n->eeprom_command = v & EEPROM_BITS;
	else if (reg == P3_CONFIG2 && config_is_open(n))
		n->config2 = v & CONFIG2_BITS;
	else if (reg == P3_CONFIG3 && config_is_open(n))
		n->config3 = v & CONFIG3_BITS;
}

/* Of a register that is Realtek's. */
static bool realtek(const struct ne2000 *n, unsigned reg)
{
	unsigned page = CR_PAGE_OF(n->chip.command);

	return n->on_pci && ((!page && (reg == P0_ID0 || reg == P0_ID1)) || (page == 3 && reg));
}

static u8 register_read(struct ne2000 *n, unsigned reg)
{
	if (!realtek(n, reg))
		return dp8390_take(&n->chip, reg);
	if (CR_PAGE_OF(n->chip.command))
		return read_page3(n, reg);
	return reg == P0_ID0 ? ID0 : ID1;
}

static void register_write(struct ne2000 *n, unsigned reg, u8 v)
{
	if (CR_PAGE_OF(n->chip.command) == 3 && realtek(n, reg))
		write_page3(n, reg, v);
	else
		dp8390_write(&n->chip, reg, v);
}

/* --- Ports */

/* Frames that waited for room are for nobody now. */
static void soft_reset(struct ne2000 *n)
{
	dp8390_reset(&n->chip);
	dp8390_fetch(&n->chip);
}

static bool is_data(unsigned offset)
{
	return offset >= DATA_PORT && offset < RESET_PORT;
}

static u8 byte_read(struct ne2000 *n, unsigned offset)
{
	if (offset < DP8390_REGISTERS)
		return register_read(n, offset);
	if (is_data(offset))
		return (u8)dp8390_data_read(&n->chip, 1);
	soft_reset(n);
	return 0xff;
}

static void byte_write(struct ne2000 *n, unsigned offset, u8 v)
{
	if (offset < DP8390_REGISTERS)
		register_write(n, offset, v);
	else if (is_data(offset))
		dp8390_data_write(&n->chip, 1, v);
	else
		soft_reset(n);
}

/* Only the data port is wider than a byte. */
static u32 card_read(void *dev, u16 offset, unsigned size)
{
	u32 v = 0;

	if (is_data(offset))
		return dp8390_data_read(&((struct ne2000 *)dev)->chip, size);
	for (unsigned i = 0; i < size; i++)
		v |= (u32)byte_read(dev, offset + i) << 8 * i;
	return v;
}

static void card_write(void *dev, u16 offset, unsigned size, u32 value)
{
	if (is_data(offset)) {
		dp8390_data_write(&((struct ne2000 *)dev)->chip, size, value);
		return;
	}
	for (unsigned i = 0; i < size; i++)
		byte_write(dev, offset + i, (u8)(value >> 8 * i));
}

static u32 card_read_many(void *dev, u16 offset, unsigned size, u8 *to, u32 n)
{
	struct ne2000 *card = dev;

	return is_data(offset) ? dp8390_data_read_many(&card->chip, size, to, n) : 0;
}

static u32 card_write_many(void *dev, u16 offset, unsigned size, const u8 *from, u32 n)
{
	struct ne2000 *card = dev;

	return is_data(offset) ? dp8390_data_write_many(&card->chip, size, from, n) : 0;
}

static const struct bus_ports pci_ports = { card_read, card_write, 4 };
static const struct bus_ports isa_ports = { card_read, card_write, 2 };
static const struct bus_bulk bulk = { card_read_many, card_write_many };

/* --- As a PCI function */

static void place(struct ne2000 *n)
{
	bool on = n->pci.config[PCI_COMMAND] & PCI_COMMAND_IO;
	u32 base = pci_get32(&n->pci, PCI_BAR(0)) & IO_BITS;
	u16 to = on && base <= 0xffff ? (u16)base : 0;

	if (to == n->io_at)
		return;
	if (n->io_at)
		bus_release(n->bus, n->io_at);
	n->io_at = 0;
	if (!to || bus_claim(n->bus, to, NE2000_PORTS, &pci_ports, n, "ne2000"))
		return;
	bus_claim_bulk(n->bus, to, &bulk);
	n->io_at = to;
}

static void config_written(void *ctx, unsigned reg, unsigned len)
{
	(void)reg;
	(void)len;
	place(ctx);
}

/* It masters no bus and has no memory, so the command register has one bit. */
static void function_reset(struct ne2000 *n, unsigned device)
{
	static const struct pci_identity id = {
		.vendor = REALTEK, .device = RTL8029, .class_code = ETHERNET, .irq_pin = 1
	};
	struct pci_function *f = &n->pci;

	pci_function_init(f, &id, "ne2000");
	pci_set16(f->config, PCI_SUBSYSTEM, REALTEK);
	pci_set16(f->config, PCI_SUBSYSTEM + 2, RTL8029);
	pci_set16(f->writable, PCI_COMMAND, PCI_COMMAND_IO);
	pci_set16(f->config, PCI_COMMAND, PCI_COMMAND_IO);
	pci_set16(f->config, PCI_STATUS, STATUS_MEDIUM);
	pci_function_set_bar(f, 0, NE2000_PORTS, 1);
	pci_set32(f->config, PCI_BAR(0), (FIRST_IO + device * IO_STEP) | 1);
	f->config[PCI_IRQ_LINE] = piix3_firmware_route[device_pirq(device, id.irq_pin)];
	f->written = config_written;
	f->ctx = n;
	place(n);
}

/* --- Life */

static void power_on(struct ne2000 *n)
{
	dp8390_power_on(&n->chip);
	n->eeprom_command = 0;
	n->config2 = CONFIG2_MEDIUM;
	n->config3 = CONFIG3_DUPLEX;
	if (n->on_pci)
		function_reset(n, n->device);
}

static void ne2000_reset(void *dev)
{
	struct ne2000 *n = dev;

	power_on(n);
	dp8390_fetch_later(&n->chip);
}

static void fill_prom(u8 *prom, const u8 *mac)
{
	for (unsigned i = 0; i < NIC_MAC; i++)
		prom[2 * i] = prom[2 * i + 1] = mac[i];
	for (unsigned i = 2 * PROM_SLOT; i < NE2000_PROM; i++)
		prom[i] = PROM_SLOT_16;
}

static void init(struct ne2000 *n, const struct device_bay *bay, const struct irq_line *irq)
{
	n->bus = bay->bus;
	dp8390_init(&n->chip, bay, irq);
	fill_prom(n->chip.memory.prom, bay->nics[bay->slot->unit].mac);
	power_on(n);
}

static int ne2000_init(void *dev, const struct device_bay *bay)
{
	struct ne2000 *n = dev;

	n->on_pci = true;
	n->device = (bay->slot->pci - 1u) >> 3;
	init(n, bay, &bay->intx);
	pci_plug(bay, &n->pci);
	return 0;
}

static int ne2000_isa_init(void *dev, const struct device_bay *bay)
{
	init(dev, bay, &bay->irq[0]);
	bus_claim_bulk(bay->bus, bay->slot->ports[0].first, &bulk);
	return 0;
}

static void ne2000_destroy(void *dev)
{
	dp8390_destroy(&((struct ne2000 *)dev)->chip);
}

static void ne2000_state(void *dev, struct snap *s)
{
	struct ne2000 *n = dev;

	dp8390_state(&n->chip, s);
	if (!n->on_pci)
		return;
	snap_u8(s, n->eeprom_command);
	snap_u8(s, n->config2);
	snap_u8(s, n->config3);
	pci_function_state(&n->pci, s);
	place(n);
}

static bool ne2000_can_wake(const void *dev)
{
	return dp8390_can_wake(&((const struct ne2000 *)dev)->chip);
}

static void ne2000_frames(void *dev)
{
	dp8390_fetch(&((struct ne2000 *)dev)->chip);
}

#define UNSAVED DEVICE_PART(struct ne2000, chip.more, chip.frame)

const struct device_class ne2000_class = {
	.name = "ne2000",
	.version = 1,
	.size = sizeof(struct ne2000),
	.init = ne2000_init,
	.reset = ne2000_reset,
	.destroy = ne2000_destroy,
	.state = ne2000_state,
	.unsaved = UNSAVED,
	.can_wake = ne2000_can_wake,
	.frames = ne2000_frames,
	.title = "NE2000, PCI (RTL8029AS)",
	.file = "ne2000.c, dp8390.c",
	.has = "registers of pages 0 to 3, remote DMA of bytes and words, Send Packet, ring, "
	       "filters "
	       "and multicast hash, monitor mode, loopback with FIFO, both byte orders",
	.lacks = "EEPROM, boot ROM, power down; ATD; no collisions and errors; sending takes no "
		 "time; "
		 "OVW only in a ring that is too small, else frames wait outside",
};

const struct device_class ne2000_isa_class = {
	.name = "ne2000-isa",
	.version = 1,
	.size = sizeof(struct ne2000),
	.ports = { &isa_ports },
	.init = ne2000_isa_init,
	.reset = ne2000_reset,
	.destroy = ne2000_destroy,
	.state = ne2000_state,
	.unsaved = UNSAVED,
	.can_wake = ne2000_can_wake,
	.frames = ne2000_frames,
	.title = "NE2000, ISA (DP8390D)",
	.file = "ne2000.c, dp8390.c",
	.has = "the same without page 3",
	.lacks = "the same; slots of 8 bits, other ports and interrupts, ISA Plug and Play",
};
