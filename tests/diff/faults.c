/* SPDX-License-Identifier: MIT */
/*
 * Page faults, exactly: faults [-n CASES] [-s SEED] [-i INDEX]. Each case is one random instruction
 * that touches memory. Every page that it touches (code, data, stack) is absent, read-only and the
 * supervisor's in turn, in CPL 3 and, with CR0.WP 1 and 0, in CPL 0. The fault must tell EIP, CR2
 * and error code as the manual has them (SDM 3A 4.7); registers, flags, x87, SSE and memory must be
 * as before the instruction; and when the page is repaired the case must come to the same end as
 * undisturbed. In CPL 3 the processor that we run on does the same, and all of it is compared. Last
 * line: N passed, N failed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "emu/cpu/cpu.h"
#include "tests/diff/outcome.h"
#include "tests/host/machine_trap.h"

static struct diff_case c;
static struct outcome undisturbed, before, disturbed, native;
static struct fault_plan plan, native_plan;
static u64 faults, failed;

static void run_on(struct processor *p, struct outcome *o)
{
	outcome_of(p, &c, o);
}

static bool same_registers(const struct case_state *a, const struct case_state *b, u32 but_flags)
{
	return !memcmp(a->gpr, b->gpr, sizeof(a->gpr)) && a->eip == b->eip &&
	       !((a->eflags ^ b->eflags) & ~(EFLAGS_RF | but_flags)) &&
	       outcome_same_fpu(a->fx, b->fx);
}

/* In CPL 0 the exceptions' frames lie below ESP. */
static bool same_memory(const struct case_state *s, const u8 *data_a, const u8 *stack_a,
			const u8 *data_b, const u8 *stack_b)
{
	const struct case_layout *l = case_layout(c.mode);
	u32 low = s->gpr[REG_ESP] - 64 - l->stack, first = c.start.gpr[REG_ESP] - 64 - l->stack;

	if (memcmp(data_a, data_b, l->data_size))
		return false;
	for (u32 i = 0; i < l->stack_size; i++)
		if (stack_a[i] != stack_b[i] &&
		    (c.mode == CASE_FLAT3 || (i - low >= 64 && i - first >= 64)))
			return false;
	return true;
}

/* The instruction of the case at this EIP, or -1: then it is not the case's (a stray jump's). */
static int insn_at(u32 eip)
{
	u32 at = c.start.eip;

	for (unsigned i = 0; i < c.insns; i++) {
		if (at == eip)
			return (int)i;
		at += c.insn[i].len;
	}
	return eip == c.end ? (int)c.insns : -1;
}

/* The state in which the instruction at this EIP begins: the case, cut short there. */
static bool state_before(u32 eip)
{
	static struct diff_case whole;
	u32 at = eip - c.start.eip;

	whole = c;
	c.plan = NULL;
	c.code[at] = 0x0f;
	c.code[at + 1] = 0x0b;
	c.code_len = at + 2;
	c.end = eip;
	run_on(&processor_ours, &before);
	c = whole;
	return !before.failed && before.end.vector == VEC_UD;
}

static void complain(const char *what)
{
	static const char *const kind[] = { "absent", "read-only", "supervisor's" };

	if (failed++ >= 5)
		return;
	printf("%s, CPL %u, WP %u, page %x %s: %s\n", case_mode_name[c.mode],
	       c.mode == CASE_FLAT3 ? 3 : 0, plan.wp, plan.page, kind[plan.kind], what);
	if (plan.faulted)
		printf("fault at %x, address %x, error %x\n", plan.at.eip, plan.at.cr2,
		       plan.at.error);
	case_print(&c, &disturbed.end, "disturbed", &undisturbed.end, "not");
	printf("replay: build/diff/faults -s %llu -i %llu\n", (unsigned long long)c.seed,
	       (unsigned long long)c.index);
}

static bool repeats(void)
{
	ZydisDecodedInstruction in;

	return case_decode(&c, plan.at.eip, &in) &&
	       (in.attributes &
		(ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE));
}

static bool excepted(unsigned what)
{
	ZydisDecodedInstruction in;

	return case_decode(&c, plan.at.eip, &in) && case_exception(&in, EXCEPT_ON_ALL, what);
}

/* SDM 3A 4.7: P, U/S and I/D follow from plan and mode; W/R from the access that the absent page
 * told. */
static const char *wrong_error(u32 first_error)
{
	const struct case_layout *l = case_layout(c.mode);
	bool code = plan.page - l->code < l->code_size;
	u32 e = plan.at.error;

	if ((e & 1) != (plan.kind != PAGE_ABSENT))
		return "P of the error code";
	if (!(e & 4) != (c.mode != CASE_FLAT3))
		return "U/S of the error code";
	if (!(e & 16) != !code)
		return "I/D of the error code";
	if (plan.kind == PAGE_READ_ONLY && !(e & 2))
		return "a read faulted on a page that can be read";
	if (plan.kind == PAGE_SUPERVISOR && (e & 2) != (first_error & 2))
		return "W/R of the error code";
	return NULL;
}

static const char *wrong_state(void)
{
	if (insn_at(plan.at.eip) < 0)
		return NULL; /* bytes that nobody generated */
	if (excepted(EXCEPT_PARTIAL) || repeats())
		return NULL;
	if (!state_before(plan.at.eip))
		return "the case does not come to the instruction";
	if (excepted(EXCEPT_X87))
		memcpy(before.end.fx, plan.at.fx, sizeof(before.end.fx));
	if (!same_registers(&before.end, &plan.at, 0))
		return "registers or flags changed before the fault";
	if (!same_memory(&before.end, before.data, before.stack, plan.data, plan.stack))
		return "memory changed before the fault";
	return NULL;
}

static const char *wrong_end(void)
{
	if (disturbed.failed)
		return "it did not come to its end";
	if (!same_registers(&undisturbed.end, &disturbed.end, 0) ||
	    undisturbed.end.vector != disturbed.end.vector)
		return "it came to another end";
	if (!same_memory(&undisturbed.end, undisturbed.data, undisturbed.stack, disturbed.data,
			 disturbed.stack))
		return "it left other memory";
	return NULL;
}

static const char *unlike_native(void)
{
	if (c.mode != CASE_FLAT3 || plan.kind == PAGE_SUPERVISOR)
		return NULL;
	native_plan = plan;
	native_plan.faulted = false;
	c.plan = &native_plan;
	run_on(&processor_native, &native);
	c.plan = &plan;
	if (native.failed)
		return NULL;
	if (native_plan.faulted != plan.faulted)
		return "the real processor faults, or does not";
	if (!plan.faulted)
		return NULL;
	if (native_plan.at.eip != plan.at.eip || native_plan.at.error != plan.at.error)
		return "the real processor tells another EIP or error code";
	if (native_plan.at.cr2 != plan.at.cr2 && !excepted(EXCEPT_CR2))
		return "the real processor tells another CR2";
	if (!excepted(EXCEPT_PARTIAL) && !repeats() &&
	    !same_registers(&native_plan.at, &plan.at, c.undefined))
		return "the real processor has other registers";
	return NULL;
}

/* One disturbed run. first_error: of the absent page. Returns whether it faulted. */
static bool disturb(u32 page, enum page_fault_kind kind, bool wp, u32 first_error)
{
	bool writes = first_error & 2, fetch = first_error & 16, must = false;
	const char *wrong;

	memset(&plan, 0, sizeof(plan));
	plan.page = page;
	plan.kind = kind;
	plan.wp = wp;
	c.plan = &plan;
	run_on(&processor_ours, &disturbed);
	faults += plan.faulted;
	if (kind == PAGE_SUPERVISOR)
		must = c.mode == CASE_FLAT3;
	else if (kind == PAGE_READ_ONLY)
		must = writes && !fetch && (wp || c.mode == CASE_FLAT3);
	if (must && !plan.faulted)
		wrong = "no fault";
	else if (plan.faulted && kind == PAGE_SUPERVISOR && c.mode == CASE_PAGED0)
		wrong = "a supervisor faults on its own page";
	else if (plan.faulted && kind == PAGE_READ_ONLY && !wp && c.mode == CASE_PAGED0)
		wrong = "a fault in spite of WP = 0";
	else
		wrong = plan.faulted
				? wrong_error(kind == PAGE_ABSENT ? plan.at.error : first_error)
				: NULL;
	if (!wrong && plan.faulted)
		wrong = wrong_state();
	if (!wrong)
		wrong = wrong_end();
	if (!wrong)
		wrong = unlike_native();
	if (wrong)
		complain(wrong);
	c.plan = NULL;
	return plan.faulted;
}

static void each_page(u32 start, u32 size)
{
	for (u32 page = start; page < start + size; page += PAGE_SIZE) {
		u32 error;

		if (!disturb(page, PAGE_ABSENT, true, 0))
			continue;
		error = plan.at.error;
		disturb(page, PAGE_READ_ONLY, true, error);
		disturb(page, PAGE_SUPERVISOR, true, error);
		if (c.mode == CASE_PAGED0)
			disturb(page, PAGE_READ_ONLY, false, error);
	}
}

/* [ESP + index] may lie where CPL 0's frames do. */
static bool by_esp(void)
{
	ZydisDecodedInstruction in;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];

	for (u32 at = c.start.eip; at < c.end && case_decode_full(&c, at, &in, op); at += in.length)
		for (unsigned i = 0; i < in.operand_count_visible; i++)
			if (op[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
			    op[i].mem.base == ZYDIS_REGISTER_ESP)
				return true;
	return false;
}

static void one_case(enum case_mode mode, u64 seed, u64 index)
{
	const struct case_layout *l = case_layout(mode);

	case_generate(&c, mode, seed, index, GEN_X87 | GEN_SSE | GEN_NATIVE | GEN_ONE);
	run_on(&processor_ours, &undisturbed);
	/* It must come to its end, and leave the frames of CPL 0 room on a stack that is there. */
	if (undisturbed.failed || undisturbed.end.vector != VEC_UD || undisturbed.end.eip != c.end)
		return;
	if (mode == CASE_PAGED0 &&
	    (undisturbed.end.gpr[REG_ESP] & 3 ||
	     undisturbed.end.gpr[REG_ESP] - l->stack - 256 > l->stack_size - 512))
		return;
	if (mode == CASE_PAGED0 && by_esp())
		return;
	each_page(l->data, l->data_size);
	each_page(l->code, l->code_size);
	if (mode == CASE_FLAT3) /* a handler in CPL 0 would need the page itself */
		each_page(l->stack, l->stack_size);
}

int main(int argc, char **argv)
{
	u64 count = 4000, seed = 1, first = 0;
	int opt;

	while ((opt = getopt(argc, argv, "n:s:i:")) != -1) {
		if (opt == 'n')
			count = strtoull(optarg, NULL, 0);
		else if (opt == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (opt == 'i')
			first = strtoull(optarg, NULL, 0), count = 1;
		else
			return 2;
	}
	if (processor_ours.init() || processor_native.init()) {
		fprintf(stderr, "faults: a processor cannot be set up\n");
		return 2;
	}
	machine_trap_install();
	for (u64 i = first; i < first + count; i++)
		one_case(CASE_FLAT3, seed, i);
	for (u64 i = first; i < first + count; i++)
		one_case(CASE_PAGED0, seed, i);
	printf("page faults: %llu passed, %llu failed\n",
	       (unsigned long long)(faults - MIN(faults, failed)), (unsigned long long)failed);
	return failed || !faults ? 1 : 0;
}
