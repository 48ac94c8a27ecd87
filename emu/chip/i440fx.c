/* SPDX-License-Identifier: MIT */
/*
 * The 82441FX. A part of memory is switched when its register is written, whether that changes it
 * or not: who listens compares.
 */
#include "emu/chip/i440fx.h"

#include "emu/snap/snap.h"
#include "kernel/base/string.h"

#define REG_PAM	    0x59
#define PAM_READS   BIT(0)
#define PAM_WRITES  BIT(1)
#define SMRAM_OPEN  BIT(6)
#define SMRAM_CLOSE BIT(5)
#define SMRAM_ON    BIT(3)
#define SMRAM_BASE  0x02 /* A0000h: the only one */

/* QEMU's: firmware takes it for the sign that it can ask for its configuration (fw_cfg). */
#define SUBSYSTEM 0x11001af4u

const struct i440fx_part i440fx_parts[I440FX_PARTS] = {
	{ 0x5a, 0, 0xc0000, 0x4000 },  { 0x5a, 4, 0xc4000, 0x4000 }, { 0x5b, 0, 0xc8000, 0x4000 },
	{ 0x5b, 4, 0xcc000, 0x4000 },  { 0x5c, 0, 0xd0000, 0x4000 }, { 0x5c, 4, 0xd4000, 0x4000 },
	{ 0x5d, 0, 0xd8000, 0x4000 },  { 0x5d, 4, 0xdc000, 0x4000 }, { 0x5e, 0, 0xe0000, 0x4000 },
	{ 0x5e, 4, 0xe4000, 0x4000 },  { 0x5f, 0, 0xe8000, 0x4000 }, { 0x5f, 4, 0xec000, 0x4000 },
	{ 0x59, 4, 0xf0000, 0x10000 },
};

/* Those of registers [reg, reg + len). */
static void switch_parts(struct i440fx *h, unsigned reg, unsigned len)
{
	for (const struct i440fx_part *p = i440fx_parts; p < i440fx_parts + I440FX_PARTS; p++) {
		unsigned bits = (unsigned)h->pci.config[p->reg] >> p->shift;

		if (h->part_set && p->reg - reg < len)
			h->part_set(h->part_ctx, p, bits & PAM_READS, bits & PAM_WRITES);
	}
}

bool i440fx_smram_is_open(const struct i440fx *h)
{
	u8 open = SMRAM_ON | SMRAM_OPEN;

	return (h->pci.config[I440FX_SMRAM] & open) == open;
}

/* No processor here is in SMM, so D_CLS, which keeps data accesses in SMM from it, does nothing. */
static void switch_smram(struct i440fx *h)
{
	if (h->smram_set)
		h->smram_set(h->smram_ctx, i440fx_smram_is_open(h));
}

/* Locked, SMM's memory cannot be opened any more before a reset. */
static void lock_smram(struct i440fx *h)
{
	if (!(h->pci.config[I440FX_SMRAM] & I440FX_SMRAM_LOCK))
		return;
	h->pci.config[I440FX_SMRAM] &= (u8)~SMRAM_OPEN;
	h->pci.writable[I440FX_SMRAM] = SMRAM_CLOSE;
}

static void i440fx_written(void *ctx, unsigned reg, unsigned len)
{
	lock_smram(ctx);
	switch_smram(ctx);
	switch_parts(ctx, reg, len);
}

void i440fx_listen(struct i440fx *h, i440fx_part_fn set, void *ctx)
{
	h->part_set = set;
	h->part_ctx = ctx;
	switch_parts(h, 0, 256);
}

void i440fx_listen_smram(struct i440fx *h, i440fx_smram_fn set, void *ctx)
{
	h->smram_set = set;
	h->smram_ctx = ctx;
	switch_smram(h);
}

void i440fx_open_bios(struct i440fx *h)
{
	h->pci.config[0x59] = 0x30;
	h->pci.config[0x5e] = h->pci.config[0x5f] = 0x33;
	switch_parts(h, 0, 256);
}

static void i440fx_reset(void *dev)
{
	static const struct pci_identity id = {
		.vendor = 0x8086, .device = 0x1237, .class_code = 0x060000, .revision = 2
	};
	struct i440fx *h = dev;
	struct pci_function *f = &h->pci;

	pci_function_init(f, &id, "82441FX");
	f->written = i440fx_written;
	f->ctx = h;
	pci_set16(f->config, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	pci_set16(f->writable, PCI_COMMAND, 0x0100);
	pci_set16(f->config, PCI_STATUS, 0x0280);
	pci_set32(f->config, PCI_SUBSYSTEM, SUBSYSTEM);
	memset(&f->writable[0x50], 0xff, I440FX_SMRAM - 0x50); /* PMCCFG .. : DRAM, cache */
	f->writable[REG_PAM] = 0x30;
	memset(&f->writable[REG_PAM + 1], 0x33, 6);
	f->config[I440FX_SMRAM] = SMRAM_BASE;
	f->writable[I440FX_SMRAM] = SMRAM_OPEN | SMRAM_CLOSE | I440FX_SMRAM_LOCK | SMRAM_ON;
	f->writable[I440FX_SMRAM + 1] = 0xff;
	switch_smram(h);
	switch_parts(h, 0, 256);
}

static int i440fx_init(void *dev, const struct device_bay *bay)
{
	struct i440fx *h = dev;

	i440fx_reset(h);
	pci_plug(bay, &h->pci);
	return 0;
}

/* Until version 2 the registers were kept and not obeyed: memory was as i440fx_open_bios() leaves
 * it. */
static void i440fx_state(void *dev, struct snap *s)
{
	struct i440fx *h = dev;

	pci_function_state(&h->pci, s);
	if (!s->loading || !snap_ok(s))
		return;
	if (s->version < 2) {
		memset(&h->pci.config[REG_PAM], 0, 7);
		i440fx_open_bios(h);
	}
	i440fx_written(h, 0, 256);
}

const struct device_class i440fx_class = {
	.name = "i440fx",
	.version = 2,
	.size = sizeof(struct i440fx),
	.init = i440fx_init,
	.reset = i440fx_reset,
	.state = i440fx_state,
	.title = "82441FX",
	.file = "i440fx.c",
	.has = "PAM: reads and writes of C0000h-FFFFFh go to RAM or ROM, by parts of 16 KiB; "
	       "SMRAM opened, closed and locked; registers",
	.lacks = "SMM; what is behind the DRAM registers",
};
