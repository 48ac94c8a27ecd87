/* SPDX-License-Identifier: MIT */
/*
 * A machine with a debugger's stops: they are set, taken away and met.
 */
#pragma once

#include "tests/unit/debug_fixture.h"

#include "emu/cpu/stop_list.h"
#include "emu/cpu/stops.h"

static struct cpu_stops *stops(void)
{
	return &m.cpu.stops;
}

static int setup(void **state)
{
	m.cpu.stops.count = 0;
	m.cpu.stops.vectors = 0;
	m.cpu.stops.stopped = (struct cpu_stopped){ 0 };
	m.cpu.stops.pass_exception = false;
	m.cpu.stops.codes = 0;
	m.cpu.stops.kinds = 0;
	m.cpu.stops.holds = NULL;
	m.cpu.stops.filter = 0;
	return guest_setup(state);
}

#define STOP_TEST(f) \
	cmocka_unit_test_prestate_setup_teardown(f, setup, NULL, (void *)(uintptr_t) #f)

static void add(u8 kind, gla_t gla, u32 len)
{
	assert_int_equal(
		cpu_stop_add(&m.cpu, &(struct cpu_stop){ .gla = gla, .len = len, .kind = kind }),
		0);
}

static void take_away(u8 kind, gla_t gla, u32 len)
{
	assert_int_equal(
		cpu_stop_remove(&m.cpu, &(struct cpu_stop){ .gla = gla, .len = len, .kind = kind }),
		0);
}

/* One instruction; its exit. */
static enum recomp_exit step(void)
{
	enum recomp_exit e = RECOMP_EVENT;
	bool done = false;

	for (unsigned i = 0; i < 8 && !done; i++)
		e = machine_step_quietly(&m, &done);
	assert_true(done);
	return e;
}

/* On from a stop of execution. */
static enum recomp_exit go_on(void)
{
	enum recomp_exit e = step();

	return e == RECOMP_EVENT ? machine_run(&m) : e;
}

#define assert_stopped(exit, how, at)                              \
	do {                                                       \
		assert_int_equal((exit), RECOMP_STOP);             \
		assert_int_equal(stops()->stopped.by, (how));      \
		assert_int_equal(m.cpu.eip, (at));                 \
		assert_int_equal(m.cpu.events &CPU_EVENT_STOP, 0); \
	} while (0)
