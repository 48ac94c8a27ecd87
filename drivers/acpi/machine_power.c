/* SPDX-License-Identifier: MIT */
/*
 * What the machine does for kernel/debug/power.h: ACPI S5, and three ways to reset in order of
 * politeness. Usable from a panic: no allocation, no interrupt.
 */
#include "drivers/acpi/machine_power.h"

#include "arch/cpu/processor.h"
#include "arch/mem/kmap.h"
#include "drivers/acpi/acpi.h"
#include "kernel/time/clock.h"
#include "kernel/debug/power.h"
#include "kernel/hw/acpi_pm_regs.h"
#include "kernel/hw/i8042_regs.h"
#include "kernel/hw/reset_control_regs.h"

static volatile u8 *reset_register;

static void wait_ms(unsigned ms)
{
	u64 end = clock_now() + ms * 1000000ull;

	/* Before the clock runs, by the delay of port 80h: about 1 us each. */
	for (unsigned n = 0; n < ms * 1000 && clock_now() < end; n++)
		outb(0x80, 0);
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

/* ACPI S5. Returns if the machine does not know it. */
static void off(void)
{
	if (!acpi_info.have_s5 || !acpi_info.pm1a_control)
		return;
	acpi_enable();
	sleep_write(acpi_info.pm1a_control, acpi_info.s5_type_a);
	sleep_write(acpi_info.pm1b_control, acpi_info.s5_type_b);
	wait_ms(1000);
}

static void reboot(void)
{
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
}

static const struct power_ops ops = { .off = off, .reboot = reboot };

void machine_power_init(void)
{
	if (acpi_info.have_reset && acpi_info.reset_is_memory)
		reset_register = kmap_device(acpi_info.reset_address, 1, false);
	power_register(&ops);
}
