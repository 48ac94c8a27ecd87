/* SPDX-License-Identifier: MIT */
/*
 * Reads, writes and jumps at 0 and at 4 GiB - 1, wrapping up, with every way in which segment base,
 * register, index, scale and displacement add up beyond 32 bits (8 GiB and more).
 *
 * Expected: every sum is cut to 32 bits. Mapped pages show what lies there; unmapped ones give #PF
 * with that 32-bit address. Accesses that would leave a 4 GiB segment (a doubleword at offset
 * FFFFFFFDh) are left out: processors differ.
 */
#include "lib/testguest.h"

#define SEGMENT (SPARE | guest_ring)
#define TOP	0xfffff000u
#define MIDDLE	0x40000000u
#define HOLE	0x90000000u
#define MMIO	0xfee00000u
#define RIGHTS	(PTE_P | PTE_W | (guest_ring == 3 ? PTE_U : 0))
#define VEC_PF	14

const char guest_name[] = "addresses";

static u32 bottom_page, top_page, middle_page;
static bool ends_mapped;

/* --- The machine around --- */

static u32 set_base(u32 base)
{
	gdt_set(SPARE, base << 16 | 0xffff,
		(base & 0xff000000) | 0x00cf9300 | guest_ring << 13 | (base >> 16 & 0xff));
	return 0;
}

static u32 set_code_base(u32 base)
{
	gdt_set(SPARE, base << 16 | 0xffff,
		(base & 0xff000000) | 0x00cf9b00 | guest_ring << 13 | (base >> 16 & 0xff));
	return 0;
}

static u32 map_ends(u32 on)
{
	map(0, bottom_page, on ? RIGHTS : 0);
	map(TOP, top_page, on ? RIGHTS : 0);
	ends_mapped = on;
	return 0;
}

static u8 pattern(u32 gla)
{
	return (u8)((gla ^ gla >> 8 ^ gla >> 16 ^ gla >> 24) * 37 + 11);
}

static u32 prepare(u32 unused)
{
	u8 *p[3];

	for (u32 i = 0; i < 3; i++)
		p[i] = page_alloc();
	for (u32 i = 0; i < PAGE_SIZE; i++) {
		p[0][i] = pattern(i);
		p[1][i] = pattern(TOP + i);
		p[2][i] = pattern(MIDDLE + i);
	}
	bottom_page = (u32)p[0];
	top_page = (u32)p[1];
	middle_page = (u32)p[2];
	map(MIDDLE, middle_page, RIGHTS);
	return unused;
}

/* --- Operands: one function per scale and displacement --- */

struct operand {
	u32 base, reg, index, scale, disp, gla, size, value;
	bool write;
};

static struct operand now;

#define ACCESS(SCALE, DISP)                                                            \
	case SCALE ^ DISP:                                                             \
		if (o->size == 1 && o->write)                                          \
			__asm__ volatile("movb %b0, %%gs:" #DISP "(%1,%2," #SCALE      \
					 ")" ::"q"(o->value),                          \
					 "r"(o->reg), "r"(o->index)                    \
					 : "memory");                                  \
		else if (o->size == 1)                                                 \
			__asm__ volatile("movzbl %%gs:" #DISP "(%1,%2," #SCALE "), %0" \
					 : "=r"(o->value)                              \
					 : "r"(o->reg), "r"(o->index));                \
		else                                                                   \
			__asm__ volatile("movl %%gs:" #DISP "(%1,%2," #SCALE "), %0"   \
					 : "=r"(o->value)                              \
					 : "r"(o->reg), "r"(o->index));                \
		break;
#define ACCESSES(DISP) ACCESS(1, DISP) ACCESS(2, DISP) ACCESS(4, DISP) ACCESS(8, DISP)

static const u32 scales[] = { 1, 2, 4, 8 };
static const u32 displacements[] = { 0, 0x10, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffff00 };

static void access(u32 operand)
{
	struct operand *o = (struct operand *)operand;

	__asm__ volatile("mov %0, %%gs" ::"r"(SEGMENT));
	switch (o->scale ^ o->disp) {
		ACCESSES(0)
		ACCESSES(0x10)
		ACCESSES(0x7fffffff)
		ACCESSES(0x80000000)
		ACCESSES(0xfffffff0)
		ACCESSES(0xffffff00)
	}
}

static bool mapped(u32 gla)
{
	return (gla & ~0xfffu) == MIDDLE || (ends_mapped && (gla < PAGE_SIZE || gla >= TOP));
}

static bool one_access(struct operand *o)
{
	bool all = true, good;
	u32 expected = 0;
	int vector;

	for (u32 i = 0; i < o->size; i++) {
		all &= mapped(o->gla + i);
		expected |= (u32)pattern(o->gla + i) << 8 * i;
	}
	o->value = o->write ? pattern(o->gla) : 0xdeadbeef;
	vector = attempt(access, (u32)o);
	attempts++;
	if (all)
		good = vector < 0 && o->value == expected;
	else
		good = vector == VEC_PF && (mapped(o->gla) || caught.cr2 == o->gla) &&
		       caught.error == (guest_ring == 3 ? 4u : 0u) + (o->write ? 2u : 0u);
	if (!good)
		print("  base %x reg %x index %x*%u disp %x: gla %x size %u write %u: vector %d "
		      "cr2 %x value %x\r\n",
		      o->base, o->reg, o->index, o->scale, o->disp, o->gla, o->size, o->write,
		      (u32)vector, caught.cr2, o->value);
	return good;
}

static const u32 targets[] = { 0,	   1,	       7,	   0xffc,      0xfff,
			       0xffffffff, 0xfffffffc, 0xfffff000, MIDDLE,     MIDDLE + 0xabc,
			       HOLE,	   MMIO,       HOLE + 3,   0x80000000, 0x7fffffff };
static const u32 extremes[] = { 0,	    1,		0xfff,	    0x1000,    0x7fffffff,
				0x80000000, 0xfffff000, 0xfffffffe, 0xffffffff };

static u32 pick(const u32 *list, u32 n)
{
	u32 i = random_next() % (n + 1);

	return i == n ? random_next() : list[i];
}

/* Base, index, scale and displacement at random, the register so that the sum is a target. */
static void many_accesses(u32 rounds, const char *what)
{
	u32 bad = 0;

	for (u32 n = 0; n < rounds && bad < 5; n++) {
		struct operand *o = &now;

		o->gla = targets[random_next() % COUNT(targets)];
		o->base = pick(extremes, COUNT(extremes));
		o->index = pick(extremes, COUNT(extremes));
		o->scale = scales[random_next() & 3];
		o->disp = displacements[random_next() % COUNT(displacements)];
		o->reg = o->gla - o->base - o->index * o->scale - o->disp;
		o->write = (random_next() & 3) == 0;
		o->size = !o->write && (random_next() & 1) ? 4 : 1;
		if (o->gla - o->base > 0xfffffffc || o->gla == 0xfff)
			o->size = 1;
		call_ring0(set_base, o->base);
		bad += !one_access(o);
	}
	check(!bad, what);
}

/* --- Strings and the stack over the edge --- */

static u8 copy[64];

static void copy_up(u32 segment)
{
	__asm__ volatile(
		"push %%ds; mov %3, %%ds; rep movsb; pop %%ds" ::"S"(0xffffffe0 - 0xfffff000u),
		"D"(copy), "c"(64), "r"(segment)
		: "memory");
}

static bool copied(u32 from)
{
	for (u32 i = 0; i < sizeof(copy); i++)
		if (copy[i] != pattern(from + i))
			return false;
	return true;
}

static u32 popped;

static void push_at(u32 esp)
{
	__asm__ volatile("mov %%esp, %%ebx; mov %1, %%esp; push %1; pop %0; mov %%ebx, %%esp"
			 : "=&r"(popped)
			 : "r"(esp)
			 : "ebx", "memory");
}

static void strings_and_stack(void)
{
	call_ring0(set_base, TOP);
	check(attempt(copy_up, SEGMENT) < 0 && copied(0xffffffe0), "rep movsb over 4 GiB");
	check(attempt(push_at, 0) < 0 && popped == 0, "push with esp = 0");
	check(attempt(push_at, 4) < 0 && popped == 4, "push with esp = 4");
	check(attempt(push_at, 0xfffffff0) < 0 && popped == 0xfffffff0, "push with esp = fffffff0");
}

/* --- Jumps --- */

static void jump(u32 eip)
{
	__asm__ volatile("call *%0" ::"r"(eip) : "eax", "ecx", "edx", "memory");
}

static struct {
	u32 offset;
	u16 selector;
} __attribute__((packed)) target;

extern const u8 hidden_far_jump[], hidden_page[];

static void jump_far(u32 offset)
{
	target.offset = offset;
	target.selector = (u16)SEGMENT;
	__asm__ volatile("call *%1" ::"a"(&target), "r"(hidden_far_jump) : "memory");
}

__attribute__((naked)) static void landing(void)
{
	__asm__ volatile("ud2");
}

static void jumps(void)
{
	static const u32 holes[] = { 0,		 1,    0xfff,	     0xfffff000, 0xfffffffe,
				     0xffffffff, HOLE, HOLE + 0xfff, 0x80000000 };
	u32 bad = 0;

	call_ring0(map_ends, 0);
	for (u32 i = 0; i < COUNT(holes); i++) {
		int v = attempt(jump, holes[i]);

		attempts++;
		bad += v != VEC_PF || caught.cr2 != holes[i] || caught.eip != holes[i];
	}
	check(!bad, "jumps to unmapped pages");
	bad = 0;
	for (u32 i = 0; i < COUNT(extremes); i++) {
		int v;

		call_ring0(set_code_base, extremes[i]);
		v = attempt(jump_far, (u32)landing - extremes[i]);
		attempts++;
		bad += v != 6 || caught.eip != (u32)landing - extremes[i] ||
		       (caught.cs & ~3u) != SPARE;
	}
	check(!bad, "far jumps into segments whose base wraps");
}

/* The last byte is NOP, the first one RET: EIP wraps. */
static void run_over_the_edge(void)
{
	((u8 *)top_page)[0xfff] = 0x90;
	((u8 *)bottom_page)[0] = 0xc3;
	call_ring0(map_ends, 1);
	check(attempt(jump, 0xffffffff) < 0, "eip runs from ffffffff to 0");
	((u8 *)top_page)[0xfff] = pattern(0xffffffff);
	((u8 *)bottom_page)[0] = pattern(0);
}

void guest_main(void)
{
	u32 rounds = cmdline_number("rounds", 2000);

	((void (*)(void))hidden_page)();
	call_ring0(prepare, 0);
	call_ring0(map_ends, 0);
	many_accesses(rounds, "sums beyond 32 bits, first and last page unmapped");
	call_ring0(map_ends, 1);
	many_accesses(rounds, "sums beyond 32 bits, first and last page mapped");
	strings_and_stack();
	jumps();
	run_over_the_edge();
}
