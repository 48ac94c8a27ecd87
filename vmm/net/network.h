/* SPDX-License-Identifier: MIT */
/*
 * Networks between the VMs: each is an Ethernet switch, and each network card is plugged into a
 * port of one by its name. A network is there as long as a port is. Pure.
 *
 *     net_port_open() -> net_send() by the one, net_receive() by the other -> net_port_close()
 *
 * The switch learns behind which port an address is, as IEEE 802.1D's bridges do (7.8), and sends
 * to all ports what is for many or for an unknown address. A frame is copied into each port that it
 * is for, and lost where NET_WAITING wait already: no port holds up another one.
 */
#pragma once

#include "emu/dev/nic.h"
#include "kernel/base/list.h"

#define NET_NAME    32u
#define NET_WAITING 128u

struct net_port;

/* What a port did. In bytes without preamble and checksum. */
struct net_counts {
	u64 frames_in, bytes_in; /* from its card */
	u64 frames_out, bytes_out;
	u64 lost; /* were for it, and found it full */
};

/*
 * A port of the network of that name, which is made where there is none. arrived() is called for
 * each frame that waits now, in the sender's context. NULL: no memory.
 */
struct net_port *net_port_open(const char *network, void (*arrived)(void *ctx), void *ctx);
/* NULL: nothing. */
void net_port_close(struct net_port *p);
/* A frame of NIC_FRAME_MIN to NIC_FRAME_MAX bytes from the card at this port. */
void net_send(struct net_port *p, const u8 *frame, u32 len);
/* The next one for it. Returns its length; 0: there is none. */
u32 net_receive(struct net_port *p, u8 *frame);

const struct net_counts *net_port_counts(const struct net_port *p);
