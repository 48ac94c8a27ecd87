/* SPDX-License-Identifier: MIT */
/*
 * Traps and interrupts that meet: the order in which they come, and where.
 *
 * 1. An interrupt is pending while interrupts are off. A program of three pieces and some NOPs then
 * opens them, sets TF, holds off events by STI, MOV SS or POP SS, and executes something behind
 * that: any two pieces behind one of those that matter in front. The row of events (vector, EIP, IF
 * and TF in the frame, DR6) does not depend on time. Ring 3 does that with IOPL 3.
 *
 * 2. A fixed program runs over and over beside a timer at 4 kHz, step by step and not, with IOPL 0,
 * so that it runs raw where its ring may. Each pass must have the same row of events, interrupts
 * left out, and no interrupt may come directly behind MOV SS or POP SS.
 *
 * Expected: the digests of a bare machine. `verbose=1` prints the rows. Digests that begin with two
 * blanks are of programs in which QEMU errs or has a choice: the engines agree. HLT with TF set is
 * left out: QEMU's TCG does not step it (tests/unit/test_single_step.c has it).
 */
#include "lib/testguest.h"

#define HOLE	   0x90000000u
#define VEC_TIMER  0x20u
#define VEC_IOPL   0x82u
#define VEC_END	   0x83u
#define VEC_PLAIN  0x84u
#define OFF	   0x802u /* OF set, so that INTO traps */
#define ON	   (OFF | EFLAGS_IF)
#define IOPL_3	   0x3000u
#define EVENTS_MAX 64u
#define PIECES_MAX 32u
#define SHORT	   50u	 /* of the timer's clock: at once, */
#define LATER	   2400u /* and 2 ms */
#define PASSES	   1500u

const char guest_name[] = "order";

enum pops { NOTHING, FLAGS, FRAME, TARGET, STACK_SEGMENT };

/* A piece of a program: its bytes, and what it pops. Flags: what it leaves in IF and TF; KEEP: as
 * they were. */
#define KEEP 0xffffffffu
static const struct piece {
	const char *name;
	u8 length, byte[3];
	enum pops pops;
	u32 flags;
	bool clean; /* of part 2's program */
} pieces[] = {
	{ "nop", 1, { 0x90 }, NOTHING, KEEP, true },
	{ "sti", 1, { 0xfb }, NOTHING, EFLAGS_IF, false },
	{ "cli", 1, { 0xfa }, NOTHING, 0, false },
	{ "mov ss", 2, { 0x8e, 0xd0 }, NOTHING, KEEP, false },
	{ "pop ss", 1, { 0x17 }, STACK_SEGMENT, KEEP, false },
	{ "popf", 1, { 0x9d }, FLAGS, OFF, false },
	{ "popf IF", 1, { 0x9d }, FLAGS, ON, false },
	{ "popf TF", 1, { 0x9d }, FLAGS, OFF | EFLAGS_TF, false },
	{ "popf IF TF", 1, { 0x9d }, FLAGS, ON | EFLAGS_TF, false },
	{ "iret", 1, { 0xcf }, FRAME, OFF, false },
	{ "iret IF", 1, { 0xcf }, FRAME, ON, false },
	{ "iret TF", 1, { 0xcf }, FRAME, OFF | EFLAGS_TF, false },
	{ "iret IF TF", 1, { 0xcf }, FRAME, ON | EFLAGS_TF, false },
	{ "ret", 1, { 0xc3 }, TARGET, KEEP, true },
	{ "int3", 1, { 0xcc }, NOTHING, KEEP, true },
	{ "int", 2, { 0xcd, VEC_PLAIN }, NOTHING, KEEP, true },
	{ "into", 1, { 0xce }, NOTHING, KEEP, true },
	{ "loop", 3, { 0xe2, 0x01, 0x90 }, NOTHING, KEEP, true },
	{ "jno", 3, { 0x71, 0x01, 0x90 }, NOTHING, KEEP, true },
	{ "jo", 3, { 0x70, 0x01, 0x90 }, NOTHING, KEEP, true },
	{ "ud2", 2, { 0x0f, 0x0b }, NOTHING, KEEP, false },
	{ "div", 2, { 0xf7, 0xf6 }, NOTHING, KEEP, false },
	{ "page fault", 2, { 0x8a, 0x03 }, NOTHING, KEEP, false },
	{ "repe scasb", 2, { 0xf3, 0xae }, NOTHING, KEEP, true }, /* ends by ZF */
	{ "in", 2, { 0xe4, 0x21 }, NOTHING, KEEP, false },
	{ "hlt", 1, { 0xf4 }, NOTHING, KEEP, false },
};
enum {
	NOP,
	STI,
	MOV_SS = 3,
	POP_SS,
	POPF_TF = 7,
	POPF_IF_TF,
	IRET_IF_TF = 12,
	LOOP = 17,
	JO = 19,
	SCASB = 23,
	HLT = COUNT(pieces) - 1
};
static const u8 first_pieces[] = { NOP, STI, MOV_SS, POP_SS, POPF_TF, POPF_IF_TF, IRET_IF_TF };

struct program {
	u8 *code, *at;
	u32 end[PIECES_MAX], pieces;
};

/* The row of events of one run; volatile, since the compiler does not see the handlers called. */
static volatile struct {
	u8 vector[EVENTS_MAX], place[EVENTS_MAX];
	u32 n, sum, interrupts;
	bool on;
} row;

static struct program program;
static volatile u32 ticks, behind_ss;
u32 saved_esp, entry_flags; /* of enter_program() */
static u8 scratch[16];
static u32 shadow_end[PIECES_MAX], shadow_ends; /* of part 2's program */
static u32 iopl, flags_behind;			/* a program */

/* --- Events --- */

static u32 take_dr6(void)
{
	u32 dr6;

	__asm__ volatile("mov %%dr6, %0; mov %1, %%dr6" : "=&r"(dr6) : "r"(0));
	return dr6 & 0xe00f;
}

static void note(const struct guest_frame *f)
{
	u32 place = f->eip - (u32)program.code;

	row.sum = digest(digest(row.sum, f->vector), place);
	row.sum = digest(row.sum, f->eflags & (EFLAGS_IF | EFLAGS_TF));
	if (f->vector == 1)
		row.sum = digest(row.sum, take_dr6());
	if (row.n < EVENTS_MAX) {
		row.vector[row.n] = (u8)f->vector;
		row.place[row.n] = (u8)place;
	}
	row.n++;
}

extern const u8 program_left[];

static bool leave_program(struct guest_frame *f)
{
	f->eip = (u32)program_left;
	f->eflags = flags_behind;
	return true;
}

static bool on_trap(struct guest_frame *f)
{
	if (row.on)
		note(f);
	return row.n > EVENTS_MAX ? leave_program(f) : true;
}

/* The piece is over. */
static bool on_fault(struct guest_frame *f)
{
	u32 n = 0;

	on_trap(f);
	while (n < program.pieces - 1 && program.end[n] <= f->eip)
		n++;
	f->eip = program.end[n];
	return true;
}

static bool on_end(struct guest_frame *f)
{
	on_trap(f);
	return leave_program(f);
}

static void timer_once(u32 count)
{
	outb(0x43, 0x30);
	outb(0x40, (u8)count);
	outb(0x40, (u8)(count >> 8));
}

/* Only the first interrupt of a program comes at a time that is known. */
static bool on_timer(struct guest_frame *f)
{
	outb(0x20, 0x20);
	ticks++;
	if (row.on && !row.interrupts++)
		note(f);
	if (row.on)
		timer_once(LATER); /* for HLT */
	return true;
}

/* --- 1. An interrupt that is pending --- */

static void byte(u32 v)
{
	*program.at++ = (u8)v;
}

static void push(u32 v)
{
	byte(0x68);
	for (u32 i = 0; i < 4; i++, v >>= 8)
		byte(v);
}

static u32 pushes(const struct piece *p)
{
	return p->pops == NOTHING ? 0 : p->pops == FRAME ? 3 : 1;
}

/* What the piece pops; `next` is where it ends. */
static void push_for(const struct piece *p, u32 next)
{
	if (p->pops == FLAGS || p->pops == FRAME)
		push(p->flags | iopl);
	if (p->pops == FRAME)
		push(guest_ring == 3 ? UCS : KCS);
	if (p->pops == FRAME || p->pops == TARGET)
		push(next);
	if (p->pops == STACK_SEGMENT)
		push(guest_ring == 3 ? UDS : KDS);
}

static void write_program(const struct piece *const *p, u32 n)
{
	u32 end = (u32)program.code;

	for (u32 i = 0; i < n; i++)
		end += 5 * pushes(p[i]);
	for (u32 i = 0; i < n; i++)
		program.end[i] = end += p[i]->length;
	program.pieces = n;
	program.at = program.code;
	for (u32 i = n; i--;)
		push_for(p[i], program.end[i]);
	for (u32 i = 0; i < n; i++)
		for (u32 b = 0; b < p[i]->length; b++)
			byte(p[i]->byte[b]);
	for (u32 i = 0; i < 3; i++)
		byte(0x90);
	byte(0xcd), byte(VEC_END);
}

/* HLT is for interrupts that can come, and steps that TCG makes. */
static bool skipped(const struct piece *p[3])
{
	u32 flags = 0;

	for (u32 i = 0; i < 3; i++) {
		if (p[i] == &pieces[HLT] &&
		    (flags & EFLAGS_TF || (guest_ring == 0 && !(flags & EFLAGS_IF))))
			return true;
		if (p[i]->pops == FLAGS || p[i]->pops == FRAME)
			flags = p[i]->flags;
		else if (p[i]->flags != KEEP)
			flags = (flags & EFLAGS_TF) | p[i]->flags;
	}
	return false;
}

static void enter_program(u32 flags)
{
	u32 ss = guest_ring == 3 ? UDS : KDS, count = 2, hole = HOLE;
	u8 *to = scratch;

	scratch[0] = (u8)ss;
	entry_flags = flags;
	__asm__ volatile(
		"pushl %%ebp; movl %%esp, saved_esp; pushl entry_flags; popfl; jmp *%%edx\n"
		".global program_left\n"
		"program_left: movl saved_esp, %%esp; popl %%ebp"
		: "+a"(ss), "+c"(count), "+b"(hole), "+D"(to)
		: "d"(program.code), "S"(0)
		: "memory", "cc");
}

static void make_pending(void)
{
	__asm__ volatile("sti; nop; nop; cli"); /* what the last program has left */
	timer_once(SHORT);
	outb(0x20, 0x0a);
	while (!(inb(0x20) & 1))
		;
}

static void show(const struct piece *p[3])
{
	print("  %s; %s; %s:", p[0]->name, p[1]->name, p[2]->name);
	for (u32 i = 0; i < row.n && i < EVENTS_MAX; i++)
		print("   %x at %u", row.vector[i], row.place[i]);
	print("  = %x\r\n", row.sum);
}

static u32 run_three(const struct piece *p[3])
{
	write_program(p, 3);
	make_pending();
	row.n = row.sum = row.interrupts = 0;
	row.on = true;
	enter_program(OFF | iopl);
	row.on = false;
	attempts++;
	if (cmdline_number("verbose", 0))
		show(p);
	return row.sum;
}

static bool casts_shadow(const struct piece *p)
{
	return p == &pieces[STI] || p == &pieces[MOV_SS] || p == &pieces[POP_SS];
}

/*
 * What QEMU 7.2 makes its own way, the processor's or not: a shadow that begins in another's does
 * nothing; behind one a jump that is taken goes on to the next instruction, and REP to its end;
 * STI with TF set is not stepped.
 */
static bool differs_in_qemu(const struct piece *p[3])
{
	bool tf = false;

	for (u32 i = 0; i < 3; i++) {
		if (tf && p[i] == &pieces[STI])
			return true;
		if (p[i]->pops == FLAGS || p[i]->pops == FRAME)
			tf = p[i]->flags & EFLAGS_TF;
		if (i < 2 && casts_shadow(p[i]) &&
		    (casts_shadow(p[i + 1]) || p[i + 1] == &pieces[LOOP] ||
		     p[i + 1] == &pieces[JO] || p[i + 1] == &pieces[SCASB]))
			return true;
	}
	return false;
}

static void all_of(const struct piece *first)
{
	const struct piece *p[3] = { first };
	u32 sum = 0, other = 0;

	for (u32 i = 0; i < COUNT(pieces); i++) {
		for (u32 j = 0; j < COUNT(pieces); j++) {
			p[1] = &pieces[i];
			p[2] = &pieces[j];
			if (skipped(p))
				continue;
			if (differs_in_qemu(p))
				other = digest(other, run_three(p));
			else
				sum = digest(sum, run_three(p));
		}
	}
	print("%s, then: digest %x\r\n", first->name, sum);
	print("  %s, then: digest %x\r\n", first->name, other);
}

/* --- 2. A timer --- */

static bool on_tick(struct guest_frame *f)
{
	outb(0x20, 0x20);
	ticks++;
	for (u32 i = 0; i < shadow_ends; i++)
		behind_ss += f->eip == shadow_end[i];
	return true;
}

/* By index into pieces: nothing that raw ring 1 refuses, but for the end. */
static void write_clean(void)
{
	const struct piece *p[PIECES_MAX];
	u32 n = 0;

	for (u32 i = 0; i < COUNT(pieces); i++) {
		if (!pieces[i].clean)
			continue;
		p[n++] = &pieces[i];
		p[n++] = &pieces[i & 1 ? MOV_SS : POP_SS];
	}
	write_program(p, n);
	shadow_ends = 0;
	for (u32 i = 1; i < n; i += 2)
		shadow_end[shadow_ends++] = program.end[i];
}

static u32 passes(u32 flags)
{
	u32 sum = 0, differ = 0;

	for (u32 i = 0; i < PASSES; i++) {
		row.n = row.sum = 0;
		row.on = true;
		enter_program(flags);
		row.on = false;
		attempts++;
		if (i == 0)
			sum = row.sum;
		differ += row.sum != sum;
	}
	check(!differ, "each pass has the same events");
	if (differ)
		print("  %u of %u differ\r\n", differ, PASSES);
	return sum;
}

static u32 timer_on(u32 hz)
{
	trap_hook[VEC_TIMER] = on_tick;
	timer_start(hz);
	return 0;
}

static void beside_a_timer(void)
{
	program.code = page_alloc();
	write_clean();
	ticks = behind_ss = 0;
	call_ring0(timer_on, 4000);
	print("beside a timer: digest %x\r\n", passes(2 | EFLAGS_IF));
	print("step by step beside a timer: digest %x\r\n", passes(2 | EFLAGS_IF | EFLAGS_TF));
	/* QEMU itself takes one there once in a while: when its timer fires at a block's end. */
	check(!behind_ss || cmdline_number("bare", 0),
	      "no interrupt directly behind MOV SS or POP SS");
	print("  %u ticks, %u of them there\r\n", ticks, behind_ss);
}

/* --- */

static bool set_iopl(struct guest_frame *f)
{
	f->eflags = (f->eflags & ~IOPL_3) | EFLAGS_IF | iopl;
	return true;
}

static u32 prepare(u32 unused)
{
	static const u8 traps[] = { 1, 3, 4, VEC_PLAIN }, faults[] = { 0, 6, 13, 14 };

	for (u32 i = 0; i < COUNT(traps); i++) {
		trap_hook[traps[i]] = on_trap;
		trap_hook[faults[i]] = on_fault;
	}
	trap_hook[VEC_TIMER] = on_timer;
	trap_hook[VEC_END] = on_end;
	trap_hook[VEC_IOPL] = set_iopl;
	for (u32 v = VEC_IOPL; v <= VEC_PLAIN; v++)
		idt_set(v, KCS, (u32)trap_stubs + v * 16, 0xee);
	outb(0x21, 0xfe);
	return unused;
}

void guest_main(void)
{
	call_ring0(prepare, 0);
	program.code = page_alloc();
	iopl = guest_ring == 3 ? IOPL_3 : 0;
	flags_behind = 2 | iopl;
	__asm__ volatile("int $0x82");
	for (u32 i = 0; i < COUNT(first_pieces); i++)
		all_of(&pieces[first_pieces[i]]);
	iopl = 0;
	flags_behind = 2 | EFLAGS_IF;
	__asm__ volatile("int $0x82");
	beside_a_timer();
}
