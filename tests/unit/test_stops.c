/* SPDX-License-Identifier: MIT */
/*
 * A debugger's stops (emu/cpu/stop.h): execution, data, exceptions, single steps. They stop where
 * they should, as often as they should, with exact state, in blocks that were translated before and
 * in loops within one block; and the guest sees nothing of them.
 */
#include "tests/unit/stop_fixture.h"

#include "kernel/base/error.h"

/* --- Execution */

static void in_front_of_it(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x40, 0x41, 0x42, HLT); /* inc eax, ecx, edx */
	add(STOP_EXEC, AT_CODE + 1, 1);
	assert_stopped(machine_run(&m), STOPPED_AT, AT_CODE + 1);
	assert_int_equal(m.cpu.gpr[REG_EAX], 0x11111112);
	assert_int_equal(m.cpu.gpr[REG_ECX], 0x22222222);
	/* It is there until it is passed. */
	assert_stopped(machine_run(&m), STOPPED_AT, AT_CODE + 1);
	assert_int_equal(go_on(), RECOMP_HALT);
	assert_int_equal(m.cpu.gpr[REG_ECX], 0x22222223);
	assert_int_equal(m.cpu.gpr[REG_EDX], 0x33333334);
}

/* inc eax; dec ecx; jnz back; hlt: translated, and running in circles, before the stop is set. */
static void in_a_loop_of_one_block(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x40, 0x49, 0x75, 0xfc, HLT);
	m.cpu.gpr[REG_ECX] = 1000;
	assert_int_equal(machine_run(&m), RECOMP_HALT);
	for (u32 at = AT_CODE; at <= AT_CODE + 2; at += at == AT_CODE + 2 ? 2 : 1) {
		m.cpu.halted = false;
		m.cpu.eip = AT_CODE;
		m.cpu.gpr[REG_ECX] = 5;
		add(STOP_EXEC, at, 1);
		assert_stopped(machine_run(&m), STOPPED_AT, at);
		for (unsigned n = 1; n < 5; n++)
			assert_stopped(go_on(), STOPPED_AT, at);
		assert_int_equal(go_on(), RECOMP_HALT);
		take_away(STOP_EXEC, at, 1);
		m.cpu.halted = false;
		m.cpu.eip = AT_CODE;
		m.cpu.gpr[REG_ECX] = 5;
		assert_int_equal(machine_run(&m), RECOMP_HALT);
	}
}

/* By return and by indirect jump, whose look-up table knows the place already. */
static void found_by_the_table(void **state)
{
	(void)state;
	/* 0: call 10h; inc eax; dec ecx; jnz 0; hlt   10h: ret */
	CODE(AT_CODE, 0xe8, IMM32(0x0b), 0x40, 0x49, 0x75, 0xf7, HLT);
	CODE(AT_CODE + 0x10, 0xc3);
	m.cpu.gpr[REG_ECX] = 100;
	assert_int_equal(machine_run(&m), RECOMP_HALT);
	m.cpu.halted = false;
	m.cpu.eip = AT_CODE;
	m.cpu.gpr[REG_ECX] = 3;
	m.cpu.gpr[REG_EAX] = 0;
	add(STOP_EXEC, AT_CODE + 5, 1);
	for (u32 n = 0; n < 3; n++) {
		assert_stopped(n ? go_on() : machine_run(&m), STOPPED_AT, AT_CODE + 5);
		assert_int_equal(m.cpu.gpr[REG_EAX], n);
	}
	assert_int_equal(go_on(), RECOMP_HALT);
}

/* The middle of an instruction is no instruction, unless control comes there. */
static void the_middle_of_an_instruction(void **state)
{
	(void)state;
	CODE(AT_CODE, 0xb8, 0x40, 0x40, 0x40, 0x40, HLT); /* mov eax, 40404040h: four INC EAX */
	add(STOP_EXEC, AT_CODE + 2, 1);
	assert_int_equal(machine_run(&m), RECOMP_HALT);
	m.cpu.halted = false;
	m.cpu.eip = AT_CODE + 1;
	assert_stopped(machine_run(&m), STOPPED_AT, AT_CODE + 2);
	assert_int_equal(m.cpu.gpr[REG_EAX], 0x40404041);
}

/* By linear address, whatever CS's base is; in real mode, too. */
static void linear_address_counts(void **state)
{
	(void)state;
	gdt(FREE, 0x100, 0xfffff, ATTR_CODE32);
	set_segment(SEG_CS, FREE);
	m.cpu.eip = AT_CODE - 0x100;
	CODE(AT_CODE, 0x40, 0x41, HLT);
	add(STOP_EXEC, AT_CODE + 1, 1);
	assert_stopped(machine_run(&m), STOPPED_AT, AT_CODE + 1 - 0x100);
	setup(state);
	CODE(AT_CODE, 0x40, 0x41, HLT);
	m.cpu.cr0 &= ~CR0_PE;
	for (unsigned s = 0; s < SEG_COUNT; s++)
		m.cpu.seg[s] = (struct cpu_segment){ .attr = 0x93, .limit = 0xffff };
	m.cpu.seg[SEG_CS] = (struct cpu_segment){ 0x10, 0x9b, 0x100, 0xffff };
	m.cpu.eip = AT_CODE - 0x100;
	add(STOP_EXEC, AT_CODE + 1, 1);
	assert_stopped(machine_run(&m), STOPPED_AT, AT_CODE + 1 - 0x100);
}

/* A stop that counts only while the stack is so empty: the recursion's own calls pass it. */
static void only_where_the_frame_is_gone(void **state)
{
	/* 0: call 10h; hlt   10h: dec ecx; jz 19h; call 10h; 18h: nop; 19h: ret */
	(void)state;
	CODE(AT_CODE, 0xe8, IMM32(0x0b), HLT);
	CODE(AT_CODE + 0x10, 0x49, 0x74, 0x06, 0xe8, IMM32(0xfffffff8), 0x90, 0xc3);
	m.cpu.gpr[REG_ECX] = 6;
	assert_int_equal(cpu_stop_add(&m.cpu, &(struct cpu_stop){ .gla = AT_CODE + 0x18,
								  .len = 1,
								  .min_esp = STACK0 - 4 }),
			 0);
	assert_stopped(machine_run(&m), STOPPED_AT, AT_CODE + 0x18);
	assert_int_equal(m.cpu.gpr[REG_ESP], STACK0 - 4);
	assert_int_equal(m.cpu.gpr[REG_ECX], 0);
	assert_int_equal(go_on(), RECOMP_HALT);
}

/* The guest reads its own code, and finds what it wrote. */
static void leaves_no_trace(void **state)
{
	u8 before[64];

	(void)state;
	/* mov esi, 6000h; mov ecx, 16; add ebx, [esi]; lea esi, [esi + 4]; loop; hlt */
	CODE(AT_CODE, 0xbe, IMM32(AT_CODE), 0xb9, IMM32(16), 0x03, 0x1e, 0x8d, 0x76, 0x04, 0xe2,
	     0xf9, HLT);
	memcpy(before, m.ram + AT_CODE, sizeof(before));
	m.cpu.gpr[REG_EBX] = 0;
	assert_int_equal(machine_run(&m), RECOMP_HALT);

	u32 sum = m.cpu.gpr[REG_EBX];

	m.cpu.halted = false;
	m.cpu.eip = AT_CODE;
	m.cpu.gpr[REG_EBX] = 0;
	add(STOP_EXEC, AT_CODE + 10, 1);
	add(STOP_READ, AT_DATA, 4);
	for (unsigned n = 0; n < 16; n++)
		assert_stopped(n ? go_on() : machine_run(&m), STOPPED_AT, AT_CODE + 10);
	assert_int_equal(go_on(), RECOMP_HALT);
	assert_int_equal(m.cpu.gpr[REG_EBX], sum);
	assert_memory_equal(before, m.ram + AT_CODE, sizeof(before));
	assert_int_equal(m.cpu.dr[6], NO_SIDE_EFFECTS);
	assert_int_equal(m.cpu.eflags & EFLAGS_RF, 0);
}

/* The guest's breakpoint at the same place is met as ever, behind the debugger's. */
static void beside_the_guests_own(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x40, 0x41, HLT);
	arm(0, AT_CODE + 1, L(0));
	add(STOP_EXEC, AT_CODE + 1, 1);
	assert_stopped(machine_run(&m), STOPPED_AT, AT_CODE + 1);
	assert_int_equal(step(), RECOMP_EVENT);
	assert_int_equal(m.cpu.eip, HANDLER(VEC_DB));
	assert_int_equal(m.cpu.dr[6], NO_SIDE_EFFECTS | 1);
	assert_int_equal(frame(0), AT_CODE + 1);
}

/* --- Data */

static const struct {
	u8 code[8], len;
	u8 kind;
	u32 at, size;
	bool hit;
} data[] = {
	{ { 0xa3, IMM32(AT_DATA) }, 5, STOP_WRITE, AT_DATA, 4, true }, /* mov [8000h], eax */
	{ { 0xa3, IMM32(AT_DATA) }, 5, STOP_READ, AT_DATA, 4, false },
	{ { 0xa3, IMM32(AT_DATA) }, 5, STOP_ACCESS, AT_DATA, 4, true },
	{ { 0xa1, IMM32(AT_DATA) }, 5, STOP_WRITE, AT_DATA, 4, false }, /* mov eax, [8000h] */
	{ { 0xa1, IMM32(AT_DATA) }, 5, STOP_READ, AT_DATA, 4, true },
	{ { 0xa1, IMM32(AT_DATA) }, 5, STOP_ACCESS, AT_DATA, 4, true },
	{ { 0xa1, IMM32(AT_DATA) }, 5, STOP_READ, AT_DATA + 3, 1, true },
	{ { 0xa1, IMM32(AT_DATA) }, 5, STOP_READ, AT_DATA + 4, 1, false },
	{ { 0xa1, IMM32(AT_DATA + 1) }, 5, STOP_READ, AT_DATA, 1, false },
	{ { 0xa2, IMM32(AT_DATA + 99) }, 5, STOP_WRITE, AT_DATA, 100, true },
	{ { 0xa2, IMM32(AT_DATA + 100) }, 5, STOP_WRITE, AT_DATA, 100, false },
	{ { 0xa3, IMM32(AT_DATA + 0xffe) },
	  5,
	  STOP_WRITE,
	  AT_DATA + 0x1000,
	  1,
	  true }, /* two pages */
	{ { 0xa3, IMM32(AT_DATA + 0x1ffc) }, 5, STOP_WRITE, AT_DATA + 0xfff, 4096, true },
	{ { 0xff, 0x05, IMM32(AT_DATA) }, 6, STOP_WRITE, AT_DATA, 4, true },	 /* inc */
	{ { 0x83, 0x3d, IMM32(AT_DATA), 0 }, 7, STOP_WRITE, AT_DATA, 4, false }, /* cmp */
	{ { 0x83, 0x3d, IMM32(AT_DATA), 0 }, 7, STOP_READ, AT_DATA, 4, true },
	{ { 0x50 }, 1, STOP_WRITE, STACK0 - 4, 4, true },				/* push */
	{ { 0x58 }, 1, STOP_READ, STACK0, 4, true },					/* pop */
	{ { 0xd9, 0x1d, IMM32(AT_DATA) }, 6, STOP_WRITE, AT_DATA, 4, true },		/* fstp */
	{ { 0x0f, 0x11, 0x05, IMM32(AT_DATA) }, 7, STOP_WRITE, AT_DATA + 15, 1, true }, /* movups */
	{ { 0xaa }, 1, STOP_WRITE, AT_TARGET, 1, true },				/* stosb */
	{ { 0xcd, 0x40 }, 2, STOP_READ, AT_IDT + 0x200, 8, true }, /* the processor's own, too */
};

static void data_stops(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(data); i++) {
		setup(state);
		m.cpu.cr4 |= CR4_OSFXSR;
		m.cpu.gpr[REG_EDI] = AT_TARGET;
		set_code(AT_CODE, data[i].code, data[i].len);
		put(AT_CODE + data[i].len, 0xf49090, 3);
		add(data[i].kind, data[i].at, data[i].size);

		enum recomp_exit e = machine_run(&m);
		bool jumps = data[i].code[0] == 0xcd;

		if (!data[i].hit) {
			assert_int_equal(e, RECOMP_HALT);
			continue;
		}
		/* Behind the instruction. */
		assert_stopped(e, STOPPED_BY_DATA, jumps ? HANDLER(0x40) : AT_CODE + data[i].len);
		assert_int_equal(stops()->stopped.gla, data[i].at);
		assert_int_equal(m.cpu.dr[6], NO_SIDE_EFFECTS);
		assert_int_equal(machine_run(&m), RECOMP_HALT);
	}
}

/* REP stops behind the iteration that met it, and goes on. */
static void in_a_repeated_instruction(void **state)
{
	(void)state;
	CODE(AT_CODE, 0xf3, 0xab, HLT); /* rep stosd */
	m.cpu.gpr[REG_EDI] = AT_DATA;
	m.cpu.gpr[REG_ECX] = 100;
	add(STOP_WRITE, AT_DATA + 40, 4);
	assert_stopped(machine_run(&m), STOPPED_BY_DATA, AT_CODE);
	assert_int_equal(m.cpu.gpr[REG_ECX], 89);
	assert_int_equal(machine_run(&m), RECOMP_HALT);
	assert_int_equal(m.cpu.gpr[REG_ECX], 0);
}

/* An instruction that faults behind the access has met nothing: it will be executed again. */
static void not_before_it_is_done(void **state)
{
	(void)state;
	guest_paging();
	set_page(0x4f000, 0x4f000 | 2);
	CODE(AT_CODE, 0xff, 0x35, IMM32(AT_DATA), HLT); /* push [8000h] to an absent page */
	add(STOP_READ, AT_DATA, 4);
	set_ring(3);
	m.cpu.gpr[REG_ESP] = 0x50000;
	assert_int_equal(machine_run(&m), RECOMP_HALT);
	assert_int_equal(m.cpu.eip, HANDLER(VEC_PF) + 1);
}

/* What the debugger does not watch runs at full speed: a loop on another page takes no fault. */
static void other_pages_run_on(void **state)
{
	u64 before;

	(void)state;
	/* add [8000h], eax; dec ecx; jnz; hlt */
	CODE(AT_CODE, 0x01, 0x05, IMM32(AT_DATA), 0x49, 0x75, 0xf7, HLT);
	m.cpu.gpr[REG_ECX] = 10;
	assert_int_equal(machine_run(&m), RECOMP_HALT);
	add(STOP_ACCESS, AT_DATA + 0x1000, 4);
	add(STOP_EXEC, AT_TARGET, 1);
	m.cpu.halted = false;
	m.cpu.eip = AT_CODE;
	m.cpu.gpr[REG_ECX] = 100000;
	before = m.faults + recomp_stats(m.cpu.recomp)->dispatches;
	assert_int_equal(machine_run(&m), RECOMP_HALT);
	assert_true(m.faults + recomp_stats(m.cpu.recomp)->dispatches - before < 50);
}

/* --- Exceptions */

static void exceptions(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x40, 0x0f, 0x0b, HLT); /* inc eax; ud2 */
	add(STOP_EXCEPTION, VEC_UD, 1);
	assert_stopped(machine_run(&m), STOPPED_BY_EXCEPTION, AT_CODE + 1);
	assert_int_equal(stops()->stopped.vector, VEC_UD);
	assert_int_equal(m.cpu.gpr[REG_ESP], STACK0);
	stops()->pass_exception = true;
	assert_int_equal(machine_run(&m), RECOMP_HALT);
	assert_int_equal(m.cpu.eip, HANDLER(VEC_UD) + 1);
	assert_int_equal(frame(0), AT_CODE + 1);
	assert_false(stops()->pass_exception);
}

static void a_page_fault_before_cr2(void **state)
{
	(void)state;
	guest_paging();
	set_page(AT_DATA, AT_DATA | 2);
	CODE(AT_CODE, 0xa1, IMM32(AT_DATA + 8), HLT);
	add(STOP_EXCEPTION, VEC_PF, 1);
	m.cpu.cr2 = 0x1234;
	assert_stopped(machine_run(&m), STOPPED_BY_EXCEPTION, AT_CODE);
	assert_int_equal(stops()->stopped.gla, AT_DATA + 8);
	assert_int_equal(m.cpu.cr2, 0x1234);
}

/* The #DB that a step of the guest's own owes is not lost. */
static void a_debug_trap(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x40, 0x41, HLT);
	m.cpu.eflags |= EFLAGS_TF;
	add(STOP_EXCEPTION, VEC_DB, 1);
	assert_stopped(machine_run(&m), STOPPED_BY_EXCEPTION, AT_CODE + 1);
	stops()->pass_exception = true;
	assert_int_equal(machine_run(&m), RECOMP_HALT);
	assert_int_equal(m.cpu.eip, HANDLER(VEC_DB) + 1);
	assert_int_equal(frame(0), AT_CODE + 1);
	assert_int_equal(m.cpu.dr[6], NO_SIDE_EFFECTS | DR6_BS);
}

/* How a triple fault came about. */
static void the_chain_of_a_triple_fault(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x0f, 0x0b);
	m.cpu.idtr.limit = 0;
	assert_int_equal(machine_run(&m), RECOMP_SHUTDOWN);
	assert_int_equal(m.cpu.eip, AT_CODE);
	assert_int_equal(stops()->chain_length, 5);
	assert_int_equal(stops()->chain[0].vector, VEC_UD);
	assert_int_equal(stops()->chain[1].vector, VEC_GP);
	assert_int_equal(stops()->chain[1].error, VEC_UD * 8 + 3);
	assert_int_equal(stops()->chain[2].vector, VEC_GP);
	assert_int_equal(stops()->chain[3].vector, VEC_DF);
	assert_int_equal(stops()->chain[4].vector, VEC_GP);
}

/* --- Steps */

static void one_by_one(void **state)
{
	static const u32 at[] = { 1, 2, 3, 4, 7, 7, 7, 9, 10, 0x20, 0x21 };

	(void)state;
	/* inc eax; cli; sti; nop; mov cx, 3 ..; rep stosb; nop; jmp 20h; 20h: nop; hlt */
	CODE(AT_CODE, 0x40, 0xfa, 0xfb, 0x90, 0x6a, 0x04, 0x59, 0xf3, 0xaa, 0x90, 0xeb, 0x14);
	CODE(AT_CODE + 0x20, 0x90, HLT);
	m.cpu.gpr[REG_EDI] = AT_DATA;
	m.pending_vector = 0x40;
	recomp_signal(&m.cpu, CPU_EVENT_INTR); /* waits, with interrupts on */
	for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
		/* push 4; pop ecx are two steps, too */
		assert_int_equal(step(), RECOMP_EVENT);
		if (i == 3) {
			assert_int_equal(m.cpu.eip, AT_CODE + 4);
			assert_int_equal(step(), RECOMP_EVENT);
			assert_int_equal(step(), RECOMP_EVENT);
			assert_int_equal(m.cpu.eip, AT_CODE + 7);
			continue;
		}
		assert_int_equal(m.cpu.eip, AT_CODE + (i < 3 ? at[i] : at[i]));
		if (i >= 4 && i <= 6)
			assert_int_equal(m.cpu.gpr[REG_ECX], 7 - i);
	}
	assert_int_equal(step(), RECOMP_HALT);
	m.cpu.halted = false;
	assert_int_equal(machine_run(&m), RECOMP_HALT); /* and now it comes */
	assert_int_equal(m.cpu.eip, HANDLER(0x40) + 1);
	assert_int_equal(frame(0), AT_CODE + 0x22);
}

/* A fault is delivered, and that is the step. */
static void a_step_into_a_fault(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x0f, 0x0b);
	assert_int_equal(step(), RECOMP_EVENT);
	assert_int_equal(m.cpu.eip, HANDLER(VEC_UD));
	assert_int_equal(frame(0), AT_CODE);
}

static void a_step_at_a_stop(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x40, 0x41, HLT);
	add(STOP_EXEC, AT_CODE, 1);
	add(STOP_EXEC, AT_CODE + 1, 1);
	assert_stopped(machine_run(&m), STOPPED_AT, AT_CODE);
	assert_int_equal(step(), RECOMP_EVENT);
	assert_int_equal(m.cpu.eip, AT_CODE + 1);
	assert_int_equal(step(), RECOMP_EVENT);
	assert_int_equal(m.cpu.eip, AT_CODE + 2);
}

/* --- What cannot be */

static int try(u8 kind, gla_t gla, u32 len)
{
	return cpu_stop_add(&m.cpu, &(struct cpu_stop){ .gla = gla, .len = len, .kind = kind });
}

/* --- Conditions and events */

static u32 asked[4], answer;

static bool holds(struct cpu *cpu, u8 id)
{
	(void)cpu;
	asked[id]++;
	return answer & BIT(id);
}

static void add_own(u8 id, u8 kind, gla_t gla, u32 len, u8 ways)
{
	assert_int_equal(cpu_stop_add(&m.cpu, &(struct cpu_stop){ .gla = gla,
								  .len = len,
								  .kind = kind,
								  .ways = ways,
								  .id = id }),
			 0);
}

static void ask_own(u32 answers)
{
	memset(asked, 0, sizeof(asked));
	answer = answers;
	m.cpu.stops.holds = holds;
}

/* Asked once each time that control comes there, and of all that lie there. */
static void one_that_does_not_count(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x40, 0x49, 0x75, 0xfc, HLT); /* inc eax; dec ecx; jnz */
	m.cpu.gpr[REG_ECX] = 100;
	add_own(0, STOP_EXEC, AT_CODE, 1, 0);
	add_own(1, STOP_EXEC, AT_CODE, 1, 0);
	add_own(2, STOP_EXEC, AT_CODE + 2, 1, 0);
	ask_own(0);
	assert_int_equal(machine_run(&m), RECOMP_HALT);
	assert_int_equal(asked[0], 100);
	assert_int_equal(asked[1], 100);
	assert_int_equal(asked[2], 100);
	m.cpu.halted = false;
	m.cpu.eip = AT_CODE;
	m.cpu.gpr[REG_ECX] = 3;
	answer = BIT(1);
	assert_stopped(machine_run(&m), STOPPED_AT, AT_CODE);
	assert_int_equal(stops()->stopped.ids, BIT(1));
}

/* A write that two watch: the second one counts. */
static void data_that_does_not_count(void **state)
{
	(void)state;
	/* inc dword [8000h]; dec ecx; jnz; hlt */
	CODE(AT_CODE, 0xff, 0x05, IMM32(AT_DATA), 0x49, 0x75, 0xf7, HLT);
	m.cpu.gpr[REG_ECX] = 50;
	add_own(0, STOP_WRITE, AT_DATA, 4, 0);
	add_own(3, STOP_ACCESS, AT_DATA + 2, 4, 0);
	ask_own(0);
	assert_int_equal(machine_run(&m), RECOMP_HALT);
	assert_int_equal(asked[0], 50);
	assert_int_equal(asked[3], 50);
	m.cpu.halted = false;
	m.cpu.eip = AT_CODE;
	m.cpu.gpr[REG_ECX] = 2;
	answer = BIT(3);
	assert_stopped(machine_run(&m), STOPPED_BY_DATA, AT_CODE + 6);
	assert_int_equal(stops()->stopped.ids, BIT(3));
}

/* Its memory needs C, and so the instruction is begun again, by itself: asked about once. So it is
 * behind STI. */
static void asked_once_though_begun_again(void **state)
{
	(void)state;
	/* sti; inc dword [8000h]; dec ecx; jnz; hlt */
	CODE(AT_CODE, 0xfb, 0xff, 0x05, IMM32(AT_DATA), 0x49, 0x75, 0xf6, HLT);
	m.cpu.gpr[REG_ECX] = 50;
	add_own(0, STOP_EXEC, AT_CODE + 1, 1, 0);
	add_own(1, STOP_EXEC, AT_CODE + 7, 1, 0);
	add_own(3, STOP_WRITE, AT_DATA, 4, 0);
	ask_own(0);
	assert_int_equal(machine_run(&m), RECOMP_HALT);
	assert_int_equal(asked[0], 50);
	assert_int_equal(asked[1], 50);
	assert_int_equal(asked[3], 50);
	m.cpu.halted = false;
	m.cpu.eip = AT_CODE;
	m.cpu.gpr[REG_ECX] = 2;
	answer = BIT(0);
	assert_stopped(machine_run(&m), STOPPED_AT, AT_CODE + 1);
	assert_int_not_equal(m.cpu.shadow, 0);
}

static const struct {
	u8 code[10];
	unsigned len;
	u8 kind;
	u32 number, count;
	u8 ways;
	bool hit;
} events[] = {
	{ { 0xe4, 0x60 }, 2, STOP_PORT, 0x60, 1, 0, true }, /* in al, 60h */
	{ { 0xe4, 0x60 }, 2, STOP_PORT, 0x61, 1, 0, false },
	{ { 0xe5, 0x60 }, 2, STOP_PORT, 0x63, 1, STOP_READS, true }, /* in eax */
	{ { 0xe5, 0x60 }, 2, STOP_PORT, 0x50, 0x11, STOP_WRITES, false },
	{ { 0xe6, 0x60 }, 2, STOP_PORT, 0x50, 0x11, STOP_WRITES, true }, /* out */
	{ { 0x6c }, 1, STOP_PORT, 0x3333, 1, STOP_READS, true },	 /* insb */
	{ { 0xf3, 0x6e }, 2, STOP_PORT, 0x3333, 1, STOP_WRITES, true },	 /* rep outsb, ECX = 1 */
	{ { 0x0f, 0x22, 0xd0 }, 3, STOP_CR, 2, 1, 0, true },		 /* mov cr2, eax */
	{ { 0x0f, 0x22, 0xd0 }, 3, STOP_CR, 0, 2, 0, false },
	{ { 0x0f, 0x06 }, 2, STOP_CR, 0, 5, 0, true },		    /* clts */
	{ { 0x0f, 0x20, 0xd0 }, 3, STOP_CR, 0, 5, 0, false },	    /* mov eax, cr2 */
	{ { 0x0f, 0x32 }, 2, STOP_MSR, 0x10, 1, STOP_READS, true }, /* rdmsr */
	{ { 0x0f, 0x32 }, 2, STOP_MSR, 0, ~0u, STOP_WRITES, false },
	{ { 0x0f, 0x30 }, 2, STOP_MSR, 0, ~0u, STOP_WRITES, true }, /* wrmsr */
};

/* Behind the instruction, wherever in its block it is; and one with another number or way is not
 * met. */
static void events_stop(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(events); i++) {
		u32 behind = AT_CODE + 1 + events[i].len;
		enum recomp_exit e;

		setup(state);
		m.cpu.gpr[REG_EDX] = 0x3333;
		m.cpu.gpr[REG_ESI] = m.cpu.gpr[REG_EDI] = AT_DATA;
		m.cpu.gpr[REG_ECX] = events[i].kind == STOP_MSR ? 0x10 : 1;
		CODE(AT_CODE, 0x43); /* inc ebx */
		set_code(AT_CODE + 1, events[i].code, events[i].len);
		put(behind, 0xf44343, 3);
		add_own(1, events[i].kind, events[i].number, events[i].count, events[i].ways);
		e = machine_run(&m);
		if (!events[i].hit) {
			assert_int_equal(e, RECOMP_HALT);
			continue;
		}
		assert_stopped(e, STOPPED_BY_EVENT, behind);
		assert_int_equal(stops()->stopped.kind, events[i].kind);
		assert_int_equal(stops()->stopped.ids, BIT(1));
		assert_int_equal(machine_run(&m), RECOMP_HALT);
		assert_int_equal(m.cpu.gpr[REG_EBX], 0x44444447);
	}
}

/* At the handler's first instruction. */
static void an_interrupt(void **state)
{
	(void)state;
	CODE(AT_CODE, 0xfb, 0x90, 0x90, HLT); /* sti */
	add_own(2, STOP_INTERRUPT, 0x40, 1, 0);
	m.pending_vector = 0x40;
	recomp_signal(&m.cpu, CPU_EVENT_INTR);
	assert_stopped(machine_run(&m), STOPPED_BY_EVENT, HANDLER(0x40));
	assert_int_equal(stops()->stopped.gla, 0x40);
	m.pending_vector = -1;
	recomp_unsignal(&m.cpu, CPU_EVENT_INTR);
}

/* Paging ends, which another bit of CR0 does not. In front of the first instruction there. */
static void another_mode(void **state)
{
	(void)state;
	/* nop; CR0.WP turned over; CR0.PG cleared; nop; hlt */
	CODE(AT_CODE, 0x90, 0x0f, 0x20, 0xc0, 0x35, IMM32(0x10000), 0x0f, 0x22, 0xc0, 0x25,
	     IMM32(0x7fffffff), 0x0f, 0x22, 0xc0, 0x90, HLT);
	guest_paging();
	step();
	add_own(0, STOP_MODE, 0, 1, 0);
	assert_stopped(machine_run(&m), STOPPED_BY_EVENT, AT_CODE + 20);
	assert_int_equal(machine_run(&m), RECOMP_HALT);
}

static void exceptions_that_do_not_count(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x0f, 0x0b, HLT); /* ud2 */
	add_own(1, STOP_EXCEPTION, 0, 32, 0);
	ask_own(0);
	assert_int_equal(machine_run(&m), RECOMP_HALT);
	assert_int_equal(asked[1], 1);
	m.cpu.halted = false;
	m.cpu.eip = AT_CODE;
	answer = BIT(1);
	assert_stopped(machine_run(&m), STOPPED_BY_EXCEPTION, AT_CODE);
}

static void bounds(void **state)
{
	(void)state;
	assert_int_equal(try(STOP_EXEC, AT_CODE, 2), E_INVAL);
	assert_int_equal(try(STOP_EXEC, AT_CODE, 0), E_INVAL);
	assert_int_equal(try(STOP_WRITE, AT_DATA, 0), E_INVAL);
	assert_int_equal(try(STOP_WRITE, AT_DATA, CPU_STOP_LEN + 1), E_INVAL);
	assert_int_equal(try(STOP_WRITE, 0xfffffffc, 5), E_INVAL);
	assert_int_equal(try(STOP_KINDS, AT_DATA, 1), E_INVAL);
	assert_int_equal(try(STOP_WRITE, 0xfffffffc, 4), 0);
	assert_int_equal(cpu_stop_remove(&m.cpu, &(struct cpu_stop){ .gla = AT_DATA, .len = 1 }),
			 E_NOENT);
	for (unsigned i = 1; i < CPU_STOP_PAGES; i++)
		assert_int_equal(try(STOP_WRITE, AT_PAGES + i * PAGE_SIZE, 1), 0);
	assert_int_equal(try(STOP_WRITE, AT_DATA, 1), E_FULL);
	for (unsigned i = CPU_STOP_PAGES; i < CPU_STOPS; i++)
		assert_int_equal(try(STOP_EXEC, AT_CODE, 1), 0); /* twice is as good as once */
	assert_int_equal(try(STOP_EXEC, AT_CODE, 1), E_FULL);
	take_away(STOP_EXEC, AT_CODE, 1);
	assert_true(cpu_stops_at(&m.cpu, AT_CODE));
	assert_true(cpu_stops_on_page(&m.cpu, AT_CODE + 99));
	assert_false(cpu_stops_on_page(&m.cpu, AT_DATA));
	/* A guest's own four beside as many pages of the debugger's as there may be. */
	for (unsigned n = 0; n < 4; n++)
		arm(n, 0x100000 + n * PAGE_SIZE, L(n) | RW(n, W, LEN4));
	assert_int_equal(m.cpu.watch.datas, 4 + CPU_STOP_PAGES);
	assert_int_equal(m.cpu.watch.guests, 4);
}

static const struct CMUnitTest stop_tests[] = {
	STOP_TEST(in_front_of_it),
	STOP_TEST(in_a_loop_of_one_block),
	STOP_TEST(found_by_the_table),
	STOP_TEST(the_middle_of_an_instruction),
	STOP_TEST(linear_address_counts),
	STOP_TEST(only_where_the_frame_is_gone),
	STOP_TEST(leaves_no_trace),
	STOP_TEST(beside_the_guests_own),
	STOP_TEST(data_stops),
	STOP_TEST(in_a_repeated_instruction),
	STOP_TEST(not_before_it_is_done),
	STOP_TEST(other_pages_run_on),
	STOP_TEST(exceptions),
	STOP_TEST(a_page_fault_before_cr2),
	STOP_TEST(a_debug_trap),
	STOP_TEST(the_chain_of_a_triple_fault),
	STOP_TEST(one_by_one),
	STOP_TEST(a_step_into_a_fault),
	STOP_TEST(a_step_at_a_stop),
	STOP_TEST(one_that_does_not_count),
	STOP_TEST(data_that_does_not_count),
	STOP_TEST(asked_once_though_begun_again),
	STOP_TEST(events_stop),
	STOP_TEST(an_interrupt),
	STOP_TEST(another_mode),
	STOP_TEST(exceptions_that_do_not_count),
	STOP_TEST(bounds),
};

GUEST_MAIN(stop_tests)
