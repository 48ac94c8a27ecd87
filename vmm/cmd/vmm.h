/* SPDX-License-Identifier: MIT */
/*
 * The VM layer's entry: reads the configuration module, creates the VMs, and runs them until the
 * machine is turned off.
 */
#pragma once

void vmm_main(void) __attribute__((noreturn));
