/* SPDX-License-Identifier: MIT */
/*
 * Far transfers of real mode to where CS is already, which are edges between blocks
 * (emu/trans/trans_real.c): what they push, the selector that they leave in CS, and that a loop of
 * them is left when an event comes. Alone: make build/unit/test_real_far &&
 * build/unit/test_real_far
 */
#define _GNU_SOURCE
#include "tests/unit/guest_fixture.h"

#include <signal.h>
#include <sys/time.h>

#define CS_SEL	  0x123u
#define STACK_SEG 0x2000u
#define SIGNALS	  500 /* of a millisecond each, until a loop counts as endless */
#define JUMP(ip)  0xea, IMM16(ip), IMM16(CS_SEL)
#define CALL(ip)  0x9a, IMM16(ip), IMM16(CS_SEL)

/* Real mode, with CS at 16 * CS_SEL, whatever its selector is. */
static void real_mode(u16 sel)
{
	struct cpu *c = &m.cpu;

	c->cr0 &= ~CR0_PE;
	for (unsigned s = 0; s < SEG_COUNT; s++)
		c->seg[s] = (struct cpu_segment){ .attr = 0x93, .limit = 0xffff };
	c->seg[SEG_SS].sel = STACK_SEG;
	c->seg[SEG_SS].base = STACK_SEG << 4;
	c->seg[SEG_CS].sel = sel;
	c->seg[SEG_CS].base = CS_SEL << 4;
	c->eip = AT_CODE;
	c->gpr[REG_ESP] = 0xabcd0000 | STACK0;
}

static void code(u32 ip, const u8 *bytes, u32 len)
{
	set_code((CS_SEL << 4) + ip, bytes, len);
}

#define REAL_CODE(ip, ...)                                  \
	do {                                                \
		static const u8 bytes_[] = { __VA_ARGS__ }; \
		code(ip, bytes_, sizeof(bytes_));           \
	} while (0)

static void assert_at(u32 ip)
{
	assert_int_equal(machine_run(&m), RECOMP_HALT);
	m.cpu.halted = false;
	assert_int_equal(m.cpu.eip, ip + 1);
	assert_int_equal(m.cpu.seg[SEG_CS].sel, CS_SEL);
	assert_int_equal(m.cpu.seg[SEG_CS].base, CS_SEL << 4);
}

static u32 pushed(unsigned n)
{
	return get((STACK_SEG << 4) + STACK0 - 2 * n, 2);
}

/* Forwards and backwards, in one page and to another. */
static void test_calls(void **state)
{
	(void)state;
	REAL_CODE(AT_CODE, CALL(AT_CODE + 0x40), CALL(AT_TARGET), HLT);
	REAL_CODE(AT_CODE + 0x40, 0x41, CALL(AT_CODE - 0x40), 0xcb); /* inc cx; retf */
	REAL_CODE(AT_CODE - 0x40, 0x42, 0xcb);			     /* inc dx */
	REAL_CODE(AT_TARGET, 0x43, 0xcb);			     /* inc bx */
	for (unsigned i = 0; i < 3; i++) {
		u32 was[8];

		real_mode(CS_SEL);
		memcpy(was, m.cpu.gpr, sizeof(was));
		assert_at(AT_CODE + 10);
		was[REG_EBX]++;
		was[REG_ECX]++;
		was[REG_EDX]++;
		assert_memory_equal(m.cpu.gpr, was, sizeof(was));
		assert_int_equal(pushed(1), CS_SEL);
		assert_int_equal(pushed(2), AT_CODE + 10);
		assert_int_equal(pushed(3), CS_SEL);
		assert_int_equal(pushed(4), AT_CODE + 0x46);
	}
}

/* Protected mode has just been left: what is pushed is the selector of then. */
static void test_old_selector(void **state)
{
	(void)state;
	REAL_CODE(AT_CODE, CALL(AT_CODE + 0x40));
	REAL_CODE(AT_CODE + 0x40, HLT);
	for (unsigned i = 0; i < 3; i++) {
		u16 sel = i & 1 ? CS_SEL : 8;

		real_mode(sel);
		assert_at(AT_CODE + 0x40);
		assert_int_equal(pushed(1), sel);
		assert_int_equal(pushed(2), AT_CODE + 5);
	}
}

static void test_selector(void **state)
{
	(void)state;
	REAL_CODE(AT_CODE, JUMP(AT_CODE + 5), 0x0e, HLT); /* push cs */
	for (unsigned i = 0; i < 3; i++) {
		real_mode(i & 1 ? CS_SEL : 8);
		assert_at(AT_CODE + 6);
		assert_int_equal(pushed(1), CS_SEL);
	}
}

static volatile int signals;

static void on_alarm(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	if (++signals > SIGNALS)
		abort(); /* the loop does not look */
	machine_interrupt(&m, CPU_EVENT_YIELD, context);
}

static void loops_until_event(void)
{
	struct sigaction sa = { .sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	struct itimerval every = { { 0, 1000 }, { 0, 20000 } }, off = { 0 };

	signals = 0;
	assert_int_equal(sigaction(SIGALRM, &sa, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &every, NULL), 0);
	assert_int_equal(machine_run(&m), RECOMP_EVENT);
	setitimer(ITIMER_REAL, &off, NULL);
	signal(SIGALRM, SIG_IGN);
	m.cpu.events = 0;
}

static void test_event(void **state)
{
	(void)state;
	REAL_CODE(AT_CODE, JUMP(AT_CODE));
	real_mode(CS_SEL);
	loops_until_event();
	assert_int_equal(m.cpu.eip, AT_CODE);

	guest_setup(state);
	REAL_CODE(AT_CODE, 0x41, CALL(AT_CODE));
	real_mode(CS_SEL);
	loops_until_event();
	/* Nothing is pushed that the instruction will push again. */
	assert_int_equal((STACK0 - m.cpu.gpr[REG_ESP]) & 3, 0);
	assert_in_range(m.cpu.eip, AT_CODE, AT_CODE + 1);
}

int main(void)
{
	const struct CMUnitTest real_far[] = {
		GUEST_TEST(test_calls),
		GUEST_TEST(test_old_selector),
		GUEST_TEST(test_selector),
		GUEST_TEST(test_event),
	};

	return cmocka_run_group_tests(real_far, guest_create, guest_destroy);
}
