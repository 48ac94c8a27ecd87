/* SPDX-License-Identifier: MIT */
/*
 * The machine's timer notes that a turn is over; preempt_wanted() reads the note.
 */
#include "vmm/run/preempt.h"

#include "arch/time/timer.h"
#include "vmm/console/vm_console.h"

static volatile bool timer_fired;

static void on_timer(void)
{
	timer_fired = true;
}

void preempt_init(void)
{
	timer_set_handler(on_timer);
}

/*
 * A deadline that moved away stays armed. Its interrupt finds nothing due, and costs less than
 * programming the timer each time that the guest moves its own (10 times in a fork).
 */
void preempt_arm(const struct vcpu *v, u64 slice_end)
{
	timer_fired = false;
	timer_arm_by(MIN(slice_end, vm_deadline(v->vm)));
}

void preempt_arm_idle(u64 deadline)
{
	timer_fired = false;
	timer_arm(deadline);
}

bool preempt_wanted(void)
{
	return timer_fired || vm_console_pending();
}
