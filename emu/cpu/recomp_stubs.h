/* SPDX-License-Identifier: MIT */
#pragma once

#include "emu/cpu/recomp_internal.h"

/* Writes the stubs into the first page of the cache and notes their addresses. */
void recomp_emit_stubs(struct recomp *r, const void *hard, const void *slow_read,
		       const void *slow_write);
