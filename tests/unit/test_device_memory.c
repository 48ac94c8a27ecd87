/* SPDX-License-Identifier: MIT */
/*
 * Memory of devices in translated code (emu/trans/stub_device.c, emu/cpu/hard_string.c): random
 * instructions on a device's page, until they go by its stub, must do what they do one by one with
 * all checks: the device sees the same accesses in the same order. Then what may go wrong at the
 * stub: the page becomes memory in the midst of a REP, the device changes the code behind the
 * store, a breakpoint is set, the page is unmapped or lies elsewhere. Alone:
 * make build/unit/test_device_memory && build/unit/test_device_memory [seed]
 */
#include <stdlib.h>

#include "tests/unit/guest_fixture.h"
#include "tests/unit/random.h"

#define DEVICE	    0x400000u /* physical: behind the RAM */
#define WINDOW	    0x600000u
#define ABSENT	    0x700000u
#define AT_ABSENT   0x2ff000u /* linear; the device follows */
#define AT_DEVICE   0x300000u /* RAM follows at AT_RAM, then nothing */
#define AT_RAM	    0x301000u
#define AT_WINDOW   0x303000u
#define RAM_PAGE    0x50000u
#define WARM	    24u /* runs, after which an instruction goes by the stub */
#define PROGRAMS    600u
#define DEVICE_SIZE 0x1000u

static struct {
	u8 bytes[DEVICE_SIZE];
	u32 digest, accesses, writes;
	void (*at_write)(void);
} device;

static void note(u64 what)
{
	device.digest = (device.digest ^ (u32)what ^ (u32)(what >> 32)) * 0x9e3779b1u + 7;
	device.accesses++;
}

/* A read has an effect, too: as latches have. */
static u64 device_read(void *ctx, u64 offset, unsigned size)
{
	u64 value = 0;

	(void)ctx;
	memcpy(&value, device.bytes + offset, size);
	note(offset << 8 | size);
	device.bytes[(offset + 77) % DEVICE_SIZE] ^= (u8)device.digest;
	return value;
}

static void device_write(void *ctx, u64 offset, unsigned size, u64 value)
{
	(void)ctx;
	assert_true(size == 8 || !(value >> 8 * size));
	note(value << 32 | offset << 8 | size | 0x80);
	memcpy(device.bytes + offset, &value, size);
	device.writes++;
	if (device.at_write)
		device.at_write();
}

static const struct gpmem_mmio ops = { device_read, device_write };
static u8 *shown; /* what the window shows: the host machine maps RAM only */

static int create(void **state)
{
	guest_create(state);
	shown = m.ram + 0x60000;
	assert_int_equal(gpmem_add_mmio(&m.mem, DEVICE, DEVICE_SIZE, &ops, NULL, "device"), 0);
	assert_int_equal(gpmem_add_window(&m.mem, WINDOW, DEVICE_SIZE, &ops, NULL, "window"), 0);
	return 0;
}

static void set_up(unsigned cpl)
{
	guest_paging();
	set_page(AT_ABSENT, ABSENT | 7);
	set_page(AT_DEVICE, DEVICE | 7);
	set_page(AT_RAM, RAM_PAGE | 7);
	set_page(AT_RAM + PAGE_SIZE, 0);
	set_page(AT_WINDOW, WINDOW | 7);
	set_ring(cpl);
	device.at_write = NULL;
}

/* --- As by steps */

struct result {
	u32 gpr[8], flags, digest, accesses, ram;
};

static u32 start_gpr[8];
static bool down;
static unsigned ring;

static void start(u32 seed)
{
	srand(seed);
	for (unsigned i = 0; i < DEVICE_SIZE; i++)
		device.bytes[i] = m.ram[RAM_PAGE + i] = (u8)rand();
	device.digest = device.accesses = 0;
	set_ring(ring);
	memcpy(m.cpu.gpr, start_gpr, sizeof(start_gpr));
	m.cpu.gpr[REG_ESP] = ring ? STACK3 : STACK0;
	cpu_set_eflags(&m.cpu, EFLAGS_ONE | (down ? EFLAGS_DF : 0) | (seed & 1 ? EFLAGS_CF : 0));
}

static struct result result(void)
{
	struct result r = { .flags = m.cpu.eflags & EFLAGS_ARITH,
			    .digest = device.digest,
			    .accesses = device.accesses };

	memcpy(r.gpr, m.cpu.gpr, sizeof(r.gpr));
	r.gpr[REG_ESP] = 0;
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		r.ram = r.ram * 31 + m.ram[RAM_PAGE + i];
	return r;
}

/* --- Random instructions */

static u8 code[128];
static unsigned length;

static void byte(unsigned v)
{
	code[length++] = (u8)v;
}

static void modrm(unsigned reg)
{
	byte(0x43 | reg << 3); /* [ebx + disp8] */
	byte((u32)rnd() % 8);
}

static void memory_instruction(void)
{
	static const u8 plain[] = { 0x00, 0x08, 0x10, 0x20, 0x28, 0x30, 0x38, 0x02, 0x0a,
				    0x22, 0x32, 0x3a, 0x84, 0x86, 0x88, 0x8a, 0x88, 0x8a };
	static const u8 wide[] = { 0xb6, 0xbe, 0xc0, 0xb0 };
	static const u8 reg[2][3] = { { 0, 2, 4 }, { REG_EAX, REG_EDX, REG_EBP } }; /* AH */
	unsigned w = (u32)rnd() % 2, r = reg[w][rnd() % 3];

	if (w && one_in(2))
		byte(0x66);
	switch (rnd() % 6) {
	case 0:
		byte(0x0f);
		byte(wide[rnd() % sizeof(wide)] | w);
		modrm(r & 2);
		return;
	case 1:
		byte(0xf6 | w); /* NOT, NEG */
		modrm(2 + (u32)rnd() % 2);
		return;
	case 2:
		byte(0xfe | w); /* INC, DEC */
		modrm((u32)rnd() % 2);
		return;
	default:
		byte(plain[rnd() % sizeof(plain)] | w);
		modrm(r);
	}
}

static void string_instruction(void)
{
	static const u8 op[] = { 0xa4, 0xa6, 0xaa, 0xac, 0xae, 0xa4, 0xaa };
	unsigned w = (u32)rnd() % 2;

	if (w && one_in(2))
		byte(0x66);
	if (one_in(2))
		byte(0xf2 | (u32)rnd() % 2);
	byte(op[rnd() % sizeof(op)] | w);
}

static u32 place(void)
{
	switch (rnd() % 5) {
	case 4:
		return AT_ABSENT + PAGE_SIZE - 48 + (u32)rnd() % 48; /* into the device */
	case 0:
		return AT_DEVICE + PAGE_SIZE - 24 + (u32)rnd() % 24; /* over the end, into RAM */
	case 1:
		return AT_RAM + 0x200 + (u32)rnd() % 0x800;
	default:
		return AT_DEVICE + 0x200 + ((u32)rnd() % 0x800 & (one_in(2) ? ~3u : ~0u));
	}
}

static void random_program(void)
{
	unsigned n = 1 + (u32)rnd() % 5;

	length = 0;
	for (unsigned i = 0; i < n; i++)
		if (one_in(3))
			string_instruction();
		else
			memory_instruction();
	byte(0xcd); /* INT_END */
	byte(VEC_END);
	set_code(AT_CODE, code, length);
	for (unsigned i = 0; i < 8; i++)
		start_gpr[i] = (u32)rnd() * 77u;
	start_gpr[REG_EBX] = place();
	start_gpr[REG_ESI] = place();
	start_gpr[REG_EDI] = place();
	start_gpr[REG_ECX] = (u32)rnd() % 24;
	down = one_in(4);
}

static void by_steps(u32 seed)
{
	start(seed);
	for (unsigned n = 0; m.cpu.eip != AT_CODE + length - 2 && n < 1000; n++)
		machine_step(&m);
	assert_int_equal(m.cpu.eip, AT_CODE + length - 2);
}

static void fail_at(unsigned run, const struct result *is, const struct result *should)
{
	for (unsigned i = 0; i < length; i++)
		print_message("%02x ", code[i]);
	print_message("\nebx %x esi %x edi %x ecx %x\n", start_gpr[REG_EBX], start_gpr[REG_ESI],
		      start_gpr[REG_EDI], start_gpr[REG_ECX]);
	for (unsigned i = 0; i < 8; i++)
		if (is->gpr[i] != should->gpr[i])
			print_message("register %u: %x, should be %x\n", i, is->gpr[i],
				      should->gpr[i]);
	fail_msg("run %u: flags %x/%x, %u/%u accesses, digest %x/%x, ram %x/%x", run, is->flags,
		 should->flags, is->accesses, should->accesses, is->digest, should->digest, is->ram,
		 should->ram);
}

static void same_as_by_steps(void **state)
{
	u32 calls = m.cpu.device_calls;

	(void)state;
	for (unsigned p = 0; p < PROGRAMS; p++) {
		struct result should, is;

		if (p % 50 == 0) {
			guest_setup(state);
			ring = p % 100 ? 3 : 0;
			set_up(ring);
		}
		random_program();
		by_steps(p);
		should = result();
		for (unsigned run = 0; run < WARM; run++) {
			start(p);
			assert_int_equal(guest_run(), VEC_END);
			is = result();
			if (memcmp(&is, &should, sizeof(is)))
				fail_at(run, &is, &should);
		}
	}
	assert_true(m.cpu.device_calls - calls > PROGRAMS * WARM);
}

/* --- No trap, and no way through recomp_memory.c */

static const struct recomp_stats *stats(void)
{
	return recomp_stats(m.cpu.recomp);
}

static void warm(void)
{
	for (unsigned i = 0; i < WARM; i++) {
		m.cpu.eip = AT_CODE;
		assert_int_equal(guest_run(), HALTED);
	}
	m.cpu.eip = AT_CODE;
}

static void no_trap_per_access(void **state)
{
	u64 faults, slow;
	u32 accesses;

	(void)state;
	set_up(0);
	/* mov [300010h], al; mov ax, [300020h]; or byte [300030h], 1; stosb; lodsd; hlt */
	CODE(AT_CODE, 0xa2, IMM32(AT_DEVICE + 0x10), 0x66, 0xa1, IMM32(AT_DEVICE + 0x20), 0x80,
	     0x0d, IMM32(AT_DEVICE + 0x30), 1, 0xaa, 0xad, HLT);
	m.cpu.gpr[REG_EDI] = AT_DEVICE + 0x100;
	m.cpu.gpr[REG_ESI] = AT_DEVICE + 0x800;
	warm();
	faults = m.faults;
	slow = stats()->slow_accesses;
	accesses = device.accesses;
	warm();
	assert_int_equal(m.faults, faults);
	assert_int_equal(stats()->slow_accesses, slow);
	assert_int_equal(device.accesses - accesses, 6 * WARM);
}

/* Nothing is there: the same, and a page of REP STOS or of REP MOVS within is one step. */
static void absent_memory(void **state)
{
	u64 faults, slow, hard;

	(void)state;
	set_up(0);
	/* mov [2ff010h], al; add [2ff020h], al; lodsd; hlt */
	CODE(AT_CODE, 0xa2, IMM32(AT_ABSENT + 0x10), 0x00, 0x05, IMM32(AT_ABSENT + 0x20), 0xad,
	     HLT);
	m.cpu.gpr[REG_ESI] = AT_ABSENT + 0x800;
	warm();
	faults = m.faults;
	slow = stats()->slow_accesses;
	warm();
	assert_int_equal(m.faults, faults);
	assert_int_equal(stats()->slow_accesses, slow);
	assert_int_equal(m.cpu.gpr[REG_EAX], 0xffffffff);

	CODE(AT_CODE, 0xb9, IMM32(0x380), 0xf3, 0xab, 0xb9, IMM32(0x80), 0xf3, 0xa5, HLT);
	for (unsigned run = 0; run < WARM; run++) {
		m.cpu.eip = AT_CODE;
		m.cpu.gpr[REG_ESI] = AT_ABSENT + 0x100;
		m.cpu.gpr[REG_EDI] = AT_ABSENT;
		hard = stats()->hard_execs;
		assert_int_equal(guest_run(), HALTED);
		assert_int_equal(m.cpu.gpr[REG_ESI], AT_ABSENT + 0x300);
		assert_int_equal(m.cpu.gpr[REG_EDI], AT_ABSENT + PAGE_SIZE);
	}
	assert_int_equal(stats()->hard_execs - hard, 3);
}

/* A device's memory comes to where nothing was, and goes again. */
static void device_comes(void **state)
{
	(void)state;
	set_up(0);
	CODE(AT_CODE, 0xa2, IMM32(AT_ABSENT + 5), HLT);
	warm();
	device.writes = 0;
	assert_int_equal(gpmem_move(&m.mem, WINDOW, ABSENT), 0);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(device.writes, 1);
	assert_int_equal(gpmem_move(&m.mem, ABSENT, WINDOW), 0);
	m.cpu.eip = AT_CODE;
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(device.writes, 1);
}

/* PUSH, POP, PUSHF, CALL and RET with a stack on a device's page, then on a plain one: C does them
 * no more. */
static u64 stack_calls(u32 esp)
{
	u64 before;

	m.cpu.gpr[REG_ESP] = esp;
	for (unsigned i = 0; i < 100; i++) {
		m.cpu.eip = AT_CODE;
		assert_int_equal(guest_run(), HALTED);
	}
	before = stats()->hard_execs;
	m.cpu.eip = AT_CODE;
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_ESP], esp);
	return stats()->hard_execs - before;
}

static void stack_is_plain_again(void **state)
{
	(void)state;
	set_up(0);
	/* push eax; pushf; pop ecx; pop ecx; call f; hlt; f: ret */
	CODE(AT_CODE, 0x50, 0x9c, 0x59, 0x59, 0xe8, IMM32(1), HLT, 0xc3);
	assert_int_equal(stack_calls(AT_DEVICE + 0x800), 7);
	assert_int_equal(stack_calls(AT_RAM + 0x800), 1);
}

/* --- What may go wrong */

/* The window becomes memory at the hundredth write, as video memory does by a mode that is set. */
static void show_window(void)
{
	if (device.writes == 100)
		gpmem_show(&m.mem, WINDOW, shown);
}

static void shown_in_midst(const u8 *program, u32 len)
{
	set_up(0);
	set_code(AT_CODE, program, len);
	for (unsigned run = 0; run < WARM + 1; run++) {
		bool last = run == WARM;

		memset(shown, 0, PAGE_SIZE);
		memset(device.bytes, 0, sizeof(device.bytes));
		device.writes = 0;
		device.at_write = last ? show_window : NULL;
		m.cpu.eip = AT_CODE;
		m.cpu.gpr[REG_EAX] = 0x5a;
		m.cpu.gpr[REG_EDI] = AT_WINDOW;
		m.cpu.gpr[REG_ECX] = 600;
		assert_int_equal(guest_run(), HALTED);
		assert_int_equal(m.cpu.gpr[REG_EDI], AT_WINDOW + 600);
		assert_int_equal(device.writes, last ? 100 : 600);
	}
	for (unsigned i = 0; i < 600; i++) {
		assert_int_equal(device.bytes[i], i < 100 ? 0x5a : 0);
		assert_int_equal(shown[i], i < 100 ? 0 : 0x5a);
	}
	gpmem_show(&m.mem, WINDOW, NULL);
}

static void window_in_midst(void **state)
{
	static const u8 rep[] = { 0xf3, 0xaa, HLT };
	static const u8 loop[] = { 0x88, 0x07, 0x47, 0x49, 0x75, 0xfa, HLT };
	static const u8 stosb[] = { 0xaa, 0x49, 0x75, 0xfc, HLT };

	(void)state;
	shown_in_midst(rep, sizeof(rep));
	shown_in_midst(loop, sizeof(loop));
	shown_in_midst(stosb, sizeof(stosb));
}

/* The device writes to memory, as by DMA: to the instruction behind the one that stores. */
static void patch(void)
{
	u8 value = 0x77;

	gpmem_write(&m.mem, AT_CODE + 6, &value, 1);
}

static void code_behind_store(void **state)
{
	(void)state;
	set_up(0);
	/* mov [300000h], al; mov cl, 11h; hlt */
	CODE(AT_CODE, 0xa2, IMM32(AT_DEVICE), 0xb1, 0x11, HLT);
	warm();
	assert_int_equal(m.cpu.gpr[REG_ECX] & 0xff, 0x11);
	device.at_write = patch;
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_ECX] & 0xff, 0x77);
}

static void breakpoint(void **state)
{
	(void)state;
	set_up(0);
	CODE(AT_CODE, 0xa2, IMM32(AT_DEVICE + 5), 0x90, HLT);
	warm();
	m.cpu.dr[0] = AT_DEVICE + 5;
	m.cpu.dr[7] = 0x10401; /* of writing, a byte, on */
	cpu_debug_changed(&m.cpu);
	assert_int_equal(guest_run(), 1);
	m.cpu.dr[7] = 0x400;
	cpu_debug_changed(&m.cpu);
}

/* The tables say otherwise, and the guest has said so. */
static void other_page(void **state)
{
	u32 writes;

	(void)state;
	set_up(0);
	CODE(AT_CODE, 0xa2, IMM32(AT_DEVICE + 5), HLT);
	warm();
	writes = device.writes;
	set_page(AT_DEVICE, (RAM_PAGE + PAGE_SIZE) | 7);
	cpu_translations_changed(&m.cpu, PAGING_INVLPG, AT_DEVICE);
	m.cpu.gpr[REG_EAX] = 0x99;
	m.ram[RAM_PAGE + PAGE_SIZE + 5] = 0;
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(device.writes, writes);
	assert_int_equal(m.ram[RAM_PAGE + PAGE_SIZE + 5], 0x99);
	set_page(AT_DEVICE, DEVICE | 1); /* for CPL 0, and CR0.WP is set: read-only */
	cpu_translations_changed(&m.cpu, PAGING_INVLPG, AT_DEVICE);
	m.cpu.eip = AT_CODE;
	assert_int_equal(guest_run(), VEC_PF);
	assert_int_equal(device.writes, writes);
}

/* CPL 3 may not what CPL 0 may, on the same page. */
static void other_ring(void **state)
{
	u32 writes;

	(void)state;
	set_up(0);
	set_page(AT_DEVICE, DEVICE | 3);
	CODE(AT_CODE, 0xa2, IMM32(AT_DEVICE + 5), HLT);
	warm();
	writes = device.writes;
	set_ring(3);
	assert_int_equal(guest_run(), VEC_PF);
	assert_int_equal(device.writes, writes);
}

/* With A20 off the address is that of the device, with A20 on nobody's. */
static void a20(void **state)
{
	u32 writes;

	(void)state;
	set_up(0);
	set_page(AT_DEVICE, (DEVICE | 0x100000) | 7);
	m.cpu.a20_mask = ~(u64)0x100000;
	cpu_translations_changed(&m.cpu, PAGING_A20, 0);
	CODE(AT_CODE, 0xa2, IMM32(AT_DEVICE + 5), HLT);
	warm();
	writes = device.writes;
	assert_true(writes >= WARM);
	m.cpu.a20_mask = ~0ull;
	cpu_translations_changed(&m.cpu, PAGING_A20, 0);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(device.writes, writes);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		GUEST_TEST(same_as_by_steps),
		GUEST_TEST(no_trap_per_access),
		GUEST_TEST(absent_memory),
		GUEST_TEST(device_comes),
		GUEST_TEST(stack_is_plain_again),
		GUEST_TEST(window_in_midst),
		GUEST_TEST(code_behind_store),
		GUEST_TEST(breakpoint),
		GUEST_TEST(other_page),
		GUEST_TEST(other_ring),
		GUEST_TEST(a20),
	};

	random_state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	return cmocka_run_group_tests_name("device memory", tests, create, guest_destroy);
}
