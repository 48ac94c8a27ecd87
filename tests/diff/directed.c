/* SPDX-License-Identifier: MIT */
/*
 * directed [-n CASES] [-s SEED] [-i INDEX] [-f REPORTS] [-0]: directed cases (directed.h) on ours
 * and Unicorn; everything that both show is compared. -0: guest memory at address 0. Last line:
 * N passed, N failed. Exit status 3: not possible on this host; the last line is the reason.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/diff/directed.h"
#include "tests/host/machine_trap.h"

static struct directed_case c;
static struct directed_end ours, theirs;
static unsigned steps;
static const char *caches;
static u64 cut;

#define IGNORED (EFLAGS_RF | EFLAGS_VIF | EFLAGS_VIP)

/* Accessed bits: directed_ours_caches() looks at ours; Unicorn sets some only. */
static bool is_access_byte(u32 at)
{
	return (at - AT_GDT < GDT_ENTRIES * 8 || at - AT_LDT(0) < 0x200) && (at & 7) == 5 &&
	       (ours.memory[at] & 0x10);
}

static bool same_byte(u32 at)
{
	u8 differ = ours.memory[at] ^ theirs.memory[at];

	return !differ || (differ == 1 && is_access_byte(at)) ||
	       (at - AT_PAGES < AT_PAGES_END - AT_PAGES);
}

static bool same_memory(void)
{
	for (u32 i = 0; i < WORLD_SIZE; i++)
		if (ours.memory[i] != theirs.memory[i] && !same_byte(i))
			return false;
	return true;
}

static void hide_segments(struct directed_state *s)
{
	for (unsigned i = 0; i < SEG_COUNT; i++)
		s->seg[i] = (struct directed_segment){ .sel = s->seg[i].sel };
}

static bool names_data(const struct directed_end *e)
{
	for (unsigned i = 0; i < SEG_COUNT; i++)
		if (i != SEG_CS && i != SEG_SS && e->error == (e->s.seg[i].sel & 0xfffcu))
			return e->vector == VEC_TS || e->vector == VEC_NP;
	return false;
}

static bool differs(void)
{
	u32 ignored;
	int failed;

	directed_unicorn_run(&c, &theirs, &steps, false);
	failed = directed_ours_run(&c, steps, &ours);
	caches = failed ? "did not end" : directed_ours_caches();
	ignored = IGNORED | (theirs.lazy_flags ? EFLAGS_ARITH & ~EFLAGS_DF : 0);
	ours.s.eflags &= ~ignored;
	theirs.s.eflags &= ~ignored;
	if (c.mode == DIRECTED_REAL) { /* a code segment of real mode, perhaps after PE is set */
		ours.s.seg[SEG_CS].attr &= SEG_ATTR_DB;
		theirs.s.seg[SEG_CS].attr &= SEG_ATTR_DB;
	}
	if (theirs.loading) {
		if (names_data(&ours) &&
		    names_data(&theirs)) { /* two are bad: which comes first? */
			ours.error = theirs.error;
			ours.vector = theirs.vector;
		}
		hide_segments(&ours.s);
		hide_segments(&theirs.s);
	}
	return caches || memcmp(&ours.s, &theirs.s, sizeof(ours.s)) ||
	       ours.vector != theirs.vector || ours.error != theirs.error || !same_memory();
}

static void print_word(const char *name, u32 a, u32 b)
{
	if (a != b)
		printf("  %-10s %08x %08x\n", name, a, b);
}

static void print_segment(const char *name, const struct directed_segment *a,
			  const struct directed_segment *b)
{
	if (memcmp(a, b, sizeof(*a)))
		printf("  %-10s %04x %04x %08x %08x   %04x %04x %08x %08x\n", name, a->sel, a->attr,
		       a->base, a->limit, b->sel, b->attr, b->base, b->limit);
}

static void print_difference(void)
{
	static const char *const gpr[] = { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi" };
	static const char *const seg[] = { "es", "cs", "ss", "ds", "fs", "gs" };
	unsigned shown = 0;

	printf("  %-10s ours     unicorn\n", steps == ~0u ? "" : "stopped");
	if (caches)
		printf("  ours: %s\n", caches);
	printf("  vector     %8x %8x\n", ours.vector, theirs.vector);
	print_word("error", ours.error, theirs.error);
	for (unsigned i = 0; i < 8; i++)
		print_word(gpr[i], ours.s.gpr[i], theirs.s.gpr[i]);
	printf("  eip        %08x %08x\n", ours.s.eip, theirs.s.eip);
	print_word("eflags", ours.s.eflags, theirs.s.eflags);
	print_word("cr0", ours.s.cr0, theirs.s.cr0);
	print_word("cr3", ours.s.cr3, theirs.s.cr3);
	for (unsigned i = 0; i < 6; i++)
		print_segment(seg[i], &ours.s.seg[i], &theirs.s.seg[i]);
	print_segment("tr", &ours.s.tr, &theirs.s.tr);
	print_segment("ldtr", &ours.s.ldtr, &theirs.s.ldtr);
	print_word("gdtr", ours.s.gdt_base, theirs.s.gdt_base);
	print_word("gdtr limit", ours.s.gdt_limit, theirs.s.gdt_limit);
	print_word("idtr", ours.s.idt_base, theirs.s.idt_base);
	print_word("idtr limit", ours.s.idt_limit, theirs.s.idt_limit);
	for (u32 i = 0; i < WORLD_SIZE && shown < 12; i++)
		if (!same_byte(i)) {
			printf("  %08x   %02x %02x (was %02x)\n", i, ours.memory[i],
			       theirs.memory[i], c.image[i]);
			shown++;
		}
}

static void report(void)
{
	directed_print(&c);
	directed_unicorn_run(&c, &theirs, &steps, true);
	differs();
	print_difference();
	printf("replay: build/diff/directed -s %llu -i %llu\n\n", (unsigned long long)c.seed,
	       (unsigned long long)c.index);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	u64 count = 10000, seed = 1, first = 0, passed = 0, failed = 0, most = 3;
	bool base_0 = false, one = false;
	int opt;

	while ((opt = getopt(argc, argv, "n:s:i:f:0")) != -1) {
		if (opt == 'n')
			count = strtoull(optarg, NULL, 0);
		else if (opt == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (opt == 'i')
			first = strtoull(optarg, NULL, 0), count = 1, one = true;
		else if (opt == 'f')
			most = strtoull(optarg, NULL, 0);
		else if (opt == '0')
			base_0 = true;
		else
			return 2;
	}
	if (directed_ours_init(base_0)) {
		if (base_0)
			printf("page 0 cannot be mapped\n");
		return base_0 ? PROCESSOR_NOT_HERE : 2;
	}
	if (directed_unicorn_init()) {
		fprintf(stderr, "directed: Unicorn cannot be set up\n");
		return 2;
	}
	machine_trap_install();
	for (u64 i = first; i < first + count; i++) {
		directed_generate(&c, seed, i);
		if (getenv("DIFF_VERBOSE"))
			fprintf(stderr, "%llu\n", (unsigned long long)i);
		if (!differs()) {
			passed++;
			if (one)
				report();
		} else if (failed++ < most) {
			report();
		}
		cut += steps != ~0u;
	}
	printf("directed transfers against unicorn%s (%llu compared before their end): %llu "
	       "passed, %llu failed\n",
	       base_0 ? ", memory base 0" : "", (unsigned long long)cut, (unsigned long long)passed,
	       (unsigned long long)failed);
	return failed ? 1 : 0;
}
