/* SPDX-License-Identifier: MIT */
/*
 * Instructions of the real CPU that C has no words for, and what this CPU can do.
 */
#pragma once

#include "kernel/base/types.h"
#include "kernel/hw/x86.h"

struct cpu_features {
	bool nx, smep, smap, umip, pge, pcid, xsave, fxsr, sse2, tsc_invariant, cpuid_faulting,
		huge1g, ibpb, verw, arch_capabilities;
	bool vendor_amd;
	u64 xcr0_supported;
	u32 xsave_size;
	unsigned phys_bits;
	char brand[49];
};
extern struct cpu_features cpu_features; /* of the boot CPU; written once at start-up */
/* Detects, and puts the control registers and MSRs of this CPU into the state that the monitor runs
 * in. */
void cpu_features_init(void);

static inline u8 inb(u16 p)
{
	u8 v;
	__asm__ volatile("inb %1,%0" : "=a"(v) : "Nd"(p));
	return v;
}
static inline u16 inw(u16 p)
{
	u16 v;
	__asm__ volatile("inw %1,%0" : "=a"(v) : "Nd"(p));
	return v;
}
static inline u32 inl(u16 p)
{
	u32 v;
	__asm__ volatile("inl %1,%0" : "=a"(v) : "Nd"(p));
	return v;
}
static inline void outb(u16 p, u8 v)
{
	__asm__ volatile("outb %0,%1" ::"a"(v), "Nd"(p));
}
static inline void outw(u16 p, u16 v)
{
	__asm__ volatile("outw %0,%1" ::"a"(v), "Nd"(p));
}
static inline void outl(u16 p, u32 v)
{
	__asm__ volatile("outl %0,%1" ::"a"(v), "Nd"(p));
}

static inline u64 read_cr0(void)
{
	u64 v;
	__asm__ volatile("mov %%cr0,%0" : "=r"(v));
	return v;
}
static inline u64 read_dr6(void)
{
	u64 v;
	__asm__ volatile("mov %%dr6,%0" : "=r"(v));
	return v;
}
static inline void write_dr6(u64 v)
{
	__asm__ volatile("mov %0,%%dr6" : : "r"(v));
}
#define write_dr(n, v) __asm__ volatile("mov %0, %%dr" #n ::"r"((u64)(v)))
static inline u64 read_cr2(void)
{
	u64 v;
	__asm__ volatile("mov %%cr2,%0" : "=r"(v));
	return v;
}
static inline u64 read_cr3(void)
{
	u64 v;
	__asm__ volatile("mov %%cr3,%0" : "=r"(v));
	return v;
}
static inline u64 read_cr4(void)
{
	u64 v;
	__asm__ volatile("mov %%cr4,%0" : "=r"(v));
	return v;
}
static inline void write_cr0(u64 v)
{
	__asm__ volatile("mov %0,%%cr0" ::"r"(v) : "memory");
}
static inline void write_cr3(u64 v)
{
	__asm__ volatile("mov %0,%%cr3" ::"r"(v) : "memory");
}
static inline void write_cr4(u64 v)
{
	__asm__ volatile("mov %0,%%cr4" ::"r"(v) : "memory");
}
static inline void invlpg(u64 va)
{
	__asm__ volatile("invlpg (%0)" ::"r"(va) : "memory");
}
static inline u64 rdtsc(void)
{
	u32 a, d;
	__asm__ volatile("rdtsc" : "=a"(a), "=d"(d));
	return (u64)d << 32 | a;
}
static inline u64 rdmsr(u32 i)
{
	u32 a, d;

	__asm__ volatile("rdmsr" : "=a"(a), "=d"(d) : "c"(i));
	return (u64)d << 32 | a;
}
static inline void wrmsr(u32 i, u64 v)
{
	__asm__ volatile("wrmsr" ::"c"(i), "a"((u32)v), "d"((u32)(v >> 32)));
}
static inline void cpu_id(u32 leaf, u32 sub, u32 out[4])
{
	__asm__ volatile("cpuid"
			 : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
			 : "a"(leaf), "c"(sub));
}
static inline void irq_enable(void)
{
	__asm__ volatile("sti" ::: "memory");
}
static inline void irq_disable(void)
{
	__asm__ volatile("cli" ::: "memory");
}
/* For a stretch without interrupts in code that may run with them on or off: returns what
 * irq_restore() takes. */
static inline u64 irq_save(void)
{
	u64 flags;

	__asm__ volatile("pushfq; pop %0; cli" : "=r"(flags)::"memory");
	return flags;
}
static inline void irq_restore(u64 flags)
{
	if (flags & EFLAGS_IF)
		irq_enable();
}
/* Enables interrupts and halts in one step: an interrupt in between is not missed. Returns with
 * interrupts off. */
static inline void irq_wait(void)
{
	__asm__ volatile("sti; hlt; cli" ::: "memory");
}
static inline void cpu_relax(void)
{
	__asm__ volatile("pause");
}
