/* SPDX-License-Identifier: MIT */
/*
 * Inside the translation of one block: the parts, which translate.c asks in their order, and what
 * they share.
 */
#pragma once

#include "emu/isa/isa.h"
#include "emu/trans/emit.h"
#include "emu/trans/emit_insn.h"

/* trans_fast.c: the common instructions of flat 32-bit code, without the decoder. True: done. */
bool translate_fast(struct trans *t);
/* The parts: each returns true if it dealt with the instruction. */
bool translate_fpu_gate(struct trans *t); /* trans_fpu.c: #NM and #UD instead of x87, MMX, SSE */
bool translate_hard(struct trans *t);	  /* classify.c: what C executes */
bool trans_model_lacks(const struct trans *t);	/* trans_model.c: #UD on the guest's processor */
bool trans_model_is_old(const struct trans *t); /* a Pentium: not all that trans_fast.c knows */
bool translate_control(struct trans *t);	/* trans_control.c */
bool translate_stack(struct trans *t);		/* trans_stack.c */
bool translate_frame(struct trans *t);		/* trans_frame.c: PUSHA POPA LEAVE */
bool translate_flags(struct trans *t);		/* trans_flags.c: CLI STI CLD STD PUSHF POPF */
bool translate_int(struct trans *t);		/* trans_int.c: INT and IRET of real mode */
bool translate_string(struct trans *t);		/* trans_string.c */
void translate_copy(struct trans *t);		/* trans_copy.c: the rest */

/* The stack is flat with 32-bit addresses, and its memory is no device. */
bool trans_stack_flat(const struct trans *t);
/* The stack has 16-bit addresses that translated code can form. */
bool trans_stack_16(const struct trans *t);
/* It is not flat, or has 16-bit addresses, and translated code can form its addresses. */
bool trans_stack_based(const struct trans *t);
unsigned trans_seg_class(const struct trans *t, unsigned seg);
/* Its accesses are checked by C; a look at its limit is enough. */
bool trans_seg_in_c(const struct trans *t, unsigned seg);
bool trans_seg_limited(const struct trans *t, unsigned seg);
unsigned trans_host_reg(unsigned guest);
/* Zydis register to guest number 0..7 (0..3 for byte registers' family), or -1. */
int trans_gpr(ZydisRegister reg);
bool trans_is_high8(ZydisRegister reg);
int trans_mem_operand(const struct trans *t); /* index of the explicit memory operand or -1 */
unsigned trans_seg(ZydisRegister reg);
/* ModRM, which names memory, SIB and displacement with 32-bit addresses (SDM 2A, tables 2-2 and
 * 2-3), as host registers; returns what is behind them. */
const u8 *trans_take_mem(const u8 *p, struct hmem *m);
/* The operand's segment needs C to check it. */
bool trans_mem_checked(const struct trans *t, const ZydisDecodedOperand *op);
/* How many bytes of a memory operand are accessed. */
unsigned trans_mem_bytes(const struct trans *t, const ZydisDecodedOperand *op);
/* Computes the address of a memory operand; clobbers R8, R9 and R11 only. */
/* Without the segment's base (LEA). */
struct hmem trans_address_noseg(struct trans *t, const ZydisDecodedOperand *op);
struct hmem trans_address(struct trans *t, const ZydisDecodedOperand *op);
/*
 * The mark of x87 code (trans_fpu.c): set it in front of this instruction, unless it is set
 * already. A way from a jump with this `marked` comes to the next instruction. May a jump from here
 * lead to an earlier instruction of the block?
 */
void trans_x87_mark(struct trans *t);
void trans_x87_join(struct trans *t, unsigned marked);
bool trans_x87_jump_back(struct trans *t, const struct insn_map *to);
/*
 * trans_known.c. Before the first instruction of a block. If it has such segments (t->knows): in
 * front of each, and behind the last; whenever nothing is known.
 */
void trans_known_begin(struct trans *t);
void trans_known_next(struct trans *t);
void trans_known_end(struct trans *t);
static inline void trans_known_forget(struct trans *t)
{
	t->known.any = false;
}
/* The instruction being translated changes nothing of what is known but what is said below; it uses
 * R10 and R11 for bases only. */
void trans_known_keep(struct trans *t);
/* Are all bytes at guest's register, all of it, plus low to high within 64 KiB? Looks at the fence
 * if that is not known; R9 is used. False: the caller has to look. */
bool trans_known_inside(struct trans *t, unsigned guest, s32 low, s32 high);
/* The upper half of guest's register is 0. */
bool trans_known_whole(struct trans *t, unsigned guest);
/* The host register with a segment's base; or -1, and the caller has to load it. The base of a
 * segment other than SS is in R10 now. */
int trans_known_base(struct trans *t, unsigned seg);
void trans_known_loaded(struct trans *t, unsigned seg);
/* What becomes of guest's register: so many bits are written; it gets 16 bits or fewer with zeroes
 * above; a number is added to its lower half; the lower half or all of another one. */
void trans_known_written(struct trans *t, unsigned guest, unsigned bits);
void trans_known_extended(struct trans *t, unsigned guest);
void trans_known_moved(struct trans *t, unsigned guest, s32 by);
void trans_known_copied(struct trans *t, unsigned to, unsigned from, unsigned bits);
/* If it has such segments: a jump forward begins here, and gets the next fixup; that one becomes
 * another one; it arrives. May one lead back to the block's instruction `to`? */
void trans_known_leave(struct trans *t);
void trans_known_move(struct trans *t, unsigned to, unsigned fixup);
void trans_known_join(struct trans *t, unsigned fixup);
bool trans_known_jump_back(struct trans *t, unsigned to);
/* trans_effect.c: before the copy of an instruction, and behind it with what the first returned. */
unsigned trans_effect_begin(struct trans *t);
void trans_effect_end(struct trans *t, unsigned effect);
/* A site for C; op: enum insn_op. */
struct site *trans_site(struct trans *t, unsigned op);
/* Calls a stub with the site; the instruction's operation in C. ends: nothing follows. */
void trans_call_site(struct trans *t, const struct site *s, u64 stub);
void trans_call_hard(struct trans *t, struct site *s, bool ends);
/* Asks whether the debugger stops in front of this instruction. */
void trans_stop(struct trans *t);
/*
 * A memory operand that is probably a device's, from or to cpu->scratch by a stub of stub_device.c.
 * m: its address; R8 is used. A write goes where the read before it was.
 */
bool trans_may_be_device(const struct trans *t, unsigned bytes);
void trans_device_read(struct trans *t, struct site *s, struct hmem m);
void trans_device_write(struct trans *t, const struct site *s);
void trans_device_store(struct trans *t, struct site *s, struct hmem m);
/*
 * Backward jumps and REP poll before they change anything: a poll that traps runs the whole
 * instruction again. Flag-free: movzx r9d, byte [r13].
 */
void trans_poll(struct trans *t);
/* Jumps to a known EIP: inside the block, or out of it by an edge. */
void trans_jump(struct trans *t, u32 target);
/* The way out of the block to a known EIP. */
void trans_edge(struct trans *t, u32 target);
/* Most instructions are the target of no pending jump: known by this without a look at each. */
static inline u64 trans_fixup_bit(u32 target)
{
	return 1ull << (target % 64);
}
/*
 * A jump to the EIP in R8, of 16 bits if small, by the look-up table, with RCX saved in R10; and
 * one that ends the block.
 */
void trans_emit_look_up(struct emit *e, const struct recomp *r, bool small);
/* Makes what that copies. */
void trans_keep_look_up(struct recomp *r);
void trans_jump_r8(struct trans *t);
/* Leaves for the dispatcher at a known EIP. */
void trans_leave(struct trans *t, u32 eip);
/*
 * trans_loop.c: the jump that is being translated leads back to target, where a counted loop
 * (loop.h) begins. NULL: it is none. In place of a poll and a jump to the block's own code there,
 * at host, its taken path calls C with the loop.
 */
struct loop *trans_counted_loop(struct trans *t, u32 target);
void trans_go_round(struct trans *t, const struct loop *l, u32 host);
/* Near transfers of 32-bit code with a flat stack; next is set. */
void trans_jcc(struct trans *t, unsigned condition, u32 target);
void trans_jmp(struct trans *t, u32 target);
void trans_call(struct trans *t, u32 target);
void trans_call_r8(struct trans *t);
void trans_ret(struct trans *t, u32 release);
/* The block goes on behind a call. */
void trans_note_return(struct trans *t);
/*
 * trans_real.c: in real and V86 mode, a load of seg from a register, memory or the stack; LDS and
 * its like; far transfers. s: the operation in C. False: C does it.
 */
bool trans_real_load(struct trans *t, unsigned seg, bool pop, struct site *s);
bool trans_real_load_pointer(struct trans *t, unsigned seg);
bool trans_real_far(struct trans *t, bool imm);
/* There, with segments of 64 KiB, can an instruction of 16 bits be done without C? And what the
 * stub goes to (stub_real.c), CS:IP in memory. */
bool trans_is_real(const struct trans *t);
#define TRANS_FAR_IP CPU_FIELD(scratch[0])
#define TRANS_FAR_CS CPU_FIELD(scratch[2])
/* R10 = CS:IP of the next instruction. */
void trans_load_return(struct trans *t);
/*
 * trans_flags.c: the image of the flags, where they are virtual, into a register; R8 and R9 are
 * used. An image in R8 is taken in three steps: may it be without C? (Z if so; bits of kept stay as
 * they are; flags and R9 are used); IF; the arithmetic flags, which ends R8.
 */
void trans_flags_image(struct trans *t, unsigned to);
/*
 * STI and loads of SS: with an event pending, C does the instruction, as it may be due behind the
 * next one, which the dispatcher runs alone. Without one there is nothing to do behind it: what
 * comes later arms the poll, and finds the next instruction marked (struct insn_map). Uses R10.
 */
void trans_hold_events(struct trans *t, struct site *s);
void trans_test_image(struct trans *t, u32 kept);
void trans_set_if(struct trans *t);
void trans_set_arith(struct trans *t);
/* PUSH and POP of 32 bits on a flat stack; reg: a host register. */
void trans_push(struct trans *t, unsigned reg, unsigned size);
void trans_pop(struct trans *t, unsigned reg, unsigned size);
/*
 * The fence: leaves for C, which executes the instruction, unless size bytes (1, 2, 4, 8) at reg +
 * disp are within 64 KiB; reg has 32 bits, and disp 16 with a sign. The same for the end of size
 * bytes at offset m, which is in R8 or known. R9 is used.
 */
void trans_fence(struct trans *t, unsigned reg, s32 disp, unsigned size);
/* Is it worth a try to take a guest's register for its lower half, and to let the fence say so? */
bool trans_reg_is_low(const struct trans *t, unsigned guest);
void trans_check_64k(struct trans *t, struct hmem m, unsigned size);
/* Faults as the fence does if the offset in reg, whose upper half is 0, and last more are beyond
 * the segment's limit; R9 is clobbered. */
void trans_limit(struct trans *t, unsigned seg, unsigned reg, s32 last);
/*
 * trans_repeat.c: REP MOVS, STOS, CMPS or SCAS of elements of size bytes, by its operation in C;
 * src is [SI]'s segment. False: not here.
 */
bool trans_repeat(struct trans *t, unsigned op, unsigned size, unsigned src);
/* trans_flags.c: R9 = DF ? -1 : 0, without a flag. */
void trans_load_direction(struct trans *t);
/* Adds a segment's base to an address; R8, R9 are clobbered. */
struct hmem trans_add_base(struct trans *t, struct hmem m, unsigned seg);
/*
 * trans_stack16.c: the same on a stack with a base or 16-bit addresses (trans_stack_based()). What
 * would make SP wrap around, or pass 64 KiB or the limit, is left to C. What is pushed may not be
 * in R8 or R9.
 */
void trans_push16(struct trans *t, unsigned reg, unsigned size);
void trans_push16_imm(struct trans *t, u32 value, unsigned size);
/* Loads the top of the stack, then moves the pointer. reg may be any of the guest's, R8 or R10. */
void trans_pop16(struct trans *t, unsigned reg, unsigned size);
/* The size bytes below SP, which is then to be moved down by them; those from SP on; or those at
 * the offset in R8. */
struct hmem trans_below16(struct trans *t, unsigned size);
struct hmem trans_above16(struct trans *t, unsigned size);
struct hmem trans_stack16_at_r8(struct trans *t, unsigned size);
/* Moves SP by what one of these has looked at; and upwards by anything. */
void trans_move_sp(struct trans *t, s32 by);
/* All of these leave R9 alone behind their look: the base is elsewhere. */
bool trans_stack_known(const struct trans *t);
void trans_release_sp(struct trans *t, u32 by);
/* An instruction with a register and guest memory, with 66h if size is 2. */
void trans_access(struct trans *t, u32 opcode, unsigned reg, unsigned size, struct hmem m);
/* trans_fetch.c: how the block is fetched (ACCESS_*); the bytes at t->eip; the decoder for its
 * mode. */
#define INSN_MAX 15u
unsigned trans_fetch_access(const struct trans *t);
void trans_fetch(struct trans *t);
void trans_set_decoder(struct trans *t);
/* Decodes what was fetched. 0, or what to do instead: bytes are missing, there are more than 15, or
 * it is undefined. */
unsigned trans_decode(struct trans *t);
/*
 * trans_decode.c: the same for frequent instructions, without Zydis, as far as the translator looks
 * at what is decoded. Says who translates it; TRANS_UNKNOWN: it is not here.
 */
enum trans_part { TRANS_UNKNOWN, TRANS_COPY, TRANS_STACK, TRANS_CONTROL, TRANS_HARD, TRANS_ANY };
enum trans_part trans_decode_short(struct trans *t);
/* Fetches and decodes the instruction at t->eip. False: it does not decode. */
bool trans_decode_here(struct trans *t);
/*
 * trans_patched.c: may the decoded instruction take its immediate from cpu->patched? The load of
 * it, of size bytes at imm, for instruction n; and the instruction, if that is so of it.
 */
bool trans_patchable(const struct trans *t);
void trans_load_patched(struct trans *t, unsigned n, gla_t imm, unsigned size);
bool translate_patched(struct trans *t);
static inline bool trans_is_patched(const struct trans *t, unsigned n)
{
	return n < CPU_PATCHED && (t->patched >> n & 1);
}
/* Begins a block that verifies its own bytes (trans_check.c). Returns how many instructions it may
 * have. */
unsigned trans_check(struct trans *t, unsigned most);
