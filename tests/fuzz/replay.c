/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target on inputs: replay FILE... Each line of a file that ends in .hex is an input in
 * hexadecimal digits; any other file is one. Prints how many; what it finds ends it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

static unsigned inputs;
static char line[131072];
static u8 data[65536];

static void run_lines(FILE *f)
{
	while (fgets(line, sizeof(line), f)) {
		size_t n = 0;
		unsigned byte;

		while (sscanf(line + 2 * n, "%2x", &byte) == 1 && line[2 * n] != '\n')
			data[n++] = (u8)byte;
		LLVMFuzzerTestOneInput(data, n);
		inputs++;
	}
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		size_t len = strlen(argv[i]);

		if (!f) {
			perror(argv[i]);
			return 2;
		}
		if (len > 4 && !strcmp(argv[i] + len - 4, ".hex")) {
			run_lines(f);
		} else {
			LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof(data), f));
			inputs++;
		}
		fclose(f);
	}
	printf("%u inputs\n", inputs);
	return inputs ? 0 : 1;
}
