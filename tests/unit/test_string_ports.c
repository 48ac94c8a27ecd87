/* SPDX-License-Identifier: MIT */
/*
 * REP INS and REP OUTS, which hand a device several elements at once: over pages, sizes and
 * directions, into pages that are watched, and up to a page that is not there: no element is read
 * in vain or lost. The host machine's ports take now one, now several. Alone:
 * make build/unit/test_string_ports && build/unit/test_string_ports
 */
#include "tests/unit/guest_fixture.h"

#define COUNT 1500u

static u32 sequence;

static u32 next_value(struct machine *machine, u16 port, unsigned size)
{
	(void)machine;
	(void)port;
	(void)size;
	return 0x01010101u * (u8)(sequence++ * 7);
}

static void begin(void **state, const u8 *code, unsigned n)
{
	guest_setup(state);
	guest_paging();
	sequence = 0;
	m.port_value = next_value;
	set_code(AT_CODE, code, n);
	m.cpu.gpr[REG_EDX] = 0x1f0;
	m.cpu.gpr[REG_ECX] = COUNT;
}

#define BEGIN(state, ...)                                  \
	do {                                               \
		static const u8 code_[] = { __VA_ARGS__ }; \
		begin(state, code_, sizeof(code_));        \
	} while (0)

static void read_all(void **state)
{
	for (unsigned round = 0; round < 6; round++) {
		unsigned size = 1u << round % 3;
		u32 to = 0x100000 - 3 * size; /* not at the begin of a page */
		bool down = round >= 3;

		if (size == 1)
			BEGIN(state, 0xf3, 0x6c, HLT);
		else if (size == 2)
			BEGIN(state, 0xf3, 0x66, 0x6d, HLT);
		else
			BEGIN(state, 0xf3, 0x6d, HLT);
		m.cpu.gpr[REG_EDI] = to;
		m.cpu.eflags |= down ? EFLAGS_DF : 0;
		assert_int_equal(guest_run(), HALTED);
		assert_int_equal(m.cpu.gpr[REG_ECX], 0);
		assert_int_equal(m.cpu.gpr[REG_EDI], down ? to - COUNT * size : to + COUNT * size);
		assert_int_equal(m.ports, COUNT);
		for (u32 i = 0; i < COUNT * size; i++)
			assert_int_equal(m.ram[down ? to + size - 1 - i : to + i],
					 (u8)(i / size * 7));
	}
}

/* The second page is not there: all that was read is in the first. */
static void stops_at_a_fault(void **state)
{
	BEGIN(state, 0xf3, 0x66, 0x6d, HLT);
	m.cpu.gpr[REG_EDI] = 0x100000 + 0x1000 - 2 * 100;
	set_page(0x101000, 0);
	assert_int_equal(guest_run(), VEC_PF);
	assert_int_equal(m.cpu.gpr[REG_ECX], COUNT - 100);
	assert_int_equal(m.cpu.gpr[REG_EDI], 0x101000);
	assert_int_equal(m.ports, 100);
	for (u32 i = 0; i < 100; i++)
		assert_int_equal(m.ram[0x101000 - 200 + 2 * i], (u8)(i * 7));
}

/* Into code that was translated: it is not what runs afterwards. */
static void into_code(void **state)
{
	static const u8 call[] = { 0xb8, 1, 0, 0, 0, 0xc3 };

	/* call 200000h - ...; rep insb over it; call again */
	BEGIN(state, 0xbb, 0x00, 0x00, 0x10, 0x00, /* mov ebx, 100000h */
	      0xff, 0xd3,			   /* call ebx */
	      0xbf, 0x01, 0x00, 0x10, 0x00,	   /* mov edi, 100001h */
	      0xb9, 0x04, 0x00, 0x00, 0x00,	   /* mov ecx, 4 */
	      0xf3, 0x6c, 0xff, 0xd3, HLT);
	for (u32 i = 0; i < sizeof(call); i++)
		put(0x100000 + i, call[i], 1);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_EAX], 0x150e0700);
}

static void write_all(void **state)
{
	BEGIN(state, 0xf3, 0x66, 0x6f, HLT);
	for (u32 i = 0; i < COUNT; i++)
		put(0x100ff1 + 2 * i, i * 3, 2);
	m.cpu.gpr[REG_ESI] = 0x100ff1;
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_ECX], 0);
	assert_int_equal(m.cpu.gpr[REG_ESI], 0x100ff1 + 2 * COUNT);
	assert_int_equal(m.ports, COUNT);
	for (u32 i = COUNT - MACHINE_PORT_LOG; i < COUNT; i++) {
		const struct machine_port *p = &m.port[i % MACHINE_PORT_LOG];

		assert_true(p->write);
		assert_int_equal(p->size, 2);
		assert_int_equal(p->value, (u16)(i * 3));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		GUEST_TEST(read_all),
		GUEST_TEST(stops_at_a_fault),
		GUEST_TEST(into_code),
		GUEST_TEST(write_all),
	};

	return cmocka_run_group_tests(tests, guest_create, guest_destroy);
}
