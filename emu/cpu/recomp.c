/* SPDX-License-Identifier: MIT */
/*
 * The recompiler's life, dispatcher and traps. recomp_run() is the loop around translated code:
 *
 *   1. events   2. where are we (mode key, block)   3. run it   4. why did it come back
 */
#include "emu/cpu/recomp.h"

#include "emu/cpu/block.h"
#include "emu/cpu/recomp_slow.h"
#include "emu/cpu/recomp_stubs.h"
#include "emu/cpu/translate.h"
#include "emu/mem/gpmem.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"

#define TAG_NEVER     0xffffffff00000000ull
#define TRAPPED	      0x7fffffffu
#define TAG_LAST      0xfffffffeu
#define SLOTS_SHARE   12u  /* one twelfth of the cache */
#define BYTES_A_BLOCK 320u /* of emitted code; Linux has 410 */
#define ARENA_SHARE(cache) \
	((cache) / 8 * 5) /* tables and sites take 0.7 of what the code takes \
			   */

static void code_written(void *ctx, gpa_t gpa, u32 len)
{
	recomp_written(ctx, gpa, len);
}

int recomp_create(struct cpu *cpu, const struct recomp_config *config)
{
	struct recomp *r = mem_alloc(sizeof(*r));

	if (!r)
		return E_NOMEM;
	r->cfg = *config;
	r->cpu = cpu;
	r->slot_max = (u32)(config->cache_size / SLOTS_SHARE / sizeof(u64));
	r->slot_start = (u32)config->cache_size - r->slot_max * (u32)sizeof(u64);
	r->block_max = (u32)(config->cache_size / BYTES_A_BLOCK);
	r->arena_size = (u32)ARENA_SHARE(config->cache_size);
	r->lookup = mem_alloc(LOOKUP_ENTRIES * sizeof(*r->lookup));
	r->block = mem_alloc(r->block_max * sizeof(*r->block));
	r->arena = mem_alloc(r->arena_size);
	r->slot = mem_alloc(r->slot_max * sizeof(*r->slot));
	cpu->recomp = r;
	if (!r->lookup || !r->block || !r->arena || !r->slot) {
		recomp_destroy(cpu);
		return E_NOMEM;
	}
	cpu->lookup_table = (u64)r->lookup;
	cpu->poll = config->poll_quiet;
	cpu->lookup_tag = TAG_NEVER;
	recomp_emit_stubs(r, &(struct stub_targets){ (const void *)recomp_hard,
						     (const void *)recomp_segment,
						     (const void *)recomp_slow_read,
						     (const void *)recomp_slow_write });
	if (cpu->mem) {
		cpu->mem->watcher[0].written = code_written;
		cpu->mem->watcher[0].ctx = r;
	}
	block_drop_all(r);
	return 0;
}

void recomp_destroy(struct cpu *cpu)
{
	struct recomp *r = cpu->recomp;

	if (!r)
		return;
	if (r->lookup)
		block_drop_all(r);
	if (cpu->mem)
		cpu->mem->watcher[0].written = NULL;
	mem_free(r->lookup);
	mem_free(r->block);
	mem_free(r->arena);
	mem_free(r->slot);
	mem_free(r);
	cpu->recomp = NULL;
}

/* --- Events */

void recomp_signal(struct cpu *cpu, u32 events)
{
	__atomic_fetch_or(&cpu->events, events, __ATOMIC_SEQ_CST);
	if (!cpu->recomp)
		return;
	cpu->poll = cpu->recomp->cfg.poll_signal;
	cpu->lookup_tag = TAG_NEVER;
}

void recomp_unsignal(struct cpu *cpu, u32 events)
{
	__atomic_fetch_and(&cpu->events, ~events, __ATOMIC_SEQ_CST);
}

static bool deliverable(const struct cpu *cpu)
{
	return (cpu->events & CPU_EVENT_YIELD) ||
	       (cpu->events & CPU_EVENT_NMI && !cpu->nmi_blocked) ||
	       (cpu->events & CPU_EVENT_INTR && cpu->vif);
}

/* --- Where are we */

static unsigned seg_class(const struct cpu *cpu, const struct cpu_segment *s)
{
	bool ok = !(s->attr & SEG_ATTR_UNUSABLE) &&
		  (s->attr & SEG_ATTR_CODE
			   ? s == &cpu->seg[SEG_CS] && (s->attr & SEG_ATTR_WRITE) /* readable */
			   : (s->attr & (SEG_ATTR_WRITE | SEG_ATTR_DOWN)) == SEG_ATTR_WRITE);

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

static u32 compute_mode(const struct cpu *cpu)
{
	u32 key = 0;
	unsigned iopl = (cpu->eflags & EFLAGS_IOPL) >> 12;

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
	if (cpu->cpl <= iopl && !cpu_v86(cpu))
		key |= KEY_IOPL;
	if (cpu->eflags & EFLAGS_TF)
		key |= KEY_TF;
	if (cpu_debug_armed(cpu) || cpu_align_checked(cpu))
		key |= KEY_SLOW; /* every access is looked at, every instruction is a boundary */
	if (cpu->cr0 & (CR0_TS | CR0_EM))
		key |= KEY_NOX87;
	if ((cpu->cr0 & (CR0_TS | CR0_EM)) || !(cpu->cr4 & CR4_OSFXSR))
		key |= KEY_NOSSE;
	if ((cpu->cr4 & CR4_TSD) && cpu->cpl == 3)
		key |= KEY_TSD;
	for (unsigned s = 0; s < SEG_FS; s++)
		key |= seg_class(cpu, &cpu->seg[s]) << KEY_SEG(s);
	return key | thread_class(cpu, SEG_FS) << KEY_SEG(SEG_FS) |
	       thread_class(cpu, SEG_GS) << KEY_SEG(SEG_GS);
}

static void set_thread_base(struct recomp *r, unsigned seg)
{
	struct cpu *cpu = r->cpu;

	cpu->thread_base[seg - SEG_FS] = seg_class(cpu, &cpu->seg[seg]) <= CLASS_BASED
						 ? &cpu->seg[seg].base
						 : recomp_thread_trap(r);
}

static void set_quiet_flags(struct cpu *cpu)
{
	cpu->quiet_flags_df[0] = cpu->eflags & ~(EFLAGS_ARITH | EFLAGS_ONE | EFLAGS_RF);
	cpu->quiet_flags_df[1] = cpu->quiet_flags_df[0] | EFLAGS_DF;
}

static bool same_inputs(const struct cpu *cpu, const struct mode_inputs *m)
{
	return cpu_same_segments(cpu->seg, cpu->mode_seg) && m->cr0 == cpu->cr0 &&
	       m->cr4 == cpu->cr4 && m->cpl == cpu->cpl &&
	       !((m->eflags ^ cpu->eflags) & ~EFLAGS_ARITH) && m->dr7 == cpu->dr[7];
}

/* Computing it takes some hundred instructions; comparing what it is made of, fifty. */
u32 recomp_mode(struct recomp *r)
{
	const struct cpu *cpu = r->cpu;
	struct mode_inputs *m = &r->mode_of;

	if (same_inputs(cpu, m))
		return r->mode;
	memcpy(r->cpu->mode_seg, cpu->seg, sizeof(cpu->mode_seg));
	m->cr0 = cpu->cr0;
	m->cr4 = cpu->cr4;
	m->eflags = cpu->eflags;
	m->cpl = cpu->cpl;
	m->dr7 = cpu->dr[7];
	r->mode = compute_mode(cpu);
	set_thread_base(r, SEG_FS);
	set_thread_base(r, SEG_GS);
	set_quiet_flags(r->cpu);
	return r->mode;
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
u64 recomp_tag(struct recomp *r, u32 key)
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
		r->tags = 1;
	}
	*t = (struct tag){ key, mapping, base, limit, r->tags };
	return (u64)t->number << 32;
}

static bool second_page_same(struct cpu *cpu, const struct block *b, unsigned access)
{
	struct pagewalk w;

	return b->gpa[1] == ~0ull ||
	       (!cpu_probe(cpu, ((b->base + b->eip) | (PAGE_SIZE - 1)) + 1, access, &w) &&
		(w.gpa & PAGE_MASK) == b->gpa[1]);
}

/* Is the way from a block to an entry good only as long as the linear mapping is the same? */
static bool crosses(const struct block *from, const struct entry *to)
{
	return ((from->base + from->eip) ^ (to->block->base + to->eip)) >= PAGE_SIZE ||
	       ((from->gpa[0] ^ to->block->gpa[0]) & PAGE_MASK) != 0 || to->block->gpa[1] != ~0ull;
}

static void fill_lookup(struct recomp *r, u32 eip, u32 code)
{
	r->lookup[eip & 0xffff] =
		(struct lookup_entry){ -(r->tag + eip), (u64)r->cfg.cache_rx + code };
}

/* Where calls of a new block return to is known already; they take free entries only. */
static void expect_returns(struct recomp *r, const struct block *b, const struct trans *t)
{
	for (unsigned i = 0; i < t->returns; i++) {
		u32 eip = t->return_eip[i];
		const struct lookup_entry *l = &r->lookup[eip & 0xffff];
		int host = block_boundary(b->map, b->insns, eip - b->eip);

		if (host >= 0 && !l->minus_tag)
			fill_lookup(r, eip, b->code + (u32)host);
	}
}

/* The entry at another EIP, if it is known without looking: on b's page, or by the look-up table.
 */
static bool known_entry(struct recomp *r, const struct block *b, u32 eip, struct entry *out)
{
	u32 from = b->base + b->eip, to = b->base + eip;
	const struct lookup_entry *l = &r->lookup[eip & 0xffff];
	const struct entry *e = NULL;

	if (((from ^ to) & ~(PAGE_SIZE - 1)) == 0)
		e = block_find(r, (b->gpa[0] & PAGE_MASK) + (to & (PAGE_SIZE - 1)), eip, b->key);
	if (e)
		*out = *e;
	else if (l->minus_tag + r->tag + eip == 0)
		*out = (struct entry){ .block = block_at(r, (u32)(l->code - (u64)r->cfg.cache_rx)),
				       .eip = eip,
				       .code = (u32)(l->code - (u64)r->cfg.cache_rx) };
	else
		return false;
	return out->block && !out->block->dead;
}

/* Edges of a new block whose targets are translated already: no need to come to the dispatcher. */
static void link_known(struct recomp *r, struct block *b)
{
	for (unsigned i = 0; i < b->edges; i++) {
		struct entry e;

		if (known_entry(r, b, b->edge[i].target, &e))
			slot_link(r, b->edge[i].slot, &e, crosses(b, &e));
	}
}

static struct entry *translate(struct recomp *r, u32 key)
{
	struct trans *t = &r->trans;

	for (;;) {
		struct block *b;
		struct entry *e = NULL;

		if (r->flush_wanted || r->blocks == r->block_max ||
		    r->code_next + EMIT_BUFFER > r->slot_start)
			block_drop_all(r);
		b = translate_block(t, r, key);
		if (!b)
			return NULL;
		if (!r->flush_wanted)
			e = block_insert(r, b);
		if (e)
			return e;
	}
}

static struct entry *current_entry(struct recomp *r, u32 key)
{
	struct cpu *cpu = r->cpu;
	gla_t gla = cpu->seg[SEG_CS].base + cpu->eip;
	unsigned access = ACCESS_EXEC | (cpu->cpl == 3 ? ACCESS_USER : 0);
	const struct softtlb_entry *page;
	struct entry *e;
	bool new = false;

	if (r->flush_wanted)
		block_drop_all(r);
	if (cpu->eip > cpu->seg[SEG_CS].limit) {
		cpu_raise(cpu, VEC_GP, 0);
		return NULL;
	}
	page = cpu_translate(cpu, gla, access);
	if (!page)
		return NULL;
	e = block_find(r, page->gpa | (gla & (PAGE_SIZE - 1)), cpu->eip, key);
	if (!e || !second_page_same(cpu, e->block, access)) {
		e = translate(r, key);
		new = true;
	}
	if (!e)
		return NULL;
	if (key & (KEY_TF | KEY_SLOW))
		return e;
	r->direct = cpu_env(cpu)->code_found(cpu, gla);
	if (e->block->gpa[1] != ~0ull)
		cpu_env(cpu)->code_found(cpu, (gla | (PAGE_SIZE - 1)) + 1);
	if (!r->direct)
		return e;
	fill_lookup(r, e->eip, e->code);
	if (new) {
		expect_returns(r, e->block, &r->trans);
		link_known(r, e->block);
	}
	return e;
}

static struct edge *edge_at(const struct block *b, u32 offset)
{
	for (unsigned i = 0; i < b->edges; i++)
		if (b->edge[i].host == offset - b->code)
			return &b->edge[i];
	return NULL;
}

static u32 edge_target(struct recomp *r, u32 offset)
{
	const struct block *from = block_at(r, offset - 1);
	const struct edge *edge = from ? edge_at(from, offset) : NULL;

	if (!edge)
		panic("no edge at %x of the code cache", offset);
	return edge->target;
}

/*
 * Translated code came out by the edge whose stub ends at this offset, and goes on at e. An event
 * taken in between goes elsewhere than the edge does.
 */
static void link_edge(struct recomp *r, u32 offset, const struct entry *e)
{
	const struct block *to = e->block, *from = block_at(r, offset - 1);
	const struct edge *edge = from ? edge_at(from, offset) : NULL;

	if (!edge || edge->target != e->eip || from->dead || from->key != to->key ||
	    from->base != to->base || from->limit != to->limit)
		return;
	if (r->direct || !crosses(from, e))
		slot_link(r, edge->slot, e, crosses(from, e));
}

/* --- Running */

struct left {
	u64 result, edge;
};

static struct left enter(struct recomp *r, u64 code)
{
	typedef unsigned __int128 (*enter_fn)(struct cpu *, u64);
	enter_fn fn = (enter_fn)r->enter;
	unsigned __int128 v;

	cpu_env(r->cpu)->code_runs(r->cpu, true);
	v = fn(r->cpu, code);
	cpu_env(r->cpu)->code_runs(r->cpu, false);
	return (struct left){ (u32)v, (u32)(v >> 64) };
}

/* What a hard instruction or a trap ended with. True: leave recomp_run with *exit. */
static bool finish(struct recomp *r, enum cpu_result res, enum recomp_exit *exit)
{
	struct cpu *cpu = r->cpu;

	if (res == CPU_FAULT) {
		r->stats.faults_delivered++;
		res = cpu_deliver_fault(cpu);
	}
	if (res == CPU_SHUTDOWN) {
		*exit = RECOMP_SHUTDOWN;
		return true;
	}
	if (res == CPU_HALT) {
		cpu->halted = true;
		*exit = RECOMP_HALT;
		return true;
	}
	return false;
}

/* Delivers the #DB that is owed between two instructions, if one is. */
static bool debug_trap(struct recomp *r, u32 bits, enum recomp_exit *exit)
{
	return (bits | r->cpu->debug_hits) && cpu_debug_trap(r->cpu, bits) == CPU_FAULT &&
	       finish(r, CPU_FAULT, exit);
}

/* Is an instruction done? Of a repeated one an iteration is, when it left with RF set. */
static bool completed(const struct recomp *r, struct left l)
{
	return l.result == 0 || r->pending == CPU_JUMP || r->pending == CPU_HALT ||
	       (r->pending == CPU_RETRY && (r->cpu->eflags & EFLAGS_RF));
}

/*
 * What one step owes the debugger afterwards. tf, rf, hits: as they were before it. INT n clears TF
 * on its way and traps no more (SDM 3B 17.3.1.4); all else that was completed does.
 */
static bool after_step(struct recomp *r, struct left l, bool tf, u32 rf, u32 hits,
		       enum recomp_exit *exit)
{
	struct cpu *cpu = r->cpu;
	u32 bits = tf && !(l.result && r->entered_handler) ? DR6_BS : 0;

	if (!completed(r, l)) {
		cpu->debug_hits = hits;
		if (r->pending == CPU_RETRY)
			cpu->eflags |= rf;
		return finish(r, r->pending, exit);
	}
	if ((bits | cpu->debug_hits) && cpu_debug_trap(cpu, bits) == CPU_FAULT)
		return finish(r, CPU_FAULT, exit); /* wakes HLT, too */
	return l.result == 0 ? false : finish(r, r->pending, exit);
}

static bool take_events(struct recomp *r, enum recomp_exit *exit)
{
	struct cpu *cpu = r->cpu;

	if (cpu->events & CPU_EVENT_YIELD) {
		recomp_unsignal(cpu, CPU_EVENT_YIELD);
		*exit = RECOMP_EVENT;
		return true;
	}
	if (debug_trap(r, 0, exit))
		return true;
	if (cpu_take_events(cpu) == CPU_SHUTDOWN) {
		*exit = RECOMP_SHUTDOWN;
		return true;
	}
	return false;
}

/* Where to run from: by the look-up table, as translated code itself would; else by the page
 * tables. 0: fetch fault. */
static u64 find_code(struct recomp *r, u32 key, u32 edge)
{
	u32 eip = r->cpu->eip;
	const struct lookup_entry *l = &r->lookup[eip & 0xffff];
	u64 flushes = r->stats.cache_flushes;
	const struct entry *e;

	if (edge == SLOT_NONE && l->minus_tag + r->tag + eip == 0)
		return l->code;
	r->stats.lookup_misses++;
	e = current_entry(r, key);
	if (!e)
		return 0;
	if (edge != SLOT_NONE && r->stats.cache_flushes == flushes && key == r->edge_key &&
	    !(key & (KEY_TF | KEY_SLOW)))
		link_edge(r, edge, e);
	return (u64)r->cfg.cache_rx + e->code;
}

/* Runs one block (and what is chained to it). step: only one instruction. edge: the one that led
 * out last time. */
static bool run_once(struct recomp *r, u32 *edge, bool step, enum recomp_exit *exit)
{
	struct cpu *cpu = r->cpu;
	u32 key = recomp_mode(r) | (step ? KEY_SLOW : 0);
	bool tf = cpu->eflags & EFLAGS_TF, one = tf || (key & KEY_SLOW);
	u32 rf = cpu->eflags & EFLAGS_RF, hits = cpu->debug_hits;
	struct left l;
	u64 code;

	r->tag = recomp_tag(r, key);
	cpu->poll = r->cfg.poll_quiet;
	cpu->lookup_tag = r->tag;
	if (deliverable(cpu) && !cpu->shadow)
		return false;
	if (cpu_debug_armed(cpu) && cpu_debug_fetch(cpu) == CPU_FAULT)
		return finish(r, CPU_FAULT, exit);
	code = find_code(r, key, *edge);
	if (!code)
		return finish(r, CPU_FAULT, exit);
	cpu->shadow = 0;
	cpu->eflags &= ~EFLAGS_RF; /* the instruction ends it (SDM 3B 17.3.1.1), or sets it anew */
	r->code_changed = r->entered_handler = false;
	r->edge_key = key;
	r->stats.dispatches++;
	l = enter(r, code);
	*edge = (u32)l.edge;
	if (*edge != SLOT_NONE)
		cpu->eip = edge_target(r, *edge);
	if (one)
		return after_step(r, l, tf, rf, hits, exit);
	return l.result == 0 ? false : finish(r, r->pending, exit);
}

enum recomp_exit recomp_run(struct cpu *cpu)
{
	struct recomp *r = cpu->recomp;
	enum recomp_exit exit;
	u32 edge = SLOT_NONE;
	bool first = true;

	for (;;) {
		if (take_events(r, &exit))
			return exit;
		if (!first && cpu_env(cpu)->want_leave(cpu))
			return RECOMP_LEAVE;
		first = false;
		r->step_slow = false;
		if (run_once(r, &edge, r->slow_next || cpu->shadow, &exit))
			return exit;
		r->slow_next = r->step_slow;
	}
}

enum recomp_exit recomp_step(struct cpu *cpu)
{
	enum recomp_exit exit;
	u32 edge = SLOT_NONE;

	if (take_events(cpu->recomp, &exit))
		return exit;
	return run_once(cpu->recomp, &edge, true, &exit) ? exit : RECOMP_EVENT;
}

/* --- Traps */

bool recomp_owns(const struct recomp *r, u64 rip)
{
	return rip - (u64)r->cfg.cache_rx < r->cfg.cache_size;
}

static bool guest_eip(const struct block *b, u32 offset, u32 *eip)
{
	u32 off = offset - b->code;

	for (unsigned i = b->insns; i-- > 0;) {
		if (b->map[i].host <= off) {
			*eip = b->eip + b->map[i].guest;
			return true;
		}
	}
	return false;
}

bool recomp_guest_eip(struct recomp *r, u32 rip, u32 *eip)
{
	u32 offset = rip - (u32)(u64)r->cfg.cache_rx;
	const struct block *b = offset < r->cfg.cache_size ? block_at(r, offset) : NULL;

	return b && guest_eip(b, offset, eip);
}

static void save_frame(struct cpu *cpu, const struct host_frame *f, u32 eip)
{
	for (unsigned g = 0; g < 8; g++)
		cpu->gpr[g] = (u32)f->gpr[g == REG_ESP ? R_GSP : g];
	cpu->eip = eip;
	cpu->eflags = (cpu->eflags & ~EFLAGS_ARITH) | ((u32)f->rflags & EFLAGS_ARITH);
}

static void redirect(struct recomp *r, struct host_frame *f, enum cpu_result res)
{
	r->pending = res;
	f->rip = r->leave_trap;
	f->gpr[R_A] = TRAPPED;
	f->gpr[R_D] = SLOT_NONE;
	f->rflags &= ~(u64)(EFLAGS_DF | EFLAGS_TF);
}

/* A string instruction that met a watched page stays inline: it goes on elsewhere. */
static bool is_string(u64 rip)
{
	const u8 *p = (const u8 *)rip;

	while (*p == 0x65 || *p == 0x66 || *p == 0x67 || *p == 0xf2 || *p == 0xf3)
		p++;
	return (*p >= 0xa4 && *p <= 0xa7) || (*p >= 0xaa && *p <= 0xaf);
}

static bool page_fault(struct recomp *r, struct host_frame *f, struct block *b, u32 error,
		       gla_t gla, u32 eip)
{
	struct cpu *cpu = r->cpu;
	unsigned access = (error & 2 ? ACCESS_WRITE : 0) | (cpu->cpl == 3 ? ACCESS_USER : 0);

	switch (cpu_env(cpu)->page_fault(cpu, gla, access)) {
	case ENV_PF_RESUME:
		r->stats.faults_resolved++;
		f->gpr[R_POLL] = (u64)cpu->poll;
		return true;
	case ENV_PF_FAULT:
		save_frame(cpu, f, eip);
		redirect(r, f, CPU_FAULT);
		return true;
	case ENV_PF_SLOW:
		save_frame(cpu, f, eip);
		if (!is_string(f->rip) && block_note_slow(r, cpu->seg[SEG_CS].base + eip))
			block_drop(r, b);
		r->step_slow = true;
		redirect(r, f, CPU_RETRY);
		return true;
	}
	return false;
}

/* In a block's check of its own bytes: RCX is in R10. If they cannot be read the fetch will fault,
 * exactly. */
static bool check_fault(struct recomp *r, struct host_frame *f, gla_t gla, u32 eip)
{
	struct cpu *cpu = r->cpu;

	if (cpu_env(cpu)->page_fault(cpu, gla, cpu->cpl == 3 ? ACCESS_USER : 0) == ENV_PF_RESUME) {
		r->stats.faults_resolved++;
		f->gpr[R_POLL] = (u64)cpu->poll;
		return true;
	}
	f->gpr[R_C] = f->gpr[R10];
	save_frame(cpu, f, eip);
	redirect(r, f, CPU_RETRY);
	return true;
}

bool recomp_trap(struct cpu *cpu, struct host_frame *f, u8 vector, u32 error, u64 cr2)
{
	struct recomp *r = cpu->recomp;
	u32 offset = (u32)(f->rip - (u64)r->cfg.cache_rx), eip;
	struct block *b = recomp_owns(r, f->rip) ? block_at(r, offset) : NULL;

	if (!b || !guest_eip(b, offset, &eip))
		return false;
	if (vector == VEC_PF && cr2 - r->cfg.membase >= 0x200000000ull) { /* the poll */
		r->step_slow = cr2 == (u64)recomp_thread_trap(r);
		save_frame(cpu, f, eip);
		redirect(r, f, CPU_RETRY);
		return true;
	}
	if (vector == VEC_PF && offset - b->code < b->check_len)
		return check_fault(r, f, (gla_t)(cr2 - r->cfg.membase), eip);
	if (vector == VEC_PF)
		return page_fault(r, f, b, error, (gla_t)(cr2 - r->cfg.membase), eip);
	save_frame(cpu, f, eip);
	if (vector == VEC_MF) {
		redirect(r, f, cpu_fpu_error(cpu));
		return true;
	}
	cpu->fault = (struct cpu_fault){ .vector = vector };
	if (vector == VEC_GP || vector == VEC_SS || vector == VEC_AC)
		cpu->fault.has_error = true;
	redirect(r, f, CPU_FAULT);
	return true;
}

void recomp_interrupted(struct cpu *cpu, struct host_frame *f)
{
	struct recomp *r = cpu->recomp;
	u32 offset = (u32)(f->rip - (u64)r->cfg.cache_rx), eip;
	struct block *b = block_at(r, offset);

	for (unsigned i = 0; i < r->loads; i++)
		if (f->rip == r->loaded[i])
			f->gpr[R_POLL] = (u64)cpu->poll;
	if (!b)
		return;
	f->gpr[R_POLL] = (u64)cpu->poll;
	/* At the first host instruction of a guest instruction the registers are exactly the
	 * guest's. */
	for (unsigned i = 0; i < b->insns; i++) {
		if (b->map[i].host == offset - b->code && guest_eip(b, offset, &eip)) {
			save_frame(cpu, f, eip);
			redirect(r, f, CPU_RETRY);
			return;
		}
	}
}

/* --- The rest */

void recomp_set_mapping(struct recomp *r, bool cpl3, u32 mapping)
{
	if (r->mapping[cpl3] == mapping)
		return;
	r->mapping[cpl3] = mapping;
	slot_cut_crossing(r, cpl3);
	r->code_changed = true;
	r->cpu->lookup_tag = TAG_NEVER;
}

void recomp_flush(struct recomp *r)
{
	block_drop_all(r);
	r->code_changed = true;
}

const struct recomp_stats *recomp_stats(struct recomp *r)
{
	struct recomp_stats *s = &r->stats;

	s->code_used = r->code_next - r->code_start;
	s->arena_used = r->arena_next;
	s->slots_used = r->slots;
	return s;
}
