/* SPDX-License-Identifier: MIT */
/*
 * Shell commands about what the boot loader gave us: modules, memmap.
 */
#include "boot/boot_commands.h"

#include "arch/mem/kmap.h"
#include "boot/lib/bootinfo.h"
#include "kernel/console/console.h"
#include "kernel/console/shell.h"
#include "kernel/lib/module.h"

typedef unsigned long long ull;

static int cmd_modules(int argc, char **argv)
{
	const struct module *m;

	(void)argc;
	(void)argv;
	console_print("%u modules from %s; command line: %s\n", module_count(), boot_info.loader,
		      boot_info.cmdline);
	for (unsigned i = 0; (m = module_at(i)); i++)
		console_print("%12llx %10llu bytes  %s\n", (ull)kmap_hpa(m->data), (ull)m->size,
			      m->name);
	return 0;
}

static int cmd_memmap(int argc, char **argv)
{
	static const char *const kind[] = { "?", "RAM", "reserved", "ACPI", "ACPI NVS", "bad" };

	(void)argc;
	(void)argv;
	for (unsigned i = 0; i < boot_info.ranges; i++)
		console_print("%16llx %16llx  %s\n", (ull)boot_info.range[i].start,
			      (ull)boot_info.range[i].end, kind[boot_info.range[i].kind]);
	return 0;
}

static struct shell_command modules = { .name = "modules",
					.help = "files that the boot loader brought",
					.examples = "    modules\n",
					.run = cmd_modules,
					.crash = true };
static struct shell_command memmap = {
	.name = "memmap",
	.help = "the firmware's memory map",
	.examples = "    memmap\n",
	.run = cmd_memmap,
	.crash = true,
};

void boot_commands_init(void)
{
	shell_register(&modules);
	shell_register(&memmap);
}
