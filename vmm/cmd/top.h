/* SPDX-License-Identifier: MIT */
/*
 * The command top.
 */
#pragma once

int cmd_top(int argc, char **argv);
