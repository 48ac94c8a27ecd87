# SPDX-License-Identifier: MIT
# build/check-config, by which iso/mkimage asks about a configuration: the monitor's own
# parser and loader, for the host.

CHECK_SRC := iso/check_config.c \
	vmm/load/config.c vmm/load/config_drive.c vmm/load/config_line.c vmm/load/config_size.c \
	vmm/load/config_boot.c vmm/load/config_net.c vmm/load/config_speed.c \
	vmm/load/media.c vmm/load/linux_boot.c vmm/load/linux_header.c \
	vmm/load/file_kind.c vmm/load/firmware_file.c \
	emu/chip/floppy_format.c emu/cpu/cpu_model.c \
	kernel/base/print.c kernel/base/string_num.c kernel/lib/us_layout.c
CHECK_OBJ := $(CHECK_SRC:%.c=$(BUILD)/check/%.o)

$(BUILD)/check/%.o: %.c
	@mkdir -p $(@D)
	@$(CC) -std=gnu11 -I. -O1 -g -ffunction-sections $(WARN) -MMD -MP -c $< -o $@

# What copies and starts belongs to the emulator, is not called here and left out by the linker.
$(BUILD)/check-config: $(CHECK_OBJ)
	@$(CC) -Wl,--gc-sections $^ -o $@

$(BUILD)/ringleader.elf: | $(BUILD)/check-config

-include $(CHECK_OBJ:.o=.d)
