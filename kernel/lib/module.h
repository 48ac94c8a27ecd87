/* SPDX-License-Identifier: MIT */
/*
 * Files that the boot loader put into memory. Boot code adds them; who needs one asks by name.
 */
#pragma once

#include "kernel/base/types.h"

#define MODULE_MAX  256 /* iso/check_config.c knows */
#define MODULE_NAME 256

struct module {
	char name[MODULE_NAME];
	const u8 *data;
	size_t size;
};

/* A new entry, for its finder to fill; NULL, and one more of modules_lost(): the table is full. */
struct module *module_add(void);
unsigned module_count(void);
/* The i-th, or NULL. */
const struct module *module_at(unsigned i);
unsigned modules_lost(void);
/* The module of that name, else the first whose name's last part is name's last part, or NULL:
 * GRUB's entries give the name as the configuration knows it; QEMU's -initrd gives a path. */
const struct module *module_find(const char *name);
