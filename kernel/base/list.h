/* SPDX-License-Identifier: MIT */
/*
 * Doubly linked, circular, intrusive list. A node that is on no list points to itself.
 */
#pragma once

#include "kernel/base/types.h"

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(name)          \
	{                        \
		&(name), &(name) \
	}
#define list_entry(p, type, member) container_of(p, type, member)
#define list_for_each(p, head)	    for ((p) = (head)->next; (p) != (head); (p) = (p)->next)
#define list_for_each_safe(p, n, head) \
	for ((p) = (head)->next, (n) = (p)->next; (p) != (head); (p) = (n), (n) = (p)->next)

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/* Inserts n before pos: with pos the head, at the end of the list. An NMI that walks forward in the
 * middle of this, or of list_del(), finds the list with n or without it. */
static inline void list_add_before(struct list *n, struct list *pos)
{
	n->prev = pos->prev;
	n->next = pos;
	__asm__ volatile("" ::: "memory");
	pos->prev->next = n;
	pos->prev = n;
}

static inline void list_add_tail(struct list *n, struct list *head)
{
	list_add_before(n, head);
}

static inline void list_add_head(struct list *n, struct list *head)
{
	list_add_before(n, head->next);
}

/* Takes n off its list; harmless on a node that is on none. */
static inline void list_del(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}
