/* SPDX-License-Identifier: MIT */
/*
 * Memory that is not there, as a kernel finds it that believes in more RAM than the machine has:
 * 160 MiB from 256 MiB on. Writes are lost, and reads are ones, by every kind of access; on bare
 * QEMU they are zeros. Expected: PASS throughout, and the lines that bare QEMU prints, but for
 * those of time. These are in thousands of cycles, which are nanoseconds under -icount.
 *
 *   make build/guests/absent; as selectors.c says
 */
#include "lib/testguest.h"

#define ABSENT	 0x10000000u
#define BYTES	 (160u << 20)
#define LARGE	 0x400000u
#define PTE_SIZE BIT(7)
/* Addresses whose first page is RAM and whose second one is not there, and the other way round. */
#define OUT_OF 0x40000000u
#define INTO   0x40002000u

const char guest_name[] = "absent";

static u32 *ram, nothing;

static u32 map_absent(u32 unused)
{
	u32 cr4;

	(void)unused;
	__asm__ volatile("mov %%cr4, %0; or $0x10, %0; mov %0, %%cr4" : "=r"(cr4));
	for (u32 at = ABSENT; at < ABSENT + BYTES; at += LARGE)
		page_directory[at / LARGE] = at | PTE_SIZE | PTE_P | PTE_W | PTE_U;
	map(OUT_OF, (u32)ram, PTE_P | PTE_W | PTE_U);
	map(OUT_OF + PAGE_SIZE, ABSENT, PTE_P | PTE_W | PTE_U);
	map(INTO, ABSENT, PTE_P | PTE_W | PTE_U);
	map(INTO + PAGE_SIZE, (u32)ram, PTE_P | PTE_W | PTE_U);
	return 0;
}

static u32 cycles(void)
{
	u32 lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return lo >> 10 | hi << 22;
}

static void stosd(u32 to, u32 value, u32 n)
{
	__asm__ volatile("rep stosl" : "+D"(to), "+c"(n) : "a"(value) : "memory");
}

static void movsd(u32 to, u32 from, u32 n)
{
	__asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(n)::"memory");
}

static void stores(u32 to, u32 value, u32 n)
{
	__asm__ volatile("1: movl %2, (%0); addl $4, %0; decl %1; jnz 1b"
			 : "+r"(to), "+r"(n)
			 : "r"(value)
			 : "memory");
}

static u32 loads(u32 from, u32 n)
{
	u32 sum = 0;

	__asm__ volatile("1: addl (%1), %0; addl $4, %1; decl %2; jnz 1b"
			 : "+r"(sum), "+r"(from), "+r"(n)::"memory");
	return sum;
}

static void timed(const char *what, void (*fn)(u32 to, u32 value, u32 n), u32 value, u32 n)
{
	u32 before = cycles();

	fn(ABSENT, value, n);
	print("  %s: %u\n", what, cycles() - before);
}

static u32 sum_of(u32 sum, const u32 *p, u32 n)
{
	while (n--)
		sum = digest(sum, *p++);
	return sum;
}

/* One of each kind; the sum is of what was read and of the flags. */
static u32 kinds(u32 at)
{
	u32 sum = 0, v, equal;
	volatile u32 *p = (volatile u32 *)at;

	*p = 0x12345678;
	sum = digest(sum, *p);
	sum = digest(sum, *(volatile u8 *)(at + 1));
	sum = digest(sum, *(volatile u16 *)(at + 3));
	__asm__ volatile("addl $1, %1; setc %b0; setz %h0" : "=Q"(v), "+m"(*p));
	sum = digest(sum, v & 0xffff);
	v = 5;
	__asm__ volatile("xchgl %0, %1" : "+r"(v), "+m"(*p));
	sum = digest(sum, v);
	v = nothing;
	__asm__ volatile("lock cmpxchgl %3, %1; setz %b2"
			 : "+a"(v), "+m"(*p), "=&Q"(equal)
			 : "r"(7));
	sum = digest(digest(sum, v), equal & 0xff);
	__asm__ volatile("pushl %2; popl %1; movl %1, %0" : "=r"(v), "+m"(*p) : "i"(9));
	sum = digest(sum, v);
	__asm__ volatile("fildl %1; fistpl %0" : "=m"(v), "+m"(*p));
	return digest(sum, v);
}

static u32 kinds_of_nothing(void)
{
	u32 sum = digest(0, nothing);

	sum = digest(digest(sum, nothing & 0xff), nothing & 0xffff);
	sum = digest(digest(sum, nothing ? 0x101 : 0), nothing);
	sum = digest(digest(sum, nothing), 1);
	return digest(digest(sum, nothing), nothing);
}

static void check_kinds(void)
{
	u32 right = kinds_of_nothing();

	for (u32 i = 0; i < 3; i++)
		check(kinds(ABSENT + i * 4095) == right, "all kinds of access");
	for (u32 i = 0; i < 100; i++)
		if (kinds(ABSENT + i * 8) != right)
			check(false, "all kinds of access in a row");
}

static void check_compares(u32 at)
{
	u32 n = 1000, to = at, from = at + 4096;

	__asm__ volatile("repne scasb" : "+D"(to), "+c"(n) : "a"(~nothing));
	check(!n && to == at + 1000, "REPNE SCASB");
	n = 1000, to = at;
	__asm__ volatile("repe cmpsl" : "+D"(to), "+S"(from), "+c"(n));
	check(!n && to == at + 4000, "REPE CMPSD");
}

static void downwards(u32 last, u32 value, u32 n)
{
	__asm__ volatile("std; rep stosl; cld" : "+D"(last), "+c"(n) : "a"(value) : "memory");
}

/* From one page to the other; RAM is looked at behind that. */
static void over_edges(void)
{
	u32 half = PAGE_SIZE / 2, words = PAGE_SIZE / 4;

	stosd((u32)ram, 0x11111111, words);
	stosd(OUT_OF + half + 1, 0x22222222, words);
	print("out of RAM %x\n", sum_of(0, ram, words));
	stosd(INTO + half + 2, 0x33333333, words);
	print("into RAM %x\n", sum_of(0, ram, words));
	downwards(INTO + PAGE_SIZE + half, 0x44444444, words);
	print("downwards %x\n", sum_of(0, ram, words));
	movsd((u32)ram, INTO + PAGE_SIZE - 16, 5);
	check(ram[0] == nothing && ram[3] == nothing, "from nothing to RAM");
	check(ram[4] == ram[0], "from the RAM that was just written");
	print("from both %x\n", sum_of(0, ram + 5, words - 5));
}

static u32 stopped_edi, stopped_ecx;

/* Up to the end of what is mapped. */
static void beyond(u32 n)
{
	__asm__ volatile("rep stosl" ::"D"(ABSENT + BYTES - 4 * n), "c"(n + 9), "a"(5) : "memory");
}

static bool on_fault(struct guest_frame *f)
{
	stopped_edi = f->edi;
	stopped_ecx = f->ecx;
	return false;
}

void guest_main(void)
{
	u32 words = cmdline_number("mib", 160) << 18, singly = cmdline_number("singly", 4) << 18;

	ram = page_alloc();
	call_ring0(map_absent, 0);
	timed("rep stosd", stosd, 0, words);
	timed("rep movsd within", movsd, ABSENT + (1 << 20), words / 16);
	timed("rep movsd from RAM", movsd, 0x1000, 1 << 18);
	timed("stores", stores, 0, singly);
	nothing = *(volatile u32 *)ABSENT;
	check_kinds();
	check_compares(ABSENT + 0x10ff0);
	check(loads(ABSENT, 1 << 16) == nothing << 16, "loads");
	over_edges();
	trap_hook[14] = on_fault;
	print("beyond %d", attempt(beyond, 2000));
	print(" %x EDI %x ECX %x\n", caught.cr2, stopped_edi, stopped_ecx);
	check_kinds();
	guest_end();
}
