/* SPDX-License-Identifier: MIT */
/*
 * Directed cases: transfers of control and what loads descriptors, in an image of a system that is
 * mostly plausible: a GDT and two LDTs with segments of every level, gates, TSSs, a stack for each
 * level. All code segments begin at the same place, where slots of instructions lie; wherever a
 * transfer leads, the next slot's instruction may go on from there.
 *
 *   00001000 code, DIRECTED_SLOTS slots   00006000 GDT    00008000 TSSs
 *   00002000 data                         00007000 LDTs   0000a000 page directory and table
 *   00004000 stacks                       0000d000 what leads Unicorn into the case's mode
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "tests/diff/case.h"

#define WORLD_RAM    (1u * MiB)
#define WORLD_SIZE   0x18000u /* what a segment of 64 KiB can reach */
#define AT_CODE	     0x1000u
#define AT_DATA	     0x2000u
#define AT_STACKS    0x4000u
#define AT_GDT	     0x6000u
#define AT_LDT(n)    (0x7000u + (n)*0x100u)
#define AT_TSS(n)    (0x8000u + (n)*0x100u)
#define AT_PAGES     0xa000u
#define AT_PAGES_END 0xc000u
#define AT_ENTRY     0xd000u

#define DIRECTED_SLOTS	   32u
#define DIRECTED_SLOT_SIZE 0x20u
#define DIRECTED_SLOT(n)   (0x200u + (n)*DIRECTED_SLOT_SIZE) /* offset in a code segment */
#define DIRECTED_STACK(r)  (0x200u + (r)*0x400u)	     /* offset in a stack segment */
#define DIRECTED_STEPS	   12u /* after so many instructions both are stopped and compared */

/* The GDT's entries. */
enum {
	GDT_CODE0 = 1, /* flat, for the way into a case */
	GDT_DATA0,
	GDT_CODE32 = 4, /* of level 0, and so on to level 3 */
	GDT_CODE16 = 8,
	GDT_CONFORMING = 12,
	GDT_DATA = 16,
	GDT_STACK32 = 20,
	GDT_STACK16 = 24,
	GDT_LDT = 28,
	GDT_TSS = 30,	  /* 32 bits: the current one, two that are free, a busy one */
	GDT_TSS16 = 34,	  /* 16 bits: free, busy */
	GDT_EXECUTE = 36, /* not readable */
	GDT_READ,	  /* not writable */
	GDT_DOWN,	  /* expand-down */
	GDT_CALL_GATE = 40,
	GDT_TASK_GATE = 56,
	GDT_ENTRIES = 60
};
/* The LDTs': code, data and stacks of level 0 to 3, and gates. */
enum { LDT_CODE, LDT_DATA = 4, LDT_STACK = 8, LDT_CALL_GATE = 12, LDT_ENTRIES = 16 };

enum directed_mode { DIRECTED_REAL, DIRECTED_V86, DIRECTED_PROTECTED };

struct directed_case {
	u64 seed, index;
	enum directed_mode mode;
	bool code16, stack16, stepped;
	u8 cpl;
	u32 gpr[8], eip, eflags, cr0, cr3;
	u16 sel[SEG_COUNT];
	u64 home[GDT_ENTRIES]; /* the GDT before anything was spoiled: what the case begins with */
	u8 image[WORLD_SIZE];
};

/* A segment register as both show it: unusable ones have a selector only. */
struct directed_segment {
	u16 sel, attr; /* without the accessed bit, or the busy bit */
	u32 base, limit;
};

struct directed_state {
	u32 gpr[8], eip, eflags, cr0, cr3;
	struct directed_segment seg[SEG_COUNT], tr, ldtr;
	u32 gdt_base, gdt_limit, idt_base, idt_limit;
};

#define DIRECTED_STOPPED 0xff /* no exception: the number of instructions was reached */
struct directed_end {
	struct directed_state s;
	u8 vector;
	u32 error;
	/* A fault in a new task: which of the data segments are loaded is nowhere written down. */
	bool loading;
	bool lazy_flags; /* stopped where Unicorn has not computed its arithmetic flags */
	u8 memory[WORLD_SIZE];
};

void directed_generate(struct directed_case *c, u64 seed, u64 index);
void directed_print(const struct directed_case *c);

/* Up to an exception, or to the instruction of this number. 0, or -1: neither came. */
int directed_ours_init(bool base_0);
int directed_ours_run(const struct directed_case *c, unsigned steps, struct directed_end *end);
/* What is wrong with the processor's own state after a run, or NULL. */
const char *directed_ours_caches(void);

/* Attributes of segments in real and V86 mode have no meaning. */
void directed_hide_attributes(struct directed_state *s);

/*
 * Unicorn's end, mended where it is wrong (directed_mend.c). *steps: instructions that ours shall
 * be stopped after, too, or ~0 if it came to an exception. print: the way there.
 */
int directed_unicorn_init(void);
void directed_unicorn_run(const struct directed_case *c, struct directed_end *end, unsigned *steps,
			  bool print);

/* An instruction and what Unicorn made of it. */
struct directed_step {
	struct directed_state before, after; /* the latter without a fault: as it is there */
	bool faulted, far_before;	     /* after some far transfer */
	u8 vector;
	u32 error;
	const u8 *memory;   /* after it */
	u32 link, stack[3]; /* before it: the TSS's first word, the words at the top of the stack */
	ZydisDecodedInstruction in;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
};

enum directed_verdict {
	MEND_NONE,
	MEND_FAULT, /* the state is that before the instruction, the exception the verdict's */
	MEND_STATE, /* the state is Unicorn's, changed as the rule says */
	MEND_CUT    /* what comes of it cannot be known from Unicorn: compared as it is before */
};
#define MEND_SAME_ERROR ~0u
struct directed_mend {
	enum directed_verdict verdict;
	u8 vector;
	u32 error;
	const char *why;
};
/* state: of MEND_STATE. */
struct directed_mend directed_mend(const struct directed_step *s, struct directed_state *state);
/* Nothing was generated at this linear address. */
static inline bool directed_strays(u32 at)
{
	return at - AT_CODE >= DIRECTED_SLOT(DIRECTED_SLOTS);
}
unsigned directed_cpl(const struct directed_state *s);
