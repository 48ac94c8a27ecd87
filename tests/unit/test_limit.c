/* SPDX-License-Identifier: MIT */
/*
 * Segments with a limit that is neither 64 KiB nor 4 GiB (SDM 3A 5.3), at CPL 3: operands, stacks
 * of both widths, strings and near transfers of translated code, at each offset around the limit
 * and at 4 GiB. What they do, or their fault with the state before it, is computed here; and within
 * the limit C does none of it.
 */
#include "tests/unit/guest_fixture.h"

#define SEG_LINEAR 0x40000u
#define SEG_BYTES  0x30000u /* that tell where they are */
#define SMALL	   0x1234u
#define LARGE	   0x23456u
#define HUGE	   (0u - SEG_LINEAR - 0x1000) /* in pages */
#define DATA	   (FREE | 3)
#define CODE_SEL   ((FREE + 8) | 3)
#define B32	   0x400u
#define PAGES	   0x800u
#define TIMES	   3u /* what met the fence once is translated anew */
#define END_CALLS  3u /* calls of C that the end takes */

static u8 byte_at(u32 offset)
{
	return (u8)(offset * 7 + (offset >> 8) * 3 + (offset >> 16));
}

static u32 value_at(u32 offset, unsigned size)
{
	u32 v = 0;

	for (unsigned i = 0; i < size; i++)
		v |= (u32)byte_at(offset + i) << 8 * i;
	return v;
}

static void setup(u32 limit, u32 big, u32 offset)
{
	u32 last = limit == HUGE ? limit >> 12 : limit;

	for (u32 i = 0; i < SEG_BYTES; i++)
		m.ram[SEG_LINEAR + i] = byte_at(i);
	machine_wrote(&m, SEG_LINEAR, SEG_BYTES);
	gdt(DATA, SEG_LINEAR, last, 0x93 | ATTR_DPL(3) | big | (limit == HUGE ? PAGES : 0));
	set_ring(3);
	set_segment(SEG_DS, DATA);
	set_segment(SEG_ES, DATA);
	set_segment(SEG_SS, DATA);
	for (unsigned r = 0; r < 8; r++)
		m.cpu.gpr[r] = 0x01010101 * (r + 1);
	m.cpu.gpr[REG_EBX] = m.cpu.gpr[REG_EBP] = m.cpu.gpr[REG_ESI] = m.cpu.gpr[REG_EDI] =
		m.cpu.gpr[REG_ESP] = offset;
	cpu_set_eflags(&m.cpu, EFLAGS_ONE | EFLAGS_CF | EFLAGS_OF | EFLAGS_SF);
}

static void put_code(const u8 *code, unsigned len)
{
	recomp_flush(m.cpu.recomp);
	set_code(AT_CODE, code, len);
	set_code(AT_CODE + len, (const u8[]){ INT_END }, 2);
}

static u64 calls(void)
{
	const struct recomp_stats *s = recomp_stats(m.cpu.recomp);

	return s->hard_execs + s->slow_accesses;
}

/* Runs; a fault has left everything as it was, and what does not fault needs no C. */
static bool runs(const char *name, u32 offset, int fault)
{
	u64 before = calls();
	u32 flags = cpu_eflags(&m.cpu), esp = m.cpu.gpr[REG_ESP];
	int vector = guest_run();

	if (vector != (fault ? fault : VEC_END))
		fail_msg("%s, offset %x: vector %d", name, offset, vector);
	if (fault) {
		assert_int_equal(frame(0), 0);
		assert_int_equal(frame(1), AT_CODE);
		assert_int_equal(frame(3) & ~EFLAGS_RF, flags);
		assert_int_equal(frame(4), esp);
	} else if (offset < SEG_BYTES && calls() - before > END_CALLS) {
		fail_msg("%s, offset %x: %u calls", name, offset, (unsigned)(calls() - before));
	}
	return !fault;
}

struct form {
	const char *name;
	u8 code[6], len;
	unsigned size;
	s32 disp;
	int fault;
};

static const struct form load[] = {
	{ "mov al, [ebx]", { 0x8a, 0x03 }, 2, 1, 0, VEC_GP },
	{ "mov ax, [ebx]", { 0x66, 0x8b, 0x03 }, 3, 2, 0, VEC_GP },
	{ "mov eax, [ebx + 6]", { 0x8b, 0x43, 6 }, 3, 4, 6, VEC_GP },
	{ "mov eax, [ebp - 2]", { 0x8b, 0x45, 0xfe }, 3, 4, -2, VEC_SS },
	{ "mov eax, [esp + 8]", { 0x8b, 0x44, 0x24, 8 }, 4, 4, 8, VEC_SS },
	{ "mov eax, es:[edi + ecx]", { 0x26, 0x8b, 0x04, 0x0f }, 4, 4, 0x02020202, VEC_GP },
	{ "lodsd", { 0xad }, 1, 4, 0, VEC_GP },
	{ "lodsw", { 0x66, 0xad }, 2, 2, 0, VEC_GP },
};

/* Offsets of the operand from the first that is beyond the limit. */
static const s32 around[] = { -6, -5, -4, -3, -2, -1, 0, 1, 0x1000 };
static const u32 limits[] = { SMALL, LARGE, HUGE | 0xfff };

static void run_load(const struct form *f, u32 limit, u32 offset)
{
	bool faults = (u64)offset + f->size - 1 > limit, known = offset < SEG_BYTES - 4;
	u32 mask = 0xffffffffu >> (32 - 8 * f->size), eax;

	setup(limit == (HUGE | 0xfff) ? HUGE : limit, B32, offset - (u32)f->disp);
	eax = m.cpu.gpr[REG_EAX];
	if (runs(f->name, offset, faults ? f->fault : 0) && known)
		assert_int_equal(m.cpu.gpr[REG_EAX], (eax & ~mask) | value_at(offset, f->size));
}

static void operands(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(load) * ARRAY_SIZE(limits); i++) {
		const struct form *f = &load[i / ARRAY_SIZE(limits)];
		u32 limit = limits[i % ARRAY_SIZE(limits)];

		for (unsigned n = 0; n < ARRAY_SIZE(around) * TIMES; n++) {
			put_code(f->code, f->len);
			run_load(f, limit, 0x20);
			run_load(f, limit, limit + 1 + (u32)around[n / TIMES]);
			run_load(f, limit, 0u - 1 - n % 5);
		}
	}
}

/* mov [bx + 6], eax: what faults has written nothing; 16-bit addresses wrap around. */
static void stores(void **state)
{
	static const u8 code[] = { 0x67, 0x89, 0x47, 6 };

	(void)state;
	for (unsigned n = 0; n < ARRAY_SIZE(around); n++) {
		u32 at = SMALL + 1 + (u32)around[n];

		put_code(code, sizeof(code));
		setup(SMALL, B32, (at - 6) | 0xabcd0000);
		if (runs("mov [bx + 6], eax", at, at + 3 > SMALL ? VEC_GP : 0)) {
			assert_int_equal(get(SEG_LINEAR + at, 4), 0x01010101);
			continue;
		}
		for (u32 i = 0; i < SEG_BYTES; i++)
			assert_int_equal(m.ram[SEG_LINEAR + i], byte_at(i));
	}
}

/* Bytes that are pushed or, negative, popped. */
struct stack_form {
	const char *name;
	u8 code[4], len;
	s32 pushed;
};

static const struct stack_form stack[] = {
	{ "push eax", { 0x50 }, 1, 4 },
	{ "push ax", { 0x66, 0x50 }, 2, 2 },
	{ "push -2", { 0x6a, 0xfe }, 2, 4 },
	{ "push dword [ebx + 10h]", { 0xff, 0x73, 0x10 }, 3, 4 },
	{ "pushad", { 0x60 }, 1, 32 },
	{ "pop eax", { 0x58 }, 1, -4 },
	{ "pop ax", { 0x66, 0x58 }, 2, -2 },
	{ "popad", { 0x61 }, 1, -32 },
	{ "leave", { 0xc9 }, 1, -4 },
	{ "call +0", { 0xe8, 0, 0, 0 }, 4, 4 }, /* and a byte of INT's */
};

static bool stack_faults(const struct stack_form *f, u32 sp, u32 limit, u32 mask)
{
	u32 bytes = (u32)(f->pushed < 0 ? -f->pushed : f->pushed);
	u32 size = f->code[0] == 0x66 ? 2 : 4;

	if (f->code[0] == 0xff && (u64)sp + 0x10 + 3 > limit)
		return true;
	for (u32 n = 0; n < bytes; n += size) {
		u64 at = (f->pushed > 0 ? sp - n - size : sp + n) & mask;

		if (at + size - 1 > limit)
			return true;
	}
	return false;
}

static void run_stack(const struct stack_form *f, u32 sp, u32 limit, u32 big)
{
	u32 mask = big ? 0xffffffff : 0xffff;
	bool faults = stack_faults(f, sp, limit, mask);
	bool by_ds = f->code[0] == 0xff && (u64)sp + 0x13 > limit;
	u32 before;

	setup(limit, big, sp);
	before = m.cpu.gpr[REG_ESP];
	if (!runs(f->name, sp, faults ? by_ds ? VEC_GP : VEC_SS : 0))
		return;
	assert_int_equal(frame(3) & mask, (before - (u32)f->pushed) & mask);
	if (f->code[f->len - 1] == 0x58)
		assert_int_equal(m.cpu.gpr[REG_EAX] & 0xffff, value_at(sp, 2));
	if (f->code[0] == 0xc9)
		assert_int_equal(m.cpu.gpr[REG_EBP], value_at(sp, 4));
	if (f->code[0] == 0x50)
		assert_int_equal(get(SEG_LINEAR + sp - 4, 4), 0x01010101);
}

static void stacks(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(stack); i++)
		for (u32 n = 0; n < 80; n++) {
			put_code(stack[i].code, stack[i].len);
			if (stack[i].code[0] == 0xe8)
				set_code(AT_CODE + 4, (const u8[]){ 0, INT_END }, 3);
			run_stack(&stack[i], 0x100, LARGE, B32);
			run_stack(&stack[i], LARGE - 60 + n, LARGE, B32);
			run_stack(&stack[i], 40 + n, LARGE, B32);
		}
}

/* SP of 16 bits, away from where it would wrap around, which is C's. */
static void stacks_16(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(stack) - 1; i++)
		for (u32 n = 0; n < 80; n++) {
			put_code(stack[i].code, stack[i].len);
			run_stack(&stack[i], 0x100, SMALL, 0);
			run_stack(&stack[i], SMALL - 60 + n, SMALL, 0);
			run_stack(&stack[i], 40 + n, SMALL, 0);
		}
}

/* Near transfers to where CS may end: RET, JMP ECX, CALL ECX, on a flat stack. */
static void run_target(const u8 *code, unsigned len, u32 target)
{
	put_code(code, len);
	setup(LARGE, B32, 0);
	gdt(CODE_SEL, 0, AT_CODE + 0x400, 0x9b | ATTR_DPL(3) | B32);
	set_segment(SEG_CS, CODE_SEL);
	set_segment(SEG_SS, DATA3);
	m.cpu.gpr[REG_ESP] = STACK3 - 8;
	m.cpu.gpr[REG_ECX] = target;
	put(STACK3 - 8, target, 4);
	for (unsigned i = 0; i < TIMES; i++) {
		set_code(AT_CODE + 0x3ff, (const u8[]){ INT_END }, 2);
		m.cpu.eip = AT_CODE;
		runs("target", target, target > AT_CODE + 0x400 ? VEC_GP : 0);
		set_ring(3);
		set_segment(SEG_CS, CODE_SEL);
		m.cpu.gpr[REG_ESP] = STACK3 - 8;
	}
}

static void targets(void **state)
{
	static const u8 code[][2] = { { 0xc3, 0x90 }, { 0xff, 0xe1 }, { 0xff, 0xd1 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(code); i++) {
		run_target(code[i], 2, AT_CODE + 0x3ff);
		run_target(code[i], 2, AT_CODE + 0x401);
		run_target(code[i], 2, 0xffffffff);
	}
}

int main(void)
{
	const struct CMUnitTest limit[] = {
		GUEST_TEST(operands),  GUEST_TEST(stores),  GUEST_TEST(stacks),
		GUEST_TEST(stacks_16), GUEST_TEST(targets),
	};

	return cmocka_run_group_tests(limit, guest_create, guest_destroy);
}
