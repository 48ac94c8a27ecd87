/* SPDX-License-Identifier: MIT */
/*
 * Inside the recompiler: blocks, tables, the emission buffer. Who includes this is emu/block/,
 * verify/, trans/, jit/ or listing/.
 *
 *   code cache   [ stubs | blocks ............ | slots ]   one allocation; slots are data on pages
 *                of their own
 *   block        what was translated from one run of guest bytes in one mode. Every guest
 *                instruction in it may be entered: nothing is kept from one to the next but the
 *                guest's own registers and flags, and in runs of x87 instructions their mark
 *                (trans_fpu.c), or what is known of segments of 64 KiB (trans_known.c), which
 *                make the instructions behind them `inner`.
 *   edge, slot   a jump that leaves its block goes through a slot, a word of data that points at
 *                the edge's stub until the target is known. Slots that lead to a block are on its
 *                list.
 *   look-up      64 K entries by the low 16 bits of EIP, for returns and indirect jumps
 *   arena        blocks' tables and sites, from the bottom up; emptied with the cache
 */
#pragma once

#include <Zydis/Zydis.h>

#include "emu/cpu/insn.h"
#include "emu/block/recomp_config.h"
#include "emu/cpu/semantics.h"

#define LOOKUP_ENTRIES 65536u
#define LOOKUP_GROUP   64u
#define BLOCK_HASH     16384u
#define BLOCK_INSNS    192u
#define BLOCK_FIXUPS   64u
#define BLOCK_GAP      512u
#define SLOT_NONE      0xffffffffu

/* Guest registers live in the host registers of the same number, ESP in R12. */
enum { R_A, R_C, R_D, R_B, R_SP, R_BP, R_SI, R_DI, R8, R9, R10, R11, R12, R13, R14, R15 };
#define R_CPU	R15
#define R_TABLE R14
#define R_GSP	R12
#define R_POLL \
	R13 /* cpu->poll: a readable byte, or an address that faults while events are pending */

/*
 * What the recompiler's own C executes where it cannot run inline: recomp_slow.c has a function for
 * each. They follow on insn.def's operations.
 */
enum slow_op {
	OP_SLOW_CALL = OP_COUNT,
	OP_SLOW_RET,
	OP_SLOW_JMP,
	OP_SLOW_LOOP,
	OP_SLOW_PUSH,
	OP_SLOW_PUSH_SEG,  /* reg: enum cpu_seg */
	OP_SLOW_STORE_SEG, /* MOV m16, sreg */
	OP_SLOW_POP,
	OP_SLOW_XLAT,
	OP_SLOW_MASKMOV,
	OP_SLOW_FETCH,
	OP_SLOW_LONG,
	OP_SLOW_STALE,	 /* imm: the block's number */
	OP_SLOW_PATCHED, /* imm2: an operation whose immediate is cpu->patched[reg] */
	OP_SLOW_END
};

/* What C tells a stub besides an enum cpu_result: to go on at r->go_on. Known by its sign. */
#define STUB_GO_ON BIT(31)

/* Mode key: everything that translated code depends on besides its bytes and EIP. */
#define KEY_D	   BIT(0)
#define KEY_B	   BIT(1)
#define KEY_PE	   BIT(2)
#define KEY_VM	   BIT(3)
#define KEY_CPL3   BIT(4)
#define KEY_IOPL   BIT(5) /* CPL <= IOPL: CLI, STI, PUSHF, POPF may run inline */
#define KEY_TF	   BIT(6)
#define KEY_NOX87  BIT(7)
#define KEY_NOSSE  BIT(8)
#define KEY_TSD	   BIT(9)
#define KEY_SEG(s) (10u + 2u * (s)) /* two bits each */
#define KEY_SLOW   BIT(22)	    /* one instruction, memory through C */
#define KEY_NOAVX  BIT(23)	    /* CR4.OSXSAVE or XCR0 forbids VEX on vector registers */
#define KEY_LIMIT(s) \
	BIT(24u + (s))	     /* of class CLASS_CHECKED: its limit is all that there is to check */
#define KEY_NONE 0xffffffffu /* no mode */
/* 32-bit code and stack, CS, SS and DS flat (CLASS_FLAT is 0), one block after the other. */
#define KEY_FLAT (KEY_D | KEY_B | KEY_PE)
#define KEY_FLAT_MASK                                                                            \
	(KEY_FLAT | KEY_VM | KEY_TF | KEY_SLOW | 3u << KEY_SEG(SEG_CS) | 3u << KEY_SEG(SEG_SS) | \
	 3u << KEY_SEG(SEG_DS))
/*
 * What a segment asks of an access through it: nothing; its base; its base and a look at 64 KiB
 * (real mode and 16-bit protected mode); or all checks: a look at its limit (KEY_LIMIT), or C.
 */
enum seg_class { CLASS_FLAT, CLASS_BASED, CLASS_CHECKED, CLASS_64K };

/* A number for mode key, mapping, base and limit of CS. */
struct tag {
	u32 key, mapping, base, limit, number; /* 0: unused */
};
#define TAG_CACHE 256u
#define TAG_NEVER 0xffffffff00000000ull /* of nothing; what events make of lookup_tag */

/* The number of a segment of real mode, as it goes into lookup_tag. */
struct far_tag {
	u64 minus_sel, tag;
};
#define FAR_TAGS 256u

/*
 * A change of ring that C did, for emu/trans/stub_ring.h: done again while lookup_tag is what it
 * was and all that is compared there is the same. A way in is found by its vector, a way out by the
 * selector on the stack.
 */
struct ring_known {
	u64 from; /* the tag, and what tells this change from others under it; 0: none */
	u64 moves, to, tail;
	struct cpu_seen gate, code, stack, stack0;
	struct cpu_segment cs, ss;
	u32 key, if_mask;
	/* In: what the handler finds. The frame may be written while no watch has begun. */
	u32 eip, esp;
	u8 *frame;
	const volatile u32 *watches_at;
	u32 watches;
	/* Out: of the image that is popped, and the quiet flags before and after. */
	u32 image, quiet, eflags;
	u32 quiet_to[2], quiet_df[2];
	u32 ss_sel, esp_mask, esp_kept;
	u32 attr[4]; /* of ES, DS, FS, GS */
	const u32 *thread_base[2];
	u64 unused[3];
};
_Static_assert(sizeof(struct ring_known) == 256, "found by a shift");

#define RING_KNOWN	    16u
#define RING_SELECTOR_SHIFT 2u
#define RING_SIZE(size)	    ((s32)(size) << 16)
#define RING_KINDS_IN	    6u
#define RING_LEAVES	    8u
enum ring_kind_out { RING_SAME, RING_OUTER, RING_V86, RING_KINDS_OUT };
/* Of EFLAGS, what translated code does not change itself; DF is in both. */
#define QUIET_FLAGS (~(EFLAGS_ARITH | EFLAGS_ONE | EFLAGS_RF) | EFLAGS_DF)
/* Neither arithmetic, nor IF, nor RF. */
#define RING_FLAGS_FIXED                                                                        \
	(EFLAGS_TF | EFLAGS_DF | EFLAGS_IOPL | EFLAGS_NT | EFLAGS_VM | EFLAGS_AC | EFLAGS_VIF | \
	 EFLAGS_VIP | EFLAGS_ID)
#define RING_V86_ATTR 0xf3

#define FENCE_NOTES 256u
#define LOOP_NOTES  64u

struct lookup_entry {
	u64 minus_tag; /* -(tag + eip): sums to 0 with them */
	u64 code;
};

/* The look-up's code (trans_control.c), but for the displacement of its jump to the dispatcher. */
#define LOOK_UP_CODE 64u
struct look_up_code {
	u8 bytes[LOOK_UP_CODE];
	u8 len, jump;
};

struct insn_map {
	u16 host; /* offsets from the block's code and EIP */
	u16 guest : 14;
	u16 shadow : 1; /* behind STI or a load of SS: an interrupt waits for its end */
	u16 inner : 1;	/* reached through the block only, never entered */
};

/* Leaves translated code by CALL: the return address, host bytes behind the block's code, names it.
 */
struct edge {
	u32 target; /* guest EIP */
	u32 slot;   /* index */
	u16 host;
};

struct slot {
	u32 next, prev; /* on the target's list; SLOT_NONE at its ends */
	u32 stub;	/* offset of the edge's own stub in the cache */
	u32 target;	/* block number + 1; 0: its own stub */
};
#define SLOT_CROSSES BIT(31) /* in target: valid only as long as the linear mapping is */

struct block {
	struct block *page_next[2];
	gpa_t gpa[2];		   /* of the first byte; of the second page, ~0 if there is none */
	u32 eip, key, base, limit; /* base, limit: of CS */
	u32 code, code_len;	   /* offset in the cache */
	u16 len, insns, edges;
	/* Host bytes that verify the guest's, at the block's start; 0: none. block_source(). */
	u16 check_len;
	bool dead;
	bool cut;	 /* ends in an instruction whose last bytes could not be fetched */
	u32 incoming;	 /* first slot that leads here */
	u32 linear_next; /* of those whose linear pages share a chain: number + 1 */
	struct insn_map *map;
	struct edge *edge;
};

/* A place where a block may be entered, by physical address, EIP and mode. */
struct entry {
	struct entry *next;
	struct block *block;
	u32 eip, code;
};

/* One guest instruction that translated code hands to C. */
struct site {
	struct insn insn;
	u32 eip;
	bool ends; /* the block does not go on behind it */
	bool mode; /* the mode may be another behind it */
	u8 mem_size;
	u8 align; /* of the linear address: 0, 15 or 31 */
	u8 right; /* linear: BIT(ACCESS_*), what the TLB of the C code must allow; and */
	u32 ones; /* as many as the operand has bits */
	bool reads, writes;
	bool noted;  /* done by C because it met a device or a watched page */
	bool linear; /* translated code has made the operand's linear address: cpu->slow_gla */
	bool bits;   /* a bit string: its register's number moves the address */
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
#define CHECK_BYTES 64u /* of the guest, that a block verifies at most */
#define CROSS_MAX   8192u

/* trans_known.c: what is known of segments of 64 KiB in front of an instruction, and since which
 * one of the block. */
struct known_reg {
	s16 low, high;
	u8 since;
	bool whole;
};
struct known_base {
	u8 seg, since; /* seg: number + 1; 0: none */
};
struct known {
	struct known_reg reg[8];
	struct known_base base[2];
	bool any; /* false: nothing, whatever the others say */
};

/* A jump inside the block to an instruction that is not reached yet: its rel32. */
struct fixup {
	u32 target;
	u8 *at;
	unsigned marked; /* trans.marked at the jump */
};

/* One block in the making. */
struct trans {
	struct recomp *r;
	struct cpu *cpu;
	struct block *b;
	struct emit e;
	u32 key, start, eip, next; /* EIP of the block, of this instruction and of the next one */
	bool slow;		   /* memory operands go through C */
	bool slow_page;		   /* some instructions of the page do */
	bool ended;
	bool holds;  /* the instruction before was STI or loaded SS */
	bool flat;   /* 32-bit code, DS and SS flat: the short way is open */
	bool padded; /* the instruction before did nothing: a loop may begin here */
	bool stops;  /* the debugger may stop in front of some instructions */
	/*
	 * trans_fpu.c: all ways through the block to this instruction pass a mark of x87 code, no C
	 * behind it, and the first of these marks is in front of instruction `marked`. 0: not so.
	 * From there to `inner_to` the instructions are noted as inner.
	 */
	unsigned marked, inner_to;
	/* trans_known.c: now, in front of each instruction, at each pending jump; and from where on
	 * nobody may come in, for the sake of each instruction. */
	bool knows; /* there are such segments */
	bool keeps; /* this instruction does not change what it does not say */
	struct known known, known_at[BLOCK_INSNS], known_fixup[BLOCK_FIXUPS];
	u8 relied[BLOCK_INSNS];
	u32 base, limit; /* of CS */
	s32 esp_bias;	 /* added to addresses with ESP in them */
	/* Fetching: the page's bytes, and what an instruction that leaves them is put together in.
	 */
	const u8 *page;
	const u8 *code; /* the block's own bytes, of which instructions that begin in the first */
	u32 easy;	/* `easy` are whole on the page, and within the limit */
	gpa_t next_gpa; /* of the following page, if the bytes reach it; ~0 if not */
	const u8 *bytes;
	unsigned have;
	u8 buffer[16];
	u8 check[CHECK_BYTES]; /* guest bytes that the block verifies */
	unsigned check_len;
	u64 unchecked; /* a bit for each that it does not: immediates, which it loads */
	u32 patched;   /* a bit for each instruction that has such a one, at check[immediate[]] */
	u8 immediate[CPU_PATCHED], immediate_size[CPU_PATCHED];
	bool mixed; /* the block lies, or its last bytes do, on a page where code and data mix */
	struct insn_map map[BLOCK_INSNS];
	unsigned insns;
	struct fixup fixup[BLOCK_FIXUPS];
	unsigned fixups;
	u64 fixup_bits; /* one for the low bits of each target there has been */
	struct edge edge[2 * BLOCK_INSNS];
	unsigned edges;
	u32 return_eip[BLOCK_INSNS];
	unsigned returns;
	struct site nowhere; /* if the arena is full: what is written is thrown away */
	ZydisDecoder decoder;
	u32 decoder_key; /* what it was set up for, plus 1 */
	ZydisDecodedInstruction in;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
};

/* An instruction whose memory was seen to need C, by its linear address, and how often; and how
 * often since then it would not have needed it. */
struct slow_note {
	gla_t gla;
	u16 count, plain;
};

/* mixed.c: an address on a page with blocks, how often it was written to, and when last. */
struct write_note {
	gpa_t gpa;
	u64 last;
	u32 count;
};

/* An instruction whose bytes had changed when a block that verifies itself was entered. */
struct patch_note {
	gpa_t gpa;
	u32 count;
};

/* What the mode key is made of besides segments (cpu->mode_seg), for one comparison. */
struct mode_inputs {
	u32 cr0, cr4, eflags, cpl, xcr0;
	u64 tsc_offset;
};

#define MODES_KNOWN    16u
#define TAGS_LAST_BITS 3u

/* A mode key that was computed once, where FS and GS are found in it, and its tag of last time. */
struct mode_known {
	bool is;
	u32 mode;
	struct tag tag;
	struct mode_inputs of;
	struct cpu_segment seg[SEG_COUNT] __attribute__((aligned(8)));
	const u32 *thread_base[2];
};

struct recomp {
	struct recomp_config cfg;
	struct cpu *cpu;
	struct lookup_entry *lookup;
	/* A bit for each group of entries that any was filled in. */
	u64 lookup_used[LOOKUP_ENTRIES / LOOKUP_GROUP / 64];
	struct block *block; /* in the order of their code */
	u32 blocks, block_max;
	struct entry *hash[BLOCK_HASH];
	struct page_blocks *page_hash[1024], *page_blocks_free; /* in the arena */
	u32 linear[1024];   /* blocks by linear page: number + 1 of the first */
	struct pass *proof; /* verify.c */
	u8 *arena;
	u32 arena_next, arena_size;
	struct slot *slot;
	u32 slots, slot_max;
	u32 cross[2][CROSS_MAX], crosses[2];   /* slots that were linked to another page */
	u32 code_start, code_next, slot_start; /* offsets in the cache */
	u32 mapping[2];			       /* of CPL 0..2, of CPL 3 */
	struct tag tag_cache[TAG_CACHE], tag_last[1u << TAGS_LAST_BITS];
	struct far_tag far[FAR_TAGS]; /* by the low byte of the selector (stub_real.c) */
	u64 far_used[FAR_TAGS / 64];  /* a bit for each that may be in use */
	struct tag far_of;	      /* the key, mapping and limit that they are good for */
	struct ring_known ring_in[RING_KNOWN], ring_out[RING_KNOWN];
	bool ring_noted; /* something is in them */
	u32 tags;	 /* given out */
	u64 tag;	 /* what lookup_tag is while nothing is pending */
	/*
	 * mixed.c: pages that were written to while they held code. Strike 16, and code and data
	 * mix: its blocks verify themselves, and its writes are not caught any more. Forgotten when
	 * the cache is full.
	 */
	struct {
		gpa_t page;
		u32 strikes;
		u64 last; /* by the count of stays of C */
	} data_page[256];
	struct write_note write_note[256];
	struct patch_note patch_note[256];
	bool avx2;	      /* the guest's CPUID has it */
	bool failed;	      /* recomp_fail() was called: the dispatcher comes out */
	bool left_by_iret;    /* translated code was, and nothing happened since */
	bool entered_handler; /* the last hard instruction was a software interrupt */
	/* Looked at as one by recomp_stubs.c. */
	bool code_changed; /* a block was dropped: the running one must leave soon */
	bool flush_wanted;
	bool device_wrote; /* a store is done behind which the block must be left */
	bool unfinished;   /* the last step did nothing: it is to be done again */
	bool passes;	   /* recomp_stop.h: the instruction at `passed` is not to be asked again */
	gla_t passed;	   /* that was asked about last */
	u32 calls_seen;	   /* what cpu->device_calls was when C looked last */
	bool step_slow, slow_next; /* the next instruction's memory goes through C */
	struct slow_note slow[512][4];
	u32 fence[FENCE_NOTES];	     /* who met the fence: linear address + 1 (fence.c), */
	u8 fence_level[FENCE_NOTES]; /* and how often: 1 or 2 */
	u32 plain_loop[LOOP_NOTES];  /* the same of loops that are not worth a call (loop.c) */
	/* A bit for the linear pages of those that are translated so. */
	u64 slow_pages[16];
	u32 edge;     /* by which translated code came to the dispatcher, or SLOT_NONE */
	u32 edge_key; /* the mode in which translated code came to the dispatcher */
	u32 held;     /* EIP of the last instruction that block_hold_events() marked */
	bool direct;  /* the code found last may be found from other pages without asking */
	struct mode_inputs mode_of; /* what mode was computed from, with mode_seg */
	struct mode_known mode_known[MODES_KNOWN];
	u32 mode;
	enum cpu_result pending; /* what translated code was left with */
	u64 go_on;		 /* where it goes on instead (recomp_go_on()) */
	enum recomp_exit exit;	 /* what recomp_run() is left with */
	u8 buffer[EMIT_BUFFER] __attribute__((aligned(8)));
	struct trans trans;
	struct recomp_stats stats;
	/* stubs, as executed */
	u64 loaded[16]; /* the last instructions of the stubs that load R_POLL */
	unsigned loads;
	u64 segment_stubs; /* where the stubs that load segments begin, the last ones */
	u64 enter, leave_dispatch, leave_edge, leave_trap, call_hard, call_iret, call_segment,
		call_slow_read, call_slow_write, call_slow_store, call_stop, call_loop;
	u64 call_device_read, call_device_write, call_device_store; /* the address in R8 */
	u64 load_segment[2][SEG_COUNT]; /* from R8; [1]: which was popped */
	u64 reload[2];			/* ES and DS from R8, and what ESP moves by in R11 */
	u64 go_far;
	/* The ways into and out of CPL 0, and where each goes on (stub_ring.h). */
	u64 ring_enter, ring_leave[RING_LEAVES];
	u64 ring_tail_in[RING_KINDS_IN], ring_tail_out[RING_LEAVES][RING_KINDS_OUT];
	struct look_up_code look_up_code[2]; /* [1]: by EIPs of 16 bits */
};

/* Does translated code call this for a change of ring (emu/trans/stub_ring.h)? */
static inline bool recomp_is_ring_stub(const struct recomp *r, u64 at)
{
	for (unsigned i = 0; i < RING_LEAVES; i++)
		if (at == r->ring_leave[i])
			return true;
	return at == r->ring_enter;
}

/* The address beside the poll's that tells an access through FS or GS where that is not usable. */
static inline const u32 *recomp_thread_trap(const struct recomp *r)
{
	return (const u32 *)(const void *)(r->cfg.poll_signal + 64);
}
