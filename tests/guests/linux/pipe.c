/* SPDX-License-Identifier: MIT */
/*
 * Two processes hand a number to and fro through two pipes, adding one each time: two system calls
 * and a context switch per step. pipe [ROUND TRIPS]
 */
#include "nolibc.h"

static void echo(int from, int to, u32 count)
{
	u32 value;

	for (u32 i = 0; i < count; i++) {
		CHECK(call3(SYS_READ, from, &value, 4) == 4);
		value++;
		CHECK(call3(SYS_WRITE, to, &value, 4) == 4);
	}
}

int main(int argc, char **argv, char **envp)
{
	u32 count = argument(argc, argv, 1, 5000), value = 0, start;
	int there[2], back[2];
	s32 pid;

	(void)envp;
	CHECK(call1(SYS_PIPE, there) == 0 && call1(SYS_PIPE, back) == 0);
	pid = call0(SYS_FORK);
	CHECK(pid >= 0);
	if (pid == 0) {
		echo(there[0], back[1], count);
		return 0;
	}
	start = clock_us();
	for (u32 i = 0; i < count; i++) {
		CHECK(call3(SYS_WRITE, there[1], &value, 4) == 4);
		CHECK(call3(SYS_READ, back[0], &value, 4) == 4);
	}
	report("pipe", count, start);
	CHECK(value == count);
	CHECK(wait_for(pid) == 0);
	return 0;
}
