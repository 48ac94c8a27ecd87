/* SPDX-License-Identifier: MIT */
/*
 * From the boot loader's information structure, Multiboot 1 or 2, to struct boot_info.
 */
#pragma once

#include "kernel/base/types.h"

/* magic and info as the loader left them in EAX and EBX. The first 4 GiB must be in the direct map.
 */
void multiboot_parse(u32 magic, u32 info);
