/* SPDX-License-Identifier: MIT */
/*
 * PCI enumeration: bus 0 and what its bridges lead to, as firmware numbered it. PCI Local
 * Bus 3.0, 3.2.2.3.2.
 */
#include "drivers/bus/pci_scan.h"

#include "arch/cpu/processor.h"
#include "kernel/base/log.h"
#include "kernel/console/console.h"
#include "kernel/console/shell.h"
#include "kernel/hw/pci_regs.h"

#define MAX_FUNCTIONS 128u

static struct pci_function function[MAX_FUNCTIONS];
static unsigned functions;

static void select(const struct pci_function *f, u8 offset)
{
	outl(PCI_ADDRESS_PORT, PCI_ADDRESS_ENABLE | (u32)f->bus << 16 | (u32)f->device << 11 |
				       (u32)f->function << 8 | (offset & 0xfcu));
}

u32 pci_config_read(const struct pci_function *f, u8 offset)
{
	select(f, offset);
	return inl(PCI_DATA_PORT);
}

void pci_config_write(const struct pci_function *f, u8 offset, u32 value)
{
	select(f, offset);
	outl(PCI_DATA_PORT, value);
}

static void scan_bus(u8 bus, unsigned depth);

/* Returns the header type byte, 0xff if nothing is there. */
static u8 scan_function(u8 bus, u8 device, u8 fn, unsigned depth)
{
	struct pci_function f = { .bus = bus, .device = device, .function = fn };
	u32 id = pci_config_read(&f, PCI_VENDOR);

	if ((id & 0xffff) == 0xffff || functions == MAX_FUNCTIONS)
		return 0xff;

	u32 class = pci_config_read(&f, 8);
	u8 header = (u8)(pci_config_read(&f, 12) >> 16);

	f.vendor = (u16)id;
	f.id = (u16)(id >> 16);
	f.class = (u8)(class >> 24);
	f.subclass = (u8)(class >> 16);
	f.interface = (u8)(class >> 8);
	f.irq = (u8)pci_config_read(&f, PCI_IRQ_LINE);
	function[functions++] = f;
	if ((header & 0x7f) == PCI_HEADER_BRIDGE) {
		u8 secondary = (u8)(pci_config_read(&f, 24) >> 8);

		if (secondary > bus)
			scan_bus(secondary, depth + 1);
	}
	return header;
}

static void scan_bus(u8 bus, unsigned depth)
{
	if (depth > 8)
		return;
	for (u8 device = 0; device < 32; device++) {
		u8 header = scan_function(bus, device, 0, depth);

		if (header == 0xff || !(header & PCI_HEADER_MULTI))
			continue;
		for (u8 fn = 1; fn < 8; fn++)
			scan_function(bus, device, fn, depth);
	}
}

unsigned pci_count(void)
{
	return functions;
}

const struct pci_function *pci_at(unsigned i)
{
	return i < functions ? &function[i] : NULL;
}

static const char *class_name(const struct pci_function *f)
{
	static const struct {
		u8 class, subclass;
		const char *name;
	} names[] = {
		{ 1, 1, "IDE" },	{ 1, 6, "SATA" },	 { 1, 8, "NVMe" },
		{ 1, 0, "SCSI" },	{ 2, 0, "Ethernet" },	 { 3, 0, "VGA" },
		{ 4, 3, "audio" },	{ 6, 0, "host bridge" }, { 6, 1, "ISA bridge" },
		{ 6, 4, "PCI bridge" }, { 6, 0x80, "bridge" },	 { 12, 3, "USB" },
		{ 12, 5, "SMBus" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].class == f->class && names[i].subclass == f->subclass)
			return names[i].name;
	return "";
}

static int cmd_lspci(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	for (unsigned i = 0; i < functions; i++) {
		const struct pci_function *f = &function[i];

		console_print("%02x:%02x.%u  %04x:%04x  class %02x%02x%02x  irq %3u  %s\n", f->bus,
			      f->device, f->function, f->vendor, f->id, f->class, f->subclass,
			      f->interface, f->irq, class_name(f));
	}
	return 0;
}

static struct shell_command lspci = { .name = "lspci",
				      .help = "the machine's PCI devices",
				      .examples = "    lspci\n",
				      .run = cmd_lspci };

void pci_scan(void)
{
	outl(PCI_ADDRESS_PORT, 1u << 31);
	if (inl(PCI_ADDRESS_PORT) == 1u << 31)
		scan_bus(0, 0);
	log_info("PCI: %u functions", functions);
	shell_register(&lspci);
}
