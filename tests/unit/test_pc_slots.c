/* SPDX-License-Identifier: MIT */
/*
 * The table of the PC's devices: what each row promises to the port bus, to saved streams and to
 * the guest's DSDT; and the table in docs/devices.md, which is made from it. Alone:
 * make build/unit/test_pc_slots && build/unit/test_pc_slots; after a change of the table,
 * build/unit/test_pc_slots write puts the new text into docs/devices.md.
 */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "emu/board/guest_acpi.h"
#include "emu/board/pc_slots.h"
#include "emu/snap/snap.h"

#define DOC "docs/devices.md"
#define BEGIN \
	"<!-- made by tests/unit/test_pc_slots.c from the devices' classes and their slots -->\n"
#define END "<!-- end of what is made -->\n"

#define TABLE_END (pc_slots + pc_slot_count)

static void test_rows(void **state)
{
	u16 pci = 0;

	(void)state;
	for (const struct device_slot *s = pc_slots; s < TABLE_END; s++) {
		const struct device_class *c = s->class;

		assert_non_null(c->init);
		assert_in_range(strlen(s->name), 1, SNAP_NAME);
		assert_true(!c->state || c->version);
		assert_in_range(c->unsaved.at + c->unsaved.size, 0, c->size);
		assert_true(__builtin_popcount(s->irqs) <= DEVICE_IRQS);
		assert_true(__builtin_popcount(s->dma) <= 1);
		for (unsigned i = 0; i < DEVICE_RANGES; i++) /* who answers has a range */
			assert_true(!c->ports[i] || s->ports[i].count);
		for (const struct device_slot *t = pc_slots; t < s; t++) {
			assert_string_not_equal(s->name, t->name);
			assert_false(s->class == t->class && s->unit == t->unit);
			assert_false(s->pci && s->pci == t->pci);
		}
		pci |= s->pci;
	}
	assert_true(pci);
}

/* The bus agrees that no two devices claim one port. */
static void test_ports(void **state)
{
	static const struct bus_ports nobody = { .read = NULL };
	static struct bus bus;

	(void)state;
	bus_init(&bus);
	for (const struct device_slot *s = pc_slots; s < TABLE_END; s++)
		for (unsigned i = 0; i < DEVICE_RANGES; i++)
			if (s->ports[i].count)
				assert_int_equal(bus_claim(&bus, s->ports[i].first,
							   s->ports[i].count, &nobody, NULL, "x"),
						 0);
}

/* --- The DSDT */

static u8 dsdt[0x10000];
static u32 dsdt_size;

static bool contains(const void *bytes, size_t n)
{
	return memmem(dsdt, dsdt_size, bytes, n) != NULL;
}

static bool names_object(const char *name)
{
	char padded[5] = "____";

	memcpy(padded, name, strlen(name));
	return contains(padded, 4);
}

static bool lists_ports(const struct device_ports *p)
{
	u8 lo = (u8)p->first, hi = (u8)(p->first >> 8);
	const u8 io[] = { 0x47, 0x01, lo, hi, lo, hi, 0x01, (u8)p->count }; /* ACPI 3.0, 6.4.2.5 */

	return contains(io, sizeof(io));
}

static void build(const struct device_slot *slots, unsigned count, u32 options)
{
	const struct acpi_machine m = {
		.ram_size = 64 * MiB, .slots = slots, .slot_count = count, .options = options
	};

	dsdt_size = acpi_dsdt_body(dsdt, sizeof(dsdt), &m);
	assert_true(dsdt_size > 0);
}

static void test_acpi(void **state)
{
	(void)state;
	build(pc_slots, pc_slot_count, ~0u);
	for (const struct device_slot *s = pc_slots; s < TABLE_END; s++)
		for (const struct device_acpi *e = s->acpi; e < s->acpi + DEVICE_ACPI; e++) {
			bool all = !e->ranges && !e->irqs && !e->dmas;

			if (!e->name)
				continue;
			assert_true(!e->hid || names_object(e->name));
			for (unsigned i = 0; i < DEVICE_RANGES; i++)
				if (s->ports[i].count && (all || (e->ranges & BIT(i))))
					assert_true(lists_ports(&s->ports[i]));
		}
	/* A row that is not there is not described; one that is new is. */
	const struct device_slot lpt = {
		.ports = { { 0x378, 8 } },
		.irqs = BIT(7),
		.dma = BIT(3),
		.acpi = { { .name = "LPT1", .hid = "PNP0401" } },
	};
	const u8 irq[] = { 0x22, 0x80, 0x00 }, dma[] = { 0x2a, 0x08 };

	assert_false(names_object("LPT1"));
	build(&lpt, 1, 0);
	assert_true(names_object("LPT1"));
	assert_true(lists_ports(&lpt.ports[0]));
	assert_true(contains(irq, sizeof(irq)));
	assert_true(contains(dma, sizeof(dma)));
	assert_false(names_object("COM1"));
}

/* What only some boards have. Its interrupt is one that PIRQs are not led to there. */
static void test_acpi_options(void **state)
{
	static const u8 with[] = { 0x23, 0x00, 0x0e, 0x18 }; /* ACPI 3.0, 6.4.2.1 */
	static const u8 without[] = { 0x23, 0x20, 0x0e, 0x18 };

	(void)state;
	build(pc_slots, pc_slot_count, 0);
	assert_false(names_object("NIC0"));
	assert_true(contains(without, sizeof(without)));
	assert_false(contains(with, sizeof(with)));
	build(pc_slots, pc_slot_count, PC_OPTION_NE2000_ISA);
	assert_true(names_object("NIC0"));
	assert_true(contains(with, sizeof(with)));
	assert_false(contains(without, sizeof(without)));
}

/* --- The text */

static void print_where(FILE *out, const struct device_class *c)
{
	const char *between = "";
	char where[80];

	for (const struct device_slot *s = pc_slots; s < TABLE_END; s++) {
		if (s->class != c)
			continue;
		assert_true(device_print_resources(s, where, sizeof(where)) < (int)sizeof(where));
		fprintf(out, "%s%s", between, where);
		between = "; ";
	}
}

static bool is_first(const struct device_slot *s)
{
	for (const struct device_slot *t = pc_slots; t < s; t++)
		if (t->class == s->class)
			return false;
	return true;
}

/* One line for each class, in the table's order. */
static char *make_text(void)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "%s| device | file | where | implemented | not implemented |\n", BEGIN);
	fprintf(out, "|---|---|---|---|---|\n");
	for (const struct device_slot *s = pc_slots; s < TABLE_END; s++) {
		const struct device_class *c = s->class;

		if (!is_first(s))
			continue;
		assert_non_null(c->title);
		assert_non_null(c->file);
		assert_non_null(c->has);
		fprintf(out, "| %s | %s | ", c->title, c->file);
		print_where(out, c);
		fprintf(out, " | %s | %s |\n", c->has, c->lacks ? c->lacks : "");
	}
	fputs(END, out);
	fclose(out);
	return text;
}

static char *read_doc(void)
{
	FILE *f = fopen(DOC, "r");
	char *text = NULL;
	size_t size = 0;

	if (!f || getdelim(&text, &size, 0, f) < 0)
		fail_msg("%s cannot be read: run this where the tree is", DOC);
	fclose(f);
	return text;
}

static void test_docs(void **state)
{
	char *doc = read_doc(), *text = make_text();

	(void)state;
	if (!strstr(doc, text))
		fail_msg("the table in %s is old: build/unit/test_pc_slots write", DOC);
	free(doc);
	free(text);
}

/* The files that the classes name are there. */
static void test_files(void **state)
{
	(void)state;
	for (const struct device_slot *s = pc_slots; s < TABLE_END; s++) {
		char list[100], path[120], *name, *rest = list;

		snprintf(list, sizeof(list), "%s", s->class->file);
		while ((name = strsep(&rest, ", ")))
			if (*name) {
				snprintf(path, sizeof(path), "emu/chip/%s", name);
				if (access(path, R_OK))
					fail_msg("%s: no file %s", s->name, path);
			}
	}
}

static int write_doc(void)
{
	char *doc = read_doc(), *text = make_text();
	char *from = strstr(doc, BEGIN), *to = strstr(doc, END);
	FILE *f;

	if (!from || !to || !(f = fopen(DOC, "w")))
		return 1;
	fprintf(f, "%.*s%s%s", (int)(from - doc), doc, text, to + strlen(END));
	free(doc);
	free(text);
	return fclose(f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows), cmocka_unit_test(test_ports),
		cmocka_unit_test(test_acpi), cmocka_unit_test(test_acpi_options),
		cmocka_unit_test(test_docs), cmocka_unit_test(test_files),
	};

	if (argc > 1 && !strcmp(argv[1], "write"))
		return write_doc();
	return cmocka_run_group_tests_name("pc_slots", tests, NULL, NULL);
}
