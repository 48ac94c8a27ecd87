/* SPDX-License-Identifier: MIT */
/*
 * The short ways between CPL 3 and 0 (emu/cpu/ring_change.c) beside the long ones: random states
 * and tables, which are made usual, gone over twice so that the way is known, and then changed in
 * one or two places. The short way and, after the TLB has forgotten everything, the long one must
 * end in the same registers, memory and fault. Alone: make build/unit/test_ring_change &&
 * build/unit/test_ring_change
 */
#include "emu/cpu/transfer.h"
#include "tests/unit/random.h"
#include "tests/unit/two_ways.h"

#define ROUNDS	30000u
#define VECTOR	0x80u
#define CODE_N	FREE /* the handler's segment, and the stack's */
#define STACK_N (FREE + 8)
#define CODE_U	(FREE + 16) /* the program's */
#define STACK_U (FREE + 24)

static const struct insn iret = { .op = OP_IRET, .len = 1, .osize = 4, .asize = 4 };
/* What a way consists of; one thing in a hundred is something else. */
static void usual(void)
{
	struct cpu *c = &m.cpu;

	gdt(CODE_N, 0, 0xfffff, ATTR_CODE32);
	gdt(STACK_N, 0, 0xfffff, ATTR_DATA32);
	gdt(CODE_U, 0, 0xfffff, ATTR_CODE32 | ATTR_DPL(3));
	gdt(STACK_U, 0, 0xfffff, ATTR_DATA32 | ATTR_DPL(3));
	idt(VECTOR, CODE_N, AT_TARGET, 0xee | ((u32)rnd() & 1));
	put(AT_TSS + 4, STACK_TSS, 4);
	put(AT_TSS + 8, STACK_N, 2);
	set_ring(3);
	set_segment(SEG_CS, CODE_U | 3);
	set_segment(SEG_SS, STACK_U | 3);
	c->eip = AT_CODE + ((u32)rnd() & 15);
	cpu_set_eflags(c, (u32)rnd() & (EFLAGS_ARITH | EFLAGS_IF | EFLAGS_ID | EFLAGS_RF));
	c->nmi_blocked = (u32)rnd() & 1;
	c->shadow = 0;
}

static void flip(u32 at, u32 len)
{
	u32 bit = (u32)rnd() % (len * 8);

	put(at + bit / 8, (u8)get(at + bit / 8, 1) ^ 1u << (bit & 7), 1);
}

/* One change somewhere; whatever it means. */
static void change(void)
{
	struct cpu *c = &m.cpu;
	static const u16 segments[] = { CODE_N, STACK_N, CODE_U, STACK_U };

	switch ((u32)rnd() % 12) {
	case 0:
		flip(AT_IDT + 8 * VECTOR, 8);
		break;
	case 1:
		flip(AT_GDT + segments[(u32)rnd() & 3], 8);
		break;
	case 2:
		flip(AT_TSS + 4, 6);
		break;
	case 3:
		cpu_set_eflags(c, cpu_eflags(c) ^ (1u << (u32)rnd() % 22 & ~(u32)EFLAGS_VM));
		break;
	case 4:
		put(AT_TSS + 4, (u32)rnd() & 1 ? (u32)rnd() % 32 : STACK_TSS - (u32)rnd() % 64, 4);
		break;
	case 5:
		c->cr0 ^= CR0_AM;
		cpu_set_eflags(c, cpu_eflags(c) | EFLAGS_AC);
		break;
	case 6:
		c->cr4 ^= (u32)rnd() & 1 ? CR4_VME : CR4_PVI;
		break;
	case 7:
		c->seg[(u32)rnd() % SEG_COUNT].attr ^= (u16)(1u << (u32)rnd() % 16);
		break;
	case 8:
		set_segment((u32)rnd() & 1 ? SEG_ES : SEG_GS, (u32)rnd() & 1 ? CODE0 : 0);
		break;
	case 9: /* through the instructions' own functions: whoever moves a table says so */
		put(AT_DATA, 0x7ff - (u32)rnd() % 0x500, 2);
		put(AT_DATA + 2, AT_IDT + ((u32)rnd() & 8), 4);
		c->cpl = 0;
		cpu_hard_exec(c, &(struct insn){ .op = OP_LIDT,
						 .len = 1,
						 .osize = 4,
						 .asize = 4,
						 .is_mem = 1,
						 .seg = SEG_DS,
						 .base = INSN_NO_REG,
						 .index = INSN_NO_REG,
						 .disp = AT_DATA });
		c->cpl = 3;
		break;
	case 10:
		gdt(TSS_B, AT_TSS_B, (u32)rnd() & 1 ? 0x67 : (u32)rnd() % 16, 0x89);
		put(AT_TSS_B + 4, STACK0, 4);
		put(AT_TSS_B + 8, (u32)rnd() & 1 ? STACK_N : DATA0, 2);
		c->cpl = 0;
		c->gpr[REG_EAX] = TSS_B;
		cpu_hard_exec(
			c, &(struct insn){
				   .op = OP_LTR, .len = 1, .osize = 2, .asize = 4, .rm = REG_EAX });
		c->cpl = 3;
		break;
	case 11:
		break;
	}
}

static enum cpu_result deliver(void)
{
	unsigned r = m.cpu.gpr[REG_EDI];

	/* With the TLB empty the first says no. */
	if (some_event(r) == EVENT_SOFT_INT && !(r & 4) && cpu_deliver_int(&m.cpu, VECTOR))
		return CPU_JUMP;
	return cpu_deliver(&m.cpu, VECTOR, some_event(r), r & 4, r >> 8);
}

static enum cpu_result go_back(void)
{
	return cpu_hard_exec(&m.cpu, &iret);
}

/* Twice there and back: the first fills the TLB, the second sees the way. */
static void learn(void)
{
	const struct cpu_way_in *w = &m.cpu.way_in[VECTOR % CPU_WAYS_IN];
	struct cpu *c = &m.cpu;

	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(cpu_deliver(c, VECTOR, EVENT_SOFT_INT, false, 0), CPU_JUMP);
		assert_int_equal(c->eip, AT_TARGET);
		assert_int_equal(go_back(), CPU_JUMP);
	}
	assert_int_equal(w->moves, c->table_moves);
	assert_int_equal(c->way_out.moves, c->table_moves);
}

static void in(void **state)
{
	(void)state;
	random_state = 1;
	for (unsigned i = 0; i < ROUNDS; i++) {
		usual();
		learn();
		m.cpu.gpr[REG_EDI] = (u32)rnd();
		for (unsigned n = (u32)rnd() % 3; n--;)
			change();
		compare_ways(deliver);
		guest_setup(state);
	}
}

static void out(void **state)
{
	(void)state;
	random_state = 2;
	for (unsigned i = 0; i < ROUNDS; i++) {
		usual();
		learn();
		assert_int_equal(cpu_deliver(&m.cpu, VECTOR, EVENT_SOFT_INT, false, 0), CPU_JUMP);
		if ((u32)rnd() & 1)
			flip(m.cpu.gpr[REG_ESP], 20);
		if (one_in(8)) {
			u32 flags = m.cpu.gpr[REG_ESP] + 8;

			put(flags, get(flags, 4) | EFLAGS_VIF | EFLAGS_VIP, 4);
			m.cpu.cr4 |= CR4_PVI;
		}
		for (unsigned n = (u32)rnd() % 3; n--;)
			change();
		m.cpu.cpl = one_in(16) ? 3 : 0;
		compare_ways(go_back);
		guest_setup(state);
	}
}

/* The pages of IDT, GDT, TSS and stack become others: before INVLPG nobody need see it, after it
 * everybody must. */
static void mapping(void **state)
{
	static const u32 page[] = { AT_IDT, AT_GDT, AT_TSS };

	for (unsigned i = 0; i < ARRAY_SIZE(page); i++) {
		struct cpu *c = &m.cpu;
		u32 other = 0x40000;

		guest_setup(state);
		guest_paging();
		usual();
		learn();
		memset(m.ram + other, 0, PAGE_SIZE); /* no gate, no segment, no stack */
		set_page(page[i], other | 7);
		cpu_translations_changed(c, PAGING_INVLPG, page[i]);
		assert_int_equal(cpu_deliver(c, VECTOR, EVENT_SOFT_INT, false, 0), CPU_FAULT);
		assert_int_equal(c->fault.vector, page[i] == AT_IDT   ? VEC_GP
						  : page[i] == AT_GDT ? VEC_GP
								      : VEC_TS);
	}
}

/* A data breakpoint on the stack is met by what the processor pushes. */
static void watched(void **state)
{
	struct cpu *c = &m.cpu;

	(void)state;
	usual();
	learn();
	c->dr[0] = STACK_TSS - 8;
	c->dr[7] = 0x403 | 1u << 16 | 3u << 18;
	cpu_debug_changed(c);
	assert_int_equal(cpu_deliver(c, VECTOR, EVENT_SOFT_INT, false, 0), CPU_JUMP);
	assert_int_equal(c->debug_hits, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, guest_setup)
	const struct CMUnitTest tests[] = { TEST(in), TEST(out), TEST(mapping), TEST(watched) };

	return cmocka_run_group_tests_name("ring_change", tests, guest_create, guest_destroy);
}
