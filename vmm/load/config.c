/* SPDX-License-Identifier: MIT */
/*
 * INI parser for the configuration, a line at a time: config_line.c says what a line is, this what
 * it means. A section whose head is wrong is reported once, and its keys are passed over.
 */
#include "vmm/load/config.h"

#include <stdarg.h>

#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/print.h"
#include "kernel/base/string.h"
#include "kernel/lib/us_layout.h"
#include "vmm/load/config_line.h"
#include "vmm/load/config_size.h"

#define LINE_MAX   2048u
#define MEMORY_MIN (4 * MiB)
#define MEMORY_MAX (3 * GiB)

struct parser {
	const char *file;
	unsigned line;
	struct config *out;
	enum { BEFORE_ANY, IN_GLOBAL, IN_VM, PASSED_OVER } section;
	struct config_vm *vm; /* IN_VM */
	unsigned room;	      /* of out->vm */
	unsigned global_line; /* of [ringleader]; 0: not seen */
	config_file_fn file_check;
	config_report_fn report;
	void *ctx;
	char seen[64][32]; /* keys of this section */
	unsigned seen_count;
};

/* What the file holds is shown, but not to the terminal: control characters become dots. */
static void tell(struct parser *p, unsigned line, const char *fmt, va_list ap)
{
	char text[400], message[512];

	fmt_vprint(text, sizeof(text), fmt, ap);
	fmt_print(message, sizeof(message), "%s:%u: %s", p->file, line, text);
	for (char *c = message; *c; c++)
		if ((u8)*c < ' ' || *c == 0x7f)
			*c = '.';
	p->report(p->ctx, message);
}

static void warn_at(struct parser *p, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void fail(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void warn_at(struct parser *p, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(p, line, fmt, ap);
	va_end(ap);
}

static void fail(struct parser *p, const char *fmt, ...)
{
	va_list ap;

	p->out->errors++;
	if (p->vm)
		p->vm->bad = true;
	va_start(ap, fmt);
	tell(p, p->line, fmt, ap);
	va_end(ap);
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

/* The number of the word; -1: it is none of them, which is reported. */
static int parse_word(struct parser *p, const char *key, const char *value,
		      const char *const *words, unsigned n, const char *want)
{
	int i = word(value, words, n);

	if (i < 0)
		bad_value(p, key, value, want);
	return i;
}

static void parse_line(struct parser *p, const char *key, const char *value, char *line)
{
	static const char *const lines[] = { "com1", "com2", "com3", "com4" };
	int i = parse_word(p, key, value, lines, ARRAY_SIZE(lines), "com1, com2, com3 or com4");

	if (i >= 0)
		str_copy(line, lines[i], CONFIG_LINE);
}

static void parse_bool(struct parser *p, const char *key, const char *value, bool *out)
{
	static const char *const words[] = { "no", "yes", "off", "on", "false", "true" };
	int i = parse_word(p, key, value, words, ARRAY_SIZE(words), "yes or no");

	if (i >= 0)
		*out = i & 1;
}

/* The keys that name files: whoever must find the files learns of them here, by file_check(). */
static void parse_path(struct parser *p, const char *key, const char *value, char *out)
{
	const char *why;

	if (!*value) {
		bad_value(p, key, value, "the name of a file");
		return;
	}
	if (strlen(value) >= CONFIG_PATH) {
		fail(p, "%s: longer than %u characters", key, CONFIG_PATH - 1);
		return;
	}
	str_copy(out, value, CONFIG_PATH);
	why = p->file_check ? p->file_check(p->ctx, p->line, value) : NULL;
	if (why)
		fail(p, "%s = %s: %s", key, value, why);
}

/* One of the control characters that no key of its own sends. */
static void parse_escape(struct parser *p, const char *value)
{
	static const struct {
		u8 code;
		const char *key;
	} taken[] = {
		{ 0x00, "no key at all" }, { 0x08, "Backspace" },
		{ 0x09, "Tab" },	   { 0x0a, "Enter" },
		{ 0x0d, "Enter" },	   { 0x1b, "Esc, as which arrow keys begin" },
	};
	char c = '\0';

	if (strlen(value) == 6 && (value[0] | 0x20) == 'c' && !strncmp(value + 1, "trl-", 4))
		c = value[5];
	if (c < '@' || c > 'z' || c == '`') {
		bad_value(p, "escape", value, "ctrl- and a letter or one of ] \\ ^ _");
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(taken); i++) {
		if ((c & 0x1f) == taken[i].code) {
			fail(p, "escape = %s: that is %s; take another, as ctrl-] or ctrl-a", value,
			     taken[i].key);
			return;
		}
	}
	p->out->escape = c & 0x1f;
}

/* "ctrl-alt-f12": a stroke that no guest gets. */
static void parse_hotkey(struct parser *p, const char *value)
{
	u8 keys[CONFIG_HOTKEY + 1];

	if (keys_parse(value, keys, CONFIG_HOTKEY) < 2)
		bad_value(p, "hotkey", value, "two to four keys with - between, as ctrl-alt-f12");
	else
		memcpy(p->out->hotkey, keys, sizeof(keys));
}

static void parse_memory(struct parser *p, const char *value)
{
	u64 bytes;

	if (config_size_parse(value, &bytes))
		bad_value(p, "memory", value, "a size (a number with K, M or G)");
	else if (bytes < MEMORY_MIN || bytes > MEMORY_MAX || bytes % PAGE_SIZE)
		bad_value(p, "memory", value, "between 4M and 3G in steps of 4K");
	else
		p->vm->memory = bytes;
}

static void parse_drive(struct parser *p, const char *key, const char *value,
			enum config_drive_name n)
{
	struct config_drive *d = &p->vm->drive[n];
	char file[CONFIG_PATH];
	const char *why = config_drive_parse(d, config_drive_kind(n), value, file);

	if (why)
		fail(p, "%s = %s: %s", key, value, why);
	else if (file[0])
		parse_path(p, key, file, d->file);
}

static void parse_disk_writes(struct parser *p, const char *value)
{
	u64 bytes;

	if (config_size_parse(value, &bytes) || !bytes)
		bad_value(p, "disk_writes", value, "a size (a number with K, M or G)");
	else
		p->vm->disk_writes = bytes;
}

static void parse_net(struct parser *p, const char *key, const char *value, unsigned place)
{
	const char *why = config_net_parse(&p->vm->net[place], place, value);

	if (why)
		fail(p, "%s = %s: %s", key, value, why);
}

/* Keys of one kind, and where in struct config_vm each puts its value. */
struct vm_field {
	const char *key;
	size_t at;
};

#define FIELD(name, member)                              \
	{                                                \
		name, offsetof(struct config_vm, member) \
	}

static const struct vm_field files[] = {
	FIELD("kernel", kernel),   FIELD("initrd", initrd), FIELD("firmware", firmware),
	FIELD("vgabios", vgabios), FIELD("state", state),   FIELD("symbols", symbols),
	FIELD("netrom", netrom),
};
static const struct vm_field switches[] = {
	FIELD("boot_menu", boot_menu),	 FIELD("sercon", sercon), FIELD("verify", verify),
	FIELD("debug_exit", debug_exit), FIELD("apic", apic),	  FIELD("autostart", start),
};

static void *find_field(struct config_vm *vm, const struct vm_field *fields, unsigned n,
			const char *key)
{
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(fields[i].key, key))
			return (char *)vm + fields[i].at;
	return NULL;
}

/* Keys whose value is one of a few words. False: key is none of them. */
static bool vm_word_key(struct parser *p, const char *key, const char *value)
{
	static const char *const engines[] = { "auto", "ring1", "recompile", "recompile-all" };
	static const char *const serials[] = { "none", "console", "log" };
	static const char *const ends[] = { "stop", "reset", "freeze" };
	static const char *const stricts[] = { "off", "warn", "stop" };
	static const char *const screens[] = { "std", "none" };
	static const char *const idles[] = { "hlt", "detect" };
	static const char *const tlbs[] = { "architectural", "coherent" };
	static const char *const extras[] = { "none", "virtio" };
	static const char *const consoles[] = { "serial", "virtio" };
	static const char *const buses[] = { "ide", "virtio" };
	static const char *const virtios[] = { "both", "legacy", "modern" };
	struct config_vm *vm = p->vm;
	int i;

	if (!strcmp(key, "engine")) {
		i = parse_word(p, key, value, engines, ARRAY_SIZE(engines),
			       "auto, ring1, recompile or recompile-all");
		if (i >= 0)
			vm->engine = (enum config_engine)i;
	} else if (!strncmp(key, "serial", 6) && key[6] >= '0' && key[6] <= '3' && !key[7]) {
		i = parse_word(p, key, value, serials, ARRAY_SIZE(serials), "none, console or log");
		if (i >= 0)
			vm->serial[key[6] - '0'] = (enum config_serial)i;
	} else if (!strcmp(key, "on_triple_fault")) {
		i = parse_word(p, key, value, ends, ARRAY_SIZE(ends), "stop, reset or freeze");
		if (i >= 0)
			vm->triple = (enum config_triple)i;
	} else if (!strcmp(key, "strict")) {
		i = parse_word(p, key, value, stricts, ARRAY_SIZE(stricts), "off, warn or stop");
		if (i >= 0)
			vm->strict = (enum config_strict)i;
	} else if (!strcmp(key, "strict_ram")) {
		if (str_to_u64(value, &vm->strict_ram))
			bad_value(p, key, value, "a number of accesses");
	} else if (!strcmp(key, "gdb")) {
		parse_line(p, key, value, vm->gdb);
	} else if (!strcmp(key, "vga")) {
		i = parse_word(p, key, value, screens, ARRAY_SIZE(screens), "std or none");
		vm->no_vga = i > 0;
	} else if (!strcmp(key, "idle")) {
		i = parse_word(p, key, value, idles, ARRAY_SIZE(idles), "hlt or detect");
		vm->idle_detect = i > 0;
	} else if (!strcmp(key, "tlb")) {
		i = parse_word(p, key, value, tlbs, ARRAY_SIZE(tlbs), "architectural or coherent");
		vm->coherent_tlb = i > 0;
	} else if (!strcmp(key, "rng")) {
		i = parse_word(p, key, value, extras, ARRAY_SIZE(extras), "none or virtio");
		vm->virtio_rng = i > 0;
	} else if (!strcmp(key, "balloon")) {
		i = parse_word(p, key, value, extras, ARRAY_SIZE(extras), "none or virtio");
		vm->balloon = i > 0;
	} else if (!strcmp(key, "console")) {
		i = parse_word(p, key, value, consoles, ARRAY_SIZE(consoles), "serial or virtio");
		if (i > 0)
			vm->serial[CONFIG_SERIALS - 1] = SERIAL_CONSOLE;
	} else if (!strcmp(key, "bus")) {
		i = parse_word(p, key, value, buses, ARRAY_SIZE(buses), "ide or virtio");
		vm->bus = config_bus_find(value);
	} else if (!strcmp(key, "virtio")) {
		i = parse_word(p, key, value, virtios, ARRAY_SIZE(virtios),
			       "both, legacy or modern");
		if (i >= 0)
			vm->virtio = (enum config_virtio)i;
	} else {
		return false;
	}
	return true;
}

static void vm_key(struct parser *p, const char *key, const char *value)
{
	struct config_vm *vm = p->vm;
	char *file = find_field(vm, files, ARRAY_SIZE(files), key);
	bool *on = find_field(vm, switches, ARRAY_SIZE(switches), key);
	int drive = config_drive_find(key), net = config_net_find(key);

	if (file) {
		parse_path(p, key, value, file);
	} else if (on) {
		parse_bool(p, key, value, on);
	} else if (drive >= 0) {
		parse_drive(p, key, value, (enum config_drive_name)drive);
	} else if (net >= 0) {
		parse_net(p, key, value, (unsigned)net);
	} else if (!strcmp(key, "disk_writes")) {
		parse_disk_writes(p, value);
	} else if (!strcmp(key, "memory")) {
		parse_memory(p, value);
	} else if (!strcmp(key, "speed")) {
		if (!config_speed_parse(value, &vm->speed))
			bad_value(p, key, value, "1% to 100%, or a number of MHz, as 33MHz");
	} else if (!strcmp(key, "cpu")) {
		if (!cpu_model_find(value, &vm->cpu))
			bad_value(p, key, value, "host, pentium, pentium2, pentium3 or athlon64");
	} else if (!strcmp(key, "boot")) {
		vm->boots = config_boot_parse(value, vm->boot);
		if (!vm->boots)
			bad_value(p, key, value, CONFIG_BOOT_WANT);
	} else if (!strcmp(key, "cmdline")) {
		if (strlen(value) >= CONFIG_CMDLINE)
			fail(p, "cmdline: longer than %u characters", CONFIG_CMDLINE - 1);
		else
			str_copy(vm->cmdline, value, CONFIG_CMDLINE);
	} else if (!vm_word_key(p, key, value)) {
		fail(p, "%s = %s: unknown key in [vm %s]", key, value, vm->name);
	}
}

static void global_key(struct parser *p, const char *key, const char *value)
{
	static const char *const consoles[] = { "serial", "screen", "both" };
	static const char *const exits[] = { "poweroff", "reboot", "halt", "stay" };
	static const char *const screens[] = { "console", "vm" };
	static const char *const flows[] = { "none", "rtscts", "xonxoff" };
	int i;

	if (!strcmp(key, "console")) {
		i = parse_word(p, key, value, consoles, ARRAY_SIZE(consoles),
			       "serial, screen or both");
		if (i >= 0)
			p->out->console = (unsigned)i + 1;
	} else if (!strcmp(key, "exit")) {
		i = parse_word(p, key, value, exits, ARRAY_SIZE(exits),
			       "poweroff, reboot, halt or stay");
		if (i >= 0)
			p->out->exit = (enum config_exit)i;
	} else if (!strcmp(key, "gdb")) {
		parse_line(p, key, value, p->out->gdb);
	} else if (!strcmp(key, "flow")) {
		i = parse_word(p, key, value, flows, ARRAY_SIZE(flows), "none, rtscts or xonxoff");
		if (i >= 0)
			p->out->flow = (unsigned)i;
	} else if (!strcmp(key, "screen")) {
		i = parse_word(p, key, value, screens, ARRAY_SIZE(screens), "console or vm");
		p->out->screen_vm = i > 0;
	} else if (!strcmp(key, "escape")) {
		parse_escape(p, value);
	} else if (!strcmp(key, "hotkey")) {
		parse_hotkey(p, value);
	} else {
		fail(p, "%s = %s: unknown key in [ringleader]", key, value);
	}
}

static bool seen_before(const struct parser *p, const char *key)
{
	for (unsigned i = 0; i < p->seen_count; i++)
		if (!strcmp(p->seen[i], key))
			return true;
	return false;
}

/* Keys that say nothing in this section. */
static bool out_of_place(struct parser *p, const char *const *keys, unsigned n, const char *why)
{
	for (unsigned i = 0; i < n; i++) {
		if (!seen_before(p, keys[i]))
			continue;
		fail(p, "[vm %s]: %s is given, %s", p->vm->name, keys[i], why);
		return true;
	}
	return false;
}

/* A BIOS boots from the network by the ROM of a card. */
static void choose_netrom(struct parser *p)
{
	struct config_vm *vm = p->vm;
	int card = config_net_first_pci(vm->net);
	bool wanted = vm->netrom[0];

	for (unsigned i = 0; i < vm->boots; i++)
		wanted |= vm->boot[i] == BOOT_FROM_NETWORK;
	if (!wanted)
		return;
	if (card < 0)
		fail(p, "[vm %s]: to boot from the network it needs a network card on PCI, as %s",
		     vm->name, "net0 = lan");
	else if (!vm->netrom[0])
		parse_path(p, "netrom",
			   vm->net[card].nic.kind == NIC_VIRTIO ? CONFIG_NETROM_VIRTIO
								: CONFIG_NETROM_NE2000,
			   vm->netrom);
}

/* A kernel is started directly; without one a BIOS is, as a PC starts. */
static void finish_vm(struct parser *p)
{
	static const char *const of_kernel[] = { "initrd", "cmdline" };
	static const char *const of_bios[] = { "firmware", "boot", "boot_menu", "sercon",
					       "netrom" };
	static const char *const of_screen[] = { "vgabios" };
	struct config_vm *vm = p->vm;

	for (struct config_vm *other = p->out->vm; other <= vm; other++)
		if (config_nets_clash(vm->net, other->net))
			fail(p, "[vm %s]: two cards with the same mac in one network", vm->name);
	config_drives_set_bus(vm->drive, vm->bus);
	if (!config_drives_fit(vm->drive))
		fail(p,
		     "[vm %s]: four IDE disks and a CD-ROM: the IDE controller has four places in "
		     "all",
		     vm->name);
	if (vm->no_vga &&
	    out_of_place(p, of_screen, ARRAY_SIZE(of_screen), "but no screen (vga = none)"))
		return;
	if (vm->kernel[0]) {
		out_of_place(p, of_bios, ARRAY_SIZE(of_bios),
			     "which a machine with a kernel does not use");
		return;
	}
	if (out_of_place(p, of_kernel, ARRAY_SIZE(of_kernel), "but no kernel"))
		return;
	if (!vm->firmware[0])
		parse_path(p, "firmware", CONFIG_FIRMWARE, vm->firmware);
	if (!vm->vgabios[0] && !vm->no_vga)
		parse_path(p, "vgabios", CONFIG_VGABIOS, vm->vgabios);
	choose_netrom(p);
	if (!seen_before(p, "on_triple_fault"))
		vm->triple = TRIPLE_RESET;
	if (!seen_before(p, "apic"))
		vm->apic = true;
}

static void finish_section(struct parser *p)
{
	unsigned line = p->line;

	if (p->vm && !p->vm->bad) {
		p->line = p->vm->line;
		finish_vm(p);
		p->line = line;
	}
	p->vm = NULL;
	p->section = PASSED_OVER;
	p->seen_count = 0;
}

/* A name is typed at the prompt, and stands in front of log lines. */
static bool name_is_good(const char *name)
{
	size_t n = 0;

	while (name[n] > ' ' && name[n] < 0x7f)
		n++;
	return n && n < CONFIG_NAME && !name[n];
}

static struct config_vm *new_vm(struct parser *p)
{
	struct config *c = p->out;
	struct config_vm *larger;

	if (c->vms == p->room) {
		p->room = p->room ? 2 * p->room : 4;
		larger = mem_alloc(p->room * sizeof(*larger));
		if (!larger)
			return NULL;
		if (c->vms)
			memcpy(larger, c->vm, c->vms * sizeof(*larger));
		mem_free(c->vm);
		c->vm = larger;
	}
	return &c->vm[c->vms++];
}

static void begin_vm(struct parser *p, const char *name)
{
	struct config *c = p->out;
	struct config_vm *vm;

	if (!name_is_good(name)) {
		fail(p,
		     "[vm %s]: a name has 1 to %u characters (ASCII), no space and no control "
		     "character",
		     name, CONFIG_NAME - 1);
		return;
	}
	for (unsigned i = 0; i < c->vms; i++) {
		if (!strcmp(c->vm[i].name, name)) {
			fail(p, "[vm %s]: there is one of this name in line %u", name,
			     c->vm[i].line);
			return;
		}
	}
	vm = new_vm(p);
	if (!vm) {
		fail(p, "[vm %s]: no memory for one more", name);
		return;
	}
	*vm = (struct config_vm){ .line = p->line, .memory = 64 * MiB, .start = true };
	vm->serial[0] = SERIAL_CONSOLE;
	str_copy(vm->name, name, CONFIG_NAME);
	p->vm = vm;
	p->section = IN_VM;
}

static void begin_section(struct parser *p, char *s)
{
	finish_section(p);
	if (!strncmp(s, "vm", 2) && (s[2] == ' ' || s[2] == '\t' || !s[2])) {
		begin_vm(p, config_trim(s + 2));
	} else if (strcmp(s, "ringleader")) {
		fail(p, "[%s]: unknown section; there are [ringleader] and [vm NAME]", s);
	} else if (p->global_line) {
		fail(p, "[ringleader]: there is one in line %u; put its keys there",
		     p->global_line);
	} else {
		p->global_line = p->line;
		p->section = IN_GLOBAL;
	}
}

/* True: it was there before. */
static bool note_key(struct parser *p, const char *key)
{
	if (seen_before(p, key))
		return true;
	if (p->seen_count < ARRAY_SIZE(p->seen))
		str_copy(p->seen[p->seen_count++], key, sizeof(p->seen[0]));
	return false;
}

static void setting(struct parser *p, const char *key, const char *value)
{
	switch (p->section) {
	case PASSED_OVER:
		return;
	case BEFORE_ANY:
		fail(p, "%s = %s: outside any section; [ringleader] or [vm NAME] comes first", key,
		     value);
		p->section = PASSED_OVER;
		return;
	case IN_GLOBAL:
	case IN_VM:
		if (note_key(p, key))
			fail(p, "%s = %s: given twice in this section", key, value);
		else if (p->vm)
			vm_key(p, key, value);
		else
			global_key(p, key, value);
		return;
	}
}

static void one_line(struct parser *p, char *s)
{
	char *key, *value;
	const char *why = NULL;

	switch (config_line(s, &key, &value, &why)) {
	case LINE_EMPTY:
		return;
	case LINE_SECTION:
		begin_section(p, key);
		return;
	case LINE_SETTING:
		setting(p, key, value);
		return;
	case LINE_BAD_SECTION:
		finish_section(p);
		fail(p, "%s: %s", key, why);
		return;
	case LINE_BAD:
		if (p->section != PASSED_OVER)
			fail(p, "%s: %s", key, why);
		return;
	}
}

/* Text in UTF-16 or with NUL bytes is not what it looks like in an editor: nothing of it is
 * used. */
static bool is_text(struct parser *p, const char *text, size_t size)
{
	p->line = 1;
	if (size >= 2 && (!memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2))) {
		fail(p, "this is UTF-16; save it as UTF-8 or plain ASCII");
		return false;
	}
	for (size_t i = 0; i < size; i++) {
		if (!text[i]) {
			fail(p, "a NUL byte: this is not a text file");
			return false;
		}
		p->line += text[i] == '\n';
	}
	p->line = 0;
	return true;
}

static void all_lines(struct parser *p, const char *text, size_t size)
{
	char line[LINE_MAX];

	for (size_t at = 0, n; at < size; at += n + 1) {
		n = 0;
		while (at + n < size && text[at + n] != '\n')
			n++;
		p->line++;
		if (n >= sizeof(line)) {
			fail(p, "line longer than %u characters", LINE_MAX - 1);
			continue;
		}
		memcpy(line, text + at, n);
		line[n] = '\0';
		one_line(p, line);
	}
	finish_section(p);
}

unsigned config_parse(const char *file, const char *text, size_t size, struct config *out,
		      config_file_fn file_check, config_report_fn report, void *ctx)
{
	static const struct config defaults = { .console = 1, .exit = EXIT_STAY, .escape = 0x1d };
	struct parser p = {
		.file = file, .out = out, .file_check = file_check, .report = report, .ctx = ctx
	};

	*out = defaults;
	if (!is_text(&p, text, size))
		return out->errors;
	if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) { /* UTF-8's byte order mark */
		text += 3;
		size -= 3;
	}
	all_lines(&p, text, size);
	if (!out->vms && !out->errors)
		warn_at(&p, MAX(p.line, 1u), "no [vm NAME] section: there is nothing to run");
	return out->errors;
}

void config_free(struct config *c)
{
	mem_free(c->vm);
	c->vm = NULL;
	c->vms = 0;
}
