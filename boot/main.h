/* SPDX-License-Identifier: MIT */
/*
 * Where boot/entry.asm enters C.
 */
#pragma once

#include "kernel/base/types.h"

/* magic and info: EAX and EBX of the boot loader (Multiboot 1, 3.2; Multiboot 2, 3.3). Does not
 * return. */
void boot_main(u32 magic, u32 info);
