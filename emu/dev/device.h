/* SPDX-License-Identifier: MIT */
/*
 * What all devices have in common. A device is
 *
 *   - a struct with no static state;
 *   - its class: how it is made, reset, saved, and what it can do;
 *   - a row of the board's table, its slot: where its ports, interrupts and DMA channels are.
 *
 * A device reaches the world through its bay alone: the port bus, the timers, its interrupt lines,
 * guest memory, the machine around the board. It knows no other device. The board, the prompt's
 * `devs`, the guest's ACPI tables and docs/devices.md all walk the table (emu/board/pc_slots.c).
 */
#pragma once

#include "emu/dev/a20.h"
#include "emu/dev/board_host.h"
#include "emu/dev/bus.h"
#include "emu/dev/dma.h"
#include "emu/dev/irq_or.h"
#include "emu/mem/gpmem.h"

#define DEVICE_RANGES 4 /* of ports */
#define DEVICE_IRQS   2
#define DEVICE_ACPI   2

struct completions;
struct device_bay;
struct drive;
struct nic;
struct pci_bus;
struct snap;

/* Fields of a struct that stand side by side. */
struct device_part {
	size_t at, size;
};

#define DEVICE_PART(type, first, last)                                                           \
	{                                                                                        \
		offsetof(type, first),                                                           \
			offsetof(type, last) + sizeof(((type *)0)->last) - offsetof(type, first) \
	}

struct device_class {
	const char *name;
	u16 version; /* of what state saves */
	size_t size; /* of the device's struct, which is all zero when init begins */
	/* Who answers each of the slot's ranges of ports, in the slot's order. NULL: the device
	 * claims that range itself, when the guest switches it on. */
	const struct bus_ports *ports[DEVICE_RANGES];
	const struct gpmem_mmio *memory; /* who answers the slot's memory; NULL: it has none */
	/* To power-on. Returns 0 or a negative error. It drives no line: nobody listens yet. */
	int (*init)(void *dev, const struct device_bay *bay);
	void (*reset)(void *dev);   /* NULL: nothing to reset */
	void (*destroy)(void *dev); /* gives back what init took; NULL: nothing */
	/*
	 * Its field list: architectural state, both ways; NULL: it has none. Loading follows a
	 * reset and drives the lines as the state says. No loaded value may make it leave its
	 * arrays or loop. After a failure (snap_ok()) it is reset again, so it need not be usable
	 * then.
	 */
	void (*state)(void *dev, struct snap *s);
	/* What no stream holds: statistics, and what is made anew from other fields. Pointers and
	 * timers need not be named. Only tests read this. */
	struct device_part unsaved;
	/* May it raise an interrupt because of something outside of the guest (a key, a line)?
	 * NULL: never. */
	bool (*can_wake)(const void *dev);
	/* When its timer is due that raises an interrupt, in virtual ns; UINT64_MAX: not armed.
	 * NULL: it has none. */
	u64 (*wakes_at)(const void *dev);
	/* Of a network card: frames may have come for it (emu/dev/nic.h). Called between two of the
	 * guest's instructions. NULL: it is none. */
	void (*frames)(void *dev);
	/* For docs/devices.md and `devs`. */
	const char *title, *file, *has, *lacks;
};

struct device_ports {
	u16 first, count;
};

struct device_memory {
	u32 start, size; /* multiples of 4 KiB; size 0: none */
};

/* What the guest's DSDT says of a slot, or of a part of it. */
struct device_acpi {
	const char
		*name; /* of the Device object: up to four characters, no other's; NULL: nothing */
	const char *hid; /* NULL: its resources are listed as the mainboard's (PNP0C02) */
	u8 uid;		 /* 0: none */
	/* Which of the slot's ranges of ports (bit n), interrupts and DMA channels, or others
	 * that it has without driving them. All 0: all that the slot has. */
	u8 ranges, dmas;
	u16 irqs;
};

struct device_slot {
	const struct device_class *class;
	const char *name; /* no other slot's; its section of a saved stream: 12 characters */
	struct device_ports ports[DEVICE_RANGES];
	struct device_memory memory; /* of a device that is always at the same place */
	u16 irqs;      /* bit n: it drives ISA interrupt n; its line 0 is the lowest of them */
	u8 dma;	       /* bit n: it uses DMA channel n; one channel a device */
	u8 unit;       /* which of several of its class */
	u16 pci;       /* DEVICE_PCI(); 0: no PCI function */
	u8 intx;       /* its PCI interrupt, as its PCI_IRQ_PIN says: 1 INTA .. 4 INTD; 0: none */
	u32 options;   /* only on boards that have one of these options; 0: on all */
	bool messages; /* it may interrupt by messages instead, past the wires */
	u8 since;      /* the format of saved machines that first has its section; 0: all have it */
	struct device_acpi acpi[DEVICE_ACPI];
};

/* Has a board with these options that slot? */
static inline bool device_slot_is_there(const struct device_slot *s, u32 options)
{
	return !s->options || (s->options & options);
}

/* A message-signalled interrupt: data is written to the address (PCI 3.0, 6.8). */
struct msi_line {
	void (*send)(void *ctx, u64 address, u32 data); /* NULL: nobody would hear it */
	void *ctx;
};

#define DEVICE_PCI(device, function) (1 + (device)*8 + (function))

/* Which of PIRQA..D (0..3) INTx# of a PCI device is wired to; pin: 1 A .. 4 D. INTA of device 1 is
 * PIRQA. */
static inline unsigned device_pirq(unsigned device, unsigned pin)
{
	return (device + pin + 2) & 3;
}

/* What a device finds where it is plugged in. */
struct device_bay {
	const struct device_slot *slot;
	struct bus *bus;
	struct vtimers *timers;
	struct gpmem *mem;
	struct irq_or *irqs;  /* for one that drives interrupts which it is not wired to */
	struct irq_or *pirqs; /* PIRQA..D */
	struct irq_line irq[DEVICE_IRQS];
	struct irq_line intx;
	struct msi_line msi;
	struct dma_line dma;
	struct pci_bus *pci;
	struct a20_gate *a20;
	const struct drive *drives; /* DRIVE_PLACES of them: emu/dev/drives.h */
	const struct nic *nics;	    /* NIC_PLACES of them: emu/dev/nic.h */
	u8 virtio;		    /* enum virtio_kind: emu/chip/virtio.h */
	const u8 *vga_rom;	    /* on the screen's adapter; NULL: none */
	u32 vga_rom_size;
	struct completions *completions; /* for a device that waits for the outside */
	const struct board_host *host;	 /* outlives the device */
};

/* Claims the slot's ports for dev and initialises it. */
int device_plug(void *dev, const struct device_bay *bay);

/* "40h-43h, 61h, IRQ 0": returns the length, as fmt_print() does. */
int device_print_resources(const struct device_slot *slot, char *buf, size_t size);

/* --- All devices of a board */

struct device {
	const struct device_slot *slot;
	void *dev;
};

struct device_set {
	struct device *device; /* in the table's order */
	unsigned count;
};

/* Takes memory for the devices of those slots that a board with these options has. E_NOMEM: the
 * set is empty. */
int devices_alloc(struct device_set *set, const struct device_slot *slots, unsigned count,
		  u32 options);
/* Plugs them in, in the table's order; bay without its slot, its lines and the number of its
 * channel. After an error the set must be destroyed. */
int devices_init(struct device_set *set, const struct device_bay *bay);
void devices_destroy(struct device_set *set);
/* The device of that class and unit; NULL if there is none. */
void *devices_find(const struct device_set *set, const struct device_class *class, unsigned unit);
/* From the last to the first: what others are wired to comes first in the table and last here. */
void devices_reset(struct device_set *set);
/* A section for each that has state, in the same order. Loading begins with a reset, and a device
 * that is younger than the stream's format stays reset. */
void devices_state(struct device_set *set, struct snap *s);
/* As can_wake and wakes_at of the class, of all whose interrupt is in the mask open, or whose PIRQ
 * (bit n) is in pirqs_open, and of all that have no interrupt. */
bool devices_can_wake(const struct device_set *set, u16 open, u8 pirqs_open);
u64 devices_wakes_at(const struct device_set *set, u16 open, u8 pirqs_open);
/* Tells the network card in place n. */
void devices_frames(const struct device_set *set, unsigned n);
