/* SPDX-License-Identifier: MIT */
/*
 * A VM's drives and what is in them. Media are boot modules, copied on write: what the guest writes
 * is kept in blocks of the machine's memory until the VM is destroyed, and ends with the power.
 *
 * These blocks are promised to the VM when it is created (disk_writes of the configuration): no
 * other VM can use them up, and this one cannot use up others'. When they are used up writes fail.
 */
#pragma once

#include "emu/dev/disk_cow.h"
#include "emu/dev/drives.h"
#include "vmm/load/config_drive.h"

struct vm;

/* A module that was in one of the drives. It stays with its changes, if there
 * are any, when it is taken out. */
struct vm_medium {
	struct list link;
	struct cow_medium cow;
	const struct module *module;
	enum drive_kind kind;
	int drive; /* enum config_drive_name; -1: it is in none */
};

struct vm_media {
	struct vm *vm;
	struct list media; /* struct vm_medium */
	struct cow_blocks blocks;
	struct cow_drive drive[CONFIG_DRIVES];
	struct drive place[DRIVE_PLACES];
	u64 quota, used; /* blocks, which are pages */
	bool told;	 /* that they are used up */
};

/* Puts in what the configuration says. Returns 0, or an error that has been reported. */
int vm_media_create(struct vm *vm);
/* After the board. */
void vm_media_destroy(struct vm *vm);
/* By hand, at the prompt: the drive of that name gets the boot module of that name, or is emptied.
 * Returns 0, or an error that has been printed. */
int vm_media_insert(struct vm *vm, const char *drive, const char *file);
int vm_media_eject(struct vm *vm, const char *drive);
/* What is in the drive of that name. NULL, which has been printed: nothing, or there is no such
 * drive. */
struct vm_medium *vm_media_in(const struct vm *vm, const char *drive);
/* Of a saved machine (vmm/vm/vm_media_state.h): the VM's medium of that module, one that is new in
 * it (NULL: no memory), and which module is in a drive. NULL: none. */
struct vm_medium *vm_media_of(struct vm_media *m, const struct module *module);
struct vm_medium *vm_media_add(struct vm_media *m, const struct module *module,
			       enum drive_kind kind, bool read_only);
const struct module *vm_media_module(const struct vm *vm, int drive);
/* Takes out what is in the drive, and puts in v unless it is NULL. */
void vm_media_exchange(struct vm *vm, int drive, struct vm_medium *v);
/* Those that are in no drive, and of which nothing was written. */
void vm_media_forget(struct vm *vm);
/* Tells whether the module is the same one (cow_image_sample()). */
u32 vm_media_sample(const struct module *module);
/* DRIVE_PLACES of them, for the board. */
const struct drive *vm_media_places(const struct vm *vm);
