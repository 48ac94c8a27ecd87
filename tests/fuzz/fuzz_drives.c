/* SPDX-License-Identifier: MIT */
/*
 * Any accesses at the ports of floppy, IDE, bus master and DMA, in a board with a drive at each
 * place: nothing is touched but the guest's RAM, the media and the devices. Media are changed, time
 * goes on, completions run between the accesses, and the whole is saved at the end.
 *
 * Input: what (1), and of an access its port (1), how wide (in what) and value (4).
 */
#include <stdlib.h>
#include <string.h>

#include "emu/board/board.h"
#include "emu/dev/disk_memory.h"
#include "emu/dev/drives.h"
#include "kernel/base/alloc.h"
#include "kernel/base/log.h"
#include "tests/fuzz/board_ports.h"
#include "tests/fuzz/board_saved.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/quiet_host.h"

#define IMAGE (160 * KiB)

static const u16 ports[] = {
	0x3f2, 0x3f4, 0x3f5,  0x3f7,  0x1f0,  0x1f1,  0x1f2,  0x1f3,  0x1f4, 0x1f5,
	0x1f6, 0x1f7, 0x3f6,  0x170,  0x171,  0x172,  0x173,  0x174,  0x175, 0x176,
	0x177, 0x376, 0xc000, 0xc002, 0xc004, 0xc008, 0xc00a, 0xc00c, 0x04,  0x05,
	0x08,  0x0a,  0x0b,   0x0c,   0x0f,   0x81,   0xcf8,  0xcfc,
};

static struct disk_memory disk[DRIVE_PLACES];
static struct drive drive[DRIVE_PLACES];
static u8 image[DRIVE_PLACES][IMAGE];
static struct gpmem mem;
static struct board *board;

static void create(void)
{
	static const enum drive_kind kinds[DRIVE_PLACES] = {
		DRIVE_FLOPPY, DRIVE_FLOPPY, DRIVE_DISK, DRIVE_DISK, DRIVE_CDROM, DRIVE_DISK
	};
	const struct board_host host = quiet_host();
	u8 **chunk = mem_alloc(sizeof(*chunk));

	gpmem_init(&mem);
	chunk[0] = calloc(1, GPMEM_CHUNK_SIZE);
	if (gpmem_add_ram(&mem, 0, 0xa0000, chunk, true, "ram"))
		panic("no RAM");
	for (unsigned i = 0; i < DRIVE_PLACES; i++) {
		if (disk_memory_init(&disk[i], image[i], IMAGE, false))
			panic("no drive");
		if (i % 2) /* the others have the short way, too */
			disk_memory_by_requests(&disk[i]);
		drive[i] = (struct drive){ kinds[i], &disk[i].backend };
	}
	if (board_create(&(struct board_config){ .ram_size = 4 * MiB, .drives = drive }, &host,
			 &mem, &board))
		panic("no board");
}

/* A floppy or a CD, of some size. */
static void change_medium(u8 which, u8 size)
{
	static const enum drive_place places[] = { PLACE_FLOPPY0, PLACE_FLOPPY1, PLACE_IDE2 };
	enum drive_place p = places[which % 3];

	disk_memory_insert(&disk[p], image[p], size ? IMAGE / size : 0, size & 1);
}

static void one(struct fuzz_input *in)
{
	u8 what = fuzz_u8(in);
	u16 port = ports[fuzz_u8(in) % ARRAY_SIZE(ports)];
	unsigned size = 1u << (what >> 3) % 3;

	switch (what & 7) {
	case 0:
	case 1:
	case 2:
		fuzz_port(board, in, PORT_WRITE, port, size);
		break;
	case 3:
		fuzz_port(board, in, PORT_READ, port, size);
		break;
	case 4:
		fuzz_port(board, in, PORT_READ_MANY, port, size);
		break;
	case 5:
		fuzz_port(board, in, PORT_WRITE_MANY, port, size);
		break;
	case 6:
		quiet_ns += fuzz_u32(in);
		board_run_timers(board);
		break;
	default:
		change_medium(what >> 3, fuzz_u8(in));
	}
	if (what & 0x80)
		board_run_timers(board);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, data + size };

	if (!board)
		create();
	board_reset(board);
	while (in.p < in.end)
		one(&in);
	for (unsigned i = 0; i < 100; i++)
		board_run_timers(board);
	fuzz_save_and_load(board);
	return 0;
}
