/* SPDX-License-Identifier: MIT */
/*
 * Deliberate mistakes and checks that `selftest=` asks for (docs/boot.md).
 */
#pragma once

/* Does what `selftest=` on the command line names, mostly something fatal; returns if it names
 * nothing. */
void selftest_run(void);
