/* SPDX-License-Identifier: MIT */
/*
 * recomp_run_after_iret() beside recomp_run(): a program's system call is delivered where the IRET
 * of the last one left, after the program, the tables, the handler's code or what is pending has
 * changed in up to two ways. Both must end in the same registers, memory and exit. Alone: make
 * build/unit/test_after_iret && build/unit/test_after_iret
 */
#include "emu/jit/recomp_mode.h"
#include "tests/unit/guest_fixture.h"
#include "tests/unit/random.h"

#define ROUNDS	4000u
#define VECTOR	0x80u
#define IRQ	0x41u
#define CODE_N	FREE /* other segments for the handler: a page further on */
#define STACK_N (FREE + 8)
#define IMAGE	0x10000u /* as much memory as these tests touch */
#define CLD	0xfc
#define PUSHF	0x9c
#define POP_EBX 0x5b
#define INC_EAX 0x40
#define DEC_EAX 0x48
#define IRET	0xcf

static u8 before[IMAGE], after[IMAGE];

/* The program's INT n has come to the monitor. */
static void deliver(void)
{
	struct cpu *c = &m.cpu;

	c->eip += 2;
	if (!cpu_deliver_int(c, VECTOR))
		assert_int_equal(cpu_deliver(c, VECTOR, EVENT_SOFT_INT, false, 0), CPU_JUMP);
}

/* The handler, and what lies in its place with another segment, and with other page tables. */
static void handlers(void)
{
	CODE(AT_TARGET, CLD, PUSHF, POP_EBX, INC_EAX, IRET);
	CODE(AT_TARGET + 0x1000, DEC_EAX, IRET);
	CODE(AT_TARGET + 0x2000, IRET);
}

/* A program in ring 3 that was left by an IRET; the ways there and back are known. */
static void usual(void)
{
	struct cpu *c = &m.cpu;

	gdt(CODE_N, 0x1000, 0xfffff, ATTR_CODE32);
	gdt(STACK_N, 0x1000, 0xfffff, ATTR_DATA32);
	idt(VECTOR, CODE0, AT_TARGET, 0xee | ((u32)rnd() & 1));
	handlers();
	guest_paging();
	set_ring(3);
	set_segment(SEG_GS, 0);
	cpu_set_eflags(c, EFLAGS_ONE | EFLAGS_IF);
	m.leave = true;
	for (unsigned i = 0; i < 3; i++) {
		deliver();
		assert_int_equal(machine_run(&m), i ? RECOMP_IRET : RECOMP_LEAVE);
		assert_int_equal(c->cpl, 3);
	}
}

static void change(void)
{
	struct cpu *c = &m.cpu;

	switch ((u32)rnd() % 10) {
	case 0:
		c->gpr[(u32)rnd() % 8] ^= 1u << (u32)rnd() % 10;
		break;
	case 1:
		cpu_set_eflags(c, cpu_eflags(c) ^ (1u << (u32)rnd() % 22 &
						   ~(u32)(EFLAGS_VM | EFLAGS_IOPL)));
		break;
	case 2: /* taken at once where the gate keeps IF, else behind the IRET */
		m.pending_vector = IRQ;
		recomp_signal(c, CPU_EVENT_INTR);
		break;
	case 3:
		recomp_signal(c, one_in(2) ? CPU_EVENT_YIELD : CPU_EVENT_NMI);
		break;
	case 4:
		set_page(AT_TARGET, (AT_TARGET + 0x2000) | 7);
		cpu_translations_changed(c, PAGING_CR3, 0);
		break;
	case 5:
		put(AT_TARGET, DEC_EAX, 1);
		break;
	case 6:
		idt(VECTOR, CODE_N, AT_TARGET, 0xee);
		break;
	case 7:
		c->dr[0] = AT_TARGET + ((u32)rnd() & 1);
		c->dr[7] = 0x401;
		cpu_debug_changed(c);
		break;
	case 8:
		put(AT_TSS + 8, STACK_N, 2);
		break;
	case 9:
		c->debug_hits = DR6_BS;
		break;
	}
}

static void assert_same(const struct cpu *a, const struct cpu *b)
{
	assert_memory_equal(a->gpr, b->gpr, sizeof(a->gpr));
	assert_int_equal(a->eip, b->eip);
	assert_int_equal(cpu_eflags(a), cpu_eflags(b));
	assert_memory_equal(a->seg, b->seg, sizeof(a->seg));
	assert_memory_equal(a->dr, b->dr, sizeof(a->dr));
	assert_int_equal(a->cpl, b->cpl);
	assert_int_equal(a->shadow, b->shadow);
	assert_int_equal(a->events, b->events);
	assert_int_equal(a->debug_hits, b->debug_hits);
	assert_int_equal(a->halted, b->halted);
}

/* What the recompiler has in struct cpu was put back with it: it shall look at everything. */
static void forget_mode(void)
{
	u8 cpl = m.cpu.cpl;

	m.cpu.cpl = cpl ^ 3;
	recomp_mode(m.cpu.recomp);
	m.cpu.cpl = cpl;
}

static void both(void)
{
	static struct cpu start, end;
	enum recomp_exit exit;
	int pending = m.pending_vector;

	deliver();
	start = m.cpu;
	memcpy(before, m.ram, IMAGE);
	exit = machine_run_after_iret(&m);
	end = m.cpu;
	memcpy(after, m.ram, IMAGE);
	memcpy(m.ram, before, IMAGE);
	m.cpu = start;
	forget_mode();
	m.pending_vector = pending;
	assert_int_equal(machine_run(&m), exit);
	assert_same(&end, &m.cpu);
	assert_memory_equal(m.ram, after, IMAGE);
}

static void changed(void **state)
{
	random_state = 1;
	for (unsigned i = 0; i < ROUNDS; i++) {
		usual();
		for (unsigned n = (u32)rnd() % 3; n--;)
			change();
		both();
		guest_setup(state);
		m.pending_vector = -1;
	}
	m.leave = false;
}

/* One call after the other: each leaves where the next one comes back to. */
static void again(void **state)
{
	u32 eax;

	(void)state;
	random_state = 1;
	usual();
	eax = m.cpu.gpr[REG_EAX];
	for (unsigned i = 0; i < 100; i++) {
		deliver();
		assert_int_equal(machine_run_after_iret(&m), RECOMP_IRET);
	}
	assert_int_equal(m.cpu.gpr[REG_EAX], eax + 100);
	m.leave = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(changed, guest_setup),
		cmocka_unit_test_setup(again, guest_setup),
	};

	return cmocka_run_group_tests(tests, guest_create, guest_destroy);
}
