/* SPDX-License-Identifier: MIT */
/*
 * Runs a case with ticks of the process's own time that stop it, and compares the x87 and SSE
 * images of two outcomes.
 */
#include "tests/diff/outcome.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>

#define TICK_US 100000 /* of this process, so that a busy machine changes little */
#define TICKS	10     /* a host may charge a process for what others do */
static void (*volatile to_stop)(void *context);
static volatile unsigned ticks;

static void on_tick(int sig, siginfo_t *info, void *context)
{
	void (*stop)(void *context) = to_stop;

	(void)sig;
	(void)info;
	if (stop && ++ticks >= TICKS)
		stop(context);
}

static void start_ticks(void)
{
	static bool started;
	const struct itimerval tick = { { 0, TICK_US }, { 0, TICK_US } };
	struct sigaction sa = { .sa_sigaction = on_tick,
				.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK };

	if (started)
		return;
	started = true;
	sigaction(SIGPROF, &sa, NULL);
	setitimer(ITIMER_PROF, &tick, NULL);
}

void outcome_watch(void (*stop)(void *context))
{
	start_ticks();
	ticks = 0;
	to_stop = stop;
}

void outcome_of(struct processor *p, const struct diff_case *c, struct outcome *o)
{
	outcome_watch(p->stop);
	o->failed = p->run(c, &o->end, o->data, o->stack);
	outcome_watch(NULL);
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

/* Of two NaNs, each processor has its own to choose: a lane of floats or of doubles. */
static bool nan32(u32 v)
{
	return (v & 0x7fffffff) > 0x7f800000;
}

static bool nan64(u64 v)
{
	return (v & ~BIT64(63)) > 0x7ff0000000000000ull;
}

static bool similar_xmm(const u8 *a, const u8 *b)
{
	for (unsigned i = 0; i < 128; i += 8) {
		u32 x[2], y[2];
		u64 wide_x, wide_y;

		memcpy(x, a + i, 8);
		memcpy(y, b + i, 8);
		memcpy(&wide_x, x, 8);
		memcpy(&wide_y, y, 8);
		if (nan64(wide_x) && nan64(wide_y))
			continue;
		for (unsigned n = 0; n < 2; n++)
			if (x[n] != y[n] && (!nan32(x[n]) || !nan32(y[n])))
				return false;
	}
	return true;
}

#define FSW_KEPT 0x7d00u /* C0, C2, C3 and TOP */

bool outcome_similar_fpu(const u8 *a, const u8 *b)
{
	unsigned fsw_a = a[2] | (unsigned)a[3] << 8, fsw_b = b[2] | (unsigned)b[3] << 8;

	if (memcmp(a, b, 2) || ((fsw_a ^ fsw_b) & FSW_KEPT) || a[4] != b[4] ||
	    !similar_xmm(a + 160, b + 160))
		return false;
	for (unsigned i = 0; i < 8; i++) {
		const u8 *x = a + 32 + 16 * i, *y = b + 32 + 16 * i;

		if (memcmp(x, y, 8) || ((x[8] != 0xff || x[9] != 0xff) && memcmp(x + 8, y + 8, 2)))
			return false;
	}
	return true;
}
