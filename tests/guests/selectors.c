/* SPDX-License-Identifier: MIT */
/*
 * Every selector 0..FFFFh by far jump, far call, far return, IRET, MOV to each segment register and
 * LxS; LAR and LSL of every selector behind the guest's own table.
 *
 * The guest's table holds flat segments, a TSS and rubbish; the monitor's own entries, FFD0h and
 * up, lie beyond its limit. Expected: the processor's own answer for every selector, whatever the
 * table behind it looks like: the digests of vectors and error codes are those of a bare machine,
 * and no transfer arrives anywhere but in the guest's segments. Left out: the ring-0 segments by
 * selectors of RPL 1, which raw ring 1 takes (docs/raw.md) and a processor does not.
 *
 *   make build/guests/selectors && qemu-system-x86_64 -accel tcg -kernel build/guests/selectors
 * -append ring=3 -serial stdio -display none -device isa-debug-exit,iobase=0x501        (-s -S:
 * gdb, break *0x100000)
 */
#include "lib/testguest.h"

const char guest_name[] = "selectors";

static struct {
	u32 offset;
	u16 selector;
} __attribute__((packed)) far_pointer;

extern const u8 hidden_page[], hidden_far_jump[], hidden_far_call[], hidden_far_return[],
	hidden_iret[], hidden_lar[], hidden_lsl[], hidden_mov_es[], hidden_mov_ds[],
	hidden_mov_fs[], hidden_mov_gs[], hidden_mov_ss[], hidden_les[], hidden_lds[], hidden_lss[],
	hidden_lfs[], hidden_lgs[];

/* Where transfers arrive: a trap that shows CS. */
__attribute__((naked)) static void landing(void)
{
	__asm__ volatile("ud2");
}

static const u8 *method;

static void by_pointer(u32 selector)
{
	far_pointer.offset = (u32)landing;
	far_pointer.selector = (u16)selector;
	__asm__ volatile("call *%1" ::"a"(&far_pointer), "r"(method),
			 "c"(guest_ring == 3 ? UDS : KDS)
			 : "memory", "edx");
}

static void by_register(u32 selector)
{
	__asm__ volatile("call *%1"
			 : "+a"(selector)
			 : "r"(method), "c"(guest_ring == 3 ? UDS : KDS)
			 : "memory", "edx");
}

/* IRET and RETF: five words, of which a return to the same ring takes three (two). */
static void by_stack(u32 selector)
{
	__asm__ volatile("push %4; push %%esp; push %0; push %1; push %2; jmp *%3" ::"r"(0x202),
			 "r"(selector), "r"(landing), "r"(method), "r"(UDS));
	__builtin_unreachable();
}

static void by_far_return(u32 selector)
{
	__asm__ volatile("push %3; push %%esp; push %0; push %1; jmp *%2" ::"r"(selector),
			 "r"(landing), "r"(method), "r"(UDS));
	__builtin_unreachable();
}

static const struct way {
	const char *name;
	void (*go)(u32 selector);
	const u8 *method;
} ways[] = {
	{ "far jump", by_pointer, hidden_far_jump },
	{ "far call", by_pointer, hidden_far_call },
	{ "far return", by_far_return, hidden_far_return },
	{ "iret", by_stack, hidden_iret },
	{ "mov es", by_register, hidden_mov_es },
	{ "mov ds", by_register, hidden_mov_ds },
	{ "mov fs", by_register, hidden_mov_fs },
	{ "mov gs", by_register, hidden_mov_gs },
	{ "mov ss", by_register, hidden_mov_ss },
	{ "les", by_pointer, hidden_les },
	{ "lds", by_pointer, hidden_lds },
	{ "lss", by_pointer, hidden_lss },
	{ "lfs", by_pointer, hidden_lfs },
	{ "lgs", by_pointer, hidden_lgs },
};

static void all_selectors(const struct way *w, u32 skip)
{
	u32 sum = 0, through = 0, elsewhere = 0;

	method = w->method;
	for (u32 s = 0; s < 0x10000; s += skip) {
		int vector;

		if (guest_ring == 0 && (s == (KCS | 1) || s == (KDS | 1)))
			continue;
		vector = attempt(w->go, s);
		attempts++;
		sum = digest(sum, (u32)vector);
		if (vector < 0) {
			through++;
			continue;
		}
		sum = digest(sum, caught.error);
		/* A transfer that arrived: only flat code segments of the guest's are there. */
		if (caught.eip == (u32)landing) {
			through++;
			elsewhere += (caught.cs & ~3u) != KCS && (caught.cs & ~3u) != (UCS & ~3u);
		}
	}
	print("%s: %u through, digest %x\r\n", w->name, through, sum);
	check(!elsewhere, "no transfer arrives outside the guest's segments");
}

/* What lies behind the guest's table, the monitor's entries above all, must not even be seen. */
static void query(const char *name, const u8 *code)
{
	u32 seen = 0;

	for (u32 s = 0x80; s < 0x10000; s++) {
		u32 value = s;
		bool valid;

		__asm__ volatile("call *%2" : "+a"(value), "=@ccz"(valid) : "r"(code) : "memory");
		seen += valid;
		attempts++;
	}
	print("%s: %u seen\r\n", name, seen);
	check(!seen, "nothing is seen behind the guest's table");
}

void guest_main(void)
{
	((void (*)(void))hidden_page)();
	query("lar", hidden_lar);
	query("lsl", hidden_lsl);
	for (u32 i = 0; i < COUNT(ways); i++)
		if (cmdline_number("ways", ~0u) & BIT(i))
			all_selectors(&ways[i], cmdline_number("step", 1));
}
