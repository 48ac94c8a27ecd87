/* SPDX-License-Identifier: MIT */
/*
 * Direct Linux boot: lays out the zero page, command line, kernel and initrd, and puts the CPU at
 * the 32-bit entry point.
 *
 *     1000h  GDT of the boot protocol     2000h  zero page     3000h  command line
 *     100000h  protected-mode kernel      below the RAM's end: initrd
 */
#include "vmm/linux_boot.h"

#include "kernel/base/error.h"
#include "kernel/base/string.h"

#define GDT_AT	    0x1000u
#define ZERO_PAGE   0x2000u
#define CMDLINE_AT  0x3000u
#define CMDLINE_MAX 0x1000u
#define KERNEL_AT   0x100000u
#define LOW_END	    0x9fc00u

#define HDR_SETUP_SECTS 0x1f1u
#define HDR_SYSSIZE	0x1f4u /* of the protected-mode part, in units of 16 bytes */
#define HDR_BOOT_FLAG	0x1feu
#define HDR_MAGIC	0x202u
#define HDR_VERSION	0x206u
#define HDR_LOADER	0x210u
#define HDR_LOADFLAGS	0x211u
#define HDR_RAMDISK	0x218u
#define HDR_RAMDISK_LEN 0x21cu
#define HDR_CMDLINE	0x228u
#define HDR_INITRD_MAX	0x22cu
#define HDR_CMDLINE_LEN 0x238u
#define HDR_INIT_SIZE	0x260u
#define ZP_E820_COUNT	0x1e8u
#define ZP_E820		0x2d0u
#define ZP_RSDP		0x070u

static u32 get32(const u8 *p)
{
	return p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

static void put32(u8 *p, u32 v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (u8)(v >> 8 * i);
}

unsigned linux_e820(u64 ram_size, struct e820_entry *out, unsigned max)
{
	const struct e820_entry map[] = {
		{ 0, LOW_END, 1 },
		{ LOW_END, 0xa0000 - LOW_END, 2 },
		{ 0xe0000, 0x20000, 2 }, /* ACPI tables and where a BIOS would be */
		{ KERNEL_AT, ram_size - KERNEL_AT, 1 },
	};
	unsigned n = MIN((unsigned)ARRAY_SIZE(map), max);

	memcpy(out, map, n * sizeof(map[0]));
	return n;
}

static int check(const struct linux_image *im, u32 *setup_size, const char **why)
{
	const u8 *k = im->kernel;
	unsigned sects;

	*why = "truncated: not even a setup header";
	if (im->kernel_size < 0x400)
		return E_INVAL;
	*why = "not a bzImage (no boot flag AA55h or no HdrS)";
	if (k[HDR_BOOT_FLAG] != 0x55 || k[HDR_BOOT_FLAG + 1] != 0xaa ||
	    memcmp(k + HDR_MAGIC, "HdrS", 4))
		return E_INVAL;
	*why = "boot protocol older than 2.02";
	if ((k[HDR_VERSION] | k[HDR_VERSION + 1] << 8) < 0x202)
		return E_INVAL;
	*why = "a zImage that loads low is not supported";
	if (!(k[HDR_LOADFLAGS] & 1))
		return E_INVAL;
	sects = k[HDR_SETUP_SECTS] ? k[HDR_SETUP_SECTS] : 4;
	*setup_size = (sects + 1) * 512;
	*why = "truncated: ends inside its setup code";
	return im->kernel_size <= *setup_size ? E_INVAL : 0;
}

/* Before 2.04 the size had 16 bits, which a bzImage exceeds. The last unit may be cut short. */
static int check_complete(const struct linux_image *im, u32 kernel_size, const char **why)
{
	const u8 *k = im->kernel;
	u64 wanted = (u64)get32(k + HDR_SYSSIZE) * 16;

	*why = "truncated: shorter than its header says";
	if ((k[HDR_VERSION] | k[HDR_VERSION + 1] << 8) < 0x204)
		return 0;
	return kernel_size + 15ull < wanted ? E_INVAL : 0;
}

static int place_initrd(const struct linux_image *im, u64 ram_size, u32 kernel_end, u32 *at,
			const char **why)
{
	u32 max = get32(im->kernel + HDR_INITRD_MAX);
	u64 top = MIN(ram_size, (u64)(max ? max : 0x37ffffff) + 1);

	*at = 0;
	if (!im->initrd_size)
		return 0;
	*why = "the initrd does not fit above the kernel: give the machine more memory";
	if (im->initrd_size > top)
		return E_NOMEM;
	*at = (u32)((top - im->initrd_size) & PAGE_MASK);
	return *at < kernel_end ? E_NOMEM : 0;
}

static void set_cpu(struct cpu *cpu, struct gpmem *mem)
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
	cpu->gpr[REG_ESP] = ZERO_PAGE;
	cpu->eip = KERNEL_AT;
	cpu->cr0 = CR0_PE | CR0_ET;
	cpu->cr3 = cpu->cr4 = 0;
	cpu->cpl = 0;
	cpu->halted = false;
	cpu_set_eflags(cpu, EFLAGS_ONE);
}

int linux_load(struct cpu *cpu, struct gpmem *mem, u64 ram_size, const struct linux_image *im,
	       const char **why)
{
	u8 zp[PAGE_SIZE] = { 0 };
	u32 setup, kernel_size, initrd_at, init_size, cmdline_max;
	u32 rsdp = (u32)im->rsdp;
	int err = check(im, &setup, why);

	if (err)
		return err;
	kernel_size = (u32)(im->kernel_size - setup);
	err = check_complete(im, kernel_size, why);
	if (err)
		return err;
	init_size = get32(im->kernel + HDR_INIT_SIZE);
	*why = "the kernel does not fit: give the machine more memory";
	if (KERNEL_AT + (u64)MAX(kernel_size, init_size) > ram_size)
		return E_NOMEM;
	err = place_initrd(im, ram_size, KERNEL_AT + MAX(kernel_size, init_size), &initrd_at, why);
	if (err)
		return err;
	cmdline_max = get32(im->kernel + HDR_CMDLINE_LEN);
	*why = "the command line is longer than the kernel allows";
	if (strlen(im->cmdline) >= MIN(cmdline_max ? cmdline_max + 1 : 256, CMDLINE_MAX))
		return E_INVAL;

	/* The header is copied from its start to its end (2.02+: 202h + the byte at 201h). */
	memcpy(zp + HDR_SETUP_SECTS, im->kernel + HDR_SETUP_SECTS,
	       0x202u + im->kernel[0x201] - HDR_SETUP_SECTS);
	zp[HDR_LOADER] = 0xff;
	zp[HDR_LOADFLAGS] |= 1;
	put32(zp + HDR_RAMDISK, initrd_at);
	put32(zp + HDR_RAMDISK_LEN, (u32)im->initrd_size);
	put32(zp + HDR_CMDLINE, CMDLINE_AT);
	put32(zp + ZP_RSDP, rsdp);
	zp[ZP_E820_COUNT] = (u8)im->e820_entries;
	memcpy(zp + ZP_E820, im->e820, im->e820_entries * sizeof(*im->e820));
	/* screen_info: 80x25 colour text at B8000h */
	zp[0x06] = 3;
	zp[0x07] = 80;
	zp[0x0e] = 25;
	zp[0x0f] = 1;
	zp[0x10] = 16;

	gpmem_write(mem, ZERO_PAGE, zp, sizeof(zp));
	gpmem_write(mem, CMDLINE_AT, im->cmdline, (u32)strlen(im->cmdline) + 1);
	gpmem_write(mem, KERNEL_AT, im->kernel + setup, kernel_size);
	if (im->initrd_size)
		gpmem_write(mem, initrd_at, im->initrd, (u32)im->initrd_size);
	set_cpu(cpu, mem);
	return 0;
}
