/* SPDX-License-Identifier: MIT */
/*
 * The words of each class of devices (emu/words/device_words.h). dev is its struct.
 */
#pragma once

#include "emu/dbg/dbg_text.h"

void words_i8259(const void *dev, const struct dbg_out *out);
void words_i8254(const void *dev, const struct dbg_out *out);
void words_mc146818(const void *dev, const struct dbg_out *out);
void words_i8042(const void *dev, const struct dbg_out *out);
void words_uart16550(const void *dev, const struct dbg_out *out);
void words_i8237(const void *dev, const struct dbg_out *out);
void words_i82077(const void *dev, const struct dbg_out *out);
void words_piix3_ide(const void *dev, const struct dbg_out *out);
void words_vga(const void *dev, const struct dbg_out *out);
void words_pci(const void *dev, const struct dbg_out *out);
void words_i440fx(const void *dev, const struct dbg_out *out);
void words_piix3(const void *dev, const struct dbg_out *out);
void words_piix4_pm(const void *dev, const struct dbg_out *out);
void words_lapic(const void *dev, const struct dbg_out *out);
void words_ioapic(const void *dev, const struct dbg_out *out);
void words_hpet(const void *dev, const struct dbg_out *out);
void words_virtio_blk(const void *dev, const struct dbg_out *out);
void words_virtio_console(const void *dev, const struct dbg_out *out);
void words_virtio_rng(const void *dev, const struct dbg_out *out);
void words_virtio_balloon(const void *dev, const struct dbg_out *out);
void words_fw_cfg(const void *dev, const struct dbg_out *out);
void words_reset_control(const void *dev, const struct dbg_out *out);
void words_ferr(const void *dev, const struct dbg_out *out);
