/* SPDX-License-Identifier: MIT */
/*
 * The commands that sample a VM for a while.
 */
#pragma once

int cmd_hot(int argc, char **argv);
int cmd_blocks(int argc, char **argv);
