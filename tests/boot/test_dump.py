# SPDX-License-Identifier: MIT
"""`dump NAME` and iso/core-file: Debian's gdb opens what they make, and finds the registers, memory
and calls of a guest that was stopped under each engine, ring 0 and ring 3. Streams that are damaged
are refused with the name of what is wrong, and page tables of the worst kind give a core, too.
"""
import base64
import importlib.util
import os
import random
import re
import struct
import subprocess
import zlib
from importlib.machinery import SourceFileLoader

import pytest

import test_modes16 as modes16
from gdbclient import guest_elf
from guests import Guests, hostile, vm
from machine import ROOT
from prompt import Prompt

SCRIPT = os.path.join(ROOT, "iso/core-file")
LOADER = SourceFileLoader("core_file", SCRIPT)
CORE = importlib.util.module_from_spec(importlib.util.spec_from_loader("core_file", LOADER))
LOADER.exec_module(CORE)
KNOWN = {"eax": 0x12345678, "ebx": 0x9abcdef0, "esi": 0x0badcafe, "edi": 0x600df00d}
MACHINES = [("a", "auto", 3), ("b", "ring1", 0), ("c", "recompile", 0), ("d", "recompile-all", 3)]


def gdb(*commands, elf=None, file):
    commands = (["file " + elf] if elf else []) + ["core-file " + str(file), *commands]
    options = [a for c in commands for a in ("-ex", c)]
    said = subprocess.run(["gdb", "-q", "-nx", "-batch", *options], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return said.stdout


def made(log, out, *options):
    return subprocess.run([SCRIPT, *options, str(log), str(out)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)


def answer(m, command, end):
    m.process.send(command + "\r")
    m.expect(end)
    return m.process.before


def test_gdb_opens_it(tmp_path):
    guests = [vm(name, "bystander", "ring=%d" % ring, engine) for name, engine, ring in MACHINES]
    guests += [vm("over", "sysregs", "", "auto"), vm("e", "bystander", "ring=0", "auto")]
    with Guests(guests, name="dump") as m:
        m.wait_stopped(["over"])
        for name, _, _ in MACHINES:
            m.wait_line(name + ": SUM")
        m.quiet(*[name for name, _, _ in MACHINES])
        seen, ticks = {}, {}
        at = gdb("p/x &ticks", elf=guest_elf("bystander"), file=os.devnull)
        at = int(re.search(r"= 0x(\w+)", at)[1], 16)
        for name, _, _ in MACHINES:
            for register, value in KNOWN.items():
                m.process.send("set %s %s 0x%x\r" % (name, register, value))
            seen[name] = answer(m, "regs " + name, "dr0=[^\n]*\n")
            answer(m, "x/1d %s 0x%x" % (name, at), r"%08x[: ]+([0-9a-f]{8})" % at)
            ticks[name] = int(m.process.match[1], 16)
        for name in ["over", "e", *seen]:
            file = tmp_path / (name + ".core")
            said = dumped(m, name, tmp_path / "log", file)
            if name == "over":
                assert "over, debug exit" in said
            if name in seen:
                check(name, seen[name], ticks[name], file)
        m.wait_line(r"e: SUM")  # what was dumped goes on


def dumped(m, name, log, file):
    """The core is in the file; what was said of it."""
    m.process.send("dump %s\r" % name)
    m.expect(r"=== core %s \d+ bytes ===" % name)
    begin = m.process.after
    m.expect("=== end ===")
    log.write_text(begin + m.process.before)
    said = made(log, file)
    assert said.returncode == 0, said.stdout
    return said.stdout


def check(name, seen, ticks, file):
    registers = gdb("info registers", file=file)
    for register in ("eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "esp", "eip",
                     "cs", "ss", "ds"):
        want = re.search(r"\b%s(?:=| +)([0-9a-f]{4,8})\b" % register, seen)
        got = re.search(r"\b%s +0x([0-9a-f]+)" % register, registers)
        wanted = KNOWN.get(register, int(want[1], 16))
        assert int(got[1], 16) == int(want[1], 16) == wanted, (name, register)
    elf = guest_elf("bystander")
    said = gdb("info symbol $pc", "backtrace", "p *(int *)&ticks", "x/4i on_timer", "p/x $fctrl",
               elf=elf, file=file)
    assert " in section ." in said and re.search(r"#0 +0x\w+ in \w+", said), said
    assert "0x37f" in said, said
    assert "<on_timer" in said and int(re.search(r"\$1 = (\d+)", said)[1]) == ticks
    code = subprocess.run(["objcopy", "-O", "binary", "-j", ".text", elf, "/dev/stdout"],
                          stdout=subprocess.PIPE, check=True).stdout
    names = subprocess.run(["nm", elf], stdout=subprocess.PIPE, text=True, check=True).stdout
    start = int(re.search(r"(\w+) [tT] on_timer", names)[1], 16)
    headers = subprocess.run(["readelf", "-SW", elf], stdout=subprocess.PIPE, text=True,
                             check=True).stdout
    base = int(re.search(r"\.text +PROGBITS +(\w+)", headers)[1], 16)
    bytes_seen = re.findall(r"0x([0-9a-f]{2})\b", gdb("x/32xb 0x%x" % start, file=file))
    assert bytes(int(b, 16) for b in bytes_seen[-32:]) == code[start - base:start - base + 32]


def test_frozen_and_real_mode(tmp_path):
    """A VM that a triple fault has frozen, and one that stands in real mode, where CS is not 0."""
    at = modes16.symbols(tmp_path)["real_loop"]
    real = modes16.CONFIG.replace("autostart = no\n", "") % ("real", "recompile")
    with Prompt([vm("frozen", hostile("triple"), "", "auto", on_triple_fault="freeze"), real]) as m:
        m.wait_line(r"\] frozen: frozen by a triple fault at \w{4}:([0-9a-f]{8}): ")
        eip = m.process.match[1]
        m.prompt()
        file = tmp_path / "frozen.core"
        assert "triple fault" in dumped(m, "frozen", tmp_path / "log", file)
        assert re.search(r"\beip +0x%x\b" % int(eip, 16), gdb("info registers", file=file))
        m.do("break real 0x%x" % at)
        m.told("real", r"breakpoint \d+ at")
        seen = m.ask("regs real")
        assert "stopped" not in dumped(m, "real", tmp_path / "log", file)
        registers = gdb("info registers", "x/4xb $pc", "x/1xw 0x5780", file=file)
        assert re.search(r"\beip +0x%x\b" % at, registers), registers
        cs = int(re.search(r"\ncs +(\w{4}) ", seen)[1], 16)
        assert re.search(r"\bcs +0x%x\b" % cs, registers)
        assert re.search(r"0x%x:\t0x01\t0xcb\t0xc1\t0xc3" % at, registers), registers
        counter = re.search(r"\n00005780  ([0-9a-f]{8})", m.ask("x/1d real 0x5780"))[1]
        assert "0x5780:\t0x" + counter in registers, registers


# --- Streams made here


def stream(parts):
    out = bytearray(b"RLstate\x1a" + struct.pack("<I", 2))
    crc = zlib.crc32(out)
    for name, payload in [*parts, ("end", struct.pack("<I", len(parts)))]:
        part = struct.pack("<12sHHI", name.encode(), 1, 0, len(payload)) + payload
        crc = zlib.crc32(part, crc)
        out += part + struct.pack("<I", crc)
    return bytes(out)


def logged(data):
    lines = [":%08x %s" % (at, base64.b64encode(data[at:at + 57]).decode())
             for at in range(0, len(data), 57)]
    return "noise\n=== core g %d bytes ===\n%s\n=== end ===\n" % (
        len(data), "\n[ 1.0] a line between\n".join(lines))


def core(cr0=0x80000001, cr3=0x1000, cr4=0x10, pdpte=(0, 0, 0, 0), regions=((0, 0x40000),),
         eip=0x1234, cs_base=0):
    gprs = struct.pack("<10I", 1, 2, 3, 4, 5, 6, 7, 8, eip, 2)
    segments = b"".join(struct.pack("<HHII", 8, 0, cs_base if i == 1 else 0, 0xffff)
                        for i in range(8))
    return (b"g".ljust(32, b"\0") + b"killed".ljust(96, b"\0") + gprs + segments
            + struct.pack("<IHIH", 0, 0, 0, 0) + struct.pack("<4I", cr0, 0, cr3, cr4)
            + struct.pack("<4Q", *pdpte) + struct.pack("<IIQ", 0xffffffff, 0, 0) + bytes(512)
            + struct.pack("<I", len(regions)) + b"".join(struct.pack("<QQ", *r) for r in regions))


def page(at, data):
    data = data.ljust(4096, b"\0")
    pieces = b"".join(b"\x7f" + data[i:i + 128] for i in range(0, 4096, 128))
    return "packed", struct.pack("<QI", at, 1) + pieces


def words(entries, form="I"):
    out = bytearray(4096)
    for i, e in entries.items():
        struct.pack_into("<" + form, out, i * struct.calcsize("<" + form), e)
    return bytes(out)


def opened(tmp_path, parts, *commands, options=()):
    (tmp_path / "log").write_text(logged(stream(parts)))
    said = made(tmp_path / "log", tmp_path / "core", *options)
    assert said.returncode == 0, said.stdout
    return gdb(*commands, file=tmp_path / "core")


def test_linear_addresses(tmp_path):
    """A kernel at C0000000h, a page of it elsewhere; 4 MiB pages and PAE; paging off;
    physical addresses on demand."""
    code = page(0x8000, b"HERE")
    two = [("core", core(eip=0xc0008000)), page(0x1000, words({768: 0x2003, 832: 0x83})),
           page(0x2000, words({8: 0x8003, 9: 0x8003})), code]
    for at in (0xc0008000, 0xc0009000, 0xd0008000):
        assert "0x45524548" in opened(tmp_path, two, "x/xw 0x%x" % at)
    assert "Cannot access" in opened(tmp_path, two, "x/xw 0x8000")
    assert "0x45524548" in opened(tmp_path, two, "x/xw 0x8000", options=["--physical"])
    assert re.search(r"eip +0xc0008000", opened(tmp_path, two, "info registers eip"))
    pae = [("core", core(cr4=0x20, pdpte=(0, 0, 0, 0x1001))), page(0x1000, words({0: 0x2003}, "Q")),
           page(0x2000, words({8: 0x8003}, "Q")), code]
    assert "0x45524548" in opened(tmp_path, pae, "x/xw 0xc0008000")
    real = [("core", core(cr0=0, eip=0x10, cs_base=0x7ff0)), code]
    assert "0x45524548" in opened(tmp_path, real, "x/xw $pc")


def test_bad_page_tables(tmp_path):
    """Tables that are their own tables (of a million pages the first are kept), that
    lie nowhere, and random ones."""
    loop = [("core", core()), page(0x1000, words({i: 0x1003 for i in range(1024)}))]
    assert "0x00001003" in opened(tmp_path, loop, "x/xw 0x5000")
    nowhere = [("core", core()), page(0x1000, words({0: 0x7ffff003, 1: 0x2003, 2: 0xffc00083})),
               page(0x2000, words({0: 0xfffff003, 1: 0x1003}))]
    assert "0x7ffff003" in opened(tmp_path, nowhere, "x/xw 0x401000")
    assert "Cannot access" in opened(tmp_path, nowhere, "x/xw 0x400000")
    assert "eip" in opened(tmp_path, [("core", core(cr3=0xdeadb000))], "info registers eip")
    noise = random.Random(1)
    for cr4 in (0x10, 0x20):
        entries = {i: noise.choice([0, 0x1003, 0x2003, 0x3083, noise.getrandbits(32)])
                   for i in range(512)}
        mad = [("core", core(cr4=cr4, pdpte=(0x1001, 0x2001, 0xffff001, 0x3001))),
               page(0x1000, words(entries)), page(0x2000, words(entries))]
        assert "eip" in opened(tmp_path, mad, "info registers eip")


@pytest.mark.parametrize("parts, message", [
    ([page(0, b"")], "begins with section packed"),
    ([("core", core()[:300])], "section core ends at byte 300"),
    ([("core", core(regions=((0, 0x40001),)))], "section core: memory of 40001 bytes"),
    ([("core", core()), page(0x40000, b"")],
     "section packed: 1 pages at 40000 are not in the machine"),
    ([("core", core()), ("packed", struct.pack("<QI", 0, 1) + b"\x80\x01\x00")],
     "section packed: distance 1"),
    ([("core", core()), ("packed", struct.pack("<QI", 0, 1) + b"\x00A")],
     "section packed: 1 bytes in place of 4096"),
    ([("core", core()), ("ram", b"")], "section ram is unknown")])
def test_bad_streams(tmp_path, parts, message):
    (tmp_path / "log").write_text(logged(stream(parts)))
    said = made(tmp_path / "log", tmp_path / "core")
    assert said.returncode == 1 and message in said.stdout, said.stdout


def test_damaged_log(tmp_path):
    """A line that is lost, a bit that has changed, an end that is missing."""
    log, out = tmp_path / "log", tmp_path / "core"
    good = logged(stream([("core", core()), page(0x1000, b"data")]))
    lines = good.splitlines(keepends=True)
    for bad, message in (("".join(lines[:4] + lines[6:]), "is lost"),
                         (good.replace("AAAA", "AABA", 1), "section core is damaged"),
                         ("".join(lines[:-40]), "bytes of"), ("nothing", "no dump in this log")):
        log.write_text(bad)
        said = made(log, out)
        assert said.returncode == 1 and message in said.stdout, (message, said.stdout)
