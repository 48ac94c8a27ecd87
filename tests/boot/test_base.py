# SPDX-License-Identifier: MIT
"""The microkernel alone (build/base.elf) in QEMU: start-up, traps, panic, console. Needs nothing
but qemu-system-x86_64.

One test:  python3 -m pytest tests/boot/test_base.py -k panic
"""
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

import pexpect
import pytest

from machine import ICOUNT, TIMEOUT

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
IMAGE = os.path.join(ROOT, "build", "base.elf")
EXIT_OK, EXIT_PANIC = 33, 35  # kernel/debug/power.h, as isa-debug-exit reports them


@pytest.fixture(scope="module", autouse=True)
def image():
    subprocess.run(["make", "-s", "base"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


class Machine:
    def __init__(self, cmdline="", memory="128", cpu="max", extra=(), debug_exit=True):
        self.directory = tempfile.TemporaryDirectory()
        self.monitor = os.path.join(self.directory.name, "monitor")
        self.process = pexpect.spawn("qemu-system-x86_64", [
            "-accel", "tcg", "-cpu", cpu, "-m", memory, "-kernel", IMAGE,
            "-append", ("debug-exit " if debug_exit else "") + cmdline, "-display", "none",
            "-nodefaults", "-vga", "std",
            "-chardev", "stdio,id=serial,signal=off,mux=off", "-serial", "chardev:serial",
            "-no-reboot",
            "-monitor", "unix:%s,server,nowait" % self.monitor, "-device",
            "isa-debug-exit,iobase=0x501", *extra],
            timeout=TIMEOUT, encoding="latin-1", echo=False)

    def expect(self, *patterns):
        for pattern in patterns:
            self.process.expect(pattern)

    def qemu(self, line):
        """One line to QEMU's own monitor."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.monitor)
            f = s.makefile("rwb", buffering=0)
            while not f.read(1) == b")":  # (qemu)
                pass
            f.write(line.encode() + b"\n")
            while not f.read(1) == b")":
                pass

    def command(self, line):
        self.expect("rl> ")
        self.process.send(line + "\r")

    def exit_code(self):
        self.process.expect(pexpect.EOF)
        self.process.close()
        return self.process.exitstatus


@pytest.fixture
def start():
    machines = []

    def run(*args, **kwargs):
        machines.append(Machine(*args, **kwargs))
        return machines[-1]
    yield run
    for m in machines:
        m.process.close(force=True)


@pytest.mark.parametrize("cpu", ["qemu64", "max"])
@pytest.mark.parametrize("memory", ["128", "8G"])
def test_banner_and_power_off(start, cpu, memory):
    m = start(cpu=cpu, memory=memory)
    m.expect("Ringleader on ",
             "speculation: retpolines, no IBPB on this processor, no VERW on this processor",
             r"clock: TSC runs at \d+\.\d+ MHz, by the HPET", "local APIC and I/O APIC")
    m.command("poweroff")
    assert m.exit_code() == EXIT_OK


def test_power_off_by_acpi(start):
    m = start(debug_exit=False)
    m.expect("S5")
    m.command("poweroff")
    assert m.exit_code() == 0


LATE_US = 100  # measured: 0


@pytest.mark.parametrize("options, expected", [
    ("clock=pm", "by the PM timer"), ("clock=pit", "by the PIT"),
    ("noapic", "interrupts: 8259 pair")])
def test_fallbacks(start, options, expected):
    """Late by the machine's clock, which counts instructions here; early would be a huge number."""
    m = start(options + " selftest=timer", extra=ICOUNT)
    m.expect(expected)
    for ms in (1, 20, 200):
        m.expect(r"selftest timer: %d ms, late by (\d+) us" % ms)
        assert int(m.process.match.group(1)) < LATE_US
    m.command("poweroff")
    assert m.exit_code() == EXIT_OK


QEMU_APIC_MHZ = 62.5  # 1 GHz by 16
BUSY = 6


def test_busy_host(start):
    """The frequencies hold though the host takes the processor away: that of the local APIC is
    known here. A preemption between two readings once made it five times too high."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY)]
    try:
        for _ in range(5):
            m = start()
            m.expect(r"TSC runs at [\d.]+ MHz", r"timer: the local APIC's, ([\d.]+) MHz")
            assert 0.999 < float(m.process.match.group(1)) / QEMU_APIC_MHZ < 1.005
            m.process.close(force=True)
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


@pytest.mark.parametrize("cpu", ["qemu64", "max"])
def test_panic_names_its_callers(start, cpu):
    m = start("selftest=panic", cpu=cpu)
    m.expect("PANIC: selftest: a panic was asked for", r"selftest_inner\+", r"selftest_outer\+",
             r"do_panic\+",
             r"selftest_run\+", r"boot_main\+", "end of panic")
    assert m.exit_code() == EXIT_PANIC


@pytest.mark.parametrize("name, reason, caller", [
    ("null", r"#PF page fault \(write\).* at address 0 ", "do_null"),
    ("text", r"#PF page fault \(write\)", "do_write_text"),
    ("nx", r"#PF page fault \(execute\)", "do_execute_data"),
    ("stack", r"#DF double fault \(stack overflow\)", "recurse"),
    ("df", r"#DF double fault", "do_double_fault"),
    ("ud", r"#UD invalid opcode", "do_ud"),
    ("assert", r"boot/selftest.c:\d+: assertion failed: sum == 3", "do_assert")])
def test_traps(start, name, reason, caller):
    m = start("selftest=" + name)
    m.expect("PANIC: " + reason, caller + r"\+")
    assert m.exit_code() == EXIT_PANIC


def test_registers_of_an_assertion(start):
    """All of them are as they were where the condition failed; the stack is one of the monitor's,
    near the frame."""
    m = start("selftest=assert")
    m.expect("PANIC: boot/selftest.c", "end of panic")
    shown = {name: int(value, 16) for name,
             value in re.findall(r"\b(r\w\w?|rflags|cs|ss) +([0-9a-f]+)\b", m.process.before)}
    assert {r: shown[r] for r in ("rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r15")} == \
        {"rax": 2, "rcx": 0xa1, "rdx": 0xa2, "rsi": 0xa3, "rdi": 0xa4, "r8": 0xa8, "r9": 0xa9,
         "r15": 0xaf}
    assert 0 <= shown["rbp"] - shown["rsp"] < 256 and not shown["cs"] & 3 and shown["rflags"] & 2
    assert m.exit_code() == EXIT_PANIC


def test_memory(start):
    for memory in ("128", "8G"):
        m = start("selftest=memory", memory=memory)
        m.expect("selftest memory: 0 bad, 0 bytes lost")
        m.command("poweroff")
        assert m.exit_code() == EXIT_OK


def test_unknown_msr_is_survived(start):
    m = start("selftest=msr", cpu="qemu64")
    m.expect(r"selftest msr: unknown -?\d+, EFER 0 [0-9a-f]*d0")
    m.command("poweroff")
    assert m.exit_code() == EXIT_OK


@pytest.mark.parametrize("cpu", ["qemu64", "max"])
def test_guest_rings(start, cpu):
    m = start("selftest=rings", cpu=cpu)
    m.expect("selftest rings: ring 1 ok, ring 3 ok", "selftest fpu: ok")
    m.command("poweroff")
    assert m.exit_code() == EXIT_OK


def test_no_long_mode(start):
    m = start(cpu="qemu32")
    m.expect("Ringleader cannot run here: this processor has no 64-bit")


def test_too_little_memory(start):
    m = start(memory="16")
    m.expect(r"Ringleader cannot run here: \d+ MiB of memory are free, at least \d+ are needed")


def test_modules_and_command_line(start, tmp_path):
    first, second = tmp_path / "vms.conf", tmp_path / "kernel"
    first.write_text("[ringleader]\n")
    second.write_bytes(b"x" * 5000)
    m = start("some=thing", extra=("-initrd", "%s,%s arg" % (first, second)))
    m.command("modules")
    m.expect("2 modules", "some=thing", r"13 bytes  \S*vms.conf", r"5000 bytes  \S*kernel")
    m.command("poweroff")
    assert m.exit_code() == EXIT_OK


def test_shell(start):
    m = start()
    m.command("mem")
    m.expect(r"memory: \d+ KiB free of \d+ KiB", "free blocks:")
    m.command("cpu")
    m.expect("TSC ", "nx", "lines:")
    m.command("lspci")
    m.expect("00:00.0  8086:1237")
    m.command("nonsense")
    m.expect("nonsense: unknown command")
    m.expect("rl> ")
    m.process.send("pow\t\r")  # completion
    assert m.exit_code() == EXIT_OK


def test_five_escapes_dump_the_state(start):
    m = start()
    m.expect("rl> ")
    m.process.send("\x1d" * 5)
    m.expect("--- state, by the escape key ---", r"interrupted at \S+\+", r"boot_main\+",
             "--- end of state ---")


def test_four_escapes_do_not(start):
    m = start()
    m.expect("rl> ")
    m.process.send("\x1d" * 4 + "x\x1d")
    m.process.send("\x15mem\r")
    m.expect("memory: ")
    assert "--- state" not in m.process.before


def test_break_dumps_the_state(start):
    m = start()
    m.expect("rl> ")
    m.qemu("chardev-send-break serial")
    m.expect("--- state, by BREAK ---", r"interrupted at \S+\+", "--- end of state ---")


def test_nmi_finds_a_hang_with_interrupts_off(start):
    m = start("selftest=hang")
    m.expect("selftest hang: now")
    # the first may still find the line being printed; more than one a second are passed over
    for _ in range(20):
        m.qemu("nmi")
        m.expect("--- state, by NMI ---", r"interrupted at ([\w.:]+)\+")
        if m.process.match[1] == "selftest.c:do_hang":
            break
        time.sleep(1.2)
    assert m.process.match[1] == "selftest.c:do_hang"
    m.expect("selftest_run", "--- end of state ---")


def test_keyboard_and_screen(start):
    m = start()
    m.expect("rl> ")
    for key in ("m", "e", "x", "backspace", "m", "shift-a", "home", "right", "right", "right",
                "delete", "ret"):
        m.qemu("sendkey " + key)
        time.sleep(0.15)  # QEMU holds a key for 100 ms
    m.expect("memory: ")
    m.qemu("sendkey ctrl-c")
    # The same text stands in video memory: characters in the even bytes.
    path = os.path.join(m.directory.name, "screen")
    m.qemu('pmemsave 0xb8000 4000 "%s"' % path)  # quoted, or the path divides the size
    with open(path, "rb") as f:
        text = f.read()[::2].decode("latin-1")
    assert "Ringleader on" in text and "rl> mem " in text and "memory: " in text


def test_panic_is_on_every_console(start):
    m = start("console=serial panic=halt selftest=ud", debug_exit=False)
    m.expect("end of panic")
    path = os.path.join(m.directory.name, "screen")
    m.qemu('pmemsave 0xb8000 4000 "%s"' % path)  # quoted, or the path divides the size
    with open(path, "rb") as f:
        text = f.read()[::2].decode("latin-1")
    assert "#UD invalid opcode" in text and "do_ud+" in text and "Ringleader on" not in text


def test_crash_prompt(start):
    """After a double fault, whose stack is gone; any number of lines, bad ones among them."""
    m = start("panic=prompt selftest=stack")
    m.expect("PANIC: #DF double fault", r"recurse\+", "end of panic", "Nothing runs any more")

    def crash(line, *answers):
        m.expect("crash> ")
        m.process.send(line + "\r")
        m.expect(*answers)
    crash("help", r"panic .*again", r"reboot ", r"xm +ADDRESS")
    crash("xm 0 1", r"0000000000000000( --){16}")
    crash("xm 0xffffffff80101000 1", r"ffffffff80101000( [0-9a-f]{2}){16}")
    crash("xm 0xfffffffffffffff8 1", "--")
    crash("xmp 0x100000 1", "02 b0 ad 1b|d6 50 52 e8")  # a Multiboot magic: boot/entry.asm
    crash("symbol 0xffffffff80101000", r"[\w.:]+\+0")
    for line in ("xm", "xm nothing", "xm 0 99999999", "xm 1 2 3", "symbol", "x" * 300,
                 "\x7f\x7f\x01", "modules extra"):
        crash(line, "\n")
    crash("memm\x7f", "memory: ")
    crash("panic", "PANIC: #DF double fault", r"recurse\+", "end of panic")
    m.expect("crash> ")
    m.process.send("poweroff\r")
    assert m.exit_code() == EXIT_OK


@pytest.mark.parametrize("how, command", [("panic=reboot selftest=ud", None), ("", "reboot")])
def test_reboot(start, how, command):
    m = start(how, debug_exit=False)  # -no-reboot turns it into QEMU's exit
    if command:
        m.command(command)
    assert m.exit_code() == 0
