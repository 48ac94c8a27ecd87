/* SPDX-License-Identifier: MIT */
/*
 * Turns the machine off or resets it: by debug-exit, then by the driver's functions, then by HLT or
 * a triple fault.
 */
#include "kernel/debug/power.h"

#include "arch/cpu/processor.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/lib/cmdline.h"

#define DEBUG_EXIT_PORT 0x501

static const struct power_ops *machine;

void power_register(const struct power_ops *ops)
{
	machine = ops;
}

void power_halt(void)
{
	console_flush();
	for (;;) {
		irq_disable();
		__asm__ volatile("hlt");
	}
}

static void debug_exit(u8 code)
{
	if (cmdline_get("debug-exit"))
		outb(DEBUG_EXIT_PORT, code);
}

void power_off(void)
{
	irq_disable();
	console_flush();
	debug_exit(POWER_STATUS_OK);
	if (machine)
		machine->off();
	log_error("this machine does not let itself be turned off: halted");
	power_halt();
}

static void triple_fault(void)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) none = { 0, 0 };

	__asm__ volatile("lidt %0; ud2" ::"m"(none));
}

void power_reboot(void)
{
	irq_disable();
	console_flush();
	if (machine)
		machine->reboot();
	triple_fault();
	power_halt();
}

void power_after_panic(void)
{
	const char *how = cmdline_get("panic");

	debug_exit(POWER_STATUS_PANIC);
	if (how && !strcmp(how, "reboot"))
		power_reboot();
	if (how && !strcmp(how, "poweroff"))
		power_off();
	power_halt();
}
