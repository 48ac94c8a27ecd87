/* SPDX-License-Identifier: MIT */
/*
 * Inside the recompiler: blocks, tables, the emission buffer. Nobody outside emu/cpu/ includes
 * this.
 *
 *   code cache   [ stubs | blocks ............ | slots ]   one allocation; slots are data on pages
 * of their own block        what was translated from one run of guest bytes in one mode slot the
 * target of a direct jump inside a page: points at the edge's stub until the target is known
 *   look-up      64 K entries by the low 16 bits of EIP, for returns, indirect jumps and jumps to
 * other pages
 */
#pragma once

#include <Zydis/Zydis.h>

#include "emu/cpu/insn.h"
#include "emu/cpu/recomp.h"
#include "emu/cpu/semantics.h"

#define LOOKUP_ENTRIES 65536u
#define BLOCK_HASH     16384u
#define BLOCK_MAX      32768u
#define BLOCK_INSNS    48u
#define SITE_MAX       65536u
#define SLOT_NONE      0xffffffffu

/* Guest registers live in the host registers of the same number, ESP in R12. */
enum { R_A, R_C, R_D, R_B, R_SP, R_BP, R_SI, R_DI, R8, R9, R10, R11, R12, R13, R14, R15 };
#define R_CPU	R15
#define R_TABLE R14
#define R_GSP	R12

/* Instructions that the recompiler's own C executes where they cannot run inline (recomp_slow.c).
 */
enum {
	OP_SLOW_CALL = OP_COUNT + 1,
	OP_SLOW_RET,
	OP_SLOW_JMP,
	OP_SLOW_LOOP,
	OP_SLOW_PUSH,
	OP_SLOW_POP,
	OP_SLOW_XLAT,
	OP_SLOW_MASKMOV,
	OP_SLOW_FETCH
};

/* Mode key: everything that translated code depends on besides its bytes and EIP. */
#define KEY_D	   BIT(0)
#define KEY_B	   BIT(1)
#define KEY_PE	   BIT(2)
#define KEY_VM	   BIT(3)
#define KEY_CPL3   BIT(4)
#define KEY_IOPL   BIT(5) /* CLI, STI, PUSHF, POPF may run inline */
#define KEY_TF	   BIT(6)
#define KEY_NOX87  BIT(7)
#define KEY_NOSSE  BIT(8)
#define KEY_TSD	   BIT(9)
#define KEY_SEG(s) (10u + 2u * (s)) /* two bits each */
#define KEY_SLOW   BIT(22)	    /* one instruction, memory through C */
enum seg_class { CLASS_FLAT, CLASS_BASED, CLASS_CHECKED };

/* One numbered pair of mode key and mapping. */
struct tag {
	u32 key, mapping, number; /* 0: unused */
};
#define TAG_CACHE 256u

struct lookup_entry {
	u64 minus_tag; /* -(tag + eip): sums to 0 with them */
	u64 code;
};

struct insn_map {
	u16 host, guest; /* offsets from the block's code and EIP */
};

struct edge {
	u32 slot;
	u32 target; /* guest EIP */
};

struct block {
	struct block *hash_next;
	struct block *page_next[2];
	gpa_t gpa[2]; /* of the first byte; of the second page, ~0 if there is none */
	u32 eip, key;
	u16 len, insns;
	u32 code, code_len; /* offset in the cache */
	struct insn_map *map;
	struct edge edge[2];
	bool dead;
};

/* One guest instruction that translated code hands to C. */
struct site {
	struct insn insn;
	u32 block;
	u8 mem_size;
	u8 align; /* of the linear address: 0, 15 or 31 */
	bool reads, writes;
};

struct page_blocks {
	struct page_blocks *next;
	gpa_t page;
	struct block *blocks;
	u32 hits;
};

/*
 * Code in the making: written to a buffer and copied to the cache as a whole. Under QEMU a store to
 * a page that was executed from costs hundreds of cycles, and blocks share pages.
 */
struct emit {
	u8 *start, *p, *end;
	u64 rx; /* where start will be executed */
	bool overflow;
};

#define EMIT_BUFFER 16384u

struct recomp {
	struct recomp_config cfg;
	struct cpu *cpu;
	struct lookup_entry *lookup;
	struct block *block;
	u32 blocks;
	struct block *hash[BLOCK_HASH];
	struct page_blocks *page_hash[1024];
	struct site *site;
	u32 sites;
	u32 code_start, code_next, code_end;
	u32 slot_next, slot_end; /* offsets of slots in the cache, from the top down */
	u32 mapping[2];		 /* of CPL 0..2, of CPL 3 */
	struct tag tag[TAG_CACHE];
	u32 tags; /* given out */
	bool flush_wanted;
	bool code_changed;	   /* a block was dropped: the running one must leave soon */
	bool entered_handler;	   /* the last hard instruction was a software interrupt */
	bool step_slow, slow_next; /* the next instruction's memory goes through C */
	u32 slow_gla[1024];
	u32 edge_target, edge_key; /* where the edge by which translated code came to the dispatcher
				      leads, in which mode */
	enum cpu_result pending;
	u8 buffer[EMIT_BUFFER] __attribute__((aligned(8)));
	struct recomp_stats stats;
	/* stubs, as executed */
	u64 enter, leave_dispatch, leave_edge, leave_trap, call_hard, call_slow_read,
		call_slow_write;
};
