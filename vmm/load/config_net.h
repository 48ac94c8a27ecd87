/* SPDX-License-Identifier: MIT */
/*
 * The network cards of the configuration: `net0 = lan,card=virtio,mac=52:4c:00:00:00:01`. Pure.
 */
#pragma once

#include "emu/dev/nic.h"

#define CONFIG_NET_NAME 32

struct config_net {
	char network[CONFIG_NET_NAME]; /* which it is plugged into */
	struct nic nic;		       /* its address is zero where none is given */
};

/* The place (emu/dev/nic.h) that a key names, or -1. */
int config_net_find(const char *key);
/* "NETWORK", and behind commas card=ne2000, card=ne2000-isa or card=virtio, and mac=ADDRESS.
 * Returns NULL, or what is wrong. */
const char *config_net_parse(struct config_net *n, unsigned place, const char *value);
/* The first of them that has a place on PCI, where a BIOS looks for its ROM; or -1. */
int config_net_first_pci(const struct config_net *nets);
/* Is the same address in the same network at one of the others' cards? */
bool config_nets_clash(const struct config_net *nets, const struct config_net *others);
