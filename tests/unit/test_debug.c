/* SPDX-License-Identifier: MIT */
/*
 * Breakpoints (SDM 3B 17.2): DR0..DR7, instruction, data and I/O breakpoints, RF, general detect,
 * and what runs at full speed beside them. test_single_step.c has what the processor does between
 * instructions.
 */
#include "tests/unit/debug_fixture.h"

/* --- Instruction breakpoints: faults */

static void instruction_breakpoint(void **state)
{
	(void)state;
	arm(1, AT_CODE + 1, L(1) | RW(1, X, LEN1));
	CODE(AT_CODE, 0x40, 0x41, 0x42, HLT); /* inc eax, ecx, edx */
	assert_debug(1 << 1, AT_CODE + 1, 0);
	assert_int_equal(m.cpu.gpr[REG_EAX], 0x11111112);
	assert_int_equal(m.cpu.gpr[REG_ECX], 0x22222222); /* before it */
}

/* IRET with RF in the image passes it, once (SDM 3B 17.3.1.1). */
static void resume_flag(void **state)
{
	(void)state;
	arm(0, AT_CODE, G(0));
	CODE(AT_CODE, 0x40, 0xeb, 0xfd); /* inc eax; jmp back */
	m.cpu.gpr[REG_ESP] = STACK0 - 12;
	put(STACK0 - 12, AT_CODE, 4);
	put(STACK0 - 8, CODE0, 4);
	put(STACK0 - 4, EFLAGS_RF, 4);
	CODE(AT_TARGET, 0xcf);
	m.cpu.eip = AT_TARGET;
	assert_debug(1, AT_CODE, 0);
	assert_int_equal(m.cpu.gpr[REG_EAX], 0x11111112);
}

static void without_rf_it_hits_again(void **state)
{
	(void)state;
	arm(0, AT_CODE, L(0));
	CODE(AT_CODE, 0x40, HLT);
	assert_debug(1, AT_CODE, 0);
	m.cpu.eip = AT_CODE;
	m.cpu.dr[6] = NO_SIDE_EFFECTS;
	m.cpu.eflags &= ~EFLAGS_RF;
	assert_debug(1, AT_CODE, 0);
	assert_int_equal(m.cpu.gpr[REG_EAX], 0x11111111);
}

/* A fault saves RF, so that its instruction's breakpoint does not trigger again. */
static void faults_save_rf(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x0f, 0x0b);
	assert_int_equal(guest_run(), VEC_UD);
	assert_int_equal(frame(2), EFLAGS_ONE | EFLAGS_RF);
	guest_setup(state);
	CODE(AT_CODE, 0xcd, 0x40); /* software interrupts do not */
	m.cpu.eflags |= EFLAGS_RF;
	assert_int_equal(guest_run(), 0x40);
	assert_int_equal(frame(2), EFLAGS_ONE);
}

/* From raw execution an INT n comes with the RF that its #GP saved. */
static void a_software_interrupt_saves_none(void **state)
{
	(void)state;
	m.cpu.eflags |= EFLAGS_RF;
	assert_int_equal(cpu_deliver(&m.cpu, 0x40, EVENT_SOFT_INT, false, 0), CPU_JUMP);
	assert_int_equal(frame(2), EFLAGS_ONE);
}

static void disabled_ones_sleep(void **state)
{
	(void)state;
	arm(0, AT_CODE, 0);
	arm(1, AT_CODE + 1, L(2)); /* enables another */
	CODE(AT_CODE, 0x40, 0x41, HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.dr[6], NO_SIDE_EFFECTS);
}

/* By linear address: the segment's base counts. */
static void linear_address(void **state)
{
	(void)state;
	gdt(FREE, 0x100, 0xfffff, ATTR_CODE32);
	set_segment(SEG_CS, FREE);
	m.cpu.eip = AT_CODE - 0x100;
	arm(0, AT_CODE + 1, L(0));
	CODE(AT_CODE, 0x40, 0x41, HLT);
	assert_debug(1, AT_CODE + 1 - 0x100, 0);
}

/* --- Data breakpoints: traps */

static const struct {
	u8 code[8], len;
	u32 at, dr7;
	bool hit;
} data[] = {
	/* mov [8000h], eax and mov eax, [8000h], against write and access breakpoints */
	{ { 0xa3, IMM32(AT_DATA) }, 5, AT_DATA, RW(0, W, LEN4), true },
	{ { 0xa3, IMM32(AT_DATA) }, 5, AT_DATA, RW(0, RWD, LEN4), true },
	{ { 0xa1, IMM32(AT_DATA) }, 5, AT_DATA, RW(0, W, LEN4), false },
	{ { 0xa1, IMM32(AT_DATA) }, 5, AT_DATA, RW(0, RWD, LEN4), true },
	{ { 0xa3, IMM32(AT_DATA) }, 5, AT_DATA, RW(0, X, LEN1), false },
	/* neighbours: one byte inside is enough, one outside is not */
	{ { 0xa3, IMM32(AT_DATA) }, 5, AT_DATA + 3, RW(0, W, LEN1), true },
	{ { 0xa3, IMM32(AT_DATA) }, 5, AT_DATA + 4, RW(0, W, LEN1), false },
	{ { 0xa3, IMM32(AT_DATA + 1) }, 5, AT_DATA, RW(0, W, LEN1), false },
	{ { 0xa2, IMM32(AT_DATA + 3) }, 5, AT_DATA, RW(0, W, LEN4), true },
	{ { 0xa2, IMM32(AT_DATA + 4) }, 5, AT_DATA, RW(0, W, LEN4), false },
	{ { 0xa2, IMM32(AT_DATA + 1) }, 5, AT_DATA, RW(0, W, LEN2), true },
	{ { 0xa2, IMM32(AT_DATA + 2) }, 5, AT_DATA, RW(0, W, LEN2), false },
	/* low bits of the address do not count */
	{ { 0xa2, IMM32(AT_DATA) }, 5, AT_DATA + 3, RW(0, W, LEN4), true },
	/* read, modify, write; PUSH; POP; CALL; MOVS; FPU; SSE */
	{ { 0xff, 0x05, IMM32(AT_DATA) }, 6, AT_DATA, RW(0, W, LEN4), true },
	{ { 0x83, 0x3d, IMM32(AT_DATA), 0 }, 7, AT_DATA, RW(0, W, LEN4), false }, /* cmp */
	{ { 0x83, 0x3d, IMM32(AT_DATA), 0 }, 7, AT_DATA, RW(0, RWD, LEN4), true },
	{ { 0x50 }, 1, STACK0 - 4, RW(0, W, LEN4), true },
	{ { 0x50 }, 1, STACK0, RW(0, W, LEN4), false },
	{ { 0x58 }, 1, STACK0, RW(0, W, LEN4), false },
	{ { 0xad }, 1, AT_DATA + 0x100, RW(0, RWD, LEN4), true }, /* lodsd */
	{ { 0xff, 0x35, IMM32(AT_DATA) }, 6, AT_DATA, RW(0, RWD, LEN4), true },
	{ { 0xa5 }, 1, AT_DATA + 0x100, RW(0, RWD, LEN4), true }, /* source */
	{ { 0xa5 }, 1, AT_DATA + 0x200, RW(0, W, LEN4), true },	  /* destination */
	{ { 0xdd, 0x1d, IMM32(AT_DATA) }, 6, AT_DATA + 4, RW(0, W, LEN4), true },
	{ { 0x0f, 0x11, 0x05, IMM32(AT_DATA) }, 7, AT_DATA + 12, RW(0, W, LEN4), true },
	{ { 0x0f, 0x10, 0x05, IMM32(AT_DATA) }, 7, AT_DATA + 12, RW(0, RWD, LEN4), true },
	/* LEA and NOP touch nothing; nor do fetches */
	{ { 0x8d, 0x05, IMM32(AT_DATA) }, 6, AT_DATA, RW(0, RWD, LEN4), false },
	{ { 0x90 }, 1, AT_CODE, RW(0, RWD, LEN4), false },
};

static void data_breakpoints(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(data); i++) {
		guest_setup(state);
		m.cpu.cr4 = CR4_OSFXSR;
		m.cpu.gpr[REG_ESI] = AT_DATA + 0x100;
		m.cpu.gpr[REG_EDI] = AT_DATA + 0x200;
		arm(0, data[i].at, L(0) | data[i].dr7);
		memcpy(m.ram + AT_CODE, data[i].code, data[i].len);
		m.ram[AT_CODE + data[i].len] = HLT;
		if (data[i].hit) {
			assert_debug(1, AT_CODE + data[i].len, 0); /* behind it */
		} else {
			assert_int_equal(guest_run(), HALTED);
			assert_int_equal(m.cpu.dr[6], NO_SIDE_EFFECTS);
		}
	}
}

static void the_instruction_is_done(void **state)
{
	(void)state;
	arm(3, AT_DATA, G(3) | RW(3, W, LEN4));
	CODE(AT_CODE, 0xa3, IMM32(AT_DATA), HLT);
	assert_debug(1 << 3, AT_CODE + 5, 0);
	assert_int_equal(get(AT_DATA, 4), 0x11111111);
}

static void several_at_once(void **state)
{
	(void)state;
	arm(0, AT_DATA, L(0) | RW(0, W, LEN1));
	arm(2, AT_DATA + 2, L(2) | RW(2, RWD, LEN2));
	arm(3, AT_DATA + 8, L(3) | RW(3, W, LEN4));
	CODE(AT_CODE, 0xa3, IMM32(AT_DATA), HLT);
	m.cpu.eflags |= EFLAGS_TF;
	assert_debug(5 | DR6_BS, AT_CODE + 5, 0);
}

/* The access that faults has not happened. */
static void a_fault_hides_the_hit(void **state)
{
	(void)state;
	guest_paging();
	set_page(0x50000, 0);
	arm(0, AT_DATA, L(0) | RW(0, RWD, LEN4));
	/* movsd from AT_DATA to a page that is absent */
	CODE(AT_CODE, 0xa5, HLT);
	m.cpu.gpr[REG_ESI] = AT_DATA;
	m.cpu.gpr[REG_EDI] = 0x50000;
	assert_fault(VEC_PF, 2, AT_CODE);
	assert_int_equal(m.cpu.dr[6], NO_SIDE_EFFECTS);
	assert_int_equal(m.cpu.debug_hits, 0);
}

/* Pushes of a handler's frame count as writes: #DB before the handler's first instruction. */
static void frame_of_an_interrupt(void **state)
{
	(void)state;
	arm(0, STACK0 - 8, L(0) | RW(0, W, LEN4));
	CODE(AT_CODE, 0xcd, 0x40);
	assert_debug(1, HANDLER(0x40), 0);
}

static void rep_stops_at_the_iteration(void **state)
{
	(void)state;
	arm(0, AT_DATA + 8, L(0) | RW(0, W, LEN4));
	CODE(AT_CODE, 0xf3, 0xab, HLT); /* rep stosd */
	m.cpu.gpr[REG_ECX] = 6;
	m.cpu.gpr[REG_EDI] = AT_DATA;
	assert_debug(1, AT_CODE, EFLAGS_RF);
	assert_int_equal(m.cpu.gpr[REG_ECX], 3);
	assert_int_equal(m.cpu.gpr[REG_EDI], AT_DATA + 12);
	/* The last one is behind the instruction. */
	guest_setup(state);
	arm(0, AT_DATA + 8, L(0) | RW(0, W, LEN4));
	CODE(AT_CODE, 0xf3, 0xab, HLT);
	m.cpu.gpr[REG_ECX] = 3;
	m.cpu.gpr[REG_EDI] = AT_DATA;
	assert_debug(1, AT_CODE + 2, 0);
}

/* --- I/O breakpoints */

static void port_breakpoints(void **state)
{
	static const struct {
		u8 code[3], len;
		u16 at;
		u32 dr7;
		bool de, hit;
	} t[] = {
		{ { 0xe6, 0xe0 }, 2, 0xe0, RW(0, IO, LEN1), true, true },
		{ { 0xe4, 0xe0 }, 2, 0xe0, RW(0, IO, LEN1), true, true },
		{ { 0xe4, 0xe0 }, 2, 0xe0, RW(0, IO, LEN1), false, false },
		{ { 0xe4, 0xe0 }, 2, 0xe1, RW(0, IO, LEN1), true, false },
		{ { 0xe5, 0xde }, 2, 0xe1, RW(0, IO, LEN1), true, true },
		{ { 0xef }, 1, 0xe0, RW(0, IO, LEN4), true, true },
		{ { 0x6e }, 1, 0xe3, RW(0, IO, LEN1), true, true },	   /* outsb to DX */
		{ { 0xf3, 0x6e }, 2, 0xe3, RW(0, IO, LEN1), true, false }, /* ECX = 0 */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		guest_setup(state);
		m.cpu.cr4 = t[i].de ? CR4_DE : 0;
		m.cpu.gpr[REG_EDX] = 0xe3;
		m.cpu.gpr[REG_ESI] = AT_DATA;
		m.cpu.gpr[REG_ECX] = 0;
		arm(0, t[i].at, L(0) | t[i].dr7);
		memcpy(m.ram + AT_CODE, t[i].code, t[i].len);
		m.ram[AT_CODE + t[i].len] = HLT;
		if (t[i].hit) {
			assert_debug(1, AT_CODE + t[i].len, 0);
			assert_int_equal(m.ports, 1);
		} else {
			assert_int_equal(guest_run(), HALTED);
			assert_int_equal(m.cpu.dr[6], NO_SIDE_EFFECTS);
		}
	}
}

/* --- The debug registers themselves */

static void general_detect(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x0f, 0x21, 0xc0, HLT); /* mov eax, dr0 */
	m.cpu.dr[0] = 0x12345678;
	m.cpu.dr[7] = 0x400 | DR7_GD;
	assert_debug(DR6_BD, AT_CODE, EFLAGS_RF);
	assert_int_equal(m.cpu.gpr[REG_EAX], 0x11111111);
	assert_int_equal(m.cpu.dr[7], 0x400); /* so that the handler may look */
	m.cpu.eip = AT_CODE;
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_EAX], 0x12345678);
}

static void any_debug_exception_ends_gd(void **state)
{
	(void)state;
	m.cpu.dr[7] = 0x400 | DR7_GD;
	m.cpu.eflags |= EFLAGS_TF;
	CODE(AT_CODE, 0x90);
	assert_debug(DR6_BS, AT_CODE + 1, 0);
	assert_int_equal(m.cpu.dr[7], 0x400);
}

static void aliases_and_fixed_bits(void **state)
{
	(void)state;
	/* mov dr4, eax; mov dr5, ecx; mov ebx, dr6; mov edx, dr7 */
	CODE(AT_CODE, 0x0f, 0x23, 0xe0, 0x0f, 0x23, 0xe9, 0x0f, 0x21, 0xf3, 0x0f, 0x21, 0xfa, HLT);
	m.cpu.gpr[REG_EAX] = 0;
	m.cpu.gpr[REG_ECX] =
		0xfffffc00; /* enables nothing; GD would trap the last read: cleared below */
	m.cpu.gpr[REG_ECX] &= ~DR7_GD;
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_EBX], 0xffff0ff0);
	assert_int_equal(m.cpu.gpr[REG_EDX], 0xffff0400);
	guest_setup(state);
	m.cpu.cr4 = CR4_DE; /* DR4 and DR5 are #UD then */
	CODE(AT_CODE, 0x0f, 0x21, 0xe0);
	assert_int_equal(guest_run(), VEC_UD);
	guest_setup(state);
	set_ring(3);
	CODE(AT_CODE, 0x0f, 0x21, 0xc0);
	assert_fault(VEC_GP, 0, AT_CODE);
}

/* A guest that sets its own breakpoint, as debuggers do: DR7 counts from the next instruction on.
 */
static void set_by_the_guest(void **state)
{
	(void)state;
	/* mov dr0, eax; mov dr7, ecx; mov [8000h], eax; hlt */
	CODE(AT_CODE, 0x0f, 0x23, 0xc0, 0x0f, 0x23, 0xf9, 0xa3, IMM32(AT_DATA), HLT);
	m.cpu.gpr[REG_EAX] = AT_DATA;
	m.cpu.gpr[REG_ECX] = L(0) | RW(0, W, LEN4);
	assert_debug(1, AT_CODE + 11, 0);
}

/* Translated blocks from before are not used while armed, and are again afterwards. */
static void a_running_loop_meets_it(void **state)
{
	(void)state;
	/* l: mov [edi], eax; inc eax; dec ecx; jnz l; hlt */
	CODE(AT_CODE, 0x89, 0x07, 0x40, 0x49, 0x75, 0xfa, HLT);
	m.cpu.gpr[REG_EDI] = AT_DATA;
	m.cpu.gpr[REG_ECX] = 1000;
	assert_int_equal(guest_run(), HALTED);
	m.cpu.eip = AT_CODE;
	m.cpu.gpr[REG_ECX] = 1000;
	arm(0, AT_DATA, L(0) | RW(0, W, LEN4));
	assert_debug(1, AT_CODE + 2, 0);
	m.cpu.eip = AT_CODE;
	m.cpu.dr[7] = 0x400;
	cpu_debug_changed(&m.cpu);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_ECX], 0);
}

/* --- By page: what has no breakpoint runs as if there were none */

/* Addresses of their own: which instructions go through C is remembered across tests. */
#define AT_LOOP	 (AT_CODE + 0x700)
#define AT_COUNT (AT_TARGET + 0x700)

/* l: call AT_COUNT; dec ecx; jnz l; hlt. There: inc dword [AT_DATA]; ret */
static void put_pages(void)
{
	CODE(AT_LOOP, 0xe8, IMM32(AT_COUNT - (AT_LOOP + 5)), 0x49, 0x75, 0xf8, HLT);
	CODE(AT_COUNT, 0xff, 0x05, IMM32(AT_DATA), 0xc3);
}

static u64 run_pages(u32 turns)
{
	u64 before = recomp_stats(m.cpu.recomp)->dispatches;

	m.cpu.eip = AT_LOOP;
	m.cpu.gpr[REG_ECX] = turns;
	assert_int_equal(guest_run(), HALTED);
	return recomp_stats(m.cpu.recomp)->dispatches - before;
}

static void other_pages_run_at_full_speed(void **state)
{
	(void)state;
	put_pages();
	arm(0, AT_COUNT + 0x1000, L(0));
	arm(1, AT_DATA + 0x2000, L(1) | RW(1, RWD, LEN4));
	arm(2, AT_COUNT, L(2) | RW(2, W, LEN1)); /* written code is run like any other */
	assert_in_range(run_pages(10000), 1, 100);
	assert_int_equal(get(AT_DATA, 4), 10000);
	assert_int_equal(m.cpu.dr[6], NO_SIDE_EFFECTS);
}

/* What leads from page to page at full speed is cut when a breakpoint comes, and may be made again
 * when it goes. */
static void ways_between_pages_are_cut(void **state)
{
	(void)state;
	put_pages();
	/* mov dr0, eax; mov dr7, edx; jmp AT_LOOP */
	CODE(AT_LOOP + 0x40, 0x0f, 0x23, 0xc0, 0x0f, 0x23, 0xfa, 0xeb, (u8)(0 - 0x48));
	for (unsigned i = 0; i < 3; i++) {
		run_pages(1000);
		m.cpu.eip = AT_LOOP + 0x40;
		m.cpu.gpr[REG_EAX] = AT_COUNT + (i == 1 ? 6 : 0);
		m.cpu.gpr[REG_EDX] = L(0);
		m.cpu.gpr[REG_ECX] = 10;
		m.cpu.dr[6] = NO_SIDE_EFFECTS;
		assert_debug(1, AT_COUNT + (i == 1 ? 6 : 0), 0);
		assert_int_equal(m.cpu.gpr[REG_ECX], 10);
		m.cpu.dr[7] = 0x400;
		cpu_debug_changed(&m.cpu);
	}
	assert_in_range(run_pages(10000), 1, 100);
}

static void set_accesses(void)
{
	m.cpu.eip = AT_CODE;
	m.cpu.gpr[REG_ESP] = STACK0;
	m.cpu.gpr[REG_EAX] = 0;
	m.cpu.gpr[REG_ECX] = 100;
	m.cpu.gpr[REG_ESI] = 100;
	m.cpu.gpr[REG_EDI] = AT_DATA;
}

/* The second time, instructions that write are translated to call C, because they met a watched
 * page often. */
static void the_access_that_meets_it(void **state)
{
	static const struct {
		u8 code[4], len, step; /* of EDI */
	} t[] = {
		{ { 0x8b, 0x07 }, 2, 4 },	/* mov eax, [edi] */
		{ { 0x89, 0x07 }, 2, 4 },	/* mov [edi], eax */
		{ { 0x01, 0x07 }, 2, 4 },	/* add [edi], eax */
		{ { 0x87, 0x07 }, 2, 4 },	/* xchg [edi], eax */
		{ { 0xff, 0x37 }, 2, 4 },	/* push dword [edi] */
		{ { 0x0f, 0xb6, 0x07 }, 3, 4 }, /* movzx eax, byte [edi] */
		{ { 0x0f, 0x6f, 0x07 }, 3, 8 }, /* movq mm0, [edi] */
		{ { 0xd9, 0x07 }, 2, 4 },	/* fld dword [edi] */
		{ { 0xab }, 1, 0 },		/* stosd */
		{ { 0xf3, 0xab }, 2, 0 },	/* rep stosd */
		{ { 0x0f, 0xc7, 0x0f }, 3, 8 }, /* cmpxchg8b [edi] */
		{ { 0x8e, 0x1f }, 2, 4 },	/* mov ds, [edi] */
	};

	for (unsigned i = 0; i < 2 * ARRAY_SIZE(t); i++) {
		const u8 *code = t[i / 2].code;
		u32 len = t[i / 2].len, step = t[i / 2].step;

		guest_setup(state);
		for (unsigned n = 0; n < 0x200; n += 4)
			put(AT_DATA + n, code[0] == 0x8e ? DATA0 : 0, 4);
		set_code(AT_CODE, code, len);
		/* add edi, step; dec esi; jnz AT_CODE; hlt */
		put(AT_CODE + len, 0x83 | 0xc7 << 8 | step << 16, 3);
		put(AT_CODE + len + 3,
		    0x4e | 0x75 << 8 | (u32)(u8) - (len + 6) << 16 | (u32)HLT << 24, 4);
		if (i & 1) {
			gpmem_watch(&m.mem, AT_DATA, GPMEM_WATCH_RAW);
			set_accesses();
			assert_int_equal(guest_run(), HALTED);
		}
		set_accesses();
		arm(3, AT_DATA + 0x80, L(3) | RW(3, RWD, LEN4));
		assert_int_equal(guest_run(), VEC_DB);
		assert_int_equal(m.cpu.dr[6], NO_SIDE_EFFECTS | 8);
		assert_int_equal(frame(0), AT_CODE + (code[0] == 0xf3 ? 0 : len));
		assert_int_equal(m.cpu.gpr[REG_EDI], AT_DATA + 0x80 + (step ? 0 : 4));
	}
}

static const struct CMUnitTest debug_exceptions[] = {
	GUEST_TEST(instruction_breakpoint),
	GUEST_TEST(resume_flag),
	GUEST_TEST(without_rf_it_hits_again),
	GUEST_TEST(faults_save_rf),
	GUEST_TEST(a_software_interrupt_saves_none),
	GUEST_TEST(disabled_ones_sleep),
	GUEST_TEST(linear_address),
	GUEST_TEST(data_breakpoints),
	GUEST_TEST(the_instruction_is_done),
	GUEST_TEST(several_at_once),
	GUEST_TEST(a_fault_hides_the_hit),
	GUEST_TEST(frame_of_an_interrupt),
	GUEST_TEST(rep_stops_at_the_iteration),
	GUEST_TEST(port_breakpoints),
	GUEST_TEST(general_detect),
	GUEST_TEST(any_debug_exception_ends_gd),
	GUEST_TEST(aliases_and_fixed_bits),
	GUEST_TEST(set_by_the_guest),
	GUEST_TEST(a_running_loop_meets_it),
	GUEST_TEST(other_pages_run_at_full_speed),
	GUEST_TEST(ways_between_pages_are_cut),
	GUEST_TEST(the_access_that_meets_it),
};
GUEST_MAIN(debug_exceptions)
