/* SPDX-License-Identifier: MIT */
/*
 * What translation and its proofs need was taken when the machine was made: a heap that others have
 * emptied stops nobody, whatever is translated, written to and translated again.
 */
#include "tests/host/hostlib.h"
#include "tests/unit/guest_fixture.h"

#define PAGES 8u

static struct machine plain; /* without proofs */

/* In each page INC EAX and a jump to the next; the last halts. */
static void begin(struct machine *machine)
{
	static const u8 code[] = { 0x40, 0xe9, 0xfc, 0x0f }; /* inc ax; jmp +1000h, in all */

	for (u32 p = 0; p < PAGES; p++)
		gpmem_write(&machine->mem, 0x2000 + p * PAGE_SIZE, code, sizeof(code));
	gpmem_write(&machine->mem, 0x2000 + PAGES * PAGE_SIZE, "\xf4", 1);
	machine->cpu.seg[SEG_CS] = (struct cpu_segment){ .attr = 0x9b, .limit = 0xffff };
	machine->cpu.eip = 0x2000;
	machine->cpu.gpr[REG_EAX] = 0;
	machine->cpu.halted = false;
}

static void goes_on(struct machine *machine)
{
	machine_reset(machine);
	recomp_flush(machine->cpu.recomp);
	machine->killed = NULL;
	hostlib_no_memory = true;
	for (u32 n = 0; n < 100; n++) { /* the writes drop the blocks of the round before */
		begin(machine);
		assert_int_equal(machine_run(machine), RECOMP_HALT);
		assert_int_equal(machine->cpu.gpr[REG_EAX] & 0xffff, PAGES);
	}
	hostlib_no_memory = false;
	assert_null(machine->killed);
	assert_true(recomp_stats(machine->cpu.recomp)->smc_blocks > 100);
}

static void with_proofs(void **state)
{
	(void)state;
	goes_on(&m);
}

static void without_proofs(void **state)
{
	(void)state;
	machine_destroy(&m); /* GS.base is one machine's */
	assert_int_equal(machine_create(&plain, RAM_SIZE, MACHINE_NO_VERIFY), 0);
	goes_on(&plain);
	machine_destroy(&plain);
	assert_int_equal(machine_create(&m, RAM_SIZE, 0), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_proofs),
		cmocka_unit_test(without_proofs),
	};

	return cmocka_run_group_tests(tests, guest_create, guest_destroy);
}
