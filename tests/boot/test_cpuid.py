# SPDX-License-Identifier: MIT
"""CPUID as a program's own instruction answers it, leaf by leaf, against what the monitor told the
guest's kernel.

One processor:  make guests && /usr/bin/python3 -m pytest tests/boot/test_cpuid.py -k qemu64-auto
"""
import pytest

from machine import Machine, debian

EAX, EBX, ECX, EDX = range(4)
ALL = 0xffffffff


def bits(*n):
    return sum(1 << i for i in n)


# docs/cpuid.md as bits: what the kernel is not told of, and programs must not act on. (leaf,
# register): bits. Nothing else may differ; and a bit of a feature (HIDDEN) may only be missing in
# the kernel's answer, never added to it.
EDX_1 = bits(7, 9, 14, 17, 18, 21, 22, 28, 29, 31)
HIDDEN = {
    (1, ECX): bits(2, 3, 4, 5, 6, 7, 8, 10, 11, 14, 15, 17, 18, 21, 24, 31),
    (1, EDX): EDX_1,
    (7, EBX): bits(0, 1, 2, 4, 7, 10, 11, 12, 14, 15, 16, 17, 20, 21, 25, 26, 27, 28, 30, 31),
    (7, ECX): ALL & ~bits(8, 9, 10),
    (7, EDX): ALL & ~bits(4, 10),
    (0x80000001, ECX): ALL & ~bits(0, 5, 6, 7, 8),
    (0x80000001, EDX): bits(7, 9, 11, 14, 17, 19, 25, 26, 27, 29, 30, 31),
}
# Not the processor's: VME, which the virtual CPU always has; processor numbering, sizes of the
# state that XCR0 enables, address bits; and leaves that the kernel sees empty (MONITOR, thermal,
# performance counters, SVM, sub-leaves of 7).
NUMBERS = {
    (1, EDX): bits(1),
    (1, EBX): 0xffff0000, (4, EAX): 0xffffc000,
    (0x80000008, EAX): 0xffff00ff,
}
WHOLE = (5, 6, 0xa, 0xb, 0xd, 0x80000007, 0x80000008, 0x8000000a)


def leaves(text):
    answer = {}
    for line in text.splitlines():
        word = line.split()
        if len(word) == 6 and word[0] == "cpuid":
            leaf, sub = word[1].split(".")
            answer[int(leaf, 16), int(sub)] = [int(w, 16) for w in word[2:]]
    return answer


def check(kernel, program):
    assert kernel.keys() == program.keys() and len(kernel) > 10
    differing = 0
    for (leaf, sub), told in kernel.items():
        for register in range(4):
            native = program[leaf, sub][register]
            allowed = HIDDEN.get((leaf, register), 0) | NUMBERS.get((leaf, register), 0)
            if leaf in WHOLE or (leaf == 7 and sub):
                allowed = ALL
            where = "leaf %x.%d register %d: kernel %x, program %x" % (leaf, sub, register,
                                                                       told[register], native)
            assert not (told[register] ^ native) & ~allowed, where
            assert not told[register] & ~native & HIDDEN.get((leaf, register), 0), where
            differing += told[register] != native
    return differing


@pytest.mark.parametrize("cpu,engine",
                         [("max", "auto"), ("qemu64", "auto"), ("max", "recompile-all")])
def test_cpuid(cpu, engine):
    # The poor processor also executes the barriers against speculation that it would not ask for.
    barriers = "speculation=force" if cpu == "qemu64" else ""
    with Machine(debian(engine=engine, memory="128M"), cpu=cpu, arguments=barriers) as m:
        m.expect("speculation: retpolines, .*both done anyway" if barriers
                 else "speculation: retpolines, ")
        m.shell()
        m.run("insmod /lib/modules/$(uname -r)/cpuid.ko")
        kernel, program = leaves(m.run("cpuid k")), leaves(m.run("cpuid"))
        assert not kernel[1, 0][ECX] & bits(31)  # a hypervisor
        if engine == "recompile-all":
            assert kernel == program  # the monitor answers both
        else:
            check(kernel, program)
