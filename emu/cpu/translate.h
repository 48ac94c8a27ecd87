/* SPDX-License-Identifier: MIT */
#pragma once

#include "emu/cpu/emit.h"

/* Translates the block at cpu->eip in mode key. NULL: cpu->fault holds a fetch fault at the very
 * first byte. With flush_wanted set the block is not whole. */
struct block *translate_block(struct trans *t, struct recomp *r, u32 key);

/* The parts: each returns true if it dealt with the instruction. */
bool translate_hard(struct trans *t);	 /* classify.c: what C executes */
bool translate_control(struct trans *t); /* trans_control.c */
bool translate_stack(struct trans *t);	 /* trans_stack.c */
bool translate_flags(struct trans *t);	 /* trans_flags.c: CLI STI CLD STD PUSHF POPF */
bool translate_string(struct trans *t);	 /* trans_stack.c */
void translate_copy(struct trans *t);	 /* trans_copy.c: the rest */

/* The stack is flat with 32-bit addresses, and its memory is no device. */
bool trans_stack_flat(const struct trans *t);
unsigned trans_seg_class(const struct trans *t, unsigned seg);
unsigned trans_host_reg(unsigned guest);
/* Zydis register to guest number 0..7 (0..3 for byte registers' family), or -1. */
int trans_gpr(ZydisRegister reg);
bool trans_is_high8(ZydisRegister reg);
int trans_mem_operand(const struct trans *t); /* index of the explicit memory operand or -1 */
unsigned trans_seg(ZydisRegister reg);
/* The operand's segment needs C to check it. */
bool trans_mem_checked(const struct trans *t, const ZydisDecodedOperand *op);
/* Computes the address of a memory operand; clobbers R8 and R9 only. */
/* Without the segment's base (LEA). */
struct hmem trans_address_noseg(struct trans *t, const ZydisDecodedOperand *op);
struct hmem trans_address(struct trans *t, const ZydisDecodedOperand *op);
/* A site for C; op: enum insn_op. */
struct site *trans_site(struct trans *t, unsigned op);
/* Calls a stub with the site; the instruction's operation in C. ends: nothing follows. */
void trans_call_site(struct trans *t, const struct site *s, u64 stub);
void trans_call_hard(struct trans *t, struct site *s, bool ends);
/* Jumps to a known EIP: inside the block, or out of it by an edge. */
void trans_jump(struct trans *t, u32 target);
/* The way out of the block to a known EIP. */
void trans_edge(struct trans *t, u32 target);
/* Ends the block with a jump to the EIP in R8. */
void trans_jump_r8(struct trans *t);
/* Leaves for the dispatcher at a known EIP. */
void trans_leave(struct trans *t, u32 eip);
