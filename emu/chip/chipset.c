/* SPDX-License-Identifier: MIT */
/*
 * 82441FX (Intel 290549) and PIIX3 (Intel 290550). Of the host bridge only the registers exist: the
 * PAM registers can be written and read, but E0000h..FFFFFh stays RAM whatever they say.
 */
#include "emu/chip/chipset.h"

#include "kernel/base/string.h"

/* Values 0, 1, 2, 8 and 13 of a PIRQ register are reserved: those lines are the board's own. */
#define ROUTABLE 0xdef8u

static void route(struct chipset *c)
{
	u16 want = 0;

	for (unsigned n = 0; n < 4; n++) {
		u8 r = c->isa.config[PIIX_PIRQRC + n];

		if ((c->pirq_level & BIT(n)) && !(r & PIIX_PIRQ_OFF))
			want |= (u16)(BIT(r & 15) & ROUTABLE);
	}

	u16 changed = want ^ c->driven;

	c->driven = want;
	for (unsigned irq = 0; irq < 16; irq++)
		if (changed & BIT(irq) && c->irq.set)
			c->irq.set(c->irq.ctx, irq, want & BIT(irq));
}

static void isa_written(void *ctx, unsigned reg, unsigned len)
{
	if (reg < PIIX_PIRQRC + 4 && reg + len > PIIX_PIRQRC)
		route(ctx);
}

void chipset_set_intx(struct chipset *c, unsigned device, unsigned pin, bool level)
{
	unsigned n = chipset_pirq_of(device, pin);

	if (level)
		c->pirq_pins[n] |= BIT(device);
	else
		c->pirq_pins[n] &= ~BIT(device);
	c->pirq_level = (u8)((c->pirq_level & ~BIT(n)) | (c->pirq_pins[n] ? BIT(n) : 0));
	route(c);
}

static void host_init(struct pci_function *f)
{
	static const struct pci_identity id = {
		.vendor = 0x8086, .device = 0x1237, .class_code = 0x060000, .revision = 2
	};

	pci_function_init(f, &id, "82441FX");
	pci_set16(f->config, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	pci_set16(f->writable, PCI_COMMAND, 0x0100);
	pci_set16(f->config, PCI_STATUS, 0x0280);
	memset(&f->writable[0x50], 0xff, 0x74 - 0x50); /* PMCCFG .. SMRAM: DRAM, PAM, cache, SMM */
	f->config[0x72] = 0x02;
	f->writable[0x72] = 0x78;
}

static void isa_init(struct pci_function *f)
{
	static const struct pci_identity id = { .vendor = 0x8086,
						.device = 0x7000,
						.class_code = 0x060100,
						.header = PCI_HEADER_MULTI };

	pci_function_init(f, &id, "PIIX3");
	pci_set16(f->config, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	pci_set16(f->writable, PCI_COMMAND, 0x0008);
	pci_set16(f->config, PCI_STATUS, 0x0280);
	f->config[0x4c] = 0x4d; /* ISA recovery */
	f->writable[0x4c] = 0x7f;
	f->config[0x4e] = 0x03; /* X-bus chip selects */
	memset(&f->writable[0x4e], 0xff, 2);
	memset(&f->writable[PIIX_PIRQRC], 0x8f, 4);
	f->config[0x69] = 0x02; /* top of memory for ISA masters */
	f->writable[0x69] = 0xfe;
	memset(&f->writable[0xa0], 0xff, 0x10); /* SMI control and clock throttling */
	f->config[0xa0] = 0x08;
}

void chipset_reset(struct chipset *c)
{
	static const u8 firmware_route[4] = { 10, 10, 11, 11 };

	host_init(&c->host);
	isa_init(&c->isa);
	c->isa.written = isa_written;
	c->isa.ctx = c;
	memcpy(&c->isa.config[PIIX_PIRQRC], firmware_route, 4);
	route(c);
}

void chipset_init(struct chipset *c, struct pci_bus *pci, struct irq_line irq)
{
	memset(c, 0, sizeof(*c));
	c->irq = irq;
	chipset_reset(c);
	pci_plug(pci, 0, 0, &c->host);
	pci_plug(pci, CHIPSET_PIIX_DEVICE, 0, &c->isa);
}
