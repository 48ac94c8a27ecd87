/* SPDX-License-Identifier: MIT */
/*
 * Disks, seen from both sides.
 *
 *   device    struct disk_port, a struct disk_request for each command that it has under way:
 *             disk_submit(), later its done function, or disk_cancel()
 *   back end  struct disk_backend with a medium, and a number of transfers, each with a buffer of
 *             its own: submit() begins one, disk_complete() says that it has ended
 *
 * A request is carried by a transfer. Between them are the checks (medium, range, write
 * protection), the queue of requests for which no transfer is free, and the copy to and from the
 * buffer. Since buffers belong to the back end, which outlives the VM, a request can be cancelled
 * at any time: its transfer goes on alone and is free again when it ends. So a VM may be reset or
 * destroyed while a host's disk still writes to memory.
 *
 * A device may do without the buffer and its copies where the medium is in memory anyway.
 *
 * DISK_FLUSH covers the writes that were done when it was submitted. A device saves what its
 * requests are, and submits them again when it is loaded.
 *
 * done runs on the VM's own processor as a completion (emu/dev/completion.h), also for requests
 * that are refused: never inside disk_submit(). It may submit, cancel, and close the port.
 */
#pragma once

#include "emu/dev/completion.h"
#include "kernel/base/list.h"

#define DISK_SECTOR 512u
#define DISK_MAX    128u /* sectors of one request */

enum disk_op { DISK_READ, DISK_WRITE, DISK_FLUSH };

enum disk_result {
	DISK_OK,
	DISK_NO_MEDIUM,
	DISK_CHANGED, /* another medium since the request was submitted */
	DISK_OUT_OF_RANGE,
	DISK_READ_ONLY,
	DISK_FAILED, /* the host's medium did */
};

/* --- The device's side */

struct disk_request {
	enum disk_op op;
	u64 sector;
	u32 sectors; /* 1..DISK_MAX; DISK_FLUSH has no range */
	u8 *data;    /* stays until done or cancelled */
	void (*done)(void *dev, struct disk_request *r);
	void *dev;
	enum disk_result result;
	/* The rest is the port's. */
	bool pending;
	u32 medium;
	struct list link;
	struct disk_transfer *transfer; /* NULL: on one of the port's lists */
};

struct disk_port {
	struct disk_backend *backend; /* NULL: none */
	struct completions *completions;
	void (*changed)(void *dev); /* another medium, or none; may be NULL */
	void *dev;
	bool medium_changed;
	struct list waiting, refused;
	struct completion completion; /* of refused requests and of changes */
};

/* backend may be NULL: a drive whose cable is off. Returns 0, or E_BUSY if another port has it. */
int disk_open(struct disk_port *p, struct disk_backend *backend, struct completions *completions,
	      void (*changed)(void *dev), void *dev);
/* Cancels all; harmless on a port that is not open and is all zero. */
void disk_close(struct disk_port *p);
/* r must not be pending. */
void disk_submit(struct disk_port *p, struct disk_request *r);
/* Its done does not run, and data is not touched any more. What is on its way to the medium may
 * still be written. Harmless on one that is not pending. */
void disk_cancel(struct disk_port *p, struct disk_request *r);
void disk_cancel_all(struct disk_port *p);
/* Before the device's state is saved: a change of the medium that it has not been told yet is told
 * now. Loading: it never is, as the state knows what is in the drive. */
void disk_settle(struct disk_port *p, bool loading);
/* The short way of media in memory: where a sector lies, and in *sectors how many of so many do in
 * a row, until the caller returns. NULL: a request is needed, which may also say what is wrong. */
const u8 *disk_readable(const struct disk_port *p, u64 sector, u32 *sectors);
/* The same to be written: all *sectors must be. */
u8 *disk_writable(const struct disk_port *p, u64 sector, u32 *sectors);

/* --- The back end's side */

struct disk_transfer {
	enum disk_op op;
	u64 sector; /* these are on the medium; both are 0 for DISK_FLUSH */
	u32 sectors;
	u8 *data;	  /* its buffer, DISK_MAX sectors */
	struct list link; /* for the back end's use while it has the transfer */
	/* The rest is disk.c's. */
	struct disk_backend *backend;
	struct disk_request *request; /* NULL: nobody waits for it */
	enum disk_result result;
	u32 medium;
	bool busy; /* from submit() until its completion has run */
	struct completion completion;
};

struct disk_ops {
	/* Range and medium are checked. disk_complete() follows, perhaps before this returns. */
	void (*submit)(void *ctx, struct disk_transfer *t);
	/* Nobody waits for it any more: it may end early, with disk_complete(). NULL: it never
	 * does. */
	void (*cancel)(void *ctx, struct disk_transfer *t);
	/* Of a medium in memory, else NULL: as disk_readable() and disk_writable(). */
	const u8 *(*readable)(void *ctx, u64 sector, u32 *sectors);
	u8 *(*writable)(void *ctx, u64 sector, u32 *sectors);
};

struct disk_backend {
	const struct disk_ops *ops;
	void *ctx;
	u64 sectors; /* of the medium; 0: there is none */
	bool read_only;
	u32 medium; /* counts changes */
	struct disk_port *port;
	struct disk_transfer *transfer;
	unsigned depth;
	u8 *buffers;
};

/* depth transfers at a time. Returns 0 or E_NOMEM. No medium is in it yet. */
int disk_backend_init(struct disk_backend *b, const struct disk_ops *ops, void *ctx,
		      unsigned depth);
/* E_BUSY while a port has it or a transfer is under way. */
int disk_backend_destroy(struct disk_backend *b);
/* Puts in a medium, or takes it out with 0 sectors. */
void disk_set_medium(struct disk_backend *b, u64 sectors, bool read_only);
/* Once for each submit(), from any context of the processor that runs the VM. */
void disk_complete(struct disk_transfer *t, enum disk_result result);
