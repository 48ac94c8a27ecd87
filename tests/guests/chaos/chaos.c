/* SPDX-License-Identifier: MIT */
/*
 * The fuzzing kernel's rounds; chaos.h tells the idea. A round is a task switch to a task whose
 * every field was chosen: ring 0, ring 3, V86 or 16-bit code, flags, segments, stack, page tables.
 * Traps resume for a while (single steps, timer ticks, demand paging), then end the round.
 *
 *   rounds=N  ends after N rounds (0: never)   seed=N   the row of random numbers
 *   sure=1    every value of the task is valid: what traps is the code, not the entry
 *
 * Expected: the machine goes on. Nothing is compared; whoever started the kernel watches that the
 * monitor answers, that its neighbour's sums are right, and that lines keep coming.
 */
#include "chaos.h"

#define CMOS_MAGIC    0xc4
#define RESUMES	      64u /* traps that a round survives, */
#define TICKS	      4u  /* and ticks of the timer */
#define REPORT_EVERY  64u
#define STUB_SIZE     16u
#define DR7_LOCAL_ALL 0x55u

enum { MODE_RING0, MODE_RING3, MODE_CODE16, MODE_V86, MODE_PAE, MODE_CLEAN, MODES };

const char guest_name[] = "chaos";

/* A page of its own: stores to a page with descriptors are slow. */
static struct {
	u64 gdt[SELECTORS], ldt[SELECTORS];
	u8 rest[PAGE_SIZE - 2 * 8 * SELECTORS];
} tables __attribute__((aligned(4096)));
static u64 idt[256];
static struct chaos_task rescue, victim, main_task;
static struct chaos_mode mode;
static struct chaos_probe probe;
static u8 fx[512] __attribute__((aligned(16)));
static u8 trap_stack[2][4096] __attribute__((aligned(16)));
static u32 state, rounds, rounds_wanted, resumes, ticks, probes, trap_count[33], irqs, hz;
static u32 modes[MODES]; /* how many rounds were in each */

/* --- Chance --- */

u32 chaos_random(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

bool chaos_one_in(u32 n)
{
	return chaos_random() % n == 0;
}

u32 chaos_pick(const u32 *row, u32 n)
{
	return row[chaos_random() % n];
}

u32 chaos_address(void)
{
	static const u32 edge[] = { 0,		4,	  0xfffffffc, 0xfffffffe, TOP_PAGE,
				    0x7ffffffc, 0x100000, 0xb8000,    LARGE,	  LARGE + 0x1ffffe,
				    WINDOW - 2, CODE - 3, STACK - 2 };

	switch (chaos_random() % 8) {
	case 0:
		return chaos_pick(edge, COUNT(edge));
	case 1:
		return CODE + chaos_random() % (CODE_PAGES * PAGE_SIZE);
	case 2: /* across the end of a page */
		return WINDOW + chaos_random() % WINDOW_PAGES * PAGE_SIZE - chaos_random() % 16;
	case 3:
		return chaos_random();
	case 4:
		return chaos_random() & 0xffff;
	default:
		return WINDOW + chaos_random() % (WINDOW_PAGES * PAGE_SIZE);
	}
}

u32 chaos_selector(void)
{
	u32 s = chaos_random() % SELECTORS * 8;

	if (chaos_one_in(24))
		return chaos_random() & 0xffff;
	if (chaos_one_in(3))
		return mode.ring == 3 ? UDS : KDS;
	return s | (chaos_one_in(4) ? 4 : 0) | (chaos_one_in(2) ? mode.ring : chaos_random() & 3);
}

/* --- Tables --- */

static u64 descriptor(u32 base, u32 limit, u32 access, u32 granularity)
{
	return (u64)(base & 0xff000000) << 32 | (u64)(granularity << 4 | (limit >> 16 & 15)) << 48 |
	       (u64)access << 40 | (u64)(base & 0xffffff) << 16 | (limit & 0xffff);
}

static u64 gate(u32 selector, u32 offset, u32 access)
{
	return (u64)(offset & 0xffff0000) << 32 | (u64)access << 40 | selector << 16 |
	       (offset & 0xffff);
}

static u64 random_descriptor(void)
{
	u32 access = chaos_random() & 0xff,
	    limit = chaos_one_in(2) ? 0xfffff : chaos_random() & 0xfffff;

	if (!chaos_one_in(8))
		access |= 0x90;
	if (mode.clean) /* DPL 0 or 3 */
		access = access & 0x20 ? access | 0x60 : access & ~0x60u;
	return descriptor(chaos_one_in(2) ? 0 : chaos_address(), limit, access,
			  chaos_one_in(2) ? 12 : chaos_random() & 15);
}

static u64 task_descriptor(const struct chaos_task *t)
{
	return descriptor((u32)t, sizeof(*t) - 1, 0x89, 0);
}

static void fill_gdt(void)
{
	static const u64 flat[] = {
		0, 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff, 0x00cff3000000ffff
	};

	for (u32 i = 0; i < SELECTORS; i++)
		tables.gdt[i] = i < COUNT(flat) ? flat[i] : random_descriptor();
	tables.gdt[TSS / 8] = task_descriptor(&main_task);
	tables.gdt[SEL_RESCUE / 8] = task_descriptor(&rescue);
	tables.gdt[SEL_VICTIM / 8] = task_descriptor(&victim);
	tables.gdt[SEL_LDT / 8] = descriptor((u32)tables.ldt, sizeof(tables.ldt) - 1, 0x82, 0);
	tables.gdt[SEL_CODE16 / 8] = descriptor(LOW_CODE, 0xffff, 0x9b, 0);
	tables.gdt[SEL_CODE16 / 8 + 1] = descriptor(LOW_CODE, 0xffff, 0xfb, 0);
	tables.gdt[SEL_DATA16 / 8] = descriptor(STACK, 0xffff, 0x93, 0);
	tables.gdt[SEL_DATA16 / 8 + 1] = descriptor(STACK, 0xffff, 0xf3, 0);
	tables.gdt[SEL_CONFORM / 8] = descriptor(0, 0xfffff, 0x9f, 12);
	tables.gdt[SEL_CALL_GATE / 8] = gate(KCS, (u32)chaos_gate, 0xec);
	tables.gdt[SEL_TASK_GATE / 8] = gate(SEL_RESCUE, 0, 0xe5);
	for (u32 i = 0; i < SELECTORS; i++)
		tables.ldt[i] = chaos_one_in(2) ? tables.gdt[i] : random_descriptor();
}

/* A stack that cannot be trusted wants a task; a double fault always finds one. */
static void fill_idt(void)
{
	bool task = mode.ring == 0 && !mode.v86 && chaos_one_in(2);

	for (u32 v = 0; v < COUNT(idt); v++) {
		u32 access = 0x8e | (chaos_one_in(8) ? 1 : 0) |
			     (v == VEC_PROBE || v == VEC_FLUSH || chaos_one_in(2) ? 0x60 : 0);

		idt[v] = gate(KCS, (u32)chaos_stubs + v * STUB_SIZE, access);
		if (v == 8 || (task && v < 32 && !chaos_one_in(4)))
			idt[v] = gate(SEL_RESCUE, 0, 0x85 | (chaos_one_in(2) ? 0x60 : 0));
	}
}

static void load_tables(void)
{
	struct {
		u16 limit;
		u32 base;
	} __attribute__((packed)) g = { sizeof(tables.gdt) - 1, (u32)tables.gdt },
				  i = { sizeof(idt) - 1, (u32)idt };

	__asm__ volatile("lgdt %0; lidt %1; lldt %w2; ltr %w3; ljmp %4, $1f; 1:" ::"m"(g), "m"(i),
			 "r"(0), "r"(TSS), "i"(KCS));
}

/* --- A round's state --- */

static void choose_mode(void)
{
	u32 kind = chaos_random() % 16;

	mode = (struct chaos_mode){ .pae = chaos_one_in(2), .ring = kind < 7 ? 0 : 3 };
	mode.v86 = kind == 14;
	mode.code16 = kind == 13 || kind == 6 || mode.v86;
	mode.clean = !mode.ring && !mode.code16 && chaos_one_in(2);
	modes[mode.v86	    ? MODE_V86
	      : mode.code16 ? MODE_CODE16
	      : mode.ring   ? MODE_RING3
			    : MODE_RING0]++;
	modes[MODE_PAE] += mode.pae;
	modes[MODE_CLEAN] += mode.clean;
}

static u32 choose_flags(void)
{
	u32 f = 2 | (chaos_random() & 0x8d5); /* arithmetic */

	if (mode.clean)
		return f | EFLAGS_IF | (chaos_one_in(6) ? EFLAGS_DF | EFLAGS_AC : 0);
	if (!chaos_one_in(6))
		f |= EFLAGS_IF;
	if (chaos_one_in(6))
		f |= EFLAGS_TF;
	if (chaos_one_in(6))
		f |= EFLAGS_AC;
	if (chaos_one_in(6))
		f |= EFLAGS_DF;
	if (chaos_one_in(12))
		f |= EFLAGS_NT;
	if (chaos_one_in(4))
		f |= (chaos_random() & 3) << 12;
	if (chaos_one_in(6))
		f |= EFLAGS_RF;
	return f | (mode.v86 ? BIT(17) : 0);
}

static u32 data_selector(bool sure)
{
	if (mode.v86)
		return chaos_one_in(2) ? LOW_CODE >> 4 : chaos_random() & 0xffff;
	if (sure || !chaos_one_in(3))
		return mode.ring == 3 ? UDS : KDS;
	return chaos_selector();
}

static void choose_code(struct chaos_task *t)
{
	u32 at = probe.end || chaos_one_in(2) ? 0 : chaos_random() % 64;

	if (mode.v86) {
		t->cs = LOW_CODE >> 4;
		t->eip = at;
	} else if (mode.code16) {
		t->cs = mode.ring == 3 ? SEL_CODE16 + 8 + 3 : SEL_CODE16;
		t->eip = at;
	} else {
		t->cs = mode.ring == 3 ? UCS : KCS;
		t->eip = CODE + at;
	}
}

static void choose_stack(struct chaos_task *t, bool sure)
{
	bool stack16 = mode.v86 || (mode.code16 && chaos_one_in(2));

	t->ss = mode.v86 ? LOW_CODE >> 4 : mode.ring == 3 ? UDS : KDS;
	if (stack16 && !mode.v86)
		t->ss = mode.ring == 3 ? SEL_DATA16 + 8 + 3 : SEL_DATA16;
	t->esp = (stack16 ? 0 : STACK) + STACK_PAGES * PAGE_SIZE - 64 +
		 (chaos_one_in(4) ? chaos_random() & 3 : 0);
	if (!sure && chaos_one_in(8))
		t->esp = chaos_address();
}

static void choose_task(void)
{
	bool sure = cmdline_number("sure", 0) || !chaos_one_in(8);

	victim = (struct chaos_task){ .ss0 = KDS, .iomap = sizeof(victim) };
	victim.esp0 = (u32)trap_stack[0] + sizeof(trap_stack[0]);
	victim.esp1 = victim.esp2 = STACK + PAGE_SIZE;
	victim.ss1 = chaos_selector();
	victim.ss2 = chaos_selector();
	if (!sure && chaos_one_in(4))
		victim.esp0 = chaos_address();
	victim.cr3 = chaos_build_space(&mode);
	victim.eflags = choose_flags();
	for (u32 *r = &victim.eax; r <= &victim.edi; r++)
		*r = chaos_one_in(4) ? chaos_random() % 64 : chaos_address();
	if (!chaos_one_in(4))
		victim.ecx &= 0xff;
	choose_stack(&victim, sure);
	choose_code(&victim);
	victim.es = data_selector(sure);
	victim.ds = data_selector(sure);
	victim.fs = data_selector(sure);
	victim.gs = data_selector(sure);
	victim.ldt = chaos_one_in(2) ? SEL_LDT : 0;
	victim.trap = chaos_one_in(32);
}

static void choose_probe(void)
{
	u32 page = chaos_one_in(2) ? WINDOW + chaos_random() % WINDOW_PAGES * PAGE_SIZE
				   : IMAGE_START + chaos_random() % 0x200 * PAGE_SIZE;

	probe = (struct chaos_probe){ .gla = page | (chaos_random() & 0xfff),
				      .write = chaos_one_in(2) };
	if (mode.ring == 3 && !mode.v86 && !mode.code16 && chaos_one_in(2))
		chaos_write_probe(chaos_code_frame(), &probe);
}

static void prepare_rescue(void)
{
	rescue = (struct chaos_task){ .ss0 = KDS,
				      .cr3 = chaos_kernel_cr3(mode.pae),
				      .eip = (u32)chaos_rescue,
				      .eflags = 2,
				      .es = KDS,
				      .cs = KCS,
				      .ss = KDS,
				      .ds = KDS,
				      .iomap = sizeof(rescue) };
	rescue.esp0 = rescue.esp = (u32)trap_stack[1] + sizeof(trap_stack[1]);
	main_task = rescue; /* an IRET with NT leads there */
}

static void load_debug(void)
{
	u32 dr7 = chaos_one_in(12)
			  ? (chaos_random() & 0xffff0000) | (chaos_random() & DR7_LOCAL_ALL)
			  : 0;

	__asm__ volatile("mov %0, %%dr7" ::"r"(0x400));
	if (!dr7)
		return;
	__asm__ volatile("mov %0, %%dr0; mov %1, %%dr1; mov %2, %%dr2; mov %3, %%dr3" ::"r"(
				 CODE + chaos_random() % 64),
			 "r"(chaos_address()), "r"(chaos_address()), "r"(chaos_address()));
	/* The task switch clears the local enables: make them global. */
	__asm__ volatile("mov %0, %%dr7" ::"r"(dr7 << 1 | 0x400));
}

static void load_fpu(void)
{
	for (u32 i = 0; i < sizeof(fx); i += 4)
		*(u32 *)(fx + i) = chaos_random();
	*(u32 *)(fx + 24) &= 0xffbf; /* MXCSR: no reserved bit */
	__asm__ volatile("fxrstor %0" ::"m"(fx));
	if (chaos_one_in(2))
		__asm__ volatile("fninit");
}

static void load_control(void)
{
	u32 cr0 = CR0_ROUND | (chaos_one_in(3) ? CR0_AM : 0) | (chaos_one_in(2) ? CR0_NE : 0);

	if (mode.ring == 3 && chaos_one_in(4))
		cr0 &= ~CR0_WP;
	__asm__ volatile("mov %0, %%cr0" ::"r"(cr0));
}

/* Interrupt controllers, timer: as the last round's code can have left neither. */
static void devices(void)
{
	static const u8 words[][2] = { { 0x20, 0x11 }, { 0xa0, 0x11 }, { 0x21, 0x20 },
				       { 0xa1, 0x28 }, { 0x21, 4 },    { 0xa1, 2 },
				       { 0x21, 1 },    { 0xa1, 1 },    { 0xa1, 0xff } };

	for (u32 i = 0; i < COUNT(words); i++)
		outb(words[i][0], words[i][1]);
	outb(0x92, 2); /* A20 */
	timer_start(hz);
}

static void report(void)
{
	u32 sum = 0;

	for (u32 v = 0; v < COUNT(trap_count); v++)
		sum += trap_count[v];
	print("CHAOS %u rounds %u traps: pf %u gp %u ud %u db %u df %u irq %u task %u probe %u; "
	      "ring0 %u ring3 %u code16 %u v86 %u pae %u clean %u\r\n",
	      rounds, sum, trap_count[14], trap_count[13], trap_count[6], trap_count[1],
	      trap_count[8], irqs, trap_count[32], probes, modes[MODE_RING0], modes[MODE_RING3],
	      modes[MODE_CODE16], modes[MODE_V86], modes[MODE_PAE], modes[MODE_CLEAN]);
}

/* On the boot stack, interrupts off, in the kernel's segments; the rest is as a round left it. */
void chaos_round(void)
{
	__asm__ volatile("mov %0, %%dr7" ::"r"(0x400));
	chaos_switch_paging(false);
	trap_count[32] += resumes == 0;
	if (++rounds % REPORT_EVERY == 0)
		report();
	if (rounds == rounds_wanted)
		guest_end();
	if (chaos_one_in(64))
		hz = chaos_one_in(4) ? 20000 : 200 + chaos_random() % 2000;
	choose_mode();
	chaos_next_frame(mode.clean);
	prepare_rescue();
	fill_gdt();
	fill_idt();
	load_tables();
	devices();
	if (mode.pae)
		chaos_switch_paging(true);
	choose_probe();
	choose_task();
	chaos_write_code(chaos_code_frame(), CODE_PAGES * PAGE_SIZE, &mode, &probe);
	if (cmdline_number("trace", 0))
		print("round %u ring %u v86 %u pae %u flags %x cs %x eip %x ss %x esp %x\r\n",
		      rounds, mode.ring, mode.v86, mode.pae, victim.eflags, victim.cs, victim.eip,
		      victim.ss, victim.esp);
	resumes = ticks = 0;
	load_fpu();
	load_control();
	load_debug();
	chaos_enter(SEL_VICTIM);
}

/* --- Traps of a round --- */

static bool resume_fault(const struct guest_frame *f)
{
	u32 cr2;

	if (f->vector != 14 || chaos_one_in(4))
		return false;
	__asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
	return chaos_change_page(cr2);
}

/* Skips what faulted, by chance: the code behind it has its turn, too. */
static bool skip(struct guest_frame *f)
{
	u32 at = f->eip - CODE - PROBE;

	if (f->vector >= 32 || at < probe.end - PROBE || chaos_one_in(4))
		return false;
	f->eip += 1 + chaos_random() % 6;
	return true;
}

/* A trap within a trap, or random code has come here. */
static bool in_kernel(const struct guest_frame *f)
{
	return !(f->cs & 3) && f->eip >= IMAGE_START && f->eip < (u32)text_end;
}

/* The probe got through: was it allowed? Its bytes may have been overwritten, and jumped over. */
static void check_probe(const struct guest_frame *f)
{
	if (f->cs != UCS || !probe.end || f->eip != CODE + probe.end || f->ebx != PROBE_MAGIC)
		return;
	probes++;
	if (!chaos_user_may(probe.gla, probe.write))
		print("FAIL round %u: ring 3 could %s %x\r\n", rounds,
		      probe.write ? "write" : "read", probe.gla);
}

/* CR3 leaves global pages. */
static void flush(void)
{
	__asm__ volatile("mov %%cr3, %%eax; mov %%eax, %%cr3; invlpg (%0)" ::"r"(probe.gla)
			 : "eax", "memory");
}

u32 chaos_trap(struct guest_frame *f)
{
	if (f->vector == 0x80 && in_kernel(f)) { /* print()'s way to ring 0 */
		f->eax = ((u32(*)(u32))f->eax)(f->edx);
		return 0;
	}
	trap_count[f->vector < 32 ? f->vector : 31]++;
	if (f->vector == VEC_PROBE)
		check_probe(f);
	if (f->vector == VEC_FLUSH && f->cs == UCS) {
		flush();
		return 0;
	}
	if (++resumes > RESUMES || in_kernel(f))
		return 1;
	if (f->vector == VEC_TIMER) {
		outb(0x20, 0x20);
		irqs++;
		return ++ticks > TICKS;
	}
	if (f->vector == 1 || f->vector == 3) {
		if (chaos_one_in(8))
			f->eflags ^= EFLAGS_TF;
		f->eflags |= chaos_one_in(2) ? EFLAGS_RF : 0;
		return 0;
	}
	return !(resume_fault(f) || skip(f));
}

/* --- Start --- */

static u32 cmos(u32 index)
{
	outb(0x70, (u8)index);
	return inb(0x71);
}

static void cmos_set(u32 index, u32 value)
{
	outb(0x70, (u8)index);
	outb(0x71, (u8)value);
}

/*
 * Each start has a number of its own, which resets leave in the CMOS RAM: two bytes and their check
 * sum, in several places, since random code writes there, too. A start that is always the same dies
 * the same death for ever.
 */
static u32 count_start(void)
{
	static const u8 place[] = { 0x40, 0x4d, 0x5a, 0x67, 0x7c };
	u32 starts = 0;

	for (u32 i = 0; i < COUNT(place); i++) {
		u32 lo = cmos(place[i]), hi = cmos(place[i] + 1u);

		if ((lo ^ hi ^ CMOS_MAGIC) == cmos(place[i] + 2u) && starts < (lo | hi << 8))
			starts = lo | hi << 8;
	}
	starts++;
	for (u32 i = 0; i < COUNT(place); i++) {
		cmos_set(place[i], starts);
		cmos_set(place[i] + 1u, starts >> 8);
		cmos_set(place[i] + 2u, starts ^ starts >> 8 ^ CMOS_MAGIC);
	}
	return starts;
}

void guest_main(void)
{
	u32 start = count_start();

	__asm__ volatile("cli");
	state = (cmdline_number("seed", 1) * 2654435761u) ^ (start * 0x9e3779b1u);
	state = state ? state : 1;
	rounds_wanted = cmdline_number("rounds", 0);
	hz = 1000;
	chaos_paging_init();
	print("CHAOS start %u\r\n", start);
	chaos_next_round();
}
