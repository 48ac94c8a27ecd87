/* SPDX-License-Identifier: MIT */
/* The error code of the exception that stopped a Unicorn engine, which its interface does not show.
 */
#pragma once

#include <unicorn/unicorn.h>

#include "kernel/base/types.h"

/* Once, before the other. False: this Unicorn does not keep it where it can be found. */
bool unicorn_error_find(void);
u32 unicorn_error_code(uc_engine *uc);
