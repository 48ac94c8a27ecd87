/* SPDX-License-Identifier: MIT */
/*
 * diff [-a native|unicorn] [-m MODE] [-n CASES] [-s SEED] [-i INDEX] [-w WHAT] [-S] [-0]: runs
 * random cases on our processor and another and compares everything. A difference is minimised,
 * printed, and can be replayed by the command that is printed with it. -S: ours single-steps, with
 * all memory operands through C (one case in four does anyway). -0: guest memory at address 0, as
 * in the monitor (not with native, which needs the addresses itself; page 0 needs root). Last line:
 * N passed, N failed. Exit status 3: not possible on this host; the last line is the reason.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "emu/cpu/cpu.h"
#include "tests/diff/outcome.h"
#include "tests/host/machine_trap.h"
#include "tests/host/upper.h"

static struct processor *other;

static struct outcome ours, theirs;

static bool excepted(const struct diff_case *c, u32 eip, unsigned what)
{
	ZydisDecodedInstruction in;

	return case_decode(c, eip, &in) && case_exception(&in, other->except_on, what);
}

static bool same_error(const struct case_state *a, const struct case_state *b)
{
	u32 ignored = other->reads_first && a->vector == VEC_PF ? BIT(1) : 0; /* W/R: SDM 3A 4.7 */

	return a->has_error == b->has_error &&
	       (!a->has_error || !((a->error ^ b->error) & ~ignored));
}

/* b: a copy, which gets what is not compared where an instruction faulted. */
static bool same_fpu(const struct diff_case *c, const struct case_state *a, struct case_state b)
{
	if (a->eip != c->end && excepted(c, a->eip, EXCEPT_X87))
		memcpy(b.fx, a->fx, FX_X87);
	if (a->eip != c->end && excepted(c, a->eip, EXCEPT_MXCSR))
		memcpy(b.fx + FX_MXCSR, a->fx + FX_MXCSR, 4);
	return other->weak_fpu ? outcome_similar_fpu(a->fx, b.fx) : outcome_same_fpu(a->fx, b.fx);
}

static bool same_state(const struct diff_case *c, const struct case_state *a,
		       const struct case_state *b)
{
	u32 ignored = EFLAGS_RF | (a->eip != c->end ? c->undefined : 0);

	if (c->mode == CASE_REAL) /* the frame has 16 bits, and the interrupt clears AC */
		ignored |= 0xffff0000;
	if (a->eip != c->end && excepted(c, a->eip, EXCEPT_FLAGS))
		ignored |= EFLAGS_ARITH;

	if (memcmp(a->gpr, b->gpr, sizeof(a->gpr)) || a->eip != b->eip ||
	    ((a->eflags ^ b->eflags) & ~ignored) || a->vector != b->vector ||
	    memcmp(a->sel, b->sel, sizeof(a->sel)))
		return false;
	if (!same_error(a, b))
		return false;
	if (a->has_cr2 != b->has_cr2 ||
	    (a->has_cr2 && a->cr2 != b->cr2 && !excepted(c, a->eip, EXCEPT_CR2)))
		return false;
	if (other->upper && memcmp(a->upper, b->upper, sizeof(a->upper)))
		return false;
	return same_fpu(c, a, *b);
}

/*
 * Our exception frame lies on the case's own stack in CPL 0; the other processor pushed none. It
 * goes, where a stray stack pointer put it, too.
 */
static void hide_frame(const struct case_layout *l)
{
	for (u32 i = 0; i < ours.end.frame_len; i++) {
		u32 at = ours.end.frame_at + i;

		if (at - l->stack < case_room(l, l->stack_size))
			ours.stack[at - l->stack] = theirs.stack[at - l->stack];
		if (at - l->data < case_room(l, l->data_size))
			ours.data[at - l->data] = theirs.data[at - l->data];
		if (other->ram && at < CASE_RAM)
			processor_ours.ram[at] = other->ram[at];
	}
}

/* After a case that is not compared, memory outside its windows may differ: the same again. */
static bool not_compared(const struct diff_case *c)
{
	if (other->ram && c->mode != CASE_FLAT3) /* which reaches nothing else */
		memcpy(other->ram, processor_ours.ram, CASE_RAM);
	return false;
}

/* A jump led to bytes that nobody generated, and that may be what is listed as not to be generated.
 */
static bool strayed(const struct diff_case *c)
{
	u32 len = c->end + 2 - c->start.eip;

	return other->ram &&
	       (ours.end.eip - c->start.eip > len || theirs.end.eip - c->start.eip > len);
}

/*
 * An access (of up to 832 bytes) that wraps at 4 GiB in a segment of limit FFFFFFFFh may fault or
 * not (SDM 3A 5.3); ours does not, AMD's does.
 */
static bool wraps(void)
{
	return (ours.end.vector == VEC_PF && ours.end.cr2 > 0xfffffc00) ||
	       (theirs.end.vector == VEC_PF && theirs.end.cr2 > 0xfffffc00);
}

/* The address came by chance to where only ours has (supervisor) pages: another error code. */
static bool hits_system(void)
{
	return ours.end.vector == VEC_PF && ours.end.cr2 - CASE_SYSTEM < CASE_SYSTEM_SIZE;
}

/* It changed its own code, what comes next perhaps. */
static bool modified_itself(const struct diff_case *c)
{
	u32 at = c->start.eip + case_layout(c->mode)->base[SEG_CS];

	return memcmp(processor_ours.ram + at, c->code, c->code_len) != 0;
}

/* The new top of ENTER's frame cannot be written (SDM 2A, ENTER). */
static bool frame_top_faults(const struct diff_case *c)
{
	ZydisDecodedInstruction in;

	return ours.end.vector == VEC_PF && case_decode(c, ours.end.eip, &in) &&
	       in.mnemonic == ZYDIS_MNEMONIC_ENTER;
}

/* A single step ended it behind an image whose part that is not compared is still there. */
static bool inside_insn(const struct diff_case *c)
{
	u32 at = c->start.eip;

	if (ours.end.vector != VEC_DB)
		return false;
	for (unsigned i = 0; i < c->insns; i++) {
		if (ours.end.eip == at)
			return false;
		at += c->insn[i].dropped ? 0 : c->insn[i].len;
	}
	return ours.end.eip < at && ours.end.eip > c->start.eip;
}

static bool differs(const struct diff_case *c)
{
	const struct case_layout *l = case_layout(c->mode);

	outcome_of(&processor_ours, c, &ours);
	outcome_of(other, c, &theirs);
	if (ours.failed == 1 || theirs.failed == 1 ||
	    (ours.failed < 0 && !theirs.failed && other->no_segment_checks &&
	     case_stack_is_limited(c, &theirs.end)))
		return not_compared(c);
	if (ours.failed || theirs.failed)
		return ours.failed != theirs.failed;
	if (case_no_frame_room(c, &ours.end) || wraps() || hits_system() || strayed(c) ||
	    inside_insn(c) || (other->no_segment_checks && case_segment_fault(c, &ours.end)) ||
	    (other->no_smc && modified_itself(c)) || (other->no_probe && frame_top_faults(c)) ||
	    (other->no_wrap &&
	     (case_part_wraps(c, &ours.end) || case_part_wraps(c, &theirs.end))) ||
	    (other->no_nx && ours.end.vector == VEC_PF && (ours.end.error & 0x11) == 0x11))
		return not_compared(c);
	/* Stack faults and alignment, of which it does not know; which NaN of two an operation
	 * returns. */
	if (other->weak_fpu && ((ours.end.fx[2] & 0x40) || (ours.end.fx[24] & 1) ||
				case_alignment_fault(c, &ours.end)))
		return not_compared(c);
	if (ours.end.vector == theirs.end.vector && ours.end.eip == theirs.end.eip &&
	    excepted(c, ours.end.eip, EXCEPT_PARTIAL))
		return not_compared(c);
	/* The summary of numeric exceptions is set: one that is not masked came first. */
	if (ours.end.eip != theirs.end.eip && (theirs.end.fx[2] & 0x80) &&
	    excepted(c, ours.end.eip, EXCEPT_FAULTS))
		return not_compared(c);
	hide_frame(l);
	return !same_state(c, &ours.end, &theirs.end) ||
	       memcmp(ours.data, theirs.data, case_room(l, l->data_size)) ||
	       memcmp(ours.stack, theirs.stack, case_room(l, l->stack_size));
}

static void minimise(struct diff_case *c)
{
	for (unsigned i = c->insns; i-- > 0;) {
		c->insn[i].dropped = true;
		case_assemble(c);
		if (!differs(c))
			c->insn[i].dropped = false;
	}
	case_assemble(c);
	differs(c);
}

static void print_memory(const char *what, const u8 *a, const u8 *b, u32 size)
{
	unsigned shown = 0;

	for (u32 i = 0; i < size && shown < 16; i++) {
		if (a[i] == b[i])
			continue;
		printf("  %s+%04x  %02x %02x\n", what, i, a[i], b[i]);
		shown++;
	}
}

/* A case that failed only because of what ran before it (slow_gla and the like) says so. */
static void replay_hint(const struct diff_case *c)
{
	printf("replay: build/diff/diff -a %s -m %s -s %llu -i %llu (or with -S, if it passes "
	       "alone)\n\n",
	       other->name, case_mode_name[c->mode], (unsigned long long)c->seed,
	       (unsigned long long)c->index);
}

static void report(struct diff_case *c)
{
	const struct case_layout *l = case_layout(c->mode);

	minimise(c);
	if (ours.failed || theirs.failed) {
		printf("did not come to an exception: ours %d, %s %d\n", ours.failed, other->name,
		       theirs.failed);
	}
	case_print(c, &ours.end, "ours", &theirs.end, other->name);
	if (!ours.failed && !theirs.failed) {
		print_memory("data", ours.data, theirs.data, case_room(l, l->data_size));
		print_memory("stack", ours.stack, theirs.stack, case_room(l, l->stack_size));
	}
	replay_hint(c);
	fflush(stdout);
}

static enum case_mode mode_of(const char *name)
{
	for (unsigned i = 0; i < CASE_MODES; i++)
		if (!strcmp(name, case_mode_name[i]))
			return (enum case_mode)i;
	fprintf(stderr, "diff: %s: no such mode\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	struct processor *const known[] = { &processor_native, &processor_unicorn };
	enum case_mode mode = CASE_FLAT3;
	u64 count = 10000, seed = 1, index = 0, first = 0, passed = 0, failed = 0;
	unsigned what = ~0u;
	u64 most = 3; /* differences that are reported */
	bool one = false, stepped = false;
	int opt, err = 0;

	other = &processor_native;
	while ((opt = getopt(argc, argv, "a:m:n:s:i:w:S0f:")) != -1) {
		switch (opt) {
		case 'a':
			other = NULL;
			for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
				if (!strcmp(known[i]->name, optarg))
					other = known[i];
			break;
		case 'm':
			mode = mode_of(optarg);
			break;
		case 'n':
			count = strtoull(optarg, NULL, 0);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'i':
			first = strtoull(optarg, NULL, 0);
			count = 1;
			one = true;
			break;
		case 'w':
			what = (unsigned)strtoul(optarg, NULL, 0);
			break;
		case 'f':
			most = strtoull(optarg, NULL, 0);
			break;
		case '0':
			processor_ours.base_0 = true;
			break;
		case 'S':
			stepped = true;
			break;
		default:
			return 2;
		}
	}
	if (!other || (other->upper && !upper_keep(argv)) || (err = processor_ours.init()) ||
	    (err = other->init())) {
		if (err == PROCESSOR_NOT_HERE)
			return err;
		fprintf(stderr, "diff: a processor cannot be set up\n");
		return 2;
	}
	if (what == ~0u) {
		what = other->what & ~(mode == CASE_REAL ? other->not_real : 0);
		if (mode == CASE_FLAT3) /* descriptor tables are out of its reach */
			what &= ~GEN_SYSTEM;
	}
	machine_trap_install();
	for (index = first; index < first + count; index++) {
		static struct diff_case c;

		case_generate(&c, mode, seed, index, what);
		c.stepped |= stepped;
		if (getenv("DIFF_VERBOSE"))
			fprintf(stderr, "%llu\n", (unsigned long long)index);
		if (!differs(&c)) {
			passed++;
			if (one)
				case_print(&c, &ours.end, "ours", &theirs.end, other->name);
			continue;
		}
		if (failed++ < most)
			report(&c);
	}
	printf("%s against %s%s: %llu passed, %llu failed\n", case_mode_name[mode], other->name,
	       processor_ours.base_0 ? ", memory base 0" : "", (unsigned long long)passed,
	       (unsigned long long)failed);
	return failed ? 1 : 0;
}
