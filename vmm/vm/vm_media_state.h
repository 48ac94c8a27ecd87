/* SPDX-License-Identifier: MIT */
/*
 * A VM's media in a saved machine: which are in its drives, and what was written to them.
 *
 *      section "drives"   each drive: there u8, kind u8, place u8
 *                         how many media u32; each: name u8[length u8], kind u8, read-only u8,
 *                         drive u8 (FFh: none), size of the image u64, its sample u32, pages u64
 *      ... the devices, and RAM ...
 *      of each medium that was written to, in that order, the sections of emu/dev/cow_state.h
 *
 * "drives" comes before the devices: a controller is loaded beside the media that it knows. What
 * is written in them comes last. So all that can be refused is, before anything of it changes.
 */
#pragma once

#include "emu/dev/cow_state.h"
#include "emu/dev/drives.h"

struct module;
struct vm;

#define VM_MEDIA_MAX 64u

/* The media of a VM, or those that a stream tells of. */
struct vm_media_list {
	u32 count;
	struct vm_media_entry {
		const struct module *module;
		enum drive_kind kind;
		bool read_only;
		int drive; /* enum config_drive_name; -1: it is in none */
		u64 pages; /* what was written, and what finds it */
	} medium[VM_MEDIA_MAX];
};

/* How far the work is. All zero at first. */
struct vm_media_cursor {
	u32 at;
	bool begun; /* with that medium */
	u32 group;
	struct cow_cursor blocks;
};

/* Saving: writes "drives" and fills in the list. Loading: reads it, and fails if it cannot be what
 * is in this VM's drives; the VM is not changed. */
void vm_media_state(struct vm *vm, struct vm_media_list *l, struct snap *s);
/* Puts these into the drives. False: there is no memory for that. */
bool vm_media_adopt(struct vm *vm, const struct vm_media_list *l);

/* Pieces of budget blocks each, give or take a section. False: that was all, or the stream has
 * failed. */
bool vm_media_save(struct vm *vm, const struct vm_media_list *l, struct snap *s,
		   struct vm_media_cursor *c, u32 budget);
/* Can it be loaded from this stream? */
bool vm_media_check(const struct vm_media_list *l, struct snap *s, struct vm_media_cursor *c,
		    u32 budget);
/* Gives back what was written to any medium, those of the list or not. */
bool vm_media_clear(struct vm *vm, struct vm_media_cursor *c);
/* After that: what the stream has. */
bool vm_media_load(struct vm *vm, const struct vm_media_list *l, struct snap *s,
		   struct vm_media_cursor *c, u32 budget);
