/* SPDX-License-Identifier: MIT */
/*
 * Nothing here changes the VM, which may run meanwhile.
 */
#include "vmm/cmd/device_commands.h"

#include "emu/board/board_show.h"
#include "emu/dbg/dbg_search.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/console/shell.h"
#include "vmm/cmd/debug_args.h"
#include "vmm/cmd/see_commands.h"
#include "vmm/cmd/vm_commands.h"
#include "vmm/net/network.h"
#include "vmm/state/vm.h"

#define SEARCH_MAX (256u * MiB) /* bytes that one command looks through */
#define PLACES	   100u
#define GUEST_END  BIT64(PAE_PHYS_BITS) /* beyond, memory lies that the chipset hides */

static int cmd_info(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);
	char name[32];
	int err;

	if (!vm)
		return E_NOENT;
	if (argc < 2)
		return debug_usage("info [NAME] DEVICE: `devs` lists them");
	err = debug_words(argc, argv, 1, name, sizeof(name)); /* some have two words */
	if (err)
		return err;
	err = board_show_device(vm->board, name, &console_lines);
	if (err == E_NOENT)
		console_print("%s: devs lists the devices\n", name);
	if (err == E_NOSYS)
		console_print("%s holds nothing that the guest can change\n", name);
	return err == E_NOSYS ? 0 : err;
}

static int cmd_irq(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);

	if (!vm)
		return E_NOENT;
	if (argc != 1)
		return debug_usage("irq [NAME]");
	board_show_irqs(vm->board, &console_lines);
	return 0;
}

/* The one behind it is the same to a guest. */
static bool goes_on(const struct gpmem_region *r)
{
	const struct gpmem_region *next = r + 1;

	return r->start + r->size == next->start && r->kind == next->kind &&
	       r->sealed == next->sealed && !r->over == !next->over && r->name && next->name &&
	       !strcmp(r->name, next->name);
}

static int cmd_map(int argc, char **argv)
{
	static const char *const kind[] = {
		[GPMEM_RAM] = "RAM", [GPMEM_ROM] = "ROM", [GPMEM_MMIO] = "device"
	};
	struct vm *vm = vm_take(&argc, &argv);

	if (!vm)
		return E_NOENT;
	if (argc != 1)
		return debug_usage("map [NAME]");
	for (unsigned i = 0; i < vm->mem.regions && vm->mem.region[i].start < GUEST_END; i++) {
		const struct gpmem_region *r = &vm->mem.region[i];
		u64 end = r->start + r->size;

		while (i + 1 < vm->mem.regions && goes_on(&vm->mem.region[i]))
			end += vm->mem.region[++i].size;
		console_print("%09llx-%09llx  %-6s  %s%s%s\n", (unsigned long long)r->start,
			      (unsigned long long)(end - 1), kind[r->kind], r->name ? r->name : "",
			      r->over ? ", read from ROM" : "", r->sealed ? ", read-only" : "");
	}
	return 0;
}

static void show_cards(const struct vm *vm)
{
	for (unsigned n = 0; n < NIC_PLACES; n++) {
		const struct vm_nic *card = &vm->nic[n];
		const u8 *mac = card->mac;
		const struct net_counts *c;

		if (!card->port)
			continue;
		c = net_port_counts(card->port);
		console_print(
			"%-12s net%u  %-12s %02x:%02x:%02x:%02x:%02x:%02x %10llu %8llu "
			"%10llu %8llu %8llu\n",
			vm->config.name, n, vm->config.net[n].network, mac[0], mac[1], mac[2],
			mac[3], mac[4], mac[5], (unsigned long long)c->frames_in,
			(unsigned long long)(c->bytes_in / KiB), (unsigned long long)c->frames_out,
			(unsigned long long)(c->bytes_out / KiB), (unsigned long long)c->lost);
	}
}

static int cmd_net(int argc, char **argv)
{
	struct list *p;

	(void)argv;
	if (argc != 1)
		return debug_usage("net");
	console_print("%-12s CARD  %-12s %-17s %10s %8s %10s %8s %8s\n", "VM", "NETWORK", "ADDRESS",
		      "SENT", "KIB", "RECEIVED", "KIB", "LOST");
	list_for_each (p, &vm_list)
		show_cards(list_entry(p, struct vm, link));
	return 0;
}

static int cmd_search(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);
	u8 pattern[DBG_SEARCH_BYTES];
	u32 from, len, n, found;

	if (!vm)
		return E_NOENT;
	if (argc != 4)
		return debug_usage("search[/b|/w|/d|/s] [NAME] FROM LENGTH VALUE|TEXT");
	if (debug_address(vm, argv[1], &from) || debug_number(argv[2], SEARCH_MAX, &len) ||
	    debug_bytes(argv[0], argv[3], pattern, DBG_SEARCH_BYTES, &n))
		return E_INVAL;
	found = dbg_search(&vm->vcpu->cpu, from, len, pattern, n, PLACES, &console_lines);
	if (found > PLACES)
		console_print("and %u more\n", found - PLACES);
	return found ? 0 : E_NOENT;
}

static struct shell_command commands[] = {
	{ .name = "info",
	  .args = "[NAME] DEVICE",
	  .help = "what a device of a VM holds, in words and by the names of its source",
	  .examples = "    info pic         what is masked, requested, in service\n"
		      "    info debian ide  drives, and the commands under way\n",
	  .run = cmd_info,
	  .complete = vm_complete_devices },
	{ .name = "irq",
	  .args = "[NAME]",
	  .help = "a VM's interrupts: wires, counts, controllers, devices",
	  .examples = "    irq debian\n",
	  .run = cmd_irq,
	  .complete = vm_complete },
	{ .name = "map",
	  .args = "[NAME]",
	  .help = "where a VM's RAM, ROM and device memory lie",
	  .examples = "    map debian\n",
	  .run = cmd_map,
	  .complete = vm_complete },
	{ .name = "net",
	  .help = "all network cards: their networks, addresses, and frames",
	  .examples = "    net\n",
	  .run = cmd_net },
	{ .name = "search",
	  .args = "[/UNIT] [NAME] FROM LENGTH VALUE",
	  .help = "look for a number (b w d) or a text (s) in a VM's memory",
	  .slash = true,
	  .examples = "    search/s 0 0x100000 \"BIOS\"\n"
		      "    search/d 0xc0000000 0x1000000 0x12345678\n",
	  .run = cmd_search,
	  .complete = vm_complete },
};

void device_commands_init(void)
{
	shell_register_all(commands, ARRAY_SIZE(commands));
}
