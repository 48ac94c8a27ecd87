# SPDX-License-Identifier: MIT
"""What 16-bit code costs, in executed instructions over bare QEMU's, which every host counts alike:
tests/bench/bench16.py's workloads, held a little above what docs/recompiler.md says. Sums must be
the same on both sides."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "bench"))
import bench16  # noqa: E402

MOST = {"sieve": 1.8, "compiled": 2.9, "calls-real": 2.7, "calls-pm16": 5.2,
        "calls-v86-iopl3": 5.4, "calls-v86-iopl0": 6.5, "calls-bios": 71}


def test_instructions():
    bare = bench16.run(None, bench16.ICOUNT)
    ours = bench16.check(bench16.run("auto", bench16.ICOUNT), bare)
    ratio = {name: ours[name] / bare[name][1] for name in MOST}
    assert set(ratio) == set(bench16.ROWS)
    assert {n: r for n, r in ratio.items() if r > MOST[n]} == {}
