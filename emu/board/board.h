/* SPDX-License-Identifier: MIT */
/*
 * The guest's mainboard: an i440FX/PIIX-style PC put together from the devices. It owns every
 * device, the port bus and the timers of one VM; the VM owns memory and processors.
 */
#pragma once

#include "emu/board/board_config.h"
#include "emu/dev/board_host.h"
#include "emu/mem/gpmem.h"

struct board;
struct device_set;
struct snap;
struct vga;
struct virtio_balloon;

/* Creates all devices, claims ports, adds device memory and the ACPI tables to mem. Returns 0,
 * or an error after which mem must be given up. */
int board_create(const struct board_config *config, const struct board_host *host,
		 struct gpmem *mem, struct board **out);
void board_destroy(struct board *b);
void board_reset(struct board *b);
/* The CPU gets INIT: the local APIC does with it, and A20 goes on. All else stays as it is. */
void board_cpu_init(struct board *b);
/*
 * Saves or loads the devices, a section each. Memory, the board's own included, is in mem and is
 * its owner's to save. Loading wants the virtual clock (board_host.now) to be at s->now or later.
 * The host is told by the same calls as ever what INTR, A20 and the next deadline are then. A
 * serial line that was busy stays so until board_serial_ready(). On failure the devices are as
 * reset.
 */
void board_state(struct board *b, struct snap *s);

u32 board_io_read(struct board *b, u16 port, unsigned size);
void board_io_write(struct board *b, u16 port, unsigned size, u32 value);
/* Up to n of them at one port, in a row of bytes; returns how many were done, at least one. */
u32 board_io_read_many(struct board *b, u16 port, unsigned size, void *to, u32 n);
u32 board_io_write_many(struct board *b, u16 port, unsigned size, const void *from, u32 n);
/* Interrupt acknowledge cycle: the vector, or -1 if nothing is pending (the caller then delivers
 * nothing). */
int board_intr_ack(struct board *b);
/* Model-specific registers of the local APIC. Return 0; E_NOENT: not the board's; E_INVAL: #GP. */
int board_msr_read(struct board *b, u32 index, u64 *value);
int board_msr_write(struct board *b, u32 index, u64 value);
/* Does CPUID tell of a local APIC now? */
bool board_has_apic(const struct board *b);
bool board_intr_pending(struct board *b);
/* Runs completions that were posted and fires due timers; returns the next deadline in virtual
 * ns or UINT64_MAX. */
u64 board_run_timers(struct board *b);
/* What was posted runs, so that it need not be saved. */
void board_settle(struct board *b);

/* Serial port 4 is the virtio console. Has the guest a driver for it that is ready? */
bool board_console_listens(const struct board *b);
/* A byte from outside for serial port 0..4; false when the guest's UART cannot take it (offer it
 * again later). */
bool board_serial_rx(struct board *b, unsigned port, u8 byte);
void board_serial_ready(struct board *b, unsigned port);
void board_serial_break(struct board *b, unsigned port);
/* Frames have come for network card n. With the next board_run_timers() it fetches as many by
 * board_host.frame_in() as it has room for. */
void board_frames(struct board *b, unsigned n);
/* NULL: there is none. */
struct virtio_balloon *board_balloon(const struct board *b);
/* A key (kernel/hw/pc_keys.h) goes down or up; false when the keyboard has no room for it. */
bool board_key(struct board *b, u8 key, bool pressed);
/* Has the guest read all that its keyboard had to say? */
bool board_keys_read(const struct board *b);
/* Relative movement of the mouse, dy upwards; buttons: bit 0 left, 1 right, 2 middle. */
void board_mouse(struct board *b, s32 dx, s32 dy, s32 dz, u8 buttons);
/* The power button is pressed: an ACPI guest shuts down. */
void board_power_button(struct board *b);
/* FERR# with CR0.NE = 0: IRQ 13 until the guest writes port F0h. */
void board_fpu_error(struct board *b);

/* All that is plugged in, for those who list it. */
const struct device_set *board_devices(const struct board *b);
/* How often the ports of one of them were read and written. */
void board_accesses(const struct board *b, const void *dev, u64 *reads, u64 *writes);
/* The ISA bus: which of its interrupts are up, and how often each rose. */
struct board_wires {
	u16 up;
	u64 rises[16];
};

void board_wires(const struct board *b, struct board_wires *w);
/* The I/O APIC's pin of an ISA interrupt: that of the 8254 is 2, since pin 0 is the 8259 pair's
 * output. */
static inline unsigned board_ioapic_pin(unsigned irq)
{
	return irq ? irq : 2;
}
/* Where the board put its tables, for loaders. */
gpa_t board_rsdp(const struct board *b);
/*
 * What can end HLT with interrupts on. When the next timer comes due whose interrupt the PIC lets
 * through, in virtual ns; 0: a completion waits to be run; UINT64_MAX: none is armed. Other timers
 * may be run later than they are due, since devices work out what passed meanwhile. And: can
 * anything come at all, from such a timer or from outside (keyboard, mouse, serial line, power
 * button)?
 */
u64 board_wakes_at(const struct board *b);
bool board_can_wake(const struct board *b);
/* Is the input of the 8259s, or the vector of the APIC, in service, and holds back a request? -1
 * asks for one that does; returns it, or -1. */
int board_pic_holds_back(const struct board *b, int input);
int board_apic_holds_back(const struct board *b, int vector);
/* The VGA; NULL: there is none. */
struct vga *board_vga(const struct board *b);
