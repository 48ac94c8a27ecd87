/* SPDX-License-Identifier: MIT */
/*
 * What the prompt shows of a VM's memory: disassembly and bytes at a linear address.
 */
#include "vmm/cmd/vm_inspect.h"

#include <Zydis/Zydis.h>

#include "emu/cpu/semantics.h"
#include "kernel/console/console.h"
#include "vmm/state/vm.h"

/* Bytes at gla as far as they are mapped; returns how many. */
static unsigned peek(struct vm *vm, gla_t gla, u8 *buf, unsigned len)
{
	struct cpu *c = &vm->vcpu->cpu;

	for (unsigned n = 0; n < len; n++) {
		struct pagewalk w;

		if (cpu_probe(c, gla + n, ACCESS_READ, &w))
			return n;
		gpmem_read(&vm->mem, w.gpa, buf + n, 1);
	}
	return len;
}

void vm_disassemble(struct vm *vm, gla_t gla, unsigned n)
{
	struct cpu *c = &vm->vcpu->cpu;
	bool big = c->seg[SEG_CS].attr & SEG_ATTR_DB;
	ZydisMachineMode mode = big ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16;

	if (!gla)
		gla = c->seg[SEG_CS].base + c->eip;
	while (n--) {
		ZydisDisassembledInstruction in;
		u8 code[15];
		unsigned have = peek(vm, gla, code, sizeof(code));

		if (!have) {
			console_print("%08x  not mapped\n", gla);
			return;
		}
		if (!ZYAN_SUCCESS(ZydisDisassembleIntel(mode, gla, code, have, &in))) {
			console_print("%08x  %02x  (undefined)\n", gla, code[0]);
			gla++;
			continue;
		}
		console_print("%08x  %s\n", gla, in.text);
		gla += in.info.length;
	}
}

void vm_dump(struct vm *vm, gla_t gla, unsigned n)
{
	while (n) {
		u8 b[16];
		unsigned have = peek(vm, gla, b, MIN(n, 16u));

		console_print("%08x ", gla);
		for (unsigned i = 0; i < have; i++)
			console_print(" %02x", b[i]);
		console_print("  ");
		for (unsigned i = 0; i < have; i++)
			console_print("%c", b[i] >= 32 && b[i] < 127 ? b[i] : '.');
		console_print("\n");
		if (have < MIN(n, 16u)) {
			console_print("%08x  not mapped\n", gla + have);
			return;
		}
		gla += have;
		n -= have;
	}
}
