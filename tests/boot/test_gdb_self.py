# SPDX-License-Identifier: MIT
"""Debian's gdb on the monitor itself (docs/gdb.md, `gdb = self`): it comes while guests compute,
stops at a command of the prompt, steps, reads what is not there, and leaves, after which the
guests' sums are right; it sees a panic where it happened. And COM1 as gdb's line.

One test:  /usr/bin/python3 -m pytest tests/boot/test_gdb_self.py -k running
"""
import os
import random
import re
import struct
import time

import pytest

from gdbclient import Gdb, guest_elf, line
from gdbstub import Stub
from guests import Guests, bare_lines, build, check_bystander, compared, vm
from machine import ROOT, TIMEOUT, Machine
from test_gdb import Port, noise
from test_own_screen import Host

ELF = os.path.join(ROOT, "build", "ringleader.debug.elf")
SUM = r"SUM \d+ \w+ \d+ \w+ ticks \d+"
GLOBAL = "[ringleader]\ngdb = com2\n"
TWO = [GLOBAL, vm("a", "bystander", "ring=3", "auto"), vm("b", "bystander", "", "recompile-all")]
# Nothing is mapped there: the null page while no guest runs, a hole above the guest's space,
# no canonical address, the end.
NOWHERE = ["0x200000010", "0x800000000000", "0xffff700000000000", "0xffffff0000000000"]
BREAKPOINT = 0xcc


def source_line(function):
    """Where gdb says that it is: in this function, at a line of this file that has it."""
    return r"\b%s \([^\n]*\) at (\S+):(\d+)" % function


def check_place(said, function):
    m = re.search(source_line(function), said)
    assert m, said
    with open(os.path.join(ROOT, m[1]), encoding="utf-8") as f:
        lines = f.read().split("\n")
    begin = next(i for i, text in enumerate(lines)
                 if re.match(r"\w.*\b%s\(.*[^;]$" % function, text)) + 1
    end = next(i for i in range(begin, len(lines)) if lines[i] == "}") + 1
    assert begin <= int(m[2]) <= end, (m[0], begin, end)


def whole(said):
    """A backtrace to the monitor's first function, or into translated code, which has no names."""
    return re.search(r"boot_main \(|\?\? \(\)", said)


def check_sums(m, names="ab", count=2):
    m.text = ""
    for name in names:
        for _ in range(count):
            m.wait_line(r"%s: SUM [^\n]*\n" % name)
    for name in names:
        assert check_bystander([text for text in m.lines(name) if re.fullmatch(SUM, text)]) >= count


def stop_at_command(m, gdb):
    """A function that a command of the prompt calls."""
    assert "Breakpoint 1 at" in gdb.ask("break cmd_memmap")
    gdb.start("continue")
    m.prompt()
    m.process.send("memmap\r")
    said = gdb.stopped()
    assert "Breakpoint 1, " in said
    check_place(said, "cmd_memmap")
    said = gdb.ask("bt")
    for n, function in enumerate(("cmd_memmap", "run_command")):
        assert re.search(r"#%d .*\b%s \(" % (n, function), said), said
    assert re.search(r"\b(sched_loop|take_turn) \(", said) and "boot_main (" in said


def step(gdb):
    """Instructions one by one; a line; to the caller, where no handler of
    an interrupt lies in between."""
    seen = []
    for _ in range(200):
        gdb.ask("stepi")
        seen.append(gdb.value("$pc"))
    assert len(set(seen)) > 50
    flags = gdb.value("$eflags")
    assert not flags & 0x100
    gdb.ask("delete 1")


def memory(gdb):
    for at in NOWHERE:
        assert "Cannot access memory" in gdb.ask("x/x " + at)
    assert "Cannot access memory" in gdb.ask("set var *(char *)%s = 1" % NOWHERE[1])
    text = "*(unsigned char *)cmd_symbol"
    was = gdb.value(text)
    assert was != BREAKPOINT
    gdb.ask("set var %s = 0x90" % text)
    assert gdb.value(text) == 0x90
    gdb.ask("set var %s = %d" % (text, was))
    assert gdb.value(text) == was
    assert "Cannot insert breakpoint" in gdb.ask("break *trap_dispatch") + gdb.ask("stepi")
    gdb.ask("delete")
    assert gdb.value("$cr0") >> 31 == 1 and gdb.value("$cs") == 0xfff0


def interrupted(m, gdb):
    """Ctrl-C, wherever it is."""
    places = set()
    for _ in range(30):
        gdb.start("continue")
        m.wait_line(r"[ab]: SUM [^\n]*\n")
        assert "SIGINT" in gdb.interrupt()
        said = gdb.ask("bt")
        assert whole(said), said
        places.add(re.search(r"#0 .*?(\w+) \(", said)[1])
        if "gdb_self_turn" in said:
            assert "a                running" in gdb.ask("monitor vm list")
            assert "unknown command" in gdb.ask("monitor pause a")
        else:
            assert "not here" in gdb.ask("monitor vm list")
    return places


def test_running(tmp_path):
    path, extra = line(tmp_path)
    with Guests(TWO, extra=extra) as m:
        m.wait_line("b: SUM")
        with Gdb(path, ELF) as gdb:
            stop_at_command(m, gdb)
            step(gdb)
            memory(gdb)
            assert "gdb_self_turn" in interrupted(m, gdb)
            gdb.ask("detach")
        check_sums(m)
        with Gdb(path, ELF) as gdb:  # it is served again
            assert whole(gdb.ask("bt"))
            gdb.ask("detach")
        check_sums(m)


COUNTER = "&(*(struct percpu **)&percpu_boot_stack)->irqs"  # of the machine's interrupts
WATCHED = "*$irqs"


def watched(gdb):
    said = gdb.ask("continue")
    found = re.search(r"Hardware watchpoint \d+: .*\n\nOld value = (\d+)\nNew value = (\d+)", said)
    assert found and int(found[2]) == int(found[1]) + 1, said


def test_watch(tmp_path):
    """Watchpoints in the debug registers, beside a guest whose own are in them by turns: both see
    all of theirs, and none of the other's."""
    path, extra = line(tmp_path)
    guests = [GLOBAL, vm("a", "bystander", "ring=3", "auto"),
              vm("c", "breakpoints", "ring=3", "auto", autostart="no")]
    with Guests(guests, extra=extra) as m:
        m.wait_line("a: SUM")
        with Gdb(path, ELF) as gdb:
            gdb.ask("set $irqs = " + COUNTER)
            gdb.ask("watch -l " + WATCHED)
            for _ in range(3):
                watched(gdb)
                assert re.search(r"\b(trap_)?dispatch \(|\btrap_common\b", gdb.ask("bt"))
            gdb.ask("stepi")
            gdb.ask("delete")
            gdb.ask("awatch -l " + WATCHED)
            assert "Hardware access (read/write) watchpoint" in gdb.ask("continue")
            gdb.ask("delete")
            for refused in ("*(int *)0x1000", "*(char (*)[40])$irqs", "*(long *)&percpu_boot_stack",
                            "*(char *)&gdb_self_points"):
                said = gdb.ask("watch " + refused) + gdb.ask("continue")
                assert "Could not insert hardware watchpoint" in said, said
                gdb.ask("delete")
            gdb.ask("watch -l *(int *)&percpu_init_boot")  # armed, and nobody writes there
            gdb.start("continue")
            m.prompt()
            m.process.send("start c\r")
            m.wait_stopped(["c"])
            gdb.interrupt()
            gdb.ask("detach")
        said = [text for text in m.lines("c") if not text.startswith(("16M,", "stopped:"))]
        assert compared(said) == bare_lines("breakpoints", "ring=3", "max")
        check_sums(m, "a")


STEPS, TURN_SIZE = 2000, 256
READS = 600  # packets; answers of up to 4 KiB go through an emulated UART


def rip_of(answer):
    m = re.search(r"10:(\w{16});", answer)
    assert m, answer
    return struct.unpack("<Q", bytes.fromhex(m[1]))[0]


def test_steps(tmp_path):
    """From the scheduler into a guest and back: by POPF, PUSHF, STI, IRETQ, accesses that fault and
    translated code. A step into a guest that runs raw ends in the monitor. (gdb itself takes a
    tenth of a second for a step.)"""
    path, extra = line(tmp_path)
    with Guests([GLOBAL, vm("a", "bystander", "ring=3", "ring1"),
                 vm("b", "bystander", "", "recompile-all")], extra=extra) as m:
        m.wait_line("b: SUM")
        stub = Stub(path, False)
        turn, places, turns = stub.symbol["gdb_self_turn"], set(), 0
        rip = rip_of(stub.ask("?"))
        for _ in range(4):
            while not 0 <= rip - turn < TURN_SIZE:
                stub.go()
                stub.socket.sendall(b"\x03")
                rip = rip_of(stub.answer())
            for _ in range(STEPS):
                rip = rip_of(stub.ask("s"))
                assert rip >> 32
                places.add(rip)
                turns += 0 <= rip - turn < TURN_SIZE
            stub.go()
            m.wait_line(r"[ab]: SUM [^\n]*\n")
            stub.socket.sendall(b"\x03")
            rip = rip_of(stub.answer())
        assert stub.ask("D") == "OK"
        print(len(places), "places,", turns, "times between turns")
        assert len(places) > 1000
        check_sums(m)


def check_panic(gdb, function, caller):
    """Where it was, and nothing runs any more."""
    for _ in range(2):
        said = gdb.ask("bt")
        check_place(said.split("\n")[0], function)
        assert re.search(r"#[12] .*\b%s \(" % caller, said), said
        assert "nothing runs any more" in gdb.ask("continue")


@pytest.mark.parametrize("how,signal,caller", [
    ("selftest_inner", "SIGABRT", "selftest_outer"), ("do_null", "SIGSEGV", "run_command")])
def test_panic(how, signal, caller, tmp_path):
    """One that happens while gdb waits; the crash prompt serves beside it."""
    path, extra = line(tmp_path)
    with Guests(TWO, extra=extra) as m:
        m.wait_line("b: SUM")
        with Gdb(path, ELF) as gdb:
            stop_at_command(m, gdb)
            gdb.ask("set var $pc = %s" % (caller if how == "selftest_inner" else how))
            said = gdb.ask("continue")
            assert signal in said, said
            check_panic(gdb, how, caller)
            m.expect("--- PANIC: ", "end of panic", "crash> ")
            m.process.send("vm list\r")
            m.expect("a  +running", "crash> ")
            assert "crash prompt" in gdb.ask("monitor vm list")
            gdb.ask("detach")
        m.process.send("symbol 0x0\r")
        m.expect("crash> ")
        m.process.send("poweroff\r")
        m.ended()


@pytest.mark.parametrize("how,function", [
    ("assert", "do_assert"), ("ud", "do_ud"), ("null", "do_null")])
def test_panic_before(how, function, tmp_path):
    """gdb comes to a machine that panicked at its start."""
    path, extra = line(tmp_path)
    with Machine(vm("a", "bystander", "", "auto"), arguments="gdb=com2 selftest=" + how,
                 extra=extra) as m:
        m.expect("crash> ")
        with Gdb(path, ELF) as gdb:
            check_panic(gdb, function, "selftest_run")
        m.process.send("poweroff\r")
        m.ended()


def reading_packet(rnd):
    """With a right checksum: one that only reads, anywhere."""
    base = rnd.choice([0, 1 << 32, 0x800000000000, 0xffff800000000000, 0xfffffffe00000000,
                       0xffffffff80100000, 0xffffffffa0000000, 0xffffffffc0000000,
                       (1 << 64) - (1 << 20)])
    address = (base + rnd.randrange(1 << rnd.randrange(1, 30))) % (1 << 64)
    text = rnd.choice([
        b"m%x,%x" % (address, rnd.randrange(1 << 12)),
        b"p%x" % rnd.randrange(80), b"g", b"?", b"qfThreadInfo",
        b"qXfer:features:read:target.xml:%x,%x" % (rnd.randrange(5000), rnd.randrange(5000)),
        b"T%x" % rnd.randrange(9),
        bytes([rnd.choice(b"mpqHTvz!_")])
        + rnd.randbytes(rnd.randrange(40)).translate(None, b"#$}\x03")])
    return b"$%s#%02x" % (text, sum(text) & 0xff)


def test_noise(tmp_path):
    """Random bytes stop nobody for longer than it takes to read them; packets
    that read anywhere do no harm."""
    path, extra = line(tmp_path)
    rnd = random.Random(16)
    with Guests(TWO, extra=extra) as m:
        m.wait_line("b: SUM")
        noise(Port(path), rnd)
        with Gdb(path, ELF) as gdb:
            gdb.ask("detach")
        check_sums(m)
        port = Port(path)
        for _ in range(READS):
            port.send(reading_packet(rnd))
        port.send(b"#00$qC#b4")
        port.wait(b"$QC1#c5")
        port.socket.close()
        with Gdb(path, ELF) as gdb:
            assert whole(gdb.ask("bt"))
            gdb.ask("detach")
        check_sums(m)


def com1(tmp_path, config):
    """A machine whose only serial line is gdb's, and its screen."""
    build()
    path = os.path.join(str(tmp_path), "com1")
    host = Host(str(tmp_path))
    machine = Machine("[ringleader]\nconsole = screen\n" + config, extra=host.arguments,
                      com1="socket,path=%s,server=on,wait=off" % path)
    end = time.monotonic() + TIMEOUT
    while not os.path.exists(host.path) and time.monotonic() < end:
        time.sleep(0.02)
    return path, host, machine


def test_com1(tmp_path):
    """A guest is debugged there; the console is the screen and the
    keyboard, which stand meanwhile."""
    path, host, machine = com1(tmp_path, vm("a", "bystander", "", "auto", gdb="com1"))
    with machine:
        host.wait(host.text, r"gdb may come to com1.*a: SUM \d+ ")
        with Gdb(path, guest_elf("bystander")) as gdb:
            gdb.ask("break on_timer")
            for _ in range(3):
                assert "Breakpoint 1, " in gdb.ask("continue")
            gdb.ask("delete")
            before = gdb.value("*(int *)&ticks")
            gdb.ask("detach")
        number = int(re.findall(r"a: SUM (\d+) ", host.text())[-1])
        for _ in range(3):
            number += 2000
            host.wait(host.text, r"a: SUM %d " % number)
        host.escape()
        host.type("vm list\n")
        host.wait(host.text, r"a +running +auto")
        with Gdb(path, guest_elf("bystander")) as gdb:
            assert gdb.value("*(int *)&ticks") > before
            gdb.ask("detach")


def test_com1_of_the_monitor(tmp_path):
    path, host, machine = com1(tmp_path, "gdb = com1\n" + vm("a", "bystander", "", "auto"))
    with machine:
        host.wait(host.text, r"gdb may come to com1, to debug the monitor.*a: SUM \d+ ")
        with Gdb(path, ELF) as gdb:
            assert whole(gdb.ask("bt"))
            gdb.ask("set var $pc = selftest_outer")
            assert "SIGABRT" in gdb.ask("continue")
            check_panic(gdb, "selftest_inner", "selftest_outer")
        host.wait(host.text, r"--- end of panic --- +selftest: a panic was asked for "
                             r".*selftest_inner\S* +selftest.c:\d+ .*crash> ")
        host.type("vm list\n")
        host.wait(host.text, r"crash> vm list.*a +running +auto.*crash> ")


@pytest.mark.parametrize("name,config,said", [
    ("a", vm("a", "bystander", "", "auto", gdb="com1"), "a: gdb = com1: the console is there"),
    ("self", "[ringleader]\ngdb = com1\n" + vm("a", "bystander", "", "auto"),
     "gdb = com1: the console is there"),
    ("none", vm("a", "bystander", "", "auto", gdb="com4"), "a: gdb = com4: this machine has none"),
    ("both", GLOBAL + vm("a", "bystander", "", "auto", gdb="com2"),
     "a: gdb = com2: something else has it")])
def test_refused(name, config, said, tmp_path):
    """By name; the machine runs without it."""
    with Guests([config], extra=line(tmp_path)[1]) as m:
        m.expect(re.escape(said))
        check_sums(m, "a")
