/* SPDX-License-Identifier: MIT */
/*
 * Every kind of trap with TF, NT, AC and DF set and every IOPL, in all combinations; then every
 * type of gate, with every DPL and with good and bad selectors behind it.
 *
 * The flags are set by POPF right before the event, on a page that raw ring 1 runs
 * (lib/hidden.asm); IOPL by IRET. Expected: vector, error code, EIP and pushed flags as on a bare
 * machine (RF aside, which QEMU's TCG does not set, and IF and IOPL, which POPF in raw ring 1 does
 * not change: docs/raw.md). INT1 is shown but not compared: TCG raises #UD.
 */
#include "lib/testguest.h"

#define HOLE		0x90000000u
#define GATE		0x93u
#define SHOWN		(EFLAGS_TF | EFLAGS_NT | EFLAGS_DF | EFLAGS_AC | 0x8d5u)
#define MSR_SYSENTER_CS 0x174u

const char guest_name[] = "flags";

extern const u8 hidden_page[], popf_nop[], popf_ud2[], popf_int[], popf_int_trap[], popf_int_nmi[],
	popf_int_absent[], popf_int3[], popf_into[], popf_int1[], popf_sysenter[], popf_div[],
	popf_read[], popf_cli[], popf_lldt[];

static const struct event {
	const char *name;
	const u8 *code;
} events[] = {
	{ "nop", popf_nop },	   { "ud2", popf_ud2 },
	{ "int", popf_int },	   { "int, trap gate", popf_int_trap },
	{ "int 2", popf_int_nmi }, { "int, absent gate", popf_int_absent },
	{ "int3", popf_int3 },	   { "into", popf_into },
	{ "int1", popf_int1 },	   { "sysenter", popf_sysenter },
	{ "div", popf_div },	   { "page fault", popf_read },
	{ "cli", popf_cli },	   { "lldt", popf_lldt },
};

static u8 sysenter_stack[256];
static const u8 *code;
static u32 iopl;

__attribute__((naked, section(".dirty"))) static void sysenter_landing(void)
{
	__asm__ volatile("ud2");
}

static u32 write_msr(u32 index, u32 value)
{
	__asm__ volatile("wrmsr" ::"c"(index), "a"(value), "d"(0));
	return 0;
}

static u32 sysenter_on(u32 on)
{
	write_msr(MSR_SYSENTER_CS, on ? KCS : 0);
	write_msr(MSR_SYSENTER_CS + 1, (u32)sysenter_stack + sizeof(sysenter_stack));
	write_msr(MSR_SYSENTER_CS + 2, (u32)sysenter_landing);
	return 0;
}

static u32 prepare(u32 unused)
{
	idt_set(0x90, KCS, (u32)trap_stubs + 0x90 * 16, 0xee);
	idt_set(0x91, KCS, (u32)trap_stubs + 0x91 * 16, 0xef);
	idt_set(0x92, KCS, (u32)trap_stubs + 0x92 * 16, 0x6e);
	return unused;
}

/* INT 81h: the frame's IOPL becomes what `iopl` says. */
static bool set_iopl(struct guest_frame *f)
{
	f->eflags = (f->eflags & ~(3u << 12)) | iopl << 12;
	return true;
}

__attribute__((section(".dirty"))) static void with_flags(u32 flags)
{
	if (iopl)
		__asm__ volatile("int $0x81");
	/* The gadget pops the flags and returns: below them lies where to. */
	__asm__ volatile("push $1f; push %0; jmp *%2; 1:" ::"r"(flags | iopl << 12), "a"(HOLE),
			 "r"(code), "c"(0)
			 : "edx", "memory");
	__asm__ volatile("push $0x202; popf" ::: "memory");
}

static u32 all_flags(const struct event *e)
{
	static const u32 bit[] = { EFLAGS_TF, EFLAGS_NT, EFLAGS_AC, EFLAGS_DF, BIT(11) };
	u32 sum = 0;

	code = e->code;
	for (iopl = 0; iopl < 4; iopl++) {
		for (u32 set = 0; set < BIT(COUNT(bit)); set++) {
			u32 flags = 0x202;
			int vector;

			for (u32 b = 0; b < COUNT(bit); b++)
				flags |= set & BIT(b) ? bit[b] : 0;
			vector = attempt(with_flags, flags);
			attempts++;
			sum = digest(sum, (u32)vector);
			if (vector < 0)
				continue;
			if (cmdline_number("verbose", 0))
				print("  %s iopl %u flags %x: vector %u error %x eip %x cs %x "
				      "flags %x\r\n",
				      e->name, iopl, flags, (u32)vector, caught.error, caught.eip,
				      caught.cs, caught.eflags);
			sum = digest(sum, caught.error);
			sum = digest(sum,
				     caught.eip - (u32)e->code < 4 ? caught.eip - (u32)e->code : 0);
			sum = digest(sum, caught.eflags & SHOWN);
		}
	}
	iopl = 0;
	return sum;
}

/* --- Gates --- */

static u32 gate_type, gate_selector;

static u32 set_gate(u32 unused)
{
	u32 offset = (u32)trap_stubs + GATE * 16;

	/* A 16-bit gate's offset has 16 bits; TCG looks at all 32. */
	idt_set(GATE, (u16)gate_selector, (gate_type & 0xe) == 6 ? offset & 0xffff : offset,
		(u8)gate_type);
	return unused;
}

static void raise(u32 unused)
{
	(void)unused;
	__asm__ volatile("int $0x93");
}

static u32 all_gates(void)
{
	static const u32 selectors[] = { 0,   3,   KCS, KCS | 1, KCS | 3,   KDS,   UCS & ~3u,
					 UCS, UDS, TSS, SPARE,	 SPARE | 4, 0xfff0 };
	u32 sum = 0;

	/* A 16-bit gate leads to the low 16 bits of the stub's address. */
	*(volatile u16 *)(((u32)trap_stubs + GATE * 16) & 0xffff) = 0x0b0f;
	for (gate_type = 0; gate_type < 0x100; gate_type++) {
		if ((gate_type & 0x1f) == 5) /* task gates: tests of the recompiler */
			continue;
		for (u32 s = 0; s < COUNT(selectors); s++) {
			int vector;

			gate_selector = selectors[s];
			call_ring0(set_gate, 0);
			vector = attempt(raise, 0);
			attempts++;
			sum = digest(sum, (u32)vector);
			if (vector >= 0)
				sum = digest(digest(sum, caught.error), caught.cs);
			if (cmdline_number("verbose", 0))
				print("  gate %x selector %x: vector %d error %x cs %x\r\n",
				      gate_type, gate_selector, (u32)vector, caught.error,
				      caught.cs);
		}
	}
	return sum;
}

void guest_main(void)
{
	((void (*)(void))hidden_page)();
	trap_hook[0x81] = set_iopl;
	idt_set(0x81, KCS, (u32)trap_stubs + 0x81 * 16, 0xee);
	call_ring0(prepare, 0);
	for (u32 i = 0; i < COUNT(events); i++)
		print("%s%s: digest %x\r\n", events[i].code == popf_int1 ? "  " : "",
		      events[i].name, all_flags(&events[i]));
	call_ring0(sysenter_on, 1);
	print("sysenter to ring 0: digest %x\r\n", all_flags(&events[9]));
	call_ring0(sysenter_on, 0);
	print("gates: digest %x\r\n", all_gates());
	check(true, "alive");
}
