/* SPDX-License-Identifier: MIT */
/*
 * Puts kernel and initial RAM disk into a VM's memory, a piece at a time.
 */
#include "vmm/vm/vm_load.h"

#include "kernel/base/error.h"
#include "kernel/lib/module.h"
#include "kernel/time/clock.h"
#include "vmm/console/vm_console.h"
#include "vmm/load/firmware_file.h"
#include "vmm/vm/vm_refused.h"

#define TELL_EVERY_NS 1000000000ull

static int load_rom(const struct config_vm *config, const char *name,
		    const char *(*refused)(const u8 *data, size_t size), struct board_file *out)
{
	const struct module *m = module_find(name);
	const char *why;

	if (!m) {
		vm_refuse(config, "%s: no such boot module", name);
		return E_NOENT;
	}
	why = refused(m->data, m->size);
	if (why) {
		vm_refuse(config, "%s: %s", name, why);
		return E_INVAL;
	}
	*out = (struct board_file){ m->data, (u32)m->size };
	return 0;
}

int vm_load_roms(const struct config_vm *config, struct vm_roms *roms)
{
	int err = 0;

	*roms = (struct vm_roms){ 0 };
	if (!config->kernel[0])
		err = load_rom(config, config->firmware, firmware_refused, &roms->firmware);
	if (!err && config->vgabios[0])
		err = load_rom(config, config->vgabios, option_rom_refused, &roms->vgabios);
	if (!err && config->netrom[0])
		err = load_rom(config, config->netrom, option_rom_refused, &roms->netrom);
	return err;
}

int vm_load_begin(struct vm *vm)
{
	const struct config_vm *c = &vm->config;
	const struct module *kernel = module_find(c->kernel);
	const struct module *initrd = c->initrd[0] ? module_find(c->initrd) : NULL;
	struct vm_load *load = &vm->load;

	if (!c->kernel[0])
		return 0;
	if (!kernel || (c->initrd[0] && !initrd)) {
		vm_refuse(c, "%s: no such boot module", kernel ? c->initrd : c->kernel);
		return E_NOENT;
	}

	struct linux_image image = {
		.kernel = kernel->data,
		.kernel_size = kernel->size,
		.initrd = initrd ? initrd->data : NULL,
		.initrd_size = initrd ? initrd->size : 0,
		.cmdline = c->cmdline,
		.rsdp = board_rsdp(vm->board),
		.no_screen = vm->config.no_vga,
	};
	int err = linux_boot_begin(&load->boot, &image, c->memory);

	if (err)
		vm_refuse(c, "%s: %s", c->kernel, load->boot.why);
	load->began = load->told = clock_now();
	return err;
}

/* Silent for what takes less than a second. */
static void tell_progress(struct vm_load *load, struct vm *vm, bool more)
{
	u64 now = clock_now();
	u64 copied = load->boot.copied / MiB, total = load->boot.total / MiB;

	if (more && now - load->told >= TELL_EVERY_NS) {
		load->told = now;
		vm_report(vm, "loading: %llu of %llu MiB", (unsigned long long)copied,
			  (unsigned long long)total);
	} else if (!more && load->told != load->began) {
		vm_report(vm, "loaded: %llu MiB in %llu ms", (unsigned long long)total,
			  (unsigned long long)((now - load->began) / 1000000));
	}
}

bool vm_load_step(struct vm *vm)
{
	struct vm_load *load = &vm->load;
	bool more;

	if (!vm->config.kernel[0])
		return false;
	more = linux_boot_copy(&load->boot, &vm->mem, VM_LOAD_SLICE);

	if (!more)
		linux_boot_start(&load->boot, &vm->vcpu->cpu, &vm->mem);
	tell_progress(load, vm, more);
	return more;
}
