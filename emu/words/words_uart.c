/* SPDX-License-Identifier: MIT */
/*
 * A UART.
 */
#include "emu/chip/uart16550.h"
#include "emu/words/words_each.h"
#include "emu/words/words_text.h"
#include "kernel/hw/ns16550_regs.h"

static const char *interrupt_name(u8 id)
{
	switch (id) {
	case IIR_RLS:
		return "line status";
	case IIR_RDA:
		return "received data";
	case IIR_TIMEOUT:
		return "received data, timeout";
	case IIR_THRE:
		return "transmitter empty";
	case IIR_MODEM:
		return "modem status";
	default:
		return "none";
	}
}

static void print_line(const struct uart16550 *u, const struct dbg_out *out)
{
	static const char parity[] = { 'N', 'O', 'N', 'E', 'N', '1', 'N', '0' };
	u32 divisor = u->divisor ? u->divisor : 0x10000u;

	dbg_print(out, "line: %u baud (divisor %u), %u%c%s%s%s", NS16550_CLOCK_HZ / 16 / divisor,
		  u->divisor, 5 + (u->lcr & 3), parity[u->lcr >> 3 & 7],
		  !(u->lcr & 4)	 ? "1"
		  : (u->lcr & 3) ? "2"
				 : "1.5",
		  u->lcr & LCR_BREAK ? ", sends BREAK" : "",
		  u->lcr & LCR_DLAB ? ", divisor selected (DLAB)" : "");
}

static void print_fifo(const struct uart16550 *u, const struct dbg_out *out)
{
	static const u8 level[] = { 1, 4, 8, 14 };

	words_say(out, "received", "%u bytes wait%s", u->used, u->timeout ? ", timed out" : "");
	if (u->fcr & FCR_ENABLE)
		words_say(out, "FIFO", "on, interrupts at %u bytes", level[u->fcr >> 6]);
	else
		words_say(out, "FIFO", "off");
	words_say(out, "transmitter", "%s", u->tx_busy ? "waits for the other side" : "empty");
}

void words_uart16550(const void *dev, const struct dbg_out *out)
{
	static const char *const enabled[] = { "received", "transmitter-empty", "line-status",
					       "modem-status" };
	static const char *const errors[] = { NULL, "overrun", "parity", "framing", "break" };
	static const char *const outputs[] = { "DTR", "RTS", "OUT1", "OUT2", "loopback" };
	static const char *const inputs[] = { NULL, NULL, NULL, NULL, "CTS", "DSR", "RI", "DCD" };
	const struct uart16550 *u = dev;

	print_line(u, out);
	print_fifo(u, out);
	words_flags(out, "errors", u->lsr_errors, errors);
	words_flags(out, "interrupts on", u->ier, enabled);
	words_say(out, "asks for", "%s; its wire is %s", interrupt_name(uart16550_interrupt_id(u)),
		  words_up(u->level));
	words_flags(out, "modem outputs", u->mcr, outputs);
	words_flags(out, "modem inputs", u->modem, inputs);
}
