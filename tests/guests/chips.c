/* SPDX-License-Identifier: MIT */
/*
 * Guests that never end, as storm.c, one per `what=`: each keeps a chip of the PC as busy as can
 * be, with what costs the monitor most: memory that moves, long transfers, interrupts without end.
 * The machine has a disk of at least 128 KiB and, for what=6 and 7, `apic = yes`.
 */
#include "lib/testguest.h"

#define WINDOW 0x90000000u /* 16 MiB of the guest's addresses on the VGA's memory */
#define LAPIC  0x94000000u
#define SECTOR 512u

const char guest_name[] = "chips";

static u8 *page;

static inline void outl(u16 port, u32 v)
{
	__asm__ volatile("outl %0, %1" ::"a"(v), "Nd"(port));
}

static inline void outw(u16 port, u16 v)
{
	__asm__ volatile("outw %0, %1" ::"a"(v), "Nd"(port));
}

/* --- PCI configuration space, bus 0 */

#define HOST_BRIDGE 0x00u
#define IDE	    0x09u /* 1.1 */
#define VGA	    0x10u /* 2.0 */

static void pci_write(u32 function, u32 reg, u32 v)
{
	outl(0xcf8, 0x80000000u | function << 8 | reg);
	outl(0xcfc, v);
}

/* --- Memory that moves */

static u32 prepare_window(u32 base)
{
	for (u32 at = 0; at < 0x1000000; at += PAGE_SIZE)
		map(WINDOW + at, base + at, PTE_P | PTE_W | PTE_U);
	for (u32 at = 0; at < 0x400000; at += PAGE_SIZE)
		map(0x92000000 + at, 0xc0000 + at % 0x40000, PTE_P | PTE_W | PTE_U);
	map(LAPIC, 0xfee00000, PTE_P | PTE_W | PTE_U);
	return 0;
}

/* Each 16 KiB from C0000h to FFFFFh is RAM, ROM or both, and mapped in 16 places. */
static void pam(void)
{
	for (u32 n = 0;; n++) {
		pci_write(HOST_BRIDGE, 0x58, n % 2 ? 0x33333333 : 0);
		pci_write(HOST_BRIDGE, 0x5c, n % 2 ? 0x33333333 : 0);
		for (u32 at = 0; at < 0x400000; at += PAGE_SIZE)
			*(volatile u8 *)(0x92000000 + at);
	}
}

/* 16 MiB of video memory, each page of it mapped, come and go. */
static void vga_memory(void)
{
	pci_write(VGA, 0x10, 0xe0000000);
	for (;;) {
		pci_write(VGA, 0x04, 2);
		for (u32 at = 0; at < 0x1000000; at += PAGE_SIZE)
			*(volatile u32 *)(WINDOW + at) = at;
		pci_write(VGA, 0x04, 0);
	}
}

/* The legacy window is here and there, in planes and in a row. */
static void vga_modes(void)
{
	for (u32 n = 0;; n++) {
		outw(0x3ce, (u16)((n % 4 << 2 | 1) << 8 | 6));
		outw(0x3c4, (u16)((n / 4 % 2 ? 0x0e : 0x06) << 8 | 4));
		for (u32 at = 0xa0000; at < 0xc0000; at += 512)
			++*(volatile u8 *)at;
	}
}

/* --- Long transfers */

/* The largest that can be asked for: a skip, and zeros behind an item's end into RAM. */
static void firmware_dma(void)
{
	u32 *request = (u32 *)(page + 64);

	for (;;) {
		request[0] = __builtin_bswap32(4);
		request[1] = 0xffffffff;
		request[2] = 0;
		outl(0x514, 0);
		outl(0x518, __builtin_bswap32((u32)request));
		request[0] = __builtin_bswap32(2);
		request[1] = __builtin_bswap32(0x100000);
		request[3] = __builtin_bswap32(0x400000);
		outl(0x518, __builtin_bswap32((u32)request));
	}
}

static void disk_command(u8 command)
{
	while (inb(0x1f7) & 0x80)
		;
	outb(0x1f6, 0xe0);
	outb(0x1f2, 0); /* 256 sectors */
	outb(0x1f3, 0);
	outb(0x1f4, 0);
	outb(0x1f5, 0);
	outb(0x1f7, command);
}

static void disk_words(void)
{
	u32 count;
	void *to;

	pci_write(IDE, 0x40, 0x80008000);
	for (;;) {
		disk_command(0x20);
		for (u32 sector = 0; sector < 256; sector++) {
			while ((inb(0x1f7) & 0x88) != 8)
				;
			to = page;
			count = SECTOR / 2;
			__asm__ volatile("rep insw"
					 : "+D"(to), "+c"(count)
					 : "d"(0x1f0)
					 : "memory");
		}
	}
}

/* 128 KiB by as many descriptors as there are words, to and fro. */
static void disk_dma(void)
{
	u32 *table = (u32 *)page;

	pci_write(IDE, 0x40, 0x80008000);
	pci_write(IDE, 0x20, 0xc001);
	pci_write(IDE, 0x04, 5);
	for (u32 i = 0; i < PAGE_SIZE / 8; i++) {
		table[2 * i] = 0x500000 + 256 * i;
		table[2 * i + 1] = 256 | (i == PAGE_SIZE / 8 - 1) << 31;
	}
	for (u32 n = 0;; n++) {
		outb(0xc000, n % 2 ? 8 : 0);
		outl(0xc004, (u32)table);
		outb(0xc002, 6);
		disk_command(n % 2 ? 0xc8 : 0xca);
		outb(0xc000, n % 2 ? 9 : 1);
		while (!(inb(0xc002) & 4))
			;
		inb(0x1f7);
	}
}

/* --- Interrupts without end */

static void lapic_write(u32 reg, u32 v)
{
	__asm__ volatile("movl %1, %0" : "=m"(*(u32 *)(LAPIC + reg)) : "r"(v) : "memory");
}

static bool on_lapic(struct guest_frame *f)
{
	(void)f;
	lapic_write(0xb0, 0);
	return true;
}

/* Each bus cycle, if that could be. */
static void lapic_timer(void)
{
	trap_hook[0x21] = on_lapic;
	lapic_write(0xf0, 0x1ff);
	lapic_write(0x3e0, 0xb);
	lapic_write(0x320, 0x20021);
	lapic_write(0x380, 1);
	for (;;)
		;
}

static void lapic_self(void)
{
	trap_hook[0x21] = on_lapic;
	lapic_write(0xf0, 0x1ff);
	for (;;)
		lapic_write(0x300, 0x40021);
}

static void (*const what[])(void) = {
	pam, vga_memory, vga_modes, firmware_dma, disk_words, disk_dma, lapic_timer, lapic_self,
};

void guest_main(void)
{
	u32 n = cmdline_number("what", 0);

	page = page_alloc();
	call_ring0(prepare_window, 0xe0000000);
	print("storm %u\r\n", n);
	what[n % COUNT(what)]();
	for (;;)
		;
}
