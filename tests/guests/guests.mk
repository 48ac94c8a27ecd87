# SPDX-License-Identifier: MIT
# Test guests: small kernels, one per tests/guests/*.c, each linked with tests/guests/lib to
# a bzImage under build/guests.

TEST_GUEST_CFLAGS := -m32 -march=i586 -std=gnu11 -Os -Wall -Wextra -Wshadow -Werror -ffreestanding \
	-fno-pic -mgeneral-regs-only -fno-stack-protector -fno-asynchronous-unwind-tables \
	-fcf-protection=none -fno-strict-aliasing -mno-red-zone \
	-Wno-pointer-to-int-cast -Wno-int-to-pointer-cast -Itests/guests -MMD -MP
TEST_GUEST_LINK := ld -m elf_i386 -z noexecstack --no-warn-rwx-segments \
	-T tests/guests/lib/testguest.ld
TEST_GUEST_LIB := $(wildcard tests/guests/lib/*.c tests/guests/lib/*.asm)
TEST_GUEST_LIB := $(TEST_GUEST_LIB:tests/guests/lib/%=$(BUILD)/test-guests/%.o)
TEST_GUESTS := $(patsubst tests/guests/%.c,$(GUESTS)/%,$(wildcard tests/guests/*.c))
CHAOS_OBJ := $(wildcard tests/guests/chaos/*.c tests/guests/chaos/*.asm)
CHAOS_OBJ := $(CHAOS_OBJ:tests/guests/%=$(BUILD)/test-guests/%.o)

$(BUILD)/test-guests/%.c.o: tests/guests/%.c tests/guests/guests.mk
	@mkdir -p $(@D)
	$(CC) $(TEST_GUEST_CFLAGS) -c $< -o $@

$(BUILD)/test-guests/%.c.o: tests/guests/lib/%.c tests/guests/guests.mk
	@mkdir -p $(@D)
	$(CC) $(TEST_GUEST_CFLAGS) -c $< -o $@

$(BUILD)/test-guests/%.asm.o: tests/guests/lib/%.asm
	@mkdir -p $(@D)
	nasm -f elf32 -MD $(@:.o=.d) -o $@ $<

$(BUILD)/test-guests/chaos/%.asm.o: tests/guests/chaos/%.asm
	@mkdir -p $(@D)
	nasm -f elf32 -MD $(@:.o=.d) -o $@ $<

$(TEST_GUESTS): $(GUESTS)/%: $(BUILD)/test-guests/%.c.o $(TEST_GUEST_LIB) \
		tests/guests/lib/testguest.ld
	@mkdir -p $(@D)
	$(TEST_GUEST_LINK) -o $(BUILD)/test-guests/$*.elf $(filter %.o,$^)
	objcopy -O binary $(BUILD)/test-guests/$*.elf $@

# Guests with a driver of virtio devices.
$(GUESTS)/disk_rate $(GUESTS)/virtio: $(BUILD)/test-guests/virtio/driver.c.o

# The fuzzing kernel has several files.
$(GUESTS)/chaos: $(CHAOS_OBJ) $(TEST_GUEST_LIB) tests/guests/lib/testguest.ld
	@mkdir -p $(@D)
	$(TEST_GUEST_LINK) -o $(BUILD)/test-guests/chaos.elf $(filter %.o,$^)
	objcopy -O binary $(BUILD)/test-guests/chaos.elf $@

# The protected-mode zoo: kernels of one C file and the .asm file of its name,
# each on a floppy that loads it.
ZOO := $(patsubst tests/guests/zoo/%.c,%,$(wildcard tests/guests/zoo/*.c))
ZOO_LIB := $(wildcard tests/guests/zoo/lib/*.c tests/guests/zoo/lib/*.asm)
ZOO_LIB := $(ZOO_LIB:tests/guests/%=$(BUILD)/test-guests/%.o)

$(BUILD)/test-guests/zoo/%.asm.o: tests/guests/zoo/%.asm
	@mkdir -p $(@D)
	nasm -f elf32 -MD $(@:.o=.d) -o $@ $<

$(GUESTS)/zoo-%.img: $(BUILD)/test-guests/zoo/%.c.o $(BUILD)/test-guests/zoo/%_code.asm.o \
		$(ZOO_LIB) $(TEST_GUEST_LIB) tests/guests/zoo/floppy.asm \
		tests/guests/boot/floppy.inc tests/guests/lib/testguest.ld
	$(TEST_GUEST_LINK) -o $(BUILD)/test-guests/zoo/$*.elf $(filter %.o,$^)
	objcopy -O binary $(BUILD)/test-guests/zoo/$*.elf $(BUILD)/test-guests/zoo/$*
	nasm -f bin -DKERNEL='"$(BUILD)/test-guests/zoo/$*"' \
		-DKERNEL_SECTORS=$$(($$(stat -c %s $(BUILD)/test-guests/zoo/$*) / 512 + 1)) \
		-o $@ tests/guests/zoo/floppy.asm

## check-zoo  the protected-mode zoo on all engines, with and without an APIC
.PHONY: check-zoo
check-zoo: deps
	@$(MAKE) --no-print-directory -s -j2 $(BUILD)/ringleader.elf test-guests
	@ZOO=full $(PYTHON) -m pytest -q tests/boot/test_zoo.py -k test_protected

# Firmware and boot sectors: flat binaries.
BOOT_GUESTS := $(patsubst tests/guests/boot/%.asm,$(GUESTS)/%,$(wildcard tests/guests/boot/*.asm))

$(BOOT_GUESTS): $(GUESTS)/%: tests/guests/boot/%.asm
	@mkdir -p $(@D) $(BUILD)/test-guests
	nasm -f bin -MD $(BUILD)/test-guests/$*.d -MT $@ -o $@ $<

# A boot sector and a kernel that docs/gdb.md goes through, with debug information, as a floppy.
STUDENT := $(BUILD)/test-guests/student
STUDENT_SECTORS := 4

$(STUDENT)/boot.asm.o: tests/guests/student/boot.asm
	@mkdir -p $(@D)
	nasm -f elf32 -g -F dwarf -DSECTORS=$(STUDENT_SECTORS) -o $@ $<

$(STUDENT)/kernel.c.o: tests/guests/student/kernel.c tests/guests/guests.mk
	@mkdir -p $(@D)
	$(CC) $(TEST_GUEST_CFLAGS) -Og -g -fno-omit-frame-pointer -c $< -o $@

$(GUESTS)/student: $(STUDENT)/boot.asm.o $(STUDENT)/kernel.c.o
	ld -m elf_i386 -z noexecstack --no-warn-rwx-segments \
		-e boot --section-start=.boot=0x7c00 -Ttext=0x7e00 \
		-o $(BUILD)/test-guests/student.elf $^
	objcopy -O binary $(BUILD)/test-guests/student.elf $@
	truncate -s 1440K $@

## test-guests  builds the test guests of tests/guests
.PHONY: test-guests
test-guests: $(TEST_GUESTS) $(GUESTS)/chaos $(BOOT_GUESTS) $(GUESTS)/student
test-guests: $(ZOO:%=$(GUESTS)/zoo-%.img)
.PRECIOUS: $(BUILD)/test-guests/%.o $(BUILD)/test-guests/zoo/%.o

-include $(wildcard $(BUILD)/test-guests/*.d $(BUILD)/test-guests/chaos/*.d)
-include $(wildcard $(BUILD)/test-guests/virtio/*.d)
-include $(wildcard $(BUILD)/test-guests/zoo/*.d $(BUILD)/test-guests/zoo/lib/*.d)
