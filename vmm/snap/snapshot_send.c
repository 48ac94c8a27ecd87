/* SPDX-License-Identifier: MIT */
/*
 * Sends a stream line by line in a task of its own, a few lines at a time, while the console's
 * queue has room.
 */
#include "vmm/snap/snapshot_send.h"

#include "arch/cpu/processor.h"
#include "kernel/base/error.h"
#include "kernel/base/log.h"
#include "kernel/base/print.h"
#include "kernel/console/console.h"
#include "kernel/sched/sched.h"
#include "kernel/time/clock.h"
#include "vmm/snap/snapshot.h"

#define LINE_BYTES  57u /* 76 characters */
#define PIECE_LINES 12u
#define QUEUE_MOST  4096u    /* bytes that may wait for the line already */
#define RETRY_NS    1000000u /* when they do */
#define TELL_NS	    5000000000ull

static struct snapshot *sending; /* NULL: nobody */
static struct snapshot_reader from;
static u64 told; /* how far it is */
static struct task task;

static void begin(struct snapshot *p, const char *kind, const char *name)
{
	u64 flags;

	console_print("=== %s %s %llu bytes ===\n", kind, name, (unsigned long long)p->bytes);
	snapshot_rewind(&from, p);
	sending = p;
	told = clock_now();
	flags = irq_save();
	task_wake(&task);
	irq_restore(flags);
}

int snapshot_send(const char *name)
{
	if (sending)
		return E_BUSY;
	if (!snapshot_find(name))
		return E_NOENT;
	begin(snapshot_open(name), "state", name);
	return 0;
}

int snapshot_send_once(struct snapshot *p, const char *kind)
{
	if (sending)
		return E_BUSY;
	p->readers++;
	begin(p, kind, p->vm);
	return 0;
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

static void tell_progress(void)
{
	u64 now = clock_now();

	if (now - told < TELL_NS)
		return;
	told = now;
	log_info("%s: %llu of %llu KiB sent", sending->vm, (unsigned long long)(from.at / KiB),
		 (unsigned long long)(sending->bytes / KiB));
}

static void send_piece(void)
{
	for (u32 i = 0; i < PIECE_LINES && from.at < sending->bytes; i++)
		send_line();
	if (from.at < sending->bytes) {
		tell_progress();
		return;
	}
	console_print("=== end ===\n");
	snapshot_done(sending);
	sending = NULL;
}

/* The rest is as long as the work: the VMs have half of the time. */
static void send_turn(struct task *t, u64 until)
{
	u64 began = clock_now(), rest = RETRY_NS;

	(void)until;
	if (sending && console_queued() < QUEUE_MOST) {
		irq_enable();
		send_piece();
		irq_disable();
		rest = clock_now() - began;
	}
	task_sleep(t, NULL, sending ? clock_now() + rest : UINT64_MAX);
}

void snapshot_send_start(void)
{
	static const struct task_ops ops = { .run = send_turn };

	task_init(sched_runq(), &task, &ops, true);
}
