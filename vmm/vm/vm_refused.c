/* SPDX-License-Identifier: MIT */
/*
 * Keeps the configuration of each refused machine with its reason.
 */
#include "vmm/vm/vm_refused.h"

#include <stdarg.h>

#include "kernel/base/alloc.h"
#include "kernel/base/log.h"
#include "kernel/base/print.h"
#include "kernel/base/string.h"

struct list vm_refused_list = LIST_INIT(vm_refused_list);

static char reason[160];

void vm_refuse(const struct config_vm *config, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fmt_vprint(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	log_error("%s: %s", config->name, reason);
}

void vm_refused_add(const struct config_vm *config)
{
	struct vm_refused *r = mem_alloc(sizeof(*r));

	if (!r)
		return;
	r->config = *config;
	str_copy(r->why, reason, sizeof(r->why));
	list_add_tail(&r->link, &vm_refused_list);
}

struct vm_refused *vm_refused_find(const char *name)
{
	struct list *p;

	list_for_each (p, &vm_refused_list) {
		struct vm_refused *r = list_entry(p, struct vm_refused, link);

		if (!strcmp(r->config.name, name))
			return r;
	}
	return NULL;
}
