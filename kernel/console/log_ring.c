/* SPDX-License-Identifier: MIT */
/*
 * One line with a time stamp to the ring, and to the console if it is important enough.
 * Any context but an NMI's may log: a line enters the ring, and each sink, whole.
 *
 * What a line says may come from a guest or from a file: whatever would do something to the
 * operator's terminal is shown escaped, in the ring too.
 */
#include "kernel/console/log_ring.h"

#include "arch/cpu/processor.h"
#include "kernel/base/print.h"
#include "kernel/base/string.h"
#include "kernel/time/clock.h"
#include "kernel/console/console.h"

#define RING_SIZE 65536u
#define TEXT_SIZE 512u
#define LINE_SIZE (TEXT_ESCAPED(TEXT_SIZE) + 64u)

static char ring[RING_SIZE];
static u64 written; /* since start-up; ring[written % RING_SIZE] is next */

static void (*frame_before)(void), (*frame_after)(void);

static const char *const prefix[] = { "error: ", "warning: ", "", "debug: " };

static void ring_write(const char *s, size_t n)
{
	u64 flags = irq_save();

	for (size_t i = 0; i < n; i++)
		ring[written++ % RING_SIZE] = s[i];
	irq_restore(flags);
}

static void print_line(enum log_level level, const char *fmt, va_list ap)
{
	char text[TEXT_SIZE], line[LINE_SIZE];
	u64 us = clock_now() / 1000;
	size_t n = (size_t)fmt_print(line, sizeof(line), "[%4llu.%06llu] %s",
				     (unsigned long long)(us / 1000000),
				     (unsigned long long)(us % 1000000), prefix[level]);

	fmt_vprint(text, sizeof(text), fmt, ap);
	n += text_escape(line + n, sizeof(line) - n - 1, text, "\t");
	line[n++] = '\n';
	ring_write(line, n);
	if (level > LOG_INFO)
		return;
	if (frame_before)
		frame_before();
	console_write(line, n);
	if (frame_after)
		frame_after();
}

void log_init(void)
{
	log_set_printer(print_line);
}

void log_set_frame(void (*before)(void), void (*after)(void))
{
	frame_before = before;
	frame_after = after;
}

void log_read(void (*fn)(const char *s, size_t n, void *ctx), void *ctx)
{
	u64 end = written;
	u64 at = end > RING_SIZE ? end - RING_SIZE : 0;

	/* The oldest line may have lost its beginning. */
	if (at)
		while (at < end && ring[at++ % RING_SIZE] != '\n')
			;
	while (at < end) {
		u64 from = at % RING_SIZE;
		u64 n = MIN(end - at, RING_SIZE - from);

		fn(ring + from, n, ctx);
		at += n;
	}
}

static void replay_to(const char *s, size_t n, void *ctx)
{
	const struct console_sink_ops *ops = ctx;

	ops->write(s, n, true);
}

void log_replay(const struct console_sink_ops *ops)
{
	log_read(replay_to, (void *)ops);
}
