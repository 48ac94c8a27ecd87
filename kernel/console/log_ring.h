/* SPDX-License-Identifier: MIT */
/*
 * The ring behind kernel/base/log.h: the last 64 KiB of what was said, LOG_DEBUG lines included.
 */
#pragma once

#include "kernel/base/log.h"
#include "kernel/base/types.h"

struct console_sink_ops;

/* Takes what is logged from now on: lines of LOG_INFO and more important ones appear on the
 * console. */
void log_init(void);
/* A sink that is attached late shows what was logged before. */
void log_replay(const struct console_sink_ops *ops);
/* Calls fn with the kept text, oldest first, in pieces of whole lines or parts of them. */
void log_read(void (*fn)(const char *s, size_t n, void *ctx), void *ctx);
/* Called around each line that goes to the console: the prompt steps aside and comes back. NULL:
 * nobody. */
void log_set_frame(void (*before)(void), void (*after)(void));
