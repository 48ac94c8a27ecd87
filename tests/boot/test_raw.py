# SPDX-License-Identifier: MIT
"""What raw code does to itself between its entry and its exit, and what a processor below that errs
does to it.

stack16 (16-bit stacks and code, TF, over fills and timer interrupts) prints what it prints on bare
QEMU. stray (IRET with VM in its image, which QEMU's TCG obeys) and misaligned (#AC for ever) end
their own machine at most: the bystander's sums are right and the prompt answers.
"""
from guests import PLACES, Guests, bare_lines, check_bystander, compared, vm
from machine import ICOUNT

# Flags beside VM, and what V86 code does there.
STRAY = {"trap": (0x200, 0), "loop": (0x200, 2), "off": (0, 2), "cli": (0x3200, 1)}


def stray(name, place):
    engine, ring = PLACES[place]
    flags, how = STRAY[name]
    return vm("%s-%s" % (name, place), "stray", "ring=%d flags=%d how=%d" % (ring, flags, how),
              engine)


def check_stray(m, name, place):
    """It passed, or the processor errs and the monitor said so; the recompiler never errs."""
    lines = m.lines("%s-%s" % (name, place))
    passed = any(line.startswith("PASS IRET") for line in lines)
    killed = any(line.startswith("stopped: the processor errs: ") for line in lines)
    assert passed != killed and (passed or place.startswith("raw")), lines


def test_system_registers():
    """sysregs prints what it prints on bare QEMU, and the hypervisor below does not show to
    kernels."""
    with Guests([vm("sysregs-" + p, "sysregs", "ring=%d" % PLACES[p][1], PLACES[p][0])
                 for p in PLACES]) as m:
        m.wait_stopped(["sysregs-" + p for p in PLACES])
        for p in PLACES:
            lines = [line for line in m.lines("sysregs-" + p)
                     if not line.startswith(("16M,", "stopped:"))]
            assert compared(lines) == bare_lines("sysregs", "ring=%d" % PLACES[p][1], "max"), p
            told = {w[1]: [int(v, 16) for v in w[2:]] for w in map(str.split, lines)
                    if w[0] == "cpuid"}
            assert not told["00000001:"][2] >> 31 and told["40000000:"] == [0, 0, 0, 0]
            assert not told["80000001:"][3] >> 30


def test_flags_behind_cmpxchg8b():
    """Stray bits in the flags that QEMU pushes end nobody; timer interrupts come behind CMPXCHG8B,
    too."""
    with Guests([vm("cmpxchg-" + p, "cmpxchg", "ring=%d" % PLACES[p][1], PLACES[p][0])
                 for p in PLACES]) as m:
        m.wait_stopped(["cmpxchg-" + p for p in PLACES])
        for p in PLACES:
            lines = m.lines("cmpxchg-" + p)
            assert len([line for line in lines if line.startswith("PASS")]) == 6, (p, lines)
            assert not any("processor errs" in line for line in lines), (p, lines)


def test_raw_state():
    strays = [(name, place) for name in STRAY
              for place in ("raw1", "raw3")] + [("cli", "recompiler3")]
    sections = [vm("bystander", "bystander", "ring=3", "auto")] + [stray(*s) for s in strays]
    sections += [vm("stack16-" + p, "stack16", "ring=%d" % PLACES[p][1], PLACES[p][0])
                 for p in PLACES]
    # alone has #AC under TCG
    sections += [vm("misaligned", "misaligned", "ring=3", "recompile-all")]
    with Guests(sections) as m:
        m.wait_stopped(["%s-%s" % s for s in strays] + ["stack16-" + p for p in PLACES])
        if "misaligned: halted " not in m.text:
            m.wait_line(r"misaligned: halted with interrupts off[^\n]*\n")
        for _ in range(2):
            m.wait_line(r"bystander: SUM [^\n]*\n")
        m.quiet("bystander")
        for s in strays:
            check_stray(m, *s)
        for p in PLACES:
            lines = [line for line in m.lines("stack16-" + p)
                     if not line.startswith(("16M,", "stopped:"))]
            assert compared(lines) == bare_lines("stack16", "ring=%d" % PLACES[p][1], "max"), p
        assert m.counters("stack16-raw3")["rawexit.changed"] > 0
        assert check_bystander([line for line in m.lines("bystander")
                                if line.startswith("SUM")]) >= 2


# Rounds of drawing by planes, a call of the device or a trap for each byte, and of computing:
# tests/guests/draws.c.
DRAWS = {"often": "rounds=4 draws=40000 compute=1", "rarely": "rounds=40 draws=1 compute=200",
         "turns": "rounds=3 draws=4000 compute=10000"}
TOUCHES = 16  # vmm/raw/raw_device.h


def test_code_that_draws():
    """A program that draws is translated as long as it draws, and raw when it computes: in executed
    instructions, under -icount."""
    cases = {name: ("auto", "ring=3 " + line) for name, line in DRAWS.items()}
    cases["kernel"] = "ring1", "ring=0 " + DRAWS["often"]
    with Guests([vm(name, "draws", line, engine) for name, (engine, line) in cases.items()],
                extra=ICOUNT) as m:
        m.wait_stopped(cases)
        m.prompt()
        stat = {name: m.counters(name) for name in cases}
        for name, (_, line) in cases.items():
            said = [s for s in m.lines(name) if not s.startswith(("16M,", "stopped:"))]
            assert compared(said) == bare_lines("draws", line, "max"), name
    exits = {name: s["rawexit.pf_slow"] for name, s in stat.items()}
    turns = {name: s["raw.device_turns"] for name, s in stat.items()}
    raw = {name: (s["state.raw3.cycles"] + s["state.raw1.cycles"]) / s["state.recompiler.cycles"]
           for name, s in stat.items()}
    print(exits, turns, raw)
    for name in ("often", "kernel"):
        assert turns[name] >= 1 and exits[name] <= TOUCHES * (turns[name] + 1), name
        assert raw[name] < 0.1 and stat[name]["refused.device"] > 0, name
    assert turns["rarely"] == 0 and exits["rarely"] >= 40 and raw["rarely"] > 10
    assert 1 <= turns["turns"] and raw["turns"] > 1
    assert exits["turns"] <= TOUCHES * (turns["turns"] + 3)
