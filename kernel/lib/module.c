/* SPDX-License-Identifier: MIT */
/*
 * The list of modules: an array of fixed size. Modules that do not fit are counted.
 */
#include "kernel/lib/module.h"

#include "kernel/base/string.h"

static struct module module[MODULE_MAX];
static unsigned modules, lost;

struct module *module_add(void)
{
	if (modules < MODULE_MAX)
		return &module[modules++];
	lost++;
	return NULL;
}

unsigned module_count(void)
{
	return modules;
}

const struct module *module_at(unsigned i)
{
	return i < modules ? &module[i] : NULL;
}

unsigned modules_lost(void)
{
	return lost;
}

/* The file's name behind its last slash. */
static const char *base_name(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

const struct module *module_find(const char *name)
{
	for (unsigned i = 0; i < modules; i++)
		if (!strcmp(module[i].name, name))
			return &module[i];
	for (unsigned i = 0; i < modules; i++)
		if (!strcmp(base_name(module[i].name), base_name(name)))
			return &module[i];
	return NULL;
}
