/* SPDX-License-Identifier: MIT */
/*
 * PCI: the bus, the header that all functions have, the host bridge and the ISA bridge.
 */
#include "emu/chip/i440fx.h"
#include "emu/chip/piix3.h"
#include "emu/words/words_each.h"
#include "emu/words/words_text.h"
#include "kernel/base/print.h"

#define FUNCTIONS 8u /* of a device */
#define BARS	  6u
#define BAR_IO	  BIT(0)

static const char *const command_names[] = {
	"I/O",	  "memory", "master", "special", "MWI",	    "palette",
	"parity", NULL,	    "SERR",   NULL,	 "no-INTx",
};

static u32 class_of(const struct pci_function *f)
{
	return pci_get32(f, PCI_REVISION) >> 8;
}

static void print_bar(const struct dbg_out *out, const struct pci_function *f, unsigned n)
{
	u32 bar = pci_get32(f, PCI_BAR(n));
	u32 writable = (u32)(f->writable[PCI_BAR(n)] | f->writable[PCI_BAR(n) + 1] << 8 |
			     f->writable[PCI_BAR(n) + 2] << 16) |
		       (u32)f->writable[PCI_BAR(n) + 3] << 24;
	bool io = bar & BAR_IO;
	u32 base = bar & (io ? ~3u : ~15u), size = ~writable + 1;
	u8 decodes = f->config[PCI_COMMAND] & (io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY);
	char label[8] = { 'B', 'A', 'R', ' ', (char)('0' + n) };

	if (!writable)
		return;
	words_say(out, label, "%s %08x-%08x%s%s", io ? "I/O" : "memory", base, base + size - 1,
		  !io && bar & BIT(3) ? ", prefetchable" : "", decodes ? "" : ", not decoded");
}

void words_pci_function(const struct dbg_out *out, const struct pci_function *f)
{
	u32 rom = pci_function_rom(f);

	words_say(out, "PCI function", "%04x:%04x, class %06x, revision %02x, subsystem %04x:%04x",
		  pci_get16(f, PCI_VENDOR), pci_get16(f, PCI_DEVICE), class_of(f),
		  f->config[PCI_REVISION], pci_get16(f, PCI_SUBSYSTEM),
		  pci_get16(f, PCI_SUBSYSTEM + 2));
	words_flags(out, "command", pci_get16(f, PCI_COMMAND), command_names);
	for (unsigned n = 0; n < BARS; n++)
		print_bar(out, f, n);
	if (rom != UINT32_MAX)
		words_say(out, "ROM", "memory %08x", rom);
	if (f->config[PCI_IRQ_PIN])
		words_say(out, "interrupt", "INT%c, line register: IRQ %u",
			  'A' + f->config[PCI_IRQ_PIN] - 1, f->config[PCI_IRQ_LINE]);
}

void words_pci(const void *dev, const struct dbg_out *out)
{
	const struct pci_bus *bus = dev;
	u32 a = bus->address;

	dbg_print(out,
		  "configuration mechanism 1: %s, bus %u, device %u, function %u, register %02x",
		  a & PCI_ADDRESS_ENABLE ? "enabled" : "disabled", a >> 16 & 0xff, a >> 11 & 31,
		  a >> 8 & 7, a & 0xfc);
	for (unsigned n = 0; n < ARRAY_SIZE(bus->function); n++) {
		const struct pci_function *f = bus->function[n];

		if (!f)
			continue;
		dbg_print(out, "00:%02x.%u %s", n / FUNCTIONS, n % FUNCTIONS, f->name);
		words_pci_function(out, f);
	}
}

void words_i440fx(const void *dev, const struct dbg_out *out)
{
	static const char *const goes[] = { "ROM or PCI", "RAM, read-only",
					    "writes to RAM, reads from ROM or PCI", "RAM" };
	const struct i440fx *h = dev;
	u8 smram = h->pci.config[I440FX_SMRAM];

	dbg_print(out, "host bridge 82441FX");
	words_pci_function(out, &h->pci);
	for (unsigned i = 0; i < I440FX_PARTS; i++) {
		const struct i440fx_part *p = &i440fx_parts[i];
		char label[16];

		fmt_print(label, sizeof(label), "%05x-%05x", p->start, p->start + p->size - 1);
		words_say(out, label, "%s", goes[h->pci.config[p->reg] >> p->shift & 3]);
	}
	words_say(out, "SMRAM", "%s%s", i440fx_smram_is_open(h) ? "open" : "closed",
		  smram & I440FX_SMRAM_LOCK ? ", locked" : "");
}

void words_piix3(const void *dev, const struct dbg_out *out)
{
	const struct piix3 *c = dev;

	dbg_print(out, "ISA bridge PIIX3");
	words_pci_function(out, &c->pci);
	for (unsigned n = 0; n < 4; n++) {
		u8 route = c->pci.config[PIIX3_PIRQRC + n];
		char label[8] = { 'P', 'I', 'R', 'Q', (char)('A' + n) };

		if (route & PIIX3_PIRQ_OFF)
			words_say(out, label, "to no IRQ, %s", words_up(c->pirq_level >> n & 1));
		else
			words_say(out, label, "to IRQ %u, %s", route & 15,
				  words_up(c->pirq_level >> n & 1));
	}
	words_numbers(out, "holds up IRQ", c->driven, 0);
}
