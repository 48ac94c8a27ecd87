/* SPDX-License-Identifier: MIT */
/*
 * What is where in each GDT that a processor loads. A GDT is always the full 64 KiB; the monitor's
 * entries are the last six:
 *
 *     FFD0h  the guest's shadow LDT (16 bytes)   FFE0h  TSS (16 bytes)
 *     FFF0h  CS, 64-bit, DPL 0                   FFF8h  data, DPL 0
 *
 * Everything below belongs to the guest's shadow (vmm/mmu/shadow_desc.c).
 */
#pragma once

#define GDT_SIZE   65536u
#define SEL_LDT	   0xffd0u
#define SEL_TSS	   0xffe0u
#define SEL_CODE64 0xfff0u
#define SEL_DATA64 0xfff8u
