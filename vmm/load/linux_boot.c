/* SPDX-License-Identifier: MIT */
/*
 * Lays out the zero page, command line, kernel and initrd, and puts the CPU at the 32-bit entry.
 *
 *     1000h   a zImage                          90000h  zero page
 *     100000h a bzImage                         91000h  GDT of the boot protocol
 *     below the RAM's end: initrd               92000h  command line
 *
 * The zero page lies where real-mode code lies at a boot by BIOS, and all of the loader's behind
 * it: until 2.6.20 the decompressor moves code to 1000h while it still uses the loader's GDT, and
 * unpacks to 2000h and up, below the zero page. Kernels before 2.02 look for the command line's
 * offset at 90020h.
 */
#include "vmm/load/linux_boot.h"

#include "emu/cpu/mtrr.h"
#include "kernel/base/error.h"
#include "kernel/base/print.h"
#include "kernel/base/string.h"
#include "kernel/hw/pc_layout.h"

#define ZERO_PAGE     0x90000u
#define GDT_AT	      0x91000u
#define CMDLINE_AT    0x92000u
#define CMDLINE_SIZE  2048u
#define BIOS_DATA_END 0x500u
#define CMDLINE_MAX   0x8000u /* with its NUL */
#define STACK_AT      0x9f000u

#define LOADER_UNDEFINED 0xffu
#define HEAP_END	 0xde00u /* as offset in the real-mode segment, less 200h */
#define E820_RAM	 1u
#define E820_RESERVED	 2u

/* The zero page beside the header (Linux, Documentation/arch/x86/zero-page.rst). */
#define ZP_EXT_MEM_K	  0x002u /* KiB above 1 MiB, 16 bits: until 2.6.20 kernels need it */
#define ZP_VIDEO_MODE	  0x006u
#define ZP_VIDEO_COLS	  0x007u
#define ZP_VIDEO_LINES	  0x00eu
#define ZP_VIDEO_IS_VGA	  0x00fu
#define ZP_VIDEO_POINTS	  0x010u
#define ZP_OLD_CMDLINE	  0x020u /* until 2.01: magic, offset from the zero page */
#define ZP_RSDP		  0x070u
#define ZP_ALT_MEM_K	  0x1e0u /* the same as ext_mem_k, 32 bits */
#define ZP_E820_COUNT	  0x1e8u
#define ZP_E820		  0x2d0u
#define OLD_CMDLINE_MAGIC 0xa33fu

static void put16(u8 *p, u32 v)
{
	p[0] = (u8)v;
	p[1] = (u8)(v >> 8);
}

static void put32(u8 *p, u32 v)
{
	put16(p, v);
	put16(p + 2, v >> 16);
}

unsigned linux_e820(u64 ram_size, struct e820_entry *out, unsigned max)
{
	const struct e820_entry map[] = {
		{ 0, PC_EBDA, E820_RAM },
		{ PC_EBDA, PC_VIDEO - PC_EBDA, E820_RESERVED },
		{ PC_BIOS, PC_BIOS_SIZE, E820_RESERVED }, /* ACPI tables, where a BIOS would be */
		{ PC_HIGH, ram_size - PC_HIGH, E820_RAM },
	};
	unsigned n = MIN((unsigned)ARRAY_SIZE(map), max);

	memcpy(out, map, n * sizeof(map[0]));
	return n;
}

static int check_kernel_fits(struct linux_boot *b)
{
	if (b->header.needs <= b->ram_size)
		return 0;
	fmt_print(b->why, sizeof(b->why),
		  "the kernel does not fit: it needs at least %lluM; give the machine more memory",
		  (unsigned long long)((b->header.needs + MiB - 1) / MiB));
	return E_NOMEM;
}

static int check_cmdline(struct linux_boot *b)
{
	u32 most = MIN(b->header.cmdline_max, CMDLINE_MAX - 1);
	size_t len = strlen(b->image.cmdline);

	if (len <= most)
		return 0;
	fmt_print(b->why, sizeof(b->why),
		  "the command line is longer than the kernel allows: %u characters of %u",
		  (unsigned)len, most);
	return E_INVAL;
}

/* As high as RAM and kernel allow, above what the kernel needs for itself. */
static int place_initrd(struct linux_boot *b)
{
	u64 top = MIN(b->ram_size, (u64)b->header.initrd_max + 1), size = b->image.initrd_size;
	u64 lowest = MAX(b->header.needs, PC_HIGH);

	if (!size)
		return 0;
	b->initrd_at = size <= top ? (u32)((top - size) & PAGE_MASK) : 0;
	if (b->initrd_at >= lowest)
		return 0;
	if (top < b->ram_size)
		fmt_print(b->why, sizeof(b->why),
			  "the initrd does not fit between the kernel and %lluM, the highest "
			  "address that the kernel takes it at",
			  (unsigned long long)(top / MiB));
	else
		fmt_print(b->why, sizeof(b->why),
			  "the initrd does not fit above the kernel: it needs %lluM in all; give "
			  "the machine more memory",
			  (unsigned long long)((lowest + size + MiB - 1) / MiB));
	return E_NOMEM;
}

int linux_boot_begin(struct linux_boot *b, const struct linux_image *image, u64 ram_size)
{
	int err;

	memset(b, 0, sizeof(*b));
	b->image = *image;
	b->ram_size = ram_size;
	err = linux_header_read(image->kernel, image->kernel_size, &b->header, b->why,
				sizeof(b->why));
	if (!err)
		err = check_kernel_fits(b);
	if (!err)
		err = place_initrd(b);
	if (!err)
		err = check_cmdline(b);
	b->total = (u64)b->header.size + image->initrd_size;
	return err;
}

/* Of [from, from + size) the next bytes, which come after skip others. */
static u32 copy_part(struct linux_boot *b, struct gpmem *mem, u64 skip, const u8 *from, u64 size,
		     u32 to, u32 most)
{
	u64 done = b->copied - skip;
	u32 n = b->copied < skip || done >= size ? 0 : (u32)MIN(size - done, (u64)most);

	if (n)
		gpmem_write(mem, to + done, from + done, n);
	b->copied += n;
	return n;
}

bool linux_boot_copy(struct linux_boot *b, struct gpmem *mem, u32 most)
{
	const struct linux_header *h = &b->header;

	most -= copy_part(b, mem, 0, b->image.kernel + h->setup_size, h->size, h->load_at, most);
	copy_part(b, mem, h->size, b->image.initrd, b->image.initrd_size, b->initrd_at, most);
	return b->copied < b->total;
}

/* What the real-mode code would have found out, had it run. */
static void fill_memory(const struct linux_boot *b, u8 *zp)
{
	struct e820_entry map[8];
	unsigned n = linux_e820(b->ram_size, map, ARRAY_SIZE(map));
	u32 above_kib = (u32)((b->ram_size - PC_HIGH) / KiB);

	put16(zp + ZP_EXT_MEM_K, MIN(above_kib, 0xffffu));
	put32(zp + ZP_ALT_MEM_K, above_kib);
	zp[ZP_E820_COUNT] = (u8)n;
	memcpy(zp + ZP_E820, map, n * sizeof(map[0]));
}

static void fill_screen(u8 *zp)
{
	zp[ZP_VIDEO_MODE] = 3; /* colour text at B8000h */
	zp[ZP_VIDEO_COLS] = 80;
	zp[ZP_VIDEO_LINES] = 25;
	zp[ZP_VIDEO_IS_VGA] = 1;
	zp[ZP_VIDEO_POINTS] = 16;
}

static void fill_header(const struct linux_boot *b, u8 *zp)
{
	const struct linux_header *h = &b->header;

	memcpy(zp + HDR_SETUP_SECTS, b->image.kernel + HDR_SETUP_SECTS,
	       MIN((size_t)h->fields_end, b->image.kernel_size) - HDR_SETUP_SECTS);
	zp[HDR_LOADER] = LOADER_UNDEFINED;
	put32(zp + HDR_CODE32_START, h->entry);
	put32(zp + HDR_RAMDISK, b->initrd_at);
	put32(zp + HDR_RAMDISK_SIZE, (u32)b->image.initrd_size);
	if (h->version >= 0x201) {
		zp[HDR_LOADFLAGS] |= LOADFLAGS_HEAP;
		put16(zp + HDR_HEAP_END, HEAP_END);
	}
	if (h->version >= 0x202) {
		put32(zp + HDR_CMDLINE, CMDLINE_AT);
	} else {
		put16(zp + ZP_OLD_CMDLINE, OLD_CMDLINE_MAGIC);
		put16(zp + ZP_OLD_CMDLINE + 2, CMDLINE_AT - ZERO_PAGE);
	}
}

static void set_cpu(struct cpu *cpu, struct gpmem *mem, u32 entry)
{
	static const u64 gdt[4] = { 0, 0, 0x00cf9b000000ffffull, 0x00cf93000000ffffull };
	struct cpu_segment data = { .sel = 0x18, .attr = 0xc093, .limit = 0xffffffff };

	gpmem_write(mem, GDT_AT, gdt, sizeof(gdt));
	cpu->gdtr = (struct cpu_table){ GDT_AT, sizeof(gdt) - 1 };
	cpu->idtr = (struct cpu_table){ 0, 0 };
	for (int s = 0; s < SEG_COUNT; s++)
		cpu->seg[s] = data;
	cpu->seg[SEG_CS] = (struct cpu_segment){ .sel = 0x10, .attr = 0xc09b, .limit = 0xffffffff };
	cpu->ldtr = (struct cpu_segment){ .attr = SEG_ATTR_UNUSABLE };
	memset(cpu->gpr, 0, sizeof(cpu->gpr));
	cpu->gpr[REG_ESI] = ZERO_PAGE;
	cpu->gpr[REG_ESP] = STACK_AT;
	cpu->eip = entry;
	cpu->cr0 = CR0_PE | CR0_ET;
	cpu->cr3 = cpu->cr4 = 0;
	cpu->cpl = 0;
	cpu->halted = false;
	cpu_set_eflags(cpu, EFLAGS_ONE);
}

/* Linux copies as many bytes as its own buffer has. */
static void write_cmdline(const struct linux_boot *b, struct gpmem *mem)
{
	char text[CMDLINE_SIZE] = "";

	str_copy(text, b->image.cmdline, sizeof(text));
	gpmem_write(mem, CMDLINE_AT, text, sizeof(text));
}

void linux_boot_start(const struct linux_boot *b, struct cpu *cpu, struct gpmem *mem)
{
	u8 zp[PAGE_SIZE] = { 0 };

	fill_memory(b, zp);
	if (!b->image.no_screen)
		fill_screen(zp);
	fill_header(b, zp);
	put32(zp + ZP_RSDP, (u32)b->image.rsdp);
	gpmem_write(mem, ZERO_PAGE, zp, sizeof(zp));
	write_cmdline(b, mem);
	/* The vectors and data of a BIOS, of which there is none. Linux looks there. */
	memset(zp, 0, BIOS_DATA_END);
	gpmem_write(mem, 0, zp, BIOS_DATA_END);
	set_cpu(cpu, mem, b->header.entry);
	mtrr_as_firmware(cpu, b->ram_size <= 2 * GiB ? 0x80000000 : 0xc0000000);
}
