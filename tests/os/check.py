#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every system of tests/boot/systems.py on bare QEMU and under each engine of ours. The table goes
to build/os/table.md.

check.py [NAME[:ENGINE]...]     only these; exit status 1 if one does not reach all its marks, or
notes another thing than bare QEMU
"""
import os
import sys
import tempfile
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/boot"))
from sides import side  # noqa: E402
from systems import SYSTEMS  # noqa: E402

ENGINES = ("auto", "ring1", "recompile", "recompile-all")
TABLE = os.path.join(ROOT, "build/os/table.md")


def run(system, engine):
    """The side after its script, and what went wrong."""
    with tempfile.TemporaryDirectory() as folder, side(system, engine, folder) as m:
        try:
            system.script(m)
        except Exception:  # whatever it is, the next one runs, and the table says so
            return m, traceback.format_exc()
    return m, ""


def row(system, engine, bare, ours, wrong):
    reached, ends = (("%d" % len(ours.marks), ours.marks[-1]) if ours.marks else ("0", ("-", 0.0)))
    seconds = dict(bare.marks).get(ends[0], 0.0)
    ratio = "%.1f" % (ends[1] / seconds) if seconds else "-"
    return "| %s | %s | %s of %d%s | %.1f | %.1f | %s |" % (
        system.name, engine, reached, len(bare.marks), ", " + wrong if wrong else "", seconds,
        ends[1], ratio)


def differences(bare, ours):
    return [name for name in bare.notes if ours.notes.get(name) != bare.notes[name]]


def main():
    wanted = sys.argv[1:] or list(SYSTEMS)
    rows, failed = ["| system | engine | marks | seconds bare | seconds ours | ratio |",
                    "|---|---|---|---|---|---|"], 0
    for name in dict.fromkeys(w.split(":")[0] for w in wanted):
        system = SYSTEMS[name]
        bare, trouble = run(system, "bare")
        if trouble:
            print(trouble)
        engines = [w.split(":")[1] for w in wanted if w.startswith(name + ":")] or ENGINES
        for engine in engines:
            ours, mine = run(system, engine)
            other = differences(bare, ours)
            wrong = ("fails" if mine else "fails on bare QEMU" if trouble
                     else "other: " + ", ".join(other) if other else "")
            failed += bool(wrong)
            rows.append(row(system, engine, bare, ours, wrong))
            print(rows[-1], flush=True)
            if mine:
                print(mine, flush=True)
            for n in other:
                print("%s: bare QEMU has %r, ours %r" % (n, bare.notes[n], ours.notes.get(n)),
                      flush=True)
    with open(TABLE, "w") as f:
        f.write("\n".join(rows) + "\n")
    print("%d of %d as on bare QEMU; %s" % (len(rows) - 2 - failed, len(rows) - 2,
                                            os.path.relpath(TABLE, ROOT)))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
