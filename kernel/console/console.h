/* SPDX-License-Identifier: MIT */
/*
 * The monitor's console: output to serial, screen or both; input as a queue of bytes that input
 * interrupts (serial, PS/2 keyboard) fill and a task empties.
 *
 * Contexts. Any code but an NMI's may print: a sink's write() is whole towards interrupts, so what
 * an interrupt prints stands between two writes and never inside one. State dumps and panics print
 * at once, past what is queued, and may come from an NMI in the middle of a write.
 */
#pragma once

#include "kernel/base/types.h"

enum console_sink { CONSOLE_SERIAL = 1, CONSOLE_SCREEN = 2 };

/* What the line's two sides understand: nothing (RTS falls in any case); RTS and CTS, both waited
 * for; XON and XOFF. */
enum console_flow { CONSOLE_FLOW_NONE, CONSOLE_FLOW_RTSCTS, CONSOLE_FLOW_XON };

/* What a driver offers. Only write and write_now are required. */
struct console_sink_ops {
	/* Text whose \n starts a new line when cooked, else bytes as they are. */
	void (*write)(const char *s, size_t n, bool cooked);
	/* The same at once and from any context: dumps and panics. */
	void (*write_now)(const char *s, size_t n, bool cooked);
	u32 (*queued)(void);	   /* bytes written and not yet sent */
	void (*flush)(void);	   /* sends them, or finds that it cannot */
	void (*input_taken)(void); /* console_input_room() has grown */
	void (*set_flow)(enum console_flow flow);
	int (*read_now)(void); /* the next byte that was typed or -1, polled, after a panic */
};

/* Which of the attached sinks are written to; both at first. */
void console_select(unsigned sinks);
/* Is it written to? */
bool console_uses(enum console_sink kind);
/* A driver offers a sink (replacing an earlier one of its kind); NULL: it takes it back. */
void console_attach(enum console_sink kind, const struct console_sink_ops *ops);
void console_set_flow(enum console_flow flow);
enum console_flow console_flow(void);

/* --- Output */

void console_write(const char *s, size_t n);	 /* \n becomes \r\n on serial */
void console_write_raw(const char *s, size_t n); /* bytes as they are: a guest's own console */
/* While fn is there, what the next two print goes to it alone. */
void console_capture(void (*fn)(void *ctx, const char *s, size_t n), void *ctx);
bool console_captured(void);
/* An answer of a command: text as it is. */
void console_put(const char *s, size_t n);
/* Text of ours with parts of others' in it: control characters other than \n and \t are shown as
 * text_escape() does. */
void console_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* To the serial line alone, as it is; false: none is written to. */
bool console_write_serial(const char *s, size_t n);
/* Grows with all that the others write: somebody who draws on the line sees that it was disturbed.
 */
u64 console_written(void);
/* The longest queue of a selected sink, in bytes. */
u32 console_queued(void);
/* Everything is sent: before the machine goes off. */
void console_flush(void);
/* Between these two, what is printed goes out at once. Nests, in any context. */
void console_begin_now(void);
void console_end_now(void);
/* From now on everything goes to every sink at once: the last words of a panic. */
void console_set_panic(void);
/* After that: the next byte of a sink or the keyboard, polled, or -1; whether one can be asked. */
int console_read_now(void);
bool console_can_read_now(void);

/* --- Input */

/* A driver offers the machine's keyboard: poll does what its interrupt would do, after a panic. */
void console_attach_keyboard(void (*poll)(void));
/* From an input interrupt: a byte that was typed; the line's BREAK condition. */
void console_input(u8 byte);
void console_input_break(void);
/* fn hears of each byte, from that interrupt. */
void console_set_input_hook(void (*fn)(void));
/* fn prints the monitor's state, from that interrupt: on BREAK, and on five escape keys in a
 * second. */
void console_set_dump(void (*fn)(const char *why));
/* How many bytes console_input() would take now. */
u32 console_input_room(void);

int console_read(void); /* next input byte or -1; that task only, like the rest below */
int console_peek(void);
u32 console_input_used(void);
/* How many bytes stand before the first such byte in the queue, or before the first escape key; -1:
 * none is there. */
int console_input_find(u8 byte);
int console_input_escape(void);
/* The input hook is called, so that its task looks again. Any context. */
void console_input_again(void);
/* Nobody takes the input: the next BREAK throws input away until the escape key. */
void console_set_stuck(bool stuck);
void console_set_escape(u8 key); /* default 1Dh, Ctrl-] */
