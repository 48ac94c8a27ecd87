/* SPDX-License-Identifier: MIT */
/*
 * Instructions that may fault, tried: arch/trap/trap.c goes on at the landing of the table
 * `.fixups`.
 */
#pragma once

#include "kernel/base/error.h"
#include "kernel/base/types.h"

/* Behind an instruction at label 1: `failed` becomes 0, or stays where the instruction faults. */
#define TRAP_LANDING                           \
	"; xor %k[failed], %k[failed]; 2:\n\t" \
	".pushsection .fixups,\"a\"; .quad 1b, 2b; .popsection"

/*
 * Executes one instruction and returns 0, or E_FAULT if it faults: for what a guest's state goes
 * into, or what a machine may not have. Of the list of such instructions in docs/panics.md.
 */
#define TRAP_TRY(instruction, ...)                              \
	({                                                      \
		int failed_ = E_FAULT;                          \
		__asm__ volatile("1: " instruction TRAP_LANDING \
				 : [failed] "+r"(failed_)       \
				 : __VA_ARGS__                  \
				 : "cc", "memory");             \
		failed_;                                        \
	})

/* For MSRs that the processor may not have: 0, or E_FAULT where the access raised #GP. */
int rdmsr_safe(u32 index, u64 *value);
int wrmsr_safe(u32 index, u64 value);
/* A byte of memory that may not be mapped, or not writable. */
int read_u8_safe(hva_t at, u8 *value);
int write_u8_safe(hva_t at, u8 value);
