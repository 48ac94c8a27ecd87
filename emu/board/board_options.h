/* SPDX-License-Identifier: MIT */
/*
 * From what is chosen of a board to the options of its slots.
 */
#pragma once

#include "emu/board/board_config.h"

u32 board_options(const struct board_config *c); /* PC_OPTION_... */
