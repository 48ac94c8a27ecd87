/* SPDX-License-Identifier: MIT */
/*
 * faults [-n CASES] [-s SEED] [-i INDEX] [-N]: random instructions that touch memory, disturbed at
 * each page that they touch (disturb.h), in CPL 3 beside the real processor (-N: not) and in CPL 0.
 * The forms of instructions one by one: fault_forms.c. Last line: N passed, N failed; exit status
 * 3: the reason why the real processor cannot be used here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "emu/cpu/cpu.h"
#include "tests/diff/disturb.h"
#include "tests/host/upper.h"
#include "tests/host/machine_trap.h"

static struct diff_case c;

static void one_case(enum case_mode mode, u64 seed, u64 index)
{
	const struct outcome *o;

	case_generate(&c, mode, seed, index, GEN_X87 | GEN_SSE | GEN_NATIVE | GEN_ONE);
	o = disturb_begin(&c);
	if (o && o->end.vector == VEC_UD && o->end.eip == c.end)
		disturb_pages();
}

int main(int argc, char **argv)
{
	u64 count = 4000, seed = 1, first = 0;
	bool native = true;
	int opt, err;

	while ((opt = getopt(argc, argv, "n:s:i:N")) != -1) {
		if (opt == 'n')
			count = strtoull(optarg, NULL, 0);
		else if (opt == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (opt == 'i')
			first = strtoull(optarg, NULL, 0), count = 1;
		else if (opt == 'N')
			native = false;
		else
			return 2;
	}
	disturb_program = "build/diff/faults";
	err = upper_keep(argv) ? disturb_init(native) : -1;
	if (err) {
		if (err != PROCESSOR_NOT_HERE)
			fprintf(stderr, "faults: a processor cannot be set up\n");
		return err == PROCESSOR_NOT_HERE ? err : 2;
	}
	machine_trap_install();
	for (u64 i = first; i < first + count; i++)
		one_case(CASE_FLAT3, seed, i);
	for (u64 i = first; i < first + count; i++)
		one_case(CASE_PAGED0, seed, i);
	printf("page faults of random instructions: %llu passed, %llu failed\n",
	       (unsigned long long)(disturb_count.faults -
				    MIN(disturb_count.faults, disturb_count.failed)),
	       (unsigned long long)disturb_count.failed);
	return disturb_count.failed || !disturb_count.faults ? 1 : 0;
}
