/* SPDX-License-Identifier: MIT */
/*
 * What a bus master does to guest memory. It reaches RAM, and ROM for reading, below the
 * processor's own reach; what it points at device memory or at nothing is lost, and reads as ones
 * there. All who watch a page see it written, since bytes go through gpmem.
 */
#pragma once

#include "emu/mem/gpmem.h"

void ram_dma_read(struct gpmem *m, u64 at, void *buf, u32 n);
void ram_dma_write(struct gpmem *m, u64 at, const void *buf, u32 n);
/* Is all of [at, at + n) RAM? n 0: of course. */
bool ram_dma_covers(struct gpmem *m, u64 at, u64 n);
