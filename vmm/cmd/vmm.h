/* SPDX-License-Identifier: MIT */
/*
 * The VM layer's entry: reads the configuration module, and creates the VMs and the other tasks
 * that the scheduler is to run.
 */
#pragma once

void vmm_start(void);
