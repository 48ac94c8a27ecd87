/* SPDX-License-Identifier: MIT */
/*
 * Directed cases on Unicorn. An IRET leads into the case's mode and level, with the descriptors as
 * they were before anything was spoiled; then the case's image and registers are put in their
 * place. Hidden parts of segments are read from its saved context, whose layout is found out at
 * start. A hook before each instruction keeps the state, for directed_mend().
 */
#include <stdio.h>
#include <string.h>
#include <unicorn/unicorn.h>

#include "tests/diff/directed.h"
#include "tests/diff/unicorn_state.h"

static uc_engine *uc;
static uc_context *fresh, *now;
static u8 ram[WORLD_RAM] __attribute__((aligned(4096)));
static size_t at_segments; /* in a context */

static int vector;
static unsigned steps, stop_at;
static bool recording;
static u32 error_code;
static struct directed_state seen[DIRECTED_STEPS + 1];
static u8 seen_code[DIRECTED_STEPS + 1][16];
static u32 seen_link[DIRECTED_STEPS + 1], seen_stack[DIRECTED_STEPS + 1][3];

/* Its SegmentCache, as it lies in a context: ES to GS, LDTR, TR, GDTR, IDTR. */
struct hidden {
	u32 sel, pad;
	u64 base;
	u32 limit, flags; /* the descriptor's upper word */
};
#define HIDDEN_GDTR 8u

static const u8 *context(void)
{
	uc_context_save(uc, now);
	return (const u8 *)now;
}

static struct directed_segment visible(const struct hidden *h, unsigned drop)
{
	if (!(h->flags & 0x8000))
		return (struct directed_segment){ .sel = (u16)h->sel };
	return (struct directed_segment){ (u16)h->sel, (u16)(h->flags >> 8 & 0xf0ff & ~drop),
					  (u32)h->base, h->limit };
}

static void save(struct directed_state *s)
{
	struct hidden h[10];

	memset(s, 0, sizeof(*s));
	memcpy(h, context() + at_segments, sizeof(h));
	for (unsigned i = 0; i < 8; i++)
		s->gpr[i] = unicorn_get(uc, unicorn_gpr[i]);
	for (unsigned i = 0; i < SEG_COUNT; i++)
		s->seg[i] = visible(&h[i], h[i].flags & 0x1000 ? 1 : 2);
	s->ldtr = visible(&h[6], 2);
	if (!(s->ldtr.sel & ~3u)) /* it forgets P */
		s->ldtr.attr = 0;
	s->tr = visible(&h[7], 2);
	s->gdt_base = (u32)h[8].base;
	s->gdt_limit = h[8].limit;
	s->idt_base = (u32)h[9].base;
	s->idt_limit = h[9].limit;
	s->eip = unicorn_get(uc, UC_X86_REG_EIP);
	s->eflags = unicorn_get(uc, UC_X86_REG_EFLAGS);
	s->cr0 = unicorn_get(uc, UC_X86_REG_CR0);
	s->cr3 = unicorn_get(uc, UC_X86_REG_CR3);
	directed_hide_attributes(s);
}

static void on_interrupt(uc_engine *engine, uint32_t number, void *ctx)
{
	(void)ctx;
	vector = (int)number;
	uc_emu_stop(engine);
}

static void keep_memory(const struct directed_state *s)
{
	u32 sp = s->gpr[REG_ESP] & (s->seg[SEG_SS].attr & SEG_ATTR_DB ? 0xffffffff : 0xffff);
	u32 top = s->seg[SEG_SS].base + sp;

	memset(seen_stack[steps], 0, sizeof(seen_stack[steps]));
	memcpy(&seen_link[steps], ram + s->tr.base % (WORLD_RAM - 4), 4);
	if (top < WORLD_RAM - sizeof(seen_stack[steps]))
		memcpy(seen_stack[steps], ram + top, sizeof(seen_stack[steps]));
}

static void on_code(uc_engine *engine, uint64_t address, uint32_t size, void *ctx)
{
	(void)ctx;
	(void)size;
	if (!recording)
		return;
	save(&seen[steps]);
	seen[steps].eip = (u32)address - seen[steps].seg[SEG_CS].base;
	memcpy(seen_code[steps], ram + (u32)address % (WORLD_RAM - 16), 16);
	keep_memory(&seen[steps]);
	if (steps >= stop_at || (steps && directed_strays((u32)address))) {
		stop_at = steps;
		uc_emu_stop(engine);
	} else {
		steps++;
	}
}

/* Where GDTR is in a context tells where the segments are. */
static bool find_segments(void)
{
	const uc_x86_mmr mark = { .base = 0x5a6b7c8d, .limit = 0x4321 };
	const u8 *p;

	uc_reg_write(uc, UC_X86_REG_GDTR, &mark);
	p = context();
	for (size_t i = 8 * HIDDEN_GDTR; i < uc_context_size(uc) - 16; i += 8) {
		u64 base;
		u32 limit;

		memcpy(&base, p + i, 8);
		memcpy(&limit, p + i + 8, 4);
		if (base == mark.base && limit == mark.limit) {
			at_segments = i - 8 - HIDDEN_GDTR * sizeof(struct hidden);
			return true;
		}
	}
	return false;
}

static void flat(void)
{
	const uc_x86_mmr gdtr = { .base = AT_GDT, .limit = GDT_ENTRIES * 8 - 1 };
	const u64 code = 0x00cf9b000000ffffull, data = 0x00cf93000000ffffull;

	memcpy(ram + AT_GDT + 8, &code, 8);
	memcpy(ram + AT_GDT + 16, &data, 8);
	unicorn_set(uc, UC_X86_REG_CR0, CR0_ET | CR0_NE | CR0_PE);
	uc_reg_write(uc, UC_X86_REG_GDTR, &gdtr);
	for (unsigned i = 0; i < 6; i++)
		unicorn_set(uc, unicorn_seg[i], i == SEG_CS ? 8 : 16);
}

int directed_unicorn_init(void)
{
	uc_hook hook;

	memset(ram, 0xcc, sizeof(ram));
	if (uc_open(UC_ARCH_X86, UC_MODE_32, &uc) || uc_context_alloc(uc, &fresh) ||
	    uc_context_alloc(uc, &now) || uc_mem_map_ptr(uc, 0, WORLD_RAM, UC_PROT_ALL, ram) ||
	    uc_hook_add(uc, &hook, UC_HOOK_INTR, (void *)on_interrupt, NULL, 1, 0) ||
	    uc_hook_add(uc, &hook, UC_HOOK_CODE, (void *)on_code, NULL, 1, 0))
		return -1;
	if (!unicorn_error_find() || !find_segments())
		return -1;
	flat();
	return uc_context_save(uc, fresh) ? -1 : 0;
}

/* MOV CR3, CR0, and, but for real mode, IRET. Returns where it ends. */
static u32 entry_code(const struct directed_case *c)
{
	u8 *p = ram + AT_ENTRY;

	memcpy(p, "\xb8\0\0\0\0\x0f\x22\xd8\xb8\0\0\0\0\x0f\x22\xc0\xcf\x90", 18);
	memcpy(p + 1, &c->cr3, 4);
	memcpy(p + 9, &c->cr0, 4);
	return c->mode == DIRECTED_REAL ? AT_ENTRY + 16 : AT_CODE + c->eip;
}

static void entry_frame(const struct directed_case *c)
{
	const u32 frame[] = { c->eip,	       c->sel[SEG_CS], EFLAGS_ONE | (c->eflags & EFLAGS_VM),
			      c->gpr[REG_ESP], c->sel[SEG_SS], c->sel[SEG_ES],
			      c->sel[SEG_DS],  c->sel[SEG_FS], c->sel[SEG_GS] };
	bool same = c->mode == DIRECTED_PROTECTED && !c->cpl;

	for (unsigned i = 0; i < 6 && c->mode == DIRECTED_PROTECTED; i++)
		if (i != SEG_CS && (i != SEG_SS || same))
			unicorn_set(uc, unicorn_seg[i], c->sel[i]);
	memcpy(ram + AT_ENTRY + 0x100, frame, sizeof(frame));
	unicorn_set(uc, UC_X86_REG_ESP, AT_ENTRY + 0x100 - (same ? AT_STACKS : 0));
}

static void load_tables(void)
{
	const uc_x86_mmr gdtr = { .base = AT_GDT, .limit = GDT_ENTRIES * 8 - 1 };
	const uc_x86_mmr idtr = { .base = 0, .limit = 0x3ff };
	const uc_x86_mmr tr = { GDT_TSS << 3, AT_TSS(0), 0x67, 0x8900 };
	const uc_x86_mmr ldtr = { GDT_LDT << 3, AT_LDT(0), LDT_ENTRIES * 8 - 1, 0x8200 };

	uc_reg_write(uc, UC_X86_REG_GDTR, &gdtr);
	uc_reg_write(uc, UC_X86_REG_IDTR, &idtr);
	uc_reg_write(uc, UC_X86_REG_TR, &tr);
	uc_reg_write(uc, UC_X86_REG_LDTR, &ldtr);
}

static bool enter(const struct directed_case *c)
{
	u32 until;

	uc_context_restore(uc, fresh);
	memcpy(ram, c->image, WORLD_SIZE);
	memcpy(ram + AT_GDT, c->home, sizeof(c->home));
	until = entry_code(c);
	entry_frame(c);
	uc_ctl_remove_cache(uc, 0ull, (u64)WORLD_SIZE);
	recording = false;
	if (uc_emu_start(uc, AT_ENTRY, until, 0, 0))
		return false;
	if (c->mode == DIRECTED_REAL)
		for (unsigned i = 0; i < 6; i++)
			unicorn_set(uc, unicorn_seg[i], c->sel[i]);
	memcpy(ram, c->image, WORLD_SIZE);
	load_tables();
	for (unsigned i = 0; i < 8; i++)
		unicorn_set(uc, unicorn_gpr[i], c->gpr[i]);
	unicorn_set(uc, UC_X86_REG_EFLAGS, c->eflags);
	uc_ctl_remove_cache(uc, 0ull, (u64)WORLD_SIZE);
	return true;
}

/* Up to an exception, or before the instruction of that number. False: to memory that is not there.
 */
static bool execute(const struct directed_case *c, unsigned limit)
{
	uc_err err;

	steps = 0;
	vector = -1;
	if (!enter(c)) {
		fprintf(stderr, "directed: Unicorn cannot begin case %llu\n",
			(unsigned long long)c->index);
		return false;
	}
	stop_at = limit;
	recording = true;
	err = uc_emu_start(uc, c->eip, WORLD_RAM - 16, 0, 0);
	recording = false;
	error_code = unicorn_error_code(uc);
	if (err == UC_ERR_INSN_INVALID)
		vector = VEC_UD;
	return err == UC_ERR_OK || err == UC_ERR_INSN_INVALID;
}

static void decode(struct directed_step *s, const u8 *code)
{
	bool big = s->before.seg[SEG_CS].attr & SEG_ATTR_DB;
	ZydisDecoder d;

	ZydisDecoderInit(&d, big ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
			 big ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);
	memset(&s->in, 0, sizeof(s->in));
	ZydisDecoderDecodeFull(&d, code, 15, &s->in, s->op);
}

/* The end after the instructions before number k. */
static void end_before(const struct directed_case *c, unsigned k, struct directed_end *end)
{
	execute(c, k);
	end->s = seen[k];
	end->vector = DIRECTED_STOPPED;
	end->error = 0;
	memcpy(end->memory, ram, WORLD_SIZE);
}

void directed_hide_attributes(struct directed_state *s)
{
	if (!(s->cr0 & CR0_PE) || (s->eflags & EFLAGS_VM))
		for (unsigned i = 0; i < SEG_COUNT; i++)
			s->seg[i].attr &= SEG_ATTR_DB;
}

unsigned directed_cpl(const struct directed_state *s)
{
	return s->eflags & EFLAGS_VM ? 3 : s->cr0 & CR0_PE ? s->seg[SEG_CS].sel & 3u : 0;
}

static void print_step(const struct directed_step *s, const struct directed_mend *m)
{
	ZydisFormatter f;
	char text[128] = "?";

	ZydisFormatterInit(&f, ZYDIS_FORMATTER_STYLE_INTEL);
	if (s->in.length)
		ZydisFormatterFormatInstruction(&f, &s->in, s->op, s->in.operand_count_visible,
						text, sizeof(text), s->before.eip, NULL);
	printf("  %04x:%08x  %-32s flags %08x %04x:%08x tr %04x%s%s\n", s->before.seg[SEG_CS].sel,
	       s->before.eip, text, s->before.eflags, s->before.seg[SEG_SS].sel,
	       s->before.gpr[REG_ESP], s->before.tr.sel, m->why ? " mended: " : "",
	       m->why ? m->why : "");
}

void directed_unicorn_run(const struct directed_case *c, struct directed_end *end,
			  unsigned *ours_steps, bool print)
{
	bool ok = execute(c, DIRECTED_STEPS);
	bool far = false;
	unsigned n = steps;

	*ours_steps = ~0u;
	end->loading = end->lazy_flags = false;
	save(&end->s);
	if (vector < 0 && ok) /* stopped before an instruction */
		end->s.eip = seen[steps].eip;
	memcpy(end->memory, ram, WORLD_SIZE);
	end->vector = vector < 0 ? DIRECTED_STOPPED : (u8)vector;
	end->error = case_has_error((u8)vector) ? error_code & 0xffff : 0;
	if (end->vector == DIRECTED_STOPPED)
		*ours_steps = n;
	for (unsigned k = 0; k < n; k++) {
		struct directed_step s = { .before = seen[k],
					   .after = k + 1 < n ? seen[k + 1] : end->s,
					   .memory = end->memory,
					   .faulted = k + 1 == n && vector >= 0 && vector != VEC_DB,
					   .vector = end->vector,
					   .error = end->error,
					   .link = seen_link[k] };
		struct directed_mend m;

		memcpy(s.stack, seen_stack[k], sizeof(s.stack));
		decode(&s, seen_code[k]);
		s.far_before = far;
		far |= s.in.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR ||
		       s.in.mnemonic == ZYDIS_MNEMONIC_IRET ||
		       s.in.mnemonic == ZYDIS_MNEMONIC_IRETD;
		m = directed_mend(&s, &end->s);
		if (m.verdict == MEND_NONE && k + 1 == n && !ok)
			m = (struct directed_mend){ MEND_CUT, 0, 0, "memory that is not there" };
		if (print)
			print_step(&s, &m);
		if (m.verdict == MEND_FAULT || m.verdict == MEND_CUT) {
			end_before(c, k, end);
			*ours_steps = m.verdict == MEND_CUT ? k : ~0u;
			end->lazy_flags = m.verdict == MEND_CUT;
			if (m.verdict == MEND_FAULT) {
				end->vector = m.vector;
				end->error = m.error;
			}
			return;
		}
		if (m.verdict == MEND_STATE && s.faulted) {
			end->vector = m.vector;
			end->error = m.error;
			end->loading = true;
		}
	}
}
