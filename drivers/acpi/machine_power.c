/* SPDX-License-Identifier: MIT */
/*
 * ACPI S5, and three ways to reset in order of politeness. Usable from a panic: no allocation, no
 * interrupt.
 */
#include "drivers/acpi/machine_power.h"

#include "arch/cpu/processor.h"
#include "arch/mem/kmap.h"
#include "drivers/acpi/acpi.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/time/clock.h"
#include "kernel/lib/cmdline.h"
#include "kernel/console/console.h"
#include "kernel/debug/power.h"
#include "kernel/hw/acpi_pm_regs.h"
#include "kernel/hw/i8042_regs.h"
#include "kernel/hw/reset_control_regs.h"

#define DEBUG_EXIT_PORT 0x501

static volatile u8 *reset_register;
static u8 status = POWER_STATUS_OK;

void machine_power_init(void)
{
	if (acpi_info.have_reset && acpi_info.reset_is_memory)
		reset_register = kmap_device(acpi_info.reset_address, 1, false);
}

static void wait_ms(unsigned ms)
{
	u64 end = clock_now() + ms * 1000000ull;

	/* Before the clock runs, by the delay of port 80h: about 1 us each. */
	for (unsigned n = 0; n < ms * 1000 && clock_now() < end; n++)
		outb(0x80, 0);
}

void power_set_status(u8 code)
{
	status = code;
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

/* Firmware hands the power management registers over on request. ACPI 16.3.1. */
static void acpi_enable(void)
{
	if (!acpi_info.smi_command || !acpi_info.acpi_enable ||
	    inw(acpi_info.pm1a_control) & PM1_SCI_EN)
		return;
	outb(acpi_info.smi_command, acpi_info.acpi_enable);
	for (int i = 0; i < 300 && !(inw(acpi_info.pm1a_control) & PM1_SCI_EN); i++)
		wait_ms(1);
}

static void sleep_write(u16 port, u8 type)
{
	if (!port)
		return;

	u16 v = (u16)((inw(port) & ~0x3c00u) | (type & 7u) << 10);

	outw(port, v);
	outw(port, (u16)(v | PM1_SLP_EN));
}

void power_off(void)
{
	irq_disable();
	console_flush();
	debug_exit(status);
	if (acpi_info.have_s5 && acpi_info.pm1a_control) {
		acpi_enable();
		sleep_write(acpi_info.pm1a_control, acpi_info.s5_type_a);
		sleep_write(acpi_info.pm1b_control, acpi_info.s5_type_b);
		wait_ms(1000);
	}
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
	if (reset_register)
		*reset_register = acpi_info.reset_value;
	else if (acpi_info.have_reset)
		outb((u16)acpi_info.reset_address, acpi_info.reset_value);
	wait_ms(20);
	outb(PORT_CF9, CF9_HARD); /* PIIX and ICH */
	outb(PORT_CF9, CF9_HARD | CF9_GO);
	wait_ms(20);
	outb(I8042_COMMAND_PORT, I8042_PULSE_RESET);
	wait_ms(20);
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
