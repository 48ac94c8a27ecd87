/* SPDX-License-Identifier: MIT */
/*
 * Any stream of a saved machine whose checksums are right. What is refused must be refused with a
 * reason. What is accepted is run: instructions, timers, ports, keys. And what has run can be saved
 * and loaded again: a machine that got somewhere by itself is never refused.
 *
 * Input: 0, then a stream without its header and first section; or, and this goes deeper, what is
 * changed in the stream of a machine in one of several states: that state (1), then section (1),
 * offset (2), how (1) and value (4) of each change.
 */
#include <string.h>

#include "emu/board/board.h"
#include "emu/board/fingerprint.h"
#include "emu/cpu/cpu_state.h"
#include "emu/mem/gpmem_state.h"
#include "kernel/base/log.h"
#include "kernel/hw/pc_keys.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/quiet_host.h"
#include "tests/unit/tape.h"

#define STEPS	 6
#define PIECE	 64u
#define STEP_NS	 3000000u
#define CODE	 0x6000u
#define STACK	 0x3000u
#define SECTIONS 64u

static struct board *board;
static struct snap snap;

/* --- The board's host */

static void intr(void *ctx, bool level)
{
	(void)ctx;
	if (level)
		recomp_signal(&fuzz_machine.cpu, CPU_EVENT_INTR);
	else
		recomp_unsignal(&fuzz_machine.cpu, CPU_EVENT_INTR);
}

static void a20(void *ctx, bool enabled)
{
	(void)ctx;
	fuzz_machine.cpu.a20_mask = enabled ? ~0ull : ~(u64)BIT(20);
	cpu_translations_changed(&fuzz_machine.cpu, PAGING_A20, 0);
}

/* --- A machine and its stream */

static void own_print(struct fingerprint *f)
{
	*f = (struct fingerprint){ .ram_size = fuzz_machine.ram_size,
				   .tsc_khz = 1000000,
				   .now = quiet_ns };
	fingerprint_cpuid(f, &fuzz_machine.cpu);
}

static void small_state(struct fingerprint *f, struct snap *s)
{
	fingerprint_state(f, s);
	if (snap_ok(s))
		quiet_ns = f->now;
	cpu_state(&fuzz_machine.cpu, s);
	board_state(board, s);
}

static void save(struct tape *t)
{
	struct gpmem_cursor c = { 0 };
	struct fingerprint f;

	t->used = 0;
	own_print(&f);
	snap_save_to(&snap, tape_put, t);
	small_state(&f, &snap);
	while (gpmem_save_pages(&fuzz_machine.mem, &snap, &c, PIECE))
		;
	if (!snap_finish(&snap))
		panic("not saved: %s", snap.error);
}

static bool load(struct tape *t)
{
	struct cpu *cpu = &fuzz_machine.cpu;
	struct gpmem_cursor c = { 0 };
	struct fingerprint f;

	t->at = 0;
	own_print(&f);
	snap_load_from(&snap, tape_get, t);
	small_state(&f, &snap);
	while (gpmem_load_pages(&fuzz_machine.mem, &snap, &c, PIECE))
		;
	if (!snap_finish(&snap))
		return false;
	recomp_flush(cpu->recomp);
	cpu_state_loaded(cpu);
	intr(NULL, board_intr_pending(board));
	return true;
}

/* --- States to begin with */

static void flat(struct cpu *cpu, unsigned cpl)
{
	fuzz_flat(cpl);
	cpu->cr0 = CR0_PE | CR0_ET | CR0_NE;
	cpu->cr4 = CR4_OSFXSR | CR4_DE;
	cpu->gdtr = (struct cpu_table){ 0x1000, 0xff };
	cpu->idtr = (struct cpu_table){ 0x1800, 0x1ff };
	cpu->eip = CODE;
	cpu->gpr[REG_ESP] = STACK;
}

/* Ports that move the board on, then instructions that look at state. */
static const u8 code[] = {
	0xe4, 0x40, 0xe6, 0x43, 0x0f, 0xa2, 0x0f, 0x31, 0xd9, 0xc0, 0xfb, 0x90, 0xcd, 0x20, 0xf4,
};

static struct tape pristine;

static void create(void)
{
	struct board_host host = quiet_host();

	host.intr = intr;
	host.a20 = a20;
	quiet_ns = 5000000000;
	if (board_create(&(struct board_config){ .ram_size = fuzz_machine.ram_size }, &host,
			 &fuzz_machine.mem, &board))
		panic("no board");
	board_reset(board);
	save(&pristine);
}

static void begin(u8 which)
{
	struct cpu *cpu = &fuzz_machine.cpu;

	fuzz_reset();
	if (!board)
		create();
	else if (!load(&pristine)) /* the clock, too, which no reset sets back */
		panic("the first state is refused: %s", snap.error);
	if (which & 1)
		flat(cpu, which & 2 ? 3 : 0);
	if (which & 4)
		cpu_set_eflags(cpu, EFLAGS_ONE | EFLAGS_IF | EFLAGS_TF);
	memcpy(fuzz_machine.ram + CODE, code, sizeof(code));
	board_io_write(board, 0x21, 1, 0);
	board_io_write(board, 0x43, 1, 0x34);
	board_io_write(board, 0x40, 1, 0x10);
	board_io_write(board, 0x40, 1, 0x10);
	board_io_write(board, 0x3f9, 1, 0x0f);
	board_key(board, KEY_A, true);
}

/* --- The input's changes */

static void change(struct tape *t, struct fuzz_input *in)
{
	u8 which = fuzz_u8(in), how;
	u32 at = TAPE_HEADER, length = 0, offset = fuzz_u8(in), value;
	u8 *payload = NULL;

	offset |= (u32)fuzz_u8(in) << 8;
	how = fuzz_u8(in);
	value = fuzz_u32(in);
	for (unsigned i = 0; i <= which % SECTIONS; i++) {
		u8 *next = tape_section(t, &at, &length);

		if (!next)
			break;
		payload = next;
	}
	if (!payload || !length)
		return;
	if (how & 0x80) { /* in the head: name, version, length */
		payload -= TAPE_HEAD;
		length = TAPE_HEAD;
	}
	offset %= length;
	if (how & 0x40)
		payload[offset] ^= (u8)(1u << (value & 7));
	else
		memcpy(payload + offset, &value, MIN(1u << (how & 3) & 7u, length - offset));
}

/* --- Running */

static void poke(u32 n)
{
	static const u16 ports[] = { 0x20, 0x21, 0xa0,	0x40,  0x42,  0x43,  0x61,
				     0x60, 0x64, 0x71,	0x3f8, 0x3fa, 0x3fd, 0x2f8,
				     0x00, 0x08, 0xcfc, 0x608, 0x3da, 0x3c9 };

	for (unsigned i = 0; i < ARRAY_SIZE(ports); i++) {
		board_io_read(board, ports[i], 1);
		board_io_write(board, ports[i], 1, n * 37 + i);
	}
	board_serial_rx(board, n & 3, (u8)n);
	board_serial_ready(board, n & 3);
	board_key(board, (u8)n, n >> 8 & 1);
	board_mouse(board, (s32)n, 1, 0, 1);
	if (board_intr_pending(board))
		board_intr_ack(board);
}

static void run(void)
{
	for (u32 i = 0; i < STEPS; i++) {
		u64 next = board_run_timers(board);

		if (next < quiet_ns)
			panic("a timer of %llx at %llx", (unsigned long long)next,
			      (unsigned long long)quiet_ns);
		board_wakes_at(board);
		board_can_wake(board);
		if (!fuzz_step())
			return;
		poke(i);
		quiet_ns += i & 1 ? STEP_NS : (u64)1000000000 * i;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, data + size };
	static struct tape tape, again;
	u8 which = fuzz_u8(&in);

	begin(which);
	save(&tape);
	if (which) {
		while (in.p < in.end)
			change(&tape, &in);
	} else {
		u32 at = TAPE_HEADER, length;

		tape_section(&tape, &at, &length);
		tape.used = at;
		tape_put(&tape, (void *)(uintptr_t)in.p, (u32)(in.end - in.p));
	}
	tape_seal(&tape);
	if (!load(&tape)) {
		if (!snap.error[0] || (which && size == 1))
			panic("refused: \"%s\"", snap.error);
		return 0;
	}
	save(&again);
	if (!load(&again))
		panic("loaded, and then refused: %s", snap.error);
	run();
	save(&again);
	if (!load(&again))
		panic("it ran, and then is refused: %s", snap.error);
	return 0;
}
