/* SPDX-License-Identifier: MIT */
/*
 * Reads RAM that nobody has written, and uses SSE with operands that are not aligned; as
 * strict_cpu.c, it says in front what it does and what of that is wrong.
 */
#include "lib/testguest.h"

const char guest_name[] = "strict_memory";

#define FRESH	   0x7f0000u /* pages that the heap does not reach */
#define WINDOW	   0x40000000u
#define CR4_OSFXSR BIT(9)
#define RET	   0xc3

static u8 aligned[544] __attribute__((aligned(16)));

static void wrong(const char *rule)
{
	print("wrong %s\r\n", rule);
}

static void right(const char *what)
{
	print("right %s\r\n", what);
}

static void twice(const char *rule, void (*fn)(u32), u32 arg)
{
	wrong(rule);
	for (volatile u32 n = 0; n < 2; n++)
		attempt(fn, arg);
}

static volatile u32 *fresh(u32 page)
{
	return (volatile u32 *)(FRESH + page * PAGE_SIZE);
}

static void read_32(u32 gla)
{
	(void)*(volatile u32 *)gla;
}

static void read_behind(u32 gla)
{
	(void)*(volatile u32 *)(gla + 4);
}

static void load_string(u32 gla)
{
	u32 count = 16;

	__asm__ volatile("rep lodsl" : "+S"(gla), "+c"(count)::"eax", "memory");
}

static void written(void)
{
	u8 copy[64];

	right("what was written, by each width, and a word of which one byte was");
	*(volatile u8 *)(fresh(0) + 1) = 1;
	read_32((u32)(fresh(0) + 1));
	fresh(0)[2] = 3;
	read_32((u32)(fresh(0) + 2));
	__asm__ volatile("rep stosl" ::"D"(fresh(1)), "c"(PAGE_SIZE / 4), "a"(7) : "memory");
	for (u32 i = 0; i < PAGE_SIZE / 4; i += 128)
		read_32((u32)(fresh(1) + i));
	__builtin_memcpy(copy, (const void *)fresh(1), sizeof(copy));
	*fresh(2) = 0;
	*fresh(2) += 1;
}

static void unwritten(void)
{
	twice("ram_unwritten", read_32, (u32)fresh(3));
	*fresh(4) = 1; /* the others stay as they are */
	twice("ram_unwritten", read_behind, (u32)fresh(4));
	twice("ram_unwritten", load_string, (u32)fresh(5));
}

static u32 load_cr3(u32 unused)
{
	__asm__ volatile("mov %%cr3, %%eax; mov %%eax, %%cr3" ::: "eax", "memory");
	return unused;
}

static void table(void)
{
	page_directory[WINDOW >> 22] = (u32)fresh(6) | PTE_P | PTE_W | PTE_U;
	twice("ram_table", read_32, WINDOW);
	page_directory[WINDOW >> 22] = 0;
	call_ring0(load_cr3, 0);
}

/* Two bytes of zeros, as they are in an emulator, are an addition to [EAX]. */
static void call(u32 gla)
{
	static u32 scratch;

	__asm__ volatile("call *%1" ::"a"(&scratch), "r"(gla) : "memory");
}

static void code(void)
{
	((volatile u8 *)fresh(7))[2] = RET;
	twice("ram_executed", call, (u32)fresh(7));
}

static u32 enable_sse(u32 unused)
{
	__asm__ volatile("mov %%cr4, %%eax; or %0, %%eax; mov %%eax, %%cr4" ::"i"(CR4_OSFXSR)
			 : "eax");
	return unused;
}

static void load_aligned(u32 gla)
{
	__asm__ volatile("movaps (%0), %%xmm0" ::"r"(gla) : "memory");
}

static void store_aligned(u32 gla)
{
	__asm__ volatile("movdqa %%xmm0, (%0)" ::"r"(gla) : "memory");
}

static void add_aligned(u32 gla)
{
	__asm__ volatile("paddd (%0), %%xmm0" ::"r"(gla) : "memory");
}

static void load_anywhere(u32 gla)
{
	__asm__ volatile("movups (%0), %%xmm0; movq (%0), %%xmm0; movss (%0), %%xmm0" ::"r"(gla)
			 : "memory");
}

static void save_state(u32 gla)
{
	__asm__ volatile("fxsave (%0)" ::"r"(gla) : "memory");
}

static void sse(void)
{
	u32 gla = (u32)aligned;

	call_ring0(enable_sse, 0);
	right("aligned, and instructions that do not mind");
	load_aligned(gla + 16);
	store_aligned(gla);
	add_aligned(gla + 32);
	load_anywhere(gla + 1);
	save_state(gla);
	twice("sse_align", load_aligned, gla + 8);
	twice("sse_align", store_aligned, gla + 4);
	twice("sse_align", add_aligned, gla + 1);
	twice("sse_align", save_state, gla + 8);
	right("the end");
}

void guest_main(void)
{
	written();
	unwritten();
	table();
	code();
	sse();
}
