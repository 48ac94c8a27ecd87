# SPDX-License-Identifier: MIT
"""A client of QEMU's debugger stub, for tests that stop the monitor at a function and
make it call another one there.

    stub = Stub(path)  with QEMU's `-gdb unix:PATH,server=on,wait=off`
    stub.call_at("function", "other", argument, "text"): the next time that the machine comes to
    the first function, it first calls other(argument, "text", 0) as if that had been written
    there, and goes on. False: it does not come there, since whole-program optimization has taken
    the function apart.

Breakpoints of QEMU's change nothing in the machine. Addresses come from build/ringleader.debug.elf.
The monitor keeps no red zone.
"""
import os
import re
import select
import socket
import struct
import subprocess

from machine import ROOT, TIMEOUT

ELF = os.path.join(ROOT, "build", "ringleader.debug.elf")
GPRS = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"] \
    + ["r%d" % n for n in range(8, 16)] + ["rip"]
RSI, RDI, RSP, RIP = (GPRS.index(r) for r in ("rsi", "rdi", "rsp", "rip"))
BEAT, BEATS = "vcpu_run", 200  # a turn of a VM begins
TRIES = 100  # of a step
BELOW = 512  # the text lies there, under the stack that is in use


def symbols():
    """Addresses by name; a name that several functions have is left out."""
    found, twice = {}, set()
    said = subprocess.run(["nm", ELF], stdout=subprocess.PIPE, text=True, check=True).stdout
    for line in said.splitlines():
        m = re.match(r"([0-9a-f]+) [a-zA-Z] ([^.]+)(\.lto_priv\.\d+)?$", line)
        if m:
            if m[2] in found:
                twice.add(m[2])
            found[m[2]] = int(m[1], 16)
    return {name: at for name, at in found.items() if name not in twice}


class Stub:
    """One connection; the machine stands while it is not told to go on."""

    def __init__(self, path, began=True):
        """began: without QEMU's -S."""
        self.symbol = symbols()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(TIMEOUT)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")
        if began:
            self.stopped()  # which connecting does

    def send(self, text):
        self.socket.sendall(b"$%s#%02x" % (text.encode(), sum(text.encode()) & 0xff))

    def answer(self):
        while self.file.read(1) != b"$":
            pass
        text = b""
        while not text.endswith(b"#"):
            text += self.file.read(1)
        self.file.read(2)
        self.socket.sendall(b"+")
        return text[:-1].decode()

    def ask(self, text):
        self.send(text)
        return self.answer()

    def go(self):
        self.send("c")

    def stopped(self):
        """Waits until the machine stands."""
        assert self.answer().startswith("T")

    def stands(self):
        """Has it come to a breakpoint?"""
        return bool(select.select([self.socket], [], [], 0)[0])

    def stop(self):
        self.socket.sendall(b"\x03")
        self.stopped()

    def breakpoint(self, at, on):
        said = self.ask("%s1,%x,1" % ("Z" if on else "z", at))
        assert said == "OK", said

    def step(self):
        assert self.ask("s").startswith("T")

    def step_on(self):
        """One instruction, which changes a register: QEMU's own work
        may end a step in front of it."""
        before = self.ask("g")
        for _ in range(TRIES):
            self.step()
            after = self.ask("g")
            if after != before:
                return after
        raise AssertionError("the machine does not step")

    def run_to(self, *places):
        """To the first that the machine comes to."""
        for at in places:
            self.breakpoint(at, True)
        self.go()
        self.stopped()
        for at in places:
            self.breakpoint(at, False)

    def comes_to(self, at):
        """Does it, before it comes to BEAT for the BEATS-th time?"""
        beat = self.symbol[BEAT]
        self.breakpoint(at, True)
        for _ in range(BEATS):
            self.run_to(beat)
            if self.registers()[RIP] == at:
                break
            self.send("s")  # a breakpoint would be met again where the machine stands
            self.stopped()
        self.breakpoint(at, False)
        return self.registers()[RIP] == at

    def registers(self):
        return list(struct.unpack("<17Q", bytes.fromhex(self.ask("g")[:17 * 16])))

    def code_segment(self):
        """CS comes after the flags."""
        return struct.unpack_from("<I", bytes.fromhex(self.ask("g")), 17 * 8 + 4)[0]

    def set_registers(self, values):
        assert self.ask("G" + struct.pack("<17Q", *values).hex()) == "OK"

    def read_u64(self, at):
        return struct.unpack("<Q", bytes.fromhex(self.ask("m%x,8" % at)))[0]

    def write(self, at, data):
        assert self.ask("M%x,%x:%s" % (at, len(data), data.hex())) == "OK"

    def call_at(self, function, other, argument, text):
        """The machine stands, before and afterwards."""
        at = self.symbol.get(function)
        if not at or not self.comes_to(at):
            return False
        before = self.registers()
        data = text.encode() + b"\0"
        assert len(data) <= BELOW
        call = [0] * len(GPRS)
        call[RDI], call[RSI] = argument, before[RSP] - BELOW
        call[RSP], call[RIP] = (before[RSP] - BELOW - 64 & ~15) - 8, self.symbol[other]
        self.write(call[RSI], data)
        self.write(call[RSP], struct.pack("<Q", at))
        self.set_registers(call)
        while True:  # an interrupt's handler may come by, too
            self.run_to(at)
            if self.registers()[RSP] == call[RSP] + 8:
                break
        self.set_registers(before)
        return True
