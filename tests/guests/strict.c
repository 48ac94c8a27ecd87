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

#define ATA	     0x1f0
#define ATA_COUNT    (ATA + 2)
#define ATA_STATUS   (ATA + 7)
#define BSY	     0x80
#define DRQ	     0x08
#define IDENTIFY     0xec
#define WORDS	     256u
#define PIC	     0x20
#define EOI	     0x20
#define EOI_SPECIFIC 0x60
#define RTC_INDEX    0x70
#define RTC_DATA     0x71
#define RTC_D	     0x0d

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
	wait_ready();
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
	print("end\n");
}
