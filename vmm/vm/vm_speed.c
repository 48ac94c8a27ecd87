/* SPDX-License-Identifier: MIT */
/*
 * All times are the monitor's clock, in ns. The share is num / den; num = 0: all of the processor.
 */
#include "vmm/vm/vm_speed.h"

#include "kernel/time/clock.h"

#define PERIOD_NS   1000000u
#define TURN_MIN_NS 50000u /* less would go into the turns themselves */
#define CATCH_UP_NS 10000000u

void vm_speed_init(struct vm *vm)
{
	const struct config_speed *c = &vm->config.speed;
	u64 mhz = clock_tsc_hz() / 1000000;

	vm->speed = (struct vm_speed){ 0 };
	if (c->mhz && c->mhz < mhz)
		vm->speed = (struct vm_speed){ .num = c->mhz, .den = (u32)mhz };
	else if (c->percent && c->percent < 100)
		vm->speed = (struct vm_speed){ .num = c->percent, .den = 100 };
}

u64 vm_speed_turn_end(const struct vm *vm, u64 now, u64 end)
{
	u64 turn = vm->speed.num ? (u64)PERIOD_NS * vm->speed.num / vm->speed.den : UINT64_MAX;

	return end - now > turn ? now + MAX(turn, (u64)TURN_MIN_NS) : end;
}

void vm_speed_pay(struct vm *vm, u64 began, u64 now)
{
	struct vm_speed *s = &vm->speed;

	if (!s->num)
		return;
	s->rests_until = MAX(s->rests_until, now - MIN(now, (u64)CATCH_UP_NS)) +
			 (now - began) * s->den / s->num;
}

u64 vm_speed_wakes_at(const struct vm *vm, u64 wanted)
{
	return MAX(wanted, vm->speed.rests_until);
}
