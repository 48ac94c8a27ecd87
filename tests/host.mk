# SPDX-License-Identifier: MIT
# Host builds: the pure folders of the tree as a library, and the unit tests on it. Every
# tests/unit/test_*.c is one cmocka program. A pure folder holds nothing but code that runs in any
# process: no host instruction, no device, no call out of it but to other pure folders.
# `make lint` looks at their objects.

HOST_CC := gcc
# Hidden symbols: libunicorn has a cpu_reset() of its own.
HOST_CFLAGS := -std=gnu11 -fvisibility=hidden -I. -O1 -g $(WARN) -fno-strict-aliasing \
	-isystem $(BUILD)/zydis/include -fno-omit-frame-pointer
SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
PURE := boot/lib kernel/base kernel/lib kernel/task drivers/lib emu/* \
	vmm/load vmm/code vmm/mmu vmm/term vmm/net
# libc has the memory and string functions that kernel/base/string.c gives
# the monitor; tests/host/ logs.
HOST_STANDS_IN := kernel/base/string.c kernel/base/log.c
HOST_SRC := $(filter-out $(HOST_STANDS_IN),$(wildcard $(PURE:%=%/*.c) tests/host/*.c))
# What emulates a processor, with the host machine of the tests.
CPU_LIB := emu/isa/% emu/snap/% emu/cpu/% emu/block/% emu/jit/% emu/trans/% emu/verify/% emu/mem/% \
	tests/host/% kernel/%
HOST_OBJ := $(HOST_SRC:%.c=$(BUILD)/host/%.o)
HOST_ZYDIS := $(ZYDIS_NAMES:%=$(BUILD)/host/zydis/%.o)
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))

$(BUILD)/host/zydis/%.o: $(BUILD)/zydis/.fetched
	@mkdir -p $(@D)
	$(HOST_CC) -O2 -g -w -I$(BUILD)/zydis/include -I$(BUILD)/zydis/src $(ZYDIS_DEF) \
		-c $(BUILD)/zydis/src/$*.c -o $@

$(eval $(call flags_file,$(BUILD)/host/flags,$$(HOST_CC) $$(HOST_CFLAGS) $$(SAN)))

$(BUILD)/host/%.o: %.c $(BUILD)/host/flags | $(BUILD)/zydis/.fetched
	@mkdir -p $(@D)
	$(HOST_CC) $(HOST_CFLAGS) $(SAN) $(ZYDIS_DEF) -MMD -MP -c $< -o $@

$(BUILD)/host/libpure.a: $(HOST_OBJ) $(HOST_ZYDIS)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/host/libpure.a
	@mkdir -p $(@D)
	$(HOST_CC) $(HOST_CFLAGS) $(SAN) $(ZYDIS_DEF) -MMD -MP -MF $@.d $< $(BUILD)/host/libpure.a \
		-lcmocka -o $@

## unit     unit tests on the host, with ASan and UBSan
.PHONY: unit
unit: $(UNIT)
	@failed=0; for t in $(UNIT); do echo "== $$t"; $$t || failed=1; done; exit $$failed

-include $(HOST_OBJ:.o=.d) $(UNIT:%=%.d)
