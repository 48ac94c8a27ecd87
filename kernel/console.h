/* SPDX-License-Identifier: MIT */
/*
 * The monitor's console: output to serial, screen or both; input as a byte queue fed by interrupts
 * (serial, PS/2 keyboard).
 */
#pragma once

#include "kernel/base/types.h"

enum console_sink { CONSOLE_SERIAL = 1, CONSOLE_SCREEN = 2 };

/* Which of the attached sinks are written to; both at first. */
void console_select(unsigned sinks);
unsigned console_selected(void);
/*
 * A driver offers a sink (replacing an earlier one of its kind), which then first gets what was
 * printed so far if replay. write: text whose \n starts a new line when cooked, else bytes as they
 * are. May be called from any context.
 */
void console_attach(enum console_sink kind, void (*write)(const char *s, size_t n, bool cooked),
		    bool replay);
/* From an input interrupt: a byte that was typed; the line's BREAK condition. */
void console_input(u8 byte);
void console_input_break(void);
void console_write(const char *s, size_t n);	 /* \n becomes \r\n on serial */
void console_write_raw(const char *s, size_t n); /* bytes as they are: a guest's own console */
void console_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int console_read(void); /* next input byte or -1 */
bool console_input_pending(void);
/*
 * Called from the input interrupt for each byte before it is queued; the state dump on BREAK or
 * five escape keys in a second is done there. Set by kernel/console.c itself.
 */
void console_set_escape(u8 key); /* default 1Dh, Ctrl-] */
/* From now on an NMI dumps the state too. */
void console_init_dump(void);
/* Printed on BREAK or five escapes, or NMI, from interrupt context, besides the monitor's own
 * state. */
void console_set_dump_hook(void (*fn)(void));
/* From now on everything goes to every sink: the last words of a panic. */
void console_set_panic(void);
