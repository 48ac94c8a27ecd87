/* SPDX-License-Identifier: MIT */
/*
 * The console between its sinks (serial, screen), its keyboards and the rest of the monitor.
 *
 * Input is a ring with one producer (the input interrupt) and one consumer (the main loop): head
 * and tail are each written by one side only, so no lock is needed. The state dump runs in the
 * input interrupt, hence even when nobody reads the ring, or in an NMI, hence even when interrupts
 * are off.
 */
#include "kernel/console.h"

#include "arch/percpu.h"
#include "kernel/base/print.h"
#include "kernel/clock.h"
#include "kernel/log_ring.h"
#include "kernel/page.h"
#include "kernel/symbols.h"

#define QUEUE_SIZE  1024u
#define DUMP_KEYS   5u
#define DUMP_SECOND 1000000000ull

static struct {
	unsigned kind;
	void (*write)(const char *s, size_t n, bool cooked);
} sink[] = { { CONSOLE_SERIAL, NULL }, { CONSOLE_SCREEN, NULL } };

static unsigned selected = CONSOLE_SERIAL | CONSOLE_SCREEN;
static bool panicking;

static volatile u8 queue[QUEUE_SIZE];
static volatile u32 queue_head, queue_tail;

static u8 escape_key = 0x1d;
static u64 escape_time[DUMP_KEYS]; /* of the last presses, newest at [0] */
static unsigned escapes;	   /* in a row */
static void (*dump_hook)(void);

/* --- Output */

void console_select(unsigned sinks)
{
	selected = sinks;
}

unsigned console_selected(void)
{
	return selected;
}

void console_set_panic(void)
{
	panicking = true;
}

static void write_all(const char *s, size_t n, bool cooked)
{
	for (unsigned i = 0; i < ARRAY_SIZE(sink); i++)
		if (sink[i].write && (panicking || (selected & sink[i].kind)))
			sink[i].write(s, n, cooked);
}

void console_write(const char *s, size_t n)
{
	write_all(s, n, true);
}

void console_write_raw(const char *s, size_t n)
{
	write_all(s, n, false);
}

void console_print(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	size_t n = (size_t)fmt_vprint(text, sizeof(text), fmt, ap);
	va_end(ap);
	console_write(text, MIN(n, sizeof(text) - 1));
}

static void replay_to(const char *s, size_t n, void *ctx)
{
	void (*const *write)(const char *, size_t, bool) = ctx;

	(*write)(s, n, true);
}

void console_attach(enum console_sink kind, void (*write)(const char *s, size_t n, bool cooked),
		    bool replay)
{
	for (unsigned i = 0; i < ARRAY_SIZE(sink); i++)
		if (sink[i].kind == kind)
			sink[i].write = write;
	if (replay)
		log_read(replay_to, &write);
}

/* --- Input */

void console_set_escape(u8 key)
{
	escape_key = key;
}

void console_set_dump_hook(void (*fn)(void))
{
	dump_hook = fn;
}

static void dump_state(const char *why, const struct trap_frame *f)
{
	struct percpu *pc = percpu_this();
	char name[96];

	console_print("\n--- state, by %s ---\n", why);
	console_print("up %llu ms, %llu interrupts, %llu NMIs, %llu of %llu MiB free\n",
		      (unsigned long long)(clock_now() / 1000000), (unsigned long long)pc->irqs,
		      (unsigned long long)pc->nmis, (unsigned long long)(page_free_bytes() / MiB),
		      (unsigned long long)(page_total_bytes() / MiB));
	if (f) {
		console_print("interrupted at %s\n", symbol_format(f->rip, name, sizeof(name)));
		trap_dump(f);
	}
	if (dump_hook)
		dump_hook();
	console_print("--- end of state ---\n");
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

void console_input(u8 byte)
{
	u32 next = (queue_head + 1) % QUEUE_SIZE;

	if (next != queue_tail) {
		queue[queue_head] = byte;
		queue_head = next;
	}
	if (dump_wanted(byte))
		dump_state("the escape key", percpu_this()->irq_frame);
}

void console_input_break(void)
{
	dump_state("BREAK", percpu_this()->irq_frame);
}

/* Once a second at most: a counter that overflows may send many. */
static void nmi(const struct trap_frame *f)
{
	static u64 last;
	u64 now = clock_now();

	if (last && now - last < DUMP_SECOND)
		return;
	last = now;
	dump_state("NMI", f);
}

void console_init_dump(void)
{
	trap_set_nmi_handler(nmi);
}

int console_read(void)
{
	if (queue_tail == queue_head)
		return -1;

	u8 byte = queue[queue_tail];

	queue_tail = (queue_tail + 1) % QUEUE_SIZE;
	return byte;
}

bool console_input_pending(void)
{
	return queue_tail != queue_head;
}
