/* SPDX-License-Identifier: MIT */
/*
 * What the tests of debug exceptions share: breakpoints armed, and a #DB looked at.
 */
#pragma once

#include "tests/unit/guest_fixture.h"

#define RW(n, rw, len) ((u32)(rw) << (16 + 4 * (n)) | (u32)(len) << (18 + 4 * (n)))
#define L(n)	       (1u << (2 * (n)))
#define G(n)	       (2u << (2 * (n)))
enum { X, W, IO, RWD };		    /* R/W field */
enum { LEN1, LEN2, LEN8, LEN4 };    /* LEN field */
#define NO_SIDE_EFFECTS 0xffff0ff0u /* DR6 with no bit set */

static void arm(unsigned n, u32 address, u32 dr7)
{
	m.cpu.dr[n] = address;
	m.cpu.dr[7] |= 0x400 | dr7;
	cpu_debug_changed(&m.cpu);
}

/* A #DB with these bits in DR6 before or after the instruction at eip; EIP, CS and EFLAGS in its
 * frame. */
#define assert_debug(bits, eip, rf)                                      \
	do {                                                             \
		assert_int_equal(guest_run(), VEC_DB);                   \
		assert_int_equal(m.cpu.dr[6], NO_SIDE_EFFECTS | (bits)); \
		assert_int_equal(frame(0), (eip));                       \
		assert_int_equal(frame(2) & EFLAGS_RF, (rf));            \
	} while (0)
