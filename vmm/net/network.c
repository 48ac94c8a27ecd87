/* SPDX-License-Identifier: MIT */
/*
 * A port's queue is a ring of frames of the largest size. What is learned is a table with a place
 * for each hash of an address: a guest that sends from thousands of addresses makes its network
 * forget others, and their frames go to all ports, as on a switch whose table is full.
 */
#include "vmm/net/network.h"

#include "kernel/base/alloc.h"
#include "kernel/base/string.h"

#define LEARNED 256u

struct network {
	struct list link, ports;
	char name[NET_NAME];
	struct {
		u8 mac[NIC_MAC];
		struct net_port *port; /* NULL: nothing */
	} learned[LEARNED];
};

struct net_frame {
	u16 len;
	u8 bytes[NIC_FRAME_MAX];
};

struct net_port {
	struct list link;
	struct network *net;
	void (*arrived)(void *ctx);
	void *ctx;
	struct net_counts counts;
	unsigned first, waiting;
	struct net_frame frame[NET_WAITING];
};

static struct list networks = LIST_INIT(networks);

/* --- Networks */

static struct network *find(const char *name)
{
	struct list *p;

	list_for_each (p, &networks) {
		struct network *n = list_entry(p, struct network, link);

		if (!strcmp(n->name, name))
			return n;
	}
	return NULL;
}

static struct network *find_or_make(const char *name)
{
	struct network *n = find(name);

	if (n)
		return n;
	n = mem_alloc(sizeof(*n));
	if (!n)
		return NULL;
	str_copy(n->name, name, NET_NAME);
	list_init(&n->ports);
	list_add_tail(&n->link, &networks);
	return n;
}

static void end_if_empty(struct network *n)
{
	if (!list_empty(&n->ports))
		return;
	list_del(&n->link);
	mem_free(n);
}

/* --- What it learned */

static unsigned hash(const u8 *mac)
{
	u32 h = 0;

	for (unsigned i = 0; i < NIC_MAC; i++)
		h = h * 31 + mac[i];
	return h % LEARNED;
}

/* The first bit that is sent, and so the lowest one, says that it is for many (802.3, 3.2.3). */
static bool is_group(const u8 *mac)
{
	return mac[0] & 1;
}

static void learn(struct network *n, const u8 *mac, struct net_port *p)
{
	unsigned at = hash(mac);

	if (is_group(mac))
		return;
	memcpy(n->learned[at].mac, mac, NIC_MAC);
	n->learned[at].port = p;
}

static struct net_port *look_up(struct network *n, const u8 *mac)
{
	unsigned at = hash(mac);

	return is_group(mac) || memcmp(n->learned[at].mac, mac, NIC_MAC) ? NULL
									 : n->learned[at].port;
}

static void forget(struct network *n, const struct net_port *p)
{
	for (unsigned i = 0; i < LEARNED; i++)
		if (n->learned[i].port == p)
			n->learned[i].port = NULL;
}

/* --- Ports */

struct net_port *net_port_open(const char *network, void (*arrived)(void *ctx), void *ctx)
{
	struct net_port *p = mem_alloc(sizeof(*p));
	struct network *n = p ? find_or_make(network) : NULL;

	if (!n) {
		mem_free(p);
		return NULL;
	}
	p->net = n;
	p->arrived = arrived;
	p->ctx = ctx;
	list_add_tail(&p->link, &n->ports);
	return p;
}

void net_port_close(struct net_port *p)
{
	if (!p)
		return;
	list_del(&p->link);
	forget(p->net, p);
	end_if_empty(p->net);
	mem_free(p);
}

static void put(struct net_port *p, const u8 *frame, u32 len)
{
	struct net_frame *f = &p->frame[(p->first + p->waiting) % NET_WAITING];

	if (p->waiting == NET_WAITING) {
		p->counts.lost++;
		return;
	}
	f->len = (u16)len;
	memcpy(f->bytes, frame, len);
	p->waiting++;
	p->arrived(p->ctx);
}

void net_send(struct net_port *p, const u8 *frame, u32 len)
{
	const u8 *to = frame, *from = frame + NIC_MAC;
	struct network *n = p->net;
	struct net_port *known = look_up(n, to);
	struct list *l;

	p->counts.frames_in++;
	p->counts.bytes_in += len;
	learn(n, from, p);
	if (known) {
		if (known != p)
			put(known, frame, len);
		return;
	}
	list_for_each (l, &n->ports) {
		struct net_port *other = list_entry(l, struct net_port, link);

		if (other != p)
			put(other, frame, len);
	}
}

u32 net_receive(struct net_port *p, u8 *frame)
{
	const struct net_frame *f = &p->frame[p->first];

	if (!p->waiting)
		return 0;
	memcpy(frame, f->bytes, f->len);
	p->first = (p->first + 1) % NET_WAITING;
	p->waiting--;
	p->counts.frames_out++;
	p->counts.bytes_out += f->len;
	return f->len;
}

const struct net_counts *net_port_counts(const struct net_port *p)
{
	return &p->counts;
}
