/* SPDX-License-Identifier: MIT */
/*
 * The whole board with a guest and an outside that do anything: any port, device memory, MSRs of
 * the local APIC, DMA of floppy and fw_cfg, interrupts taken, keys, mouse, serial lines, buttons,
 * frames, resets, and time. Drives, virtio and VGA have targets of their own; here they stand
 * beside.
 *
 * Nothing is touched but the guest's RAM, the media and the devices. The INTR pin is what the board
 * says when asked. Timers that have run are not due again; however late they are, they run a
 * limited number of times. A board that is saved can be loaded, and its pin is as it was.
 *
 * Input: how to begin (1); what (1), and by it: port, address or register, value (4).
 */
#include <stdlib.h>
#include <string.h>

#include "emu/board/board.h"
#include "emu/dev/disk_memory.h"
#include "emu/dev/drives.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/log.h"
#include "kernel/hw/apic_regs.h"
#include "kernel/hw/dp8390_regs.h"
#include "kernel/hw/hpet_regs.h"
#include "kernel/hw/pc_layout.h"
#include "tests/fuzz/board_ports.h"
#include "tests/fuzz/board_saved.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/quiet_host.h"

#define IMAGE	 (160 * KiB)
#define FIRMWARE (64 * KiB)
#define RAM	 0xa0000u
#define MSR_BASE 0x1bu
#define CARD_ISA 0x300u
#define CARD_PCI 0xc900u /* of device 16, after a reset */
#define RING	 0x46u
#define STEPS	 1000 /* how often timers ask for the time while they run */

/* First ports of devices, which a byte of input reaches 16 of. */
static const u16 ports[] = {
	0x00,  0x10,  0x20,  0x40,  0x60,  0x70,  0x80,	 0x92,	0xa0,	0xb0,	0xc0,	0xd0,
	0xe0,  0xf0,  0x170, 0x1ce, 0x1f0, 0x300, 0x2e8, 0x2f8, 0xc900, 0x370,	0x3b0,	0x3c0,
	0x3d0, 0x3e8, 0x3f0, 0x3f8, 0x400, 0x4d0, 0x501, 0x510, 0x600,	0x0cf8, 0xc000, 0xe000,
};

static struct disk_memory disk[2];
static struct drive drive[DRIVE_PLACES];
static u8 image[2][IMAGE], firmware[FIRMWARE];
static struct gpmem mem;
static struct board *board;
static bool intr, wants_reset, wants_init;
static unsigned steps;

static u64 now(void *ctx)
{
	steps++;
	return quiet_now(ctx);
}

static void on_intr(void *ctx, bool level)
{
	(void)ctx;
	intr = level;
}

static void on_reset(void *ctx, const char *why)
{
	(void)ctx;
	(void)why;
	wants_reset = true;
}

static void on_init(void *ctx, const char *why)
{
	(void)ctx;
	(void)why;
	wants_init = true;
}

static void create(void)
{
	struct board_host host = quiet_host();
	u8 **chunk = mem_alloc(sizeof(*chunk));

	host.now = now;
	host.intr = on_intr;
	host.reset = on_reset;
	host.cpu_init = on_init;
	gpmem_init(&mem);
	chunk[0] = calloc(1, RAM);
	if (gpmem_add_ram(&mem, 0, RAM, chunk, true, "ram"))
		panic("no RAM");
	for (unsigned i = 0; i < 2; i++)
		if (disk_memory_init(&disk[i], image[i], IMAGE, false))
			panic("no drive");
	drive[PLACE_FLOPPY0] = (struct drive){ DRIVE_FLOPPY, &disk[0].backend };
	drive[PLACE_IDE2] = (struct drive){ DRIVE_CDROM, &disk[1].backend };
	if (board_create(&(struct board_config){ .ram_size = 4 * MiB,
						 .apic = true,
						 .debug_exit = true,
						 .rts_wired = true,
						 .drives = drive,
						 .virtio_rng = true,
						 .virtio_console = true,
						 .nic = { { .kind = NIC_NE2000_ISA },
							  { .kind = NIC_NE2000 } },
						 .firmware = { firmware, FIRMWARE } },
			 &host, &mem, &board))
		panic("no board");
}

/* As the owner of a processor does, between two of its instructions. */
static void between(void)
{
	if (wants_reset)
		board_reset(board);
	else if (wants_init)
		board_cpu_init(board);
	wants_reset = wants_init = false;
	if (intr != board_intr_pending(board))
		panic("INTR is %d, the board says %d", intr, !intr);
}

static void run_timers(void)
{
	u64 next;

	steps = 0;
	next = board_run_timers(board);
	if (steps > STEPS)
		panic("timers asked %u times for the time", steps);
	if (next <= quiet_ns)
		panic("a timer of %llu is due at %llu still", (unsigned long long)next,
		      (unsigned long long)quiet_ns);
	board_wakes_at(board);
	board_can_wake(board);
}

/* The fixed places of device memory, and what is near. */
static gpa_t address(struct fuzz_input *in)
{
	static const gpa_t base[] = { IOAPIC_BASE, HPET_BASE, LAPIC_BASE, PC_VIDEO };
	u32 at = fuzz_u32(in);

	if (at >> 28 == 15)
		return at & ~7u;
	return base[at >> 30] + (at & (at >> 28 & 1 ? 0x1ff8 : 0x3f8)) + (at >> 16 & 7);
}

/* So that its address need not be guessed: a command of fw_cfg's DMA anywhere in RAM. */
static void fw_cfg_dma(struct fuzz_input *in)
{
	u8 request[16] = { 0 };
	u32 at = fuzz_u32(in) % (RAM + 64);
	u16 item = fuzz_u8(in);

	request[1] = (u8)(item & 0x3f);
	request[3] = fuzz_u8(in) & 0x1f;
	fuzz_bytes(in, request + 4, 4); /* length */
	fuzz_bytes(in, request + 12, 4);
	gpmem_write(&mem, at, request, sizeof(request));
	board_io_write(board, 0x514, 4, 0);
	board_io_write(board, 0x518, 4, __builtin_bswap32(at));
}

static void msr(struct fuzz_input *in, u8 where)
{
	static const u32 index[] = { MSR_BASE, 0x6e0, 0x800, 0x10 };
	u64 value;

	if (where & 0x80)
		board_msr_write(board, index[where & 3], fuzz_u32(in) | (u64)fuzz_u8(in) << 32);
	else if (!board_msr_read(board, index[where & 3], &value) && (where & 3) == 3)
		panic("the board keeps the TSC");
}

/* What a driver of a network card begins with, and frames for it. */
static void card_open(struct fuzz_input *in)
{
	u8 place = fuzz_u8(in) & 1, end = (u8)(RING + (fuzz_u8(in) & 0x3f));
	const u8 registers[][2] = {
		{ CR_REG, CR_STP | CR_RD_ABORT },
		{ P0W_DCR, fuzz_u8(in) },
		{ P0W_PSTART, RING },
		{ P0W_PSTOP, end },
		{ P0_BNRY, RING },
		{ P0W_RCR, RCR_AB },
		{ P0W_TCR, 0 },
		{ P0W_IMR, 0x7f },
		{ CR_REG, CR_STP | CR_RD_ABORT | CR_PAGE(1) },
		{ P1_CURR, RING + 1 },
		{ CR_REG, CR_STA | CR_RD_ABORT },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(registers); i++)
		board_io_write(board, (u16)((place ? CARD_PCI : CARD_ISA) + registers[i][0]), 1,
			       registers[i][1]);
	quiet_frames = fuzz_u8(in);
	board_frames(board, place);
}

static void from_outside(struct fuzz_input *in, u8 where)
{
	switch (where & 7) {
	case 0:
		board_serial_rx(board, where >> 3 & 3, fuzz_u8(in));
		break;
	case 1:
		board_serial_ready(board, where >> 3 & 3);
		break;
	case 2:
		board_serial_break(board, where >> 3 & 3);
		break;
	case 3:
		board_key(board, fuzz_u8(in), where & 0x80);
		break;
	case 4:
		board_mouse(board, (s32)fuzz_u32(in), (s32)fuzz_u32(in), (s8)where, fuzz_u8(in));
		break;
	case 5:
		board_power_button(board);
		break;
	case 6:
		board_fpu_error(board);
		break;
	default:
		board_serial_rx(board, 4, fuzz_u8(in));
		board_serial_ready(board, 4);
	}
}

/* What drivers begin with, so that interrupts need not be guessed: both 8259A and their masks. */
static void pic_open(struct fuzz_input *in)
{
	static const u16 port[] = { 0x20, 0xa0 };
	static const u8 cascade[] = { 4, 2 };

	for (unsigned i = 0; i < 2; i++) {
		board_io_write(board, port[i], 1, 0x11 | (fuzz_u8(in) & 0x0a));
		board_io_write(board, port[i] + 1, 1, fuzz_u8(in));
		board_io_write(board, port[i] + 1, 1, cascade[i]);
		board_io_write(board, port[i] + 1, 1, fuzz_u8(in));
		board_io_write(board, port[i] + 1, 1, fuzz_u8(in) & fuzz_u8(in));
	}
}

static void mmio_write(gpa_t at, u32 v)
{
	gpmem_write(&mem, at, &v, sizeof(v));
}

/* And the local APIC, with virtual wire or without, and an entry of the I/O APIC. */
static void apic_open(struct fuzz_input *in)
{
	mmio_write(LAPIC_BASE + LAPIC_SPURIOUS, SPURIOUS_ENABLE | fuzz_u8(in));
	mmio_write(LAPIC_BASE + LAPIC_LVT_LINT0, fuzz_u8(in) & 1 ? LVT_EXTINT : LVT_MASKED);
	mmio_write(IOAPIC_BASE + IOAPIC_SELECT, IOAPIC_REDIR + 2 * (fuzz_u8(in) % 24u));
	mmio_write(IOAPIC_BASE + IOAPIC_WINDOW, fuzz_u32(in) & ~LVT_MASKED);
}

/* Some inputs begin where a kernel is that has set its interrupts up, with an APIC or without. */
static void begin(struct fuzz_input *in)
{
	u8 how = fuzz_u8(in);

	if (how & 1)
		pic_open(in);
	if (how & 2)
		apic_open(in);
	if (how & 4)
		board_msr_write(board, MSR_BASE, LAPIC_BASE | APIC_BASE_BSP);
}

static void time_goes_on(struct fuzz_input *in, u8 where)
{
	quiet_ns += (u64)fuzz_u32(in) << (where & 7);
	run_timers();
}

static void save_and_load(void)
{
	bool was;

	board_settle(board);
	was = board_intr_pending(board);
	fuzz_save_and_load(board);
	if (board_intr_pending(board) != was)
		panic("INTR was %d, and is not after loading", was);
}

static void one(struct fuzz_input *in)
{
	u8 what = fuzz_u8(in), where = fuzz_u8(in), bytes[4];
	unsigned size = 1u << (what >> 4 & 3) % 3;
	u16 port = (u16)(ports[where % ARRAY_SIZE(ports)] + (fuzz_u8(in) & 0x1f));
	u32 v;

	switch (what & 15) {
	case 0:
	case 1:
	case 2:
		fuzz_port(board, in, PORT_WRITE, port, size);
		break;
	case 3:
	case 4:
		fuzz_port(board, in, PORT_READ, port, size);
		break;
	case 5:
		fuzz_port(board, in, PORT_READ_MANY, port, size);
		break;
	case 6:
		fuzz_port(board, in, PORT_WRITE_MANY, port, size);
		break;
	case 7:
	case 8:
		v = fuzz_u32(in);
		gpmem_write(&mem, address(in), &v, size);
		break;
	case 9:
		gpmem_read(&mem, address(in), bytes, size);
		break;
	case 10:
		msr(in, where);
		break;
	case 11:
		if (board_intr_ack(board) > 255)
			panic("no vector");
		break;
	case 12:
		from_outside(in, where);
		break;
	case 13:
		fw_cfg_dma(in);
		break;
	case 14:
		if (where < 8)
			save_and_load();
		else if (where < 16)
			pic_open(in);
		else if (where < 24)
			apic_open(in);
		else if (where < 40)
			card_open(in);
		else
			board_io_write(board, (u16)fuzz_u32(in), size, fuzz_u32(in));
		break;
	default:
		time_goes_on(in, where);
	}
	between();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static u8 zeros[RAM];
	struct fuzz_input in = { data, data + size };

	if (!board)
		create();
	board_reset(board);
	wants_reset = wants_init = false;
	gpmem_write(&mem, 0, zeros, RAM);
	begin(&in);
	while (in.p < in.end)
		one(&in);
	save_and_load();
	run_timers();
	return 0;
}
