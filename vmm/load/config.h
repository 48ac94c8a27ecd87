/* SPDX-License-Identifier: MIT */
/*
 * The configuration: INI text to structures. Pure. Every mistake is reported with file, line and
 * value, and costs only the VM that it stands in; the others are still returned. iso/mkimage runs
 * the same code on the host (iso/check_config.c).
 */
#pragma once

#include "emu/cpu/cpu_model.h"
#include "kernel/base/types.h"
#include "vmm/load/config_boot.h"
#include "vmm/load/config_drive.h"
#include "vmm/load/config_net.h"
#include "vmm/load/config_speed.h"

#define CONFIG_NAME    32
#define CONFIG_CMDLINE 1024
#define CONFIG_HOTKEY  4 /* keys */
#define CONFIG_LINE    8

enum config_engine { ENGINE_AUTO, ENGINE_RING1, ENGINE_RECOMPILE, ENGINE_RECOMPILE_ALL };
enum config_exit { EXIT_POWEROFF, EXIT_REBOOT, EXIT_HALT, EXIT_STAY };
enum config_serial { SERIAL_NONE, SERIAL_CONSOLE, SERIAL_LOG };
enum config_strict { STRICT_OFF, STRICT_WARN, STRICT_STOP };
enum config_triple { TRIPLE_STOP, TRIPLE_RESET, TRIPLE_FREEZE };

enum config_virtio { VIRTIO_FOR_BOTH, VIRTIO_FOR_OLD, VIRTIO_FOR_NEW };

/* Where Debian's package seabios has it. */
#define CONFIG_FIRMWARE "/usr/share/seabios/bios-256k.bin"
#define CONFIG_VGABIOS	"/usr/share/seabios/vgabios-stdvga.bin"

/* And ipxe-qemu. */
#define CONFIG_NETROM_VIRTIO "/usr/lib/ipxe/qemu/pxe-virtio.rom"
#define CONFIG_NETROM_NE2000 "/usr/lib/ipxe/qemu/pxe-ne2k_pci.rom"

#define CONFIG_SERIALS 5

struct config_vm {
	char name[CONFIG_NAME];
	unsigned line; /* of its section header */
	bool bad;      /* had an error: must not be started */
	u64 memory;    /* bytes, multiple of 4 KiB; default 64M */
	char kernel[CONFIG_PATH], initrd[CONFIG_PATH];
	char state[CONFIG_PATH];   /* a saved machine that it starts as */
	char symbols[CONFIG_PATH]; /* names of its addresses, for the debugger */
	char cmdline[CONFIG_CMDLINE];
	struct config_drive drive[CONFIG_DRIVES];
	struct config_net net[NIC_PLACES];
	enum config_bus bus;	   /* of disks that do not say theirs */
	enum config_virtio virtio; /* virtio = both (default), legacy or modern */
	u64 disk_writes; /* bytes of changed blocks that its media may have; 0: not given */
	/* Without a kernel: the BIOS and that of the screen; else empty. */
	char firmware[CONFIG_PATH], vgabios[CONFIG_PATH];
	char netrom[CONFIG_PATH]; /* of its first network card on PCI; "": none */
	enum config_boot boot[BOOT_KINDS];
	unsigned boots; /* of them; 0: the BIOS' own order */
	bool boot_menu, sercon;
	enum config_engine engine;
	char gdb[CONFIG_LINE]; /* gdb = com2: the line of the machine where gdb comes; "": none */
	/* Default: serial0 = console, others none. The last one is the virtio console. */
	enum config_serial serial[CONFIG_SERIALS];
	bool virtio_rng;	   /* rng = virtio */
	bool balloon;		   /* balloon = virtio */
	enum config_triple triple; /* on_triple_fault; default: stop, with a BIOS reset */
	enum config_strict strict; /* default: off */
	/* strict_ram = N: reads of RAM that was never written are told, too, of each page as long
	 * as it was used less than N times; 0: they are not. */
	u64 strict_ram;
	bool verify;	 /* verify = yes: each block of translated code is proven to be confined */
	bool debug_exit; /* debug_exit = yes: port 501h, for test guests */
	bool apic;	 /* local APIC, I/O APIC and HPET */
	bool no_vga;	 /* vga = none */
	enum cpu_model_name cpu;   /* cpu = host (default), pentium ... */
	bool coherent_tlb;	   /* tlb = coherent: tables written count at once */
	struct config_speed speed; /* speed = N% or NMHz */
	bool idle_detect;	   /* idle = detect: programs that wait by asking are found out */
	bool start;		   /* autostart = yes (default) */
};

struct config {
	unsigned console; /* CONSOLE_SERIAL | CONSOLE_SCREEN */
	enum config_exit exit;
	bool screen_vm; /* screen = vm: the machine's own shows the first VM's at once */
	u8 escape;	/* escape = ctrl-] */
	u8 hotkey[CONFIG_HOTKEY + 1]; /* hotkey = ctrl-alt-f12: keys, 0 behind the last */
	char gdb[CONFIG_LINE]; /* gdb = com2: where gdb comes to debug the monitor; "": nowhere */
	unsigned flow;	       /* enum console_flow; flow = none (default), rtscts or xonxoff */
	struct config_vm *vm;  /* vms of them; as many as memory holds */
	unsigned vms;
	unsigned errors;
};

/* One message: "vms.conf:12: memory = 12Q: not a size". */
typedef void (*config_report_fn)(void *ctx, const char *message);

/* Asked about each file that the configuration names; returns NULL, or why it cannot be used
 * ("there is no such file in the image"). */
typedef const char *(*config_file_fn)(void *ctx, unsigned line, const char *name);

/*
 * Parses text[0..size). Always fills *out as far as it could; returns the number of errors
 * reported. That there is no [vm] section is reported, but no error: there is still the prompt.
 * file_check may be NULL. The caller ends with config_free().
 */
unsigned config_parse(const char *file, const char *text, size_t size, struct config *out,
		      config_file_fn file_check, config_report_fn report, void *ctx);
void config_free(struct config *c);
