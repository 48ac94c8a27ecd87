/* SPDX-License-Identifier: MIT */
/*
 * Which class has which words.
 */
#include "emu/words/device_words.h"

#include "emu/chip/ferr.h"
#include "emu/chip/fw_cfg.h"
#include "emu/chip/hpet.h"
#include "emu/chip/i440fx.h"
#include "emu/chip/i8042.h"
#include "emu/chip/i8237.h"
#include "emu/chip/i82077.h"
#include "emu/chip/i8254.h"
#include "emu/chip/i8259.h"
#include "emu/chip/ioapic.h"
#include "emu/chip/lapic.h"
#include "emu/chip/mc146818.h"
#include "emu/chip/piix3.h"
#include "emu/chip/piix3_ide.h"
#include "emu/chip/piix4_pm.h"
#include "emu/chip/reset_control.h"
#include "emu/chip/uart16550.h"
#include "emu/chip/vga.h"
#include "emu/chip/virtio_balloon.h"
#include "emu/chip/virtio_blk.h"
#include "emu/chip/virtio_console.h"
#include "emu/chip/virtio_rng.h"
#include "emu/words/words_each.h"

static const struct {
	const struct device_class *class;
	void (*print)(const void *dev, const struct dbg_out *out);
} words[] = {
	{ &ferr_class, words_ferr },
	{ &fw_cfg_class, words_fw_cfg },
	{ &hpet_class, words_hpet },
	{ &i440fx_class, words_i440fx },
	{ &i8042_class, words_i8042 },
	{ &i8237_class, words_i8237 },
	{ &i82077_class, words_i82077 },
	{ &i8254_class, words_i8254 },
	{ &i8259_class, words_i8259 },
	{ &ioapic_class, words_ioapic },
	{ &lapic_class, words_lapic },
	{ &mc146818_class, words_mc146818 },
	{ &pci_class, words_pci },
	{ &piix3_class, words_piix3 },
	{ &piix3_ide_class, words_piix3_ide },
	{ &piix4_pm_class, words_piix4_pm },
	{ &reset_control_class, words_reset_control },
	{ &uart16550_class, words_uart16550 },
	{ &vga_class, words_vga },
	{ &virtio_balloon_class, words_virtio_balloon },
	{ &virtio_blk_class, words_virtio_blk },
	{ &virtio_console_class, words_virtio_console },
	{ &virtio_rng_class, words_virtio_rng },
};

bool words_print(const struct device_class *class, const void *dev, const struct dbg_out *out)
{
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		if (words[i].class != class)
			continue;
		words[i].print(dev, out);
		return true;
	}
	return false;
}
