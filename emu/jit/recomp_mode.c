/* SPDX-License-Identifier: MIT */
/*
 * The mode key: what translated code depends on besides its bytes and EIP, and the number (tag)
 * that stands for it in the look-up table.
 */
#include "emu/jit/recomp_mode.h"
#include "emu/cpu/operand.h"

#include "emu/block/block.h"
#include "emu/cpu/semantics.h"
#include "emu/cpu/stops.h"
#include "emu/trans/stub_real.h"
#include "emu/trans/stub_ring.h"
#include "kernel/base/count.h"
#include "kernel/base/string.h"

#define TAG_LAST 0xfffffffeu

/* Data that grow upwards and may be written. */
static bool is_plain_data(const struct cpu_segment *s)
{
	return !(s->attr & (SEG_ATTR_UNUSABLE | SEG_ATTR_CODE)) &&
	       (s->attr & (SEG_ATTR_WRITE | SEG_ATTR_DOWN)) == SEG_ATTR_WRITE;
}

static unsigned seg_class(const struct cpu *cpu, const struct cpu_segment *s)
{
	bool ok = is_plain_data(s) ||
		  (!(s->attr & SEG_ATTR_UNUSABLE) && (s->attr & SEG_ATTR_CODE) &&
		   s == &cpu->seg[SEG_CS] && (s->attr & SEG_ATTR_WRITE)); /* readable */

	if (ok && s->limit == 0xffff)
		return CLASS_64K;
	if (!ok || s->limit != 0xffffffff)
		return CLASS_CHECKED;
	return s->base ? CLASS_BASED : CLASS_FLAT;
}

/*
 * Systems leave one of FS and GS to programs, and the kernel loads the other on its way in: code
 * would be translated twice, and look-ups miss at each system call. So in protected mode code does
 * not depend on which of null, flat and based FS is (a limit matters: Windows has one), nor on what
 * GS is.
 */
static unsigned thread_class(const struct cpu *cpu, unsigned s)
{
	unsigned class = seg_class(cpu, &cpu->seg[s]);

	if (!cpu_protected(cpu) || cpu_v86(cpu))
		return class;
	if (s == SEG_FS && class > CLASS_BASED && !(cpu->seg[s].attr & SEG_ATTR_UNUSABLE))
		return class;
	return CLASS_BASED;
}

/* Six segments of 64 KiB, as V86 mode always has them. */
#define ALL_64K                                                        \
	(CLASS_64K << KEY_SEG(SEG_ES) | CLASS_64K << KEY_SEG(SEG_CS) | \
	 CLASS_64K << KEY_SEG(SEG_SS) | CLASS_64K << KEY_SEG(SEG_DS) | \
	 CLASS_64K << KEY_SEG(SEG_FS) | CLASS_64K << KEY_SEG(SEG_GS))

static bool mode_is_64k(u32 mode)
{
	return (mode & ALL_64K) == ALL_64K;
}

static u32 segment_classes(const struct cpu *cpu)
{
	u32 key = 0;

	if (cpu_v86(cpu))
		return ALL_64K;
	for (unsigned s = 0; s < SEG_FS; s++) {
		unsigned class = seg_class(cpu, &cpu->seg[s]);

		key |= class << KEY_SEG(s);
		if (class == CLASS_CHECKED && is_plain_data(&cpu->seg[s]))
			key |= KEY_LIMIT(s);
	}
	return key | thread_class(cpu, SEG_FS) << KEY_SEG(SEG_FS) |
	       thread_class(cpu, SEG_GS) << KEY_SEG(SEG_GS);
}

static u32 compute_mode(const struct cpu *cpu)
{
	u32 key = 0;

	if (cpu->seg[SEG_CS].attr & SEG_ATTR_DB)
		key |= KEY_D;
	if (cpu->seg[SEG_SS].attr & SEG_ATTR_DB)
		key |= KEY_B;
	if (cpu->cr0 & CR0_PE)
		key |= KEY_PE;
	if (cpu_v86(cpu))
		key |= KEY_VM;
	if (cpu->cpl == 3)
		key |= KEY_CPL3;
	if (cpu->cpl <= cpu_iopl(cpu))
		key |= KEY_IOPL;
	if (cpu->eflags & EFLAGS_TF)
		key |= KEY_TF;
	if (cpu_align_checked(cpu))
		key |= KEY_SLOW; /* every access is looked at */
	if (cpu->cr0 & (CR0_TS | CR0_EM))
		key |= KEY_NOX87;
	if ((cpu->cr0 & (CR0_TS | CR0_EM)) || !(cpu->cr4 & CR4_OSFXSR))
		key |= KEY_NOSSE;
	if (!cpu_avx_enabled(cpu))
		key |= KEY_NOAVX;
	if (cpu_tsc_trapped(cpu))
		key |= KEY_TSD;
	return key | segment_classes(cpu);
}

static const u32 *thread_base(const struct recomp *r, unsigned seg)
{
	const struct cpu *cpu = r->cpu;
	unsigned class = seg_class(cpu, &cpu->seg[seg]);
	/* Code that expects 64 KiB looks at the offset itself. */
	bool usable =
		class <= CLASS_BASED || (class == CLASS_64K && thread_class(cpu, seg) == CLASS_64K);

	return usable ? &cpu->seg[seg].base : recomp_thread_trap(r);
}

static void set_thread_base(struct recomp *r, unsigned seg)
{
	r->cpu->thread_base[seg - SEG_FS] = thread_base(r, seg);
}

static void set_quiet_flags(struct cpu *cpu)
{
	cpu->quiet_flags_df[0] = cpu->eflags & ~(EFLAGS_ARITH | EFLAGS_ONE | EFLAGS_RF);
	cpu->quiet_flags_df[1] = cpu->quiet_flags_df[0] | EFLAGS_DF;
}

static struct mode_inputs inputs_of(const struct cpu *cpu)
{
	return (struct mode_inputs){ .cr0 = cpu->cr0,
				     .cr4 = cpu->cr4,
				     .eflags = cpu->eflags & ~EFLAGS_ARITH,
				     .cpl = cpu->cpl,
				     .xcr0 = (u32)cpu->xcr0,
				     .tsc_offset = cpu->msr.tsc_offset };
}

/* In one piece: they are the same nearly always. */
static inline bool same_inputs(const struct cpu *cpu, const struct mode_inputs *m)
{
	return !((m->cr0 ^ cpu->cr0) | (m->cr4 ^ cpu->cr4) | (m->cpl ^ cpu->cpl) |
		 ((m->eflags ^ cpu->eflags) & ~EFLAGS_ARITH) | (m->xcr0 ^ (u32)cpu->xcr0) |
		 (m->tsc_offset ^ cpu->msr.tsc_offset));
}

static bool same_but_for_bases(const struct cpu *cpu, const struct cpu_segment *was)
{
	u32 differ = 0;

	for (unsigned s = 0; s < SEG_COUNT; s++) {
		const struct cpu_segment *now = &cpu->seg[s];

		differ |= (u32)(now->attr ^ was[s].attr) | (now->limit ^ was[s].limit);
		if (now->limit != 0xffff)
			differ |= now->base ^ was[s].base;
	}
	return !differ;
}

/*
 * Translated code of real mode changes selectors and bases of segments of 64 KiB, which the mode
 * does not depend on, without telling. Two segments are three words; in each bytes that matter.
 */
static inline bool same_real_segments(const struct cpu *cpu, const struct cpu_segment *was,
				      u32 mode)
{
	const u64 attr = 0xffff0000, limit = 0xffffffff;
	const u64 *x = (const void *)cpu->seg, *y = (const void *)was;
	u64 differ[3] = { 0 };

	_Static_assert(2 * sizeof(struct cpu_segment) == sizeof(differ) && SEG_COUNT == 6,
		       "as it is compared");
#pragma GCC unroll 9
	for (unsigned i = 0; i < 9; i++)
		differ[i % 3] |= x[i] ^ y[i];
	if (mode_is_64k(mode))
		return !((differ[0] & attr) | (differ[1] & (attr << 32 | limit)) |
			 (differ[2] & limit << 32));
	return same_but_for_bases(cpu, was);
}

/* The other inputs are the same. */
static inline bool same_mode_segments(const struct cpu *cpu, const struct cpu_segment *was,
				      u32 mode)
{
	if (cpu_v86(cpu))
		return true;
	return cpu_protected(cpu) ? cpu_same_segments(cpu->seg, was)
				  : same_real_segments(cpu, was, mode);
}

/*
 * What was found out for this state before: whoever changes between two levels comes back to the
 * same few. Segments of V86 mode are its own always, whatever their bases.
 */
static inline struct mode_known *known_mode(struct recomp *r)
{
	const struct cpu *cpu = r->cpu;
	bool v86 = cpu_v86(cpu);
	u32 at = v86 ? 0
		     : (u32)cpu->seg[SEG_CS].sel >> 3 ^ (u32)cpu->seg[SEG_DS].sel >> 3 << 1 ^
				 (u32)cpu->cpl << 2;
	struct mode_known *k = &r->mode_known[at % MODES_KNOWN];

	if (k->is && same_inputs(cpu, &k->of) && same_mode_segments(cpu, k->seg, k->mode))
		return k;
	k->is = true;
	k->of = inputs_of(cpu);
	__builtin_memcpy(k->seg, cpu->seg, sizeof(k->seg));
	k->mode = compute_mode(cpu);
	k->tag = (struct tag){ .key = KEY_NONE };
	k->thread_base[0] = thread_base(r, SEG_FS);
	k->thread_base[1] = thread_base(r, SEG_GS);
	return k;
}

/* Of all levels: what a change of ring that was noted led to does not depend on them. */
static inline bool same_control(const struct mode_inputs *a, const struct mode_inputs *b)
{
	return !((a->cr0 ^ b->cr0) | (a->cr4 ^ b->cr4) | (a->xcr0 ^ b->xcr0) |
		 (a->tsc_offset ^ b->tsc_offset));
}

static inline struct mode_known *change_to_known(struct recomp *r)
{
	struct cpu *cpu = r->cpu;
	struct mode_known *k = known_mode(r);
	u32 was = r->mode, paged = r->mode_of.cr0 & CR0_PG;

	if (!same_control(&r->mode_of, &k->of))
		stub_ring_forget(r);
	__builtin_memcpy(cpu->mode_seg, cpu->seg, sizeof(cpu->mode_seg));
	r->mode_of = k->of;
	r->mode = k->mode;
	cpu->thread_base[0] = k->thread_base[0];
	cpu->thread_base[1] = k->thread_base[1];
	set_quiet_flags(cpu);
	if (((was ^ r->mode) & (KEY_PE | KEY_VM)) || ((paged ^ cpu->cr0) & CR0_PG))
		cpu_stop_event(cpu, STOP_MODE, 0, 1, 0);
	return k;
}

/* Kept out of the way of those who are in the same mode still. */
static __attribute__((noinline)) u32 change_mode(struct recomp *r)
{
	return change_to_known(r)->mode;
}

/* Computing it takes some hundred instructions; comparing what it is made of, fifty. */
u32 recomp_mode(struct recomp *r)
{
	const struct cpu *cpu = r->cpu;

	if (same_inputs(cpu, &r->mode_of) && same_mode_segments(cpu, cpu->mode_seg, r->mode))
		return r->mode;
	return change_mode(r);
}

u32 recomp_mode_segment(struct recomp *r, unsigned seg)
{
	struct cpu *cpu = r->cpu;

	if (seg == SEG_SS || seg == SEG_CS)
		return recomp_mode(r);
	cpu->mode_seg[seg] = cpu->seg[seg];
	if (seg >= SEG_FS)
		set_thread_base(r, seg);
	r->mode &= ~(3u << KEY_SEG(seg));
	r->mode |= (seg >= SEG_FS ? thread_class(cpu, seg) : seg_class(cpu, &cpu->seg[seg]))
		   << KEY_SEG(seg);
	return r->mode;
}

/*
 * The number of (mode key, mapping, base and limit of CS) in the upper half. They are wider than
 * that together, so they are numbered as they come; one that was forgotten gets a new number, and
 * its entries are void.
 */
static u64 find_tag(struct recomp *r, u32 key)
{
	u32 mapping = r->mapping[key & KEY_CPL3 ? 1 : 0], base = r->cpu->seg[SEG_CS].base;
	u32 limit = r->cpu->seg[SEG_CS].limit;
	u32 hash = key * 0x9e3779b1u ^ mapping * 0x85ebca6bu ^ base * 0xc2b2ae35u ^
		   limit * 0x27d4eb2fu;
	struct tag *t = &r->tag_cache[hash >> 16 & (TAG_CACHE - 1)];

	if (t->number && t->key == key && t->mapping == mapping && t->base == base &&
	    t->limit == limit)
		return (u64)t->number << 32;
	if (++r->tags == TAG_LAST) {
		block_clear_lookup(r);
		memset(r->tag_cache, 0, sizeof(r->tag_cache));
		memset(r->tag_last, 0xff, sizeof(r->tag_last)); /* KEY_NONE */
		memset(r->mode_known, 0, sizeof(r->mode_known));
		stub_real_forget(r);
		stub_ring_forget(r);
		cpu_tables_moved(r->cpu); /* struct cpu_reload has tags */
		r->tags = 1;
	}
	*t = (struct tag){ key, mapping, base, limit, r->tags };
	return (u64)t->number << 32;
}

/* By *t, which is one that was asked for lately. */
static inline u64 tag_by(struct recomp *r, u32 key, struct tag *t)
{
	const struct cpu_segment *cs = &r->cpu->seg[SEG_CS];
	bool cpl3 = key & KEY_CPL3;
	u32 mapping = r->mapping[cpl3];

	if ((t->key ^ key) | (t->mapping ^ mapping) | (t->base ^ cs->base) | (t->limit ^ cs->limit))
		*t = (struct tag){ key, mapping, cs->base, cs->limit,
				   (u32)(find_tag(r, key) >> 32) };
	return (u64)t->number << 32;
}

u64 recomp_tag(struct recomp *r, u32 key)
{
	return tag_by(r, key, &r->tag_last[key * 0x9e3779b1u >> (32 - TAGS_LAST_BITS)]);
}

/* From here on look-up entries of this key match. False: an event is pending. */
static inline bool set_tag(struct recomp *r, u32 key, u64 tag)
{
	struct cpu *cpu = r->cpu;

	r->tag = tag;
	if ((key & (KEY_PE | KEY_VM)) != KEY_PE)
		stub_real_note_tag(r, key);
	cpu->poll = r->cfg.poll_quiet;
	cpu->lookup_tag = r->tag;
	return !cpu_must_stop(cpu) || cpu->shadow;
}

bool recomp_seek(struct recomp *r, u32 key)
{
	cpu_env(r->cpu)->code_sought(r->cpu);
	return set_tag(r, key, recomp_tag(r, key));
}

bool recomp_shadow_is_quiet(const struct recomp *r)
{
	const struct cpu *cpu = r->cpu;

	return !cpu_must_stop(cpu) && !cpu->debug_hits && !cpu->watch.codes && !cpu->stops.kinds &&
	       !cpu->stops.vectors && !cpu_rep_stepped(cpu);
}

/* Must the dispatcher look at what was, or at what comes? */
static bool dispatcher_asked(const struct recomp *r)
{
	const struct cpu *cpu = r->cpu;

	return r->code_changed || r->flush_wanted || r->step_slow || cpu->events ||
	       cpu->debug_hits || cpu->watch.codes || (r->edge_key & (KEY_TF | KEY_SLOW)) ||
	       (cpu->shadow && !recomp_shadow_is_quiet(r));
}

/* At EIP, if code is known there whose tag is r->tag. */
static inline bool go_on(struct recomp *r, u32 key)
{
	struct cpu *cpu = r->cpu;
	const struct lookup_entry *l = &r->lookup[cpu->eip & 0xffff];

	if (l->minus_tag + r->tag + cpu->eip)
		return false;
	if (cpu->shadow) {
		block_hold_events(r, l->code);
		cpu->shadow = 0;
	}
	cpu->eflags &= ~EFLAGS_RF;
	r->edge_key = key;
	r->go_on = l->code;
	COUNT(r->stats.went_on);
	return true;
}

bool recomp_go_on(struct recomp *r)
{
	u32 key;

	if (dispatcher_asked(r) || cpu_env(r->cpu)->want_leave(r->cpu))
		return false;
	key = recomp_mode(r);
	return !(key & (KEY_TF | KEY_SLOW)) && recomp_seek(r, key) && go_on(r, key);
}

/* Whoever changes the level comes to another mode: it is not compared with the one that was. */
bool recomp_go_on_changed(struct recomp *r)
{
	struct cpu *cpu = r->cpu;
	struct mode_known *k;

	if (dispatcher_asked(r) || cpu_env(cpu)->want_leave(cpu))
		return false;
	k = change_to_known(r);
	if (k->mode & (KEY_TF | KEY_SLOW))
		return false;
	cpu_env(cpu)->code_sought(cpu);
	return set_tag(r, k->mode, tag_by(r, k->mode, &k->tag)) && go_on(r, k->mode);
}

bool recomp_go_on_as(struct recomp *r, u32 key)
{
	return !dispatcher_asked(r) && set_tag(r, key, recomp_tag(r, key)) && go_on(r, key);
}
