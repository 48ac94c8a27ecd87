/* SPDX-License-Identifier: MIT */
/*
 * Lines that the words of several devices are made of.
 */
#pragma once

#include "emu/dbg/dbg_text.h"

struct pci_function;

/* "  masked           1 3 8": the numbers of the bits, the lowest of which is number first. */
void words_numbers(const struct dbg_out *out, const char *what, u32 bits, unsigned first);
/* "  status           DRDY DSC": names of the bits, bit n is names[n], NULL or behind its end is
 * not named. "none" where no named bit is set. */
void words_bits(const struct dbg_out *out, const char *what, u32 value, const char *const *names,
		unsigned n);
#define words_flags(out, what, value, names) words_bits(out, what, value, names, ARRAY_SIZE(names))
/* "  memory           00100000": any text behind the label. */
void words_say(const struct dbg_out *out, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The standard header of a PCI function: identity, command, base addresses, interrupt. */
void words_pci_function(const struct dbg_out *out, const struct pci_function *f);

static inline const char *words_on(bool on)
{
	return on ? "on" : "off";
}

static inline const char *words_up(bool up)
{
	return up ? "up" : "down";
}
