# SPDX-License-Identifier: MIT
# Systems that nobody here wrote, each on the media that it starts from, under build/os.
# tests/boot/systems.py says how they are used.

OS := $(BUILD)/os

$(OS)/.fetched: tests/os/fetch iso/apt-i386
	tests/os/fetch $(OS)/parts
	@touch $@

# A task for GNU Mach. It has an FPU, and computes with it.
MACH_TASK := $(wildcard tests/guests/mach/*.c tests/guests/mach/*.asm)
MACH_TASK := $(MACH_TASK:tests/guests/%=$(BUILD)/test-guests/%.o)

$(BUILD)/test-guests/mach/%.c.o: tests/guests/mach/%.c
	@mkdir -p $(@D)
	$(CC) $(filter-out -mgeneral-regs-only,$(TEST_GUEST_CFLAGS)) -mfpmath=387 -c $< -o $@

$(BUILD)/test-guests/mach/%.asm.o: tests/guests/mach/%.asm
	@mkdir -p $(@D)
	nasm -f elf32 -MD $(@:.o=.d) -o $@ $<

$(OS)/parts/mach-task: $(MACH_TASK) $(OS)/.fetched
	ld -m elf_i386 -z noexecstack -e _start -o $@ $(filter %.o,$^)

-include $(wildcard $(BUILD)/test-guests/mach/*.d)

$(OS)/.made: tests/os/media $(OS)/.fetched $(OS)/parts/mach-task $(GUESTS)/initrd.gz
	tests/os/media $(OS)/parts $(GUESTS) $(OS)
	@touch $@

## systems  fetches the systems of tests/os and makes their media
.PHONY: systems
systems: $(OS)/.made

# Debian's installer is large, and only check-os starts it.
$(OS)/installer.iso: tests/os/fetch-installer iso/apt-i386 $(OS)/.fetched
	tests/os/fetch-installer $(OS)/parts $(OS)

## check-os runs the systems on bare QEMU and each engine; build/os/table.md (NAME='one two')
.PHONY: check-os
check-os: deps
	@$(MAKE) --no-print-directory -s -j2 $(BUILD)/ringleader.elf guests systems \
		$(OS)/installer.iso $(OS)/debian-x.img
	@$(PYTHON) tests/os/check.py $(NAME)
