/* SPDX-License-Identifier: MIT */
/*
 * The smallest program around emu/cpu, which docs/embedding.md tells about: a boot sector runs in
 * real mode and writes to a port, turns to 32-bit protected mode, and halts.
 *
 * Alone: build/unit/test_embedding
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/host/machine.h"

#define SECTOR	0x7c00u
#define CONSOLE 0xe9u

static const u8 boot_sector[] = {
	0xbe, 0x2a,    0x7c,				/* 00 mov si, text */
	0xac,						/* 03 next: lodsb */
	0x84, 0xc0,					/* 04 test al, al */
	0x74, 0x04,					/* 06 jz done */
	0xe6, CONSOLE,					/* 08 out 0xe9, al */
	0xeb, 0xf7,					/* 0a jmp next */
	0x0f, 0x01,    0x16, 0x24, 0x7c,		/* 0c done: lgdt [gdtr] */
	0x0f, 0x20,    0xc0,				/* 11 mov eax, cr0 */
	0x0c, 0x01,					/* 14 or al, 1 */
	0x0f, 0x22,    0xc0,				/* 16 mov cr0, eax */
	0xea, 0x1e,    0x7c, 0x08, 0x00,		/* 19 jmp 8:next line */
	0xb8, 0x4f,    0x4b, 0x00, 0x00,		/* 1e mov eax, "OK" */
	0xf4,						/* 23 hlt */
	0x0f, 0x00,    0x30, 0x7c, 0x00, 0x00,		/* 24 gdtr: 16 bytes at 7c30h */
	'h',  'e',     'l',  'l',  'o',	 0,		/* 2a text */
	0,    0,       0,    0,	   0,	 0,    0,    0, /* 30 gdt: null, flat code */
	0xff, 0xff,    0,    0,	   0,	 0x9b, 0xcf, 0,
};

static void a_boot_sector_runs(void **state)
{
	static struct machine m;
	char text[16] = "";
	unsigned n = 0;

	(void)state;
	assert_int_equal(machine_create(&m, 1 * MiB, 0), 0);
	memcpy(m.ram + SECTOR, boot_sector, sizeof(boot_sector));
	m.cpu.seg[SEG_CS] = (struct cpu_segment){ .sel = 0, .attr = 0x9b, .limit = 0xffff };
	m.cpu.eip = SECTOR;
	assert_int_equal(machine_run(&m), RECOMP_HALT);
	for (unsigned i = 0; i < m.ports && n < sizeof(text) - 1; i++)
		if (m.port[i].write && m.port[i].port == CONSOLE)
			text[n++] = (char)m.port[i].value;
	assert_string_equal(text, "hello");
	assert_int_equal(m.cpu.gpr[REG_EAX], 0x4b4f);
	assert_int_equal(m.cpu.seg[SEG_CS].sel, 8);
	assert_true(recomp_stats(m.cpu.recomp)->verified_blocks > 0);
	machine_destroy(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_boot_sector_runs) };

	return cmocka_run_group_tests_name("embedding", tests, NULL, NULL);
}
