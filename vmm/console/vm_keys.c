/* SPDX-License-Identifier: MIT */
/*
 * A ring of presses and releases, each with what has to pass before it.
 */
#include "vmm/console/vm_keys.h"

#include "kernel/hw/pc_keys.h"
#include "kernel/lib/us_layout.h"
#include "vmm/console/vm_console.h"

#define MS	    1000000ull
#define PACE_NS	    (20 * MS)	 /* between two strokes: a fast typist's */
#define CHORD_MS    10u		 /* between two keys of one */
#define WORK_NS	    (5 * MS)	 /* of its processor's time, unless it waits for an interrupt */
#define PATIENCE_NS (60000 * MS) /* without a key taken */

static unsigned room(const struct vm_keys *k)
{
	return VM_KEYS - k->used;
}

static void put(struct vm *vm, u8 key, bool pressed, bool paced, unsigned wait_ms)
{
	struct vm_keys *k = &vm->keys;

	if (!k->used)
		k->tried_since = vm_now(vm);
	k->ring[(k->head + k->used++) % VM_KEYS] = (struct vm_key){
		.key = key, .pressed = pressed, .paced = paced, .wait_ms = (u16)wait_ms
	};
}

bool vm_keys_stroke(struct vm *vm, const u8 *keys, unsigned n, unsigned hold_ms)
{
	if (room(&vm->keys) < 2 * n)
		return false;
	for (unsigned i = 0; i < n; i++)
		put(vm, keys[i], true, !i, i ? CHORD_MS : 0);
	for (unsigned i = n; i-- > 0;)
		put(vm, keys[i], false, false, i == n - 1 ? hold_ms : CHORD_MS);
	return true;
}

bool vm_keys_char(struct vm *vm, char c)
{
	bool shift = false;
	u8 keys[] = { KEY_SHIFT, us_key_of_char(c, &shift) };

	if (!keys[1])
		return true;
	return vm_keys_stroke(vm, keys + !shift, 1u + shift, 0);
}

bool vm_keys_event(struct vm *vm, u8 key, bool pressed)
{
	if (!room(&vm->keys))
		return false;
	put(vm, key, pressed, false, 0);
	return true;
}

/* May the guest get the next stroke? It has read the last one, and had time to work on it. */
static bool is_ready(const struct vm *vm)
{
	return board_keys_read(vm->board) &&
	       (vm->vcpu->cpu.halted || vm->task.used - vm->keys.used_ns >= WORK_NS);
}

static void give_up(struct vm *vm)
{
	vm_report(vm, "does not read its keyboard: %u presses and releases were thrown away",
		  vm->keys.used);
	vm->keys.used = 0;
}

u64 vm_keys_feed(struct vm *vm)
{
	struct vm_keys *k = &vm->keys;
	u64 now;

	if (!k->used)
		return UINT64_MAX;
	now = vm_now(vm);
	while (k->used) {
		const struct vm_key *e = &k->ring[k->head];
		u64 due = k->given_at + (e->paced ? PACE_NS : e->wait_ms * MS);

		if (now < due)
			return due + vm->time_offset;
		if ((e->paced && !is_ready(vm)) || !board_key(vm->board, e->key, e->pressed)) {
			if (now < k->tried_since + PATIENCE_NS)
				return k->tried_since + PATIENCE_NS + vm->time_offset;
			give_up(vm);
			return UINT64_MAX;
		}
		k->head = (k->head + 1) % VM_KEYS;
		k->used--;
		k->given_at = k->tried_since = now;
		k->used_ns = vm->task.used;
	}
	return UINT64_MAX;
}
