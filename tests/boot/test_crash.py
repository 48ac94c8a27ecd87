# SPDX-License-Identifier: MIT
"""A panic in the middle of a VM's work: one screen, then a prompt where the VMs can be read.

QEMU's debugger stub stops the monitor at a function deep inside a device access and lets it
call panic() there; later it lets a command of the crash prompt jump to nowhere. Expected: the
screen names the callers, the VM that ran and its last 16 exits; each command that reads
answers; a command that traps gives the prompt back, any number of times; commands that change
something are unknown; reboot ends.
"""
import os
import re
import struct
import subprocess

import pytest

from gdbstub import GPRS, RIP, RSI, RSP, RDI, Stub
from guests import Guests, vm
from machine import ROOT
from test_share import STORMS

PORTS = [name for name, _ in STORMS].index("ports")
TRAPS = 2000
PLACES = ["bus_write", "env_io_write", "recomp_hard"]  # optimization may take one apart


def call_panic(stub, text):
    """Where the machine stands, panic() was called; it has not begun. Its registers then."""
    before = stub.registers()
    call = list(before)
    call[RDI], call[RSP] = before[RSP] - 512, before[RSP] - 1024 - before[RSP] % 16 - 8
    call[RIP] = stub.symbol["panic"]
    stub.write(call[RDI], text.encode() + b"\0")
    stub.write(call[RSP], before[RIP].to_bytes(8, "little"))
    call[RSI] = 0
    stub.set_registers(call)
    return call


def panic_in(stub, text):
    """The same, deep inside of a device access; the place, too."""
    for place in PLACES:
        at = stub.symbol.get(place)
        if at and stub.comes_to(at):
            break
    else:
        raise AssertionError("none of %s is met" % PLACES)
    return place, call_panic(stub, text)


# What an interrupt interrupts: its machine, whether a frame is one of these,
# and what the screen says of it.
FRAME = 23 * 8
IMAGE, CODE = 0xffffffff80000000, 0xffffffffa0000000  # the monitor; translated code
INTERRUPTED = {
    "raw": ("ring1", lambda f: f["cs"] & 3, r"  %(cs)04x:%(rip)08x  guest code, ring 1\r*\n"),
    "translated": ("recompile-all", lambda f: not f["cs"] & 3 and f["rip"] >> 28 == CODE >> 28,
                   r"  %(rip)016x  "),
    "idle": (None, lambda f: not f["cs"] & 3 and f["rip"] >> 28 == IMAGE >> 28,
             r"  %(rip)016x  \S+\+\S+ +[\w.]+:\d+\r*\n.*boot_main\+"),
}


def interrupted(stub):
    """The frame of a trap that trap_dispatch() was called for."""
    frame = stub.ask("m%x,%x" % (stub.registers()[RDI], FRAME))
    words = struct.unpack("<23Q", bytes.fromhex(frame))
    return {"vector": words[16], "rip": words[18], "cs": words[19]}


@pytest.mark.parametrize("what", INTERRUPTED)
def test_panic_in_an_interrupt(what, tmp_path):
    """One of the machine's, which came in raw code, in translated code, or while nothing
    ran: the screen says in what."""
    path = str(tmp_path / "gdb")
    engine, wanted, shown = INTERRUPTED[what]
    with Guests([vm("a", "bystander", "", engine or "auto")],
                extra=["-gdb", "unix:%s,server=on,wait=off" % path]) as m:
        m.wait_line("a: SUM")
        if what == "idle":
            m.quiet("a")
        stub = Stub(path)
        for _ in range(TRAPS):
            if what == "idle":
                m.process.send(" ")  # nothing else may happen
            stub.run_to(stub.symbol["trap_dispatch"])
            f = interrupted(stub)
            if f["vector"] >= 32 and wanted(f):
                break
            stub.step()
        else:
            raise AssertionError("nothing of the kind was interrupted")
        stub.run_to(stub.symbol["irq_dispatch"])
        call_panic(stub, "in an interrupt")
        stub.go()
        m.expect(r"--- PANIC: in an interrupt ---", "called by:", "--- end of panic ---")
        text = m.process.before
        assert re.search(r"irq_dispatch\+0 .*\r*\nin the handler of interrupt, vector %x, "
                         r"which came in\r*\n" % f["vector"], text), text
        assert re.search("(?s)" + shown % f, text), (f, text)
        assert "vm a: " in text or what == "idle", text
        m.expect("crash> ")
        m.process.send("xm 0x%x 1\r" % stub.symbol["trap_dispatch"])
        m.expect(r"%016x( [0-9a-f]{2}){16}" % stub.symbol["trap_dispatch"], "crash> ")


def check_lines(text):
    """Each caller has the file and line that binutils find: of the call, which ends in
    front of the return address."""
    callers = re.findall(r"([0-9a-f]{16})  \S+  ([\w.]+:\d+)\r*\n", text)
    assert len(callers) >= 4, text
    image = os.path.join(ROOT, "build", "ringleader.debug.elf")
    calls = ["%x" % (int(at, 16) - 1) for at, _ in callers]
    out = subprocess.run(["addr2line", "-s", "-e", image, *calls],
                         stdout=subprocess.PIPE, text=True, check=True).stdout
    assert [line.split(" ")[0] for line in out.splitlines()] == [line for _, line in callers]


def check_registers(text, call):
    """All that panic() was called with; RIP is where it returns to,
    and so RSP is one word higher."""
    shown = {name: int(value, 16)
             for name, value in re.findall(r"\b(r\w\w?) +([0-9a-f]{16})\b", text)}
    expected = dict(zip(GPRS, call))
    expected["rsp"] += 8
    del expected["rip"]
    assert {name: shown[name] for name in expected} == expected


def test_panic_beside_vms(tmp_path):
    path = str(tmp_path / "gdb")
    sections = [vm("storm", "storm", "what=%d" % PORTS, "recompile"),
                vm("idle", "storm", "what=0", "auto", autostart="no")]
    with Guests(sections, extra=["-gdb", "unix:%s,server=on,wait=off" % path]) as m:
        m.wait_line(r"storm: storm")
        stub = Stub(path)
        place, call = panic_in(stub, "it was asked for")
        stub.go()
        m.expect(r"--- PANIC: it was asked for ---", r"called by:")
        check_registers(m.process.before, call)
        m.expect(re.escape(place), r"vm storm: running, engine recompile, in \w+")
        check_lines(m.process.before)
        m.expect(r"time [^\n]*detail[^\n]*\n")
        m.expect("--- end of panic ---")
        exits = [line for line in m.process.before.splitlines()
                 if re.match(r" *[\d.]+ +[\d.]+ (raw|recomp|code|irq)", line)]
        assert len(exits) == 16, m.process.before
        m.expect("crash> ")

        def crash(line, *answers):
            m.process.send(line + "\r")
            m.expect(*answers)
            m.expect("crash> ")
            return m.process.before
        crash("vm list", r"storm +running +recompile", r"idle +paused")
        crash("regs storm", r"eax=[0-9a-f]{8}", "cr3")
        crash("x/4w storm 0x100000", "00100000")
        crash("disas storm", r"\n")
        crash("backtrace storm", r"\n")
        crash("gdt storm", r"\n")
        crash("exits storm 3", r"recompiler|irq")
        crash("stat -m storm", r"desc\.syncs")
        crash("exits -a storm", "out of memory")
        crash("regs nobody", "no VM is called nobody")
        for change in ("set storm eax 1", "resume storm", "reset storm", "destroy storm",
                       "save storm", "step storm", "nothing"):
            crash(change, "unknown command")
        command = stub.symbol["cmd_mem"]
        for _ in range(3):
            stub.stop()
            stub.breakpoint(command, True)
            stub.go()
            m.process.send("mem\r")
            stub.stopped()
            stub.breakpoint(command, False)
            wild = stub.registers()
            wild[RIP] = 0x10
            stub.set_registers(wild)
            stub.go()
            m.expect(r"the command failed: #PF page fault \(execute\)", "crash> ")
        crash("mem", "memory: ")
        crash("panic", "PANIC: it was asked for", "vm storm", "end of panic")
        m.process.send("reboot\r")
        m.ended()
