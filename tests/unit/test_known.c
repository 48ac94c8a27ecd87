/* SPDX-License-Identifier: MIT */
/*
 * What instructions of a block find out for those behind them, in segments of 64 KiB
 * (trans_known.c): random programs in V86 mode, with frames, structures, strings, jumps, loops,
 * and loads of segments, whose registers lie at the ends of 64 KiB more often than not. Each
 * program runs several times, as one piece and begun in its middle, and the same way instruction by
 * instruction, where nothing is known. Registers, flags, segments, memory and the vector must be
 * the same. All but a window of memory is read-only.
 *
 * Alone: build/unit/test_known
 */
#include "tests/unit/guest_fixture.h"
#include "tests/unit/random.h"

#ifdef __SANITIZE_ADDRESS__
#define PROGRAMS 1500u
#else
#define PROGRAMS 15000u
#endif
#define ROUNDS	    6u
#define CODE_SEG    0x600u
#define CODE_AT	    (CODE_SEG * 16)
#define WINDOW	    0x20000u
#define WINDOW_SIZE 0x18000u
#define FRAMES	    (STACK_TSS - PAGE_SIZE) /* of interrupts; programs may come here */
#define STEPS	    5000u
#define FRAME_BYTES 190u /* some 230 if each access looked for itself */
#define INSNS	    40u

static u8 before[WINDOW_SIZE], after[WINDOW_SIZE];

static struct {
	u8 byte[512];
	u32 len, insns;
	u32 at[2 * INSNS];
} code;

static void add(u32 bytes, unsigned n)
{
	for (; n--; bytes >>= 8)
		code.byte[code.len++] = (u8)bytes;
}

static void begin_insn(void)
{
	if (code.insns < ARRAY_SIZE(code.at))
		code.at[code.insns++] = code.len;
}

/* Not CX, which counts loops. */
static u32 some_reg(void)
{
	u32 reg = (u32)rnd() % 7;

	return reg < REG_ECX ? reg : reg + 1;
}

static u32 some_disp8(void)
{
	return one_in(3) ? (u8)rnd() : (u8)(rnd() % 24 - 10);
}

/* ModRM with a memory operand, often a frame's or a structure's; the prefix goes before. */
static void add_memory(u32 opcode, u32 reg)
{
	static const u8 prefix[] = { 0x26, 0x26, 0x36, 0x3e };
	u32 rm = one_in(2) ? 6 : (u32)rnd() % 8, mod = one_in(3) ? 0 : 1 + one_in(6);

	if (mod == 0 && rm == 6)
		mod = 1;
	if (one_in(3))
		add(prefix[rnd() % 4], 1);
	add(opcode, opcode > 0xff ? 2 : 1);
	add(mod << 6 | reg << 3 | rm, 1);
	if (mod == 1)
		add(some_disp8(), 1);
	else if (mod == 2)
		add(one_in(2) ? (u32)rnd() : (u32)rnd() % 64 - 32, 2);
}

static void operand(void)
{
	static const u8 opcode[] = { 0x88, 0x89, 0x89, 0x8a, 0x8b, 0x8b, 0x01,
				     0x03, 0x11, 0x39, 0x86, 0x87, 0x21, 0x33 };
	u32 reg = some_reg(), what = opcode[rnd() % ARRAY_SIZE(opcode)];

	if (!(what & 1) && reg == 5) /* CH */
		reg = 7;
	if (one_in(5))
		add(0x66, 1);
	switch (rnd() % 8) {
	case 0:
		add_memory(0xff, (u32)rnd() % 2); /* inc, dec */
		return;
	case 1:
		add_memory(0xb60f | (u32)(rnd() & 0x900), reg); /* movzx, movsx */
		return;
	default:
		add_memory(what, reg);
	}
}

static void stack(void)
{
	switch (rnd() % 8) {
	case 0:
	case 1:
		add(0x50 | some_reg(), 1);
		return;
	case 2:
	case 3:
		add(0x58 | some_reg(), 1);
		return;
	case 4:
		add(0x6a | (u32)rnd() << 8, 2);
		return;
	case 5:
		add_memory(0xff, 6);
		return;
	case 6:
		add(one_in(2) ? 0x06 : 0x1e, 1); /* push es, ds */
		return;
	default:
		add(0xc9, 1); /* leave */
	}
}

static void registers(void)
{
	u32 a = some_reg(), b = some_reg(), modrm = 0xc0 | a << 3 | b;

	switch (rnd() % 12) {
	case 0:
		add(0xe589, 2); /* mov bp, sp */
		return;
	case 1:
		add(0xec89, 2); /* mov sp, bp */
		return;
	case 2:
		add(0x83 | (0xe8u | b) << 8 | (u32)(rnd() % 16) << 16, 3); /* sub */
		return;
	case 3:
		add(0x83 | (0xc0u | b) << 8 | (u32)(rnd() % 16) << 16, 3); /* add */
		return;
	case 4:
		add(0x40 | (u32)(rnd() & 8) | b, 1); /* inc, dec */
		return;
	case 5:
		add(0x66, 1); /* of 32 bits: what was known of the upper half is not any more */
		add(0x01 | modrm << 8, 2);
		return;
	case 6:
		add(0xb70f | modrm << 16, 3);
		return;
	case 7:
		add(0x66, 1);
		add(0xb70f | modrm << 16, 3);
		return;
	case 8:
		add(0x87 | modrm << 8, 2); /* xchg */
		return;
	case 9:
		add(0x8a | (0xc0u | (u32)(rnd() & 0x2d) | 0x18) << 8, 2); /* mov bl or bh */
		return;
	case 10:
		add(0xb8 | b | (u32)(rnd() % 32) << 8, 3);
		return;
	default:
		add(0x89 | modrm << 8, 2);
	}
}

static void segments(void)
{
	static const u16 sel[] = { 0x2000, 0x2000, 0x2800, 0x2123, 0x2fff };

	switch (rnd() % 6) {
	case 0:
		add(0xb8, 1);
		add(sel[rnd() % ARRAY_SIZE(sel)], 2); /* mov ax; mov ss, ax */
		begin_insn();
		add(0xd08e, 2);
		return;
	case 1:
		add_memory(one_in(2) ? 0xc4 : 0xc5, some_reg()); /* les, lds */
		begin_insn();
		add_memory(0x8b, REG_EAX);
		return;
	case 2:
		add(one_in(2) ? 0xc08c : 0xdb8c, 2); /* mov ax, es; mov bx, ds */
		return;
	default:
		add(0xb8, 1);
		add(sel[rnd() % ARRAY_SIZE(sel)], 2);
		begin_insn();
		add(one_in(2) ? 0xc08e : 0xd88e, 2); /* mov es, ax; mov ds, ax */
	}
}

static void other(void)
{
	static const u8 string[] = { 0xa4, 0xa5, 0xaa, 0xab, 0xac, 0xad };

	switch (rnd() % 4) {
	case 0:
		add(string[rnd() % ARRAY_SIZE(string)], 1);
		return;
	case 1:
		add(one_in(2) ? 0x99 : 0x98, 1);
		return;
	case 2:
		add(0xe9f7, 2); /* imul cx: DX:AX */
		return;
	default:
		add_memory(0x8d, some_reg()); /* lea */
	}
}

static void one_insn(void)
{
	begin_insn();
	switch (rnd() % 10) {
	case 0:
	case 1:
	case 2:
		operand();
		return;
	case 3:
	case 4:
	case 5:
		stack();
		return;
	case 6:
	case 7:
		registers();
		return;
	case 8:
		segments();
		return;
	default:
		other();
	}
}

static void some_insns(unsigned most)
{
	for (unsigned n = (unsigned)rnd() % most; n--;)
		one_insn();
}

/* if (...) { ... } else { ... } */
static void branch(void)
{
	u32 jump, over;

	begin_insn();
	add(0x70 | (u32)(rnd() % 16), 2);
	jump = code.len;
	some_insns(4);
	begin_insn();
	add(0xeb, 2);
	over = code.len;
	code.byte[jump - 1] = (u8)(code.len - jump);
	some_insns(4);
	code.byte[over - 1] = (u8)(code.len - over);
}

static void loop(void)
{
	u32 head;

	begin_insn();
	add(0xb9 | (u32)(rnd() % 4 + 1) << 8, 3); /* mov cx */
	some_insns(3);
	head = code.len;
	some_insns(5);
	if (one_in(3))
		branch();
	if (code.len + 2 - head > 0x80)
		return;
	begin_insn();
	add(0xe2 | (u32)(u8)(head - (code.len + 2)) << 8, 2);
}

static void make_program(void)
{
	code.len = code.insns = 0;
	for (unsigned n = 0; n < 6; n++) {
		some_insns(5);
		if (one_in(3))
			branch();
		else if (one_in(2))
			loop();
	}
	begin_insn();
	add(0xcd | VEC_END << 8, 2);
	assert_true(code.len <= sizeof(code.byte));
	memcpy(m.ram + CODE_AT, code.byte, code.len);
	machine_wrote(&m, CODE_AT, code.len);
}

static u32 some_value(void)
{
	u32 high = one_in(6) ? (u32)rnd() << 16 : 0;

	switch (rnd() % 4) {
	case 0:
		return high | (u32)rnd() % 24;
	case 1:
		return high | (0x10000 - (u32)rnd() % 24);
	default:
		return high | (u16)rnd();
	}
}

struct state {
	u32 gpr[8], eip, flags;
	struct cpu_segment seg[SEG_COUNT];
	int vector;
};

static void begin(const struct state *s)
{
	struct cpu *c = &m.cpu;

	memcpy(m.ram + WINDOW, before, WINDOW_SIZE);
	machine_wrote(&m, WINDOW, WINDOW_SIZE);
	memset(m.ram + FRAMES, 0, PAGE_SIZE);
	cpu_set_eflags(c, s->flags);
	for (unsigned i = 0; i < SEG_COUNT; i++)
		cpu_set_v86_segment(c, i, s->seg[i].sel);
	c->cpl = 3;
	memcpy(c->gpr, s->gpr, sizeof(s->gpr));
	c->eip = s->eip;
}

/* In the handler. */
static struct state end(int vector)
{
	struct state s = { .eip = m.cpu.eip, .flags = cpu_eflags(&m.cpu), .vector = vector };

	memcpy(s.gpr, m.cpu.gpr, sizeof(s.gpr));
	memcpy(s.seg, m.cpu.seg, sizeof(s.seg));
	return s;
}

static struct state run_alone(void)
{
	enum recomp_exit exit;
	unsigned n = 0;

	do
		exit = machine_step(&m);
	while (exit == RECOMP_EVENT && n++ < STEPS);
	assert_int_equal(exit, RECOMP_HALT);
	m.cpu.halted = false;
	return end((int)(m.cpu.eip - 1 - AT_HANDLERS) / 16);
}

static bool same(const struct state *from, struct state *alone, struct state *whole)
{
	static u8 frames[PAGE_SIZE];

	begin(from);
	*alone = run_alone();
	memcpy(after, m.ram + WINDOW, WINDOW_SIZE);
	memcpy(frames, m.ram + FRAMES, PAGE_SIZE);
	begin(from);
	*whole = end(guest_run());
	return !memcmp(alone, whole, sizeof(*alone)) &&
	       !memcmp(frames, m.ram + FRAMES, PAGE_SIZE) &&
	       !memcmp(after, m.ram + WINDOW, WINDOW_SIZE);
}

/* The first instruction with a difference behind it: the program is cut there. */
static void fail_program(const struct state *from)
{
	struct state alone, whole;
	u32 n = 0;

	for (u32 i = 0; i < code.len; i++)
		printf("%02x ", code.byte[i]);
	do {
		memcpy(m.ram + CODE_AT, code.byte, code.len);
		memcpy(m.ram + CODE_AT + code.at[n], (u8[]){ INT_END }, 2);
		machine_wrote(&m, CODE_AT, code.len);
	} while (same(from, &alone, &whole) && ++n < code.insns);
	for (unsigned r = 0; r < 8; r++)
		printf("%u: %08x, then %08x, alone %08x\n", r, from->gpr[r], whole.gpr[r],
		       alone.gpr[r]);
	fail_msg("begun at %x, different in front of %x: vector %x, alone %x; frame %x %x",
		 from->eip, code.at[n], whole.vector, alone.vector, frame(0), frame(1));
}

static void compare(const struct state *from)
{
	struct state alone, whole;

	if (!same(from, &alone, &whole))
		fail_program(from);
}

static void random_programs(void **state)
{
	(void)state;
	random_state = 5;
	guest_paging();
	for (u32 p = 0; p < RAM_SIZE; p += PAGE_SIZE)
		if (p - WINDOW >= WINDOW_SIZE && p != FRAMES)
			set_page(p, p | 5);
	for (u32 i = 0; i < WINDOW_SIZE; i++)
		before[i] = (u8)(0x20 + rnd() % 8);
	for (unsigned n = 0; n < PROGRAMS; n++) {
		make_program();
		for (unsigned round = 0; round < ROUNDS; round++) {
			struct state s = { .flags = EFLAGS_ONE | EFLAGS_VM | EFLAGS_IOPL |
						    ((u32)rnd() & EFLAGS_ARITH) };

			for (unsigned i = 0; i < 8; i++)
				s.gpr[i] = some_value();
			s.gpr[REG_ECX] = (u32)rnd() % 4 + 1;
			for (unsigned i = 0; i < SEG_COUNT; i++)
				s.seg[i].sel = i == SEG_CS ? CODE_SEG : (u16)(0x2000 + i * 0x80);
			s.eip = one_in(3) ? code.at[rnd() % code.insns] : 0;
			compare(&s);
		}
	}
	printf("%llu blocks\n", (unsigned long long)recomp_stats(m.cpu.recomp)->blocks);
}

/* A frame: what an access costs once its register is known, in bytes of the host's. */
static void frames_are_short(void **state)
{
	static const u8 frame[] = { 0x55, 0x89, 0xe5, /* push bp; mov bp, sp */
				    0x50, 0x53,	      /* push ax; push bx */
				    0x8b, 0x46, 4,
				    0x8b, 0x5e, 6, /* mov ax, [bp + 4]; mov bx, [bp + 6] */
				    0x03, 0x46, 8,
				    0x89, 0x46, 0xfe, /* add ax, [bp + 8]; mov [bp - 2], ax */
				    0x5b, 0x58,	      /* pop bx; pop ax */
				    0x5d, 0xcd, VEC_END };
	struct state s = { .flags = EFLAGS_ONE | EFLAGS_VM | EFLAGS_IOPL, .gpr[REG_ESP] = 0x1000 };
	const struct recomp_stats *stats = recomp_stats(m.cpu.recomp);
	u64 bytes;

	(void)state;
	for (unsigned i = 0; i < SEG_COUNT; i++)
		s.seg[i].sel = i == SEG_CS ? CODE_SEG : 0x2000;
	memcpy(m.ram + CODE_AT, frame, sizeof(frame));
	machine_wrote(&m, CODE_AT, sizeof(frame));
	begin(&s);
	bytes = stats->host_bytes;
	assert_int_equal(guest_run(), VEC_END);
	bytes = stats->host_bytes - bytes;
	printf("%u bytes\n", (unsigned)bytes);
	assert_true(bytes < FRAME_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = { GUEST_TEST(frames_are_short),
					    GUEST_TEST(random_programs) };

	return cmocka_run_group_tests(tests, guest_create, guest_destroy);
}
