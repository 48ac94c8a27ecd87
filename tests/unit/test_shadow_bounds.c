/* SPDX-License-Identifier: MIT */
/*
 * Shadow paging where a guest asks for much: directed cases beside the random ones of
 * test_shadow.c, on the same model of the processor (shadow_fixture.h).
 *
 * Alone: make build/unit/test_shadow_bounds && build/unit/test_shadow_bounds
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/shadow_fixture.h"

#define DIRECTORY   0x10000u /* and the pages behind it are tables */
#define DIRECTORY_2 0x11000u
#define TABLE	    0x12000u
#define DATA	    0x20000u
#define PRESENT	    3ull /* and writable */
#define ACCESSED    0x20ull
#define LIST_MAX    8192u /* vmm/mmu/shadow_internal.h: leaves of one page */
#define A20_OFF	    (~(u64)BIT(20))

static struct {
	struct cpu cpu;
	struct gpmem mem;
	struct hardware hw;
	struct shadow_host host;
	struct shadow *shadow;
	unsigned kills;
} m;

static u64 rnd(void)
{
	static u64 state = 4711;

	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return state >> 33;
}

static void count_kill(void *ctx, const char *why)
{
	(void)ctx;
	(void)why;
	m.kills++;
}

static void paging_changed(struct cpu *cpu, unsigned what)
{
	(void)cpu;
	(void)what;
	shadow_paging_changed(m.shadow);
	hw_load_cr3(&m.hw, shadow_root(m.shadow, VIEW_KERNEL), false);
	shadow_flush_stale(m.shadow);
}

static void control_changed(struct cpu *cpu)
{
	(void)cpu;
}

static const struct cpu_env env = { .paging_changed = paging_changed,
				    .control_changed = control_changed };

static void begin_with(unsigned quota, void (*kill)(void *, const char *))
{
	memset(&m, 0, sizeof(m));
	hw_create(&m.hw, &m.mem, rnd);
	m.hw.quota = quota;
	m.cpu.mem = &m.mem;
	m.cpu.env = &env;
	m.cpu.a20_mask = ~0ull;
	m.cpu.cr0 = CR0_PE;
	m.host = (struct shadow_host){ .page_alloc = hw_page_alloc,
				       .page_free = hw_page_free,
				       .hpa = hw_hpa,
				       .tlb_flush_page = hw_flush_page,
				       .tlb_flush_all = hw_flush_all,
				       .monitor_pml4 = m.hw.monitor,
				       .have_nx = true,
				       .quota = quota,
				       .kill = kill,
				       .ctx = &m.hw };
	m.shadow = shadow_create(&m.cpu, &m.host);
	assert_non_null(m.shadow);
}

static void begin(unsigned quota)
{
	begin_with(quota, hw_kill);
}

static void end(void)
{
	shadow_destroy(m.shadow);
	assert_int_equal(m.hw.live, 0);
	assert_null(m.hw.broken);
	hw_destroy(&m.hw, &m.mem);
}

static void put(gpa_t gpa, u64 entry)
{
	u32 e = (u32)entry;

	gpmem_write(&m.mem, gpa, &e, 4);
}

static u32 get(gpa_t gpa)
{
	u32 e;

	gpmem_read(&m.mem, gpa, &e, 4);
	return e;
}

static void paging_on(void)
{
	m.cpu.cr3 = DIRECTORY;
	assert_int_equal(cpu_write_cr(&m.cpu, 0, CR0_PE | CR0_PG | CR0_WP), CPU_JUMP);
}

/* One read by the guest; where in its memory it led. */
static gpa_t touch(gla_t gla)
{
	struct translation t;

	for (unsigned tries = 0; !hw_access(&m.hw, gla, ACCESS_READ, &t); tries++) {
		assert_null(m.hw.broken);
		assert_true(tries < 2);
		assert_int_equal(shadow_fault(m.shadow, gla, ACCESS_READ), ENV_PF_RESUME);
	}
	return hw_gpa(t.hpa) + (gla & (PAGE_SIZE - 1));
}

/* How many leaves of the present address space lead to this page. */
static unsigned leaves_of(gpa_t page)
{
	unsigned n = 0;

	for (u32 region = 0; region < 2048; region++) {
		const u64 *pd = hw_pd(&m.hw, region >> 9);

		for (u32 i = 0; pd[region & 511] && i < 512; i++) {
			struct translation t =
				hw_leaf(&m.hw, pd[region & 511], region << 21 | i << PAGE_SHIFT);

			n += t.present && hw_gpa(t.hpa) == page;
		}
	}
	return n;
}

/*
 * 70 entries of the new directory were never accessed, and the old address space uses them all:
 * accessed bits that the monitor sets ahead are none of the guest's writes, by which a directory
 * that is not in use would be given up.
 */
static void test_marks_are_not_writes(void **state)
{
	(void)state;
	begin(POOL_PAGES - 1);
	for (u32 i = 0; i < 1024; i++)
		put(TABLE + i * 4, DATA | PRESENT | ACCESSED);
	for (u32 i = 0; i < 70; i++) {
		put(DIRECTORY + i * 4, TABLE | PRESENT);
		put(DIRECTORY_2 + i * 4, TABLE | PRESENT);
	}
	paging_on();
	for (u32 i = 0; i < 70; i++)
		touch(i << 22);
	cpu_write_cr(&m.cpu, 3, DIRECTORY_2);
	for (u32 i = 0; i < 70; i++) {
		assert_int_equal(touch(i << 22), DATA);
		assert_true(get(DIRECTORY_2 + i * 4) & ACCESSED);
	}
	assert_int_equal(shadow_stats(m.shadow)->roots_created, 2);
	assert_int_equal(shadow_stats(m.shadow)->tracked_writes, 0);
	end();
}

/* One page mapped 65,536 times: what has to be done for all its leaves at once stays bounded, and
 * each access gets through. */
static void test_one_page_in_many_places(void **state)
{
	(void)state;
	begin(POOL_PAGES - 1);
	for (u32 i = 0; i < 1024; i++)
		put(TABLE + i * 4, DATA | PRESENT | ACCESSED);
	for (u32 n = 0; n < 64; n++) {
		gpmem_write(&m.mem, DATA + PAGE_SIZE + n * PAGE_SIZE,
			    gpmem_ptr(&m.mem, TABLE, false), PAGE_SIZE);
		put(DIRECTORY + n * 4, (DATA + PAGE_SIZE + n * PAGE_SIZE) | PRESENT);
	}
	paging_on();
	for (u32 i = 0; i < 64 * 1024; i++) {
		assert_int_equal(touch(i << PAGE_SHIFT), DATA);
		if (i % 4096 == 0)
			assert_in_range(leaves_of(DATA), 1, LIST_MAX);
	}
	gpmem_watch(&m.mem, DATA, GPMEM_WATCH_CODE);
	put(DIRECTORY, 0);
	cpu_write_cr(&m.cpu, 3, DIRECTORY);
	assert_int_equal(shadow_fault(m.shadow, 0, ACCESS_READ), ENV_PF_FAULT);
	end();
}

/* Each of 600 directories with a table of its own: more than the quota holds, and nobody ends. */
static void test_quota(void **state)
{
	(void)state;
	begin(48);
	for (u32 n = 0; n < 600; n++) {
		gpa_t directory = 0x100000 + n * 2 * PAGE_SIZE;

		put(directory, (directory + PAGE_SIZE) | PRESENT);
		put(directory + PAGE_SIZE, (DATA + (n % 16) * PAGE_SIZE) | PRESENT);
	}
	m.cpu.cr3 = 0x100000;
	cpu_write_cr(&m.cpu, 0, CR0_PE | CR0_PG | CR0_WP);
	for (u32 n = 0; n < 600; n++) {
		cpu_write_cr(&m.cpu, 3, 0x100000 + n * 2 * PAGE_SIZE);
		assert_int_equal(touch(0), DATA + (n % 16) * PAGE_SIZE);
	}
	assert_true(shadow_stats(m.shadow)->evictions > 10);
	end();
}

/* Not even one address space: the VM is told to end, and nothing is mapped. */
static void test_no_quota(void **state)
{
	struct translation t;

	(void)state;
	begin_with(6, count_kill); /* two at the top; a root takes five */
	hw_load_cr3(&m.hw, shadow_root(m.shadow, VIEW_KERNEL), true);
	assert_int_equal(m.kills, 1);
	assert_int_equal(shadow_fault(m.shadow, 0, ACCESS_READ), ENV_PF_SLOW);
	assert_int_equal(m.kills, 2);
	m.hw.broken = NULL;
	assert_false(hw_access(&m.hw, 0, ACCESS_READ, &t));
	m.hw.broken = NULL; /* an empty PDPT leads to no table */
	end();
}

/* The view of CPL 3 never holds what CPL 3 may not touch, whoever asks. */
static void test_user_view(void **state)
{
	struct translation t;

	(void)state;
	begin_with(POOL_PAGES - 1, count_kill);
	put(DIRECTORY, TABLE | PRESENT | 4);
	put(TABLE, DATA | PRESENT);
	put(TABLE + 4, DATA | PRESENT | 4);
	paging_on();
	shadow_root(m.shadow, VIEW_USER);
	assert_int_equal(shadow_fault(m.shadow, 0, ACCESS_USER), ENV_PF_FAULT);
	assert_int_equal(shadow_fault(m.shadow, 0x1000, ACCESS_USER), ENV_PF_RESUME);
	assert_int_equal(m.kills, 0);
	assert_int_equal(shadow_fault(m.shadow, 0, ACCESS_READ), ENV_PF_SLOW);
	assert_int_equal(m.kills, 1);
	assert_false(hw_access(&m.hw, 0, ACCESS_READ, &t));
	assert_int_equal(shadow_fault(m.shadow, 0x1000, ACCESS_READ), ENV_PF_SLOW);
	assert_int_equal(m.kills, 2);
	end();
}

/* What looks at the pages of CPL 3 sees a difference: the guest's table changes where nobody is
 * told of it. */
static void test_user_wrong(void **state)
{
	gla_t gla = 0;
	u32 *table;

	(void)state;
	begin(POOL_PAGES - 1);
	put(DIRECTORY, TABLE | PRESENT | 4);
	put(TABLE, DATA | PRESENT);
	put(TABLE + 4, DATA | PRESENT | 4);
	paging_on();
	table = gpmem_ptr(&m.mem, TABLE, true);
	for (unsigned view = 0; view < VIEW_COUNT; view++) {
		shadow_root(m.shadow, view);
		assert_int_equal(shadow_fault(m.shadow, 0x1000, ACCESS_USER | ACCESS_WRITE),
				 ENV_PF_RESUME);
		if (view == VIEW_KERNEL)
			touch(0); /* a supervisor's, which is right */
		assert_null(shadow_user_wrong(m.shadow, &gla));
		table[1] ^= 4; /* a supervisor's page, too, */
		assert_non_null(shadow_user_wrong(m.shadow, &gla));
		assert_int_equal(gla, 0x1000);
		table[1] ^= 4 | 2; /* or one that is read only, */
		assert_non_null(shadow_user_wrong(m.shadow, &gla));
		table[1] ^= 2 | PAGE_SIZE; /* or another */
		assert_non_null(shadow_user_wrong(m.shadow, &gla));
		table[1] ^= PAGE_SIZE;
		assert_null(shadow_user_wrong(m.shadow, &gla));
	}
	end();
}

/* With A20 off the processor reads directory, table and page elsewhere than the entries say, and
 * that is where writes change the mapping. */
static void test_a20_off(void **state)
{
	(void)state;
	begin(POOL_PAGES - 1);
	m.cpu.a20_mask = A20_OFF;
	put(DIRECTORY, TABLE | BIT(20) | PRESENT);
	put(TABLE, DATA | BIT(20) | PRESENT);
	m.cpu.cr3 = DIRECTORY | BIT(20);
	cpu_write_cr(&m.cpu, 0, CR0_PE | CR0_PG | CR0_WP);
	assert_int_equal(touch(0), DATA);
	put(TABLE, (DATA + PAGE_SIZE) | BIT(20) | PRESENT);
	shadow_invlpg(m.shadow, 0);
	assert_int_equal(touch(0), DATA + PAGE_SIZE);
	put(DIRECTORY, 0);
	shadow_invlpg(m.shadow, 0);
	assert_int_equal(shadow_fault(m.shadow, 0, ACCESS_READ), ENV_PF_FAULT);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marks_are_not_writes),
		cmocka_unit_test(test_one_page_in_many_places),
		cmocka_unit_test(test_quota),
		cmocka_unit_test(test_no_quota),
		cmocka_unit_test(test_user_view),
		cmocka_unit_test(test_user_wrong),
		cmocka_unit_test(test_a20_off),
	};

	return cmocka_run_group_tests_name("shadow bounds", tests, NULL, NULL);
}
