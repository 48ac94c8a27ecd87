/* SPDX-License-Identifier: MIT */
#include "vmm/vm_load.h"

#include "boot/bootinfo.h"
#include "kernel/base/error.h"
#include "kernel/base/log.h"
#include "vmm/linux_boot.h"
#include "vmm/vm.h"

int vm_load(struct vm *vm)
{
	const struct config_vm *c = &vm->config;
	const struct boot_module *kernel = boot_find_module(c->kernel);
	const struct boot_module *initrd = c->initrd[0] ? boot_find_module(c->initrd) : NULL;
	struct e820_entry map[16];
	const char *why = NULL;

	if (!kernel || (c->initrd[0] && !initrd)) {
		log_error("%s: %s: no such boot module", c->name, kernel ? c->initrd : c->kernel);
		return E_NOENT;
	}

	struct linux_image image = {
		.kernel = kernel->data,
		.kernel_size = kernel->size,
		.initrd = initrd ? initrd->data : NULL,
		.initrd_size = initrd ? initrd->size : 0,
		.cmdline = c->cmdline,
		.rsdp = board_rsdp(vm->board),
		.e820 = map,
		.e820_entries = linux_e820(c->memory, map, ARRAY_SIZE(map)),
	};
	int err = linux_load(&vm->vcpu->cpu, &vm->mem, c->memory, &image, &why);

	if (err)
		log_error("%s: %s: %s", c->name, c->kernel, why);
	return err;
}
