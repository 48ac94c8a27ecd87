/* SPDX-License-Identifier: MIT */
/*
 * The machine's own 8259 pair. Intel 8259A data sheet.
 */
#include "arch/trap/intc_pic.h"

#include "arch/cpu/processor.h"
#include "arch/trap/trap.h"

#define MASTER 0x20
#define SLAVE  0xa0

static u16 mask = 0xffff;

static void write_mask(void)
{
	outb(MASTER + 1, (u8)mask);
	outb(SLAVE + 1, (u8)(mask >> 8));
}

void intc_pic_init(void)
{
	outb(MASTER, 0x11); /* ICW1: edge, cascade, ICW4 follows */
	outb(SLAVE, 0x11);
	outb(MASTER + 1, TRAP_IRQ_FIRST);
	outb(SLAVE + 1, TRAP_IRQ_FIRST + 8);
	outb(MASTER + 1, 4); /* slave on IRQ 2 */
	outb(SLAVE + 1, 2);
	outb(MASTER + 1, 1); /* 8086 mode, normal EOI */
	outb(SLAVE + 1, 1);
	mask = 0xffff & ~BIT(2);
	write_mask();
}

void intc_pic_unmask(unsigned irq)
{
	mask &= (u16)~BIT(irq);
	write_mask();
}

void intc_pic_eoi(unsigned irq)
{
	if (irq >= 8)
		outb(SLAVE, 0x20);
	outb(MASTER, 0x20);
}

bool intc_pic_spurious(unsigned irq)
{
	u16 port = irq < 8 ? MASTER : SLAVE;

	if ((irq & 7) != 7)
		return false;
	outb(port, 0x0b); /* OCW3: read ISR */
	if (inb(port) & 0x80)
		return false;
	if (irq == 15)
		outb(MASTER, 0x20); /* the cascade input was real */
	return true;
}
