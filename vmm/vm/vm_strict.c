/* SPDX-License-Identifier: MIT */
/*
 * What is told and counted of broken rules.
 */
#include "vmm/vm/vm_strict.h"

#include "emu/dbg/dbg_path.h"
#include "kernel/base/print.h"
#include "kernel/console/console.h"
#include "vmm/console/vm_console.h"
#include "vmm/vm/vm_state.h"

static const struct {
	const char *name, *manual, *what, *number;
} rules[] = {
#define STRICT(name, manual, what, number) { #name, manual, what, number },
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

void vm_strict_broken(struct vm *vm, unsigned rule, u32 number)
{
	const struct cpu *c = &vm->vcpu->cpu;
	struct vm_strict *s = &vm->strict;
	char behind[32] = "";

	s->broken[rule]++;
	if (!first_here(s, rule, c->seg[SEG_CS].base + c->eip))
		return;
	if (rules[rule].number[0])
		fmt_print(behind, sizeof(behind), ", %s %x", rules[rule].number, number);
	vm_report(vm, "strict: %s: %s (%s) at %04x:%08x%s", rules[rule].name, rules[rule].what,
		  rules[rule].manual, c->seg[SEG_CS].sel, c->eip, behind);
	if (s->places == VM_STRICT_PLACES)
		vm_report(vm, "strict: other places are counted, and not told any more");
	if (vm->config.strict != STRICT_STOP)
		return;
	vm_pause(vm);
	recomp_signal(&vm->vcpu->cpu, CPU_EVENT_YIELD);
}

/*
 * Time is no measure: each access costs the guest microseconds here. What counts is that its code
 * leaves no time.
 */
void vm_strict_settles(struct vm *vm)
{
	vm->strict.next_in = dbg_next_in(&vm->vcpu->cpu);
}

bool vm_strict_unsettled(const struct vm *vm)
{
	const struct cpu *c = &vm->vcpu->cpu;

	return vm->strict.next_in && vm->strict.next_in == c->seg[SEG_CS].base + c->eip;
}

/*
 * Handlers may be interrupted, may take long, and may even wait in HLT for what has priority. So it
 * takes several HLTs in a row with the same one in service, or one if nothing is to come; and many
 * turns for those who never halt. A turn is no measure of time: it may be cut short by anything.
 */
#define HELD_HALTS 4u
#define HELD_TURNS 100u

static void look_at_held(struct vm *vm, struct vm_strict_held *h, unsigned rule, int input,
			 bool halted)
{
	if (input != h->input)
		*h = (struct vm_strict_held){ .input = input };
	if (input < 0 || !vm->vcpu->cpu.vif) /* with interrupts off it is on its way to the EOI */
		return;
	h->turns++;
	h->halts += halted;
	if (h->turns < HELD_TURNS && h->halts < HELD_HALTS &&
	    !(halted && vm_wakes_at(vm) == UINT64_MAX))
		return;
	vm_strict_broken(vm, rule, (u32)input);
	h->turns = h->halts = 0;
}

void vm_strict_turn(struct vm *vm, bool halted)
{
	struct vm_strict *s = &vm->strict;

	look_at_held(vm, &s->pic, STRICT_pic_no_eoi, board_pic_holds_back(vm->board, s->pic.input),
		     halted);
	look_at_held(vm, &s->apic, STRICT_apic_no_eoi,
		     board_apic_holds_back(vm->board, s->apic.input), halted);
}

void vm_strict_print(const struct vm *vm)
{
	const struct vm_strict *s = &vm->strict;

	console_print("%-18s %10s  %s\n", "RULE", "BROKEN", "WHAT");
	for (unsigned i = 0; i < STRICT_RULES; i++)
		console_print("%-18s %10llu  %s (%s)\n", rules[i].name,
			      (unsigned long long)s->broken[i], rules[i].what, rules[i].manual);
	for (unsigned i = 0; i < s->places; i++)
		console_print("%s at %08x\n", rules[s->place[i].rule].name, s->place[i].gla);
}
