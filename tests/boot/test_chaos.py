# SPDX-License-Identifier: MIT
"""Some hundred rounds of the fuzzing kernels (tests/guests/chaos) on each engine; `make attack-long` is the same for hours.

Ends by rounds done, whatever time they take. chaos.run() says what must hold; here is that enough happened for it to mean something.
"""
import pytest

import chaos

ROUNDS = 192  # of each engine
# At least so many of each kind on each engine: a third of the least that six other seeds had.
KINDS = {"pf": 15, "gp": 8, "ud": 6, "db": 5, "irq": 50, "task": 2, "ring0": 24, "ring3": 24, "code16": 5, "v86": 2, "pae": 30}
PROBES = 4  # of all engines
# Where code of each engine must have run. Without SMEP there is no raw ring 1.
RAN = {"auto": {"recompiler", "raw3"}, "ring1": {"recompiler", "raw3", "raw1"}, "recompile": {"recompiler", "raw3"},
       "recompile-all": {"recompiler"}}


@pytest.mark.parametrize("cpu,seed", [("max", 7), ("qemu64", 1007)])
def test_chaos(cpu, seed):
    m = chaos.run(seed, cpu, lambda m: all(m.rounds(e) >= ROUNDS for e in chaos.ENGINES))
    assert len(m.sums) >= 10
    counts = {e: m.kernels[e].counts() for e in chaos.ENGINES}
    for engine in chaos.ENGINES:
        assert all(counts[engine][k] >= n for k, n in KINDS.items()), (engine, counts[engine])
        ran = {p for p in chaos.PLACES if m.stats[engine]["state.%s.entries" % p]}
        assert RAN[engine] - ({"raw1"} if cpu == "qemu64" else set()) <= ran, (engine, ran)
    assert sum(c["probe"] for c in counts.values()) >= PROBES
