/* SPDX-License-Identifier: MIT */
/*
 * The ACPI table parser (drivers/lib/acpi_tables.c) on tables made here: every field that the
 * monitor uses, and damage of all kinds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/lib/acpi_tables.h"

#define BASE 0x7000000u
#define RSDP (BASE + 0x000)
#define XSDT (BASE + 0x100)
#define RSDT (BASE + 0x200)
#define MADT (BASE + 0x300)
#define FADT (BASE + 0x500)
#define HPET (BASE + 0x700)
#define DSDT (BASE + 0x800)
#define SIZE 0x1000u

static u8 image[SIZE];
static struct acpi_info info;

/* Exactly the bytes asked for, on the heap, so that ASan sees a step too far. */
static void *kept[64];
static unsigned keeps;

static const void *map(hpa_t hpa, u32 size)
{
	if (hpa < BASE || hpa + size > BASE + SIZE || keeps == ARRAY_SIZE(kept))
		return NULL;
	kept[keeps] = malloc(size);
	memcpy(kept[keeps], image + (hpa - BASE), size);
	return kept[keeps++];
}

static u8 *at(hpa_t hpa)
{
	return image + (hpa - BASE);
}

static void put32(hpa_t hpa, u32 v)
{
	memcpy(at(hpa), &v, 4);
}

static void put64(hpa_t hpa, u64 v)
{
	memcpy(at(hpa), &v, 8);
}

static void fix_sum(hpa_t hpa, u32 size, u32 where)
{
	u8 sum = 0;

	at(hpa)[where] = 0;
	for (u32 i = 0; i < size; i++)
		sum = (u8)(sum + at(hpa)[i]);
	at(hpa)[where] = (u8)-sum;
}

static void table(hpa_t hpa, const char *signature, u32 length)
{
	memcpy(at(hpa), signature, 4);
	put32(hpa + 4, length);
	fix_sum(hpa, length, 9);
}

static const u8 madt_entries[] = {
	0, 8,  0, 7, 1,	   0,	 0,    0,		    /* CPU with APIC ID 7, enabled */
	0, 8,  1, 8, 0,	   0,	 0,    0,		    /* one that is not there */
	1, 12, 0, 0, 0x00, 0x00, 0xc0, 0xfe, 0,	   0, 0, 0, /* I/O APIC */
	2, 10, 0, 0, 2,	   0,	 0,    0,    0,	   0,	    /* IRQ 0 is GSI 2 */
	2, 10, 0, 9, 9,	   0,	 0,    0,    0x0f, 0,	    /* IRQ 9: level, active low */
};

/* Name (_S5, Package (4) {5, 6, 0, 0}) between other bytes. */
static const u8 aml[] = { 0x10, 0x20, 0x08, '_',  'S',	'4',  '_',  0x12, 0x06, 0x04,
			  0x0a, 0x03, 0x00, 0x00, 0x00, 0x08, '_',  'S',  '5',	'_',
			  0x12, 0x08, 0x04, 0x0a, 0x05, 0x0a, 0x06, 0x00, 0x00, 0x5b };

static int setup(void **unused)
{
	(void)unused;
	memset(image, 0, sizeof(image));
	memcpy(at(RSDP), "RSD PTR ", 8);
	at(RSDP)[15] = 2;
	put32(RSDP + 16, RSDT);
	put32(RSDP + 20, 36);
	put64(RSDP + 24, XSDT);
	fix_sum(RSDP, 20, 8);
	fix_sum(RSDP, 36, 32);

	put64(XSDT + 36, MADT);
	put64(XSDT + 44, FADT);
	put64(XSDT + 52, HPET);
	table(XSDT, "XSDT", 60);
	put32(RSDT + 36, MADT);
	table(RSDT, "RSDT", 40);

	put32(MADT + 36, 0xfee00000);
	memcpy(at(MADT + 44), madt_entries, sizeof(madt_entries));
	table(MADT, "APIC", 44 + sizeof(madt_entries));

	put32(FADT + 40, DSDT);
	put32(FADT + 48, 0xb2);
	at(FADT)[52] = 0xf1;
	put32(FADT + 64, 0x604);
	put32(FADT + 76, 0x608);
	at(FADT)[91] = 4;
	at(FADT)[108] = 0x32;
	put32(FADT + 112, BIT(8) | BIT(10));
	at(FADT)[116] = 1;
	put64(FADT + 120, 0xcf9);
	at(FADT)[128] = 0x0f;
	table(FADT, "FACP", 244);

	put64(HPET + 44, 0xfed00000);
	table(HPET, "HPET", 56);
	memcpy(at(DSDT + 36), aml, sizeof(aml));
	table(DSDT, "DSDT", 36 + sizeof(aml));
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	while (keeps)
		free(kept[--keeps]);
	return 0;
}

static void test_everything(void **unused)
{
	(void)unused;
	acpi_parse(&info, RSDP, map);
	assert_true(info.found);
	assert_int_equal(info.cpus, 1);
	assert_int_equal(info.cpu_apic_id[0], 7);
	assert_int_equal(info.irq.lapic, 0xfee00000);
	assert_int_equal(info.irq.ioapics, 1);
	assert_int_equal(info.irq.ioapic[0].base, 0xfec00000);
	assert_int_equal(info.irq.isa[0].gsi, 2);
	assert_false(info.irq.isa[0].level);
	assert_int_equal(info.irq.isa[9].gsi, 9);
	assert_true(info.irq.isa[9].level && info.irq.isa[9].active_low);
	assert_int_equal(info.irq.isa[4].gsi, 4);
	assert_int_equal(info.hpet, 0xfed00000);
	assert_int_equal(info.pm_timer, 0x608);
	assert_true(info.pm_timer_32);
	assert_int_equal(info.pm1a_control, 0x604);
	assert_int_equal(info.smi_command, 0xb2);
	assert_int_equal(info.acpi_enable, 0xf1);
	assert_true(info.have_s5);
	assert_int_equal(info.s5_type_a, 5);
	assert_int_equal(info.s5_type_b, 6);
	assert_true(info.have_reset && !info.reset_is_memory);
	assert_int_equal(info.reset_address, 0xcf9);
	assert_int_equal(info.reset_value, 0x0f);
	assert_int_equal(info.century, 0x32);
}

static void test_old_revision_uses_the_rsdt(void **unused)
{
	(void)unused;
	at(RSDP)[15] = 0;
	fix_sum(RSDP, 20, 8);
	acpi_parse(&info, RSDP, map);
	assert_true(info.found);
	assert_int_equal(info.cpus, 1);
	assert_int_equal(info.hpet, 0); /* the RSDT names the MADT only */
}

static void test_bad_checksums(void **unused)
{
	(void)unused;
	at(HPET)[50] ^= 1;
	acpi_parse(&info, RSDP, map);
	assert_int_equal(info.hpet, 0);
	assert_true(info.have_s5);

	at(XSDT)[40] ^= 1; /* falls back to the RSDT */
	acpi_parse(&info, RSDP, map);
	assert_true(info.found);
	assert_false(info.have_s5);

	at(RSDP)[9] ^= 1;
	acpi_parse(&info, RSDP, map);
	assert_false(info.found);
	assert_int_equal(info.irq.isa[5].gsi, 5); /* still the default */
	acpi_parse(&info, 0, map);
	assert_false(info.found);
}

/* Lengths that lie: no byte outside a table is read (ASan watches), nothing hangs. */
static void test_lying_lengths(void **unused)
{
	static const hpa_t tables[] = { MADT, FADT, HPET, DSDT, XSDT };

	(void)unused;
	for (unsigned t = 0; t < ARRAY_SIZE(tables); t++) {
		for (u32 length = 0; length < 260; length++) {
			setup(NULL);
			put32(tables[t] + 4, length);
			if (length >= 10)
				fix_sum(tables[t], length, 9);
			acpi_parse(&info, RSDP, map);
			teardown(NULL);
		}
	}
	setup(NULL);
	at(MADT)[45] = 0; /* an entry of no length */
	fix_sum(MADT, 44 + sizeof(madt_entries), 9);
	acpi_parse(&info, RSDP, map);
	assert_int_equal(info.cpus, 0);
}

static void test_s5_forms(void **unused)
{
	static const u8 short_form[] = { 0x08, '\\', '_', 'S', '5', '_', 0x12, 0x03, 0x01, 0x01 };
	static const u8 word_form[] = { 0x08, '_',  'S',  '5',	'_',  0x12, 0x48,
					0x00, 0x02, 0x0b, 0x07, 0x00, 0x0a, 0x02 };
	static const u8 method[] = { 0x14, 0x08, '_', 'S', '5', '_', 0x00, 0xa4 };
	u8 a, b;

	(void)unused;
	assert_true(acpi_find_s5(short_form, sizeof(short_form), &a, &b));
	assert_int_equal(a, 1);
	assert_int_equal(b, 1);
	assert_true(acpi_find_s5(word_form, sizeof(word_form), &a, &b));
	assert_int_equal(a, 7);
	assert_int_equal(b, 2);
	assert_false(acpi_find_s5(method, sizeof(method), &a, &b));
	for (u32 n = 0; n < sizeof(aml) - 6; n++)
		assert_false(acpi_find_s5(aml, n, &a, &b));
}

static void test_rsdp_search(void **unused)
{
	u8 area[256] = { 0 };

	(void)unused;
	assert_int_equal(acpi_find_rsdp(area, sizeof(area)), -1);
	memcpy(area + 8, at(RSDP), 36); /* not on 16 bytes */
	assert_int_equal(acpi_find_rsdp(area, sizeof(area)), -1);
	memcpy(area + 160, at(RSDP), 36);
	assert_int_equal(acpi_find_rsdp(area, sizeof(area)), 160);
	assert_int_equal(acpi_find_rsdp(area, 170), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_everything, setup, teardown),
		cmocka_unit_test_setup_teardown(test_old_revision_uses_the_rsdt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_checksums, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lying_lengths, setup, teardown),
		cmocka_unit_test_setup_teardown(test_s5_forms, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rsdp_search, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
