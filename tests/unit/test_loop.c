/* SPDX-License-Identifier: MIT */
/*
 * Counted loops (emu/block/loop.h): what many iterations at once leave behind is what the same
 * iterations leave one by one, in registers, flags and memory, at the end and where a page is
 * missing.
 *
 *   1. Random loops of all instructions that may be in one, with each condition. Each runs twice,
 *      the second time without the call of C. Its stores end at pages that may not be written, at
 *      the latest.
 *   2. The loops that compilers make are counted loops, and what they store is as it should be.
 *   3. Others are not: a loop that C cannot help stays without it.
 *   4. A loop without an end is left when an event comes.
 */
#include "tests/unit/guest_fixture.h"
#include "tests/unit/random.h"

#include <sys/time.h>
#include <signal.h>

#include "emu/block/loop.h"

#ifdef __SANITIZE_ADDRESS__
#define LOOPS 4000u
#else
#define LOOPS 40000u
#endif

#define WINDOW	    0x40000u /* all that may be written, but for the stack */
#define WINDOW_SIZE 0x8000u

static u8 found[WINDOW_SIZE];

static void only_window_is_writable(void)
{
	guest_paging();
	for (u32 p = 0; p < RAM_SIZE; p += PAGE_SIZE)
		if (p - WINDOW >= WINDOW_SIZE && p != STACK0 - PAGE_SIZE)
			put(AT_PAGES + 0x1000 + 4 * (p >> PAGE_SHIFT), p | 5, 4);
	machine_unmap(&m);
}

static const struct recomp_stats *stats(void)
{
	return recomp_stats(m.cpu.recomp);
}

/* --- 1. */

struct code {
	u8 byte[64];
	u32 len;
	u32 step[8]; /* what an iteration adds to each register */
	u32 base, index, scale;
};

static void add(struct code *c, u32 bytes, unsigned n)
{
	for (; n--; bytes >>= 8)
		c->byte[c->len++] = (u8)bytes;
}

/* Any but ESP. */
static u32 some_reg(void)
{
	u32 reg = (u32)rnd() % 7;

	return reg < REG_ESP ? reg : reg + 1;
}

static u8 small(void)
{
	return one_in(3) ? (u8)rnd() : (u8)(rnd() % 9 - 4);
}

static u32 extended(u8 v)
{
	return (u32)(s32)(s8)v;
}

static void add_number(struct code *c)
{
	u32 reg = some_reg();
	u8 by = small();

	c->step[reg] += extended(by);
	switch (rnd() % 6) {
	case 0:
		add(c, 0x40u | reg, 1); /* inc */
		c->step[reg] += 1u - extended(by);
		return;
	case 1:
		add(c, 0x48u | reg, 1); /* dec */
		c->step[reg] += -1u - extended(by);
		return;
	case 2:
		add(c, 0x83u | (0xc0u | reg) << 8 | (u32)by << 16, 3); /* add */
		return;
	case 3:
		add(c, 0x83u | (0xe8u | reg) << 8 | (u32)by << 16, 3); /* sub */
		c->step[reg] -= 2 * extended(by);
		return;
	case 4:
		add(c, 0x81u | (0xc0u | reg) << 8, 2);
		add(c, extended(by), 4);
		return;
	default:
		add(c, 0x8du | (0x40u | reg << 3 | reg) << 8 | (u32)by << 16, 3); /* lea */
	}
}

static void compare(struct code *c)
{
	u32 reg = some_reg();

	switch (rnd() % 4) {
	case 0:
		add(c, 0x85u | (0xc0u | reg << 3 | reg) << 8, 2); /* test */
		return;
	case 1:
		add(c, 0x39u | (0xc0u | some_reg() << 3 | reg) << 8, 2); /* cmp */
		return;
	case 2:
		add(c, 0x3bu | (0xc0u | reg << 3 | some_reg()) << 8, 2);
		return;
	default:
		add(c, 0x83u | (0xf8u | reg) << 8 | (u32)small() << 16, 3);
	}
}

static void string(struct code *c, u8 opcode, u32 size)
{
	add(c, opcode, 1);
	c->step[REG_EDI] += size;
	c->base = REG_EDI;
}

static void store(struct code *c)
{
	u32 reg = some_reg(), sib = ((u32)rnd() & 0xc0) | some_reg() << 3 | some_reg();

	c->base = sib & 7;
	c->index = sib >> 3 & 7;
	c->scale = 1u << (sib >> 6);
	switch (rnd() % 7) {
	case 0:
		string(c, 0xaa, 1);
		c->scale = 0;
		return;
	case 1:
		string(c, 0xab, 4);
		c->scale = 0;
		return;
	case 2:
		add(c, 0x66, 1);
		/* fallthrough */
	case 3:
		add(c, 0x89u | (0x44u | reg << 3) << 8 | sib << 16 | (u32)small() << 24, 4);
		return;
	case 4: /* a byte by a register and a number */
		c->base = reg;
		c->scale = 0;
		add(c, 0x88u | (0x80u | ((u32)rnd() & 0x38) | reg) << 8, 2);
		add(c, (u32)rnd() % 0x1000, 4);
		return;
	case 5: /* doublewords at a number */
		c->base = c->index;
		c->scale = 4 - 1;
		add(c, 0x89u | (0x04u | reg << 3) << 8 | (0x85u | c->index << 3) << 16, 3);
		add(c, WINDOW + (u32)rnd() % WINDOW_SIZE, 4);
		return;
	default:
		c->base = reg;
		c->scale = 0;
		add(c, 0xc6u | (0x40u | reg) << 8 | (u32)small() << 16 | (u32)rnd() << 24, 4);
	}
}

static void insns(struct code *c, unsigned n)
{
	while (n--) {
		if (one_in(4))
			compare(c);
		else
			add_number(c);
	}
}

/* With what a condition looks at, mostly. */
static void jump_out(struct code *c, u32 *patch)
{
	if (!one_in(4))
		compare(c);
	add(c, 0x70u | (one_in(2) ? 4 : (u32)rnd() % 16), 2);
	*patch = c->len;
}

static struct code some_loop(u32 *jump)
{
	struct code c = { .len = 0 };
	u32 patch = 0;
	u32 kind = (u32)rnd() % 5;

	if (kind == 0)
		jump_out(&c, &patch);
	insns(&c, rnd() % 2);
	store(&c);
	insns(&c, 1 + rnd() % 2);
	if (kind == 1)
		jump_out(&c, &patch);
	else if (kind > 2 && !one_in(3))
		compare(&c);
	*jump = c.len;
	if (kind < 2) {
		add(&c, 0xebu | (u32)(u8)(0u - (c.len + 2)) << 8, 2);
	} else if (kind == 2) {
		add(&c, 0xe2u | (u32)(u8)(0u - (c.len + 2)) << 8, 2); /* loop */
		c.step[REG_ECX]--;
	} else {
		add(&c,
		    (0x70u | (one_in(2) ? 5 : (u32)rnd() % 16)) | (u32)(u8)(0u - (c.len + 2)) << 8,
		    2);
	}
	if (patch)
		c.byte[patch - 1] = (u8)(c.len - patch);
	add(&c, HLT, 1);
	return c;
}

struct end {
	int vector;
	u32 gpr[8], eip, eflags, cr2, frame[4];
};

static struct end run(const struct code *c, const u32 *gpr, bool plain, u32 jump, bool user)
{
	void *name = NULL;
	struct end e = { 0 };

	guest_setup(&name);
	only_window_is_writable();
	if (user)
		set_ring(3);
	set_code(AT_CODE, c->byte, c->len);
	memset(m.ram + WINDOW, 0x77, WINDOW_SIZE);
	memset(m.ram + STACK0 - PAGE_SIZE, 0, PAGE_SIZE);
	memset(m.ram + STACK_TSS - PAGE_SIZE, 0, PAGE_SIZE);
	for (unsigned r = 0; r < 8; r++)
		if (r != REG_ESP)
			m.cpu.gpr[r] = gpr[r];
	if (plain)
		loop_note_plain(m.cpu.recomp, AT_CODE + jump);
	e.vector = guest_run();
	memcpy(e.gpr, m.cpu.gpr, sizeof(e.gpr));
	e.eip = m.cpu.eip;
	e.eflags = cpu_eflags(&m.cpu);
	e.cr2 = m.cpu.cr2;
	for (unsigned i = 0; i < 4; i++)
		e.frame[i] = frame(i);
	return e;
}

/* Somewhere in the window, a number of iterations, or anything. */
static u32 some_value(void)
{
	switch (rnd() % 4) {
	case 0:
		return (u32)rnd();
	case 1:
		return (u32)rnd() % 6000;
	default:
		return WINDOW + (u32)rnd() % WINDOW_SIZE;
	}
}

/* Where nothing is to be written any more it ends: if each iteration writes elsewhere. */
static bool ends(const struct code *c)
{
	return c->step[c->base] + c->step[c->index] * c->scale != 0;
}

static void test_random(void **state)
{
	u64 calls = 0, rounds = 0;

	(void)state;
	random_state = 20;
	for (unsigned n = 0; n < LOOPS; n++) {
		u32 gpr[8], jump;
		struct code c = some_loop(&jump);
		bool user = one_in(2);
		struct end one, many;

		for (unsigned r = 0; r < 8; r++)
			gpr[r] = some_value();
		if (!ends(&c))
			continue;
		one = run(&c, gpr, true, jump, user);
		memcpy(found, m.ram + WINDOW, WINDOW_SIZE);
		calls -= stats()->loop_calls;
		rounds -= stats()->loop_rounds;
		many = run(&c, gpr, false, jump, user);
		calls += stats()->loop_calls;
		rounds += stats()->loop_rounds;
		if (memcmp(&one, &many, sizeof(one)) ||
		    memcmp(found, m.ram + WINDOW, WINDOW_SIZE)) {
			for (u32 i = 0; i < c.len; i++)
				printf("%02x ", c.byte[i]);
			printf("\n");
			for (unsigned r = 0; r < 8; r++)
				printf("%08x: %08x, %08x\n", gpr[r], one.gpr[r], many.gpr[r]);
			printf("vector %d %d, flags %x %x, cr2 %x %x\n", one.vector, many.vector,
			       one.eflags, many.eflags, one.cr2, many.cr2);
			for (unsigned i = 0; i < 4; i++)
				printf("frame %x %x\n", one.frame[i], many.frame[i]);
			fail();
		}
	}
	printf("%llu calls, %llu iterations\n", (unsigned long long)calls,
	       (unsigned long long)rounds);
	assert_true(calls > LOOPS / 10 && rounds > 20 * calls);
}

/* --- 2. */

/* Of the code there, with EAX, ECX and EDX. */
static u64 rounds_of(u32 at, u32 eax, u32 ecx, u32 edx)
{
	u64 before = stats()->loop_rounds;

	m.cpu.eip = at;
	m.cpu.gpr[REG_EAX] = eax;
	m.cpu.gpr[REG_ECX] = ecx;
	m.cpu.gpr[REG_EDX] = edx;
	assert_int_equal(guest_run(), HALTED);
	return stats()->loop_rounds - before;
}

static void test_downwards(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x85, 0xc9, 0x74, 6, 0x49, /* L: test ecx, ecx; jz; dec ecx */
	     0x88, 0x14, 0x08, 0xeb, 0xf6,	 /* mov [eax + ecx], dl; jmp L */
	     HLT);
	memset(m.ram + WINDOW, 0, 10000);
	assert_in_range(rounds_of(AT_CODE, WINDOW + 5, 9000, 0x5a), 8000, 9000);
	assert_int_equal(m.cpu.gpr[REG_ECX], 0);
	for (u32 i = 0; i < 10000; i++)
		assert_int_equal(m.ram[WINDOW + i], i - 5 < 9000 ? 0x5a : 0);
	/* So few need no call. */
	assert_int_equal(rounds_of(AT_CODE, WINDOW, 50, 0), 0);
}

static void test_counter_stored(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x89, 0x80, IMM32(WINDOW), /* L: mov [eax + WINDOW], eax */
	     0x83, 0xc0, 4, 0x3d, IMM32(0x4000), /* add eax, 4; cmp eax, 4000h */
	     0x75, 0xf0, HLT);			 /* jne L */
	assert_in_range(rounds_of(AT_CODE, 0, 0, 0), 0x1000 - 20, 0x1000);
	for (u32 i = 0; i < 0x4000; i += 4)
		assert_int_equal(get(WINDOW + i, 4), i);
}

/* --- 3. */

/* Its own page is watched, so C has nothing to offer: at some time it is not asked any more. */
static void test_in_vain(void **state)
{
	u64 before = stats()->loop_calls, calls;

	(void)state;
	CODE(AT_TARGET, 0x88, 0x90, IMM32(AT_TARGET + 0x100), /* L: mov [eax + ...], dl */
	     0x48, 0x75, 0xf7, HLT);			      /* dec eax; jnz L */
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(rounds_of(AT_TARGET, 20, 0, 0), 0);
	calls = stats()->loop_calls - before;
	assert_in_range(calls, 1, 100);
	rounds_of(AT_TARGET, 20, 0, 0);
	assert_int_equal(stats()->loop_calls - before, calls);
}

/* --- 4. */

static void tick(int signal)
{
	(void)signal;
	recomp_signal(&m.cpu, CPU_EVENT_YIELD);
}

static void test_event(void **state)
{
	struct itimerval timer = { .it_value.tv_usec = 2000 };

	(void)state;
	signal(SIGALRM, tick);
	CODE(AT_CODE, 0x83, 0xe9, 2,		       /* L: sub ecx, 2 */
	     0x88, 0x10, 0x85, 0xc9, 0x75, 0xf7, HLT); /* mov [eax], dl; test ecx, ecx; jnz L */
	m.cpu.gpr[REG_EAX] = WINDOW;
	m.cpu.gpr[REG_ECX] = 1;
	setitimer(ITIMER_REAL, &timer, NULL);
	assert_int_equal(machine_run(&m), RECOMP_EVENT);
	assert_int_equal(m.cpu.gpr[REG_ECX] & 1, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		GUEST_TEST(test_random),	 GUEST_TEST(test_downwards),
		GUEST_TEST(test_counter_stored), GUEST_TEST(test_in_vain),
		GUEST_TEST(test_event),
	};

	return cmocka_run_group_tests(tests, guest_create, guest_destroy);
}
