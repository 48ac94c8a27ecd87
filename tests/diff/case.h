/* SPDX-License-Identifier: MIT */
/*
 * One differential test case, and the state that a processor is in before and after it.
 *
 * A case is a list of instructions that ends with UD2, a processor mode, and initial state. It runs
 * until the first exception; UD2 at its end is the normal one. Everything follows from a 64-bit
 * seed, so that a case is replayed by seed and index, also after the minimiser has dropped
 * instructions.
 */
#pragma once

#include <Zydis/Zydis.h>

#include "emu/cpu/cpu.h"
#include "kernel/base/types.h"

#define CASE_INSNS   24u
#define CASE_BYTES   2000u
#define CASE_RAM     (8u * MiB)
#define CASE_PATCHES 8u

enum case_mode {
	CASE_FLAT3,    /* 32-bit, flat, CPL 3, paging: what a program is */
	CASE_FLAT0,    /* 32-bit, flat, CPL 0, no paging */
	CASE_SEGMENTS, /* 32-bit, CPL 0, DS ES FS GS SS with bases, no paging */
	CASE_PROT16,   /* 16-bit code and stack, CPL 0, segments with bases */
	CASE_REAL,     /* real mode */
	CASE_V86,      /* V86 mode, IOPL 0 or 3 */
	/* With paging, for page faults (faults.c, fault_forms.c); ours only. */
	CASE_PAGED0,	 /* 32-bit, flat, CPL 0: what a kernel is */
	CASE_PAGED_SEGS, /* 32-bit, CPL 3, ES SS DS FS GS with bases */
	CASE_PAGED16,	 /* 16-bit code and stack, CPL 0, segments with bases */
	CASE_PAGED_V86,	 /* V86 mode, IOPL 3 */
	CASE_MODES
};
extern const char *const case_mode_name[CASE_MODES];

/* Where our processor's own tables and handlers lie in linear space; the others have nothing there.
 */
#define CASE_SYSTEM	 0xb5400000u
#define CASE_SYSTEM_SIZE 0xf000u

#define CASE_ACCESSES 2u

/* What instructions of CPL 0 may load where exceptions go through task gates. */
#define CASE_GDT       (CASE_SYSTEM + 0x6000)
#define CASE_IDT       (CASE_SYSTEM + 0x7000)
#define CASE_GDT_LIMIT 0x1ffu
#define CASE_IDT_LIMIT 0x7ffu
#define CASE_SEL_LDT   0x180u
#define CASE_SEL_TSS   0x188u

/* Linear addresses; offsets follow from the segments' bases. */
struct case_layout {
	u32 code, data, stack; /* start of each window */
	u32 code_size, data_size, stack_size;
	u32 esp; /* initial offset in SS */
	/* selectors and bases, in enum cpu_seg order */
	u16 sel[6];
	u32 base[6];
	u8 cpl;
	bool code16, v86;
	bool paged;
	bool tasks; /* exceptions go through task gates: the stack need not be there */
};
const struct case_layout *case_layout(enum case_mode mode);

struct case_insn {
	u8 bytes[80]; /* the instruction; behind it, perhaps, what clears the flags that it leaves
			 undefined, or the part of an image */
	u8 len;
	u8 rel_size; /* 0, 1, 2 or 4: the last rel_size bytes are a displacement ... */
	u8 skip;     /* ... to the instruction this many further on (1: the next) */
	u8 abs_at;   /* 0, or where an absolute 16/32-bit offset of that target stands */
	bool dropped;
};

struct case_state {
	u32 gpr[8], eip, eflags;
	u16 sel[6];
	u8 fx[512] __attribute__((aligned(16))); /* FXSAVE, 32-bit form */
	u8 upper[128];				 /* of YMM0 to YMM7 */
	u8 vector;
	bool has_error, has_cr2;
	u32 error, cr2;
	u32 frame_at, frame_len; /* memory that the exception's own frame took; not compared */
};

/* One page that is not as it should be, until it has faulted. */
enum page_fault_kind { PAGE_ABSENT, PAGE_READ_ONLY, PAGE_SUPERVISOR, PAGE_KINDS };
struct fault_plan {
	u32 page; /* linear */
	enum page_fault_kind kind;
	bool wp; /* CR0.WP, in CPL 0 */
	/* Filled in: the fault on that page, if there was one. It is repaired, and the case goes
	 * on. */
	bool faulted;
	struct case_state at;
	u8 data[0x4000], stack[0x2000]; /* memory at that time */
};

/* Memory with a meaning to the instruction: a pointer, a selector. */
struct case_patch {
	u32 at; /* linear, in a window */
	u8 len, bytes[16];
};

/* An operand in memory: in one piece, or somewhere in these bytes. */
struct case_access {
	u32 at, size; /* linear */
	bool whole;
};

struct diff_case {
	struct fault_plan *plan; /* NULL: all pages are good */
	enum case_mode mode;
	u64 seed, index;
	unsigned insns;
	struct case_insn insn[CASE_INSNS];
	struct case_state start;
	u32 undefined; /* flags that some instruction of the case leaves undefined, if it ends early
			*/
	bool not_native; /* the real processor, in a Linux process, would do something else */
	bool stepped;	 /* ours runs it by recomp_step(): memory operands through C */
	u64 data_seed;	 /* contents of data and stack windows, but for */
	struct case_patch patch[CASE_PATCHES];
	unsigned patches;
	struct case_access access[CASE_ACCESSES]; /* of its only instruction, if they are known */
	unsigned accesses;
	u8 code[CASE_BYTES];
	u32 code_len, code_offset; /* offset of the first instruction in the code window */
	u32 end;		   /* EIP of the final UD2 */
};

/* xorshift64*: small, good enough, the same everywhere. */
static inline u64 rnd(u64 *s)
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return *s * 0x2545f4914f6cdd1dull;
}

static inline u32 rnd_below(u64 *s, u32 n)
{
	return (u32)((rnd(s) >> 32) * n >> 32);
}

/* What the generator may use. */
#define GEN_X87	   BIT(0)
#define GEN_SSE	   BIT(1)
#define GEN_SYSTEM BIT(2) /* privileged and segment instructions */
#define GEN_NATIVE BIT(3) /* only what means the same in a Linux process */
#define GEN_MASKED BIT(5) /* all floating-point exceptions are masked, and stay so */
#define GEN_AVX	   BIT(6) /* and what else came with or after it */
#define GEN_ONE	   BIT(4) /* one instruction, and what loads its pointers */

void case_generate(struct diff_case *c, enum case_mode mode, u64 seed, u64 index, unsigned what);
/* Random x87 and SSE state, most of it with numbers that mean something. */
void case_fpu_state(u64 *r, unsigned what, u8 *fx);
/* Puts code[], code_len and end together from the instructions that are not dropped. */
void case_assemble(struct diff_case *c);
/*
 * Fills RAM as it is before the case: code, data and stack, each window and, where a 16-bit offset
 * can reach, 64 KiB from its start.
 */
void case_load(const struct diff_case *c, u8 *ram);
void case_print(const struct diff_case *c, const struct case_state *a, const char *name_a,
		const struct case_state *b, const char *name_b);

/* The instruction of the case at this EIP; false if there is none. */
bool case_decode(const struct diff_case *c, u32 eip, ZydisDecodedInstruction *in);
bool case_decode_full(const struct diff_case *c, u32 eip, ZydisDecodedInstruction *in,
		      ZydisDecodedOperand *op);

/* The #GP or #SS that ended the case is due to a segment's limit or type (limits.c). */
bool case_segment_fault(const struct diff_case *c, const struct case_state *s);
/* It ended at a BOUND whose second part wraps at 64 KiB, as on real processors (an AMD was tried).
 */
bool case_part_wraps(const struct diff_case *c, const struct case_state *s);
/* The #GP that ended the case is due to an SSE operand that is not aligned. */
bool case_alignment_fault(const struct diff_case *c, const struct case_state *s);
/* Outside real mode (SDM 3A table 6-1). */
static inline bool case_has_error(u8 vector)
{
	return vector == VEC_DF || (vector >= VEC_TS && vector <= VEC_PF) || vector == VEC_AC;
}
/* SS has a limit, or was loaded anew: a fault may come to no handler, for want of room for its
 * frame.
 */
bool case_stack_is_limited(const struct diff_case *c, const struct case_state *s);
/* The stack has no room for the frame of the exception that ended the case: ours shuts down then.
 */
bool case_no_frame_room(const struct diff_case *c, const struct case_state *s);

/*
 * What the tests have to say about an instruction: the last column of emu/isa/insn.def. The first
 * part is explained in exceptions.c.
 */
enum case_note {
	TEST_NO_MMX = 1 << 0,
	TEST_X87_NATIVE = 1 << 1,
	TEST_MXCSR = 1 << 2,
	TEST_SAME = 1 << 3,
	TEST_LAR = 1 << 4,
	TEST_NO_POPCNT = 1 << 5,
	TEST_READS_16 = 1 << 6,
	TEST_HALVES = 1 << 7,
	TEST_MASKED_OUT = 1 << 8,
	TEST_SUM_ORDER = 1 << 9,
	TEST_LENGTH = 1 << 10,
	TEST_APPROXIMATE = 1 << 11,
	TEST_ORDER = 1 << 12,
	TEST_HALFWAY = 1 << 13,
	TEST_STICKY = 1 << 14,
	TEST_STORES = 1 << 15,
	TEST_SHA = 1 << 16,
	TEST_GATHER = 1 << 17,
	TEST_LOSES_FLAGS = 1 << 18, /* Unicorn loses flags that it has not computed yet */
	TEST_LOADS_MASKS = 1 << 19, /* would unmask exceptions */
	TEST_OUTSIDE = 1 << 20,	    /* not reproducible, or reaches outside the case */
	TEST_NATIVE_ONLY = 1 << 21, /* x87 images are the real processor's to judge */
	TEST_OWN_TABLES = 1 << 22,  /* only where the tables are the case's */
	TEST_SEGMENT = 1 << 23,	    /* loads a segment register that no operand names */
	TEST_PIECES = 1 << 24,	    /* its operand is not accessed in one piece */
	TEST_XSAVE = 1 << 25,	    /* its operand is XSAVE's area */
	TEST_NOT_NATIVE = 1 << 26,  /* a Linux process does it otherwise, or must not do it */
	TEST_W = 1 << 27,	    /* VEX.W is ignored (SDM 2B, PINSRD, PEXTRD), or #UD: AMD's */
	TEST_CHECKS_FIRST = 1 << 28,
};
bool case_noted(const ZydisDecodedInstruction *in, enum case_note note);

/* Listed exceptions (exceptions.c): on which processor, and what is not done or not compared. */
#define EXCEPT_ON_NATIVE  BIT(0)
#define EXCEPT_ON_UNICORN BIT(1)
#define EXCEPT_ON_ALL	  (EXCEPT_ON_NATIVE | EXCEPT_ON_UNICORN)
#define EXCEPT_SKIP	  BIT(0)  /* not generated */
#define EXCEPT_CR2	  BIT(1)  /* the address of a page fault */
#define EXCEPT_PARTIAL	  BIT(2)  /* registers and memory, if it faults */
#define EXCEPT_FLAGS	  BIT(3)  /* flags, if it faults */
#define EXCEPT_X87	  BIT(4)  /* x87 state, unchanged if it faults: others change it */
#define EXCEPT_STORES	  BIT(5)  /* memory, if it faults: some of the stores may be done */
#define EXCEPT_PROGRESS	  BIT(6)  /* as EXCEPT_PARTIAL, ours too: it goes on where it faulted */
#define EXCEPT_CHECKS	  BIT(7)  /* whether it raises #GP */
#define EXCEPT_END	  BIT(8)  /* memory, in the end */
#define EXCEPT_MXCSR	  BIT(9)  /* MXCSR, the same */
#define EXCEPT_FAULTS	  BIT(10) /* whether it faults, if it ends with another exception */
bool case_exception(const ZydisDecodedInstruction *in, unsigned on, unsigned what);

/* The number of a general register of 32 or 16 bits, or -1. */
int case_gpr(ZydisRegister r);
/* Its value; 0 if it is none. */
u32 case_gpr_value(const u32 *gpr, ZydisRegister r);

/* What init() may return, and the programs' exit status then: this host cannot. The reason is
 * printed. */
#define PROCESSOR_NOT_HERE 3

/* A processor to run cases on. data and stack receive the windows' contents afterwards. */
struct processor {
	const char *name;
	int (*init)(void);
	/* Returns 0, 1 if the case makes no sense here, or -1 if it did not come to an exception.
	 */
	int (*run)(const struct diff_case *c, struct case_state *end, u8 *data, u8 *stack);
	/* From a signal: run() shall come back, with 1, since the case does not end. NULL: it need
	 * not. */
	void (*stop)(void *context);
	unsigned what;		/* GEN_* that it can */
	bool upper;		/* it knows the upper halves of YMM */
	unsigned not_real;	/* ... but not in real mode */
	bool base_0;		/* ours: guest memory at address 0 */
	unsigned except_on;	/* EXCEPT_ON_* of its exceptions */
	u8 *ram;		/* CASE_RAM bytes, or NULL if it has no memory of its own */
	bool no_segment_checks; /* limits and types of segments are nothing to it */
	bool no_nx;
	bool no_wrap;  /* operands of two parts: the second lies behind 64 KiB */
	bool no_smc;   /* does not see that the next instruction was changed, across a page's end */
	bool no_probe; /* of the new top of ENTER's frame */
	bool reads_first; /* what an instruction modifies: its page faults are those of reads */
	/* No exception flags of x87 and SSE, no stack faults, no alignment checks; MMX leaves
	 * exponents alone. */
	bool weak_fpu;
};
extern struct processor processor_ours, processor_native, processor_unicorn;

/* Ours as it is set up for a mode: where a copy finds the tables. */
struct case_tables {
	const u8 *ram;
	u32 gdt, gdt_physical; /* linear and physical */
	u32 cr3, tables_size;  /* page tables, one after another */
	u16 gdt_limit;
};
const struct case_tables *processor_ours_tables(enum case_mode mode);

/* Bytes from a window's start that belong to the case: what a 16-bit offset can reach, too. */
static inline u32 case_room(const struct case_layout *l, u32 window_size)
{
	return l->code16 ? 0x10000 : window_size;
}
