/* SPDX-License-Identifier: MIT */
/*
 * A stream of a saved machine in memory, and what an attacker does to one: the checksums made right
 * again after a change.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "emu/snap/crc32.h"
#include "emu/snap/snap.h"

#define TAPE_HEADER 12u
#define TAPE_HEAD   20u /* of a section */

struct tape {
	u8 *bytes;
	u32 used, at, size;
};

static inline bool tape_put(void *ctx, void *bytes, u32 n)
{
	struct tape *t = ctx;

	while (n > t->size - t->used) {
		t->size = 2 * t->size + 65536;
		t->bytes = realloc(t->bytes, t->size);
	}
	memcpy(t->bytes + t->used, bytes, n);
	t->used += n;
	return true;
}

static inline bool tape_get(void *ctx, void *bytes, u32 n)
{
	struct tape *t = ctx;

	if (n > t->used - t->at)
		return false;
	memcpy(bytes, t->bytes + t->at, n);
	t->at += n;
	return true;
}

/* The payload of the section at *at, and *at moved to the next one; NULL at the end. */
static inline u8 *tape_section(const struct tape *t, u32 *at, u32 *length)
{
	u8 *head = t->bytes + *at;
	u32 n;

	if (t->used - *at < TAPE_HEAD + 4)
		return NULL;
	memcpy(&n, head + 16, 4);
	if (n > t->used - *at - TAPE_HEAD - 4)
		return NULL;
	*length = n;
	*at += TAPE_HEAD + n + 4;
	return head + TAPE_HEAD;
}

/* All checksums are right afterwards. */
static inline void tape_seal(struct tape *t)
{
	u32 at = TAPE_HEADER, length, crc;
	u8 *payload;

	if (t->used < TAPE_HEADER)
		return;
	crc = crc32_update(0, t->bytes, TAPE_HEADER);
	while ((payload = tape_section(t, &at, &length))) {
		crc = crc32_update(crc, payload - TAPE_HEAD, TAPE_HEAD + length);
		memcpy(payload + length, &crc, 4);
	}
}
