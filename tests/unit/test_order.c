/* SPDX-License-Identifier: MIT */
/*
 * Interrupts, traps and shadows in the processor's order (SDM 3A 6.8.1, 6.8.3, table 6-2): behind
 * STI, MOV SS and POP SS nothing comes in between, whatever the instruction behind them is; all
 * that is pending comes right behind that.
 *
 * Each program runs step by step, without interrupts, for what the guest's state is between any two
 * of its instructions, and where an interrupt may be taken. Then an interrupt arrives
 *   1. before it begins, while IF is 0: it must be taken at the first place where it may;
 *   2. at every host instruction of the translated code, one after the other: it must be taken at a
 *      place where it may, with the state of that place. (The host's single step tells which there
 *      are; then a breakpoint of the host's is put on each.)
 *   3. the same for REP, which is left between two iterations.
 */
#define _GNU_SOURCE
#include "tests/unit/guest_fixture.h"

#include <signal.h>
#include <ucontext.h>

#define VEC_INTR  0x40
#define STEPS_MAX 64u
#define HOST_MAX  2000u /* host instructions of a program */
#define HOST_TF	  0x100ll
#define FLAGS	  (EFLAGS_ARITH | EFLAGS_IF)
#define PAGE_END  (AT_CODE + 0xfff)

static const struct program {
	const char *name;
	u8 code[24];
	u32 at; /* 0: AT_CODE */
} programs[] = {
	{ "sti; nop", { 0xfb, 0x90, 0x90, HLT }, 0 },
	{ "sti; ret", { 0xfb, 0xc3 }, 0 },
	{ "sti; ret 8", { 0xfb, 0xc2, 8, 0 }, 0 },
	{ "sti; jmp forward", { 0xfb, 0xeb, 2, HLT, HLT, 0x90, HLT }, 0 },
	{ "sti; jmp to another page", { 0xfb, 0xe9, IMM32(AT_TARGET - AT_CODE - 6) }, 0 },
	{ "sti; jmp ebx", { 0xfb, 0xff, 0xe3 }, 0 },
	{ "sti; call", { 0xfb, 0xe8, IMM32(AT_TARGET - AT_CODE - 6) }, 0 },
	{ "sti; call ebx", { 0xfb, 0xff, 0xd3 }, 0 },
	{ "sti; push", { 0xfb, 0x6a, 5, 0x90, HLT }, 0 },
	{ "sti; pop", { 0xfb, 0x58, 0x90, HLT }, 0 },
	{ "sti; jz, taken", { 0x31, 0xc0, 0xfb, 0x74, 1, HLT, 0x90, HLT }, 0 },
	{ "sti; jnz, not taken", { 0x31, 0xc0, 0xfb, 0x75, 1, 0x90, 0x90, HLT }, 0 },
	{ "sti; loop", { 0xfb, 0xe2, 1, HLT, 0x90, HLT }, 0 },
	{ "L: sti; loop L", { 0xb9, IMM32(3), 0xfb, 0xe2, 0xfd, HLT }, 0 },
	{ "L: sti; dec; jnz L", { 0xb9, IMM32(3), 0xfb, 0x49, 0x75, 0xfc, HLT }, 0 },
	{ "sti; L: loop L", { 0xb9, IMM32(3), 0xfb, 0xe2, 0xfe, HLT }, 0 },
	{ "sti; jecxz", { 0xfb, 0xe3, 1, 0x90, 0x90, HLT }, 0 },
	{ "sti; hlt", { 0xfb, HLT, HLT }, 0 },
	{ "sti; sti; nop", { 0xfb, 0xfb, 0x90, 0x90, HLT }, 0 },
	{ "sti; cli; nop", { 0xfb, 0xfa, 0x90, HLT }, 0 },
	{ "sti; pushf; popf", { 0xfb, 0x9c, 0x9d, 0x90, HLT }, 0 },
	{ "push; popf; nop", { 0x68, IMM32(0x202), 0x9d, 0x90, HLT }, 0 },
	{ "push; popf; cli", { 0x68, IMM32(0x202), 0x9d, 0xfa, HLT }, 0 },
	{ "push; popf; ret", { 0x68, IMM32(0x202), 0x9d, 0xc3 }, 0 },
	{ "iret", { 0x68, IMM32(0x202), 0x0e, 0x68, IMM32(AT_TARGET), 0xcf }, 0 },
	{ "sti; iret", { 0xfb, 0x6a, 2, 0x0e, 0x68, IMM32(AT_TARGET), 0xcf }, 0 },
	{ "sti; mov ss", { 0xfb, 0x8e, 0xd2, 0x90, 0x90, HLT }, 0 },
	{ "sti; nop; mov ss; ret", { 0xfb, 0x90, 0x8e, 0xd2, 0xc3 }, 0 },
	{ "sti; nop; mov ss; mov esp",
	  { 0xfb, 0x90, 0x8e, 0xd2, 0xbc, IMM32(STACK0 - 64), HLT },
	  0 },
	{ "sti; nop; mov ss; loop", { 0xfb, 0x90, 0x8e, 0xd2, 0xe2, 1, HLT, 0x90, HLT }, 0 },
	{ "sti; nop; mov ss; hlt", { 0xfb, 0x90, 0x8e, 0xd2, HLT, HLT }, 0 },
	{ "sti; nop; mov ss; cli", { 0xfb, 0x90, 0x8e, 0xd2, 0xfa, HLT }, 0 },
	{ "push; sti; pop ss", { 0x6a, DATA0, 0xfb, 0x17, 0x90, 0x90, HLT }, 0 },
	{ "push; sti; nop; pop ss; ret", { 0x6a, DATA0, 0xfb, 0x90, 0x17, 0xc3 }, 0 },
	{ "sti; nop; mov ss, other B; ret", { 0xfb, 0x90, 0x8e, 0xd5, 0xc3 }, 0 },
	{ "sti; nop; mov ss, other B; nop", { 0xfb, 0x90, 0x8e, 0xd5, 0x90, 0x90, HLT }, 0 },
	{ "push; sti; nop; pop ss, other B", { 0x55, 0xfb, 0x90, 0x17, 0x90, 0x90, HLT }, 0 },
	{ "4 times: mov ss, another B; L: inc, dec, push, pop",
	  { 0xb9, IMM32(4), 0xfb, 0x8e, 0xd5, 0x40, 0x80, 0x05, IMM32(AT_CODE + 8), 8, 0x87, 0xea,
	    0xe2, 0xf2, HLT },
	  0 },
	{ "sti; int", { 0xfb, 0xcd, VEC_END }, 0 },
	{ "sti; ud2", { 0xfb, 0x0f, 0x0b }, 0 },
	{ "sti; in", { 0xfb, 0xe4, 0x60, 0x90, HLT }, 0 },
	{ "sti; mov ds; pop es", { 0x52, 0xfb, 0x8e, 0xda, 0x07, 0x90, HLT }, 0 },
	{ "sti; lodsb", { 0xfb, 0xac, 0x90, HLT }, 0 },
	{ "sti; rep stosb of one", { 0xb9, IMM32(1), 0xfb, 0xf3, 0xaa, 0x90, HLT }, 0 },
	{ "sti; inc [m]", { 0xfb, 0xff, 0x05, IMM32(AT_DATA), 0x90, HLT }, 0 },
	{ "sti; lock xadd [m]", { 0xfb, 0xf0, 0x0f, 0xc1, 0x05, IMM32(AT_DATA), 0x90, HLT }, 0 },
	{ "sti; div", { 0x31, 0xd2, 0xfb, 0xf7, 0xf1, 0x90, HLT }, 0 },
	{ "sti at the end of a page", { 0xfb, 0x90, 0x90, HLT }, PAGE_END },
	{ "ret behind a page", { 0xfb, 0xc3 }, PAGE_END },
	{ "sti behind a page", { 0x90, 0xfb, 0xc3 }, PAGE_END },
};

static const struct mode {
	const char *name;
	bool slow, stack16, mixed;
} modes[] = {
	{ "flat", false, false, false },
	{ "a breakpoint is armed", true, false, false },
	{ "a stack of 16 bits", false, true, false },
	{ "code that verifies itself", false, false, true },
};

/* The guest between two instructions. */
struct place {
	u32 eip, gpr[8], flags;
	bool shadow;
};

static struct place place[STEPS_MAX];
static unsigned places, points;

/* --- The program alone */

/* Twice 32 writes to a page with code, and it is known to mix code and data. */
static void make_mixed(void)
{
	CODE(AT_CODE + 0x100, 0xff, 0x05, IMM32(AT_CODE + 0x800), /* L: inc dword [+800h] */
	     0x49, 0x75, 0xf7, HLT);				  /* dec ecx; jnz L */
	m.cpu.gpr[REG_ECX] = 100;
	m.cpu.eip = AT_CODE + 0x100;
	assert_int_equal(guest_run(), HALTED);
}

/* The program's state at its beginning, its bytes among it; what was translated stays. */
static void begin(const struct program *p, const struct mode *mode)
{
	set_ring(0);
	m.cpu.eip = p->at ? p->at : AT_CODE;
	if (memcmp(m.ram + m.cpu.eip, p->code, sizeof(p->code)))
		set_code(m.cpu.eip, p->code, sizeof(p->code));
	for (unsigned r = 0; r < 8; r++)
		m.cpu.gpr[r] = 0x1000 * (r + 1);
	m.cpu.gpr[REG_EBX] = AT_TARGET;
	m.cpu.gpr[REG_EDX] = DATA0;
	m.cpu.gpr[REG_EBP] = FREE; /* a stack segment whose B is the other */
	m.cpu.gpr[REG_ESI] = m.cpu.gpr[REG_EDI] = AT_DATA + 0x100;
	m.cpu.gpr[REG_ESP] = STACK0 - 64;
	for (u32 at = STACK0 - 128; at < STACK0; at += 4)
		put(at, AT_TARGET, 4);
	memset(m.ram + AT_DATA, 0, 0x200);
	if (mode->stack16) {
		set_segment(SEG_SS, FREE);
		m.cpu.gpr[REG_EDX] = FREE;
		m.cpu.gpr[REG_EBP] = DATA0;
	}
	cpu_set_eflags(&m.cpu, EFLAGS_ONE);
	m.cpu.events = m.cpu.shadow = 0;
	m.cpu.halted = m.cpu.nmi_blocked = false;
	m.pending_vector = VEC_INTR;
}

static void setup(const struct program *p, const struct mode *mode)
{
	guest_setup(&(void *){ NULL });
	if (mode->mixed)
		make_mixed();
	gdt(FREE, 0, 0xfffff, ATTR_DATA32 & ~0x400u);
	if (mode->slow) {
		m.cpu.dr[0] = RAM_SIZE - 1;
		m.cpu.dr[7] = 0x401;
	}
	CODE(AT_TARGET, 0x90, 0x90, HLT);
	begin(p, mode);
}

/* Does the instruction there hold interrupts off behind it? */
static bool holds_off(const struct place *p)
{
	const u8 *code = m.ram + p->eip;

	return (code[0] == 0xfb && !(p->flags & EFLAGS_IF)) || code[0] == 0x17 ||
	       (code[0] == 0x8e && (code[1] >> 3 & 7) == SEG_SS);
}

static void note_place(void)
{
	struct place *p = &place[places];

	assert_true(places < STEPS_MAX);
	p->eip = m.cpu.eip;
	memcpy(p->gpr, m.cpu.gpr, sizeof(p->gpr));
	p->flags = cpu_eflags(&m.cpu) & FLAGS;
	p->shadow = places && holds_off(&place[places - 1]);
	places++;
}

static void reference(const struct program *p, const struct mode *mode)
{
	enum recomp_exit exit;

	setup(p, mode);
	m.pending_vector = -1;
	places = 0;
	do {
		note_place();
		exit = machine_step(&m);
	} while (exit == RECOMP_EVENT);
	assert_int_equal(exit, RECOMP_HALT);
	note_place(); /* behind HLT */
}

static bool may_be_taken(unsigned n, u32 events)
{
	return !place[n].shadow && ((events & CPU_EVENT_NMI) || place[n].flags & EFLAGS_IF);
}

/* The place, from this one on, whose state the handler found; or -1. */
static int place_found(unsigned from)
{
	for (unsigned n = from; n < places; n++) {
		bool same = place[n].eip == frame(0) && place[n].flags == (frame(2) & FLAGS);

		for (unsigned r = 0; r < 8; r++)
			same &= place[n].gpr[r] == m.cpu.gpr[r] + (r == REG_ESP ? 12u : 0);
		if (same)
			return (int)n;
	}
	return -1;
}

/* Runs on behind HLT if an event is due, as the monitor does. The vector whose handler it came
 * to. */
static int run(void)
{
	for (;;) {
		int vector = guest_run();

		if (vector == VEC_INTR || vector == VEC_NMI || !cpu_event_due(&m.cpu))
			return vector;
	}
}

/* --- 1. */

static void pending_before(const struct program *p, const struct mode *mode, u32 events)
{
	unsigned want = 0;
	int vector;

	reference(p, mode);
	setup(p, mode);
	recomp_signal(&m.cpu, events);
	while (want < places && !may_be_taken(want, events))
		want++;
	vector = run();
	if (want == places) {
		assert_int_not_equal(vector, VEC_INTR);
		return;
	}
	if (place_found(0) != (int)want)
		print_error("%s, %s: taken at %x, not %x\n", p->name, mode->name, frame(0),
			    place[want].eip);
	assert_int_equal(vector, events & CPU_EVENT_NMI ? VEC_NMI : VEC_INTR);
	assert_int_equal(frame(0), place[want].eip);
	assert_int_equal(place_found(0), want);
}

static void test_pending_before(void **state)
{
	(void)state;
	for (unsigned n = 0; n < ARRAY_SIZE(modes); n++)
		for (unsigned i = 0; i < ARRAY_SIZE(programs); i++)
			pending_before(&programs[i], &modes[n], CPU_EVENT_INTR);
}

/* --- 2. */

/* Host instructions of translated code and its stubs, as the program came to them. */
static u8 *host_insn[HOST_MAX];
static unsigned host_insns;

/* Where the interrupt arrives: at the first of them, after so many visits. */
static struct {
	u8 *at, byte;
	unsigned visits;
	u32 events, eip, ecx; /* eip: the guest's then, 0 in a stub; ecx: in RCX then */
	bool done;
} point;

static void host_step(bool on)
{
	u64 flags;

	__asm__ volatile("pushfq; pop %0" : "=r"(flags)::"memory");
	flags = on ? flags | HOST_TF : flags & ~(u64)HOST_TF;
	__asm__ volatile("push %0; popfq" ::"r"(flags) : "memory", "cc");
}

static void trace_code(struct machine *machine, bool runs)
{
	(void)machine;
	host_step(runs);
}

static bool on_trace(void *info, void *context)
{
	greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;

	if (((siginfo_t *)info)->si_signo != SIGTRAP)
		return false;
	if (!recomp_owns(m.cpu.recomp, (u64)g[REG_RIP]))
		return true;
	assert_true(host_insns < HOST_MAX);
	host_insn[host_insns++] = (u8 *)g[REG_RIP];
	return true;
}

/* The breakpoint was met; or, behind it, the single step that puts it back. */
static bool on_point(void *info, void *context)
{
	greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;

	if (((siginfo_t *)info)->si_signo != SIGTRAP)
		return false;
	if (g[REG_TRAPNO] == VEC_DB) {
		g[REG_EFL] &= ~HOST_TF;
		*point.at = 0xcc;
		return true;
	}
	assert_ptr_equal(g[REG_RIP] - 1, point.at);
	g[REG_RIP]--;
	*point.at = point.byte;
	if (point.visits--) {
		g[REG_EFL] |= HOST_TF;
		return true;
	}
	point.done = true;
	point.ecx = (u32)g[REG_RCX];
	if (!recomp_guest_eip(m.cpu.recomp, (u32)(u64)point.at, &point.eip))
		point.eip = 0;
	machine_interrupt(&m, point.events, context);
	return true;
}

static void trace(const struct program *p, const struct mode *mode)
{
	begin(p, mode); /* so that all is translated and linked */
	m.pending_vector = -1;
	run();
	begin(p, mode);
	host_insns = 0;
	m.code_runs = trace_code;
	machine_other_trap = on_trace;
	run();
	host_step(false);
	m.code_runs = NULL;
	machine_other_trap = NULL;
}

/* The first place at which the guest was when it came to this EIP. */
static unsigned place_of(u32 eip)
{
	for (unsigned n = 0; n < places; n++)
		if (place[n].eip == eip)
			return n;
	return 0;
}

/* The program, with an interrupt at the n-th host instruction: the vector that it ended with. */
static int run_with(const struct program *p, const struct mode *mode, unsigned n, u32 events)
{
	int vector;

	begin(p, mode);
	point.at = host_insn[n];
	point.byte = *point.at;
	point.visits = 0;
	for (unsigned i = 0; i < n; i++)
		point.visits += host_insn[i] == point.at;
	point.events = events;
	point.done = false;
	*point.at = 0xcc;
	machine_other_trap = on_point;
	vector = run();
	machine_other_trap = NULL;
	*point.at = point.byte;
	return vector;
}

static void inject(const struct program *p, const struct mode *mode, unsigned n, u32 events)
{
	int vector = run_with(p, mode, n, events), at;

	if (!point.done) /* the way there is another meanwhile */
		return;
	if (vector != VEC_INTR && vector != VEC_NMI) { /* then IF was 0 to the end */
		assert_int_equal(events, CPU_EVENT_INTR);
		assert_false(may_be_taken(places - 1, events));
		return;
	}
	at = place_found(place_of(point.eip));
	if (at < 0 || !may_be_taken((unsigned)at, events)) {
		print_error("%s, %s: host instruction %u, in front of %x: taken at %x%s\n", p->name,
			    mode->name, n, point.eip, frame(0),
			    at < 0 ? ", in no state of the program" : "");
		fail();
	}
	points++;
}

static void at_every_host_instruction(u32 events)
{
	unsigned tried = 0;

	points = 0;
	for (unsigned k = 0; k < ARRAY_SIZE(modes); k++) {
		for (unsigned i = 0; i < ARRAY_SIZE(programs); i++) {
			reference(&programs[i], &modes[k]);
			trace(&programs[i], &modes[k]);
			for (unsigned n = 0; n < host_insns; n++)
				inject(&programs[i], &modes[k], n, events);
			tried += host_insns;
		}
	}
	print_message("%u host instructions, %u interrupts taken\n", tried, points);
	assert_true(points > tried / 2);
}

static void test_interrupt_anywhere(void **state)
{
	(void)state;
	at_every_host_instruction(CPU_EVENT_INTR);
}

static void test_nmi_anywhere(void **state)
{
	(void)state;
	at_every_host_instruction(CPU_EVENT_NMI);
}

/* --- 3. REP is left between two iterations, in any block (SDM 2B, REP) */

#define TURNS  40u
#define REP_AT 7u /* behind what each of these begins with */
#define REP(...)                                                               \
	{                                                                      \
		"rep", { 0xb9, IMM32(TURNS), 0xfb, 0x90, __VA_ARGS__, HLT }, 0 \
	}

static const struct program repeated[] = {
	REP(0xf3, 0xac),       /* lodsb */
	REP(0xf3, 0xaa),       /* stosb */
	REP(0xf3, 0xa5),       /* movsd */
	REP(0xf2, 0xae),       /* scasb */
	REP(0xf3, 0xa6),       /* cmpsb */
	REP(0x66, 0xf3, 0xab), /* stosw */
	REP(0x67, 0xf3, 0xab), /* stosd by DI and CX */
	REP(0x26, 0xf3, 0xac), /* lodsb from ES */
	REP(0xf3, 0x6e),       /* outsb */
};

static bool is_string(const u8 *p)
{
	while (*p == 0x65 || *p == 0x66 || *p == 0x67 || *p == 0xf2 || *p == 0xf3)
		p++;
	return *p >= 0xa4 && *p <= 0xaf;
}

/* The last host instruction that is an iteration, and one more; 0: C does them, 1 KiB at once. */
static unsigned behind_rep(void)
{
	unsigned n = host_insns;

	while (n && !is_string(host_insn[n - 1]))
		n--;
	return n;
}

static void leave_rep(const struct program *p, const struct mode *mode, unsigned n)
{
	int vector = run_with(p, mode, n, CPU_EVENT_INTR);
	u32 before, after;

	if (!point.done || !point.eip || point.eip > AT_CODE + REP_AT)
		return; /* in a stub it may belong to what follows */
	before = point.eip == AT_CODE + REP_AT && is_string(point.at) ? TURNS - point.ecx : 0;
	after = TURNS - m.cpu.gpr[REG_ECX];
	assert_int_equal(vector, VEC_INTR);
	if (frame(0) > AT_CODE + REP_AT || after > before + 1) {
		print_error("%x, %s: host instruction %u, in front of %x: %u turns, then %u\n",
			    p->code[REP_AT + 1], mode->name, n, point.eip, before, after);
		fail();
	}
	points += after != 0;
}

static void test_rep_is_left(void **state)
{
	(void)state;
	points = 0;
	for (unsigned k = 0; k < ARRAY_SIZE(modes); k++) {
		for (unsigned i = 0; i < ARRAY_SIZE(repeated); i++) {
			setup(&repeated[i], &modes[k]);
			trace(&repeated[i], &modes[k]);
			for (unsigned n = behind_rep(); n--;)
				leave_rep(&repeated[i], &modes[k], n);
		}
	}
	print_message("left %u times in the middle\n", points);
	assert_true(points >= TURNS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		GUEST_TEST(test_pending_before),
		GUEST_TEST(test_interrupt_anywhere),
		GUEST_TEST(test_nmi_anywhere),
		GUEST_TEST(test_rep_is_left),
	};

	return cmocka_run_group_tests(tests, guest_create, guest_destroy);
}
