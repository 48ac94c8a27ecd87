/* SPDX-License-Identifier: MIT */
/*
 * Does to the processor what emulators forgive and hardware does not, and what looks like it and is
 * right. Each line "wrong RULE" is followed by one thing that breaks that rule, twice at one
 * address; each line "right" by things that break none. tests/boot/test_strict.py compares that
 * with what the monitor tells.
 */
#include "lib/testguest.h"

const char guest_name[] = "strict_cpu";

#define WINDOW	0x40000000u
#define WINDOWS 8u
#define LARGE	0x50000000u
#define PTE_D	BIT(6)
#define PTE_PS	BIT(7)
#define CR4_PSE BIT(4)
#define CR4_PAE BIT(5)

#define LOW_CODE 0x8000u   /* bit 20 is clear there, */
#define ODD_MIB	 0x700000u /* and set here, where nobody has anything */
#define A20_PORT 0x92
#define SPARE_IP 0x60 /* a vector */
#define CR0_NW	 BIT(29)

#define MSR_MTRR 0x200u
#define MSR_PAT	 0x277u
#define MSR_EFER 0xc0000080u

static u32 *pt, *a, *b;

static void wrong(const char *rule)
{
	print("wrong %s\r\n", rule);
}

static void right(const char *what)
{
	print("right %s\r\n", what);
}

static u32 invlpg(u32 gla)
{
	__asm__ volatile("invlpg (%0)" ::"r"(gla) : "memory");
	return 0;
}

static u32 load_cr3(u32 unused)
{
	__asm__ volatile("mov %%cr3, %%eax; mov %%eax, %%cr3" ::: "eax", "memory");
	return unused;
}

static u32 entry(const u32 *page)
{
	return (u32)page | PTE_P | PTE_W | (guest_ring == 3 ? PTE_U : 0);
}

static volatile u32 *window(u32 n)
{
	return (volatile u32 *)(WINDOW + n * PAGE_SIZE);
}

static void set(u32 n, u32 value)
{
	*(volatile u32 *)&pt[n] = value;
}

/* Of page n: it maps a, and has been read and written. */
static void begin(u32 n)
{
	set(n, entry(a));
	call_ring0(invlpg, (u32)window(n));
	*window(n) = n;
}

static void read_it(u32 gla)
{
	(void)*(volatile u32 *)gla;
}

static void read_there(u32 gla)
{
	(void)*(volatile u16 *)gla;
}

static void write_it(u32 gla)
{
	*(volatile u32 *)gla = 1;
}

static void with_flush(void)
{
	right("INVLPG, CR3, more rights, marks, and nobody looks");
	for (u32 n = 0; n < WINDOWS; n++)
		begin(n);
	set(0, entry(b));
	call_ring0(invlpg, (u32)window(0));
	(void)*window(0);
	set(1, 0);
	set(2, entry(b));
	call_ring0(load_cr3, 0);
	attempt(read_it, (u32)window(1));
	(void)*window(2);
	set(3, entry(a) & ~PTE_W);
	(void)*window(3); /* the same page: no matter which entry */
	set(3, entry(a));
	*window(3) = 3;
	set(4, entry(b)); /* and back */
	set(4, entry(a));
	(void)*window(4);
	set(5, 0);
	call_ring0(invlpg, (u32)window(5));
	set(5, entry(b)); /* was absent */
	(void)*window(5);
	set(6, entry(a) | PTE_D); /* neither used nor flushed */
	(void)*window(6);
}

static void without_flush(void)
{
	wrong("tlb_invlpg");
	for (volatile u32 twice = 0; twice < 2; twice++) {
		begin(0);
		set(0, entry(b));
		(void)*window(0);
	}
	wrong("tlb_invlpg");
	for (volatile u32 twice = 0; twice < 2; twice++) {
		begin(1);
		set(1, 0);
		attempt(read_it, (u32)window(1));
	}
	wrong("tlb_invlpg");
	for (volatile u32 twice = 0; twice < 2; twice++) {
		begin(2);
		set(2, entry(a) & ~PTE_W);
		(void)*window(2);
		attempt(write_it, (u32)window(2));
	}
	wrong("tlb_invlpg");
	for (volatile u32 twice = 0; twice < 2; twice++) {
		begin(3);
		page_directory[WINDOW >> 22] = 0;
		attempt(read_there, (u32)window(3) + 4);
		page_directory[WINDOW >> 22] = entry(pt);
		call_ring0(load_cr3, 0);
	}
}

/*
 * Of the immediates below, 1, one becomes 2 in front of its own instruction. The page is written as
 * data in between, so that it is code for the first time each time.
 */
__attribute__((section(".dirty"), noinline)) static u32 changes_itself(u32 value)
{
	u32 got;

	__asm__ volatile("movb %1, 1f + 1; nop; 1: movl $1, %0" : "=r"(got) : "qi"((u8)value));
	return got;
}

__attribute__((section(".dirty"), noinline)) static u32 changes_and_jumps(u32 value)
{
	u32 got;

	__asm__ volatile("movb %1, 1f + 1; jmp 2f; 2: nop; 1: movl $1, %0"
			 : "=r"(got)
			 : "qi"((u8)value));
	return got;
}

__attribute__((section(".dirty"), noinline)) static u32 changes_and_waits(u32 leaf)
{
	u32 got;

	__asm__ volatile("movb $2, 1f + 1; cpuid; 1: movl $1, %0"
			 : "=a"(got)
			 : "0"(leaf)
			 : "ebx", "ecx", "edx");
	return got;
}

__attribute__((section(".dirty"), noinline)) static u32 changes_what_is_over(u32 value)
{
	u32 got;

	__asm__ volatile("1: movl $1, %0; movb %1, 1b + 1; nop" : "=r"(got) : "qi"((u8)value));
	return got;
}

static void code(void)
{
	right("code that jumps, waits, or is over");
	for (u32 i = 1; i < 3; i++) {
		changes_and_jumps(i);
		changes_and_waits(i);
		changes_what_is_over(i);
	}
	wrong("smc_jump");
	for (u32 i = 1; i < 3; i++)
		changes_itself(i);
}

/* INS is a write of the processor's, too; whatever the port reads as. */
__attribute__((section(".dirty"), noinline)) static u32 reads_into_code(u32 port)
{
	u32 got;

	__asm__ volatile("mov $1f + 1, %%edi; insb; nop; 1: movl $1, %0"
			 : "=r"(got)
			 : "d"(port)
			 : "edi", "memory");
	return got;
}

static void port(void)
{
	wrong("smc_jump");
	for (u32 i = 0; i < 2; i++)
		call_ring0(reads_into_code, A20_PORT);
}

/*
 * Writes to an odd mebibyte while A20 is off, twice at one address. All that the guest has is in
 * odd ones: tables, stack and handlers. So this is copied to where it can run, without paging, and
 * uses no stack meanwhile.
 */
__asm__(".section .dirty, \"ax\"\n"
	"a20_begin:	mov 4(%esp), %ecx\n"
	"	push %ebx\n"
	"	mov %cr0, %edx\n"
	"	mov %edx, %eax\n"
	"	and $0x7fffffff, %eax\n"
	"	mov %eax, %cr0\n"
	"	mov $0, %al\n"
	"	out %al, $0x92\n"
	"	mov $2, %ebx\n"
	"1:	mov %ebx, (%ecx)\n"
	"	dec %ebx\n"
	"	jnz 1b\n"
	"	mov $2, %al\n"
	"	out %al, $0x92\n"
	"	mov %edx, %cr0\n"
	"	pop %ebx\n"
	"	ret\n"
	"a20_end:\n"
	".text\n");
extern const u8 a20_begin[], a20_end[];

static void gate_a20(void)
{
	__builtin_memcpy((void *)LOW_CODE, a20_begin, (u32)(a20_end - a20_begin));
	right("A20 is on");
	write_it(ODD_MIB);
	wrong("a20_off");
	call_ring0((u32(*)(u32))LOW_CODE, ODD_MIB);
	right("and on again");
	write_it(ODD_MIB);
}

static u32 set_in_cr4(u32 bits)
{
	__asm__ volatile("mov %%cr4, %%eax; or %0, %%eax; mov %%eax, %%cr4" ::"r"(bits) : "eax");
	return bits;
}

/* The page directory becomes a PDPT, in whose entries R/W and U/S are reserved. */
static void set_pae(u32 unused)
{
	(void)unused;
	set_in_cr4(CR4_PAE);
}

static void write_efer(u32 value)
{
	__asm__ volatile("wrmsr" ::"c"(MSR_EFER), "a"(value), "d"(0));
}

static void write_mtrr(u32 value)
{
	__asm__ volatile("wrmsr" ::"c"(MSR_MTRR), "a"(value), "d"(0));
}

static void write_cr0(u32 bits)
{
	__asm__ volatile("mov %%cr0, %%eax; or %0, %%eax; mov %%eax, %%cr0" ::"r"(bits) : "eax");
}

static u32 break_gate(u32 vector)
{
	idt_set(vector, KCS, 0, 0x80); /* present, DPL 0, type 0 */
	return vector;
}

static void interrupt(u32 unused)
{
	(void)unused;
	__asm__ volatile("int %0" ::"i"(SPARE_IP));
}

static void write_pat(u32 value)
{
	__asm__ volatile("wrmsr" ::"c"(MSR_PAT), "a"(value), "d"(value));
}

static void load_null_ss(u32 unused)
{
	(void)unused;
	__asm__ volatile("xor %%eax, %%eax; mov %%ax, %%ss" ::: "eax");
}

static u32 short_segment(u32 unused)
{
	gdt_set(SPARE, 0x00000fff, 0x0040f200); /* 4 KiB at 0, DPL 3 */
	return unused;
}

static void pass_limit(u32 unused)
{
	(void)unused;
	__asm__ volatile(
		"push %%es; mov %0, %%es; movl %%es:0xffe, %%eax; pop %%es" ::"r"(SPARE | 3)
		: "eax");
}

static void pass_limit_and_clean_up(void)
{
	u16 es;

	__asm__ volatile("mov %%es, %0" : "=r"(es));
	attempt(pass_limit, 0);
	__asm__ volatile("mov %0, %%es" ::"r"(es));
}

static void set_bit31(u32 unused)
{
	(void)unused;
	set_in_cr4(BIT(31));
}

static void breaks(const char *rule, void (*fn)(u32), u32 arg)
{
	wrong(rule);
	for (volatile u32 twice = 0; twice < 2; twice++)
		attempt(fn, arg);
}

/* Bit 21 of an entry for 4 MiB is reserved (SDM 3A table 4-4). */
static void reserved_in_table(void)
{
	call_ring0(set_in_cr4, CR4_PSE);
	page_directory[LARGE >> 22] = PTE_P | PTE_W | PTE_U | PTE_PS | BIT(21);
	breaks("pte_reserved", read_it, LARGE);
}

/* They fault, as on hardware. */
static void faults(void)
{
	call_ring0(short_segment, 0);
	right("nothing yet");
	if (guest_ring == 0) { /* a trap of call_ring0() is no test's */
		breaks("cr0_invalid", write_cr0, CR0_NW);
		breaks("cr4_reserved", set_bit31, 0);
		breaks("pdpte_reserved", set_pae, 0);
		breaks("msr_reserved", write_efer, BIT(4));
		breaks("msr_reserved", write_pat, 2);
		breaks("msr_reserved", write_mtrr, 2);
	}
	call_ring0(break_gate, SPARE_IP);
	breaks("desc_reserved", interrupt, 0);
	reserved_in_table();
	breaks("null_ss", load_null_ss, 0);
	wrong("segment_limit");
	for (volatile u32 twice = 0; twice < 2; twice++)
		pass_limit_and_clean_up();
}

void guest_main(void)
{
	pt = page_alloc();
	a = page_alloc();
	b = page_alloc();
	page_directory[WINDOW >> 22] = entry(pt);
	with_flush();
	without_flush();
	code();
	port();
	gate_a20();
	faults();
	right("the end");
}
