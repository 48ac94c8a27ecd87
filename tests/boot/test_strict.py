# SPDX-License-Identifier: MIT
"""strict = warn | stop (docs/monitor.md): guests that break each rule of emu/dev/strict.def, under
each engine, are told of once for each rule and address, and not while they do as they should; with
`stop` they stand behind the first one. A VM without `strict` is not told of. test_debian.py runs
Debian so, and finds no rule broken.
"""
import os
import re

import pytest

from guests import PLACES as ENGINE_PLACES, Guests, vm
from machine import ROOT

# At how many addresses tests/guests/strict.c breaks each rule: twice at each of them, or until it
# is noticed. In the table's order.
PLACES = {"ata_command": 1, "ata_register": 1, "ata_400ns": 2, "ata_data": 1, "pic_eoi": 2,
          "pic_order": 1, "pic_words": 3, "pic_no_eoi": 1, "apic_no_eoi": 1, "pci_read_only": 1,
          "apic_read_only": 1, "ioapic_read_only": 1, "hpet_read_only": 1, "hpet_running": 1,
          "floppy_seek": 1, "uart_out2": 1, "uart_read_only": 1, "pm_timer_read_only": 1,
          "rtc_read_only": 1}
NOTICED = {"pic_no_eoi": ["input 2"], "apic_no_eoi": ["vector 51"],
           "pic_words": ["word 10", "word 8", "word 0"], "pci_read_only": ["register 80000000"],
           "apic_read_only": ["offset 30"], "ioapic_read_only": ["register 1"],
           "floppy_seek": ["cylinder 5"], "uart_out2": ["COM 2"]}
TURNS = {"pic_no_eoi", "apic_no_eoi"}  # looked for until they are noticed
ENGINES = {"a": "auto", "b": "ring1", "c": "recompile", "d": "recompile-all"}
DISK = {"disk0": "strict.img", "floppy": "empty", "apic": "yes"}


def told_of(lines):
    return [line for line in lines if line.startswith("strict: ")]


def check_rules(m, name):
    lines = m.lines(name)
    told = [re.match(r"strict: (\w+): .* \(.+\) at 0010:\w{8}(?:, (.*))?$", line)
            for line in told_of(lines)]
    rules = [t[1] for t in told]
    assert {rule: rules.count(rule) for rule in rules} == PLACES, lines
    assert all(t[2] in NOTICED.get(t[1], [None]) for t in told), lines
    assert not told_of(lines[:lines.index("wrong")])
    assert "end" in lines
    m.process.send("strict %s\r" % name)
    for rule, places in PLACES.items():
        m.expect(r"%s +%s  " % (rule, r"\d+" if rule in TURNS else 2 * places))


def test_rules():
    sections = [vm(name, "strict", "", engine, strict="warn", **DISK)
                for name, engine in ENGINES.items()]
    sections += [vm("off", "strict", "", "auto", **DISK),
                 vm("held", "strict", "", "auto", strict="stop", **DISK)]
    with Guests(sections, files={"strict.img": bytes(1 << 20)}) as m:
        m.wait_stopped([*ENGINES, "off"])
        m.prompt()
        for name in ENGINES:
            check_rules(m, name)
        assert not told_of(m.lines("off"))
        m.process.send("vm list\r")
        m.expect(r"held +paused")
        assert "end" not in m.lines("held") and len(told_of(m.lines("held"))) == 1


# Who need not see it: raw code writes to its own page, which holds translated code by chance only;
# limits are the processor's there, and QEMU's TCG (7.2) has none.
UNSEEN = {("smc_jump", "raw3"), ("segment_limit", "raw1"), ("segment_limit", "raw3"),
          ("sse_align", "raw1"), ("sse_align", "raw3")}


def expected_and_told(lines):
    """What the guest says it breaks, line by line, and what was told behind it."""
    said, told = [], []
    for line in lines:
        m = re.match(r"(?:wrong (\w+)|right .*)$", line)
        if m:
            said.append([m[1]] if m[1] else [])
            told.append([])
        m = re.match(r"strict: (\w+): .* \(.+\) at \w{4}:\w{8}", line)
        if m:
            told[-1].append(m[1])
    return said, told


@pytest.mark.parametrize("guest, more", [("strict_cpu", {}),
                                         ("strict_memory", {"strict_ram": "1000000"})])
def test_processor(guest, more):
    """tests/guests/strict_cpu.c and strict_memory.c in raw code of both rings and in translated
    code."""
    sections = [vm(place, guest, "ring=%d" % ring, engine, strict="warn", **more)
                for place, (engine, ring) in ENGINE_PLACES.items()]
    with Guests(sections) as m:
        m.wait_stopped([*ENGINE_PLACES])
        for place in ENGINE_PLACES:
            said, told = expected_and_told(m.lines(place))
            said, told = ([[rule for rule in s if (rule, place) not in UNSEEN] for s in side]
                          for side in (said, told))
            assert len(said) > 5 and said == told, (place, m.lines(place))


def source(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def test_each_rule_has_a_guest():
    """What the two tests above see broken is the whole table."""
    rules = re.findall(r"^STRICT\((\w+),", source("emu/dev/strict.def"), re.M)
    guests = source("tests/guests/strict_cpu.c") + source("tests/guests/strict_memory.c")
    broken = set(re.findall(r'(?:wrong|breaks|twice)\("(\w+)"', guests)) | set(PLACES)
    assert sorted(rules) == sorted(broken)
    assert [rule for rule in rules if rule in PLACES] == list(PLACES)
