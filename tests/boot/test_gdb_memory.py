# SPDX-License-Identifier: MIT
"""What gdb may read and write of a machine's memory follows the machine: ROM, shadow RAM as the
chipset's PAM registers have it, holes and devices' windows (docs/gdb.md tells why its memory map is
one region). And breakpoints a byte apart.

One test:  /usr/bin/python3 -m pytest tests/boot/test_gdb_memory.py
"""
import re

from gdbclient import Gdb, line
from guests import build
from machine import Machine
from test_gdb_tutorial import CONFIG

# Of the host bridge. The register is byte 1 of this word: bits 4 (reads) and 5 (writes) of F0000h.
PAM0 = 0x80000058
ROM, READS_RAM, RAM = 0x00, 0x10, 0x30
AT = "*(unsigned char *)0xf1000"
# A hole above memory, a BAR's place that nobody has, VGA's window (a device), behind
# the end of a megabyte of ROM.
HOLES = (0x2000000, 0xd0000000, 0xa0000, 0xfec00000)


def route(gdb, value):
    """As the guest would set the register; what that asks for is done with its next instruction."""
    gdb.ask("monitor out 0xcf8 0x%x 4" % PAM0)
    assert "to port cfd" in gdb.ask("monitor out 0xcfd 0x%x" % value)
    gdb.ask("stepi")


def write(gdb, what, value):
    """False: refused."""
    return "Cannot access memory" not in gdb.ask("set var %s = %d" % (what, value))


def test_memory(tmp_path):
    build()
    path, extra = line(tmp_path)
    with Machine(CONFIG, extra=extra) as m:
        m.expect("gdb may come")
        with Gdb(path) as gdb:
            said = gdb.ask("info mem")
            assert re.findall(r"^\d+ +y\s+(\S+) (\S+) (\w+)", said, re.MULTILINE) == [
                ("0x00000000", "0x100000000", "rw")], said
            assert gdb.value("*(unsigned char *)0xfffffff0") == 0xea  # the ROM's jump
            assert not write(gdb, "*(unsigned char *)0xfffffff0", 0x90)
            for hole in HOLES:
                assert "Cannot access memory" in gdb.ask("x/xb 0x%x" % hole)
                assert not write(gdb, "*(unsigned char *)0x%x" % hole, 1)
            assert write(gdb, "*(unsigned char *)0x500", 0x77)
            assert gdb.value("*(unsigned char *)0x500") == 0x77
            gdb.ask("break *0x7c00")
            assert "Breakpoint 1, " in gdb.ask("continue")
            route(gdb, ROM)
            rom = gdb.value(AT)
            assert not write(gdb, AT, rom ^ 1)
            route(gdb, RAM)
            assert write(gdb, AT, rom ^ 0x55) and gdb.value(AT) == rom ^ 0x55
            route(gdb, READS_RAM)
            assert gdb.value(AT) == rom ^ 0x55 and not write(gdb, AT, rom)
            route(gdb, ROM)
            assert gdb.value(AT) == rom
            route(gdb, RAM)
            assert gdb.value(AT) == rom ^ 0x55
            gdb.ask("delete")
            # gdb is told what a breakpoint is: else it takes one for hit whose
            # byte would lie in front of EIP.
            for at in (0x7c1e, 0x7c1f):
                gdb.ask("break *0x%x" % at)
            assert "Breakpoint 3, " in gdb.ask("continue")
            assert gdb.value("$pc") == 0x7c1f
            gdb.ask("detach")
