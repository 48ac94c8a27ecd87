# SPDX-License-Identifier: MIT
# Differential tests of emu/cpu: against the processor that we run on, against Unicorn, and against
# recorded vectors. build/diff/ holds the pure library without sanitizers (fast), build/diff/diff
# and, with sanitizers, build/diff/diff-asan. Which pairs run: tests/diff/matrix.py.

DIFF_MAIN := tests/diff/diff.c tests/diff/faults.c tests/diff/fault_forms.c
DIRECTED_SRC := $(wildcard tests/diff/directed*.c)
DIFF_SRC := $(filter-out $(DIFF_MAIN) $(DIRECTED_SRC),$(wildcard tests/diff/*.c))
DIFF := $(DIFF_MAIN:tests/diff/%.c=$(BUILD)/diff/%)
DIFF += $(BUILD)/diff/diff-asan $(BUILD)/diff/fault_forms-asan
DIFF_FAST := $(filter $(CPU_LIB:%=$(BUILD)/host/%),$(HOST_OBJ))
DIFF_FAST := $(DIFF_FAST:$(BUILD)/host/%=$(BUILD)/diff/%) $(HOST_ZYDIS)
DIFF_CFLAGS := $(filter-out -O1,$(HOST_CFLAGS)) -O2 $(ZYDIS_DEF)

$(BUILD)/diff/%.o: %.c | $(BUILD)/zydis/.fetched
	@mkdir -p $(@D)
	$(HOST_CC) $(DIFF_CFLAGS) -MMD -MP -c $< -o $@

$(DIFF_MAIN:tests/diff/%.c=$(BUILD)/diff/%): $(BUILD)/diff/%: $(BUILD)/diff/tests/diff/%.o \
		$(DIFF_SRC:%.c=$(BUILD)/diff/%.o) $(DIFF_FAST)
	$(HOST_CC) -pie -Wl,--version-script=tests/diff/private.map $^ -lunicorn -o $@

$(BUILD)/diff/%-asan: $(BUILD)/host/tests/diff/%.o \
		$(DIFF_SRC:%.c=$(BUILD)/host/%.o) $(BUILD)/host/libpure.a
	$(HOST_CC) $(SAN) -pie -Wl,--version-script=tests/diff/private.map $^ -lunicorn -o $@

# Directed transfers. Exceptions end there where they are raised:
# cpu_deliver_fault() is directed_ours.c's.
DIRECTED_LIB := outcome.c ours_tables.c case.c unicorn_state.c
DIRECTED_LIB := $(DIRECTED_SRC) $(DIRECTED_LIB:%=tests/diff/%)
DIRECTED_LINK := -pie -Wl,--version-script=tests/diff/private.map -Wl,--wrap=cpu_deliver_fault
DIFF += $(BUILD)/diff/directed $(BUILD)/diff/directed-asan

$(BUILD)/diff/directed: $(DIRECTED_LIB:%.c=$(BUILD)/diff/%.o) $(DIFF_FAST)
	$(HOST_CC) $(DIRECTED_LINK) $^ -lunicorn -o $@

$(BUILD)/diff/directed-asan: $(DIRECTED_LIB:%.c=$(BUILD)/host/%.o) $(BUILD)/host/libpure.a
	$(HOST_CC) $(SAN) $(DIRECTED_LINK) $^ -lunicorn -o $@

# The unit tests on a guest once more with memory base 0, as in the monitor: no sanitizers, and root
# for page 0. Those with a board run no guest's code.
UNIT_BASE_0 := $(shell grep -lE '(guest|debug)_fixture.h' tests/unit/test_*.c)
UNIT_BASE_0 := $(shell grep -LE 'emu/board/' $(UNIT_BASE_0))
UNIT_BASE_0 := $(UNIT_BASE_0:tests/unit/%.c=$(BUILD)/base0/%)
DIFF += $(UNIT_BASE_0)
BASE_0_LIB := $(wildcard emu/dbg/*.c emu/gdb/*.c emu/listing/*.c)
BASE_0_LIB := $(DIFF_FAST) $(BASE_0_LIB:%.c=$(BUILD)/diff/%.o)

$(BUILD)/base0/%: tests/unit/%.c $(BASE_0_LIB)
	@mkdir -p $(@D)
	$(HOST_CC) $(DIFF_CFLAGS) -DGUEST_MACHINE=MACHINE_BASE_0 -MMD -MP -MF $@.d $< \
		$(BASE_0_LIB) -pie -lcmocka -o $@

-include $(UNIT_BASE_0:%=%.d)

## diff     random sequences on our processor and others: make diff N=cases-per-mode SEED=n
.PHONY: diff
diff: deps
	@$(MAKE) --no-print-directory -s -j2 $(DIFF)
	@$(PYTHON) tests/diff/matrix.py $(or $(N),40000) $(or $(SEED),1)

DIFF_ALL := $(DIFF_MAIN) $(DIRECTED_SRC) $(DIFF_SRC)
-include $(DIFF_ALL:%.c=$(BUILD)/host/%.d)
-include $(DIFF_ALL:%.c=$(BUILD)/diff/%.d) $(DIFF_FAST:.o=.d)
