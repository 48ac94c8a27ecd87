/* SPDX-License-Identifier: MIT */
/*
 * A virtual machine: memory, board, processor, console. Created from a section of the
 * configuration; can be paused, reset and destroyed while others run.
 *
 *      create -> RUNNING <-> PAUSED        RUNNING, PAUSED -> STOPPED (power-off, triple fault,
 * error) any -> RUNNING by reset; destroy frees everything
 */
#pragma once

#include "emu/mem/gpmem.h"
#include "emu/board/board.h"
#include "kernel/base/list.h"
#include "kernel/lib/byte_ring.h"
#include "kernel/task/task.h"
#include "vmm/load/config.h"
#include "vmm/load/linux_boot.h"
#include "vmm/code/raw_page.h"
#include "vmm/state/vcpu.h"
#include "vmm/state/vm_points.h"

/* What a VM has still to do before its first instruction, in this order. */
enum vm_start {
	VM_STARTED,
	VM_START_PROCESSOR,    /* registers */
	VM_START_TRANSLATIONS, /* shadow tables, translated code */
	VM_START_CODE,	       /* what is known of pages that may run raw */
	VM_START_RAM,
	VM_START_BOARD,
	VM_START_IMAGES, /* checked; a new VM begins here */
	VM_START_COPY,
	VM_START_SNAP, /* saved, or loaded from what was saved: vmm/vm/vm_snap.h */
};

#define VM_CONSOLE_KEPT	   16384u
#define VM_CONSOLE_INPUT   65536u
#define VM_CONSOLE_HOLD_NS 60000000000ull
#define VM_CONSOLE_LINE	   256u

enum { VM_LINE_COM1, VM_LINE_COM4 = 3, VM_LINE_VIRTIO, VM_LINE_DEBUG, VM_LINES };

struct vm_console {
	u8 kept_data[VM_CONSOLE_KEPT];
	u32 head, kept; /* next write position; bytes not yet shown */
	u64 missed;	/* bytes that were overwritten before they were shown */
	u64 hold_until; /* the clock, until when a full ring holds the VM */
	u8 input_data[VM_CONSOLE_INPUT];
	struct byte_ring input; /* typed, not yet taken by the guest's FIFO */
	struct {
		char text[VM_CONSOLE_LINE];
		u32 len;
	} line[VM_LINES]; /* for the log: the line so far */
	bool waiting;	  /* a UART was told that its line is busy */
	bool blocked;	  /* the VM may not run before the line is free */
	unsigned ahead;	  /* bytes that came in spite of that */
};

#define VM_KEYS		1024u /* a line of 256 characters, each with Shift */
#define VM_KEYS_AT_ONCE 8u

struct vm_key {
	u8 key; /* kernel/hw/pc_keys.h */
	bool pressed;
	bool paced;  /* the first of a stroke: it waits until the guest is ready for it */
	u16 wait_ms; /* since the one before */
};

/* Presses and releases that its keyboard has not got yet: vmm/console/vm_keys.h. */
struct vm_keys {
	struct vm_key ring[VM_KEYS];
	unsigned head, used;
	u64 given_at, used_ns; /* the last one: virtual time, and the VM's of the processor */
	u64 tried_since;       /* virtual: the first one waits */
};

struct vm_load {
	struct linux_boot boot;
	u64 began, told; /* when, by the monitor's clock, in ns */
};

#define VM_STRICT_RULES	 40u
#define VM_STRICT_PLACES 64u

struct net_port;
struct vm;

/* vmm/vm/vm_strict.h */
struct vm_strict {
	/* For those who find a rule of emu/dev/strict.def broken; NULL: nobody wants to know. */
	void (*broken_by)(struct vm *vm, unsigned rule, u32 number);
	u64 broken[VM_STRICT_RULES];
	struct {
		u32 gla;
		u8 rule;
	} place[VM_STRICT_PLACES]; /* that were told */
	unsigned places;
	/* The inputs of the 8259s and vectors of the APIC that hold back others, and at how many
	 * ends of turns in a row. */
	gla_t next_in; /* the IN that is too early, if the next access to a port is there; 0 */
	struct vm_strict_held {
		int input; /* -1: none */
		unsigned turns, halts;
	} pic, apic;
};

/* vmm/vm/vm_speed.h */
struct vm_speed {
	u32 num, den;	 /* its share of the processor; num = 0: all */
	u64 rests_until; /* its last turns are paid for then */
};

/* What its network card is plugged into: vmm/vm/vm_net.h */
struct vm_nic {
	struct vm *vm;
	struct net_port *port; /* NULL: there is no card */
	u8 mac[NIC_MAC];
};

enum vm_state { VM_RUNNING, VM_PAUSED, VM_STOPPED };

/* What a device handler or vm_kill() asked for; done by the run loop, between two instructions. */
enum vm_request {
	VM_REQ_NONE,
	VM_REQ_POWER_OFF,
	VM_REQ_RESET,
	VM_REQ_CPU_INIT,
	VM_REQ_EXIT,
	VM_REQ_KILL
};

struct vm {
	struct list link;
	struct task task;
	struct config_vm config;
	enum vm_state state;
	char stop_reason[96];
	char kill_reason[96]; /* of VM_REQ_KILL */
	enum vm_request request;
	const char *request_why;
	u32 exit_code;

	struct gpmem mem;
	u8 **chunk;		    /* every 2 MiB chunk of RAM, ours to free */
	struct gpmem_frames frames; /* for pages that its balloon gave back */
	void *spare_page;	    /* with a balloon: vmm/vm/vm_ram.c */
	unsigned chunks;
	struct board *board;
	struct vm_media *media; /* its drives: vmm/vm/vm_media.h */
	struct vm_nic nic[NIC_PLACES];
	struct vcpu *vcpu;
	struct raw_pages raw_pages;
	struct vm_console console;
	struct vm_keys keys;
	struct vm_load load;
	struct vm_debug debug;
	struct vm_speed speed;
	struct vm_strict strict;

	/* Virtual time = clock - time_offset; stands still while paused. */
	u64 time_offset, paused_at;
	bool held; /* it is being loaded: its time is held_now */
	u64 held_now;
	u64 waited, waits_from; /* virtual ns: vmm/vm/vm_waits.h */
	u64 deadline;		/* earliest virtual timer, in virtual ns; UINT64_MAX: none */

	enum vm_start start;
	struct vm_snap *snap; /* saves or loads it: vmm/vm/vm_snap.c */
	bool unborn;	      /* it has not run, and waits for its saved state */
	u16 injected;	      /* 1 + the vector of the operator's interrupt; 0: none */
	u64 start_at;	      /* how far its present step is, in bytes of RAM */

	/* Pages for shadow tables: in use, and promised at its creation. */
	u64 pool_pages, pool_quota;
	u64 fixed_bytes; /* what its creation took beside RAM and pool */
	bool halt_reported;
	u64 resets, resets_unsaid, reset_reported; /* how often; of them without a line; ns */
	u64 inits;				   /* of the processor alone */
};

extern struct list vm_list;
struct vm *vm_find(const char *name);

/* Does what the guest writes to its page tables count at once? Who watches whether it flushes has
 * to see each access that comes after. */
static inline bool vm_tlb_is_coherent(const struct vm *vm)
{
	return vm->config.coherent_tlb || vm->config.strict != STRICT_OFF;
}

u64 vm_now(const struct vm *vm); /* virtual ns */
/* On the monitor's clock: its next timer; and when it wants a turn, which is now if that has
 * passed. UINT64_MAX: never. */
u64 vm_deadline(const struct vm *vm);
u64 vm_wakes_at(const struct vm *vm);

/*
 * An interrupt of this vector comes past the interrupt controllers, as soon as the processor takes
 * interrupts. E_BUSY: one such waits already. A reset and a loaded machine forget it.
 */
int vm_inject(struct vm *vm, u8 vector);
/* The processor acknowledges: its vector; -1: there is none. */
int vm_take_injected(struct vm *vm);

/*
 * Ends it from any depth: in a fault handler, in a device, with half of a change done. Only notes
 * the reason, the first one of several, and makes the engine come out; the run loop then stops the
 * VM. So the caller goes on: it leaves its structures so that they can be flushed and freed, and
 * says to its own caller that it failed. A page fault that cannot be resolved ends as ENV_PF_SLOW,
 * since ENV_PF_RESUME would fault again. emu/ has cpu_kill() for the same.
 */
void vm_kill(struct vm *vm, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
