/* SPDX-License-Identifier: MIT */
/* Emulators of Linux programs: the program itself counts cycles and writes them to its output. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/recompiler/bench.h"

struct measure measure_process(const struct program *p, const char *emulator)
{
	char elf[512];
	u32 result[3] = { 0 };
	int out[2], status;
	ssize_t got;
	pid_t child;

	if (strlen(p->path) > sizeof(elf) - 5 || pipe(out))
		return (struct measure){ 0 };
	strcpy(elf, p->path);
	strcat(elf, ".elf");
	child = fork();
	if (child == 0) {
		dup2(out[1], 1);
		close(out[0]);
		execlp(emulator, emulator, elf, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	got = child < 0 ? -1 : read(out[0], result, sizeof(result));
	close(out[0]);
	if (child < 0 || waitpid(child, &status, 0) != child || status || got != sizeof(result))
		return (struct measure){ 0 };
	return (struct measure){ .cycles = result[1] | (u64)result[2] << 32, .sum = result[0] };
}
