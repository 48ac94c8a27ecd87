/* SPDX-License-Identifier: MIT */
/*
 * The tables' fixed parts (ACPI 3.0, 5.2). Written field by field into zeroed bytes at the offsets
 * of the specification.
 */
#include "emu/board/guest_acpi.h"

#include "emu/chip/mc146818.h"
#include "emu/chip/piix4_pm.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"

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

static void note_fields(struct acpi_layout *l)
{
	const struct acpi_pointer pointer[ACPI_POINTERS] = {
		{ l->rsdp + RSDP_RSDT, 4 },  { l->rsdp + RSDP_XSDT, 8 },
		{ l->rsdt + HEADER, 4 },     { l->xsdt + HEADER, 8 },
		{ l->fadt + FADT_FACS, 4 },  { l->fadt + FADT_DSDT, 4 },
		{ l->fadt + FADT_XFACS, 8 }, { l->fadt + FADT_XDSDT, 8 },
	};
	const struct acpi_sum sum[ACPI_SUMS] = {
		{ l->rsdp + RSDP_SUM, l->rsdp, RSDP_OLD_SIZE },
		{ l->rsdp + RSDP_XSUM, l->rsdp, ACPI_RSDP_SIZE },
		{ l->rsdt + HEADER_SUM, l->rsdt, HEADER + 4 },
		{ l->xsdt + HEADER_SUM, l->xsdt, HEADER + 8 },
		{ l->fadt + HEADER_SUM, l->fadt, FADT_SIZE },
	};

	memcpy(l->pointer, pointer, sizeof(pointer));
	memcpy(l->sum, sum, sizeof(sum));
}

int acpi_build(u8 *buf, u32 size, u32 base, const struct acpi_machine *m, struct acpi_layout *out)
{
	struct acpi_layout l;
	u32 body;

	l.rsdp = 0;
	l.rsdt = ALIGN_UP(ACPI_RSDP_SIZE, 16u);
	l.xsdt = ALIGN_UP(l.rsdt + HEADER + 4, 16u);
	l.facs = ALIGN_UP(l.xsdt + HEADER + 8, 64u);
	l.fadt = l.facs + FACS_SIZE;
	l.dsdt = ALIGN_UP(l.fadt + FADT_SIZE, 16u);
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
	put32(buf + l.rsdt, HEADER, base + l.fadt);
	header(buf + l.rsdt, "RSDT", HEADER + 4, 1);
	put32(buf + l.xsdt, HEADER, base + l.fadt);
	header(buf + l.xsdt, "XSDT", HEADER + 8, 1);
	fadt(buf + l.fadt, base + l.facs, base + l.dsdt);
	memcpy(buf + l.facs, "FACS", 4);
	put32(buf + l.facs, 4, FACS_SIZE);
	put8(buf + l.facs, 32, 1);		      /* version */
	header(buf + l.dsdt, "DSDT", l.dsdt_size, 1); /* revision 1: integers have 32 bits */
	*out = l;
	return 0;
}
