/* SPDX-License-Identifier: MIT */
/*
 * Machines of the configuration that were not started, and why: `vm list` goes on to show them.
 */
#pragma once

#include "kernel/base/list.h"
#include "vmm/load/config.h"

struct vm_refused {
	struct list link;
	struct config_vm config;
	char why[160];
};

extern struct list vm_refused_list;

/* Says why this machine does not start, on the console and in the log. */
void vm_refuse(const struct config_vm *config, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* It is not started, for what vm_refuse() said last. */
void vm_refused_add(const struct config_vm *config);
struct vm_refused *vm_refused_find(const char *name);
