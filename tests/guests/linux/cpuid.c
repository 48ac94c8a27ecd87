/* SPDX-License-Identifier: MIT */
/*
 * Prints every CPUID leaf, one a line: "cpuid LEAF.SUBLEAF EAX EBX ECX EDX", all hexadecimal.
 *   cpuid        as this program's own CPUID instruction answers
 *   cpuid k      as the kernel's answers: through /dev/cpu/0/cpuid (the kernel's module cpuid)
 */
#include "nolibc.h"

static int device = -1;

static void ask(u32 leaf, u32 subleaf, u32 out[4])
{
	if (device < 0) {
		__asm__ volatile("cpuid"
				 : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
				 : "a"(leaf), "c"(subleaf));
		return;
	}
	/* The file's position is the leaf in the lower half and the subleaf in the upper one. */
	CHECK(call(SYS_PREAD64, (u32)device, (u32)out, 16, leaf, subleaf) == 16);
}

static u32 subleaves(u32 leaf)
{
	switch (leaf) {
	case 4:
	case 7:
	case 0xb:
		return 4;
	case 0xd:
		return 10;
	}
	return 1;
}

static void range(u32 first)
{
	u32 r[4], last;

	ask(first, 0, r);
	last = r[0];
	CHECK(last >= first && last - first < 0x100);
	for (u32 leaf = first; leaf <= last; leaf++) {
		for (u32 sub = 0; sub < subleaves(leaf); sub++) {
			ask(leaf, sub, r);
			put("cpuid ");
			put_hex(leaf);
			put(".");
			put_u32(sub);
			for (int i = 0; i < 4; i++) {
				put(" ");
				put_hex(r[i]);
			}
			put("\n");
		}
	}
}

int main(int argc, char **argv, char **envp)
{
	(void)argv, (void)envp;
	if (argc > 1) {
		device = call2(SYS_OPEN, "/dev/cpu/0/cpuid", 0);
		CHECK(device >= 0);
	}
	range(0);
	range(0x80000000);
	return 0;
}
