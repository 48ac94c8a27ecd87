/* SPDX-License-Identifier: MIT */
/*
 * Does what emulators forgive and hardware does not, each thing twice at one address and once at
 * another; then the same devices as they are meant to be used. Needs a disk at the primary channel.
 * tests/boot/test_strict.py looks for what is told of it.
 *
 *   make build/guests/strict; as selectors.c says
 */
#include "lib/testguest.h"

const char guest_name[] = "strict";

#define ATA		 0x1f0
#define ATA_COUNT	 (ATA + 2)
#define ATA_STATUS	 (ATA + 7)
#define ATA_DEVICE	 (ATA + 6)
#define ATA_ALTERNATE	 0x3f6
#define ATA_SECOND	 0x10
#define PIC_BASE	 0x20
#define COM1_LINE_STATUS 0x3fd
#define FDC_DOR		 0x3f2
#define FDC_STATUS	 0x3f4
#define FDC_DATA	 0x3f5
#define COM2_IER	 0x2f9
#define COM2_MCR	 0x2fc
#define IER_EMPTY	 0x02
#define MCR_OUT2	 0x08
#define PM_TIMER	 0x608
#define OCW3_READ_IRR	 0x0a
#define BSY		 0x80
#define DRQ		 0x08
#define IDENTIFY	 0xec
#define WORDS		 256u
#define PIC		 0x20
#define EOI		 0x20
#define EOI_SPECIFIC	 0x60
#define RTC_INDEX	 0x70
#define RTC_DATA	 0x71
#define RTC_A		 0x0a
#define RTC_B		 0x0b
#define RTC_C		 0x0c
#define RTC_D		 0x0d
#define RTC_1024_HZ	 0x26
#define RTC_PERIODIC	 0x42
#define PIC_MASK	 (PIC + 1)
#define PIC2		 0xa0
#define PIC2_MASK	 (PIC2 + 1)
#define APIC		 0xfee00000u
#define APIC_VERSION	 0x030
#define APIC_EOI	 0x0b0
#define APIC_SVR	 0x0f0
#define APIC_ICR	 0x300
#define ICR_SELF	 0x44000u
#define IOAPIC		 0xfec00000u
#define IOAPIC_WINDOW	 0x010
#define IOAPIC_VERSION	 1u
#define HPET		 0xfed00000u
#define HPET_CONFIG	 0x010
#define HPET_COUNTER	 0x0f0
#define APIC_FIRST	 0x51
#define APIC_SECOND	 0x52 /* of the same class: has to wait */

static u16 data_word(void)
{
	u16 v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"((u16)ATA));
	return v;
}

static void wait_ready(void)
{
	while (inb(ATA_STATUS) & BSY)
		;
}

static void take_block(void)
{
	for (u32 i = 0; i < WORDS; i++)
		(void)data_word();
	wait_ready();
}

static void identify(void)
{
	outb(ATA_STATUS, IDENTIFY);
	(void)inb(ATA_ALTERNATE); /* 400 ns pass */
	wait_ready();
}

static __attribute__((noinline)) u8 status(void)
{
	return inb(ATA_STATUS);
}

static __attribute__((noinline)) void command(u8 v)
{
	outb(ATA_STATUS, v);
}

static void too_early(void)
{
	for (volatile u32 twice = 0; twice < 2; twice++) {
		command(IDENTIFY);
		(void)status(); /* ata_400ns */
		wait_ready();
		take_block();
		outb(ATA_DEVICE, ATA_SECOND);
		(void)inb(ATA_STATUS); /* ata_400ns */
		outb(ATA_DEVICE, 0);
		(void)inb(ATA_ALTERNATE);
		wait_ready();
	}
}

static void outl(u16 port, u32 v)
{
	__asm__ volatile("outl %0, %1" ::"a"(v), "Nd"(port));
}

static void outw(u16 port, u16 v)
{
	__asm__ volatile("outw %0, %1" ::"a"(v), "Nd"(port));
}

static void pic_begin(u8 icw1, u8 icw3, u8 icw4)
{
	outb(PIC, icw1);
	outb(PIC_MASK, PIC_BASE);
	outb(PIC_MASK, icw3);
	if (icw1 & 1)
		outb(PIC_MASK, icw4);
	outb(PIC_MASK, 0xff);
}

static void pic_words(void)
{
	for (volatile u32 twice = 0; twice < 2; twice++) {
		outb(PIC, 0x11);
		outb(PIC, OCW3_READ_IRR); /* pic_order */
		outb(PIC_MASK, PIC_BASE);
		outb(PIC_MASK, 4);
		outb(PIC_MASK, 1);
		pic_begin(0x10, 4, 1); /* pic_words, at the first word, */
		pic_begin(0x11, 8, 1); /* the third */
		pic_begin(0x11, 4, 0); /* and the fourth */
		pic_begin(0x11, 4, 1);
	}
}

static volatile u32 *word(u32 at)
{
	return (volatile u32 *)at;
}

static void read_only(void)
{
	map(APIC, APIC, PTE_P | PTE_W);
	map(IOAPIC, IOAPIC, PTE_P | PTE_W);
	map(HPET, HPET, PTE_P | PTE_W);
	*word(IOAPIC) = IOAPIC_VERSION;
	*word(HPET + HPET_COUNTER) = 1;
	*word(HPET + HPET_CONFIG) = 1;
	for (volatile u32 twice = 0; twice < 2; twice++) {
		*word(IOAPIC + IOAPIC_WINDOW) = 0; /* ioapic_read_only */
		*word(HPET) = 0;		   /* hpet_read_only */
		*word(HPET + HPET_COUNTER) = 1;	   /* hpet_running */
		outl(0xcf8, 0x80000000);
		outw(0xcfc, 0x8086);		/* what it is already */
		outw(0xcfc, 0x1234);		/* pci_read_only */
		outb(COM1_LINE_STATUS, 0);	/* uart_read_only */
		outl(PM_TIMER, 0);		/* pm_timer_read_only */
		*word(APIC + APIC_VERSION) = 0; /* apic_read_only */
	}
}

static void wrong(void)
{
	for (u32 twice = 0; twice < 2; twice++) {
		identify();
		check(inb(ATA_STATUS) & DRQ, "a block is there");
		outb(ATA_COUNT, 1);	    /* ata_register */
		outb(ATA_STATUS, IDENTIFY); /* ata_command */
		take_block();
		(void)data_word(); /* ata_data */
		outb(PIC, EOI);	   /* pic_eoi */
		outb(PIC, EOI_SPECIFIC | 4);
		outb(RTC_INDEX, RTC_D);
		outb(RTC_DATA, 0); /* rtc_read_only */
	}
}

static volatile u32 ticks;

static bool on_timer(struct guest_frame *f)
{
	(void)f;
	ticks++;
	outb(PIC, EOI);
	return true;
}

/* HLTs that are ended by the timer: so few a second that each ends a turn. */
static void rest(void)
{
	for (u32 began = ticks; ticks - began < 30;)
		__asm__ volatile("sti; hlt; cli");
}

static volatile u32 alarms;

static void rtc_write(u8 index, u8 v)
{
	outb(RTC_INDEX, index);
	outb(RTC_DATA, v);
}

/* The first of the pair is not told. */
static bool on_rtc(struct guest_frame *f)
{
	(void)f;
	outb(RTC_INDEX, RTC_C);
	(void)inb(RTC_DATA);
	alarms++;
	outb(PIC2, EOI);
	return true;
}

static void half_eoi(void)
{
	u32 before = alarms;

	timer_start(100);
	trap_hook[0x28] = on_rtc;
	rtc_write(RTC_A, RTC_1024_HZ);
	rtc_write(RTC_B, RTC_PERIODIC);
	outb(PIC_MASK, 0xfa);
	outb(PIC2_MASK, 0xfe);
	while (alarms == before)
		__asm__ volatile("sti; hlt; cli");
	rest(); /* pic_no_eoi */
	check(alarms == before + 1, "one alarm comes through");
	outb(PIC2_MASK, 0xff);
	outb(PIC, EOI_SPECIFIC | 2);
}

static volatile u32 *apic(u32 reg)
{
	return word(APIC + reg);
}

static bool on_ipi(struct guest_frame *f)
{
	(void)f;
	alarms++;
	return true;
}

/* Sector 1 of a cylinder, without a seek before it; there is no disk in the drive. */
static __attribute__((noinline)) void read_floppy(u8 cylinder)
{
	const u8 command[] = { 0x46, 0, cylinder, 0, 1, 2, 1, 0x1b, 0xff };

	for (u32 i = 0; i < sizeof(command); i++) {
		while ((inb(FDC_STATUS) & 0xc0) != 0x80)
			;
		outb(FDC_DATA, command[i]); /* floppy_seek */
	}
	for (u32 i = 0; i < 7; i++) {
		while ((inb(FDC_STATUS) & 0xc0) != 0xc0)
			;
		inb(FDC_DATA);
	}
}

static void no_seek(void)
{
	outb(FDC_DOR, 0x1c);
	read_floppy(5);
	read_floppy(5);
	read_floppy(6);
}

/* The transmitter is empty, and asks for an interrupt as soon as it may. */
static bool on_com2(struct guest_frame *f)
{
	(void)f;
	alarms++;
	outb(COM2_IER, 0);
	outb(PIC, EOI);
	return true;
}

static __attribute__((noinline)) void serial_interrupt(u8 modem_control)
{
	u32 before = alarms;

	outb(COM2_MCR, modem_control);
	outb(COM2_IER, IER_EMPTY);
	__asm__ volatile("sti; nop; cli"); /* uart_out2 */
	check(alarms == before + 1, "the transmitter's interrupt comes");
}

static void no_out2(void)
{
	trap_hook[0x23] = on_com2;
	outb(PIC_MASK, 0xf7);
	serial_interrupt(MCR_OUT2);
	serial_interrupt(0);
	serial_interrupt(0);
	outb(PIC_MASK, 0xff);
}

static void no_apic_eoi(void)
{
	u32 before = alarms;

	map(APIC, APIC, PTE_P | PTE_W);
	trap_hook[APIC_FIRST] = trap_hook[APIC_SECOND] = on_ipi;
	*apic(APIC_SVR) = 0x1ff;
	*apic(APIC_ICR) = ICR_SELF | APIC_FIRST;
	__asm__ volatile("sti; nop; cli");
	*apic(APIC_ICR) = ICR_SELF | APIC_SECOND;
	rest(); /* apic_no_eoi */
	check(alarms == before + 1, "one message comes through");
	*apic(APIC_EOI) = 0;
	__asm__ volatile("sti; nop; cli");
	*apic(APIC_EOI) = 0;
	check(alarms == before + 2, "and then the other");
}

static void right(void)
{
	trap_hook[0x20] = on_timer;
	timer_start(1000);
	__asm__ volatile("sti");
	while (ticks < 3)
		;
	__asm__ volatile("cli");
	identify();
	take_block();
	outb(RTC_INDEX, RTC_D);
	check(inb(RTC_DATA) & 0x80, "the clock has power");
}

void guest_main(void)
{
	print("right\n");
	right();
	print("wrong\n");
	wrong();
	too_early();
	read_only();
	pic_words();
	no_seek();
	no_out2();
	half_eoi();
	no_apic_eoi();
	print("end\n");
}
