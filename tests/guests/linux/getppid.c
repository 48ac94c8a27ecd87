/* SPDX-License-Identifier: MIT */
/*
 * The cheapest system call, over and over: what one round trip between a program and its kernel
 * costs. getppid [COUNT]
 */
#include "nolibc.h"

int main(int argc, char **argv, char **envp)
{
	u32 count = argument(argc, argv, 1, 100000);
	s32 parent = call0(SYS_GETPPID);
	u32 start = clock_us();

	(void)envp;
	for (u32 i = 0; i < count; i++)
		if (call0(SYS_GETPPID) != parent)
			fail("parent changed", (s32)i);
	report("getppid", count, start);
	return 0;
}
