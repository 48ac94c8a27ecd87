# SPDX-License-Identifier: MIT
"""What cannot run is refused by one clear line, on the serial line and on the screen; what is
broken about the files is named.

One test:  /usr/bin/python3 -m pytest tests/boot/test_startup.py -k pentium3
"""
import os

import pytest

from machine import GUESTS, ROOT, Console, Machine
from screen import Screen

REFUSAL = "Ringleader cannot run here: "
NO_LONG_MODE = REFUSAL + "this processor has no 64-bit"
NO_LAHF = REFUSAL + "this processor lacks LAHF and SAHF in 64-bit mode"
NO_SSE2 = REFUSAL + "this processor lacks SSE2"
TOO_LITTLE = REFUSAL + r"\d+ MiB of memory are free, at least \d+ are needed"


def lines(text):
    return [line for line in text.splitlines() if REFUSAL in line]


@pytest.mark.parametrize("cpu,memory,expected", [
    ("pentium3", "128", NO_LONG_MODE), ("486", "128", NO_LONG_MODE),
    ("qemu64,-sse2", "128", NO_SSE2),
    ("qemu64,-lahf-lm", "128", NO_LAHF), ("max", "20", TOO_LITTLE)])
def test_refused_without_a_loader(cpu, memory, expected, tmp_path):
    """qemu -kernel: Multiboot 1, VGA text."""
    screen = Screen(str(tmp_path))
    with Console(["-cpu", cpu, "-m", memory, "-vga", "std", "-serial", "stdio", "-kernel",
                  os.path.join(ROOT, "build/ringleader.elf"), *screen.arguments]) as m:
        m.expect(expected)
        assert len(lines(screen.wait(screen.vga_text, expected))) == 1


@pytest.mark.parametrize("cpu,firmware,arguments,expected", [
    ("pentium3", "bios", "", NO_LONG_MODE), ("qemu64", "uefi", "selftest=small", TOO_LITTLE)])
def test_refused_from_the_image(cpu, firmware, arguments, expected, tmp_path):
    """GRUB, Multiboot 2; under UEFI the screen is a frame buffer."""
    screen = Screen(str(tmp_path))
    read = screen.vga_text if firmware == "bios" else screen.graphics_text
    with Machine("[ringleader]\n", cpu=cpu, firmware=firmware, arguments=arguments,
                 extra=screen.arguments) as m:
        m.expect(expected)
        assert len(lines(screen.wait(read, expected))) == 1


def test_nothing_to_run():
    """No modules at all: one line, and the prompt."""
    with Console(["-cpu", "max", "-m", "128", "-serial", "stdio", "-kernel",
                  os.path.join(ROOT, "build/ringleader.elf")]) as m:
        m.expect("no boot module is called vms.conf: there is nothing to run", "rl> ")


@pytest.mark.parametrize("text,expected", [
    (b"", None), (b"\xff\xfe\x00" * 2000, r"vms.conf:1: "),
    (b"[vm a\nkernel = x\n", r"vms.conf:1: "),
    (b"[vm a]\nkernel = nothing\n", r"vms.conf:2: kernel = nothing: there is no such file")],
    ids=["empty", "binary", "bracket", "missing"])
def test_broken_configuration(text, expected, tmp_path):
    conf = tmp_path / "vms.conf"
    conf.write_bytes(text)
    with Console(["-cpu", "max", "-m", "128", "-serial", "stdio", "-kernel",
                  os.path.join(ROOT, "build/ringleader.elf"),
                  "-initrd", str(conf)]) as m:
        if expected:
            m.expect(expected)
        m.expect("rl> ")


@pytest.mark.parametrize("size", [300, 2 << 20])
def test_truncated_kernel(size):
    """By its header, and by less than a header; a good machine beside it runs."""
    short = os.path.join(GUESTS, "short-%d" % size)
    with open(os.path.join(GUESTS, "vmlinuz-686"), "rb") as f, open(short, "wb") as out:
        out.write(f.read(size))
    config = ("[vm a]\nkernel = short-%d\n[vm b]\nkernel = vmlinuz-686\n"
              "cmdline = console=ttyS0 earlyprintk=serial\n" % size)
    try:
        with Machine(config) as m:
            m.expect("a: short-%d: truncated" % size, "Linux version 6")
    finally:
        os.remove(short)
