/* SPDX-License-Identifier: MIT */
/*
 * VMs that come, start and stop at the prompt; and how one of the configuration comes.
 */
#pragma once

#include "vmm/load/config.h"
#include "vmm/state/vm.h"

/* The VM of a section that has no errors: it has turns from now on, and gdb may come. 0, or an
 * error, which has been reported. */
int create_vm(const struct config_vm *config, struct vm **out);
/* Files of the configuration are boot modules. A config_file_fn. */
const char *create_check_file(void *ctx, unsigned line, const char *name);

void create_commands_init(void);
