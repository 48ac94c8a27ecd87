/* SPDX-License-Identifier: MIT */
/*
 * `stat` for people.
 */
#pragma once

struct vm;

/* Totals, and what has changed since the last time that this was asked of the VM. */
void stat_print_people(struct vm *vm);
