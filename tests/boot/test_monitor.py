# SPDX-License-Identifier: MIT
"""The prompt's debugging commands on guests that run: breakpoints, watchpoints and steps in raw and
in translated code, beside which the guest computes the right sums; what the commands show; and
every command with good, missing and absurd arguments.

One test:  /usr/bin/python3 -m pytest tests/boot/test_monitor.py -k points
"""
import os
import re
import subprocess

import pytest

from guests import check_bystander, hostile, vm
from machine import ROOT
from prompt import Prompt, symbols

# Engine, ring, and the account of its code.
PLACES = [("ring1", 0, "raw1"), ("auto", 3, "raw3"), ("auto", 0, "recompiler"),
          ("recompile-all", 3, "recompiler")]
SUM = r"SUM \d+ \w+ \d+ \w+ ticks \d+"


@pytest.mark.parametrize("engine,ring,place", PLACES)
def test_points(engine, ring, place):
    """Met as often as they should be, in front of the instruction and behind the
    write; the sums stay right."""
    at = symbols("bystander")
    with Prompt([vm("a", "bystander", "ring=%d" % ring, engine)]) as m:
        m.wait_line("a: SUM")
        m.quiet("a")
        m.do("break 0x%x" % at["on_timer"])
        for _ in range(3):
            assert m.do("cont", "a", "breakpoint 1 at") == at["on_timer"]
        assert "eip=%08x" % at["on_timer"] in m.ask("regs")
        assert re.search(r"1 +break +%08x \+1, met 3 times" % at["on_timer"], m.ask("break"))
        m.do("delete 1")
        ticks = at["ticks"]
        m.do("watch 0x%x" % ticks)
        for _ in range(3):
            before = int(re.search(r"%08x +([0-9a-f]{8})" % ticks,
                                   m.ask("x/d 0x%x" % ticks))[1], 16)
            stopped = m.do("cont", "a", "write of watchpoint 2 at")
            after = int(re.search(r"%08x +([0-9a-f]{8})" % ticks, m.ask("x/d 0x%x" % ticks))[1], 16)
            assert at["on_timer"] < stopped < at["on_timer"] + 32 and after == before + 1
        m.do("delete all")
        # Back from the interrupt by steps alone: no other interrupt comes in between.
        seen = [m.do("step", "a", "at") for _ in range(30)]
        assert len(set(seen)) > 20 and at["on_timer"] < seen[0] < at["on_timer"] + 32
        m.do("step 1000", "a", "at")
        m.do("break 0x%x" % seen[-1])  # in the program's loop
        for _ in range(20):
            assert m.do("cont", "a", "breakpoint 3 at") == seen[-1]
        assert "cpl %d" % ring in m.ask("regs")
        # What runs elsewhere meanwhile runs as ever.
        before = m.counters("a")["state.%s.entries" % place]
        m.do("delete all")
        m.do("cont")
        for _ in range(3):
            m.wait_line(r"a: SUM [^\n]*\n")
        assert check_bystander([line for line in m.lines("a") if re.fullmatch(SUM, line)]) >= 3
        m.do("pause a", "a", "paused at")
        assert m.counters("a")["state.%s.entries" % place] > before


LOOP = 40  # times that a point is met in vain


@pytest.mark.parametrize("engine,ring", [("ring1", 0), ("recompile-all", 0)])
def test_conditions(engine, ring):
    """Points that count only sometimes, and what is done there. The guest sees nothing of them."""
    at = symbols("bystander")
    names = "".join("%08x T %s\n" % (value, name) for name, value in at.items())
    with Prompt([vm("a", "bystander", "ring=%d" % ring, engine, symbols="names.map")],
                files={"names.map": names.encode()}) as m:
        m.wait_line("a: SUM")
        m.quiet("a")
        ticks = "[ticks]"
        assert "%d symbols of names.map" % len(at) in m.ask("symbols")
        assert "%08x  on_timer\n" % at["on_timer"] in m.ask("symbols a on_ti")
        assert "no such thing" in m.ask("symbols nothing_of_that_name")
        assert re.search(r" <on_timer>:\n%08x" % at["on_timer"], m.ask("disas on_timer 2"))
        assert re.search(r" <on_timer\+\w+>:\n", m.ask("x/1i on_timer+%d" % 1))
        now = int(re.search(r"%08x +([0-9a-f]{8})" % at["ticks"],
                            m.ask("x/d 0x%x" % at["ticks"]))[1], 16)
        m.do("break on_timer if %s == %d" % (ticks, now + LOOP))
        assert m.do("cont", "a", "breakpoint 1 at") == at["on_timer"]
        assert "%08x" % (now + LOOP) in m.ask("x/d 0x%x" % at["ticks"])
        assert re.search(r"#0  %08x  frame \w+ <on_timer>" % at["on_timer"], m.ask("backtrace"))
        assert re.search("1 +break +%08x \\+1, met 1 times, if " % at["on_timer"], m.ask("break"))
        m.do("condition 1")
        m.do("ignore 1 %d" % (LOOP - 1))
        m.do("cont", "a", "breakpoint 1 at")
        assert "%08x" % (now + 2 * LOOP) in m.ask("x/d 0x%x" % at["ticks"])
        assert "met %d times" % (LOOP + 1) in m.ask("break")
        m.do("watch ticks if %s == %d" % (ticks, now + 2 * LOOP + 5))
        m.do("ignore 1 1000000")
        m.do("cont", "a", "write of watchpoint 2 at")
        assert "%08x" % (now + 2 * LOOP + 5) in m.ask("x/d 0x%x" % at["ticks"])
        m.do("delete all")
        m.do("catch interrupt 0x20")
        m.do("cont", "a", "interrupt 20, catch 3 at")
        m.do("catch port 0x20 w")  # the guest acknowledges it
        m.do("delete 3")
        m.do("cont", "a", "out to port 0020, catch 4 at")
        # Commands, of which the last one lets it go on: it is met again and again.
        m.do('commands 4 "x/d 0x%x; cont"' % at["ticks"])
        m.do("cont")
        seen = []
        for _ in range(5):
            m.wait_line(r"%08x  ([0-9a-f]{8})\r*\n" % at["ticks"])
            seen.append(int(m.process.match[1], 16))
        assert seen == list(range(seen[0], seen[0] + 5))
        m.do("commands 4")
        m.do("delete all")
        m.process.send("cont\r")
        for _ in range(3):
            m.wait_line(r"a: SUM [^\n]*\n")
        assert check_bystander([line for line in m.lines("a") if re.fullmatch(SUM, line)]) >= 3


# Command, and what its answer holds.
ANSWERS = [
    ("regs", r"eip=[0-9a-f]{8} eflags=[0-9a-f]{8} iopl=0( [A-Z]F)*\n"),
    ("regs a", "protected mode, 32 bits, cpl 0"), ("regs b", "no VM is called b"),
    ("set eax 0x12345678", ""), ("regs", "eax=12345678"), ("set a eax 1fh", ""),
    ("regs", "eax=0000001f"), ("set", r"set \[NAME\] REGISTER VALUE"),
    ("set xyz 1", "xyz = 1: there is no such register"), ("set ds 0x1234", "loading this selector"),
    ("set cs 8", "CS and SS stay"), ("set eflags 0x20000", "VM stays"), ("set cr0 0", "PE stays"),
    ("set ds 0x12345", "a selector has 16 bits"), ("x $eip", r"[0-9a-f]{8} ( [0-9a-f]{2}){16}  "),
    ("x/2i cs:eip", r"([0-9a-f]{8}  [0-9a-f]+ +\S+.*\n){2}"), ("x/4d esp", r"( [0-9a-f]{8}){4}"),
    ("x/3q $esp-8", r"( [0-9a-f]{16}){2}\n"), ("x/s 0x100000", '"'),
    ("x/8w a esp", r"( [0-9a-f]{4}){8}"), ("x", r"x\[/FORMAT\] \[NAME\] ADDRESS"),
    ("x/z 0", "x/z: the format is"), ("x/99999b 0", "x/99999b: the count is too large"),
    ("x 0xfffffffff", "0xfffffffff: beyond 4 GiB"),
    ("x eip+", "eip+: a number or a register is missing".replace("+", r"\+")),
    ("x $foo", r"\$foo: there is no such register"),
    ("x 9999:0", "9999:0: there is no such segment"),
    ("x/d 0xfff00000", "not mapped, or no memory"), ("xp/4d 0x1000", r"( [0-9a-f]{8}){4}"),
    ("xp/i 0", "instructions have linear addresses"), ("xp", r"xp\[/FORMAT\]"),
    ("disas", r"([0-9a-f]{8}  [0-9a-f]+.*\n){16}"),
    ("disas a eip 3", r"([0-9a-f]{8}  [0-9a-f]+.*\n){3}"),
    ("disas eip 99999", "99999: not a number up to 8192"), ("disas 0xfff00000", "not mapped"),
    ("disas a b c d", r"disas \[NAME\]"),
    ("gdt", r"gdt at [0-9a-f]{8}, limit [0-9a-f]{4}\n"
            r"0[0-9a-f]+  base=00000000 limit=ffffffff code32 r-x dpl=0"),
    ("gdt 99999", "99999: not a number"), ("gdt 8000", "nothing from entry 8000 on"),
    ("ldt", "there is no ldt"), ("idt 0x20 1", r"20  int gate32  [0-9a-f]{4}:[0-9a-f]{8} dpl=0"),
    ("idt 255 2", "ff  "), ("tss", "tss32 "), ("pt 0x100000", r"(?s)guest .*shadow  pde [0-9a-f]+"),
    ("pt", r"pt \[NAME\] ADDRESS"), ("pt zz", "zz: not a number"),
    ("backtrace", r"#0  [0-9a-f]{8}  frame"), ("backtrace x", "x: not a number"),
    ("break 0x10", r"1: break 00000010 \+1"), ("break foo", "foo: not a number"),
    ("break a b c", r"break \[NAME\]"), ("watch 0x20 8 rw", r"2: access 00000020 \+8"),
    ("watch 0x20 0", "not a range of 1 to 4096 bytes"), ("watch 0xfffffffe 4", "not a range"),
    ("watch 0x20 5000", "5000: not a number up to 4096"), ("watch", r"watch \[NAME\]"),
    ("watch r", "r: not a number"), ("break", r"1 +break +00000010 \+1, met 0 times"),
    ("delete 7", "7: there is no point of that number"), ("delete 0", "0: there is no point"),
    ("delete", r"delete \[NAME\]"), ("delete x", "x: not a number"), ("delete 1", ""),
    ("delete all", ""), ("catch", r"catch \[NAME\]"), ("catch fire", "fire: catch"),
    ("catch exception 32", "32: not a number up to 31"), ("catch exception 13", "3: exception 0d"),
    ("catch exception", "4: exception all"), ("catch halt", ""),
    ("catch halt if 1", r"catch \[NAME\]"),
    ("break", r"(?s)3 +exception 0d, met 0 times.*HLT with"), ("catch port", r"catch \[NAME\]"),
    ("catch port 0x10000", "0x10000: not a number up to 65535"),
    ("catch port 0xffff 2", "2: not a number up to 1"),
    ("catch port 0xfff0 4 w", r"5: port fff0 \+4 w"),
    ("catch port 0xfff0 4 w 5", r"catch \[NAME\]"),
    ("catch interrupt 256", "256: not a number up to 255"),
    ("catch interrupt 0xff", "6: interrupt ff"), ("catch cr 5", "5: not a number up to 4"),
    ("catch cr", "7: cr write all"), ("catch msr 0x174 r", "8: msr 174 r"),
    ("catch msr x", "x: not a number"), ("catch mode 1", r"catch \[NAME\]"),
    ("catch mode if eax == 5 && esp", "9: mode any"),
    ("break", r"9 +mode +any, met 0 times, if eax == 5 && esp"), ("condition 9", ""),
    ("break", r"9 +mode +any, met 0 times\n"), ("condition", r"condition \[NAME\]"),
    ("condition 9 eax ==", "eax ==: a number or a register is missing"),
    ("condition 99 1", "99: there is no point"), ("condition 9 " + "1+" * 70 + "1", "too long"),
    ("condition 9 " + "1+" * 60 + "1", "too long"), ("ignore 9", r"ignore \[NAME\]"),
    ("ignore 9 x", "x: not a number"), ("ignore 77 1", "77: there is no point"), ("ignore 9 3", ""),
    ("commands", r"commands \[NAME\]"), ("commands 9 regs", ""),
    ("break", r"9 +mode +any, met 0 times, passed over 3 times more, then regs"),
    ("commands 9", ""), ("break 0x20 if", "if: a condition is missing"),
    ("break 0x20 if foo", "foo: not a number, nor a register or symbol"),
    ("break 0x20 if 1 1", "1 1: an operator is missing"), ("break if 1", ""),
    ("watch 0x20 if [0x20]==1", r"10: write 00000020 \+4"), ("delete 10", ""),
    ("catch nothing", ""), ("break", r"\n"), ("poke", r"poke\[/b\|/w\|/d\|/s\] \[NAME\] ADDR"),
    ("poke/b 0x520 1 2 0x33", ""), ("xp/3b 0x520", "01 02 33"), ("pokep/w a 0x520 0x1234", ""),
    ("x/w 0x520", "1234"), ("poke 0x520 0x89abcdef 7", ""), ("x/2d 0x520", "89abcdef 00000007"),
    ("poke/s 0x520 'some text'", ""), ("search/s 0x500 0x40 'some text'", "00000520"),
    ("poke/q 0x520 1", "poke/q: /b, /w, /d or /s"),
    ("poke/b 0x520 256", "256: not a number up to 255"), ("poke foo 1", "foo: not a number"),
    ("pokep", r"pokep\[/b"), ("poke 0xf0000000 1", "f0000000: no RAM for 4 bytes"),
    ("in 0x3fd", r"03fd  [0-9a-f]{2}\n"), ("in a 0x21 2", r"0021  [0-9a-f]{4}\n"),
    ("in 0xcfc 4", r"0cfc  [0-9a-f]{8}\n"), ("in", r"in \[NAME\] PORT"),
    ("in 0x10000", "0x10000: not a number up to 65535"),
    ("in 0xfffd 4", "0xfffd: not a number up to 65532"), ("in 1 3", "3: 1, 2 or 4 bytes"),
    ("in 1 5", "5: not a number up to 4"), ("in x", "x: not a number"),
    ("out 0x80", r"out \[NAME\] PORT VALUE"), ("out 0x80 256", "256: not a number up to 255"),
    ("out 0x70 0x0f", ""), ("out 0x71 0x5a", ""), ("in 0x71", "0071  5a"),
    ("out 0x80 0x1234 2", ""), ("out 0xcf8 0x80000000 4", ""), ("in 0xcfc 4", "0cfc  12378086"),
    ("info", r"info \[NAME\] DEVICE"), ("info nothing", "nothing: devs lists"),
    ("info pic", r"isr=[01] +imr=fe"), ("info a pit", "port61="), ("info host bridge", "config"),
    ("irq 1", r"irq \[NAME\]"), ("irq", r"\n +0 +(up +)?\d+ +20 edge.* pit\n"),
    ("map 1", r"map \[NAME\]"), ("map", r"000000000-\w+ +RAM"), ("search 0 1", r"search\[/b"),
    ("search/q 0 1 1", "search/q: /b, /w, /d or /s"),
    ("search/b 0 1 256", "256: not a number up to 255"),
    ("search 0 0x20000000 1", "0x20000000: not a number up to 268435456"),
    ("search/s 0x100000 0x20000 bystander", r"\n001\w{5}\n"),
    ("search/s 0x100000 0x20000 no_such_text_here", "no such thing"),
    ("print", r"print \[NAME\] EXPRESSION"), ("print a", r"print \[NAME\] EXPRESSION"),
    ("print 1 + 2 * 3 == 7", r"\n00000001  1\n"),
    ("print a [esp] == [esp] && 0x10", r"\n00000001  1\n"), ("print -1", "ffffffff  4294967295"),
    ("print 1 +", r"1 \+: a number or a register is missing"),
    ("print [0xfff00000]", "memory that is not there"),
    ("print 7 / (eax - eax)", "or a division by 0"), ("print nothing", "nothing: not a number"),
    ("print " + "1+" * 70 + "1", "too long"), ("print 1; print 2", r"\n00000001  1\n00000002  2\n"),
    ("dmesg", "no log of a Linux is there"), ("symbols", "no symbols: no Linux"),
    ("dmesg 1 2", r"dmesg \[NAME\]"), ("nmi 1", r"nmi \[NAME\]"),
    ("inject", r"inject \[NAME\] VECTOR"), ("inject 256", "256: not a number up to 255"),
    ("inject x", "x: not a number"), ("engine", r"\nring1\n"), ("engine fast", "fast: auto, ring1"),
    ("engine a b c", r"engine \[NAME\]"), ("engine recompile-all", ""),
    ("engine", r"\nrecompile-all\n"), ("step x", "x: not a number"),
    ("step 9999999", "9999999: not a number up to 1000000"), ("step 0", ""),
    ("next 1", r"next \[NAME\]"), ("finish 1", r"finish \[NAME\]"), ("until", r"until \[NAME\]"),
    ("until foo", "foo: not a number"), ("cont 1", r"cont \[NAME\]"), ("why", "a: (at|paused at) "),
    ("why b", "no VM is called b"), ("set ax 0x1234", ""), ("print ah", r"\n00000012  18\n"),
    ("print word[ss:esp] == ([ss:esp] & 0xffff)", r"\n00000001  1\n"),
    ("help watch", "`reset` and `load` leave them armed"), ("use b", "no VM is called b"),
    ("use a", ""), ("use", r"\na\n"), ("x/", r"x/|[0-9a-f]"), ("regs/4", "regs/4: unknown command"),
    ("regs a here", "regs: nothing may follow a"), ("save a b c", "save: nothing may follow a"),
]


def test_arguments():
    """Good, missing and absurd ones; the guest is none the worse for it."""
    with Prompt([vm("a", "bystander", "", "ring1")]) as m:
        m.wait_line("a: SUM")
        m.prompt()
        for command in ("step", "next", "finish", "until 0", "cont"):
            assert "a runs: pause it first" in m.ask(command)
        m.process.send("pause a\r")
        m.told("a", "paused at")
        eax = re.search(r"eax=(\w+)", m.ask("regs"))[1]
        for command, answer in ANSWERS:
            said = m.ask(command)
            assert re.search(answer, said), "%s: %s" % (command, said)
        m.ask("set eax 0x" + eax)
        m.do("until 0x%x" % symbols("bystander")["on_timer"], "a", "at")
        ebp = re.search(r"ebp=(\w+)", m.ask("regs"))[1]
        m.ask("set ebp esp-4")  # as if the function had a frame
        m.do("finish", "a", "at")
        m.ask("set ebp 0x" + ebp)
        m.do("next", "a", "at")
        m.do("cont")
        for _ in range(2):
            m.wait_line(r"a: SUM [^\n]*\n")
        assert check_bystander([line for line in m.lines("a") if re.fullmatch(SUM, line)]) >= 2


def instruction(guest, section, name):
    """Where the guest has such an instruction."""
    elf = os.path.join(ROOT, "build/test-guests/%s.elf" % guest)
    out = subprocess.run(["objdump", "-D", "-j", section, elf], stdout=subprocess.PIPE, text=True,
                         check=True).stdout
    return int(re.search(r"^ *([0-9a-f]+):[^\n]*\t%s *$" % name, out, re.MULTILINE)[1], 16)


def test_change():
    """Interrupts and NMI of the operator's, which the guest's own IRET ends; and the
    engine of a guest that runs."""
    iret = instruction("bystander", ".dirty", "iret")
    with Prompt([vm("a", "bystander", "ring=0", "ring1")]) as m:
        m.wait_line("a: SUM")
        m.quiet("a")
        for command, vector in (("inject 0x51", 0x51), ("nmi", 2), ("inject 0xff", 0xff),
                                ("nmi", 2)):
            m.do("catch interrupt %d" % vector)
            assert "bad" not in m.ask(command)
            if vector != 2:
                assert "in use" in m.ask(command)
            m.do("cont", "a", "interrupt %02x, catch . at" % vector)
            m.do("delete all")
            m.ask("set eip 0x%x" % iret)
        for engine in ("recompile-all", "ring1", "recompile", "ring1", "recompile-all", "ring1"):
            m.ask("engine " + engine)
            before = m.counters("a")["state.raw1.entries"]
            m.do("cont")
            m.wait_line(r"a: SUM [^\n]*\n")
            m.do("pause a", "a", "paused at")
            assert (m.counters("a")["state.raw1.entries"] > before) == (engine == "ring1"), engine
        assert check_bystander([line for line in m.lines("a") if re.fullmatch(SUM, line)]) >= 6


# These end or turn away what is looked at, or begin a job; each is tested elsewhere.
NOT_PLAIN = {"console", "create", "destroy", "poweroff", "reboot", "screen", "stop", "top"}
# (The guest has no handler for NMI.)
NOT_ALONE = {"blocks", "hot", "nmi", "reset", "start"}
ABSURD = ["nobody", "-1", "a nobody -1 0xffffffffffffffffff '' \"; \"", "0x100000000 " * 12,
          "x" * 200, "a " + "/" * 60, "'\\' %s %n"]


def test_every_command():
    """All that `help` lists, without and with arguments that mean nothing: each says something of
    it, and nobody is the worse."""
    with Prompt([vm("a", "bystander", "", "auto")]) as m:
        m.wait_line("a: SUM")
        m.quiet("a")
        names = re.findall(r"(?m)^([a-z]+(?: list)?) [^\n]*  ?\S",
                           m.ask("help").split("help COMMAND:")[0])
        assert len(names) > 70
        for name in names:
            for arguments in ABSURD + ([""] if name not in NOT_ALONE else []):
                if name not in NOT_PLAIN:
                    m.ask("%s %s" % (name, arguments))
        m.do("delete all")
        m.ask("trace all off")
        assert "a" in m.ask("vm list")
        m.do("cont")
        m.wait_line(r"a: SUM [^\n]*\n")
        m.text = ""
        m.wait_line(r"a: SUM [^\n]*\n")
        assert check_bystander([line for line in m.lines("a") if re.fullmatch(SUM, line)]) >= 1


DEC_EAX, NOP, INC_EAX = 0x48, 0x90, 0x40
CREATED = ["memory=16M", "kernel=bystander", "cmdline=ring=3", "engine=auto", "serial0=log",
           "debug_exit=yes"]


def test_create():
    """A VM made at the prompt computes as one of the configuration; it is stopped,
    started, destroyed, and made again."""
    with Prompt([vm("a", "bystander", "", "auto", autostart="no")]) as m:
        m.wait_line("for the monitor")
        m.prompt()
        for command, answer in [
                ("create", r"create NAME KEY=VALUE"),
                ("create a memory=8M", "a: there is a VM of this name"),
                ("create b memory", "memory: not KEY=VALUE"),
                ("create b memory=12Q", "create: memory = 12Q: not a size"),
                ("create b colour=red", "create: colour = red: unknown key"),
                ("create b kernel=nothing", "create: kernel = nothing: there is no such file"),
                ("create b memory=8M memory=9M", "create: memory = 9M: given twice"),
                ("create b initrd=bystander", "but no kernel"),
                ("create b] memory=8M", r"create: \[vm b\]\]"), ("start b", "no VM is called b"),
                ("stop b", "no VM is called b")]:
            said = m.ask(command)
            assert re.search(answer, said), "%s: %s" % (command, said)
        assert "\nb " not in m.ask("vm list")
        for _ in range(2):
            m.do("create b " + " ".join(CREATED))
            m.wait_line(r"b: SUM [^\n]*\n")
            m.text = ""
            m.wait_line(r"b: SUM [^\n]*\n")
            assert check_bystander([line for line in m.lines("b") if re.fullmatch(SUM, line)]) == 1
            m.do("stop b")
            m.wait_line("b: stopped: at the prompt")
            assert "b has stopped" in m.ask("stop b") and "eip=" in m.ask("regs b")
            m.do("start b")
            m.wait_line(r"b: reset: started at the prompt")
            m.wait_line(r"b: SUM [^\n]*\n")
            m.do("destroy b")
            m.wait_line("b: destroyed")
        m.do("start a")
        m.wait_line(r"a: SUM [^\n]*\n")


@pytest.mark.parametrize("engine", ["ring1", "recompile-all"])
def test_poke(engine):
    """What is written at the prompt counts at once, in code that runs, too: the
    instruction that counts its ticks."""
    at = symbols("bystander")
    with Prompt([vm("a", "bystander", "", engine)]) as m:
        m.wait_line("a: SUM")
        m.quiet("a")
        m.do("break 0x%x" % at["on_timer"])
        m.do("cont", "a", "breakpoint 1 at")
        count = at["on_timer"] + 5
        assert "40" in m.ask("x/b 0x%x" % count), "INC EAX"

        def ticks():
            said = m.ask("x/d 0x%x" % at["ticks"])
            return int(re.search(r"^[0-9a-f]{8}  ([0-9a-f]{8})", said, re.MULTILINE)[1], 16)
        for code, step in ((DEC_EAX, -1), (NOP, 0), (INC_EAX, 1)):
            m.do("poke/b 0x%x 0x%x" % (count, code))
            before = ticks()
            m.do("delete all")  # without a point its code runs as it did before
            m.do("cont")
            m.wait_line(r"a: SUM [^\n]*\n")
            m.do("pause a", "a", "paused at")
            # Counting down it may pass 0.
            more = (ticks() - before + (1 << 31)) % (1 << 32) - (1 << 31)
            assert (more > 0) == (step > 0) and (more < 0) == (step < 0)
            m.do("break 0x%x" % at["on_timer"])
            m.do("cont", "a", r"breakpoint \d+ at")
            before = ticks()
            m.do("cont", "a", r"breakpoint \d+ at")
            assert ticks() == before + step
        m.do("delete all")
        m.do("cont")
        m.wait_line(r"a: SUM [^\n]*\n")
        assert check_bystander([line for line in m.lines("a") if re.fullmatch(SUM, line)]) >= 2


def test_frozen():
    """A triple fault, on_triple_fault = freeze: everything can be seen,
    and how it came about is told."""
    with Prompt(["[ringleader]\nexit = poweroff\n",
                 vm("a", hostile("triple"), "", "auto", on_triple_fault="freeze")]) as m:
        m.wait_line(r"\] a: frozen by a triple fault at ([0-9a-f]{4}):([0-9a-f]{8}): (\S[^\n]*)\n")
        eip, chain = m.process.match[2], m.process.match[3]
        assert re.match(r"#\w+.*, then #DF", chain), chain
        m.wait_line(r"\] a: 1\. #GP\(1a\), general protection: gate 03 lies beyond the IDT,"
                    r" whose limit is 0000; at \w{4}:%s\r" % eip)
        m.wait_line(r"\] a: 2\. #GP\(6b\) in place of its handler: gate 0d lies beyond the IDT,"
                    r" whose limit is 0000\r")
        m.wait_line(r"\] a: 5\. shutdown: ")
        m.prompt()
        assert "eip=" + eip in m.ask("regs")
        said = m.ask("why")
        assert chain.strip() in said and "\n3. #DF(0), double fault" in said
        assert "\n5. shutdown" in said
        m.do("cont")
        m.wait_line("a: frozen by a triple fault at")
        assert re.search(r"a +paused", m.ask("vm list"))
