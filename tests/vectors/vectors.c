/* SPDX-License-Identifier: MIT */
/*
 * vectors [-v] [-0] FILE: runs recorded single-instruction tests (vector.h; FILE may be gzipped) on
 * the host machine, each as translated code and by single steps, and compares registers, flags and
 * all of memory. Prints a table per opcode form, how often each rule of vector_rules.c applied, and
 * the first differences (-v: all). -0: with memory base 0. Last line: N passed, N failed. Exit
 * status 0 only if none failed, 2 if the file is not readable as vectors, 3 if there is no memory
 * base 0 here.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "kernel/base/error.h"
#include "tests/host/machine.h"
#include "tests/vectors/vector.h"

#define RAM_SIZE  (2 * MiB)
#define NOT_HERE  3 /* exit status: no memory base 0, which needs root for page 0 */
#define SHOWN	  40u
#define FORMS	  512u
#define STEPS	  70000u /* REP with the whole of CX */
#define TIMEOUT_S 5u
#define LINE_SIZE (256 * KiB)

struct form {
	char name[8];
	unsigned passed, failed;
};

static struct machine m;
static struct vector v;
static u8 expected[VECTOR_TOP]; /* memory as it must be; VECTOR_FILL between vectors */
static struct form form[FORMS];
static unsigned forms, shown;
static bool verbose;

static void on_alarm(int sig)
{
	(void)sig;
	recomp_signal(&m.cpu, CPU_EVENT_YIELD);
}

/* --- One vector --- */

static void put(u32 at, u8 value)
{
	if (m.ram[at] == value)
		return;
	m.ram[at] = value;
	machine_wrote(&m, at, 1);
}

static void set_memory(void)
{
	for (unsigned i = 0; i < v.rams; i++) {
		put(v.ram[i].at, v.ram[i].value);
		expected[v.ram[i].at] = v.ram[i].value;
	}
	for (unsigned i = 0; i < v.rams_after; i++)
		expected[v.ram_after[i].at] = v.ram_after[i].value;
}

static void clear_memory(bool all)
{
	for (unsigned i = 0; i < v.rams; i++) {
		put(v.ram[i].at, VECTOR_FILL);
		expected[v.ram[i].at] = VECTOR_FILL;
	}
	for (unsigned i = 0; i < v.rams_after; i++) {
		put(v.ram_after[i].at, VECTOR_FILL);
		expected[v.ram_after[i].at] = VECTOR_FILL;
	}
	if (!all)
		return;
	memset(m.ram, VECTOR_FILL, VECTOR_TOP);
	for (u32 page = 0; page < VECTOR_TOP; page += PAGE_SIZE)
		machine_wrote(&m, page, PAGE_SIZE);
}

static void set_registers(void)
{
	static const u8 seg[] = { SEG_ES, SEG_CS, SEG_SS, SEG_DS };
	struct cpu *cpu = &m.cpu;

	for (unsigned i = 0; i < 8; i++)
		cpu->gpr[i] = v.before[V_AX + i];
	for (unsigned i = 0; i < ARRAY_SIZE(seg); i++) {
		cpu->seg[seg[i]].sel = v.before[V_ES + i];
		cpu->seg[seg[i]].base = (u32)v.before[V_ES + i] << 4;
	}
	cpu->eip = v.before[V_IP];
	cpu_set_eflags(cpu, v.before[V_FLAGS]);
	cpu->shadow = 0;
	cpu->events = 0;
	cpu->halted = false;
	memcpy(cpu->fpu.image, m.host_fpu, 32);
}

/* Until HLT; false if it does not come to one. */
static bool run_to_halt(bool step)
{
	enum recomp_exit exit = RECOMP_EVENT;

	alarm(TIMEOUT_S);
	if (!step)
		exit = machine_run(&m);
	for (unsigned i = 0; step && i < STEPS && exit == RECOMP_EVENT; i++)
		exit = machine_step(&m);
	alarm(0);
	return exit == RECOMP_HALT;
}

/* --- Comparison --- */

static u16 reg_now(unsigned r)
{
	if (r < V_ES)
		return (u16)m.cpu.gpr[r];
	if (r < V_IP)
		return m.cpu.seg[SEG_ES + r - V_ES].sel;
	return r == V_IP ? (u16)m.cpu.eip : (u16)cpu_eflags(&m.cpu);
}

static u8 ignored_bits(u32 at)
{
	if (v.exception < 0 || (at != v.pushed_flags && at != v.pushed_flags + 1))
		return 0;
	return (u8)(~v.flags_compared >> (at == v.pushed_flags ? 0 : 8));
}

static bool registers_differ(bool print)
{
	bool differ = false;

	for (unsigned r = 0; r < V_REGS; r++) {
		u16 mask = r == V_FLAGS ? v.flags_compared : 0xffff, now = reg_now(r);

		if (!((now ^ v.after[r]) & mask))
			continue;
		differ = true;
		if (print)
			printf("  %-5s was %04x, is %04x, must be %04x\n", vector_reg_name[r],
			       v.before[r], now, v.after[r]);
	}
	return differ;
}

static bool memory_differs(bool print)
{
	bool differ = false;

	if (!memcmp(m.ram, expected, VECTOR_TOP))
		return false;
	for (u32 at = 0; at < VECTOR_TOP; at++) {
		if (!((m.ram[at] ^ expected[at]) & ~ignored_bits(at)))
			continue;
		differ = true;
		if (print)
			printf("  %05x is %02x, must be %02x\n", at, m.ram[at], expected[at]);
	}
	return differ;
}

static bool passes(bool step, unsigned line)
{
	bool print = verbose || shown < SHOWN, halted, good;

	set_memory();
	set_registers();
	halted = run_to_halt(step);
	good = halted && !registers_differ(false) && !memory_differs(false);
	if (!good && print) {
		printf("line %u, form %s, %s%s:\n", line, v.form, v.name,
		       step ? ", by single steps" : "");
		if (!halted)
			printf("  does not come to HLT\n");
		registers_differ(true);
		memory_differs(true);
		shown++;
	}
	clear_memory(!good);
	return good;
}

static struct form *form_of(const char *name)
{
	for (unsigned i = 0; i < forms; i++)
		if (!strcmp(form[i].name, name))
			return &form[i];
	if (forms == FORMS) {
		fprintf(stderr, "vectors: too many opcode forms\n");
		exit(2);
	}
	strcpy(form[forms].name, name);
	return &form[forms++];
}

static void run_vector(unsigned line)
{
	struct form *f = form_of(v.form);

	for (unsigned i = 0; i < vector_rules; i++)
		if (!v.skipped && vector_rule[i].apply(&v))
			vector_rule[i].applied++;
	if (v.skipped)
		return;
	if (passes(false, line) && passes(true, line))
		f->passed++;
	else
		f->failed++;
}

/* --- The file --- */

static void run_file(const char *path)
{
	char *line = malloc(LINE_SIZE);
	gzFile file = gzopen(path, "rb");
	const char *wrong;
	unsigned n = 0;
	int err;

	if (!file || !line) {
		fprintf(stderr, "vectors: %s: cannot be opened\n", path);
		exit(2);
	}
	while (gzgets(file, line, LINE_SIZE)) {
		n++;
		if (!strchr(line, '\n') && !gzeof(file))
			wrong = "longer than a line may be";
		else
			wrong = (line[strcspn(line, "\r\n")] = 0, vector_parse(line, &v));
		if (wrong) {
			fprintf(stderr, "vectors: %s:%u: %s\n", path, n, wrong);
			exit(2);
		}
		run_vector(n);
	}
	wrong = gzerror(file, &err);
	if (err || !n) {
		fprintf(stderr, "vectors: %s:%u: %s\n", path, n + 1,
			err ? wrong : "the file is empty");
		exit(2);
	}
	gzclose(file);
	free(line);
}

static int report(void)
{
	unsigned passed = 0, failed = 0;

	for (unsigned i = 0; i < forms; i++) {
		printf("%s%-5s %4u passed %4u failed", i % 3 ? "   " : "", form[i].name,
		       form[i].passed, form[i].failed);
		putchar(i % 3 == 2 || i + 1 == forms ? '\n' : ' ');
		passed += form[i].passed;
		failed += form[i].failed;
	}
	for (unsigned i = 0; i < vector_rules; i++)
		printf("rule %s, %llu times: %s\n", vector_rule[i].name,
		       (unsigned long long)vector_rule[i].applied, vector_rule[i].reason);
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed ? 1 : 0;
}

int main(int argc, char **argv)
{
	bool base_0 = false, usage = false;
	int opt, err;

	while ((opt = getopt(argc, argv, "v0")) != -1) {
		verbose |= opt == 'v';
		base_0 |= opt == '0';
		usage |= opt == '?';
	}
	if (usage || optind + 1 != argc) {
		fprintf(stderr, "usage: vectors [-v] [-0] FILE\n");
		return 2;
	}
	err = machine_create(&m, RAM_SIZE, base_0 ? MACHINE_BASE_0 : 0);
	if (err) {
		fprintf(stderr, "vectors: the machine cannot be set up\n");
		return base_0 && err == E_NOSYS ? NOT_HERE : 2;
	}
	memset(m.ram, VECTOR_FILL, VECTOR_TOP);
	memset(expected, VECTOR_FILL, VECTOR_TOP);
	for (unsigned s = 0; s < SEG_COUNT; s++)
		m.cpu.seg[s] = (struct cpu_segment){ 0, s == SEG_CS ? 0x9b : 0x93, 0, 0xffff };
	signal(SIGALRM, on_alarm);
	run_file(argv[optind]);
	return report();
}
