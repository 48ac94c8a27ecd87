/* SPDX-License-Identifier: MIT */
/*
 * Counters on a page that is watched for its descriptors (GPMEM_WATCH_DESC): the watcher hears of
 * each write, with its place, and the instruction that writes often does so without a fault.
 */
#include "tests/unit/guest_fixture.h"

#define AT_COUNTER (AT_DATA + 0xa4)
#define ROUNDS	   1000u

static struct {
	unsigned writes, elsewhere;
	bool ends; /* the watch, at the next write */
} heard;

static void written(void *ctx, gpa_t gpa, u32 len)
{
	(void)ctx;
	heard.writes++;
	heard.elsewhere += gpa != AT_COUNTER || len != 4;
	if (heard.ends)
		gpmem_unwatch(m.cpu.mem, gpa, GPMEM_WATCH_DESC);
}

static void run_counter(u32 rounds)
{
	CODE(AT_CODE, 0xff, 0x05, IMM32(AT_COUNTER), /* L: inc dword [AT_COUNTER] */
	     0x89, 0x0d, IMM32(AT_COUNTER + 4),	     /* mov [AT_COUNTER + 4], ecx */
	     0x49, 0x75, 0xf1, HLT);		     /* dec ecx; jnz L */
	m.cpu.eip = AT_CODE;
	m.cpu.gpr[REG_ECX] = rounds;
	assert_int_equal(guest_run(), HALTED);
}

static void watch(void)
{
	heard.writes = heard.elsewhere = 0;
	heard.ends = false;
	gpmem_set_watcher(m.cpu.mem, GPMEM_WATCH_DESC, written, NULL);
	gpmem_watch(m.cpu.mem, AT_DATA, GPMEM_WATCH_DESC);
}

static void test_each_write_is_heard(void **state)
{
	u64 faults;

	(void)state;
	watch();
	run_counter(ROUNDS);
	faults = m.faults;
	run_counter(ROUNDS);
	assert_in_range(m.faults - faults, 0, 4);
	assert_int_equal(get(AT_COUNTER, 4), 2 * ROUNDS);
	assert_int_equal(get(AT_COUNTER + 4, 4), 1);
	assert_int_equal(heard.writes, 4 * ROUNDS);
	assert_int_equal(heard.elsewhere, 2 * ROUNDS);
}

/* The watch ends within a write: the rest are plain, and nobody hears of them. */
static void test_watch_ends(void **state)
{
	(void)state;
	watch();
	run_counter(ROUNDS);
	heard.ends = true;
	run_counter(ROUNDS);
	assert_int_equal(get(AT_COUNTER, 4), 2 * ROUNDS);
	assert_int_equal(heard.writes, 2 * ROUNDS + 1);
}

/* A data breakpoint on the page: the #DB comes behind the write. */
static void test_breakpoint(void **state)
{
	(void)state;
	watch();
	run_counter(ROUNDS);
	m.cpu.dr[0] = AT_COUNTER;
	m.cpu.dr[7] = 0xd0401; /* writes, 4 bytes */
	cpu_debug_changed(&m.cpu);
	m.cpu.eip = AT_CODE;
	m.cpu.gpr[REG_ECX] = 1;
	assert_int_equal(guest_run(), VEC_DB);
	assert_int_equal(m.cpu.dr[6] & 15, 1);
	assert_int_equal(get(AT_COUNTER, 4), ROUNDS + 1);
}

/* The page goes: the fault comes, and nothing is written. */
static void test_page_goes(void **state)
{
	(void)state;
	guest_paging();
	watch();
	run_counter(ROUNDS);
	set_page(AT_DATA, 0);
	cpu_translations_changed(&m.cpu, PAGING_INVLPG, AT_DATA);
	m.cpu.eip = AT_CODE;
	assert_int_equal(guest_run(), VEC_PF);
	assert_int_equal(m.cpu.cr2, AT_COUNTER);
	assert_int_equal(heard.writes, 2 * ROUNDS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		GUEST_TEST(test_each_write_is_heard),
		GUEST_TEST(test_watch_ends),
		GUEST_TEST(test_breakpoint),
		GUEST_TEST(test_page_goes),
	};

	return cmocka_run_group_tests(tests, guest_create, guest_destroy);
}
