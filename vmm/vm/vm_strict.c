/* SPDX-License-Identifier: MIT */
/*
 * What is told and counted of broken rules.
 */
#include "vmm/vm/vm_strict.h"

#include "kernel/console/console.h"
#include "vmm/console/vm_console.h"
#include "vmm/vm/vm_state.h"

static const struct {
	const char *name, *manual, *what;
} rules[] = {
#define STRICT(name, manual, what) { #name, manual, what },
#include "emu/dev/strict.def"
#undef STRICT
};

_Static_assert(ARRAY_SIZE(rules) == STRICT_RULES && STRICT_RULES <= VM_STRICT_RULES, "a row each");

/* True: that is new, and there is room to remember it. */
static bool first_here(struct vm_strict *s, unsigned rule, u32 gla)
{
	for (unsigned i = 0; i < s->places; i++)
		if (s->place[i].rule == rule && s->place[i].gla == gla)
			return false;
	if (s->places == VM_STRICT_PLACES)
		return false;
	s->place[s->places].rule = (u8)rule;
	s->place[s->places++].gla = gla;
	return true;
}

void vm_strict_broken(struct vm *vm, unsigned rule)
{
	const struct cpu *c = &vm->vcpu->cpu;
	struct vm_strict *s = &vm->strict;

	s->broken[rule]++;
	if (!first_here(s, rule, c->seg[SEG_CS].base + c->eip))
		return;
	vm_report(vm, "strict: %s: %s (%s) at %04x:%08x", rules[rule].name, rules[rule].what,
		  rules[rule].manual, c->seg[SEG_CS].sel, c->eip);
	if (s->places == VM_STRICT_PLACES)
		vm_report(vm, "strict: other places are counted, and not told any more");
	if (vm->config.strict != STRICT_STOP)
		return;
	vm_pause(vm);
	recomp_signal(&vm->vcpu->cpu, CPU_EVENT_YIELD);
}

void vm_strict_print(const struct vm *vm)
{
	const struct vm_strict *s = &vm->strict;

	console_print("%-14s %10s  %s\n", "RULE", "BROKEN", "WHAT");
	for (unsigned i = 0; i < STRICT_RULES; i++)
		console_print("%-14s %10llu  %s (%s)\n", rules[i].name,
			      (unsigned long long)s->broken[i], rules[i].what, rules[i].manual);
	for (unsigned i = 0; i < s->places; i++)
		console_print("%s at %08x\n", rules[s->place[i].rule].name, s->place[i].gla);
}
