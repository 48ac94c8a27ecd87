# SPDX-License-Identifier: MIT
"""Test guests (tests/guests) on bare QEMU and under Ringleader, and the bystander's sums computed
here."""
import functools
import os
import re
import subprocess

from machine import GUESTS, ROOT, TIMEOUT, Machine

WORD = 0xffffffff
FACTOR, SUMMAND, WORDS = 1664525, 1013904223, 64 * 64  # tests/guests/bystander.c
# Engine and ring, and the account that proves it: where `state.NAME.entries` of `stat` must grow.
PLACES = {"raw1": ("ring1", 0), "raw3": ("auto", 3), "recompiler0": ("recompile-all", 0),
          "recompiler3": ("recompile-all", 3)}


def bystander_sum(rounds):
    """All words go through the same w' = a w + c: n times is one multiplication by a^n and one
    addition."""
    a, c, n = 1, 0, rounds
    fa, fc = FACTOR, SUMMAND
    while n:
        if n & 1:
            a, c = a * fa & WORD, (c * fa + fc) & WORD
        fa, fc = fa * fa & WORD, (fc * fa + fc) & WORD
        n >>= 1
    total = 0
    for i in range(WORDS):
        total = (total << 1 | total >> 31) & WORD ^ ((i * 2654435761 * a + c) & WORD)
    return total


def check_bystander(lines):
    """Every line that it printed is right; returns how many there are."""
    rounds = []
    for line in lines:
        m = re.match(r"SUM (\d+) (\w+) (\d+) (\w+) ticks (\d+)$", line)
        assert m, line
        n = int(m[1])
        rounds.append(n)
        assert (int(m[2], 16), int(m[3]), int(m[4], 16)) == (bystander_sum(n), n,
                                                             n * (n + 1) // 2 & WORD), line
    assert rounds == sorted(set(rounds))
    return len(rounds)


def compared(lines):
    """Lines that begin with two blanks are for reading: what they say differs between
    processors."""
    return [line for line in lines if line and not line.startswith("  ")]


def bare_lines_of(guest, arguments, extra=(), every=False):
    """What a guest prints on bare QEMU, which it ends with isa-debug-exit. It is the last one of
    the arguments. every: lines too that are not compared."""
    p = subprocess.run([
        "qemu-system-x86_64", "-accel", "tcg", "-m", "64", "-display", "none", "-monitor", "none",
        "-serial", "stdio",
        "-device", "isa-debug-exit,iobase=0x501", *arguments, os.path.join(GUESTS, guest), *extra],
        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=TIMEOUT, check=False)
    lines = [line.rstrip() for line in p.stdout.decode("latin-1").replace("\r", "").split("\n")]
    assert lines[:-1] and p.returncode == 1, "%s: exit code %d:\n%s" % (guest, p.returncode,
                                                                        "\n".join(lines[-20:]))
    return lines if every else compared(lines)


@functools.lru_cache(maxsize=None)
def bare_lines(guest, cmdline, cpu):
    """A guest that is a kernel. bare=1: it leaves out what QEMU hangs in."""
    return bare_lines_of(guest, ["-cpu", cpu, "-kernel"], ["-append", cmdline + " bare=1"])


def vm(name, guest, cmdline, engine, **more):
    keys = {"memory": "16M", "kernel": guest, "cmdline": cmdline, "engine": engine,
            "serial0": "log", "debug_exit": "yes",
            "verify": "yes" if engine == "recompile-all" else "no", **more}
    return "[vm %s]\n" % name + "".join("%s = %s\n" % pair for pair in keys.items())


def hostile(what):
    """The kernel of a guest that does wrong; its name. Tests that run at the same time may want the
    same."""
    name = "hostile-" + what
    image = os.path.join(GUESTS, name)
    mine = "%s.%d" % (image, os.getpid())
    subprocess.run(["nasm", "-f", "bin", "-DWHAT=" + what, "-o", mine,
                    os.path.join(ROOT, "tests/guests/hostile.asm")], check=True)
    os.replace(mine, image)
    return name


def build():
    subprocess.run(["make", "-s", "-C", ROOT, "test-guests"], check=True)


class Guests(Machine):
    """Several test guests and a bystander on one machine, all of whose lines go to the log."""

    def __init__(self, sections, cpu="max", check="isolation", **more):
        build()
        super().__init__("".join(sections), cpu=cpu, arguments="check=" + check, **more)
        self.text = ""

    def wait_stopped(self, names):
        """Until all of these VMs have stopped; whatever was printed is kept."""
        left = set(names)
        while left:
            self.process.expect([r"\] (\S+): stopped: ([^\n]*)\n", r"(panic|PANIC)[^\n]*\n"])
            self.text += self.process.before + self.process.after
            assert self.process.match.lastindex == 2, self.text[-2000:]
            left.discard(self.process.match[1])

    def lines(self, name):
        """What a VM printed until now."""
        return [line.replace("\r", "").rstrip()
                for line in re.findall(r"\] %s: (.*)" % re.escape(name), self.text)]

    def wait_line(self, pattern):
        self.process.expect(pattern)
        self.text += self.process.before + self.process.after

    def quiet(self, *names):
        """Pauses VMs, so that nothing but answers appears at the prompt."""
        self.prompt()
        self.text += self.process.before
        for n in names:
            self.process.send("pause %s\r" % n)
            self.wait_line("%s: paused" % n)

    def counters(self, name):
        """stat -m, whatever is printed around it: it begins with the VM's name and ends with
        desc.syncs."""
        self.process.send("stat -m %s\r" % name)
        self.expect(r"vm %s\r*\n" % re.escape(name), r"desc\.syncs \d+")
        pairs = (line.split() for line in self.process.before.splitlines())
        return {p[0]: int(p[1]) for p in pairs if len(p) == 2 and p[1].isdigit()}
