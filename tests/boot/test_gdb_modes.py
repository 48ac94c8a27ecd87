# SPDX-License-Identifier: MIT
"""Debian's gdb on a boot sector (tests/guests/boot/modes16.asm): real mode, 16-bit protected mode
and V86 code, none of which begins at 0, from the processor's first instruction on; steps through
all of them are the bare machine's, by QEMU's own stub.

One engine:  /usr/bin/python3 -m pytest tests/boot/test_gdb_modes.py -k auto
"""
import os
import re
import struct
import subprocess
import time

import pytest

from gdbclient import Gdb, line
from gdbstub import RIP, Stub
from guests import build
from machine import GUESTS, ROOT, TIMEOUT, Console, Machine

GUEST = "modes16"
BASE16 = 0x7400  # of the protected segment
LOOPS = {"real_loop": 0x7c00, "protected_loop": BASE16, "virtual_loop": 0x7800}
STEPS = 1000  # in front of the first line: the serial line is not the same on both sides
TRIES = 1000  # one in thirty finds V86 mode
TURNS, ROUND_TURNS, EVERY = 80, 240, 64
VM, SHIFTED = 1 << 17, 0x30
CR0_AT = 188  # in QEMU's answer to g


def part_sum():
    total = 0
    for c in range(TURNS, 0, -1):
        total = total + c & 0xffff
        total = (total << 3 | total >> 13) & 0xffff
    return "%02x %02x" % (total >> 8, total & 0xff)


def check_rounds(text):
    """Every line that was printed whole; returns how many."""
    found = re.findall(r"round (\w\w \w\w) (\w\w \w\w) (\w\w \w\w) (\w\w \w\w)"
                       r" (\w\w \w\w) (\w\w \w\w) \r*\n", text)
    for n, a, b, c, high, low in found:
        assert (a, b, c) == (part_sum(),) * 3, (n, a, b, c)
        number = int(n.replace(" ", ""), 16)
        turns = int((high + low).replace(" ", ""), 16)
        assert number % EVERY == 0 and turns % 0x10000 == number * ROUND_TURNS % 0x10000, (n, turns)
    return len(found)


def symbols(folder):
    """nasm's own map."""
    path = os.path.join(str(folder), "map")
    source = os.path.join(str(folder), "mapped.asm")
    with open(source, "w") as f:
        f.write('[map symbols %s]\n%%include "tests/guests/boot/%s.asm"\n' % (path, GUEST))
    subprocess.run(["nasm", "-f", "bin", "-o", os.path.join(str(folder), "image"), source],
                   check=True, cwd=ROOT)
    with open(path) as f:
        return {m[2]: int(m[1], 16) for m in re.finditer(r"^ *[0-9A-F]+ +([0-9A-F]+) +(\S+)$",
                                                         f.read(), re.MULTILINE)}


class Bare(Console):
    """QEMU with the floppy, and its stub."""

    def __init__(self, folder):
        path = os.path.join(str(folder), "qemu")
        super().__init__(["-cpu", "max", "-m", "64", "-nodefaults", "-vga", "std",
                          "-serial", "null", "-gdb", "unix:%s,server=on,wait=off" % path,
                          "-S", "-drive",
                          "if=floppy,format=raw,snapshot=on,file=" + os.path.join(GUESTS, GUEST)])
        end = time.monotonic() + TIMEOUT
        while not os.path.exists(path) and time.monotonic() < end:
            time.sleep(0.02)
        self.stub = Stub(path, False)
        self.segment, self.base = None, 0

    def step(self):
        """Where it comes to: EIP, which this stub gives as an offset."""
        g = bytes.fromhex(self.stub.step_on())
        eip, eflags, cs = struct.unpack_from("<QII", g, 8 * RIP)
        # Else the base is what it was, even if the mode changed.
        if (cs, eflags & VM) != self.segment:
            self.segment = cs, eflags & VM
            self.base = (cs << 4 if not g[CR0_AT] & 1 or eflags & VM
                         else BASE16 if cs == SHIFTED else 0)
        return eip + self.base


def bare_steps(folder, at):
    """What QEMU comes by from the round's beginning on."""
    with Bare(folder) as m:
        m.stub.run_to(at)
        steps = []
        for _ in range(STEPS):
            steps.append(m.step())
        m.process.close(force=True)
    return steps


def check_loops(gdb, at):
    """In each mode: linear addresses, 16-bit code, a counter that is watched."""
    for name, base in LOOPS.items():
        gdb.ask("break *0x%x" % at[name])
        assert "Breakpoint" in gdb.ask("continue")
        gdb.ask("delete")
        assert gdb.value("$pc") == at[name] and gdb.value("$cs_base") == base
        assert bool(gdb.value("$eflags") & VM) == (name == "virtual_loop")
        assert gdb.value("$cr0") & 1 == (name != "real_loop")
        code = gdb.ask("x/4i $pc")
        assert re.search(r"(?s)add +%cx,%bx.*rol +\$0x3,%bx.*incl +0x5780.*loop +0x"
                         + "%x" % at[name], code), code
        assert "ardware watchpoint" in gdb.ask("watch *(unsigned int *)0x5780")
        for _ in range(2):
            said = gdb.ask("continue")
            old, new = re.search(r"Old value = (\d+)\s+New value = (\d+)", said).groups()
            assert int(new) == int(old) + 1
        gdb.ask("delete")


def check_wide(gdb, at):
    """The monitor of V86 mode has 32-bit code: gdb is told, and asks for the description again."""
    gdb.ask("break *0x%x" % at["v86_protection"])
    assert "unset tdesc filename" in gdb.ask("continue")
    gdb.ask("delete")
    gdb.ask("unset tdesc filename")
    assert "i386" in gdb.ask("show architecture")
    assert re.search(r"(?s)pusha *\n.*mov +\$0x10,%ax\s.*incl? +0x580c", gdb.ask("x/5i $pc"))
    gdb.ask("break *0x%x" % at["real_loop"])
    assert "unset tdesc filename" in gdb.ask("continue")
    gdb.ask("delete")
    gdb.ask("unset tdesc filename")
    assert "i8086" in gdb.ask("show architecture")


def check_interrupted(gdb):
    """Ctrl-C finds it in each of the modes."""
    left = {"real", "protected", "virtual"}
    for n in range(TRIES):
        gdb.start("continue")
        time.sleep(0.002 * (n % 50))
        assert "SIGINT" in gdb.interrupt()
        virtual, protected = gdb.value("$eflags") & VM, gdb.value("$cr0") & 1
        left.discard("virtual" if virtual else "protected" if protected else "real")
        if not left:
            return
    assert not left


@pytest.mark.parametrize("engine", os.environ.get("GDB_ENGINES", "auto").split(","))
def test_modes(engine, tmp_path):
    build()
    at = symbols(tmp_path)
    path, extra = line(tmp_path)
    config = """[ringleader]
exit = poweroff
[vm a]
memory = 16M
floppy = %s
boot = floppy
engine = %s
autostart = no
gdb = com2
""" % (GUEST, engine)
    with Machine(config, extra=extra) as m:
        m.expect("gdb may come")
        with Gdb(path) as gdb:
            assert gdb.value("$pc") == 0xfffffff0 and "i8086" in gdb.ask("show architecture")
            gdb.ask("break *0x7c00")
            assert "Breakpoint" in gdb.ask("continue")
            assert re.search(r"ljmp +\$0x0,\$0x7c05", gdb.ask("x/i $pc"))
            gdb.ask("delete")
            gdb.ask("break *0x%x" % at["round"])
            gdb.ask("continue")
            gdb.ask("delete")
            ours = gdb.steps(STEPS)
            check_loops(gdb, at)
            check_wide(gdb, at)
            check_interrupted(gdb)
            gdb.ask("detach")
        for _ in range(3):
            m.expect("round [^\n]*\n")
        assert check_rounds(m.text()) >= 3
    assert ours == bare_steps(tmp_path, at["round"])
