/* SPDX-License-Identifier: MIT */
/*
 * From what is chosen of a board to the options of its slots.
 */
#pragma once

#include "emu/board/board_config.h"

u32 board_options(const struct board_config *c); /* PC_OPTION_... */
/* Of its network card n; 0: there is none. */
u32 board_nic_option(const struct board_config *c, unsigned n);
