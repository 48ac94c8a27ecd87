/* SPDX-License-Identifier: MIT */
/*
 * Processes created and waited for, one at a time: page tables copied, copy-on-write faults, a
 * context switch each way. forkwait [COUNT [PROGRAM]] Every child ends with a status of its own,
 * which is checked. With PROGRAM, each child executes it (and must end with 0).
 */
#include "nolibc.h"

int main(int argc, char **argv, char **envp)
{
	u32 count = argument(argc, argv, 1, 200);
	char *program = argc > 2 ? argv[2] : 0;
	char *child_argv[] = { program, 0 };
	u32 start = clock_us();

	for (u32 i = 0; i < count; i++) {
		s32 pid = call0(SYS_FORK);

		if (pid == 0) {
			if (!program)
				leave((int)(i & 0x7f));
			call3(SYS_EXECVE, program, child_argv, envp);
			leave(127);
		}
		CHECK(pid > 0);
		CHECK(wait_for(pid) == (program ? 0 : (i & 0x7f) << 8));
	}
	report(program ? "forkexec" : "forkwait", count, start);
	return 0;
}
