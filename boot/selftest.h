/* SPDX-License-Identifier: MIT */
#pragma once

/* Does what `selftest=` on the command line names, mostly something fatal; returns if it names
 * nothing. */
void selftest_run(void);
