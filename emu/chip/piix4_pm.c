/* SPDX-License-Identifier: MIT */
/*
 * The power management block:
 *
 *   00 PM1_STS   04 PM1_CNT   0C GPSTS   10.. P_CNT, P_LVL2, P_LVL3, GLBSTS, GLBEN, GLBCTL,
 *   02 PM1_EN    08 PM_TMR    0E GPEN         DEVSTS, DEVACT, DEVCTL, GPIREG, GPOREG
 *
 * SCI = SCI_EN and (PM1_STS and PM1_EN, or GPSTS and GPEN). The timer's 24 bits are computed from
 * virtual time. TMROF is set at each toggle of bit 23 and needs a timer of ours only while its
 * interrupt is wanted. Without SMM, writes to the APM port do at once what firmware's SMI handler
 * would: F1h hands the registers to ACPI, F0h takes them back. Our tables offer neither a C state
 * (P_LVL2, P_LVL3) nor S1 or S3; entering one does nothing.
 */
#include "emu/chip/piix4_pm.h"

#include "emu/dev/ticks.h"
#include "emu/dev/strict.h"
#include "emu/snap/snap.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"

#define REG_PMBASE  0x40
#define REG_DEVACTB 0x58
#define REG_PMMISC  0x80 /* bit 0: PMBASE is decoded */
#define REG_SMBBASE 0x90
#define REG_SMBCFG  0xd2

#define DEVACTB_APMC_EN BIT(25) /* a write to port B2h raises an SMI */

#define PM1_STS_ALL 0x8531 /* RSM RTC PWRBTN GBL BMIF TMROF */
#define PM1_EN_ALL  (PM1_TMROF | PM1_GBL | PM1_PWRBTN | PM1_RTC)
#define CNT_KEPT    0x1c03 /* SLP_TYP, BRLD_EN_BM, SCI_EN */
#define GPE_ALL	    0x0f81 /* LID RI GPI1 USB THRM */

#define TIMER_MSB_TICKS (1u << 23)

static u64 timer_ticks(const struct piix4_pm *p)
{
	return ticks_at(vtimers_now(p->timers), PM_TIMER_HZ);
}

/* --- SCI */

static void drive_sci(struct piix4_pm *p)
{
	bool sci = (p->pm1_cnt & PM1_SCI_EN) &&
		   ((p->pm1_sts & p->pm1_en & PM1_EN_ALL) || (p->gpe_sts & p->gpe_en));

	if (sci != p->level) {
		p->level = sci;
		irq_set(&p->sci, sci);
	}
}

static void sync(struct piix4_pm *p)
{
	u64 msb = timer_ticks(p) / TIMER_MSB_TICKS;

	if (msb != p->timer_msb) {
		p->timer_msb = msb;
		p->pm1_sts |= PM1_TMROF;
	}
	drive_sci(p);
	if ((p->pm1_cnt & PM1_SCI_EN) && (p->pm1_en & ~p->pm1_sts & PM1_TMROF))
		vtimer_arm(p->timers, &p->timer,
			   ticks_begin((msb + 1) * TIMER_MSB_TICKS, PM_TIMER_HZ));
	else
		vtimer_cancel(p->timers, &p->timer);
}

static void fire(void *ctx, u64 now)
{
	(void)now;
	sync(ctx);
}

void piix4_pm_power_button(struct piix4_pm *p)
{
	p->pm1_sts |= PM1_PWRBTN;
	sync(p);
}

/* --- Ports at PMBASE */

static void write_cnt(struct piix4_pm *p, u16 v)
{
	p->pm1_cnt = v & CNT_KEPT;
	if ((v & PM1_SLP_EN) && PM1_SLP_TYP(v) == PM_S5_TYPE)
		p->host->power_off(p->host->ctx);
}

static u16 *register16(struct piix4_pm *p, unsigned reg)
{
	switch (reg) {
	case 0x00:
		return &p->pm1_sts;
	case 0x02:
		return &p->pm1_en;
	case 0x04:
		return &p->pm1_cnt;
	case 0x0c:
		return &p->gpe_sts;
	case 0x0e:
		return &p->gpe_en;
	default:
		return NULL;
	}
}

static u8 read_byte(struct piix4_pm *p, unsigned reg, u32 timer)
{
	const u16 *r = register16(p, reg & ~1u);

	if (r)
		return (u8)(*r >> (reg & 1) * 8);
	if (reg >= PM_TMR && reg < PM_TMR + 4)
		return (u8)(timer >> (reg - PM_TMR) * 8);
	return p->io[reg];
}

static u32 pm_read(void *dev, u16 offset, unsigned size)
{
	struct piix4_pm *p = dev;
	u32 timer = (u32)timer_ticks(p) & 0xffffff, v = 0; /* one time for all four bytes */

	if (offset == PM_TMR && size == 4)
		return timer;
	sync(p);
	for (unsigned i = 0; i < size; i++)
		v |= (u32)read_byte(p, offset + i, timer) << (8 * i);
	return v;
}

static void write16(struct piix4_pm *p, unsigned reg, u16 v, u16 lanes)
{
	switch (reg) {
	case 0x00:
		p->pm1_sts &= (u16) ~(v & lanes & PM1_STS_ALL);
		return;
	case 0x02:
		p->pm1_en = (u16)((p->pm1_en & ~lanes) | (v & lanes & PM1_EN_ALL));
		return;
	case 0x04:
		write_cnt(p, (u16)((p->pm1_cnt & ~lanes) | (v & lanes)));
		return;
	case 0x0c:
		p->gpe_sts &= (u16) ~(v & lanes & GPE_ALL);
		return;
	case 0x0e:
		p->gpe_en = (u16)((p->gpe_en & ~lanes) | (v & lanes & GPE_ALL));
		return;
	default:
		break;
	}
	if (reg >= PM_TMR && reg < PM_TMR + 4)
		return; /* read-only */
	if (lanes & 0x00ff)
		p->io[reg] = (u8)v;
	if (lanes & 0xff00)
		p->io[reg + 1] = (u8)(v >> 8);
}

static void pm_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct piix4_pm *p = dev;
	u64 lanes = (size == 4 ? 0xffffffffull : BIT64(8 * size) - 1) << (offset & 1) * 8;
	u64 v = (u64)value << (offset & 1) * 8;

	if (offset + size > PM_TMR && offset < PM_TMR + 4)
		strict_broken(p->host, STRICT_pm_timer_read_only);
	sync(p);
	for (unsigned reg = offset & ~1u; lanes; reg += 2, lanes >>= 16, v >>= 16)
		write16(p, reg, (u16)v, (u16)lanes);
	sync(p);
}

static const struct bus_ports pm_ports = { pm_read, pm_write, 4 };

static void remap(struct piix4_pm *p)
{
	u16 base = pci_get16(&p->pci, REG_PMBASE) & 0xffc0;

	if (!(p->pci.config[REG_PMMISC] & 1))
		base = 0;
	if (base == p->mapped)
		return;
	if (p->mapped)
		bus_release(p->bus, p->mapped);
	p->mapped = 0;
	if (base && !bus_claim(p->bus, base, PM_IO_SIZE, &pm_ports, p, "piix4 pm"))
		p->mapped = base;
}

static void config_written(void *ctx, unsigned reg, unsigned len)
{
	(void)reg;
	(void)len;
	remap(ctx);
}

/* --- APM port */

static u32 apm_read(void *dev, u16 offset, unsigned size)
{
	const struct piix4_pm *p = dev;

	(void)size;
	return offset ? p->apms : p->apmc;
}

static void apm_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct piix4_pm *p = dev;

	(void)size;
	if (offset) {
		p->apms = (u8)value;
		return;
	}
	p->apmc = (u8)value;
	if (value == APM_ACPI_ENABLE)
		p->pm1_cnt |= PM1_SCI_EN;
	else if (value == APM_ACPI_DISABLE)
		p->pm1_cnt &= (u16)~PM1_SCI_EN;
	sync(p);
}

static const struct bus_ports apm_ports = { apm_read, apm_write, 1 };

/* --- Set-up */

static void config_reset(struct piix4_pm *p)
{
	static const struct pci_identity id = { .vendor = 0x8086,
						.device = 0x7113,
						.class_code = 0x068000,
						.revision = 3,
						.irq_pin = 1 };
	struct pci_function *f = &p->pci;

	pci_function_init(f, &id, "PIIX4 PM");
	f->written = config_written;
	f->ctx = p;
	pci_set16(f->config, PCI_STATUS, 0x0280);
	pci_set16(f->writable, PCI_COMMAND, PCI_COMMAND_IO);
	f->config[PCI_IRQ_LINE] = PM_SCI_IRQ;
	pci_set32(f->config, REG_PMBASE, 1);
	pci_set32(f->writable, REG_PMBASE, 0xffc0);
	memset(&f->writable[0x44], 0xff,
	       0x7c - 0x44); /* counters, device activity and resources: storage */
	/* The sign by which firmware takes SMM as set up, and asks for no SMI: there is none. */
	pci_set32(f->config, REG_DEVACTB, DEVACTB_APMC_EN);
	f->writable[REG_PMMISC] = 0x01;
	pci_set32(f->config, REG_SMBBASE, 1);
	pci_set32(f->writable, REG_SMBBASE, 0xfff0);
	/* REG_SMBCFG stays read-only 0: the SMBus host is disabled and cannot be enabled. */
}

static void piix4_pm_reset(void *dev)
{
	struct piix4_pm *p = dev;

	config_reset(p);
	memset(p->io, 0, sizeof(p->io));
	p->pm1_sts = p->pm1_en = p->pm1_cnt = p->gpe_sts = p->gpe_en = 0;
	p->apmc = p->apms = 0;
	p->timer_msb = timer_ticks(p) / TIMER_MSB_TICKS;
	sync(p);
	pci_set32(p->pci.config, REG_PMBASE, PM_IO_BASE | 1);
	p->pci.config[REG_PMMISC] = 1;
	p->pci.config[PCI_COMMAND] = PCI_COMMAND_IO;
	remap(p);
}

static int piix4_pm_init(void *dev, const struct device_bay *bay)
{
	struct piix4_pm *p = dev;

	p->bus = bay->bus;
	p->timers = bay->timers;
	p->sci = bay->irq[0];
	p->host = bay->host;
	vtimer_init(&p->timer, fire, p);
	piix4_pm_reset(p);
	pci_plug(bay, &p->pci);
	return p->mapped ? 0 : E_INVAL;
}

/* The power button. */
static bool piix4_pm_can_wake(const void *dev)
{
	(void)dev;
	return true;
}

static u64 piix4_pm_wakes_at(const void *dev)
{
	const struct piix4_pm *p = dev;

	return vtimer_due(&p->timer);
}

static void piix4_pm_state(void *dev, struct snap *s)
{
	struct piix4_pm *p = dev;

	pci_function_state(&p->pci, s);
	snap_bytes(s, p->io, sizeof(p->io));
	snap_u16(s, p->pm1_sts);
	snap_u16(s, p->pm1_en);
	snap_u16(s, p->pm1_cnt);
	snap_u16(s, p->gpe_sts);
	snap_u16(s, p->gpe_en);
	snap_u8(s, p->apmc);
	snap_u8(s, p->apms);
	snap_range(s, p->timer_msb, 0, ticks_at(s->now, PM_TIMER_HZ) / TIMER_MSB_TICKS);
	vtimer_state(p->timers, &p->timer, s);
	snap_require(s, !(p->pm1_sts & ~PM1_STS_ALL) && !(p->pm1_en & ~PM1_EN_ALL));
	snap_require(s, !(p->pm1_cnt & ~CNT_KEPT));
	snap_require(s, !(p->gpe_sts & ~GPE_ALL) && !(p->gpe_en & ~GPE_ALL));
	if (s->loading && snap_ok(s)) {
		remap(p);
		drive_sci(p);
	}
}

const struct device_class piix4_pm_class = {
	.name = "piix4-pm",
	.version = 1,
	.size = sizeof(struct piix4_pm),
	.ports = { &apm_ports },
	.init = piix4_pm_init,
	.reset = piix4_pm_reset,
	.state = piix4_pm_state,
	.can_wake = piix4_pm_can_wake,
	.wakes_at = piix4_pm_wakes_at,
	.title = "PIIX4 PM",
	.file = "piix4_pm.c",
	.has = "PM1 and GPE registers, 24-bit timer, SCI, ACPI on and off, soft off, power button, "
	       "PMBASE",
	.lacks = "SMM, SMBus, S1 to S4, C2, C3, device monitors",
};
