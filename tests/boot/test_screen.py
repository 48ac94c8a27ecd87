# SPDX-License-Identifier: MIT
"""The screen console, read back from QEMU's picture of the screen, and the PS/2 keyboard, at our
prompt and in a guest: on VGA text under BIOS, and on the frame buffer that GRUB sets up under UEFI.

One firmware:  make guests && /usr/bin/python3 -m pytest tests/boot/test_screen.py -k uefi
"""
import pexpect
import pytest

from machine import Machine
from screen import Screen

CONFIG = """
[ringleader]
console = %s
[vm debian]
memory  = 64M
kernel  = vmlinuz-686
initrd  = initrd.gz
cmdline = console=ttyS0
"""


@pytest.mark.parametrize("firmware,console", [("bios", "screen"), ("uefi", "both")])
def test_screen(firmware, console, tmp_path):
    screen = Screen(str(tmp_path))
    read = screen.vga_text if firmware == "bios" else screen.graphics_text
    with Machine(CONFIG % console, firmware=firmware, extra=screen.arguments) as m:
        m.expect("start-up took")  # the configuration is read after that
        if console == "both":
            m.expect("Linux version 6", r"guest:[^#]*# ")
        screen.wait(read, r"guest:[^#]*#")
        screen.type("uname -s\n")
        screen.wait(read, r"\nLinux\n")
        screen.escape()
        screen.wait(read, "rl>")
        screen.type("mem\n")
        screen.wait(read, r"memory: \d+ KiB free of \d+ KiB")
        screen.type("vm list\n")
        text = screen.wait(read, r"debian +running +auto +64M")
        assert "rl> vm list" in text
        if console == "screen":
            assert m.process.expect(["Linux version", pexpect.TIMEOUT], timeout=2) == 1
