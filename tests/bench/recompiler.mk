# SPDX-License-Identifier: MIT
# The recompiler as a host process, against the processor that we run on, qemu-i386 and Unicorn: the
# same 32-bit images, compiled without a C library, as a static ELF for qemu-i386 and as flat bytes
# for the others. Uses diff.mk's fast build of the library.

RBENCH := $(BUILD)/bench
RBENCH_DIR := tests/bench/recompiler
RBENCH_C := sieve fib quicksort interpreter x87 sse wide strings bytes manycode
RBENCH_PAIRS := none callret clisti pushfpopf
RBENCH_ELF := $(RBENCH_C:%=$(RBENCH)/%.elf) $(RBENCH_PAIRS:%=$(RBENCH)/%.elf) $(RBENCH)/sieve32.elf
RBENCH_BIN := $(RBENCH_ELF:.elf=.bin) $(RBENCH)/sieve16.bin
RBENCH_CFLAGS := -m32 -march=i686 -O2 -ffreestanding -fno-pic -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fomit-frame-pointer -fno-tree-loop-distribute-patterns \
	-fcf-protection=none $(WARN)
RBENCH_CFLAGS_x87 := -mfpmath=387
RBENCH_CFLAGS_sse := -msse2 -mfpmath=sse
RBENCH_LINK = $(HOST_CC) -m32 -nostdlib -static -no-pie \
	-Wl,--no-warn-rwx-segments,--build-id=none,-T,$(RBENCH_DIR)/guest/flat.ld -o $@

$(RBENCH)/%.o: $(RBENCH_DIR)/guest/%.c $(RBENCH_DIR)/guest/guest.h
	@mkdir -p $(@D)
	$(HOST_CC) $(RBENCH_CFLAGS) $(RBENCH_CFLAGS_$*) -c $< -o $@
$(RBENCH)/start.o: $(RBENCH_DIR)/guest/start.asm
	@mkdir -p $(@D)
	nasm -f elf32 -o $@ $<
$(RBENCH)/sieve32.o: $(RBENCH_DIR)/guest/sieve16.asm
	@mkdir -p $(@D)
	nasm -f elf32 -DWIDE -o $@ $<
$(RBENCH_PAIRS:%=$(RBENCH)/%.o): $(RBENCH)/%.o: $(RBENCH_DIR)/guest/pairs.asm
	@mkdir -p $(@D)
	nasm -f elf32 -DPAIR=$(shell echo $* | tr a-z A-Z) -o $@ $<
$(RBENCH)/%.elf: $(RBENCH)/start.o $(RBENCH)/%.o $(RBENCH_DIR)/guest/flat.ld
	$(RBENCH_LINK) $(RBENCH)/start.o $(RBENCH)/$*.o
$(RBENCH)/%.bin: $(RBENCH)/%.elf
	objcopy -O binary $< $@
$(RBENCH)/sieve16.bin: $(RBENCH_DIR)/guest/sieve16.asm
	@mkdir -p $(@D)
	nasm -f bin -o $@ $<

RBENCH_SRC := $(wildcard $(RBENCH_DIR)/*.c)

$(RBENCH)/bench_recompiler: $(RBENCH_SRC:%.c=$(BUILD)/diff/%.o) $(DIFF_FAST)
	@mkdir -p $(@D)
	$(HOST_CC) -pie -Wl,--version-script=tests/diff/private.map $^ -lunicorn -lm -o $@

## bench-recompiler  native, ours, qemu-i386 and Unicorn on programs (RUNS=5, PROGRAM=name)
.PHONY: bench-recompiler
bench-recompiler: deps
	@which qemu-i386 > /dev/null && [ -e /usr/include/unicorn/unicorn.h ] || \
		apt-get -qq install -y --no-install-recommends qemu-user libunicorn-dev > /dev/null
	@$(MAKE) --no-print-directory -s -j2 $(RBENCH_ELF) $(RBENCH_BIN) $(RBENCH)/bench_recompiler
	@$(RBENCH)/bench_recompiler $(RBENCH) $(or $(RUNS),5) $(PROGRAM)

-include $(RBENCH_SRC:%.c=$(BUILD)/diff/%.d)
