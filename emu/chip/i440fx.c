/* SPDX-License-Identifier: MIT */
/*
 * The registers of the 82441FX.
 */
#include "emu/chip/i440fx.h"

#include "emu/snap/snap.h"
#include "kernel/base/string.h"

static void i440fx_reset(void *dev)
{
	static const struct pci_identity id = {
		.vendor = 0x8086, .device = 0x1237, .class_code = 0x060000, .revision = 2
	};
	struct pci_function *f = &((struct i440fx *)dev)->pci;

	pci_function_init(f, &id, "82441FX");
	pci_set16(f->config, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	pci_set16(f->writable, PCI_COMMAND, 0x0100);
	pci_set16(f->config, PCI_STATUS, 0x0280);
	memset(&f->writable[0x50], 0xff, 0x74 - 0x50); /* PMCCFG .. SMRAM: DRAM, PAM, cache, SMM */
	f->config[0x72] = 0x02;
	f->writable[0x72] = 0x78;
}

static int i440fx_init(void *dev, const struct device_bay *bay)
{
	struct i440fx *h = dev;

	i440fx_reset(h);
	pci_plug(bay, &h->pci);
	return 0;
}

static void i440fx_state(void *dev, struct snap *s)
{
	pci_function_state(&((struct i440fx *)dev)->pci, s);
}

const struct device_class i440fx_class = {
	.name = "i440fx",
	.version = 1,
	.size = sizeof(struct i440fx),
	.init = i440fx_init,
	.reset = i440fx_reset,
	.state = i440fx_state,
	.title = "82441FX",
	.file = "i440fx.c",
	.has = "registers",
	.lacks = "PAM and SMRAM have no effect: E0000h-FFFFFh is RAM",
};
