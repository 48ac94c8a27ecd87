/* SPDX-License-Identifier: MIT */
/*
 * What a debugger sees and changes of a guest (emu/dbg): memory by linear address without a trace
 * in the page tables, addresses as they are typed, registers, formats.
 */
#include "tests/unit/guest_fixture.h"

#include "emu/dbg/dbg_address.h"
#include "emu/dbg/dbg_disas.h"
#include "emu/dbg/dbg_examine.h"
#include "emu/dbg/dbg_expr.h"
#include "emu/dbg/dbg_mem.h"
#include "emu/dbg/dbg_regs.h"
#include "emu/dbg/dbg_tables.h"
#include "tests/unit/said.h"

static void memory(void **state)
{
	u8 buf[8192];

	(void)state;
	guest_paging();
	put(0x20000, 0x44332211, 4);
	set_page(0x30000, 0x20000 | 3); /* another page's bytes, none of the user's, not accessed */
	set_page(0x31000, 0);
	assert_int_equal(dbg_read(&m.cpu, 0x30000, buf, 4), 4);
	assert_memory_equal(buf, "\x11\x22\x33\x44", 4);
	assert_int_equal(get(AT_PAGES + 0x1000 + 4 * 0x30, 4), 0x20003);
	/* As far as it is mapped; at the end of the space. */
	assert_int_equal(dbg_read(&m.cpu, 0x30ff0, buf, 64), 16);
	assert_int_equal(dbg_read(&m.cpu, 0x31000, buf, 1), 0);
	assert_int_equal(dbg_read_phys(&m.cpu, RAM_SIZE - 8, buf, 64), 8);
	assert_int_equal(dbg_read_phys(&m.cpu, 0xfffffffff0, buf, 64), 0);
	/* All or nothing, whatever the rights. */
	set_page(0x32000, 0x22000 | 1);
	assert_true(dbg_write(&m.cpu, 0x32ffc, "abcd", 4));
	assert_memory_equal(m.ram + 0x22ffc, "abcd", 4);
	assert_false(dbg_write(&m.cpu, 0x30ffe, "wxyz", 4));
	assert_int_equal(get(0x20ffe, 2), 0);
	assert_int_equal(get(AT_PAGES + 0x1000 + 4 * 0x32, 4), 0x22001);
	assert_false(dbg_write_phys(&m.cpu, RAM_SIZE - 2, "abcd", 4));
	assert_int_equal(m.cpu.fault.vector, 0);
}

/* What is translated already is translated anew. */
static void code_that_is_written(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x40, HLT);
	m.cpu.gpr[REG_EAX] = 5;
	assert_int_equal(guest_run(), HALTED);
	assert_true(dbg_write(&m.cpu, AT_CODE, "\x48", 1));
	m.cpu.eip = AT_CODE;
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_EAX], 5);
}

static const struct {
	const char *text;
	u32 value;
	bool wrong;
} addresses[] = {
	{ "0x10", 0x10, false },
	{ "16", 16, false },
	{ "1fh", 0x1f, false },
	{ "0ffffffffh", 0xffffffff, false },
	{ "eip", AT_CODE, false },
	{ "$eip", AT_CODE, false },
	{ "$esp+8", STACK0 + 8, false },
	{ "esp-0x10+1", STACK0 - 15, false },
	{ "cs:0x100", 0x100, false },
	{ "0x48:0x10", 0x110, false },
	{ "fs:$esp-1", STACK0 - 1, false },
	{ "0x48:0x10+4", 0x114, false },
	{ "$fs:$esp - 1", STACK0 - 1, false },
	{ "byte[cs:eip+1]", 0x12, false },
	{ "word[0x48:eip-0x100] == 0x12b8 && 1", 1, false },
	{ "cx", 0x2222, false },
	{ "$dx", 0x3333, false },
	{ "sp+ip", STACK0 + AT_CODE, false },
	{ "bh<<8|bl", 0x4444, false },
	{ "ah", 0x11, false },
	{ "flags", EFLAGS_ONE, false },
	{ "[0x48:]", 0, true },
	{ "eax:1", 0, true },
	{ "0-1", 0xffffffff, false },
	{ "", 0, true },
	{ "+", 0, true },
	{ "1+", 0, true },
	{ "1++2", 0, true },
	{ "-1", 0xffffffff, false },
	{ "2+3*4", 14, false },
	{ "(2+3)*4", 20, false },
	{ "1 << 4 | 3 & 2", 18, false },
	{ "10-4-3", 3, false },
	{ "eip == 0x10 || 5 > 4 && !(3 != 3)", 1, false },
	{ "~0 >> 28", 15, false },
	{ "1<<32", 0, false },
	{ "7%4 + 9/2", 7, false },
	{ "byte[eip]", 0xb8, false },
	{ "w [ eip ]", 0x12b8, false },
	{ "[eip] - d[$eip]", 0, false },
	{ "[[esp]]", 0, true },
	{ "1/0", 0, true },
	{ "1%(2-2)", 0, true },
	{ "(1", 0, true },
	{ "[1", 0, true },
	{ "1)", 0, true },
	{ "1 2", 0, true },
	{ "byte", 0, true },
	{ "1 =", 0, true },
	{ "((((((((((((((((((1))))))))))))))))))", 0, true },
	{ "1+(1+(1+(1+(1+(1+(1+(1+(1+(1+(1+(1+(1+(1+(1+(1+1)))))))))))))))", 0, true },
	{ "0x", 0, true },
	{ "ffh", 0, true },
	{ "$xyz", 0, true },
	{ "$", 0, true },
	{ ":", 0, true },
	{ "cs:", 0, true },
	{ "1:2:3", 0, true },
	{ "0:1", 0, true },
	{ "0xfff8:1", 0, true },
	{ "0x10000:1", 0, true },
	{ "0x100000000", 0, true },
	{ "123456789012345678901234567890123456789", 0, true },
};

static void typed_addresses(void **state)
{
	(void)state;
	gdt(FREE, 0x100, 0xfffff, ATTR_DATA32);
	CODE(AT_CODE, 0xb8, 0x12, 0x34, 0x56);
	put(STACK0, 0xfffffff0, 4);
	for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++) {
		u32 value = 0xdeadbeef;
		const char *why = dbg_address(&m.cpu, addresses[i].text, &value);

		if (!!why != addresses[i].wrong)
			fail_msg("%s: %s", addresses[i].text, why ? why : "taken");
		assert_int_equal(value, why ? 0xdeadbeef : addresses[i].value);
	}
	m.cpu.cr0 &= ~CR0_PE;
	assert_null(dbg_address(&m.cpu, "0x40:17h", &(u32){ 0 }));
}

static void registers(void **state)
{
	u32 value;

	(void)state;
	for (unsigned i = 0; dbg_register_name(i); i++) {
		const char *name = dbg_register_name(i);

		assert_true(dbg_register(&m.cpu, name, &value));
		assert_null(dbg_register_set(&m.cpu, name, value)); /* its own is always good */
	}
	assert_false(dbg_register(&m.cpu, "rax", &value));
	assert_null(dbg_register_set(&m.cpu, "ds", DATA3 & ~3));
	assert_int_equal(m.cpu.seg[SEG_DS].sel, DATA3 & ~3);
	assert_non_null(dbg_register_set(&m.cpu, "ds", 0x1000));
	assert_non_null(dbg_register_set(&m.cpu, "cs", DATA0));
	assert_non_null(dbg_register_set(&m.cpu, "ds", 0x10000));
	assert_non_null(dbg_register_set(&m.cpu, "cr4", 0x80000000));
	assert_non_null(dbg_register_set(&m.cpu, "cr0", 0));
	assert_non_null(dbg_register_set(&m.cpu, "eflags", EFLAGS_VM));
	assert_null(dbg_register_set(&m.cpu, "eflags", EFLAGS_IF | EFLAGS_CF));
	assert_int_equal(cpu_eflags(&m.cpu), EFLAGS_IF | EFLAGS_CF | EFLAGS_ONE);
	assert_int_equal(m.cpu.fault.vector, 0);
	assert_null(dbg_register_set(&m.cpu, "ebx", 0x11223344));
	assert_null(dbg_register_set(&m.cpu, "bx", 0x5566));
	assert_null(dbg_register_set(&m.cpu, "bh", 0x77));
	assert_null(dbg_register_set(&m.cpu, "bl", 0x88));
	assert_int_equal(m.cpu.gpr[REG_EBX], 0x11227788);
	assert_non_null(dbg_register_set(&m.cpu, "bl", 0x100));
	assert_non_null(dbg_register_set(&m.cpu, "ip", 0x10000));
	assert_int_equal(m.cpu.gpr[REG_EBX], 0x11227788);
	m.cpu.cr0 &= ~CR0_PE;
	assert_null(dbg_register_set(&m.cpu, "cs", 0x1234));
	assert_int_equal(m.cpu.seg[SEG_CS].base, 0x12340);
}

static void formats(void **state)
{
	static const char *const good[] = { "", "/", "/d", "/16b", "/4q", "/s", "/i", "/4096x" };
	static const char *const bad[] = { "/z", "/4097b", "/99999999999b", "/bb", "/b4", "/-1" };
	struct dbg_format f;

	(void)state;
	for (unsigned i = 0; i + 1 < ARRAY_SIZE(good); i++)
		assert_null(dbg_parse_format(good[i], &f));
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		assert_non_null(dbg_parse_format(bad[i], &f));
	said[0] = '\0';
	put(AT_DATA, 0x64636261, 4);
	put(AT_DATA + 4, 0, 1);
	assert_null(dbg_parse_format("/2d", &f));
	dbg_examine(&m.cpu, AT_DATA, false, &f, &out);
	assert_null(dbg_parse_format("/s", &f));
	dbg_examine(&m.cpu, AT_DATA, true, &f, &out);
	assert_string_equal(said, "00008000  64636261 00000000\n00008000  \"abcd\"\n");
}

static void tables_in_words(void **state)
{
	bool calls;

	(void)state;
	said[0] = '\0';
	dbg_print_regs(&m.cpu, &out);
	dbg_print_gdt(&m.cpu, 0, 99, &out);
	dbg_print_ldt(&m.cpu, 0, 99, &out);
	dbg_print_idt(&m.cpu, VEC_END, 1, &out);
	dbg_print_tss(&m.cpu, &out);
	dbg_print_frames(&m.cpu, 9, &out);
	assert_non_null(strstr(said, "0008  base=00000000 limit=ffffffff code32 r-x dpl=0"));
	assert_non_null(strstr(said, "0038  base=00003400 limit=0000002b tss16 dpl=0"));
	assert_non_null(strstr(said, "there is no ldt"));
	assert_non_null(strstr(said, "30  int gate32  0008:00004300 dpl=3"));
	assert_non_null(strstr(said, "ss0:esp0=0010:0000c000"));
	said[0] = '\0';
	guest_paging();
	set_page(0x30000, 0x20000 | 1);
	dbg_print_walk(&m.cpu, 0x30123, &out);
	dbg_print_walk(&m.cpu, 0xf0000000, &out);
	assert_non_null(strstr(said, "00030123 -> 000020123, 4 KiB, supervisor\n"));
	assert_non_null(strstr(said, "#PF 0 of a read"));
	CODE(AT_CODE, 0xe8, 0, 0, 0, 0, 0xf3, 0xaa, 0xcd, 0x80, 0x90);
	assert_int_equal(dbg_instruction(&m.cpu, &calls), 5);
	assert_true(calls);
	m.cpu.eip += 5;
	assert_int_equal(dbg_instruction(&m.cpu, &calls), 2);
	assert_true(calls);
	m.cpu.eip += 4;
	assert_int_equal(dbg_instruction(&m.cpu, &calls), 1);
	assert_false(calls);
}

static const struct {
	const char *text;
	u32 value;
	bool fails; /* to be computed */
} expressions[] = {
	{ "1 + 2 * 3", 7, false },
	{ "(1 + 2) * 3 - 10", 0xffffffff, false },
	{ "-5 / 2 == 0x7ffffffd && ~0 == -1", 1, false },
	{ "!0 + !7", 1, false },
	{ "eax", 0x11111111, false },
	{ "eax == 0x11111111 && esp", 1, false },
	{ "0 && [0xf0000000]", 0, false }, /* which is not there */
	{ "3 || [0xf0000000]", 1, false },
	{ "1 && [0xf0000000]", 0, true },
	{ "(0 || 2) + (3 && 4)", 2, false },
	{ "0 && 1 || 5 && 6 && 7 || [0xf0000000]", 1, false },
	{ "1 == 1 && 2 == 2 && 3 == 4", 0, false },
	{ "[0x8000] == 0x44332211", 1, false },
	{ "byte[0x8001] + word[0x8002]", 0x4455, false },
	{ "[0x7ffe]", 0x22110000, false },
	{ "[0x8fff]", 0, false }, /* on two pages */
	{ "[[0x8010]] >> 8 & 0xff", 0x22, false },
	{ "eax / (ecx - ecx)", 0, true },
	{ "eax % 0", 0, true },
	{ "2 - (eip == eip) * 2 <= 0 | 4", 5, false },
};

static void values(void **state)
{
	struct dbg_expr e;
	u32 value;

	(void)state;
	guest_paging();
	put(0x8000, 0x44332211, 4);
	put(0x8010, 0x8000, 4);
	for (unsigned twice = 0; twice < 2; twice++)
		for (unsigned i = 0; i < ARRAY_SIZE(expressions); i++) {
			assert_null(dbg_expr_compile(&m.cpu, expressions[i].text, &e));
			assert_int_not_equal(dbg_expr_value(&m.cpu, &e, &value),
					     expressions[i].fails);
			if (!expressions[i].fails && value != expressions[i].value)
				fail_msg("%s: %x", expressions[i].text, value);
		}
}

/* A condition leaves no mark in the tables, and sees what changes. */
static void a_number_again_and_again(void **state)
{
	u32 value;

	(void)state;
	guest_paging();
	put(0x20000, 7, 4);
	set_page(0x30000, 0x20000 | 3);
	for (u32 n = 7; n < 10; n++) {
		put(0x20000, n, 4);
		assert_true(dbg_read_number(&m.cpu, 0x30000, 4, &value));
		assert_int_equal(value, n);
		assert_int_equal(get(AT_PAGES + 0x1000 + 4 * 0x30, 4), 0x20003);
	}
	set_page(0x30000, 0);
	assert_false(dbg_read_number(&m.cpu, 0x30000, 4, &value));
	set_page(0x30000, 0x21000 | 3);
	assert_true(dbg_read_number(&m.cpu, 0x30000, 4, &value));
	assert_int_equal(value, 0);
}

static void disassembly_of_16_bits(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x8b, 0x00, 0x8b, 0x53, 0xfe, 0x67, 0x8b, 0x04, 0x71, 0x8b, 0x46, 0x04);
	said[0] = '\0';
	dbg_disassemble(&m.cpu, AT_CODE, 16, 4, &out);
	assert_non_null(strstr(said, "mov ax, [bx+si]\n"));
	assert_non_null(strstr(said, "mov dx, [bp+di-0x02]\n"));
	assert_non_null(strstr(said, "mov ax, [ecx+esi*2]\n"));
	assert_non_null(strstr(said, "mov ax, [bp+0x04]\n"));
}

static const struct CMUnitTest dbg_tests[] = {
	GUEST_TEST(values),
	GUEST_TEST(a_number_again_and_again),
	GUEST_TEST(memory),
	GUEST_TEST(code_that_is_written),
	GUEST_TEST(typed_addresses),
	GUEST_TEST(registers),
	GUEST_TEST(formats),
	GUEST_TEST(tables_in_words),
	GUEST_TEST(disassembly_of_16_bits),
};

GUEST_MAIN(dbg_tests)
