/* SPDX-License-Identifier: MIT */
/*
 * One step of the fixture's CPU by a way that it remembers, and by the long one. Both must end in
 * the same registers, memory and fault.
 */
#pragma once

#include "tests/unit/guest_fixture.h"

#define IMAGE 0x20000u /* as much memory as these tests touch */

static u8 before[IMAGE], after[IMAGE];

/* What the CPU remembers of its tables is not state. */
static inline void assert_same(const struct cpu *a, const struct cpu *b)
{
	assert_memory_equal(a->gpr, b->gpr, sizeof(a->gpr));
	assert_int_equal(a->eip, b->eip);
	assert_int_equal(cpu_eflags(a), cpu_eflags(b));
	assert_memory_equal(a->seg, b->seg, sizeof(a->seg));
	assert_int_equal(a->cpl, b->cpl);
	assert_int_equal(a->shadow, b->shadow);
	assert_int_equal(a->nmi_blocked, b->nmi_blocked);
	assert_int_equal(a->halted, b->halted);
	assert_int_equal(a->cr2, b->cr2);
	assert_int_equal(a->debug_hits, b->debug_hits);
}

static inline enum cpu_event_kind some_event(unsigned r)
{
	static const enum cpu_event_kind kinds[] = { EVENT_EXTERNAL, EVENT_EXCEPTION, EVENT_TRAP,
						     EVENT_SOFT_INT };

	return kinds[r & 3];
}

/* From the present state: by what the TLB and the last loads know, and then without them. */
static inline void compare_ways(enum cpu_result (*step)(void))
{
	static struct cpu start, end;
	enum cpu_result res;

	start = m.cpu;
	memcpy(before, m.ram, IMAGE);
	memset(&m.cpu.fault, 0, sizeof(m.cpu.fault));
	res = step();
	end = m.cpu;
	memcpy(after, m.ram, IMAGE);
	memcpy(m.ram, before, IMAGE);
	m.cpu = start;
	memset(&m.cpu.fault, 0, sizeof(m.cpu.fault));
	softtlb_flush(&m.cpu);
	memset(m.cpu.last_code, 0, sizeof(m.cpu.last_code));
	memset(m.cpu.last_stack, 0, sizeof(m.cpu.last_stack));
	assert_int_equal(step(), res);
	assert_same(&end, &m.cpu);
	if (res == CPU_FAULT)
		assert_memory_equal(&end.fault, &m.cpu.fault, sizeof(end.fault));
	assert_memory_equal(m.ram, after, IMAGE);
}
