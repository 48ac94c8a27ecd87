# SPDX-License-Identifier: MIT
# The monitor's image, build/ringleader.elf: every C and assembly file under boot arch kernel
# drivers emu vmm, and Zydis.

CC := gcc
WARN := -Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes -Wstrict-prototypes -Wundef -Werror
CFLAGS_COMMON := -std=gnu11 -I. -O2 -g $(WARN)
MON_MACHINE := -ffreestanding -fno-pic -fno-pie -mgeneral-regs-only -mno-red-zone -mcmodel=kernel \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fno-omit-frame-pointer \
	-fno-strict-aliasing -mindirect-branch=thunk-extern -fcf-protection=none
MON_CFLAGS = $(CFLAGS_COMMON) $(MON_MACHINE) -flto -DCPU_ENV=vcpu_env \
	-isystem $(BUILD)/zydis/include -DZYAN_NO_LIBC $(ZYDIS_DEF) \
	$(if $(COUNTING),-DCOUNTING=$(COUNTING))
MON_LDFLAGS := -nostdlib -static -z max-page-size=4096 -z noexecstack --build-id=none \
	-T boot/ringleader.ld

MON_C := $(wildcard boot/*.c boot/lib/*.c)
MON_C += $(wildcard arch/*/*.c kernel/*/*.c drivers/*/*.c emu/*/*.c vmm/*/*.c)
MON_S := $(wildcard boot/*.asm arch/*/*.asm kernel/*/*.asm vmm/*/*.asm)
BASE_OBJ := $(MON_C:%.c=$(BUILD)/mon/%.o) $(MON_S:%.asm=$(BUILD)/mon/%.asm.o)

# --- Zydis: decoder and formatter, from Debian's source package ---
ZYDIS_VERSION := 4.0.0-1
ZYDIS_SHA256 := e990107f80c62afc1deb51de230023a1098db801b8ea6bf483e296d45459e234
ZYDIS_DEF := -DZYDIS_STATIC_BUILD -DZYCORE_STATIC_BUILD -DZYDIS_DISABLE_ENCODER
ZYDIS_NAMES := Decoder DecoderData Disassembler Formatter FormatterATT FormatterBase \
	FormatterBuffer FormatterIntel MetaInfo Mnemonic Register SharedData String Utils \
	Zydis Segment
MON_OBJ := $(BASE_OBJ) $(ZYDIS_NAMES:%=$(BUILD)/mon/zydis/%.o)
BASE_OBJ := $(filter-out $(BUILD)/mon/vmm/% $(BUILD)/mon/emu/%,$(BASE_OBJ)) \
	$(BUILD)/mon/boot/base/no_vmm.o

$(BUILD)/zydis/.fetched: iso/fetch-source
	@mkdir -p $(BUILD)
	iso/fetch-source zydis $(ZYDIS_VERSION) $(ZYDIS_SHA256) $(BUILD)/zydis
	@touch $@

$(BUILD)/mon/zydis/%.o: $(BUILD)/zydis/.fetched boot/zydis_libc.h
	@mkdir -p $(@D)
	@echo '  CC   zydis/$*.c'
	@$(CC) -std=gnu11 -O2 -w $(MON_MACHINE) -I$(BUILD)/zydis/include -I$(BUILD)/zydis/src \
		-DZYAN_NO_LIBC $(ZYDIS_DEF) -include boot/zydis_libc.h \
		-c $(BUILD)/zydis/src/$*.c -o $@

# --- Compiling ---
# A file that changes when what it holds does: objects that depend on it are made
# anew when their flags change.
define flags_file
$(1): FORCE
	@mkdir -p $$(@D)
	@echo '$(2)' | cmp -s - $$@ || echo '$(2)' > $$@
endef
.PHONY: FORCE
$(eval $(call flags_file,$(BUILD)/mon/flags,$$(CC) $$(MON_CFLAGS)))

$(BUILD)/mon/%.o: %.c $(BUILD)/mon/flags | $(BUILD)/zydis/.fetched
	@mkdir -p $(@D)
	@echo '  CC   $<'
	@$(CC) $(MON_CFLAGS) -MMD -MP -c $< -o $@

# Offsets in C's structures, for assembly.
$(BUILD)/mon/offsets.inc: arch/offsets.c boot/monitor.mk
	@mkdir -p $(@D)
	@$(CC) $(MON_CFLAGS) -fno-lto -MMD -MP -MT $@ -MF $(@:.inc=.d) -S $< -o $(@:.inc=.s)
	@sed -n 's/^\t#define \([A-Z_]*\) \([0-9]*\)$$/%define \1 \2/p' $(@:.inc=.s) > $@
-include $(BUILD)/mon/offsets.d

$(BUILD)/mon/%.asm.o: %.asm $(BUILD)/mon/offsets.inc
	@mkdir -p $(@D)
	@echo '  ASM  $<'
	@nasm -f elf64 -g -i. -i$(BUILD)/mon/ -MD $(@:.o=.d) -o $@ $<

$(BUILD)/mon/%.symbols.o: $(BUILD)/mon/%.symbols.s
	$(CC) -c $< -o $@

# --- Linking, twice: the second time with the tables of symbols and lines of the first one ---
# (objdump warns of what link-time optimization left in .debug_info, which it need not read.)
$(BUILD)/mon/empty.symbols.s: boot/symbols.awk boot/lines.awk
	@mkdir -p $(@D)
	(awk -f boot/symbols.awk /dev/null /dev/null; awk -f boot/lines.awk /dev/null) > $@

$(BUILD)/mon/ringleader.whole: $(MON_OBJ)
$(BUILD)/mon/base.whole: $(BASE_OBJ)
$(BUILD)/mon/ringleader.first $(BUILD)/ringleader.debug.elf: $(BUILD)/mon/ringleader.whole
$(BUILD)/mon/base.first $(BUILD)/base.debug.elf: $(BUILD)/mon/base.whole

# All C at once: calls between files are inlined, and what is left of them lies close together.
$(BUILD)/mon/%.whole:
	$(CC) $(MON_CFLAGS) -flto=auto -flinker-output=nolto-rel -Wl,-z,noexecstack -nostdlib \
		-r $^ -o $@

$(BUILD)/mon/%.first: $(BUILD)/mon/empty.symbols.o boot/ringleader.ld
	$(LD) $(MON_LDFLAGS) $(filter %.o %.whole,$^) -o $@

$(BUILD)/mon/%.symbols.s: $(BUILD)/mon/%.first boot/symbols.awk boot/lines.awk
	nm -n $< | awk '$$2 ~ /^[tT]$$/' > $(@:.s=.nm)
	cut -d' ' -f1 $(@:.s=.nm) | addr2line -a -i -s -e $< | \
		awk -f boot/symbols.awk - $(@:.s=.nm) > $@
	objdump --dwarf=decodedline $< 2> /dev/null | \
		awk '$$3 ~ /^0xffffffff8/ && $$2 ~ /^[0-9]+$$/ \
			{ sub(/.*\//, "", $$1); print $$3, $$1, $$2 }' | \
		sort -s -k1,1 | awk -f boot/lines.awk >> $@

$(BUILD)/%.debug.elf: $(BUILD)/mon/%.symbols.o boot/ringleader.ld
	$(LD) $(MON_LDFLAGS) $(filter %.o %.whole,$^) -o $@

$(BUILD)/%.elf: $(BUILD)/%.debug.elf boot/check-image
	boot/check-image $<
	objcopy -S $< $@

# Kept, though only rules in a chain name them. (A bare .SECONDARY: would do, and would also
# skip objects that are missing.)
.PRECIOUS: $(BUILD)/mon/%.first $(BUILD)/mon/%.symbols.s $(BUILD)/mon/%.symbols.o
.PRECIOUS: $(BUILD)/%.debug.elf

## monitor  build/ringleader.elf, for GRUB or QEMU's -kernel (for gdb: build/ringleader.debug.elf)
.PHONY: monitor base
monitor: $(BUILD)/ringleader.elf
## base     build/base.elf, the microkernel without its VM layer, for tests of start-up and panic
base: $(BUILD)/base.elf

-include $(MON_OBJ:.o=.d)
