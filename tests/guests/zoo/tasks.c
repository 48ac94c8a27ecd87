/* SPDX-License-Identifier: MIT */
/*
 * Tasks as the processor switches them: by JMP, CALL, IRET, task gates, interrupts and exceptions,
 * with LDT and CR3 of their own, of 16 bits and of V86 mode; what is refused, and a double fault
 * that a task survives.
 */
#include "zoo/lib/zoo.h"

#define TASK(n)	  (FREE + (n)*8)
#define TASKS	  16u
#define MAIN	  TSS
#define GATE	  (FREE + 0x100)
#define LDT_OF(n) (FREE + 0x180 + (n)*8)
#define V86_BASE  0x30000u
#define VM	  BIT(17)
#define HOLE	  0x00a00000u /* beyond what is mapped */
#define OWN_PAGE  0x00b00000u /* another page in each address space */

const char guest_name[] = "tasks";

struct tss32 {
	u32 link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
	u32 eax, ecx, edx, ebx, esp, ebp, esi, edi;
	u32 es, cs, ss, ds, fs, gs, ldt;
	u16 trap, iomap;
};

struct tss16 {
	u16 link, sp0, ss0, sp1, ss1, sp2, ss2, ip, flags;
	u16 ax, cx, dx, bx, sp, bp, si, di;
	u16 es, cs, ss, ds, ldt;
};

extern struct {
	u32 offset;
	u16 selector, unused;
} far_pointer;
extern u16 task16_seen[8];
extern const u8 task16[], task16_begin[], task_v86[], task_v86_end[];
void far_call(u32), far_jump(u32), push_there(u32);

static struct tss32 *tasks[TASKS];
static u8 stacks[TASKS][2][2048] __attribute__((aligned(16)));
static char said[200];
static u32 said_count;

static void note(char c)
{
	if (said_count < sizeof(said) - 1)
		said[said_count++] = c;
	said[said_count] = 0;
}

static void say_notes(const char *what)
{
	print("%s: %s\r\n", what, said);
	said_count = 0;
	said[0] = 0;
}

static void jump(u32 selector)
{
	far_pointer.selector = (u16)selector;
	far_jump(0);
}

static void call(u32 selector)
{
	far_pointer.selector = (u16)selector;
	far_call(0);
}

static u32 flags(void)
{
	u32 v;

	__asm__ volatile("pushf; pop %0" : "=r"(v));
	return v;
}

static u32 busy(u32 selector)
{
	return (u32)(zoo_gdt[selector / 8] >> 41) & 1;
}

static struct tss32 *main_task(void)
{
	return (struct tss32 *)&tss;
}

/* A task of ring 0 or 3 that begins at a function. */
static struct tss32 *make(u32 n, void (*fn)(void), u32 ring)
{
	struct tss32 *t = tasks[n];

	if (!t)
		t = tasks[n] = page_alloc();
	*t = (struct tss32){ .esp0 = (u32)stacks[n + 1],
			     .ss0 = KDS,
			     .cr3 = (u32)page_directory,
			     .eip = (u32)fn,
			     .eflags = 2,
			     .esp = (u32)stacks[n][1],
			     .es = DATA(3) | 3,
			     .cs = CODE(ring) | ring,
			     .ss = DATA(ring) | ring,
			     .ds = DATA(3) | 3,
			     .iomap = sizeof(*t) };
	set(TASK(n), (u32)t, sizeof(*t) - 1, TSS32);
	return t;
}

/* --- JMP: three tasks in turn */

static u32 turns[3];

static void first(void)
{
	for (;;) {
		turns[0]++;
		note('a');
		jump(TASK(1));
	}
}

static void second(void)
{
	for (;;) {
		turns[1]++;
		note(busy(MAIN) || busy(TASK(0)) || !busy(TASK(1)) ? '!' : 'b');
		jump(MAIN);
	}
}

static void by_jump(void)
{
	u32 cr0;

	make(0, first, 0);
	make(1, second, 0);
	for (u32 i = 0; i < 50; i++) {
		__asm__ volatile("clts");
		jump(TASK(0));
	}
	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	say_notes("jump");
	print("turns %u %u, TS %u, link %x, NT %u, busy %u%u%u\r\n", turns[0], turns[1],
	      cr0 >> 3 & 1, tasks[0]->link, flags() >> 14 & 1, busy(MAIN), busy(TASK(0)),
	      busy(TASK(1)));
	__asm__ volatile("clts");
}

/* --- CALL, nested, and IRET */

static void third(void)
{
	for (;;) {
		note('3');
		note(flags() & EFLAGS_NT ? 'n' : '-');
		note(busy(MAIN) && busy(TASK(2)) && busy(TASK(3)) && busy(TASK(4)) ? 'b' : '!');
		__asm__ volatile("iret");
	}
}

static void middle(void)
{
	for (;;) {
		note('2');
		call(TASK(4));
		note('<');
		note(flags() & EFLAGS_NT ? 'n' : '-');
		__asm__ volatile("iret");
	}
}

static void outer(void)
{
	for (;;) {
		note('1');
		call(TASK(3));
		note(busy(TASK(3)) ? '!' : '<');
		__asm__ volatile("iret");
	}
}

static void by_call(void)
{
	make(2, outer, 0);
	make(3, middle, 0);
	make(4, third, 0);
	for (u32 i = 0; i < 3; i++) {
		call(TASK(2));
		note('.');
	}
	say_notes("call");
	print("links %x %x %x, flags %x, busy %u%u%u%u\r\n", tasks[2]->link, tasks[3]->link,
	      tasks[4]->link, tasks[4]->eflags & 0x4ed5, busy(MAIN), busy(TASK(2)), busy(TASK(3)),
	      busy(TASK(4)));
}

/* --- Task gates: INT from rings 0 and 3, CALL and JMP through the GDT's and an LDT's */

static void answer(void)
{
	for (;;) {
		note(busy(MAIN) ? 'i' : '!');
		main_task()->eax += 0x1000;
		__asm__ volatile("iret");
	}
}

static void answer_jump(void)
{
	for (;;) {
		note('j');
		jump(MAIN);
	}
}

static u32 ask(u32 v)
{
	__asm__ volatile("int $0x94" : "+a"(v));
	return v;
}

static u32 ask_by_call(u32 v)
{
	__asm__ volatile("lcall *%1" : "+a"(v) : "m"(far_pointer));
	return v;
}

static void by_gate(void)
{
	u64 *ldt = page_alloc();

	make(0, answer, 0);
	make(1, answer_jump, 0);
	idt_set(0x94, TASK(0), 0, 0xe5);
	set_gate(GATE, TASK(0), 0, 0, TASK_GATE | DPL(3));
	for (u32 ring = 0; ring < 4; ring++) {
		print("task gate from ring %u:", ring);
		say_end(in_ring(ring, ask, ring, 0x202));
		print(" %x", zoo_result);
		far_pointer.selector = (u16)(GATE | ring);
		say_end(in_ring(ring, ask_by_call, ring, 0x202));
		print(" %x\r\n", zoo_result);
	}
	set(LDT_OF(0), (u32)ldt, 15, LDT);
	main_task()->ldt = LDT_OF(0); /* no switch saves it */
	__asm__ volatile("lldt %w0" ::"r"(LDT_OF(0)));
	ldt[1] = (u64)(TASK_GATE) << 32 | TASK(1) << 16;
	jump(0xc);
	ldt[1] = (u64)(TASK_GATE) << 32 | TASK(0) << 16;
	call(0xc);
	say_notes("gates of GDT and LDT");
	idt_set(0x94, TASK(0), 0, 0x85);
	print("gate of DPL 0 from ring 3:");
	say_end(in_ring(3, ask, 0, 0x202));
	idt_set(0x94, TASK(0), 0, 0x65);
	print(", not present:");
	say_end(in_ring(3, ask, 0, 0x202));
	print("\r\n");
	main_task()->ldt = 0;
	__asm__ volatile("lldt %w0" ::"r"(0));
}

/* --- Exceptions to tasks: their error code; and a double fault */

static u32 seen_error;

static void on_fault(void)
{
	for (;;) {
		u32 *sp;

		__asm__ volatile("mov %%esp, %0" : "=r"(sp));
		/* The compiler's frame lies between: the error code is where ESP was loaded. */
		seen_error = ((u32 *)stacks[5][1])[-1];
		note(sp < (u32 *)stacks[5][1] ? 'e' : '!');
		main_task()->eip += 2;
		/* As if it had been popped, and where the next one goes. */
		__asm__ volatile("mov %0, %%esp; iret" ::"r"(stacks[5][1]) : "memory");
		__asm__ volatile("sub $0, %esp");
	}
}

static u32 bad_load(u32 selector)
{
	__asm__ volatile("mov %w0, %%ds" ::"r"(selector));
	return selector;
}

static void double_fault(void)
{
	for (;;) {
		struct tss32 *t = main_task();

		note('d');
		seen_error = t->esp;
		t->eip = *(u32 *)t->eax; /* push_there() has left the old ESP in EAX */
		t->esp = t->eax + 4;
		__asm__ volatile("add $4, %%esp; iret" ::: "memory");
	}
}

static void by_exception(void)
{
	static const u16 bad[] = { 0x7ff0, CODE(1) | 1, TSS, 0x2000 };

	make(5, on_fault, 0);
	idt_set(13, TASK(5), 0, 0x85);
	for (u32 i = 0; i < COUNT(bad); i++) {
		make(5, on_fault, 0);
		__asm__ volatile("mov %w0, %%es; mov %w1, %%es" ::"r"((u32)bad[i]), "r"(KDS));
		print("fault of %x: error %x\r\n", bad[i], seen_error);
	}
	for (u32 i = 1; i < 4; i++) {
		make(5, on_fault, 0);
		print("fault in ring %u:", i);
		say_end(in_ring(i, bad_load, 0x7ff0, 0x202));
		print(" error %x\r\n", seen_error);
	}
	say_notes("faults");
	idt_set(13, KCS, (u32)trap_stubs + 13 * 16, 0x8e);
	make(6, double_fault, 0);
	idt_set(8, TASK(6), 0, 0x85);
	for (u32 i = 0; i < 3; i++) {
		make(6, double_fault, 0);
		push_there(HOLE + 0x1000 * i);
		print("double fault at esp %x\r\n", seen_error);
	}
	say_notes("double faults");
	idt_set(8, KCS, (u32)trap_stubs + 8 * 16, 0x8e);
}

/* --- A task of ring 3 with its own LDT, address space and page */

static u32 own_seen[4];

static void own_space(void)
{
	for (;;) {
		u32 v, ds;

		__asm__ volatile("mov %%ds, %0" : "=r"(ds));
		__asm__ volatile("mov %%fs:0, %0" : "=r"(v));
		own_seen[0] = ds;
		own_seen[1] = v;
		own_seen[2] = *(volatile u32 *)OWN_PAGE;
		*(volatile u32 *)OWN_PAGE += 1;
		__asm__ volatile("int $0x95");
	}
}

static void back_to_main(void)
{
	for (;;) {
		note('r');
		jump(MAIN);
	}
}

static void own(void)
{
	u32 *directory = page_alloc(), *table = page_alloc(), *page = page_alloc();
	u64 *ldt = page_alloc();
	u32 cr3;

	for (u32 i = 0; i < 1024; i++)
		directory[i] = page_directory[i];
	directory[OWN_PAGE >> 22] = (u32)table | 7;
	map(OWN_PAGE, (u32)page_alloc(), 7);
	for (u32 i = 0; i < 1024; i++)
		table[i] = ((u32 *)(page_directory[OWN_PAGE >> 22] & ~0xfffu))[i];
	table[OWN_PAGE >> 12 & 1023] = (u32)page | 7;
	page[0] = 0x1111;
	page[1] = 0x7777;
	*(volatile u32 *)OWN_PAGE = 0x2222;
	set(LDT_OF(1), (u32)ldt, 0xfff, LDT);
	for (u32 n = 7; n < 9; n++) {
		struct tss32 *t = make(n, own_space, 3);

		t->ldt = LDT_OF(1);
		t->cr3 = n == 7 ? (u32)directory : (u32)page_directory;
		t->fs = 0x17;
	}
	ldt[2] = (u64)(0xc0f200 | OWN_PAGE >> 24 << 24 | (OWN_PAGE >> 16 & 0xff)) << 32 |
		 (OWN_PAGE & 0xffff) << 16 | 0;
	make(9, back_to_main, 0);
	idt_set(0x95, TASK(9), 0, 0xe5);
	for (u32 i = 0; i < 4; i++) {
		u32 n = 7 + (i & 1);

		/* Task 9 went to main without IRET: busy bits are its own affair. */
		set(TASK(n), (u32)tasks[n], sizeof(struct tss32) - 1, TSS32);
		tasks[n]->eflags &= ~EFLAGS_NT;
		jump(TASK(n));
		__asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
		print("own space: ds %x, page %x, fs %x, main sees %x, cr3 %s\r\n", own_seen[0],
		      own_seen[2], own_seen[1], *(volatile u32 *)OWN_PAGE,
		      cr3 == (u32)page_directory ? "main's" : "another");
	}
	say_notes("own space");
}

/* --- V86 mode by a TSS, and its way out by a fault in its own ring-0 stack */

static bool on_v86_fault(struct guest_frame *f)
{
	if (!(f->eflags & VM))
		return false;
	note('v');
	f->eip++;
	jump(MAIN);
	return true;
}

static void v86(void)
{
	struct tss32 *t = make(10, NULL, 3);

	for (const u8 *s = task_v86; s < task_v86_end; s++)
		((u8 *)V86_BASE)[s - task_v86] = *s;
	t->eflags = VM | 2;
	t->eip = 0;
	t->cs = t->ds = t->es = V86_BASE >> 4;
	t->ss = V86_BASE >> 4;
	t->esp = 0x1000;
	t->eax = 0x100;
	trap_hook[13] = on_v86_fault;
	for (u32 i = 0; i < 20; i++)
		jump(TASK(10));
	say_notes("v86");
	print("v86: %x, stack %x\r\n", *(u16 *)(V86_BASE + 0x100), *(u16 *)(V86_BASE + 0xffe));
	trap_hook[13] = NULL;
}

/* --- The timer's interrupt as a task, out of rings 0 and 3 and out of V86 mode */

static volatile u32 ticks;

static void tick(void)
{
	for (;;) {
		ticks++;
		outb(0x20, 0x20);
		__asm__ volatile("iret");
	}
}

static u32 wait_ticks(u32 n)
{
	ticks = 0;
	while (ticks < n)
		;
	return n;
}

static void timer(void)
{
	make(11, tick, 0);
	idt_set(0x20, TASK(11), 0, 0x85);
	timer_start(1000);
	for (u32 ring = 0; ring < 4; ring++) {
		print("ticks in ring %u:", ring);
		say_end(in_ring(ring, wait_ticks, 5, 0x202));
		print(" %u\r\n", zoo_result);
	}
	outb(0x21, 0xff);
	idt_set(0x20, KCS, (u32)trap_stubs + 0x20 * 16, 0x8e);
}

/* --- What is refused; a fault that comes in the new task leaves TR there */

static void go(u32 selector)
{
	call(selector);
}

static void go_iret(u32 unused)
{
	__asm__ volatile("pushf; orl $0x4000, (%%esp); popf; iret" ::"r"(unused));
}

static void home(void)
{
	u32 tr;

	__asm__ volatile("str %0" : "=r"(tr));
	zoo_gdt[MAIN / 8] &= ~((u64)BUSY << 32);
	__asm__ volatile("ltr %w0; lldt %w1; clts" ::"r"(MAIN), "r"(0));
	print(" %s\r\n", tr == MAIN ? "in the old task" : "in the new task");
}

static void try_go(const char *what, void (*how)(u32), u32 selector)
{
	int v = attempt(how, selector);

	print("%s:", what);
	say_end(v);
	home();
}

static void nothing(void)
{
	for (;;)
		__asm__ volatile("iret");
}

static void refusals(void)
{
	struct tss32 *t = make(12, nothing, 0);

	try_go("works", go, TASK(12));
	set(TASK(12), (u32)t, sizeof(*t) - 1, TSS32 | BUSY);
	try_go("busy", go, TASK(12));
	set(TASK(12), (u32)t, sizeof(*t) - 1, ABSENT(TSS32));
	try_go("not present", go, TASK(12));
	set(TASK(12), (u32)t, sizeof(*t) - 2, TSS32);
	try_go("too small", go, TASK(12));
	set(TASK(12), (u32)t, sizeof(*t) - 1, TSS32);
	try_go("in the LDT", go, TASK(12) | 4);
	set_gate(GATE, 0, 0, 0, TASK_GATE);
	try_go("gate to nothing", go, GATE);
	set_gate(GATE, CODE(0), 0, 0, TASK_GATE);
	try_go("gate to code", go, GATE);
	set_gate(GATE, TASK(12), 0, 0, ABSENT(TASK_GATE));
	try_go("gate not present", go, GATE);
	main_task()->link = 0;
	try_go("IRET to nothing", go_iret, 0);
	main_task()->link = TASK(12);
	try_go("IRET to a task that is not busy", go_iret, 0);
	main_task()->link = CODE(0);
	try_go("IRET to code", go_iret, 0);
}

/* As the manual asks for: the exceptions of a bad task go to tasks. Each stays what it is. */
#define ON_BAD(vector)                                   \
	static void on_bad_##vector(void)                \
	{                                                \
		seen_vector = vector;                    \
		seen_error = ((u32 *)stacks[14][1])[-1]; \
		zoo_gdt[MAIN / 8] &= ~((u64)BUSY << 32); \
		jump(MAIN);                              \
	}

static u32 seen_vector;

ON_BAD(10)
ON_BAD(11)
ON_BAD(12)
ON_BAD(13)

static void bad(const char *what, u32 field, u32 value)
{
	static void (*const handlers[])(void) = { on_bad_10, on_bad_11, on_bad_12, on_bad_13 };
	u32 *t = (u32 *)make(12, nothing, 0);

	t[field] = value;
	for (u32 v = 10; v < 14; v++) {
		u32 n = v == 10 ? 14 : v == 11 ? 11 : v == 12 ? 9 : 8;

		make(n, handlers[v - 10], 0)->esp = (u32)stacks[14][1];
		idt_set(v, TASK(n), 0, 0x85);
	}
	seen_vector = 0;
	call(TASK(12));
	print("%s: %u:%x %s\r\n", what, seen_vector, seen_error,
	      tasks[12]->link == MAIN ? "in the new task" : "in the old task");
	__asm__ volatile("clts");
	for (u32 v = 10; v < 14; v++)
		idt_set(v, KCS, (u32)trap_stubs + v * 16, 0x8e);
}

#define BAD(what, field, value) bad(what, __builtin_offsetof(struct tss32, field) / 4, value)

static void bad_states(void)
{
	set(GATE, 0, ALL, ABSENT(CODE32));
	set(GATE + 8, 0, ALL, ABSENT(DATA32));
	BAD("no CS", cs, 0);
	BAD("CS of data", cs, DATA(0));
	BAD("CS behind the table", cs, 0x7ff8);
	BAD("CS not present", cs, GATE);
	BAD("CS of another ring", cs, CODE(1));
	BAD("no SS", ss, 0);
	BAD("SS of another ring", ss, DATA(1) | 1);
	BAD("  SS not present", ss, GATE + 8);
	BAD("DS of a TSS", ds, TSS);
	BAD("DS not present", ds, GATE + 8);
	BAD("GS behind the table", gs, 0x7ff8);
	BAD("LDT of nothing", ldt, 0x7ff8);
	BAD("LDT in the LDT", ldt, 4);
	BAD("LDT of code", ldt, CODE(0));
}

/* --- 16-bit task */

static void narrow(void)
{
	struct tss16 *t = page_alloc();

	*t = (struct tss16){ .sp0 = 0x800,
			     .ss0 = NARROW_SS(0),
			     .ip = (u16)(task16 - task16_begin),
			     .flags = 2,
			     .ax = 0x4321,
			     .sp = 0x700,
			     .es = DATA(3) | 3,
			     .cs = NARROW(0),
			     .ss = NARROW_SS(0),
			     .ds = DATA(3) | 3 };
	set(TASK(13), (u32)t, sizeof(*t) - 1, TSS16);
	for (u32 i = 0; i < 3; i++)
		call(TASK(13));
	print("  16-bit task: ax %x, sp %x, flags %x; in its TSS %x %x\r\n", task16_seen[0],
	      task16_seen[1], task16_seen[2], t->ax, t->link);
}

/* --- T, and breakpoints of a task */

static u32 debug_traps, debug_dr6;

static bool on_debug(struct guest_frame *f)
{
	u32 dr6;

	__asm__ volatile("mov %%dr6, %0; mov %1, %%dr6" : "=&r"(dr6) : "r"(0xffff0ff0));
	debug_dr6 = dr6;
	debug_traps++;
	(void)f;
	return true;
}

static void debugged(void)
{
	u32 dr7;

	trap_hook[1] = on_debug;
	make(12, nothing, 0)->trap = 1;
	call(TASK(12));
	print("  T bit: %u traps, dr6 %x\r\n", debug_traps, debug_dr6);
	make(12, nothing, 0);
	__asm__ volatile("mov %0, %%dr0; mov %1, %%dr7" ::"r"(&turns[2]), "r"(0x000f0003));
	turns[2]++;
	print("data breakpoint: dr6 %x", debug_dr6);
	call(TASK(12));
	__asm__ volatile("mov %%dr7, %0" : "=r"(dr7));
	debug_dr6 = 0;
	turns[2]++;
	print(", after a switch dr7 %x dr6 %x", dr7, debug_dr6);
	__asm__ volatile("mov %0, %%dr7" ::"r"(0x000f0001));
	call(TASK(12));
	debug_dr6 = 0;
	turns[2]++;
	__asm__ volatile("mov %%dr7, %0" : "=r"(dr7));
	print(", local only dr7 %x dr6 %x\r\n", dr7, debug_dr6);
	__asm__ volatile("mov %0, %%dr7" ::"r"(0x400));
	trap_hook[1] = NULL;
}

void guest_main(void)
{
	zoo_begin(task16_begin);
	main_task()->cr3 = (u32)page_directory;
	by_jump();
	by_call();
	by_gate();
	by_exception();
	own();
	v86();
	timer();
	refusals();
	bad_states();
	debugged();
	narrow();
}
