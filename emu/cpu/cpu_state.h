/* SPDX-License-Identifier: MIT */
/*
 * The architectural state of a virtual CPU as a field list, between two instructions.
 */
#pragma once

struct cpu;
struct snap;

/*
 * Saves the state, or loads it, in a section of its own. The FPU is in cpu->fpu, with its own
 * pointers. A loaded state is one that instructions of this processor could have left, as far as
 * the engines rely on it; the stream's failure says what is wrong with any other, and what cpu then
 * holds must not be run. The TSC, A20 and the level of the interrupt line are the machine's, not
 * here.
 *
 * After a load the caller calls cpu_state_loaded(), which tells the environment that everything may
 * have changed; translations and mappings are the caller's to drop.
 */
void cpu_state(struct cpu *cpu, struct snap *s);
/* Of that the segments, TR and LDTR with their hidden parts, GDTR and IDTR. */
void cpu_segments_state(struct cpu *cpu, struct snap *s);
void cpu_state_loaded(struct cpu *cpu);
