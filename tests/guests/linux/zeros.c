/* SPDX-License-Identifier: MIT */
/*
 * An ordinary user's program reads fresh memory, which is the one zero page everywhere, and gives
 * it back.
 *   zeros [MIB]
 */
#include "nolibc.h"

#define SYS_SETUID32 213
#define NOBODY	     65534u

int main(int argc, char **argv, char **envp)
{
	u32 mib = argument(argc, argv, 1, 32), start = clock_us(), pages = mib << 8;
	volatile u32 *word;

	(void)envp;
	CHECK(call1(SYS_SETUID32, NOBODY) == 0);
	word = map_pages(mib << 20, PROT_READ);
	for (u32 i = 0; i < pages; i++)
		CHECK(word[i * 1024 + 7] == 0);
	report("read", pages, start);
	start = clock_us();
	CHECK(call2(SYS_MUNMAP, word, mib << 20) == 0);
	report("munmap", pages, start);
	return 0;
}
