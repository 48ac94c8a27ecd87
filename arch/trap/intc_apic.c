/* SPDX-License-Identifier: MIT */
/*
 * The machine's own local APIC and I/O APICs. SDM 3A chapter 10; Intel 82093AA data sheet.
 */
#include "arch/trap/intc_apic.h"

#include "arch/cpu/processor.h"
#include "arch/cpu/try.h"
#include "arch/mem/kmap.h"
#include "kernel/base/error.h"
#include "kernel/hw/apic_regs.h"

static volatile u8 *lapic;
static struct {
	volatile u32 *regs;
	u32 gsi_base, entries;
} ioapic[IRQ_MAX_IOAPICS];
static unsigned ioapics;

static u32 lapic_read(unsigned reg)
{
	return *(volatile u32 *)(lapic + reg);
}

static void lapic_write(unsigned reg, u32 v)
{
	*(volatile u32 *)(lapic + reg) = v;
}

static u32 ioapic_read(unsigned n, u32 reg)
{
	ioapic[n].regs[IOAPIC_SELECT / 4] = reg;
	return ioapic[n].regs[IOAPIC_WINDOW / 4];
}

static void ioapic_write(unsigned n, u32 reg, u32 v)
{
	ioapic[n].regs[IOAPIC_SELECT / 4] = reg;
	ioapic[n].regs[IOAPIC_WINDOW / 4] = v;
}

/* xAPIC mode, whatever the firmware left; from x2APIC mode the way back leads through "disabled"
 * (SDM 3A 10.12.5). */
static int lapic_enable(hpa_t base)
{
	u64 v;

	if (rdmsr_safe(MSR_APIC_BASE, &v))
		return E_NOSYS;
	if (v & APIC_BASE_X2APIC)
		wrmsr_safe(MSR_APIC_BASE, v & ~(APIC_BASE_ENABLE | APIC_BASE_X2APIC));
	v = (v & ~(APIC_BASE_X2APIC | PAGE_MASK)) | APIC_BASE_ENABLE | base;
	if (wrmsr_safe(MSR_APIC_BASE, v))
		return E_NOSYS;
	lapic = kmap_device(base, PAGE_SIZE, false);
	return lapic ? 0 : E_NOMEM;
}

static void ioapic_add(const struct irq_ioapic *d)
{
	volatile u32 *regs = kmap_device(d->base, 32, false);

	if (!regs)
		return;
	ioapic[ioapics].regs = regs;
	ioapic[ioapics].gsi_base = d->gsi_base;
	ioapic[ioapics].entries = (ioapic_read(ioapics, IOAPIC_VERSION) >> 16 & 0xff) + 1;
	for (u32 i = 0; i < ioapic[ioapics].entries; i++)
		ioapic_write(ioapics, IOAPIC_REDIR + 2 * i, LVT_MASKED);
	ioapics++;
}

int intc_apic_init(const struct irq_topology *t)
{
	int err = lapic_enable(t->lapic);

	if (err)
		return err;
	for (unsigned i = 0; i < t->ioapics && ioapics < IRQ_MAX_IOAPICS; i++)
		ioapic_add(&t->ioapic[i]);
	if (!ioapics)
		return E_NOENT;
	lapic_write(LAPIC_SPURIOUS, SPURIOUS_ENABLE | IRQ_VECTOR_SPURIOUS);
	lapic_write(LAPIC_TPR, 0);
	lapic_write(LAPIC_INITIAL, 0); /* stands still */
	lapic_write(LAPIC_DIVIDE, 3);  /* by 16 */
	lapic_write(LAPIC_LVT_TIMER, IRQ_VECTOR_TIMER);
	lapic_write(LAPIC_LVT_LINT0, LVT_MASKED); /* the 8259s */
	lapic_write(LAPIC_LVT_LINT1, LVT_NMI);
	lapic_write(LAPIC_LVT_ERROR, LVT_MASKED);
	lapic_write(LAPIC_EOI, 0);
	return 0;
}

void intc_apic_eoi(void)
{
	lapic_write(LAPIC_EOI, 0);
}

u32 intc_apic_id(void)
{
	return lapic_read(LAPIC_ID) >> 24;
}

static int ioapic_route(u32 gsi, u32 entry)
{
	for (unsigned n = 0; n < ioapics; n++) {
		u32 pin = gsi - ioapic[n].gsi_base;

		if (pin >= ioapic[n].entries)
			continue;
		ioapic_write(n, IOAPIC_REDIR + 2 * pin + 1, intc_apic_id() << 24);
		ioapic_write(n, IOAPIC_REDIR + 2 * pin, entry);
		return 0;
	}
	return E_NOENT;
}

int intc_ioapic_route(u32 gsi, u8 vector, bool level, bool active_low)
{
	return ioapic_route(gsi, vector | (active_low ? LVT_LOW : 0) | (level ? LVT_LEVEL : 0));
}

int intc_ioapic_route_nmi(u32 gsi, bool active_low)
{
	return ioapic_route(gsi, LVT_NMI | (active_low ? LVT_LOW : 0));
}

void intc_timer_start(u32 count)
{
	lapic_write(LAPIC_INITIAL, count);
}

u32 intc_timer_left(void)
{
	return lapic_read(LAPIC_CURRENT);
}
