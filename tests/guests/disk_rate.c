/* SPDX-License-Identifier: MIT */
/*
 * Reads and writes the first `mib` MiB of the first IDE disk, from one end to the other, by DMA and
 * by PIO, and says how many ticks of the TSC each way took. `virtio=1` adds the virtio disk,
 * by requests of the same size. Disks hold what disk_word() says; what is written says it too, so
 * every way leaves the disk as it was. `rounds=n` goes through all ways n times; `mark=n` has it
 * write other words to 128 KiB from sector n on at the end; `change=1` has each way write other
 * words than the one before, and the next read expects them.
 * tests/bench/disk.py compares the ticks with bare QEMU's.
 *
 *   make build/guests/disk_rate; as selectors.c says
 */
#include "virtio/driver.h"

const char guest_name[] = "disk_rate";

#define SECTOR	  512u
#define COMMAND	  256u /* sectors of one, the most that 28 bits of address allow */
#define BLOCK	  16u  /* sectors of READ MULTIPLE and WRITE MULTIPLE */
#define BYTES	  (COMMAND * SECTOR)
#define FEATURES  (F_EVENT_INDEX | 1ull << 9) /* and FLUSH: a write may end before it is safe */
#define BUFFER	  ((u8 *)0x400000)
#define TABLE	  ((volatile u32 *)0x3ff000) /* of two regions, as one has 64 KiB at most */
#define PCI_IDE	  0x80000900u
#define DATA	  0x1f0
#define BUSY	  0x80
#define FAILED	  0x21 /* fault, error */
#define REQUESTED 0x08
#define NO_MARK	  0xffffffffu
#define ANSWERED  0x77u	   /* a status that no device gives */
#define MARKED	  0x10000u /* what is written there is that of a sector so far behind */

static u16 master; /* port */
static u32 stamp, change;
static volatile u32 interrupts;
static struct virtio virtio;

static u64 ticks(void)
{
	u32 lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}

/* Sectors differ from each other, and so do words of one. */
static u32 disk_word(u32 sector, u32 i)
{
	return (sector * 128 + i) * 2654435761u + stamp;
}

static bool on_disk(struct guest_frame *f)
{
	(void)f;
	interrupts++;
	outb(0xa0, 0x20);
	outb(0x20, 0x20);
	return true;
}

/* Until the next interrupt; the status, which takes it away. */
static u8 wait_interrupt(void)
{
	for (;;) {
		__asm__ volatile("cli");
		if (interrupts)
			break;
		__asm__ volatile("sti; hlt" ::: "memory");
	}
	interrupts--;
	__asm__ volatile("sti");
	return inb(DATA + 7);
}

static void command(u8 what, u32 sector)
{
	outb(DATA + 6, (u8)(0xe0 | sector >> 24));
	outb(DATA + 2, (u8)COMMAND);
	outb(DATA + 3, (u8)sector);
	outb(DATA + 4, (u8)(sector >> 8));
	outb(DATA + 5, (u8)(sector >> 16));
	outb(DATA + 7, what);
}

static bool by_dma(u8 what, u32 sector, bool in)
{
	u8 status;

	outb(master, in ? 8 : 0);
	outb((u16)(master + 2), 6);
	outl((u16)(master + 4), (u32)TABLE);
	command(what, sector);
	outb(master, in ? 9 : 1);
	status = wait_interrupt();
	outb(master, 0);
	return !(status & (BUSY | REQUESTED | FAILED)) && (inb((u16)(master + 2)) & 7) == 4;
}

static bool dma_read(u32 sector)
{
	return by_dma(0xc8, sector, true);
}

static bool dma_write(u32 sector)
{
	return by_dma(0xca, sector, false);
}

/* An interrupt for each block. */
static bool pio_read(u32 sector)
{
	u8 *to = BUFFER;

	command(0xc4, sector);
	for (u32 n = 0; n < COMMAND; n += BLOCK) {
		u32 words = BLOCK * SECTOR / 2;

		if ((wait_interrupt() & (BUSY | REQUESTED | FAILED)) != REQUESTED)
			return false;
		__asm__ volatile("rep insw" : "+D"(to), "+c"(words) : "d"(DATA) : "memory");
	}
	return true;
}

/* The first block has none; the last one is behind it. */
static bool pio_write(u32 sector)
{
	const u8 *from = BUFFER;

	command(0xc5, sector);
	for (u32 n = 0; n < COMMAND; n += BLOCK) {
		u32 words = BLOCK * SECTOR / 2;
		u8 status = inb(DATA + 7);

		while (!n && (status & (BUSY | REQUESTED)) != REQUESTED)
			status = inb(DATA + 7);
		__asm__ volatile("rep outsw" : "+S"(from), "+c"(words) : "d"(DATA) : "memory");
		if (wait_interrupt() & FAILED)
			return false;
	}
	return true;
}

static bool by_virtio(u32 type, u32 sector, bool in)
{
	static u32 header[4];
	static volatile u8 status;
	const struct vq_part part[] = { { header, sizeof(header), false },
					{ BUFFER, BYTES, in },
					{ (void *)&status, 1, true } };

	header[0] = type;
	header[2] = sector;
	status = ANSWERED;
	return vq_request(&virtio.q[0], part, COUNT(part)) == (in ? BYTES : 0) + 1 && !status;
}

static bool virtio_read(u32 sector)
{
	return by_virtio(0, sector, true);
}

static bool virtio_write(u32 sector)
{
	return by_virtio(1, sector, false);
}

static void fill(u32 sector)
{
	u32 *word = (u32 *)BUFFER;

	for (u32 i = 0; i < BYTES / 4; i++)
		word[i] = disk_word(sector, i);
}

static bool is_filled(u32 sector)
{
	const u32 *word = (const u32 *)BUFFER;

	for (u32 i = 0; i < BYTES / 4; i++)
		if (word[i] != disk_word(sector, i))
			return false;
	return true;
}

/* A way's time is that of its commands alone. */
static void measure(const char *name, bool (*transfer)(u32 sector), bool in, u32 mib)
{
	bool good = true;
	u64 sum = 0;

	if (!in)
		stamp += change;
	for (u32 sector = 0; sector < mib * 2048; sector += COMMAND) {
		u64 began;

		fill(in ? 0x123456 : sector);
		began = ticks();
		good &= transfer(sector);
		sum += ticks() - began;
		good &= is_filled(sector);
	}
	check(good, name);
	print("  rate %s %u MiB %u kiloticks\n", name, mib, (u32)(sum >> 10));
}

static void begin_virtio(void)
{
	bool there = virtio_find(&virtio, VIRTIO_BLK, 0, true) && virtio_begin(&virtio, FEATURES);

	if (there) {
		virtio_queue(&virtio, 0);
		virtio_go(&virtio);
	}
	check(there, "a virtio disk");
}

static void begin(void)
{
	TABLE[0] = (u32)BUFFER;
	TABLE[1] = 0; /* 64 KiB */
	TABLE[2] = (u32)BUFFER + 0x10000;
	TABLE[3] = 0x80000000;
	pci_write(PCI_IDE, 4, pci_read(PCI_IDE, 4) | 5);
	master = (u16)(pci_read(PCI_IDE, 0x20) & 0xfff0);
	trap_hook[0x2e] = on_disk;
	outb(0x21, 0xfb);
	outb(0xa1, 0xbf);
	outb(0x3f6, 0);
	outb(DATA + 6, 0xe0);
	outb(DATA + 2, BLOCK);
	outb(DATA + 7, 0xc6); /* SET MULTIPLE */
	check(!(wait_interrupt() & FAILED), "blocks of 16 sectors");
}

void guest_main(void)
{
	u32 mib = cmdline_number("mib", 4), rounds = cmdline_number("rounds", 1);
	u32 mark = cmdline_number("mark", NO_MARK), with_virtio = cmdline_number("virtio", 0);

	change = cmdline_number("change", 0);
	begin();
	if (with_virtio)
		begin_virtio();
	for (u32 i = 0; i < rounds; i++) {
		measure("dma-read", dma_read, true, mib);
		measure("dma-write", dma_write, false, mib);
		measure("pio-read", pio_read, true, mib);
		measure("pio-write", pio_write, false, mib);
		if (!with_virtio)
			continue;
		measure("virtio-read", virtio_read, true, mib);
		measure("virtio-write", virtio_write, false, mib);
	}
	measure("dma-read", dma_read, true, mib); /* what PIO wrote */
	if (mark != NO_MARK) {
		fill(mark + MARKED);
		check(dma_write(mark), "mark");
	}
}
