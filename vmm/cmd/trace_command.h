/* SPDX-License-Identifier: MIT */
/*
 * trace: chosen events of a VM into a ring.
 */
#pragma once

int cmd_trace(int argc, char **argv);
/* For the words of its arguments. */
const char *trace_complete(int n, unsigned i);
