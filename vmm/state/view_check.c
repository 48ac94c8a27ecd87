/* SPDX-License-Identifier: MIT */
/*
 * Asserts, for tests, that no page is open to CPL 3 that the guest's tables keep from it.
 */
#include "vmm/state/view_check.h"

#include "kernel/base/count.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/lib/cmdline.h"
#include "vmm/state/vm.h"

static int wanted = -1; /* not asked yet */

void view_check(struct vcpu *v)
{
	const char *what;
	gla_t gla;

	if (wanted < 0)
		wanted = cmdline_get("check") && !strcmp(cmdline_get("check"), "views");
	if (!wanted)
		return;
	COUNT(v->stats.views_checked);
	what = shadow_user_wrong(v->shadow, &gla);
	if (what)
		panic("%s: view: %s: %x, cpl %u", v->vm->config.name, what, gla, v->cpu.cpl);
}
