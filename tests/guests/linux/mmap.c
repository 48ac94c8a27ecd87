/* SPDX-License-Identifier: MIT */
/*
 * Fresh memory is mapped, every page of it touched once, and given back: one page fault a page.
 *   mmap [ROUNDS]     of 256 pages
 * Fresh pages must be zero, and a page keeps what was written to it.
 */
#include "nolibc.h"

#define PAGES 256u

int main(int argc, char **argv, char **envp)
{
	u32 rounds = argument(argc, argv, 1, 40), start = clock_us();

	(void)envp;
	for (u32 r = 0; r < rounds; r++) {
		volatile u32 *page = map_pages(PAGES * 4096, PROT_READ | PROT_WRITE);

		for (u32 i = 0; i < PAGES; i++) {
			CHECK(page[i * 1024 + 7] == 0);
			page[i * 1024 + 7] = r ^ i * 2654435761u;
		}
		for (u32 i = 0; i < PAGES; i++)
			CHECK(page[i * 1024 + 7] == (r ^ i * 2654435761u));
		CHECK(call2(SYS_MUNMAP, page, PAGES * 4096) == 0);
	}
	report("mmap", rounds * PAGES, start);
	return 0;
}
