# SPDX-License-Identifier: MIT
"""A program that maps one page very often stops neither its kernel nor the VM beside it.

Under -icount the machine's clock counts executed instructions, the monitor's included: the figures
are the same on any host.
"""
import re

from guests import vm
from machine import ICOUNT, Machine, debian

# pages of fresh memory read and given back, all of them the zero page: 6,144 and 24,576
MIB = (24, 96)
# four times the pages in at most so many times the instructions, where the square would be 16
LINEAR = 6
# seconds without a sign of the neighbour: two slices, what it computes between two signs, and as
# much again
SILENCE = 0.1
# a line of the neighbour, and how many of them the guest may take: it takes 12
NEIGHBOUR = re.compile(r"\[ *(\d+\.\d+)\] by: SUM [^\n]*\n")
PATIENCE = 400


def zeros(m, mib):
    """Runs it; microseconds for reading and for munmap, and when the neighbour was heard. A line of
    the neighbour may stand within a line of the guest, whose slice ended there."""
    m.process.send("zeros %d\r" % mib)
    text, figures = "", []
    while len(figures) < 2:
        m.expect(r"\n")
        text += m.process.before + "\n"
        heard = NEIGHBOUR.findall(text)
        figures = re.findall(r"bench (\w+) \d+ us (\d+)\r", NEIGHBOUR.sub("", text))
        assert len(heard) < PATIENCE, text
    return {what: int(us) for what, us in figures}, [float(at) for at in heard]


def test_one_page_in_many_places():
    config = debian(memory="64M") + vm("by", "bystander", "ring=3 every=500", "auto",
                                       autostart="no")
    with Machine(config, extra=ICOUNT) as m:
        m.shell()
        m.prompt()
        m.process.send("resume by\r")
        m.expect(r"by: SUM")
        m.guest()
        few, _ = zeros(m, MIB[0])
        many, heard = zeros(m, MIB[1])
        silence = max(b - a for a, b in zip(heard, heard[1:]))
        print(few, many, "longest silence of %d: %.3f s" % (len(heard), silence))
        assert all(many[what] < LINEAR * few[what] for what in many)
        assert len(heard) > 8 and silence < SILENCE
