/* SPDX-License-Identifier: MIT */
/* Unicorn's registers by our numbers, and what its interface does not show. */
#pragma once

#include <unicorn/unicorn.h>

#include "kernel/base/types.h"

extern const int unicorn_gpr[8], unicorn_seg[6];
void unicorn_set(uc_engine *uc, int id, u32 v);
u32 unicorn_get(uc_engine *uc, int id);

/* Once, before the next. False: this Unicorn does not keep error codes where they can be found. */
bool unicorn_error_find(void);
/* Of the exception that stopped the engine. */
u32 unicorn_error_code(uc_engine *uc);
