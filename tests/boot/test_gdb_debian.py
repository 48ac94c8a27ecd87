# SPDX-License-Identifier: MIT
"""Debian's gdb on a Debian guest (docs/gdb.md): system calls of raw ring 3, a counter, Ctrl-C in a
program and in the idle kernel, after which the guest's work is right; then a reset, start_kernel,
and 1,000 steps from the kernel's own INT3 on, which must be the bare machine's, by QEMU's own stub.
All addresses are the names that the guest keeps of itself.

One engine:

    make guests && GDB_ENGINES=auto /usr/bin/python3 -m pytest tests/boot/test_gdb_debian.py
"""
import os
import re
import struct
import time

import pytest

from gdbclient import Gdb, line
from gdbstub import RIP, Stub
from machine import TIMEOUT, BareMachine, Machine, debian
from moments import check_work, WORK

CMDLINE = "console=ttyS0 nokaslr norandmaps quiet"
STEPS = 1000
TRIES = 50  # of Ctrl-C, until it meets what is looked for
WORK_STEPS = 2
CALLS = ("entry_INT80_32", "entry_SYSENTER_32")
# The kernel executes an INT3 there to see whether its handler works: before that nothing depends on
# the time or on the processor.
TRIAL = "int3_selftest"
IRET, REP, FLAG_IF = 0xcf, 0xf3, 0x200


def bare_steps(folder, at):
    """The machine's own way from TRIAL on: EIP behind each step."""
    path = os.path.join(str(folder), "qemu")
    with BareMachine(cmdline=CMDLINE,
                     extra=["-gdb", "unix:%s,server=on,wait=off" % path, "-S"]) as m:
        end = time.monotonic() + TIMEOUT
        while not os.path.exists(path) and time.monotonic() < end:
            time.sleep(0.02)
        stub = Stub(path, False)
        stub.run_to(at)
        eips, opcodes, flags = [], set(), set()
        for _ in range(STEPS):
            eip, eflags = struct.unpack_from("<QI", bytes.fromhex(stub.ask("g")), 8 * RIP)
            opcodes.add(int(stub.ask("m%x,1" % eip), 16))
            flags.add(eflags & FLAG_IF)
            after = stub.step_on()
            eips.append(struct.unpack_from("<Q", bytes.fromhex(after), 8 * RIP)[0])
        m.process.close(force=True)
    assert {IRET, REP} <= opcodes and flags == {0, FLAG_IF}, "it is no test of these any more"
    return eips


def check_names(m, gdb):
    """The guest's own names, as its /proc/kallsyms has them; and its log."""
    wanted = ("start_kernel", "do_timer", TRIAL, *CALLS)
    out = m.run("grep -E ' (%s)$' /proc/kallsyms; dmesg | tail -n 1" % "|".join(wanted))
    at = {name: int(value, 16) for value, name in re.findall(r"([0-9a-f]{8}) \w (\w+)", out)}
    assert sorted(at) == sorted(wanted)
    gdb.interrupt()
    for name in wanted:
        assert "%08x  %s\n" % (at[name], name) in gdb.ask("monitor symbols " + name)
    assert re.search(r"%08x  \S+ +\S.*" % at["start_kernel"], gdb.ask("monitor x/2i start_kernel"))
    last = re.findall(r"\[ *\d+\.\d{6}\] .*", out)[-1]
    assert last in gdb.ask("monitor dmesg 3").replace("\r", "")
    return at


def system_call(m, gdb, at):
    """A program's, which raw ring 3 makes: the handler stands in front of its
    first instruction, at CPL 0."""
    for name in CALLS:
        gdb.ask("break *0x%x" % at[name])
    gdb.start("continue")
    m.process.send("cat /proc/version; echo END=$?\r")
    for _ in range(3):
        assert "Breakpoint" in gdb.stopped()
        assert gdb.value("$pc") in [at[name] for name in CALLS] and gdb.value("$cs") & 3 == 0
        gdb.process.send("continue\n")
    gdb.stopped()
    gdb.ask("delete")
    gdb.start("continue")
    m.expect(r"END=0\r", "# ")


def counter(gdb, at):
    """jiffies, which do_timer() adds to; the watchpoint tells of each time."""
    code = gdb.ask("x/40i 0x%x" % at["do_timer"])
    jiffies = int(re.search(r"add +%\w+,0x([0-9a-f]{8})\s", code)[1], 16)
    assert "ardware watchpoint" in gdb.ask("watch *(unsigned int *)0x%x" % jiffies)
    for _ in range(3):
        old, new = re.search(r"Old value = (\d+)\s+New value = (\d+)", gdb.ask("continue")).groups()
        assert 0 < int(new) - int(old) < 1 << 31
        assert gdb.value("$cs") & 3 == 0
    gdb.ask("delete")


def interrupted(gdb, holds):
    """Ctrl-C until what is looked for holds; the guest goes on for longer each time."""
    for n in range(TRIES):
        time.sleep(0.02 * n)
        assert "SIGINT" in gdb.interrupt()
        if holds():
            return True
        gdb.start("continue")
    return False


def is_idle(gdb):
    """It stands behind a HLT, which the kernel has its own function for."""
    code = gdb.ask("x/2bx $pc - 1")
    return gdb.value("$cs") & 3 == 0 and "0xf4" in code


def check_running(m, path):
    """With programs."""
    with Gdb(path) as gdb:
        gdb.start("continue")
        at = check_names(m, gdb)
        system_call(m, gdb, at)
        assert interrupted(gdb, lambda: is_idle(gdb))
        gdb.start("continue")
        m.process.send("echo LO''OP; while :; do :; done\r")
        m.expect("LOOP\r")  # the shell has left its line editor, where Ctrl-C is a key
        assert interrupted(gdb, lambda: gdb.value("$cs") & 3 == 3)
        assert re.search(r"=> 0x", gdb.ask("x/i $pc"))
        counter(gdb, at)  # which an idle kernel lets stand
        gdb.start("continue")
        m.process.send("\x03")
        m.expect("# ")
        gdb.interrupt()
        gdb.ask("detach")
    begin = len(m.text())
    m.process.send(WORK % WORK_STEPS)
    m.expect("WORK  DONE", "# ")
    # Lines of the log may tear others.
    assert WORK_STEPS - 1 in check_work(m.text()[begin:], WORK_STEPS)
    return at


@pytest.mark.parametrize("engine", os.environ.get("GDB_ENGINES", "ring1").split(","))
def test_debian(engine, tmp_path):
    path, extra = line(tmp_path)
    config = debian(engine=engine).replace("console=ttyS0", CMDLINE) + "gdb = com2\n"
    with Machine(config, extra=extra) as m:
        m.shell()
        at = check_running(m, path)
        with Gdb(path) as gdb:
            gdb.ask("monitor reset")
            for name in ("start_kernel", TRIAL):
                gdb.ask("break *0x%x" % at[name])
            for name in ("start_kernel", TRIAL):
                assert "Breakpoint" in gdb.ask("continue")
                assert gdb.value("$pc") == at[name]
            gdb.ask("delete")
            ours = gdb.steps(STEPS)
    assert ours == bare_steps(tmp_path, at[TRIAL])
