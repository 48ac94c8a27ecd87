/* SPDX-License-Identifier: MIT */
/*
 * The PC's devices.
 *
 *   IRQ  0 PIT            4 COM1, COM3     8 RTC     11 PCI
 *        1 keyboard       5 NE2000 (ISA)   9 SCI     12 mouse
 *        3 COM2, COM4     6 floppy        10 PCI     13 FERR
 */
#include "emu/board/pc_slots.h"

#include "emu/chip/debug_ports.h"
#include "emu/chip/ferr.h"
#include "emu/chip/fw_cfg.h"
#include "emu/chip/hpet.h"
#include "emu/chip/i440fx.h"
#include "emu/chip/i8042.h"
#include "emu/chip/i8237.h"
#include "emu/chip/i82077.h"
#include "emu/chip/i8254.h"
#include "emu/chip/i8259.h"
#include "emu/chip/ioapic.h"
#include "emu/chip/lapic.h"
#include "emu/chip/mc146818.h"
#include "emu/chip/ne2000.h"
#include "emu/chip/piix3.h"
#include "emu/chip/piix3_ide.h"
#include "emu/chip/piix4_pm.h"
#include "emu/chip/reset_control.h"
#include "emu/chip/uart16550.h"
#include "emu/chip/vga.h"
#include "emu/chip/virtio_balloon.h"
#include "emu/chip/virtio_blk.h"
#include "emu/chip/virtio_console.h"
#include "emu/chip/virtio_net.h"
#include "emu/chip/virtio_rng.h"
#include "kernel/hw/i8042_regs.h"
#include "kernel/hw/i8259_regs.h"
#include "kernel/hw/reset_control_regs.h"

/* A function of a card: INTA, or messages. */
#define VIRTIO_SLOT(device_class, device, option)                                            \
	.class = &(device_class), .pci = DEVICE_PCI(device, 0), .intx = 1, .messages = true, \
	.options = (option), .since = 2

#define NE2000_SLOT(n)                                                                  \
	.class = &ne2000_class, .unit = (n), .pci = DEVICE_PCI(15 + (n), 0), .intx = 1, \
	.options = PC_OPTION_NE2000(n), .since = 2

const struct device_slot pc_slots[] = {
	{
		.class = &lapic_class,
		.name = "lapic",
		.memory = { LAPIC_BASE, PAGE_SIZE },
		.options = PC_OPTION_APIC,
		.since = 2,
	},
	{
		.class = &ioapic_class,
		.name = "ioapic",
		.memory = { IOAPIC_BASE, PAGE_SIZE },
		.options = PC_OPTION_APIC,
		.since = 2,
	},
	{
		.class = &i8259_class,
		.name = "pic",
		.ports = { { I8259_MASTER, 2 }, { I8259_SLAVE, 2 }, { I8259_ELCR, 2 } },
		.acpi = { { .name = "PIC",
			    .hid = "PNP0000",
			    .ranges = 7,
			    .irqs = BIT(I8259_CASCADE) } },
	},
	{
		.class = &hpet_class,
		.name = "hpet",
		.memory = { HPET_BASE, PAGE_SIZE },
		.options = PC_OPTION_APIC,
		.since = 2,
	},
	{
		.class = &i8237_class,
		.name = "dma",
		.ports = { { 0x00, 16 }, { 0x80, 16 }, { 0xc0, 32 } },
		.acpi = { { .name = "DMAC", .hid = "PNP0200", .ranges = 7, .dmas = BIT(4) } },
	},
	{
		.class = &pci_class,
		.name = "pci",
		.ports = { { PCI_ADDRESS_PORT, 4 }, { PCI_DATA_PORT, 4 } },
	},
	{
		.class = &i440fx_class,
		.name = "host bridge",
		.pci = DEVICE_PCI(0, 0),
	},
	{
		.class = &piix3_class,
		.name = "isa bridge",
		.pci = DEVICE_PCI(PIIX3_DEVICE, 0),
	},
	{
		.class = &piix4_pm_class,
		.name = "pm",
		.ports = { { APM_PORT, 2 }, { PM_IO_BASE, PM_IO_SIZE } },
		.irqs = BIT(PM_SCI_IRQ),
		.pci = DEVICE_PCI(PIIX3_DEVICE, 3),
		.acpi = { { .name = "mainboard", .ranges = 3 } },
	},
	{
		.class = &piix3_ide_class,
		.name = "ide",
		.ports = { { 0x1f0, 8 }, { 0x3f6, 1 }, { 0x170, 8 }, { 0x376, 1 } },
		.irqs = BIT(14) | BIT(15),
		.pci = DEVICE_PCI(PIIX3_DEVICE, 1),
		.since = 2,
	},
	{
		.class = &i8254_class,
		.name = "pit",
		.ports = { { I8254_PORT, 4 }, { PORT61, 1 } },
		.irqs = BIT(0),
		.acpi = { { .name = "TIMR", .hid = "PNP0100", .ranges = 1, .irqs = BIT(0) },
			  { .name = "SPKR", .hid = "PNP0800", .ranges = 2 } },
	},
	{
		.class = &mc146818_class,
		.name = "rtc",
		.ports = { { RTC_INDEX_PORT, 2 } },
		.irqs = BIT(RTC_IRQ),
		.acpi = { { .name = "RTC", .hid = "PNP0B00" } },
	},
	{
		.class = &reset_control_class,
		.name = "reset",
		.ports = { { PORT_92, 1 } },
		.acpi = { { .name = "mainboard" } },
	},
	{
		.class = &i8042_class,
		.name = "kbc",
		.ports = { { I8042_DATA_PORT, 1 }, { I8042_COMMAND_PORT, 1 } },
		.irqs = BIT(1) | BIT(12),
		.acpi = { { .name = "KBD", .hid = "PNP0303", .ranges = 3, .irqs = BIT(1) },
			  { .name = "MOU", .hid = "PNP0F13", .irqs = BIT(12) } },
	},
	{
		.class = &uart16550_class,
		.name = "com1",
		.ports = { { 0x3f8, 8 } },
		.irqs = BIT(4),
		.unit = 0,
		.acpi = { { .name = "COM1", .hid = "PNP0501", .uid = 1 } },
	},
	{
		.class = &uart16550_class,
		.name = "com2",
		.ports = { { 0x2f8, 8 } },
		.irqs = BIT(3),
		.unit = 1,
		.acpi = { { .name = "COM2", .hid = "PNP0501", .uid = 2 } },
	},
	{
		.class = &uart16550_class,
		.name = "com3",
		.ports = { { 0x3e8, 8 } },
		.irqs = BIT(4),
		.unit = 2,
		.acpi = { { .name = "COM3", .hid = "PNP0501", .uid = 3 } },
	},
	{
		.class = &uart16550_class,
		.name = "com4",
		.ports = { { 0x2e8, 8 } },
		.irqs = BIT(3),
		.unit = 3,
		.acpi = { { .name = "COM4", .hid = "PNP0501", .uid = 4 } },
	},
	{
		.class = &i82077_class,
		.name = "floppy",
		.ports = { { 0x3f0, 6 }, { 0x3f7, 1 } },
		.irqs = BIT(I82077_IRQ),
		.dma = BIT(I82077_DMA),
		.since = 2,
		.acpi = { { .name = "FDC0", .hid = "PNP0700" } },
	},
	{
		.class = &vga_class,
		.name = "vga",
		.ports = { { VGA_PORT, VGA_PORTS }, { DISPI_INDEX_PORT, 3 } },
		.pci = DEVICE_PCI(2, 0),
		.options = PC_OPTION_VGA,
	},
	{
		.name = "virtio-blk0",
		.unit = 0,
		VIRTIO_SLOT(virtio_blk_class, 4, PC_OPTION_VIRTIO_BLK(0)),
	},
	{
		.name = "virtio-blk1",
		.unit = 1,
		VIRTIO_SLOT(virtio_blk_class, 5, PC_OPTION_VIRTIO_BLK(1)),
	},
	{
		.name = "virtio-blk2",
		.unit = 2,
		VIRTIO_SLOT(virtio_blk_class, 6, PC_OPTION_VIRTIO_BLK(2)),
	},
	{
		.name = "virtio-blk3",
		.unit = 3,
		VIRTIO_SLOT(virtio_blk_class, 7, PC_OPTION_VIRTIO_BLK(3)),
	},
	{
		.name = "virtio-rng",
		VIRTIO_SLOT(virtio_rng_class, 8, PC_OPTION_VIRTIO_RNG),
	},
	{
		.name = "virtio-con",
		VIRTIO_SLOT(virtio_console_class, 9, PC_OPTION_VIRTIO_CONSOLE),
	},
	{
		.name = "balloon",
		VIRTIO_SLOT(virtio_balloon_class, 10, PC_OPTION_VIRTIO_BALLOON),
	},
	{
		.name = "virtio-net0",
		.unit = 0,
		VIRTIO_SLOT(virtio_net_class, 11, PC_OPTION_VIRTIO_NET(0)),
	},
	{
		.name = "virtio-net1",
		.unit = 1,
		VIRTIO_SLOT(virtio_net_class, 12, PC_OPTION_VIRTIO_NET(1)),
	},
	{
		.name = "virtio-net2",
		.unit = 2,
		VIRTIO_SLOT(virtio_net_class, 13, PC_OPTION_VIRTIO_NET(2)),
	},
	{
		.name = "virtio-net3",
		.unit = 3,
		VIRTIO_SLOT(virtio_net_class, 14, PC_OPTION_VIRTIO_NET(3)),
	},
	{
		.name = "ne2000-0",
		NE2000_SLOT(0),
	},
	{
		.name = "ne2000-1",
		NE2000_SLOT(1),
	},
	{
		.name = "ne2000-2",
		NE2000_SLOT(2),
	},
	{
		.name = "ne2000-3",
		NE2000_SLOT(3),
	},
	{
		.class = &ne2000_isa_class,
		.name = "ne2000-isa",
		.ports = { { 0x300, NE2000_PORTS } },
		.irqs = BIT(5),
		.options = PC_OPTION_NE2000_ISA,
		.since = 2,
		.acpi = { { .name = "NIC0", .hid = "PNP80D6" } },
	},
	{
		.class = &ferr_class,
		.name = "ferr",
		.ports = { { 0xf0, 2 } },
		.irqs = BIT(13),
		.acpi = { { .name = "FPU", .hid = "PNP0C04" } },
	},
	{
		.class = &fw_cfg_class,
		.name = "fw_cfg",
		.ports = { { 0x510, 2 }, { 0x514, 8 } },
		.since = 2,
		.acpi = { { .name = "mainboard" } },
	},
	{
		.class = &debug_text_class,
		.name = "debug text",
		.ports = { { 0x402, 1 }, { 0xe9, 1 } },
	},
	{
		.class = &debug_exit_class,
		.name = "debug exit",
		.ports = { { 0x501, 4 } },
		.options = PC_OPTION_DEBUG_EXIT,
	},
};

const unsigned pc_slot_count = ARRAY_SIZE(pc_slots);
