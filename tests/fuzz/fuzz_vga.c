/* SPDX-License-Identifier: MIT */
/*
 * A VGA whose driver does anything: its ports, DISPI, PCI configuration, registers in memory, and
 * video memory, by C and by translated code that has been there often enough to call the device by
 * its stub (emu/trans/stub_device.c). Modes of programs are among the inputs as rows of registers.
 *
 * Nothing is touched but video memory, which the sanitizers watch. Every now and then somebody
 * looks: memory and a line that nothing is said to have changed must be as they were, and a machine
 * that is loaded from what was saved must show what it showed.
 *
 * Input: what (1), and by it: registers, values, addresses, or a program.
 */
#include <string.h>

#include "emu/board/board.h"
#include "emu/chip/vga_dump.h"
#include "kernel/base/log.h"
#include "kernel/hw/pc_layout.h"
#include "tests/fuzz/board_saved.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/quiet_host.h"

#define FRAME_BUFFER 0xe0000000u
#define REGISTERS    0xf0000000u
#define VGA_SLOT     2u
#define CODE	     0x10000u
#define STACK	     0x30000u
#define ROUNDS	     24u       /* of a program: instructions go by the stub then */
#define LINES	     8u	       /* that are looked at, of a screen */
#define MEMORY	     (1 * MiB) /* and so much of video memory */
#define DUMP_MOST    (320u * 400u)
#define LOOKS_MOST   6u
#define RUNS_MOST    4u

static struct board *board;
static struct vga *vga;
static unsigned looks, runs;

/* What somebody saw who looks now and then. */
static struct {
	struct vga_screen screen;
	u32 settings, y[LINES];
	u8 show;
	bool seen;
	u32 rgb[LINES][VGA_WIDTH_MAX];
	u8 memory[MEMORY];
} eye;

static void create(void)
{
	static const u8 rom[5000] = { 0x55, 0xaa, 9 };
	struct board_host host = quiet_host();

	fuzz_reset();
	if (board_create(
		    &(struct board_config){ .ram_size = 4 * MiB, .vgabios = { rom, sizeof(rom) } },
		    &host, &fuzz_machine.mem, &board))
		panic("no board");
	vga = board_vga(board);
}

/* Video memory behind the planes, which a reset leaves alone, is zero for the next input. */
static u64 written[VGA_PAGES / 64];

static void forget_dirty(void)
{
	for (u32 i = 0; i < VGA_PAGES / 64; i++)
		written[i] |= vga->dirty[i];
	memset(vga->dirty, 0, sizeof(vga->dirty));
	vga->font_dirty = false;
}

static void clear_written(void)
{
	for (u32 page = 0; page < VGA_PAGES; page++)
		if (written[page / 64] & BIT64(page % 64))
			memset(vga->memory + page * PAGE_SIZE, 0, PAGE_SIZE);
	memset(written, 0, sizeof(written));
}

/* --- Looking */

static void line(u32 y, u32 *rgb)
{
	vga_draw_line(&eye.screen, vga->memory, y, eye.show, rgb);
}

static bool unchanged(u32 n)
{
	return eye.seen && eye.settings == vga->settings && !vga->font_dirty &&
	       !vga_line_is_dirty(&eye.screen, vga->dirty, eye.y[n]);
}

static void check_line(u32 n)
{
	static u32 rgb[VGA_WIDTH_MAX];

	if (!unchanged(n))
		return;
	line(eye.y[n], rgb);
	if (memcmp(rgb, eye.rgb[n], eye.screen.width * sizeof(*rgb)))
		panic("line %u of %u changed, and nobody was told", eye.y[n], eye.screen.height);
}

static void check_memory(void)
{
	for (u32 at = 0; at < MEMORY; at += PAGE_SIZE)
		if (!(vga->dirty[at / PAGE_SIZE / 64] & BIT64(at / PAGE_SIZE % 64)) &&
		    memcmp(eye.memory + at, vga->memory + at, PAGE_SIZE))
			panic("page %x of video memory changed, and nobody was told", at);
}

static void see(u8 how)
{
	memcpy(eye.memory, vga->memory, MEMORY);
	vga_screen_of(vga, &eye.screen);
	if (eye.screen.width > VGA_WIDTH_MAX || eye.screen.height > VGA_HEIGHT_MAX)
		panic("a screen of %u by %u", eye.screen.width, eye.screen.height);
	eye.settings = vga->settings;
	eye.show = how & 3;
	eye.seen = eye.screen.width && eye.screen.height;
	for (u32 n = 0; n < LINES && eye.seen; n++) {
		eye.y[n] = (n * eye.screen.height / LINES + how) % eye.screen.height;
		line(eye.y[n], eye.rgb[n]);
	}
	forget_dirty();
}

static void look(u8 how)
{
	if (++looks > LOOKS_MOST)
		return;
	vga_window_sync(vga);
	check_memory();
	for (u32 n = 0; n < LINES; n++)
		check_line(n);
	see(how);
}

static bool count(void *ctx, void *bytes, u32 n)
{
	(void)bytes;
	*(u32 *)ctx += n;
	return true;
}

static void dump(void)
{
	struct vga_screen s;
	u32 bytes = 0;

	vga_window_sync(vga);
	vga_screen_of(vga, &s);
	if (s.width * s.height <= DUMP_MOST && !vga_dump(vga, 3, count, &bytes))
		panic("no dump");
}

/* Memory comes behind the devices in a stream. Loading resets these, and so clears the planes. */
static void save_and_load(u8 how)
{
	static u8 planes[VGA_PLANES];

	looks = 0;
	look(how);
	memcpy(planes, vga->memory, VGA_PLANES);
	fuzz_save_and_load(board);
	memcpy(vga->memory, planes, VGA_PLANES);
	if (eye.seen)
		eye.settings = vga->settings;
	forget_dirty();
	for (u32 n = 0; n < LINES; n++)
		check_line(n);
}

/* --- Accesses */

/* Mostly where the VGA is. */
static gpa_t address(struct fuzz_input *in)
{
	u32 at = fuzz_u32(in);

	switch (at >> 28) {
	case 0:
		return at; /* anything low: the first page, code, ROMs */
	case 1:
		return REGISTERS + (at & 0xfff);
	case 2:
		return (vga->frame_buffer.at & 0xffffffff) + (at & (VGA_MEMORY - 1));
	case 3:
	case 4:
	case 5:
		return (vga->frame_buffer.at & 0xffffffff) + at % MEMORY;
	default:
		return PC_VIDEO + (at & 0x1ffff);
	}
}

static u16 port(u8 n)
{
	return n < 0xc0 ? (u16)(VGA_PORT + n % 0x30) : (u16)(0x1ce + n % 3);
}

static void config_write(u8 reg, u32 v, unsigned size)
{
	board_io_write(board, 0xcf8, 4, 0x80000000u | VGA_SLOT << 11 | (reg & 0xfc));
	board_io_write(board, (u16)(0xcfc + (reg & (4 - size))), size, v);
}

/* A row of index and data at one pair of ports, as a BIOS sets modes. */
static void row(struct fuzz_input *in, u8 where)
{
	static const u16 pair[] = { 0x3c4, 0x3ce, 0x3d4, 0x3c0 };
	u16 at = pair[where & 3];
	u8 n = where >> 2 & 31;

	if (at == 0x3c0)
		board_io_read(board, 0x3da, 1);
	if (at == 0x3d4 && n > 20) /* all of it: not protected */
		board_io_write(board, at, 2, 0x11);
	for (u8 i = 0; i < n; i++) {
		u8 v = fuzz_u8(in);

		board_io_write(board, at, 1, i);
		board_io_write(board, at == 0x3c0 ? at : at + 1, 1, v);
	}
	if (at == 0x3c0)
		board_io_write(board, at, 1, ATTR_SCREEN_ON);
}

/* Sizes that programs use, and any. */
static void dispi_mode(struct fuzz_input *in)
{
	static const u16 size[] = { 8, 64, 160, 320, 640, 1024, 2560, 65528 };
	static const u8 bpp[] = { 4, 8, 15, 16, 24, 32, 0, 255 };
	u8 what = fuzz_u8(in), more = fuzz_u8(in);
	const u16 value[][2] = { { DISPI_ENABLE, 0 },
				 { DISPI_XRES, size[what & 7] },
				 { DISPI_YRES, size[what >> 3 & 7] },
				 { DISPI_BPP, bpp[more & 7] },
				 { DISPI_ENABLE, (u16)(more & 0xf8) | DISPI_ENABLED } };

	for (u32 i = 0; i < sizeof(value) / sizeof(value[0]); i++) {
		board_io_write(board, 0x1ce, 2, value[i][0]);
		board_io_write(board, 0x1cf, 2, value[i][1]);
	}
}

/*
 * A program of the input's choice from instructions that reach memory, again and again: EBX, ESI
 * and EDI point to the VGA.
 */
static void run(struct fuzz_input *in)
{
	static const u8 start[] = { 0xfc, 0xb9 };			/* CLD; MOV ECX, imm32 */
	static const u8 end[] = { 0x4d, 0x0f, 0x84, 5, 0, 0, 0, 0xe9 }; /* DEC EBP; JZ; JMP */
	static const u8 one[][4] = {
		{ 1, 0xaa },
		{ 1, 0xab },
		{ 2, 0x66, 0xab },
		{ 1, 0xa4 },
		{ 1, 0xa5 },
		{ 2, 0xf3, 0xaa },
		{ 2, 0xf3, 0xab },
		{ 2, 0xf3, 0xa4 },
		{ 2, 0xf3, 0xa5 },
		{ 2, 0x88, 0x03 },
		{ 2, 0x89, 0x03 },
		{ 3, 0x66, 0x89, 0x03 },
		{ 2, 0x8a, 0x03 },
		{ 2, 0x8b, 0x03 },
		{ 3, 0x0f, 0xb6, 0x03 },
		{ 2, 0x08, 0x03 },
		{ 2, 0x30, 0x03 },
		{ 2, 0x01, 0x03 },
		{ 2, 0x86, 0x03 },
		{ 3, 0x0f, 0xb0, 0x13 },
		{ 2, 0xff, 0x33 },
		{ 2, 0x8f, 0x03 },
		{ 3, 0x0f, 0x7f, 0x03 },
		{ 3, 0x0f, 0x6f, 0x03 },
		{ 3, 0x0f, 0x11, 0x03 },
		{ 3, 0x0f, 0x10, 0x03 },
		{ 1, 0x43 },
		{ 1, 0xfd },
		{ 1, 0xfc },
		{ 3, 0x0f, 0xab, 0x03 },
		{ 2, 0x38, 0x03 },
		{ 2, 0xf6, 0x13 },
	};
	struct cpu *cpu = &fuzz_machine.cpu;
	u8 code[96], n = fuzz_u8(in) % 9;
	u32 at = 0, few = fuzz_u8(in) % 67, back;

	if (++runs > RUNS_MOST)
		return;
	machine_reset(&fuzz_machine);
	cpu->cr0 = CR0_PE | CR0_ET;
	fuzz_flat(0);
	cpu->env->paging_changed(cpu, PAGING_CR0 | PAGING_CR3 | PAGING_CR4 | PAGING_EFER);
	cpu->gpr[REG_EBX] = (u32)address(in);
	cpu->gpr[REG_ESI] = (u32)address(in);
	cpu->gpr[REG_EDI] = (u32)address(in);
	cpu->gpr[REG_EAX] = fuzz_u32(in);
	cpu->gpr[REG_EBP] = ROUNDS;
	cpu->gpr[REG_ESP] = STACK;
	memcpy(code, start, sizeof(start));
	memcpy(code + sizeof(start), &few, 4);
	at = sizeof(start) + 4;
	while (n--) {
		const u8 *insn = one[fuzz_u8(in) % (sizeof(one) / sizeof(one[0]))];

		memcpy(code + at, insn + 1, insn[0]);
		at += insn[0];
	}
	memcpy(code + at, end, sizeof(end));
	at += sizeof(end);
	back = 0u - (at + 4);
	memcpy(code + at, &back, 4);
	at += 4;
	code[at++] = 0xf4;
	gpmem_write(&fuzz_machine.mem, CODE, code, at);
	cpu->eip = CODE;
	for (u32 step = 0;
	     step < 200 && !cpu->halted && machine_run(&fuzz_machine) != RECOMP_SHUTDOWN; step++)
		cpu->events = 0;
}

static void one(struct fuzz_input *in)
{
	u8 what = fuzz_u8(in), where = fuzz_u8(in), bytes[8] = { 0 };
	unsigned size = 1u << (what >> 4 & 3);
	gpa_t at;
	u32 v;

	switch (what & 15) {
	case 0:
	case 1:
		board_io_write(board, port(where), size > 4 ? 2 : size, fuzz_u32(in));
		break;
	case 2:
		board_io_read(board, port(where), size > 4 ? 1 : size);
		break;
	case 3:
	case 4:
		row(in, where);
		break;
	case 5:
		dispi_mode(in);
		break;
	case 6:
		board_io_write(board, 0x1ce, 2, where % 12u);
		board_io_write(board, 0x1cf, 2, fuzz_u8(in) * (what & 0x10 ? 1u : 257u));
		break;
	case 7:
	case 8:
		at = address(in);
		fuzz_bytes(in, bytes, size);
		for (u32 i = 0; i <= where; i++)
			gpmem_write(&fuzz_machine.mem, at + i * size, bytes, size);
		break;
	case 9:
		gpmem_read(&fuzz_machine.mem, address(in), bytes, size);
		break;
	case 10:
		v = fuzz_u32(in);
		config_write(where, v, size > 4 ? 4 : size);
		break;
	case 11:
		quiet_ns += (u64)fuzz_u32(in) << (where & 15);
		board_run_timers(board);
		break;
	case 12:
		run(in);
		break;
	case 13:
		dump();
		break;
	case 14:
		save_and_load(where);
		break;
	default:
		look(where);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, data + size };

	if (!board)
		create();
	fuzz_reset();
	board_reset(board);
	config_write(0x10, FRAME_BUFFER, 4);
	config_write(0x18, REGISTERS, 4);
	vga_window_sync(vga);
	memcpy(eye.memory, vga->memory, MEMORY);
	forget_dirty();
	eye.seen = false;
	looks = runs = 0;
	while (in.p < in.end)
		one(&in);
	save_and_load(0);
	dump();
	clear_written();
	return 0;
}
