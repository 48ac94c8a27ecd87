/* SPDX-License-Identifier: MIT */
/*
 * Integer types and the five kinds of address. A guest address is always an integer, never a
 * pointer: the low 8 GiB of the monitor's address space belong to the guest, so a guest address
 * that is dereferenced by mistake would not fault.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

typedef u32 gva_t;	 /* guest virtual: an offset in a segment */
typedef u32 gla_t;	 /* guest linear: segment base + offset, wraps at 4 GiB */
typedef u64 gpa_t;	 /* guest physical, after A20 */
typedef u64 hpa_t;	 /* machine physical */
typedef uintptr_t hva_t; /* monitor virtual, where a pointer's type would say nothing */

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096u
#define PAGE_MASK  (~(u64)(PAGE_SIZE - 1))

#define KiB (1024ull)
#define MiB (1024ull * KiB)
#define GiB (1024ull * MiB)

#define ARRAY_SIZE(a)	      (sizeof(a) / sizeof((a)[0]))
#define ALIGN_UP(x, a)	      (((x) + (a)-1) & ~((a)-1))
#define ALIGN_DOWN(x, a)      ((x) & ~((a)-1))
#define BIT(n)		      (1u << (n))
#define BIT64(n)	      (1ull << (n))
#define container_of(p, t, m) ((t *)(void *)((char *)(p)-offsetof(t, m)))

/* Each argument is evaluated once. The result's type is that of a < b ? a : b. */
#define MIN(a, b)	      PICK(a, <, b, __COUNTER__)
#define MAX(a, b)	      PICK(a, >, b, __COUNTER__)
#define PICK(a, better, b, n) PICK_NAMED(a, better, b, n)
#define PICK_NAMED(a, better, b, n)                 \
	({                                          \
		__auto_type a_##n = (a);            \
		__auto_type b_##n = (b);            \
		a_##n better b_##n ? a_##n : b_##n; \
	})
