/* SPDX-License-Identifier: MIT */
/*
 * A VM's network cards at the ports of vmm/net/network.h. What comes for a card is told to the
 * VM's board, which fetches it in the VM's own turn.
 */
#pragma once

#include "vmm/state/vm.h"

/* Opens the ports of its configuration; E_NOMEM, and then it has none or some. */
int vm_net_create(struct vm *vm);
void vm_net_destroy(struct vm *vm);
/* The board's cards, with the addresses that they have where the configuration says none: from
 * the VM's name and the card's place, so that they are the same at each start. */
void vm_net_cards(const struct vm *vm, struct nic nic[NIC_PLACES]);
/* board_host's frame_out and frame_in */
void vm_net_send(struct vm *vm, unsigned n, const u8 *frame, u32 len);
u32 vm_net_receive(struct vm *vm, unsigned n, u8 *frame);
