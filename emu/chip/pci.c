/* SPDX-License-Identifier: MIT */
/*
 * Configuration mechanism 1. CF8h answers dword accesses only, which is how software tells it from
 * mechanism 2; CFCh..CFFh reach the byte lanes of the register selected.
 */
#include "emu/chip/pci.h"

#include "emu/dev/strict.h"
#include "emu/snap/snap.h"
#include "kernel/base/string.h"

#define ADDRESS_MASK 0x80fffffcu

void pci_function_init(struct pci_function *f, const struct pci_identity *id, const char *name)
{
	memset(f, 0, sizeof(*f));
	f->name = name;
	pci_set16(f->config, PCI_VENDOR, id->vendor);
	pci_set16(f->config, PCI_DEVICE, id->device);
	f->config[PCI_REVISION] = id->revision;
	f->config[PCI_CLASS] = (u8)id->class_code;
	f->config[PCI_CLASS + 1] = (u8)(id->class_code >> 8);
	f->config[PCI_CLASS + 2] = (u8)(id->class_code >> 16);
	f->config[PCI_HEADER] = id->header;
	f->config[PCI_IRQ_PIN] = id->irq_pin;
	pci_set16(f->writable, PCI_COMMAND,
		  PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	pci_set16(f->clear, PCI_STATUS, 0xf900);
	if (id->irq_pin)
		f->writable[PCI_IRQ_LINE] = 0xff;
}

void pci_function_set_bar(struct pci_function *f, unsigned n, u32 size, u8 flags)
{
	pci_set32(f->config, PCI_BAR(n), flags);
	pci_set32(f->writable, PCI_BAR(n), ~(size - 1));
}

void pci_function_set_rom(struct pci_function *f, u32 size)
{
	pci_set32(f->config, PCI_ROM, 0);
	pci_set32(f->writable, PCI_ROM, size ? ~(size - 1) | PCI_ROM_ENABLE : 0);
}

u32 pci_function_rom(const struct pci_function *f)
{
	u32 rom = pci_get32(f, PCI_ROM);

	if (!(rom & PCI_ROM_ENABLE) || !(f->config[PCI_COMMAND] & PCI_COMMAND_MEMORY))
		return UINT32_MAX;
	return rom & ~PCI_ROM_ENABLE;
}

void pci_function_state(struct pci_function *f, struct snap *s)
{
	u8 config[sizeof(f->config)];

	memcpy(config, f->config, sizeof(config));
	snap_bytes(s, config, sizeof(config));
	for (unsigned i = 0; i < sizeof(config); i++) {
		u8 soft = f->writable[i] | f->clear[i];

		f->config[i] = (u8)((f->config[i] & ~soft) | (config[i] & soft));
	}
}

void pci_plug(const struct device_bay *bay, struct pci_function *f)
{
	bay->pci->function[bay->slot->pci - 1u] = f;
}

static struct pci_function *selected(struct pci_bus *p)
{
	if (!(p->address & PCI_ADDRESS_ENABLE) || (p->address >> 16 & 0xff))
		return NULL;
	return p->function[p->address >> 8 & 0xff];
}

static void write_config(struct pci_function *f, unsigned reg, unsigned size, u32 value)
{
	for (unsigned i = 0; i < size; i++) {
		u8 v = (u8)(value >> (8 * i)), *at = &f->config[reg + i], w = f->writable[reg + i];

		*at = (u8)((*at & ~w) | (v & w));
		*at &= (u8) ~(v & f->clear[reg + i]);
	}
	if (f->written)
		f->written(f->ctx, reg, size);
}

static u32 data_read(void *dev, u16 offset, unsigned size)
{
	struct pci_bus *p = dev;
	const struct pci_function *f = selected(p);
	unsigned reg = (p->address & 0xfc) + offset;
	u32 v = 0;

	if (!f)
		return 0xffffffff; /* master abort */
	if (f->reading)
		f->reading(f->ctx, reg, size);
	for (unsigned i = 0; i < size; i++)
		v |= (u32)f->config[reg + i] << (8 * i);
	return v;
}

/* Vendor, device, revision, class, and the type of the header. */
static bool changes_identity(const struct pci_function *f, unsigned reg, unsigned size, u32 value)
{
	for (unsigned i = reg; i < reg + size; i++, value >>= 8)
		if ((i < PCI_COMMAND || (i >= PCI_REVISION && i < PCI_REVISION + 4) ||
		     i == PCI_HEADER) &&
		    !f->writable[i] && f->config[i] != (u8)value)
			return true;
	return false;
}

static void data_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct pci_bus *p = dev;
	struct pci_function *f = selected(p);

	unsigned reg = (p->address & 0xfc) + offset;

	if (f && changes_identity(f, reg, size, value))
		strict_broken_at(p->host, STRICT_pci_read_only, p->address);
	if (f)
		write_config(f, reg, size, value);
}

static u32 address_read(void *dev, u16 offset, unsigned size)
{
	struct pci_bus *p = dev;

	if (size == 4)
		return p->address;
	if (size == 1 && p->side_read)
		return p->side_read(p->side_ctx, offset);
	return 0xffffffff;
}

static void address_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct pci_bus *p = dev;

	if (size == 4)
		p->address = value & ADDRESS_MASK;
	else if (size == 1 && p->side_write)
		p->side_write(p->side_ctx, offset, (u8)value);
}

static const struct bus_ports address_ports = { address_read, address_write, 4 };
static const struct bus_ports data_ports = { data_read, data_write, 4 };

static void pci_reset(void *dev)
{
	struct pci_bus *p = dev;

	p->address = 0;
}

static int pci_init(void *dev, const struct device_bay *bay)
{
	((struct pci_bus *)dev)->host = bay->host;
	pci_reset(dev);
	return 0;
}

static void pci_state(void *dev, struct snap *s)
{
	struct pci_bus *p = dev;

	snap_u32(s, p->address);
	snap_require(s, !(p->address & ~ADDRESS_MASK));
}

const struct device_class pci_class = {
	.name = "pci",
	.version = 1,
	.size = sizeof(struct pci_bus),
	.ports = { &address_ports, &data_ports },
	.init = pci_init,
	.reset = pci_reset,
	.state = pci_state,
	.title = "PCI",
	.file = "pci.c",
	.has = "mechanism 1, byte lanes, read-only bits, base address sizing",
	.lacks = "mechanism 2, buses other than 0",
};
