# SPDX-License-Identifier: MIT
"""Machines are saved and loaded at random moments of Debian's boot and work, and go on to the same
result; a stream goes out over the console and comes back as a boot module after a reboot; streams
that are not good, or hostile, are refused by name or do no harm.

MOMENTS=200 (make check-snapshots): so many under every engine. Alone: /usr/bin/python3 -m pytest
tests/boot/test_snapshot.py -k bad
"""
import os
import random
import re
import subprocess

import pytest

from guests import bystander_sum, build
from machine import ROOT, Machine, debian
from moments import moment, work
from streams import changed, hostile, seal, sections

MOMENTS = int(os.environ.get("MOMENTS", 0))
SEED = int(os.environ.get("SEED", 1))
BOOT_PART = 4  # one moment of so many is in the boot
PER_WORK = 12  # moments in one piece of work


def boot_moments(m, count, rng):
    """From the loader's first line on. Where there are more than the boot lasts, the rest are at
    the shell."""
    m.expect("Linux version")
    for _ in range(count):
        moment(m, rng)
    m.process.send("\r")
    m.expect(r"guest:[^#]*# ")


@pytest.mark.parametrize("engine",
                         ["auto", "ring1", "recompile", "recompile-all"] if MOMENTS else ["auto"])
def test_moments(engine):
    rng, left = random.Random(SEED), (MOMENTS or 8)
    with Machine(debian(engine=engine)) as m:
        boot_moments(m, left // BOOT_PART, rng)
        left -= left // BOOT_PART
        while left > 0:
            work(m, min(left, PER_WORK), rng.random())
            left -= PER_WORK
        assert "clocksource tsc unstable" not in m.run("dmesg").lower().replace("'", "")
        m.prompt()
        assert " debian " in m.monitor("snapshot list")
        m.guest()
        m.process.send("poweroff -f\r")
        m.expect("stopped: power off")
        m.ended()


def bystander(name, **more):
    keys = {"memory": "8M", "kernel": "bystander", "cmdline": "ring=3 every=500", **more}
    return "[vm %s]\n" % name + "".join("%s = %s\n" % pair for pair in keys.items())


def sums(m, count):
    """The rounds of the next lines, whose sums must be right."""
    rounds = []
    for _ in range(count):
        m.expect(r"SUM (\d+) (\w+) (\d+) (\w+) ticks")
        n, total, x87, sse = m.process.match.groups()
        assert (int(total, 16), x87, int(sse, 16)) == (bystander_sum(int(n)), n,
                                                       int(n) * (int(n) + 1) // 2 & 0xffffffff)
        rounds.append(int(n))
    return rounds


@pytest.fixture(scope="module", name="stream")
def saved_and_sent(tmp_path_factory):
    """A machine as its console's log has it, and the last round whose sum it had printed."""
    build()
    with Machine(bystander("one"), name="snapshot_sent") as m:
        sums(m, 3)
        m.prompt()
        m.process.send("save one\r")
        m.expect("one: saved as one: ")
        last = int(re.findall(r"SUM (\d+) ", m.text())[-1])
        m.process.send("pause one\rsnapshot send one\r")
        m.expect("=== state one ", r"=== end ===")
        log = m.log.name
        m.text()
        out = str(tmp_path_factory.mktemp("state") / "one.state")
        subprocess.run([os.path.join(ROOT, "iso/state-file"), log, out], check=True)
    with open(out, "rb") as f:
        return f.read(), last


@pytest.mark.parametrize("engine", ["auto", "recompile-all"])
def test_reboot(stream, engine):
    """Another start of the monitor, another engine: the sums go on where they were."""
    data, last = stream
    with Machine(bystander("two", engine=engine, state="one.state"),
                 files={"one.state": data}) as m:
        m.expect("two: loaded from one.state")
        rounds = sums(m, 3)
        assert last < rounds[0] + 500 and rounds[0] > 500, (last, rounds)
        assert rounds == list(range(rounds[0], rounds[0] + 1500, 500))


def bad_streams(data):
    """Name, bytes, and what is said of them."""
    cpu = next(at for name, at, _ in sections(data) if name == "cpu")
    ram = [at for name, at, _ in sections(data) if name == "ram"]
    flipped = bytearray(data)
    flipped[cpu + 5] ^= 4
    late = bytearray(data)
    late[ram[-1] + 100] ^= 1
    return [
        ("short.state", data[:cpu + 50], "section cpu: the stream ends here"),
        ("ram.state", data[:ram[1] + 1000], "section ram: the stream ends here"),
        ("noend.state", data[:-28], "the stream ends here"),
        ("flip.state", bytes(flipped), "section cpu: its checksum is wrong"),
        ("late.state", bytes(late), "section ram: its checksum is wrong"),
        ("format.state", seal(data[:8] + b"\x63" + data[9:]),
         "format 99; this build knows them up to "),
        ("newer.state", seal(data[:cpu - 8] + b"\x09" + data[cpu - 7:]), "section cpu: version 9"),
        ("size.state", seal(changed(data, "machine", 2, b"\x40")),
         "section machine: a machine with memory = 4096K"),
        ("model.state", seal(changed(data, "machine", 29, b"\2")),
         "section machine: a machine with cpu = pentium2; this one has cpu = host"),
        ("leaf.state", seal(changed(data, "machine", 37, b"XYZ")),
         "section machine: another processor: CPUID leaf 0"),
        ("flags.state", seal(changed(data, "cpu", 36, b"\xff\xff")), "section cpu: field eflags"),
        ("far.state", seal(data[:ram[1]] + b"\0\0\0\1" + data[ram[1] + 4:]), "section ram: "),
        ("text.state", b"this is no saved machine at all", "not a saved machine"),
    ]


def test_bad_streams(stream):
    """Machines that begin with one do not start, and say why; a running machine refuses each by
    name and goes on."""
    bad = bad_streams(stream[0])
    config = bystander("good") + "".join(bystander("vm%d" % i, state=name, serial0="log") for i,
                                         (name, _, _) in enumerate(bad))
    with Machine(config, files={name: data for name, data, _ in bad}) as m:
        said = {}
        while len(said) < len(bad):
            m.expect(r"vm\d+: (\S+) is not loaded: ([^\r\n]*)[\r\n]")
            said[m.process.match[1]] = m.process.match[2]
        for name, _, why in bad:
            assert why in said[name], (name, said[name])
        m.prompt()
        assert m.monitor("vm list").count("its saved state could not be loaded") == len(bad)
        for name, _, why in bad:
            m.process.send("load good %s\r" % name)
            m.expect(r"good: %s is not loaded: ([^\r\n]*)[\r\n]" % re.escape(name))
            assert why in m.process.match[1], (name, m.process.match[1])
        m.guest()
        rounds = sums(m, 4)
        assert rounds == list(range(rounds[0], rounds[0] + 2000, 500))


@pytest.mark.parametrize("engine", ["ring1", "recompile-all"])
def test_hostile_streams(stream, engine):
    """Any fields behind good checksums: refused, or run to whatever end; the machine beside them
    computes on."""
    rng, count = random.Random(SEED), 16
    files = {"h%d.state" % i: hostile(stream[0], rng) for i in range(count)}
    config = bystander("good") + "".join(
        bystander("vm%d" % i, state="h%d.state" % i, serial0="none", engine=engine)
        for i in range(count))
    with Machine(config, files=files, arguments="check=isolation", memory="2G",
                 name="test_hostile_streams_" + engine) as m:
        told = {}
        while len(told) < count:
            m.expect(r"(vm\d+): (\S+ is not loaded|loaded from)")
            told[m.process.match[1]] = m.process.match[2]
        print("loaded: %d of %d" % (sum("from" in t for t in told.values()), count))
        assert any("from" in t for t in told.values())
        rounds = sums(m, 6)
        assert rounds == list(range(rounds[0], rounds[0] + 3000, 500))
        m.prompt()
        assert "vm0" in m.monitor("vm list")


def test_no_memory():
    """Saved until the machine's memory is used up: that save is refused, and everything before and
    after it goes on."""
    build()
    with Machine(bystander("one", serial0="log"), memory="128M") as m:
        m.expect(r"SUM 500 ")
        m.prompt()
        for n in range(1000):
            m.process.send("save one s%d\r" % n)
            m.expect(r"one: (saved as|not saved: )([^\r\n]*)[\r\n]")
            if m.process.match[1] != "saved as":
                break
        assert "no room for the stream" in m.process.match[2] and n > 3, (n, m.process.match[0])
        m.process.send("snapshot drop s0\rsave one again\r")
        m.expect("one: saved as again: ")
        # a load keeps what the machine is now until it is over
        m.process.send("snapshot drop s2\rload one s1\r")
        m.expect("one: loaded from s1: ")
        m.process.send("save one s2\r")
        m.expect("one: saved as s2: ")
        m.process.send("save one lost\r")
        m.expect("one: not saved: ")
        m.process.send("snapshot list\r")
        m.expect(r"again ", r"K used")
        m.expect(r"one: SUM ", "one: SUM ")


def test_given_up():
    """What is typed while a machine is being saved or loaded: again, pause, reset, destroy."""
    build()
    with Machine(bystander("one", serial0="log") + bystander("two", serial0="log"),
                 memory="512M") as m:
        m.expect(r"one: SUM \d+ ", r"two: SUM \d+ ")
        m.prompt()
        m.process.send("save one\rsave one other\r")
        m.expect("one is being saved or loaded", "one: saved as one: ")
        m.process.send("load one\rpause one\r")
        m.expect("one: paused", "one: loaded from one: ")
        m.process.send("vm list\r")
        m.expect(r"one +paused ")
        m.process.send("save one still\r")
        m.expect("one: saved as still: ")
        m.process.send("resume one\r")
        m.expect("one: running", r"one: SUM \d+ ")
        m.process.send("load one\rreset one\r")
        m.expect("one: reset: asked for at the prompt", "one: SUM 500 ")
        m.process.send("save one lost\rdestroy one\r")
        m.expect("one: destroyed", r"two: SUM \d+ ")
        m.process.send("load two still\r")
        m.expect("two: loaded from still: ", r"two: SUM \d+ ", r"two: SUM \d+ ")
        m.process.send("snapshot list\r")
        m.expect("K used")
        assert "lost" not in m.process.before.split("SNAPSHOT")[-1]
