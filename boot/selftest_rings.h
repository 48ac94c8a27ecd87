/* SPDX-License-Identifier: MIT */
/*
 * The self test of the traps that guest code in rings 1 and 3 can cause.
 */
#pragma once

/* selftest=rings: compatibility-mode code in rings 1 and 3, and what becomes of its traps; the
 * FPU's images. */
void selftest_rings(void);
