/* SPDX-License-Identifier: MIT */
/*
 * The console between its sinks (serial, screen), its keyboards and the rest of the monitor.
 *
 * Input is a ring with one producer (input interrupts) and one consumer (the console's task). A
 * full ring is not overrun by a serial line: its driver asks for the room and leaves what does not
 * fit with the sender.
 */
#include "kernel/console/console.h"

#include "kernel/base/print.h"
#include "kernel/base/string.h"
#include "kernel/lib/byte_ring.h"
#include "kernel/time/clock.h"

#define QUEUE_SIZE  1024u
#define DUMP_KEYS   5u
#define DUMP_SECOND 1000000000ull

static struct {
	unsigned kind;
	const struct console_sink_ops *ops;
} sink[] = { { CONSOLE_SERIAL, NULL }, { CONSOLE_SCREEN, NULL } };

static unsigned selected = CONSOLE_SERIAL | CONSOLE_SCREEN;
static enum console_flow flow_wanted;
static bool panicking;
static volatile unsigned at_once; /* console_begin_now() without its end */

static u8 queue_data[QUEUE_SIZE];
static struct byte_ring queue = BYTE_RING(queue_data);

static void (*dump)(const char *why);
static void (*input_hook)(void);
static void (*keyboard)(void);

static u8 escape_key = 0x1d;
static u64 escape_time[DUMP_KEYS]; /* of the last presses, newest at [0] */
static unsigned escapes;	   /* in a row */
static volatile bool stuck;	   /* nobody takes the input */
static volatile bool discarding;   /* a BREAK came while it was so: until the escape key */

/* --- Sinks */

void console_select(unsigned sinks)
{
	selected = sinks;
}

bool console_uses(enum console_sink kind)
{
	return selected & kind;
}

/* The i-th sink if it is there and written to. */
static const struct console_sink_ops *sink_ops(unsigned i)
{
	return panicking || (selected & sink[i].kind) ? sink[i].ops : NULL;
}

void console_attach(enum console_sink kind, const struct console_sink_ops *ops)
{
	for (unsigned i = 0; i < ARRAY_SIZE(sink); i++)
		if (sink[i].kind == kind)
			sink[i].ops = ops;
}

enum console_flow console_flow(void)
{
	return flow_wanted;
}

void console_set_flow(enum console_flow flow)
{
	flow_wanted = flow;
	for (unsigned i = 0; i < ARRAY_SIZE(sink); i++)
		if (sink[i].ops && sink[i].ops->set_flow)
			sink[i].ops->set_flow(flow);
}

/* --- Output */

static u64 written;

static void write_all(const char *s, size_t n, bool cooked)
{
	written += n;
	for (unsigned i = 0; i < ARRAY_SIZE(sink); i++) {
		const struct console_sink_ops *ops = sink_ops(i);

		if (ops && at_once)
			ops->write_now(s, n, cooked);
		else if (ops)
			ops->write(s, n, cooked);
	}
}

void console_write(const char *s, size_t n)
{
	write_all(s, n, true);
}

void console_write_raw(const char *s, size_t n)
{
	write_all(s, n, false);
}

bool console_write_serial(const char *s, size_t n)
{
	const struct console_sink_ops *ops = sink_ops(0);

	if (ops && n)
		ops->write(s, n, false);
	return ops;
}

u64 console_written(void)
{
	return written;
}

static void (*capture)(void *ctx, const char *s, size_t n);
static void *capture_ctx;

void console_capture(void (*fn)(void *ctx, const char *s, size_t n), void *ctx)
{
	capture = fn;
	capture_ctx = ctx;
}

/* A dump, or a panic's last words, come in between. */
bool console_captured(void)
{
	return capture && !at_once;
}

void console_put(const char *s, size_t n)
{
	if (console_captured())
		capture(capture_ctx, s, n);
	else
		console_write(s, n);
}

void console_print(const char *fmt, ...)
{
	char text[512], shown[TEXT_ESCAPED(sizeof(text))];
	va_list ap;

	va_start(ap, fmt);
	fmt_vprint(text, sizeof(text), fmt, ap);
	va_end(ap);

	size_t n = text_escape(shown, sizeof(shown), text, "\n\t");

	console_put(shown, n);
}

u32 console_queued(void)
{
	u32 most = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(sink); i++)
		if (sink_ops(i) && sink_ops(i)->queued)
			most = MAX(most, sink_ops(i)->queued());
	return most;
}

void console_flush(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(sink); i++)
		if (sink_ops(i) && sink_ops(i)->flush)
			sink_ops(i)->flush();
}

void console_begin_now(void)
{
	at_once++;
}

void console_end_now(void)
{
	at_once--;
}

void console_set_panic(void)
{
	if (!panicking)
		console_flush();
	panicking = true;
	capture = NULL;
	input_hook = NULL;
	console_begin_now();
}

int console_read_now(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(sink); i++) {
		int byte = sink[i].ops && sink[i].ops->read_now ? sink[i].ops->read_now() : -1;

		if (byte >= 0)
			return byte;
	}
	if (!keyboard)
		return -1;
	keyboard();
	return ring_get(&queue);
}

bool console_can_read_now(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(sink); i++)
		if (sink[i].ops && sink[i].ops->read_now)
			return true;
	return keyboard;
}

void console_attach_keyboard(void (*poll)(void))
{
	keyboard = poll;
}

/* --- Input, the interrupt's side */

void console_set_input_hook(void (*fn)(void))
{
	input_hook = fn;
}

void console_set_dump(void (*fn)(const char *why))
{
	dump = fn;
}

/* Five presses with nothing in between, the first at most a second ago. */
static bool dump_wanted(u8 byte)
{
	if (byte != escape_key) {
		escapes = 0;
		return false;
	}
	for (unsigned i = DUMP_KEYS - 1; i > 0; i--)
		escape_time[i] = escape_time[i - 1];
	escape_time[0] = clock_now();
	if (++escapes < DUMP_KEYS || escape_time[0] - escape_time[DUMP_KEYS - 1] > DUMP_SECOND)
		return false;
	escapes = 0;
	return true;
}

u32 console_input_room(void)
{
	return discarding ? QUEUE_SIZE : ring_room(&queue);
}

void console_input(u8 byte)
{
	if (byte == escape_key)
		discarding = false;
	if (!discarding)
		ring_put(&queue, byte);
	if (input_hook)
		input_hook();
	if (dump_wanted(byte) && dump)
		dump("the escape key");
}

void console_input_break(void)
{
	discarding = discarding || stuck;
	if (dump)
		dump("BREAK");
}

/* --- Input, the task's side */

void console_set_escape(u8 key)
{
	escape_key = key;
}

static void tell_taken(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(sink); i++)
		if (sink[i].ops && sink[i].ops->input_taken)
			sink[i].ops->input_taken();
}

int console_read(void)
{
	int byte = ring_get(&queue);

	if (ring_used(&queue) == QUEUE_SIZE / 2)
		tell_taken();
	return byte;
}

int console_peek(void)
{
	return ring_peek(&queue);
}

u32 console_input_used(void)
{
	return ring_used(&queue);
}

int console_input_find(u8 byte)
{
	return ring_find(&queue, byte);
}

int console_input_escape(void)
{
	return console_input_find(escape_key);
}

void console_input_again(void)
{
	if (input_hook)
		input_hook();
}

void console_set_stuck(bool now)
{
	stuck = now;
}
