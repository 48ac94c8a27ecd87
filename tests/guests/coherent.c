/* SPDX-License-Identifier: MIT */
/*
 * A guest changes present entries of its page tables and looks at once what an access does: another
 * frame, other rights, an entry of the directory, large pages; written by every kind of
 * instruction, through aliases, a self-map, string instructions, DMA; and what stands on a page
 * that moves is data, code, a stack, GDT or IDT.
 *
 * With flush=1 each change is followed by INVLPG, so that every processor shows the new entry: the
 * lines that bare QEMU prints then are what a coherent TLB (`tlb = coherent`) has to show with
 * flush=0. Where an instruction changes what it is itself about to use, no INVLPG can stand: that
 * line begins with two blanks, and a coherent TLB prints "new".
 */
#include "lib/testguest.h"

#define WINDOW	 0x40000000u
#define LARGE	 0x50000000u
#define ALIAS	 0x60000000u /* of WINDOW's page table */
#define SELF	 0xffc00000u
#define SELF_PTE (SELF + WINDOW / 1024)
#define SELF_PDE (0xfffff000u + (WINDOW >> 20))
#define HIGH	 0x400000u /* the second large frame */
#define PTE_A	 BIT(5)
#define PTE_D	 BIT(6)
#define PDE_PS	 BIT(7)
#define CR4_PSE	 BIT(4)
#define OSFXSR	 BIT(9)
#define GATE	 0x82u

#define FW_CFG_SELECT 0x510u
#define FW_CFG_DATA   0x511u
#define FW_CFG_DMA    0x514u
#define FW_CFG_UUID   2u /* zeros, and zeros behind the end */

const char guest_name[] = "coherent";

static u32 *a, *b, *pt, *other_pt, flush_on, rights, got;
static u32 dma[4] __attribute__((aligned(16)));

static u32 invlpg(u32 gla)
{
	__asm__ volatile("invlpg (%0)" ::"r"(gla) : "memory");
	return 0;
}

static void flush(u32 gla)
{
	if (flush_on)
		call_ring0(invlpg, gla);
}

static u32 word(u32 gla)
{
	return *(volatile u32 *)gla;
}

static void set(u32 *entry, u32 value, u32 gla)
{
	*(volatile u32 *)entry = value;
	flush(gla);
}

static u32 entry_of(const u32 *frame)
{
	return (u32)frame | PTE_P | PTE_W | rights;
}

static void read_it(u32 gla)
{
	got = word(gla);
}

static void write_it(u32 gla)
{
	*(volatile u32 *)gla = 0x5a5a5a5au;
}

/* WINDOW leads to a, and everybody who could know that does. */
static void begin(void)
{
	for (u32 i = 0; i < 1024; i++) {
		a[i] = 0xaaaa0000u + i;
		b[i] = 0xbbbb0000u + i;
		pt[i] = 0;
	}
	pt[0] = entry_of(a);
	page_directory[WINDOW >> 22] = (u32)pt | PTE_P | PTE_W | PTE_U;
	call_ring0(invlpg, WINDOW);
	for (u32 i = 0; i < 3; i++) {
		*(volatile u32 *)(WINDOW + 4) = a[1];
		got = word(WINDOW);
	}
}

static void tell(const char *what)
{
	print("%s: %x\r\n", what, word(WINDOW));
}

static void tell_attempt(const char *what, void (*access)(u32), u32 gla)
{
	int vector;

	got = 0;
	attempts++;
	vector = attempt(access, gla);
	if (vector < 0)
		print("%s: passes, %x\r\n", what, got);
	else
		print("%s: #%u, error %x\r\n", what, (u32)vector, caught.error);
}

/* --- What an entry says */

static void frames(void)
{
	begin();
	set(pt, entry_of(b), WINDOW);
	tell("another frame");
	write_it(WINDOW + 8);
	print("written: %x, %x\r\n", a[2], b[2]);
	set(pt, entry_of(a), WINDOW);
	tell("and back");
	begin();
	set(pt, entry_of(a) & ~PTE_W, WINDOW);
	tell_attempt("read-only", write_it, WINDOW);
	tell_attempt("to be read", read_it, WINDOW);
	set(pt, entry_of(a), WINDOW);
	tell_attempt("writable again", write_it, WINDOW);
	set(pt, entry_of(a) & ~PTE_U, WINDOW);
	tell_attempt("the kernel's", read_it, WINDOW);
	set(pt, entry_of(a), WINDOW);
	tell_attempt("everybody's again", read_it, WINDOW);
	set(pt, 0, WINDOW);
	tell_attempt("absent", read_it, WINDOW);
	set(pt, entry_of(b), WINDOW);
	tell_attempt("present again", read_it, WINDOW);
}

static void marks(void)
{
	begin();
	set(pt, entry_of(a), WINDOW);
	got = word(WINDOW);
	print("read: accessed, dirty %x\r\n", pt[0] & (PTE_A | PTE_D));
	write_it(WINDOW);
	print("written: %x\r\n", pt[0] & (PTE_A | PTE_D));
	set(pt, pt[0] & ~PTE_D, WINDOW);
	write_it(WINDOW);
	print("clean, and written: %x\r\n", pt[0] & (PTE_A | PTE_D));
	set(&page_directory[WINDOW >> 22], page_directory[WINDOW >> 22] & ~PTE_A, WINDOW);
	got = word(WINDOW);
	print("the directory's: %x\r\n", page_directory[WINDOW >> 22] & PTE_A);
}

static void directory(void)
{
	u32 *pde = &page_directory[WINDOW >> 22];

	begin();
	other_pt[0] = entry_of(b);
	set(pde, (u32)other_pt | PTE_P | PTE_W | PTE_U, WINDOW);
	tell("another table");
	set(pde, *pde & ~PTE_W, WINDOW);
	tell_attempt("read-only table", write_it, WINDOW);
	set(pde, *pde & ~PTE_U, WINDOW);
	tell_attempt("the kernel's table", read_it, WINDOW);
	set(pde, 0, WINDOW);
	tell_attempt("no table", read_it, WINDOW);
	set(pde, (u32)pt | PTE_P | PTE_W | PTE_U, WINDOW);
	tell("the first table");
}

static u32 pse(u32 unused)
{
	u32 cr4;

	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	__asm__ volatile("mov %0, %%cr4" ::"r"(cr4 | CR4_PSE | OSFXSR));
	return unused;
}

static void large(void)
{
	u32 *pde = &page_directory[LARGE >> 22], at = LARGE + (u32)a;
	u32 flags = PDE_PS | PTE_P | PTE_W | rights;

	begin();
	*(volatile u32 *)((u32)a + HIGH) = 0xcccc0000u;
	set(pde, flags, at);
	print("large: %x", word(at));
	set(pde, HIGH | flags, at);
	print(", another: %x", word(at));
	set(pde, flags, at);
	print(", back: %x\r\n", word(at));
	set(pde, flags & ~PTE_W, at);
	tell_attempt("read-only", write_it, at);
	other_pt[(u32)a >> 12 & 1023] = entry_of(b);
	set(pde, (u32)other_pt | PTE_P | PTE_W | PTE_U, at);
	print("small: %x\r\n", word(at));
	set(pde, flags, at);
	print("large again: %x\r\n", word(at));
	set(pde, 0, at);
	tell_attempt("absent", read_it, at);
}

/* --- How an entry is written */

static u32 *as_alias(void)
{
	return (u32 *)ALIAS;
}

static void aliases(void)
{
	begin();
	set(as_alias(), entry_of(b), WINDOW);
	tell("through an alias");
	set((u32 *)SELF_PTE, entry_of(a), WINDOW);
	tell("through the self-map");
	other_pt[0] = entry_of(b);
	set((u32 *)SELF_PDE, (u32)other_pt | PTE_P | PTE_W | PTE_U, WINDOW);
	flush(SELF_PTE);
	tell("a table through the self-map");
	set((u32 *)SELF_PTE, entry_of(a), WINDOW); /* which leads to the other table now */
	tell("its entry");
	print("in it: %x\r\n", other_pt[0] & ~0xfffu ? other_pt[0] - (u32)a : 0);
	/* A window of the self-map is itself an entry that changes. */
	set((u32 *)SELF_PDE, (u32)pt | PTE_P | PTE_W | PTE_U, SELF_PTE);
	flush(WINDOW);
	tell("the window of the self-map");
	print("seen in it: %x\r\n", word(SELF_PTE) - (u32)a);
}

#define WRITTEN(what, code, ...)                                                              \
	do {                                                                                  \
		begin();                                                                      \
		__asm__ volatile(code ::"D"(pt), __VA_ARGS__ : "eax", "edx", "memory", "cc"); \
		flush(WINDOW);                                                                \
		tell_attempt(what, read_it, WINDOW);                                          \
	} while (0)

static void instructions(void)
{
	static u32 wide[4] __attribute__((aligned(16)));
	u32 to_b = entry_of(b);

	wide[0] = to_b;
	WRITTEN("xchg", "mov %1, %%eax; xchg %%eax, (%0)", "r"(to_b));
	WRITTEN("cmpxchg", "mov (%0), %%eax; lock cmpxchg %1, (%0)", "r"(to_b));
	WRITTEN("cmpxchg8b", "mov (%0), %%eax; mov 4(%0), %%edx; lock cmpxchg8b (%0)", "b"(to_b),
		"c"(0));
	WRITTEN("add", "lock addl %1, (%0)", "r"((u32)b - (u32)a));
	WRITTEN("sub without a prefix", "subl %1, (%0)", "r"((u32)a - (u32)b));
	WRITTEN("btr", "lock btrl $0, (%0)", "r"(0));
	WRITTEN("and, of a byte", "andb $0xfe, (%0)", "r"(0));
	WRITTEN("mov, of two bytes", "movw %w1, 1(%0)", "r"(to_b >> 8));
	WRITTEN("mov, of a byte", "movb %b1, 1(%0)", "q"(to_b >> 8));
	WRITTEN("mov, across two", "movl %1, -2(%0); movl %2, 2(%0)", "r"(to_b << 16),
		"r"(to_b >> 16));
	WRITTEN("movups", "movups (%1), %%xmm0; movups %%xmm0, (%0)", "r"(wide));
	WRITTEN("movntps", "movups (%1), %%xmm0; movntps %%xmm0, (%0)", "r"(wide));
	WRITTEN("movq", "movq (%1), %%mm0; movq %%mm0, (%0); emms", "r"(wide));
	WRITTEN("fistp", "fildl (%1); fistpl (%0)", "r"(wide));
	WRITTEN("pop", "push %1; popl (%0)", "r"(to_b));
	WRITTEN("push", "mov %%esp, %%edx; lea 4(%0), %%esp; push %1; mov %%edx, %%esp", "r"(to_b));
}

static void strings(void)
{
	u32 n, from, to;

	begin();
	for (u32 i = 0; i < 1024; i++)
		other_pt[i] = entry_of(b);
	n = 1024, from = (u32)other_pt, to = (u32)pt;
	__asm__ volatile("cld; rep movsl" : "+c"(n), "+S"(from), "+D"(to)::"memory");
	flush(WINDOW);
	tell("rep movs");
	n = 64, to = (u32)pt;
	__asm__ volatile("cld; rep stosl" : "+c"(n), "+D"(to) : "a"(entry_of(a)) : "memory");
	flush(WINDOW);
	tell("rep stos");
	n = 4096, to = SELF_PTE;
	__asm__ volatile("cld; rep stosb" : "+c"(n), "+D"(to) : "a"(0) : "memory");
	flush(WINDOW);
	tell_attempt("rep stos of bytes", read_it, WINDOW);
	n = 1024, from = (u32)other_pt + 4092, to = (u32)pt + 4092;
	__asm__ volatile("std; rep movsl; cld" : "+c"(n), "+S"(from), "+D"(to)::"memory");
	flush(WINDOW);
	tell("rep movs downwards");
}

/* The first element moves the page that the others are read from. */
static void own_source(void)
{
	u32 n = 4, from = WINDOW, to = (u32)pt;

	begin();
	a[0] = entry_of(b);
	a[1] = a[2] = a[3] = entry_of(a);
	b[1] = b[2] = b[3] = entry_of(b);
	__asm__ volatile("cld; rep movsl" : "+c"(n), "+S"(from), "+D"(to)::"memory");
	print("  rep movs, own source: %s\r\n", pt[1] == entry_of(b) ? "new" : "old");
}

/* The first element moves the page that the others are written to: PT through a window in it. */
static void own_target(void)
{
	u32 n = 4, to = WINDOW + 16;

	begin();
	pt[0] = entry_of(pt);
	pt[4] = 0;
	call_ring0(invlpg, WINDOW);
	n = 8, to = WINDOW;
	got = word(WINDOW);
	for (u32 i = 0; i < 8; i++)
		b[i] = 0;
	__asm__ volatile("cld; rep stosl" : "+c"(n), "+D"(to) : "a"(entry_of(b)) : "memory");
	print("  rep stos, own target: %s\r\n", b[7] && !pt[7] ? "new" : "old");
}

static u32 by_port(u32 unused)
{
	u32 n = 4, to = (u32)pt;

	__asm__ volatile("outw %%ax, %%dx" ::"a"(FW_CFG_UUID), "d"(FW_CFG_SELECT));
	__asm__ volatile("cld; rep insb" : "+c"(n), "+D"(to) : "d"(FW_CFG_DATA) : "memory");
	return unused;
}

static u32 by_dma(u32 unused)
{
	volatile u32 *d = dma;

	d[0] = __builtin_bswap32(FW_CFG_UUID << 16 | 8 | 2); /* select and read */
	d[1] = __builtin_bswap32(4);
	d[2] = 0;
	d[3] = __builtin_bswap32((u32)pt);
	__asm__ volatile("outl %0, %w1" ::"a"(0), "d"(FW_CFG_DMA));
	__asm__ volatile("outl %0, %w1" ::"a"(__builtin_bswap32((u32)dma)), "d"(FW_CFG_DMA + 4));
	for (u32 i = 0; i < 1000000 && d[0]; i++)
		;
	return unused;
}

static void devices(void)
{
	begin();
	call_ring0(by_port, 0);
	flush(WINDOW);
	tell_attempt("rep ins", read_it, WINDOW);
	begin();
	call_ring0(by_dma, 0);
	flush(WINDOW);
	tell_attempt("DMA", read_it, WINDOW);
}

/* --- What stands on the page */

/*
 * ECX to (EDX), which maps this page, then, unless it is 0, a call of EBX; in the end EAX is what
 * the page's last instruction but one says.
 */
extern const u8 own_code[], own_number[], own_end[];
__asm__(".section .rodata\n"
	"own_code:\n"
	"	mov %ecx, (%edx)\n"
	"	test %ebx, %ebx\n"
	"	jz 1f\n"
	"	call *%ebx\n"
	"1:	jmp 2f\n"
	"	.balign 64\n"
	"2:	.byte 0xb8\n"
	"own_number:\n"
	"	.long 0\n"
	"	ret\n"
	"own_end:\n"
	".text\n");

static void put_code(u32 *frame, u32 number)
{
	u8 *to = (u8 *)frame;

	for (u32 i = 0; i < (u32)(own_end - own_code); i++)
		to[i] = own_code[i];
	*(u32 *)(to + (own_number - own_code)) = number;
}

static void flush_window(void)
{
	flush(WINDOW);
}

static u32 run(u32 entry, void (*then)(void))
{
	u32 number;

	__asm__ volatile("call *%[at]"
			 : "=a"(number)
			 : [at] "S"(WINDOW), "b"(then), "c"(entry), "d"(pt)
			 : "memory", "cc");
	return number;
}

static void code(void)
{
	begin();
	put_code(a, 1);
	put_code(b, 2);
	for (u32 i = 0; i < 3; i++) {
		print("code: %u", run(entry_of(a), NULL));
		set(pt, entry_of(b), WINDOW);
		print(", moved: %u", run(entry_of(b), NULL));
		set(pt, entry_of(a), WINDOW);
		print(", back: %u\r\n", run(entry_of(a), NULL));
	}
	for (u32 i = 0; i < 3; i++) {
		print("under itself: %u", run(entry_of(b), flush_window));
		print(", back: %u\r\n", run(entry_of(a), flush_window));
	}
	set(pt, entry_of(a), WINDOW);
	if (!flush_on) /* a line that stands for those of bare QEMU above */
		print("  without a call: %s\r\n",
		      run(entry_of(b), NULL) == 2 && run(entry_of(a), NULL) == 1 ? "new" : "old");
}

static u32 load_gdt(u32 base)
{
	static struct {
		u16 limit;
		u32 base;
	} __attribute__((packed)) old, new;

	if (!old.base)
		__asm__ volatile("sgdt %0" : "=m"(old));
	new = old;
	if (base)
		new.base = base;
	__asm__ volatile("lgdt %0" ::"m"(new));
	return old.base;
}

static u32 load_idt(u32 base)
{
	static struct {
		u16 limit;
		u32 base;
	} __attribute__((packed)) old, new;

	if (!old.base)
		__asm__ volatile("sidt %0" : "=m"(old));
	new = old;
	if (base)
		new.base = base;
	__asm__ volatile("lidt %0" ::"m"(new));
	return old.base;
}

static u32 through_gs(void)
{
	u32 v;

	__asm__ volatile("mov %1, %%gs; mov %%gs:0, %0" : "=r"(v) : "r"(SPARE | 3));
	return v;
}

static void segments(void)
{
	u32 *gdt = (u32 *)call_ring0(load_gdt, 0), base[2];
	static u32 numbers[2] = { 1, 2 };

	begin();
	for (u32 f = 0; f < 2; f++) {
		u32 *to = f ? b : a;

		for (u32 i = 0; i < 32; i++)
			to[i] = gdt[i];
		base[f] = (u32)&numbers[f];
		to[SPARE / 4] = base[f] << 16 | 0xffff;
		to[SPARE / 4 + 1] = (base[f] & 0xff000000u) | 0x00cff300u | (base[f] >> 16 & 0xff);
	}
	call_ring0(load_gdt, WINDOW);
	for (u32 i = 0; i < 3; i++) {
		for (u32 n = 0; n < 4; n++)
			got = through_gs();
		print("segment: %u", through_gs());
		set(pt, entry_of(b), WINDOW);
		print(", moved: %u", through_gs());
		set(pt, entry_of(a), WINDOW);
		print(", back: %u\r\n", through_gs());
	}
	__asm__ volatile("mov %0, %%gs" ::"r"(0));
	call_ring0(load_gdt, (u32)gdt);
}

__attribute__((naked, section(".dirty"))) static void first_handler(void)
{
	__asm__ volatile("mov $1, %eax; iret");
}

__attribute__((naked, section(".dirty"))) static void second_handler(void)
{
	__asm__ volatile("mov $2, %eax; iret");
}

static u32 call_gate(void)
{
	u32 v;

	__asm__ volatile("int $0x82" : "=a"(v)::"memory");
	return v;
}

static void gate(u32 *idt, void (*handler)(void))
{
	idt[GATE * 2] = KCS << 16 | ((u32)handler & 0xffff);
	idt[GATE * 2 + 1] = ((u32)handler & 0xffff0000u) | 0xee00;
}

static void gates(void)
{
	u32 *idt = (u32 *)call_ring0(load_idt, 0);

	begin();
	for (u32 i = 0; i < 512; i++)
		a[i] = b[i] = idt[i];
	gate(a, first_handler);
	gate(b, second_handler);
	call_ring0(load_idt, WINDOW);
	for (u32 i = 0; i < 3; i++) {
		for (u32 n = 0; n < 4; n++)
			got = call_gate();
		print("gate: %u", call_gate());
		set(pt, entry_of(b), WINDOW);
		print(", moved: %u", call_gate());
		set(pt, entry_of(a), WINDOW);
		print(", back: %u\r\n", call_gate());
	}
	call_ring0(load_idt, (u32)idt);
}

static u32 tr_stack(u32 esp0)
{
	u32 old = tss.esp0;

	tss.esp0 = esp0;
	return old;
}

/* The stack that this runs on goes to frame b, as it is at that moment. */
static u32 move_stack(u32 entry)
{
	u32 n = 1024, from = (u32)a, to = (u32)b;

	__asm__ volatile(
		"cld; rep movsl; mov %[entry], (%[pt]); test %[flush], %[flush]; jz 1f;"
		"invlpg %c[window]; 1:"
		: "+c"(n), "+S"(from), "+D"(to)
		: [entry] "a"(entry), [pt] "b"(pt), [flush] "d"(flush_on), [window] "i"(WINDOW)
		: "memory", "cc");
	return 0;
}

/* The stack that an event at CPL 3 is delivered to. */
static void inner_stack(void)
{
	u32 esp0, top = 1024 - 2; /* ESP as it was pushed */

	if (guest_ring != 3)
		return;
	begin();
	esp0 = call_ring0(tr_stack, WINDOW + PAGE_SIZE);
	for (u32 n = 0; n < 4; n++)
		got = call_gate();
	a[top] = b[top] = 0;
	got = call_gate();
	print("stack: %u, %u", a[top] != 0, b[top] != 0);
	call_ring0(move_stack, entry_of(b));
	a[top] = b[top] = 0;
	got = call_gate();
	print(", moved: %u, %u\r\n", a[top] != 0, b[top] != 0);
	call_ring0(tr_stack, esp0);
}

static u32 prepare(u32 unused)
{
	rights = guest_ring == 3 ? PTE_U : 0;
	a = page_alloc();
	b = page_alloc();
	if (a > b) {
		u32 *t = a;

		a = b;
		b = t;
	}
	pt = page_alloc();
	other_pt = page_alloc();
	map(ALIAS, (u32)pt, PTE_P | PTE_W | rights);
	page_directory[SELF >> 22] = (u32)page_directory | PTE_P | PTE_W | rights;
	idt_set(GATE, KCS, (u32)first_handler, 0xee);
	pse(0);
	return unused;
}

void guest_main(void)
{
	flush_on = cmdline_number("flush", 0);
	call_ring0(prepare, 0);
	frames();
	marks();
	directory();
	large();
	aliases();
	instructions();
	strings();
	own_source();
	own_target();
	devices();
	code();
	segments();
	gates();
	inner_stack();
}
