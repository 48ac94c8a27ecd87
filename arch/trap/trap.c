/* SPDX-License-Identifier: MIT */
/*
 * The IDT and what happens after an entry stub. The order of decisions is told in the header.
 */
#include "arch/trap/trap.h"

#include "arch/cpu/processor.h"
#include "arch/cpu/gdt.h"
#include "arch/mem/image.h"
#include "arch/trap/irq.h"
#include "arch/cpu/percpu.h"

/* SDM 3A figure 6-8: 64-bit gate. */
struct gate {
	u16 offset_low, selector;
	u8 ist;
	u8 type; /* P, DPL, 1110b: interrupt gate */
	u16 offset_middle;
	u32 offset_high;
	u32 reserved;
};

struct fixup {
	u64 fault, landing;
};

_Static_assert(sizeof(struct gate) == 16, "SDM 3A 6.14.1");
_Static_assert(sizeof(struct trap_frame) == 23 * 8, "arch/trap/trap.asm builds it");
_Static_assert(offsetof(struct trap_frame, rip) == 144, "vmm/raw/raw_entry.asm reads it");

extern const char trap_stubs[];
extern const struct fixup image_fixups_start[], image_fixups_end[];

static struct gate idt[256] __attribute__((aligned(PAGE_SIZE)));

static void (*nmi_handler)(const struct trap_frame *frame);
static bool (*nmi_watchdog)(void);
static void (*fatal)(const struct trap_frame *frame);
static const struct trap_debugger nobody, *debugger NO_WATCH = &nobody;

static const char *const exception_name[32] = {
	"#DE divide error",
	"#DB debug",
	"NMI",
	"#BP breakpoint",
	"#OF overflow",
	"#BR bound range",
	"#UD invalid opcode",
	"#NM no FPU",
	"#DF double fault",
	"coprocessor segment overrun",
	"#TS invalid TSS",
	"#NP segment not present",
	"#SS stack",
	"#GP general protection",
	"#PF page fault",
	"exception 15",
	"#MF x87",
	"#AC alignment",
	"#MC machine check",
	"#XM SIMD",
	"#VE virtualization",
	"#CP control protection",
	"exception 22",
	"exception 23",
	"exception 24",
	"exception 25",
	"exception 26",
	"exception 27",
	"#HV hypervisor",
	"#VC VMM communication",
	"#SX security",
	"exception 31",
};

const char *trap_name(u64 vector)
{
	return vector < ARRAY_SIZE(exception_name) ? exception_name[vector] : "interrupt";
}

static void set_gate(unsigned vector, unsigned ist)
{
	u64 stub = (u64)trap_stubs + vector * TRAP_STUB_SIZE;

	idt[vector] = (struct gate){
		.offset_low = (u16)stub,
		.selector = SEL_CODE64,
		.ist = (u8)ist,
		.type = 0x8e,
		.offset_middle = (u16)(stub >> 16),
		.offset_high = (u32)(stub >> 32),
	};
}

void trap_set_nmi_handler(void (*fn)(const struct trap_frame *frame))
{
	nmi_handler = fn;
}

void trap_set_nmi_watchdog(bool (*fn)(void))
{
	nmi_watchdog = fn;
}

void trap_set_fatal(void (*fn)(const struct trap_frame *frame))
{
	fatal = fn;
}

void trap_set_debugger(const struct trap_debugger *d)
{
	debugger = d;
}

static void trap_fatal(const struct trap_frame *f) __attribute__((noreturn));
static void trap_fatal(const struct trap_frame *f)
{
	if (fatal)
		fatal(f);
	for (;;)
		__asm__ volatile("cli; hlt");
}

void trap_init(void)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) idtr = { sizeof(idt) - 1, (u64)idt };

	for (unsigned v = 0; v < ARRAY_SIZE(idt); v++)
		set_gate(v, 0);
	set_gate(VEC_NMI, PERCPU_IST_NMI);
	set_gate(VEC_DF, PERCPU_IST_DF);
	set_gate(VEC_MC, PERCPU_IST_MC);
	__asm__ volatile("lidt %0" ::"m"(idtr));
	__asm__ volatile("mov %0, %%dr7" ::"r"(0x400ull));
}

static bool fix_up(struct trap_frame *f)
{
	for (const struct fixup *x = image_fixups_start; x < image_fixups_end; x++) {
		if (f->rip == x->fault) {
			f->rip = x->landing;
			return true;
		}
	}
	return false;
}

static void non_maskable_interrupt(struct percpu *pc, struct trap_frame *f)
{
	pc->nmis++;
	if (!(nmi_watchdog && nmi_watchdog()) && nmi_handler)
		nmi_handler(f);
	/* Guest code is looked at before it is resumed, after this as after any other. */
	if (trap_from_guest(f) && pc->guest_trap)
		pc->guest_trap(pc, f);
}

static void device_interrupt(struct percpu *pc, struct trap_frame *f)
{
	pc->irqs++;
	pc->irq_depth++;
	pc->irq_frame = f;
	irq_dispatch((unsigned)f->vector);
	pc->irq_frame = NULL;
	pc->irq_depth--;
	/* Last, since it may unwind and never come back here. */
	if (pc->after_irq)
		pc->after_irq(pc, f);
}

/*
 * Flags that neither the monitor nor translated code ever has. QEMU's TCG (7.2) pushes with the
 * flags what CMPXCHG8B has left there of an operand, and its IRETQ would obey it.
 */
#define NEVER_OURS ((u64)(EFLAGS_VM | EFLAGS_NT | EFLAGS_IOPL | EFLAGS_TF))

static void decide(struct percpu *pc, struct trap_frame *f, bool guest)
{
	if (f->vector >= IRQ_VECTOR_FIRST)
		device_interrupt(pc, f);
	else if (f->vector == VEC_NMI)
		non_maskable_interrupt(pc, f);
	else if (f->vector == VEC_MC || f->vector == VEC_DF || (guest && !pc->guest_trap))
		trap_fatal(f);
	else if (guest)
		pc->guest_trap(pc, f);
	else if (!(pc->code_trap && pc->code_trap(pc, f)) && !fix_up(f))
		trap_fatal(f);
}

/* Kept out of trap_dispatch(), which then saves no registers for it. */
static NO_BREAKPOINT void dispatch(struct percpu *pc, struct trap_frame *f)
{
	bool guest = trap_from_guest(f);

	if (!guest)
		f->rflags &= ~NEVER_OURS;
	if (debugger->on && debugger->first(f, guest))
		return;
	decide(pc, f, guest);
	if (debugger->on)
		debugger->last(f, guest);
}

NO_BREAKPOINT void trap_dispatch(struct trap_frame *f)
{
	struct percpu *pc = percpu_this();

	/* Most of all traps: an instruction of guest code, mostly a system call. */
	if (f->vector == VEC_GP && (f->cs & 3) && pc->guest_trap)
		pc->guest_trap(pc, f);
	else
		dispatch(pc, f);
}
