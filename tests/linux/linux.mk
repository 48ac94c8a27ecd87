# SPDX-License-Identifier: MIT
# Other people's tests: Linux's selftests for x86 and QEMU's for i386, fetched, built and run
# in the Debian guest. LINUX_TESTS passes options on:
# make check-linux-tests LINUX_TESTS='--engines auto ldt_gdt mov_ss_trap'.

LINUX_TESTS_DIR := $(BUILD)/linux-tests

$(LINUX_TESTS_DIR)/.fetched: tests/linux/fetch iso/fetch-source
	tests/linux/fetch $(LINUX_TESTS_DIR)/source
	@touch $@

$(LINUX_TESTS_DIR)/.built: tests/linux/build $(LINUX_TESTS_DIR)/.fetched
	tests/linux/build $(LINUX_TESTS_DIR)/source $(LINUX_TESTS_DIR)/root/linux-tests
	@touch $@

# Linux unpacks archives that follow each other.
$(GUESTS)/linux-tests.gz: $(GUESTS)/initrd.gz $(LINUX_TESTS_DIR)/.built
	(cat $(GUESTS)/initrd.gz && iso/pack-initramfs $(LINUX_TESTS_DIR)/root) > $@

## check-linux-tests  Linux's selftests and QEMU's test programs, beside bare QEMU
.PHONY: check-linux-tests
check-linux-tests: deps
	@iso/deps gcc-multilib libc6-dev-i386
	@$(MAKE) --no-print-directory -s $(BUILD)/ringleader.elf guests $(GUESTS)/linux-tests.gz
	@$(PYTHON) tests/linux/run.py $(LINUX_TESTS)

# What debuggers, Wine and tracers do, in instructions executed under -icount:
# at most five times bare's.
LINUX_BARS := mov_ss_trap breakpoint_test single_step_syscall syscall_nt ldt_gdt \
	$(addprefix trace_,function_begin function_end function_graph_begin function_graph_end)

## bench-debug        debugging facilities, ours over bare QEMU in instructions; fails over 5
.PHONY: bench-debug
bench-debug: deps
	@iso/deps gcc-multilib libc6-dev-i386
	@$(MAKE) --no-print-directory -s $(BUILD)/ringleader.elf guests $(GUESTS)/linux-tests.gz
	@$(PYTHON) tests/linux/run.py --icount --bar 5 --engines auto $(LINUX_BARS)
