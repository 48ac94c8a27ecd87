/* SPDX-License-Identifier: MIT */
/*
 * The firmware's configuration. Numbers are little-endian.
 *
 * ACPI: the firmware takes memory for two files, etc/acpi/tables and etc/acpi/rsdp, and follows the
 * commands of etc/table-loader, 128 bytes each: allocate a file; add a file's address to the offset
 * that stands in another; compute a checksum anew.
 */
#include "emu/board/firmware_config.h"

#include "emu/board/board_options.h"
#include "emu/board/pc_slots.h"
#include "emu/chip/virtio.h"
#include "emu/dev/drives.h"
#include "kernel/base/alloc.h"
#include "kernel/base/bytes.h"
#include "kernel/base/error.h"
#include "kernel/base/print.h"
#include "kernel/base/string.h"

/* --- The table loader */

#define TABLES	    "etc/acpi/tables"
#define RSDP	    "etc/acpi/rsdp"
#define TABLES_ROOM (32 * KiB)

#define COMMAND_SIZE 128u
#define COMMANDS     (2 + ACPI_POINTERS + ACPI_SUMS)

enum loader_command { LOADER_ALLOCATE = 1, LOADER_ADD_POINTER, LOADER_ADD_CHECKSUM };
enum loader_zone { ZONE_HIGH = 1, ZONE_FSEG };

struct script {
	u8 bytes[COMMANDS * COMMAND_SIZE];
	u32 used;
};

static u8 *command(struct script *s, enum loader_command what, const char *file)
{
	u8 *c = s->bytes + s->used;

	s->used += COMMAND_SIZE;
	put_le32(c, what);
	str_copy((char *)c + 4, file, FW_CFG_NAME);
	return c + 4 + FW_CFG_NAME;
}

static void allocate(struct script *s, const char *file, u32 align, enum loader_zone zone)
{
	u8 *c = command(s, LOADER_ALLOCATE, file);

	put_le32(c, align);
	c[4] = (u8)zone;
}

/* The tables' addresses are offsets in their file until the loader has put it somewhere. */
static void add_pointer(struct script *s, const char *file, const struct acpi_pointer *p)
{
	u8 *c = command(s, LOADER_ADD_POINTER, file);

	str_copy((char *)c, TABLES, FW_CFG_NAME);
	put_le32(c + FW_CFG_NAME, p->at);
	c[FW_CFG_NAME + 4] = p->size;
}

static void add_checksum(struct script *s, const char *file, const struct acpi_sum *sum)
{
	u8 *c = command(s, LOADER_ADD_CHECKSUM, file);

	put_le32(c, sum->at);
	put_le32(c + 4, sum->start);
	put_le32(c + 8, sum->size);
}

/* The RSDP comes first in what was built, and has a file of its own. */
static const char *file_of(u32 at)
{
	return at < ACPI_RSDP_SIZE ? RSDP : TABLES;
}

static void write_script(struct script *s, const struct acpi_layout *l)
{
	allocate(s, TABLES, 64, ZONE_HIGH);
	allocate(s, RSDP, 16, ZONE_FSEG);
	for (unsigned i = 0; i < l->pointers; i++)
		add_pointer(s, file_of(l->pointer[i].at), &l->pointer[i]);
	for (unsigned i = 0; i < ACPI_SUMS; i++)
		add_checksum(s, file_of(l->sum[i].at), &l->sum[i]);
}

static int add_tables(struct fw_cfg *f, const struct acpi_machine *machine)
{
	u8 *tables = mem_alloc(TABLES_ROOM);
	struct script *script = mem_alloc(sizeof(*script));
	struct acpi_layout l;
	int err = E_NOMEM;

	if (tables && script)
		err = acpi_build(tables, TABLES_ROOM, 0, machine, &l);
	if (!err)
		err = fw_cfg_add_file(f, TABLES, tables, l.end);
	if (!err)
		err = fw_cfg_add_file(f, RSDP, tables, ACPI_RSDP_SIZE);
	if (!err) {
		write_script(script, &l);
		err = fw_cfg_add_file(f, "etc/table-loader", script->bytes, script->used);
	}
	mem_free(tables);
	mem_free(script);
	return err;
}

/* --- Small items */

#define E820_ENTRY 20u
#define E820_RAM   1u

/* All RAM in one entry: the firmware takes out what lies below 1 MiB and is none. */
static int add_memory_map(struct fw_cfg *f, u64 ram_size)
{
	u8 entry[E820_ENTRY] = { 0 };

	put_le32(entry + 8, (u32)ram_size);
	put_le32(entry + 12, (u32)(ram_size >> 32));
	put_le32(entry + 16, E820_RAM);
	return fw_cfg_add_file(f, "etc/e820", entry, sizeof(entry));
}

static int add_u16(struct fw_cfg *f, u16 key, u16 value)
{
	u8 bytes[2];

	put_le16(bytes, value);
	return fw_cfg_add(f, key, bytes, sizeof(bytes));
}

static int add_file_u32(struct fw_cfg *f, const char *name, u32 value)
{
	u8 bytes[4];

	put_le32(bytes, value);
	return fw_cfg_add_file(f, name, bytes, sizeof(bytes));
}

/* --- What to boot from */

#define PATH_ROOM 48u

/* As SeaBIOS names what it finds: the words of drives are not compared. */
static const char *const place_path[DRIVE_PLACES] = {
	[PLACE_FLOPPY0] = "/pci@i0cf8/isa@1/fdc@03f0/floppy@0\n",
	[PLACE_FLOPPY1] = "/pci@i0cf8/isa@1/fdc@03f0/floppy@1\n",
	[PLACE_IDE0] = "/pci@i0cf8/ide@1,1/drive@0/disk@0\n",
	[PLACE_IDE1] = "/pci@i0cf8/ide@1,1/drive@0/disk@1\n",
	[PLACE_IDE2] = "/pci@i0cf8/ide@1,1/drive@1/disk@0\n",
	[PLACE_IDE3] = "/pci@i0cf8/ide@1,1/drive@1/disk@1\n",
	[PLACE_VIRTIO0] = "/pci@i0cf8/scsi@4/disk@0,0\n",
	[PLACE_VIRTIO0 + 1] = "/pci@i0cf8/scsi@5/disk@0,0\n",
	[PLACE_VIRTIO0 + 2] = "/pci@i0cf8/scsi@6/disk@0,0\n",
	[PLACE_VIRTIO3] = "/pci@i0cf8/scsi@7/disk@0,0\n",
};

/* As SeaBIOS finds their ROMs: 00:0b.0 and so on, where emu/board/pc_slots.c has them. */
#define NIC_PATH "/pci@i0cf8/ethernet@%x\n"

/* Its number on the PCI bus; 0: it is not there. */
static unsigned nic_device(const struct board_config *config, unsigned n)
{
	u32 option = board_nic_option(config, n);

	for (unsigned i = 0; option && i < pc_slot_count; i++)
		if (pc_slots[i].options == option && pc_slots[i].pci)
			return (pc_slots[i].pci - 1u) >> 3;
	return 0;
}

static u32 add_nic_paths(const struct board_config *config, char *text)
{
	u32 len = 0;

	for (unsigned n = 0; n < NIC_PLACES; n++) {
		unsigned device = nic_device(config, n);

		if (device)
			len += (u32)fmt_print(text + len, PATH_ROOM, NIC_PATH, device);
	}
	return len;
}

/* Every drive, or network card, of a kind; returns the length. */
static u32 add_paths(const struct board_config *config, enum board_boot what, char *text)
{
	static const enum drive_kind kind[BOARD_BOOTS] = { [BOARD_BOOT_FLOPPY] = DRIVE_FLOPPY,
							   [BOARD_BOOT_CDROM] = DRIVE_CDROM,
							   [BOARD_BOOT_DISK] = DRIVE_DISK };
	u32 len = 0;

	if (what == BOARD_BOOT_NETWORK)
		return add_nic_paths(config, text);
	for (unsigned place = 0; config->drives && place < DRIVE_PLACES; place++) {
		if (config->drives[place].kind != kind[what])
			continue;
		str_copy(text + len, place_path[place], PATH_ROOM);
		len += (u32)strlen(text + len);
	}
	return len;
}

static int add_boot_order(struct fw_cfg *f, const struct board_config *config)
{
	char text[(DRIVE_PLACES + NIC_PLACES) * PATH_ROOM];
	u32 len = 0;

	for (unsigned i = 0; i < config->boot.count; i++)
		len += add_paths(config, config->boot.order[i], text + len);
	return len ? fw_cfg_add_file(f, "bootorder", text, len) : 0;
}

/* The ROM of an adapter that has none of its own, by its PCI identity: the screen's. */
#define VGA_ROM "pci1234,1111.rom"

/* Of the first network card on PCI. A virtio device that is not for old drivers has a number of its
 * own. */
static const char *netrom_name(const struct board_config *config)
{
	for (unsigned n = 0; n < NIC_PLACES; n++) {
		if (config->nic[n].kind == NIC_NE2000)
			return "pci10ec,8029.rom";
		if (config->nic[n].kind == NIC_VIRTIO)
			return config->virtio == VIRTIO_NEW_ONLY ? "pci1af4,1041.rom"
								 : "pci1af4,1000.rom";
	}
	return NULL;
}

static int add_roms(struct fw_cfg *f, const struct board_config *config)
{
	const struct board_file *vga = &config->vgabios, *net = &config->netrom;
	int err = 0;

	if (vga->data)
		err = fw_cfg_add_file(f, VGA_ROM, vga->data, vga->size);
	if (!err && net->data && netrom_name(config))
		err = fw_cfg_add_file(f, netrom_name(config), net->data, net->size);
	return err;
}

int firmware_config_add(struct fw_cfg *f, const struct board_config *config,
			const struct acpi_machine *machine)
{
	int err = add_u16(f, FW_CFG_CPUS, 1);

	if (!err)
		err = add_u16(f, FW_CFG_MAX_CPUS, 1);
	if (!err)
		err = add_u16(f, FW_CFG_BOOT_MENU, config->boot.menu);
	if (!err)
		err = add_memory_map(f, config->ram_size);
	if (!err)
		err = add_tables(f, machine);
	if (!err)
		err = add_boot_order(f, config);
	/* Where nothing can be booted, the message stays: it does not try again for ever. */
	if (!err)
		err = add_file_u32(f, "etc/boot-fail-wait", 0xffffffff);
	if (!err)
		err = add_roms(f, config);
	if (!err && config->boot.serial_console)
		err = add_file_u32(f, "etc/sercon-port", 0x3f8);
	return err;
}
