/* SPDX-License-Identifier: MIT */
/*
 * RSDP, RSDT/XSDT, MADT, FADT, HPET, and \_S5 by its look. Every length is checked before a byte is
 * believed.
 */
#include "drivers/lib/acpi_tables.h"

#include "kernel/base/string.h"

#define HEADER 36u

static u16 get16(const u8 *p)
{
	return (u16)(p[0] | p[1] << 8);
}

static u32 get32(const u8 *p)
{
	return get16(p) | (u32)get16(p + 2) << 16;
}

static u64 get64(const u8 *p)
{
	return get32(p) | (u64)get32(p + 4) << 32;
}

static bool sum_is_zero(const u8 *p, u32 n)
{
	u8 sum = 0;

	while (n--)
		sum = (u8)(sum + *p++);
	return sum == 0;
}

int acpi_find_rsdp(const u8 *area, u32 size)
{
	for (u32 at = 0; at + 20 <= size; at += 16)
		if (!memcmp(area + at, "RSD PTR ", 8) && sum_is_zero(area + at, 20))
			return (int)at;
	return -1;
}

/* A whole table with a good checksum, or NULL. */
static const u8 *table_map(hpa_t hpa, acpi_map_fn map, u32 *length)
{
	const u8 *t = hpa ? map(hpa, HEADER) : NULL;

	if (!t)
		return NULL;
	*length = get32(t + 4);
	if (*length < HEADER || *length > 16 * MiB)
		return NULL;
	t = map(hpa, *length);
	return t && sum_is_zero(t, *length) ? t : NULL;
}

/* --- MADT: 5.2.12 */

static void parse_override(struct acpi_info *out, const u8 *e)
{
	u8 irq = e[3];
	u16 flags = get16(e + 8);

	if (e[2] != 0 || irq >= IRQ_ISA_LINES)
		return;
	out->irq.isa[irq].gsi = get32(e + 4);
	out->irq.isa[irq].active_low = (flags & 3) == 3;
	out->irq.isa[irq].level = (flags >> 2 & 3) == 3;
}

static void parse_madt_entry(struct acpi_info *out, const u8 *e, u8 size)
{
	switch (e[0]) {
	case 0: /* processor local APIC */
		if (size >= 8 && (get32(e + 4) & 1) && out->cpus < ACPI_MAX_CPUS)
			out->cpu_apic_id[out->cpus++] = e[3];
		return;
	case 1: /* I/O APIC */
		if (size >= 12 && out->irq.ioapics < IRQ_MAX_IOAPICS) {
			out->irq.ioapic[out->irq.ioapics].base = get32(e + 4);
			out->irq.ioapic[out->irq.ioapics++].gsi_base = get32(e + 8);
		}
		return;
	case 2: /* interrupt source override */
		if (size >= 10)
			parse_override(out, e);
		return;
	case 5: /* local APIC address override */
		if (size >= 12)
			out->irq.lapic = get64(e + 4);
		return;
	default:
		return;
	}
}

static void parse_madt(struct acpi_info *out, const u8 *t, u32 length)
{
	if (length < 44)
		return;
	out->irq.lapic = get32(t + 36);
	for (u32 at = 44; at + 2 <= length;) {
		u8 size = t[at + 1];

		if (size < 2 || at + size > length)
			return;
		parse_madt_entry(out, t + at, size);
		at += size;
	}
}

/* --- \_S5 */

/* One integer of a package: ZeroOp, OneOp, or a byte, word or dword constant. Returns its size in
 * AML, 0 if it is none. */
static u32 aml_integer(const u8 *p, u32 left, u8 *value)
{
	static const u8 sizes[] = { 2, 3, 5 };

	if (!left)
		return 0;
	if (p[0] == 0x00 || p[0] == 0x01) {
		*value = p[0];
		return 1;
	}
	if (p[0] < 0x0a || p[0] > 0x0c || sizes[p[0] - 0x0a] > left)
		return 0;
	*value = p[1];
	return sizes[p[0] - 0x0a];
}

/* Name(\_S5, Package() { a, b, ... }): 08 [5C] "_S5_" 12 PkgLength NumElements a b ... */
bool acpi_find_s5(const u8 *aml, u32 size, u8 *type_a, u8 *type_b)
{
	for (u32 at = 1; at + 8 <= size; at++) {
		if (memcmp(aml + at, "_S5_", 4) || aml[at + 4] != 0x12)
			continue;
		if (aml[at - 1] != 0x08 && !(at >= 2 && aml[at - 1] == '\\' && aml[at - 2] == 0x08))
			continue;

		u32 p = at + 5 + 1 + (aml[at + 5] >> 6) +
			1; /* PkgLength of 1 to 4 bytes, NumElements */
		u32 n = p < size ? aml_integer(aml + p, size - p, type_a) : 0;

		if (!n)
			continue;
		/* A package of one element means both. */
		if (aml[p - 1] < 2 || !aml_integer(aml + p + n, size - p - n, type_b))
			*type_b = *type_a;
		return true;
	}
	return false;
}

/* --- FADT: 5.2.9 */

static void parse_reset(struct acpi_info *out, const u8 *t, u32 length)
{
	if (length < 129 || !(get32(t + 112) & BIT(10)))
		return;
	/* Generic address: space (0 memory, 1 port), bit width, offset, access, address. */
	if (t[116] > 1)
		return;
	out->reset_is_memory = t[116] == 0;
	out->reset_address = get64(t + 120);
	out->reset_value = t[128];
	out->have_reset = out->reset_address != 0;
}

static void parse_fadt(struct acpi_info *out, const u8 *t, u32 length, acpi_map_fn map)
{
	u32 dsdt_length;
	const u8 *dsdt = NULL;

	if (length < 116)
		return;
	out->smi_command = (u16)get32(t + 48);
	out->acpi_enable = t[52];
	out->pm1a_control = (u16)get32(t + 64);
	out->pm1b_control = (u16)get32(t + 68);
	out->pm_timer = t[91] >= 4 ? (u16)get32(t + 76) : 0;
	out->pm_timer_32 = get32(t + 112) & BIT(8);
	out->century = t[108];
	parse_reset(out, t, length);
	if (length >= 148)
		dsdt = table_map(get64(t + 140), map, &dsdt_length);
	if (!dsdt)
		dsdt = table_map(get32(t + 40), map, &dsdt_length);
	if (dsdt &&
	    acpi_find_s5(dsdt + HEADER, dsdt_length - HEADER, &out->s5_type_a, &out->s5_type_b))
		out->have_s5 = true;
}

/* --- Roots */

static void parse_table(struct acpi_info *out, hpa_t hpa, acpi_map_fn map)
{
	u32 length;
	const u8 *t = table_map(hpa, map, &length);

	if (!t)
		return;
	if (!memcmp(t, "APIC", 4))
		parse_madt(out, t, length);
	else if (!memcmp(t, "FACP", 4))
		parse_fadt(out, t, length, map);
	else if (!memcmp(t, "HPET", 4) && length >= 56 && t[40] == 0)
		out->hpet = get64(t + 44);
	else if (!memcmp(t, "SSDT", 4) && !out->have_s5)
		out->have_s5 =
			acpi_find_s5(t + HEADER, length - HEADER, &out->s5_type_a, &out->s5_type_b);
}

void acpi_parse(struct acpi_info *out, hpa_t rsdp, acpi_map_fn map)
{
	const u8 *r = rsdp ? map(rsdp, 20) : NULL, *root = NULL;
	u32 length = 0, entry = 8;

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < IRQ_ISA_LINES; i++)
		out->irq.isa[i].gsi = i;
	if (!r || memcmp(r, "RSD PTR ", 8) || !sum_is_zero(r, 20))
		return;

	u32 rsdt = get32(r + 16);

	if (r[15] >= 2 && (r = map(rsdp, 36)) && sum_is_zero(r, 36))
		root = table_map(get64(r + 24), map, &length);
	if (!root) {
		root = table_map(rsdt, map, &length);
		entry = 4;
	}
	if (!root)
		return;
	out->found = true;
	for (u32 at = HEADER; at + entry <= length; at += entry)
		parse_table(out, entry == 8 ? get64(root + at) : get32(root + at), map);
}
