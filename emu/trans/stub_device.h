/* SPDX-License-Identifier: MIT */
/*
 * The stubs by which translated code calls a device's function for a memory operand.
 */
#pragma once

#include "emu/trans/emit.h"

/*
 * Emits one. It is called with the site in R9 and the operand's linear address in R8; the operand,
 * of 1, 2 or 4 bytes, is in cpu->scratch, or comes there. What is no device's, or not so plain, is
 * left to the stub long_way, which is called with a site, too.
 */
u64 stub_device_emit(struct emit *e, struct recomp *r, bool writes, u64 long_way);
