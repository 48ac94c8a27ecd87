/* SPDX-License-Identifier: MIT */
/*
 * What a processor says of itself (`cpu = pentium` and so on), and whether that is true: CPUID, the
 * instructions of each feature, bits of CR4, model-specific registers. With ring=3 the instructions
 * are a program's.
 *
 * Lines that begin with two blanks are not compared with bare QEMU's `-cpu` of the same name: TCG
 * executes instructions, and knows bits and registers, that its models do not have. What they have
 * to be is in tests/boot/test_models.py.
 */
#include "lib/testguest.h"

/* What this virtual CPU leaves out of each model (MCE, MCA, PSE-36), QEMU's TCG does (VME), and the
 * APIC, which is the board's. */
#define NOT_HERE (BIT(1) | BIT(7) | BIT(9) | BIT(14) | BIT(17))
#define OSFXSR	 BIT(9)
#define FXSR	 BIT(24)

const char guest_name[] = "models";

static u8 image[512] __attribute__((aligned(64)));

static void cpuid(u32 leaf, u32 out[4])
{
	__asm__ volatile("cpuid"
			 : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
			 : "a"(leaf), "c"(0));
}

static void identify(void)
{
	u32 id[4], text[4] = { 0 };

	cpuid(0, id);
	text[0] = id[1];
	text[1] = id[3];
	text[2] = id[2];
	print("vendor %s\r\n", (const char *)text);
	print("  leaves %x\r\n", id[0]);
	cpuid(1, id);
	print("family %u, model %u\r\n", id[0] >> 8 & 15, id[0] >> 4 & 15);
	print("features %x, ecx %x\r\n", id[3] & ~NOT_HERE, id[2] & ~BIT(31));
	print("  signature %x, ebx %x, edx %x\r\n", id[0], id[1], id[3]);
	cpuid(2, id);
	print("  leaf 2 %x %x %x %x\r\n", id[0], id[1], id[2], id[3]);
	cpuid(0x80000000, id);
	print("  extended %x\r\n", id[0]);
	for (u32 leaf = 0x80000001; (id[0] >> 16) == 0x8000 && leaf <= 0x80000008; leaf++) {
		cpuid(leaf, id);
		print("  leaf %x: %x %x %x", leaf, id[0], id[1], id[2]);
		print(" %x\r\n", id[3]);
		id[0] = 0x80000000;
	}
}

/* --- Instructions */

#define TRY(name, code)                                                                          \
	static void try_##name(u32 unused)                                                       \
	{                                                                                        \
		__asm__ volatile(code ::"b"(image), "a"(unused) : "ecx", "edx", "memory", "cc"); \
	}

TRY(cmpxchg8b, "cmpxchg8b (%%ebx)")
TRY(rdtsc, "rdtsc")
TRY(mmx, "pxor %%mm0, %%mm0; emms")
TRY(cmov, "cmovc %%ecx, %%edx")
TRY(fcomi, "fninit; fldz; fcomi %%st(0), %%st; fninit")
TRY(fcmov, "fninit; fldz; fcmovb %%st(0), %%st; fninit")
TRY(nopl, ".byte 0x0f, 0x1f, 0x03")
TRY(sysenter, "sysenter")
TRY(fxsave, "fxsave (%%ebx)")
TRY(sse, "xorps %%xmm0, %%xmm0")
TRY(sse_mmx, "pmaxub %%mm0, %%mm0; emms")
TRY(sfence, "sfence")
TRY(sse2, "pxor %%xmm0, %%xmm0")
TRY(sse2_int, "movnti %%ecx, (%%ebx)")
TRY(mfence, "mfence")
TRY(clflush, "clflush (%%ebx)")
TRY(sse3, "haddps %%xmm0, %%xmm0")
TRY(sse3_x87, "fninit; fldz; fisttpl (%%ebx)")
TRY(ssse3, "pshufb %%xmm0, %%xmm0")
TRY(sse41, "pmuldq %%xmm0, %%xmm0")
TRY(crc32, "crc32l %%ecx, %%edx")
TRY(popcnt, "popcnt %%ecx, %%edx")
TRY(movbe, "movbe (%%ebx), %%ecx")
TRY(aes, "aesenc %%xmm0, %%xmm0")
TRY(rdrand, "rdrand %%ecx")
TRY(xgetbv, "xor %%ecx, %%ecx; xgetbv")
TRY(avx, "vxorps %%ymm0, %%ymm0, %%ymm0")
TRY(bmi, "andn %%ecx, %%edx, %%ecx")

/* QEMU's models know, too. */
static const struct {
	const char *name;
	void (*fn)(u32);
	bool compared;
} tries[] = {
	{ "cmpxchg8b", try_cmpxchg8b, true },
	{ "rdtsc", try_rdtsc, true },
	{ "mmx", try_mmx, true },
	{ "cmov", try_cmov, true },
	{ "fcomi", try_fcomi, true },
	{ "fcmov", try_fcmov, true },
	{ "nopl", try_nopl, false },
	{ "sysenter", try_sysenter, false },
	{ "fxsave", try_fxsave, true },
	{ "sse", try_sse, false },
	{ "sse-mmx", try_sse_mmx, false },
	{ "sfence", try_sfence, false },
	{ "sse2", try_sse2, false },
	{ "sse2-int", try_sse2_int, false },
	{ "mfence", try_mfence, false },
	{ "clflush", try_clflush, false },
	{ "sse3", try_sse3, false },
	{ "sse3-x87", try_sse3_x87, false },
	{ "ssse3", try_ssse3, false },
	{ "sse4.1", try_sse41, false },
	{ "crc32", try_crc32, false },
	{ "popcnt", try_popcnt, true },
	{ "movbe", try_movbe, false },
	{ "aes", try_aes, false },
	{ "rdrand", try_rdrand, false },
	{ "xgetbv", try_xgetbv, false },
	{ "avx", try_avx, false },
	{ "bmi", try_bmi, false },
};

static void instructions(void)
{
	for (u32 i = 0; i < COUNT(tries); i++) {
		int vector = attempt(tries[i].fn, 0);

		attempts++;
		print("%s%s: %s\r\n", tries[i].compared ? "" : "  ", tries[i].name,
		      vector < 0     ? "there"
		      : vector == 6  ? "#UD"
		      : vector == 7  ? "#NM"
		      : vector == 13 ? "#GP"
				     : "?");
	}
}

/* --- CR4 and model-specific registers, of ring 0 */

static u32 cr4(void)
{
	u32 v;

	__asm__ volatile("mov %%cr4, %0" : "=r"(v));
	return v;
}

static void set_cr4(u32 v)
{
	__asm__ volatile("mov %0, %%cr4" ::"r"(v));
}

static void bits_of_cr4(void)
{
	u32 old = cr4(), there = 0;

	for (u32 i = 0; i < 32; i++) {
		if (i == 5) /* PAE: the tables here are of two levels */
			continue;
		if (attempt(set_cr4, old | BIT(i)) < 0) {
			there |= BIT(i);
			set_cr4(old);
		}
		attempts++;
	}
	print("  cr4 %x\r\n", there);
}

static void read_msr(u32 index)
{
	u32 lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(index));
}

static void registers(void)
{
	static const u32 msr[] = { 0,	       1,	   0x10,       0x11,	   0x17,  0x1b,
				   0x2a,       0x2c,	   0x3a,       0x79,	   0x8b,  0xc1,
				   0xcd,       0xfe,	   0x119,      0x174,	   0x186, 0x198,
				   0x1a0,      0x1d9,	   0x200,      0x277,	   0x2ff, 0x400,
				   0xc0000080, 0xc0000081, 0xc0010015, 0xc0011020, 0x6e0 };

	for (u32 i = 0; i < COUNT(msr); i++) {
		attempts++;
		if (attempt(read_msr, msr[i]) < 0)
			print("  msr %x\r\n", msr[i]);
	}
}

static u32 enable_sse(u32 unused)
{
	u32 id[4];

	cpuid(1, id);
	if (id[3] & FXSR)
		set_cr4(cr4() | OSFXSR);
	return unused;
}

void guest_main(void)
{
	identify();
	if (guest_ring == 0) {
		if (!cmdline_number("bare", 0)) { /* where reserved bits hang, or do not fault */
			bits_of_cr4();
			registers();
		}
	}
	call_ring0(enable_sse, 0);
	instructions();
}
