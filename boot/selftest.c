/* SPDX-License-Identifier: MIT */
/*
 * Deliberate mistakes, so that tests can see what becomes of them (tests/boot/test_base.py).
 */
#include "boot/selftest.h"
#include "boot/selftest_rings.h"

#include "arch/cpu/processor.h"
#include "arch/mem/image.h"
#include "arch/time/timer.h"
#include "arch/cpu/try.h"
#include "arch/trap/trap.h"
#include "arch/mem/kmap.h"
#include "kernel/base/alloc.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/time/clock.h"
#include "kernel/lib/cmdline.h"
#include "kernel/console/console.h"
#include "kernel/mem/page.h"

#define NOINLINE __attribute__((noinline, noclone))

static NOINLINE void selftest_inner(void)
{
	panic("selftest: a panic was asked for");
}

static NOINLINE void selftest_outer(void)
{
	selftest_inner();
	__asm__ volatile("" ::: "memory"); /* no tail call */
}

static void do_panic(void)
{
	selftest_outer();
	__asm__ volatile("" ::: "memory");
}

static void do_null(void)
{
	volatile u32 *p = NULL;

	__asm__ volatile("" : "+r"(p));
	*p = 1;
}

static void do_write_text(void)
{
	volatile char *p = (volatile char *)(hva_t)image_text_start;

	*p = 0;
}

static void do_execute_data(void)
{
	static u8 code[] = { 0xc3 };
	void (*f)(void) = (void (*)(void))(hva_t)code;

	f();
	__asm__ volatile("" ::: "memory"); /* no tail call */
}

static NOINLINE unsigned recurse(unsigned n)
{
	volatile u8 room[512];

	room[n & 511] = (u8)n;
	return n == UINT32_MAX ? 0 : recurse(n + 1) + room[n & 511];
}

static void do_stack(void)
{
	recurse(0);
}

/* A trap with nowhere to push its frame. */
static void do_double_fault(void)
{
	__asm__ volatile("mov $0x1000, %%rsp; ud2" ::: "memory");
}

static void do_hang(void)
{
	console_print("selftest hang: now\n");
	irq_disable();
	for (;;)
		cpu_relax();
}

static void do_ud(void)
{
	__asm__ volatile("ud2");
}

/* Those that a call passes arguments in, and some that it keeps, have values to be found again. */
static void do_assert(void)
{
	u64 sum = 1 + 1;

	__asm__ volatile("mov $0xa1, %%ecx; mov $0xa2, %%edx; mov $0xa3, %%esi; mov $0xa4, %%edi;"
			 "mov $0xa8, %%r8d; mov $0xa9, %%r9d; mov $0xaf, %%r15d"
			 : "+a"(sum)::"rcx", "rdx", "rsi", "rdi", "r8", "r9", "r15");
	ASSERT(sum == 3);
}

static void do_msr(void)
{
	u64 v = 0;
	int bad = rdmsr_safe(0x5a5a5a5a, &v), good = rdmsr_safe(MSR_EFER, &v);

	console_print("selftest msr: unknown %d, EFER %d %llx\n", bad, good, (unsigned long long)v);
}

static volatile bool rang;

static void on_timer(void)
{
	rang = true;
}

static void do_timer(void)
{
	static const u64 wait_ms[] = { 1, 20, 200 };

	timer_set_handler(on_timer);
	for (unsigned i = 0; i < ARRAY_SIZE(wait_ms); i++) {
		u64 begin = clock_now(), late;

		rang = false;
		timer_arm(begin + wait_ms[i] * 1000000);
		while (!rang)
			irq_wait();
		late = clock_now() - begin - wait_ms[i] * 1000000;
		console_print("selftest timer: %llu ms, late by %llu us\n",
			      (unsigned long long)wait_ms[i], (unsigned long long)(late / 1000));
	}
	timer_set_handler(NULL);
}

/* Sizes around every border of the heap, code mappings, and everything given back. */
static void do_memory(void)
{
	static const size_t sizes[] = {
		1, 16, 17, 64, 65, 1984, 1985, 4096, 65536, 3000000, 9000000
	};
	void *p[ARRAY_SIZE(sizes)];
	u64 before = page_free_bytes(), bad = 0;
	u8 *rw, *rx;

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		u8 *b = p[i] = mem_alloc(sizes[i]);

		if (!b || b[0] || b[sizes[i] - 1]) {
			bad++;
			continue;
		}
		if (sizes[i] >= 64 && (hva_t)b % 64)
			bad++;
		memset(b, 0xa5, sizes[i]);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
		mem_free(p[i]);

	rx = kmap_code(5 * MiB, &rw);
	if (rx) {
		rw[4 * MiB] = 0xc3; /* ret */
		((void (*)(void))(hva_t)(rx + 4 * MiB))();
		kmap_code_free(rx, 5 * MiB);
	} else {
		bad++;
	}
	console_print("selftest memory: %llu bad, %llu bytes lost\n", (unsigned long long)bad,
		      (unsigned long long)(before - page_free_bytes()));
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "panic", do_panic },	   { "null", do_null },
	{ "text", do_write_text }, { "nx", do_execute_data },
	{ "stack", do_stack },	   { "df", do_double_fault },
	{ "ud", do_ud },	   { "assert", do_assert },
	{ "hang", do_hang },	   { "rings", selftest_rings },
	{ "msr", do_msr },	   { "timer", do_timer },
	{ "memory", do_memory },
};

NOINLINE void selftest_run(void)
{
	const char *name = cmdline_get("selftest");

	if (!name)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!strcmp(tests[i].name, name)) {
			tests[i].run();
			__asm__ volatile("" ::: "memory");
			return;
		}
	}
	log_error("selftest=%s: there is no such test", name);
}
