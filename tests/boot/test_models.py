# SPDX-License-Identifier: MIT
"""CPU models (`cpu = pentium` and so on, docs/cpuid.md): what tests/guests/models.c finds is what
the model says, in ring 0 by any engine and in ring 3 where the monitor answers CPUID; Debian runs
on one; a machine that cannot serve one says so."""
import pytest

import guests
from guests import Guests, bare_lines_of, compared, vm
from machine import Machine, debian

# Zeroth to last feature: what each instruction needs.
ALWAYS, P6, FXSR, SSE, SSE2 = range(5)
NEEDS = {"cmpxchg8b": ALWAYS, "rdtsc": ALWAYS, "mmx": ALWAYS, "cmov": P6, "fcomi": P6, "fcmov": P6,
         "nopl": P6, "fxsave": FXSR,
         "sse": SSE, "sse-mmx": SSE, "sfence": SSE, "sse2": SSE2, "sse2-int": SSE2, "mfence": SSE2,
         "clflush": SSE2}
NEVER = ["sse3", "sse3-x87", "ssse3", "sse4.1", "crc32", "popcnt", "movbe", "aes", "rdrand",
         "xgetbv", "avx", "bmi"]
MTRR = [0xfe, 0x200, 0x2ff]
P6_MSRS = [0x10, 0x17, 0x1b, 0x2a, 0x79, 0x8b, 0xc1, *MTRR, 0x119, 0x174, 0x186, 0x1d9, 0x277]
K8_MSRS = [0x10, 0x1b, 0x8b, *MTRR, 0x174, 0x1d9, 0x277, 0xc0000080, 0xc0010015, 0xc0011020]
# Its last feature, signature, leaf 2 EDX, bits of CR4 besides PAE, registers of those that the
# guest tries, and QEMU's name of it.
MODELS = {
    "pentium": (ALWAYS, 0x543, None, 0x15f, [0, 1, 0x10, 0x11], "pentium"),
    "pentium2": (FXSR, 0x652, 0x0c040843, 0x3df, P6_MSRS, "pentium2"),
    "pentium3": (SSE, 0x673, 0x0c040843, 0x7df, P6_MSRS, "pentium3"),
    "athlon64": (SSE2, 0xf48, None, 0x7df, K8_MSRS, "athlon"),
}
# QEMU has no Athlon 64 of 32 bits: its Athlon is one of family 6, without CLFLUSH.
OTHER = {"athlon64": ("family", "features")}


def bare(model):
    lines = bare_lines_of("models", ["-cpu", MODELS[model][5], "-kernel"],
                          ["-append", "ring=0 bare=1"])
    return [line for line in lines if not line.startswith(OTHER.get(model, "none"))]


def check_instructions(model, lines):
    for name, needs in NEEDS.items():
        word = "there" if needs <= MODELS[model][0] else "#UD"
        assert any(line.strip() == "%s: %s" % (name, word) for line in lines), (model, name)
    for name in NEVER:
        assert any(line.strip() == name + ": #UD" for line in lines), (model, name)
    assert "  sysenter: %s" % ("#UD" if model == "pentium" else "#GP") in lines


def check_registers(model, lines):
    _, signature, cache, cr4, msrs, _ = MODELS[model]
    assert any(line.startswith("  signature %08x" % signature) for line in lines)
    assert "  cr4 %08x" % cr4 in lines
    assert [int(line.split()[1], 16) for line in lines if line.startswith("  msr")] == sorted(msrs)
    if cache:
        assert any(line.startswith("  leaf 2") and line.endswith("%08x" % cache) for line in lines)


def test_models():
    guests.build()
    rows = [(m, engine, ring) for m in MODELS for engine,
            ring in (("auto", 0), ("recompile-all", 3))]
    with Guests([vm("%s-%d" % (m, ring), "models", "ring=%d" % ring, engine, cpu=m) for m, engine,
                 ring in rows]) as machine:
        machine.wait_stopped(["%s-%d" % (m, ring) for m, _, ring in rows])
        for m, _, ring in rows:
            lines = [line for line in machine.lines("%s-%d" % (m, ring))
                     if not line.startswith(("16M,", "stopped:", "cpu ="))]
            there = [line for line in compared(lines) if not line.startswith(OTHER.get(m, "none"))]
            assert there == bare(m), m
            check_instructions(m, lines)
            if ring == 0:
                check_registers(m, lines)


def test_what_this_machine_lacks_is_refused():
    with Guests([vm("k8", "models", "ring=0", "auto", cpu="athlon64"),
                 vm("p3", "models", "ring=0", "auto", cpu="pentium3")],
                cpu="qemu64,-nx") as m:
        m.wait_line(r"k8: [^\n]*cpu = athlon64: this processor has no NX")
        m.wait_stopped(["p3"])


@pytest.mark.parametrize("model,name", [("pentium3", "Pentium III")])
def test_debian(model, name):
    """The kernel believes it; its programs, raw, are told what this machine is."""
    with Machine(debian(memory="128M", cpu=model)) as m:
        m.shell()
        info = m.run("cat /proc/cpuinfo")
        assert "cpu family\t: 6" in info and name in info
        flags = info.split("flags\t\t: ")[1].split("\n")[0].split()
        assert "sse" in flags and "sse2" not in flags and "cmov" in flags
        m.run("find / -xdev -type f | wc -l")
