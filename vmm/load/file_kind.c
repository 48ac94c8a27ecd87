/* SPDX-License-Identifier: MIT */
/*
 * A table of magic numbers and where they are, and the search in it.
 */
#include "vmm/load/file_kind.h"

#include "kernel/base/string.h"

#define MULTIBOOT1	  0x1badb002u
#define MULTIBOOT1_WITHIN 8192u
#define MULTIBOOT2	  0xe85250d6u
#define MULTIBOOT2_WITHIN 32768u
#define TEXT_LOOKED_AT	  64u
#define EFI_SMALLEST	  1024u /* less may be the begin of a Linux kernel with an EFI stub */

static const struct {
	u32 at;
	u8 size;
	char magic[9];
	const char *kind;
} kinds[] = {
	{ 0, 2, "\x1f\x8b", "a gzip file" },
	{ 0, 3, "BZh", "a bzip2 file" },
	{ 0, 6,
	  "\xfd"
	  "7zXZ\0",
	  "an xz file" },
	{ 0, 4, "\x28\xb5\x2f\xfd", "a zstd file" },
	{ 0, 4, "\x02\x21\x4c\x18", "an lz4 file" },
	{ 0, 3, "\x5d\0\0", "an lzma file" },
	{ 0, 5, "07070", "a cpio archive (an initrd?)" },
	{ 257, 5, "ustar", "a tar archive" },
	{ 0, 4, "hsqs", "a squashfs image" },
	{ 0, 4, "QFI\xfb", "a qcow2 disk image" },
	{ 0, 4, "PK\3\4", "a zip file" },
	{ 0, 7, "!<arch>", "a Debian package or an ar archive" },
	{ 0, 4, "\x27\x05\x19\x56", "a U-Boot image" },
	{ 0, 8, "ANDROID!", "an Android boot image" },
	{ 0x8001, 5, "CD001", "an ISO 9660 image" },
	{ 0x202, 4, "HdrS", "a damaged one: no boot flag AA55h" },
	{ 0x1fe, 2, "\x55\xaa",
	  "a boot sector or disk image, or a kernel from before boot protocol 2.00 (no HdrS)" },
};

static u32 word_at(const u8 *p)
{
	return p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

/* A Multiboot header is 4 or 8 aligned words whose sum is 0: magic, flags and checksum; or magic,
 * architecture, length and checksum. */
static bool has_multiboot(const u8 *file, size_t size, u32 magic, size_t within, unsigned words)
{
	for (size_t at = 0; at + words * 4 <= MIN(size, within); at += 4) {
		u32 sum = 0;

		if (word_at(file + at) != magic)
			continue;
		for (unsigned i = 0; i < words; i++)
			sum += word_at(file + at + i * 4);
		if (!sum)
			return true;
	}
	return false;
}

static const char *elf_kind(const u8 *file, size_t size)
{
	bool is_multiboot = has_multiboot(file, size, MULTIBOOT1, MULTIBOOT1_WITHIN, 3) ||
			    has_multiboot(file, size, MULTIBOOT2, MULTIBOOT2_WITHIN, 4);

	if (is_multiboot)
		return "an ELF file with a Multiboot header";
	return size > 4 && file[4] == 2 ? "a 64-bit ELF file"
					: "an ELF file (vmlinux in place of bzImage?)";
}

static bool is_text(const u8 *file, size_t size)
{
	for (size_t i = 0; i < MIN(size, (size_t)TEXT_LOOKED_AT); i++)
		if (file[i] < ' ' && file[i] != '\n' && file[i] != '\r' && file[i] != '\t')
			return false;
	return true;
}

const char *file_kind(const u8 *file, size_t size)
{
	if (!size)
		return "an empty file";
	if (size >= 4 && !memcmp(file,
				 "\x7f"
				 "ELF",
				 4))
		return elf_kind(file, size);
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].at + kinds[i].size <= size &&
		    !memcmp(file + kinds[i].at, kinds[i].magic, kinds[i].size))
			return kinds[i].kind;
	if (has_multiboot(file, size, MULTIBOOT1, MULTIBOOT1_WITHIN, 3))
		return "a Multiboot kernel";
	if (size >= EFI_SMALLEST && !memcmp(file, "MZ", 2))
		return "an EFI or DOS program without Linux's header (HdrS)";
	return is_text(file, size) ? "a text file" : NULL;
}
