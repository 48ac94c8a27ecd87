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
#include "vmm/load/config.h"
#include "vmm/code/raw_page.h"
#include "vmm/run/vcpu.h"
#include "vmm/vm/vm_console.h"
#include "vmm/vm/vm_load.h"
#include "vmm/vm/vm_start.h"

enum vm_state { VM_RUNNING, VM_PAUSED, VM_STOPPED };

/* What a device handler or vm_kill() asked for; done by the run loop, between two instructions. */
enum vm_request { VM_REQ_NONE, VM_REQ_POWER_OFF, VM_REQ_RESET, VM_REQ_EXIT, VM_REQ_KILL };

struct vm {
	struct list link;
	struct config_vm config;
	enum vm_state state;
	char stop_reason[96];
	char kill_reason[96]; /* of VM_REQ_KILL */
	enum vm_request request;
	const char *request_why;
	u32 exit_code;

	struct gpmem mem;
	u8 **chunk; /* every 2 MiB chunk of RAM, ours to free */
	unsigned chunks;
	struct board *board;
	struct vcpu *vcpu;
	struct raw_pages raw_pages;
	struct vm_console console;
	struct vm_load load;

	/* Virtual time = clock - time_offset; stands still while paused. */
	u64 time_offset, paused_at;
	bool held; /* it is being loaded: its time is held_now */
	u64 held_now;
	u64 deadline; /* earliest virtual timer, in virtual ns; UINT64_MAX: none */
	u64 wakes_at; /* the scheduler's note of vm_wakes_at() */

	enum vm_start start;  /* vmm/vm/vm_start.h */
	struct vm_snap *snap; /* saves or loads it: vmm/snap/vm_snap.c */
	bool unborn;	      /* it has not run, and waits for its saved state */
	u64 start_at;	      /* how far its present step is, in bytes of RAM */

	/* Pages for shadow tables: in use, and promised at its creation. */
	u64 pool_pages, pool_quota;
	u64 fixed_bytes; /* what its creation took beside RAM and pool */
	bool halt_reported;
	u64 resets, resets_unsaid, reset_reported; /* how often; of them without a line; ns */
};

/*
 * Creates the VM of a configuration section and loads its images. On failure reports why with the
 * VM's name, frees everything and returns a negative error.
 */
int vm_create(const struct config_vm *config, struct vm **out);
void vm_destroy(struct vm *vm);

/* Back to power-on, by the operator or the guest; the work is done, and the images are loaded
 * again, in its next turns. */
void vm_reset(struct vm *vm, const char *why);
void vm_reset_itself(struct vm *vm, const char *why);
void vm_pause(struct vm *vm);
void vm_resume(struct vm *vm);
/* Ends it with a report; devices and memory stay to be looked at until it is destroyed or reset. */
void vm_stop(struct vm *vm, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Ends it from any depth: in a fault handler, in a device, with half of a change done. Only notes
 * the reason, the first one of several, and makes the engine come out; the run loop then stops the
 * VM. So the caller goes on: it leaves its structures so that they can be flushed and freed, and
 * says to its own caller that it failed. A page fault that cannot be resolved ends as ENV_PF_SLOW,
 * since ENV_PF_RESUME would fault again. emu/ has cpu_kill() for the same.
 */
void vm_kill(struct vm *vm, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* One line about this VM on the monitor's console and in the log. */
void vm_report(struct vm *vm, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Carries out vm->request. */
void vm_do_request(struct vm *vm);

struct vm *vm_find(const char *name);
extern struct list vm_list;

u64 vm_now(const struct vm *vm); /* virtual ns */
/* On the monitor's clock: its next timer; and when it wants a turn, which is now if that has
 * passed. UINT64_MAX: never. */
u64 vm_deadline(const struct vm *vm);
u64 vm_wakes_at(const struct vm *vm);
const char *vm_state_name(enum vm_state s);
const char *vm_engine_name(enum config_engine e);

/* Memory that the monitor holds for this VM besides the guest's RAM, in bytes. */
u64 vm_overhead(const struct vm *vm);
