/* SPDX-License-Identifier: MIT */
/*
 * What this processor has of chance: RDSEED, else RDRAND, else nothing; and always how long some of
 * its instructions took. It is a seed for a generator (kernel/lib/drbg.h), not what is handed out.
 */
#pragma once

#include "kernel/base/types.h"

#define ENTROPY_SEED 64u /* bytes */

/* Takes about 100 microseconds. */
void entropy_gather(u8 seed[ENTROPY_SEED]);
