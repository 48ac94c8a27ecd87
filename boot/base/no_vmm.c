/* SPDX-License-Identifier: MIT */
/*
 * In place of the VM layer in the image without it (make base): the prompt and nothing else.
 */
#include "arch/cpu/processor.h"
#include "kernel/base/log.h"
#include "kernel/console/console.h"
#include "kernel/console/shell.h"
#include "vmm/cmd/vmm.h"

void vmm_main(void)
{
	log_info("no VM layer in this image");
	shell_enter();
	for (;;) {
		int c = console_read();

		if (c >= 0)
			shell_input((u8)c);
		else
			irq_wait();
	}
}
