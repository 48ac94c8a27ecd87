/* SPDX-License-Identifier: MIT */
/*
 * The tables' fixed parts (ACPI 3.0, 5.2). Written field by field into zeroed bytes at the offsets
 * of the specification.
 */
#include "emu/board/guest_acpi.h"

#include "emu/chip/ioapic.h"
#include "emu/chip/mc146818.h"
#include "emu/chip/piix4_pm.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/hw/hpet_regs.h"

#define HEADER	      36u
#define HEADER_SUM    9u
#define RSDP_SUM      8u
#define RSDP_RSDT     16u
#define RSDP_XSDT     24u
#define RSDP_XSUM     32u
#define RSDP_OLD_SIZE 20u /* of ACPI 1.0 */
#define FADT_FACS     36u
#define FADT_DSDT     40u
#define FADT_XFACS    132u
#define FADT_XDSDT    140u
#define FADT_SIZE     244u
#define FACS_SIZE     64u
#define MADT_SIZE     (HEADER + 8 + 8 + 12 + 10 * OVERRIDES + 6)
#define HPET_SIZE     56u

/* Interrupts whose pin or trigger is not that of the ISA bus: the timer, and those that PCI may
 * have (PIIX3, 2.5). */
#define OVERRIDES 5u

#define FADT_WBINVD	    BIT(0)
#define FADT_PROC_C1	    BIT(2)
#define FADT_SLP_BUTTON	    BIT(5) /* no fixed sleep button */
#define FADT_FIX_RTC	    BIT(6) /* no RTC wake status */
#define FADT_RESET_REG	    BIT(10)
#define BOOT_LEGACY_DEVICES BIT(0)
#define BOOT_8042	    BIT(1)

static void put8(u8 *t, u32 at, u32 v)
{
	t[at] = (u8)v;
}

static void put16(u8 *t, u32 at, u32 v)
{
	put8(t, at, v);
	put8(t, at + 1, v >> 8);
}

static void put32(u8 *t, u32 at, u32 v)
{
	put16(t, at, v);
	put16(t, at + 2, v >> 16);
}

static u8 sum(const u8 *p, u32 n)
{
	u8 s = 0;

	while (n--)
		s = (u8)(s + *p++);
	return s;
}

static void checksum(u8 *t, u32 at, u32 n)
{
	t[at] = 0;
	t[at] = (u8)-sum(t, n);
}

static void header(u8 *t, const char *signature, u32 size, u8 revision)
{
	memcpy(t, signature, 4);
	put32(t, 4, size);
	put8(t, 8, revision);
	memcpy(t + 10, "RINGL ", 6);
	memcpy(t + 16, "RINGLEAD", 8);
	put32(t, 24, 1);
	memcpy(t + 28, "RING", 4);
	put32(t, 32, 1);
	checksum(t, HEADER_SUM, size);
}

static void rsdp(u8 *t, u32 rsdt, u32 xsdt)
{
	memcpy(t, "RSD PTR ", 8);
	memcpy(t + 9, "RINGL ", 6);
	put8(t, 15, 2);
	put32(t, RSDP_RSDT, rsdt);
	put32(t, 20, ACPI_RSDP_SIZE);
	put32(t, RSDP_XSDT, xsdt);
	checksum(t, RSDP_SUM, RSDP_OLD_SIZE);
	checksum(t, RSDP_XSUM, ACPI_RSDP_SIZE);
}

/* Generic address structure: I/O space. */
static void gas(u8 *t, u32 at, u8 bits, u8 access, u32 port)
{
	put8(t, at, 1);
	put8(t, at + 1, bits);
	put8(t, at + 3, access);
	put32(t, at + 4, port);
}

static void fadt(u8 *t, u32 facs, u32 dsdt)
{
	put32(t, FADT_FACS, facs);
	put32(t, FADT_DSDT, dsdt);
	put8(t, 45, 0); /* preferred profile: unspecified */
	put16(t, 46, PM_SCI_IRQ);
	put32(t, 48, APM_PORT);
	put8(t, 52, APM_ACPI_ENABLE);
	put8(t, 53, APM_ACPI_DISABLE);
	put32(t, 56, PM_IO_BASE + PM1_EVT);
	put32(t, 64, PM_IO_BASE + PM1_CNT);
	put32(t, 76, PM_IO_BASE + PM_TMR);
	put32(t, 80, PM_IO_BASE + PM_GPE0);
	put8(t, 88, 4); /* lengths of the blocks */
	put8(t, 89, 2);
	put8(t, 91, 4);
	put8(t, 92, PM_GPE0_LEN);
	put16(t, 96, 0xfff); /* latencies above 100 and 1000 us: no C2, no C3 */
	put16(t, 98, 0xfff);
	put8(t, 108, RTC_CENTURY);
	put16(t, 109, BOOT_LEGACY_DEVICES | BOOT_8042);
	put32(t, 112, FADT_WBINVD | FADT_PROC_C1 | FADT_SLP_BUTTON | FADT_FIX_RTC | FADT_RESET_REG);
	gas(t, 116, 8, 1, 0xcf9);
	put8(t, 128, 6); /* hard reset */
	put32(t, FADT_XFACS, facs);
	put32(t, FADT_XDSDT, dsdt);
	gas(t, 148, 32, 2, PM_IO_BASE + PM1_EVT);
	gas(t, 172, 16, 2, PM_IO_BASE + PM1_CNT);
	gas(t, 208, 32, 3, PM_IO_BASE + PM_TMR);
	gas(t, 220, PM_GPE0_LEN * 8, 1, PM_IO_BASE + PM_GPE0);
	header(t, "FACP", FADT_SIZE, 3);
}

static void note_pointer(struct acpi_layout *l, u32 at, u8 size)
{
	l->pointer[l->pointers++] = (struct acpi_pointer){ at, size };
}

static void note_fields(struct acpi_layout *l)
{
	const struct acpi_sum sum[ACPI_SUMS] = {
		{ l->rsdp + RSDP_SUM, l->rsdp, RSDP_OLD_SIZE },
		{ l->rsdp + RSDP_XSUM, l->rsdp, ACPI_RSDP_SIZE },
		{ l->rsdt + HEADER_SUM, l->rsdt, HEADER + 4 * l->roots },
		{ l->xsdt + HEADER_SUM, l->xsdt, HEADER + 8 * l->roots },
		{ l->fadt + HEADER_SUM, l->fadt, FADT_SIZE },
	};

	note_pointer(l, l->rsdp + RSDP_RSDT, 4);
	note_pointer(l, l->rsdp + RSDP_XSDT, 8);
	for (u32 i = 0; i < l->roots; i++) {
		note_pointer(l, l->rsdt + HEADER + 4 * i, 4);
		note_pointer(l, l->xsdt + HEADER + 8 * i, 8);
	}
	note_pointer(l, l->fadt + FADT_FACS, 4);
	note_pointer(l, l->fadt + FADT_DSDT, 4);
	note_pointer(l, l->fadt + FADT_XFACS, 8);
	note_pointer(l, l->fadt + FADT_XDSDT, 8);
	memcpy(l->sum, sum, sizeof(sum));
}

/* ISA interrupt irq is pin gsi; flags: polarity and trigger (ACPI 3.0, 5.2.11.8). */
static void override(u8 *t, u8 irq, u32 gsi, u32 flags)
{
	put8(t, 0, 2);
	put8(t, 1, 10);
	put8(t, 3, irq);
	put32(t, 4, gsi);
	put16(t, 8, flags);
}

/* One processor, one I/O APIC, and the 8259 pair behind them. */
static void madt(u8 *t)
{
	static const u8 level[OVERRIDES - 1] = { 5, 9, 10, 11 };
	u8 *e = t + HEADER + 8;

	put32(t, HEADER, LAPIC_BASE);
	put32(t, HEADER + 4, 1); /* 8259s */
	put8(e, 0, 0);		 /* local APIC 0 of processor 0, enabled */
	put8(e, 1, 8);
	put32(e, 4, 1);
	e += 8;
	put8(e, 0, 1); /* I/O APIC 0 */
	put8(e, 1, 12);
	put32(e, 4, IOAPIC_BASE);
	e += 12;
	override(e, 0, 2, 0);
	for (unsigned i = 0; i < sizeof(level); i++)
		override(e += 10, level[i], level[i], 0xd); /* high, level */
	e += 10;
	put8(e, 0, 4); /* NMI: LINT1 of all processors */
	put8(e, 1, 6);
	put8(e, 2, 0xff);
	put8(e, 5, 1);
	header(t, "APIC", MADT_SIZE, 1);
}

static void hpet(u8 *t)
{
	put32(t, HEADER, 0x8086a201); /* the lower half of its capabilities */
	put8(t, HEADER + 5, 64);      /* address: memory, 64 bits wide */
	put32(t, HEADER + 8, HPET_BASE);
	put16(t, HEADER + 17, 0x80); /* shortest period without lost ticks */
	header(t, "HPET", HPET_SIZE, 1);
}

/* The root tables: entries of 4 and 8 bytes. */
static void roots(u8 *buf, u32 base, const struct acpi_layout *l)
{
	const u32 table[ACPI_ROOTS] = { l->fadt, l->madt, l->hpet };

	for (u32 i = 0; i < l->roots; i++) {
		put32(buf + l->rsdt, HEADER + 4 * i, base + table[i]);
		put32(buf + l->xsdt, HEADER + 8 * i, base + table[i]);
	}
	header(buf + l->rsdt, "RSDT", HEADER + 4 * l->roots, 1);
	header(buf + l->xsdt, "XSDT", HEADER + 8 * l->roots, 1);
}

int acpi_build(u8 *buf, u32 size, u32 base, const struct acpi_machine *m, struct acpi_layout *out)
{
	struct acpi_layout l = { 0 };
	u32 body;

	l.rsdp = 0;
	l.roots = m->apic ? ACPI_ROOTS : 1;
	l.rsdt = ALIGN_UP(ACPI_RSDP_SIZE, 16u);
	l.xsdt = ALIGN_UP(l.rsdt + HEADER + 4 * l.roots, 16u);
	l.facs = ALIGN_UP(l.xsdt + HEADER + 8 * l.roots, 64u);
	l.fadt = l.facs + FACS_SIZE;
	l.dsdt = ALIGN_UP(l.fadt + FADT_SIZE, 16u);
	if (m->apic) {
		l.madt = l.dsdt;
		l.hpet = ALIGN_UP(l.madt + MADT_SIZE, 16u);
		l.dsdt = ALIGN_UP(l.hpet + HPET_SIZE, 16u);
	}
	note_fields(&l);
	if (size < l.dsdt + HEADER)
		return E_NOMEM;
	memset(buf, 0, size);
	body = acpi_dsdt_body(buf + l.dsdt + HEADER, size - l.dsdt - HEADER, m);
	if (!body)
		return E_NOMEM;
	l.dsdt_size = HEADER + body;
	l.end = l.dsdt + l.dsdt_size;

	rsdp(buf, base + l.rsdt, base + l.xsdt);
	roots(buf, base, &l);
	if (m->apic) {
		madt(buf + l.madt);
		hpet(buf + l.hpet);
	}
	fadt(buf + l.fadt, base + l.facs, base + l.dsdt);
	memcpy(buf + l.facs, "FACS", 4);
	put32(buf + l.facs, 4, FACS_SIZE);
	put8(buf + l.facs, 32, 1);		      /* version */
	header(buf + l.dsdt, "DSDT", l.dsdt_size, 1); /* revision 1: integers have 32 bits */
	*out = l;
	return 0;
}
