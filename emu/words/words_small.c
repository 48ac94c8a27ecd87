/* SPDX-License-Identifier: MIT */
/*
 * Power management, and devices of a few bits.
 */
#include "emu/chip/ferr.h"
#include "emu/chip/fw_cfg.h"
#include "emu/chip/piix4_pm.h"
#include "emu/chip/reset_control.h"
#include "emu/dev/ticks.h"
#include "emu/words/words_each.h"
#include "emu/words/words_text.h"
#include "kernel/base/print.h"
#include "kernel/hw/reset_control_regs.h"

#define TIMER_MASK 0xffffffu /* 24 bits */

void words_piix4_pm(const void *dev, const struct dbg_out *out)
{
	/* Bits of PM1's status and enable, and of GPE0's. */
	static const char *const pm1[16] = { [0] = "timer",  [4] = "bus-master", [5] = "global",
					     [8] = "button", [10] = "RTC",	 [15] = "wake" };
	static const char *const gpe[12] = {
		[0] = "thermal", [7] = "GPI1", [8] = "USB", [9] = "GPE9", [10] = "RI", [11] = "LID"
	};
	const struct piix4_pm *p = dev;
	u32 timer = (u32)ticks_at(vtimers_now(p->timers), PM_TIMER_HZ) & TIMER_MASK;

	dbg_print(out, "power management: %s; SCI (IRQ %u) is %s",
		  p->pm1_cnt & PM1_SCI_EN ? "ACPI has it" : "the firmware has it (SCI_EN is 0)",
		  PM_SCI_IRQ, words_up(p->level));
	if (p->mapped)
		words_say(out, "registers", "at port %04x", p->mapped);
	else
		words_say(out, "registers", "not decoded");
	words_flags(out, "PM1 status", p->pm1_sts, pm1);
	words_flags(out, "PM1 enabled", p->pm1_en, pm1);
	words_flags(out, "GPE0 status", p->gpe_sts, gpe);
	words_flags(out, "GPE0 enabled", p->gpe_en, gpe);
	words_say(out, "sleep type", "%u", PM1_SLP_TYP(p->pm1_cnt));
	words_say(out, "timer", "%06x at 3.579545 MHz", timer);
	words_say(out, "APM", "command %02x, status %02x", p->apmc, p->apms);
	words_pci_function(out, &p->pci);
}

void words_fw_cfg(const void *dev, const struct dbg_out *out)
{
	const struct fw_cfg *f = dev;
	const struct fw_cfg_item *item = NULL;

	for (unsigned i = 0; i < f->items; i++)
		if (f->item[i].key == f->selected)
			item = &f->item[i];
	dbg_print(out, "item %04x selected%s%s, byte %u of %u", f->selected,
		  item && item->name[0] ? ", " : "", item ? item->name : ", which is none",
		  f->offset, item ? item->size : 0);
	if (f->dma.left)
		words_say(out, "DMA", "to %llx, %u bytes to go", (unsigned long long)f->dma.to,
			  f->dma.left);
	for (unsigned i = 0; i < f->items; i++) {
		char label[8];

		fmt_print(label, sizeof(label), "%04x", f->item[i].key);
		words_say(out, label, "%7u bytes  %s", f->item[i].size, f->item[i].name);
	}
}

void words_reset_control(const void *dev, const struct dbg_out *out)
{
	const struct reset_control *r = dev;

	dbg_print(out, "A20 %s; CF9h: %02x, %s reset next", words_on(r->a20->held), r->cf9,
		  r->cf9 & CF9_HARD ? "hard" : "soft");
}

void words_ferr(const void *dev, const struct dbg_out *out)
{
	const struct ferr *f = dev;

	dbg_print(out, "FERR#: IRQ 13 is %s", words_up(f->level));
}
