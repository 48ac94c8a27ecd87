/* SPDX-License-Identifier: MIT */
/*
 * `idle = detect`: a VM whose program only asks, again and again, whether a key has come gives the
 * rest of its turn away. What counts as a question: INT 16h AH=01h and 11h, INT 28h, INT 2Fh
 * AX=1680h of real and V86 mode, and reads of the keyboard controller's and the serial ports'
 * status. A program that asks IDLE_POLLS times in a row with the same registers, and writes to no
 * port meanwhile, has nothing to do. It dozes until an interrupt, or for IDLE_NS.
 *
 * Memory is not looked at: a program that computes between questions which all look alike is slowed
 * down, too. So this is a setting of the VM's.
 */
#pragma once

#include "vmm/state/vcpu.h"

#define IDLE_POLLS 32u
#define IDLE_NS	   10000000u

/* The guest is about to execute INT vector in real or V86 mode. */
void idle_soft_int(struct vcpu *v, u8 vector);
/* It has read a port. */
void idle_port_read(struct vcpu *v, u16 port);
/* Is there nothing to run? Ends the doze if there is. */
bool idle_dozes(struct vcpu *v);
