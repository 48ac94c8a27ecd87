/* SPDX-License-Identifier: MIT */
/*
 * Error codes: a context that uc_context_save() makes is a copy of the engine's processor, error
 * code included. Where it lies is found by experiment: LLDT with a selector beyond the table raises
 * #GP with that selector; the place that holds each of several selectors is the one.
 */
#include "tests/diff/unicorn_state.h"

#include <stdlib.h>
#include <string.h>

#define CODE	  0x1000u
#define ROOM	  0x4000u
#define SELECTORS 4u

static size_t offset; /* in a context, in bytes */
static uc_context *context;
static uc_engine *context_of;

const int unicorn_gpr[8] = { UC_X86_REG_EAX, UC_X86_REG_ECX, UC_X86_REG_EDX, UC_X86_REG_EBX,
			     UC_X86_REG_ESP, UC_X86_REG_EBP, UC_X86_REG_ESI, UC_X86_REG_EDI };
const int unicorn_seg[6] = { UC_X86_REG_ES, UC_X86_REG_CS, UC_X86_REG_SS,
			     UC_X86_REG_DS, UC_X86_REG_FS, UC_X86_REG_GS };

void unicorn_set(uc_engine *uc, int id, u32 v)
{
	uc_reg_write(uc, id, &v);
}

u32 unicorn_get(uc_engine *uc, int id)
{
	u64 v = 0;

	uc_reg_read(uc, id, &v);
	return (u32)v;
}

static void on_interrupt(uc_engine *uc, uint32_t number, void *ctx)
{
	(void)number;
	(void)ctx;
	uc_emu_stop(uc);
}

/* lldt ax, with the upper half of EAX set, so that EAX is not the selector. */
static bool raise_error(uc_engine *uc, u16 selector)
{
	const u8 code[] = { 0x0f, 0x00, 0xd0 };

	unicorn_set(uc, UC_X86_REG_EAX, 0xa5a50000 | selector);
	return !uc_mem_write(uc, CODE, code, sizeof(code)) &&
	       !uc_emu_start(uc, CODE, CODE + sizeof(code), 0, 1);
}

/* All places that hold the selector; of those in maybe[] that do not, none is left. */
static size_t keep(const uc_context *at, size_t size, u8 *maybe, u32 selector)
{
	const u8 *bytes = (const u8 *)at;
	size_t left = 0;

	for (size_t i = 0; i + sizeof(u32) <= size; i += sizeof(u32)) {
		u32 v;

		memcpy(&v, bytes + i, sizeof(v));
		maybe[i] &= v == selector;
		left += maybe[i];
		if (maybe[i])
			offset = i;
	}
	return left;
}

/* Each from a fresh state: it would make a double fault of the next exception. */
static bool experiment(uc_engine *uc, uc_context *fresh, uc_context *c, u8 *maybe)
{
	static const u16 selector[SELECTORS] = { 0x1238, 0x7650, 0x0ff8, 0xabc0 };
	size_t left = 0, size = uc_context_size(uc);

	memset(maybe, 1, size);
	if (uc_context_save(uc, fresh))
		return false;
	for (unsigned i = 0; i < SELECTORS; i++) {
		if (uc_context_restore(uc, fresh) || !raise_error(uc, selector[i]) ||
		    uc_context_save(uc, c))
			return false;
		left = keep(c, size, maybe, selector[i]);
	}
	return left == 1;
}

bool unicorn_error_find(void)
{
	uc_context *c[2] = { NULL, NULL };
	bool found = false;
	uc_engine *uc;
	uc_hook hook;
	u8 *maybe;

	if (uc_open(UC_ARCH_X86, UC_MODE_32, &uc))
		return false;
	maybe = malloc(uc_context_size(uc));
	if (maybe && !uc_context_alloc(uc, &c[0]) && !uc_context_alloc(uc, &c[1]))
		found = !uc_mem_map(uc, 0, ROOM, UC_PROT_ALL) &&
			!uc_hook_add(uc, &hook, UC_HOOK_INTR, (void *)on_interrupt, NULL, 1, 0) &&
			experiment(uc, c[0], c[1], maybe);
	for (unsigned i = 0; i < 2; i++)
		if (c[i])
			uc_context_free(c[i]);
	free(maybe);
	uc_close(uc);
	return found;
}

u32 unicorn_error_code(uc_engine *uc)
{
	u32 v;

	if (context_of != uc) {
		if (context)
			uc_context_free(context);
		context = NULL;
		context_of = uc_context_alloc(uc, &context) ? NULL : uc;
	}
	if (!context_of || uc_context_save(uc, context))
		abort();
	memcpy(&v, (const u8 *)context + offset, sizeof(v));
	return v;
}
