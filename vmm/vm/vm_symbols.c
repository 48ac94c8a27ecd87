/* SPDX-License-Identifier: MIT */
/*
 * Symbols from a boot module.
 */
#include "vmm/vm/vm_symbols.h"

#include "emu/dbg/dbg_kallsyms.h"
#include "kernel/base/error.h"
#include "kernel/lib/module.h"
#include "vmm/vm/vm_refused.h"

int vm_symbols_load(struct vm *vm)
{
	const char *name = vm->config.symbols, *why;
	const struct module *m;

	if (!name[0])
		return 0;
	m = module_find(name);
	why = m ? dbg_symbols_load(&vm->debug.symbols, m->data, m->size) : "no such boot module";
	if (why) {
		vm_refuse(&vm->config, "symbols = %s: %s", name, why);
		return E_INVAL;
	}
	vm->vcpu->cpu.stops.symbols = &vm->debug.symbols;
	return 0;
}

const char *vm_symbols_seek(struct vm *vm)
{
	const char *why;

	if (vm->vcpu->cpu.stops.symbols)
		return NULL;
	why = dbg_kallsyms_load(&vm->vcpu->cpu, &vm->debug.symbols);
	if (!why)
		vm->vcpu->cpu.stops.symbols = &vm->debug.symbols;
	return why;
}

void vm_symbols_forget(struct vm *vm)
{
	if (!vm->debug.symbols.own_text)
		return;
	vm->vcpu->cpu.stops.symbols = NULL;
	dbg_symbols_free(&vm->debug.symbols);
}

void vm_symbols_free(struct vm *vm)
{
	dbg_symbols_free(&vm->debug.symbols);
}
