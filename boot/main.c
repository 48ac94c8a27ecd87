/* SPDX-License-Identifier: MIT */
/*
 * Start-up, a line per step, with what the step needs or gives.
 */
#include "boot/main.h"

#include "arch/cpu/processor.h"
#include "arch/cpu/gdt.h"
#include "arch/trap/irq.h"
#include "arch/cpu/percpu.h"
#include "arch/cpu/speculation.h"
#include "arch/time/timer.h"
#include "arch/trap/trap.h"
#include "arch/time/tsc.h"
#include "boot/boot_commands.h"
#include "boot/lib/bootinfo.h"
#include "boot/memory.h"
#include "boot/multiboot.h"
#include "boot/selftest.h"
#include "drivers/acpi/acpi.h"
#include "drivers/time/machine_clock.h"
#include "drivers/acpi/machine_power.h"
#include "drivers/bus/pci_scan.h"
#include "drivers/input/ps2_keyboard.h"
#include "drivers/input/ps2_mouse.h"
#include "drivers/video/screen.h"
#include "drivers/char/serial_lines.h"
#include "drivers/char/serial_port.h"
#include "drivers/time/watchdog.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/sched/sched.h"
#include "kernel/time/clock.h"
#include "kernel/lib/cmdline.h"
#include "kernel/debug/commands.h"
#include "kernel/console/console.h"
#include "kernel/mem/page.h"
#include "kernel/console/log_ring.h"
#include "kernel/console/shell.h"
#include "kernel/debug/panic.h"
#include "kernel/debug/state_dump.h"
#include "vmm/cmd/vmm.h"
#include "vmm/gdb/gdb_self.h"

static void select_console(void)
{
	const char *which = cmdline_get("console");

	if (which && !strcmp(which, "serial"))
		console_select(CONSOLE_SERIAL);
	else if (which && !strcmp(which, "screen"))
		console_select(CONSOLE_SCREEN);
}

static void banner(void)
{
	log_info("Ringleader on %s, booted by %s", cpu_features.brand, boot_info.loader);
}

void boot_main(u32 magic, u32 info)
{
	percpu_init_boot(); /* before anything that asks percpu_this() */
	log_init();
	panic_init();
	tsc_start();		      /* what delays count until the clock runs */
	serial_port_init();	      /* from here on the log is seen */
	gdt_init();		      /* before trap_init: the stacks of NMI and double faults */
	trap_init();		      /* from here on a fault is a panic with a backtrace */
	multiboot_parse(magic, info); /* the loader's memory is still untouched */
	cmdline_init(boot_info.cmdline);
	select_console();
	screen_init_text(&boot_info.fb);
	cpu_features_init(); /* traps: probes MSRs that may not be there */
	banner();
	speculation_init(cmdline_get("speculation") != NULL); /* needs features */
	memory_init();			     /* allocation, and the final page tables */
	screen_init_graphics(&boot_info.fb); /* maps the frame buffer */
	acpi_init(boot_info.rsdp);	     /* maps firmware's tables */
	machine_power_init();
	machine_clock_init();	       /* the clock, by HPET or ACPI's timer */
	irq_init(acpi_irq_topology()); /* needs ACPI's MADT */
	timer_init();		       /* needs the clock and interrupts */
	sched_init();		       /* needs the timer; before whoever has a task */
	watchdog_init();	       /* needs the I/O APIC */
	state_dump_init();
	serial_port_enable_input(); /* needs interrupts */
	serial_lines_init();
	if (cmdline_get("gdb"))
		gdb_self_open(cmdline_get("gdb")); /* needs the lines, and tasks */
	ps2_keyboard_init();
	ps2_mouse_init();
	pci_scan();
	shell_init();
	commands_init();
	boot_commands_init();
	log_info("start-up took %llu ms; %llu MiB free",
		 (unsigned long long)(clock_now() / 1000000),
		 (unsigned long long)(page_free_bytes() / MiB));
	selftest_run();
	vmm_start();
	sched_loop();
}
