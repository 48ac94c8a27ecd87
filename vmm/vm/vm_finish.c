/* SPDX-License-Identifier: MIT */
/*
 * Looks for a VM that is not stopped; without one, does what `exit` says.
 */
#include "vmm/vm/vm_finish.h"

#include "kernel/base/log.h"
#include "kernel/debug/power.h"
#include "vmm/state/vm.h"

static enum config_exit exit_how = EXIT_STAY;
static bool had_vms;

void vm_set_exit(enum config_exit how)
{
	exit_how = how;
}

void vm_check_finished(void)
{
	struct list *p;

	if (exit_how == EXIT_STAY)
		return;
	list_for_each (p, &vm_list) {
		had_vms = true;
		if (list_entry(p, struct vm, link)->state != VM_STOPPED)
			return;
	}
	if (!had_vms)
		return;
	switch (exit_how) {
	case EXIT_POWEROFF:
		log_info("the last VM has stopped: powering off");
		power_off();
	case EXIT_REBOOT:
		log_info("the last VM has stopped: rebooting");
		power_reboot();
	case EXIT_HALT:
		log_info("the last VM has stopped: halted");
		power_halt();
	case EXIT_STAY:
		return;
	}
}
