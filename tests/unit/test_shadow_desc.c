/* SPDX-License-Identifier: MIT */
/*
 * Shadow descriptors: every descriptor type and DPL keeps the invariant of docs/isolation.md, and a
 * mirrored table follows the guest's writes. Alone: make build/unit/test_shadow_desc &&
 * build/unit/test_shadow_desc
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/base/alloc.h"
#include "vmm/shadow_desc.h"

/* All access bytes and flag nibbles: 16 x 256 descriptors. */
static void test_convert(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags < 16; flags++) {
		for (unsigned access = 0; access < 256; access++) {
			u64 d = 0x0000000012345678ull | (u64)access << 40 | (u64)flags << 52 |
				0x9a00000000000000ull;
			u64 s = shadow_desc_convert(d);
			unsigned dpl = access >> 5 & 3;
			bool segment = access & 0x10, present = access & 0x80;
			bool conforming = (access & 0x0c) == 0x0c;

			assert_true(shadow_desc_safe(&s, 1));
			if (!segment || conforming || (present && (dpl == 1 || dpl == 2))) {
				assert_int_equal(s, 0);
				continue;
			}
			assert_int_equal(s >> 45 & 3, dpl ? dpl : 1);
			assert_int_equal(s >> 47 & 1, present);
			assert_int_equal(s >> 53 & 1, 0);
			assert_int_equal(s >> 40 & 1, 1);
			assert_int_equal(s & 0xff5fffffffull, d & 0xff5fffffffull);
		}
	}
}

static void test_unsafe_is_seen(void **state)
{
	u64 code64 = 0x00af9b000000ffffull | 1ull << 45, call_gate = 0x0000ec0000080000ull,
	    ring0 = 0x00cf93000000ffffull;

	(void)state;
	assert_false(shadow_desc_safe(&code64, 1));
	assert_false(shadow_desc_safe(&call_gate, 1));
	assert_false(shadow_desc_safe(&ring0, 1));
}

static void test_mirror(void **state)
{
	struct cpu *cpu = calloc(1, sizeof(*cpu));
	struct gpmem *mem = calloc(1, sizeof(*mem));
	u8 **chunk = mem_alloc(sizeof(*chunk));
	u64 *gdt = calloc(8192, 8), *ldt = calloc(8192, 8),
	    *ram = aligned_alloc(PAGE_SIZE, GPMEM_CHUNK_SIZE);
	struct shadow_desc d;
	struct cpu_segment seg;
	u64 desc = 0x00cf93000000ffffull;

	(void)state;
	chunk[0] = (u8 *)ram;
	gpmem_init(mem);
	gpmem_add_ram(mem, 0, GPMEM_CHUNK_SIZE, chunk, false, "ram");
	cpu->mem = mem;
	cpu->a20_mask = ~0ull;
	cpu->gdtr = (struct cpu_table){ 0x1000, 0x1f };
	cpu->ldtr.attr = SEG_ATTR_UNUSABLE;
	for (int i = 8186; i < 8192; i++)
		gdt[i] = 0x5555;
	gpmem_write(mem, 0x1010, &desc, 8);
	shadow_desc_init(&d, cpu, gdt, ldt);
	assert_true(shadow_desc_sync(&d));
	assert_int_equal(gdt[2], desc | 1ull << 45 | 1ull << 40);
	shadow_desc_lookup(&d, 0x10, &seg);
	assert_int_equal(SEG_ATTR_DPL(seg.attr), 0);
	assert_int_equal(seg.limit, 0xffffffff);
	assert_true(shadow_desc_matches(&d, &seg));
	assert_false(shadow_desc_sync(&d));

	desc = 0x00cfb3000000ffffull; /* DPL 1 */
	gpmem_write(mem, 0x1010, &desc, 8);
	assert_true(shadow_desc_sync(&d));
	assert_int_equal(gdt[2], 0);
	assert_int_equal(d.ring12, 1);
	assert_false(shadow_desc_matches(&d, &seg));

	cpu->gdtr.limit = 0xffff; /* the whole table: the monitor's entries stay */
	shadow_desc_invalidate(&d);
	shadow_desc_sync(&d);
	for (int i = 8186; i < 8192; i++)
		assert_int_equal(gdt[i], 0x5555);
	assert_true(shadow_desc_safe(gdt, 8186));
	shadow_desc_destroy(&d);
	gpmem_destroy(mem);
	free(ram);
	free(gdt);
	free(ldt);
	free(mem);
	free(cpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_convert),
		cmocka_unit_test(test_unsafe_is_seen),
		cmocka_unit_test(test_mirror),
	};

	return cmocka_run_group_tests_name("shadow_desc", tests, NULL, NULL);
}
