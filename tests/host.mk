# SPDX-License-Identifier: MIT
# Host builds: the pure part of the tree (emu/, the pure files of vmm/, kernel/base/) as a library, and the unit tests on it.
# Every tests/unit/test_*.c is one cmocka program.

HOST_CC := gcc
# Hidden symbols: libunicorn has a cpu_reset() of its own.
HOST_CFLAGS := -std=gnu11 -fvisibility=hidden -I. -O1 -g $(WARN) -fno-strict-aliasing -isystem $(BUILD)/zydis/include -fno-omit-frame-pointer
SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
PURE_VMM := $(wildcard vmm/config*.c vmm/linux_*.c vmm/file_kind.c vmm/analyse*.c vmm/raw_page.c vmm/shadow*.c)
PURE_BASE := kernel/buddy.c kernel/lineedit.c drivers/acpi_tables.c drivers/terminal.c drivers/uart_driver.c boot/memmap.c
HOST_SRC := $(wildcard emu/*/*.c tests/host/*.c) $(PURE_VMM) kernel/base/print.c kernel/base/string_num.c $(PURE_BASE)
HOST_ASM := $(wildcard emu/*/*.asm)
HOST_OBJ := $(HOST_SRC:%.c=$(BUILD)/host/%.o) $(HOST_ASM:%.asm=$(BUILD)/host/%.asm.o)
HOST_ZYDIS := $(ZYDIS_NAMES:%=$(BUILD)/host/zydis/%.o)
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))

$(BUILD)/host/zydis/%.o: $(BUILD)/zydis/.fetched
	@mkdir -p $(@D)
	$(HOST_CC) -O2 -g -w -I$(BUILD)/zydis/include -I$(BUILD)/zydis/src $(ZYDIS_DEF) -c $(BUILD)/zydis/src/$*.c -o $@

$(BUILD)/host/%.o: %.c | $(BUILD)/zydis/.fetched
	@mkdir -p $(@D)
	$(HOST_CC) $(HOST_CFLAGS) $(SAN) $(ZYDIS_DEF) -MMD -MP -c $< -o $@

$(BUILD)/host/%.asm.o: %.asm
	@mkdir -p $(@D)
	nasm -f elf64 -i. -MD $(@:.o=.d) -o $@ $<

$(BUILD)/host/libpure.a: $(HOST_OBJ) $(HOST_ZYDIS)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/host/libpure.a
	@mkdir -p $(@D)
	$(HOST_CC) $(HOST_CFLAGS) $(SAN) $(ZYDIS_DEF) -MMD -MP -MF $@.d $< $(BUILD)/host/libpure.a -lcmocka -o $@

## unit     unit tests on the host, with ASan and UBSan
.PHONY: unit
unit: $(UNIT)
	@failed=0; for t in $(UNIT); do echo "== $$t"; $$t || failed=1; done; exit $$failed

-include $(HOST_OBJ:.o=.d) $(UNIT:%=%.d)
