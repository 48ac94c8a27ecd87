# SPDX-License-Identifier: MIT
"""Debian's 32-bit kernels boot to a shell from our image and work there, under every engine.

One engine:  make guests && /usr/bin/python3 -m pytest tests/boot/test_debian.py -k ring1
"""
import hashlib
import re
import time

import pytest

from machine import ICOUNT, Machine, debian
from moments import work


def check_confinement(m):
    """All translated code that is there is proven to be confined (docs/recompiler.md)."""
    m.prompt()
    out = m.monitor("verify debian")
    m.guest()
    assert "NOT" not in out and int(out.split("blocks proven")[0].split()[-1]) > 1000, out


def check_warnings(m):
    """They do not come between a command's lines (iso/make-initramfs)."""
    assert m.run("echo '<4>take care' > /dev/kmsg") == ""
    assert m.run("dmesg | tail -n 1").endswith("] take care\n")


def check_files(m):
    """A pipeline over 16 MiB; the digest is the host's."""
    digest = hashlib.sha256(bytes(16 << 20)).hexdigest()
    out = m.run("head -c 16777216 /dev/zero | sha256sum")
    assert digest in out


def check_processes(m):
    assert "done 200" in m.run("i=0; while [ $i -lt 200 ]; do (true) & wait; i=$((i+1)); done; "
                               "echo done $i")
    assert "status 139" in m.run("sh -c 'kill -SEGV $$' ; echo status $?")


def check_floating_point(m):
    """Two processes at the same time; each sums the same series and must come to the same value."""
    awk = ("awk 'BEGIN { s = 0; for (i = 1; i <= 60000; i++) s += 1 / (i * 1.5 + 0.25); "
           "printf \"%.9f\\n\", s }'")
    out = m.run("%s > /tmp/a & %s > /tmp/b; wait; cat /tmp/a /tmp/b" % (awk, awk))
    expected = "%.9f" % sum(1 / (i * 1.5 + 0.25) for i in range(1, 60001))
    assert out.count(expected) == 2, out


def check_clock(m):
    """20 seconds of the guest are 20 seconds of ours within 1 %, beyond what the two readings
    themselves may have taken."""
    def now():
        before = time.monotonic()
        guest = float(m.run("cat /proc/uptime").split()[0])
        return before, guest, time.monotonic()

    before0, guest0, after0 = now()
    m.run("sleep 20")
    before1, guest1, after1 = now()
    assert (before1 - after0) * 0.99 < guest1 - guest0 < (after1 - before0) * 1.01


# All rules (docs/monitor.md). A page is followed for so many accesses as Linux needs.
STRICT = {"strict": "warn", "strict_ram": "256"}


def ibft_search(m):
    """Where Linux looks for an iSCSI boot table, by the names that it keeps itself."""
    m.prompt()
    at = re.search(r"(?m)^([0-9a-f]{8})  \d", m.monitor("print reserve_ibft_region"))
    m.guest()
    return int(at[1], 16)


def check_rules(m, search):
    """No rule is broken, but that this search reads RAM from 512 KiB on that nobody has written."""
    told = re.findall(r"strict: (\w+): .* at \w+:(\w{8})(?:, physical address (\w+))?", m.text())
    print("strict:", *told)
    assert m.text().count("strict: ") == len(told) == (2 if search else 0)
    for rule, at, number in told:
        assert search and rule == "ram_unwritten" and 0x80000 <= int(number, 16) < 0xa0000, told
        assert 0 <= int(at, 16) - search < 0x200, (told, hex(search))


def check_engine(engine, before, after):
    cycles = {p: after["state.%s.cycles" % p] - before["state.%s.cycles" % p]
              for p in ("monitor", "translator", "recompiler", "raw3", "raw1")}
    print(engine, cycles)
    if engine == "recompile-all":
        assert after["state.raw3.entries"] == after["state.raw1.entries"] == 0
    elif engine == "recompile":
        assert after["state.raw1.entries"] == 0 and cycles["raw3"] > 0
    elif engine == "ring1":
        assert cycles["raw1"] > 0 and cycles["raw3"] > 0
    else:
        assert cycles["raw3"] > 0


# Forks, execs, files and pipes: the kernel works, and its boot's delay loop does not flatter.
KERNEL_WORK = ("i=0; while [ $i -lt 100 ]; do cat /proc/meminfo | sort | wc -l >/dev/null; "
               "i=$((i+1)); done; "
               "find / -xdev -type f >/dev/null; tar c /bin/busybox | gzip | gzip -t")
# Measured: 0.54 (686), 0.49 and 0.51 (PAE) at first, 0.456 (PAE) since what C does in a few
# instructions has no account of its own. A guest instruction is about two of translated code (37 M
# of it for 200 forks that take bare 19 M), so of the guest's own instructions 0.43 is 0.58. Most of
# the rest runs with interrupts off, which ring 1 cannot.
RING1_SHARE = 0.43


def check_share(m):
    """Of the instructions of the kernel's own code so many are raw ring 1's. Under -icount the TSC
    counts instructions."""
    before = m.stat("debian")
    m.run(KERNEL_WORK)
    after = m.stat("debian")
    raw, translated = (after["state.%s.cycles" % p] - before["state.%s.cycles" % p]
                       for p in ("raw1", "recompiler"))
    print("raw ring 1: %.2f of the kernel's own instructions" % (raw / (raw + translated)))
    assert raw / (raw + translated) > RING1_SHARE


@pytest.mark.parametrize("kernel", ["vmlinuz-686", "vmlinuz-686-pae"])
@pytest.mark.parametrize("engine", ["auto", "ring1", "recompile", "recompile-all"])
def test_shell(kernel, engine):
    # Ring 1's share is measured, and strict costs faults.
    ring1 = engine == "ring1"
    # strict_ram makes a boot twice as long: once, where all reads are translated.
    whole = kernel == "vmlinuz-686" and engine == "recompile-all"
    rules = STRICT if whole else {"strict": "warn"}
    config = debian(kernel, engine, **({} if ring1 else rules))
    with Machine(config, extra=ICOUNT if ring1 else ()) as m:
        m.shell()
        search = ibft_search(m) if whole else None
        before = m.stat("debian")
        assert "GNU/Linux" in m.run("uname -a")
        assert re.search("GenuineIntel|AuthenticAMD", m.run("cat /proc/cpuinfo"))
        check_warnings(m)
        check_processes(m)
        check_floating_point(m)
        check_files(m)
        if kernel == "vmlinuz-686":
            work(m, 2, engine)
        if engine == "auto":
            check_clock(m)
        if engine == "ring1":
            check_share(m)
        check_engine(engine, before, m.stat("debian"))
        if engine == "recompile-all":
            check_confinement(m)
        m.process.send("poweroff -f\r")
        m.expect("stopped: power off")
        m.ended()
        check_rules(m, search)


def test_ring1_breaks_no_rule():
    """What test_shell() measures under ring 1 leaves no room for strict: a boot and a little work
    with it."""
    with Machine(debian("vmlinuz-686", "ring1", strict="warn"), extra=ICOUNT) as m:
        m.shell()
        check_processes(m)
        assert m.stat("debian")["state.raw1.entries"] > 0
        m.process.send("poweroff -f\r")
        m.expect("stopped: power off")
        m.ended()
        check_rules(m, None)
