/* SPDX-License-Identifier: MIT */
/*
 * Virtio devices with a driver that does anything: registers of both kinds and of configuration
 * space, and queues whose descriptors, indices and buffers are the input's. Nothing is touched but
 * the guest's RAM, the media and the devices; everything ends; and the whole is saved and loaded at
 * the end. RAM ends at 640 KiB, and behind it is memory that the sanitizers watch.
 *
 * Input: what (1), and by it: register (1 or 2) and value (4); or where in a queue, and bytes.
 */
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>

#include "emu/board/board.h"
#include "emu/chip/virtio.h"
#include "emu/dev/disk_memory.h"
#include "emu/dev/drives.h"
#include "kernel/base/alloc.h"
#include "kernel/base/log.h"
#include "tests/fuzz/board_saved.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/quiet_host.h"

#define IMAGE	 (160 * KiB)
#define RAM	 0xa0000u
#define DEVICES	 6u
#define IO	 0xe000u /* + 80h * n: BAR 0 and BAR 4 are put there for each input */
#define MEM	 0xf0000000u
#define QUEUE_AT 0x10000u /* + 4000h for each queue: table, available, used of a queue of 0.9 */
#define STEP	 0x4000u

static const u8 number[DEVICES] = { 4, 5, 8, 9, 10, 11 };
static struct disk_memory disk[2];
static struct drive drive[DRIVE_PLACES];
static u8 image[2][IMAGE];
static struct gpmem mem;
static struct board *board;

/* Pages that the balloon gave back are not touched any more, which the sanitizer sees. There is not
 * always another one. */
static u8 *ram;
static u32 asked;

static void *take_frame(void *ctx, bool must)
{
	(void)ctx;
	return must || ++asked % 5 ? malloc(PAGE_SIZE) : NULL;
}

static void give_frame(void *ctx, void *frame)
{
	(void)ctx;
	if ((u8 *)frame >= ram && (u8 *)frame < ram + RAM)
		ASAN_POISON_MEMORY_REGION(frame, PAGE_SIZE);
	else
		free(frame);
}

static const struct gpmem_frames frames = { take_frame, give_frame, NULL };

static void create(void)
{
	struct board_host host = quiet_host();
	u8 **chunk = mem_alloc(sizeof(*chunk));

	gpmem_init(&mem);
	mem.frames = &frames;
	chunk[0] = ram = calloc(1, RAM);
	if (gpmem_add_ram(&mem, 0, RAM, chunk, true, "ram") || gpmem_lend(&mem, 0))
		panic("no RAM");
	for (unsigned i = 0; i < 2; i++) {
		if (disk_memory_init(&disk[i], image[i], IMAGE, i))
			panic("no drive");
		drive[PLACE_VIRTIO0 + i] = (struct drive){ DRIVE_DISK, &disk[i].backend };
	}
	if (board_create(&(struct board_config){ .ram_size = 4 * MiB,
						 .apic = true,
						 .no_vga = true,
						 .drives = drive,
						 .virtio_rng = true,
						 .virtio_console = true,
						 .virtio_balloon = true,
						 .nic = { { .kind = NIC_VIRTIO } } },
			 &host, &mem, &board))
		panic("no board");
}

static void config_write(unsigned n, unsigned reg, u32 v)
{
	board_io_write(board, 0xcf8, 4, 0x80000000u | (u32)number[n] << 11 | (reg & 0xfc));
	board_io_write(board, 0xcfc, 4, v);
}

/* Where a driver would find them. */
static void place(void)
{
	for (unsigned n = 0; n < DEVICES; n++) {
		config_write(n, 0x10, IO + n * VIRTIO_IO_SIZE);
		config_write(n, 0x20, MEM + n * VIRTIO_MEM_SIZE);
		config_write(n, 4, 7);
	}
}

/* All of a queue of 0.9, so that few bytes of input get far. */
static void open_queue(unsigned n, unsigned q)
{
	u16 io = (u16)(IO + n * VIRTIO_IO_SIZE);

	board_io_write(board, (u16)(io + VIRTIO_OLD_QUEUE_SELECT), 2, q);
	board_io_write(board, (u16)(io + VIRTIO_OLD_QUEUE_PAGE), 4,
		       (QUEUE_AT + (2 * n + q) * STEP) / VIRTIO_OLD_ALIGN);
}

/* A descriptor: most of its bits are such that it may pass. */
static void descriptor(struct fuzz_input *in, u32 queue)
{
	u8 d[16] = { 0 };
	u8 n = fuzz_u8(in), kind = fuzz_u8(in);
	u32 at = fuzz_u32(in);

	if (!(kind & 0x80))
		at %= RAM + 4096;
	memcpy(d, &at, 4);
	fuzz_bytes(in, d + 8, kind & 0x40 ? 4 : 2);
	d[12] = kind & 7;
	d[14] = fuzz_u8(in) & (kind & 0x20 ? 0xff : 0x7f);
	gpmem_write(&mem, kind & 0x10 ? at % RAM & ~15u : queue + 16u * (n & 127), d, sizeof(d));
}

/* A head, and the index one further, mostly. */
static void available(struct fuzz_input *in, u32 queue)
{
	u32 ring = queue + 16 * VIRTQ_SIZE;
	u16 index, head = fuzz_u8(in), jump = fuzz_u8(in);

	gpmem_read(&mem, ring + 2, &index, 2);
	gpmem_write(&mem, ring + 4 + 2u * (index % VIRTQ_SIZE), &head, 2);
	index = (u16)(index + (jump < 0xf0 ? 1 : jump));
	gpmem_write(&mem, ring + 2, &index, 2);
}

static void one(struct fuzz_input *in)
{
	u8 what = fuzz_u8(in), where = fuzz_u8(in);
	unsigned n = what & 0x40 ? 4 + (what >> 5 & 1) : where & 3, q = where >> 2 & 1;
	unsigned size = 1u << (where >> 3) % 3;
	u32 queue = QUEUE_AT + (2 * n + q) * STEP, v;
	u16 io = (u16)(IO + n * VIRTIO_IO_SIZE);

	switch (what & 15) {
	case 0:
		board_io_write(board, (u16)(io + fuzz_u8(in) % VIRTIO_IO_SIZE), size, fuzz_u32(in));
		break;
	case 1:
		board_io_read(board, (u16)(io + fuzz_u8(in) % VIRTIO_IO_SIZE), size);
		break;
	case 2:
	case 3:
		v = fuzz_u32(in);
		gpmem_write(&mem, MEM + n * VIRTIO_MEM_SIZE + (fuzz_u32(in) & 0x3fff & ~(size - 1)),
			    &v, size);
		break;
	case 4:
		gpmem_read(&mem, MEM + n * VIRTIO_MEM_SIZE + (fuzz_u32(in) & 0x3fff & ~(size - 1)),
			   &v, size);
		break;
	case 5:
		config_write(n, fuzz_u8(in), fuzz_u32(in));
		break;
	case 6:
		open_queue(n, q);
		break;
	case 7:
	case 8:
	case 9:
		descriptor(in, queue);
		break;
	case 10:
	case 11:
		available(in, queue);
		board_io_write(board, (u16)(io + VIRTIO_OLD_NOTIFY), 2, q);
		break;
	case 12:
		v = fuzz_u32(in);
		gpmem_write(&mem, fuzz_u32(in) % (RAM - 4), &v, 4);
		break;
	case 13:
		board_serial_rx(board, 4, where);
		board_serial_ready(board, 4);
		quiet_frames = where;
		board_frames(board, 0);
		break;
	default:
		quiet_ns += fuzz_u32(in);
		board_run_timers(board);
	}
	if (what & 0x80)
		board_run_timers(board);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static u8 zeros[RAM];
	struct fuzz_input in = { data, data + size };

	if (!board)
		create();
	board_reset(board);
	asked = 0;
	gpmem_write(&mem, 0, zeros, RAM);
	place();
	while (in.p < in.end)
		one(&in);
	fuzz_save_and_load(board);
	for (unsigned i = 0; i < 100; i++)
		board_run_timers(board);
	return 0;
}
