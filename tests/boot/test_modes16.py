# SPDX-License-Identifier: MIT
"""The prompt's commands on 16-bit code: a boot sector (tests/guests/boot/modes16.asm) in real mode,
16-bit protected mode and V86 mode, none of whose code segments begins at 0. Two machines, one an
engine; the sums that they print stay right."""
import re

from prompt import Prompt
from test_gdb_modes import LOOPS, check_rounds, symbols

ENGINES = {"a": "auto", "b": "recompile-all"}
CONFIG = """[vm %s]
memory = 16M
floppy = modes16
boot = floppy
engine = %s
serial0 = log
autostart = no
"""
COUNTER = 0x5780  # that all loops count
# In front of each loop's first instruction.
EVERYWHERE = [
    ("disas",
     r"(?s)\n%(at)08x  01cb +add bx, cx\n.*\n\w+  66ff068057 +inc .*\n\w+  e2f4 +loop 0x%(at)X\n"),
    ("x/1i cs:eip", r"\n%(at)08x  01cb +add bx, cx\n"), ("x/2b cs:ip", r"\n%(at)08x  01 cb "),
    ("xp/2b 0x%(at)x", r"\n%(at)08x  01 cb "), ("print cs:ip", r"\n%(at)08x  "),
    ("print cx", r"\n00000050  80\n"), ("print bx == 0 && ch == 0 && cl > 79", r"\n00000001  1\n"),
    ("print word[cs:ip]", r"\n0000cb01  "), ("search/w 0x%(at)x 0x10 0xf4e2", r"\n%(loop)08x\n"),
    ("backtrace", r"\n#0  %(at)08x  frame "),
    ("pt cs:ip", r"guest +paging is off: %(at)08x is physical\nshadow  pde [0-9a-f]+"),
    ("ldt", "there is no ldt"),
    ("map", r"(?s)\n000000000-00009ffff  RAM .*\n00[0-9a-f]+-0000fffff  RAM +upper RAM, read-only\n"
            r"000100000-\w+ +RAM"),
    ("finish", r"no frame is there"), ("set bl 256", "the register has 8 bits"),
    ("set bx 0x10000", "the register has 16 bits"), ("x/1w 0xb8000", r"\n000b8000  "),
    ("irq", r"\n +0 .* pit\n"), ("info pit", "port61="), ("info rtc", r"\n.*\n"),
    ("why", r"breakpoint \d+ at"), ("symbols", "has no symbols"), ("dmesg", "no log of a Linux"),
    ("exits 3", "detail"), ("verify", r"\d+ blocks proven")]
MODES = {
    "real_loop": [
        ("regs", r"\nreal mode\ncs   07c0 base=00007c00 .*code16"),
        ("idt 8 1", r"vectors of real mode\n08  f000:\w{4}\n"),
        ("print 0x40:0x6c", r"\n0000046c "), ("x/1d 0x40:0x6c", r"\n0000046c  [0-9a-f]{8}\n"),
        ("print word[0x40:0x13] <= 640", r"\n00000001 ")],
    "protected_loop": [
        ("regs", r"\nprotected mode, 16 bits, cpl 0\ncs   0030 base=00007400 .*code16"),
        ("gdt 6 1", r"0030  base=00007400 limit=0000ffff code16"),
        ("print 0x30:0x10", r"\n00007410 "), ("x 0x40:0", "there is no such segment")],
    "virtual_loop": [
        ("regs", r"\nvirtual-8086 mode\ncs   0780 base=00007800"),
        ("idt 13 1", r"0d  int gate32  0008:"),
        ("tss", r"tss32 0028 .*\nlink=0000 ss0:esp0=0010"),
        ("print 0x40:0x6c", r"\n0000046c ")]}


def dword(m, at):
    return int(re.search(r"\n%08x  ([0-9a-f]{8})" % at, m.ask("x/1d 0x%x" % at))[1], 16)


def check_loop(m, vm, name, at):
    """Stopped at, looked at, stepped and watched."""
    begin = at[name]
    m.do("break 0x%x if cx == 80" % begin)
    assert m.do("cont", vm, r"breakpoint \d+ at") == begin - LOOPS[name]
    for command, answer in EVERYWHERE + MODES[name]:
        values = {"at": begin, "loop": begin + 10}
        said = m.ask(command % values)
        assert re.search(answer % values, said), (vm, name, command, said)
    m.do("delete all")
    before = dword(m, COUNTER)
    assert m.do("step 3", vm, "at") == begin + 10 - LOOPS[name]
    assert dword(m, COUNTER) == before + 1 and "00000280" in m.ask("print bx")
    assert m.do("next", vm, "at") == begin - LOOPS[name]  # LOOP is no call: it jumps
    m.do("watch 0x%x if (word[ds:0x%x] & 0xf) == 0" % (COUNTER, COUNTER))
    assert m.do("cont", vm, r"write of watchpoint \d+ at") == begin + 10 - LOOPS[name]
    assert dword(m, COUNTER) & 0xf == 0
    m.do("delete all")
    assert m.do("until 0x%x" % (begin + 12), vm, "at") == begin + 12 - LOOPS[name]
    assert "00000000" in m.ask("print cx")


def check_events(m, vm, at):
    """An interrupt by its vector of real mode, a port, the mode, CR0; a call stepped over."""
    for command, what in [("catch interrupt 8 if cs == 0xf000", "interrupt 08, catch . at"),
                          ("catch mode", r"mode changed, catch \d+ at"),
                          ("catch cr 0", r"cr0 written, catch \d+ at"),
                          ("catch port 0x3f8 w", r"out to port 03f8, catch \d+ at"),
                          ("catch exception 13", r"#GP \(0, 0\), catch \d+ at")]:
        m.do(command)
        m.do("cont", vm, what)
        m.do("delete all")
    m.do("break 0x%x" % at["round"])
    assert m.do("cont", vm, r"breakpoint \d+ at") == at["round"]
    m.do("delete all")
    assert m.do("next", vm, "at") == at["round"] + 5


def test_prompt(tmp_path):
    at = symbols(tmp_path)
    with Prompt([CONFIG % vm for vm in ENGINES.items()]) as m:
        m.wait_line("for the monitor")
        m.prompt()
        for vm in ENGINES:
            m.do("use " + vm)
            assert "paused" in m.ask("why") and "real mode" in m.ask("regs")
            assert re.search(r"\nfffffff0  ea\w+ +jmp far 0xF000:0xE05B\n", m.ask("disas"))
            assert m.do("until 0x7c00", vm, "at") == 0x7c00
            for name in LOOPS:
                check_loop(m, vm, name, at)
            check_events(m, vm, at)
            m.do("cont")
            for _ in range(2):
                m.wait_line(vm + r": round [^\n]*\n")
            m.do("pause", vm, "paused at")
        assert check_rounds("".join(line + " \n" for vm in ENGINES for line in m.lines(vm))) >= 4
