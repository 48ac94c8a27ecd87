/* SPDX-License-Identifier: MIT */
/*
 * The ends of a segment of 64 KiB (SDM 3A 5.3, SDM 2A 3.1.1.3), in V86 mode: offsets wrap around,
 * operands do not. Each form runs at every offset around the ends, several times, since what met
 * the fence once is translated in another way; what it loads or stores, or its fault with the state
 * before it, is computed here.
 */
#include "tests/unit/guest_fixture.h"

#define SEG_LINEAR  0x40000u /* DS and SS: 64 KiB of bytes that tell where they are */
#define SEG_BYTES   0x10000u
#define CODE_SEG    0x600u
#define TIMES	    4u
#define DATA_FAULTS VEC_GP
#define SS_FAULTS   VEC_SS

static u8 byte_at(u32 offset)
{
	return (u8)(offset * 7 + (offset >> 8));
}

static u32 value_at(u32 offset, unsigned size)
{
	u32 v = 0;

	for (unsigned i = 0; i < size; i++)
		v |= (u32)byte_at(offset + i) << 8 * i;
	return v;
}

/* EBX, EBP, ESI and ESP have the offset in their lower halves. */
static void setup(u32 offset, u32 high)
{
	struct cpu *c = &m.cpu;

	for (u32 i = 0; i < SEG_BYTES; i++)
		m.ram[SEG_LINEAR + i] = byte_at(i);
	machine_wrote(&m, SEG_LINEAR, SEG_BYTES);
	cpu_set_eflags(c, EFLAGS_VM | EFLAGS_IOPL | EFLAGS_CF | EFLAGS_OF | EFLAGS_SF);
	for (unsigned s = 0; s < SEG_COUNT; s++)
		cpu_set_v86_segment(c, s, s == SEG_CS ? CODE_SEG : SEG_LINEAR / 16);
	c->cpl = 3;
	c->eip = 0;
	for (unsigned r = 0; r < 8; r++)
		c->gpr[r] = 0x11110000 * r + 0x1111;
	c->gpr[REG_EDI] = 0x1111;
	c->gpr[REG_EBX] = c->gpr[REG_EBP] = c->gpr[REG_ESI] = c->gpr[REG_ESP] =
		high << 16 | (offset & 0xffff);
}

/* A memory operand: mov eax or ax or al, ... */
struct form {
	const char *name;
	u8 code[6], len;
	unsigned size;
	s32 disp; /* added to the register */
	u8 fault;
};

static const struct form load[] = {
	{ "mov al, [bx]", { 0x8a, 0x07 }, 2, 1, 0, DATA_FAULTS },
	{ "mov ax, [bx]", { 0x8b, 0x07 }, 2, 2, 0, DATA_FAULTS },
	{ "mov ax, [bx + 6]", { 0x8b, 0x47, 6 }, 3, 2, 6, DATA_FAULTS },
	{ "mov ax, [bx - 2]", { 0x8b, 0x47, 0xfe }, 3, 2, -2, DATA_FAULTS },
	{ "mov ax, [bx - 1]", { 0x8b, 0x47, 0xff }, 3, 2, -1, DATA_FAULTS },
	{ "mov ax, [bp + 6]", { 0x8b, 0x46, 6 }, 3, 2, 6, SS_FAULTS },
	{ "mov ax, [bp - 4]", { 0x8b, 0x46, 0xfc }, 3, 2, -4, SS_FAULTS },
	{ "mov ax, [bp - 300h]", { 0x8b, 0x86, 0x00, 0xfd }, 4, 2, -0x300, SS_FAULTS },
	{ "mov ax, [si + 7ffeh]", { 0x8b, 0x84, 0xfe, 0x7f }, 4, 2, 0x7ffe, DATA_FAULTS },
	{ "mov ax, [si + 8000h]", { 0x8b, 0x84, 0x00, 0x80 }, 4, 2, 0x8000, DATA_FAULTS },
	{ "mov eax, [bx]", { 0x66, 0x8b, 0x07 }, 3, 4, 0, DATA_FAULTS },
	{ "mov eax, [bx - 2]", { 0x66, 0x8b, 0x47, 0xfe }, 4, 4, -2, DATA_FAULTS },
	{ "mov eax, [bp - 4]", { 0x66, 0x8b, 0x46, 0xfc }, 4, 4, -4, SS_FAULTS },
	{ "mov eax, [bp + 1]", { 0x66, 0x8b, 0x46, 1 }, 4, 4, 1, SS_FAULTS },
	{ "mov al, [bx + 5]", { 0x8a, 0x47, 5 }, 3, 1, 5, DATA_FAULTS },
	{ "mov al, [si - 3]", { 0x8a, 0x44, 0xfd }, 3, 1, -3, DATA_FAULTS },
	{ "mov ax, [bx + di]", { 0x8b, 0x01 }, 2, 2, 0x1111, DATA_FAULTS },
	{ "mov ax, [bp + di - 1112h]", { 0x8b, 0x83, 0xee, 0xee }, 4, 2, -1, SS_FAULTS },
	{ "mov eax, [bx + di + 1234h]",
	  { 0x66, 0x8b, 0x81, 0x34, 0x12 },
	  5,
	  4,
	  0x2345,
	  DATA_FAULTS },
};

/* Offsets of the operand, and of the register. */
static const s32 around[] = { -6, -4, -3, -2, -1, 0, 1, 2, 3, 0x8000 };

static void put_code(const u8 *code, unsigned len)
{
	recomp_flush(m.cpu.recomp); /* and its notes */
	set_code(AT_CODE, code, len);
	CODE(AT_CODE + 16, INT_END);
	for (unsigned i = len; i < 16; i++)
		put(AT_CODE + i, 0x90, 1);
}

/* Upper halves of registers, which 16-bit addresses do not have. */
static const u32 highs[] = { 0, 1, 0x5a5a, 0xffff };
#define SAFE 0x100u /* an offset that nothing is wrong with */

static void run_load(const struct form *f, u32 reg, u32 high)
{
	u32 offset = (reg + (u32)f->disp) & 0xffff, eax, flags;
	bool faults = offset + f->size > SEG_BYTES;
	int vector;

	setup(reg, high);
	eax = m.cpu.gpr[REG_EAX];
	flags = cpu_eflags(&m.cpu);
	vector = guest_run();
	if (vector != (faults ? f->fault : VEC_END))
		fail_msg("%s, register %x: vector %d", f->name, reg, vector);
	if (faults) {
		assert_int_equal(frame(0), 0);
		assert_int_equal(frame(1), 0);
		assert_int_equal(frame(3) & ~EFLAGS_RF, flags);
		assert_int_equal(m.cpu.gpr[REG_EAX], eax);
	} else {
		u32 mask = 0xffffffffu >> (32 - 8 * f->size);

		assert_int_equal(frame(2) & ~EFLAGS_RF, flags);
		if (m.cpu.gpr[REG_EAX] != ((eax & ~mask) | value_at(offset, f->size)))
			fail_msg("%s, register %x: %x", f->name, reg, m.cpu.gpr[REG_EAX]);
	}
}

static void operands(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(load); i++) {
		put_code(load[i].code, load[i].len);
		for (unsigned n = 0; n < ARRAY_SIZE(around) * TIMES; n++)
			run_load(&load[i], (u32)(around[n / TIMES] - load[i].disp) & 0xffff,
				 0x5a5a);
		for (unsigned n = 0; n < ARRAY_SIZE(around); n++)
			run_load(&load[i], (u32)around[n] & 0xffff, 0);
	}
}

/* Translated while the registers' upper halves are 0, which they are not later. */
static void high_operands(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(load); i++)
		for (unsigned n = 0; n < ARRAY_SIZE(around) * ARRAY_SIZE(highs); n++) {
			put_code(load[i].code, load[i].len);
			run_load(&load[i], SAFE, 0);
			run_load(&load[i],
				 (u32)(around[n / ARRAY_SIZE(highs)] - load[i].disp) & 0xffff,
				 highs[n % ARRAY_SIZE(highs)]);
		}
}

/* Offsets of 32 bits do not wrap around. */
static const struct form wide[] = {
	{ "mov al, [ebx]", { 0x67, 0x8a, 0x03 }, 3, 1, 0, DATA_FAULTS },
	{ "mov ax, [ebx]", { 0x67, 0x8b, 0x03 }, 3, 2, 0, DATA_FAULTS },
	{ "mov eax, [ebx + 6]", { 0x66, 0x67, 0x8b, 0x43, 6 }, 5, 4, 6, DATA_FAULTS },
	{ "mov eax, [ebp - 2]", { 0x66, 0x67, 0x8b, 0x45, 0xfe }, 5, 4, -2, SS_FAULTS },
	{ "mov ax, [esp + 8]", { 0x67, 0x8b, 0x44, 0x24, 8 }, 5, 2, 8, SS_FAULTS },
};
static const u32 wide_offset[] = { 0,	    1,		0x8000,	    0xfffb,  0xfffc,
				   0xfffd,  0xfffe,	0xffff,	    0x10000, 0x10001,
				   0x18000, 0x12345678, 0x80000000, ~1u };

static void run_wide(const struct form *f, u32 offset)
{
	u32 reg = offset - (u32)f->disp, eax;
	bool faults = (u64)offset + f->size > SEG_BYTES;
	int vector;

	setup(reg, reg >> 16);
	eax = m.cpu.gpr[REG_EAX];
	vector = guest_run();
	if (vector != (faults ? f->fault : VEC_END))
		fail_msg("%s, offset %x: vector %d", f->name, offset, vector);
	if (!faults) {
		u32 mask = 0xffffffffu >> (32 - 8 * f->size);

		assert_int_equal(m.cpu.gpr[REG_EAX], (eax & ~mask) | value_at(offset, f->size));
	}
}

static void wide_operands(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(wide); i++) {
		put_code(wide[i].code, wide[i].len);
		for (unsigned n = 0; n < ARRAY_SIZE(wide_offset) * TIMES; n++)
			run_wide(&wide[i], wide_offset[n / TIMES]);
		for (unsigned n = 0; n < ARRAY_SIZE(wide_offset); n++)
			run_wide(&wide[i], wide_offset[n]);
	}
}

/* Code of gcc -m16, which has no others, needs no C for them. */
static void wide_loop(void **state)
{
	u64 before;

	(void)state;
	recomp_flush(m.cpu.recomp);
	/* l: mov eax, [ebx]; mov [ebx + 8], ax; add dx, [700h]; loop l; int 30h */
	CODE(AT_CODE, 0x66, 0x67, 0x8b, 0x03, 0x67, 0x89, 0x43, 8, 0x67, 0x03, 0x15, IMM32(0x700),
	     0xe2, 0xef, INT_END);
	setup(0x1000, 0);
	m.cpu.gpr[REG_ECX] = 1000;
	m.cpu.gpr[REG_EDX] = 0;
	before = recomp_stats(m.cpu.recomp)->slow_accesses;
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(recomp_stats(m.cpu.recomp)->slow_accesses - before, 0);
	assert_int_equal(m.cpu.gpr[REG_EDX], 1000 * value_at(0x700, 2) & 0xffff);
}

/* The stack: bytes that are pushed or, negative, popped, words of size bytes. */
struct stack_form {
	const char *name;
	u8 code[4], len;
	s32 pushed;
	unsigned size;
};

static const struct stack_form stack[] = {
	{ "push ax", { 0x50 }, 1, 2, 2 },
	{ "push eax", { 0x66, 0x50 }, 2, 4, 4 },
	{ "push 1234h", { 0x68, 0x34, 0x12 }, 3, 2, 2 },
	{ "pusha", { 0x60 }, 1, 16, 2 },
	{ "pushad", { 0x66, 0x60 }, 2, 32, 4 },
	{ "pop ax", { 0x58 }, 1, -2, 2 },
	{ "pop eax", { 0x66, 0x58 }, 2, -4, 4 },
	{ "popa", { 0x61 }, 1, -16, 2 },
};

/* A word that lies across the end faults; SP wraps around between words. */
static bool stack_faults(const struct stack_form *f, u32 sp)
{
	u32 words = (u32)(f->pushed < 0 ? -f->pushed : f->pushed) / f->size;

	for (u32 n = 0; n < words; n++) {
		u32 at = (f->pushed > 0 ? sp - (n + 1) * f->size : sp + n * f->size) & 0xffff;

		if (at + f->size > SEG_BYTES)
			return true;
	}
	return false;
}

static void run_stack(const struct stack_form *f, u32 sp, u32 high)
{
	bool faults = stack_faults(f, sp);
	u32 esp_at = faults ? 4 : 3, after;
	int vector;

	setup(sp, high);
	vector = guest_run();
	if (vector != (faults ? SS_FAULTS : VEC_END))
		fail_msg("%s, SP %x: vector %d", f->name, sp, vector);
	after = faults ? sp : (sp - (u32)f->pushed) & 0xffff;
	if (frame(esp_at) != (high << 16 | after))
		fail_msg("%s, SP %x: ESP %x", f->name, sp, frame(esp_at));
	if (faults || f->pushed < 0)
		for (u32 i = 0; i < SEG_BYTES; i++)
			assert_int_equal(m.ram[SEG_LINEAR + i], byte_at(i));
	if (!faults && f->code[f->len - 1] == 0x58) {
		assert_int_equal(m.cpu.gpr[REG_EAX] & (f->size == 2 ? 0xffffu : ~0u),
				 value_at(sp, f->size));
	}
}

static void stacks(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(stack); i++) {
		put_code(stack[i].code, stack[i].len);
		for (u32 n = 0; n < TIMES; n++)
			for (u32 sp = 0; sp < 36; sp++) {
				run_stack(&stack[i], sp, 0x7b7b);
				run_stack(&stack[i], 0x10000 - 36 + sp, 0x7b7b);
			}
	}
}

static void high_stacks(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(stack); i++)
		for (u32 n = 0; n < 72 * ARRAY_SIZE(highs); n++) {
			put_code(stack[i].code, stack[i].len);
			run_stack(&stack[i], SAFE, 0);
			run_stack(&stack[i], (n / ARRAY_SIZE(highs) - 36) & 0xffff,
				  highs[n % ARRAY_SIZE(highs)]);
		}
}

/* [bx + 4] wraps around at each turn: what has met the fence does not meet it again. */
static void wraps_in_a_loop(void **state)
{
	u64 before;

	(void)state;
	recomp_flush(m.cpu.recomp);
	/* l: add dx, [bx + 4]; loop l; int 30h */
	CODE(AT_CODE, 0x03, 0x57, 4, 0xe2, 0xfb, INT_END);
	setup(0xfffe, 0);
	m.cpu.gpr[REG_ECX] = 1000;
	m.cpu.gpr[REG_EDX] = 0;
	before = recomp_stats(m.cpu.recomp)->dispatches;
	assert_int_equal(guest_run(), VEC_END);
	assert_true(recomp_stats(m.cpu.recomp)->dispatches - before < 16);
	assert_int_equal(m.cpu.gpr[REG_EDX], 1000 * value_at(2, 2) & 0xffff);
}

static void run_loop(u8 opcode, u32 ecx)
{
	enum { LOOPNE, LOOPE, LOOP, JCXZ } kind = opcode & 3;
	u16 left = (u16)(kind == JCXZ ? ecx : ecx - 1);
	bool taken = kind == JCXZ ? !left : left && kind != LOOPE; /* ZF is clear */

	setup(SAFE, 0);
	m.cpu.gpr[REG_ECX] = ecx;
	m.cpu.gpr[REG_EDX] = 0;
	assert_int_equal(guest_run(), VEC_END);
	if (m.cpu.gpr[REG_EDX] != !taken || m.cpu.gpr[REG_ECX] != ((ecx & 0xffff0000) | left))
		fail_msg("%x, ECX %x: %x, %x", opcode, ecx, m.cpu.gpr[REG_ECX], m.cpu.gpr[REG_EDX]);
}

/* LOOPcc and JCXZ, translated while ECX is CX. */
static void loops(void **state)
{
	static const u32 counts[] = { 0,       1,	2,	 0x8000,     0xffff,
				      0x10000, 0x10001, 0x10002, 0xabcdffff, ~0u };

	(void)state;
	for (u8 opcode = 0xe0; opcode <= 0xe3; opcode++)
		for (unsigned i = 0; i < ARRAY_SIZE(counts) * 3; i++) {
			const u8 code[] = { opcode, 1, 0x42, INT_END }; /* over: inc dx */

			recomp_flush(m.cpu.recomp);
			set_code(AT_CODE, code, sizeof(code));
			run_loop(opcode, i % 3);
			run_loop(opcode, counts[i / 3]);
			run_loop(opcode, counts[i / 3]);
		}
}

#define END_CALLS 2u /* calls of C that the end takes */

/* Near transfers of 32 bits: the target is looked at before anything changes. */
static void run_target(bool ret, u32 target)
{
	bool faults = target >= SEG_BYTES;
	u32 sp = SAFE;
	u64 calls;
	int vector;

	setup(sp, 0);
	m.cpu.gpr[REG_ECX] = target;
	put(SEG_LINEAR + sp, target, 4);
	machine_wrote(&m, SEG_LINEAR + sp, 4);
	calls = recomp_stats(m.cpu.recomp)->hard_execs;
	vector = guest_run();
	if (vector != (faults ? VEC_GP : VEC_END))
		fail_msg("target %x: vector %d", target, vector);
	if (!faults)
		assert_true(recomp_stats(m.cpu.recomp)->hard_execs <= calls + END_CALLS);
	assert_int_equal(m.cpu.gpr[REG_ECX], target);
	if (faults)
		assert_int_equal(frame(1), 0);
	assert_int_equal((u16)frame(3 + faults), faults ? sp : ret ? sp + 4 : sp - 4);
}

static void targets(void **state)
{
	static const u8 code[2][3] = { { 0x66, 0xff, 0xd1 }, { 0x66, 0xc3 } }; /* call ecx; ret */
	static const u32 target[] = { 16, 0x10000, 16, 0x10010, 0xffffffff, 16 };

	(void)state;
	for (unsigned ret = 0; ret < 2; ret++)
		for (unsigned i = 0; i < ARRAY_SIZE(target) * TIMES; i++) {
			put_code(code[ret], 3 - ret);
			run_target(ret, target[i / TIMES]);
			run_target(ret, target[i / TIMES]);
		}
}

/* popl [eax + 4] and pop word [eax], as firmware has them. */
static void pops_to_memory(void **state)
{
	static const u8 code[] = { 0x67, 0x66, 0x8f, 0x40, 4, 0x67, 0x8f, 0x00 };
	u64 calls;

	(void)state;
	put_code(code, sizeof(code));
	for (unsigned i = 0; i < TIMES; i++) {
		setup(SAFE, i & 1 ? 0x5a5a : 0);
		m.cpu.gpr[REG_EAX] = 0x3000;
		calls = recomp_stats(m.cpu.recomp)->hard_execs;
		assert_int_equal(guest_run(), VEC_END);
		assert_memory_equal(m.ram + SEG_LINEAR + 0x3004, m.ram + SEG_LINEAR + SAFE, 4);
		assert_memory_equal(m.ram + SEG_LINEAR + 0x3000, m.ram + SEG_LINEAR + SAFE + 4, 2);
		assert_int_equal((u16)frame(3), SAFE + 6);
		if (!(i & 1))
			assert_true(recomp_stats(m.cpu.recomp)->hard_execs <= calls + END_CALLS);
	}
}

int main(void)
{
	const struct CMUnitTest fence[] = {
		GUEST_TEST(operands),	     GUEST_TEST(high_operands), GUEST_TEST(wide_operands),
		GUEST_TEST(wide_loop),	     GUEST_TEST(stacks),	GUEST_TEST(high_stacks),
		GUEST_TEST(wraps_in_a_loop), GUEST_TEST(loops),		GUEST_TEST(targets),
		GUEST_TEST(pops_to_memory),
	};

	return cmocka_run_group_tests(fence, guest_create, guest_destroy);
}
