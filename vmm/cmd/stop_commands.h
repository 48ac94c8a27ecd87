/* SPDX-License-Identifier: MIT */
/*
 * The prompt's commands that stop a VM and let it go on: break, watch, catch, delete, step, next,
 * finish, until, cont.
 */
#pragma once

void stop_commands_init(void);
