/* SPDX-License-Identifier: MIT */
/*
 * Symbols from a boot module.
 */
#include "vmm/vm/vm_symbols.h"

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

void vm_symbols_free(struct vm *vm)
{
	dbg_symbols_free(&vm->debug.symbols);
}
