/* SPDX-License-Identifier: MIT */
/*
 * The step of start-up that makes memory usable.
 */
#pragma once

/* From the boot map to the page allocator, the direct map and the final page tables. Refuses a
 * machine with too little memory. */
void memory_init(void);
