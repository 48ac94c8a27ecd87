/* SPDX-License-Identifier: MIT */
/*
 * Reads the setup header field by field, by protocol version, and refuses what cannot run, with the
 * reason.
 */
#include "vmm/load/linux_header.h"

#include "kernel/base/error.h"
#include "kernel/base/print.h"
#include "kernel/base/string.h"
#include "vmm/load/file_kind.h"

#define SECTOR		  512u
#define LOW_LOAD	  0x1000u     /* a zImage, where its setup code would have moved it */
#define LOW_LOADED	  0x10000u    /* where a loader leaves it for that */
#define LOW_LOAD_END	  0x90000u    /* above lies the zero page */
#define OLD_INITRD_MAX	  0x37ffffffu /* until 2.02 */
#define OLD_CMDLINE_MAX	  255u	      /* until 2.05 */
#define OLD_SETUP_SECTS	  4u	      /* for 0 */
#define LONG_MODE_WITHIN  0x200u      /* of a 64-bit kernel's 32-bit code: its 64-bit entry */
#define ENTRY_PROMISED	  0x208u
#define KERNEL_NAME_SHOWN 40

/* Bytes at an offset, little-endian; what lies behind the file's end reads as zeros. */
static u64 field(const u8 *file, size_t size, unsigned at, unsigned bytes)
{
	u64 v = 0;

	for (unsigned i = 0; i < bytes && at + i < size; i++)
		v |= (u64)file[at + i] << 8 * i;
	return v;
}

/* The text that the kernel calls itself by, in quotes, or "". */
static const char *kernel_name(const u8 *file, size_t size, const struct linux_header *h, char *out,
			       size_t out_size)
{
	u32 at = (u32)field(file, size, HDR_KERNEL_VERSION, 2) + HDR_JUMP;
	char name[KERNEL_NAME_SHOWN + 1];
	unsigned n = 0;

	out[0] = '\0';
	if (at == HDR_JUMP)
		return out;
	while (n < KERNEL_NAME_SHOWN && at + n < MIN(size, h->setup_size) && file[at + n] >= ' ' &&
	       file[at + n] < 0x7f && file[at + n] != '(') {
		name[n] = (char)file[at + n];
		n++;
	}
	while (n && name[n - 1] == ' ')
		n--;
	name[n] = '\0';
	if (n)
		fmt_print(out, out_size, "\"%s\": ", name);
	return out;
}

/*
 * Before 2.12 no flag tells a 64-bit kernel. All of them reach long mode the same way, in the code
 * between the two entries: mov ecx, EFER; rdmsr; bts eax, 8 (LME).
 */
static bool turns_long_mode_on(const u8 *code, size_t size)
{
	static const u8 how[] = {
		0xb9, 0x80, 0x00, 0x00, 0xc0, 0x0f, 0x32, 0x0f, 0xba, 0xe8, 0x08
	};

	for (size_t i = 0; i + sizeof(how) <= MIN(size, (size_t)LONG_MODE_WITHIN); i++)
		if (!memcmp(code + i, how, sizeof(how)))
			return true;
	return false;
}

static bool needs_long_mode(const u8 *file, size_t size, const struct linux_header *h)
{
	if (h->version >= 0x20c)
		return field(file, size, HDR_XLOADFLAGS, 2) & XLOADFLAGS_64;
	return turns_long_mode_on(file + h->setup_size, h->size);
}

/*
 * Whether there is something to enter in protected mode. The 32-bit entry is part of the protocol
 * since 2.6.24 (2.08 and later); what is 0 then has its default. Every Linux before has one all the
 * same, and its build writes where it is and how long the code is. Programs that use the header
 * only to be loaded, and run from their real-mode code, leave out one of the two.
 */
static const char *missing_entry(const u8 *file, size_t size, const struct linux_header *h)
{
	if (h->version >= ENTRY_PROMISED)
		return NULL;
	if (!field(file, size, HDR_CODE32_START, 4))
		return "code32_start is 0";
	if (!field(file, size, HDR_SYSSIZE, h->version >= 0x204 ? 4 : 2) && h->size % MiB)
		return "syssize is 0";
	return NULL;
}

/*
 * What the kernel's memory must reach, by the rules of init_size and pref_address: the kernel moves
 * to its run-time address before it knows what memory there is. Before 2.10 only the file's own
 * size is known.
 */
static u64 memory_needed(const u8 *file, size_t size, const struct linux_header *h)
{
	u64 end = (u64)h->load_at + h->size, run_at = h->load_at, align;

	if (h->version < 0x20a)
		return end;

	u64 preferred = field(file, size, HDR_PREF_ADDRESS, 8);
	u64 init_size = field(file, size, HDR_INIT_SIZE, 4);

	if (field(file, size, HDR_RELOCATABLE, 1)) {
		align = field(file, size, HDR_ALIGNMENT, 4);
		run_at = MAX(run_at, preferred);
		if (align && !(align & (align - 1)))
			run_at = (run_at + align - 1) & ~(align - 1);
	} else if (preferred) {
		run_at = preferred;
	}
	return run_at + init_size < run_at ? UINT64_MAX : MAX(end, run_at + init_size);
}

static void read_fields(const u8 *file, size_t size, struct linux_header *h)
{
	unsigned sects = (unsigned)field(file, size, HDR_SETUP_SECTS, 1);

	h->version = (unsigned)field(file, size, HDR_VERSION, 2);
	h->fields_end = MIN(HDR_MAGIC + (unsigned)field(file, size, HDR_JUMP + 1, 1), HDR_END);
	h->setup_size = ((sects ? sects : OLD_SETUP_SECTS) + 1) * SECTOR;
	h->size = size > h->setup_size ? (u32)(size - h->setup_size) : 0;
	h->entry = (u32)field(file, size, HDR_CODE32_START, 4);
	if (field(file, size, HDR_LOADFLAGS, 1) & LOADFLAGS_HIGH)
		h->load_at = LINUX_HIGH_LOAD;
	else
		h->load_at = h->entry < LOW_LOADED ? LOW_LOAD : LOW_LOADED;
	if (!h->entry)
		h->entry = h->load_at;
	h->initrd_max = OLD_INITRD_MAX;
	if (h->version >= 0x203)
		h->initrd_max = (u32)field(file, size, HDR_INITRD_MAX, 4);
	h->cmdline_max = OLD_CMDLINE_MAX;
	if (h->version >= 0x206)
		h->cmdline_max = (u32)field(file, size, HDR_CMDLINE_SIZE, 4);
	h->needs = memory_needed(file, size, h);
}

/* Shorter than the header says? The last unit may be cut short. Until 2.03 the size has 16 bits,
 * which a kernel that loads high exceeds. */
static bool is_cut_short(const u8 *file, size_t size, const struct linux_header *h)
{
	bool high = h->load_at == LINUX_HIGH_LOAD;

	if (h->version < 0x204 && high)
		return false;
	return h->size + 15ull < field(file, size, HDR_SYSSIZE, h->version >= 0x204 ? 4 : 2) * 16;
}

static void say_what_it_is(const u8 *file, size_t size, char *why, size_t why_size)
{
	const char *kind = file_kind(file, size);

	if (!kind && size < HDR_VERSION + 2)
		fmt_print(why, why_size, "truncated: not even a setup header");
	else
		fmt_print(why, why_size, "not a Linux kernel but %s",
			  kind ? kind : "of an unknown kind (no boot flag AA55h, no HdrS)");
}

static bool has_header(const u8 *file, size_t size)
{
	return field(file, size, HDR_BOOT_FLAG, 2) == 0xaa55 && size > HDR_VERSION + 1 &&
	       !memcmp(file + HDR_MAGIC, "HdrS", 4);
}

int linux_header_read(const u8 *file, size_t size, struct linux_header *h, char *why,
		      size_t why_size)
{
	char name[KERNEL_NAME_SHOWN + 8];
	const char *missing;

	*h = (struct linux_header){ 0 };
	why[0] = '\0';
	if (!has_header(file, size)) {
		say_what_it_is(file, size, why, why_size);
		return E_INVAL;
	}
	read_fields(file, size, h);
	kernel_name(file, size, h, name, sizeof(name));
	missing = h->size ? missing_entry(file, size, h) : NULL;
	if (h->version < 0x200)
		fmt_print(why, why_size, "%sboot protocol %u.%02u; 2.00 is the oldest there is",
			  name, h->version >> 8, h->version & 0xff);
	else if (!h->size)
		fmt_print(why, why_size, "truncated: ends inside its setup code");
	else if (is_cut_short(file, size, h))
		fmt_print(why, why_size, "truncated: shorter than its header says");
	else if (missing)
		fmt_print(why, why_size,
			  "%sstarts in real mode only (%s) and needs a BIOS, which this machine "
			  "does not have",
			  name, missing);
	else if (needs_long_mode(file, size, h))
		fmt_print(why, why_size, "%sa 64-bit kernel: this VM is 32-bit", name);
	else if (h->load_at != LINUX_HIGH_LOAD && h->load_at + (u64)h->size > LOW_LOAD_END)
		fmt_print(why, why_size, "%sloads low (zImage) but is larger than the %u KiB there",
			  name, (LOW_LOAD_END - h->load_at) / 1024);
	else if (h->entry < h->load_at || h->entry - h->load_at >= h->size)
		fmt_print(why, why_size, "%sits entry (code32_start %x) is outside its code", name,
			  h->entry);
	return why[0] ? E_INVAL : 0;
}
