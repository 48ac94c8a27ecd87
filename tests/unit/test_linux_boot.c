/* SPDX-License-Identifier: MIT */
/*
 * Direct Linux boot with synthetic images: what is refused and why, and what the kernel finds.
 * Alone: make build/unit/test_linux_boot && build/unit/test_linux_boot
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "vmm/linux_boot.h"

#define RAM (8 * MiB)

struct guest {
	struct gpmem mem;
	struct cpu cpu;
	u8 *ram;
	u8 image[0x2000];
	struct linux_image li;
	struct e820_entry map[8];
};

static void setup(struct guest *g)
{
	u8 **chunk = mem_alloc(4 * sizeof(*chunk));

	memset(g, 0, sizeof(*g));
	g->ram = aligned_alloc(PAGE_SIZE, RAM);
	for (unsigned i = 0; i < 4; i++)
		chunk[i] = g->ram + i * GPMEM_CHUNK_SIZE;
	gpmem_init(&g->mem);
	gpmem_add_ram(&g->mem, 0, RAM, chunk, false, "ram");
	g->image[0x1f1] = 1; /* one setup sector besides the boot sector: 0x400 bytes */
	g->image[0x1fe] = 0x55;
	g->image[0x1ff] = 0xaa;
	g->image[0x201] = 0x66; /* the header ends at 268h */
	memcpy(g->image + 0x202, "HdrS", 4);
	g->image[0x206] = 0x0f;
	g->image[0x207] = 0x02;
	g->image[0x211] = 1; /* loaded high */
	memcpy(g->image + 0x22c, "\xff\xff\xff\x7f", 4);
	memcpy(g->image + 0x238, "\xff\x07\0\0", 4);
	g->image[0x1f4] = 0xc0; /* 1c00h bytes of kernel in units of 16 */
	g->image[0x1f5] = 0x01;
	memset(g->image + 0x400, 0xc3, sizeof(g->image) - 0x400);
	g->li = (struct linux_image){ .kernel = g->image,
				      .kernel_size = sizeof(g->image),
				      .cmdline = "console=ttyS0",
				      .rsdp = 0xe0000,
				      .e820 = g->map,
				      .e820_entries = linux_e820(RAM, g->map, 8) };
}

static void teardown(struct guest *g)
{
	gpmem_destroy(&g->mem);
	free(g->ram);
}

static void refused(struct guest *g, int error, const char *reason)
{
	const char *why = NULL;

	assert_int_equal(linux_load(&g->cpu, &g->mem, RAM, &g->li, &why), error);
	if (!strstr(why, reason))
		fail_msg("got: %s", why);
	teardown(g);
}

static void test_refusals(void **state)
{
	static char long_line[3000];
	struct guest g;

	(void)state;
	setup(&g);
	g.li.kernel_size -= 16;
	refused(&g, E_INVAL, "shorter than its header says");
	setup(&g);
	g.li.kernel_size = 300;
	refused(&g, E_INVAL, "truncated");
	setup(&g);
	g.li.kernel_size = 0x400;
	refused(&g, E_INVAL, "setup code");
	setup(&g);
	g.image[0x1fe] = 0;
	refused(&g, E_INVAL, "not a bzImage");
	setup(&g);
	g.image[0x206] = 1;
	refused(&g, E_INVAL, "older than 2.02");
	setup(&g);
	g.image[0x211] = 0;
	refused(&g, E_INVAL, "zImage");
	setup(&g);
	g.image[0x262] = 0x80; /* init_size 8 MiB */
	refused(&g, E_NOMEM, "kernel does not fit");
	setup(&g);
	g.li.initrd = g.image;
	g.li.initrd_size = RAM - 1 * MiB;
	refused(&g, E_NOMEM, "initrd does not fit");
	setup(&g);
	memset(long_line, 'x', sizeof(long_line) - 1);
	g.li.cmdline = long_line;
	refused(&g, E_INVAL, "command line is longer");
}

static u32 at(struct guest *g, gpa_t gpa)
{
	u32 v;

	gpmem_read(&g->mem, gpa, &v, 4);
	return v;
}

static void test_loaded(void **state)
{
	struct guest g;
	const char *why;
	char line[14];
	u32 zp, initrd;

	(void)state;
	setup(&g);
	g.li.initrd = g.image;
	g.li.initrd_size = 5000;
	assert_int_equal(linux_load(&g.cpu, &g.mem, RAM, &g.li, &why), 0);
	zp = g.cpu.gpr[REG_ESI];
	assert_int_equal(g.cpu.eip, 0x100000);
	assert_int_equal(g.cpu.cr0 & (CR0_PE | CR0_PG), CR0_PE);
	assert_int_equal(g.cpu.vif, 0);
	assert_int_equal(g.cpu.seg[SEG_CS].sel, 0x10);
	assert_int_equal(g.cpu.seg[SEG_DS].sel, 0x18);
	assert_int_equal(g.cpu.seg[SEG_CS].limit, 0xffffffff);
	assert_int_equal(at(&g, 0x100000), 0xc3c3c3c3);
	assert_int_equal(at(&g, zp + 0x202), 0x53726448);
	assert_int_equal(at(&g, zp + 0x210) & 0xff, 0xff);
	assert_int_equal(at(&g, zp + 0x70), 0xe0000);
	assert_int_equal(at(&g, zp + 0x1e8) & 0xff, g.li.e820_entries);
	assert_int_equal(at(&g, zp + 0x2d0 + 16), 1);
	gpmem_read(&g.mem, at(&g, zp + 0x228), line, sizeof(line));
	assert_string_equal(line, "console=ttyS0");
	initrd = at(&g, zp + 0x218);
	assert_int_equal(at(&g, zp + 0x21c), 5000);
	assert_int_equal(initrd % PAGE_SIZE, 0);
	assert_in_range(initrd + 5000, RAM - PAGE_SIZE, RAM);
	teardown(&g);
}

static void test_e820(void **state)
{
	struct e820_entry map[8];
	unsigned n = linux_e820(256 * MiB, map, 8);
	u64 ram = 0;

	(void)state;
	for (unsigned i = 0; i < n; i++) {
		ram += map[i].type == 1 ? map[i].size : 0;
		if (i)
			assert_true(map[i].start >= map[i - 1].start + map[i - 1].size);
	}
	assert_in_range(ram, 255 * MiB, 256 * MiB);
	assert_int_equal(map[n - 1].start + map[n - 1].size, 256 * MiB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_loaded),
		cmocka_unit_test(test_e820),
	};

	return cmocka_run_group_tests_name("linux_boot", tests, NULL, NULL);
}
