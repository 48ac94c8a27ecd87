# SPDX-License-Identifier: MIT
"""What a debugger's points cost, and what they leave behind: a guest that sums up its own memory
and counts the cycles of its calls (tests/guests/watched.c), from every engine. Under -icount a
cycle is an instruction, so the figures are the same on any host."""
import re

from guests import PLACES, vm
from machine import ICOUNT
from prompt import Prompt, symbols

# A condition that does not hold costs at most so many cycles each time, where the code runs by
# itself and where it is translated.
BARS = {"raw1": 5000, "raw3": 5000, "calls3": 5000, "recompiler0": 500, "recompiler3": 500}
# A program runs raw, but for the page of the function that is called, if it does other work in
# between (raw3). If it does nothing but call, it is translated after a while (calls3).
WORK = 3000
ROWS = {name: (engine, "ring=%d" % ring) for name, (engine, ring) in PLACES.items()}
ROWS["calls3"] = ROWS["raw3"]
ROWS["raw3"] = (ROWS["raw3"][0], ROWS["raw3"][1] + " work=%d" % WORK)
CONDITIONS = ["0", "[watched_word] == 77 && eax != 3",
              "ebx == 0x12345 || byte[esp] == 0 && ecx > 5"]
# In front of the first instruction of the function that is called and of another one; where the
# guest reads, writes and jumps.
ARMED = ["break called", "break called+6", "break sum_of_all", "watch watched_word",
         "watch page_directory 4096 rw", "watch 0x101000 4096 w", "catch interrupt",
         "catch exception", "catch port 0x3f8 8", "catch cr"]


class Watched(Prompt):
    def line(self, name):
        """How often its memory has changed, and the cycles of a call, without
        interrupts and in the mean."""
        self.wait_line(
            r"\] %s: LINE \d+ changed (\d+) calls (\d+) cycles (\d+) mean (\d+)\r" % name)
        changed, calls, best, mean = map(int, self.process.match.groups())
        return changed, best / calls, mean / calls

    def runs(self, name):
        """The guest runs for a while, until it has said what was from a line's beginning on."""
        self.process.send("cont %s\r" % name)
        self.line(name)
        found = self.line(name)
        self.do("pause %s" % name, name, "paused at")
        return found


def test_points():
    at = symbols("watched")
    names = "".join("%08x T %s\n" % (value, name) for name, value in at.items())
    guests = [vm(p, "watched", cmdline, engine, symbols="names.map", verify="yes")
              for p, (engine, cmdline) in ROWS.items()]
    costs = {}
    with Watched(guests, extra=ICOUNT, files={"names.map": names.encode()}) as m:
        for p in ROWS:
            m.line(p)
        m.quiet(*ROWS)
        for p in ROWS:
            m.do("use " + p)
            before = m.runs(p)
            for command in ARMED:
                m.ask(command + " if 0")
            assert len(re.findall(r"\n\d+ +\w+ ", m.ask("break"))) == len(ARMED)
            assert m.runs(p)[0] == 0, p
            m.do("delete all")
            for condition in CONDITIONS:
                m.ask("break called if " + condition)
                costs[p, condition] = m.runs(p)[2] - before[2]
                m.do("delete all")
            # As if there had been none.
            assert m.runs(p)[:2] == before[:2] == (0, before[1]), p
            # And all the while they were there.
            m.ask("break called if [watched_word] == 0 && esp != 0")
            assert m.do("cont", p, r"breakpoint \d+ at") == at["called"]
            m.do("delete all")
    print(costs)
    assert all(0 < cost <= BARS[p] for (p, _), cost in costs.items()), costs
