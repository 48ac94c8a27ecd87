/* SPDX-License-Identifier: MIT */
/*
 * System registers that programs see through: the time-stamp counter and who may read it, CR4.PCE,
 * the x87 pointers over everything that may come between an instruction and FNSTENV.
 *
 * Expected: as on a bare machine. What CPUID says of a hypervisor is printed but not compared,
 * since bare QEMU is one.
 */
#include "lib/testguest.h"

#define MSR_TSC	  0x10u
#define CR4_TSD	  BIT(2)
#define CR4_PCE	  BIT(8)
#define TSC_UPPER 0x123u
#define FRESH	  0x40000000u
#define NOTHING	  0xd0000000u /* no memory and no device: reads are executed by the accessors */

const char guest_name[] = "sysregs";

static u64 rdtsc(void)
{
	u32 lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}

static u32 write_tsc(u32 upper)
{
	__asm__ volatile("wrmsr" ::"a"(0), "d"(upper), "c"(MSR_TSC));
	return 0;
}

static u32 read_tsc_upper(u32 unused)
{
	u32 lo, hi;

	(void)unused;
	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(MSR_TSC));
	return hi;
}

static u32 change_cr4(u32 bits)
{
	u32 v;

	__asm__ volatile("mov %%cr4, %0; xor %1, %0; mov %0, %%cr4; mov %%cr4, %0"
			 : "=&r"(v)
			 : "r"(bits));
	return v & bits;
}

static void do_rdtsc(u32 unused)
{
	(void)unused;
	rdtsc();
}

static void time_stamps(void)
{
	bool bare = cmdline_number("bare", 0); /* TCG ignores the write */
	u64 a, b;
	int vector;

	call_ring0(write_tsc, TSC_UPPER);
	a = rdtsc();
	b = rdtsc();
	check(bare || (a >> 32 == TSC_UPPER && b > a), "RDTSC goes on from what WRMSR wrote");
	check(bare || call_ring0(read_tsc_upper, 0) == TSC_UPPER, "RDMSR, too");
	call_ring0(change_cr4, CR4_TSD);
	vector = attempt(do_rdtsc, 0);
	check(vector == (guest_ring ? 13 : -1), "CR4.TSD: #GP outside ring 0");
	call_ring0(change_cr4, CR4_TSD);
	check(bare || rdtsc() >> 32 == TSC_UPPER, "and no more without it");
	call_ring0(write_tsc, 0);
	check(rdtsc() >> 32 == 0, "written again");
	check(call_ring0(change_cr4, CR4_PCE) == CR4_PCE && call_ring0(change_cr4, CR4_PCE) == 0,
	      "CR4.PCE can be set");
}

/* --- The x87 pointers: EIP of the last instruction, and of its operand. --- */

struct environment {
	u32 control, status, tags, eip, cs, operand, ds;
} __attribute__((packed));

static struct environment env;
static const u32 one[2] = { 1, 1 };

extern const u8 x87_load[], x87_after[], x87_fresh[];

/*
 * Once in TRIES at least it must be exact. TCG neither saves nor loads FIP with an image, so that
 * another machine's turn in between leaves 0; never anything else.
 */
#define TRIES 50u

static u32 exact, wrong;

static void judge(const u8 *eip, u32 operand)
{
	bool good = env.eip == (u32)eip && env.operand == operand;

	exact += good;
	wrong += !good && env.eip;
	if (!good && env.eip && wrong == 1)
		print("  eip %x for %x, operand %x for %x\r\n", env.eip, (u32)eip, env.operand,
		      operand);
}

static void verdict(const char *what)
{
	check(exact && !wrong, what);
	exact = wrong = 0;
}

static void pointers(void)
{
	static const u32 *operand = one;

	for (u32 i = 0; i < TRIES; i++) {
		__asm__ volatile("fninit\n\t"
				 "x87_load: fildl (%0)\n\t"
				 "fnstenv %1; fninit"
				 :
				 : "r"(operand), "m"(env)
				 : "memory");
		judge(x87_load, (u32)operand);
	}
	verdict("FNSTENV: EIP and operand of FILD");
	for (u32 i = 0; i < TRIES; i++) {
		u32 call = (u32)read_tsc_upper, arg = 0;

		__asm__ volatile("x87_after: fildl (%2)\n\t"
				 "int $0x80\n\t"
				 "fnstenv %3; fninit"
				 : "+a"(call), "+d"(arg)
				 : "r"(operand), "m"(env)
				 : "ecx", "memory");
		judge(x87_after, (u32)operand);
	}
	verdict("and behind an interrupt");
}

/* Memory that is none makes the load itself the recompiler's, and what follows raw code's. */
static void pointers_of_slow_loads(void)
{
	for (u32 i = 0; i < TRIES; i++) {
		u32 call = (u32)read_tsc_upper, arg = 0;

		__asm__ volatile("x87_fresh: fildl (%2)\n\t"
				 "int $0x80\n\t"
				 "fnstenv %3; fninit"
				 : "+a"(call), "+d"(arg)
				 : "r"(FRESH), "m"(env)
				 : "ecx", "memory");
		exact += env.eip == (u32)x87_fresh;
		wrong += env.eip && env.eip != (u32)x87_fresh;
	}
	print("  of a load from nowhere: %u times exact\r\n", exact);
	check(!wrong, "FNSTENV behind a load from nowhere: nobody else's EIP");
}

static u32 map_nothing(u32 unused)
{
	map(FRESH, NOTHING, PTE_P | PTE_W | PTE_U);
	return unused;
}

static u32 show_cpuid(u32 leaf)
{
	u32 a = leaf, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	print("  cpuid %x: %x %x %x %x\r\n", leaf, a, b, c, d);
	return c;
}

void guest_main(void)
{
	call_ring0(show_cpuid, 1);
	call_ring0(show_cpuid, 0x40000000);
	call_ring0(show_cpuid, 0x80000001);
	call_ring0(map_nothing, 0);
	time_stamps();
	pointers();
	pointers_of_slow_loads();
}
