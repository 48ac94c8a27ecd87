/* SPDX-License-Identifier: MIT */
/*
 * What the kernels of the zoo share beside tests/guests/lib: a large GDT with segments of all
 * rings, and functions that run in another ring. All pages are user pages.
 */
#pragma once

#include "lib/testguest.h"

#define DONE	 0x81u			/* INT 81h ends a function in another ring */
#define STACK(r) (0x6000u + (r)*0x400u) /* where ring r's code begins; 16-bit gates see 16 bits */
#define INNER(r) (0xa000u + (r)*0x400u) /* what the TSS says of rings 1 and 2 */
#define STACK16	 0x20000u		/* the base of 16-bit stacks */

/* High words of descriptors, without base and limit */
#define CODE32	  0x00c09a00u
#define DATA32	  0x00c09200u
#define CODE16	  0x00009a00u
#define DATA16	  0x00009200u
#define BYTES(d)  ((d) & ~0x800000u) /* a limit in bytes */
#define DPL(n)	  ((n) << 13)
#define CONFORMS  0x400u
#define DOWN	  0x400u
#define ABSENT(d) ((d) & ~0x8000u)
#define PRESENT	  ((u64)0x8000 << 32)
#define ALL	  0xfffffu

/* High words of gates and system descriptors */
#define GATE32	  0x8c00u
#define GATE16	  0x8400u
#define TASK_GATE 0x8500u
#define TSS32	  0x8900u
#define TSS16	  0x8100u
#define LDT	  0x8200u
#define BUSY	  0x200u

/* Selectors without RPL; those from FREE on are the test's. */
#define CODE(r)	     (0x80u + (r)*0x10u)
#define DATA(r)	     (0x88u + (r)*0x10u)
#define NARROW(r)    (0xc0u + (r)*0x10u) /* 16-bit code from narrow_begin on */
#define NARROW_SS(r) (0xc8u + (r)*0x10u)
#define FREE	     0x100u

static inline u32 read_cr0(void)
{
	u32 v;

	__asm__ volatile("mov %%cr0, %0" : "=r"(v));
	return v;
}
/* The jump is what the manual wants where paging changes. */
static inline void write_cr0(u32 v)
{
	__asm__ volatile("mov %0, %%cr0; jmp 1f; 1:" ::"r"(v) : "memory");
}

extern u64 *zoo_gdt;
extern u32 zoo_result; /* what the function in the other ring returned */

void zoo_begin(const u8 *narrow_begin);
void zoo_inner_stacks(void); /* of rings 1 and 2, in the TSS */
void set(u32 selector, u32 base, u32 limit, u32 kind);
void set_gate(u32 selector, u32 target, u32 offset, u32 count, u32 kind);
/* fn(arg) in a ring: the vector that it ended with, DONE if it returned. */
int in_ring(u32 ring, u32 (*fn)(u32), u32 arg, u32 eflags);
/* By IRET to anywhere, with DS and ES of ring 3: the vector that ended it. */
int go_to(u32 cs, u32 eip, u32 eflags, u32 ss, u32 esp);
void say_end(int vector); /* " ok", or vector and error code */
