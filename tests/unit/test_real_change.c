/* SPDX-License-Identifier: MIT */
/*
 * The short INT n of real mode and IRET of real and V86 mode (emu/cpu/real_change.c), and the
 * translated ones (emu/trans/trans_int.c), beside the long ones: random states, where the short way
 * is gone in most. Both must end in the same registers and memory; where the short way says no,
 * nothing may have changed.
 */
#include "emu/block/recomp_internal.h"
#include "emu/cpu/transfer.h"
#include "emu/jit/recomp.h"
#include "tests/unit/random.h"
#include "tests/unit/two_ways.h"

#define ROUNDS	  8000u
#define STACK_SEG 0x400u

static u32 some_sp(void)
{
	u32 r = (u32)rnd();

	return one_in(8) ? r & 0xffff : one_in(4) ? (r & 15) - 8 : 0x1000 + (r & 0xfff);
}

static void some_state(bool v86)
{
	struct cpu *c = &m.cpu;

	c->cr0 = v86 ? c->cr0 | CR0_PE : c->cr0 & ~CR0_PE;
	cpu_set_eflags(c, ((u32)rnd() & (EFLAGS_ARITH | EFLAGS_IF | EFLAGS_IOPL | EFLAGS_NT)) |
				  (v86 ? EFLAGS_VM : 0));
	if (v86 && !one_in(8))
		c->eflags |= EFLAGS_IOPL;
	c->cpl = v86 ? 3 : 0;
	for (unsigned s = 0; s < SEG_COUNT; s++)
		cpu_set_v86_segment(c, s, STACK_SEG + ((u32)rnd() & 0xff));
	if (!v86)
		for (unsigned s = 0; s < SEG_COUNT; s++)
			c->seg[s].attr = 0x93;
	if (one_in(16))
		c->seg[SEG_SS].limit = one_in(2) ? 0xffffffff : 0xfff;
	if (one_in(32))
		c->seg[SEG_SS].attr |= SEG_ATTR_DB;
	if (one_in(32))
		c->seg[SEG_CS].limit = 0xfff;
	c->gpr[REG_ESP] = (u32)rnd() << 16 | (some_sp() & 0xffff);
	c->eip = (u32)rnd() & 0xffff;
	c->idtr = (struct cpu_table){ one_in(4) ? AT_IDT : 0, one_in(8) ? 0x7f : 0x3ff };
	c->nmi_blocked = (u32)rnd() & 1;
	c->shadow = 0;
	for (u32 i = 0; i < 0x1000; i += 4)
		put(i, (u32)rnd(), 4);
	for (u32 i = 0; i < 16; i += 2)
		put(c->seg[SEG_SS].base + ((c->gpr[REG_ESP] + i) & 0xffff), (u32)rnd() & 0xffff, 2);
}

/* Fills the TLB by the long way first. True: the short one was gone. */
static bool compare(bool (*short_way)(void), enum cpu_result (*long_way)(void))
{
	static struct cpu start, end;
	enum cpu_result res;
	struct softtlb tlb;
	bool gone;

	start = m.cpu;
	memcpy(before, m.ram, IMAGE);
	res = long_way();
	end = m.cpu;
	tlb = m.cpu.tlb;
	memcpy(after, m.ram, IMAGE);
	memcpy(m.ram, before, IMAGE);
	m.cpu = start;
	m.cpu.tlb = tlb;
	gone = short_way();
	assert_same(&m.cpu, gone ? &end : &start);
	assert_memory_equal(m.ram, gone ? after : before, IMAGE);
	assert_true(!gone || res == CPU_JUMP);
	return gone;
}

static u8 vector;

static bool short_in(void)
{
	return real_change_in(&m.cpu, vector, m.cpu.eip + 2);
}

static enum cpu_result long_in(void)
{
	const struct insn in = { .op = OP_INT, .len = 2, .osize = 2, .asize = 2, .imm = vector };

	return cpu_hard_exec(&m.cpu, &in);
}

static bool short_out(void)
{
	return real_change_out(&m.cpu);
}

static enum cpu_result long_out(void)
{
	const struct insn in = { .op = OP_IRET, .len = 1, .osize = 2, .asize = 2 };

	return cpu_hard_exec(&m.cpu, &in);
}

static void test_in(void **state)
{
	unsigned gone = 0;

	random_state = 1;
	for (unsigned i = 0; i < ROUNDS; i++) {
		guest_setup(state);
		some_state(one_in(16));
		vector = (u8)rnd();
		gone += compare(short_in, long_in);
	}
	assert_in_range(gone, ROUNDS / 2, ROUNDS);
}

static void test_out(void **state)
{
	unsigned gone = 0;

	random_state = 2;
	for (unsigned i = 0; i < ROUNDS; i++) {
		guest_setup(state);
		some_state(i & 1);
		gone += compare(short_out, long_out);
	}
	assert_in_range(gone, ROUNDS / 2, ROUNDS);
}

/* --- Translated */

#define TRANSLATED_ROUNDS 4000u

/* Where the instruction lies; what it leads to is nowhere yet. */
static void put_code(const u8 *bytes, u32 len)
{
	struct cpu *c = &m.cpu;

	c->eip &= MIN(c->seg[SEG_CS].limit, 0x7fffu) - 15;
	for (u32 i = 0; i < len; i++)
		put(c->seg[SEG_CS].base + c->eip + i, bytes[i], 1);
}

static void some_translated_state(bool v86)
{
	struct cpu *c = &m.cpu;

	some_state(v86);
	for (unsigned s = 0; v86 && s < SEG_COUNT; s++) /* as V86 mode has them always */
		cpu_set_v86_segment(c, s, c->seg[s].sel);
	c->idtr.base = one_in(2) ? 0 : (u32)rnd() & 0xffff;
	c->eflags |= one_in(8) ? EFLAGS_ID : one_in(16) ? EFLAGS_AC : 0;
	c->eflags |= one_in(8) ? EFLAGS_VIF : one_in(8) ? EFLAGS_VIP : 0;
	if (one_in(2))
		c->gpr[REG_ESP] &= 0xffff;
	if (one_in(64))
		c->cr4 |= CR4_VME;
}

/* True: without C. */
static bool compare_translated(enum cpu_result (*long_way)(void))
{
	static struct cpu start, end;
	u64 in_c = recomp_stats(m.cpu.recomp)->hard_execs;

	start = m.cpu;
	memcpy(before, m.ram, IMAGE);
	if (long_way() == CPU_FAULT)
		cpu_deliver_fault(&m.cpu);
	end = m.cpu;
	memcpy(after, m.ram, IMAGE);
	memcpy(m.ram, before, IMAGE);
	m.cpu = start;
	m.leave = true; /* behind the instruction, or where it is to be done again in C */
	for (unsigned i = 0;
	     i < 4 && m.cpu.eip == start.eip && m.cpu.gpr[REG_ESP] == start.gpr[REG_ESP]; i++)
		machine_run(&m);
	m.leave = false;
	assert_same(&m.cpu, &end);
	assert_memory_equal(m.ram, after, IMAGE);
	return recomp_stats(m.cpu.recomp)->hard_execs == in_c;
}

static void test_translated_in(void **state)
{
	unsigned gone = 0;

	random_state = 3;
	for (unsigned i = 0; i < TRANSLATED_ROUNDS; i++) {
		guest_setup(state);
		some_translated_state(false);
		vector = (u8)rnd();
		put_code((const u8[]){ 0xcd, vector }, 2);
		gone += compare_translated(long_in);
	}
	print_message("%u of %u INT without C\n", gone, TRANSLATED_ROUNDS);
	assert_in_range(gone, TRANSLATED_ROUNDS / 3, TRANSLATED_ROUNDS);
}

static enum cpu_result long_int3(void)
{
	const struct insn in = { .op = OP_INT3, .len = 1, .osize = 2, .asize = 2 };

	return cpu_hard_exec(&m.cpu, &in);
}

static void test_translated_int3(void **state)
{
	unsigned gone = 0;

	random_state = 4;
	for (unsigned i = 0; i < TRANSLATED_ROUNDS / 4; i++) {
		guest_setup(state);
		some_translated_state(false);
		put_code((const u8[]){ 0xcc }, 1);
		gone += compare_translated(long_int3);
	}
	assert_in_range(gone, TRANSLATED_ROUNDS / 12, TRANSLATED_ROUNDS / 4);
}

static void test_translated_out(void **state)
{
	unsigned gone[2] = { 0 };

	random_state = 5;
	for (unsigned i = 0; i < TRANSLATED_ROUNDS; i++) {
		struct cpu *c = &m.cpu;

		guest_setup(state);
		some_translated_state(i & 1);
		if (!one_in(4)) /* flags that are as they were but for some */
			put(c->seg[SEG_SS].base + ((c->gpr[REG_ESP] + 4) & 0xffff),
			    cpu_eflags(c) ^ ((u32)rnd() & (EFLAGS_ARITH | EFLAGS_IF) & ~EFLAGS_DF),
			    2);
		put_code((const u8[]){ 0xcf }, 1);
		gone[i & 1] += compare_translated(long_out);
	}
	print_message("%u, in V86 mode %u of %u IRET without C\n", gone[0], gone[1],
		      TRANSLATED_ROUNDS / 2);
	assert_in_range(gone[0], TRANSLATED_ROUNDS / 4, TRANSLATED_ROUNDS / 2);
	assert_in_range(gone[1], TRANSLATED_ROUNDS / 4, TRANSLATED_ROUNDS / 2);
}

int main(void)
{
	const struct CMUnitTest real_change[] = {
		GUEST_TEST(test_in),
		GUEST_TEST(test_out),
		GUEST_TEST(test_translated_in),
		GUEST_TEST(test_translated_int3),
		GUEST_TEST(test_translated_out),
	};

	return cmocka_run_group_tests(real_change, guest_create, guest_destroy);
}
