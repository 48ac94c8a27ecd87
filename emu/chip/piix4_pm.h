/* SPDX-License-Identifier: MIT */
/*
 * The PIIX4's power management function, 8086:7113 at 00:01.3 (Intel 290562, chapter 7), with the
 * ACPI registers that it puts at PMBASE and the APM command port B2h, through which ACPI is
 * switched on and off.
 */
#pragma once

#include "emu/chip/pci.h"
#include "kernel/hw/acpi_pm_regs.h"

#define PM_IO_BASE	 0x600 /* where firmware puts PMBASE; the FADT says so */
#define PM_IO_SIZE	 64
#define PM1_EVT		 0x00
#define PM1_CNT		 0x04
#define PM_TMR		 0x08
#define PM_GPE0		 0x0c
#define PM_GPE0_LEN	 4
#define PM_SCI_IRQ	 9
#define APM_PORT	 0xb2
#define APM_ACPI_ENABLE	 0xf1
#define APM_ACPI_DISABLE 0xf0
#define PM_S5_TYPE	 0 /* SUS_TYP of soft off */

struct piix4_pm {
	struct pci_function pci;
	u8 io[PM_IO_SIZE]; /* registers that only store */
	u16 pm1_sts, pm1_en, pm1_cnt, gpe_sts, gpe_en;
	u8 apmc, apms;
	u64 timer_msb; /* toggles of timer bit 23 accounted */
	bool level;
	u16 mapped; /* PMBASE at which the ports are claimed; 0: not */
	struct bus *bus;
	struct vtimers *timers;
	struct vtimer timer;
	struct irq_line sci;
	const struct board_host *host;
};

/* Ports: APM, what PMBASE maps. Reset: power-on values, then what firmware would program, PMBASE at
 * PM_IO_BASE, enabled. */
extern const struct device_class piix4_pm_class;
void piix4_pm_power_button(struct piix4_pm *p);
