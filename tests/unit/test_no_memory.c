/* SPDX-License-Identifier: MIT */
/*
 * Translation without memory ends the machine that asked for it, with a reason, and nothing else: the
 * dispatcher comes out, and with memory it goes on where it was.
 */
#include "tests/unit/guest_fixture.h"

static struct machine plain; /* without proofs, which need memory first */

static void begin(struct machine *machine)
{
	static const u8 code[] = { 0x40, 0xeb, 0x00, 0x40, HLT }; /* inc eax; jmp; inc eax; hlt */

	machine_reset(machine);
	recomp_flush(machine->cpu.recomp);
	memcpy(machine->ram + 0x7c00, code, sizeof(code));
	machine->cpu.seg[SEG_CS] = (struct cpu_segment){ .attr = 0x9b, .limit = 0xffff };
	machine->cpu.eip = 0x7c00;
	machine->killed = NULL;
}

static void fails_and_goes_on(struct machine *machine, const char *why,
			      enum recomp_exit (*run)(struct machine *))
{
	begin(machine);
	hostlib_no_memory = true;
	for (unsigned n = 0; n < 3; n++) {
		machine->killed = NULL;
		assert_int_equal(run(machine), RECOMP_EVENT);
		assert_string_equal(machine->killed, why);
		assert_int_equal(machine->cpu.eip, 0x7c00);
		recomp_unsignal(&machine->cpu, CPU_EVENT_YIELD);
	}
	hostlib_no_memory = false;
	machine->killed = NULL;
	assert_int_equal(machine_run(machine), RECOMP_HALT);
	assert_null(machine->killed);
	assert_int_equal(machine->cpu.gpr[REG_EAX] & 0xffff, 2);
}

static void no_memory_for_the_proof(void **state)
{
	(void)state;
	fails_and_goes_on(&m, "no memory for the proof", machine_run);
	fails_and_goes_on(&m, "no memory for the proof", machine_step);
}

static void no_memory_for_the_page(void **state)
{
	(void)state;
	machine_destroy(&m); /* GS.base is one machine's */
	assert_int_equal(machine_create(&plain, RAM_SIZE, MACHINE_NO_VERIFY), 0);
	fails_and_goes_on(&plain, "no memory for translated code", machine_run);
	fails_and_goes_on(&plain, "no memory for translated code", machine_step);
	machine_destroy(&plain);
	assert_int_equal(machine_create(&m, RAM_SIZE, 0), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_memory_for_the_proof),
		cmocka_unit_test(no_memory_for_the_page),
	};

	return cmocka_run_group_tests(tests, guest_create, guest_destroy);
}
