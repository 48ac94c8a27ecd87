/* SPDX-License-Identifier: MIT */
/*
 * bench_recompiler DIR [RUNS [PROGRAM]]: the programs in DIR on the real processor, ours, qemu-i386
 * and Unicorn, in turn, RUNS (5) times; medians as a table. All must agree on the result. Ratios
 * are over the real processor; where this host has no 32-bit code, over ours. Exit status 1 if a
 * program failed somewhere.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/recompiler/bench.h"
#include "tests/host/native.h"

#define MAX_RUNS 31
#define MHZ	 1e6

enum { NATIVE, OURS, QEMU, UNICORN, ENGINES };
static const char *const program_name[] = { "sieve", "fib",  "quicksort", "interpreter", "x87",
					    "sse",   "wide", "strings",	  "bytes" };
static const char *const engine_name[ENGINES] = { "native", "ours", "qemu-i386", "Unicorn" };
static unsigned over = NATIVE; /* the engine that ratios are over */
static const char *directory;
static unsigned runs = 5;
static int status;

u8 *image_read(const struct program *p, size_t *size)
{
	char name[512];
	u8 *image = NULL;
	FILE *f;
	long n;

	snprintf(name, sizeof(name), "%s.bin", p->path);
	f = fopen(name, "rb");
	if (!f || fseek(f, 0, SEEK_END) || (n = ftell(f)) <= 0) {
		fprintf(stderr, "%s: cannot be read\n", name);
		exit(1);
	}
	rewind(f);
	image = malloc((size_t)n);
	if (!image || fread(image, 1, (size_t)n, f) != (size_t)n)
		exit(1);
	fclose(f);
	*size = (size_t)n;
	return image;
}

static struct program program(const char *name, bool real_mode)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return (struct program){ .path = strdup(path), .real_mode = real_mode };
}

static int by_value(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static u64 median(u64 *v)
{
	qsort(v, runs, sizeof(*v), by_value);
	return v[runs / 2];
}

/* In a process of its own: both of them rearrange the address space that they run in. */
static struct measure in_child(struct measure (*fn)(const struct program *),
			       const struct program *p)
{
	struct measure r = { 0 };
	int out[2], ended;
	pid_t child;

	if (pipe(out))
		return r;
	child = fork();
	if (child == 0) {
		r = fn(p);
		_exit(write(out[1], &r, sizeof(r)) != sizeof(r));
	}
	close(out[1]);
	if (child < 0 || read(out[0], &r, sizeof(r)) != sizeof(r))
		r.cycles = 0;
	close(out[0]);
	if (child > 0)
		waitpid(child, &ended, 0);
	return r;
}

static struct measure run(unsigned engine, const struct program *p)
{
	switch (engine) {
	case NATIVE:
		return in_child(measure_native, p);
	case OURS:
		return in_child(measure_ours, p);
	case QEMU:
		return measure_process(p, "qemu-i386");
	default:
		return in_child(measure_unicorn, p);
	}
}

/* Medians of alternating runs; p[e] may be NULL where engine e has nothing to run. */
static void alternate(const struct program *p[ENGINES], u64 cycles[ENGINES])
{
	u64 all[ENGINES][MAX_RUNS] = { 0 };
	u32 sum = 0;

	for (unsigned n = 0; n < runs; n++) {
		for (unsigned e = 0; e < ENGINES; e++) {
			struct measure r = { 0 };

			if (e < over || !p[e])
				continue;
			r = run(e, p[e]);
			if ((!r.cycles || (sum && r.sum != sum))) {
				fprintf(stderr, "%s: %s: %u instead of %u\n", p[e]->path,
					engine_name[e], r.sum, sum);
				status = 1;
				r.cycles = 0;
			} else {
				sum = r.sum;
			}
			all[e][n] = r.cycles;
		}
	}
	for (unsigned e = 0; e < ENGINES; e++)
		cycles[e] = median(all[e]);
}

static double ratio(u64 a, u64 b)
{
	return a && b ? (double)a / (double)b : 0;
}

static void print_row(const char *name, const u64 c[ENGINES])
{
	printf("%-14s %10.1f", name, (double)c[over] / MHZ);
	for (unsigned e = over + 1; e < ENGINES; e++) {
		if (c[e])
			printf(" %10.2f", ratio(c[e], c[over]));
		else
			printf(" %10s", "-");
	}
	printf("\n");
	fflush(stdout);
}

static void flat_programs(const char *only)
{
	double log_sum[ENGINES] = { 0 }, worst = 0;
	unsigned count = 0;

	printf("%-14s %6s, Mc", "program", engine_name[over]);
	for (unsigned e = over + 1; e < ENGINES; e++)
		printf(" %10s", engine_name[e]);
	printf("\n");
	for (unsigned i = 0; i < ARRAY_SIZE(program_name); i++) {
		struct program p = program(program_name[i], false);
		const struct program *same[ENGINES] = { &p, &p, &p, &p };
		u64 c[ENGINES];

		if (only && strcmp(only, program_name[i]))
			continue;
		alternate(same, c);
		print_row(program_name[i], c);
		for (unsigned e = over + 1; e < ENGINES; e++)
			log_sum[e] += log(ratio(c[e], c[over]));
		worst = fmax(worst, ratio(c[OURS], c[NATIVE]));
		count++;
	}
	if (!count)
		return;
	printf("%-14s %10s", "geometric mean", "");
	for (unsigned e = over + 1; e < ENGINES; e++)
		printf(" %10.2f", exp(log_sum[e] / count));
	printf("\n");
	if (over == NATIVE)
		printf("worst, ours over native: %.2f; qemu-i386 over ours, geometric mean: %.2f\n",
		       worst, exp((log_sum[QEMU] - log_sum[OURS]) / count));
}

static void real_mode(void)
{
	struct program wide = program("sieve32", false), real = program("sieve16", true);
	const struct program *p[ENGINES] = { &wide, &real, NULL, &real };
	u64 c[ENGINES];

	alternate(p, c);
	print_row("real mode", c);
}

static void pairs(void)
{
	static const struct {
		const char *name, *label;
		bool native;
	} pair[] = { { "callret", "CALL + RET", true },
		     { "clisti", "CLI + STI", false },
		     { "pushfpopf", "PUSHF + POPF", true } };
	struct program none = program("none", false);
	const struct program *base[ENGINES] = { &none, &none, NULL, NULL };
	u64 b[ENGINES], c[ENGINES];

	alternate(base, b);
	for (unsigned i = 0; i < ARRAY_SIZE(pair); i++) {
		struct program p = program(pair[i].name, false);
		const struct program *same[ENGINES] = { pair[i].native ? &p : NULL, &p, NULL,
							NULL };

		alternate(same, c);
		printf("%-14s %10.1f cycles, ours", pair[i].label,
		       (double)(c[OURS] - b[OURS]) / 1.6e6);
		if (pair[i].native && over == NATIVE)
			printf("; %.1f native", (double)(c[NATIVE] - b[NATIVE]) / 1.6e6);
		printf("\n");
	}
}

static void translation(void)
{
	struct program p = program("manycode", false);
	u64 cost[MAX_RUNS];
	struct translation t = { 0 };

	for (unsigned n = 0; n < runs; n++) {
		if (!measure_ours_cold(&p, &t).cycles)
			status = 1;
		cost[n] = t.cold > t.warm && t.insns ? (t.cold - t.warm) / t.insns : 0;
	}
	printf("translation: %llu cycles per guest instruction (%llu of them); %.2f bytes emitted "
	       "per guest byte\n",
	       (unsigned long long)median(cost), (unsigned long long)t.insns,
	       ratio(t.host_bytes, t.guest_bytes));
}

int main(int argc, char **argv)
{
	const char *only = argc > 3 ? argv[3] : NULL;

	if (argc < 2) {
		fprintf(stderr, "usage: bench_recompiler DIR [RUNS [PROGRAM]]\n");
		return 2;
	}
	directory = argv[1];
	if (argc > 2)
		runs = (unsigned)atoi(argv[2]);
	if (runs < 1 || runs > MAX_RUNS)
		return 2;
	if (!native_find()) {
		over = OURS;
		printf("no native column (%s); ratios are over ours\n", native_reason());
	}
	flat_programs(only);
	if (!only || !strcmp(only, "micro")) {
		real_mode();
		pairs();
		translation();
	}
	return status;
}
