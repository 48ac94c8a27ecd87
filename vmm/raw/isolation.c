/* SPDX-License-Identifier: MIT */
/*
 * Looks at everything that rings 1 to 3 could use to leave their place, and says what is wrong; the
 * rule is in docs/isolation.md.
 */
#include "vmm/raw/isolation.h"

#include "arch/cpu/gdt.h"
#include "arch/cpu/processor.h"
#include "arch/cpu/try.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/lib/cmdline.h"
#include "vmm/state/vm.h"

#define DPL(d)	  ((d) >> 45 & 3)
#define GATE_SIZE 16u
#define GATES	  256u

/* The IDT's gates: DPL 0, all 256 of them, so that INT n of rings 1 to 3 traps. */
static bool gates_closed(void)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) idtr;

	__asm__ volatile("sidt %0" : "=m"(idtr));
	if (idtr.limit != GATES * GATE_SIZE - 1)
		return false;
	for (unsigned n = 0; n < GATES; n++)
		if (DPL(*(const u64 *)(idtr.base + n * GATE_SIZE)))
			return false;
	return true;
}

/* The LDT's and the TSS's descriptors, 64-bit code, data: none for rings 1 to 3. */
static bool own_entries_closed(const u64 *gdt)
{
	static const u16 own[] = { SEL_LDT, SEL_TSS, SEL_CODE64, SEL_DATA64 };

	for (unsigned i = 0; i < ARRAY_SIZE(own); i++)
		if (DPL(gdt[own[i] / 8]))
			return false;
	return true;
}

const char *isolation_broken(const struct vcpu *v)
{
	u64 sysenter_cs;

	if (!shadow_desc_safe(v->gdt, SEL_LDT / 8))
		return "a descriptor of the shadow GDT lets ring 0, 64-bit code or a gate be "
		       "reached";
	if (!shadow_desc_safe(v->ldt, GDT_SIZE / 8))
		return "a descriptor of the shadow LDT lets ring 0, 64-bit code or a gate be "
		       "reached";
	if (!own_entries_closed(v->gdt))
		return "one of the monitor's descriptors is open to outer rings";
	if (!gates_closed())
		return "a gate of the IDT is open to outer rings";
	if (rdmsr(MSR_EFER) & EFER_SCE)
		return "SYSCALL is on";
	if (!rdmsr_safe(MSR_SYSENTER_CS, &sysenter_cs) && (sysenter_cs & 0xfffc))
		return "SYSENTER is on";
	return NULL;
}

int isolation_wanted = -1;

void isolation_look(struct vcpu *v)
{
	const char *what;

	if (isolation_wanted < 0)
		isolation_wanted =
			cmdline_get("check") && (!strcmp(cmdline_get("check"), "isolation") ||
						 !strcmp(cmdline_get("check"), "views"));
	if (!isolation_wanted || v->isolation_seen == v->desc.entries_written + 1)
		return;
	v->isolation_seen = v->desc.entries_written + 1;
	what = isolation_broken(v);
	if (what)
		panic("%s: isolation: %s", v->vm->config.name, what);
}
