/* SPDX-License-Identifier: MIT */
/*
 * An ACPI system that waits for its power button: ACPI on by the SMI command port, the button's
 * event enabled, HLT until the SCI comes. Three presses, each acknowledged; the last one switches
 * it off (S5). tests/boot/test_life.py presses.
 *
 *   make build/guests/button; as selectors.c says
 */
#include "lib/testguest.h"

const char guest_name[] = "button";

#define PM1_STS	  0x600
#define PM1_EN	  0x602
#define PM1_CNT	  0x604
#define PWRBTN	  BIT(8)
#define SCI_EN	  BIT(0)
#define SLP_EN	  BIT(13) /* type 0 is S5 on this board */
#define SMI_CMD	  0xb2
#define ACPI_ON	  0xf1
#define PRESSES	  3
#define SCI_LEVEL 0x02 /* IRQ 9, of 4D1h */

static volatile u32 presses, others;

static u16 inw(u16 port)
{
	u16 v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static void outw(u16 port, u16 v)
{
	__asm__ volatile("outw %0, %1" ::"a"(v), "Nd"(port));
}

static bool on_sci(struct guest_frame *f)
{
	(void)f;
	if (inw(PM1_STS) & PWRBTN)
		presses++;
	else
		others++;
	outw(PM1_STS, PWRBTN);
	outb(0xa0, 0x20);
	outb(0x20, 0x20);
	return true;
}

static void wait_press(u32 n)
{
	for (;;) {
		__asm__ volatile("cli");
		if (presses >= n)
			break;
		__asm__ volatile("sti; hlt" ::: "memory");
	}
	__asm__ volatile("sti");
}

void guest_main(void)
{
	u32 limit = 1000;

	if (!(inw(PM1_CNT) & SCI_EN))
		outb(SMI_CMD, ACPI_ON);
	while (!(inw(PM1_CNT) & SCI_EN) && limit--)
		;
	check(inw(PM1_CNT) & SCI_EN, "ACPI is on");
	trap_hook[0x29] = on_sci;
	outb(0x4d1, (u8)(inb(0x4d1) | SCI_LEVEL));
	outb(0x21, 0xfb);
	outb(0xa1, 0xfd);
	outw(PM1_STS, PWRBTN);
	outw(PM1_EN, PWRBTN);
	for (u32 n = 1; n <= PRESSES; n++) {
		print("press %u\n", n);
		wait_press(n);
	}
	check(presses == PRESSES && !others, "an interrupt for each press");
	check(!(inw(PM1_STS) & PWRBTN), "the event is cleared");
	print("off\n");
	outw(PM1_CNT, (u16)(inw(PM1_CNT) | SLP_EN));
}
