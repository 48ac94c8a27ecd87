/* SPDX-License-Identifier: MIT */
#include "tests/diff/outcome.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>

#define TICK_US 100000
static struct processor *volatile running;
static volatile unsigned ticks;

static void on_tick(int sig)
{
	struct processor *p = running;

	(void)sig;
	if (p && p->stop && ++ticks >= 2)
		p->stop();
}

static void start_ticks(void)
{
	static bool started;
	const struct itimerval tick = { { 0, TICK_US }, { 0, TICK_US } };
	struct sigaction sa = { .sa_handler = on_tick, .sa_flags = SA_RESTART | SA_ONSTACK };

	if (started)
		return;
	started = true;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
}

void outcome_of(struct processor *p, const struct diff_case *c, struct outcome *o)
{
	start_ticks();
	ticks = 0;
	running = p;
	o->failed = p->run(c, &o->end, o->data, o->stack);
	running = NULL;
}

bool outcome_same_fpu(const u8 *a, const u8 *b)
{
	if (memcmp(a, b, 5) || memcmp(a + 24, b + 24, 4) || memcmp(a + 160, b + 160, 128))
		return false;
	for (unsigned i = 0; i < 8; i++)
		if (memcmp(a + 32 + 16 * i, b + 32 + 16 * i, 10))
			return false;
	return true;
}
