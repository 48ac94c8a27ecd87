# SPDX-License-Identifier: MIT
"""Some hundred rounds of the fuzzing kernels (tests/guests/chaos) on each engine; `make
attack-long` is the same for hours.

Ends by what has happened, whatever time that takes. chaos.run() says what must hold; here is that
enough happened for it to mean something: a machine that does not get there in LIMIT rounds fails.
"""
import pytest

import chaos

ROUNDS, LIMIT = 192, 4000  # of each engine
# At least so many of each kind on each engine.
KINDS = {"rounds": ROUNDS, "pf": 15, "gp": 8, "ud": 6, "db": 5, "irq": 50, "task": 2, "probe": 1,
         "ring0": 24, "ring3": 24, "code16": 5,
         "v86": 2, "pae": 30, "clean": 10}
SUMS = 10  # of the bystander
# Where each engine must have run code. Without SMEP there is no raw ring 1.
RAN = {"auto": {"recompiler", "raw3"}, "ring1": {"recompiler", "raw3", "raw1"},
       "recompile": {"recompiler", "raw3"},
       "recompile-all": {"recompiler"}}


def missing(m):
    """What has not happened often enough, by engine."""
    counts = {e: m.kernels[e].counts for e in chaos.ENGINES}
    return {(e, k): counts[e][k] for e in chaos.ENGINES for k,
            n in KINDS.items() if counts[e][k] < n}


def enough(m):
    return not missing(m) and len(m.sums) >= SUMS


@pytest.mark.parametrize("cpu,seed", [("max", 7), ("qemu64", 1007)])
def test_chaos(cpu, seed):
    m = chaos.run(seed, cpu, lambda m: enough(m) or any(m.rounds(e) > LIMIT for e in chaos.ENGINES))
    assert not missing(m)
    assert len(m.sums) >= SUMS
    for engine in chaos.ENGINES:
        ran = {p for p in chaos.PLACES if m.stats[engine]["state.%s.entries" % p]}
        assert m.stats[engine]["vcpu.views_checked"] > 1000
        assert RAN[engine] - ({"raw1"} if cpu == "qemu64" else set()) <= ran, (engine, ran)
