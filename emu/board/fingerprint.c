/* SPDX-License-Identifier: MIT */
/*
 * Saves the facts that a stream's two machines must share, and compares loaded facts with those of
 * this machine. The first difference is the stream's failure.
 */
#include "emu/board/fingerprint.h"

#include "emu/cpu/cpu_model.h"
#include "emu/cpu/env.h"

#define FINGERPRINT_VERSION 3 /* 2: MTRRs in CPUID; 3: cpu = */

#define NOW_MAX	  (BIT64(62) - 1) /* 146 years: deadlines behind it do not wrap */
#define TSC_SLACK 50u		  /* a fiftieth: clocks are measured, and not twice the same */

static const struct {
	u32 leaf, subleaf;
	u32 changes[4]; /* bits that follow CR4, XCR0 and which processor runs it */
} leaf[FINGERPRINT_LEAVES] = {
	{ 0, 0, { 0 } },
	/* APIC ID; OSXSAVE, TSC deadline; APIC: it can be switched off */
	{ 1, 0, { 0, 0xff000000, BIT(27) | BIT(24), BIT(9) } },
	{ 7, 0, { 0 } },
	{ 0xd, 0, { 0, ~0u, 0, 0 } }, /* size of what is enabled */
	{ 0xd, 1, { 0, ~0u, 0, 0 } },
	{ 0xd, 2, { 0 } },
	{ 0x80000000, 0, { 0 } },
	{ 0x80000001, 0, { 0, 0, 0, BIT(9) } },
	{ 0x80000007, 0, { 0 } },
	{ 0x80000008, 0, { 0 } },
};

void fingerprint_cpuid(struct fingerprint *f, struct cpu *cpu)
{
	for (unsigned i = 0; i < FINGERPRINT_LEAVES; i++) {
		cpu_env(cpu)->cpuid(cpu, leaf[i].leaf, leaf[i].subleaf, f->id[i]);
		for (unsigned r = 0; r < 4; r++)
			f->id[i][r] &= ~leaf[i].changes[r];
	}
}

/* Of register r of a leaf, bits that guests are told of since version 2. */
static u32 new_bits(u32 leaf_number, unsigned r)
{
	bool features = leaf_number == 1 || leaf_number == 0x80000001;

	return features && r == 3 ? BIT(12) /* MTRR */ : 0;
}

static void cpuid_state(struct fingerprint *f, struct snap *s)
{
	static const char *const reg[] = { "EAX", "EBX", "ECX", "EDX" };

	for (unsigned i = 0; i < FINGERPRINT_LEAVES; i++) {
		for (unsigned r = 0; r < 4; r++) {
			u32 id = f->id[i][r];

			snap_u32(s, id);
			if (s->loading && s->version < 2)
				id |= f->id[i][r] & new_bits(leaf[i].leaf, r);
			if (id != f->id[i][r])
				snap_fail(s,
					  "another processor: CPUID leaf %x, %s was %08x, "
					  "and is %08x here",
					  leaf[i].leaf, reg[r], id, f->id[i][r]);
		}
	}
}

static void check(const struct fingerprint *here, const struct fingerprint *saved, struct snap *s)
{
	u32 differ = here->tsc_khz > saved->tsc_khz ? here->tsc_khz - saved->tsc_khz
						    : saved->tsc_khz - here->tsc_khz;

	if (saved->ram_size != here->ram_size)
		snap_fail(s, "a machine with memory = %lluK; this one has %lluK",
			  (unsigned long long)(saved->ram_size / KiB),
			  (unsigned long long)(here->ram_size / KiB));
	if (saved->debug_exit != here->debug_exit)
		snap_fail(s, "a machine with debug_exit = %s", saved->debug_exit ? "yes" : "no");
	if (saved->model != here->model)
		snap_fail(s, "a machine with cpu = %s; this one has cpu = %s",
			  cpu_model_word(saved->model), cpu_model_word(here->model));
	if (differ > here->tsc_khz / TSC_SLACK)
		snap_fail(s, "its TSC ran at %u kHz; here it runs at %u kHz", saved->tsc_khz,
			  here->tsc_khz);
}

void fingerprint_state(struct fingerprint *f, struct snap *s)
{
	struct fingerprint saved = *f;

	if (s->loading) /* before version 3 there was no other */
		saved.model = MODEL_HOST;

	if (snap_begin(s, "machine", FINGERPRINT_VERSION)) {
		snap_u64(s, saved.ram_size);
		snap_bool(s, saved.debug_exit);
		snap_u32(s, saved.tsc_khz);
		snap_range(s, saved.now, 0, NOW_MAX);
		snap_u64(s, saved.tsc);
		if (!s->loading || s->version >= 3)
			snap_u32(s, saved.model);
		if (s->loading)
			check(f, &saved, s);
		cpuid_state(&saved, s);
	}
	snap_end(s);
	if (!snap_ok(s))
		return;
	s->now = f->now = saved.now;
	f->tsc = saved.tsc;
}
