/* SPDX-License-Identifier: MIT */
/*
 * A virtual CPU in an ordinary Linux process: emu/cpu with RAM from a memfd, so that the recompiler
 * can be tested without the monitor.
 *
 *   machine_create(), set state in m->cpu and m->ram, machine_run(), look at m->cpu and m->ram
 *
 * The guest's linear space is an address range of the process, filled page by page as translated
 * code faults: at GS.base (works everywhere, with ASan too), or at address 0 as in the monitor
 * (MACHINE_BASE_0: the program must be position independent, which puts it above; page 0 needs
 * root). Every change of the page tables, of the mode or between CPL 0..2 and 3 empties the range.
 * Watched pages are read-only; device memory is never mapped.
 *
 * One machine may run at a time: the signal handlers serve the one inside machine_run().
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "emu/jit/recomp.h"
#include "emu/mem/gpmem.h"

#define MACHINE_BASE_0	  BIT(0)
#define MACHINE_NO_VERIFY BIT(1) /* blocks are not verified: for timing */
#define MACHINE_PORT_LOG  64
#define MACHINE_MAPPINGS  2048

struct machine_port {
	u16 port;
	u8 size;
	bool write;
	u32 value;
};

struct machine_mapping {
	gla_t page;
	gpa_t gpa;
};

struct machine {
	struct cpu cpu;
	struct gpmem mem;
	int fd;
	u8 *ram; /* guest-physical 0 .. ram_size */
	u64 ram_size;
	u64 base; /* of the guest's linear space */
	u8 *cache, *polls;
	struct machine_mapping mapping[MACHINE_MAPPINGS];
	unsigned mappings;
	bool window_cpl3;   /* for whom the window's pages are mapped */
	u32 mapping_number; /* for recomp_set_mapping() */
	/* Ports: the latest accesses; reads take their value from port_value(). */
	struct machine_port port[MACHINE_PORT_LOG];
	unsigned ports;
	u32 (*port_value)(struct machine *m, u16 port, unsigned size); /* NULL: ones */
	unsigned fpu_errors; /* FERR# was raised so often; it comes back as this interrupt: */
	int fpu_error_vector;
	int pending_vector;  /* what intr_ack returns; -1: none */
	volatile bool leave; /* makes want_leave() true */
	/* As cpu_env's: told when translated code runs, and when C does for longer; or NULL. */
	void (*code_runs)(struct machine *m, bool runs);
	const char *killed; /* why cpu_kill() was called, or NULL */
	u64 faults;	    /* signals that translated code raised */
	u8 host_fpu[512] __attribute__((aligned(64)));
};

/* Returns 0, E_NOMEM, or E_NOSYS where MACHINE_BASE_0 is not possible. */
int machine_create(struct machine *m, u64 ram_size, unsigned flags);
void machine_destroy(struct machine *m);

/* Power-on state of the processor, an FPU as after FNINIT, no port accesses. RAM is left alone. */
void machine_reset(struct machine *m);

/* Runs from m->cpu.eip as recomp_run(); the others likewise as the functions of their names. */
enum recomp_exit machine_run(struct machine *m);
enum recomp_exit machine_run_after_iret(struct machine *m);
enum recomp_exit machine_step(struct machine *m);
enum recomp_exit machine_step_quietly(struct machine *m, bool *done);

/* Bytes of RAM changed behind the CPU's back (by the test): translations are dropped. */
void machine_wrote(struct machine *m, gpa_t gpa, u32 len);

/* Forgets all mappings of the linear space. Needed after a test wrote page tables. */
void machine_unmap(struct machine *m);

/* From an asynchronous signal's handler, with its ucontext_t *: events, as the monitor's interrupts
 * bring them. */
void machine_interrupt(struct machine *m, u32 events, void *context);

/*
 * Signals that are not translated code's: asked first, with siginfo_t * and ucontext_t *. Returns
 * true if it took the signal.
 */
extern bool (*machine_other_trap)(void *info, void *context);
