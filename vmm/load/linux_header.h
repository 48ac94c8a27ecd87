/* SPDX-License-Identifier: MIT */
/*
 * The setup header of a Linux kernel's file (Linux, Documentation/arch/x86/boot.rst), read as its
 * protocol's version says: a field that the version does not have is never looked at. Pure.
 *
 * Anything may carry such a header: what cannot run without a BIOS, or needs long mode, is refused
 * here, and a file without a header is named for what it is.
 */
#pragma once

#include "kernel/base/types.h"

/* Where the fields are, in the file and in the zero page. Since 2.00 unless another version is
 * given. */
#define HDR_SETUP_SECTS	   0x1f1u
#define HDR_SYSSIZE	   0x1f4u /* in units of 16 bytes; until 2.03 only 16 bits */
#define HDR_BOOT_FLAG	   0x1feu
#define HDR_JUMP	   0x200u /* EBh and the length of what follows */
#define HDR_MAGIC	   0x202u
#define HDR_VERSION	   0x206u
#define HDR_KERNEL_VERSION 0x20eu /* of a text, less 200h */
#define HDR_LOADER	   0x210u
#define HDR_LOADFLAGS	   0x211u
#define HDR_CODE32_START   0x214u
#define HDR_RAMDISK	   0x218u
#define HDR_RAMDISK_SIZE   0x21cu
#define HDR_HEAP_END	   0x224u /* 2.01 */
#define HDR_CMDLINE	   0x228u /* 2.02 */
#define HDR_INITRD_MAX	   0x22cu /* 2.03 */
#define HDR_ALIGNMENT	   0x230u /* 2.05 */
#define HDR_RELOCATABLE	   0x234u /* 2.05 */
#define HDR_XLOADFLAGS	   0x236u /* 2.12 */
#define HDR_CMDLINE_SIZE   0x238u /* 2.06 */
#define HDR_PREF_ADDRESS   0x258u /* 2.10 */
#define HDR_INIT_SIZE	   0x260u /* 2.10 */
#define HDR_END		   0x290u /* of the room for it in the zero page */

#define LOADFLAGS_HIGH BIT(0)
#define LOADFLAGS_HEAP BIT(7)
#define XLOADFLAGS_64  BIT(0)

#define LINUX_HIGH_LOAD 0x100000u

struct linux_header {
	unsigned version;    /* 0202h is 2.02 */
	unsigned fields_end; /* the header's fields are [HDR_SETUP_SECTS, fields_end) */
	u32 setup_size;	     /* bytes of boot sector and real-mode code */
	u32 size;	     /* bytes of protected-mode code behind them */
	u32 load_at, entry;  /* guest-physical */
	u64 needs;	     /* RAM must reach up to here before the kernel looks at its map */
	u32 initrd_max;	     /* highest address that an initrd may have */
	u32 cmdline_max;     /* characters, without the NUL */
};

/* Returns 0; or E_INVAL with a clause in why[0..why_size). */
int linux_header_read(const u8 *file, size_t size, struct linux_header *out, char *why,
		      size_t why_size);
