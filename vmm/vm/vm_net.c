/* SPDX-License-Identifier: MIT */
/*
 * Ports are opened before there is a board, and closed after it.
 */
#include "vmm/vm/vm_net.h"

#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "vmm/net/network.h"

static void arrived(void *ctx)
{
	struct vm_nic *n = ctx;

	if (n->vm->board)
		board_frames(n->vm->board, (unsigned)(n - n->vm->nic));
}

/* Locally administered (802, 8.4). FNV-1a's hash keeps names that are alike apart. */
static void choose_mac(const char *name, unsigned place, u8 *mac)
{
	u32 h = 2166136261u;

	while (*name)
		h = (h ^ (u8)*name++) * 16777619u;
	mac[0] = 0x52;
	mac[1] = 0x4c;
	mac[2] = (u8)(h >> 16 ^ h >> 24);
	mac[3] = (u8)(h >> 8);
	mac[4] = (u8)h;
	mac[5] = (u8)place;
}

static void set_mac(struct vm *vm, unsigned n)
{
	static const u8 none[NIC_MAC];
	const u8 *given = vm->config.net[n].nic.mac;

	if (memcmp(given, none, NIC_MAC))
		memcpy(vm->nic[n].mac, given, NIC_MAC);
	else
		choose_mac(vm->config.name, n, vm->nic[n].mac);
}

int vm_net_create(struct vm *vm)
{
	for (unsigned n = 0; n < NIC_PLACES; n++) {
		if (vm->config.net[n].nic.kind == NIC_NONE)
			continue;
		vm->nic[n].vm = vm;
		set_mac(vm, n);
		vm->nic[n].port = net_port_open(vm->config.net[n].network, arrived, &vm->nic[n]);
		if (!vm->nic[n].port)
			return E_NOMEM;
	}
	return 0;
}

void vm_net_destroy(struct vm *vm)
{
	for (unsigned n = 0; n < NIC_PLACES; n++) {
		net_port_close(vm->nic[n].port);
		vm->nic[n].port = NULL;
	}
}

void vm_net_cards(const struct vm *vm, struct nic nic[NIC_PLACES])
{
	for (unsigned n = 0; n < NIC_PLACES; n++) {
		nic[n].kind = vm->config.net[n].nic.kind;
		memcpy(nic[n].mac, vm->nic[n].mac, NIC_MAC);
	}
}

void vm_net_send(struct vm *vm, unsigned n, const u8 *frame, u32 len)
{
	if (vm->nic[n].port)
		net_send(vm->nic[n].port, frame, len);
}

u32 vm_net_receive(struct vm *vm, unsigned n, u8 *frame)
{
	return vm->nic[n].port ? net_receive(vm->nic[n].port, frame) : 0;
}
