# SPDX-License-Identifier: MIT
"""The prompt's commands that measure: what they count adds up, and each takes
good, missing and absurd arguments.

One test:  /usr/bin/python3 -m pytest tests/boot/test_measure.py -k states
"""
import os
import re
import subprocess

from guests import vm
from machine import ROOT
from prompt import Prompt, symbols


def cycles(stat):
    return sum(n for key, n in stat.items() if re.fullmatch(r"(state|away)\.\w+\.cycles", key))


def check_wall(before, after):
    """All of the time between two readings is on one of the accounts."""
    wall = (after["monitor.clock_ns"] - before["monitor.clock_ns"]) * after["monitor.tsc_hz"] / 1e9
    spent = cycles(after) - cycles(before)
    assert abs(spent - wall) < wall / 100, (spent, wall)
    return {key: (after[key] - before[key]) / wall for key in after
            if re.match(r"(state|away)\.\w+\.cycles", key)}


ANSWERS = [
    ("stat a", r"a: running, engine ring1; change: since its creation, \d+\.\d{3} s\n"),
    ("stat", r"which VM\?"), ("use a", ""),
    ("stat", r"a: running, engine ring1; change: the last \d+\.\d{3} s\n"),
    ("stat", r"\n  raw ring 1 +[\d,]+ +\d+\.\d +(\d+\.\d|-) +[\d,]+\n"),
    ("stat b", r"exits of raw code +total +change +a second\n  "), ("stat c", "no VM is called c"),
    ("stat -m c", "no VM is called c"), ("stat -m a", r"vm a\n"), ("stat a -m", r"vm a\n"),
    ("stat -x a", r"stat \[-m\] \[NAME\]"), ("stat -m -m a", r"stat \[-m\] \[NAME\]"),
    ("stat a b", r"stat \[-m\] \[NAME\]"), ("stat -x", "no VM is called -x"),
    ("exits", r"time \(s\) +\+us place +exit +info +eip +detail\n"
              r"( +\d+\.\d{6} +\d+\.\d{3} \w+ +\w+ +\w+ \w{8} \w{8}.*\n){40}"),
    ("exits a 3", r"detail\n( +\d+\.\d{6} [^\n]*\n){3}(?! +\d+\.)"),
    ("exits b 0", r"detail\n(?! +\d)"), ("exits 1024", r"( +\d+\.\d{6} [^\n]*\n){60}"),
    ("exits 1025", "1025: not a number up to 1024"),
    ("exits a b c", r"exits \[-a\] \[NAME\] \[N\]"), ("exits -5", "-5: not a number"),
    ("exits c", "c: not a number"),
    ("exits -a", r"the last \d+ exits, from \d+ places\n exits +% +place"),
    ("exits a -a 1", r"eip\n +\d+ +\d+\.\d \w+ +\w+ [^\n]*\n"), ("hot c", "c: not a number"),
    ("hot a 1 2", r"hot \[-f\] \[NAME\] \[SECONDS\]"),
    ("hot 3601", "3601: not a number up to 3600"), ("hot -x", "-x: not a number"),
    ("hot a 0; echo behind", r"(?s)a: \d+ samples in \d+ ms; of the time:.*samples +% .*behind"),
    ("top -2", r"top \[-1\]"), ("top 1 2", r"top \[-1\]"),
    ("top -1", r"up [\d,]+\.\d{3} s; processor 0: idle \d+\.\d %"),
    ("top -1", r"\na +running +ring1 +\d+\.\d[^\n]*\nb +running +auto "),
    ("blocks c", "c: not a number"), ("blocks a 1 2 3", r"blocks \[NAME\] \[N \[SECONDS\]\]"),
    ("blocks 51", "51: not a number up to 50"), ("blocks 1 3601", "3601: not a number up to 3600"),
    ("blocks -f", "-f: not a number"),
    ("blocks b 0 1; echo behind",
     r"(?s)b: \d+ samples in \d+ ms; of the time:.*of the samples: .*behind"),
    ("exits -a 99999", "99999: not a number up to 1024"),
]


def test_states():
    """A busy machine, one that shares the processor with it, and one that is paused: the states add
    up to the time that passed."""
    with Prompt([vm("a", "bystander", "ring=0", "ring1"),
                 vm("b", "bystander", "ring=3", "auto")]) as m:
        m.wait_line("a: SUM")
        m.wait_line("b: SUM")
        m.prompt()
        before = {name: m.counters(name) for name in "ab"}
        for _ in range(3):
            m.wait_line("a: SUM")
        after = {name: m.counters(name) for name in "ab"}
        share = {name: check_wall(before[name], after[name]) for name in "ab"}
        for name in "ab":
            assert share[name]["away.waiting.cycles"] > 0.3, share
            assert share[name]["away.standing.cycles"] == 0, share
        m.process.send("pause b\r")
        m.wait_line("b: paused")
        before = m.counters("b")
        m.wait_line("a: SUM")
        share = check_wall(before, m.counters("b"))
        assert share["away.standing.cycles"] > 0.99, share
        m.process.send("resume b\r")
        m.wait_line("b: SUM")
        # What was counted since the machine began is no more than its time, and
        # no less than that of its VMs.
        for name in "ab":
            now = m.counters(name)
            ns = cycles(now) * 1e9 / now["monitor.tsc_hz"]
            age = now["monitor.clock_ns"] - now["vcpu.started_ns"]
            assert age < ns * 1.01 < now["monitor.clock_ns"] * 1.01
        for command, answer in ANSWERS:
            said = m.ask(command)
            assert re.search(answer, said), "%s: %s" % (command, said)


def check_blocks(m, at):
    """The hottest block is in that loop, and each of its instructions stands beside what was made
    of it, with shares that add up."""
    assert re.search(r"of the samples:.* raw ring 1 [89]\d\.", m.ask("blocks a 1 2"))
    said = m.ask("blocks b 2 2")
    blocks = re.split(r"\n(?=[\d.]+ % of all samples)", said)[1:]
    assert len(blocks) in (1, 2) and re.search(r"of the samples:.* blocks [1-9]\d\.", said), said
    for block in blocks:
        head = re.match(r"([\d.]+) % of all samples \([\d,]+\): block at (\w{8}) <(\w+)\+?\w*>\n"
                        r"(\d+) instructions of \d+ bytes in \d+ bytes; "
                        r"protected mode, 32-bit, CPL 0 to 2\n", block)
        assert head and at[head[3]] <= int(head[2], 16), block
        guest = re.findall(r"(?m)^ *([\d.]*) (\w{8})  (\S.*?) *\| *([\d.]*) +([0-9a-f]+)  (\S.*)$",
                           block)
        rows = re.findall(r"(?m)\| *([\d.]*) +([0-9a-f]+)  (\S.*)$", block)
        assert len(guest) == int(head[4]) and len(rows) >= len(guest), block
        for sums in ([row[0] for row in guest], [row[0] for row in rows]):
            off = abs(sum(float(s or 0) for s in sums) - float(head[1]))
            assert off < 0.05 * len(sums) + 0.1, block
    assert float(re.match(r"[\d.]+", blocks[0])[0]) > 50, said
    assert "<guest_main+" in blocks[0].split("\n")[0], said


def test_samples(tmp_path):
    """hot finds the loop that a guest is in, by name, in raw and in translated code; its stacks
    come out of the log; keys end a job."""
    at = symbols("bystander")
    names = "".join("%08x T %s\n" % (value, name) for name, value in at.items())
    guests = [vm(n, "bystander", "ring=0", engine, symbols="names.map")
              for n, engine in (("a", "ring1"), ("b", "recompile-all"))]
    with Prompt(guests, files={"names.map": names.encode()}) as m:
        m.wait_line("a: SUM")
        m.wait_line("b: SUM")
        m.prompt()
        for name, place in (("a", "raw1"), ("b", "recompiler")):
            said = m.ask("hot %s 2" % name)
            assert re.search(r"%s: \d+ samples in \d+ ms; of the time:.* %s [1-9]"
                             % (name, place), said), said
            hottest = re.search(r"address\n +(\d+) +(\d+\.\d) (.*)  \w{8} <(\w+)>\n", said)
            assert hottest[4] == "guest_main" and float(hottest[2]) > 50, said
            shares = dict(zip(("monitor", "translator", "recompiler", "raw3", "raw1"),
                              map(float, hottest[3].split())))
            assert shares[place] > 80, said
        check_blocks(m, at)
        m.process.send("hot -f a 2\r")
        m.expect(r"end of stacks, \d+ lost")
        out = str(tmp_path / "stacks")
        m.log.flush()
        subprocess.run([os.path.join(ROOT, "iso/stacks-file"), m.log.name, out], check=True)
        with open(out, encoding="latin-1") as f:
            stacks = dict(line.rsplit(" ", 1) for line in f.read().splitlines())
        inside = sum(int(n) for s, n in stacks.items() if s.endswith(";guest_main"))
        assert inside > sum(map(int, stacks.values())) / 2, stacks
        # What is typed behind a job waits for its end; Ctrl-C ends it and what waits.
        m.process.send("hot a 3000\recho never\r\x03echo alive\r")
        m.expect(r"samples in", r"\^C", r"\nalive\r*\n")
        assert "\nnever" not in m.process.before
        m.process.send("top\r")
        m.expect("a key ends this", "a key ends this")
        m.process.send("qecho ended\r")
        m.expect(r"\nended\r*\n")
        m.wait_line(r"a: SUM [^\n]*\n")
