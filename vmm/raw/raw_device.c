/* SPDX-License-Identifier: MIT */
/*
 * Counts raw code's touches of device memory; the header tells what for.
 */
#include "vmm/raw/raw_device.h"

#include "arch/cpu/processor.h"

void raw_device_touched(struct vcpu *v)
{
	struct raw_device *d = &v->raw_device;
	u64 now = rdtsc();

	if (now - d->since > RAW_DEVICE_WITHIN) {
		d->since = now;
		d->touches = 0;
	}
	if (++d->touches < RAW_DEVICE_TOUCHES)
		return;
	d->touches = 0;
	d->until = now + RAW_DEVICE_REFUSES;
	d->turns++;
}

bool raw_device_time_over(struct vcpu *v)
{
	if (rdtsc() < v->raw_device.until)
		return false;
	v->raw_device.until = 0;
	return true;
}
