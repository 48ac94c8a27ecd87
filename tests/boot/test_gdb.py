# SPDX-License-Identifier: MIT
"""Debian's gdb at a serial line (docs/gdb.md), with no script of ours: it stops, steps and
watches a guest that computes, in raw and in translated code, and the guest's sums stay right;
and what is no gdb does no harm.

One test:  /usr/bin/python3 -m pytest tests/boot/test_gdb.py -k points
"""
import os
import random
import re
import select
import socket

import pytest

from gdbclient import Gdb, guest_elf, line
from guests import Guests, check_bystander, vm
from machine import TIMEOUT

NOISE_KIB = int(os.environ.get("NOISE_KIB", 16))
PIECE = 1 << 12
LETTERS = b"?gGpPmMXZzcsCSvqQ!HTR_"  # of packets; not those that let a guest go, or end it
SUM = r"SUM \d+ \w+ \d+ \w+ ticks \d+"


@pytest.mark.parametrize("engine,ring,com", [
    ("ring1", 0, "com2"), ("auto", 3, "com3"), ("recompile-all", 0, "com4")])
def test_points(engine, ring, com, tmp_path):
    path, extra = line(tmp_path, com)
    with Guests([vm("a", "bystander", "ring=%d" % ring, engine, gdb=com)], extra=extra) as m:
        m.wait_line("a: SUM")
        gdb = Gdb(path, guest_elf("bystander"))
        assert "Breakpoint 1 at" in gdb.ask("break on_timer")
        for _ in range(3):
            assert "Breakpoint 1, " in gdb.ask("continue")
            assert gdb.value("$pc") == gdb.value("&on_timer")
        gdb.ask("delete 1")
        assert "ardware watchpoint 2: " in gdb.ask("watch *(int *)&ticks")
        for _ in range(3):
            said = gdb.ask("continue")
            old, new = re.search(r"Old value = (\d+)\s+New value = (\d+)", said).groups()
            assert int(new) == int(old) + 1
        gdb.ask("delete 2")
        seen = set()
        for _ in range(50):
            gdb.ask("stepi")
            seen.add(gdb.value("$pc"))
        assert len(seen) > 20
        assert re.search(r"eflags +0x\w+ +\[", gdb.ask("info registers eflags"))
        assert "Tag Word" in gdb.ask("info float")
        gdb.ask("set var $ymm7.v8_int32[6] = 123456")
        gdb.ask("set var $xmm6.v4_int32[1] = 654321")
        gdb.ask("stepi")  # all of them go through the processor
        assert "{0, 0, 0, 0, 0, 0, 123456, 0}" in gdb.ask("print $ymm7.v8_int32")
        assert ", 654321, 0, 0, 0, 0, 0, 0}" in gdb.ask("print $ymm6.v8_int32")
        assert re.search(r"a +paused +" + engine, gdb.ask("monitor vm list"))
        assert "unknown command" in gdb.ask("monitor nonsense")
        gdb.start("continue")
        m.wait_line(r"a: SUM [^\n]*\n")
        assert "SIGINT" in gdb.interrupt()
        assert "Cannot access memory" in gdb.ask("x/x 0xf0000000")
        gdb.ask("detach")
        for _ in range(3):
            m.wait_line(r"a: SUM [^\n]*\n")
        assert check_bystander([text for text in m.lines("a") if re.fullmatch(SUM, text)]) >= 3
        gdb.process.close(force=True)


def test_reset(tmp_path):
    """After `monitor reset` and `starti` the guest stands in front of its first instruction, with
    its images loaded: gdb looks at the byte where a breakpoint is set, and would go past a CCh
    there, which it takes for the guest's own (docs/gdb.md)."""
    path, extra = line(tmp_path)
    with Guests([vm("a", "bystander", "", "ring1", gdb="com2")], extra=extra) as m:
        m.wait_line("a: SUM")
        with Gdb(path, guest_elf("bystander")) as gdb:
            first = "*(unsigned char *)&on_timer"
            was = gdb.value(first)
            gdb.ask("disconnect")
            gdb.ask("target extended-remote " + path)
            for again in ("monitor reset", "starti"):
                gdb.ask("set var %s = 0xcc" % first)
                assert gdb.value(first) == 0xcc
                gdb.ask(again)
                gdb.ask("maintenance flush register-cache")
                assert gdb.value(first) == was
                assert gdb.value("$cr0") & 1 and gdb.value("*(unsigned char *)$pc")
                gdb.ask("break on_timer")
                for _ in range(3):
                    assert "Breakpoint" in gdb.ask("continue")
                    assert gdb.value("$pc") == gdb.value("&on_timer")
                gdb.ask("delete")
            gdb.ask("detach")
        m.wait_line("a: reset: by gdb")
        m.text = ""
        for _ in range(2):
            m.wait_line(r"a: SUM [^\n]*\n")
        assert check_bystander([text for text in m.lines("a") if re.fullmatch(SUM, text)]) >= 2


def ticks(gdb, inferior):
    gdb.ask("inferior %d" % inferior)
    return gdb.value("*(int *)&ticks")


def test_processes(tmp_path):
    """Two guests at one line are two processes: each stands, steps and runs by itself, or both at
    once, and goes on where gdb leaves."""
    path, extra = line(tmp_path)
    elf = guest_elf("bystander")
    with Guests([vm("a", "bystander", "ring=0", "ring1", gdb="com2"),
                 vm("b", "bystander", "ring=3", "auto", gdb="com2")], extra=extra) as m:
        m.wait_line("b: SUM")
        with Gdb(path, elf) as gdb:
            gdb.ask("disconnect")
            gdb.ask("target extended-remote " + path)
            said = gdb.ask("info os processes")
            assert re.findall(r"^(\d) +vm +(\w)", said, re.MULTILINE) == [("1", "a"), ("2", "b")]
            gdb.ask("add-inferior -exec " + elf)
            gdb.ask("inferior 2")
            gdb.ask("attach 2")
            said = gdb.ask("info inferiors")
            assert re.search(r" 1 +process 1 ", said) and re.search(r"\* 2 +process 2 ", said)
            assert re.search(r'1\.1 .*a.*2\.1 .*b', gdb.ask("info threads"), re.DOTALL)
            assert re.search(r"b +paused +auto", gdb.ask("monitor vm list"))
            assert "eip" in gdb.ask("monitor regs")  # those of b, which is not named
            assert "2 locations" in gdb.ask("break on_timer")
            before = ticks(gdb, 1)
            gdb.ask("inferior 2")
            for _ in range(3):  # a stands
                assert "Thread 2.1 hit Breakpoint 1" in gdb.ask("continue")
            assert ticks(gdb, 1) == before
            gdb.ask("set schedule-multiple on")
            hits = "".join(gdb.ask("continue") for _ in range(12))
            assert hits.count("Thread 1.1 hit") >= 2 and hits.count("Thread 2.1 hit") >= 2
            for inferior in (1, 2):
                gdb.ask("inferior %d" % inferior)
                pc = gdb.value("$pc")
                gdb.ask("stepi")
                assert gdb.value("$pc") != pc
            gdb.ask("delete")
            gdb.start("continue")
            for _ in range(2):
                m.wait_line(r"a: SUM [^\n]*\n")
            assert "SIGINT" in gdb.interrupt()
            stood = ticks(gdb, 1), ticks(gdb, 2)
            gdb.ask("detach inferiors 2")  # it goes on, the other stands
            m.wait_line(r"b: SUM [^\n]*\n")
            m.wait_line(r"b: SUM [^\n]*\n")
            assert ticks(gdb, 1) == stood[0]
            gdb.ask("inferior 2")
            gdb.ask("attach 2")
            assert ticks(gdb, 2) > stood[1]
            gdb.ask("kill inferiors 1")
            m.wait_line("a: stopped: killed by gdb")
            gdb.ask("detach inferiors 2")
        m.wait_line(r"b: SUM [^\n]*\n")
        for name in "ab":
            assert check_bystander([text for text in m.lines(name) if re.fullmatch(SUM, text)]) >= 2


class Port:
    """Bytes to the stub, and what it says."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(TIMEOUT)
        self.socket.connect(path)
        self.said = b""

    def send(self, data):
        self.socket.sendall(data)
        while select.select([self.socket], [], [], 0)[0]:
            self.said += self.socket.recv(1 << 16)

    def wait(self, text):
        while text not in self.said:
            self.said += self.socket.recv(1 << 16)
        self.said = b""


def noise(port, rnd):
    """NOISE_KIB of random bytes, all of which are read."""
    for _ in range(NOISE_KIB * 1024 // PIECE):
        port.send(rnd.randbytes(PIECE))
    port.send(b"#00$qC#b4")
    port.wait(b"$QC1#c5")
    port.socket.close()


def random_packet(rnd):
    """With a right checksum, and something that a packet may begin with."""
    text = bytes([rnd.choice(LETTERS)])
    text += rnd.randbytes(rnd.randrange(40)).translate(None, b"#$}\x03")
    if rnd.randrange(2):
        text = text[:1] + b"%x,%x:%s" % (rnd.randrange(1 << rnd.randrange(1, 33)),
                                         rnd.randrange(64), rnd.randbytes(32).hex().encode())
    return b"$%s#%02x" % (text, sum(text) & 0xff)


def test_noise(tmp_path):
    """Random bytes: the guest runs on. Random packets: it may be lost, since they write its memory
    and registers, but the monitor and its other guest are not; and gdb is served afterwards."""
    path, extra = line(tmp_path)
    rnd = random.Random(15)
    with Guests([vm("a", "bystander", "", "auto"),
                 vm("b", "bystander", "", "auto", gdb="com2", on_triple_fault="freeze")],
                extra=extra) as m:
        m.wait_line("b: SUM")
        port = Port(path)
        noise(port, rnd)
        with Gdb(path) as gdb:
            assert gdb.value("$cs") in (8, 16)
            gdb.ask("detach")
        m.wait_line(r"b: SUM [^\n]*\n")
        assert check_bystander([text for text in m.lines("b") if re.fullmatch(SUM, text)]) >= 2
        port, sent = Port(path), 0
        while sent < NOISE_KIB * 512:
            packets = b"".join(random_packet(rnd) for _ in range(40))
            port.send(packets)
            sent += len(packets)
        port.send(b"#00$qSupported#37$qC#b4")
        port.wait(b"$QC1#c5")
        port.socket.close()
        with Gdb(path) as gdb:
            assert "unknown command" in gdb.ask("monitor nonsense")
            assert re.search(r"\bcs +0x", gdb.ask("info registers cs"))
        m.text = ""
        for _ in range(2):
            m.wait_line(r"a: SUM [^\n]*\n")
        assert check_bystander([text for text in m.lines("a") if re.fullmatch(SUM, text)]) >= 2
