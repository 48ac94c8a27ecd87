/* SPDX-License-Identifier: MIT */
/*
 * Multiboot 1 (0.6.96) and Multiboot 2 (2.0) information. Everything is copied; only module
 * contents are left in place.
 */
#include "boot/multiboot.h"

#include "arch/mem/kmap.h"
#include "boot/lib/bootinfo.h"
#include "kernel/base/string.h"
#include "kernel/lib/module.h"

#define MAGIC1 0x2badb002u
#define MAGIC2 0x36d76289u

struct boot_info boot_info;

/* --- Common */

static void add_range(u64 start, u64 length, u32 type)
{
	static const enum boot_range_kind kinds[] = { BOOT_RESERVED, BOOT_RAM, BOOT_RESERVED,
						      BOOT_ACPI,     BOOT_NVS, BOOT_BAD };
	unsigned n = boot_info.ranges;

	if (n == BOOT_MAX_RANGES || !length || start + length < start)
		return;
	/* Insertion keeps the table sorted by start. */
	while (n && boot_info.range[n - 1].start > start) {
		boot_info.range[n] = boot_info.range[n - 1];
		n--;
	}
	boot_info.range[n] = (struct boot_range){
		.start = start,
		.end = start + length,
		.kind = type < ARRAY_SIZE(kinds) ? kinds[type] : BOOT_RESERVED,
	};
	boot_info.ranges++;
}

/* The string's first word. %XX in it is a byte: GRUB's shell and ours would take blanks, quotes, $
 * and } for their own, so iso/mkimage writes them so. */
static void copy_name(char *to, size_t size, const char *string)
{
	while (*string == ' ')
		string++;
	for (; *string && *string != ' ' && size > 1; size--) {
		int high = *string == '%' ? hex_digit(string[1]) : -1;
		int low = high < 0 ? -1 : hex_digit(string[2]);

		*to++ = low < 0 ? *string : (char)(high << 4 | low);
		string += low < 0 ? 1 : 3;
	}
	*to = '\0';
}

static void add_module(u64 start, u64 end, const char *string)
{
	struct module *m = end < start ? NULL : module_add();

	if (!m)
		return;
	copy_name(m->name, sizeof(m->name), string);
	m->data = direct_ptr(start);
	m->size = end - start;
}

static void set_framebuffer(hpa_t base, u32 pitch, u32 width, u32 height, u8 bpp, u8 type,
			    const u8 *color)
{
	struct screen_mode *fb = &boot_info.fb;

	if (type == 0 || width == 0) /* indexed colour: not supported, the screen stays dark */
		return;
	*fb = (struct screen_mode){
		.base = base,
		.pitch = pitch,
		.width = width,
		.height = height,
		.bpp = bpp,
		.text = type == 2,
	};
	if (type != 1)
		return;
	fb->red_pos = color[0];
	fb->red_size = color[1];
	fb->green_pos = color[2];
	fb->green_size = color[3];
	fb->blue_pos = color[4];
	fb->blue_size = color[5];
}

/* --- Multiboot 1 */

struct mb1_info {
	u32 flags, mem_lower, mem_upper, boot_device, cmdline;
	u32 mods_count, mods_addr, syms[4];
	u32 mmap_length, mmap_addr, drives_length, drives_addr, config_table, loader_name,
		apm_table;
	u32 vbe[4];
	u64 fb_addr;
	u32 fb_pitch, fb_width, fb_height;
	u8 fb_bpp, fb_type, fb_color[6];
} __attribute__((packed));

struct mb1_module {
	u32 start, end, string, reserved;
};

struct mb1_mmap {
	u32 size; /* of what follows */
	u64 base, length;
	u32 type;
} __attribute__((packed));

#define MB1_CMDLINE BIT(2)
#define MB1_MODULES BIT(3)
#define MB1_MMAP    BIT(6)
#define MB1_LOADER  BIT(9)
#define MB1_FB	    BIT(12)

/* A Multiboot 1 command line begins with the image's own file name, except from GRUB 2. */
static void set_cmdline(const char *s, bool skip_name)
{
	if (skip_name) {
		while (*s && *s != ' ')
			s++;
	}
	while (*s == ' ')
		s++;
	str_copy(boot_info.cmdline, s, sizeof(boot_info.cmdline));
}

static void parse1(const struct mb1_info *mb)
{
	if (mb->flags & MB1_LOADER)
		str_copy(boot_info.loader, direct_ptr(mb->loader_name), sizeof(boot_info.loader));
	if (mb->flags & MB1_CMDLINE)
		set_cmdline(direct_ptr(mb->cmdline), strncmp(boot_info.loader, "GRUB 2", 6) != 0);
	if (mb->flags & MB1_MODULES) {
		const struct mb1_module *m = direct_ptr(mb->mods_addr);

		for (u32 i = 0; i < mb->mods_count; i++)
			add_module(m[i].start, m[i].end,
				   m[i].string ? direct_ptr(m[i].string) : "");
	}
	if (mb->flags & MB1_MMAP) {
		for (u32 at = 0; at + sizeof(struct mb1_mmap) <= mb->mmap_length;) {
			const struct mb1_mmap *e = direct_ptr(mb->mmap_addr + at);

			add_range(e->base, e->length, e->type);
			at += e->size + 4;
		}
	} else {
		add_range(0, mb->mem_lower * KiB, 1);
		add_range(MiB, mb->mem_upper * KiB, 1);
	}
	if (mb->flags & MB1_FB)
		set_framebuffer(mb->fb_addr, mb->fb_pitch, mb->fb_width, mb->fb_height, mb->fb_bpp,
				mb->fb_type, mb->fb_color);
}

/* --- Multiboot 2 */

struct mb2_tag {
	u32 type, size;
	u8 data[];
};

struct mb2_mmap {
	u32 entry_size, version;
	struct mb2_mmap_entry {
		u64 base, length;
		u32 type, zero;
	} entry[];
};

struct mb2_fb {
	u64 addr;
	u32 pitch, width, height;
	u8 bpp, type;
	u16 reserved;
	u8 color[6];
} __attribute__((packed));

enum {
	MB2_END,
	MB2_CMDLINE,
	MB2_LOADER,
	MB2_MODULE,
	MB2_MMAP = 6,
	MB2_FB = 8,
	MB2_RSDP1 = 14,
	MB2_RSDP2 = 15
};

static void parse_mmap2(const struct mb2_tag *t)
{
	const struct mb2_mmap *m = (const void *)t->data;
	u32 end = t->size - (u32)sizeof(*t);

	for (u32 at = (u32)sizeof(*m); m->entry_size && at + m->entry_size <= end;
	     at += m->entry_size) {
		const struct mb2_mmap_entry *e = (const void *)(t->data + at);

		add_range(e->base, e->length, e->type);
	}
}

static void parse_tag2(const struct mb2_tag *t)
{
	const struct mb2_fb *fb = (const void *)t->data;
	const u32 *word = (const void *)t->data;

	switch (t->type) {
	case MB2_CMDLINE:
		set_cmdline((const char *)t->data, false);
		return;
	case MB2_LOADER:
		str_copy(boot_info.loader, (const char *)t->data, sizeof(boot_info.loader));
		return;
	case MB2_MODULE:
		add_module(word[0], word[1], (const char *)(word + 2));
		return;
	case MB2_MMAP:
		parse_mmap2(t);
		return;
	case MB2_FB:
		set_framebuffer(fb->addr, fb->pitch, fb->width, fb->height, fb->bpp, fb->type,
				fb->color);
		return;
	case MB2_RSDP1:
		/* A copy of the table itself; the newer one wins. */
		if (!boot_info.rsdp_copy_size)
			goto copy;
		return;
	case MB2_RSDP2:
	copy:
		boot_info.rsdp_copy_size =
			MIN(t->size - (u32)sizeof(*t), (u32)sizeof(boot_info.rsdp_copy));
		memcpy(boot_info.rsdp_copy, t->data, boot_info.rsdp_copy_size);
		boot_info.rsdp = kmap_hpa(boot_info.rsdp_copy);
		return;
	default:
		return;
	}
}

static void parse2(const u8 *info)
{
	u32 total = *(const u32 *)(const void *)info;

	for (u32 at = 8; at + sizeof(struct mb2_tag) <= total;) {
		const struct mb2_tag *t = (const void *)(info + at);

		if (t->type == MB2_END || t->size < sizeof(*t))
			return;
		parse_tag2(t);
		at += ALIGN_UP(t->size, 8u);
	}
}

void multiboot_parse(u32 magic, u32 info)
{
	if (magic == MAGIC1)
		parse1(direct_ptr(info));
	else if (magic == MAGIC2)
		parse2(direct_ptr(info));
}
