/* SPDX-License-Identifier: MIT */
/*
 * What all virtio devices have in common (Virtio 1.2): status, features, queues, interrupts, and
 * their place on the PCI bus. A device has a struct virtio in its own struct, a struct virtio_type,
 * and serves its queues when it is asked to.
 *
 *      virtio_irq.c    wires and messages
 *      virtio_serve.c  features, status, who is served
 *      virtio_regs.c   the registers
 *      virtio_pci.c    configuration space, what is decoded, power-on
 *      virtio_state.c  its field list
 *
 * Transitional: a driver of 0.9 finds its registers in I/O space (BAR 0), one of 1.0 in memory
 * (BAR 4). Which of both it is shows by VIRTIO_F_VERSION_1.
 *
 * A queue that is broken (emu/dev/virtqueue.h) stops its device until the driver resets it. One
 * line says so, and the next not before the machine is reset.
 */
#pragma once

#include "emu/chip/pci.h"
#include "emu/dev/completion.h"
#include "emu/dev/virtqueue.h"
#include "kernel/hw/virtio_regs.h"

enum virtio_kind { VIRTIO_BOTH, VIRTIO_OLD_ONLY, VIRTIO_NEW_ONLY, VIRTIO_KINDS };

#define VIRTIO_MAX_QUEUES  4u
#define VIRTIO_MAX_VECTORS (VIRTIO_MAX_QUEUES + 1u)
#define VIRTIO_MAX_CONFIG  64u

#define VIRTIO_IO_SIZE	128u
#define VIRTIO_MEM_SIZE 0x4000u

struct virtio;

struct virtio_type {
	const char *name;
	u16 id;		  /* enum virtio_id */
	u16 transitional; /* the PCI device number of a transitional one */
	u32 class_code;	  /* of the PCI function */
	unsigned queues;
	u64 features; /* beside those that all have */
	unsigned config_size;
	u8 writable, writable_end; /* which of its configuration */
	/*
	 * Works on the queue q, whose driver is there. At most a millisecond: true says that there
	 * is more, and it is called again after the guest has run.
	 */
	bool (*serve)(struct virtio *v, unsigned q);
	void (*reset)(struct virtio *v);	  /* forgets what it took from its queues */
	void (*config_written)(struct virtio *v); /* NULL: nothing is writable */
};

struct virtio_vector {
	u64 address;
	u32 data, control;
};

struct virtio {
	struct pci_function pci;
	const struct virtio_type *type;
	struct bus *bus;
	struct gpmem *mem;
	const struct board_host *host;
	struct completions *completions;
	struct irq_line intx;
	struct msi_line msi;
	struct completion work;
	unsigned device; /* on PCI bus 0 */
	gpa_t parked;	 /* where its memory is while it is not decoded */

	enum virtio_kind kind;
	u64 extra;    /* features beside its type's */
	u64 features; /* the driver's */
	u32 feature_select, driver_select;
	u8 status, isr, generation;
	bool wire;   /* INTx */
	bool broken; /* and waits for a reset */
	u16 queue_select, config_vector;
	u32 kicked; /* queues (bit n) that have to be served */
	struct virtqueue queue[VIRTIO_MAX_QUEUES];
	u16 vector[VIRTIO_MAX_QUEUES];
	struct virtio_vector table[VIRTIO_MAX_VECTORS];
	u32 pending; /* messages that are held back */
	u8 config[VIRTIO_MAX_CONFIG];
	u16 io_at; /* what is decoded; 0: nothing */
	gpa_t mem_at;
	bool told; /* that it is broken, since the machine was reset */
};

/* --- For the devices */

/* First of its init, before its configuration is filled in. */
int virtio_init(struct virtio *v, const struct virtio_type *type, const struct device_bay *bay);
void virtio_destroy(struct virtio *v);
/* To power-on, its type's reset called. */
void virtio_power_on(struct virtio *v);
/* Part of the device's field list. Queues that were to be served are so after a load. */
void virtio_state(struct virtio *v, struct snap *s);

static inline bool virtio_has(const struct virtio *v, u64 feature)
{
	return v->features & feature;
}

/* Has that queue a driver that may be served? */
bool virtio_is_live(const struct virtio *v, unsigned q);
/* Serves the queue, now and as long as there is more. */
void virtio_kick(struct virtio *v, unsigned q);
/* Gives a chain of it back; virtio_interrupt() says so, after one or several. */
void virtio_give(struct virtio *v, unsigned q, u16 head, u32 len);
void virtio_interrupt(struct virtio *v, unsigned q);
/* Its configuration is another one. */
void virtio_config_changed(struct virtio *v);

/* --- Between the files of the transport */

void virtio_reset(struct virtio *v); /* the driver's: status 0 */
u64 virtio_offered(const struct virtio *v);
void virtio_write_status(struct virtio *v, u8 status);
void virtio_enable_queue(struct virtio *v, unsigned q);
void virtio_break(struct virtio *v, enum virtq_fault fault);
/* Drives the wire as ISR, the command register and MSI-X say. */
void virtio_sync_wire(struct virtio *v);
/* By the wire or a message. */
void virtio_raise(struct virtio *v, u8 why, u16 vector);
/* A completion: the queues of kicked. */
void virtio_serve_kicked(void *v);
/* The bus lets it reach memory now. */
void virtio_resume(struct virtio *v);

bool virtio_msix_on(const struct virtio *v);
void virtio_msix_reset(struct virtio *v);
void virtio_msix_send(struct virtio *v, u16 vector);
/* Its mask or enable bits were written: what was held back may go. */
void virtio_msix_flush(struct virtio *v);
unsigned virtio_vectors(const struct virtio *v); /* 0: it has no MSI-X */
u32 virtio_msix_read(const struct virtio *v, u32 offset);
void virtio_msix_write(struct virtio *v, u32 offset, unsigned size, u64 value);

/* Registers of both kinds, offset from their beginning. */
u32 virtio_old_read(struct virtio *v, unsigned offset, unsigned size);
void virtio_old_write(struct virtio *v, unsigned offset, unsigned size, u32 value);
u64 virtio_mem_read(struct virtio *v, u32 offset, unsigned size);
void virtio_mem_write(struct virtio *v, u32 offset, unsigned size, u64 value);

/* Parts of BAR 4. */
#define VIRTIO_MEM_COMMON  0x0000u
#define VIRTIO_MEM_ISR	   0x0800u
#define VIRTIO_MEM_DEVICE  0x1000u
#define VIRTIO_MEM_NOTIFY  0x2000u
#define VIRTIO_MEM_MSIX	   0x3000u
#define VIRTIO_MEM_PBA	   0x3800u
#define VIRTIO_NOTIFY_STEP 4u /* bytes from a queue's to the next one's */

void virtio_pci_place(struct virtio *v); /* as its configuration space says */
