# SPDX-License-Identifier: MIT
# The monitor's image, build/ringleader.elf: every C and assembly file under boot arch kernel drivers emu vmm, and Zydis.

CC := gcc
WARN := -Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes -Wstrict-prototypes -Wundef -Werror
CFLAGS_COMMON := -std=gnu11 -I. -O2 -g $(WARN)
MON_CFLAGS := $(CFLAGS_COMMON) -ffreestanding -fno-pic -fno-pie -mgeneral-regs-only -mno-red-zone -mcmodel=kernel \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fno-omit-frame-pointer -fno-strict-aliasing \
	-mindirect-branch=thunk-extern -fcf-protection=none -isystem $(BUILD)/zydis/include
MON_LDFLAGS := -nostdlib -static -z max-page-size=4096 -z noexecstack --build-id=none -T boot/ringleader.ld

MON_C := $(wildcard boot/*.c arch/*.c kernel/*.c kernel/base/*.c drivers/*.c emu/*/*.c vmm/*.c)
MON_S := $(wildcard boot/*.asm arch/*.asm emu/*/*.asm vmm/*.asm)
MON_OBJ := $(MON_C:%.c=$(BUILD)/mon/%.o) $(MON_S:%.asm=$(BUILD)/mon/%.asm.o)

# --- Zydis: decoder and formatter, from Debian's source package ---
ZYDIS_VERSION := 4.0.0-1
ZYDIS_SHA256 := e990107f80c62afc1deb51de230023a1098db801b8ea6bf483e296d45459e234
ZYDIS_DEF := -DZYDIS_STATIC_BUILD -DZYCORE_STATIC_BUILD -DZYDIS_DISABLE_ENCODER
ZYDIS_NAMES := Decoder DecoderData Disassembler Formatter FormatterATT FormatterBase FormatterBuffer FormatterIntel MetaInfo \
	Mnemonic Register SharedData String Utils Zydis Segment

$(BUILD)/zydis/.fetched: iso/fetch-source boot/monitor.mk
	@mkdir -p $(BUILD)
	iso/fetch-source zydis $(ZYDIS_VERSION) $(ZYDIS_SHA256) $(BUILD)/zydis
	@touch $@
