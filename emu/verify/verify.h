/* SPDX-License-Identifier: MIT */
/*
 * The confinement verifier: proves from the emitted bytes alone that a block of translated code can
 * only do what translated code may. It does not trust the translator; it trusts the stubs, the C
 * code, and that slots and look-up entries hold addresses of entries (C alone writes them).
 *
 * What is proven of every block, whichever of its instructions it is entered at:
 *   1. Memory: each access is a guest address of 32 bits (67h; GS with that memory base), or a
 *      field of struct cpu that the table in verify_operand.c names for reading or writing, or one
 *      of: an entry of the look-up table (read), the poll byte (read), the byte at [rsp + 8], its
 *      own slots (as jump targets).
 *   2. Registers: RSP, R13 (poll), R14 (table), R15 (struct cpu) are never written.
 *   3. Instructions: only classes on a whitelist, none of which touches a segment register, IF or
 *      another system flag, the stack, a port, or a control register.
 *   4. Control: jumps lead to instructions of the block, to its slots, to the stubs (with a site of
 *      the block's, or a registered edge), or through a look-up entry whose tag was compared; none
 *      falls off the end.
 */
#pragma once

#include "emu/block/recomp_internal.h"

struct verify_fault {
	u32 offset; /* in the block's code */
	const char *why;
};

/* What a recompiler's proofs are made in (struct recomp's proof; mem_free() ends it), or NULL. */
struct pass *verify_create(void);

/* Proves code[0 .. b->code_len), which will be executed at b's place in the cache. False: *fault
 * says why not. */
bool verify_block(const struct recomp *r, const struct block *b, const u8 *code,
		  struct verify_fault *fault);
