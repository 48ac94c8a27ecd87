/* SPDX-License-Identifier: MIT */
/*
 * A kernel that plays with its page tables while it stands on them: large pages and their split,
 * global pages, copy on write with CR0.WP on and off, tables that map themselves, accessed and
 * dirty bits, PAE and NX. extras.c does the rest of the processor.
 */
#include "zoo/lib/zoo.h"

#define LARGE	  0x40000000u /* a large page is mapped here */
#define LOW_ALIAS 0x80000000u /* the first 4 MiB, as one page */
#define SELF	  0xffc00000u
#define WORK	  0x30000000u /* small pages that come and go */
#define FRAMES	  8u
#define PTE_PWT	  BIT(3)
#define PTE_A	  BIT(5)
#define PTE_D	  BIT(6)
#define PTE_LARGE BIT(7)
#define PTE_G	  BIT(8)
#define CR0_WP	  BIT(16)
#define CR0_PG	  BIT(31)
#define CR4_PSE	  BIT(4)
#define CR4_PAE	  BIT(5)
#define CR4_PGE	  BIT(7)
#define EFER	  0xc0000080u
#define EFER_NXE  BIT(11)
#define NX_BIT	  (1ull << 63)

const char guest_name[] = "pager";

extern const u8 returns[], returns_end[];

static u32 frames[FRAMES];

static u32 read_cr4(void)
{
	u32 v;

	__asm__ volatile("mov %%cr4, %0" : "=r"(v));
	return v;
}

static void write_cr4(u32 v)
{
	__asm__ volatile("mov %0, %%cr4" ::"r"(v) : "memory");
}

static void load_cr3(u32 v)
{
	__asm__ volatile("mov %0, %%cr3" ::"r"(v) : "memory");
}

static void invlpg(u32 at)
{
	__asm__ volatile("invlpg (%0)" ::"r"(at) : "memory");
}

static volatile u32 *word(u32 at)
{
	return (volatile u32 *)at;
}

static volatile u32 *pte_of(u32 gla) /* through the directory that maps itself */
{
	return (volatile u32 *)(SELF + (gla >> 12) * 4);
}

static volatile u32 *pde_of(u32 gla)
{
	return (volatile u32 *)(0xfffff000u + (gla >> 22) * 4);
}

static u32 read_it(u32 at)
{
	return *word(at);
}

static u32 write_it(u32 at)
{
	*word(at) = at;
	return at;
}

static u32 call_it(u32 at)
{
	return ((u32(*)(void))at)();
}

static void say_page_fault(int v)
{
	say_end(v);
	if (v == 14)
		print(" cr2 %x", caught.cr2);
}

/* --- Large pages */

static void large(void)
{
	u32 *table = page_alloc(), sum = 0;

	write_cr4(read_cr4() | CR4_PSE);
	page_directory[LARGE >> 22] = 0x400000 | PTE_LARGE | PTE_P | PTE_W;
	for (u32 i = 0; i < 64; i++)
		*word(LARGE + i * 0x10000) = i * 0x01010101;
	for (u32 i = 0; i < 64; i++)
		sum = digest(sum, *word(0x400000 + i * 0x10000));
	print("large page: entry %x, sum %x\r\n", page_directory[LARGE >> 22], sum);
	print("large page of the kernel:");
	say_page_fault(in_ring(3, read_it, LARGE + 0x123, 0x202));
	page_directory[LARGE >> 22] = 0x400000 | PTE_LARGE | PTE_P | 4;
	invlpg(LARGE);
	say_page_fault(in_ring(3, read_it, LARGE + 0x10000, 0x202));
	say_page_fault(in_ring(3, write_it, LARGE + 0x10000, 0x202));
	say_page_fault(in_ring(0, write_it, LARGE + 0x10000, 0x202));
	print(" entry %x\r\n", page_directory[LARGE >> 22]);
	/* Split, while it is in use */
	for (u32 i = 0; i < 1024; i++)
		table[i] = (0x400000 + i * PAGE_SIZE) | PTE_P | PTE_W;
	table[1] = 0x500000 | PTE_P | PTE_W;
	table[2] = 0;
	page_directory[LARGE >> 22] = (u32)table | PTE_P | PTE_W;
	load_cr3((u32)page_directory);
	sum = 0;
	for (u32 i = 0; i < 64; i++)
		sum = digest(sum, *word(LARGE + i * 0x10000));
	*word(LARGE + 0x1000) = 0x600d;
	print("split: sum %x, moved %x, dirty %x %x, missing", sum, *word(0x500000), table[1],
	      table[16]);
	say_page_fault(in_ring(0, read_it, LARGE + 0x2004, 0x202));
	print("\r\n");
	/* And large again */
	page_directory[LARGE >> 22] = 0x400000 | PTE_LARGE | PTE_P | PTE_W;
	invlpg(LARGE + 0x2000);
	invlpg(LARGE + 0x1000);
	load_cr3((u32)page_directory);
	print("joined: %x %x\r\n", *word(LARGE + 0x2000), *word(LARGE + 0x1000) == *word(0x401000));
}

/* The BIOS and the screen in a page of 4 MiB, with RAM around them. */
static void low(void)
{
	volatile u16 *screen = (volatile u16 *)(LOW_ALIAS + 0xb8000);
	volatile u8 *reset = (volatile u8 *)(LOW_ALIAS + 0xffff0);

	page_directory[LOW_ALIAS >> 22] = 0 | PTE_LARGE | PTE_P | PTE_W;
	map(WORK, 0xb8000, PTE_P | PTE_W);
	map(WORK + 0x1000, 0x70000, PTE_P | PTE_W);
	screen[100] = 0x1741;
	*word(WORK + 0x1000) = 0x5a5a5a5a;
	print("low 4 MiB: jump %x, screen %x %x, memory %x", reset[0], ((volatile u16 *)WORK)[100],
	      screen[100], *word(LOW_ALIAS + 0x70000));
	reset[0] = 0x12; /* the ROM is not written */
	print(", jump %x\r\n", reset[0]);
}

/* --- Global pages: INVLPG and CR4.PGE are what flushes them */

static void global(void)
{
	u32 sum = 0;

	write_cr4(read_cr4() | CR4_PGE);
	for (u32 i = 0; i < 20; i++) {
		map(WORK, frames[i % FRAMES], PTE_P | PTE_W | PTE_G);
		sum = digest(sum, *word(WORK));
		*pte_of(WORK) = frames[(i + 1) % FRAMES] | PTE_P | PTE_W | PTE_G;
		write_cr4(read_cr4() & ~CR4_PGE);
		write_cr4(read_cr4() | CR4_PGE);
		sum = digest(sum, *word(WORK));
		*pte_of(WORK) = frames[(i + 3) % FRAMES] | PTE_P | PTE_W | PTE_G;
		invlpg(WORK);
		sum = digest(sum, *word(WORK));
	}
	write_cr4(read_cr4() & ~CR4_PGE);
	print("global: %x\r\n", sum);
}

/* --- Copy on write, in rings 0 and 3, with WP on and off */

static u32 copies, copy_errors, copy_next;

static bool copy_on_write(struct guest_frame *f)
{
	u32 at, *from, *to;

	__asm__ volatile("mov %%cr2, %0" : "=r"(at));
	if (at < WORK || at >= WORK + 16 * PAGE_SIZE)
		return false;
	copies++;
	copy_errors = digest(copy_errors, f->error);
	from = (u32 *)(at & ~0xfffu);
	to = (u32 *)copy_next;
	copy_next += PAGE_SIZE;
	for (u32 i = 0; i < 1024; i++)
		to[i] = from[i];
	*pte_of(at) = (u32)to | PTE_P | PTE_W | PTE_U;
	invlpg(at);
	return true;
}

static u32 write_all(u32 n)
{
	u32 sum = 0;

	for (u32 i = 0; i < n; i++) {
		word(WORK + i * PAGE_SIZE)[0] += i;
		__asm__ volatile("lock; incl %0" : "+m"(*word(WORK + i * PAGE_SIZE + 0xffc)));
		sum = digest(sum, word(WORK + i * PAGE_SIZE)[0]);
	}
	return sum;
}

static void cow(void)
{
	trap_hook[14] = copy_on_write;
	for (u32 wp = 0; wp < 2; wp++)
		for (u32 ring = 0; ring < 4; ring += 3) {
			u32 sum = 0, marks = 0;

			write_cr0(wp ? read_cr0() | CR0_WP : read_cr0() & ~CR0_WP);
			copies = copy_errors = 0;
			copy_next = 0x480000;
			for (u32 i = 0; i < FRAMES; i++)
				*word(frames[i]) = 0x1000 * i;
			for (u32 i = 0; i < 16; i++)
				map(WORK + i * PAGE_SIZE, frames[i % FRAMES], PTE_P | PTE_U);
			print("copy on write, WP %u, ring %u:", wp, ring);
			say_end(in_ring(ring, write_all, 16, 0x202));
			for (u32 i = 0; i < FRAMES; i++)
				sum = digest(sum, *word(frames[i]));
			for (u32 i = 0; i < 16; i++)
				marks = digest(marks, *pte_of(WORK + i * PAGE_SIZE));
			print(" %x, copies %u, errors %x, frames %x, entries %x\r\n", zoo_result,
			      copies, copy_errors, sum, marks);
		}
	trap_hook[14] = NULL;
	write_cr0(read_cr0() | CR0_WP);
}

/* --- The tables through themselves */

static void self(void)
{
	u32 sum = 0;

	for (u32 i = 0; i < FRAMES; i++)
		*word(frames[i]) = 0x111 * i;
	map(WORK, frames[0], PTE_P | PTE_W);
	for (u32 i = 0; i < 200; i++) {
		*pte_of(WORK) = frames[i % FRAMES] | PTE_P | PTE_W;
		if (i & 1)
			invlpg(WORK);
		else
			load_cr3((u32)page_directory);
		sum = digest(sum, *word(WORK));
		*word(WORK) += i;
	}
	print("by itself: %x, entry of the entry %x\r\n", sum,
	      *pte_of((u32)pte_of(WORK)) == *pde_of(WORK));
	/* A table moves while the directory maps it: its entries come along. */
	{
		u32 *copy = page_alloc(), *old = (u32 *)(*pde_of(WORK) & ~0xfffu);

		for (u32 i = 0; i < 1024; i++)
			copy[i] = old[i];
		*pde_of(WORK) = (u32)copy | 7;
		load_cr3((u32)page_directory);
		*pte_of(WORK) = frames[5] | PTE_P | PTE_W;
		invlpg(WORK);
		print("moved: %x, old table %x\r\n", *word(WORK) == *word(frames[5]),
		      (old[WORK >> 12 & 1023] & ~0xfffu) == frames[5]);
	}
	/* The directory as a table at another place, which shows the tables as pages. */
	*pde_of(WORK + 0x400000) = (u32)page_directory | 3;
	print("second window: %x\r\n",
	      *word(WORK + 0x400000) == *(u32 *)(page_directory[0] & ~0xfffu));
	*pde_of(WORK + 0x400000) = 0;
	load_cr3((u32)page_directory);
	print("closed:");
	say_page_fault(in_ring(0, read_it, WORK + 0x400000, 0x202));
	print("\r\n");
}

/* --- Accessed and dirty bits */

static void marks(void)
{
	map(WORK, frames[0], PTE_P | PTE_W | PTE_U);
	for (const u8 *s = returns; s < returns_end; s++)
		((u8 *)WORK)[s - returns] = *s;
	for (u32 i = 0; i < 6; i++) {
		u32 pde, pte;

		/* A store to the table marks the directory's entry, which is its page's. */
		*pte_of(WORK) &= ~(PTE_A | PTE_D);
		load_cr3((u32)page_directory);
		*pde_of(WORK) &= ~(PTE_A | PTE_D);
		load_cr3((u32)page_directory);
		if (i & 1)
			in_ring(i & 4 ? 3 : 0, i & 2 ? write_it : call_it, WORK + (i & 2) * 4,
				0x202);
		pde = *pde_of(WORK);
		pte = *pte_of(WORK);
		print("%s%x %x", i ? ", " : "marks: ", pde & 0xfff, pte & 0xfff);
	}
	*pte_of(WORK) = frames[0] | PTE_P | PTE_W | PTE_U;
	invlpg(WORK);
	__asm__ volatile("cmpxchg %%ecx, %0" ::"m"(*word(WORK)), "a"(1),
			 "c"(2)); /* writes anyway */
	print(", %x", *pte_of(WORK) & 0xfff);
	*pte_of(WORK) = frames[0] | PTE_P | PTE_U;
	invlpg(WORK);
	in_ring(3, write_it, WORK, 0x202);
	print(", %x\r\n", *pte_of(WORK) & 0xfff);
}

/* --- Rights of directory and table together, from rings 0 and 3 */

static void rights(void)
{
	for (u32 e = 0; e < 16; e++) {
		u32 sum = 0;

		map(WORK, frames[1], (e & 3) << 1 | PTE_P);
		*pde_of(WORK) = (*pde_of(WORK) & ~6u) | (e >> 2) << 1;
		load_cr3((u32)page_directory);
		print("rights %x", e);
		for (u32 i = 0; i < 4; i++) {
			int v = in_ring(i & 2 ? 3 : 0, i & 1 ? write_it : read_it, WORK + 16,
					0x202);

			sum = sum << 4 | (v == 14 ? caught.error | 8 : 0);
		}
		print(": %x\r\n", sum);
	}
	*pde_of(WORK) |= 6;
	load_cr3((u32)page_directory);
}

/* --- PAE, with pages of 2 MiB and NX */

static u64 pdpt[4] __attribute__((aligned(32)));
static u64 *pae_directory[4];

static void pae_tables(void)
{
	for (u32 d = 0; d < 4; d++) {
		pae_directory[d] = page_alloc();
		pdpt[d] = (u32)pae_directory[d] | PTE_P;
	}
	for (u32 i = 0; i < 4; i++)
		pae_directory[0][i] = (u64)i << 21 | PTE_LARGE | 7;
	for (u32 d = 0; d < 4; d++) /* the directories, through themselves */
		pae_directory[3][508 + d] = (u32)pae_directory[d] | 3;
}

static bool has_nx(void)
{
	u32 a = 0x80000001, d;

	__asm__ volatile("cpuid" : "+a"(a), "=d"(d)::"ebx", "ecx");
	return d >> 20 & 1;
}

static void pae(void)
{
	u64 *table = page_alloc(), *other = page_alloc();
	u32 cr0 = read_cr0(), sum = 0;
	bool nx = has_nx();

	pae_tables();
	write_cr0(cr0 & ~CR0_PG);
	write_cr4(read_cr4() | CR4_PAE);
	load_cr3((u32)pdpt);
	write_cr0(cr0);
	if (nx)
		__asm__ volatile("rdmsr; or %0, %%eax; wrmsr" ::"i"(EFER_NXE), "c"(EFER)
				 : "eax", "edx");
	pae_directory[1][0] = (u32)table | 7;
	for (u32 i = 0; i < FRAMES; i++) {
		table[i] = frames[i] | 7;
		*word(frames[i]) = 0x2000 + i;
	}
	for (u32 i = 0; i < 100; i++) {
		table[0] = frames[i % FRAMES] | 7;
		invlpg(LARGE);
		sum = digest(sum, *word(LARGE));
	}
	print("PAE: %x, entries %x %x, through itself %x\r\n", sum, (u32)table[0], (u32)table[1],
	      *(volatile u32 *)(0xff800000u + (LARGE >> 12) * 8) == (u32)table[0]);
	/* A pointer of the four counts when CR3 is loaded. */
	pae_directory[2][0] = 0x400000 | PTE_LARGE | 7;
	pdpt[2] = 0;
	load_cr3((u32)pdpt);
	print("PAE, no directory:");
	say_page_fault(in_ring(0, read_it, LOW_ALIAS, 0x202));
	pdpt[2] = (u32)pae_directory[2] | PTE_P;
	load_cr3((u32)pdpt);
	say_page_fault(in_ring(0, read_it, LOW_ALIAS, 0x202));
	print(" %x\r\n", zoo_result == *word(0x400000));
	/* NX */
	for (const u8 *s = returns; s < returns_end; s++)
		((u8 *)frames[2])[s - returns] = *s;
	if (nx)
		for (u32 ring = 0; ring < 4; ring += 3) {
			table[2] = frames[2] | 7 | NX_BIT;
			load_cr3((u32)pdpt);
			print("NX, ring %u:", ring);
			say_page_fault(in_ring(ring, call_it, LARGE + 0x2000, 0x202));
			say_page_fault(in_ring(ring, read_it, LARGE + 0x2000, 0x202));
			table[2] = frames[2] | 7;
			invlpg(LARGE + 0x2000);
			say_page_fault(in_ring(ring, call_it, LARGE + 0x2000, 0x202));
			print(" %x", zoo_result);
			pae_directory[1][0] |= NX_BIT;
			load_cr3((u32)pdpt);
			say_page_fault(in_ring(ring, call_it, LARGE + 0x2000, 0x202));
			pae_directory[1][0] &= ~NX_BIT;
			load_cr3((u32)pdpt);
			print("\r\n");
		}
	/* Reserved bits */
	table[3] = frames[3] | 7 | 1ull << 51;
	invlpg(LARGE + 0x3000);
	print("  PAE, reserved:"); /* TCG leaves P clear */
	say_page_fault(in_ring(3, read_it, LARGE + 0x3000, 0x202));
	print("\r\n");
	/* A split of 2 MiB under the kernel's feet */
	for (u32 i = 0; i < 512; i++)
		other[i] = (u64)i << 12 | 7;
	pae_directory[0][0] = (u32)other | 7;
	load_cr3((u32)pdpt);
	print("PAE, split: %x\r\n", (u32)other[(u32)pae >> 12] & 0xfff);
	write_cr0(cr0 & ~CR0_PG);
	write_cr4(read_cr4() & ~CR4_PAE);
	load_cr3((u32)page_directory);
	write_cr0(cr0);
	print("no PAE: %x\r\n",
	      *pte_of(WORK) == ((u32 *)(page_directory[WORK >> 22] & ~0xfffu))[0]);
}

void guest_main(void)
{
	zoo_begin(returns);
	page_directory[1023] = (u32)page_directory | PTE_P | PTE_W;
	for (u32 i = 0; i < FRAMES; i++) {
		frames[i] = (u32)page_alloc();
		*word(frames[i]) = 0x1111 * i;
	}
	large();
	low();
	global();
	cow();
	self();
	marks();
	rights();
	pae();
}
