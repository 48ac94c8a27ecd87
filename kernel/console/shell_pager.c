/* SPDX-License-Identifier: MIT */
/*
 * The pager at the prompt. Its job first waits for the terminal's answer, then for keys.
 */
#include "kernel/console/shell_pager.h"

#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/console/shell_job.h"
#include "kernel/lib/cursor_answer.h"
#include "kernel/lib/text_pager.h"
#include "kernel/sched/sched.h"

#define ANSWER_NS  500000000ull
#define TYPED_MOST 16u

static struct pager pager = { .out = console_write };
static bool silent; /* nobody has answered */
static bool asking; /* else the pager waits for a key */
static bool active; /* the job runs */
static struct cursor_answer answer;
static struct timer timer;
static void (*wake)(void);
static u8 typed[TYPED_MOST]; /* instead of an answer */
static unsigned typed_count;

static void time_is_up(struct timer *t)
{
	(void)t;
	wake();
}

/* --- The job */

static void end(void)
{
	if (asking)
		sched_timer_cancel(&timer);
	pager_hide(&pager);
	asking = active = false;
}

/* No answer: the rest comes as it would without us. */
static bool go_on(void *ctx)
{
	(void)ctx;
	if (!asking)
		return false;
	end();
	silent = true;
	pager_flush(&pager);
	return true;
}

static bool answered(u8 byte)
{
	enum cursor_said said = cursor_answer_byte(&answer, byte);

	if (typed_count < TYPED_MOST)
		typed[typed_count++] = byte;
	if (said == CURSOR_MORE && typed_count < TYPED_MOST)
		return false;
	sched_timer_cancel(&timer);
	asking = false;
	if (said == CURSOR_ANSWERED) {
		typed_count = 0;
		return !pager_start(&pager, answer.number[0], answer.number[1]);
	}
	pager_flush(&pager); /* somebody types on, and does not want to wait */
	return true;
}

static bool key(void *ctx, u8 byte)
{
	bool ended;

	(void)ctx;
	ended = asking ? answered(byte) : !pager_key(&pager, byte);
	if (ended)
		end();
	return ended;
}

static void interrupt(void *ctx)
{
	(void)ctx;
	end();
	typed_count = 0;
}

/* --- For the prompt */

void paging_init(void (*wake_job)(void))
{
	wake = wake_job;
	timer.fn = time_is_up;
}

void paging_forget(void)
{
	silent = false;
}

void paging_begin(bool scripted)
{
	pager_begin(&pager, scripted || silent || console_input_used());
}

void paging_write(const char *s, size_t n)
{
	pager_print(&pager, s, n);
}

void paging_flush(void)
{
	pager_flush(&pager);
}

const struct shell_job *paging_end(void)
{
	static const struct shell_job job = { .go_on = go_on, .key = key, .interrupt = interrupt };

	if (!pager_has_more(&pager))
		return NULL;
	if (console_input_used() ||
	    !console_write_serial(CURSOR_QUESTION, sizeof(CURSOR_QUESTION) - 1)) {
		pager_flush(&pager);
		return NULL;
	}
	answer = (struct cursor_answer){ .n = 0 };
	typed_count = 0;
	asking = active = true;
	sched_timer_add(&timer, ANSWER_NS);
	return &job;
}

unsigned paging_take_typed(u8 *bytes)
{
	unsigned n = typed_count;

	memcpy(bytes, typed, n);
	typed_count = 0;
	return n;
}

void paging_hide(void)
{
	if (active && !asking)
		pager_hide(&pager);
}

void paging_show(void)
{
	if (active && !asking)
		pager_show(&pager);
}
