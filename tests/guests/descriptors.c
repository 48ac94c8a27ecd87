/* SPDX-License-Identifier: MIT */
/*
 * A GDT and an LDT of 64 KiB each, full of random descriptors of every type, with L, with any DPL,
 * base and limit, call gates to anywhere: each tried by far jump, far call, MOV to DS and SS, LAR,
 * LSL, VERR and VERW.
 *
 * The last entries, where the monitor keeps its own, are the guest's here. In ring 0 no descriptor
 * has DPL 1 or 2, with which raw ring 1 would be refused. Left out: task gates and available TSSs
 * (tests of the recompiler). Expected: a bare machine's answers.
 */
#include "lib/testguest.h"

/* Bits 16 to 19 are undefined; L (21) and the accessed bit of a guest's table is not set by a load
 * in raw rings. */
#define LAR_SHOWN     0x00d0fe00u
#define ENTRIES	      8192u
#define MONITOR_FIRST 0xffd0u /* arch/cpu/gdt.h: these are never the guest's in raw rings */
#define VEC_GP	      13
#define FIRST	      16u /* behind the guest's own */

const char guest_name[] = "descriptors";

extern const u8 hidden_page[], hidden_far_jump[], hidden_far_call[], hidden_mov_ds[],
	hidden_mov_ss[];

struct table {
	u16 limit;
	u32 base;
} __attribute__((packed));

static u32 *gdt, *ldt;
static bool gates;
static struct {
	u32 offset;
	u16 selector;
} __attribute__((packed)) far_pointer;

__attribute__((naked)) static void landing(void)
{
	__asm__ volatile("ud2");
}

static u32 base_of(const u32 *d)
{
	return d[0] >> 16 | (d[1] & 0xff) << 16 | (d[1] & 0xff000000);
}

/* Low word, high word; type, S, DPL and P are bits 8 to 15 of the high one. */
static void make_descriptor(u32 *d)
{
	u32 kind;

	d[0] = random_next();
	d[1] = random_next();
	if (random_next() & 1)
		d[1] |= 0x8000;
	if (guest_ring == 0 && ((d[1] >> 13 & 3) == 1 || (d[1] >> 13 & 3) == 2))
		d[1] ^= 0x2000;
	kind = d[1] >> 8 & 0x1f;
	if (kind == 1 || kind == 5 || kind == 9)
		d[1] |= 0x1000;
	/* Call gates: to the landing; the selector now and then one that works. */
	if ((kind == 4 || kind == 12) && !gates) {
		d[1] &= ~0x8000u;
	} else if (kind == 4 || kind == 12) {
		u32 offset = (u32)landing;
		u32 selector = random_next() & 3 ? (random_next() & 1 ? KCS : UCS) : d[0] >> 16;

		if (kind == 4)
			offset = 0;
		d[0] = selector << 16 | (offset & 0xffff);
		d[1] = (offset & 0xffff0000) | (d[1] & 0xff00) | (random_next() & 0x1f);
	}
}

static u32 prepare(u32 unused)
{
	struct table t;
	u32 lo;

	gdt = page_alloc();
	for (u32 i = 1; i < 16; i++)
		page_alloc();
	ldt = page_alloc();
	for (u32 i = 1; i < 16; i++)
		page_alloc();
	__asm__ volatile("sgdt %0" : "=m"(t));
	for (u32 i = 0; i < FIRST * 2; i++)
		gdt[i] = ((u32 *)t.base)[i];
	lo = (u32)ldt;
	gdt[SPARE / 4] = lo << 16 | 0xffff;
	gdt[SPARE / 4 + 1] = (lo & 0xff000000) | 0x8200 | (lo >> 16 & 0xff);
	t = (struct table){ 0xffff, (u32)gdt };
	__asm__ volatile("lgdt %0; lldt %w1" ::"m"(t), "r"(SPARE));
	return unused;
}

static u32 *entry_of(u32 selector)
{
	return (selector & 4 ? ldt : gdt) + selector / 8 * 2;
}

static const u8 *method;

static void by_pointer(u32 selector)
{
	far_pointer.offset = (u32)landing - base_of(entry_of(selector));
	far_pointer.selector = (u16)selector;
	__asm__ volatile("call *%1" ::"a"(&far_pointer), "r"(method) : "memory", "ecx", "edx");
}

static void by_register(u32 selector)
{
	__asm__ volatile("call *%1"
			 : "+a"(selector)
			 : "r"(method), "c"(guest_ring == 3 ? UDS : KDS)
			 : "memory", "edx");
}

static u32 all(void (*go)(u32), const u8 *code, u32 rpl)
{
	u32 sum = 0;

	method = code;
	for (u32 n = FIRST * 2; n < ENTRIES * 2; n += 7) {
		int vector = attempt(go, n / 2 * 8 | (n & 1) << 2 | rpl);

		attempts++;
		sum = digest(sum, (u32)vector);
		if (vector < 0)
			continue;
		/* An offset behind the limit: SDM says #GP(0), TCG #GP(selector). */
		sum = digest(sum, vector == VEC_GP ? 0 : caught.error);
		sum = digest(sum, vector == VEC_GP ? 0 : caught.cs);
	}
	return sum;
}

/* LAR, LSL, VERR, VERW: on a page that raw ring 1 leaves to the recompiler. */
__attribute__((section(".dirty"))) static u32 queries(u32 rpl)
{
	u32 sum = 0;

	for (u32 n = FIRST * 2; n < ENTRIES * 2; n++) {
		u32 selector = n / 2 * 8 | (n & 1) << 2 | rpl, access = 0, limit = 0;
		bool lar, lsl, verr, verw, system = !(entry_of(selector)[1] & 0x1000);

		if (guest_ring == 3 && (system || !(entry_of(selector)[1] & 0x8000) ||
					(selector >= MONITOR_FIRST && !(selector & 4))))
			continue;
		__asm__ volatile("lar %2, %1" : "=@ccz"(lar), "+r"(access) : "r"(selector));
		__asm__ volatile("lsl %2, %1" : "=@ccz"(lsl), "+r"(limit) : "r"(selector));
		__asm__ volatile("verr %w1" : "=@ccz"(verr) : "r"(selector));
		__asm__ volatile("verw %w1" : "=@ccz"(verw) : "r"(selector));
		sum = digest(sum, lar | lsl << 1 | verr << 2 | verw << 3);
		sum = digest(digest(sum, lar ? access & LAR_SHOWN : 0), lsl ? limit : 0);
	}
	return sum;
}

/* VERW alone, which raw ring 1 executes. */
static u32 writable(u32 rpl)
{
	u32 sum = 0;

	for (u32 n = FIRST * 2; n < ENTRIES * 2; n++) {
		u32 selector = n / 2 * 8 | (n & 1) << 2 | rpl;
		bool verw;

		if (selector >= MONITOR_FIRST && !(selector & 4))
			continue;
		__asm__ volatile("verw %w1" : "=@ccz"(verw) : "r"(selector));
		sum = digest(sum, verw);
	}
	return sum;
}

static u32 fill(u32 round)
{
	for (u32 i = FIRST; i < ENTRIES; i++) {
		make_descriptor(gdt + i * 2);
		make_descriptor(ldt + i * 2);
	}
	return round;
}

void guest_main(void)
{
	((void (*)(void))hidden_page)();
	call_ring0(prepare, 0);
	for (u32 round = 0; round < (cmdline_number("bare", 0) ? 1 : 2); round++) {
		u32 rpl = guest_ring == 3 ? 3 : round * 3;
		const char *indent = round ? "  " : "";

		gates = round == 1;
		call_ring0(fill, round);
		print("%sfar jump: digest %x\r\n", indent, all(by_pointer, hidden_far_jump, rpl));
		print("%sfar call: digest %x\r\n", indent, all(by_pointer, hidden_far_call, rpl));
		print("%smov ds: digest %x\r\n", indent, all(by_register, hidden_mov_ds, rpl));
		print("%smov ss: digest %x\r\n", indent, all(by_register, hidden_mov_ss, rpl));
		print("%slar, lsl, verr, verw: digest %x\r\n", indent, queries(rpl));
		print("%sverw: digest %x\r\n", indent, writable(rpl));
	}
	check(true, "alive");
}
