/* SPDX-License-Identifier: MIT */
/*
 * The machine's own 8259 pair. Intel 8259A data sheet.
 */
#include "arch/trap/intc_pic.h"

#include "arch/cpu/processor.h"
#include "arch/trap/irq_map.h"
#include "kernel/hw/i8259_regs.h"

static u16 mask = 0xffff;

static void write_mask(void)
{
	outb(I8259_MASTER + 1, (u8)mask);
	outb(I8259_SLAVE + 1, (u8)(mask >> 8));
}

void intc_pic_init(void)
{
	outb(I8259_MASTER, ICW1_INIT | ICW1_ICW4); /* edge, cascade */
	outb(I8259_SLAVE, ICW1_INIT | ICW1_ICW4);
	outb(I8259_MASTER + 1, IRQ_VECTOR_FIRST);
	outb(I8259_SLAVE + 1, IRQ_VECTOR_FIRST + 8);
	outb(I8259_MASTER + 1, BIT(I8259_CASCADE));
	outb(I8259_SLAVE + 1, I8259_CASCADE);
	outb(I8259_MASTER + 1, ICW4_8086); /* normal EOI */
	outb(I8259_SLAVE + 1, ICW4_8086);
	mask = 0xffff & ~BIT(I8259_CASCADE);
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
		outb(I8259_SLAVE, OCW2_EOI);
	outb(I8259_MASTER, OCW2_EOI);
}

bool intc_pic_spurious(unsigned irq)
{
	u16 port = irq < 8 ? I8259_MASTER : I8259_SLAVE;

	if ((irq & 7) != 7)
		return false;
	outb(port, OCW3 | OCW3_RR | OCW3_RIS); /* read ISR */
	if (inb(port) & 0x80)
		return false;
	if (irq == 15)
		outb(I8259_MASTER, OCW2_EOI); /* the cascade input was real */
	return true;
}
