# SPDX-License-Identifier: MIT
"""A panic in the middle of a VM's work: one screen, then a prompt where the VMs can be read.

QEMU's debugger stub stops the monitor at a function deep inside a device access and lets it call panic() there; later it lets a command
of the crash prompt jump to nowhere. Expected: the screen names the callers, the VM that ran and its last 16 exits; each command that
reads answers; a command that traps gives the prompt back, any number of times; commands that change something are unknown; reboot ends.
"""
import os
import re
import subprocess

from gdbstub import GPRS, RIP, RSI, RSP, RDI, Stub
from guests import Guests, vm
from machine import ROOT
from test_share import STORMS

PORTS = [name for name, _ in STORMS].index("ports")
PLACES = ["bus_write", "env_io_write", "recomp_hard"]  # optimization may take one apart


def panic_in(stub, text):
    """Where the machine stands then, panic() was called; it has not begun."""
    for place in PLACES:
        at = stub.symbol.get(place)
        if at and stub.comes_to(at):
            break
    else:
        raise AssertionError("none of %s is met" % PLACES)
    before = stub.registers()
    call = list(before)
    call[RDI], call[RSP], call[RIP] = before[RSP] - 512, before[RSP] - 1024 - before[RSP] % 16 - 8, stub.symbol["panic"]
    stub.write(call[RDI], text.encode() + b"\0")
    stub.write(call[RSP], at.to_bytes(8, "little"))  # it was called by the place
    call[RSI] = 0
    stub.set_registers(call)
    return place, call


def check_lines(text):
    """Each caller has the file and line that binutils find: of the call, which ends in front of the return address."""
    callers = re.findall(r"([0-9a-f]{16})  \S+  ([\w.]+:\d+)\r*\n", text)
    assert len(callers) >= 4, text
    image = os.path.join(ROOT, "build", "ringleader.debug.elf")
    out = subprocess.run(["addr2line", "-s", "-e", image, *("%x" % (int(at, 16) - 1) for at, _ in callers)],
                         stdout=subprocess.PIPE, text=True, check=True).stdout
    assert [line.split(" ")[0] for line in out.splitlines()] == [line for _, line in callers]


def check_registers(text, call):
    """All that panic() was called with; RIP is where it returns to, and so RSP is one word higher."""
    shown = {name: int(value, 16) for name, value in re.findall(r"\b(r\w\w?) +([0-9a-f]{16})\b", text)}
    expected = dict(zip(GPRS, call))
    expected["rsp"] += 8
    del expected["rip"]
    assert {name: shown[name] for name in expected} == expected


def test_panic_beside_vms(tmp_path):
    path = str(tmp_path / "gdb")
    sections = [vm("storm", "storm", "what=%d" % PORTS, "recompile"), vm("idle", "storm", "what=0", "auto", autostart="no")]
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
        exits = [line for line in m.process.before.splitlines() if re.match(r" *[\d.]+ +[\d.]+ (raw|recomp|code|irq)", line)]
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
        for change in ("set storm eax 1", "resume storm", "reset storm", "destroy storm", "save storm", "step storm", "nothing"):
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
