/* SPDX-License-Identifier: MIT */
/*
 * Rings 0 to 3 and the gates between them, as kernels with four rings use them: call gates of both
 * sizes with parameters, conforming code, interrupts into ring 1, IOPL, and what each refuses.
 *
 * Lines that begin with two blanks are not bare QEMU's: TCG knows no limits of segments.
 */
#include "zoo/lib/zoo.h"

#define GATE	FREE
#define OTHER	(FREE + 8)
#define LIMITED (FREE + 16)

const char guest_name[] = "rings";

extern u32 gate_seen[8];
extern struct {
	u32 offset;
	u16 selector, unused;
} far_pointer;
void far_call(u32), far_jump(u32);
u32 call_with_0(u32), call_with_3(u32), call_with_31(u32);
u32 read_ds_after(u32), ring_flags(u32);
extern const u8 gate32_0[], gate32_3[], gate32_31[], gate16_0[], gate16_3[], gate16_31[], words_0[],
	words_3[], words_31[], gate16_begin[], inner_ds[], conforming[], conforming_jump[],
	wrap16[], ring1_handler[];

/* --- Gates with parameters, from each ring to each inner one and itself */

static const struct {
	const char *name;
	u32 kind, count;
	u32 (*caller)(u32); /* of 32 bits */
	const u8 *words;    /* or of 16 */
	const u8 *callee;
} kinds[] = {
	{ "32-bit, none", GATE32, 0, call_with_0, NULL, gate32_0 },
	{ "32-bit, 3", GATE32, 3, call_with_3, NULL, gate32_3 },
	{ "32-bit, 31", GATE32, 31, call_with_31, NULL, gate32_31 },
	{ "16-bit, none", GATE16, 0, NULL, words_0, gate16_0 },
	{ "16-bit, 3", GATE16, 3, NULL, words_3, gate16_3 },
	{ "16-bit, 31", GATE16, 31, NULL, words_31, gate16_31 },
};

static void narrow_stacks(void)
{
	for (u32 r = 1; r < 3; r++) {
		tss.other[r * 2 - 2] = 0x1000 * r;
		tss.other[r * 2 - 1] = NARROW_SS(r) | r;
	}
}

static int in_narrow_ring(u32 ring, const u8 *code)
{
	return go_to(NARROW(ring) | ring, (u32)(code - gate16_begin), 0x202, DATA(ring) | ring,
		     STACK(ring));
}

static void gate_from_to(u32 k, u32 from, u32 to)
{
	u32 code = (u32)kinds[k].callee, target = CODE(to);

	if (kinds[k].words) {
		code -= (u32)gate16_begin;
		target = NARROW(to);
	}
	set_gate(GATE, target, code, kinds[k].count, kinds[k].kind | DPL(3));
	far_pointer.offset = 0x12345678;
	far_pointer.selector = (u16)(GATE | from);
	for (u32 i = 0; i < COUNT(gate_seen); i++)
		gate_seen[i] = 0;
	print("%u to %u:", from, to);
	say_end(kinds[k].words ? in_narrow_ring(from, kinds[k].words)
			       : in_ring(from, kinds[k].caller, 0, 0x202));
	print(" %x cs %x ss %x lost %x ds %x", zoo_result, gate_seen[1], gate_seen[2], gate_seen[4],
	      gate_seen[5]);
	print(" esp %x\r\n", from == 0 ? 0 : gate_seen[3]);
}

static void gates(bool narrow)
{
	if (narrow)
		narrow_stacks();
	for (u32 k = 0; k < COUNT(kinds); k++) {
		print("gate %s%s\r\n", kinds[k].name, narrow ? ", 16-bit stacks" : "");
		for (u32 from = 0; from < 4; from++)
			for (u32 to = 0; to <= from; to++)
				if (narrow ? to != 0 && to != from : from || !kinds[k].words)
					gate_from_to(k, from, to);
	}
	zoo_inner_stacks();
}

/* --- What gates refuse */

static u32 go_call(u32 unused)
{
	far_call(unused);
	return 0;
}

static u32 go_jump(u32 unused)
{
	far_jump(unused);
	return 0;
}

static void refused(const char *what, u32 ring, u32 (*how)(u32), u32 rpl)
{
	far_pointer.offset = 0;
	far_pointer.selector = (u16)(GATE | rpl);
	print("%s", what);
	say_end(in_ring(ring, how, 0, 0x202));
	print(" cpl %u\r\n", caught.cs & 3);
}

static void gate_faults(void)
{
	u32 good = (u32)gate32_0, *stacks = tss.other;

	set_gate(GATE, CODE(1), good, 0, GATE32 | DPL(2));
	refused("gate of an inner ring", 3, go_call, 3);
	set_gate(GATE, CODE(1), good, 0, GATE32 | DPL(3));
	refused("jump to an inner ring", 3, go_jump, 3);
	set_gate(GATE, CODE(1), good, 0, GATE32 | DPL(2));
	refused("RPL too weak", 2, go_call, 3);
	set_gate(GATE, CODE(3), good, 0, GATE32 | DPL(3));
	refused("to an outer ring", 1, go_call, 1);
	set_gate(GATE, CODE(1), good, 0, ABSENT(GATE32) | DPL(3));
	refused("gate not present", 3, go_call, 3);
	set_gate(GATE, 0, good, 0, GATE32 | DPL(3));
	refused("to nothing", 3, go_call, 3);
	set_gate(GATE, DATA(1), good, 0, GATE32 | DPL(3));
	refused("to data", 3, go_call, 3);
	set_gate(GATE, 0x7ff8, good, 0, GATE32 | DPL(3));
	refused("behind the table", 3, go_call, 3);
	set(OTHER, 0, ALL, ABSENT(CODE32) | DPL(1));
	set_gate(GATE, OTHER, good, 0, GATE32 | DPL(3));
	refused("code not present", 3, go_call, 3);

	set_gate(GATE, CODE(1), good, 0, GATE32 | DPL(3));
	stacks[1] = 0;
	refused("no stack", 3, go_call, 3);
	stacks[1] = DATA(1) | 2;
	refused("stack's RPL", 3, go_call, 3);
	stacks[1] = DATA(2) | 1;
	refused("stack's DPL", 3, go_call, 3);
	stacks[1] = CODE(1) | 1;
	refused("stack of code", 3, go_call, 3);
	set(OTHER, 0, ALL, ABSENT(DATA32) | DPL(1));
	stacks[1] = OTHER | 1;
	refused("  stack not present", 3, go_call, 3);
	set(OTHER, 0, ALL, (DATA32 & ~0x200u) | DPL(1));
	refused("stack not writable", 3, go_call, 3);
	set(OTHER, 0, 0x10, BYTES(DATA32) | DPL(1));
	stacks[0] = 8;
	refused("  stack too small", 3, go_call, 3);
	zoo_inner_stacks();
}

/* --- A stack or a segment that is not there, brought by its handler, and the instruction again */

static u32 brought;

static bool bring(struct guest_frame *f)
{
	zoo_gdt[(f->error & 0xfff8) / 8] |= PRESENT;
	brought += f->vector;
	return true;
}

static u32 load_outer(u32 selector)
{
	__asm__ volatile("mov %0, %%es; mov %1, %%es" ::"r"(selector), "r"(DATA(3) | 3));
	return selector;
}

static void repair(void)
{
	trap_hook[11] = bring;
	trap_hook[12] = bring;
	set(OTHER, 0, ALL, DATA32 | DPL(3));
	for (u32 i = 0; i < 3; i++) {
		zoo_gdt[OTHER / 8] &= ~PRESENT;
		print("data not present, ring %u:", i + 1);
		say_end(in_ring(i + 1, load_outer, OTHER | 3, 0x202));
		print(" %u\r\n", brought);
		brought = 0;
	}
	set(OTHER, 0, ALL, ABSENT(DATA32) | DPL(1));
	tss.other[1] = OTHER | 1;
	set_gate(GATE, CODE(1), (u32)gate32_3, 3, GATE32 | DPL(3));
	far_pointer.selector = GATE | 3;
	print("  inner stack not present:");
	say_end(in_ring(3, call_with_3, 0, 0x202));
	print(" %x %u\r\n", zoo_result, brought);
	brought = 0;
	set(OTHER, 0, ALL, ABSENT(CODE32) | DPL(2));
	set_gate(GATE, OTHER, (u32)gate32_31, 31, GATE32 | DPL(3));
	print("inner code not present:");
	say_end(in_ring(3, call_with_31, 0, 0x202));
	print(" %x %u\r\n", zoo_result, brought);
	brought = 0;
	set_gate(GATE, CODE(2), (u32)gate32_31, 31, ABSENT(GATE32) | DPL(3));
	print("gate not present:");
	say_end(in_ring(3, call_with_31, 0, 0x202));
	print(" %x %u\r\n", zoo_result, brought);
	trap_hook[11] = NULL;
	trap_hook[12] = NULL;
	zoo_inner_stacks();
}

/* --- Conforming code, segments that a way out takes away, interrupts to ring 1, IOPL */

static void conform(void)
{
	for (u32 dpl = 0; dpl < 4; dpl++) {
		set(OTHER, 0, ALL, CODE32 | CONFORMS | DPL(dpl));
		print("conforming of DPL %u:", dpl);
		for (u32 ring = 1; ring < 4; ring++) {
			far_pointer.offset = (u32)conforming;
			far_pointer.selector = (u16)(OTHER | (ring & 2));
			say_end(in_ring(ring, go_call, 0, 0x202));
			far_pointer.offset = (u32)conforming_jump;
			say_end(in_ring(ring, go_jump, 0, 0x202));
			print(" %x", zoo_result);
			set_gate(GATE, OTHER, (u32)conforming, 0, GATE32 | DPL(3));
			far_pointer.selector = GATE;
			say_end(in_ring(ring, go_call, 0, 0x202));
		}
		print("\r\n");
	}
}

static void taken_away(void)
{
	set_gate(GATE, CODE(1), (u32)inner_ds, 1, GATE32 | DPL(3));
	far_pointer.selector = GATE | 3;
	for (u32 ring = 1; ring < 4; ring++)
		for (u32 dpl = 1; dpl < 4; dpl++) {
			int v = in_ring(ring, read_ds_after, DATA(dpl) | dpl, 0x202);

			print("ring %u, ds of DPL %u:", ring, dpl);
			say_end(v);
			print(" %x\r\n", zoo_result);
		}
}

static u32 interrupt(u32 unused)
{
	__asm__ volatile("int $0x90" : "=a"(unused) : "a"(0));
	return unused;
}

static u32 interrupt_not_present(u32 unused)
{
	__asm__ volatile("int $0x91" : "=a"(unused) : "a"(0));
	return unused;
}

static void interrupts(void)
{
	idt_set(0x90, CODE(1), (u32)ring1_handler, 0xee);
	idt_set(0x91, CODE(1), (u32)ring1_handler, 0x6e);
	for (u32 ring = 0; ring < 4; ring++) {
		print("INT to ring 1 from %u:", ring);
		say_end(in_ring(ring, interrupt, 0, 0x202));
		print(" %x\r\n", ring == 0 || ring == 1 ? 0 : zoo_result);
		print("INT not present from %u:", ring);
		say_end(in_ring(ring, interrupt_not_present, 0, 0x202));
		print("\r\n");
	}
	idt_set(0x90, CODE(2), (u32)ring1_handler, 0xce);
	for (u32 ring = 1; ring < 4; ring++) {
		print("INT to ring 2 from %u, gate of DPL 2:", ring);
		say_end(in_ring(ring, interrupt, 0, 0x202));
		print("\r\n");
	}
}

static u32 cli_sti(u32 unused)
{
	__asm__ volatile("cli; sti");
	return unused;
}

static u32 port(u32 unused)
{
	return unused + inb(0x61) * 0;
}

static void iopl(void)
{
	for (u32 pl = 0; pl < 4; pl++) {
		print("IOPL %u:", pl);
		for (u32 ring = 1; ring < 4; ring++) {
			say_end(in_ring(ring, cli_sti, 0, 0x202 | pl << 12));
			say_end(in_ring(ring, port, 0, 0x202 | pl << 12));
			say_end(in_ring(ring, ring_flags, 0x3cd7, 0x202 | pl << 12));
			print(" %x", zoo_result);
		}
		print("\r\n");
	}
}

/* --- Limits: bytes, pages, expand-down; and stacks that wrap */

static u32 limit_at, limit_size;

static u32 touch(u32 selector)
{
	u32 v = 0;

	__asm__ volatile("mov %0, %%es" ::"r"(selector));
	if (limit_size == 1)
		__asm__ volatile("movb %%es:(%1), %b0" : "=q"(v) : "r"(limit_at));
	else if (limit_size == 2)
		__asm__ volatile("movw %%es:(%1), %w0" : "=r"(v) : "r"(limit_at));
	else
		__asm__ volatile("movl %%es:(%1), %0" : "=r"(v) : "r"(limit_at));
	__asm__ volatile("mov %0, %%es" ::"r"(DATA(3) | 3));
	return v;
}

static void try_limit(const char *what, u32 kind, u32 limit, u32 at)
{
	print("  limit %s:", what);
	set(LIMITED, 0, limit, kind | DPL(3));
	limit_at = at;
	for (limit_size = 1; limit_size < 5; limit_size *= 2)
		for (u32 ring = 0; ring < 4; ring += 3)
			for (u32 before = 0; before < 5; before++) {
				int v;

				limit_at = at - before;
				v = in_ring(ring, touch, LIMITED | 3, 0x202);
				print("%s", v == 13 ? "x" : v == DONE || v < 0 ? "." : "?");
			}
	print("\r\n");
}

static void limits(void)
{
	try_limit("bytes", BYTES(DATA32), 0x4fff, 0x5000);
	try_limit("pages", DATA32, 0x4, 0x5000);
	try_limit("down", BYTES(DATA32) | DOWN, 0x4fff, 0x5002);
	try_limit("down, pages", DATA32 | DOWN, 0x4, 0x5002);
	try_limit("down, 64 KiB", DATA16 | DOWN, 0x4fff, 0x10001);
}

static void wraps(void)
{
	u8 *stack = (u8 *)STACK16;

	for (u32 i = 0; i < 16; i++)
		stack[0xfff0 + i] = stack[i] = 0;
	set(LIMITED, STACK16, 0xffff, DATA16 | DPL(3));
	print("stack that wraps:");
	say_end(go_to(NARROW(3) | 3, (u32)(wrap16 - gate16_begin), 0x202, LIMITED | 3, 0));
	print(" %x %x %x %x", gate_seen[0] & 0xffff, gate_seen[1] & 0xffff, gate_seen[2] & 0xffff,
	      gate_seen[3] & 0xffff);
	print(" %x %x\r\n", *(u32 *)(stack + 0xfffc), *(u32 *)stack);
}

void guest_main(void)
{
	zoo_begin(gate16_begin);
	gates(false);
	gates(true);
	gate_faults();
	repair();
	conform();
	taken_away();
	interrupts();
	iopl();
	limits();
	wraps();
}
