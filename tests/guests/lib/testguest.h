/* SPDX-License-Identifier: MIT */
/*
 * What a test guest has: a 32-bit kernel without a C library that prints on COM1, survives its own
 * traps, and says PASS or FAIL per check and how it ended. The same binary runs on bare QEMU
 * (-kernel) and under every engine, and prints the same lines; `ring=3` on its command line runs
 * the test in ring 3. To be run raw in ring 1 it keeps what the page analysis refuses (PUSHF, IRET,
 * far transfers ...) on pages of their own: sections .dirty and .hidden.
 *
 * Memory: identity mapped from 0 to GUEST_RAM by 4 KiB pages, user pages if ring=3; nothing else
 * is.
 */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL	   ((void *)0)
#define BIT(n)	   (1u << (n))
#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))
#define PAGE_SIZE  4096u
#define GUEST_RAM  0x800000u /* what every test guest may use; machines have at least that much */
#define HEAP_START 0x280000u

#define KCS   0x10u
#define KDS   0x18u
#define UCS   0x23u
#define UDS   0x2bu
#define TSS   0x30u
#define SPARE 0x38u /* this and the seven that follow are the test's own */

#define EFLAGS_TF BIT(8)
#define EFLAGS_IF BIT(9)
#define EFLAGS_DF BIT(10)
#define EFLAGS_NT BIT(14)
#define EFLAGS_RF BIT(16)
#define EFLAGS_AC BIT(18)

#define PTE_P BIT(0)
#define PTE_W BIT(1)
#define PTE_U BIT(2)

/* As guest_trap.asm pushes it; esp and ss exist when cs names another ring than 0. */
struct guest_frame {
	u32 edi, esi, ebp, unused, ebx, edx, ecx, eax, gs, fs, es, ds;
	u32 vector, error, eip, cs, eflags, esp, ss;
};

struct guest_tss {
	u32 link, esp0, ss0, other[22];
	u16 trap, iomap;
};

/* --- The test's own part. --- */
extern const char guest_name[];
void guest_main(void); /* in the ring that the command line asks for, interrupts on */

/* --- Checks. --- */
void check(bool good, const char *what); /* prints PASS or FAIL */
void print(const char *format, ...);	 /* %s %u %x (8 digits) %d %c */
void guest_end(void) __attribute__((noreturn));
/* A number that sums up results in their order, to be printed and compared between machines. */
u32 digest(u32 before, u32 value);
u32 random_next(void); /* the same row on every machine */

/* --- Traps. ---
 * attempt() returns the vector of the trap that ended fn(arg), or -1. `caught` then tells of the
 * trap. */
int attempt(void (*fn)(u32), u32 arg);
extern struct caught {
	u32 vector, error, eip, cs, eflags, cr2;
	u32 count; /* of all attempts that ended in a trap */
} caught;
extern u32 attempts; /* counted by the tests: shown in the last line */
/* A test's own handlers, by vector; true: handled, go on where the frame says. */
extern bool (*trap_hook[256])(struct guest_frame *frame);
extern const u8 trap_stubs[]; /* one for each vector */
#define GATE_SIZE 16u

/* --- Privileged things, to be called from ring 0 or 3 (through INT 80h). --- */
u32 call_ring0(u32 (*fn)(u32), u32 arg);
extern u32 guest_ring;
extern const char *guest_cmdline;
u32 cmdline_number(const char *key, u32 otherwise); /* "key=123" */

/* --- Tables; ring 0 only. --- */
void gdt_set(u32 selector, u32 lo, u32 hi);
void idt_set(u32 vector, u16 selector, u32 offset, u8 type);
void map(u32 gla, u32 gpa, u32 flags); /* one page; flags 0 unmaps */
void *page_alloc(void);		       /* zeroed, never freed; NULL at the end of RAM */
extern u32 page_directory[1024];
extern struct guest_tss tss;
void timer_start(u32 hz); /* IRQ 0 at vector 20h; the PICs are masked before */

static inline void outb(u16 port, u8 v)
{
	__asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(port));
}

static inline u8 inb(u16 port)
{
	u8 v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}
