/* SPDX-License-Identifier: MIT */
/*
 * The DSDT, in ASL:
 *
 *   Name (\_S5, Package { 0, 0, 0, 0 })
 *   Scope (\_SB) {
 *     Device (PCI0)             PNP0A03: _CRS the windows, _PRT every device's pins to LNKA..LNKD
 *       Device (ISA)            00:01.0: a field over the PIRQ router; each slot's ACPI entries
 *       Device (PM)             00:01.3
 *     Device (LNKA) .. (LNKD)   PNP0C0F: PIRQ router registers as interrupt links
 *     Device (MBRD)             PNP0C02: ports that belong to the board itself
 *   }
 */
#include "emu/board/guest_dsdt.h"
#include "emu/board/aml.h"
#include "emu/chip/piix3.h"
#include "emu/chip/piix4_pm.h"

enum {
	OP_STORE = 0x70,
	OP_SHIFT_LEFT = 0x79,
	OP_AND = 0x7b,
	OP_OR = 0x7d,
	OP_FIND_SET_RIGHT = 0x82,
	OP_DECREMENT = 0x76,
	OP_CREATE_WORD_FIELD = 0x8b,
	OP_RETURN = 0xa4,
	OP_EXT = 0x5b,
	EXT_REGION = 0x80,
	EXT_FIELD = 0x81,
	LOCAL0 = 0x60,
	ARG0 = 0x68,
	NO_TARGET = 0x00,
};

#define REGION_PCI_CONFIG 2
#define FIELD_BYTE_ACCESS 1
/* ISA interrupts that a PIRQ may be routed to, unless a card of the ISA bus has them: 5, 9, 10, 11
 * (9 is the SCI, level too). */
#define LINK_IRQS (BIT(5) | BIT(9) | BIT(10) | BIT(11))

static bool is_there(const struct acpi_machine *m, const struct device_slot *s)
{
	return device_slot_is_there(s, m->options);
}

static void device(struct aml *a, const char *name, const char *hid)
{
	aml_begin_device(a, name);
	aml_name_eisaid(a, "_HID", hid);
}

static void begin_crs(struct aml *a)
{
	aml_name(a, "_CRS");
	aml_begin_resources(a);
}

/* --- Interrupt links */

static void path_of_pirq(struct aml *a, unsigned n)
{
	char path[] = "\\_SB.PCI0.ISA.PRQA";

	path[sizeof(path) - 2] = (char)('A' + n);
	aml_path(a, path);
}

/* Method (_STA) { If (And (PRQn, 0x80)) { Return (0x09) } Return (0x0B) } */
static void link_sta(struct aml *a, unsigned n)
{
	aml_begin_method(a, "_STA", 0);
	aml_begin_if(a);
	aml_byte(a, OP_AND);
	path_of_pirq(a, n);
	aml_integer(a, PIIX3_PIRQ_OFF);
	aml_byte(a, NO_TARGET);
	aml_byte(a, OP_RETURN);
	aml_integer(a, 0x09);
	aml_end(a);
	aml_byte(a, OP_RETURN);
	aml_integer(a, 0x0b);
	aml_end(a);
}

/* Method (_DIS) { Or (PRQn, 0x80, PRQn) } */
static void link_dis(struct aml *a, unsigned n)
{
	aml_begin_method(a, "_DIS", 0);
	aml_byte(a, OP_OR);
	path_of_pirq(a, n);
	aml_integer(a, PIIX3_PIRQ_OFF);
	path_of_pirq(a, n);
	aml_end(a);
}

/* CreateWordField (buffer, 1, IRQM): the mask in an interrupt descriptor. */
static void mask_field(struct aml *a)
{
	aml_integer(a, 1);
	aml_path(a, "IRQM");
}

/* Method (_CRS) { CreateWordField (BUF, 1, IRQM) Store (ShiftLeft (1, And (PRQn, 15)), IRQM) Return
 * (BUF) } */
static void link_crs(struct aml *a, unsigned n)
{
	aml_name(a, "BUF");
	aml_begin_resources(a);
	aml_res_irq_shared(a, 0);
	aml_end_resources(a);
	aml_begin_method(a, "_CRS", 0);
	aml_byte(a, OP_CREATE_WORD_FIELD);
	aml_path(a, "BUF");
	mask_field(a);
	aml_byte(a, OP_SHIFT_LEFT);
	aml_integer(a, 1);
	aml_byte(a, OP_AND);
	path_of_pirq(a, n);
	aml_integer(a, 15);
	aml_byte(a, NO_TARGET);
	aml_path(a, "IRQM");
	aml_byte(a, OP_RETURN);
	aml_path(a, "BUF");
	aml_end(a);
}

/* Method (_SRS, 1) { CreateWordField (Arg0, 1, IRQM) FindSetRightBit (IRQM, Local0) Decrement
 * (Local0) Store (Local0, PRQn) } */
static void link_srs(struct aml *a, unsigned n)
{
	aml_begin_method(a, "_SRS", 1);
	aml_byte(a, OP_CREATE_WORD_FIELD);
	aml_byte(a, ARG0);
	mask_field(a);
	aml_byte(a, OP_FIND_SET_RIGHT);
	aml_path(a, "IRQM");
	aml_byte(a, LOCAL0);
	aml_byte(a, OP_DECREMENT);
	aml_byte(a, LOCAL0);
	aml_byte(a, OP_STORE);
	aml_byte(a, LOCAL0);
	path_of_pirq(a, n);
	aml_end(a);
}

static const char *const link_name[4] = { "LNKA", "LNKB", "LNKC", "LNKD" };

static u16 link_irqs(const struct acpi_machine *m)
{
	u16 irqs = LINK_IRQS;

	for (const struct device_slot *s = m->slots; s < m->slots + m->slot_count; s++)
		if (!s->pci && is_there(m, s))
			irqs &= (u16)~s->irqs;
	return irqs;
}

static void links(struct aml *a, const struct acpi_machine *m)
{
	for (unsigned n = 0; n < 4; n++) {
		device(a, link_name[n], "PNP0C0F");
		aml_name_integer(a, "_UID", n + 1);
		aml_name(a, "_PRS");
		aml_begin_resources(a);
		aml_res_irq_shared(a, link_irqs(m));
		aml_end_resources(a);
		link_sta(a, n);
		link_dis(a, n);
		link_crs(a, n);
		link_srs(a, n);
		aml_end(a);
	}
}

/* --- Devices on the ISA bus */

static void resources(struct aml *a, const struct device_slot *s, const struct device_acpi *e)
{
	bool all = !e->ranges && !e->irqs && !e->dmas;
	u16 irqs = all ? s->irqs : e->irqs;
	u8 dmas = all ? s->dma : e->dmas;

	for (unsigned i = 0; i < DEVICE_RANGES; i++)
		if (s->ports[i].count && (all || (e->ranges & BIT(i))))
			aml_res_io(a, s->ports[i].first, (u8)s->ports[i].count);
	if (irqs)
		aml_res_irq(a, irqs);
	if (dmas)
		aml_res_dma(a, dmas);
}

static void slot_device(struct aml *a, const struct device_slot *s, const struct device_acpi *e)
{
	device(a, e->name, e->hid);
	if (e->uid)
		aml_name_integer(a, "_UID", e->uid);
	begin_crs(a);
	resources(a, s, e);
	aml_end_resources(a);
	aml_end(a);
}

/* The resources of those entries that have no object of their own. */
static void mainboard(struct aml *a, const struct acpi_machine *m)
{
	device(a, "MBRD", "PNP0C02");
	begin_crs(a);
	for (const struct device_slot *s = m->slots; s < m->slots + m->slot_count; s++)
		for (unsigned i = 0; i < DEVICE_ACPI && is_there(m, s); i++)
			if (s->acpi[i].name && !s->acpi[i].hid)
				resources(a, s, &s->acpi[i]);
	aml_end_resources(a);
	aml_end(a);
}

static void slot_devices(struct aml *a, const struct acpi_machine *m)
{
	for (const struct device_slot *s = m->slots; s < m->slots + m->slot_count; s++)
		for (unsigned i = 0; i < DEVICE_ACPI && is_there(m, s); i++)
			if (s->acpi[i].hid)
				slot_device(a, s, &s->acpi[i]);
}

/* OperationRegion (PIRQ, PCI_Config, 0x60, 4) Field (PIRQ, ByteAcc, NoLock, Preserve) { PRQA, 8,
 * ... } */
static void router(struct aml *a)
{
	/* The length is below 64: one byte holds it, and counts itself. */
	static const u8 field[] = { OP_EXT, EXT_FIELD, 26,  'P', 'I', 'R', 'Q', FIELD_BYTE_ACCESS,
				    'P',    'R',       'Q', 'A', 8,   'P', 'R', 'Q',
				    'B',    8,	       'P', 'R', 'Q', 'C', 8,	'P',
				    'R',    'Q',       'D', 8 };

	aml_byte(a, OP_EXT);
	aml_byte(a, EXT_REGION);
	aml_path(a, "PIRQ");
	aml_byte(a, REGION_PCI_CONFIG);
	aml_integer(a, PIIX3_PIRQRC);
	aml_integer(a, 4);
	aml_bytes(a, field, sizeof(field));
}

static void isa_bridge(struct aml *a, const struct acpi_machine *m)
{
	aml_begin_device(a, "ISA");
	aml_name_integer(a, "_ADR", PIIX3_DEVICE << 16);
	router(a);
	slot_devices(a, m);
	aml_end(a);
}

/* --- PCI */

static void pci_windows(struct aml *a, const struct acpi_machine *m)
{
	/* BARs are placed between RAM and the 20 MiB below 4 GiB that chipsets keep for APICs and
	 * firmware. */
	u32 hole = (u32)ALIGN_UP(MIN(m->ram_size, 0xe0000000ull), 0x100000ull);

	begin_crs(a);
	aml_res_bus_range(a, 0, 0xff);
	aml_res_io(a, PCI_ADDRESS_PORT, 8);
	aml_res_io_range(a, 0x0000, 0x0cf7);
	aml_res_io_range(a, 0x0d00, 0xffff);
	aml_res_memory_range(a, 0x000a0000, 0x000bffff, true);
	aml_res_memory_range(a, MAX(hole, 0x10000000u), 0xfebfffff, false);
	aml_end_resources(a);
}

/* Package { address of all functions, pin, link, 0 } for pins A..D of devices 1..31. */
static void pci_routing(struct aml *a)
{
	aml_name(a, "_PRT");
	aml_begin_package(a, 31 * 4);
	for (unsigned device = 1; device < 32; device++) {
		for (unsigned pin = 0; pin < 4; pin++) {
			aml_begin_package(a, 4);
			aml_integer(a, device << 16 | 0xffff);
			aml_integer(a, pin);
			aml_path(a, link_name[device_pirq(device, pin + 1)]);
			aml_integer(a, 0);
			aml_end(a);
		}
	}
	aml_end(a);
}

static void soft_off(struct aml *a)
{
	aml_name(a, "\\_S5");
	aml_begin_package(a, 4);
	aml_integer(a, PM_S5_TYPE);
	aml_integer(a, PM_S5_TYPE);
	aml_integer(a, 0);
	aml_integer(a, 0);
	aml_end(a);
}

u32 acpi_dsdt_body(u8 *buf, u32 cap, const struct acpi_machine *m)
{
	struct aml out, *a = &out;

	aml_init(a, buf, cap);
	soft_off(a);
	aml_begin_scope(a, "\\_SB");
	device(a, "PCI0", "PNP0A03");
	aml_name_integer(a, "_UID", 0);
	pci_windows(a, m);
	pci_routing(a);
	isa_bridge(a, m);
	aml_begin_device(a, "PM");
	aml_name_integer(a, "_ADR", PIIX3_DEVICE << 16 | 3);
	aml_end(a);
	aml_end(a);
	links(a, m);
	mainboard(a, m);
	aml_end(a);
	return a->overflow ? 0 : a->len;
}
