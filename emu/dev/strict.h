/* SPDX-License-Identifier: MIT */
/*
 * Rules of strict.def, and how a device tells that one was broken. Machines without `strict` have
 * no one to tell, so that the test is one load beside an access that broke a rule already.
 */
#pragma once

#include "emu/dev/board_host.h"

enum strict_rule {
#define STRICT(name, manual, what, number) STRICT_##name,
#include "emu/dev/strict.def"
#undef STRICT
	STRICT_RULES
};

static inline void strict_broken_at(const struct board_host *host, enum strict_rule rule,
				    u32 number)
{
	if (host->strict)
		host->strict(host->ctx, rule, number);
}

static inline void strict_broken(const struct board_host *host, enum strict_rule rule)
{
	strict_broken_at(host, rule, 0);
}
