/* SPDX-License-Identifier: MIT */
/*
 * fault_forms [-m MODE] [-r ROUNDS] [-e EACH] [-s SEED] [-i INDEX] [-N] [-0] [-v]: every form of
 * instruction that touches memory or the stack (form.h), in each mode with paging, disturbed at
 * every page that it touches (disturb.h). A form none of whose cases faulted on a page of data or
 * stack must be on the list below, with its reason. -e: every EACH-th form only, from SEED on. -N:
 * without the real processor (sanitizers and memory base 0 need its addresses). -0: memory base 0.
 * -v: names the forms. Last line: N passed, N failed; exit status 3: the reason why this host
 * cannot.
 */
#include <cpuid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "emu/cpu/cpu.h"
#include "tests/diff/disturb.h"
#include "tests/diff/form.h"
#include "tests/host/upper.h"
#include "tests/host/machine_trap.h"

/* --- Forms that touch no page --- */

enum where {
	ANYWHERE,
	IN_FLAT,  /* CPL 3 beside the real processor, and CPL 0 */
	IN_FLAT3, /* IOPL 0 */
	IN_CPL3,
	IN_TASKS, /* exceptions go through task gates */
	IN_V86
};

#define TO_THE_END 256u /* the case came to its end, without an access */

/* What is named by its mnemonic, or by its extension. */
static const struct reason {
	ZydisMnemonic mnemonic;
	ZydisISAExt ext;
	enum where where;
	unsigned vector; /* that the case ended with */
	const char *why;
} reasons[] = {
#define NAME(n)	  ZYDIS_MNEMONIC_##n, ZYDIS_ISA_EXT_INVALID
#define EXT(e)	  ZYDIS_MNEMONIC_INVALID, ZYDIS_ISA_EXT_##e
#define NO_ACCESS "a hint: its operand is not accessed"
	{ NAME(NOP), ANYWHERE, TO_THE_END, NO_ACCESS },
	{ NAME(PREFETCHNTA), ANYWHERE, TO_THE_END, NO_ACCESS },
	{ NAME(PREFETCHT0), ANYWHERE, TO_THE_END, NO_ACCESS },
	{ NAME(PREFETCHT1), ANYWHERE, TO_THE_END, NO_ACCESS },
	{ NAME(PREFETCHT2), ANYWHERE, TO_THE_END, NO_ACCESS },
	{ EXT(AMD3DNOW_PREFETCH), ANYWHERE, TO_THE_END, NO_ACCESS },
	{ EXT(PREFETCHWT1), ANYWHERE, TO_THE_END, NO_ACCESS },
	{ EXT(CLDEMOTE), ANYWHERE, TO_THE_END, NO_ACCESS },
	{ EXT(MPX), ANYWHERE, TO_THE_END, "a hint where bounds are not enabled, or do not exist" },
	{ NAME(INVLPG), IN_TASKS, TO_THE_END, "takes the address, and does not fault" },
	{ NAME(INVLPG), IN_CPL3, VEC_GP, "privileged" },
#define UNOFFERED "an extension that the CPU does not offer (docs/cpuid.md)"
	{ EXT(AVX512VEX), ANYWHERE, VEC_UD, UNOFFERED },
	{ EXT(AVX_VNNI), ANYWHERE, VEC_UD, UNOFFERED },
	{ EXT(CET), ANYWHERE, VEC_UD, UNOFFERED },
	{ EXT(ENQCMD), ANYWHERE, VEC_UD, UNOFFERED },
	{ EXT(FMA4), ANYWHERE, VEC_UD, UNOFFERED },
	{ EXT(GFNI), ANYWHERE, VEC_UD, UNOFFERED },
	{ EXT(INVPCID), ANYWHERE, VEC_UD, UNOFFERED },
	{ EXT(KEYLOCKER), ANYWHERE, VEC_UD, UNOFFERED },
	{ EXT(KEYLOCKER_WIDE), ANYWHERE, VEC_UD, UNOFFERED },
	{ EXT(MOVDIR), ANYWHERE, VEC_UD, UNOFFERED },
	{ EXT(PT), ANYWHERE, VEC_UD, UNOFFERED },
	{ EXT(SSE4A), ANYWHERE, VEC_UD, UNOFFERED },
	{ EXT(VAES), ANYWHERE, VEC_UD, UNOFFERED },
	{ EXT(VPCLMULQDQ), ANYWHERE, VEC_UD, UNOFFERED },
	{ EXT(VTX), ANYWHERE, VEC_UD, UNOFFERED },
	{ EXT(XOP), ANYWHERE, VEC_UD, UNOFFERED },
	{ EXT(XSAVEC), ANYWHERE, VEC_UD, UNOFFERED },
	{ EXT(XSAVES), ANYWHERE, VEC_UD, UNOFFERED },
	{ NAME(UD0), ANYWHERE, VEC_UD, "undefined, whatever its operand" },
	{ NAME(UD1), ANYWHERE, VEC_UD, "undefined, whatever its operand" },
#define NO_VEX "VEX exists in protected mode only (SDM 2A 2.3.8)"
	{ EXT(AVX), IN_V86, VEC_UD, NO_VEX },
	{ EXT(AVX2), IN_V86, VEC_UD, NO_VEX },
	{ EXT(AVX2GATHER), IN_V86, VEC_UD, NO_VEX },
	{ EXT(AVXAES), IN_V86, VEC_UD, NO_VEX },
	{ EXT(BMI1), IN_V86, VEC_UD, NO_VEX },
	{ EXT(BMI2), IN_V86, VEC_UD, NO_VEX },
	{ EXT(F16C), IN_V86, VEC_UD, NO_VEX },
	{ EXT(FMA), IN_V86, VEC_UD, NO_VEX },
#define NOT_IN_V86 "not recognised in V86 mode"
	{ NAME(ARPL), IN_V86, VEC_UD, NOT_IN_V86 },
	{ NAME(LAR), IN_V86, VEC_UD, NOT_IN_V86 },
	{ NAME(LSL), IN_V86, VEC_UD, NOT_IN_V86 },
	{ NAME(VERR), IN_V86, VEC_UD, NOT_IN_V86 },
	{ NAME(VERW), IN_V86, VEC_UD, NOT_IN_V86 },
	{ NAME(LLDT), IN_V86, VEC_UD, NOT_IN_V86 },
	{ NAME(LTR), IN_V86, VEC_UD, NOT_IN_V86 },
	{ NAME(SLDT), IN_V86, VEC_UD, NOT_IN_V86 },
	{ NAME(STR), IN_V86, VEC_UD, NOT_IN_V86 },
	{ NAME(LGDT), IN_CPL3, VEC_GP, "privileged" },
	{ NAME(LIDT), IN_CPL3, VEC_GP, "privileged" },
	{ NAME(LLDT), IN_CPL3, VEC_GP, "privileged" },
	{ NAME(LTR), IN_CPL3, VEC_GP, "privileged" },
	{ NAME(LMSW), IN_CPL3, VEC_GP, "privileged" },
#define NO_IO "IOPL is 0, as in any program"
	{ NAME(INSB), IN_FLAT3, VEC_GP, NO_IO },
	{ NAME(INSW), IN_FLAT3, VEC_GP, NO_IO },
	{ NAME(INSD), IN_FLAT3, VEC_GP, NO_IO },
	{ NAME(OUTSB), IN_FLAT3, VEC_GP, NO_IO },
	{ NAME(OUTSW), IN_FLAT3, VEC_GP, NO_IO },
	{ NAME(OUTSD), IN_FLAT3, VEC_GP, NO_IO },
#define ELSEWHERE "pushes on the stack of the handler, which is another"
	{ NAME(INT), IN_CPL3, VEC_GP, "its gate is not for CPL 3" },
	{ NAME(INT1), ANYWHERE, VEC_DB, ELSEWHERE },
	{ NAME(INT3), ANYWHERE, VEC_BP, ELSEWHERE },
	{ NAME(INTO), ANYWHERE, VEC_OF, ELSEWHERE },
	{ NAME(INTO), ANYWHERE, TO_THE_END, "OF was 0 in all of its cases" },
};

/* Of 16-bit addresses in flat segments only the stack's and the code's forms reach a window. */
static const struct reason low_addresses = {
	.why = "16-bit addresses of a flat segment reach 64 KiB; the other modes take the form"
};

/* What a processor may lack that the tests run on (CPUID): its forms are undefined there. */
static const struct {
	ZydisISAExt ext;
	u32 leaf, subleaf;
	u8 reg, bit; /* EAX, EBX, ECX, EDX */
} bits[] = {
	{ ZYDIS_ISA_EXT_PCLMULQDQ, 1, 0, 2, 1 },  { ZYDIS_ISA_EXT_FMA, 1, 0, 2, 12 },
	{ ZYDIS_ISA_EXT_MOVBE, 1, 0, 2, 22 },	  { ZYDIS_ISA_EXT_AES, 1, 0, 2, 25 },
	{ ZYDIS_ISA_EXT_AVXAES, 1, 0, 2, 25 },	  { ZYDIS_ISA_EXT_XSAVE, 1, 0, 2, 26 },
	{ ZYDIS_ISA_EXT_AVX, 1, 0, 2, 28 },	  { ZYDIS_ISA_EXT_F16C, 1, 0, 2, 29 },
	{ ZYDIS_ISA_EXT_BMI1, 7, 0, 1, 3 },	  { ZYDIS_ISA_EXT_AVX2, 7, 0, 1, 5 },
	{ ZYDIS_ISA_EXT_AVX2GATHER, 7, 0, 1, 5 }, { ZYDIS_ISA_EXT_BMI2, 7, 0, 1, 8 },
	{ ZYDIS_ISA_EXT_ADOX_ADCX, 7, 0, 1, 19 }, { ZYDIS_ISA_EXT_CLFLUSHOPT, 7, 0, 1, 23 },
	{ ZYDIS_ISA_EXT_CLWB, 7, 0, 1, 24 },	  { ZYDIS_ISA_EXT_SHA, 7, 0, 1, 29 },
	{ ZYDIS_ISA_EXT_XSAVEOPT, 0xd, 1, 0, 0 },
};

static bool host_lacks(ZydisISAExt ext)
{
	for (unsigned i = 0; i < ARRAY_SIZE(bits); i++) {
		u32 r[4];

		if (bits[i].ext != ext)
			continue;
		__cpuid_count(bits[i].leaf, bits[i].subleaf, r[0], r[1], r[2], r[3]);
		return !upper_exist() || !(r[bits[i].reg] & BIT(bits[i].bit));
	}
	return false;
}

static const struct reason missing = {
	.why = "an extension that the processor beneath does not have",
};

static bool is_where(const struct diff_case *c, enum where w)
{
	const struct case_layout *l = case_layout(c->mode);

	switch (w) {
	case IN_FLAT:
		return c->mode == CASE_FLAT3 || c->mode == CASE_PAGED0;
	case IN_FLAT3:
		return c->mode == CASE_FLAT3;
	case IN_CPL3:
		return l->cpl == 3;
	case IN_TASKS:
		return l->tasks;
	case IN_V86:
		return l->v86;
	default:
		return true;
	}
}

static const struct reason *reason_of(const struct form *f, const struct diff_case *c,
				      unsigned vector)
{
	if (vector == VEC_UD && host_lacks(f->in.meta.isa_ext))
		return &missing;
	if (f->in.address_width == 16 && vector == VEC_PF && is_where(c, IN_FLAT))
		return &low_addresses;
	for (unsigned i = 0; i < ARRAY_SIZE(reasons); i++) {
		const struct reason *r = &reasons[i];

		if ((r->mnemonic ? r->mnemonic == f->in.mnemonic : r->ext == f->in.meta.isa_ext) &&
		    r->vector == vector && is_where(c, r->where))
			return r;
	}
	return NULL;
}

/* --- Running --- */

static struct diff_case c;
static enum case_mode mode;
static u64 seed = 1, rounds = 1, each = 1, only = ~0ull;
static bool verbose;
static u64 number; /* of the form, in its mode */
static struct {
	u64 forms, faulted, listed;
} count;
static u64 unexplained;

static void no_fault(const struct form *f, bool ended, unsigned vector)
{
	const struct reason *r = ended ? reason_of(f, &c, vector) : NULL;

	if (r) {
		count.listed++;
		if (verbose)
			printf("%s: %s, vector %u: %s\n", case_mode_name[mode],
			       ZydisMnemonicGetString(f->in.mnemonic), vector, r->why);
		return;
	}
	if (unexplained++ >= 20 && !verbose)
		return;
	printf("%s: %s (", case_mode_name[mode], ZydisMnemonicGetString(f->in.mnemonic));
	for (unsigned i = 0; i < f->len; i++)
		printf("%02x ", f->head[i]);
	printf("/%u, %s) touches no page, %s %u, and is not on the list (INDEX %llu)\n", f->reg,
	       ZydisISAExtGetString(f->in.meta.isa_ext), ended ? "vector" : "without an end",
	       vector, (unsigned long long)c.index);
}

/* Whether the case faulted on a page of data or stack. */
static bool one_case(const struct form *f, u64 index, bool *ended, unsigned *vector)
{
	u64 before = disturb_count.data;
	const struct outcome *o;

	if (!form_case(&c, f, mode, seed, index, (unsigned)(index % FORM_TURNS)))
		return false;
	if (getenv("DIFF_VERBOSE"))
		fprintf(stderr, "%s %llu\n", case_mode_name[mode], (unsigned long long)index);
	o = disturb_begin(&c);
	if (!o)
		return false;
	*ended = true;
	*vector = o->end.vector == VEC_UD && o->end.eip == c.end ? TO_THE_END : o->end.vector;
	disturb_pages();
	return disturb_count.data != before;
}

static void one_form(const struct form *f)
{
	u64 first = number * FORM_TURNS * rounds, turns = FORM_TURNS * rounds;
	bool faulted = false, ended = false;
	unsigned vector = 0;

	if ((number++ + seed) % each || (only != ~0ull && only - first >= turns))
		return;
	for (u64 i = first; i < first + turns; i++)
		if (only == ~0ull || only == i)
			faulted |= one_case(f, i, &ended, &vector);
	count.forms++;
	if (faulted && verbose)
		printf("%s: %s, INDEX %llu to %llu\n", case_mode_name[mode],
		       ZydisMnemonicGetString(f->in.mnemonic), (unsigned long long)first,
		       (unsigned long long)(first + turns - 1));
	if (faulted)
		count.faulted++;
	else
		no_fault(f, ended, vector);
}

static void one_mode(enum case_mode m)
{
	u64 faults = disturb_count.faults;

	mode = m;
	number = 0;
	memset(&count, 0, sizeof(count));
	form_each(case_layout(m)->code16, one_form);
	printf("%s: %llu forms, %llu faulted on data or stack, %llu on the list; %llu faults\n",
	       case_mode_name[m], (unsigned long long)count.forms,
	       (unsigned long long)count.faulted, (unsigned long long)count.listed,
	       (unsigned long long)(disturb_count.faults - faults));
}

int main(int argc, char **argv)
{
	static const enum case_mode modes[] = { CASE_FLAT3, CASE_PAGED0, CASE_PAGED_SEGS,
						CASE_PAGED16, CASE_PAGED_V86 };
	const char *name = NULL;
	bool native = true;
	u64 failed;
	int opt, err;

	while ((opt = getopt(argc, argv, "m:r:e:s:i:N0v")) != -1) {
		if (opt == 'm')
			name = optarg;
		else if (opt == 'r')
			rounds = strtoull(optarg, NULL, 0);
		else if (opt == 'e')
			each = strtoull(optarg, NULL, 0);
		else if (opt == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (opt == 'i')
			only = strtoull(optarg, NULL, 0);
		else if (opt == 'N')
			native = false;
		else if (opt == '0')
			processor_ours.base_0 = true, native = false;
		else if (opt == 'v')
			verbose = true;
		else
			return 2;
	}
	disturb_program = "build/diff/fault_forms";
	err = upper_keep(argv) ? disturb_init(native) : -1;
	if (err) {
		if (err != PROCESSOR_NOT_HERE)
			fprintf(stderr, "fault_forms: a processor cannot be set up\n");
		return err == PROCESSOR_NOT_HERE ? err : 2;
	}
	machine_trap_install();
	for (unsigned i = 0; i < ARRAY_SIZE(modes); i++)
		if (!name || !strcmp(name, case_mode_name[modes[i]]))
			one_mode(modes[i]);
	failed = disturb_count.failed + unexplained;
	printf("page faults of each form, %llu beside the real processor: %llu passed, %llu "
	       "failed\n",
	       (unsigned long long)disturb_count.on_native,
	       (unsigned long long)(disturb_count.faults -
				    MIN(disturb_count.faults, disturb_count.failed)),
	       (unsigned long long)failed);
	return failed || !disturb_count.faults ? 1 : 0;
}
