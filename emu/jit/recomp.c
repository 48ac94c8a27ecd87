/* SPDX-License-Identifier: MIT */
/*
 * The recompiler's life and dispatcher. recomp_run() is the loop around translated code:
 *
 *   1. events   2. where are we (mode key, block)   3. run it   4. why did it come back
 */
#include "emu/jit/recomp.h"

#include "emu/block/block.h"
#include "emu/jit/recomp_find.h"
#include "emu/jit/recomp_loop.h"
#include "emu/jit/recomp_mode.h"
#include "emu/jit/recomp_memory.h"
#include "emu/jit/recomp_slow.h"
#include "emu/jit/recomp_stop.h"
#include "emu/jit/recomp_stubs.h"
#include "emu/trans/stub_real.h"
#include "emu/trans/stub_ring.h"
#include "emu/cpu/semantics.h"
#include "emu/cpu/stops.h"
#include "emu/verify/verify.h"
#include "emu/mem/gpmem.h"
#include "kernel/base/alloc.h"
#include "kernel/base/count.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"

#define SLOTS_SHARE   12u  /* one twelfth of the cache */
#define BYTES_A_BLOCK 320u /* of emitted code; Linux has 410 */
#define ARENA_SHARE(cache) \
	((cache) / 8 * 5) /* tables and sites take 0.7 of what the code takes \
			   */

static void code_written(void *ctx, gpa_t gpa, u32 len)
{
	block_written(ctx, gpa, len);
}

static void tell_code_written(void *ctx, gpa_t gpa, u32 len)
{
	struct recomp *r = ctx;

	r->cfg.code_written(r->cpu, gpa, len);
	block_written(r, gpa, len);
}

static bool guest_eip(struct cpu *cpu, u32 rip, u32 *eip)
{
	return recomp_guest_eip(cpu->recomp, rip, eip);
}

/* What leads to the code of such a page is cut, and nothing is made to lead there while it is one
 * (run_once()): it is found by the dispatcher only. */
static void breakpoints_changed(struct cpu *cpu)
{
	struct recomp *r = cpu->recomp;

	for (unsigned i = 0; i < r->cpu->watch.codes; i++)
		block_isolate_page(r, r->cpu->watch.code[i]);
	stub_ring_forget(r);
	r->code_changed = true;
}

/* The translator asks at such an address. */
static void stop_changed(struct cpu *cpu, gla_t gla)
{
	recomp_stop_changed(cpu->recomp, gla);
}

static const struct cpu_code hooks = { guest_eip, breakpoints_changed, stop_changed };

static bool has_avx2(struct cpu *cpu)
{
	u32 id[4] = { 0 };

	cpu_env(cpu)->cpuid(cpu, 0, 0, id);
	if (id[0] < 7)
		return false;
	cpu_env(cpu)->cpuid(cpu, 7, 0, id);
	return id[1] & BIT(5);
}

int recomp_create(struct cpu *cpu, const struct recomp_config *config)
{
	struct recomp *r = mem_alloc(sizeof(*r));

	if (!r)
		return E_NOMEM;
	r->cfg = *config;
	r->cpu = cpu;
	r->avx2 = has_avx2(cpu);
	r->slot_max = (u32)(config->cache_size / SLOTS_SHARE / sizeof(u64));
	r->slot_start = (u32)config->cache_size - r->slot_max * (u32)sizeof(u64);
	r->block_max = (u32)(config->cache_size / BYTES_A_BLOCK);
	r->arena_size = (u32)ARENA_SHARE(config->cache_size);
	r->lookup = mem_alloc(LOOKUP_ENTRIES * sizeof(*r->lookup));
	r->block = mem_alloc(r->block_max * sizeof(*r->block));
	r->arena = mem_alloc(r->arena_size);
	r->slot = mem_alloc(r->slot_max * sizeof(*r->slot));
	r->proof = verify_create();
	cpu->recomp = r;
	cpu->code = &hooks;
	if (!r->lookup || !r->block || !r->arena || !r->slot || !r->proof) {
		recomp_destroy(cpu);
		return E_NOMEM;
	}
	cpu->lookup_table = (u64)r->lookup;
	cpu->poll = config->poll_quiet;
	cpu->lookup_tag = TAG_NEVER;
	for (unsigned i = 0; i < ARRAY_SIZE(r->tag_last); i++)
		r->tag_last[i].key = KEY_NONE;
	recomp_emit_stubs(r,
			  &(struct stub_targets){
				  (const void *)recomp_hard, (const void *)recomp_iret,
				  (const void *)recomp_segment, (const void *)recomp_slow_read,
				  (const void *)recomp_slow_write, (const void *)recomp_slow_store,
				  (const void *)recomp_stop, (const void *)recomp_loop });
	if (cpu->mem)
		gpmem_set_watcher(cpu->mem, GPMEM_WATCH_CODE,
				  config->code_written ? tell_code_written : code_written, r);
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
		gpmem_set_watcher(cpu->mem, GPMEM_WATCH_CODE, NULL, NULL);
	mem_free(r->lookup);
	mem_free(r->block);
	mem_free(r->arena);
	mem_free(r->slot);
	mem_free(r->proof);
	mem_free(r);
	cpu->recomp = NULL;
	cpu->code = NULL;
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

/* --- Running */

/* Kept out of the usual way, which then saves no registers for it. */
#define RARELY __attribute__((noinline))

struct left {
	u64 result, edge;
};

static inline __attribute__((always_inline)) struct left enter(struct recomp *r, u64 code)
{
	typedef unsigned __int128 (*enter_fn)(struct cpu *, u64);
	enter_fn fn = (enter_fn)r->enter;
	unsigned __int128 v;

	cpu_env(r->cpu)->code_runs(r->cpu, true);
	v = fn(r->cpu, code);
	/* Mostly little is done between an IRET to a program and the program. */
	if (!r->left_by_iret)
		cpu_env(r->cpu)->code_runs(r->cpu, false);
	return (struct left){ (u32)v, (u32)(v >> 64) };
}

/* What a hard instruction or a trap ended with. True: leave recomp_run() with r->exit. */
static bool finish(struct recomp *r, enum cpu_result res)
{
	struct cpu *cpu = r->cpu;

	if (res == CPU_FAULT) {
		COUNT(r->stats.faults_delivered);
		res = cpu_deliver_fault(cpu);
	}
	if (res == CPU_SHUTDOWN) {
		r->exit = RECOMP_SHUTDOWN;
		return true;
	}
	if (res == CPU_HALT) {
		cpu->halted = true;
		r->exit = RECOMP_HALT;
		return true;
	}
	if (res == CPU_STOP) {
		r->exit = RECOMP_STOP;
		return true;
	}
	return false;
}

/* Is an instruction done? Of a repeated one an iteration is, when it left with RF set. */
static bool completed(const struct recomp *r, bool left)
{
	return !left || r->pending == CPU_JUMP || r->pending == CPU_HALT ||
	       (r->pending == CPU_RETRY && (r->cpu->eflags & EFLAGS_RF));
}

/* What holds for the next instruction only, and for it again if it was not completed. */
struct before {
	bool tf;
	u32 rf, hits, shadow;
};

/*
 * What one step owes the debugger afterwards. INT n clears TF on its way and traps no more (SDM 3B
 * 17.3.1.4); all else that was completed does.
 */
static bool after_step(struct recomp *r, bool left, const struct before *was)
{
	struct cpu *cpu = r->cpu;
	u32 bits = was->tf && !(left && r->entered_handler) ? DR6_BS : 0;

	r->unfinished = !completed(r, left) && r->pending == CPU_RETRY;
	if (!completed(r, left)) {
		cpu_stop_forget(cpu);
		cpu->debug_hits = was->hits;
		cpu->shadow = was->shadow;
		if (r->pending == CPU_RETRY)
			cpu->eflags |= was->rf;
		return finish(r, r->pending);
	}
	if ((bits | cpu->debug_hits) && cpu_debug_trap(cpu, bits) == CPU_FAULT)
		return finish(r, CPU_FAULT); /* wakes HLT, too */
	return left && finish(r, r->pending);
}

/* Is an event there that ends recomp_run()? */
static bool leaves_for(struct recomp *r, u32 event, enum recomp_exit exit)
{
	if (!(r->cpu->events & event))
		return false;
	recomp_unsignal(r->cpu, event);
	r->exit = exit;
	return true;
}

/* Has something been met that a debugger waits for? */
static bool stops(struct recomp *r)
{
	if (!(r->cpu->events & CPU_EVENT_STOP) || !cpu_stop_counts(r->cpu))
		return false;
	r->exit = RECOMP_STOP;
	return true;
}

static RARELY bool take_events(struct recomp *r)
{
	struct cpu *cpu = r->cpu;

	cpu_env(cpu)->code_runs(cpu, false);
	r->left_by_iret = false;
	return stops(r) || leaves_for(r, CPU_EVENT_YIELD, RECOMP_EVENT) ||
	       finish(r, cpu_take_events(cpu)) || stops(r);
}

/* Runs what was found; true: with a result, r->pending, that is to be looked at. */
static inline __attribute__((always_inline)) bool execute(struct recomp *r, u32 key, u64 code)
{
	struct cpu *cpu = r->cpu;
	struct left l;

	cpu->shadow = 0;
	cpu->eflags &= ~EFLAGS_RF; /* the instruction ends it (SDM 3B 17.3.1.1), or sets it anew */
	r->code_changed = r->entered_handler = r->left_by_iret = false;
	r->edge_key = key;
	COUNT(r->stats.dispatches);
	l = enter(r, code);
	r->edge = (u32)l.edge;
	if (r->edge != SLOT_NONE)
		cpu->eip = recomp_edge_target(r, r->edge);
	return l.result;
}

/* Nothing is there to run. */
static bool not_found(struct recomp *r)
{
	r->unfinished = false;
	return !r->failed && finish(r, CPU_FAULT);
}

/* Is there a breakpoint on this page? */
static bool breaks_here(const struct cpu *cpu)
{
	return cpu->watch.codes && cpu_debug_breaks(cpu, cpu->seg[SEG_CS].base + cpu->eip);
}

/* One instruction: under a debugger, or with its memory in C. */
static bool run_step(struct recomp *r, u32 key)
{
	struct cpu *cpu = r->cpu;
	const struct before was = { .tf = cpu->eflags & EFLAGS_TF,
				    .rf = cpu->eflags & EFLAGS_RF,
				    .hits = cpu->debug_hits,
				    .shadow = cpu->shadow };
	bool ended;
	u64 code;

	if (!recomp_seek(r, key))
		return false;
	if (breaks_here(cpu) && cpu_debug_fetch(cpu) == CPU_FAULT)
		return finish(r, CPU_FAULT);
	r->failed = false;
	code = recomp_find_code(r, key, r->edge);
	if (!code)
		return not_found(r);
	ended = after_step(r, execute(r, key, code), &was);
	r->passes &= r->unfinished;
	return ended;
}

/* Runs one block, and what is chained to it. shadow: it may begin in one. */
static inline __attribute__((always_inline)) bool run_block(struct recomp *r, u32 key, bool shadow)
{
	struct cpu *cpu = r->cpu;
	u32 rf = cpu->eflags & EFLAGS_RF;
	bool left;
	u64 code;

	r->failed = false;
	code = recomp_find_code(r, key, r->edge);
	if (!code)
		return not_found(r);
	if (shadow && cpu->shadow)
		block_hold_events(r, code);
	left = execute(r, key, code);
	if (cpu->debug_hits | (cpu->events & CPU_EVENT_STOP))
		return after_step(r, left, &(struct before){ .rf = rf });
	return left && r->pending != CPU_JUMP && finish(r, r->pending);
}

/* The same, unless the debugger stops in front of it. */
static RARELY bool run_alone(struct recomp *r, u32 key)
{
	if (!recomp_stop_met(r))
		return run_step(r, key);
	r->exit = RECOMP_STOP;
	return true;
}

/* Runs a block, or one instruction if there is a reason. True: leave with r->exit. */
static bool run_once(struct recomp *r)
{
	struct cpu *cpu = r->cpu;
	u32 key = recomp_mode(r);
	bool step = r->slow_next || breaks_here(cpu) || (cpu->shadow && !recomp_shadow_is_quiet(r));

	r->step_slow = false;
	if (step || (key & (KEY_SLOW | KEY_TF)))
		return run_alone(r, key | (step ? KEY_SLOW : 0));
	return recomp_seek(r, key) && run_block(r, key, true);
}

static enum recomp_exit leave(const struct recomp *r)
{
	return r->left_by_iret ? RECOMP_IRET : RECOMP_LEAVE;
}

/* Another round, or, with r->exit, none: ended has the last one said. */
static inline bool goes_round(struct recomp *r, bool ended)
{
	struct cpu *cpu = r->cpu;

	if (ended)
		return false;
	r->slow_next = r->step_slow;
	return !(cpu->events | cpu->debug_hits) || !take_events(r);
}

static RARELY enum recomp_exit run(struct recomp *r, bool ended)
{
	while (goes_round(r, ended)) {
		if (cpu_env(r->cpu)->want_leave(r->cpu))
			return leave(r);
		ended = run_once(r);
	}
	return r->exit;
}

enum recomp_exit recomp_run(struct cpu *cpu)
{
	struct recomp *r = cpu->recomp;

	r->edge = SLOT_NONE;
	if ((cpu->events | cpu->debug_hits) && take_events(r))
		return r->exit;
	return run(r, run_once(r));
}

/*
 * Since an IRET left it, translated code has not been looked for in another mode: lookup_tag is its
 * own, unless an event or another mapping came. So what an event at CPL 3 changes is compared.
 */
static bool where_iret_left(const struct recomp *r)
{
	const struct cpu *cpu = r->cpu;
	const struct mode_inputs *m = &r->mode_of;

	return cpu->lookup_tag == r->tag && r->edge_key == r->mode &&
	       !(cpu->events | cpu->debug_hits) &&
	       !((m->cpl ^ cpu->cpl) | ((m->eflags ^ cpu->eflags) & ~EFLAGS_ARITH)) &&
	       cpu_same_segment(&cpu->seg[SEG_CS], &cpu->mode_seg[SEG_CS]) &&
	       cpu_same_segment(&cpu->seg[SEG_SS], &cpu->mode_seg[SEG_SS]) &&
	       !(r->mode & (KEY_SLOW | KEY_TF)) && !cpu->watch.codes && !r->slow_next &&
	       !cpu->shadow;
}

enum recomp_exit recomp_run_after_iret(struct cpu *cpu)
{
	struct recomp *r = cpu->recomp;

	if (!where_iret_left(r))
		return recomp_run(cpu);
	r->edge = SLOT_NONE;
	r->step_slow = false;
	if (!goes_round(r, run_block(r, r->mode, false)))
		return r->exit;
	if (cpu_env(cpu)->want_leave(cpu))
		return leave(r);
	return run(r, run_once(r));
}

enum recomp_exit recomp_step(struct cpu *cpu)
{
	struct recomp *r = cpu->recomp;
	bool ended;

	r->edge = SLOT_NONE;
	if (take_events(r))
		return r->exit;
	do { /* a block that was found to be stale is made anew, and has done nothing */
		r->step_slow = r->unfinished = false;
		ended = run_step(r, recomp_mode(r) | KEY_SLOW);
	} while (!ended && r->unfinished && !cpu->events);
	return ended ? r->exit : RECOMP_EVENT;
}

/* Interrupts may wait for one instruction anywhere (SDM 3A 6.8.3): nobody can tell. */
enum recomp_exit recomp_step_quietly(struct cpu *cpu, bool *done)
{
	struct recomp *r = cpu->recomp;
	bool ended;

	r->edge = SLOT_NONE;
	r->step_slow = r->slow_next = r->unfinished = false;
	if (cpu->debug_hits && cpu_debug_trap(cpu, 0) == CPU_FAULT) {
		ended = finish(r, CPU_FAULT);
	} else {
		if (!cpu->shadow)
			cpu->shadow = CPU_SHADOW_STI;
		cpu->stops.stepping = true;
		ended = run_step(r, recomp_mode(r) | KEY_SLOW);
		cpu->stops.stepping = false;
	}
	*done = !r->unfinished;
	if (stops(r))
		return r->exit;
	return ended ? r->exit : RECOMP_EVENT;
}

/* --- The rest */

/* Kept out of the way of those who tell the same number again. */
static RARELY void change_mapping(struct recomp *r, bool cpl3, u32 mapping)
{
	r->mapping[cpl3] = mapping;
	slot_cut_crossing(r, cpl3);
	stub_ring_forget(r);
	r->code_changed = true;
	r->cpu->lookup_tag = TAG_NEVER;
}

void recomp_set_mapping(struct recomp *r, bool cpl3, u32 mapping)
{
	if (r->mapping[cpl3] != mapping)
		change_mapping(r, cpl3, mapping);
}

bool recomp_mapping_is(const struct recomp *r, bool cpl3, u32 mapping)
{
	return r->mapping[cpl3] == mapping;
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

u32 recomp_verify(const struct recomp *r, u32 *next, u32 most, u32 *eip, const char **why)
{
	u32 end = *next + MIN(most, r->blocks - MIN(r->blocks, *next)), proven = 0;

	*why = NULL;
	for (u32 i = *next; i < end && !*why; i++) {
		const struct block *b = &r->block[i];
		struct verify_fault f;

		if (b->dead)
			continue;
		*eip = b->eip;
		if (verify_block(r, b, r->cfg.cache_rw + b->code, &f))
			proven++;
		else
			*why = f.why;
	}
	*next = end < r->blocks ? end : 0;
	return proven;
}
