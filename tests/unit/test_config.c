/* SPDX-License-Identifier: MIT */
/*
 * The configuration parser: values, defaults, and for each mistake its message and what it costs.
 * Alone: make build/unit/test_config && build/unit/test_config
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/load/config.h"

static char messages[4096];

static void collect(void *ctx, const char *message)
{
	(void)ctx;
	strcat(messages, message);
	strcat(messages, "\n");
}

static char files[4096]; /* that were asked about */

static const char *file_check(void *ctx, unsigned line, const char *name)
{
	(void)ctx;
	sprintf(files + strlen(files), "%u:%s\n", line, name);
	return strcmp(name, "absent") ? NULL : "there is no such file";
}

static unsigned parse_bytes(const char *text, size_t size, struct config *c)
{
	messages[0] = files[0] = '\0';
	return config_parse("t.conf", text, size, c, file_check, collect, NULL);
}

static unsigned parse(const char *text, struct config *c)
{
	return parse_bytes(text, strlen(text), c);
}

static void test_values(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(parse("; comment\n[ringleader]\nconsole = both ; x\nexit=poweroff\nescape "
			       "= ctrl-a\nhotkey = ctrl-f1\nscreen = vm\n"
			       "\n[vm one]\r\n memory = 1G \nkernel = k\ninitrd = i\ncmdline = a=b "
			       "c\nengine = ring1\n"
			       "serial0 = log\nserial2 = console\non_triple_fault = "
			       "reset\ndebug_exit = yes\nvga = none\nautostart = no\n"
			       "[vm two]\nkernel = k",
			       &c),
			 0);
	assert_string_equal(messages, "");
	assert_int_equal(c.console, 3);
	assert_int_equal(c.exit, EXIT_POWEROFF);
	assert_int_equal(c.escape, 1);
	assert_memory_equal(c.hotkey, "\x1d\x3b", 3);
	assert_true(c.screen_vm);
	assert_int_equal(c.vms, 2);
	assert_int_equal(c.vm[0].memory, 1 * GiB);
	assert_string_equal(c.vm[0].cmdline, "a=b c");
	assert_int_equal(c.vm[0].engine, ENGINE_RING1);
	assert_int_equal(c.vm[0].serial[0], SERIAL_LOG);
	assert_int_equal(c.vm[0].serial[2], SERIAL_CONSOLE);
	assert_int_equal(c.vm[0].triple, TRIPLE_RESET);
	assert_true(c.vm[0].debug_exit);
	assert_true(c.vm[0].no_vga);
	assert_false(c.vm[1].no_vga);
	assert_false(c.vm[0].start);
	assert_int_equal(c.vm[1].memory, 64 * MiB);
	assert_int_equal(c.vm[1].serial[0], SERIAL_CONSOLE);
	assert_true(c.vm[1].start);
	assert_string_equal(files, "11:k\n12:i\n22:k\n");
	config_free(&c);
}

static void test_drives(void **state)
{
	struct config c;
	const struct config_drive *d;

	(void)state;
	assert_int_equal(parse("[vm a]\nkernel = k\nfloppy = f.img\nfloppy1 = empty\n"
			       "cdrom = x/y.iso\ndisk0 = d,readonly\ndisk2 = e\n"
			       "disk_writes = 12M\n[vm b]\nkernel = k\n"
			       "disk3 = d\nspeed = 33MHz\ntlb = coherent\ncpu = athlon64\n"
			       "strict = stop\nstrict_ram = 256\n",
			       &c),
			 0);
	assert_string_equal(messages, "");
	assert_string_equal(files, "2:k\n3:f.img\n5:x/y.iso\n6:d\n7:e\n10:k\n11:d\n");
	d = c.vm[0].drive;
	assert_string_equal(d[CONFIG_FLOPPY].file, "f.img");
	assert_false(d[CONFIG_FLOPPY].read_only);
	assert_true(d[CONFIG_FLOPPY1].there);
	assert_string_equal(d[CONFIG_FLOPPY1].file, "");
	assert_true(d[CONFIG_DISK0].read_only);
	assert_string_equal(d[CONFIG_DISK0].file, "d");
	assert_false(d[CONFIG_DISK0 + 1].there);
	assert_int_equal(c.vm[0].disk_writes, 12 * MiB);
	assert_int_equal(c.vm[1].disk_writes, 0);
	assert_int_equal(c.vm[0].speed.mhz | c.vm[0].speed.percent, 0);
	assert_int_equal(c.vm[1].speed.mhz, 33);
	assert_true(c.vm[0].cpu == MODEL_HOST && c.vm[1].cpu == MODEL_ATHLON64);
	assert_true(!c.vm[0].coherent_tlb && c.vm[1].coherent_tlb);
	assert_true(c.vm[0].strict == STRICT_OFF && c.vm[1].strict == STRICT_STOP);
	assert_true(c.vm[0].strict_ram == 0 && c.vm[1].strict_ram == 256);
	/* Disks make room for the CD-ROM. */
	assert_int_equal(config_drive_place(c.vm[0].drive, CONFIG_FLOPPY1), PLACE_FLOPPY1);
	assert_int_equal(config_drive_place(c.vm[0].drive, CONFIG_CDROM), PLACE_IDE2);
	assert_int_equal(config_drive_place(c.vm[0].drive, CONFIG_DISK0), PLACE_IDE0);
	assert_int_equal(config_drive_place(c.vm[0].drive, CONFIG_DISK0 + 1), PLACE_IDE1);
	assert_int_equal(config_drive_place(c.vm[0].drive, CONFIG_DISK0 + 2), PLACE_IDE3);
	assert_int_equal(config_drive_place(c.vm[1].drive, CONFIG_DISK0 + 2), PLACE_IDE2);
	assert_int_equal(config_drive_place(c.vm[1].drive, CONFIG_DISK3), PLACE_IDE3);
	config_free(&c);
}

/* A disk has the same place on either bus, and says more than its machine does. */
static void test_buses(void **state)
{
	struct config c;
	const struct config_drive *d;

	(void)state;
	assert_int_equal(parse("[vm a]\nkernel = k\ndisk0 = d,readonly,bus=virtio\n"
			       "disk1 = e\ndisk3 = f,bus=virtio\ncdrom = g\n"
			       "[vm b]\nkernel = k\ndisk0 = d,bus=ide\ndisk2 = e,readonly\n"
			       "bus = virtio\nvirtio = legacy\nrng = virtio\nballoon = "
			       "virtio\nconsole = virtio\n",
			       &c),
			 0);
	assert_string_equal(messages, "");
	d = c.vm[0].drive;
	assert_true(d[CONFIG_DISK0].read_only);
	assert_int_equal(config_drive_place(d, CONFIG_DISK0), PLACE_VIRTIO0);
	assert_int_equal(config_drive_place(d, CONFIG_DISK0 + 1), PLACE_IDE1);
	assert_int_equal(config_drive_place(d, CONFIG_DISK3), PLACE_VIRTIO3);
	assert_int_equal(c.vm[0].virtio, VIRTIO_FOR_BOTH);
	d = c.vm[1].drive;
	assert_int_equal(config_drive_place(d, CONFIG_DISK0), PLACE_IDE0);
	assert_int_equal(config_drive_place(d, CONFIG_DISK0 + 2), PLACE_VIRTIO0 + 2);
	assert_int_equal(c.vm[1].virtio, VIRTIO_FOR_OLD);
	assert_true(c.vm[1].virtio_rng && !c.vm[0].virtio_rng);
	assert_true(c.vm[1].balloon && !c.vm[0].balloon);
	assert_int_equal(c.vm[1].serial[CONFIG_SERIALS - 1], SERIAL_CONSOLE);
	assert_int_equal(c.vm[0].serial[CONFIG_SERIALS - 1], SERIAL_NONE);
	config_free(&c);
}

/* The same address in two networks is no mistake. */
static void test_networks(void **state)
{
	static const u8 mac[NIC_MAC] = { 0x02, 0xab, 0xcd, 0, 0, 1 };
	struct config c;

	(void)state;
	assert_int_equal(parse("[vm a]\nkernel=k\nnet0 = lan\nnet3 = "
			       "wan,mac=02:aB:Cd:00:00:01,card=virtio\n"
			       "[vm b]\nnet0 = lan,card=ne2000-isa,mac=02:ab:cd:00:00:01\n"
			       "net1=lan,card=virtio\nboot = network, disk\n"
			       "[vm c]\nnet2 = lan\nboot = disk,network\n[vm d]\nnet0 = lan\n"
			       "[vm e]\nnet0 = lan\nnetrom = k\n",
			       &c),
			 0);
	assert_string_equal(messages, "");
	assert_string_equal(c.vm[0].net[0].network, "lan");
	assert_int_equal(c.vm[0].net[0].nic.kind, NIC_NE2000);
	assert_int_equal(c.vm[0].net[1].nic.kind, NIC_NONE);
	assert_string_equal(c.vm[0].net[3].network, "wan");
	assert_int_equal(c.vm[0].net[3].nic.kind, NIC_VIRTIO);
	assert_memory_equal(c.vm[0].net[3].nic.mac, mac, NIC_MAC);
	assert_int_equal(c.vm[1].net[0].nic.kind, NIC_NE2000_ISA);
	assert_int_equal(c.vm[1].boot[0], BOOT_FROM_NETWORK);
	assert_string_equal(c.vm[1].netrom, CONFIG_NETROM_VIRTIO);
	assert_string_equal(c.vm[2].netrom, CONFIG_NETROM_NE2000);
	assert_string_equal(c.vm[3].netrom, "");
	assert_string_equal(c.vm[4].netrom, "k");
	config_free(&c);
	assert_int_equal(parse("[vm a]\nkernel=k\nnet0 = lan,mac=02:00:00:00:00:01\n"
			       "[vm b]\nkernel=k\nnet1 = lan,mac=02:00:00:00:00:01\n",
			       &c),
			 1);
	assert_non_null(strstr(messages, "t.conf:4: [vm b]: two cards with the same mac"));
	assert_true(!c.vm[0].bad && c.vm[1].bad);
	config_free(&c);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "[vm a]\nkernel=k\ncolour = blue\n",
		  "t.conf:3: colour = blue: unknown key in [vm a]" },
		{ "[vm a]\nkernel=k\nmemory = 12Q\n", "t.conf:3: memory = 12Q: not a size" },
		{ "[vm a]\nkernel=k\nmemory = 1M\n",
		  "t.conf:3: memory = 1M: not between 4M and 3G" },
		{ "[vm a]\nkernel=k\nmemory = 99999999999999999999\n", "t.conf:3: memory" },
		{ "[vm a]\nkernel=k\nengine = fast\n", "t.conf:3: engine = fast: not auto" },
		{ "[vm a]\nkernel=absent\n", "t.conf:2: kernel = absent: there is no such file" },
		{ "[vm a]\nkernel=k\nkernel=k\n", "t.conf:3: kernel = k: given twice" },
		{ "[vm a]\ncmdline=x\n", "t.conf:1: [vm a]: cmdline is given, but no kernel" },
		{ "[vm a]\ninitrd=i\n", "t.conf:1: [vm a]: initrd is given, but no kernel" },
		{ "[vm a]\nkernel=k\nboot=disk\n", "t.conf:1: [vm a]: boot is given, which" },
		{ "[vm a]\nkernel=k\nfirmware=f\n", "t.conf:1: [vm a]: firmware is given" },
		{ "[vm a]\nfirmware=absent\n", "t.conf:2: firmware = absent: there is no" },
		{ "[vm a]\nboot=disk,floppy,disk\n", "t.conf:2: boot = disk,floppy,disk: not" },
		{ "[vm a]\nboot=\n", "t.conf:2: boot = : not floppy, cdrom, disk or net" },
		{ "[vm a]\nboot=tape\n", "t.conf:2: boot = tape: not floppy" },
		{ "[vm a]\nboot=disk,\n", "t.conf:2: boot = disk,: not floppy" },
		{ "[vm a]\nboot=network\n",
		  "t.conf:1: [vm a]: to boot from the network it needs a network card on PCI" },
		{ "[vm a]\nboot=network\nnet0=lan,card=ne2000-isa\n",
		  "t.conf:1: [vm a]: to boot from the network it needs a network card on PCI" },
		{ "[vm a]\nkernel=k\nnetrom=k\n", "t.conf:1: [vm a]: netrom is given, which" },
		{ "[vm a]\nkernel=k\nnet4=lan\n", "t.conf:3: net4 = lan: unknown key" },
		{ "[vm a]\nkernel=k\nnet0=\n", "t.conf:3: net0 = : not the name of a network" },
		{ "[vm a]\nkernel=k\nnet0=my lan\n", "t.conf:3: net0 = my lan: not the name" },
		{ "[vm a]\nkernel=k\nnet0=lan,\n", "t.conf:3: net0 = lan,: behind a comma" },
		{ "[vm a]\nkernel=k\nnet0=lan,fast\n", "t.conf:3: net0 = lan,fast: behind a" },
		{ "[vm a]\nkernel=k\nnet0=lan,card=e1000\n",
		  "t.conf:3: net0 = lan,card=e1000: card is ne2000, ne2000-isa or virtio" },
		{ "[vm a]\nkernel=k\nnet1=lan,card=ne2000-isa\n",
		  "t.conf:3: net1 = lan,card=ne2000-isa: only net0 can be on ISA" },
		{ "[vm a]\nkernel=k\nnet0=lan,mac=01:00:00:00:00:01\n",
		  "t.conf:3: net0 = lan,mac=01:00:00:00:00:01: mac is a card's address" },
		{ "[vm a]\nkernel=k\nnet0=lan,mac=02:00:00:00:01\n",
		  "t.conf:3: net0 = lan,mac=02:00:00:00:01: mac is a card's address" },
		{ "[vm a]\nkernel=k\nnet0=lan,mac=02:00:00:00:00:0g\n",
		  "t.conf:3: net0 = lan,mac=02:00:00:00:00:0g: mac is a card's address" },
		{ "[vm a]\nkernel=k\nnet0=lan,mac=02:00:00:00:00:01\n"
		  "net1=lan,mac=02:00:00:00:00:01\n",
		  "t.conf:1: [vm a]: two cards with the same mac in one network" },
		{ "[vm a]\nsercon=1\n", "t.conf:2: sercon = 1: not yes or no" },
		{ "[vm a]\nkernel\n", "t.conf:2: kernel: expected key = value" },
		{ "[vm a]\nkernel=k\ndisk0 = absent\n", "t.conf:3: disk0 = absent: there is no" },
		{ "[vm a]\nkernel=k\ndisk4 = x\n", "t.conf:3: disk4 = x: unknown key" },
		{ "[vm a]\nkernel=k\ncdrom = x,fast\n",
		  "t.conf:3: cdrom = x,fast: behind a comma" },
		{ "[vm a]\nkernel=k\nfloppy = \n", "t.conf:3: floppy = : not the name of a file" },
		{ "[vm a]\nkernel=k\ndisk_writes = 0\n", "t.conf:3: disk_writes = 0: not a size" },
		{ "[vm a]\nkernel=k\ncpu = 486\n",
		  "t.conf:3: cpu = 486: not host, pentium, pentium2, pentium3 or athlon64" },
		{ "[vm a]\nkernel=k\nstrict_ram = -1\n",
		  "t.conf:3: strict_ram = -1: not a number of accesses" },
		{ "[vm a]\nkernel=k\nstrict_ram = many\n",
		  "t.conf:3: strict_ram = many: not a number of accesses" },
		{ "[vm a]\nkernel=k\nstrict = yes\n",
		  "t.conf:3: strict = yes: not off, warn or stop" },
		{ "[vm a]\nkernel=k\ntlb = snooping\n",
		  "t.conf:3: tlb = snooping: not architectural or coherent" },
		{ "[vm a]\nkernel=k\nspeed = 0%\n", "t.conf:3: speed = 0%: not 1% to 100%" },
		{ "[vm a]\nkernel=k\nspeed = 101%\n", "t.conf:3: speed = 101%: not 1% to 100%" },
		{ "[vm a]\nkernel=k\nspeed = 33\n", "t.conf:3: speed = 33: not 1% to 100%" },
		{ "[vm a]\nkernel=k\nspeed = 12345678MHz\n",
		  "t.conf:3: speed = 12345678MHz: not 1% to 100%" },
		{ "[vm a]\nkernel=k\nspeed = 10 %\n", "t.conf:3: speed = 10 %: not 1% to 100%" },
		{ "[vm a]\nkernel=k\ncdrom=x\ndisk3=y\n",
		  "t.conf:1: [vm a]: four IDE disks and a CD-ROM" },
		{ "[vm ]\nkernel=k\n", "t.conf:1: [vm ]: a name has 1 to 31 characters" },
		{ "[other]\nx=y\n", "t.conf:1: [other]: unknown section" },
		{ "kernel=k\ninitrd=i\n",
		  "t.conf:1: kernel = k: outside any section; [ringleader] or" },
		{ "[ringleader]\nexit = never\n", "t.conf:2: exit = never: not poweroff" },
		{ "[ringleader]\nhotkey = f12\n", "t.conf:2: hotkey = f12: not two to four keys" },
		{ "[ringleader]\nhotkey = ctrl-hyper-f12\n",
		  "t.conf:2: hotkey = ctrl-hyper-f12: not two to four keys" },
		{ "[ringleader]\nhotkey = ctrl-alt-shift-a-b\n", "not two to four keys" },
		{ "[ringleader]\nscreen = both\n", "t.conf:2: screen = both: not console or vm" },
		{ "[ringleader]\nescape = x\n", "t.conf:2: escape = x: not ctrl-" },
		{ "[vm a\nkernel=k\nmemory=1\n", "t.conf:1: [vm a: a section is" },
		{ "[vm a] b\n", "t.conf:1: [vm a] b: a section is" },
		{ "[other]\nx=y\nz\n\"\n", "t.conf:1: [other]: unknown section; there are" },
		{ "[ringleader]\nexit=stay\n[ringleader]\nexit=halt\nx=y\n",
		  "t.conf:3: [ringleader]: there is one in line 1" },
		{ "[vm a\tb]\nkernel=k\n", "t.conf:1: [vm a.b]: a name has 1 to 31" },
		{ "[vm a\033[2J]\nkernel=k\n", "t.conf:1: [vm a.[2J]: a name has 1 to 31" },
		{ "[vm \xc3\xa4]\n", ": a name has 1 to 31" },
		{ "[vm a]\nkernel=k\ncmdline=a\033[2Jb\n", "t.conf:3: cmdline=a.[2Jb: a control" },
		{ "[vm a]\nkernel=k\ncmdline=\"a ; b\n",
		  "t.conf:3: cmdline: a quote is not closed" },
		{ "[vm a]\nkernel=k\ncmdline='a\n", "t.conf:3: cmdline: a quote is not closed" },
		{ "[vm a]\nkernel=\n", "t.conf:2: kernel = : not the name of a file" },
		{ "[vm a]\nkernel=k\nmemory = 64M;x\n", "t.conf:3: memory = 64M;x: not a size" },
		{ "[ringleader]\nescape = ctrl-m\n", "t.conf:2: escape = ctrl-m: that is Enter" },
		{ "[vm a]\nkernel=k\nfloppy = x,bus=virtio\n",
		  "t.conf:3: floppy = x,bus=virtio: only disks" },
		{ "[vm a]\nkernel=k\ndisk0 = x,bus=scsi\n",
		  "t.conf:3: disk0 = x,bus=scsi: behind a comma" },
		{ "[vm a]\nkernel=k\nbus = scsi\n", "t.conf:3: bus = scsi: not ide or virtio" },
		{ "[vm a]\nkernel=k\nvirtio = 2\n", "t.conf:3: virtio = 2: not both, legacy" },
		{ "[ringleader]\nescape = ctrl-J\n", "t.conf:2: escape = ctrl-J: that is Enter" },
		{ "[ringleader]\nescape = ctrl-i\n", "t.conf:2: escape = ctrl-i: that is Tab" },
		{ "[ringleader]\nescape = ctrl-h\n",
		  "t.conf:2: escape = ctrl-h: that is Backspace" },
		{ "[ringleader]\nescape = ctrl-[\n", "t.conf:2: escape = ctrl-[: that is Esc" },
		{ "[ringleader]\nescape = ctrl-@\n", "t.conf:2: escape = ctrl-@: that is no key" },
		{ "[ringleader]\nescape = ctrl-1\n", "t.conf:2: escape = ctrl-1: not ctrl-" },
		{ "[ringleader]\nescape = ctrl-`\n", "t.conf:2: escape = ctrl-`: not ctrl-" },
		{ "\xff\xfe[", "t.conf:1: this is UTF-16" },
		{ "\xfe\xff[", "t.conf:1: this is UTF-16" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config c;

		assert_int_not_equal(parse(cases[i].text, &c), 0);
		if (!strstr(messages, cases[i].message))
			fail_msg("case %zu: got %s", i, messages);
		if (strchr(messages, '\n')[1])
			fail_msg("case %zu: more than one line: %s", i, messages);
		for (unsigned v = 0; v < c.vms; v++)
			assert_true(c.vm[v].bad);
		config_free(&c);
	}
}

/* A VGA has a ROM where a BIOS looks for it, or one is named; no VGA, no ROM. */
static void test_vgabios(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(parse("[vm a]\nvga = none\n[vm b]\nkernel = k\nvgabios = v\n"
			       "[vm c]\nkernel = k\n[vm d]\nvgabios = v\nvga = none\n"
			       "[vm e]\nkernel = k\nvga = none\nvgabios = v\n",
			       &c),
			 2);
	assert_string_equal(c.vm[0].vgabios, "");
	assert_string_equal(c.vm[0].firmware, CONFIG_FIRMWARE);
	assert_string_equal(c.vm[1].vgabios, "v");
	assert_string_equal(c.vm[2].vgabios, "");
	assert_true(c.vm[3].bad && c.vm[4].bad);
	config_free(&c);
}

/* Without a kernel there is a BIOS, the package's unless another is named. */
static void test_firmware(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(parse("[vm a]\nmemory = 8M\n[vm b]\nfirmware = f\nvgabios = v\nboot = "
			       "disk , floppy\n"
			       "boot_menu = yes\nsercon = yes\non_triple_fault = stop\n"
			       "apic = no\n",
			       &c),
			 0);
	assert_string_equal(files, "1:" CONFIG_FIRMWARE "\n1:" CONFIG_VGABIOS "\n"
				   "4:f\n5:v\n");
	assert_string_equal(c.vm[1].vgabios, "v");
	assert_string_equal(c.vm[0].firmware, CONFIG_FIRMWARE);
	assert_int_equal(c.vm[0].triple, TRIPLE_RESET);
	assert_int_equal(c.vm[0].boots, 0);
	assert_false(c.vm[0].boot_menu || c.vm[0].sercon);
	assert_true(c.vm[0].apic);
	assert_string_equal(c.vm[1].firmware, "f");
	assert_int_equal(c.vm[1].boots, 2);
	assert_int_equal(c.vm[1].boot[0], BOOT_FROM_DISK);
	assert_int_equal(c.vm[1].boot[1], BOOT_FROM_FLOPPY);
	assert_true(c.vm[1].boot_menu && c.vm[1].sercon);
	assert_int_equal(c.vm[1].triple, TRIPLE_STOP);
	assert_false(c.vm[1].apic);
	config_free(&c);
}

/* A mistake costs its own VM only. */
static void test_others_survive(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(parse("[vm a]\nkernel=k\n[vm b]\nkernel=k\nx=y\n[vm a]\nkernel=k\n[vm "
			       "c]\nkernel=k\n",
			       &c),
			 2);
	assert_int_equal(c.vms, 3);
	assert_false(c.vm[0].bad);
	assert_true(c.vm[1].bad);
	assert_false(c.vm[2].bad);
	assert_string_equal(c.vm[2].name, "c");
	config_free(&c);
}

/* What a value is, with quotes and comments. */
static void test_quotes_and_comments(void **state)
{
	static const struct {
		const char *given, *value;
	} t[] = {
		{ "a b", "a b" },
		{ "a # b", "a" },
		{ "a ; b", "a" },
		{ "a\t# b", "a" },
		{ "# b", "" },
		{ "a#b;c", "a#b;c" },
		{ "\"a ; b\"", "a ; b" },
		{ "\"a ; b\" # c", "a ; b" },
		{ "'a ; \"b'  ; c", "a ; \"b" },
		{ "\"a \\\"b\\\" \\\\ \\n\"", "a \"b\" \\ \\n" },
		{ "x dyndbg=\"file a +p ; file b +p\" y # z",
		  "x dyndbg=\"file a +p ; file b +p\" y" },
		{ "\"a\" \"b\"", "\"a\" \"b\"" },
		{ "it's", "it's" },
		{ "\"  a  \"", "  a  " },
		{ "\"\"", "" },
		{ "r\xc3\xa4", "r\xc3\xa4" },
	};
	char text[256];
	struct config c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		sprintf(text, "[vm a] # here\nkernel = 'my # kernel'\ncmdline = %s\r\n",
			t[i].given);
		if (parse(text, &c))
			fail_msg("%s: %s", t[i].given, messages);
		assert_string_equal(c.vm[0].cmdline, t[i].value);
		assert_string_equal(c.vm[0].kernel, "my # kernel");
		config_free(&c);
	}
}

static void test_files_that_are_no_text(void **state)
{
	static const char nul[] = "[vm a]\nkernel=k\n\0\n[vm b]\n";
	struct config c;

	(void)state;
	assert_int_equal(parse_bytes(nul, sizeof(nul) - 1, &c), 1);
	assert_string_equal(messages, "t.conf:3: a NUL byte: this is not a text file\n");
	assert_int_equal(c.vms, 0);
	config_free(&c);
	/* A byte order mark is nothing. */
	assert_int_equal(parse("\xef\xbb\xbf[vm a]\nkernel=k\n", &c), 0);
	assert_int_equal(c.vms, 1);
	config_free(&c);
}

/* Nothing to run is said, but is no error. */
static void test_no_machines(void **state)
{
	static const char *const texts[] = { "", "\n", "[ringleader]\nexit=stay\n", "; x" };
	struct config c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(parse(texts[i], &c), 0);
		assert_non_null(
			strstr(messages, ": no [vm NAME] section: there is nothing to run"));
		config_free(&c);
	}
}

static void test_many_machines(void **state)
{
	enum { MANY = 200 };
	static char text[MANY * 40];
	struct config c;

	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		sprintf(text + strlen(text), "[vm m%u]\nkernel = k%u\n", i, i);
	assert_int_equal(parse(text, &c), 0);
	assert_int_equal(c.vms, MANY);
	assert_string_equal(c.vm[0].kernel, "k0");
	assert_string_equal(c.vm[MANY - 1].name, "m199");
	config_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_drives),
		cmocka_unit_test(test_buses),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_firmware),
		cmocka_unit_test(test_vgabios),
		cmocka_unit_test(test_others_survive),
		cmocka_unit_test(test_quotes_and_comments),
		cmocka_unit_test(test_files_that_are_no_text),
		cmocka_unit_test(test_no_machines),
		cmocka_unit_test(test_many_machines),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
