/* SPDX-License-Identifier: MIT */
/*
 * A kernel with paging and one handler, for docs/gdb.md. It maps 4 MiB, and fills a table of
 * squares that is one entry longer than what is mapped.
 */
#define PAGE	   4096u
#define ENTRIES	   1024u
#define MAPPED	   (ENTRIES * PAGE)
#define PRESENT	   1u
#define WRITABLE   2u
#define PAGE_FAULT 14
#define SQUARES	   (ENTRIES + 1)
#define CODE	   8u
#define GATE	   0x8e00u /* present, interrupt gate of 32 bits */
#define CR0_PG	   0x80000000u

typedef unsigned int u32;

struct gate {
	u32 low, high;
};

void kernel(void);
void page_fault(u32 address);
extern char page_fault_entry[];

static u32 directory[ENTRIES] __attribute__((aligned(PAGE)));
static u32 low_table[ENTRIES] __attribute__((aligned(PAGE)));
static u32 next_table[ENTRIES] __attribute__((aligned(PAGE)));
static struct gate idt[PAGE_FAULT + 1];

static u32 *const squares = (u32 *)(MAPPED - PAGE);

/* Every linear address below 4 MiB is the physical one. */
static __attribute__((noinline)) void paging_on(void)
{
	for (u32 i = 0; i < ENTRIES; i++) {
		low_table[i] = i * PAGE | PRESENT | WRITABLE;
		directory[i] = 0;
		next_table[i] = 0;
	}
	directory[0] = (u32)low_table | PRESENT | WRITABLE;
	__asm__ volatile("mov %0, %%cr3" : : "r"(directory));
	__asm__ volatile("mov %%cr0, %%eax; or %0, %%eax; mov %%eax, %%cr0"
			 :
			 : "i"(CR0_PG)
			 : "eax");
}

static __attribute__((noinline)) void idt_on(void)
{
	struct {
		unsigned short limit;
		struct gate *base;
	} __attribute__((packed)) idtr = { sizeof(idt) - 1, idt };
	u32 entry = (u32)page_fault_entry;

	idt[PAGE_FAULT].low = CODE << 16 | (entry & 0xffff);
	idt[PAGE_FAULT].high = (entry & 0xffff0000) | GATE;
	__asm__ volatile("lidt %0" : : "m"(idtr));
}

/* Maps the page that was missing. */
void page_fault(u32 address)
{
	u32 page = address & ~(PAGE - 1);

	directory[address / MAPPED] = (u32)next_table | PRESENT | WRITABLE;
	next_table[page / PAGE % ENTRIES] = page | PRESENT | WRITABLE;
}

static __attribute__((noinline)) void fill(u32 count)
{
	for (u32 i = 0; i < count; i++)
		squares[i] = i * i;
}

void kernel(void)
{
	paging_on();
	idt_on();
	fill(SQUARES);
}
