/* SPDX-License-Identifier: MIT */
/*
 * Sends a stream line by line from the main loop, a few lines at a time, while the console's queue
 * has room.
 */
#include "vmm/snap/snapshot_send.h"

#include "kernel/base/error.h"
#include "kernel/base/print.h"
#include "kernel/console/console.h"
#include "kernel/time/clock.h"
#include "vmm/snap/snapshot.h"

#define LINE_BYTES  57u /* 76 characters */
#define PIECE_LINES 12u
#define QUEUE_MOST  4096u    /* bytes that may wait for the line already */
#define RETRY_NS    1000000u /* when they do */

static struct snapshot *sending; /* NULL: nobody */
static struct snapshot_reader from;
static u64 next_at;

int snapshot_send(const char *name)
{
	struct snapshot *p;

	if (sending)
		return E_BUSY;
	if (!snapshot_find(name))
		return E_NOENT;
	p = snapshot_open(name);
	console_print("=== state %s %llu bytes ===\n", name, (unsigned long long)p->bytes);
	snapshot_rewind(&from, p);
	sending = p;
	next_at = clock_now();
	return 0;
}

u64 snapshot_send_at(void)
{
	return sending ? next_at : UINT64_MAX;
}

static char *put_base64(char *out, const u8 *in, u32 n)
{
	static const char digit[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (u32 i = 0; i < n; i += 3) {
		u32 left = n - i;
		u32 v = (u32)in[i] << 16 | (left > 1 ? (u32)in[i + 1] << 8 : 0) |
			(left > 2 ? in[i + 2] : 0);

		*out++ = digit[v >> 18];
		*out++ = digit[v >> 12 & 63];
		*out++ = left > 1 ? digit[v >> 6 & 63] : '=';
		*out++ = left > 2 ? digit[v & 63] : '=';
	}
	return out;
}

static void send_line(void)
{
	u32 n = (u32)MIN((u64)LINE_BYTES, sending->bytes - from.at);
	char line[96], *end;
	u8 bytes[LINE_BYTES];

	end = line + fmt_print(line, sizeof(line), ":%08llx ", (unsigned long long)from.at);
	snapshot_read(&from, bytes, n);
	end = put_base64(end, bytes, n);
	*end++ = '\n';
	console_write(line, (size_t)(end - line));
}

void snapshot_send_piece(void)
{
	u64 began = clock_now();

	if (console_queued() >= QUEUE_MOST) {
		next_at = began + RETRY_NS;
		return;
	}
	for (u32 i = 0; i < PIECE_LINES && from.at < sending->bytes; i++)
		send_line();
	next_at = clock_now();
	next_at += next_at - began;
	if (from.at < sending->bytes)
		return;
	console_print("=== end ===\n");
	snapshot_done(sending);
	sending = NULL;
}
