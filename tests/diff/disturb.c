/* SPDX-License-Identifier: MIT */
/*
 * Runs a case once undisturbed, then once per page and right with that right taken away, and
 * compares the fault, the state at the fault, and the end after the repair.
 */
#include "tests/diff/disturb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/cpu/cpu.h"

struct disturb_count disturb_count;
const char *disturb_program;

static struct diff_case *c;
static struct outcome undisturbed, before, disturbed, native;
static struct fault_plan plan, native_plan;
static bool use_native;
static u32 before_eip;
static bool before_known; /* before[] is the state at before_eip */

static void run_on(struct processor *p, struct outcome *o)
{
	outcome_of(p, c, o);
}

/* --- Comparing --- */

static bool same_fpu(const struct case_state *a, const struct case_state *b)
{
	return outcome_same_fpu(a->fx, b->fx) && !memcmp(a->upper, b->upper, sizeof(a->upper));
}

static bool same_registers(const struct case_state *a, const struct case_state *b, u32 but_flags)
{
	return !memcmp(a->gpr, b->gpr, sizeof(a->gpr)) && a->eip == b->eip &&
	       !((a->eflags ^ b->eflags) & ~(EFLAGS_RF | but_flags)) && same_fpu(a, b) &&
	       !memcmp(a->sel, b->sel, sizeof(a->sel));
}

/* Where exceptions have no stack of their own, what they push goes over what was there. */
static bool same_memory(const u8 *data_a, const u8 *stack_a, const u8 *data_b, const u8 *stack_b)
{
	const struct case_layout *l = case_layout(c->mode);

	return !memcmp(data_a, data_b, l->data_size) && !memcmp(stack_a, stack_b, l->stack_size);
}

/* The instruction of the case at this EIP, or -1: then it is not the case's (a stray jump's). */
static int insn_at(u32 eip)
{
	u32 at = c->start.eip;

	for (unsigned i = 0; i < c->insns; i++) {
		if (at == eip)
			return (int)i;
		at += c->insn[i].len;
	}
	return eip == c->end ? (int)c->insns : -1;
}

/* The state in which the instruction at this EIP begins: the case, cut short there. */
static bool state_before(u32 eip)
{
	static struct diff_case whole;
	u32 at = eip - c->start.eip;

	if (before_known && eip == before_eip)
		return true;
	before_known = false;
	whole = *c;
	c->plan = NULL;
	c->code[at] = 0x0f;
	c->code[at + 1] = 0x0b;
	c->code_len = at + 2;
	c->end = eip;
	run_on(&processor_ours, &before);
	*c = whole;
	if (before.failed || before.end.vector != VEC_UD || before.end.eip != eip)
		return false;
	before_eip = eip;
	before_known = true;
	return true;
}

/* One line, where DIFF_VERBOSE asks for all of them. */
static void complain_shortly(const char *what)
{
	ZydisDecodedInstruction in;

	if (getenv("DIFF_VERBOSE") && case_decode(c, c->start.eip, &in))
		printf("%s, %s: %s, INDEX %llu\n", case_mode_name[c->mode],
		       ZydisMnemonicGetString(in.mnemonic), what, (unsigned long long)c->index);
}

static void print_memory(const char *name, const u8 *u, const u8 *d, const u8 *n, u32 size)
{
	bool with_native = native.end.eip;

	for (u32 i = 0, shown = 0; i < size && shown < 16; i++)
		if (u[i] != d[i] || (with_native && u[i] != n[i])) {
			printf("  %s+%04x  not disturbed %02x, disturbed %02x", name, i, u[i],
			       d[i]);
			printf(with_native ? ", native %02x\n" : "\n", n[i]);
			shown++;
		}
}

static void complain(const char *what)
{
	static const char *const kind[] = { "absent", "read-only", "supervisor's" };

	if (disturb_count.failed++ >= 5) {
		complain_shortly(what);
		return;
	}
	printf("%s, CPL %u, WP %u, page %x %s: %s\n", case_mode_name[c->mode],
	       case_layout(c->mode)->cpl, plan.wp, plan.page, kind[plan.kind], what);
	if (plan.faulted)
		printf("fault at %x, address %x, error %x\n", plan.at.eip, plan.at.cr2,
		       plan.at.error);
	if (native_plan.faulted)
		printf("natively at %x, address %x, error %x\n", native_plan.at.eip,
		       native_plan.at.cr2, native_plan.at.error);
	if (plan.faulted)
		case_print(c, &plan.at, "fault",
			   native_plan.faulted ? &native_plan.at : &before.end,
			   native_plan.faulted ? "native" : "before");
	case_print(c, &disturbed.end, "disturbed", &undisturbed.end, "not");
	if (native.end.eip)
		case_print(c, &undisturbed.end, "not", &native.end, "native");
	print_memory("data", undisturbed.data, disturbed.data, native.data,
		     case_layout(c->mode)->data_size);
	print_memory("stack", undisturbed.stack, disturbed.stack, native.stack,
		     case_layout(c->mode)->stack_size);
	printf("replay: %s -m %s -s %llu -i %llu\n", disturb_program, case_mode_name[c->mode],
	       (unsigned long long)c->seed, (unsigned long long)c->index);
}

static bool repeats(void)
{
	ZydisDecodedInstruction in;

	return case_decode(c, plan.at.eip, &in) &&
	       (in.attributes &
		(ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE));
}

static bool excepted(unsigned what)
{
	ZydisDecodedInstruction in;

	return case_decode(c, plan.at.eip, &in) && case_exception(&in, EXCEPT_ON_ALL, what);
}

/* --- What a fault must tell --- */

/* The instruction's own bytes were not there. */
static bool fetched(void)
{
	return plan.at.cr2 - plan.at.eip - case_layout(c->mode)->base[SEG_CS] < 15;
}

/* SDM 3A 4.7: P, U/S and I/D follow from plan and mode; W/R from the access that the absent page
 * told. */
static const char *wrong_error(u32 first_error)
{
	const struct case_layout *l = case_layout(c->mode);
	u32 e = plan.at.error;

	if ((e & 1) != (plan.kind != PAGE_ABSENT))
		return "P of the error code";
	if (!(e & 4) != (l->cpl != 3))
		return "U/S of the error code";
	if (!(e & 16) != !fetched())
		return "I/D of the error code";
	if (e & ~0x17u)
		return "bits of the error code that are reserved";
	if (plan.kind == PAGE_READ_ONLY && !(e & 2))
		return "a read faulted on a page that can be read";
	if (plan.kind == PAGE_SUPERVISOR && (e & 2) != (first_error & 2))
		return "W/R of the error code";
	return NULL;
}

/*
 * A repeated instruction that is the whole case: as after so many repetitions as are gone from
 * (E)CX, none of which touches the page.
 */
static const char *wrong_repetition(void)
{
	static struct fault_plan part_plan;
	static struct outcome part;
	ZydisDecodedInstruction in;
	struct case_state want = plan.at;
	u32 start = c->start.gpr[REG_ECX], mask, left;

	case_decode(c, plan.at.eip, &in);
	mask = in.address_width == 16 ? 0xffff : 0xffffffff;
	left = plan.at.gpr[REG_ECX] & mask;
	if (left > (start & mask) || ((plan.at.gpr[REG_ECX] ^ start) & ~mask))
		return "(E)CX of a repeated instruction";
	memset(&part_plan, 0, sizeof(part_plan));
	part_plan.page = plan.page;
	part_plan.kind = plan.kind;
	part_plan.wp = plan.wp;
	c->start.gpr[REG_ECX] = (start & ~mask) | ((start & mask) - left);
	c->plan = &part_plan;
	run_on(&processor_ours, &part);
	c->plan = &plan;
	c->start.gpr[REG_ECX] = start;
	if (part.failed || part_plan.faulted)
		return "a repetition before the one that faulted touches the page";
	want.gpr[REG_ECX] &= ~mask;
	want.eip = part.end.eip;
	if (!same_registers(&part.end, &want, 0))
		return "registers or flags are not those of the repetitions before";
	if (!same_memory(part.data, part.stack, plan.data, plan.stack))
		return "memory is not that of the repetitions before";
	return NULL;
}

/* SDM 3A 4.7: the linear address that faulted. Of the stack's words not all is known. */
static const char *wrong_cr2(void)
{
	const struct case_layout *l = case_layout(c->mode);
	u32 cr2 = plan.at.cr2;

	if (fetched())
		return cr2 == plan.page || cr2 == plan.at.eip + l->base[SEG_CS] ? NULL
										: "CR2 of a fetch";
	if (!c->accesses || plan.at.eip != c->start.eip || plan.page - l->stack < l->stack_size)
		return NULL;
	for (unsigned i = 0; i < c->accesses; i++) {
		const struct case_access *a = &c->access[i];

		if (a->whole ? cr2 == MAX(a->at, plan.page) : cr2 - a->at < a->size)
			return NULL;
	}
	return "CR2 is no address of an operand";
}

static const char *wrong_state(void)
{
	if (insn_at(plan.at.eip) < 0)
		return NULL; /* bytes that nobody generated */
	if (repeats() && !fetched())
		return plan.at.eip == c->start.eip ? wrong_repetition() : NULL;
	if (!state_before(plan.at.eip))
		return "the case does not come to the instruction";
	if (excepted(EXCEPT_X87)) {
		memcpy(before.end.fx, plan.at.fx, FX_X87);
		before_known = false;
	}
	if (excepted(EXCEPT_MXCSR)) {
		memcpy(before.end.fx + FX_MXCSR, plan.at.fx + FX_MXCSR, 4);
		before_known = false;
	}
	if (excepted(EXCEPT_PROGRESS) && !fetched())
		return NULL;
	if (!same_registers(&before.end, &plan.at, 0))
		return "registers or flags changed before the fault";
	if (!excepted(EXCEPT_STORES) &&
	    !same_memory(before.data, before.stack, plan.data, plan.stack))
		return "memory changed before the fault";
	return NULL;
}

static const char *wrong_end(void)
{
	const struct case_state *u = &undisturbed.end, *d = &disturbed.end;

	if (disturbed.failed)
		return "it did not come to its end";
	if (!same_registers(u, d, 0) || u->vector != d->vector || u->has_error != d->has_error ||
	    u->error != d->error)
		return "it came to another end";
	if (!same_memory(undisturbed.data, undisturbed.stack, disturbed.data, disturbed.stack))
		return "it left other memory";
	return NULL;
}

/* --- The real processor --- */

/* #UD of the first instruction, or a listed #GP: the real processor may have more than ours. */
static bool not_offered(void)
{
	ZydisDecodedInstruction in;

	if (undisturbed.end.vector == VEC_GP && case_decode(c, undisturbed.end.eip, &in) &&
	    case_exception(&in, EXCEPT_ON_NATIVE, EXCEPT_CHECKS))
		return true;
	return undisturbed.end.vector == VEC_UD && undisturbed.end.eip == c->start.eip;
}

/* It has the addresses of FLAT3, which are those of PAGED0, in CPL 3. */
static bool native_can(void)
{
	return use_native && plan.kind != PAGE_SUPERVISOR &&
	       (c->mode == CASE_FLAT3 || (c->mode == CASE_PAGED0 && plan.wp)) && !c->not_native &&
	       !not_offered();
}

/* Of 32 bits, in front of the end: newer processors write the selector only, and leave the upper
 * half of the stack's word as it was; others zero that half, as ours does (SDM 2B, PUSH). */
static void forget_upper_half(void)
{
	const struct case_layout *l = case_layout(c->mode);
	u32 at = native.end.gpr[REG_ESP] + 2 - l->stack;
	ZydisDecodedInstruction in;

	if (case_decode(c, c->start.eip, &in) && in.mnemonic == ZYDIS_MNEMONIC_PUSH &&
	    in.operand_width == 32 && (in.opcode_map == ZYDIS_OPCODE_MAP_0F || in.opcode < 0x20) &&
	    at <= l->stack_size - 2)
		memcpy(native.stack + at, undisturbed.stack + at, 2);
}

/* What the real processor made of it in the end; flags may be undefined. */
static const char *other_end(void)
{
	const struct case_state *n = &native.end, *u = &undisturbed.end;

	if (c->mode != CASE_FLAT3)
		return NULL;
	if (memcmp(n->gpr, u->gpr, sizeof(n->gpr)) || n->eip != u->eip || n->vector != u->vector ||
	    !same_fpu(n, u))
		return "the real processor comes to another end";
	forget_upper_half();
	if (!same_memory(native.data, native.stack, undisturbed.data, undisturbed.stack))
		return "the real processor leaves other memory";
	return NULL;
}

static const char *unlike_native(void)
{
	/* Not compared, since its level is 3 always: U/S, and IF, which a POPF leaves alone there.
	 */
	u32 user = c->mode == CASE_FLAT3 ? 0 : 4, flags = c->mode == CASE_FLAT3 ? 0 : EFLAGS_IF;

	native_plan.faulted = false;
	if (!native_can())
		return NULL;
	native_plan = plan;
	native_plan.faulted = false;
	c->plan = &native_plan;
	run_on(&processor_native, &native);
	c->plan = &plan;
	if (native.failed)
		return NULL;
	/* A program may not, but a kernel may. */
	if (c->mode != CASE_FLAT3 && native.end.eip != c->end)
		return NULL;
	if (native_plan.faulted != plan.faulted)
		return plan.faulted && excepted(EXCEPT_FAULTS) &&
				       native.end.vector == undisturbed.end.vector
			       ? NULL
			       : "the real processor faults, or does not";
	if (!plan.faulted)
		return other_end();
	disturb_count.on_native++;
	if (native_plan.at.eip != plan.at.eip || ((native_plan.at.error ^ plan.at.error) & ~user))
		return "the real processor tells another EIP or error code";
	if (native_plan.at.cr2 != plan.at.cr2 && !excepted(EXCEPT_CR2))
		return "the real processor tells another CR2";
	memcpy(native_plan.at.sel, plan.at.sel, sizeof(plan.at.sel)); /* it does not tell them */
	if (excepted(EXCEPT_MXCSR))
		memcpy(native_plan.at.fx + FX_MXCSR, plan.at.fx + FX_MXCSR, 4);
	if (!excepted(EXCEPT_PARTIAL) &&
	    !same_registers(&native_plan.at, &plan.at, c->undefined | flags))
		return "the real processor has other registers";
	return other_end();
}

/* --- Disturbing --- */

/* Whether the fault had to be, or must not be. writes, fetch: of the absent page's fault. */
static const char *wrong_fault(bool writes, bool fetch)
{
	bool cpl3 = case_layout(c->mode)->cpl == 3, may = true, must = false;

	if (plan.kind == PAGE_SUPERVISOR)
		may = must = cpl3;
	if (plan.kind == PAGE_READ_ONLY) {
		may = plan.wp || cpl3;
		must = may && writes && !fetch;
	}
	if (must && !plan.faulted)
		return "no fault";
	if (!may && plan.faulted)
		return plan.kind == PAGE_SUPERVISOR ? "a supervisor faults on its own page"
						    : "a fault in spite of WP = 0";
	return NULL;
}

/* One disturbed run. first_error: of the absent page. Returns whether it faulted. */
static bool disturb(u32 page, enum page_fault_kind kind, bool wp, u32 first_error)
{
	const char *wrong;

	memset(&plan, 0, offsetof(struct fault_plan, data));
	plan.page = page;
	plan.kind = kind;
	plan.wp = wp;
	c->plan = &plan;
	run_on(&processor_ours, &disturbed);
	wrong = wrong_fault(first_error & 2, first_error & 16);
	if (plan.faulted) {
		disturb_count.faults++;
		disturb_count.data += !fetched();
		if (!wrong)
			wrong = wrong_error(kind == PAGE_ABSENT ? plan.at.error : first_error);
		if (!wrong)
			wrong = wrong_cr2();
		if (!wrong)
			wrong = wrong_state();
	}
	if (!wrong)
		wrong = wrong_end();
	if (!wrong)
		wrong = unlike_native();
	if (wrong)
		complain(wrong);
	c->plan = NULL;
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
		if (case_layout(c->mode)->cpl != 3)
			disturb(page, PAGE_READ_ONLY, false, error);
	}
}

const struct outcome *disturb_begin(struct diff_case *of)
{
	c = of;
	c->plan = NULL;
	memset(&native.end, 0, sizeof(native.end));
	before_known = false;
	native_plan.faulted = false;
	run_on(&processor_ours, &undisturbed);
	return undisturbed.failed ? NULL : &undisturbed;
}

void disturb_pages(void)
{
	const struct case_layout *l = case_layout(c->mode);

	each_page(l->data, l->data_size);
	each_page(l->code, l->code_size);
	each_page(l->stack, l->stack_size);
}

int disturb_init(bool with_native)
{
	int err = processor_ours.init();

	use_native = with_native;
	return err || !with_native ? err : processor_native.init();
}
