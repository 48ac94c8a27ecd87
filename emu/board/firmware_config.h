/* SPDX-License-Identifier: MIT */
/*
 * What the board tells its firmware through fw_cfg: memory map, processors, what to boot from, and
 * the ACPI tables as QEMU's table loader wants them.
 */
#pragma once

#include "emu/board/board_config.h"
#include "emu/board/guest_acpi.h"
#include "emu/chip/fw_cfg.h"

/* Adds all items. Returns 0, E_FULL or E_NOMEM. */
int firmware_config_add(struct fw_cfg *f, const struct board_config *config,
			const struct acpi_machine *machine);
