/* SPDX-License-Identifier: MIT */
/*
 * Direct Linux boot with synthetic images: what each version of the protocol has and what it has
 * not, what is refused and why, and what the kernel finds.
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
#include "vmm/load/linux_boot.h"

#define RAM	  (8 * MiB)
#define SETUP	  0x400u /* one setup sector besides the boot sector */
#define ZERO_PAGE 0x90000u

struct guest {
	struct gpmem mem;
	struct cpu cpu;
	u8 *ram;
	u8 image[0x2000];
	struct linux_image li;
	struct linux_boot boot;
};

static void set(struct guest *g, unsigned at, u64 value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		g->image[at + i] = (u8)(value >> 8 * i);
}

/* A kernel of 1C00h bytes, of protocol 2.15. */
static void setup(struct guest *g)
{
	u8 **chunk = mem_alloc(4 * sizeof(*chunk));

	memset(g, 0, sizeof(*g));
	g->ram = aligned_alloc(PAGE_SIZE, RAM);
	memset(g->ram, 0xa5, RAM);
	for (unsigned i = 0; i < 4; i++)
		chunk[i] = g->ram + i * GPMEM_CHUNK_SIZE;
	gpmem_init(&g->mem);
	gpmem_add_ram(&g->mem, 0, RAM, chunk, false, "ram");
	set(g, HDR_SETUP_SECTS, 1, 1);
	set(g, HDR_BOOT_FLAG, 0xaa55, 2);
	set(g, HDR_JUMP, 0x66eb, 2); /* the header ends at 268h */
	memcpy(g->image + HDR_MAGIC, "HdrS", 4);
	set(g, HDR_VERSION, 0x20f, 2);
	set(g, HDR_LOADFLAGS, LOADFLAGS_HIGH, 1);
	set(g, HDR_CODE32_START, 0x100000, 4);
	set(g, HDR_INITRD_MAX, 0x7fffffff, 4);
	set(g, HDR_CMDLINE_SIZE, 0x7ff, 4);
	set(g, HDR_SYSSIZE, 0x1c0, 4);
	for (unsigned i = SETUP; i < sizeof(g->image); i++)
		g->image[i] = (u8)(i * 7);
	g->li = (struct linux_image){ .kernel = g->image,
				      .kernel_size = sizeof(g->image),
				      .cmdline = "console=ttyS0",
				      .rsdp = 0xe0000 };
}

static void teardown(struct guest *g)
{
	gpmem_destroy(&g->mem);
	free(g->ram);
}

static int load(struct guest *g)
{
	int err = linux_boot_begin(&g->boot, &g->li, RAM);

	if (err)
		return err;
	while (linux_boot_copy(&g->boot, &g->mem, 3000)) {
	}
	linux_boot_start(&g->boot, &g->cpu, &g->mem);
	return 0;
}

static void refused(struct guest *g, int error, const char *reason)
{
	assert_int_equal(load(g), error);
	if (!strstr(g->boot.why, reason))
		fail_msg("expected: %s; got: %s", reason, g->boot.why);
	teardown(g);
}

static void started(struct guest *g)
{
	if (load(g))
		fail_msg("refused: %s", g->boot.why);
}

static u32 at(struct guest *g, gpa_t gpa)
{
	u32 v;

	gpmem_read(&g->mem, gpa, &v, 4);
	return v;
}

static void has_text(struct guest *g, gpa_t gpa, const char *text)
{
	char found[64];

	gpmem_read(&g->mem, gpa, found, (u32)strlen(text) + 1);
	assert_string_equal(found, text);
}

static void has_kernel(struct guest *g, gpa_t gpa)
{
	assert_memory_equal(g->ram + gpa, g->image + SETUP, sizeof(g->image) - SETUP);
}

/* What a version has not, is filled with what would be refused if it were looked at. */
static void spoil_absent_fields(struct guest *g, unsigned version)
{
	static const struct {
		unsigned since, at, bytes;
		u64 bad;
	} fields[] = {
		{ 0x203, HDR_INITRD_MAX, 4, 0 },
		{ 0x206, HDR_CMDLINE_SIZE, 4, 3 },
		{ 0x20a, HDR_PREF_ADDRESS, 8, 0x6162636465666768 },
		{ 0x20a, HDR_INIT_SIZE, 4, 0x65666768 },
		{ 0x20c, HDR_XLOADFLAGS, 2, 0xffff },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
		if (version < fields[i].since)
			set(g, fields[i].at, fields[i].bad, fields[i].bytes);
	if (version < 0x204)
		set(g, HDR_SYSSIZE + 2, 0xdead, 2); /* swap_dev */
}

static const u16 versions[] = { 0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206, 0x207,
				0x208, 0x209, 0x20a, 0x20b, 0x20c, 0x20d, 0x20e, 0x20f };

/* A field is read if the version has it, and only then. */
static void test_versions(void **state)
{
	static char cmdline[300];
	struct guest g;

	(void)state;
	memset(cmdline, 'c', sizeof(cmdline) - 1);
	for (unsigned i = 0; i < ARRAY_SIZE(versions); i++) {
		unsigned v = versions[i];

		setup(&g);
		set(&g, HDR_VERSION, v, 2);
		spoil_absent_fields(&g, v);
		g.li.initrd = g.image;
		g.li.initrd_size = 5000;
		started(&g);
		has_kernel(&g, 0x100000);
		assert_int_equal(at(&g, ZERO_PAGE + HDR_RAMDISK_SIZE), 5000);
		if (v >= 0x202) {
			has_text(&g, at(&g, ZERO_PAGE + HDR_CMDLINE), "console=ttyS0");
		} else {
			assert_int_equal(at(&g, 0x90020) & 0xffff, 0xa33f);
			has_text(&g, 0x90000 + (at(&g, 0x90020) >> 16), "console=ttyS0");
		}
		/* 299 characters fit since 2.06. */
		g.li.cmdline = cmdline;
		assert_int_equal(load(&g), v >= 0x206 ? 0 : E_INVAL);
		g.li.cmdline = "";
		/* The initrd's limit, since 2.03: above the kernel, in the first 3 MiB. */
		set(&g, HDR_INITRD_MAX, 3 * MiB - 1, 4);
		started(&g);
		assert_in_range(at(&g, ZERO_PAGE + HDR_RAMDISK), v >= 0x203 ? 2 * MiB : 7 * MiB,
				v >= 0x203 ? 3 * MiB : 8 * MiB);
		/* init_size, since 2.10. */
		set(&g, HDR_INIT_SIZE, 8 * MiB, 4);
		set(&g, HDR_PREF_ADDRESS, 0x100000, 8);
		assert_int_equal(load(&g), v >= 0x20a ? E_NOMEM : 0);
		set(&g, HDR_INIT_SIZE, 0, 4);
		/* xloadflags, since 2.12. */
		set(&g, HDR_XLOADFLAGS, 1, 2);
		assert_int_equal(load(&g), v >= 0x20c ? E_INVAL : 0);
		set(&g, HDR_XLOADFLAGS, 0, 2);
		/* The size of a kernel that loads high can be trusted since 2.04. */
		g.li.kernel_size -= 16;
		assert_int_equal(load(&g), v >= 0x204 ? E_INVAL : 0);
		teardown(&g);
	}
}

/* Where a kernel will run decides what memory it needs (boot.rst, init_size). */
static void test_memory_needed(void **state)
{
	static const struct {
		u64 preferred, init_size, alignment;
		bool relocatable;
		u64 needs;
	} t[] = {
		{ 0, 0, 0, false, 0x101c00 },
		{ 0, 1 * MiB, 0, false, 2 * MiB },
		{ 4 * MiB, 1 * MiB, 0, false, 5 * MiB },
		{ 4 * MiB, 1 * MiB, 0, true, 5 * MiB },
		{ 0, 1 * MiB, 2 * MiB, true, 3 * MiB },
		{ 3 * MiB, 1 * MiB, 2 * MiB, true, 5 * MiB },
		{ 3 * MiB, 1 * MiB, 12345, true, 4 * MiB },
		{ 16 * MiB, 1 * MiB, 0, true, 17 * MiB },
		{ UINT64_MAX, 1 * MiB, 0, false, UINT64_MAX },
	};
	struct guest g;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		setup(&g);
		set(&g, HDR_PREF_ADDRESS, t[i].preferred, 8);
		set(&g, HDR_INIT_SIZE, t[i].init_size, 4);
		set(&g, HDR_ALIGNMENT, t[i].alignment, 4);
		set(&g, HDR_RELOCATABLE, t[i].relocatable, 1);
		assert_int_equal(load(&g), t[i].needs > RAM ? E_NOMEM : 0);
		assert_true(g.boot.header.needs == t[i].needs);
		teardown(&g);
	}
}

static void test_refusals(void **state)
{
	static char long_line[40000];
	struct guest g;

	(void)state;
	setup(&g);
	g.li.kernel_size -= 16;
	refused(&g, E_INVAL, "truncated: shorter than its header says");
	setup(&g);
	g.li.kernel_size = 300;
	refused(&g, E_INVAL, "truncated: not even a setup header");
	setup(&g);
	g.li.kernel_size = SETUP;
	refused(&g, E_INVAL, "truncated: ends inside its setup code");
	setup(&g);
	g.image[HDR_SETUP_SECTS] = 0; /* means 4, which this is just too short for */
	g.li.kernel_size = 0xa00;
	refused(&g, E_INVAL, "truncated: ends inside its setup code");
	setup(&g);
	set(&g, HDR_VERSION, 0x1ff, 2);
	refused(&g, E_INVAL, "boot protocol 1.255");
	setup(&g);
	set(&g, HDR_INIT_SIZE, 8 * MiB, 4);
	refused(&g, E_NOMEM, "the kernel does not fit: it needs at least 9M");
	setup(&g);
	g.li.initrd = g.image;
	g.li.initrd_size = RAM - 1 * MiB;
	refused(&g, E_NOMEM, "the initrd does not fit above the kernel: it needs 9M in all");
	setup(&g);
	g.li.initrd = g.image;
	g.li.initrd_size = 5 * MiB;
	set(&g, HDR_INITRD_MAX, 3 * MiB - 1, 4);
	refused(&g, E_NOMEM, "between the kernel and 3M");
	setup(&g);
	memset(long_line, 'x', sizeof(long_line) - 1);
	g.li.cmdline = long_line;
	refused(&g, E_INVAL, "longer than the kernel allows: 39999 characters of 2047");
	setup(&g);
	g.li.cmdline = long_line;
	set(&g, HDR_CMDLINE_SIZE, 0xffffffff, 4);
	refused(&g, E_INVAL, "longer than the kernel allows: 39999 characters of 32767");
	setup(&g);
	set(&g, HDR_CODE32_START, 0x101c00, 4);
	refused(&g, E_INVAL, "code32_start 101c00) is outside its code");
}

/* FFFFFFFFh is no limit at all. */
static void test_boundless_cmdline(void **state)
{
	struct guest g;

	(void)state;
	setup(&g);
	set(&g, HDR_CMDLINE_SIZE, 0xffffffff, 4);
	started(&g);
	has_text(&g, at(&g, ZERO_PAGE + HDR_CMDLINE), "console=ttyS0");
	teardown(&g);
}

/* Programs that are loaded like a kernel and start in real mode. */
static void test_real_mode_only(void **state)
{
	struct guest g;

	(void)state;
	for (unsigned v = 0x200; v <= 0x207; v++) {
		setup(&g);
		set(&g, HDR_VERSION, v, 2);
		set(&g, HDR_CODE32_START, 0, 4);
		refused(&g, E_INVAL,
			"starts in real mode only (code32_start is 0) and needs a BIOS");
		setup(&g);
		set(&g, HDR_VERSION, v, 2);
		set(&g, HDR_SYSSIZE, 0, 2);
		set(&g, HDR_KERNEL_VERSION, 0x90, 2);
		strcpy((char *)g.image + 0x290, "LOADER 1.0 (by somebody)");
		refused(&g, E_INVAL, "\"LOADER 1.0\": starts in real mode only (syssize is 0)");
	}
	setup(&g);
	set(&g, HDR_CODE32_START, 0, 4); /* 2.15: the default */
	set(&g, HDR_SYSSIZE, 0, 4);
	started(&g);
	assert_int_equal(g.cpu.eip, 0x100000);
	teardown(&g);
}

static void test_64_bit(void **state)
{
	static const u8 long_mode[] = { 0xb9, 0x80, 0, 0, 0xc0, 0x0f, 0x32, 0x0f, 0xba, 0xe8, 8 };
	struct guest g;

	(void)state;
	setup(&g);
	set(&g, HDR_XLOADFLAGS, 9, 2);
	refused(&g, E_INVAL, "a 64-bit kernel: this VM is 32-bit");
	setup(&g);
	set(&g, HDR_VERSION, 0x209, 2);
	memcpy(g.image + SETUP + 0x1f5, long_mode, sizeof(long_mode));
	refused(&g, E_INVAL, "a 64-bit kernel: this VM is 32-bit");
	setup(&g);
	set(&g, HDR_VERSION, 0x209, 2);
	memcpy(g.image + SETUP + 0x1f6, long_mode, sizeof(long_mode)); /* behind the entry */
	started(&g);
	teardown(&g);
}

/* A kernel that loads low goes where its setup code would have moved it, or stays. */
static void test_low(void **state)
{
	struct guest g;

	(void)state;
	setup(&g);
	set(&g, HDR_VERSION, 0x202, 2);
	set(&g, HDR_LOADFLAGS, 0, 1);
	set(&g, HDR_CODE32_START, 0x1000, 4);
	started(&g);
	assert_int_equal(g.cpu.eip, 0x1000);
	has_kernel(&g, 0x1000);
	set(&g, HDR_CODE32_START, 0x10000, 4);
	started(&g);
	assert_int_equal(g.cpu.eip, 0x10000);
	has_kernel(&g, 0x10000);
	set(&g, HDR_SYSSIZE, 0x1c2, 2); /* can be trusted */
	assert_int_equal(load(&g), E_INVAL);
	teardown(&g);
}

static void test_low_too_large(void **state)
{
	struct guest g;
	u8 *large = calloc(1, 640 * KiB);

	(void)state;
	setup(&g);
	set(&g, HDR_LOADFLAGS, 0, 1);
	set(&g, HDR_CODE32_START, 0x1000, 4);
	memcpy(large, g.image, sizeof(g.image));
	g.li.kernel = large;
	g.li.kernel_size = SETUP + 0x8f000;
	started(&g);
	g.li.kernel_size++;
	refused(&g, E_INVAL, "loads low (zImage) but is larger than the 572 KiB there");
	free(large);
}

/* Whatever a header's length says, the memory map behind it stays. */
static void test_long_header(void **state)
{
	struct guest g;

	(void)state;
	setup(&g);
	set(&g, HDR_JUMP + 1, 0xff, 1);
	memset(g.image + 0x268, 0xee, SETUP - 0x268);
	started(&g);
	assert_int_equal(at(&g, ZERO_PAGE + 0x28c), 0xeeeeeeee);
	assert_int_equal(at(&g, ZERO_PAGE + 0x290), 0);
	assert_int_equal(at(&g, ZERO_PAGE + 0x2d0), 0);
	teardown(&g);
}

static void test_other_files(void **state)
{
	static const struct {
		unsigned at, len;
		const char *bytes, *said;
	} t[] = {
		{ 0, 5,
		  "\x7f"
		  "ELF\1",
		  "an ELF file" },
		{ 0, 5,
		  "\x7f"
		  "ELF\2",
		  "a 64-bit ELF file" },
		{ 0, 3, "\x1f\x8b\x08", "a gzip file" },
		{ 0, 6, "070701", "a cpio archive" },
		{ 0, 2, "MZ", "an EFI or DOS program" },
		{ 0x8001, 5, "CD001", "an ISO 9660 image" },
		{ 0x1fe, 2, "\x55\xaa", "a boot sector or disk image" },
		{ 0x202, 4, "HdrS", "a damaged one: no boot flag" },
		{ 0x1000, 12, "\x02\xb0\xad\x1b\0\0\0\0\xfe\x4f\x52\xe4", "a Multiboot kernel" },
		{ 0, 1, "\1", "of an unknown kind" },
	};
	struct guest g;
	char *file = calloc(1, 0x9000);

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		setup(&g);
		memset(file, 0, 0x9000);
		memcpy(file + t[i].at, t[i].bytes, t[i].len);
		g.li.kernel = (u8 *)file;
		g.li.kernel_size = 0x9000;
		refused(&g, E_INVAL, t[i].said);
	}
	setup(&g);
	memcpy(file,
	       "\x7f"
	       "ELF\1",
	       5);
	memcpy(file + 0x40, "\x02\xb0\xad\x1b\0\0\0\0\xfe\x4f\x52\xe4", 12);
	g.li.kernel = (u8 *)file;
	g.li.kernel_size = 0x9000;
	refused(&g, E_INVAL, "not a Linux kernel but an ELF file with a Multiboot header");
	setup(&g);
	g.li.kernel_size = 0;
	refused(&g, E_INVAL, "an empty file");
	setup(&g);
	g.li.kernel = (const u8 *)"[vm a]\nkernel = k\n";
	g.li.kernel_size = 18;
	refused(&g, E_INVAL, "a text file");
	free(file);
}

/* The loader's own things lie above all that a decompressor uses below 640K: until 2.6.20 it moves
 * code to 1000h and unpacks from 2000h up to the zero page. */
static void test_places(void **state)
{
	struct guest g;

	(void)state;
	setup(&g);
	started(&g);
	assert_int_equal(g.cpu.gpr[REG_ESI], ZERO_PAGE);
	assert_true(g.cpu.gdtr.base >= ZERO_PAGE + PAGE_SIZE && g.cpu.gdtr.base < 0x9fc00);
	assert_true(at(&g, ZERO_PAGE + HDR_CMDLINE) >= ZERO_PAGE + PAGE_SIZE);
	for (gpa_t a = 0; a < ZERO_PAGE; a += 4)
		assert_int_equal(at(&g, a), 0);
	teardown(&g);
}

static void test_loaded(void **state)
{
	struct guest g;
	u32 initrd;

	(void)state;
	setup(&g);
	g.li.initrd = g.image;
	g.li.initrd_size = 5000;
	started(&g);
	assert_int_equal(g.cpu.eip, 0x100000);
	assert_int_equal(g.cpu.cr0 & (CR0_PE | CR0_PG), CR0_PE);
	assert_int_equal(g.cpu.vif, 0);
	assert_int_equal(g.cpu.seg[SEG_CS].sel, 0x10);
	assert_int_equal(g.cpu.seg[SEG_DS].sel, 0x18);
	assert_int_equal(g.cpu.seg[SEG_CS].limit, 0xffffffff);
	assert_int_equal(at(&g, g.cpu.gdtr.base + 0x14), 0x00cf9b00);
	assert_int_equal(at(&g, g.cpu.gdtr.base + 0x1c), 0x00cf9300);
	has_kernel(&g, 0x100000);
	assert_int_equal(at(&g, ZERO_PAGE + HDR_MAGIC), 0x53726448);
	assert_int_equal(at(&g, ZERO_PAGE + HDR_LOADER) & 0xff, 0xff);
	assert_int_equal(at(&g, ZERO_PAGE + 0x70), 0xe0000);
	assert_int_equal(at(&g, ZERO_PAGE + 2) & 0xffff, 7 * 1024);
	assert_int_equal(at(&g, ZERO_PAGE + 0x1e0), 7 * 1024);
	assert_int_equal(at(&g, ZERO_PAGE + 0x1e8) & 0xff, 4);
	assert_int_equal(at(&g, ZERO_PAGE + 0x2d0 + 16), 1);
	initrd = at(&g, ZERO_PAGE + HDR_RAMDISK);
	assert_int_equal(at(&g, ZERO_PAGE + HDR_RAMDISK_SIZE), 5000);
	assert_int_equal(initrd % PAGE_SIZE, 0);
	assert_in_range(initrd + 5000, RAM - PAGE_SIZE, RAM);
	assert_memory_equal(g.ram + initrd, g.image, 5000);
	teardown(&g);
}

/* In slices of any size the same bytes arrive, and no slice is larger than asked for. */
static void test_slices(void **state)
{
	static const u32 sizes[] = { 1, 7, 4096, 5000, 0x1c00, 0x1c01, 1 << 20 };
	struct guest g;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		u64 before = 0;
		unsigned steps = 1;

		setup(&g);
		g.li.initrd = g.image;
		g.li.initrd_size = 5000;
		assert_int_equal(linux_boot_begin(&g.boot, &g.li, RAM), 0);
		assert_int_equal(g.boot.total, 5000 + 0x1c00);
		while (linux_boot_copy(&g.boot, &g.mem, sizes[i])) {
			assert_int_equal(g.boot.copied - before, sizes[i]);
			before = g.boot.copied;
			steps++;
		}
		assert_int_equal(steps, (g.boot.total + sizes[i] - 1) / sizes[i]);
		has_kernel(&g, 0x100000);
		assert_memory_equal(g.ram + g.boot.initrd_at, g.image, 5000);
		teardown(&g);
	}
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
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_memory_needed),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_boundless_cmdline),
		cmocka_unit_test(test_real_mode_only),
		cmocka_unit_test(test_64_bit),
		cmocka_unit_test(test_low),
		cmocka_unit_test(test_low_too_large),
		cmocka_unit_test(test_long_header),
		cmocka_unit_test(test_other_files),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_loaded),
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_e820),
	};

	return cmocka_run_group_tests_name("linux_boot", tests, NULL, NULL);
}
