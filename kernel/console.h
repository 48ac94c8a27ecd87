/* SPDX-License-Identifier: MIT */
/*
 * The monitor's console: output to serial, screen or both; input as a byte queue fed by interrupts (serial, PS/2 keyboard).
 */
#pragma once

#include "kernel/base/types.h"

enum console_sink { CONSOLE_SERIAL = 1, CONSOLE_SCREEN = 2 };

void console_select(unsigned sinks);
void console_write(const char *s, size_t n); /* \n becomes \r\n on serial */
void console_write_raw(const char *s, size_t n); /* bytes as they are: a guest's own console */
void console_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int console_read(void);                      /* next input byte or -1 */
bool console_input_pending(void);
/*
 * Called from the input interrupt for each byte before it is queued; the state dump on BREAK or five escape keys in a second
 * is done there. Set by kernel/console.c itself.
 */
void console_set_escape(u8 key);             /* default 1Dh, Ctrl-] */
/* Printed on BREAK or five escapes, from interrupt context, besides the monitor's own state. */
void console_set_dump_hook(void (*fn)(void));
