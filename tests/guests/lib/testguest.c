/* SPDX-License-Identifier: MIT */
/*
 * Start of a test guest, its tables, traps and output; testguest.h tells what for.
 */
#include "testguest.h"

#define DIRECTORY_ENTRIES 1024u
#define LOW_START	  0x1000u
#define LOW_END		  0x9f000u /* EBDA and ROMs are behind */

u32 page_directory[DIRECTORY_ENTRIES] __attribute__((aligned(4096)));
struct guest_tss tss;
struct caught caught;
u32 attempts, guest_ring;
const char *guest_cmdline;
bool (*trap_hook[256])(struct guest_frame *frame);

/* guest_trap.asm reads these. */
u32 attempt_esp, attempt_on, trap_ds;
u32 trap_handler(struct guest_frame *f);
void guest_begin(const u8 *boot_page) __attribute__((noreturn));
void enter_ring3(void (*fn)(void), u32 esp) __attribute__((noreturn));

static u64 gdt[16] = {
	0, 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff, 0x00cff3000000ffff,
};
static u64 idt[256];
static u32 heap = HEAP_START, checks, failed, seed = 0x12345678;
static u8 kernel_stack[16384] __attribute__((aligned(4096)));
static u8 user_stack[16384] __attribute__((aligned(4096)));

/* --- Output --- */

static u32 put_char(u32 c)
{
	while (!(inb(0x3fd) & 0x20))
		;
	outb(0x3f8, (u8)c);
	return 0;
}

/* One system call for a line and not for a character. */
static u32 put_text(u32 text)
{
	for (const char *s = (const char *)text; *s; s++)
		put_char((u8)*s);
	return 0;
}

static char *number(char *at, u32 v, u32 base, u32 digits)
{
	char text[12];
	u32 n = 0;

	do {
		text[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v || n < digits);
	while (n)
		*at++ = text[--n];
	return at;
}

void print(const char *format, ...)
{
	__builtin_va_list ap;
	char line[200], *at = line;

	__builtin_va_start(ap, format);
	for (const char *s = format; *s && at < line + 160; s++) {
		if (*s != '%') {
			*at++ = *s;
			continue;
		}
		switch (*++s) {
		case 's':
			for (const char *t = __builtin_va_arg(ap, const char *);
			     *t && at < line + 180;)
				*at++ = *t++;
			break;
		case 'x':
			at = number(at, __builtin_va_arg(ap, u32), 16, 8);
			break;
		case 'c':
			*at++ = (char)__builtin_va_arg(ap, int);
			break;
		default:
			at = number(at, __builtin_va_arg(ap, u32), 10, 1);
		}
	}
	__builtin_va_end(ap);
	*at = 0;
	call_ring0(put_text, (u32)line);
}

void check(bool good, const char *what)
{
	checks++;
	failed += !good;
	print("%s %s\r\n", good ? "PASS" : "FAIL", what);
}

static u32 leave(u32 code)
{
	__asm__ volatile("outl %0, %1" ::"a"(code), "Nd"((u16)0x501));
	for (;;)
		__asm__ volatile("cli; hlt");
	return 0;
}

void guest_end(void)
{
	print("  %u attempts, %u traps\r\n", attempts, caught.count);
	print("END %s: %u checks, %u failed\r\n", guest_name, checks, failed);
	call_ring0(leave, failed != 0);
	for (;;)
		;
}

u32 digest(u32 before, u32 value)
{
	return (before ^ value) * 0x01000193u + (before >> 15);
}

u32 random_next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

u32 cmdline_number(const char *key, u32 otherwise)
{
	for (const char *s = guest_cmdline; *s; s++) {
		const char *k = key, *t = s;
		u32 v = 0;

		while (*k && *k == *t)
			k++, t++;
		if (*k || *t != '=')
			continue;
		for (t++; *t >= '0' && *t <= '9'; t++)
			v = v * 10 + (u32)(*t - '0');
		return v;
	}
	return otherwise;
}

/* --- Tables --- */

void gdt_set(u32 selector, u32 lo, u32 hi)
{
	gdt[selector / 8] = (u64)hi << 32 | lo;
}

void idt_set(u32 vector, u16 selector, u32 offset, u8 type)
{
	idt[vector] = (u64)(offset & 0xffff0000u) << 32 | (u64)type << 40 | (u32)selector << 16 |
		      (offset & 0xffff);
}

void *page_alloc(void)
{
	u32 *p = (u32 *)heap;

	if (heap >= GUEST_RAM)
		return NULL;
	heap += PAGE_SIZE;
	for (u32 i = 0; i < PAGE_SIZE / 4; i++)
		p[i] = 0;
	return p;
}

void map(u32 gla, u32 gpa, u32 flags)
{
	u32 *pde = &page_directory[gla >> 22];

	if (!(*pde & PTE_P))
		*pde = (u32)page_alloc() | PTE_P | PTE_W | PTE_U;
	((u32 *)(*pde & ~0xfffu))[gla >> 12 & 1023] = flags ? (gpa & ~0xfffu) | flags : 0;
	__asm__ volatile("invlpg (%0)" ::"r"(gla) : "memory");
}

static void paging_on(void)
{
	u32 flags = PTE_P | PTE_W | (guest_ring == 3 ? PTE_U : 0), cr0;

	for (u32 gpa = 0; gpa < GUEST_RAM; gpa += PAGE_SIZE)
		map(gpa, gpa, flags);
	__asm__ volatile("mov %0, %%cr3" ::"r"(page_directory));
	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("mov %0, %%cr0; jmp 1f; 1:" ::"r"(cr0 | BIT(31) | BIT(16) | BIT(5)));
}

static void load_tables(void)
{
	struct {
		u16 limit;
		u32 base;
	} __attribute__((packed)) g = { sizeof(gdt) - 1, (u32)gdt },
				  i = { sizeof(idt) - 1, (u32)idt };
	u32 base = (u32)&tss;

	tss.esp0 = (u32)kernel_stack + sizeof(kernel_stack);
	tss.ss0 = KDS;
	tss.iomap = sizeof(tss);
	gdt_set(TSS, base << 16 | (sizeof(tss) - 1),
		(base & 0xff000000u) | (base >> 16 & 0xff) | 0x8900);
	for (u32 v = 0; v < 256; v++)
		idt_set(v, KCS, (u32)trap_stubs + v * GATE_SIZE, 0x8e);
	idt_set(3, KCS, (u32)trap_stubs + 3 * GATE_SIZE, 0xee);
	idt_set(4, KCS, (u32)trap_stubs + 4 * GATE_SIZE, 0xee);
	idt_set(0x80, KCS, (u32)trap_stubs + 0x80 * GATE_SIZE, 0xee);
	__asm__ volatile("lgdt %0; lidt %1; ltr %w2; lldt %w3" ::"m"(g), "m"(i), "r"(TSS), "r"(0));
}

static void pics_off(void)
{
	static const u8 words[][2] = { { 0x20, 0x11 }, { 0xa0, 0x11 }, { 0x21, 0x20 },
				       { 0xa1, 0x28 }, { 0x21, 4 },    { 0xa1, 2 },
				       { 0x21, 1 },    { 0xa1, 1 },    { 0x21, 0xff },
				       { 0xa1, 0xff } };

	for (u32 i = 0; i < COUNT(words); i++)
		outb(words[i][0], words[i][1]);
}

void timer_start(u32 hz)
{
	u32 n = 1193182 / hz;

	outb(0x43, 0x34);
	outb(0x40, (u8)n);
	outb(0x40, (u8)(n >> 8));
	outb(0x21, 0xfe);
}

/* --- Traps --- */

static void record(const struct guest_frame *f)
{
	u32 cr2;

	__asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
	caught = (struct caught){ f->vector, f->error, f->eip,		f->cs,
				  f->eflags, cr2,      caught.count + 1 };
}

/* Returns 0 to resume the frame, else the CS to go back to attempt() with. */
u32 trap_handler(struct guest_frame *f)
{
	if (trap_hook[f->vector] && trap_hook[f->vector](f))
		return 0;
	if (f->vector == 0x80) {
		f->eax = ((u32(*)(u32))f->eax)(f->edx);
		return 0;
	}
	record(f);
	if (attempt_on != 1) {
		if (failed++ & BIT(31)) /* in printing that, too */
			leave(1);
		failed |= BIT(31);
		print("FAIL unexpected trap %u error %x eip %x cs %x cr2 %x\r\n", f->vector,
		      f->error, f->eip, f->cs, caught.cr2);
		leave(1);
	}
	attempt_on = 1 | f->vector << 8;
	return guest_ring == 3 ? UCS : KCS;
}

static void run(void)
{
	guest_main();
	guest_end();
}

static void copy_cmdline(const char *from)
{
	static char text[256];

	for (u32 i = 0; i < sizeof(text) - 1 && from[i]; i++)
		text[i] = from[i];
	guest_cmdline = text;
}

/* A test's stray jump finds the same there, whoever loaded the guest. */
static void clear_low_memory(void)
{
	for (u32 *p = (u32 *)LOW_START; p < (u32 *)LOW_END; p++)
		*p = 0;
}

void guest_begin(const u8 *boot_page)
{
	copy_cmdline((const char *)*(const u32 *)(boot_page + 0x228));
	guest_ring = cmdline_number("ring", 0);
	trap_ds = guest_ring == 3 ? UDS : KDS;
	pics_off();
	load_tables();
	clear_low_memory();
	paging_on();
	if (guest_ring == 3)
		enter_ring3(run, (u32)user_stack + sizeof(user_stack));
	__asm__ volatile("sti");
	run();
	for (;;)
		;
}
