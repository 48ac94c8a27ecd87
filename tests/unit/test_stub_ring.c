/* SPDX-License-Identifier: MIT */
/*
 * INT and IRET between levels by the stubs of emu/trans/stub_ring.h, beside C. Random programs as
 * hosts of DPMI and monitors of V86 mode run them go there and back until the stubs know the way;
 * then state and tables are changed in up to two places. Translated code must end as the
 * instructions of C do. And a program calls its handler over and over, which changes something at
 * one call: the next must find it changed. Alone: make build/unit/test_stub_ring &&
 * build/unit/test_stub_ring
 */
#include "emu/cpu/stop_list.h"
#include "emu/jit/recomp.h"
#include "tests/unit/ring_states.h"

#define ROUNDS	 6000u
#define AT_HALT	 (AT_TARGET + 0x10)
#define CODE_LO	 0x600u /* the program's code lies here, HLT all over */
#define CODE_HI	 0xa00u
#define CALLS	 50u
#define AT_COUNT (AT_DATA + 0x800)

static u64 by_c(void)
{
	return recomp_stats(m.cpu.recomp)->hard_execs;
}

/* --- Random states */

/* What running changes of the architecture's state, but memory. */
struct state {
	u32 gpr[8], eip, flags, cr2;
	struct cpu_segment seg[SEG_COUNT];
	u8 cpl;
	bool nmi_blocked;
};

static struct state save(void)
{
	const struct cpu *c = &m.cpu;
	struct state s = { .eip = c->eip,
			   .flags = cpu_eflags(c),
			   .cr2 = c->cr2,
			   .cpl = c->cpl,
			   .nmi_blocked = c->nmi_blocked };

	memcpy(s.gpr, c->gpr, sizeof(s.gpr));
	memcpy(s.seg, c->seg, sizeof(s.seg));
	return s;
}

static void restore(const struct state *s)
{
	struct cpu *c = &m.cpu;

	memcpy(c->gpr, s->gpr, sizeof(s->gpr));
	memcpy(c->seg, s->seg, sizeof(s->seg));
	c->eip = s->eip;
	cpu_set_eflags(c, s->flags);
	c->cr2 = s->cr2;
	c->cpl = s->cpl;
	c->nmi_blocked = s->nmi_blocked;
	c->halted = false;
	c->shadow = 0;
}

static u8 *at_eip(void)
{
	u32 at = m.cpu.seg[SEG_CS].base + m.cpu.eip;

	return at < IMAGE ? m.ram + at : NULL;
}

/* One instruction in C, and its fault. */
static enum cpu_result in_c(struct insn in)
{
	enum cpu_result res;

	m.cpu.eflags &= ~EFLAGS_RF; /* as the dispatcher does */
	res = cpu_hard_exec(&m.cpu, &in);
	return res == CPU_FAULT ? cpu_deliver_fault(&m.cpu) : res;
}

/* All in C: the instruction, and HLT as long as that is not CPL 0's. False: it leads to what this
 * test does not run. */
static bool by_instructions(struct insn first, bool *down)
{
	enum cpu_result res = in_c(first);

	for (unsigned n = 0; n < 4; n++) {
		const u8 *p = at_eip();

		*down = res == CPU_SHUTDOWN;
		if (*down)
			return true;
		if (!p || *p != HLT || (cpu_eflags(&m.cpu) & EFLAGS_TF) ||
		    m.cpu.eip > m.cpu.seg[SEG_CS].limit)
			return false;
		res = in_c((struct insn){ .op = OP_HLT, .len = 1 });
		if (res == CPU_HALT) {
			m.cpu.halted = true;
			return true;
		}
	}
	return false;
}

static bool translated(bool *down)
{
	enum recomp_exit e = machine_run(&m);

	*down = e == RECOMP_SHUTDOWN;
	return e == RECOMP_SHUTDOWN || e == RECOMP_HALT;
}

static u32 handler_at(u32 eip)
{
	return eip + (wide ? 0 : BASE);
}

static u8 *program_at(void)
{
	return m.ram + m.cpu.seg[SEG_CS].base + m.cpu.eip;
}

/* Instructions that trap in V86 mode below IOPL 3. */
static const struct {
	u8 opcode, op;
} trapping[] = { { 0xfa, OP_CLI }, { 0xfb, OP_STI }, { 0x9c, OP_PUSHF }, { 0x9d, OP_POPF } };

static struct insn write_trapping(void)
{
	u32 n = (u32)rnd() % ARRAY_SIZE(trapping);

	m.cpu.eflags &= ~EFLAGS_IOPL;
	*program_at() = trapping[n].opcode;
	return (struct insn){ .op = trapping[n].op, .len = 1, .osize = 2, .asize = 2 };
}

/* The program is INT and HLT; its handler, IRET or HLT; that of #GP, HLT. */
static struct insn write_code(bool out)
{
	const u8 int_n[] = { 0xcd, VECTOR };
	bool prefix = wide != gate32;
	const u8 iret[] = { prefix ? 0x66 : 0xcf, prefix ? 0xcf : HLT };

	idt(VEC_GP, CODE_N, AT_HALT, 0x86 | (gate32 ? 8 : 0) | ((u32)rnd() & 1));
	memset(m.ram + CODE_LO, HLT, CODE_HI - CODE_LO);
	memset(m.ram + AT_TARGET, HLT, 0x200);
	if (out)
		memcpy(m.ram + handler_at(AT_TARGET), iret, sizeof(iret));
	else
		memcpy(program_at(), int_n, sizeof(int_n));
	machine_wrote(&m, CODE_LO, CODE_HI - CODE_LO);
	machine_wrote(&m, AT_TARGET, 0x200);
	if (!out && v86 && one_in(3))
		return write_trapping();
	if (out)
		return (struct insn){
			.op = OP_IRET, .len = prefix ? 2 : 1, .osize = gate32 ? 4 : 2, .asize = 4
		};
	return (struct insn){ .op = OP_INT, .len = 2, .imm = VECTOR, .asize = 4 };
}

/* The state that the test begins with, over and over: C does it, C notes it, the stub does it, with
 * so many HLT behind it. */
static bool learn(unsigned halts)
{
	struct state start = save();
	u64 c = 0;
	bool down;

	memcpy(before, m.ram, IMAGE);
	for (unsigned i = 0; i < 4; i++) {
		c = by_c();
		assert_true(translated(&down));
		assert_false(down);
		memcpy(m.ram, before, IMAGE);
		restore(&start);
	}
	return by_c() - c == halts;
}

static void compare(struct insn in)
{
	struct state start = save();
	static struct cpu end;
	bool down, down_c;

	memcpy(before, m.ram, IMAGE);
	if (by_instructions(in, &down_c)) {
		end = m.cpu;
		memcpy(after, m.ram, IMAGE);
		memcpy(m.ram, before, IMAGE);
		restore(&start);
		assert_true(translated(&down));
		assert_int_equal(down, down_c);
		if (!down)
			assert_same(&end, &m.cpu);
		assert_memory_equal(m.ram, after, IMAGE);
	}
	memcpy(m.ram, before, IMAGE);
	restore(&start);
}

static void some_changes(void)
{
	for (unsigned n = (u32)rnd() % 3; n--;)
		change();
	m.cpu.eflags &= ~EFLAGS_TF;
}

/* Most of these programs are known, the others wait for C each time. */
static void in(void **state)
{
	unsigned known = 0;

	random_state = 4;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct insn insn;

		some_kind(i);
		usual();
		insn = write_code(false);
		known += learn(1);
		some_changes();
		compare(insn);
		guest_setup(state);
	}
	assert_in_range(known, ROUNDS / 10 * 9, ROUNDS);
}

static void out(void **state)
{
	unsigned known = 0, tried = 0;

	random_state = 5;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct insn insn;

		some_kind(i);
		if (v86 && !gate32)
			continue; /* 16 bits of flags cannot lead to V86 mode */
		usual();
		insn = write_code(true);
		assert_int_equal(cpu_deliver(&m.cpu, VECTOR, EVENT_EXTERNAL, false, 0), CPU_JUMP);
		tried++;
		known += learn(2);
		if (one_in(3))
			flip(frame_at(), gate32 ? 36 : 18);
		some_changes();
		compare(insn);
		guest_setup(state);
	}
	assert_in_range(known, tried / 4, tried);
}

/* --- A program that calls, CALLS times: EDX counts what its handler, EBX what another one is
 * called. */

#define HANDLER_2 (AT_TARGET + 0x100)
#define S	  FREE
#define IDT_GATE  (AT_IDT + 8 * VECTOR)

/* At the tenth call before the last the handler does code[]. */
static void calls(const u8 *code, u32 len)
{
	const u8 begin[] = { 0x42, 0x89, 0x25, IMM32(AT_COUNT), 0x83, 0xf9, 10, 0x75, (u8)len };
	const u8 end[] = { 0xcf };

	CODE(AT_CODE, 0xcd, VECTOR, 0x49, 0x75, 0xfb, INT_END);
	CODE(HANDLER_2, 0x43, 0xcf);
	set_code(AT_TARGET, begin, sizeof(begin));
	set_code(AT_TARGET + sizeof(begin), code, len);
	set_code(AT_TARGET + sizeof(begin) + len, end, sizeof(end));
	set_ring(3);
	cpu_set_eflags(&m.cpu, EFLAGS_ONE);
	m.cpu.gpr[REG_ECX] = CALLS;
	m.cpu.gpr[REG_EBX] = m.cpu.gpr[REG_EDX] = 0;
}
#define CALLS_DO(...)                               \
	do {                                        \
		const u8 code_[] = { __VA_ARGS__ }; \
		calls(code_, sizeof(code_));        \
	} while (0)

static int setup(void **state)
{
	guest_setup(state);
	gdt(S, 0, 0xfffff, ATTR_CODE32);
	gdt(S + 8, 0, 0xfffff, ATTR_DATA32);
	idt(VECTOR, S, AT_TARGET, 0xee);
	put(AT_TSS + 8, S + 8, 2);
	return 0;
}

static void assert_other_handler(void)
{
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(m.cpu.gpr[REG_EDX], CALLS - 9);
	assert_int_equal(m.cpu.gpr[REG_EBX], 9);
}

static void taken(void **state)
{
	u64 c;

	(void)state;
	CALLS_DO(0x90);
	c = by_c();
	assert_int_equal(guest_run(), VEC_END);
	assert_in_range(by_c() - c, 1, 10);
	assert_int_equal(m.cpu.gpr[REG_EDX], CALLS);
	assert_int_equal(get(AT_COUNT, 4), STACK_TSS - 20);
}

/* mov word [gate], HANDLER_2 */
static void gate(void **state)
{
	(void)state;
	CALLS_DO(0x66, 0xc7, 0x05, IMM32(IDT_GATE), IMM16(HANDLER_2));
	assert_other_handler();
}

/* mov dword [esp0], ..; and mov word [ss0], DATA0; mov esi, ss at each call tells. */
static void tss_stack(void **state)
{
	CALLS_DO(0xc7, 0x05, IMM32(AT_TSS + 4), IMM32(STACK_TSS - 0x100));
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(get(AT_COUNT, 4), STACK_TSS - 0x100 - 20);

	setup(state);
	CALLS_DO(0x66, 0xc7, 0x05, IMM32(AT_TSS + 8), IMM16(0)); /* #TS, and on its way again */
	assert_int_equal(guest_run(), SHUT_DOWN);
	assert_int_equal(m.cpu.gpr[REG_ECX], 9);
}

/* and byte [..], 7fh: not present */
static void descriptors(void **state)
{
	CALLS_DO(0x80, 0x25, IMM32(AT_GDT + S + 5), 0x7f);
	assert_fault(VEC_NP, S, AT_CODE);
	assert_int_equal(m.cpu.gpr[REG_ECX], 9);

	setup(state);
	CALLS_DO(0x80, 0x25, IMM32(AT_GDT + S + 8 + 5), 0x7f);
	assert_int_equal(guest_run(), SHUT_DOWN);
	assert_int_equal(m.cpu.gpr[REG_ECX], 9);

	setup(state);
	CALLS_DO(0x80, 0x25, IMM32(AT_GDT + (CODE3 & ~7u) + 5), 0x7f);
	assert_int_equal(guest_run(), VEC_NP);
	assert_int_equal(m.cpu.gpr[REG_ECX], 10);

	setup(state);
	CALLS_DO(0x80, 0x25, IMM32(AT_GDT + (DATA3 & ~7u) + 5), 0x7f);
	assert_int_equal(guest_run(), VEC_SS);
	assert_int_equal(m.cpu.gpr[REG_ECX], 10);
}

/* LIDT, LGDT and LTR: other tables, with another gate, code segment and stack. */
static void tables(void **state)
{
	const u32 other = 0x12000, image = AT_DATA + 0x900;

	memcpy(m.ram + other, m.ram + AT_IDT, 0x800);
	put_gate(other + 8 * VECTOR, S, HANDLER_2, 0xee, 0);
	put(image, 0x7ff, 2);
	put(image + 2, other, 4);
	CALLS_DO(0x0f, 0x01, 0x1d, IMM32(image));
	assert_other_handler();

	setup(state);
	memcpy(m.ram + other, m.ram + AT_GDT, 0x100);
	put_descriptor(other + S, HANDLER_2 - AT_TARGET, 0xfffff, ATTR_CODE32);
	put(image, 0xff, 2);
	put(image + 2, other, 4);
	CALLS_DO(0x0f, 0x01, 0x15, IMM32(image));
	assert_other_handler();

	setup(state);
	put(AT_TSS_B + 4, STACK_TSS - 0x200, 4);
	put(AT_TSS_B + 8, S + 8, 2);
	CALLS_DO(0x66, 0xb8, IMM16(TSS_B), 0x0f, 0x00, 0xd8); /* mov ax, ..; ltr ax */
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(get(AT_COUNT, 4), STACK_TSS - 0x200 - 20);
}

/* A device writes to the table when the handler reads its port. */
static u32 dma(struct machine *machine, u16 port, unsigned size)
{
	const u16 handler = HANDLER_2;

	(void)port;
	(void)size;
	gpmem_write(&machine->mem, IDT_GATE, &handler, sizeof(handler));
	return 0;
}

/* The table is beyond the first MiB; without A20 it is AT_IDT, with another handler. */
static u32 a20(struct machine *machine, u16 port, unsigned size)
{
	(void)port;
	(void)size;
	machine->cpu.a20_mask = ~(u64)BIT(20);
	cpu_translations_changed(&machine->cpu, PAGING_A20, 0);
	return 0;
}

/* An interrupt, which waits for the program's IF. */
static u32 interrupt(struct machine *machine, u16 port, unsigned size)
{
	(void)port;
	(void)size;
	machine->pending_vector = 0x40;
	recomp_signal(&machine->cpu, CPU_EVENT_INTR);
	return 0;
}

#define IN_AL 0xe4, 0x77

static void devices(void **state)
{
	CALLS_DO(IN_AL);
	m.port_value = dma;
	assert_other_handler();

	setup(state);
	memcpy(m.ram + MiB + AT_IDT, m.ram + AT_IDT, 0x800);
	idt(VECTOR, S, HANDLER_2, 0xee);
	m.cpu.idtr.base = MiB + AT_IDT;
	CALLS_DO(IN_AL);
	m.port_value = a20;
	assert_other_handler();
	m.cpu.a20_mask = ~0ull;

	setup(state);
	CALLS_DO(IN_AL);
	m.port_value = interrupt;
	m.cpu.vif = EFLAGS_IF;
	assert_int_equal(guest_run(), 0x40);
	assert_int_equal(frame(0), AT_CODE + 2);
	assert_int_equal(m.cpu.gpr[REG_ECX], 10);
	m.port_value = NULL;
	m.cpu.events = 0;
}

/* The handler calls code on its stack's page, which is watched from then on: each frame goes
 * through C, which drops that code if the frame lies there. */
static void watched_stack(void **state)
{
	const u32 code = STACK_TSS - 0x40, from = AT_TARGET + 12 + 5;
	u64 c;

	(void)state;
	CODE(STACK_TSS - 0x40, 0xc3);
	CALLS_DO(0xe8, IMM32(code - from));
	c = by_c();
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(m.cpu.gpr[REG_EDX], CALLS);
	assert_in_range(by_c() - c, 15, 40);
}

/* Flags that IRET pops, or has: TF, IOPL and NT. */
static void flags(void **state)
{
	CALLS_DO(0x81, 0x4c, 0x24, 8, IMM32(EFLAGS_TF)); /* or dword [esp + 8], .. */
	assert_int_equal(guest_run(), VEC_DB);
	assert_int_equal(m.cpu.gpr[REG_ECX], 9);

	setup(state);
	CALLS_DO(0x81, 0x4c, 0x24, 8, IMM32(EFLAGS_IOPL));
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(m.cpu.gpr[REG_EDX], CALLS);
	assert_int_equal(frame(2) & EFLAGS_IOPL, EFLAGS_IOPL);

	setup(state);
	CALLS_DO(0x9c, 0x81, 0x0c, 0x24, IMM32(EFLAGS_NT), 0x9d); /* pushf; or [esp], ..; popf */
	assert_int_equal(guest_run(), VEC_TS);
	assert_int_equal(m.cpu.gpr[REG_ECX], 10);
}

/* mov eax, ..; mov cr4, eax: RDTSC is CPL 0's. */
static void control(void **state)
{
	(void)state;
	CALLS_DO(0xb8, IMM32(CR4_TSD), 0x0f, 0x22, 0xe0);
	CODE(AT_CODE, 0xcd, VECTOR, 0x53, 0x52, 0x0f, 0x31, 0x5a, 0x5b, 0x49, 0x75, 0xf5, INT_END);
	assert_fault(VEC_GP, 0, AT_CODE + 4);
	assert_int_equal(m.cpu.gpr[REG_ECX], 10);
}

/* The guest's data breakpoint on the stack, and one on the handler's first instruction. */
static void breakpoints(void **state)
{
	/* mov eax, ..; mov dr0, eax; mov eax, ..; mov dr7, eax */
	CALLS_DO(0xb8, IMM32(STACK_TSS - 4), 0x0f, 0x23, 0xc0, 0xb8, IMM32(0x402 | 0xd0000), 0x0f,
		 0x23, 0xf8);
	assert_int_equal(guest_run(), VEC_DB);
	assert_int_equal(frame(0), AT_TARGET);
	assert_int_equal(m.cpu.gpr[REG_ECX], 9);

	setup(state);
	CALLS_DO(0xb8, IMM32(AT_TARGET), 0x0f, 0x23, 0xc0, 0xb8, IMM32(0x402), 0x0f, 0x23, 0xf8);
	assert_int_equal(guest_run(), VEC_DB);
	assert_int_equal(frame(0), AT_TARGET);
	assert_int_equal(m.cpu.gpr[REG_ECX], 9);
}

/* The debugger waits for a change of mode, and for #GP, when both ways are known. */
static void debugger(void **state)
{
	const struct cpu_stop gp = { .kind = STOP_EXCEPTION, .gla = VEC_GP, .len = 1 };
	const struct cpu_stop mode = { .kind = STOP_MODE, .len = 1 };

	(void)state;
	CODE(AT_CODE, 0xcd, VECTOR, 0x49, 0x75, 0xfb, 0x0f, 0x0b); /* all INT trap */
	CODE(AT_TARGET, 0x83, 0xc4, 4, 0x83, 0x04, 0x24, 2, 0xcf); /* passes two bytes over */
	idt(VEC_GP, S, AT_TARGET, 0x8e);
	for (unsigned i = 0; i < 3; i++) {
		if (i == 1)
			assert_int_equal(cpu_stop_add(&m.cpu, &gp), 0);
		if (i == 2)
			assert_int_equal(cpu_stop_add(&m.cpu, &mode), 0);
		for (unsigned s = 0; s < SEG_COUNT; s++)
			cpu_set_v86_segment(&m.cpu, s, 0);
		cpu_set_eflags(&m.cpu, EFLAGS_VM);
		m.cpu.cpl = 3;
		m.cpu.eip = AT_CODE;
		m.cpu.gpr[REG_ECX] = CALLS;
		m.cpu.gpr[REG_ESP] = 0x800;
		if (!i)
			assert_int_equal(guest_run(), VEC_UD);
		else
			assert_int_equal(machine_run(&m), RECOMP_STOP);
		if (i)
			cpu_stop_remove(&m.cpu, i == 1 ? &gp : &mode);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		GUEST_TEST(in),	     GUEST_TEST(out),	TEST(taken),   TEST(gate),
		TEST(tss_stack),     TEST(descriptors), TEST(tables),  TEST(devices),
		TEST(watched_stack), TEST(flags),	TEST(control), TEST(breakpoints),
		TEST(debugger),
	};

	return cmocka_run_group_tests_name("stub_ring", tests, guest_create, guest_destroy);
}
