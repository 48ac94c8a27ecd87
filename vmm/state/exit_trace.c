/* SPDX-License-Identifier: MIT */
/*
 * The last exits of a virtual CPU, as `exits NAME` prints them.
 */
#include "vmm/state/exit_trace.h"

#include "kernel/console/console.h"

const char *const raw_exit_name[RAWEXIT_COUNT] = {
	"irq", "pf_guest", "pf_slow", "fetch", "softint", "sysenter",
	"gp",  "debug",	   "other",   "entry", "changed",
};

static const char *const kind_name[] = { "raw3", "raw1", "recompiler", "code", "irq" };

static const char *info_name(const struct exit_trace_entry *e)
{
	static const char *const recomp_exit_name[] = { "event", "leave",    "return",
							"halt",	 "shutdown", "stop" };

	if ((e->kind == TRACE_RAW3 || e->kind == TRACE_RAW1) && e->info < RAWEXIT_COUNT)
		return raw_exit_name[e->info];
	if (e->kind == TRACE_RECOMPILER && e->info < ARRAY_SIZE(recomp_exit_name))
		return recomp_exit_name[e->info];
	return "vector";
}

void exit_trace_print(const struct exit_trace *t, unsigned n)
{
	u32 count = MIN(n, MIN(t->next, EXIT_TRACE_SIZE));
	u64 before = 0;

	console_print("%12s %-10s %-8s %4s %8s %8s\n", "+cycles", "place", "exit", "info", "eip",
		      "detail");
	for (u32 i = t->next - count; i != t->next; i++) {
		const struct exit_trace_entry *e = &t->entry[i % EXIT_TRACE_SIZE];

		console_print("%12llu %-10s %-8s %4x %08x %08x\n",
			      (unsigned long long)(before ? e->tsc - before : 0),
			      kind_name[e->kind], info_name(e), e->info, e->eip, e->detail);
		before = e->tsc;
	}
}
