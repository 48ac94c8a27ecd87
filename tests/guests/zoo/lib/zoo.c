/* SPDX-License-Identifier: MIT */
/*
 * The tables that the zoo's kernels share, and the ways into other rings; zoo.h tells what for.
 */
#include "zoo/lib/zoo.h"

#define GDT_COUNT 512u
#define LIB_GDT	  16u

/* zoo_enter.asm reads these. */
extern u32 ring_way[5], ring_arg, ring_data;
extern u32 (*ring_fn)(u32);
void ring_go(u32), ring_main(void);

u64 *zoo_gdt;
u32 zoo_result;

void set(u32 selector, u32 base, u32 limit, u32 kind)
{
	u32 hi = (base & 0xff000000) | kind | (limit & 0xf0000) | (base >> 16 & 0xff);

	zoo_gdt[selector / 8] = (u64)hi << 32 | (base << 16 | (limit & 0xffff));
}

void set_gate(u32 selector, u32 target, u32 offset, u32 count, u32 kind)
{
	zoo_gdt[selector / 8] = (u64)((offset & 0xffff0000) | kind | count) << 32 |
				(target << 16 | (offset & 0xffff));
}

static bool done(struct guest_frame *f)
{
	zoo_result = f->eax;
	return false;
}

static void ring_0(u32 arg)
{
	zoo_result = ring_fn(arg);
}

int go_to(u32 cs, u32 eip, u32 eflags, u32 ss, u32 esp)
{
	ring_data = DATA(3) | 3;
	ring_way[0] = eip;
	ring_way[1] = cs;
	ring_way[2] = eflags;
	ring_way[3] = esp;
	ring_way[4] = ss;
	zoo_result = 0;
	return attempt(ring_go, 0);
}

int in_ring(u32 ring, u32 (*fn)(u32), u32 arg, u32 eflags)
{
	zoo_result = 0;
	ring_fn = fn;
	ring_arg = arg;
	ring_data = DATA(3) | 3;
	if (ring == 0)
		return attempt(ring_0, arg) < 0 ? (int)DONE : (int)caught.vector;
	return go_to(CODE(ring) | ring, (u32)ring_main, eflags, DATA(ring) | ring, STACK(ring));
}

void say_end(int vector)
{
	if (vector == DONE)
		print(" ok");
	else
		print(" %d:%x", vector, vector < 0 ? 0 : caught.error);
}

void zoo_inner_stacks(void)
{
	for (u32 r = 1; r < 3; r++) {
		tss.other[r * 2 - 2] = INNER(r);
		tss.other[r * 2 - 1] = DATA(r) | r;
	}
}

void zoo_begin(const u8 *narrow_begin)
{
	struct {
		u16 limit;
		u32 base;
	} __attribute__((packed)) t;

	zoo_gdt = page_alloc();
	__asm__ volatile("sgdt %0" : "=m"(t));
	for (u32 i = 0; i < LIB_GDT; i++)
		zoo_gdt[i] = ((u64 *)t.base)[i];
	for (u32 r = 0; r < 4; r++) {
		set(CODE(r), 0, ALL, CODE32 | DPL(r));
		set(DATA(r), 0, ALL, DATA32 | DPL(r));
		set(NARROW(r), (u32)narrow_begin, 0xffff, CODE16 | DPL(r));
		set(NARROW_SS(r), STACK16, 0xffff, DATA16 | DPL(r));
	}
	t.limit = GDT_COUNT * 8 - 1;
	t.base = (u32)zoo_gdt;
	__asm__ volatile("lgdt %0" ::"m"(t));
	idt_set(DONE, KCS, (u32)trap_stubs + DONE * 16, 0xee);
	trap_hook[DONE] = done;
	for (u32 at = 0; at < GUEST_RAM; at += PAGE_SIZE)
		map(at, at, PTE_P | PTE_W | PTE_U);
	zoo_inner_stacks();
}
