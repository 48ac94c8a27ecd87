/* SPDX-License-Identifier: MIT */
/*
 * The expansion ROM of the VGA (PCI Local Bus 2.1, 6.2.5.2): its size, its bytes wherever it is
 * put, and when it is not decoded. What bare QEMU's firmware has left in the registers is not
 * looked at.
 *
 *   make build/guests/rom; as selectors.c says
 */
#include "lib/testguest.h"

const char guest_name[] = "rom";

#define SLOT	0x80001000u /* bus 0, device 2 */
#define COMMAND 0x04
#define ROM	0x30
#define ENABLE	1u
#define MEMORY	2u
#define AT	0x40000000u /* linear */
#define FIRST	0xe8000000u /* physical: nothing is there */
#define SECOND	0xe9000000u
#define MOST	0x20000u

static volatile u8 *const rom = (volatile u8 *)AT;

static void outl(u16 port, u32 v)
{
	__asm__ volatile("outl %0, %1" ::"a"(v), "Nd"(port));
}

static u32 pci_read(u8 reg)
{
	u32 v;

	outl(0xcf8, SLOT | reg);
	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"((u16)0xcfc));
	return v;
}

static void pci_write(u8 reg, u32 v)
{
	outl(0xcf8, SLOT | reg);
	outl(0xcfc, v);
}

static void map_at(u32 gpa)
{
	for (u32 at = 0; at < MOST; at += PAGE_SIZE)
		map(AT + at, gpa + at, PTE_P | PTE_W);
}

static void look_at(u32 gpa)
{
	map_at(gpa);
	__asm__ volatile("mov %%cr3, %%eax; mov %%eax, %%cr3" ::: "eax", "memory");
}

static void tell(u32 gpa, u32 size)
{
	u32 sum = 0;

	look_at(gpa);
	for (u32 at = 0; at < size; at++)
		sum = digest(sum, rom[at]);
	print("%x %x, %x\n", *(volatile u32 *)rom, *(volatile u32 *)(rom + size - 4), sum);
	rom[0] = 0;
	check(rom[0] == 0x55, "a ROM");
}

/* What reads find where nothing is differs between machines. */
static void absent(const char *when, u32 gpa)
{
	look_at(gpa);
	check(rom[0] != 0x55 && rom[1] != 0xaa, when);
}

void guest_main(void)
{
	u32 command = pci_read(COMMAND), size;

	pci_write(COMMAND, command & ~MEMORY);
	pci_write(ROM, 0xffffffff);
	print("sized %x\n", pci_read(ROM));
	size = ~(pci_read(ROM) & ~ENABLE) + 1;
	if (!size || size > MOST)
		size = PAGE_SIZE;
	pci_write(ROM, FIRST | ENABLE);
	absent("memory off", FIRST);
	pci_write(COMMAND, command | MEMORY);
	tell(FIRST, size);
	absent("behind it", FIRST + size);
	pci_write(ROM, SECOND | ENABLE | 0x7fe);
	print("moved %x\n", pci_read(ROM));
	absent("where it was", FIRST);
	tell(SECOND, size);
	pci_write(ROM, SECOND);
	absent("disabled", SECOND);
	guest_end();
}
