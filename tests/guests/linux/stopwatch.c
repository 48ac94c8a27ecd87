/* SPDX-License-Identifier: MIT */
/*
 * Runs a program and reports how long it took, in the format of the other test programs.
 *   stopwatch NAME PROGRAM [ARGUMENT...]
 * Ends with the program's status.
 */
#include "nolibc.h"

int main(int argc, char **argv, char **envp)
{
	u32 start, status;
	s32 pid;

	CHECK(argc > 2);
	start = clock_us();
	pid = call0(SYS_FORK);
	CHECK(pid >= 0);
	if (pid == 0) {
		call3(SYS_EXECVE, argv[2], argv + 2, envp);
		leave(127);
	}
	status = wait_for(pid);
	report(argv[1], 1, start);
	return status & 0x7f ? 128 + (int)(status & 0x7f) : (int)(status >> 8);
}
