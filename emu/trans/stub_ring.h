/* SPDX-License-Identifier: MIT */
/*
 * Changes of ring that C did before are done again without C: INT of V86 mode and of protected mode
 * at CPL 3, what traps in V86 mode below IOPL 3, and IRET of protected mode.
 *
 *   stub_ring_in.c    the way in: r->ring_enter
 *   stub_ring_out.c   the way out: r->ring_leave
 *   ring_known.c      what C did is noted (struct ring_known) and forgotten
 *
 * A change is the same again while what it depends on is the same. The tag stands for mode key,
 * mapping and CS. The tables are where they were (table_moves), and their bytes are compared. All
 * else that it depends on makes the stubs forget (stub_ring_forget()). Changes are noted only
 * without paging, where one view serves all levels and no other engine wants to run the guest.
 */
#pragma once

#include "emu/block/recomp_internal.h"

/*
 * Called as the stubs of C are, with the site in R9, which they hand on where C has to do it. R8:
 * the vector; R11: the EIP that the handler finds.
 */
void stub_ring_emit_in(struct emit *e, struct recomp *r);
/* Called with the site in R9. r->ring_leave[by enum ring_stub]. */
void stub_ring_emit_out(struct emit *e, struct recomp *r);

/*
 * Which stub knows IRET with words of this size in this mode, on a stack that is flat or has 64 KiB
 * and 16-bit addresses. RING_LEAVES: none.
 *
 *   2         1      0
 *   CPL 3   flat   words of 4 bytes
 */
static inline unsigned stub_ring_leave_of(u32 key, unsigned size)
{
	unsigned class = key >> KEY_SEG(SEG_SS) & 3;
	bool flat = (key & KEY_B) && class == CLASS_FLAT;
	bool narrow = !(key & KEY_B) && class == CLASS_64K;

	if ((key & (KEY_PE | KEY_VM | KEY_TF | KEY_SLOW)) != KEY_PE || !(flat || narrow))
		return RING_LEAVES;
	return (size == 4 ? 1u : 0) | (flat ? 2u : 0) | (key & KEY_CPL3 ? 4u : 0);
}

/* What C is about to change, for the notes. leave: the stub that it is done for. */
struct ring_before {
	u64 from;
	u8 cpl;
	bool v86;
	u32 iopl;
	unsigned leave;
};

/* How a handler's frame looks: words of this size, of V86 mode, with an error code. */
unsigned stub_ring_kind_in(unsigned size, bool v86, bool error);

/* C has delivered a vector by a way of ring_change_other.c, r->mode and r->tag are what came of it.
 * error: an error code of 0 is on the stack. */
void stub_ring_note_in(struct recomp *r, const struct ring_before *was, u8 vector, bool error);
/* The same of an IRET with words of size bytes. */
void stub_ring_note_out(struct recomp *r, const struct ring_before *was, unsigned size);
/* The processor's mode bits, the mapping or the debugger's wishes have changed. */
void stub_ring_forget(struct recomp *r);
