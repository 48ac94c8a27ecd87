/* SPDX-License-Identifier: MIT */
/*
 * The fuzzing kernel: random code in every mode and ring, under page tables, segments, flags, debug
 * registers and x87 state that are random but mostly valid, with interrupts at random rates. The
 * kernel survives: a trap, or a task gate to a task of its own, ends each round, and everything is
 * made anew for the next. What it cannot survive resets the machine (on_triple_fault = reset), and
 * the next start goes on with another seed.
 *
 *   chaos.c         a round: state, entry, traps     chaos_paging.c  the address space of a round
 *   chaos_code.c    random instructions              chaos_entry.asm ways in and out
 */
#pragma once

#include "lib/testguest.h"

/* Linear addresses of a round. */
#define IMAGE_START  0x100000u	 /* the kernel, to text_end read-only */
#define WINDOW	     0x50000000u /* pages with random rights */
#define WINDOW_PAGES 64u
#define CODE	     0x50100000u /* CODE_PAGES of them, then nothing */
#define CODE_PAGES   2u
#define STACK	     0x50200000u /* STACK_PAGES of them */
#define STACK_PAGES  2u
#define LARGE	     0x60000000u /* a large page, over LARGE_FRAME */
#define LARGE_FRAME  0x400000u
#define LOW_CODE     0x20000u /* the code again, for V86 mode and 16-bit segments */
#define TOP_PAGE     0xfffff000u

/* Selectors beside those of testguest.h; the LDT has the same rows. */
#define SEL_RESCUE    0x40u /* the task that ends a round */
#define SEL_VICTIM    0x48u /* the task that a round runs in */
#define SEL_LDT	      0x50u
#define SEL_RANDOM    0x58u /* SEL_RANDOMS descriptors, random in each round */
#define SEL_RANDOMS   8u
#define SEL_CODE16    0x98u /* base LOW_CODE, DPL 0; the next one DPL 3 */
#define SEL_DATA16    0xa8u /* the same for data, D/B = 0 */
#define SEL_CONFORM   0xb8u
#define SEL_CALL_GATE 0xc0u /* DPL 3, to chaos_gate */
#define SEL_TASK_GATE 0xc8u /* DPL 3, to SEL_RESCUE */
#define SELECTORS     32u

#define VEC_TIMER 0x20u

#define CR0_PE BIT(0)
#define CR0_ET BIT(4)
#define CR0_NE BIT(5)
#define CR0_WP BIT(16)
#define CR0_AM BIT(18)
#define CR0_PG BIT(31)

#define CR0_ROUND (CR0_PG | CR0_PE | CR0_ET | CR0_WP)

#define CR4_PSE	       BIT(4)
#define CR4_PAE	       BIT(5)
#define CR4_OSFXSR     BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_OSXSAVE    BIT(18)

struct chaos_task { /* SDM 3A figure 7-2 */
	u32 link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
	u32 eax, ecx, edx, ebx, esp, ebp, esi, edi;
	u32 es, cs, ss, ds, fs, gs, ldt;
	u16 trap, iomap;
};

struct chaos_mode {
	bool pae, v86, code16;
	bool clean; /* what raw ring 1 may run: IF = 1, flat, no DPL 1 or 2, harmless code */
	u32 ring;
};

u32 chaos_random(void);
/* True once in n times. */
bool chaos_one_in(u32 n);
u32 chaos_pick(const u32 *row, u32 n);
/* An address that may be worth an access. */
u32 chaos_address(void);
u32 chaos_selector(void);

/*
 * What ring 3 tries at the end of some rounds: to read or write a byte. Code that got through
 * executes INT VEC_PROBE, and the page tables of that moment must have allowed it. INT VEC_FLUSH
 * comes first: the TLB may hold what the tables allowed before, since not each change of a page is
 * followed by INVLPG, and ring 3 itself may store to tables that the window shows.
 */
#define VEC_PROBE   0x81u
#define VEC_FLUSH   0x82u
#define PROBE_MAGIC 0x600dbad0u
#define PROBE	    0x400u /* its place behind CODE */

struct chaos_probe {
	u32 gla, end; /* end: the offset behind its INT; 0: there is none */
	bool write;
};

/* chaos_code.c: writes a round's code to the frame of CODE. */
void chaos_write_code(u8 *code, u32 bytes, const struct chaos_mode *m,
		      const struct chaos_probe *probe);
void chaos_fill_code(u8 *code, u32 bytes); /* with UD2 */
void chaos_write_probe(u8 *code, struct chaos_probe *probe);

/* chaos_paging.c */
void chaos_paging_init(void);
/* CR3 of the kernel's own address space, and, made anew, of a round's. */
u32 chaos_kernel_cr3(bool pae);
u32 chaos_build_space(const struct chaos_mode *m);
/* A random change of a page of the window, as a kernel would make it. False: it is none. */
bool chaos_change_page(u32 gla);
u32 chaos_cr4(void); /* of the round */
/* Do the round's tables let CPL 3 do that? */
bool chaos_user_may(u32 gla, bool write);
u8 *chaos_code_frame(void);
/*
 * Takes the next frames for CODE: those of clean rounds are many, since a page whose status for raw
 * ring 1 is lost too often is given up.
 */
void chaos_next_frame(bool clean);
void chaos_switch_paging(bool pae);

/* chaos_entry.asm */
extern const u8 text_end[], chaos_stubs[], chaos_rescue[], chaos_gate[];
void chaos_next_round(void) __attribute__((noreturn));
void chaos_enter(u32 victim_selector) __attribute__((noreturn));
void chaos_round(void) __attribute__((noreturn));
u32 chaos_trap(struct guest_frame *f); /* 0: resume */
