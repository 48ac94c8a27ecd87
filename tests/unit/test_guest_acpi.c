/* SPDX-License-Identifier: MIT */
/*
 * The guest's ACPI tables: what a kernel walks (RSDP, RSDT, XSDT, FADT, FACS, DSDT) with checksums
 * and addresses, the AML encodings, and, where ACPICA's tools are installed, iasl's and acpiexec's
 * opinion of the whole. Alone: make build/unit/test_guest_acpi && build/unit/test_guest_acpi
 */
#include <stdlib.h>
#include <unistd.h>

#include "emu/board/aml.h"
#include "emu/board/guest_acpi.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "tests/unit/pc_fixture.h"

#define BASE 0xe0000u
#define SIZE 0x20000u

static u8 mem[SIZE];

static u32 get32(u32 gpa)
{
	u32 v;

	memcpy(&v, &mem[gpa - BASE], 4);
	return v;
}

static u8 sum(u32 gpa, u32 n)
{
	u8 s = 0;

	while (n--)
		s = (u8)(s + mem[gpa++ - BASE]);
	return s;
}

static void expect_table(u32 gpa, const char *signature, u32 size)
{
	assert_memory_equal(&mem[gpa - BASE], signature, 4);
	assert_int_equal(get32(gpa + 4), size);
	assert_int_equal(sum(gpa, size), 0);
}

static void build(struct acpi_layout *l, u64 ram)
{
	const struct acpi_machine m = { .ram_size = ram,
					.slots = pc_slots,
					.slot_count = pc_slot_count };

	assert_int_equal(acpi_build(mem, SIZE, BASE, &m, l), 0);
}

static void test_walk(void **state)
{
	struct acpi_layout l;
	u32 rsdt, xsdt, fadt, dsdt, facs;

	(void)state;
	build(&l, 256 * MiB);
	assert_memory_equal(&mem[l.rsdp], "RSD PTR ", 8);
	assert_int_equal((BASE + l.rsdp) % 16, 0);
	assert_int_equal(sum(BASE + l.rsdp, 20), 0);
	assert_int_equal(sum(BASE + l.rsdp, 36), 0);
	rsdt = get32(BASE + l.rsdp + 16);
	xsdt = get32(BASE + l.rsdp + 24);
	expect_table(rsdt, "RSDT", 40);
	expect_table(xsdt, "XSDT", 44);
	fadt = get32(rsdt + 36);
	assert_int_equal(get32(xsdt + 36), fadt);
	assert_int_equal(get32(xsdt + 40), 0);
	expect_table(fadt, "FACP", 244);
	facs = get32(fadt + 36);
	dsdt = get32(fadt + 40);
	assert_int_equal(get32(fadt + 132), facs);
	assert_int_equal(get32(fadt + 140), dsdt);
	expect_table(dsdt, "DSDT", l.dsdt_size);
	assert_memory_equal(&mem[facs - BASE], "FACS", 4);
	assert_int_equal(facs % 64, 0);
	assert_int_equal(get32(facs + 4), 64);
	/* Ports: PM1 events, control, timer; the SCI; ACPI enable by B2h. */
	assert_int_equal(get32(fadt + 46), 0x00b20009);
	assert_int_equal(get32(fadt + 52), 0x0000f0f1);
	assert_int_equal(get32(fadt + 56), 0x600);
	assert_int_equal(get32(fadt + 64), 0x604);
	assert_int_equal(get32(fadt + 76), 0x608);
	assert_int_equal(get32(fadt + 80), 0x60c);
	assert_int_equal(l.end < SIZE, 1);
}

/* Where there is an APIC, its table and the HPET's; ACPI 3.0, 5.2.11; IA-PC HPET 1.0a, 3.2.4. */
static void test_apic(void **state)
{
	static const u8 irqs[] = { 0, 5, 9, 10, 11 }, pins[] = { 2, 5, 9, 10, 11 };
	const struct acpi_machine m = {
		.ram_size = 64 * MiB, .apic = true, .slots = pc_slots, .slot_count = pc_slot_count
	};
	struct acpi_layout l;
	u32 xsdt, madt, hpet, at, overrides = 0, kinds = 0;

	(void)state;
	assert_int_equal(acpi_build(mem, SIZE, BASE, &m, &l), 0);
	xsdt = get32(BASE + l.rsdp + 24);
	expect_table(get32(BASE + l.rsdp + 16), "RSDT", 48);
	expect_table(xsdt, "XSDT", 60);
	madt = get32(xsdt + 44);
	hpet = get32(xsdt + 52);
	expect_table(madt, "APIC", get32(madt + 4));
	assert_int_equal(get32(madt + 36), 0xfee00000);
	assert_int_equal(get32(madt + 40), 1);
	for (at = 44; at < get32(madt + 4); at += mem[madt - BASE + at + 1]) {
		const u8 *e = &mem[madt - BASE + at];

		kinds |= BIT(e[0]);
		if (e[0] == 1)
			assert_int_equal(get32(madt + at + 4), 0xfec00000);
		if (e[0] != 2)
			continue;
		assert_int_equal(e[3], irqs[overrides]);
		assert_int_equal(e[4], pins[overrides]);
		assert_int_equal(e[8], overrides ? 0xd : 0);
		overrides++;
	}
	assert_int_equal(at, get32(madt + 4));
	assert_int_equal(kinds, BIT(0) | BIT(1) | BIT(2) | BIT(4));
	assert_int_equal(overrides, 5);
	expect_table(hpet, "HPET", 56);
	assert_int_equal(get32(hpet + 36), 0x8086a201);
	assert_int_equal(get32(hpet + 44), 0xfed00000);
	expect_table(get32(get32(xsdt + 36) + 40), "DSDT", l.dsdt_size);
}

static void test_too_small(void **state)
{
	const struct acpi_machine m = { .ram_size = MiB,
					.slots = pc_slots,
					.slot_count = pc_slot_count };
	struct acpi_layout l;
	u32 need;

	(void)state;
	build(&l, 64 * MiB);
	need = l.end;
	for (u32 size = 0; size < need; size += 37) {
		u8 *small = malloc(size + 1); /* ASan watches its end */

		assert_int_equal(acpi_build(small, size, BASE, &m, &l), E_NOMEM);
		free(small);
	}
	assert_int_equal(acpi_build(mem, need, BASE, &m, &l), 0);
}

static void expect_bytes(const struct aml *a, const u8 *want, u32 n)
{
	assert_false(a->overflow);
	assert_int_equal(a->len, n);
	assert_memory_equal(a->buf, want, n);
}

static void test_encoding(void **state)
{
	static const u8 path[] = { '\\', 0x2e, '_', 'S', 'B', '_', 'P', 'C', 'I', '0' };
	static const u8 multi[] = { '^', 0x2f, 3,   'A', '_', '_', '_', 'B',
				    '_', '_',  '_', 'C', '_', '_', '_' };
	static const u8 ints[] = { 0x00, 0x01, 0x0a, 2, 0x0a, 255, 0x0b, 0, 1, 0x0c, 0, 0, 1, 0 };
	static const u8 eisa[] = { 0x0c, 0x41, 0xd0, 0x0a, 0x03 };
	u8 buf[8192];
	struct aml a;

	(void)state;
	aml_init(&a, buf, sizeof(buf));
	aml_path(&a, "\\_SB.PCI0");
	expect_bytes(&a, path, sizeof(path));
	aml_init(&a, buf, sizeof(buf));
	aml_path(&a, "^A.B.C");
	expect_bytes(&a, multi, sizeof(multi));
	aml_init(&a, buf, sizeof(buf));
	static const u32 values[] = { 0, 1, 2, 255, 256, 65536 };
	for (unsigned i = 0; i < ARRAY_SIZE(values); i++)
		aml_integer(&a, values[i]);
	expect_bytes(&a, ints, sizeof(ints));
	aml_init(&a, buf, sizeof(buf));
	aml_eisaid(&a, "PNP0A03");
	expect_bytes(&a, eisa, sizeof(eisa));

	/* PkgLength counts itself: at 1, 2 and 3 bytes, on both sides of each limit. */
	static const struct {
		u32 contents;
		u8 lead[3];
		unsigned bytes;
	} t[] = { { 62, { 63 }, 1 },
		  { 63, { 0x41, 0x04 }, 2 },
		  { 4093, { 0x4f, 0xff }, 2 },
		  { 4094, { 0x81, 0x00, 0x01 }, 3 } };
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		aml_init(&a, buf, sizeof(buf));
		aml_begin_if(&a);
		for (u32 n = 0; n < t[i].contents; n++)
			aml_byte(&a, (u8)n);
		aml_end(&a);
		assert_int_equal(a.len, 1 + t[i].bytes + t[i].contents);
		assert_memory_equal(&buf[1], t[i].lead, t[i].bytes);
		for (u32 n = 0; n < t[i].contents; n++)
			assert_int_equal(buf[1 + t[i].bytes + n], (u8)n);
	}
}

static bool installed(const char *tool)
{
	char command[128];

	snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1", tool);
	return system(command) == 0;
}

static void write_file(const char *dir, const char *name, const void *data, size_t size)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
}

static void run(const char *dir, const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "cd %s && { %s; } >log 2>&1 || { cat log >&2; exit 1; }", dir,
		 command);
	assert_int_equal(system(line), 0);
}

/* Disassembled and compiled again without an error; the interpreter routes PIRQs through the links'
 * methods. */
static void test_acpica(void **state)
{
	struct acpi_layout l;
	char dir[] = "/tmp/rl-acpi-XXXXXX", clean[64];

	(void)state;
	if (!installed("iasl") || !installed("acpiexec"))
		skip();
	build(&l, 256 * MiB);
	assert_non_null(mkdtemp(dir));
	write_file(dir, "dsdt.dat", &mem[l.dsdt], l.dsdt_size);
	write_file(dir, "fadt.dat", &mem[l.fadt], 244);
	write_file(dir, "facs.dat", &mem[l.facs], 64);
	run(dir, "iasl -d dsdt.dat fadt.dat facs.dat");
	run(dir,
	    "iasl -ve -oa dsdt.dsl && grep -q '^Compilation successful. 0 Errors, 0 Warnings' log");
	run(dir, "grep -q 'Name (.*_S5' dsdt.dsl && grep -q 'Device (LNKD)' dsdt.dsl && grep -q "
		 "PNP0303 dsdt.dsl");
	run(dir,
	    "grep -q 'SCI Interrupt : 0009' fadt.dsl && ! grep -qi 'invalid\\|error' fadt.dsl");
	/* Route link B to IRQ 5: the template that _SRS takes has mask 0020h; _CRS must give the
	 * same back. */
	run(dir,
	    "acpiexec -b 'execute \\_SB.LNKB._SRS (23 20 00 18 79 00);execute \\_SB.LNKB._CRS;"
	    "execute \\_SB.LNKB._STA;execute \\_SB.LNKB._DIS;execute \\_SB.LNKB._STA' dsdt.dat "
	    ">out 2>&1 </dev/null;"
	    "grep -q '23 20 00 18 79' out && grep -q '0000000B' out && grep -q '00000009' out &&"
	    "! grep -q 'AE_\\|Exception' out");
	snprintf(clean, sizeof(clean), "rm -r %s", dir);
	assert_int_equal(system(clean), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),   cmocka_unit_test(test_too_small),
		cmocka_unit_test(test_apic),   cmocka_unit_test(test_encoding),
		cmocka_unit_test(test_acpica),
	};

	return cmocka_run_group_tests_name("guest_acpi", tests, NULL, NULL);
}
