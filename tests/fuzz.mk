# SPDX-License-Identifier: MIT
# Fuzzing of emu/cpu: libFuzzer targets, with clang's sanitizers, in build/fuzz/; and,
# built as everything else, the same targets on the corpus in tests/fuzz/corpus/,
# which is part of `make test`.

FUZZ_TARGETS := translate tables snap drives virtio vga board gdb
FUZZ_CC := clang
FUZZ_SRC := $(filter $(CPU_LIB) emu/%,$(HOST_SRC))
FUZZ_SRC += tests/fuzz/fuzz_common.c
FUZZ_OBJ := $(FUZZ_SRC:%.c=$(BUILD)/fuzz/%.o) $(HOST_ZYDIS)
FUZZ_CFLAGS := $(filter-out -fvisibility=hidden,$(HOST_CFLAGS)) -Wno-unknown-warning-option \
	-Wno-error $(ZYDIS_DEF) \
	-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all
FUZZ_REPLAY := $(FUZZ_TARGETS:%=$(BUILD)/fuzz/replay-%)
SECONDS ?= 60

$(BUILD)/fuzz/%.o: %.c | $(BUILD)/zydis/.fetched
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -MMD -MP -c $< -o $@

$(FUZZ_TARGETS:%=$(BUILD)/fuzz/fuzz-%): $(BUILD)/fuzz/fuzz-%: \
		$(BUILD)/fuzz/tests/fuzz/fuzz_%.o $(FUZZ_OBJ)
	$(FUZZ_CC) -fsanitize=address,undefined,fuzzer $^ -o $@

$(FUZZ_REPLAY): $(BUILD)/fuzz/replay-%: $(BUILD)/host/tests/fuzz/fuzz_%.o \
		$(BUILD)/host/tests/fuzz/fuzz_common.o $(BUILD)/host/tests/fuzz/replay.o \
		$(BUILD)/host/libpure.a
	@mkdir -p $(@D)
	$(HOST_CC) $(SAN) $^ -o $@

## fuzz     libFuzzer on the monitor's parts, SECONDS=n for each; findings in build/fuzz/found
.PHONY: fuzz
fuzz:
	@iso/deps clang libclang-rt-14-dev
	@$(MAKE) --no-print-directory -s -j2 $(FUZZ_TARGETS:%=$(BUILD)/fuzz/fuzz-%)
	@mkdir -p $(BUILD)/fuzz/found
	@for t in $(FUZZ_TARGETS); do \
		$(PYTHON) tests/fuzz/corpus.py unpack tests/fuzz/corpus/$$t.hex \
			$(BUILD)/fuzz/corpus-$$t; \
		$(BUILD)/fuzz/fuzz-$$t -max_total_time=$(SECONDS) -max_len=1024 -len_control=0 \
			-timeout=20 -rss_limit_mb=4096 \
			-handle_segv=0 -handle_bus=0 -handle_ill=0 -handle_fpe=0 \
			-print_final_stats=1 -verbosity=1 \
			-artifact_prefix=$(BUILD)/fuzz/found/$$t- \
			$(BUILD)/fuzz/corpus-$$t || exit 1; \
	done

-include $(FUZZ_OBJ:.o=.d) $(FUZZ_TARGETS:%=$(BUILD)/fuzz/tests/fuzz/fuzz_%.d) \
	$(FUZZ_TARGETS:%=$(BUILD)/host/tests/fuzz/fuzz_%.d) $(BUILD)/host/tests/fuzz/fuzz_common.d
