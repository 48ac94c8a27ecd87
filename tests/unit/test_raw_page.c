/* SPDX-License-Identifier: MIT */
/*
 * Pages for raw ring 1: a page's status depends on the bytes of its neighbours in linear space, and
 * is lost when these are written. Alone: make build/unit/test_raw_page && build/unit/test_raw_page
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/base/alloc.h"
#include "vmm/code/raw_page.h"

#define DIRECTORY 0x10000u
#define TABLE	  0x11000u
#define CODE	  0x400000u /* linear; the page behind it is its neighbour */

static struct {
	struct cpu cpu;
	struct gpmem mem;
	struct shadow *shadow;
	struct raw_pages raw;
	u8 *ram;
	u64 monitor[256];
} m;

static void *page_new(void *ctx)
{
	(void)ctx;
	return memset(aligned_alloc(PAGE_SIZE, PAGE_SIZE), 0, PAGE_SIZE);
}

static void page_end(void *ctx, void *page)
{
	(void)ctx;
	free(page);
}

static hpa_t address(void *ctx, const void *hva)
{
	(void)ctx;
	return (hpa_t)hva;
}

static void flush_page(void *ctx, u64 linear)
{
	(void)ctx;
	(void)linear;
}

static void flush_all(void *ctx)
{
	(void)ctx;
}

static void killed(void *ctx, const char *why)
{
	(void)ctx;
	fail_msg("%s", why);
}

static void put(gpa_t gpa, u32 value)
{
	gpmem_write(&m.mem, gpa, &value, 4);
}

/* RET after RET in both pages, but for RDTSC, which traps, on their border. */
static void begin(gpa_t code, gpa_t neighbour)
{
	const struct shadow_host host = { .page_alloc = page_new,
					  .page_free = page_end,
					  .hpa = address,
					  .tlb_flush_page = flush_page,
					  .tlb_flush_all = flush_all,
					  .monitor_pml4 = m.monitor,
					  .have_nx = true,
					  .quota = 1000,
					  .kill = killed };
	u8 **chunk = mem_alloc(sizeof(*chunk));
	static u8 ret[PAGE_SIZE];

	memset(&m, 0, sizeof(m));
	memset(ret, 0xc3, sizeof(ret));
	chunk[0] = m.ram = aligned_alloc(PAGE_SIZE, GPMEM_CHUNK_SIZE);
	gpmem_init(&m.mem);
	gpmem_add_ram(&m.mem, 0, GPMEM_CHUNK_SIZE, chunk, false, "ram");
	m.cpu.mem = &m.mem;
	m.cpu.a20_mask = ~0ull;
	m.cpu.cr0 = CR0_PE | CR0_PG;
	m.cpu.cr3 = DIRECTORY;
	gpmem_write(&m.mem, code, ret, PAGE_SIZE);
	gpmem_write(&m.mem, neighbour, ret, PAGE_SIZE);
	gpmem_write(&m.mem, code + PAGE_SIZE - 1, "\x0f", 1);
	gpmem_write(&m.mem, neighbour, "\x31", 1);
	put(DIRECTORY + (CODE >> 22) * 4, TABLE | 3);
	put(TABLE, (u32)code | 3);
	put(TABLE + 4, (u32)neighbour | 3);
	m.shadow = shadow_create(&m.cpu, &host);
	assert_non_null(m.shadow);
	assert_int_equal(raw_pages_init(&m.raw, &m.mem, m.shadow, GPMEM_CHUNK_SIZE, true), 0);
}

static void end(void)
{
	raw_pages_destroy(&m.raw);
	shadow_destroy(m.shadow);
	gpmem_destroy(&m.mem);
	free(m.ram);
}

/* Asks until the page has a status. */
static bool clean(void)
{
	for (int asked = 0; asked < 40; asked++)
		if (raw_page_clean(&m.raw, &m.cpu, CODE))
			return true;
		else if (raw_page_dirty(&m.raw, &m.cpu, CODE))
			return false;
	fail_msg("looked at without an end");
	return false;
}

/* The neighbour's byte makes CPUID of it, which does not. Page 0 is a page like others, on
 * either side. */
static void test_neighbour_is_written(void **state)
{
	static const gpa_t pages[][2] = { { 0x5000, 0x9000 }, { 0, 0x9000 }, { 0x5000, 0 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
		begin(pages[i][0], pages[i][1]);
		assert_true(clean());
		assert_true(shadow_is_clean(m.shadow, pages[i][0]));
		gpmem_write(&m.mem, pages[i][1], "\xa2", 1);
		assert_false(shadow_is_clean(m.shadow, pages[i][0]));
		assert_false(clean());
		end();
	}
}

/*
 * Each page of the three is written while the page is looked at, after so many questions. What was
 * found of the old bytes does not count; and a byte that is itself again counts from then on.
 */
static void test_written_meanwhile(void **state)
{
	static const struct {
		gpa_t gpa;
		u8 value, before;
	} writes[] = { { 0x5000, 0x9d, 0xc3 }, { 0x5fff, 0x9d, 0x0f }, { 0x9000, 0xa2, 0x31 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(writes); i++) {
		for (int asked = 1; asked < 16; asked++) {
			for (int again = 0; again < 2; again++) {
				begin(0x5000, 0x9000);
				for (int n = 0; n < asked; n++)
					assert_false(raw_page_clean(&m.raw, &m.cpu, CODE));
				assert_true(raw_page_under_way(&m.raw, CODE));
				gpmem_write(&m.mem, writes[i].gpa, &writes[i].value, 1);
				if (again)
					gpmem_write(&m.mem, writes[i].gpa, &writes[i].before, 1);
				assert_int_equal(clean(), again);
				assert_int_equal(shadow_is_clean(m.shadow, 0x5000), again);
				gpmem_write(&m.mem, writes[i].gpa, &writes[i].value, 1);
				assert_false(shadow_is_clean(m.shadow, 0x5000));
				assert_false(clean());
				end();
			}
		}
	}
}

/* A page that is written each time that it is looked at is given up. */
static void test_given_up(void **state)
{
	u64 analysed;

	(void)state;
	begin(0x5000, 0x9000);
	for (u32 i = 0; !raw_page_dirty(&m.raw, &m.cpu, CODE); i++) {
		assert_true(i < 4000);
		assert_false(raw_page_clean(&m.raw, &m.cpu, CODE));
		gpmem_write(&m.mem, 0x5800, &i, sizeof(i));
	}
	analysed = m.raw.analysed;
	assert_false(clean());
	assert_int_equal(m.raw.analysed, analysed);
	assert_false(raw_page_under_way(&m.raw, CODE));
	raw_pages_reset(&m.raw, 0, m.raw.pages);
	assert_true(clean());
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_neighbour_is_written),
		cmocka_unit_test(test_written_meanwhile),
		cmocka_unit_test(test_given_up),
	};

	return cmocka_run_group_tests_name("raw_page", tests, NULL, NULL);
}
