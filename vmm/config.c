/* SPDX-License-Identifier: MIT */
/*
 * INI parser for the configuration. One table of keys per section kind.
 */
#include "vmm/config.h"

#include <stdarg.h>

#include "kernel/base/error.h"
#include "kernel/base/print.h"
#include "kernel/base/string.h"

#define LINE_MAX   2048u
#define MEMORY_MIN (4 * MiB)
#define MEMORY_MAX (3 * GiB)

struct parser {
	const char *file;
	unsigned line;
	struct config *out;
	struct config_vm *vm; /* the present section; NULL: [ringleader] or none */
	bool global;
	bool (*exists)(void *ctx, const char *name);
	config_report_fn report;
	void *ctx;
	char seen[64][32]; /* keys of this section */
	unsigned seen_count;
};

static void fail(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void fail(struct parser *p, const char *fmt, ...)
{
	char text[400], message[512];
	va_list ap;

	va_start(ap, fmt);
	fmt_vprint(text, sizeof(text), fmt, ap);
	va_end(ap);
	fmt_print(message, sizeof(message), "%s:%u: %s", p->file, p->line, text);
	p->out->errors++;
	if (p->vm)
		p->vm->bad = true;
	p->report(p->ctx, message);
}

static void bad_value(struct parser *p, const char *key, const char *value, const char *want)
{
	fail(p, "%s = %s: not %s", key, value, want);
}

/* Index of value among n words, or -1. */
static int word(const char *value, const char *const *words, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(value, words[i]))
			return (int)i;
	return -1;
}

static int parse_size(const char *value, u64 *bytes)
{
	char number[32];
	size_t n = strlen(value);
	u64 unit = 1;

	if (!n || n >= sizeof(number))
		return E_INVAL;
	str_copy(number, value, sizeof(number));
	switch (number[n - 1]) {
	case 'K':
	case 'k':
		unit = KiB;
		break;
	case 'M':
	case 'm':
		unit = MiB;
		break;
	case 'G':
	case 'g':
		unit = GiB;
		break;
	}
	if (unit != 1)
		number[n - 1] = '\0';
	if (str_to_u64(number, bytes) || *bytes > UINT64_MAX / unit)
		return E_INVAL;
	*bytes *= unit;
	return 0;
}

static bool parse_bool(struct parser *p, const char *key, const char *value, bool *out)
{
	static const char *const words[] = { "no", "yes", "off", "on", "false", "true" };
	int i = word(value, words, ARRAY_SIZE(words));

	if (i < 0) {
		bad_value(p, key, value, "yes or no");
		return false;
	}
	*out = i & 1;
	return true;
}

static void parse_path(struct parser *p, const char *key, const char *value, char *out)
{
	if (strlen(value) >= CONFIG_PATH) {
		fail(p, "%s: longer than %u characters", key, CONFIG_PATH - 1);
		return;
	}
	str_copy(out, value, CONFIG_PATH);
	if (p->exists && !p->exists(p->ctx, value))
		fail(p, "%s = %s: there is no such file in the image", key, value);
}

static void parse_memory(struct parser *p, const char *value)
{
	u64 bytes;

	if (parse_size(value, &bytes))
		bad_value(p, "memory", value, "a size (a number with K, M or G)");
	else if (bytes < MEMORY_MIN || bytes > MEMORY_MAX || bytes % PAGE_SIZE)
		bad_value(p, "memory", value, "between 4M and 3G in steps of 4K");
	else
		p->vm->memory = bytes;
}

static void vm_key(struct parser *p, const char *key, const char *value)
{
	static const char *const engines[] = { "auto", "ring1", "recompile", "recompile-all" };
	static const char *const serials[] = { "none", "console", "log" };
	static const char *const triples[] = { "stop", "reset" };
	struct config_vm *vm = p->vm;
	int i;

	if (!strcmp(key, "memory")) {
		parse_memory(p, value);
	} else if (!strcmp(key, "kernel")) {
		parse_path(p, key, value, vm->kernel);
	} else if (!strcmp(key, "initrd")) {
		parse_path(p, key, value, vm->initrd);
	} else if (!strcmp(key, "cmdline")) {
		if (strlen(value) >= CONFIG_CMDLINE)
			fail(p, "cmdline: longer than %u characters", CONFIG_CMDLINE - 1);
		else
			str_copy(vm->cmdline, value, CONFIG_CMDLINE);
	} else if (!strcmp(key, "engine")) {
		i = word(value, engines, ARRAY_SIZE(engines));
		if (i < 0)
			bad_value(p, key, value, "auto, ring1, recompile or recompile-all");
		else
			vm->engine = (enum config_engine)i;
	} else if (!strncmp(key, "serial", 6) && key[6] >= '0' && key[6] <= '3' && !key[7]) {
		i = word(value, serials, ARRAY_SIZE(serials));
		if (i < 0)
			bad_value(p, key, value, "none, console or log");
		else
			vm->serial[key[6] - '0'] = (enum config_serial)i;
	} else if (!strcmp(key, "on_triple_fault")) {
		i = word(value, triples, ARRAY_SIZE(triples));
		if (i < 0)
			bad_value(p, key, value, "stop or reset");
		else
			vm->triple = (enum config_triple)i;
	} else if (!strcmp(key, "verify")) {
		parse_bool(p, key, value, &vm->verify);
	} else if (!strcmp(key, "debug_exit")) {
		parse_bool(p, key, value, &vm->debug_exit);
	} else if (!strcmp(key, "autostart")) {
		parse_bool(p, key, value, &vm->start);
	} else {
		fail(p, "%s = %s: unknown key in [vm %s]", key, value, vm->name);
	}
}

static void global_key(struct parser *p, const char *key, const char *value)
{
	static const char *const consoles[] = { "serial", "screen", "both" };
	static const char *const exits[] = { "poweroff", "reboot", "halt", "stay" };
	int i;

	if (!strcmp(key, "console")) {
		i = word(value, consoles, ARRAY_SIZE(consoles));
		if (i < 0)
			bad_value(p, key, value, "serial, screen or both");
		else
			p->out->console = (unsigned)i + 1;
	} else if (!strcmp(key, "exit")) {
		i = word(value, exits, ARRAY_SIZE(exits));
		if (i < 0)
			bad_value(p, key, value, "poweroff, reboot, halt or stay");
		else
			p->out->exit = (enum config_exit)i;
	} else if (!strcmp(key, "escape")) {
		if (strncmp(value, "ctrl-", 5) || strlen(value) != 6 ||
		    (value[5] | 0x20) < 'a' - 6 || value[5] > 'z')
			bad_value(p, key, value, "ctrl- and one character");
		else
			p->out->escape = value[5] & 0x1f;
	} else {
		fail(p, "%s = %s: unknown key in [ringleader]", key, value);
	}
}

static char *trim(char *s)
{
	char *end;

	while (*s == ' ' || *s == '\t')
		s++;
	end = s + strlen(s);
	while (end > s && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		*--end = '\0';
	return s;
}

static void finish_section(struct parser *p)
{
	struct config_vm *vm = p->vm;

	if (!vm || vm->kernel[0] || vm->bad)
		return;

	unsigned line = p->line;

	p->line = vm->line;
	fail(p, "[vm %s]: no kernel is given, and booting from a disk is not supported yet",
	     vm->name);
	p->line = line;
}

static void begin_vm(struct parser *p, char *name)
{
	struct config *c = p->out;

	p->vm = NULL;
	p->global = false;
	name = trim(name);
	if (!*name || strlen(name) >= CONFIG_NAME || strchr(name, ' ')) {
		fail(p, "[vm %s]: a name has 1 to %u characters and no space", name,
		     CONFIG_NAME - 1);
		return;
	}
	if (c->vms == CONFIG_MAX_VMS) {
		fail(p, "[vm %s]: more than %u machines", name, CONFIG_MAX_VMS);
		return;
	}
	for (unsigned i = 0; i < c->vms; i++) {
		if (!strcmp(c->vm[i].name, name)) {
			fail(p, "[vm %s]: there is one of this name in line %u", name,
			     c->vm[i].line);
			return;
		}
	}
	p->vm = &c->vm[c->vms++];
	*p->vm = (struct config_vm){ .line = p->line, .memory = 64 * MiB, .start = true };
	p->vm->serial[0] = SERIAL_CONSOLE;
	str_copy(p->vm->name, name, CONFIG_NAME);
}

static void section(struct parser *p, char *s)
{
	char *end = strchr(s, ']');

	finish_section(p);
	p->seen_count = 0;
	p->vm = NULL;
	p->global = false;
	if (!end || *trim(end + 1)) {
		fail(p, "%s: a section is [ringleader] or [vm NAME]", s);
		return;
	}
	*end = '\0';
	s = trim(s + 1);
	if (!strcmp(s, "ringleader"))
		p->global = true;
	else if (!strncmp(s, "vm", 2) && (s[2] == ' ' || !s[2]))
		begin_vm(p, s + 2);
	else
		fail(p, "[%s]: unknown section", s);
}

static bool seen_before(struct parser *p, const char *key)
{
	for (unsigned i = 0; i < p->seen_count; i++)
		if (!strcmp(p->seen[i], key))
			return true;
	if (p->seen_count < ARRAY_SIZE(p->seen))
		str_copy(p->seen[p->seen_count++], key, sizeof(p->seen[0]));
	return false;
}

static void setting(struct parser *p, char *s)
{
	char *eq = strchr(s, '='), *comment, *value;

	if (!eq) {
		fail(p, "%s: expected key = value", s);
		return;
	}
	*eq = '\0';
	value = trim(eq + 1);
	comment = strchr(value, ';');
	if (comment)
		*comment = '\0';
	value = trim(value);
	s = trim(s);
	if (seen_before(p, s))
		fail(p, "%s = %s: given twice in this section", s, value);
	else if (p->vm)
		vm_key(p, s, value);
	else if (p->global)
		global_key(p, s, value);
	else
		fail(p, "%s = %s: outside any valid section", s, value);
}

static void one_line(struct parser *p, char *s)
{
	s = trim(s);
	if (!*s || *s == ';' || *s == '#')
		return;
	if (*s == '[')
		section(p, s);
	else
		setting(p, s);
}

unsigned config_parse(const char *file, const char *text, size_t size, struct config *out,
		      bool (*exists)(void *ctx, const char *name), config_report_fn report,
		      void *ctx)
{
	static const struct config defaults = { .console = 1, .exit = EXIT_STAY, .escape = 0x1d };
	struct parser p = {
		.file = file, .out = out, .exists = exists, .report = report, .ctx = ctx
	};
	char line[LINE_MAX];
	size_t at = 0;

	memcpy(out, &defaults, sizeof(*out));
	while (at < size) {
		size_t n = 0;

		while (at + n < size && text[at + n] != '\n')
			n++;
		p.line++;
		if (n >= sizeof(line)) {
			fail(&p, "line longer than %u characters", LINE_MAX - 1);
		} else {
			memcpy(line, text + at, n);
			line[n] = '\0';
			one_line(&p, line);
		}
		at += n + 1;
	}
	finish_section(&p);
	return out->errors;
}
