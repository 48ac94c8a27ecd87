/* SPDX-License-Identifier: MIT */
/*
 * The PIIX3: PCI interrupt lines go to the ISA interrupts that the router registers name.
 */
#include "emu/chip/piix3.h"

#include "emu/snap/snap.h"
#include "kernel/base/string.h"

/* Values 0, 1, 2, 8 and 13 of a PIRQ register are reserved: those lines are the board's own. */
#define ROUTABLE 0xdef8u

/* The ISA interrupt that it leads to, as a mask; 0: none. */
static u16 isa_irq(const struct piix3 *c, unsigned n)
{
	u8 r = c->pci.config[PIIX3_PIRQRC + n];

	return (u16)(r & PIIX3_PIRQ_OFF ? 0 : BIT(r & 15) & ROUTABLE);
}

static void route(struct piix3 *c)
{
	u16 want = 0;

	for (unsigned n = 0; n < 4; n++)
		if (c->pirq_level & BIT(n))
			want |= isa_irq(c, n);

	u16 changed = want ^ c->driven;

	c->driven = want;
	for (unsigned irq = 0; irq < 16; irq++)
		if (changed & BIT(irq))
			irq_set(&c->line[irq], want & BIT(irq));
}

static void piix3_written(void *ctx, unsigned reg, unsigned len)
{
	if (reg < PIIX3_PIRQRC + 4 && reg + len > PIIX3_PIRQRC)
		route(ctx);
}

void piix3_set_pirq(void *piix3, unsigned n, bool level)
{
	struct piix3 *c = piix3;

	c->pirq_level = (u8)(level ? c->pirq_level | BIT(n) : c->pirq_level & ~BIT(n));
	route(c);
}

u8 piix3_open(const struct piix3 *c, u16 open)
{
	u8 mask = 0;

	for (unsigned n = 0; n < 4; n++)
		if (isa_irq(c, n) & open)
			mask |= (u8)BIT(n);
	return mask;
}

const u8 piix3_firmware_route[4] = { 10, 10, 11, 11 };

static void config_reset(struct pci_function *f)
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
	memset(&f->writable[PIIX3_PIRQRC], 0x8f, 4);
	memcpy(&f->config[PIIX3_PIRQRC], piix3_firmware_route, 4);
	f->config[0x69] = 0x02; /* top of memory for ISA masters */
	f->writable[0x69] = 0xfe;
	memset(&f->writable[0xa0], 0xff, 0x10); /* SMI control and clock throttling */
	f->config[0xa0] = 0x08;
}

static void piix3_reset(void *dev)
{
	struct piix3 *c = dev;

	config_reset(&c->pci);
	c->pci.written = piix3_written;
	c->pci.ctx = c;
	route(c);
}

static int piix3_init(void *dev, const struct device_bay *bay)
{
	struct piix3 *c = dev;
	int err = 0;

	for (unsigned irq = 0; irq < 16 && !err; irq++)
		err = irq_or_source(bay->irqs, irq, &c->line[irq]);
	piix3_reset(c);
	pci_plug(bay, &c->pci);
	return err;
}

/* Who pulls INTx# is those devices' state. */
static void piix3_state(void *dev, struct snap *s)
{
	struct piix3 *c = dev;

	pci_function_state(&c->pci, s);
	if (s->loading && snap_ok(s))
		route(c);
}

const struct device_class piix3_class = {
	.name = "piix3",
	.version = 1,
	.size = sizeof(struct piix3),
	.init = piix3_init,
	.reset = piix3_reset,
	.state = piix3_state,
	.title = "PIIX3",
	.file = "piix3.c",
	.has = "PIRQ routing, registers",
	.lacks = "USB function",
};
