/* SPDX-License-Identifier: MIT */
/*
 * What gdb asks for is cut into pieces that a register can watch: a row of the table is DRn.
 */
#include "vmm/gdb/gdb_self_watch.h"

#include "arch/cpu/percpu.h"
#include "arch/cpu/tss.h"
#include "arch/trap/debug_regs.h"

#define REGS	  4u
#define PIECE_MAX 8u
#define LIMIT	  (REGS * PIECE_MAX)

/* Of DR7, from bit 16 + 4 * n on. */
#define ON_WRITE  1u
#define ON_ACCESS 3u

static struct gdb_self_watch row[REGS];

/* --- What cannot be watched */

static bool meets(hva_t at, u32 len, const void *start, const void *end)
{
	return at < (hva_t)end && (hva_t)start < at + len;
}

/* SGDT and SIDT store this. */
struct table {
	u16 limit;
	u64 base;
} __attribute__((packed));

static bool meets_table(hva_t at, u32 len, const struct table *t)
{
	return meets(at, len, (const void *)t->base, (const void *)(t->base + t->limit + 1));
}

/* The lowest word of a stack leads to struct percpu. */
static bool meets_stack_foot(hva_t at, u32 len)
{
	hva_t foot = ALIGN_DOWN(at + len - 1, (hva_t)PERCPU_STACK_SIZE);

	return meets(foot, 8, image_stacks_start, image_stacks_end) && at < foot + 8;
}

static bool may_be(hva_t at, u32 len)
{
	const struct tss *tss = percpu_this()->tss;
	struct table gdt, idt;

	if (!len || len > LIMIT || at < 4 * GiB || at + len < at)
		return false;
	__asm__ volatile("sgdt %0" : "=m"(gdt));
	__asm__ volatile("sidt %0" : "=m"(idt));
	return !meets_table(at, len, &gdt) && !meets_table(at, len, &idt) &&
	       !meets(at, len, tss, tss + 1) && !meets_stack_foot(at, len) &&
	       !meets(at, len, image_nowatch_start, image_nowatch_end);
}

/* --- The registers */

static u32 piece_at(hva_t at, u32 left)
{
	u32 size = PIECE_MAX;

	while (size > left || at % size)
		size /= 2;
	return size;
}

/* Bits of DR7 for DRn: L, R/W, LEN. */
static u64 control_of(unsigned n, u32 size, bool reads)
{
	static const u8 len_bits[] = { [1] = 0, [2] = 1, [4] = 3, [8] = 2 };

	return BIT64(2 * n) | (u64)(reads ? ON_ACCESS : ON_WRITE) << (16 + 4 * n) |
	       (u64)len_bits[size] << (18 + 4 * n);
}

static unsigned free_rows(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < REGS; i++)
		n += !row[i].used;
	return n;
}

static unsigned pieces_of(hva_t at, u32 len)
{
	unsigned n = 0;

	for (u32 done = 0; done < len; n++)
		done += piece_at(at + done, len - done);
	return n;
}

static void arm(const struct gdb_self_watch *w)
{
	u32 done = 0;

	for (unsigned i = 0; i < REGS && done < w->len; i++) {
		u32 size = piece_at(w->at + done, w->len - done);

		if (row[i].used)
			continue;
		row[i] = *w;
		debug_regs.address[i] = w->at + done;
		debug_regs.control |= control_of(i, size, w->reads);
		done += size;
	}
}

static void disarm(unsigned i)
{
	row[i].used = false;
	debug_regs.control &= ~(BIT64(2 * i) | 0xfull << (16 + 4 * i));
}

bool gdb_self_watch_change(hva_t at, u32 len, bool reads, bool set)
{
	bool found = false;

	for (unsigned i = 0; i < REGS; i++) {
		const struct gdb_self_watch *r = &row[i];

		if (!r->used || r->at != at || r->len != len || r->reads != reads)
			continue;
		found = true;
		if (!set)
			disarm(i);
	}
	if (!set || found) /* gdb may ask twice for the same */
		return found;
	if (!may_be(at, len) || pieces_of(at, len) > free_rows())
		return false;
	arm(&(struct gdb_self_watch){ .at = at, .len = len, .reads = reads, .used = true });
	return true;
}

void gdb_self_watch_forget(void)
{
	for (unsigned i = 0; i < REGS; i++)
		disarm(i);
}

const struct gdb_self_watch *gdb_self_watch_met(void)
{
	const struct gdb_self_watch *met = NULL;
	u64 dr6;

	if (!debug_regs_armed())
		return NULL;
	dr6 = read_dr6();
	for (unsigned i = 0; i < REGS && !met; i++)
		if (row[i].used && dr6 & BIT(i))
			met = &row[i];
	if (met)
		write_dr6(DR6_NONE);
	return met;
}
